"""Reference values of cross-entropies for long-tailed labels: margins, tilts, anchor weights."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.softmax_family import counts, labelled, minus_log, one_hot_kl
from tests.reference.tools import Data, normal, one_hot, positive, rows_to_one, softmax

CLASSES = 5


def sample_ldam(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "Delta": positive(rng) * counts(rng) ** -0.25}


def published_ldam(data: Data) -> float:
    total = 0.0
    for row, y in zip(data["z"], data["y"], strict=True):
        moved = row.copy()
        moved[y] -= data["Delta"][y]
        total += minus_log(moved, y)
    return total / len(data["z"])


def icon_ldam(data: Data) -> float:
    q = softmax(data["z"] - data["Delta"] * one_hot(data["y"], CLASSES))
    return float(one_hot_kl(data, q).mean())


def sample_logit_adjustment(rng: np.random.Generator, n: int) -> Data:
    shares = rows_to_one(counts(rng))
    return {**labelled(rng, n, "f"), "pi": shares, "tau": positive(rng)}


def published_logit_adjustment(data: Data) -> float:
    total, tau = 0.0, float(data["tau"])
    for row, y in zip(data["f"], data["y"], strict=True):
        moved = [v + tau * math.log(share) for v, share in zip(row, data["pi"], strict=True)]
        total += minus_log(np.array(moved), y)
    return total / len(data["f"])


def icon_logit_adjustment(data: Data) -> float:
    q = rows_to_one(data["pi"] ** data["tau"] * np.exp(data["f"]))
    return float(one_hot_kl(data, q).mean())


def sample_balanced_softmax(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n, "eta"), "N": counts(rng)}


def published_balanced_softmax(data: Data) -> float:
    total = 0.0
    for row, y in zip(data["eta"], data["y"], strict=True):
        weighted = [size * math.exp(v) for v, size in zip(row, data["N"], strict=True)]
        total -= math.log(weighted[y] / sum(weighted))
    return total / len(data["eta"])


def icon_balanced_softmax(data: Data) -> float:
    return float(one_hot_kl(data, softmax(data["eta"] + np.log(data["N"]))).mean())


def sample_vs_loss(rng: np.random.Generator, n: int) -> Data:
    factors = {"omega": positive(rng, CLASSES), "Delta": positive(rng, CLASSES)}
    return {**labelled(rng, n), **factors, "iota": normal(rng, CLASSES)}


def published_vs_loss(data: Data) -> float:
    total = 0.0
    for row, y in zip(data["z"], data["y"], strict=True):
        moved = [data["Delta"][c] * v + data["iota"][c] for c, v in enumerate(row)]
        total += data["omega"][y] * minus_log(np.array(moved), y)
    return float(total / len(data["z"]))


def icon_vs_loss(data: Data) -> float:
    losses = one_hot_kl(data, softmax(data["z"] * data["Delta"] + data["iota"]))
    return float(np.average(losses, weights=data["omega"][data["y"]]))


def sample_class_balanced(rng: np.random.Generator, n: int) -> Data:
    beta = rng.uniform(0.9, 0.99)
    sizes = [sum(beta**k for k in range(int(size))) for size in counts(rng)]
    return {**labelled(rng, n), "E": np.array(sizes)}


def published_class_balanced(data: Data) -> float:
    total = 0.0
    for row, y in zip(data["z"], data["y"], strict=True):
        total += minus_log(row, y) / data["E"][y]
    return total / len(data["z"])


def icon_class_balanced(data: Data) -> float:
    losses = one_hot_kl(data, softmax(data["z"]))
    return float(np.average(losses, weights=1 / data["E"][data["y"]]))


def sample_weighted_cross_entropy(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n, "x"), "w": positive(rng, CLASSES)}


def published_weighted_cross_entropy(data: Data) -> float:
    total = mass = 0.0
    for row, y in zip(data["x"], data["y"], strict=True):
        total += data["w"][y] * minus_log(row, y)
        mass += data["w"][y]
    return total / mass


def icon_weighted_cross_entropy(data: Data) -> float:
    losses = one_hot_kl(data, softmax(data["x"]))
    return float(np.average(losses, weights=data["w"][data["y"]]))


def sample_seesaw(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "S": positive(rng, n, CLASSES)}


def published_seesaw(data: Data) -> float:
    total = 0.0
    for row, y, factors in zip(data["z"], data["y"], data["S"], strict=True):
        rest = sum(factors[j] * math.exp(row[j]) for j in range(CLASSES) if j != y)
        total -= math.log(math.exp(row[y]) / (math.exp(row[y]) + rest))
    return total / len(data["z"])


def icon_seesaw(data: Data) -> float:
    factors = np.where(one_hot(data["y"], CLASSES) > 0, 1.0, data["S"])
    return float(one_hot_kl(data, rows_to_one(factors * np.exp(data["z"]))).mean())


CLAIMS = {
    "ldam": lambda d: (1.0, 0.0),
    "logit-adjustment": lambda d: (1.0, 0.0),
    "balanced-softmax": lambda d: (1.0, 0.0),
    "vs-loss": lambda d: (float(d["omega"][d["y"]].mean()), 0.0),
    "class-balanced": lambda d: (float((1 / d["E"][d["y"]]).mean()), 0.0),
    "weighted-cross-entropy": lambda d: (1.0, 0.0),
    "seesaw": lambda d: (1.0, 0.0),
}
