"""Definedness: which logarithms and quotients are shown to have a value, and which are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from catalog.load import load_text
from catalog.symbols import Add
from derive.defined import Obligation, is_truth, missing, obligations, truths, uncovered
from derive.normal import Normaliser
from derive.terms import Term, bind, domain, mk, num, var
from derive.theorem import MINUS, Judgement
from derive.verdict import Proved, Unknown
from derive.verify import verify
from tests.proofs import proofs

I, J, K = var("i", "n"), var("j", "n"), var("k", "n")  # noqa: E741
ONE = num(1)


def f(*args: Term, name: str = "f") -> Term:
    return mk("app", (name, tuple(domain(a) for a in args)), *args)


def mask(*args: Term, name: str = "m") -> Term:
    return mk("mask", (name, tuple(domain(a) for a in args)), *args)


def log(t: Term) -> Term:
    return mk("log", None, t)


def inv(t: Term) -> Term:
    return mk("inv", None, t)


def exp(t: Term) -> Term:
    return mk("exp", None, t)


def total(v: Term, t: Term) -> Term:
    return bind("sum", v, t)


def eq(a: Term, b: Term) -> Term:
    return mk("eq", None, a, b)


def ne(a: Term, b: Term) -> Term:
    return mk("ne", None, a, b)


X, Y, Z = (f(name=s) for s in "xyz")
NN: tuple[Judgement, ...] = (("nn", X),)
POS: tuple[Judgement, ...] = (("pos", X),)
POS_Y: tuple[Judgement, ...] = (("nn", X), ("pos", Y))
P, Q = f(I, J, name="p"), f(I, J, name="q")
ROW: tuple[Judgement, ...] = (("nn", P), ("pos", Q))

DEFINED: dict[str, tuple[Term, Sequence[Judgement]]] = {
    "no logarithm": (X * Y, ()),
    "log of a positive symbol": (log(X), POS),
    "1/x of a positive symbol": (inv(X), POS),
    "1/x of a negative number": (inv(num(-3)), ()),
    "1/x of minus a positive symbol": (inv(MINUS * X), POS),
    "log of an exponential": (log(exp(X)), ()),
    "log of a sum of exponentials": (log(total(J, exp(f(I, J)))), ()),
    "0 log 0": (X * log(X), NN),
    "x log(x y)": (X * log(X * Y), POS_Y),
    "x log(x/y)": (X * log(X * inv(Y)), POS_Y),
    "sum of p log p": (total(J, P * log(P)), ROW),
    "a factor outside of the sum": (X * total(J, log(X * exp(f(J)))), NN),
    "x times a sum of logarithms": (X * (log(X) + log(X * Y)), POS_Y),
    "guarded by its indicator": (total(J, eq(I, J) * log(eq(I, J) * X)), POS),
    "guarded by a mask": (mask(I, J) * log(mask(I, J)), ()),
    "guarded inside of an exponential": (mask(I) * exp(log(mask(I))), ()),
    "positive where the letters differ": (
        total(J, ne(I, J) * log(f(I, J))),
        (("pos", f(I, J) + eq(I, J)),),
    ),
    "positive where the mask lets, and the letters differ": (
        total(J, mask(I, J) * ne(I, J) * inv(f(I, J))),
        (("pos", f(I, J) + (ONE - mask(I, J)) + eq(I, J)),),
    ),
    "the largest of what the mask lets": (
        bind("bigmax", J, eq(I, J), log(eq(I, J))),
        (),
    ),
    "the largest over a set": (bind("bigmax", J, ONE, f(J)), ()),
    "the largest over a mask that is not empty": (
        bind("bigmax", J, mask(I, J), f(J)),
        (("pos", total(J, mask(I, J))),),
    ),
}
UNDEFINED: dict[str, tuple[Term, Sequence[Judgement]]] = {
    "log of a symbol": (log(X), ()),
    "log of minus a positive symbol": (log(MINUS * X), POS),
    "log(1 - 2x) of a positive symbol": (log(ONE - num(2) * X), POS),
    "log of what is not negative": (log(X), NN),
    "log 0": (log(num(0)), ()),
    "log -1": (log(num(-1)), ()),
    "1/x of what is not negative": (inv(X), NN),
    "1/0": (inv(num(0)), ()),
    "x/x": (X * inv(X), NN),
    "0 times 1/0": (num(0) * inv(num(0)), ()),
    "a logarithm that cancels": (log(X) - log(X), ()),
    "x log x of any sign": (X * log(X), ()),
    "x log y": (X * log(Y), NN),
    "x log(x + y)": (X * log(X + Y), (("nn", X), ("nn", Y))),
    "x log(x y) where y may be 0": (X * log(X * Y), (("nn", X), ("nn", Y))),
    "x log(x x)": (X * log(X * X * Y), POS_Y),
    "x exp(log x)": (X * exp(log(X)), NN),
    "x log(x) in another summand": (X * Y + log(X), NN),
    "x^2 log beside a power only": (exp(X) * log(X), NN),
    "guarded by another indicator": (mask(I, J) * log(mask(J, I)), ()),
    "guarded by the same indicator of another letter": (
        total(J, mask(J) * total(K, log(mask(K)))),
        (),
    ),
    "guarded by an outer letter of the same number": (
        total(I, eq(I, K) * total(J, log(eq(J, K)))),
        (),
    ),
    "beside a factor of an outer letter": (
        total(I, f(I) * total(J, log(f(J)))),
        (("nn", f(I)),),
    ),
    "not negative where the letters differ": (
        total(J, ne(I, J) * log(f(I, J))),
        (("nn", f(I, J) + eq(I, J)),),
    ),
    "positive where the letters differ, and asked where they are one": (
        total(J, eq(I, J) * log(f(I, J))),
        (("pos", f(I, J) + eq(I, J)),),
    ),
    "guarded by a number": (X * log(X - X + num(2) - num(3) * X), POS),
    "the largest of a logarithm where a real is not 0": (bind("bigmax", J, X, log(X)), ()),
    "the largest over a mask that may be empty": (bind("bigmax", J, mask(I, J), f(J)), ()),
    "x times the largest of logarithms": (X * bind("bigmax", J, ONE, log(X)), NN),
    "1/0 in the condition of the largest": (
        bind("bigmax", J, ONE + num(0) * inv(num(0)), ONE),
        (),
    ),
    "log in the stop-gradient": (mk("sg", None, log(X)), ()),
    "log under a relu": (mk("relu", None, log(X)), ()),
    "1/x in an index function's company": (eq(I, J) * inv(X), ()),
}


@pytest.mark.parametrize("what", DEFINED)
def test_defined(what: str) -> None:
    t, hyps = DEFINED[what]
    search = Normaliser(tuple(hyps))
    shown, open_ = missing(obligations(t), search)
    assert open_ == []
    # what the search showed is enough for the check, which does not search; less is not
    known = {th.concl for th in shown}
    assert uncovered(obligations(t), known) == []
    if known:
        assert uncovered(obligations(t), set())


@pytest.mark.parametrize("what", UNDEFINED)
def test_undefined(what: str) -> None:
    t, hyps = UNDEFINED[what]
    search = Normaliser(tuple(hyps))
    shown, open_ = missing(obligations(t), search)
    assert open_
    known = {th.concl for th in shown}
    assert uncovered(obligations(t), known) == open_
    # nor does knowing that other things are positive help
    noise = {("pos", x) for x in (ONE, Y, Z, exp(X), num(2), f(I), mask(I, J))} - {
        ("pos", o.arg) for o in open_
    }
    assert uncovered(obligations(t), known | noise)


def test_a_theorem_about_something_else_covers_nothing() -> None:
    (o,) = obligations(log(X))
    assert o == Obligation("log", X, ())
    for j in (("nn", X), ("eq", X, ONE), ("pos", Y), ("pos", MINUS * X)):
        assert uncovered([o], {j}) == [o]
    assert uncovered([o], {("pos", X)}) == []


@pytest.mark.parametrize(
    ("t", "truth"),
    [
        (eq(I, J), True),
        (mask(I, J), True),
        (ONE - mask(I, J), True),
        (ONE - (ONE - eq(I, J)) * (ONE - mask(I, J)), True),
        (ONE - X, False),
        (ONE - num(2) * mask(I, J), False),
        (X, False),
        (num(2), False),
        (ONE + mask(I, J), False),
        (ONE + ONE, False),
    ],
)
def test_what_is_0_or_1_by_its_form(t: Term, truth: bool) -> None:
    assert is_truth(t) == truth
    assert truths(num(2) * t * X) == ((t,) if truth else ())


def test_every_method_needs_each_of_its_definedness_theorems() -> None:
    """The search keeps none that nothing asks for."""
    from derive.defined import of_claim

    for made in proofs().values():
        known = {th.concl for th in made.proof.defined}
        claim = list(of_claim(*made.proof.theorem.concl[1:5]))
        assert uncovered(claim, known) == []
        for th in known:
            assert uncovered(claim, known - {th}), made.method.id


DEFINITION = """
id = "mine"
name = "A loss of mine"
field = "theory"
year = 2026
cite = ""
[learned]
z = "vector[i]"
[given]
knn = "mask[i,j]"
[assumes]
"every point has a neighbour" = "sum[j != i] [knn[i,j]] > 0"
[icon]
normalise = "joint"
divergence = "alpha"
order = "1/2"
[p]
kernel = "symmetrised-uniform"
over = "knn[i,j]"
[q]
kernel = "dot"
embedding = "z"
[claim]
relation = "definition"
"""


def test_a_definition_publishes_its_divergence_as_that_is_defined() -> None:
    """Its p may be 0, where p^a q^(1-a) is 0; a formula printed like that has log(0) in it."""
    m = load_text(DEFINITION)
    assert isinstance(verify(m), Proved)
    printed = replace(m, claim=replace(m.claim, relation="generalised"))
    verdict = verify(printed)
    assert isinstance(verdict, Unknown) and "not shown to be positive" in verdict.why
    # and a definition of which the formula was changed is held to that formula
    changed = replace(m, published=Add((m.published, m.published)))
    assert not isinstance(verify(changed), Proved)
