"""`iconograph new`: start a method file of one's own."""

from __future__ import annotations

import re
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated

import typer


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower case, digits and hyphens.")],
) -> None:
    """Start a method file of your own.

    Writes NAME.toml, a commented file that verifies as it stands; change it from there.
    """
    from catalog.errors import InputError
    from iconograph.files import write

    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise InputError(
            f"{name!r} cannot be the id of a method",
            hint="use lower case, digits and hyphens, such as my-loss",
        )
    path = Path(f"{name}.toml")
    if path.exists():
        raise InputError(f"{path} exists; choose another name or remove it first")
    text = resources("iconograph").joinpath("template.toml").read_text(encoding="utf-8")
    write(path, text.replace("MY-LOSS", name))
    print(f"{path} written; now: iconograph verify {path}")
