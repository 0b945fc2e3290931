"""Anchors without a p: left out of the value and of the gradient, alike in every form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from catalog.load import load_text
from catalog.registry import load
from catalog.spec import Method
from codegen.execute import FORMS, module, program_of, run, source
from codegen.samples import Sample, sample

torch = pytest.importorskip("torch")

FORMULA = "[j in P(i)] / size(P(i))"
FILE = """
id = "mine"
name = "A formula that divides by the number of positives"
field = "supervised"
year = 2025
cite = "mine2025"
[learned]
z = "vector[i]"
[given]
y = "label[i]"
[define]
"P(i)" = "{{ j : j != i and y[j] = y[i] }}"
[assumes]
"every anchor has a positive" = "size(P(i)) > 0"
{icon}
[p]
kernel = "formula"
formula = "{p}"
[q]
{q}
[claim]
relation = "definition"
"""
ROWS = {
    "linear": ("", FORMULA, 'kernel = "dot"\nembedding = "z"'),
    "ratio": ("", FORMULA, 'kernel = "student-t"\nembedding = "z"'),
    "online": ("", FORMULA, 'kernel = "formula"\nformula = "exp(-|z[i]-z[j]|)"'),
    "one over nothing": ("", "1/size(P(i)) * [j in P(i)]", 'kernel = "dot"\nembedding = "z"'),
    "self pairs": ('[icon]\nneighbours = "j"', FORMULA, 'kernel = "cosine"\nembedding = "z"'),
    "all pairs in memory": ("", FORMULA, 'kernel = "logit"\nlogit = "relu(z[i].z[j])"'),
}


def with_values(s: Sample, **values: Any) -> Sample:
    return Sample(s.sizes, {**s.data, **values})


def results(m: Method, s: Sample, **choices: Any) -> dict[str, Any]:
    out = {}
    for form in FORMS:
        made = module(source(m, form))
        if hasattr(made, "TILE"):
            made.TILE = 3
        with np.errstate(all="ignore"):
            out[form] = run(made, program_of(m), form, s, upstream=-2.5, **choices)
    return out


def agree(found: dict[str, Any]) -> None:
    right = found.pop("dense")
    assert np.isfinite(right.value).all()
    for form, result in found.items():
        assert np.allclose(result.value, right.value, rtol=1e-10, atol=1e-12), form
        for name, gradient in result.gradient.items():
            assert np.isfinite(gradient).all(), form
            assert np.allclose(gradient, right.gradient[name], rtol=1e-9, atol=1e-11), form


@pytest.mark.parametrize("term", ["cross_entropy", "kl"])
@pytest.mark.parametrize("case", ROWS)
def test_a_formula_that_divides_by_zero_leaves_its_anchor_out(case: str, term: str) -> None:
    icon, p, q = ROWS[case]
    m = load_text(FILE.format(icon=icon, p=p, q=q))
    s = with_values(sample(m, 0, size=6), y=[0, 0, 1, 2, 0, 2])  # the third is alone
    for reduction in ("mean", "sum", "none"):
        for valid_only in (True, False):
            agree(results(m, s, term=term, reduction=reduction, valid_only=valid_only))
    rows = results(m, s, term=term, reduction="none")["streaming"].value
    assert rows[2] == 0 and (rows[[0, 1, 3, 4, 5]] > 0).all()
    nobody = results(m, with_values(s, y=[0, 1, 2, 3, 4, 5]), term=term)
    assert all(r.value == 0 for r in nobody.values())
    agree(nobody)


def test_without_the_check_a_nan_gets_through() -> None:
    m = load_text(FILE.format(icon="", p=FORMULA, q=ROWS["linear"][2]))
    s = with_values(sample(m, 0, size=6), y=[0, 0, 1, 2, 0, 2])
    checked = "torch.where((mass == 0)[rows, None], 0.0, p_ij)"
    text = source(m, "streaming")
    assert checked in text
    result = run(module(text.replace(checked, "p_ij")), program_of(m), "streaming", s)
    assert np.isnan(result.gradient["z"]).any()


@pytest.mark.parametrize("term", ["cross_entropy", "kl"])
@pytest.mark.parametrize("name", ["t-sne-uniform", "sne-uniform"])
def test_points_without_neighbours(name: str, term: str) -> None:
    m = load(name)
    p = program_of(m)
    s = sample(m, 0, size=7)
    for a in p.arguments:
        if a.learned or len(a.axes) != 2:
            continue
        value = np.array(s.data[a.symbol])
        value[2] = 0
        agree(results(m, with_values(s, **{a.symbol: value.tolist()}), term=term))
        nobody = results(m, with_values(s, **{a.symbol: (value * 0).astype(value.dtype).tolist()}))
        assert all(r.value == 0 for r in nobody.values())
        agree(nobody)


def test_a_joint_p_averages_over_the_points_that_have_one() -> None:
    m = load("t-sne-uniform")
    p = program_of(m)
    mask = next(a.symbol for a in p.arguments if a.kind == "mask")
    s = sample(m, 0, size=5)
    rows = np.array(s.data[mask])
    rows[2] = False
    y = next(a.symbol for a in p.arguments if a.learned)
    weights = rows / np.maximum(rows.sum(1, keepdims=True), 1)
    joint = (weights + weights.T) / (2 * 4)
    points = np.array(s.data[y])
    kernel = 1 / (1 + ((points[:, None] - points) ** 2).sum(-1))
    np.fill_diagonal(kernel, 0)
    right = -(joint * np.log(np.where(kernel > 0, kernel / kernel.sum(), 1))).sum()
    for form, result in results(m, with_values(s, **{mask: rows.tolist()})).items():
        assert math.isclose(float(result.value), right, rel_tol=1e-10), form
