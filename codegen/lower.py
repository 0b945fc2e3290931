"""Method -> IR, in named stages. Nothing here knows a method by its name: only formulas are read."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import sympy

from catalog.kernels import P_KERNELS
from catalog.spec import Block, Declaration, Method
from catalog.symbols import (
    TRUE,
    Add,
    Big,
    Call,
    Cond,
    Cos,
    Div,
    Dot,
    Equal,
    Expr,
    IApp,
    Index,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Node,
    Norm,
    Num,
    Pow,
    Size,
    SqNorm,
    Sym,
    children,
    free_indices,
    map_node,
    walk,
)
from codegen.ir import (
    Allowed,
    Argument,
    Atom,
    Feature,
    LogKernel,
    Normalise,
    Parameter,
    Program,
    Reduction,
    Target,
)
from codegen.printers import positive
from codegen.trees import ONE, alike, conjuncts, fold, holds_always


class NotPairwise(Exception):
    """The loss is no reduction over pairs of rows and columns; the message says which part is not."""


def lower(method: Method, *, certificate_hash: str | None = None, verdict: str | None = None) -> Program:
    """The program of a method, before any pass."""
    # Method -> names: what the caller passes
    arguments = call_shape(method)
    names = {a.symbol: a.name for a in arguments}
    sizes = size_names(method, arguments)
    # blocks -> reductions over pairs, where they are such
    reason = ""
    try:
        reductions = tuple(reduction(method, block, names) for block in method.icon.blocks)
    except NotPairwise as error:
        reductions, reason = (), str(error)
    stem = re.sub(r"\W", "_", method.id)
    stem = f"loss_{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
    return Program(
        method,
        stem,
        "".join(part[:1].upper() + part[1:] for part in stem.split("_")),
        arguments,
        names,
        sizes,
        reductions,
        reason,
        uniform(method),
        verdict,
        certificate_hash,
    )


# --------------------------------------------------------------------------- Method -> names

RESERVED = frozenset(
    "torch nn np math Tensor rows columns left right score log_kernel kernel allowed log_q target_p loss "
    "losses valid weight weights term reduction valid_only entropy total peak share ctx self sizes "
    "expected log_partition buffer bounded slope size mass member count sums others centre losses "
    "logits_p dtype like index every_losses lo hi l O I".split()
)
ROLES = {
    "p": ("labels", "target", "weights", "epsilon", "bandwidth", "points", "distribution"),
    "q": ("temperature", "bandwidth", "dof", "scale", "power", "bias", "logit", "assignments"),
}
SPELLING = {"logit": "logits", "weights": "pair_weights"}


def call_shape(method: Method) -> tuple[Argument, ...]:
    """The arguments: learned arrays first, in the order of the kernel's parameters, then the rest."""
    used = mentioned(method)
    names = python_names(method, used)
    order = [s.name for s in learned_in_order(method)]
    declared = sorted(
        (d for d in method.declarations.values() if d.name in used),
        key=lambda d: (
            not (d.learned and shape_of(d)),
            order.index(d.name) if d.name in order else len(order),
        ),
    )
    return tuple(argument(d, names[d.name], method) for d in declared)


def mentioned(method: Method) -> set[str]:
    """The declared symbols that the pair (p, q) and its weights mention."""
    nodes = [
        part
        for b in method.icon.blocks
        for part in (b.weight, b.p, b.kernel, b.anchor_cond, b.neighbour_cond)
    ]
    found = {n.name for node in nodes for n in walk(node) if isinstance(n, Sym | IApp | Mask)}
    return found & set(method.declarations)


def learned_in_order(method: Method) -> Iterator[Sym]:
    """The learned symbols as they come in the parameters of q."""
    for value in method.icon.q.params.values():
        for node in walk(value):
            if isinstance(node, Sym) and node.learned:
                yield node


def shape_of(declared: Declaration) -> bool:
    """Whether a declaration is an array."""
    return bool(declared.form.args if not isinstance(declared.form, IVar) else ()) or bool(
        getattr(declared.form, "dim", None)
    )


