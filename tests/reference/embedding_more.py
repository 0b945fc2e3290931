"""Reference values of maps beside SNE and t-SNE: UMAP, scaling, triplet and pair maps."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    gaussian_rows,
    kl_joint,
    kl_rows,
    normal,
    off_diagonal,
    onto,
    positive,
    rows_to_one,
    sq,
    sqdist,
    symmetrise,
)


def sample_symmetric_sne(rng: np.random.Generator, n: int) -> Data:
    return {"y": normal(rng, n, 2), "x": normal(rng, n, DIM), "sigma": positive(rng, n)}


def perplexed(data: Data, i: int, j: int) -> float:
    """The conditional p(j|i) of the data, one pair at a time."""
    x, spread = data["x"], 2 * float(data["sigma"][i]) ** 2
    below = sum(math.exp(-sq(x[i] - other) / spread) for k, other in enumerate(x) if k != i)
    return math.exp(-sq(x[i] - x[j]) / spread) / below


def published_symmetric_sne(data: Data) -> float:
    y, n, total = data["y"], len(data["y"]), 0.0
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    below = sum(math.exp(-sq(y[i] - y[j])) for i, j in pairs)
    for i, j in pairs:
        p = (perplexed(data, i, j) + perplexed(data, j, i)) / (2 * n)
        total += p * math.log(p / (math.exp(-sq(y[i] - y[j])) / below))
    return total


def icon_symmetric_sne(data: Data) -> float:
    p = symmetrise(gaussian_rows(data["x"], data["sigma"]))
    return kl_joint(p, off_diagonal(np.exp(-sqdist(data["y"], data["y"]))))


def sample_umap(rng: np.random.Generator, n: int) -> Data:
    strength = {"wh": rng.uniform(0.05, 0.95, size=n)}
    return {"y": normal(rng, n, 2, 2), **strength, "a": positive(rng), "b": positive(rng)}


def published_umap(data: Data) -> float:
    a, b, total = float(data["a"]), float(data["b"]), 0.0
    for (head, tail), wh in zip(data["y"], data["wh"], strict=True):
        wl = 1 / (1 + a * math.dist(head, tail) ** (2 * b))
        total += wh * math.log(wh / wl) + (1 - wh) * math.log((1 - wh) / (1 - wl))
    return float(total)


def icon_umap(data: Data) -> float:
    d = ((data["y"][:, 0] - data["y"][:, 1]) ** 2).sum(-1)
    null = data["a"] * d ** data["b"]
    q = rows_to_one(np.stack([np.ones_like(null), null], axis=-1))
    return float(kl_rows(np.stack([data["wh"], 1 - data["wh"]], axis=-1), q).mean())


def sample_sammon(rng: np.random.Generator, n: int) -> Data:
    return {"y": normal(rng, n, 2), "D": positive(rng, n, n), "sigma": positive(rng)}


def published_sammon(data: Data) -> float:
    y, wanted, total, norm = data["y"], data["D"], 0.0, 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if j != i:
                norm += wanted[i, j]
                total += (wanted[i, j] - math.dist(y[i], y[j])) ** 2 / wanted[i, j]
    return float(total / norm)


def scaling_pair(data: Data) -> float:
    """KL of a Gaussian of the given distances against the Gaussian of the map."""
    p = rows_to_one(off_diagonal(np.exp(-(data["D"] ** 2) / (2 * data["sigma"] ** 2))))
    q = rows_to_one(off_diagonal(np.exp(-sqdist(data["y"], data["y"]))))
    return float(kl_rows(p, q).mean())


icon_sammon = scaling_pair
sample_metric_mds = sample_sammon


def published_metric_mds(data: Data) -> float:
    y, total = data["y"], 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if j != i:
                total += (math.dist(y[i], y[j]) - data["D"][i, j]) ** 2
    return float(total)


icon_metric_mds = scaling_pair


def sample_elastic_embedding(rng: np.random.Generator, n: int) -> Data:
    weights = {"w": positive(rng, n, n), "r": positive(rng, n, n)}
    return {"y": normal(rng, n, 2), **weights, "lambda": positive(rng)}


def published_elastic_embedding(data: Data) -> float:
    attraction = repulsion = 0.0
    for i, a in enumerate(data["y"]):
        for j, b in enumerate(data["y"]):
            attraction += data["w"][i, j] * sq(a - b)
            repulsion += data["r"][i, j] * math.exp(-sq(a - b))
    return float(attraction + data["lambda"] * repulsion)


def icon_elastic_embedding(data: Data) -> float:
    w = off_diagonal(data["w"])
    return kl_joint(w / w.sum(), off_diagonal(data["r"] * np.exp(-sqdist(data["y"], data["y"]))))


def sample_trimap(rng: np.random.Generator, n: int) -> Data:
    order = np.argsort(rng.random((n, 6)), axis=1)
    corners = dict(zip("abc", order[:, :3].T, strict=True))
    return {"y": normal(rng, 6, 2), **corners, "w": positive(rng, n)}


def published_trimap(data: Data) -> float:
    total = 0.0
    for a, b, c, w in zip(*(data[k] for k in "abcw"), strict=True):
        near = 1 / (1 + sq(data["y"][a] - data["y"][b]))
        far = 1 / (1 + sq(data["y"][a] - data["y"][c]))
        total += w * far / (near + far)
    return float(total)


def icon_trimap(data: Data) -> float:
    y = data["y"]
    corners = np.stack([y[data["b"]], y[data["c"]]], axis=1)
    q = rows_to_one(1 / (1 + ((corners - y[data["a"]][:, None]) ** 2).sum(-1)))
    return float(onto([1.0, 0.0], q).mean())


def sample_pacmap(rng: np.random.Generator, n: int) -> Data:
    pairs = {"head": rng.integers(6, size=n), "tail": rng.integers(6, size=n)}
    kinds = rng.permutation(np.arange(n) % 3)
    return {"y": 3 * normal(rng, 6, 2), **pairs, "kind": kinds, "w": positive(rng, 3)}


def published_pacmap(data: Data) -> float:
    near = middle = further = 0.0
    for head, tail, kind in zip(data["head"], data["tail"], data["kind"], strict=True):
        d = 1 + sq(data["y"][head] - data["y"][tail])
        if kind == 0:
            near += d / (10 + d)
        elif kind == 1:
            middle += d / (10000 + d)
        else:
            further += 1 / (1 + d)
    return float(data["w"] @ [near, middle, further])


def icon_pacmap(data: Data) -> float:
    d = 1 + ((data["y"][data["head"]] - data["y"][data["tail"]]) ** 2).sum(-1)
    strength = np.array([10.0, 10000.0, 1.0])[data["kind"]]
    q = rows_to_one(np.stack([strength, d], axis=-1))
    p = np.stack([data["kind"] < 2, data["kind"] == 2], axis=-1).astype(float)
    return float(kl_rows(p, q).mean())


def sample_nerv(rng: np.random.Generator, n: int) -> Data:
    return {**sample_symmetric_sne(rng, n), "lambda": rng.uniform(0.2, 0.8, size=())}


def published_nerv(data: Data) -> float:
    y, n, lam, total = data["y"], len(data["y"]), float(data["lambda"]), 0.0
    for i in range(n):
        below = sum(math.exp(-sq(y[i] - y[k])) for k in range(n) if k != i)
        for j in range(n):
            if j != i:
                p, q = perplexed(data, i, j), math.exp(-sq(y[i] - y[j])) / below
                total += lam * p * math.log(p / q) + (1 - lam) * q * math.log(q / p)
    return total


def icon_nerv(data: Data) -> float:
    q = rows_to_one(off_diagonal(np.exp(-sqdist(data["y"], data["y"]))))
    return float(kl_rows(gaussian_rows(data["x"], data["sigma"]), q).mean())


def claim_umap(data: Data) -> tuple[float, float]:
    return float(len(data["wh"])), 0.0


CLAIMS = {
    "symmetric-sne": lambda d: (1.0, 0.0),
    "umap": claim_umap,
}
NEGATIVES = {
    "sammon": ("y",),
    "metric-mds": ("y",),
    "elastic-embedding": ("y",),
    "trimap": ("y",),
    "pacmap": ("y",),
    "nerv": ("y",),
}
