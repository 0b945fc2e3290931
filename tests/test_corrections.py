"""What the corrections of the negatives say instead, in numbers: the true statements."""

from __future__ import annotations

import numpy as np
import pytest

from tests import reference_values as reference
from tests.reference.contrastive import dot_rows, same_label
from tests.reference.embedding import cauchy, gaussian_rows, symmetrise
from tests.reference.tools import Data, kl_rows, one_hot, rows_to_one

SEEDS = range(5)


def draw(method: str, seed: int) -> Data:
    return reference.sample(method, np.random.default_rng(seed), 8)


def binary_kl(mass: np.ndarray) -> np.ndarray:
    """KL((1, 0) || (mass, 1 - mass))."""
    return -np.log(mass)


@pytest.mark.parametrize("seed", SEEDS)
def test_l_in_is_the_merged_two_outcome_loss(seed: int) -> None:
    data = draw("supcon-in", seed)
    positives, q = same_label(data), dot_rows(data)
    size, mass = positives.sum(1), (positives * q).sum(1)
    merged = np.log(size).sum() + binary_kl(mass).sum()
    assert reference.published("supcon-in", data) == pytest.approx(merged, rel=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_l_out_exceeds_l_in_by_a_divergence_on_the_positives(seed: int) -> None:
    data = draw("supcon-in", seed)
    positives = same_label(data)
    gap = kl_rows(rows_to_one(positives), rows_to_one(positives * dot_rows(data))).sum()
    published = reference.published("supcon", data) - reference.published("supcon-in", data)
    assert published == pytest.approx(gap, rel=1e-11)
    assert gap > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_decoupled_loss_is_the_pair_plus_a_learned_term(seed: int) -> None:
    data = draw("decoupled-contrastive", seed)
    positive = (one_hot(data["pos"], len(data["z"])) * dot_rows(data)).sum(1)
    total = reference.icon("decoupled-contrastive", data) + np.log(1 - positive).mean()
    assert reference.published("decoupled-contrastive", data) == pytest.approx(total, rel=1e-10)


def test_decoupled_loss_is_unbounded_below() -> None:
    data = draw("decoupled-contrastive", 0)
    pos = data["pos"]
    pair = np.minimum(pos, np.arange(len(pos)))  # one direction per pair, orthogonal to the others
    values = []
    for size in (1.0, 4.0, 8.0):
        moved = {**data, "z": size * np.eye(len(pos))[pair]}
        values.append(reference.published("decoupled-contrastive", moved))
    assert values[0] > values[1] > values[2]
    assert values[2] < -30


@pytest.mark.parametrize("seed", SEEDS)
def test_triplet_loss_is_the_scaled_pair_minus_a_bounded_remainder(seed: int) -> None:
    data = draw("triplet", seed)
    s, f, g = float(data["s"]), data["f"], data["g"]
    near, far = ((f - g[:, 0]) ** 2).sum(1), ((f - g[:, 1]) ** 2).sum(1)
    margin = near - far + data["alpha"]
    remainder = 2 * s**2 * np.log1p(np.exp(-abs(margin) / (2 * s**2))).sum()
    scaled = 2 * s**2 * len(f) * reference.icon("triplet", data)
    assert scaled - reference.published("triplet", data) == pytest.approx(remainder, rel=1e-9)
    assert 0 < remainder <= 2 * s**2 * len(f) * np.log(2)


@pytest.mark.parametrize("seed", SEEDS)
def test_t_sne_is_the_row_divergences_plus_the_marginal_one(seed: int) -> None:
    data = draw("t-sne", seed)
    p = symmetrise(gaussian_rows(data["x"], data["sigma"]))
    q = cauchy(data["y"]) / cauchy(data["y"]).sum()
    marginal = kl_rows(p.sum(1), q.sum(1))
    rows = p.sum(1) @ kl_rows(rows_to_one(p), rows_to_one(q))
    assert reference.published("t-sne", data) == pytest.approx(marginal + rows, rel=1e-12)
    assert marginal > 1e-3
