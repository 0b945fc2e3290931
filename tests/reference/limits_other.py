"""Reference values of limits in samples, tails and noise, with 50 digits; see limits.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from tests.reference.limits import TO_INFINITY, TO_ZERO, apart, numbers
from tests.reference.limits_narrow import walk
from tests.reference.tools import DIM, Data, normal, positive, softmax

CLUSTERS = 3


def sample_nce_many_samples(rng: np.random.Generator, n: int) -> Data:
    """Shares are multiples of 2^-20, so that they sum to one exactly."""
    shares = {}
    for name in ("P", "xi"):
        parts = np.round(softmax(normal(rng, n)) * 2**20) / 2**20
        parts[0] += 1 - parts.sum()
        shares[name] = parts
    return {"k": positive(rng, n), **shares, "m": np.asarray(1.0)}


def bounds_nce_many_samples(data: Data) -> tuple[Any, Any, Any, Any]:
    """The expected logarithms of the classifier per sample of the data, less those of the best."""
    k, p, noise, m = (numbers(data[name]) for name in ("k", "P", "xi", "m"))
    published, side, above = mpf(0), mpf(0), mpf(0)
    for a, b, c in zip(k, p, noise, strict=True):
        published += b * mp.log(b / a) - b + a
        model, best = a / (a + m * c), b / (b + m * c)
        side += b * mp.log(best / model) + m * c * mp.log((1 - best) / (1 - model))
        above += (a - b) ** 2 / c / m
    return published, side, mpf(0), above


def sample_t_k_means_gaussian(rng: np.random.Generator, n: int) -> Data:
    """The first points are assigned to one cluster each, the others softly."""
    phi = np.vstack([np.eye(CLUSTERS), softmax(normal(rng, n, CLUSTERS))])
    x = normal(rng, n + CLUSTERS, DIM)
    most = max(float(((a - b) ** 2).sum()) for a in x for b in x)
    return {"phi": phi, "x": x, "R": np.asarray(most + 0.1), "nu": np.asarray(1.0)}


def bounds_t_k_means_gaussian(data: Data) -> tuple[Any, Any, Any, Any]:
    phi, x, most, nu = (numbers(data[k]) for k in ("phi", "x", "R", "nu"))
    phi = [[v / sum(row) for v in row] for row in phi]
    n, published, side = len(x), mpf(0), mpf(0)
    for c in range(CLUSTERS):
        size = sum(row[c] for row in phi)
        centre = [sum(phi[i][c] * x[i][k] for i in range(n)) / size for k in range(DIM)]
        published += sum(phi[i][c] * apart(x[i], centre) for i in range(n))
    for q, a in zip(walk(phi, [mpf(1)] * n), x, strict=True):
        minus_entropy = sum(v * mp.log(v) for v in q if v)
        published += minus_entropy + mp.log(sum(mp.exp(-apart(a, b) / 2) for b in x))
        tails = [(1 + apart(a, b) / nu) ** (-(nu + 1) / 2) for b in x]
        cross = sum(v * mp.log(t / sum(tails)) for v, t in zip(q, tails, strict=True))
        side += minus_entropy - cross
    width = n * (most**2 + 2 * most) / (4 * nu)
    return published, side, width, width


def sample_k_means_forward_limit(rng: np.random.Generator, n: int) -> Data:
    data = sample_t_k_means_gaussian(rng, n)
    return {k: data[k] for k in ("phi", "x", "R")} | {"s": np.asarray(1.0)}


def bounds_k_means_forward_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    phi, x, most, s = (numbers(data[k]) for k in ("phi", "x", "R", "s"))
    phi = [[v / sum(row) for v in row] for row in phi]
    n = len(x)
    middle = [sum(a[k] for a in x) / n for k in range(DIM)]
    published = -sum(apart(a, middle) for a in x) / n
    for c in range(CLUSTERS):
        size = sum(row[c] for row in phi)
        centre = [sum(phi[i][c] * x[i][k] for i in range(n)) / size for k in range(DIM)]
        published += sum(phi[i][c] * apart(x[i], centre) for i in range(n)) / n
    side, noise = mpf(0), 1 / s**4
    for steps, a in zip(walk(phi, [mpf(1)] * n), x, strict=True):
        near = [mp.exp(-apart(a, b) / (2 * s**2)) for b in x]
        for v, k in zip(steps, near, strict=True):
            q = (noise * v + mpf(1) / n) / (noise + 1)
            side -= s**6 * k / sum(near) * mp.log(n * q) / n
    below = (3 * most**2 + 4 * n**2) / (8 * s**2)
    return published, side, below, ((2 * n + 1) * most**2 + 4) / (8 * s**2)


def sample_tv_two_wide_kernels(rng: np.random.Generator, n: int) -> Data:
    x, y = positive(rng, n, n), positive(rng, n, n)
    most = {"R": np.asarray(x.max() + 0.1), "S": np.asarray(y.max() + 0.1)}
    return {"x": x, "y": y, **most, "eps": np.asarray(1.0)}


def bounds_tv_two_wide_kernels(data: Data) -> tuple[Any, Any, Any, Any]:
    x, y, r, s, eps = (numbers(data[k]) for k in ("x", "y", "R", "S", "eps"))
    n, published, side = len(x), mpf(0), mpf(0)
    for a, b in zip(x, y, strict=True):
        shift = (sum(a) - sum(b)) / n
        p, q = ([mp.exp(-eps * v) for v in row] for row in (a, b))
        for u, v, k, h in zip(a, b, p, q, strict=True):
            published += abs(v - u + shift) / 2 / n**2
            side += abs(k / sum(p) - h / sum(q)) / 2 / n / eps
    width = (2 * n + 1) * (r**2 + s**2) * eps / 2
    return published, side, width, width


BOUNDS = {
    "k-means-forward-limit": ("s", TO_INFINITY),
    "tv-two-wide-kernels": ("eps", TO_ZERO),
    "nce-many-samples": ("m", TO_INFINITY),
    "t-k-means-gaussian": ("nu", TO_INFINITY),
}
