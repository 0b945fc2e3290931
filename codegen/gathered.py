"""The log-kernel of every row at its one target: lines that read one column for each row."""

from __future__ import annotations

import sympy

from catalog.symbols import Expr, Index, map_node
from codegen.passes import linear
from codegen.pieces import Pieces
from codegen.trees import fold


def gathered(pieces: Pieces) -> list[str]:
    """Lines for `expected`, the log-kernel of every row at its one target."""
    r = pieces.reduction
    index = r.target.index
    assert index is not None
    here = pieces.printer(r.row)
    at = here.position(index)
    same_row = index == r.row
    names: dict[sympy.Symbol, str] = {}
    lines = []
    for atom, left, right in pieces.feature_names():
        there = right if same_row else pieces.rows_at(right, at)
        if atom.kind == "dot":
            lines.append(f"{atom.symbol} = {pieces.of_all(f'({left} * {there}).sum(-1)')}")
        else:
            each = f"({left} - {there}).square().sum(-1)"
            lines.append(f"{atom.symbol} = {pieces.of_all(each)}")
            lines += pieces.apart(atom)
    for atom in r.log_kernel.atoms:
        if atom.array is not None:
            text = here.expr(at_target(pieces, atom.array, index))
            lines.append(f"{atom.symbol} = {text.code}")
    for p in r.log_kernel.parameters:
        if p.axis == "column":
            names[p.symbol] = str(p.symbol) if same_row else f"{p.symbol}[{at.code}]"
        elif p.axis == "pair":
            text = here.expr(fold(at_target(pieces, p.expr, index)))
            lines.append(f"{p.symbol} = {text.code}")
    expr = pieces.reduction.log_kernel.expr
    if r.plan.sums == "linear" and (parts := linear(r.log_kernel)) is not None:
        expr = r.log_kernel.atoms[0].symbol + parts[1]  # the factor is in the features
    lines.append(f"expected = {pieces.sympy_printer(names)(expr)}")
    if lines[-1] == f"expected = {r.log_kernel.atoms[0].symbol}":
        lines[-2:] = [f"expected = {lines[-2].split(' = ', 1)[1]}"]
    return lines


def at_target(pieces: Pieces, expr: Expr, index: Index) -> Expr:
    """A formula of the pair, read at the target of the row."""
    return map_node(expr, {pieces.reduction.column: index})  # type: ignore[return-value]


def gathered_valid(pieces: Pieces) -> str | None:
    """Whether the target of each row is an allowed pair; None where all pairs are."""
    r = pieces.reduction
    if r.allowed.kind == "all":
        return None
    assert r.target.index is not None
    cond = map_node(r.allowed.cond, {r.column: r.target.index})
    return pieces.printer(r.row).cond(cond).code  # type: ignore[arg-type]
