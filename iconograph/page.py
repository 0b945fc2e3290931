"""The page that lists every entry with its relation, level and certificate: docs/catalog.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from catalog.spec import Method
from iconograph.report import Row
from iconograph.wording import claim_text

SECTIONS = {
    "exact": "The published loss is scale * I-Con + constant.",
    "coarse": "The same for a pair whose neighbours are groups of neighbours.",
    "reverse": "The same with KL(q || p), the learned distribution first.",
    "generalised": "The same with another divergence.",
    "limit": "An explicit bound of the difference, which vanishes with a parameter.",
    "expansion": "The same for the beginning of an expansion in a parameter.",
    "bound": "The published loss lies above or below.",
    "definition": "A new loss: the pair (p, q) is shown to be one.",
    "theorem": "A statement about divergences, kernels or losses.",
    "does-not-reduce": "No scale and constant fit; a witness shows it.",
    "false-as-stated": "A statement of the literature that a witness refutes; see what holds.",
}
HEAD = """# Every entry of the catalog

Written by `iconograph verify --page docs/catalog.md`; do not edit. *general-N*: a derivation for
every N was replayed, and the certificate is named by the beginning of its hash. *witness*: an input
that refutes the claim, which anybody can evaluate again. Print an entry with `iconograph show ID`,
its proof with `--proof`, its derivation with `--derivation`.
"""


def page(methods: Iterable[Method], rows: Iterable[Row]) -> str:
    """The page as Markdown; rows are the verdicts on the methods, in any order."""
    verdicts = {r.id: r for r in rows}
    found = sorted((m for m in methods if m.id in verdicts), key=lambda m: m.id)
    return "\n".join(_lines(found, verdicts)) + "\n"


def _lines(methods: list[Method], verdicts: dict[str, Row]) -> Iterator[str]:
    yield HEAD
    counts = Counter[str](m.claim.relation for m in methods)
    wrong = [m.id for m in methods if not verdicts[m.id].ok]
    yield "| relation | entries | |"
    yield "|---|--:|---|"
    for relation, says in SECTIONS.items():
        if counts[relation]:
            yield f"| [{relation}](#{relation}) | {counts[relation]} | {_cell(says)} |"
    yield f"| all | {len(methods)} | {len(methods) - len(wrong)} as claimed |"
    for relation in SECTIONS:
        part = [m for m in methods if m.claim.relation == relation]
        if part:
            yield f"\n## {relation}\n"
            yield "| entry | name | year | claim | level | certificate |"
            yield "|---|---|--:|---|---|---|"
            yield from (_row(m, verdicts[m.id]) for m in part)


def _row(m: Method, r: Row) -> str:
    said = claim_text(m).removeprefix(f"{m.claim.relation}").removeprefix(": ")
    if m.statements and m.claim.relation == "theorem":
        said = "; ".join(f.text for f in m.statements)
    if m.claim.correction:
        said = m.claim.correction
    if m.erratum is not None:
        said = f"*{m.erratum.claimed}* ({m.erratum.where}). {said}"
    level = r.level if r.ok else f"**{r.outcome}**"
    cells = [f"`{m.id}`", m.name, str(m.year), _code(said), level]
    cells.append(f"`{r.hash[:12]}`" if r.hash else r.outcome)
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    """A formula as code, words as they are."""
    formula = text.startswith(("published", "-", "0 <=", "limit as", "expansion as", "as "))
    return f"`{' '.join(text.split())}`" if formula else " ".join(text.split())
