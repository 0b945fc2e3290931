"""What the Python API returns: views of methods, verdicts and programs that render in notebooks.

A notebook asks for `_repr_mimebundle_` and picks what it can show: LaTeX, HTML or text. The rooms
below know nothing of this; everything here reads their public data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.divergences import DIVERGENCES
from catalog.errors import InputError
from catalog.latex_method import Section, typeset
from catalog.notation import MethodLatex, method_latex, to_text
from catalog.spec import Method
from iconograph.files import write
from iconograph.report import Row, row_facts
from iconograph.wording import claim_text, fact_text, in_words, pair_text, stated

if TYPE_CHECKING:
    from derive.check import CheckResult
    from derive.verdict import Verdict
    from iconograph.audit.examine import Report

Bundle = dict[str, str]


@dataclass(frozen=True)
class Loss:
    """A method of the catalog or of a file of your own; `method` is the frozen data."""

    method: Method

    @property
    def id(self) -> str:
        """The id, which is also the name of its file in the catalog."""
        return self.method.id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.method.name

    @property
    def latex(self) -> MethodLatex:
        """The formulas as LaTeX without dollar signs: published, claim, and p and q per block."""
        return method_latex(self.method)

    def typeset(self) -> tuple[Section, ...]:
        """All of the file as LaTeX: symbols, definitions, hypotheses, formulas, claim, lemmas.

        Sections of a title in words and formulas for math mode.
        """
        return typeset(self.method)

    def derivation(self) -> Chain:
        """The claim as a chain of equations, each made by rules of the trusted base.

        Raises:
            InputError: no chain was found, as for a claim that is false.
        """
        from derive.bridge import problem
        from derive.derivation import derivation

        claim = self.method.claim
        if claim.relation == "false-as-stated":
            raise InputError(
                f"{self.id} has no derivation: it is false as stated",
                hint=f"iconograph verify {self.id} prints the counterexample",
            )
        if self.method.statements or claim.below is not None or claim.above is not None:
            raise InputError(
                f"{self.id} has no chain of equations: it is proved by inequalities or of several "
                "statements",
                hint=f"iconograph show {self.id} --proof prints every step",
            )
        if (found := derivation(problem(self.method))) is None:
            raise InputError(
                f"{self.id} has no derivation: the two sides could not be made to meet"
            )
        return Chain(found.text(), found.latex())

    def to_json(self) -> dict[str, Any]:
        """The content of `iconograph show --json`."""
        m, latex = self.method, self.latex
        return {
            "id": m.id, "name": m.name, "field": m.field, "year": m.year, "cite": m.cite,
            "aliases": list(m.aliases), "summary": m.summary,
            "published": {"formula": m.published_text, "latex": latex.published,
                          "source": m.source.where, "verified": m.source.verified,
                          "note": m.source.note},
            "normalise": m.icon.normalise,
            "p": {"kernel": m.icon.p.name, "latex": list(latex.p)},
            "q": {"kernel": m.icon.q.name, "latex": list(latex.q)},
            "assumes": [fact.text for fact in m.assumes],
            "claim": {"relation": m.claim.relation, "scale": m.claim.scale_text,
                      "constant": m.claim.constant_text, "latex": latex.claim,
                      "below": m.claim.below_text, "above": m.claim.above_text,
                      "parameter": m.claim.parameter, "to": m.claim.to,
                      "correction": m.claim.correction},
            "conventions": dict(m.conventions),
            "divergence": m.icon.divergence,
            "statements": [fact_text(fact) for fact in m.statements],
            "proof": [fact_text(fact) for fact in m.steps],
            "erratum": asdict(m.erratum) if m.erratum else None,
        }  # fmt: skip

    def facts(self) -> list[tuple[str, str]]:
        """What the file says, and what is known of real implementations, line by line."""
        from catalog.implementations import implementations_of
        from iconograph.implementations import line

        m = self.method
        unchecked = "" if m.source.verified else " (equation number not checked)"
        lines = [
            ("method", f"{m.id}: {m.name} ({m.field}, {m.year})"),
            ("summary", m.summary),
            *(self.pair_facts(unchecked) if m.icon.blocks else []),
            ("claim", claim_text(m)),
            *(("states", fact_text(fact)) for fact in m.statements),
            *self.erratum_facts(),
            ("what is true", m.claim.correction),
            *(("assumes", fact_text(fact)) for fact in m.assumes),
            *(("proof", fact_text(fact)) for fact in m.steps),
            *(("convention", f"{key}: {value}") for key, value in m.conventions.items()),
            *(("library", line(item)) for item in implementations_of(m.id)),
        ]
        return [(key, value) for key, value in lines if value]

    def pair_facts(self, unchecked: str) -> list[tuple[str, str]]:
        """The published formula and the pair, line by line."""
        m = self.method
        published = " ".join(m.published_text.split()) or to_text(m.published)
        kind = DIVERGENCES[m.icon.divergence]
        order = f" of order {to_text(m.icon.degree)}" if kind.ordered else ""
        return [
            ("published", "" if m.statements else published),
            ("source", "" if m.statements else m.source.where + unchecked),
            ("p", pair_text(m.icon.p.name, m.icon.p.params)),
            ("q", pair_text(m.icon.q.name, m.icon.q.params)),
            ("divergence", "" if kind.name == "kl" else f"{kind.title}{order}: {kind.template}"),
            ("normalised", m.icon.normalise),
        ]

    def erratum_facts(self) -> list[tuple[str, str]]:
        """What the literature says, where, and which entries prove what holds."""
        if (found := self.method.erratum) is None:
            return []
        holds = ", ".join(found.holds)
        return [("was claimed", found.claimed), ("where", found.where), ("proved instead", holds)]

    def __str__(self) -> str:
        return _lines(self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        latex = self.latex
        published = rf"\mathcal{{L}} = {latex.published}" if latex.published else ""
        return {
            "text/plain": str(self),
            "text/latex": "\n".join(
                f"$$ {formula} $$"
                for formula in (published, *latex.p, *latex.q, latex.claim)
                if formula
            ),
            "text/html": _html_table(self.facts()),
        }


@dataclass(frozen=True)
class Chain:
    """A derivation for readers, as text and as a LaTeX align* environment."""

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return {"text/plain": self.text, "text/latex": self.latex}


@dataclass(frozen=True)
class Result:
    """A verdict on a method. `verdict` is what the prover returned, `row` its plain data."""

    method: Method
    verdict: Verdict
    row: Row

    @property
    def ok(self) -> bool:
        """Whether the verdict is what the method's file claims."""
        return self.row.ok

    @property
    def outcome(self) -> str:
        """proved, refuted or unknown."""
        return self.row.outcome

    @property
    def level(self) -> str:
        """The level of assurance of docs/trust.md: general-N, finite, witness or none."""
        return self.row.level

    @property
    def proof_text(self) -> str:
        """The steps of the proof after a replay, one per line.

        Raises:
            InputError: there is no proof, because the claim was refuted or is undecided.
        """
        from derive.verdict import Proved
        from iconograph.proof import proof_lines

        if not isinstance(self.verdict, Proved) or self.verdict.certificate is None:
            raise InputError(f"{self.row.id} has no proof to show: {self.row.brief}")
        return "\n".join(proof_lines(self.verdict.certificate))

    def facts(self) -> list[tuple[str, str]]:
        """The verdict line by line, for people."""
        return row_facts(self.row)

    def __str__(self) -> str:
        return _lines(self.facts())

    def __bool__(self) -> bool:
        """Refused: an undecided claim is neither true nor false.

        Raises:
            TypeError: always.
        """
        raise TypeError("a verdict is no truth value; ask for .ok, .outcome or .level")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return {"text/plain": str(self), "text/html": _html_table(self.facts())}


