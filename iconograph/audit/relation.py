"""The judgement of a loss that can only be asked: which method it is, up to what, or what differs.

`judge` asks a loss for values and gradients at a dozen inputs of several sizes, compares them with
published formulas on the same data, and says what it found in a Finding. All of it is numerical
evidence at those inputs; nothing here is a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from catalog.spec import Method
from iconograph.audit import added, witness
from iconograph.audit.against import (
    LEFT_OUT,
    UNLIKE,
    Near,
    Trial,
    attempt,
    bases,
    direct,
    nearest,
    twins,
    varied,
)
from iconograph.audit.batches import COARSE, LOW, World, Worlds, finite
from iconograph.audit.bind import why_not
from iconograph.audit.candidate import RAW, TAU, Candidate
from iconograph.audit.consistent import ByValue, inconsistent
from iconograph.audit.finding import Evidence, Finding, Pair, Witness, shown
from iconograph.audit.pairs import pair
from iconograph.audit.probe import Probe


def judge(
    probe: Probe,
    against: Method | None = None,
    seed: int = 0,
    *,
    fixed: Mapping[str, int] | None = None,
    step: Callable[[], object] = lambda: None,
) -> Finding:
    """The relation of a loss to a method, or to the nearest of the catalog where none is named.

    `fixed` gives extents that are not to be varied, by letter, those of the probe where it has any.
    Equal means: gradients and differences of values agree at all inputs, of several sizes and with
    fresh random numbers. `step` is called as each method of the catalog is looked at.

    Raises:
        Theirs: the code fails at a plain input.
    """
    worlds = Worlds(probe, seed, fixed or getattr(probe, "fixed", {}))
    first = next(iter(worlds.all()))
    if (trouble := unusable(first)) is not None:
        return trouble
    recognised = pair(probe, seed, worlds.fixed)
    if against is None:
        from iconograph.audit.search import search

        return search(worlds, recognised, step)
    return judged(worlds, against, recognised)


def unusable(world: World) -> Finding | None:
    """A finding where nothing can be compared: no numbers, or no gradient."""
    samples = [s for g in world.groups[:2] for s in g.samples]
    seen = Evidence(len(samples), np.nan, (), world.precision)
    if not all(map(finite, samples)):
        words = "its value or gradient is not a finite number at a plain input"
        return Finding("undecided", words, evidence=seen, notes=world.notes)
    if world.noise > LOW and world.tolerance > COARSE:
        words = f"its values are exact to {world.noise:.0e} only, too coarse to be compared"
        return Finding("undecided", words, evidence=seen, notes=world.notes)
    if not any(np.any(g) for s in samples for g in s.gradient.values()):
        words = "its gradient is zero everywhere it was asked, so nothing can be compared"
        return Finding("undecided", words, evidence=seen, notes=world.notes)
    return None


def judged(worlds: Worlds, method: Method, known: Pair | None) -> Finding:
    """The relation to one method."""
    made = bases(method, worlds)
    if not made:
        call = worlds.probe.call
        lacks = why_not(method, method.published, call)
        return Finding(
            "undecided", f"the call {call.name} does not give {method.id} its data: {lacks}",
            method.id, pair=known,
        )  # fmt: skip
    found = direct(method, worlds)
    if found is not None and found.fits:
        return agreeing(worlds, found, known)
    if found is None and (near := added.added(method, worlds)) is not None:
        return agreeing(worlds, near, known)
    if found is None and (cut := unreached(worlds, method, known)) is not None:
        return cut
    variant = found or varied(method, worlds)
    if variant is not None:
        apart = variant.adrift and not variant.candidate.edits  # either of the two may be at fault
        if apart and (slip := inconsistent(worlds)) is not None:
            other = by_value(worlds, method, slip, known)
            if other.evidence.inputs and len(other.conventions) == 1:
                return other
        return differing(worlds, variant, known)
    if (slip := inconsistent(worlds)) is not None:
        return by_value(worlds, method, slip, known)
    return unexplained(worlds, method, nearest(method, worlds), known)


def unreached(worlds: Worlds, method: Method, known: Pair | None) -> Finding | None:
    """The finding where all agrees but the gradient by a learned scale, which is zero."""
    samples = [s for g in next(iter(worlds.all())).groups for s in g.samples]
    names = samples[0].gradient
    scales = [s.name for s in worlds.probe.call.slots if s.kind == "scale"]
    silent = frozenset(k for k in scales if not any(np.any(s.gradient[k]) for s in samples))
    for candidate in bases(method, worlds) if silent and len(silent) < len(names) else ():
        found = attempt(candidate, worlds.all(silent))
        if found is None or not found.fits:
            continue
        said_so = (f"no gradient reaches {listing(sorted(silent))}",)
        shown_by = witness.of_variant(worlds, candidate, found, said_so[0])
        if shown_by is not None:
            words = f"different from {method.id}: {said_so[0]}; all else agrees"
            return Finding(
                "different", f"{words} ({said(evidence(found))})", method.id, (), said_so,
                dict(found.match.numbers), known, evidence(found), shown_by, notes=remarks(found),
            )  # fmt: skip
    return None


# --------------------------------------------------------------------------- findings


def evidence(trial: Trial) -> Evidence:
    """What a trial rests on: the groups in which the two agree."""
    errors = trial.match.slips if trial.adrift else trial.match.errors
    compared = [
        (g, e) for g, e in zip(trial.world.groups, errors, strict=True)
        if e <= trial.world.tolerance
    ]  # fmt: skip
    return Evidence(
        sum(len(g.samples) for g, _ in compared), max((e for _, e in compared), default=np.inf),
        tuple(g.words for g, _ in compared), trial.world.precision,
    )  # fmt: skip


def agreeing(worlds: Worlds, trial: Trial, known: Pair | None) -> Finding:
    """The finding where the published formula agrees as it stands."""
    method = trial.candidate.method
    up_to = differences(trial)
    note = witness.of_lonely(worlds, trial, LEFT_OUT) if trial.lonely == LEFT_OUT else None
    words = f"equal to {method.id}" + (f" up to {listing(up_to)}" if up_to else "")
    return Finding(
        "equal-up-to" if up_to else "equal", f"{words}: {said(evidence(trial))}", method.id, up_to,
        parameters=dict(trial.match.numbers), pair=known, evidence=evidence(trial), witness=note,
        notes=remarks(trial),
    )  # fmt: skip


def differences(trial: Trial) -> tuple[str, ...]:
    """Up to what a formula agrees."""
    candidate, found = trial.candidate, list[str]()
    new = {d.name for d in candidate.extra if d is not TAU}
    for name, value in trial.match.numbers.items():
        if name in new:
            continue  # a number of the convention, which says it
        what = "temperature" if name in TEMPERATURES else "parameter"
        found.append(f"{what} {name} = {shown(value)}")
    found += trial.law.words
    if candidate.unit:
        found.append("normalisation of the input (the code divides rows by their norms)")
    if candidate.center:
        found.append("centring of the input (the code subtracts the mean of the rows)")
    if RAW in candidate.edits:
        found.append("normalisation of the input (the code takes rows as they are)")
    if drifts(trial):
        found.append("a constant of the batch")
    elif constants := seen_constants(trial):
        found.append(f"constant {shown(constants[0])}")
    if trial.world.labels == "pairs":
        found.append("classes of exactly two rows (others give the method nothing)")
    if trial.world.held:
        held = ", ".join(sorted(trial.world.held))
        found.append(f"the gradient by {held}, which the method holds fixed")
    if trial.lonely == LEFT_OUT:
        found.append(f"dropped rows ({trial.lonely})")
    if twins(trial):
        found.append("duplicate rows (where two rows are equal the code has another gradient)")
    if trial.lonely == UNLIKE:
        found.append(f"rows without positives ({trial.lonely})")
    found += added.spoken(trial)
    if trial.world.noise > LOW:
        found.append(f"rounding (its values are exact to {trial.world.noise:.0e} only)")
    if trial.world.loose and (error := evidence(trial).error) > 1e-8:
        found.append(f"what is left, {error:.0e} of it")
    return tuple(found)


def seen_constants(trial: Trial) -> tuple[float, ...]:
    """The constants between code and formula where the two agree; none where they are zero."""
    fine = [c for c, e in zip(trial.match.constants, trial.match.errors, strict=True)
            if e <= trial.world.tolerance]  # fmt: skip
    size = max(abs(s.value) for g in trial.world.groups for s in g.samples)
    far = max(map(abs, fine), default=0.0) > 100 * trial.world.tolerance * max(size, 1e-9)
    return tuple(fine) if far else ()


def drifts(trial: Trial) -> bool:
    """Whether the constant between code and formula is another for each batch."""
    found = seen_constants(trial)
    return bool(found) and max(found) - min(found) > 1e-6 * max(map(abs, found))


TEMPERATURES = frozenset(("tau", "T", "t", "temperature", "sigma", "s"))


def differing(worlds: Worlds, trial: Trial, known: Pair | None) -> Finding:
    """The finding where a formula agrees after conventions are changed."""
    method = trial.candidate.method
    said_so = conventions(trial)
    base = unedited(trial.candidate, worlds)
    shown_by = witness.of_variant(worlds, base, trial, said_so[0]) if base else None
    if base and trial.adrift and not trial.candidate.edits:
        shown_by = witness.of_reading(worlds, base, trial.match.numbers)
    up_to = differences(trial)
    words = f"different from {method.id}: {listing(said_so)}; with that it agrees"
    words += f" up to {listing(up_to)}" if up_to else ""
    return Finding(
        "different", f"{words} ({said(evidence(trial))})", method.id, up_to, said_so,
        dict(trial.match.numbers), known, evidence(trial), shown_by, notes=remarks(trial),
    )  # fmt: skip


def by_value(worlds: Worlds, method: Method, slip: Witness, known: Pair | None) -> Finding:
    """The finding for a gradient that is not that of the value, by the value alone."""
    probe = ByValue(worlds.probe, worlds.noise)
    other = Worlds(probe, worlds.seed, worlds.fixed, loose=True)
    found = direct(method, other) or varied(method, other, depth=1)
    said_so: tuple[str, ...] = (SLIP,)
    words = f"different from {method.id}: {SLIP}"
    up_to: tuple[str, ...] = ()
    numbers: dict[str, float] = {}
    seen = Evidence(0, np.inf, (), next(iter(worlds.all())).precision)
    if found is not None and (found.fits or found.opposite):
        said_so = (*said_so, *conventions(found))
        up_to, numbers, seen = differences(found), dict(found.match.numbers), evidence(found)
        more = f" but for this: {listing(conventions(found))}" if conventions(found) else ""
        words += f"; the derivative of its value is that of {method.id}{more}"
        words += f", up to {listing(up_to)} ({said(seen)})" if up_to else f" ({said(seen)})"
    return Finding("different", words, method.id, up_to, said_so, numbers, known, seen, slip)


SLIP = "the gradient that the code gives is not the derivative of its value"


def conventions(trial: Trial) -> tuple[str, ...]:
    """The conventions in which the code differs, in words."""
    told = (f"{added.KEY}|",)
    found = [e.split("|")[-1] for e in trial.candidate.edits if e != RAW and not e.startswith(told)]
    for d in trial.candidate.extra:
        if d is not TAU and d.name in trial.match.numbers:
            found[-1] += f" ({d.name} = {shown(trial.match.numbers[d.name])})"
    found += ["the sign is opposite"] if trial.opposite else []
    return (*found, *((ADRIFT,) if trial.adrift else ()))


ADRIFT = "the gradient is as published, but the value is not what it is the derivative of"


def unedited(candidate: Candidate, worlds: Worlds) -> Candidate | None:
    """The published formula under the reading of a variant."""
    raw = RAW in candidate.edits
    for c in bases(candidate.method, worlds):
        same = c.binding is candidate.binding or (
            c.binding.reading.words == candidate.binding.reading.words
            and c.binding.scales == candidate.binding.scales
        )
        if same and c.unit == candidate.unit and (RAW in c.edits) == raw:
            return c
    return None


def unexplained(worlds: Worlds, method: Method, near: Near | None, known: Pair | None) -> Finding:
    """The finding where no convention explains the difference."""
    if near is None:
        words = f"{method.id} has no value at any input that was tried"
        return Finding("undecided", words, method.id, pair=known)
    at = f" with {listing([f'{k} = {shown(v)}' for k, v in near.numbers.items()])}"
    how = at if near.numbers else ""
    count = len(near.world.fitting)
    words = (
        f"different from {method.id}: no scale{how} brings the gradients together, the best leaves "
        f"{100 * min(near.left, 1.0):.2g}% of them at {count} inputs, and no convention that was "
        "tried explains it"
    )
    if near.left <= 100 * near.world.tolerance:
        words = (
            f"different from {method.id}: gradients agree{how} at {count} inputs of one shape, but "
            "values or other inputs do not; no convention that was tried explains it"
        )
    shown_by = witness.of_nearest(worlds, near.candidate, near.numbers) or witness.of_reading(
        worlds, near.candidate, near.numbers
    )
    if near.world.noise > LOW and near.left <= 10 * near.world.tolerance:
        words = f"near {method.id}{how}, but its values are exact to {near.world.noise:.0e} only"
        shown_by = None
    if shown_by is None:
        words = f"{words}; no small input shows it"
        seen = Evidence(count, near.left, (near.world.groups[0].words,), near.world.precision)
        return Finding("undecided", words, method.id, (), (), dict(near.numbers), known, seen)
    seen = Evidence(count, near.left, (near.world.groups[0].words,), near.world.precision)
    return Finding("different", words, method.id, (), (), dict(near.numbers), known, seen, shown_by)


def remarks(trial: Trial) -> tuple[str, ...]:
    """What else was seen."""
    read = (f"read as: {trial.candidate.words}",) if trial.candidate.words else ()
    alone = (trial.lonely,) if trial.lonely and trial.lonely not in (LEFT_OUT, UNLIKE) else ()
    return (*read, *alone, *trial.world.notes)


def said(found: Evidence) -> str:
    """Evidence in words."""
    to = f"{found.error:.0e}" if found.error > 1e-15 else "1e-15"
    low = ", where the code computes in float32" if found.precision == "float32" else ""
    return f"agrees to {to} at {found.inputs} inputs{low}"


def listing(parts: Sequence[str]) -> str:
    """A, b and c."""
    return "".join(parts) if len(parts) < 2 else f"{', '.join(parts[:-1])} and {parts[-1]}"


__all__ = ["judge"]
