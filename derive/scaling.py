"""Search: the sign of a sum from that of the sum times something positive."""

from __future__ import annotations

from derive.lemmas import Lemmas
from derive.signs import ZERO
from derive.terms import Term, order
from derive.theorem import MINUS, Theorem, exp

DEEP, WAYS = 1, 3


class Scaling(Lemmas):
    """What the search for inequalities does with common factors."""

    def find(self, kind: str, t: Term, depth: int = 0) -> Theorem | None:
        """See `bounds.Bounds`."""
        raise TypeError("Scaling is used through Bounds")

    def by_scale(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The sign of t from that of t exp(-x) or t z, for an exp(x) or 1/z outside its sums.

        So exp(s) >= exp(m) (1 + s - m) becomes exp(s - m) >= 1 + s - m, a bound that is known.
        """
        way = self.way
        goal = way.poly(way.normal(t)[0])
        if depth > DEEP or len(goal) < 2:
            return None
        seen = {f for vs, fs in goal for f in fs
                if f.op in ("exp", "inv") and not f.free & set(vs)}  # fmt: skip
        for f in sorted(seen, key=order)[:WAYS]:
            other = exp(MINUS * f.args[0]) if f.op == "exp" else f.args[0]
            if (above := way.pos(f)) is None:
                continue
            flat = way.normal(t * other)[0]
            if (inside := self.find(kind, flat, depth + 1)) is None:
                continue
            sign = above if inside.concl[0] == "pos" else way.axiom("nn_pos", f, ZERO, above)
            whole = way.axiom(f"{inside.concl[0]}_mul", f, inside.concl[1], sign, inside)
            if eq := self.equal(whole.concl[1], t):
                return way.do("transport", whole, eq)
        return None
