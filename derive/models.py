"""Finite models of terms (sizes of index sets, tables of values), and values of terms in them.

`Evaluator` computes a term in any field of `derive.fields`, or on the tape of `derive.tape`. A
product stops at an exact zero, so what a mask switches off is never computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any, Generic, TypeVar

from derive.fields import Field, Undecided
from derive.terms import BOOL, Domain, RuleError, Term

T = TypeVar("T")
At = tuple[int, ...]  # where in a table
Doms = tuple[Domain, ...]


@dataclass(frozen=True)
class Signature:
    """What terms speak of: named index sets, and the types of families, masks and functions."""

    sets: tuple[str, ...] = ()
    families: Mapping[str, Doms] = field(default_factory=dict)
    masks: Mapping[str, Doms] = field(default_factory=dict)
    functions: Mapping[str, tuple[Doms, Domain]] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """Tables of values; elements of index sets are numbers 0, 1, ..., reals exact rationals."""

    sizes: Mapping[str, int]
    families: Mapping[str, Mapping[At, Fraction]] = field(default_factory=dict)
    masks: Mapping[str, Mapping[At, int]] = field(default_factory=dict)
    functions: Mapping[str, Mapping[At, int]] = field(default_factory=dict)

    def size(self, dom: Domain) -> int:
        """The number of elements of an index set."""
        return len(dom[1]) if isinstance(dom, tuple) else self.sizes[dom]

    def cells(self, doms: Doms) -> Iterator[At]:
        """All places of a table over these index sets."""
        return product(*(range(self.size(d)) for d in doms))

    def with_families(self, tables: Mapping[str, Mapping[At, Fraction]]) -> Model:
        """The model with some families' tables replaced."""
        return Model(self.sizes, {**self.families, **tables}, self.masks, self.functions)


def symbols_of(terms: Sequence[Term]) -> Signature:
    """The signature of `terms`. Raises RuleError if one name has two different types."""
    sets: set[str] = set()
    tables: dict[str, dict[str, Any]] = {"app": {}, "mask": {}, "fn": {}}
    seen: set[Term] = set()

    def note(d: Domain) -> None:
        if isinstance(d, str):
            sets.add(d)

    def visit(t: Term) -> None:
        if t in seen:
            return
        seen.add(t)
        if t.op in tables:
            name, kind = t.data[0], t.data[1] if t.op != "fn" else t.data[1:]
            if tables[t.op].setdefault(name, kind) != kind:
                raise RuleError(f"{name} is used with two different types")
            for d in t.data[1]:
                note(d)
            if t.op == "fn":
                note(t.data[2])
        elif t.op in ("sum", "bigmax"):
            note(t.data)
        elif t.op in ("v", "b"):
            note(t.data[1])
        for a in t.args:
            visit(a)

    for t in terms:
        visit(t)
    families, masks, functions = (dict(sorted(tables[k].items())) for k in ("app", "mask", "fn"))
    return Signature(tuple(sorted(sets)), families, masks, functions)


def variables(*terms: Term) -> tuple[Term, ...]:
    """The free index variables of terms, in an order that is the same in every process."""
    free = frozenset[Term]().union(*(t.free for t in terms))
    return tuple(sorted(free, key=lambda v: repr(v.data)))


@lru_cache(100_000)
def plan(t: Term) -> tuple[tuple[int, ...], tuple[Term, ...], tuple[Term, ...]]:
    """Bound levels and free variables of a term, and its arguments, cheap 0/1 ones first."""
    loose = tuple(sorted({k for k, _ in t.loose}))
    order = tuple(sorted(t.args, key=lambda a: a.op not in BOOL and a.op != "num"))
    return loose, variables(t), order


