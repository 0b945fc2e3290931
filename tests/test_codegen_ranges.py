"""What a file declares of its numbers is checked when the emitted loss is called."""

from __future__ import annotations

import math
from typing import Any

import pytest

from catalog.load import load_text
from catalog.registry import all_methods
from catalog.spec import Method
from codegen.emit import refusal
from codegen.execute import module, program_of, source, tensor
from codegen.samples import sample
from tests.selection import kinds, representatives

torch = pytest.importorskip("torch")

METHODS = {
    m.id: m for m in representatives((m for m in all_methods() if refusal(m) is None), kinds)
}


def numbers(range_: str) -> list[tuple[str, str]]:
    return [
        (name, a.name)
        for name, m in METHODS.items()
        for a in program_of(m).arguments
        if a.kind == "number" and (a.range == range_ if range_ else a.positive and not a.shape)
    ]


def call(m: Method, form: str, dtype: str = "float64", **changed: Any) -> torch.Tensor:
    p = program_of(m)
    data = sample(m, 0, size=5)
    values = {a.name: tensor(a, data.data[a.symbol], dtype) for a in p.arguments}
    for name, change in changed.items():
        values[name] = change(values[name].detach()) if callable(change) else change
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    value = getattr(module(source(m, "dense")), f"{p.name}_{form}")(*first, **values)
    assert isinstance(value, torch.Tensor)
    return value


@pytest.mark.parametrize("form", ["loss", "dense"])
@pytest.mark.parametrize(("method", "name"), numbers(""))
@pytest.mark.parametrize("bad", ["0.1", None, [], math.nan, 0.0, -1.0, torch.tensor(math.nan)])
def test_a_positive_number(method: str, name: str, bad: Any, form: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} should be (a number|positive|a single), got"):
        call(METHODS[method], form, **{name: bad})


@pytest.mark.parametrize("form", ["loss", "dense"])
@pytest.mark.parametrize(("method", "name"), numbers("probability"))
@pytest.mark.parametrize("bad", [0.0, 1.0, 1.5, -0.5, math.nan])
def test_a_probability(method: str, name: str, bad: float, form: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} should (be positive|lie between 0)"):
        call(METHODS[method], form, **{name: lambda v: torch.full_like(v, bad)})


def negative(v: torch.Tensor) -> torch.Tensor:
    """Rows that still sum to one, one entry of the first of them below zero."""
    v = v.clone()
    row = v.view(-1, v.shape[-1])[0]
    row[0], row[1] = -0.1, row[0] + row[1] + 0.1
    return v


@pytest.mark.parametrize("form", ["loss", "dense"])
@pytest.mark.parametrize(("method", "name"), numbers("distribution"))
def test_a_distribution(method: str, name: str, form: str) -> None:
    check_distribution(METHODS[method], name, form)


def check_distribution(m: Method, name: str, form: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} should not be negative, got"):
        call(m, form, **{name: negative})
    with pytest.raises(ValueError, match=f"^{name} should have rows that sum to one"):
        call(m, form, **{name: lambda v: 1.01 * v})
    for dtype in ("float32", "bfloat16", "float16"):
        assert call(m, form, dtype).isfinite()  # rounding alone is no offence


@pytest.mark.parametrize("form", ["loss", "dense"])
@pytest.mark.parametrize("indices", ["c", "i,c", "i,a,c"])
def test_a_distribution_has_any_number_of_indices(indices: str, form: str) -> None:
    m = load_text(f"""
id = "mine"
name = "A given distribution"
field = "supervised"
year = 2025
cite = "mine2025"
[sets]
n = "i"
m = "a"
classes = "c"
[learned]
s = "real[i,a,c]"
[given]
P = "distribution[{indices}]"
[icon]
anchors = "i, a"
neighbours = "c"
[p]
kernel = "given"
distribution = "P[{indices}]"
[q]
kernel = "logit"
logit = "s[i,a,c]"
[claim]
relation = "definition"
""")
    check_distribution(m, next(a.name for a in program_of(m).arguments if a.range), form)


def test_every_kind_is_in_the_catalog() -> None:
    assert numbers("") and numbers("probability") and numbers("distribution")
