"""Reference values of contrastive losses over one set of views, self pairs excluded."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cauchy,
    cos,
    cosines,
    entropy,
    kl_rows,
    mixed_graph,
    normal,
    off_diagonal,
    one_hot,
    partners,
    positive,
    rows_to_one,
    sq,
    sqdist,
)


def cosine_rows(data: Data) -> np.ndarray:
    """softmax over j != i of cos(z_i, z_j)/tau."""
    return rows_to_one(off_diagonal(np.exp(cosines(data["z"], data["z"]) / data["tau"])))


def sample_x_sample(rng: np.random.Generator, n: int) -> Data:
    scalars = {"tau_s": positive(rng), "tau": positive(rng)}
    return {"z": normal(rng, n, DIM), "G": normal(rng, n, n), **scalars}


def published_x_sample(data: Data) -> float:
    z, g, tau_s, tau = data["z"], data["G"], float(data["tau_s"]), float(data["tau"])
    n, total = len(z), 0.0
    for i in range(n):
        others = [k for k in range(n) if k != i]
        zs = sum(math.exp(g[i, k] / tau_s) for k in others)
        zq = sum(math.exp(cos(z[i], z[k]) / tau) for k in others)
        for j in others:
            s = math.exp(g[i, j] / tau_s) / zs
            total -= s * math.log(math.exp(cos(z[i], z[j]) / tau) / zq)
    return total / n


def target_x_sample(data: Data) -> np.ndarray:
    return rows_to_one(off_diagonal(np.exp(data["G"] / data["tau_s"])))


def icon_x_sample(data: Data) -> float:
    return float(kl_rows(target_x_sample(data), cosine_rows(data)).mean())


def sample_lgsimclr(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, DIM), "knn": mixed_graph(rng, n), "tau": positive(rng)}


def nt_xent(z: np.ndarray, i: int, j: int, tau: float) -> float:
    """SimCLR's loss of one positive pair (i, j)."""
    denominator = sum(math.exp(cos(z[i], z[k]) / tau) for k in range(len(z)) if k != i)
    return -math.log(math.exp(cos(z[i], z[j]) / tau) / denominator)


def published_lgsimclr(data: Data) -> float:
    z, tau, total = data["z"], float(data["tau"]), 0.0
    for i, row in enumerate(data["knn"]):
        sampled = [j for j, inside in enumerate(row) if inside]
        total += sum(nt_xent(z, i, j, tau) for j in sampled) / len(sampled)
    return total / len(z)


def icon_lgsimclr(data: Data) -> float:
    return float(kl_rows(rows_to_one(data["knn"] * 1.0), cosine_rows(data)).mean())


