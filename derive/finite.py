"""The fixed-size judges together: what balls, a prime field and sympy say of one claim.

A claim that holds is looked at in models of about 3, 4 and 8 elements: its two sides as balls, its
gradient modulo a random prime, and once by sympy from the surface formulas. A claim that fails is
refuted by the first model that shows it. Agreement is evidence at those sizes, never a proof.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice

from catalog.spec import Method
from derive import balls, enclose, gradient, statements, sympy_judge
from derive.bridge import Problem
from derive.gradient import Gradient
from derive.instance import LIMITS, case_at, cases, instance, model_at, signature_of
from derive.models import Model
from derive.novalue import no_value
from derive.sampling import conflict, random_model
from derive.sympy_judge import SympyReport
from derive.theorem import Judgement
from derive.universal import Universal, universal
from derive.witness import AFFINE, CLAIM, Witness, of_models

MORE = (2, 5, 6, 1)  # sizes for hypotheses without a model at those asked for
ONE = (1,)  # where a claim that holds elsewhere may fail: one sample, one neighbour
WHOLE = ((3, 5, 7), (2, 4, 6))  # given scalars tried where their fractions ask for too many roots


LOST = "a quotient or a logarithm has no value here; at other points the two sides agree"


@dataclass(frozen=True)
class FiniteReport:
    """What the judges found.

    model: a finite model of the hypotheses, None where none was found (`conflicting` then names a
    smallest set of hypotheses without one). value: "agree", "refuted" (see `witness`) or "abstain".
    gradient: of the largest instance that was judged; "different" if any instance was. `looked_at`
    counts the models whose two sides agreed. universal: for a refuted negative claim, a certificate
    against every I-Con loss where there is one. `disagreement` says which judges contradict each
    other, "" if none do: then nothing is to be believed.
    """

    model: Model | None
    value: str
    witness: Witness | None
    gradient: Gradient
    sympy: SympyReport
    seconds: float
    looked_at: int = 0
    conflicting: tuple[str, ...] = ()
    disagreement: str = ""
    universal: Universal | None = None


def judge(
    method: Method,
    problem: Problem,
    *,
    seed: int = 0,
    sizes: Sequence[int] = LIMITS,
    affine: bool,
    sympy: bool = True,
) -> FiniteReport:
    """Judge a claim at fixed sizes.

    With `affine` (negative claims) the question is whether any scale > 0 and any constant fit;
    otherwise whether those stated do.
    """
    start = time.perf_counter()
    there = (n for n in sizes if model_at(problem, n, seed) is not None)
    fit = list(there if problem.equation else islice(there, 2))  # statements are judged at two
    sizes = fit or [n for n in MORE if model_at(problem, n, seed) is not None][:1]
    model = model_at(problem, sizes[0], seed) if sizes else None
    if model is None:
        return FiniteReport(
            None, "abstain", None, Gradient("abstain", "no model"), SympyReport("abstain"),
            time.perf_counter() - start, conflicting=conflicting(problem, seed),
        )  # fmt: skip
    if not problem.equation:
        return judge_statements(method, problem, model, sizes, seed, start, sympy)
    if affine:
        witness = balls.no_affine(problem, sizes, seed)
    else:
        witness = balls.refute_value(problem, sizes, seed, explain=True) or at_one(problem, seed)
    if witness is not None:
        witness = with_value(problem, witness, sizes, seed)
        slope = slopes(problem, sizes[:2], seed)
        says = sympy_of(method, model, witness, sympy)
        if says.outcome == "agree" and lost(problem, sizes[0], seed, witness):
            witness = replace(witness, kind="undefined", text=LOST)
        every = universal(problem, sizes, seed) if affine else None
        return FiniteReport(
            model, "refuted", witness, slope, says, time.perf_counter() - start,
            disagreement=clash("refuted", slope, says, witness), universal=every,
        )  # fmt: skip
    count = 0 if affine else agreeing(problem, sizes, seed)
    slope = slopes(problem, sizes, seed)
    says = sympy_of(method, model, None, sympy)
    value = "agree" if count else "abstain"
    return FiniteReport(
        model, value, None, slope, says, time.perf_counter() - start, count,
        disagreement=clash(value, slope, says, None),
    )  # fmt: skip


def judge_statements(
    method: Method,
    problem: Problem,
    model: Model,
    sizes: Sequence[int],
    seed: int,
    start: float,
    sympy: bool,
) -> FiniteReport:
    """Judge bounds, limits and theorems: balls refute, sympy looks at the witness or a model."""
    witness = statements.refute(problem, sizes, seed) or statements.refute(problem, ONE, seed)
    count = 0 if witness else statements.agreeing(problem, sizes, seed)
    value = "refuted" if witness else "agree" if count else "abstain"
    says = SympyReport("abstain", detail="not asked")
    if sympy and witness:
        says = sympy_judge.judge_statements(method, witness.models()[0])
    elif sympy:
        says = quickly(partial(sympy_judge.judge_statements, method, model))
    clash = ""
    if value == "agree" and says.outcome == "different" and not says.detail.startswith("no value"):
        clash = f"the statements hold as balls, sympy finds one false: {says.detail}"
    if witness and witness.kind != "undefined" and says.outcome == "agree":
        clash = "balls refute a statement, sympy's values satisfy them all"
    slope = Gradient("abstain", "not an equation")
    return FiniteReport(
        model, value, witness, slope, says, time.perf_counter() - start, count, disagreement=clash
    )


def at_one(problem: Problem, seed: int) -> Witness | None:
    """A witness in which some sets have one element: there a loss may be right elsewhere only.

    It is not classified: with one candidate most losses are constant, which means nothing.
    """
    found = balls.refute_value(problem, ONE, seed)
    return balls.simpler(problem, found) if found and found.kind != "sign" else found


def with_value(problem: Problem, w: Witness, sizes: Sequence[int], seed: int) -> Witness:
    """The witness, or another where both sides have values if it sits where one has none.

    Where there is no other, it is said to be one of a formula without a value: the numbers that
    total operations give (1/0 = 0) refute nothing that a reader means.
    """
    if w.against != CLAIM or w.kind in ("undefined", "sign"):
        return w
    where = no_value(problem, w.models()[0])
    if not where:
        return w
    for case in cases(problem, sizes, seed):
        found = enclose.compare(case)
        if found.kind == "differ" and not no_value(problem, case.model):
            values = [(found.left, found.right)]
            return of_models(problem, w.kind, CLAIM, [case.model], values, w.text)
    return replace(w, kind="undefined", left=(), right=(), text=where)


def lost(problem: Problem, n: int, seed: int, witness: Witness) -> bool:
    """Whether a witness sits where a formula has no value.

    Asked when sympy, which cancels before it evaluates, finds the sides equal there: they agree
    where both are defined, and the witness is a 0/0 that a factor 0 seemed to excuse.
    """
    if witness.kind == "undefined" or witness.against == AFFINE:
        return False
    found = (case_at(problem, n, seed + k, "generic") for k in range(8))
    return any(c is not None and enclose.compare(c).kind == "agree" for c in found)


def agreeing(problem: Problem, sizes: Sequence[int], seed: int) -> int:
    """In how many models the two sides agree as thin balls."""
    return sum(enclose.compare(case).kind == "agree" for case in cases(problem, sizes, seed))


def slopes(problem: Problem, sizes: Sequence[int], seed: int) -> Gradient:
    """The gradient judge at all sizes: different if it ever is, else the last it could judge."""
    best = Gradient("abstain", "no model")
    for n in sizes:
        found = slope_at(problem, n, seed)
        if found.outcome == "different":
            return found
        if found.outcome == "equal" or best.outcome == "abstain":
            best = found
    return best


def slope_at(problem: Problem, n: int, seed: int) -> Gradient:
    """The gradient judge at one size, with whole given scalars if roots stand in the way."""
    case = case_at(problem, n, seed, "generic")
    if case is None:
        return Gradient("abstain", f"the hypotheses have no model of size {n}")
    found = gradient.judge(case, seed)
    scalars = [k for k, doms in signature_of(problem).families.items() if not doms]
    given = [k for k in scalars if k not in problem.learned]
    for whole in WHOLE if given else ():
        if found.outcome != "abstain" or "root" not in found.why:
            break
        pools = {k: [Fraction(x) for x in whole] for k in given}
        model = model_at(problem, n, seed, "generic", pools)
        if model is not None:
            found = gradient.judge(instance(problem, model), seed)
    return found


def sympy_of(method: Method, model: Model, witness: Witness | None, wanted: bool) -> SympyReport:
    """The sympy judge at the witness, or at the model where there is none."""
    if not wanted:
        return SympyReport("abstain", detail="not asked")
    if witness is None:
        return quickly(partial(sympy_judge.judge, method, [model]))
    return sympy_judge.judge(method, witness.models())


def quickly(ask: Callable[..., SympyReport]) -> SympyReport:
    """What sympy says by values, where these agree; else what it says of expressions."""
    says = ask(values=True)
    return says if says.outcome == "agree" else ask()


def clash(value: str, slope: Gradient, says: SympyReport, witness: Witness | None) -> str:
    """How the judges contradict each other, "" if they do not."""
    if value == "agree" and slope.outcome == "different":
        return "the two sides agree as balls but the gradient is not zero"
    # a side without a value is the derivation's to refuse: sympy and the tape cancel differently
    if value == "agree" and says.outcome == "different" and not says.detail.startswith("no value"):
        return f"balls agree, sympy does not: {says.detail}"
    if witness is None:
        return ""
    # a constant published loss, and one with a negative scale, are affine images all the same
    affine = witness.against == AFFINE and witness.kind != "different"
    if says.outcome == "agree" and not affine and witness.kind not in ("undefined", "sign"):
        return "balls refute the claim, sympy's values satisfy it"
    if slope.outcome == "equal" and witness.kind == "different" and witness.against == AFFINE:
        return "no scale fits as balls, but the gradient is zero"
    return ""


def conflicting(problem: Problem, seed: int) -> tuple[str, ...]:
    """The words of a smallest set of hypotheses that no model was found for, at any size tried."""
    signature = signature_of(problem)

    def find(hyps: Sequence[Judgement]) -> Model | None:
        for n in (2, 3, 4, 6, 1):
            sizes = dict.fromkeys(signature.sets, n)
            rng = random.Random(repr((seed, n)))
            if found := random_model(hyps, signature, sizes, rng, restarts=3):
                return found
        return None

    return tuple(problem.texts[k] for k in conflict(problem.hyps, find))
