"""What is asked of every page of a site: well-formed, ids once, links that lead somewhere."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
}  # fmt: skip
NO_BLOCKS = {"p", "h1", "h2", "h3", "h4", "summary", "span", "a", "code", "button", "caption"}
BLOCKS = {
    "p", "ul", "ol", "dl", "div", "table", "section", "pre", "h1", "h2", "h3", "h4", "details",
    "nav", "figure",
}  # fmt: skip
HEADING = {("summary", "h2"), ("summary", "h3"), ("summary", "h4")}  # which HTML allows


class Reader(HTMLParser):
    """Reads one page strictly and keeps what the checks ask for."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pointers: list[str] = []
        self.heads: list[dict[str, str | None]] = []
        self.scripts: list[str] = []
        self.data: list[str] = []  # script elements that no browser runs
        self.inert = False
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if len(found) < len(attrs):
            self.wrong.append(f"an attribute of <{tag}> stands twice")
        inside = self.open[-1] if self.open else ""
        if tag in BLOCKS and inside in NO_BLOCKS and (inside, tag) not in HEADING:
            self.wrong.append(f"<{tag}> stands in <{inside}>")
        if tag not in VOID:
            self.open.append(tag)
        self.inert = tag == "script" and found.get("type") == "application/json"
        self.ids += [i for i in (found.get("id"),) if i]
        self.links += [x for key in ("href", "src") if (x := found.get(key)) is not None]
        for key in ("aria-labelledby", "aria-describedby", "aria-controls", "for", "headers"):
            self.pointers += (found.get(key) or "").split()
        if tag == "th":
            self.heads.append(found)
        self.wrong += [f"<{tag}> has a script in {key}" for key in found if key.startswith("on")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            here = self.open[-1] if self.open else "nothing"
            self.wrong.append(f"</{tag}> closes {here} at {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            (self.data if self.inert else self.scripts).append(data)
        else:
            self.text.append(data)


@cache
def read(page: str) -> Reader:
    """The page, read."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def malformed(page: str) -> list[str]:
    """What is wrong with the form of a page."""
    reader = read(page)
    wrong = [*reader.wrong, *(f"<{tag}> is not closed" for tag in reader.open)]
    if not page.startswith("<!doctype html>"):
        wrong.append("there is no doctype")
    wrong += [f"the id {i} stands {n} times" for i, n in Counter(reader.ids).items() if n > 1]
    wrong += [f"nothing has the id {i}" for i in reader.pointers if i not in reader.ids]
    wrong += ["a header cell has no scope" for h in reader.heads if not h.get("scope")]
    return wrong


def dead_links(files: Mapping[str, bytes]) -> Iterator[str]:
    """Links of a site that lead nowhere in it; what leaves the site must be https."""
    for path, data in files.items():
        if not path.endswith(".html"):
            continue
        for link in read(data.decode()).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if parts.scheme not in ("https", "data"):
                    yield f"{path}: {link}"
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), parts.path))
            target = path if not parts.path else target
            if target not in files:
                yield f"{path}: {link} is not there"
            elif parts.fragment and unquote(parts.fragment) not in read(files[target].decode()).ids:
                yield f"{path}: {link} has no such id"


def remote(files: Mapping[str, bytes]) -> list[str]:
    """Styles, scripts and pages that ask for something from elsewhere when they are read."""
    asks = re.compile(rb"""@import|url\(\s*['"]?(?:https?:)?//|<(?:script|img|link)[^>]+(?:src|"""
                      rb"""href)=["']?(?:https?:)?//|\bfetch\(|XMLHttpRequest|type=["']module""")
    return [path for path, data in files.items() if asks.search(data)]
