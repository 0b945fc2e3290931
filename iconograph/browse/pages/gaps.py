"""The gaps that the I-Con paper names in its table: which are closed, by what, and what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog.periodic import Gap, Line, named_gaps
from catalog.spec import Method
from codegen.site.addresses import GAPS
from codegen.site.pages import Brief, Formula, Page
from iconograph.browse import formulas
from iconograph.browse.world import World


@dataclass(frozen=True)
class Said:
    """An entry about a gap, with what it claims; `defined` where nothing is published."""

    brief: Brief
    summary: str
    claim: Formula
    defined: bool
    command: str


@dataclass(frozen=True)
class Named:
    """A gap: its cell, what is known of it, the entry that closes it, and the others about it.

    `pair` are the p and the q of the entry that closes it.
    """

    gap: Gap
    p: Line
    q: Line
    closed: Said | None
    pair: tuple[tuple[Formula, Formula], ...]
    others: tuple[Said, ...]


def pages(world: World) -> Iterable[Page]:
    """The page, where one of the gaps is in the table."""
    ps = {line.key: line for line in world.table.supervisory}
    qs = {line.key: line for line in world.table.learned}
    found = tuple(named(world, gap, ps, qs) for gap in named_gaps())
    if not any(g.closed or g.others for g in found):
        return
    closed = tuple(g for g in found if g.closed)
    about = "The cells that the I-Con paper names and leaves empty, and what closes them."
    content = {"gaps": found, "closed": closed}
    yield Page(GAPS, "gaps.html.jinja", "Named gaps", content, about, "Gaps", 30)


def named(
    world: World, gap: Gap, ps: Mapping[str, Line], qs: Mapping[str, Line]
) -> Named:
    """A gap and the entries about it: the one that has its name, and those that begin so."""
    wanted = {gap.id, gap.name.casefold()}
    closes = [m for m in world.methods.values() if wanted & names(m)]
    about = [
        m for m in world.methods.values()
        if m not in closes and any(n.startswith(tuple(wanted)) for n in names(m))
    ]  # fmt: skip
    first = closes[0] if closes else None
    return Named(
        gap, ps[gap.p], qs[gap.q], said(world, first) if first else None,
        formulas.pair(first) if first else (),
        tuple(said(world, m) for m in (*closes[1:], *about)),
    )  # fmt: skip


def names(m: Method) -> set[str]:
    """Everything that an entry is called, in lower case."""
    return {n.casefold() for n in (m.id, m.name, *m.aliases)}


def said(world: World, m: Method) -> Said:
    """An entry, and how a program is made of it where one can be."""
    programs = world.entries[m.id].programs
    command = f"iconograph generate {m.id}" if programs else ""
    defined = m.claim.relation == "definition"
    return Said(world.briefs[m.id], m.summary, formulas.claim(m), defined, command)
