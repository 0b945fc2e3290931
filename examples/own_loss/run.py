"""A loss of your own, from a file to training
===========================================

A loss of one's own, from a file to training: verify, check, generate, train, and two slips.

    python examples/own_loss/run.py

`graph-supcon.toml` mixes SupCon's neighbours with those of a given graph. It is proved to be one
I-Con loss, its program is written and trained on scikit-learn's digits, once with all labels right
and once with a fifth of them wrong, where the graph should help. `forgotten-positives.toml` and
`off-by-log-2.toml` make the same claim of formulas with a slip, and are refuted. About a minute.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier, kneighbors_graph
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
HERE = Path("examples/own_loss")
NEIGHBOURS = 20
"""Of the classifier: so many that a few wrong labels are outvoted."""


@dataclass(frozen=True)
class Trained:
    """One training: the graph's weight, the share of wrong labels, and what came of it.

    `q_start` and `q_end` are (10, 10): the mean share of q that samples of one digit (rows) give to
    those of another; `p` the same for what the loss asks for.
    """

    lam: float
    wrong: float
    losses: tuple[float, ...]
    temperature: float
    accuracy: float
    p: NDArray[Any]
    q_start: NDArray[Any]
    q_end: NDArray[Any]


@dataclass(frozen=True)
class Tour:
    """What the tour found, for whoever runs it from Python."""

    exits: dict[str, int]
    texts: dict[str, str]
    certificate: Path
    pixels: dict[float, float]
    trained: tuple[Trained, ...]


@dataclass(frozen=True)
class Data:
    """Half of the digits to train with, the other half to test; pixels lie between 0 and 1."""

    train: NDArray[Any]
    test: NDArray[Any]
    digit: NDArray[Any]
    test_digit: NDArray[Any]
    graph: NDArray[Any]


def main(arguments: list[str] | None = None) -> Tour:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="a few seconds: fewer of everything")
    options.add_argument("--out", type=Path, default=Path("build/examples"), help="a folder")
    options.add_argument("--picture", type=Path, default=None, help="default: docs/pictures")
    given = options.parse_args(arguments)
    out = given.out if given.out.is_absolute() else ROOT / given.out
    out.mkdir(parents=True, exist_ok=True)
    picture = given.picture or (out if given.quick else ROOT / "docs/pictures") / "own_loss.png"
    torch.set_num_threads(1)  # sums in one order: the same numbers on any number of cores

    exits, texts = {}, {}

    def iconograph(step: str, *words: str | Path) -> None:
        exits[step], texts[step] = command(*map(str, words))

    file = HERE / "graph-supcon.toml"
    folder = Path(os.path.relpath(out, ROOT)) if out.is_relative_to(ROOT) else out
    program = folder / "graph_supcon.py"
    say("1. Is it what it claims to be?")
    iconograph("verify", "verify", file, "--certificates", folder)
    say("2. Anybody can replay the proof; nothing is searched.")
    iconograph("check", "check", folder / "graph-supcon.json")
    say("3. Two slips: the same claim of a formula without the positives in the denominator,")
    print("   and of a constant that is off by log 2. (Exit status 1: not as claimed.)")
    iconograph("forgotten", "verify", HERE / "forgotten-positives.toml")
    iconograph("constant", "verify", HERE / "off-by-log-2.toml")
    say("4. Its program, which needs torch and nothing of iconograph.")
    iconograph("generate", "generate", file, "--target", "torch", "--out", program)

    steps = 20 if given.quick else 120
    shares = (0.0, 0.2)
    lams = (0.01, 0.75) if given.quick else (0.01, 0.25, 0.5, 0.75, 0.99)
    data = digits(300 if given.quick else None)
    say(f"5. Train a small network on {len(data.train)} digits, {steps} steps for each lam.")
    loss = load(ROOT / program).graph_supcon_loss
    labels = {wrong: spoilt(data.digit, wrong) for wrong in shares}
    pixels = {w: accuracy(data.train, labels[w], data.test, data.test_digit) for w in shares}
    trained = tuple(train(loss, data, labels[w], w, lam, steps) for w in shares for lam in lams)
    report(trained, pixels)
    draw(trained, pixels, picture)
    print(f"\npicture: {picture.relative_to(ROOT) if picture.is_relative_to(ROOT) else picture}")
    return Tour(exits, texts, out / "graph-supcon.json", pixels, trained)


def command(*words: str) -> tuple[int, str]:
    """Run the command line as a reader would, and show what it says."""
    print(f"\n$ iconograph {' '.join(words)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "iconograph", *words], cwd=ROOT, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    print(done.stdout.rstrip(), flush=True)
    return done.returncode, done.stdout


def load(path: Path) -> Any:
    """The generated program as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digits(limit: int | None) -> Data:
    """The first half of the digits to train, the second to test, as in scikit-learn's own example.

    The graph joins every training image to the ten with the nearest pixels, and these to it.
    """
    pixels, digit = load_digits(return_X_y=True)
    half = len(pixels) // 2
    train = pixels[:half][:limit] / 16
    near = kneighbors_graph(train, 10).toarray()
    return Data(
        train, pixels[half:] / 16, digit[:half][:limit], digit[half:], np.maximum(near, near.T)
    )


def spoilt(digit: NDArray[Any], share: float) -> NDArray[Any]:
    """The labels, a share of them moved to another digit."""
    random = np.random.default_rng(0)
    wrong = random.random(len(digit)) < share
    return np.where(wrong, (digit + random.integers(1, 10, len(digit))) % 10, digit)


