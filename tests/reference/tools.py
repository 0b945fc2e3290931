"""What the reference values share: distances, normalised rows, divergences, random graphs."""

from __future__ import annotations

import math

import numpy as np

Data = dict[str, np.ndarray]
DIM = 3


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def positive(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.asarray(rng.uniform(0.5, 1.5, size=shape))


def rows_to_one(k: np.ndarray) -> np.ndarray:
    """Divide by the sum over the last axis."""
    return k / k.sum(-1, keepdims=True)


def softmax(s: np.ndarray) -> np.ndarray:
    e = np.exp(s - s.max(-1, keepdims=True))
    return rows_to_one(e)


def off_diagonal(k: np.ndarray) -> np.ndarray:
    """A copy with a zero diagonal: self pairs are not allowed neighbours."""
    return k * (1 - np.eye(len(k)))


def sqdist(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(((a[:, None, :] - b[None, :, :]) ** 2).sum(-1))


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    na, nb = np.linalg.norm(a, axis=-1), np.linalg.norm(b, axis=-1)
    return (a @ b.T) / na[:, None] / nb[None, :]


def cos(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def sq(a: np.ndarray) -> float:
    return float((a * a).sum())


def one_hot(target: np.ndarray, size: int) -> np.ndarray:
    return np.eye(size)[target]


def kl_rows(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p_i || q_i) for every row, with 0 log 0 = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / q), 0.0).sum(-1)


def onto(target: list[float], q: np.ndarray) -> np.ndarray:
    """KL of the same target for every row of q."""
    return kl_rows(np.broadcast_to(target, q.shape), q)


def entropy(p: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Entropy of the rows, averaged with the anchor weights."""
    logs = np.log(np.where(p > 0, p, 1.0))
    return float(np.average(-(p * logs).sum(-1), weights=weights))


def partners(rng: np.random.Generator, views: int) -> np.ndarray:
    """An involution without fixed points on an even number of views, in random order."""
    order = rng.permutation(views)
    pos = np.empty(views, dtype=int)
    pos[order[0::2]], pos[order[1::2]] = order[1::2], order[0::2]
    return pos


def nearest(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """The k-nearest-neighbour graph of random points, no point its own neighbour."""
    x = normal(rng, n, DIM)
    d = sqdist(x, x) + np.diag(np.full(n, np.inf))
    graph = np.zeros((n, n), dtype=bool)
    np.put_along_axis(graph, d.argsort(1)[:, :k], True, axis=1)
    return graph


def mixed_graph(rng: np.random.Generator, n: int) -> np.ndarray:
    """A graph whose points have different numbers of neighbours, at least one each."""
    return nearest(rng, n, 1) | nearest(rng, n, max(1, n // 4))


def gaussian_rows(x: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """SNE's p(j|i) with a bandwidth per row, self excluded."""
    return rows_to_one(off_diagonal(np.exp(-sqdist(x, x) / (2 * sigma[:, None] ** 2))))


def symmetrise(p: np.ndarray) -> np.ndarray:
    return (p + p.T) / (2 * len(p))


def cauchy(y: np.ndarray) -> np.ndarray:
    return off_diagonal(1 / (1 + sqdist(y, y)))


def kl_joint(p: np.ndarray, k: np.ndarray) -> float:
    """KL between two distributions over all ordered pairs, the second given by its kernel."""
    return float(kl_rows(p.ravel(), (k / k.sum()).ravel()))
