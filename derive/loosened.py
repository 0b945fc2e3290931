"""Whether a change of an inequality only makes it say less, as far as some models show.

A bound with more room is no error: it follows from the bound as it stood. No proof is asked here
and nothing is judged; it decides what is worth planting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from derive.bridge import Problem
from derive.enclose import AGREE, BITS, Undefined, evaluate, look
from derive.equations import environments
from derive.statements import refute, said, trials
from derive.tape import Tape

SIZES = (2, 3)


def loosened(old: Problem, new: Problem) -> bool:
    """Whether no inequality lost room in any model, one gained some, and none is false there."""
    before, after = said(old), said(new)
    if [j[0] for j in before] != [j[0] for j in after] or old.blocks != new.blocks:
        return False
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    if not changed or any(a[0] == "eq" for a, _ in changed):
        return False
    gained = False
    # the models have values for what only the claim as it was speaks of
    more_terms = tuple(t for a, _ in changed for t in a[1:])
    both = replace(new, slack=(*(*new.slack, "", "", "", "")[:4], *more_terms))
    for case, model in trials(both, SIZES, 0):
        point = case.point(model)
        for a, b in changed:
            more = ("nn", b[1] - a[1])
            for env in environments(model, more):
                at = [case.evaluator.value(t, env) for t in (a[1], *more[1:])]
                if sign(case.tape, at[0], point) is None:
                    continue  # it said nothing here before
                room = sign(case.tape, at[1], point)
                if room is None or room < 0:
                    return False
                gained = gained or room > 0
    return gained and refute(new, SIZES, 1) is None


def sign(tape: Tape, root: Any, point: Mapping[Any, Any]) -> int | None:
    """The sign of a number on a tape, 0 where a thin ball holds 0, None where it has none."""
    for bits in BITS:
        found = look(evaluate(tape, (root,), point, bits), root)
        if isinstance(found, Undefined):
            return None
        if found > 0 or found < 0:
            return 1 if found > 0 else -1
        if found.is_finite() and found.rad() < AGREE:
            return 0
    return None

