"""Reference values of losses that compare soft assignments to prototypes, outputs or a queue."""

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
    positive,
    rows_to_one,
    softmax,
)


def probabilities(scores: list[float]) -> list[float]:
    total = sum(math.exp(s) for s in scores)
    return [math.exp(s) / total for s in scores]


def sample_swav(rng: np.random.Generator, n: int) -> Data:
    vectors = {"z": normal(rng, 2, n, DIM), "c": normal(rng, 4, DIM)}
    return {**vectors, "q": rows_to_one(positive(rng, 2, n, 4)), "tau": positive(rng)}


def published_swav(data: Data) -> float:
    """Both swapped predictions; data["q"][a] holds the codes that crop a has to predict."""
    total = 0.0
    for features, codes in zip(data["z"], data["q"], strict=True):
        for z, q in zip(features, codes, strict=True):
            p = probabilities([z @ c / float(data["tau"]) for c in data["c"]])
            total -= sum(a * math.log(b) for a, b in zip(q, p, strict=True)) / len(features)
    return total


def icon_swav(data: Data) -> float:
    return float(kl_rows(data["q"], softmax(data["z"] @ data["c"].T / data["tau"])).mean())


def sample_ressl(rng: np.random.Generator, n: int) -> Data:
    views = {"z1": normal(rng, n, DIM), "z2": normal(rng, n, DIM), "u": normal(rng, 6, DIM)}
    return {**views, "tau_s": positive(rng), "tau_t": positive(rng) / 2}


def published_ressl(data: Data) -> float:
    total = 0.0
    for student, teacher in zip(data["z1"], data["z2"], strict=True):
        p1 = probabilities([student @ u / float(data["tau_s"]) for u in data["u"]])
        p2 = probabilities([teacher @ u / float(data["tau_t"]) for u in data["u"]])
        total -= sum(a * math.log(b) for a, b in zip(p2, p1, strict=True))
    return total / len(data["z1"])


def relations_ressl(data: Data) -> np.ndarray:
    return softmax(data["z2"] @ data["u"].T / data["tau_t"])


def icon_ressl(data: Data) -> float:
    q = softmax(data["z1"] @ data["u"].T / data["tau_s"])
    return float(kl_rows(relations_ressl(data), q).mean())


def sample_dino(rng: np.random.Generator, n: int) -> Data:
    """Two global and two local crops, four output dimensions."""
    outputs = {"s": normal(rng, 4, n, 4), "t": normal(rng, 2, n, 4), "C": normal(rng, 4)}
    return {**outputs, "at": np.array([0, 2]), "tau_s": positive(rng), "tau_t": positive(rng) / 2}


def published_dino(data: Data) -> float:
    loss, images = 0.0, data["s"].shape[1]
    for a, place in enumerate(data["at"]):
        for b in range(4):
            if b == place:
                continue
            for student, teacher in zip(data["s"][b], data["t"][a], strict=True):
                p_t = probabilities(list((teacher - data["C"]) / float(data["tau_t"])))
                p_s = probabilities(list(student / float(data["tau_s"])))
                loss -= sum(x * math.log(y) for x, y in zip(p_t, p_s, strict=True)) / images
    return loss


def teacher_dino(data: Data) -> np.ndarray:
    """The targets of all six pairs of a global crop and another, (2, 3, n, K)."""
    globals_ = softmax((data["t"] - data["C"]) / data["tau_t"])
    return np.repeat(globals_[:, None], 3, axis=1)


def icon_dino(data: Data) -> float:
    student = softmax(data["s"] / data["tau_s"])
    others = np.stack([student[[1, 2, 3]], student[[0, 1, 3]]])
    return float(kl_rows(teacher_dino(data), others).mean())


def sample_msn(rng: np.random.Generator, n: int) -> Data:
    vectors = {"z": normal(rng, n, DIM), "q": normal(rng, 4, DIM)}
    target = rows_to_one(positive(rng, n, 4) ** 4)
    return {**vectors, "pplus": target, "tau": positive(rng), "lambda": positive(rng)}


def published_msn(data: Data) -> float:
    tau, cross, mean = float(data["tau"]), 0.0, [0.0] * len(data["q"])
    for z, target in zip(data["z"], data["pplus"], strict=True):
        p = probabilities([cos(z, q) / tau for q in data["q"]])
        cross -= sum(a * math.log(b) for a, b in zip(target, p, strict=True)) / len(data["z"])
        mean = [m + b / len(data["z"]) for m, b in zip(mean, p, strict=True)]
    return cross - float(data["lambda"]) * -sum(m * math.log(m) for m in mean)


def icon_msn(data: Data) -> float:
    return float(
        kl_rows(data["pplus"], softmax(cosines(data["z"], data["q"]) / data["tau"])).mean()
    )


CLAIMS = {
    "swav": lambda d: (2.0, 2 * entropy(d["q"].reshape(-1, 4))),
    "ressl": lambda d: (1.0, entropy(relations_ressl(d))),
    "dino": lambda d: (6.0, 6 * entropy(teacher_dino(d).reshape(-1, 4))),
}
NEGATIVES = {"msn": ("z", "q")}
