"""Search: labels from a list, f(y) as [y = a] f(a) + [y = b] f(b), where a formula says so."""

from __future__ import annotations

from collections.abc import Iterator

from derive.indicators import Indicators
from derive.poly import PREFIX, offset, plus
from derive.rewrite import Rewrite, Use
from derive.steps import ONE, ZERO, indices
from derive.terms import Monomial, Term, domain, mk, subst, var
from derive.theorem import MINUS, Theorem


class Listed(Indicators):
    """What the normaliser does with y[i] in {a, b, c} if `open_lists` is set."""

    open_lists = False

    def listed(self, m: Monomial) -> Rewrite | None:
        """F(y) by the values of y, [y = c] as 1 - [y = a] - [y = b], and [y = a] [y = b] = 0."""
        if not self.open_lists:
            return None
        for f in m[1]:
            for y in labels(f):
                if f.op in ("eq", "ne") and any(a.op == "el" for a in f.args):
                    if found := self.decided(m, f, y):
                        return found
                    continue
                return self.replace(m, (), [f], self.by_values(f, y))
        return None

    def ordered(self, d: Term) -> tuple[Term, ...]:
        """See `indicators.Indicators`; an element takes the place of a label."""
        a, b = super().ordered(d)
        return (b, a) if self.open_lists and b.op == "el" else (a, b)

    def decided(self, m: Monomial, f: Term, y: Term) -> Rewrite | None:
        """[y != a], [y = c] for the last c, and [y = a] beside [y = b]."""
        if f.op == "ne":
            return self.replace(m, (), [f], self.do("ne_def", *f.args))
        a = f.args[f.args[0] is y]
        for other in m[1]:
            if other.op == "eq" and other is not f and y in other.args:
                b = other.args[other.args[0] is y]
                if b.op == "el":
                    v = var(f"{PREFIX}{offset(f) + 300}", domain(y))
                    same = self.do("leibniz", mk("eq", None, v, b), v, y, a)
                    gone = self.do("delta", a, b)
                    th = self.do("lincomb", f * other, ZERO, ((ONE, (), same), (f, (), gone)))
                    return self.replace(m, (), [f, other], th)
        *others, last = elements(y)
        if a is not last:
            return None
        left = [MINUS * mk("eq", None, e, y) for e in others]
        th = self.do("lincomb", f, plus([ONE, *left]), ((ONE, (), self.one_of(y)),))
        return self.replace(m, (), [f], th)

    def by_values(self, f: Term, y: Term) -> Theorem:
        """F = sum over the elements e of [y = e] f[y := e]."""
        v = var(f"{PREFIX}{offset(f) + 300}", domain(y))
        t, uses = subst(f, {y: v}), list[Use]([(MINUS * f, (), self.one_of(y))])
        parts = []
        for e in elements(y):
            uses.append((ONE, (), self.do("leibniz", t, v, y, e)))
            parts.append(mk("eq", None, y, e) * subst(t, {v: e}))
        return self.do("lincomb", f, plus(parts), tuple(uses))

    def one_of(self, y: Term) -> Theorem:
        """The sum of [y = e] over the elements e is 1."""
        w = var(f"{PREFIX}{offset(y) + 300}", domain(y))
        each = self.do("enumerate_sum", w, mk("eq", None, w, y))
        uses = ((MINUS, (), each), (ONE, (), self.do("delta_sum", w, y)))
        return self.do("lincomb", each.concl[2], ONE, uses)


def labels(t: Term) -> Iterator[Term]:
    """The index functions in t with values in a list."""
    yield from (y for y in indices(t) if y.op == "fn" and isinstance(domain(y), tuple))


def elements(y: Term) -> list[Term]:
    """The elements of the list that y is from."""
    d = domain(y)
    return [mk("el", (name, d)) for name in d[1]]
