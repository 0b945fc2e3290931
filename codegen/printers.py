"""Formulas as array text: `catalog.symbols` trees -> NumPy or torch source.

A formula with free indices (i, j) is an array with these axes. `TensorPrinter` writes it with
broadcasting: it keeps, beside the text, which axes the array has, and inserts `None` where two
operands differ. No library printer does that: to them an array is an opaque symbol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

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
)  # fmt: skip
from codegen import log_space
from codegen.dialects import Dialect
from codegen.text import ATOM, BITS, POWER, PRODUCT, SUM, UNARY, Text, number
from codegen.trees import positive


@dataclass
class TensorPrinter:
    """Writes formulas over the axes of `layout`, in that order.

    `names` gives the Python name of each declared symbol, `sizes` of the size of each set. A
    variable in `slices` is one block of its axis: arrays are cut with the given text. A variable in
    `fixed` is a Python integer. `cast` turns a condition into numbers. The positions of a set n are
    called index_n.
    """

    dialect: Dialect
    layout: tuple[IVar, ...]
    names: Mapping[str, str]
    sizes: Mapping[str, str]
    slices: Mapping[IVar, str] = field(default_factory=dict)
    fixed: Mapping[IVar, str] = field(default_factory=dict)
    cast: str = ""

    # ----------------------------------------------------------------- axes

    def union(self, *parts: Text) -> tuple[IVar, ...]:
        """The axes of a result that broadcasts `parts`."""
        return self.ordered({v for part in parts for v in part.axes})

    def ordered(self, axes: Iterable[IVar]) -> tuple[IVar, ...]:
        """Axes in layout order."""
        found = set(axes)
        return tuple(v for v in self.layout if v in found)

    def lift(self, text: Text, axes: tuple[IVar, ...], *, vector: bool | None = None) -> Text:
        """`text` broadcastable against an array over `axes` (and coordinates, if `vector`)."""
        vector = text.vector if vector is None else vector
        if not text.axes and not text.vector:
            return text
        missing = [v not in text.axes for v in axes]
        first = missing.index(False) if False in missing else len(axes)
        pattern = ["None" if m else ":" for m in missing[first:]]
        if vector:
            pattern.append(":" if text.vector else "None")
        while pattern and pattern[-1] == ":":
            pattern.pop()
        if not pattern:
            return replace(text, axes=axes)
        return Text(f"{text.at(ATOM)}[{', '.join(pattern)}]", axes, ATOM, vector)

    def full(self, text: Text, axes: tuple[IVar, ...]) -> str:
        """`text` with every one of `axes`, for where broadcasting will not do."""
        return self.lift(text, axes).code

    # ----------------------------------------------------------------- indices and conditions

    def position(self, index: Index) -> Text:
        """The positions that an index takes."""
        if isinstance(index, IVar):
            if index in self.fixed:
                return Text(self.fixed[index], plain=True)
            name = f"index_{index.set.name}"
            cut = self.slices.get(index)
            return Text(f"{name}[{cut}]" if cut else name, (index,))
        if not index.args and index.name in index.set.elements:
            return Text(str(index.set.elements.index(index.name)), plain=True)
        return self.entry(index.name, index.args)

    def entry(self, name: str, args: tuple[Index, ...], vector: bool = False) -> Text:
        """A declared array at `args`: cut where they are plain variables, gathered elsewhere."""
        code = self.names[name]
        if not args:
            return Text(code, (), ATOM, vector)
        plain = [a for a in args if isinstance(a, IVar) and a not in self.fixed]
        gathers = [a for a in args if not isinstance(a, IVar) and self.position(a).axes]
        if gathers or len(set(plain)) < len(plain):
            positions = [self.position(a) for a in args]
            axes = self.union(*positions)
            inside = ", ".join(self.lift(p, axes).code for p in positions)
            return Text(f"{code}[{inside}]", axes, ATOM, vector)
        inside_parts = [
            self.slices.get(a, ":") if a in plain else self.position(a).code for a in args
        ]
        while inside_parts and inside_parts[-1] == ":":
            inside_parts.pop()
        if inside_parts:
            code = f"{code}[{', '.join(inside_parts)}]"
        axes = self.ordered(v for v in plain if isinstance(v, IVar))
        if list(axes) != plain:
            order = [plain.index(v) for v in axes] + ([len(axes)] if vector else [])
            code += ".T" if order == [1, 0] else self.dialect.permute.format(str(order)[1:-1])
        return Text(code, axes, ATOM, vector)

    def cond(self, cond: Cond) -> Text:
        """A condition as a Boolean array."""
        match cond:
            case Equal(a, b, negated):
                left, right = self.position(a), self.position(b)
                axes = self.union(left, right)
                late = left.axes[:1] == axes[-1:] != right.axes[-1:]
                if (late and right.axes) or (left.plain and not right.plain):
                    left, right = right, left  # rows before columns, arrays before numbers
                sign = "!=" if negated else "=="
                code = f"{self.lift(left, axes).code} {sign} {self.lift(right, axes).code}"
                return Text(code, axes, BITS, plain=left.plain and right.plain)
            case Mask(name, args, negated):
                mask = self.entry(name, args)
                return Text(f"~{mask.at(ATOM)}", mask.axes, UNARY) if negated else mask
            case SetRef(cond=inner, negated=negated):
                text = self.cond(inner)
                if not negated:
                    return text
                code = f"not {text.at(ATOM)}" if text.plain else f"~{text.at(ATOM)}"
                return replace(text, code=code, level=UNARY)
            case And(()):
                return Text("True", plain=True)
            case And(args) | Or(args):
                parts = [self.cond(c) for c in args]
                axes = self.union(*parts)
                plain = all(p.plain for p in parts)
                sign = (
                    (" and " if plain else " & ")
                    if isinstance(cond, And)
                    else (" or " if plain else " | ")
                )
                code = sign.join(self.lift(p, axes).at(SUM) for p in parts)
                return Text(code, axes, BITS, plain=plain)

    # ----------------------------------------------------------------- formulas

    def join(self, sign: str, parts: list[Text], level: int) -> Text:
        """`parts` combined by an operator, broadcast against each other."""
        axes, vector = self.union(*parts), any(p.vector for p in parts)
        lifted = [self.lift(p, axes, vector=vector) for p in parts]
        # x * u @ v would be (x * u) @ v
        rest = [p.at(level + (sign == " / " or " @ " in p.code)) for p in lifted[1:]]
        code = sign.join([lifted[0].at(level), *rest])
        return Text(code, axes, level, vector, all(p.plain for p in parts))

    def expr(self, node: Expr) -> Text:
        """A formula."""
        match node:
            case Num(value):
                return number(value)
            case Sym(name, args, dim=dim):
                return self.entry(name, args, dim is not None)
            case Macro():
                return self.expr(node.body)
            case Add(args):
                return self.addition(args)
            case Mul(args):
                return self.product(args)
            case Div(num, den) if log_space.suits(num) and log_space.suits(den):
                return self.call("exp", [log_space.logarithm(self, node)])
            case Div(num, den):
                return self.join(" / ", [self.expr(num), self.divisor(den)], PRODUCT)
            case Pow(base, exponent):
                return self.power(self.expr(base), self.expr(exponent))
            case Call("log", (a,)) if log_space.suits(a):
                return log_space.logarithm(self, a)
            case Call("sqrt", (a,)) if not log_space.never_negative(a):
                return self.call("root", [self.expr(a)])
            case Call(fn, args):
                return self.call(fn, [self.expr(a) for a in args])
            case Dot(u, v):
                return self.dot(self.expr(u), self.expr(v))
            case Cos(u, v):
                return self.dot(self.unit(self.expr(u)), self.unit(self.expr(v)))
            case SqNorm(u):
                return self.squared_norm(u)
            case Norm(u):
                w = self.expr(u)
                return Text(self.dialect.functions["norm"].format(w.code), w.axes)
            case Iverson(cond):
                return self.numeric(self.cond(cond))
            case Size(vars, cond, label):
                return self.size(vars, cond, label)
            case Big():
                return self.big(node)

    def divisor(self, node: Expr) -> Text:
        """What is divided by: the number of elements of a set that may be empty is 1 at least.

        Its sum over no elements is 0, and 0 / 0 would be no number.
        """
        match node:
            case Macro():
                return self.divisor(node.body)
            case Mul(args):
                return self.join(" * ", [self.divisor(a) for a in args], PRODUCT)
            case Size(_, cond) if cond != And(()):
                text = self.expr(node)
                return text if text.plain else replace(
                    text, code=self.dialect.at_least.format(text.at(ATOM)), level=ATOM
                )
        return self.expr(node)

    def addition(self, args: tuple[Expr, ...]) -> Text:
        """A sum; a term with a leading minus is subtracted."""
        signs = [(a, "+") if (rest := positive(a)) is None else (rest, "-") for a in args]
        parts = [(self.expr(a), sign) for a, sign in signs]
        axes = self.union(*(p for p, _ in parts))
        vector = any(p.vector for p, _ in parts)
        code = ""
        for k, (part, sign) in enumerate(parts):
            text = self.lift(part, axes, vector=vector).at(SUM if sign == "+" else PRODUCT)
            code += text if not k and sign == "+" else f"-{text}" if not k else f" {sign} {text}"
        return Text(code, axes, SUM, vector, all(p.plain for p, _ in parts))

    def product(self, args: tuple[Expr, ...]) -> Text:
        """A product; a bracket among the factors stays a factor."""
        if (rest := positive(Mul(args))) is not None:
            text = self.expr(rest)
            return replace(text, code=f"-{text.at(UNARY)}", level=UNARY)
        return self.join(" * ", [self.expr(a) for a in args], PRODUCT)

    def power(self, base: Text, exponent: Text) -> Text:
        """A power; the exponent -1 is a quotient."""
        if exponent.code == "-1":
            return self.join(" / ", [Text("1", plain=True), base], PRODUCT)
        axes = self.union(base, exponent)
        left, right = self.lift(base, axes), self.lift(exponent, axes)
        code = f"{left.at(ATOM)} ** {right.at(POWER)}"
        return Text(code, axes, POWER, plain=base.plain and exponent.plain)

    def call(self, fn: str, args: list[Text]) -> Text:
        """A function of the language."""
        axes = self.union(*args)
        if all(a.plain for a in args) and fn in ("log", "exp", "sqrt"):
            return Text(f"math.{fn}({args[0].code})", plain=True)
        template = self.dialect.functions[fn]
        inner = ATOM if template.startswith("{}") or "-{}" in template else BITS
        return Text(template.format(*(self.lift(a, axes).at(inner) for a in args)), axes)

    def unit(self, u: Text) -> Text:
        """A vector divided by its length."""
        return Text(self.dialect.functions["unit"].format(u.code), u.axes, ATOM, vector=True)

    def dot(self, u: Text, v: Text) -> Text:
        """An inner product: a matrix product where the axes allow it."""
        if u.axes == v.axes:
            return Text(f"({u.at(PRODUCT)} * {v.at(PRODUCT)}).sum(-1)", u.axes)
        axes = self.union(u, v)
        if axes == (*v.axes, *u.axes):
            u, v = v, u
        if len(u.axes) == len(v.axes) == 1:
            return Text(f"{u.at(PRODUCT)} @ {v.at(ATOM)}.T", axes, PRODUCT)
        spec = f"{self.letters(u.axes)}d,{self.letters(v.axes)}d->{self.letters(axes)}"
        return Text(self.dialect.einsum.format(spec, u.code, v.code), axes)

    def letters(self, axes: tuple[IVar, ...]) -> str:
        """One letter for each axis; d is left for the coordinates."""
        return "".join("abcefghijkl"[self.layout.index(v)] for v in axes)

    def squared_norm(self, node: Expr) -> Text:
        """|u|^2; distances between two sets of points go through a helper that keeps digits."""
        if isinstance(node, Add) and len(node.args) == 2 and self.dialect.name == "torch":
            left, right = node.args[0], positive(node.args[1])
            if right is not None:
                u, v = self.expr(left), self.expr(right)
                if len(u.axes) == len(v.axes) == 1 and u.axes != v.axes:
                    if self.ordered((*u.axes, *v.axes)) != (*u.axes, *v.axes):
                        u, v = v, u
                    return Text(f"_sqdist({u.code}, {v.code})", (*u.axes, *v.axes))
        u = self.expr(node)
        return Text(f"({u.at(POWER)} ** 2).sum(-1)", u.axes)

    def size(self, vars: tuple[IVar, ...], cond: Cond, label: str) -> Text:
        """The number of elements."""
        if cond == And(()):
            factors = [self.sizes[v.set.name] for v in vars]
            return Text(" * ".join(factors), (), ATOM if len(vars) == 1 else PRODUCT, plain=True)
        inner = self.inside(vars)
        return self.numeric(self.drop(inner, inner.cond(cond), vars, ".sum({})"))

    def numeric(self, text: Text) -> Text:
        """A condition, or a count, as numbers that can be subtracted and divided."""
        if text.plain or not self.cast:
            return text
        return replace(text, code=f"{text.at(ATOM)}{self.cast}", level=ATOM)

    def inside(self, vars: tuple[IVar, ...]) -> TensorPrinter:
        """A printer whose layout has axes for the variables of a binder, last."""
        return replace(self, layout=(*self.layout, *vars))

    def drop(self, inner: TensorPrinter, body: Text, vars: tuple[IVar, ...], method: str) -> Text:
        """`body` reduced over the axes `vars`, each of which it has."""
        lifted = inner.lift(body, inner.ordered({*body.axes, *vars}))
        missing = [v for v in vars if v not in body.axes]
        count = len(vars) - len(missing)
        dims = "-1" if count == 1 else str(tuple(range(-count, 0)))
        text = lifted if not missing else body
        code = f"{text.at(ATOM)}{method.format(dims)}" if count else text.code
        axes = tuple(v for v in body.axes if v not in vars)
        result = Text(code, axes, ATOM if count else text.level)
        if method.startswith(".sum") and missing:
            sizes = [Text(self.sizes[v.set.name], plain=True) for v in missing]
            return self.join(" * ", [result, *sizes], PRODUCT)
        return result

    def big(self, node: Big) -> Text:
        """sum, mean, max or min over the values of some indices."""
        inner = self.inside(node.vars)
        body, free = inner.expr(node.body), node.cond == And(())
        if node.op in ("sum", "mean") and free:
            if node.op == "sum" or all(v in body.axes for v in node.vars):
                return self.vector_safe(inner, body, node.vars, node.op)
            present = tuple(v for v in node.vars if v in body.axes)
            return self.vector_safe(inner, body, present, "mean")
        if free:
            method = self.dialect.largest if node.op == "max" else self.dialect.smallest
            return self.drop(inner, body, tuple(v for v in node.vars if v in body.axes), method)
        cond = inner.cond(node.cond)
        axes = inner.ordered({*body.axes, *cond.axes})
        mask, value = inner.lift(cond, axes), inner.lift(body, axes)
        if node.op in ("max", "min"):
            fill = "-float('inf')" if node.op == "max" else "float('inf')"
            where = self.dialect.where.replace("0.0", fill)
            chosen = Text(where.format(mask.code, value.code), axes)
            method = self.dialect.largest if node.op == "max" else self.dialect.smallest
            return self.drop(inner, chosen, node.vars, method)
        chosen = Text(self.dialect.where.format(mask.code, value.code), axes, ATOM, body.vector)
        total = self.drop(inner, chosen, node.vars, ".sum({})")
        if node.op == "sum":
            return total
        return self.join(" / ", [total, self.size(node.vars, node.cond, "")], PRODUCT)

    def vector_safe(
        self, inner: TensorPrinter, body: Text, vars: tuple[IVar, ...], op: str
    ) -> Text:
        """A sum or mean over axes; for vectors the coordinates stay last."""
        if not vars:
            return body
        if not body.vector:
            return self.drop(inner, body, vars, f".{op}({{}})")
        have = [v for v in vars if v in body.axes]
        dims = str(tuple(range(-1 - len(have), -1))) if len(have) > 1 else "-2"
        axes = tuple(v for v in body.axes if v not in vars)
        return Text(f"{body.at(ATOM)}.{op}({dims})", axes, ATOM, vector=True)
