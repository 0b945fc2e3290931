"""Which losses of the catalog a loss equals, which it contains, and of which it is a special case.

Equality is that of the pairs, free of names (`catalog.likeness`). A special case is an equation of
the two divergences after a substitution, found from the kernels: a parameter that is a symbol here
is something in particular there, or one kernel is another with something put for a parameter. Every
one is proved for all N by `derive.relations`, and what is not proved is not said.

Entries are looked up by the names of their kernels, so one that writes a kernel of the vocabulary
as a formula of its own is not found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from catalog import registry
from catalog.edges import Claimed
from catalog.errors import InputError, Place
from catalog.files import read_text, read_toml
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.likeness import Likeness, likeness
from catalog.pair import divergence, separated
from catalog.params import Text
from catalog.spec import Method
from derive import relations

SYMBOL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\[([^\[\]]*)\])?\s*\Z")
FLAT = ("expr", "index", "cond")
ITS_OWN = ("exact", "reverse", "generalised", "coarse", "definition")
"""The relations by which the loss of an entry is that of its pair, up to scale and constant."""

ASIDE = ("limit", "expansion", "bound")
"""Those by which it is a limit of that loss, or bounded by it."""

MOST = 16
"""How many equations are tried: those of the same kernels first, then those that put the least."""


@dataclass(frozen=True)
class Kin:
    """A relative of a loss: `kind` is equals, pair, contains, case-of or aside.

    `put` is what stands for what. Pair: p and q are the same, and compared by another divergence.
    Aside: the pair is the same, or a case of it, and the published loss of the entry is a limit of
    its loss, or bounded by it.

    `hash` names the derivation that proves the equation, "" where the pairs are the same.
    """

    kind: str
    method: Method
    put: Mapping[str, str]
    hash: str = ""


@dataclass(frozen=True)
class Pair:
    """The texts of a pair: kernels with their parameters, and the letters of its two ends."""

    method: Method
    p: Mapping[str, str]
    q: Mapping[str, str]
    ends: tuple[str, str]

    @property
    def sets(self) -> tuple[str, str]:
        """The names of the sets that the two ends range over."""
        block = self.method.icon.blocks[0]
        variables = (*block.anchors, *block.neighbours)
        by = {v.name.split("'")[0]: v.set.name for v in variables}
        return by[self.ends[0]], by[self.ends[1]]


def kin(method: Method) -> tuple[Kin, ...]:
    """The relatives of a loss in the catalog: equals first, then what it is a case of, contains."""
    mine, form = texts(method), likeness(method)
    if mine is None or form is None:
        return ()
    alike, others = list[Kin](), list[tuple[Pair, Likeness]]()
    for other in candidates(mine):
        found = likeness(other.method)
        assert found is not None
        aside = other.method.claim.relation in ASIDE
        if found == form:
            alike.append(Kin("aside" if aside else "equals", other.method, {}))
        elif (found.p, found.q, *beside(found)) == (form.p, form.q, *beside(form)):
            if not aside:
                alike.append(Kin("pair", other.method, {}))
        elif found.setting[:3] == form.setting[:3]:
            others.append((other, found))
    tries = [
        (distance(mine, other), len(put), kind, general, special, put)
        for other, _ in others
        for kind, general, special in (("case-of", other, mine), ("contains", mine, other))
        if kind == "contains" or other.method.claim.relation in ITS_OWN
        if (put := substitution(general, special)) is not None
    ]
    tries.sort(key=lambda t: (*t[:3], t[3].method.id, t[4].method.id))
    shown = [k for t in tries[:MOST] if (k := proved(*t[2:])) is not None]
    # each a case of the other: they differ in names, or in what is trained
    both = Counter(k.method.id for k in shown)
    alike += [replace(k, kind="equals") for k in shown if both[k.method.id] > 1][::2]
    return (*alike, *(k for k in shown if both[k.method.id] == 1))


def beside(form: Likeness) -> tuple[object, ...]:
    """The setting of a pair without the divergence and its order."""
    return form.setting[0], *form.setting[3:]


def distance(one: Pair, other: Pair) -> int:
    """How far two pairs are: another q, such as the cosine for the product, is nearer than a p."""
    return 2 * (one.p["kernel"] != other.p["kernel"]) + (one.q["kernel"] != other.q["kernel"])


def candidates(mine: Pair) -> Iterator[Pair]:
    """The entries of the catalog whose kernels are those of `mine` or relatives of them."""
    for item in registry.everything().values():
        doc = read_toml(read_text(item.path), str(item.path))
        kernels = [doc.get(part, {}).get("kernel", "") for part in ("p", "q")]
        near = all(
            a == b or (a, b) in STEPS[part] or (b, a) in STEPS[part]
            for part, a, b in zip("pq", kernels, (mine.p["kernel"], mine.q["kernel"]), strict=True)
        )
        icon = doc.get("icon", {})
        if not near or icon.get("normalise", "row") != mine.method.icon.normalise:
            continue
        try:
            other = registry.load(item.id)
        except InputError:  # a plug-in's file that is wrong is reported where plug-ins are
            continue
        found = texts(other)
        if found is not None and other.id != mine.method.id and (
            other.claim.relation in (*ITS_OWN, *ASIDE)
        ):
            yield found


def texts(method: Method) -> Pair | None:
    """The texts of a method's pair, None where it has none over two indices."""
    if not method.icon.blocks or not method.text:
        return None
    doc = read_toml(method.text, method.path)
    block = method.icon.blocks[0]
    variables = (*block.anchors, *block.neighbours)
    if len(variables) < 2:
        return None
    if method.icon.normalise == "pair":
        variables = block.anchors[-2:]
    first, second = (v.name.split("'")[0] for v in (variables[-2], variables[-1]))
    tables = []
    for part, kernels in (("p", P_KERNELS), ("q", Q_KERNELS)):
        table = {k: str(v) for k, v in doc[part].items()}
        spec = kernels.get(table.get("kernel", "formula"))
        if spec is None:
            return None
        for param in spec.params:
            default = "0" if param.default is None else param.default
            table.setdefault(param.name, table.get(default, default))
        tables.append({"kernel": spec.name, **table})
    return Pair(method, tables[0], tables[1], (first, second))


