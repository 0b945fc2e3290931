"""The surface language of formulas: what a paper writes, as a small typed tree.

Every node is a frozen dataclass, so a formula can be hashed, compared and walked without surprises.
Binders hold *named* variables and every variable occurs under one binder only (`fresh` renames), so
nothing here substitutes under a binder by accident; `derive.bridge` lowers the tree to terms with
de Bruijn binders, where capture cannot be written down at all.

A tree carries its meaning: each index knows the set it ranges over, each symbol the sets of its
arguments, so a reader of the tree needs no symbol table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Literal, TypeAlias

# --------------------------------------------------------------------------- indices


@dataclass(frozen=True, slots=True)
class IndexSet:
    """A finite non-empty set of indices; `elements` names them when it is enumerated."""

    name: str
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IVar:
    """An index variable, such as i, ranging over `set`."""

    name: str
    set: IndexSet


@dataclass(frozen=True, slots=True)
class IApp:
    """An index-valued function, pos[i] or a label y[i]; an element of a set has no args."""

    name: str
    args: tuple[Index, ...]
    set: IndexSet


Index: TypeAlias = IVar | IApp

# --------------------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Equal:
    """[a = b], or [a != b] where `negated`, between two indices of one set."""

    a: Index
    b: Index
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Mask:
    """A given 0/1 array, such as an adjacency knn[i,j]; negated for its complement."""

    name: str
    args: tuple[Index, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction (the empty one is true)."""

    args: tuple[Cond, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction of at least two conditions."""

    args: tuple[Cond, ...]


@dataclass(frozen=True, slots=True)
class SetRef:
    """Membership of a named set, j in P(i): shown by its name, meaning `cond` (instantiated)."""

    element: Index
    name: str
    args: tuple[Index, ...]
    cond: Cond
    negated: bool = False


Cond: TypeAlias = Equal | Mask | And | Or | SetRef
TRUE = And(())

# --------------------------------------------------------------------------- scalars

Kind = Literal["real", "positive", "nonnegative", "probability", "distribution", "vector"]


@dataclass(frozen=True, slots=True)
class Num:
    """An exact rational constant."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Sym:
    """A declared scalar, family of scalars or family of vectors: tau, s[i,j], z[i].

    `dim` is the index set of the coordinates of a vector and None for a scalar. `learned` says that
    the symbol is trained, so that scale, constant, weights and p may not mention it.
    """

    name: str
    args: tuple[Index, ...] = ()
    kind: Kind = "real"
    dim: IndexSet | None = None
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Add:
    """Sum of at least two terms: all scalars, or all vectors of one dimension."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Mul:
    """Product of at least two factors, at most one of them a vector."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Div:
    """Quotient of two scalars (a vector may be the numerator)."""

    num: Expr
    den: Expr


@dataclass(frozen=True, slots=True)
class Pow:
    """Power; an exponent that is not an integer needs a positive base."""

    base: Expr
    exponent: Expr


FUNCTIONS: Mapping[str, int] = {
    "log": 1, "exp": 1, "sqrt": 1, "relu": 1, "sigmoid": 1, "softplus": 1, "sg": 1,
    "max": 2, "min": 2,
}  # fmt: skip
"""The functions of the language with their number of arguments; sg is the stop-gradient."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function of FUNCTIONS applied to scalars."""

    fn: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """Inner product of two vectors of one dimension."""

    u: Expr
    v: Expr


@dataclass(frozen=True, slots=True)
class SqNorm:
    """Squared Euclidean norm |u|^2 of a vector."""

    u: Expr


@dataclass(frozen=True, slots=True)
class Norm:
    """Euclidean norm |u| of a vector; its definedness needs u != 0."""

    u: Expr


@dataclass(frozen=True, slots=True)
class Cos:
    """Cosine similarity u.v / (|u| |v|)."""

    u: Expr
    v: Expr


@dataclass(frozen=True, slots=True)
class Iverson:
    """[cond], 1 where the condition holds and 0 elsewhere."""

    cond: Cond


@dataclass(frozen=True, slots=True)
class Big:
    """A big operator over `vars` restricted to `cond`: sum[j != i] body, max[k in N(i)] body."""

    op: Literal["sum", "mean", "max", "min"]
    vars: tuple[IVar, ...]
    cond: Cond
    body: Expr


@dataclass(frozen=True, slots=True)
class Size:
    """The number of elements: size(P(i)) counts `vars` under `cond`; the n of a set has cond TRUE.

    `label` is how the paper writes it (n, size(P(i))).
    """

    vars: tuple[IVar, ...]
    cond: Cond
    label: str = ""


@dataclass(frozen=True, slots=True)
class Macro:
    """A named abbreviation, s(i,j) := body: shown by its name, meaning its body (instantiated)."""

    name: str
    args: tuple[Index, ...]
    body: Expr


Expr: TypeAlias = (
    Num
    | Sym
    | Add
    | Mul
    | Div
    | Pow
    | Call
    | Dot
    | SqNorm
    | Norm
    | Cos
    | Iverson
    | Big
    | Size
    | Macro
)
Node: TypeAlias = Expr | Cond | Index

# --------------------------------------------------------------------------- hypotheses


@dataclass(frozen=True, slots=True)
class Fact:
    """A hypothesis, for all values of its free indices; `text` is how the file says it."""

    left: Expr
    relation: Literal["=", ">", ">="]
    right: Expr
    text: str = ""


# --------------------------------------------------------------------------- walking


def children(node: Node) -> Iterator[Node]:
    """The direct sub-nodes: expressions, conditions and indices, without binder variables."""
    bound = node.vars if isinstance(node, Big | Size) else ()
    for f in fields(node):
        value = getattr(node, f.name)
        for item in value if isinstance(value, tuple) else (value,):
            if (
                hasattr(item, "__dataclass_fields__")
                and not isinstance(item, IndexSet)
                and item not in bound
            ):
                yield item


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, outermost first."""
    yield node
    for child in children(node):
        yield from walk(child)


def map_node(node: Node, subst: Mapping[IVar, Index]) -> Node:
    """`node` with free index variables replaced; binders get fresh ones, so none is captured."""
    if isinstance(node, IVar):
        return subst.get(node, node)
    if isinstance(node, Big | Size):
        renamed = {v: fresh(v) for v in node.vars}
        subst = {**subst, **renamed}
        node = replace(node, vars=tuple(renamed.values()))
    changes: dict[str, object] = {}
    for f in fields(node):
        value = getattr(node, f.name)
        if f.name == "vars" or isinstance(value, IndexSet):
            continue
        if isinstance(value, tuple) and value and hasattr(value[0], "__dataclass_fields__"):
            changes[f.name] = tuple(map_node(item, subst) for item in value)
        elif hasattr(value, "__dataclass_fields__"):
            changes[f.name] = map_node(value, subst)
    return replace(node, **changes) if changes else node  # type: ignore[arg-type]


_counter = 0


def fresh(var: IVar) -> IVar:
    """A variable over the same set that occurs nowhere else; it keeps its letter, as in j'12."""
    global _counter
    _counter += 1
    return IVar(f"{var.name.split(chr(39))[0]}'{_counter}", var.set)


def free_indices(node: Node) -> frozenset[IVar]:
    """The index variables that occur free in `node`."""
    if isinstance(node, IVar):
        return frozenset((node,))
    found = frozenset[IVar]().union(*(free_indices(c) for c in children(node)))
    return found - frozenset(node.vars) if isinstance(node, Big | Size) else found


def symbols(node: Node) -> frozenset[Sym]:
    """The declared symbols that `node` mentions, without their arguments."""
    return frozenset(replace(n, args=()) for n in walk(node) if isinstance(n, Sym))
