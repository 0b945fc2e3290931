"""The distributed target: four processes, and two groups of two, against a single one.

All calls run in one set of processes, started once; each process waits for the others for a limited
time only, so that what hangs fails.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from catalog.registry import load
from codegen.emit import Refused, emit
from codegen.execute import differentiable, module, program_of, tensor
from codegen.ir import Program
from codegen.samples import sample
from codegen.spread import spread

pytest.importorskip("torch")
import torch

from iconograph.api import InputError, generate
from tests.distributed_worker import FIXED, PATIENCE, Job, parts

EXACT = 1e-10  # float64, value and gradient, relative to the largest entry
WRONG = 1e-3  # what a planted error has to exceed
WORLD, POINTS = 4, 11
LIMIT = 8 * PATIENCE  # seconds until processes that hang are ended, on a machine with others on it

pytestmark = pytest.mark.xdist_group("distributed")


@dataclass(frozen=True)
class Case:
    """A method, and how its emitted function is called."""

    name: str
    why: str
    choices: dict[str, Any] = field(default_factory=dict)
    pairs: bool = False  # two groups of two processes
    data: dict[str, Any] = field(default_factory=dict)
    plant: tuple[str, str] | None = None
    odd: dict[tuple[int, str], Any] = field(default_factory=dict)
    refused: str = ""
    through: str = "loss"
    absent: int | None = None
    columns: str = "gather"
    frozen: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.why}{', in a ring' if self.columns == 'ring' else ''}"


def passed(case: Case) -> Case:
    """The same case with columns that travel."""
    return replace(case, columns="ring")


ALONE = torch.tensor([0, 1, 2, 0, 3, 1, 1, 4, 5, 0, 6])  # classes 2 to 6 have one member
VIEWS = {"z": torch.linspace(-1, 1, 2 * POINTS * 3).double().sin().reshape(2, POINTS, 3)}
FAMILIES = [
    Case("simclr", "one target among the rows, symmetric"),
    Case("simclr", "the same, one loss for each row", {"reduction": "none"}, pairs=True),
    Case("supcon", "classes of rows", {"term": "kl"}, pairs=True),
    Case("supcon", "rows without positives are left out", data={"labels": ALONE}),
    Case("supcon", "they count", {"valid_only": False}, pairs=True, data={"labels": ALONE}),
    Case("clip", "two towers, rows and columns from one sweep"),
    Case("clip", "one loss for each row and column", {"reduction": "none"}, pairs=True),
    Case("unicl", "two towers with classes"),
    Case("t-sne", "joint, dense p from bandwidths", {"term": "kl"}),
    Case("t-sne", "the same between two", pairs=True),
    Case("alignment-uniformity", "joint with exponentials"),
    Case("sne", "dense p in every row", {"term": "kl"}, pairs=True),
    Case("t-simcne", "sums of ratios"),
    Case("infonce", "a queue that every rank has", {"reduction": "sum"}),
    Case("normface", "class weights that every rank has"),
    Case("cross-entropy", "free scores", {"reduction": "none"}, pairs=True),
    Case("weighted-cross-entropy", "anchors that weigh differently"),
    Case("npid", "keys that nobody trains"),
    Case("siglip", "a loss for every pair"),
    Case("js-sne", "joint, another divergence than KL"),
    Case("k-means", "rows, another divergence than KL"),
    Case("cmc", "views are looped over, rows on the second axis", data=VIEWS),
]
WHOLE = {"infonce", "normface", "cross-entropy", "weighted-cross-entropy", "k-means"}
RING = [passed(case) for case in FAMILIES if case.name not in WHOLE]
RING += [
    Case("infonce", "columns that need not travel", pairs=True, columns="ring"),
    Case("supcon", "four ranks", columns="ring"),
    Case("clip", "a cold softmax", columns="ring", data={"t": torch.tensor(5.0).double()}),
    Case("sne", "four ranks", columns="ring"),
    Case("siglip", "half of them", pairs=True, columns="ring"),
    Case("t-simcne", "between two", pairs=True, columns="ring"),
    Case("nt-xent-am", "a margin at the target", columns="ring"),
    Case("convirt", "two products in one score", columns="ring"),
    Case("average-margin-supcon", "classes in blocks", {"term": "kl"}, columns="ring"),
    Case("rkl-sne", "rows, another divergence", columns="ring"),
]
FROZEN = [
    Case("npid", "one sweep", frozen=("v",), pairs=True),
    Case("npid", "one sweep, four ranks", frozen=("v",)),
    Case("unicl", "nothing learned on one side", frozen=("v",)),
    Case("npid", "one sweep", frozen=("v",), columns="ring"),
]
GATHER = "        dist.reduce_scatter(mine, parts, group=ctx.team.group)\n"
MEAN = "return _reduce(losses, valid, reduction, valid_only)"
UPSTREAM = "        upstream = team.sum(upstream)\n"
PLANTED = [
    Case("simclr", "gathered without gradient", plant=(
        GATHER, "        mine = parts[ctx.team.rank]\n")),
    Case("simclr", "averaged twice", plant=(MEAN, f"{MEAN} / team.world")),
    Case("clip", "gathered without gradient", pairs=True, plant=(
        GATHER, "        mine = parts[ctx.team.rank]\n")),
    Case("t-sne", "averaged over its own blocks only", plant=(UPSTREAM, "")),
    Case("infonce", "each rank the mean of its own rows", plant=(
        '        losses = team.gather(losses, counts["n"])\n'
        '        valid = team.gather(valid, counts["n"])\n'.replace("        ", "    "), "")),
    Case("supcon", "partitions of its own blocks only", plant=(
        "        total, peak = _merged(total, peak, team)\n", "")),
    Case("cmc", "a block is dropped", columns="ring", data=VIEWS, plant=(
        "yield from _tiles(self.here, self.span(self.columns, whose))",
        "yield from _tiles(self.here, self.span(self.columns, whose)) if whose != 2 else ()")),
    Case("simclr", "a column of the block that two ranks share is dropped", columns="ring", plant=(
        "slice(_middle(there), there.stop)", "slice(_middle(there) + 1, there.stop)")),
    Case("clip", "gradients stay with the last rank", columns="ring", plant=(
        "part.own += passing.arrived()", "passing.arrived()")),
    Case("clip", "gradients of the last two ranks only", columns="ring", plant=(
        "part.guest += passing.arrived()", "passing.arrived()")),
    Case("simclr", "who is fetched learns nothing", columns="ring", plant=(
        "grad.index_add(0, ctx.given, back)", "grad")),
    Case("supcon", "classes of its own rows only", columns="ring", plant=(
        "ring.team.world - 1", "0")),
    Case("t-sne", "p of its own rows only", columns="ring", plant=(
        "ring.blocks([points], [])", "((r, r) for r in [ring.here])")),
    Case("npid", "means against peaks of its own", columns="gather", plant=(
        "mean *= torch.exp(seen", "mean *= torch.exp(0 * seen"), pairs=True,
        data={"temperature": torch.tensor(0.01).double()}),
]  # fmt: skip
OTHER = object()  # another queue than the other ranks have
REFUSALS = [
    Case("supcon", "no rows", odd={(1, "z"): torch.ones(0, 3), (1, "labels"): ALONE[:0]},
         refused="rank 1: z is empty: its shape is (0, 3)"),
    Case("supcon", "a type", odd={(3, "z"): torch.ones(2, 3).long()},
         refused="rank 3: z should hold floating-point numbers, got torch.int64"),
    Case("supcon", "labels of another length", odd={(2, "labels"): ALONE[:5]},
         refused="rank 2: labels should have shape (2), got (5,)"),
    Case("supcon", "a word", {"reduction": "sum"}, odd={(0, "reduction"): "median"},
         refused="rank 0: reduction should be 'mean', 'sum' or 'none', got 'median'"),
    Case("supcon", "another word", {"reduction": "sum"}, odd={(2, "reduction"): "mean"},
         refused="the choice of words should be the same on every rank: 2 differs from 0"),
    Case("supcon", "a width", odd={(1, "z"): torch.ones(1, 4, dtype=torch.float64)},
         refused="the size d should be the same on every rank: 1 differs from 0"),
    Case("supcon", "a precision", odd={(1, "z"): torch.ones(1, 3)},
         refused="the dtype of z should be the same on every rank: 1 differs from 0"),
    Case("supcon", "a temperature", odd={(3, "temperature"): torch.tensor(0.77).double()},
         refused="temperature should be the same on every rank: 3 differs from 0"),
    Case("supcon", "a rank that trains nothing", odd={(1, "z"): FIXED},
         refused="whether z has a gradient should be the same on every rank: 1 differs from 0"),
    Case("infonce", "a queue of its own", odd={(2, "z"): OTHER},
         refused="z should be the same on every rank: 2 differs from 0"),
    Case("simclr", "a position on another rank", {"positions": "local"},
         refused="rank 0: target should lie between 0 and "),
    Case("siglip", "the list of all pairs", {"reduction": "none"},
         refused="rank 0: no rank has room for all pairs"),
    Case("supcon", "labels of another length", odd={(2, "labels"): ALONE[:5]}, columns="ring",
         refused="rank 2: labels should have shape (2), got (5,)"),
    Case("supcon", "a width", odd={(1, "z"): torch.ones(1, 4, dtype=torch.float64)}, columns="ring",
         refused="the size d should be the same on every rank: 1 differs from 0"),
    Case("simclr", "a position that nobody has", {"positions": "global"}, columns="ring",
         odd={(3, "target"): torch.tensor([0, 11])},
         refused="target should lie between 0 and 10"),
]  # fmt: skip
LOCAL = Case("simclr", "positions on its own rank", {"positions": "local"})
DDP = Case("supcon", "under DistributedDataParallel", data={"labels": ALONE}, through="ddp")
LATE = Case("supcon", "a rank that never comes", absent=2)
MANY = 640
MEMORY = [
    Case("simclr", "memory", through="memory", data={
        "z": torch.randn(MANY, 4), "target": torch.arange(MANY).roll(1)}),
    Case("t-sne", "memory", through="memory", data={
        "y": torch.randn(MANY, 2), "points": torch.randn(MANY, 3), "bandwidth": torch.ones(MANY)}),
]  # fmt: skip
BROAD = 48  # coordinates of a point: more than the rows of a tile, so that columns count
RING_MEMORY = [
    Case("simclr", f"memory of {columns}", through="memory", columns=columns, data={
        "z": torch.randn(MANY, BROAD), "target": torch.arange(MANY).roll(1)})
    for columns in ("gather", "ring")
]  # fmt: skip
RING_MEMORY += [
    Case("t-sne", "memory", through="memory", columns="ring", data={
        "y": torch.randn(MANY, 2), "points": torch.randn(MANY, BROAD),
        "bandwidth": torch.full((MANY,), 9.0)}),
    Case("supcon", "memory", through="memory", columns="ring", data={
        "z": torch.randn(MANY, BROAD), "labels": torch.arange(MANY) // 2}),
    Case("clip", "memory", through="memory", columns="ring", data={
        "embedding": torch.randn(MANY, BROAD), "keys": torch.randn(MANY, BROAD)}),
]  # fmt: skip
CASES = [*FAMILIES, *RING, *FROZEN, *PLANTED, *REFUSALS]
CASES += [LOCAL, DDP, passed(DDP), LATE, *MEMORY, *RING_MEMORY]


@cache
def program(name: str) -> Program:
    return program_of(load(name))


@cache
def text(name: str, columns: str = "gather") -> str:
    return emit(load(name), "distributed", columns=columns)


@cache
def single(name: str) -> ModuleType:
    return module(emit(load(name), "torch"))


@cache
def sampled(name: str) -> dict[str, Any]:
    s = sample(load(name), 0, size=POINTS)
    arguments = program(name).arguments
    return {a.name: tensor(a, s.data[a.symbol], "float64").detach() for a in arguments}


def values(case: Case) -> dict[str, Any]:
    return sampled(case.name) | case.data


def job(case: Case) -> Job:
    p, given = program(case.name), values(case)
    found, source = spread(p), text(case.name, case.columns)
    choices = dict(case.choices)
    if any(found.counts(a) for a in p.arguments):
        choices.setdefault("positions", "global")
    if case is LOCAL:
        given["target"] = partners(WORLD, local=True)
    if case.plant:
        assert case.plant[0] in source, case
        source = source.replace(*case.plant)
    odd = {at: given[at[1]] + 0.5 if value is OTHER else value for at, value in case.odd.items()}
    function = f"{p.class_name}Loss" if case.through == "ddp" else f"{p.name}_loss"
    if case.through == "ddp":
        choices["temperature"] = float(given["temperature"])
    return Job(
        source, function, tuple(a.name for a in p.arguments if a.positional), given,
        {a.name: found.axis(a) for a in p.arguments},
        tuple(a.name for a in p.arguments if differentiable(a) and a.name not in case.frozen),
        choices, odd, case.pairs, case.absent, 64 if case.through == "memory" else 3, case.through,
    )  # fmt: skip


def partners(world: int, *, local: bool) -> Any:
    """The next row of the same rank, in the count of the rank or of all."""
    counts = parts(POINTS, world)
    inside = [torch.arange(c).roll(-1) for c in counts]
    if local:
        return torch.cat(inside)
    return torch.cat([rows + sum(counts[:k]) for k, rows in enumerate(inside)])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What every rank found for every case."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.save([job(case) for case in CASES], folder / "jobs")
    return dict(zip(map(str, CASES), zip(*started(folder), strict=True), strict=True))  # type: ignore


def started(folder: Path) -> list[Any]:
    """Run the jobs of a folder in processes of their own, and give up after a time."""
    root = Path(__file__).parent.parent
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    if sys.platform == "linux":
        env["GLOO_SOCKET_IFNAME"] = "lo"
    command = [sys.executable, "-m", "tests.distributed_worker"]
    processes = [
        subprocess.Popen(
            [*command, str(rank), str(WORLD), str(folder)], cwd=root, env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(WORLD)
    ]  # fmt: skip
    try:
        for process in processes:
            _, said = process.communicate(timeout=LIMIT)
            assert process.returncode == 0, said
    finally:
        for process in processes:
            process.kill()
    return [torch.load(folder / f"found{rank}", weights_only=False) for rank in range(WORLD)]


def reference(case: Case) -> tuple[Any, dict[str, Any]]:
    """The loss of a single process, and its gradient, by the dense form of the torch target."""
    p, given = program(case.name), values(case)
    if case is LOCAL:
        given["target"] = partners(WORLD, local=False)
    trained = {a.name for a in p.arguments if differentiable(a)} - {*case.frozen}
    given = {k: v.clone().requires_grad_(k in trained) for k, v in given.items()}
    first = [given[a.name] for a in p.arguments if a.positional]
    rest = {a.name: given[a.name] for a in p.arguments if not a.positional}
    choices = {k: v for k, v in case.choices.items() if k != "positions"}
    loss = getattr(single(case.name), f"{p.name}_dense")(*first, **rest, **choices)
    loss.sum().backward()
    return loss.detach(), {name: given[name].grad for name in trained}


def error(case: Case, ranks: list[Any]) -> float:
    """How far value and gradients are from those of a single process."""
    value, gradient = reference(case)
    p, worst = program(case.name), 0.0
    axes = {a.name: spread(p).axis(a) for a in p.arguments}
    for group in (ranks[:2], ranks[2:]) if case.pairs else (ranks,):
        for said, _ in group:
            worst = max(worst, distance(said, value))
        for name, right in gradient.items():
            own = [grads[name] for _, grads in group]
            if right is None:
                assert all(g is None for g in own)
                continue
            # what DistributedDataParallel does: the mean over ranks
            axis = axes[name]
            mean = sum(own) if axis is None else torch.cat(own, axis)
            worst = max(worst, distance(mean / len(group), right))
    return worst


def distance(mine: Any, right: Any) -> float:
    assert mine.shape == right.shape
    return float((mine - right).abs().max() / max(1.0, float(right.abs().max())))


# --------------------------------------------------------------------------- against one process


@pytest.mark.parametrize("case", [*FAMILIES, *RING, *FROZEN, LOCAL], ids=str)
def test_value_and_gradient_are_those_of_a_single_process(
    case: Case, found: dict[str, list[Any]]
) -> None:
    assert error(case, found[str(case)]) < EXACT


@pytest.mark.parametrize("case", PLANTED, ids=str)
def test_a_planted_error_is_caught(case: Case, found: dict[str, list[Any]]) -> None:
    assert error(case, found[str(case)]) > WRONG


def test_data_parallel_training_has_the_gradient_of_a_single_process(
    found: dict[str, list[Any]],
) -> None:
    given = values(DDP)
    torch.manual_seed(0)
    width = given["z"].shape[1]
    net = torch.nn.Linear(width, width, bias=False, dtype=torch.float64)
    loss = single("supcon").supcon_loss(
        net(given["z"]), labels=ALONE, temperature=given["temperature"]
    )
    loss.backward()
    for value, gradient in [*found[str(DDP)], *found[str(passed(DDP))]]:
        assert distance(value, loss.detach()) < EXACT
        assert distance(gradient, net.weight.grad) < EXACT


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_what_is_wrong_on_one_rank_is_said_by_all(case: Case, found: dict[str, list[Any]]) -> None:
    said = found[str(case)]
    assert len(set(said)) == 1
    assert said[0].startswith(case.refused)


def test_nobody_waits_for_ever(found: dict[str, list[Any]]) -> None:
    # the limit under which all other cases run is one that ends what hangs
    *rest, absent, last = found[str(LATE)]
    assert absent == "absent"
    assert all(said.startswith("RuntimeError: ") for said in [*rest, last])


@pytest.mark.parametrize("case", MEMORY, ids=str)
def test_no_rank_holds_all_pairs(case: Case, found: dict[str, list[Any]]) -> None:
    for entries in found[str(case)]:
        assert MANY < entries <= 64 * MANY  # a strip of rows, where p is normalised


@pytest.mark.parametrize("case", RING_MEMORY, ids=str)
def test_columns_that_travel_are_never_held_at_once(
    case: Case, found: dict[str, list[Any]]
) -> None:
    # the largest tensor: the rows of the rank that has most of them, or all where they are gathered
    most = MANY if case.columns == "gather" else parts(MANY, WORLD)[0]
    assert max(found[str(case)]) == max(most * BROAD, 64 * 64)


# --------------------------------------------------------------------------- the ring


class Fake:
    """Rows that come at once, and what was asked for in which order."""

    log: ClassVar[list[str]] = []

    def __init__(self, value: Any, ahead: int, count: int, team: Any) -> None:
        self.log.append("sent")
        self.coming = value.new_zeros((count, *value.shape[1:]))

    def arrived(self) -> Any:
        self.log.append("arrived")
        return self.coming


def rings(counts: list[int]) -> list[Any]:
    """The ring of every rank, in one process."""
    made = module(text("simclr", "ring"))
    made.TILE, made._Passing = 3, Fake
    found = []
    for rank in range(len(counts)):
        team = made._Team(None)
        team.rank, team.world = rank, len(counts)
        found.append(made._Ring(team, counts, counts))
    return found


@pytest.mark.parametrize("counts", [[5], [1, 7], [4, 1, 6], [3, 3, 3, 3], [1, 1, 9, 2, 4, 5]])
def test_every_pair_meets_once_in_the_ring(counts: list[int]) -> None:
    n = sum(counts)
    once, either = torch.zeros(n, n).int(), torch.zeros(n, n).int()
    for ring in rings(counts):
        for rows, columns in ring.blocks([], []):
            once[rows, columns] += 1
        for rows, columns in ring.triangle([], []):
            either[rows, columns] += 1
            if rows != columns:
                either[columns, rows] += 1
    assert torch.equal(once, torch.ones_like(once))
    assert torch.equal(either, torch.ones_like(either))


def test_the_next_columns_are_on_their_way_while_these_are_worked_on() -> None:
    ring = rings([2, 2, 2])[1]
    Fake.log.clear()
    rows, sums = ring.travelling(torch.ones(2, 1)), ring.travelling(torch.zeros(2, 1))
    for whose in ring.turns([rows], [sums], 2):
        Fake.log.append(f"work on {whose}")
    first = ["sent", "work on 1", "arrived"]
    then = ["sent", "work on 0", "sent", "arrived"]  # the sums for 0 leave, the rows of 2 arrive
    last = ["work on 2", "arrived", "sent", "arrived"]  # the sums for 2 arrive, and are sent home
    assert Fake.log == [*first, *then, *last]


def test_a_program_without_columns_to_pass_is_the_same_either_way() -> None:
    assert text("infonce", "ring") == text("infonce")


@pytest.mark.parametrize(
    ("name", "why"),
    {
        "k-means": "the features of a row are made of more than this row of matrices",
        "swav": "every rank has all of its columns",
        "debiased-q-contrastive": "z is read outside of the blocks",
    }.items(),
)
def test_columns_that_cannot_travel_are_gathered_or_refused(name: str, why: str) -> None:
    assert "team.gather(" in text(name)
    with pytest.raises(Refused) as caught:
        text(name, "ring")
    assert str(caught.value) == (
        f"{name}: its columns do not travel, because {why}; generate it with gathered columns"
    )


def test_only_programs_for_several_processes_have_columns_to_pass() -> None:
    with pytest.raises(InputError, match="columns are passed between processes"):
        generate("simclr", "torch", columns="ring", judge=False)
    with pytest.raises(InputError, match="no way to pass columns is 'rign'"):
        generate("simclr", "distributed", columns="rign", judge=False)
    with pytest.raises(ValueError, match="columns travel between processes"):
        emit(load("simclr"), "triton", columns="ring")
    made = str(generate("simclr", "distributed", columns="ring", judge=False))
    assert "class _Ring:" in made
    assert "class _Ring:" not in str(generate("simclr", "distributed", judge=False))


# --------------------------------------------------------------------------- one process


def test_without_torch_distributed_it_is_the_loss_of_one_process() -> None:
    for name, columns in itertools.product(("simclr", "t-sne", "clip"), ("gather", "ring")):
        case = Case(name, "alone", {"positions": "global"} if name == "simclr" else {})
        p, made = program(name), module(text(name, columns))
        made.TILE = 3
        given = {a.name: values(case)[a.name].clone() for a in p.arguments}
        for a in p.arguments:
            given[a.name].requires_grad_(differentiable(a))
        first = [given.pop(a.name) for a in p.arguments if a.positional]
        loss = getattr(made, f"{p.name}_loss")(*first, **given, **case.choices)
        loss.backward()
        value, gradient = reference(case)
        assert distance(loss.detach(), value) < EXACT
        learned = [a.name for a in p.arguments if a.positional]
        for n, tensor_ in zip(learned, first, strict=True):
            assert distance(tensor_.grad, gradient[n]) < EXACT


@pytest.mark.parametrize("world", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [1, 40, 700, 2048])
def test_every_block_is_visited_by_one_rank(n: int, world: int) -> None:
    made = module(text("simclr") + "\n\n" + blocks_of("clip"))
    teams = []
    for rank in range(world):
        team = made._Team(None)
        team.rank, team.world = rank, world
        teams.append(team)
    everything = torch.ones(n, n).int()
    for visit, right in ((made._triangle, everything.triu()), (made._blocks, everything)):
        seen, sizes = torch.zeros(n, n).int(), []
        for team in teams:
            own = list(visit(n, team) if visit is made._triangle else visit(n, n, team))
            sizes.append(len(own))
            for rows, columns in own:
                seen[rows, columns] += 1
                assert (rows == columns) == (rows.start == columns.start)  # where the mask is
        assert torch.equal(seen.triu() if visit is made._triangle else seen, right)
        assert max(sizes) - min(sizes) <= 1
        if n >= 700:
            assert max(sizes) * world <= 1.5 * sum(sizes)


def blocks_of(name: str) -> str:
    source = text(name)
    start = source.index("def _blocks(")
    return source[start : source.index("\n\n\n", start)]


# --------------------------------------------------------------------------- the text


@pytest.mark.parametrize("name", sorted({c.name for c in FAMILIES}))
def test_a_file_imports_torch_only_and_says_how_gradients_compose(name: str) -> None:
    ring = text(name, "ring") if any(c.name == name for c in RING) else ""
    modules = {
        n.module if isinstance(n, ast.ImportFrom) else n.names[0].name
        for n in [*ast.walk(ast.parse(text(name))), *ast.walk(ast.parse(ring))]
        if isinstance(n, ast.Import | ast.ImportFrom)
    }
    own = {"__future__", "math", "zlib", "typing", "collections.abc", "contextlib"}
    assert modules - own == {"torch", "torch.distributed"}
    words = " ".join(text(name).split())
    assert "DistributedDataParallel averages gradients over ranks" in words
    assert "the mean over ranks of what they return is what a single process" in words
    if "positions: how" in words:
        counted = re.findall(r"positions: how (\w+)", words)[0]
        said = next(line for line in words.split(". ") if f"{counted}: (" in line)
        assert said.endswith("rows count as `positions` says")


def test_files_pass_the_linter(tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    for name, columns in {(c.name, c.columns) for c in [*FAMILIES, *RING]}:
        (tmp_path / f"{name.replace('-', '_')}_{columns}.py").write_text(text(name, columns))
    config = Path(__file__).parent.parent / "pyproject.toml"
    command = [ruff, "check", "--no-cache", "--config", str(config), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_rows_that_need_no_other_are_not_gathered() -> None:
    for name in ("infonce", "normface", "cross-entropy"):
        assert "losses = team.gather(losses" in text(name)
        assert text(name).count("team.gather(") == 2
    assert "z = team.gather(z" in text("simclr")


NOT_WRITTEN = {
    "lgsimclr": "knn holds all pairs, which no rank has room for",
    "moco": "a vector depends on the row and on the column",
    "infonce-population": "f sums to one over the rows of all ranks",
    "mtl-ibp": "its anchors are no set that a batch could be",
}


@pytest.mark.parametrize("name", NOT_WRITTEN)
def test_what_cannot_be_spread_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(Refused) as caught:
        text(name)
    assert str(caught.value) == (
        f"{name}: no distributed program, because {NOT_WRITTEN[name]}; "
        "the torch target writes one for a single process"
    )
