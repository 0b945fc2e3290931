"""The ways to read the rows of a call: two views apart or stacked, partners, classes of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from iconograph.audit.layout import Layout
from iconograph.audit.probe import Array, Call, Slot

Maker = Callable[[Layout], Array]


class Unfit(ValueError):
    """A call that does not give a method what it needs; the message says what."""


@dataclass(frozen=True)
class Reading:
    """The rows of a call: tables of vectors by maker, and partner, classes and views of rows."""

    words: str
    tables: tuple[Maker, ...]
    partner: Maker | None = None
    classes: Maker | None = None
    views: Maker | None = None


def readings(call: Call) -> Iterator[Reading]:
    """The ways to read the rows of a call, the likeliest first."""
    vectors = [s for s in call.slots if s.learned and len(s.shape) > 1 and s.shape[-1] == "d"]
    label = next((s.name for s in call.slots if s.kind == "label"), None)
    given: Maker | None = None if label is None else lambda at: np.asarray(at.inputs[label])
    if not vectors:
        yield Reading("", (), classes=given)
        return
    if len(vectors) == 1 and len(vectors[0].shape) == 3:
        name, half = vectors[0].name, halves
        stacked = lambda at: np.concatenate(list(np.moveaxis(at.table(name), 1, 0)))  # noqa: E731
        rows = len_of(stacked)
        own = tiled(given, name) if given else items(name)
        yield Reading("views stacked", (stacked,), rolled(rows), own, half(rows))
        apart = (view_of(name, 0), view_of(name, 1))
        yield Reading("views apart", apart, None, given)
        return
    tables = tuple(table_of(s) for s in vectors)
    if len(vectors) == 1:
        rows = len_of(tables[0])
        if given is not None:
            yield Reading("", tables, partner_of(given), given)
            return
        yield Reading("row i+n is the other view", tables, rolled(rows), modulo(rows), halves(rows))
        yield Reading("rows 2i and 2i+1 are two views", tables, neighbour(rows), pairwise(rows),
                      odd(rows))  # fmt: skip
        return
    yield Reading("" if len(vectors) > 2 else "rows of the two apart", tables, None, given)
    if len(vectors) == 2:
        both = lambda at: np.concatenate([t(at) for t in tables])  # noqa: E731
        same = vectors[0].shape == vectors[1].shape
        if same:
            rows = len_of(both)
            own = twice(given) if given else modulo(rows)
            yield Reading("the two stacked", (both,), rolled(rows), own, halves(rows))
        yield Reading("the two exchanged", tables[::-1], None, given)


def view_of(name: str, k: int) -> Maker:
    """The rows of one view."""
    return lambda at: at.table(name)[:, k]


def table_of(slot: Slot) -> Maker:
    """The rows of a slot."""
    return lambda at: at.table(slot.name)


def len_of(table: Maker) -> Callable[[Layout], int]:
    """How many rows a table has."""
    return lambda at: len(table(at))


def rolled(rows: Callable[[Layout], int]) -> Maker:
    """Row i and row i+n of 2n rows are partners."""
    return lambda at: (np.arange(rows(at)) + rows(at) // 2) % rows(at)


def neighbour(rows: Callable[[Layout], int]) -> Maker:
    """Rows 2i and 2i+1 are partners."""
    return lambda at: np.arange(rows(at)) ^ 1


def modulo(rows: Callable[[Layout], int]) -> Maker:
    """Classes of partners i and i+n."""
    return lambda at: np.arange(rows(at)) % max(rows(at) // 2, 1)


def pairwise(rows: Callable[[Layout], int]) -> Maker:
    """Classes of partners 2i and 2i+1."""
    return lambda at: np.arange(rows(at)) // 2


def halves(rows: Callable[[Layout], int]) -> Maker:
    """The view of each of 2n rows, the first n being of the first."""
    return lambda at: np.arange(rows(at)) // max(rows(at) // 2, 1)


def odd(rows: Callable[[Layout], int]) -> Maker:
    """The view of each row where they alternate."""
    return lambda at: np.arange(rows(at)) % 2


def tiled(given: Maker, name: str) -> Maker:
    """Classes of rows stacked view by view."""
    return lambda at: np.tile(given(at), np.shape(at.inputs[name])[1])


def items(name: str) -> Maker:
    """The item of each row, where rows are stacked view by view."""
    return lambda at: np.tile(np.arange(np.shape(at.inputs[name])[0]), np.shape(at.inputs[name])[1])


def twice(given: Maker) -> Maker:
    """Classes of two stacked tables of the same items."""
    return lambda at: np.tile(given(at), 2)


def partner_of(given: Maker) -> Maker:
    """The other row of each class of two; raises Unfit where classes have other sizes."""

    def make(at: Layout) -> Array:
        y = given(at)
        same = (y[:, None] == y[None]) & ~np.eye(len(y), dtype=bool)
        if not np.all(same.sum(axis=1) == 1):
            raise Unfit("a row has not exactly one partner")
        return same.argmax(axis=1)

    return make


def same_class(y: Array) -> Array:
    """Pairs of different rows of one class."""
    return (y[:, None] == y[None]) & ~np.eye(len(y), dtype=bool)


__all__ = ["Maker", "Reading", "Unfit", "readings", "same_class"]
