"""The numbers of an input in one row, so that a method's arrays are positions in it.

Stacking views, giving every query keys of its own, rows set to norm 1 or a scale inverted: each is
a choice of positions, and one rule carries gradients back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from iconograph.audit.probe import Array, Call

SCALES: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "{}": (lambda x: x, np.ones_like),
    "1/{}": (lambda x: 1 / x, lambda x: -1 / x**2),
    "log {}": (np.log, lambda x: 1 / x),
    "-{}": (np.negative, lambda x: -np.ones_like(x)),
}
"""What a method's number may be of a scalar argument: the function and its slope."""


class Layout:
    """All numbers of an input, with those derived from them.

    With `unit`, tables of rows are read with every row divided by its norm; with `center`, with the
    mean of all rows taken away.
    """

    def __init__(
        self,
        call: Call,
        inputs: Mapping[str, Array],
        *,
        unit: bool = False,
        center: bool = False,
    ) -> None:
        self.call, self.inputs, self.unit, self.center = call, inputs, unit, center
        self.kinds = {s.name: s for s in call.slots}
        self.parts: list[Array] = []
        self.sends: list[tuple[str, int, Callable[[Array], Array]]] = []
        self.length = 0
        self.places: dict[tuple[str, str], Array] = {}

    def put(self, name: str, how: str, value: Array, send: Callable[[Array], Array]) -> Array:
        """Positions of an array derived from a slot; `send` carries its gradient to the slot's."""
        if (name, how) not in self.places:
            value = np.asarray(value, dtype=float)
            self.places[name, how] = self.length + np.arange(value.size).reshape(value.shape)
            self.parts.append(value.ravel())
            self.sends.append((name, self.length, lambda g: send(g.reshape(value.shape))))
            self.length += value.size
        return self.places[name, how]

    def array(self, name: str) -> Array:
        """Positions of a slot's own numbers."""
        return self.put(name, "", self.inputs[name], lambda g: g)

    def table(self, name: str) -> Array:
        """Positions of the rows of a slot, the coordinates last."""
        if self.center:
            x = np.asarray(self.inputs[name], dtype=float)
            middle = x - x.mean(axis=0)
            return self.put(name, "center", middle, lambda g: g - g.mean(axis=0))
        if not self.unit:
            return self.array(name)
        z = np.asarray(self.inputs[name], dtype=float)
        norms = np.linalg.norm(z, axis=-1, keepdims=True)
        u = z / norms
        return self.put(
            name, "unit", u, lambda g: (g - u * (g * u).sum(axis=-1, keepdims=True)) / norms
        )

    def scalar(self, name: str, how: str) -> Array:
        """The position of a function of SCALES of a scalar slot."""
        value = np.asarray(self.inputs[name], dtype=float)
        function, slope = SCALES[how]
        return self.put(name, how, function(value), lambda g: g * slope(value))

    def slots(self, places: Array) -> set[str]:
        """The slots that some positions belong to."""
        ends = np.cumsum([p.size for p in self.parts])
        return {self.sends[k][0] for k in np.unique(np.searchsorted(ends, places, side="right"))}

    def values(self) -> Array:
        """All numbers."""
        return np.concatenate(self.parts) if self.parts else np.zeros(0)

    def gradient(self, g: Array) -> dict[str, Array]:
        """The gradient by every learned slot, from that by all numbers."""
        learned = [s.name for s in self.call.slots if s.learned]
        out = {name: np.zeros(np.shape(self.inputs[name])) for name in learned}
        sizes = [p.size for p in self.parts]
        for (name, start, send), size in zip(self.sends, sizes, strict=True):
            if name in out:
                out[name] = out[name] + send(g[start : start + size])
        return tangent(self.call, self.inputs, out)


def tangent(
    call: Call, inputs: Mapping[str, Array], gradient: Mapping[str, Array]
) -> dict[str, Array]:
    """A gradient with rows of norm 1 kept on their sphere: there the rest of it means nothing."""
    out = {k: np.asarray(v, dtype=float) for k, v in gradient.items()}
    for s in call.slots:
        if s.kind == "unit" and s.name in out:
            z = np.asarray(inputs[s.name], dtype=float)
            out[s.name] = out[s.name] - z * (out[s.name] * z).sum(axis=-1, keepdims=True)
    return out


__all__ = ["SCALES", "Layout", "tangent"]
