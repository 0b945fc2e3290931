"""A loss as a black box: what it takes, and its value and derivatives at an input.

The code that answers may run in this process or in another one; who recognises a loss does not see
which. Everything is float64 NumPy here, so nothing in this file needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Array: TypeAlias = Any  # a NumPy array
Kind = Literal["real", "unit", "scale", "label", "target", "weight"]


class Theirs(Exception):
    """The code under test failed: it raised, ran out of time or memory, or returned no loss.

    The message says which, with its own words; `trace` is its traceback, "" where it has none.
    """

    def __init__(self, message: str, trace: str = ""):
        super().__init__(message)
        self.trace = trace


@dataclass(frozen=True)
class Slot:
    """One argument of a call.

    kind: "real" and "unit" (rows of norm 1) are learned arrays, "scale" a learned positive number
    such as open_clip's logit_scale; "label" holds classes, "target" the index of a column for each
    row, "weight" given non-negative numbers. `shape` is in letters: n rows, m columns (n where the
    call has no m), v views, d coordinates, c classes. `keyword` says that it is passed by name.
    """

    name: str
    kind: Kind
    shape: tuple[str, ...]
    keyword: bool = False

    @property
    def learned(self) -> bool:
        """Whether the loss is differentiated by it."""
        return self.kind in ("real", "unit", "scale")


@dataclass(frozen=True)
class Call:
    """A calling convention: its name, its slots in order, and a few words for people."""

    name: str
    slots: tuple[Slot, ...]
    words: str


@dataclass(frozen=True)
class Answer:
    """What the code returned.

    `value` is the loss as one number (the sum where it returned an array), `rows` the array it
    returned, None for a number; `gradient` holds the derivative of `value` by each learned slot.
    """

    value: float
    rows: Array | None
    gradient: Mapping[str, Array]


class Probe(Protocol):
    """A loss that can be asked. Every method raises Theirs where the code fails."""

    call: Call

    def ask(self, inputs: Mapping[str, Array], *, gradient: bool = True) -> Answer:
        """Value and gradient at an input, an array for each slot of `call`."""
        ...

    def hessian(self, inputs: Mapping[str, Array], name: str) -> Array:
        """The second derivatives of the value by the entries of one slot: [k, k], k its size."""
        ...
