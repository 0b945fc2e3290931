"""What theorems say, as text: judgements, and the types of the symbols in them."""

from __future__ import annotations

from collections.abc import Iterable

from derive.letters import below, set_name, untyped
from derive.printing import Printer, Style
from derive.terms import BINDERS, INDEX, Domain, Term, domain
from derive.theorem import Judgement

SIGNS = (">=", "in", " for all ")
VALUES = {"app": "real", "mask": "0 or 1", "fn": ""}


def judgement(j: Judgement, dims: frozenset[Domain], latex: bool = False) -> str:
    """A judgement; free variables whose set the symbols do not show are named behind it."""
    printer = Printer(Style(latex, dims), *j[1:])
    above, element, every = (r"\ge", r"\in", r"\text{ for all }") if latex else SIGNS
    sides = [printer.show(t) for t in j[1:]]
    said = " = ".join(sides) if j[0] == "eq" else f"{sides[0]} {'>' if j[0] == 'pos' else above} 0"
    free = sorted(frozenset[Term]().union(*(t.free for t in j[1:])), key=printer.index)
    unclear = [
        f"{printer.index(v)} {element} {printer.set(domain(v))}" for v in untyped(free, j[1:])
    ]
    return f"{said}{every}{', '.join(unclear)}" if unclear else said


def types(terms: Iterable[Term]) -> list[str]:
    """The types of the symbols and the elements of the enumerated sets in terms, by name."""
    found = set[str]()
    for t in below(terms):
        if t.op in VALUES:
            name, doms, *to = t.data
            over = f"[{','.join(map(set_name, doms))}]" if doms else ""
            found.add(f"{name}{over} : {VALUES[t.op] or set_name(to[0])}")
        sets = [t.data] if t.op in BINDERS else [domain(t)] if t.op in INDEX else []
        found |= {f"{d[0]} = {{{', '.join(d[1])}}}" for d in sets if isinstance(d, tuple)}
    return sorted(found)
