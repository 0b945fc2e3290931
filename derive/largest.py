"""Search: what is above a positive part, a maximum or a logarithm of exponentials.

It is above each of what these are the largest of, exactly or, for the logarithm, all but.
"""

from __future__ import annotations

from derive.claims import total
from derive.combine import Combination
from derive.poly import PREFIX, build, offset, times
from derive.steps import ONE, ZERO
from derive.terms import BOOL, Term, bind, num, open_binder, subst, var
from derive.theorem import MINUS, Theorem, exp, inv, log


class Largest(Combination):
    """The tactic for b - f with such an f."""

    def by_largest(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The sign of b - f, f a positive part, a maximum or a logarithm of exponentials.

        From b >= 0 and b >= x for relu(x); from b >= x for a maximum of x; from b - log sum w >= x
        for log sum w exp(x). f may have a positive factor; b is whatever else there is.
        """
        goal = self.way.poly(self.way.form(t))
        for (vs, fs), c in goal.items() if kind == "nn" else ():
            if vs or c >= 0:
                continue
            for k, f in enumerate(fs):
                if f.op not in ("relu", "bigmax", "log"):
                    continue
                front = times([num(-c), *(g for n, g in enumerate(fs) if n != k)])
                if (sign := self.way.pos(front)) is None:
                    continue
                others = build({m: q for m, q in goal.items() if m != (vs, fs)})
                b = self.way.form(others * inv(front))
                made = getattr(self, f"under_{f.op}")(b, f, depth)
                if made is None:  # b - f >= 0
                    continue
                whole = self.way.axiom("nn_mul", front, made.concl[1], self.weak(sign), made)
                if eq := self.equal(whole.concl[1], t):
                    return self.way.do("transport", whole, eq)
        return None

    def under_relu(self, b: Term, f: Term, depth: int) -> Theorem | None:
        """B - relu(x) >= 0."""
        x = f.args[0]
        low, high = self.find("nn", b, depth + 1), self.find("nn", b - x, depth + 1)
        return self.way.axiom("relu_least", x, b, low, high) if low and high else None

    def under_bigmax(self, b: Term, f: Term, depth: int) -> Theorem | None:
        """B - max over v with m of x >= 0."""
        way = self.way
        above = max(offset(f), offset(b))
        v = var(f"{PREFIX}{above + 1}", f.data)
        m, x = open_binder(f, v, 0), open_binder(f, v, 1)
        some, sign = way.pos(bind("sum", v, m)), way.nn(m)
        each = self.find("nn", m * (b - x), depth + 1) or self.guarded(m, b - x, depth)
        if some is None or sign is None or each is None:
            return None
        return way.do("bigmax_least", v, m, x, b, some, sign, each)

    def guarded(self, m: Term, t: Term, depth: int) -> Theorem | None:
        """M t >= 0 for a 0/1 atom m, from t >= 0 where m is 1."""
        way = self.way
        if m.op not in BOOL or m.loose:
            return None
        here = subst(t, {m: ONE})
        inside = self.find("nn", here, depth + 1)
        if inside is None:
            return None
        one = way.move(inside, ONE * here)
        zero = way.move(way.do("sign", "nn", ZERO), ZERO * subst(t, {m: ZERO}))
        return way.do("cases", m, ("nn", m * t), one, zero)

    def under_log(self, b: Term, f: Term, depth: int) -> Theorem | None:
        """B - log z >= 0 for z = sum w exp(x), from b - log sum w >= x for every x."""
        way, z = self.way, f.args[0]
        found = self.exponents(z)
        if found is None or (above := way.pos(z)) is None:
            return None
        weight = ZERO
        for vs, w, _ in found:
            weight = weight + total(vs, w)
        weight = way.form(weight)
        if (mass := way.pos(weight)) is None:
            return None
        most = way.form(b - log(weight))  # M with M >= x, and z <= W exp M
        gaps = []
        for vs, w, x in found:
            if (part := self.exps_in_order(w, x, most, depth)) is None:
                return None
            for v in reversed(vs):
                part = way.do("sum_sign", v, part)
            gaps.append(part)
        sum_ = gaps[0]
        for g in gaps[1:]:
            sum_ = way.axiom("nn_add", sum_.concl[1], g.concl[1], sum_, g)
        top = weight * exp(most)
        eq = self.equal(sum_.concl[1], top - z)
        if eq is None:
            return None
        positive = way.axiom("pos_mul", weight, exp(most), mass, way.axiom("pos_exp", most))
        del positive, above
        less = self.log_order(z, top, way.do("transport", sum_, eq))
        eq = self.equal(less.concl[1], b - f)
        return eq and way.do("transport", less, eq)

    def exps_in_order(self, w: Term, x: Term, most: Term, depth: int) -> Theorem | None:
        """W (exp most - exp x) >= 0 for w >= 0, from most >= x, if need be only where w > 0."""
        way, power = self.way, exp(most - x)
        if (sign := way.nn(w)) is None:
            return None
        if less := self.find("nn", way.form(most - x), depth + 1):
            order = self.exp_order(x, most, way.move(less, most - x))
            return way.axiom("nn_mul", w, order.concl[1], sign, order)
        flat = way.form(w * (most - x))
        if (less := self.find("nn", flat, depth + 1)) is None:
            return None
        if (eq := self.equal(flat, w * (most - x))) is None:
            return None
        less, above = way.do("transport", less, eq), self.weak(way.axiom("pos_exp", x))
        tangent = way.axiom("log_tangent", power, ZERO, way.axiom("pos_exp", most - x))
        front = way.axiom("nn_mul", w, exp(x), sign, above)
        first = way.axiom("nn_mul", front.concl[1], tangent.concl[1], front, tangent)
        second = way.axiom("nn_mul", exp(x), less.concl[1], above, less)
        both = way.axiom("nn_add", first.concl[1], second.concl[1], first, second)
        to = w * (exp(most) - exp(x))
        law, same = way.axiom("exp_add", x, most - x), way.do("cong", "exp", way.ring(
            x + (most - x), most))  # fmt: skip
        eq = way.do("lincomb", both.concl[1], to, (
            (MINUS * w * exp(x), (), way.axiom("log_exp", most - x)), (MINUS * w, (), law),
            (w, (), same),
        ))  # fmt: skip
        return way.do("transport", both, eq)

    def exp_order(self, a: Term, b: Term, less: Theorem) -> Theorem:
        """Exp b - exp a >= 0 from b - a >= 0."""
        way = self.way
        power = exp(b - a)
        tangent = way.axiom("log_tangent", power, ZERO, way.axiom("pos_exp", b - a))
        both = way.axiom("nn_add", tangent.concl[1], b - a, tangent, less)
        first = self.weak(way.axiom("pos_exp", a))
        whole = way.axiom("nn_mul", exp(a), both.concl[1], first, both)
        law = way.axiom("exp_add", a, b - a)
        same = way.do("cong", "exp", way.ring(a + (b - a), b))
        eq = way.do("lincomb", whole.concl[1], exp(b) - exp(a), (
            (MINUS * exp(a), (), way.axiom("log_exp", b - a)), (MINUS, (), law), (ONE, (), same),
        ))  # fmt: skip
        return way.do("transport", whole, eq)
