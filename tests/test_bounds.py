"""The search for inequalities: classical bounds are found, and their false neighbours are not.

What is found is replayed from its certificate, so a wrong search can only miss something; these
tests hold what it finds, and plant an error in each line, which must not be proved and which a
finite model refutes.
"""

from __future__ import annotations

import pytest

from catalog.load import load_text
from derive.verdict import Proved, Refuted
from derive.verify import verify

HEAD = 'id = "mine"\nname = "x"\nfield = "theory"\nyear = 2025\ncite = "none"\n'
GIVEN = """[given]
p = "distribution[i,j]"
q = "positive[i,j]"
w = "nonnegative[i]"
x = "real[i]"
d = "nonnegative[i,j]"
knn = "mask[i,j]"
t = "positive"
a = "real"
b = "real"
u = "positive"
v = "positive"
[assumes]
"the rows of q sum to one" = "sum[j] q[i,j] = 1"
"everything has a neighbour" = "sum[j] [knn[i,j]] > 0"
"""
# a true statement, and a false one that differs in one place
PAIRS = [
    ("log(u) <= u - 1", "log(u) <= u - 2"),
    ("log(u) >= 1 - 1/u", "log(u) >= 2 - 1/u"),
    ("exp(a) >= 1 + a", "exp(a) >= 1 + 2*a"),
    ("exp(-t) <= 1 - t + t^2/2", "exp(-t) <= 1 - t"),
    ("log(1 + exp(a)) >= max(a, 0)", "log(1 + exp(a)) >= max(a, 0) + log(2)"),
    ("log(1 + exp(a)) <= max(a, 0) + log(2)", "log(1 + exp(a)) <= max(a, 0)"),
    ("relu(a) + relu(-a) >= a", "relu(a) - relu(-a) >= a + 1"),
    ("max(a, b) >= b", "max(a, b) >= a + b"),
    ("u/(u + v) <= 1", "u/(u + v) >= 1"),
    ("sum[j] p[i,j]*log(p[i,j]/q[i,j]) >= 0", "sum[j] p[i,j]*log(q[i,j]/p[i,j]) >= 0"),
    ("log(sum[j] q[i,j]*exp(d[i,j])) >= sum[j] q[i,j]*d[i,j]",
     "log(sum[j] q[i,j]*exp(d[i,j])) <= sum[j] q[i,j]*d[i,j]"),
    ("log(sum[j] exp(d[i,j]/t)) >= max[j] d[i,j]/t",
     "log(sum[j] exp(d[i,j]/t)) <= max[j] d[i,j]/t"),
    ("t*log(sum[j] exp(d[i,j]/t)) <= max[j] d[i,j] + t*log(n)",
     "t*log(sum[j] exp(d[i,j]/t)) <= max[j] d[i,j] + t*log(2)"),
    ("mean[j] d[i,j] <= max[j] d[i,j]", "mean[j] d[i,j] >= max[j] d[i,j]"),
    ("mean[j : knn[i,j]] d[i,j] <= max[j : knn[i,j]] d[i,j]",
     "mean[j] d[i,j] <= max[j : knn[i,j]] d[i,j]"),
    ("(1 + t)*log(1 + t) <= t + t^2/2", "(1 + t)*log(1 + t) <= t + t^2/3"),
    ("log(1/(1 + t)) <= -(1 - 1/(1 + t)) - (1 - 1/(1 + t))^2/2",
     "log(1/(1 + t)) <= -(1 - 1/(1 + t)) - (1 - 1/(1 + t))^2"),
    ("sum[i] w[i]*(exp(x[i]) - 1 - x[i]) >= 0", "sum[i] w[i]*(exp(x[i]) - 1 - 2*x[i]) >= 0"),
]  # fmt: skip


def theorem(statement: str) -> str:
    return f'{HEAD}{GIVEN}[theorem]\n"the bound" = "{statement}"\n[claim]\nrelation = "theorem"\n'


@pytest.mark.parametrize("statement", [t for t, _ in PAIRS])
def test_a_classical_bound_is_found(statement: str) -> None:
    found = verify(load_text(theorem(statement)))
    assert isinstance(found, Proved) and found.ok, getattr(found, "why", "")


@pytest.mark.parametrize("statement", [f for _, f in PAIRS])
def test_its_false_neighbour_is_refuted(statement: str) -> None:
    assert isinstance(verify(load_text(theorem(statement))), Refuted)


def test_a_lemma_that_is_false_proves_nothing() -> None:
    lemma = '"no" = "log(u) <= u - 3"'
    text = theorem("log(u) <= u - 2").replace("[claim]", f"[proof]\n{lemma}\n[claim]")
    assert not isinstance(verify(load_text(text)), Proved)


def test_a_lemma_helps() -> None:
    statement = "mean[i] x[i]^2 >= (mean[i] x[i])^2"
    lemma = '"the variance" = "mean[i] (x[i] - mean[k] x[k])^2 >= 0"'
    text = theorem(statement).replace("[claim]", f"[proof]\n{lemma}\n[claim]")
    assert isinstance(verify(load_text(text)), Proved)
