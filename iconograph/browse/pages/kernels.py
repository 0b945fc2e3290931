"""The vocabulary: supervisory kernels, learned kernels, and divergences, with what uses them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog import plugins
from catalog.divergences import DIVERGENCES, Divergence
from catalog.kernels import P_KERNELS, Q_KERNELS, Param, PKernel, QKernel
from catalog.latex_boxes import read
from catalog.mathml import mathml
from codegen.site.addresses import KERNELS
from codegen.site.pages import Brief, Formula, Page
from codegen.site.plots import Drawing, drawing
from iconograph.browse.kernel_plots import plot
from iconograph.browse.world import World

FORMS = {
    "weight": "divided by its sum over the allowed neighbours",
    "set": "the allowed neighbours of which it holds share the mass equally",
    "direct": "p as it stands",
}


@dataclass(frozen=True)
class Limit:
    """An entry whose loss is a limit: of which parameter, going where."""

    brief: Brief
    parameter: str
    to: str


@dataclass(frozen=True)
class Word:
    """A kernel: its formula, how it reads in a file, what it needs, and what uses it."""

    part: str
    name: str
    title: str
    doc: str
    shown: Formula
    template: str
    form: str
    params: tuple[Param, ...]
    hypotheses: tuple[str, ...]
    plot: Drawing | None
    limits: tuple[Limit, ...]
    used: tuple[Brief, ...]


@dataclass(frozen=True)
class Measure:
    """A divergence: its formula, and what is compared by it."""

    name: str
    title: str
    shown: Formula
    f: str
    full: bool
    ordered: bool
    but: str
    used: tuple[Brief, ...]


def pages(world: World) -> Iterable[Page]:
    """The page."""
    plugins.installed()  # theirs are in the tables before these are walked through
    content = {
        "supervisory": tuple(word(world, "p", k) for k in P_KERNELS.values()),
        "learned": tuple(word(world, "q", k) for k in Q_KERNELS.values()),
        "measures": tuple(measure(world, d) for d in DIVERGENCES.values()),
    }
    about = "The kernels and divergences that losses are made of."
    yield Page(KERNELS, "kernels.html.jinja", "Kernels", content, about, "Kernels", 15, "k")


def word(world: World, part: str, kernel: PKernel | QKernel) -> Word:
    """A kernel."""
    mine = [
        m for m in world.methods.values()
        if m.icon.blocks and (m.icon.p if part == "p" else m.icon.q).name == kernel.name
    ]  # fmt: skip
    limits = tuple(
        Limit(world.briefs[m.id], m.claim.parameter, m.claim.to.replace("infinity", "∞"))
        for m in mine
        if part == "q" and m.claim.relation == "limit" and proved(world, m.id)
    )
    found = plot(kernel)
    template = kernel.template if isinstance(kernel, PKernel) else kernel.kernel
    form = FORMS[kernel.form] if isinstance(kernel, PKernel) else scored(kernel)
    return Word(
        part, kernel.name, kernel.title, kernel.doc, latex(kernel.latex), template, form,
        kernel.params, kernel.hypotheses, drawing(found) if found else None, limits,
        by_year(world.briefs[m.id] for m in mine),
    )  # fmt: skip


def proved(world: World, name: str) -> bool:
    """Whether the claim of an entry is proved."""
    row = world.entries[name].row
    return row.ok and row.outcome == "proved"


def scored(kernel: QKernel) -> str:
    """What the score of a learned kernel is."""
    return f"score = {kernel.score}" if "score" in kernel.kernel else ""


def measure(world: World, d: Divergence) -> Measure:
    """A divergence."""
    used = [world.briefs[m.id] for m in world.methods.values()
            if m.icon.blocks and m.icon.divergence == d.name]  # fmt: skip
    return Measure(d.name, d.title, latex(d.latex), d.f, d.full, d.ordered, d.but, by_year(used))


def latex(said: str) -> Formula:
    """A formula of the vocabulary; that of a plug-in may be in LaTeX that is not read here."""
    try:
        read(said)
    except ValueError:
        return Formula(said)
    return Formula("", mathml(said, block=True))


def by_year(briefs: Iterable[Brief]) -> tuple[Brief, ...]:
    """Entries by year."""
    return tuple(sorted(briefs, key=lambda b: (b.year, b.name.casefold(), b.id)))
