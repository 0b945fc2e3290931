"""jinja2 as this house uses it: undefined names are errors, blocks leave no blank lines, nothing is escaped."""

from __future__ import annotations

import hashlib
import textwrap
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalog.kernels import P_KERNELS, Q_KERNELS
from codegen.ir import Program

WIDTH = 100
NOT_PUBLISHED = {
    "false-as-stated": "the published loss is another one",
    "limit": "the published loss is a limit of this one",
    "bound": "the published loss bounds this one",
    "expansion": "the published loss is the leading part of this one",
    "coarse": "the published loss merges neighbours of this one",
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
    if claim.relation == "exact":
        return f"published = {scale}I-Con{constant}"
    if claim.relation == "definition":
        return "this loss is its own definition"
    return f"claimed as {claim.relation}: {NOT_PUBLISHED[claim.relation]}. {claim.correction}".strip()


def header(program: Program) -> str:
    """The docstring of an emitted file: what the loss is, where it comes from, what is known of it."""
    m = program.method
    p, q = m.icon.p.name, m.icon.q.name
    about = [
        f"{m.name}: generated from {m.id}.toml (sha256 {digest(m.text)}).",
        "",
        *([paragraph(m.summary, hang=""), ""] if m.summary else []),
        paragraph(f"Published   {m.published_text}", hang=" " * 12),
        paragraph(f"Source      {m.cite}, {m.source.where}", hang=" " * 12),
        paragraph(f"I-Con       mean over anchors of KL(p || q), p = {p}, q = {q}", hang=" " * 12),
        paragraph(f"Relation    {relation(program)}", hang=" " * 12),
        paragraph(f"Verdict     {program.verdict or 'not checked'}", hang=" " * 12),
        paragraph(f"Certificate {program.certificate_hash or 'none'}", hang=" " * 12),
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
    about += ["", "Do not edit: change the method's file and generate again."]
    return "\n".join(about).replace("\\", "\\\\").replace('"""', "'''")


def sentence(text: str) -> str:
    """`text` on one line."""
    return " ".join(text.split())


def digest(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
