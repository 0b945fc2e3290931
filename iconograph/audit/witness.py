"""The smallest input, in round numbers, at which a loss and a published formula differ."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from iconograph.audit.against import Trial
from iconograph.audit.batches import Worlds, ask, finite
from iconograph.audit.candidate import Candidate
from iconograph.audit.finding import Witness
from iconograph.audit.fit import Sample, solve
from iconograph.audit.inputs import Labels, Style, draw, sized
from iconograph.audit.probe import Array, Theirs
from iconograph.audit.readings import Unfit
from iconograph.audit.rules import supported
from iconograph.audit.scales import Law, counts

CLEAR = 1e-3
"""Values differ clearly where the difference is larger than this share of them."""


def small(worlds: Worlds, labels: tuple[Labels, ...]) -> Iterator[dict[str, Array]]:
    """Inputs from the smallest on: one size at a time, few coordinates first, round numbers."""
    for n, d in itertools.product(range(2, 7), (1, 2, 3)):
        for kind, seed in itertools.product(labels, range(4)):
            style: Style = sized(worlds.probe.call, n, d, worlds.fixed, labels=kind)
            style = replace(style, round=1.0 if seed % 2 else 0.5)
            rng = np.random.default_rng([n, d, seed])
            made = draw(worlds.probe.call, style, rng)
            tables = [s.name for s in worlds.probe.call.slots if s.shape[-1:] == ("d",)]
            if all(np.all(np.linalg.norm(made[name], axis=-1) > 0) for name in tables):
                yield made


def answers(
    worlds: Worlds, labels: tuple[Labels, ...], limit: int = 90
) -> Iterator[tuple[dict[str, Array], Sample]]:
    """Small inputs and what the loss gives there, where it gives numbers."""
    for inputs in itertools.islice(small(worlds, labels), limit):
        try:
            found = ask(worlds.probe, inputs)
        except Theirs:
            continue
        if finite(found):
            yield inputs, found


def of_variant(worlds: Worlds, base: Candidate, trial: Trial, convention: str) -> Witness | None:
    """Where the published formula differs from the code, which a variant explains.

    The published formula has the scale that the code has, sum or mean, so that the convention is
    all that differs. Where no value does, an entry of the gradient.
    """
    numbers = trial.match.numbers
    plain = trial.law if trial.law.name != "1/positive pairs" else Law(trial.law.factor, "1/rows")
    if any(e.startswith("direction|") for e in trial.candidate.edits):
        plain = Law(1.0, plain.name)  # half of the loss is gone, and the other half not doubled
    sign = -1.0 if trial.opposite else 1.0
    labels: tuple[Labels, ...] = ("uneven", "pairs")
    trivial: Witness | None = None
    for wanted in ("value", "gradient"):
        if trivial is not None:
            return trivial
        for inputs, theirs in answers(worlds, labels):
            found = valued(base, inputs, numbers)
            mine = valued(trial.candidate, inputs, numbers)
            if found is None or mine is None:
                continue
            scale = plain.at(counts(base, inputs))
            own = trial.law.at(counts(trial.candidate, inputs)) * sign
            if wanted == "value":
                explained = abs(own * mine[0] - theirs.value) <= 1e-6 * max(abs(theirs.value), 1e-3)
                ours = scale * found[0]
                if explained and apart(theirs.value, ours):
                    shown = Witness(inputs, theirs.value, ours, "the value", convention)
                    if min(abs(theirs.value), abs(ours)) > 1e-3:
                        return shown
                    trivial = trivial or shown  # a loss that is 0 says less
            elif (entry := differing(theirs.gradient, found[1], scale)) is not None:
                return Witness(inputs, *entry, convention)
    return None


def of_reading(worlds: Worlds, base: Candidate, numbers: Mapping[str, float]) -> Witness | None:
    """Where the published formula as it stands differs from the code, which nothing explains."""
    for inputs, theirs in answers(worlds, ("uneven", "pairs")):
        found = valued(base, inputs, numbers)
        if found is not None and apart(theirs.value, found[0]):
            return Witness(inputs, theirs.value, found[0])
    return None


def of_nearest(worlds: Worlds, base: Candidate, numbers: Mapping[str, float]) -> Witness | None:
    """Where no numbers and no reduction bring formula and code together, which nothing explains.

    The formula has the numbers of the nearest relation, and of the reductions the nearest one.
    """
    for inputs, theirs in answers(worlds, ("uneven", "pairs")):
        found = valued(base, inputs, numbers)
        if found is None or not any(np.any(g) for g in theirs.gradient.values()):
            continue
        batch = counts(base, inputs)
        names = ("", *(side + k for k in batch for side in ("1/", "")))
        ours = min((Law(1.0, n).at(batch) * found[0] for n in names),
                   key=lambda v: abs(v - theirs.value))  # fmt: skip
        if not apart(theirs.value, ours):
            continue
        try:
            left = solve(base.at, base.free, [theirs], quick=True, linear=base.linear)[1]
        except Unfit:
            continue
        if left > CLEAR:
            return Witness(inputs, theirs.value, ours)
    return None


def of_lonely(worlds: Worlds, trial: Trial, convention: str) -> Witness | None:
    """Where a row has no positive: the code, and the formula with such rows counted as zero."""
    only = replace(trial.candidate, formula=supported(trial.candidate.formula))
    for inputs, theirs in answers(worlds, ("lonely",)):
        found = valued(only, inputs, trial.match.numbers)
        if found is None:
            continue
        batch = counts(only, inputs)
        ours = trial.law.at(batch) * found[0]
        if trial.law.name == "":  # a mean of its own, over the rows that are left
            continue
        if apart(theirs.value, ours):
            return Witness(inputs, theirs.value, ours, "the value", convention)
    return None


def valued(
    candidate: Candidate, inputs: Mapping[str, Array], numbers: Mapping[str, float]
) -> tuple[float, dict[str, Array]] | None:
    """Value and gradient of a formula, None where it has none."""
    try:
        value, gradient = candidate.at(inputs, numbers)
    except Unfit:
        return None
    return (value, gradient) if np.isfinite(value) else None


def apart(a: float, b: float) -> bool:
    """Whether two values differ clearly."""
    return bool(np.isfinite(b)) and abs(a - b) > CLEAR * max(abs(a), abs(b), 1e-2)


def differing(
    theirs: Mapping[str, Array], ours: Mapping[str, Array], scale: float
) -> tuple[float, float, str] | None:
    """The entry of two gradients that differs most, if clearly: both numbers, and where."""
    best: tuple[float, float, float, str] | None = None
    for name, g in theirs.items():
        other = scale * ours[name]
        gap = np.abs(g - other)
        if not gap.size or not np.all(np.isfinite(gap)):
            continue
        at = np.unravel_index(int(gap.argmax()), gap.shape)
        if apart(float(g[at]), float(other[at])) and (best is None or gap[at] > best[0]):
            where = f"{name}[{','.join(str(int(k)) for k in at)}]" if at else name
            best = (float(gap[at]), float(g[at]), float(other[at]), where)
    return None if best is None else (best[1], best[2], f"the gradient by {best[3]}")


__all__ = ["of_lonely", "of_nearest", "of_reading", "of_variant"]
