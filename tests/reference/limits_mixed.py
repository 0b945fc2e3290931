"""Reference values of limits of other parameters, with 50 digits; see limits.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from tests.reference.limits import TO_ZERO, numbers
from tests.reference.limits_narrow import CLUSTERS, cut, sample_normalized_cut_narrow, walk
from tests.reference.tools import Data, normal, positive, rows_to_one, softmax


def sample_ratio_association(rng: np.random.Generator, n: int) -> Data:
    phi = np.vstack([np.eye(CLUSTERS), softmax(normal(rng, n, CLUSTERS))])
    w = rows_to_one(positive(rng, n + CLUSTERS, n + CLUSTERS))
    return {"phi": phi, "w": w, "t": np.asarray(1.0)}


def bounds_ratio_association(data: Data) -> tuple[Any, Any, Any, Any]:
    phi, w, t = (numbers(data[k]) for k in ("phi", "w", "t"))
    n = len(w)
    pairs = [(i, j) for i in range(n) for j in range(n)]
    kap = walk(phi, [mpf(1)] * n)
    published = 1 - sum(w[i][j] * kap[i][j] for i, j in pairs)
    noise = 1 / (1 + t)  # q = (1 - noise) kap + noise/n
    cross = -sum(w[i][j] * mp.log((1 - noise) * kap[i][j] + noise / n) for i, j in pairs) / n
    square = sum(w[i][j] * kap[i][j] ** 2 for i, j in pairs)
    return published, (cross - mp.log(n)) / t, t * n * square / 2, t / 2


def sample_normalized_cut_mixed(rng: np.random.Generator, n: int) -> Data:
    return sample_normalized_cut_narrow(rng, n)


def bounds_normalized_cut_mixed(data: Data) -> tuple[Any, Any, Any, Any]:
    phi, w, t = (numbers(data[k]) for k in ("phi", "W", "t"))
    n, degree = len(w), [sum(row) for row in w]
    every = sum(degree)
    kap, noise = walk(phi, degree), 1 / (1 + t)
    gain, square = mpf(0), mpf(0)
    for i in range(n):
        for j in range(n):
            q = (1 - noise) * kap[i][j] + noise * degree[j] / every
            gain += w[i][j] / every * mp.log(degree[j] / every / q)
            square += w[i][j] * (kap[i][j] / degree[j]) ** 2
    return cut(phi, w), gain / t + CLUSTERS - 1, t * every * square / 2, t / 2


BOUNDS = {
    "ratio-association": ("t", TO_ZERO),
    "normalized-cut-mixed": ("t", TO_ZERO),
}
