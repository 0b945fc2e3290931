"""`iconograph generate`: write a program that computes a loss."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from iconograph.console import complain


def generate(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Id, alias or method file.")],
    target: Annotated[str, typer.Option("--target", "-t", help="torch or numpy.")] = "torch",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; stdout without it.", readable=False),
    ] = None,
    judge: Annotated[
        bool, typer.Option("--judge/--no-judge", help="Verify the claim, and say so in the code.")
    ] = True,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Write it though the claim does not hold.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that iconograph did not write.")
    ] = False,
) -> None:
    """Write a program that computes a loss.

    It needs the target's library and nothing of iconograph. The claim is verified first, each time,
    which takes about half a second; --no-judge leaves that out. Where it is refuted (exit status 1)
    or undecided (3) nothing is written, unless --unverified is given.
    """
    from iconograph import api
    from iconograph.display import GENERATED
    from iconograph.files import write

    try:
        code = api.generate(method, target=target, judge=judge, unverified=unverified)
    except api.NotAsClaimed as error:
        complain(str(error))
        raise typer.Exit(error.status) from None
    if out is None:
        sys.stdout.write(code)
    else:
        write(out, code, over=GENERATED, force=force)
        print(f"{out} written: {code.brief}")
