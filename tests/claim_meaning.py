"""What an I-Con claim says, spelled out in plain Python and evaluated in one finite model.

Nothing here is taken from derive.claims: every divergence is written in another form than there,
in balls of python-flint, and a limit is looked at along its parameter.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import flint

from derive.fields import Balls, Undecided, fraction
from derive.models import Evaluator, Model
from derive.sampling import redraw
from derive.terms import Term

STEPS = 12  # values of the parameter of a limit: 1, 1/4, 1/16, ...
Env = Mapping[Term, int]


class NoValue(Exception):
    """A quotient by 0, a logarithm or a power without a value."""


def sign(x: Any) -> int:
    """-1, 0 or 1; Undecided where a ball cannot tell."""
    if x > 0 or x < 0:
        return 1 if x > 0 else -1
    if (type(x) is flint.fmpq and x == 0) or (type(x) is flint.arb and x.is_zero()):
        return 0
    raise Undecided("a ball around 0")


def over(x: Any, y: Any) -> Any:
    if sign(y) == 0:
        raise NoValue("a quotient by 0")
    return x / y


def log(x: Any) -> Any:
    if sign(x) <= 0:
        raise NoValue("a logarithm of what is not positive")
    return flint.arb(x).log()


def power(x: Any, a: Any) -> Any:
    """x^a for x >= 0."""
    if sign(x) == 0 and sign(a) > 0:
        return flint.arb(0)
    return (a * log(x)).exp()


def kl(x: Any, y: Any) -> Any:
    """x log(x/y), 0 at x = 0."""
    return flint.arb(0) if sign(x) == 0 else x * log(over(x, y))


HALF = flint.fmpq(1, 2)
FORMULAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "kl": lambda p, q, a: kl(p, q),
    "reverse-kl": lambda p, q, a: kl(q, p),
    "jeffreys": lambda p, q, a: kl(p, q) + kl(q, p),
    "jsd": lambda p, q, a: (kl(p, HALF * (p + q)) + kl(q, HALF * (p + q))) * HALF,
    "tv": lambda p, q, a: abs(flint.arb(p - q)) * HALF,
    "hellinger": lambda p, q, a: HALF * (p + q) - power(p * q, HALF),
    "chi2": lambda p, q, a: over(p * p, q) - 2 * p + q,
    "neyman-chi2": lambda p, q, a: over(q * q, p) - 2 * q + p,
    "alpha": lambda p, q, a: over(power(p, a) * power(q, 1 - a) - a * p - (1 - a) * q, a * (a - 1)),
    "cressie-read": lambda p, q, a: over(power(p, a + 1) * power(q, -a) - p, a * (a + 1)),
    "tsallis": lambda p, q, a: over(power(p, a) * power(q, 1 - a) - p, a - 1),
    "generalised-kl": lambda p, q, a: kl(p, q) - p + q,
    "squared": lambda p, q, a: HALF * (p * p + q * q) - p * q,
    "itakura-saito": lambda p, q, a: over(p, q) + log(q) - log(p) - 1,
}


def meaning(j: tuple[Any, ...], model: Model) -> bool | None:
    """Whether the claim is true in the model and as far as it can be seen from there.

    None where balls cannot tell. What must not depend on the learned symbols is looked at again
    with others.
    """
    said = [at(j, model)]
    slack, learned = j[8], j[5]
    if slack and slack[2] != "":
        try:
            said.append(limit(j, model))
        except Undecided:
            said.append(None)
    said.append(fixed(j, model, learned))
    return False if False in said else None if None in said else True


def fixed(j: tuple[Any, ...], model: Model, learned: Any) -> bool | None:
    """Whether scale, constant, order, conditions, weights and p are the same after learning."""
    _, _, scale, constant, blocks, _, _, degree, _ = j
    other = redraw(model, learned, [], random.Random(1))
    assert other is not None
    known = True
    for t in [scale, constant, degree, *(t for b in blocks for t in (b[1], b[3], b[4], b[5]))]:
        letters = sorted(t.free, key=lambda v: str(v.data))
        for env in places(letters, model):
            try:
                d = value(t, model, env) - value(t, other, env)
            except Undecided:
                known = False
                continue
            if not (d == 0 if type(d) is flint.fmpq else d.contains(0)):
                return False
    return True if known else None


def limit(j: tuple[Any, ...], model: Model) -> bool | None:
    """Whether the bounds hold along the parameter, and vanish at the rate that is stated."""
    below, above, small, k = j[8]
    letters = sorted(below.free | above.free, key=lambda v: str(v.data))
    name = (small.args[0] if small.op == "inv" else small).data[0]
    said, ratios, losses = [], list[list[float]](), list[Any]()
    for n in range(STEPS):
        t = flint.fmpq(1, 4**n)
        there = model.with_families({name: {(): fraction(1 / t if small.op == "inv" else t)}})
        said.append(at(j, there))
        ends = [value(b, there, env) for b in (below, above) for env in places(letters, there)]
        ratios.append([float(abs(flint.arb(x)).mid() / flint.arb(t) ** int(k)) for x in ends])
        if int(k) == 1:
            losses.append(value(j[1], there, dict.fromkeys(j[1].free, 0)))
    for side in zip(*ratios, strict=True):
        if side[-1] > 4 * max(side[:4]) + 2.0**-20:
            return False
    if any(not same(x - losses[0], 0) for x in losses):  # the limit itself does not move
        return False
    return False if False in said else None if None in said else True


def value(t: Term, model: Model, env: Env) -> Any:
    return Evaluator(model, Balls()).value(t, env)


def places(letters: Any, model: Model) -> list[dict[Term, int]]:
    """All values of letters, the last one of a letter that is there twice."""
    ranges = [range(model.size(v.data[1])) for v in letters]
    return [dict(zip(letters, x, strict=True)) for x in product(*ranges)]


def at(j: tuple[Any, ...], model: Model) -> bool | None:
    """Whether the claim holds at one value of everything, for all values of its free letters."""
    letters = {v for t in (*j[1:4], j[7], *j[8][:2]) if isinstance(t, Term) for v in t.free}
    for anchors, a, nbs, m, w, p, k in j[4]:
        letters |= (a.free | w.free | (m.free | p.free | k.free) - set(nbs)) - set(anchors)
    known = True
    for env in places(sorted(letters, key=lambda v: str(v.data)), model):
        try:
            if not claim_at(j, Evaluator(model, Balls()), env):
                return False
        except NoValue:
            return False
        except Undecided:
            known = False
    return True if known else None


def claim_at(j: tuple[Any, ...], ev: Evaluator[Any], env: Env) -> bool:
    """Whether the claim holds there. Raises Undecided, and NoValue where it says nothing."""
    _, published, scale, constant, blocks, _, kind, degree, slack = j
    a = ev.value(degree, env)
    total, mass = flint.arb(0), flint.fmpq(0)
    for block in blocks:
        anchors, cond, *_ = block
        for x in places(anchors, ev.model):
            here = {**env, **x}
            if truth(ev.value(cond, here)):
                w, d = row(block, ev, here, kind, a)
                total, mass = total + w * d, mass + w
    s = ev.value(scale, env)
    if sign(s) <= 0 or not same(mass, 1):
        return False
    e = ev.value(published, env) - (s * total + ev.value(constant, env))
    if not slack:
        return same(e, 0)
    below, above = slack[:2]
    good = below == "" or not (e + ev.value(below, env)) < 0
    return good and (above == "" or not (ev.value(above, env) - e) < 0)


def same(x: Any, y: int) -> bool:
    """Whether a number is y; a ball may be."""
    d = x - y
    return bool(d == 0 if type(d) is flint.fmpq else d.contains(0))


def truth(x: Any) -> bool:
    """A condition, which is 0 or 1."""
    if not (same(x, 0) or same(x, 1)):
        raise NoValue("a condition that is neither 0 nor 1")
    return same(x, 1)


def row(block: Any, ev: Evaluator[Any], here: Env, kind: str, a: Any) -> tuple[Any, Any]:
    """Weight and divergence of one anchor. Raises NoValue where p or q is no distribution."""
    _, _, nbs, m, w, p, k = block
    weight = ev.value(w, here)
    pairs, one = [], flint.fmpq(0)
    for x in places(nbs, ev.model):
        there = {**here, **x}
        if truth(ev.value(m, there)):
            pairs.append((ev.value(p, there), ev.value(k, there)))
    z = flint.fmpq(0)
    for x, y in pairs:
        one, z = one + x, z + y
    if weight < 0 or not same(one, 1) or sign(z) <= 0:
        raise NoValue("no distribution")
    d = flint.arb(0)
    for x, y in pairs:
        q = y / z
        if x < 0 or q < 0:
            raise NoValue("a negative probability")
        d = d + FORMULAS[kind](x, q, a)
    return weight, d
