"""Planted errors: does the pipeline refute what is wrong, and does it never prove it?

A mutant is refuted with a rigorous witness, or it goes to the prover. What the prover accepts is
looked at again by judges that share nothing with the proof; a contradiction is counted as wrongly
accepted, and so is a proof of something that a witness refutes. What neither refutes nor proves is
undecided. See docs/planted-errors.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any

import flint

from catalog.errors import InputError
from catalog.notation import to_text
from catalog.spec import Method
from derive import balls, enclose, statements, sympy_judge
from derive.bounds import EFFORTS
from derive.bridge import Problem, problem
from derive.enclose import Undefined
from derive.finite import quickly
from derive.instance import case_at, instance
from derive.mutants import KINDS, Mutant, mutants
from derive.normal import GaveUp
from derive.prove import NotProved, Proof, Search, prove
from derive.terms import RuleError
from derive.theorem import Theorem
from derive.translate import scalar
from derive.verify import check_pair
from derive.witness import Witness

REFUTED, VARIANT, WRONG, OPEN = "refuted", "true variant", "wrongly accepted", "undecided"
FRESH = (3, 2, 5, 4, 6)  # sizes of the models that judge a proof again
FRESH_SEED = 1000  # no model of the first look has it
DIGITS, PRECISION = 40, 320
SMALL = 40  # mutants that are not worth a second process
CHUNK = 8
# the deepest search for a false inequality would take minutes to find none, and after the lines of
# a proof the shortest finds what there is
SHORT = EFFORTS[:2]
BLIND = 10  # every so many refuted mutants the prover is asked too


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant. `how` is the kind of witness, or why it survived.

    `asked` says that the prover was asked although there is a witness; `claim` is the mutant's
    claim in the formula language, of survivors only.
    """

    method_id: str
    kind: str
    where: str
    change: str
    verdict: str
    how: str
    asked: bool = False
    claim: str = ""


@dataclass(frozen=True)
class Row:
    """The counts of one kind of error."""

    kind: str
    made: int
    refuted: int
    true_variants: int
    wrongly_accepted: int
    undecided: int


