"""The value and gradient of a method, straight from its formulas: what programs are held to.

A recursive interpreter of `catalog.symbols` with one Python float per number and a tape of partial
derivatives. Loops only, standard library only, no tensor: nothing here is shared with the programs
it judges. It is slow, so it is for a handful of points.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from catalog.divergences import DIVERGENCES
from catalog.formula import parse_expr
from catalog.scope import Scope, Value
from catalog.spec import Icon, Method
from catalog.symbols import (
    Add,
    And,
    Big,
    Call,
    Cond,
    Cos,
    Div,
    Dot,
    Equal,
    Expr,
    Index,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Norm,
    Num,
    Or,
    Pow,
    SetRef,
    Size,
    SqNorm,
    Sym,
    free_indices,
)  # fmt: skip
from codegen.tape import UNARY, Var, added, backward, dot, product, total

Array: TypeAlias = Any  # a number, or nested sequences of numbers
Env: TypeAlias = Mapping[IVar, int]


@dataclass
class Interpreter:
    """Evaluates formulas on given data.

    `sizes` gives the number of elements of each index set by name, `data` the value of each
    declared symbol as nested sequences in the order of its arguments (a vector has its coordinates
    last; an index-valued function holds positions; a mask holds 0 and 1).
    """

    sizes: Mapping[str, int]
    data: Mapping[str, Array]

    number: ClassVar[Any] = float
    unary: ClassVar[Mapping[str, Callable[[Any], tuple[Any, Any]]]] = UNARY

    def __post_init__(self) -> None:
        self.leaves: dict[tuple[str, tuple[int, ...]], Any] = {}
        self.memo: dict[tuple[int, tuple[tuple[IVar, int], ...]], Any] = {}
        self.free: dict[int, tuple[IVar, ...]] = {}
        self.keep: list[object] = []  # ids in `memo` stay valid while the nodes live

    # ----------------------------------------------------------------- indices and conditions

    def index(self, index: Index, env: Env) -> int:
        """The position of an index in its set."""
        if isinstance(index, IVar):
            return env[index]
        if not index.args and index.name in index.set.elements:
            return index.set.elements.index(index.name)
        return int(self.entry(index.name, index.args, env))

    def entry(self, name: str, args: tuple[Index, ...], env: Env) -> Any:
        """The entry of a declared array."""
        value = self.data[name]
        for arg in args:
            value = value[self.index(arg, env)]
        return value

    def holds(self, cond: Cond, env: Env) -> bool:
        """Whether a condition is true."""
        match cond:
            case Equal(a, b, negated):
                return (self.index(a, env) == self.index(b, env)) != negated
            case Mask(name, args, negated):
                return bool(self.entry(name, args, env)) != negated
            case And(args):
                return all(self.holds(c, env) for c in args)
            case Or(args):
                return any(self.holds(c, env) for c in args)
            case SetRef():
                return self.holds(cond.cond, env) != cond.negated

    def assignments(
        self, vars: tuple[IVar, ...], cond: Cond, env: Env
    ) -> Iterator[dict[IVar, int]]:
        """Every value of `vars` that satisfies `cond`."""
        for values in itertools.product(*(range(self.size(v.set.name)) for v in vars)):
            inner = {**env, **dict(zip(vars, values, strict=True))}
            if self.holds(cond, inner):
                yield inner

    def size(self, name: str) -> int:
        """The number of elements of an index set."""
        return self.sizes[name]

    # ----------------------------------------------------------------- scalars and vectors

    def scalar(self, node: Expr, env: Env) -> Var:
        """The value of a scalar formula."""
        value = self.value(node, env)
        if isinstance(value, list):
            raise TypeError(f"a vector stands where a number should: {node}")
        assert isinstance(value, Var)
        return value

    def vector(self, node: Expr, env: Env) -> list[Var]:
        """The value of a vector formula."""
        value = self.value(node, env)
        if not isinstance(value, list):
            raise TypeError(f"a number stands where a vector should: {node}")
        return value

    def value(self, node: Expr, env: Env) -> Var | list[Var]:
        """The value of a formula; equal nodes under equal indices are evaluated once."""
        if id(node) not in self.free:
            self.keep.append(node)
            self.free[id(node)] = tuple(sorted(free_indices(node), key=lambda v: v.name))
        key = (id(node), tuple((v, env[v]) for v in self.free[id(node)]))
        if key not in self.memo:
            self.memo[key] = self._value(node, env)
        return self.memo[key]  # type: ignore[no-any-return]

    def _value(self, node: Expr, env: Env) -> Var | list[Var]:
        match node:
            case Num(value):
                return Var(self.number(value))
            case Sym(name, args):
                where = tuple(self.index(a, env) for a in args)
                if (name, where) not in self.leaves:
                    entry = self.entry(name, args, env)
                    self.leaves[name, where] = (
                        [Var(self.number(x)) for x in entry]
                        if node.dim
                        else Var(self.number(entry))
                    )
                return self.leaves[name, where]  # type: ignore[no-any-return]
            case Add(args):
                values = [self.value(a, env) for a in args]
                return added(values)
            case Mul(args):
                values = [self.value(a, env) for a in args]
                factor = product([v for v in values if isinstance(v, Var)])
                for v in values:
                    if isinstance(v, list):
                        return [factor * x for x in v]
                return factor
            case Div(num, den):
                top, bottom = self.value(num, env), self.scalar(den, env)
                return [x / bottom for x in top] if isinstance(top, list) else top / bottom
            case Pow(base, exponent):
                return self.scalar(base, env).power(self.scalar(exponent, env))
            case Call("max" | "min" as fn, (a, b)):
                return self.extreme(fn, [self.scalar(a, env), self.scalar(b, env)])
            case Call(fn, (a,)):
                x = self.scalar(a, env)
                return x.map(*self.unary[fn](x.value))
            case Dot(u, v):
                return dot(self.vector(u, env), self.vector(v, env))
            case SqNorm(u):
                w = self.vector(u, env)
                return dot(w, w)
            case Norm(u):
                w = self.vector(u, env)
                return dot(w, w).power(Var(self.number(0.5)))
            case Cos(u, v):
                first, second = self.vector(u, env), self.vector(v, env)
                lengths = dot(first, first) * dot(second, second)
                return dot(first, second) / lengths.power(Var(self.number(0.5)))
            case Iverson(cond):
                return Var(self.number(int(self.holds(cond, env))))
            case Size(vars, cond):
                return Var(self.number(sum(1 for _ in self.assignments(vars, cond, env))))
            case Macro():
                return self.value(node.body, env)
            case Big(op, vars, cond, body):
                values = [self.value(body, e) for e in self.assignments(vars, cond, env)]
                if op in ("max", "min"):
                    return self.extreme(op, [v for v in values if isinstance(v, Var)])
                whole = added(values)
                count = Var(self.number(len(values) if op == "mean" else 1))
                return [x / count for x in whole] if isinstance(whole, list) else whole / count
        raise TypeError(f"not a formula: {node}")

    def share(self, kernel: Var, partition: Var) -> Var:
        """The q of a neighbour."""
        return kernel / partition

    def logarithm(self, q: Any) -> tuple[Any, Any]:
        """The logarithm of a q where p has mass, and its derivative."""
        return math.log(q), 1 / q

    def extreme(self, op: str, values: list[Var]) -> Var:
        """The largest or smallest of numbers; the first one where several are."""
        return (max if op == "max" else min)(values, key=lambda v: v.value)


# --------------------------------------------------------------------------- methods


@dataclass(frozen=True)
class Answer:
    """What a program should return: the value, and its gradient by symbol, shaped as data is."""

    value: float
    gradient: Mapping[str, Array]


def shaped(data: Array, name: str, leaves: Mapping[tuple[str, tuple[int, ...]], Any]) -> Array:
    """The gradients on the tape, arranged like the data of the symbol `name`."""

    def walk(value: Array, where: tuple[int, ...]) -> Array:
        leaf = leaves.get((name, where))
        if isinstance(leaf, Var):
            return leaf.grad
        if isinstance(leaf, list):
            return [x.grad for x in leaf]
        if hasattr(value, "__len__"):
            return [walk(item, (*where, k)) for k, item in enumerate(value)]
        return 0.0

    return walk(data, ())


class Summand:
    """What a divergence sums over the neighbours, by the template of the catalog."""

    def __init__(self, icon: Icon, interpreter: Interpreter) -> None:
        if icon.divergence == "kl":
            return
        self.kind = type(interpreter)
        words = {n: Value(Sym(n, (), "positive")) for n in "pqa"}
        template = DIVERGENCES[icon.divergence].template
        self.tree = parse_expr(template, Scope({}, {}, values=words))
        self.order = interpreter.scalar(icon.degree, {}).value

    def __call__(self, p: Any, q: Var) -> Var:
        """The summand at fixed p and a q that is on the tape; 0 log 0 is 0."""
        own = self.kind({}, {"p": p, "a": self.order})
        own.leaves["q", ()] = q
        return own.scalar(self.tree, {})


def loss(
    method: Method,
    sizes: Mapping[str, int],
    data: Mapping[str, Array],
    *,
    term: str = "kl",
    wanted: Iterable[str] = (),
    kind: Callable[[Mapping[str, int], Mapping[str, Array]], Interpreter] = Interpreter,
) -> Answer:
    """The I-Con loss of a method: sum over its blocks and anchors of weight * D(p, q).

    With `term="cross_entropy"` the entropy of p is left out of KL(p || q). The gradient covers
    every learned symbol, and those `wanted` besides; p, the weights and the order of the
    divergence are held fixed. `kind` makes the interpreter, whose numbers they are.
    """
    interpreter = kind(sizes, data)
    summand = Summand(method.icon, interpreter)
    rows = []
    for block in method.icon.blocks:
        for anchor in interpreter.assignments(block.anchors, block.anchor_cond, {}):
            allowed = interpreter.assignments(block.neighbours, block.neighbour_cond, anchor)
            neighbours = list(allowed)
            kernel = [interpreter.scalar(block.kernel, env) for env in neighbours]
            p = [interpreter.scalar(block.p, env).value for env in neighbours]
            partition = total(kernel)
            terms = []
            for p_j, k_j in zip(p, kernel, strict=True):
                ratio = interpreter.share(k_j, partition)
                if method.icon.divergence != "kl":
                    terms.append(summand(p_j, ratio))
                    continue
                if p_j == 0:
                    continue
                entropy = interpreter.unary["log"](p_j)[0] if term == "kl" else 0.0
                log_q = ratio.map(*interpreter.logarithm(ratio.value))
                terms.append(Var(p_j) * (Var(entropy) + -log_q))
            weight = Var(interpreter.scalar(block.weight, anchor).value)
            rows.append(weight * total(terms))
    return _answer(method, interpreter, total(rows), wanted)


def entropy(method: Method, sizes: Mapping[str, int], data: Mapping[str, Array]) -> float:
    """The entropy of p: the sum over blocks and anchors of weight * sum_j -p log p."""
    interpreter = Interpreter(sizes, data)
    terms = []
    for block in method.icon.blocks:
        for anchor in interpreter.assignments(block.anchors, block.anchor_cond, {}):
            weight = interpreter.scalar(block.weight, anchor).value
            for env in interpreter.assignments(block.neighbours, block.neighbour_cond, anchor):
                p = interpreter.scalar(block.p, env).value
                terms.append(-weight * p * math.log(p) if p > 0 else 0.0)
    return math.fsum(terms)


def published(method: Method, sizes: Mapping[str, int], data: Mapping[str, Array]) -> Answer:
    """The formula as the paper prints it, with its gradient in every learned symbol."""
    interpreter = Interpreter(sizes, data)
    return _answer(method, interpreter, interpreter.scalar(method.published, {}))


def _answer(
    method: Method, interpreter: Interpreter, result: Var, wanted: Iterable[str] = ()
) -> Answer:
    backward(result)
    learned = [name for name, declared in method.declarations.items() if declared.learned]
    names = dict.fromkeys([*learned, *wanted])
    return Answer(
        result.value, {n: shaped(interpreter.data[n], n, interpreter.leaves) for n in names}
    )
