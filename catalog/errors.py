"""One error type for everything a person can get wrong: where, what is wrong and what to do.

A `Place` ties a piece of text to the file it came from, so that an error inside a formula points
at the line and column of the TOML file, also through escapes and multi-line strings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WIDTH = 100  # of the excerpt shown above the caret


class InputError(Exception):
    """Bad input: a file, a formula, a name, an option. Shown as it is, without a traceback.

    Attributes: `message` (what is wrong), `path`, `line` and `column` (1-based, 0 where unknown),
    `source_line`, `hint` (what to do; may be empty).
    """

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        line: int = 0,
        column: int = 0,
        source_line: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(clipped(message))
        self.message = clipped(message)
        self.path = path
        self.line = line
        self.column = column
        self.source_line = source_line
        self.hint = clipped(hint)

    def __str__(self) -> str:
        where = self.path
        if self.line:
            where += f":{self.line}" if where else f"line {self.line}"
            where += f":{self.column}" if self.column else ""
        text = f"{where}: {self.message}" if where else self.message
        text += f"; {self.hint}" if self.hint else ""
        if not self.source_line or not self.column:
            return text
        excerpt, caret = excerpt_around(self.source_line, self.column - 1)
        return f"{text}\n  {excerpt}\n  {' ' * caret}^"


def clipped(text: str) -> str:
    """`text` on one line, without its middle where it is long (a name can be a whole file)."""
    text = " ".join(text.split("\n"))
    return text if len(text) <= 300 else f"{text[:140]} ... {text[-140:]}"


def excerpt_around(line: str, column: int) -> tuple[str, int]:
    """At most WIDTH characters of `line` around 0-based `column`, and the caret's place there."""
    line = "".join(c if c.isprintable() else " " for c in line)
    if len(line) <= WIDTH:
        return line, column
    start = max(0, min(column - WIDTH // 2, len(line) - WIDTH))
    window = line[start : start + WIDTH]
    if start:
        window = "..." + window[3:]
    if start + WIDTH < len(line):
        window = window[:-3] + "..."
    return window, column - start


@dataclass(frozen=True)
class Place:
    """Where a text stands: its character k is character `offsets[k]` of `source`, at `path`."""

    path: str
    source: str
    offsets: Sequence[int] = field(repr=False)

    @classmethod
    def of(cls, text: str, path: str = "") -> Place:
        """The place of a text that is its own source, such as a formula typed in a shell."""
        return cls(path, text, range(len(text) + 1))

    def error(self, offset: int, message: str, hint: str = "") -> InputError:
        """An InputError that points at character `offset` of the text."""
        if not self.source:
            return InputError(message, path=self.path, hint=hint)
        at = min(self.offsets[max(0, min(offset, len(self.offsets) - 1))], len(self.source))
        start = self.source.rfind("\n", 0, at) + 1
        end = self.source.find("\n", at)
        return InputError(
            message,
            path=self.path,
            line=self.source.count("\n", 0, at) + 1,
            column=at - start + 1,
            source_line=self.source[start : len(self.source) if end < 0 else end],
            hint=hint,
        )


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """`did you mean "tau"?` when a candidate is close to `name`, else an empty string."""
    close = difflib.get_close_matches(name[:80], sorted(set(candidates)), n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else ""
