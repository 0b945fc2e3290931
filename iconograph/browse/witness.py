"""A witness as pages show it: the input, and what both sides of the claim are there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iconograph.report import Row

BALL = re.compile(r"\[(\S+) \+/- (\S+)\]")


@dataclass(frozen=True)
class Given:
    """A name and what stands for it, such as x and (0 2) (-1 -2)."""

    name: str
    value: str


@dataclass(frozen=True)
class Point:
    """One choice of what is learned, and the values of the two sides there."""

    learned: tuple[Given, ...]
    left: str
    right: str


@dataclass(frozen=True)
class Counterexample:
    """What a witness says. `heads` name the two sides; a side that has no value is empty."""

    kind: str
    sizes: tuple[Given, ...]
    given: tuple[Given, ...]
    points: tuple[Point, ...]
    heads: tuple[str, str]
    text: str


def counterexample(row: Row) -> Counterexample | None:
    """The witness of a verdict, None where it has none."""
    data = row.detail.get("witness")
    if row.outcome != "refuted" or not isinstance(data, Mapping):
        return None
    from derive.witness import CLAIM, KINDS

    heads = ("published", "I-Con" if data["against"] != CLAIM else "claimed")
    left, right = (list(map(ball, data[key])) for key in ("published", "other"))
    points = [
        Point(named(learned), *("".join(side[k : k + 1]) for side in (left, right)))
        for k, learned in enumerate(data["points"])
    ]
    return Counterexample(
        KINDS.get(data["kind"], str(data["kind"])),
        tuple(Given(name, str(size)) for name, size in sorted(data["sizes"].items())),
        (*named(data["given"]), *named(data["masks"]), *named(counted(data["functions"]))),
        tuple(points),
        ("left side", "right side") if data["kind"] == "statement" else heads,
        data["text"],
    )  # fmt: skip


def named(tables: Mapping[str, Any]) -> tuple[Given, ...]:
    """The values of symbols, by name."""
    return tuple(Given(name, value(table)) for name, table in sorted(tables.items()))


def counted(table: Any) -> Any:
    """Elements of index sets, which readers count from 1."""
    if isinstance(table, Mapping):
        return {name: counted(part) for name, part in table.items()}
    return [counted(part) for part in table] if isinstance(table, list) else str(int(table) + 1)


def value(table: Any) -> str:
    """A number, a row of numbers, or rows in parentheses."""
    if not isinstance(table, list):
        return str(table).replace("-", "−")
    if any(isinstance(part, list) for part in table):
        return " ".join(f"({value(part)})" for part in table)
    return " ".join(map(value, table))


def ball(text: str) -> str:
    """A value with its radius: 0.25 ± 1e-16."""
    return BALL.sub(r"\1 ± \2", text).replace("-", "−")
