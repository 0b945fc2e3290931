"""Values and gradients along a tape at a random point of a random large prime field.

The difference of the two sides of a claim is, on the tape, built from learned entries by ring
operations, 1/x, exp and log. Its gradient is a rational function of the learned entries and of
*generators*, one for the exponential of each distinct term of an exponent: exp(q m) = g^(qD) for a
generator g that stands for exp(m / D). Logarithms enter linearly, so only their derivative a'/a is
needed, and the chain rule uses the true derivative of exponents. If that function is not 0, it
vanishes at a random point with a probability of at most degree / p (Schwartz and Zippel).

Zero is sound: independent generators specialise to the exponentials. Not zero may come from a
linear relation between exponents; `derive.exponents` finds those, and `derive.gradient` asks balls
to confirm that a gradient is not zero. Rational powers v^(a/b) are roots in the group of
squares mod p, p = 3 mod 4, which is consistent under products; points are redrawn until they exist.

Abstains (Unsupported) where a logarithm is multiplied by something learned, at relu and max of
something learned, and at sub-terms without a value. A given logarithm or transcendental is a free
indeterminate, which again can only err towards "different".
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd, lcm, prod
from typing import Any

import flint

from derive.constraints import Constraints, Unsupported
from derive.tape import Tape, arguments, backward, const

BITS = 127
TRIES = 400  # points drawn in the search for one where all square roots exist
Key = tuple[str, tuple[int, ...]]


class Unlucky(Exception):
    """No root exists, or a denominator vanishes, at this point; `base` is the node at fault."""

    def __init__(self, base: int):
        self.base = base


def prime(rng: random.Random, odd: Sequence[int] = ()) -> int:
    """A random prime of 127 bits, 3 mod 4, with all `odd` numbers prime to p - 1."""
    while True:
        p = rng.getrandbits(BITS - 3) << 2 | 3 | 1 << (BITS - 1)
        if flint.fmpz(p).is_prime() and all(gcd(b, p - 1) == 1 for b in odd):
            return p


@dataclass
class Exponent:
    """An exponential as a product: E^const * product of generators^q * product of bases^q."""

    const: Any
    items: dict[int, Any]
    powers: dict[int, Any]


@dataclass
class Plan:
    """What the forward pass needs to know of a tape: order, what is learned, exponents, roots."""

    tape: Tape
    order: list[int]
    learned: set[int] = field(default_factory=set)  # nodes that depend on something learned
    unvalued: set[int] = field(default_factory=set)  # linear in logarithms of learned things
    exponents: dict[int, Exponent] = field(default_factory=dict)
    scale: int = 1  # D of the generators
    unit: int = 1  # D of E, the generator of constants
    roots: dict[int, int] = field(default_factory=dict)  # base -> b of its powers a/b

    def rescale(self) -> None:
        """Choose the D that make all exponents whole."""
        exps = self.exponents.values()
        self.unit = lcm(*(int(e.const.q) for e in exps))
        self.scale = lcm(*(int(q.q) for e in exps for q in e.items.values()))
        for e in exps:
            for y, q in e.powers.items():
                self.roots[y] = lcm(self.roots.get(y, 1), int(q.q))

    def support(self, x: int) -> set[Key]:
        """The learned entries that a node depends on."""
        nodes = (self.tape.nodes[y] for y in self.tape.reach([x]))
        return {(n[1], n[2]) for n in nodes if n[0] == "var"}


def plan(tape: Tape, roots: Sequence[Any]) -> Plan:
    """Reads the tape once. Raises Unsupported."""
    out = Plan(tape, tape.reach(roots))
    for x in out.order:
        op, *data = node = tape.nodes[x]
        below = arguments(node)
        if op == "var" or not out.learned.isdisjoint(below):
            out.learned.add(x)
        if op == "undef":
            raise Unsupported(f"{data[0]} has no value")
        if op == "exp":
            out.exponents[x] = exponent(out, data[0])
        elif op == "log":
            if data[0] in out.unvalued:
                raise Unsupported("a logarithm of a logarithm")
            if x in out.learned:
                out.unvalued.add(x)
        elif op in ("relu", "max"):
            raise Unsupported(f"{op} in {tape.text(x, 60)}")
        elif logs := [y for y in below if y in out.unvalued]:
            if op != "lin" and (op != "mul" or sum(y in out.learned for y in below) > 1):
                raise Unsupported(f"a logarithm is not linear: {tape.text(logs[0], 60)}")
            out.unvalued.add(x)
    out.rescale()
    return out


def exponent(p: Plan, arg: int) -> Exponent:
    """The exponent `arg` split into its constant, the logarithms and the rest."""
    c, items = p.tape.flat(arg)
    powers = {y: q for y, q in items.items() if p.tape.nodes[y][0] == "log"}
    rest = {y: q for y, q in items.items() if y not in powers}
    for y in rest:
        if y in p.unvalued:
            raise Unsupported(f"a power that is not rational: {p.tape.text(arg, 60)}")
    return Exponent(c, rest, {p.tape.nodes[y][1]: q for y, q in powers.items()})


class Point:
    """A random point: the learned entries and the generators, and the values of all nodes there."""

    def __init__(
        self, p: Plan, mod: Any, modulus: int, entries: Mapping[Key, Any], rng: random.Random
    ):
        self.plan, self.mod, self.p, self.rng = p, mod, modulus, rng
        self.entries = entries
        self.oracle: dict[Any, Any] = {}
        self.values: dict[int, Any] = {}

    def scalar(self, q: Any) -> Any:
        """A rational modulo p."""
        return self.mod(int(q.p)) if q.q == 1 else self.mod(int(q.p)) / self.mod(int(q.q))

    def power(self, base: int, q: Any) -> Any:
        """values[base]^q."""
        v, order, b = self.values[base], self.p - 1, int(q.q)
        if v.is_zero():
            raise Unlucky(base)
        if b == 1:
            return v ** int(q.p)
        if b % 2 == 0:
            order //= 2
            if v**order != 1:
                raise Unlucky(base)
        return v ** (int(q.p) * pow(b, -1, order) % order)

    def log_of_given(self, x: int) -> Any:
        """An indeterminate for the logarithm of something given, additive over rational numbers."""
        n = self.plan.tape.nodes[x]
        if n[0] == "lin" and not n[2]:
            total = self.mod(0)
            for part, sign in ((n[1].p, 1), (n[1].q, -1)):
                for f, k in part.factor():
                    total += self.free(("prime", int(f))) * (sign * int(k))
            return total
        return self.free(int(self.values[x]))

    def generator(self, item: int) -> Any:
        """The generator of a term of an exponent; equal terms, however written, share one."""
        return self.free(("exp", int(self.values[item])))

    def free(self, key: Any) -> Any:
        """A random value, the same for the same key."""
        if key not in self.oracle:
            self.oracle[key] = self.mod(self.rng.randrange(1, self.p))
        return self.oracle[key]

    def run(self) -> dict[int, Any]:
        """The values of all nodes; None where only a derivative is known. Raises Unlucky."""
        nodes, values, p = self.plan.tape.nodes, self.values, self.plan
        for x in p.order:
            op, *data = nodes[x]
            if x in p.unvalued:
                values[x] = None
            elif op == "var":
                values[x] = self.entries[data[0], data[1]]
            elif op == "lin":
                v = self.scalar(data[0])
                for y, q in data[1]:
                    w = values[y]
                    v = v + w if q == 1 else v - w if q == -1 else v + w * self.scalar(q)
                values[x] = v
            elif op == "mul":
                values[x] = prod((values[y] for y in data[0][1:]), start=values[data[0][0]])
            elif op == "inv":
                if values[data[0]].is_zero():
                    raise Unlucky(data[0])
                values[x] = values[data[0]].inverse()
            elif op == "log":
                values[x] = self.log_of_given(data[0])
            else:
                e = p.exponents[x]
                v = self.free("E") ** int(e.const * p.unit) if e.const != 0 else self.mod(1)
                for y, q in e.items.items():
                    v = v * self.generator(y) ** int(q * p.scale)
                for y, q in e.powers.items():
                    v = v * self.power(y, q)
                values[x] = v
        return values

    def gradient(self, root: Any) -> list[Any]:
        """The derivatives of a root by the learned entries, in the order of `entries`."""
        if const(root):
            return [self.mod(0)] * len(self.entries)
        nodes = self.plan.tape.nodes
        grad = backward(nodes, self.plan.order, root, self.values, self.scalar)
        by = {nodes[x][1:]: g for x, g in grad.items() if nodes[x][0] == "var"}
        return [by.get(key, self.mod(0)) for key in self.entries]


def good_point(p: Plan, sampler: Constraints, mod: Any, modulus: int, rng: random.Random) -> Point:
    """A random point at which everything has a value. Raises Unsupported if none was found."""
    entries = sampler.draw(mod, modulus, rng)
    for _ in range(TRIES):
        point = Point(p, mod, modulus, entries, rng)
        try:
            point.run()
            return point
        except Unlucky as bad:  # redraw what the missing root depends on, keep the rest
            news = sampler.draw(mod, modulus, rng)
            support = entries.keys() if sampler.any else p.support(bad.base)
            if not support:
                raise Unsupported("a root of something given does not exist modulo p") from None
            entries = {k: news[k] if k in support else x for k, x in entries.items()}
    raise Unsupported("too many square roots: no point was found where all exist")
