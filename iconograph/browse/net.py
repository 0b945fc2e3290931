"""The graph of the site: that of methods, with kernels, rules, gaps and libraries as nodes.

That two entries have the same p is then seen at its kernel, which costs an edge for each entry and
not one for each two of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.implementations import implementations
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.periodic import named_gaps
from codegen.site import addresses
from codegen.site.net import Edge, Net, Node
from iconograph.browse.pages.gaps import names
from iconograph.browse.world import World
from iconograph.implementations import line
from iconograph.proof import Step


def net(world: World) -> Net:
    """The graph of everything in the world."""
    edges = [*kernels(world), *gaps(world), *related(world), *real(world), *rules(world)]
    known = {n.id: n for n in nodes(world)}
    kept = [e for e in edges if e.source in known and e.target in known]
    ends = {end for e in kept for end in (e.source, e.target)}
    there = {name: n for name, n in known.items() if n.type == "method" or name in ends}
    return Net(there, tuple(kept))


def nodes(world: World) -> Iterator[Node]:
    """Everything that can be a node."""
    for b in world.briefs.values():
        yield Node(
            b.id, "method", shortened(b.label), b.name, addresses.method(b.id), b.field, b.year,
            b.badge.kind, b.badge.sign, b.badge.words,
        )  # fmt: skip
    for part in ("p", "q"):
        table = P_KERNELS if part == "p" else Q_KERNELS
        for name in sorted({getattr(n, part) for n in world.graph.nodes} - {""}):
            title = str(getattr(table.get(name), "title", name))
            yield Node(f"{part}:{name}", part, shortened(title), title,
                       addresses.kernel(part, name))  # fmt: skip
    for kind, name in sorted({r for e in world.entries.values() for r in used(e.steps)}):
        yield Node(f"{kind}:{name}", "rule", name, name, addresses.rule(kind, name))
    for item in implementations():
        name = f"{item.function.rpartition('.')[2]}, {item.library}"
        yield Node(f"library:{item.id}", "library", shortened(name), line(item),
                   addresses.implementation(item.id))  # fmt: skip
    for gap in named_gaps():
        yield Node(
            f"gap:{gap.id}", "gap", shortened(f"gap: {gap.name}"), gap.name, addresses.gap(gap.id)
        )


def shortened(name: str, most: int = 25) -> str:
    """A name that fits a box."""
    return name if len(name) <= most else name[: most - 1].rstrip(" ,;:-") + "…"


def used(steps: tuple[Step, ...]) -> set[tuple[str, str]]:
    """The rules and axioms of a proof."""
    return {("axiom", s.axiom) if s.axiom else ("rule", s.rule) for s in steps}


def kernels(world: World) -> Iterator[Edge]:
    """From every entry with a pair to its kernels."""
    for n in world.graph.nodes:
        for part, name in (("p", n.p), ("q", n.q)):
            if name:
                yield Edge(n.id, f"{part}:{name}", part)


def gaps(world: World) -> Iterator[Edge]:
    """From every entry that closes a gap to it, and from a gap to its kernels."""
    for gap in named_gaps():
        wanted = {gap.id, gap.name.casefold()}
        for m in world.methods.values():
            if wanted & names(m):
                yield Edge(m.id, f"gap:{gap.id}", "closes")
        yield Edge(f"gap:{gap.id}", f"p:{gap.p}", "p")
        yield Edge(f"gap:{gap.id}", f"q:{gap.q}", "q")


def related(world: World) -> Iterator[Edge]:
    """The edges between entries; that p is the same is said where kernels of one name do not."""
    kernel = {n.id: {"same-p": n.p, "same-q": n.q} for n in world.graph.nodes}
    for e in world.graph.edges:
        if e.kind == "differs-in-one-kernel":
            yield Edge(e.source, e.target, f"differs-{e.label}")
        elif e.kind in ("same-p", "same-q"):
            if kernel[e.source][e.kind] != kernel[e.target][e.kind]:
                yield Edge(e.source, e.target, e.kind)
        else:
            yield Edge(e.source, e.target, e.kind, e.status, e.sentence)


def real(world: World) -> Iterator[Edge]:
    """From every entry to the functions of libraries that were compared with it."""
    for item in implementations():
        if item.against in world.methods:
            kind = "differs" if item.relation == "different" else "agrees"
            yield Edge(item.against, f"library:{item.id}", kind, "numerical evidence", line(item))


def rules(world: World) -> Iterator[Edge]:
    """From every entry to the rules and axioms of its proof."""
    for name, known in world.entries.items():
        for kind, rule in sorted(used(known.steps)):
            yield Edge(name, f"{kind}:{rule}", "proved-by")