# --------------------------------------------------------------------------- substitutions


def over_one_hot(p: Mapping[str, str], a: str, b: str) -> str:
    """The condition that a one-hot p is the indicator of."""
    return f"{b} = {p['target']}"


def over_labels(p: Mapping[str, str], a: str, b: str) -> str:
    """The condition that two points share a label."""
    return f"{p['labels']}[{b}] = {p['labels']}[{a}]"


def gaussian_weight(p: Mapping[str, str], a: str, b: str) -> str:
    """The weight of a Gaussian p."""
    return f"exp(-|{p['points']}[{a}] - {p['points']}[{b}]|^2/(2*({p['bandwidth']})^2))"


def unit(table: str, a: str) -> str:
    """A vector divided by its length."""
    return f"{table}[{a}]/|{table}[{a}]|"


def dot_logit(q: Mapping[str, str], a: str, b: str) -> str:
    """The logit of an inner product."""
    return f"({q['embedding']}[{a}].{q['keys']}[{b}])/({q['temperature']}) + {q['bias']}"


def cosine_logit(q: Mapping[str, str], a: str, b: str) -> str:
    """The logit of a cosine."""
    return f"cos({q['embedding']}[{a}], {q['keys']}[{b}])/({q['temperature']}) + {q['bias']}"


STEPS: Mapping[str, Mapping[tuple[str, str], Any]] = {
    "p": {
        ("smoothed", "one-hot"): lambda p, a, b: {"epsilon": "0", "target": p["target"]},
        ("uniform", "one-hot"): lambda p, a, b: {"over": over_one_hot(p, a, b)},
        ("uniform", "same-label"): lambda p, a, b: {"over": over_labels(p, a, b)},
        ("weights", "one-hot"): lambda p, a, b: {"weights": f"[{over_one_hot(p, a, b)}]"},
        ("weights", "same-label"): lambda p, a, b: {"weights": f"[{over_labels(p, a, b)}]"},
        ("weights", "uniform"): lambda p, a, b: {"weights": f"[{p['over']}]"},
        ("weights", "gaussian"): lambda p, a, b: {"weights": gaussian_weight(p, a, b)},
        ("weights", "softmax"): lambda p, a, b: {
            "weights": f"exp(({p['logits']})/({p['temperature']}))"
        },
        ("symmetrised-weights", "symmetrised-gaussian"): lambda p, a, b: {
            "weights": gaussian_weight(p, a, b)
        },
        ("symmetrised-weights", "symmetrised-uniform"): lambda p, a, b: {
            "weights": f"[{p['over']}]"
        },
    },
    "q": {
        ("dot", "cosine"): lambda q, a, b: {
            "embedding": unit(q["embedding"], a), "keys": unit(q["keys"], b),
            "temperature": q["temperature"], "bias": q["bias"],
        },
        ("logit", "dot"): lambda q, a, b: {
            "logit": dot_logit(q, a, b), "temperature": "1", "bias": "0",
        },
        ("logit", "cosine"): lambda q, a, b: {
            "logit": cosine_logit(q, a, b), "temperature": "1", "bias": "0",
        },
    },
}  # fmt: skip
"""(general, special): the parameters of the general kernel that make it the special one."""


