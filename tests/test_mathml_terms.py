"""Terms of proofs as MathML: what is seen is read back as the term that was shown."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from catalog.mathml import mathml
from catalog.registry import load
from derive import printing
from derive.bridge import problem
from derive.derivation import derivation
from derive.printing import latex
from derive.terms import RuleError, Term
from derive.theorem import AXIOMS
from derive.wording import judgement
from tests.mathml_reader import CLOSING, GREEK, Seen, Unreadable, look
from tests.printed import form, read
from tests.test_printing import DIMS, terms

CALLS = ("log", "exp", "relu", "sg", "max")
SIGNS = {"−": " - ", "+": " + ", "=": " = ", "≠": " != ", "⋅": ".", ",": ", ", ":": " : ",
         "∈": " in ", "∧": " and "}  # fmt: skip


def linear(seen: tuple[Seen, ...]) -> str:
    """What is seen, as one line of the grammar of `tests/printed.py`."""
    out, ends, opened = "", False, list[str]()  # `ends`: a factor ends here
    for place, s in enumerate(seen):
        starts = s.kind != "mo" or s.text in ("(", "[", "#") or (
            s.text in ("|", "‖") and s.text not in opened
        )
        closes = s.kind == "mo" and bool(opened) and s.text == opened[-1]
        closes &= ends or s.text not in ("|", "‖")  # where nothing has ended, a bar opens
        calls = s.text == "(" and place > 0 and seen[place - 1].text in CALLS
        if ends and starts and not closes and not calls:
            out += " * "
        if closes:
            out += {"‖": "|", "|": ")"}.get(s.text, s.text)
            opened.pop()
            ends = True
        elif s.kind == "mo" and s.text in CLOSING:
            opened.append(CLOSING[s.text])
            out += {"‖": "|", "|": "size("}.get(s.text, s.text)
            ends = False
        elif s.kind == "mo":
            if s.text not in (*SIGNS, "#"):
                raise Unreadable(str(s))
            out, ends = out + SIGNS.get(s.text, "count"), False
        elif s.kind == "under":
            word = {"∑": "sum", "max": "max"}[s.text]
            out, ends = f"{out}{word}[{linear(s.parts[0])}] ", False
        else:
            out, ends = out + single(s), not (s.kind == "mi" and s.text in CALLS and not s.below)
        if s.above:
            square = s.text == "‖" and linear(s.above) == "2"
            out += "^2" if square else f"^({linear(s.above)})"
    return out


def single(s: Seen) -> str:
    """A number, a fraction, or a symbol with its indices; a number below is part of its name."""
    if s.kind == "frac":
        if s.above or s.below:
            raise Unreadable("a script at a fraction")
        return f"(({linear(s.parts[0])})/({linear(s.parts[1])}))"
    if s.kind not in ("mi", "mn"):
        raise Unreadable(str(s))
    name = GREEK.get(s.text, s.text)
    if len(s.below) == 1 and s.below[0].kind == "mn":
        return name + s.below[0].text
    return f"{name}[{linear(s.below)}]" if s.below else name


def misread(ts: Iterator[Term]) -> list[str]:
    """The formulas that are not read back as the term that was shown."""
    wrong = []
    for t in ts:
        shown = mathml(latex(t, DIMS))
        try:
            back = form(read(linear(look(ElementTree.fromstring(shown))), [t]))
        except (AssertionError, KeyError, RuleError, Unreadable):
            wrong.append(shown)
            continue
        if back is not form(t):
            wrong.append(shown)
    return wrong


def test_terms_read_back() -> None:
    assert not misread(terms(5, 1500))


@pytest.mark.parametrize("level", ["OPEN", "DOT"])
def test_missing_brackets_are_noticed(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, level, printing.SUM)
    assert misread(terms(5, 300))


def test_derivations_are_shown() -> None:
    for name in ("supcon", "t-sne", "dpo"):
        chain = derivation(problem(load(name)))
        assert chain is not None
        for line in chain.lines:
            dims = chain.problem.dims
            shown = mathml(latex(line.term, dims))
            seen = look(ElementTree.fromstring(shown))
            assert form(read(linear(seen), [line.term])) is form(
                line.term
            ), (name, shown)


def test_axioms_are_shown() -> None:
    for premises, conclusion in AXIOMS.values():
        for said in (*premises, conclusion):
            assert ElementTree.fromstring(mathml(judgement(said, frozenset(), latex=True))).tag
