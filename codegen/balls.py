"""The formulas of a method in ball arithmetic: a value, and how far any rounding can move it.

With 170 bits the balls hold the true value and gradient to fifty digits. With the bits of a dtype
their radius is a rigorous bound on what rounding every operation of the formula to that dtype can
do, with an exponent that knows no end: the condition of the loss times the rounding unit, with no
term of first order left out. What has no digits left has an infinite radius.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, ClassVar

import flint

from catalog.symbols import Pow
from codegen.oracle import Interpreter
from codegen.tape import Var, powers, quotient, summed

EXACT = 170  # bits: fifty digits
arb = flint.arb
ZERO = flint.arb(0)


class Infinite(ArithmeticError):
    """The loss is infinite here: q has nothing where p has mass."""


def split(x: Any) -> tuple[float, float]:
    """A ball as its middle and its radius: NaN and infinity for a ball that is no number."""
    if not x.is_finite():
        return float("nan"), float("inf")
    return float(x.mid()), float(x.rad())


def ball(x: Any) -> arb:
    """A number of the catalog or of the data as a ball; floats and integers are exact."""
    return arb(x.numerator) / x.denominator if isinstance(x, Fraction) else arb(x)


@quotient.register(arb)
def _quotient(bottom: arb, top: arb) -> tuple[arb, arb, arb]:
    if bottom == 0:  # exactly: of nothing, 0, as in the proofs
        return ZERO, ZERO, ZERO
    ratio = top / bottom
    return ratio, 1 / bottom, -ratio / bottom


@powers.register(arb)
def _powers(base: arb, exponent: arb) -> tuple[arb, arb, arb]:
    if base == 0:
        # the power of nothing: 0, and 1 for the exponent 0, as in the proofs
        slope = arb(1) if exponent == 1 else ZERO
        return (arb(1) if exponent == 0 else ZERO), slope, ZERO
    value = base**exponent
    slope = exponent * base ** (exponent - 1) if exponent != 0 else ZERO
    return value, slope, value * base.log() if base > 0 else ZERO


@summed.register(arb)
def _summed(first: arb, *others: arb) -> arb:
    for x in others:
        first = first + x
    return first


def _log(x: arb) -> tuple[arb, arb]:
    return (x.log(), 1 / x) if not x <= 0 else (ZERO, ZERO)


def _exp(x: arb) -> tuple[arb, arb]:
    # an exponent is rounded even where it is exact, since programs take a maximum off it
    y = (x * (1 + arb(0, 2.0**-flint.ctx.prec))).exp() if x.is_finite() else x.exp()
    return y, y


def _sqrt(x: arb) -> tuple[arb, arb]:
    if x == 0:
        return ZERO, ZERO
    y = x.nonnegative_part().sqrt()
    return y, 1 / (2 * y)


def _relu(x: arb) -> tuple[arb, arb]:
    if x > 0:
        return x, arb(1)
    if x <= 0:
        return ZERO, ZERO
    return x.nonnegative_part(), arb(0.5, 0.5)  # at the kink every slope between is one


def _sigmoid(x: arb) -> tuple[arb, arb]:
    y, other = 1 / (1 + (-x).exp()), 1 / (1 + x.exp())
    return y, y * other


def _softplus(x: arb) -> tuple[arb, arb]:
    # the sum has as many bits as the smaller of the two needs
    y = x + (-x).exp().log1p() if x > 0 else x.exp().log1p()
    return y, 1 / (1 + (-x).exp())


class Balls(Interpreter):
    """Evaluates formulas in ball arithmetic, with the precision of `flint.ctx`."""

    number: ClassVar[Any] = staticmethod(ball)
    unary: ClassVar[Mapping[str, Callable[[Any], tuple[Any, Any]]]] = {
        "log": _log,
        "exp": _exp,
        "sqrt": _sqrt,
        "relu": _relu,
        "sigmoid": _sigmoid,
        "softplus": _softplus,
        "sg": lambda x: (x, ZERO),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        self.edge = False  # whether a q is 0, where divergences have no slope
        self.singular = False  # whether a negative power of 0 was met, or a row of q that is 0

    def _value(self, node: Any, env: Any) -> Any:
        found = super()._value(node, env)
        if isinstance(node, Pow) and self.scalar(node.base, env).value == 0:
            self.singular |= bool(self.scalar(node.exponent, env).value < 0)
        for v in found if isinstance(found, list) else [found]:
            if isinstance(v.value, float):  # a sum of nothing
                v.value = arb(v.value)
        return found

    def share(self, kernel: Var, partition: Var) -> Var:
        """The q of a neighbour, which there is none of where all kernels are 0."""
        self.singular |= bool(partition.value == 0)
        self.edge |= bool(kernel.value == 0)
        return kernel / partition

    def logarithm(self, q: Any) -> tuple[Any, Any]:
        """The logarithm of a q where p has mass. Raises Infinite where q has none."""
        if q == 0:
            if self.singular:
                return ZERO, ZERO
            raise Infinite
        return q.log(), 1 / q

    def extreme(self, op: str, values: list[Var]) -> Var:
        """The largest or smallest of numbers; of several that may be it, a mixture."""
        value = values[0].value
        for v in values[1:]:
            value = value.max(v.value) if op == "max" else value.min(v.value)
        first = [v for v in values if v.value.overlaps(value)]
        slopes = [arb(1)] if len(first) == 1 else [arb(0.5, 0.5)] * len(first)
        return Var(value, tuple(zip(first, slopes, strict=True)))
