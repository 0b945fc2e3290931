"""A recognised structure as a pair in words: score, rows, self pairs, positives, temperature.

The map from rows to scores is decided on rows of any length: of inner product, cosine and squared
distance, the one whose predicted gradient is the code's at fresh inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from iconograph.audit.batches import ask
from iconograph.audit.finding import Pair
from iconograph.audit.inputs import redraw
from iconograph.audit.probe import Array, Probe, Theirs
from iconograph.audit.readings import same_class
from iconograph.audit.recognise import Structure, recognise
from iconograph.audit.scores import NotOfProducts, field

Map = Literal["logits", "dot", "cosine", "distance"]
CLOSE = 1e-6
"""The relative error at which a predicted gradient by rows counts as right."""


def pair(probe: Probe, seed: int, fixed: Mapping[str, int]) -> Pair | None:
    """The pair that a loss compares, None where it was not recognised.

    None too where the code fails at the inputs that this needs, such as many coordinates.
    """
    try:
        found = field(probe, seed, fixed)
        structure = None if found is None else recognise(found, seed)
        if structure is None:
            return None
        score = score_map(probe, structure, seed)
    except (NotOfProducts, Theirs, np.linalg.LinAlgError):
        return None
    return None if score is None else in_words(probe, structure, score)


# --------------------------------------------------------------------------- the score


def score_map(probe: Probe, structure: Structure, seed: int) -> Map | None:
    """The map that predicts gradients and differences of values at fresh rows of any length.

    None where none does.
    """
    rng = np.random.default_rng([seed, 80])
    f = structure.field
    fresh = [{**f.inputs, **rows_of(probe, structure, rng)} for _ in range(3)]
    answers = [ask(probe, x) for x in fresh]
    for how in maps(structure):
        good, gaps = True, []
        for inputs, answer in zip(fresh, answers, strict=True):
            theirs = np.concatenate([answer.gradient[v].reshape(-1, f.width) for v in f.vectors])
            table = np.concatenate([np.reshape(inputs[v], (-1, f.width)) for v in f.vectors])
            value, ours = by_rows(structure, table, how)
            if any(s.kind == "unit" for s in probe.call.slots):
                ours = ours - table * (ours * table).sum(axis=1, keepdims=True)
            good = good and bool(np.abs(ours - theirs).max() <= CLOSE * np.abs(theirs).max())
            gaps.append(answer.value - value)
        size = max(abs(a.value) for a in answers) + abs(gaps[0])
        if good and max(gaps) - min(gaps) <= CLOSE * max(size, 1e-9):
            return how
    return None


def maps(structure: Structure) -> tuple[Map, ...]:
    """The maps to try; a Student-t kernel is one of distances."""
    if structure.field.scores:
        return ("logits",)
    return ("distance",) if structure.kernel.name == "Student-t" else ("dot", "cosine", "distance")


def rows_of(probe: Probe, structure: Structure, rng: np.random.Generator) -> dict[str, Array]:
    """Fresh rows; everything else is held."""
    f = structure.field
    new = redraw(probe.call, f.style, rng, f.inputs)
    return {name: new[name] for name in f.vectors}


def by_rows(structure: Structure, table: Array, how: Map) -> tuple[float, Array]:
    """The predicted value, up to a constant, and gradient by the rows of the stacked tables."""
    if how == "logits":
        return structure.value(table.ravel()), structure.gradient(table.ravel()).reshape(
            table.shape
        )
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    z = table / lengths if how == "cosine" else table
    a, b = (np.asarray([ends[k] for ends in structure.field.ends]) for k in range(2))
    gram = z @ z.T
    squares = np.diag(gram)
    if how == "distance":
        s = 1 - (squares[a] + squares[b] - 2 * gram[a, b]) / 2
        own = np.ones(len(table))
    else:
        s, own = gram[a, b], squares
    value = structure.value(s, own)
    by_pair, by_self = structure.slopes(s, own)
    by_pair = by_pair * structure.kernel.slope(s)
    by_self = by_self * structure.kernel.slope(own)
    out = np.zeros_like(z)
    if how == "distance":
        np.add.at(out, a, by_pair[:, None] * (z[b] - z[a]))
        np.add.at(out, b, by_pair[:, None] * (z[a] - z[b]))
        return value, out
    np.add.at(out, a, by_pair[:, None] * z[b])
    np.add.at(out, b, by_pair[:, None] * z[a])
    out += 2 * by_self[:, None] * z
    if how == "cosine":
        out = (out - z * (out * z).sum(axis=1, keepdims=True)) / lengths
    return value, out


# --------------------------------------------------------------------------- words


def in_words(probe: Probe, structure: Structure, score: str) -> Pair:
    """The pair of a structure."""
    rows, normalise = anchors(structure)
    kernel, tau = structure.kernel, None
    unit = any(s.kind == "unit" for s in probe.call.slots)
    named = {
        "logits": "softmax of the scores", "dot": "softmax of inner products",
        "cosine": "softmax of cosines", "distance": "softmax of minus half the squared distance",
    }[score]  # fmt: skip
    if unit and score == "dot":
        named = "softmax of inner products of rows with norm 1"
    if structure.null:
        named = named.replace("softmax", "sigmoid")
    if kernel.name == "Student-t":
        named = f"Student-t kernel of squared distances, degrees of freedom {kernel.number:g}"
    else:
        tau = kernel.number
    for s in probe.call.slots:
        given = float(structure.field.inputs[s.name]) if s.kind == "scale" else 0.0
        if tau is not None and abs(tau * given - 1) < 1e-6:
            named, tau = f"{named} times {s.name}", None
    single = structure.field.scores or apart(structure)
    self_pair = "none" if single else "kept" if structure.kept else "excluded"
    return Pair(
        rows, self_pair, positives(probe, structure), named, normalise, tau,
        float(np.sum(structure.weights)),
        structure.bias if structure.null else None,
    )  # fmt: skip


def table_numbers(structure: Structure) -> Array:
    """The number of the table that each node is a row of; columns of scores are a second one."""
    f = structure.field
    if f.scores:
        return np.asarray([0] * f.rows + [1] * (max(max(e) for e in f.ends) + 1 - f.rows))
    sizes = [int(np.prod(np.shape(f.inputs[v])[:-1])) for v in f.vectors]
    return np.repeat(np.arange(len(sizes)), sizes)


def apart(structure: Structure) -> bool:
    """Whether no two rows of one table are compared."""
    number = table_numbers(structure)
    weights = zip(structure.groups, structure.weights, strict=True)
    used = {u for g, w in weights for u in g if abs(w) > 1e-9}
    return all(number[a] != number[b] for a, b in (structure.field.ends[u] for u in used))


def anchors(structure: Structure) -> tuple[str, str]:
    """The anchors in words, and how q is normalised."""
    f = structure.field
    if structure.null:
        return "every pair by itself", "pair"
    if structure.joint:
        return "one distribution over all pairs", "joint"
    if not apart(structure):
        what = "all rows" if len(f.vectors) == 1 else "rows of all tables, stacked"
        return f"{what} against all others", "row"
    number = table_numbers(structure)
    names = ("rows", "columns") if f.scores else f.vectors
    met: dict[int, set[int]] = {}
    for node, group in zip(structure.nodes, structure.groups, strict=True):
        others = {number[sum(f.ends[u]) - node] for u in group}
        met.setdefault(int(number[node]), set()).update(int(k) for k in others)
    said = [f"{names[a]} against {', '.join(names[b] for b in sorted(bs))}"
            for a, bs in sorted(met.items())]  # fmt: skip
    return " and ".join(said), "row-and-column" if len(met) > 1 else "row"


def positives(probe: Probe, structure: Structure) -> str:
    """The p in words, by comparing its mass with what labels, partners and targets would give."""
    size = max(float(np.abs(structure.mass).max()), 1e-300)
    for words, target in guesses(probe, structure):
        for share in shares(structure, target):
            if np.abs(expected(structure, target, share) - structure.mass).max() < 1e-5 * size:
                return words + (f", a share of {share:.4g} spread evenly" if share else "")
    return "soft"


def guesses(probe: Probe, structure: Structure) -> Iterator[tuple[str, Array]]:
    """What p may be: a mass for every ordered pair of nodes, in words; rows need not sum to one."""
    f, inputs = structure.field, structure.field.inputs
    size = max(max(ends) for ends in f.ends) + 1
    kinds = {s.kind: s.name for s in probe.call.slots}
    n = f.rows
    if f.scores:
        columns = size - n
        for s in probe.call.slots:
            if s.learned and s.name not in f.vectors and np.shape(inputs[s.name]) == (n, columns):
                t = np.exp(np.asarray(inputs[s.name]) / structure.kernel.number)
                yield f"the softmax of {s.name} at the same temperature", both_ways(t)
        if "target" in kinds:
            yield "the given target", bipartite(n, columns, np.asarray(inputs[kinds["target"]]))
        if n == columns:
            yield "the column of the row's own number", bipartite(n, columns, np.arange(n))
    own = np.arange(n)
    number = table_numbers(structure)
    if not f.scores and "target" in kinds and len(f.vectors) == 2:
        first = int((number == 0).sum())
        yield "the given target", bipartite(first, n - first, np.asarray(inputs[kinds["target"]]))
    if not f.scores and len(f.vectors) > 2:
        row = own - np.searchsorted(number, number)  # the place in its own table
        same = (row[:, None] == row[None]) & (number[:, None] == 0) & (number[None] == 1)
        yield f"the row of {f.vectors[1]} of the same number", (same | same.T).astype(float)
    if not f.scores and n % 2 == 0:
        yield (
            "the partner i+n" if len(f.vectors) == 1 else "the other of the pair",
            one((own + n // 2) % n),
        )
        yield "the partner of 2i and 2i+1", one(own ^ 1)
    if "label" in kinds and not f.scores:
        y = np.asarray(inputs[kinds["label"]])
        views = np.ndim(inputs[f.vectors[0]]) == 3
        y = np.repeat(y, n // len(y)) if views else np.tile(y, n // len(y))
        yield "uniform over the others of the same class", same_class(y).astype(float)
    for name in (s.name for s in probe.call.slots if s.kind == "weight"):
        w = np.asarray(inputs[name], dtype=float)
        if not f.scores and w.shape == (n, n):
            yield "the given weights", w
        elif f.scores and w.shape == (n, size - n):
            yield "the given weights", both_ways(w)


def bipartite(n: int, m: int, target: Array) -> Array:
    """One column for each row, both ways."""
    out = np.zeros((n, m))
    out[np.arange(n), target] = 1
    return both_ways(out)


def both_ways(w: Array) -> Array:
    """A matrix of rows against columns as one of all nodes against all."""
    n, m = w.shape
    return np.block([[np.zeros((n, n)), w], [w.T, np.zeros((m, m))]])


def one(partner: Array) -> Array:
    """One partner for each row."""
    out = np.zeros((len(partner), len(partner)))
    out[np.arange(len(partner)), partner] = 1
    return out


def shares(structure: Structure, target: Array) -> tuple[float, ...]:
    """Shares spread evenly that a target may have lost: none, or what the least mass says."""
    if structure.null or structure.joint or len(structure.groups) < 1:
        return (0.0,)
    group, weight = list(structure.groups[0]), float(structure.weights[0])
    least = float(structure.mass[group].min())
    return (0.0, least * len(group) / weight) if least > 1e-9 and weight > 0 else (0.0,)


def expected(structure: Structure, target: Array, share: float) -> Array:
    """The mass of every variable if `target` is p but for its normalisation."""
    out = np.zeros(len(structure.mass))
    ends = structure.field.ends
    if structure.null:
        return np.asarray([
            w * float(target[e] > 0) for e, w in zip(ends, structure.weights, strict=True)
        ])  # fmt: skip
    for group, node, w in zip(structure.groups, structure.nodes, structure.weights, strict=True):
        g = list(group)
        if node == -1:
            mass = np.asarray([target[ends[u]] + target[ends[u][::-1]] for u in g])
        else:
            mass = np.asarray([target[node, sum(ends[u]) - node] for u in g])
        if mass.sum() <= 0:
            return np.full(len(out), np.inf)
        out[g] += w * ((1 - share) * mass / mass.sum() + share / len(g))
    return out


__all__ = ["pair"]
