"""What the search of every page looks up: a file that is read when somebody begins to search."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.divergences import DIVERGENCES
from catalog.implementations import implementations
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.spec import Method
from catalog.works import work_of
from codegen.site import addresses
from codegen.site.pages import File
from iconograph.browse.net import net
from iconograph.browse.world import World
from iconograph.implementations import relation_text

DATA = "search-index.js"


@dataclass(frozen=True)
class Item:
    """Something that can be found: what it is, its names, where it is, and the values of facets.

    The first of `names` is shown; `words` are looked up besides.
    """

    type: str
    names: tuple[str, ...]
    address: str
    words: tuple[str, ...] = ()
    note: str = ""
    sign: str = ""
    facets: tuple[tuple[str, str], ...] = ()


def pages(world: World) -> Iterable[File]:
    """The index."""
    yield File(DATA, script(tuple(items(world))))


def items(world: World) -> Iterator[Item]:
    """Everything that can be found."""
    for m in world.methods.values():
        yield entry(world, m)
    used = {part: {getattr(n, part) for n in world.graph.nodes} for part in ("p", "q")}
    for part, kernels in (("p", P_KERNELS), ("q", Q_KERNELS)):
        for name in sorted(used[part] - {""}):
            kernel = kernels.get(name)
            title = str(getattr(kernel, "title", name))
            yield Item(f"kernel {part}", distinct(title, name), addresses.kernel(part, name),
                       note=str(getattr(kernel, "doc", "")))  # fmt: skip
    for name in sorted({m.icon.divergence for m in world.methods.values() if m.icon.blocks}):
        title = f"{DIVERGENCES[name].title} divergence"
        yield Item("divergence", distinct(title, name), addresses.kernel("d", name))
    for item in implementations():
        if item.against in world.methods:
            names = (f"{item.library} {item.function.rpartition('.')[2]}", item.function)
            yield Item("implementation", names, addresses.implementation(item.id), (item.against,),
                       f"{item.against}: {relation_text(item)}")  # fmt: skip
    for node in net(world).nodes.values():
        if node.type in ("rule", "gap"):
            yield Item(node.id.partition(":")[0], (node.name,), node.address,
                       (node.name.replace("_", " "),))  # fmt: skip


def entry(world: World, m: Method) -> Item:
    """An entry, found by its names, its authors, and the symbols that a library has for it."""
    brief, icon = world.briefs[m.id], m.icon
    facets = [("field", m.field), ("verdict", brief.badge.kind)]
    if icon.blocks:
        facets += [("p", icon.p.name), ("q", icon.q.name)]
    return Item(
        "entry", distinct(m.name, m.id, *m.aliases), addresses.method(m.id), authors(m),
        f"{m.year}, {m.field}", brief.badge.sign, tuple(facets),
    )  # fmt: skip


def distinct(*names: str) -> tuple[str, ...]:
    """Names, each once, in order."""
    return tuple(dict.fromkeys(names))


def authors(m: Method) -> tuple[str, ...]:
    """The family names of the authors of what an entry cites, () where nothing is known.

    >>> from catalog import registry
    >>> authors(registry.load("supcon"))[:2]
    ('Khosla', 'Teterwak')
    """
    found = work_of(m.cite)
    return found.authors if found else ()


def script(found: tuple[Item, ...]) -> bytes:
    """The index as one call: a row for everything."""
    rows = [[i.type, i.names, i.address, i.words, i.note, i.sign, dict(i.facets)] for i in found]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return f"iconograph.index({text});\n".encode()
