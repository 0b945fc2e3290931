"""p from the linear terms of a loss: which kernels they are the logarithms of, and how often.

A loss w log S - sum_j a_j log k_j, with S the sum of the k_j, is an I-Con with p_j = a_j / w where
these are >= 0 and sum to one. A kernel that nothing is learned of, the null neighbour, has the mass
that is left. A term may fit in several places: every reading is tried, the proof decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product

from derive.claims import total
from derive.partitions import Member, Partition, Parts, Taker
from derive.poly import match_monomial, plus, term_of, times
from derive.steps import ONE, ZERO
from derive.terms import Monomial, Term, domain, mk, num, subst, var
from derive.theorem import inv

READINGS = 400  # ways to read the linear terms that are tried
AWAY = 400  # numbers of variables that no part of a formula has


@dataclass(frozen=True)
class Place:
    """A linear term as `mass` times the log-kernel of one member of one partition."""

    partition: int
    member: int
    mass: Term  # the contribution to weight * p, in the variables of the member


@dataclass(frozen=True)
class Reader:
    """Reads supervisory distributions off a formula taken apart."""

    taker: Taker
    parts: Parts

    def readings(self) -> Iterator[tuple[tuple[Term, ...], ...]]:
        """For every partition p of each member, in the order of likelihood."""
        options = [o for m, c in self.parts.linear.items() if (o := self.options(m, c))]
        seen = set[tuple[tuple[Term, ...], ...]]()
        for chosen in islice(product(*options), READINGS):
            found = self.reading([p for places in chosen for p in places])
            if found is not None and found not in seen:
                seen.add(found)
                yield found

    def options(self, m: Monomial, c: Fraction) -> list[tuple[Place, ...]]:
        """The places where a linear term fits: one of them, or shared evenly by partitions."""
        apart = {v: var(f"x{AWAY + k}", domain(v)) for k, v in enumerate(m[0])}
        m = (tuple(apart.values()), tuple(subst(f, apart) for f in m[1]))
        places = [
            place
            for k, p in enumerate(self.parts.partitions)
            for n, member in enumerate(p.members)
            for place in self.places(k, n, p, member, m, c)
        ]
        places = list(dict.fromkeys(places))
        where = sorted({p.partition for p in places})
        if len(where) < 2:
            return [(p,) for p in places]
        share = num(Fraction(1, len(where)))
        groups = [[p for p in places if p.partition == k] for k in where]
        shared = [
            tuple(Place(p.partition, p.member, share * p.mass) for p in group)
            for group in product(*groups)
        ]
        return [*shared, *((p,) for p in places)]

    def places(
        self, k: int, n: int, p: Partition, member: Member, m: Monomial, c: Fraction
    ) -> Iterator[Place]:
        """The ways in which a linear term is a multiple of one log-kernel."""
        for (vs, pattern), beside in self.leads(member):
            slots = frozenset((*p.anchors, *member.over))
            for b, taken, used in match_monomial((vs, pattern), slots, m):
                if not slots <= set(b):
                    continue
                deltas = [mk("eq", None, v, b[v]) for v in (*p.anchors, *member.over)]
                left = list(m[1])
                for f in used:
                    left.remove(f)
                inner = times([num(-c), *left, *deltas, inv(subst(beside, b))])
                open_ = [v for v in m[0] if v not in taken]
                yield Place(k, n, self.simple(total(open_, inner)))

    def leads(self, member: Member) -> list[tuple[Monomial, Term]]:
        """The part of a log-kernel that tells its neighbours apart best, with its coefficient."""
        groups: dict[Monomial, list[Term]] = {}
        for (vs, fs), c in member.logs:
            if any(self.taker.moves(f) for f in fs):
                pattern = tuple(f for f in fs if self.taker.moves(f) or f.free & set(vs))
                beside = times([num(c), *(f for f in fs if f not in pattern)])
                groups.setdefault((vs, pattern), []).append(beside)
        if not groups:
            return []

        def rank(m: Monomial) -> tuple[int, int]:
            t = term_of(m)
            return sum(v in t.free for v in member.over), t.size

        best = max(groups, key=rank)
        return [(best, plus(groups[best]))]

    def reading(self, places: Sequence[Place]) -> tuple[tuple[Term, ...], ...] | None:
        """P of each member, None where the masses are no distributions."""
        out = []
        for k, p in enumerate(self.parts.partitions):
            over = inv(p.weight)
            row = []
            null = [n for n, member in enumerate(p.members) if not self.leads(member)]
            for n, _ in enumerate(p.members):
                masses = [x.mass for x in places if (x.partition, x.member) == (k, n)]
                row.append(self.simple(over * plus(masses)) if masses else ZERO)
            mass = plus([total(m.over, m.mask * x) for m, x in zip(p.members, row, strict=True)])
            if null and not p.members[null[0]].over:
                row[null[0]] = self.simple(ONE - mass)
            elif not self.taker.same(p.mask * mass, p.mask):
                return None
            out.append(tuple(row))
        return tuple(out)

    def simple(self, t: Term) -> Term:
        """A simpler form of a term in which every quotient is one that the formula has."""
        return self.taker.light.normal(t)[0]
