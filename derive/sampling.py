"""Random finite models that satisfy hypotheses exactly: typed draws, then repair.

A local search. Every hypothesis at every value of its free indices is an *instance*; a violated one
is repaired where it stands (a linear equation by scaling a row or solving for an entry, a unit norm
by a rational point of the sphere) or by redrawing one table entry that it depends on. Facts about
the sign of a single entry are never violated to begin with. A seed determines the model.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint

from derive.equations import (
    Cell,
    alone,
    environments,
    least_norm,
    plain,
    polynomial,
    sphere,
    violation,
)
from derive.fields import Balls, Undecided, fraction
from derive.frames import frame, rows_of
from derive.models import Evaluator, Model, Signature, symbols_of
from derive.tape import Tape, tape_of
from derive.terms import Term, num
from derive.theorem import Judgement

Pools = Mapping[str, Sequence[Fraction]]
PATIENCE = 15  # steps in which a prescribed value is not changed
LONG = 10**9  # no denominator is longer: scaling rows and columns in turn would not end
REAL = {
    "simple": [Fraction(k) for k in (-2, -1, -1, 0, 1, 1, 2)],
    "generic": [Fraction(k, m) for m in (3, 4, 5) for k in range(-6, 7)],
    "tied": [Fraction(-1), Fraction(1, 2), Fraction(1, 2), Fraction(1, 2)],
}
POSITIVE = {
    "simple": [Fraction(k) for k in (1, 2, 2, 3)],
    "generic": [Fraction(k, m) for m in (2, 3, 5) for k in range(1, 8)],
    "tied": [Fraction(2), Fraction(2), Fraction(1, 2)],
}
UNIT = [Fraction(k, m) for m in (3, 4, 5, 7) for k in range(1, m)]


def direct(j: Judgement) -> tuple[str, str] | None:
    """(family, "pos" | "nn" | "below-one") where a hypothesis is about one entry of a family."""

    def entry(t: Term) -> bool:
        return t.op == "app" and len(set(t.args)) == len(t.args) and {a.op for a in t.args} <= {"v"}

    if j[0] not in ("pos", "nn"):
        return None
    t = j[1]
    if entry(t):
        return t.data[0], j[0]
    if j[0] == "pos" and t.op == "add" and len(t.args) == 2 and num(1) in t.args:
        m = t.args[t.args[0] is num(1)]
        if m.op == "mul" and len(m.args) == 2 and num(-1) in m.args:
            x = m.args[m.args[0] is num(-1)]
            if entry(x):
                return x.data[0], "below-one"
    return None


class Search:
    """One attempt at a model: tables under construction, the instances and what each depends on."""

    def __init__(
        self,
        hyps: Sequence[Judgement],
        signature: Signature,
        sizes: Mapping[str, int],
        rng: random.Random,
        style: str,
        pools: Pools,
        base: Model | None = None,
        free: frozenset[str] = frozenset(),
    ):
        self.rng, self.style, self.hyps, self.step = rng, style, hyps, 0
        self.base, self.free = base, free  # where there is a base, only the families in free vary
        self.signs: dict[str, set[str]] = {}
        rest = []
        for k, j in enumerate(hyps):
            found = direct(j)
            if found:
                self.signs.setdefault(found[0], set()).add(found[1])
            else:
                rest.append(k)
        # a prescribed value of the wrong sign could never be repaired
        right = {k: [x for x in xs if self.right_sign(k, x)] for k, xs in pools.items()}
        self.pools = {k: xs for k, xs in right.items() if xs}
        self.model = Model(sizes, {}, {}, {})
        for name, doms in signature.families.items():
            keep = base is not None and name not in free
            self.table("app")[name] = {
                at: base.families[name][at] if base and keep else self.draw(name)
                for at in self.model.cells(doms)
            }
        if base:
            self.model = Model(sizes, self.model.families, base.masks, base.functions)
        else:
            self.draw_discrete(signature)
        self.signature = signature
        self.instances = [(k, env) for k in rest for env in environments(self.model, hyps[k])]
        self.touched: list[set[Cell]] = [set()] * len(self.instances)
        self.costs = [self.measure(n) for n in range(len(self.instances))]

    def table(self, kind: str) -> Any:
        """The tables of a kind of cell."""
        m = self.model
        return {"app": m.families, "mask": m.masks, "fn": m.functions}[kind]

    # ------------------------------------------------------------------ draws

    def draw(self, name: str, wide: bool = False) -> Fraction:
        """A value for an entry of a family that respects the facts about its sign."""
        rng, signs = self.rng, self.signs.get(name, set())
        if name in self.pools:
            return rng.choice(self.pools[name])
        if "below-one" in signs or (wide and rng.random() < 0.3):
            return rng.choice(UNIT)
        if signs:
            zero = "pos" not in signs and rng.random() < 0.25
            return Fraction(0) if zero else rng.choice(POSITIVE[self.style])
        return rng.choice(REAL[self.style])

    def may_change(self, name: str) -> bool:
        """Whether an equation may be solved for a family; one that is prescribed stays a while."""
        free = not self.base or name in self.free
        return free and (name not in self.pools or self.step >= PATIENCE)

    def allowed(self, name: str, x: Fraction) -> bool:
        """Whether an entry may be set to x: its sign, and that it is free to change."""
        return (not self.base or name in self.free) and self.right_sign(name, x)

    def right_sign(self, name: str, x: Fraction) -> bool:
        """Whether an entry of a family may be x by the facts about its sign."""
        signs = self.signs.get(name, set())
        low = x > 0 if "pos" in signs else x >= 0 or "nn" not in signs
        return low and (x < 1 or "below-one" not in signs)

    def draw_discrete(self, signature: Signature) -> None:
        """Masks of several densities; functions that are likely to satisfy what papers assume."""
        rng, size = self.rng, self.model.size
        for name, doms in signature.masks.items():
            cells = self.table("mask")[name] = dict.fromkeys(self.model.cells(doms), 0)
            n, density = size(doms[-1]), rng.choice((0.3, 0.5, 0.8))
            steps = set(rng.sample(range(1, n // 2 + 1), min(rng.choice((1, 1, 2, 3)), n // 2)))
            if rng.random() < 0.5:
                steps |= {n - k for k in steps}
            ring = len(doms) == 2 and doms[0] == doms[1] and rng.random() < 0.4  # a regular graph
            loops = rng.random() < (0.7 if self.style == "tied" else 0.3)  # most graphs have none
            for at in cells:
                off = loops or len(at) != 2 or doms[0] != doms[1] or at[0] != at[1]
                one = (at[-1] - at[0]) % n in steps if ring else rng.random() < density
                cells[at] = int(off and one)
        for name, (doms, to) in signature.functions.items():
            places, n = list(self.model.cells(doms)), size(to)
            used = rng.sample(range(n), rng.randint(1 if rng.random() < 0.15 else min(n, 2), n))
            values = [used[k % len(used)] for k in range(len(places))]
            rng.shuffle(values)
            if doms == (to,):
                order = rng.sample(range(n), n)
                if n % 2 == 0 and rng.random() < 0.6:  # a matching: the other view
                    for a, b in zip(order[::2], order[1::2], strict=True):
                        values[a], values[b] = b, a
                elif n > 1 and rng.random() < 0.7:  # one cycle: nobody is their own partner
                    for a, b in zip(order, order[1:] + order[:1], strict=True):
                        values[a] = b
            self.table("fn")[name] = dict(zip(places, values, strict=True))

    # ------------------------------------------------------------------ measuring

    def measure(self, n: int) -> float:
        """How far instance n is from holding, 0 if it holds. Notes the cells it depends on."""
        k, env = self.instances[n]
        touched: set[Cell] = set()
        ev = Evaluator(self.model, Balls(), touch=lambda *cell: touched.add(cell))
        try:
            values = [ev.value(t, env) for t in self.hyps[k][1:]]
        except Undecided:
            self.touched[n] = touched
            return 1.0
        self.touched[n] = touched
        return violation(self.hyps[k][0], *values)

    def change(self, news: Mapping[Cell, Any]) -> None:
        """Set some cells where the total violation does not grow (or, rarely, where it does)."""
        for c, x in news.items():
            if c[0] == "app" and not (self.allowed(c[1], x) and x.denominator < LONG):
                return
        olds = {c: self.table(c[0])[c[1]][c[2]] for c in news}
        for c, x in news.items():
            self.table(c[0])[c[1]][c[2]] = x
        hit = [n for n, t in enumerate(self.touched) if not t.isdisjoint(news)]
        before = {n: (self.costs[n], self.touched[n]) for n in hit}
        for n in hit:
            self.costs[n] = self.measure(n)
        worse = sum(self.costs[n] for n in hit) > sum(c for c, _ in before.values())
        if worse and self.rng.random() < 0.9:
            for c, x in olds.items():
                self.table(c[0])[c[1]][c[2]] = x
            for n, (cost, touched) in before.items():
                self.costs[n], self.touched[n] = cost, touched

    # ------------------------------------------------------------------ repair

    def run(self) -> list[int]:
        """Repair for a bounded time; the hypotheses still violated."""
        budget = 50 + 4 * len(self.instances)
        patience, least, since = 25 + len(self.instances) // 2, float("inf"), 0
        for step in range(budget):
            self.step = step
            bad = [n for n, c in enumerate(self.costs) if c > 0]
            if not bad:
                return []
            if (now := sum(self.costs)) < least:
                least, since = now, step
            elif step - since > patience:  # a fresh start is worth more
                break
            if step in (15, budget // 2):
                self.solve_jointly()
                continue
            movable = [n for n in bad if self.touched[n]]
            if len(movable) < len(bad):  # about sizes alone: nothing can be done
                break
            self.repair(self.rng.choice(movable))
        return sorted({self.instances[n][0] for n, c in enumerate(self.costs) if c > 0})

    def repair(self, n: int) -> None:
        """One attempt to make instance n hold."""
        cells, rng = sorted(self.touched[n]), self.rng
        discrete = [c for c in cells if c[0] != "app" and not self.base]
        reals = [c for c in cells if c[0] == "app" and (not self.base or c[1] in self.free)]
        if not discrete and not reals:
            return
        if reals and rng.random() < (0.4 if discrete else 0.8):
            news = self.algebra(n)
            if news:
                self.change(news)
                return
        kind, name, at = cell = rng.choice(discrete or reals)
        if reals and discrete and rng.random() < 0.2:
            kind, name, at = cell = rng.choice(reals)
        if kind == "app":
            self.change({cell: self.draw(name, wide=True)})
        elif kind == "mask":
            self.change({cell: 1 - self.model.masks[name][at]})
        else:
            n_values = self.model.size(self.signature.functions[name][1])
            self.change({cell: rng.randrange(n_values)})

    def residual(self, n: int) -> tuple[Tape, Any]:
        """Left minus right of an instance, all families variables: a tape and a number on it."""
        k, env = self.instances[n]
        tape, ev = tape_of(self.model, lambda name: True)
        a, *b = (ev.value(t, env) for t in self.hyps[k][1:])
        return tape, plain(tape, tape.add([a, *(tape.mul([flint.fmpq(-1), x]) for x in b)]))

    def algebra(self, n: int) -> dict[Cell, Fraction]:
        """New values that solve what is linear, or a unit norm; none where it is neither."""
        kind = self.hyps[self.instances[n][0]][0]
        try:
            tape, r = self.residual(n)
        except Undecided:
            return {}
        c, linear, squares = polynomial(tape, r)
        value = self.model.families
        if linear and squares is None:
            now = {cell: value[cell[1]][cell[2]] for cell, _ in linear}
            mass = sum((q * now[cell] for cell, q in linear), Fraction(0))
            scale = -c / mass if kind == "eq" and mass else Fraction(0)
            if scale > 0 and len(linear) > 1 and self.rng.random() < 0.9:
                return {cell: x * scale for cell, x in now.items()}
            cell, q = self.rng.choice(linear)
            beyond = Fraction(0) if kind == "eq" else self.rng.choice(POSITIVE[self.style])
            return {cell: now[cell] - (c + mass - beyond) / q}
        if squares and not linear and kind == "eq":
            return self.on_sphere([cell for cell, _ in squares], -c / squares[0][1])
        if name := rows_of(self.hyps[self.instances[n][0]]):
            return self.rows(name)
        return self.alone(n, tape, r)

    def on_sphere(self, cells: list[Cell], square: Fraction) -> dict[Cell, Fraction]:
        """A point with that sum of squares, of the sign that the entries have."""
        point = sphere(cells, square, self.rng)
        return {c: abs(x) if self.signs.get(c[1]) else x for c, x in point.items()}

    def rows(self, name: str) -> dict[Cell, Fraction]:
        """New orthonormal rows of a family."""
        table = self.model.families[name]
        count, size = (1 + max(at[k] for at in table) for k in (0, 1))
        found = frame(count, size, self.rng, self.style == "simple")
        return {("app", name, at): found[at[0]][at[1]] for at in table} if found else {}

    def alone(self, n: int, tape: Tape, r: Any) -> dict[Cell, Fraction]:
        """A new value of an entry that stands once in instance n, so that the instance holds.

        t = sum of what is no polynomial; R >= |x|^2; u^2 = (a - b)^2.
        """
        k, env = self.instances[n]
        found = [x for x in alone(tape, r) if self.may_change(x[0][1])]
        if not found:
            return {}
        ev = Evaluator(self.model, Balls())
        try:
            sides = [ev.value(t, env) for t in self.hyps[k][1:]]
        except Undecided:
            return {}
        if not all(type(x) is flint.fmpq for x in sides):
            return {}
        cell, q, power = self.rng.choice(found)
        beyond = Fraction(0)
        if self.hyps[k][0] != "eq":
            beyond = self.rng.choice(POSITIVE[self.style])
        gap = fraction(sides[0]) - (fraction(sides[1]) if len(sides) > 1 else beyond)
        now = self.model.families[cell[1]][cell[2]]
        if power == 1:
            return {cell: now - gap / q}
        return self.on_sphere([cell], now * now - gap / q)

    def solve_jointly(self) -> None:
        """Solve all linear equations together: rows and columns, symmetric rows."""
        rows = []
        for n, (k, _) in enumerate(self.instances):
            if self.hyps[k][0] == "eq" and any(c[0] == "app" for c in self.touched[n]):
                c, linear, squares = polynomial(*self.residual(n))
                if linear and squares is None:
                    rows.append((c, dict(linear)))
        cells = sorted({cell for _, row in rows for cell in row})
        if not rows or len(cells) > 200:
            return
        matrix = [[row.get(c, Fraction(0)) for c in cells] for _, row in rows]
        found = least_norm(matrix, [-c for c, _ in rows])
        if found is None:
            return
        # any other solution is this one plus what the equations do not see of a random direction
        some = [self.draw(name) for _, name, _ in cells]
        zero = Fraction(0)
        seen = least_norm(matrix, [sum(map(Fraction.__mul__, row, some), zero) for row in matrix])
        far = [x - y for x, y in zip(some, seen or some, strict=True)]
        for t in (Fraction(1), Fraction(1, 3), Fraction(1, 9), Fraction(0)):
            news = [x + t * y for x, y in zip(found, far, strict=True)]
            if all(self.allowed(c[1], x) for c, x in zip(cells, news, strict=True)):
                self.change(dict(zip(cells, news, strict=True)))
                return


def random_model(
    hyps: Sequence[Judgement],
    signature: Signature | Sequence[Term],
    sizes: Mapping[str, int],
    rng: random.Random,
    style: str = "generic",
    pools: Pools | None = None,
    restarts: int = 6,
) -> Model | None:
    """A random model of the given sizes in which every hypothesis holds; None if none was found.

    `style` is "simple" (small integers), "generic" (fractions) or "tied" (many equal values);
    `pools` prescribes the values of some families. Equations of rationals hold exactly; those with
    exp or log to 2^-64.
    """
    if not isinstance(signature, Signature):
        signature = symbols_of([*signature, *(t for j in hyps for t in j[1:])])
    for _ in range(restarts):
        search = Search(hyps, signature, sizes, rng, style, pools or {})
        if not search.run():
            return search.model
    return None


def redraw(
    model: Model,
    names: Sequence[str],
    hyps: Sequence[Judgement],
    rng: random.Random,
    style: str = "generic",
    pools: Pools | None = None,
    restarts: int = 4,
) -> Model | None:
    """The model with new values of some families, all else as it is; the hypotheses hold again.

    `pools` prescribes where the search for values of some families starts.
    """
    doms = {name: () for name in model.families}
    signature = symbols_of([t for j in hyps for t in j[1:]])
    free = frozenset(names)
    for _ in range(restarts):
        search = Search(hyps, signature, model.sizes, rng, style, pools or {}, model, free)
        if not search.run():
            drawn = search.model.families
            rest = {
                name: {at: search.draw(name) for at in model.families[name]}
                for name in sorted(free & doms.keys() - drawn.keys())
            }
            return model.with_families({**drawn, **rest})
    return None


def conflict(
    hyps: Sequence[Judgement], find: Callable[[Sequence[Judgement]], Model | None]
) -> tuple[int, ...]:
    """The numbers of a smallest set of hypotheses without a model by `find`, found by deletion."""
    kept = list(range(len(hyps)))
    for k in list(kept):
        fewer = [m for m in kept if m != k]
        if find([hyps[m] for m in fewer]) is None:
            kept = fewer
    return tuple(kept)
