"""Reference values of vectors of words and of the vertices of a graph."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.retrieval import graph, log_sigmoid
from tests.reference.tools import (
    DIM,
    Data,
    entropy,
    kl_joint,
    kl_rows,
    mixed_graph,
    normal,
    off_diagonal,
    positive,
    rows_to_one,
    softmax,
)


def counts(rng: np.random.Generator, n: int) -> np.ndarray:
    table = rng.integers(4, size=(n, n)).astype(float)
    table[:, 0] += 1
    return np.asarray(table)


def sample_skip_gram(rng: np.random.Generator, n: int) -> Data:
    vectors = {"v": normal(rng, n, DIM), "vp": normal(rng, n, DIM)}
    return {**vectors, "N": counts(rng, n), "T": np.array(20.0)}


def published_skip_gram(data: Data) -> float:
    """Every pair of words spelt out once per occurrence."""
    losses: list[float] = []
    for w, row in enumerate(data["N"]):
        scores = [float(data["v"][w] @ out) for out in data["vp"]]
        below = sum(map(math.exp, scores))
        for c, count in enumerate(row):
            losses += [-math.log(math.exp(scores[c]) / below)] * int(count)
    return sum(losses) / float(data["T"])


def icon_skip_gram(data: Data) -> float:
    kl = kl_rows(rows_to_one(data["N"]), softmax(data["v"] @ data["vp"].T))
    return float(np.average(kl, weights=data["N"].sum(1)))


def sample_hierarchical_softmax(rng: np.random.Generator, n: int) -> Data:
    vectors = {"vI": normal(rng, n, DIM), "vp": normal(rng, 5, DIM)}
    return {**vectors, "path": graph(rng, n, 5), "left": rng.random((n, 5)) < 0.5}


def published_hierarchical_softmax(data: Data) -> float:
    total = 0.0
    for i, vector in enumerate(data["vI"]):
        likelihood = 1.0
        for v, node in enumerate(data["vp"]):
            if data["path"][i, v]:
                sign = 1 if data["left"][i, v] else -1
                likelihood *= 1 / (1 + math.exp(-sign * float(node @ vector)))
        total -= math.log(likelihood)
    return total


def icon_hierarchical_softmax(data: Data) -> float:
    s = data["vI"] @ data["vp"].T
    turn = np.stack([data["left"], ~data["left"]], axis=-1).astype(float)
    kl = kl_rows(turn, softmax(np.stack([s, np.zeros_like(s)], axis=-1)))
    return float(np.average(kl, weights=data["path"]))


def sample_glove(rng: np.random.Generator, n: int) -> Data:
    vectors = {"v": normal(rng, n, DIM), "vt": normal(rng, n, DIM)}
    biases = {"b": normal(rng, n), "bt": normal(rng, n)}
    return {**vectors, **biases, "X": positive(rng, n, n), "f": positive(rng, n, n)}


def published_glove(data: Data) -> float:
    total = 0.0
    for w, row in enumerate(data["X"]):
        for c, count in enumerate(row):
            fit = float(data["v"][w] @ data["vt"][c]) + data["b"][w] + data["bt"][c]
            total += data["f"][w, c] * (fit - math.log(count)) ** 2
    return float(total)


def icon_glove(data: Data) -> float:
    q = softmax(data["v"] @ data["vt"].T + data["bt"])
    return float(kl_rows(rows_to_one(data["X"]), q).mean())


def sample_line_first_order(rng: np.random.Generator, n: int) -> Data:
    return {"u": normal(rng, n, DIM), "w": positive(rng, n, n)}


def published_line_first_order(data: Data) -> float:
    total = 0.0
    for i, a in enumerate(data["u"]):
        for j, b in enumerate(data["u"]):
            if j != i:
                total -= data["w"][i, j] * log_sigmoid(float(a @ b))
    return float(total)


def icon_line_first_order(data: Data) -> float:
    w = off_diagonal(data["w"])
    return kl_joint(w / w.sum(), off_diagonal(1 / (1 + np.exp(-data["u"] @ data["u"].T))))


def sample_line(rng: np.random.Generator, n: int) -> Data:
    return {"u": normal(rng, n, DIM), "up": normal(rng, n, DIM), "w": counts(rng, n)}


def published_line(data: Data) -> float:
    total = 0.0
    for i, source in enumerate(data["u"]):
        below = sum(math.exp(float(source @ c)) for c in data["up"])
        for j, context in enumerate(data["up"]):
            total -= data["w"][i, j] * math.log(math.exp(float(source @ context)) / below)
    return float(total)


def icon_line(data: Data) -> float:
    kl = kl_rows(rows_to_one(data["w"]), softmax(data["u"] @ data["up"].T))
    return float(np.average(kl, weights=data["w"].sum(1)))


def sample_node2vec(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, DIM), "near": mixed_graph(rng, n)}


def published_node2vec(data: Data) -> float:
    total = 0.0
    for u, f in enumerate(data["f"]):
        total += math.log(sum(math.exp(float(f @ g)) for g in data["f"]))
        total -= sum(float(f @ data["f"][v]) for v in np.flatnonzero(data["near"][u]))
    return total


def icon_node2vec(data: Data) -> float:
    q = softmax(data["f"] @ data["f"].T)
    return float(kl_rows(rows_to_one(data["near"].astype(float)), q).mean())


def sample_sgns(rng: np.random.Generator, n: int) -> Data:
    vectors = {"v": normal(rng, n, DIM), "vp": normal(rng, n, 4, DIM)}
    return {**vectors, "real": rng.random((n, 4)) < 0.4}


def published_sgns(data: Data) -> float:
    total = 0.0
    for word, candidates, real in zip(data["v"], data["vp"], data["real"], strict=True):
        for context, is_real in zip(candidates, real, strict=True):
            product = float(context @ word)
            total -= log_sigmoid(product) if is_real else log_sigmoid(-product)
    return total


def icon_sgns(data: Data) -> float:
    s = np.einsum("imd,id->im", data["vp"], data["v"])
    q = softmax(np.stack([s, np.zeros_like(s)], axis=-1))
    p = np.stack([data["real"], ~data["real"]], axis=-1).astype(float)
    return float(kl_rows(p, q).mean())


def claim_skip_gram(data: Data) -> tuple[float, float]:
    scale = data["N"].sum() / float(data["T"])
    return scale, scale * entropy(rows_to_one(data["N"]), data["N"].sum(1))


def claim_line(data: Data) -> tuple[float, float]:
    total = float(data["w"].sum())
    return total, total * entropy(rows_to_one(data["w"]), data["w"].sum(1))


def sample_sgns_expected(rng: np.random.Generator, n: int) -> Data:
    tables = {"N": counts(rng, n), "P": softmax(normal(rng, n)), "k": np.array(5.0)}
    return {"v": normal(rng, n, DIM), "vp": normal(rng, n, DIM), **tables}


def published_sgns_expected(data: Data) -> float:
    """Every pair of the text spelt out, with the expected loss of its k draws."""
    total, k = 0.0, float(data["k"])
    for w, row in enumerate(data["N"]):
        scores = [float(data["v"][w] @ out) for out in data["vp"]]
        drawn = sum(p * log_sigmoid(-s) for p, s in zip(data["P"], scores, strict=True))
        for count, s in zip(row, scores, strict=True):
            total -= sum(log_sigmoid(s) + k * drawn for _ in range(int(count)))
    return total


def expected_draws(data: Data) -> np.ndarray:
    """How often a pair is drawn as a negative."""
    return np.asarray(data["k"] * np.outer(data["N"].sum(1), data["P"]))


def icon_sgns_expected(data: Data) -> float:
    s = data["v"] @ data["vp"].T
    noise = expected_draws(data)
    losses = data["N"] * np.logaddexp(0, -s) + noise * np.logaddexp(0, s)
    return float(losses.sum() / (data["N"] + noise).sum())


CLAIMS = {
    "sgns-expected": lambda d: (float((d["N"] + expected_draws(d)).sum()), 0.0),
    "skip-gram": claim_skip_gram,
    "sgns": lambda d: (float(d["real"].size), 0.0),
    "hierarchical-softmax": lambda d: (float(d["path"].sum()), 0.0),
    "line": claim_line,
}
NEGATIVES = {
    "glove": ("v", "vt", "b", "bt"),
    "line-first-order": ("u",),
    "node2vec": ("f",),
}
