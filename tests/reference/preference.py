"""Reference values of losses over preferences: pairs, rankings and single judgements of answers."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import Data, entropy, kl_rows, normal, onto, positive, softmax


def log_sigmoid(x: float) -> float:
    return -math.log(1 + math.exp(-x))


def pairs(rng: np.random.Generator, n: int, **more: np.ndarray) -> Data:
    return {"logpi": -2 * positive(rng, n, 2), **more}


def with_reference(rng: np.random.Generator, n: int, **more: np.ndarray) -> Data:
    return pairs(rng, n, logref=-2 * positive(rng, n, 2), beta=positive(rng), **more)


def margins(data: Data) -> list[float]:
    """The implicit reward margin of every pair, without beta."""
    pi, ref = np.exp(data["logpi"]), np.exp(data["logref"])
    return [
        math.log(pw / rw) - math.log(pl / rl) for (pw, pl), (rw, rl) in zip(pi, ref, strict=True)
    ]


def learned_pair(data: Data, beta: np.ndarray, bias: np.ndarray | float = 0.0) -> np.ndarray:
    """The learned distribution over (winner, loser), the bias added to the winner."""
    scores = beta * (data["logpi"] - data["logref"])
    return softmax(scores + np.multiply.outer(np.asarray(bias), [1.0, 0.0]))


def flipped(epsilon: float) -> np.ndarray:
    return np.array([1 - epsilon, epsilon])


def sample_cdpo(rng: np.random.Generator, n: int) -> Data:
    return with_reference(rng, n, epsilon=rng.uniform(0.05, 0.4, size=()))


def published_cdpo(data: Data) -> float:
    b, e = float(data["beta"]), float(data["epsilon"])
    losses = [-(1 - e) * log_sigmoid(b * h) - e * log_sigmoid(-b * h) for h in margins(data)]
    return sum(losses) / len(losses)


def icon_cdpo(data: Data) -> float:
    target = flipped(float(data["epsilon"])).tolist()
    return float(onto(target, learned_pair(data, data["beta"])).mean())


sample_robust_dpo = sample_cdpo


def published_robust_dpo(data: Data) -> float:
    b, e, total = float(data["beta"]), float(data["epsilon"]), 0.0
    for h in margins(data):
        total += (-(1 - e) * log_sigmoid(b * h) + e * log_sigmoid(-b * h)) / (1 - 2 * e)
    return total / len(data["logpi"])


def icon_robust_dpo(data: Data) -> float:
    return float(onto([1.0, 0.0], learned_pair(data, data["beta"])).mean())


def sample_mmpo(rng: np.random.Generator, n: int) -> Data:
    return with_reference(rng, n, r=normal(rng, n, 2), gamma=positive(rng))


def published_mmpo(data: Data) -> float:
    b, gamma, total = float(data["beta"]), float(data["gamma"]), 0.0
    for h, (rw, rl) in zip(margins(data), data["r"], strict=True):
        p = 1 / (1 + math.exp(-gamma * (rw - rl)))
        total -= p * log_sigmoid(b * h) + (1 - p) * log_sigmoid(-b * h)
    return total / len(data["r"])


def icon_mmpo(data: Data) -> float:
    q = learned_pair(data, data["beta"])
    return float(kl_rows(softmax(data["gamma"] * data["r"]), q).mean())


def sample_madpo(rng: np.random.Generator, n: int) -> Data:
    return with_reference(rng, n, w=positive(rng, n))


def published_madpo(data: Data) -> float:
    b = float(data["beta"])
    losses = [-w * log_sigmoid(b * h) for w, h in zip(data["w"], margins(data), strict=True)]
    return float(sum(losses) / len(losses))


def icon_madpo(data: Data) -> float:
    kl = onto([1.0, 0.0], learned_pair(data, data["beta"]))
    return float(np.average(kl, weights=data["w"]))


def sample_kto(rng: np.random.Generator, n: int) -> Data:
    good = rng.permutation(np.arange(n) % 2 == 0)
    scalars = {"beta": positive(rng), "z0": positive(rng) / 10}
    weights = {"lambda_d": positive(rng), "lambda_u": positive(rng)}
    return {"logpi": normal(rng, n), "logref": normal(rng, n), "good": good, **scalars, **weights}


def published_kto(data: Data) -> float:
    b, z0, total = float(data["beta"]), float(data["z0"]), 0.0
    for lp, lr, good in zip(data["logpi"], data["logref"], data["good"], strict=True):
        reward = math.log(math.exp(lp) / math.exp(lr))
        if good:
            lam, gap = float(data["lambda_d"]), reward - z0
        else:
            lam, gap = float(data["lambda_u"]), z0 - reward
        total += lam - lam / (1 + math.exp(-b * gap))
    return total / len(data["good"])


def icon_kto(data: Data) -> float:
    s = data["beta"] * (data["logpi"] - data["logref"] - data["z0"])
    q = softmax(np.stack([s, np.zeros_like(s)], axis=-1))
    return float(kl_rows(np.stack([data["good"], ~data["good"]], axis=-1).astype(float), q).mean())


def sample_simpo(rng: np.random.Generator, n: int) -> Data:
    lengths = rng.integers(3, 9, size=(n, 2)).astype(float)
    return pairs(rng, n, length=lengths, beta=2 * positive(rng), gamma=np.array(0.7))


def published_simpo(data: Data) -> float:
    b, total = float(data["beta"]), 0.0
    for (pw, pl), (nw, nl) in zip(data["logpi"], data["length"], strict=True):
        total -= log_sigmoid(b / nw * pw - b / nl * pl - float(data["gamma"]))
    return total / len(data["length"])


def icon_simpo(data: Data) -> float:
    per_token = data["logpi"] / data["length"]
    q = softmax(data["beta"] * per_token - data["gamma"] * np.array([1.0, 0.0]))
    return float(onto([1.0, 0.0], q).mean())


def sample_cpo(rng: np.random.Generator, n: int) -> Data:
    return pairs(rng, n, beta=positive(rng))


def published_cpo(data: Data) -> float:
    b = float(data["beta"])
    losses = [-log_sigmoid(b * float(pw) - b * float(pl)) for pw, pl in data["logpi"]]
    return sum(losses) / len(losses)


def icon_cpo(data: Data) -> float:
    return float(onto([1.0, 0.0], softmax(data["beta"] * data["logpi"])).mean())


def sample_odpo(rng: np.random.Generator, n: int) -> Data:
    return with_reference(rng, n, Delta=positive(rng, n))


def published_odpo(data: Data) -> float:
    b, total = float(data["beta"]), 0.0
    for h, offset in zip(margins(data), data["Delta"], strict=True):
        total -= log_sigmoid(b * h - offset)
    return total / len(data["Delta"])


def icon_odpo(data: Data) -> float:
    q = learned_pair(data, data["beta"], bias=-data["Delta"])
    return float(onto([1.0, 0.0], q).mean())


def sample_bradley_terry(rng: np.random.Generator, n: int) -> Data:
    return {"r": normal(rng, n, 2)}


def published_bradley_terry(data: Data) -> float:
    return -sum(log_sigmoid(float(rw) - float(rl)) for rw, rl in data["r"]) / len(data["r"])


def icon_bradley_terry(data: Data) -> float:
    return float(onto([1.0, 0.0], softmax(data["r"])).mean())


def later(ranks: int) -> np.ndarray:
    return np.triu(np.ones((ranks, ranks), dtype=bool), k=1)


def sample_plackett_luce(rng: np.random.Generator, n: int) -> Data:
    return {"g": normal(rng, n, 4), "later": later(4)}


def published_plackett_luce(data: Data) -> float:
    total = 0.0
    for scores in data["g"]:
        likelihood = 1.0
        for k in range(len(scores)):
            likelihood *= math.exp(scores[k]) / sum(math.exp(g) for g in scores[k:])
        total -= math.log(likelihood)
    return total


def chain(scores: np.ndarray) -> np.ndarray:
    """KL of the item at each rank against the softmax over what is left, for lists and ranks."""
    size = scores.shape[-1]
    k = np.exp(scores)[:, None, :] * np.triu(np.ones((size, size)))
    return kl_rows(np.broadcast_to(np.eye(size), k.shape), k / k.sum(-1, keepdims=True))


def icon_plackett_luce(data: Data) -> float:
    return float(chain(data["g"]).mean())


def sample_dpo_plackett_luce(rng: np.random.Generator, n: int) -> Data:
    answers = {"logpi": -2 * positive(rng, n, 4), "logref": -2 * positive(rng, n, 4)}
    return {**answers, "beta": positive(rng), "later": later(4)}


def published_dpo_plackett_luce(data: Data) -> float:
    pi, ref, b, total = np.exp(data["logpi"]), np.exp(data["logref"]), float(data["beta"]), 0.0
    for row, base in zip(pi, ref, strict=True):
        rewards = [b * math.log(p / r) for p, r in zip(row, base, strict=True)]
        for k, reward in enumerate(rewards):
            total -= math.log(math.exp(reward) / sum(map(math.exp, rewards[k:])))
    return total / len(pi)


def icon_dpo_plackett_luce(data: Data) -> float:
    return float(chain(data["beta"] * (data["logpi"] - data["logref"])).mean())


def sample_infonca(rng: np.random.Generator, n: int) -> Data:
    answers = {"logpi": -2 * positive(rng, n, 4), "logref": -2 * positive(rng, n, 4)}
    return {**answers, "beta": positive(rng), "r": normal(rng, n, 4), "alpha": positive(rng)}


def published_infonca(data: Data) -> float:
    b, a, total = float(data["beta"]), float(data["alpha"]), 0.0
    for lp, lr, r in zip(data["logpi"], data["logref"], data["r"], strict=True):
        model = [math.exp(b * (x - y)) for x, y in zip(lp, lr, strict=True)]
        wanted = [math.exp(x / a) for x in r]
        for w, m in zip(wanted, model, strict=True):
            total -= w / sum(wanted) * math.log(m / sum(model))
    return total / len(data["r"])


def icon_infonca(data: Data) -> float:
    q = softmax(data["beta"] * (data["logpi"] - data["logref"]))
    return float(kl_rows(softmax(data["r"] / data["alpha"]), q).mean())


def sample_nca(rng: np.random.Generator, n: int) -> Data:
    answers = {"logpi": -2 * positive(rng, n, 4), "logref": -2 * positive(rng, n, 4)}
    return {**answers, "beta": positive(rng), "alpha": positive(rng), "r": normal(rng, n, 4)}


def published_nca(data: Data) -> float:
    b, total = float(data["beta"]), 0.0
    for lp, lr, r in zip(data["logpi"], data["logref"], data["r"], strict=True):
        rewards = [math.exp(v / float(data["alpha"])) for v in r]
        for x, y, w in zip(lp, lr, rewards, strict=True):
            total -= w / sum(rewards) * log_sigmoid(b * (x - y)) + log_sigmoid(b * (y - x)) / len(r)
    return total / len(data["r"])


def icon_nca(data: Data) -> float:
    s = data["beta"] * (data["logpi"] - data["logref"])
    q = softmax(np.stack([s, np.zeros_like(s)], axis=-1))
    kl = np.stack([onto([1.0, 0.0], q), onto([0.0, 1.0], q)])
    w = softmax(data["r"] / data["alpha"])
    weights = np.stack([w, np.full_like(w, 1 / s.shape[-1])])
    return float((kl * weights).sum() / weights.sum())


def sample_bco(rng: np.random.Generator, n: int) -> Data:
    return with_reference(rng, n, delta=normal(rng))


def published_bco(data: Data) -> float:
    b, delta, total = float(data["beta"]), float(data["delta"]), 0.0
    for (pw, pl), (rw, rl) in zip(data["logpi"], data["logref"], strict=True):
        total -= log_sigmoid(b * (pw - rw) - delta)
        total -= log_sigmoid(-(b * (pl - rl) - delta))
    return total / len(data["logpi"])


def judged_alone(data: Data, shift: np.ndarray | float) -> float:
    """KL of (match for the winner, null for the loser), averaged over both answers."""
    s = data["beta"] * (data["logpi"] - data["logref"]) - shift
    q = softmax(np.stack([s, np.zeros_like(s)], axis=-1))
    return float((onto([1.0, 0.0], q[:, 0]) + onto([0.0, 1.0], q[:, 1])).mean() / 2)


def icon_bco(data: Data) -> float:
    return judged_alone(data, data["delta"])


def sample_apo_zero(rng: np.random.Generator, n: int) -> Data:
    return with_reference(rng, n)


def published_apo_zero(data: Data) -> float:
    b, total = float(data["beta"]), 0.0
    for (pw, pl), (rw, rl) in zip(data["logpi"], data["logref"], strict=True):
        total += 1 - 1 / (1 + math.exp(-b * (pw - rw))) + 1 / (1 + math.exp(-b * (pl - rl)))
    return total / len(data["logpi"])


def icon_apo_zero(data: Data) -> float:
    return judged_alone(data, 0.0)


def sample_beta_dpo(rng: np.random.Generator, n: int) -> Data:
    data = with_reference(rng, n)
    beta0 = data.pop("beta")
    return {**data, "beta0": beta0, "alpha": 0.6 * positive(rng), "M0": np.array(0.1)}


def batch_beta(data: Data) -> float:
    """The beta of the batch, from the mean margin of its pairs."""
    mean = float(data["beta0"]) * sum(margins(data)) / len(data["logpi"])
    return float((1 + data["alpha"] * (mean - data["M0"])) * data["beta0"])


def published_beta_dpo(data: Data) -> float:
    beta = batch_beta(data)
    return -sum(log_sigmoid(beta * h) for h in margins(data)) / len(data["logpi"])


def icon_beta_dpo(data: Data) -> float:
    return float(onto([1.0, 0.0], learned_pair(data, np.array(batch_beta(data)))).mean())


CLAIMS = {
    "beta-dpo": lambda d: (1.0, 0.0),
    "cdpo": lambda d: (1.0, entropy(flipped(float(d["epsilon"]))[None])),
    "mmpo": lambda d: (1.0, entropy(softmax(d["gamma"] * d["r"]))),
    "madpo": lambda d: (float(d["w"].mean()), 0.0),
    "simpo": lambda d: (1.0, 0.0),
    "cpo": lambda d: (1.0, 0.0),
    "odpo": lambda d: (1.0, 0.0),
    "bradley-terry": lambda d: (1.0, 0.0),
    "plackett-luce": lambda d: (float(d["g"].size), 0.0),
    "dpo-plackett-luce": lambda d: (float(d["logpi"].shape[1]), 0.0),
    "infonca": lambda d: (1.0, entropy(softmax(d["r"] / d["alpha"]))),
    "nca": lambda d: (2.0, 0.0),
    "bco": lambda d: (2.0, 0.0),
}
NEGATIVES = {
    "robust-dpo": ("logpi",),
    "kto": ("logpi",),
    "apo-zero": ("logpi",),
}
