"""Worlds for the tests of pages: the catalog with no verdict, and a few entries with theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from catalog.graph import build, claimed_edge
from catalog.periodic import periodic_table
from codegen.site.pages import File, Page
from codegen.site.render import render
from iconograph.browse.entries import Entry
from iconograph.browse.world import World, briefs
from iconograph.find import catalog_methods
from iconograph.network import claims
from iconograph.report import Row, row
from tests.proofs import verdict


@cache
def unproved() -> World:
    """The catalog as it would be if nothing had been tried; treat it as read-only."""
    methods = {m.id: m for m in catalog_methods()}
    entries = {
        m.id: Entry(Row(m.id, m.name, m.claim.relation, "unknown", "none", False, 0.0, "not tried",
                        (), "", ()))
        for m in methods.values()
    }  # fmt: skip
    origins = dict.fromkeys(methods, "")
    named = briefs(methods.values(), entries, origins)
    graph = build(methods.values(), map(claimed_edge, claims()))
    table = periodic_table(methods.values())
    return World(methods, entries, named, origins, graph, table)


@cache
def judged(*names: str) -> World:
    """These entries alone with their verdicts, and with programs that say nothing."""
    whole = unproved()
    methods = {name: whole.methods[name] for name in sorted(names)}
    entries = {
        name: Entry(row(m, verdict(name)), programs={"numpy": f"NAME = {name!r}\n"})
        for name, m in methods.items()
    }
    origins = dict.fromkeys(methods, "")
    named = briefs(methods.values(), entries, origins)
    edges = tuple(e for e in whole.graph.edges if {e.source, e.target} <= set(names))
    nodes = tuple(n for n in whole.graph.nodes if n.id in methods)
    table = periodic_table(methods.values())
    graph = replace(whole.graph, nodes=nodes, edges=edges)
    return World(methods, entries, named, origins, graph, table)


def rendered(made: World, pages: Iterable[Page | File]) -> dict[str, bytes]:
    """These pages and files, with the assets, and stubs of the pages that they link to."""
    found = list(pages)
    stubs = [Page(f"methods/{name}.html", "az.html.jinja", name, {"letters": ()})
             for name in made.methods]  # fmt: skip
    home = Page("index.html", "az.html.jinja", "home", {"letters": ()})
    mine = [p for p in found if isinstance(p, Page)]
    return render([*mine, *stubs, home], [f for f in found if isinstance(f, File)])
