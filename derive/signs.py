"""Search: why a term is positive, or not negative. An answer is a theorem; none means not found."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from derive.poly import PREFIX, build, components, match, offset, poly, square_root, times
from derive.shapes import shape, shapes
from derive.steps import ONE, ZERO, Steps, booleans, indices
from derive.terms import (
    BOOL,
    Domain,
    Poly,
    RuleError,
    Term,
    bind,
    canon,
    domain,
    num,
    open_binder,
    order,
    subst,
    var,
)
from derive.theorem import Judgement, Theorem

# A sign that is not found inside a circle is not remembered, as it may be found outside: without a
# bound the same ones would be looked for again and again. The catalog needs up to 2000.
MOST = 4000


class Signs(Steps):
    """The search for signs, and what is known of them."""

    def __init__(self, hyps: tuple[Judgement, ...], dims: frozenset[Domain] = frozenset()):
        super().__init__(hyps, dims)
        self.known: dict[tuple[str, Term], Theorem | None] = {}
        self.open: set[tuple[str, Term]] = set()
        self.cycles = 0
        self.spent = 0  # signs looked for on behalf of the one that was asked for first
        self.most = MOST
        self.misses = 0  # how often a sign was asked for and is not known
        self.assumed: list[Theorem] = []
        self.of_shape: dict[int, list[Theorem]] = {}
        self.signs: dict[Theorem, None] = {}  # assumed, and by the shapes of their monomials
        self.of_form: dict[int, list[tuple[Theorem, frozenset[int]]]] = {}
        for h in hyps:
            self.assume(self.do("assume", h))

    def assume(self, th: Theorem) -> None:
        """Use a theorem as the hypotheses are used."""
        self.assumed.append(th)
        self.of_shape.setdefault(shape(th.concl[1]), []).append(th)
        if th.concl[0] in ("pos", "nn") and th not in self.signs:
            self.signs[th] = None
            own = shapes(canon(th.concl[1]))
            for form in own:
                self.of_form.setdefault(form, []).append((th, own))

    # ------------------------------------------------------------ signs
    def pos(self, t: Term) -> Theorem | None:
        """|- t > 0."""
        return self.sign("pos", t)

    def nn(self, t: Term) -> Theorem | None:
        """|- t >= 0."""
        return self.sign("nn", t)

    def sign(self, kind: str, t: Term) -> Theorem | None:
        """The theorem (kind, t), remembered; None inside its own search, so that searches end."""
        key = (kind, t)
        if key in self.open:
            self.cycles += 1  # a circle: what is found meanwhile may be less than what can be found
            self.misses += 1
            return None
        if key not in self.known:
            if not self.open:
                self.spent = 0
            self.spent += 1
            if self.spent > self.most:
                self.cycles += 1
                self.misses += 1
                return None
            self.open.add(key)
            before = self.cycles
            try:
                found = self._pos(t) if kind == "pos" else self._nn(t)
            except RuleError:
                found = None
            finally:  # the search for a normal form may give up
                self.open.discard(key)
            if found is None and self.cycles > before and self.open:
                self.misses += 1
                return None
            self.known[key] = found
        if self.known[key] is None:
            self.misses += 1
        return self.known[key]

    def fold(self, kind: str, op: str, signs: list[Theorem], t: Term) -> Theorem:
        """Signs of the parts of a sum or product as the sign of the whole."""
        first = signs[0]
        for other in signs[1:]:
            name = f"{kind}_{op}"
            if kind == "pos" and op == "add" and first.concl[0] == "nn":
                first, other = other, first
            if kind == "pos" and op == "add" and other.concl[0] == "pos":
                other = self.axiom("nn_pos", other.concl[1], ZERO, other)
            if op == "add" and first.concl[0] == "nn":
                name = "nn_add"
            first = self.axiom(name, first.concl[1], other.concl[1], first, other)
        return self.move(first, t)

    def _pos(self, t: Term) -> Theorem | None:
        if t.op == "num":
            return self.do("sign", "pos", t) if t.data > 0 else None
        if t.op == "exp":
            return self.axiom("pos_exp", t.args[0])
        if t.op == "inv" and (below := self.pos(t.args[0])):
            return self.axiom("pos_inv", t.args[0], ZERO, below)
        if t.op == "mul" and t.args:
            signs = [self.pos(a) for a in t.args]
            if (all_pos := every(signs)) is not None:
                return self.fold("pos", "mul", all_pos, t)
        if t.op == "add" and t.args:
            strong = [self.pos(a) for a in t.args]
            both = [s or self.nn(a) for s, a in zip(strong, t.args, strict=True)]
            if any(strong) and (signs_of := every(both)) is not None:
                return self.fold("pos", "add", strongest_first(signs_of), t)
        if t.op == "sum" and (found := self._pos_sum(t)):
            return found
        if t.op == "add" and (th := self.less_one_term(t)) and (found := self.pos(th.concl[1])):
            return self.do("transport", found, th)
        if t.op == "add" and (found := self.with_square("pos", t) or self.with_share(t)):
            return found
        if t.op == "add" and (found := self.over_denominator("pos", t)):
            return found
        if t.op == "max" and (found := self.of_maximum("pos", t)):
            return found
        if t.op == "log" and (found := self.of_logarithm("pos", t)):
            return found
        known = self.from_hypotheses("pos", t) or self.by_elements("pos", t)
        if known is None and t.op == "add" and len(t.args) == 2:
            known = self.by_cases("pos", t, 1)
        return known or self.by_normal("pos", t) or self.less_a_part("pos", t)

    def _nn(self, t: Term) -> Theorem | None:
        if strong := self.pos(t):
            return self.axiom("nn_pos", t, ZERO, strong)
        if t.op == "num":
            return self.do("sign", "nn", t) if t.data >= 0 else None
        if t.op in BOOL:
            return self.do("sign", "nn", t)
        if t.op == "relu":
            return self.axiom("nn_relu", t.args[0])
        if t.op == "inv" and (below := self.nn(t.args[0])):
            return self.axiom("nn_inv", t.args[0], ZERO, below)
        if t.op == "mul" and t.args:
            signs, left = [], list(t.args)
            while left:
                a = left.pop(0)
                if a in left and not self.nn(a):
                    left.remove(a)
                    signs.append(self.axiom("nn_square", a))
                elif s := self.nn(a):
                    signs.append(s)
                else:
                    break
            else:
                return self.fold("nn", "mul", signs, t)
        if t.op == "add" and t.args:
            weak = [self.nn(a) for a in t.args]
            if (all_nn := every(weak)) is not None:
                return self.fold("nn", "add", all_nn, t)
        if t.op == "add" and (found := self.with_square("nn", t)):
            return found
        if t.op == "add" and (th := self.less_one_term(t)) and (found := self.nn(th.concl[1])):
            return self.do("transport", found, th)
        if t.op == "add" and (found := self.over_denominator("nn", t)):
            return found
        if t.op == "sum":
            v = var(f"{PREFIX}{offset(t) + 1}", t.data)
            body = open_binder(t, v)
            if t.data in self.dims and (linear := square_root(poly(body))):
                square = self.axiom("nn_square", linear)
                return self.move(self.do("sum_sign", v, square), t)
            if inside := self.nn(body):
                return self.do("sum_sign", v, inside)
        if t.op == "max" and (found := self.of_maximum("nn", t)):
            return found
        if t.op == "log" and (found := self.of_logarithm("nn", t)):
            return found
        known = self.from_hypotheses("nn", t) or self.by_cases("nn", t)
        known = known or self.by_elements("nn", t) or self.by_normal("nn", t)
        return known or self.less_a_part("nn", t)

    def by_elements(self, kind: str, t: Term) -> Theorem | None:
        """See `elements.Elements`."""
        return None

    def of_maximum(self, kind: str, t: Term) -> Theorem | None:
        """See `elements.Elements`."""
        return None

    def of_logarithm(self, kind: str, t: Term) -> Theorem | None:
        """See `logsigns.LogSigns`."""
        return None

    def less_one_term(self, t: Term) -> Theorem | None:
        """See `completion.Completion`."""
        return None

    def over_denominator(self, kind: str, t: Term) -> Theorem | None:
        """See `denominators.Denominators`."""
        return None

    def with_square(self, kind: str, t: Term) -> Theorem | None:
        """See `completion.Completion`."""
        return None

    def with_share(self, t: Term) -> Theorem | None:
        """See `completion.Completion`."""
        return None

    def less_a_part(self, kind: str, t: Term) -> Theorem | None:
        """See `completion.Completion`."""
        return None

    def pos_apart(self, t: Term) -> Theorem | None:
        """The sign of nested sums that are a product of independent ones."""
        p = poly(t, None, self.dims)
        if len(p) != 1:
            return None
        parts = components(*next(iter(p)))
        if len(parts) < 2 or (found := self.pos(build(p))) is None:
            return None
        return self.move(found, t)

    def pos_nested(self, t: Term) -> Theorem | None:
        """See `nested.Nested`."""
        return None

    def pos_swapped(self, t: Term) -> Theorem | None:
        """See `nested.Nested`."""
        return None

    def _pos_sum(self, t: Term) -> Theorem | None:
        v = var(f"{PREFIX}{offset(t) + 1}", t.data)
        body = open_binder(t, v)
        if inside := self.pos(body):
            return self.do("sum_sign", v, inside)
        factors = list(body.args) if body.op == "mul" else [body]
        factors = [g for f in factors for g in (f.args if f.op == "mul" else (f,))]
        masks = [f for f in factors if f.op in BOOL]
        rest = times([f for f in factors if f.op not in BOOL])
        if not masks:
            found = self.pos_weighted(t, v, factors) or self.pos_apart(t)
            if found is None and body.op == "sum":
                found = self.pos_nested(t) or self.pos_swapped(t)
            return found
        some = self.nonempty(v, masks)
        if rest is ONE:
            return some and self.move(some, t)
        inside, mask = self.pos(rest), self.nn(times(masks))
        if some and inside and mask:
            return self.move(self.do("pos_masked_sum", v, some, mask, inside), t)
        return None

    def pos_weighted(self, t: Term, v: Term, factors: list[Term]) -> Theorem | None:
        """sum_v w f > 0 for weights w >= 0 with sum_v w > 0, and f > 0."""
        above = [f for f in factors if self.pos(f)]
        weights = times([f for f in factors if f not in above])
        if not above or len(above) == len(factors) or (sign := self.nn(weights)) is None:
            return None
        some, inside = self.pos(bind("sum", v, weights)), self.pos(times(above))
        if some is None or inside is None:
            return None
        return self.move(self.do("pos_masked_sum", v, some, sign, inside), t)

    def nonempty(self, v: Term, masks: list[Term]) -> Theorem | None:
        """sum_v m > 0 for a product m of 0/1 factors; see `nonempty.NonEmpty`."""
        raise TypeError("Signs is used through Normaliser")

    def from_hypotheses(self, kind: str, t: Term) -> Theorem | None:
        """The sign of t from a hypothesis about t, a multiple of it, or t minus a number."""
        for th in self.of_shape.get(shape(t), ()):
            if th.concl[0] in (kind, "pos"):
                for b in match(th.concl[1], t, frozenset(th.concl[1].free), {}):
                    got = self.at(th, b)
                    return got if got.concl[0] == kind else self.axiom("nn_pos", t, ZERO, got)
        if t.op in ("exp", "log", "inv", "sg"):
            return None
        for th in self.of_forms(shapes(canon(t))):
            slots = sorted(th.concl[1].free, key=lambda u: str(u.data))
            pools = [
                [e for e in indices(t) if domain(e) == domain(s) and not e.loose] for s in slots
            ]
            for combo in product(*pools):
                got = self.at(th, dict(zip(slots, combo, strict=True)))
                if times_it := self.multiple(got, t):
                    got = times_it
                gap = canon(t - got.concl[1])
                if any(m != ((), ()) for m in gap):
                    if (nearer := self.settled(got, gap)) is None:
                        continue
                    got, gap = nearer, canon(t - nearer.concl[1])
                c = gap.get(((), ()), Fraction(0))
                if c < 0 or (c == 0 and kind == "pos" and got.concl[0] == "nn"):
                    continue
                extra = self.do("sign", "pos" if c > 0 else "nn", num(c))
                whole = "pos" if "pos" in (got.concl[0], extra.concl[0]) else "nn"
                found = self.fold(whole, "add", strongest_first([got, extra]), t)
                return found if found.concl[0] == kind else self.axiom("nn_pos", t, ZERO, found)
        return None

    def settled(self, known: Theorem, gap: Poly) -> Theorem | None:
        """A sign with 0/1 terms that have a value: x > 0 from x + [i = j] > 0 where i is not j.

        `gap` is what is wanted less what is known; where it is not all such terms, None.
        """
        here, uses = known.concl[1], list[tuple[Term, tuple[()], Theorem]]()
        for m, c in gap.items():
            if m[0] or not all(f.op in BOOL for f in m[1]):
                return None
            if m[1]:
                to, how = self.normal(times(m[1]))
                if how is None or to.op != "num":
                    return None
                here = here + num(-c) * (to - times(m[1]))
                uses.append((num(-c), (), how))
        return self.do("transport", known, self.do("lincomb", known.concl[1], here, tuple(uses)))

    def of_forms(self, forms: frozenset[int]) -> list[Theorem]:
        """The signs assumed of terms with monomials of all these shapes, first ones first.

        An instance has no monomial of a shape that is not one of the hypothesis.
        """
        if not forms:
            return list(self.signs)
        fewest = min((self.of_form.get(form, []) for form in forms), key=len)
        return [th for th, own in fewest if forms <= own]

    def multiple(self, known: Theorem, t: Term) -> Theorem | None:
        """The sign of t where t is a positive number times a term of known sign."""
        here, there = canon(t), canon(known.concl[1])
        if not here or here.keys() != there.keys():
            return None
        ratios = {Fraction(here[m]) / there[m] for m in here}
        if len(ratios) > 1 or (c := ratios.pop()) <= 0 or c == 1:
            return None
        number = self.do("sign", known.concl[0], num(c))
        return self.fold(known.concl[0], "mul", [number, known], t)

    def by_cases(self, kind: str, t: Term, fuel: int = 4) -> Theorem | None:
        """The sign of a term by the values of its 0/1 parts."""
        atoms = sorted(booleans(t), key=order)
        if not atoms or not fuel or t.op == "sum":
            return None
        m = atoms[0]
        halves = []
        for value in (ONE, ZERO):
            case = subst(t, {m: value})
            simple = build(poly(case))
            got = (
                self.do("sign", kind, simple)
                if simple.op == "num" and (simple.data > 0 or (kind == "nn" and simple.data == 0))
                else self.by_cases(kind, simple, fuel - 1)
                or (self.sign(kind, simple) if simple is not t else None)
            )
            if got is None:
                return None
            halves.append(self.move(got, case))
        return self.do("cases", m, (kind, t), *halves)

    def by_normal(self, kind: str, t: Term) -> Theorem | None:
        """The sign of t from that of its normal form."""
        if t.op in ("app", "exp", "log", "sg", "num"):
            return None
        to = self.form(t)
        if to is t or (got := self.sign(kind, to)) is None:
            return None
        _, th = self.normal(t)
        assert th is not None
        return self.do("transport", got, self.back(th))

    def form(self, t: Term) -> Term:
        """The normal form of t alone; see `normal.Normaliser`."""
        raise TypeError("Signs is used through Normaliser")

    def normal(self, t: Term) -> tuple[Term, Theorem | None]:
        """The normal form of t with t = it (None when it is t); see `normal.Normaliser`."""
        raise TypeError("Signs is used through Normaliser")


def every(found: list[Theorem | None]) -> list[Theorem] | None:
    """The theorems, or None where one of them was not found."""
    there = [th for th in found if th is not None]
    return there if len(there) == len(found) else None


def strongest_first(signs: list[Theorem]) -> list[Theorem]:
    """Theorems t > 0 before theorems t >= 0, otherwise in the order given."""
    return sorted(signs, key=lambda th: bool(th.concl[0] != "pos"))
