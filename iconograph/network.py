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
from catalog.ties import entry_edges
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
        return claimed_edges(relations)
    written = claimed_edges()
    known = {(e.source, e.target, e.kind) for e in written}
    follow = [e for e in entry_edges(catalog_methods())
              if (e.source, e.target, e.kind) not in known]  # fmt: skip
    return (*written, *sorted(follow, key=lambda e: e.name))


def judge(
    edges: Iterable[Claimed],
    *,
    prove: bool = True,
    jobs: int = 1,
    step: Callable[[], object] = lambda: None,
) -> list[tuple[Edge, EdgeVerdict]]:
    """The edges with what is known of them, in order; `step` is called after each.

    Raises:
        InputError: a method of an edge is not there, or its substitution does not fit.
    """
    edges = list(edges)
    # an edge that is not proved is judged at once, and needs no other process
    found = each(partial(judge_one, prove=prove), edges, jobs if prove else 1, step)
    return [(with_verdict(claimed_edge(e), v), v) for e, v in zip(edges, found, strict=True)]


def judge_one(edge: Claimed, prove: bool = True) -> EdgeVerdict:
    """The verdict on one edge. Raises InputError."""
    from derive.relations import judge as derive_judge

    return derive_judge(edge, registry.load, prove=prove)


def with_verdict(edge: Edge, verdict: EdgeVerdict) -> Edge:
    """A claimed edge as its verdict shows it."""
    return replace(
        edge, status=verdict.outcome, detail=verdict.why, theorem=verdict.theorem,
        hypotheses=verdict.hypotheses, beyond=verdict.beyond, freed=verdict.freed,
        certificate=verdict.hash,
    )  # fmt: skip
