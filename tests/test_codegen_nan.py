"""A NaN in what is learned is a NaN in the loss, in both forms."""

from __future__ import annotations

import math

import pytest

from catalog.registry import all_methods, load
from codegen.emit import WHY_NOT
from codegen.execute import module, program_of, source, tensor
from codegen.samples import sample

torch = pytest.importorskip("torch")

METHODS = [m.id for m in all_methods() if m.claim.relation not in WHY_NOT]


@pytest.mark.parametrize("form", ["loss", "dense"])
@pytest.mark.parametrize("name", METHODS)
def test_nan_is_not_hidden(name: str, form: str) -> None:
    m = load(name)
    p = program_of(m)
    data = sample(m, 0, size=6)
    function = getattr(module(source(m, "dense")), f"{p.name}_{form}")
    for bad in (a for a in p.arguments if a.positional):
        values = {a.name: tensor(a, data.data[a.symbol], "float64") for a in p.arguments}
        values[bad.name] = values[bad.name].detach().clone()
        values[bad.name].view(-1)[0] = math.nan
        first = [values.pop(a.name) for a in p.arguments if a.positional]
        try:
            assert function(*first, **values).isnan(), bad.name
        except ValueError:
            # a declared range is checked before anything is computed
            assert bad.positive or bad.text.startswith("distribution"), bad.name
