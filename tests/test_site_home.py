"""The first page and A to Z: every entry has its place, every empty cell its reason."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from catalog.periodic import Cell, Gap
from codegen.site.pages import LABEL, Badge, Page
from iconograph.browse import build
from iconograph.browse.pages import az, home
from iconograph.browse.world import World, badge, briefs, label
from tests.site_worlds import unproved

pytestmark = pytest.mark.xdist_group("site")


def made(world: World) -> dict[str, object]:
    (page,) = (p for p in home.pages(world) if isinstance(p, Page))
    return dict(page.content)


def test_every_entry_stands_in_its_cell_or_in_a_section(few: World) -> None:
    content = made(few)
    cells = {b.id for row in content["rows"] for s in row.squares for b in (*s.first, *s.more)}  # type: ignore[attr-defined]
    listed = {b.id for s in content["sections"] for b in s.entries}  # type: ignore[attr-defined]
    assert cells == {"supcon", "simclr", "t-sne", "nerv", "triplet-supcon-limit"}
    assert listed == set(few.methods)
    assert content["counts"] == {"all": 6, "proved": 5, "refuted": 1, "unknown": 0, "wrong": 0}


def test_an_undecided_or_wrong_claim_is_counted_and_shown_as_such(few: World) -> None:
    known = few.entries["supcon"]
    unknown = replace(known, row=replace(known.row, outcome="unknown", ok=False))
    wrong = replace(known, row=replace(known.row, outcome="refuted", ok=False))
    vacuous = replace(known, row=replace(known.row, vacuous="q is fixed"))
    assert badge(unknown).sign == "?" and badge(wrong).words == "refuted, but claimed exact"
    assert badge(vacuous).kind == "vacuous" and "q is fixed" in badge(vacuous).words
    briefs = {
        **few.briefs,
        "supcon": replace(few.briefs["supcon"], badge=badge(unknown)),
        "nerv": replace(few.briefs["nerv"], badge=badge(wrong)),
    }
    counts = home.counts(replace(few, briefs=briefs))
    assert counts == {"all": 6, "proved": 4, "refuted": 0, "unknown": 1, "wrong": 1}


def test_a_full_cell_is_folded_and_an_empty_one_says_why(few: World) -> None:
    def square(cell: Cell) -> home.Square:
        return home.square(few, cell, {"not defined: x": "a"})

    names = tuple(few.methods)
    folded = square(Cell("known", names))
    assert (len(folded.first), len(folded.more)) == (4, 2)
    assert not square(Cell("known", names[:5])).more  # a fold of one would save nothing
    assert square(Cell("undefined", reason="not defined: x")).note == "a"
    gap = Gap("g", "A gap", "p", "q", "Nobody wrote it.")
    assert square(Cell("gap", (), (gap,))).gaps == (gap,)


def test_names_that_begin_alike_go_by_their_ids(few: World) -> None:
    whole = unproved()
    labels = {b.label: b.id for b in whole.briefs.values()}
    assert len(labels) == len(whole.briefs), "no two entries look alike in the table"
    assert labels["SimCSE"] == "simcse" and labels["simcse-supervised"] == "simcse-supervised"
    m, other = few.methods["supcon"], few.methods["simclr"]
    same = [replace(m, name="SimCLR, again"), replace(other, name="SimCLR, once")]
    found = briefs(same, few.entries, few.origins)
    assert [b.label for b in found.values()] == ["supcon", "SimCLR"]
    assert label(m) == "supcon"  # its name is long
    assert label(replace(m, name="DINO, with no labels")) == "DINO"
    assert label(replace(m, name=", nothing before a comma")) == "supcon"
    assert all(len(b.label) <= LABEL or b.label == b.id for b in few.briefs.values())


def test_the_legend_explains_every_sign_once(few: World) -> None:
    shown = home.signs(few)
    assert [b.sign for b in shown] == ["✓", "~", "✗"]
    assert shown[0] == Badge("proved", "✓", "proved: the published loss is this pair")


def test_every_name_and_alias_stands_under_its_letter(few: World) -> None:
    (page,) = (p for p in az.pages(few) if isinstance(p, Page))
    letters = page.content["letters"]
    names = [(x.letter, n.name) for x in letters for n in x.names]  # type: ignore[attr-defined]
    assert len(names) == len(set(names))
    assert {n for _, n in names} == {
        n for b in few.briefs.values() for n in (b.name, *b.aliases)
    }
    assert all(re.fullmatch("[A-Z]|0-9", letter) for letter, _ in names)
    assert ("S", "SimCLR, the NT-Xent loss") in names and ("S", "SupConLoss") in names
    assert az.first("Élan") == "E" and az.first("(N+1)") == "0-9"


def test_the_table_has_p_across_and_q_down(few: World) -> None:
    text = build.build(few)["index.html"].decode()
    columns = re.findall(r'<th scope="col" id="p-([^"]+)"', text)
    rows = re.findall(r'<th scope="row" id="q-([^"]+)"', text)
    assert columns == [x.key for x in few.table.supervisory]
    assert rows == [x.key for x in few.table.learned]
    cells = re.findall("<td.*?</td>", text, re.S)
    at = rows.index("student-t") * len(columns) + columns.index("gaussian")
    assert [k for k, cell in enumerate(cells) if "methods/t-sne.html" in cell] == [at]


def test_places_that_nobody_checked_are_counted_and_marked(few: World) -> None:
    sources = {name: m.source for name, m in few.methods.items() if m.published_text}
    checked = {name for name, x in sources.items() if x.verified}
    assert home.places(few) == {"all": len(sources), "checked": len(checked)}
    site = build.build(few)
    for name in sources:
        text = site[f"methods/{name}.html"].decode()
        assert ("place not checked" in text) != ("place checked" in text)
        assert ("place checked" in text) == (name in checked), name
    other = replace(few.methods["supcon"], source=replace(sources["supcon"], verified=False))
    assert other.source != sources["supcon"], "supcon's place was checked"
    unchecked = replace(few, methods={**few.methods, "supcon": other})
    assert "place not checked" in build.build(unchecked)["methods/supcon.html"].decode()
