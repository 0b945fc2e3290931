"""Reference values of the losses that nobody published: the divergence of the pair, in loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from tests.reference.tools import (
    Data,
    cos,
    cosines,
    kl_joint,
    kl_rows,
    mixed_graph,
    normal,
    off_diagonal,
    one_hot,
    positive,
    rows_to_one,
    softmax,
    sq,
    sqdist,
)

Pairwise = Callable[[int, int], float]


def kl(p: float, q: float) -> float:
    return p * math.log(p / q) if p > 0 else 0.0


def row_of(near: Iterable[int], i: int, weight: Pairwise, kernel: Pairwise) -> float:
    """KL of two rows given by their weights before normalisation."""
    a, k = [weight(i, j) for j in near], [kernel(i, j) for j in near]
    return sum(kl(x / sum(a), y / sum(k)) for x, y in zip(a, k, strict=True))


def others(i: int, n: int) -> list[int]:
    return [j for j in range(n) if j != i]


def excluded(n: int, weight: Pairwise, kernel: Pairwise) -> float:
    """The mean over anchors, no point its own neighbour."""
    return sum(row_of(others(i, n), i, weight, kernel) for i in range(n)) / n


def included(n: int, weight: Pairwise, kernel: Pairwise) -> float:
    return sum(row_of(range(n), i, weight, kernel) for i in range(n)) / n


def together(n: int, weight: Pairwise, kernel: Pairwise) -> float:
    """All ordered pairs of different points as one row."""
    pairs = [(i, j) for i in range(n) for j in others(i, n)]
    a, k = [weight(i, j) for i, j in pairs], [kernel(i, j) for i, j in pairs]
    return sum(kl(x / sum(a), y / sum(k)) for x, y in zip(a, k, strict=True))


def gaussian(y: np.ndarray, width: float = math.sqrt(0.5)) -> Pairwise:
    return lambda i, j: math.exp(-sq(y[i] - y[j]) / (2 * width * width))


def student(x: np.ndarray, nu: float, scale: float = 1.0) -> Pairwise:
    return lambda i, j: math.pow(1 + sq(x[i] - x[j]) / (nu * scale**2), -(nu + 1) / 2)


def same(y: np.ndarray) -> Pairwise:
    return lambda i, j: float(y[i] == y[j])


def dense_student(d: np.ndarray, nu: np.ndarray, scale: float = 1.0) -> np.ndarray:
    return np.exp(-(nu + 1) / 2 * np.log1p(d / nu / scale**2))


def dense_gaussian(d: np.ndarray, width: float = math.sqrt(0.5)) -> np.ndarray:
    return np.asarray(np.exp(-d / (2 * width**2)))


def sample_dual_t_sne(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, 4), "y": normal(rng, n, 2), "nu": positive(rng)}


def published_dual_t_sne(data: Data) -> float:
    x, y = data["x"], data["y"]
    return excluded(len(x), student(x, float(data["nu"])), gaussian(y))


def dual_kernels(data: Data) -> tuple[np.ndarray, np.ndarray]:
    p = dense_student(sqdist(data["x"], data["x"]), data["nu"])
    return off_diagonal(p), off_diagonal(dense_gaussian(sqdist(data["y"], data["y"])))


def icon_dual_t_sne(data: Data) -> float:
    p, k = map(rows_to_one, dual_kernels(data))
    return float(kl_rows(p, k).mean())


sample_dual_t_sne_joint = sample_dual_t_sne


def published_dual_t_sne_joint(data: Data) -> float:
    x, y = data["x"], data["y"]
    return together(len(x), student(x, float(data["nu"])), gaussian(y))


def icon_dual_t_sne_joint(data: Data) -> float:
    p, k = dual_kernels(data)
    return kl_joint(p / p.sum(), k)


def sample_doubly_t_sne(rng: np.random.Generator, n: int) -> Data:
    return {**sample_dual_t_sne(rng, n), "mu": positive(rng)}


def doubly_kernels(data: Data) -> tuple[np.ndarray, np.ndarray]:
    p = dense_student(sqdist(data["x"], data["x"]), data["mu"])
    return off_diagonal(p), off_diagonal(dense_student(sqdist(data["y"], data["y"]), data["nu"]))


def published_doubly_t_sne(data: Data) -> float:
    p, k = student(data["x"], float(data["mu"])), student(data["y"], float(data["nu"]))
    return excluded(len(data["x"]), p, k)


def icon_doubly_t_sne(data: Data) -> float:
    p, k = map(rows_to_one, doubly_kernels(data))
    return float(kl_rows(p, k).mean())


sample_doubly_t_sne_joint = sample_doubly_t_sne


def published_doubly_t_sne_joint(data: Data) -> float:
    p, k = student(data["x"], float(data["mu"])), student(data["y"], float(data["nu"]))
    return together(len(data["x"]), p, k)


def icon_doubly_t_sne_joint(data: Data) -> float:
    p, k = doubly_kernels(data)
    return kl_joint(p / p.sum(), k)


def sample_sne_graph_embedding(rng: np.random.Generator, n: int) -> Data:
    return {"y": normal(rng, n, 2), "W": positive(rng, n, n), "edge": mixed_graph(rng, n)}


def published_sne_graph_embedding(data: Data) -> float:
    w, edge = data["W"], data["edge"]
    return excluded(len(w), lambda i, j: float(w[i, j] * edge[i, j]), gaussian(data["y"]))


def icon_sne_graph_embedding(data: Data) -> float:
    p = rows_to_one(off_diagonal(data["W"] * data["edge"]))
    k = off_diagonal(dense_gaussian(sqdist(data["y"], data["y"])))
    return float(kl_rows(p, rows_to_one(k)).mean())


def sample_average_margin_clip(rng: np.random.Generator, n: int) -> Data:
    return {"a": normal(rng, n, 3), "b": normal(rng, n, 3), "sigma": positive(rng)}


def identity(i: int, j: int) -> float:
    return float(i == j)


def published_average_margin_clip(data: Data) -> float:
    a, b, s = data["a"], data["b"], float(data["sigma"])
    there = included(len(a), identity, lambda i, j: math.exp(-sq(a[i] - b[j]) / (2 * s * s)))
    back = included(len(a), identity, lambda i, j: math.exp(-sq(a[j] - b[i]) / (2 * s * s)))
    return (there + back) / 2


def both_ways(k: np.ndarray) -> float:
    """-log of the diagonal of the rows and of the columns of a kernel, averaged."""
    return float(-(np.log(np.diag(rows_to_one(k))) + np.log(np.diag(rows_to_one(k.T)))).mean()) / 2


def icon_average_margin_clip(data: Data) -> float:
    return both_ways(dense_gaussian(sqdist(data["a"], data["b"]), float(data["sigma"])))


def sample_average_margin_supcon(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 3), "y": rng.permutation(np.arange(n) // 2 % (n // 2)),
            "sigma": positive(rng)}  # fmt: skip


def published_average_margin_supcon(data: Data) -> float:
    z, y = data["z"], data["y"]
    return excluded(len(z), same(y), gaussian(z, float(data["sigma"])))


def class_rows(y: np.ndarray) -> np.ndarray:
    return rows_to_one(off_diagonal((y[:, None] == y[None, :]) * 1.0))


def icon_average_margin_supcon(data: Data) -> float:
    k = off_diagonal(dense_gaussian(sqdist(data["z"], data["z"]), float(data["sigma"])))
    return float(kl_rows(class_rows(data["y"]), rows_to_one(k)).mean())


def sample_triplet_supcon(rng: np.random.Generator, n: int) -> Data:
    data, w = sample_average_margin_supcon(rng, n), positive(rng, n, n)
    together = off_diagonal((data["y"][:, None] == data["y"][None, :]) * 1.0)
    return {**data, "w": w / (w * together).sum()}


def published_triplet_supcon(data: Data) -> float:
    z, y, w, loss = data["z"], data["y"], data["w"], 0.0
    kernel = gaussian(z, float(data["sigma"]))
    for i in range(len(z)):
        for p in others(i, len(z)):
            if y[p] == y[i]:
                rest = sum(kernel(i, j) for j in range(len(z)) if y[j] != y[i])
                loss -= w[i, p] * math.log(kernel(i, p) / (kernel(i, p) + rest))
    return loss


def icon_triplet_supcon(data: Data) -> float:
    k = dense_gaussian(sqdist(data["z"], data["z"]), float(data["sigma"]))
    kin = data["y"][:, None] == data["y"][None, :]
    q = k / (k + (k * ~kin).sum(1, keepdims=True))
    return float(-(data["w"] * off_diagonal(kin * np.log(q))).sum())


def sample_t_clip(rng: np.random.Generator, n: int) -> Data:
    return {"a": normal(rng, n, 3), "b": normal(rng, n, 3), "nu": positive(rng),
            "s": positive(rng)}  # fmt: skip


def published_t_clip(data: Data) -> float:
    n, stacked = len(data["a"]), np.concatenate([data["a"], data["b"]])
    k = student(stacked, float(data["nu"]), float(data["s"]))
    there = included(n, identity, lambda i, j: k(i, n + j))
    return (there + included(n, identity, lambda i, j: k(n + i, j))) / 2


def icon_t_clip(data: Data) -> float:
    return both_ways(dense_student(sqdist(data["a"], data["b"]), data["nu"], float(data["s"])))


def sample_t_supcon(rng: np.random.Generator, n: int) -> Data:
    data = sample_average_margin_supcon(rng, n)
    return {"z": data["z"], "y": data["y"], "nu": positive(rng), "s": positive(rng)}


def published_t_supcon(data: Data) -> float:
    z, y = data["z"], data["y"]
    return excluded(len(z), same(y), student(z, float(data["nu"]), float(data["s"])))


def icon_t_supcon(data: Data) -> float:
    d = sqdist(data["z"], data["z"])
    k = off_diagonal(dense_student(d, data["nu"], float(data["s"])))
    return float(kl_rows(class_rows(data["y"]), rows_to_one(k)).mean())


def sample_supervised_clustering(rng: np.random.Generator, n: int) -> Data:
    return {"phi": softmax(normal(rng, n, 3)), "y": rng.integers(3, size=n)}


def shared(phi: np.ndarray) -> Pairwise:
    """sum_c phi_ic phi_jc / sum_l phi_lc."""
    sizes = [sum(column) for column in phi.T]
    return lambda i, j: sum(a * b / m for a, b, m in zip(phi[i], phi[j], sizes, strict=True))


def published_supervised_clustering(data: Data) -> float:
    return included(len(data["y"]), same(data["y"]), shared(data["phi"]))


def icon_supervised_clustering(data: Data) -> float:
    phi, y = data["phi"], data["y"]
    p = rows_to_one((y[:, None] == y[None, :]) * 1.0)
    return float(kl_rows(p, (phi / phi.sum(0)) @ phi.T).mean())


def sample_debiased_clustering(rng: np.random.Generator, n: int) -> Data:
    phi = softmax(normal(rng, n, 3))
    phi[0] = [1.0, 0.0, 0.0]
    walk = rows_to_one(positive(rng, n, n) * mixed_graph(rng, n))
    alpha, beta = rng.uniform(0.1, 0.6, size=2)
    return {"phi": phi, "w": walk, "alpha": np.array(alpha), "beta": np.array(beta)}


def published_debiased_clustering(data: Data) -> float:
    w, n, a, b = data["w"], len(data["w"]), float(data["alpha"]), float(data["beta"])
    walk = shared(data["phi"])

    def ends(i: int, j: int) -> float:
        return (1 - a) * (w[i, j] + sum(w[i, k] * w[k, j] for k in range(n))) / 2 + a / n

    return included(n, ends, lambda i, j: (1 - b) * walk(i, j) + b / n)


def icon_debiased_clustering(data: Data) -> float:
    w, phi, a, b = (data[name] for name in ("w", "phi", "alpha", "beta"))
    p = (1 - a) * (w + w @ w) / 2 + a / len(w)
    return float(kl_rows(p, (1 - b) * (phi / phi.sum(0)) @ phi.T + b / len(w)).mean())


def sample_debiased_p_contrastive(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 3), "w": normal(rng, n, 3), "tau": positive(rng),
            "alpha": rng.uniform(0.1, 0.6, size=())}  # fmt: skip


sample_debiased_q_contrastive = sample_debiased_p_contrastive


def published_debiased_p_contrastive(data: Data) -> float:
    z, w, tau, a = (data[name] for name in ("z", "w", "tau", "alpha"))
    n = len(z)

    def target(i: int, j: int) -> float:
        return (1 - float(a)) * (i == j) + float(a) / n

    return included(n, target, lambda i, j: math.exp(cos(z[i], w[j]) / float(tau)))


def icon_debiased_p_contrastive(data: Data) -> float:
    n, a = len(data["z"]), data["alpha"]
    q = softmax(cosines(data["z"], data["w"]) / data["tau"])
    return float(kl_rows((1 - a) * np.eye(n) + a / n, q).mean())


def published_debiased_q_contrastive(data: Data) -> float:
    z, w, tau, a = (data[name] for name in ("z", "w", "tau", "alpha"))
    loss = 0.0
    for i in range(len(z)):
        e = [math.exp(float(z[i] @ key) / float(tau)) for key in w]
        loss -= math.log((1 - a) * e[i] / sum(e) + a / len(z))
    return loss / len(z)


def icon_debiased_q_contrastive(data: Data) -> float:
    n, a = len(data["z"]), data["alpha"]
    q = (1 - a) * softmax(data["z"] @ data["w"].T / data["tau"]) + a / n
    return float(kl_rows(np.eye(n), q).mean())


def sample_error_rate_tv(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 5), "y": rng.integers(5, size=n), "tau": positive(rng)}


sample_error_rate_hellinger = sample_error_rate_jsd = sample_error_rate_tv


def cold(data: Data) -> tuple[list[int], list[list[float]]]:
    """The labels and the rows of the softmax, by loops."""
    rows = []
    for s in data["s"]:
        e = [math.exp(x / float(data["tau"])) for x in s]
        rows.append([x / sum(e) for x in e])
    return [int(y) for y in data["y"]], rows


def pair(data: Data) -> tuple[np.ndarray, np.ndarray]:
    q = softmax(data["s"] / data["tau"])
    return one_hot(data["y"], q.shape[1]), q


def published_error_rate_tv(data: Data) -> float:
    labels, rows = cold(data)
    return sum(1 - q[y] for y, q in zip(labels, rows, strict=True)) / len(rows)


def icon_error_rate_tv(data: Data) -> float:
    p, q = pair(data)
    return float(np.abs(p - q).sum(1).mean() / 2)


def published_error_rate_hellinger(data: Data) -> float:
    labels, rows = cold(data)
    return sum(1 - math.sqrt(q[y]) for y, q in zip(labels, rows, strict=True)) / len(rows)


def icon_error_rate_hellinger(data: Data) -> float:
    p, q = pair(data)
    return float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(1).mean() / 2)


def published_error_rate_jsd(data: Data) -> float:
    labels, rows = cold(data)
    loss = 0.0
    for y, q in zip(labels, rows, strict=True):
        loss += math.log(2 / (1 + q[y])) / 2 + q[y] * math.log(2 * q[y] / (1 + q[y])) / 2
        loss += sum(x for c, x in enumerate(q) if c != y) * math.log(2) / 2
    return loss / len(rows)


def icon_error_rate_jsd(data: Data) -> float:
    p, q = pair(data)
    return float((kl_rows(p, (p + q) / 2) + kl_rows(q, (p + q) / 2)).mean() / 2)


def sample_error_rate_mixed(rng: np.random.Generator, n: int) -> Data:
    return {**sample_error_rate_tv(rng, n), "alpha": rng.uniform(0.1, 0.6, size=())}


def published_error_rate_mixed(data: Data) -> float:
    (labels, rows), a = cold(data), float(data["alpha"])
    mixed = ((1 - a) * q[y] + a / len(q) for y, q in zip(labels, rows, strict=True))
    return -sum(map(math.log, mixed)) / len(rows)


def icon_error_rate_mixed(data: Data) -> float:
    (p, q), a = pair(data), data["alpha"]
    return float(kl_rows(p, (1 - a) * q + a / q.shape[1]).mean())


CLAIMS = {
    name: lambda data: (1.0, 0.0)
    for name in (
        "average-margin-clip", "average-margin-supcon", "debiased-clustering",
        "debiased-p-contrastive", "debiased-q-contrastive", "doubly-t-sne", "doubly-t-sne-joint",
        "dual-t-sne", "dual-t-sne-joint", "error-rate-hellinger", "error-rate-jsd",
        "error-rate-mixed", "error-rate-tv", "sne-graph-embedding", "supervised-clustering",
        "t-clip", "t-supcon", "triplet-supcon",
    )
}  # fmt: skip
