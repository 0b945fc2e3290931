"""Abbreviations as symbols: proofs about symbols become proofs about what they stand for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.load import load_text
from derive.bounds import EFFORTS
from derive.bridge import problem
from derive.hidden import Meaning, abbreviations, in_symbols, symbol
from derive.prove import Proof, Search, prove
from derive.terms import BINDERS, RuleError, Term, bind, mk, num, open_binder, var
from derive.theorem import RULES, exp

TEXT = """
id = "rows"
name = "rows"
field = "theory"
year = 2025
cite = "none"
[given]
x = "vector[i]"
w = "vector[i]"
s = "positive"
[define]
"D(i,j)" = "(w[i].(x[i] - x[j]))^2"
[theorem]
"a mean of exponentials" = "log(mean[j] exp(-D(i,j)/s)) >= -(mean[j] D(i,j))/s"
[claim]
relation = "theorem"
"""
ROW, J = var("i", "n"), var("j", "n")
F = mk("app", ("f", ("n",)), J)
D = symbol("D", (ROW, J))


def test_a_file_is_read_with_symbols_and_with_what_they_stand_for() -> None:
    claim = problem(load_text(TEXT))
    (world,) = claim.worlds
    assert [name for name, *_ in world.meaning] == ["D"]
    assert any(u.op == "app" and u.data == D.data for u in walk(world.problem.facts[0][1]))
    assert not any(u.op == "app" and u.data == D.data for u in walk(claim.facts[0][1]))


def test_an_abbreviation_that_is_written_out_is_seen() -> None:
    out = TEXT.replace("exp(-D(i,j)/s)", "exp(-(w[i].(x[i] - x[j]))^2/s)")
    inner = [problem(load_text(t)).worlds[0].problem for t in (TEXT, out)]
    assert inner[0].facts == inner[1].facts
    other = TEXT.replace("exp(-D(i,j)/s)", "exp(-(w[j].(x[i] - x[j]))^2/s)")
    inner = [problem(load_text(t)).worlds[0].problem for t in (TEXT, other)]
    assert inner[0].facts != inner[1].facts


def test_a_proof_of_symbols_proves_what_the_file_says() -> None:
    found = prove(problem(load_text(TEXT)))
    assert isinstance(found, Proof)
    assert found.theorem.concl == problem(load_text(TEXT)).facts[0]
    assert {h[1] for h in found.theorem.hyps} <= {h[1] for h in problem(load_text(TEXT)).hyps}


def test_a_false_statement_stays_unproved() -> None:
    wrong = TEXT.replace(">= -(mean[j] D(i,j))/s", ">= (mean[j] D(i,j))/s")
    claim = problem(load_text(wrong))
    assert Search(claim).worlds[0].find("facts", 0, EFFORTS[-1]) is None


def test_the_sign_of_a_body_is_proved_and_not_assumed() -> None:
    without_square = TEXT.replace('(w[i].(x[i] - x[j]))^2"', 'w[i].(x[i] - x[j])"')
    claim = problem(load_text(without_square))
    assert not Search(claim).worlds[0].meaning.given
    assert Search(problem(load_text(TEXT))).worlds[0].meaning.given


def test_the_sign_of_a_body_made_of_symbols_is_seen_there() -> None:
    """E is at least 0 as the product of D, which is, and of itself."""
    more = TEXT.replace("[theorem]", '"E(i,j)" = "D(i,j)*w[i].w[i]"\n[theorem]')
    for sign, body in (("nn", "D(i,j)*D(i,j)*D(i,i)"), (None, "D(i,j) - D(i,i)")):
        text = more.replace("D(i,j)*w[i].w[i]", body)
        claim = problem(load_text(text.replace("mean[j] exp(-D(i,j)/s)", "mean[j] exp(-E(i,j)/s)")))
        first, last = Search(claim).worlds
        assert {j[0] for j in last.meaning.given} == {"nn"}
        found = [th.concl for (_, t), th in first.meaning.given.items() if t.data[0] == "E"]
        bodies = {name: b for name, _, b, _ in claim.worlds[0].meaning}
        assert found == ([(sign, bodies["E"])] if sign else [])


def test_bodies_are_put_in_under_binders() -> None:
    meaning = Meaning({"D": ((ROW, J), bind("sum", J, exp(F)) * F)})
    body = bind("sum", J, exp(F))
    assert meaning.of_term(bind("sum", J, D)) is bind("sum", J, body * F)


def test_a_theorem_is_made_again() -> None:
    meaning = Meaning({"D": ((ROW, J), F * F)})
    about = RULES["axiom"]("pos_exp", D, num(0))
    assert meaning.of_theorem(about).concl == ("pos", exp(F * F))


def test_what_does_not_hold_of_a_body_is_refused() -> None:
    """A sign that was taken for granted of a symbol has to be proved of its body."""
    meaning = Meaning({"D": ((ROW, J), F)})
    taken = RULES["assume"](("nn", D))
    made = meaning.of_theorem(taken)
    assert made.hyps == {("nn", F)}  # it shows as a hypothesis, which no certificate accepts
    meaning = Meaning({"D": ((ROW,), F)})
    with pytest.raises((RuleError, ValueError)):
        meaning.of_theorem(RULES["axiom"]("pos_exp", D, num(0)))


def test_abbreviations_made_of_others_are_symbols_first_and_then_written_out() -> None:
    more = TEXT.replace("[theorem]", '"E(i,j)" = "exp(-D(i,j)/s)"\n[theorem]')
    claim = problem(load_text(more.replace("exp(-D(i,j)/s)))", "E(i,j)))")))
    names = [[name for name, *_ in world.meaning] for world in claim.worlds]
    assert names == [["D"]]
    claim = problem(load_text(more.replace("log(mean[j] exp(-D(i,j)/s))", "log(mean[j] E(i,j))")))
    names = [sorted(name for name, *_ in world.meaning) for world in claim.worlds]
    assert names == [["D", "E"], ["D"]]
    assert isinstance(prove(claim), Proof)  # E = exp(-D/s) is needed


def test_the_abbreviations_are_those_that_the_file_uses() -> None:
    method = load_text(TEXT)
    assert list(abbreviations(method)) == ["D"]
    assert in_symbols(method, {}) == method


def walk(t: Term) -> Iterator[Term]:
    """Every part of a term, all bound variables called j."""
    yield t
    if t.op in BINDERS:
        yield from (
            u for k in range(len(t.args)) for u in walk(open_binder(t, var("j", t.data), k))
        )
    else:
        yield from (u for a in t.args for u in walk(a))
