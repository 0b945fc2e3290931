"""The examples of adapters: the sentence without a library, and the comparison with a stand-in."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "adapters"
LIBRARY = {
    "metric_learning": "pytorch_metric_learning.losses",
    "two_views": "lightly.loss",
    "two_towers": "open_clip.loss",
}


class SupCon(torch.nn.Module):
    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        s = F.normalize(z) @ F.normalize(z).T / self.temperature
        off = ~torch.eye(len(z), dtype=torch.bool)
        log_q = s - s.masked_fill(~off, -math.inf).logsumexp(1, keepdim=True)
        same = off & (labels[:, None] == labels)
        return -(torch.where(same, log_q, 0.0).sum(1) / same.sum(1)).mean()


class NTXent(SupCon):
    def forward(self, z0: torch.Tensor, z1: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.cat([z0, z1]), torch.arange(len(z0)).repeat(2))


class Clip(torch.nn.Module):
    def forward(self, image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        s, target = scale * image @ text.T, torch.arange(len(image))
        return (F.cross_entropy(s, target) + F.cross_entropy(s.T, target)) / 2


STAND_IN = SimpleNamespace(SupConLoss=SupCon, NTXentLoss=NTXent, ClipLoss=Clip)


@pytest.fixture(params=LIBRARY)
def example(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, ModuleType]]:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield request.param, importlib.import_module(request.param)
    for name in (request.param, "common"):
        sys.modules.pop(name, None)


def test_without_the_library_it_says_so(
    example: tuple[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, LIBRARY[example[0]], None)  # importing it fails
    with pytest.raises(SystemExit, match=r"is not installed here .*requirements\.txt"):
        example[1].main()


def test_the_generated_loss_trains_as_a_stand_in_does(
    example: tuple[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, script = example
    package = LIBRARY[name].split(".")[0]
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    monkeypatch.setitem(sys.modules, LIBRARY[name], STAND_IN)
    assert script.main() < 1e-12
    wrong = {"metric_learning": "SupConLoss", "two_views": "NTXentLoss", "two_towers": "ClipLoss"}
    other = type("Wrong", (getattr(STAND_IN, wrong[name]),), {
        "forward": lambda self, *given: 1.001 * super(type(self), self).forward(*given)
    })  # fmt: skip
    monkeypatch.setitem(sys.modules, LIBRARY[name], SimpleNamespace(**{wrong[name]: other}))
    assert script.main() > 1e-6
