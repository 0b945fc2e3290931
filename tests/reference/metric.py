"""Reference values of metric-learning losses over labelled batches, with a null neighbour."""

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
    off_diagonal,
    one_hot,
    positive,
    rows_to_one,
    sq,
    sqdist,
)


def labelled(rng: np.random.Generator, n: int, name: str) -> Data:
    """At least four samples, every class with two members and another class beside it."""
    n = max(n, 4)
    return {name: normal(rng, n, DIM), "y": rng.permutation(np.arange(n) % 2)}


def split(y: np.ndarray, i: int) -> tuple[list[int], list[int]]:
    """The positives and the negatives of sample i."""
    others = [j for j in range(len(y)) if j != i]
    return [j for j in others if y[j] == y[i]], [j for j in others if y[j] != y[i]]


def sides(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positives and the negatives of all samples, as 0/1 matrices."""
    same = 1.0 * (y[:, None] == y)
    return off_diagonal(same), 1 - same


def null(kernel: np.ndarray) -> np.ndarray:
    """KL(null || q) for every row of a kernel, with a null neighbour of weight 1 beside it."""
    return np.asarray(np.log1p(kernel.sum(-1)))


def sample_proxy_nca(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, DIM), "w": normal(rng, 4, DIM), "y": rng.integers(4, size=n)}


def published_proxy_nca(data: Data) -> float:
    total = 0.0
    for x, y in zip(data["x"], data["y"], strict=True):
        near = [math.exp(-sq(x - w)) for w in data["w"]]
        total -= math.log(near[y] / sum(k for c, k in enumerate(near) if c != y))
    return total / len(data["x"])


def icon_proxy_nca(data: Data) -> float:
    q = rows_to_one(np.exp(-sqdist(data["x"], data["w"])))
    return float(kl_rows(one_hot(data["y"], 4), q).mean())


def sample_multi_similarity(rng: np.random.Generator, n: int) -> Data:
    g = np.array([2.0, 3.0]) * positive(rng, 2)
    return {**labelled(rng, n, "x"), "g": g, "lambda": np.array(0.4), "c": (1 / g).sum()}


def published_multi_similarity(data: Data) -> float:
    x, threshold, total = data["x"], float(data["lambda"]), 0.0
    alpha, beta = map(float, data["g"])
    for i in range(len(x)):
        same, other = split(data["y"], i)
        near = sum(math.exp(-alpha * (cos(x[i], x[k]) - threshold)) for k in same)
        far = sum(math.exp(beta * (cos(x[i], x[k]) - threshold)) for k in other)
        total += math.log(1 + near) / alpha + math.log(1 + far) / beta
    return total / len(x)


def icon_multi_similarity(data: Data) -> float:
    """Each sample has two rows, against positives and negatives, weighted by 1/g."""
    signs = np.array([-1.0, 1.0]) * data["g"]
    s = cosines(data["x"], data["x"]) - data["lambda"]
    rows = null(np.stack(sides(data["y"])) * np.exp(signs[:, None, None] * s))
    return float(np.average(rows.mean(1), weights=1 / data["g"]))


def sample_circle(rng: np.random.Generator, n: int) -> Data:
    data = labelled(rng, n, "x")
    pace = {name: positive(rng, len(data["y"]), len(data["y"])) for name in ("alpha_p", "alpha_n")}
    return {**data, **pace, "gamma": positive(rng), "D_p": np.array(0.75), "D_n": np.array(0.25)}


def published_circle(data: Data) -> float:
    x, gamma, total = data["x"], float(data["gamma"]), 0.0
    for i in range(len(x)):
        same, other = split(data["y"], i)
        near = far = 0.0
        for j in same:
            gap = cos(x[i], x[j]) - float(data["D_p"])
            near += math.exp(-gamma * data["alpha_p"][i, j] * gap)
        for k in other:
            gap = cos(x[i], x[k]) - float(data["D_n"])
            far += math.exp(gamma * data["alpha_n"][i, k] * gap)
        total += math.log(1 + far * near)
    return total / len(x)


def icon_circle(data: Data) -> float:
    positives, negatives = sides(data["y"])
    s, gamma = cosines(data["x"], data["x"]), data["gamma"]
    near = positives * np.exp(-gamma * data["alpha_p"] * (s - data["D_p"]))
    far = negatives * np.exp(gamma * data["alpha_n"] * (s - data["D_n"]))
    return float(null(np.einsum("ij,ik->ijk", near, far).reshape(len(s), -1)).mean())


def sample_lifted_structure(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n, "f"), "m": np.array(0.2)}


def published_lifted_structure(data: Data) -> float:
    f, m, total = data["f"], float(data["m"]), 0.0
    for i in range(len(f)):
        same, other = split(data["y"], i)
        near = sum(math.exp(math.sqrt(sq(f[i] - f[j]))) for j in same)
        far = sum(math.exp(m - math.sqrt(sq(f[i] - f[k]))) for k in other)
        total += max(0.0, math.log(near) + math.log(far))
    return total


def icon_lifted_structure(data: Data) -> float:
    positives, negatives = sides(data["y"])
    distance = np.sqrt(sqdist(data["f"], data["f"]))
    near, far = positives * np.exp(distance), negatives * np.exp(data["m"] - distance)
    return float(null(np.einsum("ij,ik->ijk", near, far).reshape(len(near), -1)).mean())


def sample_sincere(rng: np.random.Generator, n: int) -> Data:
    return {**labelled(rng, n, "z"), "tau": positive(rng)}


def published_sincere(data: Data) -> float:
    z, tau, total = data["z"], float(data["tau"]), 0.0
    for i in range(len(z)):
        same, other = split(data["y"], i)
        far = sum(math.exp(z[i] @ z[k] / tau) for k in other)
        for j in same:
            near = math.exp(z[i] @ z[j] / tau)
            total -= math.log(near / (near + far)) / len(same)
    return total / len(z)


def icon_sincere(data: Data) -> float:
    positives, negatives = sides(data["y"])
    k = np.exp(data["z"] @ data["z"].T / data["tau"])
    mass = (negatives * k).sum(1, keepdims=True)
    pairs = kl_rows(np.array([1.0, 0.0]), np.stack([k / (k + mass), mass / (k + mass)], axis=-1))
    return float((rows_to_one(positives) * pairs).sum() / len(k))


def sample_proxy_anchor(rng: np.random.Generator, n: int) -> Data:
    """Three classes of which the last has no sample; entry 0 of the batch is the null neighbour."""
    n = max(n, 4)
    labels = rng.permutation(np.arange(n) % 2)
    seen = np.isin(np.arange(3), labels[1:])
    vectors = {"x": normal(rng, n, DIM), "w": normal(rng, 3, DIM)}
    numbers = {"alpha": 2 * positive(rng), "delta": np.array(0.1)}
    return {**vectors, "y": labels, "none": np.array(0), "seen": seen, **numbers}


def published_proxy_anchor(data: Data) -> float:
    alpha, delta, total = float(data["alpha"]), float(data["delta"]), 0.0
    batch = list(zip(data["x"], data["y"], strict=True))[1:]
    for c, w in enumerate(data["w"]):
        own = [cos(x, w) for x, y in batch if y == c]
        far = [cos(x, w) for x, y in batch if y != c]
        if own:
            near = math.log(1 + sum(math.exp(-alpha * (s - delta)) for s in own))
            total += near / sum(data["seen"])
        total += math.log(1 + sum(math.exp(alpha * (s + delta)) for s in far)) / len(data["w"])
    return float(total)


def icon_proxy_anchor(data: Data) -> float:
    s = cosines(data["w"], data["x"][1:])
    own = 1.0 * (np.arange(3)[:, None] == data["y"][1:])
    near = null(own * np.exp(-data["alpha"] * (s - data["delta"])))[data["seen"]]
    far = null((1 - own) * np.exp(data["alpha"] * (s + data["delta"])))
    return float((near.mean() + far.mean()) / 2)


CLAIMS = {
    "multi-similarity": lambda d: (float(d["c"]), 0.0),
    "circle": lambda d: (1.0, 0.0),
    "sincere": lambda d: (1.0, 0.0),
    "proxy-anchor": lambda d: (2.0, 0.0),
}
NEGATIVES = {
    "proxy-nca": ("x", "w"),
    "lifted-structure": ("f",),
}
