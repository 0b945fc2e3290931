"""Logarithms of kernels that never leave the logarithm: sums of exponentials that cannot overflow.

The text of log k for a kernel k that is made of exponentials, sums, products, quotients and
brackets; `Adjoint.pull_log` is the reverse sweep of it. -inf stands for the logarithm of 0.

    log exp(x) = x        log sigmoid(x) = -softplus(-x)
    log(a / b) = log a - log b        log sum_j k_j = logsumexp_j log k_j
    log([cond] k) = log k where cond, else -inf
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from catalog.symbols import (
    Add,
    Big,
    Call,
    Cond,
    Div,
    Expr,
    IVar,
    Iverson,
    Macro,
    Mul,
    Num,
    Pow,
    Size,
    SqNorm,
    Sym,
    walk,
)  # fmt: skip
from codegen.text import PRODUCT, SUM, UNARY, Text
from codegen.trees import ONE, holds_always

if TYPE_CHECKING:
    from codegen.printers import TensorPrinter

WITHOUT_ZERO = ("positive", "probability")
WITHOUT_SIGN = (*WITHOUT_ZERO, "nonnegative", "distribution")


def suits(node: Expr) -> bool:
    """Whether a formula has exponentials, and cannot be negative by its form."""
    return never_negative(node) and has_exp(node)


def has_exp(node: Expr) -> bool:
    """Whether there is an exponential in a formula."""
    return any(isinstance(n, Call) and n.fn in ("exp", "sigmoid") for n in walk(node))


def never_negative(node: Expr) -> bool:
    """Whether no value of the letters makes a formula negative, as its form shows."""
    match node:
        case Num(value):
            return value >= 0
        case Sym(kind=kind, learned=learned):
            # the logarithm of a learned 0 has no slope, though the number itself has one
            return kind in (WITHOUT_ZERO if learned else WITHOUT_SIGN)
        case Macro():
            return never_negative(node.body)
        case Call(fn, args):
            return fn in ("exp", "sigmoid", "softplus", "relu", "sqrt") or (
                fn in ("max", "min", "sg") and all(map(never_negative, args))
            )
        case Add(args) | Mul(args):
            return all(map(never_negative, args))
        case Div(num, den):
            return never_negative(num) and never_negative(den)
        case Pow(base, _):
            return never_negative(base)
        case Big(body=body):
            return never_negative(body)
        case Iverson() | Size() | SqNorm():
            return True
    return False


def shifted(node: Expr) -> Expr:
    """The formula with exp(x - log b) for exp(x) / b, where b is a sum of exponentials."""
    match node:
        case Macro():
            return shifted(node.body)
        case Div(num, den):
            top, bottom = shifted(num), shifted(den)
            partition = isinstance(bottom, Big) and suits(bottom)
            if isinstance(top, Call) and top.fn == "exp" and partition:
                less = Mul((Num(Fraction(-1)), Call("log", (bottom,))))
                return Call("exp", (Add((top.args[0], less)),))
            return Div(top, bottom)
        case Add(args) | Mul(args):
            return replace(node, args=tuple(map(shifted, args)))
    return node


# --------------------------------------------------------------------------- values


def logarithm(printer: TensorPrinter, node: Expr) -> Text:
    """The text of the logarithm of a formula that cannot be negative."""
    match node:
        case Macro():
            return logarithm(printer, node.body)
        case Call("exp", (x,)):
            return power(printer, x)
        case Call("sigmoid", (x,)):
            log = printer.call("softplus", [negated(printer.expr(x))])
            return negated(log)
        case Div(num, den):
            return difference(printer, logarithm(printer, num), logarithm(printer, den))
        case Pow(base, exponent) if has_exp(base):
            factors = [printer.expr(exponent), logarithm(printer, base)]
            return printer.join(" * ", factors, PRODUCT)
        case Mul(args):
            brackets = [a.cond for a in args if isinstance(a, Iverson)]
            logs = [logarithm(printer, a) for a in args if not isinstance(a, Iverson) and a != ONE]
            text = printer.join(" + ", logs, SUM) if len(logs) > 1 else None
            text = text or (logs[0] if logs else Text("0.0", plain=True))
            for cond in brackets:
                text = chosen(printer, cond, text)
            return text
        case Iverson(cond):
            return chosen(printer, cond, Text("0.0", plain=True))
        case Add(args):
            parts = [logarithm(printer, a) for a in args]
            axes = printer.union(*parts)
            inside = ", ".join(printer.lift(p, axes).code for p in parts)
            return Text(f"_log_add({inside})", axes)
        case Big("sum" | "mean", vars, cond, body):
            inner = printer.inside(vars)
            text = logarithm(inner, body)
            if not holds_always(cond):
                text = chosen(inner, cond, text)
            text = over_all(inner, text, vars)
            code = f"_log_sum_over({text.code}, {last(vars)})"
            total = Text(code, tuple(v for v in text.axes if v not in vars))
            if node.op == "sum":
                return total
            count = printer.call("log", [printer.size(vars, cond, "")])
            return difference(printer, total, count)
    return printer.call("log", [printer.expr(node)])


def power(printer: TensorPrinter, node: Expr) -> Text:
    """The text of an exponent; a number that divides learned scores has no gradient from -inf."""
    match node:
        case Div(Sym(kind="real", learned=True) as score, Sym(args=()) as number) if (
            score.args and printer.dialect.name == "torch"
        ):
            top = printer.expr(score)
            bottom = Text(f"_over({printer.expr(number).code}, {top.code})", top.axes)
            return printer.join(" / ", [top, bottom], PRODUCT)
    return printer.expr(node)


def difference(printer: TensorPrinter, left: Text, right: Text) -> Text:
    """Left - right."""
    bracketed = replace(right, code=right.at(PRODUCT), level=max(PRODUCT, right.level))
    return printer.join(" - ", [left, bracketed], SUM)


def negated(text: Text) -> Text:
    """The text with a minus."""
    return Text(f"-{text.at(UNARY)}", text.axes, UNARY, plain=text.plain)


def last(vars: tuple[IVar, ...]) -> str:
    """The last axes, one for each variable."""
    return "-1" if len(vars) == 1 else str(tuple(range(-len(vars), 0)))


def chosen(printer: TensorPrinter, cond: Cond, text: Text) -> Text:
    """`text` where a condition holds, else -inf."""
    mask = printer.cond(cond)
    axes = printer.union(mask, text)
    infinite = "-math.inf" if printer.dialect.name == "torch" else "-np.inf"
    where = "torch.where" if printer.dialect.name == "torch" else "np.where"
    if mask.plain:
        return Text(f"({text.code} if {mask.code} else {infinite})", text.axes, plain=text.plain)
    code = f"{where}({printer.lift(mask, axes).code}, {printer.lift(text, axes).code}, {infinite})"
    return Text(code, axes)


def over_all(printer: TensorPrinter, text: Text, vars: tuple[IVar, ...]) -> Text:
    """`text` with the axes `vars`."""
    for v in vars:
        if v not in text.axes:
            place = printer.position(v)
            text = printer.join(" + ", [text, Text(f"0.0 * {place.code}", (v,), PRODUCT)], SUM)
    return printer.lift(text, printer.ordered(text.axes))
