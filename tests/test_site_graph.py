"""The graph's picture and data, and the search index: nothing lost, nothing drawn over another."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import pytest

from codegen.site.net import KINDS, PLACE, Edge, Net, Node
from codegen.site.pages import File, Page
from codegen.site.picture import BOX, HIGH, MOST, Picture, picture
from codegen.site.render import render
from iconograph.browse import build
from iconograph.browse.net import net
from iconograph.browse.pages import graph, search
from iconograph.browse.world import World
from tests.site_checks import malformed, read
from tests.site_worlds import rendered, unproved

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def whole() -> Net:
    return net(unproved())


SHARED = ("same-p", "same-q", "differs-in-one-kernel")


def called(data: bytes, name: str) -> object:
    """What a classic script hands over."""
    found = re.fullmatch(rf"iconograph\.{name}\((.*)\);\n", data.decode())
    assert found is not None
    return json.loads(found[1])


# ---------------------------------------------------------------------- the graph


def test_kinds_can_be_told_apart_without_colour() -> None:
    assert len({k.dash for k in KINDS}) == len(KINDS) == len({k.name for k in KINDS})
    style = render([])["assets/site.css"].decode()
    for k in KINDS:
        rule = re.search(
            rf"\.k-{k.name} \{{ --hue: var\(--([a-z-]+)\);(?: --dash: ([\d ]+);)? \}}", style
        )
        assert rule is not None and (rule[2] or "") == k.dash, k.name
        assert style.count(f"--{rule[1]}: #") == 3, "once for light and twice for dark"


def test_no_edge_is_lost(whole: Net) -> None:
    made = unproved()
    assert set(made.methods) <= set(whole.nodes)
    claimed = {(e.source, e.target, e.kind, e.sentence) for e in whole.edges}
    for e in made.graph.edges:
        if e.kind not in SHARED:
            assert (e.source, e.target, e.kind, e.sentence) in claimed
    ends = {(e.source, e.target) for e in whole.edges if e.kind.startswith("differs-")}
    wanted = {(e.source, e.target) for e in made.graph.edges if e.kind == "differs-in-one-kernel"}
    assert ends == wanted and len(ends) > 1000
    share: dict[str, set[str]] = {}
    for e in whole.edges:
        if e.kind == "p":
            share.setdefault(e.source, set()).add(e.target)
    said = {(e.source, e.target) for e in whole.edges if e.kind == "same-p"}
    assert said
    for e in made.graph.edges:
        if e.kind == "same-p":  # it is seen at the kernel, or said
            assert (share[e.source] == share[e.target]) != ((e.source, e.target) in said)
    assert ("t-supcon", "gap:t-supcon", "closes") in {
        (e.source, e.target, e.kind) for e in whole.edges
    }


def misdrawn(pic: Picture) -> list[str]:
    """Boxes that overlap or stick out, and lines that do not end at their boxes."""
    wrong = []
    for one, other in combinations(pic.boxes, 2):
        if abs(one.x - other.x) < BOX and abs(one.y - other.y) < HIGH:
            wrong.append(f"{one.node.id} and {other.node.id} overlap")
    for box in pic.boxes:
        if not (0 <= box.x <= pic.width - BOX and HIGH / 2 <= box.y <= pic.height - HIGH / 2):
            wrong.append(f"{box.node.id} sticks out")
    at = {box.node.id: box for box in pic.boxes}
    for line in pic.lines:
        x, y = map(int, re.findall(r"-?\d+", line.path)[:2])
        box = at[line.source]
        if x not in (box.x, box.x + BOX) or not box.y <= y <= box.y + HIGH:
            wrong.append(f"a line from {line.source} begins elsewhere")
        x, y = map(
            int,
            re.findall(r"-?\d+", line.head or line.path)[
                slice(0, 2) if line.head else slice(-2, None)
            ],
        )
        box = at[line.target]
        if x not in (box.x, box.x + BOX) or not box.y <= y <= box.y + HIGH:
            wrong.append(f"a line to {line.target} ends elsewhere")
    return wrong


def test_every_node_is_drawn_with_its_neighbours(whole: Net) -> None:
    for name in whole.nodes:
        pic = picture(whole, name)
        assert not misdrawn(pic), name
        shown = {n.other.id for n in whole.around[name] if KINDS[PLACE[n.edge.kind]].shown}
        assert pic.all == len(shown or whole.around[name])
        assert pic.drawn == pic.all if pic.all <= MOST else pic.drawn <= MOST
        drawn = {box.node.id for box in pic.boxes} - {name}
        kinds = {
            (g.kind.name, n.other.id) for g in pic.groups for n in g.near if n.other.id in drawn
        }
        assert len(pic.lines) == len(kinds), name
        missing = {g.kind.name for g in pic.groups} - {line.kind.name for line in pic.lines}
        assert not missing, "some of each kind are drawn"


def test_what_is_drawn_wrong_is_noticed(whole: Net) -> None:
    pic = picture(whole, "supcon")
    one, two, *others = pic.boxes
    lower = replace(two, y=one.y, x=one.x + 5)
    assert any("overlap" in x for x in misdrawn(replace(pic, boxes=(one, lower, *others))))
    assert any("sticks out" in x for x in misdrawn(replace(pic, width=100)))
    crossed = replace(pic.lines[0], source=pic.lines[-1].target, target=pic.lines[0].source)
    assert any("elsewhere" in x for x in misdrawn(replace(pic, lines=(crossed,))))


def test_sides_say_which_way_an_edge_goes() -> None:
    nodes = {name: Node(name, "method", name, name, name) for name in "abc"}
    pic = picture(Net(nodes, (Edge("a", "b", "limit"), Edge("b", "c", "limit"))), "b")
    at = {box.node.id: box.x for box in pic.boxes}
    assert at["a"] < at["b"] < at["c"]
    assert [c.text for c in pic.captions] == ["is a limit of", "has the limit"]
    assert all(line.head for line in pic.lines)


def test_the_page_lists_every_claim_and_is_small(whole: Net) -> None:
    made = unproved()
    site = rendered(made, graph.pages(made))
    text = site["graph.html"].decode()
    assert not malformed(text)
    assert len(gzip.compress(site["graph.html"])) < 60_000
    said = " ".join("".join(read(text).text).split())
    sentences = {e.sentence for e in whole.edges if e.sentence}
    assert len(sentences) > 100 and not [s for s in sentences if " ".join(s.split()) not in said]


def test_the_data_are_the_graph(whole: Net) -> None:
    made = unproved()
    (data,) = (f.data for f in graph.pages(made) if isinstance(f, File))
    found = called(data, "network")
    assert isinstance(found, dict)
    names = [row[0] for row in found["nodes"]]
    edges = Counter((names[e[0]], names[e[1]], found["kinds"][e[2]][0]) for e in found["edges"])
    assert edges == Counter((e.source, e.target, e.kind) for e in whole.edges)


def test_without_an_edge_there_is_no_page() -> None:
    made = unproved()
    jensen = {"jensen": made.methods["jensen"]}
    nodes = tuple(n for n in made.graph.nodes if n.id == "jensen")
    alone = replace(
        made, methods=jensen, entries={"jensen": made.entries["jensen"]},
        briefs={"jensen": made.briefs["jensen"]}, graph=replace(made.graph, nodes=nodes, edges=()),
    )  # fmt: skip
    assert [type(x) for x in graph.pages(alone)] == []
    assert [p for p in graph.pages(made) if isinstance(p, Page)]


# ---------------------------------------------------------------------- the index


def dead(site: Mapping[str, bytes]) -> list[str]:
    """Addresses of the index that are not on the site."""
    rows = called(site["search-index.js"], "index")
    assert isinstance(rows, list)
    wrong = []
    for row in rows:
        path, _, fragment = row[2].partition("#")
        if path not in site or (fragment and fragment not in read(site[path].decode()).ids):
            wrong.append(row[2])
    return wrong


def test_what_is_found_is_there(few: World) -> None:
    site = build.build(few)
    assert not dead(site)
    assert dead({**site, "rules.html": site["az.html"]})


def test_the_index_has_names_authors_symbols_kernels_and_rules(few: World) -> None:
    items = {i.address: i for i in search.items(few)}
    supcon = items["methods/supcon.html"]
    assert {"supcon", "SupConLoss"} <= set(supcon.names) and "Khosla" in supcon.words
    assert dict(supcon.facets) == {
        "field": "supervised", "verdict": "proved", "p": "same-label", "q": "dot",
    }  # fmt: skip
    assert {i.type for i in items.values()} >= {
        "entry",
        "kernel p",
        "kernel q",
        "divergence",
        "axiom",
    }
    nobody = replace(few.methods["supcon"], cite="nobody1900nothing")
    assert search.authors(nobody) == ()


def test_nearly_every_entry_has_authors_and_no_mark_of_latex() -> None:
    found = {m.id: search.authors(m) for m in unproved().methods.values()}
    assert not [
        name for name, people in found.items() if not people and unproved().methods[name].cite
    ]
    assert not [p for people in found.values() for p in people if re.search(r"[\\{}\"]", p)]
