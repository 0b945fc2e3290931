"""The conventions in which implementations differ, as rules that rewrite one node of a formula.

Nothing here knows a method: a rule looks for what is there in any of them (the sum of a
denominator, the sum over positives, a cosine) and writes it as somebody with another convention
would. It returns None where it has nothing to say.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from catalog.conditions import conjuncts, negate
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
    Mask,
    Mul,
    Norm,
    Num,
    Or,
    Pow,
    Size,
    SqNorm,
    Sym,
    fresh,
    map_node,
    walk,
)  # fmt: skip
from iconograph.audit.candidate import ACROSS, FIRST, FIXED, SUPPORTED
from iconograph.audit.rewriting import (
    Here,
    Rule,
    also,
    has_points,
    partition,
    rewritten,
    says_other,
    target,
    without,
)

ONE = Num(Fraction(1))
DOF = Sym("dof", (), "positive")


def keep_self(node: Expr, here: Here) -> Expr | None:
    """Self pairs stay in the denominator."""
    if partition(node, here) and isinstance(node, Big):
        if len(node.vars) == 2:
            a, b = node.vars
            cond = without(node.cond, lambda c: says_other(c, a, (b,)))
        else:
            outer = tuple(v for b in here.binders for v in b.vars)
            cond = without(node.cond, lambda c: says_other(c, node.vars[0], outer))
        return replace(node, cond=cond)
    return None


def drop_self(node: Expr, here: Here) -> Expr | None:
    """Self pairs leave the denominator."""
    if partition(node, here) and isinstance(node, Big) and here.anchors:
        if len(node.vars) == 2:
            a, b = node.vars
            apart = also(node.cond, Equal(a, b, True))
            return replace(node, cond=apart) if a.set == b.set else None
        k, i = node.vars[0], here.anchors[0]
        if k.set == i.set and not any(says_other(c, k, (i,)) for c in conjuncts(node.cond)):
            return replace(node, cond=also(node.cond, Equal(k, i, True)))
    return None


def others_out(node: Expr, here: Here) -> Expr | None:
    """Only the positive at hand stays in the denominator, the other positives leave it."""
    if partition(node, here) and isinstance(node, Big) and (found := target(here)):
        cond, j = found
        k = node.vars[0]
        if len(node.vars) == 1 and k.set == j.set:
            away = negate(map_node(cond, {j: k}))  # type: ignore[arg-type]
            mine = Equal(k, j)
            return replace(node, cond=also(node.cond, mine if away is None else Or((mine, away))))
    return None


def positives_out(node: Expr, here: Here) -> Expr | None:
    """No positive stays in the denominator."""
    if partition(node, here) and isinstance(node, Big) and (found := target(here)):
        cond, j = found
        k = node.vars[0]
        away = negate(map_node(cond, {j: k}))  # type: ignore[arg-type]
        if len(node.vars) == 1 and k.set == j.set and away is not None:
            own = tuple(c for c in conjuncts(node.cond))
            return replace(node, cond=And((*own, away)))
    return None


def everything_in(node: Expr, here: Here) -> Expr | None:
    """All but the anchor stand in the denominator."""
    if partition(node, here) and isinstance(node, Big) and len(node.vars) == 1 and here.anchors:
        k, i = node.vars[0], here.anchors[0]
        return replace(node, cond=Equal(k, i, True) if k.set == i.set else TRUE)
    return None


def inside(node: Expr, here: Here) -> Expr | None:
    """Positives are averaged inside the logarithm."""
    match node:
        case Big("sum" | "mean" as op, vars, cond, Call("log", (x,))) if here.binders:
            count = counted(vars, cond)
            average = Call("log", (Div(Big("sum", vars, cond, x), count),))
            return Mul((counted(vars, cond), average)) if op == "sum" else average
    return None


def outside(node: Expr, here: Here) -> Expr | None:
    """Positives are averaged outside the logarithm."""
    if not isinstance(node, Call) or node.fn != "log" or not here.binders:
        return None
    match node.args[0]:
        case Div(Big("sum" | "mean", vars, cond, x), den) if cond != TRUE:
            return Big("mean", vars, cond, Call("log", (Div(x, den),)))
        case Div(Mul((*_, Big("sum" | "mean", vars, cond, x))), den) if cond != TRUE:
            return Big("mean", vars, cond, Call("log", (Div(x, den),)))
        case Mul((*_, Big("sum" | "mean", vars, cond, x))) | Big("sum" | "mean", vars, cond, x) if (
            cond != TRUE
        ):
            return Big("mean", vars, cond, Call("log", (x,)))
    return None


def per_pair(node: Expr, here: Here) -> Expr | None:
    """Pairs are averaged, not anchors: an anchor counts as often as it has positives."""
    if isinstance(node, Big) and here.binders and here.role == "" and has_log(node.body):
        if node.op == "mean":
            return replace(node, op="sum")
        if node.op == "sum" and len(node.vars) == 1 and node.cond != TRUE:
            return Mul((counted(node.vars, node.cond), node))
    return None


def per_anchor(node: Expr, here: Here) -> Expr | None:
    """Anchors are averaged, not pairs."""
    inner = isinstance(node, Big) and here.binders and here.role == "" and has_log(node.body)
    if inner and isinstance(node, Big) and node.op == "sum" and node.cond != TRUE:
        return replace(node, op="mean")
    return None


def has_log(e: Expr) -> bool:
    """Whether a logarithm stands in a formula."""
    return any(isinstance(n, Call) and n.fn == "log" for n in walk(e))


def counted(vars: tuple[IVar, ...], cond: Cond) -> Expr:
    """The number of elements that a binder ranges over."""
    new = {v: fresh(v) for v in vars}
    moved = map_node(cond, dict(new))
    return Size(tuple(new.values()), moved)  # type: ignore[arg-type]


def to_dot(node: Expr, here: Here) -> Expr | None:
    """Inner products of vectors as they are."""
    return Dot(node.u, node.v) if isinstance(node, Cos) else None


def to_cosine(node: Expr, here: Here) -> Expr | None:
    """Cosines."""
    return Cos(node.u, node.v) if isinstance(node, Dot) and node.u != node.v else None


def to_gaussian(node: Expr, here: Here) -> Expr | None:
    """Half the squared distance, negative."""
    if isinstance(node, Dot | Cos) and node.u != node.v:
        return Mul((Num(Fraction(-1, 2)), SqNorm(minus(node.u, node.v))))
    return None


def minus(u: Expr, v: Expr) -> Expr:
    """The difference u - v."""
    return Add((u, Mul((Num(Fraction(-1)), v))))


def plain_distance(node: Expr, here: Here) -> Expr | None:
    """Distances that are not squared."""
    return Norm(node.u) if isinstance(node, SqNorm) and isinstance(node.u, Add) else None


def squared_distance(node: Expr, here: Here) -> Expr | None:
    """Squared distances."""
    return SqNorm(node.u) if isinstance(node, Norm) and isinstance(node.u, Add) else None


def distance_to_dot(node: Expr, here: Here) -> Expr | None:
    """Inner products in place of squared distances."""
    match node:
        case SqNorm(Add((u, Mul((Num(), v))))):
            return Mul((Num(Fraction(-2)), Dot(u, v)))
    return None


def freedom(node: Expr, here: Here) -> Expr | None:
    """A Student-t kernel of any degrees of freedom, in place of one."""
    match node:
        case Pow(Add((Num(one), d)), Num(power)) if one == 1 and power == -1 and has_points(d):
            pass
        case Div(Num(top), Add((Num(one), d))) if top == 1 and one == 1 and has_points(d):
            pass
        case _:
            return None
    half = Mul((Num(Fraction(-1, 2)), Add((DOF, ONE))))
    return Pow(Add((ONE, Div(d, DOF))), half)


def rows_of_joint(node: Expr, here: Here) -> Expr | None:
    """Each row is normalised by itself."""
    if partition(node, here) and isinstance(node, Big) and len(node.vars) == 2:
        outer = [v for b in here.binders for v in b.vars]
        if outer and node.vars[0].set == outer[0].set:
            body = map_node(node.body, {node.vars[0]: outer[0]})
            cond = map_node(node.cond, {node.vars[0]: outer[0]})
            return Big(node.op, node.vars[1:], cond, body)  # type: ignore[arg-type]
    return None


def joint_of_rows(node: Expr, here: Here) -> Expr | None:
    """All pairs are normalised together."""
    if partition(node, here) and isinstance(node, Big) and len(node.vars) == 1 and here.anchors:
        i = here.anchors[0]
        new = fresh(i)
        if i.set == node.vars[0].set:
            body, cond = map_node(node.body, {i: new}), map_node(node.cond, {i: new})
            return Big(node.op, (new, *node.vars), cond, body)  # type: ignore[arg-type]
    return None


def biased(node: Expr, here: Here) -> Expr | None:
    """A number of elements in place of one less."""
    match node:
        case Add((Size() as size, Num(value))) if value == -1:
            return size
    return None


def first_view(node: Expr, here: Here) -> Expr | None:
    """Only rows of the first view are anchors."""
    if isinstance(node, Big) and not here.binders and len(node.vars) == 1 and here.role == "":
        return replace(node, cond=also(node.cond, Mask(FIRST, node.vars)))
    return None


def across(node: Expr, here: Here) -> Expr | None:
    """Only rows of the other view stand in the denominator."""
    if partition(node, here) and isinstance(node, Big) and len(node.vars) == 1 and here.anchors:
        i, k = here.anchors[0], node.vars[0]
        if i.set == k.set:
            return replace(node, cond=also(node.cond, Mask(ACROSS, (i, k))))
    return None


def detach_numerator(node: Expr, here: Here) -> Expr | None:
    """No gradient through the numerators."""
    return Call("sg", (node,)) if here.role == "numerator" and similarity(node) else None


def detach_denominator(node: Expr, here: Here) -> Expr | None:
    """No gradient through the denominators."""
    return Call("sg", (node,)) if here.role == "denominator" and similarity(node) else None


def similarity(node: Expr) -> bool:
    """Whether a node is the number that compares a pair."""
    return isinstance(node, Dot | Cos | SqNorm | Norm) or (
        isinstance(node, Sym) and node.learned and node.dim is None and len(node.args) == 2
    )


def detach_keys(node: Expr, here: Here) -> Expr | None:
    """No gradient to the neighbour's end of any pair."""
    return with_fixed_key(node)


