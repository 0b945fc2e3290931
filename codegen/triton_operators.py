"""The kernels of a reduction as operators of torch: launched, differentiated, compiled."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codegen import triton_columns
from codegen.pieces import unique
from codegen.render import environment
from codegen.triton_stream import KernelStream, Pull
from codegen.triton_target import Sweep, given, squares, tensors
from codegen.triton_tile import Tile

PASSED = {
    f"{side}{name}"
    for side in ("", "column_")
    for name in ("log_partition", "upstream", "expected_upstream", "root")
}
"""What the backward operator is given besides the inputs of the forward one."""


@dataclass(frozen=True)
class Operator:
    """What a template places of an operator: `ready` and `made` are lines of its body."""

    signature: str
    returns: str
    first: str
    ready: list[str]
    made: list[str]
    results: str
    columns: bool = False


@dataclass
class KernelOperators(KernelStream):
    """Writes the kernels of one reduction and the operators that launch them."""

    def function(self) -> str:
        """The source of the kernels and operators."""
        names = ("triton_kernels.jinja", "triton_operators.jinja")
        parts = [
            environment().get_template(n).render(s=self, down=triton_columns).strip() for n in names
        ]
        return "\n\n\n".join(parts)

    def applied(self) -> str:
        """The call of the operator of the loss."""
        sizes = self.pieces.program.sizes
        ends = [sizes[v.set.name] for v in (self.r.row, self.r.column)]
        call = [*self.tensors(), *self.integers(), *ends]
        if self.scale is not None:
            factor, bias = self.scale
            left, right = self.formula.atoms[0][1:]
            extra = f", {bias}" if bias != 0 else ""
            call.append(f"_bounded({left}, {right}, {self.pieces.formula(factor)}{extra})")
        several = "" if self.kl or self.pair else "[0]"
        return f"{self.sums.name}({', '.join([*call, 'product', 'dtype'])}){several}"

    def sweeps(self) -> list[Sweep]:
        """The sweeps over p, then that of the loss."""
        before = [self.first] if self.first else []
        return [*(self.tiles.sweeps if self.tiles else []), *before, self.sums]

    # ----------------------------------------------------------------- tensors

    def own_tiles(self) -> list[Tile]:
        """The tiles of the loss and of its gradient."""
        return [self.sums.tile, *(p.tile for p in self.pulls)]

    def tensors(self) -> list[str]:
        """Every tensor that the operator of the loss takes, those with a gradient first."""
        given_back = PASSED if self.kl else {"upstream", "slopes"}
        every = [n for t in self.own_tiles() for n in tensors(t) if n not in given_back]
        return unique([*(n for n in self.moving if n in every), *every])

    def integers(self) -> list[str]:
        """The loop variables that a tile reads."""
        every = [i for t in self.own_tiles() for i in t.integers if not i.endswith("_stride")]
        return unique(every)

    def learned(self) -> list[str]:
        """The tensors with a gradient."""
        return [n for n in self.tensors() if n in self.moving]

    # ----------------------------------------------------------------- kernels

    def key(self, tile: Tile) -> str:
        """What the choice of a tile depends on."""
        names = ["SIZE", *tile.widths.values()]
        return ", ".join(f'"{n}"' for n in names)

    def results_of(self, kernel: Sweep | Pull) -> list[str]:
        """The tensors that a kernel writes."""
        if isinstance(kernel, Pull):
            return list(kernel.results)
        down = triton_columns.SUMS if self.down(kernel) else ()
        return [*(o.name for o in kernel.outputs), *down]

    def down(self, sweep: Sweep) -> bool:
        """Whether a sweep sums over the rows of every column too."""
        return sweep is self.sums and self.plan.columns

    def kernel_parameters(self, kernel: Sweep | Pull) -> str:
        """The parameters of a kernel."""
        tile = kernel.tile
        constants = [*tile.widths.values(), "SIZE"]
        if isinstance(kernel, Pull):
            constants += [f"WANT_{w}" for w in kernel.wants]
        if self.has_bound(kernel):
            constants.append("BOUNDED")
        if self.near and isinstance(kernel, Pull):
            constants.append("NEAR")
        constants += ["ACC", "ROWS", "COLUMNS"]
        names = [f"{p}_ptr" for p in [*tile.pointers, *self.results_of(kernel)]]
        names += ["row_count", "column_count", *tile.integers]
        return ", ".join([*names, *(f"{c}: tl.constexpr" for c in constants)])

    def arguments(self, kernel: Sweep | Pull) -> str:
        """What a kernel is launched with."""
        tile = kernel.tile
        out = [*tile.pointers, *self.results_of(kernel), "row_count", "column_count"]
        ends = "_stride"
        out += [f"{i.removesuffix(ends)}.stride(0)" if i.endswith(ends) else i
                for i in tile.integers]  # fmt: skip
        out += [f"{d}={m}.shape[1]" for m, d in tile.widths.items()]
        out.append("SIZE=_size(row_count, column_count)")
        if isinstance(kernel, Pull):
            out += [f"WANT_{w}={self.asked_of(w)}" for w in kernel.wants]
        if self.has_bound(kernel):
            out.append("BOUNDED=bounded")
        if self.near and isinstance(kernel, Pull):
            out.append("NEAR=near")
        return ", ".join([*out, "ACC=_accumulator(dtype)"])

    def has_bound(self, kernel: Sweep | Pull) -> bool:
        """Whether a kernel is told that no maximum is needed."""
        return self.scale is not None and (isinstance(kernel, Pull) or kernel.bounded)

    def exchanged(self, text: str) -> str:
        """The text of a launch with rows and columns exchanged."""
        left, right = self.features
        swaps = {left: right, f"grad_{left}": f"grad_{right}", "row_count": "column_count"}
        swaps |= {n: f"column_{n}" for n in ("log_partition", "upstream", "root")}
        swaps |= {b: a for a, b in swaps.items()}
        text = re.sub(r"\b\w+\b", lambda m: swaps.get(m[0], m[0]), text)
        return re.sub(r"(WANT_\w+)=wanted\[\d+\]", r"\1=False", text)

    def grid(self, pull: Pull) -> str:
        """The programs of a gradient kernel."""
        features = ", ".join(unique(atom[1] for atom in self.formula.atoms))
        return f'_programs({pull.count}, "{pull.block}", _slices({features}))'

    def asked(self, pull: Pull) -> str:
        """Whether anybody asks for what a kernel gives."""
        names = [r.removeprefix("grad_") for r in pull.results]
        if self.plan.columns:
            names = [n for n in names if n != self.features[1]]
        return " or ".join(map(self.asked_of, names))

    def asked_of(self, name: str) -> str:
        """Whether anybody asks for a gradient."""
        return f"wanted[{self.learned().index(name)}]"

    # ----------------------------------------------------------------- operators

    def operator(self, sweep: Sweep) -> Operator:
        """The operator of a sweep."""
        main, tile = sweep is self.sums, sweep.tile
        names = self.tensors() if main else tensors(tile)
        ints = self.integers() if main else [i for i in given(tile) if i not in names]
        signature = [*(f"{n}: Tensor" for n in names), *(f"{i}: int" for i in ints)]
        signature += ["row_count: int", "column_count: int"]
        signature += [*(["bounded: bool"] if self.has_bound(sweep) else [])]
        learned = main or sweep is self.first
        signature += [*(["product: torch.dtype"] if learned else []), "dtype: torch.dtype"]
        results = [o.name for o in sweep.outputs]
        columns = main and self.plan.columns
        results = [*results, *(["column_log_partition"] if columns else [])]
        made = [
            f"{r} = {names[0]}.new_empty({'column' if r.startswith('column') else 'row'}_count, "
            "dtype=dtype)"
            for r in results
        ]
        kinds = ", ".join(["Tensor"] * len(results))
        returns = kinds if len(results) == 1 else f"tuple[{kinds}]"
        return Operator(
            ", ".join(signature), returns, names[0],
            self.ready(names, [tile], learned), made, ", ".join(results), columns,
        )  # fmt: skip

    def gradients_operator(self) -> Operator:
        """The operator of the gradients."""
        names, learned = self.tensors(), self.learned()
        signature = [f"{n}: Tensor" for n in [*names, *self.saved_outputs(), *self.upstreams()]]
        signature += ["wanted: list[bool]", *(f"{i}: int" for i in self.integers())]
        signature += ["row_count: int", "column_count: int"]
        signature += [*(["bounded: bool"] if self.scale is not None else [])]
        signature += ["product: torch.dtype", "dtype: torch.dtype"]
        shapes = {f"grad_{n}": f"{n}.shape" for n in self.features}
        for pull in self.pulls:
            shapes |= pull.results
        made = [f"{n} = {names[0]}.new_empty({s}, dtype=dtype)" for n, s in shapes.items()]
        totals = {str(p.symbol) for p in self.r.log_kernel.parameters if p.axis == "scalar"}
        half = "0.5 * " if self.plan.symmetric else ""  # every pair came twice
        found = [f"{half}grad_{n}.sum()" if n in totals else f"grad_{n}" for n in learned]
        ready = self.ready(names, [p.tile for p in self.pulls], True)
        return Operator(", ".join(signature), "", names[0], ready, made, ", ".join(found))

    def ready(self, names: list[str], tiles: list[Tile], main: bool) -> list[str]:
        """Lines that bring tensors into the form that kernels read."""
        cast = self.features if main else []
        lines = [f"{n} = {n}{'.to(product)' if n in cast else ''}.contiguous()" for n in names]
        found = {m: s for t in tiles for m, s in squares(t).items()}
        return lines + [f"{s} = {m}.to(dtype).square().sum(1)" for m, s in found.items()]

    def saved_outputs(self) -> list[str]:
        """The results that the gradient needs."""
        if self.pair:
            return []
        if not self.kl:
            return ["slopes"]
        return ["log_partition", *(["column_log_partition"] if self.plan.columns else [])]

    def unpacked_outputs(self) -> str:
        """The results of the forward operator, those that are not needed as an underscore."""
        names = self.operator(self.sums).results.split(", ")
        return ", ".join(n if n in self.saved_outputs() else "_" for n in names)

    def upstreams(self) -> list[str]:
        """The gradients that come from above, one for each result."""
        known = {"expected": "expected_upstream", "column_log_partition": "column_upstream"}
        names = self.operator(self.sums).results.split(", ")
        return [known.get(n, "upstream") for n in names if n != "slopes"]

    def above(self) -> str:
        """The parameters of the backward function for what comes from above."""
        unused = [] if self.kl or self.pair else ["_: Tensor"]
        return ", ".join([*(f"{u}: Tensor" for u in self.upstreams()), *unused])

    def upstream_lines(self) -> list[str]:
        """Lines that bring log-partitions and upstream gradients into the form of the kernels."""
        out = []
        sides = ("", "column_") if self.plan.columns else ("",)
        ends = [(f"{s}log_partition", f"{s}upstream", f"{s}root") for s in sides]
        for top, up, _ in ends if self.kl and not self.pair else []:
            out.append(f"{top}, {up} = _reached({top}, {up})")
            if self.ratio:
                out.append(f"{up} = {up} * torch.exp(-{top})")
            else:
                out.append(f"{top} = {top} / math.log(2)")
        if self.near:
            tops, roots = ([e[k] for e in ends] for k in (0, 2))
            ask = "not bounded" if self.scale is not None else "True"
            out.append(f"near, {', '.join(roots)} = _roots({ask}, {', '.join(tops)})")
        if self.scale is not None:
            out.append("if bounded:")
            out += [f"    {up} = {up} * torch.exp2(-{top})" for top, up, _ in ends]
        if self.near:
            out.append("elif near:" if self.scale is not None else "if near:")
            out += [f"    {up} = {up} / {root}" for _, up, root in ends]
        if not self.kl and self.r.normalise == "joint":
            out.append("slopes = slopes.sum().expand(row_count).contiguous()")
        return [*out, *(f"{u} = {u}.contiguous()" for u in self.upstreams())]

    def wanted(self) -> list[str]:
        """Which inputs of the forward operator have a gradient that is asked for."""
        return [f"ctx.needs_input_grad[{self.tensors().index(n)}]" for n in self.learned()]

    def fixed_inputs(self) -> int:
        """How many inputs of the forward operator have no gradient."""
        rest = 2 + len(self.integers()) + (self.scale is not None) + 2
        return len(self.tensors()) - len(self.learned()) + rest


