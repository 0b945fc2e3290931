r"""The pair and the claim of a method in LaTeX, each line for math mode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from catalog.divergences import DIVERGENCES
from catalog.latex import ATOM, PRODUCT, Latex, letter, symbol, to_latex
from catalog.naming import name_all, primed
from catalog.pair import learned_q, renewed
from catalog.spec import Block, Claim, Method
from catalog.symbols import Big, Expr, Mul, Num

ONE, ZERO = Num(Fraction(1)), Num(Fraction(0))
NOT = r"\text{not for all values:} \quad "


@dataclass(frozen=True)
class MethodLatex:
    """The formulas of a method in LaTeX; one p and one q per block. A theorem publishes none."""

    p: tuple[str, ...]
    q: tuple[str, ...]
    published: str
    claim: str


def method_latex(method: Method) -> MethodLatex:
    """The formulas that a page about `method` shows."""
    return MethodLatex(
        p=tuple(block_latex("p", block, block.p) for block in method.icon.blocks),
        q=tuple(block_latex("q", block, learned_q(block)) for block in method.icon.blocks),
        published="" if method.statements else to_latex(method.published),
        claim=claim_latex(method),
    )


def block_latex(name: str, block: Block, body: Expr) -> str:
    r"""`p_{j \mid i} = ...`."""
    variables = (*block.anchors, *block.neighbours)
    names = name_all(variables, {}, frozenset(), primed)
    return f"{name}_{{{ends(block)}}} = {to_latex(renewed(body), names)}"


def divergence_latex(method: Method) -> str:
    """The definition of the divergence D in p and q, with the head by which the claim names it."""
    icon = method.icon
    kind, order = DIVERGENCES[icon.divergence], f"{{{Latex({}).expr(icon.degree, ATOM)}}}"

    def part(block: Block) -> str:
        names = name_all((*block.anchors, *block.neighbours), {}, frozenset(), primed)
        write, below = Latex(names), ends(block)
        stands = {"p": f"{{p_{{{below}}}}}", "q": f"{{q_{{{below}}}}}", "a": order}
        # commands are words of their own, and every other letter of a template is a symbol
        body = re.sub(r"\\[A-Za-z]+|[pqa]", lambda m: stands.get(m[0], m[0]), kind.latex)
        weight = "" if block.weight == ONE else rf"{write.expr(block.weight, ATOM)} \, "
        sums = [(block.anchors, block.anchor_cond), (block.neighbours, block.neighbour_cond)]
        over, inner = (rf"\sum_{{{write.binder(*s)}}} " if s[0] else "" for s in sums)
        return rf"{over}{weight}{inner}\left({body}\right)"

    return f"{head(method)} = {' + '.join(map(part, icon.blocks))}"


def head(method: Method) -> str:
    """How the claim writes the divergence of the pair."""
    return {
        "reverse": r"D(q \,\|\, p)", "generalised": r"D_f(p \,\|\, q)"
    }.get(method.claim.relation, r"D(p \,\|\, q)")  # fmt: skip


def ends(block: Block) -> str:
    r"""What stands below p and q: `j \mid i`."""
    names = name_all((*block.anchors, *block.neighbours), {}, frozenset(), primed)
    ends = (block.neighbours, block.anchors)
    below, given = ("".join(letter(names[v]) for v in variables) for variables in ends)
    return below + (rf" \mid {given}" if given else "")


def minus(bound: Expr) -> str:
    """The negative of a bound."""
    if bound == ZERO:
        return "0"
    return rf"-\left({to_latex(bound)}\right)"


def claim_latex(method: Method) -> str:
    """The claimed relation between the published loss L and the divergence D."""
    claim = method.claim
    if method.statements:
        stated = r" \\ ".join(map(to_latex, method.statements))
        if len(method.statements) > 1:
            stated = rf"\begin{{gathered}} {stated} \end{{gathered}}"
        return NOT + stated if claim.relation == "false-as-stated" else stated
    loss, of = r"\mathcal{L}", head(method)
    bounded = claim.below is not None or claim.above is not None
    if claim.relation in ("does-not-reduce", "false-as-stated") and not bounded:
        a, b = [x for x in "abceghk" if x not in method.declarations][:2]
        return rf"{loss} \ne {a}\, {of} + {b} \quad \text{{for all constants }} {a} > 0,\ {b}"
    scaled = affine(claim, of)
    match claim.relation:
        case "definition":
            return rf"{loss} := {scaled}"
        case "limit" | "expansion" | "bound" | "false-as-stated" | "does-not-reduce":
            low = "" if claim.below is None else rf"{minus(claim.below)} \le "
            high = "" if claim.above is None else rf" \le {to_latex(claim.above)}"
            side = scaled if scaled == of else rf"\left({scaled}\right)"
            text = f"{low}{loss} - {side}{high}"
            if claim.relation in ("false-as-stated", "does-not-reduce"):
                text = NOT + text
            if not claim.parameter:
                return text
            to = {"infinity": r"\infty"}.get(claim.to, claim.to)
            return rf"{text} \qquad ({symbol(claim.parameter)} \to {to})"
    return f"{loss} = {scaled}"


def affine(claim: Claim, divergence: str) -> str:
    """Scale * divergence + constant, without a factor 1 and a term 0."""
    text = divergence
    if claim.scale != ONE:
        open_end = isinstance(claim.scale, Mul) and isinstance(claim.scale.args[-1], Big)
        need = PRODUCT if isinstance(claim.scale, Mul) and not open_end else ATOM
        text = rf"{Latex({}).expr(claim.scale, need)} \, {divergence}"
    if claim.constant != ZERO:
        constant = to_latex(claim.constant)
        text += f" - {constant[1:]}" if constant.startswith("-") else f" + {constant}"
    return text
