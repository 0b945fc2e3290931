"""Small pure functions on formula trees: constants folded, trees compared up to the names of bound indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction

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
    Mask,
    Mul,
    Node,
    Num,
    Or,
    SetRef,
    Size,
)

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


def conjuncts(cond: Cond) -> tuple[Cond, ...]:
    """The conditions that `cond` is the conjunction of; membership in a named set is unfolded."""
    if isinstance(cond, And):
        return tuple(part for arg in cond.args for part in conjuncts(arg))
    if isinstance(cond, SetRef) and not cond.negated:
        return conjuncts(cond.cond)
    return (cond,)


def alike(a: Node, b: Node, pairs: Mapping[IVar, IVar] | None = None) -> bool:
    """Whether the trees are equal once the indices of `a` are read as `pairs` says, whatever bound ones are called."""
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
    """`node` with brackets between named elements evaluated, and factors 0 and 1 and terms 0 dropped."""
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


def _of(kind: type[Add] | type[Mul], parts: list[Expr], neutral: Expr) -> Expr:
    return neutral if not parts else parts[0] if len(parts) == 1 else kind(tuple(parts))


def holds_always(cond: Cond) -> bool:
    """Whether nothing is asked."""
    return cond == TRUE or all(truth(c) for c in conjuncts(cond))


__all__ = ["ONE", "ZERO", "Mask", "alike", "conjuncts", "fold", "holds_always", "truth"]
