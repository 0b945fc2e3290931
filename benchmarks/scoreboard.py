"""The scoreboard: emitted code beside its peers, as a ratio to the work nobody can avoid.

    python benchmarks/scoreboard.py [CASE ...] [--runs 5] [--threads 2] [--clock wall|cpu]
                                    [--growth] [--compile] [--write FOLDER]

One process per case. Every contender is timed between two runs of the floor (matrix products alone,
or for t-SNE one read of P), forward and backward, float32; the median of the ratios counts. Extra
memory is the growth of the peak resident set, in a process of its own. The gradient is compared
with that of the naive form in float64. `--write` leaves a table and a plot with machine and date.
The goals are marked for both emitted programs; the compiled one builds its loops in the first run.
`--growth` measures both from 1k to 32k rows and fits a power of the rows to time and memory.
On a busy machine `--clock cpu --threads 1` counts processor time, which other work does not add to.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import cases
import torch
from cases import CASES, COMPILED, NAIVE, OURS, TARGETS, Case, Inputs, Loss
from measure import CLOCKS, Work, extra_memory, ratios

GROWTH = (1024, 2048, 4096, 8192, 16_384, 32_768)


def step(loss: Loss, x: Inputs) -> Work:
    """Forward and backward, gradients made anew."""

    def work() -> None:
        for value in x.values():
            value.grad = None
        loss(x).backward()

    return work


def gradient_error(case: Case, loss: Loss) -> float:
    """The largest error of a float32 gradient, relative to the largest entry of the true one."""
    x, exact = case.make(*case.small), case.make(*case.small, dtype=torch.float64)
    with torch.no_grad():
        for name in x:
            exact[name].copy_(x[name])
    step(loss, x)()
    step(case.losses()[NAIVE], exact)()
    worst = 0.0
    for name in case.learned:
        mine, true = x[name].grad, exact[name].grad
        assert mine is not None and true is not None
        worst = max(worst, float((mine - true).abs().max() / true.abs().max()))
    return worst


def contenders(case: Case, compiled: bool) -> dict[str, Loss]:
    """The losses of a case that fit in memory at its size."""
    found = dict(case.losses())
    if compiled:
        found["torch.compile"] = torch.compile(found[NAIVE])
    big = case.sizes[0] > case.dense_up_to
    return {k: v for k, v in found.items() if not big or k.startswith((*TARGETS, cases.FUSED))}


def measured(name: str, args: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of one case."""
    case = CASES[name]
    losses = contenders(case, args.compile)
    x = case.make(*case.sizes)
    works = {k: step(loss, x) for k, loss in losses.items()}
    times, floor = ratios(works, case.floor(x), args.runs, CLOCKS[args.clock])
    beside = statistics.median(times[case.beside]) if case.beside else 1.0
    out = []
    for who, found in times.items():
        out.append({
            "goal": statistics.median(found) / beside, "beside": case.beside, "case": name,
            "title": case.title, "sizes": case.sizes, "who": who,
            "ratio": statistics.median(found), "low": min(found), "high": max(found),
            "floor_ms": floor * 1e3, "must": case.must, "stretch": case.stretch,
            "error": gradient_error(case, losses[who]),
            "memory": memory(name, who, case.sizes, args),
        })  # fmt: skip
    return out


def memory(name: str, who: str, sizes: tuple[int, ...], args: argparse.Namespace) -> float:
    """Extra MB of one step, the median of three processes."""
    ask = {"memory": [name, who, list(sizes)]}
    return statistics.median(float(child(ask, args)) for _ in range(3))


def used(name: str, who: str, sizes: list[int]) -> float:
    """Extra MB of one step, in this process."""
    case = CASES[name]
    small = case.make(*case.small)
    loss = case.losses()[who]
    x = case.make(*sizes)
    for key in case.learned:
        x[key].grad = torch.zeros_like(x[key])

    def work() -> None:
        loss(x).backward()

    return extra_memory(step(loss, small), work)


def growth(args: argparse.Namespace, who: str) -> list[dict[str, Any]]:
    """Seconds and MB of NT-Xent from 1k to 32k rows."""
    name = "ntxent-8k"
    out = []
    for n in GROWTH:
        x = CASES[name].make(n, 128)
        work = step(CASES[name].losses()[who], x)
        work()
        runs = [cases_seconds(work, args) for _ in range(3 if n > 8192 else 5)]
        out.append({"n": n, "seconds": min(runs), "memory": memory(name, who, (n, 128), args)})
        say(f"growth: {who}, {n} rows")
    return out


def cases_seconds(work: Work, args: argparse.Namespace) -> float:
    """How long one call takes by the clock that was asked for."""
    clock = CLOCKS[args.clock]
    start = clock()
    work()
    return clock() - start


def child(ask: dict[str, Any], args: argparse.Namespace) -> Any:
    """What a fresh process answers."""
    command = [sys.executable, __file__, "--child", json.dumps(ask), "--threads", str(args.threads),
               "--runs", str(args.runs), "--clock", args.clock]  # fmt: skip
    command += ["--compile"] if args.compile else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{ask} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def say(text: str) -> None:
    """Progress, apart from the table."""
    print(text, file=sys.stderr, flush=True)


