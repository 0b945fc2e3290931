"""Rays along which a bare formula falls without bound, or grows faster than an I-Con can.

An I-Con is at least 0, whatever its kernels: a formula that falls without bound on admissible
learned values is none. In scores of which kernels are exponentials it grows at most linearly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint

from derive import enclose
from derive.cuts import vectors
from derive.fields import fmpq
from derive.jets import Unclear, reach
from derive.models import Model
from derive.scores import Bare, Key, values
from derive.tails import ONE, ZERO, Tail, follow, line
from derive.tape import Kink, backward, const

ROOT = Fraction(1, 2)  # learned vectors move with the root of t, so that their products move with t
SINGLE = 12  # single entries that are tried as directions: the others are much like them
DOWN = 24  # steps downhill to a direction
BITS = 128
Direction = Mapping[Any, Any]


def moved(case: Bare) -> list[Key]:
    """The learned entries that rays move: coordinates of vectors, or all where there are none."""
    long = vectors(case.problem.published, case.problem.dims)
    keys = [k for k in case.point() if k[0] in long]
    return keys or list(case.point())


def admissible(case: Bare, model: Model, direction: Direction) -> Tail:
    """The formula along a ray of learned values, all of which satisfy the hypotheses.

    Scalars start at the model and move with t; where there are vectors these alone move, from 0
    with the root of t. Raises Unclear, also where a hypothesis is not seen to hold on the ray.
    """
    tape = case.tape
    long = bool(vectors(case.problem.published, case.problem.dims))
    given: dict[int, Tail] = {}
    for (name, at), x in case.point(model).items():
        d = direction.get((name, at), ZERO)
        given[tape.var(name, at)] = line(ZERO, d, ROOT) if long and d != 0 else line(x, d)
    if long:
        for key in moved(case):
            if direction.get(key, ZERO) == 0:
                given[tape.var(*key)] = Tail(ZERO, {})
    with flint.ctx.workprec(BITS):
        for x, y in case.meaning.items():
            given[x] = follow(tape, y, given)
        for kind, r in case.hyps:
            tail = follow(tape, r, given)
            holds = not tail.terms if kind == "eq" else bool(tail.terms) and tail.body() > 0
            if not holds:
                raise Unclear("a hypothesis along the ray")
        return follow(tape, case.root, given)


def falls(case: Bare, model: Model, direction: Direction) -> Any:
    """The leading coefficient of a fall without bound along an admissible ray, None for none."""
    try:
        kind, c = admissible(case, model, direction).growth()
    except Unclear:
        return None
    return c if kind == "falls" else None


def straight(keys: Sequence[Any]) -> Iterator[dict[Any, Any]]:
    """Directions to try: single entries and all of them, up and down."""
    for q in (ONE, -ONE):
        yield from ({k: q} for k in keys[:SINGLE])
        yield dict.fromkeys(keys, q)


def fall(case: Bare, seed: int) -> tuple[Model, dict[Key, Any], Any] | None:
    """(start, direction, leading coefficient) of an admissible ray along which it falls."""
    keys = moved(case)
    if not vectors(case.problem.published, case.problem.dims):
        for direction in straight(keys):
            if (c := falls(case, case.model, direction)) is not None:
                return case.model, direction, c
    for direction in downhill(case, keys, seed):
        if (c := falls(case, case.model, direction)) is not None:
            return case.model, direction, c
    return None


def downhill(case: Bare, keys: Sequence[Key], seed: int) -> Iterator[dict[Key, Any]]:
    """Directions that following the gradient down proposes."""
    rng = random.Random(repr((seed, len(keys))))
    long = bool(vectors(case.problem.published, case.problem.dims))
    for attempt in range(2 if long else 1):
        at = {k: float(Fraction(int(x.p), int(x.q))) for k, x in case.point().items()}
        if attempt:
            at |= {k: rng.gauss(0, 1) for k in keys}
        first = dict(at)
        for step in range(DOWN):
            grad = slope(case, at)
            size = max((abs(grad.get(k, 0.0)) for k in keys), default=0.0)
            if not size or size != size or size == float("inf"):
                break
            pace = 0.5 if step < DOWN // 2 else 1.0
            at = {k: x - pace * grad.get(k, 0.0) / size if k in keys else x for k, x in at.items()}
        shift = at if long else {k: at[k] - first[k] for k in keys}
        largest = max((abs(shift[k]) for k in keys), default=0.0) or 1.0
        for parts in (8, 2):
            whole = {k: flint.fmpq(round(parts * shift[k] / largest)) for k in keys}
            yield {k: q for k, q in whole.items() if q != 0}


def slope(case: Bare, at: Mapping[Key, float]) -> dict[Key, float]:
    """The gradient by learned entries in floating point, empty where there is none."""
    tape = case.tape
    with flint.ctx.workprec(53):
        known = values(case, [case.root], {k: flint.arb(x) for k, x in at.items()}, 53)
        if any(isinstance(v, enclose.Undefined) or not v.is_finite() for v in known.values()):
            return {}
        out: dict[Key, float] = {}
        try:
            outer = backward(tape.nodes, tape.reach([case.root]), case.root, known, flint.arb)
            for x, g in outer.items():
                if x in case.meaning:
                    y = case.meaning[x]
                    inner = backward(tape.nodes, tape.reach([y]), y, known, flint.arb)
                else:
                    inner = {x: flint.arb(1)}
                for z, h in inner.items():
                    n = tape.nodes[z]
                    if n[0] == "var" and z not in case.meaning:
                        out[n[1], n[2]] = out.get((n[1], n[2]), 0.0) + float((g * h).mid())
        except Kink:
            return {}
        return out


# ------------------------------------------------------------------ in free scores


def growth(case: Bare, point: Mapping[int, Any], direction: Direction) -> tuple[str, Any]:
    """How the formula ends along a ray of free scores, see `Tail.growth`. Raises Unclear."""
    with flint.ctx.workprec(BITS):
        given = {x: line(v, direction.get(x, ZERO)) for x, v in point.items()}
        return follow(case.tape, case.root, given).growth()


def too_far(
    case: Bare, cut: Sequence[int], seed: int
) -> tuple[str, dict[int, Any], dict[int, Any]] | None:
    """("falls" | "races", start, direction) of a ray in free scores, None for none."""
    rng = random.Random(repr((seed, len(cut))))
    point = {x: fmpq(Fraction(rng.randint(-2, 2), 2)) for x in cut}
    more = [{x: flint.fmpq(rng.randint(-2, 2)) for x in cut} for _ in range(8)]
    best = None
    for direction in (*straight(cut), *more):
        try:
            kind, _ = growth(case, point, direction)
        except Unclear:
            continue
        if kind == "falls":
            return kind, point, direction
        if kind == "races" and best is None:
            best = kind, point, direction
    return best


def separable(case: Bare, cut: Sequence[int]) -> bool:
    """Whether the formula is a sum of functions of one score each, by its form."""
    scores = dict.fromkeys(cut)
    parts = case.tape.flat(case.root)[1]
    return all(sum(x in scores for x in reach(case.tape, y, scores)) < 2 for y in parts)


def everywhere(case: Bare, cut: Sequence[int]) -> bool:
    """Whether the formula is analytic for all values of its scores, by the signs of its parts.

    No relu or max, and every logarithm and quotient is of something positive by its form.
    """
    tape = case.tape
    inner = dict.fromkeys(cut)
    sure: dict[int, bool] = {}  # certainly positive
    for x in reach(tape, case.root, inner):
        op, *data = tape.nodes[x]
        if x in inner:
            sure[x] = False
        elif op == "exp":
            sure[x] = True
        elif op == "lin":
            parts = [q > 0 and sure[y] for y, q in data[1]]
            sure[x] = data[0] >= 0 and all(parts) and (bool(parts) or data[0] > 0)
        elif op == "mul":
            sure[x] = all(sure[y] for y in data[0])
        elif op in ("inv", "log"):
            if not sure[data[0]]:
                return False
            sure[x] = op == "inv"
        else:
            return False
    return not const(case.root)
