"""True variants: a published formula written another way, which must still be proved.

Mutants show that the pipeline refuses what is wrong; variants show that it does not refuse what is
merely written differently.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from catalog.notation import to_text
from catalog.registry import all_methods
from catalog.spec import Method
from catalog.symbols import Expr, walk
from derive import balls
from derive.bridge import problem
from derive.places import places, put
from derive.printing import text
from derive.prove import Proof, prove
from derive.rewordings import REWORDINGS

STEPS = 4  # rewordings of one variant, at most
NODES = 600  # a formula that has grown beyond this is not reworded further


@dataclass(frozen=True)
class Variant:
    """A method whose published formula was reworded, and the rewordings in order."""

    method: Method
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """What became of a variant: `why` and `left` say where a proof was not found."""

    method_id: str
    steps: tuple[str, ...]
    formula: str
    proved: bool
    why: str = ""
    left: str = ""
    refuted: bool = False


def variants(method: Method, rng: random.Random) -> Method:
    """The method with its published formula written another way: 1 to 4 random rewordings."""
    return variant(method, rng).method


def variant(method: Method, rng: random.Random, names: Sequence[str] = ()) -> Variant:
    """As `variants`, with the names of the rewordings; `names` prescribes them where they apply."""
    formula, steps = method.published, list[str]()
    wanted = list(names) or [""] * rng.randint(1, STEPS)
    for name in wanted:
        if sum(1 for _ in walk(formula)) > NODES:
            break
        found = reworded(formula, rng, name)
        if found is not None:
            formula = found[1]
            steps.append(found[0])
    return Variant(replace(method, published=formula), tuple(steps))


def reworded(formula: Expr, rng: random.Random, name: str = "") -> tuple[str, Expr] | None:
    """One rewording at a random place (that of the name, or any); None where none applies.

    The kind of rewording is drawn first, so that rare ones occur as often as common ones.
    """
    kinds = [name] if name else rng.sample(list(REWORDINGS), len(REWORDINGS))
    sites = list(places(formula))
    for kind in kinds:
        rng.shuffle(sites)
        for place in sites:
            options = list(REWORDINGS[kind](place, rng))
            if options:
                new = put(formula, place.path, rng.choice(options))
                return kind, new  # type: ignore[return-value]
    return None


def trial(v: Variant) -> Trial:
    """Whether the prover sees that a variant is one."""
    claim, formula = problem(v.method), to_text(v.method.published)
    found = prove(claim)
    if isinstance(found, Proof):
        return Trial(v.method.id, v.steps, formula, True)
    left = text(found.left) if found.left is not None else ""
    wrong = balls.refute_value(claim, (3, 4)) is not None  # then the rewording was none
    return Trial(v.method.id, v.steps, formula, False, found.why, left, wrong)


def run(
    n: int,
    seed: int = 0,
    *,
    progress: Callable[..., object] | None = None,
    jobs: int = 2,
    methods: Sequence[Method] | None = None,
) -> list[Trial]:
    """N random variants of the exact methods in turn, each given to the prover."""
    if methods is None:
        methods = [m for m in all_methods() if m.claim.relation == "exact"]
    rng = random.Random(repr((seed, "variants")))
    made = [variant(methods[k % len(methods)], rng) for k in range(n)]
    tell, out = progress or (lambda *_: None), list[Trial]()
    if jobs == 1:
        for v in made:
            out.append(trial(v))
            tell(1)
        return out
    with ProcessPoolExecutor(jobs) as pool:
        for t in pool.map(trial, made, chunksize=4):
            out.append(t)
            tell(1)
    return out


def used(trials: Sequence[Trial]) -> Counter[str]:
    """How often each rewording was used."""
    return Counter(step for t in trials for step in t.steps)
