"""Two methods side by side: conventions, p and q, the path between them, one toy batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from catalog import registry
from catalog.equation import equation
from catalog.errors import InputError
from catalog.graph import Edge, Graph, build, claimed_edge
from catalog.likeness import form, likeness
from catalog.notation import to_text
from catalog.spec import Block, Method, PSpec, QSpec
from iconograph.batch import Numbers, by_equation, by_matching
from iconograph.find import catalog_methods
from iconograph.network import claims, judge
from iconograph.wording import claim_text, fact_text

SHARED = ("same-p", "same-q", "differs-in-one-kernel")
"""What joins two entries that have a kernel in common. It is said of the two themselves: a chain of
such edges would join nearly all entries, and say nothing of the ends."""
COSTS = {"special-case": 1, "equal-up-to": 1, "differs-in-one-kernel": 3, "same-p": 4, "same-q": 4}
OTHER = 2  # the cost of an edge of any other kind
LONGEST = 4  # edges of a path; beyond, two methods have nothing to do with each other


@dataclass(frozen=True)
class Aspect:
    """One row: what is compared, as the two methods have it.

    `mark` is "" where they agree, "≠" where they differ and "≈" where they differ in names only.
    """

    key: str
    left: str
    right: str
    mark: str


@dataclass(frozen=True)
class Comparison:
    """Two methods compared; `path` leads from the one to the other along the graph.

    `also` are the edges that join the two besides, without those that follow from the pairs.
    """

    left: Method
    right: Method
    aspects: tuple[Aspect, ...]
    path: tuple[Edge, ...]
    numbers: Numbers
    also: tuple[Edge, ...] = ()

    @property
    def proved(self) -> bool:
        """Whether every step of the path is proved, or follows from the two pairs."""
        return all(e.status in ("proved", "computed") for e in self.path)

    def to_json(self) -> dict[str, Any]:
        """The content of `iconograph compare --json`."""
        return {
            "methods": [self.left.id, self.right.id],
            "aspects": [asdict(a) for a in self.aspects],
            "path": [{**asdict(e), "sentence": e.sentence} for e in self.path],
            "path_proved": self.proved if self.path else None,
            "also": [{**asdict(e), "sentence": e.sentence} for e in self.also],
            "numbers": self.numbers.to_json(),
        }


def compare(left: Method, right: Method, *, prove: bool = True) -> Comparison:
    """The comparison of two methods; claimed edges on the path are proved first.

    Raises:
        InputError: an entry states no loss.
    """
    for method in (left, right):
        if not method.icon.blocks:
            raise InputError(f"{method.id} is a {method.claim.relation} and states no pair")
    path = path_between(left, right, prove=prove)
    also = besides(left, right, path, prove=prove)
    rows = tuple(aspects(left, right))
    return Comparison(left, right, rows, path, numbers(left, right), also)


# ---------------------------------------------------------------------- rows


def aspects(a: Method, b: Method) -> Iterator[Aspect]:
    """The rows, in a fixed order."""
    yield from (
        row("name", a.name, b.name), row("field", a.field, b.field),
        row("year", str(a.year), str(b.year)),
        row("published", one_line(a.published_text), one_line(b.published_text)),
        row("claim", claim_text(a), claim_text(b)),
    )  # fmt: skip
    one, other = likeness(a), likeness(b)
    assert one is not None and other is not None
    for what, mine, theirs, same in (
        ("p", a.icon.p, b.icon.p, one.p == other.p),
        ("q", a.icon.q, b.icon.q, one.q == other.q),
    ):
        yield row(f"{what} kernel", mine.name, theirs.name)
        for key in dict.fromkeys([*mine.params, *theirs.params]):
            left, right = (shown(m.params, key) for m in (mine, theirs))
            yield row(f"  {key}", left, right, names_only=alike(a, b, mine, theirs, key))
        texts = (formula(what, m.icon.blocks[0]) for m in (a, b))
        yield row(f"  {'p(j|i)' if what == 'p' else 'k(i,j)'}", *texts, names_only=same)
    setting = one.setting == other.setting
    yield row("normalised", a.icon.normalise, b.icon.normalise)
    for key, part in (("anchors", anchors), ("neighbours", neighbours), ("weights", weights)):
        yield row(key, *(part(m.icon.blocks[0]) for m in (a, b)), names_only=setting)
    yield row("assumes", *("\n".join(fact_text(f) for f in m.assumes) or "-" for m in (a, b)))
    for key in dict.fromkeys([*a.conventions, *b.conventions]):
        yield row(f"on {key}", *(m.conventions.get(key, "-") for m in (a, b)))


def row(key: str, left: str, right: str, *, names_only: bool = False) -> Aspect:
    """A row; where `names_only`, a difference of the texts is one of names."""
    mark = "" if left == right else "≈" if names_only else "≠"
    return Aspect(key, left or "-", right or "-", mark)


def alike(a: Method, b: Method, mine: PSpec | QSpec, theirs: PSpec | QSpec, key: str) -> bool:
    """Whether a parameter of both kernels is the same but for names."""
    if key not in mine.params or key not in theirs.params:
        return False
    one, other = a.icon.blocks[0], b.icon.blocks[0]
    return form(mine.params[key], one) == form(theirs.params[key], other)


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())


def shown(params: Mapping[str, Any], key: str) -> str:
    """A parameter as text, "-" where the kernel has none of that name."""
    return to_text(params[key]) if key in params else "-"


def formula(what: str, block: Block) -> str:
    """P or the kernel of a block as text."""
    return to_text(block.p if what == "p" else block.kernel)


def letters(variables: tuple[Any, ...], cond: str) -> str:
    """Variables with their sets and their condition, as in `j in n : j != i`."""
    over = ", ".join(f"{v.name.split(chr(39))[0]} in {v.set.name}" for v in variables)
    return over if cond == "true" else f"{over} : {cond}"


def anchors(block: Block) -> str:
    """The anchors of a block."""
    return letters(block.anchors, to_text(block.anchor_cond)) or "none, one joint distribution"


def neighbours(block: Block) -> str:
    """The allowed neighbours of a block."""
    return letters(block.neighbours, to_text(block.neighbour_cond))


def weights(block: Block) -> str:
    """The weight of an anchor of a block."""
    return to_text(block.weight)


# ---------------------------------------------------------------------- the path


def path_between(a: Method, b: Method, *, prove: bool = True) -> tuple[Edge, ...]:
    """The cheapest path of at most LONGEST edges, () where there is none; its claims judged."""
    stated = {c.name: c for c in claims()}
    methods = {m.id: m for m in (*catalog_methods(), a, b)}
    graph = build(methods.values(), map(claimed_edge, stated.values()))
    path = cheapest(graph, a.id, b.id)
    wanted = [stated[e.name] for e in path if e.name]
    known = {edge.name: edge for edge, _ in judge(wanted, prove=prove)}
    return tuple(known.get(e.name, e) for e in path)


def besides(
    a: Method, b: Method, path: tuple[Edge, ...], *, prove: bool = True
) -> tuple[Edge, ...]:
    """The claimed edges between two methods that are not on their path, judged."""
    on = {e.name for e in path}
    ends = {a.id, b.id}
    wanted = [c for c in claims() if {c.source, c.target} == ends and c.name not in on]
    return tuple(edge for edge, _ in judge(wanted, prove=prove))


def cheapest(graph: Graph, start: str, end: str) -> tuple[Edge, ...]:
    """The path of the smallest cost; edges can be walked both ways."""
    from heapq import heappop, heappush

    around: dict[str, list[tuple[str, Edge]]] = {}
    for edge in graph.edges:
        around.setdefault(edge.source, []).append((edge.target, edge))
        around.setdefault(edge.target, []).append((edge.source, edge))
    queue: list[tuple[int, int, str, tuple[Edge, ...]]] = [(0, 0, start, ())]
    done: set[str] = set()
    count = 0
    while queue:
        cost, _, here, path = heappop(queue)
        if here == end:
            return path
        if here in done or len(path) == LONGEST:
            continue
        done.add(here)
        for there, edge in around.get(here, ()):
            if edge.kind in SHARED and {here, there} != {start, end}:
                continue
            if there not in done:
                count += 1
                step = COSTS.get(edge.kind, OTHER)
                heappush(queue, (cost + step, count, there, (*path, edge)))
    return ()


# ---------------------------------------------------------------------- numbers


def numbers(a: Method, b: Method) -> Numbers:
    """Both losses on one batch: by an equation that is claimed of them, else by matching."""
    for edge in claims():
        if edge.states_equation and {edge.source, edge.target} == {a.id, b.id}:
            source, target = registry.load(edge.source), registry.load(edge.target)
            said = equation(edge, source, target)
            words = claimed_edge(edge)
            left = f"{edge.source} with {edge.parameter}" if edge.parameter else edge.source
            return by_equation(said, left, words.equation)
    found = by_matching(a, b)
    if not found.why:
        return found
    # what cannot be said in the words of the one may be sayable in those of the other
    turned = by_matching(b, a)
    if turned.why:
        return found
    return replace(
        turned, left=turned.right, right=turned.left, values=turned.values[::-1],
        shared=tuple((x, y) for y, x in turned.shared),
    )  # fmt: skip
