"""What the scores of a bare formula show of it: certificates by rays and by second derivatives."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import flint

from derive.curvature import bend, descent, hessian, positive_mixed
from derive.cuts import named, oriented
from derive.enclose import Undefined
from derive.fields import fmpq, fraction
from derive.freedom import free
from derive.instance import other_point
from derive.models import Model
from derive.onerow import broken, groups, off_line
from derive.rays import everywhere, too_far
from derive.scores import Bare, distributions, values
from derive.universal import Universal
from derive.witness import EXPONENTIAL, MONOTONE, ONE_PAIR, ONE_ROW, of_models

TRIES = 8  # points at which curvature is looked at
TRIPLES = 4  # triples of scores of a group that are looked at


def made(
    case: Bare, kind: str, against: str, models: Sequence[Model], text: str,
    scores: Mapping[str, tuple[Fraction | None, Fraction]] | None = None,
) -> Universal:  # fmt: skip
    """A certificate with its witness."""
    for words in sorted(distributions(case.problem)):
        text += f"; the numbers of {words} are its logits"
    w = replace(of_models(case.problem, kind, against, models, [], text), scores=scores or {})
    return Universal(kind, text, w, against)


def in_scores(
    case: Bare, cut: Sequence[int], seed: int, known: frozenset[str]
) -> Iterator[Universal]:
    """What rays and second derivatives in locally free scores show, one for each class not `known`.

    Where the formula is analytic for all values of its scores, any values will do against kernels
    that are exponentials. Against kernels that merely rise only those will do that embeddings have.
    """
    raw = is_raw(case, cut)
    anywhere = raw or everywhere(case, cut)
    if anywhere and EXPONENTIAL not in known and (ray := too_far(case, cut, seed)) is not None:
        kind, start, course = ray
        words = "falls without bound" if kind == "falls" else "grows faster than linearly"
        yield made(
            case, "unbounded" if kind == "falls" else "growth", EXPONENTIAL, [case.model],
            f"along the direction shown, in free scores, it {words}",
            shown(case, cut, start, course),
        )  # fmt: skip
        known |= {EXPONENTIAL}
    for k in range(TRIES):
        if {EXPONENTIAL, MONOTONE} <= known:
            return
        here = case.model if raw or k == 0 else other_point(case.problem, case.model, seed + k)
        if here is None or not (raw or k == 0 or free(case, cut, here)):
            continue
        points: list[tuple[Mapping[int, Any], bool]] = []  # the scores, and whether they are free
        if anywhere:
            points.append((sample(cut, seed, k), True))
        if not raw and (realised := at_model(case, cut, here)) is not None:
            points.append((realised, False))
        for point, loose in points:
            h = hessian(case.tape, case.root, point)
            if h is None:
                continue
            stored = point if loose else None
            if EXPONENTIAL not in known and (u := hollow(case, cut, here, point, stored, h)):
                yield u
                known |= {EXPONENTIAL}
            signed = (raw or not loose) and all(oriented(case, x) for x in cut)
            if MONOTONE not in known and signed and (pair := positive_mixed(h)) is not None:
                size = h[pair[0]][pair[1]].str(8, radius=False)
                yield made(
                    case, "submodular", MONOTONE, [here],
                    f"the mixed derivative by the two scores shown is {size}",
                    shown(case, cut, stored, dict.fromkeys(pair, 1)),
                )  # fmt: skip
                known |= {MONOTONE}


def narrow(case: Bare, cut: Sequence[int], seed: int, known: frozenset[str]) -> Iterator[Universal]:
    """What third derivatives show against one anchor for each group of scores, see `onerow`."""
    found = groups(case.tape, case.root, cut)
    wanted = {ONE_ROW} if any(len(g) > 2 for g in found) else set()
    wanted |= {ONE_PAIR} if any(len(g) == 1 for g in found) else set()
    if not wanted - known:
        return
    near = [case.model, *(other_point(case.problem, case.model, seed + k) for k in range(3))]
    models = [m for m in near if m is not None]
    models = [m for m in models if m is case.model or is_raw(case, cut) or free(case, cut, m)]
    points = {k: p for k, m in enumerate(models) if (p := at_model(case, cut, m)) is not None}
    kept, values = [models[k] for k in points], list(points.values())
    for group in sorted(found, key=len):
        if len(group) > 2 and ONE_ROW not in known:
            for three in list(combinations(group, 3))[:TRIPLES]:
                if text := broken(case.tape, case.root, values, three):
                    scores = shown(case, cut, None, dict.fromkeys(three, 1))
                    yield made(case, "one row", ONE_ROW, kept, text, scores)
                    known |= {ONE_ROW}
                    break
        alone = len(group) == 1 and ONE_PAIR not in known
        if alone and (text := off_line(case.tape, case.root, values, group[0])):
            scores = shown(case, cut, None, {group[0]: 1})
            yield made(case, "one pair", ONE_PAIR, kept, text, scores)
            known |= {ONE_PAIR}


def is_raw(case: Bare, cut: Sequence[int]) -> bool:
    """Whether the scores are learned entries that no hypothesis speaks of: all values occur."""
    own = all(case.tape.nodes[x][0] == "var" and x not in case.meaning for x in cut)
    return own and not case.hyps


def hollow(
    case: Bare, cut: Sequence[int], here: Model, point: Mapping[int, Any],
    stored: Mapping[int, Any] | None, h: Mapping[int, Mapping[int, Any]],
) -> Universal | None:  # fmt: skip
    """A direction in which the formula is not convex at a point with the Hessian h."""
    direction = descent(h)
    if direction is None:
        return None
    bent = bend(case.tape, case.root, point, direction)
    if not bent < 0:
        return None
    text = f"the second derivative along the direction shown is {bent.str(8, radius=False)}"
    return made(case, "convex", EXPONENTIAL, [here], text, shown(case, cut, stored, direction))


def sample(cut: Sequence[int], seed: int, k: int) -> dict[int, Any]:
    """A point of free scores, farther out for larger k."""
    rng = random.Random(repr((seed, k, len(cut))))
    return {x: fmpq(Fraction(rng.randint(-4, 4) * (1 + k // 2), 2)) for x in cut}


def at_model(case: Bare, cut: Sequence[int], model: Model) -> dict[int, Any] | None:
    """The values of scores at a model, balls; None where one has none."""
    known = values(case, cut, case.point(model))
    if any(isinstance(known[x], Undefined) or not known[x].is_finite() for x in cut):
        return None
    return {x: known[x] for x in cut}


def shown(
    case: Bare, cut: Sequence[int], point: Mapping[int, Any] | None, direction: Mapping[int, Any]
) -> dict[str, tuple[Fraction | None, Fraction]]:
    """Scores by name, with value (None: that at the model) and share of the direction."""
    out: dict[str, tuple[Fraction | None, Fraction]] = {}
    for words, x in named(case, cut).items():
        value = None if point is None else fraction(flint.fmpq(point[x]))
        out[words] = value, fraction(flint.fmpq(direction.get(x, 0)))
    return out
