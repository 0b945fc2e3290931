"""Plots: kernels and slopes against formulas written by hand, a toy that is pulled together."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from catalog import registry
from catalog.symbols import Call, Num, Sym
from codegen.emit import emit
from codegen.site.plots import Curve, Dots, Plot, drawing
from iconograph.browse import curves as drawn
from iconograph.browse.curves import NotDrawn, curves, value
from iconograph.browse.toy import toy


def largest(curve: Curve, truth: dict[float, float]) -> float:
    return max(abs(y - truth[x]) for x, y in curve.points)


def test_the_kernel_of_t_sne_is_cauchys() -> None:
    kernel, weight = curves(registry.load("t-sne"))
    (line,) = kernel.curves
    assert largest(line, {x: 1 / (1 + x * x) for x, _ in line.points}) < 1e-5
    assert largest(line, {x: math.exp(-x * x) for x, _ in line.points}) > 0.1
    # the slope of log(1/(1 + d^2)) is 2d/(1 + d^2), which is largest at d = 1
    pull, push = weight.curves
    assert largest(pull, {x: 2 * x / (1 + x * x) for x, _ in pull.points}) < 1e-3
    top = max(x / (1 + x * x) ** 2 for x, _ in push.points)
    assert largest(push, {x: x / (1 + x * x) ** 2 / top for x, _ in push.points}) < 1e-3


def test_a_temperature_gives_three_kernels_of_unit_vectors() -> None:
    kernel, _ = curves(registry.load("simclr"))
    assert [c.label for c in kernel.curves] == ["tau = 0.1", "tau = 0.3", "tau = 1"]
    for line, tau in zip(kernel.curves, (0.1, 0.3, 1.0), strict=True):
        assert largest(line, {x: math.exp(-x * x / 2 / tau) for x, _ in line.points}) < 1e-5


def test_what_has_no_distance_is_not_drawn() -> None:
    assert curves(registry.load("cross-entropy")) == ()  # logits
    assert curves(registry.load("jensen")) == ()  # no pair
    with pytest.raises(NotDrawn):
        value(Sym("z", (), "vector", None, True), {})
    assert value(Call("exp", (Num(2),)), {}) == math.exp(2)


def test_a_kernel_that_overflows_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def over(*_: object) -> float:
        raise OverflowError

    monkeypatch.setattr(drawn, "value", over)
    assert curves(registry.load("t-sne")) == ()


def angle(point: tuple[float, float]) -> float:
    return math.atan2(point[1], point[0])


def spread(plot: Plot) -> float:
    """The mean distance within the groups over that between them."""
    points = [(g, p) for g, d in enumerate(plot.dots) for p in d.points]
    within, between = list[float](), list[float]()
    for n, (g, a) in enumerate(points):
        for h, b in points[:n]:
            (within if g == h else between).append(math.dist(a, b))
    return sum(within) / len(within) / (sum(between) / len(between))


@pytest.mark.parametrize("name", ["supcon", "t-sne"])
def test_a_toy_is_pulled_into_its_groups(name: str) -> None:
    method = registry.load(name)
    text = emit(method, "numpy")
    found = toy(method, text)
    assert found is not None and len(found.dots) == 3
    assert spread(found) < 0.6
    assert toy(method, text) == found
    # a program whose gradient points the wrong way makes its loss grow, and is not shown
    (last,) = [x for x in text.splitlines() if x.lstrip().startswith("return result, {")]
    wrong = text.replace(last, last.replace("* scale", "* -scale"))
    assert wrong != text and toy(method, wrong) is None


def test_partners_are_joined() -> None:
    method = registry.load("simclr")
    found = toy(method, emit(method, "numpy"))
    assert found is not None and len(found.links) == 9
    turned = [math.cos(angle(found.dots[g].points[k]) - angle(found.dots[h].points[m]))
              for (g, k), (h, m) in found.links]  # fmt: skip
    assert sum(turned) / len(turned) > 0.9  # the loss reads cosines
    others = [math.cos(angle(a) - angle(b)) for a, b in pairwise(found.dots[0].points)]
    assert sum(others[1::2]) / len(others[1::2]) < 0.9


def test_what_learns_no_points_is_no_toy() -> None:
    method = registry.load("cross-entropy")
    assert toy(method, emit(method, "numpy")) is None


def test_a_drawing_stays_in_its_box_and_counts_evenly() -> None:
    line = Curve("a", tuple((k / 7, (k / 7) ** 2) for k in range(50)))
    plot = drawing(Plot("t", "c", "x", "y", (line,)))
    left, top, right, bottom = plot.box
    assert all(left <= t.at <= right for t in plot.across)
    assert all(top <= t.at <= bottom for t in plot.up)
    steps = {round(b.at - a.at, 1) for a, b in pairwise(plot.across)}
    assert len(steps) <= 2 and 3 <= len(plot.across) <= 7
    assert plot.across[0].label == "0" and plot.up[0].label == "0"
    # the table holds the numbers of the curve
    assert plot.rows[1] == ("1.14", "1.31")


def test_a_unit_is_as_long_across_as_up_in_a_picture_of_points() -> None:
    dots = Dots("g", ((0.0, 0.0), (3.0, 0.0), (0.0, 4.0)))
    plot = drawing(Plot("t", "c", "x", "y", (), (dots,), (((0, 0), (0, 1)),)))
    a, b, c = plot.marks
    assert abs((b.x - a.x) / 3 - (a.y - c.y) / 4) < 0.1
    assert plot.threads.startswith("M") and [m.shape for m in plot.marks] == ["circle"] * 3


def test_a_plot_of_one_point_has_room() -> None:
    plot = drawing(Plot("t", "c", "x", "y", (), (Dots("g", ((1.0, 1.0),)),)))
    assert all(math.isfinite(t.at) for t in (*plot.across, *plot.up))
