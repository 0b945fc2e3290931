"""Lines of Python source: indented, and broken where they are longer than the house allows.

No formatter is among the dependencies, and generated lines have few shapes: definitions, calls and
sums.
"""

from __future__ import annotations

import re

WIDTH = 100
OPEN, CLOSE = "([{", ")]}"
HEAD = re.compile(r"(\w[\w\[\], .:]* [+\-*/]?= |return |raise |[-+*/|&] )(.*)$")


def indented(lines: list[str], depth: int) -> list[str]:
    """`lines` moved right by `depth` levels."""
    return ["    " * depth + line if line else line for line in lines]


def wrapped(text: str) -> str:
    """Source with every long line broken; trailing blanks and runs of blank lines are taken out."""
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"\n{4,}", "\n\n\n", text)
    lines: list[str] = []
    quoted = False
    for line in text.split("\n"):
        inside, quoted = quoted, quoted != (line.count('"""') % 2 == 1)
        lines += [line] if inside or quoted or '"""' in line else broken(line)
    return "\n".join(lines).rstrip() + "\n"


def broken(line: str, tail: str = "") -> list[str]:
    """One line as several, if it is too long: sums at their operators, calls at their arguments."""
    if len(line) + len(tail) <= WIDTH:
        return [line + tail]
    space = line[: len(line) - len(line.lstrip())]
    body = line[len(space) :]
    match = HEAD.match(body)
    head, right = (match[1], match[2]) if match else ("", body)
    if not body.startswith(("def ", "for ", "if ", "class ")):
        inner = operands(right, f"{space}    ")
        if inner:
            return [f"{space}{head}(", *inner, f"{space}){tail}"]
    if several := listed(space, body, tail):
        return several
    spot = widest_bracket(body)
    if spot is None:
        return [line + tail]
    start, end = spot
    inner_text, rest = body[start + 1 : end], body[end:] + tail
    first = f"{space}{body[: start + 1]}"
    items = split_at(inner_text, (", ",))[::2]
    if len(items) == 1:
        long = len(space) + 4 + len(inner_text) > WIDTH
        parts = operands(inner_text, f"{space}    ") if long else []
        return [first, *(parts or broken(f"{space}    {inner_text}")), f"{space}{rest}"]
    if not body.startswith("def ") and len(space) + 4 + len(inner_text) <= WIDTH:
        return [first, f"{space}    {inner_text}", f"{space}{rest}"]
    out = [first]
    for item in items:
        out += broken(f"{space}    {item}", ",")
    return [*out, f"{space}{rest}"]


def listed(space: str, body: str, tail: str) -> list[str]:
    """Several values that are returned or unpacked, in brackets and one on each line; else []."""
    head, names, rest = "", body, ""
    if body.startswith("return "):
        head, names = "return ", body.removeprefix("return ")
    else:
        parts = split_at(body, (" = ",))
        names, rest = (parts[0], "".join(parts[1:])) if len(parts) == 3 else ("", "")
    items = split_at(names.removesuffix(","), (", ",))[::2]
    if len(rest) > len(names) + len(" = "):
        return []  # what they are unpacked from is longer than the names
    if len(items) < 2 or body.startswith(("def ", "for ", "if ", "class ")):
        return []
    return [f"{space}{head}(", *(f"{space}    {item}," for item in items), f"{space}){rest}{tail}"]


def operands(text: str, space: str) -> list[str]:
    """The operands of the loosest operators of `text`, one on each line; [] without operators."""
    for signs in ((" - ", " + "), (" | ",), (" & ",), (" * ", " / ")):
        parts = split_at(text, signs)
        if len(parts) > 1:
            out = broken(f"{space}{parts[0]}")
            for k in range(1, len(parts), 2):
                out += broken(f"{space}{parts[k].strip()} {parts[k + 1]}")
            return out
    return []


def split_at(text: str, signs: tuple[str, ...]) -> list[str]:
    """`text` split at any of `signs` where no bracket is open: parts and signs in turn."""
    parts: list[str] = []
    depth = start = i = 0
    while i < len(text):
        depth += (text[i] in OPEN) - (text[i] in CLOSE)
        sign = next((s for s in signs if text.startswith(s, i)), "") if depth == 0 else ""
        if sign and i > start:
            parts += [text[start:i], sign]
            i = start = i + len(sign)
        else:
            i += 1
    return [*parts, text[start:]]


def widest_bracket(text: str) -> tuple[int, int] | None:
    """The widest pair of brackets that no other encloses."""
    best: tuple[int, int] | None = None
    depth = start = 0
    for i, char in enumerate(text):
        if char in OPEN:
            start = i if depth == 0 else start
            depth += 1
        elif char in CLOSE:
            depth -= 1
            if depth == 0 and (best is None or i - start > best[1] - best[0]):
                best = (start, i)
    return best
