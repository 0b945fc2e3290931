"""A name for a number: a rational times a quantity of the claim, recognised from two instances.

Only ever used to say in words how far off a claim is; nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import flint

from derive.models import Model

SMALL = 60  # the largest numerator or denominator that counts as recognised


def quantities(model: Model, given: Sequence[str]) -> dict[str, Any]:
    """Simple quantities of a model by name: sizes, given scalars, inverses and products."""
    base: dict[str, Any] = {}
    for name, n in model.sizes.items():
        base[name] = flint.arb(n)
        base[f"({name} - 1)"] = flint.arb(n - 1)
    for name in given:
        x = model.families[name].get(())
        if x:
            base[name] = flint.arb(flint.fmpq(x.numerator, x.denominator))
    out: dict[str, Any] = {"": flint.arb(1)}
    for a, x in base.items():
        out[a] = x
        out |= {f"1/{a}": 1 / x} if not x.contains(0) else {}
        out[f"{a}^2"] = x * x
        if x > 0:
            out[f"log({a.strip('()')})"] = x.log()
    for (a, x), (b, y) in combinations(base.items(), 2):
        out[f"{a} * {b}"] = x * y
        out |= {f"{a}/{b}": x / y} if not y.contains(0) else {}
        out |= {f"{b}/{a}": y / x} if not x.contains(0) else {}
    return out


def rational(x: Any) -> Fraction | None:
    """The simplest rational in a ball, if it is simple."""
    if not x.is_finite() or x.rad() > flint.arb(2) ** -40:
        return None
    mid = Fraction(int(x.mid().man_exp()[0])) * Fraction(2) ** int(x.mid().man_exp()[1])
    q = mid.limit_denominator(SMALL)
    close = x.contains(flint.fmpq(q.numerator, q.denominator))
    return q if close and abs(q.numerator) <= SMALL else None


def name(values: Sequence[Any], tables: Sequence[Mapping[str, Any]]) -> str:
    """How to say a number that has `values` in instances with those quantities; "" if unknown."""
    for q in tables[0]:
        if not all(q in t and not t[q].contains(0) for t in tables):
            continue
        found = {rational(x / t[q]) for x, t in zip(values, tables, strict=True)}
        if len(found) == 1 and (r := found.pop()) is not None:
            if not q:
                return str(r)
            return q if r == 1 else f"-{q}" if r == -1 else f"{r} * {q}"
    return ""
