"""Reference values of losses whose outcomes are groups of neighbours.

The published side adds up one neighbour after the other; the I-Con side merges the columns of a
dense softmax by a matrix of memberships.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tests.reference.tools import (
    Data,
    cos,
    cosines,
    kl_rows,
    normal,
    off_diagonal,
    one_hot,
    onto,
    partners,
    positive,
    rows_to_one,
    softmax,
    sq,
    sqdist,
)


def minus_log_share(chosen: Iterable[float], every: Iterable[float]) -> float:
    return math.log(sum(every)) - math.log(sum(chosen))


def exps(scores: np.ndarray) -> list[list[float]]:
    return [[math.exp(float(x)) for x in row] for row in scores]


def merged(q: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The two masses of each row of q: inside a set, outside of it."""
    mass = (q * inside).sum(-1)
    return np.stack([mass, 1 - mass], -1)


def share(q: np.ndarray, inside: np.ndarray) -> float:
    """The mean divergence of "inside" from the two masses."""
    return float(onto([1.0, 0.0], merged(q, inside)).mean())


def labelled(rng: np.random.Generator, n: int) -> np.ndarray:
    """At least two points of every class, at least two classes."""
    return rng.permutation(np.arange(n) // 2 % (n // 2))


def kin(y: np.ndarray) -> np.ndarray:
    return off_diagonal((y[:, None] == y[None, :]) * 1.0)


def alone(k: np.ndarray) -> np.ndarray:
    return rows_to_one(off_diagonal(k))


def mask_with_both(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    """A 0/1 array with a 1 and a 0 in every row."""
    mask = rng.uniform(size=(n, m)) < 0.5
    first = rng.integers(m, size=n)
    mask[np.arange(n), first], mask[np.arange(n), (first + 1) % m] = True, False
    return mask


def covering(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    """n indices below m, every one of them used."""
    return rng.permutation(np.concatenate([np.arange(m), rng.integers(m, size=n - m)]))


def sample_supcon_in_coarse(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 3), "y": labelled(rng, n), "tau": positive(rng)}


def published_supcon_in_coarse(data: Data) -> float:
    z, y, tau, loss = data["z"], data["y"], float(data["tau"]), 0.0
    for i in range(len(z)):
        e = {k: math.exp(float(z[i] @ z[k]) / tau) for k in range(len(z)) if k != i}
        near = [e[j] for j in e if y[j] == y[i]]
        loss -= math.log(sum(near) / len(near) / sum(e.values()))
    return loss


def icon_supcon_in_coarse(data: Data) -> float:
    z = data["z"]
    return share(alone(np.exp(z @ z.T / data["tau"])), kin(data["y"]))


def sample_debiased_contrastive_coarse(rng: np.random.Generator, n: int) -> Data:
    """The correction is so strong that the clamp acts on some anchors."""
    n += n % 2
    return {"z": normal(rng, n, 3), "pos": partners(rng, n), "taup": np.array(0.3),
            "t": positive(rng), "N": np.array(float(n - 2))}  # fmt: skip


def published_debiased_contrastive_coarse(data: Data) -> float:
    z, pos, tau, t, size = (data[name] for name in ("z", "pos", "taup", "t", "N"))
    loss = 0.0
    for i in range(len(z)):
        e = [math.exp(float(z[i] @ z[k]) / float(t)) for k in range(len(z))]
        rest = sum(e[k] for k in range(len(z)) if k not in (i, pos[i]))
        g = max((rest / size - tau * e[pos[i]]) / (1 - tau), math.exp(-1 / t))
        loss -= math.log(e[pos[i]] / (e[pos[i]] + size * g))
    return loss / len(z)


def icon_debiased_contrastive_coarse(data: Data) -> float:
    tau, t, size = (float(data[name]) for name in ("taup", "t", "N"))
    e = off_diagonal(np.exp(data["z"] @ data["z"].T / t))
    own = (e * one_hot(data["pos"], len(e))).sum(1)
    g = np.maximum(((e.sum(1) - own) / size - tau * own) / (1 - tau), np.exp(-1 / t))
    return float(onto([1.0, 0.0], rows_to_one(np.stack([own, size * g], 1))).mean())


def sample_partial_labels(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 5), "S": mask_with_both(rng, n, 5)}


def published_partial_labels(data: Data) -> float:
    rows = zip(exps(data["f"]), data["S"], strict=True)
    loss = (minus_log_share((x for x, on in zip(e, s, strict=True) if on), e) for e, s in rows)
    return sum(loss) / len(data["f"])


def icon_partial_labels(data: Data) -> float:
    return share(softmax(data["f"]), data["S"])


def sample_deephit(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 5), "S": mask_with_both(rng, n, 5)}


def published_deephit(data: Data) -> float:
    return published_partial_labels({"f": data["s"], "S": data["S"]}) * len(data["s"])


def icon_deephit(data: Data) -> float:
    return share(softmax(data["s"]), data["S"])


def sample_forward_correction(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 4), "y": rng.integers(4, size=n),
            "T": rows_to_one(positive(rng, 4, 4) + 2 * np.eye(4))}  # fmt: skip


