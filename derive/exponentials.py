"""Search: inequalities between exponentials, and logarithms below what they are logarithms of."""

from __future__ import annotations

from fractions import Fraction

from derive.entropies import Entropies
from derive.poly import Poly, build, times, without
from derive.steps import ONE
from derive.terms import Term, num, order
from derive.theorem import MINUS, Theorem, exp, inv

DEEP = 1
EIGHTH = num(Fraction(1, 8))


class Exponentials(Entropies):
    """What the search for inequalities knows beyond the tangents of exponentials."""

    def log_order(self, a: Term, b: Term, less: Theorem) -> Theorem:
        """See `bounds.Bounds`."""
        raise TypeError("Exponentials is used through Bounds")

    def by_hoeffding(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """Exp(x y + y^2/8) - 1 + x - x exp(y) >= 0 for 0 <= x <= 1, wherever a goal says so."""
        way = self.way
        goal = way.poly(way.form(t))
        if kind != "nn" or len(goal) < 3:
            return None
        powers = {f for (vs, fs), c in goal.items() for f in fs
                  if c < 0 and f.op == "exp" and not f.free & set(vs)}  # fmt: skip
        for f in sorted(powers, key=order):
            part: Poly = {(vs, tuple(without(fs, [f]))): -c for (vs, fs), c in goal.items()
                          if [g for g in fs if g.op == "exp"] == [f]}  # fmt: skip
            x, y = build(part), f.args[0]
            law = exp(x * y + EIGHTH * y * y) + (x - ONE) - x * f
            if (eq := self.equal(law, t)) is None:
                continue
            low = self.find("nn", x, depth + 1)
            high = self.find("nn", MINUS * (x - ONE), depth + 1)
            if low and high:
                return way.do("transport", way.axiom("hoeffding", x, y, low, high), eq)
        return None

    def by_exp(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """B - g log z >= 0 from exp(b/g) - z >= 0, for a logarithm outside all sums."""
        way = self.way
        goal = way.poly(way.form(t))
        if depth > DEEP or kind != "nn":
            return None
        for (vs, fs), c in goal.items():
            logs = [f for f in fs if f.op == "log"]
            if vs or c >= 0 or len(logs) != 1:
                continue
            f, front = logs[0], times([num(-c), *without(fs, logs)])
            if (sign := way.pos(front)) is None:
                continue
            rest = build({m: q for m, q in goal.items() if m != (vs, fs)})
            b = way.form(rest * inv(front))
            if (made := self.under_exp(b, f, depth)) is None:
                continue
            whole = way.axiom("nn_mul", front, made.concl[1], self.weak(sign), made)
            if eq := self.equal(whole.concl[1], t):
                return way.do("transport", whole, eq)
        return None

    def under_exp(self, b: Term, f: Term, depth: int) -> Theorem | None:
        """B - log z >= 0 from exp(b) - z >= 0."""
        way, z, top = self.way, f.args[0], exp(b)
        flat = way.form(top - z)
        if way.pos(z) is None or (found := self.find("nn", flat, depth + 1)) is None:
            return None
        if (eq := self.equal(flat, top - z)) is None:
            return None
        less = self.log_order(z, top, way.do("transport", found, eq))
        to = b - f
        same = way.axiom("log_exp", b)
        return way.do("transport", less, way.do("lincomb", less.concl[1], to, ((ONE, (), same),)))
