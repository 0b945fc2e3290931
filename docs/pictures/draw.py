"""Draw the pictures of the README and of the first page: the periodic table and one proof.

    python docs/pictures/draw.py

Both are made of what the tool says today: `table.svg` of the catalog, `proof.svg` of what
`iconograph check` and `iconograph show --derivation` print. A test compares them with the files.
"""

from __future__ import annotations

import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import iconograph as ic  # noqa: E402
from catalog.periodic import Cell, Line, Table, periodic_table  # noqa: E402
from catalog.registry import all_methods  # noqa: E402
from catalog.spec import Method  # noqa: E402

# ------------------------------------------------------------------------- the periodic table

# A mark (its outline within a square of eight, its class), and what it says. Shapes differ, so that
# nothing is said by colour alone.
DISC = '<circle cx="4" cy="4" r="3.6"/>'
DIAMOND = '<path d="M4 0 8 4 4 8 0 4Z"/>'
RING = '<circle cx="4" cy="4" r="2.9" fill="none" stroke-width="1.7"/>'
CROSS = '<path d="M1 1 7 7M7 1 1 7" fill="none" stroke-width="1.9"/>'
MARKS: Mapping[str, tuple[str, str]] = {
    "is": (DISC, "are the I-Con loss of their pair for every size, or a merged form of it"),
    "other": (DIAMOND, "are one with another divergence, or with p and q exchanged"),
    "near": (RING, "are one in a limit or up to a bound"),
    "not": (CROSS, "are none: a witness shows it"),
}
KINDS: Mapping[str, str] = {
    "exact": "is", "definition": "is", "coarse": "is", "theorem": "is",
    "reverse": "other", "generalised": "other",
    "limit": "near", "expansion": "near", "bound": "near",
    "does-not-reduce": "not", "false-as-stated": "not",
}  # fmt: skip
STYLE = """
text { font: 11px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1b1f24 }
.head { font-weight: 600 } .name { font-size: 10px } .big { font-size: 15px }
.small { font-size: 10px; fill: #57606a }
.is { fill: #0b5cad } .other { fill: #7b3fa0 }
.near { stroke: #9a6700; fill: none } .not { stroke: #b3261e; fill: none }
.card { fill: #ffffff; stroke: #d0d7de } .cell { fill: #f6f8fa } .line { stroke: #d0d7de }
"""
HEAD, WIDE, PITCH, EACH, TOP = 106, 80, 10, 7, 66


def table_svg(methods: Iterable[Method]) -> str:
    """The table: p across, q down, a mark for every method, in each cell the oldest by name."""
    found = {m.id: m for m in methods}
    table = periodic_table(found.values())
    width, y = HEAD + WIDE * len(table.supervisory) + 16, TOP
    body = [text(12, 22, "Supervisory p across, learned q down", "head big"),
            *heads(table.supervisory)]
    for row in table.learned:
        cells = [(c, table.cells[c.key, row.key]) for c in table.supervisory]
        height = 26 + PITCH * max(1, *(lines(len(cell.methods)) for _, cell in cells))
        body.append(text(12, y + 16, row.title, "head"))
        for k, (_, cell) in enumerate(cells):
            body += drawn(cell, found, HEAD + k * WIDE, y, height - 4)
        y += height
    for k, (kind, (shape, says)) in enumerate(MARKS.items()):
        there = sum(KINDS[found[m].claim.relation] == kind for m in placed(table))
        at = y + 20 + 17 * k
        body += [mark(kind, shape, 14, at - 8), text(30, at, f"{there} {says}")]
    notes = counted(table), "named: the oldest that is no ✗; grey: none known;", "—: no such pair"
    body += [text(width - 330, y + 20 + 17 * k, note, "small") for k, note in enumerate(notes)]
    return svg(width, y + 84, "The periodic table of losses", body, STYLE)


def heads(columns: Iterable[Line]) -> Iterator[str]:
    """The titles of the columns, the long ones on two lines."""
    for k, column in enumerate(columns):
        said = textwrap.wrap(column.title, 11)
        for line, words in enumerate(reversed(said)):
            yield text(HEAD + k * WIDE + 4, TOP - 8 - 12 * line, words, "head")


