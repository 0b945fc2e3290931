"""Method -> IR -> IR: what a pair is scored by, the derivative of the log-kernel, and the plan."""

from __future__ import annotations

import pytest
import sympy

from catalog.conditions import conjuncts
from catalog.load import load_text
from catalog.registry import all_methods, load
from catalog.spec import SCORE, Method
from catalog.symbols import IApp, Sym, map_node, walk
from codegen import passes
from codegen.execute import program_of
from codegen.ir import Program, Reduction
from codegen.lower import lower
from codegen.split import Split
from codegen.trees import alike, fold, hoist, holds_always, truth

# method: normalisation, allowed pairs, atoms, log-kernel, p, plan
TABLE = {
    "simclr": ("row", "others", "dot*", "score/temperature", "one-hot", "linear gather symmetric"),
    "supcon": ("row", "others", "dot*", "score/temperature", "proportional",
               "linear classes symmetric"),
    "x-sample": ("row", "others", "dot*", "score/temperature", "softmax",
                 "linear blocks symmetric"),
    "clip": ("row", "all", "dot", "score*exp(t)", "one-hot", "linear gather columns"),
    "infonce": ("row", "all", "dot", "score/temperature", "one-hot", "linear gather"),
    "mlm": ("row", "all", "dot", "bias + score", "proportional", "linear blocks"),
    "cross-entropy": ("row", "all", "array", "score", "one-hot", "online gather"),
    "cosface": ("row", "all", "dot", "-m*pair_1*s + s*score", "one-hot", "online gather"),
    "dpo": ("row", "all", "array", "beta*(-pair_1 + score)", "one-hot", "online gather"),
    "sne": ("row", "others", "sqdist*", "-score", "softmax", "online blocks symmetric"),
    "harmonic": ("row", "all", "sqdist", "-power*log(score)/2", "one-hot", "online gather"),
    "t-simcne": ("row", "others", "sqdist*", "-log(score + 1)", "one-hot",
                 "ratio gather symmetric"),
    "t-sne": ("joint", "others", "sqdist*", "-log(score + 1)", "softmax/2",
              "ratio blocks symmetric"),
    "dcd": ("row", "all", "dot", "log(score)", "proportional", "ratio blocks"),
    "siglip": ("pair", "all", "dot", "-b + score*t", "match", "online blocks"),
    "label-smoothing": ("row", "all", "array", "score", "given", "online blocks"),
}  # fmt: skip


def shown(r: Reduction) -> tuple[str, ...]:
    k, plan = r.log_kernel, r.plan
    flags = [word for word in ("symmetric", "columns") if getattr(plan, word)]
    return (
        r.normalise,
        r.allowed.kind,
        " ".join(a.kind + "*" * a.same for a in k.atoms),
        str(k.expr),
        r.target.form + "/2" * r.target.symmetrised,
        " ".join([plan.sums, plan.expected, *flags]),
    )


@pytest.mark.parametrize("name", TABLE)
def test_lowering(name: str) -> None:
    assert shown(program_of(load(name)).reductions[0]) == TABLE[name]


# why a loss has no form as reductions over pairs, so that its pairs are all in memory
REASONS = {
    "nothing that is learned depends on the pair",
    "a neighbour has several indices",
    "a vector depends on the row and on the column",
    "the pairs have weights of their own",
    "the anchors are not all the pairs",
    "the joint distribution is not over pairs",
    "the kernel mixes row and column in a way that has no blocks",
}


def test_a_method_is_a_reduction_over_pairs_or_says_why_not() -> None:
    losses = [m for m in all_methods() if m.claim.relation != "theorem"]
    for m in losses:
        program = lower(m)
        found = len(program.reductions) == len(m.icon.blocks)
        assert found if not program.reason else program.reason in REASONS, (m.id, program.reason)
    assert sum(not lower(m).reason for m in losses) > 0.7 * len(losses)


def conditions(name: str) -> tuple[int, int]:
    r = program_of(load(name)).reductions[0]
    return len(conjuncts(r.batch_cond)), len(conjuncts(r.anchor_cond))


