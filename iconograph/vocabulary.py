"""What a kernel of the vocabulary reads when nobody says: names, declarations and hypotheses.

So the shortest command already has a meaning: `--p same-label --q student-t` declares the labels y
and the embedding z, and assumes what the two kernels ask for. A parameter that is given takes the
place of its default, with all that comes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalog.kernels import P_KERNELS, Q_KERNELS


@dataclass(frozen=True)
class Layout:
    """Who is compared with whom, and how p and q are normalised.

    `sets` and `icon` are tables of docs/format.md. `neighbour` is the letter of the neighbour,
    `keys` says that it has a table of vectors of its own. `allowed` is its binder in a hypothesis
    about one anchor (row) or, in a joint distribution, about all pairs; "" where every neighbour is
    allowed and there is nothing to assume.
    """

    name: str
    sets: Mapping[str, object]
    icon: Mapping[str, str]
    neighbour: str = "j"
    keys: bool = False
    allowed: str = ""


POINTS = {"n": "i j k l"}
LAYOUTS = {layout.name: layout for layout in (
    Layout("row", POINTS, {"neighbours": "j != i"}, allowed="j != i"),
    Layout("joint", POINTS, {"normalise": "joint"}, allowed="i, j : i != j"),
    Layout("row-and-column", POINTS, {"normalise": "row-and-column"}, keys=True,
           allowed="j"),
    Layout("pair", {**POINTS, "outcomes": {"letters": "o", "elements": ["match", "null"]}},
           {"normalise": "pair"}),
    Layout("classes", {"n": "i", "classes": "c"}, {"neighbours": "c"}, "c", keys=True,
           allowed="c"),
)}  # fmt: skip
"""The four normalisations, and rows over classes in place of other points."""


@dataclass(frozen=True)
class Default:
    """What stands for a parameter, the symbols it needs, and hypotheses by how they are said."""

    text: str
    learned: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    assumes: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)


def p_defaults(kernel: str, layout: Layout, full: bool = True) -> dict[str, Default]:
    """The defaults of a supervisory kernel's parameters; those without one are missing.

    With `full` arrays of probabilities and weights have no zeros, as some divergences ask for.
    """
    above = "positive" if full else "nonnegative"
    base = P_KERNELS[kernel].base or kernel
    j, several = layout.neighbour, several_points(layout)
    points = {"points": Default("x", given={"x": "vector(m)[i]"}, assumes=several)}
    target = {"target": target_of(layout)}
    return {
        "one-hot": target,
        "smoothed": {
            **target, "epsilon": Default("epsilon", given={"epsilon": "probability"}),
        },
        "same-label": {"labels": Default(
            "y", given={"y": "label[i]"},
            assumes=some("[y[j] = y[i]]", layout, "every anchor has a positive",
                         "some points share a label") if layout.allowed != "j" else {},
        )},
        "uniform": {"over": Default(
            f"knn[i,{j}]", given={"knn": f"mask[i,{j}]"},
            # the rows of a symmetrised kernel are those of its base
            assumes=some(f"[knn[i,{j}]]", LAYOUTS["row"] if base != kernel else layout,
                         "every anchor has a neighbour in the graph", "there is an edge"),
        )},
        "weights": {"weights": Default(
            f"W[i,{j}]", given={"W": f"{above}[i,{j}]"},
            assumes=several if full else some(
                f"W[i,{j}]", LAYOUTS["row"] if base != kernel else layout,
                "every anchor has a weight", "some weight is positive"),
        )},
        "gaussian": {**points, "bandwidth": Default("sigma", given={"sigma": "positive[i]"})},
        "softmax": {"logits": Default(
            f"a[i,{j}]", given={"a": f"real[i,{j}]"}, assumes=several,
        )},
        "given": {"distribution": Default(
            f"P[i,{j}]", given={"P": f"{above}[i,{j}]"},
            assumes={"p sums to one over the allowed neighbours":
                     f"sum[{layout.allowed}] P[i,{j}] = 1"},
        )},
        "match": {"when": Default("y[i] = y[j]", given={"y": "label[i]"})},
    }.get(base, {})  # fmt: skip


def q_defaults(kernel: str, layout: Layout) -> dict[str, Default]:
    """The defaults of a learned kernel's parameters; those without one are missing."""
    j, several = layout.neighbour, several_points(layout)
    tables = {"embedding": Default("z", learned={"z": "vector[i]"}, assumes=several)}
    # a point is at distance 0 from itself, where an inverse power has no value
    if layout.keys or kernel == "inverse-power":
        tables["keys"] = Default("w", learned={"w": f"vector[{j}]"})
    scaled = {**tables, "temperature": Default("tau", given={"tau": "positive"})}
    nonzero = {"no embedding is zero": "|z[i]|^2 > 0"}
    if layout.keys:
        nonzero["no key is zero"] = f"|w[{j}]|^2 > 0"
    apart = {"no anchor coincides with a key": f"|z[i] - w[{j}]|^2 > 0"}
    return {
        "dot": scaled,
        "cosine": {**scaled, "embedding": Default("z", {"z": "vector[i]"}, {}, several | nonzero)},
        "gaussian": tables,
        "student-t": tables,
        "inverse-power": {
            **tables,
            "power": Default("power", given={"power": "positive"}, assumes=apart),
        },
        "logit": {"logit": Default(f"s[i,{j}]", {"s": f"real[i,{j}]"}, {}, several)},
        "cluster": {"assignments": Default(
            "exp(f[i,c])/(sum[b] exp(f[i,b]))", {"f": "real[i,c]"}, {}, several,
            sets={"clusters": "c b"},
        )},
        "sigmoid": {"logit": Default(
            "z[i].z[j]/tau + b", {"z": "vector[i]", "b": "real"}, {"tau": "positive"},
        )},
    }.get(kernel, {})  # fmt: skip


