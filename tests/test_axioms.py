"""The axioms that are theorems of analysis: rigorous balls on dense grids, and the proofs of
docs/trust.md step by step in sympy. What is checked is read from AXIOMS and from the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import flint
import pytest
import sympy as sp

from derive.fields import fmpq
from derive.terms import RuleError, Term, mk, num, subst
from derive.theorem import AXIOMS, MINUS, RULES, Theorem, X, Y

BITS = 4000  # so that differences of order 10^-600 are seen
ONE = num(1)


def log(t: Term) -> Term:
    return mk("log", None, t)


def exp(t: Term) -> Term:
    return mk("exp", None, t)


def ball(t: Term, x: Any, y: Any) -> Any:
    """The value of a term in x and y, with the total operations of derive.terms."""
    match t.op:
        case "num":
            return flint.arb(fmpq(t.data))
        case "app":
            return {"x": x, "y": y}[t.data[0]]
        case "add" | "mul":
            out = flint.arb(t.op == "mul")
            for a in t.args:
                out = out + ball(a, x, y) if t.op == "add" else out * ball(a, x, y)
            return out
    (u,) = (ball(a, x, y) for a in t.args)
    match t.op:
        case "exp":
            return u.exp()
        case "log":
            return flint.arb(0) if u <= 0 else u.log()
        case "inv":
            return u if u == 0 else 1 / u
    raise TypeError(t.op)


@cache
def sizes() -> tuple[Fraction, ...]:
    """Positive numbers: dense around 1 and up to 10, then tiny and huge ones."""
    dense = [Fraction(k, 40) for k in range(1, 401)]
    wide = [Fraction(10) ** k for k in (*range(-60, 0, 4), *range(1, 60, 4), -300, 300)]
    near = [1 + s * Fraction(1, 10**k) for k in (1, 2, 3, 5, 8, 13, 21, 34, 55) for s in (1, -1)]
    return tuple(sorted({*dense, *wide, *near}))


def signed() -> Iterator[Fraction]:
    for x in sizes():
        yield x
        yield -x
    yield Fraction(0)


def units() -> list[Fraction]:
    small = [Fraction(1, 10**k) for k in (1, 2, 5, 20, 100)]
    halves = [Fraction(1, 2) + s * x for x in small for s in (1, -1)]
    grid = [Fraction(k, 24) for k in range(25)]
    return sorted({*grid, *small, *(1 - x for x in small), *halves})


def moderate() -> list[Fraction]:
    """Exponents: an exponential of a million has 400,000 digits, which is enough."""
    tiny = [Fraction(1, 10**k) for k in (1, 2, 3, 5, 8, 13, 21, 40)]
    grid = [Fraction(k, 4) for k in range(1, 60)] + [Fraction(10) ** k for k in (2, 3, 4, 5, 6)]
    return [*sorted(s * y for y in (*tiny, *grid) for s in (1, -1)), Fraction(0)]


Points = Callable[[], Iterator[tuple[Fraction, Fraction]]]
GRIDS: dict[str, Points] = {
    "log_tangent": lambda: ((x, Fraction(0)) for x in sizes()),
    "pinsker": lambda: ((x, Fraction(0)) for x in (Fraction(0), *sizes())),
    "hoeffding": lambda: ((x, y) for x in units() for y in moderate()),
}


def lowest(t: Term, points: Iterator[tuple[Fraction, Fraction]]) -> tuple[int, int, int]:
    """How often t is certainly at least 0, certainly below, and neither."""
    good = bad = open_ = 0
    with flint.ctx.workprec(BITS):
        for x, y in points:
            v = ball(t, flint.arb(fmpq(x)), flint.arb(fmpq(y)))
            if v >= 0:
                good += 1
            elif v < 0:
                bad += 1
            else:
                open_ += 1
    return good, bad, open_


@pytest.mark.parametrize("name", GRIDS)
def test_an_inequality_holds_on_a_dense_grid(name: str) -> None:
    kind, t = AXIOMS[name][1]
    assert kind == "nn"
    points = list(GRIDS[name]())
    good, bad, open_ = lowest(t, iter(points))
    # balls cannot tell where the two sides are equal
    equal = {
        "log_tangent": [p for p in points if p[0] == 1],
        "pinsker": [p for p in points if p[0] == 1],
        "hoeffding": [p for p in points if 0 in p or p[0] == 1 == p[1]],
    }
    assert bad == 0
    assert open_ <= len(equal[name])
    assert good >= 400


PLANTED: dict[str, tuple[str, dict[Term, Term] | None, Callable[[Term], Term]]] = {
    # the axiom, and a change after which it is false somewhere on the grid
    "a tangent that is steeper": ("log_tangent", None, lambda t: t - num(Fraction(1, 10**9))),
    "pinsker with 3.01": ("pinsker", None, lambda t: t - num(Fraction(1, 100)) * Z * Z),
    "pinsker with x + 4 for 2 x + 4": ("pinsker", None, lambda t: t - X * (X * log(X) - Z)),
    "pinsker a little lower": ("pinsker", None, lambda t: t - num(Fraction(1, 10**40))),
    "hoeffding with 1/9": ("hoeffding", {num(Fraction(1, 8)): num(Fraction(1, 9))}, lambda t: t),
    "hoeffding with 1/8 - 10^-9": (
        "hoeffding",
        {num(Fraction(1, 8)): num(Fraction(1, 8) - Fraction(1, 10**9))},
        lambda t: t,
    ),
    "hoeffding with 2 x": ("hoeffding", None, lambda t: t - X * exp(Y)),
}
Z = X - ONE


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_error_is_found_on_the_grid(what: str) -> None:
    name, swap, change = PLANTED[what]
    t = change(subst(AXIOMS[name][1][1], swap or {}))
    assert t is not AXIOMS[name][1][1]
    assert lowest(t, GRIDS[name]())[1] > 0


def test_hoeffding_needs_no_premise() -> None:
    """1 = e^0 and e^y lie on a chord of a convex function: outside of [0, 1] it holds too."""
    t = AXIOMS["hoeffding"][1][1]
    points = [(x, y) for x in signed() if abs(x) < 100 for y in moderate() if abs(x * y) < 10**5]
    good, bad, open_ = lowest(t, iter(points[::23]))
    assert bad == 0
    assert good > 1000 > 50 > open_


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("log_tangent", [Fraction(0)]),  # log 0 = 0
        ("log_tangent", [Fraction(-1), Fraction(1, 2) - 1]),
        ("pinsker", [Fraction(-1, 10), Fraction(-1), Fraction(-7)]),  # log of it is 0
    ],
)
def test_outside_of_its_premise_an_inequality_fails(name: str, points: list[Fraction]) -> None:
    with flint.ctx.workprec(BITS):
        values = [ball(AXIOMS[name][1][1], flint.arb(fmpq(x)), flint.arb(0)) for x in points]
    assert any(v < 0 for v in values), values


# ------------------------------------------------------------------- partial sums

SERIES = [(f, k) for f in ("exp", "log") for k in range(9)]


def nn(t: Term) -> Theorem:
    return RULES["assume"](("nn", t))


def partial(f: str, k: int) -> Term:
    th = RULES["taylor"](f, str(k), X, nn(X))
    assert th.hyps == {("nn", X)}
    kind, t = th.concl
    assert kind == "nn"
    return t


@pytest.mark.parametrize(("f", "k"), SERIES)
def test_a_partial_sum_is_on_its_side(f: str, k: int) -> None:
    t = partial(f, k)
    large = 10**4 if f == "exp" else 10**60
    points = [(x, Fraction(0)) for x in (Fraction(0), *sizes()) if 10**-45 < x < large or x == 0]
    good, bad, open_ = lowest(t, iter(points))
    assert (bad, open_) == (0, 0)
    assert good > 400
    assert lowest(MINUS * t, iter(points))[1] > 400  # the other parity
    # for x < 0, and no other: the odd sums of exp(-x) are below everywhere
    below = [(-x, Fraction(0)) for x, _ in points if 0 < x < 100]
    bad = lowest(t, iter(below))[1]
    assert (bad == 0) == (f == "exp" and k % 2 == 1)


@pytest.mark.parametrize(
    "args", [("exp", "9"), ("exp", "-1"), ("exp", "01"), ("exp", ""), ("sin", "1"), ("", "1")]
)
def test_other_partial_sums_are_refused(args: tuple[str, str]) -> None:
    with pytest.raises(RuleError):
        RULES["taylor"](*args, X, nn(X))


@pytest.mark.parametrize("sign", [("pos", X), ("nn", Y), ("nn", MINUS * X), ("eq", X, X)])
def test_a_partial_sum_needs_the_sign_of_its_term(sign: Any) -> None:
    with pytest.raises(RuleError):
        RULES["taylor"]("exp", "2", X, RULES["assume"](sign))


# ------------------------------------------------------------------- the proofs of docs/trust.md

x, y, u = sp.symbols("x y u", positive=True)


def written(t: Term) -> Any:
    """A term in x and y as a sympy expression, for x, y where every operation has its meaning."""
    match t.op:
        case "num":
            return sp.Rational(t.data.numerator, t.data.denominator)
        case "app":
            return {"x": x, "y": y}[t.data[0]]
        case "add" | "mul":
            return (sp.Add if t.op == "add" else sp.Mul)(*map(written, t.args))
    return {"exp": sp.exp, "log": sp.log, "inv": lambda v: 1 / v}[t.op](written(t.args[0]))


def test_log_tangent_by_its_derivative() -> None:
    """g = x - 1 - log x has its only critical point at 1, is 0 there, and is convex."""
    g = written(AXIOMS["log_tangent"][1][1])
    assert g.subs(x, 1) == 0 == sp.diff(g, x).subs(x, 1)
    assert sp.simplify(sp.diff(g, x, 2) - 1 / x**2) == 0


def test_pinsker_by_its_second_derivative() -> None:
    """h(1) = h'(1) = 0 and h'' = 4 (1/x - 1 - log(1/x)) >= 0, the tangent at 1/x; h(0) = 1."""
    h = written(AXIOMS["pinsker"][1][1])
    assert h.subs(x, 1) == 0 == sp.diff(h, x).subs(x, 1)
    tangent = written(AXIOMS["log_tangent"][1][1]).subs(x, 1 / x)
    gap = sp.expand_log(sp.simplify(sp.diff(h, x, 2) - 4 * tangent), force=True)
    assert sp.simplify(gap) == 0
    assert sp.limit(h, x, 0, "+") == 1
    with flint.ctx.workprec(BITS):
        assert ball(AXIOMS["pinsker"][1][1], flint.arb(0), flint.arb(0)) == 1  # 0 log 0 = 0


