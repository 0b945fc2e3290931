"""The periodic table: supervisory p across, learned q down, every method where its pair puts it.

Columns and rows are in the order of the I-Con paper. A column is a supervisory kernel, symmetrised
or not, but the one mass of a one-hot p means different things, so its column depends on where the
mass is, and weights that are a power of one plus a squared distance are a Student t; a row is a
learned kernel, or its limit where the claim is one. Kernels that nobody listed here, such as those
of plug-ins, follow at the end. All is computed from the methods; only the named gaps are data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from catalog.errors import InputError
from catalog.files import read_text, read_toml
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.likeness import ends
from catalog.spec import Method
from catalog.symbols import (
    Add,
    Div,
    Expr,
    IApp,
    IVar,
    Macro,
    Mul,
    Num,
    Pow,
    SqNorm,
    Sym,
    map_node,
    symbols,
)


@dataclass(frozen=True)
class Line:
    """A column or a row: a key, a title of at most fourteen letters, and what it is."""

    key: str
    title: str
    doc: str


SUPERVISORY = (
    Line("gaussian", "Gaussian", "a Gaussian around the anchor in a fixed space"),
    Line("student-t", "Student t", "a heavy tail around the anchor in a fixed space"),
    Line("softmax", "softmax", "a softmax of fixed scores"),
    Line("itself", "itself", "the anchor itself"),
    Line("uniform", "graph, equal", "the neighbours of a graph, equally"),
    Line("weights", "graph, weights", "the neighbours of a graph, by weight"),
    Line("positive-pair", "positive pair", "one match: another view, a candidate, a winner"),
    Line("cross-modal", "same item", "the item of the anchor's index: its caption, its other crop"),
    Line("same-label", "same label", "all that carry the anchor's label, equally"),
    Line("class-label", "class label", "the class of the anchor"),
    Line("smoothed", "smoothed label", "one neighbour, with some mass spread over all"),
    Line("given", "as given", "a distribution that the data gives"),
    Line("match", "match or not", "for every pair a yes or a no"),
    Line("formula", "a formula", "a formula of its own"),
)
LEARNED = (
    Line("gaussian", "Gaussian", "a Gaussian of the distance"),
    Line("cosine", "cosine", "the softmax of cosines"),
    Line("dot", "inner product", "the softmax of inner products"),
    Line("logit", "logits", "the softmax of any learned scalar"),
    Line("wide", "wide limit", "the limit in which the kernel becomes flat"),
    Line("narrow", "narrow limit", "the limit in which the nearest neighbour takes all"),
    Line("student-t", "Student t", "a heavy tail"),
    Line("inverse-power", "inverse power", "a power of the distance"),
    Line("cluster", "clusters", "a cluster of the anchor, then a member of it"),
    Line("sigmoid", "sigmoid", "the two outcomes match and null"),
    Line("formula", "a formula", "a formula of its own"),
)
WIDTHS = ("bandwidth", "temperature", "scale")
NO_METHOD = "no method known"


@dataclass(frozen=True)
class Gap:
    """A cell that the paper names and leaves empty."""

    id: str
    name: str
    p: str
    q: str
    note: str


@dataclass(frozen=True)
class Cell:
    """What is known of a p and a q.

    kind: "known" (`methods`, by year), "gap" (only `gaps`), "undefined" (`reason` says why no such
    pair can be), or "blank".
    """

    kind: str
    methods: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Table:
    """The p across and the q down, with the cells between them by their keys, (p, q).

    `apart` are theorems and errata, which are in no cell.
    """

    supervisory: tuple[Line, ...]
    learned: tuple[Line, ...]
    cells: Mapping[tuple[str, str], Cell]
    apart: tuple[str, ...]


def periodic_table(methods: Iterable[Method], gaps: Iterable[Gap] | None = None) -> Table:
    """The table of `methods`. Raises InputError for a gap in a cell that is not there."""
    methods = sorted(methods, key=lambda m: (m.year, m.id))
    placed: dict[tuple[str, str], list[str]] = {}
    apart = tuple(m.id for m in methods if not m.icon.blocks or m.erratum is not None)
    for method in methods:
        if method.id not in apart:  # a theorem and an erratum are no methods
            placed.setdefault((supervisory(method), learned(method)), []).append(method.id)
    ps = with_others(SUPERVISORY, (p for p, _ in placed), P_KERNELS)
    qs = with_others(LEARNED, (q for _, q in placed), Q_KERNELS)
    open_gaps: dict[tuple[str, str], list[Gap]] = {}
    taken = {n.casefold() for m in methods for n in (m.id, m.name, *m.aliases)}
    for gap in named_gaps() if gaps is None else gaps:
        if gap.p not in {p.key for p in ps} or gap.q not in {q.key for q in qs}:
            raise InputError(
                f"the gap {gap.id!r} is in a cell ({gap.p}, {gap.q}) that is not there"
            )
        if not {gap.id, gap.name.casefold()} & taken:
            open_gaps.setdefault((gap.p, gap.q), []).append(gap)
    cells = {
        (p.key, q.key): cell(
            p.key, q.key, placed.get((p.key, q.key), []), open_gaps.get((p.key, q.key), [])
        )
        for p in ps
        for q in qs
    }
    return Table(ps, qs, cells, apart)


def cell(p: str, q: str, methods: list[str], gaps: list[Gap]) -> Cell:
    """The cell of a p and a q."""
    if methods:
        return Cell("known", tuple(methods), tuple(gaps))
    if gaps:
        return Cell("gap", (), tuple(gaps), "; ".join(g.note for g in gaps))
    why = undefined(p, q)
    return Cell("undefined", reason=why) if why else Cell("blank", reason=NO_METHOD)


def with_others(
    lines: tuple[Line, ...], used: Iterable[str], kernels: Mapping[str, object]
) -> tuple[Line, ...]:
    """The listed lines, then those of kernels that a method uses and nobody listed."""
    others = sorted(set(used) - {line.key for line in lines})
    titles = {name: str(getattr(kernels[name], "title", name)) for name in others}
    return (*lines, *(Line(n, titles[n][:14], titles[n].lower()) for n in others))


# ---------------------------------------------------------------------- placing


def supervisory(method: Method) -> str:
    """The key of a method's p."""
    name = method.icon.p.name.removeprefix("symmetrised-")
    if name == "weights" and heavy_tailed(method.icon.p.params.get("weights")):
        return "student-t"
    if name != "one-hot":
        return name
    block = method.icon.blocks[0]
    anchor, neighbour = ends(block)
    target = method.icon.p.params["target"]
    if target == anchor:
        return "itself" if one_table(method, anchor, neighbour) else "cross-modal"
    declared = method.declarations.get(target.name) if isinstance(target, IApp) else None
    return "class-label" if declared and declared.text.startswith("label") else "positive-pair"


