"""Reference values of losses between images and texts, in both directions."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cos,
    cosines,
    entropy,
    kl_rows,
    normal,
    one_hot,
    positive,
    rows_to_one,
    softmax,
)


def vectors(rng: np.random.Generator, n: int, *names: str) -> Data:
    return {name: normal(rng, n, DIM) for name in names}


def both_ways(scores: np.ndarray, target: np.ndarray | None = None) -> float:
    """The mean KL over rows and columns of a matrix of scores, to a symmetric target."""
    p = np.eye(len(scores)) if target is None else target
    rows = kl_rows(p, softmax(scores)), kl_rows(p, softmax(scores.T))
    return float(np.concatenate(rows).mean())


def log_share(scores: list[float], k: int) -> float:
    """The logarithm of the k-th share of a softmax."""
    return scores[k] - math.log(sum(math.exp(s) for s in scores))


def sample_align(rng: np.random.Generator, n: int) -> Data:
    return {**vectors(rng, n, "x", "y"), "sigma": positive(rng)}


def published_align(data: Data) -> float:
    x, y, sigma, n = data["x"], data["y"], float(data["sigma"]), len(data["x"])
    i2t = -sum(log_share([x[i] @ y[j] / sigma for j in range(n)], i) for i in range(n)) / n
    t2i = -sum(log_share([y[i] @ x[j] / sigma for j in range(n)], i) for i in range(n)) / n
    return i2t + t2i


def icon_align(data: Data) -> float:
    return both_ways(data["x"] @ data["y"].T / data["sigma"])


def sample_lit(rng: np.random.Generator, n: int) -> Data:
    return {**vectors(rng, n, "f", "g"), "t": positive(rng)}


def published_lit(data: Data) -> float:
    f, g, t, total = data["f"], data["g"], float(data["t"]), 0.0
    for i in range(len(f)):
        total -= log_share([t * (f[i] @ text) for text in g], i)
        total -= log_share([t * (image @ g[i]) for image in f], i)
    return total / 2 / len(f)


def icon_lit(data: Data) -> float:
    return both_ways(data["t"] * (data["f"] @ data["g"].T))


def sample_unicl(rng: np.random.Generator, n: int) -> Data:
    return {**vectors(rng, n, "u", "v"), "tau": positive(rng), "y": rng.integers(3, size=n)}


def published_unicl(data: Data) -> float:
    u, v, y, tau, total = data["u"], data["v"], data["y"], float(data["tau"]), 0.0
    for i in range(len(u)):
        same = [k for k in range(len(u)) if y[k] == y[i]]
        texts = [tau * (u[i] @ text) for text in v]
        images = [tau * (image @ v[i]) for image in u]
        total -= sum(log_share(texts, k) + log_share(images, k) for k in same) / len(same)
    return total


def icon_unicl(data: Data) -> float:
    same = rows_to_one(1.0 * (data["y"][:, None] == data["y"]))
    return both_ways(data["tau"] * (data["u"] @ data["v"].T), same)


def claim_unicl(data: Data) -> tuple[float, float]:
    counts = np.bincount(data["y"])[data["y"]]
    return 2 * len(data["y"]), 2 * float(np.log(counts).sum())


def sample_convirt(rng: np.random.Generator, n: int) -> Data:
    weight = float(rng.uniform(0.2, 0.9))
    return {
        **vectors(rng, n, "v", "u"),
        "tau": positive(rng),
        "lambda": np.array([weight, 1 - weight]),
    }


def published_convirt(data: Data) -> float:
    v, u, tau, weight = data["v"], data["u"], float(data["tau"]), float(data["lambda"][0])
    total = 0.0
    for i in range(len(v)):
        image = -log_share([cos(v[i], text) / tau for text in u], i)
        text = -log_share([cos(u[i], image) / tau for image in v], i)
        total += weight * image + (1 - weight) * text
    return total / len(v)


def icon_convirt(data: Data) -> float:
    scores = cosines(data["v"], data["u"]) / data["tau"]
    eye = np.eye(len(scores))
    images, texts = kl_rows(eye, softmax(scores)).mean(), kl_rows(eye, softmax(scores.T)).mean()
    return float(data["lambda"] @ [images, texts])


def sample_albef_itc(rng: np.random.Generator, n: int) -> Data:
    features = {"z": normal(rng, 2, n, DIM), "k": normal(rng, 2, n + 3, DIM)}
    teacher = {"qm": softmax(normal(rng, 2, n, n + 3)), "alpha": np.array(0.4)}
    return {**features, **teacher, "pos": rng.permutation(n + 3)[:n], "tau": positive(rng)}


def published_albef_itc(data: Data) -> float:
    alpha, tau, losses = float(data["alpha"]), float(data["tau"]), []
    for z, keys, teacher in zip(data["z"], data["k"], data["qm"], strict=True):
        loss = 0.0
        for i, own in enumerate(data["pos"]):
            scores = [z[i] @ key / tau for key in keys]
            loss -= (1 - alpha) * log_share(scores, int(own)) / len(z)
            for j in range(len(keys)):
                loss -= alpha * teacher[i, j] * log_share(scores, j) / len(z)
        losses.append(loss)
    return sum(losses) / 2


def target_albef_itc(data: Data) -> np.ndarray:
    true = one_hot(data["pos"], data["k"].shape[1])
    return np.asarray(data["alpha"] * data["qm"] + (1 - data["alpha"]) * true)


def icon_albef_itc(data: Data) -> float:
    q = softmax(np.einsum("aid,ajd->aij", data["z"], data["k"]) / data["tau"])
    return float(kl_rows(target_albef_itc(data), q).mean())


def claim_albef_itc(data: Data) -> tuple[float, float]:
    target = target_albef_itc(data)
    return 1.0, entropy(target.reshape(-1, target.shape[-1]))


def sample_cyclip(rng: np.random.Generator, n: int) -> Data:
    numbers = {name: positive(rng) for name in ("tau", "lambda1", "lambda2")}
    return {**vectors(rng, n, "I", "T"), **numbers}


def published_cyclip(data: Data) -> float:
    image, text, tau, total = data["I"], data["T"], float(data["tau"]), 0.0
    n = len(image)
    for j in range(n):
        total -= log_share([image[j] @ t / tau for t in text], j) / 2
        total -= log_share([i @ text[j] / tau for i in image], j) / 2
        for k in range(n):
            within = image[j] @ image[k] - text[j] @ text[k]
            across = image[j] @ text[k] - image[k] @ text[j]
            total += float(data["lambda1"]) * within**2 + float(data["lambda2"]) * across**2
    return total / n


def icon_cyclip(data: Data) -> float:
    return both_ways(data["I"] @ data["T"].T / data["tau"])


def sample_infoloob(rng: np.random.Generator, n: int) -> Data:
    return {**vectors(rng, n, "x", "y"), "tau": positive(rng)}


def published_infoloob(data: Data) -> float:
    x, y, tau, total = data["x"], data["y"], float(data["tau"]), 0.0
    for i in range(len(x)):
        own = math.exp(tau * (x[i] @ y[i]))
        texts = sum(math.exp(tau * (x[i] @ y[j])) for j in range(len(x)) if j != i)
        images = sum(math.exp(tau * (x[j] @ y[i])) for j in range(len(x)) if j != i)
        total -= math.log(own / texts) + math.log(own / images)
    return total / len(x)


def icon_infoloob(data: Data) -> float:
    return both_ways(data["tau"] * (data["x"] @ data["y"].T))


def sample_vse_plus_plus(rng: np.random.Generator, n: int) -> Data:
    return {**vectors(rng, n, "x", "y"), "alpha": np.array(0.3), "tau": positive(rng)}


def published_vse_plus_plus(data: Data) -> float:
    x, y, alpha, total = data["x"], data["y"], float(data["alpha"]), 0.0
    for i in range(len(x)):
        own = x[i] @ y[i]
        texts = max(alpha + x[i] @ y[j] - own for j in range(len(x)) if j != i)
        images = max(alpha + x[j] @ y[i] - own for j in range(len(x)) if j != i)
        total += max(0.0, texts) + max(0.0, images)
    return float(total)


def icon_vse_plus_plus(data: Data) -> float:
    scores = data["x"] @ data["y"].T
    return both_ways((scores + data["alpha"] * (1 - np.eye(len(scores)))) / data["tau"])


def sample_filip(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 3, DIM), "g": normal(rng, n, 4, DIM), "tau": positive(rng)}


def published_filip(data: Data) -> float:
    """Late interaction: each token of one side finds its best token of the other."""

    def similarity(own: np.ndarray, other: np.ndarray) -> float:
        return sum(max(token @ t for t in other) for token in own) / len(own)

    f, g, tau, total = data["f"], data["g"], float(data["tau"]), 0.0
    for i in range(len(f)):
        total -= log_share([similarity(f[i], text) / tau for text in g], i)
        total -= log_share([similarity(g[i], image) / tau for image in f], i)
    return total / 2 / len(f)


def icon_filip(data: Data) -> float:
    tokens = np.einsum("ikd,jrd->ijkr", data["f"], data["g"]) / data["tau"]
    image, text = tokens.max(3).mean(2), tokens.max(2).mean(2)
    eye = np.eye(len(image))
    return float((kl_rows(eye, softmax(image)) + kl_rows(eye, softmax(text.T))).mean() / 2)


CLAIMS = {
    "filip": lambda d: (1.0, 0.0),
    "align": lambda d: (2.0, 0.0),
    "lit": lambda d: (1.0, 0.0),
    "unicl": claim_unicl,
    "convirt": lambda d: (1.0, 0.0),
    "albef-itc": claim_albef_itc,
}
NEGATIVES = {
    "cyclip": ("I", "T"),
    "infoloob": ("x", "y"),
    "vse-plus-plus": ("x", "y"),
}
