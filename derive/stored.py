"""What a certificate brings along, read with suspicion: the model of its hypotheses, its names.

A model must be one, or it would show nothing: every function's value lies in its set. And people
read a claim as text, so that no name may look like something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from derive.letters import below, plain
from derive.models import Model, Signature, symbols_of
from derive.printing import WORDS
from derive.terms import BINDERS, INDEX, Domain, RuleError, Term, domain, need
from derive.theorem import Judgement

MAX_SET = 64  # elements of an index set of a model
MAX_EFFORT = 1_000_000  # operations to evaluate the hypotheses; the catalog needs a few thousand
NUMBER = re.compile(r"-?[0-9]{1,400}(/[1-9][0-9]{,399})?")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{,999}")


def model_from(data: Any, hyps: Sequence[Judgement]) -> Model:
    """The model that `certificate.model_json` wrote, as far as `hyps` speak of it.

    Raises:
        RuleError: it is no model, or too large to look at.
    """
    kinds: Signature = symbols_of([t for j in hyps for t in j[1:]])
    sizes = {name: data["sizes"][name] for name in kinds.sets}
    need(
        all(type(k) is int and 1 <= k <= MAX_SET for k in sizes.values()),
        "the model has an index set without a size, or too large a one",
    )
    model = Model(sizes, {}, {}, {})

    def table(part: str, name: str, doms: tuple[Domain, ...]) -> dict[tuple[int, ...], Any]:
        rows = data[part][name]
        whole = len(rows) == prod(map(model.size, doms))
        out = {tuple(at): x for at, x in rows}
        need(whole and set(out) == set(model.cells(doms)), f"the table of {name} has gaps")
        return out

    def number(x: Any) -> Fraction:
        need(type(x) is str and NUMBER.fullmatch(x), "a malformed number in the model")
        return Fraction(x)

    def among(x: Any, n: int) -> int:
        need(
            type(x) is str and x.isascii() and x.isdigit() and len(x) < 4 and int(x) < n, "no value"
        )
        return int(x)

    return Model(
        sizes,
        {
            name: {at: number(x) for at, x in table("families", name, doms).items()}
            for name, doms in kinds.families.items()
        },
        {
            name: {at: among(x, 2) for at, x in table("masks", name, doms).items()}
            for name, doms in kinds.masks.items()
        },
        {
            name: {at: among(x, model.size(to)) for at, x in table("functions", name, doms).items()}
            for name, (doms, to) in kinds.functions.items()
        },
    )


def effort(hyps: Iterable[Judgement], model: Model) -> int:
    """About how many operations it takes to evaluate judgements at all values of their indices."""

    def of(t: Term) -> int:
        inside = sum(of(a) for a in t.args)
        return 1 + (model.size(t.data) * inside if t.op in BINDERS else inside)

    return sum(
        prod(model.size(domain(v)) for v in frozenset[Term]().union(*(t.free for t in j[1:])))
        * sum(of(t) for t in j[1:])
        for j in hyps
    )


# ------------------------------------------------------------------ names


def legible(parts: Iterable[Term], variables: Iterable[Sequence[Term]]) -> None:
    """Refuse names with which a claim would not read as what it is.

    `parts` are the terms that are printed, `variables` those listed together. A name is a word, no
    word of the notation, of one kind and one type; index sets of one name are one; letters side by
    side differ, and from the names of indices.

    Raises:
        RuleError: naming what is ambiguous.
    """
    meaning: dict[tuple[str, str], Any] = {}
    parts = list(parts)
    groups = [*variables, *(tuple(part.free) for part in parts)]

    def note(space: str, name: str, what: Any) -> None:
        need(WORD.fullmatch(name), f"{name[:40]!r} is no name")
        need(name not in WORDS, f"{name} is a word of the notation and no name")
        if meaning.setdefault((space, name), what) != what:
            raise RuleError(f"{name} stands for two things")

    def note_set(d: Domain) -> None:
        note("set", d if isinstance(d, str) else d[0], d)

    for t in below(parts):
        if t.op in ("app", "mask", "fn"):
            note("symbol", t.data[0], (t.op, *t.data[1:]))
        elif t.op == "el":
            note("element", t.data[0], t.data[1])
        elif t.op in BINDERS:
            note_set(t.data)
        if t.op in INDEX:
            note_set(domain(t))
    for d in [d for (space, _), d in meaning.items() if space == "set"]:
        for e in () if isinstance(d, str) else d[1]:
            note("element", e, d)
    elements = {name for space, name in meaning if space == "element"}
    constants = {name for (_, name), what in meaning.items() if what[:2] == ("fn", ())}
    for space, name in meaning:
        need(space != "symbol" or name not in elements, f"{name} is a symbol and an element")
    for group in groups:
        letters = [plain(v) for v in group]
        need(len(set(letters)) == len(letters), "two index variables have one letter")
        for x in letters:
            need(WORD.fullmatch(x), f"{x[:40]!r} is no letter")
            need(x not in WORDS, f"{x} is a word of the notation and no letter")
            need(x not in elements, f"{x} is a letter and an element")
            need(x not in constants, f"{x} is a letter and an index")
