"""Requests to the code under test and its answers as they travel, and a `Probe` made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from iconograph.audit.calls import Convention
from iconograph.audit.probe import Answer, Array, Call


class Asked(Protocol):
    """Code that answers requests (iconograph/audit/answers.py), in another process or this one."""

    @property
    def what(self) -> str:
        """What the code is, in words."""
        ...

    @property
    def parameters(self) -> list[dict[str, Any]] | None:
        """The parameters of its call, as `answers.parameters` gives them."""
        ...

    @property
    def numbers(self) -> Sequence[int]:
        """The options that are whole numbers, one of which may be a width."""
        ...

    @property
    def torch(self) -> str:
        """The version of torch."""
        ...

    @property
    def notes(self) -> dict[str, None]:
        """What else is worth saying of it and of its answers so far, each once."""
        ...

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request."""
        ...


def packed(convention: Convention, inputs: Mapping[str, Array]) -> list[dict[str, Any]]:
    """Inputs as they travel, in the order of the slots."""
    import numpy as np

    found = []
    for slot in convention.call.slots:
        x = np.asarray(inputs[slot.name])
        found.append({
            "name": slot.name, "keyword": convention.passed.get(slot.name), "kind": slot.kind,
            "shape": list(x.shape), "data": x.reshape(-1).tolist(),
        })  # fmt: skip
    return found


def unpacked(sent: Mapping[str, Any]) -> Array:
    """An array that came back."""
    import numpy as np

    return np.asarray(sent["data"], dtype=np.float64).reshape(sent["shape"])


class CodeProbe:
    """Code that answers requests, as a `Probe`; `fixed` holds sizes that it fixes, by letter."""

    def __init__(self, code: Asked, convention: Convention, seed: int = 0):
        self.code = code
        self.convention = convention
        self.call: Call = convention.call
        self.fixed: Mapping[str, int] = convention.fixed
        self.seed = seed

    def ask(self, inputs: Mapping[str, Array], *, gradient: bool = True) -> Answer:
        """Value and gradient at an input, an array for each slot of `call`."""
        arguments = packed(self.convention, inputs)
        found = self.code.ask({"arguments": arguments, "gradient": gradient, "seed": self.seed})
        return answer(found)

    def hessian(self, inputs: Mapping[str, Array], name: str) -> Array:
        """The second derivatives of the value by the entries of one slot: [k, k], k its size."""
        arguments = packed(self.convention, inputs)
        found = self.code.ask({"arguments": arguments, "by": name, "seed": self.seed})
        return unpacked(found["hessian"])

    def values(self, inputs: Mapping[str, Array], times: int, seed: int) -> Sequence[float]:
        """The value at one input, asked several times of one object, seeds set each time."""
        arguments = packed(self.convention, inputs)
        found = self.code.ask({"arguments": arguments, "again": times, "seed": seed})
        return [float(x) for x in found["values"]]


def answer(found: Mapping[str, Any]) -> Answer:
    """An `Answer` from data that travelled."""
    return Answer(
        found["value"],
        None if found["rows"] is None else unpacked(found["rows"]),
        {name: unpacked(g) for name, g in found["gradient"].items()},
    )
