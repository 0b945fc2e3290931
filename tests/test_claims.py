"""What a claim means: every divergence and form in random models, by formulas of the tests' own;
each premise removed; and every way to claim more than is proved."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import pytest

from catalog import divergences as catalog_divergences
from catalog.formula import Scope, parse_expr
from catalog.pair import summand
from catalog.scope import Value
from catalog.spec import Icon, PSpec, QSpec
from catalog.symbols import Num, Sym
from derive import claims
from derive.claims import DIVERGENCES, FULL, HALF, LOOSE, NOT_ONE, families, rate
from derive.fields import Balls, fmpq
from derive.models import Evaluator, Model
from derive.sympy_judge import NoValue as SympyHasNoValue
from derive.sympy_judge import Writer
from derive.terms import RuleError, Term, bind, domain, mk, num
from derive.theorem import Theorem, X, Y
from derive.translate import scalar
from tests import claim_meaning
from tests.claim_instances import (
    FORMS,
    KINDS,
    NO_LIMIT,
    ONE,
    ORDERED,
    TIME,
    WHOLE,
    ZERO_Q,
    Claim,
    I,
    J,
    forged,
    inv,
    lawful,
    pair,
    real,
)
from tests.test_rules_random import counterexample

ZERO, LOG, EXP = num(0), (lambda t: mk("log", None, t)), (lambda t: mk("exp", None, t))


def test_every_divergence_is_looked_at() -> None:
    assert set(KINDS) == set(DIVERGENCES) == set(catalog_divergences.DIVERGENCES)
    assert set(KINDS) == set(claim_meaning.FORMULAS)
    assert (set(WHOLE), set(ZERO_Q), set(NO_LIMIT)) == (set(FULL), set(LOOSE), set(NOT_ONE))


# ------------------------------------------------------------------- lawful claims are true


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lawful_claim_is_true(kind: str, form: str) -> None:
    rng, seen = random.Random(f"{kind} {form}"), 0
    for n in range(3):
        _, th = lawful(rng, kind, form)
        assert th.concl[6] == kind
        model, true = counterexample(th, n, 2)
        assert model is None, f"{th.concl} is false in {model}"
        seen += true
    assert seen > 0


@pytest.mark.parametrize("kind", KINDS)
def test_another_divergence_is_another_claim(kind: str) -> None:
    """So that the test above can fail: with the formula of any other divergence it does."""
    c, _ = lawful(random.Random(5), kind, "equality")
    for other in KINDS:
        if other == kind or {kind, other} == {"kl", "generalised-kl"}:  # equal: both sum to one
            continue
        degree = num(3) if {kind, other} & set(NO_LIMIT) else c.degree  # of order 2 two are chi2
        changed = replace(c, kind=other, degree=degree)
        assert counterexample(changed.without("equation"), 1, 20)[0] is not None, other


# ------------------------------------------------------------------- each premise is needed


def odd(name: str, kind: str, form: str) -> Claim:
    """A claim in which nothing but the named premise stands between the formula and nonsense."""
    c = pair(random.Random(f"{name} {kind}"), kind)
    (an, a, nb, m, w, p, k), c = c.blocks[0], replace(c, blocks=c.blocks[:1])
    if len(c.blocks) == 1 and w.op == "mul":
        w = mk("inv", None, bind("sum", J, ONE)) if a is ONE else real("nw", I)
    match name:
        case "scale":
            c = replace(c, scale=real("c"))
        case "order":
            c = replace(c, degree=real("c"))
        case "order not one":
            c = replace(c, degree=real("pu"))
        case "w" | "weights":
            a, w = ONE, real("aw", I)
        case "p" | "rows":
            p = real("ap", I, J)
        case "whole p":
            p = real("ng", I, J)
        case "k" | "mass of k":
            m, k = ONE, real("score", I, J)
        case "anchors":
            a = real("aa", I)
        case "neighbours":
            m = real("am", I, J)
    c = replace(c, blocks=((an, a, nb, m, w, p, k),))
    c = replace(c, published=c.side)
    if form != "equality":
        ends = {"below": real("nu"), "above": real("nv")}
        c = replace(c, slack=(ends.get(form, ""), "", "", "") if form == "below" else (
            "", ends["above"], "", ""))  # fmt: skip
    if name in ("equation", "below", "above"):
        c = replace(c, published=c.published + real("v"))
    return c


def needed() -> list[tuple[str, str, str]]:
    out = [("kl", name, "equality") for name in odd("", "kl", "equality").wanted()]
    out = [x for x in out if x[1] != "order"]
    out += [("kl", "below", "below"), ("kl", "above", "above"), ("tv", "below", "below")]
    for kind in KINDS:
        out += [(kind, "k", "equality"), (kind, "p", "equality"), (kind, "rows", "equality")]
        out += [(kind, "order", "equality")] if kind in ORDERED else []
        out += [(kind, "order not one", "equality")] if kind in NO_LIMIT else []
        out += [(kind, "whole p", "equality")] if kind in WHOLE else []
        out += [(kind, "mass of k", "equality")] if kind in ZERO_Q else []
    return sorted(set(out))


@pytest.mark.parametrize(("kind", "name", "form"), needed())
def test_each_premise_is_needed(kind: str, name: str, form: str) -> None:
    c = odd(name, kind, form)
    assert name in c.wanted()
    also = ("p",) if name == "whole p" else ()
    also = ("whole p",) if name == "p" else also
    assert counterexample(c.without(name, *also), 3, 120)[0] is not None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_premise_may_be_left_out_or_moved(kind: str, form: str) -> None:
    c, _ = lawful(random.Random(f"{kind}{form}"), kind, form)
    wanted = [forged(j) for j in c.wanted().values()]
    assert c.made(*wanted).concl == c.said
    for k in range(len(wanted)):
        with pytest.raises(RuleError):
            c.made(*wanted[:k], *wanted[k + 1 :])
        with pytest.raises(RuleError):
            c.made(*wanted[:k], forged(("pos", real("other"))), *wanted[k + 1 :])
    with pytest.raises(RuleError):
        c.made(*reversed(wanted))
    with pytest.raises(RuleError):
        c.made(*wanted, wanted[0])


# ------------------------------------------------------------------- what may be learned


SCORE = bind("sum", I, real("score", I, I))
LEARNED: dict[str, Callable[[Claim], Claim]] = {
    "a learned scale": lambda c: replace(c, scale=EXP(SCORE)),
    "a learned constant": lambda c: replace(c, constant=SCORE),
    "a learned order": lambda c: replace(c, degree=EXP(SCORE)),
    "a learned p": lambda c: put(c, 5, EXP(real("score", I, J))),
    "a learned p that is q": lambda c: put(c, 5, c.blocks[0][6]),
    "a learned weight": lambda c: put(c, 4, real("score", I, I)),
    "a learned condition on neighbours": lambda c: put(c, 3, real("score", I, J)),
    "a learned condition on anchors": lambda c: put(c, 1, real("score", I, I)),
    "a given family called learned": lambda c: replace(c, learned=("score", "ng0", "pg0")),
}


def put(c: Claim, k: int, t: Term) -> Claim:
    """The claim with one part of its first block replaced."""
    block, *rest = c.blocks
    return replace(c, blocks=((*block[:k], t, *block[k + 1 :]), *rest))


@pytest.mark.parametrize("form", ["equality", "both", "limit"])
@pytest.mark.parametrize("what", LEARNED)
@pytest.mark.parametrize("kind", ["kl", "reverse-kl", "alpha", "tv"])
def test_only_kernel_and_published_loss_may_be_learned(kind: str, what: str, form: str) -> None:
    c, _ = lawful(random.Random(2), kind, form)
    assert c.believed().concl == c.said
    with pytest.raises(RuleError, match="learned"):
        LEARNED[what](c).believed()


@pytest.mark.parametrize("form", FORMS)
def test_no_hypothesis_ties_learned_to_given(form: str) -> None:
    c, _ = lawful(random.Random(4), "kl", form)
    tie = ("eq", real("score", I, J), real("c", I, J))
    alone = ("eq", bind("sum", J, real("score", I, J)), ONE)
    assert c.believed(alone).hyps == {alone}
    with pytest.raises(RuleError, match="tied"):
        c.believed(tie)


# ------------------------------------------------------------------- divergences


def degenerate(kind: str, p: Term, k: Term, degree: Term = HALF) -> Claim:
    block = ((I,), ONE, (J,), ONE, inv(bind("sum", J, ONE)), p, k)
    c = Claim(ONE, num(2), real("u"), (block,), kind=kind, degree=degree)
    return replace(c, published=c.side)


Q = EXP(real("score", I, J))
HOT = mk("eq", None, I, J)  # a one-hot p
UNSUITED: dict[str, tuple[Claim, str]] = {
    # a claim, and the premise that no rule proves
    **{f"{kind} at p = 0": (degenerate(kind, HOT, Q), "whole p") for kind in WHOLE},
    **{
        f"{kind} at q = 0": (degenerate(kind, inv(bind("sum", J, ONE)), HOT), "k")
        for kind in KINDS
        if kind not in ZERO_Q
    },
    **{
        f"{kind} of order {n}": (degenerate(kind, HOT, Q, num(n)), "order")
        for kind in ORDERED
        for n in (0, -1, -2, Fraction(-1, 2))
    },
    **{f"{kind} of order 1": (degenerate(kind, HOT, Q, ONE), "order not one") for kind in NO_LIMIT},
    **{
        f"{kind} where all kernels are 0": (degenerate(kind, HOT, ZERO), "mass of k")
        for kind in ZERO_Q
        if kind not in WHOLE
    },
}


CAUTIOUS = ("neyman-chi2 at q = 0", "cressie-read of order -1/2")  # finite, and refused no less


@pytest.mark.parametrize("what", UNSUITED)
def test_a_divergence_is_refused_where_it_has_no_value(what: str) -> None:
    """The formula in terms has a value there, by 1/0 = 0 and log 0 = 0, and it is the wrong one."""
    from derive.normal import Normaliser

    c, name = UNSUITED[what]
    assert Normaliser(()).sign(*c.wanted()[name]) is None
    assert c.believed().concl == c.said  # for believers
    others = [j for n, j in c.wanted().items() if n != name]
    if what not in CAUTIOUS:
        model, true = counterexample(forged(c.said), 1, 8)
        assert model is not None, true
    with pytest.raises(RuleError):
        c.made(*map(forged, others))


@pytest.mark.parametrize("kind", ["KL", "", "renyi", "wasserstein", "kl "])
def test_an_unknown_divergence_is_refused(kind: str) -> None:
    c = degenerate("kl", HOT, Q)
    with pytest.raises(RuleError, match="no such divergence"):
        c.made(*map(forged, c.wanted().values())) and replace(c, kind=kind).made()


# ------------------------------------------------------------------- bounds


def test_a_claim_says_something_of_the_difference() -> None:
    c = replace(degenerate("kl", HOT, Q), slack=("", "", "", ""))
    with pytest.raises(RuleError, match="nothing is said"):
        c.believed()


def test_a_bound_on_the_wrong_side_is_refused() -> None:
    c, _ = lawful(random.Random(1), "kl", "below")
    below = c.slack[0]
    wanted = [forged(j) for j in c.wanted().values()]
    swapped = replace(c, slack=("", below, "", ""))
    with pytest.raises(RuleError, match="premises"):
        swapped.made(*wanted)
    with pytest.raises(RuleError, match="premises"):
        replace(c, slack=(below + ONE, "", "", "")).made(*wanted)
    with pytest.raises(RuleError, match="premises"):
        replace(c, slack=()).made(*wanted)
    assert counterexample(swapped.without("above"), 2, 40)[0] is not None


# ------------------------------------------------------------------- limits


def f(*args: Term, name: str = "f") -> Term:
    return mk("app", (name, tuple(domain(a) for a in args)), *args)


def limit(above: Term, small: Any = TIME, k: str = "1", below: Any = None, **more: Any) -> Claim:
    """A limit whose bounds are believed."""
    c = replace(degenerate("kl", HOT, Q), **more)
    return replace(c, slack=(ZERO if below is None else below, above, small, k))


U, BIG = real("nu"), inv(TIME)
VANISHING: dict[str, Claim] = {
    "the parameter": limit(TIME),
    "a multiple, by other symbols": limit(TIME * U * SCORE),
    "its square, of order 1 and 2": limit(TIME * TIME, k="2"),
    "a polynomial": limit((ONE + TIME) * TIME * U + TIME * TIME),
    "what cancels": limit(ONE + TIME - ONE),
    "a sum over an index": limit(bind("sum", I, TIME * f(I))),
    "both sides 0": limit(ZERO, k="9"),
    "one over it": limit(BIG, BIG),
    "one over its multiple": limit(inv(num(3) * TIME), BIG),
    "one over its square": limit(inv(TIME * TIME) * U, BIG, "2"),
    "one over a sum of it": limit(inv(bind("sum", I, TIME)), BIG),
    "an expansion": limit(TIME * TIME, k="2", published=real("score") + TIME),
}


@pytest.mark.parametrize("what", VANISHING)
def test_a_bound_that_vanishes_is_accepted(what: str) -> None:
    assert VANISHING[what].believed().concl[0] == "icon"


def pinned(*h: Any) -> Theorem:
    return limit(TIME).believed(h)


PAIR = real("t2")
NOT_VANISHING: dict[str, Callable[[], Any]] = {
    "a bound that does not vanish": lambda: limit(ONE).believed(),
    "a bound that does not mention the parameter": lambda: limit(U).believed(),
    "a lower bound that does not vanish": lambda: limit(TIME, below=U).believed(),
    "a sum of which one term stays": lambda: limit(TIME * U + f(I)).believed(),
    "the first power where the second is claimed": lambda: limit(TIME, k="2").believed(),
    "a second power with a rest of the first": lambda: limit(TIME * TIME + TIME, k="2").believed(),
    "a bound that grows": lambda: limit(TIME, BIG).believed(),
    "a bound that shrinks the other way": lambda: limit(BIG).believed(),
    "a bound times what grows": lambda: limit(TIME * BIG).believed(),
    "one over the square root": lambda: limit(
        EXP(num(Fraction(-1, 2)) * LOG(TIME)), BIG
    ).believed(),
    "one over a sum with another": lambda: limit(inv(TIME + ONE), BIG).believed(),
    "one over a difference": lambda: limit(inv(TIME - U), BIG).believed(),
    "one over a product with another": lambda: limit(inv(TIME * U), BIG).believed(),
    "the parameter in an exponential": lambda: limit(EXP(MINUS * inv(TIME))).believed(),
    "a factor that is an exponential of it": lambda: limit(TIME * EXP(TIME)).believed(),
    "a factor that is an exponential of 1/t": lambda: limit(TIME * EXP(BIG)).believed(),
    "the parameter in a logarithm": lambda: limit(LOG(ONE + TIME)).believed(),
    "the parameter under a maximum": lambda: limit(mk("max", None, TIME, TIME)).believed(),
    "the parameter under relu": lambda: limit(mk("relu", None, TIME)).believed(),
    "the parameter under sg": lambda: limit(mk("sg", None, TIME)).believed(),
    "a maximum whose condition is the parameter": lambda: limit(
        TIME * bind("bigmax", I, TIME, f(I))
    ).believed(),
    "a family of the parameter's name under an index": lambda: limit(
        TIME * f(I, name="t")
    ).believed(),
    "a mask of the parameter's name": lambda: limit(TIME * mk("mask", ("t", ("n",)), I)).believed(),
    "an index function of the parameter's name": lambda: limit(
        TIME * f(mk("fn", ("t", ("n",), "n"), I))
    ).believed(),
    "small under an index": lambda: limit(f(I, name="t"), f(I, name="t")).believed(),
    "small that is a sum over an index": lambda: limit(
        bind("sum", I, f(I, name="t")), bind("sum", I, f(I, name="t"))
    ).believed(),
    "small that is a number": lambda: limit(ZERO, ZERO).believed(),
    "small that is one": lambda: limit(ZERO, ONE).believed(),
    "small that is 1/2": lambda: limit(ZERO, inv(num(2))).believed(),
    "small that is a product": lambda: limit(TIME * TIME, TIME * TIME).believed(),
    "small that is a sum": lambda: limit(TIME + TIME, TIME + TIME).believed(),
    "small that is one over one over": lambda: limit(inv(BIG), inv(BIG)).believed(),
    "small that is one over a product": lambda: limit(
        inv(TIME * TIME), inv(TIME * TIME)
    ).believed(),
    "small that is an exponential": lambda: limit(EXP(TIME), EXP(TIME)).believed(),
    "small that is a condition": lambda: limit(
        mk("mask", ("t", ()), *()), mk("mask", ("t", ()))
    ).believed(),
    "small that is an index": lambda: limit(ZERO, I).believed(),
    "small that is the constant index": lambda: limit(ZERO, mk("fn", ("t", (), "n"))).believed(),
    "small that is text": lambda: limit(TIME, "t").believed(),
    "no lower bound": lambda: limit(TIME, below="").believed(),
    "no upper bound": lambda: replace(limit(TIME), slack=(TIME, "", TIME, "1")).believed(),
    "no bound": lambda: replace(limit(TIME), slack=("", "", TIME, "1")).believed(),
    "order 0": lambda: limit(U, k="0").believed(),
    "order 0 of what vanishes": lambda: limit(TIME, k="0").believed(),
    "a negative order": lambda: limit(U, k="-1").believed(),
    "no order": lambda: limit(TIME, k="").believed(),
    "half an order": lambda: limit(TIME, k="1/2").believed(),
    "order nan": lambda: limit(TIME, k="nan").believed(),
    "an order that is a term": lambda: replace(
        limit(TIME), slack=(ZERO, TIME, TIME, ONE)
    ).believed(),
    "a learned parameter": lambda: limit(TIME, learned=("score", "t")).believed(),
    "a learned parameter that goes to infinity": lambda: limit(
        BIG, BIG, learned=("score", "t")
    ).believed(),
    "the parameter in the published loss": lambda: limit(
        TIME, published=real("score") + TIME
    ).believed(),
    "the parameter in the published loss, under an index": lambda: limit(
        TIME, published=bind("sum", I, f(I, name="t"))
    ).believed(),
    "the parameter in a maximum of the published loss": lambda: limit(
        TIME, published=bind("bigmax", I, f(I), EXP(TIME))
    ).believed(),
    "the parameter pinned": lambda: pinned("eq", TIME, ONE),
    "the parameter pinned from the right": lambda: pinned("eq", ONE, TIME),
    "the parameter pinned to another": lambda: pinned("eq", TIME, U),
    "the parameter at least 1/2": lambda: pinned("nn", TIME - HALF),
    "the parameter above 1/2": lambda: pinned("pos", TIME - HALF),
    "the parameter below 1": lambda: pinned("pos", ONE - TIME),
    "the parameter below all of a family": lambda: pinned("nn", f(I) - TIME),
    "the parameter and another": lambda: pinned("pos", TIME * U),
    "the square of the parameter": lambda: pinned("pos", TIME * TIME),
    "the parameter at least 0": lambda: pinned("nn", TIME),
    "the negative parameter": lambda: pinned("pos", MINUS * TIME),
    "one over the parameter": lambda: pinned("pos", BIG),
    "a hypothesis under an exponential": lambda: pinned("eq", EXP(TIME), num(2)),
    "a hypothesis in which it cancels": lambda: pinned("eq", TIME - TIME, ZERO),
    "another family of that name, positive": lambda: pinned("pos", f(I, name="t")),
    "a mask of that name": lambda: pinned("pos", mk("mask", ("t", ("n",)), I)),
}
MINUS = num(-1)


@pytest.mark.parametrize("what", NOT_VANISHING)
def test_a_limit_that_is_none_is_refused(what: str) -> None:
    with pytest.raises((RuleError, ValueError, TypeError, AttributeError)):
        NOT_VANISHING[what]()


def test_a_positive_parameter_is_free() -> None:
    assert pinned("pos", TIME).hyps == {("pos", TIME)}
    assert pinned("eq", real("other"), ONE).hyps  # a hypothesis about something else


@pytest.mark.parametrize("what", ["the bound stays", "too slow", "the limit moves", "pinned"])
def test_a_limit_that_is_none_would_be_seen(what: str) -> None:
    """The meaning that the tests use is not met by what the rule refuses."""
    c, _ = lawful(random.Random(6), "kl", "limit")
    assert counterexample(forged(c.said, *hypotheses(c)), 1, 4)[0] is None
    below, above, small, k = c.slack
    match what:
        case "the bound stays":
            c = replace(c, slack=(below + real("pu"), above, small, k))
        case "too slow":
            c = replace(c, slack=(below + small * real("pu"), above, small, "2"))
        case "the limit moves":
            c = replace(c, published=c.published + TIME, constant=c.constant + TIME)
        case "pinned":  # e = t - 1 is 0 where t = 1, and nowhere else
            c = replace(c, constant=c.constant + TIME - ONE)
    hyps = [*hypotheses(c), ("eq", TIME, ONE)] if what == "pinned" else hypotheses(c)
    assert counterexample(forged(c.said, *hyps), 1, 20)[0] is not None


def hypotheses(c: Claim) -> list[Any]:
    """What is assumed of the pair, and signs of the symbols that the bounds speak of."""
    asked = [j for name, j in c.wanted().items() if name not in ("below", "above", "equation")]
    signs = [("nn", real("nu")), ("nn", real("nv")), ("pos", TIME), ("pos", real("pu"))]
    return asked + signs


def test_the_rate_is_the_smallest_power() -> None:
    assert rate(ZERO, TIME) == 99
    assert rate(TIME * TIME * U + TIME * TIME * TIME, TIME) == 2
    assert rate(U, TIME) == 0
    assert rate(inv(TIME * TIME) + inv(TIME) * inv(TIME) * inv(TIME), BIG) == 2
    assert rate(BIG * U, BIG) == 1
    for bound, small in ((TIME, BIG), (BIG, TIME), (EXP(TIME), TIME)):
        with pytest.raises(RuleError):
            rate(bound, small)


def test_the_rate_is_a_bound_of_the_value() -> None:
    """|bound| <= C small^k along the parameter, for random sums of products of powers."""
    rng, seen = random.Random(3), 0
    for _ in range(300):
        small = rng.choice((TIME, BIG))
        parts = []
        for _ in range(rng.randint(1, 4)):
            one = mk("num", Fraction(rng.randint(-3, 3), rng.randint(1, 3)))
            for _ in range(rng.randint(0, 4)):
                square = inv(TIME * TIME) if small is BIG else TIME * TIME
                one = one * rng.choice((small, square, real("nu"), EXP(real("nu"))))
            parts.append(one)
        bound = mk("add", None, *parts)
        k = rate(bound, small)
        model = Model({}, {"nu": {(): Fraction(rng.randint(-2, 2))}, "t": {}})
        sizes = []
        for n in (0, 4, 20):
            t = Fraction(1, 4**n)
            there = model.with_families({"t": {(): t if small is TIME else 1 / t}})
            x = Evaluator(there, Balls(400)).value(bound)
            sizes.append(abs(float(flint.arb(x).mid())) / float(t) ** min(k, 20))
        if k < 20:
            assert sizes[2] <= 2 * max(sizes[:2]) + 1e-6, bound
            seen += 1
    assert seen > 250


# ------------------------------------------------------------------- one formula, five times


def numbers() -> list[tuple[Fraction, Fraction, Fraction]]:
    """Values of p, q and the order: dense, tiny, huge ratios, equal."""
    rng = random.Random(8)
    small = [Fraction(1, 10**k) for k in (1, 3, 9)]
    grid = [Fraction(k, 12) for k in range(1, 12)] + small + [1 - x for x in small]
    pairs = [(p, q) for p in grid for q in grid]
    orders = [Fraction(1, 2), Fraction(3, 2), Fraction(2), Fraction(3), Fraction(1, 7)]
    return [(p, q, rng.choice(orders)) for p, q in pairs]


def ball(t: Term, p: Fraction, q: Fraction, a: Fraction) -> Any:
    """The value of a term in x, y and order, or in p, q and a."""
    tables = {
        n: {(): v} for n, v in (("x", p), ("y", q), ("order", a), ("p", p), ("q", q), ("a", a))
    }
    return flint.arb(Evaluator(Model({}, tables), Balls(256)).value(t))


def symbol(name: str) -> Sym:
    return Sym(name, (), "positive", None, False)


def close(x: Any, y: Any) -> bool:
    return bool(abs(flint.arb(x) - flint.arb(y)) < flint.arb(10) ** -30 * (1 + abs(flint.arb(x))))


def icon_of(kind: str, degree: Any) -> Icon:
    q = QSpec("", "custom", {}, Num(Fraction(0)), Num(Fraction(0)))
    return Icon("row", (), PSpec("", {}), q, kind, degree)


@pytest.mark.parametrize("kind", KINDS)
def test_the_formula_of_a_divergence_is_one_wherever_it_is_written(kind: str) -> None:
    """derive.claims, catalog.divergences as template and as f, the tests' own, the sympy judge."""
    entry = catalog_divergences.DIVERGENCES[kind]
    assert entry.ordered == (kind in ORDERED) == ("order" in families(DIVERGENCES[kind]))
    assert entry.full == (kind in FULL)
    assert (entry.but == "1") == (kind in NOT_ONE)
    template = scalar(summand(icon_of(kind, symbol("a")), symbol("p"), symbol("q")))
    values = {"t": Value(symbol("p")), "a": Value(symbol("a"))}
    f = scalar(parse_expr(entry.f, Scope({}, {}, values=values))) if entry.f else None
    assert (f is None) == (kind in ("squared", "itakura-saito"))
    writer = Writer(Model({}), frozenset())
    for n, (p, q, a) in enumerate(numbers()):
        with flint.ctx.workprec(256):
            here = ball(DIVERGENCES[kind], p, q, a)
            assert close(here, ball(template, p, q, a)), (p, q, a)
            own = claim_meaning.FORMULAS[kind](*(flint.arb(fmpq(v)) for v in (p, q, a)))
            assert close(here, own), (p, q, a)
            if f is not None:
                assert close(here, flint.arb(fmpq(q)) * ball(f, p / q, q, a))
            if n % 12 == 0:
                rational = (writer.sp.Rational(v.numerator, v.denominator) for v in (p, q))
                said = writer.divergence(icon_of(kind, Num(a)), *rational)
                assert close(here, flint.arb(str(writer.sp.N(said, 60)))), (p, q, a)


