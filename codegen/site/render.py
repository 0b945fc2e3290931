"""Pages to bytes: jinja2 with everything escaped, links relative, and nothing undefined."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from codegen.site.addresses import (
    anchor,
    gap,
    implementation,
    kernel,
    method,
    numerics,
    relative,
    rule,
)
from codegen.site.pages import File, Formula, Page

HERE = Path(__file__).parent
ALTTEXT = re.compile(r' alttext="[^"]*"')
QUOTED = re.compile(r'(?<=\w)="([\w.]+)"(?=[ >])')


class Broken(ValueError):
    """Two pages of one path, or a link to what is not there: an error of this project."""


@cache
def environment() -> Environment:
    """The environment of all templates of the site."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,  # names and formulas come from files of anybody
    )
    found.globals |= {
        "method_path": method, "kernel_path": kernel, "rule_path": rule, "gap_path": gap,
        "implementation_path": implementation, "numerics_path": numerics, "anchor": anchor,
    }  # fmt: skip
    found.filters |= {
        "formula": shown, "symbol": symbol, "program": program, "inline_json": inline_json,
    }  # fmt: skip
    return found


def inline_json(text: str) -> Markup:
    """JSON as the content of a script element, which nothing in it can end."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def shown(formula: Formula) -> Markup:
    """A formula: MathML that the catalog's printer wrote, or its text as code."""
    if formula.mathml:
        return Markup(bare(formula.mathml))
    return Markup("<code class=formula>{}</code>").format(formula.text)


def symbol(formula: Formula) -> Markup:
    """A line of a list that is all formulas, whose style is that of the list."""
    return shown(formula) if formula.mathml else Markup("<code>{}</code>").format(formula.text)


def bare(mathml: str) -> str:
    """MathML without its plain text, which no browser shows or reads, and without idle quotes."""
    mathml = mathml.replace('<mspace width="0.17em"/>', "<mspace width=.17em />")
    return QUOTED.sub(r"=\1", ALTTEXT.sub("", mathml, count=1))


def program(text: str) -> Markup:
    """The text of a program in an element: quotes and > are many, and need no escape there."""
    return Markup(escape(text, quote=False).replace("&gt;", ">"))


def render(pages: Iterable[Page], files: Iterable[File] = ()) -> dict[str, bytes]:
    """The bytes of every page, file and asset by path, sorted by it. Raises Broken."""
    pages = sorted(pages, key=lambda p: p.path)
    found: dict[str, bytes] = {}
    for file in (*files, *assets()):
        put(found, file.path, file.data)
    there = frozenset(found) | {p.path for p in pages}
    bar = sorted((p for p in pages if p.nav), key=lambda p: (p.order, p.path))
    for page in pages:
        put(found, page.path, write(page, bar, there).encode())
    return dict(sorted(found.items()))


def put(found: dict[str, bytes], path: str, data: bytes) -> None:
    """Enter a file. Raises Broken where the path is taken."""
    if path in found:
        raise Broken(f"the site has two files {path}")
    found[path] = data


def write(page: Page, bar: list[Page], there: frozenset[str]) -> str:
    """The HTML of a page; `there` are the paths of all pages and files."""
    template = environment().get_template(page.template)
    return template.render(
        page=page, bar=bar, href=linker(page, there), has=lambda path: stem(path) in there,
        **page.content,
    ).strip() + "\n"  # fmt: skip


def linker(page: Page, there: frozenset[str]) -> Callable[[str], str]:
    """A function from a path of the site to the link on `page`, which raises Broken."""

    def href(path: str) -> str:
        if stem(path) not in there:
            raise Broken(f"{page.path} links to {path}, which is not there")
        return relative(path, page.path)

    return href


def stem(path: str) -> str:
    """A path without its fragment."""
    return path.partition("#")[0]


@cache
def assets() -> tuple[File, ...]:
    """The style, the scripts and the icons, which stand in `assets/`."""
    folder = HERE / "assets"
    return tuple(
        File(f"assets/{p.relative_to(folder).as_posix()}", p.read_bytes())
        for p in sorted(folder.rglob("*")) if p.is_file()
    )  # fmt: skip
