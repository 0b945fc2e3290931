"""The parameters of a kernel: from the texts of [p] and [q] to nodes, and into templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from catalog.errors import InputError, Place, did_you_mean
from catalog.formula import (
    Neighbourhood,
    Scope,
    parse_cond,
    parse_expr,
    parse_index,
    parse_value,
)  # fmt: skip
from catalog.kernels import Param, PKernel, QKernel
from catalog.naming import letter, substitute
from catalog.scope import Value
from catalog.spec import Normalise
from catalog.symbols import (
    Cond,
    Expr,
    Index,
    IndexSet,
    IVar,
    Sym,
    free_indices,
    fresh,
)  # fmt: skip
from catalog.tidy import tidy


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
    """The letters of the pair: anchors, neighbours, and the two ends of a score."""

    scope: Scope
    normalise: Normalise
    anchors: Neighbourhood
    neighbours: Neighbourhood

    @property
    def ends(self) -> tuple[IVar, ...]:
        """The indices that bare arrays are read at: anchor and neighbour, or first and second."""
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


# ---------------------------------------------------------------------- parameters


def read_param(param: Param, given: Text, setting: Setting, *, second: bool = False) -> Value:
    """What a parameter's text means; bare arrays are read at the ends. Raises InputError."""
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
    if len(wanted) == 1:  # b[c] is read at the end that is a c, the anchor where both are
        ends = tuple(v for v in ends if v.set == wanted[0].set) or ends
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
    if (
        declaration is not None
        and isinstance(declaration.form, Sym)
        and len(declaration.form.args) == 2
    ):
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
        raise given.error(
            "a table of assignments has one index besides the anchor", "write phi[i,c]"
        )
    return Value(node, (first, *rest))


def read_params(
    kernel: PKernel | QKernel,
    given: Mapping[str, Text],
    setting: Setting,
    table: Text,
    keys: Mapping[str, Text],
) -> dict[str, Value]:
    """Every parameter of a kernel, defaults included. Raises InputError."""
    known = [param.name for param in kernel.params]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"it has {', '.join(known)}"
            raise keys[name].error(f"the kernel {kernel.name!r} has no parameter {name!r}", hint)
    values: dict[str, Value] = {}
    for param in kernel.params:
        text: Text | None = given.get(param.name)
        if text is None and param.default is None:
            raise table.error(f"the kernel {kernel.name!r} needs {param.name}: {param.doc}")
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
        found["keys"] = substitute(values["keys"].node, subst)
    return found


def instantiate(
    template: str, values: Mapping[str, Value], setting: Setting, **more: Value
) -> Expr:
    """A template with the parameters in place. Raises InputError when they do not fit."""
    free = {"t": setting.choice, **dict(zip("ij", setting.ends, strict=False))}
    letters: dict[str, IndexSet] = {}
    if "assignments" in values:
        point, cluster = values["assignments"].params
        letters = {"c": cluster.set, "l": point.set}
    scope = Scope(setting.scope.sets, letters, values={**values, **more})
    return cast(Expr, parse_value(template, scope, free=free, finish=tidy).node)