def test_hoeffding_by_its_second_derivative() -> None:
    """s = log(1 - x + x e^y) - x y has s(0) = s'(0) = 0 and s'' = v (1 - v) <= 1/4."""
    whole = written(AXIOMS["hoeffding"][1][1])
    mean = 1 - x + x * sp.exp(y)
    assert sp.simplify(whole - (sp.exp(x * y + y**2 / 8) - mean)) == 0
    s = sp.log(mean) - x * y
    assert sp.simplify(s.subs(y, 0)) == 0 == sp.simplify(sp.diff(s, y).subs(y, 0))
    v = x * sp.exp(y) / mean
    assert sp.simplify(sp.diff(s, y, 2) - v * (1 - v)) == 0
    assert sp.expand(sp.Rational(1, 4) - u * (1 - u) - (u - sp.Rational(1, 2)) ** 2) == 0


@pytest.mark.parametrize(("f", "k"), SERIES)
def test_partial_sums_by_their_derivatives(f: str, k: int) -> None:
    """Above for even k of exp: the derivative of one is minus the one before, and 0 at 0.

    For log(1 + x) the derivative of the remainder is a geometric one, +-x^k/(1 + x).
    """
    side = written(partial(f, k))
    assert side.subs(x, 0) == 0
    if f == "log":
        assert sp.simplify(sp.diff(side, x) - x**k / (1 + x)) == 0  # > 0 for x > 0
    elif k:
        before = written(partial(f, k - 1))
        assert sp.simplify(sp.diff(side, x) - before) == 0  # at least 0, by induction
    else:
        assert sp.simplify(side - (1 - sp.exp(-x))) == 0


