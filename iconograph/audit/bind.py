"""What a method's symbols are of a call's arguments, under a reading of its rows.

A binding gives every symbol that a formula mentions its array: positions of numbers in a Layout,
indices or truth values; numbers that the call does not give are `free`, to be solved for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast, get_args

import numpy as np

from catalog.spec import Declaration, Method
from catalog.symbols import Expr, IApp, IVar, Macro, Mask, Sym, walk
from iconograph.audit.layout import Layout
from iconograph.audit.probe import Array, Call, Slot
from iconograph.audit.readings import Maker, Reading, Unfit, readings, same_class


@dataclass(frozen=True)
class Binding:
    """A maker for every symbol; `free` are the numbers to solve for, with their declarations."""

    reading: Reading
    makers: Mapping[str, Maker]
    free: tuple[Declaration, ...] = ()
    scales: Mapping[str, str] = field(default_factory=dict)


# --------------------------------------------------------------------------- formulas


def expanded(formula: Expr, method: Method, call: Call) -> Expr:
    """The formula without abbreviations; affinities made of given data become the call's weights.

    Where the call hands over weights of pairs, an abbreviation of two indices that mentions nothing
    learned (the p of an embedding) is read as them.
    """
    slot = next((s for s in call.slots if s.kind == "weight" and len(s.shape) == 2), None)
    taken = {d.name for d in method.declarations.values() if is_matrix(d)}

    def visit(node: Expr) -> Expr:
        if isinstance(node, Macro):
            symbols = [s for s in walk(node.body) if isinstance(s, Sym)]
            fixed = symbols and not any(s.learned for s in symbols)
            if slot and fixed and not taken and len(node.args) == 2:
                return Sym(WEIGHTS, node.args, "nonnegative")
            return visit(node.body)
        return rebuilt(node, visit)

    return visit(formula)


WEIGHTS = "the weights of the call"


def is_matrix(d: Declaration) -> bool:
    """Whether a symbol is a given array of two indices, which takes the call's weights itself."""
    f = d.form
    return isinstance(f, Sym) and not d.learned and f.dim is None and len(f.args) == 2


def rebuilt(node: Expr, visit: Callable[[Expr], Expr]) -> Expr:
    """A node with `visit` applied to its formulas; conditions and indices stay."""
    from dataclasses import fields

    changes: dict[str, object] = {}
    for f in fields(node):
        value = getattr(node, f.name)
        if isinstance(value, EXPRESSIONS):
            changes[f.name] = visit(cast(Expr, value))
        elif isinstance(value, tuple) and value and all(isinstance(v, EXPRESSIONS) for v in value):
            changes[f.name] = tuple(visit(v) for v in value)
    changes = {k: v for k, v in changes.items() if v != getattr(node, k)}
    return replace(node, **changes) if changes else node  # type: ignore[arg-type]


EXPRESSIONS: tuple[type, ...] = get_args(Expr)


# --------------------------------------------------------------------------- bindings


def bindings(method: Method, formula: Expr, call: Call) -> Iterator[Binding]:
    """The ways to give every symbol of a formula of a method its array from a call.

    Nothing is yielded where there is none; `why_not` says what is missing.
    """
    used = mentioned(formula)
    known = [d for d in method.declarations.values() if d.name in used]
    for reading in readings(call):
        try:
            makers, taken = arrays(known, method, call, reading, WEIGHTS in used)
        except Unfit:
            continue
        yield from scalars(known, call, reading, makers, taken)


def why_not(method: Method, formula: Expr, call: Call) -> str:
    """What a call lacks for a method, in a few words."""
    said = []
    used = mentioned(formula)
    known = [d for d in method.declarations.values() if d.name in used]
    for reading in readings(call):
        try:
            arrays(known, method, call, reading, WEIGHTS in used)
        except Unfit as error:
            said.append(str(error))
    return said[0] if said else "its arguments are of another shape"


def mentioned(formula: Expr) -> set[str]:
    """The names of symbols, index-valued functions and masks that a formula mentions."""
    return {n.name for n in walk(formula) if isinstance(n, Sym | IApp | Mask)}


