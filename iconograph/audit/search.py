"""A loss against the whole catalog: the methods that it equals, else the nearest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from catalog.registry import all_methods
from catalog.spec import Method
from catalog.symbols import Mask
from iconograph.audit.added import added
from iconograph.audit.against import Near, Trial, direct, nearest, varied
from iconograph.audit.batches import Worlds
from iconograph.audit.finding import Finding, Pair

ASIDE = ("theorem", "false-as-stated")
PEERS = ("image-text", "image-text-bias", "triplet", "two-views", "two-views-labels")
"""Calls whose learned arguments are alike: none of them is held fixed by what it is."""

NEIGHBOURS = 6
"""How many of the nearest methods are tried under other conventions."""

MOST_FREE = 2
"""Methods with more numbers to solve for are compared when they are named only."""


def known() -> Iterator[Method]:
    """The methods that publish a loss, and new ones."""
    for m in all_methods():
        if m.claim.relation not in ASIDE:
            yield m


def search(worlds: Worlds, pair: Pair | None, step: Callable[[], object]) -> Finding:
    """The simplest of the methods that the loss equals, with the others; else the nearest.

    `step` is called once for each method that was looked at.
    """
    from iconograph.audit import relation

    equal: list[tuple[tuple[object, ...], Trial]] = []
    near: list[Near] = []
    for method in known():
        step()
        found = nearest(method, worlds, most=MOST_FREE)
        if found is None:
            continue
        near.append(found)
        if found.left >= 1e-2:
            continue
        trial = direct(method, worlds, quick=True) or added(method, worlds)
        if trial is not None and trial.fits and not leans(trial):
            equal.append((rank(trial), trial))
    if equal:
        equal.sort(key=lambda e: e[0])
        best = relation.agreeing(worlds, equal[0][1], pair)
        return replace(best, also=tuple(t.candidate.method.id for _, t in equal[1:]))
    near.sort(key=lambda n: n.left)
    for n in near[:NEIGHBOURS]:
        trial = varied(n.candidate.method, worlds, depth=1)
        if trial is not None and not leans(trial):
            return relation.differing(worlds, trial, pair)
    if pair is not None:
        words = f"no method of the catalog; its pair is {pair.words}"
        return Finding("recognised", words, pair=pair)
    if near:
        return relation.unexplained(worlds, near[0].candidate.method, near[0], pair)
    return Finding("undecided", f"no method fits the call {worlds.probe.call.name}", pair=pair)


def leans(trial: Trial) -> bool:
    """Whether a formula agrees only because it holds one of two alike arguments fixed.

    What the code adds that is of that argument alone, such as a penalty, would then pass as a
    constant. A teacher or a reference is no such argument: theirs is fixed by its meaning.
    """
    from iconograph.audit import relation

    alike = trial.candidate.call.name in PEERS
    return alike and bool(trial.world.held) and relation.drifts(trial)


def rank(trial: Trial) -> tuple[object, ...]:
    """Simple first: few numbers fitted, few things up to which it is equal, nothing read askew."""
    from iconograph.audit import relation

    method = trial.candidate.method
    up_to = relation.differences(trial)
    scaled = sum(u.startswith("scale") for u in up_to)
    return (
        trial.world.labels == "pairs", bool(trial.world.held), strain(trial),
        len(trial.match.numbers), len(up_to) + scaled,
        method.claim.relation not in ("exact", "does-not-reduce"), method.year, method.id,
    )  # fmt: skip


def strain(trial: Trial) -> int:
    """How many symbols the call does not give itself: masks, and labels that are row numbers."""
    method, call = trial.candidate.method, trial.candidate.call
    places = {p.name for p in trial.candidate.places}
    used = [d for d in method.declarations.values() if d.name in places]
    told = any(s.kind in ("label", "target") for s in call.slots)
    return sum(isinstance(d.form, Mask) or (d.text.startswith("label") and not told) for d in used)


__all__ = ["search"]
