"""Forms that people bring: each is recognised, and with an error it is not.

The error of a form is a piece of its formula and what stands there instead.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

import pytest

from derive import balls
from derive.bridge import problem
from iconograph.inline import method_text
from iconograph.recognise import Recognised, recognise

Z, S, POS, OTHER = "z=vector[i]", "s=real[i,c]", "pos=index[i] in n", "[pos[i] = i] = 0"
CLASSES = ("n=i j", "classes=c k")
Q = "q(i,c)=exp(s[i,c])/sum[k] exp(s[i,k])"


@dataclass(frozen=True)
class Form:
    """A formula with its declarations, what it is, kernels of p and q, and an error."""

    formula: str
    learned: tuple[str, ...]
    given: tuple[str, ...]
    kind: str
    p: str
    q: str
    error: tuple[str, str]
    assume: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    define: tuple[str, ...] = ()

    def text(self, formula: str) -> str:
        """The file of a formula with these declarations."""
        return method_text(formula, learned=self.learned, given=self.given, assume=self.assume,
                           sets=self.sets, define=self.define)  # fmt: skip


FORMS = {
    "a positive beside a bank": Form(
        "mean[i] -log(exp(x[i].k[i])/(exp(x[i].k[i]) + sum[m] exp(x[i].b[m])))",
        ("x=vector[i]",), ("k=vector[i]", "b=vector[m]"), "an I-Con loss", "uniform", "logit",
        ("log(exp(x[i].k[i])/", "log(exp(x[i].k[i]/2)/"), sets=("n=i", "bank=m"),
    ),
    "logarithms to base 2": Form(
        "mean[i] -log(exp(s[i,y[i]])/sum[k] exp(s[i,k]))/log(2)", (S,), ("y=label[i]",),
        "an I-Con loss", "one-hot", "logit", ("sum[k] exp(s[i,k])", "sum[k] exp(2*s[i,k])"),
        sets=CLASSES,
    ),
    "any non-negative targets": Form(
        "-mean[i] sum[c] t[i,c]*log(q(i,c))", (S,), ("t=nonnegative[i,c]",), "an I-Con loss",
        "formula", "logit", ("log(q(i,c))", "log(q(i,c))*s[i,c]"),
        ("sum[c] t[i,c] > 0",), CLASSES, (Q,),
    ),
    "a margin beside a class": Form(
        "mean[i] mean[j : j != i and y[j] = y[i]] -log(exp(z[i].z[j])/(exp(z[i].z[j] - e)"
        " + sum[k : y[k] != y[i]] exp(z[i].z[k])))",
        (Z,), ("y=label[i]", "e=positive"), "an I-Con loss", "one-hot", "logit",
        ("exp(z[i].z[j] - e)", "exp(z[i].z[j] - e) + e"),
        ("size[j : j != i and y[j] = y[i]] > 0",), ("n=i j k", "classes=c"),
    ),
    "a debiased denominator": Form(
        "mean[i] -log(e(i,pos[i])/(e(i,pos[i]) + N/(1-t)*((mean[k : k != i and k != pos[i]]"
        " e(i,k)) - t*e(i,pos[i]))))",
        (Z,), (POS, "N=positive", "t=probability"), "an I-Con loss", "one-hot", "logit",
        ("-log(e(i,pos[i])/", "-log(e(i,i)/"),
        (OTHER, "1 - N*t/(1-t) > 0", "size[k : k != i and k != pos[i]] > 0"),
        define=("e(i,j)=exp(z[i].z[j])",),
    ),
    "u and 1 - u": Form(
        "-mean[i] mean[j] (m[i,j]*log(g(i,j)) + (1 - m[i,j])*log(1 - g(i,j)))",
        ("f=distribution[i,c]",), ("m=probability[i,j]",),
        "an I-Con loss with a null neighbour, pair by pair", "formula", "sigmoid",
        ("log(1 - g(i,j))", "log(2 - g(i,j))"), ("f[i,c] > 0", "g(i,j) < 1"),
        ("n=i j", "classes=c"), ("g(i,j)=sum[c] f[i,c]*f[j,c]",),
    ),
    "matching pairs and the others": Form(
        "mean[i] (-log(sigmoid(s[i,y[i]] - m)) - sum[c != y[i]] log(sigmoid(-s[i,c] - m)))",
        (S,), ("y=label[i]", "m=positive"), "an I-Con loss with a null neighbour, pair by pair",
        "match", "sigmoid", ("log(sigmoid(-s", "s[i,c]*log(sigmoid(-s"), sets=CLASSES,
    ),
    "all words but one": Form(
        "mean[i] -log(1 - q(i,y[i]))", (S,), ("y=label[i]",), "a coarse I-Con loss", "one-hot",
        "sigmoid", ("1 - q(i,y[i])", "1 - q(i,y[i])^2"), ("size(classes) > 1",), CLASSES, (Q,),
    ),
    "total variation by the smaller": Form(
        "mean[i] (1 - sum[c] min(t[i,c], q(i,c)))", (S,), ("t=distribution[i,c]",),
        "another divergence of p from q: total variation", "formula", "logit",
        ("min(t[i,c], q(i,c))", "min(t[i,c], 2*q(i,c))"), (), CLASSES, (Q,),
    ),
    "Hellinger by the affinity": Form(
        "mean[i] (1 - sum[c] sqrt(t[i,c]*q(i,c)))", (S,), ("t=distribution[i,c]",),
        "another divergence of p from q: squared Hellinger", "formula", "logit",
        ("sqrt(t[i,c]*q(i,c))", "sqrt(t[i,c])*q(i,c)^0.6"), ("t[i,c] > 0",), CLASSES, (Q,),
    ),
    "centres, squared distances and an entropy": Form(
        "sum[i,c] f[i,c]*|x[i] - (sum[j] f[j,c]*x[j])/N(c)|^2 + (sum[i,j] k(i,j)*log(k(i,j)))"
        " + sum[i] log(sum[j] exp(-|x[i] - x[j]|^2/2))",
        ("f=positive[i,c]",), ("x=vector[i]",), "the reverse direction", "gaussian", "formula",
        ("k(i,j)*log(k(i,j))", "k(i,j)^2*log(k(i,j))"), ("sum[c] f[i,c] = 1",),
        ("n=i j l", "classes=c"), ("N(c)=sum[l] f[l,c]", "k(i,j)=sum[c] f[i,c]*f[j,c]/N(c)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_recognised(name: str) -> None:
    form = FORMS[name]
    found = recognise(form.text(form.formula), reasons=False)
    assert isinstance(found, Recognised) and found.kind.startswith(form.kind), found
    doc = tomllib.loads(found.text)
    assert (doc["p"]["kernel"], doc["q"]["kernel"]) == (form.p, form.q), found.text


@pytest.mark.parametrize("name", ["logarithms to base 2", "u and 1 - u", "all words but one"])
def test_a_form_with_an_error_is_not_that_form(name: str) -> None:
    """What is accepted of a changed formula holds in fresh models, or nothing is accepted."""
    form = FORMS[name]
    changed = form.formula.replace(*form.error)
    assert changed != form.formula
    right = recognise(form.text(form.formula), reasons=False)
    found = recognise(form.text(changed), reasons=False)
    assert isinstance(right, Recognised)
    if isinstance(found, Recognised):
        assert balls.refute_value(found.found.problem, (4, 3), 31) is None
        assert found.hash != right.hash


def test_pairs_are_compared_strictly() -> None:
    """Another temperature, another p and other anchors each make another pair."""
    from benchmarks.recognise import own
    from catalog.load import load_text

    text = FORMS["logarithms to base 2"].text("mean[i] -log(exp(s[i,y[i]])/sum[k] exp(s[i,k]))")
    found = recognise(text)
    assert isinstance(found, Recognised)
    assert own(load_text(found.text), found)
    for old, new in (
        ('logit = "s[i,c]"', 'logit = "2*s[i,c]"'),
        ('target = "y[i]"', 'target = "h[i]"'),
        ('anchors = "i"', 'anchors = "i, j"'),
        ('neighbours = "c"', 'neighbours = "c : c != h[i]"'),
    ):
        other = found.text.replace('y = "label[i]"', 'y = "label[i]"\nh = "label[i]"')
        assert old in other
        assert not own(load_text(other.replace(old, new)), found), new


def test_the_problem_of_a_stacked_pair_counts_the_positive_once() -> None:
    """The positive is spread over the bank: with one key in it, p is one-hot as before."""
    form = FORMS["a positive beside a bank"]
    found = recognise(form.text(form.formula), reasons=False)
    assert isinstance(found, Recognised)
    claim = problem(found.method)
    assert balls.refute_value(claim, (1, 2, 5), 9) is None
    wrong = found.text.replace("log(size(bank))", "2*log(size(bank))")
    assert wrong != found.text
    from catalog.load import load_text

    assert balls.refute_value(problem(load_text(wrong)), (2, 5), 9) is not None
