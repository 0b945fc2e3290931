"""A claim at fixed index sets as one straight line of scalar operations, the *tape*.

The tape is a number field for `models.Evaluator`: given data fold to exact rationals, learned
entries become variables, equal sub-expressions one node, differences of equal things vanish. Balls,
residues and dual numbers then run along one tape, forward for values, backward for the gradient.

A number on the tape is a flint rational (a constant) or an int (a node). Nodes:
    ("var", name, at)            a learned entry
    ("lin", c, ((x, q), ...))    c + sum of q * x, c and q rational (no x: a constant as a node)
    ("mul", (x, ...))            a product of at least two nodes
    ("inv", x) ("exp", x) ("log", x) ("relu", x) ("max", (x, ...))
    ("undef", text)              log of a constant <= 0, or 1/0: valued 0 where values are total
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint

from derive.fields import fmpq, fraction
from derive.models import At, Evaluator, Model

Node = tuple[Any, ...]
ZERO, ONE = flint.fmpq(0), flint.fmpq(1)


def const(x: Any) -> bool:
    """Whether a number on the tape is a constant."""
    return type(x) is not int


class Tape:
    """The nodes, hash-consed, each after those it refers to. A `derive.fields.Field`."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._index: dict[Node, int] = {}
        self._numbers: dict[Fraction, Any] = {}

    def _node(self, node: Node) -> int:
        key = node
        if node[0] == "lin":  # flint hashes a rational by way of a Fraction, which takes six times
            _, c, items = node
            key = ("lin", int(c.p), int(c.q), *[(y, int(q.p), int(q.q)) for y, q in items])
        known = self._index.get(key)
        if known is None:
            known = self._index[key] = len(self.nodes)
            self.nodes.append(node)
        return known

    def as_node(self, x: Any) -> int:
        """The number x as a node, a constant too (an int and a rational may be equal as keys)."""
        return self._node(("lin", x, ())) if const(x) else int(x)

    def number(self, q: Fraction) -> Any:
        """The constant q."""
        known = self._numbers.get(q)
        if known is None:
            known = self._numbers[q] = fmpq(q)
        return known

    def var(self, name: str, at: At) -> int:
        """The learned entry name[at]."""
        return self._node(("var", name, at))

    def is_zero(self, x: Any) -> bool:
        """Whether x is the constant 0."""
        return const(x) and x == 0

    def nonzero(self, x: Any) -> bool:
        """Whether x is a constant other than 0."""
        return const(x) and x != 0

    def _scaled(self, q: Any, x: int) -> Any:
        if q == 1 or q == 0:
            return x if q == 1 else ZERO
        return self._node(("lin", ZERO, ((x, q),)))

    def _split(self, x: int) -> tuple[Any, int]:
        """The node x as q * y."""
        n = self.nodes[x]
        if n[0] == "lin" and len(n[2]) == 1 and n[1] == 0:
            return n[2][0][1], n[2][0][0]
        return ONE, x

    def _plain(self, x: int) -> Any:
        n = self.nodes[x]
        return n[1] if n[0] == "lin" and not n[2] else x

    def add(self, xs: Sequence[Any]) -> Any:
        """The sum: constants and equal nodes are collected."""
        c, items = ZERO, dict[int, Any]()
        for x in xs:
            if const(x):
                c = c + x
                continue
            n = self.nodes[x]
            short = n[0] == "lin" and len(n[2]) <= 2  # so that (x + y) - y is x
            if short:
                c = c + n[1]
            for y, q in n[2] if short else ((x, ONE),):
                items[y] = items[y] + q if y in items else q
        left = tuple(sorted((y, q) for y, q in items.items() if q != 0))
        if not left:
            return c
        if len(left) == 1 and c == 0:
            return self._scaled(left[0][1], left[0][0])
        if c == 0 and left[0][1] < 0:  # x - y and y - x are one node and its negative
            return self._scaled(-ONE, self._node(("lin", c, tuple((y, -q) for y, q in left))))
        return self._node(("lin", c, left))

    def mul(self, xs: Sequence[Any]) -> Any:
        """The product: constants come out, nested products are merged."""
        c, factors = ONE, list[int]()
        for x in xs:
            if const(x):
                c = c * x
                continue
            q, y = self._split(x)
            c = c * q
            n = self.nodes[y]
            factors.extend(n[1] if n[0] == "mul" else (y,))
        if c == 0 or not factors:
            return c
        factors.sort()
        one = len(factors) == 1
        return self._scaled(c, factors[0] if one else self._node(("mul", tuple(factors))))

    def inv(self, x: Any) -> Any:
        """The inverse."""
        if const(x):
            return 1 / x if x != 0 else self._node(("undef", "1/0"))
        q, y = self._split(x)
        return self._scaled(1 / q, self._node(("inv", y)))

    def exp(self, x: Any) -> Any:
        """The exponential."""
        return ONE if const(x) and x == 0 else self._node(("exp", self.as_node(x)))

    def log(self, x: Any) -> Any:
        """The logarithm; that of an exponential is its exponent."""
        if const(x):
            if x <= 0:
                return self._node(("undef", f"log({x})"))
            return ZERO if x == 1 else self._node(("log", self.as_node(x)))
        n = self.nodes[x]
        return self._plain(n[1]) if n[0] == "exp" else self._node(("log", x))

    def relu(self, x: Any) -> Any:
        """The larger of x and 0."""
        if const(x):
            return x if x > 0 else ZERO
        return self._node(("relu", x))

    def maximum(self, xs: Sequence[Any]) -> Any:
        """The largest."""
        if all(map(const, xs)):
            return max(xs)
        return self._node(("max", tuple(map(self.as_node, xs)))) if len(xs) > 1 else xs[0]

    def flat(self, x: Any) -> tuple[Any, dict[int, Any]]:
        """(c, {y: q}) with x = c + sum of q * y, and no y a ("lin", ...)."""
        c, out, todo = ZERO, dict[int, Any](), [(x, ONE)]
        while todo:
            y, q = todo.pop()
            if const(y):
                c = c + q * y
            elif self.nodes[y][0] == "lin":
                c = c + q * self.nodes[y][1]
                todo.extend((z, q * r) for z, r in self.nodes[y][2])
            else:
                out[y] = out[y] + q if y in out else q
        return c, {y: q for y, q in sorted(out.items()) if q != 0}

    def reach(self, roots: Iterable[Any]) -> list[int]:
        """The nodes that `roots` depend on, each after its arguments."""
        todo, seen = [x for x in roots if not const(x)], set[int]()
        while todo:
            x = todo.pop()
            if x not in seen:
                seen.add(x)
                todo.extend(arguments(self.nodes[x]))
        return sorted(seen)

    def text(self, x: Any, room: int = 120) -> str:
        """A reading of x, cut where it gets longer than `room` characters."""
        s = self._text(x, room)
        return s if len(s) <= room else s[:room] + "..."

    def _text(self, x: Any, room: int) -> str:
        if const(x):
            return str(x)
        if room <= 0:
            return "..."
        op, *data = self.nodes[x]
        if op == "var":
            at = ",".join(str(k + 1) for k in data[1])
            return f"{data[0]}[{at}]" if at else str(data[0])
        if op == "undef":
            return str(data[0])
        if op == "lin":
            c, items = data
            out = str(c) if c != 0 else ""
            for y, q in items:
                body = self._text(y, room - len(out) - 8)
                body = f"({body})" if self.nodes[y][0] == "lin" else body
                size = "" if abs(q) == 1 else f"{fraction(abs(q))}*"
                out += (" - " if q < 0 else " + " if out else "") + size + body
                if len(out) > room:
                    break
            return out
        args, parts, used = data[0] if isinstance(data[0], tuple) else data, list[str](), 0
        for y in args:
            part = self._text(y, room - used - 6)
            if op == "mul" and self.nodes[y][0] == "lin":
                part = f"({part})"
            parts.append(part)
            used += len(part)
            if used > room:
                break
        if op == "mul":
            return "*".join(parts)
        return f"1/({parts[0]})" if op == "inv" else f"{op}({', '.join(parts)})"


