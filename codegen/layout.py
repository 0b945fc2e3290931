"""Lines of Python source: indented, and broken where they are longer than the house allows."""

from __future__ import annotations

import re

WIDTH = 100
OPEN, CLOSE = "([{", ")]}"


def indented(lines: list[str], depth: int) -> list[str]:
    """`lines` moved right by `depth` levels."""
    return ["    " * depth + line if line else line for line in lines]


def wrapped(text: str) -> str:
    """Source with every long line broken at its loosest operators; runs of blank lines are shortened."""
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"\n{4,}", "\n\n\n", text)
    lines: list[str] = []
    quoted = False
    for line in text.split("\n"):
        inside, quoted = quoted, quoted != (line.count('"""') % 2 == 1)
        lines += [line] if inside or quoted or len(line) <= WIDTH else broken(line)
    return "\n".join(lines).rstrip() + "\n"


def broken(line: str) -> list[str]:
    """One long line as several."""
    space = line[: len(line) - len(line.lstrip())]
    body = line.strip()
    if (spot := last_bracket(body)) is not None and body.startswith(("def ", "return ", "raise ")) or (
        spot is not None and call_only(body)
    ):
        assert spot is not None
        start, end = spot
        head, inner, tail = body[: start + 1], body[start + 1 : end], body[end:]
        parts = split_at(inner, ", ")
        one = f"{space}    {inner}"
        if len(one) <= WIDTH and not body.startswith("def "):
            return [space + head, one, space + tail]
        out = [space + head]
        for part in parts:
            piece = f"{space}    {part},"
            out += broken_operand(piece) if len(piece) > WIDTH else [piece]
        return [*out, space + tail]
    return operators(space, body)


def call_only(body: str) -> bool:
    """Whether the line is `name = call(...)` or `call(...)` with nothing after the call."""
    right = body.split(" = ", 1)[-1]
    return bool(re.match(r"[\w.]+\(", right)) and matching(right, right.index("(")) == len(right) - 1


def operators(space: str, body: str) -> list[str]:
    """`a = x + y` as a bracketed sum with one operand on each line."""
    match = re.match(r"(\w[\w\[\], .:]* [+\-*/]?= |return |weight \+= )(.*)$", body)
    if match is None:
        return [space + body]
    head, right = match[1], match[2]
    for sign in (" - ", " + ", " | ", " & ", " * ", " / "):
        parts = split_at(right, sign)
        if len(parts) > 1:
            lines = [f"{space}    {parts[0]}"] + [f"{space}    {sign.strip()} {p}" for p in parts[1:]]
            return [f"{space}{head}(", *lines, f"{space})"]
    return [space + body]


def broken_operand(line: str) -> list[str]:
    """A long element of a list of arguments."""
    return [line]


def split_at(text: str, sign: str) -> list[str]:
    """`text` split at `sign` where no bracket is open."""
    parts, depth, start, i = [], 0, 0, 0
    while i < len(text):
        depth += (text[i] in OPEN) - (text[i] in CLOSE)
        if depth == 0 and text.startswith(sign, i):
            parts.append(text[start:i])
            start = i + len(sign)
            i = start
            continue
        i += 1
    return [*parts, text[start:]]


def matching(text: str, start: int) -> int:
    """The position of the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] in OPEN) - (text[i] in CLOSE)
        if depth == 0:
            return i
    return -1


def last_bracket(body: str) -> tuple[int, int] | None:
    """The first bracket of a definition or call and the one that closes it."""
    start = body.find("(")
    if start < 0:
        return None
    end = matching(body, start)
    return (start, end) if end > start else None
