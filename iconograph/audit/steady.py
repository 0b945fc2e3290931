"""Whether a loss is a function, always the same, and its gradient the derivative of its value."""

from __future__ import annotations

from collections.abc import Iterator

from iconograph.audit.calls import SIZES, draw
from iconograph.audit.probe import Theirs
from iconograph.audit.wire import CodeProbe

SAME = 1e-12  # relative; sums in another order
LINES = 3  # along which slopes are compared; at a kink of the loss one of them may mislead
STEP = 1e-4
COARSE = 1e-6  # relative error of values, beyond which their differences say nothing
SLOPE = 1e-4  # relative; central differences are exact to about STEP squared


def steadiness(probe: CodeProbe, seed: int) -> Iterator[str]:
    """What is to be said of a loss that is not always the same.

    Raises:
        Theirs: it differs from call to call although seeds are set and its state is the first one.
    """
    inputs = draw(probe.call, {**SIZES[0], **probe.fixed}, seed)

    def same(a: float, b: float) -> bool:
        return a == b or abs(a - b) <= SAME * max(abs(a), abs(b)) or (a != a and b != b)

    first, second = probe.values(inputs, 2, seed)
    again = probe.values(inputs, 1, seed)[0]
    if not same(first, again):
        raise Theirs(
            f"its value changes from call to call ({first:.10g}, then {again:.10g}), though seeds "
            f"are set and its state is the first one: it keeps a state elsewhere, or draws from a "
            f"source without a seed"
        )
    if not same(first, second):
        yield "its value changes from call to call: it keeps a state, judged here in the first one"
    if not same(first, probe.values(inputs, 1, seed + 1)[0]):
        yield f"its value is random, and is judged with the seed {seed}"


def faithful(probe: CodeProbe, relative: float, seed: int) -> Iterator[str]:
    """What is to be said of a gradient that is not the derivative of the value, by slot.

    Slopes along random lines are compared with central differences of the value, whose relative
    error is `relative`. A loss that holds a part of itself fixed on purpose (BYOL, a teacher) is
    such a one, and so is a backward with a mistake.

    Raises:
        Theirs: the code fails at an ordinary input.
    """
    import numpy as np

    if relative > COARSE:
        yield f"its gradient was not checked by its values, which are exact to {relative:.0e} only"
        return
    random = np.random.default_rng([seed, 1])  # with `seed` the first line is through the origin
    inputs = draw(probe.call, {**SIZES[0], **probe.fixed}, seed)
    found = probe.ask(inputs)
    for slot in probe.call.slots:
        if not slot.learned or not np.any(found.gradient[slot.name]):
            continue  # where no gradient arrives at all, that is noted elsewhere
        wrong = []
        for _ in range(LINES):
            way = random.normal(size=np.shape(inputs[slot.name]))
            ends = [
                probe.ask({**inputs, slot.name: inputs[slot.name] + s * way}, gradient=False).value
                for s in (STEP, -STEP)
            ]
            measured = (ends[0] - ends[1]) / (2 * STEP)
            said = float(np.sum(found.gradient[slot.name] * way))
            noise = 10 * relative * max(map(abs, ends)) / STEP
            if abs(measured - said) > SLOPE * (abs(measured) + abs(said)) + noise:
                wrong.append((said, measured))
        if len(wrong) == LINES:
            said, measured = wrong[0]
            yield (
                f"its gradient by {slot.name} is not the derivative of its value (along a line "
                f"{said:.6g} against {measured:.6g}): it holds parts of itself fixed, or its "
                f"backward is wrong"
            )
