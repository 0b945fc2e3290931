"""LaTeX of formulas, in the notation of docs/format.md; of a whole method: catalog.latex_method."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from catalog.naming import Names, name_all, primed, sorted_free
from catalog.symbols import (
    TRUE,
    Add,
    And,
    Big,
    Call,
    Cond,
    Cos,
    Div,
    Dot,
    Equal,
    Expr,
    Fact,
    IApp,
    Index,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Node,
    Norm,
    Num,
    Or,
    Pow,
    SetRef,
    Size,
    SqNorm,
    Sym,
    free_indices,
)  # fmt: skip

GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|"
    "upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
FUNCTION = {
    "log": r"\log", "exp": r"\exp", "relu": r"\operatorname{relu}",
    "sigmoid": r"\operatorname{sigmoid}", "softplus": r"\operatorname{softplus}",
    "sg": r"\operatorname{sg}", "max": r"\max", "min": r"\min",
}  # fmt: skip
BIG = {"sum": r"\sum", "mean": r"\operatorname*{mean}", "max": r"\max", "min": r"\min"}
RELATION = {"=": "=", ">": ">", ">=": r"\ge"}

SUM, PRODUCT, UNARY, ATOM = range(4)


def to_latex(node: Node | Fact, names: Mapping[IVar, str] | None = None) -> str:
    """The node in LaTeX math; free variables are shown as `names` says, or by their letters."""
    if isinstance(node, Fact):
        both = Add((node.left, node.right))
        writer = Latex(name_all(sorted_free(both), {}, frozenset(), primed))
        return f"{writer.expr(node.left)} {RELATION[node.relation]} {writer.expr(node.right)}"
    writer = Latex(names or name_all(sorted_free(node), {}, frozenset(), primed))
    if isinstance(node, IVar | IApp):
        return writer.index(node)
    if isinstance(node, Equal | Mask | And | Or | SetRef):
        return writer.cond(node)
    return writer.expr(node)


def symbol(name: str) -> str:
    r"""A name in LaTeX: tau -> \tau, logits -> \mathrm{logits}, z1 -> z_{1}, tau_s -> \tau_{s}."""
    parts = re.fullmatch(r"([A-Za-z]+)(?:_([A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)|(\d+))?", name)
    if parts is None:  # underscores that separate nothing
        return rf"\mathrm{{{name}}}".replace("_", r"\_")
    stem, below = parts.group(1), parts.group(2) or parts.group(3)
    if GREEK.fullmatch(stem):
        shown = f"\\{stem}"
    else:
        shown = stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    return rf"{shown}_{{{below if below.isdigit() else symbol(below)}}}" if below else shown


def letter(name: str) -> str:
    """The name of a variable in LaTeX: i, j', b2' -> b'_{2}."""
    stem = name.rstrip("'")
    head, below, rest = symbol(stem).partition("_{")
    return f"{head}{name[len(stem) :]}{below}{rest}"


