"""Files that are not in the catalog: the generator reads formulas, so any pair works."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.load import load_text
from codegen import oracle
from codegen.emit import emit
from codegen.execute import FORMS, module, program_of, run, source
from codegen.samples import sample

pytest.importorskip("torch")

EXACT = 1e-10
FILE = """
id = "mine"
name = "A loss of mine"
field = "self-supervised"
year = 2025
cite = "mine2025"
{body}
[claim]
relation = "{relation}"
"""
PARTNER = '[assumes]\n"the partner is another" = "[pos[i] = i] = 0"'
POSITIVES = '[define]\n"P(i)" = "{ j : j != i and y[j] = y[i] }"\n'
POSITIVES += '[assumes]\n"every anchor has a positive" = "size(P(i)) > 0"'
SEVERAL = '[assumes]\n"more than one" = "n > 1"'
ONE_HOT = 'kernel = "one-hot"\ntarget = "pos[i]"'
SAME = 'kernel = "same-label"\nlabels = "y"'
WEIGHTS = 'kernel = "weights"\nweights = "W[i,j]"'
ALL_PAIRS = 'anchors = "i"\nneighbours = "j"'
JOINT = 'anchors = ""\nneighbours = "i, j"\nnormalise = "joint"'
TWO = 'z = "vector[i]"\nw = "vector[i]"'


def file(
    learned: str, given: str, more: str, p: str, q: str, icon: str = "", sets: str = ""
) -> str:
    tables = [("sets", sets), ("learned", learned), ("given", given)]
    tables += [("icon", icon), ("p", p), ("q", q)]
    body = "\n".join(f"[{name}]\n{lines}" for name, lines in tables if lines)
    return FILE.format(body=f"{body}\n{more}", relation="definition")


# what it shows, the plan it should get ("" for no reduction over pairs), the file
CASES = {
    "a bias that every pair shares": ("online gather symmetric", file(
        'z = "vector[i]"\nb = "real"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "dot"\nembedding = "z"\nbias = "b"')),
    "a bandwidth for every row": ("online blocks", file(
        'z = "vector[i]"\ns = "positive[i]"', 'W = "positive[i,j]"', SEVERAL, WEIGHTS,
        'kernel = "gaussian"\nembedding = "z"\nbandwidth = "s[i]"')),
    "an unsquared distance": ("online blocks symmetric", file(
        'z = "vector[i]"\ntau = "positive"', 'y = "label[i]"', POSITIVES, SAME,
        'kernel = "formula"\nformula = "exp(-|z[i]-z[j]|/tau)"')),
    "two scores of one pair": ("online gather symmetric", file(
        'z = "vector[i]"\na = "positive"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "formula"\nformula = "exp(z[i].z[j] - a*|z[i]-z[j]|^2) + 1/n"')),
    "joint inner products": ("linear blocks", file(
        TWO, 'W = "positive[i,j]"', SEVERAL, WEIGHTS,
        'kernel = "dot"\nembedding = "z"\nkeys = "w"\ntemperature = "1/2"', JOINT)),
    "a joint softmax target": ("online blocks symmetric", file(
        'z = "vector[i]"', 'G = "real[i,j]"', SEVERAL, 'kernel = "softmax"\nlogits = "G[i,j]"',
        'kernel = "gaussian"\nembedding = "z"', 'anchors = ""\nneighbours = "i, j : i != j"\n'
        'normalise = "joint"')),
    "a joint one-hot target": ("linear blocks", file(
        TWO, 'pos = "index[i] in n"', SEVERAL, ONE_HOT,
        'kernel = "dot"\nembedding = "z"\nkeys = "w"', JOINT)),
    "rows and columns with labels of their own": ("linear blocks", file(
        TWO + '\ntau = "positive"', 'a = "label[i]"\nb = "label[i]"',
        '[assumes]\n"a" = "sum[j] [a[i] = b[j]] > 0"\n"b" = "sum[j] [a[j] = b[i]] > 0"',
        'kernel = "uniform"\nover = "a[i] = b[j]"',
        'kernel = "cosine"\nembedding = "z"\nkeys = "w"\ntemperature = "tau"',
        ALL_PAIRS + '\nnormalise = "row-and-column"')),
    "a smoothed target on rows and columns": ("linear blocks", file(
        TWO + '\nt = "real"', 'e = "probability"', SEVERAL,
        'kernel = "smoothed"\ntarget = "i"\nepsilon = "e"',
        'kernel = "cosine"\nembedding = "z"\nkeys = "w"\ntemperature = "exp(-t)"',
        ALL_PAIRS + '\nnormalise = "row-and-column"')),
    "allowed neighbours by a mask": ("linear blocks", file(
        'z = "vector[i]"', 'y = "label[i]"\nok = "mask[i,j]"',
        '[define]\n"A(i)" = "{ j : j != i and ok[i,j] }"\n'
        '[assumes]\n"a" = "sum[j in A(i)] [y[j] = y[i]] > 0"', SAME,
        'kernel = "cosine"\nembedding = "z"\ntemperature = "1/5"', 'neighbours = "j in A(i)"')),
    "one target among masked neighbours": ("linear gather", file(
        TWO, 'ok = "mask[i,j]"\npos = "index[i] in n"', '[assumes]\n"a" = "[ok[i,pos[i]]] = 1"',
        ONE_HOT, 'kernel = "dot"\nembedding = "z"\nkeys = "w"',
        'anchors = "i"\nneighbours = "j : ok[i,j]"')),
    "p by formula": ("online blocks symmetric", file(
        'z = "vector[i]"', 'W = "positive[i,j]"', SEVERAL,
        'kernel = "formula"\nformula = "W[i,j] / sum[l != i] W[i,l]"',
        'kernel = "student-t"\nembedding = "z"\ndof = "2"')),
    "a smoothed target without the self pair": ("linear blocks symmetric", file(
        'z = "vector[i]"', 'pos = "index[i] in n"\ne = "probability"', PARTNER,
        'kernel = "smoothed"\ntarget = "pos[i]"\nepsilon = "e"',
        'kernel = "dot"\nembedding = "z"')),
    "a uniform p": ("linear blocks", file(
        'z = "vector[i]"\nw = "vector[j]"', "", "", 'kernel = "formula"\nformula = "1/m"',
        'kernel = "dot"\nembedding = "z"\nkeys = "w"', ALL_PAIRS, 'n = "i"\nm = "j"')),
    "a given p, with the letters of the mathematics": ("linear blocks", file(
        'q = "vector[i]"\nr = "vector[i]"', 'p = "distribution[i,j]"\nt = "positive"', SEVERAL,
        'kernel = "given"\ndistribution = "p"',
        'kernel = "dot"\nembedding = "q"\nkeys = "r"\ntemperature = "t"', ALL_PAIRS)),
    "names that emitted code uses itself": ("linear blocks", file(
        'left = "vector[i]"\nright = "vector[c]"\nscore = "real[c]"',
        'weight = "positive[i,c]"\nlambda = "positive"', "",
        'kernel = "weights"\nweights = "weight[i,c]"',
        'kernel = "dot"\nembedding = "left"\nkeys = "right"\nbias = "score[c]"\n'
        'temperature = "lambda"', 'anchors = "i"\nneighbours = "c"',
        'rows = "i j"\ncolumns = "c"')),
    "a kernel that is infinite at distance 0": ("online gather symmetric", file(
        'z = "vector[i]"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "inverse-power"\nembedding = "z"\npower = "3"')),
    "pairs that match by label": ("online blocks", file(
        'x = "vector[i]"\ny = "vector[i]"\nt = "positive"\nb = "real"', 'lab = "label[i]"', "",
        'kernel = "match"\nwhen = "lab[i] = lab[j]"',
        'kernel = "sigmoid"\nlogit = "t*cos(x[i],y[j]) + b"',
        'anchors = "i, j"\nneighbours = "o"\nnormalise = "pair"',
        'n = "i j"\noutcomes = { letters = "o", elements = ["match", "null"] }')),
    "learned degrees of freedom, jointly": ("online blocks symmetric", file(
        'z = "vector[i]"\nnu = "positive"\ns = "positive"',
        'x = "vector(m)[i]"\nsigma = "positive[i]"', SEVERAL,
        'kernel = "symmetrised-gaussian"\npoints = "x"\nbandwidth = "sigma"',
        'kernel = "student-t"\nembedding = "z"\ndof = "nu"\nscale = "s"',
        'anchors = ""\nneighbours = "i, j : i != j"\nnormalise = "joint"')),
    "a stop-gradient in the score": ("linear gather", file(
        'z = "vector[i]"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "logit"\nlogit = "z[i].z[j] + sg(|z[j]|)"')),
    "a rectified score": ("", file(
        'z = "vector[i]"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "logit"\nlogit = "relu(z[i].z[j])"')),
    "a distance that no block has": ("", file(
        'z = "vector[i]"', 'A = "positive[i,j]"\npos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "formula"\nformula = "exp(-|z[i]-A[i,j]*z[j]|^2)"')),
    "neighbours that are pairs": ("", file(
        'z = "vector[i]"', 'W = "positive[i,j,k]"', '[assumes]\n"a" = "n > 2"',
        'kernel = "weights"\nweights = "W[i,j,k]"',
        'kernel = "logit"\nlogit = "z[i].z[j] + z[i].z[k]"',
        'anchors = "i"\nneighbours = "j, k : j != k"')),
    "some rows are anchors": ("linear gather symmetric", file(
        'z = "vector[i]"', 'ok = "mask[i]"\npos = "index[i] in n"',
        '[assumes]\n"a" = "[pos[i] = i] = 0"\n"b" = "sum[i] [ok[i]] > 0"', ONE_HOT,
        'kernel = "dot"\nembedding = "z"', 'anchors = "i : ok[i]"')),
    "a batch of weighted anchors": ("online blocks symmetric", file(
        'z = "vector[a,i]"', 'f = "positive[a,i]"\nW = "positive[a,i,j]"', SEVERAL,
        'kernel = "weights"\nweights = "W[a,i,j]"',
        'kernel = "gaussian"\nembedding = "z[a,i]"\nkeys = "z[a,j]"',
        'anchors = "a, i"\nneighbours = "j : j != i"\n'
        'weights = "f[a,i] / sum[b] sum[j] f[b,j]"', 'n = "i j"\nv = "a b"')),
    "pairs that match with a probability": ("online blocks", file(
        'x = "vector[i]"\nb = "real"', 'P = "probability[i,j]"', "",
        'kernel = "formula"\nformula = "[o = match]*P[i,j] + [o = null]*(1 - P[i,j])"',
        'kernel = "sigmoid"\nlogit = "x[i].x[j] + b"',
        'anchors = "i, j"\nneighbours = "o"\nnormalise = "pair"',
        'n = "i j"\noutcomes = { letters = "o", elements = ["match", "null"] }')),
    "weighted pairs": ("", file(
        'x = "vector[i]"', 'W = "positive[i,j]"', "",
        'kernel = "match"\nwhen = "i = j"', 'kernel = "sigmoid"\nlogit = "x[i].x[j]"',
        'anchors = "i, j"\nneighbours = "o"\nnormalise = "pair"\n'
        'weights = "W[i,j]/sum[i] sum[j] W[i,j]"',
        'n = "i j"\noutcomes = { letters = "o", elements = ["match", "null"] }')),
    "a temperature alone is learned": ("", file(
        'T = "positive"', 'z = "real[i,c]"\ny = "label[i]"', "",
        'kernel = "one-hot"\ntarget = "y[i]"',
        'kernel = "logit"\nlogit = "z[i,c]"\ntemperature = "T"',
        'anchors = "i"\nneighbours = "c"', 'n = "i"\nclasses = "c"')),
    "a set that only a mask sizes": ("online gather", file(
        'z = "vector[i]"\ns = "real[i,c]"', 'ok = "mask[i,c]"\ny = "label[i]"',
        '[assumes]\n"x" = "[ok[i,y[i]]] = 1"', 'kernel = "one-hot"\ntarget = "y[i]"',
        'kernel = "logit"\nlogit = "s[i,c] + |z[i]|"', 'anchors = "i"\nneighbours = "c : ok[i,c]"',
        'n = "i"\nclasses = "c"')),
    "labels of every batch": ("online blocks symmetric", file(
        'z = "vector[a,i]"', 'y = "label[a,i]"',
        '[define]\n"P(a,i)" = "{ j : j != i and y[a,j] = y[a,i] }"\n'
        '[assumes]\n"x" = "size(P(a,i)) > 0"',
        'kernel = "uniform"\nover = "j in P(a,i)"',
        'kernel = "gaussian"\nembedding = "z[a,i]"\nkeys = "z[a,j]"',
        'anchors = "a, i"\nneighbours = "j : j != i"', 'n = "i j"\nv = "a b"')),
    "allowed by batch, with a size in p": ("linear blocks", file(
        'z = "vector[a,i]"', 'ok = "mask[a,i,j]"', '[assumes]\n"x" = "sum[j] [ok[a,i,j]] > 0"',
        'kernel = "formula"\nformula = "n/(n*size[k : ok[a,i,k]])"',
        'kernel = "cosine"\nembedding = "z[a,i]"\nkeys = "z[a,j]"\ntemperature = "1/3"',
        'anchors = "a, i"\nneighbours = "j : ok[a,i,j]"', 'n = "i j k"\nv = "a b"')),
    "a temperature that may be negative": ("linear blocks", file(
        'z = "vector[i]"\nt = "real"', 'W = "positive[i,j]"', SEVERAL, WEIGHTS,
        'kernel = "dot"\nembedding = "z"\ntemperature = "t"')),
    "a temperature for every row": ("online gather", file(
        'z = "vector[i]"\ntau = "positive[i]"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "cosine"\nembedding = "z"\ntemperature = "tau[i]"')),
    "centred embeddings": ("linear gather symmetric", file(
        'z = "vector[i]"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "cosine"\nembedding = "z[i] - mean[l] z[l]"\ntemperature = "1/3"',
        sets='n = "i j k l"')),
    "keys from a bank": ("linear gather", file(
        'z = "vector[i]"', 'bank = "vector[j]"\npos = "index[i] in m"', "", ONE_HOT,
        'kernel = "dot"\nembedding = "z"\nkeys = "bank"', ALL_PAIRS, 'n = "i"\nm = "j"')),
    "a bias by the neighbour's label": ("linear gather", file(
        'z = "vector[i]"\nb = "real[c]"', 'pos = "index[i] in n"\ny = "label[i]"', PARTNER,
        ONE_HOT, 'kernel = "dot"\nembedding = "z"\nbias = "b[y[j]]"',
        sets='n = "i j"\nclasses = "c"')),
    "labels, self pairs included": ("linear classes symmetric", file(
        'z = "vector[i]"', 'y = "label[i]"', "", SAME,
        'kernel = "cosine"\nembedding = "z"\ntemperature = "1/4"', ALL_PAIRS)),
    "labels against another table": ("linear classes", file(
        TWO + '\ntau = "positive"', 'y = "label[i]"', POSITIVES, SAME,
        'kernel = "dot"\nembedding = "z"\nkeys = "w"\ntemperature = "tau"')),
    "features of two points": ("linear gather", file(
        'z = "vector[i]"', 'pos = "index[i] in n"', PARTNER, ONE_HOT,
        'kernel = "dot"\nembedding = "z[i] + 1/2*z[pos[i]]"\nkeys = "z[j]"')),
    "soft clusters from logits": ("ratio blocks", file(
        'f = "real[i,c]"', 'knn = "mask[i,j]"', '[assumes]\n"a" = "sum[j] [knn[i,j]] > 0"',
        'kernel = "uniform"\nover = "knn[i,j]"',
        'kernel = "cluster"\nassignments = "exp(f[i,c])/(sum[b] exp(f[i,b]))"', ALL_PAIRS,
        'n = "i j l"\nm = "c b"')),
    "anchors weighted by their positives": ("linear classes symmetric", file(
        'z = "vector[i]"', 'y = "label[i]"', POSITIVES, SAME, 'kernel = "dot"\nembedding = "z"',
        'weights = "size(P(i)) / sum[k] size(P(k))"')),
    "three named outcomes": ("online gather", file(
        's = "real[i,t]"', 'y = "index[i] in o"', "", 'kernel = "one-hot"\ntarget = "y[i]"',
        'kernel = "logit"\nlogit = "s[i,t]"', 'anchors = "i"\nneighbours = "t"',
        'n = "i j"\no = { letters = "t", elements = ["low", "middle", "high"] }')),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_a_file_of_my_own(case: str, form: str) -> None:
    plan, text = CASES[case]
    m = load_text(text)
    program = program_of(m)
    shown = [
        " ".join([r.plan.sums, r.plan.expected, *(["symmetric"] if r.plan.symmetric else [])])
        for r in program.reductions
    ]
    assert set(shown) == ({plan} if plan else set())
    made = module(source(m, form))
    if hasattr(made, "TILE"):
        made.TILE = 3
    numbers = [a.symbol for a in program.arguments if a.kind == "number" and not a.shape]
    for seed, size in ((0, 5), (1, 6)):
        s = sample(m, seed, size=size)
        for term in ("kl", "cross_entropy"):
            right = oracle.loss(m, s.sizes, s.data, term=term, wanted=numbers)
            result = run(made, program, form, s, upstream=-2.5, term=term)
            scale = max(1.0, abs(right.value))
            assert abs(float(np.sum(result.value)) - right.value) < EXACT * scale
            for symbol, gradient in result.gradient.items():
                wanted = -2.5 * np.asarray(right.gradient[symbol])
                largest = max(1.0, float(np.max(np.abs(wanted))))
                assert np.max(np.abs(gradient - wanted)) < EXACT * largest, symbol


def test_the_emitted_file_says_why_it_holds_all_pairs() -> None:
    text = emit(load_text(CASES["neighbours that are pairs"][1]))
    assert "All pairs are in memory, because a neighbour has several indices." in text


def test_the_letters_of_the_mathematics_stay_arguments() -> None:
    program = program_of(load_text(CASES["a given p, with the letters of the mathematics"][1]))
    assert [a.name for a in program.arguments] == ["q", "r", "distribution", "temperature"]
