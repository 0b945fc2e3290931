"""Steps of a proof: applications of rules, each made once, and what they are about."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from derive.poly import Binding
from derive.terms import (
    BOOL,
    INDEX,
    Domain,
    Term,
    domain,
    num,
    var,
)
from derive.theorem import MINUS, RULES, Judgement, Theorem

ONE, ZERO = num(1), num(0)


class Steps:
    """Hypotheses, and a memo of rule applications."""

    def __init__(self, hyps: tuple[Judgement, ...], dims: frozenset[Domain] = frozenset()):
        self.hyps, self.dims = hyps, dims
        self.memo: dict[tuple[Any, ...], Theorem] = {}

    def do(self, name: str, *args: Any) -> Theorem:
        """Apply a rule once; the same application again returns the same theorem."""
        key = (name, *args)
        if key not in self.memo:
            self.memo[key] = RULES[name](*args)
        return self.memo[key]

    def axiom(self, name: str, x: Term, y: Term = ZERO, *premises: Theorem) -> Theorem:
        """An instance of an axiom."""
        return self.do("axiom", name, x, y, *premises)

    def ring(self, a: Term, b: Term, *ths: Theorem) -> Theorem:
        """A = b, from equations that add up to it."""
        return self.do("lincomb", a, b, tuple((ONE, (), t) for t in ths))

    def back(self, th: Theorem) -> Theorem:
        """B = a from a = b."""
        _, a, b = th.concl
        return self.do("lincomb", b, a, ((MINUS, (), th),))

    def move(self, sign: Theorem, to: Term) -> Theorem:
        """The same sign for a term equal by ring laws."""
        if sign.concl[1] is to:
            return sign
        return self.do("transport", sign, self.ring(sign.concl[1], to))

    def at(self, th: Theorem, b: Binding) -> Theorem:
        """An instance of a theorem, all variables put in at once."""
        marks = {v: var(f"?{k}", domain(v)) for k, v in enumerate(b) if b[v] is not v}
        for v, m in marks.items():
            th = self.do("inst", th, v, m)
        for v, m in marks.items():
            th = self.do("inst", th, m, b[v])
        return th


def indices(t: Term) -> list[Term]:
    """The closed indices in a term, once each, in a fixed order."""
    seen: dict[Term, None] = {}

    def go(u: Term) -> None:
        if u.op in INDEX and not u.loose:
            seen.setdefault(u)
        for a in u.args:
            go(a)

    go(t)
    return list(seen)


@lru_cache(200_000)
def booleans(t: Term) -> frozenset[Term]:
    """The closed 0/1 atoms of t."""
    if t.op in BOOL:
        return frozenset() if t.loose else frozenset((t,))
    return frozenset[Term]().union(*map(booleans, t.args))
