"""Claims, hypotheses and pairs in a line of words and formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.notation import to_text
from catalog.spec import Method
from catalog.symbols import Fact


def fact_text(fact: Fact) -> str:
    """A hypothesis in the author's words, followed by the formula where that says more."""
    return in_words(fact.text, to_text(fact))


def in_words(words: str, formula: str) -> str:
    """A formula after the words for it, where there are any and they say more."""
    return f"{words}: {formula}" if words and words != formula else formula


def stated(pair: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One group of anchors of a claim: what I-Con is the divergence of, in a line for each part."""

    def over(letters: str, condition: str) -> str:
        where = "" if pair[condition] == "1" else f" where {pair[condition]}"
        return (", ".join(pair[letters]) or "no letters") + where

    return [
        ("anchors", f"{over('anchors', 'where')}, each with weight {pair['weight']}"),
        ("neighbours", over("neighbours", "allowed")),
        ("p", pair["p"]),
        ("kernel of q", pair["kernel"]),
    ]


def claim_text(method: Method) -> str:
    """The relation, and for an affine one the equation with what is trivial left out."""
    claim = method.claim
    if claim.relation in ("definition", "does-not-reduce", "false-as-stated", "theorem"):
        return claim.relation
    scale = "" if claim.scale_text == "1" else f"{_factor(claim.scale_text)} * "
    plain = " " not in claim.constant_text and not claim.constant_text.startswith("-")
    added = claim.constant_text if plain else f"({claim.constant_text})"
    constant = "" if claim.constant_text == "0" else f" + {added}"
    divergence = method.icon.divergence
    loss = {"kl": "I-Con", "reverse-kl": "KL(q || p)"}.get(divergence, f"D[{divergence}]")
    side = f"{scale}{loss}{constant}"
    if claim.below is None and claim.above is None:
        return f"{claim.relation}: published = {side}"
    below = f"-{_factor(claim.below_text)} <= " if claim.below is not None else ""
    above = f" <= {claim.above_text}" if claim.above is not None else ""
    side = side if side == loss else f"({side})"
    bounds = f"{below}published - {side}{above}".replace("-0 <=", "0 <=")
    if not claim.parameter:
        return f"{claim.relation}: {bounds}"
    return f"{claim.relation} as {claim.parameter} -> {claim.to}: {bounds}"


def _factor(text: str) -> str:
    """`text` in parentheses, unless it is a single word."""
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def pair_text(name: str, params: Any) -> str:
    """A kernel with its parameters, as in `dot, embedding = z[i], temperature = tau`."""
    return ", ".join([name, *(f"{key} = {to_text(value)}" for key, value in params.items())])
