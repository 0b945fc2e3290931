"""Arrays with a named axis for every index, and how a gradient goes back through each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from catalog.symbols import IndexSet, IVar

Array: TypeAlias = Any
Axes: TypeAlias = tuple[IVar, ...]
COORDINATE = IVar("coordinate", IndexSet("coordinates"))
"""The axis of a vector's coordinates."""


class Node:
    """An array with an axis for each index, and how its gradient goes to what it was made from."""

    __slots__ = ("axes", "grad", "learned", "parents", "value")

    def __init__(
        self,
        value: Array,
        axes: Axes,
        parents: tuple[tuple[Node, Callable[[Array], Array]], ...] = (),
    ) -> None:
        self.value, self.axes = value, axes
        self.parents = tuple(p for p in parents if p[0].learned)
        self.learned: bool = bool(self.parents)
        self.grad: Array = 0.0


LEAF = Node(0.0, ())
"""What every entry of an array comes from; its gradient is kept by the array's name."""
LEAF.learned = True


def union(*nodes: Node) -> Axes:
    """All axes of some nodes, the coordinates last."""
    found = dict.fromkeys(a for n in nodes for a in n.axes)
    coordinate = found.pop(COORDINATE, 0) is None
    return (*found, COORDINATE) if coordinate else tuple(found)


def spread(node: Node, axes: Axes) -> Array:
    """The array of a node with its axes in the order of `axes`, of length one where it has none."""
    if node.axes == axes:
        return node.value
    own = [a for a in axes if a in node.axes]
    value = np.transpose(node.value, [node.axes.index(a) for a in own])
    shape = iter(value.shape)
    return value.reshape([next(shape) if a in node.axes else 1 for a in axes])


def back(g: Array, axes: Axes, node: Node) -> Array:
    """A gradient over `axes`, summed to the axes of a node."""
    over = tuple(k for k, a in enumerate(axes) if a not in node.axes)
    left = [a for a in axes if a in node.axes]
    return np.transpose(g.sum(axis=over), [left.index(a) for a in node.axes])


def times(g: Array, slope: Array) -> Array:
    """The product g * slope, 0 where g is: what is masked may have no finite slope."""
    return np.where(g == 0, 0.0, g * slope)


def both(a: Node, b: Node, rule: Callable[[Array, Array], tuple[Array, Array, Array]]) -> Node:
    """A function of two numbers on arrays: `rule` gives its value and its two slopes."""
    axes = union(a, b)
    value, by_a, by_b = rule(spread(a, axes), spread(b, axes))
    return Node(
        value, axes,
        ((a, lambda g: back(times(g, by_a), axes, a)),
         (b, lambda g: back(times(g, by_b), axes, b))),
    )  # fmt: skip


def reduced(node: Node, vars: Axes) -> Node:
    """The sum over some axes."""
    over = tuple(node.axes.index(v) for v in vars)
    left = tuple(a for a in node.axes if a not in vars)
    shape = np.shape(node.value)
    return Node(
        node.value.sum(axis=over), left,
        ((node, lambda g: np.broadcast_to(np.expand_dims(g, over), shape)),),
    )  # fmt: skip


def extreme(body: Node, mask: Array, axes: Axes, vars: Axes, op: str) -> Node:
    """The largest or smallest of the values inside; the gradient goes to the first such one."""
    sign = 1.0 if op == "max" else -1.0
    value = np.where(mask, sign * spread(body, axes), -np.inf)
    order = [*(a for a in axes if a not in vars), *vars]
    moved = np.transpose(value, [axes.index(a) for a in order])
    lead = moved.shape[: len(order) - len(vars)]
    flat = moved.reshape(*lead, -1)
    at = flat.argmax(axis=-1)

    def send(g: Array) -> Array:
        out = np.zeros_like(flat)
        np.put_along_axis(out, at[..., None], g[..., None], axis=-1)
        return back(out.reshape(moved.shape), tuple(order), body)

    return Node(sign * flat.max(axis=-1), tuple(order[: len(lead)]), ((body, send),))


# --------------------------------------------------------------------------- functions


def root(node: Node) -> Node:
    """The square root; slope 0 at 0, where a norm has none."""
    value = np.sqrt(node.value)
    slope = np.where(value > 0, 0.5 / value, 0.0)
    return Node(value, node.axes, ((node, lambda g: times(g, slope)),))


def power(base: Array, exponent: Array) -> tuple[Array, Array, Array]:
    """The power base ** exponent and its slopes."""
    value = np.power(base, exponent)
    return (
        value,
        np.where(exponent == 0, 0.0, exponent * np.power(base, exponent - 1)),
        np.where(base > 0, value * np.log(np.where(base > 0, base, 1.0)), 0.0),
    )


def larger(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The larger of two numbers and its slopes."""
    return np.maximum(a, b), 1.0 * (a >= b), 1.0 * (a < b)


def smaller(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The smaller of two numbers and its slopes."""
    return np.minimum(a, b), 1.0 * (a <= b), 1.0 * (a > b)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 0.5 * (1 + np.tanh(x / 2))


UNARY: Mapping[str, Callable[[Array], tuple[Array, Array]]] = {
    "log": lambda x: (np.log(x), 1 / x),
    "exp": lambda x: (np.exp(x), np.exp(x)),
    "sqrt": lambda x: (np.sqrt(x), 0.5 / np.sqrt(x)),
    "relu": lambda x: (np.maximum(x, 0.0), 1.0 * (x > 0)),
    "sigmoid": lambda x: (sigmoid(x), sigmoid(x) * sigmoid(-x)),
    "softplus": lambda x: (np.logaddexp(0.0, x), sigmoid(x)),
}
"""Value and slope of the functions of one number."""
