"""Reduction -> the streaming form in torch: an autograd function that visits blocks of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from catalog.symbols import Expr
from codegen.block_target import BlockTarget, block_target
from codegen.divergence import passed, takes_log_p
from codegen.ir import Atom
from codegen.passes import linear, singular
from codegen.pieces import Pieces, positions, unique
from codegen.render import environment, paragraph
from codegen.text import PRODUCT

TYPES = {"team": "_Team", "ring": "_Ring"}  # of what is neither a tensor nor an integer


@dataclass
class Streaming:
    """Writes the streaming form of one reduction; `shared`, each of several ranks visits a part."""

    pieces: Pieces
    shared: bool = False
    team: ClassVar[str] = "team"  # the name of the ranks that share the blocks

    def __post_init__(self) -> None:
        self.r = self.pieces.reduction
        self.plan = self.r.plan
        self.k = self.pieces.k
        self.linear = self.plan.sums == "linear"
        blocks = self.plan.expected == "blocks"
        self.target = self.block_target() if blocks else None

    def block_target(self) -> BlockTarget:
        """The functions that compute p in blocks."""
        return block_target(self.pieces, self.shared)

    # ----------------------------------------------------------------- what the function takes

    @property
    def features(self) -> list[str]:
        """The feature matrices, the row's first."""
        return unique(n for _, left, right in self.pieces.feature_names() for n in (left, right))

    @property
    def arrays(self) -> list[str]:
        """The score arrays."""
        atoms = self.r.log_kernel.atoms
        return [self.pieces.array_name(a) for a in atoms if a.array is not None]

    @property
    def parameters(self) -> list[str]:
        """The parameters that the log-kernel reads."""
        if self.linear:
            return [self.bias] if self.bias else []
        return [str(p.symbol) for p in self.r.log_kernel.parameters if p.axis != "pair"]

    @property
    def bias(self) -> str:
        """The number per column that is added to a linear log-kernel."""
        parts = linear(self.r.log_kernel)
        return str(parts[1]) if parts and parts[1] != 0 else ""

    @property
    def moving(self) -> list[str]:
        """What has a gradient."""
        fixed = {str(p.symbol) for p in self.r.log_kernel.parameters if not p.moves}
        return [n for n in [*self.features, *self.arrays, *self.parameters] if n not in fixed]

    def data(self) -> list[str]:
        """The fixed tensors that a block reads."""
        nodes: list[Expr] = [p.expr for p in self.r.log_kernel.parameters if p.axis == "pair"]
        names, text = self.pieces.names_in(*nodes), "".join(self.pieces.scores())
        if self.r.allowed.kind == "mask":
            names += self.pieces.names_in(self.r.allowed.cond)
            text += self.pieces.allowed(block=True)
        names += positions(text)
        order = ["order"] if self.order else []
        return unique([*names, *(self.target.data if self.target else []), *order])

    @property
    def order(self) -> str:
        """What the calls of the summand of another divergence than KL end with."""
        return "" if self.r.divergence == "kl" else passed(self.pieces.program.method.icon)

    def tensors(self) -> list[str]:
        """Every tensor argument in order."""
        return unique([*self.features, *self.arrays, *self.parameters, *self.data()])

    # ----------------------------------------------------------------- the autograd function

    def function(self) -> str:
        """The source of the autograd function with the helpers of its p."""
        name = "linear" if self.linear else "rows"
        if self.r.normalise == "pair":
            name = "pair"
        elif self.r.divergence != "kl":
            name = "sweeps"
        text = environment().get_template(f"torch_{name}.jinja").render(**self.slots())
        return f"{self.target.functions}\n\n\n{text}" if self.target else text

    def applied(self) -> str:
        """The call of the autograd function, out of reach of the compiler: it loops in Python."""
        name = "_LogPartition" if self.r.divergence == "kl" else "_Divergence"
        name = "_PairLoss" if self.r.normalise == "pair" else name
        return f"_eager({name}{self.k}, {', '.join([*self.tensors(), *self.integers()])})"

    def class_sums(self, features: str) -> str:
        """The sum of the features of each class."""
        return f"torch.zeros_like({features}).index_add(0, member, {features})"

    def class_scores(self, right: str, itself: str) -> list[str]:
        """Lines for the mean score of every row with its class; `itself` takes the row out."""
        return [
            f"sums = {self.class_sums(right)}",
            f"others = sums[member]{itself}",
            "expected = (left * others).sum(1) / count.clamp(min=1)",
        ]

    # ----------------------------------------------------------------- where the blocks are

    def visits(self, *, back: bool) -> str:
        """The blocks of rows and columns that are visited, forward or `back`."""
        team = ", team" if self.shared else ""
        return f"{'_triangle' if self.triangle else '_blocks'}({self.sides()}{team})"

    @property
    def triangle(self) -> bool:
        """Whether only the blocks on and above the diagonal are visited."""
        return self.plan.symmetric

    def opened(self, *, back: bool) -> list[str]:
        """Lines before the first block: none, as all rows of every matrix are at hand."""
        return []

    def heights(self) -> tuple[str, str]:
        """The numbers of rows and of columns."""
        if self.features:
            left, right = self.pieces.feature_names()[0][1:]
            return f"len({left})", f"len({right})"
        return f"len({self.arrays[0]})", f"{self.arrays[0]}.shape[1]"

    def own(self, name: str) -> str:
        """The tensor of a matrix, once the blocks are visited."""
        return name

    def unscaled(self) -> list[str]:
        """Lines that make the log-kernel of `expected`: none, as it is linear in the features."""
        return []

    def slots(self) -> dict[str, object]:
        """What the template places."""
        tensors, batch = self.tensors(), self.integers()
        blocks, pair = self.target is not None, self.r.normalise == "pair"
        saved = list(tensors)
        upstreams = ["upstream: Tensor"]
        results = ["log_partition"]
        if self.r.divergence != "kl":
            saved += [] if pair else ["log_partition", "slopes"]
        elif not pair:
            saved.append("log_partition")
            if self.plan.columns:
                saved.append("column_log_partition")
                upstreams.append("column_upstream: Tensor")
                results.append("column_log_partition")
            elif blocks:
                upstreams.append("expected_upstream: Tensor")
                results.append("expected")
        first = (self.features or self.arrays)[0]
        scores = self.pieces.scores()
        ratio = self.plan.sums == "ratio"
        return {
            "k": self.k,
            "title": paragraph(self.title(), " " * 4, "").strip(),
            "forward_doc": self.forward_doc(),
            "signature": [
                *(f"{n}: Tensor" for n in tensors),
                *(f"{n}: {TYPES.get(n, 'int')}" for n in batch),
            ],
            "returns": "Tensor" if len(results) == 1 else "tuple[Tensor, Tensor]",
            "first": first,
            "count": self.heights()[0],
            "width": self.heights()[1],
            "visits": self.visits(back=False),
            "visits_back": self.visits(back=True),
            "opened": "\n".join(self.opened(back=False)),
            "opened_back": "\n".join(self.opened(back=True)),
            "ring": self.team == "ring",
            "order": self.order,
            "p": "log_p" if takes_log_p(self.r) else "p_ij",
            "shared": self.shared,
            "joint": self.r.normalise == "joint",
            "kl": self.r.divergence == "kl",
            "symmetric": self.plan.symmetric,
            "columns": self.plan.columns,
            "blocks": blocks,
            "bias": self.bias if self.linear else "",
            "ratio": ratio,
            "score": "\n".join(self.cloned(scores)),
            "kernel": self.pieces.formula(self.r.log_kernel.kernel),
            "log_kernel": self.pieces.formula(self.r.log_kernel.expr),
            "target": self.target.call if self.target else "",
            "target_back": self.target.back if self.target and self.plan.symmetric else "",
            "p_ji": "p_ij" if self.r.target.symmetrised else "p_ji",
            "mask": self.mask("score" if self.linear else "kernel" if ratio else "log_kernel"),
            "mask_weight": self.mask("weight", "0.0"),
            "saved": saved,
            "kept": [self.own(n) for n in saved],
            "results": results,
            "upstreams": upstreams,
            "batch": batch,
            "moving": self.moving,
            "pull": "" if self.linear else "\n".join(self.pull(tensors)),
            "gradients": self.gradients(tensors, batch),
        }

    def integers(self) -> list[str]:
        """The batch indices and sizes that a block reads, and the ranks that share the blocks."""
        text = " ".join(self.pieces.scores())
        if self.r.allowed.kind == "mask":
            text += " " + self.pieces.allowed(block=True)
        own = self.pieces.integers_in(text)
        team = [self.team] if self.shared else []
        return unique([*own, *(self.target.integers if self.target else []), *team])

    def sides(self) -> str:
        """The numbers of rows and columns, as arguments of the block generators."""
        if self.features:
            left, right = self.pieces.feature_names()[0][1:]
            return f"len({left})" if self.plan.symmetric else f"len({left}), len({right})"
        return f"*{self.arrays[0]}.shape"

    def title(self) -> str:
        """The first sentence of the class."""
        if self.r.divergence != "kl":
            return "The sum over j of the divergence of p from q, for every row i."
        inner = {"all": "j", "others": "j != i", "mask": "allowed j"}[self.r.allowed.kind]
        other = "left" if self.plan.symmetric else "right"
        what = f"The log of sum_({inner}) exp(left[i] . {other}[j])"
        if not self.linear:
            what = f"The log of sum_({inner}) k(i, j)"
        sides = "every row i and every column j" if self.plan.columns else "every row i"
        return f"{what}, for {sides}."

    def forward_doc(self) -> str:
        """What forward returns."""
        if self.plan.columns:
            return "The log-partitions of the rows and of the columns."
        if self.target:
            return "The log-partition of every row, and the log-kernel expected under p."
        return "The log-partition of every row."

    def cloned(self, scores: list[str]) -> list[str]:
        """Score lines; a view of an input that will be masked in place is copied first."""
        if self.r.allowed.kind == "all" or not self.arrays:
            return scores
        ends = tuple(f"{a}[rows, columns]" for a in self.arrays)
        return [f"{line}.clone()" if line.endswith(ends) else line for line in scores]

    def mask(self, name: str, value: str = "") -> str:
        """Lines that take the pairs that are not allowed out of a block."""
        value = value or ("0.0" if name == "kernel" else "-math.inf")
        if self.r.allowed.kind == "all":
            return ""
        if self.r.allowed.kind == "others":
            return f"if rows == columns:\n    {name}.fill_diagonal_({value})"
        allowed = self.pieces.allowed(block=True)
        return f"{name}.masked_fill_(~({allowed}), {value})"

    def gradients(self, tensors: list[str], batch: list[str]) -> list[str]:
        """What backward returns, None for what is fixed."""
        found = [self.own(f"grad_{n}") if n in self.moving else "None" for n in tensors]
        return found + ["None"] * len(batch)

    def pull(self, tensors: list[str]) -> list[str]:
        """Lines that take d loss / d log-kernel of a block to the inputs."""
        k, out = self.r.log_kernel, list[str]()
        slope_of = k.growth if self.plan.sums == "ratio" else k.slope
        for atom in k.atoms:
            derivative = slope_of(atom.symbol)
            factor = self.pieces.formula(derivative, PRODUCT)
            name = "weight" if factor == "1" else "slope"
            if factor != "1":
                out.append(f"slope = weight * {factor}")
            if singular(derivative, k.atoms):
                # coinciding points pull nowhere
                tiny = f"torch.finfo({atom.symbol}.dtype).tiny"
                out.append(f"slope = torch.where({atom.symbol} > {tiny}, slope, 0.0)")
            out += self.pull_atom(atom, name, tensors)
        for p in k.parameters:
            if p.axis == "pair" or not p.moves:
                continue
            text = self.pieces.formula(slope_of(p.symbol), PRODUCT)
            total = {"scalar": ".sum()", "row": ".sum(1)", "column": ".sum(0)"}[p.axis]
            cut = {"scalar": "", "row": "[rows]", "column": "[columns]"}[p.axis]
            body = f"(weight * {text}){total}" if text != "1" else f"weight{total}"
            for atom in k.tells(p):
                body = f"_seen(weight * {text}, {atom.symbol}){total}"
            if self.plan.symmetric:
                # a block on the diagonal holds every pair twice
                body += " * (0.5 if rows == columns else 1.0)"
            out.append(f"if ctx.needs_input_grad[{tensors.index(str(p.symbol))}]:")
            out.append(f"    grad_{p.symbol}{cut} += {body}")
        return out

    def added(self, to: str, what: str) -> str:
        """The line that adds to a part of a gradient."""
        return f"{to} += {what}"

    def pull_atom(self, atom: Atom, slope: str, tensors: list[str]) -> list[str]:
        """Lines that take d loss / d score of a block to the features or the array."""
        if atom.array is not None:
            name = self.pieces.array_name(atom)
            return [f"grad_{name}[rows, columns] += {slope}"]
        left, right = next(n[1:] for n in self.pieces.feature_names() if n[0] == atom)
        if atom.kind == "dot":
            here = self.added(f"grad_{left}[rows]", f"{slope} @ {right}[columns]")
            there = self.added(f"grad_{right}[columns]", f"{slope}.T @ {left}[rows]")
        else:
            near, far = f"{left}[rows]", f"{right}[columns]"
            here = self.added(f"grad_{near}", f"_pull({slope}, {near}, {far})")
            there = self.added(f"grad_{far}", f"_pull({slope}.T, {far}, {near})")
        test = (
            "if rows != columns:"
            if self.plan.symmetric
            else f"if ctx.needs_input_grad[{tensors.index(right)}]:"
        )
        return [here, test, f"    {there}"]
