"""Reference values of sequences, robustness, nested and numeric losses, information bounds."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    kl_joint,
    kl_rows,
    normal,
    one_hot,
    positive,
    softmax,
)

CLASSES = 4


def labels(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(CLASSES, size=shape)


def shares(scores: np.ndarray) -> list[float]:
    """The softmax of one row, entry by entry."""
    e = [math.exp(v) for v in scores]
    return [v / sum(e) for v in e]


def hit(y: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """KL of the label's point mass against the softmax, for every row."""
    return kl_rows(one_hot(y, scores.shape[-1]), softmax(scores))


def sample_matryoshka(rng: np.random.Generator, n: int) -> Data:
    prefixes = np.tril(np.ones((3, 3)))
    z = normal(rng, n, 1, 3) * prefixes
    weights = {"W": normal(rng, 3, CLASSES, 3), "imp": positive(rng, 3)}
    return {"z": z, **weights, "y": labels(rng, n)}


def published_matryoshka(data: Data) -> float:
    total = 0.0
    for z, y in zip(data["z"], data["y"], strict=True):
        for prefix, w, importance in zip(z, data["W"], data["imp"], strict=True):
            logits = [float(row @ prefix) for row in w]
            total -= importance * math.log(math.exp(logits[y]) / sum(map(math.exp, logits)))
    return float(total / len(data["y"]))


def icon_matryoshka(data: Data) -> float:
    logits = np.einsum("pcd,ipd->ipc", data["W"], data["z"])
    kl = hit(np.broadcast_to(data["y"][:, None], logits.shape[:2]), logits)
    return float(np.average(kl.mean(0), weights=data["imp"]))


def sample_vat(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, CLASSES), "phat": softmax(normal(rng, n, CLASSES))}


def published_vat(data: Data) -> float:
    total = 0.0
    for s, phat in zip(data["s"], data["phat"], strict=True):
        total += sum(p * math.log(p / q) for p, q in zip(phat, shares(s), strict=True))
    return total / len(data["s"])


def icon_vat(data: Data) -> float:
    return float(kl_rows(data["phat"], softmax(data["s"])).mean())


def sample_vat_entmin(rng: np.random.Generator, n: int) -> Data:
    return {**sample_vat(rng, n), "u": normal(rng, n, CLASSES), "alpha": positive(rng)}


def published_vat_entmin(data: Data) -> float:
    total = 0.0
    for s, u, phat in zip(data["s"], data["u"], data["phat"], strict=True):
        smooth = sum(p * math.log(p / q) for p, q in zip(phat, shares(s), strict=True))
        total += float(data["alpha"]) * smooth - sum(p * math.log(p) for p in shares(u))
    return total / len(data["s"])


icon_vat_entmin = icon_vat


def sample_trades(rng: np.random.Generator, n: int) -> Data:
    logits = {"s": normal(rng, n, CLASSES), "u": normal(rng, n, CLASSES)}
    return {**logits, "y": labels(rng, n), "beta": positive(rng)}


def published_trades(data: Data) -> float:
    total = 0.0
    for s, u, y in zip(data["s"], data["u"], data["y"], strict=True):
        clean, attacked = shares(u), shares(s)
        gap = sum(p * math.log(p / r) for p, r in zip(clean, attacked, strict=True))
        total += -math.log(clean[y]) + float(data["beta"]) * gap
    return total / len(data["y"])


def icon_trades(data: Data) -> float:
    return float(hit(data["y"], data["u"]).mean())


def sample_cc_ibp(rng: np.random.Generator, n: int) -> Data:
    y = labels(rng, n)
    other = 1 - one_hot(y, CLASSES)
    logits = {"a": other * normal(rng, n, CLASSES), "b": other * normal(rng, n, CLASSES)}
    return {**logits, "y": y, "alpha": rng.uniform(0.2, 0.8, size=())}


def published_cc_ibp(data: Data) -> float:
    alpha, total = float(data["alpha"]), 0.0
    for a, b, y in zip(data["a"], data["b"], data["y"], strict=True):
        mixed = [-(1 - alpha) * v - alpha * w for v, w in zip(a, b, strict=True)]
        total -= math.log(math.exp(mixed[y]) / sum(map(math.exp, mixed)))
    return total / len(data["y"])


