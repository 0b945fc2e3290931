"""Which nodes of a bare formula are its scores: distances, cosines, exponents, or what is learned.

A *cut* is a set of nodes through which alone the formula depends on what is learned. The uppermost
one is tried first: what exponentials are made of, cosines and distances. Below it are the inner
products themselves. Single coordinates of vectors are no scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import flint

from derive.jets import reach
from derive.quotients import power
from derive.scores import Bare, versions
from derive.tape import arguments
from derive.terms import Term

HALF = flint.fmpq(1, 2)


def leaves(case: Bare, root: Any, cut: Sequence[int] = ()) -> list[int]:
    """The variables below a node, those below `cut` left out."""
    below = reach(case.tape, root, dict.fromkeys(cut))
    return [x for x in below if case.tape.nodes[x][0] == "var" and x not in cut]


def length(case: Bare, x: int) -> int | None:
    """The squared norm that a node is the root of, None where it is no norm."""
    tape = case.tape
    if not power(tape, x):
        return None
    items = tape.flat(tape.nodes[x][1])[1]
    ((y, q),) = items.items() if len(items) == 1 else ((0, flint.fmpq(0)),)
    return tape.nodes[y][1] if q == HALF and tape.nodes[y][1] in case.meaning else None


def lengths(case: Bare, x: int, moves: Mapping[int, bool]) -> bool:
    """Whether a node is a norm, a product of norms, or does not change."""
    n = case.tape.nodes[x]
    parts = n[1] if n[0] == "mul" else (x,)
    return all(length(case, y) is not None or not moves[y] for y in parts)


def built(case: Bare, nested: bool) -> list[int]:
    """Cosines, distances and what else exponents are made of, the uppermost of each.

    With `nested` an exponent may have exponentials in it, such as those of a temperature.
    """
    tape, found = case.tape, dict[int, None]()
    order = tape.reach([case.root])
    deep = {x: tape.nodes[x][0] == "exp" and not power(tape, x) for x in order}  # exp at or below
    moves = {x: tape.nodes[x][0] == "var" for x in order}
    for x in order:
        args = arguments(tape.nodes[x])
        deep[x] |= any(deep[y] for y in args)
        moves[x] |= any(moves[y] for y in args)
    for x in order:
        op, *data = tape.nodes[x]
        if op == "exp" and not power(tape, x):
            for y in tape.flat(data[0])[1]:
                if moves[y] and (nested or not deep[y]) and tape.nodes[y][0] not in ("relu", "max"):
                    found[y] = None
        elif op == "exp" and moves[x] and length(case, x) is not None:
            found[x] = None
        elif op == "mul" and any(y in case.meaning for y in data[0]):
            under = [tape.nodes[y][1] for y in data[0] if tape.nodes[y][0] == "inv"]
            if under and all(lengths(case, y, moves) for y in under):
                found[x] = None
    below = {y for x in found for y in tape.reach(arguments(tape.nodes[x]))}
    return [x for x in found if x not in below]


def cuts(case: Bare) -> list[tuple[int, ...]]:
    """Sets of scores to try, each separating the formula from what is learned."""
    out: list[tuple[int, ...]] = []
    for some in (built(case, True), built(case, False), []):
        below = reach(case.tape, case.root, dict.fromkeys(some))
        some = [x for x in some if x in below]
        cut = tuple(sorted([*some, *leaves(case, case.root, some)]))
        coordinates = any(reads_coordinate(case, x) for x in cut)
        if cut and cut not in out and not coordinates:
            out.append(cut)
    return out


def oriented(case: Bare, x: int) -> bool:
    """Whether a score has the sign that it is written with, so that rising means something.

    The tape writes x - y and y - x as one node up to a sign, which differences and what is made of
    them lose.
    """
    n = case.tape.nodes[x]
    if n[0] == "mul":
        return all(case.tape.nodes[y][0] in ("var", "inv", "exp") for y in n[1])
    return n[0] == "var" or length(case, x) is not None


def reads_coordinate(case: Bare, x: int) -> bool:
    """Whether a node is a single coordinate of a learned vector: no score."""
    n = case.tape.nodes[x]
    if n[0] != "var" or x in case.meaning:
        return False
    return n[1] in vectors(case.problem.published, case.problem.dims)


def vectors(t: Term, dims: frozenset[Any]) -> set[str]:
    """The families of a term with an index that is a coordinate."""
    own = {t.data[0]} if t.op == "app" and any(d in dims for d in t.data[1]) else set()
    return own.union(*(vectors(a, dims) for a in t.args))


def name(case: Bare, x: int) -> str:
    """How a score reads."""
    tape, n = case.tape, case.tape.nodes[x]
    square = length(case, x)
    if square is not None:
        return tape.text(square, 60).removesuffix("^2")
    if n[0] == "mul":
        inner = [y for y in n[1] if y in case.meaning]
        words = tape.text(inner[0], 60) if len(inner) == 1 else ""
        rest = [y for y in n[1] if y not in inner]
        if words.count(".") == 1 and all(tape.nodes[y][0] == "inv" for y in rest):
            return f"cos({words.replace('.', ', ')})"
    return tape.text(x, 60)


def named(case: Bare, cut: Sequence[int]) -> dict[str, int]:
    """The scores by name; equal readings are told apart by strokes."""
    out: dict[str, int] = {}
    for x in cut:
        words = name(case, x)
        while words in out:
            words += "'"
        out[words] = x
    return out


def matching(case: Bare, words: Iterable[str]) -> tuple[Bare, tuple[int, ...]] | None:
    """The version of a formula and its scores that read as some words say, None for none."""
    wanted = set(words)
    pairs = ((c, cut) for c in versions(case) for cut in cuts(c))
    return next(((c, cut) for c, cut in pairs if set(named(c, cut)) == wanted), None)
