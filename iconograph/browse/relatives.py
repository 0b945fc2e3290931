"""How an entry is related to others: the edges of the graph as its page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.graph import Edge
from catalog.spec import Method
from codegen.site import addresses
from codegen.site.pages import Brief
from iconograph.browse.world import World

KINDS = {
    "equal-up-to": "Equal", "same-loss": "Same published loss", "special-case": "Special cases",
    "limit": "Limits", "bound": "Bounds", "coarse-graining": "Neighbours merged",
    "contradicts": "Contradictions", "used-in-the-proof-of": "Used in proofs",
}  # fmt: skip
STATUS = {
    "computed": ("proved", "follows from the formulas"), "proved": ("proved", "proved"),
    "refuted": ("refuted", "refuted"), "unknown": ("unknown", "undecided"),
    "claimed": ("unknown", "claimed, not proved here"),
}  # fmt: skip
MOST = 4
"""Entries listed of those that share a kernel; the page of the kernel has them all."""


@dataclass(frozen=True)
class Relative:
    """One relation: the other entry, the relation in a sentence, and what is known of it."""

    other: Brief
    sentence: str
    status: str
    words: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Relations of one kind."""

    title: str
    relatives: tuple[Relative, ...]


@dataclass(frozen=True)
class Kin:
    """Entries that share something with this one: the first of them, how many more, and where."""

    title: str
    entries: tuple[Brief, ...]
    more: int
    address: str


def around(world: World) -> dict[str, list[Edge]]:
    """The edges of every entry, whichever end it is."""
    found: dict[str, list[Edge]] = {name: [] for name in world.methods}
    for edge in world.graph.edges:
        found[edge.source].append(edge)
        found[edge.target].append(edge)
    return found


def groups(world: World, name: str, edges: list[Edge]) -> tuple[Group, ...]:
    """The relations that say something of formulas, kind by kind."""
    found = []
    for kind, title in KINDS.items():
        here = [relative(world, name, e) for e in edges if e.kind == kind]
        if here:
            found.append(Group(title, tuple(here)))
    return tuple(found)


def relative(world: World, name: str, edge: Edge) -> Relative:
    """An edge as the page of the entry `name` shows it."""
    other = edge.target if edge.source == name else edge.source
    status, words = STATUS[edge.status]
    return Relative(world.briefs[other], edge.sentence, status, words, tuple(notes(edge)))


def notes(edge: Edge) -> Iterator[str]:
    """What stands below a relation: why it holds, and what the proof adds."""
    if edge.why:
        yield edge.why
    if edge.beyond:
        yield f"Beyond the range that {edge.source} states: {'; '.join(edge.beyond)}."
    if edge.freed:
        yield f"In value: the gradients differ, {edge.target} trains {', '.join(edge.freed)}."


def kin(world: World, name: str, edges: list[Edge]) -> tuple[Kin, ...]:
    """The entries that differ in one kernel only; the page of the other kernel has them all."""
    icon = world.methods[name].icon
    out = []
    for part, same, shared in (("p", "q", icon.q.name), ("q", "p", icon.p.name)):
        here = [e for e in edges if e.kind == "differs-in-one-kernel" and e.label == part]
        others = {e.target if e.source == name else e.source for e in here}
        if others:
            briefs = sorted((world.briefs[o] for o in others), key=lambda b: (b.year, b.id))
            shown = len(briefs) if len(briefs) <= MOST + 1 else MOST
            first, more = tuple(briefs[:shown]), len(briefs) - shown
            address = addresses.kernel(same, shared)
            out.append(Kin(f"Differ in {part} only", first, more, address))
    return tuple(out)


def used(world: World, edges: list[Edge], name: str) -> tuple[Brief, ...]:
    """The entries in whose proofs this one is used."""
    here = {e.target for e in edges if e.kind == "used-in-the-proof-of" and e.source == name}
    return tuple(world.briefs[n] for n in sorted(here))


def corrected(world: World, method: Method) -> tuple[Brief, ...]:
    """The false statements that this entry says what holds instead of."""
    return tuple(
        world.briefs[m.id] for m in world.methods.values()
        if m.erratum is not None and method.id in m.erratum.holds
    )  # fmt: skip
