"""Compiled loops: against the formulas, and where loops break. One extension serves all tests.

Where there is no C++ compiler the file says so, and tests what its programs do then.
"""

from __future__ import annotations

import ctypes
import math
import os
import re
import shlex
import shutil
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from catalog.registry import all_methods, load
from catalog.spec import Method
from codegen import oracle
from codegen.cpu_printer import CPP, CppPrinter, inverses
from codegen.emit import Refused, emit, refusal
from codegen.execute import Result, module, program_of, run
from codegen.layout import WIDTH
from codegen.numerics import report
from codegen.samples import Sample, sample
from iconograph.composition import compose
from tests.selection import representatives
from tests.test_codegen_offsets import points as clustered

torch = pytest.importorskip("torch")
import sympy  # noqa: E402

pytestmark = pytest.mark.xdist_group("cpu")  # its programs are compiled once, in one worker
EXACT = 1e-10  # float64 against the formulas, value and gradient, relative to the largest entry
SINGLE = 2e-5
UPSTREAM = -2.5  # the gradient that comes from above: neither 1 nor positive
SIZES = ((5, 3, 3), (7, 6, 4))  # points, coordinates (few and many), width of a tile
COMPOSED = {  # p, q, normalisation, divergence: what the catalog has no method of
    "jsd, joint": ("softmax", "student-t", "joint", "jsd"),
    "tv, pair": ("match", "sigmoid", "pair", "tv"),
    "reverse, row": ("weights", "cosine", "row", "reverse-kl"),
    "given, joint": ("given", "student-t", "joint", "kl"),
    "weights, joint": ("weights", "student-t", "joint", "kl"),
    "given, inverse power": ("given", "inverse-power", "joint", "kl"),
}


def method(name: str) -> Method:
    if name not in COMPOSED:
        return load(name)
    p, q, normalise, divergence = COMPOSED[name]
    return compose(p, q, normalise=normalise, divergence=divergence, name="mine")


def kinds(m: Method) -> Iterator[str]:
    """What tells loops apart: the form of the sums, who has a gradient, what torch gives them."""
    for r in program_of(m).reductions:
        plan, k = r.plan, r.log_kernel
        form = f"{r.normalise} {plan.sums}"
        yield f"{form}, symmetric {plan.symmetric}, columns {plan.columns}"
        yield f"{form}, expected {plan.expected}"
        yield f"{plan.sums}, allowed {r.allowed.kind}"
        yield f"q {m.icon.q.name} {r.normalise}"
        yield from (f"{plan.sums}, {p.axis}" for p in k.parameters)
        yield from (f"{plan.sums}, {a.kind}" for a in k.atoms)


PAIRWISE = [m for m in all_methods() if refusal(m) is None and program_of(m).reductions]
PLAIN = ["simclr", "clip", "infonce", "supcon", "sne", "t-sne", "siglip"]
METHODS = [*(m.id for m in representatives(PAIRWISE, kinds)), *COMPOSED]
EVERY = list(dict.fromkeys([*METHODS, *PLAIN]))
PLANTED = {  # a name: the method, a line of its loops, and what a slip would make of it
    "one side": ("simclr", "(at_share + at_column_share)", "at_share"),
    "self pair": ("t-sne", "allowed = c != self", "allowed = true"),
    "slope": ("sne", "decay(log_kernel - at_log_partition)", "1.001 * decay(log_kernel)"),
    "diagonal": ("supcon", "tile.diagonal ? none : total", "total"),
    "series": ("clip", "0.166666666666666675, 0.5}", "0.166666666666666675, 0.5001}"),
}
LINES = {  # a slip that shows where a tile has whole cache lines
    "exchanged": ("given, joint", "COUNT + I - STEP + SKIP", "COUNT + I - STEP"),
}
COMPILER = shlex.split(os.environ.get("CXX", "c++"))[0]
compiles = pytest.mark.skipif(
    shutil.which(COMPILER) is None,
    reason=f"no C++ compiler {COMPILER!r} here: only what programs do without one is tested",
)


@dataclass
class Built:
    """Programs whose loops are compiled."""

    programs: dict[str, Any]
    wrong: dict[str, Any]


@cache
def text(name: str) -> str:
    return emit(method(name), "cpu")


