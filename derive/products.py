"""Sums of products on the way to a pair: common factors, and variables by other names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from derive.poly import flat, plus, times, without
from derive.steps import ONE
from derive.terms import INDEX, Term, domain, mk, num


def factored(t: Term) -> Term:
    """A sum of products with their common factors in front: a - a b as a (1 - b)."""
    parts = [times(flat(x)) for x in summands(t) if x is not num(0)]
    common = shared_factors(parts)
    if len(parts) < 2 or common is ONE:
        return t
    rest = [times(without(flat(x), flat(common))) for x in parts]
    return common * plus(rest)


def summands(t: Term) -> list[Term]:
    """The terms of nested sums."""
    return [x for a in t.args for x in summands(a)] if t.op == "add" else [t]


def shared_factors(ts: Sequence[Term]) -> Term:
    """The factors, numbers aside, that all of some products have."""
    if not ts:
        return ONE
    rest, out = [flat(t) for t in ts], list[Term]()
    for f in flat(ts[0]):
        if f.op != "num" and all(fs.count(f) > out.count(f) for fs in rest):
            out.append(f)
    return times(out)


def closed_indices(t: Term) -> set[Term]:
    """The closed indices in a term."""
    inside = set[Term]().union(*map(closed_indices, t.args))
    return inside | {t} if t.op in INDEX and not t.loose else inside


def renamings(old: Sequence[Term], new: Sequence[Term]) -> Iterator[dict[Term, Term]]:
    """The ways to call variables by other names of the same sets."""
    if len(old) == len(new):
        for names in permutations(new):
            if [domain(v) for v in old] == [domain(v) for v in names]:
                yield {v: w for v, w in zip(old, names, strict=True) if v is not w}


def opposed(f: Term) -> Term | None:
    """[a != b] for [a = b] and the other way round."""
    if f.op not in ("eq", "ne"):
        return None
    return mk("ne" if f.op == "eq" else "eq", None, *f.args)
