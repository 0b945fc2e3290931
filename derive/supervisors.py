"""p from the linear terms of a loss: which kernels they are the logarithms of, and how often.

A loss w log S - sum_j a_j log k_j, with S the sum of the k_j, is an I-Con with p_j = a_j / w where
these are >= 0 and sum to one. A kernel that nothing is learned of, the null neighbour, has the mass
that is left. A term may fit in several places: every reading is tried, the proof decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, islice, product

from derive.claims import total
from derive.partitions import Member, Partition, Parts, Taker
from derive.poly import flat, match_monomial, plus, term_of, times, without
from derive.products import shared_factors
from derive.steps import ONE, ZERO
from derive.terms import Monomial, Term, domain, mk, num, subst, var
from derive.theorem import MINUS, inv, log

READINGS = 400  # ways to read the linear terms that are tried
AWAY = 400  # numbers of variables that no part of a formula has


@dataclass(frozen=True)
class Place:
    """Linear terms as `mass` * `factor` times the log-kernel of one member of one partition.

    `factor` is fixed and free of indices; it is kept as it is, since 1 - a tells its sign.
    """

    partition: int
    member: int
    mass: Term
    factor: Term
    beside: Term = ONE  # what the log-kernel is multiplied by, where that is one term
    weight: Term | None = None  # what the mass is a share of, where not the partition's weight


Group = tuple[Monomial, tuple[Term, ...]]  # factors with indices or learned; the coefficients


@dataclass(frozen=True)
class Reader:
    """Reads supervisory distributions off a formula taken apart."""

    taker: Taker
    parts: Parts

    def readings(self) -> Iterator[tuple[tuple[Term, ...], ...]]:
        """For every partition p of each member, in the order of likelihood."""
        seen = set[tuple[tuple[Term, ...], ...]]()
        groups = self.groups()
        apart = [(m, (c,)) for m, cs in groups for c in cs]
        for some in (groups, apart) if len(self.parts.partitions) > 1 else (groups,):
            options = [o for group in some if (o := self.options(group))]
            for chosen in islice(product(*options), READINGS):
                found = self.reading([p for places in chosen for p in places])
                if found is not None and found not in seen:
                    seen.add(found)
                    yield found

    def groups(self) -> list[Group]:
        """The linear terms, those that differ in a coefficient together."""
        groups: dict[Monomial, list[Term]] = {}
        for (vs, fs), c in self.parts.linear.items():
            names = {v: var(f"x{AWAY + k}", domain(v)) for k, v in enumerate(vs)}
            inside = [f for f in fs if f.free & set(vs) or self.taker.moves(f)]
            beside = [f for f in fs if f not in inside]
            key = (tuple(names.values()), tuple(subst(f, names) for f in inside))
            groups.setdefault(key, []).append(times([num(c), *beside]))
        return [(m, tuple(coefficients)) for m, coefficients in groups.items()]

    def options(self, group: Group) -> list[tuple[Place, ...]]:
        """The places where linear terms fit: one of them, or shared evenly by partitions."""
        places = [
            place
            for k, p in enumerate(self.parts.partitions)
            for n, member in enumerate(p.members)
            for place in self.places(k, n, p, member, group)
        ]
        places = list(dict.fromkeys(places))
        spare: list[tuple[Place, ...]] = []
        if places and any(self.mixed(m) for p in self.parts.partitions for m in p.members):
            spare = [()]  # it may be a part of what another term stands for
        where = sorted({p.partition for p in places})
        each = [(p,) for p in places]
        if len(where) > 1:
            groups = [[p for p in places if p.partition == k] for k in where]
            return [*map(self.by_weight, product(*groups)), *each, *spare]
        mirrored = [evenly(pair) for pair in combinations(places, 2)]  # of a symmetric kernel
        joint = places and not self.parts.partitions[where[0]].anchors
        return [*mirrored, *each, *spare] if joint else [*each, *mirrored, *spare]

    def mixed(self, member: Member) -> bool:
        """Whether a log-kernel has several learned terms."""
        return sum(any(map(self.taker.moves, fs)) for (_, fs), _ in member.logs) > 1

    def places(
        self, k: int, n: int, p: Partition, member: Member, group: Group
    ) -> Iterator[Place]:
        """The ways in which linear terms are a multiple of one log-kernel."""
        m, coefficients = group
        slots = frozenset((*p.anchors, *member.over))
        for pattern, beside in self.leads(member):
            for found, taken, used in match_monomial(pattern, slots, m):
                open_ = [v for v in m[0] if v not in taken]
                for b in completed(found, (*p.anchors, *member.over), open_):
                    deltas = [mk("eq", None, v, b[v]) for v in (*p.anchors, *member.over)]
                    over, factor = self.divided(coefficients, [subst(x, b) for x in beside])
                    inner = times([*without(m[1], used), *deltas, over])
                    unit = beside[0] if len(beside) == 1 else ONE
                    yield Place(k, n, self.simple(total(open_, inner)), factor, unit)

    def by_weight(self, places: tuple[Place, ...]) -> tuple[Place, ...]:
        """Places in several partitions that share what is there so that all have the same p.

        Of sum_k w_k b_k sum_j p_j x_j, a term of the formula, partition k has the part w_k b_k.
        """
        parts = [self.parts.partitions[p.partition].weight * p.beside for p in places]
        if any(t.free for t in parts):
            return evenly(places)
        units = [p.beside for p in places]
        whole = [self.taker.ways[0].normal(plus(parts) * inv(u))[0] for u in units]
        return tuple(replace(p, weight=w) for p, w in zip(places, whole, strict=True))

    def divided(self, above: Sequence[Term], below: Sequence[Term]) -> tuple[Term, Term]:
        """-(sum of `above`) / (sum of `below`): a product, and a factor that is a sum or 1."""
        ratio = quotient(MINUS * above[0], below[0])
        if len(below) > 1 and self.taker.same(plus(list(above)), MINUS * ratio * plus(list(below))):
            return ratio, ONE
        if len(below) > 1:
            return MINUS * inv(plus(list(below))), plus(list(above))
        if len(above) == 1:
            return ratio, ONE
        common = shared_factors(above)
        rest = [quotient(quotient(MINUS * x, common), numeral(below[0])) for x in above]
        return quotient(common, letters_of(below[0])), plus(rest)

    def leads(self, member: Member) -> list[tuple[Monomial, list[Term]]]:
        """The part of a log-kernel that tells its neighbours apart best, with its coefficients."""
        groups: dict[Monomial, list[Term]] = {}
        for (vs, fs), c in member.logs:
            if any(self.taker.moves(f) for f in fs):
                needed = {*vs, *member.over}
                pattern = tuple(f for f in fs if self.taker.moves(f) or f.free & needed)
                beside = times([num(c), *(f for f in fs if f not in pattern)])
                groups.setdefault((vs, pattern), []).append(beside)
        if not groups:
            return []

        def rank(m: Monomial) -> tuple[int, int]:
            t = term_of(m)
            return sum(v in t.free for v in member.over), t.size

        best = max(groups, key=rank)
        return [(best, groups[best])]

    def reading(self, places: Sequence[Place]) -> tuple[tuple[Term, ...], ...] | None:
        """P of each member, None where the masses are no distributions."""
        out = []
        for k, p in enumerate(self.parts.partitions):
            row = []
            null = [n for n, member in enumerate(p.members) if not self.leads(member)]
            for n, _ in enumerate(p.members):
                mine = [x for x in places if (x.partition, x.member) == (k, n)]
                row.append(plus([self.share(p.weight, x) for x in mine]))
            mass = plus([total(m.over, m.mask * x) for m, x in zip(p.members, row, strict=True)])
            if null and not p.members[null[0]].over:
                row[null[0]] = self.simple(ONE - mass)
            elif not self.taker.same(p.mask * mass, p.mask, 2):
                at = self.silent(p)
                if any(x is not ZERO for x in row) or at is None:
                    return None
                row[0] = at
            out.append(tuple(row))
        return tuple(out)

    def share(self, weight: Term, place: Place) -> Term:
        """The part of p that a place gives: its mass over the weight."""
        below, factor = flat(place.weight or weight), place.factor
        for f in below:
            if factor is not ONE and self.taker.same(f, factor):
                below, factor = without(below, [f]), ONE
                break
        over = inv(self.taker.short(times(below)))
        above, under = flat(place.mass), [f for f in below if f.op != "num"]
        if under and all(above.count(f) >= under.count(f) for f in under):
            whole = scaled(quotient(place.mass, times(below)), factor)  # a weight may be 0
        else:
            whole = scaled(self.simple(over * place.mass), factor)
        short = self.taker.ways[0].normal(whole)[0]
        return short if short.size * 2 < whole.size else whole

    def silent(self, p: Partition) -> Term | None:
        """All mass on a neighbour of whose kernel nothing is learned, where there is one."""
        (member, *others) = p.members
        if not others and len(member.over) == 2 and not p.anchors:
            u, v = member.over
            if domain(u) == domain(v) and not self.taker.moves(
                self.taker.ways[0].normal(log(subst(member.kernel, {u: v})))[0]
            ):
                return mk("eq", None, u, v) * inv(total((u,), ONE))
        if others or len(member.over) != 1:
            return None
        (u,) = member.over
        for e in (v for v in p.anchors if domain(v) == domain(u)):
            here, _ = self.taker.ways[0].normal(log(subst(member.kernel, {u: e})))
            if not self.taker.moves(here):
                return mk("eq", None, u, e)
        return None

    def simple(self, t: Term) -> Term:
        """A simpler form of a term in which every quotient is one that the formula has."""
        return self.taker.light.normal(t)[0]


def completed(
    b: Mapping[Term, Term], slots: Sequence[Term], open_: Sequence[Term]
) -> Iterator[dict[Term, Term]]:
    """The ways to give the slots that a match leaves open a variable of the linear term."""
    missing = [v for v in slots if v not in b]
    choices = [[v for v in open_ if domain(v) == domain(s)] for s in missing]
    for chosen in product(*choices):
        yield {**b, **dict(zip(missing, chosen, strict=True))}


def evenly(places: Sequence[Place]) -> tuple[Place, ...]:
    """Places that share what is there."""
    share = num(Fraction(1, len(places)))
    return tuple(replace(p, mass=share * p.mass) for p in places)


def scaled(t: Term, factor: Term) -> Term:
    """A product, without a factor of 1."""
    return t if factor is ONE else factor if t is ONE else t * factor


def quotient(a: Term, b: Term) -> Term:
    """A / b for products, with the factors gone that both have: a guess where one may be 0."""
    above, below, c = [], flat(b), Fraction(1)
    for f in flat(a):
        if f.op == "num":
            c *= f.data
        elif f in below:
            below = without(below, [f])
        else:
            above.append(f)
    for f in below:
        c = c / f.data if f.op == "num" else c
    under = [f.args[0] if f.op == "inv" else inv(f) for f in below if f.op != "num"]
    return times([num(c), *above, *under] if c != 1 or not (above or under) else [*above, *under])


def numeral(t: Term) -> Term:
    """The number in a product."""
    return times([f for f in flat(t) if f.op == "num"])


def letters_of(t: Term) -> Term:
    """A product without its number."""
    return times([f for f in flat(t) if f.op != "num"])
