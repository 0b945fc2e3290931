"""The graph of methods: typed edges, computed from the pairs where they can be, else claimed.

Same-loss compares published formulas, same-p and same-q the kernels of two pairs, free of names
(`catalog.likeness`); a pair of methods that agrees in one kernel and in everything around it
differs in the other kernel only. Claimed edges stand in `relations/` or follow from entries
(`catalog.ties`); whether they are true is for `derive.relations` to say, and the status of an edge
that nobody asked about is "claimed".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeVar

from catalog.edges import Claimed
from catalog.spec import Method
from catalog.ties import said

T = TypeVar("T")


@dataclass(frozen=True)
class Kind:
    """A kind of edge: whether it reads the same both ways, and how it is said (a, b: the names)."""

    symmetric: bool
    words: str


KINDS: Mapping[str, Kind] = {
    "same-p": Kind(True, "{a} and {b} have p by the same formula"),
    "same-q": Kind(True, "{a} and {b} have the same kernel of q"),
    "differs-in-one-kernel": Kind(True, "{a} and {b} differ in {label} only"),
    "special-case": Kind(False, "{b} is {a} with {label}"),
    "equal-up-to": Kind(True, "{a} equals {b}"),
    "same-loss": Kind(True, "{a} and {b} print the same loss"),
    "limit": Kind(False, "{b} is a limit of {a}"),
    "bound": Kind(False, "{a} is at least {b}"),
    "coarse-graining": Kind(False, "{b} is {a} with neighbours merged"),
    "contradicts": Kind(False, "what {a} states is false; {b} proves what holds"),
    "used-in-the-proof-of": Kind(False, "{a} is used in the proof of {b}"),
}
COMPUTED = ("same-p", "same-q", "differs-in-one-kernel", "same-loss")
STATUSES = ("computed", "proved", "refuted", "unknown", "claimed")


@dataclass(frozen=True)
class Node:
    """A method; `p` and `q` name its kernels, "" where the entry states no pair."""

    id: str
    name: str
    field: str
    year: int
    p: str
    q: str
    normalise: str
    relation: str
    origin: str = ""


@dataclass(frozen=True)
class Edge:
    """An edge; one that reads the same both ways goes from the smaller id to the larger.

    `name` is that of a claimed edge, "" for a computed one. `label` says what is put (special-case)
    or what differs, `equation` the right side of an equation of formulas, `assuming` what the edge
    assumes besides the hypotheses of the target. `status` is one of STATUSES. The rest is what a
    proof adds: see `derive.relations.EdgeVerdict`.
    """

    source: str
    target: str
    kind: str
    status: str
    name: str = ""
    label: str = ""
    equation: str = ""
    assuming: tuple[str, ...] = ()
    why: str = ""
    detail: str = ""
    theorem: str = ""
    hypotheses: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()
    certificate: str = ""

    @property
    def sentence(self) -> str:
        """The edge in a sentence without its full stop."""
        b = self.equation or self.target
        said = KINDS[self.kind].words.format(a=self.source, b=b, label=self.label or "no change")
        if self.kind in ("bound", "limit") and self.label:
            said += f", with {self.label}"
        return said + (f", where {' and '.join(self.assuming)}" if self.assuming else "")


@dataclass(frozen=True)
class Graph:
    """Nodes by id; edges by their ends, kind and name."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = field(default=())

    def counts(self) -> dict[tuple[str, str], int]:
        """How many edges there are of every kind and status."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for edge in self.edges:
            found[edge.kind, edge.status] += 1
        return dict(sorted(found.items()))


def build(
    methods: Iterable[Method],
    claimed: Iterable[Edge] = (),
    origins: Mapping[str, str] | None = None,
) -> Graph:
    """The graph of `methods`, with the edges that follow from their pairs and those given.

    `origins` names the plug-in of every method that comes from one. An edge to a method that is
    not among `methods` is left out.
    """
    methods = list(methods)
    nodes = sorted((node(m, (origins or {}).get(m.id, "")) for m in methods), key=lambda n: n.id)
    known = {n.id for n in nodes}
    edges = [*computed(methods), *(e for e in claimed if {e.source, e.target} <= known)]
    return Graph(tuple(nodes), tuple(sorted(edges, key=order)))


def node(method: Method, origin: str = "") -> Node:
    """The node of a method."""
    icon, pair = method.icon, bool(method.icon.blocks)
    return Node(
        method.id, method.name, method.field, method.year, icon.p.name if pair else "",
        icon.q.name if pair else "", icon.normalise, method.claim.relation, origin,
    )  # fmt: skip


def order(edge: Edge) -> tuple[str, str, str, str]:
    """The order of edges."""
    return edge.source, edge.target, edge.kind, edge.name


def claimed_edge(edge: Claimed) -> Edge:
    """A claimed edge before anybody asked for its proof."""
    equation = ""
    if edge.states_equation or edge.kind == "bound":
        scale, constant = edge.scale.text.strip(), edge.constant.text.strip()
        equation = edge.target if scale == "1" else f"{factor(scale)} * {edge.target}"
        equation += "" if constant == "0" else f" + {factor(constant)}"
    label = " and ".join(filter(None, (edge.tends, edge.parameter)))
    return Edge(
        edge.source, edge.target, edge.kind, "claimed", edge.name, label, equation,
        edge.assumptions, edge.why,
    )  # fmt: skip


def factor(text: str) -> str:
    """`text` in parentheses, unless it is a single word."""
    return text if text.isidentifier() or text.isdigit() else f"({text})"


# ---------------------------------------------------------------------- computed edges


def computed(methods: Iterable[Method]) -> Iterator[Edge]:
    """The edges that formulas and pairs themselves show. Time is that of the edges there are."""
    methods = list(methods)
    forms = {m.id: found for m in methods if (found := said(m).pair) is not None}
    losses = {m.id: said(m).loss for m in methods if m.published_text}
    for ids in classes(losses, lambda f: f):
        yield from (Edge(a, b, "same-loss", "computed") for a, b in combinations(ids, 2))
    for part in ("p", "q"):
        for ids in classes(forms, lambda f, part=part: getattr(f, part)):  # type: ignore[misc]
            yield from (Edge(a, b, f"same-{part}", "computed") for a, b in combinations(ids, 2))
    # the loss of a refuted entry is not that of the pair which it names
    theirs = {m.id: forms[m.id] for m in methods if m.id in forms and not denied(m)}
    for same, other in (("p", "q"), ("q", "p")):
        for ids in classes(theirs, lambda f, s=same: (f.setting, getattr(f, s))):  # type: ignore[misc]
            for a, b in combinations(ids, 2):
                if getattr(forms[a], other) != getattr(forms[b], other):
                    yield Edge(a, b, "differs-in-one-kernel", "computed", label=other)


def denied(method: Method) -> bool:
    """Whether an entry says that its loss is not that of its pair."""
    return method.claim.relation in ("does-not-reduce", "false-as-stated")


def classes(
    forms: Mapping[str, T], key: Callable[[T], Hashable]
) -> Iterator[list[str]]:
    """The ids of alike forms together, sorted."""
    found: dict[Hashable, list[str]] = defaultdict(list)
    for name in sorted(forms):
        found[key(forms[name])].append(name)
    yield from found.values()
