"""Emitted Triton kernels, run by the interpreter: against the formulas, and where kernels break."""

from __future__ import annotations

import inspect
import itertools
import math
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from catalog.divergences import DIVERGENCES
from catalog.load import load_text
from catalog.registry import all_methods, load
from catalog.spec import Method
from codegen import oracle
from codegen.emit import Refused, emit, refusal
from codegen.execute import Result, interpreted, module, program_of, run, tensor
from codegen.ir import Program
from codegen.layout import WIDTH
from codegen.samples import Sample, sample
from codegen.targets.triton import unsuited
from iconograph.composition import compose

torch = pytest.importorskip("torch")
pytest.importorskip("triton")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from tests.selection import kinds, representatives  # noqa: E402
from tests.triton_programs import made, text  # noqa: E402

# pairs outside the tile may be no numbers: they are masked, and numpy does not know that
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

EXACT = 1e-10  # float64 against the formulas, value and gradient, relative to the largest entry
UPSTREAM = -2.5  # the gradient that comes from above: neither 1 nor positive
NARROW, WIDE = 3, 11  # lengths of feature vectors below and above where products of tiles begin
TOLERANCE = {"float32": (2e-5, 2e-4), "bfloat16": (2e-2, 1e-1), "float16": (4e-3, 2e-2)}


@cache
def program(name: str) -> Program:
    return program_of(load(name))


def shape(m: Method) -> list[str]:
    """What distinguishes the kernels of a method, besides its p, q and normalisation."""
    traits = []
    for r in program(m.id).reductions:
        k = r.log_kernel
        traits += [f"{r.plan} {r.target.form} {r.target.symmetrised}", f"allowed {r.allowed.kind}"]
        traits += [f"{r.plan.sums} {p.axis}" for p in k.parameters]
        traits.append(f"{len(r.batch)} loops, {len(k.atoms)} scores")
    return [*kinds(m), *traits]


WRITTEN = [m for m in all_methods() if refusal(m) is None and unsuited(program(m.id)) is None]
METHODS = [m.id for m in representatives(WRITTEN, shape)]
PLAIN = ["simclr", "supcon", "clip", "t-sne", "siglip", "sne"]  # one of each kind of kernel


@cache
def data(name: str, size: int, dimension: int, seed: int = 0) -> Sample:
    return sample(load(name), seed, size=size, dimension=dimension)


def error(found: Result, value: Any, gradient: Any, upstream: float = 1.0) -> float:
    """The largest error of value and gradient, relative to the largest entry (or 1)."""
    errors = [abs(float(np.sum(found.value)) - value) / max(1.0, abs(value))]
    for name, g in found.gradient.items():
        right = upstream * np.asarray(gradient[name], dtype=float)
        errors.append(float(np.max(np.abs(g - right)) / max(1.0, np.max(np.abs(right)))))
    return max(errors, key=lambda e: math.inf if math.isnan(e) else e)


def against_formulas(found: ModuleType, name: str, dimension: int, term: str) -> float:
    p, s = program(name), data(name, 5, dimension)
    choices = {"term": term} if p.kl else {}
    result = run(found, p, "streaming", s, upstream=UPSTREAM, **choices)
    numbers = [a.symbol for a in p.arguments if a.kind == "number" and not a.shape]
    right = oracle.loss(load(name), s.sizes, s.data, term=term, wanted=numbers)
    return error(result, right.value, right.gradient, UPSTREAM)


@cache
def reference(name: str) -> ModuleType:
    return module(emit(load(name)), name.replace("-", "_"))


@pytest.mark.parametrize("name", METHODS)
def test_value_and_gradient_are_those_of_the_formulas(name: str) -> None:
    for dimension, term in ((NARROW, "kl"), (WIDE, "cross_entropy")):
        assert against_formulas(made(name), name, dimension, term) < EXACT


@pytest.mark.parametrize("name", METHODS)
def test_several_tiles_of_odd_size_agree_with_dense(name: str) -> None:
    loops = any(r.batch for r in program(name).reductions)
    s = data(name, 6 if loops else 19, WIDE, 3)
    result = run(made(name), program(name), "streaming", s, upstream=UPSTREAM)
    right = run(reference(name), program(name), "dense", s, upstream=UPSTREAM)
    assert error(result, float(right.value), right.gradient) < EXACT