def test_data_decide_about_rows_and_never_about_loops() -> None:
    assert conditions("proxy-anchor") == (0, 1)
    assert conditions("simclr") == (0, 0)
    text = load("dino").text.replace('anchors = "a, b, i"', 'anchors = "a, b, i : b != at[a]"')
    text = "\n".join(line for line in text.splitlines() if not line.startswith("weights"))
    r = lower(load_text(text)).reductions[0]
    assert holds_always(r.batch_cond) and not holds_always(r.anchor_cond)


def stated(m: Method, program: Program) -> sympy.Expr:
    """The log-kernel as the vocabulary states it for one placeholder score."""
    r = program.reductions[0]
    split = Split(r.row, r.column, program.names)
    node = m.icon.q.log_kernel
    split.known.append((SCORE, r.log_kernel.atoms[0].symbol))
    split.atoms, split.parameters = list(r.log_kernel.atoms), []
    return split.convert(node)


@pytest.mark.parametrize("name", ["simclr", "sne", "t-sne", "t-simclr", "harmonic", "dcd", "clip"])
def test_the_log_kernel_of_the_proved_block_is_the_one_of_the_vocabulary(name: str) -> None:
    m = load(name)
    program = lower(m)
    mine = program.reductions[0].log_kernel.expr
    assert sympy.simplify(mine - stated(m, program)) == 0
    assert sympy.simplify(mine + 1 - stated(m, program)) != 0


@pytest.mark.parametrize("name", TABLE)
def test_slopes_are_derivatives(name: str) -> None:
    k = program_of(load(name)).reductions[0].log_kernel
    symbols = sorted(k.expr.free_symbols, key=str)
    values = {s: sympy.Rational(3 + n, 7) for n, s in enumerate(symbols)}
    for atom in k.atoms:
        step = sympy.Rational(1, 10**6)
        up = k.expr.subs({**values, atom.symbol: values[atom.symbol] + step})
        down = k.expr.subs({**values, atom.symbol: values[atom.symbol] - step})
        quotient = float((up - down) / (2 * step))
        assert float(k.slope(atom.symbol).subs(values)) == pytest.approx(quotient, rel=1e-8)
        # d k / d score = k * d log k / d score
        growth = float(k.growth(atom.symbol).subs(values))
        assert growth == pytest.approx(float(k.kernel.subs(values)) * quotient, rel=1e-8)


def test_passes_are_pure_and_run_in_any_program() -> None:
    program = lower(load("clip"))
    before = repr(program)
    after = passes.run(program)
    assert repr(program) == before
    assert after.twin and not program.twin
    assert passes.run(program, ()) == program


def test_columns_are_merged_only_where_the_scores_are_the_same() -> None:
    program = passes.run(lower(load("clip")), passes.PIPELINE[:-1])
    first, second = program.reductions
    assert passes.transposed(first, second)
    assert not passes.transposed(first, first)


# --------------------------------------------------------------------------- trees


def test_alike_reads_through_the_names_of_bound_indices() -> None:
    # read twice, so that every variable is another one
    a, b = (load_text(load("x-sample").text).icon.blocks[0] for _ in range(2))
    pairs = dict(zip((*a.anchors, *a.neighbours), (*b.anchors, *b.neighbours), strict=True))
    assert alike(a.p, b.p, pairs)
    assert not alike(a.p, b.p)  # the free ones do matter
    assert not alike(a.p, b.kernel, pairs)


def test_brackets_between_elements_are_folded() -> None:
    block = load("siglip").icon.blocks[0]
    outcome = block.neighbours[0]
    null = IApp("null", (), outcome.set)
    assert str(fold(map_node(block.kernel, {outcome: null}))) == "Num(value=Fraction(1, 1))"  # type: ignore[arg-type]
    assert truth(block.neighbour_cond) is True


def test_sums_of_the_row_alone_are_hoisted() -> None:
    block = load("x-sample").icon.blocks[0]
    row, column = block.anchors[0], block.neighbours[0]
    rest, taken = hoist(block.p, row, column, "s")
    assert [name for name, _ in taken] == ["s1"]
    assert Sym("s1", (row,)) in set(walk(rest))
