"""Search: bounds of x log(x z) for x >= 0 and z > 0, where the logarithm alone has none."""

from __future__ import annotations

from collections.abc import Iterator

from derive.poly import flat, times, without
from derive.scaling import Scaling
from derive.steps import ONE, ZERO
from derive.terms import RuleError, Term, num
from derive.theorem import MINUS, Theorem, inv, log


class Entropies(Scaling):
    """What the search for inequalities knows of x log(x z)."""

    def entropies(self, factors: list[Term]) -> Iterator[Theorem]:
        """Bounds for the factors x and log(x z) of a monomial, times its other factors or alone."""
        way = self.way
        for k, f in enumerate(factors):
            parts = flat(f.args[0]) if f.op == "log" else []
            for n, x in enumerate(factors):
                if n == k or x not in parts:
                    continue
                others = times([h for o, h in enumerate(factors) if o not in (k, n)])
                z = times(without(parts, [x]))
                above, sign = way.pos(z), way.nn(others)
                if above is None or way.nn(x) is None:
                    continue
                try:
                    yield self.pinsker(x, z, f, above)
                    if sign is None:
                        continue
                    for th in (self.below(x, z, f, above), self.upper(x, z, f, above)):
                        yield way.axiom("nn_mul", others, th.concl[1], sign, th)
                except RuleError:  # a sign that should be known is not
                    continue

    def pinsker(self, x: Term, z: Term, f: Term, above: Theorem) -> Theorem:
        """(2 x + 4 y) (x f - x + y) - 3 (x - y)^2 >= 0 for f = log(x z), y = 1/z."""
        way, r, y = self.way, x * z, inv(z)
        strong = way.axiom("pinsker", r, ZERO, self.sign_of(r))
        one, same = way.axiom("mul_inv", z, ZERO, above), self.as_written(r, f)
        sign = self.sign_of(y * y)
        whole = way.axiom("nn_mul", y * y, strong.concl[1], sign, strong)
        to = (x + x + num(4) * y) * (x * f - x + y) - num(3) * (x - y) * (x - y)
        change = log(r) - ONE  # z y = 1 in a polynomial of degree two in z y
        slope = (z * y + ONE) * (x * x) * (change + change - num(3))
        slope = slope + x * y * (num(8) + num(4) * change)
        eq = way.do("lincomb", whole.concl[1], to, (
            (slope, (), one), ((x + x + num(4) * y) * x, (), same),
        ))  # fmt: skip
        return way.do("transport", whole, eq)

    def below(self, x: Term, z: Term, f: Term, above: Theorem) -> Theorem:
        """X f - x + y >= 0."""
        way, r, y = self.way, x * z, inv(z)
        core = self.core(r)
        whole = way.axiom("nn_mul", y, core.concl[1], self.sign_of(y), core)
        one, same = way.axiom("mul_inv", z, ZERO, above), self.as_written(r, f)
        to = x * f - x + y
        eq = way.do("lincomb", whole.concl[1], to, ((x * log(r) - x, (), one), (x, (), same)))
        return way.do("transport", whole, eq)

    def upper(self, x: Term, z: Term, f: Term, above: Theorem) -> Theorem:
        """X x z - x - x f >= 0, from w log w >= w - 1 at w = 1/r, times r^2; r = x z."""
        way, r, y = self.way, x * z, inv(z)
        w = inv(r)
        core = self.core(w)
        whole = way.axiom("nn_mul", y * r * r, core.concl[1], self.sign_of(y * r * r), core)
        turn, square = way.axiom("log_inv", r), way.axiom("inv_square", r)
        one, same = way.axiom("mul_inv", z, ZERO, above), self.as_written(r, f)
        to = x * r - x - x * f
        eq = way.do("lincomb", whole.concl[1], to, (
            (y * r * r * w, (), turn), (MINUS * y * (log(r) + ONE), (), square),
            (x * (r - ONE - log(r)), (), one), (MINUS * x, (), same),
        ))  # fmt: skip
        return way.do("transport", whole, eq)

    def core(self, r: Term) -> Theorem:
        """R log r - r + 1 >= 0 for r >= 0."""
        way = self.way
        lead, core = r + r + num(4), r * log(r) - r + ONE
        strong = way.axiom("pinsker", r, ZERO, self.sign_of(r))
        square = way.axiom("nn_square", r - ONE)
        triple = way.axiom("nn_mul", num(3), square.concl[1], way.do("sign", "nn", num(3)), square)
        both = way.axiom("nn_add", strong.concl[1], triple.concl[1], strong, triple)
        above = way.pos(lead)
        if above is None:
            raise RuleError("the sign of a sum is not known")
        over = way.axiom("pos_inv", lead, ZERO, above)
        product = way.move(both, lead * core)
        less = way.axiom("nn_mul", inv(lead), lead * core, self.weak(over), product)
        cancel = way.axiom("mul_inv", lead, ZERO, above)
        eq = way.do("lincomb", less.concl[1], core, ((core, (), cancel),))
        return way.do("transport", less, eq)

    def sign_of(self, t: Term) -> Theorem:
        """T >= 0. Raises RuleError where that is not found."""
        if (found := self.way.nn(t)) is None:
            raise RuleError("a sign is not known")
        return found

    def as_written(self, r: Term, f: Term) -> Theorem:
        """Log r = f, where f is the logarithm of r in another order."""
        return self.way.do("cong", "log", self.way.ring(r, f.args[0]))
