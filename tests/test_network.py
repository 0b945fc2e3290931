"""Edges that a verdict proves: verified once, or replayed from a certificate that has to hold."""

from pathlib import Path

import pytest

from catalog import registry
from catalog.errors import InputError
from derive import relations, verify
from derive.verdict import Proved
from iconograph import console
from iconograph.network import batches, claims, judge

NAME = "supcon-in-is-icon-contradicts-supcon"
EDGES = {e.name: e for e in claims()}


@pytest.fixture(scope="module")
def proof() -> str:
    found = verify.verify(registry.load("supcon"))
    assert isinstance(found, Proved) and found.certificate is not None
    return found.certificate.to_json()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The entries that are verified, by a search."""
    asked: list[str] = []
    for_real = verify.verify

    def noted(method, **more):  # type: ignore[no-untyped-def]
        asked.append(method.id)
        return for_real(method, **more)

    monkeypatch.setattr(verify, "verify", noted)
    monkeypatch.setattr(relations, "_VERDICTS", {})
    return asked


def test_an_entry_is_verified_once(verified: list[str]) -> None:
    parts = batches(EDGES.values())
    assert sorted(e.name for part in parts for e in part) == sorted(EDGES)
    shared = [part for part in parts if len(part) > 1]
    assert shared and all(len({e.proof for e in part}) == 1 for part in shared)
    assert len({part[0].proof for part in parts if part[0].proof}) == sum(
        bool(part[0].proof) for part in parts
    )
    two = [e for e in EDGES.values() if e.proof == "supcon-in-is-icon"]
    steps: list[int] = []
    found = judge(two, step=lambda: steps.append(1))
    assert len(two) > 1 and all(v.ok for _, v in found) and len(steps) == 1
    assert [edge.name for edge, _ in found] == [e.name for e in two]
    assert verified.count("supcon-in-is-icon") == 1


def test_a_certificate_is_replayed(tmp_path: Path, proof: str, verified: list[str]) -> None:
    (tmp_path / "supcon.json").write_text(proof)
    ((edge, verdict),) = judge([EDGES[NAME]], certificates=tmp_path)
    assert verdict.ok and edge.status == "proved"
    assert verified == ["supcon-in-is-icon"], "what is refuted has no certificate"
    assert verdict.why == judge([EDGES[NAME]])[0][1].why


def test_a_certificate_that_does_not_hold_proves_no_edge(tmp_path: Path, proof: str) -> None:
    other = verify.verify(registry.load("infonce"))
    assert isinstance(other, Proved) and other.certificate is not None
    wrong = {
        "changed": proof.replace('"lincomb"', '"congr"', 1),
        "of another claim": other.certificate.to_json(),
        "empty": "",
    }
    for text in wrong.values():
        assert text != proof
        (tmp_path / "supcon.json").write_text(text)
        with pytest.raises(InputError):
            judge([EDGES[NAME]], certificates=tmp_path)


def test_progress_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with console.progress(3, "verify") as step:
        step()
        step()
    assert capsys.readouterr().err == "", "seconds need no progress"
    monkeypatch.setattr(console, "INTERVAL", 0.0)
    with console.progress(3, "verify") as step:
        for _ in range(3):
            step()
    said = capsys.readouterr()
    assert said.err == "".join(f"iconograph: verify: {k} of 3 done\n" for k in (1, 2))
    assert said.out == ""
