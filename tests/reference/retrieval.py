"""Reference values of losses of retrieval, recommendation and ranking."""

from __future__ import annotations

import math

import numpy as np

from tests.reference.tools import (
    DIM,
    Data,
    cos,
    cosines,
    entropy,
    kl_joint,
    kl_rows,
    mixed_graph,
    normal,
    off_diagonal,
    one_hot,
    onto,
    positive,
    rows_to_one,
    softmax,
)


def log_sigmoid(x: float) -> float:
    return -math.log(1 + math.exp(-x))


def graph(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A random 0/1 table with at least one entry in each row, and one left out."""
    chosen = rng.random((rows, columns)) < 0.4
    chosen[np.arange(rows), rng.integers(columns - 1, size=rows)] = True
    chosen[:, -1] = False
    return np.asarray(chosen)


def two(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """KL of (1, 0) against the softmax of two scores."""
    return onto([1.0, 0.0], softmax(np.stack([first, second], axis=-1)))


def sample_multiple_negatives_ranking(rng: np.random.Generator, n: int) -> Data:
    return {"x": normal(rng, n, DIM), "y": normal(rng, n, DIM)}


def published_multiple_negatives_ranking(data: Data) -> float:
    total = 0.0
    for i, x in enumerate(data["x"]):
        scores = [float(x @ y) for y in data["y"]]
        total += scores[i] - math.log(sum(map(math.exp, scores)))
    return -total / len(data["x"])


def icon_multiple_negatives_ranking(data: Data) -> float:
    n = len(data["x"])
    return float(kl_rows(np.eye(n), softmax(data["x"] @ data["y"].T)).mean())


def sample_simcse(rng: np.random.Generator, n: int) -> Data:
    return {"h": normal(rng, n, DIM), "g": normal(rng, n, DIM), "tau": positive(rng)}


def published_simcse(data: Data) -> float:
    tau, total = float(data["tau"]), 0.0
    for i, h in enumerate(data["h"]):
        sims = [math.exp(cos(h, g) / tau) for g in data["g"]]
        total -= math.log(sims[i] / sum(sims))
    return total / len(data["h"])


def icon_simcse(data: Data) -> float:
    q = softmax(cosines(data["h"], data["g"]) / data["tau"])
    return float(kl_rows(np.eye(len(q)), q).mean())


def sample_simcse_supervised(rng: np.random.Generator, n: int) -> Data:
    return {"h": normal(rng, n, DIM), "g": normal(rng, n, 2, DIM), "tau": positive(rng)}


def published_simcse_supervised(data: Data) -> float:
    tau, total = float(data["tau"]), 0.0
    for i, h in enumerate(data["h"]):
        below = sum(
            math.exp(cos(h, entailed) / tau) + math.exp(cos(h, contradicting) / tau)
            for entailed, contradicting in data["g"]
        )
        total -= math.log(math.exp(cos(h, data["g"][i, 0]) / tau) / below)
    return total / len(data["h"])


def icon_simcse_supervised(data: Data) -> float:
    n = len(data["h"])
    q = softmax(cosines(data["h"], data["g"].reshape(2 * n, -1)) / data["tau"])
    return float(kl_rows(one_hot(2 * np.arange(n), 2 * n), q).mean())


def sample_bpr(rng: np.random.Generator, n: int) -> Data:
    chosen = graph(rng, n, 5)
    return {"x": normal(rng, n, 5), "D": chosen[:, :, None] & ~chosen[:, None, :]}


def published_bpr(data: Data) -> float:
    total = 0.0
    for u, scores in enumerate(data["x"]):
        for i, above in enumerate(scores):
            for j, below in enumerate(scores):
                if data["D"][u, i, j]:
                    total -= log_sigmoid(float(above - below))
    return total


def icon_bpr(data: Data) -> float:
    above, below = np.broadcast_arrays(data["x"][:, :, None], data["x"][:, None, :])
    return float(np.average(two(above, below), weights=data["D"]))


def sample_ranknet(rng: np.random.Generator, n: int) -> Data:
    target = rng.uniform(0.1, 0.9, size=(n, n))
    return {"f": normal(rng, n), "judged": mixed_graph(rng, n), "P": target}


def published_ranknet(data: Data) -> float:
    total = 0.0
    for i, j in zip(*np.nonzero(data["judged"]), strict=True):
        o = float(data["f"][i] - data["f"][j])
        total += -data["P"][i, j] * o + math.log(1 + math.exp(o))
    return float(total)


def icon_ranknet(data: Data) -> float:
    f = data["f"]
    q = softmax(np.stack(np.broadcast_arrays(f[:, None], f[None, :]), axis=-1))
    p = np.stack([data["P"], 1 - data["P"]], axis=-1)
    return float(np.average(kl_rows(p, q), weights=data["judged"]))


def claim_ranknet(data: Data) -> tuple[float, float]:
    judged = data["judged"]
    p = data["P"][judged]
    return float(judged.sum()), judged.sum() * entropy(np.stack([p, 1 - p], axis=-1))


def sample_listnet(rng: np.random.Generator, n: int) -> Data:
    return {"z": normal(rng, n, 5), "y": normal(rng, n, 5)}


def published_listnet(data: Data) -> float:
    total = 0.0
    for scores, judgements in zip(data["z"], data["y"], strict=True):
        pz, py = (
            [math.exp(a) / sum(map(math.exp, row)) for a in row] for row in (scores, judgements)
        )
        total -= sum(b * math.log(a) for a, b in zip(pz, py, strict=True))
    return total


def icon_listnet(data: Data) -> float:
    return float(kl_rows(softmax(data["y"]), softmax(data["z"])).mean())


def claim_listnet(data: Data) -> tuple[float, float]:
    n = len(data["z"])
    return float(n), n * entropy(softmax(data["y"]))


def sample_sampled_softmax(rng: np.random.Generator, n: int) -> Data:
    labels, candidates = rng.integers(6, size=n), graph(rng, n, 6)
    candidates[np.arange(n), labels] = True
    return {"s": normal(rng, n, 6), "y": labels, "cand": candidates, "Q": positive(rng, 6)}


def published_sampled_softmax(data: Data) -> float:
    total = 0.0
    for i, y in enumerate(data["y"]):
        corrected = [s - math.log(q) for s, q in zip(data["s"][i], data["Q"], strict=True)]
        below = sum(math.exp(corrected[k]) for k in np.flatnonzero(data["cand"][i]))
        total -= math.log(math.exp(corrected[y]) / below)
    return total / len(data["y"])


def icon_sampled_softmax(data: Data) -> float:
    q = rows_to_one(np.exp(data["s"]) / data["Q"] * data["cand"])
    return float(kl_rows(one_hot(data["y"], 6), q).mean())


def sample_mw_loss(rng: np.random.Generator, n: int) -> Data:
    return {"sp": normal(rng, n), "sn": normal(rng, n + 2)}


def published_mw_loss(data: Data) -> float:
    losses = [-log_sigmoid(float(a - b)) for a in data["sp"] for b in data["sn"]]
    return sum(losses) / len(losses)


def icon_mw_loss(data: Data) -> float:
    return float(two(*np.broadcast_arrays(data["sp"][:, None], data["sn"][None, :])).mean())


def sample_psl(rng: np.random.Generator, n: int) -> Data:
    return {"f": normal(rng, n, 5), "chosen": graph(rng, n, 5), "tau": positive(rng)}


def published_psl(data: Data) -> float:
    tau, total = float(data["tau"]), 0.0
    for u, i in zip(*np.nonzero(data["chosen"]), strict=True):
        gaps = [float(other - data["f"][u, i]) for other in data["f"][u]]
        total += math.log(sum((math.tanh(d) + 1) ** (1 / tau) for d in gaps))
    return total


def icon_psl(data: Data) -> float:
    gap = data["f"][:, None, :] - data["f"][:, :, None]
    q = rows_to_one((1 + np.tanh(gap)) ** (1 / data["tau"]))
    kl = kl_rows(np.broadcast_to(np.eye(5), q.shape), q)
    return float(np.average(kl, weights=data["chosen"]))


def sample_sl_at_k(rng: np.random.Generator, n: int) -> Data:
    scores = {"s": normal(rng, n, 5), "chosen": graph(rng, n, 5), "beta": normal(rng, n)}
    return {**scores, "tau_w": positive(rng), "tau_d": positive(rng)}


def published_sl_at_k(data: Data) -> float:
    total = 0.0
    for u, i in zip(*np.nonzero(data["chosen"]), strict=True):
        s = data["s"][u]
        weight = 1 / (1 + math.exp(-float(s[i] - data["beta"][u]) / float(data["tau_w"])))
        total += weight * math.log(sum(math.exp((o - s[i]) / float(data["tau_d"])) for o in s))
    return total


def icon_sl_at_k(data: Data) -> float:
    log_q = np.log(softmax(data["s"] / data["tau_d"]))
    return float(-np.average(log_q, weights=data["chosen"]))


def sample_decoupled_softmax(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 6), "pos": graph(rng, n, 6)}


def published_decoupled_softmax(data: Data) -> float:
    total = 0.0
    for scores, pos in zip(data["s"], data["pos"], strict=True):
        negatives = sum(math.exp(s) for s, is_pos in zip(scores, pos, strict=True) if not is_pos)
        e = [math.exp(s) for s, is_pos in zip(scores, pos, strict=True) if is_pos]
        total -= sum(math.log(x / (x + negatives)) for x in e) / len(e)
    return total / len(data["s"])


def icon_decoupled_softmax(data: Data) -> float:
    allowed = np.eye(6, dtype=bool) | ~data["pos"][:, None, :]
    q = rows_to_one(np.exp(data["s"])[:, None, :] * allowed)
    kl = kl_rows(np.broadcast_to(np.eye(6), q.shape), q)
    return float(np.average(kl, weights=rows_to_one(data["pos"].astype(float))))


def sample_llave(rng: np.random.Generator, n: int) -> Data:
    vectors = {"x": normal(rng, n, DIM), "y": normal(rng, n, DIM)}
    return {**vectors, "tau": positive(rng), "alpha": np.array(0.5), "h": normal(rng, n, n)}


def published_llave(data: Data) -> float:
    x, y, tau, alpha = data["x"], data["y"], float(data["tau"]), float(data["alpha"])
    n, total = len(x), 0.0
    kernel = [[math.exp(float(a @ b) / tau) for b in y] for a in x]
    for i in range(n):
        for j in range(n):
            if i != j:
                kernel[i][j] *= math.exp(alpha * data["h"][i, j])
    for i in range(n):
        total -= math.log(kernel[i][i] / sum(kernel[i][j] for j in range(n))) / 2
        total -= math.log(kernel[i][i] / sum(kernel[j][i] for j in range(n))) / 2
    return total / n


def icon_llave(data: Data) -> float:
    s = data["x"] @ data["y"].T / data["tau"] + off_diagonal(data["alpha"] * data["h"])
    n = len(s)
    return float((kl_rows(np.eye(n), softmax(s)) + kl_rows(np.eye(n), softmax(s.T))).mean() / 2)


def sample_quick_thoughts(rng: np.random.Generator, n: int) -> Data:
    context = mixed_graph(rng, n) | np.eye(n, dtype=bool)
    return {"f": normal(rng, n, DIM), "g": normal(rng, n, DIM), "context": context}


def published_quick_thoughts(data: Data) -> float:
    total = 0.0
    for i, f in enumerate(data["f"]):
        scores = {j: math.exp(float(f @ g)) for j, g in enumerate(data["g"]) if j != i}
        for j, score in scores.items():
            if data["context"][i, j]:
                total -= math.log(score / sum(scores.values()))
    return total


def icon_quick_thoughts(data: Data) -> float:
    context = off_diagonal(data["context"].astype(float))
    q = rows_to_one(off_diagonal(np.exp(data["f"] @ data["g"].T)))
    return float(np.average(kl_rows(rows_to_one(context), q), weights=context.sum(1)))


def claim_quick_thoughts(data: Data) -> tuple[float, float]:
    sizes = off_diagonal(data["context"].astype(float)).sum(1)
    return float(sizes.sum()), float((sizes * np.log(sizes)).sum())


def sample_ance(rng: np.random.Generator, n: int) -> Data:
    return {"s": normal(rng, n, 6), "pos": rng.integers(6, size=n), "hard": graph(rng, n, 6)}


def published_ance(data: Data) -> float:
    total = 0.0
    for i, scores in enumerate(data["s"]):
        relevant = math.exp(scores[data["pos"][i]])
        for e in np.flatnonzero(data["hard"][i]):
            total -= math.log(relevant / (relevant + math.exp(scores[e])))
    return total


def icon_ance(data: Data) -> float:
    relevant = np.take_along_axis(data["s"], data["pos"][:, None], axis=1)
    kl = two(np.broadcast_to(relevant, data["s"].shape), data["s"])
    return float(np.average(kl, weights=data["hard"]))


def sample_cosent(rng: np.random.Generator, n: int) -> Data:
    labels = rng.integers(3, size=n)
    vectors = {"u": normal(rng, n, DIM), "v": normal(rng, n, DIM)}
    return {**vectors, "above": labels[:, None] > labels[None, :], "tau": positive(rng)}


def published_cosent(data: Data) -> float:
    c = [cos(u, v) for u, v in zip(data["u"], data["v"], strict=True)]
    total = 1.0
    for a, b in zip(*np.nonzero(data["above"]), strict=True):
        total += math.exp((c[b] - c[a]) / float(data["tau"]))
    return math.log(total)


def icon_cosent(data: Data) -> float:
    n = len(data["u"])
    c = np.diag(cosines(data["u"], data["v"]))
    kernel = np.exp((c[None, :] - c[:, None]) / data["tau"]) * data["above"] + np.eye(n) / n
    return kl_joint(np.eye(n) / n, kernel)


CLAIMS = {
    "multiple-negatives-ranking": lambda d: (1.0, 0.0),
    "simcse": lambda d: (1.0, 0.0),
    "simcse-supervised": lambda d: (1.0, 0.0),
    "bpr": lambda d: (float(d["D"].sum()), 0.0),
    "ranknet": claim_ranknet,
    "listnet": claim_listnet,
    "sampled-softmax": lambda d: (1.0, 0.0),
    "mw-loss": lambda d: (1.0, 0.0),
    "psl": lambda d: (float(d["chosen"].sum()), 0.0),
    "decoupled-softmax": lambda d: (1.0, 0.0),
    "llave": lambda d: (1.0, 0.0),
    "quick-thoughts": claim_quick_thoughts,
    "ance": lambda d: (float(d["hard"].sum()), 0.0),
    "cosent": lambda d: (1.0, 0.0),
}
NEGATIVES = {
    "sl-at-k": ("s",),
}
