"""Linear relations between exponents, so that exp has exactly the generators that it needs.

If exponents satisfy e_3 = e_1 + 2 e_2 + 1/2 (on unit vectors, |u - v|^2 = 2 - 2 u.v), then
exp(e_3) = exp(e_1) exp(e_2)^2 exp(1/2). Exponentials of exponents that are linearly independent
modulo constants are algebraically independent (Ax), so after this a gradient that is not 0 modulo
the prime is not 0. Relations are found from the values of the exponents at random points.
"""

from __future__ import annotations

import random
from math import isqrt
from typing import Any

import flint

from derive.constraints import Constraints, Unsupported
from derive.primefield import Exponent, Plan, good_point, plan
from derive.tape import arguments, const

SMALL = 1 << 40  # a coefficient with a larger numerator or denominator is no coincidence of ours


def independent(
    p: Plan, root: int, tied: Constraints, mod: Any, modulus: int, rng: random.Random
) -> Plan:
    """The plan with every exponent written in a basis of all. Raises Unsupported."""
    tape = p.tape
    rests: dict[int, Any] = {}
    for x, e in p.exponents.items():
        parts = [tape.mul([q, y]) for y, q in e.items.items()]
        rests[x] = tape.add(parts)
    columns = sorted({r for r in rests.values() if not const(r)})
    if not columns:
        return p
    small = plan(tape, columns)
    rows: list[Any] = []
    for _ in range(len(columns) + 2):
        values = good_point(small, tied, mod, modulus, rng).values
        rows += [mod(1), *(values[r] for r in columns)]
    m, rank = flint.fmpz_mod_mat(len(columns) + 2, len(columns) + 1, rows, mod).rref()
    table = m.tolist()[:rank]
    pivots = [next(k for k, x in enumerate(row) if not x.is_zero()) for row in table]
    out = plan(tape, [root, *columns])
    for x, e in p.exponents.items():
        items: dict[int, Any] = {}
        constant = e.const
        if not const(rests[x]):
            column = 1 + columns.index(rests[x])
            for pivot, row in zip(pivots, table, strict=True):
                if not row[column].is_zero():
                    q = reconstruct(int(row[column]), modulus)
                    if pivot:
                        items[columns[pivot - 1]] = q
                    else:
                        constant = constant + q
        out.exponents[x] = Exponent(constant, items, e.powers)
    out.rescale()
    out.order = ordered(out, [root, *columns])
    return out


def ordered(p: Plan, roots: list[int]) -> list[int]:
    """All nodes below the roots, an exponential after the exponents of its generators."""
    done: dict[int, None] = {}
    todo = list(reversed(roots))
    while todo:
        x = todo[-1]
        e = p.exponents.get(x)
        before = [*arguments(p.tape.nodes[x]), *([*e.items, *e.powers] if e else ())]
        wait = [y for y in before if y not in done]
        if wait:
            todo.extend(wait)
        else:
            done[todo.pop()] = None
    return [x for x in done if x != roots[0]] + [roots[0]]


def reconstruct(x: int, p: int) -> Any:
    """The rational a/b = x mod p with small a and b. Raises Unsupported."""
    a, b, u, v = p, x, 0, 1
    while b > isqrt(p // 2):
        a, b, u, v = b, a % b, v, u - a // b * v
    if not 0 < abs(v) < SMALL or b >= SMALL:
        raise Unsupported("exponents are related by more than rational coefficients")
    return flint.fmpq(b, v) if v > 0 else flint.fmpq(-b, -v)
