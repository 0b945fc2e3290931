"""Reduction -> its compiled form: C++ loops over tiles, and the function that calls them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from codegen.cpu_pairs import CompiledPairs
from codegen.render import environment


@dataclass
class CompiledStream(CompiledPairs):
    """Writes the compiled form of one reduction, beside the torch form of `Streaming`."""

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
