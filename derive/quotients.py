"""Fractions of one denominator added up, so that 1 - x/(x + y) is seen to be positive.

Along a ray and in balls 1 - x/(x + y) is a difference of nearly equal numbers of which nothing is
left; y/(x + y) keeps its sign and its rate. Both are the same number wherever x + y is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.tape import Tape, const


def tidied(tape: Tape, root: int) -> Any:
    """The same number with fractions of one denominator added up: 1 - x/(x + y) is y/(x + y)."""
    out: dict[int, Any] = {}
    for x in tape.reach([root]):
        v = rebuilt(tape, x, out)
        out[x] = v if const(v) or tape.nodes[x][0] != "lin" else over_one(tape, v)
    return out[root]


def rebuilt(tape: Tape, x: int, out: Mapping[int, Any]) -> Any:
    """The operation of a node on other arguments."""
    op, *data = tape.nodes[x]
    if op == "lin":
        return tape.add([data[0], *(tape.mul([q, out[y]]) for y, q in data[1])])
    if op == "mul":
        return tape.mul([out[y] for y in data[0]])
    if op == "max":
        return tape.maximum([out[y] for y in data[0]])
    if op in ("exp", "log", "inv", "relu"):
        return getattr(tape, op)(out[data[0]])
    return x


def over_one(tape: Tape, x: int) -> Any:
    """A sum with a constant as one fraction, where that cancels something; else as it is."""
    n = tape.nodes[x]
    if n[0] != "lin" or n[1] == 0 or not n[2]:
        return x
    parts = []
    for y, q in n[2]:
        factors = tape.nodes[y][1] if tape.nodes[y][0] == "mul" else (y,)
        below = [z for z in factors if tape.nodes[z][0] == "inv"]
        if len(below) != 1:
            return x
        parts.append((below[0], [q, *(z for z in factors if z != below[0])]))
    if len({z for z, _ in parts}) > 1:
        return x
    one = parts[0][0]
    down, above = tape.nodes[one][1], [tape.mul(fs) for _, fs in parts]
    c, items = tape.flat(tape.add([tape.mul([n[1], down])]))
    total = tape.add([c, *(tape.mul([q, y]) for y, q in items.items()), *above])
    less = 1 if const(total) else len(tape.flat(total)[1])
    return tape.mul([total, one]) if less < len(items) else x


def power(tape: Tape, x: int) -> bool:
    """Whether an exponential is a power: its exponent is a sum of logarithms."""
    n = tape.nodes[x]
    if n[0] != "exp":
        return False
    items = tape.flat(n[1])[1]
    return bool(items) and all(tape.nodes[y][0] == "log" for y in items)