def detach_positives(node: Expr, here: Here) -> Expr | None:
    """No gradient to the positive, which the anchor is drawn to."""
    return with_fixed_key(node) if here.role == "numerator" else None


def with_fixed_key(node: Expr) -> Expr | None:
    """A similarity whose second end is a copy that is held fixed."""
    match node:
        case Dot(u, Sym() as v) | Cos(u, Sym() as v) if not v.name.endswith(FIXED):
            return type(node)(u, frozen(v))
        case SqNorm(Add((u, Mul((c, Sym() as v))))) if not v.name.endswith(FIXED):
            return SqNorm(Add((u, Mul((c, frozen(v))))))
    return None


def frozen(v: Sym) -> Sym:
    """A copy of a symbol that is not learned."""
    return replace(v, name=v.name + FIXED, learned=False)


def supported(formula: Expr) -> Expr:
    """The formula with only rows that have a positive as anchors."""

    def rule(node: Expr, here: Here) -> Expr | None:
        if isinstance(node, Big) and not here.binders and len(node.vars) == 1 and here.role == "":
            return replace(node, cond=also(node.cond, Mask(SUPPORTED, node.vars)))
        return None

    return rewritten(formula, rule)


RULES: tuple[tuple[str, str, Rule], ...] = (
    ("self pair", "self pairs are kept in the denominator", keep_self),
    ("self pair", "self pairs are left out of the denominator", drop_self),
    ("positives", "the other positives are left out of the denominator", others_out),
    ("positives", "all positives are left out of the denominator", positives_out),
    ("positives", "the denominator leaves nothing out but the anchor itself", everything_in),
    ("logarithm", "positives are averaged inside the logarithm", inside),
    ("logarithm", "positives are averaged outside the logarithm", outside),
    ("reduction", "pairs are averaged rather than anchors", per_pair),
    ("reduction", "anchors are averaged rather than pairs", per_anchor),
    ("score", "the score is the dot product, not the cosine", to_dot),
    ("score", "the score is the cosine, not the dot product", to_cosine),
    ("score", "the score is minus half the squared distance", to_gaussian),
    ("score", "distances are not squared", plain_distance),
    ("score", "distances are squared", squared_distance),
    ("score", "the score is the dot product, not the squared distance", distance_to_dot),
    ("normalisation", "every row is normalised by itself, not all pairs together", rows_of_joint),
    ("normalisation", "all pairs are normalised together, not every row by itself", joint_of_rows),
    ("variance", "variances are divided by n, not by n - 1", biased),
    ("rows", "only rows of the first view are anchors", first_view),
    ("denominator", "only rows of the other view are in the denominator", across),
    ("gradient", "no gradient flows through the numerator", detach_numerator),
    ("gradient", "no gradient flows through the denominator", detach_denominator),
    ("gradient", "no gradient flows to the neighbours", detach_keys),
    ("gradient", "no gradient flows to the positives", detach_positives),
)  # fmt: skip


__all__ = ["RULES", "freedom", "supported"]
