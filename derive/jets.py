"""Gradients, Hessian rows and rays along a tape, in balls, with any nodes as the variables.

`Dual` is a ball with a directional derivative; the backward pass over duals gives a row of the
Hessian. `Ray` encloses a function of t for all t >= FAR at once: what happens at infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import flint

from derive.tape import Tape, arguments, backward

T = TypeVar("T")
FAR = 64  # rays are enclosed for t >= FAR


class Unclear(Exception):
    """A ball straddles a case, a value does not exist, or a form is not understood."""


def reach(tape: Tape, root: int, cut: Mapping[int, Any]) -> list[int]:
    """The nodes below a root, nothing below a node of `cut`."""
    todo, seen = [root], set[int]()
    while todo:
        x = todo.pop()
        if x not in seen:
            seen.add(x)
            todo.extend(() if x in cut else arguments(tape.nodes[x]))
    return sorted(seen)


def forward(
    tape: Tape, order: Sequence[int], cut: Mapping[int, T], number: Callable[[Any], T]
) -> dict[int, T]:
    """Values of nodes in a ring with exp, log, inv and relu as methods; `cut`: the variables."""
    values: dict[int, Any] = {}
    for x in order:
        op, *data = tape.nodes[x]
        if x in cut:
            values[x] = cut[x]
        elif op == "lin":
            v = number(data[0])
            for y, q in data[1]:
                v = v + values[y] * number(q)
            values[x] = v
        elif op == "mul":
            v = values[data[0][0]]
            for y in data[0][1:]:
                v = v * values[y]
            values[x] = v
        elif op == "max":
            v = values[data[0][0]]
            for y in data[0][1:]:
                v = values[y] + (v + values[y] * number(flint.fmpq(-1))).relu()
            values[x] = v
        elif op in ("exp", "log", "inv", "relu"):
            values[x] = getattr(values[data[0]], op)()
        else:
            raise Unclear(tape.text(x))
    return values


class Dual:
    """v + d e with e^2 = 0, both balls."""

    __slots__ = ("d", "v")

    def __init__(self, v: Any, d: Any):
        self.v, self.d = v, d

    def __add__(self, o: Dual) -> Dual:
        return Dual(self.v + o.v, self.d + o.d)

    def __neg__(self) -> Dual:
        return Dual(-self.v, -self.d)

    def __mul__(self, o: Dual) -> Dual:
        return Dual(self.v * o.v, self.v * o.d + self.d * o.v)

    def __truediv__(self, o: Dual) -> Dual:
        return self * o.inv()

    def __gt__(self, o: Any) -> bool:
        return bool(self.v > (o.v if isinstance(o, Dual) else o))

    def __lt__(self, o: Any) -> bool:
        return bool(self.v < (o.v if isinstance(o, Dual) else o))

    def exp(self) -> Dual:
        """The exponential."""
        e = self.v.exp()
        return Dual(e, e * self.d)

    def log(self) -> Dual:
        """The logarithm. Raises Unclear unless the argument is certainly positive."""
        if not self.v > 0:
            raise Unclear("log")
        return Dual(self.v.log(), self.d / self.v)

    def inv(self) -> Dual:
        """The inverse. Raises Unclear at what may be 0."""
        if self.v.contains(0):
            raise Unclear("1/x")
        return Dual(1 / self.v, -self.d / (self.v * self.v))

    def relu(self) -> Dual:
        """The larger of this and 0. Raises Unclear at what may be 0."""
        if self.v > 0:
            return self
        if self.v < 0:
            return Dual(flint.arb(0), flint.arb(0))
        raise Unclear("relu")


def hessian_row(
    tape: Tape, root: int, point: Mapping[int, Any], direction: Mapping[int, Any]
) -> dict[int, Dual]:
    """For every variable, (derivative, derivative of that along `direction`) at a point."""
    cut = {x: Dual(flint.arb(v), flint.arb(direction.get(x, 0))) for x, v in point.items()}

    def number(q: Any) -> Dual:
        return Dual(flint.arb(q), flint.arb(0))

    order = reach(tape, root, cut)
    values = forward(tape, order, cut, number)
    inner = [x for x in order if x not in cut]
    grad = backward(tape.nodes, inner, root, values, number)
    zero = number(flint.fmpq(0))
    return {x: grad.get(x, zero) for x in point}


def ball(x: Any) -> Any:
    """A rational or a ball as a ball."""
    return flint.arb(x)


class Ray:
    """e^(a t) (b t + c) for all t >= FAR: a, b rational, c a rational or a ball for all such t."""

    __slots__ = ("a", "b", "c")

    def __init__(self, a: Any, b: Any, c: Any):
        self.a, self.b, self.c = a, b, c

    def __add__(self, o: Ray) -> Ray:
        if self.a < o.a:
            return o + self
        if self.a == o.a:
            return Ray(self.a, self.b + o.b, self.c + o.c)
        # the smaller one is e^(-g t) (b t + c) beside the larger: for t >= FAR > 1/g it shrinks
        g = flint.arb(self.a - o.a)
        if not g * FAR > 1:
            raise Unclear("two rates of growth too close")
        size = (abs(ball(o.b)) * FAR + abs(ball(o.c))) * (-g * FAR).exp()
        return self if size.is_zero() else Ray(self.a, self.b, self.c + flint.arb(0, size.upper()))

    def __mul__(self, o: Ray) -> Ray:
        if self.b != 0 and o.b != 0:
            raise Unclear("t^2")
        b = flint.fmpq(0)
        for x, y in ((self, o), (o, self)):
            if x.b != 0:
                if type(y.c) is not flint.fmpq:
                    raise Unclear("t times something that is not rational")
                b = x.b * y.c
        return Ray(self.a + o.a, b, self.c * o.c)

    def exp(self) -> Ray:
        """The exponential."""
        if self.a > 0:
            raise Unclear("e^e^t")
        if self.a < 0:
            return Ray(flint.fmpq(0), flint.fmpq(0), self.bounded().exp())
        return Ray(self.b, flint.fmpq(0), ball(self.c).exp())

    def bounded(self) -> Any:
        """A ball for all values, where there is one."""
        if self.a == 0 and self.b == 0:
            return ball(self.c)
        if self.a < 0 and flint.arb(-self.a) * FAR > 1:
            return ball((Ray(flint.fmpq(0), flint.fmpq(0), flint.fmpq(0)) + self).c)
        raise Unclear("unbounded")

    def log(self) -> Ray:
        """The logarithm of something positive without a factor t."""
        if self.b != 0 or not self.c > 0:
            raise Unclear("log")
        return Ray(flint.fmpq(0), self.a, ball(self.c).log())

    def inv(self) -> Ray:
        """The inverse of something without a factor t and away from 0."""
        if self.b != 0 or ball(self.c).contains(0):
            raise Unclear("1/x")
        return Ray(-self.a, self.b, 1 / self.c)

    def relu(self) -> Ray:
        """The larger of this and 0, where the sign is the same for all t >= FAR."""
        start = ball(self.b) * FAR + self.c
        if self.b >= 0 and start >= 0:
            return self
        if self.b <= 0 and start <= 0:
            return Ray(flint.fmpq(0), flint.fmpq(0), flint.fmpq(0))
        raise Unclear("relu")


def slope_at_infinity(
    tape: Tape, root: int, point: Mapping[int, Any], direction: Mapping[int, Any]
) -> Any:
    """The b of f(point + t direction) = b t + O(1) as t grows, a rational. Raises Unclear."""
    zero = flint.fmpq(0)
    cut = {x: Ray(zero, direction.get(x, zero), v) for x, v in point.items()}
    order = reach(tape, root, cut)
    out = forward(tape, order, cut, lambda q: Ray(zero, zero, q))[root]
    if out.a > 0:
        raise Unclear("exponential growth")
    return out.b if out.a == 0 else zero
