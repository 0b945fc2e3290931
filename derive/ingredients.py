"""What a formula has that may be a learned q or a p: quotients, distributions, labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from derive.bridge import Problem
from derive.claims import total
from derive.partitions import Taker
from derive.poly import flat, match_monomial, offset, plus, times, without
from derive.products import closed_indices
from derive.rows import Row, both_outcomes, outcomes_among
from derive.steps import ONE, ZERO
from derive.terms import BINDERS, BOOL, Domain, Term, domain, mk, num, open_binder, subst, var
from derive.theorem import MINUS, exp, inv, log


@dataclass(frozen=True)
class Candidates:
    """What a formula has that may be a learned q, and a p for it."""

    problem: Problem
    taker: Taker
    domains: tuple[Domain, ...] = ()  # the index sets of the file

    # ------------------------------------------------------------ q
    def kernels(self) -> Iterator[tuple[tuple[Term, ...], tuple[Term, ...], Term, Term]]:
        """Anchors, neighbours, condition and kernel of everything that may be a learned q."""
        seen: dict[tuple[Any, ...], None] = {}
        for k, s in enumerate(self.sums()):
            base = 40 * (k + 1) + offset(s)
            for us, mask, kernel in self.taker.view.members(s, base):
                if not us or not self.taker.moves(kernel):
                    continue
                kernel = times([f for f in flat(kernel) if f.op != "inv" or us[0] in f.free])
                whole = times([f for f in flat(mask) if f.op != "ne"])  # one index was left out
                free = (f for f in kernel.free | mask.free if f not in us)
                anchors = tuple(sorted(free, key=lambda v: str(v.data)))
                seen.setdefault((anchors, us, mask, kernel))
                if whole is not mask and len(us) == 1:
                    seen.setdefault((anchors, us, whole, kernel))
        for family in self.distributions():
            seen.setdefault(family)
        for family in self.summing():
            seen.setdefault(family)
        d = outcomes_among(self.domains)
        u = var("o", d)
        here, there = (mk("eq", None, u, e) for e in both_outcomes(d))
        for x in self.unfixed(self.scalars()):
            anchors = in_order(x.free)
            for sign in (ONE, MINUS):
                seen.setdefault((anchors, (u,), ONE, exp(here * (sign * x))))
        for x in self.chances():
            seen.setdefault((in_order(x.free), (u,), ONE, here * x + there * (ONE - x)))
        for both in self.shares():
            for one, other in (both, both[::-1]):
                anchors = in_order((one * other).free)
                seen.setdefault((anchors, (u,), ONE, here * one + there * other))
        yield from seen

    def distributions(self) -> Iterator[tuple[Any, ...]]:
        """Learned arrays whose sums over their last index, or over all, are fixed."""
        found = (t for t in opened(self.problem.published, self.problem.dims) if t.op == "app")
        for t in dict.fromkeys(t for t in found if self.taker.moves(t) and t.args):
            names = tuple(var(f"x{300 + k}", domain(a)) for k, a in enumerate(t.args))
            if any(d in self.problem.dims for d in map(domain, t.args)):
                continue
            k = mk("app", t.data, *names)
            for over in (names[-1:], names):
                if not self.taker.moves(self.taker.ways[0].normal(total(over, k))[0]):
                    yield tuple(v for v in names if v not in over), over, ONE, k
                    break

    def summing(self) -> Iterator[tuple[Any, ...]]:
        """What stands in logarithms and has a fixed sum: over one of its indices, or over all."""
        found = (t for t in opened(self.problem.published, self.problem.dims) if t.op == "log")
        for k in dict.fromkeys(t.args[0] for t in found if self.taker.moves(t)):
            vs = in_order(k.free)
            for over in (*((v,) for v in vs), vs):
                whole = total(over, k) if over else k
                if over and not self.taker.moves(self.taker.ways[0].normal(whole)[0]):
                    yield tuple(v for v in vs if v not in over), over, ONE, k

    def shares(self) -> Iterator[tuple[Term, Term]]:
        """The two parts of a divisor that is one of two sides, as in a/(a + b)."""
        for t in opened(self.problem.published, self.problem.dims):
            below = t.args[0] if t.op == "inv" else ONE
            parts = [a for a in below.args if a is not ZERO] if below.op == "add" else []
            if len(parts) == 2 and self.taker.moves(below) and all(map(self.taker.ways[0].pos,
                                                                      parts)):  # fmt: skip
                yield parts[0], parts[1]

    def chances(self) -> Iterator[Term]:
        """Logistic functions as the formula has them."""
        for t in opened(self.problem.published, self.problem.dims):
            if t.op == "inv" and t.args[0].op == "add" and self.taker.moves(t):
                parts = [a for a in t.args[0].args if a is not ZERO]
                if len(parts) == 2 and ONE in parts and any(a.op == "exp" for a in parts):
                    yield t

    def unfixed(self, terms: Iterator[Term]) -> Iterator[Term]:
        """Terms, and those that a formula has at every element of an enumerated set as one."""
        known = list(dict.fromkeys(terms))
        for x in known:
            for e in (e for e in closed_indices(x) if e.op == "el"):
                v = var(f"x{700 + len(x.free)}", domain(e))
                others = [subst(x, {e: mk("el", (o, domain(e)))}) for o in domain(e)[1]]
                if all(any(y is z or y is MINUS * z for z in known) for y in others):
                    yield subst(x, {e: v})
        yield from known

    def sums(self) -> Iterator[Term]:
        """The learned sums over indices below a formula, open at their free variables."""
        for t in opened(self.problem.published, self.problem.dims):
            if t.op == "sum" and t.data not in self.problem.dims and self.taker.moves(t):
                yield t

    def scalars(self) -> Iterator[Term]:
        """Exponents of a logistic function."""
        for t in opened(self.problem.published, self.problem.dims):
            parts = [a for a in t.args if a is not ZERO] if t.op == "add" else []
            exps = [a for a in parts if a.op == "exp" and self.taker.moves(a)]
            if t.op == "add" and len(parts) == 2 and len(exps) == 1 and ONE in parts:
                yield exps[0].args[0]

    # ------------------------------------------------------------ p
    def supervisors(self, anchors: tuple[Term, ...], over: tuple[Term, ...]) -> Iterator[Term]:
        """What may be p over these neighbours: one of them, a fixed distribution, uniform."""
        seen: dict[Term, None] = {}
        published = self.problem.published
        if len(over) == 1:
            (u,) = over
            for e in self.indices(anchors):
                if domain(e) == domain(u) and e is not u:
                    seen.setdefault(mk("eq", None, u, e))
            if isinstance(domain(u), tuple) and len(domain(u)[1]) == 2:
                one, other = (mk("eq", None, u, mk("el", (e, domain(u)))) for e in domain(u)[1])
                seen |= {one: None, other: None}
                for m in (*self.masks(anchors), *self.arrays(anchors), *self.fixed_scalars()):
                    seen.setdefault(m * one + (ONE - m) * other)
                    seen.setdefault((ONE - m) * one + m * other)
        for t in opened(published, self.problem.dims):
            if t.op == "sum" and not self.taker.moves(t) and t.data not in self.problem.dims:
                for us, mask, kernel in self.taker.view.members(t, 900):
                    yield from self.quotient(anchors, over, us, mask, kernel)
        for t in self.fixed_parts():
            free = sorted(t.free, key=lambda v: str(v.data))
            pool = (*anchors, *over)
            if len(free) == len(pool):
                for names in permutations(pool):
                    if [domain(v) for v in names] == [domain(v) for v in free]:
                        seen.setdefault(subst(t, dict(zip(free, names, strict=True))))
        yield from seen
        yield inv(total(over, ONE))

    def fixed_parts(self) -> Iterator[Term]:
        """The largest parts of a formula that nothing learned is in, of several indices."""

        def largest(t: Term, level: int) -> Iterator[Term]:
            if not self.taker.moves(t):
                if len(t.free) > 1:
                    yield t
                    yield from (x for x in self.split_off(t) if len(x.free) > 1)
            elif t.op in BINDERS and t.data not in self.problem.dims:
                v = var(f"x{level}", t.data)
                for k in range(len(t.args)):
                    yield from largest(open_binder(t, v, k), level + 1)
            elif t.op not in BINDERS:
                fixed = [f for f in flat(t) if not self.taker.moves(f)] if t.op == "mul" else []
                if len(fixed) > 1 and len(times(fixed).free) > 1:
                    yield times(fixed)
                for a in t.args:
                    if not a.loose:
                        yield from largest(a, level)

        yield from dict.fromkeys(largest(self.problem.published, 1))

    def split_off(self, t: Term) -> Iterator[Term]:
        """What is below a logarithm or a sign of a fixed part."""
        plain = [f for f in flat(t) if f.op != "num"]
        if len(plain) < len(flat(t)):
            yield times(plain)
        for f in flat(t):
            if f.op == "log" or (f.op in ("add", "inv") and len(f.args) == 1):
                yield f.args[0]

    def reverse(self, row: Row) -> Term | None:
        """The p of a reverse KL: what stands beside q, exponentiated over what beside q log q."""
        pattern = [f for f in flat(row.kernel) if self.taker.moves(f)]
        inside = times([f for f in (row.allowed, row.kernel) if f is not ONE])
        whole = total(row.over, inside)
        if self.taker.moves(self.taker.ways[0].normal(whole)[0]):
            pattern.append(inv(whole))
        slots = frozenset((*row.anchors, *row.over))
        below: Term | None = None
        above: list[Term] = []
        view = self.taker.view
        for (vs, fs), c in view.poly(view.normal(self.problem.published)).items():
            names = {v: var(f"x{500 + k}", domain(v)) for k, v in enumerate(vs)}
            m = (tuple(names.values()), tuple(subst(f, names) for f in fs))
            for b, taken, used in match_monomial(((), tuple(pattern)), slots, m):
                if set(b) != slots or taken or any(v.op != "v" for v in b.values()):
                    continue
                back = {w: v for v, w in b.items()}
                rest = [subst(f, back) for f in without(m[1], used)]
                moving = [f for f in rest if self.taker.moves(f)]
                if any(f.free - slots for f in rest):
                    continue
                if not moving:
                    above.append(times([num(c), *rest]))
                elif len(moving) == 1 and c > 0 and below is None:
                    unit = ONE if moving[0].op == "log" else self.coefficient(row, moving[0])
                    if unit is not None:
                        below = times([num(c), *without(rest, moving), inv(unit)])
                break
        if below is None:
            return None
        simple = self.taker.ways[0].normal(MINUS * plus(above) * inv(below))[0]
        weight = self.taker.ways[0].normal(exp(simple))[0]
        return weight * inv(total(row.over, row.allowed * weight))


    def quotient(
        self, anchors: tuple[Term, ...], over: tuple[Term, ...], us: tuple[Term, ...],
        mask: Term, kernel: Term,
    ) -> Iterator[Term]:  # fmt: skip
        """A fixed kernel over its sum, in the letters of the pair."""
        if [domain(v) for v in us] != [domain(v) for v in over]:
            return
        free = sorted((v for v in kernel.free if v not in us), key=lambda v: str(v.data))
        for names in product(*([a for a in anchors if domain(a) == domain(v)] for v in free)):
            new = {**dict(zip(us, over, strict=True)), **dict(zip(free, names, strict=True))}
            k = subst(kernel, new)
            yield k * inv(total(over, subst(mask, new) * k))

    def indices(self, anchors: tuple[Term, ...]) -> Iterator[Term]:
        """Indices that a one-hot p may name: anchors, their labels, elements."""
        yield from anchors
        for t in opened(self.problem.published, self.problem.dims):
            for e in closed_indices(t):
                if e.op == "el":
                    yield e
                elif e.op == "fn":
                    for names in product(*([a for a in anchors if domain(a) == domain(v)]
                                           for v in e.args if v.op == "v")):  # fmt: skip
                        if len(names) == len(e.args):
                            yield mk("fn", e.data, *names)

    def masks(self, anchors: tuple[Term, ...]) -> Iterator[Term]:
        """Conditions on the anchors."""
        for a in anchors:
            d = domain(a)
            elements = d[1] if isinstance(d, tuple) else ()
            yield from (mk("eq", None, a, mk("el", (e, d))) for e in elements)
        for t in opened(self.problem.published, self.problem.dims):
            if t.op in BOOL and t.free and all(v.op == "v" for v in t.free):
                free = sorted(t.free, key=lambda v: str(v.data))
                for names in product(*([a for a in anchors if domain(a) == domain(v)]
                                       for v in free)):  # fmt: skip
                    yield subst(t, dict(zip(free, names, strict=True)))

    def coefficient(self, row: Row, score: Term) -> Term | None:
        """What a score is multiplied by in the logarithm of the kernel, None where it is not."""
        terms = self.taker.view.poly(self.taker.view.normal(log(row.kernel)))
        if len(terms) != 1:
            return None
        ((vs, fs), c) = next(iter(terms.items()))
        return None if vs or score not in fs else times([num(c), *without(fs, [score])])

    # ------------------------------------------------------------ numbers
    def arrays(self, anchors: tuple[Term, ...]) -> list[Term]:
        """The fixed arrays over the anchors that the formula mentions."""
        found = (t for t in opened(self.problem.published, self.problem.dims) if t.op == "app")
        wanted = tuple(map(domain, anchors))
        fixed = [t for t in found if t.args and not self.taker.moves(t)]
        return list(dict.fromkeys(
            mk("app", t.data, *anchors) for t in fixed if tuple(map(domain, t.args)) == wanted
        ))  # fmt: skip

    def fixed_scalars(self) -> list[Term]:
        """The fixed numbers that the formula mentions."""
        found = (t for t in opened(self.problem.published, self.problem.dims) if t.op == "app")
        return list(dict.fromkeys(t for t in found if not t.args and not self.taker.moves(t)))


def in_order(vs: Iterable[Term]) -> tuple[Term, ...]:
    """Variables in the order of their names."""
    return tuple(sorted(vs, key=lambda v: str(v.data)))


def opened(t: Term, dims: frozenset[Domain], level: int = 1) -> Iterator[Term]:
    """A term and all below it, binders opened at fresh variables."""
    yield t
    if t.op in BINDERS and t.data not in dims:
        v = var(f"x{level}", t.data)
        for k in range(len(t.args)):
            yield from opened(open_binder(t, v, k), dims, level + 1)
    elif t.op not in BINDERS:
        for a in t.args:
            if not a.loose:
                yield from opened(a, dims, level)

