"""Search: a proof of a claim for every N. No hints: both sides go to normal form and must meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from derive.bounds import EFFORTS, Bounds
from derive.bridge import Problem, World
from derive.claims import FULL, LOOSE, NOT_ONE, total
from derive.defined import Obligation, missing, of_problem
from derive.hidden import Meaning, symbol
from derive.normal import GaveUp, Normaliser
from derive.steps import ONE
from derive.terms import RuleError, Term, mk, num
from derive.theorem import Judgement, Theorem


@dataclass(frozen=True)
class NotProved:
    """The search ended without a proof: `why`, and the difference left, None if not that far.

    `sign` says that a sign was wanted, of the pair or for a formula to be defined.
    """

    why: str
    left: Term | None = None
    sign: bool = False


Efforts = tuple[tuple[int, int], ...]
STRATEGIES: tuple[dict[str, bool], ...] = (
    {}, {"split_ne": True}, {"open_dims": True}, {"open_dims": True, "split_ne": True},
)  # fmt: skip


LISTS = {"open_lists": True}  # where a label from a list is left


@dataclass(frozen=True)
class Proof:
    """What was claimed, and the theorems that make the formulas in it defined."""

    theorems: tuple[Theorem, ...]
    defined: tuple[Theorem, ...]

    @property
    def theorem(self) -> Theorem:
        """The claim; for a theorem the first of its statements."""
        return self.theorems[0]


def prove(problem: Problem, efforts: Efforts = EFFORTS, last: Efforts = ()) -> Proof | NotProved:
    """The claim with all it needs, or why no proof was found.

    `efforts` bounds the search for inequalities: the deepest may take minutes to find none. `last`
    bounds it after the lines of the file's proof, where it is not to be the same.
    """
    found = attempt(problem, efforts, last)
    if isinstance(found, Proof) or not (found.sign and problem.equation and problem.blocks):
        return found
    better = attempt(problem, efforts, last, look=True)
    return better if isinstance(better, Proof) else found


def attempt(
    problem: Problem, efforts: Efforts, last: Efforts, look: bool = False
) -> Proof | NotProved:
    """The claim, or why it was not found.

    With `look` the published formula comes first: its logarithms show signs that the pair may need.
    """
    search: Search | None = None
    try:
        search = Search(problem, efforts, last)
        if look:
            search.plain.know_forms()
            search.plain.normal(problem.published)
        return search.claim()
    except (GaveUp, RuleError) as e:
        return NotProved(str(e))
    finally:
        if search is not None:
            search.end()


LAST = 2  # lines of a long proof that a claim is tried with on their own
MANY = 12  # lines that are soon searched all together: a proof with more is a long one


class Search:
    """The search for one claim. Each equation takes the strategy that suits it, signs the first."""

    def __init__(self, problem: Problem, efforts: Efforts = EFFORTS, last: Efforts = ()):
        self.problem, self.efforts, self.last = problem, efforts, last or efforts
        self.ways: dict[int, Normaliser] = {}
        self.learned: list[Theorem] = []
        self.plain = self.way(0)
        self.bounds = Bounds(self.plain, self.equation, lambda: self.way(2))
        self.bounds.efforts = efforts

    def end(self) -> None:
        """Let go of what was found on the way: parts of a search refer to each other in circles."""
        for world in self.__dict__.get("worlds", ()):
            world.search.end()
        self.__dict__.clear()

    def way(self, k: int) -> Normaliser:
        """The normaliser of strategy k, made when it is first needed."""
        if k not in self.ways:
            how = STRATEGIES[k] if k < len(STRATEGIES) else LISTS
            self.ways[k] = Normaliser(self.problem.hyps, self.problem.dims, **how)
            for th in self.learned:
                teach(self.ways[k], th)
        return self.ways[k]

    def equal(self, a: Term, b: Term) -> Theorem | NotProved:
        """A = b, by ring laws alone or by normal forms."""
        try:
            return self.plain.ring(a, b)
        except RuleError:
            pass
        first: NotProved | None = None
        for k in range(len(STRATEGIES)):
            if k >= 2 and not self.problem.dims:
                continue
            try:
                found = self.meet(self.way(k), a, b)
            except GaveUp as e:
                found = NotProved(str(e))
            if isinstance(found, Theorem):
                return found
            first = first or found
        assert first is not None
        if first.left is not None and any(labels(first.left)):
            try:
                found = self.meet(self.way(len(STRATEGIES)), a, b)
            except GaveUp:
                return first
            return found if isinstance(found, Theorem) else first
        return first

    def meet(self, way: Normaliser, a: Term, b: Term) -> Theorem | NotProved:
        """A = b, where their normal forms or that of their difference show it."""
        na, ta = way.normal(a)
        nb, tb = way.normal(b)
        uses = [(ONE, (), ta)] if ta else []
        uses += [(num(-1), (), tb)] if tb else []
        if na is not nb:
            rest, th = way.normal(na - nb)
            uses += [(ONE, (), th)] if th else []
            if rest is not num(0):
                if (gone := way.nothing_over(rest)) is None:
                    return NotProved("the two sides have different normal forms", rest)
                uses.append((ONE, (), gone))
        return way.do("lincomb", a, b, tuple(uses))

    def claim(self) -> Proof | NotProved:
        """The whole claim: the pair, definedness, and what is said of the two."""
        found, open_ = missing(of_problem(self.problem), self.plain)
        if open_ and self.problem.facts:
            return NotProved(wanting(open_[0]), open_[0].arg, sign=True)
        self.learn_steps()
        if self.problem.facts:
            theorems = []
            for k, words in enumerate(self.problem.fact_texts):
                j = self.problem.facts[k]
                th = self.shown(j, "facts", k)
                if isinstance(th, NotProved):
                    return NotProved(f"{words!r} is not shown: {th.why}", th.left)
                theorems.append(th)
            return Proof(tuple(theorems), tuple(found))
        pair = self.pair()
        if isinstance(pair, NotProved):
            return pair
        more, open_ = missing(open_, self.plain)  # the pair may have shown what a sum is
        found += more
        if open_:
            return NotProved(wanting(open_[0]), open_[0].arg, sign=True)
        said = []
        for k, j in enumerate(self.problem.judgements()):
            th = self.by_last_steps(j) or self.shown(j, "claim", k)
            if isinstance(th, NotProved):
                return th
            said.append(th)
        pr = self.problem
        claim = self.plain.do(
            "claim", pr.published, pr.scale, pr.constant, pr.blocks, pr.learned, pr.divergence,
            pr.degree, pr.slack, *said, *pair,
        )  # fmt: skip
        return Proof((claim,), tuple(found))

    def learn_steps(self) -> None:
        """The lines of the file's proof, each from those before it."""
        for k, words in enumerate(self.problem.step_texts):
            j = self.problem.steps[k]
            th = self.shown(j, "steps", k)
            if isinstance(th, NotProved):
                raise GaveUp(f"the step {words!r} is not shown: {th.why}")
            self.learn(th)
            for world in self.worlds:
                world.learn(k, th)

    def learn(self, th: Theorem) -> None:
        """Use a lemma, an equation from left to right."""
        self.bounds.learn(th)
        self.learned.append(th)
        for way in self.ways.values():
            teach(way, th)

    def equation(self, a: Term, b: Term) -> Theorem | None:
        """A = b, or None."""
        found = self.equal(a, b)
        return found if isinstance(found, Theorem) else None

    @cached_property
    def worlds(self) -> tuple[Symbols, ...]:
        """The searches with symbols in place of the file's abbreviations."""
        made: list[Symbols] = []
        signs: dict[str, Theorem | None] = {}
        for world in reversed(self.problem.worlds):  # a sign is sought where the body is short
            seek = made[-1].sign_of if made else self.sign_of
            for name, _, _, short in world.meaning:
                if name not in signs:
                    signs[name] = seek(short)
            made.append(Symbols(self, world, signs))
        return tuple(reversed(made))

    def sign_of(self, t: Term) -> Theorem | None:
        """T > 0 or T >= 0, where that is soon seen."""
        self.plain.steps = 0
        try:
            return self.plain.pos(t) or self.plain.nn(t)
        except GaveUp:
            return None

    def by_last_steps(self, j: Judgement) -> Theorem | None:
        """A sign from the last lines of a long proof alone, which are often made for it."""
        if j[0] == "eq" or len(self.learned) <= MANY:
            return None
        way = Normaliser(self.problem.hyps, self.problem.dims, **STRATEGIES[0])

        def same(a: Term, b: Term) -> Theorem | None:
            found = self.meet(way, a, b)
            return found if isinstance(found, Theorem) else None

        bounds = Bounds(way, same)
        bounds.efforts = self.efforts[:1]
        try:
            for th in self.learned[-LAST:]:
                bounds.learn(th)
                teach(way, th)
            found = None
            if apart(way.normal(j[1])[0]):
                found = self.with_whole_sums(way, bounds, j)
            return found or bounds.find(j[0], j[1])
        except (GaveUp, RuleError):
            return None

    def with_whole_sums(self, way: Normaliser, bounds: Bounds, j: Judgement) -> Theorem | None:
        """A sign from the last lines, where what a sum leaves out cancels against other sums."""
        wide = Normaliser(self.problem.hyps, self.problem.dims, **STRATEGIES[1])
        try:
            to, how = wide.normal(j[1])
        except GaveUp:
            return None
        lines = [way.poly(way.normal(th.concl[1])[0], 0) for th in self.learned[-LAST:]]
        if how is None or not any(way.poly(to, 0).keys() <= line.keys() for line in lines):
            return None
        found = bounds.find(j[0], to)
        return found and way.do("transport", found, way.back(how))

    def shown(self, j: Judgement, where: str, k: int) -> Theorem | NotProved:
        """A judgement, as one of symbols or as it stands; short searches come before long ones."""
        if j[0] == "eq":
            return self.judgement(j)
        efforts = self.efforts if where == "steps" else self.last
        for at, effort in enumerate(efforts):
            tries = [(world, effort) for world in self.worlds]
            if at == 0:  # the shortest formulas once more, before those that are written out
                tries += [(world, later) for world in self.worlds[:1] for later in efforts[1:2]]
            for world, least in tries:
                if found := self.in_symbols(world, least, j, where, k):
                    return found
            self.bounds.efforts = (effort,)
            try:
                found = self.bounds.find(j[0], j[1])
            finally:
                self.bounds.efforts = self.efforts
            if found is not None:
                return found
        return NotProved("no bound known is that strong", self.plain.form(j[1]))

    def in_symbols(
        self, world: Symbols, effort: tuple[int, int], j: Judgement, where: str, k: int
    ) -> Theorem | None:
        """A sign, as one of symbols."""
        if (found := world.find(where, k, effort)) is None or found.concl == j:
            return found
        try:
            eq = self.equation(found.concl[1], j[1])
        except GaveUp:  # too large to be written as the file has it: try another way
            return None
        return eq and self.plain.do("transport", found, eq)

    def judgement(self, j: Judgement) -> Theorem | NotProved:
        """An equation or a sign."""
        if j[0] == "eq":
            return self.equal(j[1], j[2])
        found = self.bounds.find(j[0], j[1])
        if found is None:
            return NotProved("no bound known is that strong", self.plain.form(j[1]))
        return found

    def pair(self) -> list[Theorem] | NotProved:
        """That (p, q) is a pair: signs, rows, weights, in the order of `derive.claims.claim`."""
        pr, way = self.problem, self.plain
        signs = [("scale", "pos", pr.scale), ("order", "pos", pr.degree)]
        if pr.divergence in NOT_ONE:
            other = pr.degree - num(1)
            signs.append(("distance of the order from one", "pos", other * other))
        premises = []
        for what, kind, t in signs:
            if (sign := way.sign(kind, t)) is None:
                return NotProved(f"the {what} is not shown to be positive", t, sign=True)
            premises.append(sign)
        for _, a, nb, m, w, p, k in pr.blocks:
            loose = [("kernel", "nn", k), ("sum of the kernel", "pos", total(nb, m * k))]
            signs = [("weight", "nn", w), ("p", "nn", p)]
            signs += loose if pr.divergence in LOOSE else [("kernel", "pos", k)]
            for what, kind, t in signs:
                if (sign := way.sign(kind, t)) is None:
                    return NotProved(f"the sign of the {what} is not shown", t, sign=True)
                premises.append(sign)
            row = mk("mul", None, a, total(nb, m * p))
            for what, left, right in (
                ("the condition on anchors is not shown to be 0 or 1", a * a, a),
                ("the condition on neighbours is not shown to be 0 or 1", m * m, m),
                ("p is not shown to sum to one over the allowed neighbours", row, a),
            ):
                eq = self.equal(left, right)
                if isinstance(eq, NotProved):
                    return NotProved(what, eq.left)
                premises.append(eq)
            if pr.divergence in FULL:
                if (full := way.pos(p)) is None:
                    why = f"p is not shown to be positive, as {pr.divergence} asks"
                    return NotProved(why, p, sign=True)
                premises.append(full)
        mass = mk("add", None, *(total(b[0], b[1] * b[4]) for b in pr.blocks))
        weights = self.equal(mass, num(1))
        if isinstance(weights, NotProved):
            return NotProved("the anchor weights are not shown to sum to one", weights.left)
        return [*premises, weights]


