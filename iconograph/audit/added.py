"""A small number that code adds somewhere, to divide by a sum or to take its root or logarithm.

Code with such a number is another function than the published one, so it is not enough that the two
are near: the number is put into the formula, at a place, and has to explain all that was compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from catalog.spec import Declaration, Method
from catalog.symbols import TRUE, Add, Big, Call, Div, Expr, Mul, Norm, Size, SqNorm, Sym, fresh
from iconograph.audit.against import Trial, bases, held_against, settings, solved
from iconograph.audit.batches import Worlds
from iconograph.audit.candidate import Candidate
from iconograph.audit.fit import against
from iconograph.audit.readings import Unfit
from iconograph.audit.rewriting import Here, Rule, has_points, rewritten

EPS = Sym("eps", (), "real")
ADDED = Declaration("eps", "real", EPS, False)
KEY = "small number"
NUMBERS = (*(m * 10.0**-k for k in range(3, 17) for m in (1.0, 2.0, 5.0)), 2.0**-23, 2.0**-52)
"""The numbers that are tried: 1, 2 and 5 times powers of ten, and the two machine epsilons."""

NEAR = 3e-2
"""The residual of a formula without the number, beyond which none is tried."""


def root(node: Expr, here: Here) -> Expr | None:
    """Under square roots."""
    if isinstance(node, Call) and node.fn == "sqrt":
        return Call("sqrt", (Add((node.args[0], EPS)),))
    return Call("sqrt", (Add((SqNorm(node.u), EPS)),)) if isinstance(node, Norm) else None


def root_of_mean(node: Expr, here: Here) -> Expr | None:
    """To the mean under square roots, which is the formula's sum by the number of its terms."""
    match node:
        case Call("sqrt", (Big("sum", vars) as total,)):
            size = Size(tuple(fresh(v) for v in vars), TRUE)
            return Call("sqrt", (Add((total, Mul((size, EPS)))),))
    return None


def logarithm(node: Expr, here: Here) -> Expr | None:
    """In logarithms."""
    if isinstance(node, Call) and node.fn == "log" and has_points(node.args[0]):
        return Call("log", (Add((node.args[0], EPS)),))
    return None


def divisor(node: Expr, here: Here) -> Expr | None:
    """To what is divided by."""
    if isinstance(node, Div) and has_points(node.den):
        return Div(node.num, Add((node.den, EPS)))
    return None


PLACES: tuple[tuple[str, Rule], ...] = (
    ("under square roots", root), ("to the mean under square roots", root_of_mean),
    ("in logarithms", logarithm), ("to what is divided by", divisor),
)  # fmt: skip


def with_number(candidate: Candidate) -> Iterator[Candidate]:
    """The candidate with a number added, at one kind of place at a time."""
    for words, rule in PLACES:
        new = rewritten(candidate.formula, rule)
        if new != candidate.formula:
            yield replace(
                candidate, formula=new, extra=(*candidate.extra, ADDED),
                edits=(*candidate.edits, f"{KEY}|{words}"),
            )  # fmt: skip


def added(method: Method, worlds: Worlds) -> Trial | None:
    """The published formula with a small number at one place, where that agrees exactly.

    Twice the number must not agree: one that no input tells from another explains nothing.
    """
    for candidate in bases(method, worlds):
        valued = False
        for world in settings(candidate, worlds):
            if valued and world.labels == "pairs":
                continue  # as in `attempt`
            plain, left = solved(candidate, world, quick=True)
            valued = valued or np.isfinite(left)
            if left > NEAR:
                continue
            numbers = {k: float(f"{v:.2g}") for k, v in plain.items()}
            for new in with_number(candidate):
                for eps in NUMBERS:
                    tried = numbers | {"eps": eps}
                    try:
                        slip = against(new.at, tried, world.fitting)[2]
                    except Unfit:
                        break
                    if not np.isnan(slip) and slip <= world.tolerance:
                        found = held_against(new, tried, world)
                        twice = held_against(new, tried | {"eps": 2 * eps}, world)
                        if found is not None and found.fits and twice is None:
                            return found
    return None


def spoken(trial: Trial) -> tuple[str, ...]:
    """The number and its place in words, nothing where none was added."""
    where = [e.split("|")[1] for e in trial.candidate.edits if e.startswith(f"{KEY}|")]
    eps = trial.match.numbers.get("eps", 0.0)
    return tuple(f"a small number added {w} (eps = {eps:.3g})" for w in where)


__all__ = ["KEY", "added", "spoken"]
