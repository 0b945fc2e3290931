"""The site: every page of every module in `pages/`, rendered, and written or kept."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
"""The file that says that a folder is a site, and of which files; only these are written again."""

NAMED = 3
"""Foreign files that a refusal names."""


def build(world: World) -> dict[str, bytes]:
    """The bytes of every file of the site by path."""
    pages: list[Page] = []
    files: list[File] = []
    for name in modules():
        for made in importlib.import_module(f"{folder.__name__}.{name}").pages(world):
            (files if isinstance(made, File) else pages).append(made)
    return render(pages, files)


def modules() -> list[str]:
    """The names of the modules of pages, found by listing the folder."""
    return sorted(m.name for m in iter_modules(folder.__path__))


def mark(paths: Iterable[str]) -> bytes:
    """The content of the mark of a site of these files."""
    said = {"schema": "iconograph/site/1", "version": __version__, "files": sorted(paths)}
    return (json.dumps(said, indent=0) + "\n").encode()


def write(files: Mapping[str, bytes], out: Path) -> None:
    """Write a site and its mark, whole or not at all: beside the folder first, then in its place.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    out = out.absolute()
    check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
            new, old = Path(beside) / "new", Path(beside) / "old"
            for path, data in {**files, MARK: mark(files)}.items():
                put(new / PurePosixPath(path), data)
            if out.exists():
                os.rename(out, old)
            try:
                os.rename(new, out)
            except OSError:
                if old.exists():
                    os.rename(old, out)  # it would go with the folder that it is in
                raise
    except OSError as error:
        raise InputError(f"the site cannot be written: {reason(error)}", path=str(out)) from None


def put(path: Path, data: bytes) -> None:
    """Write one file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def check(out: Path) -> None:
    """Check that a folder may be replaced: nothing is lost but what a site wrote there.

    Raises InputError, also where nothing can be written beside it.
    """
    room(out)
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
        if strange := sorted(foreign(out)):
            more = f" and {len(strange) - NAMED} more" if len(strange) > NAMED else ""
            raise InputError(
                f"the folder holds what the site did not write: {', '.join(strange[:NAMED])}{more}",
                path=str(out), hint="name a new one, and copy the site from there",
            )  # fmt: skip
    except OSError as error:
        raise InputError(f"the folder cannot be read: {reason(error)}", path=str(out)) from None


def room(out: Path) -> None:
    """Try whether a folder can be made where a site is written. Raises InputError."""
    try:
        above = next((p for p in out.parents if p.exists() or p.is_symlink()), out)
        with tempfile.TemporaryDirectory(dir=above, prefix=f".{out.name}."):
            pass
    except OSError as error:
        raise InputError(f"the site cannot be written: {reason(error)}", path=str(out)) from None
    if os.path.ismount(out):
        raise InputError(
            "this is a mount point, which cannot be replaced", path=str(out),
            hint="name a folder in it",
        )  # fmt: skip


def foreign(site: Path) -> Iterator[str]:
    """What a folder holds besides the files that its mark lists; a folder of none as a whole."""
    mine = {MARK, *listed(site)} if any(site.iterdir()) else set()
    above = {str(p) for path in mine for p in PurePosixPath(path).parents}
    for here, folders, names in os.walk(site, onerror=unread):
        at = PurePosixPath(Path(here).relative_to(site).as_posix())
        for name in list(folders):
            if str(at / name) not in above or (site / at / name).is_symlink():
                folders.remove(name)
                yield f"{at / name}/"
        yield from (str(at / name) for name in names if str(at / name) not in mine)


def unread(error: OSError) -> None:
    """Raise the error: what cannot be read may be anybody's."""
    raise error


def listed(site: Path) -> list[str]:
    """The files that a mark lists, none where it is damaged or lists none: all is foreign then."""
    with suppress(ValueError):
        said = json.loads((site / MARK).read_bytes())
        files = said.get("files", ()) if isinstance(said, dict) else ()
        if isinstance(files, list):
            return [path for path in files if isinstance(path, str)]
    return []


KEPT = 3
"""Sites that are kept in the cache."""


def kept(names: Sequence[str], jobs: int) -> Path:
    """The folder of a site in the cache, built if nothing like it was built before.

    Raises InputError as `world` and `write` do.
    """
    sites = cache.folder() / "sites"
    place = sites / cache.whole(*names)[:32]
    if not (place / MARK).is_file():
        check(place)  # before the work, not after it
        write(build(world(names, jobs)), place)
    for old in sorted(sites.iterdir(), key=lambda p: p.stat().st_mtime)[:-KEPT]:
        if old != place and (old / MARK).is_file():
            shutil.rmtree(old, ignore_errors=True)
    return place
