"""Plots as SVG, drawn when the site is built: data to paths, axes and a table of the same numbers.

Lines differ in dashes and points in shape, besides colour. All coordinates are rounded to a tenth
of a pixel, so that a site is the same wherever it is built.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40
DASHES = ("", "7 4", "2 4")
SHAPES = ("circle", "square", "triangle")


@dataclass(frozen=True)
class Curve:
    """A line through points."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Dots:
    """Points of one group, as (x, y)."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Plot:
    """A plot of curves or of dots. `links` are pairs of ends of dots, (group, position) each."""

    title: str
    caption: str
    x: str
    y: str
    curves: tuple[Curve, ...] = ()
    dots: tuple[Dots, ...] = ()
    links: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()


@dataclass(frozen=True)
class Tick:
    """A mark at an axis: where, in pixels, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A drawn line: the `d` of its path, its dashes, and where its label stands."""

    label: str
    path: str
    dash: str
    number: int


@dataclass(frozen=True)
class Mark:
    """A drawn point: its shape, its group, and where it is in pixels."""

    shape: str
    number: int
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """A plot in pixels, for the template, with the table of its numbers."""

    plot: Plot
    width: int
    height: int
    box: tuple[float, float, float, float]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    threads: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def drawing(plot: Plot) -> Drawing:
    """A plot, drawn."""
    points = [p for c in plot.curves for p in c.points] + [p for d in plot.dots for p in d.points]
    xs, ys = bounds(x for x, _ in points), bounds(y for _, y in points)
    if plot.dots:
        xs, ys = even(xs, ys)
    elif ys[0] > 0:
        ys = (0.0, ys[1])
    box = (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - xs[0]) / (xs[1] - xs[0]) * (box[2] - LEFT)
        down = box[3] - (y - ys[0]) / (ys[1] - ys[0]) * (box[3] - TOP)
        return round(across, 1), round(down, 1)

    lines = tuple(
        Line(c.label, path([place(*p) for p in c.points]), DASHES[n % len(DASHES)], n)
        for n, c in enumerate(plot.curves)
    )
    marks = tuple(
        Mark(SHAPES[n % len(SHAPES)], n, *place(*p))
        for n, d in enumerate(plot.dots) for p in d.points
    )  # fmt: skip
    threads = " ".join(
        path([place(*plot.dots[g].points[k]), place(*plot.dots[h].points[m])])
        for (g, k), (h, m) in plot.links
    )
    return Drawing(
        plot, WIDTH, HEIGHT, box,
        tuple(Tick(place(v, ys[0])[0], short(v)) for v in ticks(*xs)),
        tuple(Tick(place(xs[0], v)[1], short(v)) for v in ticks(*ys)),
        lines, marks, threads, heads(plot), tuple(table(plot)),
    )  # fmt: skip


def bounds(values: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest of some numbers, never the same."""
    values = list(values)
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def even(xs: tuple[float, float], ys: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Ranges in which a unit is as long across as up, with a little room around."""
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    unit = 1.1 * max((xs[1] - xs[0]) / wide, (ys[1] - ys[0]) / tall)
    middle = (xs[0] + xs[1]) / 2, (ys[0] + ys[1]) / 2
    across, up = unit * wide / 2, unit * tall / 2
    return (middle[0] - across, middle[0] + across), (middle[1] - up, middle[1] + up)


def ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers in a range."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= next(f for f in (0.5, 1, 2, 2.5, 5, 10) if (high - low) / (f * step) <= 6)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """A number in at most three digits."""
    return f"{value:.3g}".replace("-0", "0", 1) if value == 0 else f"{value:.3g}"


def path(points: list[tuple[float, float]]) -> str:
    """Points as the `d` of a path: the first as it is, the others by the steps that lead there.

    >>> path([(46.0, 12.0), (55.1, 14.6), (64.1, 9.9)])
    'M46 12l9.1 2.6 9-4.7'
    """
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    steps = "".join(
        f" {(x - a) / 10:g} {(y - b) / 10:g}" for (a, b), (x, y) in pairwise(tenths)
    ).replace(" -", "-")
    return f"M{points[0][0]:g} {points[0][1]:g}l{steps.strip()}"


def heads(plot: Plot) -> tuple[str, ...]:
    """The heads of the table."""
    if plot.dots:
        return ("group", f"{plot.x} and {plot.y} of its points")
    return (plot.x, *(c.label for c in plot.curves))


def table(plot: Plot) -> Iterable[tuple[str, ...]]:
    """The numbers of a plot: every eighth point of curves, all dots of a group in a row."""
    for d in plot.dots:
        yield d.label, "; ".join(f"{short(x)} {short(y)}" for x, y in d.points)
    if plot.curves:
        for k in range(0, len(plot.curves[0].points), 8):
            here = [c.points[k] for c in plot.curves]
            yield (short(here[0][0]), *(short(y) for _, y in here))
