"""Reference values of clustering and discovery: assignments, topics, pseudo-labels."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    entropy,
    kl_rows,
    mixed_graph,
    normal,
    one_hot,
    positive,
    rows_to_one,
    softmax,
    sq,
    sqdist,
)


def sample_dec(rng: np.random.Generator, n: int) -> Data:
    vectors = {"z": normal(rng, n, DIM), "mu": normal(rng, 4, DIM)}
    return {**vectors, "p": softmax(normal(rng, n, 4)), "alpha": 2 * positive(rng)}


def published_dec(data: Data) -> float:
    a, total = float(data["alpha"]), 0.0
    for z, targets in zip(data["z"], data["p"], strict=True):
        k = [(1 + sq(z - mu) / a) ** (-(a + 1) / 2) for mu in data["mu"]]
        for p, kernel in zip(targets, k, strict=True):
            total += p * math.log(p / (kernel / sum(k)))
    return total


def icon_dec(data: Data) -> float:
    log_k = -(data["alpha"] + 1) / 2 * np.log1p(sqdist(data["z"], data["mu"]) / data["alpha"])
    return float(kl_rows(data["p"], softmax(log_k)).mean())


def sample_plsa(rng: np.random.Generator, n: int) -> Data:
    words = rng.integers(4, size=(n, 6)).astype(float)
    words[:, 0] += 1
    topics = {"theta": softmax(normal(rng, n, 3)), "phi": softmax(normal(rng, 3, 6))}
    return {**topics, "N": words}


def published_plsa(data: Data) -> float:
    """Every word of every document spelt out once per occurrence."""
    losses: list[float] = []
    for theta, row in zip(data["theta"], data["N"], strict=True):
        for w, count in enumerate(row):
            mixed = sum(t * phi[w] for t, phi in zip(theta, data["phi"], strict=True))
            losses += [-math.log(mixed)] * int(count)
    return sum(losses)


def icon_plsa(data: Data) -> float:
    kl = kl_rows(rows_to_one(data["N"]), data["theta"] @ data["phi"])
    return float(np.average(kl, weights=data["N"].sum(1)))


def claim_plsa(data: Data) -> tuple[float, float]:
    total = float(data["N"].sum())
    return total, total * entropy(rows_to_one(data["N"]), data["N"].sum(1))


def sample_scan(rng: np.random.Generator, n: int) -> Data:
    return {"phi": softmax(normal(rng, n, 3)), "knn": mixed_graph(rng, n)}


def published_scan(data: Data) -> float:
    total = 0.0
    for i, j in zip(*np.nonzero(data["knn"]), strict=True):
        total -= math.log(float(data["phi"][i] @ data["phi"][j]))
    return total / len(data["phi"])


def icon_scan(data: Data) -> float:
    phi = data["phi"]
    p = rows_to_one(data["knn"].astype(float))
    return float(kl_rows(p, phi / phi.sum(0) @ phi.T).mean())


def sample_temi(rng: np.random.Generator, n: int) -> Data:
    return {**sample_scan(rng, n), "psi": softmax(normal(rng, n, 3)), "beta": np.array(0.6)}


def published_temi(data: Data) -> float:
    beta, total = float(data["beta"]), 0.0
    frequency = data["psi"].mean(0)
    for i, graph in enumerate(data["knn"]):
        for j in np.flatnonzero(graph):
            both = zip(data["phi"][i], data["psi"][j], frequency, strict=True)
            total -= math.log(sum((a * b) ** beta / f for a, b, f in both)) / graph.sum()
    return float(total / len(data["phi"]))


def icon_temi(data: Data) -> float:
    p = rows_to_one(data["knn"].astype(float))
    return float(kl_rows(p, data["phi"] @ (data["psi"] / data["psi"].sum(0)).T).mean())


def sample_simgcd(rng: np.random.Generator, n: int) -> Data:
    scalars = {"epsilon": positive(rng), "tau": positive(rng)}
    return {"s": normal(rng, n, 4), "q": softmax(2 * normal(rng, n, 4)), **scalars}


def published_simgcd(data: Data) -> float:
    total, predictions = 0.0, []
    for s, q in zip(data["s"], data["q"], strict=True):
        e = [math.exp(v / float(data["tau"])) for v in s]
        predictions.append([v / sum(e) for v in e])
        total -= sum(a * math.log(b) for a, b in zip(q, predictions[-1], strict=True))
    mean = [sum(column) / len(predictions) for column in zip(*predictions, strict=True)]
    spread = sum(v * math.log(v) for v in mean)
    return float(total / len(predictions) + float(data["epsilon"]) * spread)


def icon_simgcd(data: Data) -> float:
    return float(kl_rows(data["q"], softmax(data["s"] / data["tau"])).mean())


def sample_pim(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 4), "q": softmax(normal(rng, n, 4)), "lambda": positive(rng)}


def published_pim(data: Data) -> float:
    rows = [[math.exp(v) / sum(map(math.exp, s)) for v in s] for s in data["s"]]
    sure = -sum(v * math.log(v) for row in rows for v in row) / len(rows)
    mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return sure + float(data["lambda"]) * sum(v * math.log(v) for v in mean)


def icon_pim(data: Data) -> float:
    return float(kl_rows(data["q"], softmax(data["s"])).mean())


def sample_fixmatch(rng: np.random.Generator, n: int) -> Data:
    sure = rng.permutation(np.arange(n) < max(1, n // 2))
    return {"s": normal(rng, n, 4), "yhat": rng.integers(4, size=n), "sure": sure}


def published_fixmatch(data: Data) -> float:
    total = 0.0
    for s, y, sure in zip(data["s"], data["yhat"], data["sure"], strict=True):
        if sure:
            total -= math.log(math.exp(s[y]) / sum(map(math.exp, s)))
    return total / len(data["s"])


def icon_fixmatch(data: Data) -> float:
    kl = kl_rows(one_hot(data["yhat"], 4), softmax(data["s"]))
    return float(kl[data["sure"]].mean())


CLAIMS = {
    "dec": lambda d: (float(len(d["z"])), 0.0),
    "plsa": claim_plsa,
    "fixmatch": lambda d: (float(d["sure"].mean()), 0.0),
}
NEGATIVES = {
    "scan": ("phi",),
    "temi": ("phi",),
    "simgcd": ("s",),
    "pim": ("s",),
}
