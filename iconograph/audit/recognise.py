"""The pair that a loss compares, from derivatives alone: no method is asked.

With q a softmax of scores s/tau over a group of pairs of weight w, and p fixed, the derivative of
w KL(p || q) by a score is w (q - p) / tau, and the mixed second derivative -w q q'/tau^2: off the
diagonal the Hessian of a group has rank one. So groups show as blocks (rows: pairs that share an
anchor; joint: all pairs), r = sqrt(w) q/tau is found from three entries each, tau from how log r
follows the scores, w from the sum of r, and p is what is left of the gradient. Nothing is said to
be recognised before the gradient it predicts agrees with the code's at fresh inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from iconograph.audit.probe import Array
from iconograph.audit.scores import Field

ROUGH = 1e-4
"""The relative error that differences leave, at most."""

FINE = 1e-7
"""The relative error at which a predicted gradient counts as right."""


@dataclass(frozen=True)
class Kernel:
    """The log-kernel as a function of the score, with its slope; `name` and `number` say which."""

    name: str
    number: float
    log: Callable[[Array], Array]
    slope: Callable[[Array], Array]


def linear(tau: float) -> Kernel:
    """The kernel exp(s / tau)."""
    return Kernel("exponential", tau, lambda s: s / tau, lambda s: np.full_like(s, 1 / tau))


def student(nu: float) -> Kernel:
    """The kernel (1 + d/nu)^(-(nu+1)/2) with d = 2 - 2 s, the squared distance of unit rows."""
    return Kernel(
        "Student-t", nu,
        lambda s: -(nu + 1) / 2 * np.log1p((2 - 2 * s) / nu),
        lambda s: (nu + 1) / (nu + 2 - 2 * s),
    )  # fmt: skip


@dataclass(frozen=True)
class Structure:
    """What was recognised: groups of variables, their weights, the kernel, and the mass of p.

    `mass` is the sum of w p over the groups of a variable: where a variable has two groups, as in
    CLIP or with symmetric scores, only the sum is identified. `nodes` names the anchor of each
    group, -1 for a joint one; with `null` every variable is a group with an outcome of score 0.
    With `kept`, the self pairs of its rows are in every group: they have score 1 where rows have
    norm 1, and no mass of p that could be seen.
    """

    field: Field
    groups: tuple[tuple[int, ...], ...]
    nodes: tuple[int, ...]
    weights: Array
    kernel: Kernel
    mass: Array
    null: bool = False
    bias: float = 0.0
    kept: bool = False

    @property
    def joint(self) -> bool:
        """Whether all pairs have one distribution."""
        return self.nodes == (-1,)

    def selves(self, k: int) -> list[int]:
        """The rows whose self pairs are in a group."""
        if not self.kept:
            return []
        return list(range(self.field.rows)) if self.joint else [self.nodes[k]]

    def alone(self, own: Array) -> Array:
        """The log-kernels of self pairs; in a joint q each other pair of rows stands twice."""
        return self.kernel.log(own) - (np.log(2) if self.joint else 0.0)

    def slopes(self, s: Array, own: Array | None = None) -> tuple[Array, Array]:
        """The derivatives by the log-kernels of the pairs and of the self pairs, predicted.

        `own` are the scores of the self pairs, 1 where it is not given.
        """
        own = np.ones(self.field.rows) if own is None else own
        out, by_self = -self.mass, np.zeros(self.field.rows)
        t, alone = self.kernel.log(s) + self.bias, self.alone(own)
        if self.null:
            return self.weights / (1 + np.exp(-t)) + out, by_self
        for k, (group, w) in enumerate(zip(self.groups, self.weights, strict=True)):
            g, extra = list(group), self.selves(k)
            q = shares(np.concatenate([t[g], alone[extra]]))
            out[g] += w * q[: len(g)]
            by_self[extra] += w * q[len(g) :]
        return out, by_self

    def value(self, s: Array, own: Array | None = None) -> float:
        """The loss up to a constant, predicted."""
        own = np.ones(self.field.rows) if own is None else own
        t, alone = self.kernel.log(s) + self.bias, self.alone(own)
        if self.null:
            return float(self.weights @ np.logaddexp(0.0, t) - self.mass @ t)
        total = -float(self.mass @ t)
        for k, (group, w) in enumerate(zip(self.groups, self.weights, strict=True)):
            total += float(w * np.logaddexp.reduce([*t[list(group)], *alone[self.selves(k)]]))
        return total

    def gradient(self, s: Array) -> Array:
        """The derivative of the loss by the variables at rows of norm 1, predicted."""
        return self.slopes(s)[0] * self.kernel.slope(s)


def shares(t: Array) -> Array:
    """The softmax."""
    e = np.exp(t - t.max())
    return np.asarray(e / e.sum())


def recognise(field: Field, seed: int = 0) -> Structure | None:
    """The structure of a loss of scores, None where it is no sum of such groups.

    Raises:
        NotOfProducts: it is no function of inner products.
    """
    rng = np.random.default_rng([seed, 79])
    s = field.start(rng)
    H = field.hessian(s)
    size = float(np.abs(H).max())
    if not np.all(np.isfinite(H)) or size == 0:
        return None
    live = np.abs(H) > 1e-6 * size
    off = live & ~np.eye(len(s), dtype=bool)
    if not off.any():
        return binary(field, rng)
    shared = np.asarray([[bool(set(a) & set(b)) for b in field.ends] for a in field.ends])
    active = np.abs(np.diag(H)) > 1e-12 * size
    groups: tuple[tuple[int, ...], ...]
    nodes: tuple[int, ...]
    if (off & ~shared).any():
        groups, nodes = (tuple(int(u) for u in np.flatnonzero(active)),), (-1,)
    else:
        groups, nodes = stars(field, off, active)
    seen = [[u for u in g if off[u][list(g)].any()] for g in groups]
    found = [roots(H, g) for g in seen]
    if not groups or any(r is None for r in found):
        return None
    r = [x for x in found if x is not None]
    for kernel in kernels(field, s, seen, r):
        for kept in (False, True) if not field.scores else (False,):
            empty = Structure(
                field, groups, nodes, np.zeros(len(groups)), kernel, np.zeros(len(s)), kept=kept
            )
            if (structure := filled(empty, rng)) is not None:
                return structure
    return None


def stars(
    field: Field, off: Array, active: Array
) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """The groups of pairs that matter and share a node at which some interact, with the nodes."""
    groups, nodes = [], []
    for node in sorted({e for ends in field.ends for e in ends}):
        own = [u for u, ends in enumerate(field.ends) if node in ends and active[u]]
        if own and off[np.ix_(own, own)].any():
            groups.append(tuple(own))
            nodes.append(node)
    return tuple(groups), tuple(nodes)


def roots(H: Array, group: Sequence[int]) -> Array | None:
    """The r > 0 with H_uv = -r_u r_v for u != v in a group of three or more; None where none is."""
    g = list(group)
    B = -H[np.ix_(g, g)]
    k = len(g)
    if k < 3 or np.any(B[~np.eye(k, dtype=bool)] <= 0):
        return None
    logs = np.log(np.where(np.eye(k, dtype=bool), 1.0, B))
    rows, right = [], []
    for a in range(k):
        for b in range(a + 1, k):
            line = np.zeros(k)
            line[[a, b]] = 1
            rows.append(line)
            right.append(logs[a, b])
    x, *_ = np.linalg.lstsq(np.asarray(rows), np.asarray(right), rcond=None)
    left = np.asarray(rows) @ x - np.asarray(right)
    # entries far below the largest are rounding: they do not count against the rank
    sure = np.exp(np.asarray(right)) > 1e-5 * float(B.max())
    return np.exp(x) if np.abs(left[sure]).max() < 100 * ROUGH else None


def kernels(
    field: Field, s: Array, groups: Sequence[Sequence[int]], r: Sequence[Array]
) -> list[Kernel]:
    """The kernels that log r as a function of the scores allows, refined later."""
    out: list[Kernel] = []
    own = [s[list(g)] for g in groups]
    x = np.concatenate([o - o.mean() for o in own])
    y = np.concatenate([np.log(v) - np.log(v).mean() for v in r])
    slope = float(x @ y) / float(x @ x)
    if slope > 0 and np.abs(y - slope * x).max() < 0.02 * max(np.abs(y).max(), 1e-3):
        out.append(linear(1 / slope))
    if not field.scores:
        for nu in (1.0, 2.0, 3.0, 4.0, 5.0, 9.0, 0.5):
            k = student(nu)
            z = [np.log(k.slope(o)) + k.log(o) for o in own]
            line = np.concatenate([v - v.mean() for v in z])
            if np.abs(y - line).max() < 0.002 * max(np.abs(y).max(), 1e-3):
                out.append(k)
    return out


def filled(empty: Structure, rng: np.random.Generator) -> Structure | None:
    """Weights and the mass of p of a structure, if the gradient that follows is the code's."""
    points = [empty.field.start(rng) for _ in range(10)]
    slopes = [empty.field.gradient(s) for s in points]

    def at(k: Kernel) -> tuple[Structure, float]:
        return weighed(replace(empty, kernel=k), points[:7], slopes[:7])

    kernel = empty.kernel
    if kernel.name == "exponential":
        kernel = linear(best(lambda t: at(linear(t))[1], kernel.number))
    structure, _ = at(kernel)
    size = max(float(np.abs(g).max()) for g in slopes)
    for s, g in zip(points[7:], slopes[7:], strict=True):  # fresh ones
        if np.abs(structure.gradient(s) - g).max() > FINE * size:
            return None
    return structure if fair(structure) else None


