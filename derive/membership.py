"""Whether the pair of a claim belongs to a class of losses that a certificate excludes.

The check on `derive.unfit`: a claim that is proved has a pair, and no certificate may exclude a
class that this pair is in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import flint

from derive.bridge import Problem
from derive.cuts import matching, named
from derive.dependent import rewritten
from derive.enclose import Undefined
from derive.jets import reach
from derive.onerow import groups
from derive.quotients import tidied
from derive.scores import Bare, bare, values
from derive.tape import Kink, Tape, backward, const
from derive.terms import domain
from derive.witness import ANALYTIC, EVERY, EXPONENTIAL, MONOTONE, ONE_PAIR, ONE_ROW, Witness

Affine = Mapping[int, Any]
CLASSES = (EVERY, ANALYTIC, EXPONENTIAL, MONOTONE, ONE_ROW, ONE_PAIR)


def excluded(problem: Problem, witness: Witness) -> bool:
    """Whether the pair of a claim with the divergence KL is in the class that is excluded."""
    if problem.divergence != "kl" or not problem.blocks:
        return False
    if witness.against not in CLASSES:
        return False
    if witness.against == EVERY:
        return True
    case = bare(problem, witness.models()[0])
    if witness.against == ANALYTIC:
        below = case.tape.reach([k for row in kernels(case) for k in row if not const(k)])
        return not any(case.tape.nodes[x][0] in ("relu", "max") for x in below)
    if (found := matching(case, witness.scores)) is None:
        return False
    case, cut = found
    rows = list(kernels(case))
    if witness.against == EXPONENTIAL:
        return all(exponential(case, row, cut) for row in rows)
    if witness.against == MONOTONE:
        return all(one_way(case, row, cut) for row in rows)
    chosen = {named(case, cut)[k] for k, (_, d) in witness.scores.items() if d}
    return sole(case, rows, cut, chosen, pair=witness.against == ONE_PAIR)


def exponential(case: Bare, row: Sequence[Any], cut: Sequence[int]) -> bool:
    """Whether all kernels are exponentials of affine functions of the scores."""
    logs = [logarithm(case.tape, k) for k in row]
    return all(log is not None and set(log) <= set(cut) for log in logs)


def sole(
    case: Bare, rows: Sequence[Sequence[Any]], cut: Sequence[int], chosen: set[int], pair: bool
) -> bool:
    """Whether one anchor alone reads the group of the chosen scores, one score by each kernel.

    With `pair` it has two neighbours besides, whose kernels are exponentials.
    """
    scores = dict.fromkeys(cut)
    group = next(set(g) for g in groups(case.tape, case.root, cut) if chosen <= set(g))
    reads = [[{x for x in reach(case.tape, k, scores) if x in scores} for k in row if not const(k)]
             for row in rows]  # fmt: skip
    here = [n for n, row in enumerate(reads) if any(some & group for some in row)]
    if len(here) != 1 or any(len(some) > 1 or not some <= group for some in reads[here[0]]):
        return False
    row = rows[here[0]]
    return not pair or (len(row) == 2 and exponential(case, row, cut))


def kernels(case: Bare) -> Iterator[list[Any]]:
    """The kernels of every anchor with all its neighbours, numbers on the tape."""
    ev, size = case.reader, case.model.size
    for anchors, a, neighbours, m, _, _, kernel in case.problem.blocks:
        for at in product(*(range(size(domain(v))) for v in anchors)):
            here = dict(zip(anchors, at, strict=True))
            if ev.numbers.is_zero(ev.value(a, here)):
                continue
            row = []
            for to in product(*(range(size(domain(v))) for v in neighbours)):
                env = here | dict(zip(neighbours, to, strict=True))
                if not ev.numbers.is_zero(ev.value(m, env)):
                    k = rewritten(case.tape, ev.value(kernel, env), case.put)
                    row.append(k if const(k) else tidied(case.tape, k))
            yield row


def logarithm(tape: Tape, k: Any) -> Affine | None:
    """The logarithm of a product of exponentials up to a constant, None where k is none."""
    if const(k):
        return {}
    op, *data = tape.nodes[k]
    if op == "exp":
        return tape.flat(data[0])[1]
    if op == "inv":
        inner = logarithm(tape, data[0])
        return None if inner is None else {x: -q for x, q in inner.items()}
    if op == "lin" and data[0] == 0 and len(data[1]) == 1 and data[1][0][1] > 0:
        return logarithm(tape, data[1][0][0])
    if op == "mul":
        out: dict[int, Any] = {}
        for y in data[0]:
            part = logarithm(tape, y)
            if part is None:
                return None
            for x, q in part.items():
                out[x] = out.get(x, flint.fmpq(0)) + q
        return {x: q for x, q in out.items() if q != 0}
    return None


def one_way(case: Bare, row: Sequence[Any], cut: Sequence[int]) -> bool:
    """Whether each kernel reads one score, and all rise or all fall at the model."""
    tape, signs = case.tape, set[bool]()
    for k in row:
        if const(k):
            continue
        below = reach(tape, k, dict.fromkeys(cut))
        read = [x for x in below if x in cut]
        if len(read) > 1 or any(tape.nodes[x][0] == "var" and x not in cut for x in below):
            return False
        known = values(case, [k], case.point())
        if any(isinstance(v, Undefined) for v in known.values()):
            return False
        try:
            inner = [x for x in below if x not in cut or x == k]
            slope = backward(tape.nodes, inner, k, known, flint.arb)
        except Kink:
            return False
        g = flint.arb(1) if read == [k] else slope.get(read[0], flint.arb(0)) if read else None
        if g is not None:
            signs.add(bool(g > 0))
    return len(signs) < 2
