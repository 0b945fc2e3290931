"""The p of SNE and its kin from a perplexity: a bandwidth per point, over all or the nearest.

    >>> import torch
    >>> from iconograph.perplexity import bandwidths, perplexities
    >>> x = torch.randn(100, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> sigma = bandwidths(x, 20)
    >>> bool((perplexities(x, sigma) - 20).abs().max() < 20 * 1e-10)
    True

p(j|i) is proportional to exp(-|x_i - x_j|^2 / (2 sigma_i^2)) over j != i, and sigma_i is such that
the exponential of its entropy is the perplexity (van der Maaten and Hinton 2008, Sec. 2). Generated
programs take `points` and `bandwidth`, or the weights of a graph: `neighbours` and `joint` give
these as sparse tensors (CSR). torch is needed, and scikit-learn for `neighbours`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

ROWS = 64  # rows of a block, which holds that many times n numbers
STEPS = 200
ENTROPY = 1e-12  # how far an entropy may be off, and the logarithm of the perplexity with it
LEAST = -600.0  # of an exponent: what is below is lost in every sum, and denormal numbers are slow


def bandwidths(points: Tensor, perplexity: float) -> Tensor:
    """The bandwidth sigma_i of every point, over all other points.

    Args:
        points: (n, d), real and finite, n of 3 or more.
        perplexity: more than 1 and less than n - 1.

    Returns:
        (n), float32 where the points have no more digits, else float64; memory grows with n, a
        block of rows at a time.

    Raises:
        ValueError: the arguments are not such, or no bandwidth gives a row that perplexity, with
            the row and the reason.
    """
    x, unit = prepared(points)
    n = len(x)
    attainable(perplexity, n - 1, "n - 1")
    parts = [
        calibrated(distances(x, rows), perplexity, rows.start) for rows in blocks(n)
    ]
    return (torch.cat(parts).rsqrt() * (unit * math.sqrt(0.5))).to(kept(points))


def perplexities(points: Tensor, bandwidth: Tensor) -> Tensor:
    """The perplexity of every row of p, (n), for points (n, d) and their bandwidths (n)."""
    x, unit = prepared(points)
    if not isinstance(bandwidth, Tensor) or bandwidth.shape != (len(x),):
        got = tuple(bandwidth.shape) if isinstance(bandwidth, Tensor) else type(bandwidth).__name__
        raise ValueError(f"bandwidth should be a tensor ({len(x)},), one for a point, got {got}")
    if not bool((bandwidth > 0).all()):
        raise ValueError("bandwidth should be positive")
    precision = 0.5 / (bandwidth.double() / unit).square()
    parts = []
    for rows in blocks(len(x)):
        squared = distances(x, rows)
        entropy, _ = entropies(squared - squared.amin(1, keepdim=True), precision[rows].log())
        parts.append(entropy.exp())
    return torch.cat(parts)


def neighbours(points: Tensor, perplexity: float, *, count: int | None = None) -> Tensor:
    """The p(j|i) over the nearest neighbours of every point.

    Args:
        points: (n, d), real and finite, n of 3 or more.
        perplexity: more than 1 and less than the number of neighbours.
        count: how many neighbours; three times the perplexity and one, if not given.

    Returns:
        (n, n), sparse in rows (CSR), float64; every row sums to one.

    Raises:
        ImportError: scikit-learn, which finds the neighbours, is not installed.
        ValueError: there are too few points, or no bandwidth gives a row that perplexity.
    """
    try:
        from sklearn.neighbors import NearestNeighbors
    except ImportError as error:
        raise ImportError(
            "neighbours() needs scikit-learn to find them: pip install scikit-learn; "
            "bandwidths() uses all pairs and needs torch only"
        ) from error
    x, _ = prepared(points)
    n = len(x)
    attainable(perplexity, n - 1, "n - 1")
    if count is None:
        count = int(3 * perplexity + 1)
        if count > n - 1:
            raise ValueError(
                f"{n} points are too few for a perplexity of {perplexity:g} over {count} "
                f"neighbours: lower it to {max(1.0, (n - 2) / 3):.3g}, or give a count below {n}"
            )
    if not isinstance(count, int) or not 1 <= count < n:
        raise ValueError(f"count should be a whole number from 1 to n - 1 = {n - 1}, got {count}")
    attainable(perplexity, count, "the number of neighbours")
    found = NearestNeighbors(n_neighbors=count).fit(x.cpu().numpy())
    apart, index = found.kneighbors()  # without an argument no point is its own neighbour
    squared = torch.as_tensor(apart, dtype=torch.float64).square()
    order = torch.as_tensor(index).argsort(1)  # sparse rows are sorted by column
    index, squared = torch.as_tensor(index).gather(1, order), squared.gather(1, order)
    precision = torch.cat(
        [calibrated(squared[rows], perplexity, rows.start) for rows in blocks(n)]
    )
    shifted = squared - squared.amin(1, keepdim=True)
    p = torch.softmax(-precision[:, None] * shifted, 1)
    starts = torch.arange(n + 1) * count
    return sparse(starts, index.flatten(), p.flatten(), n).to(points.device)


def joint(p: Tensor) -> Tensor:
    """The joint P[i, j] = (p(j|i) + p(i|j)) / (2n) of t-SNE, sparse (CSR) as p is."""
    n = len(p)
    given: Any = p  # torch's own type of the conversion is left open
    coo = given.to_sparse_coo().coalesce()
    both = torch.sparse_coo_tensor(
        torch.cat([coo.indices(), coo.indices().flip(0)], 1),
        torch.cat([coo.values(), coo.values()]) / (2 * n),
        (n, n),
        check_invariants=False,
    ).coalesce()
    starts = torch.zeros(n + 1, dtype=torch.long, device=p.device)
    starts[1:] = torch.bincount(both.indices()[0], minlength=n).cumsum(0)
    return sparse(starts, both.indices()[1], both.values(), n)


# --------------------------------------------------------------------------- the root of a row


def calibrated(squared: Tensor, perplexity: float, first: int) -> Tensor:
    """The precision beta_i = 1 / (2 sigma_i^2) at which every row has the perplexity.

    `squared` (rows, neighbours) holds squared distances; `first` is the number of the first row.
    The entropy falls in log beta, by beta^2 times the variance of the distances: Newton's steps,
    and bisection where one leaves the bracket.
    """
    target = math.log(perplexity)
    nearest = squared.amin(1, keepdim=True)
    apart = squared - nearest
    refuse_ties(apart, nearest, perplexity, first)
    found = -apart.mean(1).log()  # beta of the size of 1 / distance
    rows, x = torch.arange(len(apart), device=apart.device), found.clone()
    low, high = torch.full_like(x, -math.inf), torch.full_like(x, math.inf)
    for _ in range(STEPS):
        entropy, slope = entropies(apart, x)
        off = entropy - target
        found[rows] = x
        low, high = torch.where(off >= 0, x, low), torch.where(off <= 0, x, high)
        go = (off.abs() > ENTROPY) & (high - low > 1e-15 * x.abs())
        if not bool(go.any()):
            break
        newton = x - off / torch.where(slope < 0, slope, -1.0)
        inside = (newton > low) & (newton < high) & (slope < 0) & ((newton - x).abs() < 3)
        middle = torch.where(low.isinf(), x - 2, torch.where(high.isinf(), x + 2, (low + high) / 2))
        x = torch.where(inside, newton, middle)
        if bool((~go).any()):  # rows that are done cost nothing more
            rows, x, low, high, apart = rows[go], x[go], low[go], high[go], apart[go]
    return found.exp()


def entropies(apart: Tensor, log_precision: Tensor) -> tuple[Tensor, Tensor]:
    """The entropy of every row, and its derivative in the logarithm of the precision."""
    scaled = apart * log_precision.exp()[:, None]
    weight = (-scaled).clamp_(min=LEAST).exp_()
    total = weight.sum(1)
    weight *= scaled
    mean = weight.sum(1) / total
    square = torch.linalg.vecdot(weight, scaled) / total
    return total.log() + mean, mean.square() - square


def refuse_ties(apart: Tensor, nearest: Tensor, perplexity: float, first: int) -> None:
    """Raise ValueError where no bandwidth gives a row its perplexity.

    As the bandwidth falls the perplexity falls to the number of neighbours at the least distance.
    """
    ties = (apart == 0).sum(1).double()  # an integer would be compared with a rounded perplexity
    wrong = (ties >= perplexity) & (ties > 1)
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0])
        count = int(ties[row])
        same = "are copies of it" if nearest[row] == 0 else "lie at one distance from it"
        raise ValueError(
            f"no bandwidth gives row {first + row} a perplexity of {perplexity:g}: {count} of its "
            f"neighbours {same}, the nearest ones, so that its perplexity is {count} at least; "
            "take out duplicates, or raise the perplexity"
        )


# --------------------------------------------------------------------------- data


def prepared(points: Tensor) -> tuple[Tensor, float]:
    """The points in float64, divided by a power of two near the largest entry, and that power.

    Squares of what was divided neither overflow nor vanish, and nothing was rounded.

    Raises:
        ValueError: the points are no real finite matrix of three rows.
    """
    if not isinstance(points, Tensor):
        kind = type(points).__name__
        raise ValueError(f"points should be a tensor, got {kind}: take torch.as_tensor(points)")
    if points.ndim != 2 or len(points) < 3:
        raise ValueError(f"points should be (n, d) with n of 3 or more, got {tuple(points.shape)}")
    if points.is_complex() or not bool(points.isfinite().all()):
        raise ValueError("points should be real and finite")
    x = points.detach().double()
    largest = float(x.abs().max()) if x.numel() else 0.0
    unit = 2.0 ** (math.frexp(largest)[1] - 1)
    return x / unit, unit


def kept(points: Tensor) -> torch.dtype:
    """The dtype of what is found for points: one that holds it."""
    short = points.is_floating_point() and points.dtype != torch.float64
    return torch.float32 if short else torch.float64


def attainable(perplexity: float, most: int, called: str) -> None:
    """Raise ValueError for a perplexity that no distribution over `most` neighbours has."""
    if not isinstance(perplexity, int | float):
        raise ValueError(f"perplexity should be a number, got {type(perplexity).__name__}")
    if not 1 < perplexity < most:
        raise ValueError(
            f"perplexity should be more than 1 and less than {called} = {most}, got {perplexity:g}"
        )


def blocks(n: int) -> Iterator[slice]:
    """A few rows at a time."""
    for i in range(0, n, ROWS):
        yield slice(i, min(i + ROWS, n))


def distances(x: Tensor, rows: slice) -> Tensor:
    """Squared distances of some rows to all others.

    Differences are squared one by one: expanding the square loses what nearby points differ in.
    """
    squared = torch.cdist(x[rows], x, compute_mode="donot_use_mm_for_euclid_dist").square()
    others = torch.ones_like(squared, dtype=torch.bool)
    others[:, rows].fill_diagonal_(False)
    return squared[others].view(len(squared), -1)


def sparse(starts: Tensor, columns: Tensor, values: Tensor, n: int) -> Tensor:
    """A sparse matrix (n, n) in rows."""
    make: Callable[..., Any] = torch.sparse_csr_tensor
    found: Tensor = make(starts, columns, values, (n, n), check_invariants=False)
    return found
