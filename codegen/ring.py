"""Columns that travel from rank to rank: the streaming form with matrices in parts.

What has one number for each point is the same on every rank, as where columns are gathered. A
matrix is not: a rank has its own rows of it, and in turn those of the others. Inside the blocks it
is cut by positions in the whole batch; outside of them only formulas of a single row can read it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import ClassVar

from catalog.symbols import Big, IApp, Index, Mask, Node, Size, Sym, walk
from codegen.block_target import BlockTarget, block_target
from codegen.ir import Feature, Program
from codegen.pieces import Pieces
from codegen.spread import Spread
from codegen.streaming import Streaming
from codegen.targets.torch import numbered
from codegen.text import Text
from codegen.trees import hoist


def wide(program: Program, found: Spread) -> tuple[str, ...]:
    """The arguments with more than one number for each row of a rank: these are not gathered."""
    parts = [a for a in program.arguments if found.axis(a) is not None]
    return tuple(a.name for a in parts if len(a.shape) > 1)


def ring_pieces(program: Program, found: Spread) -> list[RingPieces]:
    """The pieces of every reduction, numbered where there are several."""
    return [
        RingPieces(program, p.reduction, p.k, matrices=wide(program, found))
        for p in numbered(program)
    ]


@dataclass
class RingPieces(Pieces):
    """Writes the parts of a reduction whose `matrices` are spread over ranks."""

    matrices: tuple[str, ...] = ()

    @property
    def counts(self) -> tuple[str, str]:
        """How many rows and columns every rank has, as expressions."""
        rows, columns = self.reduction.row.set.name, self.reduction.column.set.name
        return f'counts["{rows}"]', f'counts["{columns}"]'

    def mean_row(self, name: str) -> str:
        """The mean of the rows of a feature matrix over all ranks, fixed."""
        return f"team.sum({name}.detach().sum(0)) / sum({self.counts[1]})"

    def rows_at(self, name: str, at: Text) -> str:
        """The row at one position for every row of this rank, from the rank that has it."""
        rows, columns = self.counts
        return f"_Fetch.apply({name}, {at.code}, team, {columns}, {rows})"

    def of_all(self, numbers: str) -> str:
        """The numbers of the rows of all ranks."""
        return f"team.gather({numbers}, {self.counts[0]})"

    def anchor_in_block(self) -> str:
        """The name of a tensor of the right dtype that is at hand inside a block."""
        return f"{super().anchor_in_block()}.own"

    def preparation(self, *, scale: bool = False) -> list[str]:
        """Lines for the ring of these rows and columns, and for their features."""
        rows, columns = self.counts
        return [f"ring = _Ring(team, {rows}, {columns})", *super().preparation(scale=scale)]


class RingStreaming(Streaming):
    """Writes the streaming form of a reduction whose columns travel."""

    team: ClassVar[str] = "ring"

    @property
    def travelling(self) -> list[str]:
        """The matrices that a block reads at its columns: features, and what p is made of."""
        assert isinstance(self.pieces, RingPieces)
        rights = [right for _, _, right in self.pieces.feature_names()]
        return list(dict.fromkeys([*rights, *self.matrices]))

    @property
    def matrices(self) -> list[str]:
        """The matrices among the fixed data."""
        assert isinstance(self.pieces, RingPieces)
        return [n for n in self.data() if n in self.pieces.matrices]

    def block_target(self) -> BlockTarget:
        """The functions that compute p in blocks."""
        assert isinstance(self.pieces, RingPieces)
        return block_target(self.pieces, self.shared, self.pieces.matrices)

    def class_scores(self, right: str, itself: str) -> list[str]:
        """Lines for the mean score of every row with its class; `itself` takes the row out."""
        assert isinstance(self.pieces, RingPieces)
        return [
            f"others = _ClassSums.apply({right}, member, ring){itself}",
            f"expected = {self.pieces.of_all('(left * others).sum(1)')}",
            "expected = expected / count.clamp(min=1)",
        ]

    def heights(self) -> tuple[str, str]:
        """The numbers of rows and of columns."""
        return "sum(ring.rows)", "sum(ring.columns)"

    def visits(self, *, back: bool) -> str:
        """The blocks of this rank; going back, gradients of the columns follow them home."""
        sums = "[]"
        if back:
            grads = [n for n in self.travelling if n in self.moving]
            sums = f"[{', '.join(f'grad_{n}' for n in grads)}]"
            if not self.triangle:
                wanted = [f"ctx.needs_input_grad[{self.tensors().index(n)}]" for n in grads]
                sums = f"{sums} if {' or '.join(wanted)} else []"
        shape = "triangle" if self.triangle else "blocks"
        return f"ring.{shape}([{', '.join(self.travelling)}], {sums})"

    def opened(self, *, back: bool) -> list[str]:
        """Lines before the first block that make matrices what is at hand of them."""
        out = []
        for name in dict.fromkeys([*self.features, *self.matrices]):
            way = "travelling" if name in self.travelling else "staying"
            out.append(f"{name} = ring.{way}({name})")
            if back and name in self.moving:
                out.append(f"grad_{name} = ring.{way}(grad_{name})")
        return out

    def own(self, name: str) -> str:
        """The tensor of a matrix, once the blocks are visited."""
        parts = [*self.features, *self.matrices]
        return f"{name}.own" if name.removeprefix("grad_") in parts else name

    def added(self, to: str, what: str) -> str:
        """The line that adds to a part of a gradient."""
        return f"{to}.add_({what})"


def untold(program: Program, found: Spread) -> str | None:
    """Why the columns of a program do not travel, as a clause; None where they do."""
    for pieces in ring_pieces(program, found):
        if (why := untold_reduction(pieces, found)) is not None:
            return why
    return None


def untold_reduction(pieces: RingPieces, found: Spread) -> str | None:
    """The same for one reduction."""
    program, r = pieces.program, pieces.reduction
    matrices = {s: n for s, n in program.names.items() if n in pieces.matrices}
    for side, variable in (("rows", r.row), ("columns", r.column)):
        if variable.set.name not in found.sets:
            return f"every rank has all of its {side}"
    for atom in r.log_kernel.atoms:
        for feature in (atom.left, atom.right):
            if feature is None:
                return "its scores are given, not made of features"
            if not alone(feature, matrices, program, found):
                return "the features of a row are made of more than this row of matrices"
    pairs = [p.expr for p in r.log_kernel.parameters if p.axis == "pair"]
    once = [p.expr for p in r.log_kernel.parameters if p.axis != "pair"]
    once += [r.weight, program.method.icon.degree, *(pairs if r.target.index else [])]
    sums = hoist(r.target.expr, r.row, r.column, "")[1] if r.target.form == "given" else []
    for node in (*once, r.anchor_cond, *(e for _, e in sums)):
        for symbol in reads(node, matrices):
            return f"{matrices[symbol.name]} is read outside of the blocks"
    for node in (*pairs, r.target.expr, r.allowed.cond):
        for symbol in reads(node, matrices):
            if not {i for i in symbol.args if spread_over(i, found)} <= {r.row, r.column}:
                return f"{matrices[symbol.name]} is read at rows that are not at hand"
    return None


def alone(
    feature: Feature, matrices: Mapping[str, str], program: Program, found: Spread
) -> bool:
    """Whether the rows of a feature are made of the same rows of spread matrices, and no other."""
    narrow = {a.symbol for a in program.arguments if found.axis(a) is not None} - matrices.keys()
    nodes = list(walk(feature.expr))
    for node in nodes:
        if isinstance(node, Big | Size) and any(v.set.name in found.sets for v in node.vars):
            return False
        if isinstance(node, Sym | IApp | Mask) and node.name in narrow:
            return False
    read = reads(feature.expr, matrices)
    return bool(read) and all(
        [i for i in s.args if spread_over(i, found)] == [feature.axis] for s in read
    )


def reads(node: Node, names: Container[str]) -> list[Sym | Mask]:
    """The symbols of these names that a formula reads."""
    return [n for n in walk(node) if isinstance(n, Sym | Mask) and n.name in names]


def spread_over(index: Index, found: Spread) -> bool:
    """Whether an index, or a position given by data, lies in a set that is spread."""
    return index.set.name in found.sets
