"""Whether scores can be moved freely: the rank of their Jacobian at a point, in balls.

Where the Jacobian of the scores by what is learned has full row rank, along the hypotheses that are
equations, the scores take all values near theirs: what holds for all embeddings holds for all
scores nearby. The rank is that of a Gram determinant that misses 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint

from derive import enclose
from derive.constraints import Constraints, Unsupported
from derive.models import Model
from derive.scores import BITS, Bare, Key, inside, values
from derive.tape import Kink, backward


def tangents(case: Bare, model: Model) -> list[dict[Key, Any]] | None:
    """Directions along the equations between learned entries; None where they are not understood.

    The equations understood have independent gradients, so that the directions are all there are.
    """
    point = case.point(model)
    tape = case.tape
    equal = []
    for kind, r in case.hyps:
        if kind == "eq":
            c, items = tape.flat(r)  # an inner product is read as what it stands for
            parts = [tape.mul([q, case.meaning.get(y, y)]) for y, q in items.items()]
            equal.append(tape.add([c, *parts]))
    try:
        tied = Constraints(tape, equal, list(point))
        return tied.tangents(point)
    except Unsupported:
        return None


def jacobian(case: Bare, cut: Sequence[int], model: Model) -> list[dict[Key, Any]] | None:
    """The derivatives of scores by learned entries at a model, in balls; None where there is none.

    Raises nothing: a kink or a value that does not exist gives None.
    """
    tape, rows = case.tape, list[dict[Key, Any]]()
    with flint.ctx.workprec(BITS):
        known = values(case, cut, case.point(model))
        if any(isinstance(v, enclose.Undefined) or not v.is_finite() for v in known.values()):
            return None
        inner: dict[int, dict[Key, Any]] = {}
        try:
            for x, y in case.meaning.items():
                grad = backward(tape.nodes, tape.reach([y]), y, known, flint.arb)
                entries = ((tape.nodes[z], g) for z, g in grad.items())
                inner[x] = {(n[1], n[2]): g for n, g in entries if n[0] == "var"}
            for x in cut:
                row: dict[Key, Any] = {}
                grad = backward(tape.nodes, tape.reach([x]), x, known, flint.arb)
                for z, g in grad.items():
                    n = tape.nodes[z]
                    if n[0] != "var":
                        continue
                    parts = inner[z] if z in inner else {(n[1], n[2]): flint.arb(1)}
                    for key, h in parts.items():
                        row[key] = row.get(key, flint.arb(0)) + g * h
                rows.append(row)
        except Kink:
            return None
    return rows


def free(case: Bare, cut: Sequence[int], model: Model) -> bool:
    """Whether scores are locally free at a model: certain, True; not seen to be, False."""
    if not inside(case, model):
        return False
    plain = all(case.tape.nodes[x][0] == "var" and x not in case.meaning for x in cut)
    if plain and not any(kind == "eq" for kind, _ in case.hyps):
        return True  # they are learned entries
    directions, rows = tangents(case, model), jacobian(case, cut, model)
    if directions is None or rows is None or len(directions) < len(rows):
        return False
    with flint.ctx.workprec(BITS):
        zero = flint.arb(0)
        m = flint.arb_mat([
            [sum((row.get(k, zero) * q for k, q in d.items()), zero) for d in directions]
            for row in rows
        ])  # fmt: skip
        gram = (m * m.transpose()).det()
        return bool(gram.is_finite() and not gram.contains(0))
