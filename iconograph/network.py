"""The graph of methods with the verdicts on its claimed edges."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import registry
from catalog.edges import Claimed, claimed_edges
from catalog.graph import Edge, Graph, build, claimed_edge
from catalog.ties import entry_edges
from iconograph.find import catalog_methods
from iconograph.workers import sheltered

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
    if not prove or min(jobs, len(edges)) < 2:
        found = []
        for edge in edges:
            found.append(judge_one(edge, prove))
            step()
    else:
        # spawned, not forked: a pool has threads, and a fork would copy the locks they hold
        with ProcessPoolExecutor(
            jobs, mp_context=get_context("spawn"), initializer=leave_interrupts
        ) as pool:
            try:
                with sheltered():
                    futures = [pool.submit(judge_one, edge, prove) for edge in edges]
                for future in futures:
                    future.add_done_callback(lambda _: step())
                found = [future.result() for future in futures]
            except BaseException:
                for child in active_children():
                    child.terminate()
                raise
    return [(with_verdict(claimed_edge(e), v), v) for e, v in zip(edges, found, strict=True)]


def judge_one(edge: Claimed, prove: bool = True) -> EdgeVerdict:
    """The verdict on one edge. Raises InputError."""
    from derive.relations import judge as derive_judge

    return derive_judge(edge, registry.load, prove=prove)


def leave_interrupts() -> None:
    """In a worker: an interrupt is for the process that the user started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def with_verdict(edge: Edge, verdict: EdgeVerdict) -> Edge:
    """A claimed edge as its verdict shows it."""
    return replace(
        edge, status=verdict.outcome, detail=verdict.why, theorem=verdict.theorem,
        hypotheses=verdict.hypotheses, beyond=verdict.beyond, freed=verdict.freed,
        certificate=verdict.hash,
    )  # fmt: skip
