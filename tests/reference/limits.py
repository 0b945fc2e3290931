"""Reference values of limits and bounds, with 50 digits.

For an entry with id `a-b`, `bounds_a_b(data)` gives (published, side, below, above) at the data's
own parameter, where side = scale * D + constant; all are written from the mathematics, in loops of
mpmath numbers. `BOUNDS` names the parameter and the values it is looked at with, towards its limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from tests.reference.tools import DIM, Data, normal

mp.dps = 50
TO_ZERO = ("1", "0.25", "0.0625", "0.015625")
TO_INFINITY = ("1", "4", "16", "64")


def numbers(x: np.ndarray) -> Any:
    """An array of floats as nested lists of mpmath numbers."""
    return mpf(float(x)) if np.ndim(x) == 0 else [numbers(row) for row in x]


def apart(a: list[Any], b: list[Any]) -> Any:
    """The squared distance."""
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def one_hot_kl(scores: list[Any], target: int) -> Any:
    """KL of the target against the softmax of the scores."""
    return mp.log(sum(mp.exp(v - scores[target]) for v in scores))


def sample_triplet_limit(rng: np.random.Generator, n: int) -> Data:
    shape = (n, DIM)
    return {
        "f": normal(rng, *shape), "g": normal(rng, n, 2, DIM),
        "alpha": np.asarray(rng.uniform(0, 1)), "s": np.asarray(1.0),
    }  # fmt: skip


def bounds_triplet_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    f, g, alpha, s = (numbers(data[k]) for k in ("f", "g", "alpha", "s"))
    published = side = mpf(0)
    for a, (p, q) in zip(f, g, strict=True):
        margin = apart(a, p) - apart(a, q) + alpha
        published += max(margin, mpf(0))
        side += 2 * s**2 * mp.log(1 + mp.exp(margin / (2 * s**2)))
    return published, side, 2 * len(f) * s**2 * mp.log(2), mpf(0)


def sample_hardest_negative_triplet(rng: np.random.Generator, n: int) -> Data:
    m = n + 1
    pos = rng.integers(m, size=n)
    alpha = np.full((n, m), rng.uniform(0, 1))
    alpha[np.arange(n), pos] = 0
    return {
        "f": normal(rng, n, DIM), "g": normal(rng, n, m, DIM), "pos": pos, "alpha": alpha,
        "s": np.asarray(1.0),
    }  # fmt: skip


def bounds_hardest_negative_triplet(data: Data) -> tuple[Any, Any, Any, Any]:
    f, g, alpha, s = (numbers(data[k]) for k in ("f", "g", "alpha", "s"))
    published = side = mpf(0)
    for a, row, extra, p in zip(f, g, alpha, data["pos"], strict=True):
        scores = [e - apart(a, b) for b, e in zip(row, extra, strict=True)]
        published += max(v - scores[p] for v in scores)
        side += 2 * s**2 * one_hot_kl([v / (2 * s**2) for v in scores], p)
    return published, side, 2 * len(f) * s**2 * mp.log(len(g[0])), mpf(0)


def sample_crammer_singer(rng: np.random.Generator, n: int) -> Data:
    y, delta = rng.integers(5, size=n), np.asarray(rng.uniform(0, 1, size=(n, 5)))
    delta[np.arange(n), y] = 0
    return {"f": normal(rng, n, 5), "y": y, "delta": delta, "t": np.asarray(1.0)}


def bounds_crammer_singer(data: Data) -> tuple[Any, Any, Any, Any]:
    f, delta, t = (numbers(data[k]) for k in ("f", "delta", "t"))
    published = side = mpf(0)
    for row, extra, y in zip(f, delta, data["y"], strict=True):
        gaps = [v + e - row[y] for v, e in zip(row, extra, strict=True)]
        published += max(gaps) / len(f)
        side += t * one_hot_kl([v / t for v in gaps], y) / len(f)
    return published, side, t * mp.log(5), mpf(0)


def sample_encouraging_loss_limit(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 5), "y": rng.integers(5, size=n), "a": np.asarray(1.0)}


def bounds_encouraging_loss_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    z, a = numbers(data["z"]), numbers(data["a"])
    published = side = below = mpf(0)
    for row, y in zip(z, data["y"], strict=True):
        wrong = sum(mp.exp(v) for c, v in enumerate(row) if c != y)
        published += (mp.log(wrong) - row[y]) / len(z)
        handicapped = [v - mp.log(a) if c == y else v for c, v in enumerate(row)]
        side += (one_hot_kl(handicapped, y) - mp.log(a)) / len(z)
        below += mp.exp(row[y]) / wrong / a / len(z)
    return published, side, below, mpf(0)


def sample_threshold_consistent_margin(rng: np.random.Generator, n: int) -> Data:
    same = rng.random((n, n)) < 0.4
    weights, theta = np.asarray(rng.uniform(0.5, 1.5, size=(n, n))), np.where(same, 0.9, 0.5)
    data = {"z": normal(rng, n, DIM), "w": weights, "theta": theta, "t": np.asarray(1.0)}
    return {**data, "positive_pair": same}


def bounds_threshold_consistent_margin(data: Data) -> tuple[Any, Any, Any, Any]:
    z, w, theta, t = (numbers(data[k]) for k in ("z", "w", "theta", "t"))
    published = side = whole = mpf(0)
    for i, mine in enumerate(z):
        for j, other in enumerate(z):
            gap = sum(a * b for a, b in zip(mine, other, strict=True)) - theta[i][j]
            cost = -gap if data["positive_pair"][i, j] else gap
            published += w[i][j] * max(cost, mpf(0))
            side += w[i][j] * t * mp.log(1 + mp.exp(cost / t))
            whole += w[i][j]
    return published, side, t * whole * mp.log(2), mpf(0)


BOUNDS = {
    "crammer-singer": ("t", TO_ZERO),
    "encouraging-loss-limit": ("a", TO_INFINITY),
    "threshold-consistent-margin": ("t", TO_ZERO),
    "triplet-limit": ("s", TO_ZERO),
    "hardest-negative-triplet": ("s", TO_ZERO),
}