def fair(structure: Structure) -> bool:
    """Whether p is a distribution: no mass below 0, and in all as much as the weights.

    Otherwise the loss is no KL divergence, and it has no lower bound.
    """
    w, mass = structure.weights, structure.mass
    small = 1e-5 * max(float(np.abs(mass).max()), 1e-300)
    if mass.min() < -small or w.min() < -small:
        return False
    if structure.null:
        return bool(np.all(mass <= w + small))
    sets = [set(g) for g in structure.groups]
    inside = set().union(*sets)
    if any(mass[u] > small for u in range(len(mass)) if u not in inside):
        return False  # p has mass where q has none
    alone = [k for k, g in enumerate(sets) if not any(g & h for h in sets[:k] + sets[k + 1 :])]
    sums = [(mass[list(structure.groups[k])].sum(), w[k]) for k in alone]
    return all(abs(a - b) < 10 * small for a, b in (*sums, (mass.sum(), w.sum())))


def weighed(
    empty: Structure, points: Sequence[Array], slopes: Sequence[Array]
) -> tuple[Structure, float]:
    """Weights and masses by least squares from gradients at some points, and what is left."""
    count, size = len(empty.groups), len(empty.field.ends)
    rows, right = [], []
    alone = empty.alone(np.ones(empty.field.rows))
    for s, g in zip(points, slopes, strict=True):
        block = np.zeros((size, count + size))
        t = empty.kernel.log(s)
        for k, group in enumerate(empty.groups):
            own = list(group)
            q = shares(np.concatenate([t[own], alone[empty.selves(k)]]))
            block[own, k] = q[: len(own)]
        block[:, count:] = -np.eye(size)
        rows.append(block)
        right.append(g / empty.kernel.slope(s))
    A, b = np.concatenate(rows), np.concatenate(right)
    x, *_ = np.linalg.lstsq(A, b, rcond=None)
    left = float(np.linalg.norm(A @ x - b)) / max(float(np.linalg.norm(b)), 1e-300)
    return replace(empty, weights=x[:count], mass=x[count:]), left


