"""`iconograph verify --errata`: false statements of the literature, refuted, and what holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from iconograph.console import Exit, show, show_json
from iconograph.report import Row, mark, status

if TYPE_CHECKING:
    from rich.table import Table

    from catalog.spec import Method


def show_errata(jobs: int | None, as_json: bool) -> None:
    """Judge every entry with an [erratum], and the entries that prove what holds instead.

    Raises:
        typer.Exit: always, with the status.
        InputError: an entry names one that does not exist.
    """
    from iconograph.commands.verify import run
    from iconograph.find import catalog_methods, resolve

    methods = [m for m in catalog_methods() if m.erratum is not None]
    instead = sorted({name for m in methods for name in held(m)})
    for name in instead:
        resolve(name)
    rows = {r.id: r for r in run([m.id for m in methods] + instead, jobs)}
    refuted = [rows[m.id] for m in methods]
    proved = [rows[name] for name in instead]
    if as_json:
        entries = [entry(m, rows[m.id]) for m in methods]
        show_json("errata", {"errata": entries, "instead": [r.to_json() for r in proved]})
    else:
        show(table(methods, rows))
        for r in (*refuted, *proved):
            if not r.ok:
                show(f"{r.id}: {r.statement}")
        good = sum(r.outcome == "refuted" and r.ok for r in refuted)
        fine = sum(r.outcome == "proved" and r.ok for r in proved)
        show(
            f"{len(refuted)} statements: {good} refuted. "
            f"{len(proved)} entries say what holds: {fine} proved."
        )
    negative = [r.id for r in proved if r.outcome == "refuted"]
    raise typer.Exit(Exit.DIFFERS if negative else status([*refuted, *proved]))


def held(method: Method) -> tuple[str, ...]:
    """The entries that prove what is true instead."""
    return method.erratum.holds if method.erratum else ()


def entry(method: Method, r: Row) -> dict[str, object]:
    """One erratum as data, with its verdict and witness."""
    found = method.erratum
    assert found is not None
    return {
        **r.to_json(), "was_claimed": found.claimed, "where": found.where,
        "holds": list(found.holds), "correction": method.claim.correction,
    }  # fmt: skip


def table(methods: list[Method], rows: dict[str, Row]) -> Table:
    """Verdict, entry, what was claimed and where, and what holds."""
    from rich.table import Table
    from rich.text import Text

    out = Table("verdict", "entry", "was claimed", "proved instead", box=None, pad_edge=False)
    for m in methods:
        words, colour = mark(rows[m.id])
        found = m.erratum
        assert found is not None
        claimed = f"{found.claimed} ({found.where})"
        instead = ", ".join(found.holds) or "see show"
        out.add_row(Text(words.split(",")[0], colour), m.id, claimed, instead)
    return out
