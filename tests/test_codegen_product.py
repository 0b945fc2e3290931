"""The whole vocabulary: every p with every q, divergence and normalisation, emitted or refused.

A cell is (layout, p, q, divergence); layouts are the four normalisations, and rows over classes.
Which cells are refused, and why, is stated here once more as rules about kernels, so that no cell
can be left out in silence. Of the others a run emits a part in which any two parts of the
vocabulary meet (ICONOGRAPH_TURN=n chooses which, -1 all); value and gradient are those of the
formulas, in float64.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from types import ModuleType

import numpy as np
import pytest

from catalog.divergences import DIVERGENCES
from catalog.errors import InputError
from catalog.formula import parse_expr
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.scope import Scope
from catalog.spec import Method
from codegen import oracle
from codegen.emit import emit
from codegen.execute import module, program_of, run
from codegen.ir import Program
from codegen.samples import Sample, sample
from iconograph.composition import SPARSE, compose
from iconograph.vocabulary import LAYOUTS
from tests.selection import turn

torch = pytest.importorskip("torch")

EXACT = 1e-10  # float64 against the formulas, value and gradient, relative to the largest entry
UPSTREAM = -2.5
ORDERS = ("1/2", "2", "3/2")  # of a divergence that has one, in turn


@dataclass(frozen=True)
class Cell:
    """One combination of the vocabulary."""

    layout: str
    p: str
    q: str
    divergence: str

    @property
    def order(self) -> str | None:
        """An order where the divergence has one; cells take them in turn."""
        k = list(P_KERNELS).index(self.p) + list(Q_KERNELS).index(self.q)
        return ORDERS[k % 3] if DIVERGENCES[self.divergence].ordered else None


CELLS = [Cell(*c) for c in product(LAYOUTS, P_KERNELS, Q_KERNELS, DIVERGENCES)]

# what stands for a kernel "formula", which has no default; as the options of the command line
P_FORMULA = {
    "row": ("W[i,j]/(sum[l != i] W[i,l])", "W=positive[i,j]"),
    "joint": ("W[i,j]/(sum[k, l : k != l] W[k,l])", "W=positive[i,j]"),
    "row-and-column": ("W[i,j]/(sum[k] W[i,k])", "W=positive[i,j]"),
    "pair": ("[o = match]*P[i,j] + [o = null]*(1 - P[i,j])", "P=probability[i,j]"),
    "classes": ("P[i,c]", "P=distribution[i,c]"),
}
Q_FORMULA = {
    "row": ("exp(u[i].u[j])/(1 + |u[i] - u[j]|^2)", ("u=vector[i]",)),
    "joint": ("exp(u[i].u[j])/(1 + |u[i] - u[j]|^2)", ("u=vector[i]",)),
    "row-and-column": ("1 + exp(u[i].v[j])", ("u=vector[i]", "v=vector[i]")),
    "pair": ("exp([o = match]*(u[i].u[j]))", ("u=vector[i]",)),
    "classes": ("1 + exp(u[i].v[c])", ("u=vector[i]", "v=vector[c]")),
}


def refusal(cell: Cell) -> str | None:
    """Why a cell is refused, by rule; None where it is emitted."""
    p, q = P_KERNELS[cell.p], Q_KERNELS[cell.q]
    if cell.layout == "pair":
        if cell.p not in ("match", "formula"):
            return "not over the outcomes of a pair"
        if cell.q not in ("sigmoid", "formula"):
            return "not the two outcomes of a pair"
    elif "match" in p.template or "match" in q.score:
        return "about the two outcomes of a pair"
    if p.base and cell.layout != "joint":
        return "one distribution over all pairs"
    kinds = {x.kind for x in p.params} | {x.kind for x in q.params if x.kind == "table"}
    if cell.layout == "classes" and kinds & {"labels", "points", "table"}:
        return "compares two points"
    # a p that is a condition on the neighbour is 0 elsewhere, and so is a bracket that stands alone
    zeros = p.form == "set" or p.template.startswith("[")
    return "infinite where p is 0" if DIVERGENCES[cell.divergence].full and zeros else None


def composed(cell: Cell) -> Method:
    """What `iconograph generate` makes of a cell. Raises InputError."""
    p, q, learned, given = cell.p, cell.q, tuple[str, ...](), tuple[str, ...]()
    if p == "formula":
        formula, declared = P_FORMULA[cell.layout]
        p, given = f"formula formula='{formula}'", (declared,)
    if q == "formula":
        formula, learned = Q_FORMULA[cell.layout]
        q = f"formula formula='{formula}'"
    return compose(
        p, q, divergence=cell.divergence, order=cell.order, learned=learned, given=given,
        assume=("n > 1",) if "formula" in (cell.p, cell.q) else (), name="mine",
        normalise=None if cell.layout == "classes" else cell.layout,
        neighbours="classes" if cell.layout == "classes" else None,
    )  # fmt: skip


@cache
def pair(layout: str, p: str, q: str, full: bool) -> Method:
    """A pair compared by KL, or by its reverse where p may have no zeros."""
    return composed(Cell(layout, p, q, "reverse-kl" if full else "kl"))


def method(cell: Cell) -> Method:
    """The method of a cell, from that of its pair: reading 3,000 files anew would take a minute."""
    m = pair(cell.layout, cell.p, cell.q, DIVERGENCES[cell.divergence].full)
    degree = parse_expr(cell.order, Scope({}, {})) if cell.order else m.icon.degree
    return replace(m, icon=replace(m.icon, divergence=cell.divergence, degree=degree))


def data(cell: Cell, size: int) -> Sample:
    """Data for a cell, the same for all divergences that allow the same p."""
    return sampled(cell.layout, cell.p, cell.q, DIVERGENCES[cell.divergence].full, size)


@cache
def sampled(layout: str, p: str, q: str, full: bool, size: int) -> Sample:
    return sample(pair(layout, p, q, full), 0, size=size, dimension=2)


def formulas(cell: Cell, size: int) -> tuple[Program, oracle.Answer]:
    """The program of a cell, and what its formulas say."""
    m, s = method(cell), data(cell, size)
    program = program_of(m)
    numbers = [a.symbol for a in program.arguments if a.kind == "number" and not a.shape]
    return program, oracle.loss(m, s.sizes, s.data, wanted=numbers)


def distance(
    cell: Cell, made: ModuleType, form: str, size: int, truth: tuple[Program, oracle.Answer]
) -> float:
    """The largest error of value and gradient, relative to the largest entry (or 1)."""
    program, right = truth
    vars(made)["TILE"] = 2 if size == 3 else 3
    choices = {"term": "kl"} if program.kl else {}
    s = data(cell, size)
    found = run(made, program, form, s, upstream=UPSTREAM, **choices)
    errors = [abs(float(found.value) - right.value) / max(1.0, abs(right.value))]
    for symbol, gradient in found.gradient.items():
        wanted = UPSTREAM * np.asarray(right.gradient[symbol], dtype=float)
        errors.append(float(np.max(np.abs(gradient - wanted)) / max(1.0, np.max(np.abs(wanted)))))
    return float(np.max(errors))  # a NaN stays one


# --------------------------------------------------------------------------- which cells there are


def mismatches(cells: list[Cell], rule: dict[Cell, str | None]) -> list[tuple[Cell, str]]:
    """The cells that are not refused, with the reason, exactly where the rule says so."""
    found = []
    for cell in cells:
        try:
            composed(cell)
            said = None
        except InputError as error:
            said = str(error)
        expected = rule[cell]
        if (said is None) != (expected is None) or (said and expected and expected not in said):
            found.append((cell, said or "emitted"))
    return found


RULE = {cell: refusal(cell) for cell in CELLS}
ADMISSIBLE = [cell for cell in CELLS if RULE[cell] is None]


def test_nothing_is_left_out() -> None:
    """The counts by arithmetic: 14 divergences, 4 of them infinite where p is 0."""
    every, finite = len(DIVERGENCES), sum(not d.full for d in DIVERGENCES.values())
    assert (every, finite, len(P_KERNELS), len(Q_KERNELS), len(LAYOUTS)) == (14, 10, 13, 9, 5)
    emitted = {
        # p without zeros and with zeros, and every q but sigmoid
        "row": (6 * every + 3 * finite) * 8,
        "joint": (8 * every + 4 * finite) * 8,  # and the three symmetrised kernels
        "row-and-column": (6 * every + 3 * finite) * 8,
        "pair": (every + finite) * 2,  # a formula and match, against sigmoid and a formula
        "classes": (5 * every + 2 * finite) * 7,  # nothing that compares two points
    }
    assert Counter(cell.layout for cell in ADMISSIBLE) == emitted
    assert sum(emitted.values()) == 3718
    reasons = Counter(why for why in RULE.values() if why)
    assert sum(reasons.values()) == len(CELLS) - 3718 == 4472
    assert reasons["infinite where p is 0"] == (3 * 8 + 4 * 8 + 3 * 8 + 2 + 2 * 7) * 4


def test_a_cell_is_refused_by_rule_and_with_the_reason() -> None:
    refused = [cell for cell in CELLS if RULE[cell]]
    assert mismatches(refused, RULE) == []
    # every pair and, with one of them, every divergence is put together from the options themselves
    some = [c for c in ADMISSIBLE if c.divergence in ("kl", "reverse-kl")]
    some += [c for c in ADMISSIBLE if (c.layout, c.p, c.q) == ("row", "smoothed", "cosine")]
    assert mismatches(some, RULE) == []


def test_a_wrong_rule_is_noticed() -> None:
    cell, other = Cell("row", "smoothed", "dot", "reverse-kl"), Cell("row", "one-hot", "dot", "tv")
    bad = Cell("row", "one-hot", "dot", "reverse-kl")
    assert mismatches([cell, other], {cell: "infinite where p is 0", other: None}) == [
        (cell, "emitted")
    ]
    assert mismatches([bad], {bad: None})[0][0] == bad
    assert mismatches([bad], {bad: "not over the outcomes of a pair"})[0][0] == bad


def test_the_kernels_that_are_refused_do_have_zeros() -> None:
    """SPARSE is right: the p of each is 0 at an allowed neighbour of the sample, no other is.

    Arrays of the user's may hold zeros too, but not where the divergence would be infinite.
    """
    for cell in ADMISSIBLE:
        if cell.divergence not in ("kl", "reverse-kl") or cell.q not in ("dot", "sigmoid"):
            continue
        m, s = method(cell), data(cell, 5)
        own = oracle.Interpreter(s.sizes, s.data)
        values = [
            own.scalar(block.p, env).value
            for block in m.icon.blocks
            for i in own.assignments(block.anchors, block.anchor_cond, {})
            for env in own.assignments(block.neighbours, block.neighbour_cond, i)
        ]
        arrays = cell.p in ("given", "weights", "symmetrised-weights")
        if cell.divergence == "reverse-kl" or not arrays:
            assert (min(values) == 0) == (cell.p in SPARSE), cell
        assert max(values) > 0


# --------------------------------------------------------------------------- value and gradient


STEP = {"row": 4, "joint": 5, "row-and-column": 5, "classes": 4, "pair": 1}
"""Of so many cells of a layout one is tried in a run: a cell fails by one of its parts, or by two
that meet, and any two parts meet in some cell of every run."""

TURN = turn()
"""Which cells it are, -1 for all."""


@cache
def places(layout: str) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """The place of every p, q and divergence of a layout among those that go with the same."""
    cells = [c for c in ADMISSIBLE if c.layout == layout]
    full = {name for name, d in DIVERGENCES.items() if d.full}
    dense = {c.p for c in cells if c.divergence in full}
    orders = (
        sorted(dict.fromkeys(c.p for c in cells), key=lambda p: p not in dense),
        dict.fromkeys(c.q for c in cells),
        sorted(DIVERGENCES, key=lambda name: name in full),
    )
    p, q, divergence = ({name: k for k, name in enumerate(order)} for order in orders)
    return p, q, divergence


def walked(cell: Cell, k: int = TURN) -> bool:
    """Whether the cell is emitted in a turn."""
    if k < 0:
        return True
    p, q, divergence = places(cell.layout)
    return (p[cell.p] + q[cell.q] + divergence[cell.divergence] + k) % STEP[cell.layout] == 0


def meeting(cells: list[Cell]) -> set[tuple[str, ...]]:
    """Which parts meet in some of the cells: p and q, p and a divergence, q and a divergence."""
    found: set[tuple[str, ...]] = set()
    for c in cells:
        found |= {(c.layout, c.p, c.q), (c.layout, c.p, c.divergence)}
        found |= {(c.layout, c.q, c.divergence)}
    return found


@pytest.mark.parametrize("k", range(max(STEP.values())))
def test_any_two_parts_meet_in_every_turn(k: int) -> None:
    cells = [c for c in ADMISSIBLE if walked(c, k)]
    assert meeting(ADMISSIBLE) - meeting(cells) == set()
    assert len(cells) < 1000
    assert meeting(ADMISSIBLE) - meeting([c for c in cells if c.q != "dot"])  # it can be lacking


def test_all_cells_have_their_turn() -> None:
    for layout, step in STEP.items():
        cells = [c for c in ADMISSIBLE if c.layout == layout]
        assert {c for t in range(step) for c in cells if walked(c, t)} == set(cells)


@pytest.mark.parametrize(("layout", "p"), dict.fromkeys((c.layout, c.p) for c in ADMISSIBLE))
def test_value_and_gradient_are_those_of_the_formulas(layout: str, p: str) -> None:
    """Dense for every cell of the turn, and block by block, of more points, for half of them."""
    cells = [c for c in ADMISSIBLE if (c.layout, c.p) == (layout, p) and walked(c)]
    assert cells
    for cell in cells:
        made = module(emit(method(cell)))
        blocks = cell.divergence == "kl" or cells.index(cell) % 2 == TURN % 2
        size, forms = (5, ("dense", "streaming")) if blocks else (3, ("dense",))
        truth = formulas(cell, size)
        for form in forms:
            assert distance(cell, made, form, size, truth) < EXACT, (cell, form)


@pytest.mark.parametrize("divergence", [name for name in DIVERGENCES if name != "kl"])
def test_a_planted_error_is_caught(divergence: str) -> None:
    """One part in a million of the summand, and of its derivative in log q."""
    cell = Cell("row", "smoothed", "student-t", divergence)
    text, truth = emit(method(cell)), formulas(cell, 5)
    assert distance(cell, module(text), "streaming", 5, truth) < EXACT
    for name, form in (("_divergence", "dense"), ("_slope", "streaming")):
        wrong = f"_right = {name}\n\n\ndef {name}(*args):\n    return (1 + 1e-6) * _right(*args)\n"
        broken = module(f"{text}\n\n{wrong}")
        assert not distance(cell, broken, form, 5, truth) < 10 * EXACT, name


PLANTED = [
    (Cell("row", "gaussian", "cluster", "kl"), ".clone()", ""),
    (Cell("joint", "softmax", "cosine", "tv"), "slopes.sum().exp", "slopes.mean().exp"),
    (Cell("row", "weights", "student-t", "jsd"), "- torch.exp(log_q) * slopes[rows, None]", ""),
    (Cell("pair", "formula", "sigmoid", "alpha"), "_slope(1 - p_ij,", "_slope(p_ij,"),
]


@pytest.mark.parametrize(("cell", "right", "wrong"), PLANTED, ids=lambda x: getattr(x, "p", ""))
def test_a_planted_error_of_the_blocks_is_caught(cell: Cell, right: str, wrong: str) -> None:
    text = emit(method(cell))
    assert right in text
    truth = formulas(cell, 5)
    assert not distance(cell, module(text.replace(right, wrong)), "streaming", 5, truth) < 1e-6
