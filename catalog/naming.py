"""Letters for bound variables, each its own where that is clear; trees up to renaming."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TypeVar

from catalog.symbols import (
    Big,
    Expr,
    Fact,
    IApp,
    Index,
    IndexSet,
    IVar,
    Macro,
    Mask,
    Node,
    SetRef,
    Size,
    Sym,
    free_indices,
    map_node,
    walk,
)  # fmt: skip

Names = Mapping[IVar, str]
N = TypeVar("N", bound=Node | Fact)


def letter(variable: IVar) -> str:
    """The letter of a variable, without the number that makes it unique."""
    return variable.name.split("'")[0]


def numbered(base: str, turn: int) -> str:
    """j, j2, j3, ...: letters that the formula language reads back."""
    return base if turn == 0 else f"{base}{turn + 1}"


def primed(base: str, turn: int) -> str:
    """j, j', j'', ...: letters for reading only."""
    return base + "'" * turn


def taken_names(node: Node) -> frozenset[str]:
    """Every name in a tree that a letter must not hide."""
    named = (n for n in walk(node) if isinstance(n, Sym | IApp | Mask | SetRef | Macro))
    return frozenset(n.name for n in named)


def name_all(
    variables: tuple[IVar, ...],
    outer: Names,
    taken: frozenset[str],
    variant: Callable[[str, int], str],
) -> dict[IVar, str]:
    """`outer` with names for `variables`, all distinct: a reader meets no shadowed letter."""
    names = {k: v for k, v in outer.items() if k not in variables}
    used = {*names.values(), *taken}
    for variable in variables:
        turn = 0
        while (name := variant(letter(variable), turn)) in used:
            turn += 1
        used.add(name)
        names[variable] = name
    return names


def sorted_free(node: Node) -> tuple[IVar, ...]:
    """The free variables of a tree, in a stable order."""
    return tuple(sorted(free_indices(node), key=lambda v: (letter(v), len(v.name), v.name)))


def canonical(node: N, number: int = 0) -> N:
    """`node` with bound variables numbered by depth: trees equal up to bound letters become equal.

    Labels of sizes, which only say how a paper writes them, are dropped.
    """
    return _canonical(node, {}, number)  # type: ignore[return-value]


def _canonical(node: Node | Fact, names: Mapping[IVar, Index], depth: int) -> Node | Fact:
    if isinstance(node, IVar):
        return names.get(node, node)
    changes: dict[str, object] = {}
    if isinstance(node, Big | Size):
        bound = tuple(IVar(f"b'{depth + k}", v.set) for k, v in enumerate(node.vars))
        names = {**names, **dict(zip(node.vars, bound, strict=True))}
        depth += len(bound)
        changes["vars"] = bound
    if isinstance(node, Size):
        changes["label"] = ""
    for item in fields(node):
        value = getattr(node, item.name)
        if item.name == "vars" or isinstance(value, IndexSet):
            continue
        if isinstance(value, tuple) and value and hasattr(value[0], "__dataclass_fields__"):
            changes[item.name] = tuple(_canonical(part, names, depth) for part in value)
        elif hasattr(value, "__dataclass_fields__"):
            changes[item.name] = _canonical(value, names, depth)
    return replace(node, **changes) if changes else node  # type: ignore[arg-type]


def same(a: Expr, b: Expr) -> bool:
    """Whether two expressions are one up to the names of bound variables."""
    return canonical(a) == canonical(b)


def substitute(node: N, subst: Mapping[IVar, Index]) -> N:
    """`map_node` for a node that is not itself a variable: it keeps its type."""
    return map_node(node, subst)  # type: ignore[return-value,arg-type]
