"""A derivation as numbered lines, one per step: the rule, the steps it uses, what it concludes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from derive.certificate import Certificate, theorems
from derive.check import check_body
from derive.sentences import judgement_text
from derive.theorem import Theorem


def proof_lines(certificate: Certificate) -> Iterator[str]:
    """The steps of `certificate` after a replay, premises before conclusions, the claim last.

    Raises:
        InputError: the certificate does not replay.
    """
    checked = check_body(certificate.body)
    dims = frozenset(_frozen(certificate.body["dims"]))
    numbers: dict[int, int] = {}
    steps = list(_in_order(checked.theorems))
    width = len(str(len(steps)))
    for number, step in enumerate(steps, 1):
        numbers[id(step)] = number
        uses = sorted({numbers[id(premise)] for premise in theorems(step.args)})
        why = step.rule + (f" of {', '.join(map(str, uses))}" if uses else "")
        said = checked.theorem_text if step.concl[0] == "icon" else judgement_text(step.concl, dims)
        yield f"{number:>{width}}  {said}    [{why}]"


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
