"""Growth along a ray, enclosed: e^(a t) times powers of t with balls as coefficients.

A `Tail` encloses a function of t for all t >= FAR at once. Sums keep the fastest exponential and
fold what is slower into a ball, so that the leading term says rigorously whether a loss falls or
grows without bound, and whether faster than linearly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import flint

from derive.fields import fmpq, fraction
from derive.jets import FAR, Unclear, reach
from derive.tape import Tape

ZERO, ONE = flint.fmpq(0), flint.fmpq(1)
Power = int | Fraction  # of t, with a fast hash
LONG = 6  # powers of t kept in a sum; more are folded


class Tail:
    """e^(a t) * sum of c t^k for all t >= FAR; a and k rational, each c a ball for all such t.

    No powers at all is 0. The highest power comes first.
    """

    __slots__ = ("a", "terms")

    def __init__(self, a: Any, terms: Mapping[Power, Any]):
        kept = {k: c for k, c in terms.items() if not zero(c)}
        self.a = a if kept else ZERO
        self.terms = kept if len(kept) < 2 else dict(sorted(kept.items(), reverse=True))

    @property
    def top(self) -> tuple[Power, Any]:
        """The highest power and its coefficient, (0, 0) for nothing."""
        return next(iter(self.terms.items()), (0, ZERO))

    def __add__(self, o: Tail) -> Tail:
        if not self.terms or not o.terms:
            return self if self.terms else o
        if self.a < o.a:
            return o + self
        if self.a > o.a:
            # beside e^(a t) the other is e^(-g t) t^k, which shrinks from FAR on for g FAR > k
            small = flint.arb(0)
            g = self.a - o.a
            for k, c in o.terms.items():
                if not g * FAR > fmpq(k):
                    raise Unclear("two rates of growth too close")
                small += abs(ball(c)) * far(k) * (-flint.arb(g) * FAR).exp()
            o = Tail(self.a, {0: flint.arb(0, small.upper())})
        out = dict(self.terms)
        for k, c in o.terms.items():
            out[k] = out[k] + c if k in out else c
        return Tail(self.a, out).folded()

    def folded(self) -> Tail:
        """Low powers as a ball at the lowest one kept."""
        if len(self.terms) <= LONG:
            return self
        items = list(self.terms.items())
        low, c = items[LONG - 1]
        for k, d in items[LONG:]:
            c = ball(c) + flint.arb(0, (abs(ball(d)) * far(k - low)).upper())
        return Tail(self.a, dict([*items[: LONG - 1], (low, c)]))

    def __mul__(self, o: Tail) -> Tail:
        out: dict[Any, Any] = {}
        for k, c in self.terms.items():
            for m, d in o.terms.items():
                out[k + m] = out[k + m] + times(c, d) if k + m in out else times(c, d)
        return Tail(self.a + o.a, out).folded()

    def body(self) -> Any:
        """The sum of c t^k divided by its highest power, a ball for all t >= FAR."""
        high, _ = self.top
        out = flint.arb(0)
        for k, c in self.terms.items():
            if k == high:
                out += ball(c)
            else:  # t^(k - high) lies between 0 and its value at FAR
                half = far(k - high) / 2
                out += ball(c) * flint.arb(half.mid(), half.upper())
        return out

    def inv(self) -> Tail:
        """The inverse. Raises Unclear at what may be 0."""
        rest = self.body()
        if not self.terms or rest.contains(0):
            raise Unclear("1/x")
        one = self.top[1]
        exact = len(self.terms) == 1 and type(one) is flint.fmpq
        return Tail(-self.a, {-self.top[0]: 1 / one if exact else 1 / rest})

    def exp(self) -> Tail:
        """The exponential of b t + c, or of something that shrinks."""
        if self.a > 0:
            raise Unclear("e^e^t")
        if self.a < 0:
            return Tail(ZERO, {0: self.bounded().exp()})
        if any(k > 1 or 0 < k < 1 for k in self.terms):
            raise Unclear("the exponential of a power")
        b = self.terms.get(1, ZERO)
        if type(b) is not flint.fmpq:
            raise Unclear("an exponential whose rate is not rational")
        rest = Tail(ZERO, {k: c for k, c in self.terms.items() if k <= 0})
        return Tail(b, {0: rest.bounded().exp()}) if rest.terms else Tail(b, {0: ONE})

    def bounded(self) -> Any:
        """A ball for all values. Raises Unclear where the function grows."""
        small = Tail(ZERO, {0: ONE})
        if not self.terms:
            return flint.arb(0)
        if self.a > 0 or (self.a == 0 and self.top[0] > 0):
            raise Unclear("unbounded")
        if self.a == 0:
            high = self.top[0]
            return self.body() * (1 if high == 0 else flint.arb(0, far(high).upper()))
        return ball((small + self).terms[0]) - 1

    def log(self) -> Tail:
        """The logarithm of something positive that is no power of t."""
        rest = self.body()
        if not self.terms or not rest > 0 or self.top[0] != 0:
            raise Unclear("log")
        return Tail(ZERO, {1: self.a, 0: rest.log()})

    def power(self, q: Any) -> Tail:
        """The power q of something positive."""
        rest = self.body()
        if not self.terms or not rest > 0:
            raise Unclear("a power of what may be negative")
        return Tail(self.a * q, {self.top[0] * fraction(q): (flint.arb(q) * rest.log()).exp()})

    def relu(self) -> Tail:
        """The larger of this and 0, where the sign is the same for all t >= FAR."""
        rest = self.body()
        if not self.terms or rest > 0:
            return self
        if rest < 0:
            return Tail(ZERO, {})
        raise Unclear("relu")

    def growth(self) -> tuple[str, Any]:
        """How it ends: ("falls" | "rises" | "races" | "", the leading coefficient).

        "falls" and "rises" are without bound, linearly or faster; "races" rises faster than
        linearly; "" is bounded, or slower than linear.
        """
        k, c = self.top
        if not self.terms or self.a < 0 or (self.a == 0 and k < 1):
            return "", flint.arb(0)
        if ball(c).contains(0) or self.body().contains(0):
            raise Unclear("the leading term may be 0")
        fast = self.a > 0 or k > 1
        return ("falls" if ball(c) < 0 else "races" if fast else "rises"), ball(c)


def zero(c: Any) -> bool:
    """Whether a coefficient is exactly 0."""
    return bool(c == 0 if type(c) is flint.fmpq else c.is_zero())


def ball(x: Any) -> Any:
    """A rational or a ball as a ball."""
    return flint.arb(x)


def times(c: Any, d: Any) -> Any:
    """A product that stays rational where both factors are."""
    return c * d if type(c) is type(d) else ball(c) * ball(d)


def far(k: Power) -> Any:
    """FAR^k."""
    return flint.arb(FAR) ** fmpq(k)


def line(start: Any, direction: Any, power: Power = 1) -> Tail:
    """The entry start + direction t^power; the direction rational, the start rational or a ball."""
    return Tail(ZERO, {power: direction, 0: start})


def follow(tape: Tape, root: int, cut: Mapping[int, Tail]) -> Tail:
    """The value of a node where those of `cut` move as they say. Raises Unclear."""
    out: dict[int, Tail] = {}

    def number(q: Any) -> Tail:
        return Tail(ZERO, {0: q})

    for x in reach(tape, root, cut):
        op, *data = tape.nodes[x]
        if x in cut:
            v = cut[x]
        elif op == "lin":
            v = number(data[0])
            for y, q in sorted(data[1], key=lambda yq: -out[yq[0]].a):
                v = v + out[y] * number(q)
        elif op == "mul":
            v = out[data[0][0]]
            for y in data[0][1:]:
                v = v * out[y]
        elif op == "max":
            v = out[data[0][0]]
            for y in data[0][1:]:
                v = out[y] + (v + out[y] * number(-ONE)).relu()
        elif op == "exp" and (base := rooted(tape, x)) is not None:
            v = out[base[0]].power(base[1]) if out[base[0]].terms else number(ZERO)
        elif op == "log" and out[data[0]].top[0] != 0:
            v = Tail(ZERO, {})  # only below a power, which reads what is below the logarithm
            if not powers_only(tape, root, x):
                raise Unclear("log t")
        elif op in ("exp", "log", "inv", "relu"):
            step: Callable[[], Tail] = getattr(out[data[0]], op)
            v = step()
        else:
            raise Unclear(tape.text(x, 40))
        out[x] = v
    return out[root]


def rooted(tape: Tape, x: int) -> tuple[int, Any] | None:
    """(y, q) where an exponential is y^q."""
    c, items = tape.flat(tape.nodes[x][1])
    if c != 0 or len(items) != 1:
        return None
    ((y, q),) = items.items()
    return (tape.nodes[y][1], q) if tape.nodes[y][0] == "log" else None


def powers_only(tape: Tape, root: int, log: int) -> bool:
    """Whether a logarithm below `root` is read by powers of one base alone."""
    for x in tape.reach([root]):
        n = tape.nodes[x]
        if n[0] == "lin" and any(y == log for y, _ in n[2]):
            if len(n[2]) > 1 or n[1] != 0 or not sole(tape, root, x):
                return False
        elif n[0] != "lin" and n[0] != "var" and n[0] != "undef":
            args = n[1] if n[0] in ("mul", "max") else (n[1],)
            if log in args and n[0] != "exp":
                return False
    return log != root


def sole(tape: Tape, root: int, x: int) -> bool:
    """Whether a node below `root` is read by exponentials alone."""
    for y in tape.reach([root]):
        n = tape.nodes[y]
        args = [z for z, _ in n[2]] if n[0] == "lin" else n[1] if n[0] in ("mul", "max") else n[1:2]
        if n[0] not in ("var", "undef") and x in args and n[0] != "exp":
            return False
    return x != root
