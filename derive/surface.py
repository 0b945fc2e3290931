"""A formula as it is written: opened up to logarithms, with nothing inside them rewritten.

The normal form of the search tells more formulas to be one, and in doing so takes kernels apart
that a paper wrote as one: 1 - alpha, a condition "not in", the probability of a mixture. Read on
its surface a formula keeps them. What is read is a guess either way, and the proof decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from derive.claims import families, total
from derive.normal import Normaliser
from derive.poly import Poly, flat, plus, poly, times, without
from derive.products import closed_indices
from derive.shapes import shape
from derive.steps import ONE
from derive.terms import BOOL, Domain, Term, domain, mk, num, open_binder, order, subst, var
from derive.theorem import MINUS, log

Part = tuple[tuple[Term, ...], Term, Term]  # variables, condition, kernel


class View(Protocol):
    """A way to look at a formula."""

    def normal(self, t: Term) -> Term:
        """The term in a form whose polynomial has logarithms as factors."""
        ...

    def poly(self, t: Term, base: int | None = None) -> Poly:
        """The polynomial of a term."""
        ...

    def members(self, t: Term, base: int) -> list[Part]:
        """The kernels that a partition function sums, over which variables and where."""
        ...


@dataclass(frozen=True)
class Deep:
    """The view of the search: normal forms."""

    way: Normaliser

    def normal(self, t: Term) -> Term:
        """The normal form."""
        return self.way.normal(t)[0]

    def poly(self, t: Term, base: int | None = None) -> Poly:
        """The polynomial of a term."""
        return self.way.poly(t, base)

    def members(self, t: Term, base: int) -> list[Part]:
        """The monomials of a partition function."""
        out = []
        for (us, gs), c in self.way.poly(t, base).items():
            rest = [g for g in gs if g.op not in BOOL]
            kernel = times([num(c), *rest] if c != 1 else rest)
            out.append((us, times([g for g in gs if g.op in BOOL]), kernel))
        return out


@dataclass(frozen=True)
class Surface:
    """The view of the reader. `learned` names what training changes.

    With `whole` a sum of terms below a sum over neighbours is one kernel, such as x^2 + c; with
    `divided` a sum reaches over its divisor, log sum k/s = log sum k - log s. `kernels` are the
    shapes of what stands in logarithms of the formula: below a sum these stay whole, too.
    """

    dims: frozenset[Domain]
    learned: frozenset[str]
    whole: bool = False
    divided: bool = False
    kernels: frozenset[int] = frozenset()

    def normal(self, t: Term) -> Term:
        """The term with logarithms of products, quotients and exponentials written out."""
        if t.op in ("add", "mul"):
            return mk(t.op, None, *map(self.normal, t.args))
        if t.op == "sum":
            v = var(f"s{t.depth}", t.data)
            return total((v,), self.normal(open_binder(t, v)))
        return self.split(t.args[0]) if t.op == "log" else t

    def split(self, u: Term) -> Term:
        """The logarithm of u, along its factors."""
        if u is ONE:
            return num(0)
        if u.op == "mul":
            return plus([self.split(a) for a in u.args])
        if (apart := less_than_one(u)) is not None:
            return plus([self.split(apart[0]), MINUS * self.split(apart[1])])
        if (left := less_a_share(u)) is not None:
            return plus([self.split(left[0]), MINUS * self.split(left[1])])
        if u.op == "add" and len(parts := [a for a in u.args if a is not num(0)]) == 1:
            return self.split(parts[0])
        if u.op == "inv":
            return MINUS * self.split(u.args[0])
        if self.divided and u.op == "sum" and u.data not in self.dims:
            v = var(f"s{u.depth}", u.data)
            fs = flat(open_binder(u, v))
            below = [f for f in fs if f.op == "inv" and v not in f.free]
            if below:
                rest = total((v,), times(without(fs, below)))
                return plus([self.split(rest), *map(self.split, below)])
        return self.normal(u.args[0]) if u.op == "exp" else log(u)

    def poly(self, t: Term, base: int | None = None) -> Poly:
        """The polynomial of a term; inner products stay closed."""
        return poly(t, base, self.dims)

    def members(self, t: Term, base: int) -> list[Part]:
        """The kernels of a partition function, conditions such as "not in" left whole."""
        found = self.parts(t, base + 1)
        out: list[Part] = []
        for vs, fs in found:
            mask = [f for f in fs if indicator(f)]
            rest = [f for f in fs if f not in mask]
            names = {v: var(f"x{base + 1 + k}", domain(v)) for k, v in enumerate(vs)}
            new = (times(mask), times(rest))
            out.append((tuple(names.values()), subst(new[0], names), subst(new[1], names)))
        return out

    def parts(
        self, t: Term, level: int, inside: bool = False
    ) -> list[tuple[tuple[Term, ...], list[Term]]]:
        """Sums and products opened: variables and factors."""
        if inside and shape(t) in self.kernels:
            return [((), [t])]
        if t.op == "add" and not (inside and self.whole and not self.sums(t)):
            terms = [a for a in t.args if a is not num(0)]
            return [p for a in terms for p in self.parts(a, level, inside)]
        if t.op == "sum" and t.data not in self.dims:
            v = var(f"m{level}", t.data)
            inner = self.parts(open_binder(t, v), level + 1, True)
            return [((v, *vs), fs) for vs, fs in inner]
        if t.op != "mul":
            return [((), [t] if t is not ONE else [])]
        out: list[tuple[tuple[Term, ...], list[Term]]] = [((), [])]
        for k, f in enumerate(flat(t)):
            opened = self.moves(f) and (f.op == "sum" or (f.op == "add" and self.sums(f)))
            opened = opened and not (inside and shape(f) in self.kernels)
            pieces = self.parts(f, level + 10 * (k + 1), inside) if opened else [((), [f])]
            out = [((*vs, *us), [*fs, *gs]) for vs, fs in out for us, gs in pieces]
        return out

    def sums(self, t: Term) -> bool:
        """Whether a sum over indices stands in a sum of terms: (1 + s) / 2 is one kernel."""
        return any(
            (g.op == "sum" and g.data not in self.dims) or (g.op == "add" and self.sums(g))
            for a in t.args
            for g in flat(a)
        )

    def moves(self, t: Term) -> bool:
        """Whether a term mentions what is learned."""
        return bool(families(t) & self.learned)


def less_than_one(u: Term) -> tuple[Term, Term] | None:
    """The parts (y, 1 + y) of u = 1 - 1/(1 + y), such as the chance that a pair does not match."""
    parts = [a for a in u.args if a is not num(0)] if u.op == "add" else []
    other = [flat(a) for a in parts if a is not ONE]
    if len(parts) != 2 or len(other) != 1 or MINUS not in other[0]:
        return None
    fs = [f for f in other[0] if f is not MINUS and f is not ONE]
    if len(fs) != 1 or fs[0].op != "inv" or fs[0].args[0].op != "add":
        return None
    below = [a for a in fs[0].args[0].args if a is not num(0)]
    if len(below) != 2 or ONE not in below:
        return None
    return next(a for a in below if a is not ONE), fs[0].args[0]


def less_a_share(u: Term) -> tuple[Term, Term] | None:
    """The parts (S - k(e), S) of u = 1 - k(e)/S, for S the sum of all k or k(e) and more."""
    parts = [a for a in u.args if a is not num(0)] if u.op == "add" else []
    other = [flat(a) for a in parts if a is not ONE]
    if len(parts) != 2 or len(other) != 1 or MINUS not in other[0]:
        return None
    below = [f.args[0] for f in other[0] if f.op == "inv"]
    share = [f for f in other[0] if f is not MINUS and f is not ONE and f.op != "inv"]
    if len(below) != 1 or not share:
        return None
    whole = below[0]
    if whole.op == "add":
        rest = [a for a in whole.args if a is not num(0) and not same_factors(flat(a), share)]
        return (plus(rest), whole) if len(rest) + 1 == len(whole.args) else None
    if whole.op != "sum":
        return None
    v = var(f"s{whole.depth + u.depth}", whole.data)
    kernel = open_binder(whole, v)
    for e in closed_indices(times(share)):
        if domain(e) == whole.data and same_factors(flat(subst(kernel, {v: e})), share):
            return total((v,), mk("ne", None, v, e) * kernel), whole
    return None


def same_factors(a: list[Term], b: list[Term]) -> bool:
    """Whether two lists have the same factors in any order."""
    return sorted(a, key=order) == sorted(b, key=order)


def indicator(f: Term) -> bool:
    """Whether a factor is a condition as the language writes one: m, 1 - m, or a product."""
    if f.op in BOOL:
        return True
    if f.op == "mul":
        return all(indicator(a) for a in flat(f))
    if f.op != "add" or len(f.args) != 2 or ONE not in f.args:
        return False
    other = next((a for a in f.args if a is not ONE), ONE)
    rest = [a for a in flat(other) if a is not MINUS]
    return len(rest) < len(flat(other)) and all(map(indicator, rest))
