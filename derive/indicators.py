"""Search: rewritings of sums and of 0/1 factors."""

from __future__ import annotations

from derive.claims import total
from derive.poly import times, without
from derive.rewrite import Rewrite, Rewriter, Use
from derive.steps import ONE, ZERO, booleans
from derive.terms import BOOL, Monomial, Term, domain, mk, order, subst, var
from derive.theorem import MINUS

UNARY = ("exp", "log", "inv", "relu", "sg")


class Indicators(Rewriter):
    """Enumerated sums, [i = j], [i != j], 0/1 arrays: what they make of a monomial."""

    def unfold(self, m: Monomial) -> Rewrite | None:
        """A sum over an enumerated set, as the sum of its terms; not beside [v = y[i]]: `delta`."""
        for v in m[0]:
            if isinstance(v.data[1], tuple) and not any(names(f, v) for f in m[1]):
                used = [f for f in m[1] if v in f.free]
                return self.replace(m, (v,), used, self.do("enumerate_sum", v, times(used)))
        return None

    def indicators(self, m: Monomial) -> Rewrite | None:
        """[e = e], [a = b] of two elements, b b = b and b (1 - b) = 0.

        [a != b] becomes 1 - [a = b] where that decides it.
        """
        seen: set[Term] = set()
        for f in m[1]:
            if f.op not in BOOL:
                continue
            if f in seen:
                square = self.do(
                    "cases",
                    f,
                    ("eq", f * f, f),
                    self.ring(ONE * ONE, ONE),
                    self.ring(ZERO * ZERO, ZERO),
                )
                return self.replace(m, (), [f, f], square)
            seen.add(f)
            if f.op == "mask":
                continue
            a, b = f.args
            same, different = a is b, a.op == b.op == "el" and a is not b
            if f.op == "eq" and (same or different):
                th = self.do("delta", a, b)
                return self.replace(m, (), [f], th)
            if f.op == "ne" and (same or different or self.split_ne):
                return self.replace(m, (), [f], self.do("ne_def", a, b))
            if f.op == "ne" and (d := mk("eq", None, a, b)) in m[1]:
                zero = self.do(
                    "cases",
                    d,
                    ("eq", d * (ONE - d), ZERO),
                    self.ring(ONE * (ONE - ONE), ZERO),
                    self.ring(ZERO * (ONE - ZERO), ZERO),
                )
                th = self.do(
                    "lincomb", d * f, ZERO, ((d, (), self.do("ne_def", a, b)), (ONE, (), zero))
                )
                return self.replace(m, (), [d, f], th)
        return None

    def delta(self, m: Monomial) -> Rewrite | None:
        """sum_v [v = e] f(v) = f(e)."""
        vs, fs = m
        for f in fs:
            if f.op != "eq":
                continue
            for v, e in (f.args, f.args[::-1]):
                if v in vs and v not in e.free:
                    rest = without(fs, [f])
                    touched = [g for g in rest if v in g.free]
                    untouched = times([g for g in rest if v not in g.free])
                    t = times(touched)
                    at_e = subst(t, {v: e})
                    left = tuple(w for w in vs if w is not v)
                    uses: list[Use] = []
                    if touched:
                        uses.append((untouched, vs, self.do("leibniz", t, v, v, e)))
                    uses.append((untouched * at_e, left, self.do("delta_sum", v, e)))
                    return Rewrite(tuple(uses), total(left, untouched * at_e))
        return None

    def count(self, m: Monomial) -> Rewrite | None:
        """sum_v [v != e] = n - 1."""
        for v in m[0]:
            used = [f for f in m[1] if v in f.free]
            if (
                len(used) == 1
                and used[0].op == "ne"
                and v in used[0].args
                and v not in (e := used[0].args[used[0].args[0] is v]).free
            ):
                ne = self.do("ne_def", v, e)
                less = total((v,), ONE) - ONE
                th = self.do(
                    "lincomb",
                    total((v,), used[0]),
                    less,
                    ((ONE, (v,), ne), (MINUS, (), self.do("delta_sum", v, e))),
                )
                return self.replace(m, (v,), used, th)
        return None

    def guard(self, m: Monomial) -> Rewrite | None:
        """B t = b t[b := 1] for an indicator b; and where b = [i != j], t[[i = j] := 0]."""
        for b in m[1]:
            if b.op not in BOOL:
                continue
            for g in m[1]:
                if g is not b and b.free <= g.free and (h := subst(g, {b: ONE})) is not g:
                    th = self.do(
                        "cases",
                        b,
                        ("eq", b * g, b * h),
                        self.ring(ONE * h, ONE * h),
                        self.ring(ZERO * subst(g, {b: ZERO}), ZERO * h),
                    )
                    return self.replace(m, (), [b, g], th)
                if b.op == "ne" and g is not b and g.op not in BOOL:
                    d = mk("eq", None, *b.args)
                    if d.free <= g.free and (h := subst(g, {d: ZERO})) is not g:
                        c = ONE - d
                        flip = self.do(
                            "cases", d, ("eq", c * g, c * h),
                            self.ring((ONE - ONE) * subst(g, {d: ONE}), (ONE - ONE) * h),
                            self.ring((ONE - ZERO) * h, (ONE - ZERO) * h),
                        )  # fmt: skip
                        ne = self.do("ne_def", *b.args)
                        th = self.do("lincomb", b * g, b * h, ((g - h, (), ne), (ONE, (), flip)))
                        return self.replace(m, (), [b, g], th)
        return None

    def same(self, m: Monomial) -> Rewrite | None:
        """[a = b] f(b) = [a = b] f(a), a the lesser of two indices outside the sums of m."""
        for d in m[1]:
            if d.op != "eq" or any(v in d.free for v in m[0]):
                continue
            a, b = self.ordered(d)
            v = var("same'", domain(a))
            for g in m[1]:
                if g is not d and (t := subst(g, {b: v})) is not g:
                    law = self.do("leibniz", t, v, b, a)
                    if law.concl[1] is d * g:
                        return self.replace(m, (), [d, g], law)
        return None

    def ordered(self, d: Term) -> tuple[Term, ...]:
        """The two indices of [a = b], first the one that takes the other's place."""
        return tuple(sorted(d.args, key=order))

    def shannon(self, m: Monomial) -> Rewrite | None:
        """F = b f[b := 1] + (1 - b) f[b := 0] for an indicator b inside a factor f."""
        for g in m[1]:
            if g.op not in UNARY and g.op != "max":
                continue
            for b in sorted(booleans(g), key=order):
                yes, no = subst(g, {b: ONE}), subst(g, {b: ZERO})
                split = b * yes + (ONE - b) * no
                th = self.do(
                    "cases",
                    b,
                    ("eq", g, split),
                    self.ring(yes, ONE * yes + (ONE - ONE) * no),
                    self.ring(no, ZERO * yes + (ONE - ZERO) * no),
                )
                if b.op != "mask":
                    ne = self.do("ne_def", *b.args)
                    other = ne.concl[1] if b.op == "eq" else mk("eq", None, *b.args)
                    th = self.do(
                        "lincomb",
                        g,
                        b * yes + other * no,
                        ((ONE, (), th), (MINUS * no, (), ne)),
                    )
                return self.replace(m, (), [g], th)
        return None


def names(f: Term, v: Term) -> bool:
    """Whether f is [v = e] for an index e that is no element written out."""
    return f.op == "eq" and v in f.args and all(v is a or (a.op == "fn" and v not in a.free)
                                                for a in f.args)  # fmt: skip
