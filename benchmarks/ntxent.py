"""NT-Xent, forward and backward: the emitted streaming code against the products it needs.

    python benchmarks/ntxent.py [--rows 8192] [--dim 128] [--threads 2] [--runs 7]
                                [--peers] [--growth] [--clock wall|cpu]

The floor is 8 N^2 d floating-point operations of products, done tile by tile: the scores forward,
the scores again and two gradients backward. Every contender is timed beside the floor in the same
round, and the median of the ratios is printed. On a busy machine `--clock cpu --threads 1` counts
processor time, which other work does not add to. Memory is the growth of the peak resident set in a
process of its own, beyond the inputs and their gradients.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from catalog.registry import load  # noqa: E402
from codegen.emit import emit, write_file  # noqa: E402

TAU = 0.1
Loss = Callable[[Tensor, Tensor], Tensor]


def emitted() -> Loss:
    """The streaming loss that is generated from the catalog's entry."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simclr.py"
        write_file(path, emit(load("simclr")))
        spec = importlib.util.spec_from_file_location("simclr_emitted", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return lambda z, partner: module.simclr_loss(z, target=partner, temperature=TAU)


def naive(z: Tensor, partner: Tensor) -> Tensor:
    """What most people write."""
    u = torch.nn.functional.normalize(z, dim=1)
    scores = u @ u.T / TAU
    scores = scores.masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    return torch.nn.functional.cross_entropy(scores, partner)


def linear_cross_entropy(z: Tensor, partner: Tensor) -> Tensor:
    """torch's own fused loss. It cannot leave out the self pair, so it does a little less."""
    u = torch.nn.functional.normalize(z, dim=1)
    return torch.nn.functional.linear_cross_entropy(
        u / TAU, u, partner, options=torch.nn.LinearCrossEntropyOptions()
    )


def contenders() -> dict[str, Loss]:
    found: dict[str, Loss] = {"emitted, streaming": emitted(), "naive torch": naive}
    if hasattr(torch.nn.functional, "linear_cross_entropy"):
        found["torch linear_cross_entropy (self pairs kept)"] = linear_cross_entropy
    return found


def floor(z: Tensor, tile: int = 1024) -> None:
    """The products alone, in reused buffers."""
    n, d = z.shape
    scores = z.new_empty(tile * tile)
    here, there = z.new_empty(tile, d), z.new_empty(tile, d)
    for sweep in ("forward", "backward"):
        for i in range(0, n, tile):
            for j in range(0, n, tile):
                a, b = z[i : i + tile], z[j : j + tile]
                s = scores[: len(a) * len(b)].view(len(a), len(b))
                torch.mm(a, b.T, out=s)
                if sweep == "backward":
                    torch.mm(s, b, out=here[: len(a)])
                    torch.mm(s.T, a, out=there[: len(b)])


def data(n: int, d: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    z = torch.randn(n, d, requires_grad=True)
    return z, torch.arange(n).roll(n // 2)


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def step(loss: Loss, z: Tensor, partner: Tensor) -> None:
    z.grad = None
    loss(z, partner).backward()


def ratios(
    losses: dict[str, Loss], n: int, d: int, runs: int, clock: Callable[[], float]
) -> tuple[dict[str, list[float]], float]:
    """Seconds of each contender over those of the floor in the same round; the floor's median."""
    z, partner = data(n, d)
    for loss in losses.values():
        step(loss, z, partner)
    plain = z.detach()
    floor(plain)
    times: dict[str, list[float]] = {name: [] for name in losses}
    floors = []
    for _ in range(runs):
        # the floor on both sides of a contender, so that a drift of the clock cancels
        for name, loss in losses.items():
            before = seconds(lambda: floor(plain), clock)
            mine = seconds(lambda loss=loss: step(loss, z, partner), clock)  # type: ignore[misc]
            after = seconds(lambda: floor(plain), clock)
            times[name].append(2 * mine / (before + after))
            floors += [before, after]
    return times, statistics.median(floors)


def status(field: str) -> float:
    """A line of /proc/self/status in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise OSError(f"no {field} in /proc/self/status")


def extra_memory(name: str, n: int, d: int) -> float:
    """MB that one step needs beyond inputs and gradients (run in a fresh process)."""
    loss = contenders()[name]
    small, small_partner = data(600, d)
    step(loss, small, small_partner)
    z, partner = data(n, d)
    z.grad = torch.ones_like(z)
    held = z.grad
    before = status("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    loss(z, partner).backward()
    assert held is not None
    return status("VmHWM:") - before


def measured(name: str, n: int, args: argparse.Namespace) -> float:
    """`extra_memory` in child processes: the median of three, since allocators are not exact."""
    return statistics.median(child(name, n, args) for _ in range(3))


def child(name: str, n: int, args: argparse.Namespace) -> float:
    """`extra_memory` in a child process."""
    command = [sys.executable, __file__, "--child", name, "--rows", str(n), "--dim", str(args.dim)]
    done = subprocess.run(
        [*command, "--threads", str(args.threads)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def error(loss: Loss, n: int = 1000, d: int = 128) -> float:
    """The largest error of the float32 gradient, relative to the largest entry."""
    z, partner = data(n, d)
    step(loss, z, partner)
    assert z.grad is not None
    mine = z.grad
    exact = z.detach().double().requires_grad_(True)
    step(naive, exact, partner)
    assert exact.grad is not None
    return float((mine - exact.grad).abs().max() / exact.grad.abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=8192, help="2N views")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--peers", action="store_true", help="also time what others write")
    parser.add_argument("--growth", action="store_true", help="also run twice the rows")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.child:
        print(json.dumps(extra_memory(args.child, args.rows, args.dim)))
        return
    losses = contenders()
    if not args.peers:
        losses = {"emitted, streaming": losses["emitted, streaming"]}
    clock = CLOCKS[args.clock]
    times, base = ratios(losses, args.rows, args.dim, args.runs, clock)
    gflops = 8 * args.rows**2 * args.dim / base / 1e9
    print(f"N = {args.rows}, d = {args.dim}, float32, torch {torch.__version__}")
    print(f"{args.threads} threads, {args.clock} clock")
    print(f"floor: {base * 1e3:.0f} ms ({gflops:.0f} GFLOP/s), {args.runs} interleaved rounds")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} (figures mean little above the threads)")
    print(f"{'':46} ratio   (min, max)      extra MB   gradient error")
    for name, found in times.items():
        memory = measured(name, args.rows, args)
        print(
            f"{name:46} {statistics.median(found):5.2f}   ({min(found):.2f}, {max(found):.2f})"
            f"   {memory:9.0f}   {error(losses[name]):.1e}"
        )
    if args.growth:
        name = "emitted, streaming"
        z, partner = data(args.rows, args.dim)
        y, other = data(2 * args.rows, args.dim)
        pairs = [
            (
                seconds(lambda: step(losses[name], z, partner), clock),
                seconds(lambda: step(losses[name], y, other), clock),
            )
            for _ in range(args.runs)
        ]
        time_growth = statistics.median(b / a for a, b in pairs)
        memory_growth = measured(name, 2 * args.rows, args) / measured(name, args.rows, args)
        print(f"twice the rows: time x {time_growth:.2f}, extra memory x {memory_growth:.2f}")


if __name__ == "__main__":
    main()
