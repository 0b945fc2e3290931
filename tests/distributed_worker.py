"""What every process of tests/test_codegen_distributed.py runs. It imports torch only."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode

FIXED = "its own part, without a gradient"
PATIENCE = 20  # seconds that a process waits for the others
BRIEF = 2  # the same where one of them does not come


@dataclass(frozen=True)
class Job:
    """A call of an emitted loss on every rank.

    `values`: the arguments of the single process; `axes`: which axis of them is spread over ranks,
    None where all ranks have the whole. `trained`: those whose gradient is wanted. `odd`: what
    one rank passes in place of its part, by rank and name. `pairs`: two groups of half the ranks
    each. `absent`: the rank that does not take part, though the others wait for it.
    `through`: "loss" is the function, "ddp" its module behind DistributedDataParallel, and "memory"
    asks for the largest tensor that any operation makes.
    """

    source: str
    function: str
    first: tuple[str, ...]
    values: dict[str, Any]
    axes: dict[str, int | None]
    trained: tuple[str, ...]
    choices: dict[str, Any] = field(default_factory=dict)
    odd: dict[tuple[int, str], Any] = field(default_factory=dict)
    pairs: bool = False
    absent: int | None = None
    tile: int = 3
    through: str = "loss"


def parts(count: int, world: int) -> list[int]:
    """Unequal numbers of rows: the first rank has most, the second fewest."""
    weights = [3, 1, 2, 2][:world]
    found = [max(1, count * w // sum(weights)) for w in weights]
    return [found[0] + count - sum(found), *found[1:]]


def module(source: str) -> types.ModuleType:
    made = types.ModuleType("emitted")
    exec(compile(source, "<emitted>", "exec"), made.__dict__)
    return made


def run(job: Job, group: Any) -> Any:
    """The value and the gradients of this rank, or the sentence of the error."""
    rank, world = dist.get_rank(group), dist.get_world_size(group)
    made = module(job.source)
    made.TILE = job.tile  # type: ignore[attr-defined]
    given: dict[str, Any] = {}
    for name, value in job.values.items():
        axis = job.axes[name]
        mine = value if axis is None else value.split(parts(value.shape[axis], world), axis)[rank]
        odd = job.odd.get((rank, name))
        still = isinstance(odd, str) and odd == FIXED
        mine = mine if odd is None or still else odd
        if isinstance(mine, torch.Tensor):
            real = name in job.trained and mine.is_floating_point()
            mine = mine.clone().requires_grad_(real and not still)
        given[name] = mine
    choices = {k: job.odd.get((rank, k), v) for k, v in job.choices.items()}
    if job.through == "ddp":
        return trained(made, job, given, group)
    if rank == job.absent:
        return "absent"
    first = [given[name] for name in job.first]
    rest = {k: v for k, v in given.items() if k not in job.first}
    if job.through == "memory":
        with Largest() as seen:
            getattr(made, job.function)(*first, **rest, **choices).backward()
        return seen.entries
    try:
        loss = getattr(made, job.function)(*first, **rest, **choices, process_group=group)
        loss.sum().backward()
    except ValueError as error:
        return str(error)
    except RuntimeError as error:
        if job.absent is None:
            raise
        return f"RuntimeError: {error}"
    return loss.detach(), {n: given[n].grad for n in job.trained}


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that any operation returned."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for item in out if isinstance(out, tuple | list) else (out,):
            if isinstance(item, torch.Tensor):
                self.entries = max(self.entries, item.untyped_storage().size() // item.itemsize)
        return out


def trained(made: types.ModuleType, job: Job, given: dict[str, Any], group: Any) -> Any:
    """The gradient that DistributedDataParallel leaves in a linear layer before the loss."""
    torch.manual_seed(0)
    width = given[job.first[0]].shape[1]
    inner = torch.nn.Linear(width, width, bias=False, dtype=torch.float64)
    net = DistributedDataParallel(inner, process_group=group)
    loss = getattr(made, job.function)(**job.choices, process_group=group)
    rest = {k: v for k, v in given.items() if k not in (job.first[0], "temperature")}
    value = loss(net(given[job.first[0]]), **rest)
    value.backward()
    return value.detach(), inner.weight.grad


def work(rank: int, world: int, folder: str) -> None:
    """Run every job of the folder on this rank."""
    torch.set_num_threads(1)
    here = Path(folder)
    dist.init_process_group(
        "gloo", store=dist.FileStore(str(here / "store"), world), rank=rank, world_size=world,
        timeout=timedelta(seconds=PATIENCE),
    )  # fmt: skip
    halves = [dist.new_group([0, 1]), dist.new_group([2, 3])]
    brief = dist.new_group(timeout=timedelta(seconds=BRIEF))
    found = []
    for job in torch.load(here / "jobs", weights_only=False):
        group = halves[rank // 2] if job.pairs else None
        found.append(run(job, group if job.absent is None else brief))
    torch.save(found, here / f"found{rank}")
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    work(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
