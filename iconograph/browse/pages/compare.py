"""Any two entries side by side: a page with the graph, and a file of rows and code for each entry.

There are too many pairs for a page each. The page names the pairs of which something is claimed;
its script loads the files of the two that are chosen, which are classic scripts since a page that
is opened from disk can read nothing else, and sets them beside each other.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.graph import COMPUTED, KINDS, Edge, denied
from catalog.likeness import likeness
from codegen.site.addresses import COMPARE
from codegen.site.pages import Brief, File, Page
from codegen.site.render import bare
from iconograph.browse.sides import Forms, Row, rows
from iconograph.browse.world import World
from iconograph.compare import COSTS, LONGEST, OTHER, SHARED

TARGET = "numpy"
"""The program that is compared: the shortest, which says what is computed and no more."""

WORTH = 8
"""Letters that a line has at least which is written once for all programs that have it."""

IMPLIED = SHARED  # what the script makes itself
"""The edges that follow from the numbers of p, q and setting; the script makes them itself."""


@dataclass(frozen=True)
class Joined:
    """Two entries of which something is claimed."""

    left: Brief
    right: Brief
    said: str
    status: str


def pages(world: World) -> Iterable[Page | File]:
    """The page and its files, where there are two entries to be compared."""
    paired = [m for m in world.methods.values() if m.icon.blocks]
    if len(paired) < 2:
        return
    forms = Forms()
    sides = {m.id: tuple(rows(m, forms)) for m in paired}
    known = {m.id for m in paired}
    codes = {
        name: undocumented(world.entries[name].programs.get(TARGET, "")).split("\n")
        for name in sides
    }
    shared = {text: n for n, text in enumerate(repeated(codes.values()))}
    joined = [e for e in world.graph.edges if e.kind not in COMPUTED]
    content = {
        "entries": tuple(sorted((world.briefs[m.id] for m in paired), key=named)),
        "joined": tuple(
            Joined(world.briefs[e.source], world.briefs[e.target], e.sentence, e.status)
            for e in joined if {e.source, e.target} <= known
        ),
        "graph": json.dumps(
            {**graph(world, forms), "lines": [*shared]}, ensure_ascii=False, separators=(",", ":")
        ),
    }  # fmt: skip
    about = "Two losses side by side: what differs, what is proved between them, and their code."
    yield Page(COMPARE, "compare.html.jinja", "Compare two", content, about, "Compare", 10, "c",
               ("compare.js",))  # fmt: skip
    for name, found in sides.items():
        code = [shared.get(line, line) for line in codes[name]]
        yield File(f"compare/{name}.js", script(name, found, code))


def repeated(codes: Iterable[list[str]]) -> list[str]:
    """The lines that several programs have, which are written once, on the page."""
    counts = Counter(line for code in codes for line in set(code))
    return sorted(line for line, n in counts.items() if n > 2 and len(line) >= WORTH)


def named(brief: Brief) -> tuple[str, str]:
    """The order of entries."""
    return brief.name.casefold(), brief.id


def script(name: str, side: tuple[Row, ...], code: list[str | int]) -> bytes:
    """The file of an entry: one call with its rows and the lines of its program.

    A line that several programs have is its number in the list of the page.
    """
    data = {"rows": list(map(short, side)), "code": code}
    text = json.dumps([name, data], ensure_ascii=False, separators=(",", ":"))
    return f"iconograph.side.apply(null,{text});\n".encode()


def short(row: Row) -> list[str | int]:
    """A row without what is empty at its end; its label is the end of its key."""
    found: list[str | int] = [row.key, row.text, row.form, bare(row.math)]
    while not found[-1]:
        found.pop()
    return found


def undocumented(program: str) -> str:
    """A program without its docstrings, which say once more what the rows say, and its hash."""
    program = re.sub(r"^CERTIFICATE = .*\n\n?", "", program, flags=re.M)
    lines, gone = program.split("\n"), set[int]()
    tree = ast.parse(program)
    for node in ast.walk(tree):
        body = node.body if isinstance(node, ast.Module | ast.FunctionDef) else []
        first = body[0] if len(body) > 1 else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            gone.update(range(first.lineno - 1, first.end_lineno or 0))
    kept = "\n".join(line for k, line in enumerate(lines) if k not in gone)
    return kept.lstrip("\n")


def graph(world: World, forms: Forms) -> dict[str, object]:
    """What the script finds a path with: the entries, and the edges that it cannot make itself."""
    entries: dict[str, list[object]] = {}
    for m in world.methods.values():
        like = likeness(m)
        numbers = [like and forms.number(x) for x in (like.p, like.q, like.setting)] if like else []
        if like and denied(m):
            numbers[2] = -1 - len(entries)  # like no other's: its loss is not that of its pair
        b = world.briefs[m.id]
        entries[m.id] = [b.name, b.year, b.badge.kind, b.badge.sign, b.badge.words, *numbers]
    return {
        "entries": entries,
        "edges": [edge(e) for e in world.graph.edges if e.kind not in IMPLIED],
        "words": {kind: KINDS[kind].words for kind in IMPLIED},
        "costs": COSTS, "other": OTHER, "longest": LONGEST,
        "shared": SHARED,
    }  # fmt: skip


def edge(e: Edge) -> list[str]:
    """An edge as the script reads it."""
    return [e.source, e.target, e.kind, e.name, e.status, e.sentence]
