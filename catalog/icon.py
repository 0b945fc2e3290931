"""[icon], [p] and [q] of a file -> the pair: blocks with p and kernel as formulas.

The templates of `kernels` are parsed with the file's parameters in place of their names, so what a
kernel means is stated once, in the formula language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from catalog.errors import InputError, Place, did_you_mean
from catalog.formula import (
    Neighbourhood, Scope, Value, parse_cond, parse_expr, parse_index, parse_neighbourhood, parse_value,
)  # fmt: skip
from catalog.kernels import P_KERNELS, Q_KERNELS, Param, PKernel, QKernel
from catalog.pair import renewed
from catalog.spec import SCORE, Block, Icon, Normalise, PSpec, QSpec
from catalog.symbols import (
    TRUE, Add, And, Big, Cond, Div, Equal, Expr, IApp, Index, Iverson, IVar, Mask, Mul, Node, Num,
    SetRef, Size, Sym, free_indices, fresh, map_node, symbols,
)  # fmt: skip
from catalog.tidy import tidy

ONE = Num(Fraction(1))
K = TypeVar("K")


@dataclass(frozen=True)
class Text:
    """A piece of text of the file and where it stands."""

    text: str
    place: Place

    def error(self, message: str, hint: str = "") -> InputError:
        """An InputError at the start of the text."""
        return self.place.error(0, message, hint)


@dataclass(frozen=True)
class Setting:
    """The letters of the pair: anchors, neighbours, and the two ends `first` and `second` of a score."""

    scope: Scope
    normalise: Normalise
    anchors: Neighbourhood
    neighbours: Neighbourhood

    @property
    def ends(self) -> tuple[IVar, ...]:
        """The indices that bare arrays are read at: the anchor (or first) and the neighbour (or second)."""
        if self.normalise == "pair":
            return self.anchors.variables[:2]
        if self.normalise == "joint":
            return self.neighbours.variables[:2]
        return (*self.anchors.variables[-1:], self.neighbours.variables[-1])

    @property
    def choice(self) -> IVar:
        """The variable that q is a distribution over (the last one of several)."""
        return self.neighbours.variables[-1]

    @property
    def letters(self) -> Mapping[str, IVar]:
        """Every letter of the pair."""
        return self.neighbours.letters


def letter(variable: IVar) -> str:
    """The letter of a variable, without its number."""
    return variable.name.split("'")[0]


# ---------------------------------------------------------------------- parameters


def read_param(param: Param, given: Text, setting: Setting, *, second: bool = False) -> Value:
    """What a parameter's text means; a bare array is read at the ends of the pair. Raises InputError."""
    given = with_indices(given, setting, second=second, table=param.kind == "table")
    scope, free, where = setting.scope, setting.letters, given.place
    if param.kind == "cond":
        return Value(parse_cond(given.text, scope, free=free, where=where))
    if param.kind in ("index", "labels"):
        index = parse_index(given.text, scope, free=free, where=where)
        return Value(index, setting.ends[:1] if param.kind == "labels" else ())
    if param.kind == "table":
        return read_table(given, setting)
    value = parse_value(given.text, scope, free=free, where=where)
    if param.kind == "expr" and value.dim is not None:
        raise given.error(f"{param.name} is a number, and this is a vector")
    if param.kind == "points":
        if value.dim is None:
            raise given.error(f"{param.name} is a vector, and this is a number")
        return replace(value, params=setting.ends[1:] if second else setting.ends[:1])
    return value


def with_indices(given: Text, setting: Setting, *, second: bool, table: bool) -> Text:
    """`z` -> `z[i]` where z is a declared array; every character stands where the name stands."""
    name = given.text.strip()
    declaration = setting.scope.declarations.get(name)
    wanted = getattr(declaration.form, "args", ()) if declaration else ()
    if not wanted or table:
        return given
    ends = setting.ends[1:] if second else setting.ends
    if len(wanted) > len(ends):
        raise given.error(f"{name!r} takes {len(wanted)} indices", "write them")
    text = f"{name}[{','.join(letter(v) for v in ends[: len(wanted)])}]"
    start = given.place.offsets[given.text.index(name)]
    return Text(text, replace(given.place, offsets=[start] * (len(text) + 1)))


