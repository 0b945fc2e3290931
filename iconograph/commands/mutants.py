"""`iconograph verify --mutants`: planted errors, and whether any of them is accepted."""

from __future__ import annotations

import typer

from iconograph.console import Exit, progress, show, show_json


def show_mutants(n: int, seed: int, jobs: int, as_json: bool) -> None:
    """Judge `n` planted errors and print how many of each kind were found.

    Raises:
        typer.Exit: always, with the status.
    """
    from rich.table import Table

    from derive.mutate import run as mutate

    with progress(n, "mutants") as step:
        report = mutate(n, seed, progress=step, jobs=jobs)
    if as_json:
        show_json("mutants", report.to_json())
    else:
        heads = ("kind", "made", "refuted", "true variants", "wrongly accepted", "undecided")
        table = Table(*heads, box=None, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for line in report.table:
            table.add_row(*map(str, line))
        show(table)
        for verdict in ("wrongly accepted", "undecided"):
            for o in report.survivors(verdict):
                show(f"{verdict}: {o.method_id}, {o.kind} in {o.where}: {o.change}; {o.how}")
    wrong = sum(r.wrongly_accepted for r in report.rows)
    open_ = sum(r.undecided for r in report.rows)
    raise typer.Exit(Exit.DIFFERS if wrong else Exit.UNDECIDED if open_ else Exit.AS_CLAIMED)
