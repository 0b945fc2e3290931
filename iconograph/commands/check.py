"""`iconograph check`: replay certificates. No search, no catalog: the file says it all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iconograph.console import Exit, complain, show, show_json


def check(
    certificates: Annotated[
        list[Path],
        typer.Argument(
            metavar="CERTIFICATE.json...",
            help="What verify --certificates wrote.",
            readable=False,  # not asked by typer: the reader says it in its own words
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay proof certificates.

    Nothing is searched: every step is checked by the trusted rules, and the theorem is printed.
    """
    from catalog.errors import InputError
    from iconograph import api

    entries = []
    failed = False
    for path in certificates:
        try:
            checked = api.check(path)
        except InputError as error:
            failed = True
            complain(str(error))
            continue
        entries.append(checked.to_json())
        if not as_json:
            show(str(checked))
    if as_json:
        show_json("check", {"results": entries})
    raise typer.Exit(Exit.BAD_INPUT if failed else Exit.AS_CLAIMED)
