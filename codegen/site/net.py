"""The graph that the site draws: methods, kernels, rules, gaps, libraries, and kinds of edges.

A kind has a colour and a pattern of dashes of its own, so that neither is needed alone. What an
edge says is read from either end: `out` at its source, `back` at its target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

LEFT, RIGHT, EITHER = "left", "right", ""


@dataclass(frozen=True)
class Kind:
    """A kind of edges.

    `words` stand in the legend, `out` and `back` above the entries at its other end, seen from its
    source and from its target, which stand at `side` and on the opposite one. `hue` is a variable
    of the style. One that is not `shown` is left out of a picture unless asked for.
    """

    name: str
    words: str
    out: str
    back: str
    hue: str
    dash: str
    side: str = RIGHT
    directed: bool = True
    shown: bool = True


KINDS = (
    Kind("p", "has the p", "has the p", "is the p of", "supervised", "5 2", LEFT, False),
    Kind("q", "has the q", "has the q", "is the q of", "self-supervised", "12 2 2 2", RIGHT, False),
    Kind("special-case", "special case", "has the special case", "is a special case of",
         "proved", ""),
    Kind("limit", "limit", "has the limit", "is a limit of", "multimodal", "9 4"),
    Kind("bound", "bound", "is at least", "is at most", "clustering", "2 4"),
    Kind("coarse-graining", "neighbours merged", "with neighbours merged is",
         "merges neighbours of", "distillation", "10 4 2 4"),
    Kind("equal-up-to", "equal", "equals", "equals", "proved", "16 3", EITHER, False),
    Kind("same-loss", "same published loss", "prints the same loss as", "prints the same loss as",
         "link", "6 6", EITHER, False),
    Kind("contradicts", "contradiction", "contradicts", "is contradicted by", "refuted",
         "3 3 9 3"),
    Kind("used-in-the-proof-of", "used in a proof", "is used to prove", "is proved using",
         "preference", "1 6"),
    Kind("closes", "closes a gap", "closes the gap", "is closed by", "unknown", "8 2 2 2"),
    Kind("agrees", "library, agrees", "is what a library computes", "computes", "theory",
         "18 3 3 3"),
    Kind("differs", "library, differs", "is not what a library computes", "differs from",
         "refuted", "6 3"),
    Kind("same-p", "same p, written otherwise", "has the same p as", "has the same p as",
         "supervised", "1 4", EITHER, False),
    Kind("same-q", "same kernel of q", "has the same kernel of q as", "has the same kernel of q as",
         "self-supervised", "20 6", EITHER, False),
    Kind("differs-p", "differs in p only", "differs in p only from", "differs in p only from",
         "soft", "3 7", EITHER, False),
    Kind("differs-q", "differs in q only", "differs in q only from", "differs in q only from",
         "soft", "12 8", EITHER, False),
    Kind("proved-by", "proof uses a rule", "is proved by the rules", "is a rule in the proof of",
         "theory", "1 3", RIGHT, False, False),
)  # fmt: skip
PLACE = {k.name: n for n, k in enumerate(KINDS)}


@dataclass(frozen=True)
class Node:
    """What an edge can end at: a `type`, a short label and a name, and where its page is.

    Types are method, p, q, rule, gap and library (a function of one). A method has a field, a year
    and a verdict (`verdict` is the class of its badge, `sign` its sign, `said` its words).
    """

    id: str
    type: str
    label: str
    name: str
    address: str
    field: str = ""
    year: int = 0
    verdict: str = ""
    sign: str = ""
    said: str = ""


@dataclass(frozen=True)
class Edge:
    """An edge; `sentence` is "" where its kind says everything, `status` where it is no claim."""

    source: str
    target: str
    kind: str
    status: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class Near:
    """An edge as one of its ends sees it: the other end, and whether that is its source."""

    other: Node
    edge: Edge
    incoming: bool


@dataclass(frozen=True)
class Group:
    """The edges of one kind that leave a node one way."""

    kind: Kind
    caption: str
    side: str
    near: tuple[Near, ...]


@dataclass(frozen=True)
class Net:
    """The whole graph."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]

    @cached_property
    def around(self) -> Mapping[str, tuple[Near, ...]]:
        """The edges of every node as it sees them."""
        found: dict[str, list[Near]] = {name: [] for name in self.nodes}
        for e in self.edges:
            found[e.source].append(Near(self.nodes[e.target], e, False))
            found[e.target].append(Near(self.nodes[e.source], e, True))
        return {name: tuple(near) for name, near in found.items()}

    def groups(self, focus: str) -> tuple[Group, ...]:
        """The edges of a node by kind; those not shown count only where there are no others."""
        near = self.around[focus]
        shown = [n for n in near if KINDS[PLACE[n.edge.kind]].shown] or near
        found: dict[tuple[int, bool], list[Near]] = {}
        for n in shown:
            kind = KINDS[PLACE[n.edge.kind]]
            # one that reads the same both ways is one group, whichever end this is
            key = PLACE[kind.name], n.incoming and kind.side != EITHER
            found.setdefault(key, []).append(n)
        out = []
        for (place, incoming), members in sorted(found.items()):
            kind = KINDS[place]
            side = {LEFT: RIGHT, RIGHT: LEFT, EITHER: EITHER}[kind.side] if incoming else kind.side
            members.sort(key=lambda n: (n.other.label.lower(), n.other.id))
            out.append(Group(kind, kind.back if incoming else kind.out, side, tuple(members)))
        return tuple(out)
