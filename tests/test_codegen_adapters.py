"""Adapters: the argument lists of other libraries, against losses written by hand."""

from __future__ import annotations

import math
import re
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.registry import all_methods, load
from codegen.adapters import STYLES, Unsuited, adapter
from codegen.emit import Refused, emit, refusal
from codegen.execute import module, program_of
from iconograph.cli import app
from tests.selection import kinds, representatives

torch = pytest.importorskip("torch")

EXACT = 1e-12


@cache
def source(name: str, style: str) -> str:
    return emit(load(name), adapter=style)


def made(name: str, style: str) -> ModuleType:
    return module(source(name, style))


def rows(count: int, d: int = 5, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.randn(count, d, dtype=torch.float64, requires_grad=True)


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm(dim=1, keepdim=True)


def same(mine: torch.Tensor, right: torch.Tensor, *inputs: torch.Tensor) -> bool:
    """Whether two losses have one value and one gradient."""
    found = [mine.detach(), *torch.autograd.grad(mine, inputs, retain_graph=True)]
    wanted = [right.detach(), *torch.autograd.grad(right, inputs, retain_graph=True)]
    pairs = zip(found, wanted, strict=True)
    return all((a - b).abs().max() < EXACT * max(1.0, b.abs().max().item()) for a, b in pairs)


def supcon(z: torch.Tensor, labels: torch.Tensor, tau: float) -> torch.Tensor:
    """L_out of unit rows; rows without a positive are left out of the mean."""
    s = unit(z) @ unit(z).T / tau
    losses = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i]
        positives = [j for j in others if labels[j] == labels[i]]
        if positives:
            log_sum = torch.stack([s[i, j] for j in others]).exp().sum().log()
            losses.append(sum(log_sum - s[i, j] for j in positives) / len(positives))
    return sum(losses) / len(losses)


def nt_xent(z0: torch.Tensor, z1: torch.Tensor, tau: float) -> torch.Tensor:
    z, n = unit(torch.cat([z0, z1])), len(z0)
    s = (z @ z.T / tau).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    target = torch.cat([torch.arange(n) + n, torch.arange(n)])
    return torch.nn.functional.cross_entropy(s, target)


def test_labels_for_metric_learning() -> None:
    z, labels = rows(9), torch.tensor([0, 1, 2, 0, 1, 0, 3, 2, 1])
    loss = made("supcon", "pytorch-metric-learning").SupconMetricLoss(temperature=0.2)
    assert same(loss(z, labels), supcon(z, labels, 0.2), z)
    assert not same(loss(z, labels.roll(1)), supcon(z, labels, 0.2), z)
    raw = made("supcon", "pytorch-metric-learning").SupconMetricLoss(
        temperature=0.2, normalize=False
    )
    assert same(raw(unit(z), labels), supcon(z, labels, 0.2), z)


def test_labels_that_name_one_partner() -> None:
    z, labels = rows(8), torch.tensor([5, 0, 2, 1, 0, 5, 1, 2])
    loss = made("simclr", "pytorch-metric-learning").SimclrMetricLoss(temperature=0.3)
    order = [0, 1, 2, 3], [5, 4, 7, 6]
    assert same(loss(z, labels), nt_xent(z[order[0]], z[order[1]], 0.3), z)
    for wrong in ([0, 0, 0, 0], [0, 0, 1, 2], [0, 0, 1]):
        with pytest.raises(ValueError, match="every label should occur exactly twice"):
            loss(z[: len(wrong)], torch.tensor(wrong))


@pytest.mark.parametrize(("change", "said"), [
    ({"labels": None}, "labels should be given"),
    ({"indices_tuple": (0, 1, 2)}, "a miner picks some"),
    ({"ref_emb": torch.zeros(2, 5)}, "compares the embeddings with each other"),
])  # fmt: skip
def test_a_call_that_an_adapter_cannot_answer(change: dict, said: str) -> None:
    loss = made("supcon", "pytorch-metric-learning").SupconMetricLoss(temperature=0.2)
    with pytest.raises(ValueError, match=said):
        loss(**({"embeddings": rows(4), "labels": torch.zeros(4).long()} | change))


