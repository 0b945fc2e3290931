"""One-level simplification for templates: what a default contributes (a factor 1, a term 0) is not shown."""

from __future__ import annotations

from fractions import Fraction

from catalog.symbols import Add, Call, Div, Expr, Mul, Num, Pow

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


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
        case Pow(base=Call(fn="sqrt", args=(Num() as inner,)), exponent=Num(value=value)) if value == 2:
            return inner
    return node
