"""Claimed relations between methods: the files of `relations/`, one per family of edges.

    [no-smoothing]                       # the name of the edge
    from = "label-smoothing"             # A
    to = "cross-entropy"                 # B
    kind = "special-case"                # published_A[put] = scale * published_B + constant
    why = "with nothing spread, the target is the label"
    scale = "1"
    constant = "0"
    [no-smoothing.put]                   # symbols of A in the words of B
    z = "x"
    epsilon = "0"
    [no-smoothing.sets]                  # sets of A; default: the set of that name
    n = "n"
    [no-smoothing.add.given]             # words that B lacks; also learned, sets and assumes

A symbol or set of A that is not mentioned is the one of that name in B. Other kinds state a theorem
about A and B (catalog.stated), or name the entry whose verdict proves them (catalog.ties). A limit
may say in the same words, those of this entry, how A is the loss of its pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from catalog.errors import InputError, Place, did_you_mean
from catalog.files import read_text, read_toml
from catalog.load import Reader
from catalog.locate import spot_place
from catalog.params import Text

EQUATIONS = ("special-case", "equal-up-to")
"""The kinds that state an equation of two published formulas, which is then proved."""

THEOREMS = ("bound", "coarse-graining", "used-in-the-proof-of")
"""The kinds that state a theorem about the two entries (catalog.stated)."""

NAMED = ("limit", "contradicts")
"""The kinds that name the entry whose verdict proves them (catalog.ties)."""

KINDS = (*EQUATIONS, *THEOREMS, *NAMED)
ONLY = {"statement": "used-in-the-proof-of", "line": "used-in-the-proof-of",
        "merge": "coarse-graining", "fine": "coarse-graining",
        "letters": "used-in-the-proof-of"}  # fmt: skip

KEYS: Mapping[str, type | tuple[type, ...]] = {
    "from": str, "to": str, "kind": str, "why": str, "proof": str,
    "scale": (str, int), "constant": (str, int), "put": dict, "sets": dict, "add": dict,
    "steps": dict, "statement": str, "line": str, "merge": str, "fine": str, "letters": str,
}  # fmt: skip
ADD = ("sets", "learned", "given", "assumes")


ONE_TEXT, ZERO_TEXT = (Text(t, Place.of(t)) for t in "10")


@dataclass(frozen=True)
class Claimed:
    """One edge as its file states it; texts carry the place that an error points at.

    `tends` says of a limit what goes where, as its entry does: `tau -> 0`.
    """

    name: str
    source: str
    target: str
    kind: str
    why: str
    path: str
    scale: Text
    constant: Text
    at: Text
    proof: str = ""
    put: Mapping[str, tuple[Text, Text]] = field(default_factory=dict)
    sets: Mapping[str, Text] = field(default_factory=dict)
    add: Mapping[str, Mapping[str, tuple[Text, Text]]] = field(default_factory=dict)
    steps: Mapping[str, tuple[Text, Text]] = field(default_factory=dict)
    statement: Text = ZERO_TEXT
    line: Text = ZERO_TEXT
    merge: Text = ZERO_TEXT
    fine: tuple[str, ...] = ()
    at_letters: tuple[str, ...] = ()
    tends: str = ""

    @property
    def states_theorem(self) -> bool:
        """Whether the edge is a theorem about two entries."""
        return self.kind in THEOREMS

    @property
    def states_equation(self) -> bool:
        """Whether the edge is an equation of two formulas."""
        return self.kind in EQUATIONS

    @property
    def states_source(self) -> bool:
        """Whether a limit says by an equation how its source is the loss of a pair."""
        affine = (self.scale.text.strip(), self.constant.text.strip()) != ("1", "0")
        return self.kind == "limit" and bool(self.put or self.sets or self.add or affine)

    @property
    def parameter(self) -> str:
        """The substitution in a line: `epsilon := 0, z := x`; what keeps its name is left out."""
        put = (f"{head} := {text.text}" for head, (_, text) in self.put.items())
        sets = (f"{name} := {text.text}" for name, text in self.sets.items() if name != text.text)
        return ", ".join([*put, *sets])

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the edge assumes besides the hypotheses of `target`, in words."""
        return tuple(self.add.get("assumes", {}))


def relations_dir() -> Path:
    """The folder of the catalog's own relations."""
    return Path(__file__).with_name("relations")


def claimed_edges(place: Path | None = None) -> tuple[Claimed, ...]:
    """The edges of a file, or of every file of a folder, by name. Raises InputError."""
    place = place or relations_dir()
    paths = sorted(place.glob("*.toml")) if place.is_dir() else [place]
    found: dict[str, Claimed] = {}
    for path in paths:
        for edge in read_edges(read_text(path), str(path)):
            if edge.name in found:
                raise edge.at.error(f"the edge {edge.name!r} stands in {found[edge.name].path} too")
            found[edge.name] = edge
    return tuple(found[name] for name in sorted(found))


