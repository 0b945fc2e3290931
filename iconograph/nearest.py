"""The losses of the catalog that are nearest to one it does not have, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog import registry
from catalog.errors import InputError
from catalog.files import read_text, read_toml
from catalog.likeness import Likeness, likeness
from catalog.spec import Method
from iconograph.kinship import ITS_OWN

MOST = 3
FIELDS = (("p", "p"), ("q", "q"), ("setting", "anchors, neighbours, weights and normalisation"))


@dataclass(frozen=True)
class Near:
    """An entry that agrees in two of p, q and their setting; `differs` says in words what does."""

    method: Method
    differs: str

    @property
    def sentence(self) -> str:
        """The entry in a sentence."""
        return f"{self.method.id}: {self.method.name}; {self.differs}"


def nearest(method: Method) -> tuple[Near, ...]:
    """At most MOST entries that differ from a loss in one of p, q and their setting.

    Entries with its q come first, then those with its p; all free of names (`catalog.likeness`).
    """
    mine = likeness(method)
    if mine is None:
        return ()
    found = [(k, other) for other in candidates(method)
             for k in [apart(mine, likeness(other))] if k is not None]  # fmt: skip
    found.sort(key=lambda item: (ORDER.index(item[0]), item[1].year, item[1].id))
    return tuple(Near(other, words(k, method, other)) for k, other in found[:MOST])


ORDER = ("setting", "p", "q")


def apart(mine: Likeness, other: Likeness | None) -> str | None:
    """The one field in which two pairs differ, None where there are more, or none."""
    if other is None:
        return None
    fields = [name for name, _ in FIELDS if getattr(mine, name) != getattr(other, name)]
    return fields[0] if len(fields) == 1 else None


def words(field: str, mine: Method, other: Method) -> str:
    """What differs, with the kernels' names where they say it."""
    if field == "setting":
        return f"the same p and q, other {dict(FIELDS)[field]}"
    one, two = (getattr(m.icon, field).name for m in (mine, other))
    same = "q" if field == "p" else "p"
    names = f"{two} there, {one} here" if one != two else f"both {one}, of other parameters"
    return f"the same {same} and setting, another {field} ({names})"


def candidates(method: Method) -> Iterator[Method]:
    """The entries that share the name of a kernel with a loss, and how it is normalised."""
    wanted = {"p": method.icon.p.name, "q": method.icon.q.name}
    for item in registry.everything().values():
        doc = read_toml(read_text(item.path), str(item.path))
        names = {part: doc.get(part, {}).get("kernel", "formula") for part in wanted}
        icon, relation = doc.get("icon", {}), doc.get("claim", {}).get("relation")
        near = any(names[part] == wanted[part] for part in wanted) and relation in ITS_OWN
        if not near or icon.get("normalise", "row") != method.icon.normalise:
            continue
        try:
            other = registry.load(item.id)
        except InputError:  # a plug-in's file that is wrong is reported where plug-ins are
            continue
        if other.id != method.id:
            yield other
