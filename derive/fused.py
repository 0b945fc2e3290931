"""Two families of pairs with a null neighbour as one: the matching pairs and the others.

-sum_i log s(x_ii) - sum_{i != j} log s(-x_ij) is a sum of two I-Con losses, and also a single one
over all pairs whose p is match where i = j. Kernels may differ by the condition, as where a margin
is added to some and taken from the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from derive.partitions import Taker
from derive.poly import flat, plus, times, without
from derive.products import closed_indices, opposed, renamings, summands
from derive.rows import Row, both_outcomes
from derive.steps import ONE, ZERO
from derive.terms import Term, domain, mk, subst
from derive.theorem import MINUS, exp, inv, log


@dataclass(frozen=True)
class Fuser:
    """Joins rows over the same two outcomes."""

    taker: Taker

    def fused(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Rows with pairs of them joined where their conditions exclude each other."""
        left = list(rows)
        for k, one in enumerate(rows):
            for other in rows[k + 1 :]:
                if one in left and other in left and (both := self.joined(one, other)) is not None:
                    left = [both if r is one else r for r in left if r is not other]
                    rows = tuple(left)
                    return self.fused(rows)
        return tuple(left)

    def joined(self, one: Row, other: Row) -> Row | None:
        """Two rows as one, None where that does not fit."""
        if any(len(r.over) != 1 or isinstance(domain(r.over[0]), str) or r.allowed is not ONE
               or r.before is not None for r in (one, other)):  # fmt: skip
            return None
        if domain(one.over[0]) != domain(other.over[0]) or len(domain(one.over[0])[1]) != 2:
            return None
        for a, b in ((one, other), (other, one)):
            for both in (*self.beside(a, b), *self.filled(a, b)):
                return both
        return None

    def beside(self, a: Row, b: Row) -> Iterator[Row]:
        """Rows of the same anchors."""
        for names in renamings(b.anchors, a.anchors):
            there = {**names, b.over[0]: a.over[0]}
            if self.taker.same(a.mask, subst(b.mask, there)):
                yield from self.shared(a, renamed(b, there))
            if self.zero(a.mask * subst(b.mask, there)) and a.mask is not ONE:
                yield self.together(a, a.mask, renamed(b, there), subst(b.mask, there))

    def shared(self, a: Row, b: Row) -> Iterator[Row]:
        """Rows of one kernel: p is the mean of both, by weight."""
        (u,), (yes, no) = a.over, both_outcomes(domain(a.over[0]))
        w = self.taker.short(a.weight + b.weight)
        if a.kernel is b.kernel:
            mass = self.taker.short((a.weight * a.p + b.weight * b.p) * inv(w))
            yield replace(a, weight=w, p=mass)
            return
        (s, p), (t, q) = (self.rising(r, yes, no) for r in (a, b))
        if s is ZERO or not self.taker.same(s, t):
            return
        match = self.taker.short((a.weight * p + b.weight * q) * inv(w))
        here, there = mk("eq", None, u, yes), mk("eq", None, u, no)
        mass = here * match + there * (opposed(match) or ONE - match)
        yield replace(a, weight=w, p=mass, kernel=exp(here * s))

    def filled(self, a: Row, b: Row) -> Iterator[Row]:
        """A row that has the index which the other leaves out: j = y[i] beside j != y[i]."""
        if len(b.anchors) != len(a.anchors) + 1:
            return
        for f in flat(b.mask):
            for v, e in ((f.args, f.args[::-1]) if f.op == "ne" else ()):
                if v not in b.anchors or v in e.free:
                    continue
                rest = tuple(w for w in b.anchors if w is not v)
                for names in renamings(a.anchors, rest):
                    there = renamed(a, {**names, a.over[0]: b.over[0]})
                    if any(e is i for i in closed_indices(there.kernel)):
                        wide = subst(there.mask, {e: v})
                        here = mk("eq", None, v, e)
                        general = replace(
                            there, anchors=b.anchors, weight=subst(there.weight, {e: v}),
                            p=subst(there.p, {e: v}), kernel=subst(there.kernel, {e: v}),
                        )  # fmt: skip
                        yield self.together(general, here * wide, b, b.mask)

    def together(self, a: Row, m: Term, b: Row, n: Term) -> Row:
        """One row of two with the same letters, where conditions m and n hold."""
        shared = [f for f in flat(m) if f in flat(n)]
        mine, theirs = (times([f for f in flat(x) if f not in shared and f is not ONE])
                        for x in (m, n))  # fmt: skip
        exhaustive = opposed(mine) is theirs
        union = ONE if exhaustive else self.simple(mine + theirs)
        if union is not ONE:
            union = ONE - (ONE - mine) * (ONE - theirs)
        mask = times([f for f in (*shared, union) if f is not ONE])
        (u,), (yes, no) = a.over, both_outcomes(domain(a.over[0]))
        (s, p), (t, q) = (self.rising(r, yes, no) for r in (a, b))
        score = s if self.taker.same(s, t) else mine * s + theirs * t
        match = p if self.taker.same(p, q) else self.simple(mine * p + theirs * q)
        if union is ONE:  # the two conditions fill all: one of them is not the other
            match = min((match, mine * p + (ONE - mine) * q, self.plain(mine, p, q)),
                        key=lambda x: x.size)  # fmt: skip
        w = a.weight if self.taker.same(a.weight, b.weight) else mine * a.weight + theirs * b.weight
        here, there = mk("eq", None, u, yes), mk("eq", None, u, no)
        mass = here * match + there * (opposed(match) or ONE - match)
        return replace(a, mask=mask, weight=w, p=mass, kernel=exp(here * score))

    def plain(self, mine: Term, p: Term, q: Term) -> Term:
        """The chance of a match where one condition decides it."""
        if (p, q) == (ONE, ZERO):
            return mine
        if (p, q) == (ZERO, ONE):
            return ONE - mine
        return mine * p + (ONE - mine) * q

    def rising(self, row: Row, yes: Term, no: Term) -> tuple[Term, Term]:
        """The log-ratio of the outcomes as one that rises with what is learned, and p of it."""
        (u,) = row.over
        here, there = mk("eq", None, u, yes), mk("eq", None, u, no)
        parts = []  # as the formula has them: a normal form takes powers apart
        for x in summands(row.kernel.args[0] if row.kernel.op == "exp" else log(row.kernel)):
            fs = flat(x)
            parts += [times(without(fs, [f])) for f in (here,) if f in fs]
            parts += [MINUS * times(without(fs, [f])) for f in (there,) if f in fs]
        score = plus(parts)
        p = self.simple(subst(row.p, {u: yes}))
        terms = self.taker.view.poly(score).items()
        signs = [c < 0 for m, c in terms if any(map(self.taker.moves, m[1]))]
        if signs and all(signs):
            return opposite(score), self.simple(ONE - p)
        return score, p

    def zero(self, t: Term) -> bool:
        """Whether a term is 0."""
        return self.simple(t) is ZERO

    def simple(self, t: Term) -> Term:
        """The normal form of a term."""
        self.taker.ways[0].steps = 0
        return self.taker.ways[0].normal(t)[0]


def opposite(t: Term) -> Term:
    """Minus a sum, its signs taken away where it has them."""
    parts = [flat(x) for x in summands(t)]
    return plus([times(without(fs, [MINUS])) if MINUS in fs else MINUS * times(fs) for fs in parts])


def renamed(row: Row, names: dict[Term, Term]) -> Row:
    """A row with its variables renamed."""
    return replace(
        row, anchors=tuple(names.get(v, v) for v in row.anchors),
        over=tuple(names.get(v, v) for v in row.over), mask=subst(row.mask, names),
        weight=subst(row.weight, names), p=subst(row.p, names), kernel=subst(row.kernel, names),
    )  # fmt: skip
