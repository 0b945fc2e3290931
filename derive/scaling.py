"""Search: the sign of a sum from that of the sum times something positive."""

from __future__ import annotations

from derive.lemmas import Lemmas
from derive.poly import Poly, build, without
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
        goal = way.poly(way.form(t))
        if depth > DEEP or len(goal) < 2:
            return None
        seen = {f for vs, fs in goal for f in fs
                if f.op in ("exp", "inv") and not f.free & set(vs)}  # fmt: skip
        for f in sorted(seen, key=order)[:WAYS]:
            if (above := way.pos(f)) is None:
                continue
            found = self.cleared(kind, goal, f, depth) if f.op == "inv" else None
            if f.op == "exp":
                flat = way.form(t * exp(MINUS * f.args[0]))
                found = self.find(kind, flat, depth + 1)
            if found is None:
                continue
            sign = self.weak(above) if found.concl[0] == "nn" else above
            whole = way.axiom(f"{found.concl[0]}_mul", f, found.concl[1], sign, found)
            if eq := self.equal(whole.concl[1], t):
                return way.do("transport", whole, eq)
        return None

    def cleared(self, kind: str, goal: Poly, f: Term, depth: int) -> Theorem | None:
        """The sign of a z + b for a goal a + b/z, f = 1/z."""
        way, z = self.way, f.args[0]
        with_it = {m: c for m, c in goal.items() if f in m[1]}
        a = build({m: c for m, c in goal.items() if m not in with_it})
        b = build({(vs, tuple(without(fs, [f]))): c for (vs, fs), c in with_it.items()})
        return self.find(kind, way.form(a * z + b), depth + 1)
