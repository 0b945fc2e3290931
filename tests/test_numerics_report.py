"""`generate --report`: every method on hard data in every dtype, and errors that it must find."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache

import flint
import pytest
from typer.testing import CliRunner

from catalog.registry import all_methods, load
from codegen import execute, numerics, oracle, stress
from codegen.balls import Balls, Infinite
from codegen.emit import emit, refusal
from codegen.numerics import Line, report
from codegen.samples import Sample, sample
from iconograph.cli import app
from tests.selection import kinds, representatives

pytest.importorskip("torch")

EMITTED = [m for m in all_methods() if refusal(m) is None]
OTHERS = representatives((m for m in EMITTED if m.claim.relation != "exact"), kinds)
METHODS = [m.id for m in EMITTED if m.claim.relation == "exact" or m in OTHERS]

# What is known to be outside, by cause: one list of methods each.
HIDDEN = "a score of -inf"
TWICE = "the formula subtracts -inf from -inf, or divides by it"
NAIVE = "exponentials that are multiplied or subtracted outside of a logarithm overflow"
ONE = "log(1 - s) of a score that is 1 has a slope that float16 has no room for"
KNOWN: dict[str, dict[str, set[str]]] = {
    TWICE: {name: {HIDDEN} for name in ("beta-dpo", "psl", "stablemax")},
    NAIVE: {"debiased-contrastive-coarse": {"scores of 1e4"}},
    ONE: {"pairwise-similarity-bce": {"N = 1"}},
}  # fmt: skip


def allowed(name: str) -> set[str]:
    return set().union(*(found.get(name, set()) for found in KNOWN.values()))


@cache
def lines(name: str) -> tuple[Line, ...]:
    return tuple(report(load(name)))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_in_every_dtype_is_within_its_bounds(name: str) -> None:
    wrong = [x for x in lines(name) if not x.within and x.case not in allowed(name)]
    assert not wrong
    compared = [x for x in lines(name) if x.case == "plain" and x.value_error is not None]
    assert {x.dtype for x in compared} >= {"float64", "float32"}
    for x in lines(name):
        assert x.finite or not x.within or x.what != "within bound"


def test_what_is_known_to_be_outside_still_is() -> None:
    names = sorted(set().union(*KNOWN.values()))
    for name in names[::4]:
        assert not all(x.within for x in lines(name)), f"{name} is mended: take it off the list"


# --------------------------------------------------------------------------- planted errors


def planted(name: str, old: str, new: str, target: str = "torch") -> dict[str, set[str]]:
    """The dtypes that are outside, by case, once `old` reads `new` in the program."""
    text = emit(load(name), target)
    assert old in text
    found: dict[str, set[str]] = defaultdict(set)
    for x in report(load(name), target, text.replace(old, new)):
        if not x.within:
            found[x.case].add(x.dtype)
    return found


def test_a_wrong_value_is_found_in_every_case() -> None:
    right = "return losses.sum() / count"
    found = planted("supcon", right, f"{right} * 1.00001")
    assert found["plain"] == set(numerics.PRECISIONS)


def test_a_wrong_gradient_is_found() -> None:
    found = planted(
        "t-sne", "losses = log_partition - expected",
        "losses = log_partition - expected + 1e-4 * (y.sum() - y.sum().detach())",
    )  # fmt: skip
    assert found["plain"] >= {"float64", "float32"}


def test_kernels_are_interpreted_in_several_tiles() -> None:
    pytest.importorskip("triton")
    found = report(load("supcon"), "triton")
    assert all(x.within for x in found)
    assert {x.dtype for x in found} == {"float64", "float32"}
    step = "for start in range(0, column_count, COLUMNS):"
    slip = planted("supcon", step, step.replace("range(0,", "range(COLUMNS,"), "triton")
    assert slip["plain"] == {"float64", "float32"}


@pytest.mark.parametrize(("old", "new"), [
    ("total[rows] * scale + kernel.sum(1)", "total[rows] + kernel.sum(1)"),
    ("        for j in range(i, n, TILE):\n", "        for j in range(i, i + 1, TILE):\n"),
])  # fmt: skip
def test_an_error_between_blocks_is_found(old: str, new: str) -> None:
    assert "float64" in set().union(*planted("supcon", old, new).values())


def test_a_score_of_one_is_no_nan_and_its_loss_is_found() -> None:
    name, limits = "pairwise-similarity-bce", "torch.finfo(score.dtype)"
    alone = [x for x in lines(name) if x.case == "N = 1"]
    assert [x.dtype for x in alone if not x.finite] == ["float16"]
    found = planted(name, f"({limits}.tiny, 1 - {limits}.eps / 2)", f"(min={limits}.tiny)")
    assert found["N = 1"] == set(numerics.PRECISIONS)


def test_large_features_under_an_exponential_are_found() -> None:
    found = planted("forward-correction", "torch.exp(f - f.amax(-1).detach()[:, None])", "f.exp()")
    assert set(found) == {"scores of 1e4"}


def test_a_sum_of_nothing_without_a_slope_is_found() -> None:
    right = "    return torch.where(total == 0, -math.inf, some)\n"
    found = planted("unlikelihood", right, "    return torch.logsumexp(logs, dims)\n")
    assert set(found) == {HIDDEN}


@pytest.mark.parametrize(("name", "old", "new"), [
    ("dpo", "_over(beta, score)", "beta"),
    ("dpo", "_seen(weight * (score - pair_1), score).sum()", "(weight * (score - pair_1)).sum()"),
    ("mean-entropy", "s / _over(tau, s)", "s / tau"),
    # a score of -inf leaves this kernel alpha / K: the gradient of alpha is no number to hide
    ("error-rate-mixed", "alpha / scalar_3 + (1", "_over(alpha, score) / scalar_3 + (1"),
])  # fmt: skip
def test_a_number_that_minus_infinity_reaches_is_found(name: str, old: str, new: str) -> None:
    assert HIDDEN in planted(name, old, new)


@pytest.mark.parametrize(("name", "old"), [
    ("soft-actor-critic", "torch.log_softmax(logits_p, dim=1)"),
    ("rlhf", "logits_p - mass.clamp(min=torch.finfo(mass.dtype).min)[rows, None]"),
    ("rkl-sne", "torch.logaddexp(log_p, log_p.T)"),
])  # fmt: skip
def test_a_p_that_underflows_is_found(name: str, old: str) -> None:
    assert set(planted(name, old, f"torch.log(torch.exp({old}))")) == {"scores of 1e4"}


def test_an_exponential_that_overflows_is_found() -> None:
    right = "_log_sum_over(torch.where(near_, f @ g.T, -math.inf), -1)"
    wrong = "torch.log(torch.where(near_, torch.exp(f @ g.T), 0.0).sum(-1))"
    assert "scores of 1e4" in planted("mil-nce", right, wrong)
    assert "plain" not in planted("mil-nce", right, wrong)


def test_a_crash_is_a_line_of_the_report() -> None:
    found = planted("simclr", "index_n = torch.arange(n", "index_n = torch.aranged(n")
    assert found["plain"] == set(numerics.PRECISIONS)


# --------------------------------------------------------------------------- the judge

BALLS = [m.id for m in representatives(EMITTED, kinds)]


@pytest.mark.parametrize("name", BALLS)
def test_balls_hold_the_value_of_the_interpreter_of_floats(name: str) -> None:
    m = load(name)
    s = sample(m, 0, size=4)
    plain = oracle.loss(m, s.sizes, s.data)
    with flint.ctx.workprec(24):
        rough = oracle.loss(m, s.sizes, s.data, kind=Balls)
    with flint.ctx.workprec(170):
        exact = oracle.loss(m, s.sizes, s.data, kind=Balls)
    assert float(exact.value) == pytest.approx(plain.value, rel=1e-12, abs=1e-14)
    assert rough.value.contains(exact.value)
    assert 0 < float(rough.value.rad()) < 1e-3


def test_an_infinite_loss_is_known_as_such() -> None:
    m = load("cross-entropy")
    s = sample(m, 0, size=2)
    scores = [[0.0 if c != y else -float("inf") for c in range(3)] for y in s.data["y"]]
    data = {**s.data, "x": scores}
    with pytest.raises(Infinite):
        oracle.loss(m, s.sizes, data, kind=Balls)


@pytest.mark.parametrize("name", ["supcon", "multi-similarity", "prd"])
def test_plain_data_are_the_same_in_every_dtype(name: str) -> None:
    import torch

    m = load(name)
    arguments = execute.program_of(m).arguments
    plain = next(stress.cases(m, arguments))
    assert plain.name == "plain" and not stress.broken(m, plain.data)
    for a in arguments:
        if a.kind == "number":
            exact = torch.tensor(plain.data.data[a.symbol], dtype=torch.float64)
            assert torch.equal(exact.bfloat16().double(), exact)


def test_a_broken_hypothesis_is_named() -> None:
    m = load("multi-similarity")
    s = next(stress.cases(m, execute.program_of(m).arguments)).data
    wrong = Sample(s.sizes, {**s.data, "c": s.data["c"] + 1})
    assert stress.broken(m, wrong) == "c adds up the two weights"


# --------------------------------------------------------------------------- the command


def test_the_command_prints_a_table_and_json() -> None:
    run = CliRunner().invoke
    table = run(app, ["generate", "infonce", "--no-judge", "--report"])
    assert table.exit_code == 0
    assert "tau = 0.01" in table.output and "within their bounds" in table.output
    done = run(app, ["generate", "psl", "--no-judge", "--report", "--json"])
    assert done.exit_code == 1
    found = json.loads(done.output)
    assert found["schema"] == "iconograph/numerics/1"
    assert found["outside"] == sum(not x["within"] for x in found["lines"]) > 0


@pytest.mark.parametrize(("options", "said"), [
    (["--json"], "--json is for --report"),
    (["--report", "--target", "distributed"], "it needs several processes"),
])  # fmt: skip
def test_what_cannot_be_reported_is_said(options: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["generate", "infonce", "--no-judge", *options])
    assert done.exit_code == 2
    assert said in " ".join((done.output + str(done.exception)).replace("│", " ").split())