def table(rows: list[dict[str, Any]]) -> str:
    """The scoreboard as Markdown."""
    out = [
        "| loss | N x d | who | x floor (min-max) | must | stretch | extra MB | gradient error |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        goal = ["", ""]
        if r["who"] in TARGETS:
            goal = [f"{r[g]:.2f} ({'yes' if r['goal'] <= r[g] else 'no'})"
                    for g in ("must", "stretch")]  # fmt: skip
            if r["beside"]:
                goal[0] += f", {r['goal']:.2f} of {r['beside']}"
        size = " x ".join(f"{k:,}" for k in r["sizes"])
        out.append(
            f"| {r['title']} | {size} | {r['who']} | {r['ratio']:.2f} ({r['low']:.2f}-"
            f"{r['high']:.2f}) | {goal[0]} | {goal[1]} | {r['memory']:,.0f} | {r['error']:.0e} |"
        )
    return "\n".join(out)


def grown(points: list[dict[str, Any]]) -> str:
    """Growth as Markdown, with the factor per doubling."""
    head = "| rows | seconds | x per doubling | extra MB | x per doubling |"
    out = [head, "|--:|--:|--:|--:|--:|"]
    for before, now in zip([None, *points], points, strict=False):
        time = f"{now['seconds'] / before['seconds']:.2f}" if before else ""
        size = f"{now['memory'] / before['memory']:.2f}" if before else ""
        cells = (f"{now['n']:,}", f"{now['seconds']:.3f}", time, f"{now['memory']:.0f}", size)
        out.append(f"| {' | '.join(cells)} |")
    out += ["", f"Time grows as N^{exponent(points, 'seconds'):.2f}, "
            f"memory as N^{exponent(points, 'memory'):.2f}."]  # fmt: skip
    return "\n".join(out)


def exponent(points: list[dict[str, Any]], what: str) -> float:
    """The power of the rows that a figure grows with: the slope of its logarithms."""
    logs = [[math.log(p[key]) for p in points] for key in ("n", what)]
    return statistics.linear_regression(*logs).slope


def machine(args: argparse.Namespace) -> str:
    """Where and when."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    name = next((k.split(":")[1].strip() for k in text.splitlines() if "model name" in k), "")
    return (
        f"{datetime.date.today()}, {name or platform.processor()}, {args.threads} threads, "
        f"{args.clock} clock, torch {torch.__version__}, float32, forward and backward, median of "
        f"{args.runs} rounds, load {os.getloadavg()[0]:.1f}"
    )


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Ratios as bars, one group per case, the goals as lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = list(dict.fromkeys(r["case"] for r in rows))
    who = list(dict.fromkeys(r["who"].split(",")[0] for r in rows))
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    width = 0.8 / len(who)
    colours = dict(zip(who, plt.get_cmap("tab10").colors, strict=False))  # type: ignore[attr-defined]
    for r in rows:
        k, slot = names.index(r["case"]), who.index(r["who"].split(",")[0])
        axes.bar(k - 0.4 + (slot + 0.5) * width, r["ratio"], width, color=colours[who[slot]])
        axes.hlines(r["must"], k - 0.45, k + 0.45, color="black", lw=1, ls=":")
    for name in who:
        axes.bar(0, 0, color=colours[name], label=name)
    axes.set_yscale("log")
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("time / floor (log scale)")
    axes.set_title("Forward and backward beside the unavoidable work; dotted: the goal")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def plot_growth(grew: dict[str, list[dict[str, Any]]], where: str, path: Path) -> None:
    """Time and memory over the number of rows, with lines of the powers that they should follow."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "growth"  # equal figures give equal files
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for panel, what, power, title in zip(
        axes, ("seconds", "memory"), (2, 1), ("seconds", "extra MB"), strict=True
    ):
        for (who, points), mark in zip(grew.items(), ("o-", "s--"), strict=True):
            label = f"{who}: N^{exponent(points, what):.2f}"
            panel.plot(*([p[key] for p in points] for key in ("n", what)), mark, label=label)
        first, last = points[0], points[-1]
        ends = [last[what] * (p["n"] / last["n"]) ** power for p in (first, last)]
        panel.plot([first["n"], last["n"]], ends, ":", color="black", label=f"N^{power}")
        panel.set(xscale="log", yscale="log", xlabel="rows N", ylabel=title)
        panel.set_xticks(GROWTH, [f"{n // 1024}k" for n in GROWTH], minor=False)
        panel.minorticks_off()
        panel.legend(frameon=False, fontsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"NT-Xent, d = 128, forward and backward. {where}", fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--runs", type=int, default=5, help="rounds")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--growth", action="store_true", help="also NT-Xent from 1k to 32k rows")
    parser.add_argument("--compile", action="store_true", help="also torch.compile")
    parser.add_argument("--write", type=Path, help="folder for scoreboard.md and scoreboard.png")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = [name for name in args.cases if name not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; there are {', '.join(CASES)}")
    torch.set_num_threads(args.threads)
    if args.child:
        ask = json.loads(args.child)
        print(json.dumps(used(*ask["memory"]) if "memory" in ask else measured(ask["case"], args)))
        return
    rows = []
    for name in args.cases or CASES:
        say(name)
        rows += child({"case": name}, args)
    text = [machine(args), "", table(rows)]
    grew = {who: growth(args, who) for who in (OURS, COMPILED) if args.growth}
    for who, points in grew.items():
        text += ["", f"NT-Xent, {who}", "", grown(points)]
    print("\n".join(text))
    if args.write:
        args.write.mkdir(parents=True, exist_ok=True)
        (args.write / "scoreboard.md").write_text("\n".join(text) + "\n")
        plot(rows, args.write / "scoreboard.png")
        if grew:
            where = ", ".join(machine(args).split(", ")[:5])
            plot_growth(grew, where, args.write / "growth.svg")


if __name__ == "__main__":
    main()
