"""A NaN in what is learned is a NaN in the loss, in both forms."""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType

import pytest

from catalog.load import load_text
from catalog.registry import all_methods, load
from catalog.spec import Method
from codegen.emit import refusal
from codegen.execute import module, program_of, source, tensor
from codegen.ir import Program
from codegen.samples import Sample, sample
from tests.selection import kinds, representatives

torch = pytest.importorskip("torch")

METHODS = [m.id for m in representatives((m for m in all_methods() if refusal(m) is None), kinds)]


def method(name: str) -> Method:
    return MASKED if name == "masked" else load(name)


@cache
def case(name: str) -> tuple[Program, Sample, ModuleType]:
    m = method(name)
    return program_of(m), sample(m, 0, size=6), module(source(m, "dense"))


def check(name: str, form: str, entry: int | None = None) -> int:
    """The loss with a NaN in one entry of every learned array; how many of them it read.

    The entry is the one with the largest gradient: a mask may skip others, whatever is in them.
    """
    p, data, made = case(name)
    function = getattr(made, f"{p.name}_{form}")
    seen = 0
    for bad in (a for a in p.arguments if a.positional):
        values = {a.name: tensor(a, data.data[a.symbol], "float64") for a in p.arguments}
        learned = values[bad.name]
        named = {a.name: values[a.name] for a in p.arguments if not a.positional}
        function(*(values[a.name] for a in p.arguments if a.positional), **named).backward()
        assert learned.grad is not None and learned.grad.abs().max() > 0, bad.name
        where = int(learned.grad.abs().argmax()) if entry is None else entry
        values[bad.name] = learned.detach().clone()
        values[bad.name].view(-1)[where] = math.nan
        first = [values.pop(a.name) for a in p.arguments if a.positional]
        try:
            seen += bool(function(*first, **values).isnan())
        except ValueError:
            # a declared range is checked before anything is computed
            assert bad.positive or bad.text.startswith("distribution"), bad.name
            seen += 1
    return seen


@pytest.mark.parametrize("form", ["loss", "dense"])
@pytest.mark.parametrize("name", METHODS)
def test_nan_is_not_hidden(name: str, form: str) -> None:
    assert check(name, form) == sum(a.positional for a in case(name)[0].arguments)


MASKED = load_text("""
id = "masked"
name = "A loss that skips the first anchor"
field = "supervised"
year = 2025
cite = "mine2025"
[sets]
n = "i"
classes = "c"
[learned]
s = "real[i,c]"
[given]
on = "mask[i]"
y = "label[i]"
[assumes]
"some are on" = "sum[i] [on[i]] > 0"
"some are off" = "sum[i] [not on[i]] > 0"
[icon]
anchors = "i : on[i]"
neighbours = "c"
[p]
kernel = "one-hot"
target = "y[i]"
[q]
kernel = "logit"
logit = "s[i,c]"
[claim]
relation = "definition"
""")


@pytest.mark.parametrize("form", ["loss", "dense"])
def test_what_a_mask_skips_is_not_read(form: str) -> None:
    assert check("masked", form) == 1
    off = case("masked")[1].data["on"].index(False)
    assert check("masked", form, entry=3 * off) == 0
