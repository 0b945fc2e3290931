"""What torch code answers: right numbers, and what is said of code that is odd or bad."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.errors import InputError
from iconograph.audit.calls import SIZES, Convention, draw, find
from iconograph.audit.guess import NoCall, choose
from iconograph.audit.loading import Failed, load, options
from iconograph.audit.local import Here
from iconograph.audit.precision import precision, spoken
from iconograph.audit.probe import Theirs
from iconograph.audit.steady import faithful
from iconograph.audit.wire import CodeProbe, packed

torch = pytest.importorskip("torch")
losses = pytest.importorskip("tests.user_losses")


def here(name: str, call: str, result: str | None = None, **given: Any) -> CodeProbe:
    code = Here(getattr(losses, name), given, result)
    return CodeProbe(code, Convention(find(call)))


def notes(probe: CodeProbe) -> str:
    return "; ".join(probe.code.notes)


def cross_entropy(s: Any, t: float) -> tuple[Any, Any]:
    """Losses of the rows and gradient of their mean, in NumPy."""
    e = np.exp(s / t)
    q = e / e.sum(1, keepdims=True)
    return -np.log(np.diag(q)), (q - np.eye(len(s))) / t / len(s)


X = draw(find("scores"), SIZES[0])
ROWS, SLOPE = cross_entropy(X["s"], 0.1)


def test_values_gradients_and_second_derivatives_are_right() -> None:
    probe = here("scores", "scores")
    found = probe.ask(X)
    assert found.rows is None and np.isclose(found.value, ROWS.mean(), rtol=1e-13)
    assert np.allclose(found.gradient["s"], SLOPE, rtol=1e-12, atol=1e-15)
    second = here("scores", "scores", temperature=1.0).hessian(X, "s")
    step = 1e-6 * np.eye(64).reshape(64, 8, 8)[9]
    ends = [cross_entropy(X["s"] + sign * step, 1.0)[1] for sign in (1, -1)]
    assert np.allclose(second[9], (ends[0] - ends[1]).reshape(-1) / 2e-6, atol=1e-7)
    assert np.abs(second[9]).max() > 1e-3
    assert probe.ask(X, gradient=False).gradient == {}


def test_what_torch_differentiates_once_is_differentiated_by_differences() -> None:
    probe = here("Square", "scores")
    assert np.allclose(probe.hessian(X, "s"), np.eye(64), atol=1e-8)
    assert "central differences" in notes(probe)
    assert "central differences" not in notes(here("scores", "scores"))


def test_a_backward_that_torch_does_not_see_through_is_found_out() -> None:
    want = here("plain", "scores").hessian(X, "s")
    probe = here("hidden", "scores")
    assert np.allclose(probe.hessian(X, "s"), want, rtol=1e-7, atol=1e-7)
    assert "central differences" in notes(probe)
    # differentiating twice what is seen of it gives another matrix
    code = Here(losses.hidden).code
    asked = {"arguments": packed(probe.convention, X), "by": "s", "gradient": True}
    assert not np.allclose(np.asarray(code._twice(asked, "s")), want, rtol=1e-2)


def test_second_derivatives_are_those_of_the_gradient() -> None:
    probe = here("half_held", "scores")  # gradient s, of a value s^2
    assert np.allclose(probe.hessian(X, "s"), np.eye(64), atol=1e-8)


def test_a_gradient_that_is_not_that_of_the_value_is_said() -> None:
    for name, call in (("half_held", "scores"), ("Halved", "scores")):
        (said,) = faithful(here(name, call), 1e-16, 0)
        assert "its gradient by s is not the derivative of its value" in said
    for name, call, precise in (
        ("plain", "scores", 1e-16), ("hidden", "scores", 1e-16), ("nt_xent", "embeddings", 1e-16),
        ("single", "scores", 1e-7), ("hinge", "triplet", 1e-16), ("Clip", "image-text", 1e-16),
    ):  # fmt: skip
        assert list(faithful(here(name, call), precise, 0)) == []


def test_options_reach_a_function_a_constructor_and_its_call() -> None:
    found = here("scores", "scores", temperature=0.5).ask(X).value
    assert np.isclose(found, cross_entropy(X["s"], 0.5)[0].mean())
    probe = here("Proxies", "embeddings-labels", classes=9, width=3)
    assert [p["name"] for p in probe.code.parameters or ()] == ["embeddings", "labels"]
    assert "27 numbers" in notes(probe) and "training mode" in notes(probe)
    assert np.isfinite(probe.ask(draw(probe.call, SIZES[0])).value)


def test_options_are_no_arguments() -> None:
    code = Here(losses.option_first, {"temperature": 0.5})
    assert [(p["name"], p["way"]) for p in code.parameters or ()] == [
        ("s", "keyword"), ("scale", "keyword")]  # fmt: skip
    found = choose(code.parameters, lambda c, x: CodeProbe(code, c).ask(x)).convention
    assert found.passed == {"s": "s"} and found.call.slots[0].keyword
    value = CodeProbe(code, found).ask(X).value
    assert np.isclose(value, cross_entropy(X["s"], 0.5)[0].mean())
    with pytest.raises(InputError, match="has the parameters temperature, s; --with"):
        choose(Here(losses.option_first).parameters, lambda c, x: CodeProbe(code, c).ask(x))


def test_a_width_that_the_code_fixes_is_found_among_its_options() -> None:
    code = Here(losses.Proxies, {"classes": 5, "width": 7})
    found = choose(code.parameters, lambda c, x: CodeProbe(code, c).ask(x), None, code.numbers)
    assert found.convention.fixed == {"d": 7}
    assert found.convention.text == "z=real[n,7], y=label[n]"
    with pytest.raises(NoCall, match="cannot be multiplied"):
        choose(code.parameters, lambda c, x: CodeProbe(code, c).ask(x), None, [5, 6])


def test_a_method_and_a_module_stay_as_they_are() -> None:
    probe = CodeProbe(Here(losses.holder.loss), Convention(find("scores")))
    assert probe.ask(X).value == probe.ask(X).value and losses.holder.calls == 0
    module = losses.Proxies(4)
    CodeProbe(Here(module), Convention(find("embeddings-labels"))).ask(
        draw(find("embeddings-labels"), SIZES[0])
    )
    assert module.w.dtype == torch.float32 and module.w.grad is None


def test_code_that_takes_no_double_precision_gets_single() -> None:
    with pytest.raises(Theirs, match="same dtype"):
        here("takes_float32", "scores").ask(X)
    code = Here(losses.takes_float32, dtype="float32")
    probe = CodeProbe(code, Convention(find("scores")))
    assert np.isclose(probe.ask(X).value, ROWS.mean(), rtol=1e-5)
    assert 1e-9 < precision(probe) < 1e-6 and not code.notes


def test_a_call_of_this_process_leaves_it_as_it_was() -> None:
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    here("random", "scores").ask(X)
    assert torch.equal(torch.rand(3), want) and torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(
    ("name", "note", "value"),
    [
        ("each_row", "", ROWS.sum()),
        ("pair", "of the 2 things it returned, the first was taken", ROWS.mean()),
        ("by_name", "of the 2 things it returned, 'contrastive_loss' was taken", ROWS.mean()),
        ("in_place", "it changes its input s in place", ROWS.mean()),
        ("single", "it returns float32", ROWS.mean()),
        ("nothing", "", np.nan),
    ],
)
def test_what_works_oddly_is_noted(name: str, note: str, value: float) -> None:
    probe = here(name, "scores")
    assert np.isclose(probe.ask(X).value, value, equal_nan=True)
    assert notes(probe).removesuffix(" (see --result)") == note
    if name == "each_row":
        found = probe.ask(X)
        assert np.allclose(found.rows, ROWS) and np.allclose(found.gradient["s"], 8 * SLOPE)
    if name == "by_name":
        assert np.isclose(here(name, "scores", "logits").ask(X).value, X["s"].sum())
        with pytest.raises(InputError, match="a dict, has no 'loss'"):
            here(name, "scores", "loss").ask(X)


@pytest.mark.parametrize(
    ("name", "words", "trace"),
    [
        ("raises", "it raised scores of mine (user_losses.py:", "in raises"),
        ("misuses_torch", "(user_losses.py:", "in misuses_torch"),
        ("whole", "it returned torch.int64 numbers, no loss", ""),
        ("number", "it returned a float, no tensor", ""),
        ("no_gradient", "its result has no gradient", ""),
    ],
)
def test_what_fails_is_said_to_be_theirs(name: str, words: str, trace: str) -> None:
    with pytest.raises(Theirs, match=re.escape(words)) as error:
        here(name, "scores").ask(X)
    assert trace in error.value.trace and "answers.py" not in error.value.trace


def test_what_is_not_always_the_same_and_what_is_coarse_is_seen() -> None:
    probe = here("random", "scores")
    (a, b), (c,) = probe.values(X, 2, 0), probe.values(X, 1, 1)
    assert a == b != c
    probe = here("Queue", "two-views")
    y = draw(probe.call, SIZES[0])
    first, second = probe.values(y, 2, 0)
    assert first != second and probe.values(y, 1, 0) == [first]
    assert probe.ask(y).value == probe.ask(y).value == first
    probe = here("remembers", "scores")
    assert probe.values(X, 1, 0) != probe.values(X, 1, 0)
    found = precision(here("single", "scores"))
    assert 1e-9 < found < 1e-6 and "less than double" in spoken(found)
    assert precision(here("scores", "scores")) < 1e-14


@pytest.mark.parametrize(
    ("name", "call", "others"),
    [
        ("scores", "scores", ()),
        ("nt_xent", "stacked-views", ("embeddings",)),
        ("SupCon", "views-labels", ()),
        ("Clip", "image-text", ()),
        ("unknown", "two-views", ()),
        ("by_keyword", "two-views", ()),
        ("takes_labels", "embeddings-labels", ()),
        ("Square", "stacked-views", ("embeddings", "scores", "views")),
    ],
)
def test_the_convention_is_guessed(name: str, call: str, others: tuple[str, ...]) -> None:
    code = Here(getattr(losses, name))
    found = choose(code.parameters, lambda c, x: CodeProbe(code, c).ask(x))
    assert (found.convention.call.name, found.others) == (call, others)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("tests.nowhere:f", "there is no module tests.nowhere"),
        ("tests.user_losses:nt_xnet", "tests.user_losses has no 'nt_xnet'; it has"),
        ("tests.user_losses:Clip.gather", "has no 'Clip.gather'"),
        ("losses", "'losses' is not MODULE:NAME or FILE.py:NAME"),
        ("none.py:f", "there is no file none.py"),
    ],
)
def test_names_of_nothing_are_said_in_a_sentence(code: str, words: str) -> None:
    with pytest.raises(Failed, match=re.escape(words)):
        load(code)


def test_what_cannot_be_called_is_said() -> None:
    for target, words in ((losses.SEEN, "it is a list, which"), (None, "it is None, which")):
        with pytest.raises(InputError, match=words):
            Here(target)
    with pytest.raises(InputError, match="it has no option 'tau'; it takes s, temperature"):
        here("scores", "scores", tau=2)
    with pytest.raises(Failed, match="--with 'tau' is not NAME=VALUE"):
        options(["tau"])


def test_a_file_finds_what_lies_beside_it(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "outer_of_a_test.py").write_text("from inner_of_a_test import f as g\n")
    (tmp_path / "inner_of_a_test.py").write_text("def f(s):\n    return s.sum()\n")
    assert load(f"{tmp_path}/outer_of_a_test.py:g").__name__ == "f"
