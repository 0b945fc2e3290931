"""The intermediate representation: a loss as reductions over pairs (row, column).

    loss = sum over anchors of weight * (log-partition - expected log-kernel [- entropy of p])

or, with another divergence than KL, of weight * sum_j D(p_ij, q_ij).

Everything a target needs is here as formulas: what the score of a pair is made from, the log-kernel
as a function of it, which pairs are allowed, and what p is before it is normalised. Targets read
it, they do not read methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import sympy

from catalog.spec import Method
from catalog.symbols import TRUE, Cond, Expr, Index, IVar

Normalise = Literal["row", "joint", "pair"]


@dataclass(frozen=True)
class Feature:
    """A matrix of features, one row for each value of `axis`.

    `expr` is a vector, or a number that also depends on `column`; `unit` divides every row by its
    length.
    """

    expr: Expr
    axis: IVar
    column: IVar | None = None
    unit: bool = False


@dataclass(frozen=True)
class Atom:
    """What the log-kernel knows of a pair: left[i].right[j], |left[i] - right[j]|^2, or x[i,j].

    `same` says that the two features are one function of the index, so that s_ij = s_ji.
    """

    symbol: sympy.Symbol
    kind: Literal["dot", "sqdist", "array"]
    left: Feature | None = None
    right: Feature | None = None
    array: Expr | None = None
    same: bool = False


@dataclass(frozen=True)
class Parameter:
    """Another quantity in the log-kernel: one number, one per row, one per column, or one per pair.

    `moves` says that it has a gradient: a temperature has one even where the method only gives it,
    since a caller may train it. A "pair" parameter is fixed data (a bracket, a given array).
    """

    symbol: sympy.Symbol
    expr: Expr
    axis: Literal["scalar", "row", "column", "pair"]
    moves: bool = True


@dataclass(frozen=True)
class LogKernel:
    """The kernel k and its logarithm as expressions in atoms and parameters."""

    expr: sympy.Expr
    kernel: sympy.Expr
    atoms: tuple[Atom, ...]
    parameters: tuple[Parameter, ...] = ()

    def slope(self, symbol: sympy.Symbol) -> sympy.Expr:
        """The derivative of log k in one of its symbols."""
        return tidy(sympy.diff(self.expr, symbol))

    def tells(self, p: Parameter) -> list[Atom]:
        """The arrays of scores of which a -inf hides the pair from a parameter that moves.

        They are factors of it in an exponent, of the kernel or of all parts of it that have it.
        """
        if not p.moves or p.axis == "pair":
            return []
        return [a for a in self.atoms if a.array is not None and self.hides(a.symbol, p.symbol)]

    def hides(self, score: sympy.Symbol, number: sympy.Symbol) -> bool:
        """Whether a score is a factor of a number in exponents, and the number is nowhere else."""

        def scales(exponent: sympy.Expr) -> bool:
            factor = sympy.diff(exponent, score)
            return bool(factor.has(number)) and not factor.has(score)

        powers = {e: sympy.Dummy() for e in self.expr.atoms(sympy.exp) if scales(e.args[0])}
        return scales(self.expr) or (
            bool(powers) and not self.expr.xreplace(powers).has(number)
        )

    def growth(self, symbol: sympy.Symbol) -> sympy.Expr:
        """The derivative of k in one of its symbols."""
        return tidy(sympy.diff(self.kernel, symbol))


@dataclass(frozen=True)
class Allowed:
    """Which pairs take part: all of them, all but i = j, or those that satisfy a condition."""

    kind: Literal["all", "others", "mask"]
    cond: Cond


@dataclass(frozen=True)
class Target:
    """The supervisory p(j|i).

    form          expr                      p
    one-hot       [j = index]               expr
    same-label    [y[j] = y[i]]             expr / its sum over the allowed j
    proportional  a non-negative weight     expr / its sum over the allowed j
    softmax       logits                    exp(expr) / its sum over the allowed j
    given         p itself                  expr
    match         [the pair matches]        expr for the outcome match, of two

    `symmetrised` turns row distributions into the joint (p(j|i) + p(i|j)) / (2n). `binary` weights
    are 0 or 1. `labels` are those of the row and of the column.
    """

    form: Literal["one-hot", "same-label", "proportional", "softmax", "given", "match"]
    expr: Expr
    symmetrised: bool = False
    binary: bool = False
    index: Index | None = None
    labels: tuple[Index, Index] | None = None


@dataclass(frozen=True)
class Plan:
    """How a streaming target computes a reduction; chosen by `passes`.

    sums: "linear" when the log-kernel is linear in one inner product, so that the temperature is
    folded into the features and their lengths bound the scores; "ratio" when the kernel has no
    exponential and is summed as it is; "online" elsewhere: exponentials against a running maximum.
    expected: where sum_j p_ij log k_ij is computed: "gather" (one column per row), "classes"
    (through the sum of each class), or "blocks" (with the log-partition).
    symmetric: only blocks on and above the diagonal are visited.
    columns: the log-partitions of the columns come from the same blocks.
    """

    sums: Literal["linear", "ratio", "online"] = "online"
    expected: Literal["gather", "classes", "blocks"] = "blocks"
    symmetric: bool = False
    columns: bool = False


@dataclass(frozen=True)
class Reduction:
    """One group of anchors: for every value of `batch`, the pairs (row, column).

    normalise "row": every row is an anchor; "joint": all pairs together are one; "pair": every pair
    is one, and the other outcome has log-kernel 0. `batch_cond` is what the batch indices alone
    decide; where data decide which rows are anchors, `anchor_cond` says how.
    """

    normalise: Normalise
    batch: tuple[IVar, ...]
    batch_cond: Cond
    row: IVar
    column: IVar
    allowed: Allowed
    log_kernel: LogKernel
    target: Target
    weight: Expr
    anchor_cond: Cond = TRUE
    divergence: str = "kl"
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class Argument:
    """One argument of the emitted function.

    `symbol` is its name in the formulas, `axes` the sets of its indices, `dim` the set of its
    coordinates. kind: "number" (a scalar or array of reals), "index" (positions in the set
    `target`, or labels when that set has no other array), "mask". `positive` numbers are checked,
    and so is what the `range` says: below one too for a probability, rows that sum to one.
    """

    name: str
    symbol: str
    kind: Literal["number", "index", "mask"]
    axes: tuple[str, ...]
    dim: str | None
    target: str | None
    learned: bool
    positive: bool
    text: str
    range: Literal["", "probability", "distribution"] = ""

    @property
    def shape(self) -> tuple[str, ...]:
        """The names of the axes with the coordinates last."""
        return (*self.axes, *((self.dim,) if self.dim else ()))

    @property
    def positional(self) -> bool:
        """Embeddings and other learned arrays come first; supervision and numbers go by keyword."""
        return self.learned and bool(self.shape)


@dataclass(frozen=True)
class Program:
    """A method ready for a target.

    `reductions` is empty when the loss has no form as reductions over pairs; `reason` says why, and
    targets print the blocks of the method as they stand. `names` maps declared symbols to
    Python names, `sizes` index sets to the Python text of their size. `uniform`: all anchors weigh
    the same. `twin`: the anchors of the second reduction are the columns of the first. `known` is
    what else is known of the loss: a word and a sentence each.
    """

    method: Method
    name: str
    class_name: str
    arguments: tuple[Argument, ...]
    names: Mapping[str, str]
    sizes: Mapping[str, str]
    reductions: tuple[Reduction, ...]
    reason: str = ""
    uniform: bool = True
    twin: bool = False
    verdict: str | None = None
    certificate_hash: str | None = None
    known: tuple[tuple[str, str], ...] = ()

    @property
    def kl(self) -> bool:
        """Whether p and q are compared by KL(p || q), which has the two terms."""
        return self.method.icon.divergence == "kl"


@cache
def tidy(expr: sympy.Expr) -> sympy.Expr:
    """`expr` in a short form that is safe to evaluate: fractions are cancelled, logarithms stay.

    `sympy.simplify` would move factors into exponents inside a logarithm, which overflow.
    """
    if expr.is_rational_function():
        return sympy.factor(sympy.cancel(expr))
    return sympy.powsimp(expr, combine="base") if expr.has(sympy.exp) else expr
