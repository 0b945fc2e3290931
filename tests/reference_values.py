"""The catalog's losses once more, written from the papers and not from the catalog: the way in.

For a method with id `a-b` there are three functions in tests/reference: `sample_a_b(rng, n)` draws
data that satisfy its hypotheses, keyed by the names in the file; `published_a_b(data)` is
the printed loss, in loops where the paper has sums; `icon_a_b(data)` is the averaged KL(p || q), in
dense arrays. `CLAIMS` holds the claimed (scale, constant). A vector family has its coordinates on
the last axis, a label or a partner is an integer, an enumerated set an axis in the order of its
elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.reference import classes, clustering, contrastive, embedding, paired
from tests.reference.tools import Data, entropy, rows_to_one, softmax

KINDS = ("sample", "published", "icon")
FUNCTIONS: dict[str, Callable[..., object]] = {
    name: found
    for module in (classes, clustering, contrastive, embedding, paired)
    for name, found in vars(module).items()
    if name.startswith(KINDS)
}
"""Every sample_, published_ and icon_ function by name."""


def sample(method: str, rng: np.random.Generator, n: int) -> Data:
    """Data of about n anchors that satisfy the hypotheses of the method with this id."""
    return FUNCTIONS[f"sample_{snake(method)}"](rng, n)  # type: ignore[return-value]


def published(method: str, data: Data) -> float:
    """The printed loss of the method with this id."""
    return FUNCTIONS[f"published_{snake(method)}"](data)  # type: ignore[return-value]


def icon(method: str, data: Data) -> float:
    """The I-Con loss of the pair that the method with this id claims."""
    return FUNCTIONS[f"icon_{snake(method)}"](data)  # type: ignore[return-value]


def snake(method: str) -> str:
    return method.replace("-", "_")


def mean_log_neighbours(data: Data) -> float:
    return float(np.log(data["knn"].sum(1)).mean())


def claim_dcd(data: Data) -> tuple[float, float]:
    a = (data["A"] * data["edge"]).sum(1)
    return float(a.sum()), float((a * np.log(a)).sum() - a.sum() + len(a))


def claim_mlm(data: Data) -> tuple[float, float]:
    return 1.0, entropy(rows_to_one(data["N"]), data["N"].sum(1))


def claim_knowledge_distillation(data: Data) -> tuple[float, float]:
    square = float(data["T"]) ** 2
    return square, square * entropy(softmax(data["v"] / data["T"]))


def claim_supcon(data: Data) -> tuple[float, float]:
    return len(data["y"]), float(np.log(contrastive.same_label(data).sum(1)).sum())


CLAIMS: dict[str, Callable[[Data], tuple[float, float]]] = {
    "sne": lambda d: (len(d["y"]), 0.0),
    "x-sample": lambda d: (1.0, entropy(contrastive.target_x_sample(d))),
    "sne-uniform": lambda d: (1.0, math.log(d["k"])),
    "lgsimclr": lambda d: (1.0, mean_log_neighbours(d)),
    "infonce": lambda d: (1.0, 0.0),
    "infonce-k": lambda d: (1.0, math.log(d["k"])),
    "simclr": lambda d: (1.0, 0.0),
    "moco-v3": lambda d: (4 * float(d["tau"]), 0.0),
    "clip": lambda d: (1.0, 0.0),
    "cmc": lambda d: (len(d["z"]) * (len(d["z"]) - 1), 0.0),
    "supcon": claim_supcon,
    "cross-entropy": lambda d: (1.0, 0.0),
    "t-sne": lambda d: (1.0, 0.0),
    "t-sne-graph": lambda d: (1.0, 0.0),
    "t-sne-uniform": lambda d: (1.0, embedding.entropy_t_sne_uniform(d)),
    "t-simcne": lambda d: (1.0, 0.0),
    "t-simclr": lambda d: (1.0, 0.0),
    "harmonic": lambda d: (1.0, 0.0),
    "dcd": claim_dcd,
    "pmi-clustering": lambda d: (1.0, mean_log_neighbours(d) - math.log(len(d["phi"]))),
    "infonce-clustering": lambda d: (1.0, mean_log_neighbours(d) - math.log(len(d["phi"]))),
    "mlm": claim_mlm,
    "label-smoothing": lambda d: (1.0, entropy(classes.target_label_smoothing(d))),
    "knowledge-distillation": claim_knowledge_distillation,
    "dpo": lambda d: (1.0, 0.0),
    "siglip": lambda d: (len(d["x"]), 0.0),
    "cosface": lambda d: (1.0, 0.0),
}
"""Methods whose relation is exact: data -> (scale, constant)."""

NEGATIVES: dict[str, tuple[str, ...]] = {
    "supcon-in": ("z",),
    "conditional-t-sne": ("y",),
    "decoupled-contrastive": ("z",),
    "focal": ("z",),
    "triplet": ("f", "g"),
}
"""Methods that no scale and constant relate to their pair, with what training changes in each."""
