"""Search: inequalities. A term is at least 0 because it is a sum of things known to be.

What is known: the file's lemmas, the hypotheses, and classical bounds of the logarithms,
exponentials, positive parts and maxima that occur (`about`), each multiplied by the factors beside
it and summed as there. Which of them add up, and with which numbers, an exact linear programme
decides; nothing else is guessed.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.claims import total
from derive.factors import sum_of
from derive.largest import Largest
from derive.lemmas import ROUNDS
from derive.logsigns import has_data
from derive.normal import MAX_STEPS, GaveUp
from derive.poly import PREFIX, build, offset, times
from derive.signs import MOST
from derive.steps import ONE
from derive.terms import RuleError, Term, bind, num, open_binder, subst, var
from derive.theorem import Theorem, inv

# depth of the search and rounds of `combine`: short proofs come before long ones
EFFORTS = ((0, 1), (1, 1), (0, 2), (2, 1), (1, 2), (6, ROUNDS))
SHORT = 160  # signs and steps that a search for a sign may take at first
LATE = 2  # the depth at which one may take as many as it does


class Bounds(Largest):
    """The search for inequalities over one normaliser."""

    limit, rounds = EFFORTS[-1]
    efforts: tuple[tuple[int, int], ...] = EFFORTS

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
            self.by_short_sign, self.by_shape, self.by_lemmas, self.by_hoeffding, self.by_largest,
            self.by_anchor,
            self.combine, self.in_coordinates, self.by_exp, self.by_scale, self.by_normal,
            self.by_sign,
        ]  # fmt: skip
        for tactic in tactics:
            self.way.steps = 0  # each may take as long as a claim of its own
            try:
                if found := tactic(kind, t, depth):
                    return found
            except (GaveUp, RuleError):  # too large, or a sign that was not found: try the next
                continue
        return None

    def by_short_sign(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """What the search for signs soon finds: nearly all that it finds at all."""
        way = self.way
        way.steps, way.most = MAX_STEPS - SHORT, SHORT
        try:
            return way.sign(kind, t)
        finally:
            way.most = MOST
            if way.known.get((kind, t), way) is None:  # it may be found later
                del way.known[kind, t]

    def by_sign(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """What the search for signs finds, which is asked late: failing takes it long."""
        return self.way.sign(kind, t) if self.limit >= LATE else None

    def by_normal(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """The sign of the normal form."""
        to = self.way.form(t)
        if to is t or (found := self.find(kind, to, depth + 1)) is None:
            return None
        _, th = self.way.normal(t)
        assert th is not None
        return self.way.do("transport", found, self.way.back(th))

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
        goal = way.poly(way.form(t))
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
        body = way.form(build(self.flat(sum_of(parts))))
        if (inside := self.find("nn", body, depth + 1)) is None:
            return None
        whole = way.do("sum_sign", anchor, inside)
        eq = self.equal(whole.concl[1], t)
        return eq and way.do("transport", whole, eq)


def leads(f: Term, v: Term) -> bool:
    """Whether v is the first index of a symbol in f."""
    return (f.op in ("app", "mask", "fn") and bool(f.args) and f.args[0] is v) or any(
        leads(a, v) for a in f.args
    )
