"""Method -> IR, in named stages. No method is known by its name here: only formulas are read."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping

import sympy

from catalog.conditions import conjuncts
from catalog.kernels import P_KERNELS
from catalog.spec import Block, Method
from catalog.symbols import (
    TRUE,
    Add,
    And,
    Big,
    Call,
    Cond,
    Div,
    Equal,
    Expr,
    IApp,
    Index,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Sym,
    free_indices,
    map_node,
    walk,
)  # fmt: skip
from codegen.call_shape import call_shape, size_names
from codegen.ir import Allowed, LogKernel, Normalise, Program, Reduction, Target
from codegen.split import NotPairwise, Split
from codegen.trees import ONE, alike, fold, holds_always


def lower(
    method: Method,
    *,
    certificate_hash: str | None = None,
    verdict: str | None = None,
    known: tuple[tuple[str, str], ...] = (),
) -> Program:
    """The program of a method, before any pass."""
    # Method -> arguments: what the caller passes
    arguments = call_shape(method)
    names = {a.symbol: a.name for a in arguments}
    # blocks -> reductions over pairs, where they are such
    reason = ""
    try:
        reductions = tuple(reduction(method, block, names) for block in method.icon.blocks)
    except NotPairwise as error:
        reductions, reason = (), str(error)
    # id -> Python names
    stem = re.sub(r"\W", "_", method.id)
    stem = f"loss_{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
    return Program(
        method=method,
        name=stem,
        class_name="".join(part[:1].upper() + part[1:] for part in stem.split("_")),
        arguments=arguments,
        names=names,
        sizes=size_names(method, arguments),
        reductions=reductions,
        reason=reason,
        uniform=uniform(method, reductions),
        verdict=verdict,
        certificate_hash=certificate_hash,
        known=known,
    )


def uniform(method: Method, reductions: tuple[Reduction, ...]) -> bool:
    """Whether all rows are anchors that weigh the same."""
    conds = [r.anchor_cond for r in reductions] or [b.anchor_cond for b in method.icon.blocks]
    return equal_weights(method) and all(map(holds_always, conds))


def equal_weights(method: Method) -> bool:
    """Whether all anchors weigh the same."""
    weights = [b.weight for b in method.icon.blocks]
    return all(not free_indices(w) and alike(w, weights[0]) for w in weights)


def reduction(method: Method, block: Block, names: Mapping[str, str]) -> Reduction:
    """A block as a reduction over pairs. Raises NotPairwise."""
    normalise: Normalise = "row"
    kernel, p = block.kernel, block.p
    cond: Cond = TRUE
    batch_cond: Cond = TRUE
    anchor_cond: Cond = TRUE
    if method.icon.normalise == "pair":
        # two outcomes -> the log-ratio of their kernels
        normalise = "pair"
        batch, (row, column) = block.anchors[:-2], block.anchors[-2:]
        kernel, p = two_outcomes(block)
        if batch or not holds_always(block.anchor_cond):
            raise NotPairwise("the anchors are not all the pairs")
        if free_indices(block.weight):
            raise NotPairwise("the pairs have weights of their own")
    elif method.icon.normalise == "joint":
        normalise = "joint"
        if len(block.neighbours) != 2:
            raise NotPairwise("the joint distribution is not over pairs")
        batch, (row, column) = (), block.neighbours
        cond = block.neighbour_cond
    else:
        if len(block.neighbours) != 1:
            raise NotPairwise("a neighbour has several indices")
        batch, row, column = block.anchors[:-1], block.anchors[-1], block.neighbours[0]
        cond = block.neighbour_cond
        # anchors -> those that loops leave out, and those that data leave out
        batch_cond, anchor_cond = anchors(block.anchor_cond, row)
    # kernel -> log-kernel: atoms and parameters
    split = Split(row, column, names)
    k = split.convert(kernel)
    if not split.atoms:
        raise NotPairwise("nothing that is learned depends on the pair")
    log_k = logarithm(k)
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
        anchor_cond,
        method.icon.divergence,
    )


def logarithm(k: sympy.Expr) -> sympy.Expr:
    """The logarithm of a positive kernel, without an exponential that is undone at once."""
    if isinstance(k, sympy.exp):
        return k.args[0]
    if k.is_Mul:
        powers = [f.args[0] for f in k.args if isinstance(f, sympy.exp)]
        rest = [f for f in k.args if not isinstance(f, sympy.exp)]
        return sympy.Add(*powers, sympy.expand_log(sympy.log(sympy.Mul(*rest))))
    return sympy.expand_log(sympy.log(k))


def anchors(cond: Cond, row: IVar) -> tuple[Cond, Cond]:
    """The condition on anchors as what loop variables decide, and what rows and data decide.

    Data may not decide which turn a loop takes: a compiled program would be no single graph.
    """
    parts = conjuncts(cond)
    data = [c for c in parts if row in free_indices(c) or reads_data(c)]
    loops = [c for c in parts if c not in data]
    return tuple(  # type: ignore[return-value]
        c[0] if len(c) == 1 else And(tuple(c)) for c in (loops, data)
    )


def reads_data(cond: Cond) -> bool:
    """Whether a condition reads a mask or an index-valued array."""
    return any(isinstance(n, Mask) or (isinstance(n, IApp) and n.args) for n in walk(cond))


def two_outcomes(block: Block) -> tuple[Expr, Expr]:
    """The ratio of the kernels of two outcomes, and the p of the first."""
    if len(block.neighbours) != 1 or len(block.neighbours[0].set.elements) != 2:
        raise NotPairwise("a pair has more than two outcomes")
    outcome = block.neighbours[0]
    first, second = (IApp(e, (), outcome.set) for e in outcome.set.elements)
    top, bottom = (fold(at(block.kernel, outcome, e)) for e in (first, second))
    return (top if bottom == ONE else Div(top, bottom)), fold(at(block.p, outcome, first))


def at(node: Expr, variable: IVar, index: Index) -> Expr:
    """A formula with an index put in place of a variable."""
    return map_node(node, {variable: index})  # type: ignore[return-value]


def allowed(cond: Cond, row: IVar, column: IVar) -> Allowed:
    """The allowed pairs."""
    if holds_always(cond):
        return Allowed("all", cond)
    parts = conjuncts(cond)
    first = parts[0]
    differ = isinstance(first, Equal) and first.negated and {first.a, first.b} == {row, column}
    return Allowed("others" if differ and len(parts) == 1 else "mask", cond)


def supervision(method: Method, p: Expr, row: IVar, column: IVar, normalise: Normalise) -> Target:
    """What p is before it is normalised, read off the formula that its kernel's form gave it."""
    spec = P_KERNELS.get(method.icon.p.name)
    form = spec.form if spec else "direct"
    p = p.body if isinstance(p, Macro) else p
    if normalise == "pair":
        return Target("match", p, binary=isinstance(p, Iverson))
    symmetrised = bool(spec and spec.base) and isinstance(p, Div) and isinstance(p.num, Add)
    if symmetrised:
        assert isinstance(p, Div) and isinstance(p.num, Add)
        p = p.num.args[0]
    if form == "set" and isinstance(p, Div) and isinstance(p.num, Iverson):
        return Target("proportional", p.num, symmetrised, True, labels=labels(p.num, row, column))
    if form == "weight" and isinstance(p, Div):
        if isinstance(p.num, Call) and p.num.fn == "exp":
            return Target("softmax", p.num.args[0], symmetrised)
        logits = log_weight(p.num)
        if logits is not None and method.icon.divergence == "reverse-kl":
            return Target("softmax", logits, symmetrised)  # a p that is lost would be an infinity
        return Target("proportional", p.num, symmetrised)
    if isinstance(p, Iverson) and isinstance(p.cond, Equal) and not p.cond.negated:
        ends = (p.cond.a, p.cond.b)
        for here, there in (ends, ends[::-1]):
            if here == column and column not in free_indices(there) and normalise == "row":
                return Target("one-hot", p, binary=True, index=there)
    if any(isinstance(n, Big) and column in n.vars for n in walk(p)):
        raise NotPairwise("p binds its own neighbour")
    return Target("given", p)


def log_weight(weight: Expr) -> Expr | None:
    """The logarithm of a product of exponentials and positive arrays, None for anything else."""
    if not isinstance(weight, Mul) or not any(map(is_exp, weight.args)):
        return None
    if not all(is_exp(a) or (isinstance(a, Sym) and a.kind == "positive") for a in weight.args):
        return None
    logs = [a.args[0] if isinstance(a, Call) else Call("log", (a,)) for a in weight.args]
    return Add(tuple(logs))


def is_exp(node: Expr) -> bool:
    """Whether a formula is an exponential."""
    return isinstance(node, Call) and node.fn == "exp"


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