def heavy_tailed(weights: object) -> bool:
    """Whether weights are a negative power of one plus a multiple of a squared distance."""
    match weights:
        case Macro(_, _, body):
            return heavy_tailed(body)
        case Pow(Add((Num(one), far)), power):
            return one == 1 and is_distance(far) and negative(power)
    return False


def is_distance(expr: Expr) -> bool:
    """Whether an expression is a squared distance, or one divided by something."""
    match expr:
        case Div(above, _):
            return is_distance(above)
        case SqNorm(Add((_, _))):
            return True
    return False


def negative(expr: Expr) -> bool:
    """Whether a product of positive symbols and numbers has a minus."""
    match expr:
        case Num(value):
            return value < 0
        case Div(above, below):
            return negative(above) != negative(below)
        case Mul(args):
            return sum(map(negative, args)) % 2 == 1
    return False


def one_table(method: Method, anchor: IVar, neighbour: IVar) -> bool:
    """Whether q compares two rows of one table."""
    params = method.icon.q.params
    keys, embedding = params.get("keys"), params.get("embedding")
    if keys is None or embedding is None or anchor.set != neighbour.set:
        return False
    return map_node(embedding, {anchor: neighbour}) == keys


def learned(method: Method) -> str:
    """The key of a method's q: its kernel, or the limit of it that the claim is about."""
    q, claim = method.icon.q, method.claim
    for width in WIDTHS if claim.relation == "limit" else ():
        given = q.params.get(width)
        if given is not None and any(s.name == claim.parameter for s in symbols(given)):
            grows = increases(given, claim.parameter)  # type: ignore[arg-type]
            return "wide" if (claim.to == "infinity") == grows else "narrow"
    return q.name


def increases(expr: Expr, name: str) -> bool:
    """Whether a product of powers grows with the positive symbol `name` in it."""
    match expr:
        case Div(above, below):
            inside = any(s.name == name for s in symbols(above))
            return increases(above, name) if inside else not increases(below, name)
        case Pow(base, Num(value)):
            return increases(base, name) == (value > 0)
        case Mul(args):
            return next(increases(a, name) for a in args if any(s.name == name for s in symbols(a)))
        case Sym():
            return True
    return True


# ---------------------------------------------------------------------- what cannot be

POINTWISE = ("gaussian", "cosine", "dot", "student-t", "inverse-power", "cluster", "wide", "narrow")
"""Kernels q that compare two indices, so that they say nothing of an outcome."""

OUTCOMES = ("match", "given", "formula")
"""The p that may be a distribution over the outcomes match and null."""


def undefined(p: str, q: str) -> str:
    """Why no pair of this p and q can be stated, "" where one can."""
    if q == "sigmoid" and p not in OUTCOMES:
        return "not defined: the sigmoid has the outcomes match and null, and this p has neighbours"
    if p == "match" and q in POINTWISE:
        return (
            "not defined: this p has the outcomes match and null, and the kernel compares indices"
        )
    if q == "inverse-power" and p == "itself":
        return "not defined: the kernel has no value at distance zero, where this p has its mass"
    if q == "cluster" and p in ("class-label", "cross-modal"):
        return (
            "not defined: clusters compare points of one table, and these neighbours are not in it"
        )
    return ""


# ---------------------------------------------------------------------- gaps


@cache
def named_gaps(path: Path | None = None) -> tuple[Gap, ...]:
    """The named gaps. Raises InputError for a malformed file."""
    path = path or Path(__file__).with_name("gaps.toml")
    found = []
    for name, table in read_toml(read_text(path), str(path)).items():
        wanted = {"name", "p", "q", "note"}
        if not isinstance(table, dict) or set(table) != wanted:
            raise InputError(f"the gap {name!r} has {', '.join(sorted(wanted))}", path=str(path))
        found.append(
            Gap(name, *(" ".join(str(table[k]).split()) for k in ("name", "p", "q", "note")))
        )
    return tuple(found)
