"""What the terminal gets: results on stdout, complaints on stderr, and never a traceback."""

from __future__ import annotations

import io
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


INTERVAL = 10.0  # seconds between lines of progress where there is no bar


class Exit(IntEnum):
    """The exit status of every command."""

    AS_CLAIMED = 0
    DIFFERS = 1
    BAD_INPUT = 2
    UNDECIDED = 3
    BUG = 70  # EX_SOFTWARE of sysexits.h: an error of this project, not of its input
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
    CLOSED = 141  # 128 + SIGPIPE: the reader went away before the end


def console(stream: TextIO) -> Console:
    """A rich console on `stream`: NO_COLOR and COLUMNS are honoured, a pipe gets unbroken lines.

    Markup is off because formulas are full of square brackets: `s[i]` would turn italic.
    """
    from rich.console import Console

    width = None if stream.isatty() or "COLUMNS" in os.environ else 10_000
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def show(*things: RenderableType) -> None:
    """Print to stdout, with colour in a terminal and without the blanks that fill up a table."""
    out = console(sys.stdout)
    with out.capture() as text:
        for thing in things:
            out.print(thing, soft_wrap=isinstance(thing, str))
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in text.get().splitlines()))


def show_facts(facts: Iterable[tuple[str, str]], colour: str = "") -> None:
    """Print keys and values in two columns; `colour` is that of the first key."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for number, (key, value) in enumerate(facts):
        grid.add_row(Text(key, "dim" if number else colour), value)
    show(grid)


def show_json(kind: str, content: Mapping[str, Any]) -> None:
    """Print one JSON object that opens with its schema, `iconograph/<kind>/1`."""
    document = {"schema": f"iconograph/{kind}/1", **content}
    print(json.dumps(document, indent=2, ensure_ascii=False))


def complain(text: str) -> None:
    """Say on stderr, in one paragraph, what is wrong."""
    print(f"iconograph: {text}", file=sys.stderr)


@contextmanager
def guard() -> Iterator[None]:
    """Turn whatever goes wrong into a sentence on stderr and an exit status.

    A bug of this project is no user's fault, but its traceback is no answer either: it is shown
    when ICONOGRAPH_DEBUG is set.
    """
    import typer

    for stream in (sys.stdout, sys.stderr):  # a terminal of few letters gets \\u2713, not an error
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()  # here, so that a closed pipe is noticed while it can be handled
    except BrokenPipeError:
        # the interpreter flushes stdout once more when it ends; let that go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.CLOSED) from None
    except OSError as error:
        complain(f"the output could not be written: {error.strerror or error}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.BAD_INPUT) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except Exception as error:
        if _is_typers(error):
            raise
        if _is_bad_input(error):
            complain(str(error))
            raise typer.Exit(Exit.BAD_INPUT) from None
        if os.environ.get("ICONOGRAPH_DEBUG"):
            traceback.print_exc()
        complain(
            f"a bug of iconograph, not of your input: {type(error).__name__}: {error} "
            f"(ICONOGRAPH_DEBUG=1 shows where)"
        )
        raise typer.Exit(Exit.BUG) from None


def _is_typers(error: Exception) -> bool:
    """Whether typer raised it to end the program or to explain the usage."""
    return hasattr(error, "exit_code")


def _is_bad_input(error: Exception) -> bool:
    # looked up rather than imported: `--help` should not load a room, and no room, no InputError
    errors = sys.modules.get("catalog.errors")
    return errors is not None and isinstance(error, errors.InputError)


def _lines(total: int, what: str) -> Callable[..., None]:
    """A function that counts its calls and says now and then, on stderr, how many there were."""
    done, last = 0, time.monotonic()

    def step(*_: object) -> None:
        nonlocal done, last
        done += 1
        if time.monotonic() - last >= INTERVAL and done < total:
            last = time.monotonic()
            complain(f"{what}: {done} of {total} done")

    return step


@contextmanager
def progress(total: int, what: str) -> Iterator[Any]:
    """A progress bar on stderr when that is a terminal; call what it yields once per step.

    Elsewhere, as in a log, a line now and then: nothing for what takes seconds.
    """
    if total < 2:
        yield lambda *_: None
        return
    if not sys.stderr.isatty():
        yield _lines(total, what)
        return
    from rich.progress import Progress

    # without auto_refresh there is no thread, so work that forks processes copies no held lock
    with Progress(console=console(sys.stderr), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=total)

        def step(*_: object) -> None:
            bar.advance(task)
            bar.refresh()

        yield step
