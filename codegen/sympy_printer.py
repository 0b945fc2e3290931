"""Log-kernels as array text: sympy expression -> NumPy or torch source.

sympy's own torch printer writes `torch.add(...)` where a reader expects `+`, and its NumPy printer
knows nothing of the blocks that a symbol may stand for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy

from codegen.dialects import Dialect
from codegen.text import ATOM, BITS, POWER, PRODUCT, SUM, UNARY, Text, number


class softplus(sympy.Function):  # type: ignore[misc]
    """log(1 + exp(x))."""


class sigmoid(sympy.Function):  # type: ignore[misc]
    """1 / (1 + exp(-x))."""


X = sympy.Wild("x")


def stable(node: sympy.Expr) -> sympy.Expr:
    """The same formula with no exponential that is infinite where the whole is not.

    Exponents are added up, and softplus and sigmoid are called by their names.
    """
    if not node.has(sympy.exp):
        return node
    node = node.replace(lambda n: n.is_Mul, lambda n: sympy.powsimp(n, combine="exp"))
    node = node.replace(sympy.log(1 + sympy.exp(X)), softplus(X))
    node = node.replace(lambda n: n.is_Mul and quotient_of_exp(n) is not None, quotient_of_exp)
    return node.replace(1 / (1 + sympy.exp(X)), sigmoid(-X))


def quotient_of_exp(node: sympy.Expr) -> sympy.Expr | None:
    """A product with exp(x) / (1 + exp(x)) in it, written with the sigmoid of x."""
    for factor in node.args:
        if isinstance(factor, sympy.exp):
            bottom = sympy.Pow(1 + factor, -1)
            if bottom in node.args:
                return node / factor / bottom * sigmoid(factor.args[0])
    return None


@dataclass(frozen=True)
class SympyPrinter:
    """Writes a sympy expression; `names` is the source text of each symbol."""

    dialect: Dialect
    names: Mapping[sympy.Symbol, str]

    def __call__(self, node: sympy.Expr) -> str:
        """The source text of `node`."""
        return self.text(stable(node)).code

    def text(self, node: sympy.Expr) -> Text:
        """The source text with its binding strength."""
        if node.is_Symbol:
            code = self.names[node]
            call = re.fullmatch(r"\w+\([^()]*\)", code)
            whole = code.isidentifier() or code.endswith("]") or call
            return Text(code, level=ATOM if whole else SUM)
        if node.is_Number:
            return number(Fraction(int(node.p), int(node.q)))
        if node.is_Add:
            return self.addition(list(node.as_ordered_terms()))
        if node.is_Mul:
            return self.product(node)
        if node.is_Pow:
            base, exponent = node.as_base_exp()
            if exponent == sympy.Rational(1, 2):
                # rounding makes 1 - x * x negative
                return self.function("sqrt" if base.is_nonnegative else "root", [base])
            if exponent.is_Number and exponent.is_negative:
                return self.product(node)
            code = f"{self.text(base).at(ATOM)} ** {self.text(exponent).at(ATOM)}"
            return Text(code, level=POWER)
        name = type(node).__name__.lower()
        if name in self.dialect.functions:
            return self.function(name, list(node.args))
        raise TypeError(f"no text for the sympy function {type(node).__name__}")

    def function(self, name: str, args: list[sympy.Expr]) -> Text:
        """A function of the dialect, or of Python where its argument is a number."""
        if name in ("log", "exp", "sqrt") and all(a.is_number for a in args):
            return Text(f"math.{name}({self.text(args[0]).code})")
        template = self.dialect.functions[name]
        level = ATOM if "-{}" in template or template.startswith("{}") else BITS
        return Text(template.format(*(self.text(a).at(level) for a in args)))

    def addition(self, terms: list[sympy.Expr]) -> Text:
        """A sum; terms with a minus are subtracted, a positive term goes first if there is one."""
        terms.sort(key=lambda t: bool(t.could_extract_minus_sign()))
        code = ""
        for k, term in enumerate(terms):
            minus = term.could_extract_minus_sign()
            part = self.text(-term if minus else term)
            code += ("-" if minus else "") + part.at(PRODUCT if minus else SUM) if not k else (
                f" {'-' if minus else '+'} {part.at(PRODUCT if minus else SUM)}"
            )
        return Text(code, level=SUM)

    def product(self, node: sympy.Expr) -> Text:
        """A product or quotient."""
        if node.could_extract_minus_sign():
            return Text(f"-{self.text(-node).at(PRODUCT)}", level=PRODUCT)
        top, bottom = sympy.fraction(node, exact=True)
        if bottom == 1:
            parts = sorted(top.as_ordered_factors(), key=lambda f: not f.is_Number)
            return Text(" * ".join(self.text(f).at(PRODUCT) for f in parts), level=PRODUCT)
        over, under = self.text(top), self.text(bottom)
        return Text(f"{over.at(PRODUCT)} / {under.at(UNARY)}", level=PRODUCT)
