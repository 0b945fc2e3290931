"""The gradient judge: equal, different or abstain, with the probability that "equal" is wrong.

First a random point of a prime field (derive.primefield). Zero there means equal, up to the bound
stated. Not zero is confirmed by balls at the rational model: a derivative along the constraints
whose ball misses 0 is rigorous. Where the two do not meet, the judge abstains and says so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import log2
from typing import Any

import flint

from derive import enclose
from derive.constraints import Constraints, Unsupported
from derive.degrees import branches, gradient_degree
from derive.exponents import independent
from derive.instance import Instance, constraints
from derive.primefield import Plan, good_point, plan, prime
from derive.tape import Kink, backward, const


@dataclass(frozen=True)
class Gradient:
    """What the judge says of one instance.

    outcome: "equal", "different" or "abstain" (`why` says why). For "equal", the probability that
    a gradient that is not 0 vanishes at the point drawn is at most 2^-bits; `degree` bounds its
    degree and `prime` is the field. The bound holds for a prime that does not divide all
    coefficients, and takes the branch of each root as independent.
    """

    outcome: str
    why: str = ""
    bits: int = 0
    degree: int = 0
    prime: int = 0


def judge(case: Instance, seed: int = 0) -> Gradient:
    """Whether published - scale * I-Con - constant has gradient 0 in everything learned."""
    rng = random.Random(repr(("gradient", seed, sorted(case.model.sizes.items()))))
    keys = sorted(case.point())
    try:
        tied = Constraints(case.tape, constraints(case), keys)
        if const(case.diff):
            return Gradient("equal", "the difference is a constant by collecting terms", bits=BEST)
        found = in_prime_field(case, tied, rng)
    except Unsupported as reason:
        return Gradient("abstain", str(reason))
    if found.outcome == "equal":
        return found
    why = confirmed(case, tied)
    if why:
        return Gradient("different", why, prime=found.prime)
    return Gradient("abstain", "not zero modulo a prime, but balls did not confirm it")


BEST = 120  # bits claimed where nothing random was needed: not above what the field could give


def in_prime_field(case: Instance, tied: Constraints, rng: random.Random) -> Gradient:
    """The test modulo a random prime. Raises Unsupported."""
    p = plan(case.tape, [case.diff])
    q = prime(rng, odd_parts(p))
    mod = flint.fmpz_mod_ctx(q)
    found = at_point(case, p, tied, mod, q, rng)
    if found.outcome == "different" and p.exponents and not confirmed(case, tied):
        found = at_point(case, independent(p, case.diff, tied, mod, q, rng), tied, mod, q, rng)
    return found


def at_point(
    case: Instance, p: Plan, tied: Constraints, mod: Any, q: int, rng: random.Random
) -> Gradient:
    """The test at one random point."""
    point = good_point(p, tied, mod, q, rng)
    degree = gradient_degree(p, case.diff, len(tied.squares))
    bits = int(log2(q) - log2(degree) - log2(branches(p)) - 1)
    if bits < 20:
        raise Unsupported(f"the error bound would only be 2^{-bits}")
    if spanned(point.gradient(case.diff), tied.normals(point.entries), tied.keys, mod):
        return Gradient("equal", bits=bits, degree=degree, prime=q)
    return Gradient("different", prime=q)


def odd_parts(p: Plan) -> list[int]:
    """The odd factors of the roots that the plan takes."""
    out = []
    for b in p.roots.values():
        while b % 2 == 0:
            b //= 2
        if b > 1:
            out.append(b)
    return out


def spanned(g: list[Any], normals: list[dict[Any, Any]], keys: list[Any], mod: Any) -> bool:
    """Whether g is a combination of the normals, so that it vanishes along the constraints."""
    if all(x.is_zero() for x in g):
        return True
    if not normals:
        return False

    def residue(x: Any) -> Any:
        return x if type(x) is type(g[0]) else mod(x.numerator) / mod(x.denominator)

    rows = [[residue(row.get(k, 0)) for k in keys] for row in normals]
    before = flint.fmpz_mod_mat(len(rows), len(keys), [x for r in rows for x in r], mod).rank()
    rows.append(g)
    after = flint.fmpz_mod_mat(len(rows), len(keys), [x for r in rows for x in r], mod).rank()
    return bool(before == after)


def confirmed(case: Instance, tied: Constraints) -> str:
    """Which derivative along the constraints is certainly not 0 at the model, "" if none is."""
    point = case.point()
    for bits in enclose.BITS[:2]:
        values = enclose.evaluate(case.tape, [case.diff], point, bits)
        if any(isinstance(v, enclose.Undefined) for v in values.values()):
            return ""
        with flint.ctx.workprec(bits):
            try:
                order = case.tape.reach([case.diff])
                grad = backward(case.tape.nodes, order, case.diff, values, flint.arb)
            except Kink:
                return ""
            by = {case.tape.nodes[x][1:]: g for x, g in grad.items()}
            for t in tied.tangents(point):
                d = sum((by.get(k, enclose.ZERO) * x for k, x in t.items()), enclose.ZERO)
                if not d.contains(0):
                    along = ", ".join(f"{f}[{','.join(str(a + 1) for a in at)}]" for f, at in t)
                    return f"the derivative by {along} is {d.str(8)}"
    return ""
