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


BOUNDS = {
    "triplet-limit": ("s", TO_ZERO),
    "hardest-negative-triplet": ("s", TO_ZERO),
}
