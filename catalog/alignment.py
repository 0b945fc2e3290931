"""One method in the words of another: its symbols and sets put into the other's vocabulary.

What is put for a symbol may be any formula of its shape: a number for a number, a vector for a
vector, an index for an index-valued function, a condition for a mask. Formulas are put in as trees,
with fresh variables at every binder, so nothing is captured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, cast

from catalog.conditions import negate
from catalog.errors import InputError
from catalog.spec import Method
from catalog.symbols import (
    Cond,
    Fact,
    IApp,
    IndexSet,
    IVar,
    Macro,
    Mask,
    Node,
    SetRef,
    Size,
    Sym,
    map_node,
)  # fmt: skip

N = TypeVar("N", bound=Node | Fact)


@dataclass(frozen=True)
class Template:
    """What stands for a symbol: `node`, a formula over the variables `params`."""

    params: tuple[IVar, ...]
    node: Node


@dataclass(frozen=True)
class Alignment:
    """What every set and symbol of one method is in another's `words`."""

    words: Method
    sets: Mapping[str, IndexSet]
    symbols: Mapping[str, Template]

    def say(self, node: N) -> N:
        """A formula of the one in the words of the other. Raises InputError."""
        return cast(N, self._say(node))

    def _say(self, node: Any) -> Any:
        match node:
            case IVar(name, over):
                return IVar(name, self.over(over))
            case IApp(name, (), over) if name in over.elements:
                target = self.over(over)
                return IApp(target.elements[over.elements.index(name)], (), target)
            case Sym(name, args) | IApp(name, args):
                return self.put(name, args)
            case Mask(name, args, negated):
                return flipped(cast(Cond, self.put(name, args)), negated, name)
            case SetRef(_, name, _, cond, negated):
                return flipped(self._say(cond), negated, name)
            case Macro(_, _, body):
                return self._say(body)
            case Size(vars, cond, _):
                return Size(tuple(map(self._say, vars)), self._say(cond))
        changes: dict[str, Any] = {}
        for part in fields(node):
            value = getattr(node, part.name)
            if isinstance(value, tuple):
                changes[part.name] = tuple(map(self._say, value))
            elif hasattr(value, "__dataclass_fields__"):
                changes[part.name] = self._say(value)
        return replace(node, **changes)

    def over(self, index_set: IndexSet) -> IndexSet:
        """The set that stands for a set. Raises InputError."""
        if index_set.name not in self.sets:
            raise InputError(
                f"nothing stands for the set {index_set.name!r}", hint="say what it is in `sets`"
            )
        return self.sets[index_set.name]

    def put(self, name: str, args: tuple[Node, ...]) -> Node:
        """What stands for a symbol, at its arguments. Raises InputError."""
        if name not in self.symbols:
            raise InputError(f"nothing stands for {name!r}", hint="say what it is in `put`")
        found = self.symbols[name]
        at = dict(zip(found.params, map(self._say, args), strict=True))
        return map_node(found.node, at)


def flipped(cond: Cond, negated: bool, name: str) -> Cond:
    """A condition, or its negation. Raises InputError for the negation of what always holds."""
    if not negated:
        return cond
    if (found := negate(cond)) is None:
        raise InputError(f"what stands for {name!r} always holds, and is negated in the formula")
    return found
