"""Reference values of losses that are a divergence with p and q exchanged, KL(q || p)."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    Data,
    kl_rows,
    normal,
    positive,
    rows_to_one,
    softmax,
    sq,
    sqdist,
)


def lines(scores: np.ndarray) -> list[list[float]]:
    """The softmax of every row, by loops."""
    out = []
    for row in scores:
        e = [math.exp(float(x)) for x in row]
        out.append([x / sum(e) for x in e])
    return out


def negative_entropy(q: list[float]) -> float:
    return sum(x * math.log(x) for x in q if x > 0)


def walk(phi: np.ndarray, mass: np.ndarray) -> list[list[float]]:
    """sum_c phi_ic phi_jc mass_j / sum_l phi_lc mass_l, by loops."""
    n, m = phi.shape
    size = [sum(float(phi[i, c] * mass[i]) for i in range(n)) for c in range(m)]
    return [
        [sum(float(phi[i, c] * phi[j, c] * mass[j]) / size[c] for c in range(m)) for j in range(n)]
        for i in range(n)
    ]


def sample_k_means(rng: np.random.Generator, n: int) -> Data:
    """Some assignments are hard, so that q has zeros."""
    phi = softmax(normal(rng, n, 2))
    phi[:2] = np.eye(2)
    return {"phi": phi, "x": normal(rng, n, 3), "s": positive(rng)}


def published_k_means(data: Data) -> float:
    phi, x, s = data["phi"], data["x"], float(data["s"])
    loss = 0.0
    for weight in phi.T:
        centre = sum(w * point for w, point in zip(weight, x, strict=True)) / sum(weight)
        loss += sum(float(w) * sq(p - centre) for w, p in zip(weight, x, strict=True)) / s**2
    loss += sum(map(negative_entropy, walk(phi, np.ones(len(x)))))
    return loss + sum(math.log(sum(math.exp(-sq(a - b) / (2 * s**2)) for b in x)) for a in x)


def icon_k_means(data: Data) -> float:
    phi = data["phi"]
    p = softmax(-sqdist(data["x"], data["x"]) / (2 * data["s"] ** 2))
    return float(kl_rows((phi / phi.sum(0)) @ phi.T, p).mean())


def sample_t_k_means(rng: np.random.Generator, n: int) -> Data:
    return {"phi": softmax(normal(rng, n, 2)), "x": normal(rng, n, 3), "nu": positive(rng)}


def published_t_k_means(data: Data) -> float:
    x, nu = data["x"], float(data["nu"])
    loss = 0.0
    for i, row in enumerate(walk(data["phi"], np.ones(len(x)))):
        tails = [1 + sq(x[i] - point) / nu for point in x]
        loss += (nu + 1) / 2 * sum(q * math.log(t) for q, t in zip(row, tails, strict=True))
        loss += negative_entropy(row) + math.log(sum(t ** (-(nu + 1) / 2) for t in tails))
    return loss


def icon_t_k_means(data: Data) -> float:
    phi, nu = data["phi"], data["nu"]
    p = softmax(-(nu + 1) / 2 * np.log1p(sqdist(data["x"], data["x"]) / nu))
    return float(kl_rows((phi / phi.sum(0)) @ phi.T, p).mean())


def sample_normalized_cut(rng: np.random.Generator, n: int) -> Data:
    w = positive(rng, n, n) * (rng.uniform(size=(n, n)) < 0.6) + np.roll(np.eye(n), 1, 0)
    w = w + w.T
    return {"phi": softmax(normal(rng, n, 3)), "W": w, "deg": w.sum(1), "t": positive(rng)}


def published_normalized_cut(data: Data) -> float:
    """The cut of every part over its volume, and the terms of the identity."""
    phi, w, t = data["phi"], data["W"], float(data["t"])
    n, m = phi.shape
    deg = [sum(map(float, row)) for row in w]
    loss = -float(m)
    for part in phi.T:
        volume = sum(float(part[i]) * deg[i] for i in range(n))
        inside = sum(float(part[i] * part[j] * w[i, j]) for i in range(n) for j in range(n))
        loss += (volume - inside) / volume
    loss += t * sum(map(negative_entropy, walk(phi, np.array(deg))))
    return loss + t * sum(
        math.log(sum(math.exp(float(w[i, j]) / deg[j] / t) for j in range(n))) for i in range(n)
    )


def icon_normalized_cut(data: Data) -> float:
    phi, deg = data["phi"], data["W"].sum(1)
    flow = phi * deg[:, None]
    p = softmax(data["W"] / deg / data["t"])
    return float(kl_rows(phi @ (flow / flow.sum(0)).T, p).mean())


def sample_rlhf(rng: np.random.Generator, n: int) -> Data:
    pi, ref = softmax(normal(rng, n, 4)), softmax(normal(rng, n, 4))
    return {"pi": pi, "ref": ref, "r": normal(rng, n, 4), "beta": positive(rng)}


def published_rlhf(data: Data) -> float:
    loss = 0.0
    for pi, ref, r in zip(data["pi"], data["ref"], data["r"], strict=True):
        loss -= sum(a * c for a, c in zip(pi, r, strict=True))
        drift = sum(a * math.log(a / b) for a, b in zip(pi, ref, strict=True))
        loss += float(data["beta"]) * drift
    return float(loss) / len(data["pi"])


def optimal(data: Data) -> np.ndarray:
    return np.asarray(data["ref"] * np.exp(data["r"] / data["beta"]))


def icon_rlhf(data: Data) -> float:
    return float(kl_rows(data["pi"], rows_to_one(optimal(data))).mean())


def sample_exo(rng: np.random.Generator, n: int) -> Data:
    return {"logpi": normal(rng, n, 2), "logref": normal(rng, n, 2), "beta": positive(rng),
            "epsilon": rng.uniform(0.05, 0.6, size=())}  # fmt: skip


def published_exo(data: Data) -> float:
    pi, ref, beta, e = data["logpi"], data["logref"], float(data["beta"]), float(data["epsilon"])
    loss = 0.0
    for i in range(len(pi)):
        gap = beta * ((pi[i, 0] - ref[i, 0]) - (pi[i, 1] - ref[i, 1]))
        right = 1 / (1 + math.exp(-gap))
        loss += right * (math.log(right) - math.log(1 - e))
        loss += (1 - right) * (math.log(1 - right) - math.log(e))
    return loss / len(pi)


def icon_exo(data: Data) -> float:
    q, e = softmax(data["beta"] * (data["logpi"] - data["logref"])), float(data["epsilon"])
    return float(kl_rows(q, np.broadcast_to([1 - e, e], q.shape)).mean())


def sample_maximum_entropy_clustering(rng: np.random.Generator, n: int) -> Data:
    return {"phi": softmax(normal(rng, n, 4)), "x": normal(rng, n, 3), "mu": normal(rng, 4, 3),
            "T": positive(rng)}  # fmt: skip


def published_maximum_entropy_clustering(data: Data) -> float:
    phi, loss = data["phi"], 0.0
    for i, point in enumerate(data["x"]):
        for c, centre in enumerate(data["mu"]):
            loss += phi[i, c] * (sq(point - centre) + float(data["T"]) * math.log(phi[i, c]))
    return float(loss)


def to_centres(data: Data) -> np.ndarray:
    return np.asarray(np.exp(-sqdist(data["x"], data["mu"]) / data["T"]))


def icon_maximum_entropy_clustering(data: Data) -> float:
    return float(kl_rows(data["phi"], rows_to_one(to_centres(data))).mean())


def sample_elbo(rng: np.random.Generator, n: int) -> Data:
    return {"qz": softmax(normal(rng, n, 3)), "joint": positive(rng, n, 3) / n}


def published_elbo(data: Data) -> float:
    loss = 0.0
    for q, joint in zip(data["qz"], data["joint"], strict=True):
        loss -= sum(a * (math.log(b) - math.log(a)) for a, b in zip(q, joint, strict=True))
    return float(loss)


def icon_elbo(data: Data) -> float:
    return float(kl_rows(data["qz"], rows_to_one(data["joint"])).mean())


def sample_mean_entropy(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 4), "tau": positive(rng)}


def published_mean_entropy(data: Data) -> float:
    rows = lines(data["s"] / data["tau"])
    return negative_entropy([sum(column) / len(rows) for column in zip(*rows, strict=True)])


def icon_mean_entropy(data: Data) -> float:
    q = softmax(data["s"] / data["tau"]).mean(0, keepdims=True)
    return float(kl_rows(q, np.full(q.shape, 1 / q.shape[1])).sum())


def sample_reverse_kl_distillation(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 5), "r": normal(rng, n, 5)}


def published_reverse_kl_distillation(data: Data) -> float:
    student, teacher = lines(data["s"]), lines(data["r"])
    loss = 0.0
    for q, p in zip(student, teacher, strict=True):
        loss += sum(a * math.log(a / b) for a, b in zip(q, p, strict=True))
    return loss / len(student)


def icon_reverse_kl_distillation(data: Data) -> float:
    return float(kl_rows(softmax(data["s"]), softmax(data["r"])).mean())


def sample_soft_actor_critic(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 4), "Q": normal(rng, n, 4), "alpha": positive(rng)}


def published_soft_actor_critic(data: Data) -> float:
    alpha, loss = float(data["alpha"]), 0.0
    for pi, values in zip(lines(data["f"]), data["Q"], strict=True):
        loss += sum(a * (alpha * math.log(a) - v) for a, v in zip(pi, values, strict=True))
    return float(loss) / len(data["f"])


def icon_soft_actor_critic(data: Data) -> float:
    return float(kl_rows(softmax(data["f"]), softmax(data["Q"] / data["alpha"])).mean())


def sample_entropic_transport(rng: np.random.Generator, n: int) -> Data:
    plan = positive(rng, n, 5)
    return {"P": plan / plan.sum(), "C": normal(rng, n, 5), "eps": positive(rng)}


def published_entropic_transport(data: Data) -> float:
    moved, cost = data["P"].ravel(), data["C"].ravel()
    return float(sum(a * (c + data["eps"] * math.log(a)) for a, c in zip(moved, cost, strict=True)))


def icon_entropic_transport(data: Data) -> float:
    return float(kl_rows(data["P"].ravel(), softmax(-data["C"].ravel() / data["eps"])))


def sample_dvae_prior(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 6)}


def published_dvae_prior(data: Data) -> float:
    return sum(math.log(len(q)) + negative_entropy(q) for q in lines(data["s"]))


def icon_dvae_prior(data: Data) -> float:
    q = softmax(data["s"])
    return float(kl_rows(q, np.full(q.shape, 1 / q.shape[1])).mean())


def log_sums(k: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(k.sum(-1)))


CLAIMS = {
    "dvae-prior": lambda data: (len(data["s"]), 0.0),
    "elbo": lambda data: (len(data["qz"]), -log_sums(data["joint"]).sum()),
    "entropic-transport": lambda data: (
        float(data["eps"]), -float(data["eps"]) * log_sums(np.exp(-data["C"] / data["eps"]).ravel())
    ),
    "exo": lambda data: (1.0, 0.0),
    "k-means": lambda data: (len(data["x"]), 0.0),
    "maximum-entropy-clustering": lambda data: (
        data["T"] * len(data["x"]), -data["T"] * log_sums(to_centres(data)).sum()
    ),
    "mean-entropy": lambda data: (1.0, -math.log(data["s"].shape[1])),
    "normalized-cut": lambda data: (data["t"] * len(data["W"]), 0.0),
    "reverse-kl-distillation": lambda data: (1.0, 0.0),
    "rlhf": lambda data: (data["beta"], -data["beta"] * log_sums(optimal(data)).mean()),
    "soft-actor-critic": lambda data: (
        data["alpha"], -data["alpha"] * log_sums(np.exp(data["Q"] / data["alpha"])).mean()
    ),
    "t-k-means": lambda data: (len(data["x"]), 0.0),
}  # fmt: skip
