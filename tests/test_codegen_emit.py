"""Emitted files: golden copies, what their docstrings say, what they import, how they are made."""

from __future__ import annotations

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.registry import all_methods, load
from codegen.emit import emit, refusal, target_names, write_file
from codegen.layout import WIDTH, wrapped
from tests.selection import kinds, representatives

GOLDEN = Path(__file__).with_name("golden")
# a loss that is linear and symmetric, a joint one with a dense p, a readable one, two towers
REPRESENTATIVE = [
    ("simclr", "torch"),
    ("t-sne", "torch"),
    ("supcon", "numpy"),
    ("clip", "distributed"),
]
EMITTED = [m.id for m in representatives((m for m in all_methods() if refusal(m) is None), kinds)]


def text_of(name: str, target: str) -> str:
    text = emit(load(name), target, certificate_hash="c0ffee", verdict="proved (general N)")
    # any change of the method's file changes its digest; what matters here is the program
    return re.sub(r"sha256 [0-9a-f]{16}", "sha256 ...", text)


def test_a_place_that_nobody_checked_is_not_claimed() -> None:
    found = {m.id: m.source.verified for m in all_methods() if m.published_text and m.cite}
    for name in ("supcon", "align"):
        said = " ".join(text_of(name, "numpy").split())
        assert ("(the place was not checked)" in said) != found[name], name
    assert found["supcon"] and not found["align"]


@pytest.mark.parametrize(("name", "target"), REPRESENTATIVE)
def test_the_emitted_program_is_the_golden_one(name: str, target: str) -> None:
    path = GOLDEN / f"{name}.{target}.txt"
    text = text_of(name, target)
    if os.environ.get("ICONOGRAPH_UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"write it anew with ICONOGRAPH_UPDATE_GOLDEN=1: {path.name}"


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_emission_is_deterministic(target: str) -> None:
    assert emit(load("t-sne"), target) == emit(load("t-sne"), target)


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize("name", EMITTED)
def test_an_emitted_file_stands_alone_and_says_what_it_is(name: str, target: str) -> None:
    text, m = text_of(name, target), load(name)
    tree = ast.parse(text)
    allowed = {"numpy": {"numpy"}, "torch": {"torch"}}[target]
    modules = {
        n.module.split(".")[0] if isinstance(n, ast.ImportFrom) and n.module else n.names[0].name
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
    }
    assert modules <= allowed | {"__future__", "math", "typing", "collections"}
    doc = " ".join((ast.get_docstring(tree) or "").split())
    wanted = [m.name, m.published_text, m.source.where, m.icon.p.name, m.icon.q.name, "c0ffee"]
    wanted += [f.text for f in m.assumes] + ["proved (general N)"]
    if m.claim.relation == "exact" and m.claim.constant_text != "0":
        wanted.append(m.claim.constant_text)
    for fact in wanted:
        assert " ".join(fact.split()) in doc
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_claim_that_is_false_is_not_hidden() -> None:
    text = emit(load("conditional-t-sne"))
    words = " ".join(text.split())
    assert "claimed as false-as-stated: the published loss is another one." in words


def test_what_nobody_checked_is_called_so() -> None:
    text = emit(load("simclr"))
    assert "Verdict     not checked" in text
    assert "CERTIFICATE = None" in text


def test_emitted_files_pass_the_linter(tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    for name in EMITTED:
        for target in ("numpy", "torch"):
            (tmp_path / f"{name.replace('-', '_')}_{target}.py").write_text(text_of(name, target))
    config = Path(__file__).parent.parent / "pyproject.toml"
    command = [ruff, "check", "--no-cache", "--config", str(config), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (tmp_path / "planted.py").write_text("import os\n")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_an_unknown_target_names_the_known_ones() -> None:
    assert {"numpy", "torch"} <= set(target_names())
    with pytest.raises(ValueError, match=r"^there is no target 'fortran'; targets: .*numpy.*torch"):
        emit(load("simclr"), "fortran")


def test_emitting_needs_no_torch() -> None:
    code = (
        "import sys; from catalog.registry import load; from codegen.emit import emit\n"
        "emit(load('simclr')); print('torch' in sys.modules)"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


# --------------------------------------------------------------------------- files


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "loss.py"
    write_file(path, "one = 1\n")
    assert path.read_text() == "one = 1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    with pytest.raises(UnicodeEncodeError):
        write_file(path, "two = '\udc80'\n")  # fails half way
    assert path.read_text() == "one = 1\n"
    assert [p.name for p in tmp_path.iterdir()] == ["loss.py"]  # nothing is left behind


LONG = "a" * 30
BROKEN = [
    ("x = 1", "x = 1"),
    (f"x = {LONG} + {LONG} * {LONG} - {LONG}",
     f"x = (\n    {LONG}\n    + {LONG} * {LONG}\n    - {LONG}\n)"),
    (f"def f({LONG}, {LONG}, {LONG}, b) -> int:",
     f"def f(\n    {LONG},\n    {LONG},\n    {LONG},\n    b,\n) -> int:"),
    (f"return {LONG}({LONG}, {LONG}, 1234567)",
     f"return {LONG}(\n    {LONG}, {LONG}, 1234567\n)"),
    (f"y += ({LONG} * ({LONG} - {LONG} / 2) * {LONG}).sum()",
     f"y += (\n    {LONG}\n    * ({LONG} - {LONG} / 2)\n    * {LONG}\n).sum()"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "lines"), BROKEN)
def test_long_lines_are_broken_where_a_reader_would(line: str, lines: str) -> None:
    assert wrapped(line) == lines + "\n"


def test_breaking_lines_keeps_their_meaning() -> None:
    names = {c: f"{c}{'_' * 24}" for c in "abcdefg"}
    line = "r = -a * (b - c / (d + e * f)) ** 2 - g / (a + b + c + d) * e - f"
    for short, long in names.items():
        line = re.sub(rf"\b{short}\b", long, line)
    broken = wrapped(line)
    assert broken.count("\n") > 3
    values = {long: 1.5 + k for k, long in enumerate(names.values())}
    once, twice = dict(values), dict(values)
    exec(line, once)
    exec(broken, twice)
    assert once["r"] == twice["r"]
