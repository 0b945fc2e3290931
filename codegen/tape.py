"""Numbers that remember what they were made from: reverse-mode derivatives of Python floats.

What is more than a sum or a product goes through `quotient`, `powers` and `summed`, which other
kinds of numbers register their own form of (`codegen.balls`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch
from typing import Any, TypeAlias

Number: TypeAlias = Any  # a float, or a ball


class Var:
    """A number: its value and, for each operand, the partial derivative in it."""

    __slots__ = ("grad", "parents", "value")

    def __init__(self, value: Number, parents: Sequence[tuple[Var, Number]] = ()) -> None:
        self.value = value
        self.parents = parents
        self.grad: Number = 0.0

    def __add__(self, other: Var) -> Var:
        return Var(self.value + other.value, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Var) -> Var:
        return Var(self.value * other.value, ((self, other.value), (other, self.value)))

    def __truediv__(self, other: Var) -> Var:
        ratio, by_top, by_bottom = quotient(other.value, self.value)
        return Var(ratio, ((self, by_top), (other, by_bottom)))

    def __neg__(self) -> Var:
        return Var(-self.value, ((self, -1.0),))

    def power(self, exponent: Var) -> Var:
        """`self ** exponent`; the exponent has a derivative only where the base is positive."""
        value, slope, by_exponent = powers(self.value, exponent.value)
        return Var(value, ((self, slope), (exponent, by_exponent)))

    def map(self, value: Number, slope: Number) -> Var:
        """A function of this number alone."""
        return Var(value, ((self, slope),))


@singledispatch
def quotient(bottom: Number, top: Number) -> tuple[Number, Number, Number]:
    """The quotient `top / bottom`, and its derivatives in the two."""
    ratio = top / bottom
    return ratio, 1 / bottom, -ratio / bottom


@singledispatch
def powers(base: Number, exponent: Number) -> tuple[Number, Number, Number]:
    """The power `base ** exponent`, and its derivatives in the two."""
    value = raised(base, exponent)
    slope = exponent * raised(base, exponent - 1) if exponent else 0.0
    return value, slope, value * math.log(base) if base > 0 else 0.0


@singledispatch
def summed(first: Number, *others: Number) -> Number:
    """The sum of numbers, rounded once."""
    return math.fsum((first, *others))


def raised(base: float, exponent: float) -> float:
    """`base ** exponent`, 0 where that is infinite: there the proofs have 0 too."""
    return 0.0 if base == 0 and exponent < 0 else float(base**exponent)


def backward(result: Var) -> None:
    """Adds d result / d v to `v.grad` for every number v that `result` was made from."""
    order: list[Var] = []
    seen: set[int] = set()
    stack = [(result, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in node.parents)
    result.grad += 1.0
    for node in reversed(order):
        if node.grad == 0:  # also where a slope is infinite: what does not count has no gradient
            continue
        for parent, slope in node.parents:
            parent.grad += slope * node.grad


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def softplus(x: float) -> float:
    """log(1 + exp(x)) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


# log is 0 where it is undefined, as in the proofs: then p log p is 0 where p is 0
UNARY: Mapping[str, Callable[[Number], tuple[Number, Number]]] = {
    "log": lambda x: (math.log(x), 1 / x) if x > 0 else (0.0, 0.0),
    "exp": lambda x: (math.exp(x), math.exp(x)),
    "sqrt": lambda x: (math.sqrt(x), 0.5 / math.sqrt(x) if x else 0.0),
    "relu": lambda x: (max(x, 0.0), float(x > 0)),
    "sigmoid": lambda x: (sigmoid(x), sigmoid(x) * sigmoid(-x)),
    "softplus": lambda x: (softplus(x), sigmoid(x)),
    "sg": lambda x: (x, 0.0),
}


def total(terms: list[Var]) -> Var:
    """The sum of numbers (0 of none)."""
    value = summed(*(t.value for t in terms)) if terms else 0.0
    return Var(value, tuple((t, 1.0) for t in terms))


def product(factors: list[Var]) -> Var:
    """The product of numbers (1 of none)."""
    result = Var(1.0)
    for factor in factors:
        result = result * factor
    return result


def dot(u: list[Var], v: list[Var]) -> Var:
    """The inner product of two vectors."""
    return total([x * y for x, y in zip(u, v, strict=True)])


def added(values: Sequence[Var | list[Var]]) -> Var | list[Var]:
    """The sum of numbers, or of vectors (0 of none)."""
    vectors = [v for v in values if isinstance(v, list)]
    if vectors:
        return [total(list(coordinate)) for coordinate in zip(*vectors, strict=True)]
    return total([v for v in values if isinstance(v, Var)])
