"""Two losses on one toy batch, where the symbols of the one can be those of the other.

A claimed equation between the two says how; otherwise symbols are matched: what both train must
correspond one to one, and so must the index sets it ranges over. What is given to both and has the
same name, or the same part in a kernel, is shared too; the rest each loss gets for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.alignment import Alignment, Template
from catalog.equation import Equation
from catalog.likeness import ends
from catalog.spec import Declaration, Method
from catalog.symbols import IApp, Index, IndexSet, IVar, Mask, Sym, fresh
from codegen.oracle import Interpreter
from codegen.samples import NoSample, Sample, sample

SIZES = (5, 4, 6)  # pairs of views need an even number
NO_VALUE = (ValueError, ZeroDivisionError, OverflowError)


@dataclass(frozen=True)
class Numbers:
    """The two values, or in `why` the reason that there are none.

    `left` and `right` say what was evaluated, `sizes` on how many of what. `shared` lists the
    symbols of the first loss with what they are in the second; `apart` those of one loss only.
    """

    why: str = ""
    left: str = ""
    right: str = ""
    values: tuple[float, float] = (0.0, 0.0)
    sizes: Mapping[str, int] = field(default_factory=dict)
    shared: tuple[tuple[str, str], ...] = ()
    apart: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The numbers as data; `values` is None where there are none."""
        return {
            "left": self.left, "right": self.right, "why": self.why,
            "values": None if self.why else list(self.values), "sizes": dict(self.sizes),
            "shared": [list(pair) for pair in self.shared], "apart": list(self.apart),
        }  # fmt: skip


def by_equation(said: Equation, left: str, right: str) -> Numbers:
    """Both sides of a claimed equation on one batch."""
    try:
        batch = equation_sample(said)
        run = Interpreter(batch.sizes, batch.data)
        values = run.scalar(said.left, {}).value, run.scalar(said.whole, {}).value
    except NoSample as error:
        return Numbers(str(error))
    except NO_VALUE:
        return Numbers("a formula has no value on the batch that was drawn")
    return Numbers("", left, right, values, batch.sizes)


def by_matching(a: Method, b: Method) -> Numbers:
    """Both published losses on one batch, where their symbols can be matched."""
    found = matched(a, b)
    if isinstance(found, str):
        return Numbers(found)
    alignment, shared = found
    try:
        batch = any_sample(alignment.words)
        run = Interpreter(batch.sizes, batch.data)
        left = run.scalar(alignment.say(a.published), {}).value
        values = left, run.scalar(b.published, {}).value
    except NoSample as error:
        return Numbers(str(error))
    except NO_VALUE:
        return Numbers("a formula has no value on the batch that was drawn")
    mine = [f"{a.id}: {name}" for name in a.declarations if name not in shared]
    theirs = [f"{b.id}: {name}" for name in b.declarations if name not in shared.values()]
    return Numbers(
        "", a.id, b.id, values, batch.sizes, tuple(shared.items()), (*mine, *theirs)
    )  # fmt: skip


def any_sample(words: Method) -> Sample:
    """Data on which the hypotheses hold, at some size. Raises NoSample."""
    for size in SIZES[:-1]:
        try:
            return sample(words, size=size)
        except NoSample:
            continue
    return sample(words, size=SIZES[-1])


def equation_sample(said: Equation) -> Sample:
    """Data on which the hypotheses of an equation hold. Raises NoSample.

    Where drawing at random meets no unit vectors, say, the judges' search for models does.
    """
    from derive.instance import LIMITS, model_at
    from derive.relations import in_terms

    try:
        return any_sample(said.words)
    except NoSample:
        claim = in_terms(said)
        found = (model_at(claim, n) for n in LIMITS)
        model = next((m for m in found if m is not None), None)
        if model is None:
            raise
    elements = {s.name: len(s.elements) for s in said.words.sets.values() if s.elements}
    tables = {**model.families, **model.masks, **model.functions}
    return Sample({**model.sizes, **elements}, {k: nested(dict(t)) for k, t in tables.items()})


def nested(table: Mapping[tuple[int, ...], Any]) -> Any:
    """A table of values as nested lists, and a table with one place as its value."""
    if () in table:
        return float(table[()])
    rows: dict[int, dict[tuple[int, ...], Any]] = {}
    for at, value in sorted(table.items()):
        rows.setdefault(at[0], {})[at[1:]] = value
    return [nested(row) for _, row in sorted(rows.items())]


# ---------------------------------------------------------------------- matching


def matched(a: Method, b: Method) -> tuple[Alignment, dict[str, str]] | str:
    """`a` in the words of `b` and which symbols are shared, or why that cannot be."""
    sets = matched_sets(a, b)
    if isinstance(sets, str):
        return sets
    shared: dict[str, str] = {}
    parts = same_part(a, b)
    for name, declared in sorted(a.declarations.items(), key=lambda d: not d[1].learned):
        found = partner(declared, b, sets, parts.get(name), set(shared.values()))
        if found is not None:
            shared[name] = found
        elif declared.learned:
            return (
                f"nothing that {b.id} trains can stand for the {name} of {a.id} ({declared.text})"
            )
    for name, declared in b.declarations.items():
        if declared.learned and name not in shared.values():
            return f"{b.id} trains {name} ({declared.text}), and {a.id} has nothing like it"
    return alignment(a, b, sets, shared), shared


