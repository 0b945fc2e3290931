"""Divergences as text: what is summed over the neighbours, and its derivative in log q.

Nothing is listed here. The template of `catalog.divergences` is read as a function of log p and
log q, so that a ratio p/q is the exponential of a difference and stays finite where p and q are
lost in single precision. Its derivative g in log q is all that a gradient needs: with q the
softmax of s, the derivative of sum_j D(p_j, q_j) in s_j is g_j - q_j sum_l g_l.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import sympy

from catalog.divergences import DIVERGENCES
from catalog.formula import parse_expr
from catalog.scope import Scope, Value
from catalog.spec import Icon
from catalog.symbols import Add, Call, Div, Expr, Macro, Mul, Num, Pow, Sym
from codegen.dialects import TORCH, Dialect
from codegen.ir import Program, Reduction
from codegen.printers import TensorPrinter
from codegen.render import environment
from codegen.signature import anchor
from codegen.sympy_printer import SympyPrinter

P, Q = sympy.symbols("p q", positive=True)
LOG_P, LOG_Q = sympy.symbols("log_p log_q", real=True)
ORDER = sympy.Symbol("order", positive=True)


class relu(sympy.Function):  # type: ignore[misc]
    """max(x, 0), with the derivative 0 at 0 that the libraries have."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """1 where x > 0, else 0."""
        return step(self.args[0])


class step(sympy.Function):  # type: ignore[misc]
    """1 where x > 0, else 0."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """0, as far as a program can tell."""
        return sympy.Integer(0)


@dataclass(frozen=True)
class Summand:
    """D(p, q) for p > 0, D(0, q), and the derivatives of both in log q.

    `full`: D(0, q) is infinite. `ordered` says that ORDER occurs.
    """

    title: str
    value: sympy.Expr
    slope: sympy.Expr
    zero: sympy.Expr
    zero_slope: sympy.Expr
    full: bool
    ordered: bool


def numeric_order(icon: Icon) -> sympy.Expr | None:
    """The order where it is a number that the file fixes, None where it is computed or absent."""
    if not DIVERGENCES[icon.divergence].ordered:
        return None
    try:
        found = algebra(icon.degree, {})
    except KeyError:
        return None
    return found if found.is_Rational else None


def summand(icon: Icon) -> Summand:
    """The summand of the divergence of a pair."""
    return _summand(icon.divergence, numeric_order(icon))


@cache
def _summand(name: str, order: sympy.Expr | None) -> Summand:
    found = DIVERGENCES[name]
    words = {n: Value(Sym(n, (), "positive")) for n in "pqa"}
    tree = parse_expr(found.template, Scope({}, {}, values=words))
    symbols = {"p": sympy.exp(LOG_P), "q": sympy.exp(LOG_Q), "a": ORDER if order is None else order}
    whole = sympy.expand_log(algebra(tree, symbols))
    zero = sympy.oo
    if not found.full:
        by_p = sympy.expand_log(algebra(tree, {**symbols, "p": P}))
        zero = plain(sympy.limit(by_p, P, 0, "+"))
    return Summand(
        found.title,
        in_words(short(whole) if divides(whole) else whole),
        in_words(shortest(sympy.diff(whole, LOG_Q))),
        in_words(zero),
        in_words(sympy.Integer(0) if found.full else sympy.diff(zero, LOG_Q)),
        found.full,
        found.ordered and order is None,
    )


def algebra(node: Expr, symbols: dict[str, sympy.Expr]) -> sympy.Expr:
    """A formula in p, q and the order as a sympy expression. Raises KeyError for other symbols."""
    match node:
        case Num(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Macro():
            return algebra(node.body, symbols)
        case Sym(name):
            return symbols[name]
        case Add(args):
            return sympy.Add(*(algebra(a, symbols) for a in args))
        case Mul(args):
            return sympy.Mul(*(algebra(a, symbols) for a in args))
        case Div(num, den):
            return algebra(num, symbols) / algebra(den, symbols)
        case Pow(base, exponent):
            return algebra(base, symbols) ** algebra(exponent, symbols)
        case Call(fn, (arg,)):
            made = {"log": sympy.log, "sqrt": sympy.sqrt, "exp": sympy.exp, "relu": relu}
            return made[fn](algebra(arg, symbols))
    raise KeyError(node)


def divides(expr: sympy.Expr) -> bool:
    """Whether a small number may stand below the line: then powers are put together first."""
    powers = (e.args[0] for e in expr.atoms(sympy.exp))
    return any(bool(a.coeff(LOG_Q) < 0) or a.has(ORDER) for a in map(sympy.expand, powers)) or any(
        e.exp.has(ORDER) for e in expr.atoms(sympy.Pow)
    )


def shortest(expr: sympy.Expr) -> sympy.Expr:
    """A short form of an expression in which nothing small stands below a line."""
    simple = sympy.expand_log(sympy.simplify(expr))
    forms = [short(expr), *([] if divides(expr) else [expr, sympy.factor_terms(simple)])]
    return min(forms, key=lambda e: (sympy.count_ops(e), str(e)))


def short(expr: sympy.Expr) -> sympy.Expr:
    """A sum of terms, in each of which all powers of p and q are one exponential."""
    powers = expr.replace(sympy.Pow, lambda base, power: sympy.exp(exponent(base) * power)
                          if exponent(base) is not None else base**power)  # fmt: skip
    flat = sympy.expand_mul(sympy.expand_multinomial(powers))
    return sympy.Add(*map(joined, sympy.Add.make_args(flat)))


def exponent(base: sympy.Expr) -> sympy.Expr | None:
    """The x where `base` is exp(x), a product of exponentials, else None."""
    factors = sympy.Mul.make_args(base)
    if not all(isinstance(f, sympy.exp) for f in factors):
        return None
    return sympy.Add(*(f.args[0] for f in factors))


def joined(term: sympy.Expr) -> sympy.Expr:
    """A term with the product of its exponentials written as one: 0 * inf is no number."""
    if term.is_Add:
        return sympy.Add(*map(joined, term.args))
    factors = sympy.Mul.make_args(term)
    powers = [f.args[0] for f in factors if isinstance(f, sympy.exp)]
    rest = [joined(f) if f.is_Add else f for f in factors if not isinstance(f, sympy.exp)]
    power = sympy.collect(sympy.expand(sympy.Add(*powers)), ORDER)
    return sympy.Mul(*rest, sympy.exp(power))


def plain(expr: sympy.Expr) -> sympy.Expr:
    """D(0, q), with relu of q and of -q evaluated and fractions of the order cancelled."""
    q = sympy.exp(LOG_Q)
    return sympy.simplify(expr.subs({relu(q): q, relu(-q): 0}))


def in_words(expr: sympy.Expr) -> sympy.Expr:
    """The exponentials of log p and log q by their names; those of mixtures stay."""

    def named(argument: sympy.Expr) -> sympy.Expr:
        times = [argument.coeff(log) for log in (LOG_P, LOG_Q)]
        alone = argument == times[0] * LOG_P + times[1] * LOG_Q
        if alone and all(t.is_Integer and t >= 0 for t in times):
            return P ** times[0] * Q ** times[1]
        if argument in (-LOG_P, LOG_P / 2):
            return P ** times[0]
        return sympy.exp(sympy.factor_terms(argument))

    # what stands in an exponent is settled, so mixtures are mere names from here on
    found = expr.replace(sympy.exp, named)
    mixed = {e: sympy.Dummy(positive=True) for e in found.atoms(sympy.exp)}
    short = found.xreplace(mixed)
    forms = [short, sympy.factor_terms(short), sympy.factor_terms(sympy.cancel(short))]
    best = min(forms, key=lambda e: (sympy.count_ops(e), str(e)))
    return best.xreplace({name: e for e, name in mixed.items()})


# --------------------------------------------------------------------------- text


def takes_log_p(reduction: Reduction) -> bool:
    """Whether p is passed by its logarithm: where a p of 0 is infinite, none may be lost.

    A softmax has the logarithm of every p whose exponential underflows.
    """
    by_rows = not reduction.target.symmetrised or reduction.allowed.kind != "mask"
    softmax = reduction.target.form == "softmax" and by_rows and reduction.normalise != "pair"
    return softmax and reduction.divergence == "reverse-kl"


def functions(program: Program, dialect: Dialect, text: str) -> list[str]:
    """The source of `_divergence` and `_slope`, as far as `text` calls them."""
    icon = program.method.icon
    if icon.divergence == "kl":
        return []
    found = summand(icon)
    write = SympyPrinter(dialect, {s: str(s) for s in (P, Q, LOG_P, LOG_Q, ORDER)})
    lib, array = ("torch", "Tensor") if dialect is TORCH else ("np", "np.ndarray")
    infinite = f"{lib}.where(q > 0, {'math' if dialect is TORCH else 'np'}.inf, 0.0)"
    values = {
        "value": write(found.value),
        "zero": infinite if found.full else constant(write(found.zero)),
        "slope": write(found.slope),
        "zero_slope": constant(write(found.zero_slope)),
    }
    source = environment().get_template("divergence.jinja").render(
        lib=lib,
        array=array,
        **values,
        value_uses=words(values["value"], values["zero"]),
        slope_uses=words(values["slope"], values["zero_slope"]),
        ordered=found.ordered,
        full=found.full,
        logs=any(map(takes_log_p, program.reductions)),
        title=f"The summand of the {found.title} divergence.",
    )  # fmt: skip
    parts = source.strip().split("\n\n\n")
    return [part for part in parts if f"{part[4 : part.index('(')]}(" in text]


def constant(text: str) -> str:
    """A number as a float, so that a choice between it and an array is one."""
    return f"{text}.0" if text.isdigit() else text


def words(*texts: str) -> list[str]:
    """Which of p, q and their logarithms some texts read; log p is computed from p."""
    found = [n for n in ("p", "q", "log_p", "log_q")
             if any(re.search(rf"(?<![\w.]){n}(?!\w)", text) for text in texts)]  # fmt: skip
    return [*found, *(["p"] if "log_p" in found and "p" not in found else [])]


def passed(icon: Icon) -> str:
    """What the calls of `_divergence` and `_slope` end with."""
    return ", order" if summand(icon).ordered else ""


def order_line(program: Program, printer: TensorPrinter) -> list[str]:
    """The line that computes the order of the divergence, where the file gives no number."""
    icon = program.method.icon
    if program.kl or not summand(icon).ordered:
        return []
    text, but = printer.expr(icon.degree), DIVERGENCES[icon.divergence].but
    like = f"{anchor(program)}.new_tensor({text.code})"
    code = like if text.plain and printer.dialect is TORCH else text.code
    return [f"order = _order({code}{f', {but}.0' if but else ''})"]