def read_edges(text: str, path: str = "<text>") -> Iterator[Claimed]:
    """The edges that a TOML text states. Raises InputError."""
    doc = read_toml(text, path)
    reader = Reader(doc, path, text.replace("\r\n", "\n"))
    for name, table in doc.items():
        if not isinstance(table, dict):
            raise reader.key(name).error(f"{name!r} is no table", "an edge is a table [name]")
        yield _edge(name, table, reader)


def _edge(name: str, table: dict[str, Any], reader: Reader) -> Claimed:
    at = reader.key(name)
    for key, value in table.items():
        if key not in KEYS:
            hint = did_you_mean(key, KEYS) or f"known: {', '.join(KEYS)}"
            raise reader.key(name, key).error(f"unknown key {key!r} in [{name}]", hint)
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            wanted = "a table" if KEYS[key] is dict else "a text"
            raise reader.key(name, key).error(f"{key} must be {wanted}")
    for key in ("from", "to", "kind", "why"):
        if not table.get(key):
            raise at.error(f"[{name}] needs {key}", "see catalog/edges.py")
    kind = table["kind"]
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or ", ".join(KINDS)
        raise reader.text(kind, name, "kind").error(f"unknown kind {kind!r}", hint)
    equation = ("put", "sets", "add", "scale", "constant")
    words = ("steps",) if kind == "limit" else (*equation, "steps")
    for key in words if kind in NAMED else ("proof",):
        if key in table:
            raise reader.key(name, key).error(
                f"an edge of kind {kind!r} has no {key}",
                f"the verdict on an entry proves {' and '.join(NAMED)}, by `proof`",
            )
    for key in ("proof",) if kind in NAMED else [
        k for k in ONLY if ONLY[k] == kind and k != "letters"
    ]:
        if not table.get(key):
            raise at.error(f"[{name}] needs {key}", "see docs/relations.md")
    for key, only in ONLY.items():
        if key in table and kind != only:
            raise reader.key(name, key).error(f"an edge of kind {kind!r} has no {key}")
    return Claimed(
        name=name, source=table["from"], target=table["to"], kind=kind, path=reader.path, at=at,
        why=" ".join(table["why"].split()), proof=table.get("proof", ""),
        scale=placed(reader, table.get("scale", "1"), name, "scale"),
        constant=placed(reader, table.get("constant", "0"), name, "constant"),
        put=_texts(reader, table.get("put", {}), name, "put"),
        sets={k: v for k, (_, v) in _texts(reader, table.get("sets", {}), name, "sets").items()},
        add=_added(reader, table.get("add", {}), name),
        steps=_texts(reader, table.get("steps", {}), name, "steps"),
        fine=words_of(table, "fine"), at_letters=words_of(table, "letters"),
        **{k: placed(reader, table[k], name, k) for k in ("statement", "line", "merge")
           if k in table},  # type: ignore[arg-type]
    )  # fmt: skip


def words_of(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The letters that a key lists."""
    return tuple(str(table.get(key, "")).replace(",", " ").split())


def _added(
    reader: Reader, tables: dict[str, Any], name: str
) -> dict[str, Mapping[str, tuple[Text, Text]]]:
    for key, value in tables.items():
        if key not in ADD:
            hint = did_you_mean(key, ADD) or f"known: {', '.join(ADD)}"
            where = placed(reader, key, name, "add", key)
            raise where.error(f"unknown key {key!r} in add", hint)
        if not isinstance(value, dict):
            raise placed(reader, key, name, "add", key).error(f"{key} must be a table")
    return {key: _texts(reader, value, name, "add", key) for key, value in tables.items()}


def _texts(reader: Reader, table: dict[str, Any], *keys: str) -> dict[str, tuple[Text, Text]]:
    found = {}
    for key, value in table.items():
        inline = (*keys, key) not in reader.spots
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise placed(reader, key, *keys, key).error(f"{key} must be a text")
        text = placed(reader, value, *keys, key)
        found[key] = (replace(text, text=key) if inline else reader.key(*keys, key), text)
    return found


def placed(reader: Reader, value: object, *keys: str) -> Text:
    """The text of a value where it stands; inside an inline table, where that table is named."""
    if keys in reader.spots:
        return reader.text(value, *keys)
    near = next(reader.spots[keys[:k]] for k in range(len(keys), 0, -1) if keys[:k] in reader.spots)
    return Text(str(value), spot_place(reader.source, near.key, reader.path, len(str(value))))


__all__ = [
    "EQUATIONS", "NAMED", "THEOREMS", "Claimed", "InputError", "claimed_edges", "read_edges",
    "relations_dir",
]  # fmt: skip
