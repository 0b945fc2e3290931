"""Search: the normal form of a term, with a proof of equality.

A term is expanded into monomials (a coefficient, bound variables, factors) and every monomial is
rewritten until nothing applies. Each rewriting is an equation of the trusted base, remembered with
the place where it was used, so that the whole is one linear combination.

The order of the steps in `step` is the strategy:
  1 enumerated sums unfold           5 logarithms, exponentials and inverses of products split
  2 indicators: duplicates, [i = i]  6 exponentials of like terms merge
  3 sum_j [j = e] f(j) = f(e)        7 x / x = 1, also under sums
  4 an indicator as a factor is 1    8 0 log 0: x log(x y) = x log x + x log y
    inside the other factors; one    9 hypotheses
    inside only is split by cases
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from derive.poly import (
    Poly, build, components, match_monomial, offset, plus, poly, term_of, times, without,
)  # fmt: skip
from derive.signs import ONE, ZERO, Signs, booleans
from derive.terms import BOOL, Domain, Monomial, Term, mk, num, open_binder, order, subst, total, var
from derive.theorem import MINUS, Judgement, Theorem

MAX_STEPS = 1500
UNARY = ("exp", "log", "inv", "relu", "sg")


class GaveUp(Exception):
    """The search ran into its bounds."""


Use = tuple[Term, tuple[Term, ...], Theorem]  # multiplier, variables summed over, equation


@dataclass(frozen=True)
class Rewrite:
    """What became of a monomial: the equations used and the term that equals it."""

    uses: tuple[Use, ...]
    result: Term


class Normaliser(Signs):
    """The search for normal forms under hypotheses.

    `open_dims` also expands inner products and squared norms; `split_ne` writes [i != j] as 1 - [i = j].
    """

    def __init__(
        self, hyps: tuple[Judgement, ...], dims: frozenset[Domain] = frozenset(), *, open_dims: bool = False, split_ne: bool = False
    ):
        super().__init__(hyps, dims)
        self.open_dims, self.split_ne = open_dims, split_ne
        self.shut = frozenset() if open_dims else self.dims  # inner products stay closed
        self.cache: dict[Term, tuple[Term, Theorem | None]] = {}
        self.atoms: dict[Term, Theorem | None] = {}
        self.steps = 0
        self.facts: list[tuple[Monomial, Theorem, frozenset[Term]]] = []
        equations = [th for th in self.assumed if th.concl[0] == "eq"]
        for th in sorted(equations, key=lambda t: t.concl[1].depth):
            self.learn(th)
            self.cache.clear()
            self.atoms.clear()
            self.known.clear()

    def learn(self, th: Theorem) -> None:
        """Use an equation from left to right; [a = b] = 0 or 1 also settles [a != b], and f(i,i) = 0 drops [i != j] beside f(i,j)."""
        to, how = self.normal(th.concl[1])
        if how is not None:
            th = self.do("lincomb", to, th.concl[2], ((ONE, (), th), (MINUS, (), how)))
        _, a, b = th.concl
        p = poly(a, None, self.shut)
        if len(p) != 1:
            return
        (m, c), slots = next(iter(p.items())), frozenset(th.concl[1].free)
        if c != 1:
            scaled = num(1 / c)
            th = self.do("lincomb", term_of(m), scaled * b, ((scaled, (), th),))
        self.facts.append((m, th, slots))
        if a.op in ("eq", "ne") and b.op == "num":
            x, y = a.args
            ne = self.do("ne_def", x, y)
            other = ne.concl[1] if a.op == "eq" else mk("eq", None, x, y)
            derived = self.do("lincomb", other, num(1 - b.data), ((ONE, (), ne), (MINUS, (), th)) if a.op == "eq" else (
                (MINUS, (), ne), (ONE, (), th)))  # fmt: skip
            self.facts.append((((), (other,)), derived, slots))

        if a.op in ("mask", "app") and b is ZERO:
            for v in a.free:
                if sum(x is v for x in a.args) == 2:
                    self.off_diagonal(th, v, [k for k, x in enumerate(a.args) if x is v][1])

    def off_diagonal(self, th: Theorem, v: Term, k: int) -> None:
        """From f(i,i) = 0: f(i,j) [i != j] = f(i,j)."""
        a = th.concl[1]
        w = var("other'", v.data[1])
        whole = mk(a.op, a.data, *a.args[:k], w, *a.args[k + 1 :])
        ne, d = self.do("ne_def", v, w), mk("eq", None, v, w)
        same = self.do("leibniz", whole, w, w, v)  # [w = v] f(v,w) = [w = v] f(v,v)
        law = self.do("lincomb", whole * ne.concl[1], whole, ((whole, (), ne), (MINUS, (), same), (MINUS * d, (), th)))
        self.facts.append((((), (whole, ne.concl[1])), law, frozenset(law.concl[1].free)))

    # ------------------------------------------------------------ the loop
    def normal(self, t: Term) -> tuple[Term, Theorem | None]:
        """The normal form of t and a proof that t equals it (None when it is t)."""
        if t not in self.cache:
            before, found = self.cycles, self._normal(t)
            if self.cycles > before and self.open:
                return found
            self.cache[t] = found
        return self.cache[t]

    def poly(self, t: Term, base: int | None = None) -> Poly:
        """The polynomial of t as this search sees it."""
        return poly(t, base, self.shut)

    def _normal(self, t: Term) -> tuple[Term, Theorem | None]:
        base = offset(t)
        work, done, uses = self.poly(t, base), Counter[Monomial](), list[Use]()
        while work:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise GaveUp("the search for a normal form took too many steps")
            m, c = work.popitem()
            if not c:
                continue
            r = self.step(m)
            if r is None:
                done[m] += c  # type: ignore[assignment]
                continue
            uses += [(num(c) * mult if c != 1 else mult, vs, th) for mult, vs, th in r.uses]
            for m2, c2 in self.poly(r.result, base).items():
                work[m2] = work.get(m2, Fraction(0)) + c * c2
        result = build({m: Fraction(c) for m, c in done.items() if c})
        if result is t:
            return t, None
        return result, self.do("lincomb", t, result, tuple(uses))

    def replace(self, m: Monomial, taken: tuple[Term, ...], used: list[Term], th: Theorem) -> Rewrite:
        """Rewrite part of a monomial, sum over `taken` of the product of `used`, by the equation th."""
        vs, fs = m
        others, left = times(without(fs, used)), tuple(v for v in vs if v not in taken)
        return Rewrite(((others, left, th),), total(left, others * th.concl[2]))

    def step(self, m: Monomial) -> Rewrite | None:
        """One rewriting of a monomial, or None where it is in normal form."""
        return (
            self.unfold(m) or self.indicators(m) or self.delta(m) or self.count(m) or self.guard(m)
            or self.shannon(m) or self.split(m) or self.merge(m) or self.cancel(m) or self.zero_log_zero(m) or self.fact(m)
        )  # fmt: skip

    # ------------------------------------------------------------ 1-4: sums and indicators
    def unfold(self, m: Monomial) -> Rewrite | None:
        """A sum over an enumerated set, as the sum of its terms."""
        for v in m[0]:
            if isinstance(v.data[1], tuple):
                used = [f for f in m[1] if v in f.free]
                return self.replace(m, (v,), used, self.do("enumerate_sum", v, times(used)))
        return None

    def indicators(self, m: Monomial) -> Rewrite | None:
        """[e = e], [a = b] of two elements, [a != b] as 1 - [a = b] where that decides it, b b = b, b (1 - b) = 0."""
        seen: set[Term] = set()
        for f in m[1]:
            if f.op not in BOOL:
                continue
            if f in seen:
                square = self.do("cases", f, ("eq", f * f, f), self.ring(ONE * ONE, ONE), self.ring(ZERO * ZERO, ZERO))
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
                zero = self.do("cases", d, ("eq", d * (ONE - d), ZERO), self.ring(ONE * (ONE - ONE), ZERO), self.ring(ZERO * (ONE - ZERO), ZERO))
                th = self.do("lincomb", d * f, ZERO, ((d, (), self.do("ne_def", a, b)), (ONE, (), zero)))
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
                    at_e = subst(t, v, e)
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
            if len(used) == 1 and used[0].op == "ne" and v not in (e := used[0].args[used[0].args[0] is v]).free:
                ne = self.do("ne_def", v, e)
                less = total((v,), ONE) - ONE
                th = self.do("lincomb", total((v,), used[0]), less, ((ONE, (v,), ne), (MINUS, (), self.do("delta_sum", v, e))))
                return self.replace(m, (v,), used, th)
        return None

    def guard(self, m: Monomial) -> Rewrite | None:
        """b t = b t[b := 1] for an indicator b; and where b = [i != j], t[[i = j] := 0]."""
        for b in m[1]:
            if b.op not in BOOL:
                continue
            for g in m[1]:
                if g is not b and b.free <= g.free and (h := subst(g, b, ONE)) is not g:
                    th = self.do(
                        "cases", b, ("eq", b * g, b * h), self.ring(ONE * h, ONE * h), self.ring(ZERO * subst(g, b, ZERO), ZERO * h)
                    )
                    return self.replace(m, (), [b, g], th)
                if b.op == "ne" and g is not b and g.op not in BOOL:
                    d = mk("eq", None, *b.args)
                    if d.free <= g.free and (h := subst(g, d, ZERO)) is not g:
                        c = ONE - d
                        flip = self.do(
                            "cases", d, ("eq", c * g, c * h), self.ring((ONE - ONE) * subst(g, d, ONE), (ONE - ONE) * h),
                            self.ring((ONE - ZERO) * h, (ONE - ZERO) * h),
                        )  # fmt: skip
                        ne = self.do("ne_def", *b.args)
                        th = self.do("lincomb", b * g, b * h, ((g - h, (), ne), (ONE, (), flip)))
                        return self.replace(m, (), [b, g], th)
        return None

    def shannon(self, m: Monomial) -> Rewrite | None:
        """f = b f[b := 1] + (1 - b) f[b := 0] for an indicator b inside a factor f."""
        for g in m[1]:
            if g.op not in UNARY and g.op != "max":
                continue
            for b in sorted(booleans(g), key=order):
                if b.op == "ne":
                    continue
                yes, no = subst(g, b, ONE), subst(g, b, ZERO)
                split = b * yes + (ONE - b) * no
                th = self.do("cases", b, ("eq", g, split), self.ring(yes, ONE * yes + (ONE - ONE) * no), self.ring(no, ZERO * yes + (ONE - ZERO) * no))
                if b.op == "eq":
                    ne = self.do("ne_def", *b.args)
                    th = self.do("lincomb", g, b * yes + ne.concl[1] * no, ((ONE, (), th), (MINUS * no, (), ne)))
                return self.replace(m, (), [g], th)
        return None

    # ------------------------------------------------------------ 5: atoms
    def split(self, m: Monomial) -> Rewrite | None:
        """Replace the first factor that has a better form."""
        for f in m[1]:
            if th := self.atom(f):
                return self.replace(m, (), [f], th)
        return None

    def atom(self, f: Term) -> Theorem | None:
        """f = a better form, for a single factor."""
        if f not in self.atoms:
            before, found = self.cycles, self._atom(f)
            if self.cycles > before and self.open:
                return found
            self.atoms[f] = found
        return self.atoms[f]

    def _atom(self, f: Term) -> Theorem | None:
        if f.op == "sum":  # a closed inner product, multiplied out: one written form, whatever its variables are called
            v = var("coordinate'", f.data)
            rep = total((v,), build(poly(open_binder(f, v))))
            return None if rep is f else self.ring(f, rep)
        if f.op in ("log", "inv") and f.args[0].op == "mul" and (th := self.split_as_written(f)):
            return th
        if f.op in UNARY or f.op == "max":
            ths = []
            for a in f.args:
                to, th = self.normal(a)
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
        """log(a b) and 1/(a b) along the factors as they stand, so that (a + b) c is not multiplied out."""
        parts = flat(f.args[0])
        if f.op == "inv":
            return self.inv_of_product(f.args[0], parts)
        return self.log_chain(f.args[0], parts) if all(self.pos(t) for t in parts) else None

    def chain(self, *ths: Theorem) -> Theorem:
        """a = d from a = b, b = c, c = d."""
        return self.ring(ths[0].concl[1], ths[-1].concl[2], *ths)

    def shape(self, f: Term) -> Theorem | None:
        """f = a better form, for f with its argument in normal form."""
        if f.op not in ("exp", "log", "inv"):
            return None
        u = f.args[0]
        p = self.poly(u)
        if len(p) > 1:
            return self.exp_of_sum(u, p) if f.op == "exp" else self.pull_out(f.op, u, p)
        if f.op == "exp":
            return self.exp_of_one(u, p)
        parts = self.parts(p)
        if f.op == "inv":
            return self.inv_of_product(u, parts)
        return self.log_of_product(u, parts)

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
        e = lambda t: mk("exp", None, t)  # noqa: E731
        product_so_far = e(rest)
        for t in reversed(terms[:-1]):
            add = self.axiom("exp_add", t, rest)
            uses = [(ONE, (), add), *((e(t) * mult, vs, th) for mult, vs, th in uses)]
            product_so_far = e(t) * product_so_far
            rest = t + rest
        start = self.do("cong", "exp", self.ring(u, rest))
        return self.do("lincomb", e(u), product_so_far, ((ONE, (), start), *uses))

    def exp_of_one(self, u: Term, p: Poly) -> Theorem | None:
        """exp(0) = 1, exp(log x) = x, exp(k log x) = x^k for an integer k."""
        if not p:
            return self.axiom("exp_zero", ZERO) if u is ZERO else None
        (vs, fs), c = next(iter(p.items()))
        if vs or len(fs) != 1 or fs[0].op != "log" or c.denominator != 1 or not (below := self.pos(fs[0].args[0])):
            return None
        x, log = fs[0].args[0], fs[0]
        k = int(c)
        base = self.axiom("exp_log", x, ZERO, below)  # exp(log x) = x
        if k < 0:  # exp(-log x) = exp(log(1/x)) = 1/x
            y = mk("inv", None, x)
            inverse = self.axiom("log_inv", x)
            up = self.do("cong", "exp", self.back(inverse))
            base = self.chain(up, self.axiom("exp_log", y, ZERO, self.axiom("pos_inv", x, ZERO, below)))
            log = MINUS * log
        value = base.concl[2]
        th, at = base, log
        for _ in range(abs(k) - 1):
            more = self.axiom("exp_add", log, at)
            th = self.do("lincomb", more.concl[1], value * th.concl[2], (
                (ONE, (), more), (th.concl[1], (), base), (value, (), th)))  # fmt: skip
            at = log + at
        return self.chain(self.do("cong", "exp", self.ring(u, at)), th)

    def inv_of_product(self, u: Term, parts: list[Term]) -> Theorem | None:
        """1/(a b) = 1/a 1/b; 1/c for a number; 1/(1/x) = x; 1/exp(x) = exp(-x)."""
        inv = lambda t: mk("inv", None, t)  # noqa: E731
        if len(parts) > 1:
            uses: list[Use] = []
            rest, value = parts[-1], inv(parts[-1])
            for t in reversed(parts[:-1]):
                uses = [(ONE, (), self.axiom("inv_mul", t, rest)), *((inv(t) * a, vs, th) for a, vs, th in uses)]
                rest, value = t * rest, inv(t) * value
            start = self.do("cong", "inv", self.ring(u, rest))
            return self.do("lincomb", inv(u), value, ((ONE, (), start), *uses))
        g = parts[0]
        if g.op == "inv":
            return self.axiom("inv_inv", g.args[0])
        if g.op == "exp":
            x = g.args[0]
            minus = MINUS * x
            one = self.do("lincomb", g * mk("exp", None, minus), ONE, (
                (MINUS, (), self.axiom("exp_add", x, minus)),
                (ONE, (), self.chain(self.do("cong", "exp", self.ring(x + minus, ZERO)), self.axiom("exp_zero", ZERO)))
            ))  # fmt: skip
            return self.reciprocal(g, mk("exp", None, minus), one)
        if g.op == "num" and g.data:
            if g.data == -1:
                return self.axiom("inv_minus", ZERO)
            if g.data < 0:
                plus_ = num(-g.data)
                whole = self.chain(self.do("cong", "inv", self.ring(g, MINUS * plus_)), self.axiom("inv_mul", MINUS, plus_))
                below = self.inv_of_product(plus_, [plus_])
                assert below is not None
                return self.do("lincomb", inv(g), num(1 / g.data), (
                    (ONE, (), whole), (inv(plus_), (), self.axiom("inv_minus", ZERO)), (MINUS, (), below)))  # fmt: skip
            return self.reciprocal(g, num(1 / g.data), self.ring(g * num(1 / g.data), ONE)) if g is not ONE or u is ONE else None
        return None

    def reciprocal(self, g: Term, h: Term, one: Theorem) -> Theorem | None:
        """1/g = h from g h = 1 and g > 0."""
        if (below := self.pos(g)) is None:
            return None
        cancel = self.axiom("mul_inv", g, ZERO, below)  # g * 1/g = 1
        inv = mk("inv", None, g)
        return self.do("lincomb", inv, h, ((MINUS * inv, (), one), (h, (), cancel)))

    def log_of_product(self, u: Term, parts: list[Term]) -> Theorem | None:
        """log(a b) = log a + log b for positive parts; log exp x = x; log 1/x = -log x; log of a number."""
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
        """log u = log a + log b + ... for positive parts with product u."""
        log = lambda t: mk("log", None, t)  # noqa: E731
        uses: list[Use] = []
        rest, below, value = parts[-1], self.pos(parts[-1]), [log(parts[-1])]
        for t in reversed(parts[:-1]):
            here = self.pos(t)
            uses.append((ONE, (), self.axiom("log_mul", t, rest, here, below)))  # type: ignore[arg-type]
            below = self.axiom("pos_mul", t, rest, here, below)  # type: ignore[arg-type]
            rest, value = t * rest, [log(t), *value]
        start = self.do("cong", "log", self.ring(u, rest))
        return self.do("lincomb", log(u), plus(value), ((ONE, (), start), *uses))

    def log_of_number(self, c: Term) -> Theorem | None:
        """log 1 = 0, and logarithms of rationals in terms of those of primes."""
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
            return self.chain(self.do("cong", "log", self.back(inverse)), self.axiom("log_inv", whole))
        return None

    def pull_out(self, op: str, u: Term, p: Poly) -> Theorem | None:
        """log(g w) = log g + log w and 1/(g w) = 1/g 1/w, with g chosen so that w does not depend on a common factor.

        g holds the number common to all monomials, and the exponentials and the constants of one of them.
        Dividing by each in turn gives a family of w that is the same for u and any multiple of u by such
        factors; the least by form is taken, u itself when it belongs to the family and is as good.
        """
        if len(p) > 8:
            return None
        content = Fraction(gcd(*(c.numerator for c in p.values())), lcm(*(c.denominator for c in p.values())))
        outer = [[f for f in components(*m) if f.op == "exp" or not f.free and f.op != "num" and self.pos(f)] for m in p]
        base = [num(content)] if content != 1 else []
        best: tuple[tuple[int, list[bytes]], Term, Term, Theorem | None] | None = None
        for g in sorted(dict.fromkeys(times(base + o) for o in outer), key=lambda g: g is not ONE):
            w, th = (u, None) if g is ONE else self.normal(u * mk("inv", None, g))
            key = (sum(len(f) for _, f in self.poly(w)), sorted(t.key[0] for t in (w.args or (w,))))
            if best is None or key < best[0]:
                best = (key, g, w, th)
        if best is None or best[1] is ONE or best[3] is None:
            return None
        _, g, w, th = best
        below = self.pos(g)
        assert below is not None
        cancel = self.axiom("mul_inv", g, ZERO, below)
        whole = self.do("lincomb", u, g * w, ((g, (), th), (MINUS * u, (), cancel)))
        above = self.pos(u)
        if above and not self.known.get(("pos", w)):
            quotient = self.axiom("pos_mul", u, mk("inv", None, g), above, self.axiom("pos_inv", g, ZERO, below))
            self.known["pos", w] = self.do("transport", quotient, th)
        start = self.do("cong", op, whole)
        if op == "inv":
            return self.chain(start, self.axiom("inv_mul", g, w))
        rest = self.pos(w)
        return rest and self.chain(start, self.axiom("log_mul", g, w, below, rest))

    # ------------------------------------------------------------ 6-9
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
                    th = self.do("lincomb", g * f, up.concl[2], ((MINUS, (), self.axiom("exp_add", a, b)), (ONE, (), up)))
                    return self.replace(m, (), [g, f], th)
                seen[key] = f
        return None

    def sum_of(self, a: Term, b: Term, to: Term) -> Theorem:
        """a + b = to, its normal form."""
        _, th = self.normal(a + b)
        return th or self.ring(a + b, to)

    def cancel(self, m: Monomial) -> Rewrite | None:
        """X / X = 1 under sums, for a positive X; where X is a sum, its leading term is traded for the others."""
        for f in m[1]:
            if f.op != "inv":
                continue
            x = f.args[0]
            p = self.poly(x, offset_above(m))
            if len(p) > 1 and not self.split_ne:
                continue
            lead = max(p, key=lambda k: (len(k[0]), sum(g.depth for g in k[1]), [order(g) for g in k[1]]))
            rest_of_m = (m[0], tuple(without(m[1], [f])))
            for _, taken, used in match_monomial(lead, frozenset(), rest_of_m):
                if any(v in f.free for v in taken) or (below := self.pos(x)) is None:
                    continue
                th = self.axiom("mul_inv", x, ZERO, below)
                c = p[lead]
                lead_term = total(taken, times(used))
                rest = build({k: q for k, q in p.items() if k != lead})
                to = num(1 / c) - num(1 / c) * (rest * f) if len(p) > 1 else num(1 / c)
                eq = self.do("lincomb", lead_term * f, to, ((num(1 / c), (), th),))
                others, left = times(without(rest_of_m[1], used)), tuple(v for v in m[0] if v not in taken)
                return Rewrite(((others, left, eq),), total(left, others * to))
        return None

    def zero_log_zero(self, m: Monomial) -> Rewrite | None:
        """x log(x y) = x log x + x log y for x >= 0, y > 0, where x is another factor."""
        for f in m[1]:
            if f.op != "log":
                continue
            parts = self.parts(self.poly(f.args[0])) if len(self.poly(f.args[0])) == 1 else []
            for x in parts:
                if len(parts) < 2 or x not in m[1] or self.pos(x):
                    continue
                rest = times(without(parts, [x]))
                a, b = self.nn(x), self.pos(rest)
                if a and b:
                    th = self.axiom("xlogx_mul", x, rest, a, b)
                    same = self.do("cong", "log", self.ring(f.args[0], x * rest))
                    eq = self.do("lincomb", x * f, th.concl[2], ((x, (), same), (ONE, (), th)))
                    return self.replace(m, (), [x, f], eq)
        return None

    def fact(self, m: Monomial) -> Rewrite | None:
        """Use an equation among the hypotheses, from left to right."""
        for pattern, th, slots in self.facts:
            for b, taken, used in match_monomial(pattern, slots, m):
                got = self.at(th, {v: b[v] for v in slots if v in b})
                left = total(taken, times(used))
                to = got.concl[2]
                if to is left:
                    continue
                eq = self.do("lincomb", left, to, ((ONE, (), got),))
                others, rest = times(without(m[1], used)), tuple(v for v in m[0] if v not in taken)
                return Rewrite(((others, rest, eq),), total(rest, others * to))
        return None


def flat(t: Term) -> list[Term]:
    """The factors of a product of products."""
    return [g for a in t.args for g in flat(a)] if t.op == "mul" else [t]


def offset_above(m: Monomial) -> int:
    """A number above those of all variables of a monomial."""
    return max((offset(f) for f in m[1]), default=0) + len(m[0])


def _primes(n: int) -> list[Fraction]:
    """The prime factors of n below a bound, the rest as one factor."""
    out, q = [], 2
    while q * q <= n and q < 10_000:
        while n % q == 0:
            out.append(Fraction(q))
            n //= q
        q += 1
    return out + ([Fraction(n)] if n > 1 else [])

