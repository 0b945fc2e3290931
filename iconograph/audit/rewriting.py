"""Rewriting a formula by rules that know where a node stands: in which binder, on which side of /.

What is a denominator, which letter is the anchor's and which the positives', is read off here, so
that a rule can say "the sum of a denominator" of any published formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from catalog.conditions import conjuncts
from catalog.symbols import (
    TRUE,
    Add,
    And,
    Big,
    Call,
    Cond,
    Cos,
    Div,
    Dot,
    Equal,
    Expr,
    Index,
    IVar,
    Mul,
    Pow,
    SqNorm,
    Sym,
    symbols,
    walk,
)  # fmt: skip
from iconograph.audit.bind import rebuilt

Role = Literal["", "numerator", "denominator"]


@dataclass(frozen=True)
class Here:
    """Where a node stands: the binders around it, outermost first, and its part of a quotient."""

    binders: tuple[Big, ...] = ()
    role: Role = ""

    @property
    def anchors(self) -> tuple[IVar, ...]:
        """The indices of the outermost binder."""
        return self.binders[0].vars if self.binders else ()


Rule: TypeAlias = Callable[[Expr, Here], Expr | None]


def rewritten(formula: Expr, rule: Rule, here: Here | None = None) -> Expr:
    """The formula with `rule` applied to every node, outermost first; what it returns is kept."""
    here = here or Here()
    new = rule(formula, here)
    if new is not None:
        return new
    match formula:
        case Big(vars=_, cond=_, body=body):
            inner = replace(here, binders=(*here.binders, formula))
            changed = rewritten(body, rule, inner)
            return formula if changed is body else replace(formula, body=changed)
        case Div(num, den) if here.role != "denominator" and (exponential(num) or exponential(den)):
            top = rewritten(num, rule, replace(here, role="numerator"))
            bottom = rewritten(den, rule, replace(here, role="denominator"))
            return Div(top, bottom)
        case Call("log", (arg,)) if here.role == "" and isinstance(arg, Big | Add):
            # log-partitions that stand alone: -s + log sum exp s
            return Call("log", (rewritten(arg, rule, replace(here, role="denominator")),))
        case Call("log", (arg,)) if here.role == "":
            return Call("log", (rewritten(arg, rule, replace(here, role="numerator")),))
    return rebuilt(formula, lambda child: rewritten(child, rule, here))


def exponential(e: Expr) -> bool:
    """Whether a formula has an exponential or a power of distances: a similarity."""
    return any(
        (isinstance(n, Call) and n.fn == "exp") or (isinstance(n, Pow) and has_points(n.base))
        for n in walk(e)
    )


def has_points(e: Expr) -> bool:
    """Whether a formula mentions learned points or scores."""
    return any(s.learned for s in symbols(e))


# --------------------------------------------------------------------------- what is where


def partition(node: Expr, here: Here) -> bool:
    """Whether a node is the sum of a denominator."""
    return isinstance(node, Big) and node.op in ("sum", "mean") and here.role == "denominator"


def target(here: Here) -> tuple[Cond, IVar] | None:
    """The condition of the positives that stand around, and their letter."""
    for b in here.binders[1:]:
        if len(b.vars) == 1 and b.cond != TRUE:
            return b.cond, b.vars[0]
    return None


def one_target(formula: Expr) -> tuple[Index, Index] | None:
    """Anchor and positive where the numerator has one, such as z[i] . z[pos[i]], or s[i,i]."""
    found: list[tuple[Index, Index]] = []

    def look(node: Expr, here: Here) -> Expr | None:
        if here.role == "numerator" and not found and (ends := pair_of(node)) is not None:
            found.append(ends)
        return None

    rewritten(formula, look)
    return found[0] if found else None


def pair_of(node: Expr) -> tuple[Index, Index] | None:
    """The two indices that a similarity compares."""
    match node:
        case Dot(Sym(_, (*_, a)), Sym(_, (*_, b))) | Cos(Sym(_, (*_, a)), Sym(_, (*_, b))):
            return a, b
        case SqNorm(Add((Sym(_, (*_, a)), Mul((_, Sym(_, (*_, b))))))):
            return a, b
        case Sym(_, (a, b), _, None, True):
            return a, b
    return None


def without(cond: Cond, part: Callable[[Cond], bool]) -> Cond:
    """A conjunction without the parts that `part` picks."""
    kept = tuple(c for c in conjuncts(cond) if not part(c))
    return kept[0] if len(kept) == 1 else And(kept)


def also(cond: Cond, more: Cond) -> Cond:
    """Both conditions."""
    parts = (*conjuncts(cond), more)
    return parts[0] if len(parts) == 1 else And(parts)


def says_other(c: Cond, k: IVar, anchors: tuple[IVar, ...]) -> bool:
    """Whether a condition is k != i for an anchor i."""
    return isinstance(c, Equal) and c.negated and (
        (c.a == k and c.b in anchors) or (c.b == k and c.a in anchors)
    )  # fmt: skip


__all__ = ["Here", "Rule", "rewritten"]
