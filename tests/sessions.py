"""What README.md and docs/ show of a terminal and of Python happens as shown.

A page is run from top to bottom in an empty folder. A block that begins with `# NAME.toml` (or any
file name) is written to that file; the lines `$ ...` of a console block are run by one shell, and
each prints what is shown below it, with `...` for anything; Python blocks follow at the end, all in
one process, those with `>>>` as doctests and the others as they stand.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)
NAMED = re.compile(r"# ([\w.-]+\.(?:toml|py))$", re.M)
END = "\x01"  # after the output of each command


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the output that is shown (may be empty)."""

    words: str
    shown: str


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a page: their language and what is in them."""
    for found in FENCE.finditer(text):
        yield found[1], found[2]


def commands(block: str) -> list[Command]:
    """The commands of a console block."""
    parts = re.split(r"^\$ ", block, flags=re.M)[1:]
    split = [part.partition("\n") for part in parts]
    return [Command(a.partition("  #")[0].strip(), b.strip()) for a, _, b in split]


def same(shown: str, got: str) -> bool:
    """Whether `got` is what is shown, but for blanks and for what `...` stands for."""
    return doctest.OutputChecker().check_output(shown.strip() + "\n", got.strip() + "\n", LOOSE)


def differences(page: str, folder: Path) -> list[str]:
    """Run a page in an empty folder; what differs from what it shows, a text for each."""
    wrong, python = list[str](), list[str]()
    for language, block in blocks(page):
        name = NAMED.match(block)
        if language == "console":
            asked = commands(block)
            for command, got in zip(asked, typed([c.words for c in asked], folder), strict=True):
                if not same(command.shown, got):
                    wrong.append(f"$ {command.words}\n{got}")
        elif name:
            (folder / name[1]).write_text(block)
        elif language == "python":
            python.append(block)
    return wrong + (interpreted(python, folder) if python else [])


def typed(lines: Iterable[str], folder: Path) -> list[str]:
    """What one shell prints for each of the lines, on stdout and stderr together."""
    programs = folder.parent / f"{folder.name}-bin"
    programs.mkdir(exist_ok=True)
    for name, words in (("iconograph", "-m iconograph"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (programs / name).chmod(0o755)
    # the status of a command is still there when the next one asks for it
    script = "".join(f"{line}\n_s=$?; printf '\\001'; (exit $_s)\n" for line in lines)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment() | {"PATH": f"{programs}:{os.environ['PATH']}"}, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    return done.stdout.split(END)[:-1]


def interpreted(python: list[str], folder: Path) -> list[str]:
    """What the Python blocks of a page do that they should not."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve())], cwd=folder, input=json.dumps(python),
        env=environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def environment() -> dict[str, str]:
    """That of this process, with the checkout on the path, and its terminal out of the way."""
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def run_blocks(python: Iterable[str]) -> int:
    """Run the blocks, one after the other with the same names; how many failed, said on stdout."""
    names: dict[str, object] = {"__name__": "__page__"}
    failed = 0
    runner = doctest.DocTestRunner(optionflags=LOOSE)
    for block in python:
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, "page", None, 0)
            failed += runner.run(test, clear_globs=False).failed
            names = test.globs
        else:
            try:
                exec(compile(block, "page", "exec"), names)
            except Exception:
                traceback.print_exc(file=sys.stdout)
                failed += 1
    return failed


if __name__ == "__main__":
    sys.path[0] = "."  # the folder of the page, not that of the tests
    sys.exit(min(1, run_blocks(json.load(sys.stdin))))
