"""The pages of reference, for the whole catalog without a proof, and for a few entries with one."""

from __future__ import annotations

import gzip
import json
import math
import re
import tomllib
from collections import Counter
from dataclasses import replace
from html import unescape
from types import ModuleType

import pytest

from catalog import registry
from catalog.divergences import DIVERGENCES
from catalog.implementations import implementations as recorded
from catalog.kernels import P_KERNELS, Q_KERNELS, QKernel
from catalog.periodic import named_gaps, periodic_table
from codegen.emit import emit
from codegen.numerics import Line
from derive.replay import replay
from derive.theorem import AXIOMS, RULES
from iconograph.browse.entries import measured
from iconograph.browse.kernel_plots import plot
from iconograph.browse.pages import errata, gaps, implementations, kernels, numerics, rules
from iconograph.browse.witness import counterexample
from iconograph.browse.world import World, brief
from iconograph.report import Row
from tests.site_checks import malformed, read
from tests.site_worlds import judged, rendered, unproved

FEW = ("jsd-is-half-jeffreys", "k-means-sign", "average-margin-clip", "t-supcon", "supcon")
MINE = (errata, gaps, kernels, rules)

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(name="few")
def few_entries() -> World:
    return judged(*FEW)


@pytest.fixture(name="unproved")
def whole_catalog() -> World:
    return unproved()


def site(made: World, *modules: ModuleType) -> dict[str, str]:
    """The pages of reference alone, or of some modules."""
    pages = [p for module in modules or MINE for p in module.pages(made)]
    files = rendered(made, pages)
    return {p.path: files[p.path].decode() for p in pages}


def words(page: str) -> str:
    return " ".join("".join(read(page).text).split())


def believed(made: World) -> World:
    """The same if every claim had come out as its file says; what is false has some witness."""
    witness = {"kind": "different", "against": "the claim", "sizes": {"n": 2}, "given": {},
               "masks": {}, "functions": {}, "points": [{}], "published": ["1"], "other": ["0"],
               "text": ""}  # fmt: skip
    entries = {}
    for name, e in made.entries.items():
        false = made.methods[name].claim.relation in ("false-as-stated", "does-not-reduce")
        outcome, detail = ("refuted", {"witness": witness}) if false else ("proved", {})
        row = replace(e.row, ok=True, outcome=outcome, detail=detail)  # type: ignore[arg-type]
        entries[name] = replace(e, row=row)
    return replace(made, entries=entries)


def test_nothing_is_false_that_is_not_refuted(unproved: World) -> None:
    assert not list(errata.pages(unproved))
    (page,) = errata.pages(believed(unproved))
    assert len(page.content["errata"]) == sum(  # type: ignore[arg-type]
        m.erratum is not None for m in unproved.methods.values()
    )


def test_the_whole_catalog_fits(unproved: World) -> None:
    found = site(believed(unproved))
    assert set(found) == {"errata.html", "gaps.html", "kernels.html", "rules.html"}
    for path, text in found.items():
        assert not malformed(text), path
        assert not re.search(r"\w\.\.(?!\.)", words(text)), path  # a sentence ends once
        assert len(gzip.compress(text.encode())) < 60_000, path


# ---------------------------------------------------------------------- false as printed


def test_errata_give_claim_place_numbers_and_truth(few: World) -> None:
    text = words(site(few, errata)["errata.html"])
    for name in ("jsd-is-half-jeffreys", "k-means-sign"):
        m, data = few.methods[name], few.entries[name].row.detail["witness"]
        assert m.erratum is not None
        assert all(x in text for x in (m.erratum.claimed, m.erratum.where, m.claim.correction))
        for value in (*data["published"], *data["other"]):
            assert value.strip("[]").replace("+/-", "±").replace("-", "−") in text
    assert "average-margin-clip" not in text


def test_another_witness_is_another_page(few: World) -> None:
    known = few.entries["k-means-sign"]
    witness = {**known.row.detail["witness"], "published": ["[4.5 +/- 1e-15]"],
               "other": ["0"]}  # fmt: skip
    changed = replace(known, row=replace(known.row, detail={"witness": witness}))
    entries = {**few.entries, "k-means-sign": changed}
    shown = words(site(replace(few, entries=entries), errata)["errata.html"])
    assert "4.5 ± 1e−15" in shown and "4.40000000000000" not in shown


def test_a_witness_counts_elements_from_one() -> None:
    row = Row("a", "a", "exact", "refuted", "witness", False, 0.0, "", (), "", (), {"witness": {
        "kind": "different", "against": "every scale and constant", "sizes": {"n": 2},
        "given": {"x": [["0", "-1/2"], ["1", "2"]]}, "masks": {}, "functions": {"y": ["0", "1"]},
        "points": [{"z": ["1", "0"]}, {"z": ["2", "0"]}], "published": ["[1.5 +/- 2.0e-9]"],
        "other": ["2"], "text": "",
    }})  # fmt: skip
    found = counterexample(row)
    assert found is not None and found.heads == ("published", "I-Con")
    assert [(g.name, g.value) for g in found.given] == [("x", "(0 −1/2) (1 2)"), ("y", "1 2")]
    assert [(p.left, p.right) for p in found.points] == [("1.5 ± 2.0e−9", "2"), ("", "")]
    assert counterexample(replace(row, outcome="unknown")) is None


