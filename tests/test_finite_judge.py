"""The fixed-size judges together: planted errors, contradictory hypotheses, what they store.

That they agree on every entry of the catalog is in test_every_entry.py.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from catalog.load import load_text
from catalog.registry import load
from catalog.spec import Method
from derive import balls, enclose, finite, gradient, sympy_judge
from derive import instance as instance_module
from derive.bridge import Problem, problem
from derive.instance import case_at, cases, instance, model_at, work
from derive.terms import Term, mk, num
from derive.witness import AFFINE, CLAIM, KINDS, Witness, recheck

NEGATIVE = ("does-not-reduce", "false-as-stated")
METHOD = """
id = "sphere"
name = "a test"
field = "self-supervised"
year = 2020
cite = "khosla2020supervised"
summary = "A test."
[learned]
z = "vector[i]"
[given]
pos = "index[i] in n"
tau = "positive"
[assumes]
"the partner is another view" = "[pos[i] = i] = 0"
{assumes}
[p]
kernel = "one-hot"
target = "pos[i]"
[q]
{kernel}
[published]
formula = "{published}"
source = "a test"
[claim]
relation = "exact"
"""
DOT = "kernel = 'dot'\nembedding = 'z'\ntemperature = 'tau'"
NCE = "mean[i] -log(exp(z[i].z[pos[i]]/tau) / sum[k != i] exp(z[i].z[k]/tau))"
GAUSS = "mean[i] -log(exp(-|z[i]-z[pos[i]]|^2/(2*tau)) / sum[k != i] exp(-|z[i]-z[k]|^2/(2*tau)))"
UNIT = '"features are unit vectors" = "|z[i]|^2 = 1"'


def method(published: str = NCE, kernel: str = DOT, assumes: str = "") -> Method:
    return load_text(METHOD.format(published=published, kernel=kernel, assumes=assumes))


@cache
def claim(name: str) -> Problem:
    return problem(load(name))


def judge(m: Method, p: Problem | None = None, **more: Any) -> finite.FiniteReport:
    return finite.judge(m, p or problem(m), affine=m.claim.relation in NEGATIVE, **more)


def shifted(p: Problem, by: Term) -> Problem:
    return replace(p, published=p.published + by)


def scaled(p: Problem, by: Term) -> Problem:
    return replace(p, published=p.published * by)


E = mk("exp", None, num(1))
SIZE = mk("sum", "n", num(1))
TAU = mk("app", ("tau", ()))
THIRD = num(Fraction(1, 3))
PLANTED = [
    ("a constant", "constant", "minus claimed is 1/3", lambda p: shifted(p, THIRD)),
    ("a size", "constant", "minus claimed is n", lambda p: shifted(p, SIZE)),
    ("log n", "constant", "log(n)", lambda p: shifted(p, mk("log", None, SIZE))),
    ("a factor", "scale", "is 2 times", lambda p: scaled(p, num(2))),
    ("a temperature", "scale", "is tau times", lambda p: scaled(p, TAU)),
    ("a sign", "sign", "", lambda p: scaled(p, num(-1))),
    ("nothing learned", "constant loss", "", lambda p: replace(p, published=SIZE)),
    ("a square", "different", "", lambda p: replace(p, published=p.published * p.published)),
    ("log of -e", "undefined", "log of", lambda p: shifted(p, mk("log", None, num(-1) * E))),
    ("log of 0", "undefined", "log(0)", lambda p: shifted(p, mk("log", None, num(0)))),
    ("1/0", "undefined", "1/0", lambda p: shifted(p, mk("inv", None, num(0)))),
]  # fmt: skip


def test_a_negative_scale_is_refuted_although_the_sides_agree() -> None:
    p = claim("infonce")
    wrong = replace(p, published=p.published * num(-1), scale=num(-1) * p.scale, constant=num(0))
    w = balls.refute_value(wrong, explain=True)
    assert w is not None
    assert w.kind == "sign"
    assert "scale stated is -1" in w.text
    assert recheck(wrong, w) == ""
    assert recheck(p, w) != ""
    none = replace(p, published=SIZE, scale=num(0), constant=SIZE)
    assert balls.refute_value(none) is not None


@pytest.mark.parametrize("name", ["simclr", "supcon"])
@pytest.mark.parametrize(("what", "kind", "says", "plant"), PLANTED, ids=[x[0] for x in PLANTED])
def test_a_planted_error_is_refuted_and_named(
    name: str, what: str, kind: str, says: str, plant: Any
) -> None:
    wrong = plant(claim(name))
    quick = balls.refute_value(wrong)
    assert quick is not None
    assert recheck(wrong, quick) == ""
    w = balls.refute_value(wrong, explain=True)
    assert w is not None
    assert w.kind == kind
    assert w.kind in KINDS
    assert says in w.text
    assert recheck(wrong, w) == ""
    assert max(w.sizes.values()) <= max(quick.sizes.values())


def test_log_of_a_negative_is_invisible_to_the_gradient_but_not_to_balls() -> None:
    p = claim("infonce")
    minus = mk("log", None, num(-1) * mk("exp", None, p.published))
    flipped = replace(p, published=minus)
    case = instance(flipped, model_at(flipped, 3))  # type: ignore[arg-type]
    assert gradient.judge(case).outcome == "equal"
    w = balls.refute_value(flipped)
    assert w is not None
    assert w.kind == "undefined"


def test_a_constant_is_seen_by_balls_only() -> None:
    wrong = shifted(claim("infonce"), num(1))
    case = case_at(wrong, 3, 0, "generic")
    assert case is not None
    assert gradient.judge(case).outcome == "equal"
    assert enclose.compare(case).kind == "differ"


def test_a_bug_in_the_translation_is_a_disagreement() -> None:
    m = load("infonce")
    good, wrong = claim("infonce"), shifted(claim("infonce"), num(1))
    assert "sympy" in judge(m, wrong).disagreement  # terms differ, the surface formulas do not
    other = replace(m, published=load("decoupled-contrastive").published)
    assert judge(m, good).disagreement == ""
    assert finite.judge(other, good, affine=False).sympy.outcome in ("different", "abstain")


def test_disagreements_are_all_noticed() -> None:
    w = balls.refute_value(shifted(claim("infonce"), num(1)))
    assert w is not None
    equal, other = gradient.Gradient("equal"), gradient.Gradient("different")
    yes, no = sympy_judge.SympyReport("agree"), sympy_judge.SympyReport("different")
    assert finite.clash("agree", equal, yes, None) == ""
    assert finite.clash("agree", other, yes, None)
    assert finite.clash("agree", equal, no, None)
    assert finite.clash("refuted", equal, no, w) == ""
    assert finite.clash("refuted", equal, yes, w)
    different = replace(w, against=AFFINE, kind="different")
    assert finite.clash("refuted", equal, no, different)
    assert finite.clash("refuted", other, yes, different)
    assert finite.clash("refuted", other, yes, replace(different, kind="sign")) == ""


def test_contradictory_hypotheses_are_named() -> None:
    m = method(assumes='"small" = "tau < 1"\n"large" = "tau > 2"')
    report = judge(m)
    assert report.model is None
    assert set(report.conflicting) == {"small", "large"}


def test_negative_reports_carry_a_universal_certificate() -> None:
    found = judge(load("focal")).universal
    assert found is not None
    assert found.kind == "submodular"
    assert judge(load("conditional-t-sne")).universal is None
    assert judge(load("infonce")).universal is None


def test_a_claim_too_large_for_a_size_is_not_looked_at_there(monkeypatch: Any) -> None:
    assert work(claim("clip"), {"n": 4, "d": 2}) < work(claim("clip"), {"n": 8, "d": 2})
    case_at.cache_clear()
    monkeypatch.setattr(instance_module, "LARGEST", 1000)
    assert [c.model.sizes["n"] for c in cases(claim("clip"), (3, 4, 8), 0)] == [3, 3]
    case_at.cache_clear()


def test_sizes_without_a_model_are_left_out() -> None:
    m = method(assumes='"partners are mutual" = "[pos[pos[i]] = i] = 1"')  # not for odd n
    report = judge(m)
    assert report.model is not None
    assert report.model.sizes["n"] % 2 == 0
    assert (report.value, report.disagreement) == ("agree", "")


# ------------------------------------------------------------------- constraints on what is learned


def test_a_gaussian_is_a_dot_product_on_unit_vectors_only() -> None:
    on_sphere = judge(method(GAUSS, assumes=UNIT))
    assert (on_sphere.value, on_sphere.gradient.outcome) == ("agree", "equal")
    free = judge(method(GAUSS))
    assert free.value == "refuted"
    assert free.gradient.outcome == "different"
    assert (on_sphere.disagreement, free.disagreement) == ("", "")


def test_a_witness_keeps_the_constraints() -> None:
    wrong = shifted(problem(method(GAUSS, assumes=UNIT)), num(1))
    w = balls.refute_value(wrong, explain=True)
    assert w is not None
    for table in (p["z"] for p in w.points):
        for i in range(w.sizes["n"]):
            assert sum(x * x for (k, _), x in table.items() if k == i) == 1
    loose = replace(w, points=tuple({"z": dict.fromkeys(p["z"], num(2).data)} for p in w.points))
    assert "does not hold" in recheck(wrong, loose)


# ------------------------------------------------------------------- witnesses


def test_a_witness_can_be_stored_read_and_checked() -> None:
    for name in ("supcon-in", "triplet", "conditional-t-sne"):
        w = balls.no_affine(claim(name))
        assert w is not None
        assert w.against == AFFINE
        assert Witness.from_json(w.to_json()) == w
        assert recheck(claim(name), w) == ""
        text = w.describe()
        assert "point 3" in text
        assert "published = " in text
        assert all(k in text for k in (*w.given, *w.functions, *w.learned))


def test_a_false_witness_is_noticed() -> None:
    right, w = claim("infonce"), balls.refute_value(shifted(claim("infonce"), num(1)))
    assert w is not None
    assert recheck(right, w) == "the two sides agree at the witness"
    assert recheck(right, replace(w, given={})) != ""
    affine = balls.no_affine(claim("focal"))
    assert affine is not None
    same = replace(affine, points=affine.points[:1] * 3)
    assert recheck(claim("focal"), same) != ""
    assert recheck(claim("focal"), replace(affine, points=affine.points[:2])) != ""


def test_the_witness_prefers_small_sizes_and_whole_numbers() -> None:
    w = balls.refute_value(shifted(claim("simclr"), num(1)), explain=True)
    assert w is not None
    assert w.against == CLAIM
    assert w.sizes["n"] == 2
    assert {x for t in w.learned.values() for x in t.values()} <= {0, 1, -1}


def test_negative_claims_name_the_smallest_size() -> None:
    w = balls.no_affine(claim("supcon-in"))
    assert w is not None
    assert w.kind == "different"
    assert w.sizes["n"] <= 8
    assert balls.no_affine(scaled(claim("infonce"), num(-1))).kind == "sign"  # type: ignore[union-attr]
    constant = balls.no_affine(replace(claim("infonce"), published=num(2)))
    assert constant is not None
    assert constant.kind == "constant loss"


# ------------------------------------------------------------------- sympy


def test_sympy_is_imported_late() -> None:
    code = "import sys, derive.finite; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_sympy_expands_logarithms_as_evidence() -> None:
    m = load("supcon")
    model = model_at(claim("supcon"), 3)
    assert model is not None
    says = sympy_judge.judge(m, [model], structure=True)
    assert says.outcome == "agree"
    assert says.detail == "the expansion of logarithms is 0"
    assert sympy_judge.judge(m, [model]).detail == ""


def test_sympy_sees_what_has_no_value() -> None:
    m = method("mean[i] log(sum[k : k = pos[i] and k = i] exp(z[i].z[k]/tau))")
    model = model_at(problem(m), 3)
    assert model is not None
    says = sympy_judge.judge(m, [model])
    assert says.outcome == "different"
    assert "logarithm of 0" in says.detail
    assert judge(m).witness.kind == "undefined"  # type: ignore[union-attr]
