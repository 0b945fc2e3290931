"""What users of the generator reported: small files, each of which used to give a wrong program."""

from __future__ import annotations

import ast
import builtins

import numpy as np
import pytest

from catalog.load import load_text
from catalog.spec import Method
from codegen import oracle
from codegen.call_shape import python_names
from codegen.emit import emit
from codegen.execute import FORMS, module, program_of, run, source, tensor
from codegen.samples import NoSample, Sample, sample

torch = pytest.importorskip("torch")

EXACT = 1e-10
HEAD = """
id = "mine"
name = "A loss of mine"
field = "supervised"
year = 2025
cite = "mine2025"
"""
TAIL = '[claim]\nrelation = "definition"\n'
TWO_SETS = 'n = "i j"\nsides = { letters = "a", elements = ["one", "two"] }'
ONE_HOT = '[p]\nkernel = "one-hot"\ntarget = "pos[i]"\n'
PARTNER = '[assumes]\n"the partner is another" = "pos[i] != i"\n'
SOFTMAX = '[icon]\nneighbours = "j"\n[p]\nkernel = "softmax"\nlogits = "G[i,j]"\n'


def mine(body: str) -> Method:
    return load_text(HEAD + body + TAIL)


def agrees(m: Method, s: Sample, form: str) -> None:
    """Value and gradient of a form are those of the formulas, for every number it reads."""
    program = program_of(m)
    numbers = [a.symbol for a in program.arguments if a.kind == "number" and not a.shape]
    right = oracle.loss(m, s.sizes, s.data, wanted=numbers)
    made = module(source(m, form))
    vars(made)["TILE"] = 3
    result = run(made, program, form, s, upstream=-2.5, term="kl")
    assert abs(float(result.value) - right.value) < EXACT * max(1.0, abs(right.value))
    assert result.gradient
    for symbol, found in result.gradient.items():
        wanted = -2.5 * np.asarray(right.gradient[symbol])
        largest = max(1.0, float(np.max(np.abs(wanted))))
        assert np.max(np.abs(found - wanted)) < EXACT * largest, symbol


