"""Reference values of losses that are another divergence of p and q than Kullback-Leibler's.

The divergences are written here from their textbook forms, on dense arrays; the published losses
by what they say of the probability of the right outcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tests.reference.tools import (
    Data,
    cauchy,
    gaussian_rows,
    kl_rows,
    normal,
    one_hot,
    positive,
    rows_to_one,
    softmax,
    sq,
    symmetrise,
)


def total_variation(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(p - q).sum(-1) / 2)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.asarray((kl_rows(p, (p + q) / 2) + kl_rows(q, (p + q) / 2)) / 2)


def pearson(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.asarray((p * p / q).sum(-1) - 1)


def squares(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.asarray(((p - q) ** 2).sum(-1) / 2)


def tsallis(p: np.ndarray, q: np.ndarray, a: float) -> np.ndarray:
    return np.asarray(((p**a * q ** (1 - a)).sum(-1) - 1) / (a - 1))


def amari(p: np.ndarray, q: np.ndarray, a: float) -> np.ndarray:
    return tsallis(p, q, a) / a


def chances(scores: np.ndarray) -> list[list[float]]:
    out = []
    for row in scores:
        e = [math.exp(float(x)) for x in row]
        out.append([x / sum(e) for x in e])
    return out


def sample_mae(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 4), "y": rng.integers(4, size=n)}


sample_brier = sample_sum_exponential = sample_jsd_noisy_labels = sample_mae


def pair(data: Data) -> tuple[np.ndarray, np.ndarray]:
    q = softmax(data["f"])
    return one_hot(data["y"], q.shape[1]), q


def right(data: Data) -> list[float]:
    """The probability of the label, sample by sample."""
    return [q[y] for q, y in zip(chances(data["f"]), data["y"], strict=True)]


def published_mae(data: Data) -> float:
    return sum(2 - 2 * q for q in right(data)) / len(data["y"])


def icon_mae(data: Data) -> float:
    return float(total_variation(*pair(data)).mean())


def sample_gce(rng: np.random.Generator, n: int) -> Data:
    return {**sample_mae(rng, n), "s": rng.uniform(0.2, 0.8, size=())}


sample_alpha_loss = sample_gce


def published_gce(data: Data) -> float:
    s = float(data["s"])
    return sum((1 - q**s) / s for q in right(data)) / len(data["y"])


def icon_gce(data: Data) -> float:
    return float(amari(*pair(data), 1 - float(data["s"])).mean())


published_alpha_loss = published_gce


def icon_alpha_loss(data: Data) -> float:
    return float(tsallis(*pair(data), 1 - float(data["s"])).mean())


def sample_comp_sum(rng: np.random.Generator, n: int) -> Data:
    return {**sample_mae(rng, n), "a": rng.uniform(0.2, 0.8, size=())}


def rivals(data: Data) -> Iterator[float]:
    """The sum over the other classes of the exponential of their lead, sample by sample."""
    for f, y in zip(data["f"], data["y"], strict=True):
        yield sum(math.exp(x - f[y]) for c, x in enumerate(f) if c != y)


def published_comp_sum(data: Data) -> float:
    a = float(data["a"])
    return sum(((1 + u) ** a - 1) / a for u in rivals(data)) / len(data["y"])


def icon_comp_sum(data: Data) -> float:
    return float(tsallis(*pair(data), 1 + float(data["a"])).mean())


def published_sum_exponential(data: Data) -> float:
    return sum(rivals(data)) / len(data["y"])


def icon_sum_exponential(data: Data) -> float:
    return float(pearson(*pair(data)).mean())


def sample_reverse_cross_entropy(rng: np.random.Generator, n: int) -> Data:
    return {**sample_mae(rng, n), "A": positive(rng)}


def published_reverse_cross_entropy(data: Data) -> float:
    """-sum_c q_c log p_c with -A in the place of log 0."""
    loss = 0.0
    for q, y in zip(chances(data["f"]), data["y"], strict=True):
        loss -= sum(x * -float(data["A"]) for c, x in enumerate(q) if c != y)
    return loss / len(data["y"])


icon_reverse_cross_entropy = icon_mae


def published_brier(data: Data) -> float:
    loss = 0.0
    for q, y in zip(chances(data["f"]), data["y"], strict=True):
        loss += sum((x - (c == y)) ** 2 for c, x in enumerate(q))
    return loss / len(data["y"])


def icon_brier(data: Data) -> float:
    return float(squares(*pair(data)).mean())


def negative_entropy(q: list[float]) -> float:
    return sum(x * math.log(x) for x in q if x > 0)


def published_jsd_noisy_labels(data: Data) -> float:
    loss = 0.0
    for q, y in zip(chances(data["f"]), data["y"], strict=True):
        middle = [(x + (c == y)) / 2 for c, x in enumerate(q)]
        loss += negative_entropy(q) / 2 - negative_entropy(middle)
    return loss / len(data["y"])


def icon_jsd_noisy_labels(data: Data) -> float:
    return float(jensen_shannon(*pair(data)).mean())


def sample_mean_teacher(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 4), "t": normal(rng, n, 4)}


def gaps(a: list[list[float]], b: list[list[float]]) -> float:
    return sum((x - y) ** 2 for u, v in zip(a, b, strict=True) for x, y in zip(u, v, strict=True))


def published_mean_teacher(data: Data) -> float:
    return gaps(chances(data["f"]), chances(data["t"])) / len(data["f"])


def icon_mean_teacher(data: Data) -> float:
    return float(squares(softmax(data["t"]), softmax(data["f"])).mean())


def sample_mixmatch_unlabelled(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 4), "g": rows_to_one(positive(rng, n, 4) ** 2)}


def published_mixmatch_unlabelled(data: Data) -> float:
    return gaps(chances(data["f"]), data["g"].tolist()) / data["f"].size


def icon_mixmatch_unlabelled(data: Data) -> float:
    return float(squares(data["g"], softmax(data["f"])).mean())


def sample_js_distillation(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 5), "r": normal(rng, n, 5)}


sample_tvd_distillation = sample_js_distillation


def published_js_distillation(data: Data) -> float:
    loss = 0.0
    for p, q in zip(chances(data["r"]), chances(data["s"]), strict=True):
        middle = negative_entropy([(x + y) / 2 for x, y in zip(p, q, strict=True)])
        loss += (negative_entropy(p) + negative_entropy(q)) / 2 - middle
    return loss / len(data["s"])


def icon_js_distillation(data: Data) -> float:
    return float(jensen_shannon(softmax(data["r"]), softmax(data["s"])).mean())


def published_tvd_distillation(data: Data) -> float:
    pairs = zip(chances(data["r"]), chances(data["s"]), strict=True)
    return sum(abs(x - y) / 2 for p, q in pairs for x, y in zip(p, q, strict=True)) / len(data["s"])


def icon_tvd_distillation(data: Data) -> float:
    return float(total_variation(softmax(data["r"]), softmax(data["s"])).mean())


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def outcomes(match: np.ndarray, logit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P and q over the outcomes match and null."""
    q = softmax(np.stack([logit, np.zeros_like(logit)], -1))
    return np.stack([match, ~match], -1) * 1.0, q


