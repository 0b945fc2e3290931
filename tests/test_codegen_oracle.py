"""The judge of the programs: its derivatives, its data, and one loss worked out by hand."""

from __future__ import annotations

import copy
import math

import pytest

from catalog.load import load_text
from catalog.registry import all_methods, load
from codegen import tape
from codegen.oracle import Interpreter, loss, published
from codegen.samples import NoSample, holds, sample
from tests.selection import kinds, representatives

LOSSES = [
    m.id
    for m in representatives(
        (m for m in all_methods() if m.icon.blocks and not m.statements), kinds
    )
]


@pytest.mark.parametrize("name", tape.UNARY)
@pytest.mark.parametrize("x", [0.3, 2.0])
def test_functions_and_their_derivatives(name: str, x: float) -> None:
    value, slope = tape.UNARY[name](x)
    step = 1e-6
    quotient = (tape.UNARY[name](x + step)[0] - tape.UNARY[name](x - step)[0]) / (2 * step)
    assert slope == pytest.approx(0 if name == "sg" else quotient, rel=1e-6)
    assert value == tape.UNARY[name](x)[0]


def test_no_overflow() -> None:
    assert tape.sigmoid(-1000) == 0
    assert tape.softplus(1000) == 1000
    assert tape.UNARY["log"](0.0) == (0.0, 0.0)


def test_the_tape_adds_over_all_paths() -> None:
    x, y = tape.Var(2.0), tape.Var(3.0)
    z = x * y + x.power(y) / y + -x
    tape.backward(z)
    assert z.value == pytest.approx(6 + 8 / 3 - 2)
    assert x.grad == pytest.approx(3 + 3 * 4 / 3 - 1)
    assert y.grad == pytest.approx(2 + 8 * math.log(2) / 3 - 8 / 9)


def test_two_points_by_hand() -> None:
    m = load("infonce")
    sizes = {"n": 1, "candidates": 2, "d": 1}
    data = {"c": [[2.0]], "z": [[1.0], [3.0]], "pos": [0], "tau": 2.0}
    answer = loss(m, sizes, data)
    assert answer.value == pytest.approx(math.log(1 + math.exp(2.0)))
    q = 1 / (1 + math.exp(-2.0))
    assert answer.gradient["c"][0][0] == pytest.approx(q * (3 - 1) / 2)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_a_difference_quotient(name: str) -> None:
    m = load(name)
    s = sample(m, 1)
    for judge in (loss, published):
        answer = judge(m, s.sizes, s.data)
        symbol = next(n for n, d in m.declarations.items() if d.learned)
        where = first_entry(s.data[symbol])
        found = []
        for step in (1e-6, -1e-6):
            moved = copy.deepcopy(dict(s.data))
            moved[symbol] = shifted(moved[symbol], where, step)
            found.append(judge(m, s.sizes, moved).value)
        quotient = (found[0] - found[1]) / 2e-6
        assert entry(answer.gradient[symbol], where) == pytest.approx(quotient, rel=1e-5, abs=1e-7)


def first_entry(value: object) -> tuple[int, ...]:
    return (0, *first_entry(value[0])) if isinstance(value, list) else ()


def entry(value: object, where: tuple[int, ...]) -> float:
    for k in where:
        value = value[k]  # type: ignore[index]
    return float(value)  # type: ignore[arg-type]


def shifted(value: object, where: tuple[int, ...], step: float) -> object:
    if not where:
        return value + step  # type: ignore[operator]
    value[where[0]] = shifted(value[where[0]], where[1:], step)  # type: ignore[index]
    return value


# --------------------------------------------------------------------------- data


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [4, 5, 7])
def test_the_hypotheses_hold_on_the_data(name: str, size: int) -> None:
    m = load(name)
    s = sample(m, 2, size=size)
    formulas = Interpreter(s.sizes, s.data)
    assert all(holds(fact, formulas) for fact in m.assumes)
    assert s == sample(m, 2, size=size)
    assert s != sample(m, 3, size=size)


def test_data_that_breaks_a_hypothesis_is_noticed() -> None:
    m = load("simclr")
    s = sample(m, 0)
    broken = dict(s.data) | {"pos": list(range(s.sizes["n"]))}
    formulas = Interpreter(s.sizes, broken)
    assert not all(holds(fact, formulas) for fact in m.assumes)


def test_hypotheses_that_nothing_satisfies_are_named() -> None:
    text = load("simclr").text.replace("[p]", '"impossible" = "tau < 0"\n[p]', 1)
    with pytest.raises(NoSample, match="no data found on which 'impossible' holds"):
        sample(load_text(text))
