"""Pairs compared by another divergence than KL: programs against the formulas, in every form."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from fractions import Fraction
from functools import cache
from types import ModuleType

import numpy as np
import pytest

from catalog.divergences import DIVERGENCES
from catalog.load import load_text
from catalog.registry import all_methods, load
from catalog.spec import Method
from catalog.symbols import Num, Sym, walk
from codegen import divergence, oracle
from codegen.emit import emit, refusal
from codegen.execute import FORMS, differentiable, module, program_of, run, source, tensor
from codegen.samples import Sample, sample

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

EXACT = 1e-10  # float64 against the formulas, value and gradient, relative to the largest entry
UPSTREAM = -2.5
TOLERANCE = {"float32": (2e-5, 2e-4), "bfloat16": (2e-2, 1e-1), "float16": (4e-3, 2e-2)}
FILE = """
id = "mine"
name = "A loss of mine"
field = "supervised"
year = 2025
cite = "mine2025"
{pair}
divergence = "{divergence}"
{order}
[claim]
relation = "definition"
"""
ORDERS = {"": "", "1/2": 'order = "1/2"', "2": 'order = "2"', "of the data": 'order = "1 + t"'}
KINDS = [
    (name, order)
    for name, d in DIVERGENCES.items()
    if name != "kl"
    for order in ORDERS
    if bool(order) == d.ordered
]
Z = 'z = "vector[i]"'
TWO = 'z = "vector[i]"\nw = "vector[c]"\ntau = "positive"'
SMOOTHED = '[p]\nkernel = "smoothed"\ntarget = "pos[i]"\nepsilon = "e"\n'
COSINE = '[q]\nkernel = "cosine"\nembedding = "z"\ntemperature = "1/2"\n'
WEIGHTS = '[p]\nkernel = "weights"\nweights = "W[i,j]"\n'
STUDENT = '[q]\nkernel = "student-t"\nembedding = "z"\ndof = "2"\n'
PARTNER = '[assumes]\n"the partner is another" = "pos[i] != i"\n'
OUTCOMES = 'outcomes = { letters = "o", elements = ["match", "null"] }'
PAIR = '[icon]\nanchors = "i, j"\nneighbours = "o"\nnormalise = "pair"\n'


def given(*lines: str) -> str:
    return "[given]\n" + "\n".join(['t = "positive"', *lines]) + "\n"


# what it shows and the file up to the divergence, which stands last in [icon]; "p > 0 everywhere"
PAIRS = {
    "a smoothed target": (True, f'[learned]\n{Z}\n'
        + given('pos = "index[i] in n"', 'e = "probability"') + PARTNER + SMOOTHED + COSINE
        + "[icon]"),
    "weighted rows by mask": (True, f'[sets]\nn = "i j l"\n[learned]\n{Z}\ns = "positive"\n'
        + given('W = "positive[i,j]"', 'ok = "mask[i,j]"', 'omega = "positive[i]"')
        + '[assumes]\n"a" = "sum[j] [ok[i,j]] > 0"\n' + WEIGHTS
        + '[q]\nkernel = "gaussian"\nembedding = "z"\nbandwidth = "s"\n'
        + '[icon]\nneighbours = "j : ok[i,j]"\nweights = "omega[i]/sum[l] omega[l]"'),
    "labels": (False, f'[learned]\n{Z}\n' + given('y = "label[i]"')
        + '[define]\n"P(i)" = "{ j : j != i and y[j] = y[i] }"\n'
        + '[assumes]\n"has a positive" = "size(P(i)) > 0"\n[p]\nkernel = "same-label"\n'
        + f'labels = "y"\n{STUDENT}[icon]'),
    "one class": (False, f'[sets]\nn = "i"\nclasses = "c"\n[learned]\n{TWO}\nb = "real[c]"\n'
        + given('y = "label[i]"')
        + '[p]\nkernel = "one-hot"\ntarget = "y[i]"\n[q]\nkernel = "dot"\nembedding = "z"\n'
        + 'keys = "w"\ntemperature = "tau"\nbias = "b[c]"\n[icon]\nneighbours = "c"'),
    "a teacher of logits": (True, '[sets]\nn = "i"\nclasses = "c"\n[learned]\nl = "real[i,c]"\n'
        + given('a = "real[i,c]"', 'T = "positive"')
        + '[p]\nkernel = "softmax"\nlogits = "a[i,c]"\ntemperature = "T"\n[q]\nkernel = "logit"\n'
        + 'logit = "l[i,c]"\ntemperature = "T"\n[icon]\nneighbours = "c"'),
    "all pairs jointly": (True, f'[sets]\nn = "i j k l"\n[learned]\n{Z}\n'
        + given('x = "vector(m)[i]"', 'sigma = "positive[i]"') + '[assumes]\n"several" = "n > 1"\n'
        + '[p]\nkernel = "symmetrised-gaussian"\npoints = "x"\nbandwidth = "sigma"\n'
        + f'{STUDENT}[icon]\nanchors = ""\nneighbours = "i, j : i != j"\nnormalise = "joint"'),
    "rows and columns": (True, f'[sets]\nn = "i j"\n[learned]\n{Z}\nw = "vector[i]"\n'
        + given('e = "probability"') + '[assumes]\n"several" = "n > 1"\n'
        + '[p]\nkernel = "smoothed"\ntarget = "i"\nepsilon = "e"\n[q]\nkernel = "dot"\n'
        + 'embedding = "z"\nkeys = "w"\n[icon]\nneighbours = "j"\nnormalise = "row-and-column"'),
    "matches": (False, f'[sets]\nn = "i j"\n{OUTCOMES}\n[learned]\n{Z}\nb = "real"\n'
        + given('y = "label[i]"') + '[p]\nkernel = "match"\nwhen = "y[i] = y[j]"\n'
        + '[q]\nkernel = "sigmoid"\nlogit = "z[i].z[j] + b"\n' + PAIR.strip()),
    "soft matches": (True, f'[sets]\nn = "i j"\n{OUTCOMES}\n[learned]\n{Z}\nb = "real"\n'
        + given('P = "probability[i,j]"') + '[p]\nkernel = "formula"\n'
        + 'formula = "[o = match]*P[i,j] + [o = null]*(1 - P[i,j])"\n'
        + '[q]\nkernel = "sigmoid"\nlogit = "z[i].z[j] + b"\n' + PAIR.strip()),
    "clusters": (True, '[sets]\nn = "i j l"\nm = "c b"\n[learned]\nf = "real[i,c]"\n'
        + given('W = "positive[i,j]"') + WEIGHTS + '[q]\nkernel = "cluster"\n'
        + 'assignments = "exp(f[i,c])/(sum[b] exp(f[i,b]))"\n[icon]\nneighbours = "j"'),
    "no blocks": (True, f'[learned]\n{Z}\n' + given('W = "positive[i,j]"')
        + '[assumes]\n"several" = "n > 1"\n' + WEIGHTS
        + '[q]\nkernel = "logit"\nlogit = "relu(z[i].z[j]) + |z[j]|*cos(z[i],z[j])"\n[icon]'),
    "a batch of rows": (True, '[sets]\nn = "i j"\nv = "a b"\n[learned]\nz = "vector[a,i]"\n'
        + given('W = "positive[a,i,j]"') + '[assumes]\n"several" = "n > 1"\n'
        + '[p]\nkernel = "weights"\nweights = "W[a,i,j]"\n[q]\nkernel = "gaussian"\n'
        + 'embedding = "z[a,i]"\nkeys = "z[a,j]"\nbandwidth = "2"\n'
        + '[icon]\nanchors = "a, i"\nneighbours = "j : j != i"'
    ),
}  # fmt: skip


@cache
def text(pair: str, divergence: str, order: str) -> str:
    return FILE.format(pair=PAIRS[pair][1], divergence=divergence, order=ORDERS[order])


def method(pair: str, divergence: str, order: str) -> Method:
    return load_text(text(pair, divergence, order))


@cache
def made(pair: str, divergence: str, order: str, form: str) -> ModuleType:
    return module(source(method(pair, divergence, order), form))


CASES = [
    (pair, *kind)
    for pair, (whole, _) in PAIRS.items()
    for kind in KINDS
    if whole or not DIVERGENCES[kind[0]].full
]


def distance(value: float, found: dict, answer: oracle.Answer) -> float:
    errors = [abs(value - answer.value) / max(1.0, abs(answer.value))]
    for name, gradient in found.items():
        right = UPSTREAM * np.asarray(answer.gradient[name], dtype=float)
        errors.append(float(np.max(np.abs(gradient - right)) / max(1.0, np.max(np.abs(right)))))
    return max(errors)


@pytest.mark.parametrize(("pair", "divergence", "order"), CASES)
def test_value_and_gradient_are_those_of_the_formulas(
    pair: str, divergence: str, order: str
) -> None:
    m = method(pair, divergence, order)
    program = program_of(m)
    numbers = [a.symbol for a in program.arguments if a.kind == "number" and not a.shape]
    s = sample(m, 0, size=5)
    answer = oracle.loss(m, s.sizes, s.data, wanted=numbers)
    for form in FORMS:
        found = made(pair, divergence, order, form)
        vars(found)["TILE"] = 3
        result = run(found, program, form, s, upstream=UPSTREAM)
        assert distance(float(result.value), dict(result.gradient), answer) < EXACT, form


# --------------------------------------------------------------------------- the catalog's entries

ENTRIES = [m.id for m in all_methods() if m.icon.divergence != "kl" and refusal(m) is None]
EQUATIONS = ("exact", "coarse", "reverse", "generalised")


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_of_the_catalog_in_every_form(name: str) -> None:
    m = load(name)
    program, s = program_of(m), sample(m, 0, size=5)
    numbers = [a.symbol for a in program.arguments if a.kind == "number" and not a.shape]
    answer = oracle.loss(m, s.sizes, s.data, wanted=numbers)
    for form in FORMS:
        found = module(source(m, form))
        vars(found)["TILE"] = 3
        result = run(found, program, form, s, upstream=UPSTREAM)
        assert distance(float(result.value), dict(result.gradient), answer) < EXACT, form
    if m.claim.relation in EQUATIONS:
        formulas = oracle.Interpreter(s.sizes, s.data)
        scale = formulas.scalar(m.claim.scale, {}).value
        constant = formulas.scalar(m.claim.constant, {}).value
        published = oracle.published(m, s.sizes, s.data).value
        assert scale * answer.value + constant == pytest.approx(published, rel=EXACT, abs=EXACT)


def test_the_entries_are_of_every_relation_and_many_divergences() -> None:
    assert {load(name).claim.relation for name in ENTRIES} >= {"reverse", "generalised"}
    assert len({load(name).icon.divergence for name in ENTRIES}) >= 8
    assert len(ENTRIES) >= 35


def test_a_constant_is_written_in_the_precision_of_the_arrays() -> None:
    m = load("mean-entropy")  # its p is 1/m, which single precision keeps to seven digits
    original = source(m, "dense")
    right = "s.new_tensor(1 / m)"
    assert right in original
    found = module(original.replace(right, "torch.tensor(1 / m)"))
    s = sample(m, 0, size=5)
    answer = oracle.loss(m, s.sizes, s.data)
    result = run(found, program_of(m), "dense", s, upstream=UPSTREAM)
    assert distance(float(result.value), {}, answer) > EXACT


# every divergence and order once, the pairs in turn
EVERY = [
    (names[k % len(names)], *kind)
    for k, kind in enumerate(KINDS)
    for names in [[p for p, (whole, _) in PAIRS.items() if whole or not DIVERGENCES[kind[0]].full]]
]
BLOCKS = [case for case in EVERY if case[0] != "no blocks"]


def call(case: tuple[str, str, str], form: str, s: Sample, **replaced: torch.Tensor) -> tuple:
    """A function of what has a gradient, and its arguments."""
    m, found = method(*case), made(*case, form)
    vars(found)["TILE"] = 3
    p = program_of(m)
    held = {n.name for b in m.icon.blocks for n in walk(b.p) if isinstance(n, Sym)} | {"t"}
    fixed, moving = {}, {}
    for a in p.arguments:
        value = replaced.get(a.name, tensor(a, s.data[a.symbol], "float64"))
        moves = differentiable(a) and a.symbol not in held
        (moving if moves else fixed)[a.name] = value if moves else value.detach()

    def loss(*values: torch.Tensor) -> torch.Tensor:
        named = dict(zip(moving, values, strict=True)) | fixed
        first = [named.pop(a.name) for a in p.arguments if a.positional]
        value = getattr(found, f"mine_{'dense' if form == 'dense' else 'loss'}")
        return value(*first, **named, reduction="none")

    return loss, list(moving.values())


@pytest.mark.parametrize("case", EVERY, ids=" ".join)
def test_gradcheck(case: tuple[str, str, str]) -> None:
    s = sample(method(*case), 1, size=4)
    loss, inputs = call(case, "streaming", s)
    assert torch.autograd.gradcheck(loss, inputs, fast_mode=True)
    loss, inputs = call(case, "dense", s)
    smooth = case[1] != "tv" and case[0] != "no blocks"  # no kink at hand
    assert not smooth or torch.autograd.gradgradcheck(loss, inputs, fast_mode=True)


@pytest.mark.parametrize("case", BLOCKS, ids=" ".join)
def test_streaming_agrees_with_dense_on_more_points(case: tuple[str, str, str]) -> None:
    m = method(*case)
    program, s = program_of(m), sample(m, 3, size=17)
    dense = run(made(*case, "dense"), program, "dense", s, upstream=UPSTREAM)
    found = made(*case, "streaming")
    vars(found)["TILE"] = 7
    streaming = run(found, program, "streaming", s, upstream=UPSTREAM)
    assert streaming.value == pytest.approx(dense.value, rel=EXACT)
    for symbol, right in dense.gradient.items():
        error = np.max(np.abs(streaming.gradient[symbol] - right))
        assert error < EXACT * max(1.0, np.max(np.abs(right))), symbol


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", EVERY, ids=" ".join)
def test_low_precision_inputs(case: tuple[str, str, str], dtype: str) -> None:
    m = method(*case)
    program, s = program_of(m), sample(m, 0, size=5)
    kinds = {a.symbol: a.kind for a in program.arguments}

    def rounded(symbol: str, value: object) -> object:
        if kinds.get(symbol) != "number":
            return value
        return torch.tensor(value, dtype=torch.float64).to(getattr(torch, dtype)).tolist()

    low = Sample(s.sizes, {k: rounded(k, v) for k, v in s.data.items()})
    value, slope = TOLERANCE[dtype]
    for form in ("dense", "streaming"):
        exact = run(made(*case, form), program, form, low)
        found = run(made(*case, form), program, form, low, dtype=dtype)
        assert abs(found.value - exact.value) <= value * max(1.0, abs(exact.value))
        for symbol, right in exact.gradient.items():
            error = np.max(np.abs(found.gradient[symbol] - right))
            assert error <= slope * max(1.0, np.max(np.abs(right))), symbol


@pytest.mark.parametrize("case", EVERY[::4], ids=" ".join)
def test_the_dense_form_is_one_graph(case: tuple[str, str, str]) -> None:
    m, found = method(*case), made(*case, "dense")
    s, p = sample(m, 0, size=5), program_of(m)
    values = {a.name: tensor(a, s.data[a.symbol], "float64") for a in p.arguments}
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    right = found.mine_dense(*first, **values).item()
    torch._dynamo.reset()
    whole = torch.compile(found.mine_dense, fullgraph=True, backend="eager")
    assert whole(*first, **values).item() == pytest.approx(right, rel=EXACT)
    streaming = torch.compile(found.mine_loss, backend="eager")
    assert streaming(*first, **values).item() == pytest.approx(right, rel=EXACT)


@pytest.mark.parametrize("form", ["dense", "streaming"])
@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_nan_is_not_hidden(kind: tuple[str, str], form: str) -> None:
    case = ("a teacher of logits", *kind)
    loss, (scores, *rest) = call(case, form, sample(method(*case), 0, size=5))
    bad = scores.detach().clone()
    bad[1, 1] = math.nan
    value = loss(bad, *rest)
    assert value[1].isnan() and not value[[0, 2, 3, 4]].isnan().any()


# --------------------------------------------------------------------------- rows without a p


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_rows_without_a_p_count_nowhere(kind: tuple[str, str], form: str) -> None:
    case = ("weighted rows by mask", *kind)
    m = method(*case)
    program, s = program_of(m), sample(m, 0, size=5)
    ok = [[j != i for j in range(5)] for i in range(5)]
    whole = run(made(*case, form), program, form, Sample(s.sizes, {**s.data, "ok": ok}),
                reduction="none").value  # fmt: skip
    ok[2] = [False] * 5
    bare = Sample(s.sizes, {**s.data, "ok": ok})
    with np.errstate(all="raise"):
        rows = run(made(*case, form), program, form, bare, reduction="none")
    assert rows.value[2] == 0
    assert np.allclose(np.delete(rows.value, 2), np.delete(whole, 2), rtol=1e-12)
    mean = run(made(*case, form), program, form, bare)
    assert np.isfinite(mean.value)
    assert all(np.isfinite(g).all() for g in mean.gradient.values())
    nobody = Sample(s.sizes, {**s.data, "ok": [[False] * 5] * 5})
    empty = run(made(*case, form), program, form, nobody)
    assert empty.value == 0
    assert all((g == 0).all() for g in empty.gradient.values())


@pytest.mark.parametrize("form", FORMS)
def test_a_target_that_is_not_allowed_counts_nowhere(form: str) -> None:
    pair = PAIRS["a smoothed target"][1].replace("smoothed", "one-hot").replace('epsilon = "e"', "")
    m = load_text(FILE.format(pair=pair.replace(PARTNER, ""), divergence="jsd", order=""))
    s = sample(m, 0, size=5)
    own = Sample(s.sizes, {**s.data, "pos": [1, 0, 2, 4, 3]})  # the third points at itself
    result = run(module(source(m, form)), program_of(m), form, own, reduction="none")
    assert result.value[2] == 0 and (np.delete(result.value, 2) > 0).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("divergence", [n for n, d in DIVERGENCES.items() if d.full])
def test_an_infinite_divergence_is_said_to_be_infinite(divergence: str, form: str) -> None:
    case = ("weighted rows by mask", divergence, "")
    m = method(*case)
    program, s = program_of(m), sample(m, 0, size=5)
    weights = np.array(s.data["W"])
    weights[1, 3] = 0
    ok = [[j != i for j in range(5)] for i in range(5)]
    low = Sample(s.sizes, {**s.data, "W": weights.tolist(), "ok": ok})
    found = made(*case, form)
    positive = vars(found)["_positive"]
    vars(found)["_positive"] = lambda name, value: value  # the file says that weights are positive
    result = run(found, program, form, low, reduction="none")
    vars(found)["_positive"] = positive
    assert result.value[1] == math.inf
    assert np.isfinite(np.delete(result.value, 1)).all()


@pytest.mark.parametrize("form", ["dense", "streaming"])
@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_scores_of_any_size_give_numbers(kind: tuple[str, str], form: str) -> None:
    """In single precision q is lost where scores are far apart; what remains is no NaN."""
    case = ("labels" if not DIVERGENCES[kind[0]].full else "a smoothed target", *kind)
    s = sample(method(*case), 0, size=6)
    far = (torch.tensor(s.data["z"]).float() * 1e4).requires_grad_()
    pair = "a teacher of logits"
    loss, (scores, *rest) = call((pair, *kind), form, sample(method(pair, *kind), 0, size=5))
    scores = (scores.detach().float() * 30).requires_grad_()
    for values, function in (((scores, *(r.float() for r in rest)), loss),
                             ((far,), call(case, form, s)[0])):  # fmt: skip
        value = function(*values)
        assert not value.isnan().any()
        (found,) = torch.autograd.grad(value.sum(), values[0])
        assert not found.isnan().any() or not value.isfinite().all()


# --------------------------------------------------------------------------- planted errors

PLANTED = [
    ("labels", "jsd", "", "streaming", "- torch.exp(log_q) * slopes[rows, None]", ""),
    ("labels", "tv", "", "streaming", ", q / 2)", ", 0.0)"),
    ("one class", "hellinger", "", "dense", "** 2 / 2", "** 2"),
    ("a smoothed target", "chi2", "", "streaming", "kernel.fill_diagonal_(-math.inf)", "kernel"),
    ("all pairs jointly", "squared", "", "streaming", "slopes.sum().exp", "slopes.mean().exp"),
    ("matches", "generalised-kl", "", "streaming", "_slope(1 - p_ij,", "_slope(p_ij,"),
    ("a smoothed target", "alpha", "of the data", "numpy", "_order(1 + t, 1.0)", "1 + 2 * t"),
    ("no blocks", "neyman-chi2", "", "numpy", "slope_ij - q_ij", "slope_ij - p_ij"),
    ("a batch of rows", "reverse-kl", "", "dense", "log_q - log_p", "log_p - log_q"),
]  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED, ids=lambda p: f"{p[0]} {p[1]}")
def test_a_planted_error_is_caught(planted: tuple[str, ...]) -> None:
    pair, divergence, order, form, right, wrong = planted
    m = method(pair, divergence, order)
    original = source(m, form)
    assert right in original
    broken = module(original.replace(right, wrong))
    vars(broken)["TILE"] = 3
    program, s = program_of(m), sample(m, 0, size=5)
    numbers = [a.symbol for a in program.arguments if a.kind == "number" and not a.shape]
    answer = oracle.loss(m, s.sizes, s.data, wanted=numbers)
    result = run(broken, program, form, s, upstream=UPSTREAM)
    assert not distance(float(result.value), dict(result.gradient), answer) < 1e6 * EXACT


# --------------------------------------------------------------------------- text

# what is summed where p > 0, its derivative in log q, and what is summed where p = 0
SUMMANDS = {
    ("reverse-kl", "1/2"): ("q*(-log_p + log_q)", "q*(-log_p + log_q + 1)", "oo"),
    ("chi2", "1/2"): ("-2*p + q + exp(2*log_p - log_q)", "q - exp(2*log_p - log_q)", "q"),
    ("tv", "1/2"): (
        "(relu(-p + q) + relu(p - q))/2", "q*(step(-p + q) - step(p - q))/2", "q/2",
    ),
    ("squared", "1/2"): ("(p - q)**2/2", "q*(-p + q)", "q**2/2"),
    ("alpha", "2"): (
        "-p + q/2 + exp(2*log_p - log_q)/2", "q/2 - exp(2*log_p - log_q)/2", "q/2",
    ),
    ("tsallis", "t"): (
        "(-p + exp(log_q + order*(log_p - log_q)))/(order - 1)",
        "-exp(log_q + order*(log_p - log_q))", "0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SUMMANDS, ids=" ".join)
def test_the_summand_as_it_is_printed(kind: tuple[str, str]) -> None:
    degree = Sym("t", (), "positive") if kind[1] == "t" else Num(Fraction(kind[1]))
    icon = replace(method("labels", "tv", "").icon, divergence=kind[0], degree=degree)
    found = divergence.summand(icon)
    assert (str(found.value), str(found.slope), str(found.zero)) == SUMMANDS[kind]


@pytest.mark.parametrize("form", ["numpy", "dense"])
@pytest.mark.parametrize(("name", "t", "words"), [
    ("alpha", 0.0, "t should be positive"), ("tsallis", -1.0, "t should be positive"),
    ("alpha", 1.0, "the order should be positive and not 1, got 1.0"),
    ("tsallis", 1.0, "the order should be positive and not 1, got 1.0"),
])  # fmt: skip
def test_an_order_out_of_range(name: str, t: float, words: str, form: str) -> None:
    text = FILE.format(pair=PAIRS["labels"][1], divergence=name, order='order = "t"')
    m = load_text(text)
    s, p = sample(m, 0, size=5), program_of(m)
    with pytest.raises(ValueError, match=f"^{words}"):
        run(module(source(m, form)), p, form, Sample(s.sizes, {**s.data, "t": t}))
    values = {a.symbol: s.data[a.symbol] for a in p.arguments}
    assert np.isfinite(run(module(source(m, form)), p, form, Sample(s.sizes, values)).value)


def test_the_order_has_no_gradient() -> None:
    m = load_text(FILE.format(pair=PAIRS["labels"][1], divergence="alpha", order='order = "t + 1"'))
    result = run(module(source(m, "dense")), program_of(m), "dense", sample(m, 0, size=5))
    assert result.gradient["t"] == 0


@pytest.mark.parametrize("form", ["numpy", "dense", "streaming"])
def test_clusters_that_share_nothing(form: str) -> None:
    text = PAIRS["clusters"][1].replace('f = "real[i,c]"', 'f = "distribution[i,c]"')
    text = text.replace("exp(f[i,c])/(sum[b] exp(f[i,b]))", "f[i,c]")
    m = load_text(FILE.format(pair=text, divergence="jsd", order=""))
    s = sample(m, 0, size=6, m=3)
    f = [[float(i % 3 == c) for c in range(3)] for i in range(6)]
    hard = Sample(s.sizes, {**s.data, "f": f})
    result = run(module(source(m, form)), program_of(m), form, hard)
    assert 0 < result.value < math.log(2)
    assert np.isfinite(result.gradient["f"]).all()


def test_the_choices_of_a_divergence() -> None:
    found, s = made("labels", "jsd", "", "dense"), sample(method("labels", "jsd", ""), 0, size=4)
    z, y = torch.tensor(s.data["z"]), torch.tensor(s.data["y"])
    with pytest.raises(TypeError, match="term"):
        found.mine_loss(z, labels=y, term="kl")
    with pytest.raises(ValueError, match=r"^reduction should be 'mean'"):
        found.mine_loss(z, labels=y, reduction="avg")
    layer = found.MineLoss(reduction="sum")
    rows = found.mine_dense(z, labels=y, reduction="none")
    assert layer(z, labels=y).item() == pytest.approx(rows.sum().item(), rel=EXACT)
    assert layer.extra_repr().startswith("p=same-label, q=student-t, divergence=jsd, reduction=sum")


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that any operation returned."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        for item in out if isinstance(out, tuple | list) else (out,):
            if isinstance(item, torch.Tensor):
                self.entries = max(self.entries, item.untyped_storage().size() // item.itemsize)
        return out


@pytest.mark.parametrize("form", ["loss", "dense"])
def test_the_streaming_form_never_holds_all_pairs(form: str) -> None:
    found, n = made("labels", "jsd", "", "streaming"), 640
    vars(found)["TILE"] = 64
    z = torch.randn(n, 4, requires_grad=True)
    with Largest() as seen:
        getattr(found, f"mine_{form}")(z, labels=torch.arange(n) % 5).backward()
    assert seen.entries <= 64 * n if form == "loss" else seen.entries >= n * n


@pytest.mark.parametrize(("relation", "divergence", "line"), [
    ("reverse", "", "published = (n) * KL(q || p) + 3"),
    ("generalised", 'divergence = "tv"', "published = (n) * D + 3"),
    ("coarse", "", "published = (n) * I-Con + 3, its neighbours groups of neighbours"),
])  # fmt: skip
def test_the_relation_is_said(relation: str, divergence: str, line: str) -> None:
    text = (
        PAIRS["a smoothed target"][1]
        + f"\n{divergence}\n"
        + (
            '[published]\nformula = "sum[i] z[i].z[i]"\nsource = "Eq. 3"\n'
            f'[claim]\nrelation = "{relation}"\nscale = "n"\nconstant = "3"\n'
        )
    )
    head = FILE.split("{pair}")[0]
    said = " ".join(ast.get_docstring(ast.parse(emit(load_text(head + text)))).split())
    assert f"Relation {line} Verdict" in said
    assert "Published sum[i] z[i].z[i] Source mine2025, Eq. 3" in said
    compared = {"reverse": "KL(q || p)", "generalised": "D(p, q)", "coarse": "KL(p || q)"}
    assert f"mean over anchors of {compared[relation]}, p = smoothed, q = cosine" in said
