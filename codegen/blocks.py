"""The blocks of a method as dense lines, one axis per index: for what is no reduction over pairs.

The lines leave `losses`, `valid` and, where anchors differ, `weight`, as `codegen.dense` does.
"""

from __future__ import annotations

from catalog.spec import Block
from catalog.symbols import And, Call, Expr, IVar, Iverson, Macro, Sym, walk
from codegen.adjoint import Adjoint
from codegen.dialects import TORCH, Dialect
from codegen.divergence import order_line, passed
from codegen.ir import Program
from codegen.missing import defined, known
from codegen.printers import TensorPrinter
from codegen.signature import anchor
from codegen.text import ATOM, Text
from codegen.trees import holds_always


def logarithm(kernel: Expr) -> Expr:
    """The formula of log k, without an exponential that is undone at once."""
    inner = kernel.body if isinstance(kernel, Macro) else kernel
    if isinstance(inner, Call) and inner.fn == "exp":
        return inner.args[0]
    return Call("log", (kernel,))


def printer(program: Program, block: Block, dialect: Dialect) -> TensorPrinter:
    """A printer with one axis for each anchor and neighbour index."""
    cast = f".to({anchor(program)}.dtype)" if dialect is TORCH else ".astype(float)"
    layout = (*block.anchors, *block.neighbours)
    return TensorPrinter(dialect, layout, program.names, program.sizes, cast=cast)


def lines(program: Program, block: Block, dialect: Dialect) -> list[str]:
    """The dense lines of one block."""
    p, layout = printer(program, block, dialect), (*block.anchors, *block.neighbours)
    torch = dialect is TORCH
    library = "torch" if torch else "np"
    count = len(block.neighbours)
    dims = str(tuple(range(-count, 0))) if count > 1 else "-1"
    out = [f"log_kernel = {full(program, p, p.expr(logarithm(block.kernel)), layout)}"]
    cond = And((block.anchor_cond, block.neighbour_cond))
    masked = not holds_always(cond)
    if masked:
        out.append(f"allowed = {full(program, p, p.expr(Iverson(cond)), layout)} > 0")
        lowest = "torch.finfo(log_kernel.dtype).min" if torch else "-1e300"
        out.append(f"log_kernel = {library}.where(allowed, log_kernel, {lowest})")
    out.append(f"p_ij = {full(program, p, p.expr(block.p), layout)}{'.detach()' if torch else ''}")
    if masked:
        out.append(f"p_ij = {library}.where(allowed, p_ij, 0.0)")
    stated = program.method.icon.p.name == "formula"
    if stated:
        # where the formula divides by zero the anchor has no p
        keep = "keepdim" if torch else "keepdims"
        sums = defined(program, f"p_ij.sum({dims}, {keep}=True)", block.p, cond)
        out += [f"mass = {sums}", f"p_ij = {library}.where(mass == 0, 0.0, p_ij)"]
    sums = f"p_ij.sum({dims})"
    valid = f"valid = {sums if stated else known(program, sums, block.p, cond)}.reshape(-1) != 0"
    if torch:
        out.append(f"log_q = log_kernel - torch.logsumexp(log_kernel, dim={dims}, keepdim=True)")
    else:
        out += [
            f"peak = log_kernel.max({dims}, keepdims=True)",
            f"total = np.exp(log_kernel - peak).sum({dims}, keepdims=True)",
            "log_q = log_kernel - peak - np.log(total)",
            "q_ij = np.exp(log_q)",
        ]
    if not program.kl:
        call = f"_divergence(p_ij, log_q{passed(program.method.icon)})"
        out += [
            *order_line(program, p),
            f"losses = {call}.sum({dims}).reshape(-1)",
            valid,
        ]
        return [*out, *weights(program, block, p)]
    log_p = "torch.xlogy(p_ij, p_ij)"
    if not torch:
        log_p = "(p_ij * np.log(np.where(p_ij <= 0, 1.0, p_ij)))"
    out += [
        f"losses = -{library}.where(p_ij <= 0, 0.0, p_ij * log_q).sum({dims}).reshape(-1)",
        'if term == "kl":',
        f"    losses = losses + {log_p}.sum({dims}).reshape(-1)",
        valid,
    ]
    return [*out, *weights(program, block, p)]


def weights(program: Program, block: Block, p: TensorPrinter) -> list[str]:
    """Lines for the weights of the anchors; those that a condition leaves out weigh 0."""
    if program.uniform:
        return []
    torch = p.dialect is TORCH
    code = f"{full(program, p, p.expr(block.weight), block.anchors)}.reshape(-1)"
    if torch and any(isinstance(n, Sym) for n in walk(block.weight)):
        code += ".detach()"
    if holds_always(block.anchor_cond):
        return [f"weight = {code}"]
    anchor = f"{full(program, p, p.cond(block.anchor_cond), block.anchors)}.reshape(-1)"
    return [
        f"anchor = {anchor}",
        f"weight = {'torch' if torch else 'np'}.where(anchor, {code}, 0.0)",
    ]


def full(program: Program, p: TensorPrinter, text: Text, axes: tuple[IVar, ...]) -> str:
    """`text` with every axis at its full size."""
    sizes = ", ".join(p.sizes[v.set.name] for v in axes)
    lifted = p.lift(text, axes)
    if text.axes == axes:
        return text.at(ATOM)
    if p.dialect is TORCH:
        if text.plain:
            # in the dtype and on the device of the arrays
            return f"{anchor(program)}.new_tensor({text.code}).expand({sizes})"
        return f"{lifted.at(ATOM)}.expand({sizes})"
    return f"np.broadcast_to({lifted.code}, ({sizes},))"


def numpy_gradient(program: Program, block: Block, dialect: Dialect) -> list[str]:
    """The reverse sweep of one block, from `share` to `grad_<argument>`."""
    p, layout = printer(program, block, dialect), (*block.anchors, *block.neighbours)
    shape = ", ".join([p.sizes[v.set.name] for v in block.anchors] + ["1"] * len(block.neighbours))
    share, slopes = f"share.reshape({shape})", ["weight_ij = {} * (q_ij - p_ij)"]
    if not program.kl:
        count = len(block.neighbours)
        over = "-1" if count == 1 else str(tuple(range(-count, 0)))
        slopes = [
            f"slope_ij = _slope(p_ij, log_q{passed(program.method.icon)})",
            f"weight_ij = {{}} * (slope_ij - q_ij * slope_ij.sum({over}, keepdims=True))",
        ]
    sweep = Adjoint(p, [line.format(share) for line in slopes])
    sweep.pull(logarithm(block.kernel), Text("weight_ij", layout))
    return sweep.lines
