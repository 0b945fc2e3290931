""".ci/run fails where one of its steps does, cleans up, and ends with the summary of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAND_IN = """#!/bin/sh
# takes the place of python3: makes an environment of programs that print their name, one of which
# fails; `python` stands for an environment without torch, and so fails unless it is asked not to
test "$FAILS" = venv && exit 1
mkdir -p .venv/bin
for name in pip iconograph ruff mypy pytest; do
  printf '#!/bin/sh\\necho ran %s "$@"\\ntest "$FAILS" != %s\\n' $name $name > .venv/bin/$name
done
echo 'test "$ICONOGRAPH_REQUIRE_CHROMIUM" != 1 || echo ran pytest with a browser' > with
sed -i '2r with' .venv/bin/pytest
printf '#!/bin/sh\\ntest "$FAILS" = torch\\n' > .venv/bin/python
chmod +x .venv/bin/*
"""


APT = """#!/bin/sh
# takes the place of apt-get
echo ran apt-get "$@"
test "$FAILS" != "$1" || exit 1
case "$*" in *chromium*) cp "$0" "${0%/*}/chromium"; cp "$0" "${0%/*}/chromedriver";; esac
"""
ID = """#!/bin/sh
echo "${USER_ID:-0}"
"""
NEEDED = ("bash", "sh", "env", "mktemp", "rm", "mkdir", "tar", "dirname", "chmod", "test", "cp",
          "sed")  # fmt: skip


def run(
    folder: Path, fails: str, browser: bool = True, user: int = 0
) -> tuple[int, list[str], list[Path]]:
    """The exit status, the lines and what is left in the folder for temporary files."""
    checkout, tools, temporary = folder / "checkout", folder / "tools", folder / "temporary"
    for each in (checkout / ".ci", tools, temporary):
        each.mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", checkout / ".ci/run")
    (tools / "python3").write_text(STAND_IN)
    (tools / "python3").chmod(0o755)
    for name, text in (("apt-get", APT), ("id", ID)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    for name in NEEDED:  # and nothing else of this machine, which may have a browser
        (tools / name).symlink_to(str(shutil.which(name)))
    for name in ("chromium", "chromedriver") if browser else ():
        (tools / name).symlink_to(str(shutil.which("env")))
    env = {
        **os.environ, "FAILS": fails, "TMPDIR": str(temporary), "PATH": str(tools),
        "USER_ID": str(user),
    }  # fmt: skip
    env.pop("ICONOGRAPH_REQUIRE_CHROMIUM", None)  # which this run may have been started with
    done = subprocess.run(
        [checkout / ".ci/run"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout.splitlines(), list(temporary.iterdir())


def test_it_does_everything_and_ends_with_the_tests(tmp_path: Path) -> None:
    status, lines, left = run(tmp_path, "nothing")
    assert status == 0 and left == []
    ran = [line.split()[1] for line in lines if "with" not in line]
    assert ran == ["pip", "iconograph", "pip", "ruff", "mypy", "pip", "pytest"]
    assert "ran pytest with a browser" in lines


def test_it_installs_a_browser_where_there_is_none_and_it_may(tmp_path: Path) -> None:
    status, lines, _ = run(tmp_path / "root", "nothing", browser=False)
    assert status == 0 and "ran pytest with a browser" in lines
    ran = [line.split()[2] for line in lines if line.startswith("ran apt-get")]
    assert ran == ["update", "install"]
    assert any("chromium chromium-driver" in line for line in lines)
    status, lines, _ = run(tmp_path / "other", "nothing", browser=False, user=1000)
    assert status == 0 and not any("apt-get" in line for line in lines)
    assert any(line.startswith("no browser") for line in lines) and lines[-1] == "ran pytest"
    status, lines, _ = run(tmp_path / "fails", "install", browser=False)
    assert any(line.startswith("no browser") for line in lines) and lines[-1] == "ran pytest"


@pytest.mark.parametrize("step", ["venv", "pip", "iconograph", "torch", "ruff", "mypy", "pytest"])
def test_it_fails_where_a_step_fails(tmp_path: Path, step: str) -> None:
    status, lines, left = run(tmp_path, step)
    assert status != 0 and left == []
    assert step == "pytest" or not any("ran pytest" in line for line in lines)


@pytest.mark.xdist_group("house")
def test_tests_of_one_group_run_in_one_worker(request: pytest.FixtureRequest) -> None:
    # pytest 9.2 took away what xdist 3.8 marks groups by: proofs were made twice, without a word
    if getattr(request.config, "workerinput", None) and request.config.getoption("loadgroup"):
        assert request.node.nodeid.endswith("@house")
