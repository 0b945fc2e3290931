"""The pipeline: one verdict of all judges.

1 the hypotheses have a model; 2 the pair is a pair (p sums to one, weights sum to one, all signs);
3 fixed-size judges look for a refutation; 4 the search derives the identity for every N and the
certificate is replayed. Judges that contradict each other are an error of the project, no verdict.
"""

from __future__ import annotations

import time
from dataclasses import replace

from catalog.errors import InputError
from catalog.spec import Method
from derive import balls, finite
from derive.bridge import Problem, problem
from derive.certificate import certify, model_json
from derive.check import check_body
from derive.claims import families, total
from derive.finite import FiniteReport
from derive.garbage import young_only
from derive.instance import other_point
from derive.models import Model
from derive.prove import NotProved, Proof, prove
from derive.rescaled import rescaled
from derive.terms import Term, mk, num
from derive.theorem import MINUS
from derive.vacuous import vacuous
from derive.verdict import NEGATIVE, Judge, Proved, Refuted, Unknown, Verdict
from derive.witness import CLAIM, Witness


class JudgesDisagree(Exception):
    """Two judges contradict each other: a defect of this program, to be reported."""


@young_only()
def verify(method: Method, *, prove: bool = True, seed: int = 0) -> Verdict:
    """The verdict on the claim of a method.

    Raises:
        InputError: the claim cannot be judged: no model of the hypotheses, p or the weights do not
            normalise, or a relation that is not decided yet.
        JudgesDisagree: never, unless this program is wrong.
    """
    start = time.perf_counter()
    relation = method.claim.relation
    claim = problem(method)
    check_free(method, claim)
    negative = relation in NEGATIVE
    report = finite.judge(method, claim, seed=seed, affine=negative and claim.equation)
    if report.model is None:
        words = "; ".join(f"{w!r}" for w in report.conflicting) or "all of them"
        raise InputError(
            f"no model of the hypotheses was found, they seem to contradict each other: {words}. "
            "Contradictory hypotheses would prove anything; drop or mend one of them",
            path=method.path,
        )
    if claim.learned:
        check_something_to_learn(method, claim, report.model, seed)
    if report.disagreement:
        raise JudgesDisagree(f"{method.id}: {report.disagreement}")
    judges = [*said(report)]
    if report.witness is not None:
        check_pair(method, claim, seed)
        if report.witness.against != CLAIM and (how := rescaled(claim, seed)):
            judges.append(Judge("parameters", "one fits when scaled", how))
        return Refuted(
            method_id=method.id, claimed=relation, judges=tuple(judges),
            seconds=time.perf_counter() - start, kind=report.witness.kind, witness=report.witness,
        )  # fmt: skip
    found = search(claim) if prove else NotProved("not asked")
    if isinstance(found, Proof):
        certificate = certify(method.id, found, claim, model_json(report.model))
        result = check_body(certificate.body)
        judges.append(Judge("derivation", "proved", f"{result.steps} steps replayed"))
        return Proved(
            method_id=method.id, claimed=relation, judges=tuple(judges),
            seconds=time.perf_counter() - start, level="general-N",
            theorem_text=result.theorem_text, hypotheses=result.hypotheses, certificate=certificate,
            vacuous=vacuous(claim, seed),
        )  # fmt: skip
    check_pair(method, claim, seed)
    judges.append(Judge("derivation", "not found", found.why))
    evidence = (
        f"holds at the sizes tried (n = {sizes(report)})"
        if report.value == "agree"
        else "nothing was decided"
    )
    return Unknown(
        method_id=method.id, claimed=relation, judges=tuple(judges),
        seconds=time.perf_counter() - start, tried=tuple(j.name for j in judges),
        why=f"{evidence}, but no derivation for every N was found: {found.why}",
    )  # fmt: skip


