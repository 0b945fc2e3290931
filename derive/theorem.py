"""TRUSTED. Theorems, and the only rules that make them.

("eq", a, b) says a = b, ("pos", a) a > 0, ("nn", a) a >= 0. A Theorem says: in every model where
each hypothesis holds for all values of its free indices, the conclusion holds for all of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from derive.terms import BOOL, INDEX, Term, bind, canon, domain, mk, need, num, subst, total

Judgement = tuple[Any, ...]
RULES: dict[str, Callable[..., Theorem]] = {}
_KEY, MINUS = object(), num(-1)


class Theorem:
    """A proved judgement with its hypotheses; `rule` and `args` say how it was made."""

    __slots__ = ("args", "concl", "hyps", "rule")

    def __init__(self, key: object, hyps: frozenset[Judgement], concl: Judgement, *how: Any):
        need(key is _KEY, "theorems are made by rules only")
        self.hyps, self.concl, (self.rule, self.args) = hyps, concl, how


def _flat(x: Any) -> list[Any]:
    return [z for y in x for z in _flat(y)] if isinstance(x, tuple | list) else [x]


def rule(f: Callable[..., Judgement]) -> Callable[..., Theorem]:
    """A rule, from a function that returns its conclusion: checks terms, unites hypotheses."""

    def apply(*args: Any) -> Theorem:
        flat = _flat(args)
        for t in (t for t in flat if isinstance(t, Term)):
            closed = not t.loose and all(type(v.data[0]) is str for v in t.free)
            need(closed, f"{f.__name__}: a term is not closed")
        hyps = frozenset[Judgement]().union(*(t.hyps for t in flat if isinstance(t, Theorem)))
        made = f(*args)
        hyps |= {made} if f.__name__ == "assume" else set()
        return Theorem(_KEY, hyps, made, f.__name__, args)

    apply.__doc__ = f.__doc__
    RULES[f.__name__] = apply
    return apply


def sides(th: Theorem) -> Any:
    """The two sides of an equation."""
    need(isinstance(th, Theorem) and th.concl[0] == "eq", "an equation is needed")
    return th.concl[1:]


def put(j: Judgement, old: Term, new: Term) -> Judgement:
    """The judgement with the closed term old replaced."""
    return (j[0], *(subst(t, old, new) for t in j[1:]))


@rule
def assume(j: Judgement) -> Judgement:
    """J |- J, for an equation or a sign; its free indices read 'for all' on both sides."""
    well_formed = len(j) == {"eq": 3, "pos": 2, "nn": 2}.get(j[0])
    need(well_formed and not any(t.op in INDEX for t in j[1:]), "no judgement")
    return tuple(j)


@rule
def inst(th: Theorem, v: Term, e: Term) -> Judgement:
    """From J: J[v := e], e an index of the set of v."""
    need(v.op == "v" and e.op in INDEX and domain(e) == domain(v), "wrong index set")
    return put(th.concl, v, e)


@rule
def lincomb(a: Term, b: Term, uses: list[tuple[Term, list[Term], Theorem]]) -> Judgement:
    """From l_k = r_k: a = b, if a - b and sum_k sum_vars_k m_k (l_k - r_k) have one normal form."""
    parts = [a - b]
    for m, vs, th in uses:
        left, right = sides(th)
        parts += [MINUS * total(vs, m * left), total(vs, m * right)]
    need(not canon(mk("add", None, *parts)), "the two sides differ")
    return ("eq", a, b)


@rule
def cong(op: str, *ths: Theorem) -> Judgement:
    """From a = b: f(a) = f(b), for an operation f of real numbers: exp, log, inv, relu, sg, max."""
    return ("eq", *(mk(op, None, *(sides(t)[k] for t in ths)) for k in (0, 1)))


@rule
def transport(th: Theorem, eq: Theorem) -> Judgement:
    """From a > 0 (or a >= 0) and a = b: b > 0 (or b >= 0)."""
    left, right = sides(eq)
    need(th.concl[0] in ("pos", "nn") and th.concl[1] is left, "not about the left side")
    return (th.concl[0], right)


@rule
def cases(m: Term, j: Judgement, one: Theorem, zero: Theorem) -> Judgement:
    """From J[m := 1] and J[m := 0]: J, for m with values 0 and 1 only."""
    need(m.op in BOOL and j[0] in ("eq", "pos", "nn"), "a 0/1 term is needed")
    need(one.concl == put(j, m, num(1)) and zero.concl == put(j, m, num(0)), "not its cases")
    return tuple(j)


@rule
def leibniz(t: Term, v: Term, a: Term, b: Term) -> Judgement:
    """[a = b] t[v := a] = [a = b] t[v := b]."""
    need(v.op == "v" and {a.op, b.op} <= INDEX and domain(a) == domain(b) == domain(v), "wrong set")
    d = mk("eq", None, a, b)
    return ("eq", d * subst(t, v, a), d * subst(t, v, b))


@rule
def delta_sum(v: Term, e: Term) -> Judgement:
    """sum_v [v = e] = 1, v not in e."""
    need(v not in e.free, "the variable occurs in the index")
    return ("eq", bind("sum", v, mk("eq", None, v, e)), num(1))


@rule
def enumerate_sum(v: Term, t: Term) -> Judgement:
    """sum_v t = t[v := e1] + ... + t[v := ek], for v over the enumerated set {e1, ..., ek}."""
    need(isinstance(domain(v), tuple), "the index set is not enumerated")
    parts = (subst(t, v, mk("el", (e, domain(v)))) for e in domain(v)[1])
    return ("eq", bind("sum", v, t), mk("add", None, *parts))


@rule
def delta(a: Term, b: Term) -> Judgement:
    """[a = a] = 1; [a = b] = 0 for two elements, written differently, of one enumerated set."""
    need(a is b or a.op == b.op == "el", "the indices are not decided")
    return ("eq", mk("eq", None, a, b), num(a is b))


@rule
def ne_def(a: Term, b: Term) -> Judgement:
    """[a != b] = 1 - [a = b]."""
    return ("eq", mk("ne", None, a, b), num(1) - mk("eq", None, a, b))


@rule
def sign(kind: str, c: Term) -> Judgement:
    """A number c > 0 or c >= 0 that is; m >= 0 for a 0/1 term."""
    good = c.op == "num" and (c.data > 0 or (kind == "nn" and c.data == 0))
    need(kind in ("pos", "nn") and (good or (kind == "nn" and c.op in BOOL)), "wrong sign")
    return (kind, c)


@rule
def sum_sign(v: Term, th: Theorem) -> Judgement:
    """From a > 0 (a >= 0): sum_v a > 0 (>= 0); index sets are not empty."""
    need(th.concl[0] in ("pos", "nn"), "a sign is needed")
    return (th.concl[0], bind("sum", v, th.concl[1]))


@rule
def pos_masked_sum(v: Term, some: Theorem, mask: Theorem, body: Theorem) -> Judgement:
    """From sum_v m > 0, m >= 0 and a > 0: sum_v m a > 0."""
    need(mask.concl[0] == "nn" and body.concl[0] == "pos", "signs are needed")
    need(some.concl == ("pos", bind("sum", v, mask.concl[1])), "the sum is not of this mask")
    return ("pos", bind("sum", v, mask.concl[1] * body.concl[1]))


X, Y = (mk("app", (s, ())) for s in "xy")  # the real variables of the axioms
exp, log, inv = (partial(mk, op, None) for op in ("exp", "log", "inv"))
AXIOMS: dict[str, tuple[list[Judgement], Judgement]] = {  # premises, conclusion, for all x, y
    "log_exp": ([], ("eq", log(exp(X)), X)),
    "exp_log": ([("pos", X)], ("eq", exp(log(X)), X)),
    "exp_add": ([], ("eq", exp(X + Y), exp(X) * exp(Y))),
    "exp_zero": ([], ("eq", exp(num(0)), num(1))),
    "log_mul": ([("pos", X), ("pos", Y)], ("eq", log(X * Y), log(X) + log(Y))),
    "xlogx_mul": ([("nn", X), ("pos", Y)], ("eq", X * log(X * Y), X * log(X) + X * log(Y))),
    "log_inv": ([], ("eq", log(inv(X)), MINUS * log(X))),
    "inv_mul": ([], ("eq", inv(X * Y), inv(X) * inv(Y))),
    "inv_inv": ([], ("eq", inv(inv(X)), X)),
    "inv_minus": ([], ("eq", inv(MINUS), MINUS)),
    "mul_inv": ([("pos", X)], ("eq", X * inv(X), num(1))),
    "pos_exp": ([], ("pos", exp(X))),
    "pos_add": ([("pos", X), ("nn", Y)], ("pos", X + Y)),
    "pos_mul": ([("pos", X), ("pos", Y)], ("pos", X * Y)),
    "pos_inv": ([("pos", X)], ("pos", inv(X))),
    "nn_pos": ([("pos", X)], ("nn", X)),
    "nn_add": ([("nn", X), ("nn", Y)], ("nn", X + Y)),
    "nn_mul": ([("nn", X), ("nn", Y)], ("nn", X * Y)),
    "nn_inv": ([("nn", X)], ("nn", inv(X))),
    "nn_square": ([], ("nn", X * X)),
}


@rule
def axiom(name: str, at_x: Term, at_y: Term, *premises: Theorem) -> Judgement:
    """An instance of AXIOMS[name] at two real terms, its premises proved."""
    need(name in AXIOMS and at_x.op not in INDEX and at_y.op not in INDEX, "no such axiom")
    mark = mk("app", ("y'", ()))  # so that both are put in at once

    def at(j: Judgement) -> Judgement:
        return put(put(put(j, Y, mark), X, at_x), mark, at_y)

    wanted, conclusion = AXIOMS[name]
    need([at(j) for j in wanted] == [t.concl for t in premises], f"{name}: a premise is not proved")
    return at(conclusion)


Block = tuple[Any, ...]  # anchors, A, neighbours, M, w, p, k: variables, conditions, the pair


def icon(blocks: tuple[Block, ...]) -> Term:
    """The sum over blocks and anchors of A w KL(p || q) over M, q = k / sum_M k, 0 log 0 = 0."""
    parts = []
    for anchors, a, nbs, m, w, p, k in blocks:
        kl = total(nbs, m * (p * log(p) - p * log(k * inv(total(nbs, m * k)))))
        parts.append(total(anchors, a * (w * kl)))
    return mk("add", None, *parts)


def families(t: Term) -> set[str]:
    """The names of the families, masks and index functions in t."""
    return set(t.data[:1] if t.op in ("app", "mask", "fn") else ()).union(*map(families, t.args))


@rule
def exact(
    published: Term, scale: Term, constant: Term, blocks: Any, learned: Any, *premises: Theorem
) -> Judgement:
    """An I-Con identity: published = scale * icon(blocks) + constant.

    Premises: that; scale > 0; per block w >= 0, p >= 0, k > 0, A A = A, M M = M, A sum_M p = A;
    the weights sum to one. Only k is learned; no hypothesis ties learned families to given ones.
    """
    wanted = [("eq", published, scale * icon(blocks) + constant), ("pos", scale)]
    for _, a, nb, m, w, p, k in blocks:
        wanted += [("nn", w), ("nn", p), ("pos", k), ("eq", a * a, a), ("eq", m * m, m)]
        wanted.append(("eq", a * total(nb, m * p), a))
    wanted.append(("eq", mk("add", None, *(total(b[0], b[1] * b[4]) for b in blocks)), num(1)))
    need([t.concl for t in premises] == wanted, "the premises are not those of this claim")
    fixed = (scale, constant, *(t for b in blocks for t in (b[1], b[3], b[4], b[5])))
    need(not families(mk("add", None, *fixed)) & set(learned), "a learned symbol outside k")
    for names in (families(mk("add", None, *h[1:])) for t in premises for h in t.hyps):
        need(names <= set(learned) or not names & set(learned), "learned and given are tied")
    return ("icon", published, scale, constant, blocks, tuple(learned))
