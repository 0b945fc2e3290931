"""The degree of a gradient's numerator, bounded along the tape: what Schwartz and Zippel ask for.

A node is a quotient of polynomials in *coordinates*: the learned entries x, the generators g (with
Dg = g Dm, m an exponent) and the roots w of bases v (with Dw = w Dv / (b v)). (n, d) bounds the
degrees of numerator and denominator. Sums stand over the product of their denominators, so a shared
one counts more than once: the bound is generous, and still far below the size of the prime.
"""

from __future__ import annotations

from collections.abc import Iterable

from derive.primefield import Plan

Degree = tuple[int, int]
ONE: Degree = (0, 0)


def add(parts: Iterable[Degree]) -> Degree:
    """Degrees of a sum."""
    ds = list(parts)
    below = sum(d for _, d in ds)
    return max((n + below - d for n, d in ds), default=0), below


def mul(*parts: Degree) -> Degree:
    """Degrees of a product."""
    return sum(n for n, _ in parts), sum(d for _, d in parts)


def power(x: Degree, k: int) -> Degree:
    """Degrees of a k-th power, k of either sign."""
    return (x[0] * k, x[1] * k) if k >= 0 else (-x[1] * k, -x[0] * k)


class Degrees:
    """The pass along the tape. `value` and `slope` (of the derivative) per node."""

    def __init__(self, p: Plan):
        self.p = p
        self.value: dict[int, Degree] = {}
        self.slope: dict[int, Degree] = {}  # only of what has no value modulo a prime
        self.level: dict[int, int] = {}  # how deep exponentials are nested below a node
        self.inner: dict[int, Degree] = {}  # level -> sum of the Dm and Dv / v of that level
        self.seen: set[int] = set()
        for x in p.order:
            self.visit(x)

    def chain(self, level: int) -> Degree:
        """1 + the inner derivatives of all coordinates that a node of this level depends on."""
        return add([ONE, *(s for k, s in self.inner.items() if k < level)])

    def derivative(self, x: int) -> Degree:
        """Degrees of Df for a node with a value, f = P / Q: (P'Q - PQ') / Q^2."""
        n, d = self.value[x]
        return mul((n + d, 2 * d), self.chain(self.level[x]))

    def logarithmic(self, x: int) -> Degree:
        """Degrees of Df / f: (P'Q - PQ') / (PQ)."""
        n, d = self.value[x]
        return mul((n + d, n + d), self.chain(self.level[x]))

    def visit(self, x: int) -> None:
        """Bound node x by its arguments."""
        p, (op, *data) = self.p, self.p.tape.nodes[x]
        if op == "exp":
            self.exponential(x)
            return
        below = [y for y, _ in data[1]] if op == "lin" else data[0] if op == "mul" else data[:1]
        args: list[int] = [] if op == "var" else list(below)
        self.level[x] = max((self.level[y] for y in args), default=0)
        if x in p.unvalued:
            slopes = [self.slope.get(y) for y in args]
            if op == "log":
                self.slope[x] = self.logarithmic(args[0])
            elif op == "lin":
                both = zip(args, slopes, strict=True)
                self.slope[x] = add(s or self.derivative(y) for y, s in both)
            else:
                both = zip(args, slopes, strict=True)
                self.slope[x] = mul(*(s or self.value[y] for y, s in both))
        elif op == "lin":
            self.value[x] = add([ONE, *(self.value[y] for y in args)])
        elif op == "mul":
            self.value[x] = mul(*(self.value[y] for y in args))
        else:  # a learned entry and the logarithm of something given are coordinates
            self.value[x] = power(self.value[args[0]], -1) if op == "inv" else (1, 0)

    def exponential(self, x: int) -> None:
        """An exponential: a monomial in generators and roots."""
        p, e = self.p, self.p.exponents[x]
        parts = [power((1, 0), int(e.const * p.unit))]
        inner = {y: (1, 0) for y in e.items}
        parts += [power((1, 0), int(q * p.scale)) for q in e.items.values()]
        for y, q in e.powers.items():
            root = p.roots[y] > 1
            inner.update({y: (1, 0)} if root else {})
            parts.append(power((1, 0) if root else self.value[y], int(q * p.roots[y])))
        self.value[x] = mul(*parts)
        below = [self.level[y] for y in (*e.items, *e.powers)]
        self.level[x] = max(below, default=0) + bool(inner)
        for y in inner:
            if y not in self.seen:
                self.seen.add(y)
                at = self.level[y]
                slope = self.derivative(y) if y in e.items else self.logarithmic(y)
                self.inner[at] = add([self.inner.get(at, ONE), slope])


def gradient_degree(p: Plan, root: int, norms: int = 0) -> int:
    """A bound for the degree of the numerator of every component of the gradient of `root`.

    `norms`: the number of vectors on spheres, whose entries are themselves quotients of degree 2.
    """
    d = Degrees(p)
    n = d.slope.get(root) or d.derivative(root)
    return max(1, n[0]) if not norms else 2 * norms * (n[0] + 2)


def branches(p: Plan) -> int:
    """How much roots multiply the number of zeros by, and divide the number of points."""
    out = 1
    for b in p.roots.values():
        out *= b * (2 if b % 2 == 0 else 1)
    return out
