"""Settings of every test, and the promise that nothing is skipped for want of what is required."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# Before anything imports torch or numpy: the suite runs in parallel, a thread pool per process
# would make the processes fight for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before anything imports triton: its kernels run on the processor.
os.environ.setdefault("TRITON_INTERPRET", "1")
# The terminal in which the suite happens to run should not shape what the commands print.
for name in ("COLUMNS", "FORCE_COLOR"):
    os.environ.pop(name, None)

if TYPE_CHECKING:
    from iconograph.browse.world import World

settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


SHARED = "ICONOGRAPH_TESTS_SHARED"  # the folder in which the processes of one run share verdicts


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="iconograph-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)


REQUIRED = {
    "ICONOGRAPH_REQUIRE_TORCH": ("torch", "triton"),
    "ICONOGRAPH_REQUIRE_CHROMIUM": ("chromium", "selenium"),
}
"""Variables that ask for something, and the words of a skip for want of it."""


def _asked(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The variable that asks for what `report` was skipped for the want of, "" where none does."""
    if report.outcome != "skipped":
        return ""
    # (path, line, reason): the path may name torch without the reason doing so
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    for variable, words in REQUIRED.items():
        on = os.environ.get(variable, "0") not in ("", "0")
        if on and any(word in str(reason).lower() for word in words):
            return variable
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if variable := _asked(report):
        report.outcome = "failed"
        report.longrepr = f"skipped, but {variable} is set: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if variable := _asked(report):
        report.outcome = "failed"
        report.longrepr = f"skipped, but {variable} is set: {report.longrepr}"
    return report


FEW = ("supcon", "simclr", "t-sne", "nerv", "triplet-supcon-limit", "jensen")
"""Proved as it is, of another q, joint, refuted with a witness, a limit, a theorem."""


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A few entries as the site knows them, judged once; the user's own cache is not touched."""
    from iconograph.browse.world import world

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICONOGRAPH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield world(FEW)
