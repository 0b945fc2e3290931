"""The texts of a method file, made harmless before any of them enters a program."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from catalog.spec import Method


def plain(text: str) -> str:
    r"""`text` on one line, as it may stand in a docstring or comment of emitted source.

    White space becomes one blank, control and format characters go, a backslash is doubled and
    three double quotes become single ones, so that nothing ends the docstring or escapes in it.
    """
    line = " ".join(text.split())
    # surrogates and private characters ("C*") are no text; Python itself rejects some of them
    line = "".join(c for c in line if not unicodedata.category(c).startswith("C"))
    return line.replace("\\", "\\\\").replace('"""', "'''")


def plain_method(method: Method) -> Method:
    """The method with every text that programs quote made plain; formulas are left alone.

    `text` stays as it is: programs hold only its digest. An id that did not pass the loader is
    reduced to letters, digits, hyphens and underscores, since names are made from it.
    """
    claim, source = method.claim, method.source
    return replace(
        method,
        id=re.sub(r"[^A-Za-z0-9_-]", "_", method.id) or "_",
        name=plain(method.name),
        field=plain(method.field),
        cite=plain(method.cite),
        aliases=tuple(map(plain, method.aliases)),
        summary=plain(method.summary),
        declarations={k: replace(d, text=plain(d.text)) for k, d in method.declarations.items()},
        assumes=tuple(replace(f, text=plain(f.text)) for f in method.assumes),
        published_text=plain(method.published_text),
        source=replace(source, where=plain(source.where), note=plain(source.note)),
        claim=replace(
            claim,
            scale_text=plain(claim.scale_text),
            constant_text=plain(claim.constant_text),
            correction=plain(claim.correction),
        ),
        conventions={plain(k): plain(v) for k, v in method.conventions.items()},
        path=plain(method.path),
    )
