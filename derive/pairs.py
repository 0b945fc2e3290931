"""Supervisory and learned distributions -> blocks of an I-Con claim, its scale and its constant.

The members of one partition function become one family of neighbours: a single kernel takes the
place that the sum over the others leaves out (the positive of log(1 + sum_{j != t} ...)), and where
there is no sum at all they are the outcomes of one pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from derive.bridge import Problem
from derive.claims import Block, total
from derive.partitions import Member, Partition, Taker
from derive.poly import flat, plus, times
from derive.steps import ONE, ZERO
from derive.terms import BOOL, Domain, Term, domain, mk, num, subst, var
from derive.theorem import MINUS, exp, inv, log

OUTCOMES: Domain = ("outcomes", ("match", "null"))


@dataclass(frozen=True)
class Row:
    """One family of anchors with its neighbours; `weight` is not divided by the sum of weights."""

    anchors: tuple[Term, ...]
    mask: Term
    weight: Term
    over: tuple[Term, ...]
    allowed: Term
    p: Term
    kernel: Term

    @property
    def mass(self) -> Term:
        """The sum of the weights."""
        return total(self.anchors, self.mask * self.weight)

    def block(self, scale: Term) -> Block:
        """The row as a block of a claim with that scale."""
        w = self.weight * inv(scale)
        return (self.anchors, self.mask, self.over, self.allowed, w, self.p, self.kernel)

    def cross_entropy(self) -> Term:
        """The sum over anchors of weight * (log partition - expected log kernel)."""
        inside = log(total(self.over, self.allowed * self.kernel))
        linear = total(self.over, self.allowed * (self.p * log(self.kernel)))
        return total(self.anchors, self.mask * (self.weight * (inside - linear)))

    def entropy(self) -> Term:
        """The sum over anchors of weight * entropy of p."""
        inner = total(self.over, self.allowed * (self.p * log(self.p)))
        return MINUS * total(self.anchors, self.mask * (self.weight * inner))


@dataclass(frozen=True)
class Maker:
    """Makes rows of partitions. `domains` are the enumerated sets that the file declares."""

    taker: Taker
    domains: tuple[Domain, ...]

    def row(self, p: Partition, ps: tuple[Term, ...]) -> Row | None:
        """A partition with its p as a row of neighbours, or None where they have no one family."""
        parts = list(zip(p.members, ps, strict=True))
        sums = [x for x in parts if x[0].over]
        single = [x for x in parts if not x[0].over]
        if not sums:
            return self.outcomes(p, single)
        if len(sums) > 1:
            merged = self.side_by_side(sums)
            if merged is None:
                return None
            sums = [merged]
        member, q = sums[0]
        for other, mass in single:
            placed = self.placed(member, q, other, mass)
            if placed is None:
                return None
            member, q = placed
        kernel = self.gauged(member) if len(parts) > 1 else member.kernel
        return Row(p.anchors, p.mask, p.weight, member.over, member.mask, q, kernel)

    def placed(
        self, member: Member, p: Term, other: Member, mass: Term
    ) -> tuple[Member, Term] | None:
        """A sum of kernels with one more, at an index that the sum leaves out."""
        for f in flat(member.mask):
            for u in member.over:
                if f.op != "ne" or u not in f.args or len(member.over) != 1:
                    continue
                e = f.args[f.args[0] is u]
                here, there = mk("eq", None, u, e), mk("ne", None, u, e)
                rest = times([g for g in flat(member.mask) if g is not f])
                ratio = self.simple(other.kernel * inv(subst(member.kernel, {u: e})))
                if ratio is ONE:
                    kernel = member.kernel
                elif not self.taker.moves(ratio):
                    kernel = member.kernel * exp(here * self.simple(log(ratio)))
                else:
                    logs = [self.simple(log(k)) for k in (other.kernel, member.kernel)]
                    kernel = exp(here * logs[0] + there * logs[1])
                both = self.simple(here * mass + there * p)
                return replace(member, mask=rest, kernel=kernel), both
        return None

    def side_by_side(self, parts: list[tuple[Member, Term]]) -> tuple[Member, Term] | None:
        """Two sums over complementary conditions as one sum."""
        if len(parts) != 2:
            return None
        (a, pa), (b, pb) = parts
        if len(a.over) != 1 or len(b.over) != 1 or domain(a.over[0]) != domain(b.over[0]):
            return None
        names = {b.over[0]: a.over[0]}
        mask, kernel, pb = (subst(t, names) for t in (b.mask, b.kernel, pb))
        mine, theirs = flat(a.mask), flat(mask)
        for f in mine:
            opposite = opposed(f)
            if opposite is not None and opposite in theirs:
                rest = times([g for g in mine if g is not f])
                if not self.taker.same(rest, times([g for g in theirs if g is not opposite])):
                    continue
                logs = [self.simple(log(k)) for k in (a.kernel, kernel)]
                whole = exp(f * logs[0] + opposite * logs[1])
                return replace(a, mask=rest, kernel=whole), self.simple(f * pa + opposite * pb)
        return None

    def outcomes(self, p: Partition, parts: list[tuple[Member, Term]]) -> Row | None:
        """Kernels without a sum as outcomes: of a set that the formula names, or match and null."""
        if len(parts) != 2:
            return None
        # the outcome whose p is said in fewer words comes first, and certainty before impossibility
        parts = sorted(parts, key=lambda x: (x[1] is ZERO, x[1].size))
        if (named := self.named(p, parts)) is not None:
            return named
        u = var("o", OUTCOMES)
        at = [mk("eq", None, u, mk("el", (e, OUTCOMES))) for e in OUTCOMES[1]]
        (a, pa), (b, pb) = parts
        ratio = self.simple(log(a.kernel) - log(b.kernel))
        mass = self.simple(at[0] * pa + at[1] * pb)
        return Row(p.anchors, p.mask, p.weight, (u,), ONE, mass, exp(at[0] * ratio))

    def named(self, p: Partition, parts: list[tuple[Member, Term]]) -> Row | None:
        """The two elements of a declared set, where the log-ratio is f(one) - f(other)."""
        (a, pa), (b, pb) = parts
        ratio = self.simple(log(a.kernel) - log(b.kernel))
        for d in self.domains:
            if len(d[1]) != 2 or d == OUTCOMES:
                continue
            u = var("o", d)
            one, other = (mk("el", (e, d)) for e in d[1])
            terms = self.taker.ways[0].poly(ratio).items()
            with_one = [(m, c) for m, c in terms if any(mentions(f, one) for f in m[1])]
            score = plus([times([num(c), total(m[0], times(list(m[1])))]) for m, c in with_one])
            back = score_at(score, one, other)
            if not with_one or not self.taker.same(ratio, score - back):
                continue
            here, there = mk("eq", None, u, one), mk("eq", None, u, other)
            mass = self.simple(here * pa + there * pb)
            kernel = exp(score_at(score, one, u))
            return Row(p.anchors, p.mask, p.weight, (u,), ONE, mass, kernel)
        return None

    def gauged(self, member: Member) -> Term:
        """The kernel without the factors that are the same for all neighbours."""
        fs = flat(member.kernel)
        kept = [f for f in fs if f.free & set(member.over)]
        same = [f for f in fs if f not in kept]
        return times(kept) if kept and all(f.op == "exp" for f in same) else member.kernel

    def simple(self, t: Term) -> Term:
        """The normal form of a term."""
        return self.taker.ways[0].normal(t)[0]


def opposed(f: Term) -> Term | None:
    """[a != b] for [a = b] and the other way round."""
    if f.op not in ("eq", "ne"):
        return None
    return mk("ne" if f.op == "eq" else "eq", None, *f.args)


def mentions(t: Term, e: Term) -> bool:
    """Whether an index occurs in a term."""
    return t is e or any(mentions(a, e) for a in t.args)


def score_at(t: Term, e: Term, to: Term) -> Term:
    """A term with one index replaced by another."""
    return subst(t, {e: to})


@dataclass(frozen=True)
class Candidate:
    """A claim of exactness in terms; `rows` are its blocks before the weights are divided."""

    problem: Problem
    rows: tuple[Row, ...]


def candidate(bare: Problem, taker: Taker, rows: tuple[Row, ...]) -> Candidate | None:
    """The claim that the rows make, None where something learned would be left in its constant."""
    scale = taker.ways[0].normal(plus([r.mass for r in rows]))[0]
    crossed = plus([r.cross_entropy() for r in rows])
    rest = taker.rest(bare.published, crossed)
    if rest is None:
        return None
    constant = taker.ways[0].normal(rest + plus([r.entropy() for r in rows]))[0]
    blocks = tuple(r.block(scale) for r in rows)
    return Candidate(replace(bare, blocks=blocks, scale=scale, constant=constant), rows)


def spelled(row: Row, letters: Mapping[Domain, Iterator[str]]) -> Row:
    """A row whose variables have letters of their sets."""
    names = {v: var(next(letters[domain(v)]), domain(v)) for v in (*row.anchors, *row.over)}
    return Row(
        tuple(names[v] for v in row.anchors), *(subst(t, names) for t in (row.mask, row.weight)),
        tuple(names[v] for v in row.over),
        *(subst(t, names) for t in (row.allowed, row.p, row.kernel)),
    )  # fmt: skip


__all__ = ["BOOL", "ZERO", "Candidate", "Maker", "Row", "candidate", "spelled"]
