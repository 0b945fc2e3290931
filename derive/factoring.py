"""Search: polynomials of several terms as products, so that log(1 + 2 x + x^2) = 2 log(1 + x).

Which factors they are, flint says; that their product is the polynomial is proved.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import Any

import flint

from derive.poly import Poly, components, plus, poly, term_of, times
from derive.steps import ONE
from derive.terms import Domain, Monomial, Term, mk, num

MOST_TERMS, MOST_ATOMS, MOST_DEGREE = 24, 6, 12
Factor = tuple[Term, int]  # with its multiplicity


@lru_cache(20_000)
def factored(t: Term, shut: frozenset[Domain] = frozenset()) -> tuple[Factor, ...]:
    """The factors of a polynomial of which two have several terms, a number first; else none.

    Sums over letters are taken for atoms, and exp(2 x) for exp(x)^2; inner products over the sets
    `shut` are not multiplied out.
    """
    p = poly(t, None, shut)
    if not 3 <= len(p) <= MOST_TERMS:
        return ()
    rows = [(atoms(m), c) for m, c in p.items()]
    steps = exponents([key for row, _ in rows for key in row])
    names = sorted({name(key, steps) for row, _ in rows for key in row}, key=lambda u: u.key)
    if not 0 < len(names) <= MOST_ATOMS:
        return ()
    place = {u: k for k, u in enumerate(names)}
    table: dict[tuple[int, ...], int] = {}
    below = lcm(*(c.denominator for _, c in rows))
    for row, c in rows:
        powers = [0] * len(names)
        for key in row:
            powers[place[name(key, steps)]] += power(key, steps)
        if sum(powers) > MOST_DEGREE:
            return ()
        table[tuple(powers)] = int(c * below)
    ring = flint.fmpz_mpoly_ctx.get([f"v{k}" for k in range(len(names))])
    content, found = ring.from_dict(table).factor()
    wide = sum(int(e) for f, e in found if len(f) > 1)
    if wide < 2:
        return ()
    parts = [(written(list(f.to_dict().items()), names), int(e)) for f, e in found]
    number = Fraction(int(content), below)
    return ((num(number), 1), *parts) if number != 1 else tuple(parts)


Atom = tuple[Term, Fraction]  # a factor; for an exponential that of its direction, and how far


def atoms(m: Monomial) -> list[Atom]:
    """The factors of a monomial."""
    return [atom(f) for f in components(*m) if f.op != "num"]


def atom(f: Term) -> Atom:
    """A factor; exp(c x) as exp(x) and c."""
    inside: Poly = poly(f.args[0]) if f.op == "exp" else {}
    if len(inside) != 1:
        return f, Fraction(0)
    m, c = next(iter(inside.items()))
    return mk("exp", None, term_of(m)), Fraction(c)


def exponents(keys: list[Atom]) -> dict[Term, Fraction]:
    """The greatest number that all exponents of one direction are multiples of, signs equal."""
    out: dict[Term, Fraction] = {}
    for f in dict.fromkeys(f for f, c in keys if c):
        cs = [c for g, c in keys if g is f]
        if all(c > 0 for c in cs) or all(c < 0 for c in cs):
            d = lcm(*(c.denominator for c in cs))
            step = Fraction(gcd(*(int(abs(c) * d) for c in cs)), d)
            out[f] = step if cs[0] > 0 else -step
    return out


def name(key: Atom, steps: dict[Term, Fraction]) -> Term:
    """What stands for a factor in the polynomial."""
    f, c = key
    far = steps.get(f, c)
    return mk("exp", None, num(far) * f.args[0]) if c and far != 1 else f


def power(key: Atom, steps: dict[Term, Fraction]) -> int:
    """How often what stands for a factor is in it."""
    f, c = key
    return int(c / steps[f]) if f in steps else 1


def written(p: list[tuple[Any, Any]], names: list[Term]) -> Term:
    """A polynomial as a term: pairs of exponents and coefficient."""
    terms = []
    for powers, c in sorted(p):
        fs = [u for u, e in zip(names, powers, strict=True) for _ in range(int(e))]
        terms.append(times(([num(int(c))] if c != 1 or not fs else []) + fs))
    return plus(terms) if terms else ONE
