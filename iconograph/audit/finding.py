"""What was found of a loss: its relation to a method, the pair it compares, and by what evidence.

A finding is numerical evidence, never a proof: its words say to what precision and at how many
inputs two functions agree, and a difference comes with an input that anybody can try.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["equal", "equal-up-to", "recognised", "different", "undecided"]
SCHEMA = 1
STATUS: Mapping[str, int] = {
    "equal": 0, "equal-up-to": 0, "recognised": 0, "different": 1, "undecided": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """The pair (p, q) that a loss was recognised as, a part each in a few words.

    `normalise` is row, joint, row-and-column or pair; `score` names the map from the inputs to the
    scores; `weight` is the sum of the anchors' weights, None where it differs from batch to batch.
    """

    rows: str
    self_pair: str
    positives: str
    score: str
    normalise: str
    temperature: float | None = None
    weight: float | None = None
    bias: float | None = None

    @property
    def words(self) -> str:
        """All of it in a line."""
        said = [self.rows, f"self pairs {self.self_pair}", f"positives: {self.positives}",
                f"q: {self.score}"]  # fmt: skip
        if self.temperature is not None:
            said.append(f"temperature {shown(self.temperature)}")
        if self.bias is not None:
            said.append(f"bias {shown(self.bias)}")
        if self.weight is not None:
            said.append(f"weights sum to {shown(self.weight)}")
        return "; ".join(said)

    def to_json(self) -> dict[str, Any]:
        """The parts by name, and the line."""
        return {
            "rows": self.rows, "self_pair": self.self_pair, "positives": self.positives,
            "score": self.score, "normalise": self.normalise, "temperature": self.temperature,
            "weight": self.weight, "bias": self.bias, "words": self.words,
        }  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """How much was compared: inputs, the largest relative error among them, and their sizes.

    `error` is of gradients and of differences of values. `precision` is "float64", or "float32"
    where the code computes in it whatever it is given.
    """

    inputs: int = 0
    error: float = 0.0
    sizes: tuple[str, ...] = ()
    precision: str = "float64"

    def to_json(self) -> dict[str, Any]:
        """By name."""
        return {
            "inputs": self.inputs, "error": self.error, "sizes": list(self.sizes),
            "precision": self.precision,
        }  # fmt: skip


@dataclass(frozen=True)
class Witness:
    """An input at which two losses differ: what the code gives there and what the reference gives.

    `what` says which number it is, "the value" or an entry of the gradient; `convention` says in
    words what explains the difference, "" where no convention does.
    """

    inputs: Mapping[str, Any]
    theirs: float
    ours: float
    what: str = "the value"
    convention: str = ""

    def to_json(self) -> dict[str, Any]:
        """By name; arrays as lists."""
        return {
            "inputs": {k: listed(v) for k, v in self.inputs.items()}, "theirs": self.theirs,
            "ours": self.ours, "what": self.what, "convention": self.convention,
        }  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """The relation of a loss to a method, or the pair it was recognised as.

    kind: equal; equal-up-to (what, in `up_to`); recognised (a pair, and no method was asked for);
    different (`conventions` says in what, `witness` shows it); undecided. `words` is one sentence.
    `method` is the id of the method, "" where there is none; `parameters` holds the numbers that
    the code fixes, by the method's symbols; `notes` adds what else was seen.
    """

    kind: Kind
    words: str
    method: str = ""
    up_to: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    pair: Pair | None = None
    evidence: Evidence = field(default_factory=Evidence)
    witness: Witness | None = None
    also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """The exit status that it calls for: 0 equal in some sense, 1 different, 3 undecided."""
        return STATUS[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Everything, in plain lists, numbers and texts."""
        return {
            "schema": SCHEMA, "kind": self.kind, "words": self.words, "method": self.method or None,
            "up_to": list(self.up_to), "conventions": list(self.conventions),
            "parameters": dict(self.parameters), "also": list(self.also),
            "pair": self.pair.to_json() if self.pair else None,
            "evidence": self.evidence.to_json(),
            "witness": self.witness.to_json() if self.witness else None,
            "notes": list(self.notes), "status": self.status,
        }  # fmt: skip


def listed(value: Any) -> Any:
    """An array as nested lists, a number as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def shown(number: float) -> str:
    """A number for people: six digits, and what is round to ten is shown round.

    >>> shown(0.07000000000001), shown(1 / 3), shown(2.0)
    ('0.07', '0.333333', '2')
    """
    return f"{round(number, 12):.6g}"
