"""Verdicts, proofs and replays: how long a user waits, against the targets and against an import.

    python benchmarks/prove.py [--runs 3] [--profile] [--sizes]

Targets: every claim of the catalog proved or refuted within 60 s and all certificates replayed
within 3 s, on two cores; the 27 losses of the first version within 10 s and 1 s; the first verdict
on a file of one's own, start-up included, within 2 s. The floor is the time that
`python -c "import sympy"` takes, which every verdict pays; it is measured in every round beside the
rest, and the medians of times and of ratios are printed. Processor seconds, of the whole process
with its start-up, tell a busy machine from a slow program. Every measurement is a process of its
own, so that nothing is remembered from one to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = "import sympy (the floor)"
MINE = """
id = "my-loss"
name = "My loss"
field = "self-supervised"
year = 2026
cite = "none"
[learned]
z = "vector[i]"
[given]
pos = "index[i] in n"
tau = "positive"
epsilon = "probability"
[assumes]
"the partner is another view" = "[pos[i] = i] = 0"
[p]
kernel = "smoothed"
target = "pos[i]"
epsilon = "epsilon"
[q]
kernel = "dot"
embedding = "z"
temperature = "tau"
[published]
formula = '''mean[i] (log(sum[k != i] exp(z[i].z[k]/tau))
  - (1-epsilon)*z[i].z[pos[i]]/tau - epsilon/(n-1)*sum[j != i] z[i].z[j]/tau)'''
source = "mine"
[claim]
relation = "exact"
constant = "H(p)"
"""
SEARCH = """
import time
from catalog.registry import all_methods
from derive.bridge import problem
from derive.prove import Proof, prove
from derive.verdict import NEGATIVE
claims = [problem(m) for m in all_methods() if m.claim.relation not in NEGATIVE]
start = time.perf_counter()
assert all(isinstance(prove(c), Proof) for c in claims)
print(time.perf_counter() - start)
"""
REPLAY = """
import sys, time
from pathlib import Path
from derive.check import check_text
texts = [Path(name).read_text() for name in sys.argv[1:]]
import derive.equations, derive.stored
start = time.perf_counter()
for text in texts:
    check_text(text)
print(time.perf_counter() - start)
"""
PROFILE = """
import cProfile, pstats, sys
{setup}
profile = cProfile.Profile()
profile.enable()
{body}
profile.disable()
pstats.Stats(profile).sort_stats("tottime").print_stats(14)
"""


def python(*arguments: str) -> str:
    """What a fresh process prints; it must end well."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True
    )
    if ran.returncode not in (0, 1):  # 1: a claim failed, as the negatives of the catalog should
        raise SystemExit(f"python {' '.join(arguments)[:80]} failed:\n{ran.stderr[-2000:]}")
    return ran.stdout


