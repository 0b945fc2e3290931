"""Does a loss that does not fit its pair fit the same pair with a parameter scaled?

A pair stated with tau where the paper's formula has 2 tau is no pair of that loss, for a reason
that a reader wants to hear: the loss reduces after all. Asked of claims that nothing fits, at fixed
sizes; the answer is evidence that is said beside the verdict.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive import balls
from derive.bridge import Problem
from derive.instance import cases
from derive.letters import below
from derive.terms import Term, num, subst

FACTORS = tuple(Fraction(*x) for x in ((2, 1), (1, 2), (4, 1), (1, 4)))
SIZES = (3, 4)


def rescaled(problem: Problem, seed: int = 0) -> str:
    """Which parameter of the pair, times what, makes some scale and constant fit; "" if none does.

    A parameter is a scalar, given or learned, that p, the kernel or the weights mention.
    """
    parts = [t for b in problem.blocks for t in b[4:]]
    scalars = {t for t in below(parts) if t.op == "app" and not t.args}
    for t in sorted(scalars, key=lambda t: str(t.data)):
        for factor in FACTORS:
            other = with_factor(problem, t, factor)
            if fits(other, seed):
                name = t.data[0]
                how = f"with {factor} * {name} for {name} in p and q"
                return f"{how} some scale and constant fit at the sizes tried"
    return ""


def with_factor(problem: Problem, t: Term, factor: Fraction) -> Problem:
    """The problem with a parameter of the pair multiplied by a factor."""
    put = {t: num(factor) * t}
    blocks = tuple((*b[:4], *(subst(x, put) for x in b[4:])) for b in problem.blocks)
    return replace(problem, blocks=blocks)


def fits(problem: Problem, seed: int) -> bool:
    """Whether three points are an affine image in every model looked at, in two at least."""
    found = [balls.three(case, seed) for case in cases(problem, SIZES, seed)]
    kinds = [f[0] for f in found if f is not None]
    return kinds.count("affine") > 1 and set(kinds) <= {"affine", "open", "free"}
