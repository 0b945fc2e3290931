"""What the terminal says reads as a sentence: no leftovers of a template."""

import re

import pytest
from typer.testing import CliRunner, Result

from catalog import registry
from catalog.divergences import DIVERGENCES
from catalog.periodic import periodic_table
from derive.sentences import sentence
from iconograph.api import opening
from iconograph.cli import app
from iconograph.grid import counted
from iconograph.wording import claim_text


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    "wrong",
    ["table --jobs zero", "verify --jobs 0", "graph --format x", "nope", "verify --bad", "--bad",
     "show", "show simclr --json --proof", "graph --certificates nowhere"],
)  # fmt: skip
def test_wrong_usage_is_said_as_everything_else_is(wrong: str) -> None:
    done = call(*wrong.split())
    assert done.exit_code == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("iconograph: ") and " -h lists what there is" in line
    assert "Invalid value" not in line and "Error" not in line


def test_nothing_asked_shows_the_help() -> None:
    done = call()
    assert "Usage:" in done.output and "iconograph:" not in done.stderr


LEFT = re.compile(r"-\(?0\)? <=|(?<![\w^.])1 \* |\+ 0(?![.\d*^/])|- \(I-Con\)")


def test_a_trivial_scale_and_constant_are_left_out() -> None:
    for m in registry.all_methods():
        assert not LEFT.search(claim_text(m)), (m.id, claim_text(m))
    for name in DIVERGENCES:
        said = {
            "published": "L", "scale": "1", "constant": "0", "divergence": name, "order": "1/2",
            "below": "0", "above": "t", "small": "t", "rate": 1,
        }  # fmt: skip
        assert not LEFT.search(sentence(said)), sentence(said)
        del said["below"]
        assert not LEFT.search(sentence(said)), sentence(said)
    two = {"published": "L", "scale": "n", "constant": "-1", "divergence": "kl", "order": "1/2"}
    assert sentence(two) == "L  =  n * I-Con - 1"
    for wrong in ("-(0) <= L", "L  =  1 * I-Con", "I-Con + 0", "L - (I-Con)"):
        assert LEFT.search(wrong), "the pattern sees what it is for"


def test_gaps_are_counted_in_english() -> None:
    said = counted(periodic_table(registry.all_methods()))
    assert re.search(r"\b(1 named gap|(\d{2,}|[02-9]) named gaps)\b(?!s)", said), said


def test_a_refusal_quotes_whole_sentences() -> None:
    done = call("generate", "spectral-contrastive", "--no-judge")
    assert done.exit_code == 2 and "..." not in done.stderr
    assert "what is true: It is a squared loss" in done.stderr
    true = registry.load("glove").claim.correction
    assert len(true) > 300 and opening(true, "more elsewhere").endswith("more elsewhere")
    assert len(opening(true, "more elsewhere")) <= 300
    assert opening("Short. And whole.", "more") == "Short. And whole."
    assert opening("One. " + "long " * 90, "more") == "One. more"


def test_choices_are_listed_without_the_empty_one() -> None:
    from catalog.raw import describe

    _, hint = describe(
        "literal_error", ("claim", "to"), {"expected": "'', '0' or 'infinity'"}, "5", ""
    )
    assert hint == "one of: 0, infinity"


def test_other_zeros_and_ones_are_kept() -> None:
    said = {"published": "a + 0.5", "scale": "1.5", "constant": "b + 10", "divergence": "kl",
            "order": "1/2", "below": "0.5", "above": "10"}  # fmt: skip
    assert sentence(said) == "-(0.5) <= a + 0.5 - (1.5 * I-Con + b + 10) <= 10"
