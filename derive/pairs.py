"""Partition functions with their p -> families of neighbours.

The members of one partition function become one family of neighbours: a single kernel takes the
place that the sum over the others leaves out (the positive of log(1 + sum_{j != t} ...)), and where
there is no sum at all they are the outcomes of one pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from derive.claims import total
from derive.partitions import Member, Partition, Taker
from derive.poly import Poly, build, flat, plus, term_of, times
from derive.products import opposed, renamings
from derive.rows import Row, both_outcomes, is_outcome, outcomes_among
from derive.steps import ONE, ZERO
from derive.terms import Domain, Term, domain, mk, num, subst, var
from derive.theorem import MINUS, exp, inv, log

NEW = 900  # numbers of variables that no part of a formula has


@dataclass(frozen=True)
class Maker:
    """Makes rows of partitions. `domains` are the enumerated sets that the file declares."""

    taker: Taker
    domains: tuple[Domain, ...]

    def row(self, p: Partition, ps: tuple[Term, ...]) -> Row | None:
        """A partition with its p as a row of neighbours, or None where they have no one family."""
        parts = self.unfolded(list(zip(p.members, ps, strict=True)))
        sums = [x for x in parts if x[0].over]
        single = [x for x in parts if not x[0].over]
        if not sums:
            return self.outcomes(p, single)
        (member, q), *more = sums
        apart: list[tuple[Member, Term]] = []  # what belongs to no place beside the first
        for other, mass in more:
            if (both := self.beside(p, member, q, other, mass)) is not None:
                member, q = both
            else:
                apart.append((other, mass))
        for other, mass in single:
            if (both := self.placed(p, member, q, other, mass)) is not None:
                member, q = both
            else:
                apart.append((other, mass))
        if apart:
            if len(apart) > 1:
                return None
            member, q = self.stacked((member, q), apart[0])
        kernel = self.gauged(member)
        return Row(p.anchors, p.mask, p.weight, member.over, member.mask, q, kernel)

    def placed(
        self, p: Partition, member: Member, q: Term, other: Member, mass: Term
    ) -> tuple[Member, Term] | None:
        """A sum of kernels with one more, at the index that the sum leaves out where it fits best.

        That is where the kernel of the sum would be the single one, or is up to a fixed factor.
        """
        best: tuple[int, dict[Term, Term], Term, Term] | None = None
        for at, share in self.vacant(p, member):
            ratio = self.simple(share * other.kernel * inv(subst(member.kernel, at)))
            rank = 0 if ratio is ONE else 2 if self.taker.moves(ratio) else 1
            if best is None or rank < best[0]:
                best = (rank, at, share, ratio)
        if best is None:
            return None
        rank, at, share, ratio = best
        here = times([mk("eq", None, u, e) for u, e in at.items()])
        left_out = [f for f in flat(member.mask) if f.op == "ne" and opposed(f) is here]
        rest = times([f for f in flat(member.mask) if f not in left_out])
        if left_out and self.taker.same(p.mask * subst(rest, at), p.mask):
            mask, there, inside = rest, left_out[0], here
        else:
            mask = either(member.mask, here)
            inside, there = self.beyond(p, member, at) or (here, ONE - here)
        kernel = member.kernel
        if rank > 0:
            one = share * other.kernel if share is not ONE else other.kernel
            made = self.tilted(kernel, one, at, inside, there) if rank == 1 else None
            kernel = made or self.chosen(inside, one, there, kernel)
        there = ONE - here if there is not opposed(here) else there
        both = self.shorter(here * (share * mass) + there * q, here * (share * mass) + q)
        return replace(member, mask=mask, kernel=kernel), both

    def beyond(
        self, p: Partition, member: Member, at: dict[Term, Term]
    ) -> tuple[Term, Term] | None:
        """A single condition that holds at an index, and fails wherever the sum goes."""
        if (other := opposed(member.mask)) is not None:  # as the sum says it: y[j] != y[i]
            return other, member.mask
        for u, e in at.items() if len(at) > 1 else ():
            if self.zero(p.mask * subst(member.mask, {u: e})):
                return mk("eq", None, u, e), mk("ne", None, u, e)
        return None

    def stacked(self, a: tuple[Member, Term], b: tuple[Member, Term]) -> tuple[Member, Term]:
        """Two members that share no index as the outcomes match and null, beside their indices.

        A kernel without the indices of the other is spread evenly over them: the positive beside a
        bank of negatives, or the null neighbour beside a sum that leaves out no index.
        """
        if a[1] is ZERO:  # what has mass is the match
            a, b = b, a
        old, new = a[0].over, b[0].over
        if [domain(v) for v in old] == [domain(v) for v in new]:
            names = dict(zip(new, old, strict=True))
        else:
            names = {v: var(f"x{NEW + 60 + k}", domain(v)) for k, v in enumerate(new)}
        over = (*old, *(w for w in names.values() if w not in old))
        d = outcomes_among(self.domains)
        o = var(f"x{NEW + 50}", d)
        masks, logs, ps = [], [], []
        for e, (member, q), put in zip(both_outcomes(d), (a, b), ({}, names), strict=True):
            here = mk("eq", None, o, e)
            spare = [v for v in over if v not in {put.get(v, v) for v in member.over}]
            size = total(spare, ONE)
            mask, kernel, mass = (subst(t, put) for t in (member.mask, member.kernel, q))
            masks.append(here * mask if mask is not ONE else here)
            one = self.log(kernel) + MINUS * log(size) if spare else self.log(kernel)
            logs.append(here * one)
            if mass is not ZERO:
                ps.append(here * (inv(size) * mass) if spare else here * mass)
        same = a[0].mask is subst(b[0].mask, names)
        mask = a[0].mask if same else either(masks[0], masks[1])
        kernel = exp(plus([x for x in logs if flat(x)[-1] is not ZERO]))
        return replace(a[0], over=(o, *over), mask=mask, kernel=kernel), plus(ps)

    def vacant(self, p: Partition, member: Member) -> Iterator[tuple[dict[Term, Term], Term]]:
        """Indices that a sum leaves out, and which share of a kernel placed there falls to each.

        Without anchors a kernel can be spread evenly over a diagonal that the sum leaves out.
        """
        seen: list[dict[Term, Term]] = []
        for f in flat(member.mask):
            for u in member.over:
                if f.op == "ne" and u in f.args and len(member.over) == 1:
                    seen.append({u: f.args[f.args[0] is u]})
        for es in product(*([v for v in p.anchors if domain(v) == domain(u)] for u in member.over)):
            seen.append(dict(zip(member.over, es, strict=True)))
        for at in seen:
            there = subst(p.mask * member.mask, at)
            if not any(u in e.free for u, e in at.items()) and self.zero(there):
                yield at, ONE
        if not p.anchors and len(member.over) == 2 and len(set(map(domain, member.over))) == 1:
            u, v = member.over
            if self.zero(subst(member.mask, {u: v})):
                yield {u: v}, inv(total((u,), ONE))

    def zero(self, t: Term) -> bool:
        """Whether a term is 0."""
        return self.simple(t) is ZERO

    def beside(
        self, p: Partition, a: Member, pa: Term, b: Member, pb: Term
    ) -> tuple[Member, Term] | None:
        """Two sums over conditions that exclude each other as one sum."""
        if [domain(v) for v in a.over] != [domain(v) for v in b.over]:
            return None
        names = dict(zip(b.over, a.over, strict=True))
        mask, kernel, pb = (subst(t, names) for t in (b.mask, b.kernel, pb))
        shared = [f for f in flat(a.mask) if f in flat(mask)]
        mine = times([f for f in flat(a.mask) if f not in shared])
        theirs = times([f for f in flat(mask) if f not in shared])
        if not self.zero(p.mask * times(shared) * mine * theirs):
            return None
        whole = self.simple(mine + theirs)
        rest = [] if whole is ONE else [either(mine, theirs)]
        both = self.shorter(mine * pa + theirs * pb, pa + pb)
        log_ratio = self.simple(log(kernel) - log(a.kernel))
        fits = not self.taker.moves(log_ratio)
        one = a.kernel * exp(theirs * log_ratio) if fits else self.chosen(
            mine, a.kernel, theirs, kernel)  # fmt: skip
        return replace(a, mask=times([*shared, *rest]), kernel=one), both

    def chosen(self, here: Term, one: Term, there: Term, other: Term) -> Term:
        """One kernel where a condition holds, the other elsewhere, in a form that is positive."""
        return exp(here * self.log(one) + there * self.log(other))

    def shorter(self, a: Term, b: Term) -> Term:
        """The shorter of two readings that agree, normalised where that does not lengthen them."""
        forms = [a, self.simple(a)]
        if self.taker.same(a, b):
            forms.append(b)
        return min(forms, key=lambda t: t.size)

    def unfolded(self, parts: list[tuple[Member, Term]]) -> list[tuple[Member, Term]]:
        """Members that differ in an element of an enumerated set as one over that set."""
        for d in self.domains:
            elements = [mk("el", (e, d)) for e in d[1]]
            u = var(f"x{NEW + len(parts)}", d)
            for member, _ in parts:
                here = [e for e in elements if mentions(member.kernel, e)]
                if len(here) != 1:
                    continue
                pattern = [subst(t, {here[0]: u}) for t in (member.mask, member.kernel)]
                found = [self.like(parts, member, [subst(t, {u: e}) for t in pattern])
                         for e in elements]  # fmt: skip
                if None in found:
                    continue
                known = [x for x in found if x is not None]
                q = self.simple(plus([mk("eq", None, u, e) * x[1]
                                      for e, x in zip(elements, known, strict=True)]))  # fmt: skip
                logs = tuple(self.taker.logs(pattern[1]))
                whole = Member((*member.over, u), pattern[0], pattern[1], logs)
                gone = [x[0] for x in known]
                return [*(x for x in parts if x[0] not in gone), (whole, q)]
        return parts

    def like(
        self, parts: list[tuple[Member, Term]], member: Member, wanted: list[Term]
    ) -> tuple[Member, Term] | None:
        """The member with a mask and a kernel, in whatever letters, and its p in those wanted."""
        for other, q in parts:
            for names in renamings(other.over, member.over):
                own = (subst(t, names) for t in (other.mask, other.kernel))
                if all(self.taker.same(x, y) for x, y in zip(own, wanted, strict=True)):
                    return other, subst(q, names)
        return None

    def outcomes(self, p: Partition, parts: list[tuple[Member, Term]]) -> Row | None:
        """Kernels without a sum as outcomes: of a set that the formula names, or match and null."""
        if len(parts) != 2:
            return None
        # the outcome whose p is said in fewer words comes first, and certainty before impossibility
        parts = sorted(parts, key=lambda x: (x[1] is ZERO, x[1].size))
        if (named := self.named(p, parts)) is not None:
            return named
        d = outcomes_among(self.domains)
        u = var("o", d)
        at = [mk("eq", None, u, e) for e in both_outcomes(d)]
        (a, pa), (b, pb) = parts
        logs = [self.log(k) for k in (a.kernel, b.kernel)]
        mass = self.shorter(at[0] * pa + at[1] * pb, at[0] * pa + at[1] * pb)
        kernel = exp(plus([x * y for x, y in zip(at, logs, strict=True) if y is not ZERO]))
        if p.grouped:
            kernel = at[0] * a.kernel + at[1] * b.kernel
        return Row(p.anchors, p.mask, p.weight, (u,), ONE, mass, kernel, p.before)

    def named(self, p: Partition, parts: list[tuple[Member, Term]]) -> Row | None:
        """The two elements of a declared set, where the log-ratio is f(one) - f(other)."""
        (a, pa), (b, pb) = parts
        ratio = self.simple(log(a.kernel) - log(b.kernel))
        for d in self.domains:
            if len(d[1]) != 2 or is_outcome(d):
                continue
            u = var("o", d)
            one, other = (mk("el", (e, d)) for e in d[1])
            terms = self.taker.ways[0].poly(ratio).items()
            with_one = [(m, c) for m, c in terms if any(mentions(f, one) for f in m[1])]
            score = plus([times([num(c), total(m[0], times(list(m[1])))]) for m, c in with_one])
            back = score_at(score, one, other)
            if not with_one or not self.taker.same(ratio, score - back):
                continue
            falls = [
                c < 0 and not self.taker.ways[0].nn(times(moving))  # a kernel falls with a distance
                for m, c in with_one if (moving := [f for f in m[1] if self.taker.moves(f)])
            ]  # fmt: skip
            here, there = mk("eq", None, u, one), mk("eq", None, u, other)
            logs = score_at(score, one, u)
            if falls and all(falls):  # f(one) - f(other) as g(other) - g(one), g = -f rises
                here, there, logs = there, here, self.simple(MINUS * logs)
            mass = self.simple(here * pa + there * pb)
            kernel = exp(logs)
            return Row(p.anchors, p.mask, p.weight, (u,), ONE, mass, kernel)
        return None

    def gauged(self, member: Member) -> Term:
        """The kernel without what is the same for all neighbours."""
        terms = self.taker.view.poly(self.log(member.kernel))
        kept = {m: c for m, c in terms.items() if term_of(m, c).free & set(member.over)}
        if not kept or len(kept) == len(terms):
            return member.kernel
        return exp(build(kept))

    def tilted(
        self, kernel: Term, one: Term, at: dict[Term, Term], here: Term, there: Term
    ) -> Term | None:
        """One learned kernel with the fixed factors that each of two has, None without one.

        The factors stay apart, as the formula has them: (1 - a) (1 - b) multiplied out is neither.
        """
        view = self.taker.view
        if one is ONE:
            return None
        learned, fixed = Poly(), Poly()
        for m, c in view.poly(self.log(kernel)).items():
            (learned if self.taker.moves(term_of(m)) else fixed)[m] = c
        rest = view.poly(self.log(one) + MINUS * subst(build(learned), at))
        if any(self.taker.moves(term_of(m)) for m in rest):
            return None
        parts = [build(learned), *([here * build(rest)] if rest else []),
                 *([there * build(fixed)] if fixed else [])]  # fmt: skip
        return exp(plus(parts))

    def log(self, kernel: Term) -> Term:
        """The logarithm of a kernel, as the formula writes it."""
        return self.taker.view.normal(log(kernel))

    def simple(self, t: Term) -> Term:
        """The normal form of a term."""
        self.taker.ways[0].steps = 0
        return self.taker.ways[0].normal(t)[0]


def mentions(t: Term, e: Term) -> bool:
    """Whether an index occurs in a term."""
    return t is e or any(mentions(a, e) for a in t.args)


def score_at(t: Term, e: Term, to: Term) -> Term:
    """A term with one index replaced by another."""
    return subst(t, {e: to})


def either(a: Term, b: Term) -> Term:
    """One of two conditions."""
    return ONE - (ONE - a) * (ONE - b)
