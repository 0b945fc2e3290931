"""Every erratum is refuted by the pipeline (test_every_entry.py) and, with other numbers, here.

`COUNTER` holds for a false statement an input of its own and the two sides at it, from numpy loops;
`TRUE` the same statement as corrected, at random inputs. Claims about a pair have their counterpart
in tests/reference, or are shown false by a gradient test of three points in `THREE`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from catalog.load import load_text
from catalog.registry import all_methods, ids, load
from derive.verify import verify

ERRATA = [m.id for m in all_methods() if m.erratum is not None]
RNG = np.random.default_rng(7)


def apart(y: np.ndarray) -> np.ndarray:
    return np.asarray(((y[:, None] - y[None]) ** 2).sum(-1))


def wide_pca(s: float, own: bool) -> tuple[float, float]:
    """s^2 times minus the log-mean kernel, with or without the point itself; the total variance."""
    y = np.array([[0.0], [1.0], [3.0]])
    d, n = apart(y), 3
    rows = []
    for i in range(n):
        others = [math.exp(-d[i, j] / (2 * s * s)) for j in range(n) if own or j != i]
        rows.append(-math.log(sum(others) / len(others)))
    return s * s * sum(rows) / n, float(((y - y.mean(0)) ** 2).sum() / n)


def wide_sides() -> tuple[float, float]:
    """The cross entropy and log n + cohesion minus spread."""
    y, s = np.array([[0.0], [2.0]]), 1.0
    d, w = apart(y), np.full((2, 2), 0.5)
    q = np.exp(-d / 2)
    q /= q.sum(1, keepdims=True)
    cross = -(w * np.log(q)).sum(1).mean()
    return float(cross), math.log(2) + float(((w * d).sum(1) - d.mean(1)).mean()) / (2 * s * s)


def clusters() -> tuple[float, float]:
    """k-means of two points in one cluster, and half the q-weighted squared distances."""
    x = np.array([[0.0], [2.0]])
    return float(((x - x.mean(0)) ** 2).sum()), float((0.5 * apart(x)).sum() / 2)


def information(p: np.ndarray) -> tuple[float, float]:
    """The mutual information of a uniform x and p(y|x), and log n minus the conditional entropy."""
    n, col = len(p), p.mean(0)
    shannon = sum(p[i, j] * math.log(p[i, j]) for i in range(n) for j in range(n)) / n
    mutual = sum(p[i, j] * math.log(p[i, j] / col[j]) for i in range(n) for j in range(n)) / n
    return mutual, math.log(n) + shannon


def hinge_of_supcon() -> tuple[float, float]:
    """Perfectly separated classes whose positives are at distances 1 and 3, a negative at 10."""
    positives, negatives = [1.0, 3.0], [10.0]
    limit = np.mean(positives) - min(positives + negatives)
    return float(limit), max(float(np.mean(positives) - min(negatives)), 0.0)


def views(n: int) -> float:
    """The mass of the q of one anchor over all other views, each normalised in itself."""
    z = RNG.normal(size=(n, 4, 3))
    total = 0.0
    for b in range(1, n):
        e = [math.exp(z[0, 0] @ z[b, j]) for j in range(4)]
        total += sum(v / sum(e) for v in e)
    return total


def two_directions(p: np.ndarray, q: np.ndarray) -> tuple[float, float]:
    """The mean of both directions of KL, and the Jensen-Shannon divergence."""
    m = (p + q) / 2
    both = (p * np.log(p / q)).sum() + (q * np.log(q / p)).sum()
    return float(both / 2), float((p * np.log(p / m)).sum() + (q * np.log(q / m)).sum()) / 2


def walk_between(first: bool) -> tuple[float, float]:
    """The mass of a row of the walk between two views, over the sizes of one of them; one."""
    phi, psi = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]])
    return float(((phi[0] / (phi if first else psi).sum(0)) @ psi.T).sum()), 1.0


def empty_rows(of: int) -> tuple[float, float]:
    """One, and the fewest neighbours in a row of p for three points on a line, nearest first."""
    knn = np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]])  # at 0, 1 and 3: nobody's nearest is at 3
    return 1.0, float(knn.sum(of).min())


# entry: (left, right) of a statement "left <= right" or "left = right" that is false there
COUNTER: dict[str, Callable[[], tuple[float, float]]] = {
    "pca-without-self": lambda: wide_pca(50.0, own=False),
    "cohesion-variance-direction": wide_sides,
    "triplet-without-rescaling": lambda: (math.log1p(math.exp(1 / (2 * 0.1**2))), 1 + math.log(2)),
    "cmc-one-distribution": lambda: (views(3), 1.0),
    "k-means-sign": lambda: (clusters()[0], -clusters()[1]),
    "normalised-cut-volume": lambda: (2.0, 0.0),  # the middle of a path: degree 2, no loop
    "error-rate-by-kl": lambda: (math.log1p(math.exp(1 / 0.01)), 1 + math.log(2)),
    "triplet-supcon-by-l-out": hinge_of_supcon,
    "debiased-q-is-none": lambda: (1 - 4 * 0.1 / 0.9, 0.0),
    "mixing-on-the-diagonal": lambda: ((1 - 0.3) * 1 + 0.3 * 4 / 5, 1.0),
    "mutual-information-bound": lambda: information(np.array([[0.9, 0.1], [0.9, 0.1]]))[::-1],
    "jsd-is-half-jeffreys": lambda: two_directions(np.array([0.9, 0.1]), np.array([0.2, 0.8])),
    "two-view-walk-by-the-first": lambda: walk_between(first=True),
    "knn-in-the-other-direction": lambda: empty_rows(of=0),
    "log-below-second-order": lambda: (-0.5 - 0.5**2 / 2, math.log(1 - 0.5)),
}
# the corrected statement, as equal numbers
TRUE: dict[str, Callable[[], tuple[float, float]]] = {
    "pca-without-self": lambda: wide_pca(1e3, own=True),
    "k-means-sign": clusters,
    "cmc-one-distribution": lambda: (views(2), 1.0),
    "mixing-on-the-diagonal": lambda: ((1 - 0.3) * 1 + 0.3 * 4 / 4, 1.0),
    "mutual-information-bound": lambda: information(np.array([[0.9, 0.1], [0.1, 0.9]])),
    "two-view-walk-by-the-first": lambda: walk_between(first=False),
    "knn-in-the-other-direction": lambda: empty_rows(of=1),
}


def test_there_are_as_many_as_the_list_has() -> None:
    assert len(ERRATA) >= 20


@pytest.mark.parametrize("name", ERRATA)
def test_it_says_what_was_claimed_and_what_holds(name: str) -> None:
    method = load(name)
    assert method.erratum is not None and method.claim.relation == "false-as-stated"
    assert method.erratum.claimed and method.erratum.where and method.claim.correction
    for other in method.erratum.holds:
        assert other in ids(), f"{name} names {other}"
        relation = load(other).claim.relation
        assert relation not in ("does-not-reduce", "false-as-stated"), other


@pytest.mark.parametrize("name", [e for e in ERRATA if load(e).statements])
def test_every_false_statement_has_a_counterexample_of_its_own(name: str) -> None:
    left, right = COUNTER[name]()
    if "=" in {f.relation for f in load(name).statements}:
        assert abs(left - right) > 0.01
    else:
        assert left > right + 0.01


@pytest.mark.parametrize("name", TRUE)
def test_the_correction_holds_there(name: str) -> None:
    left, right = TRUE[name]()
    assert left == pytest.approx(right, rel=1e-4)


def test_a_true_statement_would_not_be_refuted() -> None:
    text = (
        'id = "true-one"\nname = "x"\nfield = "theory"\nyear = 2025\ncite = "none"\n'
        '[given]\na = "real"\n[theorem]\n"a square" = "a^2 >= 0"\n'
        '[claim]\nrelation = "false-as-stated"\ncorrection = "none"\n'
    )
    assert not verify(load_text(text)).ok