def arguments(n: Node) -> list[int]:
    """The nodes that a node refers to."""
    if n[0] == "lin":
        return [y for y, _ in n[2]]
    return [] if n[0] in ("var", "undef") else list(n[1]) if n[0] in ("mul", "max") else [n[1]]


class Kink(Exception):
    """There may be no derivative: a maximum is, or may be, attained twice."""


def backward(
    nodes: Sequence[Node],
    order: Sequence[int],
    root: int,
    values: Mapping[int, Any],
    scalar: Callable[[Any], Any],
) -> dict[int, Any]:
    """The derivative of `root` by every node of `order` that it depends on, by the chain rule.

    `values` may be None at a logarithm, and at what is linear in logarithms: derivatives of those
    need no value. `scalar` takes a rational to the ring of the values.
    """
    grad: dict[int, Any] = {root: scalar(ONE)}

    def push(y: int, g: Any) -> None:
        grad[y] = grad[y] + g if y in grad else g

    for x in reversed(order):
        g = grad.get(x)
        if g is None:
            continue
        op, *data = nodes[x]
        if op == "lin":
            for y, q in data[1]:
                push(y, g if q == 1 else -g if q == -1 else g * scalar(q))
        elif op == "mul":
            factors = data[0]
            unknown = [k for k, y in enumerate(factors) if values[y] is None]
            left = [g]  # products of g and what stands left of a factor
            for y in factors if not unknown else ():
                left.append(left[-1] * values[y])
            right = scalar(ONE)
            for k in reversed(range(len(factors))) if not unknown else ():
                push(factors[k], left[k] * right)
                right = right * values[factors[k]]
            if unknown:  # the other factors are given, so only this one has a derivative
                for y in factors[: unknown[0]] + factors[unknown[0] + 1 :]:
                    g = g * values[y]
                push(factors[unknown[0]], g)
        elif op == "inv":
            push(data[0], -g * values[x] * values[x])
        elif op == "exp":
            push(data[0], g * values[x])
        elif op == "log":
            push(data[0], g / values[data[0]])
        elif op == "relu" and not values[data[0]] < 0:
            if not values[data[0]] > 0:
                raise Kink
            push(data[0], g)
        elif op == "max":
            top = [y for y in data[0] if all(z == y or values[y] > values[z] for z in data[0])]
            if not top:
                raise Kink
            push(top[0], g)
    return grad


def tape_of(model: Model, free: Callable[[str], bool]) -> tuple[Tape, Evaluator[Any]]:
    """An empty tape and the evaluator that writes on it; families with free(name) are variables."""
    tape = Tape()

    def leaf(name: str, at: At) -> Any:
        return tape.var(name, at) if free(name) else tape.number(model.families[name][at])

    return tape, Evaluator(model, tape, leaf)
