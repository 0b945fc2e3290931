"""The inverse problem: from a bare loss the pair (p, q) that it is made of.

1 the formula is taken apart, on its surface and in normal form (`derive.partitions`); 2 the linear
terms are read as p (`derive.supervisors`); 3 the kernels of a partition function become one family
of neighbours (`derive.pairs`); 4 what is left of the difference must be fixed; 5 the claim is
proved, and only then is it an answer. The search may miss a pair; it cannot invent one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from catalog.errors import InputError
from catalog.spec import Method
from derive.bridge import Problem
from derive.certificate import Certificate, certify, model_json
from derive.check import check_body
from derive.coarse import Grouper
from derive.comparisons import Comparer
from derive.formula_text import Unsayable, letter_for
from derive.fused import Fuser
from derive.instance import LIMITS, model_at
from derive.normal import GaveUp, Normaliser
from derive.pairs import Maker
from derive.partitions import Keep, Parts, Taker
from derive.patience import Patience, patience
from derive.prove import STRATEGIES, NotProved, Proof, prove
from derive.rows import Candidate, Row, candidates, is_outcome, spelled
from derive.shapes import shape
from derive.supervisors import Reader
from derive.surface import Deep, Surface, View
from derive.terms import BOOL, INDEX, Domain, RuleError, Term, domain, num, subst

PER_VIEW = 24  # readings of one view that are tried
SECONDS, MORE = 8.0, 2.0  # for the search of a KL, and for a plainer one once one is found
THEN = 5.0  # for the search of another divergence
PROOFS = 12  # proofs that are tried of divergences that agree in numbers
LIGHT = frozenset({"indicators", "delta", "count", "split", "merge", "cancel"})
Letters = Mapping[Domain, Sequence[str]]
Why = dict[str, None]


@dataclass(frozen=True)
class Found:
    """A pair of a bare loss, proved: the claim in terms, its rows, and the proof."""

    problem: Problem
    rows: tuple[Row, ...]
    proof: Proof
    taker: Taker
    relation: str = "exact"  # or coarse, reverse, generalised

    @property
    def unit(self) -> Term:
        """What the weights of the rows are divided by."""
        return self.problem.scale if self.relation in ("exact", "coarse") else num(1)


@dataclass(frozen=True)
class Nothing:
    """No pair was found; `why` says how far each try came."""

    why: tuple[str, ...]


def bare(problem: Problem) -> Problem:
    """A claim without its pair."""
    return replace(
        problem, blocks=(), slack=(), scale=num(1), constant=num(0), steps=(), step_texts=(),
        worlds=(), divergence="kl", facts=(), fact_texts=(),
    )  # fmt: skip


def takers(problem: Problem) -> Iterator[Taker]:
    """The ways to look at a formula, the one that people see first."""
    learned = frozenset(problem.learned)
    ways = tuple(Normaliser(problem.hyps, problem.dims, **k) for k in STRATEGIES)
    light = Normaliser(problem.hyps, problem.dims)
    light.steps_taken = LIGHT
    folded = Normaliser(problem.hyps, problem.dims)
    folded.steps_taken = folded.steps_taken - {"unfold"}
    plain = Surface(problem.dims, learned)
    surface = replace(plain, kernels=frozenset(in_logarithms(plain, problem.published)))
    whole, divided = replace(surface, whole=True), replace(surface, divided=True)
    views: tuple[tuple[View, Keep], ...] = (
        (surface, "needed"), (whole, "needed"), (surface, "compared"), (surface, "all"),
        (divided, "needed"), (Deep(folded), "needed"), (Deep(ways[0]), "needed"),
    )  # fmt: skip
    for view, keep in views:
        yield Taker(view, keep, ways, light, learned)


def in_logarithms(view: Surface, published: Term) -> Iterator[int]:
    """The shapes of the learned sums that stand in logarithms of a formula."""
    for _, fs in view.poly(view.normal(published)):
        yield from (shape(f.args[0]) for f in fs if f.op == "log" and view.moves(f))


def recognise(problem: Problem, letters: Letters) -> Found | Nothing:
    """The pair of a bare loss, the plainest that was found; `letters` are those of its sets.

    One family of anchors whose kernel says nothing of conditions ends the search.
    """
    why: Why = {}
    best: tuple[tuple[int, ...], Found] | None = None
    with patience(SECONDS) as time:
        for taker in takers(problem):
            if time.spent():
                why["the time for the search is used up"] = None
                break
            for found in tries(problem, taker, letters, why, time):
                rank = plainness(found)
                if rank[:2] == (1, 0):
                    return found
                if best is None or rank < best[0]:
                    best = (rank, found)
                    time.at_most(MORE)
                break
    if best is not None:
        return best[1]
    with patience(THEN) as time:
        for taker in takers(problem):
            if (other := compared(problem, taker, letters, time)) is not None:
                return other
            break
    return Nothing(tuple(why))


def compared(problem: Problem, taker: Taker, letters: Letters, time: Patience) -> Found | None:
    """The pair of a loss that is another divergence, or the reverse direction."""
    comparer = Comparer(problem, taker, tuple(letters))
    tried = 0
    try:
        for guess in comparer.guesses():
            row = spelled(guess.row.plain(), namer(letters))
            claim = comparer.rows(replace(guess, row=row))
            if claim is None:
                continue
            tried += 1
            proof = prove(claim)
            if isinstance(proof, Proof):
                kind = "reverse" if guess.kind == "reverse-kl" else "generalised"
                return Found(claim, (row,), proof, taker, kind)
            if tried >= PROOFS or time.spent():
                break
    except (GaveUp, RuleError, Unsayable):
        pass
    return None


def plainness(found: Found) -> tuple[int, int, int, int]:
    """How little a pair needs: families of anchors, conditions inside kernels, anchors, words."""
    families = 1 if mirrored(found.rows, found.taker) else len(found.rows)
    inside = sum(conditions(r.kernel) for r in found.rows)
    anchors = sum(len(r.anchors) for r in found.rows)
    return families, inside, anchors, sum(r.kernel.size + r.p.size for r in found.rows)


def conditions(t: Term) -> int:
    """The number of conditions in a kernel; which outcome it is of does not count."""
    if t.op in BOOL:
        return int(not any(a.op in INDEX and is_outcome(domain(a)) for a in t.args))
    return sum(conditions(a) for a in t.args)


def tries(
    problem: Problem, taker: Taker, letters: Letters, why: Why, time: Patience
) -> Iterator[Found]:
    """The proved pairs that one view gives."""
    try:
        parts = taker.parts(problem.published)
        if not parts.partitions:
            why["no logarithm of a sum of kernels, and no kernel that sums to one"] = None
            return
        yield from read(problem, taker, letters, why, parts, "exact", time)
        if (groups := Grouper(taker).grouped(parts)) is not None:
            yield from read(problem, taker, letters, why, groups, "coarse", time)
    except (GaveUp, RuleError, Unsayable) as error:
        why[str(error)] = None


def read(
    problem: Problem, taker: Taker, letters: Letters, why: Why, parts: Parts, relation: str,
    time: Patience,
) -> Iterator[Found]:  # fmt: skip
    """The proved pairs of one way to take the formula apart."""
    maker = Maker(taker, tuple(d for d in letters if not isinstance(d, str)))
    for ps in islice(Reader(taker, parts).readings(), PER_VIEW):
        if time.spent():
            return
        made = [maker.row(p, q) for p, q in zip(parts.partitions, ps, strict=True)]
        rows = tuple(r.plain() for r in made if r is not None)
        if len(rows) < len(made):
            why["the kernels of a partition function make no one family"] = None
            continue
        fewer = Fuser(taker).fused(rows) if len(rows) > 1 and relation == "exact" else rows
        for some in dict.fromkeys((fewer, rows)):
            time.spent()  # the deadline is that of what comes next
            written = tuple(spelled(r, namer(letters)) for r in some)
            for found in proved(problem, taker, written, why):
                yield replace(found, relation=relation)


def proved(
    problem: Problem, taker: Taker, rows: tuple[Row, ...], why: Why
) -> Iterator[Found]:
    """The claims that rows make, as far as they are proved."""
    made: list[Candidate] = []
    try:
        made += candidates(problem, taker, rows)
    except (GaveUp, RuleError) as error:
        why[str(error)] = None
        return
    if not made:
        why["something learned is left beside the divergence"] = None
    for c in made:
        found = prove(c.problem)
        if isinstance(found, Proof):
            yield Found(c.problem, rows, found, taker)
        else:
            assert isinstance(found, NotProved)
            why[found.why] = None


class namer(dict[Domain, Iterator[str]]):
    """An endless supply of letters for each set, no letter twice."""

    def __init__(self, letters: Letters):
        super().__init__()
        self.letters, self.taken = letters, set[str]()

    def __missing__(self, d: Domain) -> Iterator[str]:
        self[d] = self.fresh(d)
        return self[d]

    def fresh(self, d: Domain) -> Iterator[str]:
        """New letters of a set."""
        while True:
            name = letter_for(d, self.letters, self.taken)
            self.taken.add(name)
            yield name


def mirrored(rows: Sequence[Row], taker: Taker) -> bool:
    """Whether two rows are the rows and the columns of one kernel, with p alike."""
    if len(rows) != 2 or any(len(r.anchors) != 1 or len(r.over) != 1 for r in rows):
        return False
    a, b = rows
    names = {b.anchors[0]: a.over[0], b.over[0]: a.anchors[0]}
    if any(domain(v) != domain(w) for v, w in names.items()):
        return False
    pairs = (
        (a.kernel, b.kernel), (a.p, subst(b.p, {b.anchors[0]: a.anchors[0], b.over[0]: a.over[0]})),
        (a.weight, b.weight), (a.allowed, b.allowed),
    )  # fmt: skip
    first = taker.same(pairs[0][0], subst(pairs[0][1], names))
    return first and all(taker.same(x, subst(y, names)) for x, y in pairs[2:])


def settled(found: Found, method: Method, seed: int = 0) -> Certificate:
    """The certificate of a pair that no method file can say, after the checks of `derive.verify`.

    Raises:
        InputError: the hypotheses have no model, leave nothing to learn, or tie learned to given.
        JudgesDisagree: a ball contradicts the proof, which is a defect of this program.
    """
    from derive import balls
    from derive.verify import JudgesDisagree, check_free, check_something_to_learn

    claim = found.problem
    check_free(method, claim)
    model = next((m for n in LIMITS if (m := model_at(claim, n, seed)) is not None), None)
    if model is None:
        raise InputError("no model of the hypotheses was found; contradictory ones prove anything")
    check_something_to_learn(method, claim, model, seed)
    if (witness := balls.refute_value(claim, LIMITS[:2], seed)) is not None:
        raise JudgesDisagree(f"{method.id}: proved, and refuted by {witness.describe()}")
    certificate = certify(method.id, found.proof, claim, model_json(model))
    check_body(certificate.body)
    return certificate
