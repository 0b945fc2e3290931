"""A to Z: every name and alias of every entry, under its first letter."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from codegen.site.pages import Brief, Page
from iconograph.browse.world import World


@dataclass(frozen=True)
class Name:
    """A name; one that is an alias says of which entry."""

    name: str
    entry: Brief
    alias: bool = False


@dataclass(frozen=True)
class Letter:
    """The names that begin with a letter, "0-9" for digits and signs."""

    letter: str
    names: tuple[Name, ...]


def pages(world: World) -> Iterable[Page]:
    """The index."""
    names = [Name(b.name, b) for b in world.briefs.values()]
    names += [Name(alias, b, True) for b in world.briefs.values() for alias in b.aliases]
    names.sort(key=lambda n: (first(n.name), folded(n.name), n.entry.id))
    letters = tuple(
        Letter(letter, tuple(n for n in names if first(n.name) == letter))
        for letter in sorted({first(n.name) for n in names})
    )
    about = "Every name and alias of the catalog."
    yield Page("az.html", "az.html.jinja", "A to Z", {"letters": letters}, about, "A–Z", 90, "l")


def first(name: str) -> str:
    """The letter that a name stands under."""
    letter = folded(name)[:1].upper()
    return letter if letter.isascii() and letter.isalpha() else "0-9"


def folded(name: str) -> str:
    """A name without accents and in lower case, as people look it up."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()
