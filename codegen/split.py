"""Kernel -> log-kernel: what a pair is scored by, and everything else that the kernel reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import sympy

from catalog.symbols import (
    Add,
    Big,
    Call,
    Cos,
    Div,
    Dot,
    Expr,
    IVar,
    Iverson,
    Macro,
    Mul,
    Node,
    Norm,
    Num,
    Pow,
    Size,
    SqNorm,
    Sym,
    free_indices,
    walk,
)  # fmt: skip
from codegen import log_space
from codegen.ir import Atom, Feature, Parameter
from codegen.trees import ONE, alike, holds_always, positive


class NotPairwise(Exception):
    """The loss is no reduction over pairs of rows and columns; the message says why."""


@dataclass
class Split:
    """Takes a kernel apart: pair scores become atoms, everything else of one side a parameter."""

    row: IVar
    column: IVar
    names: Mapping[str, str]
    atoms: list[Atom] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    known: list[tuple[Expr, sympy.Expr]] = field(default_factory=list)

    def sides(self, node: Node) -> set[IVar]:
        """Which of the two indices of the pair `node` depends on."""
        return set(free_indices(node)) & {self.row, self.column}

    def convert(self, node: Expr) -> sympy.Expr:
        """A scalar formula as a sympy expression in symbols for its leaves."""
        match node:
            case Num(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Macro():
                return self.convert(node.body)
            case Add(args):
                return sympy.Add(*(self.convert(a) for a in args))
            case Mul(args):
                return sympy.Mul(*(self.convert(a) for a in args))
            case Div(num, den) if len(self.sides(den)) < 2 and is_partition(den):
                return self.convert(num) * sympy.exp(-self.leaf(Call("log", (den,))))
            case Div(num, den):
                return self.convert(num) / self.convert(den)
            case Pow(base, exponent):
                return self.convert(base) ** self.convert(exponent)
            case Call("exp", (arg,)):
                return sympy.exp(self.convert(arg))
            case Call("log", (arg,)):
                return sympy.log(self.convert(arg))
            case Call("sqrt", (arg,)):
                return sympy.sqrt(self.convert(arg))
            case Call("sigmoid", (arg,)):
                return 1 / (1 + sympy.exp(-self.convert(arg)))
            case Norm(u) if len(self.sides(node)) == 2:
                return sympy.sqrt(self.convert(SqNorm(u)))
            case _:
                return self.leaf(node)

    def leaf(self, node: Expr) -> sympy.Expr:
        """The symbol of a leaf; equal leaves share one."""
        for other, symbol in self.known:
            if alike(node, other):
                return symbol
        symbol = self.pair(node) if len(self.sides(node)) == 2 else self.one_side(node)
        self.known.append((node, symbol))
        return symbol

    def one_side(self, node: Expr) -> sympy.Expr:
        """A parameter: one number, or one for each row or column."""
        sides = self.sides(node)
        axis = "scalar" if not sides else "row" if self.row in sides else "column"
        own = {"scalar": (), "row": (self.row,), "column": (self.column,)}[axis]
        # g[a] is no argument of its own: another index of the anchor picks an entry of it
        name = (
            self.names[node.name]
            if isinstance(node, Sym) and node.args == own
            else f"{axis}_{1 + sum(p.axis == axis for p in self.parameters)}"
        )
        symbol = sympy.Symbol(name, **assumptions(node))
        moves = any(isinstance(n, Sym) for n in walk(node))
        self.parameters.append(Parameter(symbol, node, axis, moves))  # type: ignore[arg-type]
        return symbol

    def pair(self, node: Expr) -> sympy.Expr:
        """An atom, or fixed data of the pair."""
        name = "score" if not self.atoms else f"score_{len(self.atoms) + 1}"
        match node:
            case Dot(u, v):
                return self.features(name, "dot", u, v)
            case Cos(u, v):
                return self.features(name, "dot", u, v, unit=True)
            case SqNorm(u):
                if (ends := self.difference(u)) is not None:
                    return self.features(name, "sqdist", *ends)
            case Big("sum", (index,), cond, body) if holds_always(cond):
                if (factors := self.contraction(index, body)) is not None:
                    return self.features(name, "dot", *factors, column=index)
            case Iverson():
                return self.data(node)
            case Sym() if not node.learned:
                return self.data(node)
            case _:
                pass
        small = bool(self.row.set.elements or self.column.set.elements)
        if small or (isinstance(node, Sym) and node.dim is None):
            symbol = sympy.Symbol(name, **assumptions(node))
            self.atoms.append(Atom(symbol, "array", array=node))
            return symbol
        raise NotPairwise("the kernel mixes row and column in a way that has no blocks")

    def data(self, node: Expr) -> sympy.Expr:
        """Fixed data of the pair."""
        name = f"pair_{1 + sum(p.axis == 'pair' for p in self.parameters)}"
        symbol = sympy.Symbol(name, **assumptions(node))
        self.parameters.append(Parameter(symbol, node, "pair", False))
        return symbol

    def features(
        self,
        name: str,
        kind: str,
        u: Expr,
        v: Expr,
        *,
        unit: bool = False,
        column: IVar | None = None,
    ) -> sympy.Expr:
        """The atom of two feature matrices, the row's first."""
        if self.column in self.sides(u) or self.row in self.sides(v):
            u, v = v, u
        if self.column in self.sides(u) or self.row in self.sides(v):
            raise NotPairwise("a vector depends on the row and on the column")
        left, right = Feature(u, self.row, column, unit), Feature(v, self.column, column, unit)
        same = self.row.set == self.column.set and alike(u, v, {self.row: self.column})
        # a sum over clusters of non-negative assignments is positive where its logarithm is taken
        kinds = {"positive": True} if kind == "sqdist" or column is not None else {"real": True}
        symbol = sympy.Symbol(name, **kinds)
        self.atoms.append(Atom(symbol, kind, left, right, same=same))  # type: ignore[arg-type]
        return symbol

    def difference(self, u: Expr) -> tuple[Expr, Expr] | None:
        """(a, b) where u = a - b with a of the row alone and b of the column alone."""
        if not isinstance(u, Add):
            return None
        groups: dict[str, list[Expr]] = {"row": [], "column": []}
        for term in u.args:
            sides = self.sides(term)
            if len(sides) > 1:
                return None
            groups["column" if self.column in sides else "row"].append(term)
        if not groups["row"] or not groups["column"]:
            return None
        rows = groups["row"][0] if len(groups["row"]) == 1 else Add(tuple(groups["row"]))
        negated = [positive(t) or Mul((Num(Fraction(-1)), t)) for t in groups["column"]]
        if positive(rows) is not None:  # |b - a|^2 = |a - b|^2
            rows, negated = positive(rows) or rows, list(groups["column"])
        return rows, negated[0] if len(negated) == 1 else Add(tuple(negated))

    def contraction(self, index: IVar, body: Expr) -> tuple[Expr, Expr] | None:
        """(a, b) where body = a * b with a of (row, index) alone and b of (column, index) alone."""
        factors = [(body, False)]
        rows: list[Expr] = []
        columns: list[Expr] = []
        while factors:
            factor, inverse = factors.pop(0)
            if isinstance(factor, Macro):
                factors.insert(0, (factor.body, inverse))
            elif isinstance(factor, Mul):
                factors = [(f, inverse) for f in factor.args] + factors
            elif isinstance(factor, Div):
                factors = [(factor.num, inverse), (factor.den, not inverse), *factors]
            elif len(self.sides(factor)) == 2:
                return None
            else:
                whole = Div(ONE, factor) if inverse else factor
                (columns if self.column in self.sides(factor) else rows).append(whole)
        if not rows or not columns or index not in free_indices(Mul((*rows, *columns))):
            return None
        return quotient(rows), quotient(columns)


def is_partition(node: Expr) -> bool:
    """Whether a divisor is a sum of exponentials: it may overflow, its logarithm does not."""
    body = node.body if isinstance(node, Macro) else node
    return isinstance(body, Big) and log_space.suits(body)


def quotient(factors: list[Expr]) -> Expr:
    """The product of factors, its inverse ones gathered below the line."""
    top = [f for f in factors if not (isinstance(f, Div) and f.num == ONE)]
    bottom = [f.den for f in factors if isinstance(f, Div) and f.num == ONE]
    product = top or [ONE]
    over = product[0] if len(product) == 1 else Mul(tuple(product))
    return over if not bottom else Div(over, bottom[0] if len(bottom) == 1 else Mul(tuple(bottom)))


def assumptions(node: Expr) -> dict[str, bool]:
    """What sympy may assume of a leaf."""
    if isinstance(node, Sym) and node.kind in ("positive", "probability"):
        return {"positive": True}
    if isinstance(node, Size) and holds_always(node.cond):
        return {"positive": True}
    if isinstance(node, Sym) and node.kind in ("nonnegative", "distribution"):
        return {"nonnegative": True}
    return {"real": True}
