"""Search: better forms of positive parts and maxima of two numbers.

relu(x) is x where x >= 0 and 0 where x <= 0; otherwise its positive content comes out and the sign
of its leading monomial is made positive, so that relu(x) and relu(-x) share one form.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from derive.elements import Elements
from derive.poly import PREFIX, Poly, build, offset, times, without
from derive.steps import ONE, ZERO
from derive.terms import Monomial, Term, bind, num, open_binder, order, var
from derive.theorem import MINUS, Theorem, inv, relu


class Hinges(Elements):
    """What the normaliser knows of relu and max."""

    def hinge(self, f: Term) -> Theorem | None:
        """F = a better form, for f = relu(x) with x in normal form, or f = max(x, y)."""
        if f.op == "max":
            x, y = f.args
            return self.axiom("max_relu", x, y)
        x = f.args[0]
        if sign := self.nn(x):
            same = self.move(self.do("sign", "nn", ZERO), x - x)
            least = self.axiom("relu_least", x, x, sign, same)  # x - relu x >= 0
            return self.squeezed(f, x, self.over(x), least)
        minus = self.move_sign(MINUS * x)
        if minus is not None:
            # 0 - relu x >= 0, from 0 >= 0 and 0 - x >= 0
            nothing = self.do("sign", "nn", ZERO)
            least = self.axiom("relu_least", x, ZERO, nothing, self.move(minus, ZERO - x))
            above = self.move(self.axiom("nn_relu", x), f - ZERO)
            return self.squeezed(f, ZERO, above, least)
        return self.content(f, x) or self.turned(f, x)

    def largest(self, f: Term) -> Theorem | None:
        """Max over v of x = max over v of y, where y is the normal form of x."""
        v = var(f"{PREFIX}{offset(f) + 1}", f.data)
        m, x = open_binder(f, v, 0), open_binder(f, v, 1)
        y, th = self.normal(x)
        if th is None or (sign := self.nn(m)) is None:
            return None
        if (some := self.pos(bind("sum", v, m))) is None:
            return None
        other = bind("bigmax", v, m, y)
        halves = []
        for big, top, part, way in ((other, y, x, MINUS), (f, x, y, ONE)):
            above = self.do("bigmax_above", v, m, top, sign)  # m (big - top) >= 0
            to = m * (big - part)
            eq = self.do("lincomb", above.concl[1], to, ((m * way * MINUS, (), th),))
            each = self.do("transport", above, eq)
            halves.append(self.do("bigmax_least", v, m, part, big, some, sign, each))
        high, low = halves  # other - f >= 0, f - other >= 0
        return self.squeezed(f, other, low, high)

    def square(self, x: Term) -> Theorem:
        """relu(x)^2 = x relu(x).

        With a = relu(x), b = a - x and s = 1 + a + b, a - a b/s is at least 0 and at least x; so it
        is at least a, the least such number, and a b = 0.
        """
        a = relu(x)
        b, nn_a, nn_b = a - x, self.axiom("nn_relu", x), self.over(x)
        s = ONE + (a + b)
        both = self.axiom("nn_add", a, b, nn_a, nn_b)
        above = self.axiom("pos_add", ONE, a + b, self.do("sign", "pos", ONE), both)
        turned = self.axiom("pos_inv", s, ZERO, above)
        w, cancel = inv(s), self.axiom("mul_inv", s, ZERO, above)
        nn_w = self.axiom("nn_pos", w, ZERO, turned)
        low = a - a * b * w
        halves = []
        for part, sign, to in ((a, nn_a, low), (b, nn_b, low - x)):
            more = self.axiom("pos_add", ONE, part, self.do("sign", "pos", ONE), sign)
            one = self.axiom("nn_pos", ONE + part, ZERO, more)
            two = self.axiom("nn_mul", part, ONE + part, sign, one)
            three = self.axiom("nn_mul", two.concl[1], w, two, nn_w)
            eq = self.do("lincomb", three.concl[1], to, ((part, (), cancel),))
            halves.append(self.do("transport", three, eq))
        least = self.axiom("relu_least", x, low, *halves)  # low - a >= 0
        whole = self.axiom(
            "nn_mul", s, least.concl[1], self.axiom("nn_pos", s, ZERO, above), least
        )
        down = self.do("lincomb", whole.concl[1], ZERO - a * b, ((MINUS * a * b, (), cancel),))
        product = self.axiom("nn_mul", a, b, nn_a, nn_b)
        nothing = self.squeezed(a * b, ZERO, product, self.do("transport", whole, down))
        return self.ring(a * a, x * a, nothing)

    def poly(self, t: Term, base: int | None = None) -> Poly:
        """The monomials of a term, inner products closed; see `rewrite.Rewriter.poly`."""
        raise TypeError("Hinges is used through Normaliser")

    def move_sign(self, t: Term) -> Theorem | None:
        """T >= 0, by the ring normal form of t."""
        flat = build(self.poly(t))
        found = self.nn(flat)
        return found and self.move(found, t)

    def over(self, x: Term) -> Theorem:
        """relu(x) - x >= 0."""
        minus = self.axiom("relu_minus", x)
        return self.do("transport", self.axiom("nn_relu", MINUS * x), minus)

    def squeezed(self, a: Term, b: Term, low: Theorem, high: Theorem) -> Theorem:
        """A = b from a - b >= 0 and b - a >= 0."""
        return self.axiom("antisymmetry", a, b, self.move(low, a - b), self.move(high, b - a))

    def content(self, f: Term, x: Term) -> Theorem | None:
        """relu(c g y) = c g relu(y) for the positive content c g of x."""
        p = self.poly(x)
        common = shared(list(p))
        taken = [g for g in common if self.pos(g)]
        c = number(list(p.values()))
        if (not taken and c == 1) or not p:
            return None
        front = times([num(c), *taken])
        sign = self.nn(front)
        if sign is None:
            return None
        rest = build({(vs, tuple(without(fs, taken))): q / c for (vs, fs), q in p.items()})
        inside = self.do("cong", "relu", self.ring(x, front * rest))
        out = self.axiom("relu_mul", front, rest, sign)
        return self.ring(f, front * relu(rest), inside, out)

    def turned(self, f: Term, x: Term) -> Theorem | None:
        """relu(x) = relu(-x) + x where the leading coefficient of x is negative."""
        p = self.poly(x)
        lead = max(p, key=lambda m: (len(m[0]), [order(g) for g in m[1]]), default=None)
        if lead is None or p[lead] > 0:
            return None
        other = build({m: -c for m, c in p.items()})
        same = self.do("cong", "relu", self.ring(MINUS * x, other))
        law = self.axiom("relu_minus", x)
        return self.do("lincomb", f, relu(other) + x, ((MINUS, (), law), (ONE, (), same)))


def shared(monomials: list[Monomial]) -> list[Term]:
    """The factors, outside sums, that all monomials have."""
    if not monomials:
        return []
    common = [g for g in monomials[0][1] if not any(v in g.free for v in monomials[0][0])]
    for vs, fs in monomials[1:]:
        left = [g for g in fs if not any(v in g.free for v in vs)]
        kept = []
        for g in common:
            if g in left:
                left.remove(g)
                kept.append(g)
        common = kept
    return common


def number(coefficients: list[Fraction]) -> Fraction:
    """The positive content of rational coefficients."""
    top, below = 0, 1
    for c in coefficients:
        top = gcd(top, c.numerator)
        below = below * c.denominator // gcd(below, c.denominator)
    return Fraction(top, below) if top else Fraction(1)
