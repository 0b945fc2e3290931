"""The value and gradient of a formula on arrays: an axis for every index, one pass for all of them.

`codegen.oracle` does the same one number at a time and judges programs; here thousands of variants
of a formula are compared with a loss, so every node is one NumPy operation. The two share no code,
and a test holds them to each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from catalog.symbols import (
    Add,
    And,
    Big,
    Call,
    Cond,
    Cos,
    Div,
    Dot,
    Equal,
    Expr,
    Index,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Norm,
    Num,
    Or,
    Pow,
    SetRef,
    Size,
    SqNorm,
    Sym,
)  # fmt: skip
from iconograph.audit.tape import (
    COORDINATE,
    LEAF,
    UNARY,
    Array,
    Axes,
    Node,
    back,
    both,
    extreme,
    larger,
    power,
    reduced,
    root,
    smaller,
    spread,
    times,
    union,
)


def evaluate(
    formula: Expr,
    sizes: Mapping[str, int],
    data: Mapping[str, Array],
    wanted: Collection[str] | None = None,
) -> tuple[float, dict[str, Array]]:
    """The value of a closed formula, and its gradient by the arrays of numbers that are `wanted`.

    `sizes` has the number of elements of every index set, `data` an array for every symbol in the
    order of its arguments (coordinates last, positions for index-valued functions, booleans for
    masks). All arrays of numbers are wanted where none are named. Where the formula is not defined
    the value is not finite.
    """
    machine = Machine(sizes, data, wanted)
    with np.errstate(all="ignore"):
        result = machine.node(formula)
        machine.backward(result)
    return float(result.value), machine.gradient


class Machine:
    """One evaluation: nodes by formula, and the gradient of each symbol."""

    def __init__(
        self,
        sizes: Mapping[str, int],
        data: Mapping[str, Array],
        wanted: Collection[str] | None,
    ) -> None:
        self.sizes, self.data = sizes, data
        self.memo: dict[int, Node] = {}
        self.keep: list[object] = []
        self.gradient = {
            k: np.zeros_like(v)
            for k, v in data.items()
            if np.asarray(v).dtype.kind == "f" and (wanted is None or k in wanted)
        }

    # ----------------------------------------------------------------- indices and conditions

    def index(self, index: Index) -> Node:
        """Positions in a set."""
        if isinstance(index, IVar):
            return Node(np.arange(self.sizes[index.set.name]), (index,))
        if not index.args and index.name in index.set.elements:
            return Node(np.asarray(index.set.elements.index(index.name)), ())
        return self.entries(index.name, index.args)

    def entries(self, name: str, args: tuple[Index, ...], *, vector: bool = False) -> Node:
        """The entries of an array at given places; numbers remember where they came from."""
        array = np.asarray(self.data[name])
        places = [self.index(a) for a in args]
        axes = union(*places)
        where = tuple(spread(p, axes) for p in places)
        value = array[where]
        out = (*axes, COORDINATE) if vector else axes
        if name not in self.gradient:
            return Node(value, out)

        def back(g: Array) -> Array:
            np.add.at(self.gradient[name], where, g)
            return g

        return Node(value, out, ((LEAF, back),))

    def condition(self, cond: Cond) -> Node:
        """Where a condition holds."""
        match cond:
            case Equal(a, b, negated):
                x, y = self.index(a), self.index(b)
                axes = union(x, y)
                return Node((spread(x, axes) == spread(y, axes)) != negated, axes)
            case Mask(name, args, negated):
                found = self.entries(name, args)
                return Node(found.value.astype(bool) != negated, found.axes)
            case SetRef():
                found = self.condition(cond.cond)
                return Node(found.value != cond.negated, found.axes)
            case And(args) | Or(args):
                parts = [self.condition(c) for c in args]
                axes = union(*parts)
                value = np.asarray(isinstance(cond, And))
                for part in parts:
                    other = spread(part, axes)
                    value = value & other if isinstance(cond, And) else value | other
                return Node(value, axes)
        raise TypeError(f"not a condition: {cond}")

    def members(self, vars: Axes, cond: Cond, axes: Axes = ()) -> Node:
        """Where `cond` holds, with an axis for each of `vars`."""
        found = self.condition(cond)
        ends = [Node(np.ones(self.sizes[v.set.name], dtype=bool), (v,)) for v in vars]
        wide = union(Node(0, axes), found, *ends)
        value = spread(found, wide)
        for end in ends:
            value = value & spread(end, wide)
        return Node(value, wide)

    # ----------------------------------------------------------------- formulas

    def node(self, formula: Expr) -> Node:
        """The value of a formula; a node of the tree is evaluated once."""
        if id(formula) not in self.memo:
            self.keep.append(formula)
            self.memo[id(formula)] = self.made(formula)
        return self.memo[id(formula)]

    def made(self, formula: Expr) -> Node:
        match formula:
            case Num(value):
                return Node(np.asarray(float(value)), ())
            case Sym(name, args):
                return self.entries(name, args, vector=formula.dim is not None)
            case Add(args):
                out = self.node(args[0])
                for a in args[1:]:
                    out = both(out, self.node(a), lambda x, y: (x + y, 1.0, 1.0))
                return out
            case Mul(args):
                out = self.node(args[0])
                for a in args[1:]:
                    out = both(out, self.node(a), lambda x, y: (x * y, y, x))
                return out
            case Div(num, den):
                return both(
                    self.node(num), self.node(den), lambda x, y: (x / y, 1 / y, -x / (y * y))
                )
            case Pow(base, exponent):
                return both(self.node(base), self.node(exponent), power)
            case Call("max" | "min" as fn, (a, b)):
                return both(self.node(a), self.node(b), larger if fn == "max" else smaller)
            case Call("sg", (a,)):
                found = self.node(a)
                return Node(found.value, found.axes)
            case Call(fn, (a,)):
                found = self.node(a)
                value, slope = UNARY[fn](found.value)
                return Node(value, found.axes, ((found, lambda g: times(g, slope)),))
            case Dot(u, v):
                return self.inner(self.node(u), self.node(v))
            case SqNorm(u):
                return self.inner(self.node(u), self.node(u))
            case Norm(u):
                return root(self.inner(self.node(u), self.node(u)))
            case Cos(u, v):
                first, second = self.node(u), self.node(v)
                lengths = both(
                    root(self.inner(first, first)), root(self.inner(second, second)),
                    lambda x, y: (x * y, y, x),
                )  # fmt: skip
                return both(
                    self.inner(first, second), lengths, lambda x, y: (x / y, 1 / y, -x / (y * y))
                )
            case Iverson(cond):
                found = self.condition(cond)
                return Node(found.value.astype(float), found.axes)
            case Size(vars, cond):
                found = self.members(vars, cond)
                over = tuple(found.axes.index(v) for v in vars)
                left = tuple(a for a in found.axes if a not in vars)
                return Node(found.value.sum(axis=over).astype(float), left)
            case Macro():
                return self.node(formula.body)
            case Big():
                return self.big(formula)
        raise TypeError(f"not a formula: {formula}")

    def inner(self, u: Node, v: Node) -> Node:
        """The inner product of two vectors."""
        return reduced(both(u, v, lambda x, y: (x * y, y, x)), (COORDINATE,))

    def big(self, formula: Big) -> Node:
        """A sum, mean, maximum or minimum over the elements that satisfy the condition."""
        body = self.node(formula.body)
        inside = self.members(formula.vars, formula.cond, body.axes)
        coordinates = tuple(a for a in inside.axes if a == COORDINATE)
        axes = (*(a for a in inside.axes if a != COORDINATE), *coordinates)
        mask = spread(inside, axes)
        if formula.op in ("max", "min"):
            return extreme(body, mask, axes, formula.vars, formula.op)
        if formula.op == "mean":
            over = tuple(axes.index(v) for v in formula.vars)
            scale = 1 / mask.sum(axis=over, keepdims=True)
        else:
            scale = np.asarray(1.0)
        value = np.where(mask, spread(body, axes) * scale, 0.0)
        kept = Node(
            value, axes, ((body, lambda g: back(np.where(mask, g * scale, 0.0), axes, body)),)
        )
        return reduced(kept, formula.vars)

    # ----------------------------------------------------------------- backwards

    def backward(self, result: Node) -> None:
        """Send the derivative of a number to every symbol it was made from."""
        order: list[Node] = []
        seen: set[int] = set()
        stack = [(result, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        result.grad = np.asarray(1.0)
        for node in reversed(order):
            if not np.any(node.grad):
                continue
            whole = np.broadcast_to(node.grad, np.shape(node.value))
            for parent, send in node.parents:
                found = send(whole)
                if parent is not LEAF:
                    parent.grad = parent.grad + found


# --------------------------------------------------------------------------- axes


__all__ = ["evaluate"]
