"""Every entry of the catalog as a bare formula: is its own pair found again?

    python -m benchmarks.recognise [--jobs 2] [ID ...]
    python -m benchmarks.recognise --errors 2000 [--seed 0]

An entry is stripped of its pair and its claim. What reduces must give back its own p and q (up to
what its neighbours are called), or another pair that is proved; what does not must get a witness.
With --errors so many published formulas with a planted error are asked about. A changed formula may
well be an I-Con, of another pair; what is accepted is looked at again by balls in fresh models of
other sizes, and a contradiction is a wrong accept. Seconds are those of the processor.

What counts as the same pair: the anchors with their weights, the allowed neighbours, p, and q (or
its kernel, wherever it counts) are equal, each equation proved for every N under the hypotheses of
the entry. Letters, the order of anchors and the names of an enumerated set's elements may differ;
scale and constant are not looked at, since p and q fix them.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from catalog.errors import InputError
from catalog.files import read_toml
from catalog.notation import to_text
from catalog.spec import Method
from catalog.symbols import Big, Size, walk
from derive import balls
from derive.bridge import problem
from derive.claims import Block, total
from derive.mutants import Mutant, mutants
from derive.normal import GaveUp
from derive.prove import Search
from derive.steps import booleans
from derive.terms import RuleError, Term, domain, mk, num, order, subst
from derive.theorem import Theorem, inv
from iconograph.find import catalog_methods, resolve
from iconograph.inline import document
from iconograph.recognise import Recognised, recognise
from iconograph.workers import each

FRESH, FRESH_SEED = (5, 2, 4), 1000  # sizes and a seed that no other judge has used
CASES = 3  # conditions by whose values terms are compared
REDUCES = ("exact", "coarse", "reverse", "generalised", "definition")


@dataclass(frozen=True)
class Line:
    """What became of an entry: own | other | none for one that reduces, witness | pair | none."""

    id: str
    relation: str
    outcome: str
    seconds: float
    detail: str = ""


def bare_text(method: Method) -> str:
    """The method file without its pair; a definition publishes its divergence."""
    doc = dict(read_toml(method.text, method.path))
    for table in ("p", "q", "icon", "claim", "proof"):
        doc.pop(table, None)
    if not method.published_text:
        doc["published"] = {"formula": to_text(method.published)}
        doc["sets"] = with_letters(doc.get("sets", {"n": "i j k l m"}), method)
    return document(doc)


def with_letters(sets: dict[str, Any], method: Method) -> dict[str, Any]:
    """The sets of a file with the letters that the kernels of the vocabulary bring along."""
    out = dict(sets)
    bound = [v for n in walk(method.published) if isinstance(n, Big | Size) for v in n.vars]
    for v in bound:
        letter = re.sub(r"\d+$", "", v.name.split("'")[0])
        known = out.get(v.set.name)
        if isinstance(known, str) and letter not in known.split():
            out[v.set.name] = f"{known} {letter}"
    return out


def line(name: str) -> Line:
    """What became of one entry."""
    method = resolve(name)
    start = time.process_time()
    found = recognise(bare_text(method), method.id)
    seconds = time.process_time() - start
    relation = method.claim.relation
    if not isinstance(found, Recognised):
        if found.refuted is not None:
            return Line(name, relation, "witness", seconds, found.refuted.witness.against)  # type: ignore[union-attr]
        return Line(name, relation, "none", seconds, "; ".join(found.why))
    if relation not in REDUCES:
        return Line(name, relation, "pair", seconds, found.kind)
    same = own(method, found)
    return Line(name, relation, "own" if same else "other", seconds, found.kind)


def own(method: Method, found: Recognised) -> bool:
    """Whether what was found is the pair of the entry, group of anchors by group of anchors."""
    mine = problem(method)
    theirs = found.found.problem
    if (mine.divergence == "kl") != (theirs.divergence == "kl"):
        return False
    search = Search(mine)
    several = len(theirs.blocks) > len(mine.blocks)
    blocks = [x for b in mine.blocks for x in unfolded(b)] if several else list(mine.blocks)
    if len(blocks) != len(theirs.blocks):
        return False
    return any(
        all(same(search, a, b, len(blocks) == 1) for a, b in zip(blocks, some, strict=True))
        for some in permutations(theirs.blocks)
    )


def unfolded(block: Block) -> list[Block]:
    """A group whose anchors carry an enumerated index as one group for each element."""
    anchors, a, nbs, m, w, p, k = block
    over = next((v for v in anchors if size(v)), None)
    if over is None:
        return [block]
    out = []
    for e in domain(over)[1]:
        at = {over: mk("el", (e, domain(over)))}
        left = tuple(v for v in anchors if v is not over)
        out += unfolded((left, subst(a, at), nbs, *(subst(t, at) for t in (m, w, p, k))))
    return out


def same(search: Search, a: Block, b: Block, alone: bool) -> bool:
    """Whether two groups of anchors have one q and one p, whatever neighbours are called."""
    for names in renamings((*b[0], *b[2]), (*a[0], *a[2]), len(a[0])):
        known = [parts(subst_block(x, names if x is b else {})) for x in (a, b)]
        (pair, q, kernel), (other, other_q, other_kernel) = known
        # weights that sum to one, as is proved of both, are equal where none reads its anchor
        even = alone and not a[4].free & {*a[0]} and not b[4].free & {*b[0]}
        if alike(search, pair[even:], other[even:]) and (
            alike(search, q, other_q) or alike(search, kernel, other_kernel)
        ):
            return True
    return False


def alike(search: Search, xs: list[Term], ys: list[Term]) -> bool:
    """Whether terms are equal, one by one."""
    return all(equal(search, x, y) for x, y in zip(xs, ys, strict=True))


def equal(search: Search, x: Term, y: Term, fuel: int = CASES) -> bool:
    """Whether two terms are shown to be equal, if need be by the values of their conditions."""
    for way in search.ways.values():
        way.steps = 0
    try:
        if isinstance(search.equal(x, y), Theorem):
            return True
    except (GaveUp, RuleError):
        pass
    conditions = sorted(booleans(x) | booleans(y), key=order)
    if not conditions or not fuel:
        return False
    m = conditions[0]
    return all(
        equal(search, subst(x, {m: v}), subst(y, {m: v}), fuel - 1) for v in (num(0), num(1))
    )


def parts(block: Block) -> tuple[list[Term], list[Term], list[Term]]:
    """The weights of a group among themselves, and its condition and p where it has weight; q; k.

    Kernels that are equal wherever they count make equal q.
    """
    anchors, a, nbs, m, w, p, k = block
    first = a * w * inv(total(anchors, a * w))
    a = a * w
    q = k * inv(total(nbs, m * k))
    pair, shares, kernels = (list(at_elements(a * (m * t), nbs)) for t in (p, q, k))
    return [first, *at_elements(a * m, nbs), *pair], shares, kernels


def at_elements(t: Term, vs: tuple[Term, ...]) -> Iterator[Term]:
    """A term at every element of enumerated sets that its variables range over."""
    over = next((v for v in vs if size(v)), None)
    if over is None:
        yield t
        return
    for e in domain(over)[1]:
        here = subst(t, {over: mk("el", (e, domain(over)))})
        yield from at_elements(here, tuple(v for v in vs if v is not over))


def renamings(
    old: tuple[Term, ...], new: tuple[Term, ...], anchors: int
) -> Iterator[dict[Term, Term]]:
    """Ways to call variables, and the elements of enumerated sets, of one group as in another."""
    if len(old) != len(new):
        return
    for called in permutations(new):
        if {*called[:anchors]} != {*new[:anchors]}:
            continue
        pairs = list(zip(old, called, strict=True))
        if any(size(v) != size(w) or (not size(v) and domain(v) != domain(w)) for v, w in pairs):
            continue  # elements of enumerated sets may have other names
        choices = [list(elements(v, w)) for v, w in pairs]
        for chosen in product(*choices):
            yield {k: x for part in chosen for k, x in part.items()}


def size(v: Term) -> int:
    """The number of elements of an enumerated set, 0 for another one."""
    d = domain(v)
    return 0 if isinstance(d, str) else len(d[1])


def elements(v: Term, w: Term) -> Iterator[dict[Term, Term]]:
    """A variable for another; of enumerated sets that differ, their elements in every order."""
    d, e = domain(v), domain(w)
    if isinstance(d, str) or isinstance(e, str):
        yield {v: w}
        return
    for called in permutations(e[1]):
        yield {v: w} | {
            mk("el", (x, d)): mk("el", (y, e)) for x, y in zip(d[1], called, strict=True)
        }


def subst_block(block: Block, names: dict[Term, Term]) -> Block:
    """A group with variables renamed."""
    if not names:
        return block
    anchors, a, nbs, m, w, p, k = block

    def put(t: Term) -> Term:
        return retyped(t, names)

    new = tuple(tuple(names[v] for v in vs) for vs in (anchors, nbs))
    return (new[0], put(a), new[1], put(m), put(w), put(p), put(k))


def retyped(t: Term, names: dict[Term, Term]) -> Term:
    """A term with variables replaced by those of other sets: built anew, since a set is a type."""
    if t in names:
        return names[t]
    if not t.args:
        return t
    args = [retyped(a, names) for a in t.args]
    return mk(t.op, t.data, *args)


def changed(mutant: Mutant) -> Line:
    """What becomes of a formula with an error: accepted, wrong, none or refused."""
    method = mutant.method
    doc = dict(read_toml(method.text, method.path))
    for part in ("p", "q", "icon", "claim", "proof"):
        doc.pop(part, None)
    doc["published"] = {"formula": to_text(method.published)}
    start = time.process_time()
    try:
        found = recognise(document(doc), method.id, reasons=False)
    except InputError as error:  # the error left nothing that is a formula, or nothing to learn
        return Line(method.id, mutant.kind, "refused", time.process_time() - start, str(error)[:90])
    seconds = time.process_time() - start
    if not isinstance(found, Recognised):
        return Line(method.id, mutant.kind, "none", seconds)
    claim = problem(found.method) if found.text else found.found.problem
    witness = balls.refute_value(claim, FRESH, FRESH_SEED)
    outcome = "accepted" if witness is None else "wrong"
    return Line(method.id, mutant.kind, outcome, seconds, mutant.change)


def errors(n: int, seed: int, jobs: int) -> None:
    """Print what became of planted errors, by the kind of error."""
    some = [m for m in catalog_methods() if m.claim.relation in REDUCES and m.published_text]
    made = [m for m in mutants(12 * n, seed, some) if m.where == "published"][:n]
    lines = each(changed, made, jobs)
    for x in lines:
        if x.outcome == "wrong":
            print(f"{x.id:32} {x.relation:16} {x.outcome:8} {x.detail}")
    counts = Counter(x.outcome for x in lines)
    print(f"{len(lines)} errors:", ", ".join(f"{n} {k}" for k, n in sorted(counts.items())))
    seconds = [x.seconds for x in lines]
    print(f"seconds: median {statistics.median(seconds):.2f}, most {max(seconds):.2f}")


def table(lines: list[Line]) -> str:
    """The counts by relation."""
    counts = Counter((x.relation, x.outcome) for x in lines)
    rows = [f"{relation:16} {outcome:8} {n:4}" for (relation, outcome), n in sorted(counts.items())]
    reducing = [x for x in lines if x.relation in REDUCES]
    found = sum(x.outcome == "own" for x in reducing)
    proved = sum(x.outcome in ("own", "other") for x in reducing)
    rest = [x for x in lines if x.relation not in REDUCES]
    seen = sum(x.outcome == "witness" for x in rest)
    seconds = [x.seconds for x in lines]
    return "\n".join([
        *rows, "",
        f"reduce: {len(reducing)}, own pair {found}, a proved pair {proved}",
        f"do not: {len(rest)}, witness {seen}",
        f"seconds: median {statistics.median(seconds):.2f}, most {max(seconds):.2f}",
    ])  # fmt: skip


def main() -> None:
    """Print what became of each entry that did not go as hoped, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--relations", default=",".join((*REDUCES, "does-not-reduce", "limit")))
    parser.add_argument("--errors", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.errors:
        errors(given.errors, given.seed, given.jobs)
        return
    wanted = given.relations.split(",")
    ids = given.ids or [m.id for m in catalog_methods() if m.claim.relation in wanted]
    lines = each(line, ids, given.jobs)
    for x in lines:
        if x.outcome != ("own" if x.relation in REDUCES else "witness"):
            print(f"{x.id:32} {x.relation:16} {x.outcome:8} {x.seconds:6.2f}  {x.detail[:90]}")
    print(table(lines))


if __name__ == "__main__":
    main()
