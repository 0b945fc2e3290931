"""Theorems and limits at their edges: equality, hypotheses on a parameter, derivations."""

from __future__ import annotations

import pytest

from catalog.errors import InputError
from catalog.load import load_text
from catalog.registry import load
from iconograph.commands.verify import judge
from iconograph.display import Loss

STRICT = """
id = "mine"
name = "Mine"
field = "theory"
year = 2026
cite = ""
summary = "mine"
[sets]
n = "i j"
[given]
p = "real"
q = "{type}"
[assumes]
[theorem]
"it is larger" = "p + q {sign} p"
[claim]
relation = "theorem"
"""


@pytest.mark.parametrize(
    ("kind", "sign", "outcome"),
    [("nonnegative", ">", "refuted"), ("nonnegative", ">=", "proved"), ("positive", ">", "proved")],
)
def test_a_strict_inequality_is_false_where_both_sides_are_equal(
    kind: str, sign: str, outcome: str
) -> None:
    assert judge(load_text(STRICT.format(type=kind, sign=sign))).outcome == outcome


def test_a_strict_inequality_may_hold_by_very_little() -> None:
    little = STRICT.format(type="positive", sign=">").replace("p + q > p", "1 + exp(-200) > 1")
    assert judge(load_text(little)).outcome == "proved"


def test_no_hypothesis_speaks_of_the_parameter_of_a_limit() -> None:
    text = load("triplet-limit").text
    assert "[assumes]" not in text
    with pytest.raises(InputError, match="mentions s, the parameter of the claim"):
        load_text(text.replace("[icon]", '[assumes]\n"the limit is near" = "s < 1"\n[icon]', 1))


@pytest.mark.parametrize(
    ("name", "why"),
    [("pinsker", "inequalities"), ("triplet-limit", "inequalities"), ("k-means-sign", "false")],
)
def test_no_chain_of_equations_is_shown_of_what_is_none(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Loss(load(name)).derivation()
