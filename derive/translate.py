"""Surface formulas -> terms: vectors become sums over coordinates, conditions 0/1 factors.

Not trusted: a certificate is about the terms it shows. What keeps this honest is the sympy judge,
which translates the surface tree on its own, and the numpy references of the tests.
"""

from __future__ import annotations

import operator
from fractions import Fraction
from functools import reduce
from itertools import count

from catalog import symbols as s
from catalog.errors import InputError
from derive.claims import total
from derive.terms import Domain, Term, bind, mk, num, var
from derive.theorem import MINUS

_coordinate = count(1)


def dom(index_set: s.IndexSet) -> Domain:
    """The domain of an index set; an enumerated one carries its elements."""
    return (index_set.name, index_set.elements) if index_set.elements else index_set.name


def index(i: s.Index) -> Term:
    """An index as a term."""
    if isinstance(i, s.IVar):
        return var(i.name, dom(i.set))
    if not i.args and i.name in i.set.elements:
        return mk("el", (i.name, dom(i.set)))
    args = [index(a) for a in i.args]
    return mk("fn", (i.name, tuple(dom(a.set) for a in i.args), dom(i.set)), *args)


def negate(t: Term) -> Term:
    """1 - t for a 0/1 term."""
    return mk("add", None, num(1), MINUS * t)


def condition(c: s.Cond) -> Term:
    """A condition as a 0/1 term: a product of indicators, disjunction by De Morgan."""
    match c:
        case s.Equal(a, b, negated):
            return mk("ne" if negated else "eq", None, index(a), index(b))
        case s.Mask(name, args, negated):
            t = mk("mask", (name, tuple(dom(a.set) for a in args)), *map(index, args))
            return negate(t) if negated else t
        case s.SetRef(_, _, _, cond, negated):
            return negate(condition(cond)) if negated else condition(cond)
        case s.Or(args):
            return negate(product([negate(condition(a)) for a in args]))
        case s.And(args):
            return product([condition(a) for a in args])
    raise TypeError(c)


def product(factors: list[Term]) -> Term:
    """The product of a list; nested products are merged so that conditions read flat."""
    flat = [g for f in factors for g in (f.args if f.op == "mul" else (f,)) if g is not num(1)]
    return flat[0] if len(flat) == 1 else mk("mul", None, *flat) if flat else num(1)


def power(base: Term, exponent: s.Expr) -> Term:
    """Base ^ exponent: by products for a small integer, else exp(exponent * log base)."""
    e = number(exponent)
    if e is not None and e.denominator == 1 and abs(e) <= 16:
        if e == 0:
            return num(1)
        p = reduce(lambda x, y: x * y, [base] * abs(int(e)))
        return p if e > 0 else mk("inv", None, p)
    return mk("exp", None, scalar(exponent) * mk("log", None, base))


def number(e: s.Expr) -> Fraction | None:
    """The rational that an expression of numbers only stands for, else None."""
    match e:
        case s.Num(v):
            return v
        case s.Macro(_, _, body):
            return number(body)
        case s.Add(args) | s.Mul(args):
            values = [x for a in args if (x := number(a)) is not None]
            if len(values) < len(args):
                return None
            return reduce(operator.add if isinstance(e, s.Add) else operator.mul, values)
        case s.Div(a, b):
            x, y = number(a), number(b)
            return x / y if x is not None and y else None
    return None


def coordinate(v: s.Expr, a: Term) -> Term:
    """Coordinate a of a vector expression."""
    match v:
        case s.Sym(name, args, _, dim, _):
            assert dim is not None
            doms = (*(dom(i.set) for i in args), dom(dim))
            return mk("app", (name, doms), *map(index, args), a)
        case s.Add(args):
            return mk("add", None, *(coordinate(x, a) for x in args))
        case s.Mul(args):
            return mk("mul", None, *(coordinate(x, a) if is_vector(x) else scalar(x) for x in args))
        case s.Div(x, y):
            return coordinate(x, a) * inverse(y)
        case s.Call("sg", (x,)):
            return mk("sg", None, coordinate(x, a))
        case s.Macro(_, _, body):
            return coordinate(body, a)
        case s.Big("sum" | "mean", vs, cond, body):
            return big(v.op, vs, cond, coordinate(body, a))
    raise TypeError(f"no vector: {v}")