@dataclass(frozen=True)
class Check:
    """A certificate that was replayed: every step follows by the trusted rules."""

    path: str
    result: CheckResult

    @property
    def hypotheses(self) -> list[str]:
        """The hypotheses, each after the words of the catalog's file where it is one of those."""
        r = self.result
        words = r.words or ("",) * len(r.hypotheses)
        return [in_words(w, formula) for w, formula in zip(words, r.hypotheses, strict=True)]

    def facts(self) -> list[tuple[str, str]]:
        """What was proved, line by line."""
        r = self.result
        return [
            ("✓ replayed", f"{self.path}: {r.method_id}"),
            ("theorem", r.theorem_text),
            *(line for pair in r.claim.get("pairs", ()) for line in stated(pair)),
            *(
                (key, "; ".join(names))
                for key, part in (("learned", "learned"), ("symbols", "types"))
                if (names := r.claim.get(part))
            ),
            *(("hypothesis", text) for text in self.hypotheses),
            ("hash", r.hash),
        ]

    def to_json(self) -> dict[str, Any]:
        """The entry of `iconograph check --json`."""
        r = self.result
        return {
            "path": self.path, "method": r.method_id, "theorem": r.theorem_text,
            "hypotheses": list(r.hypotheses), "words": list(r.words), "claim": dict(r.claim),
            "hash": r.hash,
        }  # fmt: skip

    def __str__(self) -> str:
        return _lines(self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return {"text/plain": str(self), "text/html": _html_table(self.facts())}


@dataclass(frozen=True)
class CodeResult:
    """What was found of a callable; `report` is all of it as data."""

    report: Report

    @property
    def ok(self) -> bool:
        """Whether it is equal to a method in some sense, or was recognised where none was named."""
        return self.report.ok

    @property
    def relation(self) -> str:
        """equal, equal-up-to, recognised, different or undecided."""
        return self.report.finding.kind

    @property
    def words(self) -> str:
        """The relation in a sentence, with its evidence."""
        return self.report.finding.words

    def facts(self) -> list[tuple[str, str]]:
        """All of it line by line, for people."""
        return self.report.facts()

    def to_json(self) -> dict[str, Any]:
        """The content of `iconograph verify --code ... --json`."""
        return self.report.to_json()

    def __str__(self) -> str:
        return _lines(self.facts())

    def __bool__(self) -> bool:
        """Refused: what is undecided is neither true nor false.

        Raises:
            TypeError: always.
        """
        raise TypeError("what was found is no truth value; ask for .ok or .relation")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return {"text/plain": str(self), "text/html": _html_table(self.facts())}


class Code(str):
    """The text of a program. It is a string; a notebook shows it as code.

    `brief` is the verdict on the method in a few words, and `known` what else is known of it (a
    word and a sentence each), as the program's docstring says them.
    """

    brief: str
    known: tuple[tuple[str, str], ...]

    def __new__(cls, text: str, brief: str, known: tuple[tuple[str, str], ...] = ()) -> Code:
        """The text, the verdict on its method, and what else is known."""
        code = super().__new__(cls, text)
        code.brief, code.known = brief, known
        return code

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the program; a file that iconograph did not write is replaced with `force` only."""
        write(Path(path), self, over=GENERATED, force=force, hint="force=True replaces it")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return {
            "text/plain": str(self),
            "text/html": f"<pre><code>{escape(self)}</code></pre>",
            "text/markdown": f"```python\n{self}\n```",
        }


GENERATED = "Generated by iconograph from"
"""Stands in the header of every program that is written; such a file may be written again."""


def _lines(facts: list[tuple[str, str]]) -> str:
    width = max(len(key) for key, _ in facts)
    hang = "\n" + " " * (width + 2)
    return "\n".join(f"{key:<{width}}  {hang.join(value.splitlines())}" for key, value in facts)


def _html_table(facts: list[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(key)}</th>'
        f'<td style="text-align:left; white-space:pre-wrap">{escape(value)}</td></tr>'
        for key, value in facts
    )
    return f"<table>{rows}</table>"
