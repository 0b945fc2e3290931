"""Orthonormal rows with rational entries, for hypotheses such as w[a].w[b] = [a = b]."""

from __future__ import annotations

import random
from fractions import Fraction

from derive.terms import BOOL
from derive.theorem import Judgement


def rows_of(j: Judgement) -> str:
    """The family whose rows a judgement says to be orthonormal, "" if it says something else."""
    if j[0] != "eq" or j[1].op != "sum" or j[2].op not in BOOL:
        return ""
    body, same = j[1].args[0], j[2]
    if body.op != "mul" or len(body.args) != 2 or same.op != "eq":
        return ""
    u, v = body.args
    if u.op != "app" or u.data != v.data or len(u.args) != 2 or u.args[1] is not v.args[1]:
        return ""
    letters = (u.args[0], v.args[0])
    bound = u.args[1].op == "b" and {t.op for t in letters} == {"v"}
    name: str = u.data[0]
    return name if bound and letters in (same.args, same.args[::-1]) else ""


def frame(count: int, size: int, rng: random.Random, plain: bool) -> list[list[Fraction]]:
    """So many orthonormal rows of that size, none if there are more rows than that.

    Signed unit vectors in a random order and, unless they are to be `plain`, reflected at a random
    hyperplane (Householder): x - 2 (v.x) v / v.v has rational entries.
    """
    if count > size:
        return []
    places = rng.sample(range(size), count)
    rows = [[Fraction(rng.choice((-1, 1)) * (k == at)) for k in range(size)] for at in places]
    v = [rng.randint(-3, 3) for _ in range(size)]
    if plain or not any(v):
        return rows
    square = sum(x * x for x in v)
    out = []
    for row in rows:
        along = 2 * sum((x * y for x, y in zip(row, v, strict=True)), Fraction(0)) / square
        out.append([x - along * y for x, y in zip(row, v, strict=True)])
    return out
