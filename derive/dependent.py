"""Inner products that are linear in each other: centred ones sum to zero, differences add up.

Of such scores some are written in the others, so that those left can be free. A relation between
them is one between their expansions in monomials of what is learned, found by exact elimination.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flint

from derive.quotients import rebuilt
from derive.tape import ONE, Tape, const

Monomials = dict[tuple[int, ...], Any]
MOST = 2000  # monomials in all; beyond that nothing is looked for


def expanded(tape: Tape, x: Any) -> Monomials | None:
    """A number of the tape as a sum of monomials in variables, None where it is no polynomial."""
    if const(x):
        return {(): x} if x != 0 else {}
    op, *data = tape.nodes[x]
    out: Monomials = {}
    if op == "var":
        return {(x,): ONE}
    if op == "lin":
        out = {(): data[0]} if data[0] != 0 else {}
        for y, q in data[1]:
            part = expanded(tape, y)
            if part is None:
                return None
            for m, c in part.items():
                out[m] = out.get(m, flint.fmpq(0)) + q * c
        return {m: c for m, c in out.items() if c != 0}
    if op == "mul":
        out = {(): ONE}
        for y in data[0]:
            part = expanded(tape, y)
            if part is None or len(part) * len(out) > MOST:
                return None
            new: Monomials = {}
            for m, c in out.items():
                for k, d in part.items():
                    key = tuple(sorted(m + k))
                    new[key] = new.get(key, flint.fmpq(0)) + c * d
            out = new
        return {m: c for m, c in out.items() if c != 0}
    return None


def ties(tape: Tape, meaning: Mapping[int, int]) -> dict[int, Any]:
    """Variables for inner products that are linear in earlier ones, each with that combination."""
    forms = {x: p for x, y in meaning.items() if (p := expanded(tape, y)) is not None}
    monomials = sorted({m for p in forms.values() for m in p if m})
    if len(forms) < 2 or len(monomials) > MOST:
        return {}
    zero, names = flint.fmpq(0), list(forms)
    table = [forms[x].get(m, zero) for m in monomials for x in names]
    reduced, rank = flint.fmpq_mat(len(monomials), len(names), table).rref()
    rows = reduced.tolist()[:rank]
    pivots = [next(k for k, q in enumerate(row) if q != 0) for row in rows]
    out: dict[int, Any] = {}
    for k, x in enumerate(names):
        if k in pivots:
            continue
        parts = [(names[p], row[k]) for p, row in zip(pivots, rows, strict=True) if row[k] != 0]
        rest = forms[x].get((), zero) - sum((q * forms[y].get((), zero) for y, q in parts), zero)
        out[x] = tape.add([rest, *(tape.mul([q, y]) for y, q in parts)])
    return out


def rewritten(tape: Tape, root: Any, put: Mapping[int, Any]) -> Any:
    """A number of the tape with other numbers in place of some variables."""
    if const(root) or not put:
        return root
    out: dict[int, Any] = {}
    for x in tape.reach([root]):
        out[x] = put[x] if x in put else rebuilt(tape, x, out)
    return out[root]
