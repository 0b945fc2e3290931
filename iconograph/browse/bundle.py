"""One archive with the files of all entries: method files, certificates, programs, citations.

They have much in common, so that together they take a tenth of what an archive of each would.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterator

from codegen.site.pages import File
from iconograph.browse.entries import Entry
from iconograph.browse.world import World

ARCHIVE = "iconograph.tar.xz"


def program(name: str, target: str) -> str:
    """The name of the file of a program."""
    return f"{name.replace('-', '_')}_{target}.py"


def words(known: Entry) -> str:
    """The files of an entry in words."""
    found = ["the entry", *(["its certificate"] if known.row.certificate else []), *known.programs]
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]


def archive(world: World, references: str) -> File:
    """The archive, the same bytes for the same catalog; `references` are all citations."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, text in sorted(contents(world, references)):
            data = text.encode()
            info = tarfile.TarInfo(f"iconograph/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return File(ARCHIVE, lzma.compress(out.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def contents(world: World, references: str) -> Iterator[tuple[str, str]]:
    """The files by their names."""
    yield "references.bib", references
    for name, known in world.entries.items():
        yield f"entries/{name}.toml", world.methods[name].text
        if known.row.certificate:
            yield f"certificates/{name}.json", known.row.certificate
        for target, text in known.programs.items():
            yield f"programs/{target}/{program(name, target)}", text
