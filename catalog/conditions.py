"""Conditions as conjunctions: negation, flattening, and what one condition says already."""

from __future__ import annotations

from catalog.symbols import And, Cond, Equal, Or, SetRef


def negate(cond: Cond) -> Cond | None:
    """The negation of a condition, pushed to its leaves; None where it could never hold."""
    if isinstance(cond, And):
        parts = [negate(arg) for arg in cond.args]
        kept = tuple(part for part in parts if part is not None)
        return None if not kept else kept[0] if len(kept) == 1 else Or(kept)
    if isinstance(cond, Or):
        negated = tuple(negate(arg) for arg in cond.args)
        return None if None in negated else And(negated)  # type: ignore[arg-type]
    fields = {name: getattr(cond, name) for name in type(cond).__slots__}
    return type(cond)(**{**fields, "negated": not cond.negated})


def conjunction(conds: list[Cond]) -> Cond:
    """The conjunction of several conditions, flat, without what always holds."""
    flat = [part for cond in conds for part in (cond.args if isinstance(cond, And) else (cond,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def conjuncts(cond: Cond) -> tuple[Cond, ...]:
    """The conditions that `cond` is the conjunction of: named sets unfolded, i != j as j != i."""
    if isinstance(cond, And):
        return tuple(part for arg in cond.args for part in conjuncts(arg))
    if isinstance(cond, SetRef) and not cond.negated:
        return conjuncts(cond.cond)
    if isinstance(cond, Equal) and repr(cond.b) < repr(cond.a):
        return (Equal(cond.b, cond.a, cond.negated),)
    return (cond,)


def conjoin(allowed: Cond, cond: Cond) -> Cond:
    """Both conditions, the first left out where the second says it already."""
    if set(conjuncts(allowed)) <= set(conjuncts(cond)):
        return cond
    parts = [*(allowed.args if isinstance(allowed, And) else (allowed,))]
    parts += cond.args if isinstance(cond, And) else (cond,)
    return And(tuple(parts))
