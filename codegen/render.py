"""jinja2 as this house uses it, and the docstring that every emitted file opens with."""

from __future__ import annotations

import hashlib
import re
import textwrap
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalog.divergences import DIVERGENCES
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.notation import to_text
from codegen.ir import Program

WIDTH = 100
NOT_PUBLISHED = {
    "false-as-stated": "the published loss is another one",
    "limit": "the published loss is a limit of this one",
    "bound": "the published loss bounds this one",
    "expansion": "the published loss is the leading part of this one",
}


@cache
def environment() -> Environment:
    """The environment of all templates."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the templates write Python, not HTML
    )


@cache
def known_helpers(template: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The helper functions of a template by name: the source, and the words in it."""
    parts = environment().get_template(template).render().strip().split("\n\n\n")
    return {
        re.findall(r"^def (\w+)", part, re.MULTILINE)[0]: (part, words(part)) for part in parts
    }


def words(text: str) -> frozenset[str]:
    """The words in a text."""
    return frozenset(re.findall(r"\w+", text))


def helpers(template: str, text: str) -> list[str]:
    """The helper functions of a template that `text` mentions, and those that they mention."""
    known = known_helpers(template)
    wanted: set[str] = set()
    todo = [words(text)]
    while todo:
        found = {n for said in todo for n in said & known.keys()} - wanted
        wanted |= found
        todo = [known[n][1] for n in found]
    return [part for name, (part, _) in known.items() if name in wanted]


def defined(function: str) -> str:
    """The name of a function."""
    return str(re.findall(r"^def (\w+)", function, re.MULTILINE)[0])


def paragraph(text: str, indent: str = "", hang: str = "    ") -> str:
    """`text` filled to the width of the house."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def relation(program: Program) -> str:
    """How the published loss follows from the I-Con loss, in one line."""
    claim = program.method.claim
    scale = "" if claim.scale_text == "1" else f"({claim.scale_text}) * "
    constant = "" if claim.constant_text == "0" else f" + {claim.constant_text}"
    here = {"exact": "I-Con", "coarse": "I-Con", "reverse": "KL(q || p)", "generalised": "D"}
    if claim.relation in here:
        merged = ", its neighbours groups of neighbours" if claim.relation == "coarse" else ""
        return f"published = {scale}{here[claim.relation]}{constant}{merged}"
    if claim.relation == "definition":
        return "this loss is its own definition; nothing is published to compare it with"
    meaning = NOT_PUBLISHED.get(claim.relation, "the published loss is another one")
    return f"claimed as {claim.relation}: {meaning}. {claim.correction}".strip()


OVER = {
    "row": "mean over anchors of {}",
    "pair": "mean over pairs of {}",
    "row-and-column": "mean over rows and columns of {}",
    "joint": "{} over all pairs at once",
}
"""What the divergence is averaged over, by how q is normalised."""


def compared(program: Program) -> str:
    """The line of the pair and of how it is compared."""
    icon = program.method.icon
    pair = f"p = {icon.p.name}, q = {icon.q.name}"
    over = OVER[icon.normalise]
    if program.kl:
        return f"I-Con       {over.format('KL(p || q)')}, {pair}"
    if icon.divergence == "reverse-kl":
        return f"Divergence  {over.format('KL(q || p)')}, {pair}"
    found = DIVERGENCES[icon.divergence]
    order = f", a = {to_text(icon.degree)}" if found.ordered else ""
    return (
        f"Divergence  {over.format('D(p, q)')}, {pair}; {found.title}: "
        f"D(p, q) = sum_j {found.template}{order}"
    )


def header(program: Program) -> str:
    """The docstring of an emitted file: what the loss is, whence it comes, what is known of it."""
    m = program.method
    p, q = m.icon.p.name, m.icon.q.name
    about = [
        paragraph(f"{m.name}.", hang=""),
        "",
        *([paragraph(m.summary, hang=""), ""] if m.summary else []),
        *(paragraph(line, hang=" " * 12) for line in published(program)),
        paragraph(compared(program), hang=" " * 12),
        paragraph(f"Relation    {relation(program)}", hang=" " * 12),
        paragraph(f"Verdict     {program.verdict or 'not checked'}", hang=" " * 12),
        paragraph(f"Certificate {program.certificate_hash or 'none'}", hang=" " * 12),
        *(paragraph(f"{said:<11} {what}", hang=" " * 12) for said, what in program.known),
        "",
        "p: " + sentence(P_KERNELS[p].doc) if p in P_KERNELS else "p: as the file states it.",
        "q: " + sentence(Q_KERNELS[q].doc) if q in Q_KERNELS else "q: as the file states it.",
    ]
    about[-2:] = [paragraph(line) for line in about[-2:]]
    hypotheses = [f.text for f in m.assumes if f.text]
    hypotheses += [*P_KERNELS[p].hypotheses] if p in P_KERNELS else []
    hypotheses += [*Q_KERNELS[q].hypotheses] if q in Q_KERNELS else []
    if hypotheses:
        about += ["", "Hypotheses"]
        about += [paragraph(f"- {h}", "    ", "  ") for h in dict.fromkeys(hypotheses)]
    if m.conventions:
        about += ["", "Conventions"]
        about += [paragraph(f"- {k}: {v}", "    ", "  ") for k, v in m.conventions.items()]
    made_up = m.path.startswith("the options ")  # put together on the command line
    origin = m.path if made_up else f"{m.id}.toml (sha256 {digest(m.text)})"
    made = f"Generated by iconograph from {origin}; change that, not this."
    about += ["", paragraph(made, hang="")]
    return "\n".join(about)


def published(program: Program) -> list[str]:
    """The lines of the published formula and of where it stands, none for a definition."""
    m = program.method
    if not m.published_text:
        return []
    where = ", ".join(filter(None, (m.cite, m.source.where)))
    checked = "" if m.source.verified or not where else " (the place was not checked)"
    return [f"Published   {m.published_text}", f"Source      {where}{checked}"]


def sentence(text: str) -> str:
    """`text` on one line."""
    return " ".join(text.split())


def digest(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
