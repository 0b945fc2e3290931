"""Polynomials of the search: monomials with named bound variables, and patterns matched in them.

The same normal form as `terms.canon`, with two differences: bound variables get readable names
that avoid the free ones, and inner products stay closed unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, lru_cache
from math import isqrt

from derive.claims import total
from derive.shapes import shape
from derive.terms import (
    INDEX,
    SYMMETRIC,
    Domain,
    Monomial,
    Term,
    canonical,
    domain,
    expand,
    mk,
    num,
    order,
    subst,
)

Poly = dict[Monomial, Fraction]
PREFIX = "x"


def offset(t: Term) -> int:
    """The largest number of a variable of the search that occurs free in t."""
    names = (v.data[0] for v in t.free)
    return max((int(n[1:]) for n in names if n[0] == PREFIX and n[1:].isdigit()), default=0)


@cache
def namer(start: int) -> Callable[[int], str]:
    """Names of bound variables; one function for one start, so that its names can be remembered."""
    return lambda k: f"{PREFIX}{start + k}"


def poly(t: Term, base: int | None = None, shut: frozenset[Domain] = frozenset()) -> Poly:
    """The polynomial of t; its bound variables are numbered from base + 1.

    It is remembered: who changes it takes a copy.
    """
    return _poly(t, offset(t) if base is None else base, shut)


@lru_cache(50_000)
def _poly(t: Term, start: int, shut: frozenset[Domain]) -> Poly:
    out: Poly = {}
    for (vs, fs), c in expand(t, shut).items():
        m = canonical(vs, fs, namer(start))
        out[m] = out[m] + c if m in out else Fraction(c)
    return {m: c for m, c in out.items() if c}


def times(fs: tuple[Term, ...] | list[Term]) -> Term:
    """The product of factors, 1 when there is none."""
    return num(1) if not fs else fs[0] if len(fs) == 1 else mk("mul", None, *fs)


def flat(t: Term) -> list[Term]:
    """The factors of a product of products."""
    return [g for a in t.args for g in flat(a)] if t.op == "mul" else [t]


def plus(ts: list[Term]) -> Term:
    """The sum of terms, 0 when there is none."""
    return num(0) if not ts else ts[0] if len(ts) == 1 else mk("add", None, *ts)


def components(vs: tuple[Term, ...], fs: tuple[Term, ...]) -> list[Term]:
    """A monomial as independent factors: those without bound variables, one sum per group."""
    parts = [f for f in fs if not any(v in f.free for v in vs)]
    todo = list(vs)
    while todo:
        group, grown = {todo[0]}, True
        while grown:
            touching = [f for f in fs if any(v in f.free for v in group)]
            more = {v for v in vs if any(v in f.free for f in touching)} - group
            group |= more
            grown = bool(more)
        inside = sorted((f for f in fs if any(v in f.free for v in group)), key=order)
        taken = [v for v in todo if v in group]
        parts.append(total(taken, times(inside)))
        todo = [v for v in todo if v not in group]
    return sorted(parts, key=order)


def term_of(m: Monomial, c: Fraction = Fraction(1)) -> Term:
    """A monomial with its coefficient as a term, independent sums apart."""
    parts = components(*m)
    return times(parts) if c == 1 and parts else times([num(c), *parts]) if parts else num(c)


def build(p: Poly) -> Term:
    """A polynomial as a term, in a fixed order."""
    return plus(sorted((term_of(m, c) for m, c in p.items()), key=order))


def without(fs: tuple[Term, ...] | list[Term], gone: list[Term] | tuple[Term, ...]) -> list[Term]:
    """The factors left when each of `gone` is taken out once."""
    left = list(fs)
    for g in gone:
        left.remove(g)
    return left


def square_root(p: Poly) -> Term | None:
    """L with L^2 = p for a polynomial that is the square of a linear form, else None."""
    linear: list[tuple[Term, Fraction]] = []
    for (vs, fs), c in p.items():
        if not vs and len(fs) == 2 and fs[0] is fs[1]:
            up, down = isqrt(max(c.numerator, 0)), isqrt(c.denominator)
            if up * up != c.numerator or down * down != c.denominator:
                return None
            linear.append((fs[0], Fraction(up, down)))
    if not linear:
        return None
    first, size = linear[0]
    parts = [num(size) * first]
    for u, c in linear[1:]:
        cross = next((q for (_, fs), q in p.items() if set(fs) == {first, u}), Fraction(0))
        parts.append(num(c if cross > 0 else -c) * u)
    whole = parts[0] if len(parts) == 1 else mk("add", None, *parts)
    return None if poly(whole * whole - build(p)) else whole


# ---------------------------------------------------------------- matching
Binding = dict[Term, Term]


def match(pattern: Term, target: Term, slots: frozenset[Term], b: Binding) -> Iterator[Binding]:
    """Ways to extend b by indices for the variables `slots` so that `pattern` is `target`."""
    if pattern in slots:
        if pattern in b:
            if b[pattern] is target:
                yield b
        elif target.op in INDEX and not target.loose and domain(target) == domain(pattern):
            yield {**b, pattern: target}
        return
    if not pattern.free & slots:
        if pattern is target:
            yield b
        return
    if pattern.op != target.op or pattern.data != target.data:
        return
    if len(pattern.args) != len(target.args):
        return
    if pattern.op in SYMMETRIC:
        yield from match_any(list(pattern.args), list(target.args), slots, b)
    else:
        yield from match_all(list(pattern.args), list(target.args), slots, b)


def match_all(
    ps: list[Term], ts: list[Term], slots: frozenset[Term], b: Binding
) -> Iterator[Binding]:
    """Match the lists one by one."""
    if not ps:
        yield b
        return
    for b2 in match(ps[0], ts[0], slots, b):
        yield from match_all(ps[1:], ts[1:], slots, b2)


def match_any(
    ps: list[Term], ts: list[Term], slots: frozenset[Term], b: Binding
) -> Iterator[Binding]:
    """Match the lists in any order."""
    if not ps:
        yield b
        return
    for k, t in enumerate(ts):
        if t.op == ps[0].op or ps[0] in slots:
            for b2 in match(ps[0], t, slots, b):
                yield from match_any(ps[1:], ts[:k] + ts[k + 1 :], slots, b2)


def match_monomial(
    pattern: Monomial, slots: frozenset[Term], target: Monomial
) -> Iterator[tuple[Binding, tuple[Term, ...], list[Term]]]:
    """Places of `pattern`, a sum of products, in the monomial `target`.

    Yields the binding, the bound variables of the target that the pattern's sums take, and the
    factors used. A variable is taken only when every factor with it is used, so that the sum over
    those factors alone is the pattern.
    """
    (pvs, pfs), (tvs, tfs) = pattern, target
    of_target = [shape(f) for f in tfs]
    of_pattern = [shape(f) for f in pfs]
    if any(form not in of_target for form in of_pattern):
        return
    free_slots = slots | frozenset(pvs)

    def go(
        k: int, used: list[int], b: Binding
    ) -> Iterator[tuple[Binding, tuple[Term, ...], list[Term]]]:
        if k < len(pfs):
            for n, f in enumerate(tfs):
                if of_target[n] == of_pattern[k] and n not in used:
                    for b2 in match(pfs[k], f, free_slots, b):
                        yield from go(k + 1, [*used, n], b2)
            return
        for full in fill(list(pvs), b):
            taken = tuple(full[v] for v in pvs)
            if len(set(taken)) < len(taken) or any(t not in tvs for t in taken):
                continue
            others = [f for n, f in enumerate(tfs) if n not in used]
            outside = {v: e for v, e in full.items() if v not in pvs}
            if any(t in f.free for t in taken for f in others):
                continue
            if any(t in e.free for t in taken for e in outside.values()):
                continue
            yield full, taken, [tfs[n] for n in used]

    def fill(vs: list[Term], b: Binding) -> Iterator[Binding]:
        missing = [v for v in vs if v not in b]
        if not missing:
            yield b
            return
        for t in tvs:
            if (
                domain(t) == domain(missing[0])
                and not any(t in f.free for f in tfs)
                and t not in b.values()
            ):
                yield from fill(vs, {**b, missing[0]: t})

    yield from go(0, [], {})


def substitute(t: Term, b: Binding) -> Term:
    """T with all of b put in at once."""
    return subst(t, b)
