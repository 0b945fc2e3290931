"""The methods of a folder, found by id or by alias: one file is one method.

Only `load` and `all_methods` read formulas; everything else reads the TOML of each file once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import InputError, did_you_mean
from catalog.files import read_text, read_toml

if TYPE_CHECKING:
    from catalog.spec import Method


KEYS = {"id": str, "name": str, "field": str, "year": int}


@dataclass(frozen=True)
class Entry:
    """What the index knows of a method without reading its formulas."""

    id: str
    name: str
    field: str
    year: int
    aliases: tuple[str, ...]
    path: Path


def methods_dir() -> Path:
    """The folder of the catalog's own methods."""
    return Path(__file__).with_name("methods")


def ids(folder: Path | None = None) -> tuple[str, ...]:
    """The ids of all methods, sorted. Raises InputError for an unreadable or misnamed file."""
    return tuple(index(folder or methods_dir()))


def load(name: str, folder: Path | None = None) -> Method:
    """The method with this id or alias (in any case). Raises InputError with the nearest name."""
    folder = folder or methods_dir()
    # an exact id needs no index, which keeps showing one method fast
    if f"{name}.toml" in _file_names(folder):
        return _load(folder / f"{name}.toml")
    return _load(entry(name, folder).path)


def entry(name: str, folder: Path | None = None) -> Entry:
    """The index entry of the method with this id or alias. Raises InputError."""
    table = index(folder or methods_dir())
    known = names(folder or methods_dir())
    if (found := known.get(name.casefold())) is None:
        listed = f"there are {len(table)}: {', '.join(table)}" if table else "the folder is empty"
        hint = did_you_mean(name.casefold(), known) or listed
        raise InputError(f"there is no method {name[:60]!r}", hint=hint)
    return table[found]


def all_methods(folder: Path | None = None) -> Iterator[Method]:
    """Every method, in the order of the ids. Raises InputError for a file that is wrong."""
    for item in index(folder or methods_dir()).values():
        yield _load(item.path)


@cache
def index(folder: Path) -> Mapping[str, Entry]:
    """The entries of a folder by id. Raises InputError for an unreadable or misnamed file."""
    if not folder.is_dir():
        raise InputError("there is no such folder", path=str(folder))
    found: dict[str, Entry] = {}
    for path in sorted(folder.glob("*.toml")):
        item = _entry(path)
        if item.id != path.stem:
            hint = f"name the file {item.id}.toml"
            raise InputError(f"the file states the method {item.id!r}", path=str(path), hint=hint)
        found[item.id] = item
    return dict(sorted(found.items()))


@cache
def names(folder: Path) -> Mapping[str, str]:
    """The id that every id and alias, in lower case, means. Raises InputError for duplicates."""
    table = index(folder)
    found = {name.casefold(): name for name in table}
    for item in table.values():
        for alias in item.aliases:
            other = found.setdefault(alias.casefold(), item.id)
            if other != item.id:
                message = f"the alias {alias!r} belongs to {other} already"
                raise InputError(message, path=str(item.path), hint="leave it to one of the two")
    return found


def bibliography(key: str, path: Path | None = None) -> str:
    """The BibTeX entry with this key, as written. Raises InputError when there is none."""
    path = path or methods_dir().with_name("references.bib")
    table = _references(path)
    if key not in table:
        hint = did_you_mean(key, table)
        raise InputError(f"there is no reference {key[:60]!r} in {path.name}", hint=hint)
    return table[key]


def clear() -> None:
    """Forget what was read, so that changed files are seen."""
    for cached in (index, names, _load, _references, _file_names):
        cached.cache_clear()


@cache
def _file_names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.glob("*.toml"))


@cache
def _load(path: Path) -> Method:
    from catalog.load import load_file

    return load_file(path)


def _entry(path: Path) -> Entry:
    doc = read_toml(read_text(path), str(path))
    fields: dict[str, Any] = {
        key: doc[key] for key, kind in KEYS.items() if isinstance(doc.get(key), kind)
    }
    for key in KEYS:
        if key not in fields:
            raise InputError(f"{key} is missing", path=str(path), hint="see docs/format.md")
    given = doc.get("aliases", [])
    aliases = tuple(map(str, given)) if isinstance(given, list) else ()
    return Entry(**fields, aliases=aliases, path=path)


@cache
def _references(path: Path) -> Mapping[str, str]:
    return dict(_bibtex(read_text(path), str(path)))


def _bibtex(text: str, path: str) -> Iterator[tuple[str, str]]:
    """The key and the text of every entry, from its @ to its closing brace."""
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
