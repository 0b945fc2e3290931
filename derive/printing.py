"""Terms as readable text and LaTeX, with quotients, differences, inner products, plain names.

What is printed can be read back (see tests/printed.py): with the types of its symbols a text stands
for one term, up to the laws of commutative rings and 1/(x y) = 1/x 1/y, 1/exp(x) = exp(-x).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from derive.letters import fresh, named, names_below, set_name, untyped
from derive.poly import poly, square_root, times
from derive.terms import BOOL, Domain, Term, mk, num, open_binder, var

WORDS = frozenset(("sum", "max", "exp", "log", "relu", "sg", "size", "and", "in"))
GREEK = {
    "tau", "sigma", "beta", "gamma", "lambda", "mu", "nu", "phi", "pi", "rho", "theta", "epsilon",
    "alpha", "eta", "kappa", "omega", "xi", "psi", "delta",
}  # fmt: skip
# how tightly a text holds together; what reaches as far right as it can is OPEN
SUM, OPEN, PRODUCT, DOT, POWER, ATOM = range(6)
Shown = tuple[str, int]


@dataclass(frozen=True)
class Style:
    """How to write: plain text or LaTeX, and which index sets are coordinates of vectors."""

    latex: bool = False
    dims: frozenset[Domain] = frozenset()


class Printer:
    """Writes terms side by side; bound variables get letters that mean nothing else there."""

    def __init__(self, style: Style, *roots: Term):
        self.s = style
        self.taken = names_below(roots)
        self.names = named(frozenset[Term]().union(*(t.free for t in roots)), self.taken)
        self.inside: list[str] = []  # the letters of the binders around

    # ------------------------------------------------------------ pieces
    def word(self, name: str) -> str:
        """A symbol's name."""
        if not self.s.latex or len(name) == 1:
            return name
        return f"\\{name}" if name in GREEK else f"\\mathrm{{{name}}}".replace("_", "\\_")

    def args(self, args: Iterable[Term]) -> str:
        """Indices of a symbol."""
        text = ",".join(map(self.index, args))
        return "" if not text else f"_{{{text}}}" if self.s.latex else f"[{text}]"

    def index(self, i: Term) -> str:
        """An index."""
        if i.op == "v":
            return self.letter(self.names.get(i) or str(i.data[0]))
        return self.word(i.data[0]) + self.args(i.args)

    def letter(self, name: str) -> str:
        """A letter, which may carry digits."""
        stem = name.rstrip("0123456789")
        return f"{stem}_{{{name[len(stem) :]}}}" if self.s.latex and name != stem else name

    def bracketed(self, shown: Shown, level: int) -> str:
        """A text, in parentheses where it holds together less than `level` asks for."""
        text, own = shown
        if own >= level:
            return text
        return f"\\left({text}\\right)" if self.s.latex else f"({text})"

    def show(self, t: Term, level: int = SUM) -> str:
        """A term, in parentheses where what is around it asks for them."""
        return self.bracketed(self.shown(t), level)

    # ------------------------------------------------------------ expressions
    def shown(self, t: Term) -> Shown:
        """A term, and how tightly its text holds together."""
        match t.op:
            case "num":
                return self.number(t.data)
            case "app" | "mask":
                return self.word(t.data[0]) + self.args(t.args), ATOM
            case "eq" | "ne":
                return f"[{self.comparison(t)}]", ATOM
            case "exp" if as_power := self.power(t.args[0]):
                return as_power
            case "exp" | "log" | "relu" | "sg":
                return self.call(t.op, t.args[0]), ATOM
            case "max":
                inner = ", ".join(self.show(a) for a in t.args)
                return (f"\\max({inner})" if self.s.latex else f"max({inner})"), ATOM
            case "sum" | "bigmax":
                return self.binder(t)
            case "add":
                return self.addition([(self.shown(a), a.op == "add") for a in terms(t)])
        return self.product(list(self.flat(t)))

    def power(self, a: Term) -> Shown | None:
        """exp(c log x) as x^c, and as |u| or 1/|u| where x = |u|^2 and c is 1/2 or -1/2."""
        fs = list(self.flat(a))
        logs = [f for f in fs if f.op == "log"]
        if len(logs) != 1:
            return None
        x, rest = logs[0].args[0], [f for f in fs if f is not logs[0]]
        half = rest[0].data if len(rest) == 1 and rest[0].op == "num" else 0
        if abs(half) == Fraction(1, 2) and (norm := self.norm(x)):
            below = (f"\\frac{{1}}{{{norm}}}", POWER) if self.s.latex else (f"1/{norm}", PRODUCT)
            return (norm, ATOM) if half > 0 else below
        base, exponent = self.show(x, ATOM), self.show(times(rest))
        return (f"{base}^{{{exponent}}}" if self.s.latex else f"{base}^({exponent})"), POWER

    def number(self, q: Fraction) -> Shown:
        """A rational."""
        up, down, own = str(abs(q.numerator)), str(q.denominator), ATOM
        if q.denominator != 1:
            own = POWER if self.s.latex else PRODUCT
            up = f"\\frac{{{up}}}{{{down}}}" if self.s.latex else f"{up}/{down}"
        return (f"-{up}", SUM) if q < 0 else (up, own)

    def comparison(self, t: Term) -> str:
        """An equation of indices or its negation, without brackets."""
        a, b = sorted(map(self.index, t.args))
        return f"{a} {self.differs if t.op == 'ne' else '='} {b}"

    @property
    def times(self) -> str:
        """What stands between factors."""
        return " \\, " if self.s.latex else " * "

    @property
    def differs(self) -> str:
        """The sign between different indices."""
        return "\\neq" if self.s.latex else "!="

    def call(self, op: str, a: Term) -> str:
        """A function."""
        inside = self.show(a)
        if not self.s.latex:
            return f"{op}({inside})"
        name = f"\\{op}" if op in ("exp", "log") else f"\\operatorname{{{op}}}"
        return f"{name}\\left({inside}\\right)"

    def flat(self, t: Term) -> Iterator[Term]:
        """The factors of nested products."""
        for a in t.args if t.op == "mul" else (t,):
            yield from self.flat(a) if a.op == "mul" else (a,)

    def product(self, factors: Sequence[Term]) -> Shown:
        """A product as sign, numerator and denominator."""
        c, above, below = Fraction(1), list[Term](), list[Term]()
        for f in factors:
            if f.op == "num":
                c *= f.data
            elif f.op == "inv":
                below += self.flat(f.args[0])
            elif (positive := root_below(f)) is not None:
                below.append(positive)
            else:
                above.append(f)
        if abs(c.numerator) != 1 or not (above or below):
            above.insert(0, num(abs(c.numerator)))
        if c.denominator != 1:
            below.insert(0, num(c.denominator))
        shown = sorted(map(self.shown, above), key=lambda s: s[1] == OPEN)
        whole = self.fraction(shown, below) if below else self.row(shown)
        return ("-" + self.bracketed(whole, OPEN), SUM) if c < 0 else whole

    def row(self, shown: list[Shown]) -> Shown:
        """Factors side by side; only the last one may be open."""
        if len(shown) == 1:
            return shown[0]
        *front, last = shown
        parts = [self.bracketed(s, DOT) for s in front]
        parts.append(last[0] if last[1] == OPEN else self.bracketed(last, DOT))
        return self.times.join(parts), OPEN if last[1] == OPEN else PRODUCT

    def fraction(self, shown: list[Shown], below: list[Term]) -> Shown:
        """Above / below; in plain text open factors follow the fraction."""
        if self.s.latex:
            top = self.row(shown)[0] if shown else "1"
            return f"\\frac{{{top}}}{{{self.show(times(below))}}}", POWER
        closed = [(self.bracketed(s, DOT), DOT) for s in shown if s[1] != OPEN]
        top = self.row(closed)[0] if closed else "1"
        text = f"{top}/{self.show(times(below), POWER)}"
        rest = [s for s in shown if s[1] == OPEN]
        return self.row([(text, DOT), *rest]) if rest else (text, PRODUCT)

    def addition(self, parts: Iterable[tuple[Shown, bool]]) -> Shown:
        """A sum with signs, the negative parts last; the flag says which part is a sum itself."""
        texts = [self.bracketed(s, OPEN) if whole else s[0] for s, whole in parts]
        texts.sort(key=lambda text: text.startswith("-"))
        out = texts[0] if texts else "0"
        for text in texts[1:]:
            out += f" - {text[1:]}" if text.startswith("-") else f" + {text}"
        return out, SUM

    # ------------------------------------------------------------ binders
    def binder(self, t: Term) -> Shown:
        """A sum or a maximum; over coordinates an inner product or squared norm if it is one."""
        if t.op == "sum" and t.data in self.s.dims:
            if norm := self.norm(t):
                return f"{norm}^2", POWER
            if dot := self.dot(t):
                return dot, DOT
        outside = len(self.inside)
        variables, conds, rest = self.opened(t)
        shown = self.over(t.op, variables, conds, rest)
        del self.inside[outside:]
        return shown

    def opened(self, t: Term) -> tuple[list[Term], list[Term], Term]:
        """The variables of nested sums (or of a maximum), the conditions on them, and the body."""
        variables, body = self.enter(t)
        while t.op == body.op == "sum" and not {t.data, body.data} & self.s.dims:
            more, body = self.enter(body)
            variables += more
        if t.op == "bigmax":
            conds = list(self.flat(open_binder(t, variables[0])))
            if not all(c.op in BOOL or c is num(1) for c in conds):
                conds = [times(conds)]
        else:
            fs = list(self.flat(body))
            conds = [f for f in fs if f.op in BOOL and any(v in f.free for v in variables)]
            body = times([f for f in fs if f not in conds])
        return variables, [c for c in conds if c is not num(1)], body

    def enter(self, t: Term) -> tuple[list[Term], Term]:
        """The body of a binder at a letter that is new."""
        self.inside.append(fresh((*self.taken, *self.inside)))
        v = var(self.inside[-1], t.data)
        return [v], open_binder(t, v, len(t.args) - 1)

    def over(self, op: str, vs: list[Term], conds: list[Term], rest: Term) -> Shown:
        """A binder over variables."""
        unclear = untyped(vs, [*conds, rest])
        element = " \\in " if self.s.latex else " in "
        names = ", ".join(
            self.index(v) + (element + self.set(v.data[1]) if v in unclear else "") for v in vs
        )
        where = (" \\wedge " if self.s.latex else " and ").join(
            self.comparison(c) if c.op in ("eq", "ne") else self.show(c, DOT) for c in conds
        )
        head = f"{names} : {where}" if where else names
        if len(vs) == len(conds) == 1 and conds[0].op == "ne" and vs[0] in conds[0].args:
            other = conds[0].args[conds[0].args[0] is vs[0]]
            head = head if unclear else f"{names} {self.differs} {self.index(other)}"
        if rest is num(1) and op == "sum":
            if not conds and len(vs) == 1:
                name = self.set(vs[0].data[1])
                return (f"\\lvert {name} \\rvert" if self.s.latex else f"size({name})"), ATOM
            return (f"\\#\\{{{head}\\}}" if self.s.latex else f"count{{{head}}}"), ATOM
        word, body = "sum" if op == "sum" else "max", self.show(rest, OPEN)
        return (f"\\{word}_{{{head}}} {body}" if self.s.latex else f"{word}[{head}] {body}"), OPEN

    def set(self, d: Domain) -> str:
        """The name of an index set."""
        return self.word(set_name(d))

    # ------------------------------------------------------------ vectors
    def norm(self, t: Term) -> str | None:
        """The length |u| where t is the sum over coordinates of u^2."""
        if t.op != "sum" or t.data not in self.s.dims:
            return None
        a = var("?a", t.data)
        body = open_binder(t, a)
        linear = square_root(poly(body)) if body.op == "add" else None
        if body.op == "mul" and len(body.args) == 2 and body.args[0] is body.args[1]:
            linear = body.args[0]
        if linear is None or (u := self.vector(linear, a)) is None:
            return None
        return f"\\lVert {u[0]} \\rVert" if self.s.latex else f"|{u[0]}|"

    def dot(self, t: Term) -> str | None:
        """The inner product u.v where t is one."""
        a = var("?a", t.data)
        body = open_binder(t, a)
        if body.op != "mul" or len(body.args) != 2:
            return None
        sides = [self.vector(x, a) for x in body.args]
        texts = [self.bracketed(s, ATOM) for s in sides if s is not None]
        return (" \\cdot " if self.s.latex else ".").join(texts) if len(texts) == 2 else None

    def vector(self, t: Term, a: Term) -> Shown | None:
        """A vector expression at coordinate a, without the coordinate."""
        if t.op == "app" and t.args and t.args[-1] is a:
            clear = not any(a in x.free for x in t.args[:-1])
            return (self.word(t.data[0]) + self.args(t.args[:-1]), ATOM) if clear else None
        if t.op == "add":
            found = [(self.vector(x, a), x.op == "add") for x in t.args]
            parts = [(s, whole) for s, whole in found if s is not None]
            return self.addition(parts) if len(parts) == len(found) else None
        if t.op != "mul":
            return None
        fs = list(self.flat(t))
        here = [f for f in fs if a in f.free]
        if len(here) != 1 or (u := self.vector(here[0], a)) is None:
            return None
        c = prod((f.data for f in fs if f.op == "num"), start=Fraction(1))
        rest = [f for f in fs if f is not here[0] and f.op != "num"]
        if rest or abs(c) != 1:
            left = self.bracketed(self.product([num(abs(c)), *rest]), PRODUCT)
            u = f"{left}{self.times}{self.bracketed(u, ATOM)}", PRODUCT
        return ("-" + self.bracketed(u, OPEN), SUM) if c < 0 else u


def terms(t: Term) -> list[Term]:
    """The parts of a sum that are not 0."""
    return [a for a in t.args if a is not num(0)] or list(t.args[:1])


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
    t: Term,
    dims: frozenset[Domain] = frozenset(),
    *,
    level: int = SUM,
    beside: Iterable[Term] = (),
) -> str:
    """A term as plain text, in parentheses where `level` asks for them.

    Bound letters avoid those of the terms `beside` it too.
    """
    return Printer(Style(False, dims), t, *beside).show(t, level)


def latex(t: Term, dims: frozenset[Domain] = frozenset()) -> str:
    """A term as LaTeX."""
    return Printer(Style(True, dims), t).show(t)
