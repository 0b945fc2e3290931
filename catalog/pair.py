"""The pair (p, q) as formulas: the entropy of p, the normalised q, and the I-Con loss itself."""

from __future__ import annotations

from fractions import Fraction

from catalog.divergences import DIVERGENCES
from catalog.naming import substitute
from catalog.spec import Block, Icon
from catalog.symbols import Add, Big, Call, Cond, Div, Expr, IVar, Mul, Num

MINUS_ONE = Num(Fraction(-1))


def total(variables: tuple[IVar, ...], cond: Cond, body: Expr) -> Expr:
    """The sum of `body` over `variables`, or `body` itself where there are none (a joint block)."""
    return Big("sum", variables, cond, body) if variables else body


def renewed(expr: Expr) -> Expr:
    """`expr` with fresh variables at every binder, so that it can stand in a tree twice."""
    return substitute(expr, {})


def learned_q(block: Block) -> Expr:
    """q(j|i) of a block: the kernel over its sum over the allowed neighbours."""
    partition = Big("sum", block.neighbours, block.neighbour_cond, block.kernel)
    return Div(block.kernel, renewed(partition))


def weighted(block: Block, row: Expr) -> Expr:
    """The sum over the anchors of weight * row, with fresh variables."""
    weight = () if block.weight == Num(Fraction(1)) else (block.weight,)
    inner = Big("sum", block.neighbours, block.neighbour_cond, row)
    body = Mul((*weight, inner)) if weight else inner
    return renewed(total(block.anchors, block.anchor_cond, body))


def entropy(blocks: tuple[Block, ...]) -> Expr:
    """H(p): the sum over blocks and anchors of weight * sum_j -p log p."""
    parts = [weighted(b, Mul((MINUS_ONE, b.p, Call("log", (renewed(b.p),))))) for b in blocks]
    return add(parts)


def divergence(icon: Icon) -> Expr:
    """The loss: the sum over blocks and anchors of weight * sum_j D(p, q), D the icon's own."""
    return add([weighted(b, summand(icon, renewed(b.p), learned_q(b))) for b in icon.blocks])


def separated(icon: Icon) -> Expr:
    """KL with the logarithm of q taken apart: log-partition, expected log-kernel, entropy of p."""

    def row(block: Block) -> Expr:
        def over(body: Expr) -> Expr:
            return Big("sum", block.neighbours, block.neighbour_cond, body)

        p, k = block.p, block.kernel
        parts = [
            Call("log", (over(k),)),
            over(Mul((MINUS_ONE, p, Call("log", (k,))))),
            over(Mul((p, Call("log", (renewed(p),))))),
        ]
        body = Mul((block.weight, add(parts)))
        return renewed(total(block.anchors, block.anchor_cond, body))

    return add([row(block) for block in icon.blocks])


def summand(icon: Icon, p: Expr, q: Expr) -> Expr:
    """What the divergence of the icon sums over the neighbours."""
    if icon.divergence == "kl":
        return Mul((p, Call("log", (Div(renewed(p), q),))))
    from catalog.formula import parse_expr
    from catalog.scope import Scope, Value

    values = {"p": Value(p), "q": Value(q), "a": Value(icon.degree)}
    return parse_expr(DIVERGENCES[icon.divergence].template, Scope({}, {}, values=values))


def add(parts: list[Expr]) -> Expr:
    """The sum of a list."""
    return parts[0] if len(parts) == 1 else Add(tuple(parts))
