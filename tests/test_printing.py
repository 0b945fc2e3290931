"""What people read is what was proved: a text stands for one term, and can be read back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import pytest

from catalog.registry import all_methods
from derive import printing
from derive.bridge import problem
from derive.certificate import canonical_json
from derive.printing import latex, text
from derive.sentences import sentence, statement
from derive.terms import Domain, RuleError, Term, bind, domain, mk, num, subst, var
from derive.theorem import _KEY, Judgement, Theorem
from derive.wording import judgement, types
from tests.printed import form, read

SIDE: Domain = ("side", ("image", "j"))  # an element called like a letter
DIM = "d"
DIMS = frozenset((DIM,))


def f(*args: Term, name: str = "f") -> Term:
    return mk("app", (name, tuple(domain(a) for a in args)), *args)


def fn(name: str, to: Domain, *args: Term) -> Term:
    return mk("fn", (name, tuple(domain(a) for a in args), to), *args)


def some_index(rng: random.Random, d: Domain, scope: list[Term]) -> Term:
    """A letter of the set, an element, or what a function gives there."""
    here = [v for v in scope if domain(v) == d]
    here.append(mk("el", (rng.choice(d[1]), d)) if isinstance(d, tuple) else fn(f"top_{d}", d))
    if d == "n" and (others := [v for v in scope if domain(v) == "m"]):
        here.append(fn("pos", "n", rng.choice(others)))
    if d == "m":
        here.append(fn("k", "m"))  # an index constant called like a letter
    return rng.choice(here)


def vector(rng: random.Random, scope: list[Term], a: Term, depth: int) -> Term:
    z = f(some_index(rng, "n", scope), a, name="z")
    what = rng.randrange(6) if depth else 0
    if what == 1:
        return vector(rng, scope, a, depth - 1) + vector(rng, scope, a, depth - 1)
    if what == 2:
        return vector(rng, scope, a, depth - 1) - z
    if what == 3:
        return some_term(rng, 1, scope) * vector(rng, scope, a, depth - 1)
    if what == 4:
        return f(a, name="c")
    return z


def some_term(rng: random.Random, depth: int, scope: list[Term]) -> Term:
    """A random term; n and m are sets, d has coordinates, two elements have names."""

    def more() -> Term:
        return some_term(rng, depth - 1, scope)

    def of(d: Domain) -> Term:
        return some_index(rng, d, scope)

    if depth == 0 or rng.random() < 0.15:
        n, m = of("n"), of("m")
        d: Domain = rng.choice(("n", "m", SIDE))
        leaves = (
            num(Fraction(rng.randint(-3, 3), rng.choice((1, 1, 2, 3)))),
            f(n), f(n, m, name="g"), f(of(SIDE), name="h"), f(name="u"), f(name="i"),
            mk("mask", ("knn", ("n", "n")), n, of("n")),
            mk(rng.choice(("eq", "ne")), None, of(d), of(d)),
        )  # fmt: skip
        return rng.choice(leaves)
    op = rng.choice(
        ("add", "add", "mul", "mul", "mul", "inv", "exp", "log", "sum", "sum", "bigmax", "max",
         "relu", "sg", "power", "root", "inner")
    )  # fmt: skip
    if op in ("sum", "bigmax"):
        v = var(f"s'{rng.random()}", rng.choice(("n", "n", "m", SIDE, DIM)))
        inside = [*scope, v, v]
        body = some_term(rng, depth - 1, inside)
        conds = [
            mk(rng.choice(("eq", "ne")), None, v, some_index(rng, domain(v), inside))
            for _ in range(rng.choice((0, 0, 1, 2)))
        ]
        if op == "sum":
            return bind("sum", v, mk("mul", None, *conds, body) if conds else body)
        conds.append(some_term(rng, 0, inside) if rng.random() < 0.3 else num(1))
        return bind("bigmax", v, mk("mul", None, *conds), body)
    if op == "inner":
        a = var("a'", DIM)
        u = vector(rng, scope, a, 2)
        v = u if rng.random() < 0.5 else vector(rng, scope, a, 2)
        return bind("sum", a, u * v)
    if op == "root":
        a = var("a'", DIM)
        u = vector(rng, scope, a, 1)
        c = num(Fraction(rng.choice((1, -1)), 2))
        return mk("exp", None, c * mk("log", None, bind("sum", a, u * u)))
    if op == "power":
        power = rng.choice((num(Fraction(1, 2)), num(-1), num(-2), f(name="u"), more()))
        return mk("exp", None, power * mk("log", None, more()))
    return mk(op, None, *(more() for _ in range(2 if op in ("add", "mul", "max") else 1)))


I, J = var("i", "n"), var("j", "n")  # noqa: E741
ONE = num(1)
SCOPE = [var("i'12", "n"), var("m", "m"), var("t", SIDE)]


def terms(seed: int, count: int) -> Iterator[Term]:
    rng = random.Random(seed)
    while count:
        try:
            t = some_term(rng, rng.choice((1, 2, 2, 3, 4)), SCOPE)
        except RuleError:
            continue
        if t.size < 60 and not divides_by_zero(form(t)):  # 1/(0 * 0) is 1/0
            count -= 1
            yield t


def divides_by_zero(t: Term) -> bool:
    return t is mk("inv", None, num(0)) or any(map(divides_by_zero, t.args))


def misread(ts: Iterator[Term]) -> list[str]:
    """The texts that are not read back as the term that was written."""
    wrong = []
    for t in ts:
        said = text(t, DIMS)
        try:
            back = form(read(said, [t]))
        except (AssertionError, KeyError, RuleError):
            wrong.append(said)
            continue
        if back is not form(t):
            wrong.append(said)
    return wrong


def test_what_is_printed_is_read_back() -> None:
    assert misread(terms(1, 4000)) == []


def test_terms_that_differ_print_apart() -> None:
    """Without the reader: no two forms share a text."""
    seen: dict[str, Term] = {}
    alike = 0
    for t in terms(2, 4000):
        said = f"{text(t, DIMS)} {types([t])}"
        first = seen.setdefault(said, t)
        alike += first is not t
        assert form(first) is form(t), said
    assert alike > 10 and len(seen) > 2000, (alike, len(seen))


def claims(seed: int, count: int) -> Iterator[Theorem]:
    """Claims and statements of small random terms that nobody proved: what they say matters."""
    rng, made = random.Random(seed), list(terms(seed, 300))
    small = sorted((t for t in made if not t.free), key=lambda t: t.size)[:12]
    i, j, m = var("i", "n"), var("j", "n"), var("j", "m")
    pairs = [t for t in made if t.free == {SCOPE[0]} and t.size < 6][:6] + small[:3]

    def pick() -> Term:
        return rng.choice(small)

    for _ in range(count):
        hyps = frozenset((("pos", rng.choice(pairs)),) if rng.random() < 0.3 else ())
        at = [subst(rng.choice(pairs), {SCOPE[0]: i}) for _ in range(5)]
        block = ((i,), at[0], (rng.choice((j, m)),), *at[1:])
        slack = rng.choice(
            ((), (pick(), "", "", ""), ("", pick(), "", ""), (pick(), pick(), "", ""))
        )
        kind = rng.choice(("kl", "alpha", "tv"))
        said = ("icon", pick(), pick(), pick(), (block,), ("s",), kind, pick(), slack)
        lemma = (rng.choice(("pos", "nn")), rng.choice(pairs))
        yield Theorem(_KEY, hyps, rng.choice((said, said, said, lemma)), "made up", ())


def forms(x: object) -> object:
    """The same with every term in normal form; what is claimed of free variables is for all."""
    if isinstance(x, Term):
        return form(x)
    return tuple(map(forms, x)) if isinstance(x, tuple) else x


def test_claims_that_differ_are_stated_apart() -> None:
    seen: dict[str, object] = {}
    alike = 0
    for th in claims(3, 3000):
        said = canonical_json(statement([th], DIMS))
        meant = (forms(th.concl), frozenset(map(forms, th.hyps)))
        alike += said in seen
        assert seen.setdefault(said, meant) == meant, said
    assert alike > 20 and len(seen) > 1000


def test_the_line_of_a_claim_has_its_brackets() -> None:
    a, b = f(name="a"), f(name="b")
    for scale, words in (
        (a + b, ("(a + b) * I-Con", "(b + a) * I-Con")),
        (bind("sum", I, f(I)), ("(sum[i] f[i]) * I-Con",)),
        (a * mk("inv", None, b), ("a/b * I-Con",)),
    ):
        said = ("icon", a, scale, num(-1) * b, (), ("s",), "kl", ONE, ())
        line = sentence(statement([Theorem(_KEY, frozenset(), said, "", ())], DIMS))
        assert line in [f"a  =  {w} - b" for w in words]


def test_the_order_of_a_divergence_and_the_rate_of_a_limit_are_said() -> None:
    t = f(name="t")
    said = ("icon", t, ONE, num(0), (), ("s",), "alpha", num(2), (t, t, t, "1"))
    line = sentence(statement([Theorem(_KEY, frozenset(), said, "", ())], DIMS))
    assert "I-Con[alpha of order 2]" in line and "O((t)^1)" in line


def no_brackets(self: printing.Printer, shown: printing.Shown, level: int) -> str:
    return shown[0]


ERRORS = {
    "inner sums reuse letters": (printing, "fresh", lambda taken: "l"),
    "letters look like symbols": (printing, "names_below", lambda roots: set()),
    "sets are not named": (printing, "untyped", lambda vs, bodies: []),
    "brackets are left out": (printing.Printer, "bracketed", no_brackets),
    "open factors in front": (printing, "OPEN", printing.PRODUCT),
}


@pytest.mark.parametrize("what", ERRORS)
def test_a_printer_that_errs_is_caught(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(*ERRORS[what])
    assert misread(terms(1, 400))


def test_every_claim_of_the_catalog_is_read_back() -> None:
    for claim in map(problem, all_methods()):
        for b in claim.blocks:
            free = [*b[0], *b[2]]
            for t in (b[1], *b[3:]):
                assert form(read(text(t, claim.dims, beside=free), [t], free)) is form(t)
        for t in (claim.published, claim.scale, claim.constant):
            assert form(read(text(t, claim.dims), [t])) is form(t)
        for j in claim.hyps:
            said = judgement(j, claim.dims)
            for side in j[1:]:
                words = text(side, claim.dims, beside=j[1:])
                assert words in said and form(read(words, j[1:])) is form(side)


@pytest.mark.parametrize(
    ("t", "words"),  # the order of summands and factors is that of their keys
    [
        (bind("sum", I, f(name="w")), "sum[i in n] w"),
        (bind("sum", I, f(I)), "sum[i] f[i]"),
        (bind("sum", I, f(I) * bind("sum", J, f(name="w"))), "sum[i] f[i] * sum[j in n] w"),
        (bind("sum", I, f(name="w")) * mk("inv", None, f(J)), "1/f[j] * sum[i in n] w"),
        (bind("sum", I, f(I)) + f(I), "f[i] + sum[j] f[j]|sum[j] f[j] + f[i]"),
        (bind("bigmax", I, ONE, f(I)) * f(name="w"), "w * max[i] f[i]"),
        (bind("sum", I, mk("ne", None, I, J)), "count{i != j}"),
        (bind("sum", I, bind("sum", J, mk("ne", None, I, J))), "count{i in n, j : i != j}"),
        (bind("sum", I, ONE), "size(n)"),
        (bind("sum", I, mk("eq", None, I, J) * f(I, J)), "sum[i : i = j] f[i,j]"),
        (bind("sum", I, mk("ne", None, I, J) * f(I, J)), "sum[i != j] f[i,j]"),
        (mk("exp", None, mk("log", None, f(I)) * f(name="w")), "f[i]^(w)"),
        (num(-2) * f(I) * mk("inv", None, num(3) * f(name="w")), "-2 * f[i]/(3 * w)"),
        (num(2) * (f(I) + f(J)), "2 * (f[i] + f[j])|2 * (f[j] + f[i])"),
    ],
)  # fmt: skip
def test_how_terms_look(t: Term, words: str) -> None:
    assert text(t) in words.split("|")


def test_a_root_of_an_inner_product_is_no_length() -> None:
    a = var("a", DIM)
    u, v = (bind("sum", a, f(I, a, name="z") * f(x, a, name="z")) for x in (I, J))
    half = num(Fraction(1, 2))
    lengths = [text(mk("exp", None, half * mk("log", None, t)), DIMS) for t in (u, v)]
    assert lengths[0] == "|z[i]|"
    assert lengths[1] in ("(z[i].z[j])^(1/2)", "(z[j].z[i])^(1/2)")


def test_a_coordinate_in_two_places_is_no_vector() -> None:
    a = var("a", DIM)
    t = bind("sum", a, f(a, a, name="z") * f(a, name="c"))
    assert text(t, DIMS) in ("sum[i] z[i,i] * c[i]", "sum[i] c[i] * z[i,i]")


@pytest.mark.parametrize(
    ("j", "words"),
    [
        (("pos", f(I)), "f[i] > 0"),
        (("nn", mk("eq", None, I, J)), "[i = j] >= 0 for all i in n"),
        (("eq", f(I) * mk("eq", None, I, J), f(name="w")), "f[i] * [i = j] = w"),
    ],
)
def test_a_judgement_says_what_its_variables_are(j: Judgement, words: str) -> None:
    said = judgement(j, frozenset())
    assert said == words or said == words.replace("f[i] * [i = j]", "[i = j] * f[i]")


def test_types_are_said() -> None:
    t = f(fn("y", "c", I), mk("el", ("j", SIDE)), name="s") * mk("mask", ("m", ("n",)), I)
    assert types([t, f(name="tau")]) == [
        "m[n] : 0 or 1", "s[c,side] : real", "side = {image, j}", "tau : real", "y[n] : c"
    ]  # fmt: skip


def test_latex_has_the_same_brackets() -> None:
    outside = bind("sum", I, f(name="w")) * mk("inv", None, f(J))
    inside = bind("sum", I, f(I) * mk("inv", None, f(J)))
    assert latex(outside) == r"\frac{\sum_{i \in n} w}{f_{j}}"
    assert latex(inside) == r"\sum_{i} \frac{f_{i}}{f_{j}}"
    assert latex(bind("sum", I, f(I)) * (f(J) + f(name="w"))).endswith(r"\sum_{i} f_{i}")