ORDERED = [name for name, d in DIVERGENCES.items() if d.ordered]
COMPOSED = [  # every divergence, with every q and normalisation in turn
    (p, q, divergence, normalise)
    for divergence, (p, q, normalise) in zip(
        [name for name in DIVERGENCES if name != "kl"],
        itertools.cycle([
            ("softmax", "student-t", "joint"), ("gaussian", "cosine", None),
            ("smoothed", "gaussian", None), ("gaussian", "cluster", None),
            ("softmax", "inverse-power", "row-and-column"),
        ]),
        strict=False,
    )
]  # fmt: skip


@pytest.mark.parametrize(("p", "q", "divergence", "normalise"), COMPOSED)
def test_every_divergence_agrees_with_dense(
    p: str, q: str, divergence: str, normalise: str | None
) -> None:
    order = "1/2" if divergence in ORDERED else None
    m = compose(p, q, divergence=divergence, order=order, normalise=normalise)
    written, s = program_of(m), sample(m, 1, size=6, dimension=WIDE)
    result = run(interpreted(emit(m, "triton")), written, "streaming", s, upstream=UPSTREAM)
    right = run(module(emit(m)), written, "dense", s, upstream=UPSTREAM)
    assert error(result, float(right.value), right.gradient) < EXACT


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", PLAIN)
def test_low_precision_inputs(name: str, dtype: str) -> None:
    p, s = program(name), data(name, 9, WIDE)
    rounded = Sample(s.sizes, {
        a.symbol: torch.tensor(s.data[a.symbol], dtype=torch.float64)
        .to(getattr(torch, dtype)).double().tolist() if a.kind == "number" else s.data[a.symbol]
        for a in p.arguments
    })  # fmt: skip
    exact = run(reference(name), p, "dense", rounded)
    low = run(made(name), p, "streaming", rounded, dtype=dtype)
    value, gradient = TOLERANCE[dtype]
    assert abs(low.value - exact.value) <= value * max(1.0, abs(exact.value))
    for symbol, right in exact.gradient.items():
        worst = np.max(np.abs(low.gradient[symbol] - right))
        assert worst <= gradient * max(1.0, np.max(np.abs(right))), symbol


# --------------------------------------------------------------------------- where kernels break


def points(n: int, d: int = 12, seed: int = 0, dtype: Any = None) -> Any:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return z.to(dtype or torch.float32).requires_grad_()


@pytest.mark.parametrize("n", [1, 2])
def test_few_points_give_numbers(n: int) -> None:
    z, y, others = points(n), points(n, 2), torch.arange(n).roll(1)
    calls = [
        (made("simclr").simclr_loss(z, target=others, temperature=0.1), z),
        (made("supcon").supcon_loss(z, labels=torch.zeros(n).long(), temperature=0.1), z),
        (made("t-sne").t_sne_loss(y, points=z.detach(), bandwidth=torch.ones(n)), y),
        (made("sne").sne_loss(y, points=z.detach(), bandwidth=torch.ones(n), term="kl"), y),
    ]
    for value, inputs in calls:
        assert value.isfinite()
        assert torch.autograd.grad(value, inputs)[0].isfinite().all()
        if n == 1:
            assert value == 0  # nobody to compare with


def test_rows_without_positives_never_give_nan() -> None:
    z, labels = points(6), torch.tensor([0, 0, 1, 2, 3, 3])  # two rows alone in their class
    loss = made("supcon").supcon_loss
    rows = loss(z, labels=labels, temperature=0.5, reduction="none")
    assert rows[2] == rows[3] == 0
    assert (rows[[0, 1, 4, 5]] > 0).all()
    mean = loss(z, labels=labels, temperature=0.5)
    assert mean.item() == pytest.approx(rows.sum().item() / 4)
    assert torch.autograd.grad(mean, z)[0].isfinite().all()
    nobody = loss(z, labels=torch.arange(6), temperature=0.5)
    assert nobody == 0
    assert torch.autograd.grad(nobody, z)[0].abs().max() == 0


@pytest.mark.parametrize(("scale", "tau"), [(1.0, 0.01), (25.0, 0.1), (1e-4, 0.1)])
def test_extreme_scores(scale: float, tau: float) -> None:
    labels = torch.arange(40) % 3
    exact = (points(40, dtype=torch.float64).detach() * scale).requires_grad_()
    low = exact.detach().float().requires_grad_()
    right = reference("supcon").supcon_dense(exact, labels=labels, temperature=tau)
    mine = made("supcon").supcon_loss(low, labels=labels, temperature=tau)
    assert mine.item() == pytest.approx(right.item(), rel=2e-6)
    (g,), (h,) = torch.autograd.grad(mine, low), torch.autograd.grad(right, exact)
    assert (g - h).abs().max() < 2e-3 * h.abs().max()


