"""Finite models: evaluation in several number fields, the tape, random models of hypotheses."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import flint
import pytest

from catalog.registry import load
from derive import enclose
from derive.bridge import problem
from derive.equations import least_norm, sphere, violated
from derive.fields import Balls, Exact, Floats, Residues, Undecided
from derive.instance import model_at
from derive.models import Evaluator, Model, evaluate, symbols_of
from derive.sampling import conflict, random_model, redraw
from derive.tape import tape_of
from derive.terms import RuleError, Term, bind, mk, num, var
from derive.theorem import Judgement

IX, J, D = var("i", "n"), var("j", "n"), var("d", "d")
HALF = Fraction(1, 2)


def real(name: str, *args: Term) -> Term:
    return mk("app", (name, tuple(a.data[1] for a in args)), *args)


def fn(name: str, to: Any, arg: Term) -> Term:
    return mk("fn", (name, ("n",), to), arg)


def f(op: str, *args: Term) -> Term:
    return mk(op, None, *args)


S, NE, KNN = real("s", IX, J), f("ne", IX, J), mk("mask", ("knn", ("n", "n")), IX, J)
POS = fn("pos", "n", IX)
SAME = f("eq", fn("y", "c", IX), fn("y", "c", J))
NORM = bind("sum", D, real("z", IX, D) * real("z", IX, D))
K = real("k")
MODEL = Model(
    {"n": 2, "d": 2, "c": 2},
    {"s": {(0, 0): Fraction(1), (0, 1): Fraction(-2), (1, 0): HALF, (1, 1): Fraction(3)},
     "z": {(0, 0): Fraction(1), (0, 1): Fraction(2), (1, 0): Fraction(0), (1, 1): Fraction(1)},
     "k": {(): Fraction(1)}},
    {"knn": {(0, 0): 0, (0, 1): 1, (1, 0): 0, (1, 1): 1}},
    {"pos": {(0,): 1, (1,): 0}, "y": {(0,): 1, (1,): 1}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("t", "value"),
    [
        (bind("sum", J, S), [-1, 3.5]),
        (bind("sum", J, NE * S), [-2, 0.5]),
        (bind("sum", J, KNN), [1, 1]),
        (bind("bigmax", J, NE, S), [-2, 0.5]),
        (bind("bigmax", J, KNN * SAME, S * num(-1)), [2, -3]),
        (bind("bigmax", J, f("ne", J, J), S), [0, 0]),  # nowhere
        (bind("sum", J, SAME), [2, 2]),
        (NORM, [5, 1]),
        (f("inv", NORM - num(1)), [0.25, 0]),  # 1/0 = 0
        (f("log", num(1) - NORM), [0, 0]),  # the log of what is not positive is 0
        (f("relu", bind("sum", J, S)), [0, 3.5]),
        (f("sg", NORM), [5, 1]),
        (f("max", NORM, num(2)), [5, 2]),
        (f("eq", POS, IX), [0, 0]),
        (f("eq", fn("pos", "n", POS), IX), [1, 1]),
    ],
)
def test_values_by_hand(t: Term, value: list[float]) -> None:
    for field in (Exact(), Floats(), Balls()):
        assert [float(evaluate(t, MODEL, field, {IX: k})) for k in (0, 1)] == value


def test_transcendental_values() -> None:
    t = f("log", bind("sum", J, f("exp", S)))
    assert evaluate(t, MODEL, Floats(), {IX: 0}) == pytest.approx(1.0485873515737)
    ball = evaluate(t, MODEL, Balls(200), {IX: 0})
    assert ball.rad() < flint.arb(2) ** -180
    assert abs(float(ball) - 1.0485873515737) < 1e-12
    with pytest.raises(Undecided):
        evaluate(t, MODEL, Exact(), {IX: 0})
    with pytest.raises(Undecided):
        evaluate(t, MODEL, Residues(10007), {IX: 0})


def test_elements_of_an_enumerated_set() -> None:
    side = ("side", ("a", "b"))
    s = var("s", side)
    t = bind("sum", s, real("h", s)) + num(10) * mk("app", ("h", (side,)), mk("el", ("b", side)))
    model = Model({}, {"h": {(0,): Fraction(3), (1,): Fraction(5)}})
    assert evaluate(t, model, Exact()) == 58


def test_balls_say_when_they_cannot_tell() -> None:
    e = f("exp", num(1))
    nothing = (e + num(1)) * e - e * e - e  # 0, but not to balls
    for op in ("log", "inv"):
        with pytest.raises(Undecided):
            evaluate(f(op, nothing), MODEL, Balls())


OPS = "add add mul mul inv exp log relu max sum bigmax"


def random_term(rng: random.Random, depth: int, ops: str = OPS) -> Term:
    if depth == 0:
        q = Fraction(rng.randint(-3, 3), rng.choice((1, 2)))
        return rng.choice((num(q), S, real("s", J, IX), K, NE, KNN, SAME))
    op = rng.choice(ops.split())
    if op in ("sum", "bigmax"):
        bodies = [random_term(rng, depth - 1, ops) for _ in range(1 + (op == "bigmax"))]
        return bind(op, rng.choice((IX, J)), *bodies)
    many = {"add": 3, "mul": 2, "max": 2}.get(op, 1)
    return f(op, *(random_term(rng, depth - 1, ops) for _ in range(many)))


def test_the_tape_computes_what_the_evaluator_does() -> None:
    rng, compared = random.Random(0), 0
    for _ in range(600):
        t = random_term(rng, 4)
        tape, ev = tape_of(MODEL, lambda name: name == "s")
        env = {IX: 0, J: 1}
        try:
            root = ev.value(t, env)
        except Undecided:  # a maximum over a condition that depends on s
            continue
        point = {("s", at): tape.number(x) for at, x in MODEL.families["s"].items()}
        got = enclose.look(enclose.evaluate(tape, [root], point), root)
        if isinstance(got, enclose.Undefined) or not got.is_finite():
            continue
        try:
            want = evaluate(t, MODEL, Balls(), env)
        except Undecided:
            continue
        assert (got - want).contains(0), (t, got, want)
        compared += 1
    assert compared > 200


def test_residues_agree_with_fractions() -> None:
    rng, p = random.Random(1), (1 << 61) - 1
    agreed = 0
    for _ in range(300):
        t = random_term(rng, 3, "add mul inv sum sum bigmax" if agreed % 2 else "add mul inv sum")
        try:
            exact = evaluate(t, MODEL, Exact(), {IX: 0, J: 1})
            got = evaluate(t, MODEL, Residues(p), {IX: 0, J: 1})
        except Undecided:
            continue
        assert int(got) * int(exact.q) % p == int(exact.p) % p
        agreed += 1
    assert agreed > 100


def test_a_mask_switches_off_what_has_no_value() -> None:
    tape, ev = tape_of(MODEL, lambda name: False)
    assert ev.value(f("eq", POS, IX) * f("inv", num(0)), {IX: 0}) == 0
    assert tape.nodes[ev.value(f("inv", num(0)))][0] == "undef"


def test_signature() -> None:
    s = symbols_of([bind("sum", J, KNN * S), SAME, f("eq", POS, IX)])
    assert s.sets == ("c", "n")
    assert s.families == {"s": ("n", "n")}
    assert s.masks == {"knn": ("n", "n")}
    assert s.functions == {"pos": (("n",), "n"), "y": (("n",), "c")}
    with pytest.raises(RuleError):
        symbols_of([real("s", IX), real("s", IX, J)])


# ------------------------------------------------------------------- random models

P = real("p", IX, J)
KNN_JI = mk("mask", ("knn", ("n", "n")), J, IX)
KNN_II = mk("mask", ("knn", ("n", "n")), IX, IX)
ROOT = f("exp", num(HALF) * f("log", NORM))
HYPS: dict[str, list[Judgement]] = {
    "the partner is another": [("eq", f("eq", POS, IX), num(0))],
    "partners are mutual": [
        ("eq", f("eq", POS, IX), num(0)), ("eq", f("eq", fn("pos", "n", POS), IX), num(1))],
    "every anchor has a positive": [("pos", bind("sum", J, f("mul", NE, SAME)))],
    "two positives": [("pos", bind("sum", J, f("mul", NE, SAME)) - num(1))],
    "exactly k neighbours": [
        ("pos", K), ("eq", KNN_II, num(0)), ("eq", bind("sum", J, f("mul", NE, KNN)), K)],
    "symmetric, two neighbours": [
        ("eq", KNN_II, num(0)), ("eq", KNN, KNN_JI), ("eq", bind("sum", J, KNN), num(2))],
    "a distribution": [("nn", P), ("eq", bind("sum", J, P), num(1))],
    "a distribution off the diagonal": [
        ("nn", P), ("eq", real("p", IX, IX), num(0)), ("eq", bind("sum", J, P), num(1))],
    "doubly stochastic": [
        ("pos", P), ("eq", bind("sum", J, P), num(1)), ("eq", bind("sum", IX, P), num(1))],
    "symmetric rows": [
        ("nn", P), ("eq", P, real("p", J, IX)), ("eq", bind("sum", J, P), num(1))],
    "a probability": [("pos", K), ("pos", num(1) - K)],
    "unit vectors": [("eq", NORM, num(1))],
    "unit vectors by their norm": [("eq", ROOT, num(1))],
    "no zero vector": [("pos", NORM)],
    "large numbers": [("pos", K - num(40)), ("nn", num(50) - K), ("pos", S + K + num(50))],
    "at least two": [("pos", bind("sum", IX, num(1)) - num(1))],
}  # fmt: skip


ODD = ("partners are mutual", 3)  # three cannot be paired


@pytest.mark.parametrize(
    ("name", "n"), [x for name in sorted(HYPS) for n in (3, 4, 8) if (x := (name, n)) != ODD]
)
def test_models_satisfy_their_hypotheses(name: str, n: int) -> None:
    found = 0
    for seed, style in enumerate(("simple", "generic", "tied", "generic")):
        sizes = {"n": n, "c": 2 + seed % 2, "d": 2 + seed % 2}
        model = random_model(HYPS[name], [], sizes, random.Random(seed), style)
        if model is not None:
            assert violated(HYPS[name], model) == []
            found += 1
    assert found >= (1 if n == 8 and name.startswith("symmetric, two") else 3)


def test_a_violated_hypothesis_is_seen() -> None:
    model = random_model(HYPS["a distribution"], [], {"n": 3}, random.Random(0))
    assert model is not None
    worse = {at: x + (at == (1, 2)) for at, x in model.families["p"].items()}
    assert violated(HYPS["a distribution"], model.with_families({"p": worse})) == [1]


def test_a_seed_determines_the_model() -> None:
    def draw(seed: int) -> Model | None:
        h = HYPS["exactly k neighbours"] + HYPS["a distribution"]
        return random_model(h, [], {"n": 4}, random.Random(seed))

    assert draw(5) == draw(5)
    assert draw(5) != draw(6)


def test_contradictory_hypotheses_have_no_model() -> None:
    no_partner = HYPS["partners are mutual"]
    assert random_model(no_partner, [], {"n": 3}, random.Random(0)) is None
    hyps = [("nn", P), ("pos", K), ("pos", S), ("pos", num(-1) - K)]
    assert random_model(hyps, [], {"n": 3}, random.Random(0)) is None

    def find(some: Any) -> Model | None:
        return random_model(some, [], {"n": 3}, random.Random(0), restarts=2)

    assert conflict(hyps, find) == (1, 3)


def test_redraw_keeps_what_is_given() -> None:
    hyps = HYPS["unit vectors"] + HYPS["exactly k neighbours"]
    model = random_model(hyps, [S], {"n": 3, "d": 2}, random.Random(0))
    assert model is not None
    other = redraw(model, ["z", "s"], hyps, random.Random(1))
    assert other is not None
    assert violated(hyps, other) == []
    assert other.masks == model.masks
    assert other.families["k"] == model.families["k"]
    assert other.families["z"] != model.families["z"]
    assert other.families["s"] != model.families["s"]


def test_points_of_a_sphere_and_least_norm() -> None:
    cells = [("app", "z", (k,)) for k in range(3)]
    point = sphere(cells, Fraction(4, 9), random.Random(0))
    assert sum(x * x for x in point.values()) == Fraction(4, 9)
    assert sphere(cells, Fraction(2), random.Random(0)) == {}
    one = Fraction(1)
    assert least_norm([[one, one]], [one]) == [HALF, HALF]
    assert least_norm([[one, one], [one, one]], [one, Fraction(2)]) is None


def test_the_evaluator_shares_sub_terms() -> None:
    class Counting(Floats):
        calls = 0

        def exp(self, x: float) -> float:
            Counting.calls += 1
            return super().exp(x)

    e = f("exp", real("k"))
    ev = Evaluator(MODEL, Counting())
    ev.value(e * e + e)
    ev.value(e)
    assert Counting.calls == 1


def test_a_value_is_taken_twice_by_an_index_function() -> None:
    # a sum over the places of a word, or the least of them: the same where every word occurs once
    claim = problem(load("attention-sum-reader"))
    for seed in range(3):
        model = model_at(claim, 4, seed)
        assert model is not None
        words = list(model.functions["word"].values())
        assert len(set(words)) < len(words)


def test_some_graphs_have_loops() -> None:
    claim = problem(load("ranknet"))
    loops = [
        model.masks["judged"][i, i]
        for seed in range(4)
        if (model := model_at(claim, 4, seed, "tied"))
        for i in range(4)
    ]
    assert 0 in loops and 1 in loops