def drawn(cell: Cell, found: Mapping[str, Method], x: int, y: int, height: int) -> Iterator[str]:
    """A cell: its box, a name and its marks, each with the name of its method."""
    if cell.kind == "undefined":
        yield text(x + WIDE // 2 - 6, y + height // 2 + 4, "—", "small")
        return
    box = f'x="{x}" y="{y}" width="{WIDE - 4}" height="{height}" rx="3"'
    yield f'<rect class="{"card" if cell.methods else "cell"}" {box}/>'
    if not cell.methods:
        return
    yield text(x + 4, y + 13, short(oldest(cell, found)), "name")
    for k, name in enumerate(cell.methods):
        kind = KINDS[found[name].claim.relation]
        at = x + 5 + PITCH * (k % EACH), y + 19 + PITCH * (k // EACH)
        yield mark(kind, MARKS[kind][0], *at, title=found[name].name)


def oldest(cell: Cell, found: Mapping[str, Method]) -> str:
    """The first of its methods, which are by year, that is not said to be none."""
    held = [m for m in cell.methods if KINDS[found[m].claim.relation] != "not"]
    return (held or list(cell.methods))[0]


def short(name: str, letters: int = 12) -> str:
    """A name that fits a cell."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def lines(count: int) -> int:
    """How many lines of marks there are."""
    return -(-count // EACH)


def placed(table: Table) -> Iterator[str]:
    """The methods that stand in the table."""
    for cell in table.cells.values():
        yield from cell.methods


def counted(table: Table) -> str:
    """How many there are."""
    known = sum(cell.kind == "known" for cell in table.cells.values())
    return f"{len(list(placed(table)))} losses in {known} cells, every claim checked"


def mark(kind: str, shape: str, x: int, y: int, title: str = "") -> str:
    """The mark of a method, or of the legend."""
    says = f"<title>{escape(title)}</title>" if title else ""
    return f'<g class="{kind}" transform="translate({x} {y})">{says}{shape}</g>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of text."""
    return f'<text x="{x}" y="{y}"{f" class={kind!r}" if kind else ""}>{escape(words)}</text>'


def svg(width: int, height: int, title: str, body: Iterable[str], style: str) -> str:
    """A drawing on a white card, so that it can be read on a dark page as well."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{style}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        *body, "</svg>", "",
    ])  # fmt: skip


# ------------------------------------------------------------------------- one proof

PROVED = "infonce"
COLUMNS, LETTER, LEADING = 104, 7.8, 18
SCREEN = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace;
  fill: #1b1f24; white-space: pre } .typed { font-weight: 700 } .why { fill: #0b5cad }
.good { fill: #1a7f37; font-weight: 700 } .card { fill: #ffffff; stroke: #d0d7de }
"""


def proof_lines() -> Iterator[tuple[str, str]]:
    """What is typed and printed, broken into lines, each with its class."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{PROVED}.json"
        path.write_text(ic.verify(PROVED).row.certificate)
        facts = ic.check(path).facts()
    yield f"$ iconograph check proofs/{PROVED}.json", "typed"
    width = max(len(key) for key, _ in facts)
    for key, value in facts:
        value = value.replace(str(path), f"proofs/{PROVED}.json")
        first, *more = textwrap.wrap(value, COLUMNS - width - 2)
        yield f"{key:<{width}}  {first}", "good" if key.startswith("✓") else ""
        yield from ((" " * (width + 2) + line, "") for line in more)
    yield "", ""
    yield f"$ iconograph show {PROVED} --derivation", "typed"
    for line in str(ic.load(PROVED).derivation()).splitlines():
        kind = "why" if line.lstrip().startswith("[") and line.startswith("        ") else ""
        yield from ((part, kind) for part in textwrap.wrap(
            line.strip(), COLUMNS, initial_indent=" " * (len(line) - len(line.lstrip())),
            subsequent_indent=" " * 8,
        ))  # fmt: skip


def proof_svg() -> str:
    """A proof as a terminal shows it: the certificate replayed, and the chain of equations."""
    body = []
    for k, (line, kind) in enumerate(proof_lines()):
        if line:
            body.append(text(16, 28 + k * LEADING, line, kind))
    height = 28 + (k + 1) * LEADING
    return svg(round(COLUMNS * LETTER) + 32, height, f"The proof of {PROVED}", body, SCREEN)


def pictures() -> dict[str, str]:
    """Every picture by the name of its file."""
    return {"table.svg": table_svg(all_methods()), "proof.svg": proof_svg()}


if __name__ == "__main__":
    for name, drawing in pictures().items():
        (HERE / name).write_text(drawing)
        print(f"{HERE.name}/{name} written")