def published_forward_correction(data: Data) -> float:
    loss = 0.0
    for e, y in zip(exps(data["f"]), data["y"], strict=True):
        loss -= math.log(sum(t[y] * x for t, x in zip(data["T"], e, strict=True)) / sum(e))
    return loss / len(data["f"])


def icon_forward_correction(data: Data) -> float:
    p = one_hot(data["y"], data["T"].shape[1])
    return float(kl_rows(p, softmax(data["f"]) @ data["T"]).mean())


def grouped(q: np.ndarray, group: np.ndarray, target: np.ndarray) -> float:
    """The mean divergence of "meant" from the masses of the target group and of the rest."""
    return share(q, group[None, :] == target[:, None])


def in_group(scores: np.ndarray, group: np.ndarray, target: np.ndarray) -> float:
    """The sum over rows of -log of the share of the group that is the target."""
    return sum(
        minus_log_share((x for x, g in zip(e, group, strict=True) if g == t), e)
        for e, t in zip(exps(scores), target, strict=True)
    )


def sample_ctc(rng: np.random.Generator, n: int) -> Data:
    """All paths of three frames over two symbols; which of them spell the same is drawn."""
    paths = np.array([[a, b, c] for a in range(2) for b in range(2) for c in range(2)])
    return {"s": normal(rng, n, 3, 2), "sym": paths, "spells": covering(rng, 8, 4),
            "target": covering(rng, max(n, 4), 4)[:n]}  # fmt: skip


def published_ctc(data: Data) -> float:
    """By the softmax of every frame: the denominator of all paths is the product of theirs."""
    loss = 0.0
    for scores, target in zip(data["s"], data["target"], strict=True):
        frames = [[x / sum(e) for x in e] for e in exps(scores)]
        mass = 0.0
        for path, word in zip(data["sym"], data["spells"], strict=True):
            if word == target:
                mass += math.prod(frame[v] for frame, v in zip(frames, path, strict=True))
        loss -= math.log(mass)
    return loss


def icon_ctc(data: Data) -> float:
    of_path = data["s"][:, np.arange(3), data["sym"]].sum(-1)
    return grouped(softmax(of_path), data["spells"], data["target"])


def sample_order_matters(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 7), "content": covering(rng, 7, 3),
            "target": rng.integers(3, size=n)}  # fmt: skip


def published_order_matters(data: Data) -> float:
    return in_group(data["s"], data["content"], data["target"]) / len(data["s"])


def icon_order_matters(data: Data) -> float:
    return grouped(softmax(data["s"]), data["content"], data["target"])


def sample_coarse_labels(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 6), "group": covering(rng, 6, 3), "y": rng.integers(3, size=n)}


def published_coarse_labels(data: Data) -> float:
    return in_group(data["f"], data["group"], data["y"]) / len(data["f"])


def icon_coarse_labels(data: Data) -> float:
    return grouped(softmax(data["f"]), data["group"], data["y"])


def sample_attention_sum_reader(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, 7, 3), "g": normal(rng, n, 3), "word": covering(rng, 7, 4),
            "answer": rng.integers(4, size=n)}  # fmt: skip


def published_attention_sum_reader(data: Data) -> float:
    return in_group(data["g"] @ data["f"].T, data["word"], data["answer"]) / len(data["g"])


def icon_attention_sum_reader(data: Data) -> float:
    attention = softmax((data["f"] @ data["g"].T).T)
    return grouped(attention, data["word"], data["answer"])


def sample_tckd(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 4), "v": normal(rng, n, 4), "y": rng.integers(4, size=n),
            "T": positive(rng)}  # fmt: skip


def published_tckd(data: Data) -> float:
    loss = 0.0
    student, teacher = exps(data["z"] / data["T"]), exps(data["v"] / data["T"])
    for e, t, y in zip(student, teacher, data["y"], strict=True):
        q, p = e[y] / sum(e), t[y] / sum(t)
        loss += p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    return loss / len(data["z"])


def icon_tckd(data: Data) -> float:
    label = one_hot(data["y"], data["z"].shape[1])
    p, q = (merged(softmax(data[name] / data["T"]), label) for name in ("v", "z"))
    return float(kl_rows(p, q).mean())


def sample_mil_nce(rng: np.random.Generator, n: int) -> Data:
    near, other = mask_with_both(rng, n, 6), mask_with_both(rng, n, 6)
    other[np.arange(n), (~near).argmax(1)] = True
    return {"f": normal(rng, n, 3), "g": normal(rng, 6, 3), "near": near, "other": other & ~near}


def published_mil_nce(data: Data) -> float:
    loss = 0.0
    for e, near, other in zip(
        exps(data["f"] @ data["g"].T), data["near"], data["other"], strict=True
    ):
        good = sum(x for x, on in zip(e, near, strict=True) if on)
        loss -= math.log(good / (good + sum(x for x, on in zip(e, other, strict=True) if on)))
    return loss


def icon_mil_nce(data: Data) -> float:
    e = np.exp(data["f"] @ data["g"].T)
    return share(rows_to_one(e * (data["near"] | data["other"])), data["near"])