class Evaluator(Generic[T]):
    """Evaluates terms in one model and one field; sub-terms shared between terms are computed once.

    `leaf(name, at)` overrides how a family's value enters the field (the tape makes variables of
    learned ones); `touch(kind, name, at)` is told of every cell that a value depends on.
    """

    def __init__(
        self,
        model: Model,
        numbers: Field[T],
        leaf: Callable[[str, At], T] | None = None,
        touch: Callable[[str, str, At], None] | None = None,
    ):
        self.model, self.numbers, self.touch = model, numbers, touch
        self.leaf = leaf or (lambda name, at: numbers.number(model.families[name][at]))
        self._leaves: dict[tuple[str, At], T] = {}
        self.zero, self.one = numbers.number(Fraction(0)), numbers.number(Fraction(1))
        self._memo: dict[tuple[Any, ...], T] = {}

    def value(self, t: Term, env: Mapping[Term, int] | None = None) -> T:
        """The value of a real term, its free index variables read from `env`."""
        return self._go(t, [], env or {})

    def index(self, t: Term, stack: list[int], env: Mapping[Term, int]) -> int:
        """The element that an index term denotes."""
        if t.op == "b":
            return stack[-1 - int(t.data[0])]
        if t.op == "v":
            return env[t]
        if t.op == "el":
            elements: tuple[str, ...] = t.data[1][1]
            return elements.index(t.data[0])
        at = tuple(self.index(a, stack, env) for a in t.args)
        if self.touch:
            self.touch("fn", t.data[0], at)
        value: int = self.model.functions[t.data[0]][at]
        return value

    def _go(self, t: Term, stack: list[int], env: Mapping[Term, int]) -> T:
        op = t.op
        if op == "num":
            if (number := self._memo.get((t,))) is None:
                number = self._memo[t,] = self.numbers.number(t.data)
            return number
        if op in ("eq", "ne"):
            same = self.index(t.args[0], stack, env) == self.index(t.args[1], stack, env)
            return self.one if same == (op == "eq") else self.zero
        if op in ("app", "mask"):
            at = tuple(self.index(a, stack, env) for a in t.args)
            if self.touch:
                self.touch(op, t.data[0], at)
            if op == "app":
                if (entry := self._leaves.get((t.data[0], at))) is None:
                    entry = self._leaves[t.data[0], at] = self.leaf(t.data[0], at)
                return entry
            return self.one if self.model.masks[t.data[0]][at] else self.zero
        loose, free, order = plan(t)
        key = (t, *(stack[-1 - k] for k in loose), *(env[v] for v in free))
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = self._compute(t, op, order, stack, env)
        return known

    def _true(self, condition: Term, stack: list[int], env: Mapping[Term, int]) -> bool:
        c = self._go(condition, stack, env)
        if self.numbers.is_zero(c):
            return False
        if not self.numbers.nonzero(c):
            raise Undecided("whether a condition is 0")
        return True

    def _compute(
        self, t: Term, op: str, order: tuple[Term, ...], stack: list[int], env: Mapping[Term, int]
    ) -> T:
        f = self.numbers
        if op == "mul":
            factors: list[T] = []
            for a in order:
                x = self._go(a, stack, env)
                if f.is_zero(x):
                    return self.zero
                factors.append(x)
            return f.mul(factors)
        if op == "add":
            return f.add([self._go(a, stack, env) for a in t.args])
        if op in ("sum", "bigmax"):
            out: list[T] = []
            for i in range(self.model.size(t.data)):
                stack.append(i)
                if op == "sum" or self._true(t.args[0], stack, env):
                    x = self._go(t.args[-1], stack, env)
                    if op == "bigmax" or not f.is_zero(x):
                        out.append(x)
                stack.pop()
            if op == "sum":
                return f.add(out)
            return f.maximum(out) if out else self.zero
        if op == "max":
            return f.maximum([self._go(a, stack, env) for a in t.args])
        x = self._go(t.args[0], stack, env)
        if op == "sg":  # the stop-gradient changes derivatives, not values
            return x
        unary: dict[str, Callable[[T], T]] = {
            "inv": f.inv, "exp": f.exp, "log": f.log, "relu": f.relu,
        }  # fmt: skip
        return unary[op](x)


def evaluate(t: Term, model: Model, numbers: Field[T], env: Mapping[Term, int] | None = None) -> T:
    """The value of a real term in a model, in a number field; free index variables from `env`."""
    return Evaluator(model, numbers).value(t, env)
