"""Number systems that a term is evaluated in: fractions, floats, balls, integers modulo a prime.

Every operation is total in the way of `derive.terms`: inv(0) = 0 and log(x) = 0 for x <= 0.
A field says so when it cannot tell: `Undecided` is raised, never a guess made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol, TypeVar

import flint

T = TypeVar("T")
EXACT_BITS = 4096  # an exact number longer than this goes on as a ball


class Undecided(Exception):
    """The field cannot tell the value: a transcendental, or a ball that straddles a case."""


class Field(Protocol[T]):
    """The operations that `models.Evaluator` needs."""

    def number(self, q: Fraction) -> T: ...  # noqa: D102
    def add(self, xs: Sequence[T]) -> T: ...  # noqa: D102
    def mul(self, xs: Sequence[T]) -> T: ...  # noqa: D102
    def inv(self, x: T) -> T: ...  # noqa: D102
    def exp(self, x: T) -> T: ...  # noqa: D102
    def log(self, x: T) -> T: ...  # noqa: D102
    def relu(self, x: T) -> T: ...  # noqa: D102
    def maximum(self, xs: Sequence[T]) -> T: ...  # noqa: D102
    def is_zero(self, x: T) -> bool: ...  # noqa: D102
    def nonzero(self, x: T) -> bool: ...  # noqa: D102


def fmpq(q: Fraction | int) -> Any:
    """A rational as flint's, some ten times as fast as Fraction."""
    return flint.fmpq(q.numerator, q.denominator)


def fraction(q: Any) -> Fraction:
    """A flint rational as a Fraction."""
    return Fraction(int(q.p), int(q.q))


class Exact:
    """Rational numbers; Undecided where an exponential or a logarithm is irrational."""

    def number(self, q: Fraction) -> Any:
        """The number q."""
        return fmpq(q)

    def add(self, xs: Sequence[Any]) -> Any:
        """The sum."""
        return sum(xs, flint.fmpq(0))

    def mul(self, xs: Sequence[Any]) -> Any:
        """The product."""
        return math.prod(xs, start=flint.fmpq(1))

    def inv(self, x: Any) -> Any:
        """1/x, 0 at 0."""
        return 1 / x if x != 0 else x

    def exp(self, x: Any) -> Any:
        """1 at 0."""
        if x != 0:
            raise Undecided("exp of a non-zero rational")
        return flint.fmpq(1)

    def log(self, x: Any) -> Any:
        """0 at 1 and below or at 0."""
        if x > 0 and x != 1:
            raise Undecided("log of a rational")
        return flint.fmpq(0)

    def relu(self, x: Any) -> Any:
        """The larger of x and 0."""
        return x if x > 0 else flint.fmpq(0)

    def maximum(self, xs: Sequence[Any]) -> Any:
        """The largest."""
        return max(xs)

    def is_zero(self, x: Any) -> bool:
        """Whether x is 0."""
        return bool(x == 0)

    def nonzero(self, x: Any) -> bool:
        """Whether x is not 0."""
        return bool(x != 0)


