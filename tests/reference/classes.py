"""Reference values of losses over classes, words, answers and triplets."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cos,
    cosines,
    entropy,
    kl_rows,
    normal,
    one_hot,
    onto,
    positive,
    rows_to_one,
    softmax,
    sq,
    sqdist,
)


def sample_cross_entropy(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, 5), "y": rng.integers(5, size=n)}


def published_cross_entropy(data: Data) -> float:
    losses = []
    for row, y in zip(data["x"], data["y"], strict=True):
        losses.append(-math.log(math.exp(row[y]) / sum(map(math.exp, row))))
    return sum(losses) / len(losses)


def icon_cross_entropy(data: Data) -> float:
    return float(kl_rows(one_hot(data["y"], 5), softmax(data["x"])).mean())


def sample_label_smoothing(rng: np.random.Generator, n: int) -> Data:
    labels = rng.integers(5, size=n)
    return {"z": normal(rng, n, 5), "y": labels, "epsilon": rng.uniform(0.05, 0.3, size=())}


def published_label_smoothing(data: Data) -> float:
    epsilon, total = float(data["epsilon"]), 0.0
    for row, y in zip(data["z"], data["y"], strict=True):
        log_p = [v - math.log(sum(map(math.exp, row))) for v in row]
        total -= sum(lp * ((1 - epsilon) * (k == y) + epsilon / 5) for k, lp in enumerate(log_p))
    return total / len(data["z"])


def target_label_smoothing(data: Data) -> np.ndarray:
    return (1 - data["epsilon"]) * one_hot(data["y"], 5) + data["epsilon"] / 5


def icon_label_smoothing(data: Data) -> float:
    return float(kl_rows(target_label_smoothing(data), softmax(data["z"])).mean())


def sample_knowledge_distillation(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 5), "v": normal(rng, n, 5), "T": 3 * positive(rng)}


def published_knowledge_distillation(data: Data) -> float:
    t, total = float(data["T"]), 0.0
    for student, teacher in zip(data["z"], data["v"], strict=True):
        zq, zp = (sum(math.exp(a / t) for a in row) for row in (student, teacher))
        for a, b in zip(student, teacher, strict=True):
            total -= t * t * math.exp(b / t) / zp * math.log(math.exp(a / t) / zq)
    return total / len(data["z"])


def icon_knowledge_distillation(data: Data) -> float:
    return float(kl_rows(softmax(data["v"] / data["T"]), softmax(data["z"] / data["T"])).mean())


def sample_focal(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 5), "y": rng.integers(5, size=n), "gamma": np.array(2.0)}


def published_focal(data: Data) -> float:
    losses = []
    for row, y in zip(data["z"], data["y"], strict=True):
        p_t = math.exp(row[y]) / sum(map(math.exp, row))
        losses.append(-((1 - p_t) ** float(data["gamma"])) * math.log(p_t))
    return sum(losses) / len(losses)


def icon_focal(data: Data) -> float:
    return float(kl_rows(one_hot(data["y"], 5), softmax(data["z"])).mean())


def sample_cosface(rng: np.random.Generator, n: int) -> Data:
    vectors = {"x": normal(rng, n, DIM), "w": normal(rng, 5, DIM), "y": rng.integers(5, size=n)}
    return {**vectors, "s": 4 * positive(rng), "m": np.array(0.35)}


def published_cosface(data: Data) -> float:
    x, w, s, m, total = data["x"], data["w"], float(data["s"]), float(data["m"]), 0.0
    for i, y in enumerate(data["y"]):
        target = math.exp(s * (cos(x[i], w[y]) - m))
        rest = sum(math.exp(s * cos(x[i], w[j])) for j in range(len(w)) if j != y)
        total -= math.log(target / (target + rest))
    return total / len(x)


def icon_cosface(data: Data) -> float:
    target = one_hot(data["y"], 5)
    q = softmax(data["s"] * (cosines(data["x"], data["w"]) - data["m"] * target))
    return float(kl_rows(target, q).mean())


def sample_harmonic(rng: np.random.Generator, n: int) -> Data:
    vectors = {"x": normal(rng, n, DIM), "w": normal(rng, 5, DIM), "y": rng.integers(5, size=n)}
    return {**vectors, "h": 3 * positive(rng)}


def published_harmonic(data: Data) -> float:
    w, h, total = data["w"], float(data["h"]), 0.0
    for x, y in zip(data["x"], data["y"], strict=True):
        d = [math.sqrt(sq(x - centre)) for centre in w]
        total -= math.log((1 / d[y] ** h) / sum(1 / a**h for a in d))
    return total / len(data["x"])


def icon_harmonic(data: Data) -> float:
    q = rows_to_one(sqdist(data["x"], data["w"]) ** (-data["h"] / 2))
    return float(kl_rows(one_hot(data["y"], 5), q).mean())


def sample_mlm(rng: np.random.Generator, n: int) -> Data:
    counts = rng.integers(4, size=(n, 6)).astype(float)
    counts[:, 0] += 1
    return {"h": normal(rng, n, DIM), "E": normal(rng, 6, DIM), "b": normal(rng, 6), "N": counts}


def published_mlm(data: Data) -> float:
    """Mean over masked positions, every position spelt out once per occurrence."""
    losses: list[float] = []
    for i, counts in enumerate(data["N"]):
        pairs = zip(data["E"], data["b"], strict=True)
        logits = [float(data["h"][i] @ e) + bias for e, bias in pairs]
        for word, count in enumerate(counts):
            losses += [math.log(sum(map(math.exp, logits))) - logits[word]] * int(count)
    return sum(losses) / len(losses)


def icon_mlm(data: Data) -> float:
    counts = data["N"]
    q = softmax(data["h"] @ data["E"].T + data["b"])
    return float(np.average(kl_rows(rows_to_one(counts), q), weights=counts.sum(1)))


def sample_dpo(rng: np.random.Generator, n: int) -> Data:
    return {"logpi": -positive(rng, n, 2), "logref": -positive(rng, n, 2), "beta": positive(rng)}


def published_dpo(data: Data) -> float:
    pi, ref, beta = np.exp(data["logpi"]), np.exp(data["logref"]), float(data["beta"])
    total = 0.0
    for (pw, pl), (rw, rl) in zip(pi, ref, strict=True):
        margin = beta * math.log(pw / rw) - beta * math.log(pl / rl)
        total -= math.log(1 / (1 + math.exp(-margin)))
    return total / len(pi)


def icon_dpo(data: Data) -> float:
    q = softmax(data["beta"] * (data["logpi"] - data["logref"]))
    return float(onto([1.0, 0.0], q).mean())


def sample_triplet(rng: np.random.Generator, n: int) -> Data:
    vectors = {"f": normal(rng, n, DIM), "g": normal(rng, n, 2, DIM)}
    return {**vectors, "alpha": np.array(0.5), "s": positive(rng)}


def published_triplet(data: Data) -> float:
    alpha, total = float(data["alpha"]), 0.0
    for anchor, (near, far) in zip(data["f"], data["g"], strict=True):
        total += max(0.0, sq(anchor - near) - sq(anchor - far) + alpha)
    return total


def icon_triplet(data: Data) -> float:
    d = ((data["f"][:, None] - data["g"]) ** 2).sum(-1) + data["alpha"] * np.array([1.0, 0.0])
    return float(onto([1.0, 0.0], softmax(-d / (2 * data["s"] ** 2))).mean())


def claim_mlm(data: Data) -> tuple[float, float]:
    return 1.0, entropy(rows_to_one(data["N"]), data["N"].sum(1))


def claim_knowledge_distillation(data: Data) -> tuple[float, float]:
    square = float(data["T"]) ** 2
    return square, square * entropy(softmax(data["v"] / data["T"]))


CLAIMS = {
    "cross-entropy": lambda d: (1.0, 0.0),
    "harmonic": lambda d: (1.0, 0.0),
    "mlm": claim_mlm,
    "label-smoothing": lambda d: (1.0, entropy(target_label_smoothing(d))),
    "knowledge-distillation": claim_knowledge_distillation,
    "dpo": lambda d: (1.0, 0.0),
    "cosface": lambda d: (1.0, 0.0),
}
NEGATIVES = {
    "focal": ("z",),
    "triplet": ("f", "g"),
}
