"""The NumPy programs check what a file declares of its arguments, as torch ones do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from catalog.registry import all_methods
from codegen.emit import refusal
from codegen.execute import module, program_of, source
from codegen.ir import Argument
from codegen.render import environment
from codegen.samples import sample

METHODS = {m.id: m for m in all_methods() if refusal(m) is None}
ARGUMENTS = [(name, a) for name, m in METHODS.items() for a in program_of(m).arguments]


def one(wanted: str, shaped: bool) -> list[Any]:
    """Some arguments of the catalog of which a file declares this, with their methods."""

    def fits(a: Argument) -> bool:
        kind = a.kind if a.kind != "number" else a.range or ("positive" if a.positive else "real")
        return kind == wanted and bool(a.shape) == shaped

    found = [pytest.param(name, a.name, id=f"{name}-{a.name}") for name, a in ARGUMENTS if fits(a)]
    assert found, wanted
    return found[:3]


def call(method: str, **changed: Any) -> np.ndarray:
    """The loss on a sample, some arguments changed by functions or replaced."""
    m = METHODS[method]
    p, data = program_of(m), sample(m, 0, size=5)
    values = {a.name: np.asarray(data.data[a.symbol]) for a in p.arguments}
    choices = {k: v for k, v in changed.items() if k not in values}
    for name in changed.keys() & values.keys():
        change = changed[name]
        values[name] = change(values[name]) if callable(change) else change
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    made = getattr(module(source(m, "numpy")), f"{p.name}_loss")(*first, **values, **choices)
    assert np.isfinite(made[0]).all()
    return np.asarray(made[0])


def refused(words: str, method: str, **changed: Any) -> None:
    call(method)
    with pytest.raises(ValueError, match=words) as error:
        call(method, **changed)
    assert "\n" not in str(error.value)


def put(x: float) -> Any:
    """The array with one entry replaced."""

    def change(value: np.ndarray) -> np.ndarray:
        value = value.astype(float)
        value.flat[0] = x
        return value

    return change


@pytest.mark.parametrize(("method", "name"), one("positive", False))
@pytest.mark.parametrize("bad", ["0.1", None, [], np.nan, 0.0, -1.0, np.ones(2)])
def test_a_positive_number(method: str, name: str, bad: Any) -> None:
    refused(rf"^{name} should be (a number|positive|a single number), got", method, **{name: bad})


@pytest.mark.parametrize(("method", "name"), one("positive", True))
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_positive_array(method: str, name: str, bad: float) -> None:
    refused(rf"^{name} should be positive everywhere, got", method, **{name: put(bad)})


@pytest.mark.parametrize("shaped", [True, False])
@pytest.mark.parametrize("bad", [0.0, 1.0, 1.5, -0.5, np.nan])
def test_a_probability(shaped: bool, bad: float) -> None:
    found = [(m, a) for m, a in ARGUMENTS if a.range == "probability" and bool(a.shape) == shaped]
    for method, a in found[:2]:
        words = rf"^{a.name} should (be positive|lie between 0 and 1)"
        refused(words, method, **{a.name: put(bad) if shaped else bad})


def test_probabilities_are_in_the_catalog() -> None:
    assert any(a.range == "probability" for _, a in ARGUMENTS)


@pytest.mark.parametrize(("method", "name"), one("distribution", True))
def test_a_distribution(method: str, name: str) -> None:
    refused(f"^{name} should not be negative, got", method, **{name: put(-0.1)})
    refused(f"^{name} should have rows that sum to one, one is off by", method,
            **{name: lambda v: 1.01 * v})  # fmt: skip
    for dtype in (np.float32, np.float16):
        call(method, **{name: lambda v, to=dtype: v.astype(to)})  # rounding alone is no offence


@pytest.mark.parametrize(("method", "name"), one("mask", True))
def test_a_mask_holds_zeros_and_ones(method: str, name: str) -> None:
    assert call(method, **{name: lambda v: v.astype(int)}) == call(method)
    for bad in (2.0, 0.5, -1.0, np.nan):
        refused(
            f"^{name} should be Boolean, or hold nothing but 0 and 1", method, **{name: put(bad)}
        )


@pytest.mark.parametrize(("method", "name"), one("index", True))
def test_labels_are_integers(method: str, name: str) -> None:
    refused(f"^{name} should hold integers, got float64", method, **{name: lambda v: v + 0.0})
    refused(f"^{name} should hold integers, got bool", method, **{name: lambda v: v == 0})


def test_positions_lie_in_their_set() -> None:
    for bad in (99, -1):
        refused(r"^target should lie between 0 and \d+, got", "cross-entropy", target=put_int(bad))


def put_int(x: int) -> Any:
    return lambda value: np.where(np.arange(value.size) == 0, x, value)


def test_shapes_and_choices() -> None:
    refused(r"^labels should have shape \(5\), got \(4,\)", "supcon", labels=np.arange(4) % 2)
    refused(r"^z is empty", "supcon", z=np.ones((0, 2)))
    refused("^z should hold real numbers, got bool", "supcon", z=lambda v: v > 0)
    refused("^reduction should be 'mean', 'sum' or 'none', got 'avg'", "supcon", reduction="avg")
    refused("^term should be 'cross_entropy' or 'kl', got 'ce'", "supcon", term="ce")


def test_numpy_says_what_torch_says() -> None:
    """The sentences about ranges are the same to the letter."""

    def sentences(template: str) -> set[str]:
        source = environment().get_template(template).render()
        return {
            line.strip() for line in source.splitlines() if "should" in line and "raise" in line
        }

    numpy, torch = sentences("numpy_helpers.jinja"), sentences("torch_helpers.jinja")
    words = ("between", "sum to one", "should be a single", "should be a number", "should be pos",
             "'mean'", "'kl'")  # fmt: skip
    for word in words:
        said = [{s.split(", got")[0] for s in side if word in s} for side in (numpy, torch)]
        assert said[0] == said[1] and said[0], word
