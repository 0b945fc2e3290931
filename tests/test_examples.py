"""The examples, run in their quick form: what each is there to show is true, and could fail."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn.datasets import load_digits  # noqa: E402
from sklearn.model_selection import cross_val_score  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PICTURES = {
    "own_loss/run.py": "own_loss.png",
    "supcon_digits.py": "supcon_digits.png",
    "tsne_digits.py": "tsne_digits.png",
}
AGREE = 1e-6
CHANCE = 0.1


def module(path: Path) -> ModuleType:
    name = f"example_{path.parent.name}_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look there
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


class Run:
    """One example, run once: its module, what it returned, and where it wrote."""

    def __init__(self, script: str, out: Path) -> None:
        self.module: Any = module(ROOT / "examples" / script)
        self.out = out
        self.result: Any = self.module.main(["--quick", "--out", str(out)])
        self.picture = out / PICTURES[script]


@pytest.fixture(scope="module")
def own_loss(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run("own_loss/run.py", tmp_path_factory.mktemp("own_loss"))


@pytest.fixture(scope="module")
def tsne(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run("tsne_digits.py", tmp_path_factory.mktemp("tsne"))


@pytest.fixture(scope="module")
def supcon(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run("supcon_digits.py", tmp_path_factory.mktemp("supcon"))


# --------------------------------------------------------------------------- a loss of one's own


def test_own_loss_is_proved_replayed_and_generated(own_loss: Run) -> None:
    exits, texts = own_loss.result.exits, own_loss.result.texts
    assert (exits["verify"], exits["check"], exits["generate"]) == (0, 0, 0)
    assert "proved" in texts["verify"] and "general-N" in texts["verify"]
    digest = json.loads(own_loss.result.certificate.read_text())["hash"]
    assert digest in texts["verify"] and digest in texts["check"]
    assert digest in (own_loss.out / "graph_supcon.py").read_text()


def test_a_certificate_with_a_step_less_is_refused(own_loss: Run) -> None:
    data = json.loads(own_loss.result.certificate.read_text())
    del data["steps"][len(data["steps"]) // 2]
    spoilt = own_loss.out / "spoilt.json"
    spoilt.write_text(json.dumps(data))
    code, _ = own_loss.module.command("check", str(spoilt))
    assert code == 2


def test_the_slips_are_refuted_with_a_witness_one_can_read(own_loss: Run) -> None:
    exits, texts = own_loss.result.exits, own_loss.result.texts
    assert (exits["forgotten"], exits["constant"]) == (1, 1)
    assert "no scale and no constant make the two sides equal" in texts["forgotten"]
    assert "differ by a constant" in texts["constant"] and "0.693147" in texts["constant"]
    for text in (texts["forgotten"], texts["constant"]):
        shown = {line.split()[0] for line in text.splitlines() if " = " in line}
        assert {"sizes", "given", "learned"} <= shown
        words = " ".join(text.split())  # lines are wrapped
        assert "published = [" in words and "claimed = [" in words


def test_the_slips_differ_from_the_loss_by_what_they_say() -> None:
    def lines(name: str) -> set[str]:
        text = (ROOT / "examples/own_loss" / f"{name}.toml").read_text()
        told = ("#", "id =", "name =", "denominator =", '"every sample has one of another class"')
        return {line for line in text.splitlines() if not line.startswith(told)}

    right = lines("graph-supcon")
    assert len(lines("off-by-log-2") - right) == len(lines("forgotten-positives") - right) == 1


def by_hand(z: Any, y: Any, graph: Any, lam: float, tau: float, *, forget: bool = False) -> float:
    """The published formula in NumPy, sample by sample; with `forget` the first slip."""
    n, total = len(z), 0.0
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    s = np.exp(unit @ unit.T / tau)
    for i in range(n):
        others = [k for k in range(n) if k != i]
        positives = [j for j in others if y[j] == y[i]]
        below = sum(s[i, k] for k in others if not (forget and y[k] == y[i]))
        loss = {j: -np.log(s[i, j] / below) for j in others}
        weight = sum(graph[i, k] for k in others)
        total += (1 - lam) * sum(loss[j] for j in positives) / len(positives)
        total += lam * sum(graph[i, j] / weight * loss[j] for j in others)
    return total / n


def test_the_generated_loss_is_the_formula_and_trains_the_temperature(own_loss: Run) -> None:
    random = np.random.default_rng(0)
    z, graph = random.normal(size=(12, 3)), random.random((12, 12))
    y, lam, tau, h = np.arange(12) % 4, 0.3, 0.7, 1e-5
    program = own_loss.module.load(own_loss.out / "graph_supcon.py")
    heat = torch.tensor(tau, dtype=torch.float64, requires_grad=True)
    given = {"y": torch.tensor(y), "G": torch.tensor(graph), "lam": lam}
    value = program.graph_supcon_loss(torch.tensor(z), temperature=heat, **given)
    value.backward()
    assert value.item() == pytest.approx(by_hand(z, y, graph, lam, tau), abs=1e-12)
    up, down = (by_hand(z, y, graph, lam, t) for t in (tau + h, tau - h))
    assert heat.grad.item() == pytest.approx((up - down) / (2 * h), abs=1e-8)
    assert abs(value.item() - by_hand(z, y, graph, lam, tau, forget=True)) > 0.01


def test_own_loss_trains(own_loss: Run) -> None:
    runs = {(t.wrong, t.lam): t for t in own_loss.result.trained}
    assert len(runs) == 4
    for t in runs.values():
        assert t.losses[-1] < t.losses[0] - 0.5
        assert t.accuracy > 6 * CHANCE
        assert np.allclose(t.q_end.sum(1), 1) and np.allclose(t.p.sum(1), 1)
        assert np.trace(t.q_end) > np.trace(t.q_start) + 1
    assert runs[0.2, 0.75].accuracy > runs[0.2, 0.01].accuracy, "the graph outvotes wrong labels"


# --------------------------------------------------------------------------- t-SNE


def test_both_maps_have_the_kl_that_sklearn_says(tsne: Run) -> None:
    assert 0 < tsne.result.target.gap < 1e-6  # scikit-learn's search for a bandwidth ends early
    for m in (tsne.result.ours, tsne.result.theirs):
        assert abs(m.generated - m.sklearn) < AGREE


def test_the_agreement_can_fail(tsne: Run) -> None:
    target, y = tsne.result.target, tsne.result.ours.y
    loss = tsne.module.generated("t-sne", tsne.out / "t_sne.py").t_sne_loss
    wider = dataclasses.replace(target, bandwidth=target.bandwidth * 1.01)
    sne = tsne.module.generated("sne", tsne.out / "sne.py").sne_loss
    for other in (
        tsne.module.judged("P a little too wide", y, loss, wider),
        tsne.module.judged("SNE in place of t-SNE", y, sne, target),
    ):
        assert abs(other.generated - other.sklearn) > 100 * AGREE


def test_the_map_is_a_map_of_the_digits(tsne: Run) -> None:
    result = tsne.result
    assert result.losses[-1] < result.losses[0] / 2
    assert result.ours.generated < 1.5 * result.theirs.generated
    assert result.ours.trust > 0.95 and result.theirs.trust > 0.95
    found = cross_val_score(KNeighborsClassifier(5), result.ours.y, result.digit, cv=5).mean()
    assert found > 8 * CHANCE


def test_exaggeration_scales_p_and_nothing_else(tsne: Run) -> None:
    """12 * loss - 11 * log Z has sklearn's gradient for 12 * P."""
    target, y = tsne.result.target, tsne.result.theirs.y
    loss = tsne.module.generated("t-sne", tsne.out / "t_sne.py").t_sne_loss
    p = {"points": torch.tensor(target.points), "bandwidth": torch.tensor(target.bandwidth)}
    at = torch.tensor(y, requires_grad=True)
    (slope,) = torch.autograd.grad(tsne.module.exaggerated(loss(at, **p), at), at)
    for factor, same in ((12.0, True), (1.0, False)):
        _, theirs = tsne.module._kl_divergence(y.ravel(), factor * target.sklearn, 1, len(y), 2)
        assert np.allclose(slope.numpy().ravel(), theirs, atol=1e-9) is same


