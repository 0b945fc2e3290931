"""The directive `command-help`: what `iconograph COMMAND --help` prints, as it prints it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

WIDTH = 88


def help_of(command: str) -> str:
    """The help of a command, or of the whole command line for "".

    Raises:
        ValueError: there is no such command.
    """
    from typer.testing import CliRunner

    from iconograph.cli import app

    words = [*command.split(), "--help"]
    done = CliRunner().invoke(app, words, terminal_width=WIDTH, prog_name="iconograph")
    if done.exit_code != 0:
        raise ValueError(f"iconograph {' '.join(words)}: {done.output}")
    return done.stdout.rstrip()


class CommandHelp(SphinxDirective):
    """`{command-help} verify`, or no argument for the list of commands."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """A literal block."""
        text = help_of(self.arguments[0] if self.arguments else "")
        block = nodes.literal_block(text, text, language="text")
        self.set_source_info(block)
        return [block]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
