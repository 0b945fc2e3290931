"""Two methods side by side: what differs, how they are related, what both say of one batch."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog import registry
from catalog.errors import InputError
from catalog.graph import Edge, build
from catalog.load import load_text
from codegen import oracle
from codegen.samples import sample
from iconograph import batch
from iconograph import compare as compare_module
from iconograph.cli import app
from iconograph.compare import Comparison, aspects, cheapest, compare, numbers, path_between

SIMCLR = (registry.methods_dir() / "simclr.toml").read_text()


def call(*arguments: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(app, list(arguments))


def compared(a: str, b: str) -> Comparison:
    return compare(registry.load(a), registry.load(b))


def marks(found: Comparison) -> dict[str, str]:
    return {a.key.strip(): a.mark for a in found.aspects}


# ------------------------------------------------------------------ rows


def test_what_differs_is_marked() -> None:
    found = marks(compared("supcon", "simclr"))
    for key in ("published", "p kernel", "labels", "target", "p(j|i)", "q kernel", "k(i,j)"):
        assert found[key] == "≠", key
    for key in ("year", "temperature", "bias", "normalised", "anchors", "neighbours", "weights"):
        assert found[key] == "", key
    assert found["on self-pairs"] == "" and found["on reduction"] == "≠"


def test_a_difference_of_names_is_told_from_one_of_kernels() -> None:
    other = re.sub(r"\bz\b", "emb", SIMCLR.replace('"simclr"', '"mine"'))
    other = re.sub(r"\btau\b", "T", other)
    found = marks(Comparison(*(m := (registry.load("simclr"), load_text(other))),
                             tuple(aspects(*m)), (), numbers(*m)))  # fmt: skip
    assert {found[k] for k in ("embedding", "keys", "k(i,j)")} == {"≈"}
    assert found["q kernel"] == "" and found["published"] == "≠"
    # the same names and another kernel
    squared = load_text(SIMCLR.replace('temperature = "tau"', 'temperature = "tau^2"', 1))
    again = {a.key.strip(): a.mark for a in aspects(registry.load("simclr"), squared)}
    assert again["k(i,j)"] == "≠" and again["q kernel"] == "" and again["embedding"] == ""


def test_normface_and_cosface_differ_in_the_bias() -> None:
    found = marks(compared("simclr", "lgsimclr"))
    assert found["embedding"] == found["k(i,j)"] == "" and found["p(j|i)"] == "≠"
    found = marks(compared("conditional-t-sne", "t-sne"))
    assert found["k(i,j)"] == "" and found["normalised"] == "≠"


def test_a_method_differs_from_itself_in_nothing() -> None:
    found = compared("clip", "clip")
    assert not any(a.mark for a in found.aspects) and found.path == ()
    assert found.numbers.values[0] == found.numbers.values[1]


# ------------------------------------------------------------------ the path


def test_the_path_is_the_claimed_edge_and_proved() -> None:
    found = compared("simclr", "lgsimclr")
    (edge,) = found.path
    assert edge.name == "lgsimclr-simclr" and edge.status == "proved" and found.proved
    assert len(edge.certificate) == 64


def test_a_path_may_have_several_steps() -> None:
    found = compared("sne", "t-sne")
    assert len(found.path) > 1 and found.proved
    ends = [{e.source, e.target} for e in found.path]
    assert "sne" in ends[0] and "t-sne" in ends[-1]
    assert all(a & b for a, b in pairwise(ends))


def test_a_path_is_not_proved_where_nobody_asked() -> None:
    found = compare(registry.load("simclr"), registry.load("lgsimclr"), prove=False)
    assert found.path[0].status == "claimed" and not found.proved


def test_the_cheapest_path_is_found() -> None:
    def edge(a: str, b: str, kind: str) -> Edge:
        return Edge(a, b, kind, "computed")

    nodes = build(replace(registry.load("simclr"), id=n) for n in "abcdefg").nodes
    direct, detour = edge("a", "d", "same-p"), [
        edge("b", "a", "special-case"), edge("b", "c", "equal-up-to"), edge("d", "c", "limit"),
    ]  # fmt: skip
    graph = compare_module.Graph(nodes, (direct, *detour))
    assert cheapest(graph, "a", "d") == (direct,), "4 against 1 + 1 + 2: the first that is found"
    graph = compare_module.Graph(nodes, (direct, *detour[:2], edge("c", "d", "special-case")))
    assert [e.kind for e in cheapest(graph, "a", "d")] == [
        "special-case", "equal-up-to", "special-case",
    ]  # fmt: skip
    chain = tuple(edge(a, b, "limit") for a, b in zip("abcdef", "bcdefg", strict=True))
    graph = compare_module.Graph(nodes, chain)
    assert len(cheapest(graph, "a", "e")) == 4 and cheapest(graph, "a", "f") == ()


def test_kernels_in_common_make_no_chain() -> None:
    whole = build(registry.all_methods())
    assert [e.kind for e in cheapest(whole, "simclr", "t-simcne")] == ["differs-in-one-kernel"]
    assert cheapest(whole, "supcon", "dpo") == ()
    supcon = [e for e in whole.edges if "supcon" in (e.source, e.target)]
    refuted = [e for e in supcon if "decoupled-contrastive" in (e.source, e.target)]
    assert "differs-in-one-kernel" in {e.kind for e in supcon}
    assert "differs-in-one-kernel" not in {e.kind for e in refuted}, "its loss is not its pair's"


def test_all_that_is_claimed_of_two_methods_is_shown() -> None:
    found = compare(registry.load("supcon"), registry.load("supcon-in-coarse"))
    both = {(e.kind, e.status) for e in (*found.path, *found.also)}
    assert both == {("bound", "proved"), ("coarse-graining", "proved")}
    other = compare(registry.load("clip"), registry.load("t-sne"), prove=False)
    assert other.also == () and found.to_json()["also"][0]["sentence"]


def test_a_file_of_ones_own_is_in_the_graph(tmp_path: Path) -> None:
    mine = SIMCLR.replace('"simclr"', '"mine"').replace("cosine", "dot", 1)
    other = load_text(mine.replace('formula = "', 'formula = "2*'))
    path = path_between(other, registry.load("simclr"))
    assert [(e.kind, e.label) for e in path] == [("differs-in-one-kernel", "q")]


# ------------------------------------------------------------------ numbers


def test_a_claimed_equation_gives_both_of_its_sides() -> None:
    found = compared("simclr", "supcon").numbers
    assert found.left == "supcon with z[i] := z[i]/|z[i]|" and found.right == "n * simclr"
    assert found.values[0] == pytest.approx(found.values[1], rel=1e-12) and found.values[0] > 0


def test_matched_losses_are_evaluated_on_shared_data() -> None:
    a, b = registry.load("simclr"), registry.load("t-simclr")
    found = batch.by_matching(a, b)
    assert dict(found.shared) == {"z": "z", "pos": "pos", "tau": "tau"}
    assert found.apart == ("t-simclr: nu",)
    data = batch.any_sample(batch.matched(a, b)[0].words)
    mine = {name: data.data[name] for name in ("z", "pos", "tau")}
    assert found.values[0] == pytest.approx(oracle.published(a, data.sizes, mine).value)
    assert found.values[1] == pytest.approx(oracle.published(b, data.sizes, data.data).value)


def test_what_only_one_has_is_drawn_for_it() -> None:
    found = batch.by_matching(registry.load("supcon"), registry.load("x-sample"))
    assert found.values[0] != found.values[1] and not found.why
    assert dict(found.shared) == {"z": "z", "tau": "tau"}
    assert found.apart == ("supcon: y", "x-sample: G", "x-sample: tau_s")
    assert "supcon.classes" in found.sizes


def test_symbols_are_matched_by_their_part_in_a_kernel() -> None:
    other = re.sub(r"\btau\b", "T", re.sub(r"\bz\b", "emb", SIMCLR))
    _, shared = batch.matched(registry.load("simclr"), load_text(other))
    assert shared == {"z": "emb", "tau": "T", "pos": "pos"}
    found = batch.by_matching(registry.load("simclr"), load_text(other))
    assert found.values[0] == found.values[1]
    wrong = other.replace("mean[i] -log", "sum[i] -log")
    found = batch.by_matching(registry.load("simclr"), load_text(wrong))
    assert found.values[1] == pytest.approx(found.sizes["n"] * found.values[0])


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ("clip", "infonce", "clip compares items of one set, infonce of two"),
        ("infonce", "simclr", "infonce compares items of two sets, simclr of one"),
        ("dpo", "siglip", "the answers of dpo are not like the outcomes of siglip"),
        ("simclr", "clip", "clip trains T (vector[i]), and simclr has nothing like it"),
        ("clip", "simclr", "nothing that simclr trains can stand for the"),
        ("label-smoothing", "harmonic", "nothing that harmonic trains can stand for the z"),
    ],
)
def test_why_there_are_no_numbers(a: str, b: str, why: str) -> None:
    found = batch.by_matching(registry.load(a), registry.load(b))
    assert found.why.startswith(why) or why in found.why, found.why
    assert found.to_json()["values"] is None


def test_hypotheses_of_both_hold_on_the_batch() -> None:
    a, b = registry.load("lgsimclr"), registry.load("simclr")
    alignment, _ = batch.matched(a, b)
    assert len(alignment.words.assumes) == len(a.assumes) + len(b.assumes)
    contradicting = replace(a, assumes=(*a.assumes, replace(a.assumes[0], relation=">")))
    none = SIMCLR.replace('"the partner is another view"', '"n is small" = "n < 2"\n"the partner"')
    found = batch.by_matching(contradicting, load_text(none))
    assert "no data found on which" in found.why


def test_a_formula_without_a_value_is_no_number() -> None:
    bad = SIMCLR.replace("mean[i] -log(", "mean[i] -log(1/(tau-tau)*")
    assert "has no value" in batch.by_matching(registry.load("simclr"), load_text(bad)).why


def test_samples_of_the_equations_are_found() -> None:
    from catalog.edges import claimed_edges

    for edge in claimed_edges():
        if edge.states_equation:
            a, b = registry.load(edge.source), registry.load(edge.target)
            found = numbers(a, b)
            assert not found.why, (edge.name, found.why)
            assert found.values[0] == pytest.approx(found.values[1], rel=1e-9), edge.name
    assert sample(registry.load("simclr")).sizes


# ------------------------------------------------------------------ the command


def test_the_command() -> None:
    done = call("compare", "supcon", "NT-Xent", COLUMNS="80")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["supcon", "simclr"]
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("≠  p kernel") for line in lines)
    assert "path     n * simclr is supcon with z[i] := z[i]/|z[i]|" in done.stdout
    assert "(proved)" in " ".join(done.stdout.split())
    assert "numbers  on one random batch, n = 4" in done.stdout


def test_json() -> None:
    document = json.loads(call("compare", "sne", "t-sne", "--json").stdout)
    assert document["schema"] == "iconograph/compare/1" and document["path_proved"] is True
    assert document["methods"] == ["sne", "t-sne"]
    (q,) = [a for a in document["aspects"] if a["key"] == "q kernel"]
    assert (q["left"], q["right"], q["mark"]) == ("gaussian", "student-t", "≠")
    assert len(document["numbers"]["values"]) == 2
    document = json.loads(call("compare", "clip", "infonce", "--json", "--no-prove").stdout)
    assert document["numbers"]["why"]


def test_no_path_and_no_numbers_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "path_between", lambda a, b, prove: ())
    done = call("compare", "clip", "infonce")
    assert done.exit_code == 0 and "the graph has none of four steps or fewer" in done.stdout
    assert "numbers  none: clip compares items of one set" in done.stdout
    assert "this is one method" in call("compare", "clip", "CLIP").stdout


def test_unknown_names() -> None:
    done = call("compare", "supcon", "simcrl")
    assert done.exit_code == 2 and 'did you mean "simclr"?' in done.stderr
    assert call("compare", "supcon").exit_code == 2


def test_an_entry_without_a_pair_is_refused() -> None:
    method = registry.load("simclr")
    bare = replace(method, icon=replace(method.icon, blocks=()))
    with pytest.raises(InputError, match="states no pair"):
        compare(bare, method)
