"""A formula on a call's arguments, to be held against a loss: value, gradient, and free numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from catalog.spec import Declaration, Method
from catalog.symbols import Add, Cos, Div, Dot, Expr, IApp, IndexSet, Mask, Mul, SqNorm, Sym, walk
from catalog.symbols import Call as Apply
from iconograph.audit.arrays import evaluate
from iconograph.audit.bind import Binding, bindings, expanded, rebuilt
from iconograph.audit.layout import Layout
from iconograph.audit.probe import Array, Call
from iconograph.audit.readings import Unfit, same_class

FIXED = " held fixed"
"""What is appended to a symbol's name for a copy of it that no gradient flows to."""

FIRST, ACROSS, SUPPORTED = "of the first view", "of two views", "with a positive"
"""Masks that variants may mention beside the method's own symbols."""


@dataclass(frozen=True)
class Candidate:
    """A method's formula, perhaps edited, on a call's arguments.

    `unit` divides rows by their norms first, `center` takes their mean away; a `mirror` averages
    the loss with that of the two tables exchanged. `edits` says what was changed from the method as
    published, as `key|words`.
    """

    method: Method
    call: Call
    formula: Expr
    binding: Binding
    unit: bool = False
    center: bool = False
    mirror: Binding | None = None
    edits: tuple[str, ...] = ()
    extra: tuple[Declaration, ...] = ()

    @cached_property
    def places(self) -> tuple[Sym | IApp | Mask, ...]:
        """One occurrence of every array that the formula mentions."""
        found = {n.name: n for n in walk(self.formula) if isinstance(n, Sym | IApp | Mask)}
        return tuple(n for n in found.values() if not is_element(n))

    @cached_property
    def held(self) -> frozenset[str]:
        """The arrays that no gradient flows to; a number that the call learns is learned."""
        return frozenset(
            p.name for p in self.places if isinstance(p, Sym) and not p.learned and p.args
        )

    @cached_property
    def bound(self) -> tuple[IndexSet, ...]:
        """The sets that binders range over."""
        return tuple({v.set for n in walk(self.formula) for v in getattr(n, "vars", ())})

    @cached_property
    def free(self) -> tuple[Declaration, ...]:
        """The numbers to solve for."""
        used = {p.name for p in self.places}
        return tuple(d for d in (*self.binding.free, *self.extra) if d.name in used)

    @cached_property
    def linear(self) -> tuple[str, ...]:
        """The free numbers that are weights of a sum's terms, where all terms have one."""
        terms = self.formula.args if isinstance(self.formula, Add) else ()
        names = {d.name for d in self.free}
        found = []
        for term in terms:
            own = [s.name for s in walk(term) if isinstance(s, Sym) and s.name in names]
            heads = [f.name for f in getattr(term, "args", ()) if isinstance(f, Sym)]
            if not isinstance(term, Mul) or not (one := [h for h in heads if own.count(h) == 1]):
                return ()
            found.append(one[0])
        return tuple(found) if len(set(found)) == len(terms) else ()

    @property
    def words(self) -> str:
        """How the call was read, where that matters."""
        used = any(isinstance(p, IApp | Mask) and p.args for p in self.places)
        reading = self.binding.reading
        said = [reading.words] if reading.words and (used or len(reading.tables) != 1) else []
        said += [f"{name} = {how}" for name, how in self.binding.scales.items()]
        return ", ".join(said)

    @property
    def weighed(self) -> bool:
        """Whether the formula has numbers to solve for."""
        return bool(self.free)

    def at(
        self, inputs: Mapping[str, Array], numbers: Mapping[str, float]
    ) -> tuple[float, dict[str, Array]]:
        """Value and gradient by learned slot; the value is NaN where the formula has none.

        Raises:
            Unfit: the input has no such arrays, such as partners where classes have three rows.
        """
        value, gradient = self.once(self.binding, inputs, numbers)
        if self.mirror is None:
            return value, gradient
        other, more = self.once(self.mirror, inputs, numbers)
        return (value + other) / 2, {k: (g + more[k]) / 2 for k, g in gradient.items()}

    def held_slots(self, inputs: Mapping[str, Array]) -> frozenset[str]:
        """The learned arguments that stand for what the method holds fixed. Raises Unfit."""
        layout = Layout(self.call, inputs, unit=self.unit, center=self.center)
        names: set[str] = set()
        for name in self.held & set(self.binding.makers):
            places = self.binding.makers[name](layout)
            names |= layout.slots(places)
        return frozenset(s.name for s in self.call.slots if s.learned and s.name in names)

    def once(
        self, binding: Binding, inputs: Mapping[str, Array], numbers: Mapping[str, float]
    ) -> tuple[float, dict[str, Array]]:
        """Value and gradient under one binding."""
        layout = Layout(self.call, inputs, unit=self.unit, center=self.center)
        spots: dict[str, Array] = {}
        data: dict[str, Array] = {}
        for place in self.places:
            name = place.name.removesuffix(FIXED)
            if name in numbers:
                data[place.name] = np.asarray(float(numbers[name]))
            elif name in binding.makers:
                made = binding.makers[name](layout)
                if isinstance(place, Sym):
                    spots[place.name] = made
                else:
                    data[place.name] = np.asarray(made)
            else:
                data[place.name] = special(place.name, binding, layout)
        pool = layout.values()
        data |= {name: pool[at] for name, at in spots.items()}
        wanted = [name for name in spots if name not in self.held]
        value, found = evaluate(self.formula, sizes(self.bound, self.places, data), data, wanted)
        back = np.zeros(len(pool))
        for name in wanted:
            np.add.at(back, spots[name], found[name])
        return value, layout.gradient(back)


