"""A method's claim in terms: what is to be proved, under which hypotheses, with which lemmas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any

from catalog import symbols as s
from catalog.naming import same
from catalog.pair import divergence
from catalog.spec import Claim, Method
from derive.claims import HALF, Block, icon
from derive.hidden import Bodies, abbreviations, hidden, in_symbols, layers
from derive.poly import substitute
from derive.terms import Domain, Term, bind, mk, num, order, var
from derive.theorem import Judgement
from derive.translate import condition, dom, index, is_vector, scalar


@dataclass(frozen=True)
class Problem:
    """A claim in terms: published = scale * icon(blocks) + constant under hyps.

    `divergence`, `degree` and `slack` are those of `derive.claims.claim`. A theorem has `facts` in
    place of all that. `steps` are lemmas on the way, with the file's words. `learned` names the
    families that training changes; `hyps` are judgements whose free indices read 'for all';
    `texts` says in words where each hypothesis comes from and `dims` lists the index sets of the
    coordinates of vectors.
    """

    published: Term
    scale: Term
    constant: Term
    blocks: tuple[Block, ...]
    learned: tuple[str, ...]
    hyps: tuple[Judgement, ...]
    texts: tuple[str, ...]
    dims: frozenset[Domain]
    divergence: str = "kl"
    degree: Term = HALF
    slack: tuple[Any, ...] = ()
    facts: tuple[Judgement, ...] = ()
    fact_texts: tuple[str, ...] = ()
    steps: tuple[Judgement, ...] = ()
    step_texts: tuple[str, ...] = ()
    worlds: tuple[World, ...] = ()  # the same with symbols for abbreviations (derive.hidden)

    @property
    def target(self) -> Term:
        """The I-Con side: scale * icon(blocks) + constant."""
        return self.scale * icon(self.blocks, self.divergence, self.degree) + self.constant

    @property
    def equation(self) -> bool:
        """Whether the claim is published = target."""
        return not self.slack and not self.facts

    @property
    def small(self) -> Term | None:
        """What goes to 0 in a limit or expansion: the parameter, or 1 over it."""
        return self.slack[2] if self.slack and self.slack[2] != "" else None

    def judgements(self) -> tuple[Judgement, ...]:
        """What is claimed, without the conditions on the pair."""
        if self.facts:
            return self.facts
        if not self.slack:
            return (("eq", self.published, self.target),)
        e, (below, above) = self.published - self.target, self.slack[:2]
        out = [("nn", e + below)] if below != "" else []
        return (*out, ("nn", above - e)) if above != "" else tuple(out)


@dataclass(frozen=True)
class World:
    """A claim with symbols for abbreviations, and what they stand for: name, letters, body.

    Each has its body twice, the second time in the symbols of the next simpler world.
    """

    problem: Problem
    meaning: tuple[tuple[str, tuple[Term, ...], Term, Term], ...]


def below_root(fact: s.Fact) -> s.Expr:
    """The left side of a fact, x for |u| > 0 with x = |u|^2 and for sqrt(x) > 0.

    Roots are exponentials of logarithms here, positive whatever is below them.
    """
    if fact.relation == ">" and fact.right == s.Num(Fraction(0)):
        match fact.left:
            case s.Norm(u):
                return s.SqNorm(u)
            case s.Call("sqrt", (x,)):
                return x
    return fact.left


def facts(method: Method) -> list[tuple[Judgement, str]]:
    """The hypotheses of a method: what its types say and what it assumes, each with its words."""
    out: list[tuple[Judgement, str]] = []
    for d in method.declarations.values():
        if not isinstance(d.form, s.Sym) or d.form.dim is not None or d.form.kind == "real":
            continue
        t, kind, words = scalar(d.form), d.form.kind, f"{d.name} is {d.text.split('[')[0]}"
        if kind in ("positive", "probability"):
            out.append((("pos", t), words))
        else:
            out.append((("nn", t), words))
        if kind == "probability":
            out.append((("pos", num(1) - t), words))
        if kind == "distribution":
            j = index(d.form.args[-1])
            out.append((("eq", bind("sum", j, t), num(1)), f"the rows of {d.name} sum to one"))
    return out + [(judgement(fact), fact.text) for fact in method.assumes]


def judgement(fact: s.Fact) -> Judgement:
    """A fact as a judgement."""
    a, b = scalar(below_root(fact)), scalar(fact.right)
    if fact.relation == "=":
        return ("eq", a, b)
    return ("pos" if fact.relation == ">" else "nn", a if b is num(0) else a - b)


def slack(claim: Claim) -> tuple[Any, ...]:
    """The bounds of a claim as `derive.claims.claim` takes them."""
    if claim.below is None and claim.above is None:
        return ()
    below, above = ("" if b is None else scalar(b) for b in (claim.below, claim.above))
    if not claim.parameter:
        return (below, above, "", "")
    t = mk("app", (claim.parameter, ()))
    return (below, above, t if claim.to == "0" else mk("inv", None, t), str(claim.order))


def plain_names(terms: tuple[Term, ...]) -> dict[Term, Term]:
    """For each free index variable its bare letter, numbered where two share it.

    The reader of formulas makes letters unique by a count that differs from run to run; a
    certificate must not.
    """
    names: dict[Term, Term] = {}
    taken: set[str] = set()
    for v in (v for t in terms for v in sorted(t.free, key=order)):
        if v not in names:
            letter = str(v.data[0]).split("'")[0]
            name = next(
                n for k in count(1) if (n := letter if k == 1 else f"{letter}{k}") not in taken
            )
            taken.add(name)
            names[v] = var(name, v.data[1])
    return names


def renamed(t: Term, names: dict[Term, Term]) -> Term:
    """A term with its free index variables renamed."""
    return substitute(t, {v: w for v, w in names.items() if v is not w})


def plain_block(b: Block) -> Block:
    """A block whose variables have bare letters."""
    anchors, a, nbs, m, w, p, k = b
    names = plain_names((*anchors, *nbs))
    new = tuple(tuple(renamed(v, names) for v in vs) for vs in (anchors, nbs))
    a, m, w, p, k = (renamed(t, names) for t in (a, m, w, p, k))
    return (new[0], a, new[1], m, w, p, k)


def plain_fact(j: Judgement) -> Judgement:
    """A hypothesis whose free indices have bare letters."""
    names = plain_names(j[1:])
    return (j[0], *(renamed(t, names) for t in j[1:]))


def plain_meaning(
    letters: tuple[Term, ...], body: Term, short: Term
) -> tuple[tuple[Term, ...], Term, Term]:
    """An abbreviation whose letters are bare."""
    names = plain_names(letters)
    new = tuple(renamed(v, names) for v in letters)
    return new, renamed(body, names), renamed(short, names)


def problem(method: Method) -> Problem:
    """The claim of a method in terms; for an inequality also in terms of its abbreviations."""
    whole = in_terms(method)
    if whole.equation and not whole.steps:
        return whole
    bodies = {k: v for k, v in abbreviations(method).items() if not is_vector(v[1])}
    worlds: list[World] = []
    simpler: Bodies = {}
    for some in reversed(layers(bodies) if bodies else []):
        meaning = tuple(
            (k, *plain_meaning(tuple(map(index, v)), scalar(x), scalar(hidden(x, simpler))))
            for k, (v, x) in some.items()
        )
        worlds.append(World(in_terms(in_symbols(method, some)), meaning))
        simpler = some
    return replace(whole, worlds=tuple(reversed(worlds)))


def in_terms(method: Method) -> Problem:
    """The claim of a method in terms."""
    blocks = tuple(
        (
            tuple(map(index, b.anchors)), condition(b.anchor_cond), tuple(map(index, b.neighbours)),
            condition(b.neighbour_cond), scalar(b.weight), scalar(b.p), scalar(b.kernel),
        )
        for b in method.icon.blocks
    )  # fmt: skip
    blocks = tuple(map(plain_block, blocks))
    hyps = [(plain_fact(j), words) for j, words in facts(method)]
    shapes = (d.form for d in method.declarations.values())
    kind, degree = method.icon.divergence, scalar(method.icon.degree)
    # What a definition publishes is the divergence itself: its pair is what there is to prove. It
    # is so only as long as nobody changed the one without the other.
    own = method.claim.relation == "definition" and same(method.published, divergence(method.icon))
    published = icon(blocks, kind, degree) if own else scalar(method.published)
    return Problem(
        published, scalar(method.claim.scale), scalar(method.claim.constant), blocks,
        tuple(sorted(d.name for d in method.declarations.values() if d.learned)),
        tuple(j for j, _ in hyps), tuple(w for _, w in hyps),
        frozenset(dom(f.dim) for f in shapes if isinstance(f, s.Sym) and f.dim),
        kind, degree, slack(method.claim),
        tuple(plain_fact(judgement(f)) for f in method.statements),
        tuple(f.text for f in method.statements),
        tuple(plain_fact(judgement(f)) for f in method.steps),
        tuple(f.text for f in method.steps),
    )  # fmt: skip
