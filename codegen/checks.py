"""The lines of an emitted program that check its arguments, one sentence for what is wrong.

The helpers they call have the same names and arguments in every target.
"""

from __future__ import annotations

import re
from fractions import Fraction

from catalog.symbols import Big, Num, Sym, walk
from codegen.ir import Argument, Program
from codegen.trees import holds_always

RANK = {"number": 0, "mask": 1, "index": 2}


def checked(program: Program, *first: str, dtype: str = "", like: str = "") -> list[str]:
    """Lines that check and convert the arguments: arrays first, they say how large the sets are.

    `first` are lines that the others need; `dtype` and `like` are further arguments of the helpers
    that read real arrays and single numbers.
    """
    named = {s.name: len(s.elements) for s in program.method.sets.values() if s.elements}
    sized = {axis for a in program.arguments for axis in a.shape}
    start = ", ".join(f'"{n}": {size}' for n, size in named.items() if n in sized)
    words = "_choices(reduction, term)" if program.kl else "_choice(reduction)"
    lines = [words, f"sizes: dict[str, int] = {{{start}}}", *first]
    for a in sorted(program.arguments, key=lambda a: RANK[a.kind] if a.shape else 3):
        lines += argument(a, sized, dtype, like)
    return lines


def argument(a: Argument, sized: set[str], dtype: str, like: str) -> list[str]:
    """The lines for one argument."""
    where = f'"{a.name}", {a.name}, "{" ".join(a.shape)}", sizes'
    if a.kind == "mask":
        return [f"{a.name} = _mask({where})"]
    if a.kind == "index":
        size = f', sizes["{a.target}"]' if a.target in sized else ""
        return [f"{a.name} = _positions({where}{size})"]
    if a.shape:
        read = "_distribution" if a.range == "distribution" else "_real"
        lines = [f"{a.name} = {read}({where}{dtype})"]
        if a.positive:
            lines.append(f'{a.name} = _positive("{a.name}", {a.name})')
    else:
        strict = ", positive=True" if a.positive else ""
        lines = [f'{a.name} = _number("{a.name}", {a.name}{like}{strict})']
    if a.range == "probability":
        lines.append(f'{a.name} = _below_one("{a.name}", {a.name})')
    return lines


def covered(program: Program, sums: dict[str, str] | None = None) -> list[str]:
    """Lines that refuse an empty cluster where the file says that none is: q divides by its size.

    `sums` are the texts of the sums over rows where these are not all at hand.
    """
    method, lines = program.method, list[str]()
    in_q = {n.name for b in method.icon.blocks for n in walk(b.kernel) if isinstance(n, Sym)}
    by_symbol = {a.symbol: a for a in program.arguments}
    for fact in method.assumes:
        total = fact.left
        if not (isinstance(total, Big) and total.op == "sum" and holds_always(total.cond)):
            continue
        array, zero = total.body, fact.relation == ">" and fact.right == Num(Fraction(0))
        if not (zero and isinstance(array, Sym) and array.name in in_q and len(array.args) == 2):
            continue
        if array.name in by_symbol and total.vars == array.args[:1]:
            name = by_symbol[array.name].name
            sizes = (sums or {}).get(name, f"{name}.sum(0)")
            lines.append(f'_covered("{name}", {sizes}, "{fact.text}")')
    return lines


def named_sizes(program: Program, text: str) -> list[str]:
    """Lines that name the sizes of the sets that `text` mentions."""
    return [
        f'{size} = sizes["{axis}"]'
        for axis, size in program.sizes.items()
        if not size.isdigit() and re.search(rf'(?<![."])\b{size}\b(?!=)', text)
    ]
