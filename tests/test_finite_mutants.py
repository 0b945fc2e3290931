"""Mutants: small changes to published formulas are refuted, or all judges call them equal."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest

from catalog.registry import load
from derive import balls, enclose, gradient
from derive.bridge import Problem, problem
from derive.instance import cases
from derive.terms import BINDERS, BOOL, INDEX, RuleError, Term, mk, num
from derive.witness import recheck

METHODS = [
    "infonce", "supcon", "simclr", "t-sne", "sne", "dcd", "clip", "siglip", "label-smoothing",
    "knowledge-distillation", "harmonic", "x-sample",
]  # fmt: skip
EACH = 25


def sites(t: Term) -> list[Term]:
    """All sub-terms, the term first."""
    return [t, *(s for a in t.args for s in sites(a))]


def mutate(t: Term, rng: random.Random) -> Term:
    """A term with one change at one place: an operation, a number, an index, a mask."""
    at = rng.randrange(len(sites(t)))

    def go(u: Term) -> Term:
        nonlocal at
        at -= 1
        if at == -1:
            return change(u, rng)
        return u if not u.args or at < 0 else mk(u.op, u.data, *(go(a) for a in u.args))

    return go(t)


def change(u: Term, rng: random.Random) -> Term:
    if u.op == "num":
        return num(u.data + rng.choice((1, -1, Fraction(1, 2))))
    if u.op in ("add", "mul"):
        if rng.random() < 0.5 and len(u.args) > 1:
            return mk(u.op, None, *rng.sample(u.args, len(u.args) - 1))
        return mk("mul" if u.op == "add" else "add", None, *u.args)
    if u.op in ("eq", "ne"):
        return rng.choice((num(1), mk("ne" if u.op == "eq" else "eq", None, *u.args)))
    if u.op == "mask":
        return rng.choice((num(1), num(1) - u))
    if u.op in INDEX:
        if u.op == "fn":
            return u.args[0]  # the anchor in place of its partner: refused where sets differ
        return mk("b", (u.data[0] + rng.choice((1, -1)), u.data[1])) if u.op == "b" else u
    if u.op in BINDERS:
        return mk("inv", None, u)
    if u.op in ("exp", "log", "inv"):
        return mk(rng.choice([op for op in ("exp", "log", "inv") if op != u.op]), None, *u.args)
    return num(rng.choice((2, -1))) * u


def mutants(p: Problem, seed: int) -> list[Problem]:
    rng, found = random.Random(seed), dict[Term, None]()
    for _ in range(40 * EACH):
        if len(found) == EACH:
            break
        try:
            t = mutate(p.published, rng)
        except RuleError:
            continue
        if t is not p.published and not t.free and not t.loose and t.op not in INDEX | BOOL:
            found[t] = None
    return [replace(p, published=t) for t in found]


@pytest.mark.parametrize("name", METHODS)
def test_mutants_are_refuted_or_equal(name: str) -> None:
    p = problem(load(name))
    made, count = mutants(p, len(name)), Counter[str]()
    for wrong in made:
        w = balls.refute_value(wrong)
        if w is not None:
            assert recheck(wrong, w) == ""
            count["refuted"] += 1
            continue
        for case in cases(wrong, (3, 4), 0):  # nothing refutes it: then all judges must agree
            assert enclose.compare(case).kind in ("agree", "open")
            assert gradient.judge(case).outcome in ("equal", "abstain")
        count["equal"] += 1
    assert len(made) >= 10
    assert count["refuted"] >= 0.75 * len(made)
