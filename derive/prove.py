"""Search: a proof of a claim for every N. No hints: both sides go to normal form and must meet."""

from __future__ import annotations

from dataclasses import dataclass

from derive.bridge import Problem
from derive.normal import GaveUp, Normaliser
from derive.signs import ONE
from derive.terms import RuleError, Term, mk, num, total
from derive.theorem import Theorem, icon


@dataclass(frozen=True)
class NotProved:
    """The search ended without a proof: `why`, and the difference it could not close (None if not that far)."""

    why: str
    left: Term | None = None


STRATEGIES = ({}, {"split_ne": True}, {"open_dims": True}, {"open_dims": True, "split_ne": True})


def prove(problem: Problem) -> Theorem | NotProved:
    """The theorem `published = scale * icon + constant` with all it needs, or why none was found."""
    last: NotProved | None = None
    for options in STRATEGIES:
        try:
            found = Attempt(problem, **options).claim()
        except (GaveUp, RuleError) as e:
            found = NotProved(str(e))
        if isinstance(found, Theorem):
            return found
        last = last or found
    assert last is not None
    return last


class Attempt(Normaliser):
    """One strategy on one problem."""

    def __init__(self, problem: Problem, *, open_dims: bool = False, split_ne: bool = False):
        super().__init__(problem.hyps, problem.dims, open_dims=open_dims, split_ne=split_ne)
        self.problem = problem

    def equal(self, a: Term, b: Term) -> Theorem | NotProved:
        """a = b, by normal forms."""
        na, ta = self.normal(a)
        nb, tb = self.normal(b)
        if na is not nb:
            rest, _ = self.normal(na - nb)
            if rest is not num(0):
                return NotProved("the two sides have different normal forms", rest)
            ta2 = self.normal(na - nb)[1]
            uses = [(ONE, (), t) for t in (ta, ta2) if t] + ([(num(-1), (), tb)] if tb else [])
            return self.do("lincomb", a, b, tuple(uses))
        uses = ([(ONE, (), ta)] if ta else []) + ([(num(-1), (), tb)] if tb else [])
        return self.do("lincomb", a, b, tuple(uses))

    def claim(self) -> Theorem | NotProved:
        """The whole claim: signs, rows, weights, then the equation."""
        pr = self.problem
        signs, rows = [], []
        scale = self.pos(pr.scale)
        if scale is None:
            return NotProved("the scale is not shown to be positive", pr.scale)
        signs.append(scale)
        for _, a, nb, m, w, p, k in pr.blocks:
            for what, t, find in (("weight", w, self.nn), ("p", p, self.nn), ("kernel", k, self.pos)):
                if (s := find(t)) is None:
                    return NotProved(f"the sign of the {what} is not shown", t)
                signs.append(s)
            row = self.equal(mk("mul", None, a, total(nb, m * p)), a)
            if isinstance(row, NotProved):
                return NotProved("p does not sum to one over the allowed neighbours", row.left)
            rows.append(row)
        mass = mk("add", None, *(total(b[0], b[1] * b[4]) for b in pr.blocks))
        weights = self.equal(mass, num(1))
        if isinstance(weights, NotProved):
            return NotProved("the anchor weights do not sum to one", weights.left)
        eq = self.equal(pr.published, pr.scale * icon(pr.blocks) + pr.constant)
        if isinstance(eq, NotProved):
            return eq
        return self.do(
            "exact", pr.published, pr.scale, pr.constant, pr.blocks, pr.learned, eq, tuple(signs), tuple(rows), weights
        )


