"""A method's published formula on the arguments of a call: the other number of a comparison.

>>> at = {"logits": [[0.0, 1.0]], "target": [1]}
>>> round(published("cross-entropy", "logits-targets", at), 6)
0.313262
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from catalog.errors import InputError
from catalog.registry import load
from iconograph.audit.calls import Convention, find, written
from iconograph.audit.candidate import Candidate, candidates
from iconograph.audit.probe import Array
from iconograph.audit.readings import Unfit


def convention_of(text: str) -> Convention:
    """The convention that a text names ("two-views") or describes ("y=real[n,2], p=weight[n,n]").

    Raises:
        InputError: there is no such convention, or a part describes no argument.
    """
    if "[" not in text:
        return Convention(find(text))
    return written(text.replace("], ", "]\0").split("\0"))


def published(
    method: str,
    call: str,
    inputs: Mapping[str, Array],
    numbers: Mapping[str, float] | None = None,
    *,
    reading: int = 0,
) -> float:
    """The value of a method's formula, as its paper prints it, where a call gives the data.

    `inputs` holds an array for each argument of the call by its name in the convention; `numbers`
    are those of the formula that the call does not give, such as tau. A call can be read in several
    ways (two views apart or stacked, rows as they are or of norm 1, cosines of rows or, where the
    code takes them as they are, inner products); `reading` picks one, by its place in `readings`.

    Raises:
        InputError: no such method or convention, the call does not give what the formula needs, or
            a number is missing.
    """
    return with_gradient(method, call, inputs, numbers, reading=reading)[0]


def with_gradient(
    method: str,
    call: str,
    inputs: Mapping[str, Array],
    numbers: Mapping[str, float] | None = None,
    *,
    reading: int = 0,
) -> tuple[float, dict[str, Array]]:
    """What `published` returns, and its gradient by each learned argument, shaped like it."""
    given = {k: np.asarray(v) for k, v in inputs.items()}
    known = numbers or {}
    ways = list(readings(method, call))
    if reading >= len(ways):
        raise InputError(f"{method} on {call} has {len(ways)} readings")
    missing = [d.name for d in ways[reading].free if d.name not in known]
    if missing:
        raise InputError(f"{method} needs {', '.join(missing)}")
    try:
        return ways[reading].at(given, known)
    except Unfit as error:
        raise InputError(f"{method} on {call}: {error}") from None


def readings(method: str, call: str) -> Iterator[Candidate]:
    """The ways to give a method's formula its symbols from a call, the likeliest first."""
    yield from candidates(load(method), convention_of(call).call)
