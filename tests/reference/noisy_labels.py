"""Reference values of losses for noisy, partial or overconfident labels."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.softmax_family import labelled, minus_log, one_hot_kl
from tests.reference.tools import (
    Data,
    entropy,
    kl_rows,
    normal,
    one_hot,
    positive,
    rows_to_one,
    softmax,
)

CLASSES = 5


def probabilities(row: np.ndarray) -> list[float]:
    return [math.exp(-minus_log(row, c)) for c in range(len(row))]


def one_hot_loss(data: Data) -> float:
    return float(one_hot_kl(data, softmax(data["z"])).mean())


def sample_zloss(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n, "o"), "a": positive(rng), "b": normal(rng)}


def published_zloss(data: Data) -> float:
    a, b, total = float(data["a"]), float(data["b"]), 0.0
    for row, y in zip(data["o"], data["y"], strict=True):
        mean = sum(row) / len(row)
        deviation = math.sqrt(sum(v**2 for v in row) / len(row) - mean**2)
        total += math.log1p(math.exp(a * (b - (row[y] - mean) / deviation))) / a
    return total / len(data["o"])


def icon_zloss(data: Data) -> float:
    return one_hot_loss({"z": data["o"], "y": data["y"]})


def sample_ldr_kl(rng: np.random.Generator, n: int) -> Data:
    margins = positive(rng, CLASSES, CLASSES)
    return {**labelled(rng, n, "f"), "lambda": positive(rng), "delta": margins}


def published_ldr_kl(data: Data) -> float:
    """The maximum over distributions of the classes, at its maximiser."""
    total, lam = 0.0, float(data["lambda"])
    for row, y in zip(data["f"], data["y"], strict=True):
        margins = [data["delta"][k, y] if k != y else 0.0 for k in range(CLASSES)]
        gaps = row - row[y] + margins
        worst = np.exp(gaps / lam) / np.exp(gaps / lam).sum()
        total += sum(p * gap for p, gap in zip(worst, gaps, strict=True))
        total -= lam * sum(p * math.log(p * len(row)) for p in worst)
    return float(total / len(data["f"]))


def icon_ldr_kl(data: Data) -> float:
    margins = (data["delta"] * (1 - np.eye(CLASSES))).T[data["y"]]
    q = softmax((data["f"] + margins) / data["lambda"])
    return float(one_hot_kl(data, q).mean())


def sample_proden(rng: np.random.Generator, n: int) -> Data:
    candidates = rng.random((n, CLASSES)) < 0.5
    candidates[:, 0] = True
    weights = rows_to_one(candidates * positive(rng, n, CLASSES))
    return {"f": normal(rng, n, CLASSES), "w": weights}


def published_proden(data: Data) -> float:
    total = 0.0
    for row, weights in zip(data["f"], data["w"], strict=True):
        total += sum(weights[c] * minus_log(row, c) for c in range(CLASSES))
    return total / len(data["f"])


def icon_proden(data: Data) -> float:
    return float(kl_rows(data["w"], softmax(data["f"])).mean())


sample_normalized_cross_entropy = labelled
icon_normalized_cross_entropy = one_hot_loss


def published_normalized_cross_entropy(data: Data) -> float:
    total = 0.0
    for row, y in zip(data["z"], data["y"], strict=True):
        total += minus_log(row, y) / sum(minus_log(row, c) for c in range(CLASSES))
    return total / len(data["z"])


def sample_active_passive(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), **{name: positive(rng) for name in ("alpha", "beta", "A")}}


def published_active_passive(data: Data) -> float:
    alpha, beta, clip, passive = *(float(data[name]) for name in ("alpha", "beta", "A")), 0.0
    for row, y in zip(data["z"], data["y"], strict=True):
        passive += clip * sum(q for c, q in enumerate(probabilities(row)) if c != y)
    return alpha * published_normalized_cross_entropy(data) + beta * passive / len(data["z"])


icon_active_passive = one_hot_loss
sample_encouraging_loss = labelled
icon_encouraging_loss = one_hot_loss


def published_encouraging_loss(data: Data) -> float:
    total = 0.0
    for row, y in zip(data["z"], data["y"], strict=True):
        q = probabilities(row)
        total += math.log(1 - q[y]) - math.log(q[y])
    return total / len(data["z"])


def sample_early_learning_regularisation(rng: np.random.Generator, n: int) -> Data:
    mean = softmax(normal(rng, n, CLASSES))
    return {**labelled(rng, n), "t": mean, "lambda": 3 * positive(rng)}


def published_early_learning_regularisation(data: Data) -> float:
    total, lam = 0.0, float(data["lambda"])
    for row, y, mean in zip(data["z"], data["y"], data["t"], strict=True):
        agreement = sum(a * b for a, b in zip(mean, probabilities(row), strict=True))
        total += minus_log(row, y) + lam * math.log(1 - agreement)
    return total / len(data["z"])


icon_early_learning_regularisation = one_hot_loss


def sample_soft_bootstrapping(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "beta": rng.uniform(0.3, 0.7, size=())}


def published_soft_bootstrapping(data: Data) -> float:
    total, beta = 0.0, float(data["beta"])
    for row, y in zip(data["z"], data["y"], strict=True):
        q = probabilities(row)
        target = [beta * (c == y) + (1 - beta) * q[c] for c in range(CLASSES)]
        total -= sum(t * math.log(p) for t, p in zip(target, q, strict=True))
    return total / len(data["z"])


icon_soft_bootstrapping = one_hot_loss


def sample_confidence_penalty(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "beta": positive(rng)}


def published_confidence_penalty(data: Data) -> float:
    total, beta = 0.0, float(data["beta"])
    for row, y in zip(data["z"], data["y"], strict=True):
        total += minus_log(row, y) + beta * sum(p * math.log(p) for p in probabilities(row))
    return total / len(data["z"])


icon_confidence_penalty = one_hot_loss


def sample_maxsup(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "alpha": rng.uniform(0.1, 0.3, size=())}


def published_maxsup(data: Data) -> float:
    total, alpha = 0.0, float(data["alpha"])
    for row, y in zip(data["z"], data["y"], strict=True):
        total += minus_log(row, y) + alpha * (max(row) - sum(row) / len(row))
    return float(total / len(data["z"]))


def icon_maxsup(data: Data) -> float:
    target = (1 - data["alpha"]) * one_hot(data["y"], CLASSES) + data["alpha"] / CLASSES
    return float(kl_rows(target, softmax(data["z"])).mean())


def claim_ldr_kl(data: Data) -> tuple[float, float]:
    return float(data["lambda"]), -float(data["lambda"]) * math.log(CLASSES)


CLAIMS = {
    "ldr-kl": claim_ldr_kl,
    "proden": lambda d: (1.0, entropy(d["w"])),
}
NEGATIVES = {
    "zloss": ("o",),
    "normalized-cross-entropy": ("z",),
    "active-passive": ("z",),
    "encouraging-loss": ("z",),
    "early-learning-regularisation": ("z",),
    "soft-bootstrapping": ("z",),
    "confidence-penalty": ("z",),
    "maxsup": ("z",),
}