# what was reported, and the file that shows it
REPORTS = {
    "numbers in anchor weights are fixed": (
        f'[sets]\n{TWO_SETS}\n[learned]\nz = "vector[i]"\n[given]\nalpha = "probability"\n'
        f'pos = "index[i] in n"\n{PARTNER}[icon]\nanchors = "a, i"\n'
        'weights = "((1 - alpha)*[a = one] + alpha*[a = two]) / n"\n'
        f'{ONE_HOT}[q]\nkernel = "logit"\nlogit = "z[i].z[j]*(1 + [a = two])"\n'
    ),
    "and where no block has the kernel": (
        f'[sets]\n{TWO_SETS}\n[learned]\nz = "vector[i]"\n[given]\nalpha = "probability"\n'
        f'pos = "index[i] in n"\n{PARTNER}[icon]\nanchors = "a, i"\n'
        'weights = "((1 - alpha)*[a = one] + alpha*[a = two]) / n"\n'
        f'{ONE_HOT}[q]\nkernel = "logit"\nlogit = "relu(z[i].z[j])*(1 + [a = two])"\n'
    ),
    "a number of another index of the anchor": (
        f'[sets]\n{TWO_SETS}\n[learned]\nz = "vector[i]"\ng = "positive[a]"\n[given]\n'
        f'lambda = "real"\npos = "index[i] in n"\n{PARTNER}[icon]\nanchors = "a, i"\n'
        f'{ONE_HOT}[q]\nkernel = "logit"\nlogit = "g[a]*(cos(z[i],z[j]) - lambda)"\n'
    ),
    "a bandwidth for every row of every batch": (
        '[sets]\nn = "i j"\nm = "b"\n[learned]\nz = "vector[i]"\ns = "positive[b,i]"\n[given]\n'
        f'pos = "index[i] in n"\n{PARTNER}[icon]\nanchors = "b, i"\n'
        f'{ONE_HOT}[q]\nkernel = "gaussian"\nembedding = "z"\nbandwidth = "s[b,i]"\n'
    ),
    "anchors by a given index": (
        '[sets]\nn = "i j k"\nm = "b"\n[learned]\nz = "vector[b,i]"\n[given]\n'
        'pos = "index[i] in n"\nat = "index[b] in m"\n[assumes]\n"other" = "pos[i] != i"\n'
        '"some are elsewhere" = "sum[b] [at[b] != b] > 0"\n'
        '"some are not" = "sum[b] [at[b] = b] > 0"\n[icon]\nanchors = "b, i : b != at[b]"\n'
        f'{ONE_HOT}[q]\nkernel = "dot"\nembedding = "z[b,i]"\nkeys = "z[b,j]"\n'
    ),
    "anchors by a mask of the row": (
        '[sets]\nn = "i j k"\n[learned]\nz = "vector[i]"\n[given]\nok = "mask[i,j]"\n'
        'pos = "index[i] in n"\n[assumes]\n"the partner is another" = "pos[i] != i"\n'
        '"some are anchors" = "sum[i] [ok[i,pos[i]]] > 0"\n[icon]\nanchors = "i : ok[i,pos[i]]"\n'
        f'{ONE_HOT}[q]\nkernel = "dot"\nembedding = "z"\n'
    ),
    "weighted anchors by a mask": (
        '[sets]\nn = "i j k"\n[learned]\nz = "vector[i]"\n[given]\nok = "mask[i,j]"\n'
        'f = "positive[i]"\npos = "index[i] in n"\n[assumes]\n"other" = "pos[i] != i"\n'
        '"some are anchors" = "sum[i] [ok[i,pos[i]]] > 0"\n[icon]\nanchors = "i : ok[i,pos[i]]"\n'
        'weights = "f[i] / sum[k : ok[k,pos[k]]] f[k]"\n'
        f'{ONE_HOT}[q]\nkernel = "logit"\nlogit = "relu(z[i].z[j])"\n'
    ),
    "the largest over a set": (
        '[sets]\nn = "i j"\nm = "r s"\n[learned]\nf = "vector[i]"\ng = "vector[i,r]"\n[given]\n'
        f'pos = "index[i] in n"\n{PARTNER}{ONE_HOT}[q]\nkernel = "logit"\n'
        'logit = "max[r] f[i].g[j,r] - min[r, s : r != s] (g[i,r].g[j,s])/10"\n'
    ),
    "the largest of what is above a bound": (
        '[sets]\nn = "i j"\nm = "r"\n[learned]\nf = "real[i,j,r]"\n[given]\nok = "mask[i,r]"\n'
        'pos = "index[i] in n"\n[assumes]\n"the partner is another" = "pos[i] != i"\n'
        f'"something is there" = "sum[r] [ok[i,r]] > 0"\n{ONE_HOT}[q]\nkernel = "logit"\n'
        'logit = "max[r : ok[i,r]] 10.03*f[i,j,r]"\n'
    ),
    "a joint p that is normalised by hand": (
        '[sets]\nn = "i j k l"\n[learned]\nu = "vector[i]"\n[given]\nw = "positive[i,j]"\n'
        '[assumes]\n"at least two" = "n > 1"\n[icon]\nanchors = ""\nneighbours = "i, j : i != j"\n'
        'normalise = "joint"\n[p]\nkernel = "formula"\n'
        'formula = "w[i,j] / (sum[k, l : k != l] w[k,l])"\n[q]\nkernel = "dot"\nembedding = "u"\n'
    ),
    "a p that the caller might train": (
        '[sets]\nn = "i j"\noutcomes = { letters = "o", elements = ["match", "null"] }\n'
        '[learned]\nx = "vector[i]"\n[given]\ne = "probability"\n[icon]\nanchors = "i, j"\n'
        'neighbours = "o"\nnormalise = "pair"\n[p]\nkernel = "formula"\n'
        'formula = "[o = match]*e + [o = null]*(1 - e)"\n[q]\nkernel = "sigmoid"\n'
        'logit = "x[i].x[j]"\n'
    ),
    "symbols that Python has itself": (
        '[sets]\nrange = "i j"\nzip = "c"\n[learned]\nabs = "vector[i]"\nlen = "vector[c]"\n'
        'tuple = "positive"\n[given]\nint = "label[i] in zip"\nlambda = "real[c]"\n'
        'training = "positive"\ng1 = "positive"\nrow_1 = "positive[i]"\n'
        '[icon]\nanchors = "i"\nneighbours = "c"\n'
        '[p]\nkernel = "one-hot"\ntarget = "int[i]"\n[q]\nkernel = "logit"\n'
        'logit = "training*(abs[i].len[c])/tuple + g1*lambda[c]*row_1[i] + |abs[i]|*lambda[c]"\n'
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("report", REPORTS)
def test_a_report(report: str, form: str) -> None:
    m = mine(REPORTS[report])
    for seed, size in ((0, 5), (1, 6)):
        agrees(m, sample(m, seed, size=size), form)


BY_DATA = [k for k in REPORTS if k.startswith(("anchors by", "weighted anchors"))]


@pytest.mark.parametrize("report", BY_DATA)
def test_anchors_that_data_choose_leave_one_graph(report: str) -> None:
    m = mine(REPORTS[report])
    s, p = sample(m, 0, size=5), program_of(m)
    found = module(source(m, "dense"))
    values = {a.name: tensor(a, s.data[a.symbol], "float64") for a in p.arguments}
    first = [values.pop(a.name) for a in p.arguments if a.positional]
    torch._dynamo.reset()
    compiled = torch.compile(found.mine_dense, fullgraph=True, backend="eager")
    right = oracle.loss(m, s.sizes, s.data, term="cross_entropy").value
    assert compiled(*first, **values).item() == pytest.approx(right, rel=EXACT)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("report", BY_DATA)
def test_who_is_no_anchor_counts_nowhere(report: str, form: str) -> None:
    m = mine(REPORTS[report])
    s, p = sample(m, 0, size=5), program_of(m)
    made = module(source(m, form))
    mean = run(made, p, form, s).value
    assert run(made, p, form, s, valid_only=False).value == pytest.approx(float(mean))
    rows = run(made, p, form, s, reduction="none").value
    everybody = m.icon.blocks[0].anchors
    assert rows.size == np.prod([s.sizes[v.set.name] for v in everybody])
    found = oracle.Interpreter(s.sizes, s.data)
    count = len(list(found.assignments(everybody, m.icon.blocks[0].anchor_cond, {})))
    assert 0 < np.sum(rows != 0) <= count < rows.size
    total = run(made, p, form, s, reduction="sum").value
    assert rows.sum() == pytest.approx(float(total))


def test_ties_share_the_gradient_of_a_maximum() -> None:
    m = mine(REPORTS["the largest of what is above a bound"])
    s, p = sample(m, 0, size=4), program_of(m)
    count = s.sizes["m"]
    level = [[[0.5] * count for _ in range(4)] for _ in range(4)]
    tied = Sample(s.sizes, {**s.data, "f": level, "ok": [[True] * count] * 4})
    found = {f: run(module(source(m, f)), p, f, tied).gradient["f"] for f in ("numpy", "dense")}
    assert np.allclose(found["numpy"], found["dense"], atol=1e-14)
    assert np.allclose(found["numpy"], found["numpy"][..., :1])
    assert np.abs(found["numpy"]).max() > 0.01


def test_names_that_are_not_pythons_stay() -> None:
    m = mine(REPORTS["symbols that Python has itself"])
    names = python_names(m, set(m.declarations))
    # training is an attribute of every module, g1 and row_1 are names that programs make
    assert names == {
        "abs": "abs_", "len": "len_", "tuple": "tuple_", "int": "target", "lambda": "lambda_",
        "training": "training_", "g1": "g1_", "row_1": "row_1_",
    }  # fmt: skip
    for target in ("numpy", "torch"):
        tree = ast.parse(emit(m, target))
        stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)
                  and isinstance(n.ctx, ast.Store)}  # fmt: skip
        stored |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
        assert not stored & set(dir(builtins))


