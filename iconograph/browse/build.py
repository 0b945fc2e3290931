"""The site: every page of every module in `pages/`, rendered, and written or kept."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from pkgutil import iter_modules

from catalog.errors import InputError
from codegen.site.pages import File, Page
from codegen.site.render import render
from iconograph import __version__
from iconograph.browse import cache
from iconograph.browse import pages as folder
from iconograph.browse.world import World, world
from iconograph.files import reason

MARK = "iconograph-site.json"
"""The file that says that a folder is a site, which may be written again."""


def build(world: World) -> dict[str, bytes]:
    """The bytes of every file of the site by path."""
    pages: list[Page] = []
    files = [File(MARK, mark())]
    for name in modules():
        for made in importlib.import_module(f"{folder.__name__}.{name}").pages(world):
            (files if isinstance(made, File) else pages).append(made)
    return render(pages, files)


def modules() -> list[str]:
    """The names of the modules of pages, found by listing the folder."""
    return sorted(m.name for m in iter_modules(folder.__path__))


def mark() -> bytes:
    """The content of the mark."""
    return (json.dumps({"schema": "iconograph/site/1", "version": __version__}) + "\n").encode()


def write(files: Mapping[str, bytes], out: Path) -> None:
    """Write a site, whole or not at all: beside the folder first, and then in its place.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    out = out.absolute()
    check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
            new, old = Path(beside) / "new", Path(beside) / "old"
            for path, data in files.items():
                put(new / PurePosixPath(path), data)
            if out.exists():
                os.rename(out, old)
            os.rename(new, out)
    except OSError as error:
        raise InputError(f"the site cannot be written: {reason(error)}", path=str(out)) from None


def put(path: Path, data: bytes) -> None:
    """Write one file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def check(out: Path) -> None:
    """Check that a folder may be replaced. Raises InputError."""
    try:
        if not out.exists() and not out.is_symlink():
            return
        if not out.is_dir() or out.is_symlink():
            raise InputError("this is no folder", path=str(out), hint="name a folder for the site")
        if any(out.iterdir()) and not (out / MARK).is_file():
            raise InputError(
                "the folder holds something that is no site of iconograph", path=str(out),
                hint="name an empty or a new one",
            )  # fmt: skip
    except OSError as error:
        raise InputError(f"the folder cannot be read: {reason(error)}", path=str(out)) from None


KEPT = 3
"""Sites that are kept in the cache."""


def kept(names: Sequence[str], jobs: int) -> Path:
    """The folder of a site in the cache, built if nothing like it was built before.

    Raises InputError as `world` and `write` do.
    """
    sites = cache.folder() / "sites"
    place = sites / cache.whole(*names)[:32]
    if not (place / MARK).is_file():
        write(build(world(names, jobs)), place)
    for old in sorted(sites.iterdir(), key=lambda p: p.stat().st_mtime)[:-KEPT]:
        if old != place and (old / MARK).is_file():
            shutil.rmtree(old, ignore_errors=True)
    return place
