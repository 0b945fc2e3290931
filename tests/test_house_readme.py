"""The sessions that README.md shows happen as shown."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """Every command of the console blocks in `text`, with the output shown (may be empty)."""
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command.partition("  #")[0].strip(), output.strip()


def run(command: str, folder: Path) -> str:
    """What `command` prints in `folder`; it succeeds or says that a claim failed."""
    words = shlex.split(command)
    if words[0] == "iconograph":
        words = [sys.executable, "-m", "iconograph", *words[1:]]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    # a command that takes a while says how far it is
    said = re.sub(r"^iconograph: \w+: \d+ of \d+ done\n", "", done.stderr, flags=re.M)
    assert done.returncode in (0, 1) and not said, done.stderr
    return done.stdout


def same(shown: str, got: str) -> bool:
    return doctest.OutputChecker().check_output(shown + "\n", got, LOOSE)


def test_the_sessions_happen_as_shown(tmp_path: Path) -> None:
    commands = list(sessions(README))
    assert len(commands) >= 8
    for command, shown in commands:
        if command == "iconograph table":
            command += " --no-judge"  # the whole catalog is judged in a test of its own
        got = run(command, tmp_path)
        assert got or command.startswith("sed")
        assert not shown or same(shown, got), f"$ {command}\n{got}"


def test_a_session_that_differs_is_noticed() -> None:
    ((command, shown), *_) = sessions(
        "```console\n$ iconograph x  # why\nlevel  general-N\n...\n```"
    )
    assert command == "iconograph x"
    assert same(shown, "level general-N\nmore\n")
    assert not same(shown, "level finite\nmore\n")


def test_the_python_example_runs(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run("iconograph generate supcon --no-judge -o supcon.py", tmp_path)
    (example,) = [b for b in re.findall(r"```python\n(.*?)```", README, re.S) if "supcon" in b
                  and "import torch" in b]  # fmt: skip
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
