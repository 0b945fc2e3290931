"""One entry as a side of a comparison: the rows of `iconograph.compare`, each with its form.

Two rows are alike where their texts are the same, and differ in names only where their forms are:
which is what `iconograph.compare.aspects` finds for two entries, said of one at a time, so that a
page can compare any two without every pair being written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from catalog.likeness import Form, Likeness, form, likeness
from catalog.mathml import to_mathml
from catalog.pair import renewed
from catalog.spec import Method, PSpec, QSpec
from iconograph.compare import aspects

SETTING = ("anchors", "neighbours", "weights")


@dataclass
class Forms:
    """A number for every form, in the order in which they are met; 0 is no form."""

    numbers: dict[Form, int] = field(default_factory=dict)

    def number(self, of: Form | None) -> int:
        """The number of a form: the same for the same."""
        return 0 if of is None else self.numbers.setdefault(of, len(self.numbers) + 1)


@dataclass(frozen=True)
class Row:
    """A row of one entry: `key` is its part and its label, `math` is "" for plain text."""

    key: str
    text: str
    form: int = 0
    math: str = ""


def rows(method: Method, forms: Forms) -> Iterator[Row]:
    """The rows of an entry that states a pair, in a fixed order."""
    like = likeness(method)
    assert like is not None
    part = "head"
    for a in aspects(method, method):
        label = a.key.strip()
        if label == "name":  # it stands above the rows
            continue
        if label in ("p kernel", "q kernel"):
            part = label[0]
        elif label == "normalised":
            part = "setting"
        elif label == "assumes":
            part = "rest"
        of = known(method, like, part, label)
        yield Row(f"{part} {label}", a.left, forms.number(of), shown(method, part, label))


def known(method: Method, like: Likeness, part: str, label: str) -> Form | None:
    """The form of a row, free of names, None where it has none."""
    spec = pair(method, part)
    if label in SETTING and part == "setting":
        return like.setting
    if spec is None or label.endswith(" kernel"):
        return None
    if label in ("p(j|i)", "k(i,j)"):
        return like.p if part == "p" else like.q
    return form(spec.params[label], method.icon.blocks[0])


def pair(method: Method, part: str) -> PSpec | QSpec | None:
    """The kernel that a part of the rows is about."""
    return method.icon.p if part == "p" else method.icon.q if part == "q" else None


def shown(method: Method, part: str, label: str) -> str:
    """A row as MathML, "" where it is words."""
    block = method.icon.blocks[0]
    if label in ("p(j|i)", "k(i,j)"):
        return to_mathml(renewed(block.p if part == "p" else block.kernel), block=True)
    return ""  # in the file's own words, which are on its page as a formula

