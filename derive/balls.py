"""The ball judge: rigorous refutations of a claim, the kind of failure, and a small witness.

`refute_value` asks whether published = scale * I-Con + constant fails as stated; `no_affine`
whether it fails for every scale > 0 and every constant. Models grow from small integers at N = 3 to
fractions at N = 8, and the first one that decides stops the search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint

from derive import enclose, guess
from derive.bridge import Problem
from derive.enclose import Undefined
from derive.equations import violated
from derive.instance import LIMITS, Instance, cases, instance, model_at, other_point
from derive.models import Model
from derive.witness import AFFINE, CLAIM, Witness, of_models

ORDER = ("different", "negative", "affine", "flat")  # the first that some model shows is the kind


def refute_value(
    problem: Problem, sizes: Sequence[int] = LIMITS, seed: int = 0, explain: bool = False
) -> Witness | None:
    """A model at which the claim as stated fails, or None.

    With `explain` the witness is classified and made small, which costs some twenty times as much.
    """
    for case in cases(problem, sizes, seed):
        found = enclose.compare(case)
        if found.kind == "undefined":
            w = of_models(problem, "undefined", CLAIM, [case.model], [], found.where)
            return smallest(problem, w, seed) if explain else w
        if found.kind == "differ":
            if not explain:
                pair = [(found.left, found.right)]
                return of_models(problem, "value", CLAIM, [case.model], pair, "")
            kind, text = classify(problem, sizes, seed)
            w = of_models(problem, kind, CLAIM, [case.model], [(found.left, found.right)], text)
            return smallest(problem, w, seed)
        if found.kind == "scale":  # an affine image, but no I-Con loss: see `exact`
            pair = [(found.left, found.right)]
            return of_models(problem, "sign", CLAIM, [case.model], pair, found.where)
    return None


def no_affine(problem: Problem, sizes: Sequence[int] = LIMITS, seed: int = 0) -> Witness | None:
    """Three learned points on the same given data that no scale > 0 and constant fit, or None."""
    spare: dict[str, Witness] = {}
    for case in cases(problem, sizes, seed):
        found = three(case, seed)
        if found is None:
            continue
        kind, models, _ = found
        if kind == "undefined":
            where = undefined_at(case, models)
            return of_models(problem, kind, CLAIM, models[:1], [], where) if where else None
        word = {"different": "different", "negative": "sign", "flat": "constant loss"}.get(kind)
        if word is None:
            continue
        w = spare[word] = of_models(problem, word, AFFINE, models, pairs(case, models), "")
        if kind == "different":
            return smallest(problem, w, seed)
    return next((spare[k] for k in ("sign", "constant loss") if k in spare), None)


def three(case: Instance, seed: int) -> tuple[str, tuple[Model, Model, Model], Any] | None:
    """What three learned points say (see enclose.ratio), with the points."""
    points = [case.model]
    for k in range(1, 6):
        style = "simple" if k == 2 else "generic"
        more = other_point(case.problem, case.model, seed + k, style)
        if more is not None and more.families not in [m.families for m in points]:
            points.append(more)
        if len(points) == 3:
            kind, c, _ = enclose.ratio(case, (points[0], points[1], points[2]))
            return kind, (points[0], points[1], points[2]), c
    return None


def pairs(case: Instance, models: Sequence[Model]) -> list[tuple[Any, Any]]:
    """(published, I-Con) at each point."""
    return [enclose.values_at(case, m) for m in models]


def undefined_at(case: Instance, models: Sequence[Model]) -> str:
    """Where a side has no value at the first of the models, "" if it has."""
    sides = ("published formula", "I-Con side")
    for side, x in zip(sides, pairs(case, models[:1])[0], strict=True):
        if isinstance(x, Undefined):
            return f"the {side}: {x.text}"
    return ""


def classify(problem: Problem, sizes: Sequence[int], seed: int) -> tuple[str, str]:
    """(kind, sentence) for a claim that is known to fail as stated: how it fails."""
    seen: dict[str, list[tuple[Instance, Any, tuple[Model, ...]]]] = {}
    for case in cases(problem, sizes[:2], seed):
        found = three(case, seed)
        if found is not None:
            seen.setdefault(found[0], []).append((case, found[2], found[1]))
    kind = next((k for k in ORDER if k in seen), "value")
    if kind != "affine":
        return {"negative": "sign", "flat": "constant loss"}.get(kind, kind), ""
    rows = seen["affine"]
    given = sorted(k for k in rows[0][0].model.families if k not in problem.learned)
    tables = [guess.quantities(case.model, given) for case, _, _ in rows]
    with flint.ctx.workprec(128):
        scales = [enclose.value(c, c.scale) for c, _, _ in rows]
        if any(isinstance(s, Undefined) or s.contains(0) for s in scales):
            return "value", ""
        factors = [c / s for (_, c, _), s in zip(rows, scales, strict=True)]
        if not all(f.contains(1) for f in factors):
            ratio = guess.name(factors, tables) or factors[0].str(10)
            return "scale", f"the scale that fits is {ratio} times the one stated"
        gaps = [enclose.compare(case, m[0]) for case, _, m in rows]
        off = [g.left - g.right for g in gaps if g.left is not None]
        by = (guess.name(off, tables) if len(off) == len(tables) else "") or "".join(
            g.str(10) for g in off[:1]
        )
    return "constant", f"published minus claimed is {by}"


# ------------------------------------------------------------------ making a witness small


def smallest(problem: Problem, w: Witness, seed: int) -> Witness:
    """A witness of the same kind at smaller sizes or with simpler numbers, if one is at hand."""
    for n in range(2, max(w.sizes.values(), default=0)):
        for k in range(2):
            model = model_at(problem, n, seed + k, "simple")
            if model is None or sum(model.sizes.values()) > sum(w.sizes.values()):
                continue
            case = instance(problem, model)
            if (again := same(case, w, seed)) is not None:
                return simpler(problem, again)
    return simpler(problem, w)


def same(case: Instance, w: Witness, seed: int) -> Witness | None:
    """The witness for what `w` shows at another instance, or None where it does not show."""
    if w.against == AFFINE:
        found = three(case, seed)
        if found is None or found[0] != "different":
            return None
        values = pairs(case, found[1])
        return of_models(case.problem, w.kind, AFFINE, found[1], values, w.text)
    out = enclose.compare(case)
    if out.kind != ("undefined" if w.kind == "undefined" else "differ"):
        return None
    values = [(out.left, out.right)] if out.kind == "differ" else []
    text = w.text if out.kind == "differ" else out.where
    return of_models(case.problem, w.kind, CLAIM, [case.model], values, text)


def simpler(problem: Problem, w: Witness) -> Witness:
    """The witness with learned entries replaced by 0, 1 or -1 where it stays one."""
    models = list(w.models())
    case = instance(problem, models[0])

    def shows() -> bool:
        if w.against == CLAIM:
            wanted = "undefined" if w.kind == "undefined" else "differ"
            return enclose.compare(case, models[0]).kind == wanted
        return enclose.ratio(case, (models[0], models[1], models[2]))[0] == w.kind

    for k, m in enumerate(models):
        for f in sorted(set(problem.learned) & m.families.keys()):
            for at in list(m.families[f]):
                for x in (0, 1, -1):
                    old = models[k].families[f]
                    if old[at] == x:
                        break
                    new = {**old, at: type(old[at])(x)}
                    before, models[k] = models[k], models[k].with_families({f: new})
                    if not violated(problem.hyps, models[k]) and shows():
                        break
                    models[k] = before
    if w.kind == "undefined":
        where = enclose.compare(case, models[0]).where
        return of_models(problem, w.kind, w.against, models, [], where)
    if w.against == AFFINE:
        return of_models(problem, w.kind, AFFINE, models, pairs(case, models), w.text)
    out = enclose.compare(case, models[0])
    return of_models(problem, w.kind, CLAIM, models, [(out.left, out.right)], w.text)
