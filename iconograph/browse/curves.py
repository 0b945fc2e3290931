"""The learned kernel against distance, and what the distance does to the gradient.

For KL the derivative of the loss in a log-kernel is w (q - p), so a pair is moved by that times the
slope of the log-kernel: that slope is the weight of its gradient, and the slope times the kernel is
how hard the normaliser pushes. Only kernels of a distance are drawn, and of products of unit
vectors, whose squared distance is 2 - 2 s; of logits there is no distance to draw against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from catalog.spec import SCORE, Method
from catalog.symbols import Add, Call, Div, Expr, Macro, Mul, Num, Pow, Sym, symbols
from codegen.site.plots import Curve, Plot

POINTS = 32
STEP = 1e-4  # of the symmetric difference by which slopes are found


class NotDrawn(ValueError):
    """A formula holds something that has no value without data."""


def curves(method: Method) -> tuple[Plot, ...]:
    """The plots of a method's kernel, () where it is none of a distance."""
    q = method.icon.q
    if not method.icon.blocks or q.kind not in ("sqdist", "dot", "cosine"):
        return ()
    body = of_score(q.log_kernel)
    names = sorted(s.name for s in symbols(body) if s != SCORE)
    free = sorted(set(names))
    values = (0.5, 1.0, 2.0) if q.kind == "sqdist" else (0.1, 0.3, 1.0)
    middle = 1.0 if q.kind == "sqdist" else 0.3
    far = 4.0 if q.kind == "sqdist" else 2.0
    near = 0.2 if q.name == "inverse-power" else 0.0
    grid = [near + (far - near) * k / POINTS for k in range(POINTS + 1)]

    def log_kernel(d: float, setting: Mapping[str, float]) -> float:
        score = d * d if q.kind == "sqdist" else 1 - d * d / 2
        return value(body, {**setting, SCORE.name: score})

    def kernel(setting: Mapping[str, float]) -> tuple[tuple[float, float], ...]:
        top = log_kernel(grid[0], setting)
        return points((d, math.exp(log_kernel(d, setting) - top)) for d in grid)

    def slope(d: float, setting: Mapping[str, float]) -> float:
        low = max(d - STEP, near)
        return abs(log_kernel(d + STEP, setting) - log_kernel(low, setting)) / (d + STEP - low)

    try:
        if len(free) == 1:
            lines = tuple(Curve(f"{free[0]} = {v:g}", kernel({free[0]: v})) for v in values)
        else:
            lines = (Curve("kernel", kernel(dict.fromkeys(free, middle))),)
        at = dict.fromkeys(free, middle)
        pull = [(d, slope(d, at)) for d in grid]
        push = [(d, w * math.exp(log_kernel(d, at) - log_kernel(near, at))) for d, w in pull]
    except (NotDrawn, ValueError, OverflowError, ZeroDivisionError):
        return ()
    put = f", with {' = '.join(free)} = {middle:g}" if free else ""
    unit = "" if q.kind == "sqdist" else " of unit vectors"
    x = f"distance{unit}"
    return (
        Plot("The kernel of q", f"The kernel against the {x}, 1 at the smallest that is drawn.", x,
             "kernel", lines),
        Plot(
            "The weight of the gradient",
            "How strongly a pair at this distance is moved, each curve against its own peak: by a "
            "unit of p towards each other (the slope of the log-kernel), and by the normaliser of "
            f"q apart (the same times the kernel){put}.",
            x, "weight", (Curve("pull of p", peak(pull)), Curve("push of q", peak(push))),
        ),
    )  # fmt: skip


def points(values: object) -> tuple[tuple[float, float], ...]:
    """Points in six digits, which are the same on every machine."""
    return tuple((float(f"{x:.6g}"), float(f"{y:.6g}")) for x, y in values)  # type: ignore[attr-defined]


def peak(values: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Points with the largest value 1."""
    top = max(y for _, y in values) or 1.0
    return points((x, y / top) for x, y in values)


def of_score(log_kernel: Expr) -> Expr:
    """The terms of a log-kernel that the score is in: a bias moves no curve."""
    if isinstance(log_kernel, Add):
        kept = tuple(a for a in log_kernel.args if any(s == SCORE for s in symbols(a)))
        return kept[0] if len(kept) == 1 else Add(kept)
    return log_kernel


def value(expr: Expr, at: Mapping[str, float]) -> float:
    """The value of a formula in numbers; an indexed number has one value for all indices."""
    match expr:
        case Num(number):
            return float(number)
        case Sym(name, _) if expr.dim is None and name in at:
            return at[name]
        case Add(args):
            return sum(value(a, at) for a in args)
        case Mul(args):
            return math.prod(value(a, at) for a in args)
        case Div(above, below):
            return value(above, at) / value(below, at)
        case Pow(base, exponent):
            return float(value(base, at) ** value(exponent, at))
        case Call("exp", (a,)):
            return math.exp(value(a, at))
        case Call("log", (a,)):
            return math.log(value(a, at))
        case Macro():
            return value(expr.body, at)
    raise NotDrawn(type(expr).__name__)