def several_points(layout: Layout) -> dict[str, str]:
    """The hypothesis that an anchor has a neighbour besides itself, where that is no neighbour."""
    return {"there are several points": "n > 1"} if "!=" in layout.allowed else {}


def target_of(layout: Layout) -> Default:
    """The neighbour that takes the mass: a class, the same row of the other table, a partner."""
    if layout.name == "classes":
        return Default("y[i]", given={"y": "label[i]"})
    if layout.name == "row-and-column":
        return Default("i")
    partner = {"the target is another point": "pos[i] != i"}
    return Default("pos[i]", given={"pos": "index[i] in n"}, assumes=partner)


def some(what: str, layout: Layout, row: str, joint: str) -> dict[str, str]:
    """The hypothesis that a condition holds somewhere: in every row, or at some pair."""
    words = joint if layout.name == "joint" else row
    return {words: f"sum[{layout.allowed}] {what} > 0"}


def misfits(p: str, q: str, layout: Layout) -> Iterator[tuple[str, str]]:
    """Why two kernels do not go with a layout, each with what to do instead."""
    if layout.name == "pair":
        hint = "match goes with sigmoid; a formula of the outcome goes with both"
        if p not in ("match", "formula"):
            yield f"{p!r} is a distribution over neighbours, and not over the outcomes of a pair", (
                f"{hint}, or leave --normalise out"
            )
        if q not in ("sigmoid", "formula"):
            yield f"{q!r} compares neighbours, and not the two outcomes of a pair", hint
        return
    for kernel in (p, q):
        if kernel in ("match", "sigmoid"):
            yield f"{kernel!r} is about the two outcomes of a pair", "use --normalise pair"
    if P_KERNELS[p].base and layout.name != "joint":
        yield f"{p!r} is one distribution over all pairs of points", "use --normalise joint"
    if layout.name == "classes":
        for kernel, params, kinds in (
            (p, P_KERNELS[p].params, {"points", "labels"}), (q, Q_KERNELS[q].params, {"table"}),
        ):  # fmt: skip
            if kinds & {x.kind for x in params}:
                yield f"{kernel!r} compares two points", "leave --neighbours classes out"
