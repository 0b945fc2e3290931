"""Second derivatives: the dense form has them, the streaming form says that it does not."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.registry import load
from codegen.execute import module, program_of, source, tensor
from codegen.samples import sample

torch = pytest.importorskip("torch")

NAMES = ["supcon", "simclr", "t-sne", "infonce", "clip", "siglip", "infonce-clustering"]


def call(name: str, form: str, text: str = "") -> tuple[Any, list[torch.Tensor]]:
    """A form of the loss as a function of its learned arrays, and these."""
    m = load(name)
    p = program_of(m)
    data = sample(m, 0, size=5)
    made = module(text or source(m, "dense"))
    values = {a.name: tensor(a, data.data[a.symbol], "float64") for a in p.arguments}
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    fixed = {k: v.detach() for k, v in values.items()}
    function = getattr(made, f"{p.name}_{form}")
    return lambda *inputs: function(*inputs, **fixed), first


@pytest.mark.parametrize("name", NAMES)
def test_the_streaming_form_refuses_a_second_derivative(name: str) -> None:
    loss, inputs = call(name, "loss")
    plain = torch.autograd.grad(loss(*inputs), inputs)
    graph = torch.autograd.grad(loss(*inputs), inputs, create_graph=True)
    assert all(torch.equal(a, b) for a, b in zip(plain, graph, strict=True))
    assert not any(g.requires_grad for g in plain)
    stem = name.replace("-", "_")
    message = f"^the streaming form {stem}_loss has first derivatives only; use {stem}_dense$"
    with pytest.raises(RuntimeError, match=message):
        torch.autograd.grad(sum(g.pow(2).sum() for g in graph), inputs)
    # also where the gradient that comes from above is what moves
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    graph = torch.autograd.grad(weight * loss(*inputs), inputs, create_graph=True)
    with pytest.raises(RuntimeError, match=message):
        torch.autograd.grad(graph[0].sum(), weight)


@pytest.mark.parametrize("name", NAMES)
def test_the_dense_form_has_them(name: str) -> None:
    loss, inputs = call(name, "dense")
    assert torch.autograd.gradgradcheck(loss, inputs)


@pytest.mark.parametrize("name", ["supcon", "simclr"])
def test_without_the_guard_the_number_would_be_wrong(name: str) -> None:
    def second(form: str, text: str = "") -> torch.Tensor:
        loss, inputs = call(name, form, text)
        graph = torch.autograd.grad(loss(*inputs), inputs, create_graph=True)
        return torch.autograd.grad(graph[0].pow(2).sum(), inputs)[0]

    unguarded = source(load(name), "dense").replace("@_first_only", "@torch.no_grad()")
    assert not torch.allclose(second("loss", unguarded), second("dense"), rtol=1e-2)
