"""Where the values of a TOML file stand, character by character, so that errors can point at them.

tomllib says what a file means and not where; this scanner says where and not what. It reads only
files that tomllib accepted, so it may be simple: headers, keys, and the four kinds of strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import Place

KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
HEADER = re.compile(r"[ \t]*\[\[?[ \t]*(" + KEY + r"(?:[ \t]*\.[ \t]*" + KEY + r")*)[ \t]*\]")
ENTRY = re.compile(r"[ \t]*(" + KEY + r"(?:[ \t]*\.[ \t]*" + KEY + r")*)[ \t]*=[ \t]*")
ONE_KEY = re.compile(KEY)
ESCAPES = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[^\n])")
LINE_END = re.compile(r"\\[ \t]*\n[ \t\n]*")


@dataclass(frozen=True)
class Spot:
    """Where a key stands and where its value starts, in characters of the file."""

    key: int
    value: int


def locate(source: str) -> Mapping[tuple[str, ...], Spot]:
    """The spot of every `[table]` and of every key, as ("p",) and ("p", "kernel")."""
    spots: dict[tuple[str, ...], Spot] = {}
    table: tuple[str, ...] = ()
    at = 0
    while at < len(source):
        if header := HEADER.match(source, at):
            table = names(header.group(1))
            spots.setdefault(table, Spot(header.start(1), header.start(1)))
            at = header.end()
        elif entry := ENTRY.match(source, at):
            path = (*table, *names(entry.group(1)))
            spots.setdefault(path, Spot(entry.start(1), entry.end()))
            at = skip_value(source, entry.end())
        end = source.find("\n", at)
        at = len(source) if end < 0 else end + 1
    return spots


def names(dotted: str) -> tuple[str, ...]:
    """The names of a dotted key, unquoted."""
    return tuple(unquoted(match.group()) for match in ONE_KEY.finditer(dotted))


def unquoted(key: str) -> str:
    """A key without its quotes (escapes in quoted keys are resolved)."""
    if key[0] == '"':
        return re.sub(r'\\(["\\])', r"\1", key[1:-1])
    return key[1:-1] if key[0] == "'" else key


def skip_value(source: str, at: int) -> int:
    """The end of the value that starts at `at`; arrays and tables are skipped by brackets."""
    depth = 0
    while at < len(source):
        char = source[at]
        if char in "\"'":
            at = skip_string(source, at)
            if not depth:
                return at
            continue
        if char == "#":
            end = source.find("\n", at)
            at = len(source) if end < 0 else end
            if not depth:
                return at
            continue
        if char == "\n" and not depth:
            return at
        depth += (char in "[{") - (char in "]}")
        at += 1
        if char in "]}" and not depth:
            return at
    return at


def opening(source: str, at: int) -> str:
    """The quotes, one or three, with which the string at `at` opens."""
    three = source[at : at + 3]
    return three if three in ('"""', "'''") else source[at : at + 1]


def skip_string(source: str, at: int) -> int:
    """The end of the string that starts at `at`."""
    quote = opening(source, at)
    at += len(quote)
    while at < len(source):
        if source[at] == "\\" and quote[0] == '"':
            at += 2
        elif source.startswith(quote, at):
            at += len(quote)
            while len(quote) == 3 and source.startswith(quote[0], at):
                at += 1  # one or two quotes may end the text itself
            return at
        else:
            at += 1
    return at


def string_place(source: str, start: int, path: str) -> Place:
    """The place of the string that starts at `start`: one offset per character of its value."""
    quote = opening(source, start)
    end = skip_string(source, start) - len(quote)
    at = start + len(quote)
    if len(quote) == 3:
        at += source.startswith("\n", at)  # the newline right after the quotes is not part of it
    offsets: list[int] = []
    while at < end:
        if quote[0] == '"' and source[at] == "\\":
            if len(quote) == 3 and (folded := LINE_END.match(source, at)):
                at = folded.end()
                continue
            offsets.append(at)
            match = ESCAPES.match(source, at)
            at = match.end() if match else at + 1
            continue
        offsets.append(at)
        at += 1
    return Place(path, source, [*offsets, end])


def spot_place(source: str, at: int, path: str, length: int = 0) -> Place:
    """A place all of whose characters are at `at`, for values that are not strings."""
    return Place(path, source, [at] * (length + 1))


def offsets_fit(place: Place, text: str) -> bool:
    """Whether a place has an offset for every character of `text` (a safeguard of the scanner)."""
    offsets: Sequence[int] = place.offsets
    return len(offsets) == len(text) + 1
