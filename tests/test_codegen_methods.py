"""Every method of the catalog: emitted programs against the formulas they were made from."""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType

import numpy as np
import pytest

from catalog.registry import all_methods, load
from catalog.spec import Method
from catalog.symbols import Sym, walk
from codegen import oracle
from codegen.emit import Refused, emit, refusal
from codegen.execute import (
    FORMS,
    Result,
    differentiable,
    module,
    program_of,
    run,
    source,
    tensor,
)
from codegen.ir import Program
from codegen.oracle import Interpreter
from codegen.samples import Sample, sample

pytest.importorskip("torch")
import torch

from tests.selection import kinds, representatives

EXACT = 1e-10  # float64 against the formulas, value and gradient, relative to the largest entry
SIZES = ((0, 5), (1, 8))  # (seed, elements of the main index set): odd and even
UPSTREAM = -2.5  # the gradient that comes from above: neither 1 nor positive
BLOCK = 3  # rows of a block, so that five points make several blocks and an odd one
TOLERANCE = {  # dtype of the inputs: value, gradient, relative to the largest entry
    "float32": (2e-5, 2e-4),
    "bfloat16": (2e-2, 1e-1),
    "float16": (4e-3, 2e-2),
}

METHODS = [  # other divergences: test_codegen_divergences.py
    m.id
    for m in representatives(
        (m for m in all_methods() if refusal(m) is None and m.icon.divergence == "kl"), kinds
    )
]
REFUSED = [m.id for m in all_methods() if refusal(m) is not None]


@cache
def method(name: str) -> Method:
    return load(name)


@cache
def program(name: str) -> Program:
    return program_of(method(name))


@cache
def text(name: str, form: str) -> str:
    return source(method(name), form)


def made(name: str, form: str) -> ModuleType:
    found = module(text(name, form), name.replace("-", "_"))
    if hasattr(found, "TILE"):
        found.TILE = BLOCK
    return found


@cache
def data(name: str, seed: int, size: int) -> Sample:
    return sample(method(name), seed, size=size)


@cache
def expected(name: str, seed: int, size: int, term: str) -> oracle.Answer:
    s = data(name, seed, size)
    numbers = [a.symbol for a in program(name).arguments if a.kind == "number" and not a.shape]
    return oracle.loss(method(name), s.sizes, s.data, term=term, wanted=numbers)


def distance(result: Result, answer: oracle.Answer, upstream: float = 1.0) -> float:
    """The largest error of value and gradient, relative to the largest entry (or 1)."""
    errors = [abs(float(np.sum(result.value)) - answer.value) / max(1.0, abs(answer.value))]
    for name, gradient in result.gradient.items():
        right = upstream * np.asarray(answer.gradient[name], dtype=float)
        errors.append(float(np.max(np.abs(gradient - right)) / max(1.0, np.max(np.abs(right)))))
    return max(errors)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", METHODS)
def test_value_and_gradient_are_those_of_the_formulas(name: str, form: str) -> None:
    for seed, size in SIZES:
        for term in ("cross_entropy", "kl"):
            result = run(
                made(name, form), program(name), form, data(name, seed, size),
                upstream=UPSTREAM, term=term,
            )  # fmt: skip
            assert distance(result, expected(name, seed, size, term), UPSTREAM) < EXACT


@pytest.mark.parametrize("name", METHODS)
def test_the_published_formula_is_scale_times_loss_plus_constant(name: str) -> None:
    m = method(name)
    if m.claim.relation != "exact":
        pytest.skip(f"the claim is {m.claim.relation}")
    s = data(name, 0, 5)
    result = run(made(name, "numpy"), program(name), "numpy", s, term="kl")
    formulas = Interpreter(s.sizes, s.data)
    scale = formulas.scalar(m.claim.scale, {}).value
    constant = formulas.scalar(m.claim.constant, {}).value
    published = oracle.published(m, s.sizes, s.data)
    assert scale * result.value + constant == pytest.approx(published.value, rel=EXACT)
    for symbol, gradient in result.gradient.items():
        right = np.asarray(published.gradient[symbol])
        # a cluster's assignments are a distribution: off the simplex the two may differ
        if method(name).declarations[symbol].text.startswith("distribution"):
            gradient, right = (g - g.mean(-1, keepdims=True) for g in (gradient, right))
        assert np.max(np.abs(scale * gradient - right)) < EXACT * max(1.0, np.max(np.abs(right)))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("form", ["dense", "streaming"])
@pytest.mark.parametrize("name", METHODS)
def test_low_precision_inputs(name: str, form: str, dtype: str) -> None:
    s = data(name, 0, 5)
    rounded = Sample(s.sizes, {k: rounding(name, k, v, dtype) for k, v in s.data.items()})
    wide = made(name, form)
    if hasattr(wide, "_distribution"):
        # rows rounded to the dtype sum to one only as far as that dtype can tell
        wide._distribution = wide._real  # type: ignore[attr-defined]
    exact = run(wide, program(name), form, rounded)
    low = run(made(name, form), program(name), form, rounded, dtype=dtype)
    value, gradient = TOLERANCE[dtype]
    assert abs(low.value - exact.value) <= value * max(1.0, abs(exact.value))
    for symbol, right in exact.gradient.items():
        error = np.max(np.abs(low.gradient[symbol] - right))
        assert error <= gradient * max(1.0, np.max(np.abs(right))), symbol