@pytest.mark.parametrize("kind", KINDS)
def test_the_formulas_agree_at_the_edges(kind: str) -> None:
    """p = 0 where that is lawful, q = 0 where that is; elsewhere sympy says that there is none."""
    writer = Writer(Model({}), frozenset())
    sp = writer.sp
    half = Fraction(1, 2)
    for p, q in ((Fraction(0), half), (half, Fraction(0)), (Fraction(0), Fraction(0))):
        lawful_here = (p > 0 or kind not in FULL) and (q > 0 or kind in LOOSE)
        if not lawful_here:
            continue
        rational = (sp.Rational(v.numerator, v.denominator) for v in (p, q))
        said = writer.divergence(icon_of(kind, Num(half)), *rational)
        with flint.ctx.workprec(256):
            here = ball(DIVERGENCES[kind], p, q, half)
            assert close(here, claim_meaning.FORMULAS[kind](*(fmpq(v) for v in (p, q, half))))
            assert close(here, flint.arb(str(sp.N(said, 60))))


@pytest.mark.parametrize("kind", [k for k in KINDS if k in WHOLE])
def test_sympy_finds_no_value_where_there_is_none(kind: str) -> None:
    writer = Writer(Model({}), frozenset())
    with pytest.raises(SympyHasNoValue):
        writer.divergence(icon_of(kind, Num(Fraction(1, 2))), writer.sp.S(0), writer.sp.S(1) / 2)
    with pytest.raises(claim_meaning.NoValue):
        claim_meaning.FORMULAS[kind](flint.fmpq(0), flint.fmpq(1, 2), flint.fmpq(1, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_a_divergence_is_a_divergence(kind: str) -> None:
    """At least 0 in sum over a distribution, 0 for p = q, and more than 0 elsewhere."""
    rng = random.Random(kind)
    for _ in range(60):
        n = rng.randint(2, 4)
        p, q = ([Fraction(rng.randint(1, 20)) for _ in range(n)] for _ in "pq")
        p, q = [x / sum(p) for x in p], [x / sum(q) for x in q]
        a = rng.choice((Fraction(1, 2), Fraction(2), Fraction(5, 3)))
        d = sum((ball(DIVERGENCES[kind], x, y, a) for x, y in zip(p, q, strict=True)), flint.arb(0))
        same = sum((ball(DIVERGENCES[kind], x, x, a) for x in p), flint.arb(0))
        assert same.contains(0)
        assert d > 0 or p == q


def test_a_wrong_formula_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "kl": X * LOG(X),
        "tv": HALF * mk("relu", None, X - Y),
        "chi2": (X - Y) * (X - Y) * inv(X),
    }
    for kind, t in wrong.items():
        monkeypatch.setitem(claims.DIVERGENCES, kind, t)
        with pytest.raises(AssertionError):
            test_the_formula_of_a_divergence_is_one_wherever_it_is_written(kind)
        with pytest.raises(AssertionError):
            test_a_lawful_claim_is_true(kind, "equality")
