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

from fractions import Fraction

from derive.atoms import Atoms
from derive.claims import total
from derive.poly import Poly, build, match_monomial, offset, poly, term_of, times, without
from derive.rewrite import Rewrite, Use
from derive.steps import ONE, ZERO
from derive.terms import (
    INDEX,
    Domain,
    Monomial,
    Term,
    canon,
    domain,
    mk,
    num,
    order,
    subst,
    var,
)
from derive.theorem import MINUS, Judgement, Theorem

MAX_STEPS = 3000
STEPS = (
    "unfold", "indicators", "delta", "count", "guard", "same", "shannon", "split", "merge",
    "cancel", "turn", "zero_log_zero", "fact", "listed",
)  # fmt: skip


class GaveUp(Exception):
    """The search ran into its bounds."""


class Normaliser(Atoms):
    """The search for normal forms under hypotheses.

    `open_dims` also expands inner products and squared norms; `split_ne` writes [i != j] as
    1 - [i = j]; `open_lists` f(y) by the values of a label y.
    """

    def __init__(
        self,
        hyps: tuple[Judgement, ...],
        dims: frozenset[Domain] = frozenset(),
        *,
        open_dims: bool = False,
        split_ne: bool = False,
        open_lists: bool = False,
    ):
        super().__init__(hyps, dims)
        self.open_dims, self.split_ne, self.open_lists = open_dims, split_ne, open_lists
        self.steps_taken = frozenset(STEPS)
        self.shut = frozenset() if open_dims else self.dims  # inner products stay closed
        self.cache: dict[Term, tuple[Term, Theorem | tuple[Use, ...] | None]] = {}
        self.atoms: dict[Term, Theorem | None] = {}
        self.wanting: set[Term] = set()
        self.steps = 0
        self.facts: list[tuple[Monomial, Theorem, frozenset[Term]]] = []
        self.stepped: dict[Monomial, Rewrite | None] = {}
        equations = [th for th in self.assumed if th.concl[0] == "eq"]
        for th in sorted(equations, key=lambda t: t.concl[1].depth):
            self.learn(th)
            self.forget(everything=True)

    def know_forms(self) -> None:
        """Use the normal forms of the hypotheses about signs, too."""
        for th in [t for t in self.assumed if t.concl[0] in ("pos", "nn")]:
            to, how = self.normal(th.concl[1])
            if how is not None and to.op != "num":
                self.assume(self.do("transport", th, how))
        self.forget(everything=False)

    def forget(self, everything: bool) -> None:
        """Forget what may be found anew: all forms, or those that wanted for a sign; no signs."""
        self.known = {} if everything else {k: th for k, th in self.known.items() if th is not None}
        for found in (self.cache, self.atoms):
            for t in list(found) if everything else self.wanting & found.keys():
                del found[t]
        if everything:
            self.stepped.clear()
        self.wanting.clear()

    def learn(self, th: Theorem) -> None:
        """Use an equation from left to right.

        [a = b] = 0 or 1 also settles [a != b], and f(i,i) = 0 drops [i != j] beside f(i,j).
        """
        if th.concl[1].op == "ne" and th.concl[2].op == "num" and self.split_ne:
            th = self.opposite(th)  # else the two sides would be 1 - [a = b] and a number
        to, how = self.normal(th.concl[1])
        if how is not None:
            th = self.do("lincomb", to, th.concl[2], ((ONE, (), th), (MINUS, (), how)))
        _, a, b = th.concl
        p = poly(a, None, self.shut)
        if len(p) != 1:
            return
        if canon(a) == canon(b):
            return
        (m, c), slots = next(iter(p.items())), frozenset(th.concl[1].free)
        if c != 1:
            scaled = num(1 / c)
            th = self.do("lincomb", term_of(m), scaled * b, ((scaled, (), th),))
        self.facts.append((m, th, slots))
        if a.op in ("eq", "ne") and b.op == "num":
            derived = self.opposite(th)
            self.facts.append((((), (derived.concl[1],)), derived, slots))

        if a.op in ("mask", "app") and b is ZERO:
            for v in sorted(a.free, key=order):
                if sum(x is v for x in a.args) == 2:
                    self.off_diagonal(th, v, [k for k, x in enumerate(a.args) if x is v][1])

    def opposite(self, th: Theorem) -> Theorem:
        """[a != b] = 1 - c from [a = b] = c, and the other way round."""
        _, a, b = th.concl
        x, y = a.args
        ne = self.do("ne_def", x, y)
        other = ne.concl[1] if a.op == "eq" else mk("eq", None, x, y)
        return self.do("lincomb", other, num(1 - b.data), ((ONE, (), ne), (MINUS, (), th)))

    def off_diagonal(self, th: Theorem, v: Term, k: int) -> None:
        """From f(i,i) = 0: f(i,j) [i != j] = f(i,j)."""
        a = th.concl[1]
        w = var("other'", v.data[1])
        whole = mk(a.op, a.data, *a.args[:k], w, *a.args[k + 1 :])
        ne, d = self.do("ne_def", v, w), mk("eq", None, v, w)
        same = self.do("leibniz", whole, w, w, v)  # [w = v] f(v,w) = [w = v] f(v,v)
        law = self.do(
            "lincomb",
            whole * ne.concl[1],
            whole,
            ((whole, (), ne), (MINUS, (), same), (MINUS * d, (), th)),
        )
        self.facts.append((((), (whole, ne.concl[1])), law, frozenset(law.concl[1].free)))

    # ------------------------------------------------------------ the loop
    def normal(self, t: Term) -> tuple[Term, Theorem | None]:
        """The normal form of t and a proof that t equals it (None when it is t)."""
        to, how = self._form(t)
        if isinstance(how, tuple):
            how = self.do("lincomb", t, to, how)
            if t in self.cache:
                self.cache[t] = to, how
        return to, how

    def form(self, t: Term) -> Term:
        """The normal form of t, for which no theorem is made: most are looked at only."""
        return self._form(t)[0]

    def _form(self, t: Term) -> tuple[Term, Theorem | tuple[Use, ...] | None]:
        if t not in self.cache:
            before, misses, found = self.cycles, self.misses, self._normal(t)
            if self.misses > misses:
                self.wanting.add(t)
            if self.cycles > before and self.open:
                return found
            self.cache[t] = found
        elif t in self.wanting:
            self.misses += 1
        return self.cache[t]

    def _normal(self, t: Term) -> tuple[Term, tuple[Use, ...] | None]:
        base = offset(t)
        work, done, uses = dict(self.poly(t, base)), Poly(), list[Use]()
        while work:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise GaveUp("the search for a normal form took too many steps")
            m, c = work.popitem()
            if not c:
                continue
            r = self.step(m)
            if r is None:
                done[m] = done.get(m, Fraction(0)) + c
                continue
            uses += [(num(c) * mult if c != 1 else mult, vs, th) for mult, vs, th in r.uses]
            for m2, c2 in self.poly(r.result, base).items():
                work[m2] = work.get(m2, Fraction(0)) + c * c2
        result = build({m: c for m, c in done.items() if c})
        if result is t:
            return t, None
        return result, tuple(uses)

    def step(self, m: Monomial) -> Rewrite | None:
        """One rewriting of a monomial, or None where it is in normal form.

        Many terms share their monomials. What did not ask for a sign in vain is remembered.
        """
        if m in self.stepped:
            return self.stepped[m]
        cycles, misses = self.cycles, self.misses
        found: Rewrite | None = None
        for name in STEPS:
            if name in self.steps_taken and (found := getattr(self, name)(m)):
                break
        if (cycles, misses) == (self.cycles, self.misses):
            self.stepped[m] = found
        return found

    def cancel(self, m: Monomial) -> Rewrite | None:
        """X / X = 1 under sums, for X > 0; a sum X trades its leading term for others."""
        for f in m[1]:
            if f.op != "inv":
                continue
            x = f.args[0]
            p = self.poly(x, offset_above(m))
            if not p or (len(p) > 1 and not self.split_ne):
                continue
            lead = max(
                p, key=lambda k: (len(k[0]), sum(g.depth for g in k[1]), [order(g) for g in k[1]])
            )
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
                others, left = (
                    times(without(rest_of_m[1], used)),
                    tuple(v for v in m[0] if v not in taken),
                )
                return Rewrite(((others, left, eq),), total(left, others * to))
        return None

    def turn(self, m: Monomial) -> Rewrite | None:
        """[a = b] f(a) = [a = b] f(b) where 1/f(b) cancels, or f(b) frees the sum over a."""
        for d in (d for d in m[1] if d.op == "eq"):
            for a, b in (d.args, d.args[::-1]):
                v = var("turn'", domain(a))
                for f in m[1]:
                    t = f if f is d else subst(f, {a: v})
                    if t is f:
                        continue
                    if not self.frees(m, d, a, b) and not self.cancels(m, f, subst(t, {v: b})):
                        continue
                    law = self.do("leibniz", t, v, a, b)
                    if law.concl[1] is d * f:
                        return self.replace(m, (), [d, f], law)
        return None

    def cancels(self, m: Monomial, f: Term, other: Term) -> bool:
        """Whether a quotient goes once its divisor is another."""
        after = (m[0], (*without(m[1], [f]), other))
        return f.op == "inv" and self.cancel(after) is not None

    def frees(self, m: Monomial, d: Term, a: Term, b: Term) -> bool:
        """Whether a summed variable occurs in f(v) = a only, beside d, and that of b elsewhere."""

        def only(e: Term) -> bool:
            if e.op != "fn" or len(e.free) != 1 or not e.free <= set(m[0]):
                return False
            gone = var("gone'", domain(e))
            return not any(e.free & subst(g, {e: gone}).free for g in m[1] if g is not d)

        return only(a) and not only(b)

    def zero_log_zero(self, m: Monomial) -> Rewrite | None:
        """X log(x y) = x log x + x log y for x >= 0, y > 0, where x is another factor."""
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
                got = self.at(th, {v: b[v] for v in sorted(slots, key=order) if v in b})
                left = total(taken, times(used))
                to = got.concl[2]
                if to is left or (alike(left, to) and order(to) >= order(left)):
                    continue  # an equation such as f(i,j) = f(j,i) is used in one direction
                eq = self.do("lincomb", left, to, ((ONE, (), got),))
                others, rest = times(without(m[1], used)), tuple(v for v in m[0] if v not in taken)
                return Rewrite(((others, rest, eq),), total(rest, others * to))
        return None


def alike(a: Term, b: Term) -> bool:
    """Whether two terms differ in index variables only."""
    if a.op in INDEX or b.op in INDEX:
        return a.op in INDEX and b.op in INDEX
    if (a.op, a.data, len(a.args)) != (b.op, b.data, len(b.args)):
        return False
    return all(alike(x, y) for x, y in zip(a.args, b.args, strict=True))


def offset_above(m: Monomial) -> int:
    """A number above those of all variables of a monomial."""
    return max((offset(f) for f in m[1]), default=0) + len(m[0])
