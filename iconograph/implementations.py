"""The record of real implementations for people: a line each, and the page docs/implementations.md.

The data is `catalog.implementations`; what is said of it here is laid out only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from catalog.implementations import Implementation

HEAD = """# Real implementations

Written by `python examples/audit/regenerate.py --page`; do not edit. Each row is a function of a
library, called as it is, in the version named, and compared with the formula that the paper prints
(`iconograph show ID`): values and gradients in float64, at several sizes and kinds of input. That
is [numerical evidence](trust.md), no proof. Every section has a program that prints both numbers;
it was run when the record was made. To run all of it again, see `examples/audit/README.md`.

A difference is no error of a library: papers leave conventions open, and libraries choose. It is a
number that two programs, each called by the same name, do not share.
"""

SAID = {
    "equal": "equal",
    "equal-up-to": "equal up to {up_to}",
    "different": "different",
    "undecided": "undecided",
}
ORDER = tuple(SAID)


def relation_text(item: Implementation) -> str:
    """The relation in a few words: `equal up to the scale 1/n`."""
    return SAID[item.relation].format(up_to=", ".join(item.up_to))


def differs_text(item: Implementation) -> str:
    """What differs, in a few words, "" where nothing does."""
    if item.relation != "different":
        return ""
    return "; ".join(item.differs) or "no convention that is known explains it"


def line(item: Implementation) -> str:
    """One implementation in a line: `lightly 1.6.0, lightly.loss.NTXentLoss: equal`."""
    said = relation_text(item)
    if differs := differs_text(item):
        said = f"{said}: {differs}"
    return f"{item.library} {item.version}, {item.function}{options_text(item)}: {said}"


def record(item: Implementation) -> dict[str, Any]:
    """One implementation as plain data, for `iconograph table --implementations --json`."""
    found = asdict(item)
    found.pop("path")
    return {**found, "date": item.date.isoformat()}


def options_text(item: Implementation) -> str:
    """The options that are not the library's own: ` (reduction="batchmean")`."""
    if not item.options:
        return ""
    return f" ({', '.join(f'{k}={v!r}' for k, v in item.options.items())})"


def page(items: Iterable[Implementation]) -> str:
    """The page as Markdown, by library and then by name."""
    found = sorted(items, key=lambda i: (i.library.casefold(), i.id))
    return "\n".join(_lines(found)) + "\n"


def _lines(items: Sequence[Implementation]) -> Iterator[str]:
    yield HEAD
    counts = Counter[str](item.relation for item in items)
    said = ", ".join(f"{counts[r]} {r.replace('-', ' ')}" for r in ORDER if counts[r])
    functions = len({(i.library, i.function) for i in items})
    yield f"{len(items)} comparisons of {functions} functions: {said}.\n"
    yield "| library | function | version | compared with | relation | what differs |"
    yield "|---|---|---|---|---|---|"
    for item in items:
        cells = [
            item.library, f"[`{item.function.rpartition('.')[2]}`](#{item.id})", item.version,
            f"`{item.against}`", relation_text(item), differs_text(item),
        ]  # fmt: skip
        yield "| " + " | ".join(map(_cell, cells)) + " |"
    for item in items:
        yield from _section(item)


def _section(item: Implementation) -> Iterator[str]:
    yield f"\n## {item.id}\n"
    what = f"`{item.function}{options_text(item)}` of [{item.library}]({item.source})"
    yield f"{what} {item.version}, against `{item.against}`. {item.words}\n"
    if item.note:
        yield f"{item.note}\n"
    yield f"```python\n{item.reproducer.rstrip()}\n```\n"
    yield f"```text\n{item.prints.rstrip()}\n```\n"
    facts = [f"{item.file}" if item.file else "", f"called as {item.call}"]
    facts += [", ".join(f"{k} = {v:.6g}" for k, v in item.parameters.items())]
    if item.inputs and item.error is not None:
        facts.append(f"{item.inputs} inputs, largest relative error {item.error:.0e}")
    facts.append(f"Python {item.python}, torch {item.torch}, {item.date.isoformat()}")
    yield "*" + "; ".join(filter(None, facts)) + ".*"


def _cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")
