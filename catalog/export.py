"""The graph as data for other programs: node-link JSON, GraphML, Graphviz dot.

All three name the same nodes and edges in the same order, so that two runs give the same bytes.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from catalog.graph import KINDS, Edge, Graph, Node

STYLES = {
    "same-p": 'color="#bbbbbb"', "same-q": 'color="#bbbbbb" style=dotted',
    "differs-in-one-kernel": 'color="#7799bb"', "contradicts": 'color="#bb3333"',
}  # fmt: skip


def node_link(graph: Graph) -> dict[str, Any]:
    """The graph as the node-link data of networkx: a directed multigraph.

    `networkx.node_link_graph(data, edges="edges")` reads it back. The key of an edge is its name,
    or its kind where it is computed.
    """
    return {
        "directed": True, "multigraph": True, "graph": {"name": "iconograph"},
        "nodes": [record(n) for n in graph.nodes],
        "edges": [
            {**record(e), "key": e.name or e.kind, "symmetric": KINDS[e.kind].symmetric,
             "sentence": e.sentence}
            for e in graph.edges
        ],
    }  # fmt: skip


def record(thing: Node | Edge) -> dict[str, Any]:
    """The fields of a node or an edge as data; of an edge, what says nothing is left out."""
    found = {f.name: getattr(thing, f.name) for f in fields(thing)}
    if isinstance(thing, Edge):
        found = {k: v for k, v in found.items() if v not in ("", ())}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


def to_networkx(graph: Graph) -> Any:
    """The graph as a `networkx.MultiDiGraph`, lists as text, as GraphML has only scalars."""
    import networkx as nx

    made = nx.MultiDiGraph(name="iconograph")
    data = node_link(graph)
    for row in data["nodes"]:
        made.add_node(row.pop("id"), **row)
    for row in data["edges"]:
        ends = (row.pop("source"), row.pop("target"), row.pop("key"))
        flat = {k: "; ".join(v) if isinstance(v, list) else v for k, v in row.items()}
        made.add_edge(ends[0], ends[1], key=ends[2], **flat)
    return made


def graphml(graph: Graph) -> str:
    """The graph as GraphML."""
    import networkx as nx

    return "\n".join(nx.generate_graphml(to_networkx(graph))) + "\n"


def dot(graph: Graph) -> str:
    """The graph in Graphviz's language; edges that nobody proved are dashed."""
    lines = ["digraph iconograph {", "  node [shape=box];"]
    for n in graph.nodes:
        label = f"{n.name}\np {n.p}, q {n.q}" if n.p else n.name
        lines.append(f"  {quoted(n.id)} [label={quoted(label)}];")
    for e in graph.edges:
        label = f"{e.kind}\n{e.label}" if e.label else e.kind
        style = [STYLES[e.kind]] if e.kind in STYLES else []
        style += ["dir=none"] if KINDS[e.kind].symmetric else []
        style += ["style=dashed"] if e.status not in ("computed", "proved") else []
        inside = " ".join([f"label={quoted(label)}", *style])
        lines.append(f"  {quoted(e.source)} -> {quoted(e.target)} [{inside}];")
    return "\n".join([*lines, "}"]) + "\n"


def quoted(text: str) -> str:
    """A text as Graphviz reads it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("\n", "\\n") + '"'
