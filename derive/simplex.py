"""Search: numbers x >= 0 with A x = b, exactly, by the simplex method with Bland's rule.

Rows are kept as integers: each stands for itself times any positive number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd, lcm

MAX_PIVOTS = 2000
Column = dict[int, Fraction]  # a sparse vector over the rows


def feasible(columns: Sequence[Column], right: Sequence[Fraction]) -> list[Fraction] | None:
    """The entries of x, one for each column, with sum_k x_k columns[k] = right; None if none are.

    Artificial columns start the search and are driven out; Bland's rule keeps it from going in
    circles.
    """
    m, n = len(right), len(columns)
    exact: list[dict[int, Fraction]] = [{} for _ in range(m)]
    for k, column in enumerate(columns):
        for r, x in column.items():
            if x:
                exact[r][k] = -x if right[r] < 0 else x
    rows: list[dict[int, int]] = []
    values: list[int] = []
    for r, row in enumerate(exact):
        scale = lcm(right[r].denominator, *(x.denominator for x in row.values()))
        rows.append({k: int(x * scale) for k, x in row.items()})
        values.append(int(abs(right[r]) * scale))
    basis = [n + r for r in range(m)]  # artificial
    cost: dict[int, int] = {}
    for ints in rows:
        for k, y in ints.items():
            cost[k] = cost.get(k, 0) + y
    for _ in range(MAX_PIVOTS):
        enter = min((k for k, y in cost.items() if y > 0), default=None)
        if enter is None:
            break
        ratios = [(Fraction(values[r], rows[r][enter]), basis[r], r) for r in range(m)
                  if rows[r].get(enter, 0) > 0]  # fmt: skip
        if not ratios:
            return None
        r = min(ratios)[2]
        for q in range(m):
            if q != r and enter in rows[q]:
                values[q] = _clear(rows[q], values[q], rows[r], values[r], enter)
        _clear(cost, 0, rows[r], 0, enter)
        basis[r] = enter
    if any(values[r] for r in range(m) if basis[r] >= n):
        return None
    out = [Fraction(0)] * n
    for r in range(m):
        if basis[r] < n:
            out[basis[r]] = Fraction(values[r], rows[r][basis[r]])
    return out


def _clear(row: dict[int, int], value: int, by: dict[int, int], b: int, at: int) -> int:
    """Make an entry of a row 0 in place, with another row; the new right-hand side."""
    pivot, f = by[at], row[at]
    for k in row:
        row[k] *= pivot
    value = value * pivot - b * f
    for k, x in by.items():
        if y := row.get(k, 0) - f * x:
            row[k] = y
        else:
            row.pop(k, None)
    if (common := gcd(value, *row.values())) > 1:
        for k in row:
            row[k] //= common
        value //= common
    return value


def possible(
    columns: Sequence[Column], right: Sequence[Fraction], spare: Callable[[int], bool]
) -> list[int] | None:
    """The columns that can have a part in a sum equal to `right`; None where no sum can be.

    Besides the columns there is one with a single 1 in row r where spare(r) says so. A column is
    out once it has an entry that nothing can cancel.
    """
    above: list[set[int]] = [set() for _ in right]
    below: list[set[int]] = [set() for _ in right]
    for k, column in enumerate(columns):
        for r, x in column.items():
            (above if x > 0 else below)[r].add(k)
    alive, todo = set(range(len(columns))), dict.fromkeys(range(len(right)))
    while todo:
        r = next(iter(todo))
        del todo[r]
        out: set[int] = set()
        if right[r] < 0 and not below[r]:
            return None
        if right[r] > 0 and not above[r] and not spare(r):
            return None
        if right[r] == 0 and not below[r]:
            out = set(above[r])
        elif right[r] == 0 and not above[r] and not spare(r):
            out = set(below[r])
        for k in sorted(out):
            alive.discard(k)
            for q in columns[k]:
                above[q].discard(k)
                below[q].discard(k)
                todo.setdefault(q)
    return sorted(alive)
