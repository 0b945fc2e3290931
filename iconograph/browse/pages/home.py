"""The first page: the periodic table of p and q, and everything that stands beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.periodic import Cell, Gap, Line, Table
from codegen.site.addresses import HOME
from codegen.site.pages import Badge, Brief, Page
from iconograph.browse.world import World, badge
from iconograph.grid import MARKS
from iconograph.page import SECTIONS

SHOWN = 4
"""Entries of a cell that stand open; one more is worth no fold."""


@dataclass(frozen=True)
class Square:
    """A cell: its kind as `catalog.periodic.Cell` has it, and what stands in it."""

    kind: str
    first: tuple[Brief, ...] = ()
    more: tuple[Brief, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reason: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the table: a learned kernel, with a cell for every supervisory one."""

    line: Line
    squares: tuple[Square, ...]


@dataclass(frozen=True)
class Section:
    """Entries of one relation, by year."""

    relation: str
    says: str
    entries: tuple[Brief, ...]


def pages(world: World) -> Iterable[Page]:
    """The first page."""
    columns = world.table.supervisory
    notes = reasons(world.table)
    rows = tuple(
        Row(r, tuple(square(world, world.table.cells[c.key, r.key], notes) for c in columns))
        for r in world.table.learned
    )
    content = {
        "columns": columns, "rows": rows, "notes": notes, "counts": counts(world),
        "fields": sorted(Counter(m.field for m in world.methods.values()).items()),
        "sections": sections(world), "signs": signs(world), "places": places(world),
    }  # fmt: skip
    about = "The periodic table of representation-learning losses: supervisory p, learned q."
    yield Page(HOME, "home.html.jinja", "Periodic table", content, about, "Table", 0, "t")


def reasons(table: Table) -> dict[str, str]:
    """A letter for every reason why a pair is not defined."""
    found: dict[str, str] = {}
    for r in table.learned:
        for c in table.supervisory:
            cell = table.cells[c.key, r.key]
            if cell.kind == "undefined" and cell.reason not in found:
                found[cell.reason] = chr(ord("a") + len(found))
    return found


def square(world: World, cell: Cell, notes: dict[str, str]) -> Square:
    """What a cell shows."""
    found = tuple(world.briefs[m] for m in cell.methods)
    shown = len(found) if len(found) <= SHOWN + 1 else SHOWN
    return Square(
        cell.kind, found[:shown], found[shown:], cell.gaps, cell.reason, notes.get(cell.reason, "")
    )


KINDS = ("proved", "refuted", "unknown", "wrong")


def counts(world: World) -> dict[str, int]:
    """How many entries are proved, refuted as claimed, and something else."""
    kinds = Counter(b.badge.kind for b in world.briefs.values())
    kinds["proved"] += kinds["vacuous"]
    return {"all": len(world.briefs), **{k: kinds[k] for k in KINDS}}


def places(world: World) -> dict[str, int]:
    """How many transcribed formulas have a place in a paper, and of how many it was checked."""
    given = [m.source for m in world.methods.values() if m.published_text and m.source.where]
    return {"all": len(given), "checked": sum(x.verified for x in given)}


def sections(world: World) -> tuple[Section, ...]:
    """The whole catalog by what each entry claims."""
    found = []
    for relation, says in SECTIONS.items():
        here = [m for m in world.methods.values() if m.claim.relation == relation]
        if here:
            here.sort(key=lambda m: (m.year, m.name.casefold(), m.id))
            found.append(Section(relation, says, tuple(world.briefs[m.id] for m in here)))
    return tuple(found)


SIGNS = {
    "✓": "proved: the published loss is this pair", "=": "a new loss, defined by its pair",
    "↔": "proved for KL(q || p)", "÷": "proved for another divergence",
    "∪": "proved with neighbours merged", "~": "proved in a limit", "≤": "proved as a bound",
    "✗": "refuted by a witness: it is not this pair",
}  # fmt: skip
"""What the signs mean, for the legend."""


def signs(world: World) -> tuple[Badge, ...]:
    """The verdicts that occur, each once, for the legend."""
    found = {}
    for known in world.entries.values():
        shown = badge(known)
        key = (shown.kind, shown.sign)
        if key not in found:
            words = SIGNS.get(shown.sign) or dict(MARKS.values()).get(shown.sign, shown.short)
            found[key] = Badge(shown.kind, shown.sign, words)
    place = {sign: n for n, sign in enumerate(SIGNS)}
    return tuple(sorted(found.values(), key=lambda b: (place.get(b.sign, len(place)), b.kind)))
