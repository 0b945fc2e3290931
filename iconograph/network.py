"""The graph of methods with the verdicts on its claimed edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import registry
from catalog.edges import Claimed, claimed_edges
from catalog.graph import Edge, Graph, build, claimed_edge
from catalog.ties import entry_edges, tends
from iconograph.find import catalog_methods
from iconograph.workers import each

if TYPE_CHECKING:
    from derive.relations import EdgeVerdict


def network(edges: Iterable[Edge] = ()) -> Graph:
    """The graph of all methods, those of plug-ins included, with the claimed edges given."""
    methods = catalog_methods()
    return build(methods, edges, {m.id: registry.origin(m) for m in methods})


def claims(relations: Path | None = None) -> tuple[Claimed, ...]:
    """The edges to be proved: of the catalog's files and entries, or of a file or folder.

    Raises InputError.
    """
    if relations is not None:
        return tuple(map(tending, claimed_edges(relations)))
    written = tuple(map(tending, claimed_edges()))
    known = {(e.source, e.target, e.kind) for e in written}
    follow = [e for e in entry_edges(catalog_methods())
              if (e.source, e.target, e.kind) not in known]  # fmt: skip
    return (*written, *sorted(follow, key=lambda e: e.name))


def tending(edge: Claimed) -> Claimed:
    """An edge of a file; one of a limit with what goes where, as the entry that proves it says."""
    known = edge.kind == "limit" and edge.proof in registry.ids()
    return replace(edge, tends=tends(registry.load(edge.proof))) if known else edge


def judge(
    edges: Iterable[Claimed],
    *,
    prove: bool = True,
    jobs: int = 1,
    step: Callable[[], object] = lambda: None,
    certificates: Path | None = None,
) -> list[tuple[Edge, EdgeVerdict]]:
    """The edges with what is known of them, in order; `step` is called after each of `batches`.

    `certificates` is a folder that `iconograph verify --certificates` wrote: a verdict on an entry
    is then a replay of its proof.

    Raises:
        InputError: a method of an edge is not there, its substitution does not fit, or a
            certificate does not hold.
    """
    edges = list(edges)
    parts = batches(edges)
    work = partial(judge_batch, prove=prove, certificates=certificates)
    # an edge that is not proved is judged at once, and needs no other process
    done = each(work, parts, jobs if prove else 1, step)
    # by identity: two entries may each prove an edge of one name
    found = {id(e): v for part, said in zip(parts, done, strict=True)
             for e, v in zip(part, said, strict=True)}  # fmt: skip
    return [(with_verdict(claimed_edge(e), found[id(e)]), found[id(e)]) for e in edges]


def batches(edges: Iterable[Claimed]) -> list[list[Claimed]]:
    """The edges by the entry whose verdict proves them, which one process verifies once.

    Those come first, as they take longest; an edge with a proof of its own is a batch of its own.
    """
    found: dict[str, list[Claimed]] = {}
    for edge in edges:
        found.setdefault(edge.proof or f" {edge.name}", []).append(edge)
    ranks = ("limit", "contradicts", "bound")
    return sorted(found.values(), key=lambda b: (*(b[0].kind != k for k in ranks), b[0].name))


def judge_batch(
    edges: list[Claimed], prove: bool = True, certificates: Path | None = None
) -> list[EdgeVerdict]:
    """The verdicts on some edges. Raises InputError."""
    from derive.relations import judge as derive_judge

    return [
        derive_judge(e, registry.load, prove=prove, certificates=certificates) for e in edges
    ]


def with_verdict(edge: Edge, verdict: EdgeVerdict) -> Edge:
    """A claimed edge as its verdict shows it."""
    return replace(
        edge, status=verdict.outcome, detail=verdict.why, theorem=verdict.theorem,
        hypotheses=verdict.hypotheses, beyond=verdict.beyond, freed=verdict.freed,
        certificate=verdict.hash,
    )  # fmt: skip
