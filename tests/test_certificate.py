"""Certificates that somebody changed, cut short or made by hand.

Each is refused in one sentence, or what it proves is true and is what it says.
"""

from __future__ import annotations

import copy
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import InputError
from derive import certificate, check, claims, sentences, theorem
from derive.certificate import Certificate, canonical_json, encode
from derive.check import CheckResult, check_body, check_text
from derive.claims import total
from derive.printing import text
from derive.replay import freeze, replay
from derive.sentences import statement
from derive.terms import RuleError, Term, domain, mk, num, var
from derive.theorem import RULES, Theorem
from tests.certified_forms import NAMES, form
from tests.proofs import CLAIMED, SEED, Proved, proofs
from tests.test_rules_random import counterexample

MUTATIONS = 2000
IDS = SEED


def sentence(error: InputError) -> None:
    text = str(error)
    assert "\n" not in text
    assert 20 < len(text) < 700
    assert "Traceback" not in text


def refused(source: str) -> str:
    with pytest.raises(InputError) as caught:
        check_text(source, "proof.json")
    sentence(caught.value)
    assert str(caught.value).startswith("proof.json")
    return caught.value.message


def signed(body: Any) -> str:
    """The body with the hash that fits it."""
    return canonical_json({**body, "hash": Certificate("", body).hash})


def check_json(body: Any) -> CheckResult:
    """What `check_text` does, with a hash that hides nothing."""
    return check_text(signed(body), "proof.json")


# ------------------------------------------------------------------- as they are made


def test_the_seed_is_of_the_catalog() -> None:
    assert set(IDS) <= set(CLAIMED)
    assert len(IDS) == 27


def test_what_a_certificate_holds_is_used() -> None:
    """Every step is an argument of a later one, is proved, or shows that something is defined."""
    for made in proofs().values():
        body = made.body()
        used = set(body["defined"]) | set(body["proved"])

        def walk(x: Any, used: set[int] = used) -> None:
            if isinstance(x, list):
                for y in x:
                    walk(y)
            elif isinstance(x, str) and x[:1] == "#":
                used.add(int(x[1:]))

        walk(body["steps"])
        assert used == set(range(len(body["steps"])))


def test_whitespace_and_order_are_free_contents_are_not() -> None:
    made = proofs()["infonce"]
    data = json.loads(made.certificate.to_json())
    pretty = json.dumps(dict(reversed(data.items())), indent=2)
    assert check_text(pretty).hash == made.certificate.hash


# ------------------------------------------------------------------- cut, changed, not one at all


