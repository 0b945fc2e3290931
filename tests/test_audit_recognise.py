"""The pair of a loss is recognised from derivatives alone, and what is no pair is not."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from iconograph.audit.finding import Pair  # noqa: E402
from iconograph.audit.pairs import pair  # noqa: E402
from iconograph.audit.recognise import recognise  # noqa: E402
from iconograph.audit.scores import field  # noqa: E402
from tests import audit_losses as losses  # noqa: E402


def found(call: str, loss: losses.Loss) -> Pair | None:
    return pair(losses.LocalProbe(losses.CALLS[call], loss), 0, {})


def diagonal(s: torch.Tensor, tau: float = 0.3) -> torch.Tensor:
    return F.cross_entropy(s / tau, torch.arange(len(s)))


def two_ways(s: torch.Tensor) -> torch.Tensor:
    return diagonal(s, 1.0) + diagonal(s.T, 1.0)


def distilled(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return F.kl_div(F.log_softmax(s / 4, 1), F.softmax(t / 4, 1), reduction="batchmean")


def gaussian(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """SupCon with a Gaussian of squared distances, of variance 0.5."""
    far = (z[:, None] - z[None]).square().sum(-1)
    eye = torch.eye(len(z), dtype=torch.bool)
    log_q = torch.log_softmax((-far).masked_fill(eye, -torch.inf), 1)
    same = (y[:, None] == y[None]) & ~eye
    return -(torch.where(same, log_q, 0).sum(1) / same.sum(1)).mean()


RECOGNISED = [  # call, loss, rows, normalise, self pairs, positives, score, temperature, weight
    ("logits", F.cross_entropy, "rows against columns", "row", "none", "the given target",
     "softmax of the scores", 1.0, 1.0),
    ("logits", partial(F.cross_entropy, label_smoothing=0.1), "rows against columns", "row",
     "none", "the given target, a share of 0.1 spread evenly", "softmax of the scores", 1.0, 1.0),
    ("scores", diagonal, "rows against columns", "row", "none",
     "the column of the row's own number", "softmax of the scores", 0.3, 1.0),
    ("scores", two_ways, "rows against columns and columns against rows", "row-and-column", "none",
     "the column of the row's own number", "softmax of the scores", 1.0, 2.0),
    ("distil", distilled, "rows against columns", "row", "none",
     "the softmax of teacher at the same temperature", "softmax of the scores", 4.0, 1.0),
    ("labels", losses.supcon, "all rows against all others", "row", "excluded",
     "uniform over the others of the same class", "softmax of cosines", 0.1, 1.0),
    ("labels", partial(losses.supcon, unit=False, tau=1.0, reduce="sum"),
     "all rows against all others", "row", "excluded",
     "uniform over the others of the same class", "softmax of inner products", 1.0, 6.0),
    ("labels", gaussian, "all rows against all others", "row", "excluded",
     "uniform over the others of the same class",
     "softmax of minus half the squared distance", 0.5, 1.0),
    ("labels", partial(losses.supcon, self_kept=True), "all rows against all others", "row",
     "kept", "uniform over the others of the same class", "softmax of cosines", 0.1, 1.0),
    ("views", losses.ntxent, "rows of all tables, stacked against all others", "row", "excluded",
     "the other of the pair", "softmax of cosines", 0.5, 1.0),
    ("views", losses.info_nce, "z1 against z2", "row", "none", "the other of the pair",
     "softmax of cosines", 0.1, 1.0),
    ("views", partial(losses.info_nce, both=True), "z1 against z2 and z2 against z1",
     "row-and-column", "none", "the other of the pair", "softmax of cosines", 0.1, 1.0),
    ("stacked", losses.ntxent_stacked, "all rows against all others", "row", "excluded",
     "the partner i+n", "softmax of cosines", 0.5, 1.0),
    ("features", losses.supcontrast, "all rows against all others", "row", "excluded",
     "uniform over the others of the same class", "softmax of cosines", 0.07, 1.0),
    ("clip", losses.clip, "image against text and text against image", "row-and-column", "none",
     "the other of the pair", "softmax of inner products times logit_scale", None, 1.0),
    ("bias", losses.siglip, "every pair by itself", "pair", "none", "the other of the pair",
     "sigmoid of inner products times scale", None, 4.0),
    ("map", losses.tsne, "one distribution over all pairs", "joint", "excluded",
     "the given weights", "Student-t kernel of squared distances, degrees of freedom 1", None, 1.0),
    ("map", partial(losses.tsne, kept=True), "one distribution over all pairs", "joint", "kept",
     "the given weights", "Student-t kernel of squared distances, degrees of freedom 1", None, 1.0),
    ("map", partial(losses.tsne, dof=2.0), "one distribution over all pairs", "joint", "excluded",
     "the given weights", "Student-t kernel of squared distances, degrees of freedom 2", None, 1.0),
]  # fmt: skip


@pytest.mark.parametrize("case", RECOGNISED, ids=lambda c: f"{c[0]}-{c[3]}-{c[4]}-{c[6][-12:]}")
def test_the_pair_is_recognised(case: tuple) -> None:  # type: ignore[type-arg]
    call, loss, rows, normalise, self_pair, positives, score, temperature, weight = case
    p = found(call, loss)
    assert p is not None
    assert (p.rows, p.normalise, p.self_pair) == (rows, normalise, self_pair)
    assert (p.positives, p.score) == (positives, score)
    assert p.temperature == (None if temperature is None else pytest.approx(temperature, rel=1e-9))
    assert p.weight == pytest.approx(weight, rel=1e-6)
    assert all(part in p.words for part in (rows, positives, score))


def hinge(s: torch.Tensor) -> torch.Tensor:
    return torch.relu(s - s.diagonal()[:, None] + 0.5).mean()


def reverse(s: torch.Tensor) -> torch.Tensor:
    """KL(q || p) to a p that has no zeros."""
    log_q, p = torch.log_softmax(s, 1), torch.softmax(torch.arange(len(s)) * 0.3, 0).to(s.dtype)
    return (log_q.exp() * (log_q - p.log())).sum(1).mean()


def exaggerated(s: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with a p that sums to 1.1."""
    return diagonal(s, 1.0) - 0.1 * s.diagonal().mean()


