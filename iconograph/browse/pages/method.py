"""The page of an entry, in a fixed order: what it is, what is proved of it, its code."""

from __future__ import annotations

from collections.abc import Iterable

from codegen.site.addresses import method as address
from codegen.site.pages import Page
from iconograph.browse import formulas
from iconograph.browse.world import World


def pages(world: World) -> Iterable[Page]:
    """A page for every entry."""
    for m in world.methods.values():
        known = world.entries[m.id]
        content = {
            "method": m, "brief": world.briefs[m.id], "known": known,
            "published": formulas.published(m), "pair": formulas.pair(m),
            "claim": formulas.claim(m),
        }  # fmt: skip
        yield Page(address(m.id), "method.html.jinja", m.name, content, m.summary)
