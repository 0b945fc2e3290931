"""The sessions that README.md shows happen as shown."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sessions import Command, blocks, commands, same

ROOT = Path(__file__).parent.parent
# every claimed edge is proved in tests/test_graph_relations.py, in over a minute
QUICK = {"iconograph graph": "iconograph graph --no-prove"}
README = (ROOT / "README.md").read_text()


def sessions(text: str) -> list[Command]:
    """The commands of all console blocks of a page."""
    return [c for language, b in blocks(text) if language == "console" for c in commands(b)]


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


def test_the_sessions_happen_as_shown(tmp_path: Path) -> None:
    asked = sessions(README)
    assert len(asked) >= 8
    for command in asked:
        got = run(QUICK.get(command.words, command.words), tmp_path)
        assert got or command.words.startswith("sed")
        assert not command.shown or same(command.shown, got), f"$ {command.words}\n{got}"


def test_a_session_that_differs_is_noticed() -> None:
    (command,) = sessions("```console\n$ iconograph x  # why\nlevel  general-N\n...\n```\n")
    assert command.words == "iconograph x"
    assert same(command.shown, "level general-N\nmore\n")
    assert not same(command.shown, "level finite\nmore\n")


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
