"""The theorem that a claimed edge states, where it is more than an equation of two formulas.

    bound                  published_A[put] >= scale * published_B + constant
    used-in-the-proof-of   a statement of A, with the substitution, is a line of B
    coarse-graining        p and kernel of B are those of A, summed over the neighbours merged

The theorem is an entry without a pair, in the words of B, for `derive.verify` to judge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from catalog.edges import Claimed
from catalog.equation import ONE, ZERO, Equation, equation, extended
from catalog.errors import did_you_mean
from catalog.formula import parse_cond, parse_fact
from catalog.load import WITHOUT
from catalog.params import Text
from catalog.spec import Block, Claim, Method, Relation
from catalog.symbols import (
    Add,
    And,
    Big,
    Cond,
    Expr,
    Fact,
    Index,
    IVar,
    Iverson,
    Mul,
    Num,
    fresh,
    map_node,
)  # fmt: skip

MINUS = Num(-ONE.value)
EXACT = {"kl": "exact", "reverse-kl": "reverse"}
"""The relation by which a loss is that of its pair; "generalised" for any other divergence."""


def theorem(edge: Claimed, source: Method, target: Method) -> tuple[Method, Equation]:
    """The edge as a theorem in the words of its target, and the equation it is made from.

    Raises:
        InputError: the substitution does not fit, or a statement or line is not there.
    """
    said = equation(edge, source, target)
    if edge.kind == "bound":
        facts = [Fact(said.left, ">=", said.whole, edge.name)]
    elif edge.kind == "used-in-the-proof-of":
        facts = [instance(edge, said, source, target), *said.granted]
    else:
        facts = list(merged(edge, said, source, target))
    if isinstance(said.scale, Num) and said.scale.value <= 0:
        raise edge.scale.error("the scale must be positive")
    if said.scale != ONE:
        facts.append(Fact(said.scale, ">", ZERO, "the scale is positive"))
    scope = extended(edge, target)
    steps = tuple(
        parse_fact(text.text, scope, said=words, where=text.place)
        for words, (_, text) in edge.steps.items()
    )
    return entry(edge, said.words, facts, steps), said


def paired(edge: Claimed, source: Method, proof: Method) -> tuple[Method, Equation]:
    """That the source, with the substitution, is the loss of the pair of `proof`: an exact claim.

    published_source[put] = scale * D + constant, with D the divergence of the pair; scale > 0 and
    all else that a claim needs are part of it (docs/trust.md).

    Raises:
        InputError: the substitution does not fit.
    """
    said = equation(edge, source, proof)
    relation = cast(Relation, EXACT.get(proof.icon.divergence, "generalised"))
    claim = Claim(relation, said.scale, said.constant)
    return replace(
        said.words, id=edge.name, published=said.left, published_text="", erratum=None,
        statements=(), steps=(), path=edge.path, claim=claim,
    ), said  # fmt: skip


def entry(edge: Claimed, words: Method, facts: Iterable[Fact], steps: tuple[Fact, ...]) -> Method:
    """An entry without a pair that states `facts`."""
    return replace(
        words, id=edge.name, icon=WITHOUT, published=ZERO, published_text="", erratum=None,
        statements=tuple(facts), steps=steps, path=edge.path, claim=Claim("theorem", ONE, ZERO),
    )  # fmt: skip


def instance(edge: Claimed, said: Equation, source: Method, target: Method) -> Fact:
    """What makes a line of the target an instance of a statement of the source.

    With a >= b the statement and c >= d the line, a - b = scale * (c - d); the relation is one.
    """
    mine = named(edge.statement, source.statements, source.id, "statement")
    line = named(edge.line, (*target.statements, *target.steps), target.id, "line")
    if mine.relation != line.relation:
        raise edge.line.error(f"{line.text!r} says {line.relation}, the statement {mine.relation}")
    found = said.say(mine)
    theirs = gap(line)
    whole = theirs if said.scale == ONE else Mul((said.scale, theirs))
    return Fact(gap(found), "=", whole, f"{line.text}: {mine.text}")


def named(text: Text, facts: tuple[Fact, ...], owner: str, what: str) -> Fact:
    """The fact that a file says in these words. Raises InputError."""
    found = {f.text: f for f in facts}
    if text.text not in found:
        hint = did_you_mean(text.text, found) or f"known: {'; '.join(found) or 'none'}"
        raise text.error(f"{owner} has no {what} {text.text!r}", hint)
    return found[text.text]


def gap(fact: Fact) -> Expr:
    """The difference of the two sides."""
    return Add((fact.left, Mul((MINUS, fact.right))))


def merged(edge: Claimed, said: Equation, source: Method, target: Method) -> Iterable[Fact]:
    """The three equations that make the target's pair the source's with neighbours merged.

    `merge` says when neighbour `fine` of an anchor belongs to the target's neighbour: each belongs
    to one; masses add up to masses, and kernels to kernels, times `scale`.
    """
    (own,), (fine,) = target.icon.blocks[:1], source.icon.blocks[:1]
    letters = [v.name.split("'")[0] for v in fine.neighbours]
    if len(own.anchors) != len(fine.anchors) or edge.fine != tuple(letters):
        raise edge.merge.error(
            f"the anchors and the neighbours {', '.join(letters)} of {source.id} do not fit",
            "name its neighbours in `fine`, as its file does",
        )
    new = {said.say(v): fresh(said.say(v)) for v in fine.neighbours}
    put: dict[IVar, Index] = {**new}
    put.update((said.say(v), a) for v, a in zip(fine.anchors, own.anchors, strict=True))

    def say(node: Expr | Cond) -> Expr:
        return cast(Expr, map_node(said.say(node), put))

    free = {v.name.split("'")[0]: v for v in (*own.anchors, *own.neighbours)}
    free |= dict(zip(letters, new.values(), strict=True))
    when = parse_cond(edge.merge.text, extended(edge, target), free=free, where=edge.merge.place)
    bound = tuple(new.values())
    allowed = cast(Cond, say(fine.neighbour_cond))
    here = Iverson(And((own.anchor_cond, own.neighbour_cond)))
    yield belongs(own, allowed, when)
    for what, whole, part in (("p", own.p, fine.p), ("the kernel", own.kernel, fine.kernel)):
        total: Expr = Big("sum", bound, And((allowed, when)), say(part))
        total = total if what == "p" or said.scale == ONE else Mul((said.scale, total))
        yield Fact(Mul((here, whole)), "=", Mul((here, total)), f"{what} adds up")


def belongs(own: Block, allowed: Cond, when: Cond) -> Fact:
    """Every allowed neighbour belongs to one group."""
    groups = {v: fresh(v) for v in own.neighbours}
    inside = map_node(And((own.neighbour_cond, when)), groups)
    count = Big("sum", tuple(groups.values()), cast(Cond, inside), ONE)
    here = Iverson(And((own.anchor_cond, allowed)))
    return Fact(Mul((here, count)), "=", here, "every neighbour belongs to one group")


