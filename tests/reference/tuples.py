"""Reference values of metric-learning losses over given pairs, triplets and tuples."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cos,
    kl_rows,
    normal,
    onto,
    positive,
    softmax,
    sq,
    sqdist,
)


def sample_n_pair(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, DIM), "g": normal(rng, n, DIM)}


def published_n_pair(data: Data) -> float:
    f, g, total = data["f"], data["g"], 0.0
    for i in range(len(f)):
        wrong = [math.exp(f[i] @ g[j] - f[i] @ g[i]) for j in range(len(f)) if j != i]
        total += math.log(1 + sum(wrong))
    return total / len(f)


def icon_n_pair(data: Data) -> float:
    q = softmax(data["f"] @ data["g"].T)
    return float(kl_rows(np.eye(len(q)), q).mean())


def sample_angular(rng: np.random.Generator, n: int) -> Data:
    return {"a": normal(rng, n, DIM) / 2, "p": normal(rng, n, DIM) / 2, "t2": positive(rng)}


def published_angular(data: Data) -> float:
    a, p, t2, total = data["a"], data["p"], float(data["t2"]), 0.0
    for i in range(len(a)):
        near = 2 * (1 + t2) * (a[i] @ p[i])
        far = [4 * t2 * ((a[i] + p[i]) @ p[j]) for j in range(len(a)) if j != i]
        total += math.log(1 + sum(math.exp(x - near) for x in far))
    return total / len(a)


def icon_angular(data: Data) -> float:
    a, p, t2, eye = data["a"], data["p"], data["t2"], np.eye(len(data["a"]))
    scores = eye * 2 * (1 + t2) * (a @ p.T) + (1 - eye) * 4 * t2 * ((a + p) @ p.T)
    return float(kl_rows(eye, softmax(scores)).mean())


def sample_tuplet_margin(rng: np.random.Generator, n: int) -> Data:
    vectors = {"x": normal(rng, n, DIM), "g": normal(rng, n, 4, DIM), "plus": np.array(2)}
    beta = rng.uniform(0.05, 0.2)
    return {**vectors, "s": positive(rng), "cosb": np.cos(beta), "sinb": np.sin(beta)}


def published_tuplet_margin(data: Data) -> float:
    plus, s, total = int(data["plus"]), float(data["s"]), 0.0
    beta = math.atan2(float(data["sinb"]), float(data["cosb"]))
    for x, samples in zip(data["x"], data["g"], strict=True):
        eased = math.cos(math.acos(cos(x, samples[plus])) - beta)
        far = [cos(x, g) for j, g in enumerate(samples) if j != plus]
        total += math.log(1 + sum(math.exp(s * (c - eased)) for c in far))
    return total / len(data["x"])


def icon_tuplet_margin(data: Data) -> float:
    norms = np.linalg.norm(data["x"], axis=1)[:, None] * np.linalg.norm(data["g"], axis=2)
    c = np.einsum("id,ijd->ij", data["x"], data["g"]) / norms
    eased = c * data["cosb"] + np.sqrt(1 - c**2) * data["sinb"]
    own = np.arange(c.shape[1]) == data["plus"]
    return float(-np.log(softmax(data["s"] * np.where(own, eased, c))[:, data["plus"]]).mean())


def sample_soft_margin_triplet(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, DIM), "g": normal(rng, n, 2, DIM)}


def published_soft_margin_triplet(data: Data) -> float:
    total = 0.0
    for anchor, (near, far) in zip(data["f"], data["g"], strict=True):
        total += math.log(1 + math.exp(math.sqrt(sq(anchor - near)) - math.sqrt(sq(anchor - far))))
    return total


def icon_soft_margin_triplet(data: Data) -> float:
    distance = np.linalg.norm(data["f"][:, None] - data["g"], axis=2)
    return float(onto([1.0, 0.0], softmax(-distance)).mean())


def sample_pairwise_contrastive(rng: np.random.Generator, n: int) -> Data:
    return {"g": normal(rng, n, DIM), "similar": rng.random((n, n)) < 0.4, "m": 2 * positive(rng)}


def published_pairwise_contrastive(data: Data) -> float:
    g, m, total = data["g"], float(data["m"]), 0.0
    for i in range(len(g)):
        for j in range(len(g)):
            distance = math.sqrt(sq(g[i] - g[j]))
            if i != j:
                gap = distance if data["similar"][i, j] else max(0.0, m - distance)
                total += gap**2 / 2
    return total


def icon_pairwise_contrastive(data: Data) -> float:
    logits = data["m"] ** 2 - sqdist(data["g"], data["g"])
    match = 1.0 * data["similar"]
    q = softmax(np.stack([logits, 0 * logits], axis=-1))
    pairs = kl_rows(np.stack([match, 1 - match], axis=-1), q)
    return float(pairs[~np.eye(len(pairs), dtype=bool)].mean())


CLAIMS = {
    "n-pair": lambda d: (1.0, 0.0),
    "angular": lambda d: (1.0, 0.0),
    "tuplet-margin": lambda d: (1.0, 0.0),
    "soft-margin-triplet": lambda d: (len(d["f"]), 0.0),
}
NEGATIVES = {"pairwise-contrastive": ("g",)}
