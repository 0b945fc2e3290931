"""Search: sums written out in another way, put back into the form whose sign is plain."""

from __future__ import annotations

from derive.denominators import Denominators
from derive.poly import build, poly, square_root, term_of, times, without
from derive.steps import ONE, ZERO, indices
from derive.terms import BOOL, Term, bind, canon, domain, num, order, subst
from derive.theorem import Theorem


class Completion(Denominators):
    """The search for signs, with sums less one term, squares and shares multiplied out."""

    def less_one_term(self, t: Term) -> Theorem | None:
        """The theorem sum_v [v != e] f(v) + rest = t, where t is sum_v f(v) - f(e) + rest."""
        p = poly(t, None, self.dims)
        for whole, c in p.items():
            if len(whole[0]) != 1:
                continue
            (v,), f = whole[0], times(whole[1])
            for one in (m for m, q in p.items() if not m[0] and q == -c):
                g = times(one[1])
                for e in dict.fromkeys((*indices(g), *indices(t))):
                    if domain(e) != domain(v) or e.loose or v in e.free:
                        continue
                    at_e = subst(f, {v: e})
                    to, how = (at_e, None) if canon(at_e) == canon(g) else self.normal(at_e)
                    if canon(to) != canon(g):
                        continue
                    rest = {m: q for m, q in p.items() if m not in (whole, one)}
                    ne = self.do("ne_def", v, e)
                    new = build(rest) + num(c) * bind("sum", v, ne.concl[1] * f)
                    uses = (
                        (num(c) * f, (v,), ne), (num(-c), (v,), self.do("leibniz", f, v, v, e)),
                        (num(-c) * at_e, (), self.do("delta_sum", v, e)),
                        *([(num(-c), (), how)] if how else []),
                    )  # fmt: skip
                    return self.do("lincomb", new, t, uses)
        return None

    def with_share(self, t: Term) -> Theorem | None:
        """The sign of x - a x + y, as (1 - a) x + y, for a hypothesis 1 - a > 0, x >= 0, y > 0."""
        p = poly(t, None, self.dims)
        for th in self.assumed:
            if th.concl[0] != "pos" or th.concl[1].free or len(q := poly(th.concl[1])) != 2:
                continue
            (a,) = (m[1] for m in q if m[1]) if q.get(((), ())) == 1 else ((),)
            if not a or q.get(((), a)) != -1:
                continue
            for (vs, fs), c in p.items():
                both = (vs, tuple(sorted((*fs, *a), key=order)))
                if c > 0 and p.get(both) == -c:
                    rest = {m: k for m, k in p.items() if m not in ((vs, fs), both)}
                    x = term_of((vs, fs), c)
                    below, other = self.nn(x), self.pos(build(rest))
                    if below and other:
                        share = self.axiom("nn_pos", th.concl[1], ZERO, th)
                        part = self.axiom("nn_mul", th.concl[1], x, share, below)
                        return self.fold("pos", "add", [other, part], t)
        return None

    def less_a_part(self, kind: str, t: Term) -> Theorem | None:
        """The sign of sum_v x - sum_v m x + y, as sum_v (1 - m) x + y, for 0/1 terms m, x."""
        p = poly(t, None, self.dims) if t.op == "add" else {}
        for (vs, fs), c in p.items():
            if c >= 0 or not all(f.op in BOOL for f in fs):
                continue  # counts only: more signs lead elsewhere in the search for equations
            for m in dict.fromkeys(fs):
                kept = tuple(without(fs, [m]))
                if p.get((vs, kept), 0) < -c or (below := self.nn(x := times(kept))) is None:
                    continue
                other = self.nn(ONE - m)
                if other is None:
                    continue
                part = self.axiom("nn_mul", x, ONE - m, below, other)
                for v in reversed(vs):
                    part = self.do("sum_sign", v, part)
                scale = self.do("sign", "nn", num(-c))
                part = self.axiom("nn_mul", scale.concl[1], part.concl[1], scale, part)
                rest = {k: q for k, q in p.items() if k != (vs, fs)}
                rest[vs, kept] += c
                left = build({k: q for k, q in rest.items() if q})
                if left is ZERO:
                    return self.move(part, t) if kind == "nn" else None
                if found := self.sign(kind, left):
                    return self.fold(kind, "add", [found, part], t)
        return None

    def with_square(self, kind: str, t: Term) -> Theorem | None:
        """The sign of a sum that holds |a|^2 - 2 a.b + |b|^2, a square multiplied out."""
        p = poly(t)
        for d in self.dims:
            part = {m: c for m, c in p.items() if len(m[0]) == 1 and m[0][0].data[1] == d}
            if len(part) < 2:
                continue
            v = next(iter(part))[0][0]
            linear = square_root({((), fs): c for (_, fs), c in part.items()})
            if linear is None:
                continue
            square = self.do("sum_sign", v, self.axiom("nn_square", linear))
            rest = build({m: c for m, c in p.items() if m not in part})
            if rest is ZERO:
                return self.move(square, t) if kind == "nn" else None
            if other := self.sign(kind, rest):
                return self.fold(kind, "add", [other, square], t)
        return None
