"""Models of hypotheses that have to be solved: what stands once, orthonormal rows."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import pytest

from derive import sampling
from derive.equations import alone, violated
from derive.frames import frame, rows_of
from derive.sampling import Search, random_model
from derive.tape import Tape
from derive.terms import Term, bind, mk, num, var
from derive.theorem import MINUS, Judgement

IX, JX, A, B, D = var("i", "n"), var("j", "n"), var("a", "m"), var("b", "m"), var("d", "d")


def real(name: str, *args: Term) -> Term:
    return mk("app", (name, tuple(a.data[1] for a in args)), *args)


def dot(x: Term, y: Term) -> Term:
    return bind("sum", D, x * y)


P, Q, T, R, U = real("p", IX), real("q", IX), real("t"), real("R"), real("u", IX)
GAP = mk("relu", None, P - Q)
SAME = mk("eq", None, A, B)
ROWS: Judgement = ("eq", dot(real("w", A, D), real("w", B, D)), SAME)
SIZES = {"n": 5, "m": 3, "d": 4}
# hypotheses that random draws do not meet; a seed each
HARD: dict[str, tuple[Judgement, ...]] = {
    "a name for what is no polynomial": (("eq", bind("sum", IX, GAP), T),),
    "a bound of all squares": (("nn", R - dot(real("x", IX, D), real("x", JX, D))),),
    "the root of a square": (("nn", U), ("eq", U * U, (P - Q) * (P - Q))),
    "orthonormal rows": (ROWS,),
    "roots of a distribution": (("nn", P), ("eq", bind("sum", IX, P * P), num(1))),
}


@pytest.mark.parametrize("what", HARD)
def test_what_can_be_solved_is(what: str) -> None:
    for seed, style in product(range(3), ("simple", "generic", "tied")):
        hyps = HARD[what]
        found = random_model(hyps, [], SIZES, random.Random(seed), style)
        assert found is not None
        assert violated(hyps, found) == []


@pytest.mark.parametrize("what", ["a name for what is no polynomial", "orthonormal rows"])
def test_without_solving_none_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above shows nothing."""
    monkeypatch.setattr(Search, "alone", lambda *_: {})
    monkeypatch.setattr(Search, "rows", lambda *_: {})
    assert random_model(HARD[what], [], SIZES, random.Random(0), restarts=2) is None


def test_more_orthonormal_rows_than_coordinates_have_no_model() -> None:
    assert random_model((ROWS,), [], {"m": 3, "d": 2}, random.Random(0), restarts=2) is None
    assert frame(3, 2, random.Random(0), plain=False) == []


def test_a_frame_is_orthonormal() -> None:
    for seed, size, plain in product(range(20), (1, 2, 5), (True, False)):
        rows = frame(size, size, random.Random(seed), plain)
        gram = [[sum(x * y for x, y in zip(u, v, strict=True)) for v in rows] for u in rows]
        assert gram == [[Fraction(j == k) for k in range(size)] for j in range(size)]
    plain_rows = frame(3, 5, random.Random(1), plain=True)
    assert {x for row in plain_rows for x in row} <= {-1, 0, 1}
    assert any(x.denominator > 1 for row in frame(3, 5, random.Random(1), False) for x in row)


def test_only_orthonormal_rows_are_taken_for_them() -> None:
    w, v = real("w", A, D), real("w", B, D)
    assert rows_of(ROWS) == rows_of(("eq", dot(v, w), SAME)) == "w"
    other = (
        ("eq", dot(w, real("z", B, D)), SAME),  # another family
        ("eq", dot(w, w), SAME),
        ("eq", dot(w, v), mk("ne", None, A, B)),
        ("eq", dot(w, v), num(1)),
        ("eq", w * v, SAME),
        ("nn", dot(w, v)),
        ("eq", dot(w, w), num(1)),
    )
    assert [rows_of(j) for j in other] == [""] * len(other)


def test_what_stands_once_in_a_sum() -> None:
    tape = Tape()
    x, y, z = (tape.var(k, ()) for k in "xyz")
    minus, two = tape.number(Fraction(-1)), tape.number(Fraction(2))
    product_, root = tape.mul([y, z]), tape.exp(z)
    r = tape.add([tape.mul([two, x]), tape.mul([minus, y, y]), root])
    assert {(c[1], q, k) for c, q, k in alone(tape, r)} == {("x", 2, 1), ("y", -1, 2)}
    assert alone(tape, tape.add([y, product_])) == []  # once more in a product
    assert alone(tape, tape.add([z, root])) == []  # and in an exponential


def test_a_prescribed_value_stays_where_others_can_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R is small and prescribed: the points come close to each other, R changes at last only."""
    hyps: tuple[Judgement, ...] = (("pos", R), ("nn", R + MINUS * P * P))

    def kept() -> int:
        found = [
            random_model(hyps, [], {"n": 2}, random.Random(k), pools={"R": [Fraction(1, 9)]})
            for k in range(12)
        ]
        assert all(m is not None and violated(hyps, m) == [] for m in found)
        return sum(m.families["R"][()] == Fraction(1, 9) for m in found if m is not None)

    patient = kept()
    monkeypatch.setattr(sampling, "PATIENCE", 0)
    assert patient > kept()
