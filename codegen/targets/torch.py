"""IR -> torch: a standalone file with a streaming function, a dense function and a module."""

from __future__ import annotations

import re

from codegen import blocks, dense, divergence, sparse
from codegen.checks import checked, named_sizes
from codegen.dialects import TORCH
from codegen.ir import Program
from codegen.layout import wrapped
from codegen.pieces import Pieces
from codegen.render import environment, header, helpers, paragraph
from codegen.signature import (
    anchor,
    arguments_doc,
    fixed,
    forward_call,
    forward_signature,
    none_doc,
    representation,
    same_call,
    signature,
)  # fmt: skip
from codegen.stream_body import Group, combine, streaming_body
from codegen.streaming import Streaming


def emit(program: Program) -> str:
    """The torch source of a program."""
    graphs: list[str] = []
    if program.reductions:
        streams = [Streaming(p) for p in numbered(program)]
        streaming, functions = streaming_body(program, streams)
        once = environment().get_template("torch_once.jinja").render(name=program.name)
        functions = [once.rstrip(), *functions]
        said = "\n".join([*inputs(program), *streaming])
        graphs, joined = sparse.cut(program, said, SPLIT.join(functions))
        functions = joined.split(SPLIT)
        groups = [Group(list(s.pieces.loops()), dense.lines(s.pieces)) for s in streams]
        memory = BY_BLOCKS
    else:
        groups = [Group([], blocks.lines(program, b, TORCH)) for b in program.method.icon.blocks]
        streaming, functions = [f"return {program.name}_dense({same_call(program)})"], []
        memory = f"All pairs are in memory, because {program.reason}."
    text = environment().get_template("torch.jinja").render(
        header=header(program),
        certificate=repr(program.certificate_hash),
        name=program.name,
        class_name=program.class_name,
        title=program.method.name,
        memory=paragraph(memory, " " * 4, ""),
        signature=", ".join(signature(program)),
        arguments_doc="\n".join(arguments_doc(program, {n: sparse.SAID for n in graphs})),
        none_doc=none_doc(program),
        inputs="\n".join(inputs(program)) if program.reductions else "",
        dense_inputs="\n".join(sparse.written_out(inputs(program), graphs)),
        dense="\n".join(with_positions(program, combine(program, groups))),
        streaming="\n".join(with_positions(program, streaming)),
        functions="\n\n\n".join(functions),
        fixed=[a.name for a in fixed(program)],
        forward_signature=", ".join(["self", *forward_signature(program)]),
        forward_call=forward_call(program),
        representation=representation(program),
        kl=program.kl,
    )
    extra = divergence.functions(program, TORCH, text)
    text = "\n\n\n".join([text.rstrip(), *extra])
    text = "\n\n\n".join([text, *helpers("torch_helpers.jinja", text)])
    return wrapped(imported(text))


SPLIT = "\n\n\n"
BY_BLOCKS = (
    "The pairs are visited block by block, forward and backward: memory grows with the number of "
    "points, not with its square."
)
OPTIONAL = {
    "math.": "import math\n",
    "Iterator[": "from collections.abc import Iterator\n",
    ": Any": "from typing import Any\n",
    "TILE)": "TILE = 512  # rows and columns of a block: two blocks fit the cache of a core\n",
    "< SAFE": "SAFE = 30.0  # exponentials of scores within +-30 are summed as they are\n",
}


def imported(text: str) -> str:
    """`text` without the imports and constants that it does not use."""
    for mark, line in reversed(OPTIONAL.items()):
        if mark not in text.replace(line, ""):
            text = text.replace(line, "")
    return text.replace("import annotations\n\n\nimport", "import annotations\n\nimport")


def numbered(program: Program) -> list[Pieces]:
    """The pieces of every reduction, numbered where there are several."""
    several = len(program.reductions) > 1 and not program.twin
    return [
        Pieces(program, r, str(k + 1) if several else "") for k, r in enumerate(program.reductions)
    ]


# --------------------------------------------------------------------------- arguments


def inputs(program: Program) -> list[str]:
    """Lines that check the arguments."""
    real = [a.name for a in program.arguments if a.positional] or [anchor(program)]
    precision = f"dtype = _precision({', '.join(real)})"
    return checked(program, precision, dtype=", dtype", like=f", {anchor(program)}")


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
