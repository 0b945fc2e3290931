"""Signs that some place of a sum, or the whole of a product, shows: found where they hold."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.factoring import factored
from derive.normal import Normaliser
from derive.poly import poly, times
from derive.terms import Domain, Term, bind, domain, mk, num, subst, var
from derive.theorem import Judgement, exp, inv, log

I, J, K = (var(s, "n") for s in "ijk")  # noqa: E741
LISTED: Domain = ("classes", ("cat", "dog", "bird"))
A, B = (mk("fn", (s, (), "n")) for s in "ab")
X, Y, Z = (mk("app", (s, ())) for s in "xyz")


def f(*at: Term, name: str = "f") -> Term:
    return mk("app", (name, tuple(map(domain, at))), *at)


def mask(*at: Term) -> Term:
    return mk("mask", ("m", tuple(map(domain, at))), *at)


def eq(a: Term, b: Term) -> Term:
    return mk("eq", None, a, b)


def ne(a: Term, b: Term) -> Term:
    return mk("ne", None, a, b)


def total(*parts: Term) -> Term:
    *letters, body = parts
    for v in reversed(letters):
        body = bind("sum", v, body)
    return body


W = f(I, J, name="w")
PARTNER = mk("fn", ("pos", ("n",), "n"), I)
POSITIVE: dict[str, tuple[Term, tuple[Judgement, ...]]] = {
    "log 2": (log(num(2)), ()),
    "log of a number above one": (log(num(Fraction(3, 2))), ()),
    "log(1 + x)": (log(num(1) + X), (("pos", X),)),
    "log n, n > 1": (log(total(I, num(1))), (("pos", total(I, num(1)) - num(1)),)),
    "a sum of weights has a term": (
        total(J, ne(I, J) * exp(f(I, J))),
        (("pos", total(J, ne(I, J) * W)), ("nn", W)),
    ),
    "two letters that may be A and B": (
        total(I, J, ne(I, J) * exp(f(I, J))),
        (("eq", eq(A, B), num(0)),),
    ),
    "pairs of which one counts": (
        total(I, J, mask(I, J) * exp(f(I, J))),
        (("pos", total(I, J, mask(I, J))),),
    ),
    "three letters of which some count": (
        total(I, J, K, mask(I, J, K) * exp(f(I, J, K))),
        (("pos", total(I, J, K, mask(I, J, K))),),
    ),
    "apart where it is said to be": (
        f(I, PARTNER),
        (("pos", f(I, J) + eq(I, J)), ("eq", eq(I, PARTNER), num(0))),
    ),
}


@pytest.mark.parametrize("what", POSITIVE)
def test_a_sign_is_found(what: str) -> None:
    t, hyps = POSITIVE[what]
    found = Normaliser(hyps).pos(t)
    assert found is not None
    assert found.concl == ("pos", t)
    assert found.hyps <= set(hyps)


@pytest.mark.parametrize("what", [k for k, (_, hyps) in POSITIVE.items() if hyps])
def test_no_sign_is_found_without_each_hypothesis(what: str) -> None:
    t, hyps = POSITIVE[what]
    for h in hyps:
        assert Normaliser(tuple(x for x in hyps if x is not h)).pos(t) is None


@pytest.mark.parametrize("t", [log(num(1)), log(num(Fraction(1, 2))), log(num(2)) - num(1)])
def test_no_sign_is_found_where_there_is_none(t: Term) -> None:
    assert Normaliser(()).pos(t) is None


def test_a_listed_class_is_the_label() -> None:
    """sum_c [c = y] f(c) = f(y), not the sum of three; written out it stays three."""
    c, y = var("c", LISTED), mk("fn", ("y", ("n",), LISTED), I)
    to, _ = Normaliser(()).normal(total(c, eq(c, y) * f(c)))
    assert to is f(y)
    element = mk("el", ("cat", LISTED))
    assert Normaliser(()).normal(total(c, eq(c, element) * f(c)))[0] is f(element)
    assert len(poly(Normaliser(()).normal(total(c, f(c)))[0])) == 3


def test_a_label_has_one_value_of_its_list() -> None:
    """f(y) is the sum of [y = e] f(e), in sums and functions too; without one element it is not."""
    y = mk("fn", ("y", ("n",), LISTED), I)
    elements = [mk("el", (name, LISTED)) for name in LISTED[1]]
    way = Normaliser((), open_lists=True)
    for body in (f(y), exp(f(I, y)), f(y) * f(y, name="g")):
        parts = [eq(y, e) * subst(body, {y: e}) for e in elements]
        whole, part = (total(I, mk("add", None, *ts)) for ts in (parts, parts[1:]))
        assert way.normal(total(I, body))[0] is way.normal(whole)[0]
        assert way.normal(total(I, body))[0] is not way.normal(part)[0]
    assert way.normal(eq(y, elements[0]) * eq(y, elements[1]))[0] is num(0)


PRODUCTS = {
    "a square": (num(1) + X) * (num(1) + X),
    "a square of another": (num(2) * X * X + Y) * (num(2) * X * X + Y),
    "two": (X + Y) * (num(1) + num(3) * X * Y),
    "three": (num(1) + X) * (num(1) + Y) * (num(1) + Z),
    "with fractions": (num(Fraction(1, 2)) + X) * (num(Fraction(1, 3)) + Y),
    "of sums": (num(1) + total(I, f(I))) * (X + total(I, f(I))),
}
HYPS: tuple[Judgement, ...] = (*(("pos", t) for t in (X, Y, Z)), ("pos", f(I)))


@pytest.mark.parametrize("what", PRODUCTS)
def test_a_product_that_is_multiplied_out_is_found(what: str) -> None:
    whole = PRODUCTS[what]
    parts = factored(Normaliser(()).normal(whole)[0])
    assert sum(k for t, k in parts if len(poly(t)) > 1) >= 2
    assert poly(times([t for t, k in parts for _ in range(k)])) == poly(whole)
    for op in (log, inv):
        way = Normaliser(HYPS)
        assert way.normal(op(whole))[0] is way.normal(op(way.normal(whole)[0]))[0]


def test_exponentials_have_roots() -> None:
    """log(1 + 2 exp(x) + exp(2 x)) = 2 log(1 + exp(x)), and for -x and 3/2 x."""
    for c in (num(1), num(-1), num(Fraction(3, 2))):
        u = num(1) + num(2) * exp(c * X) + exp(num(2) * c * X)
        way = Normaliser(())
        assert way.normal(log(u))[0] is way.normal(num(2) * log(num(1) + exp(c * X)))[0]


@pytest.mark.parametrize(
    "t", [num(1) + X + X * X, num(1) + X * X, X * X + num(2) * X * Y, X + Y + Z, num(1) + exp(X)]
)
def test_what_is_no_product_of_sums_is_none(t: Term) -> None:
    assert factored(t) == ()


def test_a_product_of_unknown_signs_is_left() -> None:
    """log((x - y)^2) is not 2 log(x - y)."""
    way = Normaliser(())
    to, _ = way.normal(log((X - Y) * (X - Y)))
    assert [g for g in (to.args or (to,))] and to.op == "log"
    assert len(poly(to.args[0])) == 3
