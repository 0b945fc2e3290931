"""The score variables of a loss: what may be chosen freely, and the derivatives by it.

Scores and logits are free themselves. For rows of embeddings the inner products of all rows are, as
long as there are as many coordinates as rows: a table with a wanted Gram matrix K is its Cholesky
factor, and where the gradient of a loss of K is M times the table, M_ab is the derivative by K_ab.
Which pairs of rows matter at all is then read off, and with it whether two tables are compared with
each other or stacked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from iconograph.audit.batches import ask
from iconograph.audit.inputs import Style, draw, sized
from iconograph.audit.probe import Array, Probe

STEP = 5e-4
"""The step of the differences, in scores: small beside temperatures of 0.05."""


@dataclass(frozen=True)
class Field:
    """A loss as a function of its score variables, at fixed labels, targets and weights.

    `ends` gives the two nodes of each variable: rows and columns of a matrix of scores (columns are
    numbered after the rows), or two rows of the stacked tables. `gradient` takes the variables to
    the derivatives; `start` draws values of them. `vectors` names the arguments that they come
    from, a matrix of scores where `scores` says so.
    """

    ends: tuple[tuple[int, int], ...]
    rows: int
    gradient: Callable[[Array], Array]
    start: Callable[[np.random.Generator], Array]
    inputs: Mapping[str, Array]
    style: Style
    vectors: tuple[str, ...]
    scores: bool = False

    @property
    def width(self) -> int:
        """The length of a row of the arguments that are varied."""
        return int(np.shape(self.inputs[self.vectors[0]])[-1])

    def hessian(self, s: Array) -> Array:
        """Second derivatives by the variables, by central differences of order four."""
        columns = []
        for k in range(len(s)):
            e = np.zeros(len(s))
            e[k] = STEP
            near = self.gradient(s + e) - self.gradient(s - e)
            far = self.gradient(s + 2 * e) - self.gradient(s - 2 * e)
            columns.append((8 * near - far) / (12 * STEP))
        found = np.stack(columns, axis=1)
        return (found + found.T) / 2


def field(probe: Probe, seed: int, fixed: Mapping[str, int]) -> Field | None:
    """The score variables of a loss, None where they cannot be varied freely."""
    vectors = [s for s in probe.call.slots if s.learned and len(s.shape) > 1 and s.shape[-1] == "d"]
    if vectors:
        return of_vectors(probe, tuple(s.name for s in vectors), seed, fixed)
    matrices = [s for s in probe.call.slots if s.learned and len(s.shape) == 2]
    if not matrices:
        return None
    return of_scores(probe, matrices[0].name, seed, fixed)


def of_scores(probe: Probe, name: str, seed: int, fixed: Mapping[str, int]) -> Field:
    """A matrix of scores; other learned arguments are held."""
    style = sized(probe.call, 4, 4, fixed)
    inputs = draw(probe.call, style, np.random.default_rng([seed, 77]))
    n, m = np.shape(inputs[name])
    ends = tuple((i, n + j) for i in range(n) for j in range(m))

    def gradient(s: Array) -> Array:
        answer = ask(probe, {**inputs, name: s.reshape(n, m)})
        return np.ravel(answer.gradient[name])

    def start(rng: np.random.Generator) -> Array:
        return rng.uniform(-1, 1, size=n * m)

    return Field(ends, n, gradient, start, inputs, style, (name,), True)


def of_vectors(
    probe: Probe, names: Sequence[str], seed: int, fixed: Mapping[str, int]
) -> Field | None:
    """The inner products of unit rows, all tables stacked."""
    count = 6 if len(names) == 1 else 4
    views = any("v" in s.shape for s in probe.call.slots)
    style = sized(probe.call, 4 if views or "2n" in shapes(probe) else count, 4, fixed)
    rng = np.random.default_rng([seed, 78])
    probing = draw(probe.call, style, rng)
    rows = sum(np.prod(np.shape(probing[name])[:-1], dtype=int) for name in names)
    if "d" in fixed and fixed["d"] < rows:
        return None
    style = replace(style, sizes={**style.sizes, "d": int(rows)})
    inputs = draw(probe.call, style, rng)
    pairs = tuple((a, b) for a in range(rows) for b in range(a + 1, rows))
    upper = tuple(np.asarray([p[k] for p in pairs]) for k in range(2))

    def gram(s: Array) -> Array:
        out = np.eye(rows)
        out[upper] = s
        return out + np.triu(out, 1).T

    def gradient(s: Array) -> Array:
        table = np.linalg.cholesky(gram(s))
        answer = ask(probe, {**inputs, **unstacked(table, names, inputs)})
        whole = np.concatenate([answer.gradient[x].reshape(-1, rows) for x in names])
        M = whole @ np.linalg.inv(table)
        skew = np.abs(M - M.T).max()
        if skew > 1e-6 * max(np.abs(M).max(), 1e-300):
            raise NotOfProducts
        return M[upper]

    def start(rng: np.random.Generator) -> Array:
        return rng.uniform(-0.6, 0.6, size=len(pairs)) / np.sqrt(rows)

    return Field(pairs, int(rows), gradient, start, inputs, style, tuple(names))


class NotOfProducts(ValueError):
    """The loss is no function of inner products of its rows, or its gradient is not its own."""


def shapes(probe: Probe) -> set[str]:
    """All extents of a call."""
    return {e for s in probe.call.slots for e in s.shape}


def unstacked(table: Array, names: Sequence[str], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The parts of a stacked table, in the shapes of the arguments."""
    out, at = {}, 0
    for name in names:
        shape = np.shape(inputs[name])
        size = int(np.prod(shape[:-1]))
        out[name] = table[at : at + size].reshape(*shape[:-1], table.shape[1])
        at += size
    return out


__all__ = ["Field", "NotOfProducts", "field", "unstacked"]
