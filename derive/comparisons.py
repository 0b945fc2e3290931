"""Losses that are no KL from p to q: the other divergences, and the reverse direction.

The candidates for q are the learned quotients that a formula has, for p what it holds fixed beside
them; each divergence of each pair is first looked at in numbers, at three points of a small model,
where scale and constant are free. What passes is given its scale in symbols, and proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import Any

import flint

from derive import enclose
from derive.bridge import Problem
from derive.claims import DIVERGENCES, FULL, icon, total
from derive.ingredients import Candidates, opened
from derive.instance import LARGEST, Instance, instance, model_at, other_point, work
from derive.models import Model
from derive.poly import times
from derive.rows import Row
from derive.steps import ONE
from derive.terms import Domain, Term, domain, num
from derive.theorem import inv

ORDERED = ("alpha", "cressie-read", "tsallis")
HALF, TWO = num(Fraction(1, 2)), num(2)
POINTS = 3
OTHER = 4  # a size of models that scales are tried at, after the smallest
MOST = 40  # kernels, and candidates for p of each, that are looked at


@dataclass(frozen=True)
class Guess:
    """A pair and how it is compared; `scale` is fitted to numbers."""

    row: Row
    kind: str
    order: Term
    scale: Term


@dataclass(frozen=True)
class Comparer(Candidates):
    """Looks for divergences in a formula."""

    models: dict[tuple[Domain, ...], tuple[Model, Model, Model] | None] = field(
        default_factory=dict
    )

    cases: dict[tuple[Domain, ...], Instance] = field(default_factory=dict)
    ps: dict[tuple[Any, ...], tuple[Term, ...]] = field(default_factory=dict)

    # ------------------------------------------------------------ what fits
    def guesses(self) -> Iterator[Guess]:
        """Pairs and divergences that agree with the formula at three points, up to scale."""
        pairs = list(self.pairs())
        for row in pairs:
            if (q := self.reverse(row)) is not None:
                yield from self.fitted(replace(row, p=q), "reverse-kl", HALF)
        # divergences of an order come last: there are as many of them as numbers in the formula
        for kinds in (self.comparisons(False), self.comparisons(True)):
            known = list(kinds)
            for row in pairs:
                for p in self.distributed(row):
                    for kind, order in known:
                        yield from self.fitted(replace(row, p=p), kind, order)

    def pairs(self) -> Iterator[Row]:
        """Families with a learned kernel and a weight; p is open."""
        for anchors, over, mask, kernel in islice(self.kernels(), MOST):
            for weight in self.weights(anchors):
                yield Row(anchors, ONE, weight, over, mask, ONE, kernel)

    def distributed(self, row: Row) -> tuple[Term, ...]:
        """The candidates for p that sum to one, in numbers; remembered."""
        key = (row.anchors, row.over, row.allowed)
        if key not in self.ps:
            some = dict.fromkeys(self.supervisors(row.anchors, row.over))
            self.ps[key] = tuple(islice((p for p in some if self.sums_to_one(row, p)), MOST))
        return self.ps[key]

    def sums_to_one(self, row: Row, p: Term) -> bool:
        """Whether p sums to one over the neighbours of every anchor of a small model."""
        points = self.points(row.anchors, row.over)
        if points is None or p.free - {*row.anchors, *row.over}:
            return False
        gap = total(row.over, row.allowed * p) - ONE
        probe = replace(self.problem, published=total(row.anchors, gap * gap), learned=())
        case = instance(probe, points[0])
        value = enclose.value(case, case.left)
        return not isinstance(value, enclose.Undefined) and bool(value.contains(0))

    def weights(self, anchors: tuple[Term, ...]) -> Iterator[Term]:
        """Anchor weights: even, and each fixed array over the anchors, divided by its sum."""
        if not anchors:
            yield ONE
            return
        yield inv(total(anchors, ONE))
        for w in self.arrays(anchors):
            yield w * inv(total(anchors, w))

    def fitted(self, row: Row, kind: str, order: Term) -> Iterator[Guess]:
        """The guesses of a pair and a divergence, one for each reading of the scale."""
        if (c := self.fits(row, kind, order)) is not None:
            for scale in self.scales(row, c):
                guess = Guess(row, kind, order, scale)
                if self.agrees(guess):
                    yield guess

    def comparisons(self, ordered: bool) -> Iterator[tuple[str, Term]]:
        """Divergences without an order, or with the orders that the formula suggests."""
        if not ordered:
            yield from ((kind, HALF) for kind in DIVERGENCES if kind not in (*ORDERED, "kl"))
            return
        fixed = [t for t in self.fixed_scalars()]
        orders = [x for s in fixed for x in (s, ONE - s, ONE + s)]
        orders += [num(x) for c in self.powers() for x in (c, 1 - c, 1 + c) if x not in (0, 1)]
        for kind in ORDERED:
            yield from ((kind, a) for a in dict.fromkeys((*orders, HALF, TWO)))

    def powers(self) -> list[Fraction]:
        """The numbers between 0 and 4, whole ones aside, that the formula multiplies by."""
        found = (t.data for t in opened(self.problem.published, self.problem.dims) if t.op == "num")
        fractions = dict.fromkeys(abs(x) for x in found if x.denominator > 1)
        return [x for x in fractions if x < 4][:2]

    def claim(self, row: Row, kind: str, order: Term) -> Problem:
        """The claim that this is the divergence."""
        return replace(
            self.problem, blocks=(row.block(ONE),), divergence=kind, degree=order
        )  # fmt: skip

    def fits(self, row: Row, kind: str, order: Term) -> Any | None:
        """The scale at a small model, a ball, where some scale and constant fit three points."""
        points = self.points(row.anchors, row.over)
        if points is None:
            return None
        try:
            key = tuple(map(domain, (*row.anchors, *row.over)))
            if key not in self.cases:  # the formula is put on a tape once for all divergences
                self.cases[key] = instance(self.problem, points[0])
            base, d = self.cases[key], icon((row.block(ONE),), kind, order)
            found, c, _ = enclose.ratio(replace(base, icon=base.evaluator.value(d)), points)
        except (ArithmeticError, KeyError, ValueError):
            return None
        return c if found == "affine" else None

    def agrees(self, guess: Guess) -> bool:
        """Whether the scale fits a model of another size, too; where none is found it may."""
        claim = replace(self.claim(guess.row, guess.kind, guess.order), scale=guess.scale)
        model = model_at(claim, OTHER, 0)
        others = model and [other_point(self.problem, model, seed) for seed in (1, 2)]
        if not model or not others or work(claim, model.sizes) > LARGEST:
            return True
        gaps = []
        for m in others:
            if m is None:
                return True
            case = instance(claim, m)
            gap = enclose.value(case, case.diff)
            if isinstance(gap, enclose.Undefined):
                return False
            gaps.append(gap)
        return close(gaps[0], gaps[1])

    def points(
        self, anchors: tuple[Term, ...], over: tuple[Term, ...]
    ) -> tuple[Model, Model, Model] | None:
        """Three points of a small model in which anchors and neighbours are several."""
        key = tuple(map(domain, (*anchors, *over)))
        if key not in self.models:
            flat_row = Row(anchors, ONE, ONE, over, ONE, ONE, ONE)
            model = model_at(self.claim(flat_row, "kl", HALF), 3, 0)
            others = model and [other_point(self.problem, model, seed) for seed in (1, 2)]
            known = [m for m in (model, *(others or ())) if m is not None]
            self.models[key] = (known[0], known[1], known[2]) if len(known) == POINTS else None
        return self.models[key]

    def scales(self, row: Row, c: Any) -> Iterator[Term]:
        """Simple expressions that have the value of the scale at the small model."""
        points = self.points(row.anchors, row.over)
        assert points is not None
        model = points[0]
        n = total(row.anchors, ONE) if row.anchors else ONE
        counted = all(isinstance(domain(v), str) for v in row.over)
        m = inv(total(row.over, ONE)) if counted else ONE
        fixed = self.fixed_scalars()
        units = [ONE, *fixed, *(ONE - s for s in fixed)]
        units += [num(x) for c in self.powers() for x in (c, 1 - c, 1 / c) if x > 0]
        units += [total(row.anchors, w) for w in self.arrays(row.anchors)]
        units += [a * b for a in fixed for b in (*fixed, *(inv(s) for s in fixed))]
        for unit in units:
            for size in dict.fromkeys((ONE, n, inv(n), m)):
                for k in (ONE, TWO, HALF):
                    t = times([f for f in (k, unit, size) if f is not ONE])
                    probe = replace(self.problem, published=t, learned=())
                    case = instance(probe, model)
                    value = enclose.value(case, case.left)
                    if not isinstance(value, enclose.Undefined) and close(value, c):
                        yield t

    def rows(self, guess: Guess) -> Problem | None:
        """The claim of a guess with its constant, None where something learned is left in it."""
        claim = self.claim(guess.row, guess.kind, guess.order)
        d = icon(claim.blocks, guess.kind, guess.order)
        rest = self.taker.rest(self.problem.published, guess.scale * d)
        if rest is None or (guess.kind in FULL and not self.taker.ways[0].pos(guess.row.p)):
            return None
        return replace(claim, scale=guess.scale, constant=rest)


def close(a: Any, b: Any) -> bool:
    """Whether two balls overlap."""
    with flint.ctx.workprec(128):
        return bool((flint.arb(a) - b).contains(0))
