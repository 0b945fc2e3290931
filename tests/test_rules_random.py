"""Every rule and axiom in random terms and random finite models: no false theorem, and without its
side condition a false one is found by the same search, so the test can fail."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import flint
import pytest

from catalog.registry import load
from derive import theorem
from derive.bridge import problem
from derive.claims import total
from derive.equations import environments
from derive.fields import Balls, Undecided
from derive.models import Evaluator, Model, symbols_of
from derive.prove import Proof, prove
from derive.sampling import random_model
from derive.terms import RuleError, Term, bind, mk, num, var
from derive.theorem import AXIOMS, RULES, Theorem, X, Y
from tests.claim_instances import lawful
from tests.claim_meaning import meaning

SIDE = ("side", ("a", "b"))
IX, J, K, S = var("i", "n"), var("j", "n"), var("k", "n"), var("s", SIDE)
EQ, M = mk("eq", None, IX, J), mk("mask", ("m", ("n", "n")), IX, J)
EL = [mk("el", (e, SIDE)) for e in SIDE[1]]
OPS = ["add", "mul", "add", "mul", "inv", "exp", "log", "relu", "max", "sg", "sum", "sum", "bigmax"]
EACH = 250  # theorems of every rule; of `claim`, whose models are laborious, a tenth
MANY = int(os.environ.get("ICONOGRAPH_THEOREMS", "1000"))  # of all rules, in turn; try 50000


def real(name: str, *args: Term) -> Term:
    return mk("app", (name, tuple(a.data[2] if a.op == "fn" else a.data[1] for a in args)), *args)


def indices(rng: random.Random) -> Term:
    v = rng.choice((IX, IX, J, K))
    return mk("fn", ("pos", ("n",), "n"), v) if rng.random() < 0.2 else v


def side(rng: random.Random) -> Term:
    return rng.choice((S, *EL, mk("fn", ("lab", ("n",), SIDE), IX)))


def leaf(rng: random.Random) -> Term:
    i, j = indices(rng), indices(rng)
    q = Fraction(rng.randint(-3, 3), rng.choice((1, 1, 2)))
    return rng.choice((
        num(q), real("u"), real("w"), real("f", i), real("g", i, j), real("h", side(rng)),
        mk("mask", ("m", ("n", "n")), i, j), mk("eq", None, i, j), mk("ne", None, i, j),
        mk("eq", None, side(rng), side(rng)),
    ))  # fmt: skip


def term(rng: random.Random, depth: int = 3) -> Term:
    if depth == 0 or rng.random() < 0.2:
        return leaf(rng)
    op = rng.choice(OPS)
    if op in ("sum", "bigmax"):
        v = rng.choice((IX, J, K, S))
        bodies = [term(rng, depth - 1) for _ in range(1 + (op == "bigmax"))]
        return bind(op, v, *bodies)
    arity = {"add": 2, "mul": 2, "max": 2}.get(op, 1)
    return mk(op, None, *(term(rng, depth - 1) for _ in range(arity)))


def positive(rng: random.Random) -> Theorem:
    """A theorem a > 0 by a hypothesis about a family, or about an exponential."""
    if rng.random() < 0.3:
        return RULES["axiom"]("pos_exp", term(rng, 2), num(0))
    return RULES["assume"](("pos", rng.choice((real("pu"), real("pf", IX), real("pg", IX, J)))))


def nonnegative(rng: random.Random) -> Theorem:
    if rng.random() < 0.3:
        return RULES["axiom"]("nn_square", term(rng, 2), num(0))
    return RULES["assume"](("nn", rng.choice((real("nu"), real("nf", IX), real("ng", IX, J)))))


def equation(rng: random.Random) -> Theorem:
    """A theorem a = b: a hypothesis about families, or an axiom."""
    if rng.random() < 0.4:
        return RULES["axiom"]("exp_add", term(rng, 2), term(rng, 2))
    left = rng.choice((real("e"), real("ef", IX), bind("sum", J, real("eg", IX, J))))
    return RULES["assume"](("eq", left, rng.choice((num(1), real("eu"), num(2)))))


def sign_theorem(rng: random.Random) -> Theorem:
    return positive(rng) if rng.random() < 0.5 else nonnegative(rng)


# ------------------------------------------------------------------- what is true in a model


def holds(j: tuple[Any, ...], model: Model) -> bool | None:
    """Whether a judgement is true in a model; None where balls cannot tell."""
    if j[0] == "icon":
        return meaning(j, model)
    ev, known = Evaluator(model, Balls()), True
    for env in environments(model, j):
        try:
            values = [ev.value(t, env) for t in j[1:]]
        except Undecided:
            known = False
            continue
        if j[0] == "eq":
            d = values[0] - values[1]
            false = d != 0 if type(d) is flint.fmpq else not d.contains(0)
            known = known and (type(d) is flint.fmpq or d.is_finite())
        else:
            false = values[0] < 0 or (j[0] == "pos" and values[0] <= 0)
            known = known and bool(values[0] > 0 or (j[0] == "nn" and values[0] >= 0))
        if false:
            return False
    return True if known else None


def counterexample(th: Theorem, seed: int, tries: int) -> tuple[Model | None, int]:
    """A model of the hypotheses in which the conclusion is false; and in how many it was true."""
    flat = [t for j in (*th.hyps, th.concl) for t in theorem._flat(j) if isinstance(t, Term)]
    signature, true = symbols_of(flat), 0
    hyps = sorted(th.hyps, key=lambda j: [t.key for t in j[1:]])
    for n in range(tries):
        rng = random.Random(seed * 1000 + n)
        style = rng.choice(("simple", "simple", "generic", "tied"))
        small = 2 if th.rule == "claim" else 1
        sizes = {s: rng.choice((small, 2, 3)) for s in signature.sets}
        model = random_model(hyps, signature, sizes, rng, style, restarts=2)
        if model is None:
            continue
        said = holds(th.concl, model)
        if said is False:
            return model, true
        true += said is True
    return None, true


# ------------------------------------------------------------------- instances of every rule


def make_axiom(rng: random.Random) -> Theorem:
    return instance(rng, rng.choice(sorted(AXIOMS)))


def instance(rng: random.Random, name: str) -> Theorem:
    """An instance of an axiom, from theorems about signs and, of other premises, assumptions."""
    need = AXIOMS[name][0]
    at = {X: term(rng, 2), Y: term(rng, 2)}
    if name in ("antisymmetry", "hoeffding"):  # which models of the hypotheses can be found for
        at[X] = rng.choice((real("u"), real("f", IX), real("g", IX, J)))
    if name == "antisymmetry":
        at[Y] = rng.choice((real("w"), at[X] + num(0), term(rng, 1)))
    premises = []
    for kind, t in need:
        if t in at and name != "hoeffding":
            th = positive(rng) if kind == "pos" else nonnegative(rng)
            at[t] = th.concl[1]
        else:
            th = RULES["assume"](theorem.put((kind, t), at))
        premises.append(th)
    return RULES["axiom"](name, at[X], at[Y], *premises)


def condition(rng: random.Random) -> tuple[Term, Theorem]:
    """A condition of a maximum over j, and that it is at least 0."""
    m = rng.choice((M, mk("eq", None, IX, J), mk("ne", None, IX, J), real("nf", J), num(1)))
    return m, RULES["assume"](("nn", m)) if m.op == "app" else RULES["sign"]("nn", m)


def make_bigmax_above(rng: random.Random) -> Theorem:
    m, nn = condition(rng)
    return RULES["bigmax_above"](J, m, term(rng, 2), nn)


def make_bigmax_least(rng: random.Random) -> Theorem:
    """The bound is a number of its own, or the maximum itself, or one of something larger."""
    m, nn = condition(rng)
    t = term(rng, 1)
    some = RULES["assume"](("pos", bind("sum", J, m)))
    if rng.random() < 0.4:
        b = rng.choice((real("u"), real("f", IX), num(2)))
        return RULES["bigmax_least"](J, m, t, b, some, nn, RULES["assume"](("nn", m * (b - t))))
    more = rng.choice((num(0), real("nu"), real("nf", J)))
    above = RULES["bigmax_above"](J, m, t + more, nn)
    sign = RULES["sign"]("nn", more) if more.op == "num" else RULES["assume"](("nn", more))
    both = RULES["axiom"]("nn_mul", m, more, nn, sign)
    b = bind("bigmax", J, m, t + more)
    whole = RULES["axiom"]("nn_add", above.concl[1], both.concl[1], above, both)
    eq = RULES["lincomb"](whole.concl[1], m * (b - t), [])
    return RULES["bigmax_least"](J, m, t, b, some, nn, RULES["transport"](whole, eq))


def make_taylor(rng: random.Random) -> Theorem:
    th = nonnegative(rng)
    return RULES["taylor"](rng.choice(("exp", "log")), str(rng.randrange(9)), th.concl[1], th)


def make_lincomb(rng: random.Random) -> Theorem:
    a, b, c = term(rng, 2), term(rng, 2), term(rng, 2)
    th, m = equation(rng), term(rng, 1)
    left, right = th.concl[1:]
    pairs = [
        ((a + b) * c, b * c + a * c, []),
        (bind("sum", J, a * real("u")), real("u") * bind("sum", K, renamed(a, J, K)), []),
        (total([IX, J], b), total([J, IX], b), []),
        (bind("sum", IX, a) - bind("sum", IX, b), bind("sum", IX, a - b), []),
        (bind("sum", IX, a) * bind("sum", IX, b), total([IX, J], a * renamed(b, IX, J)), []),
        (a + m * left, a + m * right, [(m, [], th)]),
        (bind("sum", IX, m * left), bind("sum", IX, m * right), [(m, [IX], th)]),
        (a, b, []),
        (a + left, a + right + right - left, [(num(rng.choice((1, -1))), [], th)]),
    ]
    return RULES["lincomb"](*rng.choice(pairs))


def renamed(t: Term, old: Term, new: Term) -> Term:
    """t with another bound letter, where the new one is not free in it."""
    from derive.terms import subst

    return t if new in t.free else subst(t, {old: new})


def make_cong(rng: random.Random) -> Theorem:
    op = rng.choice(("exp", "log", "inv", "relu", "sg", "max"))
    return RULES["cong"](op, *(equation(rng) for _ in range(1 + (op == "max"))))


def make_transport(rng: random.Random) -> Theorem:
    th = sign_theorem(rng)
    a, b = th.concl[1], term(rng, 2)
    return RULES["transport"](th, RULES["lincomb"](a, (a + b) - b, []))


def make_cases(rng: random.Random) -> Theorem:
    m = rng.choice((mk("eq", None, IX, J), M, mk("ne", None, IX, K)))
    t = rng.choice((term(rng, 2), m * real("f", IX) + real("u")))
    j = rng.choice((("eq", m * t, m * m * t), ("eq", m * t, m * real("u") + m * (t - real("u")))))
    one, zero = (theorem.put(j, {m: num(k)}) for k in (1, 0))
    return RULES["cases"](m, j, RULES["lincomb"](*one[1:], []), RULES["lincomb"](*zero[1:], []))


def make_sum_sign(rng: random.Random) -> Theorem:
    return RULES["sum_sign"](rng.choice((IX, J, S)), sign_theorem(rng))


def make_pos_masked_sum(rng: random.Random) -> Theorem:
    m = rng.choice((mk("mask", ("m", ("n", "n")), IX, J), mk("eq", None, IX, J), real("nf", J)))
    nn = RULES["sign"]("nn", m) if m.op != "app" else RULES["assume"](("nn", m))
    some = RULES["assume"](("pos", bind("sum", J, m)))
    return RULES["pos_masked_sum"](J, some, nn, positive(rng))


MAKERS: dict[str, Callable[[random.Random], Theorem]] = {
    "assume": lambda r: r.choice((positive, nonnegative, equation))(r),
    "inst": lambda r: RULES["inst"](r.choice((positive, equation))(r), IX, indices(r)),
    "lincomb": make_lincomb,
    "cong": make_cong,
    "transport": make_transport,
    "cases": make_cases,
    "leibniz": lambda r: RULES["leibniz"](term(r), IX, indices(r), indices(r)),
    "delta_sum": lambda r: RULES["delta_sum"](*r.choice(((IX, indices(r)), (S, r.choice(EL))))),
    "enumerate_sum": lambda r: RULES["enumerate_sum"](S, term(r)),
    "delta": lambda r: RULES["delta"](*r.choice(((IX, indices(r)), (EL[0], r.choice(EL))))),
    "ne_def": lambda r: RULES["ne_def"](indices(r), indices(r)),
    "sign": lambda r: RULES["sign"](r.choice(("pos", "nn")), leaf(r)),
    "sum_sign": make_sum_sign,
    "pos_masked_sum": make_pos_masked_sum,
    "bigmax_above": make_bigmax_above,
    "bigmax_least": make_bigmax_least,
    "taylor": make_taylor,
    "axiom": make_axiom,
    "claim": lambda r: lawful(r)[1],
}  # fmt: skip


def test_every_rule_has_instances() -> None:
    assert set(MAKERS) == set(RULES)


@pytest.mark.parametrize("rule", sorted(MAKERS))
def test_no_false_theorem(rule: str) -> None:
    rng, made, true, axioms = random.Random(rule), 0, 0, Counter[str]()
    each = EACH // 10 if rule == "claim" else EACH
    for n in range(20 * each):
        if made == each:
            break
        try:
            th = MAKERS[rule](rng)
        except RuleError:
            continue
        made += 1
        if rule == "axiom":
            axioms[th.args[0]] += 1
        model, seen = counterexample(th, n, 2)
        assert model is None, f"{rule}: {th.concl} under {th.hyps} is false in {model}"
        true += seen
    assert made == each
    assert true >= each  # not vacuous: models of the hypotheses were found, balls could tell
    if rule == "axiom":
        assert set(axioms) == set(AXIOMS)


def turns() -> Iterator[str]:
    """The rules in turn, each axiom as one; `claim` every tenth time."""
    names = [n for n in sorted(MAKERS) if n not in ("axiom", "claim")] + sorted(AXIOMS)
    while True:
        for n in range(10):
            yield from names if n else (*names, "claim")


def attempt(rng: random.Random, name: str) -> Theorem:
    """A theorem by a rule or axiom; terms for which it does not apply are drawn again."""
    while True:
        try:
            return instance(rng, name) if name in AXIOMS else MAKERS[name](rng)
        except RuleError:
            continue


def many(count: int, seed: int) -> tuple[Counter[str], Counter[str], list[Theorem]]:
    """Make `count` theorems: how many of each rule or axiom, and what was found.

    "true": models in which one was seen to be true; "looked at": theorems of which that is so.
    """
    rng, made, found, false = random.Random(seed), Counter[str](), Counter[str](), list[Theorem]()
    for n, name in enumerate(turns()):
        if made.total() == count:
            break
        th = attempt(rng, name)
        made[name] += 1
        model, true = counterexample(th, seed + n, 2)
        found.update({"true": true, "looked at": bool(true)})
        false += [th] if model is not None else []
    return made, found, false


def test_no_false_theorem_among_many() -> None:
    made, found, false = many(MANY, 20_000)
    print(f"{made.total()} theorems, {found['looked at']} seen true in {found['true']} models,")
    print(f"{len(false)} false; by rule: {dict(made)}")
    assert not false, [(th.rule, th.concl, th.hyps) for th in false]
    assert set(made) == {*MAKERS, *AXIOMS} - {"axiom"}
    assert found["looked at"] > 0.8 * MANY


def test_a_false_theorem_among_many_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AXIOMS, "nn_inv", ([], AXIOMS["nn_inv"][1]))
    false = many(500, 1)[2]
    assert false
    assert {th.args[0] for th in false} == {"nn_inv"}


@pytest.mark.parametrize("method", ["infonce", "supcon", "t-sne", "dcd", "siglip"])
def test_every_theorem_of_a_proof_is_true(method: str) -> None:
    found = prove(problem(load(method)))
    assert isinstance(found, Proof)
    todo, seen = [found.theorem, *found.defined], dict[Theorem, None]()
    while todo:
        th = todo.pop()
        if th not in seen:
            seen[th] = None
            todo += [x for x in theorem._flat(th.args) if isinstance(x, Theorem)]
    true = 0
    for n, th in enumerate(seen):
        model, right = counterexample(th, n, 1)
        assert model is None, f"{th.rule}: {th.concl} is false in {model}"
        true += right
    assert true > len(seen) // 2 > 20


# ------------------------------------------------------------------- side conditions removed


def forged(concl: tuple[Any, ...], hyps: frozenset[Any] = frozenset()) -> Theorem:
    """What a rule without its side condition would make. Only a test may do this."""
    return Theorem(theorem._KEY, hyps, concl, "forged", ())


def false_somewhere(concl: tuple[Any, ...], *hyps: tuple[Any, ...]) -> bool:
    return counterexample(forged(concl, frozenset(hyps)), 7, 60)[0] is not None


NEEDLESS = ("hoeffding",)  # true for every x by convexity; see below what makes it fail
PREMISES = [(n, k) for n in sorted(AXIOMS) if n not in NEEDLESS for k in range(len(AXIOMS[n][0]))]


@pytest.mark.parametrize(("name", "k"), PREMISES)
def test_axiom_needs_each_premise(name: str, k: int) -> None:
    premises, concl = AXIOMS[name]
    kept = premises[:k] + premises[k + 1 :]
    assert not false_somewhere(concl, *premises)
    assert false_somewhere(concl, *kept)


f, g, u = (lambda *a: real("f", *a)), (lambda *a: real("g", *a)), real("u")
T = real("t", IX, J)


def partial_sum(name: str, k: int) -> Term:
    """What the rule says is at least 0, at u."""
    kind, t = RULES["taylor"](name, str(k), u, RULES["assume"](("nn", u))).concl
    assert kind == "nn"
    return t


BROKEN: dict[str, tuple[Any, ...]] = {
    # what the rule would conclude without the named condition, and the hypotheses left
    "assume without the hypothesis": (("pos", u),),
    "inst at a constant instead of a variable": (
        ("eq", real("h", EL[1]), num(1)), ("eq", real("h", EL[0]), num(1))),
    "lincomb with a gap": (("eq", f(IX), f(J)),),
    "lincomb summing one side only": (
        ("eq", bind("sum", IX, f(IX)), u), ("eq", f(IX), u)),
    "transport from another term": (("pos", u), ("pos", real("w")), ("eq", f(IX), u)),
    "cases of a real number": (("eq", u * u, u),),
    "cases without the case of 0": (("eq", M * f(IX), f(IX)),),
    "cases without the case of 1": (("eq", M * f(IX), num(0)),),
    "leibniz without the indicator": (("eq", f(IX), f(J)),),
    "delta_sum with the variable in the index": (
        ("eq", bind("sum", IX, mk("eq", None, IX, mk("fn", ("pos", ("n",), "n"), IX))), num(1)),),
    "enumerate_sum of half the elements": (("eq", bind("sum", S, real("h", S)), real("h", EL[0])),),
    "delta of two variables": (("eq", EQ, num(0)),),
    "delta of two functions of i": (
        ("eq", mk("eq", None, mk("fn", ("pos", ("n",), "n"), IX), IX), num(0)),),
    "sign of a negative number": (("pos", num(-1)),),
    "sign of 0": (("pos", num(0)),),
    "sign of a 0/1 term as positive": (("pos", M),),
    "sign of a real as non-negative": (("nn", u),),
    "sum_sign of no sign": (("pos", bind("sum", IX, f(IX))), ("eq", f(IX), u)),
    "pos_masked_sum of an empty mask": (("pos", bind("sum", J, M * f(J))), ("pos", f(J))),
    "pos_masked_sum of a mask of any sign": (
        ("pos", bind("sum", J, f(J) * g(IX, J))), ("pos", bind("sum", J, f(J))), ("pos", g(IX, J))),
    "pos_masked_sum of a body of any sign": (
        ("pos", bind("sum", J, M * f(J))), ("pos", bind("sum", J, M))),
    "bigmax_above of a condition of any sign": (
        ("nn", f(J) * (bind("bigmax", J, f(J), g(IX, J)) - g(IX, J))),),
    "bigmax_above without the condition": (("nn", bind("bigmax", J, M, f(J)) - f(J)),),
    "bigmax_least of a condition of any sign": (
        ("nn", u - bind("bigmax", J, f(J), g(IX, J))),
        ("pos", bind("sum", J, f(J))), ("nn", f(J) * (u - g(IX, J)))),
    "bigmax_least of none": (("nn", u - bind("bigmax", J, M, f(J))), ("nn", M * (u - f(J)))),
    "bigmax_least with the variable in the bound": (
        ("nn", f(J) - bind("bigmax", J, num(1), f(J))), ("pos", bind("sum", J, num(1)))),
    "bigmax_least without its bound": (
        ("nn", u - bind("bigmax", J, M, f(J))), ("pos", bind("sum", J, M))),
    "bigmax_least of some that are bounded": (
        ("nn", u - bind("bigmax", J, num(1), f(J))),
        ("pos", bind("sum", J, M)), ("nn", M * (u - f(J)))),
    "antisymmetry of one side": (("eq", u, real("w")), ("nn", u - real("w"))),
    "log_tangent at 0": (("nn", u - num(1) - mk("log", None, u)), ("nn", u)),
    "mul_inv at 0": (("eq", u * mk("inv", None, u), num(1)), ("nn", u)),
    "hoeffding with 1/9": (
        theorem.put(AXIOMS["hoeffding"][1], {num(Fraction(1, 8)): num(Fraction(1, 9))}),
        *AXIOMS["hoeffding"][0]),
    "relu_mul of a negative factor": (
        ("eq", mk("relu", None, u * f(IX)), u * mk("relu", None, f(IX))),),
    "relu_least of a negative bound": (
        ("nn", u - mk("relu", None, f(IX))), ("nn", u - f(IX))),
    "relu_least of no bound": (("nn", u - mk("relu", None, f(IX))), ("nn", u)),
    "relu_minus as an odd function": (
        ("eq", mk("relu", None, num(-1) * u), num(-1) * mk("relu", None, u)),),
    "max_relu the other way": (("eq", mk("max", None, u, f(IX)), u + mk("relu", None, u - f(IX))),),
    **{
        f"taylor of {name} to x^{k} for the other parity": (
            ("nn", num(-1) * partial_sum(name, k)), ("nn", u))
        for name in ("exp", "log") for k in range(9)
    },
    **{
        f"taylor of {name} to x^{k} for x < 0": (("nn", partial_sum(name, k)),)
        for name in ("exp", "log") for k in range(9) if name == "log" or k % 2 == 0
    },  # the odd sums of exp(-x) are below it everywhere
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_rule_needs_its_side_condition(what: str) -> None:
    concl, *hyps = BROKEN[what]
    assert false_somewhere(concl, *hyps)


# elements listed twice, none at all, and letters of a word: each of these would prove 0 = 1
@pytest.mark.parametrize("elements", [("a", "a"), (), "ab"])
def test_an_index_set_lists_distinct_elements(elements: Any) -> None:
    with pytest.raises(RuleError):
        bind("sum", var("s", ("side", elements)), num(1))


def test_only_rules_make_theorems() -> None:
    with pytest.raises(RuleError):
        Theorem(object(), frozenset(), ("pos", num(0)), "mine", ())
