r"""Formulas in presentation MathML, as browsers show it without a script.

Written are elements of MathML Core only. What stands where is decided by `catalog.latex`, whose
text `catalog.latex_boxes` reads; here it is only spelt.

>>> mathml(r"\frac{1}{n}")
'<math alttext="1/n"><mfrac><mn>1</mn><mi>n</mi></mfrac></math>'
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from catalog.latex import to_latex
from catalog.latex_boxes import (
    Big,
    Box,
    Fence,
    Frac,
    Lines,
    Root,
    Row,
    Script,
    Space,
    Token,
    operand,
    read,
)  # fmt: skip
from catalog.latex_method import typeset
from catalog.naming import Names
from catalog.notation import to_text
from catalog.spec import Method
from catalog.symbols import Fact, Node

THIN = 1 / 6
"""The width in em between factors; a sign of multiplication that is not seen is not written."""

Section = tuple[str, tuple[str, ...]]


def to_mathml(node: Node | Fact, names: Names | None = None, *, block: bool = False) -> str:
    """A node of the catalog; its plain text is that of the formula language."""
    return mathml(to_latex(node, names), to_text(node, names), block=block)


def typeset_mathml(method: Method, *, block: bool = False) -> tuple[Section, ...]:
    """The whole method as `catalog.latex_method.typeset` gives it: titles, formulas below each."""
    return tuple(
        (title, tuple(mathml(line, block=block) for line in lines))
        for title, lines in typeset(method)
    )


def mathml(latex: str, alttext: str = "", *, block: bool = False) -> str:
    """A formula in the LaTeX of this project as a MathML element.

    `alttext` is its plain text, by default the same boxes on one line; `block` gives the formula
    a line of its own.

    Raises:
        ValueError: see `catalog.latex_boxes.read`.
    """
    box = read(latex)
    said = escape(" ".join((alttext or plain(box)).split()))
    shape = ' display="block"' if block else ""
    return f'<math{shape} alttext="{said}">{inside(box)}</math>'


# ---------------------------------------------------------------------- MathML


def element(name: str, *parts: str, **attributes: str) -> str:
    """An element; of its parts, each is one box or text that is escaped already."""
    said = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{''.join(parts)}</{name}>"


def inside(box: Box) -> str:
    """A box where any number of elements may stand."""
    return "".join(side_by_side(box.items)) if isinstance(box, Row) else spell(box)


def spell(box: Box) -> str:
    """A box as one element."""
    match box:
        case Token(kind, text):
            name = "mi" if kind == "fn" else kind
            if kind == "mtext":  # spaces at the ends of an element are not shown
                text = text.replace(" ", "\u00a0")
            return element(name, escape(text))
        case Space(width):
            return f'<mspace width="{width:.2g}em"/>'
        case Row():
            return element("mrow", inside(box))
        case Fence(start, body, end):
            # without a font for mathematics, brackets grow by leaps: those that need to grow do
            grow = {} if tall(body) else {"stretchy": "false"}
            start, end = (element("mo", sign, **grow) for sign in (start, end))
            return element("mrow", start, inside(body), end)
        case Frac(above, below):
            return element("mfrac", spell(above), spell(below))
        case Root(body):
            return element("msqrt", inside(body))
        case Script(base, None, Token("mo", primes)):  # smaller than it is, it cannot be seen
            return element("mrow", spell(base), element("mo", primes))
        case Script(base, below, None) if below is not None:
            return element("msub", spell(base), spell(below))
        case Script(base, None, above) if above is not None:
            return element("msup", spell(base), spell(above))
        case Script(base, below, above) if below is not None and above is not None:
            return element("msubsup", spell(base), spell(below), spell(above))
        case Big(sign, below):
            return element("munder", element("mo", escape(sign.text)), spell(below))
        case Lines(rows):
            cells = (element("mtr", element("mtd", inside(r))) for r in rows)
            return element("mtable", *cells)
    raise AssertionError(box)


def tall(box: Box) -> bool:
    """Whether a box is higher than a line with scripts."""
    match box:
        case Row(items):
            return any(map(tall, items))
        case Fence(_, body, _) | Root(body):
            return tall(body)
        case Script(base, _, _):
            return tall(base)
    return isinstance(box, Frac | Big | Lines)


def side_by_side(items: tuple[Box, ...]) -> Iterator[str]:
    """Boxes in a row, with white space where TeX would leave it."""
    for place, box in enumerate(items):
        before = items[place - 1] if place else None
        after = items[place + 1] if place + 1 < len(items) else None
        if isinstance(box, Space) and box.width < THIN * 1.5:
            comma = isinstance(before, Token) and before.text in ",:"
            if comma or (operand(before) and operand(after)):
                yield spell(box)
            continue
        if isinstance(box, Row):  # a row in a row says nothing
            yield inside(box)
            continue
        if wide(box) and operand(before):
            yield spell(Space(THIN))
        yield spell(box)
        if wide(box) and operand(after) and not isinstance(after, Fence) and not wide(after):
            yield spell(Space(THIN))


def wide(box: Box | None) -> bool:
    """Whether a box stands apart from its neighbours, as log and sums do."""
    return isinstance(box, Big) or (isinstance(box, Token) and box.kind == "fn")


# ---------------------------------------------------------------------- plain text


def plain(box: Box) -> str:
    """The boxes on one line: s_(ij), x^2, (a + b)/c, sum_(j ≠ i) k_j."""
    match box:
        case Token("mo", sign):
            return {",": ", ", "/": "/", "!": "!", "∑": "sum"}.get(sign, f" {sign} ")
        case Token("fn", text):
            return text
        case Token(_, text):
            return text
        case Space():
            return " "
        case Row(items):
            return row_text(items)
        case Fence(start, body, end):
            return f"{start}{plain(body).strip()}{end}"
        case Frac(above, below):
            return f"{grouped(above)}/{grouped(below)}"
        case Root(body):
            return f"sqrt({plain(body).strip()})"
        case Script(base, below, above):
            low = "" if below is None else f"_{grouped(below)}"
            if isinstance(above, Token) and above.text.startswith("′"):
                return f"{grouped(base)}{above.text}{low}"
            return f"{grouped(base)}{low}" + ("" if above is None else f"^{grouped(above)}")
        case Big(sign, below):
            return f"{plain(sign).strip()}_{grouped(below)} "
        case Lines(rows):
            return "; ".join(plain(r).strip() for r in rows)
    raise AssertionError(box)


def row_text(items: tuple[Box, ...]) -> str:
    """Boxes in a row; of factors without a sign between them, the gap is kept."""
    out = ""
    for place, box in enumerate(items):
        before = items[place - 1] if place else None
        gap = operand(before) and operand(box) and not isinstance(bottom(box), Fence)
        leading = isinstance(box, Token) and box.text == "−" and not operand(before)
        out += (" " if gap else "") + ("−" if leading else plain(box))
    return " ".join(out.split())


def bottom(box: Box) -> Box:
    """A box without its scripts."""
    return bottom(box.base) if isinstance(box, Script) else box


def grouped(box: Box) -> str:
    """A box on one line, in parentheses where it is more than one name or number."""
    text = plain(box).strip()
    bracketed = isinstance(box, Fence | Root | Token)
    return text if bracketed or len(text) == 1 else f"({text})"
