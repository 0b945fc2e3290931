"""Search: better forms of exponentials, logarithms, inverses and inner products."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import gcd, lcm

from derive.claims import total
from derive.factoring import factored
from derive.indicators import UNARY
from derive.listed import Listed
from derive.poly import (
    Poly,
    build,
    components,
    flat,
    plus,
    poly,
    term_of,
    times,
)
from derive.rewrite import Rewrite, Use
from derive.steps import ONE, ZERO
from derive.terms import Monomial, RuleError, Term, mk, num, open_binder, order, var
from derive.theorem import MINUS, Theorem

exp, log, inv = partial(mk, "exp", None), partial(mk, "log", None), partial(mk, "inv", None)


class Atoms(Listed):
    """Factors with an argument: products split, like exponentials merge, common factors come out.

    `atoms` remembers the better form of each factor that was met, None where there is none.
    """

    atoms: dict[Term, Theorem | None]
    wanting: set[Term]  # those whose form may be better where more signs are known

    def split(self, m: Monomial) -> Rewrite | None:
        """Replace the first factor that has a better form."""
        for f in m[1]:
            if th := self.atom(f):
                return self.replace(m, (), [f], th)
            if f.op == "relu" and m[1].count(f) > 1:
                return self.replace(m, (), [f, f], self.square(f.args[0]))
        return None

    def atom(self, f: Term) -> Theorem | None:
        """F = a better form, for a single factor."""
        if f not in self.atoms:
            before, misses, found = self.cycles, self.misses, self._atom(f)
            if self.misses > misses:
                self.wanting.add(f)
            if self.cycles > before and self.open:
                return found
            self.atoms[f] = found
        elif f in self.wanting:
            self.misses += 1
        return self.atoms[f]

    def _atom(self, f: Term) -> Theorem | None:
        if f.op == "sum":
            # a closed inner product, multiplied out: one form, whatever its variable is called
            v = var("coordinate'", f.data)
            inside = build(poly(open_binder(f, v)))
            rep = ZERO if inside is ZERO else total((v,), inside)
            return None if rep is f else self.ring(f, rep)
        if f.op == "bigmax":
            return self.largest(f)
        if f.op in ("log", "inv") and f.args[0].op == "mul" and (th := self.split_as_written(f)):
            return th
        if f.op == "log" and f.args[0].op == "inv":  # before a/b is multiplied out below it
            return self.axiom("log_inv", f.args[0].args[0])
        if f.op in UNARY or f.op == "max":
            ths = []
            for a in f.args:
                to, th = self.normal(a)
                if not self.split_ne and (without_one := self.less_one_term(to)):
                    new, more = self.normal(without_one.concl[1])
                    steps = [th, self.back(without_one), more]
                    to, th = new, self.ring(a, new, *(x for x in steps if x))
                if th:
                    for kind in ("pos", "nn"):  # what is known of a is known of its normal form
                        if (s := self.sign(kind, a)) and not self.known.get((kind, to)):
                            self.known[kind, to] = self.do("transport", s, th)
                            break
                ths.append(th or self.ring(a, a))
            if any(th.concl[1] is not th.concl[2] for th in ths):
                first = self.do("cong", f.op, *ths)
                better = self.shape(first.concl[2])
                return self.chain(first, better) if better else first
            return self.shape(f)
        return None

    def split_as_written(self, f: Term) -> Theorem | None:
        """log(a b) and 1/(a b) along the factors as they stand; (a + b) c is not multiplied out."""
        parts = flat(f.args[0])
        if f.op == "inv":
            return self.inv_of_product(f.args[0], parts)
        return self.log_chain(f.args[0], parts) if all(self.pos(t) for t in parts) else None

    def shape(self, f: Term) -> Theorem | None:
        """F = a better form, for f with its argument in normal form."""
        if f.op in ("relu", "max"):
            return self.hinge(f)
        if f.op not in ("exp", "log", "inv"):
            return None
        u = f.args[0]
        p = self.poly(u)
        if len(p) > 1:
            if f.op == "exp":
                return self.exp_of_sum(u, p)
            return self.over_one(f.op, u, p) or self.product(f.op, u) or self.pull_out(f.op, u, p)
        if f.op == "exp":
            return self.exp_of_one(u, p)
        parts = self.parts(p)
        if f.op == "inv":
            return self.inv_of_product(u, parts)
        return self.log_of_product(u, parts)

    def product(self, op: str, u: Term) -> Theorem | None:
        """log(a b) and 1/(a b) for a polynomial that is a product of others, all positive."""
        parts: list[Term] = []
        for t, times_ in factored(u, self.shut):
            if self.pos(t) is None:
                t = build(self.poly(MINUS * t))  # a sign is a matter of taste
            if self.pos(t) is None:
                return None
            parts += [t] * times_
        whole = times(parts)
        to, how = self.normal(whole) if parts else (ONE, None)
        if to is not u or how is None:
            return None
        start = self.do("cong", op, self.back(how))
        if op == "log":
            return self.chain(start, self.log_chain(whole, parts))
        end = self.inv_of_product(whole, parts)
        return end and self.chain(start, end)

    def parts(self, p: Poly) -> list[Term]:
        """The factors of a polynomial of one monomial, the coefficient first where it is not 1."""
        if not p:
            return [ZERO]
        (m, c), *_ = p.items()
        return ([num(c)] if c != 1 or m == ((), ()) else []) + components(*m)

    def exp_of_sum(self, u: Term, p: Poly) -> Theorem:
        """exp(a + b + ...) = exp(a) exp(b) ..."""
        terms = sorted((term_of(m, c) for m, c in p.items()), key=order)
        rest = terms[-1]
        uses: list[Use] = []
        product_so_far = exp(rest)
        for t in reversed(terms[:-1]):
            add = self.axiom("exp_add", t, rest)
            uses = [(ONE, (), add), *((exp(t) * mult, vs, th) for mult, vs, th in uses)]
            product_so_far = exp(t) * product_so_far
            rest = t + rest
        start = self.do("cong", "exp", self.ring(u, rest))
        return self.do("lincomb", exp(u), product_so_far, ((ONE, (), start), *uses))

    def exp_of_one(self, u: Term, p: Poly) -> Theorem | None:
        """exp(0) = 1, exp(log x) = x, exp(k log x) = x^k for an integer k."""
        if not p:
            return self.axiom("exp_zero", ZERO) if u is ZERO else None
        (vs, fs), c = next(iter(p.items()))
        if (
            vs
            or len(fs) != 1
            or fs[0].op != "log"
            or c.denominator != 1
            or not (below := self.pos(fs[0].args[0]))
        ):
            return None
        x, log_x = fs[0].args[0], fs[0]
        k = int(c)
        base = self.axiom("exp_log", x, ZERO, below)  # exp(log x) = x
        if k < 0:  # exp(-log x) = exp(log(1/x)) = 1/x
            y = inv(x)
            inverse = self.axiom("log_inv", x)
            up = self.do("cong", "exp", self.back(inverse))
            base = self.chain(
                up, self.axiom("exp_log", y, ZERO, self.axiom("pos_inv", x, ZERO, below))
            )
            log_x = MINUS * log_x
        value = base.concl[2]
        th, at = base, log_x
        for _ in range(abs(k) - 1):
            more = self.axiom("exp_add", log_x, at)
            th = self.do("lincomb", more.concl[1], value * th.concl[2], (
                (ONE, (), more), (th.concl[1], (), base), (value, (), th)))  # fmt: skip
            at = log_x + at
        return self.chain(self.do("cong", "exp", self.ring(u, at)), th)

    def inv_of_product(self, u: Term, parts: list[Term]) -> Theorem | None:
        """1/(a b) = 1/a 1/b; 1/c for a number; 1/(1/x) = x; 1/exp(x) = exp(-x)."""
        if len(parts) > 1:
            uses: list[Use] = []
            rest, value = parts[-1], inv(parts[-1])
            for t in reversed(parts[:-1]):
                uses = [
                    (ONE, (), self.axiom("inv_mul", t, rest)),
                    *((inv(t) * a, vs, th) for a, vs, th in uses),
                ]
                rest, value = t * rest, inv(t) * value
            start = self.do("cong", "inv", self.ring(u, rest))
            return self.do("lincomb", inv(u), value, ((ONE, (), start), *uses))
        g = parts[0]
        if g.op == "inv":
            return self.axiom("inv_inv", g.args[0])
        if g.op == "exp":
            x = g.args[0]
            minus = MINUS * x
            zero = self.do("cong", "exp", self.ring(x + minus, ZERO))
            one = self.do("lincomb", g * exp(minus), ONE, (
                (MINUS, (), self.axiom("exp_add", x, minus)),
                (ONE, (), self.chain(zero, self.axiom("exp_zero", ZERO))),
            ))  # fmt: skip
            return self.reciprocal(g, exp(minus), one)
        if g.op == "num" and g.data:
            if g.data == -1:
                return self.inv_minus()
            if g.data < 0:
                plus_ = num(-g.data)
                whole = self.chain(
                    self.do("cong", "inv", self.ring(g, MINUS * plus_)),
                    self.axiom("inv_mul", MINUS, plus_),
                )
                below = self.inv_of_product(plus_, [plus_])
                assert below is not None
                return self.do("lincomb", inv(g), num(1 / g.data), (
                    (ONE, (), whole),
                    (inv(plus_), (), self.inv_minus()),
                    (MINUS, (), below),
                ))  # fmt: skip
            return (
                self.reciprocal(g, num(1 / g.data), self.ring(g * num(1 / g.data), ONE))
                if g is not ONE or u is ONE
                else None
            )
        return None

    def inv_minus(self) -> Theorem:
        """1/(-1) = -1."""
        square = self.axiom("inv_square", MINUS)
        return self.do("lincomb", inv(MINUS), MINUS, ((ONE, (), square),))

    def reciprocal(self, g: Term, h: Term, one: Theorem) -> Theorem | None:
        """1/g = h from g h = 1 and g > 0."""
        if (below := self.pos(g)) is None:
            return None
        cancel = self.axiom("mul_inv", g, ZERO, below)  # g * 1/g = 1
        return self.do("lincomb", inv(g), h, ((MINUS * inv(g), (), one), (h, (), cancel)))

    def log_of_product(self, u: Term, parts: list[Term]) -> Theorem | None:
        """log(a b) = log a + log b for positive parts; log exp x = x; log 1/x = -log x; numbers."""
        if len(parts) == 1 and parts[0].op == "num":
            return self.log_of_number(parts[0])
        if len(parts) == 1:
            g = parts[0]
            if g.op == "exp":
                return self.axiom("log_exp", g.args[0])
            return self.axiom("log_inv", g.args[0]) if g.op == "inv" else None
        good = [t for t in parts if self.pos(t)]
        bad = [t for t in parts if not self.pos(t)]
        if bad and not self.pos(times(bad)):
            return None
        groups = [*good, *([times(bad)] if bad else [])]
        if len(groups) < 2:
            return None
        return self.log_chain(u, groups)

    def log_chain(self, u: Term, parts: list[Term]) -> Theorem:
        """Log u = log a + log b + ... for positive parts with product u."""
        uses: list[Use] = []
        rest, below, value = parts[-1], self.pos(parts[-1]), [log(parts[-1])]
        for t in reversed(parts[:-1]):
            here = self.pos(t)
            if here is None or below is None:
                raise RuleError("a factor below a logarithm is not shown to be positive")
            uses.append((ONE, (), self.axiom("log_mul", t, rest, here, below)))
            below = self.axiom("pos_mul", t, rest, here, below)
            rest, value = t * rest, [log(t), *value]
        start = self.do("cong", "log", self.ring(u, rest))
        return self.do("lincomb", log(u), plus(value), ((ONE, (), start), *uses))

    def log_of_number(self, c: Term) -> Theorem | None:
        """Log 1 = 0, and logarithms of rationals in terms of those of primes."""
        if c.data == 1:
            up = self.do("cong", "log", self.back(self.axiom("exp_zero", ZERO)))
            return self.chain(up, self.axiom("log_exp", ZERO))
        if c.data <= 0:
            return None
        factors = _primes(c.data.numerator) + [Fraction(1, q) for q in _primes(c.data.denominator)]
        if len(factors) > 1:
            return self.log_chain(c, [num(q) for q in factors])
        q = factors[0]
        if q.numerator == 1:  # log(1/q) = -log q
            whole = num(1 / q)
            inverse = self.inv_of_product(whole, [whole])
            assert inverse is not None
            return self.chain(
                self.do("cong", "log", self.back(inverse)), self.axiom("log_inv", whole)
            )
        return None

    def over_one(self, op: str, u: Term, p: Poly) -> Theorem | None:
        """log(a + b/z) = log(a z + b) - log z and 1/(a + b/z) = z/(a z + b), for a sum z > 0."""
        below = [f for vs, fs in p for f in fs if f.op == "inv" and not f.free & set(vs)]
        for f in sorted(dict.fromkeys(below), key=order):
            z = f.args[0]
            if not f.free or f.loose or (len(self.poly(z)) < 2 and z.op != "sum"):
                continue
            above, positive = self.pos(u), self.pos(z)
            if above is None or positive is None:
                return None
            w, th = self.normal(u * z)
            if th is None or f in {g for _, fs in self.poly(w) for g in fs}:
                continue
            cancel = self.axiom("mul_inv", z, ZERO, positive)
            whole = self.do("lincomb", u, w * f, ((f, (), th), (MINUS * u, (), cancel)))
            up = self.axiom("pos_mul", u, z, above, positive)
            top = self.do("transport", up, th)
            self.known["pos", w] = top
            start = self.do("cong", op, whole)
            if op == "inv":
                return self.chain(start, self.axiom("inv_mul", w, f))
            over = self.axiom("pos_inv", z, ZERO, positive)
            return self.chain(start, self.axiom("log_mul", w, f, top, over))
        return None

    def pull_out(self, op: str, u: Term, p: Poly) -> Theorem | None:
        """log(g w) = log g + log w and 1/(g w) = 1/g 1/w; w does not depend on a common factor.

        g holds the number common to all monomials, and the exponentials and the constants of one of
        them. Dividing by each in turn gives a family of w that is the same for u and any multiple
        of u by such factors; the least by form is taken, u itself when it is in the family and as
        good.
        """
        if len(p) > 8:
            return None
        content = Fraction(
            gcd(*(c.numerator for c in p.values())), lcm(*(c.denominator for c in p.values()))
        )
        outer = [
            [
                f
                for f in components(*m)
                if f.op == "exp" or (not f.free and f.op != "num" and self.pos(f))
            ]
            for m in p
        ]
        base = [num(content)] if content != 1 else []
        best: tuple[tuple[int, list[bytes]], Term, Term, Theorem | None] | None = None
        for g in sorted(dict.fromkeys(times(base + o) for o in outer), key=lambda g: g is not ONE):
            w, th = (u, None) if g is ONE else self.normal(u * inv(g))
            key = (sum(len(f) for _, f in self.poly(w)), sorted(t.key[0] for t in (w.args or (w,))))
            if best is None or key < best[0]:
                best = (key, g, w, th)
        if best is None or best[1] is ONE or best[3] is None:
            return None
        _, g, w, th = best
        below = self.pos(g)
        if below is None:  # its sign was found on the way to another form
            return None
        cancel = self.axiom("mul_inv", g, ZERO, below)
        whole = self.do("lincomb", u, g * w, ((g, (), th), (MINUS * u, (), cancel)))
        above = self.pos(u)
        if above and not self.known.get(("pos", w)):
            quotient = self.axiom(
                "pos_mul", u, inv(g), above, self.axiom("pos_inv", g, ZERO, below)
            )
            self.known["pos", w] = self.do("transport", quotient, th)
        start = self.do("cong", op, whole)
        if op == "inv":
            return self.chain(start, self.axiom("inv_mul", g, w))
        rest = self.pos(w)
        return rest and self.chain(start, self.axiom("log_mul", g, w, below, rest))

    def merge(self, m: Monomial) -> Rewrite | None:
        """exp(a t) exp(b t) = exp((a + b) t)."""
        seen: dict[Monomial, Term] = {}
        for f in m[1]:
            if f.op == "exp" and len(p := self.poly(f.args[0], 900)) == 1:
                key = next(iter(p))
                if key in seen:
                    g = seen[key]
                    a, b = g.args[0], f.args[0]
                    to, _ = self.normal(a + b)
                    up = self.do("cong", "exp", self.sum_of(a, b, to))
                    th = self.do(
                        "lincomb",
                        g * f,
                        up.concl[2],
                        ((MINUS, (), self.axiom("exp_add", a, b)), (ONE, (), up)),
                    )
                    return self.replace(m, (), [g, f], th)
                seen[key] = f
        return self.with_root(m)

    def with_root(self, m: Monomial) -> Rewrite | None:
        """X x^c = x^(1 + c) for a fraction c < 0, such as x/sqrt(x)."""
        for f in m[1]:
            if f.op != "exp" or len(p := self.poly(f.args[0], 900)) != 1:
                continue
            ((vs, fs), c) = next(iter(p.items()))
            if vs or len(fs) != 1 or fs[0].op != "log" or c >= 0 or c.denominator == 1:
                continue
            x, a, b = fs[0].args[0], fs[0], f.args[0]
            if x not in m[1] or (above := self.pos(x)) is None:
                continue
            root = self.axiom("exp_log", x, ZERO, above)  # exp(log x) = x
            to, _ = self.normal(a + b)
            up = self.do("cong", "exp", self.sum_of(a, b, to))
            th = self.do("lincomb", x * f, up.concl[2], (
                (MINUS * f, (), root), (MINUS, (), self.axiom("exp_add", a, b)), (ONE, (), up),
            ))  # fmt: skip
            return self.replace(m, (), [x, f], th)
        return None

    def sum_of(self, a: Term, b: Term, to: Term) -> Theorem:
        """A + b = to, its normal form."""
        _, th = self.normal(a + b)
        return th or self.ring(a + b, to)


def _primes(n: int) -> list[Fraction]:
    """The prime factors of n below a bound, the rest as one factor."""
    out, q = [], 2
    while q * q <= n and q < 10_000:
        while n % q == 0:
            out.append(Fraction(q))
            n //= q
        q += 1
    return out + ([Fraction(n)] if n > 1 else [])
