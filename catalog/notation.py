"""Printers: `to_text` writes the formula language, which parses back to the same tree.

`to_latex` writes LaTeX. Both show abbreviations and named sets by their names, bound variables by
their letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from catalog.latex import to_latex
from catalog.latex_claim import MethodLatex, method_latex
from catalog.naming import (
    Names,
    canonical,
    name_all,
    numbered,
    same,
    sorted_free,
    taken_names,
)  # fmt: skip
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

# how tightly a text holds together; a weaker one goes in parentheses
SUM, TERM, PRODUCT, UNARY, POWER, DOTTED, ATOM = range(7)


def to_text(node: Node | Fact, names: Mapping[IVar, str] | None = None) -> str:
    """The node in the formula language; free variables are shown as `names` says."""
    if isinstance(node, Fact):
        both = Add((node.left, node.right))
        shown = name_all(sorted_free(both), {}, taken_names(both), numbered)
        writer = Writer(shown, taken_names(both))
        return f"{writer.expr(node.left)} {node.relation} {writer.expr(node.right)}"
    taken = taken_names(node)
    shown = dict(names or name_all(sorted_free(node), {}, taken, numbered))
    writer = Writer(shown, taken)
    if isinstance(node, IVar | IApp):
        return writer.index(node)
    if isinstance(node, Equal | Mask | And | Or | SetRef):
        return writer.cond(node)
    return writer.expr(node)


@dataclass(frozen=True)
class Writer:
    """Writes the formula language, with the names of the variables in scope."""

    names: Names
    taken: frozenset[str]

    # ------------------------------------------------------------------ indices and conditions

    def index(self, index: Index) -> str:
        """j, pos[i], winner."""
        if isinstance(index, IVar):
            return self.names[index]
        return index.name + self.brackets(index.args)

    def brackets(self, args: tuple[Index, ...], form: str = "[]") -> str:
        """[i,j], or nothing where there are no arguments."""
        return f"{form[0]}{','.join(map(self.index, args))}{form[1]}" if args else ""

    def cond(self, cond: Cond, inside: str = "") -> str:
        """A condition, in parentheses where it stands `inside` another and would be misread."""
        match cond:
            case Equal(a=a, b=b, negated=negated):
                return f"{self.index(a)} {'!=' if negated else '='} {self.index(b)}"
            case Mask(name=name, args=args, negated=negated):
                return ("not " if negated else "") + name + self.brackets(args)
            case SetRef(element=element, name=name, args=args, negated=negated):
                word = "not in" if negated else "in"
                return f"{self.index(element)} {word} {name}{self.brackets(args, '()')}"
            case And(args=args):
                text = " and ".join(self.cond(arg, "and") for arg in args) or "true"
                return f"({text})" if inside == "and" and len(args) > 1 else text
            case Or(args=args):
                text = " or ".join(self.cond(arg, "or") for arg in args)
                return f"({text})" if inside else text

    def binder(self, variables: tuple[IVar, ...], cond: Cond) -> str:
        """`j`, `j != i`, `k in P(i) : k != j`, `i, j : i != j`."""
        letters = ", ".join(self.names[v] for v in variables)
        if cond == TRUE:
            return letters
        parts = cond.args if isinstance(cond, And) else (cond,)
        if len(variables) == 1 and self.is_short(variables[0], parts):
            rest = " and ".join(self.cond(part, "and") for part in parts[1:])
            return self.cond(parts[0]) + (f" : {rest}" if rest else "")
        return f"{letters} : {self.cond(cond)}"

    def is_short(self, variable: IVar, parts: tuple[Cond, ...]) -> bool:
        """Whether the first condition can stand for the letter, as in sum[j != i]."""
        if any(isinstance(part, And) for part in parts):
            return False
        match parts[0]:
            case Equal(a=a, b=b):
                return a == variable and variable not in free_indices(b)
            case SetRef(element=element, args=args):
                return element == variable and all(variable not in free_indices(a) for a in args)
        return False

    # ------------------------------------------------------------------ expressions

    def expr(self, expr: Expr, need: int = SUM) -> str:
        """An expression, in parentheses where it holds together less tightly than `need`."""
        # (-x)*y would read back as one product, (-1*x)*y does not; elsewhere a sign may lead
        text, level = self.bare(expr, need not in (PRODUCT, UNARY))
        return text if level >= need else f"({text})"

    def bare(self, expr: Expr, lead: bool) -> tuple[str, int]:
        """The text and how tightly it holds; `lead` allows -x for the product of -1 and x."""
        match expr:
            case Num(value=value):
                if value.denominator != 1:
                    return str(value), PRODUCT
                return str(value), ATOM if value >= 0 else UNARY
            case Sym(name=name, args=args):
                return name + self.brackets(args), ATOM
            case Macro(name=name, args=args):
                return name + self.brackets(args, "()"), ATOM
            case Add(args=args):
                return self.sum(args), SUM
            case Mul(args=args):
                return self.product(args, lead)
            case Div(num=num, den=den):
                return self.quotient(num, den)
            case Pow(base=base, exponent=exponent):
                simple = isinstance(exponent, Num) and exponent.value.denominator == 1
                return (
                    f"{self.expr(base, DOTTED)}^{self.expr(exponent, UNARY if simple else ATOM)}",
                    POWER,
                )
            case Call(fn=fn, args=args):
                return f"{fn}({', '.join(map(self.expr, args))})", ATOM
            case Dot(u=u, v=v):
                return f"{self.expr(u, ATOM)}.{self.expr(v, ATOM)}", DOTTED
            case SqNorm(u=u):
                return f"|{self.expr(u)}|^2", POWER
            case Norm(u=u):
                return f"|{self.expr(u)}|", ATOM
            case Cos(u=u, v=v):
                return f"cos({self.expr(u)}, {self.expr(v)})", ATOM
            case Iverson(cond=cond):
                return f"[{self.cond(cond)}]", ATOM
            case Big(op=op, vars=variables, cond=cond, body=body):
                inner = self.inside(expr)
                return f"{op}[{inner.binder(variables, cond)}] {inner.expr(body, TERM)}", TERM
            case Size():
                return self.size(expr), ATOM
        raise AssertionError(expr)

    def inside(self, node: Big | Size) -> Writer:
        """The writer below a binder."""
        names = name_all(node.vars, self.names, self.taken, numbered)
        return replace(self, names=names)

    def sum(self, args: tuple[Expr, ...]) -> str:
        """Terms with their signs: a + b - c."""
        text = self.expr(args[0], TERM)
        for arg in args[1:]:
            if (positive := opposite(arg)) is not None:
                text += f" - {self.expr(positive, TERM)}"
            else:
                text += f" + {self.expr(arg, TERM)}"
        return text

    def product(self, args: tuple[Expr, ...], lead: bool) -> tuple[str, int]:
        """a*b; a leading -1 is written as a sign where that reads back as the same product."""
        signed = lead and args[0] == Num(Fraction(-1)) and not isinstance(args[1], Num | Mul)
        factors = args[1:] if signed else args
        texts, level = [], PRODUCT if len(factors) > 1 else POWER
        for place, factor in enumerate(factors):
            need = POWER
            if place == len(factors) - 1 and isinstance(factor, Big):
                need = level = TERM  # the last factor may be open
            elif not place and not signed:
                fraction = isinstance(factor, Num) and factor.value.denominator != 1
                need = PRODUCT if fraction or isinstance(factor, Div) else UNARY
            texts.append(self.expr(factor, need))
        text = "*".join(texts)
        return (f"-{text}", min(level, UNARY)) if signed else (text, level)

    def quotient(self, num: Expr, den: Expr) -> tuple[str, int]:
        """A quotient a/b."""
        top, level = self.bare(num, True)
        # a sign may lead a numerator, where a whole sum or an open sum may not
        if level < PRODUCT or (isinstance(num, Num) and num.value.denominator != 1):
            top = f"({top})"
        if isinstance(den, Big):
            return f"{top}/{self.expr(den)}", TERM
        return f"{top}/{self.expr(den, POWER)}", PRODUCT

    def size(self, size: Size) -> str:
        """The number of elements of a set, by its name where it has one."""
        inner = self.inside(size)
        if len(size.vars) == 1:
            (variable,) = size.vars
            if size.cond == TRUE:
                return variable.set.name
            match size.cond:
                case SetRef(element=element, name=name, args=args, negated=False):
                    if element == variable and all(variable not in free_indices(a) for a in args):
                        return f"size({name}{self.brackets(args, '()')})"
        return f"size[{inner.binder(size.vars, size.cond)}]"


def opposite(expr: Expr) -> Expr | None:
    """The x of which `expr` is what the parser makes in `a - x`, else None."""
    if isinstance(expr, Num):
        return Num(-expr.value) if expr.value < 0 else None
    if isinstance(expr, Mul) and isinstance(expr.args[0], Num) and expr.args[0].value < 0:
        head, *rest = expr.args
        if head.value == -1:  # type: ignore[union-attr]
            first = rest[0]
            if isinstance(first, Num) or (len(rest) == 1 and isinstance(first, Mul)):
                return None
            return rest[0] if len(rest) == 1 else Mul(tuple(rest))
        return Mul((Num(-head.value), *rest))  # type: ignore[union-attr]
    return None


__all__ = ["MethodLatex", "canonical", "method_latex", "same", "to_latex", "to_text"]
