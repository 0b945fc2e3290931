"""Why a bare formula is no I-Con: certificates that no supervisory p and learned q can have it.

A formula is given without a pair. What is shown is said with the class of losses that is excluded:

unbounded    every I-Con loss: it falls without bound on admissible learned values, and no I-Con of
             any kind is below 0.
pieced       every I-Con loss whose kernels are analytic in what is learned: it is one analytic
             formula near a point and another one elsewhere.
growth, convex, unbounded in scores
             every finite sum of I-Con losses, of any anchors and weights, whose kernels are
             exponentials of affine functions of the scores. Such a sum is analytic, convex, bounded
             below and grows at most linearly for *all* values of its scores. A formula that equals
             it where the scores are locally free and is itself analytic everywhere equals it
             everywhere; so it is enough to fail somewhere, also at values that no embeddings have.
submodular   every finite sum of I-Con losses in which the kernels of an anchor all rise, or all
             fall, each with one score: log sum_j k_j(s_j) has no positive mixed derivative.
one row      every I-Con loss with one anchor for the scores that enter together, with any kernels
             of one score each and a null neighbour or none (`derive.onerow`).
one pair     every I-Con loss with two neighbours for each score, exp(a s + b) and 1.
field        every loss without stop-gradients: its gradient, with its own stop-gradients held, is
             the gradient of no function at all.

Every certificate has a witness from which `recheck` shows it anew. Parameters have values there: a
formula may well be an I-Con for other values of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf
from time import process_time

import flint

from derive.branches import branched, differs, resolved
from derive.bridge import Problem
from derive.claims import families
from derive.cuts import cuts, leaves, vectors
from derive.fields import fraction
from derive.freedom import free
from derive.instance import LIMITS, other_point, signature_of, work
from derive.models import Model
from derive.rays import fall, moved, separable
from derive.refound import recheck
from derive.sampling import random_model
from derive.scores import Bare, bare, distributions, inside, versions
from derive.shown import in_scores, made, narrow
from derive.stopped import asymmetry, stops
from derive.tape import const
from derive.universal import Universal
from derive.witness import ANALYTIC, ANY, EVERY, EXPONENTIAL, MONOTONE, ONE_PAIR, ONE_ROW

__all__ = ["certificates", "recheck", "unfit"]
RANK = (EVERY, ANY, ANALYTIC, EXPONENTIAL, MONOTONE, ONE_ROW, ONE_PAIR)  # in this order told
RESTARTS = {True: 1, False: 6}  # of the search for a model, where learned entries are tied or not
LARGEST = 4000  # values of sub-terms in a model that is not the smallest
FEW = 4  # models in which rays of learned values are tried
MOST = 40  # scores; more are not looked at
WIDEST = 14  # the largest dimension of vectors in a model
TRIVIAL = (
    "each of its terms reads one score alone: with kernels of any form, every such loss that is "
    "bounded below is a divergence of two-point distributions, which says little"
)


def unfit(
    problem: Problem, sizes: Sequence[int] = LIMITS, seed: int = 0, seconds: float = inf
) -> Universal | None:
    """Why no pair can have the published formula of a problem, None where nothing was found.

    Of `problem` only the formula, what is learned and the hypotheses are read. The certificate
    that excludes the widest class comes back; `certificates` gives those of the other classes.
    No step is begun after `seconds` of the processor.
    """
    found = certificates(problem, sizes, seed, widest=True, seconds=seconds)
    return found[0] if found else None


def certificates(
    problem: Problem, sizes: Sequence[int] = LIMITS, seed: int = 0, widest: bool = False,
    seconds: float = inf,
) -> tuple[Universal, ...]:  # fmt: skip
    """The first certificate found for each class of losses, the widest class first.

    With `widest` only the first of them counts: narrower classes are no longer looked at.
    """
    out: dict[str, Universal] = {}
    until = process_time() + seconds
    for count, model in enumerate(models(problem, sizes, seed)):
        if process_time() > until:
            break
        case = bare(problem, model)
        if const(case.root):
            continue
        known = frozenset(RANK[min(map(RANK.index, out)) :] if widest and out else out)
        for found in of_case(case, seed, known, count < FEW, until):
            out.setdefault(found.refutes, found)
        if EVERY in out or len(out) == len(RANK):
            break
    return tuple(sorted(out.values(), key=lambda u: RANK.index(u.refutes)))


def of_case(
    case: Bare, seed: int, known: frozenset[str], rays: bool = True, until: float = inf
) -> Iterator[Universal]:
    """The certificates that one model shows, those against classes in `known` left out."""
    if rays and (found := without_bound(case, seed)) is not None:
        yield found
        return
    if ANY not in known and stops(case.problem.published) and (u := no_gradient(case)) is not None:
        yield u
    if ANALYTIC not in known and branched(case) and (u := in_pieces(case, seed)) is not None:
        yield u
    if {*RANK[3:]} <= known:
        return
    loose = ((c, cut) for c in versions(case) for cut in cuts(c) if len(cut) <= MOST)
    for version, cut in loose:
        if process_time() > until:
            return
        if not free(version, cut, case.model):
            continue
        if version.put:  # which of tied scores a kernel reads is open, unless affine ones will do
            known |= {MONOTONE, ONE_ROW, ONE_PAIR}
        seen = [*in_scores(version, cut, seed, known), *narrow(version, cut, seed, known)]
        if separable(version, cut):
            seen = [replace(u, trivial=TRIVIAL) for u in seen]
        yield from seen
        if seen or {*RANK[3:]} & known or not fallback(version, cut):
            return


def fallback(case: Bare, cut: Sequence[int]) -> bool:
    """Whether more elementary scores are worth a look: not where one is a learned temperature.

    A kernel may well be the exponential of a product of such scores.
    """
    learned = {case.tape.nodes[x][1] for x in leaves(case, case.root) if x not in case.meaning}
    shapes = signature_of(case.problem).families
    return not any(not shapes.get(k, ("",)) for k in learned) and not case.meaning


# ------------------------------------------------------------------ models


def models(problem: Problem, sizes: Sequence[int], seed: int) -> Iterator[Model]:
    """Models of the hypotheses of growing size; vectors have room for as many as there are."""
    signature = signature_of(problem)
    rng = random.Random(repr((seed, len(signature.sets))))
    plain = [s for s in signature.sets if s not in problem.dims]
    functions = signature.functions.values()
    labels = {to for doms, to in functions if to not in doms}
    learned = frozenset(problem.learned)
    equal = (j for j in problem.hyps if j[0] == "eq")
    tied = any(families(t) & learned for j in equal for t in j[1:])
    for k, n in enumerate((*sizes[:2], 2, *sizes[2:])):
        few = 3 if n <= sizes[0] + 1 else 2  # of labels, so that some are had by several
        tables = [
            {s: min(n, few) if s in labels else n for s in plain},
            {s: n if m else 2 for m, s in enumerate(plain)},
        ]
        styles = ("simple", "generic") if k == 0 else ("generic",)
        for some in tables if k == 0 and len(plain) > 1 else tables[:1]:
            if k and work(problem, {**some, **dict.fromkeys(map(str, problem.dims), 4)}) > LARGEST:
                continue
            wide = {s: width(problem, some, s) for s in signature.sets if s in problem.dims}
            for style in styles:
                found = random_model(
                    problem.hyps, signature, {**some, **wide}, rng, style, restarts=RESTARTS[tied]
                )
                if found is not None:
                    yield found


def width(problem: Problem, sizes: Mapping[str, int], dim: str) -> int:
    """A dimension in which that many learned vectors can be independent."""
    total = 1
    for doms in signature_of(problem).families.values():
        if dim in doms:
            points = 1
            for d in doms:
                points *= 1 if d == dim else sizes.get(d, 1) if isinstance(d, str) else len(d[1])
            total += points
    return min(total, WIDEST)


def without_bound(case: Bare, seed: int) -> Universal | None:
    """An admissible ray along which the formula falls."""
    found = fall(case, seed)
    if found is None:
        return None
    model, direction, _ = found
    if vectors(case.problem.published, case.problem.dims):
        tables = {k: dict(t) for k, t in model.families.items()}
        for k in moved(case):
            tables[k[0]][k[1]] = fraction(direction.get(k, flint.fmpq(0)))
        text = "with the vectors of the point times c it falls without bound as c grows"
        return made(case, "unbounded", EVERY, [model.with_families(tables)], text)
    point = case.point(model)
    scores = {
        case.tape.text(case.tape.var(*k), 60): (fraction(point[k]), fraction(q))
        for k, q in direction.items()
    }
    text = "along the direction shown it falls without bound"
    return made(case, "unbounded", EVERY, [model], text, scores)


def in_pieces(case: Bare, seed: int) -> Universal | None:
    """Two points that belong to different analytic pieces of the formula."""
    points = [case.model]
    for k in range(6):
        style = ("generic", "simple")[k % 2]
        if (more := other_point(case.problem, case.model, seed + k, style)) is not None:
            points.append(more)
    learned = set(case.problem.learned) - distributions(case.problem)
    for m in points[:3]:  # larger and smaller ones: hinges act beside them
        for q in (Fraction(4), Fraction(1, 8)):
            tables = {k: {a: x * q for a, x in m.families[k].items()} for k in learned}
            points.append(m.with_families(tables))
    good = [m for m in points if inside(case, m)]
    for here in good[:5] if not any(kind == "eq" for kind, _ in case.hyps) else ():
        if (other := resolved(case, case.point(here))) is None:
            continue
        for there in good:
            if here is not there and (text := differs(case, other, here, there)):
                return made(case, "pieced", ANALYTIC, [here, there], text)
    return None


def no_gradient(case: Bare) -> Universal | None:
    """Two learned entries by which the Jacobian of the gradient is not symmetric."""
    found = asymmetry(case)
    if found is None:
        return None
    a, b, gap = found
    text = (
        f"differentiated by {a} and then by {b} it differs from the other order by "
        f"{gap.str(8, radius=False)}"
    )
    return made(case, "field", ANY, [case.model], text)
