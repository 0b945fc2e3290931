"""A node of the graph with everything around it, drawn: what points at it left, the rest right.

`graph.js` draws by the same rules when the reader moves the focus, and a test in a browser compares
the two. All coordinates are integers.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.site.net import KINDS, LEFT, RIGHT, Group, Kind, Near, Net, Node

MOST = 28
"""Neighbours drawn; the list beside the picture has all of them."""

BOX, ROW, HEAD, GAP, EDGE = 212, 34, 26, 120, 8
"""Pixels: the width of a box, a row, a caption, the way between columns, the margin."""

HIGH = 26
"""The height of a box."""

ALONE = 8
"""With more neighbours than this on one side and none on the other, both sides take half."""


@dataclass(frozen=True)
class Box:
    """A node in pixels: its left end and its middle."""

    node: Node
    x: int
    y: int
    focus: bool = False


@dataclass(frozen=True)
class Caption:
    """What stands above the boxes of a group; `left` says that its text ends at `x`."""

    text: str
    x: int
    y: int
    left: bool


@dataclass(frozen=True)
class Line:
    """An edge in pixels: the paths of the line and of the head of its arrow, which may be empty."""

    kind: Kind
    source: str
    target: str
    path: str
    head: str


@dataclass(frozen=True)
class Picture:
    """A node and what is around it, `drawn` of `all` neighbours."""

    focus: Node
    width: int
    height: int
    boxes: tuple[Box, ...]
    captions: tuple[Caption, ...]
    lines: tuple[Line, ...]
    groups: tuple[Group, ...]
    drawn: int
    all: int
    box: int = BOX

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of the lines, for a legend."""
        there = {line.kind.name for line in self.lines}
        return tuple(k for k in KINDS if k.name in there)


def picture(net: Net, focus: str, most: int = MOST) -> Picture:
    """A node and what is around it; of more than `most` neighbours some of each kind are drawn."""
    groups = net.groups(focus)
    first = firsts(groups)
    cap = limit([len(ids) for ids in first], most)
    columns = sides(groups, [ids[:cap] for ids in first])
    height = max(ROW * 4, *(tall(column) for column in columns.values())) + 2 * EDGE
    middle = height // 2
    at = Box(net.nodes[focus], EDGE + BOX + GAP, middle, True)
    boxes, captions = [at], []
    for side, column in columns.items():
        x = EDGE if side == LEFT else EDGE + 2 * (BOX + GAP)
        y = middle - tall(column) // 2
        for caption, nodes in column:
            captions.append(
                Caption(caption, x + (BOX if side == LEFT else 0), y + 18, side == LEFT)
            )
            y += HEAD
            for node in nodes:
                boxes.append(Box(node, x, y + ROW // 2))
                y += ROW
    placed = {b.node.id: b for b in boxes}
    lines = [line for n in ordered(groups) if n.other.id in placed
             for line in [drawn(n, at, placed[n.other.id])]]  # fmt: skip
    everything = {n.other.id for g in groups for n in g.near}
    return Picture(
        net.nodes[focus], 2 * EDGE + 3 * BOX + 2 * GAP, height, tuple(boxes), tuple(captions),
        tuple(spread(lines)), groups, len(boxes) - 1, len(everything),
    )  # fmt: skip


def ordered(groups: tuple[Group, ...]) -> list[Near]:
    """All edges of some groups, in order."""
    return [n for g in groups for n in g.near]


def firsts(groups: tuple[Group, ...]) -> list[list[Node]]:
    """The nodes of each group that no group before it has."""
    seen: set[str] = set()
    found = []
    for g in groups:
        here = []
        for n in g.near:
            if n.other.id not in seen:
                seen.add(n.other.id)
                here.append(n.other)
        found.append(here)
    return found


def limit(counts: list[int], most: int) -> int:
    """How many of each group may be drawn, so that there are at most `most` in all; at least 1.

    >>> limit([2, 3, 40], 20), limit([1, 1], 20), limit([30], 20)
    (15, 20, 20)
    """
    return next((c for c in range(most, 1, -1) if sum(min(n, c) for n in counts) <= most), 1)


Column = list[tuple[str, list[Node]]]


def sides(groups: tuple[Group, ...], nodes: list[list[Node]]) -> dict[str, Column]:
    """Captions and nodes left and right: by the side of a group, or where there is more room."""
    found: dict[str, Column] = {LEFT: [], RIGHT: []}
    here = [(g, ns) for g, ns in zip(groups, nodes, strict=True) if ns]
    for g, ns in here:
        if g.side:
            found[g.side].append((g.caption, ns))
    for g, ns in here:
        if not g.side:
            side = LEFT if tall(found[LEFT]) <= tall(found[RIGHT]) else RIGHT
            found[side].append((g.caption, ns))
    for side, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
        if not found[other] and sum(len(ns) for _, ns in found[side]) > ALONE:
            whole = found[side]
            found[side] = [(c, ns[: (len(ns) + 1) // 2]) for c, ns in whole]
            found[other] = [(c, ns[(len(ns) + 1) // 2 :]) for c, ns in whole if len(ns) > 1]
    return found


def tall(column: Column) -> int:
    """The height of a column."""
    return sum(HEAD + ROW * len(nodes) for _, nodes in column)


def drawn(near: Near, focus: Box, other: Box) -> tuple[Near, Box, Box]:
    """An edge with its boxes, source first."""
    return (near, other, focus) if near.incoming else (near, focus, other)


def spread(lines: list[tuple[Near, Box, Box]]) -> list[Line]:
    """The lines; several between the same two boxes end a little below each other."""
    met: dict[frozenset[str], dict[str, int]] = {}
    found = []
    for near, source, target in lines:
        kind = next(k for k in KINDS if k.name == near.edge.kind)
        before = met.setdefault(frozenset((source.node.id, target.node.id)), {})
        if kind.name in before:
            continue  # two claims of one kind are one line, and two in the list
        before[kind.name] = len(before)
        shift = 5 * before[kind.name]
        right = target.x > source.x
        x1, x2 = (source.x + BOX, target.x) if right else (source.x, target.x + BOX)
        y1, y2 = source.y + shift, target.y + shift
        turn = (x1 + x2) // 2
        step = -7 if right else 7
        head = f"M{x2} {y2}l{step} -4v8z" if kind.directed else ""
        path = f"M{x1} {y1}C{turn} {y1} {turn} {y2} {x2 + (step if head else 0)} {y2}"
        found.append(Line(kind, source.node.id, target.node.id, path, head))
    return found
