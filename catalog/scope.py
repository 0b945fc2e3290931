"""What the names of a formula mean: sets, letters, declared symbols, abbreviations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalog.spec import Block, Declaration
from catalog.symbols import FUNCTIONS, Cond, Expr, IApp, Index, IndexSet, IVar, Node

RESERVED = frozenset(FUNCTIONS) | set(
    ["sum", "mean", "size", "cos", "and", "or", "not", "in", "true"]
)
"""Words of the language that no file may declare."""


@dataclass(frozen=True)
class Define:
    """An abbreviation of [define]: a scalar or vector `body`, or a set of `element`s under `cond`.

    `dim` is the dimension of a vector body; `nodes` measures the elaborated body, so that a chain
    of doubling abbreviations is refused before it is expanded.
    """

    name: str
    params: tuple[IVar, ...]
    body: Expr | None = None
    dim: IndexSet | None = None
    element: IVar | None = None
    cond: Cond | None = None
    nodes: int = 1


@dataclass(frozen=True)
class Value:
    """A node that a template's name stands for, over `params`; spliced without leaving a trace."""

    node: Expr | Index | Cond
    params: tuple[IVar, ...] = ()
    dim: IndexSet | None = None


@dataclass(frozen=True)
class Scope:
    """Every name that a formula may use besides its bound letters.

    `letters` maps a letter to the set it ranges over (j also covers j1, j2, ...); `values` binds
    the names of a kernel's template to the user's parameters; `pair` is there where p(i,j) and H(p)
    may be said.
    """

    sets: Mapping[str, IndexSet]
    letters: Mapping[str, IndexSet]
    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    defines: Mapping[str, Define] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    pair: tuple[Block, ...] = ()

    def letter(self, name: str) -> IndexSet | None:
        """The set over which the letter `name` ranges, or None when it is no letter."""
        if name in self.letters:
            return self.letters[name]
        return self.letters.get(re.sub(r"\d+$", "", name)) if name not in self.names() else None

    def dimension(self, name: str) -> IndexSet | None:
        """The coordinate set called `name` of some declared vector, as the d of `vector[i]`."""
        for declaration in self.declarations.values():
            dim = getattr(declaration.form, "dim", None)
            if dim is not None and dim.name == name:
                return dim  # type: ignore[no-any-return]
        return None

    def element(self, name: str) -> IApp | None:
        """The element called `name` of an enumerated set."""
        for index_set in self.sets.values():
            if name in index_set.elements:
                return IApp(name, (), index_set)
        return None

    def names(self) -> frozenset[str]:
        """Every declared name: sets, elements, symbols, abbreviations, template parameters."""
        elements = {e for s in self.sets.values() for e in s.elements}
        return frozenset({*self.sets, *elements, *self.declarations, *self.defines, *self.values})


def below(node: Node) -> Iterator[Node]:
    """The direct sub-nodes, like `symbols.children` but comparing no nodes, which would recurse."""
    for name in type(node).__slots__:
        value = getattr(node, name)
        if name == "vars" or isinstance(value, IndexSet):
            continue
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "__dataclass_fields__"):
                yield item


def measure(node: Node) -> tuple[int, int]:
    """The number of nodes of a tree and its depth, without recursion."""
    nodes, depth, stack = 0, 0, [(node, 1)]
    while stack:
        item, level = stack.pop()
        nodes, depth = nodes + 1, max(depth, level)
        stack.extend((child, level + 1) for child in below(item))
    return nodes, depth