def test_two_views_of_one_table() -> None:
    z0, z1 = rows(6), rows(6, seed=1)
    loss = made("simclr", "two-view").SimclrTwoViewLoss(temperature=0.5)
    assert same(loss(z0, z1), nt_xent(z0, z1, 0.5), z0, z1)
    labelled = made("supcon", "two-view").SupconTwoViewLoss(temperature=0.5)
    assert same(labelled(z0, z1), nt_xent(z0, z1, 0.5), z0, z1)
    with pytest.raises(ValueError, match="should have one shape"):
        loss(z0, z1[:3])
    wrong = module(source("simclr", "two-view").replace(".roll(count)", ".roll(count + 1)"))
    assert not same(wrong.SimclrTwoViewLoss(temperature=0.5)(z0, z1), nt_xent(z0, z1, 0.5), z0)


def test_two_views_of_two_tables_and_a_number_that_learns() -> None:
    z0, z1 = rows(6), rows(6, seed=1)
    loss = made("clip", "two-view").ClipTwoViewLoss(t=2.0)
    assert [n for n, _ in loss.named_parameters()] == ["t"]
    s = unit(z0) @ unit(z1).T * math.exp(2.0)
    target = torch.arange(6)
    both = [torch.nn.functional.cross_entropy(x, target) for x in (s, s.T)]
    assert same(loss(z0, z1), sum(both) / 2, z0, z1)
    loss(z0, z1).backward()
    assert loss.t.grad.abs() > 0


@pytest.mark.parametrize("name", ["clip", "align"])
def test_towers_with_a_scale_that_learns(name: str) -> None:
    image, text = rows(7), rows(7, seed=1)  # no length is one: open_clip's ClipLoss takes them so
    scale = torch.tensor(14.3, dtype=torch.float64, requires_grad=True)
    loss = getattr(made(name, "clip"), f"{name.title()}TowersLoss")()
    s = scale * image @ text.T
    both = [torch.nn.functional.cross_entropy(x, torch.arange(7)) for x in (s, s.T)]
    found, right = loss(image, text, scale), sum(both) / 2
    assert same(found, right, image, text, scale)
    call = source(name, "clip").replace("image_features, text", "unit(image_features), text")
    normalised = module(call)
    normalised.__dict__["unit"] = unit
    wrong = getattr(normalised, f"{name.title()}TowersLoss")()(image, text, scale)
    assert not same(wrong, right, scale)
    assert loss(image, text, scale, output_dict=True)["contrastive_loss"] == found
    assert not same(loss(image, text, scale * 1.001), right, scale)


def test_towers_with_a_bias() -> None:
    image, text = rows(5), rows(5, seed=1)
    scale = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(-9.0, dtype=torch.float64, requires_grad=True)
    logits = scale * image @ text.T + bias
    sign = 2 * torch.eye(5, dtype=torch.float64) - 1
    every = -torch.nn.functional.logsigmoid(sign * logits)
    towers = made("siglip", "clip").SiglipTowersLoss
    found = towers()(image, text, scale, bias)
    # as SigLipLoss of open_clip: the sum over all pairs over the number of rows
    assert same(found, every.sum() / 5, image, text, scale, bias)
    assert not same(found, every.mean(), scale, bias)
    assert same(towers(reduction="sum")(image, text, scale, bias), every.sum(), image, scale, bias)
    assert torch.allclose(towers(reduction="none")(image, text, scale, bias), every, atol=1e-12)


