"""A derivation as numbered lines, one per step: the rule, the steps it uses, what it concludes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derive.certificate import Certificate, theorems
from derive.check import check_body
from derive.sentences import judgement_text
from derive.theorem import Theorem


@dataclass(frozen=True)
class Step:
    """One step: what it concludes, the rule (or "axiom" and its name), the steps it uses."""

    said: str
    rule: str
    axiom: str
    uses: tuple[int, ...]


def proof_lines(certificate: Certificate) -> Iterator[str]:
    """The steps of `certificate` after a replay, premises before conclusions, the claim last.

    Raises:
        InputError: the certificate does not replay.
    """
    steps = list(proof_steps(certificate))
    width = len(str(len(steps)))
    for number, step in enumerate(steps, 1):
        why = step.rule + (f" of {', '.join(map(str, step.uses))}" if step.uses else "")
        yield f"{number:>{width}}  {step.said}    [{why}]"


def proof_steps(certificate: Certificate) -> Iterator[Step]:
    """The same as data; steps are counted from 1.

    Raises:
        InputError: the certificate does not replay.
    """
    checked = check_body(certificate.body)
    dims = frozenset(_frozen(certificate.body["dims"]))
    numbers: dict[int, int] = {}
    for number, step in enumerate(_in_order(checked.theorems), 1):
        numbers[id(step)] = number
        uses = sorted({numbers[id(premise)] for premise in theorems(step.args)})
        said = checked.theorem_text if step.concl[0] == "icon" else judgement_text(step.concl, dims)
        yield Step(said, step.rule, step.args[0] if step.rule == "axiom" else "", tuple(uses))


def _in_order(roots: Sequence[Theorem]) -> Iterator[Theorem]:
    """Every theorem below `roots` once, premises first; a loop, since derivations are deep."""
    seen: set[int] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        step, ready = stack.pop()
        if ready:
            yield step
        elif id(step) not in seen:
            seen.add(id(step))
            stack.append((step, True))
            stack += [(premise, False) for premise in reversed(list(theorems(step.args)))]


def _frozen(data: object) -> tuple[object, ...]:
    """JSON lists as tuples."""
    return tuple(_frozen(x) if isinstance(x, list) else x for x in data)  # type: ignore[attr-defined]