# ---------------------------------------------------------------------- gaps


def test_a_gap_is_closed_where_the_table_says_so(unproved: World) -> None:
    (page,) = gaps.pages(unproved)
    shown = {g.gap.id: g for g in page.content["gaps"]}  # type: ignore[attr-defined]
    still = {g.id for cell in unproved.table.cells.values() for g in cell.gaps}
    assert set(shown) == {g.id for g in named_gaps()}
    assert {name for name, g in shown.items() if g.closed is None} == still
    text = site(unproved, gaps)["gaps.html"]
    assert all(f'id="gap-{name}"' in text for name in shown)


def test_what_is_not_proved_is_claimed(unproved: World) -> None:
    claimed = words(site(unproved, gaps)["gaps.html"])
    assert "What is claimed" in claimed and "What is proved" not in claimed
    shown = believed(unproved)
    shown = replace(shown, briefs={
        name: brief(m, shown.entries[name], "") for name, m in shown.methods.items()
    })  # fmt: skip
    text = words(site(shown, gaps)["gaps.html"])
    assert "What is proved" in text and "What is claimed" not in text


def test_without_the_entry_a_gap_is_open(unproved: World) -> None:
    left = {name: m for name, m in unproved.methods.items() if name != "t-supcon"}
    (page,) = gaps.pages(replace(unproved, methods=left, table=periodic_table(left.values())))
    shown = {g.gap.id: g.closed for g in page.content["gaps"]}  # type: ignore[attr-defined]
    assert shown["t-supcon"] is None and shown["t-clip"] is not None


def test_a_program_is_offered_where_there_is_one(few: World) -> None:
    assert few.entries["t-supcon"].programs
    assert "iconograph generate t-supcon" in words(site(few, gaps)["gaps.html"])


# ---------------------------------------------------------------------- kernels


def test_kernels_stand_with_those_who_use_them(unproved: World) -> None:
    (page,) = kernels.pages(unproved)
    wanted: dict[tuple[str, str], set[str]] = {}
    for m in unproved.methods.values():
        if not m.icon.blocks:
            continue
        for part in "pq":
            said = tomllib.loads(m.text)[part].get("kernel", "formula")
            wanted.setdefault((part, said), set()).add(m.id)
    words = [*page.content["supervisory"], *page.content["learned"]]  # type: ignore[misc]
    shown = {(w.part, w.name): {b.id for b in w.used} for w in words}
    assert {key: ids for key, ids in shown.items() if ids} == wanted
    assert set(shown) == {*(("p", k) for k in P_KERNELS), *(("q", k) for k in Q_KERNELS)}
    assert not any(w.limits for w in words), "nothing is proved of them"
    (page,) = kernels.pages(believed(unproved))
    wide = next(w for w in page.content["learned"] if w.name == "gaussian")  # type: ignore[attr-defined]
    assert ("s-stress", "∞") in {(x.brief.id, x.to) for x in wide.limits}
    text = site(unproved, kernels)["kernels.html"]
    for part, names in (("p", P_KERNELS), ("q", Q_KERNELS), ("d", DIVERGENCES)):
        assert all(f'id="{part}-{name}"' in text for name in names)


FORMS = {
    "gaussian": ("bandwidth 2", lambda d: math.exp(-d * d / 8)),
    "student-t": ("dof 3", lambda d: (1 + d * d / 3) ** -2),
    "inverse-power": ("power 4", lambda d: d**-4),
    "dot": ("temperature 0.3", lambda d: math.exp(-d * d / 0.6)),
    "logit": ("temperature 2", lambda s: math.exp((s - 4) / 2)),
    "sigmoid": ("match", lambda s: 1 / (1 + math.exp(-s))),
}


def furthest(kernel: QKernel, name: str) -> float:
    """The largest relative difference of a drawn curve from its closed form."""
    found = plot(kernel)
    assert found is not None
    label, form = FORMS[name]
    curve = next(c for c in found.curves if c.label == label)
    return max(abs(y / form(x) - 1) for x, y in curve.points)


@pytest.mark.parametrize("name", FORMS)
def test_kernels_are_drawn_as_they_are(name: str) -> None:
    kernel = Q_KERNELS[name]
    assert furthest(kernel, name) < 1e-4  # x and y are rounded to six digits
    other = kernel.kernel.replace("score", "(score^2)")
    assert furthest(replace(kernel, kernel=other), name) > 0.1


def test_what_has_no_distance_is_not_drawn() -> None:
    assert [plot(Q_KERNELS[name]) for name in ("cluster", "formula")] == [None, None]
    assert plot(P_KERNELS["gaussian"]) and plot(P_KERNELS["one-hot"]) is None
    assert plot(replace(P_KERNELS["gaussian"], template="exp(-|points(i)|^2)")) is None