def check_something_to_learn(method: Method, claim: Problem, model: Model, seed: int) -> None:
    """Raise InputError where the hypotheses fix what is learned."""
    others = [other_point(claim, model, seed + k) for k in range(1, 4)]
    if all(m is None or m.families == model.families for m in others):
        raise InputError(
            "the hypotheses leave nothing to learn: they fix "
            f"{', '.join(claim.learned)}; drop the one that does",
            path=method.path,
        )


def search(claim: Problem) -> Proof | NotProved:
    """The derivation, or why none was found."""
    return prove(claim)


def said(report: FiniteReport) -> list[Judge]:
    """What the fixed-size judges said, for the record."""
    gradient, says = report.gradient, report.sympy
    detail = gradient.why
    if gradient.outcome == "equal":
        detail = (
            f"the gradients agree; the odds that they only seem to are at most 2^-{gradient.bits}"
        )
    value = {
        "agree": f"both sides agree in {report.looked_at} models",
        "refuted": "a ball that misses 0",
    }.get(report.value, "")
    return [
        Judge("balls", report.value, value),
        Judge("prime field", gradient.outcome, detail),
        Judge("sympy", says.outcome, says.detail),
    ]


def sizes(report: FiniteReport) -> str:
    """The sizes of the model that was looked at."""
    return ", ".join(str(v) for v in report.model.sizes.values()) if report.model else ""


def check_free(method: Method, claim: Problem) -> None:
    """Raise InputError where a hypothesis ties what is learned to what is given.

    What is given would then carry what is learned, and a learned term could pass as a constant.
    """
    learned = set(claim.learned)
    for judgement, words in zip(claim.hyps, claim.texts, strict=True):
        names = set[str]().union(*map(families, judgement[1:]))
        if names & learned and not names <= learned:
            both = f"{', '.join(sorted(names & learned))} to {', '.join(sorted(names - learned))}"
            raise InputError(
                f"the hypothesis {words!r} ties the learned {both}, which is given; a hypothesis "
                "may speak of learned symbols or of given ones, not of both",
                path=method.path,
            )


def check_pair(method: Method, claim: Problem, seed: int) -> None:
    """Raise InputError, with an input that shows it, where p or the weights are no distribution."""
    for what, defect, hint in defects(claim):
        bare = replace(
            claim, published=defect, scale=num(1), constant=num(0), blocks=(), slack=(), facts=()
        )
        witness = balls.refute_value(bare, (3, 4), seed)
        if witness is not None:
            raise InputError(f"{what}, for instance at {at(witness)}; {hint}", path=method.path)


def defects(claim: Problem) -> list[tuple[str, Term, str]]:
    """Terms that vanish exactly where the pair is one, each with what it means when it does not."""
    out = []
    mass = num(-1)
    if not claim.blocks:
        return []
    for anchors, a, nbs, m, w, p, k in claim.blocks:
        gap = total(nbs, m * p) - num(1)
        out.append((
            "p does not sum to one over the allowed neighbours", total(anchors, a * (gap * gap)),
            "normalise p over exactly the neighbours that q has",
        ))  # fmt: skip
        low = total(anchors, a * total(nbs, m * mk("relu", None, MINUS * p)))
        out.append(("p is negative somewhere", low, "p(j|i) must be a distribution"))
        low = total(anchors, a * total(nbs, m * mk("relu", None, MINUS * k)))
        out.append(("the kernel of q is negative somewhere", low, "k(i,j) must be positive"))
        low = total(anchors, a * mk("relu", None, MINUS * w))
        out.append(("an anchor weight is negative", low, "weights are at least 0"))
        mass = mass + total(anchors, a * w)
    return [*out, ("the anchor weights do not sum to one", mass * mass, "divide them by their sum")]


def at(witness: Witness) -> str:
    """The input of a witness in one line."""
    sets = [f"{k} = {v}" for k, v in witness.sizes.items()]
    return ", ".join(sets) if sets else "the smallest sizes"
