"""Whether scores can be moved freely: the rank of their Jacobian at a point, in balls.

Where the gradients of the scores by what is learned are independent, of each other and of those of
the hypotheses that are equations, the scores take all values near theirs: what holds for all
embeddings holds for all scores nearby. They are where a Gram determinant in balls misses 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import flint

from derive import enclose
from derive.dependent import expanded, rewritten
from derive.equations import plain
from derive.models import Model
from derive.scores import BITS, Bare, Key, inside, values
from derive.tape import Kink, backward


def equations(case: Bare, model: Model) -> list[dict[Key, Any]] | None:
    """The gradients of the equations between learned entries; None where they are not understood.

    They must be polynomials that hold exactly at the model. Of linear ones as many are kept as are
    independent, which say the same.
    """
    tape, point = case.tape, case.point(model)
    linear, curved = list[dict[Key, Any]](), list[dict[Key, Any]]()
    seen = set[Any]()
    for kind, r in case.hyps:
        if kind != "eq" or (r := rewritten(tape, plain(tape, r), case.meaning)) in seen:
            continue
        seen.add(r)
        terms = expanded(tape, r)
        if terms is None:
            return None
        row: dict[Key, Any] = {}
        total = flint.fmpq(0)
        for monomial, c in terms.items():
            at = [(tape.nodes[x][1], tape.nodes[x][2]) for x in monomial]
            total += c * prod((point[k] for k in at), start=flint.fmpq(1))
            for n, k in enumerate(at):
                rest = (point[m] for m in at[:n] + at[n + 1 :])
                row[k] = row.get(k, flint.fmpq(0)) + c * prod(rest, start=flint.fmpq(1))
        if total != 0:
            return None
        (linear if all(len(m) < 2 for m in terms) else curved).append(row)
    keys = list(point)
    if linear:
        table = [row.get(k, flint.fmpq(0)) for row in linear for k in keys]
        reduced, rank = flint.fmpq_mat(len(linear), len(keys), table).rref()
        linear = [dict(zip(keys, row, strict=True)) for row in reduced.tolist()[:rank]]
    return linear + curved


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
    tied, rows = equations(case, model), jacobian(case, cut, model)
    keys = list(case.point(model))
    if tied is None or rows is None or len(tied) + len(rows) > len(keys):
        return False
    with flint.ctx.workprec(BITS):
        table = [[flint.arb(row.get(k, 0)) for k in keys] for row in (*tied, *rows)]
        m = flint.arb_mat(table)
        gram = (m * m.transpose()).det()
        return bool(gram.is_finite() and not gram.contains(0))
