"""What the rows weigh in the mean over anchors."""

from __future__ import annotations

from catalog.symbols import Sym, walk
from codegen.dialects import TORCH
from codegen.lower import equal_weights
from codegen.pieces import Pieces
from codegen.text import ATOM, PRODUCT, Text
from codegen.trees import holds_always


def weights(pieces: Pieces) -> list[str]:
    """Lines for the weights of the rows, none where all are anchors that weigh the same.

    Rows that are no anchors weigh 0, and have no part in `valid` either.
    """
    if pieces.program.uniform:
        return []
    out = [f"weight = {row_weight(pieces)}"]
    if not holds_always(pieces.reduction.anchor_cond):
        library = "torch" if pieces.dialect is TORCH else "np"
        anchor = pieces.printer(pieces.reduction.row).cond(pieces.reduction.anchor_cond)
        out = [
            f"anchor = {anchor.code}",
            "valid = valid & anchor",
            f"weight = {library}.where(anchor, {row_weight(pieces)}, 0.0)",
        ]
    return out


def row_weight(pieces: Pieces) -> str:
    """The weight of every row; weights are fixed, whatever they are computed from."""
    r, size = pieces.reduction, pieces.program.sizes[pieces.reduction.row.set.name]
    torch = pieces.dialect is TORCH
    if equal_weights(pieces.program.method):
        return f"{pieces.anchor()}.new_ones({size})" if torch else f"np.ones({size})"
    text = pieces.printer(r.row).expr(r.weight)
    if not text.axes:
        code = f"{pieces.anchor()}.new_ones({size}) * ({text.code})"
        text = Text(code if torch else f"np.full({size}, {text.code})", (r.row,), PRODUCT)
    if torch and any(isinstance(n, Sym) for n in walk(r.weight)):
        return f"{text.at(ATOM)}.detach()"
    return text.code
