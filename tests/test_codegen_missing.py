"""A NaN in what is given is a sentence, or NaN where nobody may wait for a device: never a loss."""

from __future__ import annotations

import copy
import math
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from catalog.registry import all_methods, load
from codegen.emit import Refused, emit, refusal
from codegen.execute import module, program_of, tensor
from codegen.ir import Argument, Program
from codegen.samples import sample
from tests.selection import kinds, representatives

torch = pytest.importorskip("torch")

# pairs outside the tile may be no numbers: they are masked, and numpy does not know that
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

TARGETS = {"numpy": "numpy", "dense": "torch", "loss": "torch", "distributed": "distributed"}


@cache
def program(name: str) -> Program:
    return program_of(load(name))


@cache
def made(name: str, target: str) -> ModuleType:
    return module(emit(load(name), target))


def given(name: str) -> list[Argument]:
    """The arrays of numbers that a program is given."""
    return [
        a for a in program(name).arguments if a.kind == "number" and a.shape and not a.positional
    ]


METHODS = [
    m.id
    for m in representatives((m for m in all_methods() if refusal(m) is None), kinds)
    if given(m.id)
]


def loss(found: ModuleType, name: str, form: str, data: dict[str, Any]) -> float:
    """The loss of data by the names of arguments."""
    p = program(name)
    function = getattr(found, f"{p.name}_{'dense' if form == 'dense' else 'loss'}")
    values = {
        a.name: np.asarray(data[a.symbol])
        if form == "numpy"
        else tensor(a, data[a.symbol], "float64").detach()
        for a in p.arguments
    }
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    result = function(*first, **values)
    return float(result[0] if form == "numpy" else result)


def entries(a: Argument, data: dict[str, Any]) -> list[tuple[int, ...]]:
    """The places in an array, those off a diagonal first."""
    places = list(np.ndindex(np.shape(data[a.symbol])))
    return sorted(places, key=lambda at: len(set(at)) < len(at))


def put(data: dict[str, Any], a: Argument, at: tuple[int, ...], change: float) -> dict[str, Any]:
    """The data with a number added to one entry."""
    other = copy.deepcopy(data)
    array = np.asarray(other[a.symbol], dtype=float)
    array[at] += change
    return other | {a.symbol: array.tolist()}


@cache
def read(name: str) -> tuple[tuple[dict[str, Any], Argument], ...]:
    """Data with a NaN in an entry that the loss reads, for every given array that has one.

    What it reads changes the loss: a mask may skip the other entries, whatever is in them.
    """
    data = dict(sample(load(name), 0, size=6).data)
    found = []
    for a in given(name):
        before = loss(made(name, "torch"), name, "dense", data)
        for at in entries(a, data)[:4]:
            if a.text.startswith("distribution"):  # a little more in one entry is none any longer
                found.append((put(data, a, at, math.nan), a))
                break
            changed = loss(made(name, "torch"), name, "dense", put(data, a, at, 0.01))
            if abs(changed - before) > 1e-9:
                found.append((put(data, a, at, math.nan), a))
                break
    return tuple(found)


def test_most_entries_that_are_given_are_read() -> None:
    assert sum(len(read(name)) for name in METHODS) > 0.7 * sum(len(given(n)) for n in METHODS)


def outcome(found: ModuleType, name: str, form: str, data: dict[str, Any]) -> float | str:
    try:
        return loss(found, name, form, data)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("form", TARGETS)
@pytest.mark.parametrize("name", METHODS)
def test_nan_in_what_is_given_is_said_or_seen(name: str, form: str) -> None:
    try:
        program_ = made(name, TARGETS[form])
    except Refused:
        assert form == "distributed"
        return
    for data, a in read(name):
        found = outcome(program_, name, form, data)
        assert a.name in found if isinstance(found, str) else math.isnan(found), (a.name, found)


@pytest.mark.parametrize("form", ["dense", "loss"])
@pytest.mark.parametrize("name", METHODS)
def test_where_nobody_may_wait_nan_stays(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a device no value is looked at; here the programs are told that theirs is one."""
    found = made(name, "torch")
    monkeypatch.setattr(found, "_at_hand", lambda value: False, raising=False)
    for data, a in read(name):
        if not a.text.startswith("distribution"):
            assert math.isnan(loss(found, name, form, data)), a.name


def test_the_sentence() -> None:
    data = next(data for data, a in read("t-sne") if a.name == "points")
    found = outcome(made("t-sne", "torch"), "t-sne", "loss", data)
    said = "points is NaN, first at [0, 1], so that p is no number: leave such rows out, or fill"
    assert str(found).startswith(said)
    name = "tvd-distillation"
    infinite = put(dict(sample(load(name), 0, size=6).data), given(name)[0], (0, 1), math.inf)
    found = outcome(made(name, "torch"), name, "dense", infinite)
    said = "p is no number in some row: r should be finite, smaller, and no weight negative"
    assert found == said


@pytest.mark.parametrize("name", ["t-sne", "k-means"])
def test_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    from tests.triton_programs import made as kernels

    found = kernels(name)
    for data, a in read(name):
        said = outcome(found, name, "loss", data)
        assert isinstance(said, str) and a.name in said
    monkeypatch.setattr(found, "_at_hand", lambda value: False)
    for data, a in read(name):
        assert math.isnan(loss(found, name, "loss", data)), a.name


@pytest.mark.parametrize("form", ["dense", "loss"])
def test_a_mass_of_nan_that_reads_as_none_would_be_seen(form: str) -> None:
    """What the programs were: a row of NaN was a row without a p, and the loss 0."""
    text = emit(load("sne"), "torch")
    text = text.replace("mass != -math.inf", "mass > -math.inf").replace("!= 0", "> 0")
    wrong = module(text.replace("if not _at_hand(mass)", "if True"))
    data, _ = read("sne")[0]
    assert loss(wrong, "sne", form, data) == 0
