"""The supervisory p in tiles, as lines of a kernel, where a row has more than one target."""

from __future__ import annotations

from dataclasses import dataclass, field

from catalog.symbols import Big, Cond, Expr, Iverson, Size, free_indices, map_node
from codegen import log_space
from codegen.block_target import always_has_rows, stated
from codegen.missing import signed
from codegen.pieces import Pieces
from codegen.split import NotPairwise
from codegen.text import PRODUCT
from codegen.trees import hoist
from codegen.triton_tile import COUNT, INDEX, OTHER, Operands, Side, Tile


@dataclass(frozen=True)
class Output:
    """A number for every row: the sum of `value`, its log, or that of the sum of 2 ** `value`."""

    name: str
    value: str
    powers: bool = False
    log: bool = False


@dataclass(frozen=True)
class Sweep:
    """A kernel that sums over the columns of every row, and the operator that launches it.

    `bounded`: the operator is told whether powers need a running maximum.
    """

    name: str
    doc: str
    tile: Tile
    outputs: tuple[Output, ...]
    bounded: bool = False


@dataclass
class TileTarget:
    """The text of p in tiles; what `stream_body` reads of it is `setup`, `entropy` and `valid`.

    `setup` are the torch lines before the kernels, `entropy` an expression for the entropy of every
    row, `valid` one for the rows that have a p (None: all). `sweeps` are the kernels that p needs
    for itself.
    """

    operands: Operands
    valid: str | None = None
    entropy: str = ""
    sweeps: list[Sweep] = field(default_factory=list)
    share: str = ""
    half: str = ""

    def __post_init__(self) -> None:
        self.pieces: Pieces = self.operands.pieces
        self.r = self.pieces.reduction
        self.t = self.r.target
        self.checked = stated(self.pieces)
        self.least = "-math.inf" if self.t.form == "softmax" else "0"
        self.extra: dict[str, str] = {}
        expr: Expr = self.t.expr
        if self.t.form == "given":
            prefix = f"row_sum{self.pieces.k}_"
            expr, taken = hoist(log_space.shifted(expr), self.r.row, self.r.column, prefix)
            for name, node in taken:
                self.setup.append(f"{name} = {self.hoisted(name, node)}")
                self.extra[name] = name
        self.condition: Cond | None = None
        if self.t.binary and isinstance(expr, Iverson):
            self.condition = expr.cond
        else:
            self.formula = self.operands.fixed(expr, self.extra)
        self.normalise()
        if self.pieces.program.kl and not (self.r.normalise == "pair" and self.t.binary):
            self.sweeps.append(self.entropy_sweep())
            self.entropy = self.call(self.sweeps[-1])

    @property
    def setup(self) -> list[str]:
        """The torch lines before the kernels."""
        return self.operands.setup

    # ----------------------------------------------------------------- what normalises p

    def hoisted(self, name: str, node: Expr) -> str:
        """A sum that p divides by: of every row by a sweep of its own, else by torch."""
        if self.r.row not in free_indices(node):
            text = self.pieces.printer(self.r.row).expr(node)
            code = f"{self.pieces.anchor()}.new_tensor({text.code})"
            return code if text.plain else text.code
        why = "p reads a number of the row that no sweep over its pairs gives"
        if not isinstance(node, Big | Size) or (isinstance(node, Big) and node.op != "sum"):
            raise NotPairwise(why)
        if len(node.vars) != 1 or node.vars[0].set != self.r.column.set:
            raise NotPairwise(why)
        there = {node.vars[0]: self.r.column}
        tile = Tile(self.operands)
        other = OTHER[tile.owner]
        mask = tile.across(f"({INDEX[other]} < {COUNT[other]})", other)
        if cond := tile.cond(map_node(node.cond, there)):  # type: ignore[arg-type]
            mask = f"{mask} & {cond}"
        value = "1.0"
        if isinstance(node, Big):
            formula = self.operands.fixed(map_node(node.body, there), self.extra)  # type: ignore[arg-type]
            value = tile.printer(formula, name="p_score")(formula.expr)
        total = Output("total", f"tl.where({mask}, {value}, 0.0).to(ACC)")
        sweep = Sweep(f"_{name}", "A sum over the columns of every row.", tile, (total,))
        self.sweeps.append(sweep)
        return self.call(sweep)

    def normalise(self) -> None:
        """The lines that normalise p: the sum of the weights of a row, or the log of it."""
        t, k = self.t, self.pieces.k
        if not (self.checked or t.form in ("proportional", "softmax")):
            return
        sweep = self.mass_sweep()
        self.sweeps.append(sweep)
        sums = self.pieces.known(self.call(sweep), stated=self.checked)
        self.setup.append(f"mass{k} = {sums}")
        if self.r.normalise == "joint" and not t.symmetrised:
            size = self.pieces.program.sizes[self.r.row.set.name]
            whole = "logsumexp(0)" if t.form == "softmax" else "sum()"
            self.setup.append(f"mass{k} = mass{k}.{whole}.expand({size})")
        self.valid = f"mass{k} != {self.least}"
        if self.checked:
            self.share = self.operands.named(self.valid)
        elif t.form == "softmax":
            self.share = self.operands.named(f"mass{k}.clamp(min=torch.finfo(dtype).min)")
        else:
            self.share = self.operands.named(f"torch.where(mass{k} == 0, 0.0, 1 / mass{k})")
        if t.symmetrised:
            count = f"(mass{k} != {self.least}).sum().clamp(min=1).to(dtype)"
            if always_has_rows(self.pieces):
                count = f"mass{k}.new_tensor(len(mass{k}))"
            self.half = self.operands.named(f"0.5 / {count}")

    def mass_sweep(self) -> Sweep:
        """The kernel that sums what p is proportional to."""
        tile = Tile(self.operands)
        mask = self.allowed(tile)
        if self.t.form == "softmax":
            logits = tile.printer(self.formula, name="p_score").text(self.formula.expr)
            value = f"tl.where({mask}, {logits.at(PRODUCT)} * LOG2E, -INFINITE)"
            doc = "The log of the sum of exp(logits of p) of every row."
        else:
            value = self.weight(tile, mask, False)
            if self.t.form == "proportional" and self.condition is None and signed(self.t.expr):
                tile.inner.append(f"p_weight = {value}")
                value = 'tl.where(p_weight < 0, float("nan"), p_weight)'
            doc = "The sum of what p is proportional to, of every row."
        output = Output("total", value, self.t.form == "softmax")
        return Sweep(f"_target_mass{self.pieces.k}", doc, tile, (output,))

    def entropy_sweep(self) -> Sweep:
        """The kernel that sums -p log p."""
        tile = Tile(self.operands)
        mask = self.allowed(tile)
        self.place(tile, mask)
        value = "_entropy(p_ij)"
        if self.t.form == "match":
            value = f"tl.where({mask}, _entropy(p_ij) + _entropy(1 - p_ij), 0.0)"
        output = Output("total", value)
        return Sweep(f"_target_entropy{self.pieces.k}", "The entropy of p in every row.", tile,
                     (output,))  # fmt: skip

    def call(self, sweep: Sweep, *more: str) -> str:
        """The call of the operator of a sweep that no gradient flows through."""
        sizes = self.pieces.program.sizes
        ends = [sizes[v.set.name] for v in (self.r.row, self.r.column)]
        return f"_fixed({sweep.name}, {', '.join([*given(sweep.tile), *ends, *more, 'dtype'])})"

    # ----------------------------------------------------------------- p of a tile

    def allowed(self, tile: Tile, back: bool = False) -> str:
        """The variable that holds which pairs of the tile take part."""
        name = "allowed_back" if back else "allowed"
        return allowed(tile, name, back)

    def weight(self, tile: Tile, mask: str, back: bool, share: str = "") -> str:
        """What p is proportional to, times `share`, 0 where a pair is not allowed."""
        if self.condition is not None:
            cond = tile.cond(self.condition, back)
            both = f"{mask} & {cond}" if cond else mask
            found = f"tl.where({both}, {share or '1.0'}, 0.0)"
            return found if share else f"{found}.to(ACC)"
        printer = tile.printer(self.formula, name="p_score", back=back)
        text = printer.text(self.formula.expr)
        value = f"{text.at(PRODUCT)} * {share}" if share else text.code
        return f"tl.where({mask}, {value}, 0.0)"

    def p_text(self, tile: Tile, mask: str, back: bool) -> str:
        """p(j|i) of a tile before it is symmetrised, or p(i|j)."""
        side: Side = "column" if back else "row"
        if self.t.form == "softmax":
            text = tile.printer(self.formula, name="p_score", back=back).text(self.formula.expr)
            own = tile.spread(self.share, side)
            return f"tl.where({mask}, tl.exp({text.code} - {own}), 0.0)"
        if self.t.form == "proportional":
            return self.weight(tile, mask, back, tile.spread(self.share, side))
        if self.checked:
            own = tile.spread(self.share, side)
            return self.weight(tile, f"{mask} & {own}", back)
        return self.weight(tile, mask, back)

    def place(self, tile: Tile, mask: str, back: bool = False) -> str:
        """Add the lines that compute p of a tile; with `back`, p(i|j) too. Its name for p(i|j)."""
        swapped = mask
        if (back or self.t.symmetrised) and self.r.allowed.kind == "mask":
            swapped = self.allowed(tile, back=True)
        here = self.p_text(tile, mask, False)
        if self.t.symmetrised:
            there = self.p_text(tile, swapped, True)
            half = tile.scalar(self.half)
            tile.inner += [f"p_ij = {here}", f"p_ji = {there}", f"p_ij = (p_ij + p_ji) * {half}"]
            return "p_ij"
        tile.inner.append(f"p_ij = {here}")
        if back:
            tile.inner.append(f"p_ji = {self.p_text(tile, swapped, True)}")
        return "p_ji"


def allowed(tile: Tile, name: str = "allowed", back: bool = False) -> str:
    """Add the line that says which pairs of a tile take part; its name."""
    r = tile.operands.pieces.reduction
    other = OTHER[tile.owner]
    inside = tile.across(f"({INDEX[other]} < {COUNT[other]})", other)
    cond = tile.cond(r.allowed.cond, back) if r.allowed.kind != "all" else ""
    line = f"{name} = {inside} & {cond}" if cond else f"{name} = {inside}"
    if line not in tile.inner:
        tile.inner.append(line)
    return name


def given(tile: Tile) -> list[str]:
    """The tensors and integers that the operator of a tile takes."""
    ints = [i for i in tile.integers if not i.endswith("_stride")]
    return [*tensors(tile), *ints]


def tensors(tile: Tile) -> list[str]:
    """The tensors that the operator of a tile takes: one at least, to tell the device."""
    found = [p for p in tile.pointers if p not in squares(tile).values()]
    return found or [tile.operands.pieces.anchor()]


def squares(tile: Tile) -> dict[str, str]:
    """The feature matrices whose squared lengths a tile reads, and what these are called."""
    return {m: f"{m}_squares" for m in tile.pointers if f"{m}_squares" in tile.pointers}
