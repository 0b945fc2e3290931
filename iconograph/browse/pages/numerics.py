"""How exact the programs are: the report of every NumPy program, beside its bounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codegen.numerics import MULTIPLE, Line
from codegen.site.addresses import NUMERICS
from codegen.site.pages import Brief, Page
from iconograph.browse.world import World
from iconograph.numerics import digits


@dataclass(frozen=True)
class Case:
    """One hard input: errors and bounds of value and gradient in two digits, and what happened."""

    name: str
    numbers: tuple[str, str, str, str]
    what: str
    within: bool


@dataclass(frozen=True)
class Report:
    """The report of an entry, and its worst line in words."""

    brief: Brief
    said: str
    cases: tuple[Case, ...]

    @property
    def within(self) -> bool:
        """Whether every line is within its bound."""
        return all(c.within for c in self.cases)


def pages(world: World) -> Iterable[Page]:
    """The page, where a program was run."""
    found = sorted(
        (b for b in world.briefs.values() if world.entries[b.id].numerics),
        key=lambda b: (b.name.casefold(), b.id),
    )
    if not found:
        return
    lines = [x for b in found for x in world.entries[b.id].numerics]
    made = tuple(report(b, world.entries[b.id].numerics) for b in found)
    content = {
        "wrong": tuple(r for r in made if not r.within),
        "right": tuple(r for r in made if r.within),
        "lines": len(lines), "outside": sum(not x.within for x in lines), "multiple": MULTIPLE,
    }  # fmt: skip
    about = "How far the generated programs are from their formulas on hard inputs."
    yield Page(NUMERICS, "numerics.html.jinja", "Numerics reports", content, about)


def report(brief: Brief, lines: tuple[Line, ...]) -> Report:
    """The report of an entry."""
    return Report(brief, said(lines), tuple(map(case, lines)))


def case(line: Line) -> Case:
    """A line of a report as the page shows it."""
    numbers = (line.value_error, line.value_bound, line.gradient_error, line.gradient_bound)
    value_error, value_bound, gradient_error, gradient_bound = map(digits, numbers)
    what = "" if line.what == "within bound" else line.what
    return Case(
        line.case, (value_error, value_bound, gradient_error, gradient_bound), what, line.within
    )


def said(lines: tuple[Line, ...]) -> str:
    """A report in half a sentence: `on 8 hard inputs within 2e-16 of the formula`."""
    outside = [x.case for x in lines if not x.within]
    errors = [e for x in lines for e in (x.value_error, x.gradient_error) if e is not None]
    many = f"on {len(lines)} hard input{'s' if len(lines) > 1 else ''}"
    if outside:
        return f"{many}, OUTSIDE of its bound at {', '.join(outside)}"
    if not errors:
        return f"{many}, at none of which the formula has a value"
    return f"{many} within {max(errors):.0e} of the formula"
