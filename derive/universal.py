"""Certificates against every I-Con loss at once, whatever p, q, anchors, scale and constant.

An I-Con loss in scores is a sum of w (log sum_j exp(s_j / tau + b_j) - <p, s / tau>) with w > 0 and
p a distribution: it is convex, no mixed second derivative is positive, it is bounded below, and it
is analytic. A published loss that fails one of these is none of them.

Where the learned entries are scores themselves the certificate is rigorous and has a witness. Where
they are embeddings, each exponent of the published formula is treated as a free score; scores of
real embeddings are not free, so this is only reported, in the words "in free scores", and refutes
nothing. The certificate of local flatness needs no scores: it refutes every analytic loss.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import flint

from derive import enclose
from derive.bridge import Problem
from derive.fields import fmpq, fraction
from derive.instance import LIMITS, Instance, cases, instance, other_point
from derive.jets import Unclear, hessian_row, reach, slope_at_infinity
from derive.models import Model
from derive.tape import Kink, Tape, arguments, backward, const
from derive.terms import domain
from derive.witness import EVERY, Witness, of_models

Key = tuple[str, tuple[int, ...]]
RADII = (Fraction(1, 8), Fraction(1, 64), Fraction(1, 1024))  # of the boxes tried for flatness


@dataclass(frozen=True)
class Universal:
    """A certificate: its kind (a key of witness.KINDS), the sentence, the witness.

    `witness` is None where the certificate is about free scores: a remark, no refutation.
    `refutes` names the class of losses that is refuted; `trivial` says, where it is so, in which
    trivial sense the loss is an I-Con all the same.
    """

    kind: str
    text: str
    witness: Witness | None
    refutes: str = EVERY
    trivial: str = ""


def universal(problem: Problem, sizes: Sequence[int] = LIMITS, seed: int = 0) -> Universal | None:
    """The first certificate found, None if none was; one with a witness is preferred."""
    remark: Universal | None = None
    for case in cases(problem, sizes, seed):
        if const(case.left):
            continue
        if (w := flat(case, seed)) is not None:
            return Universal("flat", w.text, w)
        scores = entries(case)
        free = scores is None
        cut = free_scores(case.tape, case.left) if scores is None else scores
        if not cut or (free and remark is not None):
            continue
        found = certificate(case, cut, free, seed)
        if found is None:
            continue
        kind, text, other = found
        if free:
            remark = Universal(kind, f"in free scores: {text}", None)
        else:
            models = [case.model, *([other] if other else [])]
            return Universal(kind, text, of_models(problem, kind, EVERY, models, [], text))
    return remark


def entries(case: Instance) -> dict[int, Any] | None:
    """The learned entries as scores, where every kernel is exp(a * one learned entry + b).

    None where one is not: then the learned entries are no scores.
    """
    tape, ev = case.tape, case.evaluator
    for anchors, a, neighbours, m, _, _, kernel in case.problem.blocks:
        vs = (*anchors, *neighbours)
        for at in product(*(range(case.model.size(domain(v))) for v in vs)):
            env = dict(zip(vs, at, strict=True))
            if tape.is_zero(ev.value(a, env)) or tape.is_zero(ev.value(m, env)):
                continue
            k = ev.value(kernel, env)
            if const(k):
                continue
            node = tape.nodes[k]
            items = tape.flat(node[1])[1] if node[0] == "exp" else {}
            if len(items) != 1 or tape.nodes[next(iter(items))][0] != "var":
                return None
    point = case.point()
    nodes = ((x, tape.nodes[x]) for x in tape.reach([case.left]))
    return {x: point[n[1], n[2]] for x, n in nodes if n[0] == "var"}


def ops(tape: Tape, x: int) -> set[str]:
    """The operations at and below a node."""
    return {tape.nodes[y][0] for y in tape.reach([x])}


def free_scores(tape: Tape, root: int) -> dict[int, Any]:
    """Exponents as free scores: a cut of the tape that separates the loss from the learned entries.

    Empty where the learned entries also enter in another way, or exponents depend on each other.
    """
    cut: dict[int, Any] = {}
    for x in tape.reach([root]):
        if tape.nodes[x][0] == "exp":
            y = tape.nodes[x][1]
            n = tape.nodes[y]
            if n[0] == "lin" and len(n[2]) == 1:
                y = n[2][0][0]
            if "var" in ops(tape, y):
                cut[y] = flint.fmpq(0)
    below = {y for x in cut for y in tape.reach(arguments(tape.nodes[x]))}
    cut = {x: v for x, v in cut.items() if x not in below}
    inside = reach(tape, root, cut)
    if not cut or any(tape.nodes[x][0] == "var" and x not in cut for x in inside):
        return {}
    rows = [tape.flat(x)[1] for x in cut]
    atoms = sorted({y for row in rows for y in row})
    table = [row.get(y, flint.fmpq(0)) for row in rows for y in atoms]
    return cut if flint.fmpq_mat(len(rows), len(atoms), table).rank() == len(rows) else {}


def certificate(
    case: Instance, cut: Mapping[int, Any], free: bool, seed: int
) -> tuple[str, str, Model | None] | None:
    """(kind, sentence, second model or None): a property of I-Con losses that fails at a point."""
    tape, root = case.tape, case.left
    rng = random.Random(repr((seed, len(cut))))
    values = [Fraction(k, 2) for k in range(-4, 5)]
    point = {x: fmpq(rng.choice(values)) if free else v for x, v in cut.items()}
    with flint.ctx.workprec(128):
        try:
            rows = {x: hessian_row(tape, root, point, {x: 1}) for x in point}
        except (Unclear, Kink):
            rows = {}
        for x, row in rows.items():
            for y, g in row.items():
                if y != x and g.d > 0:
                    names = f"{tape.text(x, 40)} and {tape.text(y, 40)}"
                    return "submodular", f"the derivative by {names} is {g.d.str(8)}", None
        for x, row in rows.items():
            if row[x].d < 0:
                text = f"the second derivative by {tape.text(x, 40)} is {row[x].d.str(8)}"
                return "convex", text, None
        for direction in rays(list(point)):
            try:
                slope = slope_at_infinity(tape, root, point, direction)
            except Unclear:
                continue
            if slope < 0:
                along = " ".join(f"{'+-'[q < 0]}{tape.text(x, 40)}" for x, q in direction.items())
                text = f"along {along} the published loss falls at the rate {fraction(-slope)}"
                return "unbounded", text, None if free else moved(case, direction)
    return None


def rays(variables: Sequence[int]) -> Iterator[dict[int, Any]]:
    """Directions to try: single scores and all scores, up and down."""
    for sign in (1, -1):
        q = flint.fmpq(sign)
        yield from ({x: q} for x in variables)
        yield dict.fromkeys(variables, q)


def moved(case: Instance, direction: Mapping[int, Any]) -> Model:
    """The case's model moved by 1 along a direction (the ray of the witness)."""
    tables = {k: dict(t) for k, t in case.model.families.items()}
    for x, q in direction.items():
        _, name, at = case.tape.nodes[x]
        tables[name][at] += fraction(q)
    return case.model.with_families(tables)


