"""`iconograph cite`: the BibTeX entry of the paper a method comes from."""

from __future__ import annotations

from typing import Annotated

import typer


def cite(
    methods: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids or aliases.")],
) -> None:
    """Print BibTeX, each entry once."""
    from catalog.registry import bibliography
    from iconograph.find import resolve

    keys = dict.fromkeys(resolve(name).cite for name in methods)
    print("\n\n".join(bibliography(key).strip() for key in keys))
