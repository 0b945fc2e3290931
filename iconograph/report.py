"""What is said about a verdict, in one place: the words, the exit status and the JSON.

A `Row` holds plain data only, so that it crosses from a worker process, and so that the table, the
JSON and the notebook cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from iconograph.console import Exit

if TYPE_CHECKING:
    from catalog.spec import Method
    from derive.verdict import Verdict

Outcome = Literal["proved", "refuted", "unknown"]


@dataclass(frozen=True)
class Row:
    """One verdict as data.

    `ok` says whether the verdict is what the method's file claims: a does-not-reduce that was
    refuted with a witness is ok. `level` is the level of assurance of docs/trust.md (general-N,
    finite, witness, none). `vacuous` says why a claim that holds says nothing. `seconds`
    is wall time. `certificate` is the JSON of the proof, "" where there is none.
    """

    id: str
    name: str
    claimed: str
    outcome: Outcome
    level: str
    ok: bool
    seconds: float
    statement: str
    hypotheses: tuple[str, ...]
    hash: str
    judges: tuple[tuple[str, str, str], ...]
    detail: Mapping[str, Any] = field(default_factory=dict)
    certificate: str = ""
    vacuous: str = ""

    @property
    def brief(self) -> str:
        """The verdict in a few words, with its level, as generated programs state it."""
        if self.outcome == "unknown":
            return "unknown"
        said = f"{self.outcome}, {self.level}" if self.outcome == "proved" else self.outcome
        said = f"{said}; {self.vacuous}" if self.vacuous else said
        return said if self.ok else f"{said}; the file claims {self.claimed}"

    def to_json(self) -> dict[str, Any]:
        """The entry of `--json`, in which a certificate is named by its hash."""
        return {
            "id": self.id, "name": self.name, "claimed": self.claimed, "outcome": self.outcome,
            "level": self.level, "as_claimed": self.ok, "seconds": round(self.seconds, 4),
            "vacuous": self.vacuous,
            "statement": self.statement, "hypotheses": list(self.hypotheses),
            "certificate": self.hash or None,
            "judges": [{"name": n, "outcome": o, "detail": d} for n, o, d in self.judges],
            "detail": dict(self.detail),
        }  # fmt: skip


def row(method: Method, verdict: Verdict) -> Row:
    """The data of `verdict`, reached about `method`."""
    from derive.verdict import Proved, Refuted, Unknown

    outcome: Outcome
    certificate, hypotheses, vacuous = None, tuple[str, ...](), ""
    match verdict:
        case Proved():
            outcome, level, statement = "proved", verdict.level, verdict.theorem_text
            hypotheses = verdict.hypotheses
            certificate, vacuous = verdict.certificate, verdict.vacuous
        case Refuted():
            outcome, level = "refuted", "witness"
            statement = verdict.witness.describe()
        case Unknown():
            outcome, level = "unknown", "none"
            statement = f"{verdict.why} (tried: {', '.join(verdict.tried) or 'nothing'})"
        case _:
            raise TypeError(f"no verdict: {verdict!r}")
    return Row(
        id=method.id,
        name=method.name,
        claimed=verdict.claimed,
        outcome=outcome,
        level=level,
        ok=verdict.ok,
        seconds=verdict.seconds,
        statement=statement,
        hypotheses=hypotheses,
        hash=certificate.hash if certificate else "",
        judges=tuple((j.name, j.outcome, j.detail) for j in verdict.judges),
        detail=verdict.to_json(),
        certificate=certificate.to_json() if certificate else "",
        vacuous=vacuous,
    )


def status(rows: Iterable[Row]) -> Exit:
    """0 all as claimed, 1 some claim failed, 3 none failed but some are undecided."""
    rows = list(rows)
    if any(not r.ok and r.outcome != "unknown" for r in rows):
        return Exit.DIFFERS
    return Exit.AS_CLAIMED if all(r.ok for r in rows) else Exit.UNDECIDED


def mark(r: Row) -> tuple[str, str]:
    """The verdict in a word or three, and its colour; the words alone carry the meaning."""
    if r.outcome == "unknown":
        return "? unknown", "yellow"
    if not r.ok:
        return f"✗ {r.outcome}, claimed {r.claimed}", "red"
    if r.outcome == "refuted":
        return "✓ refuted, as claimed", "green"
    return ("✓ proved, vacuous", "yellow") if r.vacuous else ("✓ proved", "green")


def row_facts(r: Row) -> list[tuple[str, str]]:
    """A verdict line by line, as the terminal and the notebook show it."""
    return [
        (mark(r)[0], f"{r.id}: {r.name}"),
        ("claim", r.claimed),
        ("level", r.level),
        *([("says nothing", r.vacuous)] if r.vacuous else []),
        ("statement", r.statement),
        *(("assuming", text) for text in r.hypotheses),
        *(
            (name, f"{outcome}: {detail}" if detail else outcome)
            for name, outcome, detail in r.judges
        ),
        *([("certificate", r.hash)] if r.hash else []),
        ("seconds", f"{r.seconds:.2f}"),
    ]


def summary(rows: Iterable[Row]) -> str:
    """One sentence that counts the verdicts and never calls an undecided one a success."""
    rows = list(rows)
    kinds = Counter(
        "undecided" if r.outcome == "unknown"
        else "not as claimed" if not r.ok
        else f"{r.outcome} ({r.level}){', vacuous' if r.vacuous else ''}"
        if r.outcome == "proved"
        else "refuted as claimed"
        for r in rows
    )  # fmt: skip
    parts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    noun = "claim" if len(rows) == 1 else "claims"
    return f"{len(rows)} {noun}: {parts or 'nothing to verify'}."
