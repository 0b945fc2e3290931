"""Reference values of PCA's wide limit under other divergences, with 50 digits; see limits.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

from tests.reference.limits import TO_INFINITY, apart, numbers
from tests.reference.limits_wide import bounds_pca, sample_pca, spread, wide_scores
from tests.reference.tools import Data


def sample_with_radius(rng: np.random.Generator, n: int) -> Data:
    """PCA's data and a bound of its squared distances, not the least one."""
    data = sample_pca(rng, n)
    far = ((data["x"][:, None] - data["x"][None]) ** 2).sum(-1).max()
    return {**data, "R": np.asarray(far + 0.1)}


def sample_pca_chi2(rng: np.random.Generator, n: int) -> Data:
    return sample_with_radius(rng, n)


def sample_pca_tv(rng: np.random.Generator, n: int) -> Data:
    return sample_with_radius(rng, n)


def sample_pca_hellinger(rng: np.random.Generator, n: int) -> Data:
    return sample_with_radius(rng, n)


def rescaled(data: Data, of_row: Callable[[list[Any], list[Any]], Any]) -> tuple[Any, Any, Any]:
    """Minus the variance kept; the mean divergence of one-hot rows; R^2/(8 s^2)."""
    w, x, s, far = (numbers(data[k]) for k in ("w", "x", "s", "R"))
    y = [[sum(a * b for a, b in zip(v, p, strict=True)) for v in w] for p in x]
    n, divergence = len(x), mpf(0)
    for i, a in enumerate(y):
        kernel = [mp.exp(v) for v in wide_scores([apart(a, b) for b in y], s)]
        q = [k / sum(kernel) for k in kernel]
        p = [mpf(int(i == j)) for j in range(n)]
        divergence += of_row(p, q) / n
    return -spread(y), divergence, far**2 / (8 * s**2)


def sample_pca_jsd(rng: np.random.Generator, n: int) -> Data:
    return sample_with_radius(rng, n)


def bounds_pca_jsd(data: Data) -> tuple[Any, Any, Any, Any]:
    """The divergence over its slope in log q at q = 1/n, less that at a uniform q."""

    def of_row(p: list[Any], q: list[Any]) -> Any:
        found = mpf(0)
        for a, b in zip(p, q, strict=True):
            found += sum(v * mp.log(2 * v / (a + b)) / 2 for v in (a, b) if v)
        return found

    published, jsd, gap = rescaled(data, of_row)
    n, s = len(data["x"]), numbers(data["s"])
    even = of_row([mpf(1)] + [mpf(0)] * (n - 1), [mpf(1) / n] * n)
    scale = 2 * n * s**2 / mp.log(n + 1)
    return published, scale * (jsd - even), gap + gap * n**2 / mp.log(n + 1), 2 * n * gap


def sample_pca_rate(rng: np.random.Generator, n: int) -> Data:
    return sample_with_radius(rng, n)


def bounds_pca_rate(data: Data) -> tuple[Any, Any, Any, Any]:
    published, side, _, above = bounds_pca(data)
    return published, side, numbers(data["R"]) ** 2 / (32 * numbers(data["s"]) ** 2), above


def bounds_pca_chi2(data: Data) -> tuple[Any, Any, Any, Any]:
    published, chi2, gap = rescaled(
        data, lambda p, q: sum((a - b) ** 2 / b for a, b in zip(p, q, strict=True))
    )
    n, s = len(data["x"]), numbers(data["s"])
    return published, s**2 * (chi2 - (n - 1)) / n, gap, mpf(0)


def bounds_pca_tv(data: Data) -> tuple[Any, Any, Any, Any]:
    published, tv, gap = rescaled(
        data, lambda p, q: sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2
    )
    n, s = len(data["x"]), numbers(data["s"])
    return published, n * s**2 * (tv - 1 + mpf(1) / n), gap, 2 * n * gap


def bounds_pca_hellinger(data: Data) -> tuple[Any, Any, Any, Any]:
    published, half, gap = rescaled(
        data,
        lambda p, q: sum((mp.sqrt(a) - mp.sqrt(b)) ** 2 for a, b in zip(p, q, strict=True)) / 2,
    )
    n, s = len(data["x"]), numbers(data["s"])
    return published, 2 * s**2 * mp.sqrt(n) * (half - 1 + 1 / mp.sqrt(n)), gap, 2 * n * gap


BOUNDS = {
    "pca-jsd": ("s", TO_INFINITY),
    "pca-rate": ("s", TO_INFINITY),
    "pca-chi2": ("s", TO_INFINITY),
    "pca-tv": ("s", TO_INFINITY),
    "pca-hellinger": ("s", TO_INFINITY),
}
