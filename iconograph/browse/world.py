"""Everything that the pages are made of, read and judged once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from catalog import registry
from catalog.errors import InputError
from catalog.graph import Edge, Graph
from catalog.periodic import Table, periodic_table
from catalog.spec import Method
from codegen.site.pages import LABEL, Badge, Brief
from iconograph.browse import cache
from iconograph.browse.entries import Entry, entry
from iconograph.browse.restore import restored
from iconograph.console import progress
from iconograph.find import catalog_methods
from iconograph.grid import MARKS
from iconograph.network import batches, claims, judge, network
from iconograph.workers import each


@dataclass(frozen=True)
class World:
    """The catalog with its verdicts; everything by id, sorted.

    `entries` are what `entries.py` found out, `briefs` how other pages name an entry, `origins` the
    plug-ins that entries come from, `graph` all edges with their verdicts, `table` the periodic
    table. Where the site shows a part of the catalog only, nothing of the rest is in here.
    """

    methods: Mapping[str, Method]
    entries: Mapping[str, Entry]
    briefs: Mapping[str, Brief]
    origins: Mapping[str, str]
    graph: Graph
    table: Table


def world(only: Iterable[str] = (), jobs: int = 1) -> World:
    """The catalog, or the entries `only`, judged by `jobs` processes.

    Raises InputError where an id is unknown, or the claim of an entry cannot be judged.
    """
    everything = catalog_methods()
    wanted = {registry.entry(name).id for name in only}
    methods = {m.id: m for m in everything if not wanted or m.id in wanted}
    catalog = cache.digest(m.text for m in everything)
    entries = judged(list(methods.values()), catalog, jobs)
    origins = {m.id: registry.origin(m) for m in methods.values()}
    edges = [e for e in related(catalog, entries, jobs, part=bool(wanted)) if both(e, methods)]
    whole = network(edges)
    graph = Graph(
        tuple(n for n in whole.nodes if n.id in methods),
        tuple(e for e in whole.edges if both(e, methods)),
    )
    named = briefs(methods.values(), entries, origins)
    return World(methods, entries, named, origins, graph, periodic_table(methods.values()))


def both(edge: Edge, methods: Mapping[str, Method]) -> bool:
    """Whether both ends of an edge are among `methods`."""
    return edge.source in methods and edge.target in methods


def judged(methods: list[Method], catalog: str, jobs: int) -> dict[str, Entry]:
    """The entries by id: those that are kept from before, and the others found out now."""
    # what is known of a new loss speaks of other entries
    keys = {
        m.id: cache.key("entry", m.text, catalog if m.claim.relation == "definition" else "")
        for m in methods
    }
    found: dict[str, Entry] = {}
    for m in methods:
        if (data := cache.read(keys[m.id])) is not None:
            found[m.id] = restored(Entry, data)
    missing = [m for m in methods if m.id not in found]
    with progress(len(missing), "browse") as step:
        for m, new in zip(missing, each(attempt, missing, jobs, step), strict=True):
            if isinstance(new, InputError):
                raise new
            cache.write(keys[m.id], asdict(new))
            found[m.id] = new
    return {m.id: found[m.id] for m in methods}


def attempt(method: Method) -> Entry | InputError:
    """An entry, or what is wrong with its claim: an error that crosses between processes."""
    try:
        return entry(method)
    except InputError as error:
        return error


def related(
    catalog: str, entries: Mapping[str, Entry], jobs: int, *, part: bool
) -> list[Edge]:
    """The claimed edges with their verdicts; of a `part` of the catalog nothing is proved anew."""
    claimed = list(claims())
    name = cache.key("edges", catalog, repr(claimed))
    if (data := cache.read(name)) is not None:
        return [restored(Edge, e) for e in data]
    if part:
        return [edge for edge, _ in judge(claimed, prove=False)]
    with (
        TemporaryDirectory(prefix="iconograph-") as proofs,
        progress(len(batches(claimed)), "relations") as step,
    ):
        folder = Path(proofs)  # an edge that an entry proves is a replay of that proof
        for known in entries.values():
            if known.row.certificate:
                (folder / f"{known.row.id}.json").write_text(known.row.certificate)
        edges = [edge for edge, _ in judge(claimed, jobs=jobs, step=step, certificates=folder)]
    cache.write(name, [asdict(e) for e in edges])
    return edges


# ---------------------------------------------------------------------- how entries are named


def briefs(
    methods: Iterable[Method], entries: Mapping[str, Entry], origins: Mapping[str, str]
) -> dict[str, Brief]:
    """All entries as other pages name them, by id; no two have one label.

    Of names that begin alike, the entry that has this beginning as its id keeps it, and the others
    go by their ids.
    """
    methods = list(methods)
    heads = Counter(map(label, methods))
    found = {}
    for m in methods:
        own = label(m)
        if heads[own] > 1 and slug(own) != m.id:
            own = m.id
        found[m.id] = replace(brief(m, entries[m.id], origins[m.id]), label=own)
    return found


def brief(method: Method, known: Entry, origin: str) -> Brief:
    """An entry as other pages name it."""
    return Brief(
        method.id, method.name, label(method), method.year, method.field, badge(known),
        origin, method.aliases,
    )  # fmt: skip


def label(method: Method) -> str:
    """What a name begins with, `DINO, self-distillation with no labels`; the id if that is long."""
    head = method.name.partition(",")[0].strip()
    return head if 0 < len(head) <= LABEL else method.id


def slug(name: str) -> str:
    """A name as an id would have it.

    >>> slug("Doubly t-SNE")
    'doubly-t-sne'
    """
    return "-".join(re.findall(r"[a-z0-9]+", name.casefold()))


def badge(known: Entry) -> Badge:
    """The verdict as a sign and in words."""
    r = known.row
    if r.outcome == "unknown":
        return Badge("unknown", "?", "undecided", "undecided")
    if not r.ok:
        return Badge("wrong", "!", f"{r.outcome}, but claimed {r.claimed}", "not as claimed")
    if r.outcome == "refuted":
        return Badge("refuted", "✗", f"{WORDS[r.claimed]}: shown by a witness", "refuted")
    sign = MARKS.get(r.claimed, ("✓", ""))[0]
    words = f"{WORDS[r.claimed]}: proved for every N"
    if r.vacuous:
        return Badge("vacuous", sign, f"{words}, but vacuous: {r.vacuous}", "proved, vacuous")
    return Badge("proved", sign, words, "proved")


WORDS: Mapping[str, str] = {
    "exact": "the published loss is its pair", "reverse": "the pair with KL(q || p)",
    "limit": "a limit of its pair", "bound": "a bound of its pair",
    "expansion": "the beginning of an expansion of its pair",
    "coarse": "the pair with neighbours merged",
    "generalised": "the pair by another divergence", "definition": "a loss defined by its pair",
    "does-not-reduce": "not the loss of its pair", "theorem": "a theorem",
    "false-as-stated": "false as stated",
}  # fmt: skip
"""What each relation says, in a few words."""
