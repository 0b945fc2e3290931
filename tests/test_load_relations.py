"""Files with bounds, limits, divergences and theorems: what is read, and what is refused."""

from __future__ import annotations

import pytest

from catalog.divergences import DIVERGENCES
from catalog.errors import InputError
from catalog.load import load_text
from catalog.notation import to_text
from derive.bridge import problem
from derive.claims import DIVERGENCES as TERMS
from derive.terms import mk

LIMIT = """id = "a-limit"
name = "A limit"
field = "theory"
year = 2025
cite = "nobody"
[learned]
z = "real[i,j]"
[given]
s = "positive"
[p]
kernel = "one-hot"
target = "i"
[q]
kernel = "logit"
logit = "z"
temperature = "s"
[icon]
neighbours = "j"
[published]
formula = "mean[i] (max[j] z[i,j] - z[i,i])"
[claim]
relation = "limit"
parameter = "s"
to = "0"
scale = "s"
below = "s*log(n)"
"""
THEOREM = """id = "a-theorem"
name = "A theorem"
field = "theory"
year = 2025
cite = "nobody"
[given]
p = "distribution[i,j]"
[theorem]
"at most one" = "p[i,j] <= 1"
"at least none" = "sum[j] p[i,j] > 0"
[proof]
"a lemma" = "sum[k] p[i,k] = 1"
[claim]
relation = "theorem"
"""


def test_a_limit_is_read() -> None:
    m = load_text(LIMIT)
    assert (m.claim.parameter, m.claim.to, m.claim.order) == ("s", "0", 1)
    assert m.claim.below is not None and m.claim.above is not None
    assert (to_text(m.claim.below), to_text(m.claim.above)) == ("s*log(n)", "0")
    found = problem(m)
    assert found.small is mk("app", ("s", ())) and not found.equation
    assert [j[0] for j in found.judgements()] == ["nn", "nn"]
    assert problem(load_text(LIMIT.replace('to = "0"', 'to = "infinity"'))).small == mk(
        "inv", None, mk("app", ("s", ()))
    )


def test_a_bound_may_have_one_side() -> None:
    text = LIMIT.replace('"limit"', '"bound"').replace('parameter = "s"\nto = "0"\n', "")
    found = problem(load_text(text))
    assert found.slack[1] == "" and found.small is None
    assert len(found.judgements()) == 1


def test_a_theorem_is_read() -> None:
    m = load_text(THEOREM)
    assert [f.text for f in m.statements] == ["at most one", "at least none"]
    assert [f.text for f in m.steps] == ["a lemma"]
    found = problem(m)
    assert [j[0] for j in found.facts] == ["nn", "pos"] and found.steps[0][0] == "eq"


def test_a_theorem_may_speak_of_a_pair() -> None:
    text = LIMIT.split("[published]")[0] + (
        '[theorem]\n"q is below one" = "q(i,j) <= 1"\n"p too" = "p(i,j) <= 1"\n'
        '[claim]\nrelation = "theorem"\n'
    )
    found = problem(load_text(text))
    assert len(found.facts) == 2 and found.blocks


@pytest.mark.parametrize("name", DIVERGENCES)
def test_every_divergence_is_read(name: str) -> None:
    relation = {"kl": "exact", "reverse-kl": "reverse"}.get(name, "generalised")
    order = 'order = "1/3"\n' if DIVERGENCES[name].ordered else ""
    text = LIMIT.split("[claim]")[0].replace(
        'neighbours = "j"\n', f'neighbours = "j"\ndivergence = "{name}"\n{order}'
    )
    m = load_text(f'{text}[claim]\nrelation = "{relation}"\n')
    assert m.icon.divergence == name and name in TERMS


REVERSE = LIMIT.split("[claim]")[0] + '[claim]\nrelation = "reverse"\n'


def test_reverse_names_its_divergence_itself() -> None:
    assert load_text(REVERSE).icon.divergence == "reverse-kl"


