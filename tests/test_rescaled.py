"""A loss that fits its pair with a parameter scaled: said where nothing fits as the file stands."""

from dataclasses import replace

import pytest

from catalog.spec import Method
from derive.bridge import problem
from derive.rescaled import rescaled
from derive.verdict import Refuted
from derive.verify import verify
from tests.user_formulas import SCORES, method, with_given

BASE = with_given(SCORES, 'tau = "positive"')
LOSS = "mean[i] -log(exp({0}) / sum[k != i] exp({1}))"


def denied(at: str, q: str = "tau") -> Method:
    formula = LOSS.format(at.replace("?", "pos[i]"), at.replace("?", "k"))
    pair = f'kernel = "logit"\nlogit = "s[i,j]"\ntemperature = "{q}"'
    made = method("mine", formula, {**BASE, "q": pair})
    claim = replace(made.claim, relation="does-not-reduce", correction="a test")
    return replace(made, claim=claim)


SAID = {
    "half the temperature": (denied("2*s[i,?]/tau"), "with 1/2 * tau for tau"),
    "twice the temperature": (denied("s[i,?]/(2*tau)"), "with 2 * tau for tau"),
    "a square, by four": (denied("4*s[i,?]/tau^2", "tau^2"), "with 1/2 * tau for tau"),
    "another score": (denied("s[i,?]^2/tau"), ""),
}


@pytest.mark.parametrize("what", SAID)
def test_a_parameter_that_fits_when_scaled_is_named(what: str) -> None:
    loss, words = SAID[what]
    found = verify(loss)
    assert isinstance(found, Refuted) and found.ok
    said = [j.detail for j in found.judges if j.name == "parameters"]
    assert said == ([f"{words} in p and q some scale and constant fit at the sizes tried"]
                    if words else [])  # fmt: skip
    assert bool(rescaled(problem(loss))) == bool(words)
