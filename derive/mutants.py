"""The mutants of a method: one error each, planted in the formula, a definition, or the claim.

`mutants(n, seed)` spreads n of them evenly over the entries of the catalog that claim something to
hold, whatever the relation, and the kinds of error; no two are the same claim once abbreviations
are written out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from catalog.errors import InputError
from catalog.naming import name_all, numbered, taken_names
from catalog.notation import to_text
from catalog.pair import divergence, learned_q
from catalog.registry import all_methods
from catalog.spec import Method
from catalog.symbols import (
    Big,
    Expr,
    IApp,
    IVar,
    Macro,
    Node,
    Num,
    SetRef,
    Size,
    free_indices,
    map_node,
    walk,
)  # fmt: skip
from derive.bridge import Problem, in_terms
from derive.instance import icon_of
from derive.loosened import loosened
from derive.mutations import FORMULA, Rule
from derive.mutations_pair import Error, whole, with_block, with_claim, with_published
from derive.mutations_sets import Words
from derive.places import Never, Place, is_expr, is_scalar, opposite, places, rebuilt, trail
from derive.verdict import NEGATIVE

Chain = tuple[tuple[Expr, Expr], ...]
LETTERS = 160  # of a change that is described


@dataclass(frozen=True)
class Mutant:
    """A method with one error. `where` is the part of the file, `change` what was done there.

    `chain` lists (before, after) from the changed place outward, numbers only. Where the two are
    equal, the error is none: nothing else has changed.
    """

    method: Method
    kind: str
    where: str
    change: str
    chain: Chain


@dataclass(frozen=True)
class Part:
    """A tree of a method that can be changed; `build` makes the method with another one there."""

    where: str
    tree: Node
    scope: tuple[IVar, ...]
    build: Callable[[Any], Method]


Found = tuple[str, Callable[[], Mutant]]  # kind and how to make it


# --------------------------------------------------------------------------- parts of a method


def formula_parts(method: Method) -> Iterator[Part]:
    """The published formula, and each definition of it, which changes wherever it is used."""
    if not method.statements:
        yield Part("published", method.published, (), partial(with_published, method))
    yield from statement_parts(method)
    seen: set[str] = set()
    for node in (n for tree in said(method) for n in walk(tree)):
        if isinstance(node, Macro | SetRef) and node.name not in seen and (p := params(node)):
            seen.add(node.name)
            body: Node = node.body if isinstance(node, Macro) else node.cond
            yield Part(f"definition of {node.name}", body, p, redefine(method, node.name, p))


def said(method: Method) -> tuple[Expr, ...]:
    """The formulas that a method or a theorem consists of."""
    sides = tuple(x for f in method.statements for x in (f.left, f.right))
    return sides or (method.published,)


def statement_parts(method: Method) -> Iterator[Part]:
    """The two sides of every statement of a theorem."""
    for k, fact in enumerate(method.statements):
        free = free_indices(fact.left) | free_indices(fact.right)
        letters = tuple(sorted((v for v in free if isinstance(v, IVar)), key=lambda v: v.name))
        for side in ("left", "right"):
            build = partial(with_statement, method, k, side)
            yield Part(f"{side} of {fact.text}", getattr(fact, side), letters, build)


def with_statement(method: Method, k: int, side: str, x: Expr) -> Method:
    """The method with one side of one statement replaced."""
    facts = list(method.statements)
    facts[k] = replace(facts[k], left=x) if side == "left" else replace(facts[k], right=x)
    return replace(method, statements=tuple(facts))


def params(node: Macro | SetRef) -> tuple[IVar, ...]:
    """The arguments of an abbreviation where they are different letters, else none."""
    args = node.args if isinstance(node, Macro) else (node.element, *node.args)
    found = tuple(a for a in args if isinstance(a, IVar))
    return found if len(set(found)) == len(args) else ()


def redefine(method: Method, name: str, letters: tuple[IVar, ...]) -> Callable[[Any], Method]:
    """How to give an abbreviation another meaning, in the published formula and in the claim."""

    def build(body: Any) -> Method:
        def change(node: Node) -> Node | None:
            if not isinstance(node, Macro | SetRef) or node.name != name:
                return None
            args = node.args if isinstance(node, Macro) else (node.element, *node.args)
            new = map_node(body, dict(zip(letters, args, strict=True)))
            return opposite(new) if isinstance(node, SetRef) and node.negated else new

        def everywhere(tree: Expr) -> Any:
            return rebuilt(tree, change)

        claim = method.claim
        names = [n for n in ("scale", "constant", "below", "above") if getattr(claim, n)]
        claim = replace(claim, **{n: everywhere(getattr(claim, n)) for n in names})
        facts = tuple(
            replace(f, left=everywhere(f.left), right=everywhere(f.right))
            for f in method.statements
        )
        new = everywhere(method.published)
        return replace(method, published=new, claim=claim, statements=facts)

    return build


def claim_parts(method: Method) -> Iterator[Part]:
    """Scale and constant, and the bounds."""
    names = ["scale", "constant"] if method.icon.blocks and not method.statements else []
    names += [n for n in ("below", "above") if getattr(method.claim, n) is not None]
    for name in names:
        yield Part(
            name, getattr(method.claim, name), (),
            partial(with_claim, method, name),
        )  # fmt: skip


def with_part(method: Method, k: int, name: str, x: Any) -> Method:
    """The method with one field of one block of its pair replaced."""
    return with_block(method, k, replace(method.icon.blocks[k], **{name: x}))


def pair_parts(method: Method) -> Iterator[Part]:
    """p, the kernel of q, the weights and the neighbours of every block."""
    for k, b in enumerate(method.icon.blocks if not method.statements else ()):
        both = (*b.anchors, *b.neighbours)
        for name, scope in (
            ("p", both), ("kernel", both), ("weight", b.anchors), ("neighbour_cond", both)
        ):  # fmt: skip
            yield Part(
                name, getattr(b, name), scope,
                partial(with_part, method, k, name),
            )  # fmt: skip


# --------------------------------------------------------------------------- errors in a part


def changes(kind: str, rule: Rule, part: Part, words: Words, method: Method) -> Iterator[Found]:
    """What a rule makes of a part."""
    for place in places(part.tree, part.scope):
        for new in rule(place, words):
            yield kind, partial(with_change, method, kind, part, place, new)


def with_change(method: Method, kind: str, part: Part, place: Place, new: Node) -> Mutant:
    """The mutant with a new node at a place. Raises Never."""
    steps = trail(part.tree, place.path, new)
    inner = tuple((a, b) for a, b in steps if is_expr(a) and is_expr(b) and is_scalar(a))
    # an index or a number says little alone: show the expression around it
    told = next((s for s in steps if is_expr(s[0]) and not isinstance(s[0], Num)), steps[-1])
    text = " -> ".join(shown(x, place.scope) for x in told)
    changed = part.build(steps[-1][1])
    return Mutant(changed, kind, part.where, text, (*inner, *outward(method, changed)))


def with_error(method: Method, error: Error) -> Mutant:
    """The mutant with an error in the claim as a whole."""
    changed = error.build()
    return Mutant(changed, error.kind, error.where, error.what, outward(method, changed))


def outward(old: Method, new: Method) -> Chain:
    """The larger things that changed: q, the I-Con loss, or the published formula.

    None where several of them did, as they do with a definition: one that is equal to what it was
    says nothing of the others.
    """
    claim = replace(new.claim, below_text="", above_text="", scale_text="", constant_text="")
    was = replace(old.claim, below_text="", above_text="", scale_text="", constant_text="")
    if claim != was:
        return ()
    out: list[tuple[Expr, Expr]] = []
    if new.icon != old.icon:
        pairs = list(zip(old.icon.blocks, new.icon.blocks, strict=False))
        other = [(a, b) for a, b in pairs if a != b]
        alone = len(old.icon.blocks) == len(new.icon.blocks) and len(other) == 1
        if alone and replace(other[0][0], kernel=other[0][1].kernel) == other[0][1]:
            out.append((learned_q(other[0][0]), learned_q(other[0][1])))
        out.append((divergence(old.icon), divergence(new.icon)))
    sides = [(old.published, new.published)]
    for a, b in zip(old.statements, new.statements, strict=True):
        sides += [(a.left, b.left), (a.right, b.right)]
    changed = [(x, y) for x, y in sides if x != y]
    if len(changed) + bool(out) > 1:
        return ()
    return (*out, *changed)


# --------------------------------------------------------------------------- which, and how many

OF_PART = {"scale": "scale", "constant": "constant", "p": "p", "kernel": "q", "weight": "weights",
           "below": "bound", "above": "bound"}  # fmt: skip
OF_SET = ("index", "self pair", "condition")  # what can be wrong with the set of the neighbours
KINDS = (*FORMULA, "constant", "scale", "bound", "weights", "p", "q")


def words_of(method: Method) -> Words:
    """The index sets and functions that the formulas of a method mention."""
    used = [v for b in method.icon.blocks[:1] for v in (*b.anchors, *b.neighbours)]
    nodes = [n for tree in said(method) for n in walk(tree)]
    used += [v for n in nodes if isinstance(n, Big | Size) for v in n.vars]
    forms = [d.form for d in method.declarations.values()]
    functions = tuple(f for f in forms if isinstance(f, IApp) and f.args)
    return Words(tuple(dict.fromkeys(v.set for v in used)), functions)


def candidates(method: Method) -> Iterator[Found]:
    """Every mutant there is of a method, some more than once."""
    words = words_of(method)
    for part in formula_parts(method):
        for kind, rule in FORMULA.items():
            yield from changes(kind, rule, part, words, method)
    for part in (*claim_parts(method), *pair_parts(method)):
        of_set = part.where == "neighbour_cond"
        for kind, rule in FORMULA.items():
            if part.where in ("below", "above"):
                continue  # a looser bound is no error: see `mutations_pair.of_bounds`
            if not of_set:
                yield from changes(OF_PART[part.where], rule, part, words, method)
            elif kind in OF_SET:
                yield from changes(kind, rule, part, words, method)
    for error in whole(method, words) if not method.statements else ():
        yield error.kind, partial(with_error, method, error)


def mutants(n: int, seed: int = 0, methods: Sequence[Method] | None = None) -> list[Mutant]:
    """So many mutants of what is claimed to hold, or all there are; a seed gives the same again.

    They are dealt out in turn over the pairs of a method and a kind, so that each gets its share.
    """
    if methods is None:
        methods = [m for m in all_methods() if m.claim.relation not in NEGATIVE]
    piles: dict[tuple[str, str], list[Callable[[], Mutant]]] = {}
    taken: set[Any] = set()
    claims = {method.id: in_terms(method) for method in methods}
    for method in methods:
        taken.add((method.id, meaning(method)))
        for kind, make in candidates(method):
            piles.setdefault((method.id, kind), []).append(make)
    for key in piles:
        random.Random(repr((seed, key))).shuffle(piles[key])
    order = in_turn(list(piles), seed)
    out: list[Mutant] = []
    while order and len(out) < n:
        order = [key for key in order if piles[key]]
        for key in order:
            mutant = next_new(claims[key[0]], key[0], piles[key], taken)
            if mutant is not None:
                out.append(mutant)
            if len(out) == n:
                break
    return out


def in_turn(keys: list[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Pairs of a method and a kind, in an order whose every start has as many kinds as can be."""
    keys = sorted(keys)
    random.Random(repr((seed, "order"))).shuffle(keys)
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int, tuple[str, str]]] = []
    for k, key in enumerate(keys):
        ranked.append((seen[key[1]], k, key))
        seen[key[1]] += 1
    return [key for _, _, key in sorted(ranked)]


def next_new(
    claim: Problem, name: str, pile: list[Callable[[], Mutant]], taken: set[Any]
) -> Mutant | None:
    """The next mutant of a pile that says something that none said before, and not just less."""
    while pile:
        try:
            mutant = pile.pop()()
            key = (name, meaning(mutant.method))
        except (InputError, Never):
            continue  # nothing that a file could say
        if key not in taken:
            taken.add(key)
            if claim.equation or not loosened(claim, in_terms(mutant.method)):
                return mutant
    return None


def meaning(method: Method) -> tuple[Any, ...]:
    """What a claim says, in terms: without letters, names of abbreviations and labels."""
    claim = in_terms(replace(method, steps=()))
    if claim.facts:
        return claim.facts
    return claim.published, claim.scale, claim.constant, icon_of(claim), claim.slack


def shown(node: Node, scope: tuple[IVar, ...]) -> str:
    """A node as text, not too long."""
    names = name_all(scope, {}, taken_names(node), numbered)
    text = to_text(node, names) if not isinstance(node, IVar) else names[node]
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 3]}..."