@pytest.mark.parametrize("name", ["clip", "align", "siglip"])
def test_a_scale_that_is_no_exponential(name: str) -> None:
    image, bias = rows(4), (0.0,) if name == "siglip" else ()
    loss = getattr(made(name, "clip"), f"{name.title()}TowersLoss")()
    for scale in (-2.0, 0.0, math.nan):
        with pytest.raises(ValueError, match="logit_scale should be positive, the exponential"):
            loss(image, image, torch.tensor(scale, dtype=torch.float64), *bias)
    assert loss(image, image, 2.0, *bias).isfinite()


def test_the_file_says_that_features_stay_as_they_are() -> None:
    assert "multiplied as they are given, as open_clip does" in source("clip", "clip")
    assert "multiplied as they are given, as open_clip does" not in source("clip", "two-view")


@pytest.mark.parametrize(("name", "style", "call", "said"), [
    ("clip", "clip", lambda f, z: f(None, z, 1.0), "image_features should be a tensor of shape"),
    ("clip", "clip", lambda f, z: f(z, z[:2], 1.0), "text_features should have shape (4, 5)"),
    ("simclr", "two-view", lambda f, z: f(z, [1.0]), "z1 should be a tensor of shape (count, d)"),
    ("simclr", "two-view", lambda f, z: f(z[0], z[0]), "z0 should have shape (count, d)"),
    ("supcon", "pytorch-metric-learning", lambda f, z: f(z.tolist(), torch.ones(4).long()),
     "embeddings should be a tensor of shape (count, d), got list"),
    ("supcon", "pytorch-metric-learning", lambda f, z: f(z, [0, 0, 1, 1]),
     "labels should be a tensor of shape (4), got list"),
])  # fmt: skip
def test_no_tensor_is_said(name: str, style: str, call: Any, said: str) -> None:
    suffix, _ = STYLES[style]
    numbers = {} if name == "clip" else {"temperature": 0.5}
    loss = getattr(made(name, style), f"{name.title()}{suffix}")(**numbers)
    with pytest.raises(ValueError, match=re.escape(said)):
        call(loss, rows(4))


REFUSED = [
    ("cross-entropy", "two-view", "it learns logits (n, classes), and not one vector"),
    ("infonce", "two-view", "it learns c (n, d), z (candidates, d)"),
    ("clip", "pytorch-metric-learning", "and not one vector for each sample"),
    ("t-clip", "clip", "its logits are no multiple of an inner product or cosine"),
    ("supcon", "clip", "and not one image and one text for each row"),
    ("t-sne", "pytorch-metric-learning", "cannot be made from labels"),
    ("multiple-negatives-ranking", "clip", "it has no temperature that logit_scale could set"),
    ("supcon", "lightning", "there is no adapter 'lightning'; adapters: pytorch-metric-learning"),
]


@pytest.mark.parametrize(("name", "style", "why"), REFUSED)
def test_a_method_without_such_an_adapter_says_why(name: str, style: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        source(name, style)
    assert why in str(caught.value)


def test_only_torch_and_triton_have_adapters() -> None:
    with pytest.raises(Refused, match="a numpy program has no adapter"):
        emit(load("supcon"), "numpy", adapter="two-view")
    assert "SupconTwoViewLoss" in emit(load("supcon"), "triton", adapter="two-view")


def test_every_method_has_an_adapter_or_a_reason() -> None:
    found = {style: 0 for style in STYLES}
    for m in representatives((m for m in all_methods() if refusal(m) is None), kinds):
        program = program_of(m)
        for style in STYLES:
            try:
                compile(adapter(program, style), m.id, "exec")
                found[style] += 1
            except Unsuited as error:
                assert str(error).startswith(f"{m.id}: no {style} adapter, because ")
    assert all(0 < count < 20 for count in found.values()), found


def test_the_command() -> None:
    options = ["generate", "supcon", "--no-judge", "--adapter"]
    done = CliRunner().invoke(app, [*options, "two-view"])
    assert done.exit_code == 0 and "class SupconTwoViewLoss" in done.output
    assert CliRunner().invoke(app, [*options, "clip"]).exit_code == 2
