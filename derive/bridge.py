"""Surface formulas -> terms: vectors become sums over coordinates, conditions 0/1 factors.

Not trusted: a certificate is about the terms it shows. What keeps this honest is the sympy judge,
which translates the surface tree on its own, and the numpy references of the tests.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import count
from typing import Any

from catalog import symbols as s
from catalog.errors import InputError
from catalog.naming import same
from catalog.pair import divergence
from catalog.spec import Claim, Method
from derive.claims import HALF, Block, icon, total
from derive.hidden import abbreviations, in_symbols, layers
from derive.poly import substitute
from derive.terms import Domain, Term, bind, mk, num, order, var
from derive.theorem import MINUS, Judgement

_coordinate = count(1)


@dataclass(frozen=True)
class Problem:
    """A claim in terms: published = scale * icon(blocks) + constant under hyps.

    `divergence`, `degree` and `slack` are those of `derive.claims.claim`. A theorem has `facts` in
    place of all that. `steps` are lemmas on the way, with the file's words. `learned` names the
    families that training changes; `hyps` are judgements whose free indices read 'for all';
    `texts` says in words where each hypothesis comes from and `dims` lists the index sets of the
    coordinates of vectors.
    """

    published: Term
    scale: Term
    constant: Term
    blocks: tuple[Block, ...]
    learned: tuple[str, ...]
    hyps: tuple[Judgement, ...]
    texts: tuple[str, ...]
    dims: frozenset[Domain]
    divergence: str = "kl"
    degree: Term = HALF
    slack: tuple[Any, ...] = ()
    facts: tuple[Judgement, ...] = ()
    fact_texts: tuple[str, ...] = ()
    steps: tuple[Judgement, ...] = ()
    step_texts: tuple[str, ...] = ()
    worlds: tuple[World, ...] = ()  # the same with symbols for abbreviations (derive.hidden)

    @property
    def target(self) -> Term:
        """The I-Con side: scale * icon(blocks) + constant."""
        return self.scale * icon(self.blocks, self.divergence, self.degree) + self.constant

    @property
    def equation(self) -> bool:
        """Whether the claim is published = target."""
        return not self.slack and not self.facts

    @property
    def small(self) -> Term | None:
        """What goes to 0 in a limit or expansion: the parameter, or 1 over it."""
        return self.slack[2] if self.slack and self.slack[2] != "" else None

    def judgements(self) -> tuple[Judgement, ...]:
        """What is claimed, without the conditions on the pair."""
        if self.facts:
            return self.facts
        if not self.slack:
            return (("eq", self.published, self.target),)
        e, (below, above) = self.published - self.target, self.slack[:2]
        out = [("nn", e + below)] if below != "" else []
        return (*out, ("nn", above - e)) if above != "" else tuple(out)


@dataclass(frozen=True)
class World:
    """A claim with symbols for abbreviations, and what they stand for: name, letters, body."""

    problem: Problem
    meaning: tuple[tuple[str, tuple[Term, ...], Term], ...]


def dom(index_set: s.IndexSet) -> Domain:
    """The domain of an index set; an enumerated one carries its elements."""
    return (index_set.name, index_set.elements) if index_set.elements else index_set.name


def index(i: s.Index) -> Term:
    """An index as a term."""
    if isinstance(i, s.IVar):
        return var(i.name, dom(i.set))
    if not i.args and i.name in i.set.elements:
        return mk("el", (i.name, dom(i.set)))
    args = [index(a) for a in i.args]
    return mk("fn", (i.name, tuple(dom(a.set) for a in i.args), dom(i.set)), *args)


def negate(t: Term) -> Term:
    """1 - t for a 0/1 term."""
    return mk("add", None, num(1), MINUS * t)


def condition(c: s.Cond) -> Term:
    """A condition as a 0/1 term: a product of indicators, disjunction by De Morgan."""
    match c:
        case s.Equal(a, b, negated):
            return mk("ne" if negated else "eq", None, index(a), index(b))
        case s.Mask(name, args, negated):
            t = mk("mask", (name, tuple(dom(a.set) for a in args)), *map(index, args))
            return negate(t) if negated else t
        case s.SetRef(_, _, _, cond, negated):
            return negate(condition(cond)) if negated else condition(cond)
        case s.Or(args):
            return negate(product([negate(condition(a)) for a in args]))
        case s.And(args):
            return product([condition(a) for a in args])
    raise TypeError(c)


def product(factors: list[Term]) -> Term:
    """The product of a list; nested products are merged so that conditions read flat."""
    flat = [g for f in factors for g in (f.args if f.op == "mul" else (f,)) if g is not num(1)]
    return flat[0] if len(flat) == 1 else mk("mul", None, *flat) if flat else num(1)


def power(base: Term, exponent: s.Expr) -> Term:
    """Base ^ exponent: by products for a small integer, else exp(exponent * log base)."""
    e = number(exponent)
    if e is not None and e.denominator == 1 and abs(e) <= 16:
        if e == 0:
            return num(1)
        p = reduce(lambda x, y: x * y, [base] * abs(int(e)))
        return p if e > 0 else mk("inv", None, p)
    return mk("exp", None, scalar(exponent) * mk("log", None, base))


def number(e: s.Expr) -> Fraction | None:
    """The rational that an expression of numbers only stands for, else None."""
    match e:
        case s.Num(v):
            return v
        case s.Macro(_, _, body):
            return number(body)
        case s.Add(args) | s.Mul(args):
            values = [x for a in args if (x := number(a)) is not None]
            if len(values) < len(args):
                return None
            return reduce(operator.add if isinstance(e, s.Add) else operator.mul, values)
        case s.Div(a, b):
            x, y = number(a), number(b)
            return x / y if x is not None and y else None
    return None


def coordinate(v: s.Expr, a: Term) -> Term:
    """Coordinate a of a vector expression."""
    match v:
        case s.Sym(name, args, _, dim, _):
            assert dim is not None
            doms = (*(dom(i.set) for i in args), dom(dim))
            return mk("app", (name, doms), *map(index, args), a)
        case s.Add(args):
            return mk("add", None, *(coordinate(x, a) for x in args))
        case s.Mul(args):
            return mk("mul", None, *(coordinate(x, a) if is_vector(x) else scalar(x) for x in args))
        case s.Div(x, y):
            return coordinate(x, a) * inverse(y)
        case s.Call("sg", (x,)):
            return mk("sg", None, coordinate(x, a))
        case s.Macro(_, _, body):
            return coordinate(body, a)
        case s.Big("sum" | "mean", vs, cond, body):
            return big(v.op, vs, cond, coordinate(body, a))
    raise TypeError(f"no vector: {v}")


def dimension(v: s.Expr) -> s.IndexSet | None:
    """The index set of the coordinates of a vector expression, None for a scalar."""
    match v:
        case s.Sym(_, _, _, dim, _):
            return dim
        case s.Add(args) | s.Mul(args):
            return next((d for d in map(dimension, args) if d), None)
        case s.Div(x, _) | s.Macro(_, _, x) | s.Big(_, _, _, x) | s.Call("sg", (x,)):
            return dimension(x)
    return None


def is_vector(v: s.Expr) -> bool:
    """Whether an expression is a vector."""
    return dimension(v) is not None


def inner(u: s.Expr, v: s.Expr) -> Term:
    """Inner product, a sum over coordinates."""
    d = dimension(u)
    assert d is not None
    a = var(f"a'{next(_coordinate)}", dom(d))
    return bind("sum", a, coordinate(u, a) * coordinate(v, a))


def root(t: Term) -> Term:
    """Square root of a positive term."""
    return mk("exp", None, num(Fraction(1, 2)) * mk("log", None, t))


def big(op: str, vs: tuple[s.IVar, ...], cond: s.Cond, body: Term) -> Term:
    """A big operator over a lowered body."""
    ivs, m = [index(v) for v in vs], condition(cond)
    if op in ("sum", "mean"):
        value = total(ivs, body if m is num(1) else m * body)
        return value * mk("inv", None, total(ivs, m)) if op == "mean" else value
    if len(ivs) > 1:
        raise InputError(
            f"{op} over several indices at once is not supported; nest {op}[i] {op}[j] instead"
        )
    if op == "max":
        return bind("bigmax", ivs[0], m, body)
    return MINUS * bind("bigmax", ivs[0], m, MINUS * body)


def inverse(e: s.Expr) -> Term:
    """1/e, a number where e is one."""
    c = number(e)
    return num(1 / c) if c else mk("inv", None, scalar(e))


def scalar(e: s.Expr) -> Term:
    """A scalar expression as a term."""
    match e:
        case s.Num(v):
            return num(v)
        case s.Sym(name, args, _, _, _):
            return mk("app", (name, tuple(dom(i.set) for i in args)), *map(index, args))
        case s.Add(args):
            return mk("add", None, *map(scalar, args))
        case s.Mul(args):
            return mk("mul", None, *map(scalar, args))
        case s.Div(a, b):
            return scalar(a) * inverse(b)
        case s.Pow(s.Norm(u), x) if (even := number(x)) is not None and even % 2 == 0:
            return power(inner(u, u), s.Num(even / 2))  # a square root needs no root
        case s.Pow(b, x):
            return power(scalar(b), x)
        case s.Dot(u, v):
            return inner(u, v)
        case s.SqNorm(u):
            return inner(u, u)
        case s.Norm(u):
            return root(inner(u, u))
        case s.Cos(u, v):
            lengths = (mk("inv", None, root(inner(w, w))) for w in (u, v))
            return mk("mul", None, inner(u, v), *lengths)
        case s.Iverson(c):
            return condition(c)
        case s.Big(op, vs, cond, body):
            return big(op, vs, cond, scalar(body))
        case s.Size(vs, cond, _):
            return total([index(v) for v in vs], condition(cond))
        case s.Macro(_, _, body):
            return scalar(body)
        case s.Call(fn, args):
            xs = [scalar(a) for a in args]
            match fn:
                case "exp" | "log" | "relu" | "sg":
                    return mk(fn, None, xs[0])
                case "max":
                    return mk("max", None, *xs)
                case "min":
                    return MINUS * mk("max", None, *(MINUS * x for x in xs))
                case "sqrt":
                    return root(xs[0])
                case "sigmoid":
                    return mk("inv", None, num(1) + mk("exp", None, MINUS * xs[0]))
                case "softplus":
                    return mk("log", None, num(1) + mk("exp", None, xs[0]))
    raise TypeError(f"no scalar: {e}")


def below_root(fact: s.Fact) -> s.Expr:
    """The left side of a fact, x for |u| > 0 with x = |u|^2 and for sqrt(x) > 0.

    Roots are exponentials of logarithms here, positive whatever is below them.
    """
    if fact.relation == ">" and fact.right == s.Num(Fraction(0)):
        match fact.left:
            case s.Norm(u):
                return s.SqNorm(u)
            case s.Call("sqrt", (x,)):
                return x
    return fact.left


def facts(method: Method) -> list[tuple[Judgement, str]]:
    """The hypotheses of a method: what its types say and what it assumes, each with its words."""
    out: list[tuple[Judgement, str]] = []
    for d in method.declarations.values():
        if not isinstance(d.form, s.Sym) or d.form.dim is not None or d.form.kind == "real":
            continue
        t, kind, words = scalar(d.form), d.form.kind, f"{d.name} is {d.text.split('[')[0]}"
        if kind in ("positive", "probability"):
            out.append((("pos", t), words))
        else:
            out.append((("nn", t), words))
        if kind == "probability":
            out.append((("pos", num(1) - t), words))
        if kind == "distribution":
            j = index(d.form.args[-1])
            out.append((("eq", bind("sum", j, t), num(1)), f"the rows of {d.name} sum to one"))
    return out + [(judgement(fact), fact.text) for fact in method.assumes]


def judgement(fact: s.Fact) -> Judgement:
    """A fact as a judgement."""
    a, b = scalar(below_root(fact)), scalar(fact.right)
    if fact.relation == "=":
        return ("eq", a, b)
    return ("pos" if fact.relation == ">" else "nn", a if b is num(0) else a - b)


def slack(claim: Claim) -> tuple[Any, ...]:
    """The bounds of a claim as `derive.claims.claim` takes them."""
    if claim.below is None and claim.above is None:
        return ()
    below, above = ("" if b is None else scalar(b) for b in (claim.below, claim.above))
    if not claim.parameter:
        return (below, above, "", "")
    t = mk("app", (claim.parameter, ()))
    return (below, above, t if claim.to == "0" else mk("inv", None, t), str(claim.order))


def plain_names(terms: tuple[Term, ...]) -> dict[Term, Term]:
    """For each free index variable its bare letter, numbered where two share it.

    The reader of formulas makes letters unique by a count that differs from run to run; a
    certificate must not.
    """
    names: dict[Term, Term] = {}
    taken: set[str] = set()
    for v in (v for t in terms for v in sorted(t.free, key=order)):
        if v not in names:
            letter = str(v.data[0]).split("'")[0]
            name = next(
                n for k in count(1) if (n := letter if k == 1 else f"{letter}{k}") not in taken
            )
            taken.add(name)
            names[v] = var(name, v.data[1])
    return names


def renamed(t: Term, names: dict[Term, Term]) -> Term:
    """A term with its free index variables renamed."""
    return substitute(t, {v: w for v, w in names.items() if v is not w})


def plain_block(b: Block) -> Block:
    """A block whose variables have bare letters."""
    anchors, a, nbs, m, w, p, k = b
    names = plain_names((*anchors, *nbs))
    new = tuple(tuple(renamed(v, names) for v in vs) for vs in (anchors, nbs))
    a, m, w, p, k = (renamed(t, names) for t in (a, m, w, p, k))
    return (new[0], a, new[1], m, w, p, k)


def plain_fact(j: Judgement) -> Judgement:
    """A hypothesis whose free indices have bare letters."""
    names = plain_names(j[1:])
    return (j[0], *(renamed(t, names) for t in j[1:]))


def problem(method: Method) -> Problem:
    """The claim of a method in terms; for an inequality also in terms of its abbreviations."""
    whole = in_terms(method)
    if whole.equation and not whole.steps:
        return whole
    bodies = {k: v for k, v in abbreviations(method).items() if not is_vector(v[1])}
    return replace(whole, worlds=tuple(
        World(in_terms(in_symbols(method, some)),
              tuple((k, tuple(map(index, v)), scalar(x)) for k, (v, x) in some.items()))
        for some in (layers(bodies) if bodies else ())
    ))  # fmt: skip


def in_terms(method: Method) -> Problem:
    """The claim of a method in terms."""
    blocks = tuple(
        (
            tuple(map(index, b.anchors)), condition(b.anchor_cond), tuple(map(index, b.neighbours)),
            condition(b.neighbour_cond), scalar(b.weight), scalar(b.p), scalar(b.kernel),
        )
        for b in method.icon.blocks
    )  # fmt: skip
    blocks = tuple(map(plain_block, blocks))
    hyps = [(plain_fact(j), words) for j, words in facts(method)]
    shapes = (d.form for d in method.declarations.values())
    kind, degree = method.icon.divergence, scalar(method.icon.degree)
    # What a definition publishes is the divergence itself: its pair is what there is to prove. It
    # is so only as long as nobody changed the one without the other.
    own = method.claim.relation == "definition" and same(method.published, divergence(method.icon))
    published = icon(blocks, kind, degree) if own else scalar(method.published)
    return Problem(
        published, scalar(method.claim.scale), scalar(method.claim.constant), blocks,
        tuple(sorted(d.name for d in method.declarations.values() if d.learned)),
        tuple(j for j, _ in hyps), tuple(w for _, w in hyps),
        frozenset(dom(f.dim) for f in shapes if isinstance(f, s.Sym) and f.dim),
        kind, degree, slack(method.claim),
        tuple(plain_fact(judgement(f)) for f in method.statements),
        tuple(f.text for f in method.statements),
        tuple(plain_fact(judgement(f)) for f in method.steps),
        tuple(f.text for f in method.steps),
    )  # fmt: skip