# --------------------------------------------------------------------------- SupCon


def test_supcon_learns_to_tell_digits(supcon: Run) -> None:
    result = supcon.result
    losses, floors = np.array(result.losses), np.array(result.floors)
    assert losses[-5:].mean() < losses[:5].mean() - 0.5
    assert (losses > floors - 1e-5).all(), "I-Con is at least 0, so p's entropy is the floor"
    assert result.accuracy("trained encoder") > result.accuracy("untrained encoder") + 0.02
    assert result.accuracy("trained encoder") > 9 * CHANCE


def test_with_labels_of_no_meaning_supcon_learns_nothing(supcon: Run) -> None:
    pixels, digit = load_digits(return_X_y=True)
    label = np.random.default_rng(0).permutation(digit)
    loss = supcon.module.generated("supcon", supcon.out / "supcon.py").supcon_loss
    result = supcon.module.experiment(loss, pixels / 16, label, digit, 10)
    assert result.accuracy("trained encoder") < 3 * CHANCE


# --------------------------------------------------------------------------- the folder


@pytest.mark.parametrize("example", ["own_loss", "tsne", "supcon"])
def test_a_quick_run_draws_into_its_own_folder(
    example: str, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(example)
    assert run.picture.read_bytes().startswith(b"\x89PNG")


def test_every_example_is_described_and_its_picture_is_small() -> None:
    text = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    scripts = {p.relative_to(ROOT / "examples").as_posix() for p in ROOT.glob("examples/**/*.py")}
    # the plug-in is a package with tests of its own, the others need libraries: no pictures
    others = ("plugin-example", "adapters", "audit")
    drawing = {s for s in scripts if not s.startswith(tuple(f"{name}/" for name in others))}
    assert drawing == PICTURES.keys()
    assert all(f"examples/{name}" in text for name in others)
    for script, picture in PICTURES.items():
        assert f"examples/{script}" in text and f"pictures/{picture}" in text
        assert 10_000 < (ROOT / "docs/pictures" / picture).stat().st_size < 200_000
