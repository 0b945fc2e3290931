"""What a person gets wrong: status 2, a sentence on stderr, no traceback, nothing half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iconograph.cli import app

ROOT = Path(__file__).parent.parent
GOOD = (ROOT / "catalog" / "methods" / "infonce.toml").read_text()


def run(
    folder: Path, *arguments: str, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.run(
        [*before, sys.executable, "-m", "iconograph", *arguments],
        cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def put(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def sparse(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(100_000_000)

    return make


def binary(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(bytes(range(128, 256)) * 8) and None


def nothing(folder: Path) -> None:
    pass


FORMULA = "mean[i] -log(exp(s[i,i]) / sum[j] exp(s[i,j]))"
LEARNED = ["--learned", "s=real[i,j]"]
PASTED = ["verify", "-f", FORMULA, *LEARNED, "--neighbours", "j"]
P, Q = ["--p", "one-hot target=i"], ["--q", "logit logit=s[i,j]"]

CASES = {
    # name: (what lies in the folder, the command, a part of the sentence)
    "unknown method": (nothing, ["verify", "supcom"], 'did you mean "supcon"?'),
    "missing file": (nothing, ["verify", "no.toml"], "no such file"),
    "folder": (lambda f: (f / "a.toml").mkdir(), ["verify", "a.toml"], "directory"),
    "malformed TOML": (put("a.toml", "id = = 3"), ["verify", "a.toml"], "a.toml:1"),
    "empty file": (put("a.toml", ""), ["verify", "a.toml"], "a.toml"),
    "huge file": (sparse("a.toml"), ["verify", "a.toml"], "larger than"),
    "binary file": (binary("a.toml"), ["verify", "a.toml"], "not UTF-8"),
    "NUL in a name": (nothing, ["show", "a/\nb.toml"], "no such file"),
    "unknown kernel": (
        put("a.toml", GOOD.replace('"dot"', '"dott"')), ["verify", "a.toml"], "dott"
    ),
    "unbound index": (
        put("a.toml", GOOD.replace("f(i,pos[i])", "f(i,pos[l])")), ["verify", "a.toml"], "l"
    ),
    "learned scale": (
        put("a.toml", GOOD.replace('"exact"', '"exact"\nscale = "sum[j] z[j].z[j]"')),
        ["verify", "a.toml"], "the scale"
    ),
    "unknown target": (nothing, ["generate", "infonce", "-t", "tensorflow"], "tensorflow"),
    "generate what is not there": (nothing, ["generate", "infonces"], "infonce"),
    "missing certificate": (nothing, ["check", "no.json"], "no such file"),
    "certificate is a folder": (lambda f: (f / "c").mkdir(), ["check", "c"], "folder"),
    "certificate is binary": (binary("c.json"), ["check", "c.json"], "UTF-8"),
    "certificate is huge": (sparse("c.json"), ["check", "c.json"], "limit"),
    "certificate is no JSON": (put("c.json", '{"format": '), ["check", "c.json"], "JSON"),
    "certificate is something else": (put("c.json", "[1]"), ["check", "c.json"], "not a certif"),
    "deep JSON": (put("c.json", "[" * 100_000), ["check", "c.json"], "nested too deep"),
    "formula without pair": (nothing, PASTED, "--p"),
    "pair without formula": (nothing, ["verify", *P], "-f"),
    "formula with target": (nothing, [*PASTED, *P, *Q, "infonce"], "does not go with"),
    "unbalanced formula": (nothing, ["verify", "-f", "sum[i", *LEARNED, *P, *Q], "^"),
    "kernel without parameters": (nothing, [*PASTED, "--p", "target=i", *Q], "kernel first"),
    "kernel with an open quote": (nothing, [*PASTED, "--p", "one-hot 'x", *Q], "quotation"),
    "declaration without type": (nothing, [*PASTED, *P, *Q, "--given", "y"], "name=type"),
    "no mutants": (nothing, ["verify", "--mutants", "0"], "--mutants"),
    "mutants and targets": (nothing, ["verify", "--mutants", "3", "infonce"], "does not go with"),
    "no such command": (nothing, ["prove"], "prove"),
    "no such option": (nothing, ["verify", "--fast"], "--fast"),
    "bad name": (nothing, ["new", "My Loss"], "lower case"),
    "name with a path": (nothing, ["new", "../x"], "lower case"),
    "name taken": (put("mine.toml", "x"), ["new", "mine"], "exists"),
    "cite nobody": (nothing, ["cite", "nobody-2020"], "no method"),
    "show two ways": (nothing, ["show", "infonce", "--proof", "--json"], "one of"),
    "derive what is false": (nothing, ["show", "triplet", "--derivation"], "no derivation"),
    "prove what is false": (nothing, ["show", "triplet", "--proof"], "no proof"),
    "certificates into a file": (
        put("out", "x"), ["verify", "infonce", "--certificates", "out"], "folder"
    ),
    "code over a foreign file": (
        put("loss.py", "x = 1\n"), ["generate", "infonce", "-o", "loss.py"], "--force"
    ),
    "code into a missing folder": (nothing, ["generate", "infonce", "-o", "no/loss.py"], "written"),
    "code into a folder": (
        lambda f: (f / "o").mkdir(), ["generate", "infonce", "-o", "o"], "folder"
    ),
}  # fmt: skip

IN_A_PROCESS = ["unknown method", "malformed TOML", "no such option", "certificate is no JSON"]


def snapshot(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): path.stat().st_size if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def judge(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What is wrong with the way in which a command refused its input."""
    wrong = []
    if done.returncode != 2:
        wrong.append(f"exit status {done.returncode}")
    if "Traceback" in done.stderr + done.stdout:
        wrong.append("a traceback")
    if done.stdout:
        wrong.append("something on stdout")
    if not 1 <= len(done.stderr.strip().splitlines()) <= 4:
        wrong.append("no sentence, or a page")
    return wrong


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As `run`, in this process: the same program without the start of an interpreter."""
    result = CliRunner().invoke(app, list(arguments))
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("name", CASES)
def test_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    prepare, command, words = CASES[name]
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    before = snapshot(tmp_path)
    done = call(*command)
    assert judge(done) == [], done.stderr
    assert words in done.stderr
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", IN_A_PROCESS)
def test_bad_input_in_a_process_of_its_own(tmp_path: Path, name: str) -> None:
    prepare, command, words = CASES[name]
    prepare(tmp_path)
    done = run(tmp_path, *command)
    assert judge(done) == [], done.stderr
    assert words in done.stderr


def test_the_judge_of_bad_input_can_fail() -> None:
    crash = subprocess.run(
        [sys.executable, "-c", "1/0"], capture_output=True, text=True, check=False
    )
    assert judge(crash) == ["exit status 1", "a traceback"]
    fine = subprocess.run(
        [sys.executable, "-c", "print(1)"], capture_output=True, text=True, check=False
    )
    assert judge(fine) == ["exit status 0", "something on stdout", "no sentence, or a page"]


# what a superuser's command is run with, so that permissions bind it after all
SHED = [shutil.which("setpriv") or "", "--bounding-set=-all", "--inh-caps=-all"]


def may_do_everything() -> bool:
    """Whether permissions do not bind this process, as those of a superuser do not."""
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return os.access(file.name, os.R_OK)


def run_bound(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, *arguments, before=SHED if may_do_everything() else ())


@pytest.mark.skipif(may_do_everything() and not SHED[0], reason="permissions do not bind this user")
@pytest.mark.parametrize("command", [["verify", "a.toml"], ["check", "a.toml"]], ids=" ".join)
def test_a_file_that_may_not_be_read(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "a.toml").chmod(0)
    done = run_bound(tmp_path, *command)
    assert judge(done) == [] and "permission denied" in done.stderr.lower()


@pytest.mark.skipif(may_do_everything() and not SHED[0], reason="permissions do not bind this user")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    done = run_bound(tmp_path, "generate", "infonce", "--no-judge", "-o", "shut/loss.py")
    assert judge(done) == [] and "permission denied" in done.stderr.lower()


def test_a_device_that_is_full(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = run(tmp_path, "generate", "infonce", "-o", "/dev/full")
    assert judge(done) == [] and "no space left" in done.stderr.lower()


def test_a_truncated_certificate(tmp_path: Path) -> None:
    assert run(tmp_path, "verify", "infonce", "--certificates", "out").returncode == 0
    whole = (tmp_path / "out" / "infonce.json").read_text()
    for cut in (1, len(whole) // 2, len(whole) - 3):
        (tmp_path / "cut.json").write_text(whole[:cut])
        done = run(tmp_path, "check", "cut.json")
        assert judge(done) == [] and "cut.json" in done.stderr
    (tmp_path / "changed.json").write_text(whole.replace("infonce", "infonse"))
    done = run(tmp_path, "check", "changed.json")
    assert judge(done) == [] and "hash" in done.stderr


def test_one_bad_certificate_does_not_hide_a_good_one(tmp_path: Path) -> None:
    run(tmp_path, "verify", "infonce", "--certificates", ".")
    done = run(tmp_path, "check", "no.json", "infonce.json")
    assert done.returncode == 2
    assert "infonce" in done.stdout and "no.json" in done.stderr