def flat(case: Instance, seed: int) -> Witness | None:
    """A box on which the published loss is constant, and a point where it has another value."""
    if "relu" not in (seen := ops(case.tape, case.left)) and "max" not in seen:
        return None
    for k in range(12):
        here = case.model if k == 0 else other_point(case.problem, case.model, seed + k)
        if here is None or constant_around(case, here) is None:
            continue
        value, _ = enclose.values_at(case, here)
        for m in range(12):
            there = other_point(case.problem, case.model, seed + 100 + m)
            if there is None:
                continue
            other, _ = enclose.values_at(case, there)
            if not isinstance(other, enclose.Undefined) and not (other - value).contains(0):
                text = f"constant within {constant_around(case, here)} of point 1, not at point 2"
                pairs = [enclose.values_at(case, x) for x in (here, there)]
                return of_models(case.problem, "flat", EVERY, [here, there], pairs, text)
    return None


def constant_around(case: Instance, model: Model) -> Fraction | None:
    """The radius of a box around a point on which the published loss is certainly constant."""
    tape = case.tape
    for radius in RADII:
        with flint.ctx.workprec(128):
            box = {k: flint.arb(x, flint.arb(fmpq(radius))) for k, x in case.point(model).items()}
            values = enclose.evaluate(tape, [case.left], box, 128)
            if any(isinstance(v, enclose.Undefined) or not v.is_finite() for v in values.values()):
                continue
            try:
                grad = backward(tape.nodes, tape.reach([case.left]), case.left, values, flint.arb)
            except Kink:
                continue
            moving = [g for x, g in grad.items() if tape.nodes[x][0] == "var"]
            if all(g.is_zero() for g in moving):
                return radius
    return None


def recheck(problem: Problem, witness: Witness) -> str:
    """What is wrong with a certificate's witness, "" if a fresh evaluation shows what it says."""
    models = witness.models()
    case = instance(problem, models[0])
    if witness.kind == "flat":
        if len(models) < 2 or constant_around(case, models[0]) is None:
            return "the published loss is not seen to be constant around the first point"
        a, b = (enclose.values_at(case, m)[0] for m in models[:2])
        return "the two points have one value" if (a - b).contains(0) else ""
    cut = entries(case)
    if not cut:
        return "the learned entries are not scores"
    found = certificate(case, cut, False, 0)
    if found is None or found[0] != witness.kind:
        return f"the point does not show {witness.kind!r}"
    return ""
