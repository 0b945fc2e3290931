"""Every method of the catalog: emitted programs against the formulas they were made from.

Each method is emitted, compiled, sampled and judged once; the tests share what comes of it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import numpy as np
import pytest

from catalog.registry import all_methods, load
from catalog.spec import Method
from catalog.symbols import TRUE, Sym, free_indices, symbols, walk
from codegen import oracle, tape
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
from tests.selection import kinds, representatives

pytest.importorskip("torch")
import torch
from torch.autograd.gradcheck import GradcheckError

EXACT = 1e-10  # float64 against the formulas, value and gradient, relative to the largest entry
SIZES = ((0, 5), (1, 6))  # (seed, elements of the main index set): odd and even
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
def text(name: str, target: str) -> str:
    return source(method(name), {"numpy": "numpy", "torch": "dense"}[target])


@cache
def compiled(name: str, target: str) -> ModuleType:
    return module(text(name, target), name.replace("-", "_"))


def made(name: str, form: str, block: int = BLOCK) -> ModuleType:
    found = compiled(name, FORMS[form][0])
    vars(found)["TILE"] = block
    return found


@cache
def data(name: str, seed: int, size: int) -> Sample:
    return sample(method(name), seed, size=size)


@cache
def expected(name: str, seed: int, size: int) -> oracle.Answer:
    s = data(name, seed, size)
    numbers = [a.symbol for a in program(name).arguments if a.kind == "number" and not a.shape]
    return oracle.loss(method(name), s.sizes, s.data, wanted=numbers)


@cache
def entropy(name: str, seed: int, size: int) -> float:
    """The entropy of p, which the cross-entropy has on top of KL(p || q)."""
    s = data(name, seed, size)
    return oracle.entropy(method(name), s.sizes, s.data)


def distance(result: Result, answer: oracle.Answer, extra: float = 0.0, upstream: float = 1.0,
             ) -> float:  # fmt: skip
    """The largest error of value and gradient, relative to the largest entry (or 1)."""
    value = answer.value + extra
    errors = [abs(float(np.sum(result.value)) - value) / max(1.0, abs(value))]
    for name, gradient in result.gradient.items():
        right = upstream * np.asarray(answer.gradient[name], dtype=float)
        errors.append(float(np.max(np.abs(gradient - right)) / max(1.0, np.max(np.abs(right)))))
    return max(errors)


@pytest.mark.parametrize("name", METHODS)
def test_value_and_gradient_are_those_of_the_formulas(name: str) -> None:
    for seed, size in SIZES:
        s, right = data(name, seed, size), expected(name, seed, size)
        for form in FORMS:
            found, p = made(name, form), program(name)
            if not p.kl:
                result = run(found, p, form, s, upstream=UPSTREAM)
                assert distance(result, right, 0.0, UPSTREAM) < EXACT, form
                continue
            for term in ("cross_entropy", "kl"):
                result = run(found, p, form, s, upstream=UPSTREAM, term=term)
                extra = entropy(name, seed, size) if term == "cross_entropy" else 0.0
                assert distance(result, right, extra, UPSTREAM) < EXACT, (form, term)


EQUATIONS = ("exact", "coarse", "reverse", "generalised")


@pytest.mark.parametrize("name", [n for n in METHODS if method(n).claim.relation in EQUATIONS])
def test_the_published_formula_is_scale_times_loss_plus_constant(name: str) -> None:
    m = method(name)
    s = data(name, 0, 5)
    choices = {"term": "kl"} if program(name).kl else {}
    result = run(made(name, "numpy"), program(name), "numpy", s, **choices)
    formulas = Interpreter(s.sizes, s.data)
    scale = formulas.scalar(m.claim.scale, {}).value
    constant = formulas.scalar(m.claim.constant, {}).value
    published = oracle.published(m, s.sizes, s.data)
    assert scale * result.value + constant == pytest.approx(published.value, rel=EXACT)
    names = list(result.gradient)
    right = flat({n: np.asarray(published.gradient[n]) for n in names}, names)
    left = flat({n: scale * result.gradient[n] for n in names}, names)
    off = left - right
    if normals := list(constraints(m, s, names)):
        # off the set where the hypotheses hold the two may differ
        basis = np.array(normals).T
        off -= basis @ np.linalg.lstsq(basis, off, rcond=None)[0]
    assert np.max(np.abs(off)) < EXACT * max(1.0, float(np.max(np.abs(right))))


def flat(gradient: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    return np.concatenate([np.ravel(gradient[n]) for n in names])


def constraints(m: Method, s: Sample, names: list[str]) -> Iterator[np.ndarray]:
    """The gradients of what hypotheses and types hold fixed of what is learned."""
    zero = {n: np.zeros(np.shape(s.data[n])) for n in names}
    for n in names:
        if m.declarations[n].text.startswith("distribution"):
            for at in np.ndindex(zero[n].shape[:-1]):
                row = np.zeros(zero[n].shape)
                row[at] = 1
                yield flat({**zero, n: row}, names)
    for fact in m.assumes:
        learned = any(x.learned for side in (fact.left, fact.right) for x in symbols(side))
        if fact.relation != "=" or not learned:
            continue
        free = tuple(free_indices(fact.left) | free_indices(fact.right))
        for env in Interpreter(s.sizes, s.data).assignments(free, TRUE, {}):
            here = Interpreter(s.sizes, s.data)
            tape.backward(here.scalar(fact.left, env) + -here.scalar(fact.right, env))
            found = {n: oracle.shaped(s.data[n], n, here.leaves) for n in names}
            yield flat({n: np.asarray(g, dtype=float) for n, g in found.items()}, names)


@pytest.mark.parametrize("name", METHODS)
def test_low_precision_inputs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s, p = data(name, 0, 5), program(name)
    for form in ("dense", "streaming"):
        found = made(name, form)
        if hasattr(found, "_distribution"):
            # rows rounded to the dtype sum to one only as far as that dtype can tell
            plain = vars(found)["_real"]
        for dtype, (value, gradient) in TOLERANCE.items():
            rounded = Sample(s.sizes, {k: rounding(name, k, v, dtype) for k, v in s.data.items()})
            with monkeypatch.context() as patch:
                if hasattr(found, "_distribution"):
                    patch.setattr(found, "_distribution", plain)
                exact = run(found, p, form, rounded)
            low = run(found, p, form, rounded, dtype=dtype)
            assert abs(low.value - exact.value) <= value * max(1.0, abs(exact.value)), (form, dtype)
            for symbol, right in exact.gradient.items():
                error = np.max(np.abs(low.gradient[symbol] - right))
                allowed = gradient * max(1.0, np.max(np.abs(right)))
                assert error <= allowed, (form, dtype, symbol)


def rounding(name: str, symbol: str, value: object, dtype: str) -> object:
    """The data as the dtype can hold it, so that only the arithmetic is compared."""
    kinds = {a.symbol: a.kind for a in program(name).arguments}
    if kinds.get(symbol) != "number":
        return value
    return torch.tensor(value, dtype=torch.float64).to(getattr(torch, dtype)).double().tolist()


@pytest.mark.parametrize("name", METHODS)
def test_streaming_agrees_with_dense_on_more_points(name: str) -> None:
    s, p = data(name, 3, 11), program(name)
    dense = run(made(name, "dense"), p, "dense", s, upstream=UPSTREAM)
    # blocks of four: three of them, the last one short
    streaming = run(made(name, "streaming", 4), p, "streaming", s, upstream=UPSTREAM)
    assert streaming.value == pytest.approx(dense.value, rel=EXACT)
    for symbol, right in dense.gradient.items():
        error = np.max(np.abs(streaming.gradient[symbol] - right))
        assert error < EXACT * max(1.0, np.max(np.abs(right))), symbol


def moving(name: str) -> tuple[list[torch.Tensor], dict[str, torch.Tensor], list[str]]:
    """What has a gradient, what has none by name, and the names of the first."""
    s, m = data(name, 0, 5), method(name)
    # p is held fixed, and so are weights and orders: there a difference quotient would differ
    nodes = [n for b in m.icon.blocks for n in (b.p, b.weight)] + [m.icon.degree]
    held = {n.name for node in nodes for n in walk(node) if isinstance(n, Sym)}
    free, fixed, names = [], {}, []
    for a in program(name).arguments:
        value = torch.tensor(s.data[a.symbol])
        if differentiable(a) and a.symbol not in held:
            free.append(value.double().requires_grad_(True))
            names.append(a.name)
        else:
            fixed[a.name] = value.double() if a.kind == "number" else value
    return free, fixed, names


def rows(name: str, found: ModuleType) -> bool:
    """Whether the gradient of every row agrees with difference quotients along a random line."""
    p, (free, fixed, names) = program(name), moving(name)

    def loss(*values: torch.Tensor) -> torch.Tensor:
        named = dict(zip(names, values, strict=True)) | fixed
        first = [named.pop(a.name) for a in p.arguments if a.positional]
        value = getattr(found, f"{p.name}_loss")(*first, **named, reduction="none")
        assert isinstance(value, torch.Tensor)
        return value

    # all entries are compared with the formulas above; here it is the rows, so a line is enough
    return torch.autograd.gradcheck(loss, free, fast_mode=True)


@pytest.mark.parametrize("name", METHODS)
def test_gradcheck_of_the_streaming_form(name: str) -> None:
    assert rows(name, made(name, "streaming"))


def test_gradcheck_along_a_line_catches_a_wrong_row() -> None:
    right, wrong = "* upstream[rows, None]", "* upstream[rows, None].mean()"
    original = text("cross-entropy", "torch")
    assert right in original
    with pytest.raises(GradcheckError):
        rows("cross-entropy", module(original.replace(right, wrong)))


@pytest.fixture
def quiet() -> None:
    """Without the trace of the compiler, which costs more than compiling when a test listens."""
    logging.getLogger("torch.__trace").handlers.clear()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", METHODS)
def test_the_dense_form_compiles_to_one_graph_and_the_streaming_one_works(name: str) -> None:
    found, p, s = made(name, "streaming"), program(name), data(name, 0, 5)
    values = {a.name: tensor(a, s.data[a.symbol], "float64") for a in p.arguments}
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    right = getattr(found, f"{p.name}_dense")(*first, **values).item()
    torch._dynamo.reset()
    for form, whole in (("dense", True), ("loss", False)):
        function = getattr(found, f"{p.name}_{form}")
        one = torch.compile(function, fullgraph=whole, backend="eager")
        assert one(*first, **values).item() == pytest.approx(right, rel=EXACT)


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
    original = text(name, FORMS[form][0])
    assert right in original
    broken = module(original.replace(right, wrong), name.replace("-", "_"))
    vars(broken)["TILE"] = BLOCK
    worst = 0.0
    for seed, size in SIZES:
        result = run(broken, program(name), form, data(name, seed, size), term="kl")
        worst = max(worst, distance(result, expected(name, seed, size)))
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
