"""Witnesses that a reader can use: scalars that are unlike, and formulas without a value named."""

from fractions import Fraction

import pytest

from catalog.load import load_text
from catalog.spec import Method
from derive.bridge import problem
from derive.finite import judge
from derive.models import Model
from derive.novalue import no_value
from derive.spread import spread
from derive.witness import Witness, recheck
from tests.user_formulas import SCORES, method, with_given

THEOREM = """
id = "mine"
name = "mine"
field = "theory"
year = 2026
cite = ""
summary = "a test"
[sets]
n = "i j k"
[given]
{}
[theorem]
"s" = "{}"
[claim]
relation = "theorem"
"""


def theorem(given: str, statement: str) -> Method:
    return load_text(THEOREM.format(given.replace("; ", "\n"), statement), "a test")


def witness(m: Method) -> Witness | None:
    claim = problem(m)
    report = judge(m, claim, affine=False)
    assert report.disagreement == ""
    if report.witness is not None:
        assert recheck(claim, report.witness) == ""
    return report.witness


SCALARS = ("p = 'positive'; q = 'positive'", "p = 'probability'; q = 'probability'",
           "p = 'nonnegative'; q = 'positive'", "p = 'real'; q = 'real'")  # fmt: skip


@pytest.mark.parametrize("given", SCALARS)
@pytest.mark.parametrize("statement", ["p >= q", "p <= q", "p = q", "9*p > q"])
def test_unlike_scalars_refute(given: str, statement: str) -> None:
    found = witness(theorem(given, statement))
    assert found is not None and found.kind == "statement"


def test_large_and_small_scalars_refute() -> None:
    for given, statement in {
        "p = 'positive'": "p <= 900", "q = 'positive'": "q >= 1/900",
        "r = 'real'": "r >= -900", "t = 'probability'": "t <= 99/100",
        "p = 'positive'; a = 'real[i]'": "mean[i] p*a[i]*a[i] <= 99 + mean[i] 99*a[i]*a[i]",
    }.items():  # fmt: skip
        assert witness(theorem(given, statement)) is not None, statement
    for given, statement in {"p = 'positive'": "p > 0", "t = 'probability'": "t < 1"}.items():
        assert witness(theorem(given, statement)) is None, statement


def test_values_respect_signs() -> None:
    claim = problem(theorem("p = 'positive'; q = 'nonnegative'; t = 'probability'", "p > 0"))
    every = list(spread(claim))
    assert all(v["p"] > 0 and v["q"] >= 0 and 0 < v["t"] < 1 for v in every)
    assert any(v["q"] == 0 for v in every) and len({v["p"] for v in every}) > 5
    assert every == list(spread(claim))
    assert all("p" not in v for v in spread(claim, frozenset({"p"})))


NONE = {
    "p/p": ("p = 'nonnegative'", "p/p = 1", "a division by zero (p = 0)"),
    "a row": (
        "w = 'nonnegative[i,j]'", "sum[j] w[i,j]/(sum[k] w[i,k]) = 1",
        "a division by zero (sum[j] w[i,j] = 0), at i = ",
    ),
    "largest": (
        "a = 'positive[i]'; m = 'mask[i,j]'", "max[j : m[i,j]] a[j]/(1 + a[j]) > 0",
        "a maximum over an empty set (count{j : m[i,j]} = 0), at i = ",
    ),
    "mean": (
        "a = 'positive[i]'; m = 'mask[i,j]'", "mean[j : m[i,j]] a[j]/(1 + a[j]) > 0",
        "a division by zero (count{j : m[i,j]} = 0), at i = ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NONE)
def test_what_has_no_value_is_said_to_have_none(what: str) -> None:
    given, statement, words = NONE[what]
    found = witness(theorem(given, statement))
    assert found is not None and found.kind == "undefined"
    assert found.text.startswith(f"s: {words}")
    assert not found.left and not found.right, "no number stands for what has none"
    m = theorem(given, f"{statement} + 1")  # false wherever it has a value
    plain = witness(m)
    assert plain is not None and plain.kind == "statement", "a plain witness is preferred"
    assert no_value(problem(m), plain.models()[0]) == ""


def test_a_published_formula_without_a_value() -> None:
    base = with_given(SCORES, 'b = "nonnegative"')
    loss = "mean[i] -log(exp(s[i,pos[i]]) / sum[k != i] exp(s[i,k]))"
    found = witness(method("mine", f"{loss} + b/b", {**base, "constant": "1"}))
    assert found is not None and found.kind == "undefined"
    assert "a division by zero (b = 0)" in found.text
    plain = witness(method("mine", f"{loss} + b/b", {**base, "constant": "2"}))
    assert plain is not None and plain.kind == "constant"


def test_zero_log_zero_and_masks_are_no_defect() -> None:
    fine = problem(theorem("p = 'nonnegative[i]'", "sum[i] p[i]*log(p[i]) <= sum[i] p[i]*p[i]"))
    model = Model({"n": 2}, {"p": {(0,): Fraction(0), (1,): Fraction(1)}}, {}, {})
    assert no_value(fine, model) == ""
    masked = problem(theorem("p = 'nonnegative[i]'; m = 'mask[i]'", "sum[i] [m[i]]/p[i] >= 0"))
    data = {"p": {(0,): Fraction(0), (1,): Fraction(1)}}
    assert no_value(masked, Model({"n": 2}, data, {"m": {(0,): 0, (1,): 1}}, {})) == ""
    there = no_value(masked, Model({"n": 2}, data, {"m": {(0,): 1, (1,): 1}}, {}))
    assert there == "s: a division by zero (p[i] = 0), at i = 1"
