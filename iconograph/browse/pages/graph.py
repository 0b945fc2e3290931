"""The graph: a picture of one node and what is around it, and all edges as lists.

The picture and the lists can be read as they are. The script moves the focus, goes a step further
out and leaves out what is not wanted; it reads the whole graph from a file of its own, a classic
script, since a page that is opened from disk can read nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from codegen.site import addresses
from codegen.site.net import KINDS, PLACE, Edge, Kind, Net, Node
from codegen.site.pages import File, Page
from codegen.site.picture import ALONE, BOX, EDGE, GAP, HEAD, MOST, ROW, picture
from iconograph.browse.net import net
from iconograph.browse.world import World

DATA = "graph-data.js"
FIRST = "supcon"
LISTED = ("differs-p", "differs-q", "proved-by")
"""Kinds that are too many for lists; they follow from the kernels, or stand on the rules' page."""


@dataclass(frozen=True)
class Claims:
    """All edges of a kind with their ends."""

    kind: Kind
    edges: tuple[tuple[Node, Node, Edge], ...]


@dataclass(frozen=True)
class Members:
    """A kernel, and the nodes that have it."""

    kernel: Node
    nodes: tuple[Node, ...]


def pages(world: World) -> Iterable[Page | File]:
    """The page and its data, where there is anything to draw."""
    graph = net(world)
    if not graph.edges:
        return
    content = {
        "pic": picture(graph, first(graph)), "kinds": KINDS, "claims": claims(graph),
        "members": {part: members(graph, part) for part in ("p", "q")}, "data": DATA,
        "nodes": len(graph.nodes), "edges": len(graph.edges),
        "fields": sorted({m.field for m in world.methods.values()}),
        "verdicts": sorted({(b.badge.kind, b.badge.short) for b in world.briefs.values()}),
        "targets": sorted({n.address.partition("#")[0] for n in graph.nodes.values()
                           if n.type != "method"}),
    }  # fmt: skip
    about = "How the losses are related: special cases, limits, bounds, kernels in common."
    yield Page(addresses.GRAPH, "graph.html.jinja", "Graph", content, about, "Graph", 5, "g",
               ("graph.js",))  # fmt: skip
    yield File(DATA, script(graph))


def first(graph: Net) -> str:
    """The node that the page begins with."""
    if FIRST in graph.nodes:
        return FIRST
    return min(graph.nodes, key=lambda n: (-len(graph.around[n]), n))


def claims(graph: Net) -> tuple[Claims, ...]:
    """The edges between entries by kind."""
    found = []
    for kind in KINDS:
        here = tuple((graph.nodes[e.source], graph.nodes[e.target], e) for e in graph.edges
                     if e.kind == kind.name)  # fmt: skip
        if here and kind.name not in ("p", "q", *LISTED):
            found.append(Claims(kind, here))
    return tuple(found)


def members(graph: Net, part: str) -> tuple[Members, ...]:
    """The kernels p or q with those that have them."""
    found = []
    for node in graph.nodes.values():
        if node.type == part:
            here = sorted(
                (n.other for n in graph.around[node.id]), key=lambda n: (n.label.lower(), n.id)
            )
            found.append(Members(node, tuple(here)))
    return tuple(sorted(found, key=lambda m: m.kernel.label.lower()))


def script(graph: Net) -> bytes:
    """The graph as one call: rows of nodes, edges by the numbers of their ends and kind."""
    place = {name: k for k, name in enumerate(graph.nodes)}
    data = {
        "kinds": [[k.name, k.words, k.out, k.back, k.side, k.directed, k.shown] for k in KINDS],
        "sizes": {"most": MOST, "box": BOX, "row": ROW, "head": HEAD, "gap": GAP, "edge": EDGE,
                  "alone": ALONE},
        "nodes": [
            [n.id, n.type, n.label, n.name, n.address, n.field, n.year, n.verdict, n.sign, n.said]
            for n in graph.nodes.values()
        ],
        "edges": [
            [place[e.source], place[e.target], PLACE[e.kind], *filter(None, (e.status, e.sentence))]
            for e in graph.edges
        ],
    }  # fmt: skip
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"iconograph.network({text});\n".encode()
