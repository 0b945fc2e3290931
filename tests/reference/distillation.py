"""Reference values of losses that learn from another model, or from an earlier self."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    entropy,
    kl_rows,
    normal,
    one_hot,
    positive,
    softmax,
)

CLASSES = 5


def softened(row: np.ndarray, temperature: float = 1.0) -> list[float]:
    """The softmax of one row of logits."""
    whole = sum(math.exp(v / temperature) for v in row)
    return [math.exp(v / temperature) / whole for v in row]


def cross(p: list[float], q: list[float]) -> float:
    """The cross entropy of two rows."""
    return -sum(a * math.log(b) for a, b in zip(p, q, strict=True))


def student(rng: np.random.Generator, n: int, peer: str = "") -> Data:
    data = {"z": normal(rng, n, CLASSES), "y": rng.integers(CLASSES, size=n)}
    return {**data, peer: softmax(normal(rng, n, CLASSES))} if peer else data


def sample_ps_kd(rng: np.random.Generator, n: int) -> Data:
    return {**student(rng, n, "P"), "alpha": rng.uniform(0.2, 0.8, size=())}


def published_ps_kd(data: Data) -> float:
    total, alpha = 0.0, float(data["alpha"])
    for row, y, past in zip(data["z"], data["y"], data["P"], strict=True):
        target = [alpha * p for p in past]
        target[y] += 1 - alpha
        total += cross(target, softened(row))
    return total / len(data["z"])


def target_ps_kd(data: Data) -> np.ndarray:
    return one_hot(data["y"], CLASSES) + data["alpha"] * (data["P"] - one_hot(data["y"], CLASSES))


def icon_ps_kd(data: Data) -> float:
    return float(kl_rows(target_ps_kd(data), softmax(data["z"])).mean())


def sample_kd_hard_label(rng: np.random.Generator, n: int) -> Data:
    share = rng.uniform(0.2, 0.8, size=())
    return {**student(rng, n), "v": normal(rng, n, CLASSES), "lambda": share}


def with_labels(row: np.ndarray, y: int, teacher: list[float], data: Data, t: float) -> float:
    """A share of the KL from the teacher, times T^2, and the rest of the loss of the label."""
    share = float(data["lambda"])
    soft = t**2 * (cross(teacher, softened(row, t)) - cross(teacher, teacher))
    return share * soft - (1 - share) * math.log(softened(row)[y])


def published_kd_hard_label(data: Data) -> float:
    losses = []
    for row, y, logits in zip(data["z"], data["y"], data["v"], strict=True):
        losses.append(with_labels(row, y, softened(logits), data, 1.0))
    return sum(losses) / len(losses)


def target_kd_hard_label(data: Data) -> np.ndarray:
    labels = one_hot(data["y"], CLASSES)
    return data["lambda"] * softmax(data["v"]) + (1 - data["lambda"]) * labels


def icon_kd_hard_label(data: Data) -> float:
    return float(kl_rows(target_kd_hard_label(data), softmax(data["z"])).mean())


def sample_kd_two_temperatures(rng: np.random.Generator, n: int) -> Data:
    numbers = {"lambda": rng.uniform(0.2, 0.8, size=()), "T": 3 * positive(rng)}
    return {**student(rng, n, "P"), **numbers}


def published_kd_two_temperatures(data: Data) -> float:
    losses = []
    for row, y, teacher in zip(data["z"], data["y"], data["P"], strict=True):
        losses.append(with_labels(row, y, teacher, data, float(data["T"])))
    return sum(losses) / len(losses)


def icon_kd_two_temperatures(data: Data) -> float:
    labels = one_hot(data["y"], CLASSES)
    target = labels + data["lambda"] * (data["P"] - labels)
    return float(kl_rows(target, softmax(data["z"] / data["T"])).mean())


def sample_dkd(rng: np.random.Generator, n: int) -> Data:
    numbers = {name: positive(rng) for name in ("alpha", "beta")}
    return {**student(rng, n), "v": normal(rng, n, CLASSES), **numbers, "T": 3 * positive(rng)}


def published_dkd(data: Data) -> float:
    """Cross entropies minus entropies: target or not, and which of the other classes."""
    t, total = float(data["T"]), 0.0
    for row, y, logits in zip(data["z"], data["y"], data["v"], strict=True):
        p, q = softened(logits, t), softened(row, t)
        coarse, mine = [p[y], 1 - p[y]], [q[y], 1 - q[y]]
        total += float(data["alpha"]) * (cross(coarse, mine) - cross(coarse, coarse))
        fine, others = softened(np.delete(logits, y), t), softened(np.delete(row, y), t)
        total += float(data["beta"]) * (cross(fine, others) - cross(fine, fine))
    return t**2 * total / len(data["z"])


def icon_dkd(data: Data) -> float:
    p, q = (softmax(data[name] / data["T"]) for name in "vz")
    return float(kl_rows(p, q).mean())


def sample_listwise_distillation(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 6), "t": normal(rng, n, 6), "tau": positive(rng)}


def published_listwise_distillation(data: Data) -> float:
    total, tau = 0.0, float(data["tau"])
    for mine, theirs in zip(data["s"], data["t"], strict=True):
        p, q = softened(theirs, tau), softened(mine, tau)
        total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    return total / len(data["s"])


def icon_listwise_distillation(data: Data) -> float:
    p, q = (softmax(data[name] / data["tau"]) for name in "ts")
    return float(kl_rows(p, q).mean())


def sample_deep_mutual_learning(rng: np.random.Generator, n: int) -> Data:
    return student(rng, n, "P")


def published_deep_mutual_learning(data: Data) -> float:
    total = 0.0
    for row, y, peer in zip(data["z"], data["y"], data["P"], strict=True):
        q = softened(row)
        total += sum(p * math.log(p / mine) for p, mine in zip(peer, q, strict=True))
        total -= math.log(q[y])
    return float(total / len(data["z"]))


def target_deep_mutual_learning(data: Data) -> np.ndarray:
    return (one_hot(data["y"], CLASSES) + data["P"]) / 2


def icon_deep_mutual_learning(data: Data) -> float:
    return float(kl_rows(target_deep_mutual_learning(data), softmax(data["z"])).mean())


def sample_weak_to_strong(rng: np.random.Generator, n: int) -> Data:
    data = student(rng, n, "w")
    return {"z": data["z"], "w": data["w"], "h": data["y"], "alpha": rng.uniform(0.2, 0.8, size=())}


def published_weak_to_strong(data: Data) -> float:
    total, alpha = 0.0, float(data["alpha"])
    for row, weak, own in zip(data["z"], data["w"], data["h"], strict=True):
        q = softened(row)
        total += (1 - alpha) * cross(weak, q) - alpha * math.log(q[own])
    return total / len(data["z"])


def target_weak_to_strong(data: Data) -> np.ndarray:
    return (1 - data["alpha"]) * data["w"] + data["alpha"] * one_hot(data["h"], CLASSES)


def icon_weak_to_strong(data: Data) -> float:
    return float(kl_rows(target_weak_to_strong(data), softmax(data["z"])).mean())


def sample_prd(rng: np.random.Generator, n: int) -> Data:
    features = {name: normal(rng, n, DIM) for name in "fg"}
    prototypes = {name: normal(rng, CLASSES, DIM) for name in "wv"}
    return {**features, **prototypes, "T": positive(rng)}


def published_prd(data: Data) -> float:
    total, t = 0.0, float(data["T"])
    for new, old in zip(data["f"], data["g"], strict=True):
        mine = np.array([new @ w / math.sqrt(w @ w) for w in data["w"]])
        theirs = np.array([old @ v / math.sqrt(v @ v) for v in data["v"]])
        total += cross(softened(theirs, t), softened(mine, t))
    return total / len(data["f"])


def relations(features: np.ndarray, prototypes: np.ndarray, data: Data) -> np.ndarray:
    unit = prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)
    return softmax(features @ unit.T / data["T"])


def icon_prd(data: Data) -> float:
    q = relations(data["f"], data["w"], data)
    return float(kl_rows(relations(data["g"], data["v"], data), q).mean())


def claim_kd_hard_label(data: Data) -> tuple[float, float]:
    blend = entropy(target_kd_hard_label(data))
    return 1.0, blend - float(data["lambda"]) * entropy(softmax(data["v"]))


def claim_deep_mutual_learning(data: Data) -> tuple[float, float]:
    return 2.0, 2 * entropy(target_deep_mutual_learning(data)) - entropy(data["P"])


CLAIMS = {
    "ps-kd": lambda d: (1.0, entropy(target_ps_kd(d))),
    "kd-hard-label": claim_kd_hard_label,
    "listwise-distillation": lambda d: (1.0, 0.0),
    "deep-mutual-learning": claim_deep_mutual_learning,
    "weak-to-strong": lambda d: (1.0, entropy(target_weak_to_strong(d))),
    "prd": lambda d: (1.0, entropy(relations(d["g"], d["v"], d))),
}
NEGATIVES = {
    "kd-two-temperatures": ("z",),
    "dkd": ("z",),
}
