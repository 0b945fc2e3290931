"""Claimed edges: every one is proved, and what is wrong with one is refuted or pointed at."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog import registry
from catalog.edges import (
    EQUATIONS,
    NAMED,
    THEOREMS,
    Claimed,
    claimed_edges,
    read_edges,
    relations_dir,
)
from catalog.equation import equation
from catalog.errors import InputError, Place
from catalog.graph import claimed_edge
from catalog.params import Text
from catalog.spec import Method
from catalog.symbols import Num
from derive import relations
from derive.relations import EdgeVerdict, judge
from derive.terms import RuleError
from iconograph.cli import app
from iconograph.network import claims
from tests import proofs

EDGES = {e.name: e for e in claims()}
EQUATED = [e for e in EDGES.values() if e.states_equation]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def text(written: str) -> Text:
    return Text(written, Place.of(written))


def verdict(edge: Claimed) -> EdgeVerdict:
    return judge(edge, registry.load)


def read(written: str) -> Claimed:
    (edge,) = read_edges(written, "mine.toml")
    return edge


# ------------------------------------------------------------------ the catalog's


def test_there_are_edges_of_both_kinds() -> None:
    assert len(EQUATED) >= 15
    assert {e.kind for e in EQUATED} == set(EQUATIONS)
    assert {e.kind for e in EDGES.values()} == {*EQUATIONS, *THEOREMS, *NAMED}


@pytest.mark.parametrize("name", [
    # beside the tests of the entry, whose verdict is then there
    pytest.param(n, marks=pytest.mark.xdist_group(e.proof or n)) for n, e in EDGES.items()
])  # fmt: skip
def test_every_claimed_edge_is_proved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "_verdict", lambda entry: proofs.verdict(entry.id))
    found = verdict(EDGES[name])
    assert found.ok, f"{name} is {found.outcome}: {found.why}"
    if EDGES[name].states_equation:
        assert found.outcome == "proved" and found.steps > 0 and len(found.hash) == 64
        assert found.seconds < 20, "0.1 to 1 second on a machine of one's own"


@pytest.mark.parametrize("edge", EQUATED, ids=lambda e: e.name)
def test_another_scale_or_constant_is_refuted(edge: Claimed) -> None:
    for wrong in (
        replace(edge, scale=text(f"2*({edge.scale.text})")),
        replace(edge, constant=text(f"1 + {edge.constant.text}")),
    ):
        found = verdict(wrong)
        assert found.outcome == "refuted" and not found.ok and found.why
        assert not found.hash


PLANTED = [
    ("label-smoothing-cross-entropy", "epsilon", "1/2"),
    ("focal-cross-entropy", "gamma", "1"),
    ("distillation-label-smoothing", "T", "2"),
    ("distillation-label-smoothing", "v[i,c]", "(1-epsilon)*[c = y[i]] + epsilon/classes"),
    ("cross-entropy-cosface", "x[i,c]", "s*cos(x[i],w[c]) + s*m*[c = y[i]]"),
    ("cross-entropy-dpo", "y[i]", "loser"),
    ("cross-entropy-harmonic", "x[i,c]", "-h*log(|x[i]-w[c]|^2)"),
    ("cross-entropy-infonce", "x[i,j]", "c[i].z[j]*tau"),
    ("infonce-k-infonce", "k", "2"),
    ("infonce-k-infonce", "match[i,j]", "j != pos[i]"),
    ("lgsimclr-simclr", "knn[i,j]", "i = pos[j]"),
    ("lgsimclr-supcon", "knn[i,j]", "y[j] != y[i]"),
    ("supcon-simclr", "z[i]", "z[i]"),
    ("supcon-in-simclr", "z[i]", "2*z[i]/|z[i]|"),
    ("t-simclr-t-simcne", "nu", "2"),
    ("t-simclr-t-simcne", "tau", "2"),
    ("mlm-infonce", "b[j]", "[j = pos[1]]"),
    ("mlm-infonce", "E[j]", "z[j]"),
    ("mlm-infonce", "N[i,j]", "[j = pos[i]] + 1"),
    ("t-sne-graph-t-sne", "W[i,j]", "exp(-|x[i]-x[j]|^2/(2*sigma[j]^2))"),
    ("infonce-clustering-pmi-clustering", "alpha", "1/2"),
    ("dcd-pmi-clustering", "A[i,j]", "2"),
]


@pytest.mark.parametrize(("name", "head", "wrong"), PLANTED)
def test_a_wrong_substitution_is_refuted(name: str, head: str, wrong: str) -> None:
    edge = EDGES[name]
    assert head in edge.put
    if "pos[1]" in wrong:  # an index that is not there is no formula at all
        with pytest.raises(InputError):
            verdict(replace(edge, put={**edge.put, head: (text(head), text(wrong))}))
        return
    found = verdict(replace(edge, put={**edge.put, head: (text(head), text(wrong))}))
    assert found.outcome == "refuted", found


@pytest.mark.parametrize(
    ("source", "target"), [("supcon", "supcon-in"), ("sne", "t-sne"), ("focal", "cross-entropy")]
)
def test_two_losses_that_differ_are_not_equal(source: str, target: str) -> None:
    put = 'put = { z = "x", gamma = "2" }' if source == "focal" else ""
    edge = read(
        f'[e]\nfrom = "{source}"\nto = "{target}"\nkind = "special-case"\nwhy = "no"\n{put}'
    )
    assert verdict(edge).outcome == "refuted"


def test_without_what_it_assumes_an_edge_is_refuted() -> None:
    edge = EDGES["lgsimclr-supcon"]
    assert verdict(replace(edge, add={})).outcome == "refuted"


def test_the_hypotheses_are_those_of_the_target_only() -> None:
    """Label smoothing assumes 0 < epsilon; the proof may not, and says that it goes beyond."""
    found = verdict(EDGES["label-smoothing-cross-entropy"])
    assert found.beyond == ("epsilon is probability",)
    assert not any("epsilon" in h for h in found.hypotheses)
    assert verdict(EDGES["distillation-label-smoothing"]).beyond == ()


def test_contradictory_hypotheses_prove_nothing() -> None:
    edge = EDGES["infonce-k-infonce"]
    adds = {"nonsense": (text("nonsense"), text("tau < 0"))}
    wrong = replace(edge, add={"assumes": adds}, scale=text("7"))
    found = verdict(wrong)
    assert found.outcome == "unknown" and "no model of the hypotheses" in found.why


def test_what_is_learned_cannot_pass_as_given() -> None:
    edge = EDGES["infonce-k-infonce"]
    tie = {"tied": (text("tied"), text("tau = |z[j]|^2"))}
    with pytest.raises(InputError, match="ties the learned z to tau"):
        verdict(replace(edge, add={"assumes": tie}))
    with pytest.raises(InputError, match="the constant mentions the learned symbol z"):
        verdict(replace(edge, constant=text("sum[j] |z[j]|^2")))


def test_a_symbol_that_only_the_target_trains_is_named() -> None:
    edge = read(
        '[e]\nfrom = "supcon"\nto = "siglip"\nkind = "special-case"\nwhy = "no"\n'
        'put = { "z[i]" = "x[i]", "y[i]" = "c[i]", tau = "t" }\n'
        'add = { given = { c = "label[i]" } }'
    )
    said = equation(edge, registry.load("supcon"), registry.load("siglip"))
    assert said.freed == ("tau",)


def test_a_formula_without_a_value_proves_nothing() -> None:
    """0/0 = 0 in the prover's arithmetic; an edge may not live on that."""
    edge = EDGES["infonce-k-infonce"]
    wrong = replace(edge, put={**edge.put, "tau": (text("tau"), text("0"))})
    assert verdict(wrong).outcome in ("refuted", "unknown")


