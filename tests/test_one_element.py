"""Models in which a set has one element: a batch of one sample, a single candidate."""

from __future__ import annotations

import pytest

from catalog.load import load_text
from catalog.spec import Method
from derive import finite, verify
from derive.bridge import problem
from derive.instance import model_at, models_at
from derive.prove import NotProved, Proof, prove
from derive.verdict import Proved, Refuted
from derive.witness import recheck

METHOD = """
id = "one"
name = "a test"
field = "self-supervised"
year = 2020
cite = "khosla2020supervised"
summary = "A test."
[sets]
n = "i j k l m"
c = "a b"
[learned]
s = "real[i,a]"
[given]
y = "label[i] in c"
[assumes]
{assumes}
[icon]
neighbours = "a"
[p]
kernel = "one-hot"
target = "y[i]"
[q]
kernel = "logit"
logit = "s[i,a]"
[published]
formula = "{published}"
source = "a test"
[claim]
relation = "exact"
"""
LOSS = "(mean[i] -log(exp(s[i,y[i]]) / sum[b] exp(s[i,b])))"


def method(published: str = LOSS, assumes: str = "") -> Method:
    return load_text(METHOD.format(published=published, assumes=assumes))


@pytest.mark.parametrize(
    ("more", "sizes"),
    [
        ("relu(2 - n)", {"n": 1}),
        ("relu(2 - c)", {"c": 1}),
        ("relu(2 - n)*relu(2 - c)", {"n": 1, "c": 1}),
    ],
)
def test_a_claim_that_fails_with_one_element_only(more: str, sizes: dict[str, int]) -> None:
    m = method(f"{LOSS} + {more}")
    verdict = verify.verify(m)
    assert isinstance(verdict, Refuted)
    assert recheck(m, verdict.witness) == ""
    assert sizes.items() <= verdict.witness.sizes.items()


def test_without_these_models_it_would_be_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    m = method(f"{LOSS} + relu(2 - n)")
    monkeypatch.setattr(finite, "ONE", ())
    report = finite.judge(m, problem(m), affine=False)
    assert report.value == "agree" and report.witness is None


THEOREM = """
id = "one"
name = "a test"
field = "self-supervised"
year = 2020
cite = "khosla2020supervised"
summary = "A test."
[given]
s = "real[i]"
[theorem]
"of two samples or more" = "{said}"
[claim]
relation = "theorem"
"""


def test_a_statement_that_fails_with_one_element_only(monkeypatch: pytest.MonkeyPatch) -> None:
    m = load_text(THEOREM.format(said="n + sum[i] s[i]*s[i] >= 2"))
    report = finite.judge(m, problem(m), affine=False)
    assert report.witness is not None and report.witness.sizes == {"n": 1}
    monkeypatch.setattr(finite, "ONE", ())
    assert finite.judge(m, problem(m), affine=False).value == "agree"


def test_a_maximum_over_nobody_is_named() -> None:
    """With one sample there is no other one to take the maximum over."""
    spread = "mean[i] max[b != y[i]] s[i,b]"
    m = method(f"{LOSS} + {spread} - ({spread})")
    found = prove(problem(m))
    assert isinstance(found, NotProved)
    assert found.why == "the set over which a maximum is taken is not shown to be non-empty"
    assert isinstance(prove(problem(method(m.published_text, '"two" = "c > 1"'))), Proof)


def test_a_true_claim_is_proved_as_before() -> None:
    assert isinstance(verify.verify(method()), Proved)


@pytest.mark.parametrize("assumes", ["n = 1", "c = 1", "n*c = 1"])
def test_hypotheses_of_one_element_have_a_model(assumes: str) -> None:
    m = method(assumes=f'"a single one" = "{assumes}"')
    model = model_at(problem(m), 1)
    assert model is not None and 1 in model.sizes.values()
    assert isinstance(verify.verify(m), Proved)


def test_hypotheses_that_ask_for_two_elements_have_none() -> None:
    m = method(assumes='"at least two" = "n > 1"\n"and two classes" = "c > 1"')
    assert model_at(problem(m), 1) is None
    assert isinstance(verify.verify(m), Proved)


def test_every_choice_of_small_sets_is_tried() -> None:
    found = [(m.sizes["n"], m.sizes["c"]) for m in models_at(problem(method()), 1)]
    assert sorted(found) == [(1, 1), (1, 2), (2, 1)]
    assert len(list(models_at(problem(method()), 3))) > 1
