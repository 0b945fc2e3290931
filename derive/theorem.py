"""TRUSTED. Theorems, and the only rules that make them.

("eq", a, b) says a = b, ("pos", a) a > 0, ("nn", a) a >= 0. A Theorem says: in every model where
each hypothesis holds for all values of its free indices, the conclusion holds for all of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from math import factorial
from typing import Any

from derive.terms import BOOL, INDEX, Term, bind, canon, collect, domain, mk, need, num, subst

Judgement = tuple[Any, ...]
RULES: dict[str, Callable[..., Theorem]] = {}
_KEY, MINUS, SEVERAL = object(), num(-1), (tuple, list)


class Theorem:
    """A proved judgement with its hypotheses; `rule` and `args` say how it was made."""

    __slots__ = ("args", "concl", "hyps", "rule")

    def __init__(self, key: object, hyps: frozenset[Judgement], concl: Judgement, *how: Any):
        need(key is _KEY, "theorems are made by rules only")
        self.hyps, self.concl, (self.rule, self.args) = hyps, concl, how


def _flat(x: Any) -> list[Any]:
    return [z for y in x for z in (_flat(y) if isinstance(y, SEVERAL) else (y,))]


def rule(f: Callable[..., Judgement]) -> Callable[..., Theorem]:
    """A rule, from a function that returns its conclusion: checks terms, unites hypotheses."""

    def apply(*args: Any) -> Theorem:
        flat = _flat(args)
        terms = [t for t in flat if isinstance(t, Term)]
        closed = all(not t.loose and all([type(v.data[0]) is str for v in t.free]) for t in terms)
        need(closed, f"{f.__name__}: a term is not closed")
        hyps = frozenset[Judgement]().union(*[t.hyps for t in flat if isinstance(t, Theorem)])
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


def put(j: Judgement, new: Mapping[Term, Term]) -> Judgement:
    """The judgement with closed terms replaced."""
    return (j[0], *(subst(t, new) for t in j[1:]))


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
    return put(th.concl, {v: e})


@rule
def lincomb(a: Term, b: Term, uses: list[tuple[Term, list[Term], Theorem]]) -> Judgement:
    """From l_k = r_k: a = b, if a - b and sum_k sum_vars_k m_k (l_k - r_k) have one normal form."""
    whole: list[Any] = [(((), (a,)), 1), (((), (b,)), -1)]
    for m, vs, th in uses:
        c, ms = (m.data, ()) if m.op == "num" else (1, (m,))
        whole += [((tuple(vs), (*ms, t)), s * c) for s, t in zip((-1, 1), sides(th), strict=True)]
    left = collect(whole).items()  # what is there twice need not be expanded
    gap = ((m, s * c) for (vs, ts), s in left for m, c in canon(*ts, over=vs).items())
    need(not collect(gap), "the two sides differ")
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
    need(one.concl == put(j, {m: num(1)}) and zero.concl == put(j, {m: num(0)}), "not its cases")
    return tuple(j)


@rule
def leibniz(t: Term, v: Term, a: Term, b: Term) -> Judgement:
    """[a = b] t[v := a] = [a = b] t[v := b]."""
    need(v.op == "v" and {a.op, b.op} <= INDEX and domain(a) == domain(b) == domain(v), "wrong set")
    d = mk("eq", None, a, b)
    return ("eq", d * subst(t, {v: a}), d * subst(t, {v: b}))


@rule
def delta_sum(v: Term, e: Term) -> Judgement:
    """sum_v [v = e] = 1, v not in e."""
    need(v not in e.free, "the variable occurs in the index")
    return ("eq", bind("sum", v, mk("eq", None, v, e)), num(1))


@rule
def enumerate_sum(v: Term, t: Term) -> Judgement:
    """sum_v t = t[v := e1] + ... + t[v := ek], for v over the enumerated set {e1, ..., ek}."""
    need(isinstance(domain(v), tuple), "the index set is not enumerated")
    parts = (subst(t, {v: mk("el", (e, domain(v)))}) for e in domain(v)[1])
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


@rule
def bigmax_above(v: Term, m: Term, t: Term, mask: Theorem) -> Judgement:
    """From m >= 0: m (max over v with m != 0 of t, minus t) >= 0."""
    need(mask.concl == ("nn", m), "the sign of the condition is needed")
    return ("nn", m * (bind("bigmax", v, m, t) - t))


@rule
def bigmax_least(v: Term, m: Term, t: Term, b: Term, some: Theorem, *ths: Theorem) -> Judgement:
    """From sum_v m > 0, m >= 0 and m (b - t) >= 0, v not in b: b - max over v with m of t >= 0."""
    need(v not in b.free and some.concl == ("pos", bind("sum", v, m)), "not of this condition")
    need([th.concl for th in ths] == [("nn", m), ("nn", m * (b - t))], "signs are needed")
    return ("nn", b - bind("bigmax", v, m, t))


@rule
def taylor(f: str, k: str, x: Term, sign: Theorem) -> Judgement:
    """From x >= 0: partial sums up to x^k of exp(-x) and log(1 + x) are above for even, odd k."""
    need(sign.concl == ("nn", x) and f in ("exp", "log") and k in map(str, range(9)), "no sum")
    last, up = int(k), MINUS * (exp(MINUS * x) if f == "exp" else log(num(1) + x))
    for n in range(f == "log", last + 1):
        c = Fraction((-1) ** n, factorial(n)) if f == "exp" else Fraction(-((-1) ** n), n)
        up = up + mk("mul", None, num(c), *[x] * n)
    return ("nn", up if last % 2 == (f == "log") else MINUS * up)


X, Y = (mk("app", (s, ())) for s in "xy")  # the real variables of the axioms
Z, W = X - num(1), num(Fraction(1, 8)) * Y * Y
exp, log, inv, relu = (partial(mk, op, None) for op in ("exp", "log", "inv", "relu"))
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
    "inv_square": ([], ("eq", X * X * inv(X), X)),
    "antisymmetry": ([("nn", X - Y), ("nn", Y - X)], ("eq", X, Y)),
    "log_tangent": ([("pos", X)], ("nn", Z - log(X))),
    "pinsker": ([("nn", X)], ("nn", (X + X + num(4)) * (X * log(X) - Z) - num(3) * Z * Z)),
    "hoeffding": ([("nn", X), ("nn", MINUS * Z)], ("nn", exp(X * Y + W) + Z - X * exp(Y))),
    "relu_least": ([("nn", Y), ("nn", Y - X)], ("nn", Y - relu(X))),
    "relu_minus": ([], ("eq", relu(MINUS * X), relu(X) - X)),
    "relu_mul": ([("nn", X)], ("eq", relu(X * Y), X * relu(Y))),
    "nn_relu": ([], ("nn", relu(X))),
    "max_relu": ([], ("eq", mk("max", None, X, Y), Y + relu(X - Y))),
}


@rule
def axiom(name: str, at_x: Term, at_y: Term, *premises: Theorem) -> Judgement:
    """An instance of AXIOMS[name] at two real terms, its premises proved."""
    need(name in AXIOMS and at_x.op not in INDEX and at_y.op not in INDEX, "no such axiom")
    at = partial(put, new={X: at_x, Y: at_y})
    wanted, conclusion = AXIOMS[name]
    need([at(j) for j in wanted] == [t.concl for t in premises], f"{name}: a premise is not proved")
    return at(conclusion)