def test_latex_of_a_plugin_that_is_not_read_is_text() -> None:
    assert kernels.latex(r"\foo{x}").text == r"\foo{x}" and not kernels.latex(r"\foo{x}").mathml
    assert kernels.latex(r"\exp(-d)").mathml


# ---------------------------------------------------------------------- rules


def counted(made: World) -> Counter[str]:
    """How often each rule and axiom is used, by replaying the certificates."""
    found = Counter[str]()
    for e in made.entries.values():
        if e.row.certificate:
            body = json.loads(e.row.certificate)
            made_by = replay(body["terms"], body["steps"])
            found.update(t.args[0] if t.rule == "axiom" else t.rule for t in made_by)
    return found


def test_uses_are_those_of_the_certificates(few: World) -> None:
    (page,) = rules.pages(few)
    shown = {x.name: x.used.steps for part in ("rules", "axioms") for x in page.content[part]}  # type: ignore[attr-defined]
    assert set(shown) == {*RULES, *AXIOMS} - {"axiom"}
    assert {name: n for name, n in shown.items() if n} == dict(counted(few))
    fewer = replace(few, entries={k: e for k, e in few.entries.items() if k != "supcon"})
    assert counted(fewer) != counted(few)


def test_no_axiom_looks_trivial(unproved: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def trivial() -> list[str]:
        (page,) = rules.pages(unproved)
        said = {a.name: a.conclusion.text for a in page.content["axioms"]}  # type: ignore[attr-defined]
        return [name for name, x in said.items() if len(set(x.split(" = "))) < x.count(" = ") + 1]

    assert not trivial()
    monkeypatch.setattr(rules, "text", lambda t: str(id(t)))
    assert trivial() == ["inv_mul"]


def test_lemmas_stand_with_their_formulas(unproved: World) -> None:
    text = words(site(unproved, rules)["rules.html"])
    some = [m for m in unproved.methods.values() if m.steps][::10]
    assert len(some) > 4 and all(f.text in text for m in some for f in m.steps)


# ---------------------------------------------------------------------- libraries and numerics


def test_functions_that_differ_stand_with_both_numbers(unproved: World) -> None:
    found = rendered(unproved, implementations.pages(unproved))["implementations.html"].decode()
    assert not malformed(found) and len(gzip.compress(found.encode())) < 60_000
    text = words(found)
    for item in recorded():
        assert f'id="impl-{item.id}"' in found
        assert item.reproducer.split("\n")[-2] in unescape(found)
        if item.relation == "different":
            assert item.witness is not None
            for number in (item.witness.theirs, item.witness.published):
                assert text.count(f"{number:.9g}".replace("-", "−")) > 1, item.id
    different = found.partition('id="different"')[2].partition('id="alike"')[0]
    named = set(re.findall(r'<article class="item" id="impl-([^"]+)"', different))
    assert named == {i.id for i in recorded() if i.relation == "different"}
    few = replace(unproved, methods={"jensen": unproved.methods["jensen"]})
    assert not list(implementations.pages(few)), "nobody implements a theorem"


def test_a_report_says_what_is_worst() -> None:
    fine = Line("plain", "float64", "within bound", True, True, 1e-16, 4e-16, 3e-16, 9e-16)
    wrong = replace(fine, case="N = 1", what="OUTSIDE: the value", within=False, value_error=0.5)
    none = Line("a score of -inf", "float64", "the formula has no value: ...", True)
    assert numerics.said((fine,)) == "on 1 hard input within 3e-16 of the formula"
    assert numerics.said((fine, none)) == "on 2 hard inputs within 3e-16 of the formula"
    assert numerics.said((none,)) == "on 1 hard input, at none of which the formula has a value"
    assert numerics.said((fine, wrong)) == "on 2 hard inputs, OUTSIDE of its bound at N = 1"
    assert numerics.case(none).numbers == ("", "", "", "")


def test_programs_are_run_and_those_that_are_wrong_are_seen() -> None:
    method = registry.load("infonce")
    program = emit(method, "numpy")
    lines = measured(method, program)
    assert len(lines) > 4 and all(x.within for x in lines) and not measured(method, "")
    wrong = program.replace("score / temperature", "score * temperature")
    assert wrong != program and not all(x.within for x in measured(method, wrong))
    made = judged("infonce")
    entries = {"infonce": replace(made.entries["infonce"], numerics=lines)}
    made = replace(made, entries=entries)
    text = rendered(made, numerics.pages(made))["numerics.html"].decode()
    assert not malformed(text) and 'id="num-infonce"' in text and "all within their" in text
    assert text.count('<th scope="row">') == len(lines) and 'id="outside"' not in text
    entries = {"infonce": replace(entries["infonce"], numerics=measured(method, wrong))}
    shown = rendered(made, numerics.pages(replace(made, entries=entries)))["numerics.html"].decode()
    assert not malformed(shown) and 'id="outside"' in shown and "OUTSIDE" in shown
