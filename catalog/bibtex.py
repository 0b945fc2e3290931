"""BibTeX files: where each entry starts and ends, and nothing of what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import InputError


def entries(text: str, path: str) -> Iterator[tuple[str, str]]:
    """The key and the text of every entry, from its @ to its closing brace. Raises InputError."""
    at, seen = 0, set[str]()
    while (start := text.find("@", at)) >= 0:
        line = text.count("\n", 0, start) + 1
        brace, comma = text.find("{", start), text.find(",", start)
        kind = text[start + 1 : brace].strip().lower()
        if brace < 0 or comma < brace or not kind.isalpha():
            raise InputError("this is not a BibTeX entry", path=path, line=line)
        end, depth = brace, 0
        while end < len(text):
            depth += (text[end] == "{") - (text[end] == "}")
            end += 1
            if not depth:
                break
        if depth:
            raise InputError("this entry is not closed", path=path, line=line, hint="add a }")
        key = text[brace + 1 : comma].strip()
        if key in seen:
            raise InputError(f"the reference {key!r} stands twice", path=path, line=line)
        seen.add(key)
        yield key, text[start:end]
        at = end
