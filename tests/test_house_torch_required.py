"""ICONOGRAPH_REQUIRE_TORCH and its like turn a skip into a failure, serially and in parallel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
MODULE_SKIP = """
import pytest
torch = pytest.importorskip("torch_that_nobody_has")
def test_nothing(): pass
"""
TEST_SKIP = """
import pytest
@pytest.mark.skip(reason="needs Torch")
def test_marked(): pass
def test_called(): pytest.skip("no torch here")
"""
CHROMIUM_SKIP = """
import pytest
def test_called(): pytest.skip("there is no Chromium")
def test_driven(): pytest.importorskip("selenium_that_nobody_has")
"""
OTHER_SKIP = """
import pytest
@pytest.mark.skip(reason="needs a graphics card")
def test_marked(): pass
"""


TORCH, CHROMIUM = "ICONOGRAPH_REQUIRE_TORCH", "ICONOGRAPH_REQUIRE_CHROMIUM"


def run(
    folder: Path, body: str, required: str, *options: str, variable: str = TORCH
) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_torch_it.py").write_text(body)
    (folder / "pytest.ini").write_text("[pytest]\n")
    env = {**os.environ, TORCH: "0", CHROMIUM: "0", variable: required}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, str(folder)],
        cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["serial", "parallel"])
@pytest.mark.parametrize("body", [MODULE_SKIP, TEST_SKIP], ids=["module", "test"])
def test_a_skipped_torch_test_fails_where_torch_is_required(
    tmp_path: Path, body: str, options: tuple[str, ...]
) -> None:
    status, text = run(tmp_path, body, "1", *options)
    assert status != 0
    assert "ICONOGRAPH_REQUIRE_TORCH is set" in text


def test_a_skipped_browser_test_fails_where_chromium_is_required(tmp_path: Path) -> None:
    status, text = run(tmp_path, CHROMIUM_SKIP, "1", variable=CHROMIUM)
    assert status != 0 and "2 failed" in text and "ICONOGRAPH_REQUIRE_CHROMIUM is set" in text
    assert run(tmp_path, CHROMIUM_SKIP, "1", variable=TORCH)[0] == 0


@pytest.mark.parametrize("body", [TEST_SKIP, OTHER_SKIP], ids=["torch", "other"])
def test_otherwise_a_skip_is_a_skip(tmp_path: Path, body: str) -> None:
    status, text = run(tmp_path, body, "1" if body is OTHER_SKIP else "0")
    assert status == 0, text
    assert "skipped" in text and "failed" not in text