def processor() -> float:
    """Processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wall(*arguments: str) -> Callable[[], float]:
    """The time of a fresh process, from outside."""

    def measure() -> float:
        start = time.perf_counter()
        python(*arguments)
        return time.perf_counter() - start

    return measure


def inside(script: str, *arguments: str) -> Callable[[], float]:
    """The time that a fresh process says, its imports left out."""
    return lambda: float(python("-c", script, *arguments))


# the exact methods of the first version, to compare times over versions
FIRST = [
    "sne", "x-sample", "sne-uniform", "lgsimclr", "infonce", "infonce-k", "simclr", "moco-v3",
    "clip", "cmc", "supcon", "cross-entropy", "t-sne", "t-sne-graph", "t-sne-uniform", "t-simcne",
    "t-simclr", "harmonic", "dcd", "pmi-clustering", "infonce-clustering", "mlm",
    "label-smoothing", "knowledge-distillation", "dpo", "siglip", "cosface",
]  # fmt: skip


def positive_ids() -> list[str]:
    script = (
        "from catalog.registry import all_methods\n"
        "from derive.verdict import NEGATIVE\n"
        "print(*[m.id for m in all_methods() if m.claim.relation not in NEGATIVE])"
    )
    return python("-c", script).split()


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned, numbers to the right."""
    widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
    lines = []
    for r in rows:
        cells = [
            c.ljust(w) if k == 0 else c.rjust(w)
            for k, (c, w) in enumerate(zip(r, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def measure(runs: int, folder: Path) -> None:
    """Time everything `runs` times, in rounds, and print the medians."""
    mine = folder / "my_loss.toml"
    mine.write_text(MINE)
    ids = positive_ids()
    command = ("-m", "iconograph", "verify")
    python(*command, *ids, "--jobs", "1", "--certificates", str(folder / "proofs"))
    proofs = sorted((folder / "proofs").glob("*.json"))
    assert len(proofs) == len(ids)
    first = [str(folder / "proofs" / f"{name}.json") for name in FIRST]
    check = ("-m", "iconograph", "check", "--jobs")
    jobs: dict[str, tuple[float | None, Callable[[], float]]] = {
        FLOOR: (None, wall("-c", "import sympy")),
        "all: search alone, one process": (None, inside(SEARCH)),
        "all: verify --jobs 2": (60, wall(*command, "--jobs", "2")),
        "all: check --jobs 2": (3, wall(*check, "2", *map(str, proofs))),
        "first 27: verify --jobs 1": (10, wall(*command, *FIRST, "--jobs", "1")),
        "first 27: verify --jobs 2": (10, wall(*command, *FIRST, "--jobs", "2")),
        "first 27: check --jobs 2": (1, wall(*check, "2", *first)),
        "first 27: replay in one process": (1, inside(REPLAY, *first)),
        "first verdict on one's own file": (2, wall(*command, str(mine))),
        "iconograph --help": (None, wall("-m", "iconograph", "--help")),
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    worked: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(runs):
        for name, (_, job) in jobs.items():
            before = processor()
            times[name].append(job())
            worked[name].append(processor() - before)
    rows = [("", "seconds", "target", "of target", "x floor", "processor s")]
    for name, (target, _) in jobs.items():
        seconds = statistics.median(times[name])
        ratio = statistics.median(t / f for t, f in zip(times[name], times[FLOOR], strict=True))
        rows.append(
            (
                name,
                f"{seconds:.2f}",
                f"{target:g} s" if target else "",
                f"{seconds / target:.0%}" if target else "",
                f"{ratio:.2f}",
                f"{statistics.median(worked[name]):.2f}",
            )
        )
    print(f"{len(ids)} claims that hold, median of {runs} rounds, {os.cpu_count()} cores\n")
    print(table(rows))


def sizes(folder: Path) -> None:
    """How large the certificates are."""
    rows = [("certificate", "bytes", "terms", "steps")]
    python("-m", "iconograph", "verify", *positive_ids(), "--certificates", str(folder / "proofs"))
    for path in sorted((folder / "proofs").glob("*.json")):
        body = json.loads(path.read_text())
        counts = (path.stat().st_size, len(body["terms"]), len(body["steps"]))
        rows.append((path.stem, *(f"{c:,}" for c in counts)))
    print("\n" + table(rows))


def profile(folder: Path) -> None:
    """Where the time of the search and of the replay goes."""
    python("-m", "iconograph", "verify", *positive_ids(), "--certificates", str(folder / "proofs"))
    parts = {
        "search": (SEARCH.split("start =")[0], "[prove(c) for c in claims]"),
        "replay": (REPLAY.split("start =")[0], "[check_text(t) for t in texts]"),
    }
    for name, (setup, body) in parts.items():
        print(f"\n{name}")
        proofs = map(str, sorted((folder / "proofs").glob("*.json")))
        said = python("-c", PROFILE.format(setup=setup, body=body), *proofs)
        print(said.replace(str(ROOT) + os.sep, "").strip())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="rounds; medians are printed")
    parser.add_argument("--profile", action="store_true", help="also where the time goes")
    parser.add_argument("--sizes", action="store_true", help="also how large the certificates are")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(asked.runs, folder)
        if asked.sizes:
            sizes(folder)
        if asked.profile:
            profile(folder)


if __name__ == "__main__":
    main()