def read_table(given: Text, setting: Setting) -> Value:
    """`phi` or `phi[i,c]` as a function of the point and the cluster."""
    name, scope = given.text.strip(), setting.scope
    first = setting.ends[0]
    declaration = scope.declarations.get(name)
    if declaration is not None and isinstance(declaration.form, Sym) and len(declaration.form.args) == 2:
        point, cluster = declaration.form.args
        if point.set != first.set:
            raise given.error(f"{name!r} is not indexed by {letter(first)}")
        assert isinstance(point, IVar) and isinstance(cluster, IVar)
        params = fresh(point), fresh(cluster)
        return Value(replace(declaration.form, args=params), params)
    every = {name: IVar(name, over) for name, over in scope.letters.items()}
    node = parse_expr(given.text, scope, free={**every, **setting.letters}, where=given.place)
    rest = free_indices(node) - {first}
    if len(rest) != 1:
        raise given.error("a table of assignments has one index besides the anchor", "write phi[i,c]")
    return Value(node, (first, *rest))


def read_params(
    kernel: PKernel | QKernel, given: Mapping[str, Text], setting: Setting, table: Text
) -> dict[str, Value]:
    """Every parameter of a kernel, defaults included. Raises InputError for unknown or missing ones."""
    known = [param.name for param in kernel.params]
    for name, text in given.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"it has {', '.join(known)}"
            raise text.error(f"the kernel {kernel.name!r} has no parameter {name!r}", hint)
    values: dict[str, Value] = {}
    for param in kernel.params:
        text = given.get(param.name)
        if text is None and param.default is None:
            raise table.error(f"the kernel {kernel.name!r} needs {param.name}", param.doc)
        if param.name == "keys" and text is None:
            values["keys"] = values["embedding"]
        elif text is not None:
            values[param.name] = read_param(param, text, setting, second=param.name == "keys")
        else:
            assert param.default is not None
            values[param.name] = parse_value(param.default, Scope({}, {}), finish=tidy)
    return values


def shown(values: Mapping[str, Value], setting: Setting) -> dict[str, Expr | Index | Cond]:
    """The parameters as PSpec and QSpec keep them; keys are read at the neighbour."""
    found = {name: value.node for name, value in values.items()}
    if "keys" in values and values["keys"].params != setting.ends[1:]:
        subst = dict(zip(values["keys"].params, setting.ends[1:], strict=False))
        found["keys"] = map_node(values["keys"].node, subst)  # type: ignore[assignment,arg-type]
    return found


def instantiate(template: str, values: Mapping[str, Value], setting: Setting, **more: Value) -> Expr:
    """A template with the parameters in place. Raises InputError when their index sets do not fit."""
    free = {"t": setting.choice, **dict(zip("ij", setting.ends, strict=False))}
    letters: dict[str, object] = {}
    if "assignments" in values:
        point, cluster = values["assignments"].params
        letters = {"c": cluster.set, "l": point.set}
    scope = Scope(setting.scope.sets, letters, values={**values, **more})  # type: ignore[arg-type]
    return parse_value(template, scope, free=free, finish=tidy).node  # type: ignore[return-value]


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
    size = Value(renewed(Size(variables, allowed)))  # type: ignore[arg-type]
    body = instantiate(kernel.template, values, setting, allowed=size)
    if kernel.form == "weight":
        return Div(body, renewed(Big("sum", variables, allowed, body)))
    if kernel.name == "one-hot" and setting.normalise == "joint":
        first = setting.ends[0]
        return Div(body, whole(first.set))
    return body


def symmetrised(kernel: PKernel, values: Mapping[str, Value], setting: Setting) -> Expr:
    """(p(j|i) + p(i|j)) / (2n), p(j|i) over j != i."""
    i, j = setting.ends
    rows = Neighbourhood((j,), Equal(j, i, True), setting.letters)
    anchor = Neighbourhood((i,), TRUE, setting.letters)
    row = replace(setting, normalise="row", anchors=anchor, neighbours=rows)
    p = supervisory(P_KERNELS[kernel.base], values, row)
    back = map_node(p, {i: j, j: i})
    return Div(Add((p, back)), Mul((Num(Fraction(2)), whole(i.set))))  # type: ignore[arg-type]


def whole(index_set: object) -> Size:
    """The size of a set."""
    return Size((fresh(IVar("i", index_set)),), TRUE, index_set.name)  # type: ignore[arg-type,attr-defined]


