"""The sympy judge: the surface formulas themselves, written out at a tiny N, to 40 digits.

It reads the tree of `catalog.symbols` and shares no code with the translation to terms, the tape or
the balls, so an error in any of those shows as a disagreement. It evaluates; what it says about
zero is numerical evidence to 30 digits. sympy is imported on first use, it takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from catalog import symbols as s
from catalog.spec import Icon, Method

if TYPE_CHECKING:
    from derive.models import Model

DIGITS, EQUAL = 40, 30
WORKING = 70  # digits of a value that is not kept as an expression
Env = Mapping[s.IVar, int]


@dataclass(frozen=True)
class SympyReport:
    """outcome: "agree", "different" or "abstain"; the values with 40 digits; what is to be said."""

    outcome: str
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    detail: str = ""


def free_letters(fact: s.Fact) -> set[s.IVar]:
    """The letters of a fact that no binder in it binds."""
    bound = {v for side in (fact.left, fact.right) for n in s.walk(side) for v in bound_by(n)}
    seen = {n for side in (fact.left, fact.right) for n in s.walk(side) if isinstance(n, s.IVar)}
    return seen - bound


def bound_by(node: s.Node) -> tuple[s.IVar, ...]:
    """The letters that a node binds."""
    return node.vars if isinstance(node, s.Big | s.Size) else ()


class NoValue(Exception):
    """A logarithm of 0, a division by 0, a value that is not real."""


class Writer:
    """Writes formulas out over the finite sets of one model; learned entries are sympy symbols.

    With `values`, learned entries too are numbers, and what is not rational has 70 digits: many
    times faster, but nothing cancels that is not exactly equal.
    """

    def __init__(self, model: Model, learned: frozenset[str], values: bool = False):
        import sympy

        self.sp, self.model, self.learned, self.values = sympy, model, learned, values
        self.point: dict[Any, Any] = {}

    # ------------------------------------------------------------ indices and conditions

    def size(self, index_set: s.IndexSet) -> int:
        """The number of elements of a set."""
        return len(index_set.elements) or self.model.sizes[index_set.name]

    def index(self, i: s.Index, env: Env) -> int:
        """The element that an index denotes."""
        if isinstance(i, s.IVar):
            return env[i]
        if not i.args and i.name in i.set.elements:
            return i.set.elements.index(i.name)
        return self.model.functions[i.name][tuple(self.index(a, env) for a in i.args)]

    def holds(self, c: s.Cond, env: Env) -> bool:
        """Whether a condition holds."""
        match c:
            case s.Equal(a, b, negated):
                return (self.index(a, env) == self.index(b, env)) != negated
            case s.Mask(name, args, negated):
                at = tuple(self.index(a, env) for a in args)
                return bool(self.model.masks[name][at]) != negated
            case s.SetRef(_, _, _, cond, negated):
                return self.holds(cond, env) != negated
            case s.And(args):
                return all(self.holds(a, env) for a in args)
            case s.Or(args):
                return any(self.holds(a, env) for a in args)
        raise TypeError(c)

    def choices(self, vs: tuple[s.IVar, ...], cond: s.Cond, env: Env) -> Iterator[Env]:
        """The values of bound variables that satisfy a condition."""
        for at in product(*(range(self.size(v.set)) for v in vs)):
            inner = {**env, **dict(zip(vs, at, strict=True))}
            if self.holds(cond, inner):
                yield inner

    # ------------------------------------------------------------ scalars and vectors

    def entry(self, name: str, at: tuple[int, ...]) -> Any:
        """An entry of a declared array: a number if given, a symbol if learned."""
        q = self.model.families[name][at]
        value = self.sp.Rational(q.numerator, q.denominator)
        if name not in self.learned or self.values:
            return value
        symbol = self.sp.Symbol("_".join([name, *map(str, at)]), real=True)
        self.point[symbol] = value
        return symbol

    def kept(self, x: Any) -> Any:
        """An expression, or its value where values are asked for."""
        return x.evalf(WORKING) if self.values and not x.is_Rational else x

    def times(self, factors: Sequence[s.Expr], env: Env) -> Any:
        """A product; what stands beside a 0 need not have a value (masks, and 0 log 0 = 0)."""
        simple = (s.Num, s.Iverson, s.Sym, s.Size)
        out = self.sp.Integer(1)
        for f in sorted(factors, key=lambda f: not isinstance(f, simple)):
            out = out * self.scalar(f, env)
            if out == 0:
                return out
        return out

    def over(self, a: Any, b: Any) -> Any:
        """A quotient."""
        if b == 0:
            raise NoValue("a division by 0")
        return a / b

    def log(self, x: Any) -> Any:
        """A logarithm."""
        if x.is_number and not x.is_positive:
            raise NoValue(f"the logarithm of {x}")
        return self.kept(self.sp.log(x))

    def vector(self, e: s.Expr, env: Env) -> list[Any]:
        """The coordinates of a vector."""
        match e:
            case s.Sym(name, args, _, dim, _):
                assert dim is not None
                at = tuple(self.index(i, env) for i in args)
                return [self.entry(name, (*at, k)) for k in range(self.size(dim))]
            case s.Add(args):
                return [sum(xs) for xs in zip(*(self.vector(a, env) for a in args), strict=True)]
            case s.Mul(args):
                vectors = [a for a in args if self.is_vector(a)]
                c = self.times([a for a in args if not self.is_vector(a)], env)
                return [c * x for x in self.vector(vectors[0], env)]
            case s.Div(a, b):
                return [self.over(x, self.scalar(b, env)) for x in self.vector(a, env)]
            case s.Call("sg", (a,)) | s.Macro(_, _, a):
                return self.vector(a, env)
            case s.Big("sum" | "mean" as op, vs, cond, body):
                rows = [self.vector(body, inner) for inner in self.choices(vs, cond, env)]
                if not rows:
                    raise NoValue("a mean over nothing" if op == "mean" else "a sum of no vectors")
                n = len(rows) if op == "mean" else 1
                return [sum(xs) / n for xs in zip(*rows, strict=True)]
        raise TypeError(f"no vector: {e}")

    def is_vector(self, e: s.Expr) -> bool:
        """Whether an expression is a vector."""
        match e:
            case s.Sym(_, _, _, dim, _):
                return dim is not None
            case s.Add(args) | s.Mul(args):
                return any(map(self.is_vector, args))
            case s.Div(a, _) | s.Macro(_, _, a) | s.Big(_, _, _, a) | s.Call("sg", (a,)):
                return self.is_vector(a)
        return False

    def dot(self, u: s.Expr, v: s.Expr, env: Env) -> Any:
        """An inner product."""
        return sum(a * b for a, b in zip(self.vector(u, env), self.vector(v, env), strict=True))

    def scalar(self, e: s.Expr, env: Env) -> Any:
        """A scalar as a sympy expression."""
        sp = self.sp
        match e:
            case s.Num(v):
                return sp.Rational(v.numerator, v.denominator)
            case s.Sym(name, args, _, _, _):
                return self.entry(name, tuple(self.index(i, env) for i in args))
            case s.Add(args):
                return sum((self.scalar(a, env) for a in args), sp.Integer(0))
            case s.Mul(args):
                return self.times(args, env)
            case s.Div(a, b):
                above = self.scalar(a, env)
                return above if above == 0 else self.over(above, self.scalar(b, env))
            case s.Pow(b, x):
                base, power = self.scalar(b, env), self.scalar(x, env)
                if power.is_negative:
                    return self.over(1, self.kept(base**-power))
                return self.kept(base**power)
            case s.Dot(u, v):
                return self.dot(u, v, env)
            case s.SqNorm(u):
                return self.dot(u, u, env)
            case s.Norm(u):
                return self.kept(sp.sqrt(self.dot(u, u, env)))
            case s.Cos(u, v):
                below = self.kept(sp.sqrt(self.dot(u, u, env) * self.dot(v, v, env)))
                return self.over(self.dot(u, v, env), below)
            case s.Iverson(c):
                return sp.Integer(int(self.holds(c, env)))
            case s.Size(vs, cond, _):
                return sp.Integer(sum(1 for _ in self.choices(vs, cond, env)))
            case s.Macro(_, _, body):
                return self.scalar(body, env)
            case s.Big(op, vs, cond, body):
                xs = [self.scalar(body, inner) for inner in self.choices(vs, cond, env)]
                if op == "sum":
                    return sum(xs, sp.Integer(0))
                if op == "mean":
                    return self.over(sum(xs, sp.Integer(0)), sp.Integer(len(xs)))
                return (sp.Max if op == "max" else sp.Min)(*xs) if xs else sp.Integer(0)
            case s.Call(fn, args):
                return self.call(fn, [self.scalar(a, env) for a in args])
        raise TypeError(f"no scalar: {e}")

    def call(self, fn: str, xs: list[Any]) -> Any:
        """A function of the language."""
        sp, x = self.sp, xs[0]
        match fn:
            case "log":
                return self.log(x)
            case "sigmoid":
                return 1 / (1 + self.kept(sp.exp(-x)))
            case "softplus":
                return self.log(1 + self.kept(sp.exp(x)))
            case "relu":
                return sp.Max(x, 0)
            case "sg":
                return x
            case "max" | "min":
                return (sp.Max if fn == "max" else sp.Min)(*xs)
        return self.kept(getattr(sp, fn)(x))  # exp, sqrt

    # ------------------------------------------------------------ the claim

    def icon(self, method: Method) -> Any:
        """The sum over blocks and anchors of weight * KL(p || q), q normalised."""
        loss = self.sp.Integer(0)
        for b in method.icon.blocks:
            for env in self.choices(b.anchors, b.anchor_cond, {}):
                rows = list(self.choices(b.neighbours, b.neighbour_cond, env))
                z = sum((self.scalar(b.kernel, row) for row in rows), self.sp.Integer(0))
                weight = self.scalar(b.weight, env)
                for row in rows:
                    p = self.scalar(b.p, row)
                    q = self.over(self.scalar(b.kernel, row), z)
                    loss += weight * self.divergence(method.icon, p, q)
        return loss

    def divergence(self, icon: Icon, p: Any, q: Any) -> Any:
        """What the divergence of the pair sums over the neighbours; 0 log 0 is 0."""
        sp, half = self.sp, self.sp.Rational(1, 2)

        def kl(x: Any, y: Any) -> Any:
            return x * (self.log(x) - self.log(y)) if x != 0 else sp.Integer(0)

        a = self.scalar(icon.degree, {})
        match icon.divergence:
            case "kl":
                return kl(p, q)
            case "reverse-kl":
                return kl(q, p)
            case "jeffreys":
                return kl(p, q) + kl(q, p)
            case "jsd":
                return half * (kl(p, (p + q) / 2) + kl(q, (p + q) / 2))
            case "tv":
                return half * sp.Abs(p - q)
            case "hellinger":
                return half * (sp.sqrt(p) - sp.sqrt(q)) ** 2
            case "chi2" | "neyman-chi2":
                return self.over((p - q) ** 2, q if icon.divergence == "chi2" else p)
            case "alpha":
                return (p**a * q ** (1 - a) - a * p - (1 - a) * q) / (a * (a - 1))
            case "cressie-read":
                return (p ** (a + 1) * q ** (-a) - p) / (a * (a + 1))
            case "tsallis":
                return (p**a * q ** (1 - a) - p) / (a - 1)
            case "generalised-kl":
                return kl(p, q) - p + q
            case "squared":
                return half * (p - q) ** 2
            case "itakura-saito":
                return self.over(p, q) - self.log(p) + self.log(q) - 1
        raise TypeError(icon.divergence)

    def statements(self, method: Method) -> Iterator[tuple[str, Any, Any, str]]:
        """(words, left, right, relation) of every statement at all values of its free letters."""
        for fact in method.statements:
            letters = tuple(sorted(free_letters(fact), key=lambda v: v.name))
            for env in self.choices(letters, s.TRUE, {}):
                a, b = self.scalar(fact.left, env), self.scalar(fact.right, env)
                yield fact.text, a, b, fact.relation
        claim = method.claim
        if method.statements:
            return
        target = self.scalar(claim.scale, {}) * self.icon(method) + self.scalar(claim.constant, {})
        e = self.scalar(method.published, {}) - target
        if claim.below is not None:
            yield "the bound below", e, -self.scalar(claim.below, {}), ">="
        if claim.above is not None:
            yield "the bound above", self.scalar(claim.above, {}), e, ">="

    def number(self, e: Any) -> Any:
        """The value at the model's learned point, a real number with 40 digits."""
        x = self.sp.N(e.xreplace(self.point), DIGITS)
        if not x.is_real or not x.is_finite:
            raise NoValue(f"a value that is not a real number: {self.sp.N(x, 8)}")
        return x


