"""Losses in the conventions of real libraries are named rightly, and planted errors are found."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from catalog.registry import all_methods, load  # noqa: E402
from codegen import oracle, samples  # noqa: E402
from iconograph.audit.arrays import evaluate  # noqa: E402
from iconograph.audit.finding import Finding  # noqa: E402
from iconograph.audit.relation import judge  # noqa: E402
from tests import audit_losses as losses  # noqa: E402
from tests.selection import part  # noqa: E402

CALLS = losses.CALLS


def judged(call: str, loss: losses.Loss, method: str | None) -> Finding:
    probe = losses.LocalProbe(CALLS[call], loss)
    found = judge(probe, load(method) if method else None)
    assert found.to_json()["status"] == found.status
    return found


def diagonal(s: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(s, torch.arange(len(s)))


def smoothing(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(x, y, label_smoothing=0.1)


def summed(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(x, y, reduction="sum")


def distilled(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return 16 * F.kl_div(F.log_softmax(s / 4, 1), F.softmax(t / 4, 1), reduction="batchmean")


MEAN, NORM = "reduction: divided by the number of rows", "normalisation of the input"

EQUAL = [  # call, loss, method, up to what: the beginning of each
    ("labels", losses.supcon, "supcon", ("temperature tau = 0.1", MEAN, NORM)),
    ("labels", partial(losses.supcon, unit=False, reduce="sum"), "supcon", ("temp",)),
    ("labels", partial(losses.supcon, tau=0.07, drop=True), "supcon",
     ("temperature tau = 0.07", MEAN, NORM, "dropped rows")),
    ("unit", partial(losses.supcon, unit=False), "supcon", ("temperature tau = 0.1", MEAN)),
    ("labels", partial(losses.supcon, inside=True), "supcon-in", ("temp", MEAN, NORM)),
    ("features", losses.supcontrast, "supcon", ("temperature tau = 0.07", MEAN, NORM)),
    ("features", partial(losses.supcontrast, base=0.14), "supcon",
     ("temp", MEAN, "scale 0.5", NORM)),
    ("views", losses.ntxent, "simclr", ("temperature tau = 0.5",)),
    ("stacked", losses.ntxent_stacked, "simclr", ("temperature tau = 0.5",)),
    ("labels", losses.pml_ntxent, "simclr", ("temperature tau = 0.07", "classes of exactly two")),
    ("views", losses.info_nce, "infonce", ("temperature tau = 0.1", NORM)),
    ("views", losses.info_nce, "moco", ("temp", NORM, "the gradient by z2")),
    ("views", partial(losses.info_nce, detach=True), "moco", ("temp", NORM)),
    ("views", partial(losses.ntxent, decoupled=True), "decoupled-contrastive", ("temp", NORM)),
    ("clip", losses.clip, "clip", (NORM,)),
    ("bias", losses.siglip, "siglip", ()),
    ("logits", F.cross_entropy, "cross-entropy", ()),
    ("logits", summed, "cross-entropy", ("reduction: times the number of rows",)),
    ("logits", smoothing, "label-smoothing", ("parameter epsilon = 0.1",)),
    ("scores", diagonal, "cross-entropy", ()),
    ("distil", distilled, "knowledge-distillation",
     ("temperature T = 4", "a constant", "the gradient by teacher")),
    ("map", losses.tsne, "t-sne", ()),
]  # fmt: skip


@pytest.mark.parametrize("case", part(EQUAL), ids=lambda c: f"{c[2]}-{c[0]}-{len(c[3])}")
def test_a_loss_of_a_library_is_equal(case: tuple) -> None:  # type: ignore[type-arg]
    call, loss, method, up_to = case
    found = judged(call, loss, method)
    assert found.status == 0, found.words
    assert found.kind == ("equal-up-to" if up_to else "equal")
    assert len(found.up_to) == len(up_to), found.up_to
    for said, wanted in zip(found.up_to, up_to, strict=True):
        assert said.startswith(wanted), found.up_to
    assert found.evidence.inputs >= 8 and len(found.evidence.sizes) >= 3
    assert found.evidence.error < 1e-9
    assert f"at {found.evidence.inputs} inputs" in found.words


DIFFERENT = [  # call, loss, method, the conventions in which it differs
    ("labels", partial(losses.supcon, self_kept=True), "supcon", ("self pairs are kept",)),
    ("labels", partial(losses.supcon, inside=True), "supcon", ("positives are averaged inside",)),
    ("labels", losses.supcon, "supcon-in", ("positives are averaged outside",)),
    ("labels", losses.pml_ntxent, "supcon",
     ("the other positives are left out of the denominator", "pairs are averaged")),
    ("views", partial(losses.ntxent, sign=-1.0), "simclr", ("the sign is opposite",)),
    ("views", partial(losses.ntxent, decoupled=True), "simclr", ("the positive is left out",)),
    ("views", partial(losses.ntxent, detach=True), "simclr", ("no gradient flows to the pos",)),
    ("views", partial(losses.ntxent, half=True), "simclr", ("tau is missing from the numerator",)),
    ("views", partial(losses.info_nce, detach=True), "infonce", ("no gradient flows to the nei",)),
    ("views", partial(losses.info_nce, both=True), "infonce", ("both directions",)),
    ("clip", partial(losses.clip, one=True), "clip", ("only the first of the two directions",)),
    ("logits", smoothing, "cross-entropy", ("a share of the target",)),
    ("map", partial(losses.tsne, kept=True), "t-sne", ("self pairs are kept",)),
    ("map", partial(losses.tsne, dof=2.0), "t-sne", ("the kernel has other degrees of freedom",)),
    ("triplet", F.triplet_margin_loss, "triplet", ("distances are not squared",)),
]  # fmt: skip


@pytest.mark.parametrize("case", part(DIFFERENT), ids=lambda c: f"{c[2]}-{c[3][0][:24]}")
def test_a_difference_is_named_and_shown(case: tuple) -> None:  # type: ignore[type-arg]
    call, loss, method, conventions = case
    found = judged(call, loss, method)
    assert found.kind == "different" and found.status == 1, found.words
    assert len(found.conventions) == len(conventions), found.conventions
    assert {w for w in conventions for c in found.conventions if c.startswith(w)} == set(
        conventions
    )
    assert found.witness is not None
    assert abs(found.witness.theirs - found.witness.ours) > 1e-3 * abs(found.witness.ours)
    if found.witness.what == "the value":  # anybody gets the same number
        again = loss(*(torch.tensor(v) for v in found.witness.inputs.values()))
        assert math.isclose(float(again), found.witness.theirs, rel_tol=1e-9, abs_tol=1e-12)


def test_one_sided_rows_are_not_simclr() -> None:
    """A batch of pairs against itself, as in MultipleNegativesRankingLoss, is not NT-Xent."""
    found = judged("views", losses.info_nce, "simclr")
    assert found.kind == "different"
    assert set(found.conventions) == {
        "only rows of the first view are anchors",
        "only rows of the other view are in the denominator",
    }


def test_rows_without_positives_are_shown() -> None:
    found = judged("labels", partial(losses.supcon, drop=True), "supcon")
    assert found.witness is not None and "left out" in found.witness.convention
    z, y = (torch.tensor(v) for v in found.witness.inputs.values())
    assert math.isclose(float(losses.supcon(z, y)), found.witness.ours, rel_tol=1e-9)
    assert math.isclose(float(losses.supcon(z, y, drop=True)), found.witness.theirs, rel_tol=1e-9)


def test_single_precision_is_noticed_and_said() -> None:
    found = judged("labels", losses.single_precision, "supcon")
    assert found.status == 0 and found.evidence.precision == "float32"
    assert "float32" in found.words


def planted(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """SupCon and a thousandth of something else."""
    return losses.supcon(z, y) + 1e-3 * F.normalize(z, dim=1)[:, 0].pow(3).mean()


def value_only(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """SupCon in value, a tenth of its gradient wrong in one row."""
    z = torch.cat([z[:1] * 0.9 + z[:1].detach() * 0.1, z[1:]])
    return losses.supcon(z, y)


def by_size(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """SupCon, with another temperature in batches of more than six."""
    return losses.supcon(z, y, tau=0.1 if len(z) < 7 else 0.11)


@pytest.mark.parametrize("loss", [planted, value_only, by_size])
def test_planted_errors_are_not_equal(loss: losses.Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "iconograph.audit.relation.varied", lambda *_: None
    )  # none would explain it
    found = judged("labels", loss, "supcon")
    assert found.kind == "different", found.words


def one_sided(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(20 * F.normalize(a) @ F.normalize(b).T, torch.arange(len(a)))


def test_a_temperature_that_the_paper_does_not_have() -> None:
    found = judged("views", one_sided, "multiple-negatives-ranking")
    assert found.kind == "equal-up-to"
    assert found.up_to[0] == "temperature tau = 0.05" and found.up_to[1].startswith(NORM)
    assert judged("scores", diagonal_cold, "cross-entropy").up_to == ("temperature tau = 0.3",)


def diagonal_cold(s: torch.Tensor) -> torch.Tensor:
    return diagonal(s / 0.3)


def dpo(c: torch.Tensor, r: torch.Tensor, rc: torch.Tensor, rr: torch.Tensor) -> torch.Tensor:
    return -F.logsigmoid(0.1 * ((c - rc) - (r - rr))).mean()


def test_a_loss_is_not_a_limit_of_another() -> None:
    """DPO is the robust loss without noise: near it at crooked numbers, and not equal to it."""
    assert judged("preferences", dpo, "dpo").up_to == (
        "parameter beta = 0.1", "the gradient by rc, rr, which the method holds fixed",
    )  # fmt: skip
    assert judged("preferences", dpo, "robust-dpo").kind == "different"


def test_a_margin_that_is_always_exceeded_is_found_by_values() -> None:
    found = judged("triplet", partial(F.triplet_margin_loss, margin=5.0), "triplet")
    assert found.parameters == {"alpha": 5.0}
    assert found.conventions == ("distances are not squared",)


class Slanted(torch.autograd.Function):
    """The value of t-SNE with two degrees of freedom, and a quarter of the gradient of one."""

    @staticmethod
    def forward(ctx, y, p):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(y, p)
        return losses.tsne(y, p, dof=2.0)

    @staticmethod
    def backward(ctx, *upstream):  # type: ignore[no-untyped-def]
        y, p = ctx.saved_tensors
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            (g,) = torch.autograd.grad(losses.tsne(y, p), y)
        return upstream[0] * g / 4, None


class Wrong(Slanted):
    """The same value, and the gradient of no t-SNE at all."""

    @staticmethod
    def backward(ctx, *upstream):  # type: ignore[no-untyped-def]
        y, p = ctx.saved_tensors
        return upstream[0] * (p @ y) ** 3, None


def test_a_gradient_that_is_not_of_the_value_is_found() -> None:
    found = judged("map", Slanted.apply, "t-sne")
    assert found.kind == "different"
    assert found.conventions[0].startswith("the gradient is as published, but the value")
    assert found.up_to == ("scale 0.25",)


def test_a_wrong_gradient_is_judged_by_the_value() -> None:
    found = judged("map", Wrong.apply, "t-sne")
    assert found.kind == "different" and found.witness is not None
    assert found.conventions[0].startswith("the gradient that the code gives is not the derivative")
    assert found.conventions[1] == "the kernel has other degrees of freedom (dof = 2)"
    assert "derivative of the value" in found.witness.what
    assert abs(found.witness.theirs - found.witness.ours) > 1e-3


def centred(a: torch.Tensor, b: torch.Tensor, eps: float = 0.0) -> torch.Tensor:
    """Barlow Twins as libraries have it: features standardised over the batch."""
    a, b = ((x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + eps) for x in (a, b))
    c = a.T @ b / len(a)
    off = c.square().sum() - c.diagonal().square().sum()
    return (1 - c.diagonal()).square().sum() + 0.005 * off


@pytest.mark.parametrize("eps", [0.0, 1e-5])
def test_centring_and_a_small_number_are_said(eps: float) -> None:
    found = judged("views", partial(centred, eps=eps), "barlow-twins")
    assert found.kind == "equal-up-to" and "parameter lambda = 0.005" in found.up_to
    assert any(u.startswith("centring of the input") for u in found.up_to)
    assert any(u.startswith("a small number added") for u in found.up_to) == (eps > 0)


def test_what_cannot_be_compared_is_undecided() -> None:
    assert judged("logits", F.cross_entropy, "supcon").kind == "undecided"
    assert judged("labels", lambda z, y: (z * 0).sum(), "supcon").kind == "undecided"
    assert judged("labels", lambda z, y: (z * torch.nan).sum(), "supcon").status == 3


def test_methods_are_searched_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("cross-entropy", "scalable-nca", "simclr", "supcon", "supcon-in", "t-sne", "triplet")
    monkeypatch.setattr("iconograph.audit.search.known", lambda: map(load, few))
    found = judged("labels", losses.supcon, None)
    assert found.status == 0 and "supcon" in (found.method, *found.also)
    assert "cross-entropy" not in (found.method, *found.also)


def test_a_penalty_on_one_view_is_no_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iconograph.audit.search.known", lambda: map(load, ("infonce", "nnclr")))

    def one_sided(z1: torch.Tensor, z2: torch.Tensor, penalty: float = 0.0) -> torch.Tensor:
        return F.cross_entropy(2 * z1 @ z2.T, torch.arange(len(z1))) + penalty * (z1**2).sum()

    plain = judged("views", one_sided, None)
    assert plain.kind == "equal-up-to" and plain.method == "infonce" and "nnclr" in plain.also
    # NNCLR holds one view fixed, and would call the penalty a constant
    assert judged("views", partial(one_sided, penalty=0.3), None).kind == "different"


def test_arrays_agree_with_the_oracle() -> None:
    kinds = {"Sym": float, "IApp": int, "IVar": int, "Mask": bool}
    methods = [m for m in all_methods() if m.published_text and m.claim.relation != "theorem"]
    compared = 0
    for method in methods[::9]:
        try:
            drawn = samples.sample(method, 1, size=4)
        except samples.NoSample:
            continue
        data = {
            d.name: np.asarray(drawn.data[d.name], dtype=kinds[type(d.form).__name__])
            for d in method.declarations.values()
        }
        wanted = oracle.published(method, drawn.sizes, drawn.data)
        value, gradient = evaluate(method.published, drawn.sizes, data)
        assert math.isclose(value, wanted.value, rel_tol=1e-9, abs_tol=1e-12), method.id
        for name, g in wanted.gradient.items():
            np.testing.assert_allclose(gradient[name], g, rtol=1e-8, atol=1e-10)
        compared += 1
    assert compared >= 25
