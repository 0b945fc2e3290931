"""Reference values of cross-entropies with other kernels, base measures and anchor weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.reference.tools import (
    Data,
    entropy,
    kl_rows,
    normal,
    one_hot,
    onto,
    positive,
    rows_to_one,
    softmax,
)

CLASSES = 5


def labelled(rng: np.random.Generator, n: int, name: str = "z") -> Data:
    return {name: normal(rng, n, CLASSES), "y": rng.integers(CLASSES, size=n)}


def counts(rng: np.random.Generator) -> np.ndarray:
    """A long tail: how many samples a class has."""
    return np.ceil(200 * rng.uniform(0.3, 0.6) ** np.arange(CLASSES))


def minus_log(row: np.ndarray, y: int, kernel: Callable[[float], float] = math.exp) -> float:
    """-log of the share of entry y, under any kernel of one logit."""
    return -math.log(kernel(row[y]) / sum(kernel(v) for v in row))


def one_hot_kl(data: Data, q: np.ndarray) -> np.ndarray:
    return kl_rows(one_hot(data["y"], q.shape[1]), q)


sample_sigsoftmax = labelled


def published_sigsoftmax(data: Data) -> float:
    losses = []
    for row, y in zip(data["z"], data["y"], strict=True):
        losses.append(minus_log(row, y, lambda v: math.exp(v) / (1 + math.exp(-v))))
    return sum(losses) / len(losses)


def icon_sigsoftmax(data: Data) -> float:
    log_kernel = data["z"] - np.logaddexp(0, -data["z"])
    return float(one_hot_kl(data, softmax(log_kernel)).mean())


def sample_superclass(rng: np.random.Generator, n: int) -> Data:
    words = rng.random((n, 6)) < 0.4
    words[:, 0] = True
    return {"x": normal(rng, n, 6), "y": words, "w": positive(rng, 6)}


def published_superclass(data: Data) -> float:
    total = 0.0
    for row, words in zip(data["x"], data["y"], strict=True):
        there = [c for c in range(len(row)) if words[c]]
        mass = sum(data["w"][c] for c in there)
        total += sum(data["w"][c] / mass * minus_log(row, c) for c in there)
    return total / len(data["x"])


def bags(data: Data) -> np.ndarray:
    return rows_to_one(data["y"] * data["w"])


def icon_superclass(data: Data) -> float:
    return float(kl_rows(bags(data), softmax(data["x"])).mean())


def sample_prediction_smoothing(rng: np.random.Generator, n: int) -> Data:
    words = softmax(normal(rng, n, 6))
    share = rng.uniform(0.05, 0.3, size=())
    return {"P": words, "y": rng.integers(6, size=n), "alpha": share}


def published_prediction_smoothing(data: Data) -> float:
    alpha, total = float(data["alpha"]), 0.0
    for row, y in zip(data["P"], data["y"], strict=True):
        total -= math.log((1 - alpha) * row[y] + alpha / len(row))
    return total / len(data["P"])


def icon_prediction_smoothing(data: Data) -> float:
    q = data["P"] + data["alpha"] * (1 / data["P"].shape[1] - data["P"])
    return float(one_hot_kl(data, q).mean())


def sample_temperature_scaling(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "T": 2 * positive(rng)}


def published_temperature_scaling(data: Data) -> float:
    t = float(data["T"])
    pairs = zip(data["z"], data["y"], strict=True)
    return sum(minus_log(row, y, lambda v: math.exp(v / t)) for row, y in pairs)


def icon_temperature_scaling(data: Data) -> float:
    return float(one_hot_kl(data, softmax(data["z"] / data["T"])).mean())


def sample_mixup(rng: np.random.Generator, n: int) -> Data:
    labels = {name: rng.integers(CLASSES, size=n) for name in "ab"}
    return {"z": normal(rng, n, CLASSES), **labels, "lambda": rng.uniform(0.1, 0.9, size=n)}


def published_mixup(data: Data) -> float:
    total = 0.0
    parts = (data[name] for name in ("z", "a", "b", "lambda"))
    for row, a, b, share in zip(*parts, strict=True):
        total += share * minus_log(row, a) + (1 - share) * minus_log(row, b)
    return total / len(data["z"])


def blend(data: Data) -> np.ndarray:
    share = data["lambda"][:, None]
    return share * one_hot(data["a"], CLASSES) + (1 - share) * one_hot(data["b"], CLASSES)


def icon_mixup(data: Data) -> float:
    return float(kl_rows(blend(data), softmax(data["z"])).mean())


def match_or_null(positive_label: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """KL of every pair's outcome to its sigmoid."""
    q = softmax(np.stack([logits, np.zeros_like(logits)], -1))
    return np.where(positive_label, onto([1.0, 0.0], q), onto([0.0, 1.0], q))