def sample_simclr(rng: np.random.Generator, n: int) -> Data:
    views = 2 * ((n + 1) // 2)
    return {"z": normal(rng, views, DIM), "pos": partners(rng, views), "tau": positive(rng)}


def published_simclr(data: Data) -> float:
    z, tau = data["z"], float(data["tau"])
    return sum(nt_xent(z, i, int(j), tau) for i, j in enumerate(data["pos"])) / len(z)


def icon_simclr(data: Data) -> float:
    return float(kl_rows(one_hot(data["pos"], len(data["z"])), cosine_rows(data)).mean())


def sample_t_simcne(rng: np.random.Generator, n: int) -> Data:
    data = sample_simclr(rng, n)
    return {"z": data["z"], "pos": data["pos"]}


def published_t_simcne(data: Data) -> float:
    z, pos = data["z"], data["pos"]
    views = len(z)
    attraction = sum(math.log(1 / (1 + sq(z[i] - z[pos[i]]))) for i in range(views)) / views
    repulsion = 0.0
    for i in range(views):
        rest = (1 / (1 + sq(z[i] - z[k])) for k in range(views) if k != i)
        repulsion += math.log(sum(rest)) / views
    return repulsion - attraction


def icon_t_simcne(data: Data) -> float:
    q = rows_to_one(cauchy(data["z"]))
    return float(kl_rows(one_hot(data["pos"], len(q)), q).mean())


def sample_t_simclr(rng: np.random.Generator, n: int) -> Data:
    return {**sample_simclr(rng, n), "nu": 4 * positive(rng)}


def published_t_simclr(data: Data) -> float:
    z, pos, tau, nu = data["z"], data["pos"], float(data["tau"]), float(data["nu"])

    def similarity(i: int, j: int) -> float:
        return (1 + sq(z[i] - z[j]) / (tau * nu)) ** (-(nu + 1) / 2)

    total = 0.0
    for i in range(len(z)):
        rest = sum(similarity(i, k) for k in range(len(z)) if k != i)
        total -= math.log(similarity(i, int(pos[i])) / rest)
    return total / len(z)


def icon_t_simclr(data: Data) -> float:
    z, nu = data["z"], data["nu"]
    k = np.exp(-(nu + 1) / 2 * np.log1p(sqdist(z, z) / (data["tau"] * nu)))
    return float(kl_rows(one_hot(data["pos"], len(z)), rows_to_one(off_diagonal(k))).mean())


def sample_supcon(rng: np.random.Generator, n: int) -> Data:
    """Labels with at least two, often three members per class, shuffled."""
    labels = rng.permutation(np.repeat(np.arange((n + 2) // 3), 3)[: max(n, 3)])
    lonely = [c for c in np.unique(labels) if (labels == c).sum() < 2]
    labels[np.isin(labels, lonely)] = 0
    return {"z": normal(rng, len(labels), DIM), "y": labels, "tau": positive(rng)}


def published_supcon(data: Data) -> float:
    z, y, tau = data["z"], data["y"], float(data["tau"])
    total = 0.0
    for i in range(len(z)):
        rest = sum(math.exp(z[i] @ z[a] / tau) for a in range(len(z)) if a != i)
        positives = [p for p in range(len(z)) if p != i and y[p] == y[i]]
        logs = sum(math.log(math.exp(z[i] @ z[p] / tau) / rest) for p in positives)
        total += -1 / len(positives) * logs
    return total


def same_label(data: Data) -> np.ndarray:
    return off_diagonal(1.0 * (data["y"][:, None] == data["y"][None, :]))


def dot_rows(data: Data) -> np.ndarray:
    return rows_to_one(off_diagonal(np.exp(data["z"] @ data["z"].T / data["tau"])))


def icon_supcon(data: Data) -> float:
    return float(kl_rows(rows_to_one(same_label(data)), dot_rows(data)).mean())


def sample_supcon_in(rng: np.random.Generator, n: int) -> Data:
    labels = rng.permutation(np.arange(2 * max(n, 3)) % 2)
    return {"z": normal(rng, len(labels), DIM), "y": labels, "tau": positive(rng)}


def published_supcon_in(data: Data) -> float:
    z, y, tau = data["z"], data["y"], float(data["tau"])
    total = 0.0
    for i in range(len(z)):
        rest = sum(math.exp(z[i] @ z[a] / tau) for a in range(len(z)) if a != i)
        positives = [p for p in range(len(z)) if p != i and y[p] == y[i]]
        inside = sum(math.exp(z[i] @ z[p] / tau) / rest for p in positives)
        total -= math.log(inside / len(positives))
    return total


icon_supcon_in = icon_supcon


def sample_decoupled_contrastive(rng: np.random.Generator, n: int) -> Data:
    return sample_simclr(rng, max(n, 4))


def published_decoupled_contrastive(data: Data) -> float:
    z, pos, tau = data["z"], data["pos"], float(data["tau"])
    total = 0.0
    for i in range(len(z)):
        rest = [k for k in range(len(z)) if k not in (i, pos[i])]
        negatives = sum(math.exp(z[i] @ z[k] / tau) for k in rest)
        total -= math.log(math.exp(z[i] @ z[pos[i]] / tau) / negatives)
    return total / len(z)


def icon_decoupled_contrastive(data: Data) -> float:
    return float(kl_rows(one_hot(data["pos"], len(data["z"])), dot_rows(data)).mean())


def mean_log_neighbours(data: Data) -> float:
    return float(np.log(data["knn"].sum(1)).mean())


def claim_supcon(data: Data) -> tuple[float, float]:
    return len(data["y"]), float(np.log(same_label(data).sum(1)).sum())


CLAIMS = {
    "x-sample": lambda d: (1.0, entropy(target_x_sample(d))),
    "lgsimclr": lambda d: (1.0, mean_log_neighbours(d)),
    "simclr": lambda d: (1.0, 0.0),
    "supcon": claim_supcon,
    "t-simcne": lambda d: (1.0, 0.0),
    "t-simclr": lambda d: (1.0, 0.0),
}
NEGATIVES = {
    "supcon-in": ("z",),
    "decoupled-contrastive": ("z",),
}
