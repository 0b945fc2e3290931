"""Search: the sign of a term by cases of an element of a small set, and of a larger of two."""

from __future__ import annotations

from derive.logsigns import LogSigns
from derive.steps import ONE, ZERO
from derive.terms import Term, domain, mk, order, subst, var
from derive.theorem import MINUS, Theorem, relu


class Elements(LogSigns):
    """What the search for signs does with [o = a] f + [o = b] g over a set {a, b}."""

    def by_elements(self, kind: str, t: Term) -> Theorem | None:
        """The sign of t(o) from those of t(a) and t(b), for a variable o over the set {a, b}.

        t = [o = a] t(a) + (1 - [o = a]) t(b), as [o = a] + [o = b] = 1; then by cases of [o = a].
        """
        for v in sorted(t.free, key=order) if t.op == "add" else ():
            if v.op != "v" or not isinstance(domain(v), tuple) or len(domain(v)[1]) != 2:
                continue
            elements = [mk("el", (name, domain(v))) for name in domain(v)[1]]
            parts = [subst(t, {v: e}) for e in elements]
            signs = [self.sign(kind, part) for part in parts]
            if signs[0] is None or signs[1] is None:
                return None
            m, other = (mk("eq", None, v, e) for e in elements)
            made = m * parts[0] + (ONE + MINUS * m) * parts[1]
            halves = [
                self.move(sign, subst(made, {m: value}))
                for sign, value in zip((signs[0], signs[1]), (ONE, ZERO), strict=True)
            ]
            mine = self.do("cases", m, (kind, made), *halves)
            return self.do("transport", mine, self.as_cases(t, v, elements, made, m + other))
        return None

    def as_cases(self, t: Term, v: Term, elements: list[Term], made: Term, masks: Term) -> Theorem:
        """`made` = t, from [o = a] + [o = b] = 1 and [o = e] t = [o = e] t(e)."""
        w = var("?o", domain(v))
        unfolded = self.do("enumerate_sum", w, mk("eq", None, w, v))
        uses = ((MINUS, (), unfolded), (ONE, (), self.do("delta_sum", w, v)))
        whole = self.do("lincomb", masks, ONE, uses)
        there = [self.do("leibniz", t, v, v, e) for e in elements]
        rest = t + MINUS * subst(t, {v: elements[1]})
        return self.do(
            "lincomb", made, t,
            ((MINUS, (), there[0]), (MINUS, (), there[1]), (rest, (), whole)),
        )  # fmt: skip

    def of_maximum(self, kind: str, t: Term) -> Theorem | None:
        """The sign of max(x, y) from that of x or of y.

        max(x, y) = y + relu(x - y) = x + relu(y - x).
        """
        x, y = t.args
        same = self.axiom("max_relu", x, y)
        if (sign := self.sign(kind, y)) is not None:
            part = self.axiom("nn_relu", x - y)
            found = self.fold(kind, "add", [sign, part], same.concl[2])
        elif (sign := self.sign(kind, x)) is not None:
            part = self.axiom("nn_relu", y - x)
            found = self.fold(kind, "add", [sign, part], x + relu(y - x))
            turned = self.axiom("relu_minus", y - x)  # relu(-(y - x)) = relu(y - x) - (y - x)
            minus = self.do("cong", "relu", self.ring(x - y, MINUS * (y - x)))
            back = self.ring(same.concl[2], found.concl[1], minus, turned)
            found = self.do("transport", found, self.back(back))
        else:
            return None
        return self.do("transport", found, self.back(same))
