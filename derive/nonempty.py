"""Search: why a sum of 0/1 factors has a term that is 1."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from derive.completion import Completion
from derive.poly import flat, substitute, times
from derive.steps import ONE, indices
from derive.terms import BOOL, Domain, Term, bind, domain, mk, open_binder, order, subst
from derive.theorem import MINUS, Theorem


class NonEmpty(Completion):
    """The search for signs, with the sums over a condition that somebody meets."""

    def nonempty(self, v: Term, masks: list[Term]) -> Theorem | None:
        """sum_v m > 0 for a product m of 0/1 factors: from a hypothesis or with a witness."""
        m = times(masks)
        whole = bind("sum", v, m)
        return (
            self.by_counting(v, m, whole)
            or self.by_population(v, m, whole)
            or self.by_witness(v, m, whole)
            or self.from_hypotheses("pos", whole)
            or self.by_normal("pos", whole)
            or self.by_weights(v, m, whole)
        )

    def by_weights(self, v: Term, m: Term, whole: Term) -> Theorem | None:
        """See `nested.Nested`."""
        return None

    def by_counting(self, v: Term, m: Term, whole: Term) -> Theorem | None:
        """sum_v [v != e] = n - 1 > 0, where that is m."""
        if m.op != "ne":
            return None
        e = m.args[m.args[0] is v]
        if v in e.free:
            return None
        less = bind("sum", v, ONE) - ONE
        if (more := self.pos(less)) is None:
            return None
        uses = ((MINUS, (v,), self.do("ne_def", v, e)), (ONE, (), self.do("delta_sum", v, e)))
        return self.do("transport", more, self.do("lincomb", less, whole, uses))

    def by_population(self, v: Term, m: Term, whole: Term) -> Theorem | None:
        """From sum_v m' > 0 where m' implies m."""
        for got in self.populations(whole, domain(v)):
            more = open_binder(got.concl[1], v)
            together, t1 = self.normal(m * more)
            alone, t2 = self.normal(more)
            if together is not alone or (slack := self.nn(m * (ONE - more))) is None:
                continue
            uses = ([(ONE, (v,), t2)] if t2 else []) + ([(MINUS, (v,), t1)] if t1 else [])
            both = bind("sum", v, m * more)
            same = self.do("lincomb", got.concl[1], both, tuple(uses))
            base = self.do("transport", got, same)
            rest = self.do("sum_sign", v, slack)
            return self.move(self.axiom("pos_add", base.concl[1], rest.concl[1], base, rest), whole)
        return None

    def by_witness(self, v: Term, m: Term, whole: Term) -> Theorem | None:
        """From an index e with m(e) = 1: sum_v m = 1 + sum_v [v != e] m."""
        for e in self.witnesses(whole, domain(v)):
            if v in e.free:
                continue
            here = subst(m, {v: e})
            to, th = self.normal(here)
            if to is not ONE or (slack := self.nn(mk("ne", None, v, e) * m)) is None:
                continue
            rest = self.do("sum_sign", v, slack)
            one = self.do("sign", "pos", ONE)
            both = self.axiom("pos_add", ONE, rest.concl[1], one, rest)
            uses = [
                (ONE, (v,), self._times(self.do("ne_def", v, e), m)),  # ne m = m - [v = e] m
                (MINUS, (v,), self.do("leibniz", m, v, v, e)),  # [v = e] m = [v = e] m(e)
                (MINUS * here, (), self.do("delta_sum", v, e)),
                *([(MINUS, (), th)] if th else []),
            ]
            return self.do("transport", both, self.do("lincomb", both.concl[1], whole, tuple(uses)))
        return None

    def _times(self, th: Theorem, m: Term) -> Theorem:
        """A m = b m from a = b."""
        _, a, b = th.concl
        return self.do("lincomb", a * m, b * m, ((m, (), th),))

    def populations(self, t: Term, d: Domain) -> Iterator[Theorem]:
        """Theorems sum_v m' > 0, m' 0/1 over the set d, that hypotheses give at indices of t."""
        for th in self.assumed:
            h = th.concl[1]
            if th.concl[0] == "eq" and h.op == "sum":  # sum_v m' = k with k > 0
                k = self.pos(th.concl[2])
                th = self.do("transport", k, self.back(th)) if k else th
            if (
                th.concl[0] != "pos"
                or h.op != "sum"
                or h.data != d
                or not all(f.op in BOOL for f in flat(h.args[0]))
            ):
                continue
            yield from self.instances_at(th, t)

    def instances_at(self, th: Theorem, t: Term) -> Iterator[Theorem]:
        """A theorem at indices of t."""
        slots = sorted(th.concl[1].free, key=lambda u: str(u.data))
        pools = [[e for e in indices(t) if domain(e) == domain(s) and not e.loose] for s in slots]
        for combo in product(*pools):
            yield self.at(th, dict(zip(slots, combo, strict=True)))

    def witnesses(self, t: Term, d: Domain) -> list[Term]:
        """Indices that may show a sum to be non-empty: those of hypotheses, those of the term."""
        free = sorted(t.free, key=order)
        found: list[Term] = []
        for th in self.assumed:
            for e in indices(th.concl[1]):
                if domain(e) == d and e.op != "v":
                    slots = sorted(e.free, key=lambda u: str(u.data))
                    for combo in product(
                        *([u for u in free if domain(u) == domain(x)] for x in slots)
                    ):
                        found.append(substitute(e, dict(zip(slots, combo, strict=True))))
        if isinstance(d, tuple):
            found += [mk("el", (e, d)) for e in d[1]]
        return (
            found
            + [u for u in sorted(t.free, key=lambda u: str(u.data)) if domain(u) == d]
            + [e for e in indices(t) if e.op == "fn" and domain(e) == d and not e.loose]
        )
