"""Small losses in the conventions of real libraries, and a probe that asks them with autograd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from iconograph.audit.probe import Answer, Call, Slot


def call(name: str, *slots: str) -> Call:
    """A call from texts such as "z real n d"."""
    made = []
    for text in slots:
        words = text.split()
        made.append(Slot(words[0], words[1], tuple(words[2:])))
    return Call(name, tuple(made), "")


CALLS = {
    "labels": call("embeddings-labels", "z real n d", "y label n"),
    "unit": call("embeddings-labels", "z unit n d", "y label n"),
    "views": call("two-views", "z1 real n d", "z2 real n d"),
    "stacked": call("stacked-views", "z real 2n d"),
    "features": call("views-labels", "f real n v d", "y label n"),
    "clip": call("image-text", "image real n d", "text real n d", "logit_scale scale"),
    "bias": call("image-text-bias", "image real n d", "text real n d", "scale scale", "bias real"),
    "logits": call("logits-targets", "logits real n m", "target target n"),
    "scores": call("scores", "s real n n"),
    "distil": call("distillation", "student real n m", "teacher real n m"),
    "triplet": call("triplet", "anchor real n d", "positive real n d", "negative real n d"),
    "preferences": call(
        "preferences", "chosen real n", "rejected real n", "rc real n", "rr real n"
    ),
    "map": call("map", "y real n d", "p weight n n"),
}


@dataclass
class LocalProbe:
    """A function of tensors as a Probe."""

    call: Call
    function: Callable[..., torch.Tensor]
    asked: int = 0

    def ask(self, inputs: Mapping[str, Any], *, gradient: bool = True) -> Answer:
        self.asked += 1
        given = {
            s.name: torch.tensor(inputs[s.name], requires_grad=s.learned and gradient)
            for s in self.call.slots
        }
        result = self.function(*given.values())
        value = result.sum()
        found: dict[str, Any] = {}
        if gradient:
            learned = [s.name for s in self.call.slots if s.learned]
            grads = torch.autograd.grad(value, [given[n] for n in learned], allow_unused=True)
            found = {
                n: (torch.zeros_like(given[n]) if g is None else g).double().numpy()
                for n, g in zip(learned, grads, strict=True)
            }
        rows = result.detach().numpy() if result.ndim else None
        return Answer(float(value.detach()), rows, found)

    def hessian(self, inputs: Mapping[str, Any], name: str) -> Any:
        others = {k: torch.tensor(v) for k, v in inputs.items()}
        f = lambda x: self.function(*(x if k == name else v for k, v in others.items())).sum()  # noqa: E731
        size = others[name].numel()
        return torch.autograd.functional.hessian(f, others[name]).reshape(size, size).numpy()


Loss = Callable[..., torch.Tensor]


def supcon(z, y, tau=0.1, self_kept=False, inside=False, drop=False, unit=True, reduce="mean"):
    """SupCon, out or inside, rows without positives left out or counted."""
    z = F.normalize(z, dim=1) if unit else z
    n = len(z)
    s = z @ z.T / tau
    eye = torch.eye(n, dtype=torch.bool)
    log_q = s - torch.logsumexp(s if self_kept else s.masked_fill(eye, -torch.inf), 1, keepdim=True)
    pos = (y[:, None] == y[None]) & ~eye
    count = pos.sum(1)
    safe = count.clamp(min=1)
    if inside:
        row = -torch.log((torch.where(pos, log_q.exp(), 0)).sum(1).clamp(min=1e-300) / safe)
        row = torch.where(count > 0, row, 0)
    else:
        row = -torch.where(pos, log_q, 0).sum(1) / safe
    row = row[count > 0] if drop else row
    return row.sum() if reduce == "sum" else row.mean()


def supcontrast(features, labels, tau=0.07, base=0.07):
    """SupContrast's convention: [n, v, d] views, temperature over base temperature."""
    z = torch.cat(torch.unbind(F.normalize(features, dim=2), 1))
    return tau / base * supcon(z, labels.repeat(features.shape[1]), tau, unit=False)


def ntxent_stacked(z, tau=0.5, sign=1.0, decoupled=False, detach=False, half=False):
    """NT-Xent over 2N rows, partner i+n."""
    z = F.normalize(z, dim=1)
    n = len(z) // 2
    pos = torch.arange(2 * n).roll(n)
    s = z @ z.T / tau
    eye = torch.eye(2 * n, dtype=torch.bool)
    out = eye.clone()
    if decoupled:
        out[torch.arange(2 * n), pos] = True
    hit = (z * (z[pos].detach() if detach else z[pos])).sum(1) / (1.0 if half else tau)
    return sign * (torch.logsumexp(s.masked_fill(out, -torch.inf), 1) - hit).mean()


def ntxent(z1, z2, **options):
    """The same on two views."""
    return ntxent_stacked(torch.cat([z1, z2]), **options)


def pml_ntxent(z, y, tau=0.07):
    """pytorch-metric-learning's: positive pairs against the anchor's negatives, pairs averaged."""
    z = F.normalize(z, dim=1)
    s = z @ z.T / tau
    n = len(z)
    eye = torch.eye(n, dtype=torch.bool)
    same = y[:, None] == y[None]
    negatives = torch.logsumexp(s.masked_fill(same, -torch.inf), 1, keepdim=True)
    return (torch.logaddexp(s, negatives) - s)[same & ~eye].mean()


def info_nce(q, k, tau=0.1, detach=False, both=False):
    """Rows of one view against all of the other, normalised."""
    q, k = F.normalize(q, dim=1), F.normalize(k, dim=1)
    k = k.detach() if detach else k
    s = q @ k.T / tau
    y = torch.arange(len(q))
    one = F.cross_entropy(s, y)
    return (one + F.cross_entropy(s.T, y)) / 2 if both else one


def clip(image, text, scale, one=False):
    """open_clip's loss, inputs as they are."""
    s = scale * image @ text.T
    y = torch.arange(len(image))
    if one:
        return F.cross_entropy(s, y)
    return (F.cross_entropy(s, y) + F.cross_entropy(s.T, y)) / 2


def siglip(image, text, scale, bias):
    """open_clip's sigmoid loss."""
    s = scale * image @ text.T + bias
    return -F.logsigmoid((2 * torch.eye(len(image)) - 1) * s).sum() / len(image)


def tsne(y, p, kept=False, dof=1.0, row=False):
    """The t-SNE objective."""
    d = (y[:, None] - y[None]).square().sum(-1)
    k = (1 + d / dof) ** (-(dof + 1) / 2)
    off = ~torch.eye(len(y), dtype=torch.bool)
    total = k.sum() if kept else k[off].sum()
    return (p[off] * (p[off].log() - (k[off] / total).log())).sum()


def single_precision(z, y):
    """A loss that computes in float32 whatever it is given."""
    return supcon(z.float(), y)
