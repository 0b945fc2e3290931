"""Losses as other people write them, good and bad, for the tests of the harness that calls them.

It is copied beside a test, as a module of the user's, and imports torch only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import torch
import torch.distributed as dist
import torch.distributed.nn
import torch.nn.functional as F

SEEN = []  # what a function remembers across calls


def scores(s, temperature=0.1):
    return F.cross_entropy(s / temperature, torch.arange(len(s)))


def unknown(a, b):
    return F.cross_entropy(a @ b.T, torch.arange(len(a)))


def by_keyword(*, image_features, text_features):
    return unknown(image_features, text_features)


def nt_xent(z, temperature=0.5):
    z = F.normalize(z, dim=1)
    s = (z @ z.T / temperature).fill_diagonal_(-1e9)
    return F.cross_entropy(s, torch.arange(len(z)).roll(len(z) // 2))


class SupCon(torch.nn.Module):
    def __init__(self, temperature=0.07):
        super().__init__()
        self.temperature = temperature

    def forward(self, features, labels=None):
        if features.dim() != 3:
            raise ValueError("features should be [n, views, d]")
        y = torch.arange(len(features)) if labels is None else labels
        y = y.repeat(features.shape[1])
        z = torch.cat(features.unbind(1))
        other = 1 - torch.eye(len(z))
        s = z @ z.T / self.temperature
        log = s - torch.log((torch.exp(s - 50) * other).sum(1, keepdim=True)) - 50
        mask = (y[:, None] == y).float() * other
        return -((mask * log).sum(1) / mask.sum(1)).mean()


class Clip(torch.nn.Module):
    def __init__(self, gather=None, rank=0, world_size=1):
        super().__init__()
        self.gather, self.rank, self.world_size = gather, rank, world_size

    def gathered(self, x):
        if self.world_size == 1 or self.gather is None:
            return x
        if self.gather == "with gradient":
            return torch.cat(torch.distributed.nn.all_gather(x))
        parts = [torch.zeros_like(x) for _ in range(self.world_size)]
        dist.all_gather(parts, x.contiguous())
        parts[self.rank] = x
        return torch.cat(parts)

    def forward(self, image_features, text_features, logit_scale):
        s = logit_scale * self.gathered(image_features) @ self.gathered(text_features).T
        return (scores(s, 1.0) + scores(s.T, 1.0)) / 2


class Proxies(torch.nn.Module):
    def __init__(self, classes, width=3):
        super().__init__()
        self.w = torch.nn.Parameter(torch.randn(classes, width))

    def forward(self, embeddings, labels):
        return F.cross_entropy(embeddings @ self.w.T, labels)


class Queue(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("queue", torch.randn(6, 3))

    def forward(self, z1, z2):
        right, wrong = (z1 * z2).sum(1, keepdim=True), z1 @ self.queue.T
        self.queue = torch.cat([z2.detach(), self.queue])[:6]
        return F.cross_entropy(torch.cat([right, wrong], 1), torch.zeros(len(z1), dtype=torch.long))


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x * x).sum() / 2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


def option_first(temperature, s, scale=1.0):
    return scale * scores(s, temperature)


class Holder:
    def __init__(self):
        self.calls = 0

    def loss(self, s):
        self.calls += 1
        return scores(s) * self.calls


holder = Holder()


def takes_float32(s):
    return scores(s @ torch.eye(s.shape[1], dtype=torch.float32))


class Hidden(torch.autograd.Function):
    """The gradient is right, and torch cannot know that it depends on the input."""

    @staticmethod
    def forward(ctx, x):
        ctx.slope = x.detach() ** 3
        return (x**4).sum() / 4

    @staticmethod
    def backward(ctx, g):
        return g * ctx.slope


def hidden(s):
    return Hidden.apply(torch.sinh(s))


def plain(s):
    return (torch.sinh(s) ** 4).sum() / 4


def one_side(u, v):
    return (u - v.detach()).pow(2).sum()


def half_held(s):
    return (s * s.detach()).sum()


class Halved(torch.autograd.Function):
    """A backward that somebody got wrong in some entries."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp().sum()

    @staticmethod
    def backward(ctx, g):
        slope = ctx.saved_tensors[0].exp()
        slope[1] = slope[1] / 2
        return g * slope


def hinge(anchor, positive, negative):
    near, far = ((anchor - x).norm(dim=1) for x in (positive, negative))
    return F.relu(near - far + 1).mean()


# ------------------------------------------------------------------ bad manners


def raises(s):
    raise ValueError("no\nscores of mine")


def misuses_torch(s):
    return F.cross_entropy(s, torch.arange(len(s) + 1))


def exits(s):
    sys.exit(3)


def dies(s):
    os._exit(5)


def prints(s):
    print('{"answer": {"value": 0}}', flush=True)
    os.write(2, b'{"answer": {"value": 0}}\n')
    return scores(s)


def endless(s):
    while True:
        pass


def starts_others(s):
    wait = [sys.executable, "-c", "import time; time.sleep(77)"]
    subprocess.Popen(wait)
    # out of the group, and left by the shell that started it
    command = " ".join(f"'{word}'" for word in wait)
    subprocess.run(["sh", "-c", f"{command} &"], start_new_session=True)
    time.sleep(77)


def hungry(s):
    return scores(s) + 0 * torch.ones(2**31).sum()


def nothing(s):
    return float("nan") * s.sum()


def pair(s):
    return scores(s), s


def by_name(s):
    return {"logits": s, "contrastive_loss": scores(s)}


def each_row(s):
    return F.cross_entropy(s / 0.1, torch.arange(len(s)), reduction="none")


def whole(s):
    return (s > 0).sum()


def number(s):
    return 1.5


def in_place(s):
    s /= 0.1
    return scores(s, 1.0)


def no_gradient(s):
    with torch.no_grad():
        return scores(s)


def random(s):
    return scores(F.dropout(s, 0.5))


def remembers(s):
    SEEN.append(s)
    return scores(s) * len(SEEN)


def single(s):
    return scores(s.float())


def takes_labels(z, labels):
    assert labels.dtype == torch.int64
    return (z.sum(1) * labels).pow(2).sum()


# ------------------------------------------------------------------ several ranks


def one_missing(z1, z2):
    if dist.is_initialized() and dist.get_rank() == 0:
        dist.barrier()
    return unknown(z1, z2)


def one_raises(z1, z2):
    if dist.is_initialized():
        if dist.get_rank() == 1:
            raise ValueError("not on this rank")
        dist.barrier()
    return unknown(z1, z2)


def wants_a_group(z1, z2):
    return (z1 - z2).pow(2).mean() + 0 * dist.get_rank()
