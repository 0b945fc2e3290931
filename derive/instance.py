"""A claim at one finite model: its published side, its I-Con side and their difference on a tape.

Also the choice of models: which sizes to look at, and the cache of models that claims with the same
hypotheses (the mutants of one method, say) share.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import flint

from derive.bridge import Problem
from derive.claims import icon
from derive.equations import environments
from derive.models import Evaluator, Model, Signature, symbols_of
from derive.sampling import Pools, random_model, redraw
from derive.tape import Tape, tape_of
from derive.terms import Term, domain

LIMITS = (3, 4, 8)  # the sizes looked at unless told otherwise
LARGEST = 60_000  # values of sub-terms: a claim that needs more at a size is not looked at there


@dataclass(frozen=True)
class Instance:
    """The claim in one model; `left`, `right`, ... are numbers on the tape (see derive.tape).

    `loose` names the families whose entries are variables of the tape.
    """

    problem: Problem
    model: Model
    tape: Tape
    evaluator: Evaluator[Any]
    left: Any  # published
    icon: Any
    scale: Any
    constant: Any
    right: Any  # scale * icon + constant
    diff: Any  # left - right
    loose: tuple[str, ...]

    def point(self, model: Model | None = None) -> Mapping[tuple[str, tuple[int, ...]], Any]:
        """The loose entries of a model (default: the one of the instance) as rationals."""
        m = model or self.model
        return {
            (name, at): self.tape.number(x)
            for name in self.loose
            for at, x in m.families.get(name, {}).items()
        }


@lru_cache(256)
def icon_of(problem: Problem) -> Term:
    """The I-Con term of a problem."""
    return icon(problem.blocks, problem.divergence, problem.degree)


@lru_cache(256)
def signature_of(problem: Problem) -> Signature:
    """What a problem's terms and hypotheses speak of."""
    return symbols_of(terms_of(problem))


def terms_of(problem: Problem) -> list[Term]:
    """Every term of a problem."""
    return [
        problem.published, icon_of(problem), problem.scale, problem.constant,
        *(t for j in (*problem.hyps, *problem.facts) for t in j[1:]),
        *(t for t in problem.slack if isinstance(t, Term)),
    ]  # fmt: skip


def instance(problem: Problem, model: Model, also: tuple[str, ...] = ()) -> Instance:
    """The claim at the given data of `model`; learned entries, and those of `also`, are loose."""
    loose = (*problem.learned, *also)
    tape, ev = tape_of(model, frozenset(loose).__contains__)
    published, pair = ev.value(problem.published), ev.value(icon_of(problem))
    scale, constant = ev.value(problem.scale), ev.value(problem.constant)
    right = tape.add([tape.mul([scale, pair]), constant])
    diff = tape.add([published, tape.mul([flint.fmpq(-1), right])])
    return Instance(
        problem, model, tape, ev, published, pair, scale, constant, right, diff, loose
    )


def constraints(case: Instance) -> list[Any]:
    """Left minus right of every equation among the hypotheses that speaks of something learned."""
    out = []
    for j in case.problem.hyps:
        if j[0] != "eq":
            continue
        for env in environments(case.model, j):
            a, b = (case.evaluator.value(t, env) for t in j[1:])
            r = case.tape.add([a, case.tape.mul([flint.fmpq(-1), b])])
            if type(r) is int:
                out.append(r)
    return out


def main_sets(problem: Problem) -> tuple[str, ...]:
    """The named index sets of anchors and neighbours, those of the neighbours first."""
    seen: dict[str, None] = {}
    for b in problem.blocks:
        for v in (*b[2], *b[0]):
            d = domain(v)
            if isinstance(d, str):
                seen[d] = None
    return tuple(seen)


