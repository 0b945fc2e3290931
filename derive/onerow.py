"""One anchor, any kernels: what third derivatives say of scores that enter a formula together.

Take L = w (log K - sum_j p_j log k_j(s_j)) with K = k_0 + sum_j k_j(s_j), k_0 >= 0 of a null
neighbour. With b_j = k_j'/K its mixed derivatives are L_jk = -w b_j b_k. So, whatever the kernels,

- L_jk L_jl L_kl = -w^3 (b_j b_k b_l)^2 is never positive;
- L_jk / L_jl = k_k' / k_l' does not change with s_j, hence L_jjk L_jl = L_jjl L_jk;
- 4 L_jk L_jl L_kl / L_jkl^2 = -w at all points, since L_jkl = 2 w b_j b_k b_l.

With one score and two neighbours, exp(a s + b) and 1, y = L'' satisfies (y'/y)^2 = a^2 - (4/w) y:
the points (y, (y'/y)^2) of all scores lie on one line.

Third derivatives come from power series in balls along a few directions, by polarisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations, permutations
from typing import Any

import flint

from derive.jets import Unclear, forward, reach
from derive.tape import Tape

ORDER = 4  # coefficients of a series: up to the third derivative
BITS = 192
Point = Mapping[int, Any]


class Series:
    """A power series in balls, with the operations that `jets.forward` asks for."""

    __slots__ = ("s",)

    def __init__(self, s: Any):
        self.s = s

    def __add__(self, o: Series) -> Series:
        return Series(self.s + o.s)

    def __mul__(self, o: Series) -> Series:
        return Series(self.s * o.s)

    def exp(self) -> Series:
        """The exponential."""
        return Series(self.s.exp())

    def log(self) -> Series:
        """The logarithm. Raises Unclear unless it is of something certainly positive."""
        if not self.s[0] > 0:
            raise Unclear("log")
        return Series(self.s.log())

    def inv(self) -> Series:
        """The inverse. Raises Unclear at what may be 0."""
        if self.s[0].contains(0):
            raise Unclear("1/x")
        return Series(1 / self.s)

    def relu(self) -> Series:
        """The larger of this and 0. Raises Unclear at what may be 0."""
        if self.s[0] > 0:
            return self
        if self.s[0] < 0:
            return Series(flint.arb_series([0]))
        raise Unclear("relu")


@contextmanager
def precise() -> Iterator[None]:
    """Series of ORDER coefficients in balls of BITS bits."""
    cap = flint.ctx.cap
    flint.ctx.cap = ORDER
    try:
        with flint.ctx.workprec(BITS):
            yield
    finally:
        flint.ctx.cap = cap


def groups(tape: Tape, root: int, cut: Sequence[int]) -> list[tuple[int, ...]]:
    """The scores in groups: those of different groups stand in different terms of the formula."""
    scores = dict.fromkeys(cut)
    parent = {x: x for x in cut}

    def top(x: int) -> int:
        while parent[x] != x:
            x = parent[x]
        return x

    for y in tape.flat(root)[1]:
        here = [x for x in reach(tape, y, scores) if x in scores]
        for x in here[1:]:
            parent[top(x)] = top(here[0])
    out: dict[int, list[int]] = {}
    for x in cut:
        out.setdefault(top(x), []).append(x)
    return [tuple(g) for g in out.values()]


def taylor(tape: Tape, root: int, point: Point, direction: Mapping[int, int]) -> list[Any]:
    """The derivatives of order 0 to 3 along a direction. Raises Unclear."""
    cut = {
        x: Series(flint.arb_series([flint.arb(v), flint.arb(direction.get(x, 0))]))
        for x, v in point.items()
    }
    out = forward(tape, reach(tape, root, cut), cut, lambda q: Series(flint.arb_series([q])))[root]
    return [out.s[k] * f for k, f in enumerate((1, 1, 2, 6))]


class Derivatives:
    """Second and third derivatives by a few scores at a point, each computed once."""

    def __init__(self, tape: Tape, root: int, point: Point):
        self.tape, self.root, self.point = tape, root, point
        self._known: dict[tuple[tuple[int, int], ...], list[Any]] = {}

    def along(self, *shares: tuple[int, int]) -> list[Any]:
        """The derivatives along a direction, given as pairs of score and share."""
        key = tuple(sorted(shares))
        if key not in self._known:
            self._known[key] = taylor(self.tape, self.root, self.point, dict(key))
        return self._known[key]

    def two(self, j: int, k: int) -> Any:
        """L_jk for j != k."""
        both, a, b = self.along((j, 1), (k, 1)), self.along((j, 1)), self.along((k, 1))
        return (both[2] - a[2] - b[2]) / 2

    def jjk(self, j: int, k: int) -> Any:
        """L_jjk for j != k."""
        plus, minus = self.along((j, 1), (k, 1)), self.along((j, 1), (k, -1))
        return (plus[3] - minus[3] - 2 * self.along((k, 1))[3]) / 6

    def jkl(self, j: int, k: int, m: int) -> Any:
        """L_jkl for three different scores."""
        pairs = [self.along((a, 1), (b, 1))[3] for a, b in combinations((j, k, m), 2)]
        ones = [self.along((a, 1))[3] for a in (j, k, m)]
        whole = self.along((j, 1), (k, 1), (m, 1))[3]
        return (whole - sum(pairs, flint.arb(0)) + sum(ones, flint.arb(0))) / 6


def broken(tape: Tape, root: int, points: Sequence[Point], three: tuple[int, int, int]) -> str:
    """What in the derivatives by three scores no kernels of one anchor give, "" if nothing is seen.

    `points` are points that what is learned can reach, the first with room around it.
    """
    with precise():
        try:
            weights = []
            for point in points:
                d = Derivatives(tape, root, point)
                mixed = {frozenset(p): d.two(*p) for p in combinations(three, 2)}
                product = flint.arb(1)
                for h in mixed.values():
                    product *= h
                if product > 0:
                    return "the product of the three mixed derivatives is positive"
                for j, k, m in permutations(three):
                    hk, hm = mixed[frozenset((j, k))], mixed[frozenset((j, m))]
                    gap = d.jjk(j, k) * hm - d.jjk(j, m) * hk
                    if k < m and not gap.contains(0):
                        return (
                            "the ratio of the mixed derivatives of one score with the two others "
                            "changes with it"
                        )
                third = d.jkl(*three)
                if not (third * third).contains(0):
                    weights.append(-4 * product / (third * third))
        except Unclear:
            return ""
        for a, b in combinations(weights, 2):
            if not (a - b).contains(0):
                return (
                    f"the anchor's weight would be {a.str(6, radius=False)} at one point and "
                    f"{b.str(6, radius=False)} at another"
                )
    return ""


def off_line(tape: Tape, root: int, points: Sequence[Point], score: int) -> str:
    """What shows that a formula is no two-neighbour softmax of a score, "" if nothing is seen."""
    with precise():
        rows = []
        for point in points:
            try:
                _, _, y, third = taylor(tape, root, point, {score: 1})
            except Unclear:
                continue
            if not (y.is_finite() and third.is_finite()):
                continue
            if y < 0:
                return "the second derivative is negative"
            if y > 0:
                rows.append((y, (third / y) ** 2))
        for (a, fa), (b, fb), (c, fc) in combinations(rows, 3):
            if not ((b - a) * (fc - fa) - (c - a) * (fb - fa)).contains(0):
                return "(y'/y)^2 is no linear function of y, the second derivative, at three points"
    return ""
