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
    graphs, lines = list[str](), inputs(program)
    if program.reductions:
        streams = [Streaming(p) for p in numbered(program)]
        streaming, functions = streaming_body(program, streams)
        graphs, functions = sparse.cut(program, [*lines, *streaming], [once(program), *functions])
        lines = sparse.read(lines, graphs)
        groups = [Group(list(s.pieces.loops()), dense.lines(s.pieces)) for s in streams]
        memory = BY_BLOCKS
    else:
        groups = [Group([], blocks.lines(program, b, TORCH)) for b in program.method.icon.blocks]
        streaming, functions = [f"return {program.name}_dense({same_call(program)})"], []
        memory = f"All pairs are in memory, because {program.reason}."
    slots = Slots(
        memory=memory,
        inputs=lines if program.reductions else [],
        streaming=with_positions(program, streaming),
        functions=functions,
        dense_inputs=sparse.written_out(lines, graphs),
        dense=with_positions(program, combine(program, groups)),
    )
    text = filled("torch.jinja", program, slots, {n: sparse.SAID for n in graphs})
    return completed(program, text, divergence.functions(program, TORCH, text))


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