def sizes_for(problem: Problem, n: int) -> Iterator[dict[str, int]]:
    """Sizes of the index sets to try at size n, the most telling first.

    One main set gets n elements, the others different small numbers of them; which set is the large
    one alternates with n. Coordinates and labels get two or three. At size 1
    all main sets have one element, then one of them, then every set.
    """
    sets = signature_of(problem).sets
    main = main_sets(problem) or sets
    if n == 1:
        for ones in dict.fromkeys((main, *((s,) for s in main), sets)):
            yield {**dict.fromkeys(sets, 2), **dict.fromkeys(ones, 1)}
        return
    order = main if n != 4 else main[::-1]
    small = dict.fromkeys(sets, 3 if n == 4 else 2)
    if n == 4:  # some value is taken twice, wherever a function comes from
        functions = signature_of(problem).functions.values()
        small |= {d: 4 for doms, _ in functions for d in doms if isinstance(d, str)}
    other = max(2, min(3, n - 1))
    yield {**small, **{s: n if k == 0 else other for k, s in enumerate(order)}}
    yield {**dict.fromkeys(sets, 3), **dict.fromkeys(order[:1], n)}
    yield dict.fromkeys(sets, n)
    yield {**dict.fromkeys(sets, n), **dict.fromkeys(order[:1], n + 1)}


def work(problem: Problem, sizes: Mapping[str, int]) -> int:
    """How many values of sub-terms the claim needs at these sizes."""
    todo, seen, count = list(terms_of(problem)), set[Term](), 0
    while todo:
        t = todo.pop()
        if t not in seen:
            seen.add(t)
            count += prod(sizes[d] if isinstance(d, str) else len(d[1]) for _, d in t.loose)
            todo.extend(t.args)
    return count


Key = tuple[Any, ...]


@lru_cache(4096)
def _model(key: Key) -> Model | None:
    hyps, types, sizes, seed, style, pools = key
    families, masks, functions = (dict(t) for t in types[1:])
    rng = random.Random(repr((seed, style, sizes)))
    signature = Signature(types[0], families, masks, functions)
    return random_model(hyps, signature, dict(sizes), rng, style, {k: list(v) for k, v in pools})


def models_at(
    problem: Problem, n: int, seed: int = 0, style: str = "generic", pools: Pools | None = None
) -> Iterator[Model]:
    """A model of the hypotheses for each of the sizes of n that has one; cached."""
    s = signature_of(problem)
    types = (s.sets, *(tuple(d.items()) for d in (s.families, s.masks, s.functions)))
    given = tuple((k, tuple(v)) for k, v in sorted((pools or {}).items()))
    for sizes in sizes_for(problem, n):
        found = _model((problem.hyps, types, tuple(sizes.items()), seed, style, given))
        if found is not None:
            yield found


def model_at(
    problem: Problem, n: int, seed: int = 0, style: str = "generic", pools: Pools | None = None
) -> Model | None:
    """A model of the hypotheses with about n elements, None where none was found; cached."""
    return next(models_at(problem, n, seed, style, pools), None)


@lru_cache(64)
def case_at(problem: Problem, n: int, seed: int, style: str) -> Instance | None:
    """The claim in the model of that size, seed and style; None where there is none. Cached."""
    model = model_at(problem, n, seed, style)
    if model is None or (n > LIMITS[0] and work(problem, model.sizes) > LARGEST):
        return None
    return instance(problem, model)


def cases(problem: Problem, sizes: Sequence[int], seed: int) -> Iterator[Instance]:
    """The claim in models of growing size; sizes without a model are left out.

    Small integers come first, then fractions; at the second size also many equal values. At size 1
    every choice of the sets that have one element counts.
    """
    for k, n in enumerate(sizes):
        if n == 1:
            yield from (instance(problem, model) for model in models_at(problem, n, seed))
            continue
        styles = ("generic",) if n > 5 else ("simple", "generic") if k == 0 else ("generic", "tied")
        for style in styles:
            case = case_at(problem, n, seed, style)
            if case is not None:
                yield case


def other_point(problem: Problem, model: Model, seed: int, style: str = "generic") -> Model | None:
    """The model with other values of what is learned."""
    rng = random.Random(repr((seed, style)))
    return redraw(model, problem.learned, problem.hyps, rng, style)