def sample_sigmoid_loss(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n), "y": rng.uniform(size=n) < 0.5}


sample_savage_loss = sample_sigmoid_loss


def margins(data: Data) -> list[float]:
    return [float(f) if y else -float(f) for f, y in zip(data["f"], data["y"], strict=True)]


def published_sigmoid_loss(data: Data) -> float:
    return sum(logistic(-v) for v in margins(data)) / len(data["f"])


def icon_sigmoid_loss(data: Data) -> float:
    return float(total_variation(*outcomes(data["y"], data["f"])).mean())


def published_savage_loss(data: Data) -> float:
    return sum(1 / (1 + math.exp(2 * v)) ** 2 for v in margins(data)) / len(data["f"])


def icon_savage_loss(data: Data) -> float:
    return float(squares(*outcomes(data["y"], 2 * data["f"])).mean())


def sample_kto_tv(rng: np.random.Generator, n: int) -> Data:
    return {"logpi": normal(rng, n), "logref": normal(rng, n), "beta": positive(rng),
            "z0": rng.normal(size=()), "good": rng.uniform(size=n) < 0.5,
            "lam": positive(rng, n)}  # fmt: skip


def published_kto_tv(data: Data) -> float:
    loss = 0.0
    for i, good in enumerate(data["good"]):
        value = data["beta"] * (data["logpi"][i] - data["logref"][i] - data["z0"])
        loss += data["lam"][i] * (1 - logistic(float(value if good else -value)))
    return float(loss) / len(data["good"])


def icon_kto_tv(data: Data) -> float:
    logit = data["beta"] * (data["logpi"] - data["logref"] - data["z0"])
    rows = total_variation(*outcomes(data["good"], logit))
    return float(np.average(rows, weights=data["lam"]))


def sample_apo_zero_tv(rng: np.random.Generator, n: int) -> Data:
    return {"logpi": normal(rng, n, 2), "logref": normal(rng, n, 2), "beta": positive(rng)}


def published_apo_zero_tv(data: Data) -> float:
    beta, loss = float(data["beta"]), 0.0
    for (w, x), (rw, rx) in zip(data["logpi"], data["logref"], strict=True):
        loss += 1 - logistic(beta * (w - rw)) + logistic(beta * (x - rx))
    return loss / len(data["logpi"])


def icon_apo_zero_tv(data: Data) -> float:
    logit = data["beta"] * (data["logpi"] - data["logref"])
    winner = np.broadcast_to([True, False], logit.shape)
    return float(total_variation(*outcomes(winner, logit)).mean())


def sample_trimap_tv(rng: np.random.Generator, n: int) -> Data:
    triplets = np.array([rng.permutation(n)[:3] for _ in range(2 * n)])
    a, b, c = triplets.T
    return {"y": normal(rng, n, 2), "a": a, "b": b, "c": c, "w": positive(rng, 2 * n)}


