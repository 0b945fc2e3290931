"""Claims of the literature that are false as printed: the counterexample, and what holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.spec import Method
from catalog.works import Work, work_of
from codegen.site.pages import Brief, Formula, Page
from iconograph.browse import formulas
from iconograph.browse.witness import Counterexample, counterexample
from iconograph.browse.world import World


@dataclass(frozen=True)
class Erratum:
    """A false statement: who says it and where, its formulas, its witness, what is true."""

    brief: Brief
    claimed: str
    where: str
    cite: str
    work: Work | None
    stated: tuple[Formula, ...]
    pair: tuple[tuple[Formula, Formula], ...]
    witness: Counterexample | None
    correction: str
    holds: tuple[Brief, ...]


def pages(world: World) -> Iterable[Page]:
    """The page, where there is something to say on it: a statement that a witness refutes."""
    found = [
        m for m in world.methods.values()
        if m.erratum is not None and world.entries[m.id].row.outcome == "refuted"
    ]  # fmt: skip
    if not found:
        return
    found.sort(key=lambda m: (m.cite, m.id))
    others = sorted(
        (m for m in world.methods.values()
         if m.erratum is None and m.claim.relation == "false-as-stated"
         and world.entries[m.id].row.outcome == "refuted"),
        key=lambda m: (m.cite, m.id),
    )  # fmt: skip
    content = {
        "errata": tuple(erratum(world, m) for m in found),
        "others": tuple((world.briefs[m.id], m.claim.correction) for m in others),
    }
    about = "Statements of the literature that an explicit counterexample refutes, and what holds."
    yield Page("errata.html", "errata.html.jinja", "False as printed", content, about,
               "False as printed", 40, "e")  # fmt: skip


def erratum(world: World, m: Method) -> Erratum:
    """One false statement."""
    assert m.erratum is not None
    stated = tuple(formulas.formula(f) for f in m.statements)
    if not stated and (shown := formulas.published(m)) is not None:
        stated = (shown,)
    return Erratum(
        world.briefs[m.id], m.erratum.claimed, m.erratum.where, m.cite, work_of(m.cite), stated,
        () if m.statements else formulas.pair(m), counterexample(world.entries[m.id].row),
        m.claim.correction,
        tuple(world.briefs[name] for name in m.erratum.holds if name in world.briefs),
    )  # fmt: skip