def substitution(general: Pair, special: Pair) -> dict[str, str] | None:
    """What to put for the symbols of `general` to get `special`; None where kernels do not fit."""
    put: dict[str, str] = {}
    for part, kernels in (("p", P_KERNELS), ("q", Q_KERNELS)):
        here, there = getattr(general, part), getattr(special, part)
        if here["kernel"] != there["kernel"]:
            step = STEPS[part].get((here["kernel"], there["kernel"]))
            if step is None:
                return None
            there = step(there, *special.ends)
        spec = kernels[here["kernel"]]
        for param in spec.params:
            if param.name == "keys" and here["keys"] == here["embedding"]:
                continue  # one table, which the embedding stands for
            wanted = there.get(param.name)
            match = SYMBOL.match(here[param.name])
            if wanted is None or match is None or match[1] not in general.method.declarations:
                continue  # the equation decides whether what is left is the same
            form = general.method.declarations[match[1]].form
            count = len(getattr(form, "args", ()))
            letters = translated(match[2] or ", ".join(general.ends[:1] * count), general, special)
            if param.kind not in FLAT and SYMBOL.match(wanted) and "[" not in wanted:
                head, text = match[1], wanted.strip()
            elif count:
                # a table of the neighbour is a function of its own letter
                end = special.ends[1] if param.name == "keys" else None
                head, text = f"{match[1]}[{end or letters}]", wanted
            else:
                head, text = match[1], wanted
            if put.setdefault(head, text) != text and param.name != "keys":
                return None
    return put


def translated(letters: str, general: Pair, special: Pair) -> str:
    """Letters of the one pair in those of the other."""
    by = dict(zip(general.ends, special.ends, strict=True))
    return ", ".join(by.get(x.strip(), x.strip()) for x in letters.split(","))


# --------------------------------------------------------------------------- proofs


def proved(kind: str, general: Pair, special: Pair, put: Mapping[str, str]) -> Kin | None:
    """The relative, where the equation of the two divergences is proved for every N."""
    sets = dict(zip(general.sets, special.sets, strict=True))
    if len(set(general.sets)) == 1 and len(set(special.sets)) == 2:
        return None  # one set cannot be two
    used = {name: to for name, to in sets.items() if name in general.method.sets}
    edge = edge_of(general.method, special.method, put, used)
    ends = {"from": defined(general.method), "to": defined(special.method)}
    try:
        found = relations.judge(edge, ends.__getitem__)
    except InputError:  # the substitution does not fit
        return None
    if found.outcome != "proved":
        return None
    told = {k: v for k, v in put.items() if k != v}
    other = general.method if kind == "case-of" else special.method
    return Kin("aside" if other.claim.relation in ASIDE else kind, other, told, found.hash)


def edge_of(
    general: Method, special: Method, put: Mapping[str, str], sets: Mapping[str, str]
) -> Claimed:
    """The edge that says so."""

    def text(value: str) -> Text:
        return Text(value, Place.of(value, f"{general.id} for {special.id}"))

    return Claimed(
        name="kin", source="from", target="to", kind="special-case", why="", path="",
        scale=text("1"), constant=text("0"), at=text(""),
        put={head: (text(head), text(value)) for head, value in put.items()},
        sets={name: text(value) for name, value in sets.items()},
    )  # fmt: skip


def defined(method: Method) -> Method:
    """The method with its divergence in place of its published formula.

    KL has its logarithms taken apart, which is the form that proofs are found in.
    """
    kl = method.icon.divergence == "kl"
    form = separated(method.icon) if kl else divergence(method.icon)
    return replace(method, published=form, claim=replace(method.claim, relation="exact"))
