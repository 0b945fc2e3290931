"""Why a bare formula is no I-Con: certificates, what they exclude, witnesses looked at again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import flint
import pytest

from catalog.load import load_text
from catalog.registry import load
from derive.bridge import Problem, in_terms
from derive.cuts import cuts, named
from derive.fields import fmpq
from derive.freedom import free
from derive.jets import FAR, Unclear
from derive.membership import excluded
from derive.onerow import Derivatives, precise
from derive.scores import bare, values, versions
from derive.tails import Tail, follow, line
from derive.tape import Tape
from derive.terms import num
from derive.unfit import certificates, models, unfit
from derive.universal import Universal
from derive.witness import (
    ANALYTIC,
    ANY,
    EVERY,
    EXPONENTIAL,
    MONOTONE,
    ONE_PAIR,
    ONE_ROW,
    Witness,
    recheck,
)

FILE = """
id = "bare"
name = "a test"
field = "supervised"
year = 2020
cite = "khosla2020supervised"
summary = "A test."
[sets]
n = "i j k"
classes = "c l"
[learned]
{learned}
[given]
y = "label[i]"
pos = "index[i] in n"
t = "positive"
[assumes]
"the partner is another view" = "[pos[i] = i] = 0"
{assumes}
[icon]
anchors = "i"
neighbours = "j != i"
[p]
kernel = "one-hot"
target = "pos[i]"
[q]
kernel = "formula"
formula = "1"
[published]
formula = "{formula}"
source = "a test"
[claim]
relation = "does-not-reduce"
correction = "A test."
"""
SCORES, VECTORS = 'z = "real[i,c]"', 'z = "vector[i]"'
PHI = 'phi = "distribution[i,c]"'
CE = "mean[i] -log(exp(z[i,y[i]]) / sum[c] exp(z[i,c]))"
INFONCE = "mean[i] -log(exp(z[i].z[pos[i]]/t) / sum[k != i] exp(z[i].z[k]/t))"


def stripped(p: Problem) -> Problem:
    """A problem without its pair, scale and constant."""
    return replace(p, blocks=(), scale=num(1), constant=num(0), slack=(), facts=())


def problem(formula: str, learned: str = SCORES, assumes: str = "") -> Problem:
    text = FILE.format(formula=formula, learned=learned, assumes=assumes)
    return stripped(in_terms(load_text(text)))


def catalogued(name: str) -> Problem:
    return stripped(in_terms(load(name)))


def of_class(p: Problem, against: str) -> Universal | None:
    return next((u for u in certificates(p, (3,)) if u.refutes == against), None)


def witness_of(p: Problem, against: str) -> Witness:
    found = of_class(p, against)
    assert found is not None and found.witness is not None
    return found.witness


# what is excluded, by which kind of certificate; and a formula near by for which it is not
KINDS = [
    ("unbounded", EVERY, SCORES, f"({CE}) - mean[i] z[i,y[i]]", f"({CE}) + ({CE})"),
    ("unbounded", EVERY, SCORES, "mean[i] log(1 - exp(z[i,y[i]]) / sum[c] exp(z[i,c]))", CE),
    (
        "unbounded", EVERY, VECTORS,
        "mean[i] -log(exp(z[i].z[pos[i]]/t) / sum[k : k != i and k != pos[i]] exp(z[i].z[k]/t))",
        INFONCE,
    ),
    ("pieced", ANALYTIC, SCORES, "mean[i] sum[c] relu(z[i,c] - z[i,y[i]] + 1)",
     "mean[i] sum[c] softplus(z[i,c] - z[i,y[i]] + 1)"),
    ("pieced", ANALYTIC, VECTORS, "mean[i] relu(|z[i]-z[pos[i]]|^2 - 1)",
     "mean[i] softplus(|z[i]-z[pos[i]]|^2 - 1)"),
    ("pieced", ANALYTIC, SCORES, f"({CE}) + mean[i] max(z[i,y[i]], 0)", CE),
    ("convex", EXPONENTIAL, SCORES, "mean[i] (1 - exp(z[i,y[i]]) / sum[c] exp(z[i,c]))", CE),
    (
        "growth", EXPONENTIAL, VECTORS, "mean[i] (z[i].z[pos[i]] - 1)^2",
        "mean[i] softplus(z[i].z[pos[i]] - 1)",
    ),
    (
        "growth", EXPONENTIAL, VECTORS, "mean[i] exp(-z[i].z[pos[i]])",
        "mean[i] log(1 + exp(-z[i].z[pos[i]]))",
    ),
    ("unbounded", EXPONENTIAL, VECTORS, "mean[i] |z[i]-z[pos[i]]|^2",
     "mean[i] -log(exp(-|z[i]-z[pos[i]]|^2) / sum[k != i] exp(-|z[i]-z[k]|^2))"),
    (
        "submodular", MONOTONE, SCORES, "mean[i] (1 - exp(z[i,y[i]]) / sum[c] exp(z[i,c]))",
        "mean[i] log(sum[c] (1 + exp(z[i,c]))^2)",
    ),
    ("convex", EXPONENTIAL, PHI, "mean[i] -log(sum[c] phi[i,c]*phi[pos[i],c])",
     "mean[i] -log(phi[i,y[i]])"),
    ("one row", ONE_ROW, SCORES,
     "mean[i] (1 - exp(z[i,y[i]]) / sum[c] exp(z[i,c]))",
     "mean[i] -log(z[i,y[i]]^2 / sum[c] z[i,c]^2)"),
    ("one row", ONE_ROW, SCORES, f"({CE}) + ({CE})*({CE})", f"{CE} - (mean[i] z[i,y[i]])"),
    ("one pair", ONE_PAIR, SCORES, "mean[i] sqrt(1 + z[i,y[i]]^2)",
     "mean[i] log(exp(z[i,y[i]]) + exp(-z[i,y[i]]))"),
    ("field", ANY, SCORES, "mean[i] sg(exp(z[i,y[i]])) * log(1 + sum[c] exp(z[i,c]))",
     "mean[i] exp(z[i,y[i]]) * log(1 + sum[c] exp(z[i,c]))"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "against", "learned", "formula", "near"), KINDS)
def test_each_kind_and_a_near_miss(
    kind: str, against: str, learned: str, formula: str, near: str
) -> None:
    p = problem(formula, learned)
    found = of_class(p, against)
    assert found is not None and found.witness is not None
    assert (found.kind, found.witness.against) == (kind, against)
    assert recheck(p, found.witness) == ""
    assert Witness.from_json(found.witness.to_json()) == found.witness
    other = problem(near, learned)
    assert of_class(other, against) is None
    assert recheck(other, found.witness) != ""


def test_the_widest_class_is_told_first() -> None:
    p = problem("mean[i] relu(1 - z[i,y[i]])*relu(1 - z[i,y[i]])")
    found = certificates(p, (3,))
    assert [u.refutes for u in found] == [ANALYTIC, EXPONENTIAL]
    assert unfit(p, (3,)) == found[0]
    assert unfit(problem(CE)) is None


def test_a_sum_of_functions_of_one_score_is_trivially_an_i_con() -> None:
    one = of_class(problem("mean[i] (1 - sigmoid(z[i,y[i]]))"), EXPONENTIAL)
    two = of_class(problem("mean[i] (1 - exp(z[i,y[i]]) / sum[c] exp(z[i,c]))"), EXPONENTIAL)
    assert one is not None and "two-point" in one.trivial
    assert two is not None and not two.trivial


def test_third_derivatives_are_those_of_the_formula() -> None:
    tape = Tape()
    x, y, w = (tape.var(k, ()) for k in "xyw")
    root = tape.add([tape.mul([x, x, y]), tape.mul([x, y, w]), tape.exp(tape.mul([w, y]))])
    at = {x: fmpq(2), y: fmpq(3), w: fmpq(0)}
    with precise():
        d = Derivatives(tape, root, at)
        for found, wanted in (
            (d.two(x, y), 4), (d.jjk(x, y), 2), (d.jjk(y, x), 0), (d.jkl(x, y, w), 1),
            (d.jjk(w, y), 6), (d.two(y, w), 3),
        ):  # fmt: skip
            assert (found - wanted).contains(0) and found.rad() < 1e-20
        assert not (d.jjk(x, y) - 3).contains(0)


# ------------------------------------------------------------------- planted wrong witnesses


def test_a_wrong_direction_is_refused() -> None:
    p = problem("mean[i] -z[i,y[i]]")
    w = witness_of(p, EVERY)
    turned = {k: (x, -d) for k, (x, d) in w.scores.items()}
    assert recheck(p, replace(w, scores=turned)) != ""
    assert recheck(p, replace(w, scores={})) != ""
    q = problem("mean[i] (z[i].z[pos[i]] - 1)^2", VECTORS)
    v = witness_of(q, EXPONENTIAL)
    still = {k: (x, Fraction(0)) for k, (x, _) in v.scores.items()}
    assert recheck(q, replace(v, scores=still)) != ""


def test_a_wider_class_than_is_shown_is_refused() -> None:
    p = problem("mean[i] (1 - exp(z[i,y[i]]) / sum[c] exp(z[i,c]))")
    for against, wider in ((EXPONENTIAL, EVERY), (MONOTONE, EXPONENTIAL), (EXPONENTIAL, ANALYTIC)):
        assert recheck(p, replace(witness_of(p, against), against=wider)) != ""


def test_embeddings_at_which_the_scores_are_tied_are_refused() -> None:
    p = problem("mean[i] (z[i].z[pos[i]] - 1)^2", VECTORS)
    w = witness_of(p, EXPONENTIAL)
    zero = {at: Fraction(0) for at in w.learned["z"]}  # no product moves to first order
    assert recheck(p, replace(w, points=({"z": zero},))) != ""


def test_points_of_one_piece_are_refused() -> None:
    p = problem("mean[i] relu(1 - z[i,y[i]])")
    w = witness_of(p, ANALYTIC)
    assert recheck(p, replace(w, points=w.points[:1] * 2)) != ""
    assert recheck(p, replace(w, points=w.points[:1])) != ""


def test_a_point_that_breaks_a_hypothesis_is_refused() -> None:
    p = problem("mean[i] -z[i,y[i]]", 'z = "positive[i,c]"')
    w = witness_of(p, EVERY)
    low = {at: Fraction(-1) for at in w.learned["z"]}
    assert "hypothesis" in recheck(p, replace(w, points=({"z": low},)))


def test_values_that_no_embeddings_have_do_not_speak_of_kernels_that_rise() -> None:
    text = "mean[i] (1 - exp(z[i].z[pos[i]]) / sum[k != i] exp(z[i].z[k]))"
    p = problem(text, VECTORS)
    w = witness_of(p, MONOTONE)
    assert all(x is None for x, _ in w.scores.values())
    far = {k: (Fraction(0), d) for k, (_, d) in w.scores.items()}
    assert recheck(p, w) == "" != recheck(p, replace(w, scores=far))


# ------------------------------------------------------------------- what is admissible


def test_a_ray_that_leaves_the_hypotheses_shows_nothing() -> None:
    falling = "mean[i] z[i,y[i]]"
    assert of_class(problem(falling), EVERY) is not None
    assert of_class(problem(falling, 'z = "positive[i,c]"'), EVERY) is None
    unit = '"unit norm" = "|z[i]|^2 = 1"'
    falling = "-(mean[i] z[i].z[pos[i]])"
    assert of_class(problem(falling, VECTORS), EVERY) is not None
    bounded = problem(falling, VECTORS, unit)
    assert of_class(bounded, EVERY) is None
    assert of_class(bounded, EXPONENTIAL) is not None  # the sphere leaves the scores free


def test_a_learned_temperature_does_no_harm() -> None:
    text = "mean[i] -log(exp({0}*z[i].z[pos[i]]) / sum[k != i] exp({0}*z[i].z[k]))"
    for b, kind in (("b", "positive"), ("exp(b)", "real"), ("1/b", "positive")):
        found = certificates(problem(text.format(b), f'{VECTORS}\nb = "{kind}"'), (3,))
        assert {u.refutes for u in found} <= {ONE_ROW}  # its anchors share their scores


def test_what_is_stopped_is_held() -> None:
    ce = "-log(exp(z[i,y[i]]) / sum[c] exp(z[i,c]))"
    (found,) = certificates(problem(f"mean[i] sg(exp(z[i,y[i]])) * {ce}"), (3,))
    assert found.refutes == ANY  # with its weights held it is an I-Con
    # that of minus the probability of the label, which is a function
    q = "exp(z[i,y[i]]) / sum[c] exp(z[i,c])"
    assert of_class(problem(f"mean[i] sg({q}) * {ce}"), ANY) is None


def test_free_scores() -> None:
    p = problem("mean[i] z[i].z[pos[i]]", VECTORS)
    model = next(models(p, (3,), 0))
    case = bare(p, model)
    (cut,) = cuts(case)
    assert set(named(case, cut)) <= {"z[1].z[2]", "z[1].z[3]", "z[2].z[3]"}
    assert free(case, cut, model)
    zero = model.with_families({"z": dict.fromkeys(model.families["z"], Fraction(0))})
    assert not free(case, cut, zero)


def test_scores_that_add_up_are_written_in_others() -> None:
    centred = [f"(z[{i}] - (mean[k] z[k]))" for i in "ij"]
    p = problem(f"mean[i] mean[j] exp(-({'.'.join(centred)}))", VECTORS)
    model = next(models(p, (3,), 0))
    plain, other = versions(bare(p, model))
    assert [free(plain, c, model) for c in cuts(plain)] == [False]  # centred: each row sums to 0
    assert [free(other, c, model) for c in cuts(other)] == [True]
    (found,) = certificates(p, (3,))
    assert (found.kind, found.refutes) == ("growth", EXPONENTIAL)
    assert found.witness is not None
    assert recheck(p, found.witness) == ""
    with flint.ctx.workprec(200):
        known = values(plain, [plain.root, other.root], plain.point())
        assert (known[plain.root] - known[other.root]).contains(0)


def test_equations_between_learned_entries_take_freedom_away() -> None:
    for formula, learned, law, loose in (
        ("mean[i] (z[i].z[pos[i]] - 1)^2", VECTORS, "|z[i]|^2 = 1", True),
        ("mean[i] log(sum[c] exp(z[i,c]))", SCORES, "sum[c] z[i,c] = 1", False),
    ):
        p = problem(formula, learned, f'"a law" = "{law}"')
        model = next(models(p, (3,), 0))
        case = bare(p, model)
        (cut,) = cuts(case)
        assert free(case, cut, model) == loose
        off = model.with_families({"z": {at: x + 1 for at, x in model.families["z"].items()}})
        assert not free(case, cut, off)  # the law does not hold there


# ------------------------------------------------------------------- soundness


@pytest.mark.parametrize("name", ["focal", "supcon-in", "triplet", "byol", "metric-mds"])
def test_negatives_of_the_catalog(name: str) -> None:
    p = catalogued(name)
    found = unfit(p)
    assert found is not None and found.witness is not None
    assert recheck(p, found.witness) == ""


@pytest.mark.parametrize(
    "name",
    ["cross-entropy", "supcon", "siglip", "x-sample", "moco", "alignment-uniformity", "arcface",
     "t-sne", "stablemax", "spherical-softmax", "cosent", "coarse-labels"],
)  # fmt: skip
def test_no_certificate_excludes_the_pair_of_a_proved_claim(name: str) -> None:
    p = in_terms(load(name))
    for found in certificates(stripped(p), (3,)):
        assert found.witness is not None
        assert not excluded(p, found.witness), found.text


PARTS = [  # I-Con losses of many kinds in the inner products of all pairs
    INFONCE,
    "mean[i] (log(sum[k != i] exp(z[i].z[k]/2)) - (mean[k : k != i] z[i].z[k]/2))",
    "mean[i] log(1 + exp(3*z[i].z[pos[i]] - 1))",
    "mean[i] log(exp(-z[i].z[pos[i]]) + 2 + exp(z[i].z[pos[i]]))",
    "log(sum[i] sum[k != i] exp(-2*z[i].z[k])) + 2*(mean[i] z[i].z[pos[i]])",
    "mean[i] log(1 + sum[k : k != i and k != pos[i]] exp(z[i].z[k] - z[i].z[pos[i]]))",
]


@pytest.mark.parametrize("seed", range(6))
def test_random_sums_of_i_con_losses_have_no_certificate(seed: int) -> None:
    rng = random.Random(seed)
    parts = [f"{rng.randint(1, 9)}/7*({p})" for p in rng.sample(PARTS, 3)]
    whole = " + ".join(parts)
    wide = {EVERY, ANY, ANALYTIC, EXPONENTIAL}
    assert not wide & {u.refutes for u in certificates(problem(whole, VECTORS), (3,))}
    # one term taken twice as often away as it stands there
    less = f"{parts[0]} + {parts[1]} - 2*({parts[2]})"
    assert wide & {u.refutes for u in certificates(problem(less, VECTORS), (3,))}


def test_a_false_certificate_would_be_seen() -> None:
    p = in_terms(load("cross-entropy"))
    model = next(models(stripped(p), (3,), 0))
    case = bare(p, model)
    (cut,) = cuts(case)
    learned = {k: model.families[k] for k in p.learned}
    given = {k: t for k, t in model.families.items() if k not in p.learned}
    for against in (EVERY, ANALYTIC, EXPONENTIAL, MONOTONE, ONE_ROW):
        w = Witness(
            "convex", against, model.sizes, given, model.masks, model.functions, (learned,),
            scores={k: (None, Fraction(k.startswith("z[1,"))) for k in named(case, cut)},
        )  # fmt: skip
        assert excluded(p, w)
        assert recheck(stripped(p), w) != ""


# ------------------------------------------------------------------- the arithmetic of rays


def value(f: Tail, t: int) -> flint.arb:
    powers = (flint.arb(t) ** fmpq(k) * c for k, c in f.terms.items())
    return (flint.arb(f.a) * t).exp() * sum(powers, flint.arb(0))


def test_tails_enclose_sums_products_and_powers() -> None:
    rng = random.Random(0)

    def some() -> Tail:
        powers = rng.sample([Fraction(k, 2) for k in (4, 2, 1, 0, -2)], 2)
        return Tail(fmpq(rng.randint(-1, 1)), {k: fmpq(rng.randint(1, 5)) for k in powers})

    with flint.ctx.workprec(300):
        for _ in range(60):
            f, g = some(), some()
            for t in (FAR, 70, 400):
                a, b = value(f, t), value(g, t)
                assert (value(f + g, t) - a - b).contains(0)
                assert (value(f * g, t) - a * b).contains(0)
                assert (value(f.inv(), t) * a - 1).contains(0)
                assert (value(f.power(fmpq(Fraction(1, 2))), t) ** 2 - a).contains(0)
                assert not (value(f * g, t) - 2 * a * b).contains(0)


@pytest.mark.parametrize(
    ("build", "ends"),
    [
        ("mul(x, x)", "races"),
        ("mul(minus, three, x)", "falls"),
        ("log(add(exp(x), exp(mul(three, x))))", "rises"),
        ("exp(x)", "races"),
        ("mul(x, exp(mul(minus, x)))", ""),
        ("inv(add(x, one))", ""),
        ("exp(mul(half, log(mul(x, x))))", "rises"),
        ("mul(x, inv(exp(mul(half, log(add(mul(x, x), one))))))", ""),
        ("mul(minus, x, x, x)", "falls"),
        ("relu(x)", "rises"),
        ("relu(mul(minus, x))", ""),
    ],
)
def test_how_a_function_ends(build: str, ends: str) -> None:
    tape = Tape()
    x = tape.var("x", ())
    names: Mapping[str, object] = {
        "x": x, "exp": tape.exp, "log": tape.log, "inv": tape.inv, "relu": tape.relu,
        "half": fmpq(Fraction(1, 2)), "one": fmpq(1), "minus": fmpq(-1), "three": fmpq(3),
        "add": lambda *xs: tape.add(list(xs)), "mul": lambda *xs: tape.mul(list(xs)),
    }  # fmt: skip
    root = eval(build, dict(names))
    assert follow(tape, root, {x: line(fmpq(1), fmpq(1))}).growth()[0] == ends


@pytest.mark.parametrize("power", [2, Fraction(1, 2)])
def test_an_exponential_of_a_power_is_not_understood(power: int | Fraction) -> None:
    with pytest.raises(Unclear):
        Tail(fmpq(0), {power: fmpq(1)}).exp()
