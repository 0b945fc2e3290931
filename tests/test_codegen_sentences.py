"""What no loss can be computed of is refused in a sentence that names it and says what to do."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

from catalog.registry import all_methods, load
from catalog.spec import Method
from codegen.emit import emit, refusal
from codegen.execute import module, program_of
from codegen.lower import equal_weights
from iconograph.composition import compose
from tests.selection import kinds, representatives

torch = pytest.importorskip("torch")

# pairs outside the tile may be no numbers: they are masked, and numpy does not know that
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

WRITTEN = [m for m in all_methods() if refusal(m) is None and equal_weights(m)]
METHODS = [m.id for m in representatives(WRITTEN, kinds)]
FORMS = ["loss", "dense"]
RULES = {"target": torch.arange(6).roll(1), "temperature": 0.5}


def call(m: str | Method, form: str, *features: Any, program: str = "torch", **given: Any) -> Any:
    m = load(m) if isinstance(m, str) else m
    made = module(emit(m, program))
    return getattr(made, f"{program_of(m).name}_{form}")(*features, **given)


@cache
def weighted(normalise: str) -> Method:
    """A loss whose p is proportional to given weights that may be 0."""
    return compose("weights", "student-t", normalise=normalise, name="mine")


def refused(said: str, kind: type[Exception] = ValueError) -> Any:
    return pytest.raises(kind, match=re.escape(said))


@pytest.mark.parametrize("form", FORMS)
def test_sparse_features(form: str) -> None:
    for z in (torch.eye(6).to_sparse(), torch.eye(6).to_sparse_csr()):
        with refused(f"z should be dense, got {z.layout}: call its to_dense()"):
            call("simclr", form, z, **RULES)


@pytest.mark.parametrize("form", FORMS)
def test_weights_may_be_csr_and_nothing_else(form: str) -> None:
    rows = (torch.rand(6, 6) > 0.5).float().fill_diagonal_(1)
    y = torch.randn(6, 2)
    found = call(weighted("row"), form, y, pair_weights=rows.to_sparse_csr())
    assert torch.isclose(found, call(weighted("row"), form, y, pair_weights=rows))
    with refused("pair_weights should be dense or CSR, got torch.sparse_coo" if form == "loss"
                 else "pair_weights should be dense"):  # fmt: skip
        call(weighted("row"), form, y, pair_weights=rows.to_sparse())


@pytest.mark.parametrize("form", FORMS)
def test_tensors_without_values(form: str) -> None:
    with refused("z is on the meta device, where no tensor has values"):
        call("simclr", form, torch.empty(6, 4, device="meta"), **RULES)


def test_transforms_see_into_the_dense_form_alone() -> None:
    z = torch.randn(3, 6, 4, dtype=torch.float64)
    several = torch.func.vmap(lambda x: call("simclr", "dense", x, **RULES))(z)
    assert torch.allclose(several, torch.stack([call("simclr", "loss", x, **RULES) for x in z]))
    said = "cannot transform the streaming form simclr_loss: use simclr_dense"
    for transform, x in ((torch.func.vmap, z), (torch.func.grad, z[0])):
        with refused(said, RuntimeError):
            transform(lambda x: call("simclr", "loss", x, **RULES))(x)


NEGATIVE = "pair_weights should be finite, smaller, and no weight negative"


@pytest.mark.parametrize("normalise", ["row", "joint"])
@pytest.mark.parametrize("target", ["torch", "dense", "numpy", "triton"])
def test_negative_weights(
    normalise: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = weighted(normalise)
    if target == "triton":
        pytest.importorskip("triton")
        from codegen.execute import interpreted

        made: Any = interpreted(emit(m, "triton"))
    else:
        made = module(emit(m, "numpy" if target == "numpy" else "torch"))
    function = getattr(made, f"{program_of(m).name}_{'dense' if target == 'dense' else 'loss'}")
    weights, y = torch.rand(6, 6) + 0.1, torch.randn(6, 2)
    weights[2, 3] = -0.05
    values = (y.numpy(), weights.numpy()) if target == "numpy" else (y, weights)
    with refused(NEGATIVE):
        function(values[0], pair_weights=values[1])
    if target != "numpy":
        monkeypatch.setattr(made, "_at_hand", lambda value: False)
        assert function(values[0], pair_weights=values[1]).isnan()


@pytest.mark.parametrize("target", ["torch", "dense", "numpy", "distributed"])
def test_an_empty_cluster(target: str) -> None:
    phi = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0.5, 0, 0.5], [1, 0, 0]])
    x = torch.randn(4, 3)
    values = (phi.numpy(), x.numpy()) if target == "numpy" else (phi, x)
    program = "torch" if target == "dense" else target
    form = "dense" if target == "dense" else "loss"
    for name in ("k-means", "t-k-means"):
        given = {a.name for a in program_of(load(name)).arguments if not a.positional}
        numbers = {n: 1.0 for n in given - {"points", "x"}}
        table = {n: values[1] for n in given & {"points", "x"}}
        with refused("assignments[:, 1] is 0, but no cluster is empty: leave that column out"):
            call(name, form, values[0], program=program, **table, **numbers)
        found = call(name, form, values[0][:, [0, 2]], program=program, **table, **numbers)
        assert np.isfinite(float(found[0] if target == "numpy" else found))


@pytest.mark.parametrize("name", METHODS)
def test_one_element_of_everything_warns_of_nothing(name: str) -> None:
    p = program_of(load(name))
    values: dict[str, Any] = {}
    for a in p.arguments:
        shape = [int(p.sizes[n]) if p.sizes.get(n, "").isdigit() else 1 for n in a.shape]
        kinds_ = {"index": np.zeros(shape, dtype=int), "mask": np.ones(shape, dtype=bool)}
        values[a.name] = kinds_.get(a.kind, np.full(shape, 1.0 / max([1, *shape[-1:]])))
        if a.range == "probability":
            values[a.name] = np.full(shape, 0.5)
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    function = getattr(module(emit(load(name), "numpy")), f"{p.name}_loss")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isnan(function(*first, **values)[0])


def test_that_test_sees_a_warning() -> None:
    text = emit(load("t-sne"), "numpy")
    divided = "kernel / np.where(total == 0, 1.0, total)"
    assert divided in text
    function = module(text.replace(divided, "kernel / total")).t_sne_loss
    with pytest.warns(RuntimeWarning):
        function(np.ones((1, 2)), points=np.ones((1, 2)), bandwidth=np.ones(1))