def sample_binary_cross_entropy(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, CLASSES), "y": rng.random((n, CLASSES)) < 0.5}


def published_binary_cross_entropy(data: Data) -> float:
    losses = []
    for logit, label in zip(data["x"].ravel(), data["y"].ravel(), strict=True):
        on = 1 / (1 + math.exp(-logit))
        losses.append(-math.log(on if label else 1 - on))
    return sum(losses) / len(losses)


def icon_binary_cross_entropy(data: Data) -> float:
    return float(match_or_null(data["y"], data["x"]).mean())


def sample_distribution_balanced(rng: np.random.Generator, n: int) -> Data:
    shared = sample_binary_cross_entropy(rng, n)
    weights = {"r": positive(rng, n, CLASSES), "lambda": 3 * positive(rng)}
    return {"z": shared["x"], "y": shared["y"], **weights, "nu": normal(rng, CLASSES)}


def published_distribution_balanced(data: Data) -> float:
    scale, losses = float(data["lambda"]), []
    for row, labels, weights in zip(data["z"], data["y"], data["r"], strict=True):
        for c, logit in enumerate(row - data["nu"]):
            signed = -logit if labels[c] else scale * logit
            losses.append(weights[c] * math.log(1 + math.exp(signed)))
    return sum(losses) / len(losses)


def icon_distribution_balanced(data: Data) -> float:
    logits = (data["z"] - data["nu"]) * np.where(data["y"], 1.0, data["lambda"])
    return float(np.average(match_or_null(data["y"], logits), weights=data["r"]))


def sample_easy_llp(rng: np.random.Generator, n: int) -> Data:
    """Bags whose share is near that of all data, so that debiased labels stay within [0, 1]."""
    p = rng.uniform(0.4, 0.6)
    shares = p + rng.uniform(-0.1, 0.1, size=n)
    return {"f": normal(rng, n), "a": shares, "k": np.array(3.0), "p": np.array(p)}


def published_easy_llp(data: Data) -> float:
    k, p, total = float(data["k"]), float(data["p"]), 0.0
    for f, share in zip(data["f"], data["a"], strict=True):
        on = 1 / (1 + math.exp(-f))
        total -= (k * (share - p) + p) * math.log(on)
        total -= (k * (p - share) + 1 - p) * math.log(1 - on)
    return total / len(data["f"])


def debiased(data: Data) -> np.ndarray:
    label = data["k"] * data["a"] - (data["k"] - 1) * data["p"]
    return np.stack([label, 1 - label], -1)


def icon_easy_llp(data: Data) -> float:
    q = softmax(np.stack([data["f"], np.zeros_like(data["f"])], -1))
    return float(kl_rows(debiased(data), q).mean())


def sample_spherical_softmax(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n, "o"), "epsilon": 0.1 * positive(rng)}


def published_spherical_softmax(data: Data) -> float:
    losses, epsilon = [], float(data["epsilon"])
    for row, y in zip(data["o"], data["y"], strict=True):
        losses.append(minus_log(row, y, lambda v: v**2 + epsilon))
    return sum(losses) / len(losses)


def icon_spherical_softmax(data: Data) -> float:
    q = rows_to_one(np.square(data["o"]) + data["epsilon"])
    return float(one_hot_kl(data, q).mean())


sample_stablemax = labelled


def published_stablemax(data: Data) -> float:
    losses = []
    for row, y in zip(data["z"], data["y"], strict=True):
        losses.append(minus_log(row, y, lambda v: v + 1 if v >= 0 else 1 / (1 - v)))
    return sum(losses) / len(losses)


def icon_stablemax(data: Data) -> float:
    z = data["z"]
    kernel = np.where(z < 0, 1 / (1 + np.abs(z)), 1 + np.abs(z))
    return float(one_hot_kl(data, rows_to_one(kernel)).mean())


CLAIMS = {
    "spherical-softmax": lambda d: (1.0, 0.0),
    "stablemax": lambda d: (1.0, 0.0),
    "sigsoftmax": lambda d: (1.0, 0.0),
    "superclass": lambda d: (1.0, entropy(bags(d))),
    "prediction-smoothing": lambda d: (1.0, 0.0),
    "temperature-scaling": lambda d: (float(len(d["z"])), 0.0),
    "mixup": lambda d: (1.0, entropy(blend(d))),
    "easy-llp": lambda d: (1.0, entropy(debiased(d))),
    "binary-cross-entropy": lambda d: (1.0, 0.0),
    "distribution-balanced": lambda d: (float(d["r"].mean()), 0.0),
}
