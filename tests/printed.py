"""A reader of what derive.printing writes as plain text, made from the grammar alone.

With the types of the symbols a text is read back as one term. `form` maps terms to one another that
the notation does not tell apart: a ring expression to its normal form, 1/(x y) to 1/x 1/y and
1/exp(x) to exp(-x).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Any

from derive.letters import below
from derive.poly import build, flat, poly, times
from derive.terms import BINDERS, INDEX, Domain, Term, bind, domain, mk, num, open_binder, var

TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[0-9]+|!=|[][(){}|,:=+*/^.-])")
Node = tuple[Any, ...]


@dataclass
class Types:
    """What symbols, elements and index sets of terms are."""

    families: dict[str, tuple[Domain, ...]] = field(default_factory=dict)
    masks: dict[str, tuple[Domain, ...]] = field(default_factory=dict)
    functions: dict[str, tuple[tuple[Domain, ...], Domain]] = field(default_factory=dict)
    elements: dict[str, Domain] = field(default_factory=dict)
    sets: dict[str, Domain] = field(default_factory=dict)

    @staticmethod
    def of(terms: Iterable[Term]) -> Types:
        """The types of what terms mention."""
        out = Types()
        for t in below(terms):
            if t.op == "app":
                out.families[t.data[0]] = t.data[1]
            elif t.op == "mask":
                out.masks[t.data[0]] = t.data[1]
            elif t.op == "fn":
                out.functions[t.data[0]] = t.data[1:]
            elif t.op == "el":
                out.elements[t.data[0]] = t.data[1]
            if t.op in BINDERS or t.op in INDEX:
                d = t.data if t.op in BINDERS else domain(t)
                out.sets[d if isinstance(d, str) else d[0]] = d
        return out


@dataclass
class Vector:
    """A vector: its coordinate at an index."""

    over: Domain
    at: Callable[[Term], Term]


class Reader:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str):
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s", "", text), text
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        k = self.at + ahead
        return self.tokens[k] if k < len(self.tokens) else ""

    def take(self, token: str = "") -> str:
        found = self.peek()
        assert found and token in ("", found), (token, self.tokens, self.at)
        self.at += 1
        return found

    def sum(self) -> Node:
        parts = [self.signed()]
        while self.peek() in ("+", "-"):
            parts.append(self.signed())
        return parts[0] if len(parts) == 1 else ("add", parts)

    def signed(self) -> Node:
        sign = self.take() if self.peek() in ("+", "-") else "+"
        part = self.product()
        return ("neg", part) if sign == "-" else part

    def product(self) -> Node:
        out = self.unit()
        while self.peek() in ("*", "/"):
            out = ("mul" if self.take() == "*" else "div", out, self.unit())
        return out

    def unit(self) -> Node:
        if self.peek() in ("sum", "max") and self.peek(1) == "[":
            word = self.take()
            head = self.head("[", "]")
            return (word, *head, self.product())
        out = self.atom()
        if self.peek() == ".":
            self.take()
            out = ("dot", out, self.atom())
        if self.peek() == "^":
            self.take()
            self.take("(")
            out = ("pow", out, self.sum())
            self.take(")")
        return out

    def atom(self) -> Node:
        token = self.take()
        if token.isdigit():
            return ("num", int(token))
        if token == "(":
            out = self.sum()
            self.take(")")
            return out
        if token == "|":
            out = self.sum()
            self.take("|")
            if self.peek() == "^" and self.peek(1) == "2":
                self.take(), self.take()
                return ("square", out)
            return ("norm", out)
        if token == "[":
            out = self.comparison()
            self.take("]")
            return out
        if token == "count" and self.peek() == "{":
            return ("sum", *self.head("{", "}"), ("num", 1))
        if token == "size":
            self.take("(")
            name = self.take()
            self.take(")")
            return ("size", name)
        if self.peek() == "(":
            return ("call", token, self.listed("(", ")", self.sum))
        return ("app", token, self.listed("[", "]", self.index) if self.peek() == "[" else [])

    def listed(self, start: str, end: str, item: Callable[[], Node]) -> list[Node]:
        self.take(start)
        out = [item()]
        while self.peek() == ",":
            self.take()
            out.append(item())
        self.take(end)
        return out

    def index(self) -> Node:
        name = self.take()
        assert name[0].isalpha() or name[0] == "_", name
        return (name, self.listed("[", "]", self.index) if self.peek() == "[" else [])

    def comparison(self) -> Node:
        a = self.index()
        sign = self.take()
        assert sign in ("=", "!=")
        return ("eq" if sign == "=" else "ne", a, self.index())

    def head(self, start: str, end: str) -> tuple[list[tuple[str, str]], list[Node]]:
        """Variables with their sets, "" where it is not said, and conditions."""
        self.take(start)
        names, conds = [self.ranged()], list[Node]()
        while self.peek() == ",":
            self.take()
            names.append(self.ranged())
        if self.peek() == "!=":
            self.take()
            conds.append(("ne", (names[0][0], []), self.index()))
        elif self.peek() == ":":
            self.take()
            conds.append(self.condition())
            while self.peek() == "and":
                self.take()
                conds.append(self.condition())
        self.take(end)
        return names, conds

    def ranged(self) -> tuple[str, str]:
        name = self.take()
        if self.peek() != "in":
            return name, ""
        self.take()
        return name, self.take()

    def condition(self) -> Node:
        start = self.at
        try:
            return self.comparison()
        except AssertionError:
            self.at = start
            return self.unit()


class Lowering:
    """Nodes to terms; `scope` holds the variables that are in scope."""

    def __init__(self, types: Types):
        self.types = types

    def index(self, node: Node, scope: dict[str, Term]) -> Term:
        name, args = node
        if name in scope:
            assert not args, f"{name} is a letter"
            return scope[name]
        if name in self.types.elements:
            return mk("el", (name, self.types.elements[name]))
        return mk("fn", (name, *self.types.functions[name]), *(self.index(a, scope) for a in args))

    def scalar(self, node: Node, scope: dict[str, Term]) -> Term:
        out = self.any(node, scope)
        assert isinstance(out, Term), node
        return out

    def any(self, node: Node, scope: dict[str, Term]) -> Term | Vector:
        match node:
            case ("num", n):
                return num(n)
            case ("app", name, args):
                doms = self.types.families.get(name) or self.types.masks.get(name, ())
                op = "mask" if name in self.types.masks else "app"
                known = [self.index(a, scope) for a in args]
                if len(known) < len(doms):
                    return Vector(doms[-1], lambda a: mk(op, (name, doms), *known, a))
                return mk(op, (name, doms), *known)
            case ("eq" | "ne" as op, a, b):
                return mk(op, None, self.index(a, scope), self.index(b, scope))
            case ("neg", a):
                return self.product(num(-1), self.any(a, scope))
            case ("mul", a, b):
                return self.product(self.any(a, scope), self.any(b, scope))
            case ("div", a, b):
                return self.product(self.any(a, scope), mk("inv", None, self.scalar(b, scope)))
            case ("add", parts):
                return reduce(self.plus, (self.any(p, scope) for p in parts))
            case ("pow", a, b):
                log = mk("log", None, self.scalar(a, scope))
                return mk("exp", None, self.scalar(b, scope) * log)
            case ("call", name, args):
                return mk(name, None, *(self.scalar(a, scope) for a in args))
            case ("size", name):
                return mk("sum", self.types.sets[name], num(1))
            case ("dot", a, b):
                return self.inner(self.any(a, scope), self.any(b, scope))
            case ("square", a):
                return self.inner(self.any(a, scope), self.any(a, scope))
            case ("norm", a):
                square = self.inner(self.any(a, scope), self.any(a, scope))
                return mk("exp", None, num(Fraction(1, 2)) * mk("log", None, square))
            case ("sum" | "max" as op, names, conds, body):
                return self.binder(op, names, conds, body, scope)
        raise AssertionError(node)

    def product(self, a: Term | Vector, b: Term | Vector) -> Term | Vector:
        if isinstance(a, Term) and isinstance(b, Term):
            return a * b
        if isinstance(a, Vector):
            a, b = b, a
        assert isinstance(a, Term) and isinstance(b, Vector)
        c, u = a, b
        return Vector(u.over, lambda x: c * u.at(x))

    def plus(self, a: Term | Vector, b: Term | Vector) -> Term | Vector:
        if isinstance(a, Term) and isinstance(b, Term):
            return a + b
        assert isinstance(a, Vector) and isinstance(b, Vector)
        u, v = a, b
        return Vector(u.over, lambda x: u.at(x) + v.at(x))

    def inner(self, u: Term | Vector, v: Term | Vector) -> Term:
        assert isinstance(u, Vector) and isinstance(v, Vector) and u.over == v.over
        a = var("coordinate", u.over)
        return bind("sum", a, u.at(a) * v.at(a))

    def binder(
        self, op: str, names: Any, conds: list[Node], body: Node, scope: dict[str, Term]
    ) -> Term:
        assert not {name for name, _ in names} & scope.keys(), "a letter is used twice"
        inner = dict(scope)
        for name, over in names:
            if over:
                inner[name] = var(name, self.types.sets[over])
        for _ in names:
            for name, _ in names:
                if name not in inner:
                    found = list(self.seen(name, [*conds, body], inner))
                    if found:
                        inner[name] = var(name, found[0])
        rest = self.scalar(body, inner)
        where = [self.scalar(c, inner) for c in conds]
        if op == "max":
            ((name, _),) = names
            return bind("bigmax", inner[name], times(where), rest)
        for name, _ in reversed(names):
            rest = bind("sum", inner[name], times([*where, rest]) if where else rest)
            where = []
        return rest

    def seen(self, name: str, node: Any, scope: dict[str, Term]) -> Iterable[Domain]:
        """The sets that a letter must range over, as its places say."""
        match node:
            case ("eq" | "ne", (a, [*xs]), (b, [*ys])):
                for (x, _), (y, _) in (((a, xs), (b, ys)), ((b, ys), (a, xs))):
                    if x == name and y in scope:
                        yield domain(scope[y])
                    elif x == name and y in self.types.elements:
                        yield self.types.elements[y]
                    elif x == name and y in self.types.functions:
                        yield self.types.functions[y][1]
                yield from self.seen(name, [(a, xs), (b, ys)], scope)
            case (str(f), [*args]) | ("app", str(f), [*args]):
                types = self.types
                doms = types.families.get(f) or types.masks.get(f)
                if doms is None and f in types.functions:
                    doms = types.functions[f][0]
                for d, a in zip(doms or (), args, strict=False):
                    if a == (name, []):
                        yield d
                yield from self.seen(name, args, scope)
            case tuple() | list():
                for part in node:
                    yield from self.seen(name, part, scope)


def read(text: str, like: Iterable[Term], free: Iterable[Term] = ()) -> Term:
    """The term that a text stands for; symbols have the types that they have in `like`."""
    like = list(like)
    reader = Reader(text)
    node = reader.sum()
    assert not reader.peek(), (text, reader.at)
    variables = {v for t in like for v in t.free} | set(free)
    scope = {str(v.data[0]).split("'")[0]: v for v in variables}
    return Lowering(Types.of(like)).scalar(node, scope)


def form(t: Term) -> Term:
    """A normal form of what the notation does not tell apart."""
    if t.op in INDEX or t.op in ("num", "app", "mask", "eq", "ne"):
        return t
    if t.op in BINDERS:
        v = var(f"q{t.depth}", t.data)
        bodies = (form(open_binder(t, v, k)) for k in range(len(t.args)))
        return build(poly(bind(t.op, v, *bodies)))
    if t.op == "inv":  # factors part before they are expanded
        return build(poly(times([inverse(g) for f in flat(t.args[0]) for g in flat(form(f))])))
    return build(poly(mk(t.op, t.data, *map(form, t.args))))


def inverse(f: Term) -> Term:
    """1/f for a factor."""
    if f.op == "num" and f.data:
        return num(1 / f.data)
    if f.op == "exp":
        return mk("exp", None, form(num(-1) * f.args[0]))
    return mk("inv", None, f)
