"""What was found out before, on disk, by what it was found out from.

The name of a file is a hash of everything that its content depends on: the texts of the rooms, the
versions of the libraries, the kernels of plug-ins, and the entry itself. Nothing is ever out of
date, only unused; deleting the folder is always allowed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from catalog import registry
from catalog.kernels import P_KERNELS, Q_KERNELS
from iconograph import __version__, rooms

JUDGING = ("entries.py", "curves.py", "toy.py")
"""The files of this folder that find something out; the others show it."""

LIBRARIES = ("sympy", "python-flint", "lark", "numpy", "jinja2")


def folder() -> Path:
    """Where caches live: ICONOGRAPH_CACHE, else as the operating system has it."""
    if own := os.environ.get("ICONOGRAPH_CACHE"):
        return Path(own)
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "iconograph"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "iconograph"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "iconograph"


def key(*texts: str) -> str:
    """A name for what depends on these texts and on the whole program."""
    return digest([program(), vocabulary(), *texts])


def digest(texts: Iterable[str]) -> str:
    """The SHA-256 of texts, each told apart from the next."""
    found = hashlib.sha256()
    for text in texts:
        data = text.encode()
        found.update(f"{len(data)} ".encode() + data)
    return found.hexdigest()


def vocabulary() -> str:
    """The kernels, those of plug-ins included."""
    return "\n".join(map(repr, [*P_KERNELS.values(), *Q_KERNELS.values()]))


@cache
def program() -> str:
    """A hash of the code of this project and of the versions of what it uses.

    The catalog's entries are left out, since each is part of its own key, and so is the site's
    own text, which no verdict depends on.
    """
    package = Path(__file__).parent.parent
    root = rooms.home(package)
    homes = [*(root / room for room in rooms.ROOMS), package]
    said = [__version__, sys.version, *map(library, LIBRARIES)]
    judging = [package / "browse" / name for name in JUDGING]
    for path in [*sorted({p for home in homes for p in sources(home)}), *judging]:
        said += [path.name, path.read_text(encoding="utf-8")]
    return digest(said)


def whole(*names: str) -> str:
    """A name for a site: what `key` depends on, every entry, and the text of the site itself."""
    package = Path(__file__).parent.parent
    root = rooms.home(package)
    here = {p for home in (*(root / room for room in rooms.ROOMS), package)
            for p in home.rglob("*") if p.is_file() and "__pycache__" not in p.parts}  # fmt: skip
    plugged = [e.path for e in registry.everything().values() if e.origin]
    found = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (*sorted(here), *sorted(plugged))]
    return key("site", *names, *found)


def sources(home: Path) -> Iterator[Path]:
    """The files of a room that a verdict or a program can depend on."""
    aside = {"methods", "theorems", "errata", "relations", "implementations", "site", "browse",
             "commands", "_rooms"}  # fmt: skip
    for path in home.rglob("*"):
        inside = path.relative_to(home).parts
        if path.suffix in (".py", ".lark", ".toml", ".jinja") and not aside & set(inside[:-1]):
            yield path


def library(name: str) -> str:
    """The version of a library, "" where it has none."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def read(name: str) -> Any:
    """The data of that name, None where there is none or it is damaged."""
    with suppress(OSError, EOFError, ValueError, gzip.BadGzipFile):
        return json.loads(gzip.decompress(place(name).read_bytes()))
    return None


def write(name: str, data: Any) -> None:
    """Keep data. A cache that cannot be written costs time and nothing else, so it is silent."""
    target = place(name)
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=target.parent, prefix=".")
        with os.fdopen(handle, "wb") as out:
            out.write(gzip.compress(json.dumps(data).encode(), 6, mtime=0))
        os.replace(path, target)


def place(name: str) -> Path:
    """The file of a name."""
    return folder() / "entries" / f"{name}.json.gz"
