"""Logarithms of two terms that sum to what is fixed: -a log u - b log(1 - u).

u and 1 - u are the two points of a q that needs no partition function: the probability that two
points share a cluster, or that a sample is one of the data rather than of the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.claims import total
from derive.poly import Poly, flat, plus, times
from derive.products import factored, renamings
from derive.terms import BOOL, Monomial, Term, num, subst
from derive.theorem import MINUS

if TYPE_CHECKING:
    from derive.partitions import Taker


@dataclass(frozen=True)
class Outcomes:
    """The sum over `anchors` of `mask` * `weight` * log(sum of the kernels), which is fixed."""

    anchors: tuple[Term, ...]
    mask: Term
    weight: Term
    kernels: tuple[Term, Term]


Logs = Sequence[tuple[Monomial, Fraction, Term]]  # monomials, and the argument of the one logarithm


def complements(taker: Taker, whole: Poly) -> tuple[list[Outcomes], Poly]:
    """The pairs of outcomes among the logarithms of a polynomial, and the terms that make them."""
    logs = [(m, c, x) for m, c in whole.items() if (x := argument(taker, m)) is not None]
    found: list[Outcomes] = []
    used = Poly()
    for m, _, x in logs:
        if m in used or not subtracts(x):
            continue
        for n, _, y in logs:
            if n in used or n == m or (both := completed(taker, (m, x), (n, y))) is None:
                continue
            own = [t for t in logs if t[0] not in used and named(t, m[0], (x, both)) is not None]
            if (p := outcomes(taker, own, m[0], both, x)) is not None:
                found.append(p)
                used |= {k: c for k, c, _ in own}
            break
    return found, used


def argument(taker: Taker, m: Monomial) -> Term | None:
    """What the one learned factor of a monomial is the logarithm of."""
    moving = [f for f in m[1] if taker.moves(f)]
    return moving[0].args[0] if len(moving) == 1 and moving[0].op == "log" else None


def subtracts(x: Term) -> bool:
    """Whether a term is a difference, such as 1 - u."""
    return x.op == "add" and any(MINUS in flat(a) for a in x.args)


def completed(
    taker: Taker, one: tuple[Monomial, Term], other: tuple[Monomial, Term]
) -> Term | None:
    """The second argument in the letters of the first, where the two sum to what is fixed."""
    (m, x), (n, y) = one, other
    for names in renamings(anchors(n[0], y), anchors(m[0], x)):
        here = subst(y, names)
        total_ = taker.ways[0].normal(x + here)[0]
        if not taker.moves(total_) and taker.ways[0].pos(total_):
            return here
    return None


def named(
    t: tuple[Monomial, Fraction, Term], letters: tuple[Term, ...], kernels: tuple[Term, Term]
) -> dict[Term, Term] | None:
    """The letters of a logarithm as those of the kernels, None where it is another one."""
    (vs, _), _, y = t
    for k in kernels:
        for names in renamings(anchors(vs, y), anchors(letters, k)):
            if subst(y, names) is k:
                return names
    return None


def anchors(vs: tuple[Term, ...], x: Term) -> tuple[Term, ...]:
    """The bound variables that a term has."""
    return tuple(v for v in vs if v in x.free)


def outcomes(
    taker: Taker, own: Logs, letters: tuple[Term, ...], one: Term, other: Term
) -> Outcomes | None:
    """Two kernels, weighted with all that multiplies their logarithms."""
    vs = anchors(letters, one)
    if set(vs) != set(anchors(letters, other)):
        return None
    weights = []
    for (us, fs), c, y in own:
        names = named(((us, fs), c, y), letters, (one, other))
        rest = [f for f in fs if not taker.moves(f)]
        spare = tuple(v for v in us if v not in y.free)
        weights.append(subst(total(spare, times([num(-c), *rest])), names or {}))
    parts = flat(factored(taker.short(plus(weights))))
    mask = [f for f in parts if f.op in BOOL]
    weight = times([f for f in parts if f not in mask])
    return Outcomes(vs, times(mask), weight, (one, other))