def sample_soft_nearest_neighbour(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, 3), "y": labelled(rng, n), "T": positive(rng)}


def published_soft_nearest_neighbour(data: Data) -> float:
    x, y, loss = data["x"], data["y"], 0.0
    for i in range(len(x)):
        e = {k: math.exp(-sq(x[i] - x[k]) / float(data["T"])) for k in range(len(x)) if k != i}
        loss += minus_log_share((e[j] for j in e if y[j] == y[i]), e.values())
    return loss / len(x)


def icon_soft_nearest_neighbour(data: Data) -> float:
    return share(alone(np.exp(-sqdist(data["x"], data["x"]) / data["T"])), kin(data["y"]))


def sample_scalable_nca(rng: np.random.Generator, n: int) -> Data:
    return {"v": normal(rng, n, 3), "y": labelled(rng, n), "sigma": positive(rng)}


def published_scalable_nca(data: Data) -> float:
    v, y, loss = data["v"], data["y"], 0.0
    for i in range(len(v)):
        e = {k: math.exp(cos(v[i], v[k]) / data["sigma"]) for k in range(len(v)) if k != i}
        loss += minus_log_share((e[j] for j in e if y[j] == y[i]), e.values())
    return loss / len(v)


def icon_scalable_nca(data: Data) -> float:
    return share(alone(np.exp(cosines(data["v"], data["v"]) / data["sigma"])), kin(data["y"]))


def sample_matching_networks(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 3), "g": normal(rng, 7, 3), "y": rng.integers(3, size=n),
            "ys": covering(rng, 7, 3)}  # fmt: skip


def published_matching_networks(data: Data) -> float:
    scores = [[cos(a, b) for b in data["g"]] for a in data["f"]]
    return in_group(np.array(scores), data["ys"], data["y"]) / len(data["f"])


def icon_matching_networks(data: Data) -> float:
    return grouped(softmax(cosines(data["f"], data["g"])), data["ys"], data["y"])


def sample_negative_learning(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 4), "y": rng.integers(4, size=n)}


def published_negative_learning(data: Data) -> float:
    rows = zip(exps(data["f"]), data["y"], strict=True)
    return sum(-math.log(1 - e[y] / sum(e)) for e, y in rows) / len(data["f"])


def icon_negative_learning(data: Data) -> float:
    return share(softmax(data["f"]), 1 - one_hot(data["y"], data["f"].shape[1]))


def sample_unlikelihood(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 6), "C": mask_with_both(rng, n, 6)}


def published_unlikelihood(data: Data) -> float:
    loss = 0.0
    for e, candidates in zip(exps(data["s"]), data["C"], strict=True):
        loss -= sum(math.log(1 - e[v] / sum(e)) for v in np.flatnonzero(candidates))
    return loss


def icon_unlikelihood(data: Data) -> float:
    q = softmax(data["s"])[data["C"]]
    return float(onto([0.0, 1.0], np.stack([q, 1 - q], 1)).mean())


def sample_retrieval_augmented_generation(rng: np.random.Generator, n: int) -> Data:
    return {"r": normal(rng, n, 3), "s": normal(rng, n, 3, 5), "y": rng.integers(5, size=n)}


def published_retrieval_augmented_generation(data: Data) -> float:
    loss = 0.0
    for weights, scores, y in zip(exps(data["r"]), data["s"], data["y"], strict=True):
        words = [e[y] / sum(e) for e in exps(scores)]
        mixed = sum(w * x for w, x in zip(weights, words, strict=True))
        loss -= math.log(mixed / sum(weights))
    return loss


def mixture(data: Data) -> np.ndarray:
    """The divergence of the target from the mixture of softmaxes, row by row."""
    q = np.einsum("ih,iho->io", softmax(data["r"]), softmax(data["s"]))
    return kl_rows(one_hot(data["y"], q.shape[1]), q)


def icon_retrieval_augmented_generation(data: Data) -> float:
    return float(mixture(data).mean())


sample_mixture_of_softmaxes = sample_retrieval_augmented_generation


def published_mixture_of_softmaxes(data: Data) -> float:
    return published_retrieval_augmented_generation(data) / len(data["y"])


def icon_mixture_of_softmaxes(data: Data) -> float:
    return float(mixture(data).mean())


CLAIMS = {
    name: lambda data: (1.0, 0.0)
    for name in (
        "attention-sum-reader", "coarse-labels", "debiased-contrastive-coarse",
        "forward-correction", "matching-networks", "mixture-of-softmaxes", "negative-learning",
        "order-matters", "partial-labels", "scalable-nca", "soft-nearest-neighbour", "tckd",
    )
} | {
    "ctc": lambda data: (len(data["s"]), 0.0),
    "deephit": lambda data: (len(data["s"]), 0.0),
    "mil-nce": lambda data: (len(data["f"]), 0.0),
    "retrieval-augmented-generation": lambda data: (len(data["y"]), 0.0),
    "supcon-in-coarse": lambda data: (len(data["z"]), np.log(kin(data["y"]).sum(1)).sum()),
    "unlikelihood": lambda data: (data["C"].sum(), 0.0),
}  # fmt: skip