def broken(name: str, right: str, wrong: str, tag: str) -> Any:
    """A program with a slip in its C++, under operators of its own."""
    made = text(name)
    start = made.index("SOURCE = ")
    assert right in made[start:]
    operators = re.findall(r'OPERATORS = "(\w+)"', made)[0]
    slip = made[:start] + made[start:].replace(right, wrong)
    return module(slip.replace(operators, f"{operators}_{tag.replace(' ', '_')}"))


ELEMENTARY = ("exponential", "logarithm", "softplus", "sigmoid", "decay")
TRY = """
namespace {space} {{
template <typename T, typename F>
void each(const at::Tensor& x, const at::Tensor& y, F f) {{
  const T* from = data<T>(x);
  T* to = data<T>(y);
#pragma omp simd
  for (int64_t c = 0; c < x.numel(); ++c) to[c] = f(from[c]);
}}
TORCH_LIBRARY(iconograph_elementary, m) {{
{definitions}
}}
}}
"""
ONE = """
  m.def("{0}(Tensor x, Tensor(a!) y) -> ()", [](const at::Tensor& x, const at::Tensor& y) {{
    if (x.scalar_type() == at::kDouble) each<double>(x, y, [](double v) {{ return {0}(v); }});
    else each<float>(x, y, [](float v) {{ return {0}(v); }});
  }});
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """All programs of this file, their C++ in one library."""
    folder, threads = tmp_path_factory.mktemp("extensions"), torch.get_num_threads()
    made = Built(
        {name: module(text(name)) for name in EVERY},
        {tag: broken(*slip, tag) for tag, slip in (PLANTED | LINES).items()},
    )
    first, *rest = [*made.programs.values(), *made.wrong.values()]
    unlike = {m.OPERATORS: m.SOURCE for m in rest if m.OPERATORS != first.OPERATORS}
    space = re.findall(r"namespace (\w+) \{", text("siglip"))[0]
    tried = TRY.format(space=space, definitions="".join(ONE.format(n) for n in ELEMENTARY))
    source, flags = first.SOURCE, first.FLAGS
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_EXTENSIONS_DIR", str(folder))
        first.SOURCE = "\n".join([source, *map(lighter, unlike.values()), tried])
        first.FLAGS = ["-O1", *flags[1:]]  # loops marked simd are vectorised all the same
        torch.ops.load_library(first._library())
        first.SOURCE, first.FLAGS = source, flags
    torch.set_num_threads(2)
    yield made
    torch.set_num_threads(threads)


def lighter(source: str) -> str:
    """C++ for double alone, but for the methods that are tested in single precision."""
    names = [text(name) for name in PLAIN]
    if any(source in name for name in names):
        return source
    return re.sub(r"run<(\w+)<float>,", r"run<\1<double>,", source)


@cache
def data(name: str, size: int, dimension: int) -> Sample:
    return sample(method(name), 0, size=size, dimension=dimension)


@cache
def formulas(name: str, size: int, dimension: int) -> oracle.Answer:
    s, program = data(name, size, dimension), program_of(method(name))
    numbers = [a.symbol for a in program.arguments if a.kind == "number" and not a.shape]
    return oracle.loss(method(name), s.sizes, s.data, wanted=numbers)


def found(name: str, made: ModuleType, size: int, dimension: int, **choices: Any) -> Result:
    program = program_of(method(name))
    term = {"term": "kl"} if program.kl else {}
    s = data(name, size, dimension)
    return run(made, program, "streaming", s, upstream=UPSTREAM, **term, **choices)


def error(name: str, made: ModuleType, size: int, dimension: int, **choices: Any) -> float:
    """The largest error of value and gradient, relative to the largest entry (or 1)."""
    right, mine = formulas(name, size, dimension), found(name, made, size, dimension, **choices)
    errors = [abs(float(mine.value) - right.value) / max(1.0, abs(right.value))]
    for symbol, gradient in mine.gradient.items():
        wanted = UPSTREAM * np.asarray(right.gradient[symbol], dtype=float)
        errors.append(float(np.max(np.abs(gradient - wanted)) / max(1.0, np.max(np.abs(wanted)))))
    return float(np.max(errors))  # a NaN stays one


# --------------------------------------------------------------------------- value and gradient


@compiles
@pytest.mark.parametrize("name", EVERY)
def test_value_and_gradient_are_those_of_the_formulas(built: Built, name: str) -> None:
    made = built.programs[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # falling back would warn
        for size, dimension, side in SIZES:
            made.TILE = side
            assert error(name, made, size, dimension) < EXACT, side
    assert made._operators() is not None


@compiles
@pytest.mark.parametrize("name", PLAIN)
def test_single_precision(built: Built, name: str) -> None:
    made = built.programs[name]
    made.TILE = 4
    assert error(name, made, 7, 6, dtype="float32") < SINGLE


@compiles
@pytest.mark.parametrize("tag", PLANTED)
def test_a_planted_error_is_caught(built: Built, tag: str) -> None:
    name = PLANTED[tag][0]
    worst = 0.0
    for size, dimension, side in SIZES:
        built.wrong[tag].TILE = side
        worst = max(worst, error(name, built.wrong[tag], size, dimension))
    assert not worst < 100 * EXACT


def test_the_methods_have_every_kind_of_loop() -> None:
    every = {k for m in PAIRWISE for k in kinds(m)}
    assert {k for n in METHODS if n not in COMPOSED for k in kinds(load(n))} == every
    assert any("symmetric True" in k for k in every) and any("columns True" in k for k in every)
    assert {f"q {q} row" for q in ("cosine", "gaussian", "student-t", "logit", "cluster")} <= every
    assert set(kinds(load("simclr"))) != every  # one method would not do


# --------------------------------------------------------------------------- numbers


REFERENCE: dict[str, Any] = {
    "exponential": np.exp,
    "logarithm": np.log,
    "softplus": lambda x: np.logaddexp(0, x),
    "sigmoid": lambda x: np.exp(-np.logaddexp(0, -x)),
}


def relative(mine: Any, right: Any) -> float:
    return float(np.max(np.abs(mine - right) / np.maximum(np.abs(right), 1e-300)))


def applied(name: str, x: Any) -> Any:
    given = torch.from_numpy(x)
    out = torch.empty_like(given)
    getattr(torch.ops.iconograph_elementary, name)(given, out)
    return out.numpy()


@compiles
@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elementary_functions_have_their_digits(built: Built, name: str, dtype: str) -> None:
    wide = 80.0 if dtype == "float32" else 690.0
    x = np.linspace(-wide, wide, 200_001).astype(dtype)
    if name == "logarithm":
        x = np.concatenate([np.exp(x), np.linspace(0.5, 1.5, 100_001).astype(dtype)])
        x = x[x != 1]
    right = REFERENCE[name](x.astype("longdouble"))
    lost = 4 * float(np.finfo(dtype).eps)
    assert relative(applied(name, x), right) < lost
    assert not relative(applied(name, x), right * (1 + 2 * lost)) < lost


@compiles
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elementary_functions_at_the_ends(built: Built, dtype: str) -> None:
    tiny = float(np.finfo(dtype).smallest_subnormal)
    x = np.array([0, -math.inf, math.inf, math.nan, 1, -1, tiny, 1e5, -1e5], dtype=dtype)
    e, log = applied("exponential", x), applied("logarithm", x)
    assert e[0] == 1 and e[1] == 0 and e[2] == math.inf and np.isnan(e[3])
    assert e[7] == math.inf and e[8] == 0
    assert log[0] == log[1] - math.nan or (log[0] == -math.inf and np.isnan(log[1]))
    assert log[2] == math.inf and np.isnan(log[3]) and log[4] == 0 and np.isnan(log[5])
    assert math.isclose(log[6], math.log(tiny), rel_tol=1e-6)
    soft = applied("softplus", x)
    assert soft[1] == 0 and soft[2] == math.inf and np.isnan(soft[3]) and soft[7] == x[7]
    kept = applied("decay", np.array([-59.0, -61.0, -math.inf, 0.0], dtype=dtype))
    assert kept[0] > 0 and kept[1] == kept[2] == 0 and kept[3] == 1


@compiles
@pytest.mark.parametrize("name", ["simclr", "supcon", "clip", "infonce", "siglip"])
def test_hard_data_stay_within_the_bounds_of_rounding(built: Built, name: str) -> None:
    """Duplicates, one point, scores of 1e4, minus infinity, rows without a p, four dtypes."""
    lines = report(load(name), "cpu", text(name))
    assert len(lines) >= 20 and [line for line in lines if not line.within] == []
    assert built.programs[name]._operators() is not None


@compiles
@pytest.mark.parametrize("name", ["t-sne", "siglip", *COMPOSED])
def test_nan_in_the_supervision_is_nan_in_the_loss(built: Built, name: str) -> None:
    """Where the sum over a row does not tell, no comparison in the loops takes NaN for 0."""
    made, program = built.programs[name], program_of(method(name))
    given = [a for a in program.arguments if a.kind == "number" and a.shape and not a.positional]
    assert given or name in ("siglip", "tv, pair")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "_at_hand", lambda value: False, raising=False)
        for a in given:
            s = sample(method(name), 0, size=6, dimension=5)
            values = np.asarray(s.data[a.symbol], dtype=float)
            values[(0, 1)[-values.ndim :]] = math.nan
            bad = Sample(s.sizes, {**s.data, a.symbol: values.tolist()})
            assert math.isnan(run(made, program, "streaming", bad).value), a.name


@compiles
def test_distances_keep_their_digits_far_from_the_origin_and_between_clusters(built: Built) -> None:
    z, _ = clustered(far=1e4, apart=1.0)
    assert lost(built, z) < 5e-6
    z, _ = clustered(far=0.0, apart=1e3)
    assert lost(built, z) < 1e-3


def lost(built: Built, z: Any) -> float:
    """How far the gradient of t-SNE in float32 is from that in float64, relative to its length."""
    made = built.programs["t-sne"]
    made.TILE = 16
    data = torch.randn(len(z), 5, generator=torch.Generator().manual_seed(1))
    found = []
    for dtype in (torch.float32, torch.float64):
        x = z.detach().to(dtype, copy=True).requires_grad_()
        width = torch.full((len(z),), 3.0, dtype=dtype)
        made.t_sne_loss(x, points=data.to(dtype), bandwidth=width).backward()
        found.append(x.grad.double())
    return float((found[0] - found[1]).norm() / found[1].norm())


CALLS: dict[str, Any] = {
    "simclr": lambda n, z: {"target": torch.arange(n).roll(1)},
    "supcon": lambda n, z: {"labels": torch.zeros(n).long()},
    "t-sne": lambda n, z: {"points": z.detach(), "bandwidth": torch.ones(n, dtype=z.dtype)},
}


def called(name: str, form: str, z: Any, made: ModuleType, **numbers: Any) -> tuple[Any, Any]:
    z = z.clone().requires_grad_()
    call = getattr(made, f"{name.replace('-', '_')}_{form}")
    value = call(z, **CALLS[name](len(z), z), **numbers)
    value.backward()
    return value.detach(), z.grad


@compiles
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("n", [1, 2, 3, 65])
def test_few_points_and_odd_sizes(built: Built, name: str, n: int) -> None:
    """Alone a point has no neighbour: its row has no sum, and still there is no NaN."""
    made = built.programs[name]
    made.TILE = 16
    numbers = {} if name == "t-sne" else {"temperature": 0.1}
    for dtype in (torch.float32, torch.float64):
        z = torch.randn(n, 5, generator=torch.Generator().manual_seed(1), dtype=dtype)
        value, gradient = called(name, "loss", z, made, **numbers)
        right, wanted = called(name, "dense", z.double(), made, **numbers)
        assert value.isfinite() and gradient.isfinite().all()
        close = 1e-4 if dtype == torch.float32 else EXACT
        assert abs(value - right) <= close * max(1, abs(right))
        assert (gradient - wanted).abs().max() <= close * max(1, wanted.abs().max())


@compiles
@pytest.mark.parametrize("name", ["simclr", "supcon"])
@pytest.mark.parametrize("temperature", [1.0, 0.1, 0.02, 1e-3])
def test_scores_of_any_size(built: Built, name: str, temperature: float) -> None:
    """From 0.02 on scores go beyond what is summed without a maximum."""
    made = built.programs[name]
    made.TILE = 16
    z = torch.nn.functional.normalize(torch.randn(50, 8, dtype=torch.float64), dim=1)
    z[3] = z[4]
    value, gradient = called(name, "loss", z, made, temperature=temperature)
    right, wanted = called(name, "dense", z, made, temperature=temperature)
    assert abs(value - right) <= EXACT * max(1, abs(right))
    assert (gradient - wanted).abs().max() <= EXACT * max(1, wanted.abs().max())


@compiles
@pytest.mark.parametrize("temperature", [0.1, 0.01])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_queue_of_keys(built: Built, frozen: bool, temperature: float) -> None:
    """Frozen keys: the gradient comes out of the forward sweep; and every thread has its sums."""
    made = built.programs["infonce"]
    made.TILE = 16
    generator = torch.Generator().manual_seed(0)
    c, z = (torch.randn(k, 8, generator=generator, dtype=torch.float64) for k in (37, 90))
    target = torch.randint(90, (37,), generator=generator)

    def gradients(form: str) -> list[Any]:
        a, b = c.clone().requires_grad_(), z.clone().requires_grad_(not frozen)
        call = getattr(made, f"infonce_{form}")
        value = call(c=a, z=b, target=target, temperature=temperature)
        value.backward()
        return [value.detach(), a.grad, *([] if frozen else [b.grad])]

    for mine, right in zip(gradients("loss"), gradients("dense"), strict=True):
        assert (mine - right).abs().max() <= EXACT * max(1, right.abs().max())


@compiles
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_weights_may_be_sparse(built: Built) -> None:
    made = built.programs["weights, joint"]
    made.TILE = 16
    weights = torch.rand(50, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = weights * (weights > 0.8)
    found = []
    for form, given in (("loss", weights.to_sparse_csr()), ("loss", weights), ("dense", weights)):
        z = torch.randn(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        value = getattr(made, f"mine_{form}")(z.requires_grad_(), pair_weights=given, term="kl")
        value.backward()
        found.append((value.detach(), z.grad))
    for value, gradient in found[:2]:
        assert abs(value - found[2][0]) < EXACT
        assert (gradient - found[2][1]).abs().max() < EXACT


@compiles
def test_a_matrix_that_is_read_both_ways_keeps_its_places(built: Built) -> None:
    """P beside its transpose: in squares of whole cache lines, and entry by entry beyond them."""
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(61, 61, generator=generator, dtype=torch.float64)
    z = torch.randn(61, 2, generator=generator, dtype=torch.float64)
    p = p.fill_diagonal_(0) / p.sum()

    def error(made: Any) -> float:
        made.TILE = 100  # for short vectors half of it: tiles of 50 and 11
        found = []
        for form in ("loss", "dense"):
            y = z.clone().requires_grad_()
            value = getattr(made, f"mine_{form}")(y, distribution=p)
            value.backward()
            found += [value.detach(), y.grad]
        mine, ours, right, theirs = found
        return float(max((mine - right).abs(), (ours - theirs).abs().max() / theirs.abs().max()))

    assert error(built.programs["given, joint"]) < EXACT
    for tag in LINES:
        assert error(built.wrong[tag]) > 1e3 * EXACT, tag


@compiles
def test_equal_threads_give_equal_bits(built: Built) -> None:
    made = built.programs["simclr"]
    made.TILE = 16
    z = torch.randn(200, 8, generator=torch.Generator().manual_seed(3))
    (first, one), (second, two) = (called("simclr", "loss", z, made, temperature=0.1)
                                   for _ in range(2))  # fmt: skip
    assert first == second and (one == two).all()
    torch.set_num_threads(1)
    _, alone = called("simclr", "loss", z, made, temperature=0.1)
    torch.set_num_threads(2)
    assert (one - alone).abs().max() < 1e-6


# --------------------------------------------------------------------------- without a compiler


def test_without_a_compiler_torch_visits_the_blocks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", "/bin/false")
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    slow = text("simclr").replace('OPERATORS = "', 'OPERATORS = "never_built_')
    made = module(slow)
    z = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with pytest.warns(RuntimeWarning) as caught:
        value, gradient = called("simclr", "loss", z, made, temperature=0.1)
    said = [str(w.message) for w in caught]
    assert said == [
        "simclr_loss runs its torch form, because its C++ loops cannot be compiled: "
        "/bin/false failed: exit status 1"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        called("simclr", "loss", z, made, temperature=0.1)
    right, wanted = called("simclr", "dense", z, made, temperature=0.1)
    assert abs(value - right) < EXACT and (gradient - wanted).abs().max() < EXACT
    assert not list(tmp_path.rglob("*.so"))


def test_a_compiler_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    made = module(text("simclr").replace('OPERATORS = "', 'OPERATORS = "never_built_'))
    with pytest.warns(RuntimeWarning, match="no-such-compiler"):
        assert made._operators() is None


@compiles
def test_two_may_build_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each builds in a folder of its own and moves the library to its place when it is whole."""
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    programs: list[Any] = [module(text("simclr")) for _ in range(2)]
    start = threading.Barrier(2)

    def build(made: Any) -> int:
        made.SOURCE = 'extern "C" int one() { return 1; }\n'
        start.wait()
        return int(ctypes.CDLL(str(made._library())).one())

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(build, programs)) == [1, 1]
    kept = sorted((p for p in tmp_path.rglob("*") if p.is_file()), reverse=True)
    assert [p.name for p in kept] == ["loops.so", "loops.sha256"]  # and nothing half made
    before = kept[0].stat().st_mtime_ns
    programs[0]._library()
    assert kept[0].stat().st_mtime_ns == before  # built once
    programs[0].SOURCE += "// another\n"
    assert programs[0]._library() != kept[0]


