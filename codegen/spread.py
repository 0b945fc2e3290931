"""Which sets of a program are spread over several ranks, and what one rank needs of the others."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.symbols import Big, Size, walk
from codegen.ir import Argument, Program
from codegen.lower import equal_weights


@dataclass(frozen=True)
class Spread:
    """How a batch is spread over ranks: the sets of its rows, each rank has a part of them.

    `apart`: a row needs no other row, as where the columns are classes; else every rank needs the
    features of all rows.
    """

    sets: tuple[str, ...]
    apart: bool

    def axis(self, argument: Argument) -> int | None:
        """The axis of an argument that is spread, None where every rank has all of it."""
        found = [k for k, name in enumerate(argument.axes) if name in self.sets]
        return found[0] if found else None

    def counts(self, argument: Argument) -> bool:
        """Whether an argument holds positions in a set that is spread."""
        return argument.kind == "index" and argument.target in self.sets


def spread(program: Program) -> Spread:
    """How the batch of a program is spread."""
    rows = {r.row.set for r in program.reductions if not r.row.set.elements}
    turns = {v.set for r in program.reductions for v in r.batch}
    sets = tuple(sorted(s.name for s in rows - turns))
    return Spread(sets, apart(program, sets))


def apart(program: Program, sets: tuple[str, ...]) -> bool:
    """Whether a row needs no other row."""
    if len(program.reductions) != 1:
        return False
    r = program.reductions[0]
    if r.normalise != "row" or r.batch or r.column.set.name in sets:
        return False
    if any(a.kind == "index" and a.target in sets for a in program.arguments):
        return False
    nodes = [
        node
        for b in program.method.icon.blocks
        for part in (b.p, b.kernel, b.anchor_cond, b.neighbour_cond)
        for node in walk(part)
    ]
    if not equal_weights(program.method):  # else it is a mean, whatever they are
        nodes += [node for b in program.method.icon.blocks for node in walk(b.weight)]
    nodes += walk(program.method.icon.degree)
    return not any(v.set.name in sets for n in nodes if isinstance(n, Big | Size) for v in n.vars)


def unsuited(program: Program) -> str | None:
    """Why a batch cannot be spread over ranks, as a clause; None where it can."""
    if not program.reductions:
        return program.reason
    found = spread(program)
    if not found.sets:
        return "its anchors are no set that a batch could be"
    for a in program.arguments:
        if sum(name in found.sets for name in a.axes) > 1:
            return f"{a.name} holds all pairs, which no rank has room for"
        if a.range == "distribution" and a.axes[-1:] == a.shape[-1:] and a.axes[-1] in found.sets:
            return f"{a.name} sums to one over the rows of all ranks"
    return None
