"""Keys without a gradient, a queue: one sweep gives the value and the gradient of the queries."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from catalog.registry import load  # noqa: E402
from codegen.emit import emit  # noqa: E402
from codegen.execute import module  # noqa: E402

TEXT = emit(load("infonce"))


def gradient(text: str, scale: float, frozen: bool) -> torch.Tensor:
    """The gradient in the queries of a weighted sum of losses, over several small tiles."""
    made = module(text)
    made.TILE = 16
    torch.manual_seed(0)
    c = (scale * torch.randn(37, 5, dtype=torch.float64)).requires_grad_()
    z = torch.randn(101, 5, dtype=torch.float64, requires_grad=not frozen)
    weights = torch.rand(37, dtype=torch.float64)
    losses = made.infonce_loss(
        c, z, target=torch.randint(101, (37,)), temperature=0.5, reduction="none"
    )
    losses.backward(weights)
    assert c.grad is not None
    return c.grad


SCALES = {"bounded scores": 0.1, "running maximum": 30.0}


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_the_gradient_is_that_of_keys_that_learn(scale: float) -> None:
    torch.testing.assert_close(
        gradient(TEXT, scale, True), gradient(TEXT, scale, False), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(
    ("scale", "right", "wrong"),
    [
        (30.0, "mean[rows].mul_(scale[:, None])", "mean[rows]"),
        (0.1, "mean[rows].addmm_(kernel, right[columns])", "mean[rows] = kernel @ right[columns]"),
    ],
)
def test_a_wrong_sum_is_seen(scale: float, right: str, wrong: str) -> None:
    assert right in TEXT
    bad = gradient(TEXT.replace(right, wrong), scale, True)
    assert not torch.allclose(bad, gradient(TEXT, scale, False), rtol=1e-3)


def test_a_second_derivative_is_still_refused() -> None:
    made = module(TEXT)
    c = torch.randn(4, 3, requires_grad=True)
    z, target = torch.randn(6, 3), torch.arange(4)
    loss = made.infonce_loss(c, z, target=target, temperature=0.5)
    (g,) = torch.autograd.grad(loss, c, create_graph=True)
    with pytest.raises(RuntimeError, match="first derivatives"):
        g.square().sum().backward()
