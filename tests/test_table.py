"""The periodic table: every method where its pair puts it, and a reason for every empty cell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from catalog import registry
from catalog.errors import InputError
from catalog.load import load_text
from catalog.periodic import (
    NO_METHOD,
    SUPERVISORY,
    Gap,
    Table,
    learned,
    named_gaps,
    periodic_table,
    supervisory,
    undefined,
)
from iconograph.cli import app
from iconograph.grid import About, folded, footnotes, legend, marked, pages

METHODS = tuple(registry.all_methods())


def call(*arguments: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(app, list(arguments))


@pytest.fixture(scope="module")
def table() -> Table:
    return periodic_table(METHODS)


# ------------------------------------------------------------------ placing


@pytest.mark.parametrize(
    ("name", "p", "q"),
    [
        ("sne", "gaussian", "gaussian"),
        ("t-sne", "gaussian", "student-t"),
        ("dual-t-sne", "student-t", "gaussian"),
        ("doubly-t-sne-joint", "student-t", "student-t"),
        ("t-k-means", "student-t", "cluster"),
        ("x-sample", "softmax", "cosine"),
        ("t-sne-uniform", "uniform", "student-t"),
        ("dcd", "weights", "cluster"),
        ("simclr", "positive-pair", "cosine"),
        ("infonce", "positive-pair", "dot"),
        ("dpo", "positive-pair", "logit"),
        ("clip", "cross-modal", "cosine"),
        ("moco-v3", "cross-modal", "logit"),
        ("supcon", "same-label", "dot"),
        ("cross-entropy", "class-label", "logit"),
        ("harmonic", "class-label", "inverse-power"),
        ("siglip", "match", "sigmoid"),
    ],
)
def test_known_places(name: str, p: str, q: str) -> None:
    method = registry.load(name)
    assert (supervisory(method), learned(method)) == (p, q)


def test_the_anchor_itself_is_told_from_its_item_in_another_table() -> None:
    text = (registry.methods_dir() / "clip.toml").read_text()
    one = text.replace('keys = "T"\n', "")
    assert supervisory(load_text(text)) == "cross-modal" and supervisory(load_text(one)) == "itself"


def test_other_weights_are_no_heavy_tail() -> None:
    """What is above one far away, or is no power of one plus a distance, is a graph's weight."""
    text = (registry.methods_dir() / "dual-t-sne.toml").read_text()
    tail = "(1 + |x[i]-x[j]|^2/nu)^(-(nu+1)/2)"
    assert text.count(tail) == 1
    for other in (tail.replace("^(-", "^(+"), tail.replace("1 +", "2 +"), "nu + |x[i]-x[j]|^2"):
        assert supervisory(load_text(text.replace(tail, other.replace("^(+", "^(")))) == "weights"


@pytest.mark.parametrize(
    ("bandwidth", "to", "place"),
    [
        ("sigma", "infinity", "wide"), ("sigma", "0", "narrow"), ("1/sigma", "0", "wide"),
        ("3*sigma^2", "infinity", "wide"), ("2/(3*sigma)", "infinity", "narrow"),
        ("1", "0", "gaussian"),
    ],
)  # fmt: skip
def test_a_limit_has_a_column_of_its_own(bandwidth: str, to: str, place: str) -> None:
    text = (registry.methods_dir() / "sne.toml").read_text()
    text = text.replace('sigma = "positive[i]"', 'sig = "positive[i]"\nsigma = "positive"')
    text = text.replace("sigma[i]", "sig[i]").replace('bandwidth = "sigma"', 'bandwidth = "sig"')
    text = text.replace('embedding = "y"', f'embedding = "y"\nbandwidth = "{bandwidth}"')
    limit = SimpleNamespace(relation="limit", parameter="sigma", to=to)
    assert learned(replace(load_text(text), claim=limit)) == place


def test_every_method_stands_in_one_cell(table: Table) -> None:
    found = [m for c in table.cells.values() for m in c.methods]
    assert sorted([*found, *table.apart]) == sorted(m.id for m in METHODS)
    assert len(table.cells) == len(table.supervisory) * len(table.learned)


def test_no_method_stands_where_none_can_be() -> None:
    for method in METHODS:
        if method.icon.blocks:
            assert not undefined(supervisory(method), learned(method)), method.id


def test_every_empty_cell_has_a_reason(table: Table) -> None:
    for (p, q), cell in table.cells.items():
        assert cell.methods or cell.reason, (p, q)
    assert table.cells["itself", "wide"].reason == NO_METHOD or (
        table.cells["itself", "wide"].kind == "known"
    )
    assert table.cells["itself", "inverse-power"].kind == "undefined"


def test_what_is_said_to_be_undefined_cannot_be_loaded() -> None:
    """The vocabulary refuses the sigmoid over neighbours, as the table says."""
    text = (registry.methods_dir() / "simclr.toml").read_text()
    text = text.replace('kernel = "cosine"', 'kernel = "sigmoid"')
    text = text.replace('embedding = "z"\ntemperature = "tau"', 'logit = "z[i].z[j]"')
    with pytest.raises(InputError, match="needs neighbours over a set with elements match and"):
        load_text(text)
    assert undefined(supervisory(registry.load("simclr")), "sigmoid")


