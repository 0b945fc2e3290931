"""Whether the gradient that a loss gives is the derivative of its value, and that derivative.

A stop-gradient makes the two differ on purpose, a hand-written backward pass by mistake.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from iconograph.audit.batches import LOW, Worlds, ask
from iconograph.audit.finding import Witness
from iconograph.audit.inputs import draw, sized
from iconograph.audit.layout import tangent
from iconograph.audit.probe import Answer, Array, Call, Probe

STEP = 1e-3
"""The step of the differences, of order six: their error is about 1e-9 in double precision."""


def step_for(noise: float) -> float:
    """The step at which the error of values, which is `noise`, and that of the order balance."""
    return float(min(max(STEP, (noise / 10) ** (1 / 7)), 0.05)) if noise > 1e-12 else STEP


SEVEN = ((1, 45.0), (2, -9.0), (3, 1.0))
"""The weights of a central difference of order six, over 60 steps."""


class ByValue:
    """A probe whose gradients are differences of its values."""

    def __init__(self, probe: Probe, noise: float = 0.0) -> None:
        self.probe, self.step = probe, step_for(noise)
        self.call: Call = probe.call

    def ask(self, inputs: Mapping[str, Array], *, gradient: bool = True) -> Answer:
        """The value, and differences of it. Raises Theirs."""
        answer = self.probe.ask(inputs, gradient=False)
        found: dict[str, Array] = {}
        for s in self.call.slots if gradient else ():
            if s.learned:
                found[s.name] = self.slopes(inputs, s.name)
        return Answer(answer.value, answer.rows, found)

    def slopes(self, inputs: Mapping[str, Array], name: str) -> Array:
        """The derivative of the value by one argument. Raises Theirs."""
        x = np.asarray(inputs[name], dtype=float)
        out = np.zeros(x.size)
        for k in range(x.size):
            e = np.zeros(x.size)
            e[k] = self.step
            for times, weight in SEVEN:
                step = times * e.reshape(x.shape)
                up = self.probe.ask({**inputs, name: x + step}, gradient=False).value
                down = self.probe.ask({**inputs, name: x - step}, gradient=False).value
                out[k] += weight * (up - down) / (60 * self.step)
        return out.reshape(x.shape)

    def hessian(self, inputs: Mapping[str, Array], name: str) -> Array:
        """That of the probe, which nobody asks for here. Raises Theirs."""
        return self.probe.hessian(inputs, name)


def inconsistent(worlds: Worlds) -> Witness | None:
    """The entry in which gradient and derivative of the value differ most, at a small round input.

    None where they agree, where the loss has a kink there, or where its values are too coarse for
    differences. An argument without any gradient is
    held fixed, which is no mistake.
    """
    call = worlds.probe.call
    if worlds.noise > LOW:
        return None
    by_value = ByValue(worlds.probe, worlds.noise)
    for n, seed in ((3, 0), (4, 1), (4, 2)):
        style = sized(call, n, 2, worlds.fixed, round=0.5)
        inputs = draw(call, style, np.random.default_rng([n, seed]))
        theirs = ask(worlds.probe, inputs)
        slopes = {k: by_value.slopes(inputs, k) for k, g in theirs.gradient.items() if np.any(g)}
        if not slopes:
            return None
        right = tangent(call, inputs, slopes)
        size = max(float(np.abs(v).max()) for v in right.values())
        worst = None
        for name, other in right.items():
            g = theirs.gradient[name]
            gap = np.abs(g - other)
            at = np.unravel_index(int(gap.argmax()), gap.shape)
            if gap[at] > 1e-3 * size and (worst is None or gap[at] > worst[0]):
                where = f"{name}[{','.join(str(int(k)) for k in at)}]" if at else name
                worst = (float(gap[at]), float(g[at]), float(other[at]), where)
        if worst is None:
            return None
        if seed:  # twice: no kink
            what = f"the gradient by {worst[3]}, and the derivative of the value"
            return Witness(inputs, worst[1], worst[2], what, "the gradient is not of the value")
    return None


__all__ = ["ByValue", "inconsistent"]
