"""Proofs of claimed edges: one published formula is another, for every N.

An edge of kind special-case or equal-up-to states `published_A[put] = scale * published_B +
constant` under the hypotheses of B and those that the edge adds. As for a method, fixed-size judges
look for a refutation first, then the search derives the equation, and the derivation is replayed.
An edge of another kind states
a theorem about its ends, or follows from the verdict on an entry that speaks of both.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog import symbols as s
from catalog.edges import Claimed
from catalog.equation import Equation, equation
from catalog.errors import InputError
from catalog.spec import Method
from catalog.stated import paired, theorem
from catalog.ties import untied
from derive import balls
from derive.bridge import Problem, below_root, plain_fact, problem
from derive.certificate import canonical_json, encode
from derive.check import check_text, other_claim
from derive.defined import missing, of_claim, uncovered
from derive.instance import LIMITS, model_at
from derive.normal import GaveUp
from derive.printing import text
from derive.prove import NotProved, Search, wanting
from derive.replay import replay
from derive.sentences import judgement_text
from derive.terms import RuleError, num
from derive.theorem import Judgement, Theorem
from derive.translate import scalar
from derive.verdict import NEGATIVE, Proved, Refuted, Unknown, Verdict

MORE = (2, 5, 6, 1)  # sizes for hypotheses that the usual ones leave without a model


@dataclass(frozen=True)
class EdgeVerdict:
    """What is known of a claimed edge.

    outcome: "proved" (for every N, `hash` names the derivation of `steps` steps, or by the verdict
    on an entry, see `why`), "refuted" (see `why`), "unknown", or "claimed" where nobody asked.
    `hypotheses` are those the proof used. `beyond` lists hypotheses of the source that are not
    shown to hold after the substitution: there the edge extends the source past its stated range.
    `freed` names what the target trains and the source does not.
    """

    edge: Claimed
    outcome: str
    why: str = ""
    theorem: str = ""
    hypotheses: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()
    steps: int = 0
    hash: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the edge may stand."""
        return self.outcome == "proved"


@dataclass(frozen=True)
class Replayed:
    """The equation as a theorem that a replay of `rows` and `steps` gave."""

    theorem: Theorem
    defined: tuple[Theorem, ...]
    rows: list[Any]
    steps: list[Any]

    @property
    def hash(self) -> str:
        """sha256 of the canonical JSON of the derivation."""
        return hashlib.sha256(canonical_json([self.rows, self.steps]).encode()).hexdigest()


def judge(
    edge: Claimed,
    methods: Callable[[str], Method],
    *,
    prove: bool = True,
    seed: int = 0,
    certificates: Path | None = None,
) -> EdgeVerdict:
    """The verdict on an edge; `methods` finds a method by its id.

    Where the verdict on an entry proves the edge, and `certificates`, a folder, has a certificate
    of that entry, it is replayed in place of a search.

    Raises:
        InputError: a method is not there, the substitution does not fit, or a certificate does not
            hold or is one of another claim.
    """
    start = time.perf_counter()
    found = _judge(edge, methods, prove, seed, certificates)
    return replace(found, seconds=time.perf_counter() - start)


def _judge(
    edge: Claimed,
    methods: Callable[[str], Method],
    prove: bool,
    seed: int,
    certificates: Path | None,
) -> EdgeVerdict:
    from derive.verify import check_free

    source, target = (_method(edge, name, methods) for name in (edge.source, edge.target))
    if not edge.states_equation:
        if edge.states_theorem:
            return _by_theorem(edge, source, target, prove)
        return _by_entry(edge, source, target, methods, prove, certificates)
    said = equation(edge, source, target)
    if not prove:
        return EdgeVerdict(edge, "claimed", freed=said.freed)
    claim = in_terms(said)
    check_free(said.words, claim)  # else a learned term could pass as a constant
    size = next((n for n in (*LIMITS, *MORE) if model_at(claim, n, seed) is not None), None)
    if size is None:
        why = "no model of the hypotheses was found, and contradictory ones would prove anything"
        return EdgeVerdict(edge, "unknown", why, freed=said.freed)
    if (witness := balls.refute_value(claim, LIMITS, seed)) is not None:
        return EdgeVerdict(edge, "refuted", witness.describe(), freed=said.freed)
    found = derive(claim)
    if isinstance(found, NotProved):
        why = f"no derivation for every N was found: {found.why}"
        return EdgeVerdict(edge, "unknown", why, freed=said.freed)
    hyps = found.theorem.hyps.union(*(t.hyps for t in found.defined))
    left, right = found.theorem.concl[1:]
    return EdgeVerdict(
        edge, "proved", freed=said.freed,
        theorem=f"{text(left, claim.dims)} = {text(right, claim.dims)}",
        hypotheses=tuple(sorted(judgement_text(h, claim.dims) for h in hyps)),
        beyond=tuple(beyond(said.granted, claim)), steps=len(found.steps), hash=found.hash,
    )  # fmt: skip


def _method(edge: Claimed, name: str, methods: Callable[[str], Method]) -> Method:
    try:
        return methods(name)
    except InputError as error:
        raise edge.at.error(error.message, error.hint) from None


def in_terms(said: Equation) -> Problem:
    """The equation as a claim without a pair: published = 1 * 0 + constant.

    `constant` is the whole right side, so that the fixed-size judges can be asked about it.
    """
    words = replace(said.words, published=said.left)
    claim = problem(words)
    return replace(claim, scale=num(1), constant=scalar(said.whole), blocks=())


