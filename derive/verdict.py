"""The three verdicts, and what each carries so that a reader can check it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.certificate import Certificate
    from derive.witness import Witness

NEGATIVE = ("does-not-reduce", "false-as-stated")


@dataclass(frozen=True)
class Judge:
    """What one judge said: its name, its outcome in a word, and detail that makes it checkable."""

    name: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is known about the claim of one method. `seconds` is the time it took to find out."""

    method_id: str
    claimed: str
    judges: tuple[Judge, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the verdict is what the file claims."""
        return False

    @property
    def word(self) -> str:
        """proved, refuted or unknown."""
        return type(self).__name__.lower()

    def to_json(self) -> dict[str, Any]:
        """The verdict as data."""
        return {
            "method": self.method_id, "claimed": self.claimed, "verdict": self.word,
            "as_claimed": self.ok, "seconds": round(self.seconds, 4),
            "judges": [[j.name, j.outcome, j.detail] for j in self.judges],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Proved(Verdict):
    """The claim holds. level general-N: a derivation was replayed; finite: at fixed sizes only.

    `vacuous` says why it says nothing all the same, "" where it says something.
    """

    level: str
    theorem_text: str
    hypotheses: tuple[str, ...] = ()
    certificate: Certificate | None = None
    vacuous: str = ""

    @property
    def ok(self) -> bool:
        """Whether that was claimed, and for every N."""
        return self.claimed not in NEGATIVE and self.level == "general-N"

    def to_json(self) -> dict[str, Any]:
        """The verdict as data, the certificate by its hash."""
        return {
            **super().to_json(), "level": self.level, "theorem": self.theorem_text,
            "hypotheses": list(self.hypotheses),
            "certificate": self.certificate.hash if self.certificate else None,
            "vacuous": self.vacuous,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Refuted(Verdict):
    """The claim fails, see `witness`. kind: constant, scale, sign, different, undefined, ..."""

    kind: str
    witness: Witness

    @property
    def ok(self) -> bool:
        """Whether the file says that the claim fails."""
        return self.claimed in NEGATIVE

    def to_json(self) -> dict[str, Any]:
        """The verdict as data, with the witness."""
        return {**super().to_json(), "kind": self.kind, "witness": self.witness.to_json()}


@dataclass(frozen=True, kw_only=True)
class Unknown(Verdict):
    """Nobody could decide: what was tried, and why it did not suffice. Never a success."""

    tried: tuple[str, ...]
    why: str

    def to_json(self) -> dict[str, Any]:
        """The verdict as data."""
        return {**super().to_json(), "tried": list(self.tried), "why": self.why}
