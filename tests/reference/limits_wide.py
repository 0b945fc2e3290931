"""Reference values of wide limits, with 50 digits; see limits.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from tests.reference.limits import TO_INFINITY, TO_ZERO, apart, numbers, one_hot_kl
from tests.reference.tools import DIM, Data, normal, partners, positive, rows_to_one

Rows = list[list[Any]]


def mean(xs: list[Any]) -> Any:
    return sum(xs) / len(xs)


def spread(rows: Rows) -> Any:
    """The mean over points of the squared distance from the mean point."""
    centre = [mean(list(column)) for column in zip(*rows, strict=True)]
    return mean([apart(row, centre) for row in rows])


def wide_scores(row: list[Any], s: Any) -> list[Any]:
    return [-d / (2 * s**2) for d in row]


def sample_pca(rng: np.random.Generator, n: int) -> Data:
    basis, _ = np.linalg.qr(normal(rng, DIM, DIM))
    return {"w": basis.T[:2].copy(), "x": normal(rng, n, DIM), "s": np.asarray(1.0)}


def bounds_pca(data: Data) -> tuple[Any, Any, Any, Any]:
    w, x, s = (numbers(data[k]) for k in ("w", "x", "s"))
    y = [[sum(a * b for a, b in zip(v, p, strict=True)) for v in w] for p in x]
    n = len(x)
    kl = mean([one_hot_kl(wide_scores([apart(a, b) for b in y], s), i) for i, a in enumerate(y)])
    far = mean([apart(a, b) ** 2 for a in x for b in x])
    return -spread(y), s**2 * kl - s**2 * mp.log(n), far / (8 * s**2), mpf(0)


def sample_cohesion_variance(rng: np.random.Generator, n: int) -> Data:
    views = 2 * n
    z = normal(rng, views, DIM)
    return {"z": z, "pos": partners(rng, views), "s": np.asarray(1.0)}


def sample_cohesion_variance_self(rng: np.random.Generator, n: int) -> Data:
    return sample_cohesion_variance(rng, n)


def pairs(data: Data, own: bool) -> tuple[Any, Any, Any, Any]:
    """Cohesion minus variance, with the view itself among its neighbours or not."""
    z, s = numbers(data["z"]), numbers(data["s"])
    n, kl, far, near = len(z), mpf(0), mpf(0), mpf(0)
    for i, a in enumerate(z):
        others = [j for j in range(n) if own or j != i]
        row = [apart(a, z[j]) for j in others]
        kl += one_hot_kl(wide_scores(row, s), others.index(int(data["pos"][i]))) / n
        far += mean([d**2 for d in row]) / n
        near += apart(a, z[int(data["pos"][i])]) / n
    count = n if own else n - 1
    published = near - 2 * spread(z) * n / count
    return published, 2 * s**2 * (kl - mp.log(count)), far / (4 * s**2), mpf(0)


def bounds_cohesion_variance(data: Data) -> tuple[Any, Any, Any, Any]:
    return pairs(data, own=False)


def bounds_cohesion_variance_self(data: Data) -> tuple[Any, Any, Any, Any]:
    return pairs(data, own=True)


def sample_cohesion_variance_second_order(rng: np.random.Generator, n: int) -> Data:
    return sample_cohesion_variance(rng, n)


def bounds_cohesion_variance_second_order(data: Data) -> tuple[Any, Any, Any, Any]:
    z, s = numbers(data["z"]), numbers(data["s"])
    first, side, _, _ = pairs(data, own=True)
    centre = [mean(list(column)) for column in zip(*z, strict=True)]
    c = [[x - m for x, m in zip(row, centre, strict=True)] for row in z]
    covariance = [[mean([row[a] * row[b] for row in c]) for b in range(DIM)] for a in range(DIM)]
    lengths = [sum(x**2 for x in row) for row in c]
    lengths_vary = mean([r**2 for r in lengths]) - mean(lengths) ** 2
    second = sum(x**2 for row in covariance for x in row) + lengths_vary / 4
    below = above = mpf(0)
    for a in z:
        row = [apart(a, b) for b in z]
        left = [max(row) - d for d in row]
        below += mean(row) * mean([d**2 for d in row]) / (8 * s**4 * len(z))
        above += mean(left) * mean([d**2 for d in left]) / (8 * s**4 * len(z))
    return first + second / s**2, side, below, above


def sample_average_margin_clip_limit(rng: np.random.Generator, n: int) -> Data:
    return {"a": normal(rng, n, DIM), "b": normal(rng, n, DIM), "s": np.asarray(1.0)}


def bounds_average_margin_clip_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    a, b, s = (numbers(data[k]) for k in ("a", "b", "s"))
    n = len(a)
    d = [[apart(u, v) for v in b] for u in a]
    columns = [[d[i][j] for i in range(n)] for j in range(n)]
    kl = [one_hot_kl(wide_scores(m[i], s), i) for m in (d, columns) for i in range(n)]
    published = mean([d[i][i] for i in range(n)]) - mean([x for row in d for x in row])
    far = mean([x**2 for row in d for x in row])
    return published, 2 * s**2 * (mean(kl) - mp.log(n)), far / (4 * s**2), mpf(0)


def sample_average_margin_supcon_limit(rng: np.random.Generator, n: int) -> Data:
    y = rng.permutation(np.arange(2 * n) % max(1, n // 2))
    return {"z": normal(rng, 2 * n, DIM), "y": y, "s": np.asarray(1.0)}


def sample_between_class_variance(rng: np.random.Generator, n: int) -> Data:
    return sample_average_margin_supcon_limit(rng, n)


def classes(data: Data, own: bool) -> tuple[Any, Any, Any]:
    """The I-Con side; mean distance in the class less that to all; a bound."""
    z, s, y = numbers(data["z"]), numbers(data["s"]), data["y"]
    n, side, published, far = len(z), mpf(0), mpf(0), mpf(0)
    for i, a in enumerate(z):
        others = [j for j in range(n) if own or j != i]
        row = [apart(a, z[j]) for j in others]
        mates = [k for k, j in enumerate(others) if y[j] == y[i]]
        cross = mean([one_hot_kl(wide_scores(row, s), k) for k in mates])  # = KL + log(mates)
        side += 2 * s**2 * (cross - mp.log(len(others))) / n
        published += (mean([row[k] for k in mates]) - mean(row)) / n
        far += mean([d**2 for d in row]) / n
    return side, published, far / (4 * s**2)


def bounds_average_margin_supcon_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    side, published, below = classes(data, own=False)
    return published, side, below, mpf(0)


def bounds_between_class_variance(data: Data) -> tuple[Any, Any, Any, Any]:
    side, _, below = classes(data, own=True)
    z, y = numbers(data["z"]), data["y"]
    centre = [mean(list(column)) for column in zip(*z, strict=True)]
    published = mpf(0)
    for c in set(y.tolist()):
        members = [z[i] for i in np.flatnonzero(y == c)]
        middle = [mean(list(column)) for column in zip(*members, strict=True)]
        published -= 2 * apart(middle, centre) * len(members) / len(z)
    return published, side, below, mpf(0)


def sample_wide_kernel(rng: np.random.Generator, n: int) -> Data:
    m, w = positive(rng, n, n), positive(rng, n, n)
    d = normal(rng, n, n)
    lo = d.min(axis=1) - rng.uniform(0, 0.5, n)
    return {
        "d": d, "lo": lo, "R": d.max(axis=1) - lo + rng.uniform(0.1, 0.5, n),
        "m": rows_to_one(m), "w": rows_to_one(w), "eps": np.asarray(1.0),
    }  # fmt: skip


def bounds_wide_kernel(data: Data) -> tuple[Any, Any, Any, Any]:
    d, base, w, far, eps = (numbers(data[k]) for k in ("d", "m", "w", "R", "eps"))
    published, side = [], []
    for row, *laws in zip(d, base, w, strict=True):
        weights, law = ([x / sum(xs) for x in xs] for xs in laws)  # floats do so to 16 digits only
        tilted = [b * mp.exp(-eps * x) for b, x in zip(weights, row, strict=True)]
        whole = sum(tilted)
        kl = sum(p * mp.log(p * whole / t) for p, t in zip(law, tilted, strict=True))
        zero = sum(p * mp.log(p / b) for p, b in zip(law, weights, strict=True))
        side.append((kl - zero) / eps)
        published.append(sum((p - b) * x for p, b, x in zip(law, weights, row, strict=True)))
    return mean(published), mean(side), eps * mean([r**2 for r in far]) / 8, mpf(0)


BOUNDS = {
    "wide-kernel": ("eps", TO_ZERO),
    "pca": ("s", TO_INFINITY),
    "cohesion-variance": ("s", TO_INFINITY),
    "cohesion-variance-self": ("s", TO_INFINITY),
    "cohesion-variance-second-order": ("s", TO_INFINITY),
    "average-margin-clip-limit": ("s", TO_INFINITY),
    "average-margin-supcon-limit": ("s", TO_INFINITY),
    "between-class-variance": ("s", TO_INFINITY),
}
