"""Values of scalars to try in the search for a witness: small, large and unlike each other.

A statement about scalars can fail for values that random draws of small numbers hardly meet, such
as p >= q where p is a thousandth of q. Each scalar takes values over six orders of magnitude, as
its sign allows, in all combinations where these are few.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, product
from math import prod

from derive.bridge import Problem
from derive.instance import signature_of
from derive.sampling import direct

HIGH = tuple(Fraction(x) for x in (1, 3, 20, 1000, 10**6))
LOW = tuple(1 / x for x in HIGH[1:])
UNIT = (*LOW, Fraction(1, 2), *(1 - x for x in LOW))
MOST = 60  # combinations, where nothing but scalars is to be looked at; else SOME
SOME = 8


def spread(problem: Problem, but: frozenset[str] = frozenset()) -> Iterator[dict[str, Fraction]]:
    """Values for all scalars but some, in an order that is the same every time."""
    families = signature_of(problem).families
    signs: dict[str, set[str]] = {}
    for j in problem.hyps:
        if found := direct(j):
            signs.setdefault(found[0], set()).add(found[1])
    scalars = sorted(name for name, sets in families.items() if not sets and name not in but)
    values = [range_of(signs.get(name, set())) for name in scalars]
    if not scalars:
        return
    rng = random.Random("spread")
    most = MOST if len(scalars) == len(families) else SOME
    if prod(map(len, values)) <= most:
        every = list(product(*values))
        rng.shuffle(every)
    else:
        every = list(islice(draws(values, rng), most))
    every.sort(key=lambda at: max(abs(x.numerator) + x.denominator for x in at))  # plain ones first
    yield from (dict(zip(scalars, at, strict=True)) for at in every)


def range_of(signs: set[str]) -> tuple[Fraction, ...]:
    """The values that a scalar with these signs (of `direct`) may take."""
    if "below-one" in signs:
        return UNIT
    low = (*LOW, *HIGH)
    if "pos" in signs:
        return low
    return (Fraction(0), *low) if "nn" in signs else (Fraction(0), *low, *(-x for x in low))


def draws(
    values: list[tuple[Fraction, ...]], rng: random.Random
) -> Iterator[tuple[Fraction, ...]]:
    """Combinations in which every scalar runs through all its values in an order of its own."""
    orders: list[list[Fraction]] = [[] for _ in values]
    while True:
        for order, own in zip(orders, values, strict=True):
            if not order:
                order.extend(rng.sample(own, len(own)))
        yield tuple(order.pop() for order in orders)
