"""Weights that are sparse in rows (CSR): the same loss as with dense ones, without all pairs."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import pytest

from catalog.registry import load
from codegen.emit import emit
from codegen.execute import module, program_of
from codegen.sparse import candidates
from iconograph.composition import compose
from iconograph.perplexity import joint, neighbours
from tests.test_codegen_numerics import largest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")

LOSSES = {
    "t-SNE of a graph": ("weights", "student-t", "joint"),
    "t-SNE of row weights": ("symmetrised-weights", "student-t", "joint"),
    "SNE of a graph": ("weights", "gaussian", "row"),
}


@cache
def source(name: str) -> str:
    p, q, normalise = LOSSES[name]
    return emit(compose(p, q, normalise=normalise, name="mine"))


def made(name: str, tile: int = 16) -> ModuleType:
    found = module(source(name))
    vars(found)["TILE"] = tile
    return found


def graph(n: int = 50, perplexity: float = 5) -> Any:
    torch.manual_seed(0)
    return neighbours(torch.randn(n, 4, dtype=torch.float64), perplexity)


def outcome(loss: Any, w: Any, n: int = 50, **choices: Any) -> list[Any]:
    torch.manual_seed(1)
    z = torch.randn(n, 2, dtype=torch.float64, requires_grad=True)
    value = loss(z, pair_weights=w, **choices)
    return [value.detach(), *torch.autograd.grad(value, z)]


@pytest.mark.parametrize("term", ["cross_entropy", "kl"])
@pytest.mark.parametrize("name", LOSSES)
def test_sparse_and_dense_weights_give_one_loss(name: str, term: str) -> None:
    found, w = made(name), graph()
    right = outcome(found.mine_dense, w.to_dense(), term=term)
    for loss, weights in (
        (found.mine_loss, w), (found.mine_loss, w.to_dense()), (found.mine_dense, w),
    ):  # fmt: skip
        for a, b in zip(outcome(loss, weights, term=term), right, strict=True):
            assert (a - b).abs().max() < 1e-13
    # a block that is cut one column off is another loss
    wrong = module(source(name).replace("column[inside] - left", "column[inside] - left - 1"))
    vars(wrong)["TILE"] = 16
    other = outcome(wrong.mine_loss, w, term=term)[0]
    assert abs(other - right[0]) > 1e-6


def test_the_joint_p_of_t_sne_in_single_precision() -> None:
    found, w = made("t-SNE of a graph"), joint(graph())
    assert w.to_dense().sum().item() == pytest.approx(1)
    right = outcome(found.mine_dense, w.to_dense(), term="kl")
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(1))
    low = found.mine_loss(z, pair_weights=w.float(), term="kl")
    assert low.dtype == torch.float32 and low.isfinite()
    rows = outcome(made("t-SNE of row weights").mine_loss, graph(), term="kl")
    assert rows[0].item() == pytest.approx(right[0].item(), rel=1e-12)


def test_a_sparse_graph_is_never_written_out() -> None:
    n, found = 640, made("t-SNE of a graph", 64)
    w = joint(graph(n, 4))
    z = torch.randn(n, 2, dtype=torch.float64, requires_grad=True)
    assert largest(found.mine_loss, z, pair_weights=w) <= 64 * n
    assert largest(found.mine_dense, z, pair_weights=w) >= n * n  # the measure would notice


@pytest.mark.parametrize(("name", "takes"), [
    ("mlm-uniform-contexts", True),
    ("skip-gram", False),  # its anchors weigh as their rows sum, over the whole matrix
    ("infonce-population", False),  # its weights are positive everywhere
    ("circle", False),
])  # fmt: skip
def test_which_losses_of_the_catalog_take_a_sparse_graph(name: str, takes: bool) -> None:
    text = " ".join(emit(load(name)).split())
    assert ("_cut(" in text) == ("in rows (CSR) where it is sparse" in text) == takes


def test_a_matrix_of_rewards_is_no_graph() -> None:
    assert not candidates(program_of(load("rlhf")))
    assert [a.name for a in candidates(program_of(load("skip-gram")))] == ["pair_weights"]