@compiles
@pytest.mark.parametrize("half", [True, False])
def test_a_library_that_is_damaged_is_built_again(
    half: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    # empty is as if it was not set
    monkeypatch.setenv("CXX", "" if COMPILER == "c++" else COMPILER)
    made: Any = module(text("simclr"))
    made.SOURCE = 'extern "C" int one() { return 1; }\n'
    library = made._library()
    whole = library.read_bytes()
    library.write_bytes(whole[: len(whole) // 2] if half else whole[:-1] + b"?")
    assert made._library() == library and library.read_bytes() == whole
    assert ctypes.CDLL(str(library)).one() == 1
    library.with_suffix(".sha256").unlink()  # as an earlier version left it
    assert made._library().read_bytes() == whole
    assert library.with_suffix(".sha256").exists()


@compiles
def test_building_is_announced_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    made: Any = module(text("simclr"))
    made.SOURCE = 'extern "C" int one() { return 1; }\n'
    for _ in range(2):
        made._library()
    said = capsys.readouterr()
    assert not said.out and said.err.startswith("compiling the loops of simclr_loss for this")
    assert said.err.count("\n") == 1


# --------------------------------------------------------------------------- the text


def test_an_adapter_calls_the_compiled_loss() -> None:
    added = emit(load("clip"), "cpu", adapter="two-view")
    assert added.startswith(text("clip").rstrip()) and len(added) > len(text("clip"))
    compile(added, "added", "exec")


@pytest.mark.parametrize("name", PLAIN)
def test_the_file_reads_well(name: str) -> None:
    made = text(name)
    source = made.split('SOURCE = r"""')[1]
    assert "codegen" not in made and "catalog" not in made
    assert set(re.findall(r"^(?:import|from) (\w+)", made, re.MULTILINE)) <= {
        "__future__", "collections", "contextlib", "functools", "hashlib", "math", "os", "pathlib",
        "platform", "shlex", "subprocess", "sys", "tempfile", "torch", "typing", "warnings",
    }  # fmt: skip
    formulas = [line for line in made.split("\n") if not line.startswith("          ")]
    assert max(map(len, formulas)) <= WIDTH
    for word in re.findall(r"const T (\w+) = ", source.split("TORCH_LIBRARY")[0]):
        assert len(re.findall(rf"\b{word}\b", source)) > 1, word  # nothing idle


def test_a_loss_without_pairs_is_refused() -> None:
    others = [m for m in all_methods() if refusal(m) is None and not program_of(m).reductions]
    assert others
    with pytest.raises(Refused, match=r"no compiled program, because .*the torch target writes"):
        emit(others[0], "cpu")


def test_numbers_and_powers_in_cpp() -> None:
    x = sympy.Symbol("x", positive=True)
    write = CppPrinter(CPP, {x: "x"})
    table = {
        x / 3: "x / 3",
        sympy.Rational(1, 3) + x: "x + T(0.3333333333333333)",
        x**3: "x * x * x",
        sympy.sqrt(x): "std::sqrt(x)",
        x ** sympy.Rational(3, 2): "exponential(T(1.5) * logarithm(x))",
        sympy.sqrt(1 - x**2): "std::sqrt(at_least_tiny(1 - x * x))",
        sympy.log(2) * x: "x * T(0.6931471805599453)",
        -1 / (x + 1): "-1 / (x + 1)",
    }
    assert {e: write(e) for e in table} == table
    below, swapped = inverses([1 / (x + 1), -1 / (x + 1) ** 2])
    assert list(below.values()) == [x + 1] and all(not e.has(x) for e in swapped)
