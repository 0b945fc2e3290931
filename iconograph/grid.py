"""The periodic table on a terminal: pages of columns, each no wider than the terminal.

Columns are the supervisory p, rows the learned q.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.periodic import Cell, Line, Table

if TYPE_CHECKING:
    from rich.table import Table as Grid

MARKS: Mapping[str, tuple[str, str]] = {
    "does-not-reduce": ("✗", "its file says that the loss is not this pair, nor any other"),
    "false-as-stated": ("✗", "its file says that the loss is not this pair, nor any other"),
    "limit": ("~", "equal in a limit"),
    "expansion": ("~", "equal in a limit"),
    "bound": ("≤", "a bound"),
    "reverse": ("↔", "the divergence of p from q, the other way round"),
    "generalised": ("÷", "another divergence"),
    "coarse": ("∪", "with neighbours merged"),
    "definition": ("=", "a loss defined by its pair"),
}  # fmt: skip
PLUGIN = ("+", "from a plug-in")
STYLES = {"known": "", "gap": "yellow", "undefined": "dim", "blank": "dim"}
BLANK = "·"
GLUE = "\u00a0"  # a blank that no line is broken at
HEAD, NARROWEST, WIDEST = 14, 5, 18


@dataclass(frozen=True)
class About:
    """What a cell shows of a method besides its id: the relation it claims, and its plug-in."""

    relation: str
    origin: str = ""


def pages(table: Table, about: Mapping[str, About], width: int) -> Iterator[Grid]:
    """The table in pages of at most `width` letters (but one column at least)."""
    notes = footnotes(table)
    page: list[Line] = []
    for column in table.supervisory:
        if page and page_width(table, about, [*page, column]) > width:
            yield one_page(table, about, page, notes)
            page = []
        page.append(column)
    yield one_page(table, about, page, notes)


def page_width(table: Table, about: Mapping[str, About], columns: list[Line]) -> int:
    """How wide a page of these columns is: three letters stand between two columns."""
    return HEAD + 2 + sum(3 + column_width(table, about, c) for c in columns)


def column_width(table: Table, about: Mapping[str, About], column: Line) -> int:
    """The width of a column: that of its longest word, within bounds."""
    words = [column.title]
    for row in table.learned:
        found = table.cells[column.key, row.key]
        words += [marked(m, about) for m in found.methods] + [f"[{g.name}]" for g in found.gaps]
    return min(max(NARROWEST, *map(len, words)), WIDEST)


def one_page(
    table: Table, about: Mapping[str, About], columns: list[Line], notes: Mapping[str, str]
) -> Grid:
    """A page with these columns."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.MINIMAL, pad_edge=False)
    grid.add_column("q \\ p", width=HEAD, no_wrap=True, style="bold")
    for c in columns:
        grid.add_column(c.title, width=column_width(table, about, c), no_wrap=True)
    rows = [[table.cells[c.key, r.key] for c in columns] for r in table.learned]
    texts = [[cell_text(x, about, notes) for x in cells] for cells in rows]
    tall = [any("\n" in text for text in line) for line in texts]
    for k, r in enumerate(table.learned):
        cells = (Text(t, STYLES[x.kind]) for t, x in zip(texts[k], rows[k], strict=True))
        # a line apart where entries of several lines could run into each other
        grid.add_row(r.title, *cells, end_section=any(tall[k : k + 2]))
    return grid


def cell_text(found: Cell, about: Mapping[str, About], notes: Mapping[str, str]) -> str:
    """What stands in a cell, an entry on each line."""
    entries = [marked(m, about) for m in found.methods] + [f"[{g.name}]" for g in found.gaps]
    if found.kind == "undefined":
        return f"— {notes[found.reason]}"
    return "\n".join(line for entry in entries for line in folded(entry)) or BLANK


def marked(name: str, about: Mapping[str, About]) -> str:
    """An id with the marks of its relation and of a plug-in."""
    mark = MARKS.get(about[name].relation, ("", ""))[0]
    plugin = PLUGIN[0] if about[name].origin else ""
    return " ".join(filter(None, [name, mark + plugin]))


def folded(entry: str) -> list[str]:
    """An entry broken at blanks and hyphens where it is longer than a column; a mark stays put."""
    name, blank, mark = entry.rpartition(" ")
    if blank and not mark[0].isalnum() and "[" not in entry:
        entry = f"{name}{GLUE}{mark}"
    lines = textwrap.wrap(entry, WIDEST, subsequent_indent="  ", break_on_hyphens=True)
    return [line.replace(GLUE, " ") for line in lines]


def footnotes(table: Table) -> dict[str, str]:
    """A letter for every reason why a cell is not defined."""
    found: dict[str, str] = {}
    for r in table.learned:
        for c in table.supervisory:
            cell = table.cells[c.key, r.key]
            if cell.kind == "undefined" and cell.reason not in found:
                found[cell.reason] = "abcdefghijklmnopqrstuvwxyz"[len(found)]
    return found


def legend(table: Table, about: Mapping[str, About]) -> Iterator[tuple[str, str]]:
    """What the marks, letters and brackets mean, as far as they are used."""
    yield BLANK, "no method known"
    used = {about[m].relation for c in table.cells.values() for m in c.methods}
    yield from dict.fromkeys(found for r, found in MARKS.items() if r in used)
    if any(a.origin for a in about.values()):
        yield PLUGIN
    for reason, letter in footnotes(table).items():
        yield f"— {letter}", reason
    gaps = {g.id: g for cell in table.cells.values() for g in cell.gaps}
    for gap in gaps.values():
        yield f"[{gap.name}]", gap.note


def counted(table: Table) -> str:
    """How many methods, cells and gaps there are, in a sentence."""
    cells = [c for c in table.cells.values() if c.kind == "known"]
    methods = sum(len(c.methods) for c in cells)
    gaps = sum(len(c.gaps) for c in table.cells.values())
    apart = f"; {len(table.apart)} theorems and errata stand apart" if table.apart else ""
    named = "1 named gap" if gaps == 1 else f"{gaps} named gaps"
    return f"{methods} methods in {len(cells)} cells, {named}{apart}."
