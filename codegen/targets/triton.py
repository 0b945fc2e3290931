"""IR -> Triton: a standalone file whose kernels visit tiles of pairs, forward and backward."""

from __future__ import annotations

from catalog.symbols import Big, Size, free_indices, walk
from codegen import dense, divergence, triton_divergence
from codegen.checks import checked
from codegen.dialects import TORCH
from codegen.ir import Program, Reduction
from codegen.layout import wrapped
from codegen.render import defined, digest, environment, header, helpers, paragraph
from codegen.signature import (
    anchor,
    arguments_doc,
    fixed,
    forward_call,
    forward_signature,
    none_doc,
    representation,
    signature,
)  # fmt: skip
from codegen.split import NotPairwise
from codegen.stream_body import Group, combine, streaming_body
from codegen.targets.torch import imported, inputs, numbered, with_positions
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
    text = environment().get_template("triton.jinja").render(
        header=header(program),
        certificate=repr(program.certificate_hash),
        name=program.name,
        class_name=program.class_name,
        title=program.method.name,
        one=one,
        memory=paragraph(BY_TILES + (ONE_PRODUCT if one else ""), " " * 4, ""),
        signature=", ".join(signature(program)),
        arguments_doc="\n".join(arguments_doc(program)),
        none_doc=none_doc(program),
        inputs="\n".join(kernel_inputs(program)),
        dense_inputs="\n".join(inputs(program)),
        dense="\n".join(with_positions(program, combine(program, groups))),
        streaming="\n".join(with_positions(program, streaming)),
        functions="\n\n\n".join(functions),
        fixed=[a.name for a in fixed(program)],
        forward_signature=", ".join(["self", *forward_signature(program)]),
        forward_call=forward_call(program),
        representation=representation(program),
        kl=program.kl,
        digest=digest("\n".join([*streaming, *functions]))[:8],
    )
    dense_only = divergence.functions(program, TORCH, text)
    own = helpers("triton_helpers.jinja", text)
    text = "\n\n\n".join([text.rstrip(), *dense_only, *own])
    # what has the same name in both is the kernels'
    taken = {defined(part) for part in own}
    shared = [h for h in helpers("torch_helpers.jinja", text) if defined(h) not in taken]
    return wrapped(imported("\n\n\n".join([text, *shared])))


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
    return checked(program, first, product, precision, dtype=", dtype", like=f", {anchor(program)}")
