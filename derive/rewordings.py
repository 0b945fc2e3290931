"""Other ways to write the same formula, as changes of one node that keep its value.

A rule gets a place and a random generator and yields what may stand there as well. What a rule
yields is defined wherever the node was, under the hypotheses of a published loss: sums inside a
logarithm or a denominator are not empty. `derive.variants` composes them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from catalog.pair import renewed
from catalog.symbols import (
    Add,
    Big,
    Call,
    Cos,
    Div,
    Dot,
    Expr,
    Iverson,
    Mul,
    Node,
    Norm,
    Num,
    Pow,
    Size,
    SqNorm,
    Sym,
)  # fmt: skip
from catalog.tidy import negative
from derive.mutations import HALF, TWO
from derive.mutations_sets import MINUS, ONE
from derive.places import Place, is_expr, is_scalar
from derive.rewordings_sums import (
    bare,
    bracket,
    commute,
    complete,
    count,
    distribute,
    mean_as_sum,
    minus,
    pull_out,
    rename,
    swap_sums,
    unfold,
)  # fmt: skip

Rewording = Callable[[Place, random.Random], Iterator[Node]]


def nonnegative(e: Expr) -> bool:
    """Whether the form of an expression alone shows that it is not negative."""
    match bare(e):
        case Num(value=v):
            return v >= 0
        case Sym(kind=kind, dim=None):
            return kind != "real"
        case Add(args=args) | Mul(args=args):
            return all(map(nonnegative, args))
        case Div(num=a, den=b):
            return nonnegative(a) and nonnegative(b)
        case Pow(base=b):
            return nonnegative(b)
        case Call(fn="exp" | "sqrt" | "sigmoid" | "softplus" | "relu"):
            return True
        case Big(op="sum" | "mean", body=body):
            return nonnegative(body)
        case SqNorm() | Norm() | Iverson() | Size():
            return True
    return False


# --------------------------------------------------------------------------- arithmetic


def quotient(place: Place, rng: random.Random) -> Iterator[Node]:
    """a/b as a (1/b), as (c a)/(c b), as one fraction."""
    match place.node:
        case Div(num=a, den=b) if is_scalar(a):
            yield Mul((a, Div(ONE, b)))
            yield Div(Mul((TWO, a)), Mul((TWO, b)))
            if isinstance(bare(a), Div):
                top = bare(a)
                assert isinstance(top, Div)
                yield Div(top.num, Mul((top.den, b)))
            yield Mul((a, Pow(b, MINUS)))


def minus_minus(place: Place, rng: random.Random) -> Iterator[Node]:
    """X - y as -(y - x), and x as -(-x)."""
    node = place.node
    if isinstance(node, Add):
        yield Mul((MINUS, Add(tuple(negative(x) for x in node.args[::-1]))))
    elif is_expr(node) and not isinstance(node, Num) and not isinstance(place.above, Mul):
        yield Mul((MINUS, Mul((MINUS, node))))


def same_sum(place: Place, rng: random.Random) -> Iterator[Node]:
    """X as x + 1 - 1, as 2 x / 2, as x/3 + 2x/3."""
    node = place.node
    if is_expr(node) and is_scalar(node) and not isinstance(node, Num):
        yield Add((node, ONE, MINUS))
        yield Div(Mul((TWO, node)), TWO)
        third = Num(Fraction(1, 3))
        yield Add((Mul((third, node)), Mul((Num(Fraction(2, 3)), renewed(node)))))


def powers(place: Place, rng: random.Random) -> Iterator[Node]:
    """x^2 as x x, x^-1 as 1/x, a root as a power, a length as a root."""
    match place.node:
        case Pow(base=b, exponent=Num(value=v)) if v == 2:
            yield Mul((b, renewed(b)))
        case Pow(base=b, exponent=Num(value=v)) if v < 0:
            yield Div(ONE, Pow(b, Num(-v)) if v != -1 else b)
        case Pow(base=b, exponent=Mul() as e):
            yield Div(ONE, Pow(b, negative(e)))
        case Call(fn="sqrt", args=(x,)):
            yield Pow(x, HALF)
        case Norm(u=u):
            yield Call("sqrt", (SqNorm(u),))
        case Cos(u=u, v=v):
            yield Div(Dot(u, v), Mul((Norm(renewed(u)), Norm(renewed(v)))))
        case SqNorm(u=Add(args=(a, b))):
            cross = Mul((TWO, Dot(renewed(a), renewed(b))))
            yield Add((SqNorm(a), cross, SqNorm(b)))


# --------------------------------------------------------------------------- functions


def logs(place: Place, rng: random.Random) -> Iterator[Node]:
    """The logarithm of a quotient, a product or a power, taken apart; differences put together."""
    match place.node:
        case Call(fn="log", args=(x,)):
            match bare(x):
                case Div(num=a, den=b) if nonnegative(a) and nonnegative(b):
                    yield minus(Call("log", (a,)), Call("log", (b,)))
                    yield Mul((MINUS, Call("log", (Div(b, a),))))
                case Mul(args=args) if all(map(nonnegative, args)):
                    yield Add(tuple(Call("log", (a,)) for a in args))
                case Pow(base=b, exponent=e) if nonnegative(b):
                    yield Mul((e, Call("log", (b,))))
                case Call(fn="exp", args=(y,)):
                    yield y
        case Add(args=(Call(fn="log", args=(a,)), Mul(args=(sign, Call(fn="log", args=(b,)))))):
            if sign == MINUS and nonnegative(a) and nonnegative(b):
                yield Call("log", (Div(a, b),))


def exps(place: Place, rng: random.Random) -> Iterator[Node]:
    """exp(a + b) as a product, exp(-a) as 1/exp(a), and products put together."""
    match place.node:
        case Call(fn="exp", args=(x,)):
            inner = bare(x)
            if isinstance(inner, Add):
                yield Mul(tuple(Call("exp", (a,)) for a in inner.args))
            yield Div(ONE, Call("exp", (negative(x),)))
            if not isinstance(inner, Num):
                yield Pow(Call("exp", (Div(x, TWO),)), TWO)
        case Div(num=a, den=b):
            top, low = bare(a), bare(b)
            if isinstance(top, Call) and isinstance(low, Call) and top.fn == low.fn == "exp":
                yield Call("exp", (minus(top.args[0], low.args[0]),))
        case Mul(args=args) if all(isinstance(bare(a), Call) for a in args):
            calls = [c for c in map(bare, args) if isinstance(c, Call) and c.fn == "exp"]
            if len(calls) == len(args):
                yield Call("exp", (Add(tuple(c.args[0] for c in calls)),))


def softmax(place: Place, rng: random.Random) -> Iterator[Node]:
    """A softmax with all scores shifted; its logarithm as a log-sum-exp."""
    node = bare(place.node) if is_expr(place.node) else place.node
    log = isinstance(node, Call) and node.fn == "log"
    ratio = bare(node.args[0]) if isinstance(node, Call) and log else node
    match ratio:
        case Div(num=a, den=b):
            top, low = bare(a), bare(b)
            body = bare(low.body) if isinstance(low, Big) and low.op == "sum" else None
            if not (isinstance(top, Call) and isinstance(body, Call) and isinstance(low, Big)):
                return
            if top.fn != "exp" or body.fn != "exp":
                return
            x, y = top.args[0], body.args[0]
            if log:
                less = Call("exp", (minus(y, renewed(x)),))
                yield Mul((MINUS, Call("log", (replace(low, body=less),))))
                yield minus(x, Call("log", (low,)))
                return
            for shift in (ONE, x):
                less = Call("exp", (minus(y, renewed(shift)),))
                here = Call("exp", (minus(x, renewed(shift)),))
                yield Div(here, replace(low, body=less))


def functions(place: Place, rng: random.Random) -> Iterator[Node]:
    """A sigmoid, softplus, relu, min or max by its definition."""
    match place.node:
        case Call(fn="sigmoid", args=(x,)):
            yield Div(ONE, Add((ONE, Call("exp", (negative(x),)))))
            yield Div(Call("exp", (x,)), Add((ONE, Call("exp", (renewed(x),)))))
            yield minus(ONE, Call("sigmoid", (negative(x),)))
        case Call(fn="softplus", args=(x,)):
            yield Call("log", (Add((ONE, Call("exp", (x,)))),))
        case Call(fn="relu", args=(x,)):
            yield Call("max", (x, Num(Fraction(0))))
        case Call(fn="max" | "min" as fn, args=args):
            other = "min" if fn == "max" else "max"
            yield Mul((MINUS, Call(other, tuple(map(negative, args)))))
        case Big(op="max" | "min" as op) as node:
            flipped = replace(node, op="min" if op == "max" else "max", body=negative(node.body))
            yield Mul((MINUS, flipped))


REWORDINGS: Mapping[str, Rewording] = {
    "rename": rename, "unfold": unfold, "commute": commute, "swap sums": swap_sums,
    "distribute": distribute, "pull out": pull_out, "mean as sum": mean_as_sum, "count": count,
    "complete sum": complete, "bracket": bracket, "quotient": quotient, "minus": minus_minus,
    "same sum": same_sum, "powers": powers, "logs": logs, "exps": exps, "softmax": softmax,
    "functions": functions,
}  # fmt: skip
"""The rewordings by name."""