def test_a_derivation_of_something_else_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = EDGES["infonce-k-infonce"]
    said = equation(edge, registry.load("infonce-k"), registry.load("infonce"))
    claim = relations.in_terms(said)
    good = relations.derive(claim)
    other = relations.in_terms(
        equation(replace(edge, constant=text("1")), *map(registry.load, ("infonce-k", "infonce")))
    )
    with pytest.raises(RuleError, match="another equation"):
        relations.replayed(good.theorem, list(good.defined), other)
    with pytest.raises(RuleError, match="nothing shows that both sides have a value"):
        relations.replayed(good.theorem, [], claim)
    with pytest.raises(RuleError, match="nobody granted"):
        relations.replayed(good.theorem, list(good.defined), replace(claim, hyps=()))


def test_an_edge_whose_entry_is_not_there_or_not_as_claimed() -> None:
    good = EDGES["conditional-t-sne-contradicts-t-sne"]
    assert verdict(good).outcome == "proved"
    with pytest.raises(InputError, match="there is no method 'nothing'"):
        verdict(replace(good, proof="nothing"))

    def wrong(name: str) -> Method:
        found = registry.load(name)
        claim = replace(found.claim, scale=Num(Fraction(7)))
        return replace(found, claim=claim) if name == "t-sne" else found

    found = judge(good, wrong)
    assert found.outcome == "unknown" and "the verdict on t-sne is refuted" in found.why


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("triplet-limit-limit-triplet", {"target": "soft-margin-triplet"}, "does not print"),
        ("triplet-limit-limit-triplet", {"source": "clip"}, "not the loss of the pair"),
        ("triplet-limit-limit-triplet", {"source": "triplet"}, "nothing is a limit of itself"),
        ("triplet-limit-limit-triplet", {"proof": "dpo"}, "dpo states no limit"),
        ("conditional-t-sne-contradicts-t-sne", {"target": "clip"}, "share neither a formula"),
        ("conditional-t-sne-contradicts-t-sne", {"target": "focal"}, "focal proves no pair"),
        ("conditional-t-sne-contradicts-t-sne", {"proof": "temi"}, "is no false statement"),
    ],
)
def test_a_verdict_proves_no_edge_that_it_does_not_speak_of(
    name: str, change: dict[str, str], said: str
) -> None:
    found = verdict(replace(EDGES[name], **change))
    assert found.outcome == "unknown" and not found.ok and said in found.why


