"""Reference values of softmax losses with margins on cosines: faces and open sets."""

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
    onto,
    positive,
    rows_to_one,
    softmax,
    sq,
    sqdist,
)

CLASSES = 5


def faces(rng: np.random.Generator, n: int) -> Data:
    """Features, class weights and labels."""
    vectors = {"x": normal(rng, n, DIM), "w": normal(rng, CLASSES, DIM)}
    return {**vectors, "y": rng.integers(CLASSES, size=n)}


def minus_log_share(target: float, others: list[float]) -> float:
    """-log of the target's share, of exponentials."""
    whole = math.exp(target) + sum(math.exp(other) for other in others)
    return -math.log(math.exp(target) / whole)


def targets(data: Data) -> np.ndarray:
    return one_hot(data["y"], CLASSES)


def sample_normface(rng: np.random.Generator, n: int) -> Data:
    data = faces(rng, n)
    return {"f": data["x"], "W": data["w"], "y": data["y"], "s": 4 * positive(rng)}


def published_normface(data: Data) -> float:
    total, s = 0.0, float(data["s"])
    for f, y in zip(data["f"], data["y"], strict=True):
        unit = f / math.sqrt(f @ f)
        logits = [s * float(unit @ w) / math.sqrt(w @ w) for w in data["W"]]
        total += math.log(math.exp(logits[y]) / sum(map(math.exp, logits)))
    return -total / len(data["f"])


def icon_normface(data: Data) -> float:
    q = softmax(data["s"] * cosines(data["f"], data["W"]))
    return float(kl_rows(targets(data), q).mean())


def sample_arcface(rng: np.random.Generator, n: int) -> Data:
    angle = rng.uniform(0.2, 0.6)
    margin = {"cosm": np.asarray(math.cos(angle)), "sinm": np.asarray(math.sin(angle))}
    return {**faces(rng, n), "s": 4 * positive(rng), **margin}


def published_arcface(data: Data) -> float:
    """The margin added to the angle itself."""
    margin = math.atan2(float(data["sinm"]), float(data["cosm"]))
    total, s = 0.0, float(data["s"])
    for x, y in zip(data["x"], data["y"], strict=True):
        angles = [math.acos(cos(x, w)) for w in data["w"]]
        rest = [s * math.cos(a) for j, a in enumerate(angles) if j != y]
        total += minus_log_share(s * math.cos(angles[y] + margin), rest)
    return total / len(data["x"])


def icon_arcface(data: Data) -> float:
    c = cosines(data["x"], data["w"])
    warped = data["cosm"] * c - data["sinm"] * np.sqrt(1 - c**2)
    q = softmax(data["s"] * np.where(targets(data) > 0, warped, c))
    return float(kl_rows(targets(data), q).mean())


def sample_arcface_cosine(rng: np.random.Generator, n: int) -> Data:
    return {**sample_arcface(rng, n), "m": np.array(0.35)}


published_arcface_cosine = published_arcface


def icon_arcface_cosine(data: Data) -> float:
    logits = cosines(data["x"], data["w"]) - data["m"] * targets(data)
    return float(kl_rows(targets(data), softmax(data["s"] * logits)).mean())


def sample_elasticface(rng: np.random.Generator, n: int) -> Data:
    return {**faces(rng, n), "s": 4 * positive(rng), "m": 0.35 + 0.05 * normal(rng, n)}


def published_elasticface(data: Data) -> float:
    total, s = 0.0, float(data["s"])
    for x, y, m in zip(data["x"], data["y"], data["m"], strict=True):
        rest = [s * cos(x, w) for j, w in enumerate(data["w"]) if j != y]
        total += minus_log_share(s * (cos(x, data["w"][y]) - m), rest)
    return total / len(data["x"])


def icon_elasticface(data: Data) -> float:
    logits = cosines(data["x"], data["w"]) - data["m"][:, None] * targets(data)
    return float(kl_rows(targets(data), softmax(data["s"] * logits)).mean())


def sample_partial_fc(rng: np.random.Generator, n: int) -> Data:
    sampled = rng.random((n, CLASSES)) < 0.5
    sampled[:, :2] = True
    return {**faces(rng, n), "sampled": sampled, "s": 4 * positive(rng), "m": np.array(0.35)}


