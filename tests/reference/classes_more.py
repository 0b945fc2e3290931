"""Reference values of losses over classes and choices that are not plain cross-entropy."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.noisy_labels import one_hot_loss, probabilities
from tests.reference.softmax_family import labelled, minus_log, one_hot_kl
from tests.reference.tools import (
    DIM,
    Data,
    entropy,
    kl_rows,
    mixed_graph,
    normal,
    off_diagonal,
    one_hot,
    onto,
    positive,
    rows_to_one,
    softmax,
)

CLASSES = 5


def sample_integrated_kl(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, n), "w": softmax(normal(rng, n, n))}


def published_integrated_kl(data: Data) -> float:
    total = 0.0
    for row, wanted in zip(data["s"], data["w"], strict=True):
        q = probabilities(row)
        total += sum(w * math.log(w / v) for w, v in zip(wanted, q, strict=True))
    return total / len(data["s"])


def icon_integrated_kl(data: Data) -> float:
    return float(kl_rows(data["w"], softmax(data["s"])).mean())


def sample_poly_1(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "epsilon": positive(rng)}


def published_poly_1(data: Data) -> float:
    total, epsilon = 0.0, float(data["epsilon"])
    for row, y in zip(data["z"], data["y"], strict=True):
        q = probabilities(row)
        total += -math.log(q[y]) + epsilon * sum(v for c, v in enumerate(q) if c != y)
    return total / len(data["z"])


icon_poly_1 = one_hot_loss


def sample_symmetric_cross_entropy(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), **{name: positive(rng) for name in ("alpha", "beta", "A")}}


def published_symmetric_cross_entropy(data: Data) -> float:
    total, logs = 0.0, -float(data["A"])
    for row, y in zip(data["z"], data["y"], strict=True):
        q = probabilities(row)
        reverse = -sum(v * (0.0 if c == y else logs) for c, v in enumerate(q))
        total += float(data["alpha"]) * minus_log(row, y) + float(data["beta"]) * reverse
    return total / len(data["z"])


icon_symmetric_cross_entropy = one_hot_loss


def sample_normalized_focal(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "gamma": np.array(1.5)}


def published_normalized_focal(data: Data) -> float:
    total, gamma = 0.0, float(data["gamma"])
    for row, y in zip(data["z"], data["y"], strict=True):
        focal = [-((1 - v) ** gamma) * math.log(v) for v in probabilities(row)]
        total += focal[y] / sum(focal)
    return total / len(data["z"])


icon_normalized_focal = one_hot_loss


def sample_asymmetric_loss(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, 4), "y": rng.random((n, 4)) < 0.4, "m": np.array(0.05)}


def published_asymmetric_loss(data: Data) -> float:
    total, m = 0.0, float(data["m"])
    for row, holds in zip(data["x"], data["y"], strict=True):
        for x, yes in zip(row, holds, strict=True):
            p = 1 / (1 + math.exp(-x))
            shifted = max(p - m, 0.0)
            total -= (1 - p) * math.log(p) if yes else shifted**4 * math.log(1 - shifted)
    return total / len(data["x"])


def icon_asymmetric_loss(data: Data) -> float:
    q = softmax(np.stack([data["x"], np.zeros_like(data["x"])], axis=-1))
    p = np.stack([data["y"], ~data["y"]], axis=-1).astype(float)
    return float(kl_rows(p, q).mean())


def sample_hyperbolic_cross_entropy(rng: np.random.Generator, n: int) -> Data:
    """The logits of points and hyperplanes of the Poincare ball."""
    x, p, a = (normal(rng, size, DIM) for size in (n, CLASSES, CLASSES))
    x, p = (0.7 * v / (1 + np.linalg.norm(v, axis=1, keepdims=True)) for v in (x, p))
    d = np.empty((n, CLASSES))
    for i, point in enumerate(x):
        for c, (foot, normal_) in enumerate(zip(-p, a, strict=True)):
            inner, one, other = foot @ point, foot @ foot, point @ point
            moved = (1 + 2 * inner + other) * foot + (1 - one) * point
            moved = moved / (1 + 2 * inner + one * other)
            side = 2 * (moved @ normal_) / (1 - moved @ moved) / np.linalg.norm(normal_)
            d[i, c] = math.asinh(side)
    r = 2 * np.linalg.norm(a, axis=1) / (1 - (p * p).sum(1))
    return {"d": d, "r": r, "y": rng.integers(CLASSES, size=n)}


def published_hyperbolic_cross_entropy(data: Data) -> float:
    losses = []
    for row, y in zip(data["d"], data["y"], strict=True):
        logits = [r * v for r, v in zip(data["r"], row, strict=True)]
        losses.append(minus_log(np.array(logits), y))
    return sum(losses) / len(losses)


def icon_hyperbolic_cross_entropy(data: Data) -> float:
    return float(one_hot_kl(data, softmax(data["r"] * data["d"])).mean())


def sample_sparse_softmax(rng: np.random.Generator, n: int) -> Data:
    data = labelled(rng, n, "s")
    largest = data["s"] >= np.sort(data["s"])[:, [-3]]
    return {**data, "largest": largest}


def published_sparse_softmax(data: Data) -> float:
    total = 0.0
    for row, y, kept in zip(data["s"], data["y"], data["largest"], strict=True):
        terms = [math.exp(v) for c, v in enumerate(row) if kept[c] or c == y]
        total += math.log(sum(terms)) - row[y]
    return float(total / len(data["s"]))


def icon_sparse_softmax(data: Data) -> float:
    target = one_hot(data["y"], CLASSES)
    kept = np.maximum(data["largest"], target)
    return float(kl_rows(target, rows_to_one(kept * np.exp(data["s"]))).mean())


def sample_text_supervised(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n), "r": softmax(normal(rng, n, CLASSES)), "lambda": np.array(0.3)}


def published_text_supervised(data: Data) -> float:
    total, lam = 0.0, float(data["lambda"])
    for row, y, text in zip(data["z"], data["y"], data["r"], strict=True):
        logs = [math.log(v) for v in probabilities(row)]
        total -= (1 - lam) * logs[y] + lam * sum(a * b for a, b in zip(text, logs, strict=True))
    return total / len(data["z"])


def blend(data: Data) -> np.ndarray:
    lam = float(data["lambda"])
    return lam * data["r"] + (1 - lam) * one_hot(data["y"], CLASSES)


def icon_text_supervised(data: Data) -> float:
    return float(kl_rows(blend(data), softmax(data["z"])).mean())


def sample_letter(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n, "p"), "tau": positive(rng)}


def published_letter(data: Data) -> float:
    tau = float(data["tau"])
    return sum(minus_log(row / tau, y) for row, y in zip(data["p"], data["y"], strict=True))


def icon_letter(data: Data) -> float:
    return float(one_hot_kl(data, softmax(data["p"] / data["tau"])).mean())


def sample_conr(rng: np.random.Generator, n: int) -> Data:
    masks = {"near": mixed_graph(rng, n), "confused": rng.random((n, n)) < 0.5}
    return {"v": normal(rng, n, DIM), **masks, "S": positive(rng, n, n), "tau": positive(rng)}


def published_conr(data: Data) -> float:
    v, tau, total = data["v"], float(data["tau"]), 0.0
    for i in range(len(v)):
        others = [j for j in range(len(v)) if j != i]
        e = {j: math.exp(float(v[i] @ v[j]) / tau) for j in others}
        near = [j for j in others if data["near"][i, j]]
        pushed = [j for j in others if data["confused"][i, j] and j not in near]
        whole = sum(e[j] for j in near) + sum(data["S"][i, j] * e[j] for j in pushed)
        total -= sum(math.log(e[j] / whole) for j in near) / len(near)
    return float(total / len(v))


def icon_conr(data: Data) -> float:
    near = off_diagonal(data["near"].astype(float))
    weights = near + off_diagonal(data["confused"] * (1 - near) * data["S"])
    q = rows_to_one(weights * np.exp(data["v"] @ data["v"].T / data["tau"]))
    return float(kl_rows(rows_to_one(near), q).mean())


def sample_infonce_population(rng: np.random.Generator, n: int) -> Data:
    return {"S": normal(rng, n, 4), "P": positive(rng, n, 4), "f": softmax(normal(rng, n))}


def published_infonce_population(data: Data) -> float:
    joint = [[f * v / sum(row) for v in row] for f, row in zip(data["f"], data["P"], strict=True)]
    second, total = [sum(column) for column in zip(*joint, strict=True)], 0.0
    for f, law, scores in zip(data["f"], joint, data["S"], strict=True):
        whole = sum(m * math.exp(s) for m, s in zip(second, scores, strict=True))
        total += f * math.log(whole) - sum(p * s for p, s in zip(law, scores, strict=True))
    return float(total)


def second_law(data: Data) -> np.ndarray:
    return np.asarray(data["f"] @ rows_to_one(data["P"]))


def icon_infonce_population(data: Data) -> float:
    q = rows_to_one(second_law(data) * np.exp(data["S"]))
    return float(kl_rows(rows_to_one(data["P"]), q) @ data["f"])


def information(data: Data) -> float:
    p = rows_to_one(data["P"])
    return float(kl_rows(p, np.broadcast_to(second_law(data), p.shape)) @ data["f"])


def sample_neural_ndcg(rng: np.random.Generator, n: int) -> Data:
    gains = rng.integers(1, 4, size=n).astype(float)
    ranks = np.arange(1, n + 1)
    order = np.argsort(-gains, kind="stable")
    discount = 1 / np.log2(ranks + 1)
    return {
        "s": normal(rng, n), "g": gains, "discount": discount, "place": n + 1.0 - 2 * ranks,
        "best": order, "tau": positive(rng), "best_gain": np.asarray(discount @ gains[order]),
    }  # fmt: skip


def published_neural_ndcg(data: Data) -> float:
    s, total = data["s"], 0.0
    spread = [sum(abs(a - b) for b in s) for a in s]
    for place, discount in zip(data["place"], data["discount"], strict=True):
        row = [(place * a - b) / float(data["tau"]) for a, b in zip(s, spread, strict=True)]
        shares = probabilities(np.array(row))
        total -= discount * sum(p * g for p, g in zip(shares, data["g"], strict=True))
    return float(total / data["best_gain"])


def icon_neural_ndcg(data: Data) -> float:
    spread = np.abs(data["s"][:, None] - data["s"]).sum(1)
    q = softmax((np.outer(data["place"], data["s"]) - spread) / data["tau"])
    return float(kl_rows(one_hot(data["best"], len(data["s"])), q).mean())


def sample_ipo(rng: np.random.Generator, n: int) -> Data:
    logs = {name: -2 * positive(rng, n, 2) for name in ("logpi", "logref")}
    return {**logs, "tau": positive(rng), "T": positive(rng)}


def published_ipo(data: Data) -> float:
    total, wanted = 0.0, 1 / (2 * float(data["tau"]))
    for (pw, pl), (rw, rl) in zip(data["logpi"], data["logref"], strict=True):
        total += ((pw - pl) - (rw - rl) - wanted) ** 2
    return float(total / len(data["logpi"]))


def icon_ipo(data: Data) -> float:
    p = softmax(np.array([1 / (2 * data["tau"]), 0.0]) / data["T"])
    return float(onto(list(p), softmax((data["logpi"] - data["logref"]) / data["T"])).mean())


def sample_margin_mse(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 2), "v": normal(rng, n, 2), "T": positive(rng)}


def published_margin_mse(data: Data) -> float:
    both = zip(data["s"], data["v"], strict=True)
    return float(sum(((a - b) - (c - d)) ** 2 for (a, b), (c, d) in both) / len(data["s"]))


def icon_margin_mse(data: Data) -> float:
    return float(kl_rows(softmax(data["v"] / data["T"]), softmax(data["s"] / data["T"])).mean())


CLAIMS = {
    "integrated-kl": lambda d: (1.0, 0.0),
    "hyperbolic-cross-entropy": lambda d: (1.0, 0.0),
    "sparse-softmax": lambda d: (1.0, 0.0),
    "text-supervised": lambda d: (1.0, entropy(blend(d))),
    "letter": lambda d: (float(len(d["p"])), 0.0),
    "conr": lambda d: (1.0, float(np.log(off_diagonal(d["near"]).sum(1)).mean())),
    "infonce-population": lambda d: (1.0, -information(d)),
}
NEGATIVES = {
    "poly-1": ("z",),
    "symmetric-cross-entropy": ("z",),
    "normalized-focal": ("z",),
    "asymmetric-loss": ("x",),
    "neural-ndcg": ("s",),
    "ipo": ("logpi",),
    "margin-mse": ("s",),
}
