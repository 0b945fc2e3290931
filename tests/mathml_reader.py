"""Reads presentation MathML back to the formula language, from what a reader sees.

Rows and spaces are passed over: what holds a formula together has to be visible, as
brackets, as a fraction, as something lower or higher. A script belongs to the last thing before it,
or to the brackets that end there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree import ElementTree

from catalog.formula import Scope
from catalog.symbols import (
    Add,
    Big,
    Call,
    Div,
    Expr,
    Mul,
    Norm,
    Num,
    Pow,
    SqNorm,
)

NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", NAMES.split(), strict=True))
CLOSING = {"(": ")", "[": "]", "{": "}", "|": "|", "‖": "‖"}
BIG = {"∑": "sum", "mean": "mean", "max": "max", "min": "min"}
FUNCTIONS = ("log", "exp", "relu", "sigmoid", "softplus", "sg", "max", "min", "cos")
ENDS = ("+", "−", ",", "=", "≥", "≤", ">", ":", ")", "]", "}")


class Unreadable(Exception):
    """What stands there has no meaning, or more than one."""


@dataclass(frozen=True)
class Seen:
    """One thing in a line: a leaf (mi, mn, mo, mtext), frac, sqrt or under, with its scripts."""

    kind: str
    text: str = ""
    parts: tuple[tuple[Seen, ...], ...] = ()
    below: tuple[Seen, ...] = ()
    above: tuple[Seen, ...] = ()


def look(element: ElementTree.Element) -> tuple[Seen, ...]:
    """What a reader sees of an element, from left to right."""
    tag, inner = element.tag, list(element)
    if tag in ("math", "mrow", "mstyle"):
        return primed(seen for child in inner for seen in look(child))
    if tag in ("mi", "mn", "mo", "mtext"):
        text = (element.text or "").replace("\u00a0", " ")
        return (Seen(tag, text),)
    if tag == "mspace":
        return ()
    parts = tuple(look(child) for child in inner)
    if tag == "mfrac":
        return (Seen("frac", parts=parts),)
    if tag == "msqrt":
        return (Seen("sqrt", parts=(tuple(s for p in parts for s in p),)),)
    if tag == "munder":
        ((sign,), below) = parts
        return (Seen("under", sign.text, (below,)),)
    *before, last = parts[0]
    slots = {"msub": ("below",), "msup": ("above",), "msubsup": ("below", "above")}[tag]
    for slot, part in zip(slots, parts[1:], strict=True):
        if not part:
            raise Unreadable(f"an empty script at {last}")
        if getattr(last, slot):
            raise Unreadable(f"two scripts at {last}")
        else:
            last = replace(last, **{slot: part})
    return (*before, last)


def primed(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    """Primes as a part of the letter before them."""
    out: list[Seen] = []
    for s in seen:
        if s.kind == "mo" and s.text.startswith("′"):
            if not out or out[-1].kind != "mi" or out[-1].below or out[-1].above:
                raise Unreadable("a prime at no letter")
            out[-1] = replace(out[-1], text=out[-1].text + "'" * len(s.text))
        else:
            out.append(s)
    return tuple(out)


def read_back(mathml: str, scope: Scope, free: tuple[str, ...] = ()) -> str:
    """The formula that a <math> element shows, in the language; `free` are letters in scope."""
    line = Line(look(ElementTree.fromstring(mathml)), scope, free)
    text = line.sum()
    if line.here is not None and line.here.text in ("=", "≥", ">"):
        text += {"=": " = ", "≥": " >= ", ">": " > "}[line.next().text] + line.sum()
    line.ended()
    return text


class Line:
    """A line with a place in it."""

    def __init__(self, seen: tuple[Seen, ...], scope: Scope, letters: tuple[str, ...] = ()):
        self.seen, self.scope, self.letters, self.at = seen, scope, letters, 0

    @property
    def here(self) -> Seen | None:
        return self.seen[self.at] if self.at < len(self.seen) else None

    def next(self) -> Seen:
        if self.here is None:
            raise Unreadable("it ends too early")
        self.at += 1
        return self.seen[self.at - 1]

    def is_sign(self, *texts: str) -> bool:
        return self.here is not None and self.here.kind == "mo" and self.here.text in texts

    def ended(self) -> None:
        if self.here is not None:
            raise Unreadable(f"{self.here} is left over")

    def inner(self, seen: tuple[Seen, ...]) -> Line:
        return Line(seen, self.scope, self.letters)

    # ------------------------------------------------------------ numbers

    def whole(self, seen: tuple[Seen, ...]) -> str:
        line = self.inner(seen)
        text = line.sum()
        line.ended()
        return text

    def sum(self) -> str:
        out = ""
        while True:
            sign = " - " if self.is_sign("−") else " + "
            if self.is_sign("−", "+"):
                self.next()
            elif out:
                return out
            out += (sign if out or sign == " - " else "") + self.term()

    def term(self) -> str:
        """Factors side by side; the last may be a big operator, which takes the rest."""
        factors = [self.factor()]
        dots = 0
        while self.goes_on():
            if self.is_sign("⋅"):
                self.next()
                left, right = factors[-1], self.factor()
                if left.isdigit() and right.isdigit():
                    factors.append(right)
                else:
                    factors[-1] = f"(({left}).({right}))"
                    dots += 1
            else:
                factors.append(self.factor())
        if dots and len(factors) > 1:
            raise Unreadable("an inner product beside a factor, without brackets")
        return "*".join(factors)

    def goes_on(self) -> bool:
        """Whether another factor follows."""
        if self.here is None or self.here.kind == "mtext":
            return False
        return self.opens() or not self.is_sign(*ENDS, "|", "‖")

    def opens(self) -> bool:
        """Whether a bar here opens something: it does where as many are closed as opened."""
        if not self.is_sign("|", "‖"):
            return False
        text = self.here.text  # type: ignore[union-attr]
        return sum(s.text == text and s.kind == "mo" for s in self.seen[: self.at]) % 2 == 0

    def power(self, text: str, above: tuple[Seen, ...]) -> str:
        return f"({text})^({self.whole(above)})" if above else text

    def factor(self) -> str:
        seen = self.next()
        match seen.kind:
            case "mn":
                return self.power(seen.text, seen.above)
            case "frac":
                if seen.above or seen.below:
                    raise Unreadable("a script at a fraction could be one at its numerator")
                return f"(({self.whole(seen.parts[0])})/({self.whole(seen.parts[1])}))"
            case "sqrt":
                return self.power(f"sqrt({self.whole(seen.parts[0])})", seen.above)
            case "under":
                letters, binder = self.inner(seen.parts[0]).binder()
                line = Line(self.seen, self.scope, (*self.letters, *letters))
                line.at = self.at
                body = line.term()
                self.at = line.at
                return f"({BIG[seen.text]}[{binder}] ({body}))"
            case "mi":
                return self.named(seen)
        if seen.kind == "mo" and seen.text in CLOSING:
            body, close = self.brackets(seen)
            if seen.text == "(":
                return self.power(f"({self.whole(body)})", close.above)
            if seen.text == "[":
                return self.power(f"[{self.inner(body).cond()}]", close.above)
            if seen.text == "‖":
                return self.power(f"|{self.whole(body)}|", close.above)
            if seen.text == "|":
                return self.power(self.count(body), close.above)
        raise Unreadable(f"{seen} where a number should be")

    def brackets(self, opened: Seen) -> tuple[tuple[Seen, ...], Seen]:
        """What is between brackets, and the closing one with its scripts."""
        start, wanted = self.at, [CLOSING[opened.text]]
        while wanted:
            seen = self.next()
            if seen.kind != "mo":
                continue
            if seen.text == wanted[-1]:
                wanted.pop()
            elif seen.text in CLOSING:
                wanted.append(CLOSING[seen.text])
            elif seen.text in CLOSING.values():
                raise Unreadable(f"{seen.text} closes {wanted[-1]}")
        if seen.below:
            raise Unreadable("a subscript at a bracket")
        return self.seen[start : self.at - 1], seen

    def count(self, body: tuple[Seen, ...]) -> str:
        """The number of elements of a set."""
        if body[0].text == "{":
            line = self.inner(body[1:-1])
            return f"size[{line.binder()[1]}]"
        line = self.inner(body)
        text = line.applied(line.next())
        line.ended()
        return f"size({text})"

    # ------------------------------------------------------------ names

    def reading(self, seen: Seen) -> tuple[str, tuple[Seen, ...], tuple[Seen, ...]]:
        """The name that is meant, its indices, and the exponent."""
        stem = GREEK.get(seen.text.rstrip("'"), seen.text.rstrip("'"))
        primes = "90" * seen.text.count("'")
        above = seen.above
        if len(above) > 2 and above[0].text == "(" and above[-1].text == ")":
            return self.below(stem, above[1:-1]), seen.below, ()
        found = []
        if self.known(stem, bool(seen.below)) and (
            not seen.below or self.can_be_indices(seen.below)
        ):
            found.append((stem, seen.below))
        if seen.below and (name := self.below(stem, seen.below)):
            found.append((name, ()))
        if len(found) != 1:
            raise Unreadable(f"{len(found)} readings of {seen}")
        (name, args) = found[0]
        return name + primes, args, above

    def known(self, name: str, indexed: bool) -> bool:
        """Whether there is such a name, one with indices if it is `indexed`."""
        declared = self.scope.declarations.get(name)
        if indexed:
            return declared is not None and bool(getattr(declared.form, "args", ()))
        dims = {getattr(d.form, "dim", None) for d in self.scope.declarations.values()}
        known = {*self.scope.names(), *self.letters, *(d.name for d in dims if d is not None)}
        return name in known or self.scope.letter(name) is not None or self.pair(name)

    def pair(self, name: str) -> bool:
        """Whether the name is that of the p or the q of the pair, or of the entropy of p."""
        return name in ("p", "q", "H") and bool(self.scope.pair) and self.is_sign("(")

    def below(self, stem: str, seen: tuple[Seen, ...]) -> str:
        """The name of which `seen` is the lower part, "" where there is none."""
        low = spelled(seen)
        names = (f"{stem}_{low}", f"{stem}{low}")
        return next((n for n in names if low and self.known(n, indexed=False)), "")

    def can_be_indices(self, seen: tuple[Seen, ...]) -> bool:
        try:
            return bool(self.indices(seen))
        except Unreadable:
            return False

    def named(self, seen: Seen) -> str:
        """A symbol, a size, an abbreviation or a function, with its power."""
        if seen.text in FUNCTIONS and self.is_sign("("):
            body, close = self.brackets(self.next())
            if close.above:
                raise Unreadable(f"a power of the argument or the value of {seen.text}")
            return f"{seen.text}({', '.join(self.whole(part) for part in split(body))})"
        name, args, above = self.reading(seen)
        define = self.scope.defines.get(name)
        if (define is not None and define.params) or self.pair(name):
            text = self.applied(seen)
            return self.power(text, above or self.seen[self.at - 1].above)
        indices = "" if define is not None else self.indices(args)
        return self.power(name + indices, above)

    def applied(self, seen: Seen) -> str:
        """P(i)."""
        name, args, _ = self.reading(seen)
        if args:
            raise Unreadable(f"indices of the abbreviation {name}")
        if not self.is_sign("("):
            return name
        body, _ = self.brackets(self.next())
        if name == "H" and [s.text for s in body] == ["p"] and name not in self.scope.defines:
            return "H(p)"
        return f"{name}({', '.join(self.index(part) for part in split(body))})"

    def indices(self, seen: tuple[Seen, ...]) -> str:
        """[i,j], from i, j or from ij."""
        if not seen:
            return ""
        parts = split(seen)
        if len(parts) == 1 and all(len(s.text.rstrip("'")) == 1 and not s.below for s in seen):
            parts = [(s,) for s in seen]
        return f"[{','.join(map(self.index, parts))}]"

    def index(self, seen: tuple[Seen, ...]) -> str:
        if len(seen) != 1 or seen[0].kind != "mi":
            raise Unreadable(f"{seen} is no index")
        name, args, above = self.reading(seen[0])
        if above:
            raise Unreadable(f"a power of the index {name}")
        return name + self.indices(args)

    # ------------------------------------------------------------ conditions

    def until(self, *texts: str) -> tuple[Seen, ...]:
        """What comes before one of the signs `texts` or before words."""
        start, depth = self.at, 0
        while self.here is not None:
            if depth == 0 and (self.is_sign(*texts) or self.here.kind == "mtext"):
                break
            depth += self.is_sign("(") - self.is_sign(")")
            self.next()
        return self.seen[start : self.at]

    def test(self) -> str:
        if self.is_sign("("):
            body, _ = self.brackets(self.next())
            return f"({self.inner(body).cond()})"
        if self.here is not None and self.here.kind == "mtext" and self.here.text == "true":
            return self.next().text
        left = self.until("=", "≠", "∈", "∉")
        sign = self.next().text
        if sign in ("=", "≠") and self.here is not None and self.here.kind == "mn":
            wrong = {"1": "", "0": "not "}[self.next().text]
            return wrong + self.index(left)
        if sign in ("∈", "∉"):
            word = {"∈": "in", "∉": "not in"}[sign]
            return f"{self.index(left)} {word} {self.applied(self.next())}"
        right = self.index(self.until(",", ")"))
        return f"{self.index(left)} {'=' if sign == '=' else '!='} {right}"

    def cond(self) -> str:
        """Tests that are joined by commas or words; commas hold together less than words."""
        out, last = self.test(), ""
        while self.here is not None:
            sign = self.next()
            word = {",": "and", "and": "and", "or": "or"}.get(sign.text.strip(), "")
            if not word or (last not in ("", sign.text)):
                raise Unreadable(f"{sign} after {last!r} in a condition, without brackets")
            out, last = f"{out} {word} {self.test()}", sign.text
        return out

    def binder(self) -> tuple[tuple[str, ...], str]:
        """The letters that are bound, and the binder in the language."""
        if any(s.text == ":" for s in self.seen):
            names = tuple(map(self.index, split(self.until(":"))))
            self.next()
            return names, f"{', '.join(names)} : {self.cond()}"
        if not any((s.kind == "mo" and s.text != ",") or s.kind == "mtext" for s in self.seen):
            names = tuple(map(self.index, split(self.seen)))
            return names, ", ".join(names)
        first = self.index(self.until("=", "≠", "∈", "∉"))
        self.at = 0
        return (first,), f"{first} : {self.cond()}"


def split(seen: tuple[Seen, ...]) -> list[tuple[Seen, ...]]:
    """What stands between commas, outside brackets."""
    out: list[list[Seen]] = [[]]
    depth, bars = 0, 0
    for s in seen:
        depth += (s.kind == "mo" and s.text in "([{") - (s.kind == "mo" and s.text in ")]}")
        bars += s.kind == "mo" and s.text in "|‖"
        if s.kind == "mo" and s.text == "," and not depth and bars % 2 == 0:
            out.append([])
        else:
            out[-1].append(s)
    return [tuple(part) for part in out]


def spelled(seen: tuple[Seen, ...]) -> str:
    """The lower part of a name, such as minus_h, "" where it is none."""
    if len(seen) != 1 or seen[0].kind not in ("mi", "mn") or seen[0].above:
        return ""
    text = GREEK.get(seen[0].text, seen[0].text)
    if not seen[0].below:
        return text
    low = spelled(seen[0].below)
    return low and (text + low if low.isdigit() else f"{text}_{low}")


# ---------------------------------------------------------------------- trees that look alike


def shape(expr: Expr) -> Expr:
    """A tree with its signs in one place, since -(a/b) and (-a)/b look alike."""
    negative, core = signed(expr)
    return Mul((Num(Fraction(-1)), core)) if negative else core


def signed(expr: Expr) -> tuple[bool, Expr]:
    """Whether an expression has a leading minus sign, and the rest."""
    match expr:
        case Num(value=value):
            return value < 0, Num(abs(value))
        case Mul(args=args):
            negative, first = signed(args[0])
            factors = [first, *map(shape, args[1:])]
            if not isinstance(args[0], Num | Div):
                negative, factors[0] = False, shape(args[0])
            factors = [f for f in factors if f != Num(Fraction(1))] or factors[:1]
            if len(factors) == 1:
                return negative, factors[0]
            return negative, Mul(tuple(factors))
        case Div(num=num, den=den):
            negative, above = signed(num)
            if isinstance(above, Num) and isinstance(den, Num):
                return negative, Num(above.value / den.value)
            return negative, Div(above, shape(den))
        case Add(args=args):
            return False, Add(tuple(map(shape, args)))
        case Pow(base=base, exponent=exponent):
            return False, Pow(shape(base), shape(exponent))
        case SqNorm(u=u):
            return False, Pow(Norm(shape(u)), Num(Fraction(2)))
        case Norm(u=u):
            return False, Norm(shape(u))
        case Call(fn=fn, args=args):
            return False, Call(fn, tuple(map(shape, args)))
        case Big():
            return False, replace(expr, body=shape(expr.body))
    if hasattr(expr, "u") and hasattr(expr, "v"):
        return False, replace(expr, u=shape(expr.u), v=shape(expr.v))
    if hasattr(expr, "body"):
        return False, replace(expr, body=shape(expr.body))
    return False, expr
