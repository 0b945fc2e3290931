"""docs/catalog.md lists every entry as the catalog has it; `--page` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from catalog.registry import all_methods, load
from catalog.spec import Method
from iconograph.commands.verify import judge
from iconograph.page import page

PAGE = Path(__file__).parents[1] / "docs" / "catalog.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.*) \| ([^|]*) \| `?([0-9a-z]+)`? \|$", re.M)


def listed(text: str) -> dict[str, tuple[str, str, str]]:
    """Relation, level and certificate (or what else there is) of every entry on a page."""
    found = {}
    for section in text.split("\n## ")[1:]:
        relation = section.split("\n", 1)[0]
        for name, _, level, certificate in ROW.findall(section):
            found[name] = (relation, level.strip(), certificate)
    return found


def test_the_page_lists_every_entry() -> None:
    said = listed(PAGE.read_text())
    assert {k: v[0] for k, v in said.items()} == {m.id: m.claim.relation for m in all_methods()}
    assert {v[1] for v in said.values()} == {"general-N", "witness"}


def test_no_row_of_a_table_has_more_cells_than_its_head() -> None:
    bar = re.compile(r"(?<!\\)\|")
    method = load("dvae-prior")
    for text in (PAGE.read_text(), page([method], [judge(method)])):
        for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
            assert len({len(bar.split(line)) for line in table.splitlines()}) == 1
    assert len(bar.split("| KL(q || p) |")) != len(bar.split(r"| KL(q \|\| p) |"))


def test_its_certificates_are_those_of_the_proofs() -> None:
    said = listed(PAGE.read_text())
    for name in ("supcon", "gibbs", "k-means", "cross-entropy"):
        row = judge(load(name))
        assert said[name] == (load(name).claim.relation, row.level, row.hash[:12])
    assert said["focal"][2] == "refuted"


def test_a_claim_that_fails_is_marked() -> None:
    from dataclasses import replace

    method: Method = load("infonce")
    doubled = replace(method, claim=replace(method.claim, scale=method.claim.constant))
    text = page([doubled], [judge(doubled)])
    assert "**refuted**" in text and "0 as claimed" in text
