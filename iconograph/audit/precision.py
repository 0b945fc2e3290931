"""How exact the answers of a loss are, and whether they are always the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from iconograph.audit.calls import SIZES, draw
from iconograph.audit.probe import Array, Probe

STEPS = (1e-5, 1e-3, 1e-1)  # along a line; a longer one where values are too coarse to move
POINTS = 9
ORDER = 4  # of the differences, which leave no more of a smooth loss than its fourth derivative
EXACT = 1e-12  # relative; double precision stays below, single precision far above


def precision(probe: Probe, seed: int = 0) -> float:
    """The relative error of the values that a loss gives, as a power of ten or so.

    It is the noise along a random line: differences of fourth order of values at equal steps, as
    in J. J. More and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011).
    A loss in double precision has 1e-16 to 1e-13, one that computes in float32 about 1e-7.

    Raises:
        Theirs: the code fails at an ordinary input.
    """
    import numpy as np

    sizes = {**SIZES[0], **getattr(probe, "fixed", {})}
    start = draw(probe.call, sizes, seed)
    random = np.random.default_rng(seed + 1)
    ways = {s.name: random.normal(size=start[s.name].shape) for s in probe.call.slots if s.learned}
    found = 0.0
    for step in STEPS:
        values = [
            probe.ask(_moved(start, ways, k * step), gradient=False).value for k in range(POINTS)
        ]
        scale = max(map(abs, values)) or 1.0
        found = _noise(values) / scale
        # values that stay or jump say nothing about their error but that the step is too short
        if len(set(values)) > POINTS // 2:
            return max(found, 2.0**-53)
    return max(found, 2.0**-53)


def _moved(start: Mapping[str, Array], ways: Mapping[str, Array], by: float) -> dict[str, Array]:
    return {name: x + by * ways[name] if name in ways else x for name, x in start.items()}


def _noise(values: Sequence[float]) -> float:
    """The standard deviation of independent errors in values of a smooth function."""
    import numpy as np

    differences = np.diff(np.asarray(values), ORDER)
    # each is a sum of values with binomial coefficients, so its variance is theirs squared
    return math.sqrt(float(np.mean(differences**2)) / math.comb(2 * ORDER, ORDER))


def spoken(relative: float) -> str:
    """The precision in words, "" where it is that of double precision.

    >>> spoken(3e-8)
    'its values are exact to 3e-08 only: it computes in less than double precision'
    """
    if relative <= EXACT:
        return ""
    return f"its values are exact to {relative:.0e} only: it computes in less than double precision"
