"""Which entry is judged first: the order of the work is another than that of the answers."""

from __future__ import annotations

import pytest

from catalog import registry
from catalog.errors import InputError
from iconograph.commands import verify


def test_long_files_are_judged_first_and_answers_keep_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["infonce", "s-stress-joint", "supcon", "classical-scaling", "nobody", "wide-k-means"]
    known = [n for n in names if n != "nobody"]
    judged: list[str] = []

    def note(target: str) -> str:
        judged.append(target)
        return f"verdict on {target}"

    monkeypatch.setattr(verify, "attempt", note)
    assert verify.answered(known, 1) == [f"verdict on {n}" for n in known]
    assert set(judged[:2]) == {"s-stress-joint", "classical-scaling"}
    assert judged[2] == "wide-k-means" and sorted(judged) == sorted(known)


def test_all_entries_are_judged_and_read_by_whom_they_are_judged() -> None:
    assert list(verify.entries()) == list(registry.ids())
    assert isinstance(verify.attempt("nobody"), InputError)
    assert verify.size("s-stress") == verify.size(registry.load("s-stress")) > verify.size("clip")


def test_methods_of_plug_ins_are_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process would not know what is wrong with them."""
    from dataclasses import replace

    known = registry.everything()
    some = {"clip": known["clip"], "infonce": replace(known["infonce"], origin="plug-in")}
    monkeypatch.setattr(registry, "everything", lambda: some)
    assert [m if isinstance(m, str) else m.id for m in verify.entries()] == ["clip", "infonce"]
    assert not any(isinstance(m, str) for m in verify.entries())
