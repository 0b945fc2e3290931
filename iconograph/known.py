"""What is known of a loss that is its own definition, in the lines that its program opens with.

    Equals      supcon: Supervised contrastive learning, L_out; published = (n) * this + ...
    Identity    D = log-partition - expected log-kernel - entropy of p, proved for every N
    Gradient    in log k it is w_i * (q_ij - p_ij), proved for every N

Each line says by what it is known: proved for every N with the derivation that shows it, the same
pair free of names, or tested. Nothing is said that is not one of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from catalog.divergences import DIVERGENCES
from catalog.pair import separated
from catalog.registry import load
from catalog.spec import Claim, Method
from catalog.symbols import Num
from derive.verdict import Proved
from derive.verify import verify
from iconograph.kinship import Kin, kin

ONE, ZERO = Num(Fraction(1)), Num(Fraction(0))
Line = tuple[str, str]
TANGENT = "kl-tangent"
"""The theorem of the catalog that the loss of an anchor lies above its tangent of slope q - p."""

SHOWN = 5
"""How many relatives of a kind are named."""


def known(method: Method) -> tuple[Line, ...]:
    """The lines about a definition: relatives, identity, gradient, limits."""
    relatives = kin(method)
    return (*lines(relatives), *identity(method), *gradient(method), *limits(relatives))


def lines(relatives: tuple[Kin, ...]) -> Iterator[Line]:
    """The lines about relatives, the nearest first."""
    for kind, word in (("equals", "Equals"), ("case-of", "Case of"), ("contains", "Contains")):
        found = [k for k in relatives if k.kind == kind]
        for k in found[:SHOWN]:
            yield word, sentence(k)
        if more := [k.method.id for k in found[SHOWN:]]:
            yield word, f"likewise {', '.join(more)}"
    if pairs := [k.method for k in relatives if k.kind == "pair"]:
        of = ", ".join(f"{m.id} (there by {DIVERGENCES[m.icon.divergence].title})" for m in pairs)
        yield "Same pair", f"as {of}, compared in another way"


def sentence(k: Kin) -> str:
    """A relative in a sentence."""
    named = f"{k.method.id}: {k.method.name}" + (f" ({k.method.cite})" if k.method.cite else "")
    how = "the same p, q and setting"
    if k.hash:
        how = f"proved for every N (derivation {k.hash[:16]})"
    put = ", ".join(f"{head} := {text}" for head, text in k.put.items())
    if k.kind == "equals":
        how = f"{how}, with {put}" if put else how
        return f"{named}; {how}{published(k.method)}"
    return f"{named}, with {put or 'the same symbols'}; {how}"


def published(method: Method) -> str:
    """What the published loss of an equal pair is of this one."""
    claim = method.claim
    if claim.relation == "definition":
        return ""
    return f"; its published loss is {affine(claim)}"


def affine(claim: Claim) -> str:
    """Scale * this + constant, without a factor 1 and a term 0."""
    scale = "" if claim.scale_text == "1" else f"({claim.scale_text}) * "
    constant = "" if claim.constant_text == "0" else f" + {claim.constant_text}"
    return f"{scale}this{constant}"


# --------------------------------------------------------------------------- what is proved of it


def identity(method: Method) -> Iterator[Line]:
    """That KL is the log-partition minus the expected log-kernel minus the entropy of p."""
    if method.icon.divergence != "kl":
        return
    said = "sum over anchors of w_i * (log sum_j k_ij - sum_j p_ij log k_ij + sum_j p_ij log p_ij)"
    form = separated(method.icon)
    verdict = verify(replace(method, published=form, claim=Claim("exact", ONE, ZERO)))
    if isinstance(verdict, Proved):
        yield "Identity", f"it is the {said}: {proved_by(verdict)}"
    else:
        yield "Identity", f"it is the {said}: tested, no proof for every N was found"


def proved_by(verdict: Proved) -> str:
    """By what an identity is known."""
    named = verdict.certificate.hash[:16] if verdict.certificate else "none"
    return f"proved for every N (certificate {named})"


def gradient(method: Method) -> Iterator[Line]:
    """The derivative in the log-kernel: a theorem for KL, the summand's own slope otherwise."""
    from codegen.divergence import summand

    if method.icon.divergence == "kl":
        verdict = verify(load(TANGENT))
        how = (
            f"{proved_by(verdict)}, theorem {TANGENT}: the loss lies above its tangent of that "
            "slope" if isinstance(verdict, Proved) else "tested"
        )  # fmt: skip
        yield "Gradient", f"in log k_ij it is w_i * (q_ij - p_ij): {how}"
        return
    found = summand(method.icon)
    yield "Gradient", (
        "in log k_ij it is w_i * (g_ij - q_ij * sum_l g_il), where g is the derivative of the "
        f"summand in log q, {found.slope} where p > 0 and {found.zero_slope} where p = 0: derived "
        "symbolically and tested in float64 to 1e-10, not proved"
    )


def limits(relatives: tuple[Kin, ...]) -> Iterator[Line]:
    """The entries whose published loss is a limit of this one, or bounded by it, and is proved."""
    for k in relatives:
        claim = k.method.claim
        if k.kind != "aside" or not isinstance(verdict := verify(k.method), Proved):
            continue
        put = "".join(f", {head} := {text}" for head, text in k.put.items())
        what = {
            "limit": f"goes to the published loss as {claim.parameter} goes to {claim.to}",
            "expansion": f"begins with the published loss as {claim.parameter} goes to {claim.to}",
            "bound": "bounds the published loss",
        }[claim.relation]
        scaled = affine(claim)
        yield "Limit", f"{k.method.id}{put}: {scaled} {what}, {proved_by(verdict)}"


__all__ = ["known"]
