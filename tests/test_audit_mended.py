"""What is near a published loss at ordinary inputs only is not equal; coarse values do no harm."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from catalog.registry import load  # noqa: E402
from iconograph.audit.finding import Finding  # noqa: E402
from iconograph.audit.relation import judge  # noqa: E402
from iconograph.audit.steady import faithful  # noqa: E402
from tests import audit_losses as losses  # noqa: E402


def judged(call: str, loss: losses.Loss, method: str) -> Finding:
    return judge(losses.LocalProbe(losses.CALLS[call], loss), load(method))


def supcon(z, y, tau=0.1, least=None, eps=0.0, dtype=torch.float64, error=0.0, margin=0.0):
    """SupCon with scores that are clamped, coarse, lowered for positives, or sums that are raised.

    `error` plants a mistake in the gradient, that of the first row.
    """
    z = F.normalize(z, dim=1)
    z = torch.cat([z[:1] * (1 - error) + z[:1].detach() * error, z[1:]])
    z = z.to(dtype)
    own = torch.eye(len(z), dtype=torch.bool)
    positive = (y[:, None] == y[None]) & ~own
    s = ((z @ z.T).double() - margin * positive) / tau
    s = s if least is None else s.clamp(min=least)
    log_q = s - torch.log(torch.where(own, 0, s.exp()).sum(1, keepdim=True) + eps)
    return (-torch.where(positive, log_q, 0).sum(1) / positive.sum(1).clamp(min=1)).mean()


def test_scores_clamped_at_opposite_rows_are_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iconograph.audit.relation.varied", lambda *_, **__: None)
    z = torch.tensor([[1.0, 0.1], [-1, 0], [1, -0.5]], dtype=torch.float64)
    y = torch.tensor([0, 0, 1])
    assert abs(float(supcon(z, y)) - float(supcon(z, y, least=-9.5))) > 0.2
    found = judged("labels", partial(supcon, least=-9.5), "supcon")
    assert found.kind == "different" and found.witness is not None, found.words
    z, y = (torch.tensor(v) for v in found.witness.inputs.values())
    assert abs(float(supcon(z, y)) - float(supcon(z, y, least=-9.5))) > 1e-3
    assert judged("labels", partial(supcon, least=-10.1), "supcon").status == 0


@pytest.mark.parametrize("eps", [1e-6, 2e-5])
def test_a_small_number_is_fitted(eps: float) -> None:
    found = judged("labels", partial(supcon, eps=eps), "supcon")
    assert found.kind == "equal-up-to" and found.evidence.error < 1e-9, found.words
    assert found.up_to[-1].startswith("a small number") and f"eps = {eps:.3g}" in found.up_to[-1]


def test_a_small_thing_that_is_no_such_number_is_not_equal() -> None:
    def tinted(z, y):
        return supcon(z, y) + 1e-6 * F.normalize(z, dim=1)[:, 0].pow(3).mean()

    assert judged("labels", tinted, "supcon").status in (1, 3)


def test_half_precision_is_compared_by_what_it_is_exact_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iconograph.audit.relation.varied", lambda *_, **__: None)
    found = judged("labels", partial(supcon, dtype=torch.float16), "supcon")
    assert found.kind == "equal-up-to" and found.parameters == {"tau": 0.1}, found.words
    assert any(u.startswith("rounding (its values are exact to") for u in found.up_to)
    wrong = judged("labels", partial(supcon, dtype=torch.float16, error=0.1), "supcon")
    assert wrong.status in (1, 3) and "not the derivative" not in wrong.words
    coarse = judged("labels", partial(supcon, dtype=torch.bfloat16), "supcon")
    assert coarse.kind == "undecided" and "exact to" in coarse.words


def test_coarse_values_accuse_no_gradient() -> None:
    loss = partial(supcon, error=0.3)
    probe = losses.LocalProbe(losses.CALLS["labels"], loss)
    probe.fixed = {}
    assert any("not the derivative" in w for w in faithful(probe, 1e-15, 0))
    said = list(faithful(probe, 1e-4, 0))
    assert len(said) == 1 and "was not checked" in said[0]


def test_a_witness_shows_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iconograph.audit.relation.varied", lambda *_, **__: None)
    found = judged("labels", partial(supcon, margin=0.5), "supcon")
    assert found.kind == "different" and found.witness is not None, found.words
    labels = found.witness.inputs["y"]
    assert len(set(labels.tolist())) > 1  # among rows of one class the margin cancels


def test_an_argument_that_no_gradient_reaches_is_shown() -> None:
    def fixed(image, text, scale):
        return losses.clip(image, text, scale.detach())

    found = judged("clip", fixed, "clip")
    assert found.kind == "different" and found.witness is not None, found.words
    name = next(s.name for s in losses.CALLS["clip"].slots if s.kind == "scale")
    assert found.conventions == (f"no gradient reaches {name}",)
    assert found.witness.what == f"the gradient by {name}" and found.witness.theirs == 0
    assert abs(found.witness.ours) > 1e-3
    assert judged("clip", losses.clip, "clip").status == 0


def test_opposite_rows_are_among_the_inputs() -> None:
    from iconograph.audit.inputs import draw, sized

    call = losses.CALLS["views"]
    made = draw(call, sized(call, 12, 2, {}, extreme=True), np.random.default_rng(0))
    rows = np.concatenate(list(made.values()))
    norms = np.linalg.norm(rows, axis=1)
    cosines = rows @ rows.T / np.outer(norms, norms)
    apart = cosines[~np.eye(len(rows), dtype=bool)]
    assert apart.min() < -0.999 and apart.max() > 0.999 and norms.max() > 5 * norms.min()
