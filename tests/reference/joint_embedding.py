"""Reference values of losses of two views that put no softmax over the samples of a batch."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cos,
    cosines,
    kl_joint,
    kl_rows,
    normal,
    off_diagonal,
    one_hot,
    partners,
    positive,
    softmax,
    sq,
    sqdist,
)


def pairs_of_views(rng: np.random.Generator, n: int) -> Data:
    """An even number of views with their partners, at least four."""
    even = max(4, 2 * ((n + 1) // 2))
    return {"z": normal(rng, even, DIM), "pos": partners(rng, even)}


def to_same(scores: np.ndarray) -> float:
    """The mean KL from the item of the same index to the softmax of the scores."""
    return float(
        kl_rows(np.broadcast_to(np.eye(scores.shape[-1]), scores.shape), softmax(scores)).mean()
    )


def sample_alignment_uniformity_weighted(rng: np.random.Generator, n: int) -> Data:
    return {**pairs_of_views(rng, n), "t": positive(rng), "lambda": positive(rng)}


def sample_alignment_uniformity(rng: np.random.Generator, n: int) -> Data:
    data = sample_alignment_uniformity_weighted(rng, n)
    return {**data, "lambda": data["t"]}


def potential(x: np.ndarray, t: float) -> float:
    """Wang and Isola's uniformity: the logarithm of the mean Gaussian potential of pairs."""
    pairs = [(i, j) for i in range(len(x)) for j in range(i)]
    return math.log(sum(math.exp(-t * sq(x[i] - x[j])) for i, j in pairs) / len(pairs))


def published_alignment_uniformity(data: Data) -> float:
    z = data["z"]
    align = sum(sq(z[i] - z[j]) for i, j in enumerate(data["pos"])) / len(z)
    return float(data["lambda"]) * align + potential(z, float(data["t"]))


def icon_alignment_uniformity(data: Data) -> float:
    kernel = off_diagonal(np.exp(-data["t"] * sqdist(data["z"], data["z"])))
    return kl_joint(one_hot(data["pos"], len(kernel)) / len(kernel), kernel)


published_alignment_uniformity_weighted = published_alignment_uniformity
icon_alignment_uniformity_weighted = icon_alignment_uniformity


def sample_alignment_uniformity_batch(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, DIM), "y": normal(rng, n, DIM), "t": positive(rng)}


def published_alignment_uniformity_batch(data: Data) -> float:
    x, y, t = data["x"], data["y"], float(data["t"])
    align = sum(sq(a - b) for a, b in zip(x, y, strict=True)) / len(x)
    return t * align + (potential(x, t) + potential(y, t)) / 2


def icon_alignment_uniformity_batch(data: Data) -> float:
    kernel = np.exp(-data["t"] * sqdist(data["x"], data["y"]))
    return kl_joint(np.eye(len(kernel)) / len(kernel), kernel)


def sample_byol(rng: np.random.Generator, n: int) -> Data:
    return {"q": normal(rng, n, DIM), "z": normal(rng, n, DIM), "tau": positive(rng)}


def published_byol(data: Data) -> float:
    total = 0.0
    for q, z in zip(data["q"], data["z"], strict=True):
        total += sq(q / math.sqrt(sq(q)) - z / math.sqrt(sq(z)))
    return total / len(data["q"])


def icon_byol(data: Data) -> float:
    return to_same(cosines(data["q"], data["z"]) / data["tau"])


def sample_simsiam(rng: np.random.Generator, n: int) -> Data:
    return {"p": normal(rng, 2, n, DIM), "z": normal(rng, 2, n, DIM), "tau": positive(rng)}


def published_simsiam(data: Data) -> float:
    (p1, p2), (z2, z1) = data["p"], data["z"]
    total = 0.0
    for i in range(len(p1)):
        total += -cos(p1[i], z2[i]) / 2 - cos(p2[i], z1[i]) / 2
    return total / len(p1)


def icon_simsiam(data: Data) -> float:
    cosine = np.stack([cosines(p, z) for p, z in zip(data["p"], data["z"], strict=True)])
    return to_same(cosine / data["tau"])


def sample_barlow_twins(rng: np.random.Generator, n: int) -> Data:
    arrays = {"zA": normal(rng, n, DIM), "zB": normal(rng, n, DIM)}
    return {**arrays, "lambda": positive(rng), "tau": positive(rng)}


def published_barlow_twins(data: Data) -> float:
    loss = 0.0
    for i, a in enumerate(data["zA"].T):
        for j, b in enumerate(data["zB"].T):
            c = cos(a, b)
            loss += (1 - c) ** 2 if i == j else float(data["lambda"]) * c**2
    return loss


def icon_barlow_twins(data: Data) -> float:
    return to_same(data["zA"] @ data["zB"].T / data["tau"])


def sample_vicreg(rng: np.random.Generator, n: int) -> Data:
    numbers = {name: positive(rng) for name in ("lambda", "mu", "nu", "gamma", "epsilon")}
    return {"z": normal(rng, n, DIM), "w": normal(rng, n, DIM), **numbers}


def published_vicreg(data: Data) -> float:
    n, d = data["z"].shape
    invariance = sum(sq(a - b) for a, b in zip(data["z"], data["w"], strict=True)) / n
    variance = covariance = 0.0
    for x in (data["z"], data["w"]):
        rows = x - sum(x) / n
        c = sum(np.outer(row, row) for row in rows) / (n - 1)
        for i in range(d):
            deviation = math.sqrt(c[i, i] + float(data["epsilon"]))
            variance += max(0.0, float(data["gamma"]) - deviation) / d
            covariance += sum(c[i, j] ** 2 for j in range(d) if j != i) / d
    weights = (float(data[name]) for name in ("lambda", "mu", "nu"))
    return float(
        sum(a * b for a, b in zip(weights, (invariance, variance, covariance), strict=True))
    )


def icon_vicreg(data: Data) -> float:
    return to_same(-sqdist(data["z"], data["w"]))


def two_views(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, DIM), "g": normal(rng, n, DIM)}


def icon_two_views(data: Data) -> float:
    return to_same(data["f"] @ data["g"].T)


sample_spectral_contrastive, icon_spectral_contrastive = two_views, icon_two_views
icon_simple_contrastive = icon_two_views


def published_spectral_contrastive(data: Data) -> float:
    f, g = data["f"], data["g"]
    n, total = len(f), 0.0
    for i in range(n):
        total -= 2 * (f[i] @ g[i]) / n
        total += sum((f[i] @ g[j]) ** 2 for j in range(n) if j != i) / (n * (n - 1))
    return total


def sample_simple_contrastive(rng: np.random.Generator, n: int) -> Data:
    return {**two_views(rng, n), "lambda": positive(rng)}


def published_simple_contrastive(data: Data) -> float:
    f, g = data["f"], data["g"]
    total = 0.0
    for i in range(len(f)):
        others = sum(f[i] @ g[j] for j in range(len(f)) if j != i)
        total += float(data["lambda"]) * others - f[i] @ g[i]
    return total / len(f)


CLAIMS = {
    "alignment-uniformity": lambda d: (1.0, -math.log(len(d["z"]) - 1)),
}
NEGATIVES = {
    "alignment-uniformity-weighted": ("z",),
    "alignment-uniformity-batch": ("x", "y"),
    "byol": ("q",),
    "simsiam": ("p",),
    "barlow-twins": ("zA", "zB"),
    "vicreg": ("z", "w"),
    "spectral-contrastive": ("f", "g"),
    "simple-contrastive": ("f", "g"),
}
