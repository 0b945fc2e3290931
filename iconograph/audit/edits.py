"""A published formula under other conventions: every edit of it that changes anything.

A rule is applied everywhere it applies. Some conventions need more than a rule: which of two
directions counts, how a term of a sum is averaged, a number that is to be solved for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from catalog.spec import Declaration
from catalog.symbols import (
    TRUE,
    Add,
    Big,
    Call,
    Div,
    Equal,
    Expr,
    IApp,
    Index,
    IVar,
    Mul,
    Num,
    Size,
    Sym,
    fresh,
    map_node,
    symbols,
    walk,
)  # fmt: skip
from iconograph.audit.bind import rebuilt
from iconograph.audit.rewriting import Here, Role, Rule, also, one_target, partition, rewritten
from iconograph.audit.rules import RULES, drop_self, everything_in, freedom, has_log

ONE, TWO = Num(Fraction(1)), Num(Fraction(2))
DOF = Sym("dof", (), "positive")
SHARE = Sym("epsilon", (), "probability")
SMOOTH = Declaration("epsilon", "probability", SHARE, False)
FREEDOM = Declaration("dof", "positive", DOF, False)


@dataclass(frozen=True)
class Edit:
    """A convention: a key that groups edits which exclude each other, words, and the new formula.

    `extra` are numbers that it introduces, to be solved for.
    """

    key: str
    words: str
    formula: Expr
    extra: tuple[Declaration, ...] = ()


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


__all__ = ["Edit", "edits"]
