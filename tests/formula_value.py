"""The number that a formula tree stands for, by plain recursion and loops.

`data` gives an array for every declared name (labels and partners as integers, masks as booleans,
the coordinates of a vector on the last axis), `sizes` the number of elements of every index set.
Nothing is total here: the logarithm of a non-positive number raises. The one convention is that a
product stops at a factor zero, so that a formula written p * log(p/q) has 0 log 0 = 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from catalog.spec import Method
from catalog.symbols import (
    Add,
    And,
    Big,
    Call,
    Cond,
    Cos,
    Div,
    Dot,
    Equal,
    Expr,
    Fact,
    Index,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Norm,
    Num,
    Or,
    Pow,
    SetRef,
    Size,
    SqNorm,
    Sym,
    free_indices,
)

Data = Mapping[str, np.ndarray]
Env = dict[IVar, int]
FUNCTIONS = {
    "log": math.log,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "relu": lambda x: max(x, 0.0),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "sg": lambda x: x,
    "max": max,
    "min": min,
}
FOLDS = {"sum": math.fsum, "mean": lambda v: math.fsum(v) / len(v), "max": max, "min": min}


class Valuation:
    """Values of formulas on one set of data."""

    def __init__(self, data: Data, sizes: Mapping[str, int]) -> None:
        self.data, self.sizes = data, sizes

    def index(self, node: Index, env: Env) -> int:
        if isinstance(node, IVar):
            return env[node]
        if not node.args and node.name in node.set.elements:
            return node.set.elements.index(node.name)
        return int(self.data[node.name][self.at(node.args, env)])

    def at(self, args: tuple[Index, ...], env: Env) -> tuple[int, ...]:
        return tuple(self.index(a, env) for a in args)

    def holds(self, cond: Cond, env: Env) -> bool:
        match cond:
            case Equal(a, b, negated):
                return (self.index(a, env) == self.index(b, env)) != negated
            case Mask(name, args, negated):
                return bool(self.data[name][self.at(args, env)]) != negated
            case And(args):
                return all(self.holds(c, env) for c in args)
            case Or(args):
                return any(self.holds(c, env) for c in args)
            case SetRef(cond=inner, negated=negated):
                return self.holds(inner, env) != negated
        raise TypeError(cond)

    def each(self, variables: tuple[IVar, ...], cond: Cond, env: Env) -> Iterator[Env]:
        """The environments in which `variables` run over their sets and `cond` holds."""
        for values in itertools.product(*(range(self.sizes[v.set.name]) for v in variables)):
            inner = {**env, **dict(zip(variables, values, strict=True))}
            if self.holds(cond, inner):
                yield inner

    def __call__(self, node: Expr, env: Env | None = None) -> float:
        """The value of a scalar (or, inside, of a vector)."""
        env = env or {}
        match node:
            case Num(value):
                return float(value)
            case Sym(name, args):
                found = self.data[name][self.at(args, env)]
                return found if found.ndim else float(found)  # type: ignore[return-value]
            case Add(args):
                total = self(args[0], env)
                for a in args[1:]:
                    total = total + self(a, env)
                return total
            case Mul(args):
                product = 1.0
                for a in args:
                    product = product * self(a, env)
                    if np.all(product == 0):
                        return 0.0
                return product
            case Div(num, den):
                return self(num, env) / self(den, env)
            case Pow(base, exponent):
                return math.pow(self(base, env), self(exponent, env))
            case Call(fn, args):
                return float(FUNCTIONS[fn](*(self(a, env) for a in args)))
            case Dot(u, v):
                return float(np.dot(self(u, env), self(v, env)))
            case SqNorm(u):
                return float(np.dot(self(u, env), self(u, env)))
            case Norm(u):
                return float(np.linalg.norm(self(u, env)))
            case Cos(u, v):
                a, b = self(u, env), self(v, env)
                return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))
            case Iverson(cond):
                return float(self.holds(cond, env))
            case Big(op, variables, cond, body):
                values = [self(body, e) for e in self.each(variables, cond, env)]
                if any(np.ndim(v) for v in values):  # vectors can be summed and averaged
                    return sum(values) / (len(values) if op == "mean" else 1)
                return float(FOLDS[op](values))
            case Size(variables, cond):
                return float(sum(1 for _ in self.each(variables, cond, env)))
            case Macro(body=body):
                return self(body, env)
        raise TypeError(node)

    def true(self, fact: Fact) -> bool:
        """Whether a hypothesis holds for all values of its free indices (equalities to 1e-12)."""
        free = tuple(free_indices(fact.left) | free_indices(fact.right))
        for env in self.each(free, And(()), {}):
            left, right = self(fact.left, env), self(fact.right, env)
            near = abs(left - right) <= 1e-12 * max(1.0, abs(left))
            if not {"=": near, ">": left > right, ">=": left >= right}[fact.relation]:
                return False
        return True


def set_sizes(method: Method, data: Data) -> dict[str, int]:
    """The size of every index set, read off the shapes of the arrays."""
    sizes = {name: len(s.elements) for name, s in method.sets.items() if s.elements}
    for name, declaration in method.declarations.items():
        args = declaration.form.args
        for arg, length in zip(args, data[name].shape[: len(args)], strict=True):
            if sizes.setdefault(arg.set.name, length) != length:
                raise ValueError(f"{method.id}: {name} has {length} entries along {arg.set.name}")
    return sizes


def valuation(method: Method, data: Data) -> Valuation:
    """The valuation of a method's formulas on `data`."""
    return Valuation(data, set_sizes(method, data))