def is_element(n: Sym | IApp | Mask) -> bool:
    """Whether a node is an element of an enumerated set, which needs no array."""
    return isinstance(n, IApp) and not n.args and n.name in n.set.elements


def special(name: str, binding: Binding, layout: Layout) -> Array:
    """A mask that only variants mention. Raises Unfit."""
    reading = binding.reading
    if name in (FIRST, ACROSS):
        if reading.views is None:
            raise Unfit("its rows are not two views")
        view = reading.views(layout)
        return view == 0 if name == FIRST else view[:, None] != view[None]
    if name == SUPPORTED and reading.classes is not None:
        return same_class(reading.classes(layout)).any(axis=1)
    raise Unfit(f"it needs {name}")


def sizes(
    bound: Sequence[IndexSet], places: Sequence[Sym | IApp | Mask], data: Mapping[str, Array]
) -> dict[str, int]:
    """The size of every set, `bound` ones among them, from the arrays. Raises Unfit."""
    found: dict[str, int] = {}
    loose: dict[str, int] = {}
    for place in places:
        array = data[place.name]
        sets = [a.set for a in place.args]
        if isinstance(place, Sym) and place.dim is not None:
            sets.append(place.dim)
        if array.ndim != len(sets):
            raise Unfit(f"{place.name} has another shape")
        for s, size in zip(sets, array.shape, strict=True):
            if found.setdefault(s.name, size) != size or (s.elements and len(s.elements) != size):
                raise Unfit(f"{place.name} has {size} entries over {s.name}")
        if isinstance(place, IApp) and array.size:
            loose[place.set.name] = max(loose.get(place.set.name, 0), int(array.max()) + 1)
    for name, size in loose.items():
        if found.setdefault(name, size) < size:
            raise Unfit(f"an index exceeds {name}")
    for s in bound:
        if s.name not in found:
            if not s.elements:
                raise Unfit(f"nothing says how large {s.name} is")
            found[s.name] = len(s.elements)
    return found


def candidates(method: Method, call: Call) -> tuple[Candidate, ...]:
    """The published formula of a method on a call, under every binding, rows as they are or unit.

    A formula in cosines is also read with rows that are not normalised.
    """
    formula = expanded(method.published, method, call)
    plain = [Candidate(method, call, formula, b) for b in bindings(method, formula, call)]
    made = [*plain]
    warm = tempered(formula)
    if warm != formula:
        made += [replace(c, formula=warm, extra=(TAU,)) for c in plain]
        plain = made
    dots = plain_rows(formula)
    if dots != formula:
        made += [replace(c, formula=plain_rows(c.formula), edits=(RAW,)) for c in plain]
    if any(s.kind == "real" and s.shape[-1:] == ("d",) for s in call.slots):
        made += [replace(c, unit=True) for c in plain]
        made += [replace(c, center=True) for c in plain]
    return tuple(made)


def both_directions(plain: Sequence[Candidate]) -> list[Candidate]:
    """The averages of a loss on two tables and on the two exchanged."""
    out = []
    for c in plain:
        if c.binding.reading.words != "rows of the two apart":
            continue
        for other in plain:
            if other.binding.reading.words == "the two exchanged" and (
                (other.unit, other.binding.scales) == (c.unit, c.binding.scales)
                and other.formula == c.formula
            ):
                out.append(replace(c, mirror=other.binding, edits=(*c.edits, BOTH)))
    return out


TEMPERATURE = Sym("tau", (), "positive")
TAU = Declaration("tau", "positive", TEMPERATURE, False)


def tempered(formula: Expr) -> Expr:
    """The formula with scores over a temperature, where it has exponentials and no number."""
    single = any(isinstance(n, Sym) and not n.args and n.dim is None for n in walk(formula))
    if single or not any(isinstance(n, Apply) and n.fn == "exp" for n in walk(formula)):
        return formula

    def visit(node: Expr) -> Expr:
        if isinstance(node, Dot | Cos | SqNorm) or (
            isinstance(node, Sym) and node.learned and node.dim is None and len(node.args) == 2
        ):
            return Div(node, TEMPERATURE)
        return rebuilt(node, visit)

    return visit(formula)


def plain_rows(formula: Expr) -> Expr:
    """The formula with inner products of rows as they are in place of cosines."""

    def visit(node: Expr) -> Expr:
        if isinstance(node, Cos):
            return Dot(node.u, node.v)
        return rebuilt(node, visit)

    return visit(formula)


RAW = "score|rows are not normalised"
BOTH = "direction|both directions are averaged"

__all__ = ["Candidate", "candidates"]