def rounding(name: str, symbol: str, value: object, dtype: str) -> object:
    """The data as the dtype can hold it, so that only the arithmetic is compared."""
    kinds = {a.symbol: a.kind for a in program(name).arguments}
    if kinds.get(symbol) != "number":
        return value
    return torch.tensor(value, dtype=torch.float64).to(getattr(torch, dtype)).double().tolist()


@pytest.mark.parametrize("name", METHODS)
def test_streaming_agrees_with_dense_on_more_points(name: str) -> None:
    s = data(name, 3, 23)
    dense = run(made(name, "dense"), program(name), "dense", s, upstream=UPSTREAM)
    found = made(name, "streaming")
    if hasattr(found, "TILE"):
        found.TILE = 7
    streaming = run(found, program(name), "streaming", s, upstream=UPSTREAM)
    assert streaming.value == pytest.approx(dense.value, rel=EXACT)
    for symbol, right in dense.gradient.items():
        error = np.max(np.abs(streaming.gradient[symbol] - right))
        assert error < EXACT * max(1.0, np.max(np.abs(right))), symbol


@pytest.mark.parametrize("name", METHODS)
def test_gradcheck_of_the_streaming_form(name: str) -> None:
    found, p, s = made(name, "streaming"), program(name), data(name, 0, 5)
    # p is held fixed: what it reads has no gradient there, and would have a difference quotient
    held = {n.name for b in method(name).icon.blocks for n in walk(b.p) if isinstance(n, Sym)}
    fixed, moving = {}, []
    for a in p.arguments:
        value = torch.tensor(s.data[a.symbol])
        if differentiable(a) and a.symbol not in held:
            moving.append((a, value.double().requires_grad_(True)))
        else:
            fixed[a.name] = value.double() if a.kind == "number" else value

    def loss(*values: torch.Tensor) -> torch.Tensor:
        named = {a.name: v for (a, _), v in zip(moving, values, strict=True)} | fixed
        first = [named.pop(a.name) for a in p.arguments if a.positional]
        value = getattr(found, f"{p.name}_loss")(*first, **named, reduction="none")
        assert isinstance(value, torch.Tensor)
        return value

    assert torch.autograd.gradcheck(loss, [v for _, v in moving])


@pytest.mark.parametrize("name", METHODS)
def test_the_dense_form_compiles_to_one_graph_and_the_streaming_one_works(name: str) -> None:
    found, p, s = made(name, "streaming"), program(name), data(name, 0, 5)
    values = {a.name: tensor(a, s.data[a.symbol], "float64") for a in p.arguments}
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    right = getattr(found, f"{p.name}_dense")(*first, **values).item()
    for form, whole in (("dense", True), ("loss", False)):
        torch._dynamo.reset()
        function = getattr(found, f"{p.name}_{form}")
        compiled = torch.compile(function, fullgraph=whole, backend="eager")
        assert compiled(*first, **values).item() == pytest.approx(right, rel=EXACT)


# Changes of a program that a reader might overlook, each in a form of its own.
PLANTED = [
    ("simclr", "streaming", "log_partition - expected", "log_partition + expected"),
    ("simclr", "streaming", "score.fill_diagonal_(-math.inf)", "score.fill_diagonal_(0.0)"),
    ("simclr", "streaming", "addmm_(weight.T", "addmm_(-weight.T"),
    ("simclr", "dense", "allowed = index_n[:, None] != index_n", "allowed = index_n[:, None] >= 0"),
    ("clip", "streaming", "column_total[columns] += kernel.sum(0)", "column_total[columns] += 0.5"),
    ("supcon", "streaming", "- 1\n", "\n"),
    ("t-sne", "streaming", "return 2 * (", "return 1.99 * ("),
    ("t-sne", "streaming", "/ (2 * len(mass))", "/ (2.01 * len(mass))"),
    ("siglip", "streaming", "torch.sigmoid(log_kernel) - p_ij", "torch.sigmoid(log_kernel) + p_ij"),
    ("mlm", "dense", "log_kernel = bias + score", "log_kernel = score"),
    ("t-simclr", "streaming", "* (0.5 if rows == columns else 1.0)", ""),
    ("supcon", "numpy", "slope_score.T @ left", "slope_score @ left"),
    ("label-smoothing", "numpy", "1 - epsilon", "1 + epsilon"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "form", "right", "wrong"), PLANTED)
def test_a_planted_error_is_caught(name: str, form: str, right: str, wrong: str) -> None:
    original = text(name, form)
    assert right in original
    broken = module(original.replace(right, wrong), name.replace("-", "_"))
    if hasattr(broken, "TILE"):
        broken.TILE = BLOCK
    worst = 0.0
    for seed, size in SIZES:
        result = run(broken, program(name), form, data(name, seed, size), term="kl")
        worst = max(worst, distance(result, expected(name, seed, size, "kl")))
    assert not worst < 1e6 * EXACT  # a NaN is caught as well


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_a_loss_that_is_no_icon_loss_is_refused(name: str, target: str) -> None:
    why = re.escape(refusal(method(name)) or "")
    with pytest.raises(Refused, match=f"^{why}$"):
        emit(method(name), target)


def test_the_catalog_holds_both_kinds() -> None:
    assert len(METHODS) >= 15
    assert {"supcon-in", "focal", "triplet", "decoupled-contrastive"} <= set(REFUSED)
