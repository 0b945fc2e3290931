"""The ball judge of what is no single equation: bounds, limits, and the statements of theorems.

A statement is looked at in models of growing size, with ordinary and with large and small values of
what is learned, and a limit also along its parameter, far out. A ball that contradicts it refutes
it; strict evaluation finds where it has no value.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint

from derive.bridge import Problem
from derive.enclose import AGREE, BITS, Undefined, evaluate, look
from derive.equations import environments, violated
from derive.instance import LARGEST, LIMITS, Instance, instance, model_at, signature_of, work
from derive.models import Model, symbols_of
from derive.novalue import no_value
from derive.sampling import redraw
from derive.spread import spread
from derive.theorem import Judgement
from derive.witness import CLAIM, Witness, of_models

FAR = tuple(Fraction(2) ** k for k in (0, 1, 3, 6, 10, 20))  # values of what goes to infinity
WIDE = tuple(Fraction(x) for x in (-20, -7, -2, -1, 0, 1, 2, 7, 20))  # of what is learned
SCALES = (WIDE, tuple(x / 16 for x in WIDE), (Fraction(1),))  # large, small, all equal
SYMBOL = {"eq": "=", "pos": ">", "nn": ">="}


@dataclass(frozen=True)
class Finding:
    """What one model says: "false", "undefined", "true" (all of it, or thin balls) or "open"."""

    kind: str
    which: int = 0
    left: Any = None
    right: Any = None
    where: str = ""


def said(problem: Problem) -> tuple[Judgement, ...]:
    """The statements of a claim; a scale is positive."""
    scale: tuple[Judgement, ...] = () if problem.facts else (("pos", problem.scale),)
    return (*problem.judgements(), *scale)


def looked_at(case: Instance, model: Model | None = None) -> Finding:
    """What one model says of every statement, at all values of its free indices."""
    point, openly = case.point(model), False
    for k, j in enumerate(said(case.problem)):
        for env in environments(case.model, j):
            found = one(case, j, env, point)
            if found.kind in ("false", "undefined"):
                return Finding(found.kind, k, found.left, found.right, found.where)
            openly = openly or found.kind == "open"
    return Finding("open" if openly else "true")


def one(case: Instance, j: Judgement, env: Any, point: Any) -> Finding:
    """What one model says of one statement at given indices."""
    sides = [case.evaluator.value(t, env) for t in j[1:]]
    if len(sides) == 1:
        sides.append(flint.fmpq(0))
    gap = case.tape.add([sides[0], case.tape.mul([flint.fmpq(-1), sides[1]])])
    for bits in BITS:
        values = evaluate(case.tape, (*sides, gap), point, bits)
        a, b, d = (look(values, x) for x in (*sides, gap))
        for side in (a, b):
            if isinstance(side, Undefined):
                return Finding("undefined", where=side.text)
        if isinstance(d, Undefined) or not (a.is_finite() and b.is_finite()):
            continue
        if d < 0 or (d > 0 and j[0] == "eq") or (j[0] == "pos" and d.is_zero()):
            return Finding("false", left=a, right=b)
        if d > 0 or (j[0] != "pos" and d.rad() < AGREE):
            return Finding("true")
    return Finding("open")


def trials(problem: Problem, sizes: Sequence[int], seed: int) -> Iterator[tuple[Instance, Model]]:
    """The models that are looked at, small and ordinary ones first, each with its instance.

    Models that differ only in what is learned, or in the parameter of a limit, share an instance.
    """
    name, along = parameter(problem)
    also = (name,) if name else ()
    loose = problem.learned or tuple(signature_of(problem).families)
    changed = tuple(j for j in problem.hyps if name in symbols_of(j[1:]).families)
    for n in sizes:
        styles = ("simple", "generic") if n == sizes[0] else ("generic", "tied")
        for values in (None, *SCALES):
            for style, shift in tries(styles, values is not None):
                at = (n, seed + shift, style)
                model = model_at(problem, *at)
                if model is None or work(problem, model.sizes) > LARGEST:
                    continue
                if values is not None:
                    model = redrawn(problem, model, loose, values, at)
                if model is None:
                    continue
                case = shared(problem, *at, also) if problem.learned else None
                for moved in moves(model, also, along):
                    if not violated(changed, moved):  # prescribed values may be no model
                        yield case or instance(problem, moved), moved
    for scalars in spread(problem, frozenset(also)):
        pools = {k: [x] for k, x in scalars.items()}
        model = model_at(problem, sizes[0], seed, "generic", pools)
        if model is not None and work(problem, model.sizes) <= LARGEST:
            for moved in moves(model, also, along[:: len(FAR)]):  # the first and the last
                if not violated(problem.hyps, moved):
                    yield instance(problem, moved), moved


def moves(model: Model, names: Sequence[str], values: Sequence[Fraction]) -> Iterator[Model]:
    """The model with each of some values in place of the scalars of these names."""
    for x in values:
        yield model.with_families({k: dict.fromkeys(model.families[k], x) for k in names})


def parameter(problem: Problem) -> tuple[str, tuple[Fraction, ...]]:
    """The name of what tends to a limit, "" if nothing does, and values that tend there."""
    small = problem.small
    if small is None:
        return "", (Fraction(1),)
    name = (small.args[0] if small.op == "inv" else small).data[0]
    far = (*FAR, Fraction(1, 4))  # and a little the other way
    return name, tuple(x if small.op == "inv" else 1 / x for x in far)


def redrawn(
    problem: Problem,
    model: Model,
    loose: Sequence[str],
    values: Sequence[Fraction],
    at: tuple[int, int, str],
) -> Model | None:
    """The model with what is loose drawn from some values, as far as the hypotheses let it."""
    pools = dict.fromkeys(loose, values)
    rng = random.Random(repr((at, values)))
    return redraw(model, tuple(loose), problem.hyps, rng, at[-1], pools, restarts=2)


@lru_cache(32)
def shared(problem: Problem, n: int, seed: int, style: str, also: tuple[str, ...]) -> Instance:
    """The claim in the model of that size, seed and style, with the parameter of a limit loose."""
    model = model_at(problem, n, seed, style)
    assert model is not None
    return instance(problem, model, also)


def models(problem: Problem, sizes: Sequence[int], seed: int) -> Iterator[Model]:
    """The models of `trials`."""
    return (model for _, model in trials(problem, sizes, seed))


def tries(styles: Sequence[str], prescribed: bool) -> list[tuple[str, int]]:
    """Styles and shifts of the seed; of prescribed values many make no model."""
    return [(styles[0], 17 * k) for k in range(3)] if prescribed else [(s, 0) for s in styles]


def refute(problem: Problem, sizes: Sequence[int] = LIMITS, seed: int = 0) -> Witness | None:
    """The first model found in which a statement is false or has no value, or None."""
    return survey(problem, tuple(sizes[:2]), seed)[0]


def agreeing(problem: Problem, sizes: Sequence[int] = LIMITS, seed: int = 0) -> int:
    """In how many models, up to one that refutes, every statement holds as balls."""
    return survey(problem, tuple(sizes[:2]), seed)[1]


@lru_cache(64)
def survey(problem: Problem, sizes: tuple[int, ...], seed: int) -> tuple[Witness | None, int]:
    """What `refute` and `agreeing` say. Cached: both look at the same models."""
    count, spare = 0, None
    for case, model in trials(problem, sizes, seed):
        found = looked_at(case, model)
        if found.kind in ("false", "undefined") and not violated(problem.hyps, model):
            seen = witness(problem, model, found)
            where = no_value(problem, model) if found.kind == "false" else ""
            if not where:
                return seen, count
            # false by the values of 1/0 and the like: there may be a plainer witness further on
            spare = spare or replace(seen, kind="undefined", left=(), right=(), text=where)
        count += found.kind == "true"
    return spare, count


def witness(problem: Problem, model: Model, found: Finding) -> Witness:
    """What a model shows, to be kept."""
    j = said(problem)[found.which]
    words = problem.fact_texts[found.which] if problem.facts else wording(problem, found.which)
    if found.kind == "undefined":
        return of_models(problem, "undefined", CLAIM, [model], [], f"{words}: {found.where}")
    text = f"{words} says left {SYMBOL[j[0]]} right, which is false here"
    return of_models(problem, "statement", CLAIM, [model], [(found.left, found.right)], text)


def wording(problem: Problem, k: int) -> str:
    """Which half of a bound a statement is."""
    parts = [name for name, b in zip(("below", "above"), problem.slack, strict=False) if b != ""]
    return f"the bound {parts[k]}" if k < len(parts) else "scale > 0"


def recheck(problem: Problem, seen: Witness) -> str:
    """What is wrong with a witness of `refute`, "" if a fresh evaluation shows what it says."""
    (model,) = seen.models()
    if bad := violated(problem.hyps, model):
        return f"hypothesis {problem.texts[bad[0]]!r} does not hold at the witness"
    if seen.kind == "undefined" and no_value(problem, model):
        return ""
    found = looked_at(instance(problem, model)).kind
    wanted = "undefined" if seen.kind == "undefined" else "false"
    return "" if found == wanted else f"the statements are {found} at the witness"
