"""Reduction -> its compiled form: C++ loops over tiles, and the autograd function that calls them.

The loops are given what torch makes of a block where p, a mask or data of the pair are more than
an array; then a call is for one block. Elsewhere one call visits all tiles.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import sympy

from catalog.spec import Icon
from catalog.symbols import Sym
from codegen.block_target import stated
from codegen.cpu_printer import CPP, CppPrinter, inverses
from codegen.divergence import LOG_P, LOG_Q, ORDER, P, Q, summand, words
from codegen.ir import Atom
from codegen.passes import linear, singular
from codegen.render import environment
from codegen.streaming import Streaming
from codegen.sympy_printer import stable
from codegen.text import ATOM, PRODUCT

XLOGY = "-torch.xlogy(p_ij, p_ij).sum(1)"
VIEW = re.compile(r"\w+\[rows, columns\]|\w+\[columns, rows\]\.T")


@dataclass(frozen=True)
class Vector:
    """A number for all pairs, each row or each column: its name, side, and tensor."""

    name: str
    axis: str
    tensor: str


@dataclass
class CompiledStream(Streaming):
    """Writes the compiled form of one reduction, beside the torch form of `Streaming`."""

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
            out.append(f"const T* all_{name} = rows_{name}[r];")
            if name == "p_ij":
                out.append(f"ahead(rows_{name}[r + 1], columns);")
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
                value = f"at_least_tiny(all_{name}[c])"
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

    # ----------------------------------------------------------------- formulas

    def printer(self, extra: tuple[sympy.Symbol, ...] = ()) -> CppPrinter:
        """A printer of expressions of one pair."""
        names = {a.symbol: str(a.symbol) for a in self.kernel.atoms}
        names |= {p.symbol: f"at_{p.symbol}" for p in self.kernel.parameters}
        return CppPrinter(CPP, {**names, **{s: str(s) for s in extra}})

    def written(
        self, *expressions: sympy.Expr, level: int = PRODUCT
    ) -> tuple[list[str], list[str]]:
        """Lines for what the expressions divide by, and their texts."""
        below, swapped = inverses([stable(e) for e in expressions])
        printer = self.printer(tuple(below))
        lines = [f"const T {s} = 1 / {self.printer().text(e).at(ATOM)};" for s, e in below.items()]
        return lines, [printer.text(e).at(level) for e in swapped]

    def weight(self) -> list[str]:
        """Lines for d loss / d log_kernel of one pair; for ratios, for what they are pulled by."""
        p_ji = "p_ij" if self.r.target.symmetrised else "p_ji"
        terms = []
        if self.kl and not self.pair and self.target is not None:
            terms = ["p_ij * at_expected_upstream"]
            if self.both:
                terms.append(f"{p_ji} * at_column_expected_upstream")
        if self.ratio:
            shares = "at_share + at_column_share" if self.both else "at_share"
            out = [f"const T share = allowed ? {shares} : T(0);"]
            if terms:
                pulls = [f"({t.split(' * ')[0]} > T(0) ? {t} : T(0))" for t in terms]
                out += summed("const T pulled", pulls)
            return out
        text = self.printer()(self.expr)
        if self.pair:
            out = [f"const T log_kernel = {text};"]
            if self.kl:
                body = "(sigmoid(log_kernel) - p_ij) * at_upstream"
            else:
                log_q, log_null = "-softplus(-log_kernel)", "-softplus(log_kernel)"
                out += [
                    f"const T here = summand_slope(p_ij, {log_q}{self.order_text});",
                    f"const T other = summand_slope(T(1) - p_ij, {log_null}{self.order_text});",
                ]
                body = "(here * sigmoid(-log_kernel) - other * sigmoid(log_kernel)) * at_upstream"
            return [*out, f"const T weight = allowed ? {body} : T(0);"]
        plain = self.hides or self.r.allowed.kind == "all"
        out = [f"const T log_kernel = {text if plain else f'allowed ? {text} : -INFINITE<T>'};"]
        if self.form == "sweeps":
            return [
                *out,
                "const T log_q = log_kernel - at_log_partition;",
                f"const T found = summand_slope(p_ij, log_q{self.order_text}) - "
                "exponential(log_q) * at_slopes;",
                "const T weight = allowed ? found * at_upstream : T(0);",
            ]
        parts = ["decay(log_kernel - at_log_partition) * at_upstream"]
        if self.both:
            parts.append("decay(log_kernel - at_column_log_partition) * at_column_upstream")
        return [*out, *summed("const T weight", [*parts, *terms])]

    def bounded_weight(self) -> list[str]:
        """The same where exponentials need no shift: one serves both sides."""
        shares = "(at_share + at_column_share)" if self.both else "at_share"
        parts = [f"exponential(log_kernel) * {shares}"]
        line = self.weight()
        terms = [t for t in line[1:] if "p_ij *" in t or "p_ji *" in t]
        terms = [t.strip().removeprefix("+ ").removesuffix(";") for t in terms]
        return [line[0], *summed("const T weight", [*parts, *terms])]

    @property
    def order_text(self) -> str:
        """What the calls of the summand of another divergence than KL end with."""
        return ", at_order" if self.order else ""

    @property
    def hides(self) -> bool:
        """Whether the self pair is taken out by a score of minus infinity."""
        return self.linear and self.r.allowed.kind == "others"

    # ----------------------------------------------------------------- gradients

    def moved(self) -> list[str]:
        """What has a gradient, in the order of the sums of `pull`."""
        return self.moving

    def slopes(self) -> dict[str, list[str]]:
        """The lines of `pull`: what it writes to, the slopes of one pair, and what becomes of them.

        Every gradient of features has a part for each worker, that of an array of scores has none.
        """
        k, at = self.kernel, {n: s for s, n in enumerate(self.moved())}
        out: dict[str, list[str]] = {n: [] for n in ("gradients", "outputs", "slopes", "closing",
                                                     "finish", "reduced")}  # fmt: skip
        symbols = [a.symbol for a in k.atoms]
        symbols += [p.symbol for p in k.parameters if p.axis != "pair" and p.moves]
        if self.linear:
            symbols = symbols[: len(k.atoms)] + [s for s in symbols if str(s) == self.bias]
        found = [sympy.diff(self.expr, s) if self.linear else k.slope(s) for s in symbols]
        growth = [k.growth(s) for s in symbols] if self.ratio else []
        pulled = self.ratio and self.target is not None
        lines, texts = self.written(*growth, *(found if pulled or not self.ratio else []))
        n = len(symbols)
        out["shared_slopes"] = lines
        factors = {s: times("weight", texts[m]) for m, s in enumerate(symbols)}
        if self.ratio:
            factors = {s: times("share", texts[m]) for m, s in enumerate(symbols)}
            if pulled:
                factors = {s: f"{factors[s]} + {times('pulled', texts[n + m])}"
                           for m, s in enumerate(symbols)}  # fmt: skip
        masked = self.r.allowed.kind != "all" and not self.linear
        buffer = 0
        for atom in k.atoms:
            name, derivatives = str(atom.symbol), [k.slope(atom.symbol)]
            if self.ratio:
                derivatives = [k.growth(atom.symbol), *(derivatives if pulled else [])]
            value = factors[atom.symbol]
            if any(singular(d, k.atoms) for d in derivatives):
                value = f"{name} > TINY<T> ? {value} : T(0)"  # coinciding points pull nowhere
            elif masked:
                value = f"allowed ? {value} : T(0)"
            if masked and "TINY" in value:
                value = f"allowed && {value}"
            if atom.array is not None:
                array = at.get(self.pieces.array_name(atom))
                if array is None:
                    continue
                out["outputs"].append(
                    f"T* slope_{name} = data<T>(sums[{array}]) + (i - place.top) * "
                    f"sums[{array}].stride(0) + tile.j - place.left;"
                )
                out["slopes"].append(f"slope_{name}[c] = {value};")
                continue
            out["slopes"].append(f"const T slope_{name} = {value};")
            left, right = self.ends(atom)
            how = "products" if atom.kind == "dot" else "distances"
            back = "!tile.diagonal" if self.plan.symmetric else "true"
            sides = [f"sums[{at[self.features[e]]}]" for e in (left, right)]
            out["finish"].append(
                f"pull_{how}<T>(tile, {buffer}, worker, features[{left}], features[{right}], "
                f"{sides[0]}, {sides[1]}, {back});"
            )
            buffer += 1
        # every slope is known before the scores that it was made from are overwritten
        out["slopes"] += [f"all_{a.symbol}[c] = slope_{a.symbol};" for a in self.featured]
        column = 0
        for p in k.parameters:
            name = str(p.symbol)
            if p.axis == "pair" or name not in at or p.symbol not in factors:
                continue
            n_sum, value = at[name], factors[p.symbol]
            value = f"allowed ? {value} : T(0)" if masked else value
            out["gradients"].append(f"T* grad_{name} = part<T>(sums[{n_sum}], worker);")
            if p.axis == "column":
                out["gradients"].append(f"T* of_{name} = tile.zeros({column});")
                out["slopes"].append(f"of_{name}[c] += {value};")
                out["finish"].append(
                    f"for (int64_t c = 0; grad_{name} && c < columns; ++c) "
                    f"grad_{name}[tile.j + c] += of_{name}[c];"
                )
                column += 1
                continue
            out["reduced"].append(f"sum_{name}")
            out["outputs"].append(f"T sum_{name} = 0;")
            out["slopes"].append(f"sum_{name} += {value};")
            if p.axis == "row":
                out["closing"].append(f"if (grad_{name}) grad_{name}[i] += sum_{name};")
                continue
            out["gradients"].append(f"T tile_{name} = 0;")
            out["closing"].append(f"tile_{name} += sum_{name};")
            # a tile on the diagonal of a triangle holds every pair twice
            half = " * (tile.diagonal ? T(0.5) : T(1))"
            out["finish"].append(f"if (grad_{name}) *grad_{name} += tile_{name}{half};")
        return out

    # ----------------------------------------------------------------- the text

    def loops(self) -> str:
        """The C++ of the reduction."""
        text = self.printer()(self.expr)
        shared, texts = self.written(self.kernel.kernel) if self.ratio else ([], [""])
        common = {
            "k": self.k,
            "form": self.form,
            "kl": self.kl,
            "buffers": max(1, len(self.featured)),
            "block_count": len(self.blocks),
            "fills": self.fills(),
            "blocks": [
                f"const auto rows_{name} = tile.block(blocks[{n}], {n}, place);"
                for n, (name, _) in enumerate(self.blocks)
            ],
            "shared": shared,
            "kernel": texts[0],
            "log_kernel": text,
            "both": self.both,
            "columns": self.plan.columns,
            "expected": self.kl and not self.pair and self.target is not None,
            "frozen": self.frozen,
            "plain": self.plain,
            "hides": self.hides,
            "p_ji": "p_ij" if self.r.target.symmetrised else "p_ji",
            "order": self.order_text,
            "weight": self.weight(),
            "bounded_weight": self.bounded_weight() if self.linear else [],
            **self.slopes(),
        }
        template = environment().get_template("cpu_loops.jinja")
        out = []
        for name in self.operators():
            vectors = self.vectors(name)
            hidden = name == "pull" and self.hides
            slots = {
                **common,
                "loops": name,
                "numbers": self.numbers(vectors),
                "row": self.row(vectors),
                "pair": self.pair_lines(vectors, hidden=hidden),
            }
            out.append(used(template.render(**slots).strip()))
        return "\n\n".join(out)

    @property
    def plain(self) -> bool:
        """Whether the scores in the buffer are the log-kernels, and nothing else is summed."""
        return (
            self.linear
            and not self.bias
            and self.target is None
            and self.r.allowed.kind != "mask"
        )

    @property
    def frozen(self) -> bool:
        """Whether one sweep finds the gradient where only the left features are learned."""
        return self.linear and not self.both and self.target is None and not self.bias

    def operators(self) -> list[str]:
        """The loops of the reduction, in order."""
        return ["measure", *(["compare"] if self.form == "sweeps" else []), "pull"]

    def compiled(self) -> str:
        """The autograd function that calls the loops."""
        return environment().get_template("cpu_function.jinja").render(
            **self.slots(),
            form=self.form,
            pair=self.pair,
            name=self.class_name,
            whole=self.whole,
            distances=any(a.kind == "sqdist" for a in self.kernel.atoms),
            features=self.features,
            block_names=[n for n, _ in self.blocks],
            block_texts=[t for _, t in self.blocks],
            measured=[v.tensor for v in self.vectors("measure")],
            compared=[v.tensor for v in self.vectors("compare")] if self.form == "sweeps" else [],
            pulled=[v.tensor for v in self.vectors("pull")],
            sums=self.gradient_sums(),
            frozen=self.frozen,
            expects=self.kl and not self.pair and self.target is not None,
            both=self.both,
            linear=self.linear,
            arrays=self.arrays,
            learned={n: self.tensors().index(n) for n in self.moving},
        )

    def gradient_sums(self) -> list[tuple[str, str]]:
        """What `pull` adds to: its name, and the shape of the part of a worker."""
        axes = {str(p.symbol): p.axis for p in self.kernel.parameters}
        shape = {"scalar": "(1,)", "row": "(row_count,)", "column": "(column_count,)"}
        return [
            (n, shape[axes[n]] if n in axes else f"{n}.shape") for n in self.moving
        ]

    @property
    def class_name(self) -> str:
        """The name of the torch form."""
        name = "_LogPartition" if self.kl else "_Divergence"
        return ("_PairLoss" if self.pair else name) + self.k


LOCAL = re.compile(r" *(?:const )?(?:T\*?|auto|bool|int32_t|int64_t) (\w+) = .*;")


def used(text: str) -> str:
    """C++ without the variables that only their own line mentions."""
    lines, before = text.split("\n"), 0
    while len(lines) != before:
        before = len(lines)
        said = Counter(re.findall(r"\w+", "\n".join(lines)))
        made = Counter(m[1] for line in lines if (m := LOCAL.fullmatch(line)))
        idle = {name for name, count in made.items() if said[name] == count}
        lines = [x for x in lines if not ((m := LOCAL.fullmatch(x)) and m[1] in idle)]
    return "\n".join(lines)


def times(name: str, factor: str) -> str:
    """A product, where the factor is not 1."""
    return name if factor == "1" else f"-{name}" if factor == "-1" else f"{name} * {factor}"


def summed(name: str, parts: list[str]) -> list[str]:
    """The lines of a sum, one term on each."""
    lines = [f"{name} = {parts[0]}", *(f"    + {p}" for p in parts[1:])]
    return [*lines[:-1], f"{lines[-1]};"]


def summands(icon: Icon) -> list[str]:
    """The C++ of the summand of another divergence than KL, and of its derivative in log q."""
    if icon.divergence == "kl":
        return []
    found = summand(icon)
    write = CppPrinter(CPP, {s: str(s) for s in (P, Q, LOG_P, LOG_Q, ORDER)})
    values = {
        "value": write(found.value),
        "zero": "q > T(0) ? INFINITE<T> : T(0)" if found.full else f"T({write(found.zero)})",
        "slope": write(found.slope),
        "zero_slope": f"T({write(found.zero_slope)})",
    }
    source = environment().get_template("cpu_divergence.jinja").render(
        **values,
        value_uses=words(values["value"], values["zero"]),
        slope_uses=words(values["slope"], values["zero_slope"]),
        ordered=found.ordered,
        title=f"The summand of the {found.title} divergence.",
    )  # fmt: skip
    return [source.strip()]
