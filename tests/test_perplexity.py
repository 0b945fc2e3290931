"""Bandwidths from a perplexity: against scikit-learn, by the definition, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")

from scipy.spatial.distance import pdist, squareform  # noqa: E402
from sklearn.manifold._t_sne import (  # noqa: E402
    _joint_probabilities,
    _joint_probabilities_nn,
)
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from catalog.registry import load  # noqa: E402
from codegen.emit import emit  # noqa: E402
from codegen.execute import module  # noqa: E402
from iconograph import perplexity as p_of  # noqa: E402

PERPLEXITY = 12.5
DATA = {
    "normal": lambda x: x,
    "far from the origin": lambda x: x + 1e6,
    "large": lambda x: x * 1e8,
    "small": lambda x: x * 1e-8,
    "of two densities": lambda x: torch.cat([x[:60], x[60:] * 1e-4]),
    "with some duplicates": lambda x: torch.cat([x[:90], x[:10]]),
}


def points(kind: str = "normal", n: int = 100) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return DATA[kind](torch.randn(n, 4, dtype=torch.float64, generator=rng))


def own(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """p by its definition, a point at a time."""
    rows = []
    for i in range(len(x)):
        d = (x[i] - x).square().sum(1)
        keep = torch.arange(len(x)) != i
        weight = torch.where(keep, torch.exp(-(d - d[keep].min()) / (2 * sigma[i] ** 2)), 0.0)
        rows.append(weight / weight.sum())
    return torch.stack(rows)


def of_rows(p: torch.Tensor) -> torch.Tensor:
    return torch.exp(-torch.xlogy(p, p).sum(1))


@pytest.mark.parametrize("rows", [512, 7])
@pytest.mark.parametrize("kind", DATA)
def test_every_row_has_the_perplexity(
    kind: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(p_of, "ROWS", rows)
    x = points(kind)
    sigma = p_of.bandwidths(x, PERPLEXITY)
    assert (of_rows(own(x, sigma)) / PERPLEXITY - 1).abs().max() < 1e-10
    assert (p_of.perplexities(x, sigma) / PERPLEXITY - 1).abs().max() < 1e-10
    # the check would notice a bandwidth that is off in the eighth digit
    assert (p_of.perplexities(x, sigma * (1 + 1e-8)) / PERPLEXITY - 1).abs().max() > 1e-10


@pytest.mark.parametrize("wanted", [1.5, 30.0, 98.0])
def test_from_the_least_to_the_largest_perplexity(wanted: float) -> None:
    x = points()
    assert (p_of.perplexities(x, p_of.bandwidths(x, wanted)) / wanted - 1).abs().max() < 1e-10


def test_the_joint_p_is_that_of_scikit_learn() -> None:
    x = points()
    squared = squareform(pdist(x.numpy(), "sqeuclidean")).astype(np.float32)
    theirs = squareform(_joint_probabilities(squared, PERPLEXITY, 0))
    p = own(x, p_of.bandwidths(x, PERPLEXITY))
    mine = ((p + p.T) / (2 * len(x))).numpy()
    assert np.abs(mine - theirs).max() < 1e-6
    assert np.abs(mine - theirs).max() < 1e-3 * theirs.max()
    other = own(x, p_of.bandwidths(x, PERPLEXITY + 0.1))
    assert np.abs(((other + other.T) / (2 * len(x))).numpy() - theirs).max() > 1e-6


def test_the_sparse_joint_p_is_that_of_scikit_learn() -> None:
    x = points(n=200)
    count = int(3 * PERPLEXITY + 1)
    graph = NearestNeighbors(n_neighbors=count).fit(x.numpy()).kneighbors_graph(mode="distance")
    graph.data **= 2
    theirs = _joint_probabilities_nn(graph, PERPLEXITY, 0).toarray()
    p = p_of.neighbours(x, PERPLEXITY)
    mine = p_of.joint(p)
    assert mine.layout == torch.sparse_csr and mine.values().numel() < 200 * 2 * count
    assert np.abs(mine.to_dense().numpy() - theirs).max() < 1e-6
    assert torch.allclose(p.to_dense().sum(1), torch.ones(200, dtype=torch.float64), atol=1e-14)
    assert (of_rows(p.to_dense()) / PERPLEXITY - 1).abs().max() < 1e-10


def test_all_neighbours_are_all_pairs() -> None:
    x = points()
    whole = p_of.neighbours(x, PERPLEXITY, count=99).to_dense()
    assert (whole - own(x, p_of.bandwidths(x, PERPLEXITY))).abs().max() < 1e-12


def test_generated_losses_take_it() -> None:
    x = points(n=60)
    y = torch.randn(60, 2, dtype=torch.float64)
    sigma = p_of.bandwidths(x, 10)
    p = own(x, sigma)
    q = 1 / (1 + torch.cdist(y, y).square()) * (1 - torch.eye(60))
    q, both = q / q.sum(), (p + p.T) / 120
    right = (torch.xlogy(both, both) - torch.xlogy(both, torch.where(q > 0, q, 1.0))).sum()
    loss = module(emit(load("t-sne"))).t_sne_loss
    assert loss(y, points=x, bandwidth=sigma, term="kl").item() == pytest.approx(
        right.item(), rel=1e-12
    )


# --------------------------------------------------------------------------- what is refused

COPIES = torch.cat([points(n=30), points(n=30)[:1].repeat(20, 1)])
CIRCLE = torch.eye(20, dtype=torch.float64)
WRONG = [
    (p_of.bandwidths, (COPIES, 10), "row 0 a perplexity of 10: 20 of its neighbours are copies"),
    (p_of.bandwidths, (CIRCLE, 5), "row 0 a perplexity of 5: 19 of its neighbours lie at one dist"),
    (p_of.bandwidths, (torch.ones(9, 2), 3), "8 of its neighbours are copies of it"),
    (p_of.bandwidths, (points(n=10), 9), "should be more than 1 and less than n - 1 = 9, got 9"),
    (p_of.bandwidths, (points(n=10), 1), "should be more than 1 and less than n - 1 = 9, got 1"),
    (p_of.neighbours, (points(n=50), 30), "50 points are too few for a perplexity of 30 over 91"),
    (p_of.bandwidths, (points(n=3)[0], 2), "points should be (n, d) with n of 3 or more, got (4,)"),
    (p_of.bandwidths, (points(n=9) / 0, 2), "points should be real and finite"),
]


@pytest.mark.parametrize(("call", "given", "said"), WRONG, ids=[said for _, _, said in WRONG])
def test_what_has_no_bandwidth_is_said_in_a_sentence(call, given, said) -> None:  # type: ignore
    with pytest.raises(ValueError) as caught:
        call(*given)
    assert said in str(caught.value)


def test_a_count_of_ones_own() -> None:
    with pytest.raises(ValueError, match=r"should be a whole number from 1 to n - 1 = 9, got 10"):
        p_of.neighbours(points(n=10), 3, count=10)
    p = p_of.neighbours(points(n=10), 3, count=9)
    assert (of_rows(p.to_dense()) / 3 - 1).abs().max() < 1e-10


def test_without_scikit_learn_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.neighbors", None)
    with pytest.raises(ImportError, match="needs scikit-learn"):
        p_of.neighbours(points(), 5)
    p_of.bandwidths(points(), 5)


@pytest.mark.parametrize("size", [1e-155, 1e155])
def test_points_of_any_size_have_their_bandwidths(size: float) -> None:
    x = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found, wanted = p_of.bandwidths(x * size, 5) / size, p_of.bandwidths(x, 5)
    assert torch.allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16])
def test_what_is_found_is_not_rounded_to_short_numbers(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(2)
    x = (torch.rand(30, 6, generator=generator) * 255).to(dtype)
    found, wanted = p_of.bandwidths(x, 8), p_of.bandwidths(x.double(), 8)
    assert found.dtype == (torch.float64 if dtype == torch.uint8 else torch.float32)
    assert torch.allclose(found.double(), wanted, rtol=1e-6)


def test_other_arguments_are_refused_in_a_sentence() -> None:
    x = torch.randn(10, 2)
    for wrong, words in (
        (lambda: p_of.bandwidths([[1.0]], 3), "take torch.as_tensor"),
        (lambda: p_of.bandwidths(x.to(torch.complex64), 3), "real and finite"),
        (lambda: p_of.bandwidths(x, "3"), "should be a number, got str"),
        (lambda: p_of.neighbours(x, float("nan")), "got nan"),
        (lambda: p_of.neighbours(x, 3, count=7.5), "whole number"),
        (lambda: p_of.perplexities(x, torch.ones(3)), r"tensor \(10,\)"),
        (lambda: p_of.perplexities(x, torch.zeros(10)), "positive"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()
