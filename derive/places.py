"""Places in a formula: every sub-tree with the variables in scope, and trees with one changed.

Abbreviations and named sets are entered through their meaning. A tree that changes below one shows
the meaning instead of the name, so that a printed formula never hides a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeGuard, get_args

from catalog.conditions import conjunction, negate
from catalog.symbols import (
    TRUE,
    And,
    Big,
    Cond,
    Expr,
    Index,
    IndexSet,
    IVar,
    Macro,
    Node,
    SetRef,
    Size,
    free_indices,
)  # fmt: skip
from derive.translate import is_vector


class Never(ValueError):
    """A condition that never holds, which the language has no words for."""


Path = tuple[tuple[str, int], ...]  # field and position in it, -1 where the field is no tuple
EXPRS, INDICES = get_args(Expr), get_args(Index)


@dataclass(frozen=True)
class Place:
    """A node, the way to it from the root, the variables in scope there and the node above."""

    node: Node
    path: Path
    scope: tuple[IVar, ...]
    above: Node | None

    def free(self) -> tuple[IVar, ...]:
        """The variables that the node mentions, outermost first: the same order in every run."""
        found = free_indices(self.node)
        return tuple(v for v in self.scope if v in found)


def places(root: Node, scope: tuple[IVar, ...] = ()) -> Iterator[Place]:
    """Every place of a tree whose free variables are `scope`, outermost first."""
    return _places(root, (), scope, None)


def _places(node: Node, path: Path, scope: tuple[IVar, ...], above: Node | None) -> Iterator[Place]:
    yield Place(node, path, scope, above)
    if isinstance(node, Big | Size):
        scope = (*scope, *node.vars)
    for step, child in _steps(node):
        yield from _places(child, (*path, step), scope, node)


def _steps(node: Node) -> Iterator[tuple[tuple[str, int], Node]]:
    """The ways one level down: into the meaning only where there is a name for it."""
    if isinstance(node, Macro):
        yield ("body", -1), node.body
        return
    if isinstance(node, SetRef):
        yield ("cond", -1), node.cond
        return
    for f in fields(node):
        value = getattr(node, f.name)
        if f.name == "vars" or isinstance(value, IndexSet):
            continue
        if isinstance(value, tuple):
            yield from (((f.name, k), x) for k, x in enumerate(value) if _is_node(x))
        elif _is_node(value):
            yield (f.name, -1), value


def _is_node(x: object) -> bool:
    return hasattr(x, "__dataclass_fields__")


def put(root: Node, path: Path, new: Node) -> Node:
    """The tree with the node at `path` replaced. Raises Never."""
    return trail(root, path, new)[-1][1]


def trail(root: Node, path: Path, new: Node) -> list[tuple[Node, Node]]:
    """What `put` changes: (before, after) from the place itself up to the whole tree."""
    nodes = [root]
    for name, k in path:
        value = getattr(nodes[-1], name)
        nodes.append(value if k < 0 else value[k])
    out = [(nodes[-1], new)]
    for node, (name, k) in zip(nodes[-2::-1], path[::-1], strict=True):
        out.append((node, _with(node, name, k, out[-1][1])))
    return out


def _with(node: Node, name: str, k: int, new: Node) -> Node:
    """A node with one child replaced."""
    if isinstance(node, Macro):
        return new
    if isinstance(node, SetRef):
        return new if not node.negated else opposite(new)
    value: Any = new
    if k >= 0:
        old = getattr(node, name)
        value = (*old[:k], new, *old[k + 1 :])
    if isinstance(node, And):
        return conjunction([c for c in value if c != TRUE])
    if isinstance(node, Size):
        return replace(node, cond=value, label="")
    return replace(node, **{name: value})


def opposite(cond: Any) -> Cond:
    """The negation of a condition. Raises Never where that could not hold."""
    found = negate(cond)
    if found is None:
        raise Never("a condition that never holds")
    return found


def rebuilt(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The tree with every outermost node replaced for which `change` has something else."""
    new = change(node)
    if new is not None:
        return new
    below = [(step, child, rebuilt(child, change)) for step, child in _steps(node)]
    changed = [(step, other) for step, child, other in below if other is not child]
    if isinstance(node, And) and changed:  # at once, since what always holds is left out
        return conjunction([c for _, _, c in below if c != TRUE])  # type: ignore[misc]
    for (name, k), other in changed:
        node = _with(node, name, k, other)
    return node


def is_expr(node: Node | None) -> TypeGuard[Expr]:
    """Whether a node is an expression: no index and no condition."""
    return isinstance(node, EXPRS)


def is_index(node: Node | None) -> TypeGuard[Index]:
    """Whether a node is an index."""
    return isinstance(node, INDICES)


def is_scalar(node: Node | None) -> bool:
    """Whether a node is a number and no vector."""
    return is_expr(node) and not is_vector(node)
