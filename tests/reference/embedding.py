"""Reference values of neighbour embedding: SNE, t-SNE and their uniform and graph variants."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cauchy,
    entropy,
    gaussian_rows,
    kl_joint,
    kl_rows,
    nearest,
    normal,
    off_diagonal,
    positive,
    rows_to_one,
    sq,
    sqdist,
    symmetrise,
)


def sample_sne(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, DIM), "y": normal(rng, n, 2), "sigma": positive(rng, n)}


def published_sne(data: Data) -> float:
    x, y, sigma = data["x"], data["y"], data["sigma"]
    n, cost = len(x), 0.0
    for i in range(n):
        others = [k for k in range(n) if k != i]
        zp = sum(math.exp(-sq(x[i] - x[k]) / (2 * sigma[i] ** 2)) for k in others)
        zq = sum(math.exp(-sq(y[i] - y[k])) for k in others)
        for j in others:
            p = math.exp(-sq(x[i] - x[j]) / (2 * sigma[i] ** 2)) / zp
            cost += p * math.log(p / (math.exp(-sq(y[i] - y[j])) / zq))
    return cost


def icon_sne(data: Data) -> float:
    q = rows_to_one(off_diagonal(np.exp(-sqdist(data["y"], data["y"]))))
    return float(kl_rows(gaussian_rows(data["x"], data["sigma"]), q).mean())


def sample_sne_uniform(rng: np.random.Generator, n: int) -> Data:
    k = max(1, n // 3)
    return {"y": normal(rng, n, 2), "knn": nearest(rng, n, k), "k": np.array(float(k))}


def published_sne_uniform(data: Data) -> float:
    y, knn, k = data["y"], data["knn"], float(data["k"])
    n, total = len(y), 0.0
    for i in range(n):
        z = sum(math.exp(-sq(y[i] - y[m])) for m in range(n) if m != i)
        total -= sum(math.log(math.exp(-sq(y[i] - y[j])) / z) for j in range(n) if knn[i, j]) / k
    return total / n


def icon_sne_uniform(data: Data) -> float:
    q = rows_to_one(off_diagonal(np.exp(-sqdist(data["y"], data["y"]))))
    return float(kl_rows(rows_to_one(data["knn"] * 1.0), q).mean())


sample_t_sne = sample_sne


def published_t_sne(data: Data) -> float:
    x, y, sigma = data["x"], data["y"], data["sigma"]
    n = len(x)

    def conditional(j: int, i: int) -> float:
        z = sum(math.exp(-sq(x[i] - x[k]) / (2 * sigma[i] ** 2)) for k in range(n) if k != i)
        return math.exp(-sq(x[i] - x[j]) / (2 * sigma[i] ** 2)) / z

    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    z = sum(1 / (1 + sq(y[k] - y[m])) for k, m in pairs)
    cost = 0.0
    for i, j in pairs:
        p = (conditional(j, i) + conditional(i, j)) / (2 * n)
        cost += p * math.log(p / (1 / (1 + sq(y[i] - y[j])) / z))
    return cost


def icon_t_sne(data: Data) -> float:
    return kl_joint(symmetrise(gaussian_rows(data["x"], data["sigma"])), cauchy(data["y"]))


sample_conditional_t_sne = sample_sne
published_conditional_t_sne = published_t_sne


def icon_conditional_t_sne(data: Data) -> float:
    """The claimed pair: un-symmetrised rows of p against row-normalised Student-t."""
    p = gaussian_rows(data["x"], data["sigma"])
    return float(kl_rows(p, rows_to_one(cauchy(data["y"]))).mean())


def sample_t_sne_graph(rng: np.random.Generator, n: int) -> Data:
    return {"y": normal(rng, n, 2), "W": positive(rng, n, n)}


def published_t_sne_graph(data: Data) -> float:
    y, w = data["y"], data["W"]
    n = len(y)
    degree = [sum(w[i, k] for k in range(n) if k != i) for i in range(n)]
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    z = sum(1 / (1 + sq(y[k] - y[m])) for k, m in pairs)
    cost = 0.0
    for i, j in pairs:
        p = (w[i, j] / degree[i] + w[j, i] / degree[j]) / (2 * n)
        cost += p * math.log(p * z * (1 + sq(y[i] - y[j])))
    return cost


def icon_t_sne_graph(data: Data) -> float:
    return kl_joint(symmetrise(rows_to_one(off_diagonal(data["W"]))), cauchy(data["y"]))


sample_t_sne_uniform = sample_sne_uniform


def published_t_sne_uniform(data: Data) -> float:
    y, knn, k = data["y"], data["knn"], float(data["k"])
    n = len(y)
    z = sum(1 / (1 + sq(y[i] - y[j])) for i in range(n) for j in range(n) if i != j)
    cost = 0.0
    for i in range(n):
        for j in range(n):
            v = (float(knn[i, j]) / k + float(knn[j, i]) / k) / (2 * n)
            cost += v * (math.log(1 + sq(y[i] - y[j])) + math.log(z))
    return cost


def icon_t_sne_uniform(data: Data) -> float:
    return kl_joint(symmetrise(rows_to_one(data["knn"] * 1.0)), cauchy(data["y"]))


def entropy_t_sne_uniform(data: Data) -> float:
    return entropy(symmetrise(data["knn"] / float(data["k"])).ravel())


CLAIMS = {
    "sne": lambda d: (len(d["y"]), 0.0),
    "sne-uniform": lambda d: (1.0, math.log(d["k"])),
    "t-sne": lambda d: (1.0, 0.0),
    "t-sne-graph": lambda d: (1.0, 0.0),
    "t-sne-uniform": lambda d: (1.0, entropy_t_sne_uniform(d)),
}
NEGATIVES = {
    "conditional-t-sne": ("y",),
}
