"""The emitted Triton kernels on a GPU, forward and backward, against the products they need.

    python benchmarks/gpu.py [--runs 20] [--dtype bfloat16] [--quick]

The floor is the floating-point operations of the products of a textbook streaming loss, at the rate
at which this GPU multiplies two matrices of 8192 x 8192 in the same dtype, measured in every round.
The table gives the median ratio to the floor, the peak memory beyond inputs and gradients, and the
error of the gradient against float64 on 2048 rows. Peers that run out of memory say so.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from catalog.registry import load  # noqa: E402
from codegen.emit import emit, write_file  # noqa: E402

TAU, SIDE = 0.1, 8192
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Work:
    """A loss of two matrices: its rows, its columns (the same rows where 0), and what it costs.

    `products` times rows * columns * dim is the number of operations of the floor.
    """

    name: str
    rows: int
    columns: int
    dim: int
    products: int
    losses: dict[str, Loss]
    frozen: bool = False


def program(name: str, target: str) -> ModuleType:
    """The program of a method as a module; Triton reads its kernels from the file."""
    path = Path(tempfile.mkdtemp()) / f"{name}_{target}.py"
    write_file(path, emit(load(name), target))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def partners(z: Tensor) -> Tensor:
    """The other view of every row."""
    return torch.arange(len(z), device=z.device).roll(len(z) // 2)


def wide(scores: Tensor) -> Tensor:
    """Scores in float32 at least, as a softmax wants them."""
    return scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores


def naive_ntxent(z: Tensor, _: Tensor) -> Tensor:
    """What most people write."""
    u = F.normalize(z, dim=1)
    scores = wide(u @ u.T) / TAU
    scores.fill_diagonal_(-torch.inf)
    return F.cross_entropy(scores, partners(z))


def naive_clip(image: Tensor, text: Tensor) -> Tensor:
    """What most people write."""
    a, b = F.normalize(image, dim=1), F.normalize(text, dim=1)
    scores = wide(a @ b.T) / TAU
    own = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


def naive_queue(query: Tensor, keys: Tensor) -> Tensor:
    """What most people write."""
    scores = wide(query @ keys.T) / TAU
    return F.cross_entropy(scores, torch.arange(len(query), device=query.device))


def works(scale: int) -> Iterator[Work]:
    """The losses that are timed; `scale` divides their rows and columns."""
    simclr, clip, infonce = (program(n, "triton") for n in ("simclr", "clip", "infonce"))
    plain = program("simclr", "torch")
    yield Work("NT-Xent", 65536 // scale, 0, 128, 8, {
        "emitted, triton": lambda z, _: simclr.simclr_loss(z, target=partners(z), temperature=TAU),
        "emitted, torch": lambda z, _: plain.simclr_loss(z, target=partners(z), temperature=TAU),
        "torch.compile": torch.compile(naive_ntxent),
        "naive torch": naive_ntxent,
    })  # fmt: skip
    log_scale = torch.tensor(1 / TAU).log().item()
    yield Work("CLIP", 65536 // scale, 65536 // scale, 512, 8, {
        "emitted, triton": lambda a, b: clip.clip_loss(
            F.normalize(a, dim=1), F.normalize(b, dim=1), t=log_scale
        ),
        "torch.compile": torch.compile(naive_clip),
        "naive torch": naive_clip,
    })  # fmt: skip
    yield Work("queue, frozen keys", 4096 // scale, 262144 // scale, 128, 6, {
        "emitted, triton": lambda q, k: infonce.infonce_loss(
            q, k, target=torch.arange(len(q), device=q.device), temperature=TAU
        ),
        "torch.compile": torch.compile(naive_queue),
        "naive torch": naive_queue,
    }, frozen=True)  # fmt: skip


def data(work: Work, dtype: torch.dtype, rows: int = 0) -> tuple[Tensor, Tensor]:
    """Random unit vectors."""
    torch.manual_seed(0)
    sides = (rows or work.rows, (rows and work.columns and rows) or work.columns or 1)
    a, b = (F.normalize(torch.randn(n, work.dim, device="cuda"), dim=1).to(dtype) for n in sides)
    return a.requires_grad_(), b.requires_grad_(not work.frozen and work.columns > 0)


def step(loss: Loss, a: Tensor, b: Tensor) -> None:
    a.grad = b.grad = None
    loss(a, b).backward()


def milliseconds(run: Callable[[], object]) -> float:
    """The time of one run on the GPU."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def report(work: Work, dtype: torch.dtype, runs: int) -> Iterator[str]:
    """A line for every contender."""
    a, b = data(work, dtype)
    square = torch.randn(SIDE, SIDE, device="cuda", dtype=dtype)
    operations = work.products * work.rows * (work.columns or work.rows) * work.dim
    for name, loss in work.losses.items():
        try:
            for _ in range(3):
                step(loss, a, b)  # kernels are compiled and their tiles chosen
            torch.cuda.synchronize()
            held = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            step(loss, a, b)
            extra = (torch.cuda.max_memory_allocated() - held) / 2**20
            ratios, times = [], []
            for _ in range(runs):
                unit = milliseconds(lambda: square @ square) / (2 * SIDE**3)
                times.append(milliseconds(lambda loss=loss: step(loss, a, b)))  # type: ignore[misc]
                ratios.append(times[-1] / (unit * operations))
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            yield f"| {work.name} | {name} | out of memory | | | |"
            continue
        yield (
            f"| {work.name} | {name} | {statistics.median(ratios):.2f} | "
            f"{statistics.median(times):.2f} | {extra:.0f} | {error(work, loss, dtype):.1e} |"
        )


def error(work: Work, loss: Loss, dtype: torch.dtype) -> float:
    """The error of the gradient on fewer rows, against the naive loss in float64."""
    a, b = data(work, dtype, 2048)
    right_a, right_b = (x.detach().double().requires_grad_() for x in (a, b))
    right = list(work.losses.values())[-1]
    step(loss, a, b)
    step(right, right_a, right_b)
    assert a.grad is not None and right_a.grad is not None
    return float((a.grad - right_a.grad).abs().max() / right_a.grad.abs().max())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--quick", action="store_true", help="an eighth of the rows and columns")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("There is no CUDA GPU here; benchmarks/ahead.py reads the kernels without one.")
    print(f"{torch.cuda.get_device_name()}, {options.dtype}, torch {torch.__version__}")
    print("| work | contender | ratio to the floor | ms | extra MB | error of the gradient |")
    print("|---|---|---|---|---|---|")
    for work in works(8 if options.quick else 1):
        for line in report(work, getattr(torch, options.dtype), options.runs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
