"""The command line: one file per command in `iconograph/commands`, listed here.

Nothing heavy is imported when this module is: a command imports what it needs when it runs, so that
`iconograph --help` answers at once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from iconograph import __version__
from iconograph.commands import (
    browse,
    check,
    cite,
    compare,
    generate,
    graph,
    new,
    show,
    table,
    verify,
)  # fmt: skip
from iconograph.console import complain, guard


class Door(TyperGroup):
    """Runs every command under `guard`, so that none can end in a traceback."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options that stand before a command."""
        with _own_words():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the user named, then say what is wrong with plug-ins it read."""
        try:
            with _own_words(), guard():
                return super().invoke(ctx)
        finally:
            _report_plugins()


@contextmanager
def _own_words() -> Iterator[None]:
    """Let wrong usage be said in one paragraph, as everything else that is wrong."""
    try:
        yield
    except Exception as error:
        said = getattr(error, "format_message", None)
        if said is not None and type(error).__name__ != "NoArgsIsHelpError":  # that shows the help
            text = re.sub(r"^Invalid value(?: for ([^:]*))?: ", _named, said())
            ctx = getattr(error, "ctx", None)
            path = ctx.command_path if ctx is not None else "iconograph"
            words = f"{text.rstrip('.')}; {path} -h lists what there is"
            error.show = lambda *_, **__: complain(words)  # type: ignore[attr-defined]
        raise


def _named(found: re.Match[str]) -> str:
    """The option whose value is wrong, where it is said."""
    return f"{found[1]}: " if found[1] else ""


app = typer.Typer(
    cls=Door,
    help="A workshop for representation-learning losses on the I-Con framework.",
    epilog="Exit status: 0 all as claimed, 1 a claim failed, 2 wrong usage or bad input, "
    "3 undecided; of several, the first of 2, 1, 3, 0.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # formulas are full of brackets, which rich would read as markup
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("verify")(verify.verify)
app.command("check")(check.check)
app.command("show")(show.show)
app.command("table")(table.table)
app.command("compare")(compare.compare)
app.command("graph")(graph.graph)
app.command("browse")(browse.browse)
app.command("generate")(generate.generate)
app.command("cite")(cite.cite)
app.command("new")(new.new)


def _report_plugins() -> None:
    # looked up rather than imported: a command that read no plug-ins should not load them now
    if (plugins := sys.modules.get("catalog.plugins")) is not None:
        for problem in plugins.problems():
            complain(problem)


def _version(asked: bool) -> None:
    if asked:
        print(f"iconograph {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Hold the options that every command shares."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on `arguments` (default: those of the process); ends by SystemExit."""
    app(None if arguments is None else list(arguments), prog_name="iconograph")
