"""Definedness: the logarithms and quotients of a formula, and why each has a positive argument.

Terms are total, so an identity of terms may hold where the paper's formula has no value. Each
log(x), 1/x and power of x in the published formula therefore needs x > 0 under the hypotheses,
where the indicators that multiply it are 1. 0 log 0 = 0 is the convention of the field:
x log(x y) needs x >= 0 and y > 0 only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derive.claims import Block, icon
from derive.normal import Normaliser
from derive.poly import PREFIX, flat, offset, plus, times, without
from derive.terms import BINDERS, BOOL, Term, bind, mk, num, open_binder, subst, var
from derive.theorem import MINUS, RULES, Judgement, Theorem

if TYPE_CHECKING:
    from derive.bridge import Problem

# stands for a theorem that is known; only its being there counts
_SEEN = RULES["sign"]("pos", num(1))


@dataclass(frozen=True)
class Obligation:
    """`arg` must be positive where all `guards` are 1; `beside` are the factors next to a log."""

    what: str
    arg: Term
    guards: tuple[Term, ...]
    beside: tuple[Term, ...] = ()


def obligations(
    t: Term, guards: tuple[Term, ...] = (), beside: tuple[Term, ...] = ()
) -> Iterator[Obligation]:
    """What must be positive for t to mean what it says."""
    if t.op in ("log", "inv"):
        yield Obligation(t.op, t.args[0], guards, beside if t.op == "log" else ())
    if t.op in BINDERS:  # the variable is new to the guards too, or they would seem to speak of it
        above = max(map(offset, (t, *guards, *beside)))
        v = var(f"{PREFIX}{above + 1}", t.data)
        if t.op == "bigmax":
            where = open_binder(t, v, 0)
            yield Obligation("max", bind("sum", v, where), guards)  # the largest of none is nothing
            yield from obligations(where, guards)
            guards, beside = (*guards, *truths(where)), ()
        yield from obligations(open_binder(t, v, len(t.args) - 1), guards, beside)
        return
    factors = flat(t) if t.op == "mul" else list(t.args)
    here = tuple(f for f in factors if f.op in BOOL) if t.op == "mul" else ()
    for f in factors:
        near = (
            (*beside, *without(factors, [f])) if t.op == "mul" else beside if t.op == "add" else ()
        )
        yield from obligations(f, (*guards, *(g for g in here if g is not f)), near)


def truths(t: Term) -> tuple[Term, ...]:
    """The factors of t that are 0 or 1 by their form, so that they are 1 where t is not 0."""
    return tuple(f for f in flat(t) if is_truth(f))


def is_truth(t: Term) -> bool:
    """Whether t is an indicator, or 1 minus a product of such."""
    if t.op == "add" and len(t.args) == 2 and num(1) in t.args:
        rest = flat(t.args[t.args[0] is num(1)])
        return MINUS in rest and all(map(is_truth, without(rest, [MINUS])))
    return t.op in BOOL


Sign = Callable[[Term], Theorem | None]


def show(o: Obligation, pos: Sign, nn: Sign) -> tuple[Theorem, ...] | None:
    """Theorems that meet an obligation, found with `pos` and `nn`, or None."""

    def here(t: Term) -> Term:
        for g in o.guards:
            t = subst(t, {g: num(1)})
        return t

    arg = here(o.arg)
    if direct := pos(arg):
        return (direct,)
    if o.what == "inv" and (negative := pos(MINUS * arg)):
        return (negative,)
    parts = flat(arg)
    for x in dict.fromkeys(y for b in o.beside for y in (here(b), *flat(here(b)))):
        if x is arg and (a := nn(x)):
            return (a,)
        if x in parts and (a := nn(x)) and (b2 := pos(times(without(parts, [x])))):
            return (a, b2)
    for some in weaker(o.guards):
        if there := pos(plus([arg, *some])):
            return (there,)
    return None


def weaker(guards: tuple[Term, ...]) -> Iterator[list[Term]]:
    """Terms that are 0 where all guards are 1: with i != j, x > 0 if x + [i = j] > 0."""
    away = [mk("eq", None, *g.args) if g.op == "ne" else num(1) - g for g in guards]
    yield from ([t] for t in away)
    if len(away) > 1:
        yield away


def of_claim(
    published: Term, scale: Term, constant: Term, blocks: tuple[Block, ...]
) -> Iterator[Obligation]:
    """The obligations of formula, scale and constant, and of weights, p and kernel where used."""
    for t in (published, scale, constant):
        yield from obligations(t)
    for _, a, _, m, w, p, k in blocks:
        anchors, pairs = truths(a), (*truths(a), *truths(m))
        for t in (a, m):
            yield from obligations(t)
        yield from obligations(w, anchors)
        for t in (p, k):
            yield from obligations(t, pairs)


def of_problem(problem: Problem) -> Iterator[Obligation]:
    """The obligations of a whole claim, or of the statements of a theorem."""
    pr = problem
    if pr.facts:
        return of_said(pr.facts)
    claim = (
        "icon", pr.published, pr.scale, pr.constant, pr.blocks, (), pr.divergence, pr.degree,
        pr.slack,
    )  # fmt: skip
    return of_said((claim,))


def of_said(said: Iterable[Judgement]) -> Iterator[Obligation]:
    """The obligations of judgements, I-Con claims among them."""
    for j in said:
        if j[0] == "icon":
            # a definition publishes the divergence, which `claims` gives a value at p = 0 as well
            own = j[1] is icon(j[4], j[6], j[7])
            yield from of_claim(num(0) if own else j[1], *j[2:5])
        for t in (j[7], *j[8][:2]) if j[0] == "icon" else j[1:]:
            if isinstance(t, Term):
                yield from obligations(t)


def missing(
    claim: Iterable[Obligation], search: Normaliser
) -> tuple[list[Theorem], list[Obligation]]:
    """The theorems that meet the obligations of a claim, and the obligations that nobody met."""
    found: dict[Theorem, None] = {}
    open_: list[Obligation] = []
    for o in dict.fromkeys(claim):
        ths = show(o, search.pos, search.nn)
        if ths is None:
            open_.append(o)
        else:
            found.update(dict.fromkeys(ths))
    return list(found), open_


def uncovered(claim: Iterable[Obligation], known: set[Judgement]) -> list[Obligation]:
    """The obligations of a claim that the judgements `known` do not meet. No search."""

    def lookup(kind: str) -> Sign:
        return lambda t: _SEEN if (kind, t) in known else None

    return [o for o in dict.fromkeys(claim) if show(o, lookup("pos"), lookup("nn")) is None]
