"""A published formula as a sum of log-partition functions, learned rest, and fixed rest.

R9 of the I-Con recogniser: a loss is a sum of terms w log S, with S a sum of kernels, and of terms
that are linear in the logarithms of those kernels. Here a formula is taken apart so;
`derive.supervisors` reads p from the linear terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from derive.claims import families, total
from derive.complements import Outcomes, complements
from derive.normal import GaveUp, Normaliser
from derive.poly import Poly, flat, offset, plus, times
from derive.products import closed_indices, factored, renamings
from derive.shapes import shape
from derive.steps import ONE
from derive.surface import View, indicator
from derive.terms import (
    BOOL,
    Monomial,
    RuleError,
    Term,
    canon,
    domain,
    num,
    order,
    subst,
    var,
)
from derive.theorem import MINUS, log

Keep = Literal["needed", "compared", "all"]


@dataclass(frozen=True)
class Member:
    """A part of a partition function: the sum over `over` of `mask` * `kernel`.

    `logs` is the polynomial of log(kernel), in the variables of the partition and of the member.
    """

    over: tuple[Term, ...]
    mask: Term
    kernel: Term
    logs: tuple[tuple[Monomial, Fraction], ...]

    @property
    def term(self) -> Term:
        """The part as a term."""
        return total(self.over, self.mask * self.kernel)


@dataclass(frozen=True)
class Partition:
    """The sum over `anchors` of `mask` * `weight` * log(sum of the members)."""

    anchors: tuple[Term, ...]
    mask: Term
    weight: Term
    members: tuple[Member, ...]
    grouped: bool = False  # members are groups of neighbours
    before: Term | None = None  # the sum as it stood, where only a lemma shows that it is theirs

    @property
    def inside(self) -> Term:
        """The partition function."""
        return plus([m.term for m in self.members])


@dataclass(frozen=True)
class Parts:
    """A formula taken apart. `linear` and `fixed` are what is left, learned and not."""

    partitions: tuple[Partition, ...]
    linear: Poly
    fixed: Poly


@dataclass(frozen=True)
class Taker:
    """Takes formulas apart as `view` shows them; `ways` compare terms.

    `light` turns no f(a) into f(b) where a = b: what is divided by stays what the formula has.
    """

    view: View
    keep: Keep  # which of the indices that a logarithm is summed over stay anchors, see `anchors`
    ways: tuple[Normaliser, ...]
    light: Normaliser
    learned: frozenset[str]

    def moves(self, t: Term) -> bool:
        """Whether a term mentions what is learned."""
        return bool(families(t) & self.learned)

    def parts(self, published: Term) -> Parts:
        """The formula taken apart."""
        logs: list[tuple[Monomial, Fraction]] = []
        whole = self.view.poly(self.view.normal(published))
        paired, linear = complements(self, whole)
        fixed = Poly()
        for m, c in whole.items():
            if m in linear:
                continue
            moving = [f for f in m[1] if self.moves(f)]
            if not moving:
                fixed[m] = c
            elif len(moving) == 1 and moving[0].op == "log" and self.is_sum(moving[0]):
                logs.append((m, c))
            else:
                linear[m] = c
        groups = self.gathered([(self.partition(m, c), [(m, c)]) for m, c in logs])
        partitions: list[Partition] = []
        for p, own in groups:
            inner = next(f for f in own[0][0][1] if self.moves(f))
            others = [f for q, _ in groups if q is not p for f in log_kernels(q)]
            # what only falls is no partition function, and the logarithm of a kernel that is a sum
            # itself, such as 1 + d, is linear
            if self.falls(p, own) or any(shape(f) == shape(inner) for f in others):
                linear.update(own)
            else:
                partitions.append(p)
        joined = [replace(p, weight=factored(p.weight)) for p in self.merged(partitions)]
        joined += [self.of_outcomes(x) for x in paired]
        return Parts((*joined, *self.normalised(joined, linear)), linear, fixed)

    def is_sum(self, t: Term) -> bool:
        """Whether a logarithm is one of a sum of kernels rather than of one."""
        p = self.view.poly(t.args[0])
        return len(p) > 1 or any(vs for vs, _ in p)

    def partition(self, m: Monomial, c: Fraction) -> Partition:
        """The partition of a monomial that holds one logarithm."""
        vs, fs = m
        inner = next(f for f in fs if self.moves(f))
        rest = [f for f in fs if f is not inner]
        anchors = self.anchors(vs, inner, rest)
        mask = [f for f in rest if f.op in BOOL and f.free & set(vs) <= set(anchors)]
        weight = [f for f in rest if f not in mask]
        others = tuple(v for v in vs if v not in anchors)
        whole = total(others, times([num(c), *weight]) if c != 1 else times(weight))
        base = max(offset(f) for f in fs)
        members = [self.member(*part) for part in self.view.members(inner.args[0], base)]
        return Partition(anchors, times(mask), self.short(whole), tuple(self.collected(members)))

    def anchors(
        self, vs: tuple[Term, ...], inner: Term, rest: Sequence[Term]
    ) -> tuple[Term, ...]:
        """Those that a partition function needs, and those in comparisons, or all."""
        kept = set(vs) if self.keep == "all" else set(inner.free)
        if self.keep == "compared":
            kept |= {v for f in rest if f.op in BOOL for v in f.free}
        return tuple(v for v in vs if v in kept)

    def short(self, t: Term) -> Term:
        """The shortest of a term and its normal forms."""
        forms = [t]
        for way in self.ways[:2]:
            way.steps = 0
            try:
                forms.append(way.normal(t)[0])
            except (GaveUp, RuleError):
                continue
        return min(forms, key=lambda x: x.size)

    def collected(self, members: Sequence[Member]) -> list[Member]:
        """Members with those of one learned kernel added up."""
        out: dict[tuple[object, ...], list[Member]] = {}
        for m in members:
            moving = tuple(f for f in flat(m.kernel) if self.moves(f))
            out.setdefault((m.over, m.mask, moving) if moving else (m,), []).append(m)
        return [self.together(ms) for ms in out.values()]

    def together(self, members: Sequence[Member]) -> Member:
        """Members of one learned kernel as one."""
        first = members[0]
        if len(members) == 1:
            return first
        moving = [f for f in flat(first.kernel) if self.moves(f)]
        fixed = [times([f for f in flat(m.kernel) if not self.moves(f)]) for m in members]
        weight = self.ways[0].normal(plus(fixed))[0]
        kernel = times([weight, *moving])
        return Member(first.over, first.mask, kernel, self.logs(kernel))

    def member(self, us: tuple[Term, ...], mask: Term, kernel: Term) -> Member:
        """A summand of a partition function; variables of its weights alone are summed out."""
        fs, ms = flat(kernel), flat(mask)
        moving = [f for f in fs if self.moves(f)]
        over = tuple(u for u in us if any(u in f.free for f in moving))
        if moving and len(over) < len(us):
            out = [f for f in fs + ms if any(u in f.free for u in us if u not in over)]
            inner = total([u for u in us if u not in over], times(out))
            fs, ms = [*(f for f in fs if f not in out), inner], [f for f in ms if f not in out]
            us = over
        kernel = times([f for f in fs if f is not ONE])
        return Member(us, times([f for f in ms if f is not ONE]), kernel, self.logs(kernel))

    def of_outcomes(self, x: Outcomes) -> Partition:
        """Two kernels whose sum is fixed as a partition."""
        members = tuple(Member((), ONE, k, self.logs(k)) for k in x.kernels)
        return Partition(x.anchors, x.mask, x.weight, members)

    def falls(self, p: Partition, own: Sequence[tuple[Monomial, Fraction]]) -> bool:
        """Whether a logarithm has a negative weight, as that of a kernel has."""
        if all(c < 0 for _, c in own):
            return True
        return any(c < 0 for _, c in own) and self.ways[0].nn(MINUS * p.weight) is not None

    def logs(self, kernel: Term) -> tuple[tuple[Monomial, Fraction], ...]:
        """The polynomial of the logarithm of a kernel."""
        return tuple(self.view.poly(self.view.normal(log(kernel)), offset(kernel)).items())

    # ------------------------------------------------------------ kernels that sum to one
    def normalised(self, known: Sequence[Partition], linear: Poly) -> list[Partition]:
        """Partitions of kernels that need none: their sum over neighbours is fixed.

        Such a kernel stands in a logarithm that belongs to no partition: a learned distribution, or
        the probability that two points share a cluster.
        """
        found: list[Partition] = []
        for m, c in linear.items():
            moving = [f for f in m[1] if self.moves(f)]
            if c > 0 or len(moving) != 1 or moving[0].op != "log":
                continue
            inner = moving[0]
            shapes = {shape(f) for p in (*known, *found) for f in log_kernels(p)}
            if shape(inner) not in shapes and (p := self.around(m, c, inner)) is not None:
                found.append(p)
        return found

    def around(self, m: Monomial, c: Fraction, inner: Term) -> Partition | None:
        """The partition of the kernel in a logarithm, over an index whose sum is fixed."""
        kernel, (vs, fs) = inner.args[0], m
        for e in sorted(closed_indices(kernel), key=lambda i: (i.op == "v", order(i))):
            u = var(f"x{offset(kernel) + len(vs) + 50}", domain(e))
            k = subst(kernel, {e: u})
            if e.op == "v" and e not in vs:
                continue
            whole = self.ways[0].normal(total((u,), k))[0]
            if self.moves(whole) or e.free & whole.free:
                continue
            anchors = tuple(v for v in vs if v in k.free)
            others = tuple(v for v in vs if v not in anchors)
            rest = [f for f in fs if f is not inner]
            mask = [f for f in rest if f.op in BOOL and f.free & set(vs) <= set(anchors)]
            weight = times([num(-c), *(f for f in rest if f not in mask)])
            member = Member((u,), ONE, k, self.logs(k))
            return Partition(anchors, times(mask), total(others, weight), (member,))
        return None

    # ------------------------------------------------------------ what belongs together
    def gathered(
        self, partitions: Sequence[tuple[Partition, list[tuple[Monomial, Fraction]]]]
    ) -> list[tuple[Partition, list[tuple[Monomial, Fraction]]]]:
        """Partitions, with where they come from, those of one function added up."""
        out: list[tuple[Partition, list[tuple[Monomial, Fraction]]]] = []
        for p, own in partitions:
            for k, (q, before) in enumerate(out):
                if (both := self.added(q, p)) is not None:
                    out[k] = both, before + own
                    break
            else:
                out.append((p, own))
        return out

    def added(self, a: Partition, b: Partition) -> Partition | None:
        """Two partitions of one function as one."""
        for names in renamings(b.anchors, a.anchors):
            mask, weight, inside = (subst(t, names) for t in (b.mask, b.weight, b.inside))
            if not self.same(a.inside, inside):
                continue
            if self.same(a.mask, mask):
                return replace(a, weight=a.weight + weight)
            parts = flat(factored(a.mask * a.weight + mask * weight))
            conditions = [f for f in parts if indicator(f)]
            rest = times([f for f in parts if f not in conditions])
            return replace(a, mask=times(conditions), weight=rest)
        return None

    def merged(self, partitions: Sequence[Partition]) -> list[Partition]:
        """Partitions with those joined that a case distinction [i = j] has set apart."""
        left = list(partitions)
        for big in sorted(partitions, key=lambda p: -len(p.anchors)):
            for small in left:
                if big in left and (joined := self.joined(big, small)) is not None:
                    left = [p for p in left if p not in (big, small)] + [joined]
                    break
        return left

    def joined(self, big: Partition, small: Partition) -> Partition | None:
        """One partition of two, where `small` is `big` at i = j and `big` has i != j."""
        if len(big.anchors) != len(small.anchors) + 1:
            return None
        for m, a, b in differing(big.mask, big.anchors):
            rest = tuple(v for v in big.anchors if v is not a)
            for names in renamings(small.anchors, rest):
                pairs = ((big.weight, small.weight), (big.inside, small.inside))
                if all(self.same(subst(x, {a: b}), subst(y, names)) for x, y in pairs):
                    return replace(big, mask=times([f for f in flat(big.mask) if f is not m]))
        return None

    # ------------------------------------------------------------ comparing
    def rest(self, a: Term, b: Term) -> Term | None:
        """A - b where nothing learned is left of it, else None."""
        for way in self.ways:
            way.steps = 0
            try:
                rest, _ = way.normal(way.normal(a)[0] - way.normal(b)[0])
            except GaveUp:  # another form may be shorter
                continue
            if not self.moves(rest):
                return rest
        return None

    def same(self, a: Term, b: Term, ways: int = 1) -> bool:
        """Whether two terms have one normal form, in one of the first ways."""
        for way in self.ways[:ways]:
            way.steps = 0
            if not canon(way.normal(a)[0] - way.normal(b)[0]):
                return True
        return False


def differing(mask: Term, anchors: tuple[Term, ...]) -> Iterator[tuple[Term, Term, Term]]:
    """Factors [a != b] of a mask between two anchors, either way round."""
    for f in flat(mask):
        if f.op == "ne" and set(f.args) <= set(anchors):
            yield f, f.args[0], f.args[1]
            yield f, f.args[1], f.args[0]


def log_kernels(p: Partition) -> list[Term]:
    """The logarithms in the log-kernels of a partition."""
    return [f for m in p.members for (_, fs), _ in m.logs for f in fs if f.op == "log"]
