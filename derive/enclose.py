"""Ball arithmetic along a tape: rigorous values of a claim's two sides, and what they refute.

Every operation rounds outward, so a ball that misses 0 proves that a difference is not 0.
Evaluation is strict: a logarithm of something certainly not positive, or a quotient by an exact 0,
is *undefined*, unless an exact 0 multiplies it. A ball that straddles a case gives nan, and more
bits decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import flint

from derive.instance import Instance
from derive.models import Model
from derive.tape import Tape, const

BITS = (128, 320, 800)  # precisions tried in turn
ZERO = flint.arb(0)
AGREE = flint.arb(2) ** -60  # two sides agree when their difference is a ball around 0 this thin


@dataclass(frozen=True)
class Undefined:
    """No value; `node` is the sub-term without one and `text` says why."""

    node: int
    text: str


def evaluate(
    tape: Tape, roots: Iterable[Any], point: Mapping[Any, Any], bits: int = 128
) -> dict[Any, Any]:
    """Balls (or Undefined) of all nodes below `roots`, with learned entries from `point`."""
    values: dict[Any, Any] = {}
    lost: dict[int, Undefined] = {}
    nodes = tape.nodes
    with flint.ctx.workprec(bits):
        for x in tape.reach(roots):
            op, *data = nodes[x]
            if lost and (found := _lost(tape, x, lost, values)) is not None:
                lost[x] = found
                values[x] = ZERO
                continue
            if op == "var":
                v = flint.arb(point[data[0], data[1]])
            elif op == "lin":
                v = flint.arb(data[0])
                for y, q in data[1]:
                    w = values[y]
                    v = v + w if q == 1 else v - w if q == -1 else v + w * q
            elif op == "mul":
                v = values[data[0][0]]
                for y in data[0][1:]:
                    v = v * values[y]
            elif op == "undef":
                lost[x], v = Undefined(x, f"{data[0]} has no value"), ZERO
            else:
                args = data[0] if op == "max" else (data[0],)
                balls = [values[y] for y in args]
                v = balls[0]
                if op == "exp":
                    v = v.exp()
                elif op == "log":
                    if v <= 0:
                        lost[x] = Undefined(x, f"log of {v.str(8)}, where {tape.text(x)}")
                    v = v.log() if v > 0 else ZERO if x in lost else v + flint.arb("nan")
                elif op == "inv":
                    if v.is_zero():
                        lost[x] = Undefined(x, f"division by 0 in {tape.text(x)}")
                    v = ZERO if x in lost else 1 / v
                elif op == "relu":
                    v = v.max(ZERO)
                else:
                    for b in balls[1:]:
                        v = v.max(b)
            values[x] = v
    return {**values, **lost}


def _lost(
    tape: Tape, x: int, lost: Mapping[int, Undefined], values: Mapping[int, Any]
) -> Undefined | None:
    """Why node x has no value because something below it has none; None where it has one."""
    op, *data = tape.nodes[x]
    if op == "mul":
        bad = [y for y in data[0] if y in lost]
        if bad and not any(values[y].contains(0) for y in data[0] if y not in lost):
            return lost[bad[0]]
        return None  # an exact 0 makes it 0; a ball around 0 leaves it open, and 0 * 0 says nothing
    below = [y for y, _ in data[1]] if op == "lin" else data[0] if op == "max" else data[:1]
    return next((lost[y] for y in below if type(y) is int and y in lost), None)


def look(values: Mapping[Any, Any], x: Any) -> Any:
    """The value of a number of the tape: constants as they are."""
    return flint.arb(x) if const(x) else values[x]


@dataclass(frozen=True)
class Outcome:
    """What one model says of a claim.

    kind: "agree" (the difference is a thin ball around 0), "differ" (it misses 0), "scale" (the
    sides agree but the stated scale is not positive), "undefined" (a side has no value), "open" (no
    precision tried could tell). `where` says more. `left` and `right` are balls.
    """

    kind: str
    left: Any = None
    right: Any = None
    where: str = ""


def compare(case: Instance, model: Model | None = None) -> Outcome:
    """Published against scale * I-Con + constant at one point (default: the model's own)."""
    point = case.point(model)
    roots = (case.left, case.right, case.diff, case.scale)
    for bits in BITS:
        values = evaluate(case.tape, roots, point, bits)
        left, right, diff, scale = (look(values, x) for x in roots)
        for side, name in ((left, "the published formula"), (right, "the I-Con side")):
            if isinstance(side, Undefined):
                return Outcome("undefined", where=f"{name}: {side.text}")
        if isinstance(diff, Undefined) or not (left.is_finite() and right.is_finite()):
            continue
        if not diff.contains(0):
            return Outcome("differ", left, right)
        if diff.rad() < AGREE:
            if not isinstance(scale, Undefined) and scale <= 0:
                return Outcome("scale", left, right, f"the scale stated is {scale.str(10)}")
            return Outcome("agree", left, right)
    return Outcome("open")


def ratio(
    case: Instance, models: tuple[Model, Model, Model], bits: int = 128
) -> tuple[str, Any, list[Any]]:
    """What three learned points say about published = c * icon + K, over all c and K.

    Returns (kind, c, differences): "different" (rigorous: no c and K fit), "negative" (rigorous:
    only a negative c could), "flat" (the published side is one constant), "free" (I-Con does not
    change between the points), "affine" (c fits the three, a ball), "open", "undefined".
    """
    rows = []
    for m in models:
        values = evaluate(case.tape, (case.left, case.icon), case.point(m), bits)
        pair = [look(values, x) for x in (case.left, case.icon)]
        if any(isinstance(x, Undefined) for x in pair):
            return "undefined", None, []
        if not all(x.is_finite() for x in pair):
            return "open", None, []
        rows.append(pair)
    with flint.ctx.workprec(bits):
        (p1, q1), (p2, q2) = ([a - b for a, b in zip(r, rows[0], strict=True)] for r in rows[1:])
        cross = p1 * q2 - p2 * q1
        found = [p1, q1, p2, q2, cross]
        if not cross.contains(0):
            return "different", None, found
        if const(case.left) or all(p.contains(0) and p.rad() < AGREE for p in (p1, p2)):
            return "flat", ZERO, found
        for p, q in ((p1, q1), (p2, q2)):
            if not q.contains(0):
                c = p / q
                return ("negative" if c < 0 else "affine"), c, found
        return "free", None, found


def values_at(case: Instance, model: Model, bits: int = 128) -> tuple[Any, Any]:
    """(published, I-Con) as balls or Undefined."""
    values = evaluate(case.tape, (case.left, case.icon), case.point(model), bits)
    return look(values, case.left), look(values, case.icon)


def value(case: Instance, x: Any, bits: int = 128) -> Any:
    """A number of the tape as a ball (or Undefined) at the model's own point."""
    return look(evaluate(case.tape, [x], case.point(), bits), x)
