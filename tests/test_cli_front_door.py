"""The command line as a person uses it: exit status, words, JSON, files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from catalog.spec import Method
from derive.verdict import Unknown, Verdict
from iconograph.cli import app

ROOT = Path(__file__).parent.parent
FORMULA = "mean[i] -log(exp(s[i,i]) / sum[j] exp(s[i,j]))"
PASTED = [
    "verify", "-f", FORMULA, "--learned", "s=real[i,j]", "--neighbours", "j",
    "--p", "one-hot target=i", "--q", "logit logit=s[i,j]",
]  # fmt: skip


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def spawn(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"}
    return subprocess.run(
        [sys.executable, "-m", "iconograph", *arguments],
        cwd=folder, env={**plain, "PYTHONPATH": str(ROOT), **env},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


# ------------------------------------------------------------------ verify


def test_a_true_claim_is_proved() -> None:
    done = call("verify", "infonce")
    assert done.exit_code == 0, done.output
    assert "✓ proved" in done.stdout and "general-N" in done.stdout


def test_a_false_claim_is_refuted_and_exits_with_one(here: Path) -> None:
    text = (ROOT / "catalog/methods/infonce.toml").read_text()
    text = text.replace('relation = "exact"', 'relation = "exact"\nscale = "2"')
    (here / "wrong.toml").write_text(text)
    done = call("verify", "wrong.toml", "infonce")
    assert done.exit_code == 1, done.output
    assert "✗ refuted, claimed exact" in done.stdout
    assert "2 claims: 1 not as claimed, 1 proved (general-N)." in done.stdout


def test_an_undecided_claim_exits_with_three(monkeypatch: pytest.MonkeyPatch) -> None:
    from derive import verify
    from derive.verdict import Unknown

    def give_up(method: object, **_: object) -> Unknown:
        return Unknown(
            method_id="infonce", claimed="exact", judges=(), seconds=0.0,
            tried=("search",), why="out of ideas",
        )  # fmt: skip

    monkeypatch.setattr(verify, "verify", give_up)
    done = call("verify", "infonce")
    assert done.exit_code == 3
    assert "? unknown" in done.stdout and "out of ideas" in done.stdout
    assert "✓" not in done.stdout


def wrong_file(folder: Path, name: str) -> None:
    text = (ROOT / "catalog/methods/infonce.toml").read_text()
    (folder / name).write_text(text.replace('"exact"', '"exact"\nscale = "2"'))


def contradictory_file(folder: Path, name: str) -> None:
    """A claim that is read and cannot be judged, in a worker or here."""
    text = (ROOT / "catalog/methods/infonce.toml").read_text()
    (folder / name).write_text(text + '\n[assumes]\n"nobody" = "0 > 1"\n')


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_one_bad_target_does_not_hide_the_others(here: Path, jobs: str) -> None:
    wrong_file(here, "wrong.toml")
    contradictory_file(here, "nobody.toml")
    (here / "broken.toml").write_text("id = = 3")
    names = ["infonce", "nobody.toml", "supcom", "wrong.toml", "broken.toml", "sne"]
    done = call("verify", *names, "-j", jobs, "--json")
    assert done.exit_code == 2, done.output
    document = json.loads(done.stdout)
    assert [r["outcome"] for r in document["results"]] == ["proved", "refuted", "proved"]
    for words, said in zip(
        ("contradict", "supcom", "broken.toml"), document["errors"], strict=True
    ):
        assert words in said and said in done.stderr
    assert call("verify", *names, "-j", jobs).stdout.count("proved") >= 2


def test_the_most_severe_status_counts(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from derive import verify

    true = here / "true.toml"
    true.write_text((ROOT / "catalog/methods/infonce.toml").read_text())
    wrong_file(here, "wrong.toml")
    undecided = true.read_text().replace('id = "infonce"', 'id = "open"')
    (here / "open.toml").write_text(undecided)
    for_real = verify.verify

    def give_up(method: Method, **_: object) -> Verdict:
        found = for_real(method)
        if method.id != "open":
            return found
        return Unknown(
            method_id="open", claimed="exact", judges=(), seconds=0.0, tried=(), why="no idea"
        )

    monkeypatch.setattr(verify, "verify", give_up)
    for names, status in {
        "true": 0, "true open": 3, "open wrong true": 1, "true wrong open no": 2, "no open": 2
    }.items():  # fmt: skip
        paths = [f"{name}.toml" for name in names.split()]
        assert call("verify", *paths, "-j", "1").exit_code == status, names


def test_a_pasted_formula() -> None:
    assert call(*PASTED).exit_code == 0
    assert call(*PASTED, "--scale", "3").exit_code == 1


def test_a_pasted_formula_can_be_kept_as_a_file(here: Path) -> None:
    done = call(*PASTED, "--save", "mine.toml")
    assert done.exit_code == 0
    saved = tomllib.loads((here / "mine.toml").read_text())
    assert saved["id"] == "mine" and saved["published"]["formula"] == FORMULA
    assert call("verify", "mine.toml").exit_code == 0


def test_json_has_a_versioned_schema(here: Path) -> None:
    done = spawn(here, "verify", "infonce", "--json")
    document = json.loads(done.stdout)
    assert document["schema"] == "iconograph/verify/1"
    (result,) = document["results"]
    assert result["id"] == "infonce" and result["outcome"] == "proved" and result["as_claimed"]
    assert done.stderr == ""


def test_jobs_change_nothing_but_the_time() -> None:
    names = ["infonce", "supcon", "sne"]

    def answers(jobs: str) -> list[dict[str, object]]:
        document = json.loads(call("verify", *names, "--json", "-j", jobs).stdout)
        return [{k: r[k] for k in ("id", "outcome", "certificate")} for r in document["results"]]

    assert answers("1") == answers("2")


def test_certificates_are_written_and_replay(here: Path) -> None:
    assert call("verify", "infonce", "supcon", "--certificates", "proofs").exit_code == 0
    assert {path.name for path in (here / "proofs").iterdir()} == {"infonce.json", "supcon.json"}
    done = call("check", "proofs/infonce.json", "proofs/supcon.json", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["schema"] == "iconograph/check/1"
    assert [r["method"] for r in document["results"]] == ["infonce", "supcon"]


@pytest.mark.parametrize(
    ("wrong", "undecided", "status"), [(0, 0, 0), (1, 0, 1), (0, 2, 3), (1, 2, 1)]
)
def test_mutants_exit_by_what_was_accepted(
    monkeypatch: pytest.MonkeyPatch, wrong: int, undecided: int, status: int
) -> None:
    from derive import mutate

    row = SimpleNamespace(wrongly_accepted=wrong, undecided=undecided)
    report = SimpleNamespace(
        rows=[row], table=[("sign", 9, 9, 0, wrong, undecided)], survivors=lambda verdict: ()
    )
    monkeypatch.setattr(mutate, "run", lambda n, seed, **_: report)
    assert call("verify", "--mutants", "9", "--seed", "1").exit_code == status


def test_mutants_for_real() -> None:
    done = call("verify", "--mutants", "6", "--seed", "3", "--json")
    said = json.loads(done.stdout)
    assert said["schema"] == "iconograph/mutants/1"
    total = said["total"]
    assert total["made"] == 6 and total["refuted"] >= 3 and total["wrongly_accepted"] == 0
    assert done.exit_code == (3 if total["undecided"] else 0), done.output


# ------------------------------------------------------------------ show, table, cite, new


def test_show() -> None:
    done = call("show", "supcon")
    assert done.exit_code == 0
    assert "same-label" in done.stdout and "published" in done.stdout
    assert call("show", "SupConLoss").stdout == done.stdout, "an alias shows the same method"


def test_show_as_latex_json_and_proof() -> None:
    assert "\\sum" in call("show", "supcon", "--latex").stdout
    document = json.loads(call("show", "supcon", "--json").stdout)
    assert document["schema"] == "iconograph/show/1" and document["id"] == "supcon"
    assert "lincomb" in call("show", "supcon", "--proof").stdout
    chain = call("show", "supcon", "--derivation").stdout
    assert chain.count("\n  = ") >= 2 and "log(x y) = log x + log y" in chain
    assert "align*" in call("show", "supcon", "--derivation", "--latex").stdout


def test_table_lists_every_method() -> None:
    from catalog import registry

    done = call("table", "--no-judge", "--json")
    document = json.loads(done.stdout)
    assert document["schema"] == "iconograph/table/1"
    assert [m["id"] for m in document["methods"]] == list(registry.ids())
    lines = call("table", "--no-judge").stdout.splitlines()
    assert len(lines) == len(registry.ids()) + 2


def test_cite_prints_each_entry_once() -> None:
    text = call("cite", "supcon", "SupConLoss").stdout
    assert text.count("@") == 1 and "khosla2020supervised" in text


def test_a_new_file_verifies_as_it_stands(here: Path) -> None:
    assert call("new", "my-loss").exit_code == 0
    assert 'id = "my-loss"' in (here / "my-loss.toml").read_text()
    done = call("verify", "my-loss.toml")
    assert done.exit_code == 0, done.output


# ------------------------------------------------------------------ generate


def test_generate_prints_or_writes_the_same_program(here: Path) -> None:
    printed = call("generate", "supcon")
    assert printed.exit_code == 0
    compile(printed.stdout, "supcon.py", "exec")
    assert call("generate", "supcon", "-o", "supcon.py").exit_code == 0
    assert (here / "supcon.py").read_text() == printed.stdout
    assert call("generate", "supcon", "-o", "supcon.py").exit_code == 0, "its own file is replaced"


def test_generate_writes_nothing_for_a_claim_that_does_not_hold(here: Path) -> None:
    wrong_file(here, "wrong.toml")
    for out in ([], ["-o", "loss.py"]):
        done = call("generate", "wrong.toml", *out)
        assert done.exit_code == 1 and done.stdout == ""
        assert "is refuted, so no program is written" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert {path.name for path in here.iterdir()} == {"wrong.toml"}
    done = call("generate", "wrong.toml", "--unverified")
    assert done.exit_code == 0 and "refuted; the file claims exact" in done.stdout
    done = call("generate", "wrong.toml", "--no-judge")
    assert done.exit_code == 0 and "not checked" in done.stdout


def test_generate_of_an_undecided_claim_exits_with_three(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derive import verify

    unknown = Unknown(
        method_id="infonce", claimed="exact", judges=(), seconds=0.0, tried=(), why="no idea"
    )
    monkeypatch.setattr(verify, "verify", lambda method, **_: unknown)
    done = call("generate", "infonce", "-o", "loss.py")
    assert done.exit_code == 3 and "is undecided, so no program" in done.stderr
    assert not (here / "loss.py").exists()
    assert call("generate", "infonce", "-o", "loss.py", "--unverified").exit_code == 0
    assert "unknown" in (here / "loss.py").read_text()


def test_generate_says_when_it_verifies() -> None:
    words = " ".join(call("generate", "--help").stdout.split())
    assert "verified first" in words and "--unverified" in words


def test_generate_replaces_a_foreign_file_by_force_only(here: Path) -> None:
    target = here / "loss.py"
    target.write_text("mine = 1\n")
    assert call("generate", "infonce", "-o", "loss.py").exit_code == 2
    assert target.read_text() == "mine = 1\n"
    assert call("generate", "infonce", "-o", "loss.py", "--force").exit_code == 0
    assert "import torch" in target.read_text()
    assert {path.name for path in here.iterdir()} == {"loss.py"}, "no temporary file is left"


# ------------------------------------------------------------------ the terminal


def test_help_and_version_answer_at_once(here: Path) -> None:
    spawn(here, "--help")  # warms the bytecode
    start = time.perf_counter()
    done = spawn(here, "--help")
    # 0.3 s alone on the machine; the rest is for a machine that is busy with this very suite
    assert time.perf_counter() - start < 1.5
    for command in ("verify", "check", "show", "table", "generate", "cite", "new"):
        assert command in done.stdout
    assert spawn(here, "--version").stdout.startswith("iconograph 0.")


def test_output_in_a_pipe_has_no_colour_and_no_trailing_blanks(here: Path) -> None:
    done = spawn(here, "table", "--no-judge")
    assert "\x1b[" not in done.stdout
    assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


def test_a_reader_that_goes_away_is_no_error(here: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "iconograph", "table", "--no-judge"],
        cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""


def test_an_interrupt_ends_quietly(here: Path) -> None:
    code = (
        "import os, signal\n"
        "import iconograph.find as find\n"
        "find.catalog_methods = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "from iconograph.cli import main\n"
        "main(['table'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False, preexec_fn=heed,
    )  # fmt: skip
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "iconograph: interrupted\n"


def heed() -> None:
    """Let a new process be interrupted: one that a script starts with & ignores it, and so on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("command", "wait"), [("verify", 0.8), ("verify", 2.0), ("graph", 2.0), ("check", 2.0)]
)
def test_an_interrupt_stops_the_workers_too(here: Path, command: str, wait: float) -> None:
    assert call("verify", "infonce", "--certificates", ".").exit_code == 0
    many = ["infonce.json"] * 5000 if command == "check" else []
    process = subprocess.Popen(
        [sys.executable, "-m", "iconograph", command, *many, "-j", "3"],
        cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed,
    )  # fmt: skip
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to everything in the foreground
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "iconograph: interrupted\n")


def test_a_bug_is_said_to_be_one_and_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog import registry

    monkeypatch.setattr(registry, "load", lambda name: 1 // 0)
    done = call("show", "infonce")
    assert done.exit_code == 70
    assert "a bug of iconograph" in done.stderr and "Traceback" not in done.stderr
    monkeypatch.setenv("ICONOGRAPH_DEBUG", "1")
    assert "Traceback" in call("show", "infonce").stderr
