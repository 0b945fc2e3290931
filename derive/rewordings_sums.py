"""Other ways to write a sum, a condition, an order. For the rules see `derive.rewordings`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from catalog.conditions import conjunction, conjuncts, negate
from catalog.naming import substitute
from catalog.pair import renewed
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
    IVar,
    Iverson,
    Macro,
    Mul,
    Node,
    Norm,
    Num,
    Or,
    SetRef,
    Size,
    SqNorm,
    free_indices,
    fresh,
)  # fmt: skip
from catalog.tidy import negative
from derive.mutations_sets import ONE
from derive.places import Place, is_expr, is_scalar
from derive.translate import is_vector

T = TypeVar("T")


def bare(e: Expr) -> Expr:
    """An expression without the name it goes by."""
    return bare(e.body) if isinstance(e, Macro) else e


def minus(a: Expr, b: Expr) -> Expr:
    """The difference a - b."""
    return Add((a, negative(b)))


# --------------------------------------------------------------------------- order and names


def rename(place: Place, rng: random.Random) -> Iterator[Node]:
    """Other letters for what is bound."""
    node = place.node
    if isinstance(node, Big):
        other = {v: fresh(replace(v, name="u")) for v in node.vars}
        yield replace(
            node, vars=tuple(other.values()),
            cond=substitute(node.cond, other), body=substitute(node.body, other),
        )  # fmt: skip


def unfold(place: Place, rng: random.Random) -> Iterator[Node]:
    """What an abbreviation means, for its name."""
    if isinstance(place.node, Macro):
        yield place.node.body
    if isinstance(place.node, SetRef) and not place.node.negated:
        yield place.node.cond


def commute(place: Place, rng: random.Random) -> Iterator[Node]:
    """Terms, factors, conditions and the ends of a product in another order."""
    match place.node:
        case (Add(args=args) | Mul(args=args)) as node if len(args) > 1:
            yield replace(node, args=shuffled(args, rng))
        case (And(args=conds) | Or(args=conds)) as both if len(conds) > 1:
            yield replace(both, args=shuffled(conds, rng))
        case Dot(u=u, v=v) | Cos(u=u, v=v):
            yield replace(place.node, u=v, v=u)
        case Equal(a=a, b=b):
            yield replace(place.node, a=b, b=a)
        case SqNorm(u=Add(args=args)) | Norm(u=Add(args=args)):
            yield replace(place.node, u=Add(tuple(negative(x) for x in args)))
        case Call(fn="max" | "min", args=args):
            yield replace(place.node, args=args[::-1])


def shuffled(args: tuple[T, ...], rng: random.Random) -> tuple[T, ...]:
    """The same things in another order."""
    new = list(args)
    while tuple(new) == args and len(set(args)) > 1:
        rng.shuffle(new)
    return tuple(new)


# --------------------------------------------------------------------------- sums


def swap_sums(place: Place, rng: random.Random) -> Iterator[Node]:
    """Nested sums in the other order, as one sum, and one sum as nested ones."""
    match place.node:
        case Big(op="sum", vars=a, cond=c, body=body) as outer if not is_vector(outer):
            inner = bare(body)
            if isinstance(inner, Big) and inner.op == "sum":
                both = conjunction([c, inner.cond])
                yield Big("sum", inner.vars, TRUE, Big("sum", a, both, inner.body))
                yield Big("sum", (*a, *inner.vars), both, inner.body)
            if len(a) > 1:
                yield Big("sum", a[:1], TRUE, Big("sum", a[1:], c, body))
                yield replace(outer, vars=a[::-1])


def distribute(place: Place, rng: random.Random) -> Iterator[Node]:
    """A factor or a denominator into a sum; a sum of sums term by term."""
    match place.node:
        case Mul(args=args):
            for k, arg in enumerate(args):
                rest = (*args[:k], *args[k + 1 :])
                x = bare(arg)
                if isinstance(x, Big) and x.op in ("sum", "mean") and not is_vector(x):
                    yield renewed(replace(x, body=Mul((*rest, x.body))))
                if isinstance(x, Add):
                    yield Add(tuple(Mul((*map(renewed, rest), t)) for t in x.args))
        case Div(num=a, den=b):
            x = bare(a)
            if isinstance(x, Big) and x.op in ("sum", "mean") and not is_vector(x):
                yield renewed(replace(x, body=Div(x.body, b)))
            if isinstance(x, Add):
                yield Add(tuple(Div(t, renewed(b)) for t in x.args))
        case Big(op="sum", body=Add(args=args)) as node:
            yield Add(tuple(renewed(replace(node, body=t)) for t in args))


def pull_out(place: Place, rng: random.Random) -> Iterator[Node]:
    """A factor that does not depend on what is summed over, in front of the sum."""
    match place.node:
        case Big(op="sum" | "mean", body=Mul(args=args)) as node:
            bound = frozenset(node.vars)
            for k, arg in enumerate(args):
                if not free_indices(arg) & bound and not is_vector(arg):
                    rest = (*args[:k], *args[k + 1 :])
                    body = rest[0] if len(rest) == 1 else Mul(rest)
                    yield Mul((arg, replace(node, body=body)))
        case Big(op="sum" | "mean", body=Div(num=a, den=b)) as node:
            if not free_indices(b) & frozenset(node.vars):
                yield Div(replace(node, body=a), b)


def mean_as_sum(place: Place, rng: random.Random) -> Iterator[Node]:
    """A mean as a sum over a size; x as the mean of x."""
    node = place.node
    if isinstance(node, Big) and node.op == "mean":
        number = renewed(Size(node.vars, node.cond))
        yield Div(replace(node, op="sum"), number)
        yield Mul((Div(ONE, number), replace(node, op="sum")))
    if is_expr(node) and is_scalar(node) and place.scope and not isinstance(node, Num):
        yield Big("mean", (fresh(rng.choice(place.scope)),), TRUE, node)


def count(place: Place, rng: random.Random) -> Iterator[Node]:
    """A size as a sum of ones."""
    if isinstance(place.node, Size):
        yield Big("sum", place.node.vars, place.node.cond, ONE)
        yield Big("sum", place.node.vars, TRUE, Iverson(place.node.cond))


def complete(place: Place, rng: random.Random) -> Iterator[Node]:
    """The sum over j != i as the whole sum less the term of i, and the other way about."""
    node = place.node
    if not (isinstance(node, Big) and node.op == "sum" and is_scalar(node) and len(node.vars) == 1):
        return
    v, conds = node.vars[0], conjuncts(node.cond)
    ends = {c: apart(c, v) for c in conds}
    for c, i in ends.items():
        if i is not None:
            rest = conjunction([x for x in conds if x != c])
            yield minus(replace(node, cond=rest), at(rest, node.body, v, i))
    for i in place.scope:
        if i.set == v.set and i in place.free() and i not in ends.values():
            fewer = conjunction([Equal(v, i, True), node.cond])
            yield Add((replace(node, cond=fewer), at(node.cond, node.body, v, i)))


def apart(cond: Cond, v: IVar) -> IVar | None:
    """The i of a condition v != i."""
    if isinstance(cond, Equal) and cond.negated and v in (cond.a, cond.b):
        other = cond.b if cond.a == v else cond.a
        return other if isinstance(other, IVar) and other != v else None
    return None


def at(cond: Cond, body: Expr, v: IVar, i: IVar) -> Expr:
    """The term of a sum at v = i."""
    there = substitute(body, {v: i})
    return there if cond == TRUE else Mul((Iverson(substitute(cond, {v: i})), there))


def bracket(place: Place, rng: random.Random) -> Iterator[Node]:
    """A condition as a factor, and [c] as 1 - [not c]."""
    node = place.node
    if isinstance(node, Big) and node.op == "sum" and node.cond != TRUE and is_scalar(node):
        yield replace(node, cond=TRUE, body=Mul((Iverson(node.cond), node.body)))
    if isinstance(node, Iverson) and (other := negate(node.cond)) is not None:
        yield minus(ONE, Iverson(other))
