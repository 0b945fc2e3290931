"""Formulas as array text: a table of formulas, and the arrays that the text computes."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from catalog.load import load_text
from catalog.symbols import TRUE, Expr, IVar
from codegen.dialects import NUMPY, TORCH
from codegen.oracle import Interpreter
from codegen.printers import TensorPrinter
from codegen.samples import sample
from codegen.sympy_printer import SympyPrinter

FILE = """
id = "m"
name = "m"
field = "embedding"
year = 2025
cite = "m"
[sets]
n = "i j k"
m = "c b"
[learned]
z = "vector[i]"
w = "vector[c]"
s = "real[i,j]"
[given]
phi = "positive[i,c]"
f = "positive[i]"
g = "positive[c]"
pos = "index[i] in n"
y = "label[i] in m"
ok = "mask[i,j]"
tau = "positive"
[p]
kernel = "weights"
weights = "f[i]"
[q]
kernel = "logit"
logit = "z[i].z[j] + s[i,j] + w[y[i]].z[j] + g[y[i]]*phi[i,y[j]]*tau + {extra}"
[claim]
relation = "definition"
"""
# formula in i and j, the text for NumPy
TABLE = [
    ("f[i]", "f"),
    ("f[i] + f[j]", "f[:, None] + f"),
    ("f[j]*f[i]/tau", "f * f[:, None] / tau"),
    ("f[i] - (f[j] - 2)", "f[:, None] - (f - 2)"),
    ("-f[i]^2", "-f ** 2"),
    ("(f[i]/tau)^2", "(f / tau) ** 2"),
    ("s[j,i]", "s.T"),
    ("s[i,pos[i]]", "s[index_n, pos]"),
    ("s[pos[i],j]", "s[pos[:, None], index_n]"),
    ("s[i,i] + f[pos[j]]", "s[index_n, index_n][:, None] + f[pos]"),
    ("z[i].z[j]", "z @ z.T"),
    ("z[j].z[i]", "z @ z.T"),
    ("z[i].z[pos[i]]", "(z * z[pos]).sum(-1)"),
    ("z[i].w[y[j]]", "z @ w[y].T"),
    ("|z[i]|^2", "(z ** 2).sum(-1)"),
    ("cos(z[i], z[j])", "_unit(z) @ _unit(z).T"),
    ("[y[i] = y[j]]*tau", "(y[:, None] == y) * tau"),
    ("[i != j and ok[i,j]]", "(index_n[:, None] != index_n) & ok"),
    ("[not ok[j,i]]", "~ok.T"),
    ("sum[k] s[i,k]", "s.sum(-1)"),
    ("sum[k != i] s[k,j]",
     "np.where((index_n[:, None] != index_n)[:, None], s.T, 0.0).sum(-1)"),
    ("mean[c] phi[i,c]*g[c]", "(phi * g).mean(-1)"),
    ("size[k : ok[i,k]]", "ok.sum(-1)"),
    ("1/n + n*m", "1 / n + n * m"),
    ("log(f[i]) + sqrt(tau)", "np.log(f) + np.sqrt(tau)"),
    ("max(f[i], f[j])", "np.maximum(f[:, None], f)"),
    ("relu(s[i,j])*softplus(tau)", "np.maximum(s, 0.0) * np.logaddexp(0.0, tau)"),
    ("sum[c] phi[i,c]*phi[j,c]", "(phi[:, None] * phi).sum(-1)"),
    ("max[k] s[i,k]", "s.max(-1)"),
    ("max[k != i] s[i,k]", "np.where(index_n[:, None] != index_n, s, -float('inf')).max(-1)"),
    ("mean[k : ok[i,k]] s[i,k]", "np.where(ok, s, 0.0).sum(-1) / ok.sum(-1)"),
    ("|mean[k] z[k] - z[i]|^2", "((z.mean(-2) - z) ** 2).sum(-1)"),
]  # fmt: skip


def parsed(formula: str) -> tuple[Expr, IVar, IVar]:
    m = load_text(FILE.format(extra=f"({formula})"))
    block = m.icon.blocks[0]
    score = m.icon.q.params["logit"]
    return score.args[-1], block.anchors[0], block.neighbours[0]  # type: ignore[union-attr,return-value]


NAMES = {n: n for n in ("z", "w", "s", "phi", "f", "g", "pos", "y", "ok", "tau")}


@pytest.mark.parametrize(("formula", "text"), TABLE, ids=[f for f, _ in TABLE])
def test_text_and_value(formula: str, text: str) -> None:
    expr, i, j = parsed(formula)
    printer = TensorPrinter(NUMPY, (i, j), NAMES, {"n": "n", "m": "m"})
    printed = printer.expr(expr)
    assert printed.code == text
    m = load_text(FILE.format(extra=f"({formula})"))
    data = sample(m, 3)
    scope = {name: np.asarray(value) for name, value in data.data.items()}
    scope |= {"np": np, "index_n": np.arange(data.sizes["n"]), "_unit": unit, **data.sizes}
    value = np.asarray(eval(printed.code, scope))
    shape = tuple(data.sizes[v.set.name] for v in printed.axes)
    assert value.shape == shape
    formulas = Interpreter(data.sizes, data.data)
    for env in formulas.assignments(printed.axes, TRUE, {i: 0, j: 0}):
        at = tuple(env[v] for v in printed.axes)
        assert value[at] == pytest.approx(formulas.scalar(expr, env).value, rel=1e-12)


def unit(u: np.ndarray) -> np.ndarray:
    return u / np.linalg.norm(u, axis=-1, keepdims=True)


BLOCKS = [
    ("f[i] + f[j]", "f[rows][:, None] + f[columns]"),
    ("s[i,j]", "s[rows, columns]"),
    ("s[j,i]", "s[columns, rows].T"),
    ("s[i,pos[i]]", "s[index_n[rows], pos[rows]]"),
    ("[i != j]", "index_n[rows][:, None] != index_n[columns]"),
    ("|z[i]-z[j]|^2", "_sqdist(z[rows], z[columns])"),
    ("|z[j]-z[i]|^2", "_sqdist(z[rows], z[columns])"),
]


@pytest.mark.parametrize(("formula", "text"), BLOCKS, ids=[f for f, _ in BLOCKS])
def test_blocks_cut_the_arrays(formula: str, text: str) -> None:
    expr, i, j = parsed(formula)
    slices = {i: "rows", j: "columns"}
    printer = TensorPrinter(TORCH, (i, j), NAMES, {"n": "n", "m": "m"}, slices)
    assert printer.expr(expr).code == text


a, b = sympy.symbols("a b", positive=True)
SYMPY = [
    (a / b, "a / b"),
    (-a, "-a"),
    (a - b, "a - b"),
    (b - a, "b - a"),
    (-a - b, "-a - b"),
    (a * (a + b), "a * (a + b)"),
    (1 / (a + 1), "1 / (a + 1)"),
    (-1 / (a + 1) ** 2, "-1 / (a + 1) ** 2"),
    (sympy.Rational(1, 3) * a, "a / 3"),
    (sympy.Rational(1, 2) + a, "a + 0.5"),
    ((1 + a / b) ** (-b / 2), "(a / b + 1) ** (-b / 2)"),
    (sympy.sqrt(a), "torch.sqrt(a)"),
    (sympy.sqrt(3), "math.sqrt(3)"),
    (sympy.exp(-a), "torch.exp(-a)"),
    (sympy.log(1 + a), "torch.log(a + 1)"),
]


@pytest.mark.parametrize(("expr", "text"), SYMPY, ids=[str(e) for e, _ in SYMPY])
def test_sympy_text_and_value(expr: sympy.Expr, text: str) -> None:
    import math
    from types import SimpleNamespace

    assert SympyPrinter(TORCH, {a: "a", b: "b"})(expr) == text
    library = SimpleNamespace(sqrt=math.sqrt, exp=math.exp, log=math.log)
    value = eval(text, {"a": 1.7, "b": 0.6, "torch": library, "math": math})
    assert value == pytest.approx(float(expr.subs({a: 1.7, b: 0.6})))


def test_a_sympy_function_without_text_is_named() -> None:
    with pytest.raises(TypeError, match="no text for the sympy function gamma"):
        SympyPrinter(TORCH, {a: "a"})(sympy.gamma(a))
