"""A piece of source text that knows its axes and how tightly it binds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from catalog.symbols import IVar

BITS, SUM, PRODUCT, UNARY, POWER, ATOM = range(6)


@dataclass(frozen=True)
class Text:
    """Source text of an array: its axes in layout order (a vector has its coordinates after them).

    `level` is how tightly the text binds, `plain` says that it is a Python number and no array.
    """

    code: str
    axes: tuple[IVar, ...] = ()
    level: int = ATOM
    vector: bool = False
    plain: bool = False

    def at(self, level: int) -> str:
        """The text, in parentheses if it binds more loosely than `level`."""
        return self.code if self.level >= level else f"({self.code})"


def number(value: Fraction) -> Text:
    """An exact rational as Python source that loses nothing a float keeps."""
    if value.denominator == 1:
        return Text(str(value.numerator), (), ATOM if value >= 0 else UNARY, plain=True)
    if value.denominator & (value.denominator - 1) == 0 and value.denominator <= 1024:
        return Text(str(float(value)), (), ATOM if value >= 0 else UNARY, plain=True)
    return Text(f"{value.numerator} / {value.denominator}", (), PRODUCT, plain=True)
