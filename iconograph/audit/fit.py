"""Whether a formula agrees with a loss: the numbers left free, and the scale batch by batch.

Two losses agree up to scale and constant where one gradient is a positive multiple of the other at
every input, and differences of values follow. The multiple may depend on the sizes and classes of a
batch (sum against mean), so inputs come in groups that share them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.spec import Declaration
from catalog.symbols import Sym
from iconograph.audit.candidate import Candidate
from iconograph.audit.probe import Array
from iconograph.audit.readings import Unfit

Reference = Callable[[Mapping[str, Array], Mapping[str, float]], tuple[float, dict[str, Array]]]


@dataclass(frozen=True)
class Sample:
    """An input, and what the code returned there: value, and gradient by slot."""

    inputs: Mapping[str, Array]
    value: float
    gradient: Mapping[str, Array]


@dataclass(frozen=True)
class Group:
    """Samples of one batch shape: same sizes, classes, targets and weights.

    `optional` marks what a formula may have no value for, such as a row without positives.
    """

    words: str
    samples: tuple[Sample, ...]
    counts: Mapping[str, float]
    optional: bool = False


@dataclass(frozen=True)
class Match:
    """How a candidate compares: the free numbers, and scale, constant and error by group.

    `slips` are the errors of gradients alone, `errors` the larger of that and the error of values.
    """

    candidate: Candidate
    numbers: Mapping[str, float]
    scales: tuple[float, ...]
    constants: tuple[float, ...]
    errors: tuple[float, ...]
    slips: tuple[float, ...] = ()

    @property
    def error(self) -> float:
        """The largest error of the groups compared."""
        return max((e for e in self.errors if not np.isnan(e)), default=np.inf)


def flat(gradient: Mapping[str, Array], slots: Iterable[str]) -> Array:
    """All entries of a gradient by some slots."""
    return np.concatenate([np.ravel(gradient[k]) for k in sorted(slots)])


# --------------------------------------------------------------------------- free numbers


def value_of(d: Declaration, x: float) -> float:
    """The number at an unbounded coordinate, by what the file declares it to be."""
    kind = d.form.kind if isinstance(d.form, Sym) else "real"
    if kind == "positive":
        return float(np.exp(np.clip(x, -12, 12)))
    if kind == "probability":
        return float(0.5 + 0.5 * np.tanh(x / 2))
    return x


def coordinate(d: Declaration, value: float) -> float:
    """The coordinate of a number: `value_of` undone."""
    kind = d.form.kind if isinstance(d.form, Sym) else "real"
    if kind == "positive":
        return float(np.log(value))
    if kind == "probability":
        return float(2 * np.arctanh(2 * np.clip(value, 1e-9, 1 - 1e-9) - 1))
    return value


STARTS: Mapping[str, tuple[float, ...]] = {
    "positive": tuple(
        np.log([0.02, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 4, 10, 30])
    ),
    "probability": (-2.2, -1.0, 0.0, 1.0),
    "nonnegative": (0.2, 1.0, 0.5, 5.0, 0.35, 0.0),
    "real": (0.0, 1.0, -1.0),
}
COARSE = tuple(np.log([1e-4, 1e-2, 0.07, 0.3, 1, 10, 30]))
"""The same for each of several positive numbers."""

MOST = 40
"""How many starts are tried."""

NEAR = 0.4
"""The same where weights of terms are solved for at every start."""

HOPELESS = 0.75
"""A residual at the best start that is not followed up in a quick look: a grid this fine would have
come nearer."""


def starts(free: Sequence[Declaration]) -> list[Array]:
    """Where to begin: all of a grid for one number, a spread of it for several."""
    kinds = [d.form.kind if isinstance(d.form, Sym) else "real" for d in free]
    lists = [STARTS.get(k, (0.0,)) for k in kinds]
    if len(free) > 1:
        lists = [COARSE if k == "positive" else x[:3] for k, x in zip(kinds, lists, strict=True)]
    grid = [np.asarray(x) for x in itertools.product(*lists)]
    if len(grid) > MOST:
        grid = [grid[k] for k in np.random.default_rng(0).choice(len(grid), MOST, replace=False)]
    return grid


def residual(
    reference: Reference,
    samples: Sequence[Sample],
    numbers: Mapping[str, float],
    *,
    valued: bool = False,
) -> tuple[Array, float]:
    """What is left of the gradients after the best multiple, relative to them, and the multiple.

    All ones where the reference has no value. With `valued`, so is what is left of the difference
    of two values: a margin inside a hinge does not show in the gradient.
    """
    theirs, ours, values = [], [], []
    for s in samples:
        value, gradient = reference(s.inputs, numbers)
        if not np.isfinite(value):
            return np.ones(1), 0.0
        values.append(value)
        theirs.append(flat(s.gradient, s.gradient))
        ours.append(flat(gradient, s.gradient))
    g, r = np.concatenate(theirs), np.concatenate(ours)
    norm = np.linalg.norm(g)
    if not np.all(np.isfinite(r)) or not norm:
        return np.ones(1), 0.0
    size = float(r @ r)
    scale = float(g @ r) / size if size else 0.0
    left = (g - scale * r) / norm
    if valued and len(samples) > 1:
        gaps = [s.value - scale * v for s, v in zip(samples, values, strict=True)]
        left = np.append(left, (gaps[1] - gaps[0]) / max(abs(s.value) for s in samples))
    return left, scale


def solve(
    reference: Reference,
    free: Sequence[Declaration],
    samples: Sequence[Sample],
    *,
    quick: bool,
    near: Mapping[str, float] | None = None,
    linear: Sequence[str] = (),
) -> tuple[dict[str, float], float]:
    """The free numbers at which the gradients agree best, and the relative error left.

    With `quick`, only the best start is refined, of fewer where `near` is one of them. `linear` are
    the weights of the terms of a sum: with several, they are solved for by least squares.
    """

    def at(x: Array) -> dict[str, float]:
        return {d.name: value_of(d, float(v)) for d, v in zip(free, x, strict=True)}

    hinge = any(isinstance(d.form, Sym) and d.form.kind == "nonnegative" for d in free)
    used = samples if hinge else samples[:1]

    def left_at(x: Array, used: Sequence[Sample]) -> Array:
        return residual(reference, used, at(x), valued=hinge)[0]

    if len(linear) > 1:
        return projected(reference, free, linear, samples, quick=quick)
    if not free:
        return {}, float(np.linalg.norm(residual(reference, samples, {})[0]))
    grid = starts(free)
    if near is not None and all(d.name in near for d in free):
        own = np.asarray([coordinate(d, near[d.name]) for d in free])
        grid = [*grid[:: max(1, len(grid) // 4)], own]
    errors = [(round(norm(left_at(x, used)), 12), k) for k, x in enumerate(grid)]
    ranked = sorted(errors)[: 1 if quick else 3]
    if quick and ranked[0][0] > HOPELESS:
        return at(grid[ranked[0][1]]), ranked[0][0]
    best = [grid[k] for _, k in ranked]
    found = [refined(lambda x: left_at(x, used), x)[0] for x in best]
    ends = [(norm(left_at(x, samples)), at(x)) for x in found]
    left, numbers = min(ends, key=lambda e: e[0])
    return numbers, left


def projected(
    reference: Reference,
    free: Sequence[Declaration],
    linear: Sequence[str],
    samples: Sequence[Sample],
    *,
    quick: bool,
) -> tuple[dict[str, float], float]:
    """The weights of terms by least squares, at the best of the other numbers; scale 1."""
    others = [d for d in free if d.name not in linear]

    def weighed(x: Array, samples: Sequence[Sample]) -> tuple[dict[str, float], Array]:
        g = np.concatenate([flat(s.gradient, s.gradient) for s in samples])
        numbers = {d.name: value_of(d, float(v)) for d, v in zip(others, x, strict=True)}
        columns = []
        for name in linear:
            alone = numbers | {other: float(other == name) for other in linear}
            terms = [flat(reference(s.inputs, alone)[1], s.gradient) for s in samples]
            columns.append(np.concatenate(terms))
        basis = np.nan_to_num(np.stack(columns, axis=1))
        weights, *_ = np.linalg.lstsq(basis, g, rcond=None)
        left = (basis @ weights - g) / max(norm(g), 1e-300)
        return numbers | dict(zip(linear, map(float, weights), strict=True)), left

    grid = starts(others) if others else [np.zeros(0)]
    first = samples[:1]
    ranked = sorted((norm(weighed(x, first)[1]), k) for k, x in enumerate(grid))
    if quick and ranked[0][0] > NEAR:
        return weighed(grid[ranked[0][1]], first)[0], ranked[0][0]
    ends = [grid[k] for _, k in ranked[: 1 if quick else 2]]
    if others:
        ends = [refined(lambda x: weighed(x, first)[1], x, steps=15)[0] for x in ends]
    x = min(ends, key=lambda e: norm(weighed(e, samples)[1]))
    numbers, left = weighed(x, samples)
    return numbers, norm(left)


def refined(f: Callable[[Array], Array], x: Array, steps: int = 25) -> tuple[Array, float]:
    """Damped Gauss-Newton from x with differences for slopes: the point and the norm there."""
    r = f(x)
    damping = 1e-3
    for _ in range(steps):
        size = float(np.linalg.norm(r))
        if size < 1e-13:
            break
        slopes = []
        for k in range(len(x)):
            step = np.zeros(len(x))
            step[k] = 1e-6
            up, down = f(x + step), f(x - step)
            if up.shape != r.shape or down.shape != r.shape:
                return x, size
            slopes.append((up - down) / 2e-6)
        J = np.stack(slopes, axis=1)
        A, b = J.T @ J, J.T @ r
        if not np.all(np.isfinite(A)):
            return x, size
        moved = False
        for _ in range(6):
            lift = damping * (np.diag(np.diag(A)) + 1e-12 * np.eye(len(x)))
            step = np.clip(np.linalg.lstsq(A + lift, -b, rcond=None)[0], -2, 2)
            new = f(x + step)
            if new.shape == r.shape and np.linalg.norm(new) < size:
                x, r, damping, moved = x + step, new, damping / 10, True
                break
            damping *= 10
        after = float(np.linalg.norm(r))
        # near a true zero steps square the error: what falls slowly goes to no zero
        if not moved or after > (0.995 if size > 1e-3 else 0.9999999) * size:
            break
    return x, float(np.linalg.norm(r))


# --------------------------------------------------------------------------- all groups


def compared(
    candidate: Candidate,
    numbers: Mapping[str, float],
    groups: Sequence[Group],
    reference: Reference | None = None,
) -> Match:
    """The candidate against every group: NaN where it has no value there."""
    reference = reference or candidate.at
    found = [against(reference, numbers, group.samples) for group in groups]
    scales, constants, slips, values = zip(*found, strict=True)
    errors = tuple(np.maximum(a, b) for a, b in zip(slips, values, strict=True))
    return Match(candidate, numbers, scales, constants, errors, slips)


def against(
    reference: Reference, numbers: Mapping[str, float], samples: Sequence[Sample]
) -> tuple[float, float, float, float]:
    """Scale, constant, and the largest errors of gradient and value in one group.

    NaN where the reference has no value. The error of gradients is relative to the gradient's norm,
    that of values to the values.
    """
    found = []
    for s in samples:
        try:
            value, gradient = reference(s.inputs, numbers)
        except Unfit:
            return np.nan, np.nan, np.nan, np.nan
        found.append((value, flat(gradient, s.gradient)))
    if not all(np.isfinite(v) and np.all(np.isfinite(g)) for v, g in found):
        return np.nan, np.nan, np.nan, np.nan
    theirs = [flat(s.gradient, s.gradient) for s in samples]
    g = np.concatenate(theirs)
    r = np.concatenate([x for _, x in found])
    if not (np.all(np.isfinite(g)) and np.all(np.isfinite([s.value for s in samples]))):
        return np.nan, np.nan, np.inf, np.inf
    size = float(r @ r)
    if not size or not np.linalg.norm(g):
        same = size == float(g @ g)
        none = np.nan if same else np.inf
        return np.nan, np.nan, none, none
    scale = float(g @ r) / size
    wrong = 0.0
    for own, (_, x) in zip(theirs, found, strict=True):
        wrong = max(wrong, norm(own - scale * x) / max(norm(own), 1e-300))
    left = np.asarray([s.value - scale * v for s, (v, _) in zip(samples, found, strict=True)])
    large = max(*(abs(s.value) for s in samples), *(abs(scale * v) for v, _ in found), 1e-12)
    constant = float(left.mean())
    return scale, constant, float(wrong), float(np.abs(left - constant).max()) / large


def norm(x: Array) -> float:
    """The Euclidean norm."""
    return float(np.linalg.norm(x))


__all__ = ["Group", "Match", "Sample", "compared", "solve"]
