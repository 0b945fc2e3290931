"""Search: logarithms of sums of exponentials, by Jensen's inequality and by any one part."""

from __future__ import annotations

from collections.abc import Iterator

from derive.claims import total
from derive.logarithms import Logarithms
from derive.poly import PREFIX, build, substitute, times
from derive.steps import ZERO
from derive.terms import Term, domain, num, var
from derive.theorem import Theorem, exp, inv


class Jensen(Logarithms):
    """What the search for inequalities knows of log z where z is a sum of weights times exp x."""

    sight: list[Term]

    def jensen(self, z: Term, above: Theorem) -> Iterator[Theorem]:
        """Bounds of log z for z a sum of weights times exponentials, W the sum of the weights.

        From below log z >= log W + the mean of the exponents (the tangent of each at W exp x / z);
        from above log z <= log W + z/W - 1.
        """
        way = self.way
        whole, weight, mean, parts = ZERO, ZERO, ZERO, []
        for (vs, fs), c in self.flat(way.form(z)).items():
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
        weight = way.form(weight)
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
                idle = way.form(m * m - m)
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
        flat = build(self.flat(self.way.form(z - one)))
        found = self.way.nn(flat)
        if found is None:
            return None
        eq = self.equal(flat, z - one)
        return eq and self.way.do("transport", found, eq)

    def exponents(self, z: Term) -> list[tuple[tuple[Term, ...], Term, Term]] | None:
        """Z as a sum over variables of weights times exponentials; None if it is none."""
        parts = []
        for (vs, fs), c in self.way.poly(self.way.form(z)).items():
            powers = [f for f in fs if f.op == "exp"]
            if c <= 0:
                return None
            names = {v: var(f"{PREFIX}{800 + k}", v.data[1]) for k, v in enumerate(vs)}
            others = [substitute(f, names) for f in fs if f.op != "exp"]
            x = ZERO
            for p in powers:
                x = x + p.args[0]
            x = substitute(self.way.form(x), names)
            parts.append((tuple(names.values()), times([num(c), *others]), x))
        return parts if any(x is not ZERO for _, _, x in parts) else None
