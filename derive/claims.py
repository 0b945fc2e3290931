"""TRUSTED. What a claim means: the divergences, and the rule that turns proofs into a claim.

With D the sum over blocks and anchors of A w times the divergence of p from q over M, and
e = published - (scale D + constant), a claim says e = 0, or -below <= e <= above. Where both bounds
vanish with a parameter it is a limit, or an expansion, with its rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from derive.terms import Term, bind, canon, mk, need, num, subst
from derive.theorem import MINUS, Judgement, Theorem, X, Y, exp, inv, log, relu, rule

Block = tuple[Any, ...]  # anchors, A, neighbours, M, w, p, k: variables, conditions, the pair
A = mk("app", ("order", ()))  # the order of a divergence that has one
HALF = num(Fraction(1, 2))
MIDDLE = HALF * (X + Y)
POWERS = X * exp((A - num(1)) * (log(X) - log(Y)))  # x^a y^(1 - a), 0 at x = 0 for a > 0
ROOTS = X * exp(MINUS * HALF * log(X)) - exp(HALF * log(Y))  # sqrt(x) - sqrt(y)
DIVERGENCES: dict[str, Term] = {  # of x = p from y = q > 0: what is summed over the neighbours
    "kl": X * log(X) - X * log(Y),
    "reverse-kl": Y * log(Y) - Y * log(X),
    "jeffreys": (X - Y) * (log(X) - log(Y)),
    "jsd": HALF * (X * log(X) - X * log(MIDDLE) + (Y * log(Y) - Y * log(MIDDLE))),
    "tv": HALF * (relu(X - Y) + relu(Y - X)),
    "hellinger": HALF * (ROOTS * ROOTS),
    "chi2": (X - Y) * (X - Y) * inv(Y),
    "neyman-chi2": (X - Y) * (X - Y) * inv(X),
    "alpha": inv(A * (A - num(1))) * (POWERS - A * X - (num(1) - A) * Y),
    "cressie-read": inv(A * (A + num(1))) * (X * exp(A * (log(X) - log(Y))) - X),
    "tsallis": inv(A - num(1)) * (POWERS - X),
    "generalised-kl": X * log(X) - X * log(Y) - X + Y,
    "squared": HALF * ((X - Y) * (X - Y)),
    "itakura-saito": X * inv(Y) - log(X) + log(Y) - num(1),
}
FULL = ("reverse-kl", "jeffreys", "neyman-chi2", "itakura-saito")  # p > 0 is needed: else infinite
LOOSE = ("reverse-kl", "tv", "jsd", "squared")  # q = 0 has a value
NOT_ONE = ("alpha", "tsallis")  # of order 1 they are limits, not values


def total(vs: Sequence[Term], body: Term) -> Term:
    """The sum over all of `vs`, the last one innermost."""
    return reduce(lambda t, v: bind("sum", v, t), reversed(vs), body)


def icon(blocks: tuple[Block, ...], divergence: str = "kl", degree: Term = HALF) -> Term:
    """The sum over blocks and anchors of A w D(p, q) over M, with q = k / sum_M k."""
    parts = []
    for anchors, a, nbs, m, w, p, k in blocks:
        at = {X: p, Y: k * inv(total(nbs, m * k)), A: degree}
        parts.append(total(anchors, a * (w * total(nbs, m * subst(DIVERGENCES[divergence], at)))))
    return mk("add", None, *parts)


def families(t: Term) -> set[str]:
    """The names of the families, masks and index functions in t."""
    return set(t.data[:1] if t.op in ("app", "mask", "fn") else ()).union(*map(families, t.args))


def rate(bound: Term, small: Term) -> int:
    """The k with bound = O(small^k), for small a parameter t that goes to 0, or 1/t, t to infinity.

    Every monomial of the bound is a power of `small` times what does not mention t; 99 for 0.
    """
    t = small.args[0] if small.op == "inv" else small
    need(t.op == "app" and not t.args, "the parameter is not a single number")
    powers = [99]
    for _, factors in canon(bound):
        rest = [f for f in factors if t.data[0] in families(f)]
        below = [list(canon(f.args[0])) for f in rest if f.op == "inv" and small.op == "inv"]
        depth = [len(m[0][1]) for m in below if len(m) == 1 and set(m[0][1]) == {t}]
        depth += [1 for f in rest if f is small and f.op != "inv"]
        need(len(depth) == len(rest), "the bound is not a sum of powers of the parameter")
        powers.append(sum(depth))
    return min(powers)


@rule
def claim(
    published: Term, scale: Term, constant: Term, blocks: Any, learned: Any, kind: str,
    degree: Term, slack: Any, *premises: Theorem,
) -> Judgement:  # fmt: skip
    """An I-Con claim with the divergence `kind` of order `degree`; `slack` is () for e = 0.

    Otherwise (below, above, small, k): bounds of e, "" for none, and with `small` and k >= 1 both
    bounds are O(small^k). Only kernels and the published loss may be learned.
    """
    need(kind in DIVERGENCES, "there is no such divergence")
    side: Term = scale * icon(blocks, kind, degree) + constant
    bounds: Any = slack or ("", "", "", "")
    below, above, small, k = bounds
    need(not slack or below != "" or above != "", "nothing is said of the difference")
    wanted: list[Judgement] = [] if slack else [("eq", published, side)]
    wanted += [("nn", published - side + below)] if below != "" else []
    wanted += [("nn", above - (published - side))] if above != "" else []
    wanted += [("pos", scale), ("pos", degree)]
    if kind in NOT_ONE:
        other = degree - num(1)
        wanted.append(("pos", other * other))
    for _, a, nb, m, w, p, q in blocks:
        loose: list[Judgement] = [("nn", q), ("pos", total(nb, m * q))]
        wanted += [("nn", w), ("nn", p), *(loose if kind in LOOSE else [("pos", q)])]
        wanted += [("eq", a * a, a), ("eq", m * m, m), ("eq", a * total(nb, m * p), a)]
        wanted += [("pos", p)] if kind in FULL else []
    wanted.append(("eq", mk("add", None, *(total(b[0], b[1] * b[4]) for b in blocks)), num(1)))
    need([t.concl for t in premises] == wanted, "the premises are not those of this claim")
    fixed = [scale, constant, degree, *(t for b in blocks for t in (b[1], b[3], b[4], b[5]))]
    need(not families(mk("add", None, *fixed)) & set(learned), "a learned symbol outside k")
    hyps = [(h, families(mk("add", None, *h[1:]))) for t in premises for h in t.hyps]
    for _, names in hyps:
        need(names <= set(learned) or not names & set(learned), "learned and given are tied")
    if small != "":
        t = small.args[0] if small.op == "inv" else small
        need(below != "" != above, "a limit needs both bounds")
        need(min(rate(b, small) for b in (below, above)) >= int(k) > 0, "a bound is too slow")
        need(t.data[0] not in learned, "the parameter is learned")
        need(all(h == ("pos", t) for h, names in hyps if t.data[0] in names), "t is not free")
        need(int(k) > 1 or t.data[0] not in families(published), "the limit mentions the parameter")
    return ("icon", published, scale, constant, blocks, tuple(learned), kind, degree, tuple(slack))