@pytest.mark.parametrize("method", ["infonce", "siglip"])
def test_a_certificate_cut_short(method: str) -> None:
    whole = proofs()[method].certificate.to_json().rstrip()
    for k in range(50):
        assert "cut short" in refused(whole[: len(whole) * k // 50])


def test_a_changed_certificate_does_not_fit_its_hash() -> None:
    """One character anywhere, with the hash left as it was."""
    rng = random.Random(3)
    count = 0
    for made in proofs().values():
        whole = made.certificate.to_json().rstrip()
        for _ in range(15):
            k = rng.randrange(len(whole))
            new = rng.choice('0123456789abcxyz#$[]," ')
            if new == whole[k]:
                continue
            refused(whole[:k] + new + whole[k + 1 :])
            count += 1
    assert count > 350


SAID: dict[str, tuple[str, Callable[[Any], Any]]] = {
    # what the sentence must say, and the change
    "another version": ("format", lambda c: {**c, "format": "iconograph/certificate/1"}),
    "no version": ('no "format"', lambda c: {k: v for k, v in c.items() if k != "format"}),
    "a version that is a list": ("format", lambda c: {**c, "format": ["iconograph"]}),
    "without its model": ("lacks model", lambda c: {k: v for k, v in c.items() if k != "model"}),
    "without anything": ('no "format"', lambda c: {}),
    "a list": ('no "format"', lambda c: [c]),
    "a string": ('no "format"', lambda c: "iconograph/certificate/2"),
    "a number": ('no "format"', lambda c: 7),
    "null": ('no "format"', lambda c: None),
    "the hash of another": ("hash", lambda c: {**c, "hash": "0" * 64}),
    "the hash as a number": ("hash", lambda c: {**c, "hash": 0}),
    "another claim": ("hash", lambda c: {**c, "claim": {**c["claim"], "scale": "2"}}),
}


@pytest.mark.parametrize("what", SAID)
def test_the_sentence_says_what_is_wrong(what: str) -> None:
    words, change = SAID[what]
    data = json.loads(proofs()["infonce"].certificate.to_json())
    assert words in refused(json.dumps(change(data)))


NOT_JSON = {
    "empty": "",
    "spaces": " \n ",
    "text": "QED",
    "python": "{'format': 1}",
    "two": "{} {}",
    "bom": "﻿{}",
    "deep lists": "[" * 100_000,
    "deep objects": '{"a":' * 50_000,
    "deep and closed": "[" * 900 + "]" * 900,
    "binary": "\x00\x01\x02",
    "a comment": "{} // fine",
}


@pytest.mark.parametrize("what", NOT_JSON)
def test_not_json(what: str) -> None:
    refused(NOT_JSON[what])


ODD_JSON: dict[str, Callable[[str], str]] = {
    "not a number": lambda s: s.replace('"dims":[', '"dims":[NaN,', 1),
    "infinity": lambda s: s.replace('"dims":[', '"dims":[-Infinity,', 1),
    "a fraction": lambda s: s.replace('"defined":[', '"defined":[0.5,', 1),
    "an exponent": lambda s: s.replace('"defined":[', '"defined":[1e400,', 1),
    "ten thousand digits": lambda s: s.replace(
        '"defined":[', '"defined":[' + "9" * 10_000 + ",", 1
    ),
    "a key twice": lambda s: s.replace('"scale":', '"scale":"2","scale":', 1),
    "the hash twice": lambda s: s.replace('{"claim"', '{"hash":"0","claim"', 1),
    "a lone surrogate": lambda s: s.replace('"method":"', '"method":"\\ud800', 1),
}


@pytest.mark.parametrize("what", ODD_JSON)
def test_odd_json(what: str) -> None:
    whole = proofs()["infonce"].certificate.to_json()
    changed = ODD_JSON[what](whole)
    assert changed != whole
    refused(changed)


def test_a_deep_body_with_its_own_hash() -> None:
    """Deep enough for the reader, perhaps not for the hash: a sentence either way."""
    for depth in (100, 300, 500, 700, 800, 900, 950, 990):
        text = proofs()["infonce"].certificate.to_json()
        refused(text.replace('"terms":[', '"terms":[' + "[" * depth + "]" * depth + ",", 1))


def test_a_file_of_a_hundred_megabytes(tmp_path: Path) -> None:
    from iconograph import api

    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    start = time.monotonic()
    with pytest.raises(InputError, match="limit"):
        api.check(path)
    assert time.monotonic() - start < 1
    assert "not read" in refused(" " * (check.MAX_BYTES + 1))


def test_every_refusal_of_the_command_is_one_sentence(tmp_path: Path, capfd: Any) -> None:
    from iconograph.cli import main

    whole = proofs()["infonce"].certificate.to_json()
    texts = [
        "",
        whole[:99],
        whole.replace("exp", "log", 1),
        *NOT_JSON.values(),
        *(f(whole) for f in ODD_JSON.values()),
    ]
    path = tmp_path / "proof.json"
    for source in texts:
        path.write_bytes(source.encode("utf-8", "surrogatepass"))
        with pytest.raises(SystemExit) as ended:
            main(["check", str(path)])
        said = capfd.readouterr()
        assert ended.value.code == 2
        assert "Traceback" not in said.out + said.err
        assert 0 < len(said.err) < 1000


# ------------------------------------------------------------------- by hand, with its hash


def edited(method: str, change: Callable[[Any], Any]) -> Any:
    body = proofs()[method].body()
    before = copy.deepcopy(body)
    change(body)
    assert body != before
    return body


def refuses(method: str, change: Callable[[Any], Any], words: str = "") -> None:
    said = refused(signed(edited(method, change)))
    assert words in said, said


def put_claim(key: str, value: Any) -> Callable[[Any], Any]:
    return lambda body: body["claim"].__setitem__(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("published", "0"),
        ("scale", "2"),
        ("constant", "1"),
        ("learned", []),
        ("pairs", []),
        ("hypotheses", ["size(n) > 1"]),
        ("relation", "reverse"),
        ("extra", "and more"),
        ("scale", None),
    ],
)
def test_the_claim_stated_is_the_claim_proved(key: str, value: Any) -> None:
    refuses("infonce", put_claim(key, value), "something else")


def test_a_claim_cannot_drop_its_hypotheses() -> None:
    assert proofs()["supcon"].body()["claim"]["hypotheses"]
    refuses("supcon", put_claim("hypotheses", []), "hypotheses")


def test_a_formula_without_a_value_is_refused() -> None:
    for method in IDS:
        needed = proofs()[method].body()["defined"]
        if needed:
            refuses(method, lambda body: body.update(defined=[]), "has a value")
        for k in range(0, len(needed), 3):
            try:
                check_json(edited(method, lambda body, k=k: body["defined"].pop(k)))
            except InputError as error:
                assert "has a value" in str(error)


@pytest.mark.parametrize("bad", [[10**6], ["#0"], [None], [[0]], "all", None, {}, [1.0]])
def test_what_is_defined_is_shown_by_steps(bad: Any) -> None:
    with pytest.raises(InputError):
        check_json(edited("infonce", lambda body: body.update(defined=bad)))


def mend(part: str, name: str, change: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda body: change(body["model"][part][name])


def test_hypotheses_must_hold_in_the_model() -> None:
    """Every hypothesis of every method fails in some model, and then the certificate is refused."""
    tried = 0
    for made in proofs().values():
        if not made.proof.theorem.hyps:
            continue
        for part, value in (("masks", "0"), ("families", "-1"), ("functions", "0"), ("masks", "1")):
            for name in made.body()["model"][part]:
                body = made.body()
                for entry in body["model"][part][name]:
                    entry[1] = value
                try:
                    check_json(body)
                except InputError as error:
                    tried += "violates" in str(error)
    assert tried > 10


def with_function() -> str:
    """A method whose hypotheses speak of an index function."""
    return next(
        m
        for m, p in proofs().items()
        if any(t.op == "fn" for h in p.proof.theorem.hyps for x in h[1:] for t in subterms(x))
    )


def subterms(t: Term) -> list[Term]:
    return [t, *(u for a in t.args for u in subterms(a))]


def test_a_model_is_one() -> None:
    """A function's value outside of its set would satisfy what no model does."""
    method = with_function()
    for name in proofs()[method].body()["model"]["functions"]:
        for value in ("7", "-1", "1.0", "", " 1", "١", "1e0", "0x1", None, 1, True, [], {}):
            with pytest.raises(InputError):
                check_json(
                    edited(
                        method, mend("functions", name, lambda t, v=value: t[0].__setitem__(1, v))
                    )
                )
        for change in (lambda t: t.pop(), lambda t: t.clear(), lambda t: t.append([[99], "0"])):
            with pytest.raises(InputError):
                check_json(edited(method, mend("functions", name, change)))


def test_contradictory_hypotheses_find_no_model() -> None:
    """A set of one element whose partner is another element: only a false model has that."""
    i = var("i", "n")
    pos = mk("fn", ("pos", ("n",), "n"), i)
    hyps = [
        ("eq", mk("eq", None, pos, i), num(0)),
        ("eq", mk("sum", "n", num(1)), num(1)),
    ]
    from derive.equations import violated
    from derive.models import Model
    from derive.stored import model_from

    data = {"sizes": {"n": 1}, "families": {}, "masks": {}, "functions": {"pos": [[[0], "1"]]}}
    loose = Model({"n": 1}, {}, {}, {"pos": {(0,): 1}})
    assert violated(hyps, loose) == []  # what the check in `model_from` is for
    with pytest.raises(RuleError):
        model_from(data, hyps)


@pytest.mark.parametrize("size", [0, -1, 65, 10**8, "3", 3.5, None, True, [3]])
def test_a_model_has_sizes(size: Any) -> None:
    with pytest.raises(InputError):
        check_json(edited("supcon", lambda body: body["model"]["sizes"].update(n=size)))


@pytest.mark.parametrize(
    "number",
    [
        "1e1000000000",
        "1/0",
        "nan",
        "inf",
        "1e5",
        "",
        "0x10",
        "1_0",
        " 1",
        "٣",
        1,
        1.5,
        None,
        "9" * 500,
    ],
)
def test_a_model_has_plain_numbers(number: Any) -> None:
    method = next(
        m
        for m, p in proofs().items()
        if p.proof.theorem.hyps
        and any(
            t.op == "app" and t.data[0] in p.body()["model"]["families"]
            for h in p.proof.theorem.hyps
            for x in h[1:]
            for t in subterms(x)
        )
    )

    def change(body: Any) -> None:
        for table in body["model"]["families"].values():
            table[0][1] = number

    start = time.monotonic()
    with pytest.raises(InputError):
        check_json(edited(method, change))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "method_id", [5, None, ["infonce"], {}, "two\nlines", "\x1b[31mred", "\ud800"]
)
def test_a_method_has_a_printable_name(method_id: Any) -> None:
    refuses("infonce", lambda body: body.update(method=method_id), "name")


# ------------------------------------------------------------------- bounds, limits, theorems


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_of_every_form_is_certified(name: str) -> None:
    made = form(name)
    result = check_text(made.certificate.to_json())
    said = made.body()["claim"]
    assert said["relation"] == (
        "generalised" if said.get("order") and name in OTHERS else BASE[name]
    )
    assert result.theorem_text == sentences.sentence(said)
    for n, th in enumerate(result.theorems):
        model, true = counterexample(th, n, 4)
        assert model is None
        assert true


OTHERS = ("chi2", "tv", "tsallis")
BASE = {name: name.split("-")[0] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_a_claim_is_the_theorem_s(name: str) -> None:
    """Bounds, parameter, rate, divergence and order too: another text is not what was proved."""
    said = form(name).body()["claim"]
    for key, value in said.items():
        for other in (None, "", "0", "1/t", "kl", 3, [], ["1 > 0"], f"{value} + 0"):
            if other != value:
                body = form(name).body()
                body["claim"][key] = other
                assert "something else" in refused(signed(body)), key
        body = form(name).body()
        del body["claim"][key]
        assert "something else" in refused(signed(body)), key


ARGUMENTS = {  # of the rule `claim`, by their place
    "divergence": (5, ("$kl", "$tv", "$reverse-kl", "$chi2", "$renyi", "$")),
    "slack": (7, ([], ["$", "$", "$", "$"], ["$", "$", "$", "$1"], 0, "$", None)),
}


@pytest.mark.parametrize("name", [n for n in NAMES if n != "theorem"])
def test_the_form_of_a_claim_is_not_changed_unseen(name: str) -> None:
    """Another divergence or slack in the step itself: the premises are those of another claim."""
    whole, accepted = form(name).body(), list[Any]()
    at = whole["proved"][0]
    slack = whole["steps"][at][1][7]
    changes = [(place, None, v) for place, values in ARGUMENTS.values() for v in values]
    words = ("$", "$9", "$0", "$-1", 0, *slack)
    changes += [(7, k, v) for k in range(len(slack)) for v in words]
    for place, k, other in changes:
        body = form(name).body()
        args = body["steps"][at][1]
        inside, key = (args, place) if k is None else (args[place], k)
        if inside[key] == other:
            continue
        inside[key] = other
        try:
            check_json(body)
        except InputError as error:
            sentence(error)
            continue
        accepted.append((k, other))  # and says no other thing: the text of the claim is the same
    if not slack:
        assert accepted == [(None, "$")]  # no slack either
    elif slack[2] == "$":
        assert {k for k, _ in accepted} <= {3}  # the order of what is no limit
    else:
        assert {k for k, _ in accepted} <= {3}  # a lower order than was shown; the text has that
        assert (3, "$9") not in accepted and (3, "$0") not in accepted


# ------------------------------------------------------------------- a claim that reads as another


def forged(change: Callable[[list[Any]], Any], method: str = "infonce") -> Any:
    """A certificate with other rows of terms and the claim that it then proves."""
    body = edited(method, lambda b: change(b["terms"]))
    body["method"] = "mine"
    done = replay(body["terms"], body["steps"])
    body["claim"] = said_by(body, done)
    return body


def said_by(body: Any, done: list[Theorem]) -> dict[str, Any]:
    """The claim that a body proves."""
    return statement([done[k] for k in body["proved"]], frozenset(freeze(body["dims"])))


def renaming(op: str, old: str, new: str) -> Callable[[list[Any]], Any]:
    def change(rows: list[Any]) -> None:
        for row in rows:
            if row[0] == op and row[1][0] == old:
                row[1][0] = new

    return change


def retyping(old: str, new: Any) -> Callable[[list[Any]], Any]:
    def swap(x: Any) -> Any:
        return new if x == old else [swap(y) for y in x] if isinstance(x, list) else x

    def change(rows: list[Any]) -> None:
        for row in rows:
            if row[0] in ("sum", "bigmax"):
                row[1] = swap(row[1])
            elif isinstance(row[1], list):
                row[1][1:] = swap(row[1][1:])

    return change


def learned_name(method: str) -> str:
    return str(proofs()[method].claim.learned[0])


@pytest.mark.parametrize(
    "name",
    [
        "-1/n * sum[i] log(q)",
        "s[i,j] + 0",
        "",
        " ",
        "s\u200b",
        "ｓ",
        "s\n",
        "1",
        "[i = j]",
        "s" * 2000,
        "\x1b[2J",
    ],
)
def test_a_name_is_a_word(name: str) -> None:
    """Else a family could be called like the formula of a paper, and prove anything about it."""
    families = [row[1][0] for row in proofs()["infonce"].body()["terms"] if row[0] == "app"]
    body = forged(renaming("app", families[0], name))
    assert "name" in refused(signed(body))


def test_words_of_hypotheses_are_those_of_the_catalog() -> None:
    said = {}
    for name, made in proofs().items():
        result = check_text(made.certificate.to_json())
        assert len(result.words) == len(result.hypotheses) == len(result.judgements)
        texts = dict(zip(made.claim.hyps, made.claim.texts, strict=True))
        assert result.words == tuple(texts[j] for j in result.judgements)
        said[name] = set(result.words)
    assert "every anchor has a positive" in said["supcon"]


def test_a_certificate_of_ones_own_brings_no_words() -> None:
    body = {**proofs()["supcon"].body(), "method": "mine"}
    result = check_json(body)
    assert result.hypotheses and result.words == ()
    body["words"] = ["every loss is true"]
    assert check_json(body).words == ()


@pytest.mark.parametrize(
    ("op", "name", "word"),
    [("app", "tau", "sum"), ("app", "z", "max"), ("fn", "pos", "in"), ("v", "i", "and")],
)
def test_a_name_is_no_word_of_the_notation(op: str, name: str, word: str) -> None:
    assert f"{word} is a word of the notation" in refused(signed(forged(renaming(op, name, word))))


def test_a_letter_is_no_index_constant() -> None:
    """f[top] is f at one index, and f[top] for all top is another theorem."""
    claim, _ = exact_claim(f(mk("fn", ("top", (), "n"))))
    signs = signs_for(claim)
    model = {"sizes": {"n": 3}, "families": {}, "masks": {}, "functions": {}}
    check_json({**hand_made(*signs, claim, defined=len(signs)), "model": model})
    h = RULES["assume"](("pos", f(var("top", "n"), name="g")))
    body = hand_made(*signs, h, claim, defined=len(signs) + 1)
    body["model"]["families"] = {"g": [[[k], "1"] for k in range(3)]}
    assert "a letter and an index" in refused(signed(body))


def test_the_label_of_another_claim_is_refused() -> None:
    """A theorem may call itself by a name of the catalog only if it is that claim."""
    for method, name in (("infonce", "simclr"), ("t-sne", "sne"), ("simclr", "NT-Xent-of-mine")):
        body = proofs()[method].body()
        body["method"] = name
        if name == "simclr" or name == "sne":
            assert "labelled" in refused(signed(body))
        else:
            assert check_json(body).method_id == name


def test_a_claim_with_more_hypotheses_is_another_claim() -> None:
    rng, seen = random.Random(1), 0
    for method in ("infonce", "sne", "supcon"):
        for _ in range(6):
            body = proofs()[method].body()
            weakened(rng, body)
            done = replay(body["terms"], body["steps"])
            body["claim"] = said_by(body, done)
            if done[-1].hyps <= set(proofs()[method].claim.hyps):
                continue
            said = refused(signed(body))
            if "violates" in said:  # an identity of logarithms, which no ball can tell from false
                continue
            assert "labelled" in said
            assert check_json({**body, "method": "mine"}).hypotheses
            seen += 1
    assert seen > 5


def test_a_renamed_family_is_another_theorem_and_true() -> None:
    families = [row[1][0] for row in proofs()["infonce"].body()["terms"] if row[0] == "app"]
    body = forged(renaming("app", families[0], "renamed"))
    body["model"]["families"]["renamed"] = body["model"]["families"].pop(families[0])
    assert "renamed" in check_json(body).theorem_text


def test_index_sets_of_one_name_are_one() -> None:
    body = forged(retyping("n", ["n", ["a", "b"]]), "infonce")
    assert "sum" in check_json(body).theorem_text  # an enumerated set all over is a theorem too
    only = {**proofs()["siglip"].body(), "method": "mine"}
    rows = json.dumps(only["terms"]).replace('"outcomes"', '"n"')
    only["terms"] = json.loads(rows)
    done = replay(only["terms"], only["steps"])
    only["claim"] = said_by(only, done)
    assert "two things" in refused(signed(only))


def test_letters_side_by_side_differ() -> None:
    """i'1 and i'2 are two variables that print alike."""
    rows = proofs()["infonce"].body()["terms"]
    block = proofs()["infonce"].proof.theorem.concl[4][0]
    a, b = block[0][0].data[0], block[2][0].data[0]
    assert any(row[:1] == ["v"] and row[1][0] == b for row in rows)
    body = forged(renaming("v", b, a.split("'")[0] + "'777"))
    assert "letter" in refused(signed(body))


# ------------------------------------------------------------------- what is printed


def printable(rng: random.Random, depth: int, scope: list[Term]) -> Term:
    a, b = rng.choice(scope), rng.choice(scope)
    if depth == 0 or rng.random() < 0.2:
        small = num(Fraction(rng.randint(-2, 3), rng.choice((1, 2))))
        indicator = mk(rng.choice(("eq", "ne")), None, a, b)
        return rng.choice((small, f(a), f(a, b, name="g"), indicator, f(name="u"), f(name="w")))
    op = rng.choice(
        ("add", "mul", "mul", "inv", "exp", "log", "sum", "sum", "bigmax", "max", "relu")
    )
    if op in ("sum", "bigmax"):
        v = var(f"s{rng.random()}", "n")
        bodies = [printable(rng, depth - 1, [*scope, v, v]) for _ in range(1 + (op == "bigmax"))]
        if all(v in t.free for t in bodies):  # see the test below
            return theorem.bind(op, v, *bodies)
        return bodies[0]
    if op == "exp" and rng.random() < 0.6:  # a power, which is printed as one
        power = rng.choice((num(Fraction(1, 2)), num(-1), num(Fraction(3, 2)), f(name="u"), f(a)))
        return mk("exp", None, power * mk("log", None, printable(rng, depth - 1, scope)))
    arity = 2 if op in ("add", "mul", "max") else 1
    return mk(op, None, *(printable(rng, depth - 1, scope) for _ in range(arity)))


def test_terms_that_print_alike_have_one_value() -> None:
    """What people read says what was proved: letters are not captured, brackets are there."""
    from derive.fields import Floats
    from derive.models import Model, evaluate

    rng, seen, alike = random.Random(0), dict[str, Term](), 0
    scope = [var("i'12", "n"), var("j", "n"), var("k'3", "n")]

    def number() -> Fraction:
        return Fraction(rng.randint(-7, 9), rng.choice((2, 3, 5)))

    models = []
    for n in (2, 3, 3):
        two = {(a, b): number() for a in range(n) for b in range(n)}
        one = {(a,): number() for a in range(n)}
        models.append(
            Model({"n": n}, {"f": one, "g": two, "u": {(): number()}, "w": {(): number()}})
        )

    def values(t: Term) -> list[float]:
        places = [dict(zip(scope, (0, m.sizes["n"] - 1, 1), strict=True)) for m in models]
        return [evaluate(t, m, Floats(), at) for m, at in zip(models, places, strict=True)]

    for _ in range(30_000):
        t = printable(rng, rng.choice((1, 2, 2, 3)), scope)
        if t.size > 40:
            continue
        first = seen.setdefault(text(t), t)
        if first is not t:
            try:
                assert values(t) == pytest.approx(values(first), nan_ok=True), text(t)
            except OverflowError:
                continue
            alike += 1
    assert alike > 300
    assert len(seen) > 10_000


def test_a_sum_above_a_fraction_bar() -> None:
    i, v = var("i", "n"), var("v", "n")
    outside = theorem.bind("sum", v, f(name="w")) * mk("inv", None, f(i, i, name="g"))
    inside = theorem.bind("sum", v, f(name="w") * mk("inv", None, f(v, v, name="g")))
    assert text(outside) != text(inside)


@pytest.mark.parametrize("e", [mk("el", ("i", ("side", ("i", "o")))), mk("fn", ("i", (), "n"))])
def test_letters_avoid_the_names_of_indices(e: Term) -> None:
    v = var("v", e.data[-1])
    t = theorem.bind("sum", v, f(v) * f(e, name="g"))
    assert text(t).count("[i]") == 1  # of g, and neither of f nor of sum


# ------------------------------------------------------------------- what is not a claim at all


def hand_made(*roots: Theorem, defined: int = 0) -> Any:
    rows, steps, places = encode(roots)
    body: dict[str, Any] = {
        "format": certificate.FORMAT,
        "method": "mine",
        "terms": rows,
        "steps": steps,
        "defined": places[:defined],
        "proved": places[defined:],
        "claim": statement(roots[defined:], frozenset()),
        "dims": [],
        "model": {"sizes": {"n": 3}, "families": {}, "masks": {}, "functions": {}},
    }
    return body


def test_a_lemma_is_a_theorem_and_no_claim() -> None:
    lemma = RULES["sign"]("pos", num(1))
    body = hand_made(lemma)
    said = {"relation": "theorem", "statements": ["1 > 0"], "hypotheses": [], "types": []}
    assert body["claim"] == said
    assert check_json(body).theorem_text == "1 > 0"
    assert "labelled" in refused(signed({**body, "method": "infonce"}))
    refused(signed({**body, "steps": []}))
    assert "nothing is proved" in refused(signed({**body, "proved": []}))
    for bad in ([1], [-2], ["#0"], [None], None, {}, [0.5], [0, 0]):
        refused(signed(json.loads(json.dumps({**body, "proved": bad}))))


def test_a_claim_stands_alone() -> None:
    """Beside lemmas it would be printed as one of several statements, or they as part of it."""
    claim, _ = exact_claim(num(3))
    signs = signs_for(claim)
    body = hand_made(*signs, claim, defined=len(signs))
    at = body["steps"].index(["sign", ["$pos", body["terms"].index(["num", "1"])]])
    assert done_at(body, at).concl == ("pos", num(1))
    only = body["proved"]
    for several in ([*only, at], [at, *only], [*only, *only]):
        assert "stands alone" in refused(signed({**body, "proved": several}))
    assert "something else" in refused(signed({**body, "proved": [at]}))


def done_at(body: Any, k: int) -> Theorem:
    return replay(body["terms"], body["steps"])[k]


def f(*args: Term, name: str = "f") -> Term:
    return mk("app", (name, tuple(domain(a) for a in args)), *args)


I, J, K = (var(x, "n") for x in "ijk")  # noqa: E741
SIZE = mk("inv", None, mk("sum", "n", num(1)))


def exact_claim(
    constant: Term, m: Term | None = None, p: Term = SIZE, published: Term | None = None
) -> tuple[Theorem, list[Theorem]]:
    """published = I-Con + constant, uniform p, proved for real, and signs that are at hand."""
    from derive.normal import Normaliser

    way = Normaliser(())
    k, one = mk("exp", None, f(I, J, name="s")), num(1)
    blocks = (((I,), one, (J,), m or one, SIZE, p, k),)
    whole = claims.icon(blocks) + constant
    t = published or whole
    size = mk("sum", "n", one)
    pos = RULES["sum_sign"](I, RULES["sign"]("pos", one))
    cancel = RULES["axiom"]("mul_inv", size, num(0), pos)
    premises = [
        RULES["lincomb"](t, one * claims.icon(blocks) + constant, ()),
        RULES["sign"]("pos", one),
        RULES["sign"]("pos", claims.HALF),
        way.nn(SIZE),
        way.nn(p),
        way.pos(k),
        RULES["lincomb"](one * one, one, ()),
        RULES["lincomb"]((m or one) * (m or one), m or one, ()),
        RULES["lincomb"](one * total([J], (m or one) * p), one, ((one, (), cancel),)),
        RULES["lincomb"](mk("add", None, total([I], one * SIZE)), one, ((one, (), cancel),)),
    ]
    claim = RULES["claim"](t, one, constant, blocks, ("s",), "kl", claims.HALF, (), *premises)
    sums = RULES["sum_sign"](J, RULES["axiom"]("pos_exp", f(I, J, name="s"), num(0)))
    return claim, [pos, sums, cancel]


def signs_for(claim: Theorem) -> list[Theorem]:
    """Theorems that make the claim defined as far as the search can tell."""
    from derive.defined import missing, of_claim
    from derive.normal import Normaliser

    return missing(of_claim(*claim.concl[1:5]), Normaliser(()))[0]


def test_a_hand_made_claim_is_accepted() -> None:
    """So that the refusals below are for what they say."""
    claim, _ = exact_claim(num(3))
    signs = signs_for(claim)
    assert "I-Con + 3" in check_json(hand_made(*signs, claim, defined=len(signs))).theorem_text


UNDEFINED: dict[str, Callable[[], tuple[Theorem, list[Theorem]]]] = {
    "log of a negative constant, twice": lambda: exact_claim(
        mk("log", None, num(-1)) - mk("log", None, num(-1))
    ),
    "1/0 as a constant": lambda: exact_claim(mk("inv", None, num(0))),
    "0 times 1/0": lambda: exact_claim(num(0) * mk("inv", None, num(0))),
    "a logarithm guarded by another letter": lambda: exact_claim(
        mk(
            "sum",
            "n",
            mk(
                "mul",
                None,
                mk("eq", None, mk("b", (0, "n")), mk("fn", ("a", (), "n"))),
                mk(
                    "sum",
                    "n",
                    mk("log", None, mk("eq", None, mk("b", (0, "n")), mk("fn", ("a", (), "n")))),
                ),
            ),
        )
    ),
    "a logarithm beside another letter's factor": lambda: exact_claim(
        mk(
            "sum",
            "n",
            mk(
                "mul",
                None,
                mk("eq", None, mk("b", (0, "n")), mk("b", (0, "n"))),
                mk("sum", "n", mk("log", None, mk("mask", ("m", ("n",)), mk("b", (0, "n"))))),
            ),
        )
    ),
    "the largest of none": lambda: exact_claim(
        mk("bigmax", "n", mk("mask", ("m", ("n",)), mk("b", (0, "n"))), num(7))
    ),
    "a logarithm guarded by a number": lambda: exact_claim(
        mk("bigmax", "n", f(name="u"), mk("log", None, f(name="u")))
    ),
    "1/0 in the condition of a maximum": lambda: exact_claim(
        mk("bigmax", "n", num(1) + num(0) * mk("inv", None, num(0)), num(1))
    ),
    "a condition whose factors are 2 and 1/2": lambda: exact_claim(
        num(0),
        m=num(2) * mk("num", num(1).data / 2),
        p=SIZE + num(0) * mk("log", None, num(5) - num(2) * num(3)),
    ),
    "1/0 in the condition": lambda: exact_claim(
        num(0), m=num(1) + num(0) * mk("inv", None, num(0))
    ),
    "log of a negative number in p": lambda: exact_claim(
        num(0), p=SIZE + num(0) * mk("log", None, num(-1))
    ),
}


@pytest.mark.parametrize("what", UNDEFINED)
def test_a_claim_without_a_value_is_refused(what: str) -> None:
    """Terms are total, so that the equation is a theorem; that the formula means it is another."""
    claim, extra = UNDEFINED[what]()
    signs = [*signs_for(claim), *extra]
    assert "has a value" in refused(signed(hand_made(*signs, claim, defined=len(signs))))


def test_the_indicator_that_multiplies_a_logarithm_guards_it() -> None:
    here = mk("mask", ("m", ("n",)), mk("b", (0, "n")))
    claim, _ = exact_claim(mk("sum", "n", mk("mul", None, here, mk("log", None, here))))
    signs = signs_for(claim)
    check_json(hand_made(*signs, claim, defined=len(signs)))


def tower(depth: int) -> Term:
    t = f(*(mk("b", (k, "n")) for k in range(min(depth, 6))), name="g")
    for _ in range(depth):
        t = mk("sum", "n", t)
    return t


def test_a_model_too_large_to_look_at() -> None:
    claim, _ = exact_claim(num(0))
    h = RULES["assume"](("nn", tower(6)))
    signs = [*signs_for(claim), h]
    body = hand_made(*signs, claim, defined=len(signs))
    for n in (20, 64):
        body["model"] = {"sizes": {"n": n}, "families": {"g": []}, "masks": {}, "functions": {}}
        start = time.monotonic()
        with pytest.raises(InputError):
            check_json(body)
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("times", [1, 3, 30, 140])
def test_a_hypothesis_that_grows_fast_is_looked_at_fast(times: int) -> None:
    t = num(10)
    for _ in range(times):
        t = mk("exp", None, t)
    claim, _ = exact_claim(num(0))
    h = RULES["assume"](("pos", t))
    signs = [*signs_for(claim), h]
    start = time.monotonic()
    try:
        check_json(hand_made(*signs, claim, defined=len(signs)))
    except InputError as error:
        sentence(error)
    assert time.monotonic() - start < 5


# ------------------------------------------------------------------- two thousand random changes

Change = Callable[[random.Random, Any], None]
REFUSALS = (RuleError, TypeError, ValueError, KeyError, IndexError, AttributeError)


def pick_row(rng: random.Random, body: Any, *ops: str) -> Any:
    rows = [r for r in body["terms"] if not ops or r[0] in ops]
    return rng.choice(rows or body["terms"])


def row_op(rng: random.Random, body: Any) -> None:
    alike = [
        ["exp", "log", "inv", "relu", "sg"],
        ["add", "mul", "max"],
        ["eq", "ne"],
        ["sum", "bigmax"],
        ["app", "mask"],
    ]
    row = pick_row(rng, body)
    group = next((g for g in alike if row[0] in g), ["num", "v", "fn"])
    row[0] = rng.choice(group)


def row_number(rng: random.Random, body: Any) -> None:
    row = pick_row(rng, body, "num")
    row[1] = rng.choice(["0", "1", "-1", "2", "1/2", "3", "-2", "1/0", "-0"])


def row_name(rng: random.Random, body: Any) -> None:
    row, other = (
        pick_row(rng, body, "app", "fn", "mask", "v", "el"),
        pick_row(rng, body, "app", "fn", "v"),
    )
    if isinstance(row[1], list) and isinstance(other[1], list):
        row[1][0] = rng.choice([other[1][0], "w", "x1", row[1][0] + "'9"])


def row_arg(rng: random.Random, body: Any) -> None:
    row = pick_row(rng, body)
    if len(row) > 2:
        k = rng.randrange(2, len(row))
        row[k] = rng.choice([row[k] - 1, row[k] + 1, rng.randrange(len(body["terms"])), row[2]])


def row_args(rng: random.Random, body: Any) -> None:
    row = pick_row(rng, body, "add", "mul", "app", "eq", "ne", "fn")
    args = row[2:]
    what = rng.randrange(3)
    if what == 0:
        rng.shuffle(args)
    elif what == 1 and args:
        args.append(rng.choice(args))
    elif args:
        args.pop(rng.randrange(len(args)))
    row[2:] = args


def row_set(rng: random.Random, body: Any) -> None:
    row = pick_row(rng, body, "sum", "bigmax", "v", "b", "app", "el")
    new = rng.choice(["n", "d", "m", ["n", ["a", "b"]], ["n", ["a", "a"]], [], "ab"])
    if row[0] in ("sum", "bigmax"):
        row[1] = new
    elif isinstance(row[1], list) and len(row[1]) > 1:
        row[1][1] = new


def row_lost(rng: random.Random, body: Any) -> None:
    body["terms"].pop(rng.randrange(len(body["terms"])))


def rows_swapped(rng: random.Random, body: Any) -> None:
    a, b = (rng.randrange(len(body["terms"])) for _ in "ab")
    body["terms"][a], body["terms"][b] = body["terms"][b], body["terms"][a]


def step_rule(rng: random.Random, body: Any) -> None:
    rng.choice(body["steps"])[0] = rng.choice(sorted(RULES))


def places(x: Any) -> list[tuple[list[Any], int]]:
    """Every place in nested lists that holds no list."""
    out: list[tuple[list[Any], int]] = []
    for k, y in enumerate(x):
        out += places(y) if isinstance(y, list) else [(x, k)]
    return out


def step_arg(rng: random.Random, body: Any) -> None:
    at = places(rng.choice(body["steps"])[1])
    if at:
        inside, k = rng.choice(at)
        old = inside[k]
        if isinstance(old, str) and old[:1] == "#":
            step = int(old[1:])
            inside[k] = f"#{rng.choice([step + 1, step // 2, rng.randrange(len(body['steps']))])}"
        elif isinstance(old, str):
            inside[k] = "$" + rng.choice([*theorem.AXIOMS, "pos", "nn", "eq", "exp", "log", "inv"])
        else:
            inside[k] = rng.choice([old + 1, old - 1, rng.randrange(len(body["terms"]))])


def step_args(rng: random.Random, body: Any) -> None:
    args = rng.choice(body["steps"])[1]
    what = rng.randrange(4)
    if what == 0:
        rng.shuffle(args)
    elif what == 1 and args:
        args.pop(rng.randrange(len(args)))
    elif what == 2 and args:
        args.append(copy.deepcopy(rng.choice(args)))
    elif args and isinstance(args[-1], list) and args[-1]:
        args[-1].pop(rng.randrange(len(args[-1])))


def step_lost(rng: random.Random, body: Any) -> None:
    body["steps"].pop(rng.randrange(len(body["steps"])))


def step_twice(rng: random.Random, body: Any) -> None:
    k = rng.randrange(len(body["steps"]))
    body["steps"].insert(rng.randrange(len(body["steps"])), copy.deepcopy(body["steps"][k]))


def steps_swapped(rng: random.Random, body: Any) -> None:
    a, b = (rng.randrange(len(body["steps"])) for _ in "ab")
    body["steps"][a], body["steps"][b] = body["steps"][b], body["steps"][a]


def hypothesis(rng: random.Random, body: Any) -> None:
    """An assumption in place of a step of the same shape, so that it becomes a hypothesis."""
    k = rng.randrange(len(body["steps"]) - 1)
    real = [
        n
        for n, row in enumerate(body["terms"])
        if row[0] in ("mul", "app", "exp", "add", "inv", "num")
    ]
    kind = rng.choice(["$pos", "$nn", "$eq"])
    ts = [rng.choice(real) for _ in range(2 if kind == "$eq" else 1)]
    body["steps"][k] = ["assume", [[kind, *ts]]]


def claim_text(rng: random.Random, body: Any) -> None:
    key = rng.choice(sorted(body["claim"]))
    value = body["claim"][key]
    body["claim"][key] = (
        value.replace(rng.choice("ijn+-12"), rng.choice("ijn+-12"), 1)
        if isinstance(value, str)
        else value + 1
        if isinstance(value, int)
        else value[1:]
    )


def defined(rng: random.Random, body: Any) -> None:
    body["defined"] = rng.choice(
        [[], body["defined"][1:], [rng.randrange(len(body["steps"]))], [10**6], [-1]]
    )


def proved_steps(rng: random.Random, body: Any) -> None:
    """Another step is what was proved."""
    body["proved"] = rng.choice(
        [[], [rng.randrange(len(body["steps"]))], [-1], [10**6], body["proved"] * 2]
    )


def model(rng: random.Random, body: Any) -> None:
    tables = [
        t for part in ("families", "masks", "functions") for t in body["model"][part].values()
    ]
    if tables and rng.random() < 0.8:
        table = rng.choice(tables)
        rng.choice(table)[1] = rng.choice(["0", "1", "-1", "2", "5/7", "x"])
    else:
        sizes = body["model"]["sizes"]
        sizes[rng.choice(sorted(sizes))] = rng.choice([0, 1, 2, 3, 100, "n"])


def node(rng: random.Random, body: Any) -> None:
    """Anything in place of anything."""
    at: list[tuple[Any, Any]] = [(body, key) for key in body]
    for key in body:
        if isinstance(body[key], list):
            at += [*((body[key], k) for k in range(len(body[key]))), *places(body[key])]
    inside, k = rng.choice(at)
    inside[k] = rng.choice([None, True, -1, 10**8, "", "#0", "$exp", [], {}, [[]], "1", "n"])


def everywhere(rng: random.Random, body: Any) -> None:
    """The same change wherever a word is used: consistent, hence often a theorem."""
    own = [name for part in ("families", "masks", "functions") for name in body["model"][part]]
    words = ["exp", "log", "inv", "relu", "sg", "n", "d", "-1", "1", "2", "eq", "ne", "sum"]
    old = rng.choice([*own * 3, *words])
    new = rng.choice(["other", "w", "n", "m", *own]) if old in own else rng.choice(words)
    for part in ("terms", "model"):
        body[part] = json.loads(json.dumps(body[part]).replace(f'"{old}"', f'"{new}"'))


def shifted(rng: random.Random, body: Any) -> None:
    """Another published loss, scale or constant, wherever the steps speak of it."""
    if not (body["steps"] and body["steps"][-1][0] == "claim"):
        return
    old, size = rng.choice(body["steps"][-1][1][:3]), len(body["terms"])
    body["terms"] += [
        ["num", rng.choice(["1", "2", "-1"])],
        [rng.choice(["add", "mul"]), None, old, size],
    ]
    for inside, k in places(body["steps"]):
        if inside[k] == old:
            inside[k] = size + 1


def weakened(rng: random.Random, body: Any) -> None:
    """Some steps become assumptions of what they showed: true, with more hypotheses."""
    try:
        done = replay(body["terms"], body["steps"])
        roots = [done[k] for k in (*body["defined"], *body["proved"])]
    except REFUSALS:
        return
    plain = [th for th in done if th.concl[0] != "icon"]
    chosen = set(rng.sample(plain, min(len(plain), rng.randint(1, 3))))
    table: dict[Theorem, Theorem] = {}

    def swap(x: Any) -> Any:
        return (
            table[x]
            if isinstance(x, Theorem)
            else tuple(map(swap, x))
            if isinstance(x, tuple)
            else x
        )

    try:
        for th in done:
            table[th] = (
                RULES["assume"](th.concl) if th in chosen else RULES[th.rule](*map(swap, th.args))
            )
    except RuleError:  # the assumption ties what is learned to what is given
        return
    body["terms"], body["steps"], at = encode([table[th] for th in roots])
    body["defined"], body["proved"] = at[: -len(body["proved"])], at[-len(body["proved"]) :]


CHANGES: tuple[Change, ...] = (
    row_op,
    row_number,
    row_name,
    row_arg,
    row_args,
    row_set,
    row_lost,
    rows_swapped,
    step_rule,
    step_arg,
    step_args,
    step_lost,
    step_twice,
    steps_swapped,
    hypothesis,
    claim_text,
    defined,
    proved_steps,
    model,
    node,
    everywhere,
    weakened,
    shifted,
)


def judged(result: CheckResult, seen: dict[Any, Any], seed: int) -> str:
    """ "the same", "true", "false", or "open" where no model could tell."""
    found = []
    for th in result.theorems:
        key = (th.concl, th.hyps)
        if key not in seen:
            refuted, true = counterexample(th, seed, 2)
            seen[key] = "false" if refuted is not None else "true" if true else "open"
        found.append(str(seen[key]))
    return next((word for word in ("false", "open") if word in found), "true")


def tamper(
    count: int, seed: int, changes: tuple[Change, ...] = CHANGES
) -> tuple[Counter[str], Counter[str]]:
    """Apply random changes and check: what came of them, and by kind how many were accepted."""
    rng, outcomes, kinds, seen = (
        random.Random(seed),
        Counter[str](),
        Counter[str](),
        dict[Any, Any](),
    )
    every = [*proofs().values(), *map(form, NAMES)]
    made: list[Proved] = sorted(every, key=lambda p: len(p.certificate.to_json()))
    originals = {(th.concl, th.hyps) for p in made for th in p.proof.theorems}
    for n in range(count):
        # small certificates more often: the changes are the same, the replay is faster
        one = made[min(rng.randrange(len(made)), rng.randrange(len(made)))]
        body = {**one.body(), "method": "mine"}
        before = canonical_json(body)
        change = changes[n % len(changes)]
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            change(rng, body)
        if canonical_json(body) == before:
            outcomes["unchanged"] += 1
            continue
        if (
            rng.random() < 0.5 and change is not claim_text
        ):  # and the claim that would then be proved
            try:
                done = replay(body["terms"], body["steps"])
                body["claim"] = said_by(body, done)
            except REFUSALS:
                pass
        try:
            result = check_json(body)
        except InputError as error:
            sentence(error)
            outcomes["refused"] += 1
            continue
        kinds[change.__name__] += 1
        ths = result.theorems
        assert statement(ths, frozenset(freeze(body["dims"]))) == body["claim"]
        verdict = judged(result, seen, n)
        same = all((th.concl, th.hyps) in originals for th in ths)
        outcomes[verdict if not same else "the same theorem"] += 1
    return outcomes, kinds


@pytest.mark.slow
def test_tampered_certificates_prove_nothing_false() -> None:
    outcomes, kinds = tamper(MUTATIONS + 300, 11)
    judged_ = sum(outcomes.values()) - outcomes["unchanged"]
    print(dict(outcomes), dict(kinds))
    assert judged_ >= MUTATIONS
    assert outcomes["false"] == 0
    assert outcomes["refused"] > MUTATIONS * 0.6
    assert outcomes["true"] > 20  # theorems that are not those of the catalog were looked at


def test_tampering_would_be_noticed_if_a_rule_did_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a `lincomb` that believes everything, false claims are proved, and found to be false."""

    def gullible(a: Term, b: Term, uses: Any) -> Theorem:
        ths = [x for x in theorem._flat(uses) if isinstance(x, Theorem)]
        hyps = frozenset[Any]().union(*(t.hyps for t in ths))
        return Theorem(theorem._KEY, hyps, ("eq", a, b), "lincomb", (a, b, uses))

    monkeypatch.setitem(RULES, "lincomb", gullible)
    outcomes, _ = tamper(400, 12, (shifted, row_number, row_arg, shifted, row_name))
    assert outcomes["false"] > 5


def test_bodies_of_no_shape_at_all() -> None:
    rng = random.Random(5)
    values: list[Any] = [None, True, 0, -1, "", "x", [], {}, [[]], [None], {"a": 1}, "#0", 10**9]
    keys = ["terms", "steps", "defined", "proved", "claim", "dims", "model", "method"]
    for _ in range(400):
        body = proofs()["infonce"].body()
        for key in rng.sample(keys, rng.randint(1, 3)):
            body[key] = rng.choice(values)
        try:
            check_body(body)
        except InputError as error:
            sentence(error)
