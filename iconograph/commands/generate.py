"""`iconograph generate`: write a program that computes a loss."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


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
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that iconograph did not write.")
    ] = False,
) -> None:
    """Write a program that computes a loss.

    It needs the target's library and nothing of iconograph.
    """
    from iconograph import api
    from iconograph.display import GENERATED
    from iconograph.files import write

    code = api.generate(method, target=target, judge=judge)
    if out is None:
        sys.stdout.write(code)
    else:
        write(out, code, over=GENERATED, force=force)
        print(f"{out} written: {code.brief}")
