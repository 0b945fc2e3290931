"""IR -> Triton: a standalone file whose kernels visit tiles of pairs, forward and backward."""

from __future__ import annotations

from catalog.symbols import Big, Size, free_indices, walk
from codegen import dense, divergence, triton_divergence
from codegen.checks import checked, covered
from codegen.dialects import TORCH
from codegen.fill import Slots, completed, filled
from codegen.ir import Program, Reduction
from codegen.render import digest, helpers
from codegen.signature import anchor
from codegen.split import NotPairwise
from codegen.stream_body import Group, combine, streaming_body
from codegen.targets.torch import inputs, numbered, with_positions
from codegen.triton_operators import KernelOperators


def emit(program: Program) -> str:
    """The Triton source of a program. Raises Refused where its pairs have no tiles."""
    from codegen.emit import Refused

    try:
        if (why := unsuited(program)) is not None:
            raise NotPairwise(why)
        streams = [KernelOperators(p) for p in numbered(program)]
    except NotPairwise as error:
        raise Refused(
            f"{program.method.id}: no Triton program, because {error}; the torch target writes one"
        ) from error
    streaming, functions = streaming_body(program, list(streams))
    functions += triton_divergence.functions(program.method.icon)
    one = any(s.plan.columns for s in streams)
    groups = [Group(list(p.loops()), dense.lines(p)) for p in numbered(program)]
    slots = Slots(
        memory=BY_TILES + (ONE_PRODUCT if one else ""),
        inputs=kernel_inputs(program),
        streaming=with_positions(program, streaming),
        functions=functions,
        dense_inputs=inputs(program),
        dense=with_positions(program, combine(program, groups)),
    )
    made = digest("\n".join([*streaming, *functions]))[:8]
    text = filled("triton.jinja", program, slots, one=one, digest=made)
    dense_only = divergence.functions(program, TORCH, text)
    return completed(program, text, [*dense_only, *helpers("triton_helpers.jinja", text)])


BY_TILES = (
    "Kernels visit the pairs tile by tile, forward and backward: memory grows with the number of "
    "points, not with its square. Half precision is kept in products, sums are in float32; there "
    "are no atomics, so equal tiles give equal bits."
)


ONE_PRODUCT = (
    " Both directions come from one product of all pairs: 2 n^2 d FLOP forward, and 8 n^2 d "
    "backward, where the kernel of each side makes it again, for the weights of both directions. "
    "Forward keeps at most 256 sums of each column, twice that for scores of any size."
)


def unsuited(program: Program) -> str | None:
    """Why the kernels do not cover a program; None where they do, as far as its form can tell."""
    if not program.reductions:
        return program.reason
    if any(a.array is not None for r in program.reductions for a in r.log_kernel.atoms):
        return "the scores of all pairs are an argument, so they are in memory already"
    if any(sums_pairs(r) for r in program.reductions):
        return "a number that its kernel reads of each row is itself a sum over learned pairs"
    return None


def sums_pairs(r: Reduction) -> bool:
    """Whether a parameter of the kernel is a sum over pairs, which torch would make in memory."""
    ends = {r.row, r.column}
    return any(
        isinstance(node, Big | Size) and ends & set(free_indices(node))
        for p in r.log_kernel.parameters
        for node in walk(p.expr)
    )


def kernel_inputs(program: Program) -> list[str]:
    """Lines that check the arguments and say in which dtype features are multiplied."""
    real = [a.name for a in program.arguments if a.positional] or [anchor(program)]
    here = real[0]
    first = f'_on_gpu("{here}", {here})'
    product = f"product = _product_dtype({', '.join(real)})"
    precision = f"dtype = _precision({', '.join(real)})"
    lines = (first, product, precision)
    return [
        *checked(program, *lines, dtype=", dtype", like=f", {anchor(program)}"),
        *covered(program),
    ]
