"""Terms as readable text and LaTeX, with quotients, differences, inner products, plain names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from derive.poly import poly, square_root, times
from derive.terms import BOOL, Domain, Term, mk, num, open_binder, var

LETTERS = {"default": "ijklmabcuvw"}
GREEK = {
    "tau", "sigma", "beta", "gamma", "lambda", "mu", "nu", "phi", "pi", "rho", "theta", "epsilon",
    "alpha", "eta", "kappa", "omega", "xi", "psi", "delta",
}  # fmt: skip


@dataclass
class Style:
    """How to write: plain text or LaTeX, and which index sets are coordinates of vectors."""

    latex: bool = False
    dims: frozenset[Domain] = frozenset()
    letters: dict[str, str] = field(default_factory=dict)


def name_of(d: Domain) -> str:
    """The name of an index set."""
    return d if isinstance(d, str) else d[0]


class Printer:
    """Writes one term; bound variables get letters that are not in use."""

    def __init__(self, style: Style):
        self.s = style

    # ------------------------------------------------------------ pieces
    def word(self, name: str) -> str:
        """A symbol's name."""
        name = name.split("'")[0]
        if not self.s.latex:
            return name
        return (
            f"\\{name}"
            if name in GREEK
            else name
            if len(name) == 1
            else f"\\mathrm{{{name}}}".replace("_", "\\_")
        )

    def args(self, args: list[str]) -> str:
        """Indices of a symbol."""
        if not args:
            return ""
        return f"_{{{','.join(args)}}}" if self.s.latex else f"[{','.join(args)}]"

    def index(self, i: Term) -> str:
        """An index."""
        if i.op == "v":
            return str(i.data[0]).split("'")[0]
        if i.op == "el":
            return self.word(i.data[0])
        inner = [self.index(a) for a in i.args]
        return self.word(i.data[0]) + self.args(inner)

    def fresh(self, t: Term, d: Domain) -> Term:
        """A letter for the variable of the binder t."""
        used = {str(v.data[0]).split("'")[0] for v in t.free}
        pool = self.s.letters.get(name_of(d), "ijklmabcuvwrst")
        for letter in list(pool) + [f"{pool[0]}{n}" for n in range(1, 50)]:
            if letter not in used:
                return var(letter, d)
        return var("z", d)

    # ------------------------------------------------------------ expressions
    # levels: 0 sum, 1 product, 2 power
    def show(self, t: Term, level: int = 0) -> str:
        """A term, in parentheses where the level around it asks for them."""
        text, own = self._show(t)
        if own < level:
            return f"\\left({text}\\right)" if self.s.latex else f"({text})"
        return text

    def _show(self, t: Term) -> tuple[str, int]:
        if t.op == "num":
            return self.number(t.data)
        if t.op == "app":
            return self.word(t.data[0]) + self.args([self.index(a) for a in t.args]), 3
        if t.op in BOOL:
            return self.indicator(t), 3
        if t.op == "exp" and (as_power := self.power(t.args[0])):
            return as_power
        if t.op in ("exp", "log", "relu", "sg"):
            return self.call(t.op, t.args[0]), 3
        if t.op == "inv":
            return self.quotient([num(1)], [t.args[0]])
        if t.op == "max":
            inner = ", ".join(self.show(a) for a in t.args)
            return (f"\\max({inner})" if self.s.latex else f"max({inner})"), 3
        if t.op in ("sum", "bigmax"):
            return self.binder(t)
        if t.op == "mul":
            return self.product(t)
        if t.op == "add":
            return self.addition(t)
        return t.op, 3

    def power(self, a: Term) -> tuple[str, int] | None:
        """exp(c log x) as x^c, and as |u| or 1/|u| where x = |u|^2 and c is 1/2 or -1/2."""
        fs = list(self.flat(a))
        logs = [f for f in fs if f.op == "log"]
        if len(logs) != 1:
            return None
        x, rest = logs[0].args[0], [f for f in fs if f is not logs[0]]
        half = [f.data for f in rest if f.op == "num"]
        if (
            len(rest) == len(half) == 1
            and abs(half[0]) == Fraction(1, 2)
            and x.op == "sum"
            and x.data in self.s.dims
        ):
            norm = self.show(x).removesuffix("^2")
            return (
                (norm, 3)
                if half[0] > 0
                else ((f"\\frac{{1}}{{{norm}}}", 2) if self.s.latex else (f"1/{norm}", 1))
            )
        base, exponent = self.show(x, 3), self.show(times(rest))
        return (f"{base}^{{{exponent}}}" if self.s.latex else f"{base}^({exponent})"), 2

    def number(self, q: Fraction) -> tuple[str, int]:
        """A rational."""
        if q.denominator == 1:
            return str(q), 3 if q >= 0 else 0
        text = (
            f"\\frac{{{abs(q.numerator)}}}{{{q.denominator}}}"
            if self.s.latex
            else f"{abs(q.numerator)}/{q.denominator}"
        )
        return ("-" + text, 0) if q < 0 else (text, 1)

    def indicator(self, t: Term) -> str:
        """[i = j], [i != j] or a 0/1 array."""
        if t.op == "mask":
            return self.word(t.data[0]) + self.args([self.index(a) for a in t.args])
        a, b = sorted(self.index(x) for x in t.args)
        sign = "=" if t.op == "eq" else ("\\neq" if self.s.latex else "!=")
        return f"[{a} {sign} {b}]"

    def call(self, op: str, a: Term) -> str:
        """A function."""
        inside = self.show(a)
        if not self.s.latex:
            return f"{op}({inside})"
        name = f"\\{op}" if op in ("exp", "log") else f"\\operatorname{{{op}}}"
        return f"{name}\\left({inside}\\right)"

    def quotient(self, above: list[Term], below: list[Term]) -> tuple[str, int]:
        """Above / below."""
        top = self.factors(above) if above else "1"
        if self.s.latex:
            return f"\\frac{{{top}}}{{{self.factors(below, 0 if len(below) == 1 else 1)}}}", 2
        down = self.show(below[0], 2) if len(below) == 1 else f"({self.factors(below)})"
        return f"{top}/{down}", 1

    def factors(self, fs: list[Term], level: int = 1) -> str:
        """A product, sums last."""
        if len(fs) == 1:
            return self.show(fs[0], level)
        fs = sorted(fs, key=lambda f: f.op == "sum")
        return (" " if self.s.latex else " * ").join(
            self.show(f, 2 if f.op == "sum" and k + 1 < len(fs) else 1) for k, f in enumerate(fs)
        )

    def flat(self, t: Term) -> Iterator[Term]:
        """The factors of nested products."""
        for a in t.args if t.op == "mul" else (t,):
            yield from self.flat(a) if a.op == "mul" else (a,)

    def product(self, t: Term) -> tuple[str, int]:
        """A product as sign, numerator and denominator."""
        c, above, below = Fraction(1), list[Term](), list[Term]()
        for f in self.flat(t):
            if f.op == "num":
                c *= f.data
            elif f.op == "inv":
                below += list(self.flat(f.args[0]))
            elif (positive := root_below(f)) is not None:
                below.append(positive)
            else:
                above.append(f)
        if abs(c.numerator) != 1 or not above:
            above.insert(0, num(abs(c.numerator)))
        if c.denominator != 1:
            below.insert(0, num(c.denominator))
        sums = [f for f in above if f.op == "sum"] if not self.s.latex else []
        if below and sums and len(above) > len(sums):
            rest = [f for f in above if f.op != "sum"]
            text, level = self.quotient(rest, below)[0] + " * " + self.factors(sums), 1
        else:
            text, level = (
                self.quotient(above, below)
                if below
                else (self.factors(above), 1 if len(above) > 1 else 2)
            )
            if not below and len(above) == 1:
                text, level = self._show(above[0])
        if c < 0:
            text, level = "-" + (text if level >= 1 else self.show_in(text)), 0
        return text, level

    def show_in(self, text: str) -> str:
        """Text in parentheses."""
        return f"\\left({text}\\right)" if self.s.latex else f"({text})"

    def addition(self, t: Term) -> tuple[str, int]:
        """A sum with signs."""
        out = ""
        parts = [a for a in t.args if a is not num(0)] or list(t.args[:1])
        parts.sort(key=lambda a: self._show(a)[0].startswith("-"))
        for a in parts:
            text, _ = self._show(a)
            if a.op == "add":
                text = self.show_in(text)
            if text.startswith("-") and out:
                out += " - " + text[1:]
            else:
                out += (" + " if out else "") + text
        return out or "0", 0

    def binder(self, t: Term) -> tuple[str, int]:
        """A sum or a maximum; over coordinates an inner product or squared norm if it is one."""
        if t.op == "sum" and t.data in self.s.dims and (short := self.inner(t)):
            return short, 2
        variables: list[Term] = []
        conds: list[Term] = []
        body = t
        while body.op == t.op and body.data not in self.s.dims:
            v = self.fresh(body, body.data)
            inside = open_binder(body, v, len(body.args) - 1)
            if t.op == "bigmax":
                conds.append(open_binder(body, v, 0))
            variables.append(v)
            body = inside
            if t.op == "bigmax":
                break
        if not variables:
            v = self.fresh(t, t.data)
            variables, body = [v], open_binder(t, v)
        fs = list(self.flat(body))
        if t.op == "sum":
            conds = [f for f in fs if f.op in BOOL and any(v in f.free for v in variables)]
            fs = [f for f in fs if f not in conds]
        conds = [c for c in conds if c is not num(1)]
        rest = times(fs)
        word = "sum" if t.op == "sum" else "max"
        names = ", ".join(self.index(v) for v in variables)
        only = conds[0] if len(conds) == 1 and len(variables) == 1 else None
        where = " \\wedge " if self.s.latex else " and "
        text = where.join(
            self.show(c, 3)[1:-1] if c.op in ("eq", "ne") else self.show(c, 2) for c in conds
        )
        if only is not None and only.op == "ne" and variables[0] in only.args:
            other = only.args[0] if only.args[1] is variables[0] else only.args[1]
            head = (
                f"{names} \\neq {self.index(other)}"
                if self.s.latex
                else f"{names} != {self.index(other)}"
            )
        else:
            head = f"{names} : {text}" if text else names
        if rest is num(1) and t.op == "sum":
            if not text and len(variables) == 1:
                return (
                    "|" + name_of(t.data) + "|" if self.s.latex else f"size({name_of(t.data)})"
                ), 3
            return (f"\\#\\{{{head}\\}}" if self.s.latex else f"count{{{head}}}"), 3
        body_text = self.show(rest, 1)
        return (
            f"\\{word}_{{{head}}} {body_text}" if self.s.latex else f"{word}[{head}] {body_text}"
        ), 1

    def inner(self, t: Term) -> str | None:
        """A sum over coordinates as u.v or |u - v|^2."""
        a = var("?a", t.data)
        body = open_binder(t, a)
        if (
            body.op == "add"
            and (linear := square_root(poly(body)))
            and (u := self.vector(linear, a))
        ):
            return f"\\lVert {u} \\rVert^2" if self.s.latex else f"|{u}|^2"
        if body.op != "mul" or len(body.args) != 2:
            return None
        u, v = (self.vector(x, a) for x in body.args)
        if u is None or v is None:
            return None
        if u == v:
            return f"\\lVert {u} \\rVert^2" if self.s.latex else f"|{u}|^2"
        u, v = (f"({w})" if " " in w else w for w in (u, v))
        return f"{u} \\cdot {v}" if self.s.latex else f"{u}.{v}"

    def vector(self, t: Term, a: Term) -> str | None:
        """A vector expression at coordinate a, without the coordinate."""
        if t.op == "app" and t.args and t.args[-1] is a:
            return self.word(t.data[0]) + self.args([self.index(x) for x in t.args[:-1]])
        if t.op == "add":
            parts = sorted(
                (self.vector(x, a) or "" for x in t.args), key=lambda p: (p.startswith("-"), p)
            )
            if all(parts):
                return " + ".join(parts).replace("+ -", "- ")
        if t.op == "mul":
            scalars = [x for x in t.args if a not in x.free and x not in (num(1), num(-1))]
            minus = "-" if num(-1) in t.args else ""
            vectors = [self.vector(x, a) for x in t.args if a in x.free]
            if len(vectors) == 1 and vectors[0]:
                inside = (
                    self.show_in(vectors[0])
                    if " " in vectors[0] and (scalars or minus)
                    else vectors[0]
                )
                return minus + " ".join([*(self.show(x, 2) for x in scalars), inside])
        return None


def root_below(f: Term) -> Term | None:
    """For f = exp(-c log x) with a number c > 0: exp(c log x), so that f goes below the line."""
    if f.op != "exp" or f.args[0].op != "mul" or len(f.args[0].args) != 2:
        return None
    a, b = f.args[0].args
    c, log = (a, b) if a.op == "num" else (b, a)
    if c.op != "num" or log.op != "log" or c.data >= 0:
        return None
    return mk("exp", None, num(-c.data) * log)


def text(
    t: Term, dims: frozenset[Domain] = frozenset(), letters: dict[str, str] | None = None
) -> str:
    """A term as plain text."""
    return Printer(Style(False, dims, letters or {})).show(t)


def latex(
    t: Term, dims: frozenset[Domain] = frozenset(), letters: dict[str, str] | None = None
) -> str:
    """A term as LaTeX."""
    return Printer(Style(True, dims, letters or {})).show(t)
