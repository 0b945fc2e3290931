"""Certificates against every I-Con: curvature, rays, flat boxes; and the arithmetic behind them."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import flint
import pytest

from catalog.load import load_text
from catalog.registry import load
from derive.bridge import Problem, problem
from derive.fields import fmpq
from derive.instance import case_at
from derive.jets import Ray, Unclear, hessian_row, slope_at_infinity
from derive.tape import Tape
from derive.universal import universal
from derive.witness import EVERY, Witness, recheck

ZERO = flint.fmpq(0)
SCORES = """
id = "scores"
name = "a test"
field = "supervised"
year = 2020
cite = "khosla2020supervised"
summary = "A test."
[sets]
n = "i"
classes = "c k"
[learned]
z = "real[i,c]"
[given]
y = "label[i]"
[icon]
anchors = "i"
neighbours = "c"
[p]
kernel = "one-hot"
target = "y[i]"
[q]
kernel = "logit"
logit = "z[i,c]"
[published]
formula = "{}"
source = "a test"
[claim]
relation = "does-not-reduce"
correction = "A test."
"""
CE = "mean[i] -log(exp(z[i,y[i]]) / sum[c] exp(z[i,c]))"


def scores(formula: str) -> Problem:
    return problem(load_text(SCORES.format(formula)))


@pytest.mark.parametrize(
    ("formula", "kind"),
    [
        ("mean[i] (1 - exp(z[i,y[i]]) / sum[c] exp(z[i,c]))", "submodular"),  # total variation
        ("mean[i] log(exp(z[i,y[i]]) / sum[c] exp(z[i,c]))", "submodular"),  # the wrong sign
        ("mean[i] -(exp(z[i,y[i]]) + z[i,y[i]])", "convex"),
        ("mean[i] -z[i,y[i]]", "unbounded"),
        (f"({CE}) - 2*(mean[i] z[i,y[i]])", "unbounded"),  # a target of mass 3
        ("mean[i] relu(1 - z[i,y[i]])", "flat"),
        ("mean[i] sum[c] relu(z[i,c] - z[i,y[i]] - 1)", "flat"),
    ],
)
def test_a_loss_that_is_no_i_con(formula: str, kind: str) -> None:
    p = scores(formula)
    found = universal(p)
    assert found is not None
    assert found.kind == kind
    assert found.witness is not None
    assert found.witness.against == EVERY
    assert recheck(p, found.witness) == ""
    assert Witness.from_json(found.witness.to_json()) == found.witness
    assert recheck(scores(CE), found.witness) != ""


@pytest.mark.parametrize("formula", [CE, f"3*({CE}) + 5"])
def test_an_i_con_has_no_certificate(formula: str) -> None:
    assert universal(scores(formula)) is None


@pytest.mark.parametrize(
    ("name", "kind", "rigorous"),
    [
        ("focal", "submodular", True),
        ("triplet", "flat", True),
        ("supcon-in", "submodular", False),
        ("decoupled-contrastive", "unbounded", False),
    ],
)
def test_negatives_of_the_catalog(name: str, kind: str, rigorous: bool) -> None:
    p = problem(load(name))
    found = universal(p)
    assert found is not None
    assert found.kind == kind
    assert (found.witness is not None) == rigorous
    assert ("in free scores" in found.text) != rigorous
    if found.witness is not None:
        assert recheck(p, found.witness) == ""


@pytest.mark.parametrize(
    "name", ["cross-entropy", "supcon", "moco-v3", "siglip", "t-sne", "dcd", "x-sample"]
)
def test_exact_methods_have_none(name: str) -> None:
    assert universal(problem(load(name)), (3, 4)) is None


def test_a_moved_witness_is_noticed() -> None:
    p = scores("mean[i] relu(1 - z[i,y[i]])")
    found = universal(p)
    assert found is not None
    assert found.witness is not None
    low = {at: Fraction(-9) for at in found.witness.points[0]["z"]}
    assert recheck(p, replace(found.witness, points=({"z": low}, found.witness.points[1])))
    assert recheck(p, replace(found.witness, points=found.witness.points[:1] * 2))


# ------------------------------------------------------------------- the arithmetic


def test_hessian_rows_agree_with_difference_quotients() -> None:
    case = case_at(problem(load("focal")), 3, 0, "generic")
    assert case is not None
    tape, root = case.tape, case.left
    names = {x: n[1:] for x in tape.reach([root]) if (n := tape.nodes[x])[0] == "var"}
    point = {x: case.point()[key] for x, key in names.items()}
    h = fmpq(Fraction(1, 10**15))
    with flint.ctx.workprec(400):
        for x in point:
            row = hessian_row(tape, root, point, {x: 1})
            up, down = (hessian_row(tape, root, {**point, x: point[x] + s}, {}) for s in (h, -h))
            for y in point:
                quotient = (up[y].v - down[y].v) / (2 * h)
                assert abs(float(quotient - row[y].d)) < 1e-9


def far(build: str, *, a: int = 1, b: int = -1) -> object:
    """The slope at infinity of a function of x = a t and y = b t."""
    tape = Tape()
    x, y = tape.var("x", ()), tape.var("y", ())

    def add(*xs: object) -> object:
        return tape.add(list(xs))

    def mul(*xs: object) -> object:
        return tape.mul(list(xs))

    two = fmpq(2)
    root = eval(build, {**globals(), **locals(), "exp": tape.exp, "log": tape.log,
                        "inv": tape.inv, "relu": tape.relu})  # fmt: skip
    return slope_at_infinity(tape, root, {x: ZERO, y: fmpq(3)}, {x: fmpq(a), y: fmpq(b)})


@pytest.mark.parametrize(
    ("build", "slope"),
    [
        ("add(x, mul(two, y))", -1),
        ("log(add(exp(x), exp(y)))", 1),
        ("add(log(add(exp(x), exp(y))), mul(-two, x))", -1),
        ("log(add(exp(y), two))", 0),
        ("mul(exp(y), exp(x))", 0),
        ("log(mul(exp(y), exp(y)))", -2),
        ("inv(add(two, exp(x)))", 0),
        ("relu(add(x, two))", 1),
        ("relu(add(y, two))", 0),
        ("mul(two, log(inv(exp(x))))", -2),
        ("exp(exp(y))", 0),
    ],
)
def test_slopes_at_infinity(build: str, slope: int) -> None:
    assert far(build) == slope


@pytest.mark.parametrize("build", ["mul(x, y)", "exp(exp(x))", "log(y)", "inv(x)", "exp(x)"])
def test_rays_say_when_they_cannot_tell(build: str) -> None:
    with pytest.raises(Unclear):
        far(build)


def test_a_ray_encloses_the_function() -> None:
    rng = random.Random(0)

    def value(r: Ray, t: int) -> flint.arb:
        return (flint.arb(r.a) * t).exp() * (flint.arb(r.b) * t + r.c)

    for _ in range(50):
        r, s = (
            Ray(fmpq(rng.randint(-2, 2)), ZERO, fmpq(Fraction(rng.randint(1, 5), 2))) for _ in "rs"
        )
        with flint.ctx.workprec(300):
            for t in (64, 70, 100):
                assert (value(r + s, t) - value(r, t) - value(s, t)).contains(0)
                assert (value(r * s, t) - value(r, t) * value(s, t)).contains(0)
