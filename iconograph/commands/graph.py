"""`iconograph graph`: how the methods relate, and whether what is claimed of that is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iconograph.console import Exit, complain, progress, show, show_json

if TYPE_CHECKING:
    from catalog.graph import Edge, Graph

FORMATS = ("text", "json", "graphml", "dot")
MARKS = {
    "proved": ("✓ proved", "green"), "refuted": ("✗ refuted", "red"),
    "unknown": ("? unknown", "yellow"), "claimed": ("  claimed", "dim"),
}  # fmt: skip


def graph(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write there.", readable=False)
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="What to write.")
    ] = "text",
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Keep edges of this kind; repeatable.")
    ] = None,
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="Prove the claimed edges.")
    ] = True,
    relations: Annotated[
        Path | None,
        typer.Option(help="Claimed edges: a file or folder of your own.", readable=False),
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option(help="Replay what verify --certificates wrote there.", readable=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace any file.")] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Show the graph of methods.

    Edges computed from the pairs (same-p, same-q, differs-in-one-kernel), and claimed ones, each
    proved for every N. An edge that is claimed and not proved ends the command with status 1.
    """
    from catalog.graph import KINDS
    from iconograph.commands.verify import cores
    from iconograph.network import batches, claims, judge, network

    form = "json" if as_json else form
    if form not in FORMATS:
        raise typer.BadParameter(f"there is no format {form!r}; choose {', '.join(FORMATS)}")
    for name in kind or ():
        if name not in KINDS:
            raise typer.BadParameter(f"there is no kind {name!r}; choose {', '.join(KINDS)}")
    claimed = [c for c in claims(relations) if not kind or c.kind in kind]
    if certificates is not None and not certificates.is_dir():
        raise typer.BadParameter(f"there is no folder {str(certificates)!r}")
    with progress(len(batches(claimed)), "prove") as step:
        judged = judge(
            claimed, prove=prove, jobs=jobs or cores(), step=step, certificates=certificates
        )
    found = network(edge for edge, _ in judged)
    if kind:
        found = type(found)(found.nodes, tuple(e for e in found.edges if e.kind in kind))
    _write(found, form, output, force)
    failed = [(edge, v) for edge, v in judged if prove and not v.ok]
    for edge, verdict in failed:
        complain(f"the edge {edge.name!r} is {verdict.outcome}: {edge.sentence}; {verdict.why}")
    raise typer.Exit(Exit.DIFFERS if failed else Exit.AS_CLAIMED)


def _write(found: Graph, form: str, output: Path | None, force: bool) -> None:
    import json

    from catalog import export
    from iconograph.files import FORCE, write

    if form == "text":
        if output is not None:
            raise typer.BadParameter("-o goes with --format json, graphml or dot")
        _print(found)
        return
    if form == "json":
        if output is None:
            show_json("graph", export.node_link(found))
            return
        document = {"schema": "iconograph/graph/1", **export.node_link(found)}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    else:
        text = {"graphml": export.graphml, "dot": export.dot}[form](found)
    if output is None:
        print(text, end="")
    else:
        # all three name the graph, which is how a file of ours is known
        write(output, text, over="iconograph", force=force, hint=FORCE)


def _print(found: Graph) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for edge in found.edges:
        if edge.status != "computed":
            grid.add_row(Text(*MARKS[edge.status]), edge.sentence)
            for word, text in _notes(edge):
                grid.add_row(Text(f"  {word}", "dim"), Text(text, "dim"))
    show(grid)
    counts = Table("edges", "kind", "status", box=None, pad_edge=False)
    counts.columns[0].justify = "right"
    for (kind, status), count in found.counts().items():
        counts.add_row(str(count), kind, status)
    show("", counts, f"{len(found.nodes)} methods, {len(found.edges)} edges.")


def _notes(edge: Edge) -> Iterator[tuple[str, str]]:
    """What stands below an edge: why it holds, and what the proof adds."""
    yield "because", edge.why
    if edge.beyond:
        yield "beyond", f"the range that {edge.source} states: {'; '.join(edge.beyond)}"
    if edge.freed:
        yield "in value", f"the gradients differ, {edge.target} trains {', '.join(edge.freed)}"
    if edge.detail:
        yield "how", edge.detail
