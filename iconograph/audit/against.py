"""A loss against one method: the published formula as it stands, then under other conventions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from catalog.spec import Declaration, Method
from catalog.symbols import Big, Sym, walk
from iconograph.audit.batches import LOW, World, Worlds
from iconograph.audit.candidate import Candidate, both_directions, candidates
from iconograph.audit.edits import Edit, edits
from iconograph.audit.fit import Match, against, compared, solve
from iconograph.audit.layout import Layout
from iconograph.audit.probe import Array
from iconograph.audit.readings import Unfit, same_class
from iconograph.audit.rules import supported
from iconograph.audit.scales import Law, counts, law

MOST_FREE = 2
"""With more numbers to solve for, conventions are tried one at a time only."""

MOST = 1500
"""How many combinations of conventions are tried."""


@dataclass(frozen=True)
class Trial:
    """A match in a world, with the law of its scale; `fits` says that they agree.

    `opposite` says that they do but for the sign, `adrift` that gradients do and values do not.
    `lonely` says what becomes of rows without positives, "" where that was not found out.
    """

    match: Match
    world: World
    law: Law
    fits: bool
    opposite: bool = False
    adrift: bool = False
    lonely: str = ""

    @property
    def candidate(self) -> Candidate:
        """The formula that was matched."""
        return self.match.candidate


WITHIN = (1e-4, 1e4)
"""What a positive number that is solved for may be: beyond, a term is as good as absent."""


def attempt(
    candidate: Candidate, worlds: Iterable[World], *, quick: bool = False,
    near: dict[str, float] | None = None,
) -> Trial | None:  # fmt: skip
    """The candidate with its numbers solved for, in the first world where it agrees.

    Classes of two are for methods that need a partner for each row: there much is equal that is
    different where classes have three.
    """
    valued = False
    for world in worlds:
        if valued and world.labels == "pairs":
            continue
        numbers, left = solved(candidate, world, quick=quick, near=near)
        valued = valued or (world.labels == "uneven" and np.isfinite(left))
        if left <= 100 * world.tolerance and (found := held_against(candidate, numbers, world)):
            return found
    return None


def solved(
    candidate: Candidate, world: World, *, quick: bool, near: dict[str, float] | None = None
) -> tuple[dict[str, float], float]:
    """The free numbers and the residual on the fitting samples; infinite where it has no value."""
    try:
        return solve(
            candidate.at, candidate.free, world.fitting, quick=quick, near=near,
            linear=candidate.linear,
        )  # fmt: skip
    except Unfit:
        return {}, np.inf


def held_against(candidate: Candidate, numbers: dict[str, float], world: World) -> Trial | None:
    """The trial of a candidate at given numbers, at every input of a world; None where it fails."""
    if any(not within(d, numbers[d.name]) for d in candidate.free):
        return None  # a limit of the method, not a case of it
    near = {k: rounded(v, world) for k, v in numbers.items()}
    if world.loose and any(float(f"{v:.2g}") != v for v in near.values()):
        return None  # what is near at crooked numbers only is another loss, not a rounding of this
    match = compared(candidate, near, world.groups)
    plain = [k for k, g in enumerate(world.groups) if "duplicates" not in g.words]
    firm = [k for k in plain if not world.groups[k].optional]
    if not world.loose and max((match.errors[k] for k in firm), default=0.0) > world.tolerance:
        match = compared(candidate, numbers, world.groups)
    fine = [k for k in firm if match.errors[k] <= world.tolerance]
    wrong = [k for k in firm if k not in fine and not np.isnan(match.errors[k])]
    smooth = [k for k in firm if match.slips[k] <= world.tolerance]
    adrift = bool(wrong) and len(smooth) > 1 and set(wrong) <= set(smooth)
    if (wrong and not adrift) or len(smooth) < 2 or np.isnan(match.errors[0]):
        return None
    fine = smooth if adrift else fine
    batches = [counts(candidate, world.groups[k].samples[0].inputs) for k in fine]
    signs = {float(np.sign(match.scales[k])) for k in fine}
    if len(signs) != 1:
        return None
    found = law([abs(match.scales[k]) for k in fine], batches, world.tolerance)
    if world.noise > LOW and abs(found.factor - 1) <= world.tolerance:
        found = Law(1.0, found.name)  # a scale that rounding does not tell from one
    up = signs == {1.0}
    trial = Trial(match, world, found, up and not adrift, not up, adrift and up)
    return replace(trial, lonely=alone(trial)) if trial.fits else trial


def twins(trial: Trial) -> bool:
    """Whether code and formula differ where two rows are equal."""
    limit = trial.world.tolerance
    slips = zip(trial.world.groups, trial.match.slips, strict=True)
    return any("duplicates" in g.words and e > limit for g, e in slips)


def within(d: Declaration, x: float) -> bool:
    """Whether a number that was solved for is not at the end of its range."""
    kind = d.form.kind if isinstance(d.form, Sym) else "real"
    if kind == "positive":
        return WITHIN[0] < x < WITHIN[1]
    return kind != "probability" or WITHIN[0] < x < 1 - WITHIN[0]


def rounded(x: float, world: World) -> float:
    """The number that people would have written, where one is near."""
    digits, share = (2, 1e-3) if world.loose else (6, 1e-7)
    if world.noise > LOW:
        digits, share = 2, 10 * world.tolerance
    near = float(f"{x:.{digits}g}")
    return near if abs(near - x) <= share * abs(x) else x


def alone(trial: Trial) -> str:
    """What the code does with rows without positives: counts them as zero, or leaves them out."""
    group = next((g for g in trial.world.groups if g.optional and "lonely" in g.words), None)
    reading = trial.candidate.binding.reading
    if group is None or reading.classes is None or trial.world.labels == "pairs":
        return ""
    only = replace(trial.candidate, formula=supported(trial.candidate.formula))
    try:
        scale, _, *slips = against(only.at, trial.match.numbers, group.samples)
        plain = against(trial.candidate.at, trial.match.numbers, group.samples)
    except Unfit:
        return ""
    if not np.isnan(plain[2]):  # the formula has a value there, and nothing is open
        return "" if max(plain[2:]) <= trial.world.tolerance else UNLIKE
    if np.isnan(scale) or max(slips) > trial.world.tolerance:
        return OTHERWISE
    rows = counts(trial.candidate, group.samples[0].inputs)["rows"]
    having = rows - lonely_rows(trial.candidate, group.samples[0].inputs)
    share = scale / trial.law.factor
    if is_mean(trial.candidate) and trial.law.name == "":
        share /= having  # its own mean is over the rows that are left
    elif trial.law.name != "1/rows":
        return ""
    limit = max(1e-4, trial.world.tolerance)
    if abs(share * having - 1) < limit:
        return LEFT_OUT
    return COUNTED if abs(share * rows - 1) < limit else OTHERWISE


LEFT_OUT = "rows without positives are left out of the mean"
UNLIKE = "a row without positives has another value in the code than in the formula"
COUNTED = "rows without positives count as zero in the mean"
OTHERWISE = "rows without positives have a term of their own"


def is_mean(candidate: Candidate) -> bool:
    """Whether the outermost binder is a mean."""
    first = next((n for n in walk(candidate.formula) if isinstance(n, Big)), None)
    return first is not None and first.op == "mean"


def lonely_rows(candidate: Candidate, inputs: Mapping[str, Array]) -> int:
    """How many rows have no positive."""
    classes = candidate.binding.reading.classes
    assert classes is not None
    y = classes(Layout(candidate.call, inputs))
    return int((~same_class(np.asarray(y)).any(axis=1)).sum())


# --------------------------------------------------------------------------- conventions


def bases(method: Method, worlds: Worlds) -> tuple[Candidate, ...]:
    """The published formula under every binding that the code's invariance does not exclude.

    Where no gradient changes the length of a row, the code normalises rows, and where one does, it
    does not: half of the readings are settled before any is tried.
    """
    made = candidates(method, worlds.probe.call)
    world = next(iter(worlds.all()))
    sphere, shift = on_sphere(world), shifts(world)
    return tuple(c for c in made if (sphere or not c.unit) and (shift or not c.center))


def on_sphere(world: World) -> bool:
    """Whether no gradient by a row has a part along the row."""
    for group in world.groups:
        for s in group.samples:
            for name, g in s.gradient.items():
                z = np.asarray(s.inputs[name], dtype=float)
                if z.ndim < 2 or z.shape != g.shape:
                    continue
                along = np.abs((z * g).sum(axis=-1))
                limit = 1e-3 if world.precision == "float32" else 1e-6
                whole = np.linalg.norm(z, axis=-1) * np.linalg.norm(g, axis=-1)
                if np.any(along > limit * max(whole.max(), 1e-300)):
                    return False
    return True


def shifts(world: World) -> bool:
    """Whether no gradient moves the mean of a table: then the code may centre its columns."""
    limit = 1e-4 if world.precision == "float32" else 1e-9
    for s in (s for g in world.groups for s in g.samples):
        for g in s.gradient.values():
            if g.ndim > 1 and np.any(np.abs(g.sum(axis=0)) > limit * max(np.abs(g).max(), 1e-300)):
                return False
    return True


def settings(candidate: Candidate, worlds: Worlds, *, loose: bool = False) -> Iterator[World]:
    """The worlds to try a candidate in: all gradients, then those by what the method learns."""
    plain = list(worlds.all())
    yield from (replace(w, loose=loose or w.loose) for w in plain)
    try:
        held = candidate.held_slots(plain[0].fitting[0].inputs)
    except Unfit:
        return
    if held and held < {s.name for s in worlds.probe.call.slots if s.learned}:
        yield from (replace(w, loose=loose or w.loose) for w in worlds.all(held))


def direct(method: Method, worlds: Worlds, *, quick: bool = False) -> Trial | None:
    """The published formula as it stands, where it agrees; else None."""
    made = bases(method, worlds)
    aside = None
    for candidate in made:
        found = attempt(candidate, settings(candidate, worlds), quick=quick)
        if found is not None and found.fits:
            return found
        aside = aside or found
    return aside


def varied(method: Method, worlds: Worlds, *, depth: int = 2) -> Trial | None:
    """The fewest conventions under which the published formula agrees, None where none do."""
    plain = bases(method, worlds)
    level = [(c, numbers_near(c, worlds)) for c in plain]
    if max((len(c.free) for c in plain), default=0) > MOST_FREE:
        depth = 1
    for step in range(depth):
        following: list[tuple[Candidate, dict[str, float]]] = []
        if step == 0:
            following += [(b, {}) for b in both_directions(plain)]
        following += [(new, numbers) for c, numbers in level for new in changed(c)]
        unique = {
            (c.formula, c.words, c.unit, c.center, c.mirror is None): (c, n) for c, n in following
        }
        level = list(unique.values())[:MOST]
        for loose in (False, True) if step == 0 else (False,):
            for c, numbers in level:
                found = attempt(
                    c, settings(c, worlds, loose=loose), quick=True, near=numbers or None
                )
                if found is not None and not found.adrift:
                    return found
    return None


def numbers_near(candidate: Candidate, worlds: Worlds) -> dict[str, float]:
    """The numbers at which a candidate comes nearest, to start from with its variants."""
    found = [solved(candidate, w, quick=True) for w in worlds.all()]
    return min(found, key=lambda f: f[1])[0] if found else {}


def changed(candidate: Candidate) -> Iterator[Candidate]:
    """The candidate with one convention more, of a key that it has not changed yet."""
    before = {e.split("|")[0] for e in candidate.edits}
    for edit in edits(candidate.formula):
        if edit.key not in before:
            yield with_edit(candidate, edit)


def with_edit(candidate: Candidate, edit: Edit) -> Candidate:
    """A candidate with an edit made and noted."""
    return replace(
        candidate, formula=edit.formula, extra=(*candidate.extra, *edit.extra),
        edits=(*candidate.edits, f"{edit.key}|{edit.words}"),
    )  # fmt: skip


@dataclass(frozen=True)
class Near:
    """The reading under which a published formula comes nearest: 0 agrees, 1 has nothing alike."""

    left: float
    candidate: Candidate
    numbers: dict[str, float]
    world: World


def nearest(method: Method, worlds: Worlds, *, most: int = 9) -> Near | None:
    """The nearest reading with at most so many numbers to solve for, None where there is none."""
    found: list[Near] = []
    for candidate in bases(method, worlds):
        if len(candidate.free) > most:
            continue
        for world in settings(candidate, worlds):
            if found and world.labels == "pairs":
                continue
            numbers, left = solved(candidate, world, quick=True)
            if np.isfinite(left):
                found.append(Near(left, candidate, numbers, world))
    return min(found, key=lambda n: n.left, default=None)


__all__ = ["Near", "Trial", "attempt", "bases", "direct", "nearest", "varied"]
