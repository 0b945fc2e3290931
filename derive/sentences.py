"""What theorems say, as the data that a certificate states and as one line for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from derive.claims import DIVERGENCES, families, rate
from derive.printing import PRODUCT, SUM, text
from derive.terms import Term, need
from derive.theorem import Judgement, Theorem, _flat
from derive.wording import judgement, types


def statement(theorems: Sequence[Theorem], dims: frozenset[Any]) -> dict[str, Any]:
    """What theorems say, as text: one claim or several statements, and their hypotheses."""
    need(theorems, "nothing is proved")
    hyps = sorted({judgement_text(h, dims) for th in theorems for h in th.hyps})
    if theorems[0].concl[0] != "icon":
        need(all(t.concl[0] != "icon" for t in theorems), "a claim stands alone")
        said = [judgement_text(t.concl, dims) for t in theorems]
        return {"relation": "theorem", "statements": said, "hypotheses": hyps,
                "types": typed(theorems)}  # fmt: skip
    need(len(theorems) == 1, "a claim stands alone")
    _, published, scale, constant, blocks, learned, kind, degree, slack = theorems[0].concl

    def show(t: Any, *beside: Term, level: int = SUM) -> str:
        return text(t, dims, level=level, beside=beside) if isinstance(t, Term) else ""

    pairs = []
    for anchors, a, nbs, *parts in blocks:
        a, m, w, p, k = (show(t, *anchors, *nbs) for t in (a, *parts))
        pairs.append({
            "anchors": [show_var(v) for v in anchors], "where": a,
            "neighbours": [show_var(v) for v in nbs], "allowed": m,
            "weight": w, "p": p, "kernel": k,
        })  # fmt: skip
    out = {
        "relation": relation(theorems[0].concl), "published": show(published),
        "scale": show(scale, level=PRODUCT), "constant": show(constant), "pairs": pairs,
        "learned": list(learned), "divergence": kind, "order": show(degree), "hypotheses": hyps,
        "types": typed(theorems),
    }  # fmt: skip
    if slack:
        below, above, small, _ = slack
        out |= {"below": show(below), "above": show(above), "small": show(small)}
        if small != "":
            out["rate"] = min(rate(below, small), rate(above, small))
    return out


def typed(theorems: Iterable[Theorem]) -> list[str]:
    """The types of all symbols in theorems and their hypotheses."""
    said = [th.concl for th in theorems] + [h for th in theorems for h in th.hyps]
    return types(t for t in _flat(said) if isinstance(t, Term))


def relation(said: Judgement) -> str:
    """The relation that an I-Con claim states."""
    published, kind, slack = said[1], said[6], said[8]
    if not slack:
        return {"kl": "exact", "reverse-kl": "reverse"}.get(kind, "generalised")
    if (small := slack[2]) == "":
        return "bound"
    t = small.args[0] if small.op == "inv" else small
    return "expansion" if t.data[0] in families(published) else "limit"


def sentence(said: Mapping[str, Any]) -> str:
    """A statement on one line."""
    if "statements" in said:
        return "; ".join(said["statements"])
    kind, order = said["divergence"], said["order"]
    named = f"{kind} of order {order}" if "order" in families(DIVERGENCES[kind]) else kind
    loss = "I-Con" if kind == "kl" else f"I-Con[{named}]"
    scaled = loss if said["scale"] == "1" else f"{said['scale']} * {loss}"
    added = "" if said["constant"] == "0" else f" + {said['constant']}"
    side = f"{scaled}{added}".replace(" + -", " - ")
    if "below" not in said:
        return f"{said['published']}  =  {side}"
    side = side if side == loss else f"({side})"
    low = "0 <= " if said["below"] == "0" else f"-({said['below']}) <= " if said["below"] else ""
    high = f" <= {said['above']}" if said["above"] else ""
    rates = f", both bounds O(({said['small']})^{said['rate']})" if "rate" in said else ""
    return f"{low}{said['published']} - {side}{high}{rates}"


def show_var(v: Term) -> str:
    """An index variable with its set."""
    d = v.data[1]
    return f"{v.data[0]} in {d if isinstance(d, str) else d[0] + '{' + ','.join(d[1]) + '}'}"


def judgement_text(j: Judgement, dims: frozenset[Any]) -> str:
    """A judgement as text."""
    return judgement(j, dims)
