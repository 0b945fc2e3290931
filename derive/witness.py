"""A witness: the concrete input at which a claim fails, readable, storable and checkable again.

`against` says what it refutes: "the claim" (scale and constant as stated), "every scale and
constant", "every I-Con loss", or a class of them that is named. `points` are the learned values,
one point or as many as it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from catalog.spec import Method
from derive import bridge, enclose
from derive.bridge import Problem
from derive.equations import violated
from derive.instance import instance
from derive.models import At, Model
from derive.novalue import no_value

Table = Mapping[At, Fraction]
CLAIM, AFFINE, EVERY = "the claim", "every scale and constant", "every I-Con loss"
ANY = "every loss without stop-gradients"
ANALYTIC = "every I-Con loss whose kernels are analytic in what is learned"
EXPONENTIAL = (
    "every sum of I-Con losses whose kernels are exponentials of affine functions of the scores"
)
MONOTONE = (
    "every sum of I-Con losses in which the kernels of an anchor all rise, or all fall, each with "
    "one score"
)
ONE_ROW = (
    "every I-Con loss with one anchor for the scores that enter together, whatever the kernels of "
    "one score each"
)
ONE_PAIR = (
    "every I-Con loss with two neighbours for each score, whose kernels are exponentials of affine "
    "functions of it"
)
KINDS = {
    "value": "the two sides have different values",
    "constant": "the two sides differ by a constant",
    "scale": "the two sides differ by a factor (and perhaps a constant)",
    "sign": "only a negative scale would fit",
    "constant loss": "the published loss does not depend on what is learned: the scale would be 0",
    "different": "no scale and no constant make the two sides equal",
    "undefined": "a side has no value at an admissible input",
    "statement": "a statement is false at an admissible input",
    "submodular": "a mixed second derivative in two scores is positive, that of an I-Con never is",
    "convex": "the published loss is not convex in the scores, an I-Con is",
    "unbounded": "the published loss falls without bound along a ray, an I-Con is at least 0",
    "flat": "the published loss is constant on an open set but not everywhere, an I-Con is not",
    "pieced": "the published loss is one formula on an open set and another one elsewhere",
    "growth": "the published loss grows faster than linearly in the scores, an I-Con does not",
    "field": "the gradient of the published loss, with its stop-gradients, is that of no function",
    "one row": "the derivatives by three scores are not those of one anchor, for any kernels",
    "one pair": "the derivatives by one score are not those of a softmax over two neighbours",
}  # fmt: skip


@dataclass(frozen=True)
class Witness:
    """The input and what happens there. Values are text with their radius; numbers are exact.

    `scores` is for what is shown in the scores of a formula: for each, by its reading, its value
    and its share of a direction. The value None is that at the first point.
    """

    kind: str
    against: str
    sizes: Mapping[str, int]
    given: Mapping[str, Table]
    masks: Mapping[str, Mapping[At, int]]
    functions: Mapping[str, Mapping[At, int]]
    points: tuple[Mapping[str, Table], ...]
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    text: str = ""
    scores: Mapping[str, tuple[Fraction | None, Fraction]] = field(default_factory=dict)

    @property
    def learned(self) -> Mapping[str, Table]:
        """The learned values of the first point."""
        return self.points[0]

    def models(self) -> tuple[Model, ...]:
        """The witness as finite models, one for each point."""
        given = Model(self.sizes, self.given, self.masks, self.functions)
        return tuple(given.with_families(p) for p in self.points)

    def describe(self) -> str:
        """A small table: what the sets are, the values, and what differs."""
        sets = ", ".join(f"{k} = {v}" for k, v in self.sizes.items())
        out = [f"{self.kind}: {KINDS.get(self.kind, '')}", f"  sizes      {sets}"]
        shown = [f"{k} = {show(t)}" for k, t in self.given.items()]
        shown += [f"{k} = {show(m)}" for k, m in self.masks.items()]
        for k, f in self.functions.items():  # elements are counted from 1 for readers
            shown.append(f"{k} = {show({a: x + 1 for a, x in f.items()})}")
        out += [f"  given      {line}" for line in shown]
        statement = self.kind == "statement"
        right = "right" if statement else "I-Con" if self.against != CLAIM else "claimed"
        left = "left" if statement else "published"
        for n, p in enumerate(self.points):
            name = "learned" if len(self.points) == 1 else f"point {n + 1}"
            out += [f"  {name:<10} {k} = {show(t)}" for k, t in p.items()]
            if n < len(self.left):
                out.append(f"  {'':<10} {left} = {self.left[n]}, {right} = {self.right[n]}")
        for k, (x, d) in self.scores.items():
            here = "" if x is None else f" = {x}"
            out.append(f"  {'score':<10} {k}{here}" + (f", direction {d}" if d else ""))
        return "\n".join([*out, *(f"  {line}" for line in self.text.splitlines())])

    def to_json(self) -> dict[str, Any]:
        """The witness as data: tables as nested lists, numbers as text."""
        return {
            "kind": self.kind, "against": self.against, "sizes": dict(self.sizes),
            "given": {k: nest(t) for k, t in self.given.items()},
            "masks": {k: nest(t) for k, t in self.masks.items()},
            "functions": {k: nest(t) for k, t in self.functions.items()},
            "points": [{k: nest(t) for k, t in p.items()} for p in self.points],
            "published": list(self.left), "other": list(self.right), "text": self.text,
            **({"scores": scores} if (scores := self.shown_scores()) else {}),
        }  # fmt: skip

    def shown_scores(self) -> dict[str, list[str]]:
        """The scores as data: value ("" for that at the first point) and share of the direction."""
        return {k: ["" if x is None else str(x), str(d)] for k, (x, d) in self.scores.items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Witness:
        """The witness that `to_json` wrote. Raises KeyError or ValueError on anything else."""

        def reals(tables: Mapping[str, Any]) -> dict[str, Table]:
            return {k: {a: Fraction(x) for a, x in unnest(t)} for k, t in tables.items()}

        def whole(tables: Mapping[str, Any]) -> dict[str, dict[At, int]]:
            return {k: {a: int(x) for a, x in unnest(t)} for k, t in tables.items()}

        return Witness(
            str(data["kind"]), str(data["against"]), {k: int(v) for k, v in data["sizes"].items()},
            reals(data["given"]), whole(data["masks"]), whole(data["functions"]),
            tuple(reals(p) for p in data["points"]), tuple(data["published"]), tuple(data["other"]),
            str(data["text"]),
            {
                k: (Fraction(x) if x else None, Fraction(d))
                for k, (x, d) in data.get("scores", {}).items()
            },
        )  # fmt: skip


def nest(table: Mapping[At, Any], prefix: At = ()) -> Any:
    """A table as nested lists of text."""
    if prefix in table:
        return str(table[prefix])
    firsts = sorted({at[len(prefix)] for at in table if at[: len(prefix)] == prefix})
    return [nest(table, (*prefix, k)) for k in firsts]


def unnest(rows: Any, prefix: At = ()) -> list[tuple[At, str]]:
    """The entries of nested lists."""
    if not isinstance(rows, list):
        return [(prefix, str(rows))]
    return [entry for k, row in enumerate(rows) for entry in unnest(row, (*prefix, k))]


def show(table: Mapping[At, Any]) -> str:
    """A table on one line: entries by spaces, rows in parentheses."""

    def text(rows: Any) -> str:
        return rows if isinstance(rows, str) else f"({' '.join(map(text, rows))})"

    rows = nest(table)
    return rows if isinstance(rows, str) else " ".join(map(text, rows))


def of_models(
    problem: Problem,
    kind: str,
    against: str,
    models: Sequence[Model],
    values: Sequence[tuple[Any, Any]],
    text: str,
) -> Witness:
    """The witness of models that differ in learned values only; `values` are pairs of balls."""
    first, names = models[0], frozenset(problem.learned)
    return Witness(
        kind, against, dict(first.sizes),
        {k: t for k, t in first.families.items() if k not in names}, first.masks, first.functions,
        tuple({k: m.families[k] for k in sorted(names & m.families.keys())} for m in models),
        tuple(digits(a) for a, _ in values), tuple(digits(b) for _, b in values), text,
    )  # fmt: skip


def digits(x: Any) -> str:
    """A ball with 15 digits, or why there is none."""
    return str(x.text if isinstance(x, enclose.Undefined) else x.str(15))


def recheck(claim: Problem | Method, witness: Witness) -> str:
    """What is wrong with a witness, "" if a fresh rigorous evaluation shows what it says."""
    problem = bridge.problem(claim) if isinstance(claim, Method) else claim
    models = witness.models()
    try:
        for m in models:
            if bad := violated(problem.hyps, m):
                return f"hypothesis {problem.texts[bad[0]]!r} does not hold at the witness"
        if not problem.equation:
            from derive.statements import recheck as recheck_statements  # likewise

            return recheck_statements(problem, witness)
        if not problem.blocks:  # a formula alone: what is excluded is a class of pairs
            from derive.refound import recheck as recheck_unfit  # it builds on this module

            return recheck_unfit(problem, witness)
        case = instance(problem, models[0])
        if witness.against == EVERY:
            from derive.universal import recheck as recheck_universal  # it builds on this module

            return recheck_universal(problem, witness)
        if witness.kind == "undefined" and no_value(problem, models[0]):
            return ""
        if witness.against == CLAIM:
            found = enclose.compare(case).kind
            fits = {"undefined": ("undefined",), "sign": ("differ", "scale")}
            shown = found in fits.get(witness.kind, ("differ",))
            return "" if shown else f"the two sides {found} at the witness"
        if len(models) < 3:
            return "three points are needed"
        found, _, _ = enclose.ratio(case, (models[0], models[1], models[2]))
    except (KeyError, IndexError) as missing:
        return f"the witness does not fit the claim: {missing} is missing"
    wanted = {"sign": "negative", "constant loss": "flat"}.get(witness.kind, witness.kind)
    return "" if found == wanted else f"the three points show {found!r} only"
