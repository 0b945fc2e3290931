"""`iconograph table`: every method of the catalog in one table."""

from __future__ import annotations

from typing import Annotated

import typer

from iconograph.console import show, show_json


def table(
    judge: Annotated[
        bool, typer.Option("--judge/--no-judge", help="Verify every claim for the last column.")
    ] = True,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the methods with their verdicts."""
    from iconograph.commands.verify import run
    from iconograph.find import catalog_methods
    from iconograph.report import mark

    methods = catalog_methods()
    rows = {r.id: r for r in run([], jobs)} if judge else {}
    if as_json:
        show_json(
            "table",
            {
                "methods": [
                    {
                        "id": m.id, "name": m.name, "field": m.field, "year": m.year,
                        "p": m.icon.p.name, "q": m.icon.q.name, "normalise": m.icon.normalise,
                        "relation": m.claim.relation,
                        "outcome": rows[m.id].outcome if judge else None,
                        "as_claimed": rows[m.id].ok if judge else None,
                    }
                    for m in methods
                ]
            },
        )  # fmt: skip
        return
    from rich.table import Table
    from rich.text import Text

    heads = ("id", "name", "field", "p", "q", "relation", *(("verdict",) if judge else ()))
    grid = Table(*heads, box=None, pad_edge=False)
    for m in methods:
        last = [Text(*mark(rows[m.id]))] if judge else []
        grid.add_row(m.id, m.name, m.field, m.icon.p.name, m.icon.q.name, m.claim.relation, *last)
    show(grid, f"{len(methods)} methods.")
