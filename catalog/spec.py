"""What a method is: the frozen dataclasses that `catalog.load` makes and the rooms above read.

A method states a learned pair (p, q), the formula its paper printed, and the relation claimed
between the two. Nothing here knows how a claim is proved or how code is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from fractions import Fraction
from typing import Literal

from catalog.symbols import Cond, Expr, Fact, Index, IndexSet, IVar, Mask, Num, Sym

Relation = Literal[
    "exact", "reverse", "limit", "bound", "expansion", "coarse", "generalised", "definition",
    "does-not-reduce", "false-as-stated", "theorem",
]  # fmt: skip
Normalise = Literal["row", "joint", "pair", "row-and-column"]
ScoreKind = Literal["dot", "cosine", "sqdist", "logit", "cluster", "custom"]


@dataclass(frozen=True)
class Declaration:
    """One line of [learned] or [given]: `z = "vector[i]"`.

    `form` is a Sym (indexed by its declared letters) for scalars and vectors, an IApp for an
    index-valued function (label[i], index[i]) and a Mask for a 0/1 array. `text` is the type as
    written.
    """

    name: str
    text: str
    form: Sym | Index | Mask
    learned: bool


@dataclass(frozen=True)
class Block:
    """One group of anchors of an I-Con loss: sum over anchors of weight * KL(p || q).

    q = kernel / (sum over the allowed neighbours of kernel). `p` is already normalised over the
    allowed neighbours, and is read there only. A joint normalisation is a block with no anchor
    variables; CLIP has two blocks, rows and columns. `weight` may mention the anchor variables;
    over all blocks weights sum to 1.
    """

    anchors: tuple[IVar, ...]
    anchor_cond: Cond
    neighbours: tuple[IVar, ...]
    neighbour_cond: Cond
    weight: Expr
    p: Expr
    kernel: Expr


@dataclass(frozen=True)
class PSpec:
    """The supervisory kernel as the file names it: `name` in kernels.P_KERNELS, and its parameters.

    A parameter is what its text parsed to: an Expr, an Index (the target of one-hot) or a Cond.
    """

    name: str
    params: Mapping[str, Expr | Index | Cond]


@dataclass(frozen=True)
class QSpec:
    """The learned kernel for code generation: q_ij proportional to exp(log_kernel(score_ij)).

    `score` is the scalar of the pair (a Dot, Cos, SqNorm, logit symbol ...) over the variables of
    the first block; `log_kernel` is an Expr in the placeholder SCORE and the parameters. For kind
    "custom" the log-kernel is SCORE itself and the score the logarithm of the given formula.
    """

    name: str
    kind: ScoreKind
    params: Mapping[str, Expr | Index | Cond]
    score: Expr
    log_kernel: Expr


SCORE = Sym("score", (), "real", None, True)


HALF = Num(Fraction(1, 2))


@dataclass(frozen=True)
class Icon:
    """The pair: its blocks (what is proved) and the kernels they came from (what is generated).

    `divergence` names how p and q are compared (catalog.divergences), `degree` its order where it
    has one. A theorem without a pair has no blocks.
    """

    normalise: Normalise
    blocks: tuple[Block, ...]
    p: PSpec
    q: QSpec
    divergence: str = "kl"
    degree: Expr = HALF


@dataclass(frozen=True)
class Claim:
    """published = scale * I-Con + constant (exact), or another relation of docs/trust.md.

    A bound says -below <= published - (scale * I-Con + constant) <= above, either side possibly
    None. A limit or expansion says so with bounds of order `order` in `parameter`, a single given
    number that goes `to` 0 or to infinity, at each of its values. For a negative
    (does-not-reduce, false-as-stated) no scale and constant at all may work, and `correction`
    says in a sentence what is true instead.
    """

    relation: Relation
    scale: Expr
    constant: Expr
    scale_text: str = "1"
    constant_text: str = "0"
    correction: str = ""
    below: Expr | None = None
    above: Expr | None = None
    below_text: str = ""
    above_text: str = ""
    parameter: str = ""
    to: str = ""
    order: int = 0


@dataclass(frozen=True)
class Erratum:
    """A statement of the literature that is false or loose as printed: what, where, what holds.

    `holds` are the ids of the entries that prove what is true instead.
    """

    claimed: str
    where: str
    holds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where the formula is printed; `verified` is False while nobody checked the number."""

    where: str
    verified: bool = False
    note: str = ""


@dataclass(frozen=True)
class Method:
    """One file of the catalog, checked; `path` and `text` serve messages and provenance.

    A theorem has `statements` in place of a published formula. `steps` are the lines of its [proof]
    in order: each follows from the hypotheses and the lines before it, the claim from all of them.
    """

    id: str
    name: str
    field: str
    year: int
    cite: str
    aliases: tuple[str, ...]
    summary: str
    sets: Mapping[str, IndexSet]
    declarations: Mapping[str, Declaration]
    assumes: tuple[Fact, ...]
    icon: Icon
    published: Expr
    published_text: str
    source: Source
    claim: Claim
    conventions: Mapping[str, str] = default(default_factory=dict)
    statements: tuple[Fact, ...] = ()
    steps: tuple[Fact, ...] = ()
    erratum: Erratum | None = None
    path: str = ""
    text: str = ""
