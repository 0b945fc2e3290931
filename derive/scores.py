"""What a bare formula reads: a tape whose variables are learned entries and inner products.

A published formula without p and q is laid out on a tape at one finite model. Inner products and
squared distances of learned vectors become variables of their own; `derive.cuts` finds the scores
above them, `derive.freedom` whether they can be moved freely.

Learned distributions whose rows sum to one, and of which nothing more is assumed than signs, are
written as softmaxes of logits, which are free; the numbers of a model are then read as logits.

What stands under a stop-gradient is held at its value in the model, as the claims of this project
hold it apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import flint

from derive import enclose
from derive.bridge import Problem
from derive.claims import families
from derive.dependent import rewritten, ties
from derive.equations import environments
from derive.fields import fmpq
from derive.models import At, Code, Evaluator, Model
from derive.quotients import power, tidied
from derive.tape import Tape, const
from derive.terms import Domain, Term, num

Key = tuple[str, At]
BITS = 256  # of balls in which a rank is taken


class Reader(Evaluator[Any]):
    """Writes a formula on a tape, with a variable for each inner product of learned vectors.

    `meaning` says of each such variable which node it stands for. With `apart` there are none, and
    what stands under a stop-gradient is made of variables of its own, named "sg ...".
    """

    def __init__(self, model: Model, tape: Tape, problem: Problem, apart: bool = False):
        learned, rows = frozenset(problem.learned), distributions(problem)

        def leaf(name: str, at: At) -> Any:
            if name not in learned:
                return tape.number(model.families[name][at])
            return soft(name, at) if name in rows else tape.var(name, at)

        def soft(name: str, at: At, stopped: str = "") -> Any:
            row = [b for b in model.families[name] if b[:-1] == at[:-1]]
            powers = {b: tape.exp(tape.var(f"{stopped}logit of {name}", b)) for b in row}
            return tape.mul([powers[at], tape.inv(tape.add(list(powers.values())))])

        def still(name: str, at: At) -> Any:
            if apart and name in learned:
                return soft(name, at, "sg ") if name in rows else tape.var(f"sg {name}", at)
            return tape.number(model.families[name][at])

        super().__init__(model, tape, leaf)
        self.tape, self.learned, self.dims, self.apart = tape, learned - rows, problem.dims, apart
        self.stopped = Evaluator(model, tape, still)
        self.meaning: dict[int, int] = {}
        self.known: dict[int, int] = {}  # the other way round

    def compute(
        self, t: Term, parts: tuple[Code, ...], stack: list[int], env: Mapping[Term, int]
    ) -> Any:
        """The value of an operation, a variable where it is an inner product."""
        if t.op == "sg":
            return parts[0](self.stopped, stack, env)
        x = super().compute(t, parts, stack, env)
        if t.op != "sum" or const(x) or self.apart or not self.opens(t):
            return x
        q, y = self.tape._split(x)
        if q < 0:  # an inner product keeps the sign that it is written with
            q, y = -q, self.tape._node(("lin", flint.fmpq(0), ((y, flint.fmpq(-1)),)))
        seen = self.tape.reach([y])
        if not any(self.raw(z) for z in seen) or any(z in self.meaning for z in seen):
            return x
        if self.tape.nodes[y][0] == "var":
            return x
        if y not in self.known:
            name = self.reading(t, stack, env) or self.tape.text(y, 60)
            while self.tape.var(name, ()) in self.meaning:
                name += "'"
            self.known[y] = self.tape.var(name, ())
            self.meaning[self.known[y]] = y
        return self.tape.mul([q, self.known[y]])

    def raw(self, x: int) -> bool:
        """Whether a node is a learned entry."""
        n = self.tape.nodes[x]
        return bool(n[0] == "var" and x not in self.meaning)

    def opens(self, t: Term) -> bool:
        """Whether a sum is over learned coordinates, or of products of two learned entries."""
        if t.data in self.dims:
            return carries(t, t.data, self.learned)
        body = t.args[0]
        two = body.op == "mul" and len(body.args) == 2
        return two and all(a.op == "app" and a.data[0] in self.learned for a in body.args)

    def reading(self, t: Term, stack: list[int], env: Mapping[Term, int]) -> str:
        """An inner product as people write it, "" where it is none."""
        body, inner = t.args[0], [*stack, 0]
        if body.op != "mul" or len(body.args) != 2:
            return ""
        u, v = (self.vector(a, inner, env) for a in body.args)
        if u == v and u:
            return f"|{u}|^2"
        return ".".join(sorted((u, v))) if u and v and "-" not in u + v else ""

    def vector(self, t: Term, stack: list[int], env: Mapping[Term, int]) -> str:
        """The vector of which `t` is a coordinate, "" where it is none or a difference of more."""
        if t.op == "app":
            kept = [a for a in t.args if not (a.op == "b" and a.data[0] == 0)]
            if len(kept) == len(t.args):
                return ""
            at = ",".join(str(self.index(a, stack, env) + 1) for a in kept)
            return f"{t.data[0]}[{at}]" if at else str(t.data[0])
        if t.op == "add" and len(t.args) == 2:
            minus = [a for a in t.args if a.op == "mul" and num(-1) in a.args and len(a.args) == 2]
            if len(minus) == 1:
                (a,) = (a for a in t.args if a is not minus[0])
                (b,) = (b for b in minus[0].args if b is not num(-1))
                u, v = self.vector(a, stack, env), self.vector(b, stack, env)
                return f"{u}-{v}" if u and v else ""
        return ""


@lru_cache(64)
def distributions(problem: Problem) -> frozenset[str]:
    """Learned families >= 0 whose rows sum to one, of which only signs are assumed besides."""
    sums, signed, other = set[str](), set[str](), set[str]()
    for j in problem.hyps:
        names = set[str]().union(*map(families, j[1:])) & set(problem.learned)
        if j[0] == "eq" and num(1) in j[1:]:
            t = j[1] if j[2] is num(1) else j[2]
            body = t.args[0] if t.op == "sum" else t
            *rest, last = body.args if body.op == "app" and body.args else (None,)
            every = all(a is not None and a.op == "v" for a in rest) and len({*rest}) == len(rest)
            if t.op == "sum" and last is not None and last.op == "b" and every:
                sums |= names
                continue
        if j[0] == "eq" or not sums_of_entries(j[1]):
            other |= names
        elif j[1].op == "app":
            signed |= names
    return frozenset(sums & signed - other)


def carries(t: Term, dim: Domain, names: frozenset[str]) -> bool:
    """Whether a term has an entry of one of some families with an index in a set."""
    own = t.op == "app" and t.data[0] in names and dim in t.data[1]
    return own or any(carries(a, dim, names) for a in t.args)


def sums_of_entries(t: Term) -> bool:
    """Whether a term is an entry or a sum of entries of one family: positive for a softmax."""
    return t.op == "app" or (t.op == "sum" and sums_of_entries(t.args[0]))


@dataclass(frozen=True)
class Bare:
    """A published formula at one model; `root` is a number on the tape.

    `meaning` takes the variables that stand for inner products to their nodes in learned entries.
    """

    problem: Problem
    model: Model
    tape: Tape
    root: Any
    meaning: Mapping[int, int]
    hyps: tuple[tuple[str, Any], ...]  # the hypotheses about what is learned, on the tape
    reader: Reader  # writes other terms on the same tape, in the same variables
    put: Mapping[int, Any] = field(default_factory=dict)  # inner products written in others

    def point(self, model: Model | None = None) -> dict[Key, Any]:
        """The learned entries of a model (default: its own) as rationals."""
        m = model or self.model
        return {
            (self.symbol(name), at): fmpq(x)
            for name in self.problem.learned
            for at, x in m.families.get(name, {}).items()
        }

    def symbol(self, name: str) -> str:
        """How the variables of a learned family are called on the tape."""
        return f"logit of {name}" if name in distributions(self.problem) else name


def bare(problem: Problem, model: Model) -> Bare:
    """The published formula of a problem at a model."""
    tape = Tape()
    ev = Reader(model, tape, problem)
    root = ev.value(problem.published)
    root = root if const(root) else tidied(tape, root)
    hyps = []
    learned = frozenset(problem.learned) - distributions(problem)
    for j in problem.hyps:
        if not set().union(*map(families, j[1:])) & learned:
            continue
        for env in environments(model, j):
            a, *b = (ev.value(t, env) for t in j[1:])
            r = tape.add([a, *(tape.mul([flint.fmpq(-1), x]) for x in b)])
            if not const(r):
                hyps.append((j[0], r))
    return Bare(problem, model, tape, root, dict(ev.meaning), tuple(hyps), ev)


def versions(case: Bare) -> Iterator[Bare]:
    """The formula as it stands, then with inner products that are linear in others written so.

    The second has no roots: cosines and distances would no longer be seen.
    """
    yield case
    roots = any(power(case.tape, x) for x in case.tape.reach([case.root]))
    if not roots and (put := ties(case.tape, case.meaning)):
        root = rewritten(case.tape, case.root, put)
        if not const(root) and root != case.root:
            yield replace(case, root=tidied(case.tape, root), put=put)


def values(
    case: Bare, roots: Sequence[Any], at: Mapping[Key, Any], bits: int = BITS
) -> dict[Any, Any]:
    """Balls (or Undefined) of all nodes below some nodes, and of what stands for inner products.

    `at` gives the learned entries, rationals or balls.
    """
    point: dict[Any, Any] = dict(at)
    deep = enclose.evaluate(case.tape, case.meaning.values(), point, bits)
    point |= {(case.tape.nodes[x][1], ()): deep[y] for x, y in case.meaning.items()}
    return {**deep, **enclose.evaluate(case.tape, roots, point, bits)}


def inside(case: Bare, model: Model) -> bool:
    """Whether every inequality about what is learned holds strictly: all near points are allowed.

    Equations are left to `tangents`.
    """
    strict = [r for kind, r in case.hyps if kind != "eq"]
    found = values(case, strict, case.point(model))
    return all(not isinstance(found[r], enclose.Undefined) and found[r] > 0 for r in strict)
