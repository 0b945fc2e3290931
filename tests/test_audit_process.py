"""Code of other people in a process of its own: what it answers, and what it cannot do to us."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.errors import InputError
from iconograph.audit import process
from iconograph.audit.calls import SIZES, Convention, draw, find
from iconograph.audit.probe import Theirs
from iconograph.audit.process import Child, Settings
from iconograph.audit.wire import CodeProbe, packed

pytest.importorskip("torch")
SOURCE = Path(__file__).with_name("user_losses.py")
SHORT = 2.0  # seconds for code that never answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("theirs")
    shutil.copy(SOURCE, made / "losses.py")
    # modules of the user's that are called as ours are
    for name in ("answers", "process", "child", "probe"):
        (made / f"{name}.py").write_text(
            "import sys\n"
            "from losses import scores as loss\n"
            "ours = {'iconograph', 'catalog'} & set(sys.modules)\n"
            "assert not ours, ours\n"
        )
    return made


def settings(folder: Path, name: str, *options: str, **rest: Any) -> Settings:
    return Settings(f"losses:{name}", options, folder=str(folder), **rest)


def probe(child: Child, call: str) -> CodeProbe:
    return CodeProbe(child, Convention(find(call)))


def cross_entropy(s: Any, t: float) -> tuple[np.ndarray, np.ndarray]:
    """Losses of the rows and gradient of their mean, in NumPy."""
    e = np.exp(s / t)
    q = e / e.sum(1, keepdims=True)
    return -np.log(np.diag(q)), (q - np.eye(len(s))) / t / len(s)


# ------------------------------------------------------------------ what it answers


def test_code_answers_from_a_module_and_from_a_file(folder: Path) -> None:
    x = draw(find("scores"), SIZES[0])
    for code in ("child:loss", str(folder / "answers.py") + ":loss"):
        # modules of theirs that are called as ours are
        with Child(Settings(code, ("temperature=0.5",), folder=str(folder))) as child:
            ours = probe(child, "scores")
            found = ours.ask(x)
            assert np.isclose(found.value, cross_entropy(x["s"], 0.5)[0].mean(), rtol=1e-13)
            assert np.allclose(found.gradient["s"], cross_entropy(x["s"], 0.5)[1], rtol=1e-12)
            assert ours.hessian(x, "s").shape == (64, 64)


def test_what_it_prints_is_no_answer(folder: Path) -> None:
    x = draw(find("scores"), SIZES[0])
    with Child(settings(folder, "prints")) as child:
        found = probe(child, "scores").ask(x).value
        assert np.isclose(found, cross_entropy(x["s"], 0.1)[0].mean())
        assert child.printed.count('"value": 0') == 2


# ------------------------------------------------------------------ bad manners


@pytest.mark.parametrize(
    ("name", "words", "trace"),
    [
        ("exits", "it raised SystemExit: 3 (losses.py:", "in exits"),
        ("dies", "it ended its process with status 5", ""),
        ("hungry", "it asked for more memory than the 2 GiB it may have", "in hungry"),
    ],
)
def test_what_fails_is_said_to_be_theirs(folder: Path, name: str, words: str, trace: str) -> None:
    with Child(settings(folder, name, gib=2.0)) as child:
        with pytest.raises(Theirs) as error:
            probe(child, "scores").ask(draw(find("scores"), SIZES[0]))
        assert words in str(error.value) and trace in error.value.trace
        assert "answers.py" not in error.value.trace


def test_what_does_not_answer_is_ended(folder: Path) -> None:
    with Child(settings(folder, "endless", seconds=SHORT)) as child:
        for limit in (SHORT + 60, SHORT):  # and it is not waited for again
            start = time.monotonic()
            with pytest.raises(Theirs, match="still answering after 2 s"):
                probe(child, "scores").ask(draw(find("scores"), SIZES[0]))
            assert time.monotonic() - start < limit
        assert group(child.process.pid) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who started what")
def test_what_it_started_ends_with_it(folder: Path) -> None:
    with Child(settings(folder, "starts_others")) as child:
        x = draw(find("scores"), SIZES[0])
        child.send({"arguments": packed(Convention(find("scores")), x)})
        # itself, one in its group, and one that has left it
        assert eventually(lambda: len(inside(folder)) == 3)
        assert len(group(child.process.pid)) == 2
    assert eventually(lambda: inside(folder) == [])


def inside(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if path.resolve() == folder.resolve() and (path.parent / "cmdline").read_text():
                found.append((path.parent / "cmdline").read_text())
    return [words for words in found if "python" in words]


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def group(leader: int) -> list[str]:
    """The processes of a group that still run."""
    done = subprocess.run(
        ["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in done.stdout.splitlines()]
    return [r[2] for r in rows if r[0] == str(leader) and not r[1].startswith("Z")]


def test_nothing_is_left_after_an_error_of_ours(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), Child(settings(folder, "scores")) as child:
        assert group(child.process.pid)
        raise ZeroDivisionError
    assert group(child.process.pid) == [] and child.process.returncode == -signal.SIGKILL


PARENT = """
import sys
from iconograph.audit.process import Child, Settings
with Child(Settings("losses:scores", folder=sys.argv[1])) as child:
    print(child.process.pid, "torch" in sys.modules, flush=True)
    import time
    time.sleep(60)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["interrupt", "kill"])
def test_nothing_is_left_where_we_are_ended(folder: Path, sent: int) -> None:
    if sent == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent has ended")
    ours = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(SOURCE.parents[1])},
    )  # fmt: skip
    assert ours.stdout is not None
    pid, torch_here = ours.stdout.readline().split()
    assert torch_here == "False" and group(int(pid))
    ours.send_signal(sent)
    ours.wait(20)
    assert eventually(lambda: group(int(pid)) == [])


# ------------------------------------------------------------------ what cannot be called


@pytest.mark.parametrize(
    ("code", "options", "words"),
    [
        ("nowhere:f", (), "there is no module nowhere"),
        ("losses:Proxies", (), "Proxies needs classes: give --with 'classes=...'"),
    ],
)
def test_wrong_names_are_said_in_a_sentence(
    folder: Path, code: str, options: tuple[str, ...], words: str
) -> None:
    with (
        pytest.raises(InputError, match=re.escape(words)),
        Child(Settings(code, options, folder=str(folder))),
    ):
        pass


def test_an_interpreter_without_torch_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    (tmp_path / "python").chmod(0o755)
    for python, words in (
        (str(tmp_path / "python"), "cannot import torch"),
        ("nil", "cannot be run"),
    ):
        with (
            pytest.raises(InputError, match=words),
            Child(settings(folder, "scores", python=python)),
        ):
            pass


def test_importing_that_does_not_end_is_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "IMPORT", 0.5)
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(60)\n")
    with (
        pytest.raises(Theirs, match="still importing the code after 1 s"),
        Child(Settings("endless:f", folder=str(tmp_path), seconds=1)),
    ):
        pass


def test_importing_that_fails_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import math\nx = math.log(0)\n")
    with (
        pytest.raises(Theirs, match=r"importing broken raised ValueError.*\(broken.py:2\)"),
        Child(Settings("broken:f", folder=str(tmp_path))),
    ):
        pass
