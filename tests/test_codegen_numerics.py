"""Where real implementations break: no positives, one point, low temperature, half precision."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest

from catalog.registry import load
from codegen.emit import emit
from codegen.execute import module

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

FORMS = ("loss", "dense")


def program(name: str) -> ModuleType:
    return module(emit(load(name)), name.replace("-", "_"))


SIMCLR, SUPCON, TSNE, SNE = (program(n) for n in ("simclr", "supcon", "t-sne", "sne"))
CLIP, SIGLIP, HARMONIC, LGSIMCLR = (program(n) for n in ("clip", "siglip", "harmonic", "lgsimclr"))


def points(n: int, d: int = 4, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()


def gradient(value: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:
    found = torch.autograd.grad(value.sum(), inputs)
    return torch.cat([g.flatten() for g in found])


def error(mine: torch.Tensor, right: torch.Tensor) -> float:
    return float((mine.double() - right).abs().max() / right.abs().max())


# --------------------------------------------------------------------------- few points


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_points_give_numbers(n: int, form: str) -> None:
    z, y = points(n), points(n, 2)
    others = torch.arange(n).roll(1)
    calls: list[tuple[torch.Tensor, torch.Tensor]] = [
        (getattr(SIMCLR, f"simclr_{form}")(z, target=others, temperature=0.1), z),
        (getattr(SUPCON, f"supcon_{form}")(z, labels=torch.zeros(n).long(), temperature=0.1), z),
        (getattr(TSNE, f"t_sne_{form}")(y, points=z.detach(), bandwidth=torch.ones(n)), y),
        (getattr(SNE, f"sne_{form}")(y, points=z.detach(), bandwidth=torch.ones(n), term="kl"), y),
    ]
    for value, inputs in calls:
        assert value.isfinite()
        assert gradient(value, inputs).isfinite().all()
        if n == 1:
            assert value == 0  # nobody to compare with


@pytest.mark.parametrize("form", FORMS)
def test_rows_without_positives_never_give_nan(form: str) -> None:
    loss = getattr(SUPCON, f"supcon_{form}")
    z = points(6)
    labels = torch.tensor([0, 0, 1, 2, 3, 3])  # two rows alone in their class
    rows = loss(z, labels=labels, temperature=0.5, reduction="none")
    assert rows.shape == (6,)
    assert rows[2] == rows[3] == 0
    assert (rows[[0, 1, 4, 5]] > 0).all()
    mean = loss(z, labels=labels, temperature=0.5)
    assert mean.item() == pytest.approx(rows.sum().item() / 4)
    counted = loss(z, labels=labels, temperature=0.5, valid_only=False)
    assert counted.item() == pytest.approx(rows.sum().item() / 6)
    assert gradient(mean, z).isfinite().all()
    nobody = loss(z, labels=torch.arange(6), temperature=0.5)
    assert nobody == 0
    assert gradient(nobody, z).abs().max() == 0


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_neighbour_row_never_gives_nan(form: str) -> None:
    loss = getattr(LGSIMCLR, f"lgsimclr_{form}")
    z = points(5)
    knn = torch.zeros(5, 5, dtype=torch.bool)
    knn[0, 1] = knn[1, 3] = True
    rows = loss(z, knn=knn, temperature=0.5, reduction="none", term="kl")
    assert rows[2:].abs().max() == 0
    assert gradient(rows, z).isfinite().all()


@pytest.mark.parametrize("form", FORMS)
def test_a_target_that_is_the_anchor_itself_does_not_count(form: str) -> None:
    z = points(4)
    target = torch.tensor([1, 0, 2, 2])  # row 2 points at itself, which is not allowed
    rows = getattr(SIMCLR, f"simclr_{form}")(z, target=target, temperature=0.2, reduction="none")
    assert rows[2] == 0
    assert (rows[[0, 1, 3]] > 0).all()


def test_reductions_agree() -> None:
    z, target = points(7), torch.arange(7).roll(1)
    for form in FORMS:
        loss = getattr(SIMCLR, f"simclr_{form}")
        rows = loss(z, target=target, temperature=0.2, reduction="none")
        total = loss(z, target=target, temperature=0.2, reduction="sum")
        mean = loss(z, target=target, temperature=0.2)
        assert total.item() == pytest.approx(rows.sum().item())
        assert mean.item() == pytest.approx(rows.mean().item())
    image, text = points(5), points(5, seed=1)
    assert CLIP.clip_loss(image, text, t=1.0, reduction="none").shape == (10,)
    pairs = SIGLIP.siglip_loss(image, text, t=1.0, b=0.0, reduction="none")
    assert pairs.shape == (5, 5)
    mean = SIGLIP.siglip_loss(image, text, t=1.0, b=0.0)
    assert pairs.mean().item() == pytest.approx(mean.item())


def test_the_entropy_of_p_is_the_difference_of_the_terms() -> None:
    z = points(6)
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    for form in FORMS:
        loss = getattr(SUPCON, f"supcon_{form}")
        difference = loss(z, labels=labels, temperature=1.0) - loss(
            z, labels=labels, temperature=1.0, term="kl"
        )
        assert difference.item() == pytest.approx(math.log(2), rel=1e-5)


# --------------------------------------------------------------------------- extreme numbers

# what, rows, dimension, scale of the points, temperature, error of value and gradient in float32
EXTREMES = [
    ("ordinary", 700, 16, 1.0, 0.5, 1e-6, 1e-4),
    ("low temperature", 700, 16, 1.0, 0.01, 1e-6, 1e-3),
    ("lower temperature", 700, 16, 1.0, 0.001, 1e-6, 1e-3),
    ("scores of 1e4", 700, 16, 25.0, 0.1, 1e-6, 1e-2),
    ("tiny points", 700, 16, 1e-4, 0.1, 1e-6, 1e-3),
]


@pytest.mark.parametrize(("n", "d", "scale", "tau", "value", "slope"), [e[1:] for e in EXTREMES],
                         ids=[e[0] for e in EXTREMES])  # fmt: skip
def test_extreme_scores(
    n: int, d: int, scale: float, tau: float, value: float, slope: float
) -> None:
    labels = torch.arange(n) % 7
    exact = (points(n, d, dtype=torch.float64).detach() * scale).requires_grad_()
    low = exact.detach().float().requires_grad_()
    right = SUPCON.supcon_dense(exact, labels=labels, temperature=tau)
    mine = SUPCON.supcon_loss(low, labels=labels, temperature=tau)
    assert mine.item() == pytest.approx(right.item(), rel=value)
    assert error(gradient(mine, low), gradient(right, exact)) < slope


def test_unit_vectors_at_temperature_one_hundredth() -> None:
    exact = points(300, 8, dtype=torch.float64)
    low = exact.detach().float().requires_grad_()
    target = torch.arange(300).roll(150)
    right = SIMCLR.simclr_dense(exact, target=target, temperature=0.01)
    mine = SIMCLR.simclr_loss(low, target=target, temperature=0.01)
    assert mine.item() == pytest.approx(right.item(), rel=1e-5)
    assert error(gradient(mine, low), gradient(right, exact)) < 1e-3


def test_both_ways_of_summing_agree() -> None:
    # the bound on the scores decides between a plain sum and a running maximum
    z, target = points(50, 8, dtype=torch.float64), torch.arange(50).roll(1)
    found = []
    for safe in (1e9, 0.0):
        made = program("simclr")
        made.SAFE, made.TILE = safe, 16
        value = made.simclr_loss(z, target=target, temperature=0.1)
        found.append(torch.cat([value.detach()[None], gradient(value, z)]))
    assert (found[0] - found[1]).abs().max() < 1e-13


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("d", [2, 8])
def test_distances_of_points_far_from_the_origin(d: int, form: str) -> None:
    n = 200
    exact = (points(n, d, dtype=torch.float64).detach() + 1000).float().double().requires_grad_()
    low = exact.detach().float().requires_grad_()
    x = (points(n, 5, seed=1, dtype=torch.float64).detach() + 1e4).float()
    right = TSNE.t_sne_dense(exact, points=x.double(), bandwidth=torch.ones(n).double())
    mine = getattr(TSNE, f"t_sne_{form}")(low, points=x, bandwidth=torch.ones(n))
    assert mine.item() == pytest.approx(right.item(), rel=1e-5)
    assert error(gradient(mine, low), gradient(right, exact)) < 1e-3


@pytest.mark.parametrize("form", FORMS)
def test_duplicates(form: str) -> None:
    z = torch.ones(6, 3).requires_grad_()
    y = torch.zeros(6, 2).requires_grad_()
    value = getattr(SUPCON, f"supcon_{form}")(z, labels=torch.zeros(6).long(), temperature=0.1)
    assert value.item() == pytest.approx(math.log(5), rel=1e-5)
    value = getattr(TSNE, f"t_sne_{form}")(y, points=torch.zeros(6, 4), bandwidth=torch.ones(6))
    assert value.item() == pytest.approx(math.log(30), rel=1e-5)
    assert gradient(value, y).abs().max() == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_feature_on_a_class_centre(form: str) -> None:
    x = points(3).detach()
    w = torch.cat([x[:1], points(2, seed=1).detach()]).requires_grad_()
    x.requires_grad_()
    loss = getattr(HARMONIC, f"harmonic_{form}")
    value = loss(x, w, target=torch.tensor([0, 1, 2]), power=2.0)  # row 0 sits on its class
    assert value.isfinite()
    assert gradient(value, x, w).isfinite().all()


# --------------------------------------------------------------------------- types


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_accumulates_in_float32(dtype: torch.dtype, form: str) -> None:
    z = points(300, 16, dtype=dtype)
    target = torch.arange(300).roll(1)
    value = getattr(SIMCLR, f"simclr_{form}")(z, target=target, temperature=0.1)
    right = SIMCLR.simclr_dense(z.detach().double(), target=target, temperature=0.1)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(right.item(), rel=1e-5)
    (found,) = torch.autograd.grad(value, z)
    assert found.dtype == dtype


@pytest.mark.parametrize("name", ["simclr", "t-sne"])
def test_autocast_does_not_reach_the_sums(name: str) -> None:
    z, made = points(100, 8), {"simclr": SIMCLR, "t-sne": TSNE}[name]
    data = MEMORY[name](100)
    torch.manual_seed(0)
    loss = getattr(made, f"{name.replace('-', '_')}_loss")
    right = loss(z, **data)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mine = loss(z, **data)
        rounded = (z @ z.T).dtype
    assert rounded == torch.bfloat16  # autocast is on
    assert mine.dtype == torch.float32
    assert mine.item() == pytest.approx(right.item(), rel=1e-6)
    assert error(gradient(mine, z), gradient(right, z).double()) < 1e-5


def test_a_trained_temperature_has_a_gradient() -> None:
    z, target = points(20, 4, dtype=torch.float64), torch.arange(20).roll(1)
    found = []
    for form in FORMS:
        tau = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        value = getattr(SIMCLR, f"simclr_{form}")(z, target=target, temperature=tau)
        found.append(gradient(value, tau).item())
    assert found[0] == pytest.approx(found[1], rel=1e-10)
    assert found[0] != 0


def test_keys_without_a_gradient_cost_none() -> None:
    image, text = points(9), points(9, seed=1).detach()
    value = CLIP.clip_loss(image, text, t=torch.tensor(0.5))
    assert gradient(value, image).isfinite().all()


# --------------------------------------------------------------------------- memory


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that any operation returned."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for item in out if isinstance(out, tuple | list) else (out,):
            if isinstance(item, torch.Tensor):
                self.entries = max(self.entries, item.untyped_storage().size() // item.itemsize)
        return out


def largest(loss: Any, z: torch.Tensor, **data: Any) -> int:
    with Largest() as seen:
        loss(z, **data).backward()
    return seen.entries


MEMORY = {
    "simclr": lambda n: {"target": torch.arange(n).roll(1), "temperature": 0.1},
    "supcon": lambda n: {"labels": torch.arange(n) % 5, "temperature": 0.1},
    "t-sne": lambda n: {"points": torch.randn(n, 3), "bandwidth": torch.ones(n)},
    "t-simcne": lambda n: {"target": torch.arange(n).roll(1)},
}


@pytest.mark.parametrize("name", MEMORY)
def test_the_streaming_form_never_holds_all_pairs(name: str) -> None:
    made, stem, n = program(name), name.replace("-", "_"), 640
    made.TILE = 64
    z = points(n, 4)
    streaming = largest(getattr(made, f"{stem}_loss"), z, **MEMORY[name](n))
    dense = largest(getattr(made, f"{stem}_dense"), z, **MEMORY[name](n))
    assert streaming <= 64 * n  # a strip of rows, where p is normalised
    assert dense >= n * n  # the measure would notice


# --------------------------------------------------------------------------- compilation


@pytest.mark.parametrize("name", ["simclr", "t-sne", "clip", "siglip"])
def test_the_dense_form_is_one_graph(name: str) -> None:
    made = {"simclr": SIMCLR, "t-sne": TSNE, "clip": CLIP, "siglip": SIGLIP}[name]
    z, w, stem = points(6), points(6, seed=1), name.replace("-", "_")
    args, data = {
        "simclr": ((z,), {"target": torch.arange(6).roll(3), "temperature": 0.1}),
        "t-sne": ((z,), {"points": w.detach(), "bandwidth": torch.ones(6)}),
        "clip": ((z, w), {"t": torch.tensor(1.0)}),
        "siglip": ((z, w), {"t": torch.tensor(1.0), "b": torch.tensor(0.1)}),
    }[name]
    eager = getattr(made, f"{stem}_dense")(*args, **data)
    torch._dynamo.reset()
    whole = torch.compile(getattr(made, f"{stem}_dense"), fullgraph=True, backend="eager")
    assert whole(*args, **data).item() == pytest.approx(eager.item(), rel=1e-6)
    # the loop over blocks stays outside the graph, and still works from compiled code
    streaming = torch.compile(getattr(made, f"{stem}_loss"), backend="eager")
    value = streaming(*args, **data)
    assert value.item() == pytest.approx(eager.item(), rel=1e-5)
    assert error(gradient(value, z), gradient(eager, z).double()) < 1e-4


# --------------------------------------------------------------------------- wrong input

Z, PARTNER = torch.randn(5, 3), torch.arange(5).roll(1)
WRONG = [
    ({"z": torch.randn(5)}, "z should have shape (n, d), got (5,)"),
    ({"z": [1.0, 2.0]}, "z should be a tensor of shape (n, d), got list"),
    ({"z": torch.ones(5, 3).long()}, "z should hold floating-point numbers, got torch.int64"),
    ({"z": torch.randn(0, 3)}, "z is empty: its shape is (0, 3)"),
    ({"target": torch.arange(4)}, "target should have shape (5), got (4,)"),
    ({"target": torch.full((5,), math.nan)}, "target should hold integers, got torch.float32"),
    ({"target": torch.arange(5) + 1}, "target should lie between 0 and 4, got 1 to 5"),
    ({"target": torch.arange(5) - 1}, "target should lie between 0 and 4, got -1 to 3"),
    ({"temperature": 0.0}, "temperature should be positive, got 0.0"),
    ({"temperature": math.nan}, "temperature should be positive, got nan"),
    ({"temperature": torch.ones(2)}, "temperature should be a single number, got shape (2,)"),
    ({"reduction": "median"}, "reduction should be 'mean', 'sum' or 'none', got 'median'"),
    ({"term": "entropy"}, "term should be 'cross_entropy' or 'kl', got 'entropy'"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("change", "message"), WRONG, ids=[m for _, m in WRONG])
def test_wrong_input_is_named_in_one_sentence(
    change: dict[str, Any], message: str, form: str
) -> None:
    right = {"z": Z, "target": PARTNER, "temperature": 0.1}
    loss = getattr(SIMCLR, f"simclr_{form}")
    loss(**right)
    with pytest.raises(ValueError) as caught:
        loss(**(right | change))
    assert str(caught.value) == message


def test_masks_and_positive_arrays_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^knn should be Boolean, got torch\.float32$"):
        LGSIMCLR.lgsimclr_loss(Z, knn=torch.eye(5), temperature=0.1)
    with pytest.raises(ValueError, match=r"^bandwidth should be positive everywhere, got 0\.0$"):
        SNE.sne_loss(Z, points=Z, bandwidth=torch.zeros(5))


def test_a_module_holds_the_numbers_and_prints_the_pair() -> None:
    made = module(emit(load("simclr"), certificate_hash="0f3a"))
    loss = made.SimclrLoss(temperature=0.2, reduction="sum")
    assert repr(loss) == (
        "SimclrLoss(p=one-hot, q=cosine, temperature=0.2, reduction=sum, certificate=0f3a)"
    )
    direct = made.simclr_loss(Z, target=PARTNER, temperature=0.2, reduction="sum")
    assert loss(Z, target=PARTNER) == direct
