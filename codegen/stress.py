"""Data that are hard for a program: what a method's numbers are like where arithmetic breaks.

Where the hypotheses allow it every number has at most eight significant bits, so that float64,
float32, bfloat16 and (as far as its range goes) float16 hold the very same data.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from catalog.spec import Method
from catalog.symbols import Expr, Sym, walk
from codegen.balls import Balls, Infinite, ball, split
from codegen.ir import Argument
from codegen.oracle import Interpreter, loss
from codegen.samples import Sample, draw, fitted, holds, put_entries, sample, set_sizes

BITS = 8  # of bfloat16
COLD, LARGE = 0.01, 1e4


@dataclass(frozen=True)
class Case:
    """A name, and the data."""

    name: str
    data: Sample


def cases(method: Method, arguments: tuple[Argument, ...], size: int = 4) -> Iterator[Case]:
    """The plain case and every stress case that the arguments of a method allow.

    Raises samples.NoSample where no data meet the hypotheses.
    """
    plain = sample(method, size=size)
    choices = (fixed(method, rounded(plain, arguments, bits)) for bits in (BITS, 1))
    short = [c for c in choices if not broken(method, c) and rounded(c, arguments).data == c.data]
    bits = BITS if short else None  # some hypotheses no short numbers meet
    plain = short[0] if short else plain
    yield Case("plain", plain)
    for name, change in CHANGES.items():
        changed = change(method, arguments, copied(plain))
        if changed is not None:
            yield Case(name, rounded(changed, arguments, bits))
    for count in (1, 2):
        yield Case(f"N = {count}", rounded(few(method, count), arguments, bits))


def broken(method: Method, data: Sample) -> str:
    """The first hypothesis that the data do not meet, "" where they meet all."""
    interpreter = Interpreter(data.sizes, data.data)
    for fact in method.assumes:
        try:
            if holds(fact, interpreter):
                continue
        except (ArithmeticError, ValueError):
            pass
        return fact.text or "one without a name"
    return ""


def fixed(method: Method, data: Sample) -> Sample:
    """The data with the numbers that a hypothesis fixes."""
    out = copied(data)
    values = {**out.data, **fitted(method, out.sizes, out.data)}
    put_entries(method, out.sizes, values)
    return replace(out, data=values)


def copied(data: Sample) -> Sample:
    """Data that may be written to."""
    return replace(data, data=copy.deepcopy(dict(data.data)))


# --------------------------------------------------------------------------- eight bits


def rounded(
    data: Sample, arguments: tuple[Argument, ...], bits: int | None = BITS
) -> Sample:
    """The data with every number rounded; distributions still sum to one. None: as they are."""
    if bits is None:
        return data
    out = dict(data.data)
    for a in arguments:
        if a.kind == "number":
            value = out[a.symbol]
            few = BITS if bits == 1 and not a.positive else bits
            out[a.symbol] = shares(value) if a.range == "distribution" else cut(value, few)
    return replace(data, data=out)


def cut(value: Any, bits: int) -> Any:
    """Numbers with that many significant bits; with one, powers of two."""
    if hasattr(value, "__len__"):
        return [cut(x, bits) for x in value]
    if not math.isfinite(value) or value == 0:
        return float(value)
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 2**bits), exponent - bits)


def shares(value: Any) -> Any:
    """Distributions in parts of 1/128, which sum to one in every dtype."""
    if hasattr(value[0], "__len__"):
        return [shares(row) for row in value]
    whole = 2 ** (BITS - 1)
    if all(x * whole == round(x * whole) for x in value):
        return value
    parts = [math.floor(x / math.fsum(value) * whole) for x in value]
    parts[parts.index(max(parts))] += whole - sum(parts)
    return [k / whole for k in parts]


# --------------------------------------------------------------------------- changes


def cold(method: Method, arguments: tuple[Argument, ...], data: Sample) -> Sample | None:
    """The temperature or bandwidth of q at 0.01, whatever number it is a formula of."""
    for role in ("temperature", "bandwidth"):
        value = method.icon.q.params.get(role)
        if not isinstance(value, Expr):
            continue
        names = {n.name for n in walk(value) if isinstance(n, Sym)} & data.data.keys()
        for name in sorted(names):
            for x in (COLD, 1 / COLD, math.log(COLD), -math.log(COLD)):
                made = replace(data, data={**data.data, name: x})
                if hasattr(data.data[name], "__len__") or negative(method, name, x):
                    continue
                found = split(Balls(made.sizes, made.data).scalar(value, {}).value)[0]
                if abs(found / COLD - 1) < 1e-9:
                    return made
    return None


def negative(method: Method, name: str, x: float) -> bool:
    """Whether a number is negative, and declared to be none such."""
    return x < 0 and getattr(method.declarations[name].form, "kind", "real") != "real"


def large(method: Method, arguments: tuple[Argument, ...], data: Sample) -> Sample | None:
    """Scores of about +-1e4: arrays of them as such, features a hundred times as long."""
    out = dict(data.data)
    real = [a for a in arguments if a.kind == "number" and a.axes and not a.positive]
    for a in real:
        if a.range or kind(method, a) not in ("vector", "real"):
            continue
        out[a.symbol] = times(out[a.symbol], math.sqrt(LARGE) if a.dim else LARGE)
    made = replace(data, data=out)
    return made if out != data.data and not broken(method, made) else None


def kind(method: Method, a: Argument) -> str:
    """What the file declares an argument to be."""
    return str(getattr(method.declarations[a.symbol].form, "kind", ""))


def times(value: Any, factor: float) -> Any:
    """Numbers multiplied."""
    return [times(x, factor) for x in value] if hasattr(value, "__len__") else value * factor


def duplicates(method: Method, arguments: tuple[Argument, ...], data: Sample) -> Sample | None:
    """The second of every kind of point is the first once more."""
    out, found = dict(data.data), False
    for a in arguments:
        if a.dim and a.axes and len(out[a.symbol]) > 1:
            out[a.symbol][1] = copy.deepcopy(out[a.symbol][0])
            found = True
    return replace(data, data=out) if found else None


def lonely(method: Method, arguments: tuple[Argument, ...], data: Sample) -> Sample | None:
    """The first anchor has no positive: by its label, by a mask or by weights."""
    before = without_p(method, data)
    for a in arguments:
        value = data.data[a.symbol]
        if not a.axes or len(value) < 2 or a.learned:
            continue
        changes: list[Any] = []
        if a.kind == "index" and len(a.axes) == 1:
            count = data.sizes[a.target or ""]
            changes = [[k, *([(k + 1) % count] * (len(value) - 1))] for k in range(min(count, 2))]
        elif a.kind == "mask" and len(a.axes) == 2:
            changes = [[[False] * len(value[0]), *value[1:]]]
        elif kind(method, a) == "nonnegative" and len(a.axes) == 2:
            changes = [[[0.0] * len(value[0]), *value[1:]]]
        for changed in changes:
            made = replace(data, data={**data.data, a.symbol: changed})
            if without_p(method, made) > before:
                return made
    return None


def without_p(method: Method, data: Sample) -> int:
    """How many anchors have no p."""
    return sum(total == 0 for total in masses(method, data))


def masses(method: Method, data: Sample) -> Iterator[Any]:
    """The sum of p for every anchor."""
    interpreter = Balls(data.sizes, data.data)
    for block in method.icon.blocks:
        for anchor in interpreter.assignments(block.anchors, block.anchor_cond, {}):
            allowed = interpreter.assignments(block.neighbours, block.neighbour_cond, anchor)
            yield sum((interpreter.scalar(block.p, env).value for env in allowed), ball(0))


def hidden(method: Method, arguments: tuple[Argument, ...], data: Sample) -> Sample | None:
    """A score of -inf, where the loss stays finite if there is such a pair."""
    spare = None
    for a in arguments:
        if not a.learned or len(a.axes) != 2 or a.dim or kind(method, a) != "real":
            continue
        for i, j in np.ndindex(np.shape(data.data[a.symbol])):
            made = copied(data)
            made.data[a.symbol][i][j] = -math.inf
            spare = spare or made
            try:
                value, _ = split(ball(loss(method, made.sizes, made.data, kind=Balls).value))
            except Infinite:
                continue
            if math.isfinite(value):
                return made
    return spare


def crowded(method: Method, arguments: tuple[Argument, ...], data: Sample) -> Sample | None:
    """Every label the same: the other classes are empty."""
    out, found = dict(data.data), False
    axes = {axis for a in arguments for axis in a.axes}
    for a in arguments:
        if a.kind == "index" and a.axes and a.target not in axes:
            out[a.symbol] = constant(out[a.symbol])
            found = True
    return replace(data, data=out) if found else None


def constant(value: Any) -> Any:
    """Positions that are all 0."""
    return [constant(x) for x in value] if hasattr(value, "__len__") else 0


def few(method: Method, count: int) -> Sample:
    """One point, or two: hypotheses are met where the first draws do so."""
    rng = random.Random(count)
    sizes = {**set_sizes(method, count, 3)}
    sizes = {name: min(size, count) if free(method, name) else size for name, size in sizes.items()}
    data = {d.name: draw(d, sizes, rng, 0) for d in method.declarations.values()}
    try:
        data |= fitted(method, sizes, data)
        put_entries(method, sizes, data)
    except (ArithmeticError, IndexError, ValueError):
        pass
    return Sample(sizes, data)


def free(method: Method, name: str) -> bool:
    """Whether the size of a set is not fixed by its elements, and it is no set of coordinates."""
    if name in method.sets and method.sets[name].elements:
        return False
    return any(s.name == name for d in method.declarations.values() for s in axes_of(d))


def axes_of(declared: Any) -> Iterator[Any]:
    """The sets of an array's indices."""
    for a in getattr(declared.form, "args", ()):
        yield a.set


Change = Callable[[Method, tuple[Argument, ...], Sample], Sample | None]
CHANGES: dict[str, Change] = {
    "tau = 0.01": cold,
    "scores of 1e4": large,
    "duplicates": duplicates,
    "a row without positives": lonely,
    "a score of -inf": hidden,
    "empty classes": crowded,
}
