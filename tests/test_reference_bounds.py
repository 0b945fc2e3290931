"""Limits and bounds against numbers with 50 digits that share no code with the catalog.

For every entry of the tables `BOUNDS` in tests/reference: the bounds hold at each value of the
parameter, they shrink at the rate that the file states, the difference shrinks with them, and the
file's own formulas give the reference's numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mpf

from catalog.pair import divergence
from catalog.registry import all_methods, load
from tests import reference_values as reference
from tests.formula_value import valuation

TINY = mpf(10) ** -45
BOUNDS: dict[str, tuple[str, tuple[str, ...]]] = {
    name: found
    for module in reference.MODULES
    for name, found in getattr(module, "BOUNDS", {}).items()
}
SIZES = (2, 5)


def bounds(name: str) -> Callable[..., tuple[Any, Any, Any, Any]]:
    """The reference of an entry."""
    found = f"bounds_{reference.snake(name)}"
    return next(getattr(m, found) for m in reference.MODULES if hasattr(m, found))


def at(name: str, n: int, value: str) -> dict[str, np.ndarray]:
    """Data of an entry at a value of its parameter."""
    data = reference.sample(name, np.random.default_rng(n), n)
    parameter = BOUNDS[name][0]
    return {**data, parameter: np.asarray(float(value))} if parameter else data


def test_every_bound_of_the_catalog_has_a_reference() -> None:
    bounded = [m for m in all_methods() if m.claim.relation in ("limit", "bound", "expansion")]
    losses = {m.id for m in bounded if Path(m.path).parent.name == "methods"}
    assert losses <= set(BOUNDS) <= {m.id for m in bounded}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", BOUNDS)
def test_the_bounds_hold_and_vanish(name: str, n: int) -> None:
    claim = load(name).claim
    last = None
    for value in BOUNDS[name][1]:
        published, side, below, above = bounds(name)(at(name, n, value))
        e = published - side
        low, high = (None if b is None else b + TINY for b in (below, above))
        assert (low is None or -low <= e) and (high is None or e <= high), value
        width = sum(b for b in (below, above) if b is not None)
        if claim.parameter and last is not None:  # by four from one value to the next
            assert width <= last * mpf(4) ** -claim.order + TINY
        last = width


@pytest.mark.parametrize("name", BOUNDS)
def test_the_file_says_the_same(name: str) -> None:
    method = load(name)
    data = at(name, 3, BOUNDS[name][1][0])
    value = valuation(method, data)
    claim = method.claim
    published, side, below, above = bounds(name)(data)
    mine = value(claim.scale) * value(divergence(method.icon)) + value(claim.constant)
    said = [value(method.published), mine]
    said += [0.0 if b is None else value(b) for b in (claim.below, claim.above)]
    theirs = [float(x or 0) for x in (published, side, below, above)]
    assert said == pytest.approx(theirs, rel=1e-10, abs=1e-10)


def test_a_tighter_bound_would_be_noticed() -> None:
    """At a tie the hinge is as far from the I-Con loss as it can be."""
    data = at("triplet-limit", 3, "0.25")
    data |= {"f": np.zeros((3, 3)), "g": np.zeros((3, 2, 3)), "alpha": np.asarray(0.0)}
    published, side, below, _ = bounds("triplet-limit")(data)
    assert published - side == pytest.approx(-below)
    assert published - side < -below * 999 / 1000
