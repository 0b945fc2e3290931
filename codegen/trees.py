"""Small pure functions on formula trees: comparing, folding constants, hoisting sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from catalog.conditions import conjuncts
from catalog.symbols import (
    TRUE,
    Add,
    And,
    Big,
    Call,
    Cond,
    Div,
    Equal,
    Expr,
    IApp,
    IndexSet,
    IVar,
    Iverson,
    Macro,
    Mul,
    Node,
    Num,
    Or,
    SetRef,
    Size,
    Sym,
    free_indices,
)  # fmt: skip

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


def alike(a: Node, b: Node, pairs: Mapping[IVar, IVar] | None = None) -> bool:
    """Whether the trees are equal once the indices of `a` are read as `pairs` says.

    What bound indices are called does not matter.
    """
    pairs = pairs or {}
    if isinstance(a, Macro):
        return alike(a.body, b, pairs)
    if isinstance(b, Macro):
        return alike(a, b.body, pairs)
    if isinstance(a, IVar):
        return isinstance(b, IVar) and pairs.get(a, a) == b
    if type(a) is not type(b):
        return False
    if isinstance(a, Big | Size) and isinstance(b, Big | Size):
        if [v.set for v in a.vars] != [v.set for v in b.vars]:
            return False
        pairs = {**pairs, **dict(zip(a.vars, b.vars, strict=True))}
    if isinstance(a, Equal) and isinstance(b, Equal) and a.negated == b.negated:
        return (alike(a.a, b.a, pairs) and alike(a.b, b.b, pairs)) or (
            alike(a.a, b.b, pairs) and alike(a.b, b.a, pairs)
        )
    return all(
        _same(getattr(a, f.name), getattr(b, f.name), pairs)
        for f in fields(a)
        if f.name not in ("vars", "label")
    )


def _same(x: object, y: object, pairs: Mapping[IVar, IVar]) -> bool:
    if isinstance(x, tuple) and isinstance(y, tuple):
        return len(x) == len(y) and all(_same(s, t, pairs) for s, t in zip(x, y, strict=True))
    if hasattr(x, "__dataclass_fields__") and not isinstance(x, IndexSet):
        return hasattr(y, "__dataclass_fields__") and alike(x, y, pairs)  # type: ignore[arg-type]
    return x == y


def truth(cond: Cond) -> bool | None:
    """The truth of a condition between named elements, None where it depends on an index."""
    match cond:
        case Equal(IApp(a, ()), IApp(b, ()), negated):
            return (a == b) != negated
        case Equal(a, b, negated) if a == b:
            return not negated
        case And(args):
            values = [truth(c) for c in args]
            return False if False in values else None if None in values else True
        case Or(args):
            values = [truth(c) for c in args]
            return True if True in values else None if None in values else False
        case SetRef(cond=inner, negated=negated):
            value = truth(inner)
            return None if value is None else value != negated
        case _:
            return None


def fold(node: Expr) -> Expr:
    """`node` with brackets between named elements evaluated, and neutral numbers dropped."""
    match node:
        case Macro():
            return fold(node.body)
        case Iverson(cond):
            value = truth(cond)
            return node if value is None else ONE if value else ZERO
        case Mul(args):
            kept = [f for f in map(fold, args) if f != ONE]
            return ZERO if ZERO in kept else _of(Mul, kept, ONE)
        case Add(args):
            return _of(Add, [t for t in map(fold, args) if t != ZERO], ZERO)
        case Div(num, den):
            top, bottom = fold(num), fold(den)
            return top if bottom == ONE or top == ZERO else Div(top, bottom)
        case Call("exp", (arg,)) if fold(arg) == ZERO:
            return ONE
        case Call("log", (arg,)) if fold(arg) == ONE:
            return ZERO
        case Call(fn, args):
            return Call(fn, tuple(map(fold, args)))
        case _:
            return node


def positive(node: Expr) -> Expr | None:
    """The formula x where `node` is -x with the sign written as a leading number, else None."""
    if isinstance(node, Num) and node.value < 0:
        return Num(-node.value)
    if isinstance(node, Mul) and isinstance(node.args[0], Num) and node.args[0].value < 0:
        head, rest = Num(-node.args[0].value), node.args[1:]
        if head.value != 1:
            return Mul((head, *rest))
        return rest[0] if len(rest) == 1 else Mul(rest)
    return None


def _of(kind: type[Add] | type[Mul], parts: list[Expr], neutral: Expr) -> Expr:
    return neutral if not parts else parts[0] if len(parts) == 1 else kind(tuple(parts))


def holds_always(cond: Cond) -> bool:
    """Whether nothing is asked."""
    return cond == TRUE or all(truth(c) for c in conjuncts(cond))


def hoist(expr: Expr, row: IVar, column: IVar, prefix: str) -> tuple[Expr, list[tuple[str, Expr]]]:
    """`expr` with sums that do not depend on `column` replaced by numbers of `row`, and those sums.

    The numbers are called `prefix` with 1, 2, ... after it; a sum of neither index is one number.
    """
    found: list[tuple[str, Expr]] = []

    def visit(node: Any) -> Any:
        if isinstance(node, Macro):
            return visit(node.body)
        inner = node.args[0] if isinstance(node, Call) and node.fn == "log" else node
        heavy = isinstance(inner, Big) or (isinstance(inner, Size) and not holds_always(inner.cond))
        if heavy and column not in free_indices(node):
            name = f"{prefix}{len(found) + 1}"
            found.append((name, node))
            return Sym(name, (row,) if row in free_indices(node) else ())
        changes = {}
        for f in fields(node):
            value = getattr(node, f.name)
            if isinstance(value, tuple):
                changes[f.name] = tuple(visit(v) if is_node(v) else v for v in value)
            elif is_node(value):
                changes[f.name] = visit(value)
        return replace(node, **changes) if changes else node

    return visit(expr), found


def is_node(value: object) -> bool:
    """Whether `value` is part of a tree."""
    return hasattr(value, "__dataclass_fields__") and not isinstance(value, IndexSet)
