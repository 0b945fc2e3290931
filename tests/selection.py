"""A few entries that show everything the catalog has, for tests of the machinery.

What is true of an entry is tested for every entry (test_every_entry.py and others). A test whether
the machinery works on all kinds of entries takes `representatives` in place of all: a greedy choice
that has every trait that some entry has. A new entry with a trait of its own is in it, one more of
a known kind costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from catalog.spec import Method
from catalog.symbols import Add, Big, Call, Iverson, Node, Sym, walk

Item = TypeVar("Item")
Traits = Callable[[Method], Iterable[str]]


def representatives(methods: Iterable[Method], of: Traits) -> list[Method]:
    """Methods that together have every trait (`kinds` or `traits`), in the order of `methods`.

    Of methods that add as many traits the one with the shortest file is taken.
    """
    methods = list(methods)
    every = {m.id: frozenset(of(m)) for m in methods}
    size = {m.id: len(m.text) for m in methods}
    open_ = frozenset[str]().union(*every.values())
    taken = set[str]()
    while open_:
        best = min(every, key=lambda name: (-len(every[name] & open_), size[name], name))
        taken.add(best)
        open_ -= every[best]
    return [m for m in methods if m.id in taken]


def turn() -> int:
    """Which part a test of many takes, ICONOGRAPH_TURN; -1 for all of them, which takes longer."""
    return int(os.environ.get("ICONOGRAPH_TURN", "0"))


def kinds(m: Method) -> Iterator[str]:
    """Relation, divergence, kernels, normalisation, and whether the pair is one of two sets."""
    icon = m.icon
    yield f"relation {m.claim.relation}"
    for b in icon.blocks:
        yield f"divergence {icon.divergence}"
        yield f"p {icon.p.name}, {icon.normalise}"
        yield f"q {icon.q.name}, {icon.normalise}"
        ends = {v.set.name for v in b.anchors} & {v.set.name for v in b.neighbours}
        yield f"{icon.normalise}, {'the same set' if ends else 'two sets'}"


def traits(m: Method) -> Iterator[str]:
    """The same, what is declared, which kernels meet, and what the formulas are made of."""
    yield from kinds(m)
    for d in m.declarations.values():
        dims = len(getattr(d.form, "args", ()))
        kind = getattr(d.form, "kind", type(d.form).__name__)
        yield f"{'learned' if d.learned else 'given'} {kind} of {dims}"
    yield from made_of("published", m.published)
    for b in m.icon.blocks:
        yield f"p {m.icon.p.name}, q {m.icon.q.name}"
        yield f"{len(b.anchors)} anchors, {len(b.neighbours)} neighbours"
        parts = ("anchor", b.anchor_cond), ("neighbour", b.neighbour_cond), ("weight", b.weight)
        for where, node in (*parts, ("p", b.p), ("kernel", b.kernel)):
            yield from made_of(where, node)


def made_of(where: str, node: Node) -> Iterator[str]:
    """The operations of a formula."""
    for n in walk(node):
        if isinstance(n, Call):
            yield f"{where}: {n.fn}"
        elif isinstance(n, Big):
            yield f"{where}: {n.op} over {len(n.vars)}"
        elif not isinstance(n, Sym | Add | Iverson):
            yield f"{where}: {type(n).__name__}"


def part(items: Sequence[Item], of: int = 3) -> list[Item]:
    """Every third (or so) of some cases, in turn; all of them at ICONOGRAPH_TURN=-1."""
    return list(items) if turn() < 0 else list(items[turn() % of :: of])
