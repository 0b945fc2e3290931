"""Every rule and axiom in random terms and random finite models: no false theorem, and without its
side condition a false one is found by the same search, so the test can fail."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import pytest

import derive.theorem
from catalog.registry import load
from derive import theorem
from derive.bridge import problem
from derive.claims import HALF, icon
from derive.equations import environments
from derive.fields import Balls, Undecided
from derive.models import Evaluator, Model, evaluate, symbols_of
from derive.prove import Proof, prove
from derive.sampling import random_model, redraw
from derive.terms import RuleError, Term, bind, mk, num, total, var
from derive.theorem import AXIOMS, RULES, Theorem, X, Y

SIDE = ("side", ("a", "b"))
IX, J, K, S = var("i", "n"), var("j", "n"), var("k", "n"), var("s", SIDE)
EQ, M = mk("eq", None, IX, J), mk("mask", ("m", ("n", "n")), IX, J)
EL = [mk("el", (e, SIDE)) for e in SIDE[1]]
OPS = ["add", "mul", "add", "mul", "inv", "exp", "log", "relu", "max", "sg", "sum", "sum", "bigmax"]
EACH = 250  # theorems of every rule; of `claim`, whose models are laborious, a tenth


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
        return true_icon(j, model)
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


def true_icon(j: tuple[Any, ...], model: Model) -> bool | None:
    """The meaning of `claim`, spelled out in one model and at a second learned point."""
    published, scale, constant, blocks, learned = j[1:6]
    parts = [("eq", published, scale * icon(blocks) + constant), ("pos", scale)]
    mass = num(0)
    for anchors, a, nbs, m, w, p, k in blocks:
        parts += [("nn", w), ("nn", p), ("pos", k), ("eq", a * total(nbs, m * p), a)]
        parts += [("eq", a * a, a), ("eq", m * m, m)]
        mass = mass + total(anchors, a * w)
    parts.append(("eq", mass, num(1)))
    said = [holds(x, model) for x in parts]
    other = redraw(model, learned, [], random.Random(1))
    assert other is not None
    for t in [scale, constant, *(t for b in blocks for t in (b[1], b[3], b[4], b[5]))]:
        for env in environments(model, ("pos", t)):
            values = [evaluate(t, m, Balls(), env) for m in (model, other)]
            d = values[0] - values[1]
            said.append(d == 0 if type(d) is flint.fmpq else bool(d.contains(0)))
    return False if False in said else None if None in said else True


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


def claim(rng: random.Random) -> list[Any]:
    """Published, scale, constant, blocks, learned: an identity over free scores."""
    mask = rng.choice((mk("ne", None, IX, J), num(1), mk("mask", ("m", ("n", "n")), IX, J)))
    k, p = mk("exp", None, real("score", IX, J)), real("ng", IX, J)
    w = mk("inv", None, bind("sum", K, num(1)))
    blocks = (((IX,), num(1), (J,), mask, w, p, k),)
    scale, constant = rng.choice((num(2), real("pu"))), real("u")
    published = scale * icon(blocks) + constant
    return [published, scale, constant, blocks, ("score",)]


def premises(published: Term, scale: Term, constant: Term, blocks: Any, *_: Any) -> dict[str, Any]:
    """What `claim` wants to be proved of a claim with one block, by name, in order."""
    ((an, a, nb, m, w, p, k),) = blocks
    return {
        "equation": ("eq", published, scale * icon(blocks) + constant), "scale": ("pos", scale),
        "order": ("pos", HALF),
        "w": ("nn", w), "p": ("nn", p), "k": ("pos", k),
        "anchors": ("eq", a * a, a), "neighbours": ("eq", m * m, m),
        "rows": ("eq", a * total(nb, m * p), a),
        "weights": ("eq", mk("add", None, total(an, a * w)), num(1)),
    }  # fmt: skip


def make_exact(rng: random.Random) -> Theorem:
    head = claim(rng)
    wanted = premises(*head)
    proved = {k: RULES["assume"](j) for k, j in wanted.items()}
    for k in ("equation", "anchors"):  # and the rest by hypotheses
        proved[k] = RULES["lincomb"](*wanted[k][1:], [])
    return RULES["claim"](*head, "kl", HALF, (), *proved.values())


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
    "claim": make_exact,
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
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_rule_needs_its_side_condition(what: str) -> None:
    concl, *hyps = BROKEN[what]
    assert false_somewhere(concl, *hyps)


def broken_exact(what: str) -> Theorem:
    """`claim` without one of its conditions, on a claim where nothing else implies that one."""
    published, scale, constant, blocks, learned = claim(random.Random(what))
    ((an, a, nb, m, w, p, k),) = blocks
    score = real("score", IX, J)
    match what:
        case "scale":
            scale = real("c")
        case "w" | "weights":
            w = real("aw", IX)
        case "k":
            k = real("ak", IX, J)
        case "anchors":
            a = real("aa", IX)
        case "neighbours":
            m = real("am", IX, J)
        case "learned scale":
            scale = mk("exp", None, bind("sum", IX, real("score", IX, IX)))
        case "learned constant":
            constant = bind("sum", IX, real("score", IX, IX))
        case "learned p":
            p = k * mk("inv", None, bind("sum", J, m * mk("exp", None, score)))
    blocks = ((an, a, nb, m, w, p, k),)
    published = published if what == "equation" else scale * icon(blocks) + constant
    wanted = premises(published, scale, constant, blocks)
    if what == "equation":
        published = published + num(1)
    hyps = [j for name, j in wanted.items() if name != what]
    return forged(
        ("icon", published, scale, constant, blocks, learned, "kl", HALF, ()), frozenset(hyps)
    )


CONDITIONS = [
    *(c for c in premises(*claim(random.Random(0))) if c != "order"),
    "learned scale",
    "learned constant",
    "learned p",
]


@pytest.mark.parametrize("what", CONDITIONS)
def test_exact_needs_each_condition(what: str) -> None:
    assert counterexample(broken_exact(what), 3, 80)[0] is not None


def test_exact_refuses_what_it_should() -> None:
    head = claim(random.Random(3))
    # forged, so that the premises have no hypotheses: assumed, they would tie learned to given
    proved = [
        Theorem(derive.theorem._KEY, frozenset(), j, "forged", ()) for j in premises(*head).values()
    ]
    assumed = [RULES["assume"](j) for j in premises(*head).values()]
    with pytest.raises(RuleError, match="tied"):
        RULES["claim"](*head, "kl", HALF, (), *assumed)
    assert RULES["claim"](*head, "kl", HALF, (), *proved).concl[0] == "icon"
    for k in range(len(proved)):
        with pytest.raises(RuleError):
            RULES["claim"](*head, "kl", HALF, (), *proved[:k], *proved[k + 1 :])
    with pytest.raises(RuleError):
        RULES["claim"](*head[:4], ("score", "ng"), "kl", HALF, (), *proved)


# elements listed twice, none at all, and letters of a word: each of these would prove 0 = 1
@pytest.mark.parametrize("elements", [("a", "a"), (), "ab"])
def test_an_index_set_lists_distinct_elements(elements: Any) -> None:
    with pytest.raises(RuleError):
        bind("sum", var("s", ("side", elements)), num(1))


def test_only_rules_make_theorems() -> None:
    with pytest.raises(RuleError):
        Theorem(object(), frozenset(), ("pos", num(0)), "mine", ())
