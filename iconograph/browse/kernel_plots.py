"""A kernel of the vocabulary against a distance, or a score, from its own template."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from catalog.declare import declare
from catalog.errors import Place
from catalog.formula import parse_expr
from catalog.kernels import PKernel, QKernel
from catalog.params import Text
from catalog.scope import Scope
from codegen.site.plots import Curve, Plot
from iconograph.browse.curves import points, value

POINTS = 60
SHAPES: Mapping[str, tuple[float, ...]] = {
    "dof": (1.0, 3.0, 30.0), "power": (1.0, 2.0, 4.0), "bandwidth": (0.5, 1.0, 2.0),
    "temperature": (0.5, 1.0, 2.0),
}  # fmt: skip
"""The parameter that gives a kernel its shape, the first that it has, and the values drawn."""

ON_THE_SPHERE = (0.1, 0.3, 1.0)
"""Temperatures for unit vectors, whose scores are between -1 and 1."""

ROW_SCORE = {
    "gaussian": ("exp(-score/(2*bandwidth^2))", "|points(i) - points(j)|^2"),
    "softmax": ("exp(score/temperature)", "logits"),
}
"""The supervisory kernels of a score: their templates with `score`, and what that stands for."""


@dataclass(frozen=True)
class Axis:
    """What a kernel is drawn against: the grid, the score there, and where the kernel is 1.

    `said` is that place in words.
    """

    name: str
    low: float
    high: float
    score: Callable[[float], float]
    one: float
    said: str


DISTANCE = Axis("distance", 0.0, 4.0, lambda d: d * d, 0.0, "at distance 0")
AWAY = Axis("distance", 0.5, 4.0, lambda d: d * d, 1.0, "at distance 1")
SPHERE = Axis(
    "distance of unit vectors", 0.0, 2.0, lambda d: 1 - d * d / 2, 0.0, "of a vector to itself"
)
SCORE = Axis("score", -4.0, 4.0, lambda s: s, 4.0, "at score 4")


def plot(kernel: PKernel | QKernel) -> Plot | None:
    """The plot of a kernel, None where it is not one of a distance or a score."""
    if isinstance(kernel, PKernel):
        return supervisory(kernel)
    if kernel.name == "sigmoid":
        return sigmoid(kernel)
    axis = {"sqdist": DISTANCE, "dot": SPHERE, "cosine": SPHERE, "logit": SCORE}.get(kernel.kind)
    if axis is None:
        return None
    if axis is DISTANCE and kernel.log_kernel.endswith("log(score)"):
        axis = AWAY  # without a value at 0
    return drawn(kernel.title, kernel.kernel, axis, kernel)


def supervisory(kernel: PKernel) -> Plot | None:
    """The plot of a supervisory kernel, whose template must be the one that is drawn here."""
    if kernel.name not in ROW_SCORE:
        return None
    template, stands = ROW_SCORE[kernel.name]
    if template.replace("score", stands) != kernel.template:
        return None
    return drawn(kernel.title, template, SCORE if kernel.name == "softmax" else DISTANCE, kernel)


def sigmoid(kernel: QKernel) -> Plot:
    """The probability of a match: exp(logit) against 1."""
    body = parse_expr(kernel.kernel, scope(("score",)))

    def match(score: float) -> float:
        k = value(body, {"score": score})
        return k / (k + 1)

    line = Curve("match", points((s, match(s)) for s in grid(SCORE)))
    said = "The probability of a match against the logit."
    return Plot(kernel.title, said, "logit", "q", (line,))


def drawn(title: str, template: str, axis: Axis, kernel: PKernel | QKernel) -> Plot:
    """A kernel along an axis, for the values of its shape; a plug-in's kernel may have none."""
    names = [p.name for p in kernel.params]
    shape = next((name for name in SHAPES if name in names), "")
    values = (1.0,) if not shape else ON_THE_SPHERE if axis is SPHERE else SHAPES[shape]
    body = parse_expr(template, scope(("score", *names)))
    known = {p.name: float(p.default or "") for p in kernel.params if number(p.default)}

    def at(x: float, v: float) -> float:
        return value(body, {**known, **({shape: v} if shape else {}), "score": axis.score(x)})

    lines = tuple(
        Curve(f"{shape} {v:g}" if shape else title,
              points((x, at(x, v) / at(axis.one, v)) for x in grid(axis)))
        for v in values
    )  # fmt: skip
    others = ", ".join(f"{k} {v:g}" for k, v in known.items() if k not in (shape, "bias"))
    given = f", for {others}" if others else ""  # a bias cancels
    said = f"The kernel against the {axis.name}, 1 {axis.said}{given}."
    return Plot(title, said, axis.name, "kernel", lines)


def grid(axis: Axis) -> list[float]:
    """The places at which a kernel is evaluated."""
    return [axis.low + (axis.high - axis.low) * k / POINTS for k in range(POINTS + 1)]


def number(text: str | None) -> bool:
    """Whether a default is a plain number."""
    try:
        return text is not None and math.isfinite(float(text))
    except ValueError:
        return False


def scope(names: tuple[str, ...]) -> Scope:
    """A scope in which these names are numbers."""
    found = Scope({}, {})
    for name in dict.fromkeys(names):
        if name not in ("points", "embedding", "keys"):
            said, kind = (Text(x, Place.of(x)) for x in (name, "real"))
            found = declare(found, name, said, kind, learned=False)
    return found
