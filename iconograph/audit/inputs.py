"""Inputs to compare losses on: sizes, uneven classes, rows without positives, duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from iconograph.audit.probe import Array, Call, Slot

Labels = Literal["uneven", "pairs", "lonely"]
Weights = Literal["joint", "row", "share"]


@dataclass(frozen=True)
class Style:
    """What inputs are like.

    `sizes` gives the extents by letter. Labels: `uneven` classes of at least two, `pairs` of
    classes of exactly two, or `lonely`: uneven with one row that is alone in its class. Weights of
    n x n pairs are symmetric with sum one, or have rows with sum one, or a share of 1/n each.
    `duplicates` makes the last row of every array equal to its first. `extreme` puts rows on three
    lines, close to one another or opposite, with norms from 0.2 to 3; what is no row is five times
    as large. `round` draws multiples of it, for people to read.
    """

    sizes: Mapping[str, int]
    labels: Labels = "uneven"
    weights: Weights = "joint"
    duplicates: bool = False
    extreme: bool = False
    round: float = 0.0

    @property
    def words(self) -> str:
        """Sizes and what is special, in words."""
        said = [f"{k}={v}" for k, v in sorted(self.sizes.items())]
        said += [self.labels] if self.labels != "uneven" else []
        said += ["duplicates"] if self.duplicates else []
        said += ["opposite rows"] if self.extreme else []
        return " ".join(said)


def sized(call: Call, n: int, d: int, fixed: Mapping[str, int], **words: object) -> Style:
    """A style with n rows, for the letters that the call has; other extents follow from n."""
    wanted = {"n": n, "d": d, "m": n + 2, "v": 2, "c": n + 1}
    letters = {e[-1] for s in call.slots for e in s.shape if not e.isdigit()}
    sizes = {k: fixed.get(k, wanted.get(k, 3)) for k in letters | {"n"}}
    return replace(Style(sizes), **words)  # type: ignore[arg-type]


def extent(text: str, sizes: Mapping[str, int]) -> int:
    """The number that an extent such as 2n, d or 4 means."""
    if text.isdigit():
        return int(text)
    return int(text[:-1] or 1) * sizes[text[-1]]


def draw(call: Call, style: Style, rng: np.random.Generator) -> dict[str, Array]:
    """An input: an array for every slot. What is given is drawn before what is learned."""
    order = sorted(call.slots, key=lambda s: s.learned)
    made = {s.name: drawn(s, call, style, rng) for s in order}
    return {s.name: made[s.name] for s in call.slots}


def redraw(
    call: Call,
    style: Style,
    rng: np.random.Generator,
    inputs: Mapping[str, Array],
    held: frozenset[str] = frozenset(),
) -> dict[str, Array]:
    """The input with everything learned drawn anew, but for `held`: same labels and weights."""
    new = {s.name: drawn(s, call, style, rng) for s in call.slots if s.learned}
    return {s.name: inputs[s.name] if s.name in held else new.get(s.name, inputs[s.name])
            for s in call.slots}  # fmt: skip


def drawn(slot: Slot, call: Call, style: Style, rng: np.random.Generator) -> Array:
    """A value of one slot."""
    shape = tuple(extent(e, style.sizes) for e in slot.shape)
    if slot.kind == "label":
        return labels(shape[0], style.labels, rng, any("v" in s.shape for s in call.slots))
    if slot.kind == "target":
        return rng.integers(0, columns(call, style), size=shape)
    if slot.kind == "weight":
        return weights(shape, style.weights, rng)
    if slot.kind == "scale":
        value = rng.uniform(0.7, 3.0, size=shape)
        return np.round(value * 2) / 2 if style.round else value
    value = rng.normal(size=shape)
    if style.extreme:
        value = lines(shape, rng) if slot.shape[-1:] == ("d",) else 5 * value
    if style.round and slot.kind == "real":
        return np.round(value / style.round) * style.round
    if style.duplicates and len(shape) > 1:
        value[-1] = value[0]
    return value / np.linalg.norm(value, axis=-1, keepdims=True) if slot.kind == "unit" else value


def lines(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Rows on three lines, the same for every array of d coordinates, up to an angle.

    A line's first rows are within 1e-2 of it, others within 0.2: what is clamped, clipped or added
    far from ordinary inputs shows there.
    """
    d = shape[-1]
    ways = np.random.default_rng(d).normal(size=(3, d))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    sign = rng.choice([-1.0, 1.0], shape[:-1])[..., None]
    value = ways[rng.integers(0, 3, size=shape[:-1])] * sign
    value = value + rng.choice([0.005, 0.1], shape[:-1])[..., None] * rng.normal(size=shape)
    return value * np.exp(rng.uniform(np.log(0.2), np.log(3), shape[:-1]))[..., None]


def columns(call: Call, style: Style) -> int:
    """How many columns a target chooses from: those of the first array of scores or of keys."""
    arrays = [s for s in call.slots if s.learned and len(s.shape) > 1]
    for s in arrays:
        if s.shape[-1] != "d":
            return extent(s.shape[-1], style.sizes)
    rows = [extent(s.shape[0], style.sizes) for s in arrays]
    return rows[-1] if rows else style.sizes["n"]


def labels(n: int, kind: Labels, rng: np.random.Generator, views: bool) -> Array:
    """Classes of n rows; with several views of a row a class may have one row."""
    if kind == "pairs":
        order = np.arange(n) // 2
    elif kind == "lonely":
        order = np.concatenate([[0], 1 + uneven(n - 1)]) if n > 1 else np.zeros(1, dtype=int)
    else:
        order = np.arange(n) * 2 // 3 if views else uneven(n)
    return np.asarray(rng.permutation(order), dtype=np.int64)


def uneven(n: int) -> Array:
    """Classes of two rows but for the last, which has the rest: three or four where n is over 4.

    >>> uneven(7).tolist(), uneven(6).tolist()
    ([0, 0, 1, 1, 2, 2, 2], [0, 0, 1, 1, 1, 1])
    """
    last = max((n - 1) // 2 - 1, 0)
    return np.minimum(np.arange(n) // 2, last)


def weights(shape: Sequence[int], kind: Weights, rng: np.random.Generator) -> Array:
    """Positive weights; square ones have no self pairs."""
    value = rng.uniform(0.2, 1.0, size=tuple(shape))
    if len(shape) == 2 and shape[0] == shape[1]:
        value = value * (1 - np.eye(shape[0]))
        if kind == "joint":
            value = value + value.T
            return value / value.sum()
    rows = value / value.sum(axis=-1, keepdims=True)
    return rows / len(rows) if kind == "share" else rows


__all__ = ["Style", "draw", "redraw", "sized"]