@pytest.mark.parametrize("count", [1, 5, 9])
def test_a_long_list_of_numbers_is_printed(count: int) -> None:
    names = [f"temperature_of_layer_{k}" for k in range(count + 1)][1:]
    given = "\n".join(f'{name} = "positive"' for name in names)
    m = mine(
        f'[sets]\nn = "i j"\n[learned]\nz = "vector[i]"\n[given]\n{given}\nG = "real[i,j]"\n'
        f'{SOFTMAX}[q]\nkernel = "dot"\nembedding = "z"\ntemperature = "{" + ".join(names)} + 1"\n'
    )
    text = emit(m)
    assert max(map(len, text.splitlines())) <= 100
    shown = module(text).MineLoss(**{n: k + 0.5 for k, n in enumerate(names)}).extra_repr()
    values = "".join(f"{n}={k + 0.5}, " for k, n in enumerate(names))
    assert shown == f"p=softmax, q=dot, {values}reduction=mean, certificate=None"


# --------------------------------------------------------------------------- data for tests

FITTED = (
    '[sets]\nn = "i j"\n[learned]\nz = "vector[i]"\n[given]\na = "{kind}"\nb = "real"\n'
    'G = "real[i,j]"\n[assumes]\n"a is twice b" = "2*b = a"\n'
    f'{SOFTMAX}[q]\nkernel = "dot"\nembedding = "z"\ntemperature = "a*a"\n'
)


@pytest.mark.parametrize(("kind", "low", "high"), [("positive", 0, 9), ("probability", 0, 1)])
def test_numbers_that_a_hypothesis_fixes_are_of_their_kind(kind: str, low: int, high: int) -> None:
    m = mine(FITTED.replace("{kind}", kind))
    found = [sample(m, seed).data["a"] for seed in range(20)]
    assert all(low < a < high for a in found)
    free = [sample(mine(FITTED.replace("{kind}", "real")), seed).data["a"] for seed in range(20)]
    assert not all(low < a < high for a in free)  # the draws do fall outside


def test_a_kind_that_no_data_have_is_named() -> None:
    text = FITTED.replace("{kind}", "positive").replace("2*b = a", "0 - b*b = a")
    with pytest.raises(NoSample, match="no data found on which 'a is positive' holds"):
        sample(mine(text))


def test_entries_that_a_hypothesis_fixes_are_put_in() -> None:
    text = FITTED.replace("{kind}", "real").replace("2*b = a", "G[i,i] = b - 1")
    s = sample(mine(text))
    assert all(s.data["G"][i][i] == s.data["b"] - 1 for i in range(5))
    assert s.data["G"][0][1] != s.data["b"] - 1
