"""The graph: what follows from the pairs, free of names, and how it leaves the house."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import networkx as nx
import pytest

from catalog import export, registry
from catalog.edges import claimed_edges
from catalog.graph import COMPUTED, KINDS, Graph, build, claimed_edge, computed
from catalog.likeness import likeness
from catalog.load import load_text

SIMCLR = (registry.methods_dir() / "simclr.toml").read_text()
SUPCON = (registry.methods_dir() / "supcon.toml").read_text()
TSNE = (registry.methods_dir() / "t-sne.toml").read_text()


@pytest.fixture(scope="module")
def graph() -> Graph:
    return build(registry.all_methods(), map(claimed_edge, claimed_edges()))


def like(text: str, *changes: tuple[str, str]):
    """The likeness of a method file with some texts replaced, each of which must be there."""
    for old, new in changes:
        assert re.search(old, text), old
        text = re.sub(old, new, text)
    return likeness(load_text(text))


# ------------------------------------------------------------------ likeness


def test_names_do_not_matter() -> None:
    renamed = like(
        SIMCLR, (r"\bpos\b", "partner"), (r"\btau\b", "T"), (r"\bz\b", "emb"),
        ('n = "i j k l"', 'views = "i j k l"'), ("in n", "in views"),
    )  # fmt: skip
    assert renamed == like(SIMCLR)


def test_letters_elements_and_abbreviations_do_not_matter() -> None:
    dpo = (registry.methods_dir() / "dpo.toml").read_text()
    renamed = like(
        dpo, (r"\bwinner\b", "best"), (r"\bloser\b", "worst"), ('"t"', '"a"'), (r"i,t\]", "i,a]"),
    )  # fmt: skip
    assert renamed == like(dpo)
    swapped = like(dpo, (r'\["winner", "loser"\]', '["loser", "winner"]'))
    assert swapped == like(dpo), "the order of the elements is a name too"


def test_the_order_of_sums_and_products_does_not_matter() -> None:
    old = 'logit = "x[i,c]"'
    text = (registry.methods_dir() / "cross-entropy.toml").read_text()
    text = text.replace("[given]", '[given]\na = "real"\nw = "positive[c]"')
    one = like(text, (re.escape(old), 'logit = "a + w[c]*x[i,c]"'))
    other = like(text, (re.escape(old), 'logit = "x[i,c]*w[c] + a"'))
    assert one == other
    assert one.q != like(text, (re.escape(old), 'logit = "a*w[c] + x[i,c]"')).q


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("q", ('temperature = "tau"', 'temperature = "tau^2"')),
        ("q", ('kernel = "cosine"', 'kernel = "dot"')),
        ("q", ('temperature = "tau"', "")),
        ("p", ('target = "pos\\[i\\]"', 'target = "pos[pos[i]]"')),
    ],
)
def test_a_parameter_matters(part: str, change: tuple[str, str]) -> None:
    here, there = like(SIMCLR), like(SIMCLR, change)
    assert getattr(here, part) != getattr(there, part)
    other = "p" if part == "q" else "q"
    assert getattr(here, other) == getattr(there, other) and here.setting == there.setting


def test_what_is_learned_matters() -> None:
    """A temperature that is trained makes another kernel."""
    trained = SIMCLR.replace('tau = "positive"\n', "").replace(
        "[learned]\n", '[learned]\ntau = "positive"\n'
    )
    assert like(trained).q != like(SIMCLR).q


def test_one_table_is_not_two() -> None:
    infonce = likeness(registry.load("infonce"))
    assert infonce.q != likeness(registry.load("supcon")).q, "keys of their own, and another set"


def test_the_setting_is_apart_from_the_kernels() -> None:
    self_pairs = like(SIMCLR, (r"\[p\]", '[icon]\nneighbours = "j"\n[p]'))
    assert (self_pairs.p, self_pairs.q) == (like(SIMCLR).p, like(SIMCLR).q)
    assert self_pairs.setting != like(SIMCLR).setting
    # one Cauchy kernel, over rows here and over all pairs there
    t_sne, t_simcne = likeness(registry.load("t-sne")), likeness(registry.load("t-simcne"))
    assert t_sne.q == t_simcne.q and t_sne.setting != t_simcne.setting


# ------------------------------------------------------------------ computed edges


def kinds(graph: Graph, a: str, b: str) -> set[str]:
    return {e.kind for e in graph.edges if {e.source, e.target} == {a, b}}


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ("lgsimclr", "simclr", {"same-q", "differs-in-one-kernel"}),
        ("sne", "sne-uniform", {"same-q", "differs-in-one-kernel"}),
        ("simclr", "t-simcne", {"same-p", "differs-in-one-kernel"}),
        ("t-sne", "t-simcne", {"same-q"}),
        ("supcon", "supcon-in", {"same-p", "same-q"}),
        ("clip", "sne", set()),
    ],
)
def test_known_relations(graph: Graph, a: str, b: str, found: set[str]) -> None:
    assert kinds(graph, a, b) & set(COMPUTED) == found


def test_an_edge_says_which_kernel_differs(graph: Graph) -> None:
    by_ends = {(e.source, e.target): e for e in graph.edges if e.kind == "differs-in-one-kernel"}
    assert by_ends["lgsimclr", "simclr"].label == "p"
    assert by_ends["simclr", "t-simcne"].sentence == "simclr and t-simcne differ in q only"


def test_two_hundred_methods() -> None:
    methods = list(registry.all_methods())
    many = [replace(m, id=f"{m.id}-{k}") for k in range(1 + 200 // len(methods)) for m in methods]
    found = build(many[:200])
    assert len(found.nodes) == 200 and len(found.edges) > 1000


def test_edges_are_sorted_and_do_not_depend_on_the_order_of_the_methods(graph: Graph) -> None:
    methods = list(registry.all_methods())
    backwards = build(reversed(methods), map(claimed_edge, reversed(claimed_edges())))
    assert backwards == graph
    assert all(e.source < e.target for e in computed(methods))


def test_an_edge_to_a_method_that_is_not_there_is_left_out() -> None:
    found = build([registry.load("simclr")], map(claimed_edge, claimed_edges()))
    assert found.edges == () and [n.id for n in found.nodes] == ["simclr"]


# ------------------------------------------------------------------ export


def test_node_link_json_is_read_back_by_networkx(graph: Graph) -> None:
    data = json.loads(json.dumps(export.node_link(graph)))
    read = nx.node_link_graph(data, edges="edges")
    assert read.is_multigraph() and read.is_directed()
    assert set(read) == set(registry.ids()) and read.number_of_edges() == len(graph.edges)
    edge = read.edges["lgsimclr", "simclr", "lgsimclr-simclr"]
    assert edge["kind"] == "special-case" and edge["label"] == "knn[i,j] := j = pos[i]"
    assert edge["status"] == "claimed" and not edge["symmetric"]


def test_graphml_is_read_back_by_networkx(graph: Graph) -> None:
    text = export.graphml(graph)
    read = nx.parse_graphml(text, force_multigraph=True)
    assert set(read) == set(registry.ids()) and read.number_of_edges() == len(graph.edges)
    assert read.nodes["t-sne"]["q"] == "student-t"
    assert text == export.graphml(graph)


def test_dot_names_every_node_and_edge(graph: Graph) -> None:
    text = export.dot(graph)
    lines = text.splitlines()
    assert lines[0] == "digraph iconograph {" and lines[-1] == "}"
    assert sum(" -> " in line for line in lines) == len(graph.edges)
    assert len(lines) == len(graph.nodes) + len(graph.edges) + 3
    # every quote is closed and escaped: what is left of a line is plain words
    for line in lines[1:-1]:
        bare = re.sub(r'"(\\.|[^"\\])*"', "", line)
        assert '"' not in bare and bare.endswith(";")


def test_dot_escapes_what_a_name_may_hold() -> None:
    assert export.quoted('a "b" \\ c\nd') == '"a \\"b\\" \\\\ c\\nd"'


def test_unproved_edges_are_dashed(graph: Graph) -> None:
    (edge,) = [e for e in graph.edges if e.name == "t-sne-graph-t-sne"]
    one = replace(graph, edges=(edge,))
    assert "style=dashed" in export.dot(one)
    assert "style=dashed" not in export.dot(replace(one, edges=(replace(edge, status="proved"),)))


def test_every_kind_has_a_sentence(graph: Graph) -> None:
    for kind in KINDS:
        edge = replace(graph.edges[0], kind=kind, label="q")
        assert edge.source in edge.sentence and "{" not in edge.sentence
