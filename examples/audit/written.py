"""TOML text of what a run found: the part of a record that nobody writes by hand."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

MARK = "# Below: found by examples/audit/regenerate.py, which writes it anew. Notes stay above."


def head_of(text: str) -> str:
    """The part of a record that people write."""
    return text.split(MARK)[0].rstrip() + "\n"


def record(head: str, facts: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> str:
    """A whole record: the head as it is, facts of the run, and tables of what was found."""
    parts = [head, "\n", MARK, "\n", *lines(facts)]
    for name, table in tables.items():
        parts += ["\n", f"[{name}]\n", *lines(table)]
    return "".join(parts)


def lines(table: Mapping[str, Any]) -> list[str]:
    """`key = value` lines; what is None is left out, tables in tables come last."""
    plain = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    inner = {k: v for k, v in table.items() if isinstance(v, Mapping) and v}
    found = [f"{k} = {value(v)}\n" for k, v in plain.items()]
    return found + [
        f"{k} = {{ {', '.join(f'{name(a)} = {value(b)}' for a, b in v.items())} }}\n"
        for k, v in inner.items()
    ]


def name(key: str) -> str:
    """A key, quoted where it has to be."""
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else text(key)


def value(given: Any) -> str:
    """A value as TOML."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return block(given) if "\n" in given else text(given)
    if isinstance(given, float):
        return number(given)
    if isinstance(given, list | tuple):
        return f"[{', '.join(value(v) for v in given)}]"
    if isinstance(given, int | datetime.date):
        return str(given)
    raise TypeError(f"a {type(given).__name__} is not written")


def number(given: float) -> str:
    """A float, shortest; one that rounding made is written as what it rounds to."""
    if math.isnan(given) or math.isinf(given):
        return str(given)
    shown = repr(round(given, 12) if abs(given) > 1e-6 else given)
    return shown if any(c in shown for c in ".e") else shown + ".0"


def text(given: str) -> str:
    """A basic string; JSON's escapes are TOML's."""
    return json.dumps(given, ensure_ascii=False)


def block(given: str) -> str:
    """A text of several lines, literal: a program is written as it is run."""
    if "'''" in given:
        raise ValueError("a program with three single quotes cannot be written")
    return "'''\n" + given.rstrip("\n") + "\n'''"
