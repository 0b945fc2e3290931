"""t-SNE of digits, against scikit-learn
=====================================

t-SNE of scikit-learn's digits, descended on the loss that iconograph generates.

    python examples/tsne_digits.py

`iconograph.perplexity` finds the bandwidths; the P behind them is scikit-learn's, as far as its own
search for them goes. The map is made by gradient descent on the generated program alone. At the end
the program and scikit-learn's objective must agree on the KL divergence, of our map and of the one
that scikit-learn's TSNE makes with its defaults (Barnes-Hut). About a minute.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.spatial.distance import squareform
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.manifold._t_sne import MACHINE_EPSILON, _joint_probabilities, _kl_divergence
from sklearn.metrics import pairwise_distances
from torch import Tensor

import iconograph as ic
from iconograph.perplexity import bandwidths

ROOT = Path(__file__).resolve().parents[1]
PERPLEXITY = 30.0
EXAGGERATION = 12.0
Array = NDArray[Any]


@dataclass(frozen=True)
class Target:
    """P twice: as scikit-learn holds it (one entry per unordered pair), and as sigma (n).

    `gap` is the largest difference from the P that scikit-learn finds itself.
    """

    points: Array
    sklearn: Array
    bandwidth: Array
    gap: float


@dataclass(frozen=True)
class Map:
    """A map (n, 2), its KL divergence according to the program and to scikit-learn."""

    name: str
    y: Array
    generated: float
    sklearn: float
    trust: float


@dataclass(frozen=True)
class Result:
    """What the example found; `losses` are KL(P || Q) during the descent."""

    target: Target
    losses: tuple[float, ...]
    ours: Map
    theirs: Map
    digit: Array


def main(arguments: list[str] | None = None) -> Result:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="a few seconds: fewer of everything")
    options.add_argument("--out", type=Path, default=ROOT / "build/examples", help="a folder")
    options.add_argument("--picture", type=Path, default=None, help="default: docs/pictures")
    given = options.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    folder = given.out if given.quick else ROOT / "docs/pictures"
    torch.set_num_threads(1)  # sums in one order: the same map on any number of cores

    points, digit = load_digits(return_X_y=True)
    if given.quick:
        points, digit = points[:300], digit[:300]
    loss = generated("t-sne", given.out / "t_sne.py").t_sne_loss
    target = supervisory(points)
    print(f"{len(points)} digits, perplexity {PERPLEXITY:g}")
    print(f"largest difference between our P and scikit-learn's: {target.gap:.1e}")
    print(f"(scikit-learn lifts what is below {MACHINE_EPSILON:.1e} to that; the loss does not)")

    y, losses = descend(loss, target, (30, 70) if given.quick else (100, 300))
    other = TSNE(perplexity=PERPLEXITY, init="pca", random_state=0).fit_transform(points)
    ours = judged("generated loss", y, loss, target)
    theirs = judged("scikit-learn's TSNE", np.asarray(other, dtype=float), loss, target)
    print(f"\n{'':<20} {'KL(P||Q) by the':>16} {'KL(P||Q) by':>16}")
    heads = ("map made by", "generated loss", "scikit-learn", "difference", "trustworthiness")
    print("{:<20} {:>16} {:>16} {:>12} {:>16}".format(*heads))
    for m in (ours, theirs):
        print(f"{m.name:<20} {m.generated:>16.9f} {m.sklearn:>16.9f}", end=" ")
        print(f"{m.generated - m.sklearn:>12.1e} {m.trust:>16.4f}")

    picture = given.picture or folder / "tsne_digits.png"
    draw((ours, theirs), digit, picture)
    print(f"\npicture: {picture.relative_to(ROOT) if picture.is_relative_to(ROOT) else picture}")
    return Result(target, losses, ours, theirs, digit)


def generated(method: str, path: Path) -> Any:
    """Write the method's program and import it."""
    ic.generate(method).save(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def supervisory(points: Array) -> Target:
    """The bandwidths of the perplexity, and the P behind them as scikit-learn would hold it."""
    bandwidth = bandwidths(torch.tensor(points), PERPLEXITY).numpy()
    squares = pairwise_distances(points, metric="euclidean", squared=True)
    p = np.exp(-squares / (2 * bandwidth[:, None] ** 2))
    np.fill_diagonal(p, 0.0)
    p /= p.sum(1, keepdims=True)
    joint = squareform(p + p.T, checks=False) / (2 * len(points))
    theirs = _joint_probabilities(squares.astype(np.float32), PERPLEXITY, 0)
    gap = float(np.abs(joint - theirs).max())
    return Target(points, np.maximum(joint, MACHINE_EPSILON), bandwidth, gap)


def descend(
    loss: Callable[..., Tensor], target: Target, steps: tuple[int, int]
) -> tuple[Array, tuple[float, ...]]:
    """Gradient descent with momentum and a gain per coordinate, as in the paper of t-SNE.

    The first steps scale P by 12, which is van der Maaten and Hinton's early exaggeration. Then P
    is no distribution and what falls, 12 * loss - 11 * log Z, is no I-Con loss; the second phase
    and every number that is reported are about the loss itself.
    """
    start = PCA(2, svd_solver="full").fit_transform(target.points)
    y = torch.tensor(start / start[:, 0].std() * 1e-4, dtype=torch.float32)
    points = torch.tensor(target.points, dtype=torch.float32)
    bandwidth = torch.tensor(target.bandwidth, dtype=torch.float32)
    entropy = -2 * float(np.dot(target.sklearn, np.log(target.sklearn)))
    step, gain = torch.zeros_like(y), torch.ones_like(y)
    losses = []
    for number in range(sum(steps)):
        early = number < steps[0]
        value = loss(y.requires_grad_(), points=points, bandwidth=bandwidth)
        (slope,) = torch.autograd.grad(exaggerated(value, y) if early else value, y)
        losses.append(value.item() - entropy)
        gain = torch.where(step * slope < 0, gain + 0.2, gain * 0.8).clamp(min=0.01)
        rate = max(len(y) / EXAGGERATION / 4, 50) * (1 if early else 2)
        step = (0.5 if early else 0.9) * step - rate * gain * slope
        y = y.detach() + step
        if (number + 1) % 50 == 0:
            phase = " (P exaggerated)" if early else ""
            print(f"  step {number + 1:>3}: KL {losses[-1]:.4f}{phase}", flush=True)
    return y.numpy().astype(float), tuple(losses)


def exaggerated(value: Tensor, y: Tensor) -> Tensor:
    """-sum 12 P log k + log Z, from the loss -sum P log k + log Z."""
    partition = 2 * (1 / (1 + torch.pdist(y).square())).sum()
    return EXAGGERATION * value - (EXAGGERATION - 1) * partition.log()


def judged(name: str, y: Array, loss: Callable[..., Tensor], target: Target) -> Map:
    """The map's KL divergence by the program, in float64, and by scikit-learn's objective."""
    p = {"points": torch.tensor(target.points), "bandwidth": torch.tensor(target.bandwidth)}
    with torch.no_grad():
        value = loss(torch.tensor(y), **p, term="kl").item()
    theirs, _ = _kl_divergence(y.ravel(), target.sklearn, 1, len(y), 2)
    trust = trustworthiness(target.points, y, n_neighbors=5)
    return Map(name, y, value, float(theirs), float(trust))


def draw(maps: tuple[Map, Map], digit: Array, path: Path) -> None:
    """Both maps side by side, each digit in its colour and named at its middle."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    for axis, m in zip(figure.subplots(1, 2), maps, strict=True):
        axis.scatter(*m.y.T, c=digit, cmap="tab10", s=7, lw=0, alpha=0.8)
        for d in range(10):
            middle = np.median(m.y[digit == d], axis=0)
            box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75}
            axis.text(*middle, str(d), ha="center", va="center", weight="bold", bbox=box)
        axis.set(aspect="equal", xticks=[], yticks=[])
        axis.set_title(f"{m.name}\nKL {m.sklearn:.4f}, trustworthiness {m.trust:.4f}", fontsize=11)
        axis.spines[:].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()

# sphinx_gallery_thumbnail_path = "pictures/tsne_digits.png"
# %%
# .. image:: /pictures/tsne_digits.png
#    :alt: The digits mapped by the generated loss, and by scikit-learn
