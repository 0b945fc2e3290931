"""Losses of a share of a partition function: -log(sum over some / sum over all).

The neighbours are merged into two groups, those in the numerator and the rest, and the loss is an
I-Con of the groups: a coarse one, which says less than one of the neighbours themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.partitions import Member, Partition, Parts, Taker
from derive.poly import flat, offset, plus, times, without
from derive.products import closed_indices, renamings
from derive.steps import ONE
from derive.terms import Monomial, Term, domain, mk, subst

SHORT = 60  # the size of a sum that is looked at for being a single term


@dataclass(frozen=True)
class Grouper:
    """Merges the neighbours of partition functions into groups."""

    taker: Taker

    def grouped(self, parts: Parts) -> Parts | None:
        """The parts with two groups for every partition that has a numerator, None without any."""
        out: list[Partition] = []
        for p in parts.partitions:
            found = (self.halved(p, m) for m, c in parts.linear.items() if c < 0)
            out.append(next((q for q in found if q is not None), p))
        return replace(parts, partitions=tuple(out)) if out != list(parts.partitions) else None

    def halved(self, p: Partition, m: Monomial) -> Partition | None:
        """A partition in two parts, where a linear term is the logarithm of one of them."""
        vs, fs = m
        moving = [f for f in fs if self.taker.moves(f)]
        if len(moving) != 1 or moving[0].op != "log":
            return None
        whole = moving[0].args[0]
        anchors = tuple(v for v in vs if v in whole.free)
        for names in renamings(anchors, p.anchors):
            some = subst(whole, names)
            rest = self.rest(p.members, some)
            if rest:
                groups = (self.group(some), self.group(plus(rest)))
                # 1 - m is multiplied out and needs no lemma; [a != b] is kept, and needs one
                before = p.inside if self.opposite(p.members, some) else None
                return replace(p, members=groups, grouped=True, before=before)
        return None

    def rest(self, members: Sequence[Member], some: Term) -> list[Term] | None:
        """The terms of a sum that are not in a part of it, None where it is no part."""
        base = max(offset(some), *(offset(m.term) for m in members), 0)
        parts = [self.taker.member(*x) for x in self.taker.view.members(some, base + 40)]
        left = list(members)
        for part in parts:
            if not part.over:
                if (without_it := self.less_one(left, part)) is None:
                    return None
                left = without_it
                continue
            found = next((x for x in left if self.extra(x, part) is not None), None)
            if found is None:
                return None
            extra = self.extra(found, part)
            left.remove(found)
            if extra is not None and extra is not ONE:
                left.append(replace(found, mask=beside(found, complement(extra))))
        return [m.term for m in left]

    def less_one(self, members: Sequence[Member], part: Member) -> list[Member] | None:
        """The members of a sum without a single one, at the index where its kernel is."""
        for m in members:
            for e in closed_indices(part.kernel) if len(m.over) == 1 else ():
                (u,) = m.over
                if domain(e) == domain(u) and self.taker.same(subst(m.kernel, {u: e}), part.kernel):
                    other = replace(m, mask=times([m.mask, mk("ne", None, u, e)]))
                    return [other if x is m else x for x in members]
        return None

    def opposite(self, members: Sequence[Member], some: Term) -> bool:
        """Whether a part of a sum adds a comparison, other than one that names an index."""
        base = max(offset(some), *(offset(m.term) for m in members), 0)
        parts = [self.taker.member(*x) for x in self.taker.view.members(some, base + 40)]
        found = ((m, self.extra(m, part)) for part in parts for m in members)
        return any(f is not None and f.op in ("eq", "ne") and not set(m.over) & set(f.args)
                   for m, f in found)  # fmt: skip

    def extra(self, whole: Member, part: Member) -> Term | None:
        """The condition that a part of a sum adds, None where it is no part of it."""
        for names in renamings(part.over, whole.over):
            mask, kernel = (subst(t, names) for t in (part.mask, part.kernel))
            if not self.taker.same(kernel, whole.kernel):
                continue
            conditions = flat(mask)
            wanted = [f for f in flat(whole.mask) if f is not ONE]
            if all(f in conditions for f in wanted):
                return times([f for f in without(conditions, wanted) if f is not ONE])
        return None

    def group(self, t: Term) -> Member:
        """A sum as one kernel."""
        t = min((t, self.taker.light.normal(t)[0]), key=lambda x: x.size) if t.size < SHORT else t
        logs: tuple[tuple[Monomial, Fraction], ...] = self.taker.logs(t)
        return Member((), ONE, t, logs)


def beside(member: Member, condition: Term) -> Term:
    """The mask of a member with one more condition, without j != i where that says as much."""
    kept = [f for f in flat(member.mask) if not (f.op == "ne" and implied(f, condition))]
    return times([f for f in (*kept, *flat(condition)) if f is not ONE])


def implied(f: Term, condition: Term) -> bool:
    """Whether a condition a(x) != a(y) fails at x = y, so that it says x != y."""
    if condition.op != "ne":
        return False
    x, y = f.args
    return any(subst(condition, {a: b}).args[0] is subst(condition, {a: b}).args[1]
               for a, b in ((x, y), (y, x)) if a.op == "v")  # fmt: skip


def complement(condition: Term) -> Term:
    """The opposite of a condition."""
    if condition.op in ("eq", "ne"):
        return mk("ne" if condition.op == "eq" else "eq", None, *condition.args)
    return ONE - condition
