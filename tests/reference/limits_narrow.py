"""Reference values of narrow limits, with 50 digits; see limits.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from tests.reference.limits import TO_INFINITY, TO_ZERO, apart, numbers, one_hot_kl
from tests.reference.tools import DIM, Data, normal, positive, rows_to_one, softmax

CLUSTERS = 3


def reverse_kl(q: list[Any], scores: list[Any]) -> Any:
    """KL of q from the softmax of the scores, 0 log 0 = 0."""
    top = max(scores)
    whole = top + mp.log(sum(mp.exp(v - top) for v in scores))
    return sum(x * (mp.log(x) - v + whole) for x, v in zip(q, scores, strict=True) if x)


def walk(phi: list[list[Any]], mass: list[Any]) -> list[list[Any]]:
    """Point to cluster to point, members drawn by their mass."""
    rows = range(len(phi))
    size = [sum(phi[i][c] * mass[i] for i in rows) for c in range(len(phi[0]))]
    return [[sum(phi[i][c] * phi[j][c] * mass[j] / size[c] for c in range(len(size)))
             for j in rows] for i in rows]  # fmt: skip


def sample_k_means_narrow(rng: np.random.Generator, n: int) -> Data:
    """The first points are assigned to one cluster each, the others softly."""
    phi = np.vstack([np.eye(CLUSTERS), softmax(normal(rng, n, CLUSTERS))])
    return {"phi": phi, "x": normal(rng, n + CLUSTERS, DIM), "s": np.asarray(1.0)}


def bounds_k_means_narrow(data: Data) -> tuple[Any, Any, Any, Any]:
    phi, x, s = (numbers(data[k]) for k in ("phi", "x", "s"))
    n, published = len(x), mpf(0)
    for c in range(CLUSTERS):
        size = sum(row[c] for row in phi)
        centre = [sum(phi[i][c] * x[i][k] for i in range(n)) / size for k in range(DIM)]
        published += sum(phi[i][c] * apart(x[i], centre) for i in range(n))
    q, side = walk(phi, [mpf(1)] * n), mpf(0)
    for i in range(n):
        side += s**2 * reverse_kl(q[i], [-apart(x[i], b) / (2 * s**2) for b in x])
    gap = n * s**2 * mp.log(n)
    return published, side, gap, gap


def sample_normalized_cut_narrow(rng: np.random.Generator, n: int) -> Data:
    phi = np.vstack([np.eye(CLUSTERS), softmax(normal(rng, n, CLUSTERS))])
    weights = positive(rng, n + CLUSTERS, n + CLUSTERS) * (1 - np.eye(n + CLUSTERS))
    return {"phi": phi, "W": (weights + weights.T) / 2, "t": np.asarray(1.0)}


def cut(phi: list[list[Any]], w: list[list[Any]]) -> Any:
    """Ncut: weight that leaves each cluster over the degrees in it."""
    rows, total = range(len(w)), mpf(0)
    for c in range(len(phi[0])):
        leaves = sum(phi[i][c] * w[i][j] * (1 - phi[j][c]) for i in rows for j in rows)
        total += leaves / sum(phi[i][c] * sum(w[i]) for i in rows)
    return total


def bounds_normalized_cut_narrow(data: Data) -> tuple[Any, Any, Any, Any]:
    phi, w, t = (numbers(data[k]) for k in ("phi", "W", "t"))
    n, degree = len(w), [sum(row) for row in w]
    q, side = walk(phi, degree), mpf(CLUSTERS)
    for i in range(n):
        share = [w[i][j] / degree[j] for j in range(n)]
        side += t * reverse_kl(q[i], [v / t for v in share]) - max(share)
    return cut(phi, w), side, n * t * mp.log(n), n * t * mp.log(n)


def sample_harmonic_limit(rng: np.random.Generator, n: int) -> Data:
    return {
        "x": normal(rng, n, DIM), "w": normal(rng, CLUSTERS, DIM),
        "y": rng.integers(CLUSTERS, size=n), "nu": np.asarray(rng.uniform(1, 3)),
        "s": np.asarray(1.0),
    }  # fmt: skip


def bounds_harmonic_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    x, w, nu, s = (numbers(data[k]) for k in ("x", "w", "nu", "s"))
    n, out = len(x), [mpf(0)] * 4
    for a, y in zip(x, data["y"], strict=True):
        d = [apart(a, b) for b in w]
        loss = [s**2 * nu * (nu + 1) / (2 * e) for e in d]
        out[0] += one_hot_kl([-(nu + 1) * mp.log(mp.sqrt(e)) for e in d], y) / n
        out[1] += one_hot_kl([-(nu + 1) / 2 * mp.log(1 + e / (nu * s**2)) for e in d], y) / n
        out[2] += loss[y] / n
        out[3] += sum(loss) / n
    return out[0], out[1], out[2], out[3]


def sample_triplet_clip_limit(rng: np.random.Generator, n: int) -> Data:
    return {"a": normal(rng, n, DIM), "b": normal(rng, n, DIM), "s": np.asarray(1.0)}


def bounds_triplet_clip_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    a, b, s = (numbers(data[k]) for k in ("a", "b", "s"))
    n, published, side = len(a), mpf(0), mpf(0)
    for one, two in ((a, b), (b, a)):
        for i in range(n):
            d = [apart(one[i], v) for v in two]
            hardest = min([d[j] for j in range(n) if j != i], default=d[i])
            published += max(d[i] - hardest, mpf(0)) / (2 * n)
            side += 2 * s**2 * one_hot_kl([-v / (2 * s**2) for v in d], i) / (2 * n)
    return published, side, 2 * s**2 * mp.log(n), mpf(0)


def sample_triplet_supcon_limit(rng: np.random.Generator, n: int) -> Data:
    y = rng.permutation(np.arange(2 * n) % n)
    return {"z": normal(rng, 2 * n, DIM), "y": y, "s": np.asarray(1.0)}


def sample_triplet_supcon_in_limit(rng: np.random.Generator, n: int) -> Data:
    return sample_triplet_supcon_limit(rng, n)


def bounds_triplet_supcon_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    z, s, y = numbers(data["z"]), numbers(data["s"]), data["y"]
    n, published, side = len(z), mpf(0), mpf(0)
    for i, a in enumerate(z):
        others = [j for j in range(n) if j != i]
        d = [apart(a, z[j]) for j in others]
        mates = [k for k, j in enumerate(others) if y[j] == y[i]]
        published += (sum(d[k] for k in mates) / len(mates) - min(d)) / n
        scores = [-v / (2 * s**2) for v in d]
        side += 2 * s**2 * sum(one_hot_kl(scores, k) for k in mates) / len(mates) / n
    return published, side, 2 * s**2 * mp.log(n - 1), mpf(0)


def bounds_triplet_supcon_in_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    z, s, y = numbers(data["z"]), numbers(data["s"]), data["y"]
    n, out = len(z), [mpf(0)] * 4
    for i, a in enumerate(z):
        d = [apart(a, b) for b in z]
        near = [d[j] for j in range(n) if j != i and y[j] == y[i]]
        far = [d[j] for j in range(n) if y[j] != y[i]]
        out[0] += max(min(near) - min(far), mpf(0)) / n
        mass = [sum(mp.exp(-v / (2 * s**2)) for v in group) for group in (near, far)]
        out[1] += 2 * s**2 * mp.log(1 + mass[1] / mass[0]) / n
        out[2] += 2 * s**2 * mp.log(n - 1) / n
        out[3] += 2 * s**2 * mp.log(len(near)) / n
    return out[0], out[1], out[2], out[3]


def sample_triplet_supcon_each_limit(rng: np.random.Generator, n: int) -> Data:
    return sample_triplet_supcon_limit(rng, n)


def bounds_triplet_supcon_each_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    z, s, y = numbers(data["z"]), numbers(data["s"]), data["y"]
    n, out = len(z), [mpf(0)] * 4
    for i, a in enumerate(z):
        far = [apart(a, z[j]) for j in range(n) if y[j] != y[i]]
        mates = [j for j in range(n) if j != i and y[j] == y[i]]
        for j in mates:
            d, weight = apart(a, z[j]), mpf(1) / (n * len(mates))
            out[0] += weight * max(d - min(far), mpf(0))
            out[1] += weight * 2 * s**2 * one_hot_kl([-v / (2 * s**2) for v in (d, *far)], 0)
        out[2] += 2 * s**2 * mp.log(1 + len(far)) / n
    return out[0], out[1], out[2], out[3]


def sample_narrow_kernel(rng: np.random.Generator, n: int) -> Data:
    w = rows_to_one(positive(rng, n, n))
    return {"d": normal(rng, n, n), "w": w, "eps": np.asarray(1.0)}


def bounds_narrow_kernel(data: Data) -> tuple[Any, Any, Any, Any]:
    d, w, eps = (numbers(data[k]) for k in ("d", "w", "eps"))
    n, published, side = len(d), mpf(0), mpf(0)
    for row, floats in zip(d, w, strict=True):
        law = [p / sum(floats) for p in floats]  # floats do so to 16 digits only
        whole = mp.log(sum(mp.exp(-eps * x) for x in row))
        cross = sum(p * (eps * x + whole) for p, x in zip(law, row, strict=True))
        side += cross / eps / n  # KL and the entropy of p together
        published += (sum(p * x for p, x in zip(law, row, strict=True)) - min(row)) / n
    return published, side, mp.log(n) / eps, mpf(0)


BOUNDS = {
    "narrow-kernel": ("eps", TO_INFINITY),
    "k-means-narrow": ("s", TO_ZERO),
    "normalized-cut-narrow": ("t", TO_ZERO),
    "harmonic-limit": ("s", TO_ZERO),
    "triplet-clip-limit": ("s", TO_ZERO),
    "triplet-supcon-limit": ("s", TO_ZERO),
    "triplet-supcon-in-limit": ("s", TO_ZERO),
    "triplet-supcon-each-limit": ("s", TO_ZERO),
}
