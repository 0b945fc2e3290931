"""Finite models of terms (sizes of index sets, tables of values), and values of terms in them.

`Evaluator` computes a term in any field of `derive.fields`, or on the tape of `derive.tape`. A
product stops at an exact zero, so what a mask switches off is never computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, partial
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


Env = Mapping[Term, int]
Code = Callable[["Evaluator[Any]", list[int], Env], Any]


@lru_cache(100_000)
def code(t: Term) -> Code:
    """How a term is evaluated, found once: `stack` has the values of bound indices."""
    if t.op == "num":
        return partial(_number, t)
    if t.op in ("eq", "ne"):
        return _comparison(t)
    return _entry(t) if t.op in ("app", "mask") else _shared(t)


def _number(t: Term, ev: Evaluator[Any], stack: list[int], env: Env) -> Any:
    if (number := ev.memo.get(t)) is None:
        number = ev.memo[t] = ev.numbers.number(t.data)
    return number


def _comparison(t: Term) -> Code:
    (a, b), wanted = t.args, t.op == "eq"
    if a.op == b.op == "b":
        m, n = -1 - a.data[0], -1 - b.data[0]
        return lambda ev, stack, env: (
            ev.one if (stack[m] == stack[n]) == wanted else ev.zero
        )  # fmt: skip
    return lambda ev, stack, env: (
        ev.one if (ev.index(a, stack, env) == ev.index(b, stack, env)) == wanted else ev.zero
    )


def _entry(t: Term) -> Code:
    name, args, op = t.data[0], t.args, t.op
    bound = [-1 - a.data[0] for a in args if a.op == "b"]
    all_bound = len(bound) == len(args)

    def run(ev: Evaluator[Any], stack: list[int], env: Env) -> Any:
        if all_bound:
            at = tuple([stack[k] for k in bound])
        else:
            at = tuple([ev.index(a, stack, env) for a in args])
        if ev.touch:
            ev.touch(op, name, at)
        if op == "mask":
            return ev.one if ev.model.masks[name][at] else ev.zero
        if (entry := ev.leaves.get((name, at))) is None:
            entry = ev.leaves[name, at] = ev.leaf(name, at)
        return entry

    return run


def _shared(t: Term) -> Code:
    """The code of an operation: its value is remembered by the indices that it depends on."""
    where = [-1 - k for k in sorted({k for k, _ in t.loose})]
    free = variables(t)
    # cheap 0/1 factors first: what they switch off is not computed
    order = sorted(t.args, key=lambda a: a.op not in BOOL and a.op != "num")
    parts = tuple(map(code, order if t.op == "mul" else t.args))

    def general(ev: Evaluator[Any], stack: list[int], env: Env) -> Any:
        key = (t, *[stack[k] for k in where], *[env[v] for v in free])
        if (known := ev.memo.get(key)) is None:
            known = ev.memo[key] = ev.compute(t, parts, stack, env)
        return known

    def closed(ev: Evaluator[Any], stack: list[int], env: Env) -> Any:
        if (known := ev.memo.get(t)) is None:
            known = ev.memo[t] = ev.compute(t, parts, stack, env)
        return known

    def single(ev: Evaluator[Any], stack: list[int], env: Env) -> Any:
        key = (t, stack[only])
        if (known := ev.memo.get(key)) is None:
            known = ev.memo[key] = ev.compute(t, parts, stack, env)
        return known

    only = where[0] if where else 0
    return general if free or len(where) > 1 else single if where else closed


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
        self.leaves: dict[tuple[str, At], T] = {}
        self.zero, self.one = numbers.number(Fraction(0)), numbers.number(Fraction(1))
        self.memo: dict[Any, T] = {}

    def value(self, t: Term, env: Env | None = None) -> T:
        """The value of a real term, its free index variables read from `env`."""
        found: T = code(t)(self, [], env or {})
        return found

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

    def compute(self, t: Term, parts: tuple[Code, ...], stack: list[int], env: Env) -> T:
        """The value of an operation from its arguments, whose code `parts` are."""
        f, op = self.numbers, t.op
        if op == "mul":
            factors: list[T] = []
            is_zero = f.is_zero
            for part in parts:
                x = part(self, stack, env)
                if is_zero(x):
                    return self.zero
                factors.append(x)
            return f.mul(factors)
        if op == "add":
            return f.add([part(self, stack, env) for part in parts])
        if op in ("sum", "bigmax"):
            out: list[T] = []
            for i in range(self.model.size(t.data)):
                stack.append(i)
                if op == "sum" or self._true(parts[0](self, stack, env)):
                    x = parts[-1](self, stack, env)
                    if op == "bigmax" or not f.is_zero(x):
                        out.append(x)
                stack.pop()
            if op == "sum":
                return f.add(out)
            return f.maximum(out) if out else self.zero
        if op == "max":
            return f.maximum([part(self, stack, env) for part in parts])
        inside: T = parts[0](self, stack, env)
        if op == "sg":  # the stop-gradient changes derivatives, not values
            return inside
        result: T = getattr(f, op)(inside)  # inv, exp, log, relu
        return result

    def _true(self, c: T) -> bool:
        if self.numbers.is_zero(c):
            return False
        if not self.numbers.nonzero(c):
            raise Undecided("whether a condition is 0")
        return True


def evaluate(t: Term, model: Model, numbers: Field[T], env: Mapping[Term, int] | None = None) -> T:
    """The value of a real term in a model, in a number field; free index variables from `env`."""
    return Evaluator(model, numbers).value(t, env)
