"""The prime-field judge: gradients, roots, relations between exponents, error bounds."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import pytest

from catalog.registry import load
from derive import degrees, enclose, gradient
from derive.bridge import Problem, problem
from derive.constraints import Constraints, Unsupported
from derive.exponents import reconstruct
from derive.fields import fmpq
from derive.instance import case_at, instance, model_at, signature_of
from derive.primefield import BITS, good_point, plan, prime
from derive.sampling import random_model
from derive.tape import Tape, backward
from derive.terms import Term, bind, mk, num, var
from derive.theorem import Judgement

IX, J, D = var("i", "n"), var("j", "n"), var("d", "d")
HALF = Fraction(1, 2)


def real(name: str, *args: Term) -> Term:
    return mk("app", (name, tuple(a.data[1] for a in args)), *args)


def f(op: str, *args: Term) -> Term:
    return mk(op, None, *args)


def exp(t: Term) -> Term:
    return f("exp", t)


def log(t: Term) -> Term:
    return f("log", t)


def inv(t: Term) -> Term:
    return f("inv", t)


def power(t: Term, q: Fraction | int) -> Term:
    return exp(num(q) * log(t))


def dot(i: Term, j: Term) -> Term:
    return bind("sum", D, real("z", i, D) * real("z", j, D))


def mean(v: Term, t: Term) -> Term:
    return inv(bind("sum", v, num(1))) * bind("sum", v, t)


S = real("s", IX, J)
X, Y, TAU = real("x"), real("y"), real("tau")
BLOCK = ((IX,), num(1), (J,), num(1), inv(bind("sum", IX, num(1))), f("eq", IX, J), exp(S))


def claim(left: Term, right: Term, hyps: tuple[Judgement, ...] = ()) -> Problem:
    """left = right as a claim: a block that contributes nothing, the right side as constant."""
    empty = ((IX,), num(1), (J,), num(0), num(1), num(1), num(1))
    words, learned = ("",) * len(hyps), ("s", "t", "x", "y", "z")
    return Problem(left, num(1), right, (empty,), learned, hyps, words, frozenset("d"))


def judge(left: Term, right: Term, *hyps: Judgement, seed: int = 0) -> gradient.Gradient:
    p = claim(left, right, hyps)
    model = model_at(p, 3, seed)
    assert model is not None
    return gradient.judge(instance(p, model), seed)


ROW = bind("sum", J, exp(S))
EQUAL: dict[str, tuple[Any, ...]] = {
    "log of a quotient": (bind("sum", IX, log(exp(real("s", IX, IX)) * inv(ROW))),
                          bind("sum", IX, real("s", IX, IX) - log(ROW))),
    "a constant apart": (X * X + num(3), X * X),
    "log of a multiple": (log(num(5) * (X * X + num(1))), log(X * X + num(1))),
    "difference of squares": ((X + Y) * (X - Y), X * X - Y * Y),
    "exponents add": (exp(X + Y + num(2)), exp(X) * exp(Y) * exp(num(2))),
    "rational exponents": (exp(num(HALF) * X) * exp(num(Fraction(1, 3)) * X),
                           exp(num(Fraction(5, 6)) * X)),
    "temperature": (exp(X * inv(TAU)) * exp(Y * inv(TAU)), exp((X + Y) * inv(TAU))),
    "a square root": (power(X * X + num(1), HALF) * power(X * X + num(1), HALF), X * X + num(1)),
    "roots multiply": (power(X * X + num(1), HALF) * power(Y * Y + num(2), HALF),
                       power((X * X + num(1)) * (Y * Y + num(2)), HALF)),
    "a third root": (
        power(exp(X) + num(1), Fraction(1, 3)) * power(exp(X) + num(1), Fraction(2, 3)),
        exp(X) + num(1)),
    "a fifth power": (power(X * X + num(1), -5) * power(X * X + num(1), 7),
                      (X * X + num(1)) * (X * X + num(1))),
    "cosine of itself": (bind("sum", IX, exp(dot(IX, IX) * inv(dot(IX, IX)))), num(0)),
    "given logs": (X * log(num(6)), X * log(num(2)) + X * log(num(3))),
    "nested exponentials": (exp(X * exp(Y)) * exp(num(2) * exp(Y)), exp((X + num(2)) * exp(Y))),
    "the inverse of an exponential": (exp(X * exp(Y)), exp(X * inv(exp(num(-1) * Y)))),
    "sigmoid": (log(inv(num(1) + exp(num(-1) * X))), X - log(num(1) + exp(X))),
    "softplus of a log": (exp(num(-1) * log(num(1) + exp(X))), inv(num(1) + exp(X))),
}  # fmt: skip
DIFFERENT: dict[str, tuple[Any, ...]] = {
    "a factor": (num(2) * X, X),
    "log of a square": (log((X * X + num(1)) * (X * X + num(1))), log(X * X + num(1))),
    "exponents multiply": (exp(X * Y), exp(X) * exp(Y)),
    "a wrong root": (power(X * X + num(1), HALF), X * X + num(1)),
    "given logs": (X * log(num(6)), X * log(num(2)) + X * log(num(4))),
    "temperature": (exp(X * inv(TAU)), exp(X)),
    "nested exponentials": (exp(X * exp(Y)), exp(X) * exp(Y)),
    "a small coefficient": (X + X * X * num(Fraction(1, 10**9)), X),
}
ABSTAIN: dict[str, tuple[Term, str]] = {
    "log times learned": (X * log(X * X + num(1)), "not linear"),
    "log times log": (log(exp(X) + num(1)) * log(exp(Y) + num(1)), "not linear"),
    "relu": (f("relu", X), "relu"),
    "max": (f("max", X, Y), "max"),
    "an irrational power": (exp(exp(num(1)) * log(X * X + num(1))), "not rational"),
    "log of log": (log(log(X * X + num(2))), "logarithm of a logarithm"),
    "no value": (X * log(num(-1)), "no value"),
}


@pytest.mark.parametrize("name", sorted(EQUAL))
@pytest.mark.parametrize("seed", [0, 1])
def test_equal_gradients(name: str, seed: int) -> None:
    found = judge(*EQUAL[name], ("pos", TAU), seed=seed)
    assert found.outcome == "equal", found.why
    assert found.bits >= 60


@pytest.mark.parametrize("name", sorted(DIFFERENT))
@pytest.mark.parametrize("seed", [0, 1])
def test_different_gradients(name: str, seed: int) -> None:
    found = judge(*DIFFERENT[name], ("pos", TAU), seed=seed)
    assert found.outcome == "different", found.why
    assert "derivative by" in found.why  # confirmed by balls


@pytest.mark.parametrize("name", sorted(ABSTAIN))
def test_abstains_and_says_why(name: str) -> None:
    left, why = ABSTAIN[name]
    found = judge(left, num(0))
    assert found.outcome == "abstain"
    assert why in found.why


# ------------------------------------------------------------------- constraints on learned entries

UNIT = ("eq", dot(IX, IX), num(1))
GAP = real("z", IX, D) - real("z", J, D)
GAUSS = bind("sum", IX, bind("sum", J, exp(num(-1) * bind("sum", D, GAP * GAP))))
DOTS = exp(num(-2)) * bind("sum", IX, bind("sum", J, exp(num(2) * dot(IX, J))))
P = real("s", IX, J)
ROWS = ("eq", bind("sum", J, P), num(1))


def test_relations_between_exponents_on_the_sphere() -> None:
    assert judge(GAUSS, DOTS, UNIT).outcome == "equal"
    assert judge(GAUSS, DOTS).outcome == "different"
    assert judge(GAUSS, DOTS + X, UNIT).outcome == "different"


def test_gradients_along_linear_constraints() -> None:
    total = bind("sum", IX, bind("sum", J, P))
    assert judge(total, num(0), ROWS).outcome == "equal"  # constant where rows sum to one
    assert judge(total, num(0)).outcome == "different"
    square = bind("sum", IX, bind("sum", J, P * P))
    assert judge(square, num(0), ROWS).outcome == "different"


def test_other_constraints_are_not_guessed_at() -> None:
    found = judge(X, X + real("y"), ("eq", exp(X) * exp(Y), num(1)))
    assert found.outcome == "abstain"
    assert "tied" in found.why


def test_points_and_tangents_satisfy_the_constraints() -> None:
    tape = Tape()
    xs = [tape.var("z", (k,)) for k in range(3)]
    ys = [tape.var("p", (k,)) for k in range(3)]
    norm = tape.add([*(tape.mul([x, x]) for x in xs), fmpq(-4)])
    rows = tape.add([*ys, fmpq(-1)])
    keys = [(name, (k,)) for name in "zp" for k in range(3)]
    tied = Constraints(tape, [norm, rows], keys)
    q = prime(random.Random(0))
    mod = flint.fmpz_mod_ctx(q)
    at = tied.draw(mod, q, random.Random(1))
    assert sum((at["z", (k,)] ** 2 for k in range(3)), mod(0)) == 4
    assert sum((at["p", (k,)] for k in range(3)), mod(0)) == 1
    point = {("z", (0,)): 2, ("z", (1,)): 0, ("z", (2,)): 0} | {("p", (k,)): 0 for k in range(3)}
    tangents = tied.tangents({k: fmpq(v) for k, v in point.items()})
    assert len(tangents) == 4
    for t in tangents:
        assert t.get(("z", (0,)), 0) == 0
        assert sum(t.get(("p", (k,)), fmpq(0)) for k in range(3)) == 0
    both = tape.add([xs[0], ys[0]])
    with pytest.raises(Unsupported):
        Constraints(tape, [norm, both], keys)


# ------------------------------------------------------------------- the parts


def test_primes_are_large_fresh_and_3_mod_4() -> None:
    rng = random.Random(0)
    ps = [prime(rng) for _ in range(20)]
    assert len(set(ps)) == 20
    for p in ps:
        assert flint.fmpz(p).is_prime()
        assert p % 4 == 3
        assert p.bit_length() == BITS
    assert prime(rng, [3, 5, 7]) % 3 == 2


def test_the_prime_depends_on_the_seed_and_is_recorded() -> None:
    case = case_at(problem(load("infonce")), 3, 0, "generic")
    assert case is not None
    first, again, other = (gradient.judge(case, k).prime for k in (0, 0, 1))
    assert first == again != other
    assert flint.fmpz(first).is_prime()


def test_backward_agrees_with_difference_quotients() -> None:
    p = problem(load("supcon"))
    case = case_at(p, 4, 0, "generic")
    assert case is not None
    point, h = case.point(), fmpq(Fraction(1, 10**12))
    values = enclose.evaluate(case.tape, [case.left], point, 300)
    with flint.ctx.workprec(300):
        order = case.tape.reach([case.left])
        grad = backward(case.tape.nodes, order, case.left, values, flint.arb)
        for x in [x for x in order if case.tape.nodes[x][0] == "var"]:
            key = case.tape.nodes[x][1:]
            moved = ({**point, key: point[key] + s} for s in (h, -h))
            up, down = (enclose.evaluate(case.tape, [case.left], m, 300) for m in moved)
            assert abs(float((up[case.left] - down[case.left]) / (2 * h) - grad[x])) < 1e-9


def test_values_modulo_a_prime_are_those_of_fractions() -> None:
    p = claim((X + num(HALF)) * inv(Y * Y + num(3)) - X * X, num(0))
    model = model_at(p, 3)
    assert model is not None
    case = instance(p, model)
    plan_ = plan(case.tape, [case.diff])
    q = prime(random.Random(3))
    mod = flint.fmpz_mod_ctx(q)
    keys = sorted(case.point())
    at = good_point(plan_, Constraints(case.tape, [], keys), mod, q, random.Random(4))
    x, y = (int(at.entries[k, ()]) for k in "xy")
    slope = (pow(y * y + 3, -1, q) - 2 * x) % q
    assert int(at.gradient(case.diff)[keys.index(("x", ()))]) == slope


def test_rational_reconstruction() -> None:
    p = prime(random.Random(5))
    for q in (Fraction(0), Fraction(-7, 3), Fraction(12345, 678), Fraction(1, 2**30)):
        x = q.numerator * pow(q.denominator, -1, p) % p
        assert reconstruct(x, p) == fmpq(q)
    with pytest.raises(Unsupported):
        reconstruct(random.Random(6).randrange(p), p)


@pytest.mark.parametrize(
    ("t", "degree"), [(X * X * X, 2), (X * X * Y + Y, 2), (exp(X) * exp(X), 2), (X + Y, 0)]
)
def test_degree_bounds_are_not_below_the_degree(t: Term, degree: int) -> None:
    p = claim(t, num(0))
    model = model_at(p, 3)
    assert model is not None
    case = instance(p, model)
    bound = degrees.gradient_degree(plan(case.tape, [case.diff]), case.diff)
    assert degree <= bound <= 8 * degree + 8


def test_a_false_identity_of_high_degree_has_a_weaker_bound() -> None:
    row = bind("sum", J, exp(num(64) * S))
    a = judge(bind("sum", IX, log(exp(X) * row)), bind("sum", IX, X + log(row)))
    row = bind("sum", J, exp(S))
    b = judge(bind("sum", IX, log(exp(X) * row)), bind("sum", IX, X + log(row)))
    assert a.outcome == b.outcome == "equal"
    assert a.bits < b.bits


def test_too_many_square_roots_are_an_abstention() -> None:
    def roots(i: Term, j: Term) -> Term:
        gap = real("t", i) - real("t", j)
        return power(num(1) + gap * gap, HALF)

    pairs = bind("sum", IX, bind("sum", J, roots(IX, J) * X))
    p = claim(pairs, X * bind("sum", IX, bind("sum", J, roots(IX, J))) + num(1) * Y - Y)
    few, many = ({"n": 3}, {"n": 9})
    found = []
    for sizes in (few, many):
        model = random_model((), signature_of(p), sizes, random.Random(0))
        assert model is not None
        found.append(gradient.judge(instance(p, model)))
    assert found[0].outcome == "equal"
    assert found[1].outcome == "abstain"
    assert "too many square roots" in found[1].why


@pytest.mark.parametrize("name", ["infonce", "t-sne", "dcd", "clip"])
def test_a_planted_error_in_a_method_is_different(name: str) -> None:
    p = problem(load(name))
    model = model_at(p, 3)
    assert model is not None
    wrong = replace(p, published=p.published * num(Fraction(1001, 1000)))
    assert gradient.judge(instance(p, model)).outcome == "equal"
    assert gradient.judge(instance(wrong, model)).outcome == "different"