class Symbols:
    """The search for inequalities with symbols in place of a file's abbreviations."""

    def __init__(self, outer: Search, world: World, signs: Mapping[str, Theorem | None]):
        self.meaning = Meaning({name: (letters, body) for name, letters, body, _ in world.meaning})
        known = []
        for name, letters, _, _ in world.meaning:
            if (sign := signs[name]) is not None:
                said = (sign.concl[0], symbol(name, letters))
                known.append(said)
                self.meaning.given[said] = sign
        inside = replace(world.problem, hyps=(*known, *world.problem.hyps))
        self.search = Search(inside, outer.efforts)
        self.search.bounds.wide = None  # what coordinates show is left to terms as they stand

    def sign_of(self, t: Term) -> Theorem | None:
        """What a term of symbols stands for is > 0 or >= 0, where that is soon seen."""
        found = self.search.sign_of(t)
        return found and self.meaning.of_theorem(found)

    def find(self, where: str, k: int, effort: tuple[int, int]) -> Theorem | None:
        """The k-th step, statement or part of the claim."""
        pr, bounds = self.search.problem, self.search.bounds
        bounds.efforts = (effort,)
        js = {"steps": pr.steps, "facts": pr.facts}.get(where) or pr.judgements()
        try:
            found = bounds.find(js[k][0], js[k][1])
            return found and self.meaning.of_theorem(found)
        except (GaveUp, RuleError):
            return None

    def learn(self, k: int, th: Theorem) -> None:
        """Use a step that is proved."""
        j = self.search.problem.steps[k]
        if self.meaning.of(j) == th.concl:
            self.meaning.given[j] = th
            self.search.learn(self.search.plain.do("assume", j))


def teach(way: Normaliser, th: Theorem) -> None:
    """Let a normaliser use a lemma."""
    way.steps = 0
    way.assume(th)
    if th.concl[0] == "eq":
        way.learn(th)
    way.forget(everything=th.concl[0] == "eq")


def wanting(o: Obligation) -> str:
    """What an obligation that was not met says."""
    if o.what == "max":
        return "the set over which a maximum is taken is not shown to be non-empty"
    what = "logarithm" if o.what == "log" else "quotient"
    return f"the argument of a {what} is not shown to be positive"


def apart(t: Term) -> bool:
    """Whether a sum over all but one index is left in t."""
    return t.op == "ne" or any(map(apart, t.args))


def labels(t: Term) -> Iterator[Term]:
    """The index functions in t, inside of sums too, with values in a list."""
    if t.op == "fn" and isinstance(t.data[2], tuple):
        yield t
    for a in t.args:
        yield from labels(a)