def test_a_kernel_that_nobody_listed_gets_a_line_at_the_end(table: Table) -> None:
    method = registry.load("simclr")
    icon = replace(method.icon, q=replace(method.icon.q, name="student-t"))
    assert periodic_table([replace(method, icon=icon)]).learned == table.learned
    strange = replace(method.icon, p=replace(method.icon.p, name="symmetrised-gaussian"))
    assert supervisory(replace(method, icon=strange)) == "gaussian"
    from catalog.kernels import P_KERNELS, PKernel

    P_KERNELS["zeta"] = PKernel("zeta", "Zeta of everything there is", "set", "over", "", "")
    try:
        zeta = replace(method.icon, p=replace(method.icon.p, name="zeta"))
        found = periodic_table([replace(method, icon=zeta)])
        assert [r.key for r in found.supervisory] == [*(r.key for r in SUPERVISORY), "zeta"]
        assert found.supervisory[-1].title == "Zeta of everyt"
        assert found.cells["zeta", "cosine"].methods == ("simclr",)
    finally:
        del P_KERNELS["zeta"]


# ------------------------------------------------------------------ gaps


def test_the_twelve_named_gaps_are_open_or_closed(table: Table) -> None:
    gaps = named_gaps()
    assert len(gaps) == 12
    names = {n.casefold() for m in METHODS for n in (m.id, m.name, *m.aliases)}
    closed = {g.id for g in gaps if {g.id, g.name.casefold()} & names}
    shown = {g.id for c in table.cells.values() for g in c.gaps}
    assert shown == {g.id for g in gaps} - closed


def test_a_method_closes_the_gap_of_its_name() -> None:
    gap = Gap("new", "A new loss", "same-label", "wide", "note")
    assert periodic_table(METHODS, [gap]).cells["same-label", "wide"].gaps == (gap,)
    for change in ({"id": "new"}, {"name": "a NEW loss"}, {"aliases": ("A new loss",)}):
        other = replace(registry.load("supcon"), **change)
        found = periodic_table([*METHODS, other], [gap]).cells
        assert not any(c.gaps for c in found.values()), change


def test_a_gap_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"in a cell \(x, wide\) that is not there"):
        periodic_table(METHODS, [Gap("g", "G", "x", "wide", "")])
    path = tmp_path / "gaps.toml"
    path.write_text('[g]\nname = "G"\n')
    with pytest.raises(InputError, match="the gap 'g' has name, note, p, q"):
        named_gaps(path)


# ------------------------------------------------------------------ the terminal


@pytest.mark.parametrize("width", [80, 60, 100, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    done = call("table", COLUMNS=str(width))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if line != line.rstrip()]


def test_a_pipe_gets_eighty_columns() -> None:
    def grid(text: str) -> list[str]:
        return [line for line in text.splitlines() if "│" in line]

    assert grid(call("table").stdout) == grid(call("table", COLUMNS="80").stdout)


def test_every_method_and_gap_is_on_the_page(table: Table) -> None:
    text = call("table", COLUMNS="80").stdout
    bare = "".join(text.split())
    about = {m.id: About(m.claim.relation) for m in METHODS}
    for cell in table.cells.values():
        for name in cell.methods:
            parts = folded(marked(name, about))
            assert all(part.strip() in text for part in parts), name
    for gap in (g for c in table.cells.values() for g in c.gaps):
        assert "".join(f"[{gap.name}]".split()) in bare
    for line in (*table.supervisory, *table.learned):
        assert line.title in text
    assert f"{len(METHODS) - len(table.apart)} methods in " in text


def test_what_does_not_reduce_is_marked() -> None:
    text = call("table", COLUMNS="80").stdout
    assert "supcon-in ✗" in text and "supcon\n" in text.replace(" ", "")
    assert "its file says that the loss is not this pair" in text


def test_a_mark_does_not_stand_alone_on_a_line() -> None:
    assert folded("encouraging-losses ✗") == ["encouraging-", "  losses ✗"]
    assert folded("[Average-margin CLIP]") == ["[Average-margin", "  CLIP]"]
    assert folded("focal ✗") == ["focal ✗"] and folded("simclr ≤+") == ["simclr ≤+"]
    assert not any(line.strip() == "✗" for line in call("table").stdout.split("│"))


def test_marks_are_explained_where_they_are_used_only(table: Table) -> None:
    plain = {m.id: About("exact") for m in METHODS}
    words = dict(legend(table, plain))
    assert "✗" not in words and "+" not in words
    other = {**plain, "simclr": About("bound", "some")}
    words = dict(legend(table, other))
    assert {"≤", "+"} <= set(words)
    grid = next(iter(pages(table, other, 10_000)))
    cells = [str(c) for column in grid.columns for c in column.cells]
    assert any("simclr ≤+" in c for c in cells)


def test_every_reason_has_a_letter_and_no_two_share_one(table: Table) -> None:
    letters = footnotes(table)
    assert len(set(letters.values())) == len(letters) > 2
    used = {c.reason for c in table.cells.values() if c.kind == "undefined"}
    assert set(letters) == used


def test_the_list_is_as_it_was() -> None:
    plain = call("table", "--no-judge").stdout
    assert plain.splitlines()[0].split() == ["id", "name", "field", "p", "q", "relation"]
    assert plain == call("table", "--list", "--no-judge").stdout


def test_json() -> None:
    document = json.loads(call("table", "--no-judge", "--json").stdout)
    assert document["schema"] == "iconograph/table/1"
    cells = {(c["p"], c["q"]): c for c in document["cells"]}
    assert "simclr" in cells["positive-pair", "cosine"]["methods"]
    # every named gap has an entry by now; what a gap looks like is tested with one of its own
    assert {c["kind"] for c in cells.values()} == {"known", "undefined", "blank"}
    (dual,) = cells["student-t", "gaussian"]["gaps"] or [{"id": "dual-t-sne"}]
    assert dual["id"] == "dual-t-sne"
    assert [r["key"] for r in document["rows"]][: len(SUPERVISORY)] == [r.key for r in SUPERVISORY]
    simclr = next(m for m in document["methods"] if m["id"] == "simclr")
    assert simclr["origin"] == "" and simclr["outcome"] is None
