"""Search: inequalities. A term is at least 0 because it is a sum of things known to be.

What is known: the file's lemmas, the hypotheses, and classical bounds of the logarithms,
exponentials, positive parts and maxima that occur (`about`), each multiplied by the factors beside
it and summed as there. Which of them add up, and with which numbers, an exact linear programme
decides; nothing else is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from derive.claims import total
from derive.lemmas import MAX_FACTS, ROUNDS, Equal, Facts, Trial
from derive.logarithms import Logarithms
from derive.normal import GaveUp, Normaliser
from derive.poly import PREFIX, Poly, build, offset, substitute, times, without
from derive.signs import ONE, ZERO, indices
from derive.simplex import feasible, possible
from derive.terms import (
    BOOL,
    Monomial,
    RuleError,
    Term,
    bind,
    domain,
    num,
    open_binder,
    subst,
    var,
)
from derive.theorem import MINUS, Theorem, exp, inv, log

# depth of the search and rounds of `combine`: short proofs come before long ones
EFFORTS = ((0, 1), (1, 1), (0, 2), (2, 1), (1, 2), (6, ROUNDS))


class Bounds(Logarithms):
    """The search for inequalities over one normaliser."""

    sight: list[Term]
    limit, rounds = EFFORTS[-1]
    efforts: tuple[tuple[int, int], ...] = EFFORTS

    def __init__(self, way: Normaliser, equal: Equal, wide: Callable[[], Normaliser] | None = None):
        super().__init__(way, equal, wide)
        self.tried: dict[tuple[str, Term, int], Trial] = {}

    # ------------------------------------------------------------ the goal
    def find(self, kind: str, t: Term, depth: int = 0) -> Theorem | None:
        """The theorem t > 0 (kind "pos") or t >= 0 ("nn"), or None."""
        if depth:
            return self.remembered(kind, t, depth)
        for effort in self.efforts:
            self.limit, self.rounds = effort
            self.seen = {k: v for k, v in self.seen.items() if v is not None}
            if found := self.remembered(kind, t, depth):
                return found
        return None

    def remembered(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The same within the depth of this round, remembered."""
        key = (kind, t)
        if key not in self.seen and depth <= self.limit:
            self.seen[key] = None  # so that a circle ends
            self.seen[key] = self._find(kind, t, depth)
        return self.seen.get(key)

    def _find(self, kind: str, t: Term, depth: int) -> Theorem | None:
        tactics: list[Callable[..., Theorem | None]] = [
            self.by_sign, self.by_shape, self.by_lemmas, self.by_hoeffding, self.by_largest,
            self.by_anchor,
            self.combine, self.in_coordinates, self.by_exp, self.by_scale, self.by_normal,
        ]  # fmt: skip
        for tactic in tactics:
            self.way.steps = 0  # each may take as long as a claim of its own
            try:
                if found := tactic(kind, t, depth):
                    return found
            except (GaveUp, RuleError):  # too large, or a sign that was not found: try the next
                continue
        return None

    def by_sign(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """What the search for signs finds."""
        return self.way.sign(kind, t)

    def by_normal(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The sign of the normal form."""
        to, th = self.way.normal(t)
        if th is not None and to is not t and (found := self.find(kind, to, depth + 1)):
            return self.way.do("transport", found, self.way.back(th))
        return None

    def by_shape(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The sign of a sum from its body, of a product from its factors."""
        way = self.way
        if t.op == "sum":
            v = var(f"{PREFIX}{offset(t) + 1}", t.data)
            inside = self.find(kind, open_binder(t, v), depth + 1)
            return inside and way.do("sum_sign", v, inside)
        if t.op == "mul" and t.args:
            signs = []
            for a in t.args:
                if (s := way.sign(kind, a) or self.find(kind, a, depth + 1)) is None:
                    return None
                signs.append(s)
            return way.fold(kind, "mul", signs, t)
        return None

    def by_anchor(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The sign of a sum over anchors from that of one anchor's share of it.

        What does not depend on the anchor is shared out evenly; no logarithm, positive part or
        maximum of data is.
        """
        way = self.way
        if kind == "pos":
            return None
        goal = way.poly(way.normal(t)[0])
        sets = [v.data[1] for vs, _ in goal for v in vs]
        if len(goal) < 2 or not sets:
            return None
        over = max(dict.fromkeys(sets), key=lambda d: sum(any(v.data[1] == d for v in vs)
                                                          for vs, _ in goal))  # fmt: skip
        anchor = var(f"{PREFIX}{offset(t) + 700}", over)
        share = inv(bind("sum", anchor, ONE))
        parts = []
        for (vs, fs), c in goal.items():
            here = [v for v in vs if v.data[1] == over]
            if not here:
                if any(f.op in ("log", "relu", "bigmax") and has_data(f) for f in fs):
                    return None
                parts.append(total(vs, times([num(c), *fs])) * share)
                continue
            v = max(here, key=lambda v: sum(leads(f, v) for f in fs))
            rest = tuple(w for w in vs if w is not v)
            parts.append(subst(total(rest, times([num(c), *fs])), {v: anchor}))
        body = way.normal(build(self.flat(sum_of(parts))))[0]
        if (inside := self.find("nn", body, depth + 1)) is None:
            return None
        whole = way.do("sum_sign", anchor, inside)
        eq = self.equal(whole.concl[1], t)
        return eq and way.do("transport", whole, eq)

    def by_largest(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The sign of b - f, f a positive part, a maximum or a logarithm of exponentials.

        From b >= 0 and b >= x for relu(x); from b >= x for a maximum of x; from b - log sum w >= x
        for log sum w exp(x). f may have a positive factor; b is whatever else there is.
        """
        goal = self.way.poly(self.way.normal(t)[0])
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
                b = self.way.normal(others * inv(front))[0]
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
        weight = way.normal(weight)[0]
        if (mass := way.pos(weight)) is None:
            return None
        most = way.normal(b - log(weight))[0]  # M with M >= x, and z <= W exp M
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
        if less := self.find("nn", way.normal(most - x)[0], depth + 1):
            order = self.exp_order(x, most, way.move(less, most - x))
            return way.axiom("nn_mul", w, order.concl[1], sign, order)
        flat = way.normal(w * (most - x))[0]
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

    def exponents(self, z: Term) -> list[tuple[tuple[Term, ...], Term, Term]] | None:
        """Z as a sum over variables of weights times exponentials; None if it is none."""
        parts = []
        for (vs, fs), c in self.way.poly(self.way.normal(z)[0]).items():
            powers = [f for f in fs if f.op == "exp"]
            if c <= 0:
                return None
            names = {v: var(f"{PREFIX}{800 + k}", v.data[1]) for k, v in enumerate(vs)}
            others = [substitute(f, names) for f in fs if f.op != "exp"]
            x = ZERO
            for p in powers:
                x = x + p.args[0]
            x = substitute(self.way.normal(x)[0], names)
            parts.append((tuple(names.values()), times([num(c), *others]), x))
        return parts if any(x is not ZERO for _, _, x in parts) else None

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

    # ------------------------------------------------------------ sums of what is known
    def combine(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """T as a combination with numbers >= 0 of known bounds and of monomials >= 0.

        A later call goes on where an earlier one with fewer rounds stopped.
        """
        key = (kind, t, len(self.lemmas))
        if key not in self.tried:
            goal, facts = self.expanded(t), Facts()
            for th in self.known(t):
                self.take(facts, th)
            trial = self.tried[key] = Trial(goal, facts)
            trial.look({**self.flat(t), **goal})  # as written, log(a/b) is still one logarithm
        trial = self.tried[key]
        while trial.pool and trial.rounds < self.rounds:
            now = trial.next()
            more = [th for m in now for th in self.about(m, indices(t))]
            before = len(trial.facts)
            for th in more:
                self.take(trial.facts, th)
            if found := self.solve(kind, t, trial.goal, trial.facts):
                return found
            if before < len(trial.facts) <= MAX_FACTS:
                trial.look(m for _, p in trial.facts.values() for m in p)
        return None

    def solve(self, kind: str, t: Term, goal: Poly, facts: Facts) -> Theorem | None:
        """The combination, if there is one."""
        used = list(facts.values())
        rows: dict[Monomial, int] = {}
        for p in (goal, *(p for _, p in used)):
            for m in p:
                rows.setdefault(m, len(rows))
        columns = [{rows[m]: c for m, c in p.items()} for _, p in used]
        right = [goal.get(m, Fraction(0)) for m in rows]
        terms = [build({m: Fraction(1)}) for m in rows]
        left = possible(columns, right, lambda r: self.way.nn(terms[r]) is not None)
        if left is None:
            return None
        needed = {r for r, b in enumerate(right) if b > 0}
        needed.update(r for k in left for r, c in columns[k].items() if c < 0)
        spare = [(r, s) for r in sorted(needed) if (s := self.way.nn(terms[r]))]
        some = [columns[k] for k in left] + [{r: Fraction(1)} for r, _ in spare]
        if (x := feasible(some, right)) is None:
            return None
        parts = [used[k][0] for k in left] + [s for _, s in spare]
        signs = [self.scaled(c, th) for c, th in zip(x, parts, strict=True) if c]
        if not signs:
            signs = [self.way.do("sign", "nn", ZERO)]
        if kind == "nn":
            signs = [self.weak(s) for s in signs]
        elif not any(s.concl[0] == "pos" for s in signs):
            return None
        signs.sort(key=lambda s: bool(s.concl[0] != "pos"))
        whole = signs[0]
        for s in signs[1:]:
            a, b = whole.concl[1], s.concl[1]
            other = self.weak(s)
            name = "pos_add" if whole.concl[0] == "pos" else "nn_add"
            whole = self.way.axiom(name, a, b, whole, other)
        eq = self.equal(whole.concl[1], t)
        return eq and self.way.do("transport", whole, eq)

    def scaled(self, c: Fraction, th: Theorem) -> Theorem:
        """C a with the sign of a, for c > 0."""
        if c == 1:
            return th
        kind = th.concl[0]
        number = self.way.do("sign", kind, num(c))
        return self.way.axiom(f"{kind}_mul", num(c), th.concl[1], number, th)

    # ------------------------------------------------------------ what is known of a monomial
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

    def jensen(self, z: Term, above: Theorem) -> Iterator[Theorem]:
        """Bounds of log z for z a sum of weights times exponentials, W the sum of the weights.

        From below log z >= log W + the mean of the exponents (the tangent of each at W exp x / z);
        from above log z <= log W + z/W - 1.
        """
        way = self.way
        whole, weight, mean, parts = ZERO, ZERO, ZERO, []
        for (vs, fs), c in self.flat(way.normal(z)[0]).items():
            powers = [f for f in fs if f.op == "exp"]
            names = {v: var(f"{PREFIX}{800 + k}", v.data[1]) for k, v in enumerate(vs)}
            others = [substitute(f, names) for f in fs if f.op != "exp"]
            x = powers[0].args[0] if powers else ZERO
            if len(powers) > 1 or c <= 0:
                return
            parts.append((tuple(names.values()), times([num(c), *others]), substitute(x, names)))
        if not any(x is not ZERO for _, _, x in parts):
            return
        for vs, w, x in parts:
            weight, mean = weight + total(vs, w), mean + total(vs, w * x)
            whole = whole + total(vs, w * exp(x))
        weight = way.normal(weight)[0]
        if (mass := way.pos(weight)) is None:
            return
        turn, over = way.axiom("pos_inv", z, ZERO, above), way.axiom("pos_inv", weight, ZERO, mass)
        tangents = []
        for vs, w, x in parts:
            if (sign := way.nn(w)) is None:
                return
            share = way.axiom("pos_mul", exp(x), inv(z), way.axiom("pos_exp", x), turn)
            u = share.concl[1]
            inside = way.axiom("pos_mul", weight, u, mass, share)
            tangent = way.axiom("log_tangent", inside.concl[1], ZERO, inside)
            body = way.axiom("nn_mul", w, tangent.concl[1], sign, tangent)
            for v in reversed(vs):
                body = way.do("sum_sign", v, body)
            tangents.append(body)
        lower = tangents[0]
        for one in tangents[1:]:
            lower = way.axiom("nn_add", lower.concl[1], one.concl[1], lower, one)
        yield way.axiom("nn_mul", inv(weight), lower.concl[1], self.weak(over), lower)
        ratio = way.axiom("pos_mul", z, inv(weight), above, over)
        yield way.axiom("log_tangent", z * inv(weight), ZERO, ratio)

    def not_less(self, z: Term, above: Theorem, f: Term) -> Iterator[Theorem]:
        """M (log z - x) >= 0 for every part m exp(x) of z, at the indices that are in sight."""
        way = self.way
        turn = way.axiom("pos_inv", z, ZERO, above)
        for vs, w, x in self.exponents(z) or ():
            places: list[dict[Term, Term]] = [{}]
            for v in vs:
                at = [e for e in self.sight if domain(e) == domain(v)]
                places = [{**p, v: e} for p in places for e in at]
            for place in places[:4]:
                m, here = substitute(w, place), substitute(x, place)
                sign, gap = way.nn(m), self.part(z, m * exp(here))
                idle = way.normal(m * m - m)[0]
                if sign is None or gap is None or idle is not ZERO:
                    continue
                share = way.axiom("pos_mul", exp(here), inv(z), way.axiom("pos_exp", here), turn)
                tangent = way.axiom("log_tangent", share.concl[1], ZERO, share)
                first = way.axiom("nn_mul", m, tangent.concl[1], sign, tangent)
                front = way.axiom("nn_mul", m, inv(z), sign, self.weak(turn))
                second = way.axiom("nn_mul", front.concl[1], gap.concl[1], front, gap)
                both = way.axiom("nn_add", first.concl[1], second.concl[1], first, second)
                to = m * (f - here)
                if eq := self.equal(both.concl[1], to):
                    yield way.do("transport", both, eq)

    def part(self, z: Term, one: Term) -> Theorem | None:
        """Z - one >= 0 for one term of a sum that is a part of z."""
        flat = build(self.flat(self.way.normal(z - one)[0]))
        found = self.way.nn(flat)
        if found is None:
            return None
        eq = self.equal(flat, z - one)
        return eq and self.way.do("transport", found, eq)

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


def sum_of(parts: list[Term]) -> Term:
    """The sum of a list."""
    whole = parts[0]
    for p in parts[1:]:
        whole = whole + p
    return whole


def has_data(t: Term) -> bool:
    """Whether a term has an array in it."""
    return (t.op == "app" and bool(t.args)) or any(map(has_data, t.args))


def leads(f: Term, v: Term) -> bool:
    """Whether v is the first index of a symbol in f."""
    return (f.op in ("app", "mask", "fn") and bool(f.args) and f.args[0] is v) or any(
        leads(a, v) for a in f.args
    )


def pieces(factors: list[Term]) -> list[tuple[Term, Term]]:
    """Each factor with the product of the others, and the product of all exponentials as one."""
    out = [(f, times(without(factors, [f]))) for f in factors]
    powers = [f for f in factors if f.op == "exp"]
    if len(powers) > 1:
        x = sum_of([f.args[0] for f in powers])
        out.append((exp(x), times(without(factors, powers))))
    return out