def best(error: Callable[[float], float], start: float) -> float:
    """The number near `start` with the least error, to rounding: golden section, then parabolas."""
    lo, hi = math.log(start) - 0.05, math.log(start) + 0.05
    ratio = (math.sqrt(5) - 1) / 2
    a, b = hi - ratio * (hi - lo), lo + ratio * (hi - lo)
    fa, fb = error(math.exp(a)), error(math.exp(b))
    for _ in range(60):
        if fa < fb:
            hi, b, fb = b, a, fa
            a = hi - ratio * (hi - lo)
            fa = error(math.exp(a))
        else:
            lo, a, fa = a, b, fb
            b = lo + ratio * (hi - lo)
            fb = error(math.exp(b))
    found = math.exp((lo + hi) / 2)
    near = float(f"{found:.6g}")
    return near if error(near) <= max(error(found), 1e-9) else found


def binary(field: Field, rng: np.random.Generator) -> Structure | None:
    """Every pair against an outcome of score 0: w (sigmoid((s + b)/tau) - p) / tau is the slope."""
    from iconograph.audit.fit import refined

    at = np.stack([field.start(rng) * (2 if field.scores else 1) for _ in range(16)])
    values = np.stack([field.gradient(s) for s in at])  # [points, variables]
    size = float(np.abs(values).max())
    if size == 0:
        return None
    # one kernel for all: tau and bias shared, weight and mass by variable are linear

    def parts(x: Array) -> tuple[Array, Array, Array]:
        tau = float(np.exp(np.clip(x[0], -8, 8)))
        q = 1 / (1 + np.exp(-(at + x[1]) / tau))
        center = q - q.mean(axis=0)
        w = tau * (center * values).sum(axis=0) / np.maximum((center**2).sum(axis=0), 1e-300)
        mass = (w * q - tau * values).mean(axis=0)
        return w, mass, ((w * q - mass) / tau - values).ravel() / size

    fits = [
        refined(lambda x: parts(x)[2], np.asarray([np.log(t), b]), steps=60)
        for t in (0.05, 0.2, 0.5, 1.0, 3.0)
        for b in (-2.0, 0.0, 2.0)
    ]
    x, left = min(fits, key=lambda f: f[1])
    if left > FINE * 10:
        return None
    w, mass, _ = parts(x)
    tau = float(np.exp(x[0]))
    groups = tuple((u,) for u in range(len(w)))
    found = Structure(
        field, groups, tuple(range(len(w))), w, linear(tau), mass, True, float(x[1]) / tau
    )
    for _ in range(3):
        s = field.start(rng)
        if np.abs(found.gradient(s) - field.gradient(s)).max() > FINE * 10 * size:
            return None
    return found if fair(found) else None


__all__ = ["Kernel", "Structure", "recognise"]
