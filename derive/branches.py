"""A loss that is pieced together: around one point it is an analytic formula, elsewhere another.

Around a point at which every relu and every max is decided, a loss equals the formula G in which
the branches are fixed. Were the loss analytic, it would be G wherever G is analytic and connected
to that point. A second point at which G has another value than the loss shows that no loss with
analytic kernels has these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import flint

from derive import enclose
from derive.models import Model
from derive.quotients import rebuilt
from derive.scores import Bare, Key, inside, values

PIECES = 32  # of a segment, halved at most so often in all
RADIUS = flint.arb(2) ** -40  # of the box in which branches are seen not to change


def branched(case: Bare) -> bool:
    """Whether a formula has a relu or a maximum of what is learned."""
    return any(case.tape.nodes[x][0] in ("relu", "max") for x in case.tape.reach([case.root]))


def resolved(case: Bare, at: Mapping[Key, Any]) -> Any:
    """The formula with the branches that are taken around a point; None where one is undecided.

    `at` are rationals; the branches are those of a whole box around them.
    """
    tape = case.tape
    with flint.ctx.workprec(128):
        box = {k: flint.arb(flint.arb(x).mid(), RADIUS) for k, x in at.items()}
        known = values(case, [case.root], box, 128)
        out: dict[int, Any] = {}
        for x in tape.reach([case.root]):
            op, *data = tape.nodes[x]
            if isinstance(known[x], enclose.Undefined):
                return None
            if op == "relu":
                v = known[data[0]]
                if not (v > 0 or v < 0):
                    return None
                out[x] = out[data[0]] if v > 0 else flint.fmpq(0)
            elif op == "max":
                balls = {y: known[y] for y in data[0]}
                top = [y for y in balls if all(z == y or balls[y] > balls[z] for z in balls)]
                if not top:
                    return None
                out[x] = out[top[0]]
            else:
                out[x] = rebuilt(tape, x, out)
        return out[case.root]


def between(a: Mapping[Key, Any], b: Mapping[Key, Any], t: Any) -> dict[Key, Any]:
    """The point (1 - t) a + t b; a ball t gives a box around a piece of the segment."""
    return {k: flint.arb(x) + t * flint.arb(b[k] - x) for k, x in a.items()}


def analytic(case: Bare, root: Any, a: Mapping[Key, Any], b: Mapping[Key, Any]) -> bool:
    """Whether a formula without branches is analytic on the segment between two points."""
    with flint.ctx.workprec(128):
        todo = [(Fraction(0), Fraction(1))]
        for _ in range(PIECES):
            if not todo:
                return True
            low, high = todo.pop()
            half = (high - low) / 2
            t = flint.arb(rational(low + half), flint.arb(rational(half)))
            found = values(case, [root], between(a, b, t), 128)
            if all(not isinstance(v, enclose.Undefined) and v.is_finite() for v in found.values()):
                continue
            todo += [(low + half, high), (low, low + half)]
        return not todo


def rational(q: Fraction) -> Any:
    """A rational as flint's."""
    return flint.fmpq(q.numerator, q.denominator)


def pieced(case: Bare, here: Model, there: Model) -> str:
    """What shows that the loss is not analytic, "" where these two points do not.

    Both points must satisfy the hypotheses, the first with room around it.
    """
    if any(kind == "eq" for kind, _ in case.hyps) or not (
        inside(case, here) and inside(case, there)
    ):
        return ""
    other = resolved(case, case.point(here))
    return "" if other is None else differs(case, other, here, there)


def differs(case: Bare, other: Any, here: Model, there: Model) -> str:
    """What shows that the loss is not `other` at a point to which `other` is analytic, or ""."""
    a, b = case.point(here), case.point(there)
    with flint.ctx.workprec(128):
        found = values(case, [case.root, other], b, 128)
        left, right = (enclose.look(found, x) for x in (case.root, other))
        if isinstance(left, enclose.Undefined) or isinstance(right, enclose.Undefined):
            return ""
        if not left.is_finite() or (left - right).contains(0) or not analytic(case, other, a, b):
            return ""
        piece = "constant" if type(other) is not int else "another formula"
        return (
            f"around point 1 the published loss is {piece}, which is {right.str(8, radius=False)} "
            f"at point 2, where the loss is {left.str(8, radius=False)}"
        )
