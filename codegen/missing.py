"""What a NaN in the supervision does: a sentence where it can be seen, else NaN in the loss.

A row has no p where its mass is 0, which leaves it out of the loss. NaN is no mass, so it must not
read as one of 0: comparisons below are with 0 itself, as NaN > 0 is false. On a CPU the sum over a
row, which is computed anyway, tells at no cost; on other devices nobody waits for it, and NaN stays
NaN up to the loss.
"""

from __future__ import annotations

from catalog.symbols import Expr, IApp, Mask, Node, Sym, walk
from codegen.ir import Argument, Program


def made_of(program: Program, *nodes: Node) -> list[Argument]:
    """The numbers in the formulas of p; none where one is learned: NaN there is NaN in the loss."""
    used = {n.name for node in nodes for n in walk(node) if isinstance(n, Sym | IApp | Mask)}
    found = [a for a in program.arguments if a.symbol in used and a.kind == "number"]
    return [] if any(a.learned for a in found) else found


def signed(expr: Expr) -> bool:
    """Whether weights are given as numbers, so that one may be negative."""
    kinds = ("nonnegative", "real")
    return any(isinstance(n, Sym) and n.args and n.kind in kinds for n in walk(expr))


def known(program: Program, mass: str, *nodes: Node) -> str:
    """The text of the mass of p in every row, an error where it is NaN."""
    names = [a.name for a in made_of(program, *nodes)]
    return f"_known({', '.join([mass, *(f'{n}={n}' for n in names)])})" if names else mass


def defined(program: Program, mass: str, *nodes: Node) -> str:
    """The text of the mass of a p that is a formula, 0 where that divides by zero.

    0 / 0 is NaN as well, so here the arguments have to tell.
    """
    names = [a.name for a in made_of(program, *nodes) if a.shape]
    return known(program, f"_defined({', '.join([mass, *names])})", *nodes)
