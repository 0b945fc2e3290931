"""Search: the shape of a term, which all its instances share.

A shape is the term with every index replaced by the name of its set. A pattern matches terms of its
own shape only, so that most places where it cannot stand need no look.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from derive.terms import INDEX, SYMMETRIC, Monomial, Poly, Term, domain

_shapes: dict[Term, int] = {}
_numbers: dict[tuple[Any, ...], int] = {}  # shapes by their number, given in order of appearance


def shape(t: Term) -> int:
    """The number of the shape of a term; equal numbers for equal shapes, in this process only."""
    if (known := _shapes.get(t)) is not None:
        return known
    key: tuple[Any, ...]
    if t.op in INDEX:
        key = ("index", domain(t))
    else:
        inside = [shape(a) for a in t.args]
        key = (t.op, t.data, *(sorted(inside) if t.op in SYMMETRIC else inside))
    _shapes[t] = _numbers.setdefault(key, len(_numbers))
    return _shapes[t]


@lru_cache(100_000)
def shape_of(m: Monomial) -> int:
    """The number of a monomial's shape: the sets it is summed over, the shapes of its factors."""
    sets = sorted((v.data[1] for v in m[0]), key=repr)
    key = ("monomial", tuple(sets), *sorted(shape(f) for f in m[1]))
    return _numbers.setdefault(key, len(_numbers))


def shapes(p: Poly) -> frozenset[int]:
    """The shapes of the monomials of a polynomial, its number left out."""
    return frozenset(shape_of(m) for m in p if m != ((), ()))
