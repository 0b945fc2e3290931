"""The catalog's losses once more, written from the papers and not from the catalog: the way in.

Every module of tests/reference serves a family of methods. For a method with id `a-b` it has three
functions: `sample_a_b(rng, n)` draws data that satisfy its hypotheses, keyed by the names in the
file; `published_a_b(data)` is the printed loss, in loops where the paper has sums; `icon_a_b(data)`
is the averaged KL(p || q), in dense arrays. Its `CLAIMS` holds, by id, the claimed (scale,
constant) of exact methods as a function of the data; its `NEGATIVES` the methods that no scale and
constant relate to their pair, with the names of what training changes in each. A vector family has
its coordinates on the last axis, a label or a partner is an integer, an enumerated set an axis in
the order of its elements.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module

import numpy as np

from tests import reference
from tests.reference.tools import Data

KINDS = ("sample", "published", "icon")
MODULES = [
    import_module(f"{reference.__name__}.{found.name}")
    for found in pkgutil.iter_modules(reference.__path__)
    if found.name != "tools"
]
FUNCTIONS: dict[str, Callable[..., object]] = {
    name: found
    for module in MODULES
    for name, found in vars(module).items()
    if name.startswith(KINDS)
}
"""Every sample_, published_ and icon_ function by name."""

CLAIMS: dict[str, Callable[[Data], tuple[float, float]]] = {
    name: claim for module in MODULES for name, claim in getattr(module, "CLAIMS", {}).items()
}
NEGATIVES: dict[str, tuple[str, ...]] = {
    name: learned
    for module in MODULES
    for name, learned in getattr(module, "NEGATIVES", {}).items()
}


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
