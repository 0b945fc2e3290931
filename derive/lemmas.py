"""Search: inequalities from the lemmas and hypotheses of a file.

A lemma with free letters is put to use where the goal has a factor of the form of one of its own,
multiplied by what stands beside that factor and summed as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

from derive.normal import GaveUp, Normaliser
from derive.poly import PREFIX, Poly, match, match_monomial, substitute, times, without
from derive.shapes import shape
from derive.steps import ONE, ZERO
from derive.terms import Monomial, RuleError, Term, order, var
from derive.theorem import MINUS, Theorem

MAX_FACTS, ROUNDS = 120, 3
IDLE = ("num", "eq", "ne", "mask")  # no lemma speaks of these alone
BASE = 2000  # above the number of any variable that a term has
Equal = Callable[[Term, Term], "Theorem | None"]
Facts = dict[Term, tuple[Theorem, Poly]]  # bounds, by what they say
# of a lemma: its monomials, its factors by shape, its letters
Parts = tuple[list[Monomial], dict[int, list[Term]], tuple[Term, ...]]


@dataclass
class Trial:
    """How far the search for a combination has come: `pool` are the monomials to be looked at."""

    goal: Poly
    facts: Facts
    pool: list[Monomial] = field(default_factory=list)
    seen: dict[Monomial, None] = field(default_factory=dict)
    rounds: int = 0

    def look(self, ms: Iterable[Monomial]) -> None:
        """Look at these next, unless they were looked at before."""
        self.pool = [m for m in dict.fromkeys(ms) if m not in self.seen]
        self.seen.update(dict.fromkeys(self.pool))

    def next(self) -> list[Monomial]:
        """What is to be looked at now; nothing is left if that should fail."""
        now, self.pool, self.rounds = self.pool, [], self.rounds + 1
        return now


class Lemmas:
    """What is known from the file. `equal` finds a = b by any strategy.

    `wide` gives a normaliser that multiplies inner products out. `rounds` is how often what was
    found may lead to more.
    """

    rounds = ROUNDS

    def __init__(self, way: Normaliser, equal: Equal, wide: Callable[[], Normaliser] | None = None):
        self.way, self.equal, self.wide = way, equal, wide
        self.lemmas: list[Theorem] = []
        self.waiting: list[Theorem] = []
        self.patterns = [th for th in way.assumed
                         if th.concl[0] != "eq" and len(self.flat(th.concl[1])) > 1]  # fmt: skip
        self.seen: dict[tuple[str, Term], Theorem | None] = {}
        self.parts: dict[Theorem, Parts] = {}
        self.begun: dict[tuple[str, Term, int], Trial] = {}

    def solve(self, kind: str, t: Term, goal: Poly, facts: Facts) -> Theorem | None:
        """See `bounds.Bounds`."""
        raise TypeError("Lemmas is used through Bounds")

    def learn(self, th: Theorem) -> None:
        """Use a lemma from now on, as it stands and in normal form."""
        self.lemmas.append(th)
        self.patterns.append(th)
        if th.concl[0] != "eq":
            self.waiting.append(th)
        self.seen = {k: v for k, v in self.seen.items() if v is not None}

    def settle(self) -> None:
        """Normal forms of the lemmas that have none yet, now that one is to be put to use."""
        steps = self.way.steps
        while self.waiting:
            th = self.waiting.pop(0)
            self.way.steps = 0
            try:
                to, how = self.way.normal(th.concl[1])
            except (GaveUp, RuleError):  # too large for one: the lemma is used as it stands
                continue
            if how is not None and to is not th.concl[1]:
                self.patterns.append(self.way.do("transport", th, how))
        self.way.steps = steps

    def known(self, t: Term) -> Iterator[Theorem]:
        """Lemmas and hypotheses, at the indices of t."""
        for th in (*self.lemmas, *self.way.assumed):
            if frozenset[Term]().union(*(s.free for s in th.concl[1:])) <= t.free:
                yield from self.both(th)

    def both(self, th: Theorem) -> Iterator[Theorem]:
        """A sign as it is, an equation a = b as a - b >= 0 and b - a >= 0."""
        if th.concl[0] != "eq":
            yield th
            return
        a, b = th.concl[1:]
        zero = self.way.do("sign", "nn", ZERO)
        for c, gap in ((ONE, a - b), (MINUS, b - a)):
            eq = self.way.do("lincomb", ZERO, gap, ((MINUS * c, (), th),))
            yield self.way.do("transport", zero, eq)

    def in_coordinates(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """T as a combination of lemmas and hypotheses, with inner products multiplied out."""
        if depth or not self.way.dims or self.wide is None:
            return None
        wide = self.wide()

        def opened(u: Term) -> Poly:
            wide.steps = 0
            return wide.poly(wide.form(u), BASE)

        facts = {th.concl[1]: (th, opened(th.concl[1])) for th in self.known(t)}
        return self.solve(kind, t, opened(t), facts)

    def take(self, facts: Facts, th: Theorem) -> None:
        """Note a bound, by what it says, unless it says nothing new."""
        if th.concl[1] not in facts and len(facts) <= MAX_FACTS:
            p = self.expanded(th.concl[1])
            if p and all(p != q or th.concl[0] != other.concl[0] for other, q in facts.values()):
                facts[th.concl[1]] = (th, p)

    def expanded(self, t: Term) -> Poly:
        """The normal form as a polynomial with canonical variables."""
        return self.flat(self.way.form(t))

    def flat(self, t: Term) -> Poly:
        """T as a polynomial whose variables have the same names in every one."""
        return self.way.poly(t, BASE)

    def instances(self, m: Monomial) -> Iterator[tuple[Theorem, tuple[Term, ...], list[Term]]]:
        """Lemmas with free letters that speak of a part of a monomial.

        With each the variables and the factors of that part: a whole monomial of the lemma, or one
        factor where none of its monomials occurs.
        """
        self.settle()
        for th in self.patterns:
            if th.concl[0] == "eq":
                continue
            own, singles, slots = self.parts_of(th)
            found: dict[tuple[Theorem, tuple[Term, ...], tuple[Term, ...]], None] = {}
            letters = frozenset(slots)
            for p in own:
                for b, taken, used in match_monomial(p, letters, m):
                    if letters <= b.keys():
                        at = {v: b[v] for v in slots}
                        found.setdefault((self.way.at(th, at), taken, tuple(used)))
            if not found and slots:
                for f in m[1]:
                    for pattern in singles.get(shape(f), ()):
                        for b in match(pattern, f, letters, {}):
                            if letters <= b.keys():
                                found.setdefault((self.way.at(th, b), (), (f,)))
            yield from ((at, taken, list(used)) for at, taken, used in found)

    def parts_of(self, th: Theorem) -> Parts:
        """What of a lemma is looked for in a goal."""
        if th not in self.parts:
            slots = tuple(sorted(th.concl[1].free, key=order))
            own = [p for p in self.flat(th.concl[1]) if any(f.op not in IDLE for f in p[1])]
            singles: dict[int, list[Term]] = {}
            for f in dict.fromkeys(f for vs, fs in own for f in fs
                                   if f.op not in IDLE and not f.free & set(vs)):  # fmt: skip
                singles.setdefault(shape(f), []).append(f)
            self.parts[th] = own, singles, slots
        return self.parts[th]

    def beside(self, m: Monomial) -> Iterator[Theorem]:
        """Lemmas about a part of a monomial, times its other factors, summed as it is."""
        variables, factors = m
        names = {v: var(f"{PREFIX}{900 + k}", v.data[1]) for k, v in enumerate(variables)}
        opened = tuple(substitute(f, names) for f in factors)
        for th, taken, used in self.instances((tuple(names.values()), opened)):
            others = times(without(opened, used))
            if (sign := self.way.nn(others)) is not None:
                got = self.weak(th)
                whole = self.way.axiom("nn_mul", others, got.concl[1], sign, got)
                yield self.summed(whole, {v: w for v, w in names.items() if w not in taken})

    def quotients(self, m: Monomial) -> Iterator[Theorem]:
        """R x/x - r >= 0 and r - r x/x >= 0 for a factor 1/x, x > 0 a sum: it cancels as a whole.

        r are the other factors, as they are and with x in place of one of its monomials.
        """
        way, (variables, factors) = self.way, m
        names = {v: var(f"{PREFIX}{900 + k}", v.data[1]) for k, v in enumerate(variables)}
        opened = [substitute(f, names) for f in factors]
        for f in dict.fromkeys(f for f in opened if f.op == "inv"):
            x, rest = f.args[0], without(opened, [f])
            terms = self.flat(x)
            if len(terms) < 2 or (above := way.pos(x)) is None:
                continue
            cancel, zero = way.axiom("mul_inv", x, ZERO, above), way.do("sign", "nn", ZERO)
            fronts = [times(rest)]
            for vs, fs in terms:
                if not vs and fs and all(fs.count(g) <= rest.count(g) for g in fs):
                    fronts.append(times(without(rest, fs)))
            for r, c in product(fronts, (ONE, MINUS)):
                gap = c * (r * (x * f) - r)
                eq = way.do("lincomb", ZERO, gap, ((MINUS * c * r, (), cancel),))
                yield self.summed(way.do("transport", zero, eq), names)

    def by_lemmas(self, kind: str, t: Term, depth: int) -> Theorem | None:
        """T as a combination of lemmas, hypotheses and monomials >= 0 alone."""
        if not self.lemmas and not self.patterns:
            return None
        key = (kind, t, len(self.lemmas))
        if key not in self.begun:
            trial = self.begun[key] = Trial({}, {})
            trial.goal = self.expanded(t)
            for th in self.known(t):
                self.take(trial.facts, th)
            pool = dict.fromkeys((*trial.goal, *(m for _, p in trial.facts.values() for m in p)))
            for th in [th for m in pool for th in self.quotients(m)]:
                self.take(trial.facts, th)
            if found := self.solve(kind, t, trial.goal, trial.facts):
                return found
            trial.look(trial.goal)
        return self.continued(kind, t, self.begun[key], self.beside)

    def continued(
        self, kind: str, t: Term, trial: Trial, beside: Callable[[Monomial], Iterable[Theorem]]
    ) -> Theorem | None:
        """Go on with a search, round by round: what `beside` knows of the monomials found last."""
        while trial.pool and trial.rounds < self.rounds:
            before = len(trial.facts)
            for th in [th for m in trial.next() for th in beside(m)]:
                self.take(trial.facts, th)
            if found := self.solve(kind, t, trial.goal, trial.facts):
                return found
            if before < len(trial.facts) <= MAX_FACTS:
                trial.look(m for _, p in trial.facts.values() for m in p)
        return None

    def weak(self, th: Theorem) -> Theorem:
        """A >= 0, from that or from a > 0."""
        return th if th.concl[0] == "nn" else self.way.axiom("nn_pos", th.concl[1], ZERO, th)

    def summed(self, th: Theorem, names: dict[Term, Term]) -> Theorem:
        """The sign of the sum over the variables of a monomial."""
        for v in reversed(names.values()):
            th = self.way.do("sum_sign", v, th)
        return th
