"""What the corrections of contrastive and metric-learning negatives say instead, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tests import reference_values as reference
from tests.reference.tools import Data, cosines, off_diagonal, one_hot, rows_to_one, softmax, sqdist

SEEDS = range(5)


def draw(method: str, seed: int) -> Data:
    return reference.sample(method, np.random.default_rng(seed), 8)


def diagonal(q: np.ndarray) -> np.ndarray:
    return np.diagonal(q, axis1=-2, axis2=-1)


@pytest.mark.parametrize("seed", SEEDS)
def test_proxy_nca_lacks_the_own_proxy_in_the_denominator(seed: int) -> None:
    data = draw("proxy-nca", seed)
    q = rows_to_one(np.exp(-sqdist(data["x"], data["w"])))
    own = (q * one_hot(data["y"], 4)).sum(1)
    total = reference.icon("proxy-nca", data) + np.log(1 - own).mean()
    assert reference.published("proxy-nca", data) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_infoloob_is_clip_and_a_learned_term(seed: int) -> None:
    data = draw("infoloob", seed)
    s = data["tau"] * (data["x"] @ data["y"].T)
    rest = np.log(1 - diagonal(softmax(s))).mean() + np.log(1 - diagonal(softmax(s.T))).mean()
    total = 2 * reference.icon("infoloob", data) + rest
    assert reference.published("infoloob", data) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_softplus_for_the_hinge_makes_the_lifted_loss_exact(seed: int) -> None:
    """The hinge of all anchors together is below n I-Con by at most n log 2."""
    data = draw("lifted-structure", seed)
    n = len(data["f"])
    gap = n * reference.icon("lifted-structure", data) - reference.published(
        "lifted-structure", data
    )
    assert 0 < gap < n * np.log(2)
    for i in range(n):  # one anchor: log(1 + exp(hinge's argument)) is its KL
        same = [j for j in range(n) if j != i and data["y"][j] == data["y"][i]]
        far = [k for k in range(n) if data["y"][k] != data["y"][i]]
        d = np.sqrt(sqdist(data["f"], data["f"]))[i]
        x = np.log(np.exp(d[same]).sum()) + np.log(np.exp(data["m"] - d[far]).sum())
        pairs = np.exp(d[same][:, None] + data["m"] - d[far])
        assert np.logaddexp(0, x) == pytest.approx(np.log1p(pairs.sum()), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_vse_is_below_its_smooth_form_by_at_most_the_logarithm_of_the_batch(seed: int) -> None:
    data = draw("vse-plus-plus", seed)
    n, tau = len(data["x"]), float(data["tau"])
    smooth = 2 * n * tau * reference.icon("vse-plus-plus", data)
    gap = smooth - reference.published("vse-plus-plus", data)
    assert 0 < gap < 2 * n * tau * np.log(n)


@pytest.mark.parametrize("seed", SEEDS)
def test_byol_and_simsiam_lack_the_log_partition(seed: int) -> None:
    data = draw("byol", seed)
    partition = np.log(np.exp(cosines(data["q"], data["z"]) / data["tau"]).sum(1)).mean()
    total = 2 + 2 * data["tau"] * (reference.icon("byol", data) - partition)
    assert reference.published("byol", data) == pytest.approx(total, rel=1e-10)
    data = draw("simsiam", seed)
    views = zip(data["p"], data["z"], strict=True)
    each = [np.log(np.exp(cosines(p, z) / data["tau"]).sum(1)).mean() for p, z in views]
    total = data["tau"] * (reference.icon("simsiam", data) - np.mean(each))
    assert reference.published("simsiam", data) == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_counting_the_positive_makes_the_robust_loss_exact(seed: int) -> None:
    data = draw("isogclr", seed)
    z, tau = data["z"], data["tau"]
    h = z @ z.T - (z * z[data["pos"]]).sum(1)[:, None]
    total = (tau * np.log(off_diagonal(np.exp(h / tau[:, None])).sum(1))).sum()
    assert total == pytest.approx(tau.sum() * reference.icon("isogclr", data), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weight_other_than_t_leaves_a_multiple_of_the_alignment(seed: int) -> None:
    data = draw("alignment-uniformity-weighted", seed)
    name = "alignment-uniformity-weighted"
    align = ((data["z"] - data["z"][data["pos"]]) ** 2).sum(1).mean()
    rest = (data["lambda"] - data["t"]) * align - np.log(len(data["z"]) - 1)
    total = reference.icon(name, data) + rest
    assert reference.published(name, data) == pytest.approx(total, rel=1e-10)
    assert abs(rest + np.log(len(data["z"]) - 1)) > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_msn_is_a_cross_entropy_and_a_divergence_of_the_mean(seed: int) -> None:
    data = draw("msn", seed)
    mean = softmax(cosines(data["z"], data["q"]) / data["tau"]).mean(0)
    divergence = (mean * np.log(mean * len(mean))).sum() - np.log(len(mean))
    entropy = -(data["pplus"] * np.log(data["pplus"])).sum(1).mean()
    total = reference.icon("msn", data) + entropy + data["lambda"] * divergence
    assert reference.published("msn", data) == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_simple_loss_is_the_limit_of_a_large_temperature(seed: int) -> None:
    data = draw("simple-contrastive", seed)
    s = data["f"] @ data["g"].T
    n, spread = len(s), float(np.ptp(s, axis=1).max())
    data["lambda"] = np.array(1 / (n - 1))
    limit = (n - 1) / n * reference.published("simple-contrastive", data)
    for tau in (10.0, 100.0, 1000.0):
        icon = -np.log(diagonal(softmax(s / tau))).mean()
        assert 0 < tau * (icon - np.log(n)) - limit < spread**2 / (8 * tau)


@pytest.mark.parametrize("seed", SEEDS)
def test_cyclip_is_above_its_clip_term(seed: int) -> None:
    data = draw("cyclip", seed)
    assert reference.published("cyclip", data) > reference.icon("cyclip", data)
    data |= {"lambda1": np.array(0.0), "lambda2": np.array(0.0)}
    clip = reference.icon("cyclip", data)
    assert reference.published("cyclip", data) == pytest.approx(clip, rel=1e-12)


def test_where_the_clamp_acts_no_negative_is_repelled() -> None:
    name = "debiased-contrastive-clamped"
    data = draw(name, 0)
    t, count = float(data["t"]), float(data["N"])
    data["z"] = 3 * np.eye(len(data["z"]))[np.minimum(data["pos"], np.arange(len(data["z"])))]
    own = (data["z"] * data["z"][data["pos"]]).sum(1)
    clamped = np.log1p(count * np.exp(-1 / t - own / t)).mean()
    unclamped = reference.published("debiased-contrastive", data | {"tau": np.array(1e-9)})
    assert reference.published(name, data) == pytest.approx(clamped, rel=1e-9)
    assert unclamped > clamped


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wide_gaussian_sees_invariance_and_variance_of_vicreg(seed: int) -> None:
    data = draw("vicreg", seed)
    z, w = data["z"], data["w"]
    means = ((z.mean(0) - w.mean(0)) ** 2).sum()
    limit = ((z - w) ** 2).sum(1).mean() - z.var(0).sum() - w.var(0).sum() - means
    wide = [2 * s2 * gap(-sqdist(z, w) / (2 * s2)) for s2 in (1e2, 1e4)]
    assert abs(wide[1] - limit) < abs(wide[0] - limit) / 50
    assert wide[1] == pytest.approx(limit, rel=1e-2, abs=1e-2)


def gap(scores: np.ndarray) -> float:
    """I-Con of matching by index, less its value for equal scores."""
    return float(-np.log(diagonal(softmax(scores))).mean() - np.log(len(scores)))