def drawn_apart(s: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with a p that is negative somewhere."""
    return diagonal(s, 1.0) + 0.1 * (s[0, 1] - s[0, 0])


def two_temperatures(s: torch.Tensor) -> torch.Tensor:
    return diagonal(s, 1.0) + diagonal(s, 0.5)


def tampered(s: torch.Tensor) -> torch.Tensor:
    """Cross-entropy whose value is that of one temperature, and the gradient of another."""
    right, wrong = diagonal(s, 1.0), diagonal(s, 0.5)
    return right.detach() + wrong - wrong.detach()


NOT_PAIRS = [
    ("scores", hinge), ("scores", reverse), ("scores", exaggerated), ("scores", drawn_apart),
    ("scores", two_temperatures), ("scores", tampered),
    ("labels", partial(losses.supcon, inside=True)),
    ("labels", losses.pml_ntxent), ("views", partial(losses.ntxent, decoupled=True)),
    ("views", partial(losses.ntxent, detach=True)), ("views", partial(losses.ntxent, half=True)),
    ("views", lambda a, b: (a - b).square().mean()),
]  # fmt: skip


@pytest.mark.parametrize("case", NOT_PAIRS, ids=lambda c: getattr(c[1], "__name__", "variant"))
def test_what_is_no_pair_is_not_recognised(case: tuple) -> None:  # type: ignore[type-arg]
    assert found(*case) is None


def test_weights_and_masses_are_those_of_the_loss() -> None:
    """Four rows of six logits: weights 1/4, p one-hot at the target, to rounding."""
    probe = losses.LocalProbe(losses.CALLS["logits"], F.cross_entropy)
    f = field(probe, 0, {})
    assert f is not None
    structure = recognise(f)
    assert structure is not None
    np.testing.assert_allclose(structure.weights, 0.25, rtol=1e-10)
    p = 4 * structure.mass.reshape(4, 6)
    np.testing.assert_allclose(p, np.eye(6)[f.inputs["target"]], atol=1e-10)


def test_too_few_coordinates_say_nothing() -> None:
    """Inner products are free only where there are as many coordinates as rows."""
    probe = losses.LocalProbe(losses.CALLS["labels"], losses.supcon)
    assert pair(probe, 0, {"d": 3}) is None
    assert pair(probe, 0, {"d": 12}) is not None
