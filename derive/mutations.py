"""Errors that people make when they write a loss down, as changes of one node of a formula.

A rule gets a place and yields what could wrongly stand there instead. The rules know no method:
they change the shape of the formula, with the letters in scope and the index functions that are
declared. A change may happen to mean the same (a sign under a square); `derive.mutate` finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from catalog.symbols import (
    Add,
    Big,
    Call,
    Cos,
    Div,
    Dot,
    Expr,
    Iverson,
    Macro,
    Mul,
    Node,
    Norm,
    Num,
    Pow,
    Size,
    SqNorm,
    Sym,
)  # fmt: skip
from catalog.tidy import negative, tidy
from derive.mutations_sets import (
    MINUS,
    ONE,
    Words,
    condition,
    count,
    index,
    normalisation,
    self_pair,
)  # fmt: skip
from derive.places import Place, is_expr, is_scalar
from derive.translate import is_vector

Rule = Callable[[Place, Words], Iterator[Node]]
TWO, HALF = Num(Fraction(2)), Num(Fraction(1, 2))


def top(place: Place) -> bool:
    """Whether a change of a factor here is none of the factor of the node above."""
    return not isinstance(place.above, Mul | Div)


# --------------------------------------------------------------------------- numbers and terms


def sign(place: Place, words: Words) -> Iterator[Node]:
    """A minus too many or too few."""
    if is_expr(place.node) and top(place) and not isinstance(place.node, Num):
        yield negative(place.node)


def factor(place: Place, words: Words) -> Iterator[Node]:
    """Twice, half, n times, one n-th."""
    if is_expr(place.node) and top(place) and not isinstance(place.node, Num):
        for x in (TWO, *words.sizes()):
            yield Mul((x, place.node))
            yield Div(place.node, x)


def number(place: Place, words: Words) -> Iterator[Node]:
    """A wrong number, such as other degrees of freedom."""
    if isinstance(place.node, Num):
        v = place.node.value
        found = [v + 1, v - 1, 2 * v, -v, v / 2, *([1 / v] if v else [])]
        yield from (Num(w) for w in dict.fromkeys(found) if w != v)


def temperature(place: Place, words: Words) -> Iterator[Node]:
    """A positive scalar forgotten, squared, inverted, or moved out of an exponential."""
    match place.node:
        case Sym(kind="positive" | "nonnegative" | "probability", dim=None):
            yield ONE
            yield Pow(place.node, TWO)
            yield Div(ONE, place.node)
            yield Call("sqrt", (place.node,))
        case Div(num=a, den=b) if _tempered(b):
            yield a
            yield Mul((b, a))
            yield Div(Mul((MINUS, a)), b)
        case Call(fn="exp", args=(Div(num=a, den=b),)) if _tempered(b):
            yield Div(Call("exp", (a,)), b)
        case Call(fn="exp", args=(Mul(args=(a, *rest)),)) if rest and not is_vector(a):
            yield Mul((a, Call("exp", (tidy(Mul(tuple(rest))),))))


def _tempered(e: Expr) -> bool:
    return isinstance(e, Sym) or (isinstance(e, Mul) and any(map(_tempered, e.args)))


def dropped(place: Place, words: Words) -> Iterator[Node]:
    """A term, a factor or a denominator left out."""
    match place.node:
        case Add(args=args):
            yield from (_rest(Add, args, k) for k in range(len(args)))
        case Mul(args=args):
            for k, arg in enumerate(args):
                if not is_vector(arg):
                    yield _rest(Mul, args, k)
        case Div(num=a, den=b):
            yield a
            if not is_vector(a) and a != ONE:
                yield Div(ONE, b)
        case Iverson():
            yield ONE


def _rest(kind: type[Add | Mul], args: tuple[Expr, ...], k: int) -> Expr:
    rest = (*args[:k], *args[k + 1 :])
    return rest[0] if len(rest) == 1 else kind(rest)


def power(place: Place, words: Words) -> Iterator[Node]:
    """A square or a root too many; a distance squared or not."""
    match place.node:
        case SqNorm(u=u):
            yield Norm(u)
        case Norm(u=u):
            yield SqNorm(u)
        case Pow(base=b, exponent=e):
            yield b
            yield Pow(b, tidy(Mul((TWO, e))))
            yield Pow(b, negative(e))
        case Call(fn="sqrt", args=(x,)):
            yield x
    if (
        is_expr(place.node)
        and is_scalar(place.node)
        and not isinstance(place.node, Num | Add | Pow | SqNorm | Norm)
    ):
        if not isinstance(place.above, Add):
            yield Pow(place.node, TWO)
        if isinstance(place.above, Mul | Div | Call):
            yield Call("sqrt", (place.node,))


def direction(place: Place, words: Words) -> Iterator[Node]:
    """P and q exchanged: a/b for b/a, q log p for p log q."""
    match place.node:
        case Div(num=a, den=b) if not is_vector(a):
            yield Div(b, a)
        case Mul(args=args) if not any(map(is_vector, args)):
            lead = [x for x in args if x == MINUS]
            for arg in args:
                rest = [x for x in args if x is not arg and x != MINUS]
                if isinstance(arg, Call) and arg.fn == "log" and rest:
                    other = rest[0] if len(rest) == 1 else Mul(tuple(rest))
                    yield Mul((*lead, arg.args[0], Call("log", (other,))))


# --------------------------------------------------------------------------- functions


def log(place: Place, words: Words) -> Iterator[Node]:
    """A logarithm forgotten, added, or taken of the sum for the sum of logarithms."""
    node = place.node
    match node:
        case Call(fn="log", args=(x,)):
            yield x
            if isinstance(x, Big) and x.op in ("sum", "mean"):
                yield replace(x, body=Call("log", (x.body,)))
        case Big(op="sum" | "mean", body=Call(fn="log", args=(x,))):
            yield Call("log", (replace(node, body=x),))
        case Big(op="sum" | "mean", body=Mul(args=(a, Call(fn="log", args=(x,))))) if a == MINUS:
            yield Mul((MINUS, Call("log", (replace(node, body=x),))))
    inside = isinstance(place.above, Call) and place.above.fn in ("log", "exp")
    if is_scalar(node) and not inside and isinstance(node, Call | Div | Big | Size | Macro | Sym):
        yield Call("log", (node,))


def exp(place: Place, words: Words) -> Iterator[Node]:
    """An exponential forgotten, or replaced by a function that looks like it."""
    match place.node:
        case Call(fn="exp", args=(x,)):
            yield x
            yield Add((ONE, x))
            yield Call("softplus", (x,))
        case Call(fn="sigmoid", args=(x,)):
            yield x
            yield Call("exp", (x,))
            yield Call("softplus", (x,))
        case Call(fn="log", args=(x,)):
            yield Call("exp", (x,))


def score(place: Place, words: Words) -> Iterator[Node]:
    """Cosine for the inner product, product for distance."""
    match place.node:
        case Cos(u=u, v=v):
            yield Dot(u, v)
            yield SqNorm(Add((u, negative(v))))
        case Dot(u=u, v=v):
            yield Cos(u, v)
            yield negative(SqNorm(Add((u, negative(v)))))
        case SqNorm(u=Add(args=(u, Mul(args=(a, v))))) if a == MINUS:
            yield Dot(u, v)
            yield Cos(u, v)


def mean(place: Place, words: Words) -> Iterator[Node]:
    """A sum for a mean, a mean for a sum."""
    match place.node:
        case Big(op="sum") as node:
            yield replace(node, op="mean")
        case Big(op="mean") as node:
            yield replace(node, op="sum")


def maximum(place: Place, words: Words) -> Iterator[Node]:
    """The largest or the smallest term for the sum of them."""
    node = place.node
    if isinstance(node, Big) and len(node.vars) == 1 and is_scalar(node):
        for op in ("max", "min"):
            if node.op != op:
                yield replace(node, op=op)


FORMULA: Mapping[str, Rule] = {
    "sign": sign, "factor": factor, "number": number, "temperature": temperature,
    "dropped term": dropped, "power": power, "direction": direction, "index": index,
    "normalisation": normalisation, "self pair": self_pair, "condition": condition, "count": count,
    "log": log, "exp": exp, "score": score, "mean": mean, "max": maximum,
}  # fmt: skip
"""The kinds of error in a formula."""
