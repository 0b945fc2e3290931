"""A loss under several ranks: is the mean of what they find what one process finds?

Every rank gets its share of the rows. Data-parallel training averages gradients over ranks, so the
mean of the values and of the gradients by the shares should be those of one process that has all
rows. The code runs unchanged: what it gathers, it gathers itself.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog.errors import InputError
from iconograph.audit.calls import Convention, draw
from iconograph.audit.probe import Answer, Array, Call, Slot, Theirs
from iconograph.audit.process import START, Child, Settings
from iconograph.audit.wire import answer, packed

ROWS = 4  # of each rank: two classes of two, so that every row has a positive on its own rank
OTHER = {"m": 5, "d": 3, "v": 2, "c": 3}
MOST = 8
EQUAL = 1e-9  # relative, for code that computes in double precision
ASKING = "answering"
SLICE = 0.02  # seconds that are waited for one rank before it is the next one's turn


@dataclass(frozen=True)
class Agreement:
    """A mean over ranks against a single process.

    `ratio` is the factor that fits best, `cosine` that of the angle between the two, `error` the
    distance relative to the single process. A number has cosine 1 or -1.
    """

    ratio: float
    cosine: float
    error: float
    equal: bool

    @property
    def words(self) -> str:
        """The same in a few words."""
        if self.equal:
            return "equal"
        if abs(self.cosine) > 1 - EQUAL:
            return f"ratio {self.ratio:.6g}"
        return f"ratio {self.ratio:.6g}, cosine {self.cosine:.6g}"

    def to_json(self) -> dict[str, Any]:
        """By name."""
        return {
            "ratio": self.ratio, "cosine": self.cosine, "error": self.error, "equal": self.equal
        }  # fmt: skip


@dataclass(frozen=True)
class Parallel:
    """What `ranks` ranks find; `values` are those of the ranks, `single` that of one process.

    `gradient` compares each learned slot, `value` the losses.
    """

    ranks: int
    values: tuple[float, ...]
    single: float
    value: Agreement
    gradient: Mapping[str, Agreement]

    @property
    def equal(self) -> bool:
        """Whether the mean of values and gradients over ranks is that of one process."""
        return self.value.equal and all(g.equal for g in self.gradient.values())

    def facts(self) -> list[tuple[str, str]]:
        """Line by line, as keys and words."""
        mean = math.fsum(self.values) / self.ranks
        differ = "" if self.value.equal else f": {mean:.10g} against {self.single:.10g}"
        mark = "✓" if self.equal else "✗"
        said = "is" if self.equal else "is not"
        return [
            (f"{mark} {self.ranks} ranks", f"the mean over ranks {said} that of one process"),
            ("value", f"{self.value.words}{differ}"),
            *((f"gradient by {name}", g.words) for name, g in self.gradient.items()),
        ]

    def to_json(self) -> dict[str, Any]:
        """By name."""
        return {
            "ranks": self.ranks, "equal": self.equal, "values": list(self.values),
            "single": self.single, "value": self.value.to_json(),
            "gradient": {name: g.to_json() for name, g in self.gradient.items()},
        }  # fmt: skip


def parallel(
    settings: Settings, convention: Convention, ranks: int, seed: int = 0, relative: float = 0.0
) -> Parallel:
    """The agreement at one random batch; `relative` is the precision of the code's values.

    Raises:
        InputError: a share of the rows has no meaning for this convention.
        Theirs: the code fails under ranks, or they wait for one another too long.
    """
    call = convention.call
    refuse(call, convention.fixed, ranks)
    inputs = batch(call, {**OTHER, **convention.fixed, "n": ROWS * ranks}, ranks, seed)
    shares = [share(call, inputs, rank, ranks) for rank in range(ranks)]
    found = asked(settings, convention, shares, seed)
    try:
        one = asked(settings, convention, [inputs], seed, alone=True)[0]
    except Theirs:  # code that cannot do without a process group gets one of one rank
        one = asked(settings, convention, [inputs], seed)[0]
    tolerance = max(EQUAL, 100 * relative)
    mean = math.fsum(a.value for a in found) / ranks
    return Parallel(
        ranks, tuple(a.value for a in found), one.value,
        agreement([mean], [one.value], tolerance),
        {
            s.name: agreement(
                joined(s, [a.gradient[s.name] for a in found]), one.gradient[s.name], tolerance)
            for s in call.slots if s.learned
        },
    )  # fmt: skip


def refuse(call: Call, fixed: Mapping[str, int], ranks: int) -> None:
    """Raise InputError where the rows cannot be shared."""
    countable(ranks)
    if "n" in fixed:
        hint = "write n for the rows: 'z=real[n,128]'"
        raise InputError("a number of rows that is fixed cannot be shared among ranks", hint=hint)
    across = [s.name for s in call.slots if any(e.endswith("n") for e in s.shape[1:])]
    if across or not any(_rows(s) for s in call.slots if s.learned):
        what = f"{across[0]} has the rows as columns too" if across else "nothing has rows"
        hint = "--world is for embeddings, views, and rows of logits"
        raise InputError(f"a rank's share of {call.name} has no meaning: {what}", hint=hint)


def countable(ranks: int) -> None:
    """Raise InputError where there are too few or too many ranks."""
    if not 2 <= ranks <= MOST:
        raise InputError(f"--world is a number of ranks from 2 to {MOST}")


def _rows(slot: Slot) -> int:
    """How many blocks of n rows the slot has, 0 where every rank gets all of it."""
    first = slot.shape[0] if slot.shape else ""
    return int(first[:-1] or 1) if first.endswith("n") else 0


def batch(call: Call, sizes: Mapping[str, int], ranks: int, seed: int) -> dict[str, Array]:
    """An input where every row has positives on its own rank and on each other one."""
    import numpy as np

    found = draw(call, sizes, seed)
    for slot in call.slots:
        if slot.kind == "label" and _rows(slot):
            own = np.arange(ROWS) % 2
            found[slot.name] = np.tile(own, _rows(slot) * ranks)
    return found


def share(call: Call, inputs: Mapping[str, Array], rank: int, ranks: int) -> dict[str, Array]:
    """What one rank gets: its rows of every block of n rows, and all of what has no rows."""
    found = {}
    for slot in call.slots:
        x = inputs[slot.name]
        if blocks := _rows(slot):
            parts = x.reshape(blocks, ranks, -1, *x.shape[1:])
            x = parts[:, rank].reshape(-1, *x.shape[1:])
        found[slot.name] = x
    return found


def joined(slot: Slot, gradients: Sequence[Array]) -> Array:
    """The gradient that data-parallel training has of the whole batch: a mean over ranks."""
    import numpy as np

    if not (blocks := _rows(slot)):
        return np.mean(gradients, axis=0)
    rest = gradients[0].shape[1:]
    parts = [g.reshape(blocks, 1, -1, *rest) for g in gradients]
    return np.concatenate(parts, axis=1).reshape(-1, *rest) / len(gradients)


def agreement(mean: Array, single: Array, tolerance: float) -> Agreement:
    """The comparison of two arrays."""
    import numpy as np

    a, b = (np.asarray(x, dtype=float).reshape(-1) for x in (mean, single))
    length, other = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if length == 0 or other == 0:
        same = length == other
        return Agreement(1.0 if same else math.nan, 1.0 if same else 0.0, float(not same), same)
    inner = float(a @ b)
    error = float(np.linalg.norm(a - b)) / other
    return Agreement(inner / other**2, inner / (length * other), error, error <= tolerance)


# ---------------------------------------------------------------------- the ranks


def asked(
    settings: Settings,
    convention: Convention,
    shares: Sequence[Mapping[str, Array]],
    seed: int,
    *,
    alone: bool = False,
) -> list[Answer]:
    """The answers of as many ranks as there are shares; `alone` without a process group."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        children = []
        for rank in range(len(shares)):
            world = {
                "rank": rank, "size": len(shares), "store": str(Path(folder) / "store"),
                "patience": 2 * settings.seconds + 60,  # our own limit is the one that counts
            }  # fmt: skip
            child = Child(settings if alone else replace(settings, world=world))
            stack.callback(child.close)
            children.append(child)
        for what in ("importing torch", "importing the code"):
            together(children, settings.seconds + START, what)
        for child, given in zip(children, shares, strict=True):
            child.send({"arguments": packed(convention, given), "gradient": True, "seed": seed})
        return [answer(x["answer"]) for x in together(children, settings.seconds, ASKING)]


def together(children: Sequence[Child], seconds: float, doing: str) -> list[dict[str, Any]]:
    """A line of each; what one of them raises ends the waiting for the others."""
    until = time.monotonic() + seconds
    found: dict[int, dict[str, Any]] = {}
    while len(found) < len(children):
        for rank, child in enumerate(children):
            if rank in found:
                continue
            try:
                line = child.poll(SLICE)
            except Theirs as error:
                raise Theirs(f"on rank {rank} of {len(children)}: {error}", error.trace) from None
            if line is not None:
                found[rank] = line
        if time.monotonic() > until and len(found) < len(children):
            late = [str(r) for r in range(len(children)) if r not in found]
            answered = " and the others had answered" if found else ""
            words = f"rank {', '.join(late)} of {len(children)} was still {doing}"
            why = ": ranks wait for one another where one of them leaves out a collective"
            raise Theirs(f"{words} after {seconds:g} s{answered}{why if doing == ASKING else ''}")
    return [found[rank] for rank in range(len(children))]