ICON = 'neighbours = "j"\n'
REFUSED = [
    # what is wrong, the file with the error, what is said
    ("no parameter", LIMIT.replace('parameter = "s"\n', ""), "a limit needs its parameter"),
    ("nowhere to go", LIMIT.replace('to = "0"\n', ""), "a limit needs its parameter"),
    ("to elsewhere", LIMIT.replace('to = "0"', 'to = "1"'), "[claim] to cannot be '1'"),
    ("an undeclared parameter", LIMIT.replace('parameter = "s"', 'parameter = "t"'),
     "'t' is not a single positive number"),
    ("a parameter that is trained", LIMIT.replace(
        '[given]\ns = "positive"', 's = "positive"').replace('scale = "s"', 'scale = "1"'),
     "'s' is not a single positive number"),
    ("a parameter of any sign", LIMIT.replace('s = "positive"', 's = "real"'),
     "'s' is not a single positive number"),
    ("an array as parameter", LIMIT.replace('s = "positive"', 's = "positive[i]"').replace(
        'scale = "s"\nbelow = "s*log(n)"', 'below = "log(n)"'),
     "'s' is not a single positive number"),
    ("the parameter in the formula", LIMIT.replace('(max', 's*(max'),
     "mentions s, the parameter of the limit"),
    ("bounds of an equation", LIMIT.replace('"limit"', '"exact"'),
     "does not go with the relation 'exact'"),
    ("a parameter of a bound", LIMIT.replace('"limit"', '"bound"'),
     "parameter does not go with the relation 'bound'"),
    ("a bound of nothing", LIMIT.replace('"limit"', '"bound"').replace(
        'parameter = "s"\nto = "0"\nscale = "s"\nbelow = "s*log(n)"\n', ""),
     "a bound needs below or above"),
    ("an unknown divergence", LIMIT.replace(ICON, ICON + 'divergence = "jds"\n'),
     "unknown divergence 'jds'; did you mean"),
    ("a divergence of an exact claim", REVERSE.replace('"reverse"', '"exact"').replace(
        ICON, ICON + 'divergence = "tv"\n'), "is not about the divergence 'tv'"),
    ("generalised to the same", REVERSE.replace('"reverse"', '"generalised"'),
     "is not about the divergence 'kl'"),
    ("another reverse", REVERSE.replace(ICON, ICON + 'divergence = "chi2"\n'),
     "is not about the divergence 'chi2'"),
    ("an order for none", LIMIT.replace(ICON, ICON + 'order = "2"\n'), "'kl' has no order"),
    ("no order", LIMIT.replace(ICON, ICON + 'divergence = "tsallis"\n'),
     "'tsallis' needs an order"),
    ("a trained order", LIMIT.replace(
        ICON, ICON + 'divergence = "tsallis"\norder = "sum[i,j] z[i,j]"\n'),
     "mentions the learned symbol z"),
    ("a theorem of nothing", THEOREM.replace('"at most one" = "p[i,j] <= 1"\n', "").replace(
        '"at least none" = "sum[j] p[i,j] > 0"\n', ""), "the table [theorem] is missing"),
    ("a theorem about a loss", THEOREM.replace(
        "[proof]", '[published]\nformula = "1"\n[proof]'), "a theorem has no published formula"),
    ("a theorem that is exact", THEOREM.replace('"theorem"\n', '"exact"\n'),
     "[theorem] does not go with the relation 'exact'"),
    ("half a pair", THEOREM.replace(
        "[proof]", '[p]\nkernel = "given"\ndistribution = "p"\n[proof]'),
     "the table [q] is missing"),
    ("a pair where there is none", THEOREM.replace("p[i,j] <= 1", "q(i,j) <= 1"),
     "can be used in [claim], [theorem] and [proof] only"),
    ("a free letter in a bound", LIMIT.replace("s*log(n)", "s*z[i,i]"), "'i'"),
    ("an unknown name in a lemma", THEOREM.replace("p[i,k] = 1", "r[i,k] = 1"), "'r'"),
    ("a lemma that says nothing", THEOREM.replace("sum[k] p[i,k] = 1", "sum[k] p[i,k]"), ""),
    ("an erratum without a place", THEOREM + '[erratum]\nclaimed = "x"\n', "where"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "said"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_is_refused(what: str, text: str, said: str) -> None:
    assert text not in (LIMIT, THEOREM, REVERSE), "the error was not planted"
    with pytest.raises(InputError) as caught:
        load_text(text)
    assert said in str(caught.value)
