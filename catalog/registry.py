"""The methods of the catalog or of a folder, found by id or by alias: one file is one method.

Without a folder, methods of installed plug-ins are found too, after the catalog's own. Only `load`
and `all_methods` read formulas; everything else reads the TOML of each file once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.bibtex import entries
from catalog.errors import InputError, did_you_mean
from catalog.files import read_text, read_toml

if TYPE_CHECKING:
    from catalog.spec import Method


KEYS = {"id": str, "name": str, "field": str, "year": int}


@dataclass(frozen=True)
class Entry:
    """What the index knows of a method without reading its formulas.

    `origin` names the plug-in that the method comes from, "" for one of the catalog.
    """

    id: str
    name: str
    field: str
    year: int
    aliases: tuple[str, ...]
    path: Path
    origin: str = ""


def methods_dir() -> Path:
    """The folder of the catalog's own methods."""
    return Path(__file__).with_name("methods")


def folders(home: Path) -> tuple[Path, ...]:
    """The folders of entries: the catalog has theorems and errata beside its methods."""
    if home != methods_dir():
        return (home,)
    return (home, home.with_name("theorems"), home.with_name("errata"))


def ids(folder: Path | None = None) -> tuple[str, ...]:
    """The ids of all methods, sorted. Raises InputError for an unreadable or misnamed file."""
    return tuple(index(folder) if folder else everything())


def load(name: str, folder: Path | None = None) -> Method:
    """The method with this id or alias (in any case). Raises InputError with the nearest name."""
    home = folder or methods_dir()
    # an exact id needs no index and no plug-ins, which keeps showing one method fast
    if (path := _file_names(home).get(f"{name}.toml")) is not None:
        return _load(path)
    return _load(entry(name, folder).path)


def claim(name: str) -> Method | None:
    """The method with exactly this id as it claims, without its proof; None where there is none."""
    from catalog.load import load_claim

    if (path := _file_names(methods_dir()).get(f"{name}.toml")) is not None:
        return load_claim(path)
    found = everything().get(name)
    return None if found is None else load_claim(found.path)


def entry(name: str, folder: Path | None = None) -> Entry:
    """The index entry of the method with this id or alias. Raises InputError."""
    home = folder or methods_dir()
    table, known = index(home), names(home)
    if name.casefold() not in known and folder is None:
        table, known = everything(), all_names()
    if (found := known.get(name.casefold())) is None:
        listed = f"there are {len(table)}: {', '.join(table)}" if table else "the folder is empty"
        hint = did_you_mean(name.casefold(), known) or listed
        raise InputError(f"there is no method {name[:60]!r}", hint=hint)
    return table[found]


def all_methods(folder: Path | None = None) -> Iterator[Method]:
    """Every method, in the order of the ids. Raises InputError for a file that is wrong.

    A wrong file of a plug-in is left out and reported by `plugins.problems`.
    """
    for item in (index(folder) if folder else everything()).values():
        if not item.origin:
            yield _load(item.path)
        elif (found := _load_or_report(item)) is not None:
            yield found


def origin(method: Method) -> str:
    """The name of the plug-in that a method comes from, "" for one of the catalog or of a file."""
    path = Path(method.path)
    if not method.path or path.parent in folders(methods_dir()):
        return ""
    return next((e.origin for e in everything().values() if e.path == path), "")


@cache
def index(folder: Path) -> Mapping[str, Entry]:
    """The entries of a folder by id. Raises InputError for an unreadable or misnamed file."""
    if not folder.is_dir():
        raise InputError("there is no such folder", path=str(folder))
    found: dict[str, Entry] = {}
    for path in _file_names(folder).values():
        item = _entry(path)
        check_name(item)
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


@cache
def everything() -> Mapping[str, Entry]:
    """The entries of the catalog and of the plug-ins by id. Raises InputError as `index` does.

    What is wrong in a plug-in is reported by `plugins.problems` and left out.
    """
    from catalog import plugins

    found = dict(index(methods_dir()))
    taken = dict(names(methods_dir()))
    for plugin in plugins.installed():
        folder = plugin.plugin.methods
        for path in sorted(Path(folder).glob("*.toml")) if folder else ():
            try:
                item = replace(_entry(path), origin=plugin.name)
                check_name(item)
                if (other := taken.get(item.id.casefold())) is not None:
                    raise InputError(f"there is a method {other!r} already", path=str(path))
            except InputError as error:
                plugins.report(plugin.name, f"a method was left out, {_first_line(error)}")
                continue
            taken[item.id.casefold()] = item.id
            for alias in item.aliases:
                if taken.setdefault(alias.casefold(), item.id) != item.id:
                    what = f"the alias {alias!r} of {item.id} means {taken[alias.casefold()]}"
                    plugins.report(plugin.name, what)
            found[item.id] = item
    return dict(sorted(found.items()))


@cache
def all_names() -> Mapping[str, str]:
    """The id that every id and alias means, with those of plug-ins; the catalog's come first."""
    found = dict(names(methods_dir()))
    table = everything()
    for name in table:
        found.setdefault(name.casefold(), name)
    for item in table.values():
        for alias in item.aliases:
            found.setdefault(alias.casefold(), item.id)
    return found


def check_name(item: Entry) -> None:
    """Check that a file is named by the id of its method. Raises InputError."""
    if item.id != item.path.stem:
        hint = f"name the file {item.id}.toml"
        raise InputError(f"the file states the method {item.id!r}", path=str(item.path), hint=hint)


def bibliography(key: str, path: Path | None = None) -> str:
    """The BibTeX entry with this key, as written. Raises InputError when there is none.

    Without a path, plug-ins are asked for what the catalog does not cite.
    """
    home = path or methods_dir().with_name("references.bib")
    table = _references(home)
    if key not in table and path is None:
        table = {**_plugin_references(), **table}
    if key not in table:
        hint = did_you_mean(key, table)
        raise InputError(f"there is no reference {key[:60]!r} in {home.name}", hint=hint)
    return table[key]


def clear() -> None:
    """Forget what was read, so that changed files and plug-ins are seen."""
    from catalog import plugins

    cached = (index, names, everything, all_names, _load, _references, _plugin_references)
    for function in (*cached, _file_names):
        function.cache_clear()
    plugins.forget()


@cache
def _plugin_references() -> Mapping[str, str]:
    from catalog import plugins

    found: dict[str, str] = {}
    for plugin in plugins.installed():
        if plugin.plugin.references is None:
            continue
        try:
            found = {**_references(Path(plugin.plugin.references)), **found}
        except InputError as error:
            plugins.report(plugin.name, f"its references were left out, {_first_line(error)}")
    return found


def _load_or_report(item: Entry) -> Method | None:
    from catalog import plugins

    try:
        return _load(item.path)
    except InputError as error:
        plugins.report(item.origin, f"a method was left out, {_first_line(error)}")
        return None


def _first_line(error: InputError) -> str:
    """An error without the excerpt below it."""
    return str(error).splitlines()[0]


@cache
def _file_names(folder: Path) -> Mapping[str, Path]:
    """The file of every name in a folder of entries."""
    found: dict[str, Path] = {}
    for path in (path for part in folders(folder) for path in sorted(part.glob("*.toml"))):
        if found.setdefault(path.name, path) != path:
            raise InputError(f"the entry {path.stem!r} stands twice", path=str(path))
    return found


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
    return dict(entries(read_text(path), str(path)))
