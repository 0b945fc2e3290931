"""Errors in a claim as a whole: scale, constant, p, the kernel of q, how q is normalised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from catalog.conditions import conjunction, conjuncts
from catalog.naming import letter
from catalog.pair import learned_q, renewed, total, weighted
from catalog.spec import Block, Icon, Method
from catalog.symbols import (
    TRUE,
    Add,
    And,
    Call,
    Div,
    Equal,
    Expr,
    Mul,
    Num,
    Pow,
    Size,
    Sym,
)  # fmt: skip
from derive.mutations import HALF, TWO
from derive.mutations_sets import MINUS, ONE, Words, size_of, swapped

THIRD, ZERO = Num(Fraction(1, 3)), Num(Fraction(0))


class Error(NamedTuple):
    """An error: its kind, the part of the file, what it is, and how to make it."""

    kind: str
    where: str
    what: str
    build: Callable[[], Method]


def whole(method: Method, words: Words) -> Iterator[Error]:
    """Every error of this sort in a method."""
    yield from of_claim(method, words)
    icon = method.icon
    for k, b in enumerate(icon.blocks):
        for kind, what, new in of_block(b):
            yield Error(kind, "pair", what, partial(with_block, method, k, new))
        if len(icon.blocks) > 1:
            share = replace(b, weight=Mul((Num(Fraction(len(icon.blocks))), b.weight)))
            alone = replace(icon, blocks=(share,))
            yield Error(
                "normalisation", "pair", f"block {k + 1} only", partial(with_icon, method, alone)
            )


def with_block(method: Method, k: int, new: Block) -> Method:
    """The method with one block of its pair replaced."""
    old = method.icon.blocks
    return with_icon(method, replace(method.icon, blocks=(*old[:k], new, *old[k + 1 :])))


def with_icon(method: Method, icon: Icon) -> Method:
    """The method with another pair."""
    return replace(method, icon=icon)


def with_claim(method: Method, name: str, x: Expr) -> Method:
    """The method with another scale, constant or bound."""
    fields: dict[str, Any] = {name: x}
    return replace(method, claim=replace(method.claim, **fields))


def with_published(method: Method, x: Expr) -> Method:
    """The method with another published formula."""
    return replace(method, published=x)


def of_claim(method: Method, words: Words) -> Iterator[Error]:
    """A wrong scale, a wrong constant, the reverse divergence."""
    claim = method.claim
    sizes: list[tuple[str, Expr]] = [(s.name, size_of(s)) for s in words.sets if not s.elements]
    logs: list[tuple[str, Expr]] = [(f"log({s})", Call("log", (e,))) for s, e in sizes]
    log2 = Call("log", (TWO,))
    numbers: list[tuple[str, Expr]] = [("1", ONE), ("1/2", HALF), ("log(2)", log2)]
    for text, x in numbers + logs:
        for mark, y in (("+", x), ("-", Mul((MINUS, x)))):
            yield constant(method, f"{mark} {text}", Add((claim.constant, renewed(y))))
    factors: list[tuple[str, Expr]] = [("2", TWO), *sizes]
    for text, x in factors:
        yield scale(method, f"times {text}", Mul((x, claim.scale)))
        yield scale(method, f"divided by {text}", Div(claim.scale, x))
        if claim.constant != ZERO:
            yield constant(method, f"times {text}", Mul((renewed(x), claim.constant)))
            yield constant(method, f"divided by {text}", Div(claim.constant, renewed(x)))
    yield constant(method, "none", ZERO)
    yield scale(method, "negative", Mul((MINUS, claim.scale)))
    yield scale(method, "1", ONE)
    yield from of_bounds(method, sizes)
    if method.icon.divergence != "kl":
        return
    reverse = Add((Mul((claim.scale, reversed_kl(method.icon.blocks))), claim.constant))
    yield Error("direction", "published", "KL(q || p)", partial(with_published, method, reverse))


def of_bounds(method: Method, sizes: list[tuple[str, Expr]]) -> Iterator[Error]:
    """Bounds that are too tight, of another order, exchanged, or on the wrong side.

    The numbers and sizes in the remainder of a limit are not claimed to be best, its order is.
    """
    claim = method.claim
    tight: list[tuple[str, Expr]] = [("half", HALF), ("a tenth", Num(Fraction(1, 10)))]
    tight += [(f"1/{s}", Div(ONE, e)) for s, e in sizes]
    if claim.parameter:
        t = method.declarations[claim.parameter].form
        assert isinstance(t, Sym), "the parameter of a limit is a given number"
        tight = [("one order better", t if claim.to == "0" else Div(ONE, t))]
    for name in ("below", "above"):
        bound = getattr(claim, name)
        if bound is None or bound == ZERO:
            continue
        factors = [*tight, ("minus", MINUS)]
        for what, x in factors:
            yield Error("bound", name, what, partial(with_claim, method, name, Mul((x, bound))))
        yield Error("bound", name, "none", partial(with_claim, method, name, ZERO))
    if claim.below is not None and claim.above is not None and claim.below != claim.above:
        new = replace(claim, below=claim.above, above=claim.below)
        yield Error("bound", "claim", "exchanged", lambda: replace(method, claim=new))
    if (claim.below is None) != (claim.above is None):
        new = replace(claim, below=claim.above, above=claim.below)
        yield Error("bound", "claim", "on the other side", lambda: replace(method, claim=new))


def constant(method: Method, what: str, x: Expr) -> Error:
    """The error of another constant."""
    return Error("constant", "constant", what, partial(with_claim, method, "constant", x))


def scale(method: Method, what: str, x: Expr) -> Error:
    """The error of another scale."""
    return Error("scale", "scale", what, partial(with_claim, method, "scale", x))


def reversed_kl(blocks: tuple[Block, ...]) -> Expr:
    """The sum over blocks and anchors of weight * KL(q || p)."""
    parts = []
    for b in blocks:
        ratio = Div(renewed(learned_q(b)), renewed(b.p))
        parts.append(weighted(b, Mul((learned_q(b), Call("log", (ratio,))))))
    return parts[0] if len(parts) == 1 else Add(tuple(parts))


def of_block(b: Block) -> Iterator[tuple[str, str, Block]]:
    """Errors of one block: (kind, what, the block)."""
    uniform = Div(ONE, renewed(Size(b.neighbours, b.neighbour_cond)))
    mixed = Add((Mul((THIRD, TWO, b.p)), Mul((THIRD, uniform))))
    yield "p", "mixed with the uniform one", replace(b, p=mixed)
    yield "p", "uniform", replace(b, p=uniform)
    square = Pow(b.p, TWO)
    mass = renewed(total(b.neighbours, b.neighbour_cond, square))
    yield "p", "sharpened", replace(b, p=Div(square, mass))
    yield "q", "the square of the kernel", replace(b, kernel=Pow(b.kernel, TWO))
    yield "q", "the root of the kernel", replace(b, kernel=Call("sqrt", (b.kernel,)))
    yield "q", "one added to the kernel", replace(b, kernel=Add((b.kernel, ONE)))
    yield "q", "twice the kernel", replace(b, kernel=Mul((TWO, b.kernel)))
    yield "q", "the kernel normalised before", replace(b, kernel=learned_q(b))
    biased = Mul((Call("exp", (renewed(b.p),)), b.kernel))
    yield "q", "the kernel biased by p", replace(b, kernel=biased)
    there = {frozenset((c.a, c.b)) for c in conjuncts(b.neighbour_cond) if isinstance(c, Equal)}
    for a, v in ((a, v) for a in (*b.anchors, *b.neighbours[:-1]) for v in b.neighbours):
        if a.set == v.set and a != v:
            here = f"{letter(v)} and {letter(a)} exchanged"
            yield "p", here, replace(b, p=swapped(b.p, a, v))
            yield "q", here, replace(b, kernel=swapped(b.kernel, a, v))
            if frozenset((a, v)) not in there:
                fewer = conjunction([Equal(v, a, True), b.neighbour_cond])
                yield "self pair", "left out", replace(b, neighbour_cond=fewer)
    if b.anchors:
        cond = And((b.anchor_cond, b.neighbour_cond))
        both = (*b.anchors, *b.neighbours)
        joint = Block((), TRUE, both, cond, ONE, Mul((b.weight, b.p)), b.kernel)
        yield "normalisation", "joint for row", joint
    elif len(b.neighbours) > 1:
        first, *rest = b.neighbours
        row = renewed(total(tuple(rest), b.neighbour_cond, b.p))
        p = Div(b.p, renewed(row))
        by_row = Block((first,), TRUE, tuple(rest), b.neighbour_cond, row, p, b.kernel)
        yield "normalisation", "row for joint", by_row
