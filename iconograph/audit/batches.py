"""The answers of a loss at the inputs it is judged on, in groups that share a batch shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from iconograph.audit.fit import Group, Sample
from iconograph.audit.inputs import Labels, Style, Weights, draw, redraw, sized
from iconograph.audit.layout import tangent
from iconograph.audit.precision import precision
from iconograph.audit.probe import Array, Call, Probe, Theirs

SINGLE = 5e-4
"""Tolerance where the code computes in float32: temperatures magnify its rounding."""

DOUBLE = 1e-8
LOOSE = 1e-4
"""The same where a small number is added, as in the root of a squared distance."""


LOW = 1e-6
"""Values whose relative error is larger come from half precision, or something like it."""

TIMES = 100
"""The tolerance of these, by their error: scores over a temperature magnify it."""

COARSE = 0.01
"""A tolerance at which too much would agree."""


@dataclass(frozen=True)
class World:
    """Groups of samples of one style: uneven classes or pairs, joint weights or rows of them.

    `loose` allows for a small number that code adds somewhere, to divide by it or take its root.
    `noise` is the relative error of the code's values.
    """

    labels: Labels
    weights: Weights
    groups: tuple[Group, ...]
    precision: str
    notes: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()
    loose: bool = False
    noise: float = 0.0

    @property
    def tolerance(self) -> float:
        """The largest relative error that counts as agreement."""
        own = SINGLE if self.precision == "float32" else LOOSE if self.loose else DOUBLE
        return max(own, TIMES * self.noise) if self.noise > LOW else own

    @property
    def fitting(self) -> tuple[Sample, ...]:
        """The samples that free numbers are solved on; the others are fresh."""
        return self.groups[0].samples


def ask(probe: Probe, inputs: Mapping[str, Array], held: frozenset[str] = frozenset()) -> Sample:
    """What the loss gives at an input, without the gradient by what is `held`. Raises Theirs."""
    given = {k: np.array(v) for k, v in inputs.items()}
    answer = probe.ask(given)
    gradient = {
        s.name: np.asarray(answer.gradient.get(s.name, np.zeros(np.shape(inputs[s.name]))), float)
        for s in probe.call.slots if s.learned and s.name not in held
    }  # fmt: skip
    return Sample(inputs, float(answer.value), tangent(probe.call, inputs, gradient))


def finite(s: Sample) -> bool:
    """Whether value and gradient are numbers."""
    return bool(np.isfinite(s.value)) and all(np.all(np.isfinite(g)) for g in s.gradient.values())


def single(samples: Sequence[Sample]) -> bool:
    """Whether the answers are float32 numbers: then the code computes in it."""
    entries = np.concatenate([np.ravel(g) for s in samples for g in s.gradient.values()])
    entries = entries[(entries != 0) & np.isfinite(entries)]
    if len(entries) < 8:
        return False
    with np.errstate(over="ignore", under="ignore"):
        return float(np.mean(entries.astype(np.float32).astype(float) == entries)) > 0.9


def styles(call: Call, labels: Labels, weights: Weights, fixed: Mapping[str, int]) -> list[tuple[
    Style, int, bool]]:  # fmt: skip
    """The batch shapes of a world: style, number of inputs, whether a formula may fail there."""
    double = any(e[:-1].isdigit() and e[-1:].isalpha() for s in call.slots for e in s.shape)
    step = -2 if double else 0
    even = labels == "pairs"

    def at(n: int, d: int, **words: object) -> Style:
        return sized(call, n + step, d, fixed, labels=labels, weights=weights, **words)

    plan = [
        (at(6, 4), 2, False),
        (at(8 if even else 7, 3), 3, False),
        (at(6, 5), 3, False),
        (at(6 if even else 5, 3, duplicates=True), 2, True),
        (at(12, 2, extreme=True), 3, True),
        (at(8, 5, extreme=True), 2, True),
    ]
    if any(s.kind == "label" for s in call.slots) and not even:
        lonely = sized(call, 6, 4, fixed, labels="lonely", weights=weights)
        plan.append((lonely, 2, True))
    return plan


def world(
    probe: Probe,
    seed: int,
    labels: Labels,
    weights: Weights,
    fixed: Mapping[str, int],
    held: frozenset[str] = frozenset(),
) -> World:
    """Ask the loss at every input of a world; what is `held` is drawn once for each group.

    Raises:
        Theirs: it fails at a plain input. Where it fails or is not finite at duplicates or with a
            row without positives, a note says so.
    """
    groups, notes = [], []
    for place, (style, count, special) in enumerate(styles(probe.call, labels, weights, fixed)):
        rng = np.random.default_rng([seed, place, len(labels), len(weights)])
        inputs = [draw(probe.call, style, rng)]
        while len(inputs) < count:
            inputs.append(redraw(probe.call, style, rng, inputs[0], held))
        what = "duplicate rows" if style.duplicates else "a row without positives"
        what = "opposite rows, or large scores," if style.extreme else what
        try:
            samples = tuple(ask(probe, x, held) for x in inputs)
        except Theirs as error:
            if not special:
                raise
            notes.append(f"with {what} it fails: {error}")
            continue
        if special and not all(map(finite, samples)):
            notes.append(f"with {what} its value or gradient is not finite")
            continue
        lonely = style.labels == "lonely"
        groups.append(Group(style.words, samples, {}, optional=lonely))
    precision = "float32" if single(groups[0].samples) else "float64"
    return World(labels, weights, tuple(groups), precision, tuple(notes), held)


class Worlds:
    """The worlds of a probe, asked when they are first needed."""

    def __init__(
        self, probe: Probe, seed: int, fixed: Mapping[str, int], *, loose: bool = False
    ) -> None:
        self.probe, self.seed, self.fixed, self.loose = probe, seed, fixed, loose
        self.made: dict[tuple[str, str, frozenset[str]], World] = {}

    @cached_property
    def noise(self) -> float:
        """The relative error of the code's values. Raises Theirs."""
        return precision(self.probe, self.seed)

    def get(self, labels: Labels, weights: Weights, held: frozenset[str]) -> World:
        """One world. Raises Theirs."""
        key = (labels, weights, held)
        if key not in self.made:
            found = world(self.probe, self.seed, labels, weights, self.fixed, held)
            self.made[key] = replace(found, loose=self.loose, noise=self.noise)
        return self.made[key]

    def all(self, held: frozenset[str] = frozenset()) -> Iterator[World]:
        """The worlds that differ for this call. Raises Theirs where it fails in the first."""
        kinds = {s.kind for s in self.probe.call.slots}
        square = any(s.kind == "weight" and s.shape == ("n", "n") for s in self.probe.call.slots)
        pairs: tuple[Labels, ...] = ("uneven", "pairs") if "label" in kinds else ("uneven",)
        sums: tuple[Weights, ...] = ("joint", "share", "row") if square else ("joint",)
        for labels in pairs:
            for weights in sums:
                try:
                    yield self.get(labels, weights, held)
                except Theirs:
                    if not self.made:
                        raise


__all__ = ["World", "Worlds", "ask", "finite", "world"]
