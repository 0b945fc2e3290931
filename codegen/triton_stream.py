"""Reduction -> its Triton kernels: sums over tiles of pairs, and gradients, tile by tile again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import cast

import sympy

from codegen.ir import Atom
from codegen.passes import linear, planned, singular
from codegen.streaming import Streaming
from codegen.sympy_printer import stable
from codegen.text import ATOM, PRODUCT
from codegen.triton_divergence import partition, summed, weighed
from codegen.triton_target import Output, Sweep, TileTarget, allowed
from codegen.triton_tile import COUNT, INDEX, OTHER, Formula, KernelPrinter, Operands, Side, Tile

BLOCK: dict[Side, str] = {"row": "ROWS", "column": "COLUMNS"}
HALF_A_DIGIT = f"{2.0**-53} if ACC == tl.float64 else {2.0**-24}"
"""Between one and the largest number below it; as a number of its own that would be a float32."""


@dataclass
class Pull:
    """A kernel that gives the gradient of what belongs to one side of the pairs.

    `start` are lines that begin its sums, `add` those that add a tile, `store` those at the end;
    `results` are the tensors it writes, with the text of their shape, `wants` the parameters whose
    gradient is computed only where it is asked for.
    """

    side: Side
    tile: Tile
    name: str
    start: list[str] = field(default_factory=list)
    add: list[str] = field(default_factory=list)
    store: list[str] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    wants: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        other = OTHER[self.side]
        self.here, self.there = INDEX[self.side], INDEX[other]
        self.count, self.bound = COUNT[self.side], COUNT[other]
        self.block, self.step = BLOCK[self.side], BLOCK[other]

    def result(self, name: str, shape: str) -> str:
        """A tensor that is written; the name of its pointer."""
        self.results[name] = shape
        return f"{name}_ptr"


@dataclass
class KernelStream(Streaming):
    """Writes the Triton form of one reduction."""

    def __post_init__(self) -> None:
        self.scale: tuple[sympy.Expr, sympy.Expr] | None = None
        r = self.pieces.reduction
        if r.plan.sums == "linear":
            # half precision holds the features better than features over a temperature
            self.scale = linear(r.log_kernel)
            self.pieces = replace(self.pieces, reduction=planned(r, sums="online"))
        self.r, self.plan, self.k = self.pieces.reduction, self.pieces.reduction.plan, self.pieces.k
        self.linear = False
        self.operands = Operands(self.pieces)
        blocks = self.plan.expected == "blocks"
        self.target = TileTarget(self.operands) if blocks else None  # type: ignore[assignment]
        parameters = [p for p in self.r.log_kernel.parameters if p.axis != "pair"]
        self.formula = Formula(
            self.r.log_kernel.expr,
            tuple((a, left, right) for a, left, right in self.pieces.feature_names()),
            self.r.log_kernel.parameters,
            {p.symbol: str(p.symbol) for p in parameters},
        )
        self.ratio = self.plan.sums == "ratio"
        self.pair = self.r.normalise == "pair"
        self.both = self.plan.symmetric or self.plan.columns
        self.icon = self.pieces.program.method.icon
        self.kl = self.r.divergence == "kl"
        self.first: Sweep | None = None
        self.sums = self.forward()
        self.pulls = [self.gradient("row")]
        if not self.both:
            self.pulls.append(self.gradient("column"))
        self.pulls = [p for p in self.pulls if p.results]

    @property
    def tiles(self) -> TileTarget | None:
        """The p of the tiles, where the sweep reads it."""
        return cast(TileTarget | None, self.target)

    def class_sums(self, features: str) -> str:
        """The sum of the features of each class, on a GPU in the same order in every run."""
        return f"torch.zeros_like({features}).index_put((member,), {features}, accumulate=True)"

    def unscaled(self) -> list[str]:
        """The line that makes the log-kernel of the expected score."""
        score = self.r.log_kernel.atoms[0].symbol
        printer = self.pieces.sympy_printer({score: "expected"})
        return [f"expected = {printer(self.r.log_kernel.expr)}"]

    # ----------------------------------------------------------------- what one tile computes

    def log_kernel(self, tile: Tile, printer: KernelPrinter, name: str = "log_kernel") -> None:
        """Add the line of the logarithm of the kernel, in powers of two, for every pair."""
        if self.scale is not None:
            factor, rest = self.scale
            rate = "LOG2E" if factor == 1 else f"({printer(factor)} * LOG2E)"
            if not factor.is_number:
                rate = "rate"
                for line in (f"scale = {printer(factor)}", "rate = scale * LOG2E"):
                    if line not in tile.held:
                        tile.held.append(line)
            bias = f" + {printer.text(rest).at(PRODUCT)} * LOG2E" if rest != 0 else ""
            tile.inner.append(f"{name} = {self.score_name} * {rate}{bias}")
        else:
            text = printer.text(stable(self.r.log_kernel.expr))
            tile.inner.append(f"{name} = {text.at(PRODUCT)} * LOG2E")

    @property
    def score_name(self) -> str:
        """The name of the score of a linear log-kernel."""
        return str(self.r.log_kernel.atoms[0].symbol)

    def prepared(self, tile: Tile) -> KernelPrinter:
        """A printer of the kernel, once the tile has its scores; those stop above a pole."""
        printer = tile.printer(self.formula)
        for atom, _, _ in self.formula.atoms:
            above = self.pieces.above_zero(atom) if atom.kind == "dot" else self.pieces.apart(atom)
            if above:
                name = printer.names[atom.symbol]
                tile.inner.append(f"{name} = tl.maximum({name}, TINY)")
            if above and self.pieces.ends_at_one(atom):
                step = f"tl.where({name} >= 1.0, {HALF_A_DIGIT}, 0.0)"
                tile.inner.append(f"{name} = tl.minimum({name}, 1.0) - {step}")
        return printer

    def forward(self) -> Sweep:
        """The sweep whose sums are the log-partition, and the expected log-kernel of dense p."""
        tile = Tile(self.operands)
        printer = self.prepared(tile)
        mask = allowed(tile)
        if self.plan.columns:
            tile.inner.append(f"{mask} = {mask} & (rows < row_count)[:, None]")
        outputs: list[Output] = []
        if not self.kl:
            return self.divergence(tile, printer)
        if self.pair:
            assert self.tiles is not None
            tile.inner.append(f"log_kernel = {printer(self.r.log_kernel.expr)}")
            self.tiles.place(tile, mask)
            loss = f"tl.where({mask}, _softplus(log_kernel) - p_ij * log_kernel, 0.0)"
            return Sweep(f"_losses{self.k}", self.title(), tile, (Output("total", loss),))
        if self.ratio:
            tile.inner.append(f"kernel = {printer(self.r.log_kernel.kernel)}")
            outputs.append(Output("log_partition", f"tl.where({mask}, kernel, 0.0)", log=True))
        else:
            self.log_kernel(tile, printer)
            power = f"tl.where({mask}, log_kernel, -INFINITE)"
            outputs.append(Output("log_partition", power, powers=True))
        if self.tiles is not None:
            if self.ratio:
                tile.inner.append(f"log_kernel = {printer(self.r.log_kernel.expr)}")
            self.tiles.place(tile, mask)
            unit = "" if self.ratio else " / LOG2E"
            expected = f"tl.where(p_ij <= 0, 0.0, p_ij * log_kernel{unit})"
            outputs.append(Output("expected", expected))
        bounded = self.scale is not None
        return Sweep(f"_sums{self.k}", self.title(), tile, tuple(outputs), bounded)

    def divergence(self, tile: Tile, printer: KernelPrinter) -> Sweep:
        """The sweep over another divergence, after one for the log-partition."""
        assert self.tiles is not None
        tile.inner.append(f"log_kernel = {printer(self.r.log_kernel.expr)}")
        name = f"_divergences{self.k}"
        if not self.pair:
            before = Tile(self.operands)
            printer = self.prepared(before)
            before.inner.append(f"log_kernel = {printer(self.r.log_kernel.expr)}")
            self.first = partition(before, self.k)
            top = f"log_partition{self.k}"
            self.tiles.setup.append(f"{top} = {self.tiles.call(self.first, 'product')}")
            if self.r.normalise == "joint":
                size = self.pieces.program.sizes[self.r.row.set.name]
                self.tiles.setup.append(f"{top} = torch.logsumexp({top}, dim=0).expand({size})")
            self.tiles.setup.append(f"{top} = torch.where({top} == -math.inf, 0.0, {top})")
        outputs = summed(tile, self.tiles, self.icon, self.pair, f"log_partition{self.k}")
        return Sweep(name, self.title(), tile, outputs)

    # ----------------------------------------------------------------- the gradient

    def gradient(self, side: Side) -> Pull:
        """The kernel that gives the gradient of what belongs to one side."""
        tile = Tile(self.operands, side)
        made = Pull(side, tile, f"_pull_{INDEX[side]}{self.k}")
        if not self.owned(side):
            return made
        printer = self.prepared(tile)
        mask = allowed(tile)
        weight = self.weight(tile, printer, mask)
        tile.inner += weight
        for atom, left, right in self.formula.atoms:
            self.add_atom(made, printer, atom, (left, right), mask)
        for p in self.r.log_kernel.parameters:
            if p.moves and p.axis in ("scalar", side) and (side == "row" or p.axis != "scalar"):
                self.add_parameter(made, printer, p.symbol, mask)
        # a slope may be a number: then nothing reads the score
        for name in tile.scores.values():
            text = "\n".join([*tile.inner, *made.add])
            if len(re.findall(rf"\b{name}\b", text)) == 1:
                tile.inner = [line for line in tile.inner if not line.startswith(f"{name} = ")]
        return made

    def owned(self, side: Side) -> bool:
        """Whether anything of a side has a gradient."""
        return bool(self.formula.atoms) or any(
            p.moves and p.axis == side for p in self.r.log_kernel.parameters
        )

    def weight(self, tile: Tile, printer: KernelPrinter, mask: str) -> list[str]:
        """Lines for d loss / d log-kernel of every pair (d kernel where kernels are summed)."""
        rows = tile.spread("upstream", "row")
        back = "upstream" if self.plan.symmetric else "column_upstream"
        columns = tile.spread(back, "column") if self.both else ""
        both = f"{rows} + {columns}" if columns else rows
        if not self.kl:
            assert self.tiles is not None
            tile.inner.append(f"log_kernel = {printer(self.r.log_kernel.expr)}")
            return weighed(tile, self.tiles, self.icon, self.pair, f"log_partition{self.k}")
        if self.pair:
            assert self.tiles is not None
            tile.inner.append(f"log_kernel = {printer(self.r.log_kernel.expr)}")
            self.tiles.place(tile, mask)
            return [f"weight = tl.where({mask}, (tl.sigmoid(log_kernel) - p_ij) * {rows}, 0.0)"]
        out = []
        if self.ratio:
            out = [f"weight = tl.where({mask}, {both}, 0.0)"]
        else:
            self.log_kernel(tile, printer)
            tile.inner.append(f"log_kernel = tl.where({mask}, log_kernel, -INFINITE)")
            top = tile.spread("log_partition", "row")
            terms = [f"tl.exp2(log_kernel - {top}) * {rows}"]
            if columns:
                side = self.back(tile, "log_partition")
                terms.append(f"tl.exp2(log_kernel - {side}) * {columns}")
            if self.scale is not None:
                # the upstream gradients were divided by the partitions already
                out = ["if BOUNDED:", f"    weight = tl.exp2(log_kernel) * ({both})"]
            if columns:
                # one exponential for both: they were divided by the roots of the partitions
                here, there = tile.spread("root", "row"), self.back(tile, "root")
                out += [
                    f"{'elif' if out else 'if'} NEAR:",
                    f"    middle = 0.5 * ({top} + {side})",
                    f"    share = {rows} * {there} + {here} * {columns}",
                    "    weight = tl.exp2(log_kernel - middle) * share",
                ]
            if out:
                out += ["else:", f"    weight = {' + '.join(terms)}"]
            else:
                out = [f"weight = {terms[0]}"]
        if self.tiles is not None:
            there = self.tiles.place(tile, mask, back=self.plan.symmetric)
            name = "pull" if self.ratio else "weight"
            terms = [f"p_ij * {tile.spread('expected_upstream', 'row')}"]
            if self.plan.symmetric:
                terms.append(f"{there} * {tile.spread('expected_upstream', 'column')}")
            sign = "=" if self.ratio else "+="
            out.append(f"{name} {sign} {' + '.join(terms)}")
        return out

    def back(self, tile: Tile, name: str) -> str:
        """A number of the other direction for every column."""
        return tile.spread(name if self.plan.symmetric else f"column_{name}", "column")

    @property
    def near(self) -> bool:
        """Whether a kernel is told that one exponential serves both directions."""
        return self.both and self.kl and not self.ratio

    def slope(self, printer: KernelPrinter, symbol: sympy.Symbol) -> str:
        """The text of d loss / d symbol of every pair."""
        k = self.r.log_kernel
        if not self.ratio:
            text = printer.text(stable(k.slope(symbol)))
            return "weight" if text.code == "1" else f"weight * {text.at(ATOM)}"
        share = f"weight * {printer.text(stable(k.growth(symbol))).at(ATOM)}"
        if self.tiles is None:
            return share
        return f"{share} + pull * {printer.text(stable(k.slope(symbol))).at(ATOM)}"

    def add_atom(
        self, made: Pull, printer: KernelPrinter, atom: Atom, ends: tuple[str, str], mask: str
    ) -> None:
        """Add to a kernel what the features of an atom receive."""
        own, other = ends if made.side == "row" else ends[::-1]
        k, tile = self.r.log_kernel, made.tile
        here, there, count, bound = made.here, made.there, made.count, made.bound
        width = tile.width(ends[0])
        suffix = width.removeprefix("WIDTH")
        slice_ = f"SLICE{suffix}"
        grad, slope = f"grad_{own}", "weight"
        if self.scale is None:
            slope = f"slope{suffix}"
            made.add.append(f"{slope} = tl.where({mask}, {self.slope(printer, atom.symbol)}, 0.0)")
            singularity = [k.expr, k.slope(atom.symbol)] + ([k.kernel] if self.ratio else [])
            if any(singular(e, k.atoms) for e in singularity):
                # coinciding points pull nowhere
                name = printer.names[atom.symbol]
                made.add.append(f"{slope} = tl.where({name} > TINY, {slope}, 0.0)")
        made.start += [
            f"{slice_}: tl.constexpr = _slice({width})",
            f"{grad} = tl.zeros([{made.block}, {slice_}], ACC)",
        ]
        args = f"{tile.pointer(other)}, {there}, {bound}, first"
        if atom.kind == "dot":
            made.add.append(f"{grad} = _draw({grad}, {slope}, {args}, {width}, {slice_})")
        else:
            drawn = f"drawn{suffix}"
            made.start.append(f"{drawn} = tl.zeros([{made.block}], ACC)")
            made.add += [
                f"{slope} = _rounded({slope}, {other}_ptr, {width})",
                f"{drawn} += tl.sum({slope}, 1)",
                f"{grad} = _draw({grad}, {slope}, {args}, {width}, {slice_})",
            ]
            own_args = f"{tile.pointer(own)}, {here}, {count}, first, {width}, {slice_}"
            made.store.append(
                f"{grad} = 2 * ({drawn}[:, None] * _tile({own_args}).to(ACC) - {grad})"
            )
        if self.scale is not None and self.scale[0] != 1:
            factor = printer.text(self.scale[0]).at(ATOM) if self.scale[0].is_number else "scale"
            made.store.append(f"{grad} = {grad} * {factor}")
        pointer = made.result(grad, f"{own}.shape")
        made.store.append(
            f"_store({pointer}, {here}, {count}, first, {grad}, {width}, {slice_})"
        )

    def add_parameter(
        self, made: Pull, printer: KernelPrinter, symbol: sympy.Symbol, mask: str
    ) -> None:
        """Add to a kernel what a parameter receives: a number for each row or column."""
        name, here, count = f"grad_{symbol}", made.here, made.count
        made.wants.append(str(symbol))
        made.start.append(f"{name} = tl.zeros([{made.block}], ACC)")
        value = f"tl.sum(tl.where({mask}, {self.slope(printer, symbol)}, 0.0), 1)"
        made.add += [f"if WANT_{symbol}:", f"    {name} += {value}"]
        pointer = made.result(name, count)
        made.store += [
            f"if WANT_{symbol}:",
            f"    tl.store({pointer} + {here}, {name}, mask=({here} < {count}) & (first == 0))",
        ]
