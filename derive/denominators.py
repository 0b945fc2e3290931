"""Search: the sign of a sum with quotients, and that it is 0, over a common denominator."""

from __future__ import annotations

from collections.abc import Iterator

from derive.hinges import Hinges
from derive.poly import Poly, build, without
from derive.steps import ZERO
from derive.terms import Term, order
from derive.theorem import MINUS, Theorem, inv


class Denominators(Hinges):
    """What the search for signs does with 1 - a/z and the like."""

    def over_denominator(self, kind: str, t: Term) -> Theorem | None:
        """The sign of a + b/z from that of a z + b, for z > 0 a sum."""
        for z, whole, part in self.denominators(t):
            above = self.pos(z)
            up = whole * z + part
            flat, same = self.normal(up)
            if above is None or (sign := self.sign(kind, flat)) is None:
                continue
            if same is not None:
                sign = self.do("transport", sign, self.back(same))
            turned = self.axiom("pos_inv", z, ZERO, above)
            if kind == "nn":
                turned = self.axiom("nn_pos", inv(z), ZERO, turned)
            made = self.axiom(f"{kind}_mul", sign.concl[1], inv(z), sign, turned)
            cancel = self.axiom("mul_inv", z, ZERO, above)
            eq = self.do("lincomb", made.concl[1], t, ((whole, (), cancel),))
            return self.do("transport", made, eq)
        return None

    def nothing_over(self, t: Term) -> Theorem | None:
        """T = 0 for t = a + b/z, from a z + b = 0, for z > 0 a sum: n/(n - 1) - 1/(n - 1) - 1."""
        for z, whole, part in self.denominators(t):
            flat, same = self.normal(whole * z + part)
            if flat is not ZERO or (above := self.pos(z)) is None:
                continue
            cancel = self.axiom("mul_inv", z, ZERO, above)
            uses = [(inv(z), (), same)] if same is not None else []
            return self.do("lincomb", t, ZERO, (*uses, (MINUS * whole, (), cancel)))
        return None

    def denominators(self, t: Term) -> Iterator[tuple[Term, Term, Term]]:
        """The (z, a, b) with t = a + b/z, z > 0 a sum that stands below some terms and not all."""
        p = self.poly(t)
        if len(p) < 2:
            return
        below = [f for (vs, fs) in p for f in fs if f.op == "inv" and not f.loose]
        for f in sorted(set(below), key=order):
            z = f.args[0]
            if len(self.poly(z)) < 2 and z.op != "sum":
                continue
            if any(v in f.free for vs, _ in p for v in vs) or self.pos(z) is None:
                continue
            with_it: Poly = {m: c for m, c in p.items() if f in m[1]}
            if len(with_it) == len(p) or any(m[1].count(f) > 1 for m in with_it):
                continue
            whole = build({m: c for m, c in p.items() if m not in with_it})
            part = build({(vs, tuple(without(fs, [f]))): c for (vs, fs), c in with_it.items()})
            yield z, whole, part
