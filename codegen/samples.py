"""Random data on which a method's hypotheses hold, for running programs beside formulas."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from catalog.spec import Declaration, Method
from catalog.symbols import TRUE, Fact, IApp, IndexSet, IVar, Mask, Sym, free_indices
from codegen.oracle import Interpreter
from derive import bridge
from derive.instance import signature_of
from derive.sampling import random_model

Array: TypeAlias = Any
TRIES, PLAIN = 120, 60
CLASSES = 3


class NoSample(ValueError):
    """No data was found on which the hypotheses hold; the message names one that failed."""


@dataclass(frozen=True)
class Sample:
    """The size of every set and the value of every declared symbol, as nested lists."""

    sizes: Mapping[str, int]
    data: Mapping[str, Array]


def sample(
    method: Method, seed: int = 0, *, size: int = 5, dimension: int = 3, **sizes: int
) -> Sample:
    """Data on which every hypothesis of the method holds.

    `size` is the number of elements of every set that the file does not enumerate (sets of label
    values have three, other sets get one more each so that no two agree); `sizes` overrides it by
    name. Where plain draws do not meet the hypotheses, the models that proofs are tried on do.
    Raises NoSample when none is found.
    """
    rng = random.Random(seed)
    counts = set_sizes(method, size, dimension) | sizes
    furthest, failed = 0, ""
    for attempt in range(TRIES):
        data = {d.name: draw(d, counts, rng, attempt) for d in method.declarations.values()}
        if attempt >= PLAIN:
            data |= modelled(method, counts, rng)
        fixed = fitted(method, counts, data)
        data |= fixed
        put_entries(method, counts, data)
        interpreter = Interpreter(counts, data)
        broken = (k for k, f in enumerate(method.assumes) if not holds(f, interpreter))
        outside, first = outside_kind(method, fixed), next(broken, None)
        if outside is None and first is None:
            return Sample(counts, data)
        if first is not None and first >= furthest:
            furthest, failed = first, method.assumes[first].text
        failed = outside or failed
    raise NoSample(f"{method.id}: no data found on which {failed!r} holds")


def modelled(method: Method, sizes: Mapping[str, int], rng: random.Random) -> dict[str, Array]:
    """The symbols of the claim as the prover's search for a model of the hypotheses sets them."""
    problem = bridge.problem(method)
    named = {s: sizes[s] for s in signature_of(problem).sets}
    found = random_model(problem.hyps, signature_of(problem), named, rng, restarts=1)
    if found is None:
        return {}
    out: dict[str, Array] = {}
    for tables, kind in ((found.families, float), (found.masks, bool), (found.functions, int)):
        for name, table in tables.items():
            if name in method.declarations:
                out[name] = nested({at: kind(x) for at, x in table.items()})
    return out


def nested(table: Mapping[tuple[int, ...], Array]) -> Array:
    """The table of a full array as nested lists."""
    if () in table:
        return table[()]
    count = 1 + max(at[0] for at in table)
    parts = [{at[1:]: x for at, x in table.items() if at[0] == k} for k in range(count)]
    return [nested(part) for part in parts]


def set_sizes(method: Method, size: int, dimension: int) -> dict[str, int]:
    """A size for every index set and every dimension; different sets have different sizes."""
    main = {s.name for d in method.declarations.values() for s in arguments(d)}
    counts: dict[str, int] = {}
    for s in method.sets.values():
        if s.elements:
            counts[s.name] = len(s.elements)
        elif s.name in main:
            before = [t for t in method.sets.values() if t.name in counts and not t.elements]
            counts[s.name] = size + len(before)
        else:
            counts[s.name] = CLASSES
    for d in method.declarations.values():
        dim = getattr(d.form, "dim", None)
        if dim is not None:
            counts.setdefault(dim.name, dimension)
    return counts


def arguments(declared: Declaration) -> Iterator[IndexSet]:
    """The sets that a declared array is indexed by."""
    if not isinstance(declared.form, IVar):
        yield from (a.set for a in declared.form.args)


def draw(
    declared: Declaration, sizes: Mapping[str, int], rng: random.Random, attempt: int
) -> Array:
    """A random value of a symbol; several shapes of index functions and masks are tried in turn."""
    form = declared.form
    axes = [sizes[s.name] for s in arguments(declared)]
    if isinstance(form, Sym):
        if form.kind == "distribution":
            return array(axes[:-1], lambda: shares(axes[-1], rng))
        leaf = number(form, rng)
        if form.dim is not None:
            width = sizes[form.dim.name]
            return array(axes, lambda: [leaf() for _ in range(width)])
        return array(axes, leaf)
    if isinstance(form, Mask):
        return mask(axes, rng, attempt)
    assert isinstance(form, IApp)
    return positions(axes, sizes[form.set.name], rng, attempt)


