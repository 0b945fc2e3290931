"""How exact an emitted program is: its value and gradient beside those of the formulas.

    error    |program - formula|, over the largest entry of the formula, or over 1 if that is less
    bound    MULTIPLE times what rounding each operation of the formula to the digits of the
             computation can do (the radius of `codegen.balls`), and the rounding of the result

Half precision is computed in float32: the value is held to that, the gradient to its own digits.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from types import ModuleType
from typing import Any

import flint
import numpy as np

from catalog.spec import Method
from codegen import emit, execute, oracle, stress
from codegen.balls import EXACT, Balls, Infinite, split
from codegen.ir import Program
from codegen.samples import Sample

MULTIPLE = 4
TILE = 3  # rows of a block, so that the few points of a case fill more than one
KERNEL = {"ROWS": 2, "COLUMNS": 2}  # the same of a kernel, whose sides are powers of two
FORMS = {
    "torch": ("dense", "streaming"),
    "cpu": ("dense", "streaming"),
    "triton": ("streaming",),  # its dense form is that of torch
    "numpy": ("numpy",),
}
# kernels multiply half precision as the GPU does, which their interpreter does not tell
DTYPES = {"triton": ("float64", "float32"), "numpy": ("float64",)}


@dataclass(frozen=True)
class Precision:
    """A dtype of the data: the bits it is computed in and the bits of a gradient, and the range."""

    computed: int
    kept: int
    largest: float
    least: float
    result: str = "float32"


PRECISIONS = {
    "float64": Precision(53, 53, float(np.finfo(np.float64).max), 5e-324, "float64"),
    "float32": Precision(24, 24, float(np.finfo(np.float32).max), 2.0**-149),
    "bfloat16": Precision(24, 8, 255 * 2.0**120, 2.0**-133),
    "float16": Precision(24, 11, 65504.0, 2.0**-24),
}


@dataclass(frozen=True)
class Line:
    """One case in one dtype; errors and bounds are None where nothing was compared."""

    case: str
    dtype: str
    what: str
    within: bool
    finite: bool = True
    value_error: float | None = None
    value_bound: float | None = None
    gradient_error: float | None = None
    gradient_bound: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The line; what is infinite or no number is a word, since JSON has none for it."""
        return {
            key: str(x) if isinstance(x, float) and not math.isfinite(x) else x
            for key, x in asdict(self).items()
        }

    @property
    def used(self) -> float:
        """The larger part of its bound that an error takes up."""
        pairs = (
            (self.value_error, self.value_bound),
            (self.gradient_error, self.gradient_bound),
        )
        return max((e / b for e, b in pairs if e is not None and b), default=0.0)


@dataclass(frozen=True)
class Judged:
    """The formula on one case: its value and gradient, and the radius of each by bits.

    `value` is None where the loss is infinite, NaN where the formula has none; at an `edge` some q
    is 0, and its slope may be infinite.
    """

    value: float | None
    gradient: Mapping[str, np.ndarray]
    radius: Mapping[int, float]
    radii: Mapping[int, Mapping[str, np.ndarray]]
    edge: bool = False


def judge(method: Method, program: Program, data: Sample) -> Judged:
    """The true value and gradient to fifty digits, and what rounding can do to them."""
    wanted = [a.symbol for a in program.arguments if execute.differentiable(a)]
    found = {}
    for bits in (EXACT, *{p.computed for p in PRECISIONS.values()}):
        balls = Balls(data.sizes, data.data)
        with flint.ctx.workprec(bits):
            try:
                found[bits] = oracle.loss(
                    method, data.sizes, data.data,
                    term="cross_entropy", wanted=wanted, kind=lambda *_, made=balls: made,
                )  # fmt: skip
            except Infinite:
                return Judged(None, {}, {}, {})
    exact = found.pop(EXACT)
    value, slack = split(flint.arb(exact.value))
    if balls.singular or slack > 1e-20 * max(1.0, abs(value)):
        value = math.nan
    return Judged(
        value,
        {n: array(exact.gradient[n])[0] for n in wanted},
        {bits: split(flint.arb(answer.value))[1] for bits, answer in found.items()},
        {bits: {n: array(answer.gradient[n])[1] for n in wanted} for bits, answer in found.items()},
        balls.edge,
    )


def array(balls: Any) -> tuple[np.ndarray, np.ndarray]:
    """Nested lists of balls as two arrays, middles and radii."""
    whole = np.asarray(balls, dtype=object)
    parts = [split(flint.arb(x)) for x in whole.ravel()]
    middle, radius = (np.array([p[k] for p in parts]).reshape(whole.shape) for k in (0, 1))
    return middle, radius


def report(
    method: Method, target: str = "torch", text: str | None = None, *, size: int = 4
) -> list[Line]:
    """The lines of every case and dtype; `text` is the source if not what is emitted now.

    `size` is the number of points of the cases that do not say it.

    Raises samples.NoSample where there are no data, emit.Refused where there is no program.
    """
    forms = FORMS[target]
    program = execute.program_of(method)
    made = loaded(text or emit.emit(method, target), target)
    dtypes = DTYPES.get(target, tuple(PRECISIONS))
    with warnings.catch_warnings():
        if target == "triton":
            # a tile has pairs beyond the last, which are masked once NumPy has computed them
            warnings.simplefilter("ignore", RuntimeWarning)
        return [
            line
            for case in stress.cases(method, program.arguments, size)
            for line in lines(made, program, method, case, forms, dtypes)
        ]


