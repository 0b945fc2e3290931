"""Errors with letters and sets: another index, a wrong normalisation, a self pair, a condition.

For the rules see `derive.mutations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, pairwise
from typing import TypeVar

from catalog.conditions import conjunction, conjuncts, negate
from catalog.naming import substitute
from catalog.pair import renewed
from catalog.symbols import (
    TRUE,
    Add,
    And,
    Big,
    Cos,
    Dot,
    Equal,
    Expr,
    IApp,
    Index,
    IndexSet,
    IVar,
    Iverson,
    Macro,
    Mask,
    Node,
    Num,
    Or,
    SetRef,
    Size,
    SqNorm,
    Sym,
    free_indices,
    fresh,
)  # fmt: skip
from derive.places import Place, is_index, is_scalar

N = TypeVar("N", bound=Node)
ONE, MINUS = Num(Fraction(1)), Num(Fraction(-1))


@dataclass(frozen=True)
class Words:
    """What the formulas of a method may use: its index sets and its index-valued functions."""

    sets: tuple[IndexSet, ...]
    functions: tuple[IApp, ...]

    def sizes(self) -> tuple[Expr, ...]:
        """The sizes of the sets that have no fixed elements: n, classes."""
        return tuple(size_of(s) for s in self.sets if not s.elements)

    def indices(self, index_set: IndexSet, scope: tuple[IVar, ...]) -> Iterator[Index]:
        """Everything of a set that can be written down: letters, elements, pos[i]."""
        yield from (v for v in scope if v.set == index_set)
        yield from (IApp(e, (), index_set) for e in index_set.elements)
        for f in self.functions:
            if f.set == index_set and len(f.args) == 1:
                doms = [v for v in scope if v.set == f.args[0].set]
                yield from (IApp(f.name, (v,), f.set) for v in doms)


def size_of(index_set: IndexSet) -> Size:
    """The number of elements of an index set, written as the name of the set."""
    return Size((fresh(IVar("x", index_set)),), TRUE, index_set.name)


def swapped(node: N, a: IVar, b: IVar) -> N:
    """The node with two variables exchanged."""
    return substitute(node, {a: b, b: a})


def index(place: Place, words: Words) -> Iterator[Node]:
    """Another letter, i for pos[i], a wrong label; i and j exchanged."""
    node = place.node
    if is_index(node):
        yield from (x for x in words.indices(node.set, place.scope) if x != node)
    elif isinstance(node, Macro | SetRef | Dot | Cos | SqNorm | Sym | Iverson | Size):
        free = place.free()
        for a, b in combinations(free, 2):
            if a.set == b.set:
                yield swapped(node, a, b)
        if isinstance(node, Macro | SetRef | Size):
            for a in free:
                others = words.indices(a.set, place.scope)
                yield from (substitute(node, {a: x}) for x in others if x != a)


def normalisation(place: Place, words: Words) -> Iterator[Node]:
    """A sum over the anchor as well (joint for row), or over the other index."""
    node = place.node
    if isinstance(node, Big) and node.op in ("sum", "mean") and is_scalar(node):
        for a in place.free():
            yield renewed(Big(node.op, (a, *node.vars), node.cond, node.body))
            for v in node.vars:
                if v.set == a.set and a in free_indices(node.body):
                    yield replace(node, body=swapped(node.body, a, v))


def self_pair(place: Place, words: Words) -> Iterator[Node]:
    """The pair (i, i) counted where it is not, or left out where it counts."""
    node = place.node
    match node:
        case Equal(a=IVar() as a, b=IVar() as b, negated=True) if a.set == b.set:
            yield TRUE
        case Big(vars=bound, cond=cond) | Size(vars=bound, cond=cond):
            there = {frozenset((c.a, c.b)) for c in conjuncts(cond) if isinstance(c, Equal)}
            outer = place.free() if isinstance(node, Big) else place.scope
            pairs = [(v, a) for v in bound for a in outer] + list(pairwise(bound))
            for v, a in pairs:
                if v.set == a.set and frozenset((v, a)) not in there:
                    wider = conjunction([Equal(v, a, True), cond])
                    yield replace(node, cond=wider)


def condition(place: Place, words: Words) -> Iterator[Node]:
    """A condition negated, forgotten, or with `or` for `and`."""
    match place.node:
        case Equal() | Mask() | SetRef():
            flipped = negate(place.node)
            if flipped is not None:
                yield flipped
            if not isinstance(place.node, Equal) or not place.node.negated:
                yield TRUE
        case And(args=args) if len(args) > 1:
            yield Or(args)
        case Or(args=args):
            yield And(args)


def count(place: Place, words: Words) -> Iterator[Node]:
    """The size of another set, or one more or less."""
    if isinstance(place.node, Size):
        yield Add((place.node, MINUS))
        yield Add((place.node, ONE))
        for s in words.sets:
            yield size_of(s)
