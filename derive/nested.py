"""Search: why a sum over several letters, or of weights, has a positive term."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from derive.claims import total
from derive.nonempty import NonEmpty
from derive.poly import PREFIX, flat, offset, poly, times
from derive.steps import ONE, ZERO
from derive.terms import BOOL, Domain, Term, bind, domain, mk, num, open_binder, subst, var
from derive.theorem import MINUS, Theorem, inv

SHALLOW = 3  # signs that are being looked for


@dataclass(frozen=True)
class Low:
    """x >= m b, for a sum x of some terms b' m' with b' > 0 and the sum m of the m' >= 0.

    `above` says b > 0, `mask` m >= 0 and `gap` x - m b >= 0.
    """

    x: Term
    b: Term
    above: Theorem
    mask: Theorem
    gap: Theorem


class Nested(NonEmpty):
    """The search for signs of sums that only some place shows to be positive."""

    def by_weights(self, v: Term, m: Term, whole: Term) -> Theorem | None:
        """From sum_v f > 0 for f >= 0 that is 0 where m is: sum_v m > 0.

        With a = 1/(1 + f): m = f a + m a, as m f = f, and sum_v f a > 0.
        """
        for got in self.weighed(whole, domain(v)):
            f = open_binder(got.concl[1], v)
            together, t1 = self.normal(m * f)
            alone, t2 = self.normal(f)
            if together is not alone or (sign := self.nn(f)) is None:
                continue
            uses = ([(ONE, (), t1)] if t1 else []) + ([(MINUS, (), t2)] if t2 else [])
            same = self.do("lincomb", m * f, f, tuple(uses))
            more = self.axiom("pos_add", ONE, f, self.do("sign", "pos", ONE), sign)
            over = self.axiom("pos_inv", ONE + f, ZERO, more)
            a, mask = inv(ONE + f), self.nn(m)
            if mask is None:
                return None
            some = self.do("pos_masked_sum", v, got, sign, over)
            rest = self.axiom("nn_mul", m, a, mask, self.axiom("nn_pos", a, ZERO, over))
            rest = self.do("sum_sign", v, rest)
            both = self.axiom("pos_add", some.concl[1], rest.concl[1], some, rest)
            cancel = self.axiom("mul_inv", ONE + f, ZERO, more)
            eq = ((m, (v,), cancel), (MINUS * a, (v,), same))
            return self.do("transport", both, self.do("lincomb", both.concl[1], whole, eq))
        return None

    def weighed(self, t: Term, d: Domain) -> Iterator[Theorem]:
        """Theorems sum_v f > 0 over the set d, f a product with arrays, at indices of t."""
        for th in self.assumed:
            h = th.concl[1]
            if th.concl[0] == "pos" and h.op == "sum" and h.data == d:
                factors = flat(h.args[0])
                if any(f.op == "app" for f in factors) and all(f.op != "sum" for f in factors):
                    yield from self.instances_at(th, t)

    def pos_swapped(self, t: Term) -> Theorem | None:
        """The sign of a sum over two letters from that in the other order.

        On the way to another sign it is not looked for: there that takes long, and finds little.
        """
        v = var(f"{PREFIX}{offset(t) + 1}", t.data)
        body = open_binder(t, v)
        if body.op != "sum" or {t.data, body.data} & self.dims or len(self.open) > SHALLOW:
            return None
        w = var(f"{PREFIX}{offset(body) + 1}", body.data)
        other = total((w, v), open_binder(body, w))
        found = self.pos(other) if other is not t else None
        return found and self.move(found, t)

    def pos_nested(self, t: Term) -> Theorem | None:
        """sum_v sum_w m f > 0 for 0/1 terms m with sum_v sum_w m > 0, and f > 0."""
        p = poly(t, None, self.dims)
        if len(p) != 1:  # none at all where terms cancel
            return None
        (((letters, factors), c),) = p.items()
        if len(letters) < 2 or c <= 0:
            return None
        m = times([f for f in factors if f.op in BOOL])
        f = times([f for f in factors if f.op not in BOOL])
        some = self.at_some_place(t) if f is ONE else self.pos(total(letters, m))
        if f is ONE or some is None:
            return some
        inside, sign = self.pos(f), self.nn(m)
        if inside is None or sign is None:
            return None
        first, *rest = letters
        low = Low(m * f, f, inside, sign, self.sign_of_nothing(m * f - m * f))
        for w in reversed(rest):
            low = self.summed_over(w, low)
        whole = self.do("pos_masked_sum", first, some, low.mask, low.above)
        gap = self.do("sum_sign", first, low.gap)
        both = self.axiom("pos_add", whole.concl[1], gap.concl[1], whole, gap)
        if c == 1:
            return self.move(both, t)
        return self.fold("pos", "mul", [self.do("sign", "pos", num(c)), both], t)

    def summed_over(self, w: Term, low: Low) -> Low:
        """The same for sum_w x and sum_w m, with 1/s for b, s = sum_w 1/b.

        b - 1/s = b/s (s - 1/b) >= 0, as 1/b is a term of s.
        """
        x, b, m = low.x, low.b, low.mask.concl[1]
        turned = self.axiom("pos_inv", b, ZERO, low.above)
        positive = self.do("sum_sign", w, turned)
        s, u = positive.concl[1], var("place'", domain(w))
        over = self.axiom("pos_inv", s, ZERO, positive)
        each, ne = self.do("inst", turned, w, u), self.do("ne_def", u, w)
        g, other = each.concl[1], ne.concl[1]
        apart = self.axiom("nn_mul", other, g, self.do("sign", "nn", other), self.weakened(each))
        left = self.do("sum_sign", u, apart)  # s - 1/b
        front = self.axiom("pos_mul", b, inv(s), low.above, over)
        part = self.axiom("nn_mul", front.concl[1], left.concl[1], self.weakened(front), left)
        part = self.axiom("nn_mul", m, part.concl[1], low.mask, part)
        both = self.axiom("nn_add", low.gap.concl[1], part.concl[1], low.gap, part)
        share = m * front.concl[1]
        uses = (
            (share * g, (u,), ne), (MINUS * share, (u,), self.do("leibniz", g, u, u, w)),
            (MINUS * share * inv(b), (), self.do("delta_sum", u, w)),
            (m * b, (), self.axiom("mul_inv", s, ZERO, positive)),
            (MINUS * m * inv(s), (), self.axiom("mul_inv", b, ZERO, low.above)),
        )  # fmt: skip
        less = self.do("lincomb", both.concl[1], x - m * inv(s), uses)
        gap = self.do("sum_sign", w, self.do("transport", both, less))
        mask, whole = self.do("sum_sign", w, low.mask), bind("sum", w, x)
        gap = self.move(gap, whole - mask.concl[1] * inv(s))
        return Low(whole, inv(s), over, mask, gap)

    def sign_of_nothing(self, t: Term) -> Theorem:
        """T >= 0 for a t that is 0 by ring laws."""
        return self.move(self.do("sign", "nn", ZERO), t)

    def weakened(self, th: Theorem) -> Theorem:
        """A >= 0 from a > 0."""
        return self.axiom("nn_pos", th.concl[1], ZERO, th)

    def at_some_place(self, t: Term) -> Theorem | None:
        """sum_v f > 0 for f >= 0 from f(e) > 0 at one index: f(e) + sum_v [v != e] f is the sum."""
        v = var(f"{PREFIX}{offset(t) + 1}", t.data)
        body = open_binder(t, v)
        for e in self.witnesses(t, domain(v)):
            if v in e.free or (here := self.pos(subst(body, {v: e}))) is None:
                continue
            if (sign := self.nn(mk("ne", None, v, e) * body)) is None:
                return None
            rest = self.do("sum_sign", v, sign)
            both = self.axiom("pos_add", here.concl[1], rest.concl[1], here, rest)
            uses = (
                (body, (v,), self.do("ne_def", v, e)),
                (MINUS, (v,), self.do("leibniz", body, v, v, e)),
                (MINUS * here.concl[1], (), self.do("delta_sum", v, e)),
            )
            return self.do("transport", both, self.do("lincomb", both.concl[1], t, uses))
        return None
