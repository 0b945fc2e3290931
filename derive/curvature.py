"""Second derivatives of a bare formula in its scores: what no I-Con has.

Everything is in balls, so a sign is rigorous. Floating point only proposes directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flint
import numpy as np

from derive.jets import Unclear, hessian_row
from derive.tape import Kink, Tape

Point = Mapping[int, Any]  # a value, rational or ball, for every score
BITS = 128
STEPS = 16  # a proposed direction is rounded to this many parts of its largest entry


def hessian(tape: Tape, root: int, point: Point) -> dict[int, dict[int, Any]] | None:
    """All second derivatives in balls; None where there are none, or they are not finite."""
    with flint.ctx.workprec(BITS):
        try:
            rows = {x: hessian_row(tape, root, point, {x: 1}) for x in point}
        except (Unclear, Kink):
            return None
        out = {x: {y: d.d for y, d in row.items()} for x, row in rows.items()}
    return out if all(h.is_finite() for row in out.values() for h in row.values()) else None


def positive_mixed(h: Mapping[int, Mapping[int, Any]]) -> tuple[int, int] | None:
    """The two scores whose mixed second derivative is most certainly positive."""
    found = [(row[y].mid(), x, y) for x, row in h.items() for y in row if x < y and row[y] > 0]
    return max(found, key=lambda f: float(f[0]))[1:] if found else None


def descent(h: Mapping[int, Mapping[int, Any]]) -> dict[int, Any] | None:
    """A direction in which a Hessian is negative, small whole numbers; None where none is seen.

    The eigenvector of the least eigenvalue, rounded: only a proposal, see `bend`.
    """
    scores = list(h)
    m = np.array([[float(h[x][y].mid()) for y in scores] for x in scores])
    if not np.isfinite(m).all() or not m.any():
        return None
    low, vectors = np.linalg.eigh((m + m.T) / 2)
    if low[0] > -1e-9 * abs(m).max():
        return None
    v = vectors[:, 0] / abs(vectors[:, 0]).max()
    for parts in (1, 4, STEPS, 64 * STEPS):
        w = np.rint(v * parts)
        if w @ m @ w < 0:
            sign = -1 if next(q for q in w if q) < 0 else 1
            return {x: flint.fmpq(int(sign * q)) for x, q in zip(scores, w, strict=True) if q}
    return None


def bend(tape: Tape, root: int, point: Point, direction: Mapping[int, Any]) -> Any:
    """The second derivative along a direction, a ball. Raises Unclear or Kink."""
    with flint.ctx.workprec(BITS):
        row = hessian_row(tape, root, point, direction)
        return sum((row[x].d * q for x, q in direction.items()), flint.arb(0))


def mixed(tape: Tape, root: int, point: Point, x: int, y: int) -> Any:
    """The mixed second derivative by two scores, a ball. Raises Unclear or Kink."""
    with flint.ctx.workprec(BITS):
        return hessian_row(tape, root, point, {x: 1})[y].d


def curl(
    tape: Tape, root: int, point: Point, twin: Mapping[int, int], scores: Sequence[int]
) -> tuple[int, int, Any] | None:
    """Two learned entries by which the gradient field is not that of any function, and the gap.

    `twin` takes a learned entry to its copy under stop-gradients: both move together, only the
    first is differentiated. A field is a gradient only if its Jacobian is symmetric.
    """
    with flint.ctx.workprec(BITS):
        rows = {}
        for x in scores:
            both = {x: 1, **({twin[x]: 1} if x in twin else {})}
            try:
                rows[x] = hessian_row(tape, root, point, both)
            except (Unclear, Kink):
                return None
        for x in scores:
            for y in scores:
                gap = rows[x][y].d - rows[y][x].d
                if x < y and not gap.contains(0):
                    return x, y, gap
    return None
