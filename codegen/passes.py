"""IR -> IR: each pass is a pure function, the pipeline is the tuple at the end.

A target for a graphics card, several machines or compiled CPU code starts from the same passes and
adds its own choice of tile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import sympy

from catalog.symbols import TRUE, Add, Big, Call, Mul, Num, map_node
from codegen.ir import Atom, LogKernel, Program, Reduction
from codegen.trees import alike

Pass = Callable[[Program], Program]


def each(step: Callable[[Reduction], Reduction]) -> Pass:
    """A pass that treats every reduction alone."""

    def run(program: Program) -> Program:
        return replace(program, reductions=tuple(map(step, program.reductions)))

    run.__name__, run.__doc__ = step.__name__, step.__doc__
    return run


# --------------------------------------------------------------------------- one reduction


def choose_sums(reduction: Reduction) -> Reduction:
    """How kernels are summed: in powers of two, as ratios, or against a running maximum."""
    k = reduction.log_kernel
    if reduction.divergence != "kl":
        return planned(reduction, sums="online")  # q is needed itself, by its logarithm
    if reduction.normalise != "pair" and linear(k) is not None:
        return planned(reduction, sums="linear")
    if reduction.normalise != "pair" and not k.expr.has(sympy.exp) and is_ratio(k):
        return planned(reduction, sums="ratio")
    return planned(reduction, sums="online")


def find_symmetry(reduction: Reduction) -> Reduction:
    """s_ij = s_ji, so that blocks above the diagonal carry everything."""
    swap = {reduction.row: reduction.column, reduction.column: reduction.row}
    k = reduction.log_kernel
    symmetric = (
        reduction.normalise in ("row", "joint")
        and reduction.divergence == "kl"
        and all(atom.same for atom in k.atoms)
        and all(
            p.axis == "scalar" or (p.axis == "pair" and alike(p.expr, p.expr, swap))
            for p in k.parameters
        )
        and alike(reduction.allowed.cond, reduction.allowed.cond, swap)
    )
    if symmetric and reduction.plan.sums == "linear":
        # one factor sqrt(scale) goes to each side
        parts = linear(k)
        symmetric = parts is not None and bool(parts[0].is_positive)
    return planned(reduction, symmetric=symmetric)


def place_expectation(reduction: Reduction) -> Reduction:
    """Where the expected log-kernel is computed: outside the blocks where p has few entries."""
    target = reduction.target
    if reduction.divergence != "kl":
        return planned(reduction, expected="blocks")
    if target.form == "one-hot" and reduction.normalise == "row":
        return planned(reduction, expected="gather")
    closed = reduction.allowed.kind in ("all", "others") and reduction.normalise == "row"
    k = reduction.log_kernel
    bias = linear(k)
    if target.labels and closed and not target.symmetrised and bias is not None and bias[1] == 0:
        return planned(reduction, expected="classes")
    return planned(reduction, expected="blocks")


def planned(reduction: Reduction, **choice: object) -> Reduction:
    """`reduction` with part of its plan settled."""
    return replace(reduction, plan=replace(reduction.plan, **choice))  # type: ignore[arg-type]


def linear(k: LogKernel) -> tuple[sympy.Expr, sympy.Expr] | None:
    """(a, b) where log k = a * score + b, a of numbers alone, b zero or one number per column."""
    if len(k.atoms) != 1 or k.atoms[0].kind != "dot" or any(p.axis == "pair" for p in k.parameters):
        return None
    score = k.atoms[0].symbol
    factor = k.slope(score)
    rest = sympy.expand(k.expr - factor * score)
    numbers = {p.symbol for p in k.parameters if p.axis == "scalar"}
    columns = {p.symbol for p in k.parameters if p.axis == "column"}
    if factor.free_symbols <= numbers and (rest == 0 or rest in columns):
        return factor, rest
    return None


def is_ratio(k: LogKernel) -> bool:
    """Whether the kernel is a ratio of polynomials in its scores, finite at 0."""
    scores = [atom.symbol for atom in k.atoms]
    return bool(k.kernel.is_rational_function(*scores)) and not singular(k.kernel, k.atoms)


def singular(expr: sympy.Expr, atoms: tuple[Atom, ...]) -> bool:
    """Whether `expr` is infinite where a squared distance is 0."""
    zero = {atom.symbol: 0 for atom in atoms if atom.kind == "sqdist"}
    value = expr.subs(zero)
    return bool(value.has(sympy.zoo, sympy.oo, -sympy.oo, sympy.nan))


def keep_in_range(reduction: Reduction) -> Reduction:
    """exp(f[i,k] - max_k f[i,k]) for exp(f[i,k]), features of a row that the kernel scales with.

    A factor of the row leaves q as it is, so that it may be held fixed; the exponentials of large
    numbers would be infinite.
    """
    k = reduction.log_kernel
    if reduction.normalise != "row" or len(k.atoms) != 1:
        return reduction
    atom = k.atoms[0]
    left = atom.left
    if left is None or left.column is None or atom.same or atom.kind != "dot":
        return reduction
    if not (isinstance(left.expr, Call) and left.expr.fn == "exp"):
        return reduction
    if (k.kernel / atom.symbol).has(atom.symbol):
        return reduction  # no multiple of the score
    power = left.expr.args[0]
    other = replace(left.column, name=f"{left.column.name}_")
    every = map_node(power, {left.column: other})
    largest = Call("sg", (Big("max", (other,), TRUE, every),))  # type: ignore[arg-type]
    less = Add((power, Mul((Num(Fraction(-1)), largest))))
    held = replace(left, expr=Call("exp", (less,)))
    return replace(reduction, log_kernel=replace(k, atoms=(replace(atom, left=held),)))


# --------------------------------------------------------------------------- the whole program


def merge_columns(program: Program) -> Program:
    """Rows and columns of one score matrix: one sweep of its blocks serves both."""
    if len(program.reductions) != 2:
        return program
    first, second = program.reductions
    mergeable = (
        first.normalise == second.normalise == "row"
        and not first.batch
        and not second.batch
        and first.plan.sums == second.plan.sums == "linear"
        and first.plan.expected == second.plan.expected == "gather"
        and first.allowed.kind == second.allowed.kind
        and first.allowed.kind in ("all", "others")
        and not any(p.axis != "scalar" for r in program.reductions for p in r.log_kernel.parameters)
        and transposed(first, second)
    )
    if not mergeable:
        return program
    merged = planned(first, columns=True, symmetric=False)
    return replace(program, reductions=(merged, second), twin=True)


def transposed(first: Reduction, second: Reduction) -> bool:
    """Whether the second reduction has the score of the first, rows and columns exchanged."""
    (a,), (b,) = first.log_kernel.atoms, second.log_kernel.atoms
    if a.kind != b.kind or first.log_kernel.expr != second.log_kernel.expr:
        return False
    if not (a.left and a.right and b.left and b.right) or a.left.unit != b.left.unit:
        return False
    if a.left.column is not None or b.left.column is not None:
        return False
    return alike(a.left.expr, b.right.expr, {first.row: second.column}) and alike(
        a.right.expr, b.left.expr, {first.column: second.row}
    )


PIPELINE: tuple[Pass, ...] = (
    each(keep_in_range),
    each(choose_sums),
    each(find_symmetry),
    each(place_expectation),
    merge_columns,
)


def run(program: Program, passes: tuple[Pass, ...] = PIPELINE) -> Program:
    """The program after every pass, in order."""
    for step in passes:
        program = step(program)
    return program