def arrays(
    known: Sequence[Declaration], method: Method, call: Call, reading: Reading, weighted: bool
) -> tuple[dict[str, Maker], set[str]]:
    """Makers of everything but single numbers, and the slots they use. Raises Unfit."""
    makers: dict[str, Maker] = {}
    taken: set[str] = set()
    vectors = [d for d in known if isinstance(d.form, Sym) and d.form.dim is not None]
    reals = [d for d in known if isinstance(d.form, Sym) and d.form.dim is None and d.form.args]
    indices = [d for d in known if isinstance(d.form, IApp)]
    plain = [d for d in reals if len(sets_of(d)) == 2 and not vectors]
    if reading.tables and not vectors and len(plain) == len(reading.tables):
        makers |= {d.name: t for d, t in zip(plain, reading.tables, strict=True)}
        reals = [d for d in reals if d not in plain]
    elif reading.tables or vectors:
        makers |= placed(vectors, reading.tables, indices)
    taken |= {s.name for s in call.slots if s.shape[-1:] == ("d",)}
    free = [s for s in call.slots if s.name not in taken and s.shape]
    learned = [s for s in free if s.learned]
    weights = [s for s in free if s.kind == "weight"]
    if weighted:
        if not weights:
            raise Unfit("it needs weights of pairs")
        makers[WEIGHTS] = lambda at, name=weights[0].name: at.array(name)  # type: ignore[misc]
        weights = weights[1:]
    for d in reals:
        if not isinstance(d.form, Sym):
            continue
        pool = learned if d.learned else [*weights, *learned]
        pool = pool if d.form.kind in ("real", "vector") or d.learned else weights
        rank = len(d.form.args)
        fits = [s for s in pool if len(s.shape) == rank]
        thin = [s for s in pool if len(s.shape) == 1]
        if fits:
            slot = fits[0]
            makers[d.name] = lambda at, name=slot.name: at.array(name)  # type: ignore[misc]
            used = [slot]
        elif rank == 2 and len(thin) >= 2:
            used = thin[:2]
            makers[d.name] = columns_of(used)
        else:
            raise Unfit(f"it needs {d.name}, {d.text}")
        learned = [s for s in learned if s not in used]
        weights = [s for s in weights if s not in used]
    if learned or (weights and not any(s.shape == ("n", "n") for s in weights)):
        raise Unfit("it has no place for " + ", ".join(s.name for s in (*learned, *weights)))
    for d in known:
        if isinstance(d.form, IApp):
            makers[d.name] = index_maker(d, known, call, reading)
        elif isinstance(d.form, Mask):
            makers[d.name] = mask_maker(d, call, reading)
    for s in call.slots:
        if s.kind == "target" and not any(isinstance(d.form, IApp | Mask) for d in known):
            raise Unfit("it has no targets")
    return makers, taken


def columns_of(slots: Sequence[Slot]) -> Maker:
    """Lists of numbers side by side."""
    names = [s.name for s in slots]
    return lambda at: np.stack([at.array(n) for n in names], axis=1)


def sets_of(d: Declaration) -> list[str]:
    """The names of the sets that a symbol is indexed by."""
    return [] if isinstance(d.form, IVar) else [a.set.name for a in d.form.args]


def placed(
    vectors: Sequence[Declaration], tables: Sequence[Maker], indices: Sequence[Declaration]
) -> dict[str, Maker]:
    """Tables for vectors, in order; one symbol may take several. Raises Unfit."""
    makers: dict[str, Maker] = {}
    left = list(tables)
    for k, d in enumerate(vectors):
        later = len(vectors) - k - 1
        if not left:
            raise Unfit(f"it needs vectors {d.name}")
        if len(sets_of(d)) == 1:
            makers[d.name] = left.pop(0)
            continue
        if len(sets_of(d)) != 2:
            raise Unfit(f"it needs {d.name}, {d.text}")
        own, left = left[: len(left) - later], left[len(left) - later :]
        makers[d.name] = several(d, own, indices)
    if left:
        raise Unfit("it has fewer tables of vectors")
    return makers


def stacked(tables: Sequence[Array], axis: int) -> Array:
    """Tables side by side. Raises Unfit where one has more rows than another."""
    if len({t.shape for t in tables}) > 1:
        raise Unfit("its tables have different numbers of rows")
    return np.stack(tables, axis=axis)


