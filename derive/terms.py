"""TRUSTED. Terms over finite index sets: hash-consed, de Bruijn binders, total operations.

A model gives an index set a finite non-empty set, a family a real array, a mask a 0/1 array.
inv(0) = 0, log(x <= 0) = 0, sg(x) = x; bigmax: the maximum where its first argument is not 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import count, permutations, product
from math import factorial, inf, prod
from operator import attrgetter
from time import monotonic
from typing import Any

Domain = str | tuple[str, tuple[str, ...]]  # an index set; an enumerated one lists its elements
MAX_DEPTH, MAX_SIZE = 150, 20_000  # a rule refuses beyond: no certificate may exhaust its reader
deadline = [inf]  # for the same reason: who reads what others wrote sets a time (time.monotonic)
INDEX = frozenset(("v", "b", "el", "fn"))  # variable, bound variable, element, f(i)
BOOL = frozenset(("eq", "ne", "mask"))  # [a = b], [a != b], a declared 0/1 array
SYMMETRIC = frozenset(("add", "mul", "eq", "ne"))  # a + b and b + a are one term
BINDERS = frozenset(("sum", "bigmax"))
ARITY = {"inv": 1, "exp": 1, "log": 1, "relu": 1, "sg": 1, "sum": 1, "bigmax": 2, "max": 2}


class RuleError(Exception):
    """A term is ill-formed or a rule does not apply."""


def need(ok: object, why: str) -> None:
    """Refuse unless ok, and whatever comes after the deadline."""
    if not ok or monotonic() > deadline[0]:
        raise RuleError("the time to check is used up" if ok else why)


def is_domain(d: Any) -> bool:
    """Whether d is an index set: a name, or a name with distinct elements."""
    if type(d) is tuple and len(d) == 2 and type(d[0]) is str and type(d[1]) is tuple:
        return {str} == set(map(type, d[1])) and len(set(d[1])) == len(d[1])
    return type(d) is str and d != ""


def is_short(q: Fraction | int) -> bool:
    """Whether a number has no more than some 3900 digits."""
    return not (abs(q.numerator) | q.denominator) >> 13_000


@dataclass(slots=True, eq=False)
class Term:
    """A node, alone of its kind. `free`: its index variables; `loose`: its unbound (k, domain)."""

    op: str
    data: Any
    args: tuple[Term, ...]
    free: frozenset[Term]
    loose: frozenset[tuple[int, Domain]]
    depth: int
    size: int
    key: tuple[bytes, ...]  # orders by form, then names, the same in every process

    def __add__(self, other: Term) -> Term:
        return mk("add", None, self, other)

    def __mul__(self, other: Term) -> Term:
        return mk("mul", None, self, other)

    def __sub__(self, other: Term) -> Term:
        return mk("add", None, self, mk("mul", None, num(-1), other))


order = attrgetter("key")
_table: dict[tuple[Any, ...], Term] = {}


def mk(op: str, data: Any, *args: Term) -> Term:
    """The term op(data; args), checked: arity, indices where they belong, and their index sets."""
    if (known := _table.get(said := (op, data, args))) is not None:
        return known
    if op in SYMMETRIC and args != (args := tuple(sorted(args, key=order))):
        return _table.setdefault(said, mk(op, data, *args))
    doms = tuple([domain(a) if a.op in INDEX else None for a in args])
    match op, data:
        case "num", Fraction():
            good = not args and is_short(data)
        case "v" | "b", (name, d):
            good = not args and is_domain(d) and type(name) in ((int, str) if op == "v" else (int,))
        case "el", (name, (_, names) as d):
            good = not args and is_domain(d) and name in names
        case "eq" | "ne", None:
            good = len(args) == 2 and doms[0] is not None and doms[0] == doms[1]
        case ("app" | "mask", (str(), sets)) | ("fn", (str(), sets, _)):
            good = sets == doms and None not in doms and (op != "fn" or is_domain(data[2]))
        case "sum" | "bigmax", _:
            good = is_domain(data) and not any(doms) and len(args) == ARITY[op]
            good = good and all(d == data for a in args for k, d in a.loose if k == 0)
        case _:
            good = data is None and (op in ("add", "mul") or len(args) == ARITY.get(op, -1))
            good = good and not any(doms)
    need(good, f"ill-formed term {op}")
    depth, size = 1 + max([0, *[a.depth for a in args]]), 1 + sum([a.size for a in args])
    need(depth <= MAX_DEPTH and size <= 10 * MAX_SIZE, "a term is too deep or too large")
    loose = frozenset((data,) if op == "b" else ()).union(*[a.loose for a in args])
    loose = frozenset((k - 1, d) for k, d in loose if k != 0) if op in BINDERS else loose
    name = f"{op}|{data!r}".encode()
    form = f"v|{data[1]!r}".encode() if op == "v" and type(data[0]) is str else name
    parts = [b"".join([head, *[a.key[k] for a in args]]) for k, head in enumerate((form, name))]
    key = tuple([hashlib.blake2b(part, digest_size=16).digest() for part in parts])
    t = Term(op, data, args, frozenset().union(*[a.free for a in args]), loose, depth, size, key)
    t.free = frozenset((t,)) if op == "v" else t.free
    return _table.setdefault(said, t)


def num(value: int | Fraction) -> Term:
    """A rational constant."""
    return mk("num", Fraction(value))


def var(name: str, dom: Domain) -> Term:
    """A free index variable; numbered ones are internal."""
    return mk("v", (name, dom))


def domain(t: Term) -> Domain:
    """The index set of an index."""
    return t.data[2] if t.op == "fn" else t.data[1]  # type: ignore[no-any-return]


def rebuild(t: Term, f: Any, k: int) -> Term:
    """`t` with f(argument, level) for its arguments; the level rises under a binder."""
    return mk(t.op, t.data, *[f(a, k + (t.op in BINDERS)) for a in t.args])


def bind(op: str, v: Term, *bodies: Term) -> Term:
    """The binder op over the free variable v: sum over v of body."""
    need(v.op == "v", "an index variable is needed")

    def close(t: Term, k: int) -> Term:
        return mk("b", (k, domain(v))) if t is v else rebuild(t, close, k) if v in t.free else t

    return mk(op, v.data[1], *(close(b, 0) for b in bodies))


def open_binder(t: Term, e: Term, arg: int = 0) -> Term:
    """The body of the binder t at the closed index e."""

    def fill(u: Term, k: int) -> Term:
        return u if all(j < k for j, _ in u.loose) else e if u.op == "b" else rebuild(u, fill, k)

    return fill(t.args[arg], 0)


def subst(t: Term, new: Mapping[Term, Term]) -> Term:
    """`t` with every occurrence of closed terms replaced by closed terms, all at once."""
    return _subst(t, tuple([item for item in new.items() if item[0].free <= t.free]))


@lru_cache(100_000)
def _subst(t: Term, new: tuple[tuple[Term, Term], ...]) -> Term:
    memo, names = dict(new), [old.free for old, _ in new]

    def go(u: Term, _k: int = 0) -> Term:
        if u not in memo:
            memo[u] = rebuild(u, go, 0) if any(n <= u.free for n in names) else u
        return memo[u]

    return go(t) if new else t


Monomial = tuple[tuple[Term, ...], tuple[Term, ...]]  # bound variables, factors
Poly = dict[Monomial, Fraction | int]  # an int where it is whole: that is many times faster


def collect(pairs: Iterable[tuple[Monomial, Fraction | int]]) -> Poly:
    """The sum of monomials with coefficients, zeros left out."""
    out: Poly = {}
    for m, c in pairs:
        out[m] = out[m] + c if m in out else c
        need(len(out) <= MAX_SIZE and is_short(out[m]), "an expression is too large to expand")
    return {m: c for m, c in out.items() if c}


def renamed(fs: tuple[Term, ...], names: Mapping[Term, Term]) -> tuple[Term, ...]:
    """Factors with variables renamed, in order."""
    news = [(f, tuple([(v, names[v]) for v in f.free if v in names])) for f in fs]
    return tuple(sorted([_subst(f, new) if new else f for f, new in news], key=order))


def join(m: Monomial, n: Monomial) -> Monomial:
    """The product of two monomials; a bound variable of both gets a new number in the second."""
    free = (k for k in count(MAX_DEPTH + 1) if k not in {v.data[0] for v in m[0] + n[0]})
    clash = {v: mk("v", (next(free), v.data[1])) for v in n[0] if v in m[0]}
    fs = m[1] + (renamed(n[1], clash) if clash else n[1])
    return m[0] + tuple([clash.get(v, v) for v in n[0]]), tuple(sorted(fs, key=order))


def times(p: Poly, q: Poly) -> Poly:
    """The product of two polynomials."""
    return collect((join(m, n), c * d) for (m, c), (n, d) in product(p.items(), q.items()))


@lru_cache(100_000)
def expand(t: Term, shut: frozenset[Domain] = frozenset()) -> Poly:
    """`t` as a sum of coefficient * (sum over variables of atoms); sums over `shut` are atoms."""
    if t.op == "sum" and t.data not in shut:
        v = mk("v", (t.depth, t.data))  # a number that no sum inside or outside has
        return {((v, *vs), fs): c for (vs, fs), c in expand(open_binder(t, v), shut).items()}
    if t.op == "add":
        return collect(item for a in t.args for item in expand(a, shut).items())
    if t.op == "mul":
        return reduce(times, [expand(a, shut) for a in t.args] or [{((), ()): 1}])
    atom, c = ((), t.data) if t.op == "num" else ((t,), 1)
    return collect([(((), atom), c if c.denominator > 1 else c.numerator)])


@lru_cache(100_000)
def canonical(vs: tuple[Term, ...], fs: tuple[Term, ...], name: Any = lambda k: -k) -> Monomial:
    """The monomial with its bound variables called name(1), ..., whatever they were called."""

    def numbered(vs: tuple[Term, ...]) -> Monomial:
        names = {v: mk("v", (name(k), v.data[1])) for k, v in enumerate(vs, 1)}
        return tuple(names.values()), renamed(fs, names)

    groups: dict[tuple[str, bytes], list[Term]] = {}  # by what a variable does; ties in any order
    for v in vs if len(vs) > 2 else ():
        role = renamed(fs, {w: mk("v", (0 if w is v else -1, w.data[1])) for w in vs})
        groups.setdefault((repr(v.data[1]), b"".join([f.key[0] for f in role])), []).append(v)
    ties = [groups[k] for k in sorted(groups)] or [list(vs)]
    cost = prod([factorial(len(g)) for g in ties]) * sum([f.size for f in fs])
    need(cost <= 10 * MAX_SIZE, "too many sums that look alike")
    ways = (sum(parts, ()) for parts in product(*(permutations(g) for g in ties)))
    return min(map(numbered, ways), key=lambda m: [t.key for t in m[1] + m[0]])


@lru_cache(100_000)
def canon(*ts: Term, over: tuple[Term, ...] = ()) -> Poly:
    """Normal form, modulo rings and finite sums, of the sum over variables of a product."""
    need(len({v for v in over if v.op == "v"}) == len(over), "different variables are needed")
    whole = reduce(times, map(expand, ts))
    return collect((canonical((*over, *vs), fs), c) for (vs, fs), c in whole.items())
