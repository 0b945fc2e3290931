"""What is measured: a loss, its inputs, the emitted program, its peers, and the floor.

Peers that are not installed are left out; `torch.compile` is one of them on request.
"""

from __future__ import annotations

import importlib.util
import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import torch  # noqa: E402
from measure import Work, products  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

TAU = 0.1
Inputs = dict[str, Tensor]
Loss = Callable[[Inputs], Tensor]
OURS = "emitted, streaming"
COMPILED = "emitted, compiled loops"
TARGETS = {OURS: "torch", COMPILED: "cpu"}


@dataclass(frozen=True)
class Case:
    """One line of the scoreboard. `sizes` are N (rows) and what else the case scales with.

    The goals `must` and `stretch` are times over the floor's, or over that of the peer `beside`.
    """

    title: str
    sizes: tuple[int, ...]
    make: Callable[..., Inputs]
    losses: Callable[[], Mapping[str, Loss]]
    floor: Callable[[Inputs], Work]
    must: float
    stretch: float
    small: tuple[int, ...] = (600, 64)  # where the gradient is compared with float64
    dense_up_to: int = 9000  # rows beyond which peers that hold all pairs are left out
    learned: tuple[str, ...] = field(default=("z",))
    beside: str = ""


@cache
def program(name: str, target: str = "torch") -> ModuleType:
    """The module that is generated from a catalog entry, or from a pair written `p / q / rest`."""
    from codegen.emit import emit, write_file

    if " / " in name:
        from iconograph.composition import compose

        p, q, normalise = name.split(" / ")
        method = compose(p, q, normalise=normalise)
    else:
        from catalog.registry import load

        method = load(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "emitted.py"
        write_file(path, emit(method, target))
        spec = importlib.util.spec_from_file_location("emitted", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def ours(name: str, function: str, **numbers: Any) -> dict[str, Loss]:
    """The emitted streaming functions, in torch and compiled, called with the inputs by name."""

    def loss(target: str) -> Loss:
        return lambda x: getattr(program(name, target), function)(**x, **numbers)

    return {who: loss(target) for who, target in TARGETS.items()}


# ------------------------------------------------------------------ inputs
def views(n: int, d: int, dtype: torch.dtype = torch.float32) -> Inputs:
    """Rows of which n/2 pairs are two views of one image."""
    torch.manual_seed(0)
    z = torch.randn(n, d, dtype=dtype).requires_grad_()
    return {"z": z, "target": torch.arange(n).roll(n // 2)}


def classes(n: int, d: int, dtype: torch.dtype = torch.float32) -> Inputs:
    """Rows with one of about n/8 labels."""
    x = views(n, d, dtype)
    return {"z": x["z"], "labels": torch.arange(n) % max(1, n // 8)}


def towers(n: int, d: int, dtype: torch.dtype = torch.float32) -> Inputs:
    """Images and their captions, in the order of each other."""
    torch.manual_seed(0)
    a, b = (torch.randn(n, d, dtype=dtype).requires_grad_() for _ in range(2))
    return {"embedding": a, "keys": b}


def against(
    n: int, m: int, d: int, dtype: torch.dtype = torch.float32, frozen: bool = True
) -> Inputs:
    """Queries against m unit keys, of which one is theirs."""
    torch.manual_seed(0)
    c, z = (functional.normalize(torch.randn(k, d, dtype=dtype), dim=1) for k in (n, m))
    return {
        "c": c.requires_grad_(),
        "z": z if frozen else z.requires_grad_(),
        "target": torch.randint(m, (n,)),
    }


def embedding(n: int, d: int, dtype: torch.dtype = torch.float32) -> Inputs:
    """A map of n points and a full symmetric matrix of joint probabilities."""
    torch.manual_seed(0)
    w = torch.rand(n, n, dtype=dtype)
    w = (w + w.T).fill_diagonal_(0.0)
    return {"z": torch.randn(n, d, dtype=dtype).requires_grad_(), "distribution": w / w.sum()}


# ------------------------------------------------------------------ what others write
def naive_ntxent(x: Inputs) -> Tensor:
    u = functional.normalize(x["z"], dim=1)
    scores = (u @ u.T / TAU).masked_fill(torch.eye(len(u), dtype=torch.bool), -torch.inf)
    return functional.cross_entropy(scores, x["target"])


def naive_supcon(x: Inputs) -> Tensor:
    u = functional.normalize(x["z"], dim=1)
    other = ~torch.eye(len(u), dtype=torch.bool)
    log_q = torch.log_softmax((u @ u.T / TAU).masked_fill(~other, -torch.inf), dim=1)
    same = (x["labels"][:, None] == x["labels"]) & other
    return -(torch.where(same, log_q, 0.0).sum(1) / same.sum(1)).mean()


def naive_clip(x: Inputs) -> Tensor:
    a, b = (functional.normalize(x[k], dim=1) for k in ("embedding", "keys"))
    scores, own = a @ b.T / TAU, torch.arange(len(a))
    return (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own)) / 2


def naive_rows(x: Inputs) -> Tensor:
    return functional.cross_entropy(x["c"] @ x["z"].T / TAU, x["target"])


def naive_tsne(x: Inputs) -> Tensor:
    y, p = x["z"], x["distribution"]
    kernel = 1 / (1 + torch.cdist(y, y).square())
    kernel = kernel * ~torch.eye(len(y), dtype=torch.bool)
    return (torch.xlogy(p, p) - torch.xlogy(p, kernel)).sum() + kernel.sum().log()


def fused(rows: str, columns: str, unit: bool) -> Loss:
    """torch's linear_cross_entropy; it cannot leave out the self pair, so it does a little less."""

    def loss(x: Inputs) -> Tensor:
        a = functional.normalize(x[rows], dim=1) if unit else x[rows]
        b = a if rows == columns else x[columns]
        options = torch.nn.LinearCrossEntropyOptions()
        f = functional.linear_cross_entropy
        return f(a / TAU, b, x["target"], options=options)

    return loss


def fused_clip(x: Inputs) -> Tensor:
    a, b = (functional.normalize(x[k], dim=1) for k in ("embedding", "keys"))
    options = torch.nn.LinearCrossEntropyOptions()
    f, own = functional.linear_cross_entropy, torch.arange(len(a))
    return (f(a / TAU, b, own, options=options) + f(b / TAU, a, own, options=options)) / 2


def metric_learning(x: Inputs) -> Tensor:
    from pytorch_metric_learning.losses import SupConLoss

    return SupConLoss(temperature=TAU)(x["z"], x["labels"])


def lightly_ntxent(x: Inputs) -> Tensor:
    from lightly.loss import NTXentLoss

    first, second = x["z"].chunk(2)
    return NTXentLoss(temperature=TAU)(first, second)


def present(**peers: tuple[str, Loss]) -> dict[str, Loss]:
    """The peers whose package is installed."""
    found = {}
    for name, (module, loss) in peers.items():
        if importlib.util.find_spec(module):
            found[name.replace("_", " ")] = loss
    return found


# ------------------------------------------------------------------ the scoreboard
FUSED = "torch linear_cross_entropy"
NAIVE = "naive torch"


def self_similar(x: Inputs) -> Work:
    return partial(products, x["z"].detach(), x["z"].detach(), 2)


def ntxent(n: int, must: float, stretch: float) -> Case:
    def losses() -> Mapping[str, Loss]:
        return {
            **ours("simclr", "simclr_loss", temperature=TAU),
            FUSED + ", self pairs kept": fused("z", "z", True), NAIVE: naive_ntxent,
            **present(lightly=("lightly", lightly_ntxent)),
        }  # fmt: skip

    return Case("NT-Xent", (n, 128), views, losses, self_similar, must, stretch)


def supcon() -> Mapping[str, Loss]:
    peers = present(pytorch_metric_learning=("pytorch_metric_learning", metric_learning))

    def of_unit_vectors(loss: Loss) -> Loss:
        return lambda x: loss({**x, "z": functional.normalize(x["z"], dim=1)})

    found = ours("supcon", "supcon_loss", temperature=TAU)
    mine = {who: of_unit_vectors(loss) for who, loss in found.items()}
    return {**mine, NAIVE: naive_supcon, **peers}


def clip() -> Mapping[str, Loss]:
    # `t` of the entry is the logarithm of what multiplies the scores
    mine = ours("clip", "clip_loss", t=-math.log(TAU))
    return {**mine, FUSED + ", twice": fused_clip, NAIVE: naive_clip}


def rows() -> Mapping[str, Loss]:
    mine = ours("infonce", "infonce_loss", temperature=TAU)
    return {**mine, FUSED: fused("c", "z", False), NAIVE: naive_rows}


def tsne() -> Mapping[str, Loss]:
    pair = "given / student-t / joint"
    function = next(k for k in vars(program(pair)) if k.endswith("_loss"))
    return {**ours(pair, function, term="kl"), NAIVE: naive_tsne}


CASES: dict[str, Case] = {
    "ntxent-2k": ntxent(2048, 0.95, 0.70),
    "ntxent-8k": ntxent(8192, 0.75, 0.57),
    "ntxent-16k": ntxent(16_384, 0.70, 0.55),
    "ntxent-32k": ntxent(32_768, 0.70, 0.55),
    "supcon-8k": Case("SupCon", (8192, 128), classes, supcon, self_similar, 0.80, 0.60),
    "clip-8k": Case(
        "CLIP", (8192, 128), towers, clip,
        lambda x: partial(products, x["embedding"].detach(), x["keys"].detach(), 2), 1.30, 1.10,
        learned=("embedding", "keys"),
    ),
    "queue": Case(
        "InfoNCE against a queue, frozen keys", (1024, 65_536, 128), against, rows,
        lambda x: partial(products, x["c"].detach(), x["z"].detach(), 1), 0.75, 0.70,
        small=(100, 600, 64), learned=("c",),
    ),
    "linear-ce": Case(
        "linear cross-entropy", (2048, 32_000, 128), partial(against, frozen=False), rows,
        lambda x: partial(products, x["c"].detach(), x["z"].detach(), 2), 1.05, 0.95,
        small=(100, 600, 64), learned=("c", "z"), beside=FUSED,
    ),
    "tsne-10k": Case(
        "exact t-SNE, dense P, against one read of P", (10_000, 2), embedding, tsne,
        lambda x: x["distribution"].sum, 7.0, 3.5, small=(600, 2), dense_up_to=10_000,
    ),
}  # fmt: skip
