"""A toy embedding: what a loss does to a few points in the plane, by its own NumPy program.

Three groups of points; what supervises is made to agree with them, as far as the hypotheses of the
method allow: labels are the groups, masks and weights join points of a group, fixed points lie in
three heaps, and partners are pairs of a group. The steps are those of Adam.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from catalog.spec import Declaration, Method
from catalog.symbols import IApp, IVar, Mask, Sym
from codegen.execute import module, program_of
from codegen.ir import Program
from codegen.oracle import Interpreter
from codegen.samples import NoSample, Sample, holds, sample
from codegen.site.plots import Dots, Plot

GROUPS = 3
SIZE = 18  # of every set; three groups of three pairs
STEPS, RATE = 150, 0.05
OWN = {"positive": 0.5}
"""What stands for a number that is given: a middling temperature."""


def toy(method: Method, text: str) -> Plot | None:
    """The plot for a NumPy program of the method; None where it learns no points of a plane."""
    learned = [d for d in method.declarations.values() if d.learned]
    families = [d.name for d in learned if is_family(d)]
    others = [d.form for d in learned if d.name not in families]
    if not 1 <= len(families) <= 2 or any(getattr(f, "args", ()) or f.dim for f in others):  # type: ignore[union-attr]
        return None  # a trained number stays as it is, an array would have to be shown
    try:
        data = arranged(method)
        if data is None:
            return None
        program = program_of(method)
        return drawn(families, data, *descended(module(text), program, families, data))
    except (NoSample, ValueError, FloatingPointError, TypeError, KeyError, IndexError):
        return None  # such data do not suit this loss; the page then has no such plot


def is_family(declared: Declaration) -> bool:
    """Whether a symbol is one learned vector for each index."""
    form = declared.form
    return isinstance(form, Sym) and form.dim is not None and len(form.args) == 1


def arranged(method: Method) -> Sample | None:
    """Data in groups on which all hypotheses hold; None where there is none like that."""
    plane = {
        d.form.dim.name: 2 for d in method.declarations.values()
        if d.learned and isinstance(d.form, Sym) and d.form.dim is not None
    }  # fmt: skip
    # sets of one size: where two are matched, partners have the same number
    sizes = {s.name: SIZE for s in method.sets.values() if not s.elements}
    for d in method.declarations.values():
        if isinstance(d.form, IApp) and d.text.startswith("label"):
            sizes[d.form.set.name] = GROUPS
    drawn = sample(method, 1, dimension=2, **(sizes | plane))
    data = dict(drawn.data)
    rng = random.Random(2)
    for d in method.declarations.values():
        if (better := suited(d, drawn.sizes, rng)) is not None:
            tried = {**data, d.name: better}
            interpreter = Interpreter(drawn.sizes, tried)
            if all(holds(f, interpreter) for f in method.assumes):
                data = tried
    return Sample(drawn.sizes, data)


def group(k: int) -> int:
    """The group of a point; neighbours in number are partners of one group."""
    return k // 2 % GROUPS


def suited(d: Declaration, sizes: Mapping[str, int], rng: random.Random) -> Any:
    """A value of a symbol that agrees with the groups, None where any will do."""
    form = d.form
    if isinstance(form, IVar):
        return None
    axes = [sizes[a.set.name] for a in form.args]
    if isinstance(form, IApp):
        count = sizes[form.set.name]
        if len(axes) != 1:
            return None
        if d.text.startswith("label"):
            return [group(k) % count for k in range(axes[0])]
        return [k ^ 1 if k ^ 1 < count else k for k in range(axes[0])]
    if isinstance(form, Mask):
        if len(axes) != 2:
            return None
        return [[i != j and group(i) == group(j) for j in range(axes[1])] for i in range(axes[0])]
    assert isinstance(form, Sym)
    if form.dim is not None and len(axes) == 1:
        spread = 0.6 if d.learned else 0.4
        width = sizes[form.dim.name]
        return [[(0.0 if d.learned else heap(group(k), c)) + rng.gauss(0, spread)
                 for c in range(width)] for k in range(axes[0])]  # fmt: skip
    if form.kind == "nonnegative" and len(axes) == 2:
        near = {True: 1.0, False: 0.02}
        return [[near[group(i) == group(j)] * (i != j) for j in range(axes[1])]
                for i in range(axes[0])]  # fmt: skip
    return OWN.get(form.kind) if not axes else None


def heap(g: int, coordinate: int) -> float:
    """The middle of a heap of fixed points."""
    angle = 2 * math.pi * g / GROUPS
    return 2 * (math.cos(angle) if coordinate % 2 == 0 else math.sin(angle))


def descended(
    made: Any, program: Program, families: list[str], data: Sample
) -> tuple[dict[str, Any], float, float]:
    """The points after the descent, and the value of the loss before and after."""
    function = getattr(made, f"{program.name}_loss")
    arguments = {a.symbol: a for a in program.arguments}
    now = {a.symbol: np.asarray(data.data[a.symbol]) for a in program.arguments}
    now |= {f: now[f].astype(float) for f in families}
    first: float | None = None
    mean = {f: np.zeros_like(now[f]) for f in families}
    square = {f: np.zeros_like(now[f]) for f in families}
    for step in range(1, STEPS + 2):
        positional = [now[a.symbol] for a in program.arguments if a.positional]
        keyword = {a.name: now[a.symbol] for a in program.arguments if not a.positional}
        with np.errstate(all="ignore"):
            value, found = function(*positional, **keyword)
        first = float(value) if first is None else first
        if step > STEPS:
            return {f: now[f] for f in families}, first, float(value)
        for f in families:
            slope = found[arguments[f].name]
            mean[f] = 0.9 * mean[f] + 0.1 * slope
            square[f] = 0.99 * square[f] + 0.01 * slope**2
            move = (mean[f] / (1 - 0.9**step)) / (np.sqrt(square[f] / (1 - 0.99**step)) + 1e-9)
            now[f] = now[f] - RATE * move
    raise AssertionError("the last step returns")


def drawn(
    families: list[str], data: Sample, after: dict[str, Any], first: float, last: float
) -> Plot | None:
    """The plot, None where the points went nowhere or to infinity."""
    finite = math.isfinite(last) and all(np.isfinite(a).all() for a in after.values())
    if not finite or last >= first:
        return None
    dots, where = [], dict[tuple[str, int], tuple[int, int]]()
    for g in range(GROUPS):
        points = list[tuple[float, float]]()
        for f in families:
            for k in range(len(after[f])):
                if group(k) == g:
                    where[f, k] = (g, len(points))
                    points.append(rounded(after[f][k]))
        dots.append(Dots(f"group {g + 1}", tuple(points)))
    joined = tuple(threads(data, where))
    said = " Threads join partners." if joined else ""
    return Plot(
        "A toy embedding",
        f"{' and '.join(families)} in the plane after {STEPS} steps of Adam from a random start; "
        f"what supervises agrees with three groups of points.{said} The loss went from "
        f"{first:.3g} to {last:.3g}.",
        "first coordinate", "second coordinate", (), tuple(dots), joined,
    )  # fmt: skip


def rounded(point: Any) -> tuple[float, float]:
    """A point in three decimals, which are the same on every machine as far as can be."""
    return round(float(point[0]), 3) + 0.0, round(float(point[1]), 3) + 0.0


def threads(data: Sample, where: Mapping[tuple[str, int], tuple[int, int]]) -> Any:
    """The ends of the threads: partners of one family, or the same number in two."""
    families = list(dict.fromkeys(f for f, _ in where))
    for f, k in where:
        if len(families) == 2 and f == families[0] and (families[1], k) in where:
            yield where[f, k], where[families[1], k]
        elif len(families) == 1 and k % 2 == 0 and partnered(data, k) and (f, k + 1) in where:
            yield where[f, k], where[f, k + 1]


def partnered(data: Sample, k: int) -> bool:
    """Whether some function on the indices makes k + 1 the partner of k."""
    functions = [v for v in data.data.values() if isinstance(v, list) and len(v) == SIZE]
    return any(all(isinstance(x, int) for x in v) and v[k] == k + 1 for v in functions)