def judge(
    method: Method, models: Sequence[Model], structure: bool = False, values: bool = False
) -> SympyReport:
    """The claim of a method at one model, or at three that differ in learned values only.

    At one: published against scale * I-Con + constant. At three: whether any scale and constant
    fit. `structure` also asks sympy whether the difference is 0 by its own rules. See `Writer` for
    `values`.
    """
    learned = frozenset(d.name for d in method.declarations.values() if d.learned)
    left, right, detail = [], [], ""
    try:
        for m in models:
            w = Writer(m, learned, values)
            a, b = w.scalar(method.published, {}), w.icon(method)
            if len(models) == 1:
                b = w.scalar(method.claim.scale, {}) * b + w.scalar(method.claim.constant, {})
                detail = zero(w.sp, a - b) if structure else ""
            left.append(w.number(a))
            right.append(w.number(b))
    except NoValue as why:
        return SympyReport("different", detail=f"no value: {why}")
    except (KeyError, TypeError) as what:
        return SympyReport("abstain", detail=f"cannot be written out: {what}")
    if len(models) == 1:
        off, size = abs(left[0] - right[0]), 1 + abs(left[0])
    else:
        (a, b), (c, d) = ((left[k] - left[0], right[k] - right[0]) for k in (1, 2))
        off, size = abs(a * d - c * b), 1 + abs(a * d) + abs(c * b)
    outcome = "agree" if off < size * 10**-EQUAL else "different"
    return SympyReport(outcome, tuple(map(str, left)), tuple(map(str, right)), detail)


