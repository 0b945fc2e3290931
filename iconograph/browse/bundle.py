"""The files of an entry in one zip beside its page: method file, programs, certificate, proof."""

from __future__ import annotations

import io
import zipfile

from catalog.spec import Method
from codegen.site.pages import File
from iconograph.browse.entries import Entry

DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say: the same bytes every time


TARGETS = ("torch", "numpy")
"""The programs in a bundle; the others are long, and `iconograph generate` writes them."""


def path(name: str) -> str:
    """Where the bundle of an entry stands."""
    return f"methods/{name}.zip"


def names(method: Method, known: Entry) -> tuple[str, ...]:
    """The files in a bundle."""
    return tuple(contents(method, known, "."))


def programs(method: Method, known: Entry) -> dict[str, str]:
    """The name of the file of each program by its target."""
    module = method.id.replace("-", "_")
    return {target: f"{module}_{target}.py" for target in known.programs}


def contents(method: Method, known: Entry, bibtex: str) -> dict[str, str]:
    """The files of a bundle by name."""
    found = {f"{method.id}.toml": method.text}
    found |= {n: known.programs[t] for t, n in programs(method, known).items() if t in TARGETS}
    if known.row.certificate:
        found[f"{method.id}.json"] = known.row.certificate
    if bibtex:
        found["references.bib"] = bibtex + "\n"
    return dict(sorted(found.items()))


def bundle(method: Method, known: Entry, bibtex: str) -> File:
    """The bundle of an entry, the same bytes for the same content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in contents(method, known, bibtex).items():
            info = zipfile.ZipInfo(f"{method.id}/{name}", DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # else it names the system that it was made on
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return File(path(method.id), out.getvalue())
