r"""What a reference says of a work, for people: its authors, title and year, and where to read it.

BibTeX is read as far as this catalog writes it: `field = {value}` or `field = "value"`.

>>> known = work("@misc{a2020b,\n author = {G{\\\"o}del, Kurt and Noether, Emmy},\n"
...              " title = {On {A}},\n year = {2020},\n eprint = {2004.11362},\n}")
>>> known.authors, known.title, known.year, known.said
(('Gödel', 'Noether'), 'On A', '2020', 'Gödel and Noether, 2020')
>>> known.address
'https://arxiv.org/abs/2004.11362'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from catalog import registry
from catalog.errors import InputError

SAFE = re.compile(r"[\w.:/()<>;+-]+\Z", re.ASCII)
"""What a DOI or an arXiv number is made of; nothing else becomes part of an address."""

ACCENTS = {"`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308",
           "c": "\u0327", "v": "\u030c", "u": "\u0306", "=": "\u0304", ".": "\u0307",
           "H": "\u030b", "r": "\u030a", "k": "\u0328"}  # fmt: skip
LETTERS = {"o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ss": "ß", "ae": "æ", "AE": "Æ", "i": "ı",
           "aa": "å", "AA": "Å"}  # fmt: skip
ACCENT = re.compile(r"""\\(?:([`'^~"=.])\s*|([cvuHrk])(?=[\s{]))\s*\{?\\?([A-Za-z])\}?""")


@dataclass(frozen=True)
class Work:
    """A work: family names of its authors, title, year, where it appeared, and an address or ""."""

    authors: tuple[str, ...]
    title: str
    year: str
    venue: str = ""
    address: str = ""

    @property
    def said(self) -> str:
        """Authors and year, in a few words."""
        names = self.authors
        who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        return ", ".join(filter(None, (who, self.year)))


def work_of(key: str) -> Work | None:
    """The work that an entry cites, None where there is no such reference."""
    try:
        return work(registry.bibliography(key))
    except InputError:
        return None


@cache
def work(text: str) -> Work:
    """The work of a BibTeX entry."""
    found = fields(text)
    authors = tuple(filter(None, map(family, re.split(r"\s+and\s+", found.get("author", "")))))
    venue = found.get("journal") or found.get("booktitle") or found.get("publisher", "")
    return Work(authors, plain(found.get("title", "")), found.get("year", ""), plain(venue),
                address(found))  # fmt: skip


def address(found: Mapping[str, str]) -> str:
    """Where a work can be read: by its DOI, else at arXiv, else at the address it gives itself."""
    doi, eprint = found.get("doi", ""), found.get("eprint", "")
    if SAFE.match(doi):
        return f"https://doi.org/{doi}"
    if SAFE.match(eprint) and found.get("archiveprefix", "arXiv").casefold() == "arxiv":
        return f"https://arxiv.org/abs/{eprint}"
    url = found.get("url", "")
    return url if re.match(r"https://[^\s\"'<>]+\Z", url) else ""


def fields(text: str) -> dict[str, str]:
    """The fields of an entry by their names in lower case, as they are written."""
    found: dict[str, str] = {}
    at = text.find(",") + 1
    while head := re.compile(r"[\s,]*([A-Za-z]+)\s*=\s*").match(text, at):
        value, at = braced(text, head.end())
        found[head[1].lower()] = " ".join(value.split())
    return found


def braced(text: str, at: int) -> tuple[str, int]:
    """The value that begins at a place, without its outer braces or quotes, and where it ends."""
    if text[at : at + 1] not in ("{", '"'):
        end = at + len(re.compile(r"[^,}\s]*").match(text, at)[0])  # type: ignore[index]
        return text[at:end], end
    depth, end = 0, at
    while end < len(text):
        depth += (text[end] == "{") - (text[end] == "}")
        end += 1
        if depth == 0 and (text[at] == "{" or (text[end - 1] == '"' and end > at + 1)):
            break
    return text[at + 1 : end - 1], end


def family(person: str) -> str:
    """The family name of an author as BibTeX writes it.

    >>> family("{van der} Maaten, Laurens"), family("Grace Hopper")
    ('van der Maaten', 'Hopper')
    """
    head, comma, _ = person.partition(",")
    if not comma and re.fullmatch(r"\{.*\}", person.strip()):
        return plain(person)  # the name of a group
    return plain(head if comma else person.split()[-1] if person.split() else "")


def plain(text: str) -> str:
    r"""A text without the marks of LaTeX.

    >>> plain(r'B{\"o}hm'), plain(r"Fran{\c{c}}ois"), plain("{I-Con}: A"), plain(r"S{\o}ren")
    ('Böhm', 'François', 'I-Con: A', 'Søren')
    """
    text = ACCENT.sub(lambda m: m[3] + ACCENTS[m[1] or m[2]], text)
    text = re.sub(
        rf"\\({'|'.join(sorted(LETTERS, key=len, reverse=True))})(?![A-Za-z])\s?",
        lambda m: LETTERS[m[1]], text,
    )  # fmt: skip
    text = re.sub(r"\\([&%_#])", r"\1", text).replace("$", "")
    text = re.sub("---?", "–", text)
    return unicodedata.normalize("NFC", re.sub(r"\\[A-Za-z]+ ?|[{}]", "", text)).strip()