def published_trimap_tv(data: Data) -> float:
    y, loss = data["y"], 0.0
    for a, b, c, w in zip(data["a"], data["b"], data["c"], data["w"], strict=True):
        near, far = 1 / (1 + sq(y[a] - y[b])), 1 / (1 + sq(y[a] - y[c]))
        loss += float(w) * far / (near + far)
    return loss


def icon_trimap_tv(data: Data) -> float:
    y = data["y"]
    other = np.stack([y[data["b"]], y[data["c"]]], 1)
    q = rows_to_one(1 / (1 + ((y[data["a"]][:, None] - other) ** 2).sum(-1)))
    rows = total_variation(np.broadcast_to([1.0, 0.0], q.shape), q)
    return float(np.average(rows, weights=data["w"]))


def sample_pacmap_tv(rng: np.random.Generator, n: int) -> Data:
    ends = np.array([rng.permutation(n)[:2] for _ in range(2 * n)])
    near = rng.uniform(size=2 * n) < 0.5
    near[:2] = [True, False]
    return {"y": normal(rng, n, 2), "head": ends[:, 0], "tail": ends[:, 1], "near": near,
            "w": positive(rng, 2 * n), "half": np.where(near, 10.0, 1.0)}  # fmt: skip


def published_pacmap_tv(data: Data) -> float:
    y, loss = data["y"], 0.0
    for head, tail, near, w, c in zip(
        *(data[name] for name in ("head", "tail", "near", "w", "half")), strict=True
    ):
        d = 1 + sq(y[head] - y[tail])
        loss += float(w) * (d if near else float(c)) / (float(c) + d)
    return loss


def icon_pacmap_tv(data: Data) -> float:
    d = 1 + ((data["y"][data["head"]] - data["y"][data["tail"]]) ** 2).sum(-1)
    rows = total_variation(*outcomes(data["near"], np.log(data["half"] / d)))
    return float(np.average(rows, weights=data["w"]))


def sample_js_sne(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, 4), "y": normal(rng, n, 2), "sigma": positive(rng, n)}


sample_chi_sne = sample_rkl_sne = sample_js_sne


def maps(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """P and q of t-SNE as one row each, without the diagonal."""
    p, k = symmetrise(gaussian_rows(data["x"], data["sigma"])), cauchy(data["y"])
    off = ~np.eye(len(p), dtype=bool)
    return p[off], (k / k.sum())[off]


def pairs(data: Data) -> Iterator[tuple[float, float]]:
    """The similarities of t-SNE, pair by pair."""
    x, y, sigma, n = data["x"], data["y"], data["sigma"], len(data["x"])
    whole = sum(1 / (1 + sq(y[k] - y[m])) for k in range(n) for m in range(n) if k != m)
    near = [[math.exp(-sq(x[i] - x[j]) / (2 * sigma[i] ** 2)) for j in range(n)] for i in range(n)]
    rows = [sum(e for j, e in enumerate(row) if j != i) for i, row in enumerate(near)]
    for i in range(n):
        for j in range(n):
            if i != j:
                p = (near[i][j] / rows[i] + near[j][i] / rows[j]) / (2 * n)
                yield p, 1 / (1 + sq(y[i] - y[j])) / whole


def published_js_sne(data: Data) -> float:
    loss = 0.0
    for p, q in pairs(data):
        loss += (p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q))) / 2
    return loss


def icon_js_sne(data: Data) -> float:
    return float(jensen_shannon(*maps(data)))


def published_chi_sne(data: Data) -> float:
    return sum((p - q) ** 2 / q for p, q in pairs(data))


def icon_chi_sne(data: Data) -> float:
    return float(pearson(*maps(data)))


def published_rkl_sne(data: Data) -> float:
    return sum(q * math.log(q / p) for p, q in pairs(data))


def icon_rkl_sne(data: Data) -> float:
    p, q = maps(data)
    return float(kl_rows(q, p))


CLAIMS = {
    name: lambda data: (1.0, 0.0)
    for name in (
        "alpha-loss", "chi-sne", "comp-sum", "js-distillation", "js-sne", "jsd-noisy-labels",
        "rkl-sne", "savage-loss", "sigmoid-loss", "sum-exponential", "tvd-distillation",
    )
} | {
    "apo-zero-tv": lambda data: (2.0, 0.0),
    "brier": lambda data: (2.0, 0.0),
    "gce": lambda data: (1 - data["s"], 0.0),
    "kto-tv": lambda data: (data["lam"].mean(), 0.0),
    "mae": lambda data: (2.0, 0.0),
    "mean-teacher": lambda data: (2.0, 0.0),
    "mixmatch-unlabelled": lambda data: (2 / data["f"].shape[1], 0.0),
    "pacmap-tv": lambda data: (data["w"].sum(), 0.0),
    "reverse-cross-entropy": lambda data: (data["A"], 0.0),
    "trimap-tv": lambda data: (data["w"].sum(), 0.0),
}  # fmt: skip
