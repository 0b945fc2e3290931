"""Weights of a graph as a sparse matrix: an emitted torch program that reads them block by block.

A streaming form cuts one block at a time out of given weights, so that these may be sparse in rows
(CSR); the dense form writes them out. Nothing else of the program knows.
"""

from __future__ import annotations

import re

from catalog.symbols import Sym, walk
from codegen.fill import SPLIT
from codegen.ir import Argument, Program

SAID = "; in rows (CSR) where it is sparse"


def candidates(program: Program) -> list[Argument]:
    """The given matrices that p is proportional to, in which a zero may stand."""
    if any(r.target.form != "proportional" for r in program.reductions):
        return []
    blocks, declared = program.method.icon.blocks, program.method.declarations
    in_q = {n.name for b in blocks for n in walk(b.kernel) if isinstance(n, Sym)}
    return [
        a
        for a in program.arguments
        if getattr(declared[a.symbol].form, "kind", "") == "nonnegative"
        and len(a.axes) == 2 and not a.learned and a.symbol not in in_q
    ]  # fmt: skip


def cut(
    program: Program, streaming: list[str], functions: list[str]
) -> tuple[list[str], list[str]]:
    """The names of the weights that may be sparse, and the functions that cut blocks out of them.

    A name is left out where the streaming form does more with it than hand it on.
    """
    names, body, whole = [], "\n".join(streaming), SPLIT.join(functions)
    for a in candidates(program):
        n = a.name
        blocks = re.compile(rf"\b{n}\[(rows|columns), (rows|columns)\]")
        made = blocks.sub(rf"_cut({n}, \1, \2)", whole)
        more = re.compile(rf"\b{n}(\[|\.)|[-+*/@] {n}\b|\b{n} [-+*/@<>=]=? (?!_real)")
        if made != whole and not more.search(f"{made}\n{body}"):
            names.append(n)
            whole = made
    return names, whole.split(SPLIT)


def read(lines: list[str], names: list[str]) -> list[str]:
    """The lines that check the arguments of the streaming form."""
    for name in names:
        start, layouts = f"{name} = _real(", "layouts=(torch.strided, torch.sparse_csr)"
        lines = [
            f"{line[:-1]}, {layouts})" if line.startswith(start) else line for line in lines
        ]
    return lines


def written_out(lines: list[str], names: list[str]) -> list[str]:
    """The lines that check the arguments of the dense form."""
    for name in names:
        lines = [
            f"{line}.to_dense()" if line.startswith(f"{name} = _real(") else line for line in lines
        ]
    return lines
