"""Squared distances in single precision, far from the origin and in clusters far from each other.

Distances do not see where the origin is, but |x|^2 + |y|^2 - 2 x . y does. The right answer is that
of float64 for the same numbers.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import pytest

from catalog.registry import load
from codegen.emit import emit
from codegen.execute import module

torch = pytest.importorskip("torch")

# pairs outside the tile may be no numbers: they are masked, and numpy does not know that
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

FORMS = {"dense": "torch", "loss": "torch", "distributed": "distributed", "triton": "triton"}
TOLERANCE = 5e-6  # what float32 leaves of the gradient, relative to its length
CLUSTERED = 5e-4  # the same where clusters are a thousand times as far apart as they are wide
COUNT, DIM = 40, 8  # more coordinates than are subtracted one by one


def labelled(labels: Any, dtype: Any) -> dict[str, Any]:
    return {"labels": labels, "dof": 1.0, "s": 1.0}


def neighbours(labels: Any, dtype: Any) -> dict[str, Any]:
    points = torch.randn(COUNT, DIM, generator=torch.Generator().manual_seed(1)) + 1e3
    return {"points": points.to(dtype), "bandwidth": torch.full((COUNT,), 3.0, dtype=dtype)}


CALLS: dict[str, Any] = {
    "t-supcon": labelled,
    "average-margin-supcon": lambda labels, dtype: {"labels": labels, "bandwidth": 1.0},
    "t-sne": neighbours,
    "sne": neighbours,
}


@cache
def text(name: str, target: str) -> str:
    return emit(load(name), target)


@cache
def made(name: str, target: str) -> ModuleType:
    if target == "triton":
        pytest.importorskip("triton")
        from codegen.execute import interpreted

        return interpreted(text(name, target))
    return module(text(name, target))


def points(far: float, apart: float, seed: int = 0) -> tuple[Any, Any]:
    """Features in float32 around a point as far off as that, in clusters; which one each is in."""
    labels = torch.arange(COUNT) % 4
    torch.manual_seed(seed)
    centres = apart * torch.randn(4, DIM) + far * torch.linspace(0.5, 1, DIM)
    return centres[labels] + torch.randn(COUNT, DIM), labels


def gradient(found: ModuleType, name: str, form: str, z: Any, labels: Any) -> Any:
    z = z.clone().requires_grad_()
    call = getattr(found, f"{name.replace('-', '_')}_{'dense' if form == 'dense' else 'loss'}")
    call(z, **CALLS[name](labels, z.dtype)).backward()
    return z.grad.double()


def error(found: ModuleType, name: str, form: str, far: float, apart: float) -> float:
    """How far the gradient in float32 is from that of float64, relative to its length."""
    z, labels = points(far, apart)
    right = gradient(made(name, "torch"), name, "dense", z.double(), labels)
    return float((gradient(found, name, form, z, labels) - right).norm() / right.norm())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CALLS)
def test_far_from_the_origin(name: str, form: str) -> None:
    for far in (1e3, 1e4):
        assert error(made(name, FORMS[form]), name, form, far, 1.0) < TOLERANCE, far


@pytest.mark.parametrize("form", ["dense", "loss", "distributed"])
@pytest.mark.parametrize("name", CALLS)
def test_clusters_far_from_each_other(name: str, form: str) -> None:
    assert error(made(name, FORMS[form]), name, form, 0.0, 1e3) < CLUSTERED


def without(source: str, *what: str) -> ModuleType:
    """A program without one of what keeps the digits."""
    for said in what:
        assert said in source
        source = source.replace(said, {"mean(0)": "mean(0) * 0"}.get(said, "False and " + said))
    return module(source)


NEAR = "_at_hand(a) and _near("


@pytest.mark.parametrize("form", ["dense", "loss"])
def test_without_the_mean_or_the_double_products_digits_are_lost(form: str) -> None:
    source = text("t-supcon", "torch")
    lost = without(source, "mean(0)", NEAR)
    assert error(lost, "t-supcon", form, 1e3, 1.0) > 100 * TOLERANCE
    assert error(without(source, NEAR), "t-supcon", form, 1e3, 1.0) < TOLERANCE
    assert error(without(source, NEAR), "t-supcon", form, 0.0, 1e3) > 100 * CLUSTERED
