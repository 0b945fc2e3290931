"""Docstrings of this project as reStructuredText: a bar is a bar and no substitution."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def escape_bars(app: object, what: str, name: str, obj: object, options: object, lines: list[str]):
    """Put a backslash before every bar, except in examples (`>>>`) and what they print."""
    example = False
    for k, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            lines[k] = line.replace("|", r"\|")


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook it into autodoc."""
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True}
