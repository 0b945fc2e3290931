"""Sympy expressions as C++ text, inside a loop over the pairs of a row."""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from codegen.dialects import Dialect
from codegen.sympy_printer import SympyPrinter
from codegen.text import ATOM, PRODUCT, Text

CPP = Dialect(
    "cpp",
    {
        "log": "logarithm({})",
        "exp": "exponential({})",
        "sqrt": "std::sqrt({})",
        "root": "std::sqrt(at_least_tiny({}))",
        "relu": "std::max<T>({}, 0)",
        "step": "({} > 0 ? T(1) : T(0))",
        "sigmoid": "sigmoid({})",
        "softplus": "softplus({})",
        "max": "std::max<T>({}, {})",
        "min": "std::min<T>({}, {})",
    },
    "({} ? {} : T(0))",
    "",
    "",
    "",
    "",
)
POWERS = 8  # up to this one a power is written as a product


class CppPrinter(SympyPrinter):
    """Writes sympy expressions in C++, which has no operator for powers and divides integers."""

    def text(self, node: sympy.Expr) -> Text:
        """The source text with its binding strength."""
        if node.is_number and not node.is_Integer:
            return Text(f"T({float(node)!r})")
        if node.is_Integer and abs(node) > 2**31:
            return Text(f"T({float(node)!r})")
        root = node.is_Pow and node.exp == sympy.Rational(1, 2)
        if node.is_Pow and not root and not (node.exp.is_Number and node.exp < 0):
            base, power = node.as_base_exp()
            if power.is_Integer and power <= POWERS:
                return Text(" * ".join([self.text(base).at(ATOM)] * int(power)), level=PRODUCT)
            return Text(f"exponential({self.text(power).at(PRODUCT)} * {self(sympy.log(base))})")
        return super().text(node)

    def function(self, name: str, args: list[sympy.Expr]) -> Text:
        """A function of the dialect; its argument is of the type of the pair, a number too."""
        if all(a.is_number for a in args):
            return Text(f"T({float(getattr(sympy, name)(*args))!r})")
        return super().function(name, args)


def inverses(
    expressions: Sequence[sympy.Expr],
) -> tuple[dict[sympy.Symbol, sympy.Expr], list[sympy.Expr]]:
    """What stands below a line as a symbol for its inverse, and the expressions with these.

    Divisions are slow, and a kernel and its derivatives divide by the same.
    """
    found: dict[sympy.Expr, sympy.Symbol] = {}
    for e in expressions:
        for power in sorted(e.atoms(sympy.Pow), key=str):
            # a number of one pair; what is the same for all pairs is left to the compiler
            if power.exp.is_Integer and power.exp < 0 and not power.base.is_number:
                found.setdefault(power.base, sympy.Symbol(f"inverse_{len(found) + 1}"))
    swapped = [
        e.replace(
            lambda n: n.is_Pow and n.base in found and n.exp.is_Integer and n.exp < 0,
            lambda n: found[n.base] ** (-n.exp),
        )
        for e in expressions
    ]
    return {symbol: base for base, symbol in found.items()}, swapped


def times(name: str, factor: str) -> str:
    """A product, where the factor is not 1."""
    return name if factor == "1" else f"-{name}" if factor == "-1" else f"{name} * {factor}"


def summed(name: str, parts: list[str]) -> list[str]:
    """The lines of a sum, one term on each."""
    lines = [f"{name} = {parts[0]}", *(f"    + {p}" for p in parts[1:])]
    return [*lines[:-1], f"{lines[-1]};"]
