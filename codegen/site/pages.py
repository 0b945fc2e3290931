"""What a site is made of: pages that name a template and its data, and files as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page: where it stands, the template that writes it, and what the template shows.

    `path` is relative to the root of the site. `content` holds frozen data by the names that the
    template uses. With a `nav` text the page stands in the bar at the top, by `order`; `key` is the
    letter that leads there after `g`. `scripts` are names in `assets/`.
    """

    path: str
    template: str
    title: str
    content: Mapping[str, object]
    about: str = ""
    nav: str = ""
    order: int = 50
    key: str = ""
    scripts: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A file beside the pages, such as a program or a certificate."""

    path: str
    data: bytes


@dataclass(frozen=True)
class Formula:
    """A formula as MathML, where there is any, and as the text that people type."""

    text: str
    mathml: str = ""


@dataclass(frozen=True)
class Badge:
    """A verdict as it is shown: `kind` is its class in the style, `sign` one letter.

    `short` is one word for lists, `words` says all of it.
    """

    kind: str
    sign: str
    words: str
    short: str = ""


LABEL = 22
"""Letters of a label, as many as a column of the table is wide."""


@dataclass(frozen=True)
class Brief:
    """An entry as other pages name it: `label` is at most LABEL letters long."""

    id: str
    name: str
    label: str
    year: int
    field: str
    badge: Badge
    origin: str = ""
    aliases: tuple[str, ...] = ()