def loaded(text: str, target: str) -> ModuleType:
    """A source as a module with small tiles. Raises ImportError where its library is missing."""
    if target != "triton":
        made = execute.module(text, "reported")
        if hasattr(made, "TILE"):
            made.TILE = TILE  # type: ignore[attr-defined]
        return made
    made = execute.interpreted(text)
    for config in (*made.SWEEPS, *made.PULLS):
        config.kwargs.update(KERNEL)
    return made


def lines(
    made: ModuleType,
    program: Program,
    method: Method,
    case: stress.Case,
    forms: tuple[str, ...],
    dtypes: tuple[str, ...],
) -> Iterator[Line]:
    """The lines of one case: the worst form of each dtype."""
    judged = judge(method, program, case.data)
    # the formula counts an anchor without a p as 0
    choices = {"valid_only": False} if stress.without_p(method, case.data) else {}
    for dtype in dtypes:
        here, right = case, judged
        data = stress.rounded(case.data, program.arguments, PRECISIONS[dtype].kept)
        if data.data != case.data.data:  # a number that a hypothesis fixes may need more digits
            here, right = replace(case, data=data), judge(method, program, data)
        if not held(program, data, dtype):
            yield Line(case.name, dtype, f"not run: the data are beyond {dtype}", True)
            continue
        found = [line(made, program, here, form, dtype, right, choices) for form in forms]
        worst = max(found, key=lambda x: (not x.within, x.used))
        broken = "" if worst.within else stress.broken(method, data)
        if broken and worst.finite:
            what = f"another value than the formula's, where a hypothesis fails: {broken}"
            worst = Line(case.name, dtype, what, True)
        yield worst


def held(program: Program, data: Sample, dtype: str) -> bool:
    """Whether a dtype has room for the numbers; infinities have a place in every one."""
    arrays = [np.ravel(data.data[a.symbol]) for a in program.arguments if a.kind == "number"]
    found = np.abs(np.concatenate(arrays).astype(float))
    return bool(np.all(np.isinf(found) | (found <= PRECISIONS[dtype].largest)))


def line(
    made: ModuleType,
    program: Program,
    case: stress.Case,
    form: str,
    dtype: str,
    judged: Judged,
    choices: Mapping[str, Any],
) -> Line:
    """One form of a program on one case."""
    try:
        result = execute.run(made, program, form, case.data, dtype=dtype, **choices)
    except ValueError as error:
        return Line(case.name, dtype, f"refused: {error}", case.name != "plain")
    except Exception as error:  # whatever an emitted program raises is a line of the report
        return Line(case.name, dtype, f"OUTSIDE: {type(error).__name__}: {error}", False)
    value = float(np.sum(result.value))
    gradient = {n: np.asarray(g, dtype=float) for n, g in result.gradient.items()}
    finite = math.isfinite(value) and all(np.isfinite(g).all() for g in gradient.values())
    if judged.value is None:
        right = value == math.inf
        what = "infinite, as the loss is" if right else f"OUTSIDE: {value} where it is infinite"
        return Line(case.name, dtype, what, right, finite)
    if math.isnan(judged.value):
        what = "the formula has no value: a kernel is 0, infinite or negative"
        return Line(case.name, dtype, what, True, finite)
    kind = PRECISIONS[dtype].result
    if abs(judged.value) > PRECISIONS[kind].largest:
        right = not math.isnan(value)
        what = f"{'' if right else 'OUTSIDE: NaN, '}the value is beyond {kind}"
        return Line(case.name, dtype, what, right, finite)
    return compared(case.name, dtype, judged, judged.value, value, gradient, finite)


def compared(
    case: str,
    dtype: str,
    judged: Judged,
    right: float,
    value: float,
    gradient: Mapping[str, np.ndarray],
    finite: bool,
) -> Line:
    """The errors beside their bounds."""
    precision, notes, outside = PRECISIONS[dtype], list[str](), list[str]()
    unit = 2.0**-precision.computed
    scale = max(1.0, abs(right))
    error = abs(value - right) / scale
    bound = MULTIPLE * (judged.radius[precision.computed] / scale + unit)
    if not math.isfinite(bound):
        notes.append("no digit of the value is certain")
    if not (error <= bound or (math.isfinite(value) and math.isnan(bound))):
        outside.append("the value")
    worst = (0.0, 0.0)
    for n, found in gradient.items():
        wanted, radius = judged.gradient[n], judged.radii[precision.computed][n]
        peak = float(np.nanmax(np.abs(wanted), initial=0.0))
        if peak > precision.largest:
            notes.append(f"the gradient in {n} is beyond {dtype}")
            continue
        scale = max(1.0, peak)
        off = float(np.max(np.abs(found - wanted), initial=0.0)) / scale
        allowed = MULTIPLE * (float(np.max(radius, initial=0.0)) / scale + unit)
        allowed += 2.0**-precision.kept + precision.least
        if not math.isfinite(allowed):
            notes.append(f"no digit of the gradient in {n} is certain")
        if off > allowed and judged.edge and math.isfinite(off):
            notes.append(f"the gradient in {n} has no value where a q is 0")
            continue
        if not off <= allowed:
            outside.append(f"the gradient in {n}")
        if not math.isfinite(off) or off / allowed >= (worst[0] / worst[1] if worst[1] else 0.0):
            worst = (off, allowed)
    if outside:
        notes.insert(0, f"OUTSIDE: {' and '.join(outside)}{'' if finite else ', not finite'}")
    what = "; ".join(notes) or "within bound"
    return Line(case, dtype, what, not outside, finite, error, bound, *worst)
