"""Attacks by certificate data: rows and steps that no program of ours would write."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import terms
from derive.replay import replay
from derive.terms import RuleError, num
from derive.theorem import AXIOMS, RULES, Theorem

REFUSALS = (RuleError, TypeError, ValueError, KeyError, IndexError, AttributeError)
"""What `check_body` turns into a sentence. A refusal proper is a RuleError."""

N = ["v", ["i", "n"]]
TRIVIAL = [["lincomb", [0, 0, []]]]

BAD_ROWS: dict[str, list[Any]] = {
    "1/0": ["num", "1/0"],
    "0/0": ["num", "0/0"],
    "a fraction with leading zeros": ["num", "1/02"],
    "plus one": ["num", "+1"],
    "minus nothing": ["num", "-"],
    "spaces": ["num", " 1"],
    "a line end": ["num", "1\n"],
    "underscores": ["num", "1_000"],
    "a decimal": ["num", "0.5"],
    "an exponent": ["num", "1e9"],
    "an exponent of a million digits": ["num", "1e1000000"],
    "digits of another script": ["num", "٣"],
    "a superscript": ["num", "²"],
    "full-width digits": ["num", "１"],
    "not a number": ["num", "nan"],
    "infinity": ["num", "inf"],
    "a number that is one": ["num", 1],
    "a float": ["num", 1.5],
    "a truth": ["num", True],
    "nothing": ["num", None],
    "a list": ["num", ["1"]],
    "five thousand digits": ["num", "1" * 5000],
    "a numbered variable": ["v", [1, "n"]],
    "an operation that is a list": [["add"], None],
    "an operation that is a number": [5, None],
    "no operation": [None, None],
    "a set that is an object": ["v", ["i", {"n": 1}]],
    "a variable that is a word": ["v", "in"],
    "a loose index": ["b", [0, "n"]],
    "a negative loose index": ["b", [-1, "n"]],
}


@pytest.mark.parametrize("what", BAD_ROWS)
def test_bad_rows_are_refused(what: str) -> None:
    row = BAD_ROWS[what]
    use = ["app", ["f", ["n"]], 0] if row[0] in ("v", "b") else row
    for rows in ([row], [row, use]):
        with pytest.raises(REFUSALS):
            replay(rows, [["lincomb", [len(rows) - 1, len(rows) - 1, []]]])


@pytest.mark.parametrize("args", [[1], [0], [-1], ["0"], [0.0], [True], [None], [[0]], [10**30]])
def test_a_row_uses_earlier_rows_only(args: list[Any]) -> None:
    with pytest.raises(RuleError, match="earlier"):
        replay([["exp", None, *args]], TRIVIAL)


@pytest.mark.parametrize(
    "a", ["#0", "#1", "#-1", "#", "# 0", "#0 ", "#٠", "#00000000000", "0", "", None]
)
def test_a_step_uses_earlier_steps_only(a: Any) -> None:
    """Itself and later ones are not there yet."""
    with pytest.raises(RuleError, match="no argument"):
        replay([["num", "1"]], [["sum_sign", [0, a]]])


@pytest.mark.parametrize("a", [1, -1, 0.0, True, None, {}, "x", 10**30])
def test_an_argument_is_a_row_a_step_a_name_or_a_list(a: Any) -> None:
    with pytest.raises(REFUSALS):
        replay([["num", "1"]], [["lincomb", [0, a, []]]])


@pytest.mark.parametrize(
    "step",
    [
        ["trust", []],
        ["", []],
        [None, []],
        [[], []],
        [{}, []],
        ["Theorem", []],
        ["_KEY", []],
        ["assume"],
        [],
        "assume",
        None,
        5,
        ["assume", None],
        ["assume", 5],
    ],
)
def test_bad_steps_are_refused(step: Any) -> None:
    with pytest.raises(REFUSALS):
        replay([["num", "1"]], [step])


def test_the_same_step_by_its_name_is_accepted() -> None:
    (th,) = replay([["num", "1"], ["num", "2/2"]], [["lincomb", [0, 1, []]]])
    assert th.concl == ("eq", num(1), num(1))
    made = replay(
        [["num", "-0"], ["num", "0"]], [["lincomb", [0, 1, []]], ["cong", ["$exp", "#0"]]]
    )
    assert made[0].concl == ("eq", num(0), num(0))
    assert made[1].args[1] is made[0]


def one_is_zero(domain: Any, element: Any) -> tuple[list[Any], list[Any]]:
    """sum_v [v = e] is 1, and by enumeration it is the number of elements that equal e."""
    listed = list(domain[1])
    rows = [
        ["v", ["s", domain]],
        ["el", element],
        ["eq", None, 0, 1],
        ["num", "0"],
        ["num", "1"],
        ["num", "-1"],
        *(["el", [e, domain]] for e in listed),
    ]
    steps: list[Any] = [["delta_sum", [0, 1]], ["enumerate_sum", [0, 2]]]
    steps += [["delta", [6 + k, 1]] for k in range(len(listed))]
    uses = [[4, [], "#0"], [5, [], "#1"], *([5, [], f"#{2 + k}"] for k in range(len(listed)))]
    return rows, [*steps, ["lincomb", [3, 4, uses]]]


@pytest.mark.parametrize(
    ("domain", "element"),
    [
        (["side", "abc"], ["ab", ["side", "abc"]]),
        (["side", ["a", "a"]], ["a", ["side", ["a", "a"]]]),
        (["side", []], ["a", ["side", []]]),
        (["side", ["a", "b"]], ["a", ["side", ["a", "b"]], "again"]),
        (["side", [1, True]], [1, ["side", [1, True]]]),
        (["side", ["a", ["a"]]], ["a", ["side", ["a", ["a"]]]]),
        (["side", ["a", "b"], "more"], ["a", ["side", ["a", "b"], "more"]]),
    ],
)
def test_nothing_is_one(domain: Any, element: Any) -> None:
    """Index sets that would make 0 = 1 of three honest rules."""
    with pytest.raises(RuleError):
        replay(*one_is_zero(domain, element))


def test_the_honest_count_is_one() -> None:
    domain = ["side", ["a", "b"]]
    rows, steps = one_is_zero(domain, ["a", domain])
    with pytest.raises(RuleError, match="differ"):
        replay(rows, steps)
    steps[-1] = ["lincomb", [4, 4, steps[-1][1][2]]]
    assert replay(rows, steps)[-1].concl == ("eq", num(1), num(1))


# ------------------------------------------------------------------- what would exhaust a reader


def doubled(times: int, start: Any) -> list[Any]:
    return [start, *(["add", None, k, k] for k in range(times))]


BOMBS: dict[str, tuple[list[Any], list[Any]]] = {
    "two to the hundred nodes": (doubled(100, ["app", ["f", []]]), [["lincomb", [100, 0, []]]]),
    "a tower of exponentials": (
        [["num", "9"], *(["exp", None, k] for k in range(200))],
        [["lincomb", [200, 0, []]]],
    ),
    "a million monomials": (
        [
            *(["app", [f"c{k}", []]] for k in range(100)),
            ["add", None, *range(100)],
            ["mul", None, 100, 100, 100],
        ],
        [["lincomb", [101, 0, []]]],
    ),
    "sums that all look alike": (
        [
            *(["b", [k, "n"]] for k in range(9)),
            *(["app", ["f", ["n"]], k] for k in range(9)),
            ["mul", None, *range(9, 18)],
            *(["sum", "n", 18 + k] for k in range(9)),
            ["num", "0"],
        ],
        [["lincomb", [27, 28, []]]],
    ),
    "numbers that square themselves": (
        [["num", "9" * 4000], *(["mul", None, k, k] for k in range(14))],
        [["lincomb", [14, 0, []]]],
    ),
    "an index that doubles at every step": (
        [["v", ["i", "n"]], ["app", ["f", ["n"]], 0], ["fn", ["p", ["n", "n"], "n"], 0, 0]],
        [["assume", [["$pos", 1]]], *(["inst", [f"#{k}", 0, 2]] for k in range(100))],
    ),
}


@pytest.mark.parametrize("what", BOMBS)
def test_bombs_are_refused_at_once(what: str) -> None:
    start = time.monotonic()
    with pytest.raises(RuleError):
        replay(*BOMBS[what])
    assert time.monotonic() - start < 5


def test_a_wide_honest_term_is_not() -> None:
    rows = [*(["app", [f"c{k}", []]] for k in range(3000)), ["add", None, *range(3000)]]
    rows += [["num", "1"], ["mul", None, 3000, 3001]]  # the same to be expanded, another term
    start = time.monotonic()
    replay(rows, [["lincomb", [3000, 3002, []]]])
    assert time.monotonic() - start < 5


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["app", ["f", []]], ["num", "1"], ["add", None, 0, 1], ["mul", None, *([2] * 3000)]]
    start = time.monotonic()
    monkeypatch.setattr(terms, "deadline", [start + 0.3])
    with pytest.raises(RuleError, match="time"):
        replay(rows, [["lincomb", [3, 0, []]]])
    assert time.monotonic() - start < 5


# ------------------------------------------------------------------- noise

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 12),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(
        ["$exp", "$pos", "$nn", "$eq", "$inv_mul", "#0", "#1", "#9", "n", "i", "side", "a"]
    ),
)
data = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
ops = st.sampled_from(
    [
        "num",
        "v",
        "b",
        "el",
        "app",
        "mask",
        "fn",
        "eq",
        "ne",
        "add",
        "mul",
        "inv",
        "exp",
        "log",
        "relu",
        "sg",
        "max",
        "sum",
        "bigmax",
        "what",
    ]
)
good_rows = st.sampled_from(
    [
        ["num", "1"],
        ["num", "-1"],
        ["v", ["i", "n"]],
        ["v", ["s", ["side", ["a", "b"]]]],
        ["el", ["a", ["side", ["a", "b"]]]],
        ["b", [0, "n"]],
        ["app", ["u", []]],
    ]
)
rows_of = st.lists(
    st.one_of(
        good_rows,
        st.tuples(ops, data, st.integers(0, 6)).map(list),
        st.tuples(ops, st.none(), st.integers(0, 6), st.integers(0, 6)).map(list),
    ),
    max_size=12,
)
steps_of = st.lists(
    st.tuples(st.sampled_from([*RULES, "what"]), st.lists(data, max_size=5)).map(list), max_size=6
)


@settings(max_examples=400)
@given(rows_of, steps_of)
def test_noise_is_refused_or_proves_something_true(rows: list[Any], steps: list[Any]) -> None:
    try:
        done = replay(rows, steps)
    except REFUSALS:
        return
    for th in done:
        assert isinstance(th, Theorem)
        assert not (th.concl[0] == "eq" and th.concl[1].op == th.concl[2].op == "num") or (
            th.concl[1] is th.concl[2] or th.hyps
        )


@settings(max_examples=300)
@given(st.data())
def test_lawful_rows_with_random_steps(draw: st.DataObject) -> None:
    """Rows that are terms, so that the rules are reached: what they accept, they accept rightly."""
    from tests.test_rules_random import counterexample

    rows = [
        ["num", "1"],
        ["num", "0"],
        ["num", "-1"],
        ["app", ["u", []]],
        N,
        ["v", ["j", "n"]],
        ["app", ["f", ["n"]], 4],
        ["app", ["f", ["n"]], 5],
        ["eq", None, 4, 5],
        ["ne", None, 4, 5],
        ["mul", None, 8, 6],
        ["inv", None, 3],
        ["exp", None, 3],
        ["log", None, 3],
        ["mul", None, 3, 11],
        ["app", ["f", ["n"]], 16],
        ["b", [0, "n"]],
    ]
    rows[15:] = [["b", [0, "n"]], ["app", ["f", ["n"]], 15], ["sum", "n", 16], ["mul", None, 17, 8]]
    k = st.integers(0, len(rows) - 1)
    real = st.sampled_from([0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 17, 18])
    letter = st.sampled_from([4, 5])
    step = st.sampled_from(["#0", "#1", "#2"])
    kinds: dict[str, st.SearchStrategy[list[Any]]] = {
        "inst": st.tuples(step, letter, letter).map(list),
        "lincomb": st.tuples(
            real,
            real,
            st.lists(st.tuples(real, st.lists(letter, max_size=1), step).map(list), max_size=1),
        ).map(list),
        "cong": st.tuples(st.sampled_from(["$exp", "$inv", "$log", "$relu"]), step).map(list),
        "transport": st.tuples(step, step).map(list),
        "cases": st.tuples(
            st.sampled_from([8, 9]), st.tuples(st.just("$eq"), real, real).map(list), step, step
        ).map(list),
        "leibniz": st.tuples(real, letter, letter, letter).map(list),
        "delta_sum": st.tuples(letter, letter).map(list),
        "delta": st.tuples(letter, letter).map(list),
        "ne_def": st.tuples(letter, letter).map(list),
        "sign": st.tuples(st.sampled_from(["$pos", "$nn"]), real).map(list),
        "sum_sign": st.tuples(letter, step).map(list),
        "axiom": st.tuples(st.sampled_from([f"${a}" for a in AXIOMS]), real, real, step).map(list),
        "axiom ": st.tuples(st.sampled_from([f"${a}" for a in AXIOMS]), real, real).map(list),
        "pos_masked_sum": st.tuples(letter, step, step, step).map(list),
        "enumerate_sum": st.tuples(k, k).map(list),
    }
    name = draw.draw(st.sampled_from(sorted(kinds)))
    steps = [
        ["assume", [["$pos", 3]]],
        ["assume", [["$nn", 6]]],
        ["ne_def", [4, 5]],
        [name.strip(), draw.draw(kinds[name])],
    ]
    try:
        th = replay(rows, steps)[-1]
    except REFUSALS:
        return
    assert counterexample(th, 1, 2)[0] is None, json.dumps(steps)
