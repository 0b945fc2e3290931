"""What the search for inequalities computes with: linear programmes, and the shapes of terms."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from derive.poly import match
from derive.shapes import shape, shapes
from derive.simplex import Column, feasible, possible
from derive.terms import Term, bind, canon, mk, num, subst, var

SEEDS = range(150)


def numbers(rng: Random, rows: int, columns: int) -> list[Column]:
    """A sparse matrix by columns."""
    entries = (-3, -1, 0, 0, 0, 1, 2, Fraction(1, 2), Fraction(-2, 3))
    made = ({r: Fraction(rng.choice(entries)) for r in range(rows)} for _ in range(columns))
    return [{r: x for r, x in column.items() if x} for column in made]


def sum_of(columns: list[Column], x: list[Fraction], rows: int) -> list[Fraction]:
    pairs = list(zip(columns, x, strict=True))
    return [sum((c.get(r, Fraction(0)) * y for c, y in pairs), Fraction(0)) for r in range(rows)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_combination_is_found_where_there_is_one(seed: int) -> None:
    rng = Random(seed)
    rows, columns = rng.randint(1, 6), numbers(rng, 6, rng.randint(1, 8))
    columns = [{r: x for r, x in c.items() if r < rows} for c in columns]
    right = sum_of(columns, [Fraction(rng.choice((0, 0, 1, 5)), 3) for _ in columns], rows)
    found = feasible(columns, right)
    assert found is not None
    assert min(found) >= 0
    assert sum_of(columns, found, rows) == right


@pytest.mark.parametrize("seed", SEEDS)
def test_no_combination_is_found_where_there_is_none(seed: int) -> None:
    """All columns lie on one side of a plane, and the goal on the other."""
    rng = Random(seed)
    normal = [Fraction(rng.randint(-3, 3)) for _ in range(4)]

    def side(c: Column) -> Fraction:
        return sum((x * normal[r] for r, x in c.items()), Fraction(0))

    columns = [c for c in numbers(rng, 4, 9) if side(c) >= 0]
    goal = next((c for c in numbers(rng, 4, 50) if side(c) < 0), None)
    if goal is not None:
        assert feasible(columns, [goal.get(r, Fraction(0)) for r in range(4)]) is None


def test_columns_that_are_left_out_have_no_part() -> None:
    """With and without them there is a combination or there is none; and both happen."""
    outcomes, left_out = set(), 0
    for seed in SEEDS:
        rng = Random(seed)
        columns = numbers(rng, 7, 6)
        right = [Fraction(rng.choice((-1, 0, 0, 0, 1))) for _ in range(7)]
        spare = {r for r in range(7) if rng.random() < 0.5}
        ones = [{r: Fraction(1)} for r in sorted(spare)]
        whole = feasible([*columns, *ones], right)
        left = possible(columns, right, spare.__contains__)
        part = None if left is None else feasible([*(columns[k] for k in left), *ones], right)
        assert (whole is None) == (part is None)
        outcomes.add((whole is None, left is None))
        left_out += len(columns) - len(left or columns)
    assert outcomes == {(False, False), (True, False), (True, True)}
    assert left_out > 0


A, J, K = (var(s, "n") for s in "ijk")
C = var("c", "classes")


def z(*at: Term) -> Term:
    return mk("app", ("z", tuple(v.data[-1] for v in at)), *at)


def test_a_pattern_has_the_shape_of_all_it_matches() -> None:
    label = mk("fn", ("y", ("n",), "classes"), A)
    pattern = z(A, C) * z(A, C) + mk("eq", None, A, J) * z(J, C)
    for at in ({A: K, C: label}, {A: J}, {J: K, C: label}, {C: label}):
        target = subst(pattern, at)
        assert list(match(pattern, target, frozenset((A, J, C)), {}))
        assert shape(pattern) == shape(target)
        assert shapes(canon(target)) <= shapes(canon(pattern))


def test_other_shapes_are_told_apart() -> None:
    other = mk("app", ("w", ("n", "classes")), A, C)
    forms = [
        z(A, C), other, z(A), mk("exp", None, z(A)), z(A) + num(1), z(A) + num(2), z(A) * num(2),
        bind("sum", A, z(A)), bind("bigmax", A, num(1), z(A)), mk("eq", None, A, J),
        mk("ne", None, A, J), mk("mask", ("m", ("n", "n")), A, J), z(A) + z(J),
    ]  # fmt: skip
    assert len({shape(t) for t in forms}) == len(forms)
