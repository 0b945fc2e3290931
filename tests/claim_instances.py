"""Random I-Con claims of every divergence and form, and what each must have as its premises."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import derive.claims  # noqa: F401  the rule `claim`
from derive import theorem
from derive.claims import HALF, icon, total
from derive.terms import Term, bind, mk, num, var
from derive.theorem import RULES, Judgement, Theorem

I, J = var("i", "n"), var("j", "n")  # noqa: E741
ONE, TIME = num(1), mk("app", ("t", ()))
KINDS = (
    "kl", "reverse-kl", "jeffreys", "jsd", "tv", "hellinger", "chi2", "neyman-chi2", "alpha",
    "cressie-read", "tsallis", "generalised-kl", "squared", "itakura-saito",
)  # fmt: skip
ORDERED = ("alpha", "cressie-read", "tsallis")
NO_LIMIT = ("alpha", "tsallis")  # without a value at the order 1
WHOLE = ("reverse-kl", "jeffreys", "neyman-chi2", "itakura-saito")  # infinite where p = 0
ZERO_Q = ("reverse-kl", "tv", "jsd", "squared")  # finite where q = 0
FORMS = ("equality", "below", "above", "both", "limit", "expansion")


def real(name: str, *args: Term) -> Term:
    return mk("app", (name, tuple(a.data[1] for a in args)), *args)


def inv(t: Term) -> Term:
    return mk("inv", None, t)


def forged(j: Judgement, *hyps: Judgement) -> Theorem:
    """A theorem that nobody proved. Only a test may make one."""
    return Theorem(theorem._KEY, frozenset(hyps), j, "forged", ())


@dataclass(frozen=True)
class Claim:
    """The arguments of the rule `claim`, without its premises."""

    published: Term
    scale: Term
    constant: Term
    blocks: tuple[Any, ...]
    learned: tuple[str, ...] = ("score", "shift")
    kind: str = "kl"
    degree: Term = HALF
    slack: tuple[Any, ...] = ()

    @property
    def side(self) -> Term:
        """What the published loss is compared with."""
        return self.scale * icon(self.blocks, self.kind, self.degree) + self.constant

    @property
    def said(self) -> Judgement:
        """The conclusion of the rule."""
        c = self
        head = (c.published, c.scale, c.constant, c.blocks, c.learned, c.kind, c.degree, c.slack)
        return ("icon", *head)

    def wanted(self) -> dict[str, Judgement]:
        """What must be proved, by name, in the order of the rule."""
        out: dict[str, Judgement] = {}
        below, above = (*self.slack, "", "")[:2]
        if not self.slack:
            out["equation"] = ("eq", self.published, self.side)
        if below != "":
            out["below"] = ("nn", self.published - self.side + below)
        if above != "":
            out["above"] = ("nn", above - (self.published - self.side))
        out |= {"scale": ("pos", self.scale), "order": ("pos", self.degree)}
        if self.kind in NO_LIMIT:
            other = self.degree - ONE
            out["order not one"] = ("pos", other * other)
        mass = []
        for n, (anchors, a, nbs, m, w, p, k) in enumerate(self.blocks):
            s = str(n) if n else ""
            out |= {f"w{s}": ("nn", w), f"p{s}": ("nn", p)}
            if self.kind in ZERO_Q:
                out |= {f"k{s}": ("nn", k), f"mass of k{s}": ("pos", total(nbs, m * k))}
            else:
                out[f"k{s}"] = ("pos", k)
            out |= {f"anchors{s}": ("eq", a * a, a), f"neighbours{s}": ("eq", m * m, m)}
            out[f"rows{s}"] = ("eq", a * total(nbs, m * p), a)
            if self.kind in WHOLE:
                out[f"whole p{s}"] = ("pos", p)
            mass.append(total(anchors, a * w))
        out["weights"] = ("eq", mk("add", None, *mass), ONE)
        return out

    def made(self, *premises: Theorem) -> Theorem:
        """The rule, applied."""
        return RULES["claim"](*self.said[1:], *premises)

    def believed(self, *hyps: Judgement) -> Theorem:
        """The claim from premises that nobody proved: only its form can be refused."""
        return self.made(*(forged(j, *hyps) for j in self.wanted().values()))

    def without(self, *names: str) -> Theorem:
        """What the rule would make if it did not ask for some premises."""
        return forged(self.said, *(j for name, j in self.wanted().items() if name not in names))


# ------------------------------------------------------------------- lawful claims


def pair(rng: random.Random, kind: str) -> Claim:
    """published = scale * D + constant over free scores, for one block or two."""
    degree = HALF
    if kind in ORDERED:
        orders = (num(2), num(Fraction(3, 2)), HALF, real("pu"))
        degree = rng.choice(orders)
    blocks = []
    two = rng.random() < 0.2
    for n in range(1 + two):
        mask = mk("mask", ("m", ("n", "n")), I, J)
        m = rng.choice((mk("ne", None, I, J), ONE, mask))
        a = rng.choice((ONE, ONE, mk("mask", ("chosen", ("n",)), I)))
        p = real(f"pg{n}" if kind in WHOLE else f"ng{n}", I, J)
        score = real("score", I, J)
        k = mk("exp", None, score if not n else score + score)
        if kind in ZERO_Q and m is ONE and rng.random() < 0.5:
            k = mk("relu", None, score)
        w = inv(bind("sum", J, ONE)) if a is ONE else real("nw", I)
        if two:
            w = num(Fraction(1, 2)) * w
        blocks.append(((I,), a, (J,), m, w, p, k))
    scale, constant = rng.choice((num(2), real("ps"))), real("u")
    made = Claim(ONE, scale, constant, tuple(blocks), kind=kind, degree=degree)
    return replace(made, published=made.side)


def nn(t: Term) -> Theorem:
    return RULES["assume"](("nn", t))


def times(a: Theorem, b: Theorem) -> Theorem:
    return RULES["axiom"]("nn_mul", a.concl[1], b.concl[1], a, b)


def moved(th: Theorem, to: Term) -> Theorem:
    """The sign of th for a term with the same normal form."""
    return RULES["transport"](th, RULES["lincomb"](th.concl[1], to, ()))


def slack(rng: random.Random, c: Claim, form: str) -> tuple[Claim, Theorem, Theorem]:
    """The claim with a slack, and that it is at most below and above the difference e."""
    shift = bind("sum", I, real("shift", I))
    square = RULES["axiom"]("nn_square", shift, num(0))
    nu, nv = nn(real("nu")), nn(real("nv"))
    if form in ("limit", "expansion"):
        small = rng.choice((TIME, inv(TIME)))
        sign = RULES["assume"](("pos", TIME))
        if small is not TIME:
            sign = RULES["axiom"]("pos_inv", TIME, num(0), sign)
        s1 = RULES["axiom"]("nn_pos", small, num(0), sign)
        s2 = times(s1, s1)
        if form == "limit":  # e = s^2 nv - s nu, by the constant
            low, high, k = times(s1, nu), times(s2, nv), "1"
        else:  # e = s^2 shift^2 - s^3 nu, by the published loss
            low, high, k = times(s2, times(s1, nu)), times(s2, square), "2"
    else:
        small, k = "", ""
        low, high = rng.choice(((nu, square), (nu, nv), (square, nv)))
    e = high.concl[1] - low.concl[1]
    if form == "limit":
        c = replace(c, constant=c.constant - e)
    else:
        c = replace(c, published=c.published + e)
    ends = ["" if form == "above" else low.concl[1], "" if form == "below" else high.concl[1]]
    c = replace(c, slack=(*ends, small, k))
    return c, high, low


def proved(c: Claim, high: Theorem, low: Theorem) -> Theorem:
    """The claim from what holds by the rules, and hypotheses for the rest."""
    premises = []
    for name, j in c.wanted().items():
        if name in ("below", "above"):
            th = moved(high if name == "below" else low, j[1])
        elif name == "equation":
            th = RULES["lincomb"](*j[1:], ())
        elif name[:3] in ("anc", "nei"):
            th = binary(j)
        elif name[0] == "k" and c.kind in ZERO_Q:
            th = weak(kernel_sign(j[1]))
        elif name[0] == "k":
            th = kernel_sign(j[1])
        elif name.startswith("mass of k"):
            m, k = c.blocks[0 if name[-1] == "k" else 1][3::3]
            th = mass(m, k)
        elif name[0] == "p" and c.kind in WHOLE:
            th = weak(RULES["assume"](("pos", j[1])))
        else:
            th = RULES["assume"](j)
        premises.append(th)
    return c.made(*premises)


def weak(th: Theorem) -> Theorem:
    """a >= 0 from a > 0."""
    return th if th.concl[0] == "nn" else RULES["axiom"]("nn_pos", th.concl[1], num(0), th)


def kernel_sign(k: Term) -> Theorem:
    """exp(x) > 0, relu(x) >= 0."""
    return RULES["axiom"]("pos_exp" if k.op == "exp" else "nn_relu", k.args[0], num(0))


def binary(j: Judgement) -> Theorem:
    """m m = m for 1 and for a 0/1 term m."""
    m = j[2]
    if m is ONE:
        return RULES["lincomb"](*j[1:], ())
    halves = [RULES["lincomb"](*theorem.put(j, {m: num(k)})[1:], ()) for k in (1, 0)]
    return RULES["cases"](m, j, *halves)


def mass(m: Term, k: Term) -> Theorem:
    """The sum of m k over the neighbours is positive."""
    if k.op == "relu":
        return RULES["assume"](("pos", total((J,), m * k)))
    if m is ONE:
        return moved(RULES["sum_sign"](J, kernel_sign(k)), total((J,), m * k))
    some = RULES["assume"](("pos", bind("sum", J, m)))
    return RULES["pos_masked_sum"](J, some, RULES["sign"]("nn", m), kernel_sign(k))


def lawful(rng: random.Random, kind: str = "", form: str = "") -> tuple[Claim, Theorem]:
    """A claim and the theorem that says it."""
    c, zero = pair(rng, kind or rng.choice(KINDS)), RULES["sign"]("nn", num(0))
    high = low = zero
    if (form := form or rng.choice(FORMS)) != "equality":
        c, high, low = slack(rng, c, form)
    return c, proved(c, high, low)
