"""Files beside the pages: a zip for each entry, and one archive of all programs.

Programs have much in common, so that one archive of all is a tenth of the archives of each.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterable

from catalog.spec import Method
from codegen.site.pages import File
from iconograph.browse.entries import Entry

DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say: the same bytes every time
PROGRAMS = "programs.tar.xz"


def path(name: str) -> str:
    """Where the zip of an entry stands."""
    return f"methods/{name}.zip"


def program(name: str, target: str) -> str:
    """The name of the file of a program."""
    return f"{name.replace('-', '_')}_{target}.py"


def contents(method: Method, known: Entry, bibtex: str) -> dict[str, str]:
    """The files of a zip by name: the entry, its certificate, its citation."""
    found = {f"{method.id}.toml": method.text}
    if known.row.certificate:
        found[f"{method.id}.json"] = known.row.certificate
    if bibtex:
        found[f"{method.id}.bib"] = bibtex + "\n"
    return dict(sorted(found.items()))


def bundle(method: Method, known: Entry, bibtex: str) -> File:
    """The zip of an entry, the same bytes for the same content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in contents(method, known, bibtex).items():
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # else it names the system that it was made on
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return File(path(method.id), out.getvalue())


def programs(entries: Iterable[Entry]) -> File:
    """The programs of all entries, a folder for each target."""
    texts = {
        f"{target}/{program(known.row.id, target)}": text.encode()
        for known in entries for target, text in known.programs.items()
    }  # fmt: skip
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(texts.items()):
            info = tarfile.TarInfo(f"programs/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return File(PROGRAMS, lzma.compress(out.getvalue(), preset=6))
