"""[icon], [p] and [q] of a file -> the pair: blocks with p and kernel as formulas.

The templates of `kernels` are parsed with the file's parameters in place of their names, so what a
kernel means is stated once, in the formula language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from catalog.conditions import conjoin
from catalog.errors import InputError, did_you_mean
from catalog.formula import Neighbourhood, Scope, parse_expr, parse_neighbourhood
from catalog.kernels import P_KERNELS, Q_KERNELS, PKernel, QKernel
from catalog.naming import letter, substitute
from catalog.pair import renewed
from catalog.params import Setting, Text, instantiate, read_params, shown
from catalog.scope import Value
from catalog.spec import SCORE, Block, Icon, Normalise, PSpec, QSpec
from catalog.symbols import (
    TRUE,
    Add,
    Big,
    Div,
    Equal,
    Expr,
    IndexSet,
    IVar,
    Iverson,
    Mul,
    Node,
    Num,
    Size,
    fresh,
    symbols,
)

ONE = Num(Fraction(1))
K = TypeVar("K")


# ---------------------------------------------------------------------- p


def supervisory(kernel: PKernel, values: Mapping[str, Value], setting: Setting) -> Expr:
    """p(j|i), normalised over the allowed neighbours."""
    if kernel.base:
        return symmetrised(kernel, values, setting)
    variables, allowed = setting.neighbours.variables, setting.neighbours.cond
    if kernel.form == "set":
        condition = instantiate(f"[{kernel.template}]", values, setting)
        assert isinstance(condition, Iverson)
        cond = conjoin(allowed, condition.cond)
        return Div(Iverson(cond), renewed(Size(variables, cond)))
    joint = setting.normalise == "joint"
    size = Value(renewed(Size(variables, allowed)))
    anchors = Value(whole(setting.ends[0].set) if joint else ONE)
    body = instantiate(kernel.template, values, setting, allowed=size, anchors=anchors)
    if kernel.form == "weight":
        return Div(body, renewed(Big("sum", variables, allowed, body)))
    return body


def symmetrised(kernel: PKernel, values: Mapping[str, Value], setting: Setting) -> Expr:
    """(p(j|i) + p(i|j)) / (2n), p(j|i) over j != i."""
    i, j = setting.ends
    rows = Neighbourhood((j,), Equal(j, i, True), setting.letters)
    anchor = Neighbourhood((i,), TRUE, setting.letters)
    row = replace(setting, normalise="row", anchors=anchor, neighbours=rows)
    p = supervisory(P_KERNELS[kernel.base], values, row)
    back = substitute(p, {i: j, j: i})
    return Div(Add((p, back)), Mul((Num(Fraction(2)), whole(i.set))))


def whole(index_set: IndexSet) -> Size:
    """The size of a set."""
    return Size((fresh(IVar("i", index_set)),), TRUE, index_set.name)


# ---------------------------------------------------------------------- assembling


@dataclass(frozen=True)
class IconTexts:
    """The texts of [icon], [p] and [q], with defaults in place of what the file leaves out."""

    table: Text
    anchors: Text
    neighbours: Text
    normalise: Normalise
    weights: Text | None
    p_table: Text
    p_kernel: Text
    p_params: Mapping[str, Text]
    q_table: Text
    q_kernel: Text
    q_params: Mapping[str, Text]
    keys: Mapping[str, Mapping[str, Text]]  # the keys of [p] and [q] themselves


def build_icon(texts: IconTexts, scope: Scope) -> Icon:
    """The pair that a file states. Raises InputError at the text that is wrong."""
    anchors = Neighbourhood((), TRUE, {})
    if texts.anchors.text.strip():
        anchors = parse_neighbourhood(texts.anchors.text, scope, where=texts.anchors.place)
    elif texts.normalise != "joint":
        raise texts.anchors.error("there are no anchors", 'name a letter, or normalise = "joint"')
    neighbours = parse_neighbourhood(
        texts.neighbours.text, scope, free=anchors.letters, where=texts.neighbours.place
    )
    if twice := {letter(v) for v in neighbours.variables} & set(anchors.letters):
        message = f"the letter {min(twice)!r} is an anchor already"
        raise texts.neighbours.error(message, "use another letter of the same set")
    setting = Setting(scope, texts.normalise, anchors, neighbours)
    p_kernel = choose(texts.p_kernel, P_KERNELS)
    q_kernel = choose(texts.q_kernel, Q_KERNELS)
    check_shape(texts, setting, p_kernel, q_kernel)
    p_values = read_params(p_kernel, texts.p_params, setting, texts.p_table, texts.keys["p"])
    q_values = read_params(q_kernel, texts.q_params, setting, texts.q_table, texts.keys["q"])
    try:
        p = supervisory(p_kernel, p_values, setting)
    except InputError as error:
        raise texts.p_kernel.error(
            f"these parameters do not fit: {error.message}", error.hint
        ) from None
    check_fixed(texts.p_table, "p", p)
    try:
        score = instantiate(q_kernel.score, q_values, setting)
        here = Value(score)
        kernel = instantiate(q_kernel.kernel, q_values, setting, score=here)
    except InputError as error:
        shared = "keys" in q_values and "keys" not in texts.q_params
        hint = "give the keys, the table of the neighbours" if shared else error.hint
        raise texts.q_kernel.error(f"these parameters do not fit: {error.message}", hint) from None
    log_kernel = instantiate(q_kernel.log_kernel, q_values, setting, score=Value(SCORE))
    weight = anchor_weight(texts, setting)
    block = Block(
        anchors.variables, anchors.cond, neighbours.variables, neighbours.cond, weight, p, kernel
    )
    blocks = (block,) if texts.normalise != "row-and-column" else rows_and_columns(block)
    return Icon(
        texts.normalise,
        blocks,
        PSpec(p_kernel.name, shown(p_values, setting)),
        QSpec(q_kernel.name, q_kernel.kind, shown(q_values, setting), score, log_kernel),
    )


def choose(name: Text, kernels: Mapping[str, K]) -> K:
    """The kernel of that name. Raises InputError."""
    if name.text not in kernels:
        hint = did_you_mean(name.text, kernels) or f"kernels: {', '.join(sorted(kernels))}"
        raise name.error(f"unknown kernel {name.text!r}", hint)
    return kernels[name.text]


def check_shape(texts: IconTexts, setting: Setting, p: PKernel, q: QKernel) -> None:
    """Check that anchors, neighbours, normalisation and kernels go together. Raises InputError."""
    anchors, neighbours = setting.anchors.variables, setting.neighbours.variables
    if setting.normalise == "joint" and anchors:
        raise texts.anchors.error("a joint normalisation has no anchors", 'write anchors = ""')
    if setting.normalise == "pair" and len(anchors) < 2:
        raise texts.anchors.error("a pair normalisation has two anchor letters", 'such as "i, j"')
    paired = {"points", "labels", "table"} & {param.kind for param in (*p.params, *q.params)}
    if len(setting.ends) < 2 and paired:
        hint = 'two neighbour letters, or the kernels "logit" and "formula"'
        raise texts.neighbours.error("these kernels compare two indices, and there is one", hint)
    if p.base:
        same = len(neighbours) == 2 and neighbours[0].set == neighbours[1].set
        if setting.normalise != "joint" or not same:
            hint = 'write normalise = "joint" and neighbours = "i, j : i != j"'
            raise texts.p_kernel.error(f"{p.name!r} is a distribution over pairs", hint)
    for kernel, name in ((p.name, texts.p_kernel), (q.name, texts.q_kernel)):
        if kernel in ("match", "sigmoid") and not {"match", "null"} <= set(
            setting.choice.set.elements
        ):
            hint = 'declare one: outcomes = { letters = "o", elements = ["match", "null"] }'
            raise name.error(
                f"{kernel!r} needs neighbours over a set with elements match and null", hint
            )
    if setting.normalise == "row-and-column":
        if len(anchors) != 1 or len(neighbours) != 1 or anchors[0].set != neighbours[0].set:
            raise texts.neighbours.error(
                "row-and-column needs one anchor and one neighbour of one set"
            )
        if setting.anchors.cond != TRUE or texts.weights is not None:
            raise texts.anchors.error("row-and-column weighs all rows and columns equally")
    if setting.normalise == "joint" and texts.weights is not None:
        raise texts.weights.error("a joint normalisation has no anchors to weigh")


def check_fixed(text: Text, what: str, node: Node, rule: str = "") -> None:
    """Check that nothing trained occurs in `node`. Raises InputError."""
    learned = sorted(s.name for s in symbols(node) if s.learned)
    if learned:
        hint = rule or f"{what} must be fixed"
        raise text.error(f"{what} mentions the learned symbol {learned[0]}", hint)


def anchor_weight(texts: IconTexts, setting: Setting) -> Expr:
    """The weight of an anchor, uniform by default. Raises InputError."""
    anchors = setting.anchors
    if texts.weights is not None:
        where = texts.weights.place
        weight = parse_expr(texts.weights.text, setting.scope, free=anchors.letters, where=where)
        check_fixed(texts.weights, "the anchor weight", weight)
        return weight
    if not anchors.variables:
        return ONE
    if len(anchors.variables) == 1 and anchors.cond == TRUE:
        size = whole(anchors.variables[0].set)
        twice = setting.normalise == "row-and-column"
        return Div(ONE, Mul((Num(Fraction(2)), size)) if twice else size)
    return Div(ONE, renewed(Size(anchors.variables, anchors.cond)))


def rows_and_columns(rows: Block) -> tuple[Block, Block]:
    """The rows, and the columns of the same kernel: j is the anchor, and p is that of j."""
    (i,), (j,) = rows.anchors, rows.neighbours
    i2, j2 = fresh(i), fresh(j)
    columns = Block(
        anchors=(j2,),
        anchor_cond=rows.anchor_cond,
        neighbours=(i2,),
        neighbour_cond=substitute(rows.neighbour_cond, {i: i2, j: j2}),
        weight=renewed(rows.weight),
        p=substitute(rows.p, {i: j2, j: i2}),
        kernel=substitute(rows.kernel, {i: i2, j: j2}),
    )
    return rows, columns
