"""Reference values of multidimensional scaling as a wide limit, with 50 digits; see limits.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.limits import TO_INFINITY, apart, numbers
from tests.reference.limits_more import dot, kl, mean, softmax
from tests.reference.tools import DIM, Data, normal, positive


def rescaled(given: list[Any], drawn: list[Any], t: Any) -> Any:
    """2 t^2 times the divergence of the softmax of -drawn/t from that of -given/t."""
    return 2 * t**2 * kl(softmax([-a / t for a in given]), softmax([-b / t for b in drawn]))


def variance(given: list[Any], drawn: list[Any]) -> Any:
    """The mean squared difference less the square of the mean difference."""
    e = [a - b for a, b in zip(given, drawn, strict=True)]
    return mean([(x - mean(e)) ** 2 for x in e])


def width(given: list[Any], drawn: list[Any], size: Any, t: Any) -> Any:
    """R^2 (R + size)/t for R the range of the differences."""
    e = [a - b for a, b in zip(given, drawn, strict=True)]
    return (max(e) - min(e)) ** 2 * (max(e) - min(e) + size) / t


def without(row: list[Any], i: int) -> list[Any]:
    return row[:i] + row[i + 1 :]


def squares(data: Data) -> tuple[list[list[Any]], list[list[Any]], Any]:
    """Squared distances of the data and of the map, and twice the squared bandwidth."""
    y, far, s = (numbers(data[k]) for k in ("y", "D", "s"))
    return [[d**2 for d in row] for row in far], [[apart(a, b) for b in y] for a in y], 2 * s**2


def sample_s_stress(rng: np.random.Generator, n: int) -> Data:
    return {"y": normal(rng, n, DIM), "D": positive(rng, n, n), "s": np.asarray(1.0)}


def bounds_s_stress(data: Data) -> tuple[Any, Any, Any, Any]:
    given, drawn, t = squares(data)
    published, side, far = [], [], []
    for i, (a, b) in enumerate(zip(given, drawn, strict=True)):
        others = without(a, i), without(b, i)
        side.append(rescaled(*others, t))
        published.append(variance(*others))
        far.append(width(a, b, max(a), t))
    return mean(published), mean(side), mean(far), mean(far)


def sample_s_stress_joint(rng: np.random.Generator, n: int) -> Data:
    return sample_s_stress(rng, n)


def bounds_s_stress_joint(data: Data) -> tuple[Any, Any, Any, Any]:
    given, drawn, t = squares(data)
    others = [[d for i, row in enumerate(rows) for d in without(row, i)] for rows in (given, drawn)]
    a, b = ([d for row in rows for d in row] for rows in (given, drawn))
    far = width(a, b, max(a), t)
    return variance(*others), rescaled(*others, t), far, far


def sample_classical_scaling(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, DIM), "y": normal(rng, n, DIM), "tau": np.asarray(1.0)}


def bounds_classical_scaling(data: Data) -> tuple[Any, Any, Any, Any]:
    x, y, t = (numbers(data[k]) for k in ("x", "y", "tau"))
    published, side, far = [], [], []
    for a, b in zip(x, y, strict=True):
        given, drawn = [-dot(a, v) for v in x], [-dot(b, v) for v in y]
        published.append(variance(given, drawn))
        side.append(rescaled(given, drawn, t))
        far.append(width(given, drawn, max(given) - min(given), t))
    return mean(published), mean(side), mean(far), mean(far)


BOUNDS = {
    "s-stress": ("s", TO_INFINITY),
    "s-stress-joint": ("s", TO_INFINITY),
    "classical-scaling": ("tau", TO_INFINITY),
}
