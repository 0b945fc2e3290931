"""`iconograph verify --code`: what it prints, its exit status, what it refuses; from Python."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import iconograph as ic
from catalog.errors import InputError
from iconograph.audit import relation
from iconograph.audit.bind import stacked
from iconograph.audit.calls import Convention, find
from iconograph.audit.examine import Report
from iconograph.audit.finding import Evidence, Finding, Witness
from iconograph.audit.guess import Choice
from iconograph.audit.probe import Theirs
from iconograph.audit.readings import Unfit
from iconograph.audit.world import Agreement, Parallel
from iconograph.cli import app
from iconograph.commands import code

ROOT = Path(__file__).parent.parent
SOURCE = "tests/user_losses.py"


@pytest.fixture
def losses() -> ModuleType:
    pytest.importorskip("torch")
    from tests import user_losses

    return user_losses


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A judgement that takes no time; what it was asked for."""
    asked = []

    def judge(probe: Any, against: Any, seed: int = 0, **_: Any) -> Finding:
        asked.append((probe.call.name, against.id if against else ""))
        return Finding("equal", "equal as far as nobody looked")

    monkeypatch.setattr(relation, "judge", judge)
    return asked


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["verify", *words])


# ------------------------------------------------------------------ what it says


def test_a_loss_of_other_people_is_named(losses: ModuleType) -> None:
    done = run("--code", f"{SOURCE}:SupCon", "--against", "supcon")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("✓ equal")
    assert "class SupCon" in done.stdout and "tau = 0.07" in done.stdout
    assert "features=real[n,v,d], y=label[n] (views-labels, by its parameters)" in done.stdout
    done = run("--code", f"{SOURCE}:SupCon", "--against", "supcon-in", "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == 1 and said["status"] == 1
    assert said["schema"] == "iconograph/code/1" and said["against"] == "supcon-in"
    assert said["finding"]["kind"] == "different" and said["error"] is None
    assert said["call"]["name"] == "views-labels" and said["precision"] < 1e-12
    witness = said["finding"]["witness"]
    assert witness["theirs"] != witness["ours"]


def test_the_same_from_python(losses: ModuleType) -> None:
    found = ic.verify_code(losses.SupCon, "supcon")
    assert found.ok and found.relation == "equal-up-to" and "supcon" in found.words
    assert found.report.code == "SupCon" and found.to_json()["call"]["name"] == "views-labels"
    assert set(found._repr_mimebundle_()) == {"text/plain", "text/html"}
    with pytest.raises(TypeError, match="no truth value"):
        bool(found)


def test_python_names_what_is_wrong(losses: ModuleType, quick: list[Any]) -> None:
    with pytest.raises(Theirs, match="scores of mine") as error:
        ic.verify_code(losses.raises, call="scores")
    assert "in raises" in error.value.trace
    with pytest.raises(InputError, match="ranks are processes"):
        ic.verify_code(losses.unknown, world=2)
    with pytest.raises(InputError, match="give one of the two"):
        ic.verify_code(losses.unknown, call="scores", inputs=["real[n,n]"])
    with pytest.raises(Theirs, match=r"changes from call to call \(.*a state elsewhere"):
        ic.verify_code(losses.remembers, call="scores")
    found = ic.verify_code(losses.random, options={}, call="scores", seed=3)
    assert "its value is random, and is judged with the seed 3" in found.report.notes
    found = ic.verify_code(losses.Queue, inputs=["real[n,3]", "real[n,3]"])
    assert any("keeps a state" in note for note in found.report.notes)
    assert found.report.choice.convention.fixed == {"d": 3}
    found = ic.verify_code(losses.single, call="scores")
    assert any("less than double precision" in note for note in found.report.notes)
    # of other conventions that were tried nothing is said
    found = ic.verify_code(losses.one_side)
    assert found.report.choice.others == ("soft-targets", "distillation")
    assert found.report.notes == ("no gradient reaches z2",)
    assert quick == [("scores", ""), ("two-views", ""), ("scores", ""), ("two-views", "")]


def report(finding: Finding, parallel: Parallel | None = None) -> Report:
    choice = Choice(Convention(find("two-views")), ("distillation",), "by trying")
    return Report("m:f", "a function", "2", choice, 1e-16, ("odd",), finding, 1.0, parallel)


W = Witness({"z1": [[1.0]]}, 1.5, 2.5)


@pytest.mark.parametrize(
    ("kind", "status", "first"),
    [
        ("equal", 0, "✓ equal"), ("equal-up-to", 0, "✓ equal up to"),
        ("recognised", 0, "✓ recognised"), ("different", 1, "✗ different"),
        ("undecided", 3, "? undecided"),
    ],
)  # fmt: skip
def test_the_exit_status_follows_the_relation(kind: Any, status: int, first: str) -> None:
    finding = Finding(kind, "so it is", up_to=("scale 2",), evidence=Evidence(5, 1e-9), witness=W)
    found = report(finding)
    facts = found.facts()
    assert found.status == status and found.ok == (status == 0) and facts[0][0] == first
    assert (("up to", "scale 2") in facts) == (kind == "equal-up-to")
    assert ("  z1", "[[1.0]]") in facts and ("note", "odd") in facts
    assert any("distillation would fit too" in text for _, text in facts)
    assert json.loads(json.dumps(found.to_json()))["status"] == status
    same, half = Agreement(1, 1, 0, True), Agreement(0.5, 1, 0.5, False)
    for gradient in (same, half):
        ranks = Parallel(2, (1.0, 1.0), 1.0, same, {"z1": gradient})
        worst = report(finding, ranks).status
        assert worst == (status if gradient.equal else 1)


def test_ranks_are_reported(quick: list[Any], losses: ModuleType) -> None:
    done = run("--code", f"{SOURCE}:Clip", "--world", "2")  # which gathers nothing by default
    assert done.exit_code == 1, done.output
    assert "✗ 2 ranks" in done.stdout and "cosine 0." in done.stdout
    assert quick == [("image-text", "")]


def test_tables_of_different_lengths_are_not_put_side_by_side() -> None:
    four, five = np.zeros((4, 3)), np.zeros((5, 3))
    with pytest.raises(Unfit, match="different numbers of rows"):
        stacked([four, five], 1)
    assert stacked([four, four], 1).shape == (4, 2, 3)


# ------------------------------------------------------------------ what is wrong


def test_an_error_in_the_code_is_theirs(losses: ModuleType) -> None:
    done = run("--code", f"{SOURCE}:raises", "--call", "scores", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["trace"].endswith("scores of mine\n")
    assert "an error of that code, not of iconograph: it raised scores of mine" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("--code", f"{SOURCE}:SupCon", "--with", "tau=2")
    assert done.exit_code == 2 and "it has no option 'tau'" in done.stderr and not done.stdout
    done = run("--code", f"{SOURCE}:Proxies", "--with", "classes=1")
    assert done.exit_code == 2 and "no calling convention fits" in done.stderr
    assert "error of that code" not in done.stderr


def test_code_that_takes_no_double_precision_is_told_of_single(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for message, told in (("m1 and m2 to have the same dtype", True), ("no scores", False)):
        with pytest.raises(typer.Exit):
            code._failed("m:f", None, Theirs(message), False)
        assert ("--single gives it float32" in capsys.readouterr().err) == told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--code", "m:f", "supcon"], "--code does not go with targets"),
        (["--code", "m:f", "--p", "x", "--jobs", "2"], "--code does not go with --p, --jobs"),
        (["--code", "m:f", "--errata"], "--code does not go with --errata"),
        (["--code", "m:f", "--mutants", "3"], "--code does not go with --mutants"),
        (["supcon", "--against", "x", "--world", "2"],
         "--against, --world describe code given with --code"),
        (["--mutants", "3", "--with", "x=1"], "--with describe code"),
        (["--code", "m:f", "--call", "scores", "--input", "real[n]"], "give one of the two"),
        (["--code", "m:f", "--input", "reel[n]"], 'did you mean "real"?'),
        (["--code", "m:f", "--call", "score"], 'did you mean "scores"?'),
        (["--code", "m:f", "--against", "supcom"], 'did you mean "supcon"?'),
        (["--code", "m:f", "--world", "1"], "from 2 to 8"),
        (["--code", f"{SOURCE}:scores", "--world", "2"], "share of scores has no meaning"),
        (["--code", "m:f", "--python", "no-such-python"], "no-such-python cannot be run"),
    ],
)  # fmt: skip
def test_wrong_usage_is_refused_in_a_sentence(words: list[str], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 2 and said in done.stderr, done.output


# ------------------------------------------------------------------ processes

PROBE = """
import sys
{planted}
from iconograph.cli import main
try:
    main(["verify", "--code", "tests/user_losses.py:{name}", "--against", "supcon"])
except SystemExit as stop:
    print(stop.code, "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("planted", "name", "printed"),
    [("", "SupCon", "0 False"), ("import torch", "raises", "2 True")],
)
def test_the_command_needs_torch_in_the_other_process_only(
    planted: str, name: str, printed: str
) -> None:
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(planted=planted, name=name)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == printed


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def test_an_interrupt_ends_it_in_a_line_with_nothing_left(
    tmp_path: Path, losses: ModuleType
) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, time\n"
        "def f(s):\n"
        "    open('pid', 'w').write(str(os.getpid()) + '\\n')\n"
        "    time.sleep(60)\n"
    )
    ours = subprocess.Popen(
        [sys.executable, "-m", "iconograph", "verify", "--code", "slow:f"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    pid = tmp_path / "pid"
    assert eventually(lambda: pid.exists() and pid.read_text().endswith("\n"))
    child = Path(f"/proc/{int(pid.read_text())}")
    ours.send_signal(signal.SIGINT)
    out, said = ours.communicate(timeout=30)
    assert (ours.returncode, out, said) == (130, "", "iconograph: interrupted\n")
    if Path("/proc").is_dir():
        assert eventually(lambda: not child.exists())
