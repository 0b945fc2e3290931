"""Stop-gradients: whether the gradient of a formula that has them is that of any function.

What is stopped is not differentiated, but it changes all the same as training goes on. The field of
such gradients is the gradient of some loss only if its Jacobian is symmetric.
"""

from __future__ import annotations

from typing import Any

from derive.curvature import curl
from derive.scores import Bare, Reader, inside
from derive.tape import Tape, const
from derive.terms import Term


def stops(t: Term) -> bool:
    """Whether something learned may stand under a stop-gradient."""
    return t.op == "sg" or any(map(stops, t.args))


def asymmetry(case: Bare) -> tuple[str, str, Any] | None:
    """The readings of two learned entries and the gap of their mixed derivatives."""
    if any(kind == "eq" for kind, _ in case.hyps) or not inside(case, case.model):
        return None
    tape = Tape()
    ev = Reader(case.model, tape, case.problem, apart=True)
    root = ev.value(case.problem.published)
    if const(root):
        return None
    point, twin = dict[int, Any](), dict[int, int]()
    for key, x in case.point().items():
        v, w = tape.var(*key), tape.var(f"sg {key[0]}", key[1])
        point |= {v: x, w: x}
        twin[v] = w
    below = set(tape.reach([root]))
    if not any(w in below for w in twin.values()):
        return None
    found = curl(tape, root, {x: v for x, v in point.items() if x in below}, twin,
                 [v for v in twin if v in below])  # fmt: skip
    return found and (tape.text(found[0], 60), tape.text(found[1], 60), found[2])
