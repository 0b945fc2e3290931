"""Reference values of further limits and bounds, with 50 digits; see limits.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

from tests.reference.limits import TO_INFINITY, TO_ZERO, apart, numbers, one_hot_kl
from tests.reference.tools import DIM, Data, normal

AT_ONCE = ("1",)  # a bound has no parameter that goes anywhere


def mean(xs: list[Any]) -> Any:
    return sum(xs) / len(xs)


def dot(a: list[Any], b: list[Any]) -> Any:
    return sum(x * y for x, y in zip(a, b, strict=True))


def masses(weights: np.ndarray) -> Any:
    """Rows that sum to one with 50 digits."""
    return [[x / sum(row) for x in row] for row in numbers(weights)]


def kl(p: list[Any], q: list[Any]) -> Any:
    return sum(a * mp.log(a / b) for a, b in zip(p, q, strict=True) if a)


def softmax(scores: list[Any]) -> list[Any]:
    total = sum(mp.exp(v) for v in scores)
    return [mp.exp(v) / total for v in scores]


def sample_slic_hf(rng: np.random.Generator, n: int) -> Data:
    delta = np.asarray(rng.uniform(0, 1))
    return {"s": normal(rng, n, 2), "delta": delta, "t": np.asarray(1.0)}


def bounds_slic_hf(data: Data) -> tuple[Any, Any, Any, Any]:
    s, delta, t = (numbers(data[k]) for k in ("s", "delta", "t"))
    published = mean([max(delta - a + b, mpf(0)) for a, b in s])
    side = t * mean([mp.log(1 + mp.exp((delta - a + b) / t)) for a, b in s])
    return published, side, t * mp.log(2), mpf(0)


def sample_rrhf(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 2), "t": np.asarray(1.0)}


def bounds_rrhf(data: Data) -> tuple[Any, Any, Any, Any]:
    s, t = numbers(data["s"]), numbers(data["t"])
    published = sum(max(b - a, mpf(0)) for a, b in s)
    side = t * sum(mp.log(1 + mp.exp((b - a) / t)) for a, b in s)
    return published, side, t * len(s) * mp.log(2), mpf(0)


def sample_average_margin_dot(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, DIM), "g": normal(rng, n, DIM), "tau": np.asarray(1.0)}


def bounds_average_margin_dot(data: Data) -> tuple[Any, Any, Any, Any]:
    f, g, tau = (numbers(data[k]) for k in ("f", "g", "tau"))
    rows = [[dot(a, b) for b in g] for a in f]
    published = mean([mean(row) - row[i] for i, row in enumerate(rows)])
    loss = mean([one_hot_kl([v / tau for v in row], i) for i, row in enumerate(rows)])
    gap = mean([mean([(max(row) - v) ** 2 for v in row]) for row in rows])
    return published, tau * loss - tau * mp.log(len(g)), gap / (2 * tau), mpf(0)


def sample_kl_second_order(rng: np.random.Generator, n: int) -> Data:
    w = rng.dirichlet(np.ones(n + 1), size=n)
    return {"e": normal(rng, n, n + 1), "w": w, "T": np.asarray(1.0)}


def bounds_kl_second_order(data: Data) -> tuple[Any, Any, Any, Any]:
    t = numbers(data["T"])
    published = side = below = above = mpf(0)
    for e, w in zip(numbers(data["e"]), masses(data["w"]), strict=True):
        tilted = [a * mp.exp(x / t) for a, x in zip(w, e, strict=True)]
        side += t**2 * kl(w, [a / sum(tilted) for a in tilted])
        published += sum(a * (x - dot(w, e)) ** 2 for a, x in zip(w, e, strict=True)) / 2
        down, up = [max(e) - x for x in e], [x - min(e) for x in e]
        below += dot(w, down) * dot(w, [x**2 for x in down]) / (2 * t)
        above += dot(w, up) * dot(w, [x**2 for x in up]) / (2 * t)
    n = len(data["e"])
    return published / n, side / n, below / n, above / n


def sample_ntl_was_limit(rng: np.random.Generator, n: int) -> Data:
    y = rng.integers(n + 1, size=n)
    value = normal(rng, n + 1)
    far = np.abs(value[None, :] - value[y][:, None])
    return {"Q": rng.dirichlet(np.ones(n + 1), size=n), "y": y, "far": far, "s": np.asarray(1.0)}


def bounds_ntl_was_limit(data: Data) -> tuple[Any, Any, Any, Any]:
    s, far, q = numbers(data["s"]), numbers(data["far"]), masses(data["Q"])
    published = mean([dot(a, b) for a, b in zip(q, far, strict=True)])
    laplace = [softmax([-x / s for x in row]) for row in far]
    side = s * mean([kl(a, b) for a, b in zip(q, laplace, strict=True)])
    width = s * mp.log(len(far[0]))
    return published, side, width, width


def sample_nwj_bound(rng: np.random.Generator, n: int) -> Data:
    return {"T": normal(rng, n, n + 1), "P": rng.uniform(0.1, 1, (n, n + 1))}


def bounds_nwj_bound(data: Data) -> tuple[Any, Any, Any, Any]:
    t, table = numbers(data["T"]), numbers(data["P"])
    total = sum(map(sum, table))
    joint = [[x / total for x in row] for row in table]
    across, down = [sum(row) for row in joint], [sum(c) for c in zip(*joint, strict=True)]
    score = partition = bridged = information = mpf(0)
    for i, row in enumerate(joint):
        for j, x in enumerate(row):
            apart = across[i] * down[j]
            score += x * t[i][j]
            partition += apart * mp.exp(t[i][j])
            bridged += apart * mp.exp(t[i][j] - 1)
            information += x * mp.log(x / apart)
    gap = mp.log(partition) - score + information  # KL of the joint from the tilted product
    return bridged - score, gap - information, mpf(0), None


def sample_partial_fc_bound(rng: np.random.Generator, n: int) -> Data:
    classes = n + 2
    return {
        "x": normal(rng, n, DIM), "w": normal(rng, classes, DIM), "s": np.asarray(4.0),
        "y": rng.integers(classes, size=n), "sampled": rng.random((n, classes)) < 0.5,
        "m": np.asarray(0.2),
    }  # fmt: skip


def bounds_partial_fc_bound(data: Data) -> tuple[Any, Any, Any, Any]:
    x, w, s, m = (numbers(data[k]) for k in ("x", "w", "s", "m"))
    published, side = [], []
    for i, a in enumerate(x):
        y = int(data["y"][i])
        row = [s * dot(a, b) / mp.sqrt(dot(a, a) * dot(b, b)) for b in w]
        row[y] -= s * m
        kept = [v for c, v in enumerate(row) if c == y or data["sampled"][i, c]]
        published.append(mp.log(sum(mp.exp(v) for v in kept)) - row[y])
        side.append(one_hot_kl(row, y))
    return mean(published), mean(side), None, mpf(0)


def sample_laplacian_eigenmaps(rng: np.random.Generator, n: int) -> Data:
    graph = rng.uniform(0.1, 1, (n, n))
    return {"y": normal(rng, n, DIM), "W": graph + graph.T, "s": np.asarray(1.0)}


def bounds_laplacian_eigenmaps(data: Data) -> tuple[Any, Any, Any, Any]:
    y, graph, s = (numbers(data[k]) for k in ("y", "W", "s"))
    d = [[apart(a, b) for b in y] for a in y]
    degree = [sum(row) for row in graph]
    volume = sum(degree)
    walk = [x / volume for x in degree]
    published = side = below = mpf(0)
    for i, row in enumerate(graph):
        p = [x / degree[i] for x in row]
        q = softmax([mp.log(m) - x / (2 * s**2) for m, x in zip(walk, d[i], strict=True)])
        side += s**2 * walk[i] * (kl(p, q) - kl(p, walk))
        published += (dot(row, d[i]) / volume - walk[i] * dot(walk, d[i])) / 2
        below += walk[i] * dot(walk, [x**2 for x in d[i]]) / (8 * s**2)
    return published, side, below, mpf(0)


def sample_kd_high_temperature(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, n + 1), "v": normal(rng, n, n + 1), "T": np.asarray(1.0)}


def bounds_kd_high_temperature(data: Data) -> tuple[Any, Any, Any, Any]:
    t = numbers(data["T"])
    published = side = width = mpf(0)
    for z, v in zip(numbers(data["z"]), numbers(data["v"]), strict=True):
        side += t**2 * kl(softmax([x / t for x in v]), softmax([x / t for x in z]))
        e = [a - b for a, b in zip(z, v, strict=True)]
        published += mean([(x - mean(e)) ** 2 for x in e]) / 2
        far = max(e) - min(e)
        width += far**2 * (far + max(v) - min(v)) / (2 * t)
    n = len(data["z"])
    return published / n, side / n, width / n, width / n


def sample_t_clip_gaussian(rng: np.random.Generator, n: int) -> Data:
    return {"a": normal(rng, n, DIM), "b": normal(rng, n, DIM), "nu": np.asarray(1.0)}


def bounds_t_clip_gaussian(data: Data) -> tuple[Any, Any, Any, Any]:
    a, b, nu = (numbers(data[k]) for k in ("a", "b", "nu"))
    published, side, below, above = [], [], [], []
    for i, x in enumerate(a):
        d = [apart(x, y) for y in b]
        published.append(one_hot_kl([-v / 2 for v in d], i))
        tails = [(1 + v / nu) ** (-(nu + 1) / 2) for v in d]
        side.append(-mp.log(tails[i] / sum(tails)))
        below.append(d[i] / (2 * nu) + sum(v**2 for v in d) / (4 * nu))
        above.append(d[i] ** 2 / (4 * nu) + sum(d) / (2 * nu))
    return mean(published), mean(side), mean(below), mean(above)


def sample_tv_clustering(rng: np.random.Generator, n: int) -> Data:
    k = max(1, n // 2)
    knn = np.zeros((n, n), dtype=bool)
    for i in range(n):
        knn[i, rng.permutation(n)[:k]] = True
    kap = rng.uniform(0.1, 1, (n, n))
    kap /= kap.sum(axis=1, keepdims=True)
    return {"kap": kap, "knn": knn, "k": np.asarray(float(k))}


def bounds_tv_clustering(data: Data) -> tuple[Any, Any, Any, Any]:
    k, published, side, below = int(data["k"]), [], [], []
    for walk, near in zip(masses(data["kap"]), data["knn"], strict=True):
        steps = [v for v, near_by in zip(walk, near, strict=True) if near_by]
        published.append(1 - sum(steps))
        gaps = [v - (mpf(1) / k if near_by else 0) for v, near_by in zip(walk, near, strict=True)]
        side.append(sum(abs(g) for g in gaps) / 2)
        below.append(sum(max(v - mpf(1) / k, 0) for v in steps))
    return mean(published), mean(side), mean(below), mpf(0)


def sample_lifted_structure_bound(rng: np.random.Generator, n: int) -> Data:
    y = np.arange(2 * n) % 2
    return {"D": rng.uniform(0, 2, (2 * n, 2 * n)), "y": y, "m": np.asarray(rng.uniform(0.1, 1))}


def bounds_lifted_structure_bound(data: Data) -> tuple[Any, Any, Any, Any]:
    d, m, y = numbers(data["D"]), numbers(data["m"]), data["y"]
    published = side = mpf(0)
    for i, row in enumerate(d):
        near = [x for j, x in enumerate(row) if j != i and y[j] == y[i]]
        far = [x for k, x in enumerate(row) if y[k] != y[i]]
        pull, push = sum(mp.exp(x) for x in near), sum(mp.exp(m - x) for x in far)
        published += max(mp.log(pull) + mp.log(push), mpf(0))
        side += mp.log(1 + sum(mp.exp(a + m - b) for a in near for b in far))
    return published, side, len(d) * mp.log(2), mpf(0)


BOUNDS = {
    "tv-clustering": ("", AT_ONCE),
    "lifted-structure-bound": ("", AT_ONCE),
    "slic-hf": ("t", TO_ZERO),
    "rrhf": ("t", TO_ZERO),
    "average-margin-dot": ("tau", TO_INFINITY),
    "kl-second-order": ("T", TO_INFINITY),
    "laplacian-eigenmaps": ("s", TO_INFINITY),
    "t-clip-gaussian": ("nu", TO_INFINITY),
    "kd-high-temperature": ("T", TO_INFINITY),
    "ntl-was-limit": ("s", TO_ZERO),
    "nwj-bound": ("", AT_ONCE),
    "partial-fc-bound": ("", AT_ONCE),
}
