"""The record of real implementations: functions of libraries, and how they relate to a method.

One file of `implementations/` is one function of one library. Its head is written by people: what
was called, with which options, and what it was compared with. Everything below that was found by a
run of `examples/audit/regenerate.py`, with the versions and the day; nothing here calls a library.

>>> [i.relation for i in implementations_of("cross-entropy") if i.library == "torch"]
['equal']
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog import registry
from catalog.errors import InputError, did_you_mean
from catalog.files import FloatText, read_text, read_toml
from catalog.load import Reader
from catalog.raw import describe, texts

Relation: TypeAlias = Literal["equal", "equal-up-to", "different", "undecided"]
Nested: TypeAlias = Any  # a number, or lists of numbers inside one another
Option: TypeAlias = str | int | float | bool
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
DOTTED = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"
ONCE = "write what examples/audit/regenerate.py writes, or run it"


@dataclass(frozen=True)
class Witness:
    """An input by the names of the call's arguments, and what both sides say of it.

    `what` says which number the two are: "the value", or an entry of the gradient.
    """

    input: Mapping[str, Nested]
    theirs: float
    published: float
    what: str


@dataclass(frozen=True)
class Implementation:
    """One function of one library, and what was found of it.

    `code` is what was called, "module:name" or "file.py:name" of examples/audit/cases, under the
    calling convention `call` and with `options`; `file` says where the library has the function,
    with its line. `against` is the id of the method, `parameters` are the numbers of its formula
    that the library fixes. `up_to` lists what the two differ by where the relation is
    "equal-up-to", `differs` the conventions that differ where it is "different", none where no
    known one explains it. `inputs` counts the inputs tried, `error` is the largest relative
    difference on them, once what `up_to` and `differs` say is taken into account. `reproducer` is
    a program, `prints` what it printed.
    """

    id: str
    library: str
    version: str
    function: str
    file: str
    environment: str
    code: str
    call: str
    options: Mapping[str, Option]
    against: str
    relation: Relation
    parameters: Mapping[str, float]
    up_to: tuple[str, ...]
    differs: tuple[str, ...]
    words: str
    inputs: int
    error: float | None
    witness: Witness | None
    reproducer: str
    prints: str
    date: datetime.date
    python: str
    torch: str
    source: str
    note: str
    path: str


class Raw(BaseModel):
    """Strict and closed: a key that nobody reads is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RawFound(Raw):
    """[found]: the relation, in the words of the run."""

    relation: Relation
    parameters: dict[str, float] = {}
    up_to: list[str] = []
    differs: list[str] = []
    words: Annotated[str, Field(min_length=1)]
    inputs: Annotated[int, Field(ge=0)]
    error: Annotated[float, Field(ge=0)] | None = None


class RawWitness(Raw):
    """[witness]: an input, and both values."""

    theirs: float
    published: float
    what: Annotated[str, Field(min_length=1)]
    input: dict[str, Any]


class RawReproducer(Raw):
    """[reproducer]: a program and what it printed."""

    code: Annotated[str, Field(min_length=1)]
    prints: Annotated[str, Field(min_length=1)]


class RawImplementation(Raw):
    """A whole file."""

    library: Annotated[str, Field(min_length=1)]
    function: Annotated[str, Field(pattern=DOTTED)]
    environment: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    code: Annotated[str, Field(pattern=r"^[\w./-]+:[A-Za-z_]\w*$")]
    call: Annotated[str, Field(min_length=1)]
    options: dict[str, Option] = {}
    against: str
    source: Annotated[str, Field(pattern=r"^https://\S+$")]
    note: str = ""
    version: Annotated[str, Field(min_length=1)]
    file: Annotated[str, Field(pattern=r"^[\w./-]+\.pyx?:\d+$|^$")] = ""
    date: datetime.date
    python: str
    torch: str
    found: RawFound
    witness: RawWitness | None = None
    reproducer: RawReproducer


TABLES: Mapping[str, type[Raw]] = {
    "found": RawFound, "witness": RawWitness, "reproducer": RawReproducer,
}  # fmt: skip
FORMS = {
    "function": "a dotted path, such as torch.nn.functional.cross_entropy",
    "environment": "the name of a file of examples/audit/environments",
    "code": "module:name, or file.py:name of examples/audit/cases",
    "file": "the path in the library and the line, such as torch/nn/functional.py:3457",
    "source": "the https address of the source",
}


def implementations_dir() -> Path:
    """The folder of the record."""
    return Path(__file__).with_name("implementations")


@cache
def implementations(folder: Path | None = None) -> tuple[Implementation, ...]:
    """Every entry of the record, by id. Raises InputError for the first file that is wrong."""
    home = folder or implementations_dir()
    if not home.is_dir():
        raise InputError("there is no such folder", path=str(home))
    found = tuple(load_implementation(path) for path in sorted(home.glob("*.toml")))
    first: dict[object, Implementation] = {}
    for item in found:
        key = (item.library, item.function, item.against, tuple(sorted(item.options.items())))
        if (other := first.setdefault((*key, item.code, item.call), item)) is not item:
            message = f"{item.function} against {item.against} stands in {other.id}.toml already"
            raise InputError(message, path=item.path, hint="keep one of the two")
    return found


def implementations_of(method: str) -> tuple[Implementation, ...]:
    """The entries that were compared with the method of that id."""
    return tuple(i for i in implementations() if i.against == method)


