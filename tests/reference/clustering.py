"""Reference values of clustering by a walk through the clusters."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    Data,
    kl_rows,
    mixed_graph,
    normal,
    positive,
    rows_to_one,
    softmax,
)


def sample_pmi_clustering(rng: np.random.Generator, n: int) -> Data:
    return {"phi": softmax(normal(rng, n, 3)), "knn": mixed_graph(rng, n)}


def walk(phi: np.ndarray) -> np.ndarray:
    """sum_c phi_ic phi_jc / sum_l phi_lc, a doubly stochastic matrix."""
    return (phi / phi.sum(0)) @ phi.T


def published_pmi_clustering(data: Data) -> float:
    phi, total = data["phi"], 0.0
    prior = [sum(column) / len(phi) for column in phi.T]
    for i, row in enumerate(data["knn"]):
        near = np.flatnonzero(row)
        for j in near:
            joint = sum(a * b / c for a, b, c in zip(phi[i], phi[j], prior, strict=True))
            total -= math.log(joint) / len(near)
    return total / len(phi)


def icon_pmi_clustering(data: Data) -> float:
    return float(kl_rows(rows_to_one(data["knn"] * 1.0), walk(data["phi"])).mean())


def sample_infonce_clustering(rng: np.random.Generator, n: int) -> Data:
    """One assignment is hard, so that only the mixing keeps q positive."""
    data = {**sample_pmi_clustering(rng, n), "alpha": rng.uniform(0.1, 0.6, size=())}
    data["phi"][0] = [1.0, 0.0, 0.0]
    return data


def published_infonce_clustering(data: Data) -> float:
    phi, alpha, total = data["phi"], float(data["alpha"]), 0.0
    prior = [sum(column) / len(phi) for column in phi.T]
    for i, row in enumerate(data["knn"]):
        near = np.flatnonzero(row)
        for j in near:
            joint = sum(a * b / c for a, b, c in zip(phi[i], phi[j], prior, strict=True))
            total -= math.log((1 - alpha) * joint + alpha) / len(near)
    return total / len(phi)


def icon_infonce_clustering(data: Data) -> float:
    q = (1 - data["alpha"]) * walk(data["phi"]) + data["alpha"] / len(data["phi"])
    return float(kl_rows(rows_to_one(data["knn"] * 1.0), q).mean())


def sample_dcd(rng: np.random.Generator, n: int) -> Data:
    phi = softmax(normal(rng, n, 3))
    return {"phi": phi, "edge": mixed_graph(rng, n), "A": positive(rng, n, n)}


def published_dcd(data: Data) -> float:
    phi, n, total = data["phi"], len(data["phi"]), 0.0
    size = phi.sum(0)
    for i in range(n):
        for j in range(n):
            a = float(data["A"][i, j]) if data["edge"][i, j] else 0.0
            b = sum(phi[i, c] * phi[j, c] / size[c] for c in range(phi.shape[1]))
            total += (a * math.log(a / b) if a > 0 else 0.0) - a + b
    return total


def icon_dcd(data: Data) -> float:
    weights = data["A"] * data["edge"]
    rows = kl_rows(rows_to_one(weights), walk(data["phi"]))
    return float(np.average(rows, weights=weights.sum(1)))


def mean_log_neighbours(data: Data) -> float:
    return float(np.log(data["knn"].sum(1)).mean())


def claim_dcd(data: Data) -> tuple[float, float]:
    a = (data["A"] * data["edge"]).sum(1)
    return float(a.sum()), float((a * np.log(a)).sum() - a.sum() + len(a))


def sample_pairwise_similarity_bce(rng: np.random.Generator, n: int) -> Data:
    return {"phi": softmax(normal(rng, n, 3)), "alike": mixed_graph(rng, n)}


def published_pairwise_similarity_bce(data: Data) -> float:
    phi, total = data["phi"], 0.0
    for i, row in enumerate(data["alike"]):
        for j, alike in enumerate(row):
            agree = sum(a * b for a, b in zip(phi[i], phi[j], strict=True))
            total -= math.log(agree if alike else 1 - agree)
    return total / len(phi) ** 2


def icon_pairwise_similarity_bce(data: Data) -> float:
    agree = data["phi"] @ data["phi"].T
    q, alike = np.stack([agree, 1 - agree], axis=-1), data["alike"]
    return float(kl_rows(np.stack([alike, ~alike], axis=-1).astype(float), q).mean())


CLAIMS = {
    "pairwise-similarity-bce": lambda d: (1.0, 0.0),
    "dcd": claim_dcd,
    "pmi-clustering": lambda d: (1.0, mean_log_neighbours(d) - math.log(len(d["phi"]))),
    "infonce-clustering": lambda d: (1.0, mean_log_neighbours(d) - math.log(len(d["phi"]))),
}
