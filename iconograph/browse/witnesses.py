"""The witness of a refutation as its page shows it: what is put in, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from derive.witness import CLAIM, KINDS


@dataclass(frozen=True)
class Values:
    """A symbol with its values: rows of a matrix, or one row of one value."""

    name: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Point:
    """One choice of what is learned, and the two values there ("" where none was evaluated)."""

    title: str
    learned: tuple[Values, ...]
    left: str = ""
    right: str = ""


@dataclass(frozen=True)
class Shown:
    """A witness. `names` are what its two values are of."""

    says: str
    sizes: tuple[tuple[str, int], ...]
    given: tuple[Values, ...]
    points: tuple[Point, ...]
    names: tuple[str, str]
    text: str


def shown(data: Mapping[str, Any]) -> Shown:
    """What `Witness.to_json` wrote, for a page."""
    points, several = data["points"], len(data["points"]) > 1
    lefts, rights = (list(data[k]) for k in ("published", "other"))
    lefts += [""] * (len(points) - len(lefts))
    rights += [""] * (len(points) - len(rights))
    right = "claimed" if data["against"] == CLAIM else "I-Con"
    statement = data["kind"] == "statement"
    return Shown(
        KINDS.get(data["kind"], data["kind"]), tuple(data["sizes"].items()),
        tuple(given(data)),
        tuple(
            Point(f"Point {n}" if several else "Learned", tuple(values(p)), a, b)
            for n, (p, a, b) in enumerate(zip(points, lefts, rights, strict=True), 1)
        ),
        ("left side", "right side") if statement else ("published", right),
        data["text"],
    )  # fmt: skip


def given(data: Mapping[str, Any]) -> Iterator[Values]:
    """What is given; the elements of a set are counted from 1 for readers."""
    yield from values(data["given"])
    yield from values(data["masks"])
    yield from values({name: raised(table) for name, table in data["functions"].items()})


def raised(table: Any) -> Any:
    """A table of positions, each one more."""
    return [raised(row) for row in table] if isinstance(table, list) else str(int(table) + 1)


def values(tables: Mapping[str, Any]) -> Iterator[Values]:
    """Tables of text as rows."""
    for name, table in tables.items():
        yield Values(name, tuple(rows(table)))


def rows(table: Any) -> Iterator[tuple[str, ...]]:
    """A number, a list or a matrix; of a deeper table each matrix after the other."""
    if not isinstance(table, list):
        yield (str(table),)
    elif not any(isinstance(row, list) for row in table):
        yield tuple(map(str, table))
    else:
        for row in table:
            yield from rows(row)
