"""Search: classical bounds of the factors of a monomial.

Each is multiplied by the factors beside it and summed as the monomial is.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.jensen import Jensen
from derive.poly import PREFIX, build, offset, substitute, times, without
from derive.steps import ONE, ZERO, indices
from derive.terms import Monomial, RuleError, Term, domain, num, open_binder, subst, var
from derive.theorem import MINUS, Theorem, exp, inv, log


class Factors(Jensen):
    """What is known of logarithms, exponentials, positive parts and maxima that occur."""

    def about(self, m: Monomial, around: list[Term]) -> Iterator[Theorem]:
        """Bounds of the factors of a monomial, times its other factors, summed as it is."""
        yield from self.beside(m)
        yield from self.quotients(m)
        variables, factors = m
        names = {v: var(f"{PREFIX}{900 + k}", v.data[1]) for k, v in enumerate(variables)}
        opened = [substitute(f, names) for f in factors]
        self.sight = list(dict.fromkeys((*around, *(e for f in opened for e in indices(f)))))
        yield from (self.summed(th, names) for th in self.entropies(opened))
        for f, rest in pieces(opened):
            bounds = list(self.of_factor(f))
            if not bounds or (sign := self.way.nn(rest)) is None:
                continue
            for th in bounds:
                whole = th
                if rest is not ONE:
                    whole = self.way.axiom("nn_mul", rest, th.concl[1], sign, self.weak(th))
                yield self.summed(whole, names)

    def of_factor(self, f: Term) -> Iterator[Theorem]:
        """Bounds that mention f: from below and from above."""
        way = self.way
        if f.op == "log":
            u = f.args[0]
            if below := way.pos(u):
                yield way.axiom("log_tangent", u, ZERO, below)  # log u <= u - 1
                turned = way.axiom("pos_inv", u, ZERO, below)
                tangent = way.axiom("log_tangent", inv(u), ZERO, turned)
                eq = way.do("lincomb", tangent.concl[1], inv(u) - ONE + f, (
                    (MINUS, (), way.axiom("log_inv", u)),
                ))  # fmt: skip
                yield way.do("transport", tangent, eq)  # log u >= 1 - 1/u
                yield from self.log_above(u)
                yield from self.jensen(u, below)
                yield from self.not_less(u, below, f)
        if f.op == "exp":
            x = f.args[0]
            tangent = way.axiom("log_tangent", f, ZERO, way.axiom("pos_exp", x))
            eq = way.do("lincomb", tangent.concl[1], f - ONE - x, (
                (MINUS, (), way.axiom("log_exp", x)),
            ))  # fmt: skip
            yield way.do("transport", tangent, eq)  # exp x >= 1 + x
            minus = build(self.flat(MINUS * x))
            if (sign := way.nn(minus)) is not None:
                same = way.do("cong", "exp", way.ring(MINUS * minus, x))
                for k in ("2", "3"):  # exp x <= 1 + x + x^2/2 and >= 1 + x + x^2/2 + x^3/6, x <= 0
                    th = way.do("taylor", "exp", k, minus, sign)
                    to = subst(th.concl[1], {exp(MINUS * minus): f})
                    c = num(-1 if k == "2" else 1)
                    yield way.do("transport", th, way.do("lincomb", th.concl[1], to, (
                        (c, (), same),
                    )))  # fmt: skip
        if f.op == "bigmax":
            yield from self.above_all(f)
        if f.op == "relu":
            x = f.args[0]
            yield way.axiom("nn_relu", x)
            law = way.axiom("relu_minus", x)
            yield way.do("transport", way.axiom("nn_relu", MINUS * x), law)  # relu x >= x

    def above_all(self, f: Term) -> Iterator[Theorem]:
        """M (max - x) >= 0 at the indices that are in sight."""
        way = self.way
        v = var(f"{PREFIX}{offset(f) + 600}", f.data)
        m, x = open_binder(f, v, 0), open_binder(f, v, 1)
        if (sign := way.nn(m)) is None:
            return
        law = way.do("bigmax_above", v, m, x, sign)
        for e in self.sight:
            if domain(e) == f.data:
                yield way.at(law, {v: e})

    def log_above(self, u: Term) -> Iterator[Theorem]:
        """Log u >= 0 and >= x - x^2/2, x = u - 1, where u >= 1, log u <= 0 where u <= 1.

        Log u <= (u - 1/u)/2 for the first, <= -x - x^2/2, x = 1 - u, for the second.
        """
        way, above = self.way, self.way.pos(u)
        if (more := way.nn(u - ONE)) is not None:
            yield self.log_order(ONE, u, more)
            x = build(self.flat(u - ONE))
            series = way.do("taylor", "log", "2", x, way.move(more, x))
            same = way.do("cong", "log", way.ring(ONE + x, u))
            to = subst(series.concl[1], {log(ONE + x): log(u)})
            eq = way.do("lincomb", series.concl[1], to, ((ONE, (), same),))
            yield way.do("transport", series, eq)
            if above is not None:
                yield self.above_one(u, above, more)
        if (less := way.nn(ONE - u)) is not None:
            yield self.log_order(u, ONE, less)
            if above is not None:
                yield self.below_one(u, above, less)

    def log_order(self, a: Term, b: Term, less: Theorem) -> Theorem:
        """Log b - log a >= 0 from b - a >= 0 and both positive."""
        way = self.way
        pa, pb = way.pos(a), way.pos(b)
        if pa is None or pb is None:
            raise RuleError("the order of logarithms needs positive terms")
        # log(a/b) <= a/b - 1, and 1 - a/b = (b - a)/b >= 0
        inside = way.axiom("pos_mul", a, inv(b), pa, way.axiom("pos_inv", b, ZERO, pb))
        tangent = way.axiom("log_tangent", a * inv(b), ZERO, inside)
        over = way.axiom("nn_inv", b, ZERO, self.weak(pb))
        gap = way.axiom("nn_mul", inv(b), b - a, over, less)
        both = way.axiom("nn_add", tangent.concl[1], gap.concl[1], tangent, gap)
        to = log(b) - log(a)
        split = way.axiom("log_mul", a, inv(b), pa, way.axiom("pos_inv", b, ZERO, pb))
        eq = way.do("lincomb", both.concl[1], to, (
            (MINUS, (), split), (MINUS, (), way.axiom("log_inv", b)),
            (ONE, (), way.axiom("mul_inv", b, ZERO, pb)),
        ))  # fmt: skip
        return way.do("transport", both, eq)


def pieces(factors: list[Term]) -> list[tuple[Term, Term]]:
    """Each factor with the product of the others, and the product of all exponentials as one."""
    out = [(f, times(without(factors, [f]))) for f in factors]
    powers = [f for f in factors if f.op == "exp"]
    if len(powers) > 1:
        x = sum_of([f.args[0] for f in powers])
        out.append((exp(x), times(without(factors, powers))))
    return out


def sum_of(parts: list[Term]) -> Term:
    """The sum of a list."""
    whole = parts[0]
    for p in parts[1:]:
        whole = whole + p
    return whole
