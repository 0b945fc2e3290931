"""A published formula as a sum of log-partition functions, learned rest, and fixed rest.

R9 of the I-Con recogniser: in normal form a loss is a sum of terms w log S, with S a sum of
kernels, and of terms that are linear in the logarithms of those kernels. Here the normal form is
taken apart; `derive.supervisors` reads p from the linear terms.

Reference: the normal form is unique where the kernels are independent, see docs/recognise.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations

from derive.claims import families, total
from derive.normal import Normaliser
from derive.poly import Poly, offset, plus, times
from derive.shapes import shape
from derive.steps import ONE
from derive.terms import BOOL, Monomial, Term, canon, domain, num, subst
from derive.theorem import log


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

    @property
    def inside(self) -> Term:
        """The partition function."""
        return plus([m.term for m in self.members])

    @property
    def mass(self) -> Term:
        """The sum of the weights."""
        return total(self.anchors, self.mask * self.weight)


@dataclass(frozen=True)
class Parts:
    """A formula taken apart. `linear` and `fixed` are what is left, learned and not."""

    partitions: tuple[Partition, ...]
    linear: Poly
    fixed: Poly


@dataclass(frozen=True)
class Taker:
    """Takes formulas apart, with normalisers, the first of them for all but comparing."""

    ways: tuple[Normaliser, ...]
    light: Normaliser  # it turns no f(a) into f(b) where a = b: that may need another hypothesis
    learned: frozenset[str]

    @property
    def way(self) -> Normaliser:
        """The normaliser of first choice."""
        return self.ways[0]

    def moves(self, t: Term) -> bool:
        """Whether a term mentions what is learned."""
        return bool(families(t) & self.learned)

    def parts(self, published: Term) -> Parts:
        """The formula taken apart."""
        normal, _ = self.way.normal(published)
        logs: list[tuple[Monomial, Fraction]] = []
        linear, fixed = Poly(), Poly()
        for m, c in self.way.poly(normal).items():
            moving = [f for f in m[1] if self.moves(f)]
            if not moving:
                fixed[m] = c
            elif len(moving) == 1 and moving[0].op == "log" and self.is_sum(moving[0].args[0]):
                logs.append((m, c))
            else:
                linear[m] = c
        found = [self.partition(m, c) for m, c in logs]
        partitions: list[Partition] = []
        for (m, c), p in zip(logs, found, strict=True):
            inner = next(f for f in m[1] if self.moves(f))
            others = [f for q in found if q is not p for f in log_kernels(q)]
            if any(shape(f) == shape(inner) for f in others):
                linear[m] = c  # the logarithm of a kernel that is a sum itself, such as 1 + d
            else:
                partitions.append(p)
        return Parts(tuple(self.merged(partitions)), linear, fixed)

    def is_sum(self, s: Term) -> bool:
        """Whether the argument of a logarithm is a sum of kernels rather than one."""
        p = self.way.poly(s)
        return len(p) > 1 or any(vs for vs, _ in p)

    def partition(self, m: Monomial, c: Fraction) -> Partition:
        """The partition of a monomial that holds one logarithm."""
        vs, fs = m
        inner = next(f for f in fs if self.moves(f))
        anchors = tuple(v for v in vs if v in inner.free)
        rest = [f for f in fs if f is not inner]
        mask = [f for f in rest if f.op in BOOL and f.free & set(vs) <= set(anchors)]
        weight = [f for f in rest if f not in mask]
        others = tuple(v for v in vs if v not in anchors)
        whole = total(others, times([num(c), *weight]) if c != 1 else times(weight))
        base = max(offset(f) for f in fs)
        members = tuple(
            self.member(us, gs, d) for (us, gs), d in self.way.poly(inner.args[0], base).items()
        )
        return Partition(anchors, times(mask), whole, members)

    def member(self, us: tuple[Term, ...], gs: tuple[Term, ...], c: Fraction) -> Member:
        """A monomial of a partition function."""
        mask = [g for g in gs if g.op in BOOL]
        rest = [g for g in gs if g.op not in BOOL]
        kernel = times([num(c), *rest] if c != 1 else rest)
        return Member(us, times(mask), kernel, self.logs(kernel))

    def logs(self, kernel: Term) -> tuple[tuple[Monomial, Fraction], ...]:
        """The polynomial of the logarithm of a kernel."""
        normal, _ = self.way.normal(log(kernel))
        return tuple(self.way.poly(normal, offset(kernel)).items())

    # ------------------------------------------------------------ what a condition took apart
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
            for order in permutations(small.anchors):
                if [domain(v) for v in order] != [domain(v) for v in rest]:
                    continue
                names = dict(zip(order, rest, strict=True))
                same = all(
                    self.same(subst(subst(x, {a: b}), {}), renamed(y, names))
                    for x, y in ((big.weight, small.weight), (big.inside, small.inside))
                )
                if same:
                    return replace(big, mask=times([f for f in flat(big.mask) if f is not m]))
        return None

    def rest(self, a: Term, b: Term) -> Term | None:
        """A - b where nothing learned is left of it, else None."""
        for way in self.ways:
            rest, _ = way.normal(way.normal(a)[0] - way.normal(b)[0])
            if not self.moves(rest):
                return rest
        return None

    def same(self, a: Term, b: Term) -> bool:
        """Whether two terms have one normal form."""
        return not canon(self.way.normal(a)[0] - self.way.normal(b)[0])


def renamed(t: Term, names: dict[Term, Term]) -> Term:
    """A term with free variables renamed, all at once."""
    return subst(t, {v: w for v, w in names.items() if v is not w})


def flat(t: Term) -> list[Term]:
    """The factors of a product."""
    return [g for a in t.args for g in flat(a)] if t.op == "mul" else [] if t is ONE else [t]


def differing(mask: Term, anchors: tuple[Term, ...]) -> Iterator[tuple[Term, Term, Term]]:
    """Factors [a != b] of a mask between two anchors, either way round."""
    for f in flat(mask):
        if f.op == "ne" and set(f.args) <= set(anchors):
            yield f, f.args[0], f.args[1]
            yield f, f.args[1], f.args[0]


def log_kernels(p: Partition) -> list[Term]:
    """The logarithms in the log-kernels of a partition."""
    return [f for m in p.members for (_, fs), _ in m.logs for f in fs if f.op == "log"]
