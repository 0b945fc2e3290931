"""Reference values of contrastive losses with a bank, a queue, weights or margins."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cos,
    cosines,
    kl_rows,
    normal,
    off_diagonal,
    one_hot,
    partners,
    positive,
    rows_to_one,
    softmax,
)


def views(rng: np.random.Generator, n: int) -> Data:
    """An even number of views with their partners, at least four."""
    even = max(4, 2 * ((n + 1) // 2))
    return {"z": normal(rng, even, DIM), "pos": partners(rng, even)}


def negatives(data: Data, i: int) -> list[int]:
    return [k for k in range(len(data["z"])) if k not in (i, int(data["pos"][i]))]


def to_partner(data: Data, kernel: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The mean KL from the partner to the rows of a kernel, self pairs left out."""
    rows = kl_rows(one_hot(data["pos"], len(kernel)), rows_to_one(off_diagonal(kernel)))
    return float(np.average(rows, weights=weights))


def sample_npid(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, DIM), "v": normal(rng, n, DIM), "tau": positive(rng)}


def published_npid(data: Data) -> float:
    f, v, tau, total = data["f"], data["v"], float(data["tau"]), 0.0
    for i in range(len(f)):
        scores = [math.exp(v[j] @ f[i] / tau) for j in range(len(v))]
        total += math.log(scores[i] / sum(scores))
    return -total


def icon_npid(data: Data) -> float:
    q = softmax(data["f"] @ data["v"].T / data["tau"])
    return float(kl_rows(np.eye(len(q)), q).mean())


def sample_npid_nce(rng: np.random.Generator, n: int) -> Data:
    vectors = {"f": normal(rng, n, DIM), "v": normal(rng, n, 4, DIM), "own": np.array(2)}
    numbers = {"Z": 9 * positive(rng), "P_n": positive(rng) / n, "noise": np.array(3.0)}
    return {**vectors, **numbers, "tau": positive(rng)}


def published_npid_nce(data: Data) -> float:
    noise, total = float(data["noise"] * data["P_n"]), 0.0
    for f, entries in zip(data["f"], data["v"], strict=True):
        for t, entry in enumerate(entries):
            p = math.exp(entry @ f / float(data["tau"])) / float(data["Z"])
            h = p / (p + noise)
            total -= math.log(h) if t == int(data["own"]) else math.log(1 - h)
    return total / len(data["f"])


def icon_npid_nce(data: Data) -> float:
    logits = np.einsum("id,itd->it", data["f"], data["v"]) / data["tau"]
    logits = logits - np.log(data["Z"] * data["noise"] * data["P_n"])
    match = np.zeros_like(logits)
    match[:, data["own"]] = 1
    q = softmax(np.stack([logits, 0 * logits], axis=-1))
    return float(kl_rows(np.stack([match, 1 - match], axis=-1), q).mean())


def sample_moco(rng: np.random.Generator, n: int) -> Data:
    keys = {"k": normal(rng, n, 5, DIM), "plus": np.array(3)}
    return {"q": normal(rng, n, DIM), **keys, "tau": positive(rng)}


def published_moco(data: Data) -> float:
    tau, total = float(data["tau"]), 0.0
    for q, keys in zip(data["q"], data["k"], strict=True):
        own = math.exp(q @ keys[int(data["plus"])] / tau)
        total -= math.log(own / sum(math.exp(q @ key / tau) for key in keys))
    return total / len(data["q"])


def icon_moco(data: Data) -> float:
    q = softmax(np.einsum("id,ijd->ij", data["q"], data["k"]) / data["tau"])
    return float(-np.log(q[:, data["plus"]]).mean())


def sample_nnclr(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, DIM), "NN": normal(rng, n, DIM), "tau": positive(rng)}


def published_nnclr(data: Data) -> float:
    tau, total = float(data["tau"]), 0.0
    for near, own in zip(data["NN"], data["z"], strict=True):
        others = sum(math.exp(near @ other / tau) for other in data["z"])
        total -= math.log(math.exp(near @ own / tau) / others)
    return total / len(data["z"])


def icon_nnclr(data: Data) -> float:
    q = softmax(data["NN"] @ data["z"].T / data["tau"])
    return float(kl_rows(np.eye(len(q)), q).mean())


def sample_debiased_contrastive(rng: np.random.Generator, n: int) -> Data:
    """The prior is below one over the number of candidates, so that a is positive."""
    data = views(rng, n)
    count = len(data["z"]) - 2
    tau = float(rng.uniform(0.2, 0.8)) / (count + 1)
    rest = {"N": float(count), "tau": tau, "a": 1 - count * tau / (1 - tau)}
    return {**data, "t": positive(rng), **{name: np.array(v) for name, v in rest.items()}}


def debiased(data: Data, floor: float) -> float:
    """Chuang et al.'s loss with the estimate g kept above a floor."""
    z, t, tau, total = data["z"], float(data["t"]), float(data["tau"]), 0.0
    for i in range(len(z)):
        own = math.exp(z[i] @ z[data["pos"][i]] / t)
        mean = sum(math.exp(z[i] @ z[k] / t) for k in negatives(data, i)) / float(data["N"])
        g = max((mean - tau * own) / (1 - tau), floor)
        total -= math.log(own / (own + float(data["N"]) * g))
    return total / len(z)