def conjuncts(cond: Cond) -> tuple[Cond, ...]:
    """The conditions that `cond` is the conjunction of, membership in a named set unfolded."""
    if isinstance(cond, And):
        return tuple(part for arg in cond.args for part in conjuncts(arg))
    if isinstance(cond, SetRef) and not cond.negated:
        return conjuncts(cond.cond)
    return (cond,)


def conjoin(allowed: Cond, cond: Cond) -> Cond:
    """Both conditions, the first left out where the second says it already."""
    if set(conjuncts(allowed)) <= set(conjuncts(cond)):
        return cond
    parts = [*(allowed.args if isinstance(allowed, And) else (allowed,))]
    parts += cond.args if isinstance(cond, And) else (cond,)
    return And(tuple(parts))


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


def build_icon(texts: IconTexts, scope: Scope) -> Icon:
    """The pair that a file states. Raises InputError at the text that is wrong."""
    anchors = Neighbourhood((), TRUE, {})
    if texts.anchors.text.strip():
        anchors = parse_neighbourhood(texts.anchors.text, scope, where=texts.anchors.place)
    neighbours = parse_neighbourhood(
        texts.neighbours.text, scope, free=anchors.letters, where=texts.neighbours.place
    )
    setting = Setting(scope, texts.normalise, anchors, neighbours)
    p_kernel = choose(texts.p_kernel, P_KERNELS)
    q_kernel = choose(texts.q_kernel, Q_KERNELS)
    check_shape(texts, setting, p_kernel, q_kernel)
    p_values = read_params(p_kernel, texts.p_params, setting, texts.p_table)
    q_values = read_params(q_kernel, texts.q_params, setting, texts.q_table)
    try:
        p = supervisory(p_kernel, p_values, setting)
    except InputError as error:
        raise texts.p_kernel.error(f"these parameters do not fit: {error.message}", error.hint) from None
    check_fixed(texts.p_table, "p", p)
    try:
        score = instantiate(q_kernel.score, q_values, setting)
        here = Value(score)
        kernel = instantiate(q_kernel.kernel, q_values, setting, score=here)
    except InputError as error:
        raise texts.q_kernel.error(f"these parameters do not fit: {error.message}", error.hint) from None
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
    if setting.normalise != "joint" and not anchors:
        raise texts.anchors.error("there are no anchors", 'name a letter, or normalise = "joint"')
    if setting.normalise == "pair" and len(anchors) < 2:
        raise texts.anchors.error("a pair normalisation has two anchor letters", 'such as "i, j"')
    if p.base:
        same = len(neighbours) == 2 and neighbours[0].set == neighbours[1].set
        if setting.normalise != "joint" or not same:
            hint = 'write normalise = "joint" and neighbours = "i, j : i != j"'
            raise texts.p_kernel.error(f"{p.name!r} is a distribution over pairs", hint)
    for kernel, name in ((p.name, texts.p_kernel), (q.name, texts.q_kernel)):
        if kernel in ("match", "sigmoid") and not {"match", "null"} <= set(setting.choice.set.elements):
            hint = 'declare one: outcomes = { letters = "o", elements = ["match", "null"] }'
            raise name.error(f"{kernel!r} needs neighbours over a set with elements match and null", hint)
    if setting.normalise == "row-and-column":
        if len(anchors) != 1 or len(neighbours) != 1 or anchors[0].set != neighbours[0].set:
            raise texts.neighbours.error("row-and-column needs one anchor and one neighbour of one set")
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
    """The rows, and the columns of the same kernel: there j is the anchor, and in p the two exchange roles."""
    (i,), (j,) = rows.anchors, rows.neighbours
    i2, j2 = fresh(i), fresh(j)
    columns = Block(
        anchors=(j2,),
        anchor_cond=rows.anchor_cond,
        neighbours=(i2,),
        neighbour_cond=map_node(rows.neighbour_cond, {i: i2, j: j2}),  # type: ignore[arg-type]
        weight=renewed(rows.weight),
        p=map_node(rows.p, {i: j2, j: i2}),  # type: ignore[arg-type]
        kernel=map_node(rows.kernel, {i: i2, j: j2}),  # type: ignore[arg-type]
    )
    return rows, columns