def load_implementation(path: Path) -> Implementation:
    """The entry that a file states. Raises InputError."""
    if not NAME.match(path.stem):
        hint = "lower case letters, digits and hyphens"
        raise InputError(f"{path.stem!r} is no name for an entry", path=str(path), hint=hint)
    return parse_implementation(read_text(path), str(path), path.stem)


def parse_implementation(text: str, path: str = "<text>", name: str = "text") -> Implementation:
    """The entry that a TOML text states; `path` is named in errors. Raises InputError."""
    reader = Reader(read_toml(text, path), path, text.replace("\r\n", "\n"))
    raw = checked(reader)
    agrees(raw, reader)
    w = raw.witness
    return Implementation(
        id=name, library=raw.library, version=raw.version, function=raw.function, file=raw.file,
        environment=raw.environment, code=raw.code, call=raw.call, options=raw.options,
        against=raw.against, relation=raw.found.relation, parameters=raw.found.parameters,
        up_to=tuple(raw.found.up_to), differs=tuple(raw.found.differs), words=raw.found.words,
        inputs=raw.found.inputs, error=raw.found.error,
        witness=Witness(w.input, w.theirs, w.published, w.what) if w else None,
        reproducer=raw.reproducer.code, prints=raw.reproducer.prints, date=raw.date,
        python=raw.python, torch=raw.torch, source=raw.source, note=" ".join(raw.note.split()),
        path=path,
    )  # fmt: skip


def checked(reader: Reader) -> RawImplementation:
    """The document in its shape. Raises InputError at the first thing that is wrong."""
    doc = plain(reader.doc)
    for keys, text in texts(doc):
        if any((ord(c) < 32 and c not in "\n\t") or ord(c) in range(127, 160) for c in text):
            raise reader.at(*keys).error("a control character is in the text", "write plain text")
    try:
        return RawImplementation.model_validate(doc)
    except ValidationError as error:
        found = error.errors(include_url=False)
    first = min(found, key=lambda e: (e["type"] != "extra_forbidden", e["type"] == "missing"))
    keys = tuple(str(part) for part in first["loc"])
    table, key = keys[0] if len(keys) > 1 else "", keys[-1]
    kind = first["type"]
    if kind == "extra_forbidden":
        names = TABLES.get(table, RawImplementation).model_fields
        hint = did_you_mean(key, names) or f"known: {', '.join(sorted(names))}"
        where = f" in [{table}]" if table else ""
        raise reader.at(*keys, key=True).error(f"unknown key {key!r}{where}", hint)
    if kind == "missing":
        message = f"[{table}] needs {key}" if table else f"{key} is missing"
        raise reader.at(*keys[:-1]).error(message, ONCE)
    if kind == "string_pattern_mismatch":
        message = f"{key} = {str(first['input'])[:60]!r} does not say what it should"
        raise reader.at(*keys).error(message, FORMS[key])
    message, hint = describe(kind, keys, first.get("ctx", {}), first.get("input"), first["msg"])
    raise reader.at(*keys).error(message, hint)


def agrees(raw: RawImplementation, reader: Reader) -> None:
    """Raise InputError where an entry contradicts itself, or names no method."""
    found = raw.found
    if not known(raw.against):
        hint = did_you_mean(raw.against, registry.ids())
        raise reader.at("against").error(f"no method is {raw.against[:60]!r}", hint)
    for key, owners in (("up_to", ("equal-up-to", "different")), ("differs", ("different",))):
        if getattr(found, key) and found.relation not in owners:
            message = f"the relation {found.relation!r} has no {key}"
            raise reader.at("found", key).error(message, ONCE)
    if found.relation == "equal-up-to" and not found.up_to:
        message = "the relation 'equal-up-to' says up to what, in up_to"
        raise reader.at("found", "relation").error(message, ONCE)
    if found.relation in ("equal", "equal-up-to") and (not found.inputs or found.error is None):
        message = f"the relation {found.relation!r} needs inputs and the error on them"
        raise reader.at("found", "relation").error(message, ONCE)
    if found.relation == "different":
        if raw.witness is None:
            message = "what is different has a witness: an input with two values"
            raise reader.at("found", "relation").error(message, ONCE)
        if same(raw.witness.theirs, raw.witness.published):
            raise reader.at("witness").error("the two values of the witness are the same", ONCE)
    if raw.witness is not None:
        numbers = [raw.witness.published, *flat(raw.witness.input.values())]
        if not all(isinstance(x, float | int) and math.isfinite(x) for x in numbers):
            raise reader.at("witness").error("a witness is made of finite numbers", ONCE)


def same(a: float, b: float) -> bool:
    """Whether two values are one, but for rounding. NaN is the same as nothing."""
    return a == b or abs(a - b) <= 1e-9 * min(max(abs(a), abs(b)), 1e300)


def known(name: str) -> bool:
    """Whether the catalog has an entry of this id."""
    home = registry.methods_dir()
    return bool(NAME.match(name)) and any(
        (part / f"{name}.toml").exists() for part in registry.folders(home)
    )


def flat(values: Iterable[Nested]) -> Iterable[Nested]:
    """The numbers inside lists."""
    for value in values:
        if isinstance(value, list):
            yield from flat(value)
        else:
            yield value


def plain(value: Any) -> Any:
    """A document with its floats as numbers."""
    if isinstance(value, Mapping):
        return {key: plain(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [plain(inside) for inside in value]
    return float(value) if isinstance(value, FloatText) else value
