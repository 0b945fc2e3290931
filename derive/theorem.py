"""TRUSTED. Theorems and the only rules that make them.

A judgement is a tuple (kind, terms): ("eq", a, b) a = b; ("pos", a) a > 0; ("nn", a) a >= 0; ("icon", ...)
the claim of `exact`. A Theorem says: in every model, if each hypothesis holds for all values of its free
indices, then so does the conclusion. Python cannot hide a constructor: what counts is a certificate that
`replay` accepts. Notation in docstrings: Gamma is dropped, hypotheses are united.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.terms import BOOL, INDEX, RuleError, Term, bind, canon, domain, mk, num, subst, total

Judgement = tuple[Any, ...]
RULES: dict[str, Callable[..., Theorem]] = {}
_KEY = object()


class Theorem:
    """A proved judgement with its hypotheses; `rule` and `args` say how it was made."""

    __slots__ = ("args", "concl", "hyps", "rule")

    def __init__(self, key: object, hyps: frozenset[Judgement], concl: Judgement, rule: str, args: Any):
        if key is not _KEY:
            raise RuleError("theorems are made by rules only")
        self.hyps, self.concl, self.rule, self.args = hyps, concl, rule, args


def _flat(x: Any) -> list[Any]:
    return [z for y in x for z in _flat(y)] if isinstance(x, tuple | list) else [x]


def rule(f: Callable[..., Judgement | tuple[Judgement, Judgement]]) -> Callable[..., Theorem]:
    """Make a rule of a function that returns its conclusion: checks the terms, unites the hypotheses."""

    def apply(*args: Any) -> Theorem:
        flat = _flat(args)
        for t in flat:
            if isinstance(t, Term) and (t.loose or any(type(v.data[0]) is not str for v in t.free)):
                raise RuleError(f"{f.__name__}: a term is not closed")
        hyps = frozenset[Judgement]().union(*(t.hyps for t in flat if isinstance(t, Theorem)))
        concl = f(*args)
        return Theorem(_KEY, hyps | {concl} if f.__name__ == "assume" else hyps, concl, f.__name__, args)

    apply.__name__, apply.__doc__ = f.__name__, f.__doc__
    RULES[f.__name__] = apply
    return apply


def need(ok: bool, why: str) -> None:
    """Refuse unless ok."""
    if not ok:
        raise RuleError(why)


def concl(th: Theorem, kind: str) -> Any:
    """The terms of a conclusion of that kind."""
    need(isinstance(th, Theorem) and th.concl[0] == kind, f"a theorem of kind {kind} is needed")
    return th.concl[1:] if len(th.concl) > 2 else th.concl[1]


def is_var(v: Term) -> None:
    """Refuse what is not a free index variable."""
    need(isinstance(v, Term) and v.op == "v", "an index variable is needed")


def put(j: Judgement, old: Term, new: Term) -> Judgement:
    """The judgement with the closed term old replaced."""
    return (j[0], *(subst(t, old, new) for t in j[1:]))


@rule
def assume(j: Judgement) -> Judgement:
    """J |- J, for J an equation, a > 0 or a >= 0; its free indices are read as 'for all' on both sides."""
    need(len(j) == {"eq": 3, "pos": 2, "nn": 2}.get(j[0]) and not any(t.op in INDEX for t in j[1:]), "no judgement")
    return tuple(j)


@rule
def inst(th: Theorem, v: Term, e: Term) -> Judgement:
    """From J: J[v := e], e an index of the set of v."""
    is_var(v)
    need(e.op in INDEX and domain(e) == domain(v) and th.concl[0] != "icon", "wrong index set")
    return put(th.concl, v, e)


@rule
def lincomb(a: Term, b: Term, uses: list[tuple[Term, list[Term], Theorem]]) -> Judgement:
    """From l_k = r_k: a = b, if a - b and sum_k sum_{vars_k} m_k (l_k - r_k) have one normal form."""
    rest = a - b
    parts = [rest]
    for m, vs, th in uses:
        for v in vs:
            is_var(v)
        left, right = concl(th, "eq")
        parts.append(num(-1) * total(vs, m * (left - right)))
    need(not canon(mk("add", None, *parts)), "the two sides differ")
    return ("eq", a, b)


@rule
def cong(op: str, data: Any, *ths: Theorem) -> Judgement:
    """From a = b: f(a) = f(b), for f one of exp, log, inv, relu, sg, max."""
    need(op in ("exp", "log", "inv", "relu", "sg", "max") and data is None, "no such function")
    sides = [concl(t, "eq") for t in ths]
    return ("eq", mk(op, None, *(s[0] for s in sides)), mk(op, None, *(s[1] for s in sides)))


@rule
def transport(th: Theorem, eq: Theorem) -> Judgement:
    """From a > 0 (or a >= 0) and a = b: b > 0 (or b >= 0)."""
    left, right = concl(eq, "eq")
    need(th.concl[0] in ("pos", "nn") and th.concl[1] is left, "the theorem does not speak of the left side")
    return (th.concl[0], right)


@rule
def cases(m: Term, j: Judgement, one: Theorem, zero: Theorem) -> Judgement:
    """From J[m := 1] and J[m := 0]: J, for m with values 0 and 1 only."""
    need(m.op in BOOL and j[0] in ("eq", "pos", "nn"), "a 0/1 term is needed")
    need(one.concl == put(j, m, num(1)) and zero.concl == put(j, m, num(0)), "the cases are not of this judgement")
    return tuple(j)


@rule
def leibniz(t: Term, v: Term, a: Term, b: Term) -> Judgement:
    """[a = b] t[v := a] = [a = b] t[v := b]."""
    is_var(v)
    need(a.op in INDEX and b.op in INDEX and domain(a) == domain(b) == domain(v), "wrong index set")
    d = mk("eq", None, a, b)
    return ("eq", d * subst(t, v, a), d * subst(t, v, b))


@rule
def delta_sum(v: Term, e: Term) -> Judgement:
    """sum_v [v = e] = 1, v not in e."""
    is_var(v)
    need(v not in e.free, "the variable occurs in the index")
    return ("eq", bind("sum", v, mk("eq", None, v, e)), num(1))


@rule
def enumerate_sum(v: Term, t: Term) -> Judgement:
    """sum_v t = t[v := e1] + ... + t[v := ek], for v over the enumerated set {e1, ..., ek}."""
    is_var(v)
    need(isinstance(domain(v), tuple), "the index set is not enumerated")
    cases_ = (subst(t, v, mk("el", (e, domain(v)))) for e in domain(v)[1])
    return ("eq", bind("sum", v, t), mk("add", None, *cases_))


@rule
def delta_refl(e: Term) -> Judgement:
    """[e = e] = 1."""
    return ("eq", mk("eq", None, e, e), num(1))


@rule
def delta_distinct(a: Term, b: Term) -> Judgement:
    """[a = b] = 0 for two elements, written differently, of one enumerated set."""
    need(a.op == b.op == "el" and a is not b, "two different elements are needed")
    return ("eq", mk("eq", None, a, b), num(0))


@rule
def ne_def(a: Term, b: Term) -> Judgement:
    """[a != b] = 1 - [a = b]."""
    return ("eq", mk("ne", None, a, b), num(1) - mk("eq", None, a, b))


@rule
def number(kind: str, c: Term) -> Judgement:
    """c > 0, or c >= 0, for a rational number that is."""
    need(c.op == "num" and (kind == "pos" and c.data > 0 or kind == "nn" and c.data >= 0), "wrong sign")
    return (kind, c)


@rule
def nn_bool(m: Term) -> Judgement:
    """m >= 0 for a 0/1 term."""
    need(m.op in BOOL, "a 0/1 term is needed")
    return ("nn", m)


@rule
def sum_sign(v: Term, th: Theorem) -> Judgement:
    """From a > 0 (a >= 0): sum_v a > 0 (>= 0); index sets are not empty."""
    is_var(v)
    need(th.concl[0] in ("pos", "nn"), "a sign is needed")
    return (th.concl[0], bind("sum", v, th.concl[1]))


@rule
def pos_masked_sum(v: Term, some: Theorem, mask: Theorem, body: Theorem) -> Judgement:
    """From sum_v m > 0, m >= 0 and a > 0: sum_v m a > 0."""
    is_var(v)
    m, a = concl(mask, "nn"), concl(body, "pos")
    need(concl(some, "pos") is bind("sum", v, m), "the sum is not of this mask")
    return ("pos", bind("sum", v, m * a))


def boolean(t: Term) -> bool:
    """Whether t is a 0/1 term by its form: an indicator, 1, a product of such, or 1 minus such."""
    if t.op == "add" and len(t.args) == 2 and num(1) in t.args:
        (rest,) = (a for a in t.args if a is not num(1))
        (b, *more) = (a for a in rest.args if a is not MINUS) if rest.op == "mul" else (rest, rest)
        return rest is mk("mul", None, MINUS, b) and boolean(b)
    return t.op in BOOL or t is num(1) or t.op == "mul" and all(map(boolean, t.args))


def f(op: str, x: Term) -> Term:
    """A unary term."""
    return mk(op, None, x)


x, y = (mk("app", (s, ())) for s in "xy")  # the real variables of the axioms
MINUS = num(-1)
AXIOMS: dict[str, tuple[list[Judgement], Judgement]] = {
    "log_exp": ([], ("eq", f("log", f("exp", x)), x)),
    "exp_log": ([("pos", x)], ("eq", f("exp", f("log", x)), x)),
    "exp_add": ([], ("eq", f("exp", x + y), f("exp", x) * f("exp", y))),
    "exp_zero": ([], ("eq", f("exp", num(0)), num(1))),
    "log_mul": ([("pos", x), ("pos", y)], ("eq", f("log", x * y), f("log", x) + f("log", y))),
    "xlogx_mul": ([("nn", x), ("pos", y)], ("eq", x * f("log", x * y), x * f("log", x) + x * f("log", y))),
    "log_inv": ([], ("eq", f("log", f("inv", x)), MINUS * f("log", x))),
    "inv_mul": ([], ("eq", f("inv", x * y), f("inv", x) * f("inv", y))),
    "inv_inv": ([], ("eq", f("inv", f("inv", x)), x)),
    "inv_minus": ([], ("eq", f("inv", MINUS), MINUS)),
    "mul_inv": ([("pos", x)], ("eq", x * f("inv", x), num(1))),
    "relu_nn": ([("nn", x)], ("eq", f("relu", x), x)),
    "relu_neg": ([("nn", MINUS * x)], ("eq", f("relu", x), num(0))),
    "pos_exp": ([], ("pos", f("exp", x))),
    "pos_add": ([("pos", x), ("nn", y)], ("pos", x + y)),
    "pos_mul": ([("pos", x), ("pos", y)], ("pos", x * y)),
    "pos_inv": ([("pos", x)], ("pos", f("inv", x))),
    "nn_pos": ([("pos", x)], ("nn", x)),
    "nn_add": ([("nn", x), ("nn", y)], ("nn", x + y)),
    "nn_mul": ([("nn", x), ("nn", y)], ("nn", x * y)),
    "nn_inv": ([("nn", x)], ("nn", f("inv", x))),
    "nn_square": ([], ("nn", x * x)),
    "nn_relu": ([], ("nn", f("relu", x))),
}
"""name: (premises, conclusion), for all real x and y."""


@rule
def axiom(name: str, at_x: Term, at_y: Term, *premises: Theorem) -> Judgement:
    """An instance of AXIOMS[name] at two real terms, its premises proved."""
    need(name in AXIOMS and at_x.op not in INDEX and at_y.op not in INDEX, "no such axiom")
    mark = mk("app", ("y'", ()))  # simultaneous substitution, by way of a name that no axiom has

    def at(j: Judgement) -> Judgement:
        return put(put(put(j, y, mark), x, at_x), mark, at_y)

    wanted, conclusion = AXIOMS[name]
    need([at(j) for j in wanted] == [p.concl for p in premises], f"{name}: the premises are not proved")
    return at(conclusion)


Block = tuple[Any, ...]  # anchors, A, neighbours, M, w, p, k: index variables and their 0/1 conditions, weight, pair


def icon(blocks: tuple[Block, ...]) -> Term:
    """sum over blocks and anchors of A w KL(p || q): sum_M (p log p - p log q), q = k / sum_M k."""

    def kl(nbs: list[Term], m: Term, p: Term, k: Term) -> Term:
        z = total(nbs, m * k)
        return total(nbs, m * (p * f("log", p) - p * f("log", k * f("inv", z))))

    return mk("add", None, *(total(an, a * (w * kl(nb, m, p, k))) for an, a, nb, m, w, p, k in blocks))


def mentions(t: Term, names: frozenset[str]) -> bool:
    """Whether t mentions a family of that name."""
    return t.op == "app" and t.data[0] in names or any(mentions(a, names) for a in t.args)


@rule
def exact(
    published: Term, scale: Term, constant: Term, blocks: Any, learned: list[str], eq: Theorem, signs: Any, rows: Any, weights: Theorem
) -> Judgement:
    """published = scale * icon(blocks) + constant, a true I-Con identity.

    Premises: that equation; scale > 0; per block w >= 0, p >= 0, k > 0, A * sum_M p = A (rows of p sum to
    one on the allowed set); the weights sum to one. Nothing but k mentions a learned family.
    """
    names = frozenset(learned)
    need(all(boolean(t) for b in blocks for t in (b[1], b[3])), "a condition of a block is not a 0/1 term")
    for v in (v for b in blocks for v in b[0] + b[2]):
        is_var(v)
    need(eq.concl == ("eq", published, scale * icon(blocks) + constant), "the equation is not of this claim")
    wanted = [("pos", scale)] + [j for b in blocks for j in (("nn", b[4]), ("nn", b[5]), ("pos", b[6]))]
    need([t.concl for t in signs] == wanted, "the signs are not of this claim")
    norm = [("eq", a * total(nb, m * p), a) for _, a, nb, m, _, p, _ in blocks]
    need([t.concl for t in rows] == norm, "the rows of p are not shown to sum to one")
    mass = mk("add", None, *(total(b[0], b[1] * b[4]) for b in blocks))
    need(weights.concl == ("eq", mass, num(1)), "the weights are not shown to sum to one")
    fixed = [scale, constant] + [t for b in blocks for t in (b[1], b[3], b[4], b[5])]
    need(not any(mentions(t, names) for t in fixed), "scale, constant, weights or p mention a learned symbol")
    return ("icon", published, scale, constant, blocks, tuple(learned))


