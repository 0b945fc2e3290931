"""The trusted rules and axioms, each with the proofs that use it, and the lemmas of the files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog.mathml import mathml
from catalog.notation import to_text
from codegen.site.addresses import RULES
from codegen.site.pages import Brief, Formula, Page
from derive.derivation import LAWS
from derive.printing import text
from derive.theorem import AXIOMS, Judgement
from derive.theorem import RULES as TRUSTED
from derive.wording import judgement
from iconograph.browse.world import World

Key = tuple[str, str]
"""A rule or an axiom: which of the two, and its name."""

SHOWN = 5
"""How many of the proofs that use a rule are named: the shortest, which are those to look at."""


@dataclass(frozen=True)
class Used:
    """In how many proofs a rule or an axiom is used, and how often; the shortest of them."""

    proofs: int
    steps: int
    examples: tuple[Brief, ...]


@dataclass(frozen=True)
class Rule:
    """A rule of inference: `states` is what its code says of itself, every second part a name."""

    name: str
    states: tuple[str, ...]
    used: Used


@dataclass(frozen=True)
class Axiom:
    """An axiom: a conclusion for all x and y, under premises."""

    name: str
    premises: tuple[Formula, ...]
    conclusion: Formula
    used: Used


@dataclass(frozen=True)
class Lemmas:
    """The lemmas of an entry's file: what each says in words, and its formula."""

    brief: Brief
    lines: tuple[tuple[str, str], ...]


def pages(world: World) -> Iterable[Page]:
    """The page."""
    counts = {name: counted(e.row.certificate) for name, e in world.entries.items()}
    counts = {name: found for name, found in counts.items() if found}
    uses = used(world, counts)
    rules = tuple(
        Rule(name, said(f.__doc__ or ""), uses.get(("rule", name), NONE))
        for name, f in TRUSTED.items() if name != "axiom"
    )  # fmt: skip
    axioms = tuple(
        Axiom(name, tuple(map(shown, premises)), shown(conclusion, name),
              uses.get(("axiom", name), NONE))
        for name, (premises, conclusion) in AXIOMS.items()
    )  # fmt: skip
    lemmas = tuple(
        Lemmas(world.briefs[m.id], tuple((f.text, to_text(f)) for f in m.steps))
        for m in sorted(world.methods.values(), key=lambda m: (m.name.casefold(), m.id)) if m.steps
    )  # fmt: skip
    content = {"rules": rules, "axioms": axioms, "lemmas": lemmas, "proofs": len(counts)}
    about = "The rules of inference and the axioms that every proof is made of."
    yield Page(RULES, "rules.html.jinja", "Rules and lemmas", content, about, "Rules", 20, "r")


NONE = Used(0, 0, ())


def counted(certificate: str) -> Counter[Key]:
    """How often a certificate uses each rule and axiom, that a formula has a value included."""
    steps = json.loads(certificate)["steps"] if certificate else ()
    return Counter(
        ("axiom", args[0].removeprefix("$")) if rule == "axiom" else ("rule", rule)
        for rule, args in steps
    )


def used(world: World, counts: Mapping[str, Counter[Key]]) -> Mapping[Key, Used]:
    """Where each rule and axiom is used; proofs of the fewest steps first."""
    found: dict[Key, list[str]] = {}
    for name in sorted(counts, key=lambda n: (counts[n].total(), n)):
        for what in counts[name]:
            found.setdefault(what, []).append(name)
    return {
        what: Used(
            len(names), sum(counts[n][what] for n in names),
            tuple(world.briefs[n] for n in names[:SHOWN]),
        )
        for what, names in found.items()
    }  # fmt: skip


def said(doc: str) -> tuple[str, ...]:
    """A docstring, taken apart at its backticks."""
    return tuple(" ".join(doc.split()).split("`"))


def shown(j: Judgement, name: str = "") -> Formula:
    """A premise, or the conclusion of the axiom `name`.

    Formulas that the notation does not tell apart, 1/(x y) and 1/x 1/y, are given in words.
    """
    said = judgement(j, frozenset())
    if j[0] == "eq" and text(j[1]) == text(j[2]):
        return Formula(LAWS[name])
    return Formula(said, mathml(judgement(j, frozenset(), latex=True), said))