def python_names(method: Method, used: set[str]) -> dict[str, str]:
    """A Python name for each symbol: the role it plays in a kernel where it plays one, else its own."""
    taken = set(method.sets) | RESERVED
    names: dict[str, str] = {}
    for params, roles in (
        (method.icon.q.params, ROLES["q"]),
        (method.icon.p.params, ROLES["p"]),
    ):
        for role in roles:
            value = params.get(role)
            if isinstance(value, Sym | IApp) and value.name in used and value.name not in names:
                simple = all(isinstance(a, IVar) for a in value.args)
                spelled = SPELLING.get(role, role)
                if simple and spelled not in taken and spelled not in names.values():
                    names[value.name] = spelled
    ends = {k: v for k, v in method.icon.q.params.items() if k in ("embedding", "keys")}
    ambiguous = any(isinstance(v, Sym) and v.name in "lOI" for v in ends.values())
    for role, value in ends.items():
        if ambiguous and isinstance(value, Sym) and value.name not in names:
            names[value.name] = role
    for name in sorted(used):
        if name not in names:
            free = name
            while free in taken or keyword.iskeyword(free) or free in names.values():
                free += "_"
            names[name] = free
    return names


def argument(declared: Declaration, name: str, method: Method) -> Argument:
    """One declaration as an argument."""
    form = declared.form
    if isinstance(form, IVar):
        raise TypeError(f"{declared.name} is declared as a letter")
    axes = tuple(a.set.name for a in form.args)
    if isinstance(form, Sym):
        dim = form.dim.name if form.dim else None
        strict = form.kind in ("positive", "probability")
        return Argument(
            name, form.name, "number", axes, dim, None, declared.learned, strict, declared.text
        )
    if isinstance(form, Mask):
        return Argument(name, form.name, "mask", axes, None, None, False, False, declared.text)
    return Argument(name, form.name, "index", axes, None, form.set.name, False, False, declared.text)


def size_names(method: Method, arguments: tuple[Argument, ...]) -> dict[str, str]:
    """The Python text of the size of each set: a number where its elements are named."""
    sizes = {s.name: str(len(s.elements)) for s in method.sets.values() if s.elements}
    taken = {a.name for a in arguments}
    for argument in arguments:
        for axis in argument.shape:
            if axis not in sizes:
                clash = axis in taken or keyword.iskeyword(axis)
                sizes[axis] = f"size_{axis}" if clash else axis
    return sizes


def uniform(method: Method) -> bool:
    """Whether all anchors weigh the same."""
    weights = [b.weight for b in method.icon.blocks]
    return all(not free_indices(w) and alike(w, weights[0]) for w in weights)


# --------------------------------------------------------------------------- block -> reduction


def reduction(method: Method, block: Block, names: Mapping[str, str]) -> Reduction:
    """A block as a reduction over pairs. Raises NotPairwise."""
    normalise: Normalise = "row"
    kernel, p = block.kernel, block.p
    if method.icon.normalise == "pair":
        # two outcomes -> the log-ratio of their kernels
        normalise = "pair"
        batch, (row, column) = block.anchors[:-2], block.anchors[-2:]
        kernel, p = two_outcomes(block)
        cond, batch_cond = TRUE, TRUE
        if not holds_always(block.anchor_cond):
            raise NotPairwise("the pairs that are anchors are restricted")
    elif method.icon.normalise == "joint":
        normalise = "joint"
        if len(block.neighbours) != 2:
            raise NotPairwise("the joint distribution is not over pairs")
        batch, (row, column) = (), block.neighbours
        cond, batch_cond = block.neighbour_cond, TRUE
    else:
        if len(block.neighbours) != 1:
            raise NotPairwise("a neighbour has several indices")
        batch, row, column = block.anchors[:-1], block.anchors[-1], block.neighbours[0]
        cond, batch_cond = block.neighbour_cond, block.anchor_cond
        if row in free_indices(batch_cond):
            raise NotPairwise("the rows that are anchors are restricted")
    # kernel -> log-kernel: atoms and parameters
    split = Split(row, column, names)
    k = split.convert(kernel)
    log_k = sympy.expand_log(sympy.log(k))
    log_kernel = LogKernel(log_k, k, tuple(split.atoms), tuple(split.parameters))
    # p -> numerators
    target = supervision(method, p, row, column, normalise)
    return Reduction(
        normalise,
        batch,
        batch_cond,
        row,
        column,
        allowed(cond, row, column),
        log_kernel,
        target,
        block.weight,
    )