def array(axes: list[int], leaf: Callable[[], Array]) -> Array:
    """Nested lists with the given axes."""
    return [array(axes[1:], leaf) for _ in range(axes[0])] if axes else leaf()


def number(form: Sym, rng: random.Random) -> Callable[[], float]:
    """A source of numbers of the kind of a symbol."""
    return {
        "real": lambda: rng.gauss(0, 1),
        "vector": lambda: rng.gauss(0, 1),
        "positive": lambda: rng.uniform(0.4, 1.6),
        "nonnegative": lambda: rng.uniform(0.0, 1.5),
        "probability": lambda: rng.uniform(0.1, 0.9),
        "distribution": lambda: rng.uniform(0.1, 0.9),
    }[form.kind]


def shares(count: int, rng: random.Random) -> list[float]:
    """A random distribution."""
    parts = [rng.uniform(0.1, 1.0) for _ in range(count)]
    return [p / sum(parts) for p in parts]


def positions(axes: list[int], count: int, rng: random.Random, attempt: int) -> Array:
    """Positions in a set: partners without fixed points, pairs, even classes, or anything."""
    if len(axes) == 1 and axes[0] == count and attempt % 3 == 0:
        shift = rng.randrange(1, count) if count > 1 else 0
        return [(k + shift) % count for k in range(count)]
    if len(axes) == 1 and axes[0] == count and attempt % 3 == 1 and count % 2 == 0:
        half = count // 2
        return [(k + half) % count for k in range(count)]
    if axes and attempt % 3 == 1:
        length = axes[-1]
        labels = [k % max(1, min(count, length // 2)) for k in range(length)]
        return array(axes[:-1], lambda: rng.sample(labels, length))
    return array(axes, lambda: rng.randrange(count))


def mask(axes: list[int], rng: random.Random, attempt: int) -> Array:
    """A 0/1 array: rows with equally many entries off the diagonal, or anything."""
    if len(axes) == 2 and attempt % 2 == 0:
        rows, columns = axes
        free = [[j for j in range(columns) if rows != columns or j != i] for i in range(rows)]
        count = min(2, *(len(f) for f in free))
        chosen = [set(rng.sample(f, count)) for f in free]
        return [[j in chosen[i] for j in range(columns)] for i in range(rows)]
    return array(axes, lambda: rng.random() < 0.5)


def fitted(method: Method, sizes: Mapping[str, int], data: Mapping[str, Array]) -> dict[str, float]:
    """Numbers that a hypothesis `formula = number` fixes, such as the k of k neighbours."""
    found: dict[str, float] = {}
    interpreter = Interpreter(sizes, data)
    for fact in method.assumes:
        right = fact.right
        if fact.relation == "=" and isinstance(right, Sym) and not right.args and not right.learned:
            first = {v: 0 for v in free_indices(fact.left)}
            found[right.name] = interpreter.scalar(fact.left, first).value
    return found


def put_entries(method: Method, sizes: Mapping[str, int], data: Mapping[str, Array]) -> None:
    """Write the entries that a hypothesis `array[i,j] = formula` fixes into the arrays."""
    interpreter = Interpreter(sizes, data)
    for fact in method.assumes:
        for here, there in ((fact.left, fact.right), (fact.right, fact.left)):
            entry = isinstance(here, Sym) and here.args and here.dim is None
            if fact.relation != "=" or not entry or isinstance(there, Sym):
                continue
            assert isinstance(here, Sym)
            free = tuple(sorted(free_indices(here), key=lambda v: v.name))
            if not free_indices(there) <= set(free):
                continue
            for env in interpreter.assignments(free, TRUE, {}):
                row = data[here.name]
                for arg in here.args[:-1]:
                    row = row[interpreter.index(arg, env)]
                row[interpreter.index(here.args[-1], env)] = interpreter.scalar(there, env).value


def outside_kind(method: Method, numbers: Mapping[str, float]) -> str | None:
    """What the file declares of a number and is not true of its value, None where all is well."""
    for name, value in numbers.items():
        kind = getattr(method.declarations[name].form, "kind", "real")
        within = {
            "positive": value > 0,
            "nonnegative": value >= 0,
            "probability": 0 < value < 1,
        }
        if not within.get(kind, True):
            return f"{name} is {kind}"
    return None


def holds(fact: Fact, interpreter: Interpreter) -> bool:
    """Whether a hypothesis is true of the data, for all values of its indices."""
    free = tuple(sorted(free_indices(fact.left) | free_indices(fact.right), key=lambda v: v.name))
    for env in interpreter.assignments(free, TRUE, {}):
        left = interpreter.scalar(fact.left, env).value
        right = interpreter.scalar(fact.right, env).value
        same = abs(left - right) < 1e-9
        if not {"=": same, ">": left > right, ">=": left >= right}[fact.relation]:
            return False
    return True
