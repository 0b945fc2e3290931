"""Is a claim about a loss that training cannot change? Then it holds and says nothing.

A limit whose published loss is constant holds for every pair, its scale going to 0; an I-Con loss
without anything learned, or with p = q throughout, is constant itself. Each side is looked at by
the gradient judge at a fixed size: evidence that is said beside a verdict, and decides none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from derive import gradient
from derive.bridge import Problem
from derive.enclose import BITS, Undefined, evaluate, look
from derive.instance import LIMITS, Instance, instance, model_at, other_point
from derive.models import Model
from derive.terms import num

PUBLISHED = "the published loss is constant: the claim is vacuous"
PAIR = "the I-Con loss is constant: the claim is vacuous"
BOTH = "the loss is constant: the claim is vacuous"


def vacuous(problem: Problem, seed: int = 0) -> str:
    """Why the claim says nothing, "" where it says something or that is open.

    A theorem without a loss is not asked. One side that is constant suffices: an exact claim has
    two or none, and what is near a constant, in a bound or a limit, is no loss to be learned.
    """
    if problem.facts:
        return ""
    one, zero = num(1), num(0)
    left = replace(problem, scale=one, constant=zero, blocks=(), slack=())
    right = replace(problem, published=zero, scale=one, constant=zero, slack=())
    # the models are those of the claim, which the other judges have made
    found = (m for n in LIMITS if (m := model_at(problem, n, seed)) is not None)
    models = [(m, other_point(problem, m, seed + 1)) for m in islice(found, 2)]
    published, pair = constant(left, models, seed), constant(right, models, seed)
    return BOTH if published and pair else PUBLISHED if published else PAIR if pair else ""


def constant(problem: Problem, models: Sequence[tuple[Model, Model | None]], seed: int) -> bool:
    """Whether published - scale * I-Con has gradient 0 in all that is learned, in these models.

    Each comes with a second point, since two values that differ are seen sooner than a slope.
    """
    for model, other in models:
        case = instance(problem, model)
        if other is not None and differ(case, model, other):
            return False
        if gradient.judge(case, seed).outcome != "equal":
            return False
    return bool(models)


def differ(case: Instance, *points: Model) -> bool:
    """Whether the difference of the two sides has two values, for certain."""
    a, b = (
        look(evaluate(case.tape, [case.diff], case.point(m), BITS[0]), case.diff) for m in points
    )
    return not (isinstance(a, Undefined) or isinstance(b, Undefined) or a.overlaps(b))