def several(d: Declaration, tables: Sequence[Maker], indices: Sequence[Declaration]) -> Maker:
    """A table of two indices: views side by side, or one table of keys for every row."""
    first, second = (a.set for a in d.form.args)  # type: ignore[union-attr]
    alone = any(not i.form.args for i in indices if isinstance(i.form, IApp))
    if len(tables) == 2 and alone and not first.elements and not second.elements:
        return lambda at: keyed(tables[0](at), tables[1](at))
    if len(tables) >= 2:
        size = {len(s.elements) for s in (first, second)} - {0}
        if size and size != {len(tables)}:
            raise Unfit(f"it needs {d.name}, {d.text}")
        axis = 0 if first.elements or (not second.elements and first.name in "v views sides") else 1
        return lambda at: stacked([t(at) for t in tables], axis)
    if not tables or first.elements or second.elements:
        raise Unfit(f"it needs {d.name}, {d.text}")
    table = tables[0]

    def make(at: Layout) -> Array:
        keys = table(at)
        count = len(keys)
        i, j = np.indices((count, count))
        return keys[(i + j) % count if alone else j]  # each row's own key stands first

    return make


def keyed(own: Array, shared: Array) -> Array:
    """The keys of every row: its own first, then those that all share."""
    everyones = np.broadcast_to(shared, (len(own), *shared.shape))
    return np.concatenate([own[:, None], everyones], axis=1)


def index_maker(
    d: Declaration, known: Sequence[Declaration], call: Call, reading: Reading
) -> Maker:
    """Targets, partners, classes or the own column, by what the values index. Raises Unfit."""
    assert isinstance(d.form, IApp)
    arrays = [k for k in known if isinstance(k.form, Sym) and k.form.args]
    target = next((s.name for s in call.slots if s.kind == "target"), None)
    into = d.form.set.name
    if not d.form.args:
        return lambda at: np.asarray(0)
    if len(d.form.args) > 1:
        raise Unfit(f"it needs {d.name}, {d.text}")
    if into == sets_of(d)[0]:
        if reading.partner is None:
            raise Unfit(f"it needs {d.name}, a partner of each row")
        return reading.partner
    if any(into in sets_of(k) for k in arrays):
        if target is not None:
            return lambda at: np.asarray(at.inputs[target])
        if reading.classes is not None:
            raise Unfit(f"it needs {d.name}, a target of each row")
        return own
    if reading.classes is None:
        raise Unfit(f"it needs {d.name}, a class of each row")
    return reading.classes


def own(at: Layout) -> Array:
    """Every row's own column."""
    slot = next(s for s in at.call.slots if s.learned and s.shape)
    return np.arange(np.shape(at.inputs[slot.name])[0])


def mask_maker(d: Declaration, call: Call, reading: Reading) -> Maker:
    """Truth values: of one class, of the right column, of the own one. Raises Unfit."""
    sets = sets_of(d)
    target = next((s.name for s in call.slots if s.kind == "target"), None)
    if len(sets) != 2:
        raise Unfit(f"it needs {d.name}, {d.text}")
    if sets[0] == sets[1] and reading.classes is not None:
        classes = reading.classes
        return lambda at: same_class(classes(at))
    if sets[0] != sets[1] and target is not None:
        wide = next(s for s in call.slots if s.learned and len(s.shape) == 2)
        return lambda at: (
            np.asarray(at.inputs[target])[:, None] == np.arange(np.shape(at.inputs[wide.name])[1])
        )
    if sets[0] != sets[1] and len(reading.tables) == 2 and reading.classes is None:
        return lambda at: np.eye(len(reading.tables[0](at)), len(reading.tables[1](at)), dtype=bool)
    raise Unfit(f"it needs {d.name}, {d.text}")


def scalars(
    known: Sequence[Declaration],
    call: Call,
    reading: Reading,
    makers: Mapping[str, Maker],
    taken: set[str],
) -> Iterator[Binding]:
    """Bindings with single numbers taken from scalar arguments, or left free."""
    forms = [(d, d.form) for d in known]
    numbers = [d for d, f in forms if isinstance(f, Sym) and not f.args and f.dim is None]
    slots = [s for s in call.slots if s.learned and not s.shape]
    if not slots:
        yield Binding(reading, makers, tuple(numbers))
        return
    ways = {"scale": ("{}", "1/{}", "log {}"), "real": ("{}", "-{}")}
    for chosen in itertools.permutations(numbers, len(slots)):
        for hows in itertools.product(*(ways[s.kind] for s in slots)):
            made = dict(makers)
            said: dict[str, str] = {}
            for d, slot, how in zip(chosen, slots, hows, strict=True):
                made[d.name] = scalar_of(slot.name, how)
                said[d.name] = how.format(slot.name)
            yield Binding(reading, made, tuple(d for d in numbers if d not in chosen), said)


def scalar_of(name: str, how: str) -> Maker:
    """A function of a scalar argument."""
    return lambda at: at.scalar(name, how)


__all__ = ["Binding", "bindings", "expanded", "rebuilt", "why_not"]
