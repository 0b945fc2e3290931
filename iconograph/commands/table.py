"""`iconograph table`: the periodic table of methods, or all of them in a list."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iconograph.console import show, show_facts, show_json

if TYPE_CHECKING:
    from catalog.periodic import Table
    from catalog.spec import Method
    from iconograph.report import Row


def table(
    as_list: Annotated[
        bool, typer.Option("--list", help="A line per method, with verdicts, instead.")
    ] = False,
    judge: Annotated[
        bool | None,
        typer.Option("--judge/--no-judge", help="Verify every claim or not; either is a list."),
    ] = None,
    real: Annotated[
        bool, typer.Option("--implementations", help="Functions of libraries, compared, instead.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: table and list.")] = False,
) -> None:
    """Show the periodic table: supervisory p across, learned q down.

    In a cell stand the methods of that p and q, or the named gap, or why there can be none.
    """
    from iconograph.commands.verify import run
    from iconograph.find import catalog_methods

    if real:
        if as_list or judge is not None:
            raise typer.BadParameter("--implementations goes with --json only")
        _implementations(as_json)
        return
    methods = catalog_methods()
    if not (as_json or as_list or judge is not None):
        _grid(methods)
        return
    rows = {r.id: r for r in run([], jobs)} if judge is not False else {}
    if as_json:
        show_json("table", {**_cells(methods), "methods": [_record(m, rows) for m in methods]})
    else:
        _list(methods, rows)


def _list(methods: tuple[Method, ...], rows: dict[str, Row]) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    from iconograph.report import mark

    heads = ("id", "name", "field", "p", "q", "relation", *(("verdict",) if rows else ()))
    grid = Grid(*heads, box=None, pad_edge=False)
    for m in methods:
        last = [Text(*mark(rows[m.id]))] if rows else []
        grid.add_row(m.id, m.name, m.field, m.icon.p.name, m.icon.q.name, m.claim.relation, *last)
    show(grid, f"{len(methods)} methods.")


def _implementations(as_json: bool) -> None:
    from rich.table import Table as Grid

    from catalog.implementations import implementations
    from iconograph.implementations import differs_text, record, relation_text

    found = sorted(implementations(), key=lambda i: (i.library.casefold(), i.id))
    if as_json:
        show_json("implementations", {"implementations": [record(i) for i in found]})
        return
    grid = Grid("id", "library", "against", "relation", "what differs", box=None, pad_edge=False)
    for i in found:
        grid.add_row(
            i.id, f"{i.library} {i.version}", i.against, relation_text(i), differs_text(i)
        )
    show(grid, f"{len(found)} comparisons; docs/implementations.md has a program for each.")


def _grid(methods: tuple[Method, ...]) -> None:
    from catalog import registry
    from catalog.periodic import periodic_table
    from iconograph.grid import About, counted, legend, pages

    found = periodic_table(methods)
    about = {m.id: About(m.claim.relation, registry.origin(m)) for m in methods}
    # a pipe has no width, and a table of long lines is read by nobody
    width = shutil.get_terminal_size((80, 24)).columns if _wide() else 80
    show(*pages(found, about, width))
    show_facts(legend(found, about))
    show(textwrap.fill(counted(found), width))


def _wide() -> bool:
    import os

    return sys.stdout.isatty() or "COLUMNS" in os.environ


def _record(m: Method, rows: dict[str, Row]) -> dict[str, Any]:
    from catalog import registry

    return {
        "id": m.id, "name": m.name, "field": m.field, "year": m.year,
        "p": m.icon.p.name, "q": m.icon.q.name, "normalise": m.icon.normalise,
        "relation": m.claim.relation, "origin": registry.origin(m),
        "outcome": rows[m.id].outcome if rows else None,
        "as_claimed": rows[m.id].ok if rows else None,
    }  # fmt: skip


def _cells(methods: tuple[Method, ...]) -> dict[str, Any]:
    from dataclasses import asdict

    from catalog.periodic import periodic_table

    found: Table = periodic_table(methods)
    return {
        "rows": [asdict(line) for line in found.supervisory],
        "columns": [asdict(line) for line in found.learned],
        "cells": [
            {"p": p, "q": q, "kind": c.kind, "methods": list(c.methods),
             "gaps": [asdict(g) for g in c.gaps], "reason": c.reason}
            for (p, q), c in found.cells.items()
        ],
    }  # fmt: skip
