"""Reference values of losses between two sets: candidates, crops, modalities, views."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cos,
    cosines,
    kl_rows,
    normal,
    one_hot,
    positive,
    softmax,
)


def sample_infonce(rng: np.random.Generator, n: int) -> Data:
    candidates = n + 3
    codes = {"c": normal(rng, n, DIM), "z": normal(rng, candidates, DIM)}
    return {**codes, "pos": rng.integers(candidates, size=n), "tau": positive(rng)}


def published_infonce(data: Data) -> float:
    c, z, tau, total = data["c"], data["z"], float(data["tau"]), 0.0
    for i, context in enumerate(c):
        f = [math.exp(context @ sample / tau) for sample in z]
        total -= math.log(f[data["pos"][i]] / sum(f))
    return total / len(c)


def icon_infonce(data: Data) -> float:
    q = softmax(data["c"] @ data["z"].T / data["tau"])
    return float(kl_rows(one_hot(data["pos"], len(data["z"])), q).mean())


def sample_infonce_k(rng: np.random.Generator, n: int) -> Data:
    data, k = sample_infonce(rng, n), max(2, n // 2)
    del data["pos"]
    match = rng.permuted(np.tile(np.arange(n + 3) < k, (n, 1)), axis=1)
    return {**data, "match": match, "k": np.array(float(k))}


def published_infonce_k(data: Data) -> float:
    c, z, tau, total = data["c"], data["z"], float(data["tau"]), 0.0
    for i, context in enumerate(c):
        f = [math.exp(context @ sample / tau) for sample in z]
        positives = [j for j in range(len(z)) if data["match"][i, j]]
        total -= sum(math.log(f[j] / sum(f)) for j in positives) / len(positives)
    return total / len(c)


def icon_infonce_k(data: Data) -> float:
    q = softmax(data["c"] @ data["z"].T / data["tau"])
    return float(kl_rows(data["match"] / data["k"], q).mean())


def sample_moco_v3(rng: np.random.Generator, n: int) -> Data:
    return {"q": normal(rng, 2, n, DIM), "k": normal(rng, 2, n, DIM), "tau": positive(rng)}


def published_moco_v3(data: Data) -> float:
    """ctr(q1, k2) + ctr(q2, k1); data["k"][a] holds the keys that crop a is compared with."""
    tau = float(data["tau"])

    def ctr(q: np.ndarray, k: np.ndarray) -> float:
        logits = q @ k.T / tau
        losses = [math.log(np.exp(row).sum()) - row[i] for i, row in enumerate(logits)]
        return 2 * tau * sum(losses) / len(losses)

    (q1, q2), (k2, k1) = data["q"], data["k"]
    return ctr(q1, k2) + ctr(q2, k1)


def icon_moco_v3(data: Data) -> float:
    q = softmax(np.einsum("aid,ajd->aij", data["q"], data["k"]) / data["tau"])
    return float(kl_rows(np.broadcast_to(np.eye(q.shape[1]), q.shape), q).mean())


def sample_clip(rng: np.random.Generator, n: int) -> Data:
    return {"I": normal(rng, n, DIM), "T": normal(rng, n, DIM), "t": normal(rng)}


def published_clip(data: Data) -> float:
    image = data["I"] / np.linalg.norm(data["I"], axis=1, keepdims=True)
    text = data["T"] / np.linalg.norm(data["T"], axis=1, keepdims=True)
    logits = image @ text.T * np.exp(data["t"])

    def cross_entropy(rows: np.ndarray) -> float:
        return float(np.mean([np.log(np.exp(row).sum()) - row[i] for i, row in enumerate(rows)]))

    return (cross_entropy(logits) + cross_entropy(logits.T)) / 2


def icon_clip(data: Data) -> float:
    s = cosines(data["I"], data["T"]) * np.exp(data["t"])
    eye = np.eye(len(s))
    return float(np.concatenate([kl_rows(eye, softmax(s)), kl_rows(eye, softmax(s.T))]).mean())


def sample_cmc(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, 3, n, DIM), "tau": positive(rng)}


def published_cmc(data: Data) -> float:
    z, tau = data["z"], float(data["tau"])
    views, n = z.shape[:2]

    def contrast(a: int, b: int) -> float:
        total = 0.0
        for i in range(n):
            rest = sum(math.exp(cos(z[a, i], z[b, j]) / tau) for j in range(n))
            total -= math.log(math.exp(cos(z[a, i], z[b, i]) / tau) / rest)
        return total / n

    return sum(contrast(a, b) + contrast(b, a) for a in range(views) for b in range(a + 1, views))


def icon_cmc(data: Data) -> float:
    unit = data["z"] / np.linalg.norm(data["z"], axis=-1, keepdims=True)
    q = softmax(np.einsum("aid,bjd->abij", unit, unit) / data["tau"])
    rows = kl_rows(np.broadcast_to(np.eye(q.shape[2]), q.shape), q)
    return float(rows[~np.eye(len(q), dtype=bool)].mean())


def sample_siglip(rng: np.random.Generator, n: int) -> Data:
    vectors = {"x": normal(rng, n, DIM), "y": normal(rng, n, DIM)}
    return {**vectors, "t": positive(rng), "b": normal(rng)}


def published_siglip(data: Data) -> float:
    x, y, t, b = data["x"], data["y"], float(data["t"]), float(data["b"])
    n, total = len(x), 0.0
    for i in range(n):
        for j in range(n):
            z = 1 if i == j else -1
            total += math.log(1 / (1 + math.exp(z * (-t * (x[i] @ y[j]) + b))))
    return -total / n


def icon_siglip(data: Data) -> float:
    logits = data["t"] * (data["x"] @ data["y"].T) - data["b"]
    q = softmax(np.stack([logits, np.zeros_like(logits)], axis=-1))
    eye = np.eye(len(logits))
    return float(kl_rows(np.stack([eye, 1 - eye], axis=-1), q).mean())


CLAIMS = {
    "infonce": lambda d: (1.0, 0.0),
    "infonce-k": lambda d: (1.0, math.log(d["k"])),
    "moco-v3": lambda d: (4 * float(d["tau"]), 0.0),
    "clip": lambda d: (1.0, 0.0),
    "cmc": lambda d: (len(d["z"]) * (len(d["z"]) - 1), 0.0),
    "siglip": lambda d: (len(d["x"]), 0.0),
}
