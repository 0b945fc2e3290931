"""Claims of every form through the whole pipeline: bounds, limits, other divergences, theorems."""

from __future__ import annotations

from functools import cache

from catalog.load import load_text
from tests.proofs import Proved, make

HEAD = """
id = "mine-{name}"
name = "{name}"
field = "supervised"
year = 2020
cite = "none"
[sets]
n = "i"
items = "j k"
[learned]
s = "real[i,j]"
[given]
pos = "index[i] in items"
t = "positive"
c = "positive"
"""
PAIR = """
[icon]
anchors = "i"
neighbours = "j"
{icon}
[p]
{p}
[q]
kernel = "logit"
logit = "s[i,j]"
[published]
formula = "{formula}"
source = "a test"
[claim]
"""
HOT = 'kernel = "one-hot"\ntarget = "pos[i]"'
EVEN = 'kernel = "formula"\nformula = "1/size(items)"'
CE = "mean[i] -log(exp(s[i,pos[i]])/sum[k] exp(s[i,k]))"
Q = "(exp(s[i,j])/sum[k] exp(s[i,k]))"
U = "(1/size(items))"
FORMS: dict[str, tuple[str, str, str, str]] = {
    # name: divergence, p, formula, claim
    "bound": ("", HOT, f"{CE} + c", 'relation = "bound"\nbelow = "0"'),
    "bound-above": ("", HOT, f"{CE} - c", 'relation = "bound"\nabove = "0"'),
    "bound-both": ("", HOT, f"{CE} + c", 'relation = "bound"\nbelow = "0"\nabove = "2*c"'),
    "limit": (
        "", HOT, CE,
        'relation = "limit"\nparameter = "t"\nto = "0"\nconstant = "t*c"\nbelow = "t*c"',
    ),
    "limit-at-infinity": (
        "", HOT, CE,
        'relation = "limit"\nparameter = "t"\nto = "infinity"\nconstant = "c/t"\nbelow = "c/t"',
    ),
    "expansion": (
        "", HOT, f"{CE} + c*t^2",
        'relation = "expansion"\nparameter = "t"\nto = "0"\norder = 2\nabove = "c*t^2"',
    ),
    "reverse": (
        "", EVEN, f"mean[i] sum[j] {Q}*log({Q}/{U})", 'relation = "reverse"'
    ),
    "chi2": (
        'divergence = "chi2"', EVEN, f"mean[i] sum[j] ({U} - {Q})^2/{Q}",
        'relation = "generalised"',
    ),
    "tv": (
        'divergence = "tv"', EVEN, f"mean[i] sum[j] (relu({U} - {Q}) + relu({Q} - {U}))/2",
        'relation = "generalised"',
    ),
    "tsallis": (
        'divergence = "tsallis"\norder = "2"', EVEN, f"(mean[i] sum[j] {U}^2/{Q}) - 1",
        'relation = "generalised"',
    ),
}  # fmt: skip
THEOREM = """
[theorem]
"the sum of exponentials is positive" = "sum[k] exp(s[i,k]) > 0"
"a logarithm of a product" = "log(c*t) = log(c) + log(t)"
[claim]
relation = "theorem"
"""


def text(name: str) -> str:
    """The file of a form."""
    if name == "theorem":
        return HEAD.format(name=name) + THEOREM
    icon, p, formula, claim = FORMS[name]
    return HEAD.format(name=name) + PAIR.format(icon=icon, p=p, formula=formula) + claim


@cache
def form(name: str) -> Proved:
    """A form, proved."""
    return make(load_text(text(name), f"{name}.toml"))


NAMES = (*FORMS, "theorem")
