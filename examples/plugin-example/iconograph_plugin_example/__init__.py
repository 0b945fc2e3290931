"""A plug-in of iconograph: a kernel with a tail of the fourth power, and a map that uses it."""

from pathlib import Path

from iconograph.plugin import Param, Plugin, QKernel

HERE = Path(__file__).parent

QUARTIC = QKernel(
    name="quartic",
    title="Fourth power",
    kind="sqdist",
    score="|embedding(i) - keys(j)|^2",
    kernel="1/(1 + score^2)",
    log_kernel="-log(1 + score^2)",
    latex=r"1 / (1 + d_{ij}^2)",
    doc="Flatter near zero than the Cauchy kernel, and with a lighter tail.",
    params=(
        Param("embedding", "points", None, "the learned vector of the anchor"),
        Param("keys", "points", "embedding", "the vector of the neighbour"),
    ),
)

plugin = Plugin(
    methods=HERE / "methods",
    references=HERE / "references.bib",
    kernels=(QUARTIC,),
)
