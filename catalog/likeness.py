"""Whether two pairs are built alike: p, q and their setting in a form free of names.

Two supervisory kernels are the same when their formulas differ only in what the author called
things: symbols, letters, index sets, elements. The comparison is of the formulas that the kernels
of the vocabulary became, parameters included, not of the kernels' names. Sums and products are
compared in any order, told apart by what their parts are; where two parts look alike but for names,
their order is that of the file, so that a likeness can be missed but is never made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from catalog.spec import Block, Method
from catalog.symbols import (
    Add,
    And,
    Big,
    Dot,
    Equal,
    Expr,
    IApp,
    Index,
    IndexSet,
    IVar,
    Macro,
    Mask,
    Mul,
    Node,
    Num,
    Or,
    SetRef,
    Size,
    Sym,
)  # fmt: skip

Form: TypeAlias = tuple[Any, ...]
Roles: TypeAlias = Mapping[IVar, Form]


@dataclass(frozen=True)
class Likeness:
    """What a pair is, free of names: equal fields are alike.

    `p` and `q` are the kernels of the first group of anchors; `setting` is all the rest: anchors,
    allowed neighbours, weights, how q is normalised, and the divergence.
    """

    p: Form
    q: Form
    setting: Form


def likeness(method: Method) -> Likeness | None:
    """The form of a method's pair, None where the entry states none (a theorem)."""
    if not method.icon.blocks:
        return None
    icon, first = method.icon, method.icon.blocks[0]
    return Likeness(
        form(first.p, first),
        form(first.kernel, first),
        (
            icon.normalise,
            icon.divergence,
            form(icon.degree, first),
            *(
                (
                    len(b.anchors),
                    len(b.neighbours),
                    *(form(part, b) for part in (b.anchor_cond, b.neighbour_cond, b.weight)),
                )
                for b in icon.blocks
            ),
        ),
    )


def form(node: Node, block: Block) -> Form:
    """`node`, a formula over the variables of `block`, free of names.

    The two ends of a score are known by their place, so that a kernel is the same in a row and in
    a joint distribution; other variables by theirs in the block, and everything else by the order
    of its first mention.
    """
    numbers = Numbers({}, {})
    first, last = ends(block)
    rest = [v for v in (*block.anchors, *block.neighbours) if v not in (first, last)]
    roles = {first: ("end", 0), last: ("end", 1), **{v: ("more", k) for k, v in enumerate(rest)}}
    sets = tuple(numbers.set(v.set) for v in roles)
    return (sets, numbered(node, roles, numbers))


def ends(block: Block) -> tuple[IVar, IVar]:
    """The two indices that a score compares: anchor and neighbour, or the two of a joint pair."""
    if not block.anchors:
        return block.neighbours[0], block.neighbours[-1]
    return block.anchors[-1], block.neighbours[-1]


@dataclass
class Numbers:
    """The number of every name met so far; names of different sorts are numbered apart."""

    sets: dict[str, int]
    names: dict[tuple[str, str], int]

    def set(self, index_set: IndexSet) -> Form:
        """A set by its number, an enumerated one with how many elements it has."""
        return (self.sets.setdefault(index_set.name, len(self.sets)), len(index_set.elements))

    def name(self, sort: str, name: str) -> int:
        """A name by its number."""
        return self.names.setdefault((sort, name), len(self.names))


def erased(node: Node, roles: Roles) -> Form:
    """`node` without any name: what is left orders the parts of a sum."""
    return _walk(node, roles, None)


def numbered(node: Node, roles: Roles, numbers: Numbers) -> Form:
    """`node` with every name replaced by its number."""
    return _walk(node, roles, numbers)


def _walk(node: Node, roles: Roles, numbers: Numbers | None) -> Form:
    head: Form = ()
    match node:
        case Num(value):
            return ("number", value.numerator, value.denominator)
        case IVar():
            return roles.get(node, ("free",))
        case Sym(name, args, kind, dim, learned):
            if numbers:
                head = (numbers.name("symbol", name), _set(dim, numbers))
            return ("symbol", *head, kind, dim is not None, learned, *_all(args, roles, numbers))
        case IApp(name, args, over) if not args and name in over.elements:
            head = (numbers.name(f"element of {over.name}", name),) if numbers else ()
            return ("element", *head, _set(over, numbers))
        case IApp(name, args, over):
            head = (numbers.name("function", name),) if numbers else ()
            return ("function", *head, _set(over, numbers), *_all(args, roles, numbers))
        case Mask(name, args, negated):
            head = (numbers.name("mask", name),) if numbers else ()
            return ("mask", *head, negated, *_all(args, roles, numbers))
        case Macro(_, _, body):
            return _walk(body, roles, numbers)
        case SetRef(_, _, _, cond, negated):
            inside = _walk(cond, roles, numbers)
            return ("not", inside) if negated else inside
        case Equal(a, b, negated):
            return ("equal", negated, *_unordered((a, b), roles, numbers))
        case Dot(u, v):
            return ("dot", *_unordered((u, v), roles, numbers))
        case Add(args) | Mul(args) | And(args) | Or(args):
            return (type(node).__name__, *_unordered(args, roles, numbers))
        case Big() | Size():
            depth = len(roles)
            inner = {**roles, **{v: ("bound", depth + k) for k, v in enumerate(node.vars)}}
            ranges = tuple(_set(v.set, numbers) for v in node.vars)
            if isinstance(node, Size):
                return ("size", ranges, *_all((node.cond,), inner, numbers))
            return (node.op, ranges, *_all((node.cond, node.body), inner, numbers))
    values = (getattr(node, f.name) for f in fields(node))
    flat = (v for value in values for v in (value if isinstance(value, tuple) else (value,)))
    return (
        type(node).__name__,
        *(_walk(v, roles, numbers) if hasattr(v, "__dataclass_fields__") else v for v in flat),
    )


def _set(index_set: IndexSet | None, numbers: Numbers | None) -> Form:
    """A set free of its name; nothing but its elements while parts are being ordered."""
    if index_set is None:
        return ()
    return numbers.set(index_set) if numbers else (len(index_set.elements),)


def _all(nodes: tuple[Expr | Index | Node, ...], roles: Roles, numbers: Numbers | None) -> Form:
    return tuple(_walk(n, roles, numbers) for n in nodes)


def _unordered(nodes: tuple[Node, ...], roles: Roles, numbers: Numbers | None) -> Form:
    """The parts of a commutative operation, in an order that does not depend on names."""
    return _all(tuple(sorted(nodes, key=lambda n: repr(erased(n, roles)))), roles, numbers)
