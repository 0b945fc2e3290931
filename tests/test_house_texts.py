"""README, .ci/run, CITATION and the package say the same things."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import iconograph

ROOT = Path(__file__).parent.parent
ROOMS = ("catalog", "derive", "codegen", "iconograph")
COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/iconograph verify",
    'python3 -m venv .venv && .venv/bin/pip install -e ".[test,torch]" && .venv/bin/pytest',
)


def quoted(text: str) -> set[str]:
    """The lines of `text` that make a virtual environment and go on."""
    lines = map(str.strip, text.splitlines())
    return {line for line in lines if line.startswith("python3 -m venv")}


def test_the_readme_and_ci_run_the_same_commands() -> None:
    assert quoted((ROOT / "README.md").read_text()) == set(COMMANDS)
    assert quoted((ROOT / ".ci/run").read_text()) == set(COMMANDS)


def test_a_command_that_differs_is_noticed() -> None:
    text = (ROOT / "README.md").read_text().replace("[test,torch]", "[test]")
    assert quoted(text) != set(COMMANDS)


def test_ci_is_executable_and_ends_with_the_tests() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111 == 0o111
    assert script.read_text().strip().splitlines()[-1] == "test_it || exit"


def test_one_version_everywhere() -> None:
    cff = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.M)
    changes = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert cff and changes
    assert cff[1] == changes[1] == iconograph.__version__


def test_every_dependency_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["torch"] + extras["docs"]
    silent = [name for name in wanted if not re.search(rf'"{re.escape(name)}",\s*# \w+', text)]
    assert not silent
    assert extras["torch"] == ["torch==2.13.0"]


def test_no_text_of_the_project_names_a_place_on_one_machine() -> None:
    homes = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp)/\w")
    found = {
        str(path.relative_to(ROOT)): hit[0]
        for pattern in ("*.md", "docs/**/*", *(f"{room}/**/*" for room in ROOMS))
        for path in ROOT.glob(pattern)
        if path.is_file() and path.suffix in {".md", ".py", ".toml", ".jinja", ".lark", ".bib"}
        if (hit := homes.search(path.read_text()))
    }
    assert not found
    assert homes.search("see /home/ann/x") and not homes.search("a path such as src/home/x")
