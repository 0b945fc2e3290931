"""How the benchmarks measure: ratios to a floor in the same round, memory in a process of its own.

Nothing here knows a loss. A floor is the work that no program can avoid; it is timed right before
and after each contender, so that a drift of the clock cancels, and the median of the ratios counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
Work = Callable[[], object]


def seconds(work: Work, clock: Callable[[], float] = time.perf_counter) -> float:
    """How long one call takes."""
    start = clock()
    work()
    return clock() - start


def ratios(
    contenders: dict[str, Work], floor: Work, runs: int, clock: Callable[[], float]
) -> tuple[dict[str, list[float]], float]:
    """Times of each contender over the floor's beside it, and the floor's median in seconds."""
    for work in (*contenders.values(), floor):
        work()  # allocators, thread pools and caches are warm from here on
    found: dict[str, list[float]] = {name: [] for name in contenders}
    floors = []
    for _ in range(runs):
        for name, work in contenders.items():
            before, mine, after = (seconds(w, clock) for w in (floor, work, floor))
            found[name].append(2 * mine / (before + after))
            floors += [before, after]
    return found, statistics.median(floors)


def products(left: Tensor, right: Tensor, gradients: int, tile: int = 1024) -> None:
    """The products of a streaming loss alone: scores forward, scores again, and the gradients.

    With `gradients` 2 these are 8 n m d floating-point operations, with 1 (one side is frozen) 6.
    """
    scores = left.new_empty(tile * tile)
    here, there = left.new_empty(tile, left.shape[1]), left.new_empty(tile, left.shape[1])
    for sweep in ("forward", "backward"):
        for i in range(0, len(left), tile):
            for j in range(0, len(right), tile):
                a, b = left[i : i + tile], right[j : j + tile]
                s = scores[: len(a) * len(b)].view(len(a), len(b))
                torch.mm(a, b.T, out=s)
                if sweep == "backward":
                    torch.mm(s, b, out=here[: len(a)])
                    if gradients == 2:
                        torch.mm(s.T, a, out=there[: len(b)])


def resident(field: str) -> float:
    """A line of /proc/self/status in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise OSError(f"no {field} in /proc/self/status")


def extra_memory(warm: Work, work: Work) -> float:
    """MB of the peak resident set that `work` adds; for a fresh process that has run `warm`."""
    warm()
    before = resident("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    work()
    return resident("VmHWM:") - before