def published_partial_fc(data: Data) -> float:
    total, s, m = 0.0, float(data["s"]), float(data["m"])
    for x, y, drawn in zip(data["x"], data["y"], data["sampled"], strict=True):
        rest = [s * cos(x, data["w"][j]) for j in range(CLASSES) if drawn[j] and j != y]
        total += minus_log_share(s * (cos(x, data["w"][y]) - m), rest)
    return total / len(data["x"])


def icon_partial_fc(data: Data) -> float:
    logits = data["s"] * (cosines(data["x"], data["w"]) - data["m"] * targets(data))
    q = rows_to_one(np.exp(logits) * np.maximum(data["sampled"], targets(data)))
    return float(kl_rows(targets(data), q).mean())


def sample_l_gm(rng: np.random.Generator, n: int) -> Data:
    data = faces(rng, n)
    return {"x": data["x"], "mu": data["w"], "z": data["y"], "alpha": np.array(0.3)}


def published_l_gm(data: Data) -> float:
    total, alpha = 0.0, float(data["alpha"])
    for x, z in zip(data["x"], data["z"], strict=True):
        d = [sq(x - mean) / 2 for mean in data["mu"]]
        total += minus_log_share(-d[z] * (1 + alpha), [-v for k, v in enumerate(d) if k != z])
    return total / len(data["x"])


def icon_l_gm(data: Data) -> float:
    target = one_hot(data["z"], CLASSES)
    q = softmax(-(1 + data["alpha"] * target) * sqdist(data["x"], data["mu"]) / 2)
    return float(kl_rows(target, q).mean())


def sample_subcenter_arcface(rng: np.random.Generator, n: int) -> Data:
    return {**sample_arcface(rng, n), "w": normal(rng, CLASSES, 3, DIM)}


def published_subcenter_arcface(data: Data) -> float:
    margin = math.atan2(float(data["sinm"]), float(data["cosm"]))
    total, s = 0.0, float(data["s"])
    for x, y in zip(data["x"], data["y"], strict=True):
        angles = [min(math.acos(cos(x, w)) for w in centres) for centres in data["w"]]
        rest = [s * math.cos(a) for j, a in enumerate(angles) if j != y]
        total += minus_log_share(s * math.cos(angles[y] + margin), rest)
    return total / len(data["x"])


def icon_subcenter_arcface(data: Data) -> float:
    c = np.stack([cosines(data["x"], w) for w in data["w"].transpose(1, 0, 2)]).max(0)
    warped = data["cosm"] * c - data["sinm"] * np.sqrt(1 - c**2)
    q = softmax(data["s"] * np.where(targets(data) > 0, warped, c))
    return float(kl_rows(targets(data), q).mean())


def sample_sphereface2(rng: np.random.Generator, n: int) -> Data:
    data = {**faces(rng, n), "b": normal(rng), "r": 3 * positive(rng)}
    share = np.where(targets(data) > 0, 0.7, 0.3)
    return {**data, "lambda": share, "m": np.array(0.4), "t": 3 * positive(rng)}


def published_sphereface2(data: Data) -> float:
    r, m, b, t = (float(data[name]) for name in "rmbt")
    total = 0.0
    for x, y, share in zip(data["x"], data["y"], data["lambda"], strict=True):
        for j, w in enumerate(data["w"]):
            g = 2 * ((cos(x, w) + 1) / 2) ** t - 1
            logit = -r * (g - m) - b if j == y else r * (g + m) + b
            total += share[j] / r * math.log(1 + math.exp(logit))
    return total / len(data["x"])


def icon_sphereface2(data: Data) -> float:
    g = 2 * ((1 + cosines(data["x"], data["w"])) / 2) ** data["t"] - 1
    logits = data["r"] * (g - data["m"] * (2 * targets(data) - 1)) + data["b"]
    q = softmax(np.stack([logits, np.zeros_like(logits)], -1))
    losses = np.where(targets(data) > 0, onto([1.0, 0.0], q), onto([0.0, 1.0], q))
    return float(np.average(losses, weights=data["lambda"]))


CLAIMS = {
    "subcenter-arcface": lambda d: (1.0, 0.0),
    "sphereface2": lambda d: (float(d["lambda"].sum() / len(d["x"]) / d["r"]), 0.0),
    "normface": lambda d: (1.0, 0.0),
    "arcface": lambda d: (1.0, 0.0),
    "elasticface": lambda d: (1.0, 0.0),
    "partial-fc": lambda d: (1.0, 0.0),
    "l-gm": lambda d: (1.0, 0.0),
}
NEGATIVES = {
    "arcface-cosine": ("x", "w"),
}
