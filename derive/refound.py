"""A certificate about a bare formula shown again from its witness alone, with no search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derive.branches import pieced
from derive.bridge import Problem
from derive.curvature import bend, mixed
from derive.cuts import matching, named, oriented, vectors
from derive.fields import fmpq
from derive.freedom import free
from derive.jets import Unclear
from derive.models import Model
from derive.onerow import broken, groups, off_line
from derive.rays import everywhere, falls, growth, moved
from derive.scores import Bare, bare
from derive.shown import at_model, is_raw
from derive.stopped import asymmetry
from derive.tape import Kink, const
from derive.witness import (
    ANALYTIC,
    ANY,
    EVERY,
    EXPONENTIAL,
    MONOTONE,
    ONE_PAIR,
    ONE_ROW,
    Witness,
)


def recheck(problem: Problem, witness: Witness) -> str:
    """What is wrong with a certificate's witness, "" if a fresh evaluation shows what it says.

    The hypotheses are looked at in `derive.witness.recheck`, which asks this.
    """
    points = witness.models()
    case = bare(problem, points[0])
    if const(case.root):
        return "the published formula is constant at the witness"
    try:
        return again(case, witness, points)
    except (Unclear, Kink) as e:
        return f"the witness decides nothing ({type(e).__name__})"


def again(case: Bare, witness: Witness, points: Sequence[Model]) -> str:
    """`recheck` at one model; raises Unclear or Kink where nothing can be told."""
    bad = f"the witness does not show {witness.kind!r}"
    told = witness.kind, witness.against
    if told == ("pieced", ANALYTIC):
        return "" if len(points) == 2 and pieced(case, points[0], points[1]) else bad
    if told in (("one row", ONE_ROW), ("one pair", ONE_PAIR)):
        return "" if narrow_again(case, witness, points) else bad
    if told == ("field", ANY):
        return "" if asymmetry(case) is not None else bad
    if told == ("unbounded", EVERY):
        return "" if falls(case, *ray(case, witness)) is not None else bad
    wanted = {
        "unbounded": EXPONENTIAL, "growth": EXPONENTIAL, "convex": EXPONENTIAL,
        "submodular": MONOTONE,
    }  # fmt: skip
    if wanted.get(witness.kind) != witness.against:
        return f"{witness.kind!r} does not exclude {witness.against}"
    return "" if scores_again(case, witness) else bad


def ray(case: Bare, witness: Witness) -> tuple[Model, dict[Any, Any]]:
    """Start and direction of an admissible ray, as `rays.admissible` takes them."""
    model = witness.models()[0]
    point = case.point(model)
    if vectors(case.problem.published, case.problem.dims):
        return model, {k: point[k] for k in moved(case)}
    keys = {case.tape.text(case.tape.var(*k), 60): k for k in point}
    return model, {keys[words]: fmpq(d) for words, (_, d) in witness.scores.items()}


def narrow_again(case: Bare, witness: Witness, models: Sequence[Model]) -> bool:
    """Whether a certificate against one anchor for each group of scores holds at its witness."""
    if (found := matching(case, witness.scores)) is None:
        return False
    case, cut = found
    if case.put or not all(free(case, cut, m) for m in models):
        return False
    scores, tape, root = named(case, cut), case.tape, case.root
    points = [p for m in models if (p := at_model(case, cut, m)) is not None]
    chosen = tuple(scores[k] for k, (_, d) in witness.scores.items() if d)
    group = next((g for g in groups(tape, root, cut) if set(chosen) <= set(g)), ())
    if witness.against == ONE_ROW and len(chosen) == 3 and group:
        return bool(broken(tape, root, points, (chosen[0], chosen[1], chosen[2])))
    return group == chosen and len(group) == 1 and bool(off_line(tape, root, points, group[0]))


def scores_again(case: Bare, witness: Witness) -> bool:
    """Whether a certificate by rays or second derivatives in scores holds at its witness."""
    if (found := matching(case, witness.scores)) is None:
        return False
    case, cut = found
    if not free(case, cut, case.model) or (case.put and witness.against != EXPONENTIAL):
        return False
    scores, tape, root = named(case, cut), case.tape, case.root
    direction = {scores[k]: fmpq(d) for k, (_, d) in witness.scores.items() if d}
    given = {scores[k]: x for k, (x, _) in witness.scores.items()}
    point: Mapping[int, Any] | None
    if all(x is None for x in given.values()):
        point = at_model(case, cut, case.model)
    elif is_raw(case, cut) or (witness.against == EXPONENTIAL and everywhere(case, cut)):
        point = {x: fmpq(v) for x, v in given.items() if v is not None}
    else:  # kernels of another form need not be known at other scores than those of embeddings
        return False
    if point is None or len(point) < len(cut):
        return False
    if witness.kind == "convex":
        return bool(bend(tape, root, point, direction) < 0)
    if witness.kind == "submodular":
        pair = list(direction)
        signed = len(pair) == 2 and all(oriented(case, x) for x in cut)
        return signed and bool(mixed(tape, root, point, pair[0], pair[1]) > 0)
    kind, _ = growth(case, point, direction)
    return kind == ("falls" if witness.kind == "unbounded" else "races")