# scores without a maximum; with one, and one exponential for both directions of a pair; with two
WAYS = {
    "bounded": "\nSAFE = 1e9\n",
    "near": "\nSAFE = 0.0\n",
    "far": "\nSAFE = 0.0\n_near = _roots\n"
           "def _roots(ask, *partitions):\n    return (False, *_near(ask, *partitions)[1:])\n",
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_all_ways_of_summing_agree(dtype: str) -> None:
    z, labels = points(20, dtype=getattr(torch, dtype)), torch.arange(20) % 3
    image, other = z[:9], z[9:18]
    found = []
    for way in WAYS.values():
        one, two = (interpreted(text(n) + way) for n in ("supcon", "clip"))
        value = one.supcon_loss(z, labels=labels, temperature=0.5)
        value = value + two.clip_loss(image, other, t=0.5)
        found.append(torch.cat([value.detach()[None], *torch.autograd.grad(value, z)[0]]))
    limit = 1e-13 if dtype == "float64" else 1e-5
    assert (found[0] - found[1]).abs().max() < limit
    assert (found[0] - found[2]).abs().max() < limit


def test_partitions_far_from_each_other_take_two_exponentials() -> None:
    # the scores of one row are 400 powers of two above those of the others
    exact = points(8, 12, dtype=torch.float64).detach()
    exact[0] *= 60
    exact = exact.requires_grad_()
    low, labels = exact.detach().float().requires_grad_(), torch.arange(8) % 2
    assert not made("supcon")._roots(True, torch.tensor([0.0, 400.0]))[0]
    right = reference("supcon").supcon_dense(exact, labels=labels, temperature=0.1)
    mine = made("supcon").supcon_loss(low, labels=labels, temperature=0.1)
    (g,), (h,) = torch.autograd.grad(mine, low), torch.autograd.grad(right, exact)
    assert (g - h).abs().max() < 2e-3 * h.abs().max()


def test_feature_vectors_longer_than_a_slice() -> None:
    image, other = (points(5, 300, seed, torch.float64) for seed in (0, 1))
    for name in ("clip", "harmonic"):
        p, s = program(name), data(name, 5, 300)
        result = run(made(name), p, "streaming", s, upstream=UPSTREAM)
        right = run(reference(name), p, "dense", s, upstream=UPSTREAM)
        assert error(result, float(right.value), right.gradient) < EXACT
    assert made("clip").clip_loss(image, other, t=0.0).isfinite()


def test_the_gradient_that_comes_from_above_differs_from_row_to_row() -> None:
    z, labels = points(18, dtype=torch.float64), torch.arange(18) % 4
    above = torch.linspace(-1, 2, 18, dtype=torch.float64)
    grads = []
    for loss in (made("supcon").supcon_loss, reference("supcon").supcon_dense):
        rows = loss(z, labels=labels, temperature=0.5, reduction="none")
        grads.append(torch.autograd.grad((rows * above).sum(), z)[0])
    assert (grads[0] - grads[1]).abs().max() < EXACT


def test_nothing_of_the_size_of_all_pairs_is_made() -> None:
    class Largest(TorchDispatchMode):
        size = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            for value in out if isinstance(out, tuple | list) else [out]:
                if isinstance(value, torch.Tensor):
                    self.size = max(self.size, value.numel())
            return out

    z, labels = points(40, 4), torch.arange(40) % 3
    sizes = []
    for loss in (made("supcon").supcon_loss, reference("supcon").supcon_dense):
        with Largest() as seen:
            loss(z, labels=labels, temperature=0.5, term="kl").backward()
        sizes.append(seen.size)
    assert sizes[0] <= 40 * 4
    assert sizes[1] >= 40 * 40  # the measure sees what is that large


@pytest.mark.parametrize("name", ["simclr", "clip"])
def test_torch_may_compile_and_check_the_operators(name: str) -> None:
    s, p, found = data(name, 5, WIDE), program(name), made(name)
    values = {a.name: tensor(a, s.data[a.symbol], "float32") for a in p.arguments}
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    loss = getattr(found, f"{p.name}_loss")
    torch._dynamo.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    grads = [torch.autograd.grad(f(*first, **values), first) for f in (loss, compiled)]
    for mine, right in zip(*grads, strict=True):
        assert (mine - right).abs().max() < 1e-6
    operator, seen = found._sums, []
    found._sums = lambda *args: seen.append(args) or operator(*args)  # type: ignore[attr-defined]
    try:
        loss(*first, **values)
    finally:
        found._sums = operator  # type: ignore[attr-defined]
    torch.library.opcheck(operator, seen[0])


def test_a_second_derivative_is_refused() -> None:
    z = points(6)
    value = made("simclr").simclr_loss(z, target=torch.arange(6).roll(1), temperature=0.5)
    (g,) = torch.autograd.grad(value, z, create_graph=True)
    with pytest.raises(RuntimeError, match="gradients"):
        g.sum().backward()


def test_kernels_on_the_cpu_say_that_they_need_a_gpu() -> None:
    found = interpreted(text("simclr") + "\nINTERPRETED = tl.constexpr(False)\n")
    with pytest.raises(ValueError, match=r"^z is on the CPU, these kernels need a GPU"):
        found.simclr_loss(points(4), target=torch.arange(4).roll(1), temperature=0.5)


# --------------------------------------------------------------------------- the file


@pytest.mark.parametrize("name", METHODS)
def test_the_call_is_that_of_the_torch_target(name: str) -> None:
    p = program(name)
    here, there = made(name), reference(name)
    for function in (f"{p.name}_loss", f"{p.class_name}Loss"):
        mine, theirs = getattr(here, function), getattr(there, function)
        assert inspect.signature(mine) == inspect.signature(theirs)
        args = [(f.__doc__ or "").partition("Args:")[2] for f in (mine, theirs)]
        half = "Half precision is computed in float32; "  # in kernels it stays in the products
        assert args[0] == args[1].replace(half, "")


def test_a_file_stands_alone_and_has_no_atomics(tmp_path: Path) -> None:
    for name in METHODS:
        source = text(name)
        modules = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE))
        assert modules <= {"torch", "triton", "math", "os", "typing", "collections", "__future__"}
        assert "tl.atomic" not in source
        # what torch itself does with atomics
        assert ".index_add(" not in source and ".scatter" not in source
        assert max(map(len, source.splitlines())) <= WIDTH, name
        (tmp_path / f"{name.replace('-', '_')}.py").write_text(source)
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff is not None
    config = Path(__file__).parent.parent / "pyproject.toml"
    command = [ruff, "check", "--no-cache", "--config", str(config), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


FORMULA = """
id = "mine"
name = "A p that divides by the number of positives"
field = "supervised"
year = 2025
cite = "mine2025"
[learned]
z = "vector[i]"
[given]
y = "label[i]"
[define]
"P(i)" = "{ j : j != i and y[j] = y[i] }"
[p]
kernel = "formula"
formula = "[j in P(i)] / size(P(i))"
[q]
kernel = "student-t"
embedding = "z"
[claim]
relation = "definition"
"""


def test_sums_that_a_formula_divides_by_are_swept_too() -> None:
    m = load_text(FORMULA)
    source = emit(m, "triton")
    assert "row_sum_1 = _fixed(_row_sum_1, " in source
    found, right = interpreted(source), module(emit(m))
    z, labels = points(18, dtype=torch.float64), torch.tensor([*[0] * 8, *[1] * 9, 2])
    rows, exact = (f(z, y=labels, reduction="none") for f in (found.mine_loss, right.mine_dense))
    assert (rows - exact).abs().max() < EXACT
    assert rows[-1] == 0  # nobody of its label


REASONS = {
    "debiased-q-contrastive": "itself a sum over learned pairs",
    "cross-entropy": "the scores of all pairs are an argument",
    "focal": "convex and decreasing",
}


@pytest.mark.parametrize("name", REASONS)
def test_what_has_no_tiles_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(Refused, match=REASONS[name]):
        emit(load(name), "triton")


GROUPED = {"two tiles of rows each": 2, "some without rows": 7}  # of 50 rows in tiles of 16


def grouped(source: str, groups: int, t: float) -> tuple[Any, Any, int]:
    """The gradient of CLIP with rows in groups, that of its dense form, launches forward."""
    found = interpreted(source)
    launches, kernel = [], found._sums_kernel
    found._sums_kernel = Counted(kernel, launches)  # type: ignore[attr-defined]
    found._groups = lambda _: groups  # type: ignore[attr-defined]
    image, other = (points(50, 4, seed, torch.float64) for seed in (0, 1))
    above = torch.linspace(-1, 2, 100, dtype=torch.float64)
    grads = []
    for loss in (found.clip_loss, reference("clip").clip_dense):
        rows = loss(image, other, t=t, reduction="none")
        pulled = torch.autograd.grad((rows * above).sum(), (image, other))
        grads.append(torch.cat([rows.detach(), *(g.flatten() for g in pulled)]))
    return grads[0], grads[1], len(launches)


class Counted:
    """A kernel that counts its launches."""

    def __init__(self, kernel: Any, launches: list[Any]) -> None:
        self.kernel, self.launches = kernel, launches

    def __getitem__(self, grid: Any) -> Any:
        self.launches.append(grid)
        return self.kernel[grid]


@pytest.mark.parametrize("groups", GROUPED.values(), ids=GROUPED)
@pytest.mark.parametrize("t", [0.5, 6.0], ids=["bounded scores", "running maximum"])
def test_one_product_gives_the_partitions_of_both_directions(groups: int, t: float) -> None:
    found, right, launches = grouped(text("clip"), groups, t)
    assert ((found - right).abs() <= EXACT * right.abs().clamp(min=1)).all()
    assert launches == 1


@pytest.mark.parametrize(
    ("t", "right", "wrong"),
    [
        (0.5, "for _ in range(0, groups):", "for _ in range(1, groups):"),
        (0.5, "column_total += tl.sum(raised, 0)", "column_total = tl.sum(raised, 0)"),
        (6.0, "more * tl.exp2(top - shift)", "more"),
        (6.0, "again, other=-INFINITE)", "(top < 0), other=-INFINITE)"),
    ],
)
def test_a_lost_sum_of_a_column_is_seen(t: float, right: str, wrong: str) -> None:
    assert right in text("clip")
    found, exact, _ = grouped(text("clip").replace(right, wrong), 2, t)
    assert not (found - exact).abs().max() < 1e-3


def test_the_sums_of_columns_take_memory_that_grows_as_the_points_do() -> None:
    assert [made("clip")._groups(n) for n in (1, 32, 33, 8192, 10**6)] == [1, 1, 2, 256, 256]
    assert "at most 256 sums of each column" in " ".join(text("clip").split())
    assert "at most 256 sums of each column" not in " ".join(text("simclr").split())


# Changes of a program that a reader might overlook.
PLANTED = [
    ("simclr", "* (row_upstream[:, None] + column_upstream[None, :])", "* row_upstream[:, None]"),
    ("simclr", "columns[None, :] != rows[:, None]", "columns[None, :] >= 0"),
    ("simclr", "found = [grad_left, 0.5 *", "found = [grad_left,"),
    ("supcon", "grad_left = grad_left * scale", "grad_left = grad_left"),
    ("supcon", "total += tl.sum(tl.exp2(exponent), 1)", "total = tl.sum(tl.exp2(exponent), 1)"),
    ("clip", "column_upstream * torch.exp2(-column_log", "column_upstream * torch.exp2(-log"),
    ("clip", "mask=inside & again, other=0.0", "mask=inside & (top < 0), other=0.0"),
    ("clip", "allowed = allowed & (rows < row_count)[:, None]", "allowed = allowed"),
    ("t-sne", "p_ij = (p_ij + p_ji) *", "p_ij = (p_ij + p_ij) *"),
    ("t-sne", "tl.where(one, tl.sum(slope", "tl.where(one, 0.99 * tl.sum(slope"),
    ("sne", "weight += p_ij * ", "weight += p_ji * "),
    ("siglip", "(tl.sigmoid(log_kernel) - p_ij) *", "(tl.sigmoid(log_kernel) + p_ij) *"),

]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong"), PLANTED)
def test_a_planted_error_is_caught(name: str, right: str, wrong: str) -> None:
    assert right in text(name)
    broken = interpreted(text(name).replace(right, wrong))
    p, s = program(name), data(name, 19, NARROW)
    result = run(broken, p, "streaming", s, upstream=UPSTREAM)
    exact = run(reference(name), p, "dense", s, upstream=UPSTREAM)
    assert not error(result, float(exact.value), exact.gradient) < 1e6 * EXACT