@dataclass(frozen=True)
class Latex:
    """Writes LaTeX, with the names of the variables in scope."""

    names: Names

    # ------------------------------------------------------------------ indices and conditions

    def index(self, index: Index) -> str:
        """An index; an index-valued function is subscripted."""
        if isinstance(index, IVar):
            return letter(self.names[index])
        return self.indexed(index.name, index.args)

    def indexed(self, name: str, args: tuple[Index, ...]) -> str:
        """z_{i}, s_{ij}, s_{i,pos_i}; what a name has below moves above."""
        shown = symbol(name)
        if not args:
            return shown
        shown = re.sub(r"_\{(.*)\}$", r"^{(\1)}", shown)
        parts = [self.index(arg) for arg in args]
        glue = "" if all(len(part.rstrip("'")) == 1 for part in parts) else ","
        return f"{shown}_{{{glue.join(parts)}}}"

    def cond(self, cond: Cond, inside: bool = False) -> str:
        r"""A condition; conjunctions are written with commas, others in words."""
        match cond:
            case Equal(a=a, b=b, negated=negated):
                sign = r"\ne" if negated else "="
                return f"{self.index(a)} {sign} {self.index(b)}"
            case Mask(name=name, args=args, negated=negated):
                return rf"{self.indexed(name, args)} = {0 if negated else 1}"
            case SetRef(element=element, name=name, args=args, negated=negated):
                word = r"\notin" if negated else r"\in"
                return f"{self.index(element)} {word} {self.applied(name, args)}"
            case And(args=args):
                glue = r" \text{ and } " if inside else r",\, "
                return glue.join(self.cond(arg, True) for arg in args) or r"\text{true}"
            case Or(args=args):
                text = r" \text{ or } ".join(self.cond(arg, True) for arg in args)
                return rf"({text})" if inside else text

    def applied(self, name: str, args: tuple[Index, ...]) -> str:
        """P(i)."""
        shown = "H(p)" if name == "H(p)" else symbol(name)
        return f"{shown}({', '.join(map(self.index, args))})" if args else shown

    def binder(self, variables: tuple[IVar, ...], cond: Cond) -> str:
        """What stands below a big operator."""
        letters = ", ".join(letter(self.names[v]) for v in variables)
        if cond == TRUE:
            return letters
        parts = cond.args if isinstance(cond, And) else (cond,)
        said = self.cond(cond)
        # j != i and j in P(i) introduce j by themselves
        first = parts[0]
        opens = isinstance(first, Equal) and first.a == variables[0]
        opens |= isinstance(first, SetRef) and first.element == variables[0]
        return said if opens and len(variables) == 1 else rf"{letters} :\, {said}"

    # ------------------------------------------------------------------ expressions

    def expr(self, expr: Expr, need: int = SUM) -> str:
        """An expression, in parentheses where it holds together less tightly than `need`."""
        text, level = self.bare(expr)
        return text if level >= need else rf"\left({text}\right)"

    def bare(self, expr: Expr) -> tuple[str, int]:
        """The LaTeX and how tightly it holds together."""
        match expr:
            case Num(value=value):
                return number(value), ATOM if value >= 0 else UNARY
            case Sym(name=name, args=args):
                return self.indexed(name, args), ATOM
            case Macro(name=name, args=args):
                return self.applied(name, args), ATOM
            case Add(args=args):
                return self.sum(args), SUM
            case Mul(args=args):
                return self.product(args), PRODUCT
            case Div(num=num, den=den):
                top, bottom = self.expr(num), self.expr(den)
                if top.startswith("-") and not isinstance(num, Add):
                    return rf"-\frac{{{top[1:]}}}{{{bottom}}}", PRODUCT
                return rf"\frac{{{top}}}{{{bottom}}}", ATOM
            case Pow(base=base, exponent=exponent):
                # a fraction or a function needs parentheses under an exponent, and so does what
                # has something above it already
                plain = isinstance(base, Sym | Num | Norm | Iverson | Size | Macro)
                plain &= not isinstance(base, Num) or base.value.denominator == 1
                plain &= not isinstance(base, Sym) or "^" not in self.indexed(base.name, base.args)
                need = ATOM if plain else ATOM + 1
                return f"{self.expr(base, need)}^{{{self.expr(exponent)}}}", ATOM
            case Call(fn="sqrt", args=(arg,)):
                return rf"\sqrt{{{self.expr(arg)}}}", ATOM
            case Call(fn=fn, args=args):
                return rf"{FUNCTION[fn]}\left({', '.join(map(self.expr, args))}\right)", ATOM
            case Dot(u=u, v=v):
                return rf"{self.expr(u, ATOM)} \cdot {self.expr(v, ATOM)}", PRODUCT
            case SqNorm(u=u):
                return rf"\lVert {self.expr(u)} \rVert^{{2}}", ATOM
            case Norm(u=u):
                return rf"\lVert {self.expr(u)} \rVert", ATOM
            case Cos(u=u, v=v):
                return rf"\cos\left({self.expr(u)}, {self.expr(v)}\right)", ATOM
            case Iverson(cond=cond):
                return rf"\left[{self.cond(cond)}\right]", ATOM
            case Big(op=op, vars=variables, cond=cond, body=body):
                inner = self.inside(expr)
                below, shown = inner.binder(variables, cond), inner.expr(body, PRODUCT)
                if shown.startswith("-"):  # would read as a difference
                    shown = rf"\left({shown}\right)"
                return rf"{BIG[op]}_{{{below}}} {shown}", PRODUCT
            case Size():
                return self.size(expr), ATOM
        raise AssertionError(expr)

    def inside(self, node: Big | Size) -> Latex:
        """The writer below a binder."""
        return Latex(name_all(node.vars, self.names, frozenset(), primed))

    def sum(self, args: tuple[Expr, ...]) -> str:
        """Terms with their signs: a + b - c."""
        text = self.expr(args[0], PRODUCT)
        for arg in args[1:]:
            term = self.expr(arg, PRODUCT)
            text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
        return text

    def product(self, args: tuple[Expr, ...]) -> str:
        r"""Factors side by side; numbers are separated by \cdot."""
        sign, rest = "", list(args)
        if isinstance(rest[0], Num) and rest[0].value < 0:
            sign, head = "-", Num(-rest[0].value)
            rest = rest[1:] if head.value == 1 and len(rest) > 1 else [head, *rest[1:]]
        text = sign
        for place, arg in enumerate(rest):
            need = UNARY if len(rest) == 1 else ATOM
            if place == len(rest) - 1 and isinstance(arg, Big):
                need = PRODUCT
            elif not place and isinstance(arg, Div) and not sign:
                need = PRODUCT  # its own sign may lead
            if place:
                numbers = isinstance(rest[place - 1], Num) and isinstance(arg, Num)
                text += r" \cdot " if numbers else r" \, "
            text += self.expr(arg, need)
        return text

    def size(self, size: Size) -> str:
        r"""n, |P(i)|, |\{ j : ... \}|."""
        inner = self.inside(size)
        if len(size.vars) == 1:
            (variable,) = size.vars
            if size.cond == TRUE:
                return symbol(variable.set.name)
            match size.cond:
                case SetRef(element=element, name=name, args=args, negated=False):
                    if element == variable and all(variable not in free_indices(a) for a in args):
                        return rf"\lvert {self.applied(name, args)} \rvert"
        return rf"\lvert \{{ {inner.binder(size.vars, size.cond)} \}} \rvert"


def number(value: Fraction) -> str:
    """An integer or a fraction."""
    if value.denominator == 1:
        return str(value)
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
