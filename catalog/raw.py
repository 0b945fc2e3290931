"""The shape of a method file as TOML gives it; pydantic checks it here, at the edge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import did_you_mean
from catalog.spec import Normalise, Relation

Scalar = str | int | float
MAX_LINES = 200
Texts = dict[str, str]
Scalars = dict[str, Scalar]
FieldName = Literal[
    "supervised", "self-supervised", "embedding", "clustering", "language", "preference",
    "multimodal", "distillation", "theory",
]  # fmt: skip


class Raw(BaseModel):
    """Strict and closed: a key that nobody reads is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RawSet(Raw):
    """`side = { letters = "t", elements = ["image", "text"] }`."""

    letters: str = ""
    elements: Annotated[list[str], Field(max_length=MAX_LINES)] = []


class RawIcon(Raw):
    """[icon]: anchors, neighbours and how q is normalised."""

    anchors: str | None = None
    neighbours: str | None = None
    normalise: Normalise = "row"
    weights: Scalar | None = None
    divergence: str | None = None
    order: Scalar | None = None


class RawPublished(Raw):
    """[published]: the formula in the paper's own notation."""

    formula: str
    source: str = ""
    verified: bool = False
    note: str = ""


class RawClaim(Raw):
    """[claim]: how the published formula and the pair are related."""

    relation: Relation
    scale: Scalar = "1"
    constant: Scalar = "0"
    correction: str = ""
    below: Scalar | None = None
    above: Scalar | None = None
    parameter: str = ""
    to: Literal["", "0", "infinity"] = ""
    order: Annotated[int, Field(ge=0, le=9)] = 0


class RawErratum(Raw):
    """[erratum]: a false statement of the literature, and the ids of what holds instead."""

    claimed: str
    where: str
    holds: Annotated[list[str], Field(max_length=MAX_LINES)] = []


class RawMethod(Raw):
    """A whole file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    name: str
    field: FieldName
    year: Annotated[int, Field(ge=1800, le=2100)]
    cite: str
    aliases: list[str] = []
    summary: str = ""
    sets: dict[str, str | RawSet] = {"n": "i j k l m"}
    learned: Texts = {}
    given: Texts = {}
    define: Texts = {}
    assumes: Texts = {}
    icon: RawIcon = RawIcon()
    p: Scalars | None = None
    q: Scalars | None = None
    published: RawPublished | None = None
    theorem: Texts = {}
    proof: Texts = {}
    claim: RawClaim
    erratum: RawErratum | None = None
    conventions: Texts = {}


TABLES: Mapping[str, type[Raw]] = {
    "icon": RawIcon, "published": RawPublished, "claim": RawClaim, "erratum": RawErratum,
}  # fmt: skip
REQUIRED_TABLES = ("claim",)


def texts(value: Any, keys: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], str]]:
    """All strings of a document, keys included, with the keys that lead to them."""
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield (*keys, key), key
            yield from texts(inside, (*keys, key))
    elif isinstance(value, list):
        for inside in value:
            yield from texts(inside, keys)


def validate(doc: Mapping[str, Any]) -> RawMethod | tuple[tuple[str, ...], str, str]:
    """The checked document, or its first error: the keys to it, what is wrong, what to do."""
    for table, lines in doc.items():
        if isinstance(lines, dict) and len(lines) > MAX_LINES:
            return (table,), f"[{table}] has more than {MAX_LINES} lines", ""
    for keys, text in texts(doc):  # names reach terminals and programs
        if any((ord(c) < 32 and c not in "\n\t") or ord(c) in range(127, 160) for c in text):
            return keys, "a control character is in the text", "write plain text"
    try:
        return RawMethod.model_validate(doc)
    except ValidationError as error:
        found = error.errors(include_url=False)
    # a misspelt key also leaves the right one missing: name the misspelling
    first = min(found, key=lambda e: (e["type"] != "extra_forbidden", e["type"] == "missing"))
    keys = tuple(str(part) for part in first["loc"])
    return keys, *describe(
        first["type"], keys, first.get("ctx", {}), first.get("input"), first["msg"]
    )


def describe(
    kind: str, keys: tuple[str, ...], ctx: Mapping[str, Any], value: object, said: str
) -> tuple[str, str]:
    """What is wrong with the value at `keys`, and what to do."""
    table, key = keys[0] if len(keys) > 1 else "", keys[-1]
    where = f"[{table}] {key}" if table else key
    if kind == "extra_forbidden":
        names = known_keys(table)
        hint = did_you_mean(key, names) or f"known: {', '.join(sorted(names))}"
        return f"unknown key {key!r}" + (f" in [{table}]" if table else ""), hint
    if kind == "missing":
        if not table and key in REQUIRED_TABLES:
            return f"the table [{key}] is missing", "see docs/format.md"
        return f"[{table}] needs {key}" if table else f"{key} is missing", "see docs/format.md"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(ctx.get("expected", "")))
        hint = did_you_mean(str(value), choices) or f"one of: {', '.join(filter(None, choices))}"
        return f"{where} cannot be {str(value)[:40]!r}", hint
    if kind == "string_pattern_mismatch":
        return f"{where} = {str(value)[:40]!r} is no name", "lower case letters, digits and hyphens"
    wanted = {"string_type": "a string", "int_type": "a whole number", "bool_type": "true or false",
              "list_type": "a list", "dict_type": "a table", "model_type": "a table"}  # fmt: skip
    path = f"[{keys[0]}] {keys[1]}" if len(keys) > 1 else keys[0]
    if kind in wanted:
        return f"{path} must be {wanted[kind]}", ""
    return f"{path}: {said[:1].lower()}{said[1:]}", ""


def known_keys(table: str) -> Iterable[str]:
    """The keys that a table may have."""
    return (TABLES.get(table, RawMethod if not table else RawSet)).model_fields