def test_the_other_new_axioms_by_cases() -> None:
    """Exact rationals on both sides of every case; relu and max are looked at as such."""
    values = sorted({Fraction(n, d) for n in range(-6, 7) for d in (1, 2, 3)})

    def relu(v: Fraction) -> Fraction:
        return max(v, Fraction(0))

    def inv(v: Fraction) -> Fraction:
        return 1 / v if v else v

    for a, b in ((a, b) for a in values for b in values):
        assert a * a * inv(a) == a
        assert (a - b >= 0 and b - a >= 0) == (a == b)
        assert relu(-a) == relu(a) - a
        assert relu(a) * relu(a) == a * relu(a)
        assert relu(a) >= 0
        assert max(a, b) == b + relu(a - b)
        if b >= 0 and b - a >= 0:
            assert b - relu(a) >= 0
        if a >= 0:
            assert relu(a * b) == a * relu(b)


def test_every_axiom_is_looked_at_somewhere() -> None:
    here = {"log_tangent", "pinsker", "hoeffding"}
    cases = {
        "inv_square", "antisymmetry", "relu_least", "relu_minus", "relu_mul",
        "nn_relu", "max_relu",
    }  # fmt: skip
    old = {
        "log_exp", "exp_log", "exp_add", "exp_zero", "log_mul", "xlogx_mul", "log_inv", "inv_mul",
        "inv_inv", "mul_inv", "pos_exp", "pos_add", "pos_mul", "pos_inv", "nn_pos", "nn_add",
        "nn_mul", "nn_inv", "nn_square",
    }  # fmt: skip
    assert set(AXIOMS) == here | cases | old
