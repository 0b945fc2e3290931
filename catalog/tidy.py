"""Arithmetic on a tree as it is made: signs, constant exponents, neutral numbers of templates."""

from __future__ import annotations

from fractions import Fraction

from catalog.symbols import Add, Call, Div, Expr, Mul, Num, Pow

ONE = Num(Fraction(1))
MAX_EXPONENT = 1000


def tidy(node: Expr) -> Expr:
    """`node` without neutral numbers at its top; its operands are taken as they are."""
    match node:
        case Add(args=args):
            number = sum((a.value for a in args if isinstance(a, Num)), Fraction(0))
            numbers = [a for a in args if isinstance(a, Num)]
            if len(numbers) == 1 and number != 0:
                return node
            rest = [a for a in args if not isinstance(a, Num)]
            terms = rest + ([Num(number)] if number != 0 or not rest else [])
            return terms[0] if len(terms) == 1 else Add(tuple(terms))
        case Mul(args=args):
            number = Fraction(1)
            for arg in args:
                number *= arg.value if isinstance(arg, Num) else 1
            rest = [a for a in args if not isinstance(a, Num)]
            if not rest:
                return Num(number)
            factors = rest if number == 1 else [Num(number), *rest]
            return factors[0] if len(factors) == 1 else Mul(tuple(factors))
        case Div(num=num, den=Num(value=value)) if value == 1:
            return num
        case Pow(exponent=Num(value=value)) if value == 0:
            return ONE
        case Pow(base=base, exponent=Num(value=value)) if value == 1:
            return base
        case Pow(base=base, exponent=Num(value=value)) if value == -1:
            return Div(ONE, base)
        case Pow(base=Num(value=base), exponent=Num(value=value)) if value == 2:
            return Num(base**2)
        case Pow(base=Call(fn="sqrt", args=(Num() as inner,)), exponent=Num(value=value)) if (
            value == 2
        ):
            return inner
    return node


def negative(expr: Expr) -> Expr:
    """-expr, with the sign taken into a leading number."""
    if isinstance(expr, Num):
        return Num(-expr.value)
    if isinstance(expr, Mul):
        head, *rest = expr.args
        if isinstance(head, Num) and head.value == -1:
            return rest[0] if len(rest) == 1 else Mul(tuple(rest))
        if isinstance(head, Num):
            return Mul((Num(-head.value), *rest))
        return Mul((Num(Fraction(-1)), *expr.args))
    return Mul((Num(Fraction(-1)), expr))


def constant_value(expr: Expr) -> Fraction | None:
    """The value of an expression of numbers only; a power too large to matter counts as huge."""
    huge = Fraction(MAX_EXPONENT + 1)
    if isinstance(expr, Num):
        return expr.value
    if isinstance(expr, Add | Mul):
        total = Fraction(0 if isinstance(expr, Add) else 1)
        for arg in expr.args:
            value = constant_value(arg)
            if value is None:
                return None
            total = total + value if isinstance(expr, Add) else total * value
            if total.numerator.bit_length() + total.denominator.bit_length() > 10_000:
                return huge
        return total
    if isinstance(expr, Pow):
        base, exponent = constant_value(expr.base), constant_value(expr.exponent)
        if base is None or exponent is None:
            return None
        if exponent.denominator != 1 or abs(exponent) > 64 or base == 0:
            return huge
        return Fraction(base**exponent.numerator)
    return None
