"""A formula written another way keeps its value, and the prover sees it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest

from catalog.load import load_text
from catalog.notation import canonical, to_text
from catalog.registry import all_methods, load
from catalog.spec import Method
from catalog.symbols import Expr, Mul, Node, Num
from derive import balls, rewordings, variants
from derive.bridge import problem
from derive.places import Place, is_scalar, places, put
from derive.rewordings import REWORDINGS
from derive.variants import Trial, reworded, run, trial, used, variant
from tests.selection import kinds, made_of, representatives

EXACT = [m for m in all_methods() if m.claim.relation == "exact"]
# the kinds of pairs, and everything that a published formula is made of
FORMS = representatives(EXACT, lambda m: (*kinds(m), *made_of("published", m.published)))
pytestmark = pytest.mark.xdist_group("variants")


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    return run(60, 0)


def test_most_variants_are_proved(trials: list[Trial]) -> None:
    missed = [t for t in trials if not t.proved]
    assert len(trials) == 60
    assert len(missed) <= 9, missed


def test_no_variant_is_refuted(trials: list[Trial]) -> None:
    assert not [t for t in trials if t.refuted]


def test_a_missed_variant_says_why(trials: list[Trial]) -> None:
    assert all(t.why and t.left for t in trials if not t.proved)


def test_variants_are_composed(trials: list[Trial]) -> None:
    assert {len(t.steps) for t in trials} == {1, 2, 3, 4}
    assert len(used(trials)) > 0.8 * len(REWORDINGS)


@pytest.mark.parametrize("name", REWORDINGS)
def test_a_rewording_keeps_the_value(name: str) -> None:
    # every option at some place of every method that shows something new, at sizes 3 and 4
    rng, seen = random.Random(0), 0
    for method in FORMS:
        for new in sample(method, name, rng):
            claim = problem(replace(method, published=new))
            witness = balls.refute_value(claim, (3, 4))
            assert witness is None, to_text(new)
            seen += 1
    assert seen


def sample(method: Method, name: str, rng: random.Random) -> Iterator[Expr]:
    sites = list(places(method.published))
    rng.shuffle(sites)
    for place in sites:
        if options := list(REWORDINGS[name](place, rng)):
            for new in options:
                yield put(method.published, place.path, new)  # type: ignore[misc]
            return


@pytest.mark.parametrize(
    "name",
    ["rename", "unfold", "commute", "swap sums", "pull out", "count", "quotient", "logs"],
)
def test_these_rewordings_are_always_proved(name: str) -> None:
    for k, method in enumerate(representatives(EXACT, kinds)):
        v = variant(method, random.Random(k), [name])
        if v.steps:
            found = trial(v)
            assert found.proved, found


@pytest.mark.parametrize(
    ("name", "formula", "expected"),
    [
        ("swap sums", "sum[i] sum[k != i] s[i,k]", "sum[k] sum[i : k != i] s[i,k]"),
        ("swap sums", "sum[i] sum[k != i] s[i,k]", "sum[i, k : k != i] s[i,k]"),
        ("swap sums", "sum[i, k : k != i] s[i,k]", "sum[i] sum[k != i] s[i,k]"),
        ("distribute", "t*sum[i] s[i,i]", "sum[i] t*s[i,i]"),
        ("distribute", "(sum[i] s[i,i])/t", "sum[i] s[i,i]/t"),
        ("pull out", "sum[i] t*s[i,i]", "t*sum[i] s[i,i]"),
        ("mean as sum", "mean[i] s[i,i]", "(sum[i] s[i,i])/n"),
        (
            "complete sum", "mean[i] sum[k != i] s[i,k]", "mean[i] (sum[k] s[i,k] - s[i,i])"
        ),
        (
            "complete sum", "mean[i] sum[k] s[i,k]", "mean[i] (sum[k != i] s[i,k] + s[i,i])"
        ),
        ("bracket", "sum[i, k : k != i] s[i,k]", "sum[i, k] [k != i]*s[i,k]"),
        ("quotient", "u/t", "u*(1/t)"),
        ("minus", "u - t", "-(t - u)"),
        ("powers", "t^2", "t*t"),
        ("powers", "t^(-1/2)", "1/t^(1/2)"),
        ("logs", "log(exp(t)/t)", "log(exp(t)) - log(t)"),
        ("logs", "log(exp(t))", "t"),
        ("logs", "log(t) - log(t + 1)", "log(t/(t + 1))"),
        ("exps", "exp(u - t)", "exp(u)*exp(-t)"),
        ("exps", "exp(u)/exp(t)", "exp(u - t)"),
        (
            "softmax", "log(exp(t)/sum[i] exp(s[i,i]))", "-log(sum[i] exp(s[i,i] - t))"
        ),
        (
            "softmax", "exp(t)/sum[i] exp(s[i,i])", "exp(t - 1)/sum[i] exp(s[i,i] - 1)"
        ),
        ("functions", "sigmoid(t)", "1/(1 + exp(-t))"),
        ("functions", "min(t, 2)", "-max(-t, -2)"),
        ("count", "n", "sum[i] 1"),
    ],
)  # fmt: skip
def test_a_rewording_by_example(name: str, formula: str, expected: str) -> None:
    method, wanted = parsed(formula), parsed(expected)
    rng = random.Random(0)
    found = [
        put(method, place.path, new)
        for place in places(method)
        for new in REWORDINGS[name](place, rng)
    ]
    assert canonical(wanted) in [canonical(f) for f in found], [to_text(f) for f in found]


def parsed(formula: str) -> Expr:
    """A formula over the scalars u and t and the array s[i,j]."""
    text = f"""
id = "x"
name = "x"
field = "supervised"
year = 2000
cite = "x"
[sets]
n = "i j k l"
[learned]
s = "real[i,j]"
u = "real"
[given]
t = "positive"
[p]
kernel = "uniform"
over = "true"
[q]
kernel = "logit"
logit = "s"
[published]
formula = "{formula}"
source = "none"
[claim]
relation = "exact"
"""
    return load_text(text).published


def test_a_rewording_that_changes_the_value_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(place: Place, rng: random.Random) -> Iterator[Node]:
        if is_scalar(place.node) and place.above is None:
            yield Mul((Num(Fraction(2)), place.node))  # type: ignore[arg-type]

    monkeypatch.setattr(rewordings, "REWORDINGS", {"wrong": wrong})
    monkeypatch.setattr(variants, "REWORDINGS", {"wrong": wrong})
    found = trial(variant(load("infonce"), random.Random(0)))
    assert not found.proved and found.refuted


def test_a_seed_gives_the_same_variants() -> None:
    def told(seed: int) -> list[str]:
        made = [variant(m, random.Random(seed)) for m in EXACT]
        return [to_text(v.method.published) + str(v.steps) for v in made]

    assert told(1) == told(1)
    assert told(1) != told(2)
    method = variants.variants(EXACT[0], random.Random(3))
    assert method.claim is EXACT[0].claim and method.published != EXACT[0].published


def test_only_what_applies_is_used() -> None:
    plain = load("cross-entropy").published
    assert reworded(plain, random.Random(0), "complete sum") is None
    assert variant(load("cross-entropy"), random.Random(0), ["complete sum"]).steps == ()


def test_processes_give_the_same_trials() -> None:
    steps: list[int] = []
    assert run(4, 7, jobs=1, progress=steps.append) == run(4, 7, jobs=2)
    assert len(steps) == 4
