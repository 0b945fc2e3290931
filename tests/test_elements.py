"""Signs by cases of an element, signs of maxima, and quotients under logarithms and inverses."""

from __future__ import annotations

import pytest

from catalog.load import load_text
from derive.bridge import problem
from derive.prove import Proof, prove

FILE = """
id = "sign"
name = "A sign"
field = "theory"
year = 2025
cite = "none"
[sets]
outcomes = {{ letters = "o", elements = ["this", "other"] }}
n = "i j"
[given]
a = "real[i]"
b = "real[i]"
m = "mask[i]"
[assumes]
"the sum is positive" = "a[i] + b[i] > 0"
[theorem]
"what is claimed" = "{said}"
[claim]
relation = "theorem"
"""
TRUE = (
    "[o = this]*exp(a[i]) + [o = other]*(sum[j] exp(b[j])) > 0",
    "[o = this]*exp(a[i]) + [o = other]*b[i]^2 >= 0",
    "[m[i]]*exp(a[i]) + (1 - [m[i]])*(sum[j] exp(b[j])) > 0",
    "max(a[i], exp(b[i])) > 0",
    "max(exp(b[i]), a[i]) > 0",
    "max(a[i] - 1, b[i]^2) >= 0",
    "log(1 - exp(a[i])/(exp(a[i]) + exp(b[i]))) = b[i] - log(exp(a[i]) + exp(b[i]))",
    "1/(1 + exp(a[i])/sum[j] exp(b[j])) = (sum[j] exp(b[j]))/(exp(a[i]) + sum[j] exp(b[j]))",
    "exp(a[i])/(exp(a[i]) + exp(b[i])) + exp(b[i])/(exp(a[i]) + exp(b[i])) = 1",
)
FALSE = (
    "[o = this]*exp(a[i]) + [o = other]*b[i] > 0",
    "[o = this]*exp(a[i]) > 0",
    "[m[i]]*exp(a[i]) + (1 - [m[i]])*b[i] > 0",
    "[o = this]*exp(a[i]) - [o = other]*exp(b[i]) >= 0",
    "max(a[i] - 1, b[i]) >= 0",
    "log(1 + exp(a[i])/(exp(a[i]) + exp(b[i]))) = b[i] - log(exp(a[i]) + exp(b[i]))",
    "1/(1 + exp(a[i])/sum[j] exp(b[j])) = exp(a[i])/(exp(a[i]) + sum[j] exp(b[j]))",
)


def proved(said: str) -> bool:
    return isinstance(prove(problem(load_text(FILE.format(said=said)))), Proof)


@pytest.mark.parametrize("said", TRUE)
def test_what_is_true_is_found(said: str) -> None:
    assert proved(said)


@pytest.mark.parametrize("said", FALSE)
def test_what_is_false_is_not(said: str) -> None:
    assert not proved(said)