def icon_cc_ibp(data: Data) -> float:
    alpha = data["alpha"]
    return float(hit(data["y"], -((1 - alpha) * data["a"] + alpha * data["b"])).mean())


def sample_mtl_ibp(rng: np.random.Generator, n: int) -> Data:
    logits = {"s": normal(rng, n, 2, CLASSES), "y": labels(rng, n)}
    return {**logits, "alpha": rng.uniform(0.2, 0.8, size=())}


def cross_entropies(data: Data, source: int) -> list[float]:
    return [
        -math.log(shares(rows[source])[y]) for rows, y in zip(data["s"], data["y"], strict=True)
    ]


def published_mtl_ibp(data: Data) -> float:
    attack, bound = (sum(cross_entropies(data, t)) / len(data["y"]) for t in (0, 1))
    alpha = float(data["alpha"])
    return alpha * bound + (1 - alpha) * attack


def pulled(data: Data, weights: np.ndarray) -> float:
    """The two cross-entropies of every sample, averaged with weights on attack and bound."""
    kl = hit(np.broadcast_to(data["y"][:, None], data["s"].shape[:2]), data["s"])
    return float(kl.mean(0) @ weights)


def icon_mtl_ibp(data: Data) -> float:
    return pulled(data, np.array([1 - data["alpha"], data["alpha"]]))


sample_exp_ibp = sample_mtl_ibp


def published_exp_ibp(data: Data) -> float:
    alpha = float(data["alpha"])
    both = zip(cross_entropies(data, 0), cross_entropies(data, 1), strict=True)
    return sum(a ** (1 - alpha) * b**alpha for a, b in both) / len(data["y"])


def icon_exp_ibp(data: Data) -> float:
    return pulled(data, np.array([1 - data["alpha"], data["alpha"]]))


def sample_der(rng: np.random.Generator, n: int) -> Data:
    y = np.stack([labels(rng, n), rng.integers(2, CLASSES, size=n)], axis=-1)
    offered = np.array([[True] * CLASSES, [False, False] + [True] * (CLASSES - 2)])
    return {"s": normal(rng, n, 2, CLASSES), "y": y, "offered": offered, "lambda": positive(rng, 2)}


def published_der(data: Data) -> float:
    total = 0.0
    for rows, targets in zip(data["s"], data["y"], strict=True):
        for t, (s, y) in enumerate(zip(rows, targets, strict=True)):
            e = {c: math.exp(v) for c, v in enumerate(s) if data["offered"][t, c] or c == y}
            total -= data["lambda"][t] * math.log(e[y] / sum(e.values()))
    return float(total / len(data["s"]))


def icon_der(data: Data) -> float:
    target = one_hot(data["y"], CLASSES)
    kl = kl_rows(target, softmax(np.where(data["offered"] | (target > 0), data["s"], -np.inf)))
    return float(np.average(kl.mean(0), weights=data["lambda"]))


def sample_ntl_was(rng: np.random.Generator, n: int) -> Data:
    values = np.array([0.0, 1.0, 2.5, 4.0])
    return {"s": normal(rng, n, CLASSES), "y": labels(rng, n), "V": values}


def published_ntl_was(data: Data) -> float:
    total = 0.0
    for s, y in zip(data["s"], data["y"], strict=True):
        total += sum(q * abs(v - data["V"][y]) for q, v in zip(shares(s), data["V"], strict=True))
    return float(total / len(data["y"]))


def icon_ntl_was(data: Data) -> float:
    return float(hit(data["y"], data["s"]).mean())


sample_ntl_mse = sample_ntl_was


def published_ntl_mse(data: Data) -> float:
    total = 0.0
    for s, y in zip(data["s"], data["y"], strict=True):
        mean = sum(q * v for q, v in zip(shares(s), data["V"], strict=True))
        total += (data["V"][y] - mean) ** 2
    return float(total / len(data["y"]))


icon_ntl_mse = icon_ntl_was


