"""Formulas of the catalog as the pages show them: this is where a printer is chosen."""

from __future__ import annotations

from catalog.notation import to_text
from catalog.pair import learned_q, renewed
from catalog.spec import Block, Method
from catalog.symbols import Fact, IVar, Node
from codegen.site.pages import Formula
from iconograph.compare import one_line
from iconograph.display import claim_text


def formula(node: Node | Fact, head: str = "") -> Formula:
    """A formula of the catalog; `head = ` stands before it."""
    text = to_text(node)
    return Formula(f"{head} = {text}" if head else text)


def published(method: Method) -> Formula | None:
    """The published formula in the paper's own notation, None where there is none."""
    if method.statements or not method.published_text:
        return None
    return Formula(one_line(method.published_text))


def pair(method: Method) -> tuple[tuple[Formula, Formula], ...]:
    """P and q of every block."""
    return tuple(
        (formula(renewed(b.p), f"p({ends(b)})"), formula(renewed(learned_q(b)), f"q({ends(b)})"))
        for b in method.icon.blocks
    )


def ends(block: Block) -> str:
    """What p and q are of: `j|i`, or `i, j` for a joint distribution."""

    def letters(variables: tuple[IVar, ...]) -> str:
        return ",".join(v.name.split("'")[0] for v in variables)

    anchors = letters(block.anchors)
    return letters(block.neighbours) + (f"|{anchors}" if anchors else "")


def claim(method: Method) -> Formula:
    """What the entry claims."""
    return Formula(claim_text(method))
