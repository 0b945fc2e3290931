r"""Reads the LaTeX that this project writes to a tree of boxes, for other spellings of it.

`catalog.latex` and its neighbours decide how a formula is written: precedence, brackets, the names
of symbols. What reads their text here is told all of that and decides nothing, so that a formula in
MathML cannot mean other than the same one in LaTeX. Only the commands below are known.

>>> read(r"\frac{1}{n}")
Frac(above=Token(kind='mn', text='1'), below=Token(kind='mi', text='n'))
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from catalog.latex import GREEK as NAMES

GREEK = dict(
    zip(NAMES.pattern.split("|"), "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True)
)
SIGNS = {
    "ne": "≠", "neq": "≠", "in": "∈", "notin": "∉", "ge": "≥", "le": "≤", "cdot": "⋅", "mid": "∣",
    "to": "→", "wedge": "∧", "dots": "…", "propto": "∝", "#": "#",
}  # fmt: skip
LETTERS = {r"\mathbb{R}": "ℝ", r"\mathcal{L}": "ℒ"}
FUNCTIONS = ("log", "exp", "cos", "max", "min")
SPACES = {",": 1 / 6, " ": 1 / 4, "quad": 1.0, "qquad": 2.0}
FENCES = {
    "(": ("(", ")"), "[": ("[", "]"), r"\{": ("{", "}"), r"\lVert": ("‖", "‖"),
    r"\lvert": ("|", "|"),
}  # fmt: skip
CLOSING = {")": "(", "]": "[", r"\}": r"\{", r"\rVert": r"\lVert", r"\rvert": r"\lvert"}
BARS = {"|": ("|", "∣"), r"\|": ("‖", "∥")}
"""What stands for an absolute value or a norm around something, and for a relation between."""

TOKENS = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|:=|.", re.S)
MAX_DEPTH = 200
"""Groups in groups; a formula has 100 levels at most, and few of them need two groups."""


@dataclass(frozen=True, slots=True)
class Token:
    """A name, a number, a sign, words, or the name of a function."""

    kind: Literal["mi", "mn", "mo", "mtext", "fn"]
    text: str


@dataclass(frozen=True, slots=True)
class Space:
    """White space of a width in em."""

    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """Boxes side by side."""

    items: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Fence:
    """A box in brackets."""

    start: str
    body: Box
    end: str


@dataclass(frozen=True, slots=True)
class Frac:
    """A fraction."""

    above: Box
    below: Box


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    body: Box


@dataclass(frozen=True, slots=True)
class Script:
    """A box with something lower or upper at its right."""

    base: Box
    below: Box | None
    above: Box | None


@dataclass(frozen=True, slots=True)
class Big:
    """A big operator, a sign or a word, with what stands under it."""

    sign: Token
    below: Box


@dataclass(frozen=True, slots=True)
class Lines:
    """Formulas below each other."""

    rows: tuple[Box, ...]


Box: TypeAlias = Token | Space | Row | Fence | Frac | Root | Script | Big | Lines


def read(latex: str) -> Box:
    """The boxes of a formula in the LaTeX of this project.

    Raises:
        ValueError: a command that is not known here, or brackets that do not match.
    """
    reader = Reader(TOKENS.findall(latex))
    box = reader.row(())
    if reader.place < len(reader.tokens):
        raise reader.error("nothing is open that this closes")
    return box


def row(items: Iterable[Box]) -> Box:
    """Boxes side by side; one alone is itself."""
    found = tuple(items)
    return found[0] if len(found) == 1 else Row(found)


def operand(box: Box | None) -> bool:
    """Whether a box is something that can be multiplied, rather than a sign or a space."""
    return not isinstance(box, Space | None) and not (
        isinstance(box, Token) and box.kind in ("mo", "mtext")
    )


class Reader:
    """Tokens with a place among them."""

    def __init__(self, tokens: list[str]):
        self.tokens, self.place, self.depth = tokens, 0, 0

    def error(self, why: str) -> ValueError:
        """An error at the current place."""
        before, after = ("".join(t) for t in (self.tokens[: self.place], self.tokens[self.place :]))
        return ValueError(f"LaTeX that cannot be read: {why}, after {before!r} at {after[:40]!r}")

    @property
    def here(self) -> str:
        """The current token, "" at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def skip(self) -> None:
        """Pass over white space, which means nothing."""
        while self.here.isspace():
            self.place += 1

    def take(self) -> str:
        """The current token, after white space; go on."""
        self.skip()
        if not (token := self.here):
            raise self.error("it ends too early")
        self.place += 1
        return token

    def expect(self, token: str) -> None:
        """Pass over a token that must be here."""
        self.skip()
        if self.here != token:
            raise self.error(f"{token!r} is missing")
        self.place += 1

    # ------------------------------------------------------------ rows

    def row(self, until: tuple[str, ...]) -> Box:
        """Boxes up to one of the tokens `until`, or a token that closes something."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error("it is nested too deeply")
        items: list[Box] = []
        while True:
            self.skip()
            end = self.here in ("", "}", r"\right", r"\\", r"\end", *CLOSING)
            if end or (self.here in until and (not items or operand(items[-1]))):
                self.depth -= 1
                return row(items)
            if self.here == r"\textstyle":
                self.place += 1
            elif self.here in BARS and items and operand(last_but_space(items)):
                items.append(Token("mo", BARS[self.take()][1]))  # p || q, j given i
            else:
                items.append(self.scripted())

    def scripted(self) -> Box:
        """A box with its scripts; a name with arguments, P(i), is one box."""
        box = self.atom()
        scripts: dict[str, Box] = {}
        if self.here and set(self.here) == {"'"} and isinstance(box, Token):
            primes = self.place
            while self.here == "'":
                self.place += 1
            box = Script(box, None, Token("mo", "′" * (self.place - primes)))
        while self.here in ("_", "^"):
            side = self.take()
            if side in scripts:
                raise self.error(f"a second {side!r}")
            scripts[side] = self.argument()
        if isinstance(box, Token) and box.text in ("∑", "max", "min", "mean") and "_" in scripts:
            return Big(Token("mo" if box.text == "∑" else "mi", box.text), scripts["_"])
        if scripts:
            box = Script(box, scripts.get("_"), scripts.get("^"))
        if self.here == "(" and named(box):
            call = self.scripted()
            if isinstance(call, Script):  # P(i)^2 is the square of P(i)
                return Script(Row((box, call.base)), call.below, call.above)
            return Row((box, call))
        return box

    def argument(self) -> Box:
        """What a command or a script applies to: a group in braces, or one token."""
        self.skip()
        if self.here != "{":
            return self.atom(single=True)
        return self.group()

    def group(self) -> Box:
        """What is in braces."""
        self.expect("{")
        box = self.row(())
        self.expect("}")
        return box

    def words(self) -> str:
        """The plain text in braces, with its spaces."""
        self.expect("{")
        start = self.place
        while self.here not in ("}", ""):
            if self.here[0] in "\\{" and self.here != r"\_":
                raise self.error("commands in words")
            self.place += 1
        text = "".join(self.tokens[start : self.place]).replace(r"\_", "_")
        self.expect("}")
        return text

    # ------------------------------------------------------------ single boxes

    def atom(self, single: bool = False) -> Box:
        """A box without its scripts; of a number, one digit where it is a `single` token."""
        token = self.take()
        if token == "{":
            self.place -= 1
            return self.group()
        if token.isdigit():
            while self.here.isdigit() and not single:
                token += self.take()
            return Token("mn", token)
        if token.isalpha() and token.isascii():
            if self.here.isdigit() and not single:
                raise self.error("a digit at a letter, which is neither a product nor a name")
            return Token("mi", token)
        if token in FENCES:
            return self.fence(token)
        if token in BARS:
            body = self.row((token,))
            self.expect(token)
            sign = BARS[token][0]
            return Fence(sign, body, sign)
        if token[0] == "\\":
            return self.command(token[1:])
        if token in ("-", "+", "=", "<", ">", ",", ":", "/", ".", ":="):
            return Token("mo", {"-": "−", ":=": "≔"}.get(token, token))
        raise self.error(f"{token!r} is unknown")

    def fence(self, token: str) -> Box:
        """A box in brackets, after the first of them."""
        body = self.row(())
        if CLOSING.get(self.take()) != token:
            raise self.error(f"{token!r} is closed by another bracket")
        start, end = FENCES[token]
        return Fence(start, body, end)

    def command(self, name: str) -> Box:
        """A command, after its name."""
        if name in GREEK:
            return Token("mi", GREEK[name])
        if name in SIGNS:
            return Token("mo", SIGNS[name])
        if name in SPACES:
            return Space(SPACES[name])
        if name in FUNCTIONS:
            return Token("fn", name)
        match name:
            case "sum":
                return Token("mo", "∑")
            case "infty":
                return Token("mi", "∞")
            case "frac" | "tfrac":
                return Frac(self.argument(), self.argument())
            case "sqrt":
                return Root(self.argument())
            case "text":
                return Token("mtext", self.words())
            case "mathrm":
                return Token("mi", self.words())
            case "operatorname" | "operatorname*":
                return Token("fn", self.words())
            case "mathbb" | "mathcal" if (key := f"\\{name}{{{self.words()}}}") in LETTERS:
                return Token("mi", LETTERS[key])
            case "left":
                return self.stretched()
            case "begin":
                return self.lines()
        raise self.error(f"the command {name!r} is unknown")

    def stretched(self) -> Box:
        r"""\left( ... \right), after \left."""
        token = self.take()
        body = self.row(())
        self.expect(r"\right")
        if token not in FENCES or CLOSING.get(self.take()) != token:
            raise self.error(f"\\left{token} is closed by another bracket")
        start, end = FENCES[token]
        return Fence(start, body, end)

    def lines(self) -> Box:
        r"""\begin{gathered} ... \\ ... \end{gathered}, after \begin."""
        if self.words() != "gathered":
            raise self.error("the environment is unknown")
        rows = [self.row(())]
        while self.here == r"\\":
            self.place += 1
            rows.append(self.row(()))
        self.expect(r"\end")
        self.words()
        return Lines(tuple(rows))


def named(box: Box) -> bool:
    """Whether a box is a name, which parentheses right after it give arguments."""
    base = box.base if isinstance(box, Script) else box
    return isinstance(base, Token) and base.kind == "mi"


def last_but_space(items: list[Box]) -> Box | None:
    """The last box that is no space."""
    return next((box for box in reversed(items) if not isinstance(box, Space)), None)
