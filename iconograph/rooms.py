"""Where the rooms below live (catalog, derive, codegen), and that nobody else's are taken for them.

In a checkout the rooms are top-level packages beside this one. A wheel carries them inside this
package, in `_rooms`, so that an install adds one name to site-packages. Either way they are
imported by their short names, which are common words: another project's `catalog` must be met with
a sentence, not with an AttributeError deep inside a proof.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

ROOMS = ("catalog", "derive", "codegen")
"""The floors below the front door, lowest first."""


def home(package: Path) -> Path:
    """The folder that holds the rooms: `_rooms` in an installed wheel, else the checkout."""
    carried = package / "_rooms"
    return carried if carried.is_dir() else package.parent


def foreign(modules: Mapping[str, ModuleType], root: Path) -> tuple[str, str] | None:
    """The first room whose name a module from elsewhere holds, and where that one is from."""
    for room in ROOMS:
        if (module := modules.get(room)) is None:
            continue
        places = [Path(p) for p in getattr(module, "__path__", ())]
        if not any(_same(place, root / room) for place in places):
            origin = getattr(module, "__file__", None) or ", ".join(map(str, places))
            return room, origin or "no file at all"
    return None


def shadowed(path: Iterable[str], root: Path) -> bool:
    """Whether an import of some room, looked up along `path`, would miss the one in `root`."""
    entries = list(path)
    for room in ROOMS:
        spec = PathFinder.find_spec(room, entries)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not any(_same(Path(place), root / room) for place in places):
            return True
    return False


def open_rooms(package: Path) -> None:
    """Make `import catalog` mean ours.

    `sys.path` is used rather than an import hook because a process started by multiprocessing is
    given the path and not the hooks.

    Raises:
        ImportError: a module of that name from elsewhere is already imported.
    """
    root = home(package)
    if taken := foreign(sys.modules, root):
        name, origin = taken
        raise ImportError(
            f"iconograph needs the name `{name}` for its own package {root / name}, but this "
            f"process has already imported another `{name}` from {origin}; import iconograph in "
            f"a process that has not imported that one",
            name=name,
            path=origin,
        )
    if shadowed(sys.path, root):
        sys.path.insert(0, str(root))


def _same(a: Path, b: Path) -> bool:
    try:
        return a.resolve() == b.resolve()
    except OSError:
        return False
