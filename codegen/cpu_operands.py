"""What compiled loops read: matrices over the pairs, and numbers of a row, a column or all pairs.

The loops are given what torch makes of a block where p, a mask or data of the pair are more than
an array; then a call is for one block. Elsewhere one call visits all tiles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from catalog.symbols import Sym
from codegen.block_target import stated
from codegen.ir import Atom
from codegen.passes import linear
from codegen.streaming import Streaming

XLOGY = "-torch.xlogy(p_ij, p_ij).sum(1)"
VIEW = re.compile(r"\w+\[rows, columns\]|\w+\[columns, rows\]\.T")


@dataclass(frozen=True)
class Vector:
    """A number for all pairs, each row or each column: its name, side, and tensor."""

    name: str
    axis: str
    tensor: str


@dataclass
class CompiledOperands(Streaming):
    """Writes what the loops of one reduction read."""

    blocks: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        r = self.r
        self.kl, self.pair = r.divergence == "kl", r.normalise == "pair"
        self.form = "pair" if self.pair else self.plan.sums if self.kl else "sweeps"
        self.ratio = self.form == "ratio"
        self.both = (self.plan.symmetric or self.plan.columns) and self.kl and not self.pair
        self.kernel = r.log_kernel
        self.expr = self.kernel.expr
        if self.linear and (parts := linear(self.kernel)) is not None:
            self.expr = self.kernel.atoms[0].symbol + parts[1]  # the factor is in the features
        self.blocks = self.made_blocks()
        if self.target is not None:
            self.target = replace(self.target, functions=self.with_entropy())

    # ----------------------------------------------------------------- what torch makes of a block

    def made_blocks(self) -> list[tuple[str, str]]:
        """The matrices that the loops read, as (name, torch text of a block)."""
        found = []
        for atom in self.kernel.atoms:
            if atom.array is not None:
                found.append((str(atom.symbol), f"{self.pieces.array_name(atom)}[rows, columns]"))
        printer = self.pieces.printer(self.r.row, self.r.column, block=True)
        for p in self.kernel.parameters:
            if p.axis == "pair":
                text = printer.lift(printer.expr(p.expr), (self.r.row, self.r.column))
                found.append((str(p.symbol), text.code))
        if self.r.allowed.kind == "mask":
            found.append(("allowed", self.pieces.allowed(block=True)))
        if self.target is not None:
            found.append(("p_ij", self.given or self.target.call))
            if self.both and self.plan.symmetric and not self.r.target.symmetrised:
                back = f"{self.given_name}[columns, rows].T" if self.given else self.target.back
                found.append(("p_ji", back))
        return found

    @property
    def given_name(self) -> str:
        """The array that is p itself, "" where p is made from something else."""
        t = self.r.target
        e = t.expr
        if self.target is None or t.form != "given" or t.symmetrised or stated(self.pieces):
            return ""
        plain = isinstance(e, Sym) and e.args == (self.r.row, self.r.column)
        return self.pieces.program.names[e.name] if plain and isinstance(e, Sym) else ""

    @property
    def given(self) -> str:
        """A block of the array that is p itself."""
        return f"{self.given_name}[rows, columns]" if self.given_name else ""

    @property
    def whole(self) -> bool:
        """Whether every matrix is at hand for all pairs, so that one call visits all tiles."""
        return all(VIEW.fullmatch(text) for _, text in self.blocks)

    def with_entropy(self) -> str:
        """The torch functions of p, with its entropy in a compiled loop where there is one."""
        assert self.target is not None
        text = self.target.functions.replace(XLOGY, "_row_entropy(p_ij)")
        plain = self.r.allowed.kind in ("all", "others") and not self.pair
        if not (self.given_name and plain):
            return text
        head = '"""The entropy of p in every row, a few rows at a time."""'
        own = "0" if self.r.allowed.kind == "others" else "-1"
        return text.replace(
            head,
            f"{head}\n    if _compiled({self.given_name}):\n"
            f"        return _row_entropy({self.given_name}, {own})",
        )

    # ----------------------------------------------------------------- what one pair reads

    @property
    def parameters_read(self) -> list[Vector]:
        """The parameters of the log-kernel that are no data of the pair."""
        axes = {str(p.symbol): p.axis for p in self.kernel.parameters}
        return [Vector(n, axes[n], n) for n in self.parameters]

    def upstream(self) -> list[Vector]:
        """What the gradient reads besides the parameters."""
        back = "column_" if self.plan.columns else ""
        sides = [("", "row", "")]
        if self.both:
            sides.append(("column_", "column", back))
        names = {
            "pair": ["upstream"],
            "ratio": ["share"],
            "sweeps": ["upstream", "log_partition", "slopes"],
            "online": ["upstream", "log_partition"],
            "linear": ["upstream", "log_partition", "share"],
        }[self.form]
        out = [Vector(f"{mine}{n}", axis, f"{end}{n}") for mine, axis, end in sides for n in names]
        if self.kl and not self.pair and self.target is not None:
            out += [
                Vector(f"{mine}expected_upstream", axis, "expected_upstream")
                for mine, axis, _ in sides
            ]
        return out + self.orders()

    def orders(self) -> list[Vector]:
        """The order of the divergence, where it is computed."""
        return [Vector("order", "scalar", "order")] if self.order else []

    def vectors(self, loops: str) -> list[Vector]:
        """What the loops read of a row, a column or all pairs, in order."""
        found = list(self.parameters_read)
        if loops == "pull":
            return found + self.upstream()
        if loops == "compare":
            return [*found, Vector("log_partition", "row", "log_partition"), *self.orders()]
        return found + (self.orders() if self.pair else [])

    def numbers(self, vectors: list[Vector]) -> list[str]:
        """Lines for what is the same for all pairs."""
        return [
            f"const T at_{v.name} = *data<T>(vectors[{n}]);"
            for n, v in enumerate(vectors)
            if v.axis == "scalar"
        ]

    def row(self, vectors: list[Vector]) -> list[str]:
        """Lines for what the loop over the columns reads."""
        out = []
        for n, atom in enumerate(self.featured):
            out.append(f"T* all_{atom.symbol} = tile.score({n}) + r * columns;")
        for name, _ in self.blocks:
            out.append(f"const T* all_{name} = rows_{name}.row(r, columns);")
        for n, v in enumerate(vectors):
            if v.axis == "row":
                out.append(f"const T at_{v.name} = data<T>(vectors[{n}])[i];")
            elif v.axis == "column":
                out.append(f"const T* all_{v.name} = data<T>(vectors[{n}]) + tile.j;")
        if self.r.allowed.kind == "others":
            out.append("const int32_t self = i - tile.j;")
        return out

    def pair_lines(self, vectors: list[Vector], *, hidden: bool = False) -> list[str]:
        """Lines for the scores, parameters and p of one pair."""
        out = [f"const T at_{v.name} = all_{v.name}[c];" for v in vectors if v.axis == "column"]
        blocks = dict(self.blocks)
        for atom in self.kernel.atoms:
            name = str(atom.symbol)
            above = atom.kind != "array" and (
                self.pieces.above_zero(atom) if atom.kind == "dot" else self.pieces.apart(atom)
            )
            value = f"all_{name}[c]"
            if above:
                value = f"at_least_tiny({value})"
            if above and self.pieces.ends_at_one(atom):
                value = f"below_one({value})"
            out.append(f"const T {name} = {value};")
        for p in self.kernel.parameters:
            if p.axis == "pair":
                out.append(f"const T at_{p.symbol} = all_{p.symbol}[c];")
        test = {"all": "true", "others": "c != self", "mask": "all_allowed[c] != T(0)"}
        if not hidden:
            out.append(f"const bool allowed = {test[self.r.allowed.kind]};")
        for name in ("p_ij", "p_ji"):
            if name in blocks:
                masked = self.given and self.r.allowed.kind != "all"
                if masked and hidden:
                    out.append(f"const T {name} = c != self ? all_{name}[c] : T(0);")
                else:
                    value = f"allowed ? all_{name}[c] : T(0)" if masked else f"all_{name}[c]"
                    out.append(f"const T {name} = {value};")
        return out

    @property
    def featured(self) -> list[Atom]:
        """The scores that are made from features; each has a buffer."""
        return [a for a in self.kernel.atoms if a.array is None]

    def ends(self, atom: Atom) -> tuple[int, int]:
        """Where the two feature matrices of an atom stand among the features."""
        left, right = next(n[1:] for n in self.pieces.feature_names() if n[0] == atom)
        return self.features.index(left), self.features.index(right)

    def fills(self) -> list[str]:
        """Lines that compute the scores of a tile."""
        out = []
        for n, atom in enumerate(self.featured):
            left, right = self.ends(atom)
            how = "products" if atom.kind == "dot" else "distances"
            out.append(f"{how}<T>(tile, {n}, features[{left}], features[{right}]);")
        return out
