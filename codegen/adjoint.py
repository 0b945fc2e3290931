"""The gradient of a formula as NumPy text: reverse mode over the tree.

Given the text of d loss / d node, `pull` writes statements that add to `grad_<name>` for every
learned symbol below the node. An adjoint is summed over the axes that its node lacks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from catalog.symbols import (
    Add,
    Big,
    Call,
    Cos,
    Div,
    Dot,
    Expr,
    IVar,
    Iverson,
    Macro,
    Mul,
    Norm,
    Num,
    Pow,
    SqNorm,
    Sym,
    walk,
)  # fmt: skip
from codegen import log_space
from codegen.printers import TensorPrinter
from codegen.text import ATOM, BITS, PRODUCT, Text
from codegen.trees import holds_always

ONE_TEXT = Text("1", plain=True)


def dims(count: int) -> str:
    """The last `count` axes, as NumPy takes them."""
    return "-1" if count == 1 else str(tuple(range(-count, 0)))


@dataclass
class Adjoint:
    """Writes the reverse sweep of formulas over the layout of `printer`."""

    printer: TensorPrinter
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def named(self, text: Text) -> Text:
        """`text` under a name of its own, unless it is one already."""
        if text.level == ATOM and text.code.isidentifier():
            return text
        self.count += 1
        name = f"g{self.count}"
        self.lines.append(f"{name} = {text.code}")
        return replace(text, code=name, level=ATOM)

    def times(self, *parts: Text) -> Text:
        """A product of texts."""
        kept = [p for p in parts if p.code != "1"] or [ONE_TEXT]
        return kept[0] if len(kept) == 1 else self.printer.join(" * ", kept, PRODUCT)

    def onto(self, text: Text, axes: tuple[IVar, ...]) -> Text:
        """`text` summed over the axes that are not among `axes`."""
        extra = [k for k, v in enumerate(text.axes) if v not in axes]
        if not extra:
            return text
        dims = str(tuple(extra)) if len(extra) > 1 else str(extra[0])
        kept = tuple(v for v in text.axes if v in axes)
        return Text(f"{text.at(ATOM)}.sum({dims})", kept, ATOM, text.vector)

    def value(self, node: Expr) -> Text:
        """The text of a formula's value."""
        return self.printer.expr(node)

    def pull(self, node: Expr, upstream: Text) -> None:
        """Statements for the gradient of everything learned in `node`, given d loss / d node."""
        if not any(isinstance(n, Sym) and n.learned for n in walk(node)):
            return
        if isinstance(node, Macro):
            return self.pull(node.body, upstream)
        text = self.value(node)
        g = self.named(self.onto(upstream, text.axes))
        match node:
            case Sym():
                self.store(node, text, g)
            case Add(args):
                for a in args:
                    self.pull(a, g)
            case Mul(args):
                for k, a in enumerate(args):
                    rest = args[:k] + args[k + 1 :]
                    self.pull_factor(a, g, rest)
            case Div(num, den) if log_space.suits(num) and log_space.suits(den):
                self.pull_log(node, self.times(g, text))
            case Div(num, den):
                self.pull(num, self.printer.join(" / ", [g, self.value(den)], PRODUCT))
                ratio = self.printer.join(" / ", [self.value(num), self.value(den)], PRODUCT)
                both = self.times(self.minus(g), replace(ratio, code=f"({ratio.code})", level=ATOM))
                down = self.printer.join(" / ", [both, self.value(den)], PRODUCT)
                self.pull(den, self.scalar(down, text))
            case Pow(base, exponent):
                lower = Pow(base, Add((exponent, Num(Fraction(-1)))))
                self.pull(base, self.times(g, self.value(exponent), self.value(lower)))
                log = self.printer.call("log", [self.value(base)])
                self.pull(exponent, self.times(g, text, log))
            case Call("log", (a,)) if log_space.suits(a):
                self.pull_log(a, g)
            case Call(fn, args):
                self.pull_call(fn, args, g)
            case Dot(u, v):
                self.pull(u, self.contract(g, self.value(v), self.value(u)))
                self.pull(v, self.contract(g, self.value(u), self.value(v)))
            case SqNorm(u):
                self.pull(u, self.stretched(self.times(Text("2", plain=True), g), self.value(u)))
            case Norm(u):
                ratio = self.printer.join(" / ", [g, text], PRODUCT)
                self.pull(u, self.stretched(ratio, self.value(u)))
            case Cos(u, v):
                self.pull(Div(Dot(u, v), Mul((Norm(u), Norm(v)))), g)
            case Big():
                self.pull_big(node, g)
        return None

    def pull_log(self, node: Expr, upstream: Text) -> None:
        """The reverse sweep of `log_space.logarithm`: `upstream` is d loss / d log node."""
        if not any(isinstance(n, Sym) and n.learned for n in walk(node)):
            return
        text = log_space.logarithm(self.printer, node)
        g = self.named(self.onto(upstream, text.axes))
        match node:
            case Macro():
                self.pull_log(node.body, g)
            case Call("exp", (x,)):
                self.pull(x, g)
            case Call("sigmoid", (x,)):
                other = self.printer.call("sigmoid", [log_space.negated(self.value(x))])
                self.pull(x, self.times(g, other))
            case Div(num, den):
                self.pull_log(num, g)
                self.pull_log(den, self.minus(g))
            case Pow(base, exponent) if log_space.has_exp(base):
                self.pull_log(base, self.times(g, self.value(exponent)))
                self.pull(exponent, self.times(g, log_space.logarithm(self.printer, base)))
            case Mul(args):
                held = [self.printer.cond(a.cond) for a in args if isinstance(a, Iverson)]
                g = self.named(self.times(g, *(replace(c, code=f"({c.code})") for c in held)))
                for a in args:
                    if not isinstance(a, Iverson):
                        self.pull_log(a, g)
            case Add(args):
                whole = self.named(text)
                for a in args:
                    part = log_space.logarithm(self.printer, a)
                    self.pull_log(a, self.times(g, self.share(part, whole)))
            case Big("sum" | "mean", vars, cond, body):
                inner = Adjoint(self.printer.inside(vars), self.lines, self.count)
                whole = log_space.logarithm(self.printer, Big("sum", vars, cond, body))
                whole = inner.named(whole)
                part = log_space.logarithm(inner.printer, body)
                if not holds_always(cond):
                    part = log_space.chosen(inner.printer, cond, part)
                inner.pull_log(body, inner.times(g, inner.share(part, whole)))
                self.count = inner.count
            case _:
                self.pull_call("log", (node,), g)

    def share(self, part: Text, whole: Text) -> Text:
        """The share of a summand in a sum, from their logarithms."""
        axes = self.printer.union(part, whole)
        ends = [self.printer.lift(t, axes).code for t in (part, whole)]
        return Text(f"_share({ends[0]}, {ends[1]})", axes, ATOM)

    def minus(self, g: Text) -> Text:
        """-g."""
        return replace(g, code=f"-{g.at(PRODUCT)}", level=PRODUCT)

    def scalar(self, down: Text, whole: Text) -> Text:
        """The adjoint of a scalar divisor of a vector: summed over the coordinates."""
        if not whole.vector:
            return down
        return Text(f"({down.code}).sum(-1)", down.axes, ATOM)

    def pull_factor(self, factor: Expr, g: Text, rest: tuple[Expr, ...]) -> None:
        """One factor of a product."""
        others = [self.value(r) for r in rest]
        product = self.times(g, *others)
        if product.vector and not self.value(factor).vector:
            product = Text(f"({product.code}).sum(-1)", product.axes, ATOM)
        self.pull(factor, product)

    def pull_call(self, fn: str, args: tuple[Expr, ...], g: Text) -> None:
        """A function of the language."""
        x = self.value(args[0])
        if fn == "log":
            self.pull(args[0], self.printer.join(" / ", [g, x], PRODUCT))
        elif fn == "exp":
            self.pull(args[0], self.times(g, self.printer.call("exp", [x])))
        elif fn == "sqrt":
            root = self.printer.call("sqrt", [x])
            self.pull(args[0], self.printer.join(" / ", [g, self.times(Text("2"), root)], PRODUCT))
        elif fn == "relu":
            self.pull(args[0], self.times(g, Text(f"{x.at(PRODUCT)} > 0", x.axes, BITS)))
        elif fn == "softplus":
            self.pull(args[0], self.times(g, self.printer.call("sigmoid", [x])))
        elif fn == "sigmoid":
            s = self.printer.call("sigmoid", [x])
            self.pull(args[0], self.times(g, s, Text(f"(1 - {s.code})", s.axes)))
        elif fn in ("max", "min"):
            sign = ">=" if fn == "max" else "<="
            y = self.value(args[1])
            axes = self.printer.union(x, y)
            ends = [self.printer.lift(t, axes).at(PRODUCT) for t in (x, y)]
            first = f"({ends[0]} {sign} {ends[1]})"
            self.pull(args[0], self.times(g, Text(first, axes)))
            self.pull(args[1], self.times(g, Text(f"~{first}", axes)))
        elif fn != "sg":
            raise TypeError(f"no derivative is known for {fn}")

    def pull_big(self, node: Big, g: Text) -> None:
        """A big operator: every term takes the adjoint, where its condition holds."""
        if node.op in ("max", "min"):
            return self.pull_extreme(node, g)
        inner = Adjoint(self.printer.inside(node.vars), self.lines, self.count)
        up = g
        if node.op == "mean":
            size = self.printer.size(node.vars, node.cond, "")
            up = self.printer.join(" / ", [g, size], PRODUCT)
        if not holds_always(node.cond):
            cond = inner.printer.cond(node.cond)
            cond = replace(cond, code=f"({cond.code})", level=ATOM)
            up = inner.printer.join(" * ", [up, cond], PRODUCT)
        inner.pull(node.body, up)
        self.count = inner.count

    def pull_extreme(self, node: Big, g: Text) -> None:
        """The largest or smallest term takes the adjoint; terms that tie share it, as in torch."""
        inner = Adjoint(self.printer.inside(node.vars), self.lines, self.count)
        p = inner.printer
        body, whole = p.expr(node.body), self.value(node)
        axes = p.ordered({*body.axes, *whole.axes, *node.vars})
        ends = [p.lift(t, axes).at(PRODUCT) for t in (body, whole)]
        code = f"({ends[0]} == {ends[1]})"
        if not holds_always(node.cond):
            code = f"({code} & {p.lift(p.cond(node.cond), axes).at(ATOM)})"
        best = inner.named(Text(f"{code}.astype(float)", axes))
        count = Text(f"{best.code}.sum({dims(len(node.vars))})", self.printer.ordered(axes))
        self.count = inner.count
        share = self.named(self.printer.join(" / ", [g, count], PRODUCT))
        inner.count = self.count
        inner.pull(node.body, p.join(" * ", [share, best], PRODUCT))
        self.count = inner.count

    def stretched(self, g: Text, u: Text) -> Text:
        """A scalar adjoint times a vector."""
        axes = self.printer.union(g, u)
        left = self.printer.lift(g, axes, vector=True)
        right = self.printer.lift(u, axes)
        code = left.code if left.code.endswith("None]") else f"{left.at(ATOM)}[..., None]"
        return Text(f"{code} * {right.at(PRODUCT)}", axes, PRODUCT, vector=True)

    def contract(self, g: Text, v: Text, u: Text) -> Text:
        """The sum of g * v over the axes that u lacks, as vectors over the axes of u."""
        p = self.printer
        extra = [a for a in p.union(g, v) if a not in u.axes]
        if len(g.axes) == 2 and len(v.axes) == 1 and extra == list(v.axes):
            matrix = g.at(ATOM) if g.axes[1] == v.axes[0] else f"{g.at(ATOM)}.T"
            return Text(f"{matrix} @ {v.at(ATOM)}", u.axes, PRODUCT, vector=True)
        axes = tuple(a for a in p.union(g, v) if a in u.axes)
        spec = f"{p.letters(g.axes)},{p.letters(v.axes)}d->{p.letters(axes)}d"
        return Text(p.dialect.einsum.format(spec, g.code, v.code), axes, ATOM, vector=True)

    def store(self, node: Sym, text: Text, g: Text) -> None:
        """Add to the gradient of a symbol."""
        name = f"grad_{self.printer.names[node.name]}"
        plain = [a for a in node.args if isinstance(a, IVar)]
        free = [a for a in plain if a not in self.printer.fixed]
        gather = len(plain) < len(node.args) and any(
            not isinstance(a, IVar) and self.printer.position(a).axes for a in node.args
        )
        if gather or len(set(free)) < len(free):
            positions = [self.printer.position(a) for a in node.args]
            axes = self.printer.union(*positions)
            inside = ", ".join(self.printer.lift(q, axes).code for q in positions)
            self.lines.append(f"np.add.at({name}, ({inside},), {self.spread(g, axes, text).code})")
            return
        cut = [":" if a in free else self.printer.position(a).code for a in node.args]
        while cut and cut[-1] == ":":
            cut.pop()
        where = f"[{', '.join(cut)}]" if cut else ""
        order = [text.axes.index(a) for a in free] if list(text.axes) != free else []
        g = self.printer.lift(g, text.axes)  # an adjoint that is the same along an axis lacks it
        order += [len(order)] if order and text.vector else []
        turned = f"{g.at(ATOM)}.transpose({str(order)[1:-1]})" if order else g.code
        self.lines.append(f"{name}{where} += {turned}")

    def spread(self, g: Text, axes: tuple[IVar, ...], text: Text) -> Text:
        """An adjoint with every axis of what it is scattered along."""
        return self.printer.lift(g, axes) if set(g.axes) == set(axes) else self.times(
            g, Text(f"np.ones_like({text.code})", text.axes, ATOM, text.vector)
        )
