"""Edges that follow from what entries say: limits, contradictions, and losses that are one.

An entry states a formula and a pair. The formula of a limit is what its pair tends to, so whatever
has that formula is a limit of the entry, and the entry one of whatever is the loss of that pair.
A false statement contradicts the entry that proves another pair for its formula, and those that
its `holds` names, as long as the two share a formula, or p and q. All is compared free of names.

The edges name the entry whose verdict proves them; `untied` says what is missing from an edge that
somebody wrote by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from catalog.edges import ONE_TEXT, ZERO_TEXT, Claimed
from catalog.errors import Place
from catalog.likeness import Form, Likeness, Numbers, likeness, numbered
from catalog.params import Text
from catalog.spec import Method

LIMITS = ("limit", "expansion")
DENIED = ("does-not-reduce", "false-as-stated")
LOSSES = ("exact", "coarse", "reverse", "generalised", "definition")
"""The relations by which a published loss is that of its pair, up to scale and constant."""


@dataclass(frozen=True)
class Said:
    """What an entry says, free of names: its published formula and its pair, None without one."""

    relation: str
    loss: Form | None
    pair: Likeness | None


def said(method: Method) -> Said:
    """What an entry says; a definition publishes nothing of its own."""
    if id(method) not in _SAID:
        loss = None
        if method.published_text:
            loss = numbered(method.published, {}, Numbers({}, {}))
        _SAID[id(method)] = (method, Said(method.claim.relation, loss, likeness(method)))
    return _SAID[id(method)][1]


_SAID: dict[int, tuple[Method, Said]] = {}  # with the method, so that its id stays taken


def one_loss(a: Said, b: Said) -> bool:
    """Whether two entries print one formula."""
    return a.loss is not None and a.loss == b.loss


def one_pair(a: Said, b: Said) -> bool:
    """Whether two entries state one pair."""
    return a.pair is not None and a.pair == b.pair


def share(a: Said, b: Said) -> bool:
    """Whether two entries speak of one formula, or of one p and one q."""
    if a.pair is None or b.pair is None:
        return one_loss(a, b)
    return one_loss(a, b) or (a.pair.p, a.pair.q) == (b.pair.p, b.pair.q)


def untied(
    kind: str, source: Method, target: Method, proof: Method, *, shown: bool = False
) -> str:
    """Why the verdict on `proof` says nothing of an edge of this kind, "" where it proves it.

    The source of a limit is the entry that states it, for its pair, or one whose published loss is
    that of this pair: by likeness, or `shown` by an equation.
    """
    a, b, by = said(source), said(target), said(proof)
    if kind == "limit":
        if by.relation not in LIMITS:
            return f"{proof.id} states no limit"
        if source.id == target.id:
            return "nothing is a limit of itself"
        if not shown and proof.id != source.id and not (a.relation in LOSSES and one_pair(a, by)):
            return f"{source.id} is not the loss of the pair of {proof.id}"
        if proof.id != target.id and not one_loss(b, by):
            return f"{target.id} does not print the formula of {proof.id}"
        return ""
    if kind == "contradicts":
        if proof.id != source.id or by.relation != "false-as-stated":
            return f"{source.id} is no false statement that its own verdict refutes"
        if b.relation in DENIED:
            return f"{target.id} proves no pair"
        if not share(a, b):
            return f"{source.id} and {target.id} share neither a formula nor p and q"
        return ""
    return f"no verdict on an entry proves an edge of kind {kind!r}"


def entry_edges(methods: Iterable[Method]) -> Iterator[Claimed]:
    """The limits and contradictions that follow from `methods`, each with the entry to verify."""
    entries = {m.id: m for m in methods}
    found = {name: said(m) for name, m in entries.items()}
    losses: dict[Hashable, list[str]] = defaultdict(list)
    pairs: dict[Hashable, list[str]] = defaultdict(list)
    for name, one in found.items():
        losses[one.loss].append(name)
        pairs[pair_key(one)].append(name)
    for name, one in found.items():
        if one.relation in LIMITS:
            ends = [(name, b) for b in losses[one.loss] if one.loss is not None]
            ends += [(a, name) for a in pairs[pair_key(one)] if one.pair is not None]
            ends = [e for e in ends if all(found[x].relation != "false-as-stated" for x in e)]
            why = "The entry proves the bounds and their rate."
        elif one.relation == "false-as-stated":
            erratum = entries[name].erratum
            held = [b for b in (erratum.holds if erratum else ()) if b in entries]
            ends = [(name, b) for b in dict.fromkeys([*held, *losses[one.loss]])]
            why = entries[name].claim.correction
        else:
            continue
        kind = "limit" if one.relation in LIMITS else "contradicts"
        for a, b in ends:
            if a != b and not untied(kind, entries[a], entries[b], entries[name]):
                yield by_entry(a, b, kind, entries[name], why)


def pair_key(one: Said) -> Hashable:
    """What two entries with one pair have in common."""
    return one.pair and (one.pair.p, one.pair.q, one.pair.setting)


def by_entry(source: str, target: str, kind: str, proof: Method, why: str) -> Claimed:
    """An edge that the verdict on an entry proves."""
    name = f"{source}-{kind}-{target}"
    at = Text(name, Place.of(name, proof.path))
    return Claimed(
        name=name, source=source, target=target, kind=kind, why=why, path=proof.path,
        scale=ONE_TEXT, constant=ZERO_TEXT, at=at, proof=proof.id,
        tends=tends(proof) if kind == "limit" else "",
    )  # fmt: skip


def tends(entry: Method) -> str:
    """What goes where in the limit that an entry states."""
    return f"{entry.claim.parameter} -> {entry.claim.to}" if entry.claim.parameter else ""