def dimension(v: s.Expr) -> s.IndexSet | None:
    """The index set of the coordinates of a vector expression, None for a scalar."""
    match v:
        case s.Sym(_, _, _, dim, _):
            return dim
        case s.Add(args) | s.Mul(args):
            return next((d for d in map(dimension, args) if d), None)
        case s.Div(x, _) | s.Macro(_, _, x) | s.Big(_, _, _, x) | s.Call("sg", (x,)):
            return dimension(x)
    return None


def is_vector(v: s.Expr) -> bool:
    """Whether an expression is a vector."""
    return dimension(v) is not None


def inner(u: s.Expr, v: s.Expr) -> Term:
    """Inner product, a sum over coordinates."""
    d = dimension(u)
    assert d is not None
    a = var(f"a'{next(_coordinate)}", dom(d))
    return bind("sum", a, coordinate(u, a) * coordinate(v, a))


def root(t: Term) -> Term:
    """Square root of a positive term."""
    return mk("exp", None, num(Fraction(1, 2)) * mk("log", None, t))


def big(op: str, vs: tuple[s.IVar, ...], cond: s.Cond, body: Term) -> Term:
    """A big operator over a lowered body."""
    ivs, m = [index(v) for v in vs], condition(cond)
    if op in ("sum", "mean"):
        value = total(ivs, body if m is num(1) else m * body)
        return value * mk("inv", None, total(ivs, m)) if op == "mean" else value
    if len(ivs) > 1:
        raise InputError(
            f"{op} over several indices at once is not supported; nest {op}[i] {op}[j] instead"
        )
    if op == "max":
        return bind("bigmax", ivs[0], m, body)
    return MINUS * bind("bigmax", ivs[0], m, MINUS * body)


def inverse(e: s.Expr) -> Term:
    """1/e, a number where e is one."""
    c = number(e)
    return num(1 / c) if c else mk("inv", None, scalar(e))


def scalar(e: s.Expr) -> Term:
    """A scalar expression as a term."""
    match e:
        case s.Num(v):
            return num(v)
        case s.Sym(name, args, _, _, _):
            return mk("app", (name, tuple(dom(i.set) for i in args)), *map(index, args))
        case s.Add(args):
            return mk("add", None, *map(scalar, args))
        case s.Mul(args):
            return mk("mul", None, *map(scalar, args))
        case s.Div(a, b):
            return scalar(a) * inverse(b)
        case s.Pow(s.Norm(u), x) if (even := number(x)) is not None and even % 2 == 0:
            return power(inner(u, u), s.Num(even / 2))  # a square root needs no root
        case s.Pow(b, x):
            return power(scalar(b), x)
        case s.Dot(u, v):
            return inner(u, v)
        case s.SqNorm(u):
            return inner(u, u)
        case s.Norm(u):
            return root(inner(u, u))
        case s.Cos(u, v):
            lengths = (mk("inv", None, root(inner(w, w))) for w in (u, v))
            return mk("mul", None, inner(u, v), *lengths)
        case s.Iverson(c):
            return condition(c)
        case s.Big(op, vs, cond, body):
            return big(op, vs, cond, scalar(body))
        case s.Size(vs, cond, _):
            return total([index(v) for v in vs], condition(cond))
        case s.Macro(_, _, body):
            return scalar(body)
        case s.Call(fn, args):
            xs = [scalar(a) for a in args]
            match fn:
                case "exp" | "log" | "relu" | "sg":
                    return mk(fn, None, xs[0])
                case "max":
                    return mk("max", None, *xs)
                case "min":
                    return MINUS * mk("max", None, *(MINUS * x for x in xs))
                case "sqrt":
                    return root(xs[0])
                case "sigmoid":
                    return mk("inv", None, num(1) + mk("exp", None, MINUS * xs[0]))
                case "softplus":
                    return mk("log", None, num(1) + mk("exp", None, xs[0]))
    raise TypeError(f"no scalar: {e}")
