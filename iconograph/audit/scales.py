"""The scale between two losses as people say it: a sum against a mean, and over what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iconograph.audit.candidate import Candidate
from iconograph.audit.finding import shown
from iconograph.audit.layout import Layout
from iconograph.audit.probe import Array
from iconograph.audit.readings import same_class


@dataclass(frozen=True)
class Law:
    """scale = factor * count(batch), the count named by `name` ("" for 1).

    `name` is a key of `counts`, with `1/` before it for its inverse; None where no law holds.
    """

    factor: float
    name: str | None

    def at(self, counts: Mapping[str, float]) -> float:
        """The scale of a batch."""
        if not self.name:
            return self.factor
        inverse = self.name.startswith("1/")
        value = counts[self.name.removeprefix("1/")]
        return self.factor / value if inverse else self.factor * value

    @property
    def words(self) -> tuple[str, ...]:
        """What it says, an item for the reduction and one for a factor."""
        said = []
        if self.name is None:
            return ("a scale that depends on the sizes of the batch",)
        if self.name:
            verb = "divided by" if self.name.startswith("1/") else "times"
            said.append(f"reduction: {verb} the number of {self.name.removeprefix('1/')}")
        if abs(self.factor - 1) > 1e-6:
            said.append(f"scale {shown(self.factor)}")
        return tuple(said)


def counts(candidate: Candidate, inputs: Mapping[str, Array]) -> dict[str, float]:
    """What can be counted of a batch: rows, columns, positive pairs."""
    layout = Layout(candidate.call, inputs)
    reading = candidate.binding.reading
    found: dict[str, float] = {}
    if reading.tables:
        found["rows"] = len(reading.tables[0](layout))
    arrays = [s for s in candidate.call.slots if s.learned and s.shape]
    if arrays:
        shape = np.shape(inputs[arrays[0].name])
        found.setdefault("rows", shape[0])
        if shape[0] != found["rows"]:
            found["items"] = shape[0]
        if len(shape) > 1:
            found["columns" if arrays[0].shape[-1] != "d" else "coordinates"] = shape[-1]
            found["entries"] = shape[0] * shape[-1]
    if reading.classes is not None and len(y := reading.classes(layout)) == found["rows"]:
        found["positive pairs"] = float(same_class(np.asarray(y)).sum())
    found["pairs of rows"] = found["rows"] ** 2
    found["pairs of different rows"] = found["rows"] * (found["rows"] - 1)
    return {k: float(v) for k, v in found.items() if v}


def law(scales: Sequence[float], batches: Sequence[Mapping[str, float]], tolerance: float) -> Law:
    """The law of some scales: the simplest that holds, with factor 1 where one has that."""
    usable = [(s, b) for s, b in zip(scales, batches, strict=True) if np.isfinite(s)]
    names = ["", *(f"{side}{k}" for k in batches[0] for side in ("1/", ""))]
    held: list[Law] = []
    for name in names:
        factors = [s / Law(1.0, name).at(b) for s, b in usable]
        mean = float(np.mean(factors))
        if max(abs(f - mean) for f in factors) <= 10 * tolerance * abs(mean):
            held.append(Law(mean, name))
    one = [x for x in held if abs(x.factor - 1) < 100 * tolerance]
    plain = [x for x in held if x.name == ""]
    several = len({tuple(b.items()) for b in batches}) > 1
    chosen = (plain if several else []) or one or held
    return chosen[0] if chosen else Law(float(np.mean([s for s, _ in usable])), None)


__all__ = ["Law", "counts", "law"]
