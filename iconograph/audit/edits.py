"""The conventions in which implementations differ, as edits of a method's published formula.

Nothing here knows a method: an edit looks for what is there in any of them (the sum of a
denominator, the sum over positives, a cosine, a temperature) and writes the formula as somebody
with another convention would. An edit is made everywhere it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias

from catalog.conditions import conjuncts, negate
from catalog.spec import Declaration
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
    IApp,
    Index,
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
    symbols,
    walk,
)  # fmt: skip
from iconograph.audit.bind import rebuilt
from iconograph.audit.candidate import ACROSS, FIRST, FIXED, SUPPORTED

Role = Literal["", "numerator", "denominator"]
ONE, TWO = Num(Fraction(1)), Num(Fraction(2))
DOF = Sym("dof", (), "positive")
SHARE = Sym("epsilon", (), "probability")
SMOOTH = Declaration("epsilon", "probability", SHARE, False)
FREEDOM = Declaration("dof", "positive", DOF, False)


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


@dataclass(frozen=True)
class Edit:
    """A convention: a key that groups edits which exclude each other, words, and the new formula.

    `extra` are numbers that it introduces, to be solved for.
    """

    key: str
    words: str
    formula: Expr
    extra: tuple[Declaration, ...] = ()


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


# --------------------------------------------------------------------------- the edits


def edits(formula: Expr) -> Iterator[Edit]:
    """All edits that change a formula, one of each convention at a time."""
    diagonal = (ends := one_target(formula)) is not None and ends[0] == ends[1]
    for key, words, rule in (*RULES, *positives(formula)):
        if diagonal and rule in (drop_self, everything_in):
            continue  # there i, i is the positive, no self pair
        new = rewritten(formula, rule)
        if new != formula:
            yield Edit(key, words, new)
    new = rewritten(formula, freedom)
    if new != formula:
        yield Edit("degrees of freedom", "the kernel has other degrees of freedom", new, (FREEDOM,))
    yield from directions(formula)
    yield from smoothed(formula)
    yield from terms(formula)
    for role, words in (("numerator", "numerator"), ("denominator", "denominator")):
        for name in temperatures(formula):
            new = rewritten(formula, forget(name, role))  # type: ignore[arg-type]
            if new != formula:
                yield Edit("temperature", f"{name} is missing from the {words}", new)


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


def forget(name: str, role: Role) -> Rule:
    """A rule that leaves a number out, that is puts 1, in one part of the quotients."""

    def rule(node: Expr, here: Here) -> Expr | None:
        return ONE if isinstance(node, Sym) and node.name == name and here.role == role else None

    return rule


def temperatures(formula: Expr) -> list[str]:
    """Single numbers that divide something."""
    found: dict[str, None] = {}
    for n in walk(formula):
        if isinstance(n, Div):
            found |= {s.name: None for s in symbols(n.den) if single(s)}
    return [name for name in found if any(s.name == name for s in singles(formula))]


def singles(formula: Expr) -> set[Sym]:
    """The symbols that are single numbers."""
    return {n for n in walk(formula) if isinstance(n, Sym) and not n.args and n.dim is None}


def single(s: Sym) -> bool:
    """Whether a symbol, its arguments taken away, is no vector."""
    return s.dim is None


def directions(formula: Expr) -> Iterator[Edit]:
    """One term of a sum of directions alone."""

    def first_sum(e: Expr) -> Add | None:
        match e:
            case Add(args) if sum(has_log(a) for a in args) == len(args) == 2:
                return e
            case Mul(args):
                return next((s for a in args if (s := first_sum(a))), None)
            case Div(num, _):
                return first_sum(num)
        return None

    found = first_sum(formula)
    for k, which in enumerate(("first", "second") if found else ()):
        assert found is not None
        term = found.args[k]

        def rule(node: Expr, here: Here, term: Expr = term) -> Expr | None:
            return term if node is found else None

        yield Edit("direction", f"only the {which} of the two directions counts",
                   rewritten(formula, rule))  # fmt: skip


def smoothed(formula: Expr) -> Iterator[Edit]:
    """The one target of a logarithm, with a share of it spread evenly."""
    ends = one_target(formula)
    if ends is None or not isinstance(ends[1], IApp):
        return
    right = ends[1]

    def rule(node: Expr, here: Here) -> Expr | None:
        if isinstance(node, Call) and node.fn == "log" and any(n == right for n in walk(node)):
            new = fresh(IVar("c", right.set))
            spread = Big("mean", (new,), TRUE, exchanged(node, right, new))
            keep = Add((ONE, Mul((Num(Fraction(-1)), SHARE))))
            return Add((Mul((keep, node)), Mul((SHARE, spread))))
        return None

    new = rewritten(formula, rule)
    if new != formula:
        yield Edit("target", "a share of the target is spread evenly", new, (SMOOTH,))


def terms(formula: Expr) -> Iterator[Edit]:
    """Terms of a sum averaged over coordinates or features where the paper sums, and back."""
    if not isinstance(formula, Add) or len(formula.args) > 4:
        return
    for k, term in enumerate(formula.args):
        sets = {v.set for n in walk(term) if isinstance(n, Big) for v in n.vars}
        for s in sorted(sets, key=lambda s: s.name):
            size = Size((fresh(IVar("c", s)),), TRUE, s.name)
            for word, new in (("averaged", Div(term, size)), ("summed", Mul((size, term)))):
                args = (*formula.args[:k], whole(new), *formula.args[k + 1 :])
                yield Edit(f"term {k}", f"term {k + 1} is {word} over {s.name}", Add(args))


def whole(e: Expr) -> Expr:
    """A quotient or product of a product, as one product: weights of terms stay in front."""
    match e:
        case Div(Mul(args), den):
            return Mul((*args, Div(ONE, den)))
        case Mul((first, Mul(args))):
            return Mul((*args, first))
    return e


def exchanged(node: Expr, old: Index, new: IVar) -> Expr:
    """A formula with another index in the place of one, binders renewed."""

    def visit(n: Expr) -> Expr:
        if isinstance(n, Sym):
            return replace(n, args=tuple(new if a == old else a for a in n.args))
        return rebuilt(n, visit)

    return visit(map_node(node, {}))  # type: ignore[arg-type]


def positives(formula: Expr) -> Iterator[tuple[str, str, Rule]]:
    """Edits of denominators around a single positive, z[pos[i]] or s[i,i]."""
    ends = one_target(formula)
    if ends is None:
        return
    left, right = ends
    if right != left and isinstance(right, IVar):
        return  # one of several positives, which have edits of their own

    def leave(node: Expr, here: Here) -> Expr | None:
        if partition(node, here) and isinstance(node, Big) and len(node.vars) == 1:
            k = node.vars[0]
            if k.set != right.set:
                return None
            outer = tuple(v for b in here.binders for v in b.vars)
            place = outer[0] if isinstance(right, IVar) and outer else right
            if isinstance(right, IApp) and right.args and outer:
                old = right.args[0]
                place = map_node(right, {old: outer[0]}) if isinstance(old, IVar) else right  # type: ignore[assignment]
            return replace(node, cond=also(node.cond, Equal(k, place, True)))
        return None

    yield "positives", "the positive is left out of the denominator", leave


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


def supported(formula: Expr) -> Expr:
    """The formula with only rows that have a positive as anchors."""

    def rule(node: Expr, here: Here) -> Expr | None:
        if isinstance(node, Big) and not here.binders and len(node.vars) == 1 and here.role == "":
            return replace(node, cond=also(node.cond, Mask(SUPPORTED, node.vars)))
        return None

    return rewritten(formula, rule)


__all__ = ["Edit", "edits", "supported"]
