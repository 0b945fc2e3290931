"""The closed vocabulary of supervisory kernels p and learned kernels q, in the formula language.

In a template `i` and `j` are the two ends of a pair (anchor and neighbour), `t` is what the
distribution ranges over (the neighbour, or an outcome), and a parameter's name stands for what the
file gave. Parameters of kind "points", "labels" and "table" are functions of an index: points(i).

A p is read on the allowed neighbours only (sums over j carry the condition); there it sums to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from catalog.spec import ScoreKind

ParamKind = Literal["expr", "points", "index", "labels", "cond", "table"]


@dataclass(frozen=True)
class Param:
    """A parameter of a kernel, and the formula it defaults to (None where it is required).

    kind: "expr" a number that may depend on i and j; "points" a vector for every index; "index" an
    index that may depend on the anchor; "labels" a label for every index; "cond" a condition on
    the pair; "table" an array phi[i,c].
    """

    name: str
    kind: ParamKind
    default: str | None = None
    doc: str = ""


@dataclass(frozen=True)
class PKernel:
    """A supervisory kernel.

    `form` says how `template` becomes p: "weight" is divided by its sum over the allowed
    neighbours, "set" is a condition whose neighbours share the mass equally, "direct" is p itself
    (there `allowed` is the number of allowed neighbours and `anchors` how many rows share the mass:
    one, but n in a joint distribution).
    A symmetrised kernel names the row kernel in `base`: P_ij = (p(j|i) + p(i|j)) / (2n).
    """

    name: str
    title: str
    form: Literal["weight", "set", "direct"]
    template: str
    latex: str
    doc: str
    params: tuple[Param, ...] = ()
    hypotheses: tuple[str, ...] = ()
    base: str = ""


@dataclass(frozen=True)
class QKernel:
    """A learned kernel k(score), before normalisation.

    `score` is the scalar of a pair; `kernel` and `log_kernel` are templates in `score`, equal up to
    the logarithm. `latex` shows the kernel with s for a score and d for a squared distance.
    """

    name: str
    title: str
    kind: ScoreKind
    score: str
    kernel: str
    log_kernel: str
    latex: str
    doc: str
    params: tuple[Param, ...] = ()
    hypotheses: tuple[str, ...] = ()


EMBEDDING = (
    Param("embedding", "points", None, "the learned vector of the anchor"),
    Param("keys", "points", "embedding", "the vector of the neighbour, where it is another table"),
)
TEMPERATURE = Param("temperature", "expr", "1", "divides the score")
BIAS = Param("bias", "expr", "0", "added to the scaled score: the log of a base measure")
TARGET = Param("target", "index", None, "the neighbour that takes the mass")

P_KERNELS: dict[str, PKernel] = {}
Q_KERNELS: dict[str, QKernel] = {}


def register(kernel: PKernel | QKernel) -> None:
    """Add a kernel to the vocabulary. Raises ValueError when the name is taken."""
    table: dict[str, PKernel] | dict[str, QKernel]
    table = P_KERNELS if isinstance(kernel, PKernel) else Q_KERNELS
    if kernel.name in table:
        raise ValueError(f"a kernel named {kernel.name!r} exists already")
    table[kernel.name] = kernel  # type: ignore[assignment]


# --------------------------------------------------------------------------- supervisory kernels

ONE_HOT = PKernel(
    "one-hot", "One neighbour", "direct", "[t = target]/anchors",
    r"p_{j|i} = [\,j = t_i\,]",
    "All the mass on one neighbour: the other view of an image, the true class, the anchor itself. "
    "Its entropy is zero, so the I-Con loss is the cross-entropy.",
    (TARGET,), ("the target is an allowed neighbour",),
)  # fmt: skip
SAME_LABEL = PKernel(
    "same-label", "The same label", "set", "labels(j) = labels(i)",
    r"p_{j|i} = [\,y_j = y_i\,] \,/\, |\{l : y_l = y_i\}|",
    "Uniform over the allowed neighbours that carry the anchor's label.",
    (Param("labels", "labels", None, "the label of every index"),),
    ("every anchor has an allowed neighbour of its label",),
)  # fmt: skip
UNIFORM = PKernel(
    "uniform", "Uniform over a set", "set", "over",
    r"p_{j|i} = [\,j \in N_i\,] \,/\, |N_i|",
    "Uniform over the allowed neighbours that satisfy a condition: the k nearest neighbours, the "
    "positives, the edges of a graph.",
    (Param("over", "cond", None, "the condition on the neighbour"),),
    ("every anchor has an allowed neighbour that satisfies the condition",),
)  # fmt: skip
WEIGHTS = PKernel(
    "weights", "Given weights", "weight", "weights",
    r"p_{j|i} = W_{ij} \,/\, \textstyle\sum_l W_{il}",
    "Proportional to given non-negative weights, such as the edges of a weighted graph.",
    (Param("weights", "expr", None, "a non-negative weight of the pair"),),
    ("every anchor has positive total weight",),
)  # fmt: skip
GAUSSIAN = PKernel(
    "gaussian", "Gaussian neighbours", "weight", "exp(-|points(i) - points(j)|^2/(2*bandwidth^2))",
    r"p_{j|i} \propto \exp(-\|x_i - x_j\|^2 / 2\sigma_i^2)",
    "A Gaussian around the anchor in a fixed space; a perplexity sets one bandwidth per anchor.",
    (Param("points", "points", None, "the fixed points"),
     Param("bandwidth", "expr", None, "sigma, one or one per anchor")),
    ("the bandwidth is positive",),
)  # fmt: skip
SOFTMAX = PKernel(
    "softmax", "Softmax of fixed logits", "weight", "exp(logits/temperature)",
    r"p_{j|i} \propto \exp(a_{ij} / \tau)",
    "A softmax of fixed scores: a teacher's logits, similarities of captions or of metadata.",
    (Param("logits", "expr", None, "the fixed score of the pair"), TEMPERATURE),
    ("the temperature is positive",),
)  # fmt: skip
SMOOTHED = PKernel(
    "smoothed", "Label smoothing", "direct", "(1 - epsilon)*[t = target]/anchors + epsilon/allowed",
    r"p_{j|i} = (1-\epsilon)[\,j = t_i\,] + \epsilon / |A_i|",
    "One neighbour, mixed with the uniform distribution over the allowed ones.",
    (TARGET, Param("epsilon", "expr", None, "the mass that is spread")),
    ("the target is an allowed neighbour", "epsilon lies between 0 and 1"),
)  # fmt: skip
GIVEN = PKernel(
    "given", "A given distribution", "direct", "distribution",
    r"p_{j|i}\ \text{given}",
    "As the data gives it: soft labels, a transport plan, the output of a frozen teacher.",
    (Param("distribution", "expr", None, "the normalised p(j|i)"),),
    ("rows sum to one over the allowed neighbours",),
)  # fmt: skip
MATCH = PKernel(
    "match", "Does the pair match", "direct", "[t = match]*[when] + [t = null]*[not when]",
    r"p_{\mathrm{match}|ij} = [\,ij\ \text{match}\,]",
    "For every pair a yes or a no: the supervision of pairwise binary losses.",
    (Param("when", "cond", None, "the pairs that match"),),
)  # fmt: skip
P_FORMULA = PKernel(
    "formula", "A formula", "direct", "formula", r"p_{j|i}\ \text{by formula}",
    "The normalised p(j|i) as the file writes it.",
    (Param("formula", "expr", None, "the normalised p(j|i)"),),
    ("p is non-negative and sums to one over the allowed neighbours",),
)  # fmt: skip


def symmetrised(row: PKernel, latex: str) -> PKernel:
    """The joint distribution (p(j|i) + p(i|j)) / (2n) of a row kernel."""
    return PKernel(
        f"symmetrised-{row.name}", f"{row.title}, symmetrised", row.form, row.template, latex,
        f"One distribution over all pairs: the average of p(j|i) and p(i|j), over n. {row.doc}",
        row.params, row.hypotheses, row.name,
    )  # fmt: skip


SYMMETRISED = r"P_{ij} = (p_{j|i} + p_{i|j})/2n,\quad "

# --------------------------------------------------------------------------- learned kernels

SQUARED_DISTANCE = "|embedding(i) - keys(j)|^2"

DOT = QKernel(
    "dot", "Inner product", "dot", "embedding(i).keys(j)",
    "exp(score/temperature + bias)", "score/temperature + bias", r"\exp(z_i \cdot z_j / \tau)",
    "The softmax of inner products. For unit vectors it is the Gaussian with sigma^2 = tau.",
    (*EMBEDDING, TEMPERATURE, BIAS), ("the temperature is positive",),
)  # fmt: skip
COSINE = QKernel(
    "cosine", "Cosine similarity", "cosine", "cos(embedding(i), keys(j))",
    "exp(score/temperature + bias)", "score/temperature + bias", r"\exp(\cos(z_i, z_j) / \tau)",
    "The softmax of cosines: the inner product of the normalised embeddings.",
    (*EMBEDDING, TEMPERATURE, BIAS), ("the temperature is positive", "no embedding is zero"),
)  # fmt: skip
Q_GAUSSIAN = QKernel(
    "gaussian", "Gaussian", "sqdist", SQUARED_DISTANCE,
    "exp(-score/(2*bandwidth^2))", "-score/(2*bandwidth^2)", r"\exp(-d_{ij} / 2\sigma^2)",
    "A Gaussian of the distance; without a bandwidth exp(-d), the convention of SNE.",
    (*EMBEDDING, Param("bandwidth", "expr", "sqrt(1/2)", "sigma")), ("the bandwidth is positive",),
)  # fmt: skip
STUDENT_T = QKernel(
    "student-t", "Student t", "sqdist", SQUARED_DISTANCE,
    "(1 + score/(dof*scale^2))^(-(dof + 1)/2)", "-(dof + 1)/2*log(1 + score/(dof*scale^2))",
    r"(1 + d_{ij}/\nu\sigma^2)^{-(\nu+1)/2}",
    "A heavy tail, so that distant neighbours can stay distant; one degree of freedom is the "
    "Cauchy kernel 1/(1 + d) of t-SNE.",
    (*EMBEDDING, Param("dof", "expr", "1", "degrees of freedom"),
     Param("scale", "expr", "1", "sigma")),
    ("the degrees of freedom are positive", "the scale is not zero"),
)  # fmt: skip
INVERSE_POWER = QKernel(
    "inverse-power", "Inverse power", "sqdist", SQUARED_DISTANCE,
    "score^(-power/2)", "-power/2*log(score)", r"d_{ij}^{-m/2}",
    "A scale-free kernel, the limit of the Student t kernel at small scale.",
    (*EMBEDDING, Param("power", "expr", None, "the power of the distance")),
    ("allowed neighbours never coincide",),
)  # fmt: skip
LOGIT = QKernel(
    "logit", "Logits", "logit", "logit",
    "exp(score/temperature + bias)", "score/temperature + bias", r"\exp(s_{ij} / \tau)",
    "The softmax of any learned scalar: class logits, log-likelihood ratios, rewards.",
    (Param("logit", "expr", None, "the learned scalar of the pair"), TEMPERATURE, BIAS),
    ("the temperature is positive",),
)  # fmt: skip
CLUSTER = QKernel(
    "cluster", "Cluster, then uniform", "cluster",
    "sum[c] assignments(i,c)*assignments(j,c)/(sum[l] assignments(l,c))", "score", "log(score)",
    r"\textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_l \phi_{lc}",
    "Draw a cluster of the anchor, then a member of it: a kernel of the rank of the clusters.",
    (Param("assignments", "table", None, "phi[i,c], the probability of cluster c for i"),),
    ("no cluster is empty", "assignments are non-negative"),
)  # fmt: skip
SIGMOID = QKernel(
    "sigmoid", "Sigmoid of a pair", "logit", "[t = match]*logit", "exp(score)", "score",
    r"q_{\mathrm{match}|ij} = 1/(1 + e^{-s_{ij}})",
    "For every pair the two outcomes match and null, with kernels exp(logit) and 1.",
    (Param("logit", "expr", None, "the learned scalar of the pair"),),
)  # fmt: skip
Q_FORMULA = QKernel(
    "formula", "A formula", "custom", "log(formula)", "formula", "score", r"k(i, j)",
    "The un-normalised kernel as the file writes it; it must be positive.",
    (Param("formula", "expr", None, "the kernel k(i,j)"),), ("the kernel is positive",),
)  # fmt: skip

for _kernel in (
    ONE_HOT, SAME_LABEL, UNIFORM, WEIGHTS, GAUSSIAN, SOFTMAX, SMOOTHED, GIVEN, MATCH, P_FORMULA,
    symmetrised(GAUSSIAN, SYMMETRISED + GAUSSIAN.latex),
    symmetrised(UNIFORM, SYMMETRISED + UNIFORM.latex),
    symmetrised(WEIGHTS, SYMMETRISED + WEIGHTS.latex),
    DOT, COSINE, Q_GAUSSIAN, STUDENT_T, INVERSE_POWER, LOGIT, CLUSTER, SIGMOID, Q_FORMULA,
):  # fmt: skip
    register(_kernel)