def judge_statements(method: Method, model: Model, values: bool = False) -> SympyReport:
    """Every statement of a theorem, or both bounds of a claim, at one model, to 30 digits."""
    learned = frozenset(d.name for d in method.declarations.values() if d.learned)
    left, right, bad = [], [], ""
    try:
        w = Writer(model, learned, values)
        for words, a, b, relation in w.statements(method):
            x, y = w.number(a), w.number(b)
            left.append(str(x))
            right.append(str(y))
            thin = (1 + abs(x) + abs(y)) * 10**-EQUAL
            fine = abs(x - y) < thin if relation == "=" else x > y - thin
            if relation == ">" and abs(x - y) < thin:
                fine = w.number(a - b) > 0  # of the difference itself: 1 + exp(-200) > 1 is true
            bad = bad or ("" if fine else words)
    except NoValue as why:
        return SympyReport("different", detail=f"no value: {why}")
    except (KeyError, TypeError) as what:
        return SympyReport("abstain", detail=f"cannot be written out: {what}")
    return SympyReport("different" if bad else "agree", tuple(left), tuple(right), bad)


def zero(sp: Any, difference: Any) -> str:
    """Whether sympy's expansion of logarithms makes the difference 0. Evidence, never a proof.

    `expand_log(force=True)` is unsound unless every argument is positive, so it decides nothing.
    """
    if difference.count_ops() > 600:
        return "too large to expand"
    expanded = sp.expand(sp.expand_log(difference, force=True))
    return "the expansion of logarithms is 0" if expanded == 0 else "not 0 by expansion alone"
