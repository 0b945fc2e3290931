"""Families of anchors with their neighbours, p and kernel, and the claims that they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, permutations, product

from derive.bridge import Problem
from derive.claims import Block, total
from derive.partitions import Taker
from derive.poly import flat, plus, times
from derive.products import factored, summands
from derive.steps import ONE, ZERO
from derive.terms import BOOL, Domain, RuleError, Term, domain, mk, subst, var
from derive.theorem import MINUS, inv, log

OUTCOMES: Domain = ("outcomes", ("match", "null"))  # where a file declares no such set
MATCH, NULL = "match", "null"
ORDERS = 24  # orders of summation in which the sign of the scale is sought
GROUPS = "the groups have all neighbours"


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
    before: Term | None = None  # the partition function as it stood before it was grouped

    @property
    def partition(self) -> Term:
        """The sum of the kernel over the allowed neighbours."""
        return total(self.over, self.allowed * self.kernel)

    @property
    def mass(self) -> Term:
        """The sum of the weights."""
        return total(self.anchors, self.mask * self.weight)

    def masses(self) -> Iterator[Term]:
        """The sum of the weights, the anchors in any order: a sign may show in one of them only."""
        for anchors in permutations(self.anchors):
            yield total(anchors, self.mask * self.weight)

    def plain(self) -> Row:
        """The row with p as it is for its anchors and allowed neighbours."""
        true = {f: ONE for f in (*flat(self.allowed), *flat(self.mask)) if f.op in BOOL}
        p = subst(self.p, true)
        return replace(self, p=plus([times([f for f in flat(x) if f is not ONE])
                                     for x in summands(p)]))  # fmt: skip

    def block(self, scale: Term) -> Block:
        """The row as a block of a claim with that scale."""
        w = self.weight * inv(scale)
        return (self.anchors, self.mask, self.over, self.allowed, w, self.p, self.kernel)

    def cross_entropy(self) -> Term:
        """The sum over anchors of weight * (log partition - expected log kernel)."""
        inside = log(self.before or self.partition)
        linear = total(self.over, self.allowed * (self.p * log(self.kernel)))
        return total(self.anchors, self.mask * (self.weight * (inside - linear)))

    def entropy(self) -> Term:
        """The sum over anchors of weight * entropy of p."""
        inner = total(self.over, self.allowed * (self.p * log(self.p)))
        return MINUS * total(self.anchors, self.mask * (self.weight * inner))


@dataclass(frozen=True)
class Candidate:
    """A claim of exactness in terms; `rows` are its blocks before the weights are divided."""

    problem: Problem
    rows: tuple[Row, ...]


def candidates(bare: Problem, taker: Taker, rows: tuple[Row, ...]) -> Iterator[Candidate]:
    """The claims that the rows make, none where something learned is left in the constant.

    Scale and constant are given in normal form and as they come: short forms are easier to read,
    the others keep quotients and logarithms that are known to have a value.

    Raises:
        RuleError: the weights are not shown to have a positive sum, under any reading.
    """
    way = taker.ways[0]
    way.steps = 0
    raw = plus([r.mass for r in rows])
    short = way.normal(raw)[0]
    orders = (plus(list(ms)) for ms in islice(product(*(r.masses() for r in rows)), ORDERS))
    scale = next((t for t in (short, factored(short), *orders) if way.pos(t)), None)
    if scale is None:
        raise RuleError("the sum of the anchor weights is not shown to be positive")
    crossed = plus([r.cross_entropy() for r in rows])
    rest = taker.rest(bare.published, crossed)
    if rest is None:
        return
    blocks = tuple(r.block(scale) for r in rows)
    entropies = [e for r in rows if (e := r.entropy()) and way.normal(e)[0] is not ZERO]
    whole = plus([rest, *entropies]) if rest is not ZERO else plus(entropies)
    steps = tuple(("eq", r.before, r.partition) for r in rows if r.before is not None)
    words = tuple(f"{GROUPS} {k}" if k else GROUPS for k in range(len(steps)))
    bare = replace(bare, steps=steps, step_texts=words)
    for constant in dict.fromkeys((way.normal(whole)[0], whole)):
        yield Candidate(replace(bare, blocks=blocks, scale=scale, constant=constant), rows)


def spelled(row: Row, letters: Mapping[Domain, Iterator[str]]) -> Row:
    """A row whose variables have letters of their sets."""
    names = {v: var(next(letters[domain(v)]), domain(v)) for v in (*row.anchors, *row.over)}
    return Row(
        anchors=tuple(names[v] for v in row.anchors), mask=subst(row.mask, names),
        weight=subst(row.weight, names), over=tuple(names[v] for v in row.over),
        allowed=subst(row.allowed, names), p=subst(row.p, names),
        kernel=subst(row.kernel, names), before=row.before and subst(row.before, names),
    )  # fmt: skip


def is_outcome(d: Domain) -> bool:
    """Whether an index set is that of the outcomes match and null, whatever it is called."""
    return not isinstance(d, str) and set(d[1]) == {MATCH, NULL}


def outcomes_among(domains: Iterable[Domain]) -> Domain:
    """The set of the outcomes: one that a file declares, or one of our own where it has room."""
    known = [d for d in domains if not isinstance(d, str) and len(d[1]) == 2]
    return next((d for d in known if is_outcome(d)), known[0] if known else OUTCOMES)


def both_outcomes(d: Domain) -> tuple[Term, Term]:
    """The two elements of a set of outcomes, match first where it has one."""
    assert not isinstance(d, str)
    one, other = (MATCH, NULL) if is_outcome(d) else d[1]
    return mk("el", (one, d)), mk("el", (other, d))