def alignment(
    a: Method, b: Method, sets: Mapping[str, IndexSet], shared: Mapping[str, str]
) -> Alignment:
    """`a` in the words of `b`, which get symbols of their own for what is not shared."""
    declarations = dict(b.declarations)
    symbols: dict[str, Template] = {}
    sets = dict(sets)
    for over in a.sets.values():
        # the elements of a set that only a has go by its own name
        sets.setdefault(over.name, IndexSet(f"{a.id}.{over.name}", over.elements))
    for name, declared in a.declarations.items():
        args = tuple(v for v in getattr(declared.form, "args", ()) if isinstance(v, IVar))
        params = tuple(fresh(IVar(v.name, sets[v.set.name])) for v in args)
        form = b.declarations[shared[name]].form if name in shared else declared.form
        if name not in shared:
            own = f"{a.id}.{name}"
            form = replace(form, name=own, args=params)  # type: ignore[arg-type]
            if isinstance(form, IApp):
                form = replace(form, set=sets[form.set.name])
            declarations[own] = Declaration(own, declared.text, form, declared.learned)
        symbols[name] = Template(params, replace(form, args=params))  # type: ignore[arg-type]
    words = replace(b, declarations=declarations, sets={s.name: s for s in all_sets(b, sets)})
    found = Alignment(words, sets, symbols)
    assumes = (*b.assumes, *(found.say(f) for f in a.assumes))
    return replace(found, words=replace(words, assumes=assumes))


def all_sets(b: Method, sets: Mapping[str, IndexSet]) -> Iterator[IndexSet]:
    """The sets of `b` and those that stand for sets of the other."""
    yield from b.sets.values()
    yield from sets.values()


def matched_sets(a: Method, b: Method) -> dict[str, IndexSet] | str:
    """What the sets of `a`'s anchors and neighbours are in `b`, or why they do not correspond."""
    found: dict[str, IndexSet] = {}
    for mine, theirs in zip(*(ends(m.icon.blocks[0]) for m in (a, b)), strict=True):
        if mine.set.elements != theirs.set.elements:
            return f"the {mine.set.name} of {a.id} are not like the {theirs.set.name} of {b.id}"
        if found.setdefault(mine.set.name, theirs.set) != theirs.set:
            return f"{a.id} compares items of one set, {b.id} of two"
    if len({s.name for s in found.values()}) < len(found):
        return f"{a.id} compares items of two sets, {b.id} of one"
    for name, over in a.sets.items():
        other = b.sets.get(name)
        if other is not None and other.elements == over.elements and other not in found.values():
            found.setdefault(name, other)
    return found


def same_part(a: Method, b: Method) -> dict[str, str]:
    """Symbols that are the same parameter of p or q: the temperature of one, and of the other."""
    found: dict[str, str] = {}
    for mine, theirs in ((a.icon.q.params, b.icon.q.params), (a.icon.p.params, b.icon.p.params)):
        for key in mine:
            pair = (mine[key], theirs.get(key))
            if all(isinstance(x, Sym | IApp | Mask) for x in pair):
                found.setdefault(pair[0].name, pair[1].name)  # type: ignore[union-attr]
    return found


def partner(
    declared: Declaration,
    b: Method,
    sets: Mapping[str, IndexSet],
    part: str | None,
    taken: set[str],
) -> str | None:
    """The symbol of `b` that a symbol corresponds to: by part, by name, or as the only one."""
    alike = [
        name
        for name, other in b.declarations.items()
        if name not in taken and same_shape(declared, other, sets)
    ]
    for wanted in (part, declared.name):
        if wanted in alike:
            return wanted
    return alike[0] if declared.learned and len(alike) == 1 else None


def same_shape(mine: Declaration, theirs: Declaration, sets: Mapping[str, IndexSet]) -> bool:
    """Whether two symbols are of one type, over sets that correspond."""
    f, g = mine.form, theirs.form
    if type(f) is not type(g) or mine.learned != theirs.learned or isinstance(f, IVar):
        return False
    if isinstance(f, Sym) and isinstance(g, Sym) and (f.kind, f.dim is None) != (
        g.kind, g.dim is None
    ):  # fmt: skip
        return False
    if isinstance(f, IApp) and isinstance(g, IApp) and not like(f.set, g.set, sets):
        return False
    args: tuple[Index, ...] = getattr(f, "args", ())
    others: tuple[Index, ...] = getattr(g, "args", ())
    pairs = zip(args, others, strict=False)
    return len(args) == len(others) and all(like(x.set, y.set, sets) for x, y in pairs)


def like(mine: IndexSet, theirs: IndexSet, sets: Mapping[str, IndexSet]) -> bool:
    """Whether one set stands for the other; sets of no end of a pair go by their names."""
    return sets.get(mine.name, mine) == theirs
