"""Search: numbers x >= 0 with A x = b, exactly, by the simplex method with Bland's rule."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

MAX_PIVOTS = 2000


def feasible(
    columns: Sequence[dict[int, Fraction]], right: Sequence[Fraction]
) -> list[Fraction] | None:
    """The entries of x, one for each column, with sum_k x_k columns[k] = right; None if none are.

    A column is a sparse vector over the rows. Artificial columns start the search and are driven
    out; Bland's rule keeps it from going in circles.
    """
    m, n = len(right), len(columns)
    flip = [Fraction(-1 if b < 0 else 1) for b in right]
    rows: list[dict[int, Fraction]] = [{} for _ in range(m)]
    for k, column in enumerate(columns):
        for r, x in column.items():
            if x:
                rows[r][k] = flip[r] * x
    values = [flip[r] * b for r, b in enumerate(right)]
    basis = [n + r for r in range(m)]  # artificial
    cost: dict[int, Fraction] = {}
    for row in rows:
        for k, x in row.items():
            cost[k] = cost.get(k, Fraction(0)) + x
    for _ in range(MAX_PIVOTS):
        enter = min((k for k, x in cost.items() if x > 0), default=None)
        if enter is None:
            break
        ratios = [(values[r] / rows[r][enter], basis[r], r) for r in range(m)
                  if rows[r].get(enter, 0) > 0]  # fmt: skip
        if not ratios:
            return None
        _, _, r = min(ratios)
        pivot = rows[r][enter]
        rows[r] = {k: x / pivot for k, x in rows[r].items()}
        values[r] /= pivot
        for q in range(m):
            if q != r and (f := rows[q].get(enter)):
                _take(rows[q], rows[r], f)
                values[q] -= f * values[r]
        f = cost[enter]
        _take(cost, rows[r], f)
        basis[r] = enter
    if any(values[r] for r in range(m) if basis[r] >= n):
        return None
    out = [Fraction(0)] * n
    for r in range(m):
        if basis[r] < n:
            out[basis[r]] = values[r]
    return out


def _take(row: dict[int, Fraction], other: dict[int, Fraction], f: Fraction) -> None:
    """Subtract f times another row in place."""
    for k, x in other.items():
        y = row.get(k, Fraction(0)) - f * x
        if y:
            row[k] = y
        else:
            row.pop(k, None)
