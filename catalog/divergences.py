"""The divergences D(p || q) that a pair can be compared by, each one formula in p and q.

A template is a formula in the language of the catalog: what is summed over the allowed neighbours j
for p = p(j|i), q = q(j|i), and `a`, the order, where the divergence has one. What `derive.claims`
proves about is stated there once more in terms of its own; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Divergence:
    """One divergence.

    `f` is the convex f with f(1) = 0 of D = sum q f(p/q), "" for one that is no f-divergence.
    `full`: p > 0 is needed on every allowed neighbour (with a one-hot p it is infinite). `ordered`:
    it has an order a > 0; `but` names the order at which it is a limit and not a value.
    """

    name: str
    title: str
    template: str
    latex: str
    f: str = ""
    full: bool = False
    ordered: bool = False
    but: str = ""


DIVERGENCES: dict[str, Divergence] = {d.name: d for d in (
    Divergence("kl", "Kullback-Leibler", "p*log(p/q)", r"p\log\frac{p}{q}", "t*log(t)"),
    Divergence(
        "reverse-kl", "reverse Kullback-Leibler", "q*log(q/p)", r"q\log\frac{q}{p}", "-log(t)",
        full=True,
    ),
    Divergence(
        "jeffreys", "Jeffreys", "(p-q)*log(p/q)", r"(p-q)\log\frac{p}{q}", "(t-1)*log(t)",
        full=True,
    ),
    Divergence(
        "jsd", "Jensen-Shannon", "p*log(2*p/(p+q))/2 + q*log(2*q/(p+q))/2",
        r"\tfrac12 p\log\frac{2p}{p+q}+\tfrac12 q\log\frac{2q}{p+q}",
        "(t*log(t) - (t+1)*log((t+1)/2))/2",
    ),
    Divergence(
        "tv", "total variation", "relu(p-q)/2 + relu(q-p)/2", r"\tfrac12\lvert p-q\rvert",
        "relu(t-1)/2 + relu(1-t)/2",
    ),
    Divergence(
        "hellinger", "squared Hellinger", "(sqrt(p) - sqrt(q))^2/2",
        r"\tfrac12(\sqrt p-\sqrt q)^2", "(sqrt(t)-1)^2/2",
    ),
    Divergence(
        "chi2", "Pearson chi-squared", "(p-q)^2/q", r"\frac{(p-q)^2}{q}", "(t-1)^2",
    ),
    Divergence(
        "neyman-chi2", "Neyman chi-squared", "(p-q)^2/p", r"\frac{(p-q)^2}{p}", "(t-1)^2/t",
        full=True,
    ),
    Divergence(
        "alpha", "alpha (Amari)", "(p*(p/q)^(a-1) - a*p - (1-a)*q)/(a*(a-1))",
        r"\frac{p^{a}q^{1-a}-ap-(1-a)q}{a(a-1)}", "(t^a - a*t - (1-a))/(a*(a-1))",
        ordered=True, but="1",
    ),
    Divergence(
        "cressie-read", "Cressie-Read", "p*((p/q)^a - 1)/(a*(a+1))",
        r"\frac{p\left((p/q)^{a}-1\right)}{a(a+1)}", "t*(t^a - 1)/(a*(a+1))", ordered=True,
    ),
    Divergence(
        "tsallis", "Tsallis", "(p*(p/q)^(a-1) - p)/(a-1)", r"\frac{p^{a}q^{1-a}-p}{a-1}",
        "(t^a - t)/(a-1)", ordered=True, but="1",
    ),
    Divergence(
        "generalised-kl", "generalised Kullback-Leibler (Bregman and f)", "p*log(p/q) - p + q",
        r"p\log\frac{p}{q}-p+q", "t*log(t) - t + 1",
    ),
    Divergence(
        "squared", "squared Euclidean (Bregman)", "(p-q)^2/2", r"\tfrac12(p-q)^2",
    ),
    Divergence(
        "itakura-saito", "Itakura-Saito (Bregman)", "p/q - log(p/q) - 1",
        r"\frac{p}{q}-\log\frac{p}{q}-1", full=True,
    ),
)}  # fmt: skip
"""Every divergence by name; "kl" is that of I-Con itself."""
