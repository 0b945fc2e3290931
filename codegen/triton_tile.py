"""A tile of pairs as Triton text: what a kernel loads of its rows and columns, and formulas of it.

A program holds one side of its tiles and loops over the other. The held side is axis 0, so that
both gradients are plain products; the same formula is written with `[:, None]` and `[None, :]`
accordingly. Everything that depends on one side alone is computed once by torch: a kernel loads it
as a number for each row or column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import sympy

from catalog.symbols import (
    TRUE,
    And,
    Call,
    Cond,
    Equal,
    Expr,
    Index,
    IVar,
    Iverson,
    Mask,
    Node,
    Or,
    SetRef,
    Sym,
    free_indices,
)  # fmt: skip
from codegen.dialects import Dialect
from codegen.ir import Atom, Parameter
from codegen.pieces import Pieces
from codegen.split import NotPairwise, Split
from codegen.sympy_printer import SympyPrinter
from codegen.text import ATOM, PRODUCT, Text

Side = Literal["row", "column"]
OTHER: dict[Side, Side] = {"row": "column", "column": "row"}
INDEX: dict[Side, str] = {"row": "rows", "column": "columns"}
COUNT: dict[Side, str] = {"row": "row_count", "column": "column_count"}

TRITON = Dialect(
    "triton",
    {
        "log": "tl.log({})",
        "exp": "tl.exp({})",
        "sqrt": "tl.sqrt({})",
        "root": "tl.sqrt(tl.maximum({}, 1.2e-38))",
        "relu": "tl.maximum({}, 0.0)",
        "step": "tl.where({} > 0, 1.0, 0.0)",
        "sigmoid": "tl.sigmoid({})",
        "softplus": "_softplus({})",
        "max": "tl.maximum({}, {})",
        "min": "tl.minimum({}, {})",
    },
    "tl.where({}, {}, 0.0)",
    "",
    "",
    "",
    "",
)


class KernelPrinter(SympyPrinter):
    """Writes sympy expressions for a kernel, where there is no operator for powers."""

    def text(self, node: sympy.Expr) -> Text:
        """The source text with its binding strength."""
        if node.is_Pow and not (node.exp.is_Number and (node.exp < 0 or node.exp == 0.5)):
            base, power = node.as_base_exp()
            if power.is_Integer and power <= 8:
                return Text(" * ".join([super().text(base).at(ATOM)] * int(power)), level=PRODUCT)
            logarithm = f"tl.log2({self.text(base).code})"
            return Text(f"tl.exp2({self.text(power).at(PRODUCT)} * {logarithm})")
        return super().text(node)

    def function(self, name: str, args: list[sympy.Expr]) -> Text:
        """A function of the dialect; one of a number is a number."""
        if name in ("log", "exp", "sqrt") and all(a.is_number for a in args):
            value = {"log": sympy.log, "exp": sympy.exp, "sqrt": sympy.sqrt}[name](*args)
            return Text(repr(float(value)), plain=True)
        return super().function(name, args)


class FixedSplit(Split):
    """Takes a fixed formula apart: nothing of it is differentiated, so a stop is no stop."""

    def convert(self, node: Expr) -> sympy.Expr:
        """A scalar formula as a sympy expression in symbols for its leaves."""
        if isinstance(node, Call) and node.fn == "sg":
            return self.convert(node.args[0])
        return super().convert(node)


@dataclass(frozen=True)
class Formula:
    """An expression in pair scores and parameters, with the tensors that these are made from.

    `atoms` are (atom, left, right) with the names of the two feature matrices; an array has no
    names. `vectors` are the names of the parameters that are no pair data.
    """

    expr: sympy.Expr
    atoms: tuple[tuple[Atom, str, str], ...]
    parameters: tuple[Parameter, ...]
    vectors: Mapping[sympy.Symbol, str]


@dataclass
class Operands:
    """The tensors that the kernels of one reduction read, and the torch lines that make them."""

    pieces: Pieces
    setup: list[str] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)

    def named(self, code: str) -> str:
        """The name of a tensor that `code` computes: itself if it is a name."""
        if code.isidentifier() and code in self.known():
            return code
        if code not in self.made:
            name = f"data{self.pieces.k}_{len(self.made) + 1}"
            self.made[code] = name
            self.setup.append(f"{name} = {code}")
        return self.made[code]

    def known(self) -> set[str]:
        """Names that are tensors already."""
        own = {a.name for a in self.pieces.program.arguments}
        sets = {f"index_{s}" for s in self.pieces.program.sizes}
        return own | sets

    def fixed(self, node: Expr, extra: Mapping[str, str] | None = None) -> Formula:
        """A fixed formula of the pair. Raises NotPairwise."""
        r = self.pieces.reduction
        names = {**self.pieces.program.names, **(extra or {})}
        split = FixedSplit(r.row, r.column, names)
        expr = split.convert(node)
        vectors: dict[sympy.Symbol, str] = {}
        atoms: list[tuple[Atom, str, str]] = []
        for p in split.parameters:
            if p.axis != "pair":
                axis = {"scalar": (), "row": (r.row,), "column": (r.column,)}[p.axis]
                printer = self.pieces.printer(*axis)
                printer.names = names
                text = printer.expr(p.expr)
                code = text.code
                if text.plain:
                    code = f"{self.pieces.anchor()}.new_tensor({code})"
                vectors[p.symbol] = self.named(code)
        for atom in split.atoms:
            ends = ("", "")
            if atom.left is not None and atom.right is not None:
                codes = [self.pieces.feature(f) for f in (atom.left, atom.right)]
                if atom.kind == "sqdist":
                    codes = [f"{c} - {codes[1]}.mean(0)" for c in codes]
                ends = (self.named(codes[0]), self.named(codes[1]))
            atoms.append((atom, *ends))
        return Formula(expr, tuple(atoms), tuple(split.parameters), vectors)


@dataclass
class Tile:
    """The lines of one kernel: what it loads before its loop and inside, and its formulas.

    `owner` is the side that a program holds. `pointers` are the tensors that it reads, `widths`
    their lengths of feature vectors, `integers` the loop variables that conditions mention.
    """

    operands: Operands
    owner: Side = "row"
    held: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)
    widths: dict[str, str] = field(default_factory=dict)
    integers: list[str] = field(default_factory=list)
    scores: dict[tuple[str, str, str], str] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)

    # ----------------------------------------------------------------- what is loaded

    def across(self, text: str, side: Side) -> str:
        """One value for each row or column, broadcast over the tile."""
        return f"{text}[:, None]" if side == self.owner else f"{text}[None, :]"

    def pointer(self, name: str) -> str:
        """The name of the pointer to a tensor."""
        if name not in self.pointers:
            self.pointers.append(name)
        return f"{name}_ptr"

    def load(self, line: str, side: Side) -> None:
        """A line that loads what depends on one side: before the loop if a program holds it."""
        lines = self.held if side == self.owner else self.inner
        if line not in lines:
            lines.append(line)

    def scalar(self, name: str) -> str:
        """One number."""
        self.load(f"{name} = tl.load({self.pointer(name)})", self.owner)
        return name

    def vector(self, name: str, side: Side) -> str:
        """One number for each row or column, loaded at the positions of a side of the tile."""
        local, at = f"{side}_{name}", INDEX[side]
        inside = f"mask={at} < {COUNT[side]}, other=0"
        self.load(f"{local} = tl.load({self.pointer(name)} + {at}, {inside})", side)
        return local

    def spread(self, name: str, side: Side) -> str:
        """The same, broadcast over the tile."""
        return self.across(self.vector(name, side), side)

    # ----------------------------------------------------------------- indices and conditions

    def side(self, node: Node) -> Side | None:
        """The one side that a formula depends on, None for neither. Raises NotPairwise."""
        r = self.operands.pieces.reduction
        found = [s for v, s in ((r.row, "row"), (r.column, "column")) if v in free_indices(node)]
        if len(found) > 1:
            raise NotPairwise("an index depends on the row and on the column")
        return found[0] if found else None  # type: ignore[return-value]

    def position(self, index: Index, back: bool = False) -> str:
        """The positions that an index takes; with `back`, rows and columns change places."""
        pieces = self.operands.pieces
        r = pieces.reduction
        side = self.side(index)
        if side is None:
            code = pieces.printer().position(index).code
            if isinstance(index, IVar) or code.isdigit():
                self.integers += [] if code.isdigit() or code in self.integers else [code]
                return code
            return self.scalar(self.operands.named(code))
        here = OTHER[side] if back else side
        if isinstance(index, IVar):
            return self.across(INDEX[here], here)
        variable = r.row if side == "row" else r.column
        code = pieces.printer(variable).position(index).code
        return self.spread(self.operands.named(code), here)

    def cond(self, cond: Cond, back: bool = False) -> str:
        """A condition as a Boolean tile; "" where nothing is asked."""
        if cond == TRUE:
            return ""
        match cond:
            case Equal(a, b, negated):
                return f"({self.position(a, back)} {'!=' if negated else '=='} " + (
                    f"{self.position(b, back)})"
                )
            case And(args) | Or(args):
                sign = " & " if isinstance(cond, And) else " | "
                parts = [t for c in args if (t := self.cond(c, back))]
                return parts[0] if len(parts) == 1 else f"({sign.join(parts)})"
            case SetRef(cond=inner, negated=negated):
                return f"(~{self.cond(inner, back)})" if negated else self.cond(inner, back)
            case Mask(name, args, negated):
                text = self.entries(name, args, back)
                return f"(~{text})" if negated else text
        raise NotPairwise("a condition has no tiles")

    def entries(self, name: str, args: tuple[Index, ...], back: bool = False) -> str:
        """A given array at `args`, over the tile."""
        pieces = self.operands.pieces
        sides = [self.side(a) for a in args]
        cut = [":" if s else pieces.printer().position(a).code
               for a, s in zip(args, sides, strict=True)]  # fmt: skip
        while cut and cut[-1] == ":":
            cut.pop()
        code = pieces.program.names[name] + (f"[{', '.join(cut)}]" if cut else "")
        free = [(a, s) for a, s in zip(args, sides, strict=True) if s]
        if len(free) == 1:
            # one side alone: torch gathers it
            r = pieces.reduction
            side = free[0][1]
            variable = r.row if side == "row" else r.column
            code = pieces.printer(variable).entry(name, args).code
            return self.spread(self.operands.named(code), OTHER[side] if back else side)
        if len(free) != 2:
            raise NotPairwise(f"{name} is no array over rows and columns")
        tensor = self.operands.named(code)
        parts = []
        for k, (a, _) in enumerate(free):
            at = self.position(a, back)
            parts.append(f"{at}.to(tl.int64) * {tensor}_stride" if k == 0 else at)
        if f"{tensor}_stride" not in self.integers:
            self.integers.append(f"{tensor}_stride")
        ends: list[Side] = ["row", "column"]
        inside = [self.across(f"({INDEX[s]} < {COUNT[s]})", s) for s in ends]
        load = f"tl.load({self.pointer(tensor)} + {' + '.join(parts)}, mask=inside, other=0)"
        return self.once(load, f"{tensor}_{'ji' if back else 'ij'}", inside)

    def once(self, load: str, stem: str, inside: list[str]) -> str:
        """The variable of the tile that holds what `load` reads, loaded once."""
        if load not in self.loaded:
            first = f"inside = {' & '.join(inside)}"
            self.inner += [first] if first not in self.inner else []
            same = sum(n.startswith(stem) for n in self.loaded.values())
            self.loaded[load] = stem if not same else f"{stem}_{same + 1}"
            self.inner.append(f"{self.loaded[load]} = {load}")
        return self.loaded[load]

    # ----------------------------------------------------------------- formulas

    def printer(
        self, formula: Formula, *, name: str = "score", back: bool = False
    ) -> KernelPrinter:
        """A printer of the expressions of a formula; scores are computed in lines of their own."""
        names: dict[sympy.Symbol, str] = {}
        for k, (atom, left, right) in enumerate(formula.atoms):
            names[atom.symbol] = self.score(
                atom, left, right, name if k == 0 else f"{name}_{k + 1}", back
            )
        for p in formula.parameters:
            if p.axis == "pair":
                names[p.symbol] = self.data(p.expr, back)
            elif p.axis == "scalar":
                names[p.symbol] = self.scalar(formula.vectors[p.symbol])
            else:
                side: Side = OTHER[p.axis] if back else p.axis
                names[p.symbol] = self.spread(formula.vectors[p.symbol], side)
        return KernelPrinter(TRITON, names)

    def data(self, node: Expr, back: bool) -> str:
        """Fixed data of the pair."""
        if isinstance(node, Iverson):
            return f"tl.where({self.cond(node.cond, back)}, 1.0, 0.0)"
        if isinstance(node, Sym) and node.dim is None:
            return self.entries(node.name, node.args, back)
        raise NotPairwise("fixed data of the pair are neither a condition nor an array")

    def score(self, atom: Atom, left: str, right: str, name: str, back: bool) -> str:
        """The variable that holds the scores of an atom, computed in a line of the tile."""
        if atom.array is not None:
            return self.data(atom.array, back)
        if back and not atom.same:
            left, right, name = right, left, f"{name}_back"
        key = (atom.kind, left, right)
        if key in self.scores:
            return self.scores[key]
        self.scores[key] = name
        width = self.width(left)
        ends: list[tuple[str, Side]] = [(left, "row"), (right, "column")]
        if self.owner == "column":
            ends.reverse()
        parts = []
        for matrix, side in ends:
            at = [self.pointer(matrix), INDEX[side], COUNT[side]]
            if atom.kind == "sqdist":
                at.append(self.vector(f"{matrix}_squares", side))
            parts += at
        helper = "_dots" if atom.kind == "dot" else "_distances"
        self.inner.append(f"{name} = {helper}({', '.join(parts)}, {width}, ACC)")
        return name

    def width(self, matrix: str) -> str:
        """The constant that says how long the feature vectors of a matrix are."""
        if matrix not in self.widths:
            several = f"_{len(self.widths) + 1}" if self.widths else ""
            self.widths[matrix] = f"WIDTH{several}"
        return self.widths[matrix]
