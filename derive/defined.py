"""Definedness: the logarithms and quotients of a formula, and why each has a positive argument.

Terms are total, so an identity of terms may hold where the paper's formula has no value. Each
log(x), 1/x and power of x in the published formula therefore needs x > 0 under the hypotheses,
where the indicators that multiply it are 1. 0 log 0 = 0 is the convention of the field:
x log(x y) needs x >= 0 and y > 0 only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from derive.normal import Normaliser
from derive.poly import PREFIX, offset, times, without
from derive.terms import BINDERS, BOOL, Term, num, open_binder, subst, var
from derive.theorem import Theorem


@dataclass(frozen=True)
class Obligation:
    """`arg` must be positive where all of `guards` are 1; `beside` are the factors next to a logarithm."""

    what: str
    arg: Term
    guards: tuple[Term, ...]
    beside: tuple[Term, ...] = ()


def obligations(t: Term, guards: tuple[Term, ...] = (), beside: tuple[Term, ...] = ()) -> Iterator[Obligation]:
    """What must be positive for t to mean what it says."""
    if t.op in ("log", "inv"):
        yield Obligation(t.op, t.args[0], guards, beside if t.op == "log" else ())
    if t.op in BINDERS:
        v = var(f"{PREFIX}{offset(t) + 1}", t.data)
        if t.op == "bigmax":
            guards = (*guards, *flat(open_binder(t, v, 0)))
        yield from obligations(open_binder(t, v, len(t.args) - 1), guards, beside)
        return
    factors = list(flat(t)) if t.op == "mul" else list(t.args)
    here = tuple(f for f in factors if f.op in BOOL) if t.op == "mul" else ()
    for f in factors:
        near = (*beside, *without(factors, [f])) if t.op == "mul" else beside if t.op == "add" else ()
        yield from obligations(f, (*guards, *(g for g in here if g is not f)), near)


def flat(t: Term) -> Iterator[Term]:
    """The factors of a product of products."""
    if t.op == "mul":
        for a in t.args:
            yield from flat(a)
    else:
        yield t


def show(o: Obligation, search: Normaliser) -> tuple[Theorem, ...] | None:
    """Theorems that meet an obligation, or None."""
    arg = o.arg
    for g in o.guards:
        arg = subst(arg, g, num(1))
    if direct := search.pos(arg):
        return (direct,)
    if o.what == "inv" and (negative := search.pos(num(-1) * arg)):
        return (negative,)
    parts = list(flat(arg))
    for x in o.beside:
        x1 = x
        for g in o.guards:
            x1 = subst(x1, g, num(1))
        for x2 in dict.fromkeys((x1, *flat(x1))):
            if x2 in parts and (a := search.nn(x2)) and (b := search.pos(times(without(parts, [x2])))):
                return (a, b)
            if x2 is arg and (a := search.nn(x2)):
                return (a,)
    return None


def missing(published: Term, search: Normaliser) -> tuple[list[Theorem], list[Obligation]]:
    """The theorems that make a formula defined, and the obligations that nobody met."""
    found: dict[Theorem, None] = {}
    open_: list[Obligation] = []
    for o in dict.fromkeys(obligations(published)):
        ths = show(o, search)
        if ths is None:
            open_.append(o)
        else:
            found.update(dict.fromkeys(ths))
    return list(found), open_
