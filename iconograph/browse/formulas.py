"""Formulas of the catalog as the pages show them: this is where a printer is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from catalog.latex_boxes import read
from catalog.latex_claim import method_latex
from catalog.latex_method import typeset
from catalog.mathml import mathml, plain, to_mathml
from catalog.notation import to_text
from catalog.spec import Method
from catalog.symbols import Fact, Node
from codegen.site.pages import Formula
from iconograph.compare import one_line
from iconograph.wording import claim_text


def formula(node: Node | Fact) -> Formula:
    """A formula of the catalog."""
    return Formula(to_text(node), to_mathml(node, block=True))


def latex(said: str, text: str = "") -> Formula:
    """A formula that is there in LaTeX; `text` is what people type, by default on one line."""
    return Formula(text, mathml(said, text, block=True))


def published(method: Method) -> Formula | None:
    """The published formula in the paper's own notation, None where there is none."""
    if method.statements or not method.published_text:
        return None
    said = method_latex(method).published
    return latex(rf"\mathcal{{L}} = {said}", one_line(method.published_text))


def pair(method: Method) -> tuple[tuple[Formula, Formula], ...]:
    """P and q of every block."""
    shown = method_latex(method)
    return tuple((latex(p), latex(q)) for p, q in zip(shown.p, shown.q, strict=True))


def claim(method: Method) -> Formula:
    """What the entry claims."""
    return latex(method_latex(method).claim, claim_text(method))


@dataclass(frozen=True)
class Sections:
    """All formulas of an entry, by what they are; words stand beside those that have some."""

    symbols: tuple[Formula, ...] = ()
    signs: tuple[Formula, ...] = ()
    definitions: tuple[Formula, ...] = ()
    assumes: tuple[tuple[str, Formula], ...] = ()
    published: tuple[Formula, ...] = ()
    p: tuple[Formula, ...] = ()
    q: tuple[Formula, ...] = ()
    divergence: tuple[Formula, ...] = ()
    claim: tuple[Formula, ...] = ()
    states: tuple[tuple[str, Formula], ...] = ()
    lemmas: tuple[tuple[str, Formula], ...] = ()


NAMES = {"D": "divergence", "lemma": "lemmas"}
WORDED = ("assumes", "states", "lemmas")


ROOM = 2400
"""Letters of MathML for the lemmas of a page, and for its chain of equations. What goes beyond is
shown as text, a tenth of that: so large a formula is looked through, not looked at."""


def spelt(lines: Iterable[tuple[str, str]]) -> tuple[Formula, ...]:
    """Formulas, given as LaTeX and text, all as MathML or all as text."""
    lines = tuple(lines)
    shown = tuple(latex(*line) for line in lines)
    small = sum(len(f.mathml) - len(f.text) for f in shown) <= ROOM
    return shown if small else tuple(Formula(text) for _, text in lines)


def sections(method: Method) -> Sections:
    """The formulas of an entry."""
    found: dict[str, list[Any]] = {}
    room = ROOM
    for title, lines in typeset(method):
        head, _, words = title.partition(": ")
        head = head.partition(" (")[0]
        name = NAMES.get(head, head)
        for line in lines:
            shown = latex(line)
            if name == "lemmas":
                room -= len(shown.mathml)
            if name in ("symbols", "signs") or room < 0:
                shown = Formula(plain(read(line)))
            found.setdefault(name, []).append((words, shown) if name in WORDED else shown)
    return Sections(**{name: tuple(lines) for name, lines in found.items()})
