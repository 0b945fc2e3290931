"""Reduction -> lines of source: what the templates place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import sympy

from catalog.symbols import (
    Expr,
    IApp,
    IVar,
    Iverson,
    Mask,
    Node,
    Sym,
    walk,
)  # fmt: skip
from codegen import missing
from codegen.call_shape import MADE, RESERVED
from codegen.dialects import TORCH, Dialect
from codegen.ir import Atom, Feature, Program, Reduction
from codegen.passes import linear, singular
from codegen.printers import TensorPrinter
from codegen.signature import anchor
from codegen.sympy_printer import SympyPrinter, stable
from codegen.text import BITS, PRODUCT, UNARY, Text
from codegen.trees import holds_always

ROWS, COLUMNS = "rows", "columns"


@dataclass
class Pieces:
    """Writes the parts of `reduction`, number `k` of `program`, as lines of `dialect`."""

    program: Program
    reduction: Reduction
    k: str = ""
    dialect: Dialect = TORCH

    # ----------------------------------------------------------------- names

    @property
    def batch(self) -> dict[IVar, str]:
        """The loop variable of each batch index."""
        taken = {a.name for a in self.program.arguments} | set(self.program.sizes.values())
        taken |= RESERVED
        names = {}
        for variable in self.reduction.batch:
            letter = variable.name.split("'")[0]
            clash = letter in taken or MADE.fullmatch(letter)
            names[variable] = f"{letter}_" if clash else letter
        return names

    def printer(self, *layout: IVar, block: bool = False) -> TensorPrinter:
        """A printer over `layout`; with `block`, arrays are cut to a block of rows and columns."""
        r = self.reduction
        slices = {r.row: ROWS, r.column: COLUMNS} if block else {}
        like = self.anchor_in_block() if block else self.anchor()
        return TensorPrinter(
            self.dialect,
            layout,
            self.program.names,
            self.program.sizes,
            slices,
            self.batch,
            cast=f".to({like}.dtype)" if self.dialect is TORCH else ".astype(float)",
        )

    def feature_names(self) -> list[tuple[Atom, str, str]]:
        """The names of the features of each atom that has them."""
        found = []
        for n, atom in enumerate(a for a in self.reduction.log_kernel.atoms if a.kind != "array"):
            tail = "" if n == 0 else f"_{n + 1}"
            right = f"left{tail}" if self.reduction.plan.symmetric else f"right{tail}"
            found.append((atom, f"left{tail}", right))
        return found

    def array_name(self, atom: Atom) -> str:
        """The name of the array of an atom: the argument itself where it is one."""
        e = atom.array
        if isinstance(e, Sym) and e.args == (self.reduction.row, self.reduction.column):
            return self.program.names[e.name]
        return str(atom.symbol) + "s"

    # ----------------------------------------------------------------- before the blocks

    def feature(self, feature: Feature) -> str:
        """A feature matrix."""
        layout = (feature.axis, *((feature.column,) if feature.column else ()))
        text = self.printer(*layout).expr(feature.expr)
        if feature.column is not None and text.axes != layout:
            size = self.program.sizes[feature.axis.set.name]
            columns = self.program.sizes[feature.column.set.name]
            text = Text(f"({text.code}).expand({size}, {columns})")
        if feature.unit:
            return self.printer(feature.axis).unit(text).code
        return text.code

    def preparation(self, *, scale: bool = False) -> list[str]:
        """Lines that compute features, and arrays and parameters that are more than an argument.

        With `scale`, the factor of the inner product (the inverse temperature) is folded into the
        features.
        """
        r = self.reduction
        lines = []
        for atom, left, right in self.feature_names():
            assert atom.left is not None and atom.right is not None
            lines.append(f"{left} = {self.feature(atom.left)}")
            if right != left:
                lines.append(f"{right} = {self.feature(atom.right)}")
            if atom.kind == "sqdist" and self.dialect is TORCH:
                # distances do not see the origin, but rounding does
                lines.append(f"centre = {self.mean_row(right)}")
                lines.append(f"{left} = {left} - centre")
                if right != left:
                    lines.append(f"{right} = {right} - centre")
        parameters = self.parameters()
        if scale and (parts := linear(r.log_kernel)) is not None and parts[0] != 1:
            factor = sympy.sqrt(parts[0]) if r.plan.symmetric else parts[0]
            whole = lines[0].removeprefix("left = ")
            lines[0] = f"left = {self.times(whole, factor)}"
            if {str(s) for s in factor.free_symbols} - self.arguments():
                return [*parameters, *lines]
        return [*lines, *parameters]

    def times(self, name: str, factor: sympy.Expr) -> str:
        """`name` times a number, as a quotient where the factor is an inverse."""
        name = name if re.fullmatch(r"[\w.]+(\([^()]*\)|\[[^\[\]]*\])?", name) else f"({name})"
        top, bottom = sympy.fraction(factor)
        if top == 1:
            return f"{name} / {self.sympy_printer({}).text(bottom).at(UNARY)}"
        return f"{name} * {self.sympy_printer({}).text(factor).at(PRODUCT)}"

    def parameters(self) -> list[str]:
        """Lines for the parameters and arrays that are more than an argument."""
        r, lines = self.reduction, []
        for atom in r.log_kernel.atoms:
            if atom.array is not None and (name := self.array_name(atom)) not in self.arguments():
                text = self.printer(r.row, r.column).expr(atom.array)
                lines.append(f"{name} = {text.code}")
        for p in r.log_kernel.parameters:
            name = str(p.symbol)
            if p.axis == "pair" or name in self.arguments():
                continue
            axis = {"scalar": (), "row": (r.row,), "column": (r.column,)}[p.axis]
            text = self.printer(*axis).expr(p.expr)
            code = text.code
            if text.plain and self.dialect is TORCH:
                code = f"{self.anchor()}.new_tensor({code})"
            lines.append(f"{name} = {code}")
        return lines

    def anchor(self) -> str:
        """The name of a tensor whose dtype and device the computation has."""
        return anchor(self.program)

    def arguments(self) -> set[str]:
        """The names of the arguments of the function."""
        return {a.name for a in self.program.arguments}

    # ----------------------------------------------------------------- inside a block

    def sympy_printer(self, names: dict[sympy.Symbol, str]) -> SympyPrinter:
        """A printer of log-kernels; symbols without a name of their own keep theirs."""
        symbols = [a.symbol for a in self.reduction.log_kernel.atoms]
        symbols += [p.symbol for p in self.reduction.log_kernel.parameters]
        return SympyPrinter(self.dialect, {**{s: str(s) for s in symbols}, **names})

    def formula(
        self, expr: sympy.Expr, level: int = BITS, *, block: bool = True, traced: bool = False
    ) -> str:
        """An expression in atoms and parameters, over a block or over all pairs.

        `traced`: its gradient is what autograd makes of the text.
        """
        names = {}
        for p in self.reduction.log_kernel.parameters:
            if p.axis == "row":
                names[p.symbol] = f"{p.symbol}[rows, None]" if block else f"{p.symbol}[:, None]"
            elif p.axis == "column" and block:
                names[p.symbol] = f"{p.symbol}[columns]"
            if traced:
                for atom in self.reduction.log_kernel.tells(p):
                    name = names.get(p.symbol, str(p.symbol))
                    names[p.symbol] = f"_over({name}, {atom.symbol})"
        return self.sympy_printer(names).text(stable(expr)).at(level)

    def scores(self, *, block: bool = True) -> list[str]:
        """Lines that compute the atoms and the fixed data of the pairs."""
        r, lines = self.reduction, []
        cut, cut_columns = (f"[{ROWS}]", f"[{COLUMNS}]") if block else ("", "")
        for atom, left, right in self.feature_names():
            if atom.kind == "dot":
                lines.append(f"{atom.symbol} = {left}{cut} @ {right}{cut_columns}.T")
                lines += self.above_zero(atom)
            else:
                lines.append(f"{atom.symbol} = _sqdist({left}{cut}, {right}{cut_columns})")
                lines += self.apart(atom)
        for atom in r.log_kernel.atoms:
            if atom.array is not None:
                name = self.array_name(atom)
                both = f"[{ROWS}, {COLUMNS}]" if block else ""
                if f"{atom.symbol}" != f"{name}{both}":
                    lines.append(f"{atom.symbol} = {name}{both}")
        for p in r.log_kernel.parameters:
            if p.axis == "pair":
                text = self.printer(r.row, r.column, block=block).expr(p.expr)
                code = self.printer(r.row, r.column).lift(text, (r.row, r.column)).code
                lines.append(f"{p.symbol} = {code}")
        return lines

    def anchor_in_block(self) -> str:
        """The name of a tensor of the right dtype that is at hand inside a block."""
        for _, left, _ in self.feature_names():
            return left
        for atom in self.reduction.log_kernel.atoms:
            return self.array_name(atom)
        return self.anchor()

    def apart(self, atom: Atom) -> list[str]:
        """Where the kernel is infinite at distance 0, distances stop just above it."""
        return self.floor(atom) if self.is_singular() else []

    def above_zero(self, atom: Atom) -> list[str]:
        """Where the logarithm of a sum of products is taken, it stops just above 0."""
        assert atom.left is not None
        if atom.left.column is None or self.reduction.plan.sums == "ratio":
            return []
        return self.floor(atom)

    def ends_at_one(self, atom: Atom) -> bool:
        """Whether log k is infinite at a score of 1, as where 1 - score is a probability too."""
        if atom.left is None or atom.left.column is None:
            return False
        value = self.reduction.log_kernel.expr.subs(atom.symbol, 1)
        return bool(value.has(sympy.zoo, sympy.oo, -sympy.oo, sympy.nan))

    def floor(self, atom: Atom) -> list[str]:
        """The score of an atom, at least the smallest positive number, and below 1 if it must."""
        s, torch = atom.symbol, self.dialect is TORCH
        limits = f"torch.finfo({s}.dtype)" if torch else "np.finfo(float)"
        if self.ends_at_one(atom):
            ends = f"{limits}.tiny, 1 - {limits}.eps / 2"
            return [f"{s} = {s}.clamp({ends})" if torch else f"{s} = np.clip({s}, {ends})"]
        if torch:
            return [f"{s} = {s}.clamp(min={limits}.tiny)"]
        return [f"{s} = np.maximum({s}, {limits}.tiny)"]

    def allowed(self, *, block: bool = False) -> str:
        """The condition on allowed pairs as a Boolean array over the pairs."""
        r = self.reduction
        printer = self.printer(r.row, r.column, block=block)
        return printer.lift(printer.cond(r.allowed.cond), (r.row, r.column)).code

    def is_singular(self) -> bool:
        """Whether the slope is infinite where two points coincide."""
        k = self.reduction.log_kernel
        return any(
            singular(e, k.atoms) for a in k.atoms for e in (k.expr, k.slope(a.symbol))
        )

    # ----------------------------------------------------------------- where matrices are

    def mean_row(self, name: str) -> str:
        """The mean of the rows of a feature matrix, fixed."""
        return f"{name}.detach().mean(0)"

    def rows_at(self, name: str, at: Text) -> str:
        """The row of a feature matrix at one position for every row."""
        return f"{name}[{at.code}]"

    def of_all(self, numbers: str) -> str:
        """The numbers of all rows, where `numbers` has those of the rows at hand."""
        return numbers

    # ----------------------------------------------------------------- p

    def numerator(self, expr: Expr, *, block: bool) -> Text:
        """What p is made of, over all the pairs or over a block."""
        r = self.reduction
        printer = self.printer(r.row, r.column, block=block)
        binary = r.target.binary and isinstance(expr, Iverson)
        text = printer.cond(expr.cond) if binary else printer.expr(expr)  # type: ignore[union-attr]
        return replace(printer.lift(text, (r.row, r.column)), axes=text.axes)

    def known(self, mass: str, *, stated: bool = False) -> str:
        """The text of the mass of p in every row, an error where it is NaN."""
        p = (self.reduction.target.expr, self.reduction.allowed.cond)
        return (missing.defined if stated else missing.known)(self.program, mass, *p)

    def integers_in(self, text: str) -> list[str]:
        """The loop variables of the batch and the sizes that `text` mentions."""
        sizes = [n for n in self.program.sizes.values() if not n.isdigit()]
        names = unique([*self.batch.values(), *sizes])
        return [n for n in names if re.search(rf"(?<![\w.]){n}(?!\w)", text)]

    def names_in(self, *nodes: Node) -> list[str]:
        """The Python names of the declared symbols in formulas, in the order of the arguments."""
        used = {n.name for node in nodes for n in walk(node) if isinstance(n, Sym | IApp | Mask)}
        return [a.name for a in self.program.arguments if a.symbol in used]

    def loops(self) -> Iterator[str]:
        """The loop headers over the batch indices, with the condition on them last."""
        for variable, name in self.batch.items():
            yield f"for {name} in range({self.program.sizes[variable.set.name]}):"
        if not holds_always(self.reduction.batch_cond):
            yield f"if {self.printer().cond(self.reduction.batch_cond).code}:"


def positions(text: str) -> list[str]:
    """The position arrays that `text` mentions, such as index_n for the set n."""
    return sorted(set(re.findall(r"\bindex_\w+", text)))


def unique(names: Iterable[str]) -> list[str]:
    """`names` without repetition, in order."""
    return list(dict.fromkeys(names))

