"""Search: a proof of a claim for every N. No hints: both sides go to normal form and must meet."""

from __future__ import annotations

from dataclasses import dataclass

from derive.bridge import Problem
from derive.defined import missing, of_claim
from derive.normal import GaveUp, Normaliser
from derive.signs import ONE
from derive.terms import RuleError, Term, mk, num, total
from derive.theorem import Theorem, icon


@dataclass(frozen=True)
class NotProved:
    """The search ended without a proof: `why`, and the difference left, None if not that far."""

    why: str
    left: Term | None = None


STRATEGIES: tuple[dict[str, bool], ...] = (
    {}, {"split_ne": True}, {"open_dims": True}, {"open_dims": True, "split_ne": True},
)  # fmt: skip


@dataclass(frozen=True)
class Proof:
    """A theorem, and the theorems that make the published formula defined."""

    theorem: Theorem
    defined: tuple[Theorem, ...]


def prove(problem: Problem) -> Proof | NotProved:
    """The theorem `published = scale * icon + constant` with all it needs, or why there is none."""
    try:
        return Search(problem).claim()
    except (GaveUp, RuleError) as e:
        return NotProved(str(e))


class Search:
    """The search for one claim. Each equation takes the strategy that suits it, signs the first."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.ways: dict[int, Normaliser] = {}
        self.plain = self.way(0)

    def way(self, k: int) -> Normaliser:
        """The normaliser of strategy k, made when it is first needed."""
        if k not in self.ways:
            self.ways[k] = Normaliser(self.problem.hyps, self.problem.dims, **STRATEGIES[k])
        return self.ways[k]

    def equal(self, a: Term, b: Term) -> Theorem | NotProved:
        """A = b, by normal forms."""
        first: NotProved | None = None
        for k in range(len(STRATEGIES)):
            if k >= 2 and not self.problem.dims:
                continue
            try:
                found = self.meet(self.way(k), a, b)
            except GaveUp as e:
                found = NotProved(str(e))
            if isinstance(found, Theorem):
                return found
            first = first or found
        assert first is not None
        return first

    def meet(self, way: Normaliser, a: Term, b: Term) -> Theorem | NotProved:
        """A = b, where their normal forms or that of their difference show it."""
        na, ta = way.normal(a)
        nb, tb = way.normal(b)
        uses = [(ONE, (), ta)] if ta else []
        uses += [(num(-1), (), tb)] if tb else []
        if na is not nb:
            rest, th = way.normal(na - nb)
            if rest is not num(0):
                return NotProved("the two sides have different normal forms", rest)
            uses += [(ONE, (), th)] if th else []
        return way.do("lincomb", a, b, tuple(uses))

    def claim(self) -> Proof | NotProved:
        """The whole claim: signs, rows, weights, the equation, definedness."""
        pr, way = self.problem, self.plain
        scale = way.pos(pr.scale)
        if scale is None:
            return NotProved("the scale is not shown to be positive", pr.scale)
        premises = [scale]
        for _, a, nb, m, w, p, k in pr.blocks:
            for what, t, find in (("weight", w, way.nn), ("p", p, way.nn), ("kernel", k, way.pos)):
                if (sign := find(t)) is None:
                    return NotProved(f"the sign of the {what} is not shown", t)
                premises.append(sign)
            row = mk("mul", None, a, total(nb, m * p))
            for what, left, right in (
                ("the condition on anchors is not shown to be 0 or 1", a * a, a),
                ("the condition on neighbours is not shown to be 0 or 1", m * m, m),
                ("p is not shown to sum to one over the allowed neighbours", row, a),
            ):
                eq = self.equal(left, right)
                if isinstance(eq, NotProved):
                    return NotProved(what, eq.left)
                premises.append(eq)
        mass = mk("add", None, *(total(b[0], b[1] * b[4]) for b in pr.blocks))
        weights = self.equal(mass, num(1))
        if isinstance(weights, NotProved):
            return NotProved("the anchor weights are not shown to sum to one", weights.left)
        found, open_ = missing(of_claim(pr.published, pr.scale, pr.constant, pr.blocks), way)
        if open_:
            return NotProved(
                f"the argument of a {open_[0].what} is not shown to be positive", open_[0].arg
            )
        eq = self.equal(pr.published, pr.scale * icon(pr.blocks) + pr.constant)
        if isinstance(eq, NotProved):
            return eq
        claim = way.do(
            "exact",
            pr.published,
            pr.scale,
            pr.constant,
            pr.blocks,
            pr.learned,
            eq,
            *premises,
            weights,
        )
        return Proof(claim, tuple(found))
