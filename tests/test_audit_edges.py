"""Findings at the edges: rows without positives, keys of a queue, numbers that a batch moves."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from catalog.registry import load  # noqa: E402
from iconograph.audit.finding import Finding  # noqa: E402
from iconograph.audit.relation import judge  # noqa: E402
from tests import audit_losses as losses  # noqa: E402

QUEUE = losses.call("with-negatives", "query real n d", "positive real n d", "negatives real m d")


def judged(call: losses.Call, loss: losses.Loss, method: str) -> Finding:
    return judge(losses.LocalProbe(call, loss), load(method))


def neighbours(z: torch.Tensor, y: torch.Tensor, alone: float) -> torch.Tensor:
    """Scalable NCA, with `alone` for the probability of a row without positives."""
    s = F.normalize(z) @ F.normalize(z).T
    off = ~torch.eye(len(z), dtype=torch.bool)
    e = torch.where(off, s.exp(), 0.0)
    same = off & (y[:, None] == y)
    # a row without positives is given a number that the embedding moves
    kept = torch.where(same.any(1), (e * same).sum(1), alone * e.sum(1) ** 2)
    return -(kept / e.sum(1)).log().mean()


def test_a_row_without_positives_that_differs_is_said() -> None:
    found = judged(losses.CALLS["labels"], lambda z, y: neighbours(z, y, 0.1), "scalable-nca")
    assert found.kind == "equal-up-to" and found.evidence.error < 1e-8
    assert "rows without positives have a term of their own" in found.notes


def test_what_is_called_equal_agrees_at_every_input_it_counts() -> None:
    def lifted(z: torch.Tensor, y: torch.Tensor, alone: float) -> torch.Tensor:
        one = torch.eye(len(z))
        d = (((z[:, None] - z[None]) ** 2).sum(-1) + one).sqrt()
        same, other = (one == 0) & (y[:, None] == y), y[:, None] != y
        pull = torch.where(same, d.exp(), 0.0).sum(1)
        pull = torch.where(same.any(1), pull, alone)  # the formula has log 0 there
        push = torch.where(other, (5 - d).exp(), 0.0).sum(1)
        return F.relu(pull.log() + push.log()).sum()

    found = judged(losses.CALLS["labels"], lambda z, y: lifted(z, y, 2.0), "lifted-structure")
    assert found.kind == "equal-up-to" and found.evidence.error < 1e-8
    assert any(said.startswith("rows without positives") for said in found.up_to)
    found = judged(losses.CALLS["labels"], lambda z, y: lifted(z, y, 0.0), "lifted-structure")
    assert not any("without positives" in said for said in found.up_to)


def moco(query: torch.Tensor, positive: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    own = (query * positive).sum(1, keepdim=True)
    logits = torch.cat([own, query @ negatives.T], 1) / 0.2
    return F.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long))


def test_keys_that_all_share_stand_behind_the_own_one() -> None:
    found = judged(QUEUE, moco, "moco")
    assert found.kind == "equal-up-to" and found.parameters == {"tau": 0.2}

    def forgotten(q: torch.Tensor, p: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return moco(q, p, n[1:])

    assert judged(QUEUE, forgotten, "moco").kind == "different"


def test_numbers_that_depend_on_the_batch_are_no_equality() -> None:
    def smoothed(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(x, y, label_smoothing=1 / x.shape[1])

    found = judged(losses.CALLS["logits"], smoothed, "label-smoothing")
    assert found.kind == "different" and "but values or other inputs do not" in found.words
    assert found.witness is not None
    assert found.witness.theirs != pytest.approx(found.witness.ours)
