"""The pipeline's verdicts on claims that are wrong in every way a user's file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalog.errors import InputError
from catalog.registry import load
from catalog.spec import Method
from derive.bridge import problem
from derive.check import check_text
from derive.prove import Proof, prove
from derive.verdict import Proved, Refuted, Unknown
from derive.verify import verify
from tests.user_formulas import SCORES, method, with_assumed, with_given

BASE = with_given(SCORES, 'b = "real"\nq = "positive"\nw = "real[i]"')
LOSS = "mean[i] -log(exp(s[i,pos[i]]) / sum[k != i] exp(s[i,k]))"
P = 'kernel = "formula"\nformula = "{}"'


def claim(formula: str = LOSS, **changes: str) -> Method:
    return method("mine", formula, {**BASE, **changes})


def assuming(text: str, formula: str = LOSS, **changes: str) -> Method:
    return method("mine", formula, with_assumed({**BASE, **changes}, text))


# what is wrong: the method, and what the refusal says
NO_CLAIM: dict[str, tuple[Method, str]] = {
    "contradictory hypotheses": (
        assuming('"b is large" = "b > 1"\n"b is small" = "b < 0"'),
        "'b is large'; 'b is small'",
    ),
    "a hypothesis that contradicts itself": (assuming('"never" = "n = n + 1"'), "'never'"),
    "one element, and a partner": (assuming('"one" = "n = 1"'), "'one'"),
    "equations that are nearly true": (
        assuming('"zero" = "b = 0"\n"nearly" = "exp(b) = 1 + 1e-30"'),
        "'nearly'",
    ),
    "a hypothesis about nothing that exists": (
        assuming('"odd" = "log(q) = log(q) + 1e-30"'),
        "'odd'",
    ),
    "p of mass two": (claim(p=P.format("2*[j = pos[i]]")), "p does not sum to one"),
    "p outside of the neighbours": (claim(p=P.format("[j = i]")), "p does not sum to one"),
    "p nowhere": (claim(p=P.format("0")), "p does not sum to one"),
    "p negative somewhere": (
        assuming('"three" = "n > 2"', p=P.format("2*[j = pos[i]] - 1/(n-1)")),
        "p is negative",
    ),
    "a partner that may be oneself": (
        claim(assumes='"more than one" = "n > 1"'),
        "p does not sum to one",
    ),
    "weights of mass one half": (
        claim(LOSS.replace("mean[i]", "1/(2*n)*sum[i]"), icon='weights = "1/(2*n)"'),
        "weights do not sum to one",
    ),
    "a kernel of any sign": (
        claim(
            "mean[i] -log(s[i,pos[i]] / sum[k != i] s[i,k])",
            q='kernel = "formula"\nformula = "s[i,j]"',
        ),
        "kernel of q is negative",
    ),
    "a kernel that is negative": (
        claim(q='kernel = "formula"\nformula = "-exp(s[i,j])"'),
        "kernel of q is negative",
    ),
    "weights of any sign": (claim(icon='weights = "w[i]"'), "weight is negative"),
}


@pytest.mark.parametrize("what", NO_CLAIM)
def test_what_is_no_claim_is_refused(what: str) -> None:
    bad, words = NO_CLAIM[what]
    assert not isinstance(prove(problem(bad)), Proof) or "hypothes" in words or words[0] == "'"
    with pytest.raises(InputError) as caught:
        verify(bad)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


FALSE: dict[str, tuple[Method, str]] = {
    "the constant left out": (claim(LOSS + " + q", constant="0"), "constant"),
    "another scale": (claim("2*" + LOSS), "scale"),
    "a constant as the loss": (claim("q"), "constant loss"),
    "a logarithm of any real": (claim(LOSS + " + log(b)", constant="log(b)"), "undefined"),
    "a quotient by what may be 0": (
        claim(LOSS + " + 1/relu(b)", constant="1/relu(b)"),
        "undefined",
    ),
    "the anchor in the denominator": (
        claim("mean[i] -log(exp(s[i,pos[i]]) / sum[k] exp(s[i,k]))"),
        "different",
    ),
    "another temperature": (
        claim("mean[i] -log(exp(2*s[i,pos[i]]) / sum[k != i] exp(2*s[i,k]))"),
        "different",
    ),
}


@pytest.mark.parametrize("what", FALSE)
def test_what_is_false_is_refuted(what: str) -> None:
    bad, kind = FALSE[what]
    verdict = verify(bad)
    assert isinstance(verdict, Refuted)
    assert verdict.kind == kind
    assert not verdict.ok


UNDECIDED: dict[str, Method] = {
    "the largest of none": claim(LOSS + " + 0*max[k : k != k] s[k,k]"),
    "the loss behind a stop-gradient": claim(
        "mean[i] -sg(log(exp(s[i,pos[i]]) / sum[k != i] exp(s[i,k])))"
    ),
    "the denominator behind a stop-gradient": claim(
        "mean[i] -log(exp(s[i,pos[i]]) / sg(sum[k != i] exp(s[i,k])))"
    ),
    "numbers of thousands of digits": claim(
        LOSS + " + 1e900*1e900*1e900*1e900*1e900", constant="1e900*1e900*1e900*1e900*1e900"
    ),
}


@pytest.mark.parametrize("what", UNDECIDED)
def test_what_is_not_shown_is_unknown(what: str) -> None:
    verdict = verify(UNDECIDED[what])
    assert isinstance(verdict, Unknown)
    assert not verdict.ok
    assert verdict.why


@pytest.mark.parametrize(
    ("formula", "changes"),
    [
        pytest.param(LOSS + " + log(-q) - log(-q)", {}, id="log of a negative number that cancels"),
        pytest.param(LOSS + " + log(1-2*q) - log(1-2*q)", {}, id="log of any sign that cancels"),
        pytest.param("-1*(" + LOSS + ")", {"scale": "-1"}, id="scale minus one"),
        pytest.param("0", {"scale": "0"}, id="scale zero"),
        pytest.param("b*(" + LOSS + ")", {"scale": "b"}, id="scale of any sign"),
    ],
)
def test_a_claim_without_meaning_is_never_proved(formula: str, changes: dict[str, str]) -> None:
    assert not isinstance(prove(problem(claim(formula, **changes))), Proof)


@pytest.mark.parametrize(
    ("formula", "changes"),
    [
        pytest.param(LOSS + " + log(-q) - log(-q)", {}, id="log of a negative number that cancels"),
        pytest.param("-1*(" + LOSS + ")", {"scale": "-1"}, id="scale minus one"),
        pytest.param("0", {"scale": "0"}, id="scale zero"),
    ],
)
def test_a_claim_without_meaning_has_a_verdict(formula: str, changes: dict[str, str]) -> None:
    assert not verify(claim(formula, **changes)).ok


def test_harmless_oddities_are_proved() -> None:
    for formula, changes in (
        (LOSS + " + sg(b) - sg(b)", {}),
        (LOSS + " + relu(b) - relu(b)", {}),
        (LOSS + " + 1e-900", {"constant": "1e-900"}),
        (LOSS + " + log(q)", {"constant": "log(q)"}),
    ):
        verdict = verify(claim(formula, **changes))
        assert isinstance(verdict, Proved), formula
        assert verdict.certificate is not None
        check_text(verdict.certificate.to_json())


def test_the_verdict_carries_its_certificate(tmp_path: Path) -> None:
    verdict = verify(load("infonce"))
    assert isinstance(verdict, Proved)
    assert verdict.certificate is not None
    result = check_text(verdict.certificate.to_json())
    assert result.theorem_text == verdict.theorem_text
    assert result.hypotheses == verdict.hypotheses
    assert json.loads(json.dumps(verdict.to_json()))["certificate"] == result.hash
    assert verdict.ok


def test_not_asked_to_prove() -> None:
    verdict = verify(load("infonce"), prove=False)
    assert isinstance(verdict, Unknown)
    assert not verdict.ok


def test_a_proof_that_does_not_replay_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline believes the replay, not the search."""
    from derive import verify as pipeline
    from derive.certificate import Certificate, certify

    def tampered(*args: object) -> Certificate:
        made = certify(*args)  # type: ignore[arg-type]
        made.body["claim"]["scale"] = "2"
        return made

    monkeypatch.setattr(pipeline, "certify", tampered)
    with pytest.raises(InputError, match="something else"):
        verify(load("infonce"))
