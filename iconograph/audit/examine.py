"""From a callable to what is said of it: how it is called, how exact it is, what it is equal to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from catalog.errors import InputError
from iconograph.audit.calls import Convention
from iconograph.audit.guess import Choice, choose
from iconograph.audit.precision import precision, spoken
from iconograph.audit.probe import Answer, Array
from iconograph.audit.process import Child, Settings
from iconograph.audit.steady import faithful, steadiness
from iconograph.audit.wire import Asked, CodeProbe
from iconograph.audit.world import Parallel, countable, parallel, refuse
from iconograph.console import Exit

if TYPE_CHECKING:
    from catalog.spec import Method
    from iconograph.audit.finding import Finding


@dataclass(frozen=True)
class Report:
    """What was found of a callable.

    `code` is what the person named, `what` its kind in words; `choice` how it is called; `notes`
    what else was seen, such as state or single precision, of which `precision` is the relative
    error. `parallel` is there where ranks were asked for.
    """

    code: str
    what: str
    torch: str
    choice: Choice
    precision: float
    notes: tuple[str, ...]
    finding: Finding
    seconds: float
    parallel: Parallel | None = None
    against: tuple[str, str] = ("", "")

    @property
    def status(self) -> Exit:
        """0 equal in some sense, and under ranks where there are any; 1 not; 3 undecided."""
        if self.parallel is not None and not self.parallel.equal:
            return Exit.DIFFERS
        return Exit(self.finding.status)

    @property
    def ok(self) -> bool:
        """Whether the status is 0."""
        return self.status == Exit.AS_CLAIMED

    def facts(self) -> list[tuple[str, str]]:
        """Line by line, as keys and words."""
        choice, found = self.choice, self.finding
        others = f"; {', '.join(choice.others)} would fit too" if choice.others else ""
        evidence = found.evidence
        return [
            (mark(found)[0], f"{self.code}, {self.what}"),
            *([("against", ": ".join(self.against))] if self.against[0] else []),
            *(("up to", text) for text in found.up_to if found.kind == "equal-up-to"),
            ("relation", found.words),
            *([("pair", found.pair.words)] if found.pair else []),
            *(("differs in", text) for text in found.conventions),
            *_witness(found),
            ("called with", f"{choice.convention.text} ({choice.words}{others})"),
            *([("evidence", f"{evidence.inputs} inputs ({', '.join(evidence.sizes)}), largest "
               f"relative error {evidence.error:.1e}; no proof")] if evidence.inputs else []),
            *([("also", ", ".join(found.also))] if found.also else []),
            *(("note", text) for text in (*found.notes, *self.notes)),
            *(self.parallel.facts() if self.parallel else []),
            ("seconds", f"{self.seconds:.2f}"),
        ]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The content of `iconograph verify --code ... --json`."""
        choice = self.choice
        return {
            "code": self.code, "what": self.what, "torch": self.torch,
            "against": self.against[0] or None,
            "call": {
                "name": choice.convention.call.name, "arguments": choice.convention.text,
                "why": choice.why, "others": list(choice.others),
            },
            "precision": self.precision, "notes": list(self.notes),
            "finding": self.finding.to_json(),
            "world": self.parallel.to_json() if self.parallel else None,
            "status": int(self.status), "seconds": round(self.seconds, 4), "error": None,
        }  # fmt: skip


def mark(found: Finding) -> tuple[str, str]:
    """The finding in a word or three, and its colour; the words alone carry the meaning."""
    return {
        "equal": ("✓ equal", "green"),
        "equal-up-to": ("✓ equal up to", "green"),
        "recognised": ("✓ recognised", "green"),
        "different": ("✗ different", "red"),
        "undecided": ("? undecided", "yellow"),
    }[found.kind]


def _witness(found: Finding) -> list[tuple[str, str]]:
    """An input at which the two differ."""
    if (w := found.witness) is None:
        return []
    lines = [("witness", f"{w.what}: theirs {w.theirs:.10g}, the reference {w.ours:.10g}")]
    for name, value in w.inputs.items():
        text = str(value.tolist() if hasattr(value, "tolist") else value)
        lines.append((f"  {name}", text))
    return lines


@dataclass(frozen=True)
class Wanted:
    """What is asked of a callable: a method to compare with, how to call it, how many ranks.

    `step` is called as each method is looked at, where none is named.
    """

    against: Method | None = None
    given: Convention | None = None
    world: int | None = None
    seed: int = 0
    step: Callable[[], object] = lambda: None


def examine(settings: Settings, wanted: Wanted) -> Report:
    """Judge code in a process of its own.

    Raises:
        InputError: there is no such code, or it cannot be called as was asked.
        Theirs: the code failed.
    """
    start = time.monotonic()
    if wanted.world is not None:
        countable(wanted.world)
    with Child(settings) as child:
        found = judged(child, settings.code, wanted)
    if wanted.world is not None:
        convention = found.choice.convention
        ranks = parallel(settings, convention, wanted.world, wanted.seed, found.precision)
        found = replace(found, parallel=ranks)
    return replace(found, seconds=time.monotonic() - start)


def examine_here(
    target: object,
    options: Mapping[str, Any],
    result: str | None,
    wanted: Wanted,
    dtype: str = "float64",
) -> Report:
    """Judge a callable in this process.

    Raises:
        InputError: it cannot be called as was asked, or ranks are wanted.
        Theirs: the code failed.
    """
    from iconograph.audit.local import Here

    if wanted.world is not None:
        hint = "name the code as 'module:name' or 'path/to/file.py:name'"
        message = "ranks are processes, which cannot get at a callable of this one"
        raise InputError(message, hint=hint)
    start = time.monotonic()
    name = getattr(target, "__qualname__", type(target).__qualname__)
    found = judged(Here(target, options, result, dtype), name, wanted)
    return replace(found, seconds=time.monotonic() - start)


def judged(asked: Asked, code: str, wanted: Wanted) -> Report:
    """Judge code that answers, wherever it runs."""
    import numpy as np

    from iconograph.audit.relation import judge

    def ask(convention: Convention, inputs: Mapping[str, Array]) -> Answer:
        return CodeProbe(asked, convention, wanted.seed).ask(inputs)

    begun = dict(asked.notes)
    choice = choose(asked.parameters, ask, wanted.given, asked.numbers)
    asked.notes.clear()  # what was said while other conventions were tried
    asked.notes.update(begun)
    if wanted.world is not None:  # before the long part
        refuse(choice.convention.call, choice.convention.fixed, wanted.world)
    probe = CodeProbe(asked, choice.convention, wanted.seed)
    notes = [*steadiness(probe, wanted.seed)]
    relative = precision(probe, wanted.seed)
    notes += [text] if (text := spoken(relative)) else []
    notes += faithful(probe, relative, wanted.seed)
    with np.errstate(all="ignore"):  # what is no number there is said in words
        finding = judge(probe, wanted.against, wanted.seed, fixed=probe.fixed, step=wanted.step)
    against = (wanted.against.id, wanted.against.name) if wanted.against else ("", "")
    return Report(
        code, asked.what, asked.torch, choice, relative, (*notes, *asked.notes), finding, 0.0,
        against=against,
    )  # fmt: skip
