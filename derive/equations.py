"""Hypotheses in a finite model: whether they hold, and the equations among them that can be solved.

An equation is solved where, on the tape, it is linear in entries of families or says that a sum of
squares is a number: rows of a distribution, symmetric weights, unit vectors.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import isqrt
from typing import Any

import flint

from derive.fields import Balls, Undecided, fmpq, fraction
from derive.models import At, Evaluator, Model, variables
from derive.tape import Tape
from derive.terms import Term
from derive.theorem import Judgement

Cell = tuple[str, str, At]  # "app" | "mask" | "fn", name, place
Terms = list[tuple[Cell, Fraction]]
TINY = flint.arb(2) ** -64  # an equation with exp or log holds if its ball around 0 is thinner


def violation(kind: str, a: Any, b: Any = None) -> float:
    """0 if the judgement holds of these values, otherwise a measure of how much it does not."""
    if kind == "eq":
        d = a - b
        if type(d) is flint.fmpq:
            return float(abs(fraction(d)))
        return 0.0 if d.contains(0) and d.rad() < TINY else abs(float(d.mid())) + 1e-9
    if a > 0 or (kind == "nn" and a >= 0):
        return 0.0
    size = float(fraction(a)) if type(a) is flint.fmpq else float(a.mid())
    return max(-size, 0.0) + 0.125


def violated(hyps: Sequence[Judgement], model: Model) -> list[int]:
    """The numbers of the hypotheses that fail in a model. KeyError if a table lacks a cell."""
    ev = Evaluator(model, Balls())
    bad = []
    for k, j in enumerate(hyps):
        for env in environments(model, j):
            try:
                holds = violation(j[0], *(ev.value(t, env) for t in j[1:])) == 0
            except Undecided:
                holds = False
            if not holds:
                bad.append(k)
                break
    return bad


def environments(model: Model, j: Judgement) -> list[dict[Term, int]]:
    """All values of the free indices of a judgement."""
    free = variables(*j[1:])
    ranges = (range(model.size(v.data[1])) for v in free)
    return [dict(zip(free, at, strict=True)) for at in product(*ranges)]


def plain(tape: Tape, r: Any) -> Any:
    """A residual without an outer exp or log where it says exp(x) = 1 or log(x) = 0."""
    for _ in range(4):
        c, items = tape.flat(r)
        if len(items) != 1:
            return r
        ((x, q),) = items.items()
        op, *data = tape.nodes[x]
        if op == "exp" and c == -q:
            r = data[0]
        elif op == "log" and c == 0:
            r = tape.add([data[0], flint.fmpq(-1)])
        else:
            return r
    return r


def polynomial(tape: Tape, r: Any) -> tuple[Fraction, Terms, Terms | None]:
    """(c, linear, squares) where r = c + sum q x + sum q x^2; squares None if there are none.

    Where r has another form, both lists are empty.
    """
    c, items = tape.flat(r)
    linear: Terms = []
    squares: Terms = []
    for x, q in items.items():
        n = tape.nodes[x]
        square = n[0] == "mul" and len(n[1]) == 2 and n[1][0] == n[1][1]
        v = tape.nodes[n[1][0]] if square else n
        if v[0] != "var":
            return Fraction(0), [], None
        (squares if square else linear).append((("app", v[1], v[2]), fraction(q)))
    return fraction(c), linear, squares or None


def alone(tape: Tape, r: Any) -> list[tuple[Cell, Fraction, int]]:
    """The entries x that r has once only, as q x or q x^2 in a sum: (entry, q, 1 or 2) of each."""
    _, items = tape.flat(r)
    found, count = [], dict[int, int]()
    for y in items:
        for x in tape.reach([y]):
            count[x] = count.get(x, 0) + 1
    for y, q in items.items():
        n = tape.nodes[y]
        square = n[0] == "mul" and len(n[1]) == 2 and n[1][0] == n[1][1]
        x = n[1][0] if square else y
        v = tape.nodes[x]
        if v[0] == "var" and count[x] == 1:
            found.append((("app", v[1], v[2]), fraction(q), 2 if square else 1))
    return found


def sphere(cells: list[Cell], square: Fraction, rng: random.Random) -> dict[Cell, Fraction]:
    """A rational point with that sum of squares (a square itself), by stereographic projection."""
    root = Fraction(isqrt(max(square.numerator, 0)), isqrt(square.denominator))
    if root * root != square:
        return {}
    u = [Fraction(rng.randint(-6, 6), rng.choice((3, 4, 5))) for _ in cells[1:]]
    s = sum((x * x for x in u), Fraction(1))
    point = [root * (2 / s - 1), *(root * 2 * x / s for x in u)]
    rng.shuffle(point)
    return {c: x * rng.choice((-1, 1)) for c, x in zip(cells, point, strict=True)}


def least_norm(a: list[list[Fraction]], r: list[Fraction]) -> list[Fraction] | None:
    """The shortest x with a x = r, None where there is none."""

    def flat(rows: Sequence[Sequence[Fraction]]) -> Any:
        entries = [fmpq(x) for row in rows for x in row]
        return flint.fmpq_mat(len(rows), len(rows[0]), entries)

    m, rank = flat([[*row, x] for row, x in zip(a, r, strict=True)]).rref()
    table = [row for row in m.tolist()[:rank]]
    if any(all(x == 0 for x in row[:-1]) for row in table):
        return None
    rows = flint.fmpq_mat(rank, len(a[0]), [x for row in table for x in row[:-1]])
    right = flint.fmpq_mat(rank, 1, [row[-1] for row in table])
    x = rows.transpose() * (rows * rows.transpose()).solve(right)
    return [fraction(x[k, 0]) for k in range(len(a[0]))]
