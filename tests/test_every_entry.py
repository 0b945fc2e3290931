"""Every entry of the catalog: what it claims is proved and replays, what it denies is refuted."""

from __future__ import annotations

import pytest

from catalog.registry import load
from catalog.symbols import Big, Call, walk
from derive import balls, bounds, sympy_judge
from derive.instance import cases, model_at
from derive.prove import NotProved, prove
from derive.sentences import statement
from derive.verdict import Proved, Refuted
from derive.witness import recheck
from tests.proofs import CLAIMED, DENIED, claim, entries, judged, proved, replayed, verdict

BOUNDED = ("bound", "limit", "expansion")
EQUATIONS = tuple(n for n in CLAIMED if load(n).claim.relation not in ("theorem", *BOUNDED))
KINKS = ("relu", "max", "min")
UNREAD = (*(f"{kink} in" for kink in KINKS), "a logarithm is not linear")
SHORT = bounds.EFFORTS[:3]  # the depths of search that a false inequality is tried with


def smooth(name: str) -> bool:
    """Whether the gradient judge can read an entry: no kinks, and logarithms only in KL(p || q)."""
    method = load(name)
    formulas = (method.published, *(b.kernel for b in method.icon.blocks))
    nodes = [n for formula in formulas for n in walk(formula)]
    kinks = [n for n in nodes if isinstance(n, Call) and n.fn in KINKS]
    kinks += [n for n in nodes if isinstance(n, Big) and n.op in KINKS]
    return method.icon.divergence == "kl" and not kinks


# ------------------------------------------------------------------- what is claimed


@pytest.mark.parametrize("name", entries(CLAIMED))
def test_what_is_claimed_is_proved_for_every_n(name: str) -> None:
    found = verdict(name)
    assert isinstance(found, Proved)
    assert found.ok and found.level == "general-N"
    assert found.certificate is not None
    assert found.certificate.hash == proved(name).certificate.hash


@pytest.mark.parametrize("name", entries(CLAIMED))
def test_the_theorem_is_the_claim_of_the_file(name: str) -> None:
    said, theorems = claim(name), replayed(name).theorems
    method = load(name)
    assert [th.concl for th in theorems] == [th.concl for th in proved(name).proof.theorems]
    if method.claim.relation == "theorem":
        assert said.facts and len(said.facts) >= len(method.statements)
        assert tuple(th.concl for th in theorems) == said.facts
        return
    ((tag, published, scale, constant, blocks, learned, kind, degree, slack),) = (
        th.concl for th in theorems
    )
    assert tag == "icon"
    assert (published, scale, constant) == (said.published, said.scale, said.constant)
    assert blocks == said.blocks and blocks
    assert (kind, degree, slack) == (said.divergence, said.degree, said.slack)
    assert kind == method.icon.divergence
    assert bool(slack) == (method.claim.relation in BOUNDED)
    assert learned == said.learned
    assert set(learned) == {d.name for d in method.declarations.values() if d.learned}


@pytest.mark.parametrize("name", entries(CLAIMED))
def test_the_hypotheses_are_those_of_the_file(name: str) -> None:
    proof = proved(name).proof
    used = frozenset().union(*(th.hyps for th in (*proof.theorems, *proof.defined)))
    assert used <= set(claim(name).hyps)
    assert set(replayed(name).judgements) == used


@pytest.mark.parametrize("name", entries(CLAIMED))
def test_the_certificate_says_what_was_proved(name: str) -> None:
    made, result = proved(name), replayed(name)
    body = made.body()
    assert result.method_id == name
    assert [th.hyps for th in result.theorems] == [th.hyps for th in made.proof.theorems]
    assert result.hash == made.certificate.hash
    assert result.steps == len(body["steps"]) < 3000
    assert body["claim"] == statement(made.proof.theorems, made.claim.dims)
    assert len(made.certificate.to_json()) < 500_000


@pytest.mark.parametrize("name", entries(CLAIMED))
def test_the_judges_of_finite_models_agree_with_a_claim(name: str) -> None:
    report = judged(name)
    assert (report.value, report.disagreement) == ("agree", "")
    assert report.model is not None and report.witness is None
    assert report.looked_at >= 3
    # sympy cannot put 0 log 0 into a formula after the event: then it is asked at another size
    if report.sympy.outcome != "agree":
        assert report.sympy.detail.startswith("no value")
        models = (model_at(claim(name), n) for n in (4, 8))
        assert any(sympy_judge.judge(load(name), [m]).outcome == "agree" for m in models if m)


@pytest.mark.parametrize("name", entries(EQUATIONS))
def test_the_gradients_of_a_claim_are_equal(name: str) -> None:
    """Equal with a stated error; the judge abstains, and says why, only where it cannot read."""
    assert claim(name).equation
    found = judged(name).gradient
    if smooth(name) or found.outcome != "abstain":
        assert found.outcome == "equal", found.why
        assert found.bits >= 20
    else:
        assert found.why.startswith(UNREAD)


def test_the_gradient_judge_reads_most_equations() -> None:
    assert sum(map(smooth, EQUATIONS)) >= 0.6 * len(EQUATIONS)


@pytest.mark.parametrize("name", entries(EQUATIONS))
def test_a_claim_is_never_refuted_up_to_scale_and_constant(name: str) -> None:
    """At worst the loss is constant in a model too small for it, in which both sides are."""
    said = claim(name)
    found = balls.no_affine(said)
    if found is not None:
        assert found.kind == "constant loss"
        three = [balls.three(case, 0) for case in cases(said, (3, 4, 8), 0)]
        assert {t[0] for t in three if t} == {"flat", "affine"}


# ------------------------------------------------------------------- what is denied


@pytest.mark.parametrize("name", entries(DENIED))
def test_what_is_denied_is_refuted_with_a_witness(name: str) -> None:
    found = verdict(name)
    assert isinstance(found, Refuted)
    assert found.ok
    assert recheck(load(name), found.witness) == ""


@pytest.mark.parametrize("name", entries(DENIED))
def test_the_judges_of_finite_models_agree_with_a_denial(name: str) -> None:
    report = judged(name)
    assert (report.value, report.disagreement) == ("refuted", "")
    assert report.model is not None
    assert report.sympy.outcome == "different"
    assert report.gradient.outcome in ("different", "abstain")


@pytest.mark.parametrize("name", entries(DENIED))
def test_what_is_denied_is_not_proved(name: str) -> None:
    assert isinstance(prove(claim(name), SHORT), NotProved)  # the deepest search takes minutes


# ------------------------------------------------------------------- these tests can fail


def test_every_entry_is_one_or_the_other() -> None:
    assert not set(CLAIMED) & set(DENIED)
    assert len(CLAIMED) > 200 and len(DENIED) > 50


def test_a_claim_and_a_denial_are_told_apart() -> None:
    assert isinstance(verdict("infonce"), Proved) and isinstance(verdict("focal"), Refuted)
    assert isinstance(prove(claim("infonce")), type(proved("infonce").proof))
    assert balls.no_affine(claim("focal")) is not None


def test_what_the_gradient_judge_cannot_read_is_told_apart() -> None:
    assert smooth("infonce") and not smooth("triplet") and not smooth("k-means")
    found = judged("k-means").gradient
    assert found.outcome == "abstain" and found.why.startswith(UNREAD)
