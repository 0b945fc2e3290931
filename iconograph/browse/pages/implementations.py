"""Functions of libraries beside the formulas that they are named after: which differ, and by what.

The record is `catalog.implementations`: numerical evidence with a program for every comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog.implementations import Implementation, Nested, implementations
from codegen.site.addresses import IMPLEMENTATIONS
from codegen.site.pages import Brief, Page
from iconograph.browse.witness import Given
from iconograph.browse.world import World
from iconograph.implementations import options_text, relation_text


@dataclass(frozen=True)
class Compared:
    """One comparison: what was called, with what it was compared, and what was found.

    `differs` says in words by what the two differ, "" where they do not, or no known convention
    explains it. `at` is the input of a witness, `theirs` and `published` the two numbers there.
    """

    item: Implementation
    brief: Brief
    called: str
    said: str
    differs: str
    facts: str
    at: tuple[Given, ...] = ()
    what: str = ""
    theirs: str = ""
    published: str = ""


@dataclass(frozen=True)
class Library:
    """A library, and how many of its functions differ, of how many compared."""

    name: str
    differ: int
    all: int


def pages(world: World) -> Iterable[Page]:
    """The page, where a function was compared with an entry of this site."""
    found = sorted(
        (i for i in implementations() if i.against in world.methods),
        key=lambda i: (i.library.casefold(), i.id),
    )
    if not found:
        return
    made = [compared(world, i) for i in found]
    content = {
        "different": tuple(c for c in made if c.item.relation == "different"),
        "alike": tuple(c for c in made if c.item.relation != "different"),
        "libraries": libraries(found),
    }
    about = "Functions of libraries that differ from the formula they are named after."
    yield Page(IMPLEMENTATIONS, "implementations.html.jinja", "Real implementations", content,
               about, "Libraries", 45, "i")  # fmt: skip


def libraries(found: Iterable[Implementation]) -> tuple[Library, ...]:
    """The libraries with their counts."""
    relations: dict[str, list[bool]] = {}
    for i in found:
        relations.setdefault(i.library, []).append(i.relation == "different")
    return tuple(Library(name, sum(x), len(x)) for name, x in relations.items())


def compared(world: World, item: Implementation) -> Compared:
    """A comparison as the page shows it."""
    brief, called = world.briefs[item.against], f"{item.function}{options_text(item)}"
    said, differs, w = relation_text(item), "; ".join(item.differs), item.witness
    if w is None:
        return Compared(item, brief, called, said, differs, facts(item))
    at = tuple(Given(name, value) for name, value in inputs(w.input))
    return Compared(item, brief, called, said, differs, facts(item), at, w.what,
                    number(w.theirs), number(w.published))  # fmt: skip


def number(value: float) -> str:
    """A value in nine digits."""
    return f"{value:.9g}".replace("-", "−")


def inputs(found: Mapping[str, Nested]) -> Iterable[tuple[str, str]]:
    """The arguments of a witness by name, as rows of numbers."""
    for name, value in found.items():
        yield name, rows(value)


def rows(value: Nested) -> str:
    """A number, a row of numbers, or rows in parentheses.

    >>> rows([[0.0, 1.5], [-1.0, 2.0]]), rows([1, 2]), rows(0.1)
    ('(0 1.5) (−1 2)', '1 2', '0.1')
    """
    if not isinstance(value, list):
        return f"{value:g}".replace("-", "−")
    if any(isinstance(part, list) for part in value):
        return " ".join(f"({rows(part)})" for part in value)
    return " ".join(map(rows, value))


def facts(item: Implementation) -> str:
    """Where the function stands, how it was called and how far it was tried."""
    said = [item.file, f"called as {item.call}"]
    said.append(", ".join(f"{k} = {v:.6g}" for k, v in item.parameters.items()))
    if item.inputs and item.error is not None:
        said.append(f"{item.inputs} inputs, largest relative error {item.error:.0e}")
    said.append(f"Python {item.python}, torch {item.torch}, {item.date.isoformat()}")
    return "; ".join(filter(None, said))
