"""One pair in C++: d loss / d log-kernel, and what features and parameters receive of it."""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from codegen.cpu_operands import CompiledOperands
from codegen.cpu_printer import CPP, CppPrinter, inverses, summed, times
from codegen.divergence import LOG_P, LOG_Q, ORDER, P, Q, summand, takes_log_p, words
from codegen.ir import Program
from codegen.passes import singular
from codegen.render import environment
from codegen.sympy_printer import stable
from codegen.text import ATOM, PRODUCT


@dataclass
class CompiledPairs(CompiledOperands):
    """Writes what the loops of one reduction compute of a pair."""

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
                pulls = [f"({t.split(' * ')[0]} <= T(0) ? T(0) : {t})" for t in terms]
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
            for atom in k.tells(p):  # a score of -inf has no weight
                value = f"{atom.symbol} == -INFINITE<T> ? T(0) : {value}"
            value = f"allowed ? ({value}) : T(0)" if masked else value
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


def summands(program: Program) -> list[str]:
    """The C++ of the summand of another divergence than KL, and of its derivative in log q."""
    icon = program.method.icon
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
        logs=any(map(takes_log_p, program.reductions)),
        title=f"The summand of the {found.title} divergence.",
    )  # fmt: skip
    return [source.strip()]