def published_debiased_contrastive(data: Data) -> float:
    return debiased(data, -math.inf)


def icon_debiased_contrastive(data: Data) -> float:
    own = one_hot(data["pos"], len(data["z"]))
    base = own * data["a"] + (1 - own) / (1 - data["tau"])
    return to_partner(data, base * np.exp(data["z"] @ data["z"].T / data["t"]))


def sample_debiased_contrastive_clamped(rng: np.random.Generator, n: int) -> Data:
    """Partners are near each other, so that the clamp acts on some views and not on others."""
    data = sample_debiased_contrastive(rng, n)
    return {**data, "z": 1.5 * (data["z"] + data["z"][data["pos"]]), "t": np.array(1.0)}


icon_debiased_contrastive_clamped = icon_debiased_contrastive


def published_debiased_contrastive_clamped(data: Data) -> float:
    return debiased(data, math.exp(-1 / float(data["t"])))


def sample_hard_negative_contrastive(rng: np.random.Generator, n: int) -> Data:
    data = sample_debiased_contrastive(rng, n)
    return {**data, "w": positive(rng, len(data["z"]), len(data["z"]))}


def published_hard_negative_contrastive(data: Data) -> float:
    z, t, tau, total = data["z"], float(data["t"]), float(data["tau"]), 0.0
    for i in range(len(z)):
        own = math.exp(z[i] @ z[data["pos"][i]] / t)
        weighted = sum(data["w"][i, k] * math.exp(z[i] @ z[k] / t) for k in negatives(data, i))
        ng = (-tau * float(data["N"]) * own + weighted) / (1 - tau)
        total -= math.log(own / (own + ng))
    return total / len(z)


def icon_hard_negative_contrastive(data: Data) -> float:
    own = one_hot(data["pos"], len(data["z"]))
    base = own * data["a"] + (1 - own) * data["w"] / (1 - data["tau"])
    return to_partner(data, base * np.exp(data["z"] @ data["z"].T / data["t"]))


def sample_curl_logistic(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, DIM), "g": normal(rng, n, 4, DIM), "plus": np.array(1)}


def published_curl_logistic(data: Data) -> float:
    plus, total = int(data["plus"]), 0.0
    for f, samples in zip(data["f"], data["g"], strict=True):
        wrong = [g for j, g in enumerate(samples) if j != plus]
        total += math.log2(1 + sum(math.exp(-(f @ (samples[plus] - g))) for g in wrong))
    return total / len(data["f"])


def icon_curl_logistic(data: Data) -> float:
    q = softmax(np.einsum("id,ijd->ij", data["f"], data["g"]))
    return float(-np.log(q[:, data["plus"]]).mean())


def sample_nt_xent_am(rng: np.random.Generator, n: int) -> Data:
    return {**views(rng, n), "tau": positive(rng), "m": np.array(0.2)}


def published_nt_xent_am(data: Data) -> float:
    z, tau, m, total = data["z"], float(data["tau"]), float(data["m"]), 0.0
    for i in range(len(z)):
        plus = math.exp((cos(z[i], z[data["pos"][i]]) - m) / tau)
        minus = sum(math.exp(cos(z[i], z[k]) / tau) for k in negatives(data, i))
        total -= math.log(plus / (plus + minus))
    return total / len(z)


def icon_nt_xent_am(data: Data) -> float:
    margin = data["m"] * one_hot(data["pos"], len(data["z"]))
    return to_partner(data, np.exp((cosines(data["z"], data["z"]) - margin) / data["tau"]))


def sample_isogclr(rng: np.random.Generator, n: int) -> Data:
    data = views(rng, n)
    return {**data, "tau": positive(rng, len(data["z"])), "rho": positive(rng)}


def published_isogclr(data: Data) -> float:
    z, total = data["z"], 0.0
    for i, tau in enumerate(map(float, data["tau"])):
        own = z[i] @ z[data["pos"][i]]
        terms = [math.exp((z[i] @ z[k] - own) / tau) for k in negatives(data, i)]
        total += tau * math.log(sum(terms) / len(terms)) + tau * float(data["rho"])
    return total / len(z)


def icon_isogclr(data: Data) -> float:
    kernel = np.exp(data["z"] @ data["z"].T / data["tau"][:, None])
    return to_partner(data, kernel, data["tau"])


CLAIMS = {
    "npid": lambda d: (len(d["f"]), 0.0),
    "npid-nce": lambda d: (d["v"].shape[1], 0.0),
    "moco": lambda d: (1.0, 0.0),
    "nnclr": lambda d: (1.0, 0.0),
    "debiased-contrastive": lambda d: (1.0, math.log(d["a"])),
    "hard-negative-contrastive": lambda d: (1.0, math.log(d["a"])),
    "curl-logistic": lambda d: (1 / math.log(2), 0.0),
    "nt-xent-am": lambda d: (1.0, 0.0),
}
NEGATIVES = {
    "debiased-contrastive-clamped": ("z",),
    "isogclr": ("z",),
}
