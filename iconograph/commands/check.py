"""`iconograph check`: replay certificates. No search, no catalog: the file says it all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from iconograph.commands.verify import cores
from iconograph.console import Exit, complain, progress, show, show_json
from iconograph.workers import each

ALONE = 8  # certificates that one process replays sooner than others have started


def check(
    certificates: Annotated[
        list[Path],
        typer.Argument(
            metavar="CERTIFICATE.json...",
            help="What verify --certificates wrote.",
            readable=False,  # not asked by typer: the reader says it in its own words
        ),
    ],
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay proof certificates.

    Nothing is searched: every step is checked by the trusted rules, and the theorem is printed.
    """
    entries = []
    failed = False
    for text, entry in replayed(certificates, jobs or cores()):
        if entry is None:
            failed = True
            complain(text)
            continue
        entries.append(entry)
        if not as_json:
            show(text)
    if as_json:
        show_json("check", {"results": entries})
    raise typer.Exit(Exit.BAD_INPUT if failed else Exit.AS_CLAIMED)


def replayed(paths: list[Path], jobs: int) -> list[tuple[str, dict[str, Any] | None]]:
    """What each certificate says, as text and as data; no data where it does not hold."""
    if jobs < 2 or len(paths) <= ALONE:
        return [one(path) for path in paths]
    # the longest first, so that no process is left with them at the end
    order = sorted(range(len(paths)), key=lambda k: -size(paths[k]))
    with progress(len(paths), "check") as step:
        said = dict(zip(order, each(one, [paths[k] for k in order], jobs, step), strict=True))
    return [said[k] for k in range(len(paths))]


def size(path: Path) -> int:
    """The bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def one(path: Path) -> tuple[str, dict[str, Any] | None]:
    """What one certificate says, or what is wrong with it."""
    from catalog.errors import InputError
    from iconograph import api

    try:
        checked = api.check(path)
    except InputError as error:
        return str(error), None
    return str(checked), checked.to_json()