def two_outcomes(block: Block) -> tuple[Expr, Expr]:
    """The kernel ratio of two outcomes and the p of the first: KL between two-point distributions."""
    if len(block.neighbours) != 1 or len(block.neighbours[0].set.elements) != 2:
        raise NotPairwise("a pair has more than two outcomes")
    outcome = block.neighbours[0]
    first, second = (IApp(e, (), outcome.set) for e in outcome.set.elements)
    kernels = [fold(map_node(block.kernel, {outcome: e})) for e in (first, second)]  # type: ignore[arg-type]
    p = fold(map_node(block.p, {outcome: first}))  # type: ignore[arg-type]
    return (kernels[0] if kernels[1] == ONE else Div(*kernels)), p


def allowed(cond: Cond, row: IVar, column: IVar) -> Allowed:
    """The allowed pairs."""
    if holds_always(cond):
        return Allowed("all", cond)
    parts = conjuncts(cond)
    if len(parts) == 1 and isinstance(parts[0], Equal) and parts[0].negated:
        if {parts[0].a, parts[0].b} == {row, column}:
            return Allowed("others", cond)
    return Allowed("mask", cond)


# --------------------------------------------------------------------------- kernel -> log-kernel


@dataclass
class Split:
    """Takes a kernel apart: pair scores become atoms, everything else of one side a parameter."""

    row: IVar
    column: IVar
    names: Mapping[str, str]
    atoms: list[Atom] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    known: list[tuple[Expr, sympy.Expr]] = field(default_factory=list)

    def sides(self, node: Node) -> set[IVar]:
        """Which of the two indices of the pair `node` depends on."""
        return set(free_indices(node)) & {self.row, self.column}

    def convert(self, node: Expr) -> sympy.Expr:
        """A scalar formula as a sympy expression in symbols for its leaves."""
        match node:
            case Num(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Macro():
                return self.convert(node.body)
            case Add(args):
                return sympy.Add(*(self.convert(a) for a in args))
            case Mul(args):
                return sympy.Mul(*(self.convert(a) for a in args))
            case Div(num, den):
                return self.convert(num) / self.convert(den)
            case Pow(base, exponent):
                return self.convert(base) ** self.convert(exponent)
            case Call("exp", (arg,)):
                return sympy.exp(self.convert(arg))
            case Call("log", (arg,)):
                return sympy.log(self.convert(arg))
            case Call("sqrt", (arg,)):
                return sympy.sqrt(self.convert(arg))
            case Call("sigmoid", (arg,)):
                return 1 / (1 + sympy.exp(-self.convert(arg)))
            case Norm(u) if len(self.sides(node)) == 2:
                return sympy.sqrt(self.convert(SqNorm(u)))
            case _:
                return self.leaf(node)

    def leaf(self, node: Expr) -> sympy.Expr:
        """The symbol of a leaf; equal leaves share one."""
        for other, symbol in self.known:
            if alike(node, other):
                return symbol
        symbol = self.pair(node) if len(self.sides(node)) == 2 else self.one_side(node)
        self.known.append((node, symbol))
        return symbol

    def one_side(self, node: Expr) -> sympy.Expr:
        """A parameter: one number, or one for each row or column."""
        sides = self.sides(node)
        axis = "scalar" if not sides else "row" if self.row in sides else "column"
        simple = isinstance(node, Sym) and all(isinstance(a, IVar) for a in node.args)
        name = (
            self.names[node.name]
            if simple and isinstance(node, Sym)
            else f"{axis}_{1 + sum(p.axis == axis for p in self.parameters)}"
        )
        symbol = sympy.Symbol(name, **assumptions(node))
        moves = any(isinstance(n, Sym) for n in walk(node))
        self.parameters.append(Parameter(symbol, node, axis, moves))  # type: ignore[arg-type]
        return symbol

    def pair(self, node: Expr) -> sympy.Expr:
        """An atom, or fixed data of the pair."""
        name = "score" if not self.atoms else f"score_{len(self.atoms) + 1}"
        match node:
            case Dot(u, v):
                return self.features(name, "dot", u, v)
            case Cos(u, v):
                return self.features(name, "dot", u, v, unit=True)
            case SqNorm(u):
                if (ends := self.difference(u)) is not None:
                    return self.features(name, "sqdist", *ends)
            case Big("sum", (index,), cond, body) if holds_always(cond):
                if (factors := self.contraction(index, body)) is not None:
                    return self.features(name, "dot", *factors, column=index)
            case Iverson():
                return self.data(node)
            case Sym() if not node.learned:
                return self.data(node)
            case _:
                pass
        small = bool(self.row.set.elements or self.column.set.elements)
        if small or (isinstance(node, Sym) and node.dim is None):
            symbol = sympy.Symbol(name, **assumptions(node))
            self.atoms.append(Atom(symbol, "array", array=node))
            return symbol
        raise NotPairwise(f"a {type(node).__name__} mixes row and column in a way that has no tiles")

    def data(self, node: Expr) -> sympy.Expr:
        """Fixed data of the pair."""
        name = f"pair_{1 + sum(p.axis == 'pair' for p in self.parameters)}"
        symbol = sympy.Symbol(name, **assumptions(node))
        self.parameters.append(Parameter(symbol, node, "pair", False))
        return symbol

    def features(
        self, name: str, kind: str, u: Expr, v: Expr, *, unit: bool = False, column: IVar | None = None
    ) -> sympy.Expr:
        """The atom of two feature matrices, the row's first."""
        if self.column in self.sides(u) or self.row in self.sides(v):
            u, v = v, u
        if self.column in self.sides(u) or self.row in self.sides(v):
            raise NotPairwise("a vector depends on the row and on the column")
        left, right = Feature(u, self.row, column, unit), Feature(v, self.column, column, unit)
        same = self.row.set == self.column.set and alike(u, v, {self.row: self.column})
        # a sum over clusters of non-negative assignments is positive where its logarithm is taken
        kinds = {"positive": True} if kind == "sqdist" or column is not None else {"real": True}
        symbol = sympy.Symbol(name, **kinds)
        self.atoms.append(Atom(symbol, kind, left, right, same=same))  # type: ignore[arg-type]
        return symbol

    def difference(self, u: Expr) -> tuple[Expr, Expr] | None:
        """(a, b) where u = a - b with a of the row alone and b of the column alone."""
        if not isinstance(u, Add):
            return None
        groups: dict[str, list[Expr]] = {"row": [], "column": []}
        for term in u.args:
            sides = self.sides(term)
            if len(sides) > 1:
                return None
            groups["column" if self.column in sides else "row"].append(term)
        if not groups["row"] or not groups["column"]:
            return None
        rows = groups["row"][0] if len(groups["row"]) == 1 else Add(tuple(groups["row"]))
        negated = [positive(t) or Mul((Num(Fraction(-1)), t)) for t in groups["column"]]
        if positive(rows) is not None:  # |b - a|^2 = |a - b|^2
            rows, negated = positive(rows) or rows, list(groups["column"])
        return rows, negated[0] if len(negated) == 1 else Add(tuple(negated))

    def contraction(self, index: IVar, body: Expr) -> tuple[Expr, Expr] | None:
        """(a, b) where body = a * b with a of (row, index) alone and b of (column, index) alone."""
        factors, rows, columns = [(body, False)], [], []
        while factors:
            factor, inverse = factors.pop(0)
            if isinstance(factor, Macro):
                factors.insert(0, (factor.body, inverse))
            elif isinstance(factor, Mul):
                factors = [(f, inverse) for f in factor.args] + factors
            elif isinstance(factor, Div):
                factors = [(factor.num, inverse), (factor.den, not inverse), *factors]
            elif len(self.sides(factor)) == 2:
                return None
            else:
                whole = Div(ONE, factor) if inverse else factor
                (columns if self.column in self.sides(factor) else rows).append(whole)
        if not rows or not columns or index not in free_indices(Mul((*rows, *columns))):
            return None
        return quotient(rows), quotient(columns)


def quotient(factors: list[Expr]) -> Expr:
    """The product of factors, its inverse ones gathered below the line."""
    top = [f for f in factors if not (isinstance(f, Div) and f.num == ONE)]
    bottom = [f.den for f in factors if isinstance(f, Div) and f.num == ONE]
    product = [ONE, *top] if not top else top
    over = product[0] if len(product) == 1 else Mul(tuple(product))
    return over if not bottom else Div(over, bottom[0] if len(bottom) == 1 else Mul(tuple(bottom)))


def assumptions(node: Expr) -> dict[str, bool]:
    """What sympy may assume of a leaf."""
    if isinstance(node, Sym) and node.kind in ("positive", "probability"):
        return {"positive": True}
    if isinstance(node, Size) and holds_always(node.cond):
        return {"positive": True}
    if isinstance(node, Sym) and node.kind in ("nonnegative", "distribution"):
        return {"nonnegative": True}
    return {"real": True}


# --------------------------------------------------------------------------- p -> target


def supervision(method: Method, p: Expr, row: IVar, column: IVar, normalise: Normalise) -> Target:
    """What p is before it is normalised, read off the formula that its kernel's form gave it."""
    spec = P_KERNELS.get(method.icon.p.name)
    p = p.body if isinstance(p, Macro) else p
    if normalise == "pair":
        return Target("match", p, binary=isinstance(p, Iverson))
    symmetrised = bool(spec and spec.base) and isinstance(p, Div) and isinstance(p.num, Add)
    if symmetrised:
        assert isinstance(p, Div) and isinstance(p.num, Add)
        p = p.num.args[0]
    if spec is not None and spec.form == "set" and isinstance(p, Div) and isinstance(p.num, Iverson):
        return Target("proportional", p.num, symmetrised, True, labels=labels(p.num, row, column))
    if spec is not None and spec.form == "weight" and isinstance(p, Div):
        if isinstance(p.num, Call) and p.num.fn == "exp":
            return Target("softmax", p.num.args[0], symmetrised)
        return Target("proportional", p.num, symmetrised)
    if isinstance(p, Iverson) and isinstance(p.cond, Equal) and not p.cond.negated:
        ends = (p.cond.a, p.cond.b)
        for here, there in (ends, ends[::-1]):
            if here == column and column not in free_indices(there) and normalise == "row":
                return Target("one-hot", p, binary=True, index=there)
    if any(isinstance(n, Big) and column in n.vars for n in walk(p)):
        raise NotPairwise("p binds its own neighbour")
    return Target("given", p)


def labels(num: Iverson, row: IVar, column: IVar) -> tuple[Index, Index] | None:
    """(y[i], y[j]) where the condition is y[j] = y[i] and perhaps j != i, else None."""
    found: tuple[Index, Index] | None = None
    for part in conjuncts(num.cond):
        if not isinstance(part, Equal):
            return None
        if part.negated and {part.a, part.b} == {row, column}:
            continue
        here, there = (part.a, part.b) if row in free_indices(part.a) else (part.b, part.a)
        plain = all(isinstance(e, IApp) and len(e.args) == 1 for e in (here, there))
        if part.negated or found or not plain or not alike(here, there, {row: column}):
            return None
        found = (here, there)
    return found


__all__ = ["NotPairwise", "Split", "children", "lower"]