class Balls(Exact):
    """Rationals while they last, then arb balls at `bits` of precision. Rigorous."""

    def __init__(self, bits: int = 128):
        self.bits = bits

    def ball(self, x: Any) -> Any:
        """The ball around x."""
        return flint.arb(x) if type(x) is flint.fmpq else x

    def _fold(self, xs: Sequence[Any], start: int, op: Any) -> Any:
        exact, rest = flint.fmpq(start), []
        for x in xs:
            if type(x) is flint.fmpq:
                exact = op(exact, x)
            else:
                rest.append(x)
        if not rest:
            long = max(int(exact.p).bit_length(), int(exact.q).bit_length()) > EXACT_BITS
            return self.ball(exact) if long else exact
        out = self.ball(exact) if exact != start else rest.pop()
        for x in rest:
            out = op(out, x)
        return out

    def add(self, xs: Sequence[Any]) -> Any:
        """The sum."""
        with flint.ctx.workprec(self.bits):
            return self._fold(xs, 0, lambda a, b: a + b)

    def mul(self, xs: Sequence[Any]) -> Any:
        """The product; exactly 0 where a factor is."""
        if any(self.is_zero(x) for x in xs):
            return flint.fmpq(0)
        with flint.ctx.workprec(self.bits):
            return self._fold(xs, 1, lambda a, b: a * b)

    def inv(self, x: Any) -> Any:
        """1/x, 0 at 0."""
        if type(x) is flint.fmpq:
            return super().inv(x)
        if not (x > 0 or x < 0):
            raise Undecided("1/x where x may be 0")
        with flint.ctx.workprec(self.bits):
            return 1 / x

    def exp(self, x: Any) -> Any:
        """The exponential."""
        if self.is_zero(x):
            return flint.fmpq(1)
        with flint.ctx.workprec(self.bits):
            return self.ball(x).exp()

    def log(self, x: Any) -> Any:
        """The logarithm, 0 at 0 and below."""
        if x <= 0 or (type(x) is flint.fmpq and x == 1):
            return flint.fmpq(0)
        with flint.ctx.workprec(self.bits):
            b = self.ball(x)
            if not b > 0:
                raise Undecided("log x where x may be 0")
            return b.log()

    def relu(self, x: Any) -> Any:
        """The larger of x and 0."""
        return super().relu(x) if type(x) is flint.fmpq else x.max(flint.arb(0))

    def maximum(self, xs: Sequence[Any]) -> Any:
        """The largest."""
        if all(type(x) is flint.fmpq for x in xs):
            return max(xs)
        with flint.ctx.workprec(self.bits):
            out = self.ball(xs[0])
            for x in xs[1:]:
                out = out.max(self.ball(x))
            return out

    def is_zero(self, x: Any) -> bool:
        """Whether x is exactly 0."""
        return bool(x == 0) if type(x) is flint.fmpq else bool(x.is_zero())

    def nonzero(self, x: Any) -> bool:
        """Whether x is certainly not 0."""
        return bool(x > 0 or x < 0)


class Floats:
    """Double precision; for a look, never for a verdict."""

    def number(self, q: Fraction) -> float:
        """The number q."""
        return float(q)

    def add(self, xs: Sequence[float]) -> float:
        """The sum."""
        return math.fsum(xs)

    def mul(self, xs: Sequence[float]) -> float:
        """The product."""
        return math.prod(xs)

    def inv(self, x: float) -> float:
        """1/x, 0 at 0."""
        return 1 / x if x else 0.0

    def exp(self, x: float) -> float:
        """The exponential, infinite where it overflows."""
        return math.exp(x) if x < 709 else math.inf

    def log(self, x: float) -> float:
        """The logarithm, 0 at 0 and below."""
        return math.log(x) if x > 0 else 0.0

    def relu(self, x: float) -> float:
        """The larger of x and 0."""
        return max(x, 0.0)

    def maximum(self, xs: Sequence[float]) -> float:
        """The largest."""
        return max(xs)

    def is_zero(self, x: float) -> bool:
        """Whether x is 0."""
        return x == 0

    def nonzero(self, x: float) -> bool:
        """Whether x is not 0."""
        return x != 0


class Residues:
    """Integers modulo the prime p; Undecided for exp, log, relu and max, which they do not have."""

    def __init__(self, p: int):
        self.mod = flint.fmpz_mod_ctx(p)

    def number(self, q: Fraction) -> Any:
        """The number q."""
        return self.mod(q.numerator) * self.mod(q.denominator).inverse()

    def add(self, xs: Sequence[Any]) -> Any:
        """The sum."""
        return sum(xs, self.mod(0))

    def mul(self, xs: Sequence[Any]) -> Any:
        """The product."""
        return math.prod(xs, start=self.mod(1))

    def inv(self, x: Any) -> Any:
        """1/x, 0 at 0."""
        return x if x.is_zero() else x.inverse()

    def exp(self, x: Any) -> Any:
        """None: see derive.primefield."""
        raise Undecided("exp modulo a prime")

    log = relu = exp

    def maximum(self, xs: Sequence[Any]) -> Any:
        """None: residues have no order."""
        raise Undecided("max modulo a prime")

    def is_zero(self, x: Any) -> bool:
        """Whether x is 0."""
        return bool(x.is_zero())

    def nonzero(self, x: Any) -> bool:
        """Whether x is not 0."""
        return not x.is_zero()