def derive(claim: Problem) -> Replayed | NotProved:
    """The equation as a replayed theorem, with those that make both sides defined."""
    search = Search(claim)
    try:
        found, open_ = missing(of_claim(claim.published, claim.constant, num(0), ()), search.plain)
        if open_:
            return NotProved(wanting(open_[0]), open_[0].arg)
        eq = search.equal(claim.published, claim.constant)
    except (GaveUp, RuleError) as error:
        return NotProved(str(error))
    return eq if isinstance(eq, NotProved) else replayed(eq, found, claim)


def replayed(eq: Theorem, defined: list[Theorem], claim: Problem) -> Replayed:
    """The derivation as data, run again by the rules alone.

    Raises:
        RuleError: it does not give the equation of `claim` with both sides defined.
    """
    rows, steps, roots = encode([*defined, eq])
    done = replay(rows, steps)
    last, signs = done[roots[-1]], [done[k] for k in roots[:-1]]
    if last.concl != ("eq", claim.published, claim.constant):
        raise RuleError("the derivation proves another equation")
    if not last.hyps.union(*(t.hyps for t in signs)) <= set(claim.hyps):
        raise RuleError("the derivation uses a hypothesis that nobody granted")
    if uncovered(of_claim(claim.published, claim.constant, num(0), ()), {t.concl for t in signs}):
        raise RuleError("nothing shows that both sides have a value")
    return Replayed(last, tuple(signs), rows, steps)


def beyond(granted: Iterable[s.Fact], claim: Problem) -> Iterable[str]:
    """The hypotheses of the source that are not shown to hold, in words."""
    search = Search(claim)
    for fact in granted:
        if not _holds(judgement(fact), search):
            yield fact.text


def judgement(fact: s.Fact) -> Judgement:
    """A fact in terms."""
    a, b = scalar(below_root(fact)), scalar(fact.right)
    if fact.relation == "=":
        return plain_fact(("eq", a, b))
    return plain_fact(("pos" if fact.relation == ">" else "nn", a if b is num(0) else a - b))


def _holds(j: Judgement, search: Search) -> bool:
    try:
        if j[0] == "eq":
            return isinstance(search.equal(j[1], j[2]), Theorem)
        find = search.plain.pos if j[0] == "pos" else search.plain.nn
        return find(j[1]) is not None
    except (GaveUp, RuleError):
        return False


def _by_theorem(edge: Claimed, source: Method, target: Method, prove: bool) -> EdgeVerdict:
    """The verdict on the theorem that an edge states."""
    said, words = theorem(edge, source, target)
    return _judged(edge, said, words, edge.kind == "bound", prove)


def _judged(
    edge: Claimed, said: Method, words: Equation, ranges: bool, prove: bool
) -> EdgeVerdict:
    """The verdict on an entry made for an edge; with `ranges`, what lies beyond the source's."""
    from derive.verify import verify

    if not prove:
        return EdgeVerdict(edge, "claimed", freed=words.freed)
    try:
        found = verify(said)
    except InputError as error:
        return EdgeVerdict(edge, "unknown", error.message, freed=words.freed)
    if isinstance(found, Refuted):
        return EdgeVerdict(edge, "refuted", found.witness.describe(), freed=words.freed)
    if isinstance(found, Unknown):
        return EdgeVerdict(edge, "unknown", found.why, freed=words.freed)
    assert isinstance(found, Proved) and found.certificate is not None
    more = beyond(words.granted, problem(said)) if ranges else ()
    return EdgeVerdict(
        edge, "proved", theorem=found.theorem_text, hypotheses=found.hypotheses,
        beyond=tuple(more), freed=words.freed, steps=len(found.certificate.body["steps"]),
        hash=found.certificate.hash,
    )  # fmt: skip


def _by_entry(
    edge: Claimed,
    source: Method,
    target: Method,
    methods: Callable[[str], Method],
    prove: bool,
    certificates: Path | None,
) -> EdgeVerdict:
    """The verdict that the named entry's own verdict lends, where it speaks of the edge."""
    entry = _method(edge, edge.proof, methods)
    shown = edge.states_source
    if missing_ := untied(edge.kind, source, target, entry, shown=shown):
        return EdgeVerdict(edge, "unknown", f"the entry {entry.id} does not prove it: {missing_}")
    link = EdgeVerdict(edge, "proved" if prove else "claimed")
    if shown:  # the words of the substitution are those of the entry
        link = _judged(edge, *paired(edge, source, entry), True, prove)
    if link.outcome != "proved":
        return link
    parts = (entry, target) if edge.kind == "contradicts" else (entry,)
    words = []
    for part in parts:
        if replays(part, certificates):
            words.append(f"{part.id}: proved")
            continue
        found = _verdict(part)
        if not found.ok:
            why = f"the verdict on {part.id} is {found.word}, not as claimed"
            return EdgeVerdict(edge, "unknown", why)
        words.append(f"{part.id}: {found.word}")
    return replace(link, why=f"by the verdict on {' and '.join(words)}")


def replays(entry: Method, certificates: Path | None) -> bool:
    """Whether the folder has a certificate of what an entry claims, which then is replayed.

    Raises:
        InputError: it has one, which does not hold or is one of another claim.
    """
    if certificates is None or entry.claim.relation in NEGATIVE:
        return False
    path = certificates / f"{entry.id}.json"
    if not path.is_file():
        return False
    result = check_text(path.read_text(encoding="utf-8"), str(path))
    if result.method_id != entry.id or other_claim(result, problem(entry)):
        raise InputError(f"the certificate does not prove what {entry.id} claims", path=str(path))
    return True


def _verdict(entry: Method) -> Verdict:
    """The verdict on an entry of the catalog, which several edges may ask for."""
    from derive.verify import verify

    known = _VERDICTS.get(entry.id)
    if known is None or known[0] != entry:
        known = _VERDICTS[entry.id] = (entry, verify(entry))
    return known[1]


_VERDICTS: dict[str, tuple[Method, Verdict]] = {}
