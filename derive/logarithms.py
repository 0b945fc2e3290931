"""Search: second-order bounds of logarithms, on the side of one that is known."""

from __future__ import annotations

from fractions import Fraction

from derive.exponentials import Exponentials
from derive.steps import ONE, ZERO
from derive.terms import Term, num
from derive.theorem import MINUS, Theorem, inv, log

HALF, SIXTH = num(Fraction(1, 2)), num(Fraction(1, 6))


class Logarithms(Exponentials):
    """What the search for inequalities knows of log u where u >= 1 or u <= 1."""

    def below_one(self, u: Term, above: Theorem, less: Theorem) -> Theorem:
        """-(1 - u) - (1 - u)^2/2 - log u >= 0 for 0 < u <= 1."""
        way, x = self.way, ONE - u
        part = way.axiom("nn_mul", x, u - ONE - log(u), less, self.tangent(u, above))
        whole = self.sixth(u, above, num(4) * part.concl[1], self.times(4, part))
        return way.move(whole, MINUS * x - HALF * x * x - log(u))

    def above_one(self, u: Term, above: Theorem, more: Theorem) -> Theorem:
        """(u - 1/u)/2 - log u >= 0 for u >= 1."""
        way, core, t = self.way, u - ONE - log(u), inv(u)
        part = way.axiom("nn_mul", u - ONE, core, more, self.tangent(u, above))
        whole = self.sixth(u, above, num(2) * part.concl[1], self.times(2, part))
        over = self.weak(way.axiom("pos_inv", u, ZERO, above))
        scaled = way.axiom("nn_mul", t, whole.concl[1], over, whole)
        to = HALF * (u - t) - log(u)
        cancel = way.axiom("mul_inv", u, ZERO, above)
        eq = way.do("lincomb", scaled.concl[1], to, ((core - HALF * u + ONE, (), cancel),))
        return way.do("transport", scaled, eq)

    def tangent(self, u: Term, above: Theorem) -> Theorem:
        """U - 1 - log u >= 0 for u > 0."""
        return self.way.axiom("log_tangent", u, ZERO, above)

    def times(self, k: int, th: Theorem) -> Theorem:
        """K a >= 0 from a >= 0."""
        number = self.way.do("sign", "nn", num(k))
        return self.way.axiom("nn_mul", num(k), th.concl[1], number, th)

    def sixth(self, u: Term, above: Theorem, other: Term, more: Theorem) -> Theorem:
        """((2 + 4 u)(u - 1 - log u) - 3 (u - 1)^2 + other)/6 >= 0 from other >= 0.

        Pinsker's inequality at 1/u, times u^2, and the other.
        """
        way, t = self.way, inv(u)
        over = self.weak(way.axiom("pos_inv", u, ZERO, above))
        strong = way.axiom("pinsker", t, ZERO, over)
        whole = way.axiom("nn_mul", u * u, strong.concl[1], way.axiom("nn_square", u), strong)
        to = (num(2) + num(4) * u) * (u - ONE - log(u)) - num(3) * (u - ONE) * (u - ONE)
        cancel, turn = way.axiom("mul_inv", u, ZERO, above), way.axiom("log_inv", u)
        twice = u * t + ONE
        slope = (twice + twice + num(4) * u) * log(t) + num(4) * u - num(5) * twice
        eq = way.do("lincomb", whole.concl[1], to, (
            (slope, (), cancel), (num(2) + num(4) * u, (), turn),
        ))  # fmt: skip
        both = way.axiom("nn_add", to, other, way.do("transport", whole, eq), more)
        number = way.do("sign", "nn", SIXTH)
        return way.axiom("nn_mul", SIXTH, both.concl[1], number, both)