@dataclass(frozen=True)
class MutationReport:
    """The outcomes of all mutants of a run, in the order in which they were made."""

    seed: int
    outcomes: tuple[Outcome, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The counts of each kind that occurs."""
        rows = []
        for kind in KINDS:
            found = Counter(o.verdict for o in self.outcomes if o.kind == kind)
            if found:
                rows.append(counted(kind, found))
        return tuple(rows)

    @property
    def total(self) -> Row:
        """The counts of all kinds together."""
        return counted("all", Counter(o.verdict for o in self.outcomes))

    @property
    def table(self) -> list[tuple[str, int, int, int, int, int]]:
        """The rows and their total as they are printed."""
        rows = (*self.rows, self.total)
        return [
            (r.kind, r.made, r.refuted, r.true_variants, r.wrongly_accepted, r.undecided)
            for r in rows
        ]

    @property
    def rate(self) -> float:
        """The share of the mutants that are no true variants for which there is a witness."""
        errors = self.total.made - self.total.true_variants
        return self.total.refuted / errors if errors else 1.0

    @property
    def asked(self) -> int:
        """How many mutants the prover was asked to prove although there is a witness."""
        return sum(o.asked for o in self.outcomes)

    def survivors(self, verdict: str) -> tuple[Outcome, ...]:
        """The mutants with a verdict other than refuted."""
        return tuple(o for o in self.outcomes if o.verdict == verdict)

    def to_json(self) -> dict[str, Any]:
        """The report as data; every survivor is listed with its claim and its explanation."""
        return {
            "seed": self.seed, "rate": round(self.rate, 5), "asked": self.asked,
            "rows": [asdict(r) for r in self.rows], "total": asdict(self.total),
            "refuted_by": dict(Counter(o.how for o in self.outcomes if o.verdict == REFUTED)),
            "survivors": [asdict(o) for o in self.outcomes if o.verdict != REFUTED],
        }  # fmt: skip


def counted(kind: str, found: Counter[str]) -> Row:
    """A row from the number of each verdict."""
    verdicts = (REFUTED, VARIANT, WRONG, OPEN)
    return Row(kind, sum(found.values()), *(found[v] for v in verdicts))


# --------------------------------------------------------------------------- a run


def run(
    n: int,
    seed: int = 0,
    *,
    progress: Callable[..., object] | None = None,
    jobs: int = 2,
    blind: int = BLIND,
    methods: Sequence[Method] | None = None,
) -> MutationReport:
    """Plant n errors in what is claimed and judge each; the same seed gives the same report.

    `progress` is called once for every mutant. Every `blind`-th refuted mutant is given to the
    prover as well (1: all of them, 0: none). `jobs` is the number of processes.
    """
    # all mutants are made before the first process starts: letters are unique in one process only
    made = mutants(n, seed, methods)
    tell = progress or (lambda *_: None)
    outcomes: list[Outcome | None] = [None] * len(made)
    ask = [bool(blind) and k % blind == 0 for k in range(len(made))]
    if jobs == 1 or len(made) <= SMALL:
        for k, mutant in enumerate(made):
            outcomes[k] = judge(mutant, ask[k])
            tell(1)
        return MutationReport(seed, tuple(o for o in outcomes if o))
    # the mutants of one method share its models, so they stay together
    order = sorted(range(len(made)), key=lambda k: made[k].method.id)
    chunks = [order[k : k + CHUNK] for k in range(0, len(order), CHUNK)]
    with ProcessPoolExecutor(jobs) as pool:
        work = [[(made[k], ask[k]) for k in chunk] for chunk in chunks]
        for chunk, done in zip(chunks, pool.map(judge_all, work), strict=True):
            for k, outcome in zip(chunk, done, strict=True):
                outcomes[k] = outcome
                tell(1)
    return MutationReport(seed, tuple(o for o in outcomes if o))


def judge_all(work: Sequence[tuple[Mutant, bool]]) -> list[Outcome]:
    """The outcomes of some mutants."""
    return [judge(mutant, ask) for mutant, ask in work]


# --------------------------------------------------------------------------- one mutant


def judge(mutant: Mutant, ask: bool = False) -> Outcome:
    """What the pipeline says of a mutant; with `ask` the prover speaks beside a witness too."""
    claim = problem(mutant.method)
    how = refutation(mutant.method, claim)
    if how and not ask:
        return outcome(mutant, REFUTED, how)
    why = "" if how else explanation(mutant, claim)
    try:
        found = why or prove(claim, SHORT, SHORT[:1] if claim.steps else SHORT)
    except Exception as error:  # a defect, to be shown: it must not cost the other outcomes
        return outcome(mutant, OPEN, f"the prover failed: {type(error).__name__}: {error}")
    if how:
        if isinstance(found, Proof):
            return outcome(mutant, WRONG, f"proved, and refuted: {how}", True)
        return outcome(mutant, REFUTED, how, True)
    against, agreed = fresh_look(mutant.method, claim)
    if not isinstance(found, NotProved):
        if against or not agreed:
            return outcome(mutant, WRONG, f"proved, but {against or 'no fresh model confirms it'}")
        return outcome(mutant, VARIANT, why or "the whole claim is proved")
    if against:
        return outcome(mutant, REFUTED, "a fresh model", True)
    return outcome(mutant, OPEN, f"{found.why}; both sides agree in {agreed} fresh models")


def outcome(mutant: Mutant, verdict: str, how: str, asked: bool = False) -> Outcome:
    """The outcome of a mutant, with its claim if it survived."""
    text = "" if verdict == REFUTED else claim_text(mutant.method)
    return Outcome(
        mutant.method.id, mutant.kind, mutant.where, mutant.change, verdict, how, asked, text
    )


def claim_text(method: Method) -> str:
    """A claim in one line."""
    claim = method.claim
    if method.statements:
        return "; ".join(map(to_text, method.statements))
    side = f"({to_text(claim.scale)}) I-Con + {to_text(claim.constant)}"
    if claim.below is None and claim.above is None:
        return f"{to_text(method.published)} = {side}"
    low, high = ("any" if b is None else to_text(b) for b in (claim.below, claim.above))
    return f"{to_text(method.published)} - ({side}) between -({low}) and {high}"


def refutation(method: Method, claim: Problem) -> str:
    """The kind of witness that there is against a claim, "" where none was found.

    A model of size 3 refutes nearly all; a rare failure may need more elements or other data.
    """
    if not claim.equation:
        return of_statements(method, claim)
    if witness := balls.refute_value(claim, (3,)):
        return kind_of(witness)
    try:
        check_pair(method, claim, 0)
    except InputError as error:
        return str(error).partition(", for instance")[0].rpartition(": ")[2]
    for sizes, seed in (((4, 8), 0), ((2, 3, 5), 1), ((3, 4, 6), 2)):
        if witness := balls.refute_value(claim, sizes, seed):
            return kind_of(witness)
    return ""


def of_statements(method: Method, claim: Problem) -> str:
    """The kind of witness against a bound, a limit or a theorem, "" where none was found."""
    for sizes, seed in (((3,), 0), ((2, 4), 1)):
        if witness := statements.refute(claim, sizes, seed):
            return kind_of(witness)
        try:
            check_pair(method, claim, seed)
        except InputError as error:
            return str(error).partition(", for instance")[0].rpartition(": ")[2]
    return ""


def kind_of(witness: Witness) -> str:
    """In a word what a witness shows."""
    return "no value" if witness.kind == "undefined" else "another value"


# --------------------------------------------------------------------------- what was proved


def fresh_look(method: Method, claim: Problem) -> tuple[str, int]:
    """What speaks against a claim in five fresh models and for sympy, and how many confirm it."""
    agreed = 0
    for k, n in enumerate(FRESH if claim.equation else ()):
        case = case_at(claim, n, FRESH_SEED + k, "generic")
        if case is None:
            continue
        roots = (case.left, case.right, case.diff)
        values = enclose.evaluate(case.tape, roots, case.point(), PRECISION)
        left, right, gap = (enclose.look(values, x) for x in roots)
        for side in (left, right, gap):
            if isinstance(side, Undefined):
                return f"at n = {n} it has no value: {side.text}", agreed
        if not gap.contains(0):
            return f"at n = {n} the sides are {left.str(15)} and {right.str(15)}", agreed
        agreed += bool(gap.rad() < flint.arb(10) ** -DIGITS)
        if k == 0:
            said = quickly(partial(sympy_judge.judge, method, [case.model]))
            if said.outcome == "different":
                return f"sympy says: {said.detail or ', '.join(said.left + said.right)}", agreed
    return ("", agreed) if claim.equation else fresh_statements(method, claim)


def fresh_statements(method: Method, claim: Problem) -> tuple[str, int]:
    """The same of a bound, a limit or a theorem."""
    agreed = 0
    for k, n in enumerate((*FRESH[:3], 1)):
        if n == 1 and agreed:  # asked where the hypotheses have no larger model that is found
            break
        for m in islice(statements.models(claim, (n,), FRESH_SEED + k), 6):
            found = statements.looked_at(instance(claim, m))
            if found.kind in ("false", "undefined"):
                return f"at n = {n} {found.where or 'a statement is false'}", agreed
            agreed += found.kind == "true"
            if k == 0 and agreed == 1:
                said = quickly(partial(sympy_judge.judge_statements, method, m))
                if said.outcome == "different":
                    return f"sympy says: {said.detail}", agreed
    return "", agreed


def explanation(mutant: Mutant, claim: Problem) -> str:
    """Why a mutant is none: the smallest part around the change that is equal to what was there.

    The rest of the claim is as it was, so that it holds with the one part as with the other; that
    p and q are a pair with the changed part is shown anew.
    """
    search = Search(claim)
    try:
        if not claim.facts and isinstance(search.pair(), NotProved):
            return ""
    except (GaveUp, RuleError):
        return ""
    for before, after in mutant.chain:
        try:
            same = search.equal(scalar(before), scalar(after))
        except (GaveUp, RuleError):
            continue
        if isinstance(same, Theorem):
            return f"{to_text(before)} = {to_text(after)}"
    return ""


def lines(report: MutationReport) -> Iterator[str]:
    """The report as a Markdown table."""
    yield "| kind | made | refuted | true variants | wrongly accepted | undecided |"
    yield "|---|--:|--:|--:|--:|--:|"
    yield from (f"| {' | '.join(map(str, line))} |" for line in report.table)