WRONG_LIMITS = {
    "another temperature": ("cross-entropy-limit-crammer-singer", '"(f[i,c] + delta[i,c])/t"',
                            '"(f[i,c] + delta[i,c])/(2*t)"'),
    "no margin": ("cross-entropy-limit-crammer-singer", "+ delta[i,c]", "- delta[i,c]"),
    "another target": ("infonce-limit-average-margin-dot", '"pos[i]" = "i"', '"pos[i]" = "a"'),
    "another scale": ("k-means-limit-k-means-narrow", 'scale = "n"', 'scale = "2*n"'),
    "a negative scale": ("k-means-limit-k-means-narrow", 'scale = "n"', 'scale = "-n"'),
    "another pair": ("vat-limit-wide-kernel", 'log(m[i,j]) - ', ''),
    "the loser first": ("bradley-terry-limit-slic-hf", "[a = winner]", "[a = loser]"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG_LIMITS)
def test_a_loss_of_another_pair_has_not_that_limit(what: str) -> None:
    name, old, new = WRONG_LIMITS[what]
    table = (relations_dir() / "limits.toml").read_text()
    written = table[table.index(f"[{name}]") :].split("\n\n")[0]
    assert old in written and read(written).states_source
    wrong = written.replace(old, new)
    if what == "another target":
        wrong += '\n[infonce-limit-average-margin-dot.add.given]\na = "index in n"'
    found = verdict(read(wrong))
    assert found.outcome == "refuted" and not found.ok and found.why


def test_what_prints_a_limit_is_no_loss_of_the_pair() -> None:
    """Both entries state one pair, of which they print different limits."""
    edge = EDGES["average-margin-clip-limit-average-margin-clip-limit"]
    found = verdict(replace(edge, source="triplet-clip-limit"))
    assert found.outcome == "unknown" and "is not the loss of the pair" in found.why


def test_a_limit_says_what_goes_where() -> None:
    limits = [claimed_edge(e) for e in EDGES.values() if e.kind == "limit"]
    assert len(limits) > 25 and all(" -> " in e.label for e in limits)
    (cold,) = (e for e in limits if e.name == "cross-entropy-limit-crammer-singer")
    assert cold.sentence == (
        "crammer-singer is a limit of cross-entropy, with t -> 0 and "
        "x[i,c] := (f[i,c] + delta[i,c])/t"
    )


WRONG_THEOREMS = [
    ("cross-entropy-bound-mae", {"scale": "1"}),
    ("cross-entropy-bound-encouraging-loss", {"constant": "1"}),
    ("nwj-bound-donsker-varadhan", {"scale": "2"}),
    ("supcon-coarse-supcon-in-coarse", {"merge": "o = same and y[j] = y[i]"}),
    ("supcon-coarse-supcon-in-coarse", {"merge": "(o = same and y[j] != y[i]) or o = rest"}),
    ("knowledge-distillation-coarse-tckd", {
        "merge": "(o = rest and c = y[i]) or (o = target and c != y[i])"}),
    ("cosface-bound-partial-fc", {"scale": "-s"}),
    ("hoeffding-wide-kernel", {"line": "the mean is at least lo"}),
    ("gibbs-infimum-form", {
        "statement": "entropy is at most the logarithm of the number of neighbours"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), WRONG_THEOREMS)
def test_a_wrong_bound_merge_or_instance_is_no_edge(name: str, change: dict[str, str]) -> None:
    edge = EDGES[name]
    found = verdict(replace(edge, **{k: text(v) for k, v in change.items()}))
    allowed = ("refuted", "unknown") if edge.kind == "used-in-the-proof-of" else ("refuted",)
    assert found.outcome in allowed and not found.ok and found.why and not found.hash


@pytest.mark.parametrize("scale", ["0", "-1"])
def test_a_bound_has_a_positive_scale(scale: str) -> None:
    with pytest.raises(InputError, match="the scale must be positive"):
        verdict(replace(EDGES["cross-entropy-bound-mae"], scale=text(scale)))


def test_an_instance_needs_the_hypotheses_of_the_statement() -> None:
    """Jensen's inequality wants weights that sum to one."""
    edge = EDGES["jensen-log-sum-exp"]
    wrong = replace(edge, put={**edge.put, "p[j]": (text("p[j]"), text("2/n"))})
    assert not verdict(wrong).ok
    with pytest.raises(InputError, match="log-sum-exp has no line 'x'"):
        verdict(replace(edge, line=text("x")))
    with pytest.raises(InputError, match="'w' is no letter of log-sum-exp"):
        verdict(replace(edge, at_letters=("w",)))


def test_neighbours_are_named_as_the_file_does() -> None:
    edge = EDGES["supcon-coarse-supcon-in-coarse"]
    with pytest.raises(InputError, match="the neighbours j of supcon do not fit"):
        verdict(replace(edge, fine=("k",)))


# ------------------------------------------------------------------ files

GOOD = """\
[e]
from = "infonce-k"
to = "infonce"
kind = "special-case"
why = "one positive"
[e.put]
"match[i,j]" = "j = pos[i]"
k = "1"
"""
INLINE = GOOD.split("[e.put]")[0] + 'put = { "match[i,j]" = "j = pos[i]", k = "1" }'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"special-case"', '"specialcase"', "mine.toml:4:9: unknown kind 'specialcase'; did you"),
        ("why", "whi", "mine.toml:5:1: unknown key 'whi' in [e]; did you mean"),
        ('why = "one positive"', "", "mine.toml:1:2: [e] needs why"),
        ('"infonce"', '"infonse"', "there is no method 'infonse'; did you mean"),
        ('k = "1"', 'kk = "1"', "mine.toml:8:1: infonce-k has no symbol 'kk'; did you mean"),
        ('k = "1"', 'k = "1 +"', "mine.toml:8:9: "),
        ('k = "1"', 'k = "z[1]"', "mine.toml:8:8: "),
        ('k = "1"', 'k = "z[j]"', "mine.toml:8:8: unbound index 'j'"),
        ('k = "1"', "k = true", "mine.toml:8:5: k must be a text"),
        ('"match[i,j]"', '"match[i]"', "mine.toml:7:2: 'match' takes 2 letters"),
        ('"match[i,j]" = "j = pos[i]"\n', "", "mine.toml:1:2: nothing stands for 'match'"),
        ('"j = pos[i]"', '"pos[i]"', "mine.toml:7:17: "),
        ("[e.put]", '[e.sets]\nm = "n"\n[e.put]', "mine.toml:7:6: infonce-k has no set 'm'"),
        ("[e.put]", '[e.sets]\nn = "m"\n[e.put]', "there is no set 'm' to stand for 'n'"),
        ("[e.put]", 'proof = "infonce"\n[e.put]', "mine.toml:6:1: an edge of kind"),
        ("[e.put]", "add = { give = {} }\n[e.put]", "mine.toml:6:1: unknown key 'give' in add"),
        ("[e.put]", '[e.add.given]\ntau = "positive"\n[e.put]', "mine.toml:7:1: 'tau' is a"),
        ("[e.put]", '[e.add.sets]\nm = "j"\n[e.put]', "mine.toml:7:1: 'm' or one of its"),
        ("[e.put]", "scale = true\n[e.put]", "mine.toml:6:1: scale must be a text"),
        ("[e]", "f = 3\n[e]", "mine.toml:1:1: 'f' is no table"),
    ],
)
def test_what_is_wrong_with_a_file_is_pointed_at(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        verdict(read(GOOD.replace(old, new)))
    assert said in str(caught.value), str(caught.value)


def test_in_an_inline_table_the_line_is_pointed_at() -> None:
    assert verdict(read(INLINE)).ok
    with pytest.raises(InputError, match=r"^mine\.toml:6:1: "):
        verdict(read(INLINE.replace('k = "1"', 'k = "1 +"')))
    with pytest.raises(InputError, match=r"^mine\.toml:6:1: infonce-k has no symbol 'kk'"):
        verdict(read(INLINE.replace('k = "1"', 'kk = "1"')))


def test_a_renaming_may_set_nothing() -> None:
    edge = read(GOOD.replace("special-case", "equal-up-to"))
    with pytest.raises(InputError, match="what stands for 'match' is no name of its own"):
        verdict(edge)


def test_a_key_of_another_kind_is_pointed_at() -> None:
    with pytest.raises(InputError, match="an edge of kind 'contradicts' has no put"):
        read(GOOD.replace("special-case", "contradicts"))
    with pytest.raises(InputError, match=r"\[e\] needs proof"):
        read(GOOD.replace("special-case", "limit"))
    with pytest.raises(InputError, match="an edge of kind 'bound' has no merge"):
        read(GOOD.replace("special-case", "bound").replace("[e.put]", 'merge = "true"\n[e.put]'))
    with pytest.raises(InputError, match=r"\[e\] needs fine"):
        read(GOOD.replace('"special-case"', '"coarse-graining"\nmerge = "true"'))
    bare = GOOD.split("[e.put]")[0].replace("special-case", "contradicts")
    with pytest.raises(InputError, match=r"\[e\] needs proof"):
        read(bare)


def test_the_example_of_the_documentation_is_proved() -> None:
    text_ = (Path(__file__).parent.parent / "docs" / "relations.md").read_text()
    edge = read(text_.split("```toml\n")[1].split("```")[0])
    assert edge.name == "supcon-simclr" and verdict(edge).outcome == "proved"


def test_a_set_may_be_added_with_its_elements() -> None:
    edge = EDGES["cmc-clip"]
    said = equation(edge, registry.load("cmc"), registry.load("clip"))
    assert said.words.sets["side"].elements == ("image", "text")
    three = {"side": (text("side"), text("s : image text sound"))}
    wrong = replace(edge, add={**edge.add, "sets": three})
    assert verdict(wrong).outcome != "proved"


def test_two_edges_may_not_share_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text(GOOD)
    with pytest.raises(InputError, match=r"the edge 'e' stands in .*a\.toml too"):
        claimed_edges(tmp_path)


# ------------------------------------------------------------------ the command


def test_the_command_shows_every_claimed_edge_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "_verdict", lambda entry: proofs.verdict(entry.id))
    done = call("graph", "--jobs", "1")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("✓ proved") == len(EDGES)
    assert "simclr is lgsimclr with knn[i,j] := j = pos[i]" in done.stdout
    assert f"{len(registry.ids())} methods, " in done.stdout


