"""A claim about a loss that training cannot change holds, and the verdict says that it is empty."""

from pathlib import Path

import pytest

from catalog.load import load_text
from catalog.spec import Method
from derive.bridge import problem
from derive.vacuous import BOTH, PAIR, PUBLISHED, vacuous
from derive.verdict import Proved
from derive.verify import verify
from iconograph.report import mark, row, row_facts, summary

TRIPLET = (Path(__file__).parent.parent / "catalog/methods/triplet-limit.toml").read_text()
PLAIN = """
id = "plain"
name = "plain"
field = "theory"
year = 2026
cite = "me2026"
summary = "a test"
[learned]
s = "real[i,j]"
[given]
p = "distribution[i,j]"
[assumes]
"no zeros" = "p[i,j] > 0"
[icon]
neighbours = "j"
[p]
kernel = "given"
distribution = "p"
[q]
kernel = "formula"
formula = "KERNEL"
[published]
formula = "FORMULA"
source = "none"
[claim]
relation = "RELATION"
constant = "CONSTANT"
"""


def plain(kernel: str, formula: str, *, above: str = "", constant: str = "0") -> Method:
    text, relation = PLAIN, "bound" if above else "exact"
    for word, said in {
        "KERNEL": kernel, "FORMULA": formula, "RELATION": relation, "CONSTANT": constant
    }.items():  # fmt: skip
        text = text.replace(word, said)
    return load_text(text + (f'above = "{above}"\n' if above else ""), "a test")


CROSS = "mean[i] sum[j] p[i,j] * log(p[i,j] * sum[k] exp(s[i,k]) / exp(s[i,j]))"
SAID = {
    "p = q": (plain("p[i,j]*exp(0*s[i,j])", "log(n)", constant="log(n)"), BOTH),
    "one number for every neighbour": (
        plain("exp(sum[k] s[i,k])", "mean[i] sum[j] p[i,j]*log(n*p[i,j])"), BOTH
    ),
    "a bound on a constant": (plain("exp(s[i,j])", "0", above=f"-({CROSS})"), PUBLISHED),
    "a bound by a pair without parameters": (
        plain("p[i,j]*exp(0*s[i,j])", "-sum[i] s[i,i]*s[i,i]", above="0"), PAIR
    ),
    "a loss": (plain("exp(s[i,j])", CROSS), ""),
}  # fmt: skip


@pytest.mark.parametrize("what", SAID)
def test_the_verdict_says_what_is_vacuous(what: str) -> None:
    method, words = SAID[what]
    verdict = verify(method)
    assert isinstance(verdict, Proved) and verdict.ok and verdict.vacuous == words
    said = row(method, verdict)
    assert (("says nothing", words) in row_facts(said)) == bool(words)
    assert ("vacuous" in mark(said)[0]) == bool(words) == ("vacuous" in summary([said]))
    assert words in said.brief and said.to_json()["vacuous"] == words


def test_a_limit_to_a_constant_is_vacuous() -> None:
    true = load_text(TRIPLET, "a test")
    hinge = 'formula = "sum[i] relu(|f[i]-g[i,pos]|^2 - |f[i]-g[i,neg]|^2 + alpha)"'
    assert true.claim.relation == "limit" and hinge in TRIPLET
    assert vacuous(problem(true)) == ""
    other = load_text(TRIPLET.replace(hinge, 'formula = "n*alpha"'), "a test")
    assert vacuous(problem(other)) == PUBLISHED
