"""Divergences where p and q nearly agree, and where q is lost: many digits, and no NaN."""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType

import mpmath
import pytest

from catalog.divergences import DIVERGENCES
from codegen.emit import emit
from codegen.execute import module
from iconograph.composition import compose

torch = pytest.importorskip("torch")

ORDERS = {name: ("1/2", "2") if d.ordered else (None,) for name, d in DIVERGENCES.items()}
KINDS = [(name, order) for name in DIVERGENCES for order in ORDERS[name]]
FINITE = [(name, order) for name, order in KINDS if not DIVERGENCES[name].full]
FORMS = ("mine_dense", "mine_loss")
A = [[0.3, -1.0, 2.0, 0.5], [1.0, 1.0, -3.0, 0.0]]
STEP = [[1.0, -1.0, 0.5, 0.0], [0.0, 1.0, 0.0, -1.0]]
ROUNDING = {"float64": 2.0**-52, "float32": 2.0**-23, "bfloat16": 2.0**-23}  # computed in float32


@cache
def made(p: str, divergence: str, order: str | None) -> ModuleType:
    m = compose(
        p, "logit", neighbours="classes", divergence=divergence, order=order, name="mine"
    )
    return module(emit(m))


def rows(
    p: str, kind: tuple[str, str | None], scores: torch.Tensor, form: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of every row, and the gradient of their sum in the scores."""
    scores = scores.detach().requires_grad_()
    term = {"term": "kl"} if kind[0] == "kl" else {}
    fixed = (
        {"target": torch.tensor([2, 0])} if p == "one-hot"
        else {"a": torch.tensor(A, dtype=scores.dtype)}
    )  # fmt: skip
    value = getattr(made(p, *kind), form)(scores, reduction="none", **fixed, **term)
    (gradient,) = torch.autograd.grad(value.sum(), scores)
    return value.detach(), gradient


def softmax(row: list[float]) -> list[mpmath.mpf]:
    exps = [mpmath.exp(x) for x in row]
    return [e / sum(exps) for e in exps]


def exact(kind: tuple[str, str | None], a: list[list[float]], s: list[list[float]]) -> list[float]:
    """The divergence of every row with 60 digits, by its template."""
    name, order = kind
    code = DIVERGENCES[name].template.replace("^", "**")
    words = {"log": mpmath.log, "sqrt": mpmath.sqrt, "relu": lambda x: max(x, mpmath.mpf(0))}
    with mpmath.workdps(60):
        degree = mpmath.mpf(1) / 2 if order == "1/2" else mpmath.mpf(2)
        return [
            float(sum(eval(code, {**words, "p": p, "q": q, "a": degree})
                      for p, q in zip(softmax(x), softmax(y), strict=True)))
            for x, y in zip(a, s, strict=True)
        ]  # fmt: skip


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_p_near_q(kind: tuple[str, str | None], dtype: str) -> None:
    """The error is that of rounding numbers of size one, however small the divergence."""
    a = torch.tensor(A, dtype=getattr(torch, dtype))
    for apart in (0.0, 1e-9, 1e-4, 1.0):
        s = (a.double() + apart * torch.tensor(STEP)).to(a.dtype)
        right = exact(kind, a.double().tolist(), s.double().tolist())
        for form in FORMS:
            value, gradient = rows("softmax", kind, s, form)
            for found, wanted in zip(value.tolist(), right, strict=True):
                assert abs(found - wanted) < 20 * ROUNDING[dtype] * max(1.0, wanted), (apart, form)
            assert gradient.isfinite().all()
            # at p = q the gradient is 0; of total variation any choice of signs is one
            if apart == 0 and kind[0] != "tv":
                assert gradient.abs().max() < 20 * ROUNDING[dtype]
            assert kind[0] != "tv" or gradient.abs().max() <= 0.5


def test_an_error_of_rounding_size_is_noticed() -> None:
    s = torch.tensor(A, dtype=torch.float64) + torch.tensor(STEP)
    right = exact(("jsd", None), A, s.tolist())
    value, _ = rows("softmax", ("jsd", None), s, FORMS[0])
    assert abs(value[0].item() - right[0]) < 2.0**-52 * 20
    assert abs(value[0].item() + 1e-13 - right[0]) > 2.0**-52 * 20


def extreme(kind: str, dtype: str) -> torch.Tensor:
    """Scores that are infinite, that are large, or whose differences overflow."""
    s = torch.tensor(A, dtype=getattr(torch, dtype))
    if kind == "minus infinity":
        s[:, 3] = -math.inf
        return s
    return s * {"large": 1e4, "overflowing": 1e38 if dtype != "float64" else 1e308 / 2}[kind]


@pytest.mark.parametrize("scores", ["minus infinity", "large", "overflowing"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_q_that_is_lost_gives_no_nan(kind: tuple[str, str | None], scores: str) -> None:
    for p in ("softmax", *(["one-hot"] if kind in FINITE else [])):
        for dtype in ROUNDING:
            for form in FORMS:
                value, gradient = rows(p, kind, extreme(scores, dtype), form)
                assert not value.isnan().any(), (p, dtype, form)
                # log-partitions of 1e38 have lost the log 2 of a tie, and q sums to two there
                assert scores == "overflowing" or (value > -1e-3).all(), (p, dtype, form)
                # where the loss is infinite it has no slope
                assert not gradient[value.isfinite()].isnan().any(), (p, dtype, form)


BOUNDED = {"jsd": math.log(2), "tv": 1.0, "hellinger": 1.0, "squared": 1.0}


@pytest.mark.parametrize("divergence", BOUNDED)
def test_what_is_bounded_stays_so(divergence: str) -> None:
    """All of q on one neighbour, of which p has nothing, by scores far apart."""
    scores = torch.tensor([[1e4, 0.0, -1e4, 0.0], [-1e4, 0.0, 0.0, 1e4]])
    for form in FORMS:
        value, gradient = rows("one-hot", (divergence, None), scores, form)
        assert value.tolist() == pytest.approx([BOUNDED[divergence]] * 2, rel=1e-6)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("divergence", ["kl", "reverse-kl", "jsd"])
def test_infinity_is_said_where_it_is(divergence: str) -> None:
    value, _ = rows("softmax", (divergence, None), extreme("minus infinity", "float64"), FORMS[1])
    # q has a zero where p has none: KL is infinite, the other two are not
    assert value.isfinite().all() == (divergence != "kl")


@pytest.mark.parametrize("kind", [("jsd", None), ("reverse-kl", None), ("itakura-saito", None)])
def test_without_the_least_number_there_is_a_nan(kind: tuple[str, None]) -> None:
    m = compose("softmax", "logit", neighbours="classes", divergence=kind[0], name="mine")
    text = emit(m)
    right = "log_q.clamp(min=torch.finfo(log_q.dtype).min)"
    assert right in text
    broken = module(text.replace(right, "log_q"))
    value = broken.mine_loss(extreme("minus infinity", "float64"), a=torch.tensor(A).double())
    assert value.isnan()