@pytest.mark.parametrize(
    ("change", "outcome"),
    [(('k = "1"', 'k = "2"'), "refuted"), (("special-case", "equal-up-to"), "")],
)
def test_a_false_edge_fails_the_command(
    tmp_path: Path, change: tuple[str, str], outcome: str
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(GOOD.replace(*change))
    done = call("graph", "--relations", str(mine))
    if outcome:
        assert done.exit_code == 1 and "✗ refuted" in done.stdout
        assert done.stderr.startswith("iconograph: the edge 'e' is refuted: infonce is infonce-k")
    else:
        assert done.exit_code == 2 and "no name of its own" in done.stderr
    mine.write_text(GOOD)
    assert call("graph", "--relations", str(mine)).exit_code == 0


def test_an_unproved_edge_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(GOOD)
    gave_up = relations.NotProved("out of ideas")
    monkeypatch.setattr(relations, "derive", lambda claim: gave_up)
    done = call("graph", "--relations", str(mine))
    assert done.exit_code == 1 and "? unknown" in done.stdout and "out of ideas" in done.stderr
    done = call("graph", "--relations", str(mine), "--no-prove", "--json")
    assert done.exit_code == 0 and '"status": "claimed"' in done.stdout


def test_json_graphml_and_dot(tmp_path: Path) -> None:
    quick = ("--no-prove", "--kind", "special-case", "--kind", "same-q")
    document = json.loads(call("graph", "--json", *quick).stdout)
    assert document["schema"] == "iconograph/graph/1"
    assert {e["kind"] for e in document["edges"]} == {"special-case", "same-q"}
    for form in ("json", "graphml", "dot"):
        printed = call("graph", "--format", form, *quick)
        target = tmp_path / f"graph.{form}"
        assert call("graph", "--format", form, "-o", str(target), *quick).exit_code == 0
        assert target.read_text() == printed.stdout
        assert call("graph", "--format", form, "-o", str(target), *quick).exit_code == 0
    other = tmp_path / "other"
    other.write_text("mine")
    assert call("graph", "--format", "dot", "-o", str(other), *quick).exit_code == 2
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    "wrong", [("--format", "svg"), ("--kind", "nothing"), ("-o", "x"), ("--relations", "nowhere")]
)
def test_wrong_usage(wrong: tuple[str, str]) -> None:
    done = call("graph", "--no-prove", *wrong)
    assert done.exit_code == 2 and re.search(r"svg|nothing|-o goes with|no such file", done.output)