def sample_donsker_varadhan(rng: np.random.Generator, n: int) -> Data:
    return {"T": normal(rng, n, n + 1), "P": positive(rng, n, n + 1)}


def expectations(data: Data) -> tuple[float, list[tuple[float, float]]]:
    """The mean score under the joint distribution, and (product weight, score) of every pair."""
    table, mean, product = data["P"] / data["P"].sum(), 0.0, []
    for x, row in enumerate(data["T"]):
        for y, score in enumerate(row):
            mean += table[x, y] * score
            product.append((float(table[x].sum() * table[:, y].sum()), float(score)))
    return float(mean), product


def published_donsker_varadhan(data: Data) -> float:
    mean, product = expectations(data)
    return math.log(sum(w * math.exp(t) for w, t in product)) - mean


def icon_donsker_varadhan(data: Data) -> float:
    p = data["P"] / data["P"].sum()
    return kl_joint(p, np.outer(p.sum(1), p.sum(0)) * np.exp(data["T"]))


sample_nwj = sample_donsker_varadhan


def published_nwj(data: Data) -> float:
    mean, product = expectations(data)
    return sum(w * math.exp(t - 1) for w, t in product) - mean


icon_nwj = icon_donsker_varadhan


def claim_donsker_varadhan(data: Data) -> tuple[float, float]:
    p = data["P"] / data["P"].sum()
    return 1.0, -float((p * np.log(p / np.outer(p.sum(1), p.sum(0)))).sum())


def sample_next_token(rng: np.random.Generator, n: int) -> Data:
    return {"h": normal(rng, n, DIM), "We": normal(rng, CLASSES, DIM), "u": labels(rng, n)}


def published_next_token(data: Data) -> float:
    likelihood = 1.0
    for h, word in zip(data["h"], data["u"], strict=True):
        e = [math.exp(float(h @ w)) for w in data["We"]]
        likelihood *= e[word] / sum(e)
    return -math.log(likelihood)


def icon_next_token(data: Data) -> float:
    return float(hit(data["u"], data["h"] @ data["We"].T).mean())


def sample_seq2seq(rng: np.random.Generator, n: int) -> Data:
    lengths = rng.integers(1, 6, size=n)
    words = {"s": normal(rng, n, 5, CLASSES), "y": labels(rng, n, 5)}
    return {**words, "on": np.arange(5) < lengths[:, None]}


def published_seq2seq(data: Data) -> float:
    total = 0.0
    for rows, targets, on in zip(data["s"], data["y"], data["on"], strict=True):
        steps = [shares(s)[y] for s, y, used in zip(rows, targets, on, strict=True) if used]
        total -= math.log(math.prod(steps))
    return total / len(data["s"])


def icon_seq2seq(data: Data) -> float:
    return float(np.average(hit(data["y"], data["s"]), weights=data["on"]))


def sample_regccrf(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 6), "y": rng.integers(6, size=n)}


def published_regccrf(data: Data) -> float:
    total = 0.0
    for s, y in zip(data["s"], data["y"], strict=True):
        total -= math.log(math.exp(s[y]) / sum(math.exp(v) for v in s))
    return total


def icon_regccrf(data: Data) -> float:
    return float(hit(data["y"], data["s"]).mean())


CLAIMS = {
    "matryoshka": lambda d: (float(d["imp"].sum()), 0.0),
    "vat": lambda d: (1.0, 0.0),
    "cc-ibp": lambda d: (1.0, 0.0),
    "mtl-ibp": lambda d: (1.0, 0.0),
    "der": lambda d: (float(d["lambda"].sum()), 0.0),
    "donsker-varadhan": claim_donsker_varadhan,
    "next-token": lambda d: (float(len(d["u"])), 0.0),
    "seq2seq": lambda d: (float(d["on"].sum(1).mean()), 0.0),
    "regccrf": lambda d: (float(len(d["y"])), 0.0),
}
NEGATIVES = {
    "vat-entmin": ("s", "u"),
    "trades": ("s", "u"),
    "exp-ibp": ("s",),
    "ntl-was": ("s",),
    "ntl-mse": ("s",),
    "nwj": ("T",),
}
