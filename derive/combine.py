"""Search: a term as a combination, with numbers >= 0, of what is known to be >= 0.

Which bounds add up, and with which numbers, an exact linear programme decides.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derive.factors import Factors
from derive.lemmas import Equal, Facts, Trial
from derive.normal import Normaliser
from derive.poly import Poly, build
from derive.simplex import feasible, possible
from derive.steps import ZERO, indices
from derive.terms import Monomial, Term, num
from derive.theorem import Theorem


class Combination(Factors):
    """The search for a combination of bounds."""

    def __init__(self, way: Normaliser, equal: Equal, wide: Callable[[], Normaliser] | None = None):
        super().__init__(way, equal, wide)
        self.tried: dict[tuple[str, Term, int], Trial] = {}

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
        letters = indices(t)
        return self.continued(kind, t, self.tried[key], lambda m: self.about(m, letters))

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
