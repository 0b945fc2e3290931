"""SupCon on digits
================

Train an encoder of scikit-learn's digits with the SupCon loss that iconograph generates.

    python examples/supcon_digits.py

The first half of the images trains and the second tests, unshuffled, as in scikit-learn's example.
Five nearest neighbours read the test images from their pixels, from the untrained encoder and from
the trained one. Half a minute.
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
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, nn

import iconograph as ic

ROOT = Path(__file__).resolve().parents[1]
TEMPERATURE = 0.1
BATCH = 256
Array = NDArray[Any]


@dataclass(frozen=True)
class Result:
    """The loss of every step with its floor (the entropy of p), and what became of the test images.

    `features` and `read` hold, for "raw pixels", "untrained encoder" and "trained encoder", the
    features (n, d) of the test images and the digits (n) that the neighbours say.
    """

    losses: tuple[float, ...]
    floors: tuple[float, ...]
    digit: Array
    features: dict[str, Array]
    read: dict[str, Array]

    def accuracy(self, name: str) -> float:
        """The share of the test images that is read right."""
        return float((self.read[name] == self.digit).mean())


def main(arguments: list[str] | None = None) -> Result:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="a few seconds: fewer of everything")
    options.add_argument("--out", type=Path, default=ROOT / "build/examples", help="a folder")
    options.add_argument("--picture", type=Path, default=None, help="default: docs/pictures")
    given = options.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    folder = given.out if given.quick else ROOT / "docs/pictures"

    pixels, digit = load_digits(return_X_y=True)
    loss = generated("supcon", given.out / "supcon.py").supcon_loss
    result = experiment(loss, pixels / 16, digit, digit, 40 if given.quick else 400)
    print(f"\n5 nearest neighbours on {len(result.digit)} test images")
    for name in result.read:
        print(f"  {name:<18} {result.accuracy(name):.1%}")

    picture = given.picture or folder / "supcon_digits.png"
    draw(result, picture)
    print(f"\npicture: {picture.relative_to(ROOT) if picture.is_relative_to(ROOT) else picture}")
    return result


def generated(method: str, path: Path) -> Any:
    """Write the method's program and import it."""
    ic.generate(method).save(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def experiment(
    loss: Callable[..., Tensor], pixels: Array, label: Array, digit: Array, steps: int
) -> Result:
    """Train on the first half with the labels given, judge on the second half by its digits."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # sums in one order: the same numbers on any number of cores
    images = torch.tensor(pixels, dtype=torch.float32).view(-1, 1, 8, 8)
    half = len(images) // 2
    train, y = images[:half], torch.tensor(label[:half])
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 16, 32),
    )  # fmt: skip
    optimiser = torch.optim.Adam(encoder.parameters(), lr=1e-3)

    features = {"raw pixels": pixels, "untrained encoder": embedded(encoder, images)}
    losses, floors = [], []
    for step in range(1, steps + 1):
        batch = torch.randperm(half)[:BATCH]
        z = nn.functional.normalize(encoder(shifted(train[batch])))
        value = loss(z, labels=y[batch], temperature=TEMPERATURE)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        with torch.no_grad():  # the loss is I-Con plus the entropy of p: it can fall to that
            divergence = loss(z, labels=y[batch], temperature=TEMPERATURE, term="kl")
        losses.append(value.item())
        floors.append(value.item() - divergence.item())
        if step % (steps // 4) == 0:
            print(f"  step {step:>3}: loss {losses[-1]:.3f}, KL {divergence:.3f}", flush=True)
    features["trained encoder"] = embedded(encoder, images)
    read = {
        name: KNeighborsClassifier(5).fit(x[:half], label[:half]).predict(x[half:])
        for name, x in features.items()
    }
    tests = {name: x[half:] for name, x in features.items()}
    return Result(tuple(losses), tuple(floors), digit[half:], tests, read)


@torch.no_grad()
def embedded(encoder: nn.Module, images: Tensor) -> Array:
    """The embeddings of the images, of length 1."""
    z: Array = nn.functional.normalize(encoder(images)).numpy()
    return z


def shifted(images: Tensor) -> Tensor:
    """The batch moved by at most one pixel each way, so that the encoder learns not to mind."""
    down, right = torch.randint(3, (2,)).tolist()
    return nn.functional.pad(images, (1, 1, 1, 1))[:, :, down : down + 8, right : right + 8]


def draw(result: Result, path: Path) -> None:
    """The loss above its floor; maps of the test images, where a ring marks one that is misread."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    curve, *maps = figure.subplots(1, 3, width_ratios=(1, 1.1, 1.1))
    curve.plot(result.losses, lw=1, label="SupCon loss")
    curve.plot(result.floors, color="black", ls=":", lw=1, label="entropy of p, its floor")
    curve.set(title="loss of a batch", xlabel="step")
    curve.legend(frameon=False)
    curve.spines[["top", "right"]].set_visible(False)
    for axis, name in zip(maps, ("raw pixels", "trained encoder"), strict=True):
        # t-SNE, because ten directions do not fit two principal axes
        plane = TSNE(random_state=0).fit_transform(result.features[name])
        axis.scatter(*plane.T, c=result.digit, cmap="tab10", s=7, lw=0, alpha=0.8)
        wrong = plane[result.read[name] != result.digit]
        axis.scatter(*wrong.T, s=45, fc="none", ec="black", lw=0.9)
        for d in range(10):
            box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75}
            middle = np.median(plane[result.digit == d], axis=0)
            axis.text(*middle, str(d), ha="center", va="center", weight="bold", bbox=box)
        axis.set(title=f"{name}, {result.accuracy(name):.1%} read right", xticks=[], yticks=[])
        axis.set_xlabel(f"t-SNE of {len(plane)} test images; rings: the {len(wrong)} misread")
        axis.spines[:].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()

# sphinx_gallery_thumbnail_path = "pictures/supcon_digits.png"
# %%
# .. image:: /pictures/supcon_digits.png
#    :alt: The loss above its floor, and t-SNE maps of the test images
