"""IR -> torch: a standalone file with a streaming function, a dense function and a module."""

from __future__ import annotations

import re

from codegen import blocks, dense, divergence, sparse
from codegen.checks import checked, covered, named_sizes
from codegen.dialects import TORCH
from codegen.fill import Slots, completed, filled
from codegen.ir import Program
from codegen.pieces import Pieces
from codegen.render import environment
from codegen.signature import anchor, same_call
from codegen.stream_body import Group, combine, streaming_body
from codegen.streaming import Streaming


def emit(program: Program) -> str:
    """The torch source of a program."""
    if program.reductions:
        body, functions = streaming_body(program, [Streaming(p) for p in numbered(program)])
        slots, said = over_pairs(program, BY_BLOCKS, body, functions)
    else:
        groups = [Group([], blocks.lines(program, b, TORCH)) for b in program.method.icon.blocks]
        said = {}
        slots = Slots(
            memory=f"All pairs are in memory, because {program.reason}.",
            inputs=[],
            streaming=[f"return {program.name}_dense({same_call(program)})"],
            functions=[],
            dense_inputs=inputs(program),
            dense=with_positions(program, combine(program, groups)),
        )
    text = filled("torch.jinja", program, slots, said)
    return completed(program, text, divergence.functions(program, TORCH, text))


def over_pairs(
    program: Program, memory: str, body: list[str], functions: list[str]
) -> tuple[Slots, dict[str, str]]:
    """The slots of a program that visits its pairs, and what is said of weights that may be sparse.

    `body` are the lines of the streaming form, `functions` the source of what they call.
    """
    lines = inputs(program)
    graphs, functions = sparse.cut(program, [*lines, *body], [once(program), *functions])
    lines = sparse.read(lines, graphs)
    groups = [Group(list(p.loops()), dense.lines(p)) for p in numbered(program)]
    slots = Slots(
        memory=memory,
        inputs=lines,
        streaming=with_positions(program, body),
        functions=functions,
        dense_inputs=sparse.written_out(lines, graphs),
        dense=with_positions(program, combine(program, groups)),
    )
    return slots, {name: sparse.SAID for name in graphs}


BY_BLOCKS = (
    "The pairs are visited block by block, forward and backward: memory grows with the number of "
    "points, not with its square."
)


def numbered(program: Program) -> list[Pieces]:
    """The pieces of every reduction, numbered where there are several."""
    several = len(program.reductions) > 1 and not program.twin
    return [
        Pieces(program, r, str(k + 1) if several else "") for k, r in enumerate(program.reductions)
    ]


def once(program: Program) -> str:
    """The source of what every streaming backward goes through."""
    return environment().get_template("torch_once.jinja").render(name=program.name).rstrip()


# --------------------------------------------------------------------------- arguments


def inputs(program: Program) -> list[str]:
    """Lines that check the arguments."""
    real = [a.name for a in program.arguments if a.positional] or [anchor(program)]
    precision = f"dtype = _precision({', '.join(real)})"
    lines = checked(program, precision, dtype=", dtype", like=f", {anchor(program)}")
    return [*lines, *covered(program)]


def with_positions(program: Program, body: list[str]) -> list[str]:
    """`body` preceded by the sizes and position arrays that it mentions."""
    text = "\n".join(body)
    like = anchor(program)
    ranges = [
        f"index_{axis} = torch.arange({size}, device={like}.device)"
        for axis, size in program.sizes.items()
        if re.search(rf"\bindex_{axis}\b", text)
    ]
    return [*named_sizes(program, "\n".join([text, *ranges])), *ranges, *body]
