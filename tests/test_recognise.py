"""A bare formula gives back its pair, proved; one that has none gives a witness or nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.recognise import line
from catalog.errors import InputError
from catalog.load import load_text
from derive import balls
from derive.verdict import Proved, Refuted
from derive.verify import verify
from iconograph.cli import app
from iconograph.inline import method_text
from iconograph.recognise import Recognised, Unrecognised, recognise

Z, POS, TAU = "z=vector[i]", "pos=index[i] in n", "tau=positive"
OTHER = "[pos[i] = i] = 0"
CLASSES = ["n=i j", "classes=c k"]

# formula, learned, given, assumed, sets -> kind, p, q
LOSSES = {
    "no entry: two positives with weights a and 1 - a": (
        "mean[i] (log(sum[j != i] exp(z[i].z[j]/tau))"
        " - a*z[i].z[pos[i]]/tau - (1 - a)*z[i].z[alt[i]]/tau)",
        [Z], [POS, "alt=index[i] in n", TAU, "a=probability"], [OTHER, "[alt[i] = i] = 0"], [],
        "an I-Con loss", "formula", "dot",
    ),
    "no entry: a Cauchy kernel with labels, self kept": (
        "sum[i] mean[j : y[j] = y[i]] -log((1 + |z[i]-z[j]|^2)^(-1) / "
        "sum[k] (1 + |z[i]-z[k]|^2)^(-1))",
        [Z], ["y=label[i]"], [], ["n=i j k", "classes=c"],
        "an I-Con loss", "same-label", "student-t",
    ),
    "no entry: weighted anchors": (
        "sum[i] f[i]*(log(sum[c] exp(s[i,c])) - s[i,y[i]])",
        ["s=real[i,c]"], ["y=label[i]", "f=positive[i]"], [], CLASSES,
        "an I-Con loss", "one-hot", "logit",
    ),
    "the numerator in the denominator once more": (
        "mean[i] log(1 + sum[j : j != i and j != pos[i]] exp((z[i].z[j] - z[i].z[pos[i]])/tau))",
        [Z], [POS, TAU], [OTHER], [],
        "an I-Con loss", "one-hot", "dot",
    ),
    "rows and columns": (
        "mean[i] (-log(exp(s[i,i])/sum[j] exp(s[i,j])) - log(exp(s[i,i])/sum[j] exp(s[j,i])))",
        ["s=real[i,j]"], [], [], [],
        "an I-Con loss over rows and columns", "one-hot", "logit",
    ),
    "one joint distribution": (
        "log(sum[i, j : i != j] exp(-|z[i]-z[j]|^2)) + sum[i, j : i != j] P[i,j]*|z[i]-z[j]|^2",
        [Z], ["P=nonnegative[i,j]"], ["sum[i, j : i != j] P[i,j] = 1", "n > 1"], [],
        "an I-Con loss with one joint distribution", "formula", "gaussian",
    ),
    "pairs with a null neighbour": (
        "mean[i] mean[j] (softplus(s[i,j]) - [j = pos[i]]*s[i,j])",
        ["s=real[i,j]"], [POS], [], [],
        "an I-Con loss with a null neighbour, pair by pair", "match", "sigmoid",
    ),
    "a share of a partition function": (
        "mean[i] -log((sum[c : S[i,c]] exp(s[i,c])) / sum[k] exp(s[i,k]))",
        ["s=real[i,c]"], ["S=mask[i,c]"],
        ["size[c : S[i,c]] > 0", "size[c : not S[i,c]] > 0"], CLASSES,
        "a coarse I-Con loss: neighbours are merged into two groups", "one-hot", "formula",
    ),
    "another divergence": (
        "mean[i] sum[c] (exp(s[i,c])/(sum[k] exp(s[i,k])) - t[i,c])^2",
        ["s=real[i,c]"], ["t=distribution[i,c]"], [], CLASSES,
        "another divergence of p from q: ", "formula", "logit",
    ),
    "the reverse direction": (
        "sum[i] sum[c] (pi[i,c]*log(pi[i,c]) - pi[i,c]*r[i,c])",
        ["pi=positive[i,c]"], ["r=real[i,c]"], ["sum[c] pi[i,c] = 1"], CLASSES,
        "the reverse direction, KL(q || p)", "softmax", "formula",
    ),
}  # fmt: skip


def text_of(name: str) -> str:
    formula, learned, given, assumed, sets, *_ = LOSSES[name]
    return method_text(formula, learned=learned, given=given, assume=assumed, sets=sets)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_is_in_no_catalog_is_recognised(name: str) -> None:
    *_, kind, p, q = LOSSES[name]
    found = recognise(text_of(name))
    assert isinstance(found, Recognised) and found.kind.startswith(kind), found
    doc = tomllib.loads(found.text)
    assert (doc["p"]["kernel"], doc["q"]["kernel"]) == (p, q), found.text


@pytest.mark.parametrize("name", ["rows and columns", "the reverse direction"])
def test_what_is_shown_is_a_file_that_stands_by_itself(name: str) -> None:
    found = recognise(text_of(name))
    assert isinstance(found, Recognised)
    verdict = verify(load_text(found.text))
    assert isinstance(verdict, Proved) and verdict.level == "general-N"


@pytest.mark.parametrize("name", ["rows and columns", "no entry: weighted anchors"])
def test_an_error_in_the_answer_is_refuted(name: str) -> None:
    found = recognise(text_of(name))
    assert isinstance(found, Recognised)
    scale = tomllib.loads(found.text)["claim"]["scale"]
    wrong = found.text.replace(f'scale = "{scale}"', f'scale = "2*({scale})"')
    assert wrong != found.text and isinstance(verify(load_text(wrong)), Refuted)


def test_a_sum_of_two_temperatures_is_two_pairs() -> None:
    pair = "(log(sum[j != i] exp({t}*z[i].z[j])) - {t}*z[i].z[pos[i]])"
    formula = f"mean[i] {pair.format(t=1)} + lam*mean[i] {pair.format(t=3)}"
    given = [POS, "lam=positive"]
    found = recognise(method_text(formula, learned=[Z], given=given, assume=[OTHER]))
    assert isinstance(found, Recognised) and found.kind == "a weighted sum of 2 I-Con losses"
    assert not found.text and found.hash
    claim = found.found.problem
    assert balls.refute_value(claim, (4,), 77) is None
    assert [len(b[0]) for b in claim.blocks] == [1, 1]


@pytest.mark.parametrize(
    ("formula", "against"),
    [
        ("mean[i] sum[j] (s[i,i] - s[i,j])^2", "exponentials of affine functions"),
        ("mean[i] sum[j] relu(s[i,j] - s[i,i] + 1)", "analytic"),
        ("mean[i] -s[i,i]", "every I-Con loss"),
    ],
)
def test_what_has_no_pair_has_a_witness(formula: str, against: str) -> None:
    found = recognise(method_text(formula, learned=["s=real[i,j]"]))
    assert isinstance(found, Unrecognised) and found.refuted is not None
    assert found.refuted.witness is not None and against in found.refuted.witness.against


def test_a_positive_left_out_of_the_denominator_is_not_recognised() -> None:
    """Decoupled contrastive learning: no distribution has the positive, which is not in q."""
    formula = (
        "mean[i] -log(exp(z[i].z[pos[i]]) / sum[j : j != i and j != pos[i]] exp(z[i].z[j]))"
    )
    found = recognise(method_text(formula, learned=[Z], given=[POS], assume=[OTHER]))
    assert isinstance(found, Unrecognised) and found.refuted is not None


def test_weights_that_do_not_sum_to_one_are_not_recognised() -> None:
    """1.01 times the linear terms: the row sums of the gradient are not 0."""
    formula = "mean[i] (log(sum[j] exp(s[i,j])) - 1.01*s[i,i])"
    found = recognise(method_text(formula, learned=["s=real[i,j]"]))
    assert isinstance(found, Unrecognised) and found.refuted is not None


@pytest.mark.parametrize("name", ["supcon", "siglip", "t-sne", "clip", "gce", "mil-nce", "rlhf"])
def test_an_entry_gives_back_its_own_pair(name: str) -> None:
    assert line(name).outcome == "own"


def test_the_comparison_of_pairs_can_fail() -> None:
    from benchmarks.recognise import own
    from iconograph.find import resolve

    text = text_of("rows and columns").replace("pasted", "other")
    found = recognise(text)
    assert isinstance(found, Recognised)
    assert not own(resolve("infonce"), found)


# --------------------------------------------------------------------------- the command line


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *args])
    return done.exit_code, done.output


def test_the_command_names_the_loss_and_keeps_the_file(tmp_path: Path) -> None:
    formula = "mean[i] -log(exp(z[i].z[pos[i]]/tau) / sum[j != i] exp(z[i].z[j]/tau))"
    kept = tmp_path / "mine.toml"
    options = ["--learned", Z, "--given", POS, "--given", TAU, "--assume", OTHER]
    code, said = run("-f", formula, *options, "--save", str(kept), "--certificates", str(tmp_path))
    assert "near" in said and "the same q and setting, another p (same-label there" in said
    assert code == 0 and "recognised" in said and "kernel=one-hot target=pos[i]" in said
    assert (tmp_path / "mine.json").is_file()
    verdict = verify(load_text(kept.read_text()))
    assert isinstance(verdict, Proved)


def test_a_file_without_a_pair_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text(text_of("one joint distribution"))
    code, said = run(str(path), "--json")
    assert code == 0
    (result,) = json.loads(said)["results"]
    assert result["outcome"] == "recognised" and result["file"]


def test_what_has_no_pair_ends_with_1_and_what_is_not_known_with_3() -> None:
    code, said = run("-f", "mean[i] -s[i,i]", "--learned", "s=real[i,j]")
    assert code == 1 and "excluded" in said
    q = "exp(s[i,k])/sum[l] exp(s[i,l])"
    teacher = f"mean[i] -sum[k] sg({q})*log({q})"  # fixed for one step only, which no claim says
    code, said = run("-f", teacher, "--learned", "s=real[i,j]")
    assert code == 3 and "not recognised" in said and "sg" in said


def test_a_sum_of_pairs_passes_the_checks_of_a_method_file() -> None:
    pair = "(log(sum[j != i] exp({t}*z[i].z[j])) - {t}*z[i].z[pos[i]])"
    formula = f"mean[i] {pair.format(t=1)} + lam*mean[i] {pair.format(t=3)}"
    given, tied = [POS, "lam=positive"], "sum[i] z[i].z[i] = lam"
    with pytest.raises(InputError, match="ties the learned z"):
        recognise(method_text(formula, learned=[Z], given=given, assume=[OTHER, tied]))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-f", "mean[i] s[i,i]"], "--learned"),
        (["-f", "mean[i] s[i,i]", "--learned", "s=real[i,j]", "--p", "one-hot target=i"], "both"),
        (["-f", "mean[i] s[i,i]", "--learned", "s=real[i,j]", "--scale", "2"], "scale"),
        (["-f", "mean[i] s[i,", "--learned", "s=real[i,j]"], "ends too early"),
    ],
)
def test_wrong_usage_is_one_sentence(args: list[str], said: str) -> None:
    code, printed = run(*args)
    assert code == 2 and said in printed and "Traceback" not in printed


def test_a_bare_file_that_is_wrong_says_where() -> None:
    with pytest.raises(InputError, match="published"):
        recognise('id = "x"\nname = "x"\nfield = "theory"\nyear = 2026\ncite = ""\n'
                  '[learned]\ns = "real[i,j]"\n')  # fmt: skip


# --------------------------------------------------------------------------- what a reviewer tried


@pytest.mark.parametrize(
    ("formula", "learned", "given", "assumed", "sets", "kind"),
    [
        ("mean[i] mean[j != i] -log(exp(s[i,j])/sum[k != i] exp(s[i,k]))", "s=real[i,j]", [],
         ["n > 1"], [], "an I-Con loss"),
        ("mean[i] (-1/2*log(exp(s[i,i])/sum[j] exp(s[i,j])) "
         "- 1/4*log(exp(2*s[i,i])/sum[j] exp(2*s[i,j])))", "s=real[i,j]", [], [], [],
         "a weighted sum of 2"),
        ("mean[i] (-t[i]*log(sigmoid(s[i])) - (1-t[i])*log(1-sigmoid(s[i])))", "s=real[i]",
         ["t=probability[i]"], [], [], "an I-Con loss with a null neighbour"),
        ("mean[i] (1-(exp(s[i,y[i]])/sum[c] exp(s[i,c]))^0.7)/0.7", "s=real[i,c]", ["y=label[i]"],
         [], CLASSES, "another divergence of p from q: alpha"),
    ],
)  # fmt: skip
def test_ways_to_write_a_loss(
    formula: str, learned: str, given: list[str], assumed: list[str], sets: list[str], kind: str
) -> None:
    text = method_text(formula, learned=[learned], given=given, assume=assumed, sets=sets)
    found = recognise(text)
    assert isinstance(found, Recognised) and found.kind.startswith(kind), found


def test_a_constant_loss_and_a_kernel_of_a_whole_row_say_little() -> None:
    found = recognise(method_text("mean[i] log(sum[j] exp(0*s[i,j]))", learned=["s=real[i,j]"]))
    assert isinstance(found, Recognised) and "constant" in found.trivial
    formula = "mean[i] log(1 + exp(b - o[i,y[i]] + mean[c] o[i,c]))"
    given = ["b=real", "y=label[i]"]
    found = recognise(method_text(formula, learned=["o=real[i,c]"], given=given, sets=CLASSES))
    assert isinstance(found, Recognised) and "reads more than the score" in found.trivial


def test_a_claim_without_a_pair_is_no_bare_formula(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(text_of("rows and columns") + '\n[claim]\nrelation = "exact"\nscale = "3"\n')
    code, said = run(str(path))
    assert code == 2 and "the table [p] is missing" in said


def test_hypotheses_that_contradict_each_other_are_found_in_any_formula() -> None:
    text = method_text("mean[i] |z[i]|^4", learned=[Z], given=["a=positive"], assume=["a < 0"])
    with pytest.raises(InputError, match="contradict"):
        recognise(text)
