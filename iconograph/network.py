"""The graph of methods with the verdicts on its claimed edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import registry
from catalog.edges import Claimed, claimed_edges
from catalog.graph import Edge, Graph, build, claimed_edge
from iconograph.find import catalog_methods

if TYPE_CHECKING:
    from derive.relations import EdgeVerdict


def network(edges: Iterable[Edge] = ()) -> Graph:
    """The graph of all methods, those of plug-ins included, with the claimed edges given."""
    methods = catalog_methods()
    return build(methods, edges, {m.id: registry.origin(m) for m in methods})


def claims(relations: Path | None = None) -> tuple[Claimed, ...]:
    """The claimed edges of the catalog, or of a file or folder of your own. Raises InputError."""
    return claimed_edges(relations)


def judge(
    edges: Iterable[Claimed], *, prove: bool = True, step: Callable[[], object] = lambda: None
) -> list[tuple[Edge, EdgeVerdict]]:
    """The edges with what is known of them; `step` is called after each. Raises InputError."""
    from derive.relations import judge as derive_judge

    found = []
    for edge in edges:
        verdict = derive_judge(edge, registry.load, prove=prove)
        found.append((with_verdict(claimed_edge(edge), verdict), verdict))
        step()
    return found


def with_verdict(edge: Edge, verdict: EdgeVerdict) -> Edge:
    """A claimed edge as its verdict shows it."""
    return replace(
        edge, status=verdict.outcome, detail=verdict.why, theorem=verdict.theorem,
        hypotheses=verdict.hypotheses, beyond=verdict.beyond, freed=verdict.freed,
        certificate=verdict.hash,
    )  # fmt: skip
