"""`iconograph compare`: two methods side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from iconograph.console import show, show_facts, show_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iconograph.compare import Comparison

HELP = "Id, alias or method file."


def compare(
    left: Annotated[str, typer.Argument(metavar="A", help=HELP)],
    right: Annotated[str, typer.Argument(metavar="B", help=HELP)],
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="Prove the claimed edges on the path.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two methods.

    Their conventions, p and q side by side (≠ where they differ, ≈ in names only), how they are
    related, and both losses on one toy batch where their symbols can be aligned.
    """
    from iconograph.compare import compare as compare_methods
    from iconograph.find import resolve

    found = compare_methods(resolve(left), resolve(right), prove=prove)
    if as_json:
        show_json("compare", found.to_json())
    else:
        _print(found)


def _print(found: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table("", "", found.left.id, found.right.id, box=None, pad_edge=False)
    for column in grid.columns[2:]:
        column.overflow, column.ratio = "fold", 1
    for aspect in found.aspects:
        mark = Text(aspect.mark, "yellow" if aspect.mark == "≠" else "dim")
        grid.add_row(mark, Text(aspect.key, "dim"), aspect.left, aspect.right)
    show(grid, "")
    show_facts([*_path(found), *_numbers(found)])


def _path(found: Comparison) -> Iterator[tuple[str, str]]:
    if found.left.id == found.right.id:
        yield "path", "this is one method"
        return
    if not found.path:
        yield "path", "the graph has none of four steps or fewer"
        return
    words = {"computed": "follows from formulas and pairs", "claimed": "nobody proved it"}
    for word, edges in (("path", found.path), ("also", found.also)):
        for step, edge in enumerate(edges):
            how = words.get(edge.status, edge.status)
            yield ("" if step else word), f"{edge.sentence} ({how})"


def _numbers(found: Comparison) -> Iterator[tuple[str, str]]:
    numbers = found.numbers
    if numbers.why:
        yield "numbers", f"none: {numbers.why}"
        return
    sizes = ", ".join(f"{name} = {size}" for name, size in numbers.sizes.items())
    yield "numbers", f"on one random batch, {sizes}"
    yield "", f"{numbers.values[0]:.10g}  {numbers.left}"
    yield "", f"{numbers.values[1]:.10g}  {numbers.right}"
    if numbers.shared:
        pairs = ", ".join(a if a == b else f"{a} is {b}" for a, b in numbers.shared)
        yield "", f"shared: {pairs}"
    if numbers.apart:
        yield "", f"drawn for one only: {', '.join(numbers.apart)}"