def train(
    loss: Any, data: Data, label: NDArray[Any], wrong: float, lam: float, steps: int
) -> Trained:
    """Train an encoder and the temperature on all training images at once."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 32))
    log_temperature = torch.tensor(math.log(0.2), requires_grad=True)  # stays positive
    optimiser = torch.optim.Adam([*encoder.parameters(), log_temperature], lr=2e-3)
    x = torch.tensor(data.train, dtype=torch.float32)
    y, graph = torch.tensor(label), torch.tensor(data.graph, dtype=torch.float32)
    start = shares_of_q(encoder, log_temperature, x, data.digit)
    losses = []
    for _ in range(steps):
        value = loss(encoder(x), y=y, G=graph, lam=lam, temperature=log_temperature.exp())
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    with torch.no_grad():
        near, far = (
            nn.functional.normalize(encoder(torch.tensor(v, dtype=torch.float32))).numpy()
            for v in (data.train, data.test)
        )
    return Trained(
        lam, wrong, tuple(losses), log_temperature.exp().item(),
        accuracy(near, label, far, data.test_digit), shares_of_p(label, data, lam),
        start, shares_of_q(encoder, log_temperature, x, data.digit),
    )  # fmt: skip


def accuracy(
    train: NDArray[Any], label: NDArray[Any], test: NDArray[Any], truth: NDArray[Any]
) -> float:
    """How often the nearest training points, with the labels they were given, name the digit."""
    return float(KNeighborsClassifier(NEIGHBOURS).fit(train, label).score(test, truth))


def shares_of_p(label: NDArray[Any], data: Data, lam: float) -> NDArray[Any]:
    """The mixture p of the method's file, written out once more, from digit to digit."""
    same = (label[:, None] == label) & ~np.eye(len(label), dtype=bool)
    p = (1 - lam) * same / same.sum(1, keepdims=True)
    return by_digit(p + lam * data.graph / data.graph.sum(1, keepdims=True), data.digit)


@torch.no_grad()
def shares_of_q(
    encoder: nn.Module, log_temperature: Tensor, x: Tensor, digit: NDArray[Any]
) -> NDArray[Any]:
    """The learned q, from digit to digit."""
    z = nn.functional.normalize(encoder(x))
    scores = (z @ z.T / log_temperature.exp()).fill_diagonal_(-math.inf)
    return by_digit(scores.softmax(1).numpy(), digit)


def by_digit(rows: NDArray[Any], digit: NDArray[Any]) -> NDArray[Any]:
    """(n, n) -> (10, 10): what the rows of one digit give to the columns of another, on average."""
    member = (digit[:, None] == np.arange(10)).astype(float)
    shares: NDArray[Any] = member.T @ rows @ member / member.sum(0)[:, None]
    return shares


def report(trained: tuple[Trained, ...], pixels: dict[float, float]) -> None:
    print(f"   {NEIGHBOURS} nearest neighbours, with the labels given, on the other half:\n")
    print(f"   {'labels wrong':>12} {'lam':>5} {'loss':>15} {'temperature':>14} {'accuracy':>9}")
    for wrong, score in pixels.items():
        print(f"   {wrong:>12.0%} {'':>5} {'pixels':>15} {'':>14} {score:>9.1%}")
        for t in trained:
            if t.wrong == wrong:
                loss = f"{t.losses[0]:.3f} -> {t.losses[-1]:.3f}"
                heat = f"0.2 -> {t.temperature:.3f}"
                print(f"   {wrong:>12.0%} {t.lam:>5.2f} {loss:>15} {heat:>14} {t.accuracy:>9.1%}")


def draw(trained: tuple[Trained, ...], pixels: dict[float, float], path: Path) -> None:
    """What p asks for, what q gives before and after, and the accuracy against lam."""
    shown = next(t for t in trained if t.wrong and t.lam == 0.75)
    whole = Figure(figsize=(11.5, 3.2), layout="constrained")
    left, right = whole.subfigures(1, 2, squeeze=False, width_ratios=(2.5, 1), wspace=0.04).flat
    left.suptitle(f"lam = {shown.lam}, {shown.wrong:.0%} of the labels wrong", fontsize=11)
    axes = left.subplots(1, 3)
    panels = {"p, asked for": shown.p, "q, before": shown.q_start, "q, after": shown.q_end}
    for axis, (title, shares) in zip(axes, panels.items(), strict=True):
        image = axis.imshow(shares, vmin=0, vmax=1, cmap="viridis")
        axis.set_title(title, fontsize=11)
        axis.set(xticks=range(10), yticks=range(10), xlabel="neighbour's digit")
        axis.tick_params(length=0, labelsize=8)
    axes[0].set_ylabel("anchor's digit")
    left.colorbar(image, ax=axes, shrink=0.8, label="share of the row")
    axis = right.subplots()
    for (wrong, score), colour in zip(pixels.items(), ("tab:blue", "tab:red"), strict=True):
        runs = [t for t in trained if t.wrong == wrong]
        name = "every label right" if not wrong else f"{wrong:.0%} of the labels wrong"
        axis.plot([t.lam for t in runs], [t.accuracy for t in runs], "o-", color=colour, label=name)
        axis.axhline(score, color="grey", ls=":", lw=1, label="pixels" if wrong else None)
    axis.set_title("accuracy on test images", fontsize=11)
    axis.set(xlabel="lam, weight of the graph", xlim=(-0.03, 1.03))
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axis.legend(fontsize=8, frameon=False, loc="lower right")
    axis.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.savefig(path, dpi=100, metadata={"Software": None})


def say(title: str) -> None:
    print(f"\n{title}", flush=True)


if __name__ == "__main__":
    main()

# sphinx_gallery_thumbnail_path = "pictures/own_loss.png"
# %%
# .. image:: /pictures/own_loss.png
#    :alt: p, and q before and after training, as shares between digits; test accuracy against lam
