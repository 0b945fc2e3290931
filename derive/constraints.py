"""Equations between learned entries (unit vectors, rows of a distribution): points and tangents.

Where a hypothesis ties learned entries together, a claim speaks of the points that satisfy it only,
and of derivatives along it. Understood are linear equations with rational coefficients and sums of
squares equal to a rational square, on disjoint sets of entries; all else is Unsupported.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import flint

from derive.equations import plain, polynomial
from derive.fields import fmpq, fraction
from derive.tape import Tape

Key = tuple[str, tuple[int, ...]]  # a learned entry: family and place


class Unsupported(Exception):
    """The prime field cannot judge this difference; the message says why."""


class Constraints:
    """The equations `residuals` = 0 (numbers on a tape) between the learned entries `keys`."""

    def __init__(self, tape: Tape, residuals: Sequence[Any], keys: Sequence[Key]):
        self.keys = list(keys)
        self.linear: list[tuple[Any, dict[Key, Any]]] = []  # c + sum q x = 0
        self.squares: list[tuple[Any, list[Key]]] = []  # sum x^2 = square
        for r in residuals:
            c, linear, squares = polynomial(tape, plain(tape, r))
            if linear and squares is None:
                self.linear.append((c, {cell[1:]: q for cell, q in linear}))
            elif squares and not linear and len({q for _, q in squares}) == 1:
                self.squares.append((-c / squares[0][1], [cell[1:] for cell, _ in squares]))
            else:
                raise Unsupported("learned entries are tied by more than sums and unit norms")
        norms = [k for _, keys in self.squares for k in keys]
        if len(set(norms)) < len(norms) or any(k in row for _, row in self.linear for k in norms):
            raise Unsupported("two constraints on one learned entry")

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.linear or self.squares)

    def draw(self, mod: Any, p: int, rng: random.Random) -> dict[Key, Any]:
        """A random point modulo the prime p that satisfies them."""
        out = {k: mod(rng.randrange(p)) for k in self.keys}
        for square, keys in self.squares:  # stereographic projection
            root = rational_root(square)
            u = [out[k] for k in keys[1:]]
            s = 1 + sum((x * x for x in u), mod(0))
            r = mod(root.numerator) / mod(root.denominator)
            point = [r * (mod(2) / s - 1), *(2 * r * x / s for x in u)]
            out.update(zip(keys, point, strict=True))
        if self.linear:
            keys = sorted({k for _, row in self.linear for k in row})
            rows = [[*(row.get(k, 0) for k in keys), -c] for c, row in self.linear]
            flat = [mod(q.numerator) / mod(q.denominator) for row in rows for q in row]
            m, rank = flint.fmpz_mod_mat(len(rows), len(keys) + 1, flat, mod).rref()
            for row in m.tolist()[:rank]:
                pivot = next(k for k, x in enumerate(row) if not x.is_zero())
                if pivot == len(keys):
                    raise Unsupported("the constraints on learned entries contradict each other")
                rest = sum((row[k] * out[keys[k]] for k in range(pivot + 1, len(keys))), mod(0))
                out[keys[pivot]] = row[-1] - rest
        return out

    def normals(self, at: Mapping[Key, Any]) -> list[dict[Key, Any]]:
        """The gradients of the constraints at a point (rationals or residues)."""
        rows = [dict(row) for _, row in self.linear]
        return rows + [{k: at[k] for k in keys} for _, keys in self.squares]

    def tangents(self, at: Mapping[Key, Any]) -> list[dict[Key, Any]]:
        """A basis of the directions along the constraints at a rational point."""
        rows = self.normals({k: fraction(x) for k, x in at.items()})
        tied = sorted({k for row in rows for k in row})
        free: list[dict[Key, Any]] = [{k: fmpq(1)} for k in self.keys if k not in set(tied)]
        if not rows:
            return free
        flat = [fmpq(row.get(k, 0)) for row in rows for k in tied]
        m, rank = flint.fmpq_mat(len(rows), len(tied), flat).rref()
        table = m.tolist()[:rank]
        pivots = [next(k for k, x in enumerate(row) if x != 0) for row in table]
        for k in range(len(tied)):
            if k not in pivots:
                t = {tied[p]: -row[k] for p, row in zip(pivots, table, strict=True) if row[k] != 0}
                free.append({**t, tied[k]: fmpq(1)})
        return free


def rational_root(q: Any) -> Any:
    """The square root of a rational square, as a Fraction. Raises Unsupported."""
    a, b = flint.fmpz(int(q.numerator)), flint.fmpz(int(q.denominator))
    if q <= 0 or a.isqrt() ** 2 != a or b.isqrt() ** 2 != b:
        raise Unsupported("a norm that is not rational")
    return fraction(flint.fmpq(a.isqrt(), b.isqrt()))
