"""IR -> torch: a standalone file with a streaming function, a dense function and a module."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from codegen import blocks, dense
from codegen.dialects import TORCH
from codegen.ir import Program
from codegen.layout import indented, wrapped
from codegen.pieces import Pieces
from codegen.render import environment, header, paragraph
from codegen.signature import (
    arguments_doc,
    fixed,
    forward_call,
    forward_signature,
    none_doc,
    representation,
    same_call,
    signature,
)  # fmt: skip
from codegen.streaming import Streaming


def emit(program: Program) -> str:
    """The torch source of a program."""
    if program.reductions:
        streams = [Streaming(p) for p in numbered(program)]
        streaming, functions = streaming_body(program, streams)
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
        arguments_doc="\n".join(arguments_doc(program)),
        none_doc=none_doc(program),
        inputs="\n".join(inputs(program)) if program.reductions else "",
        dense_inputs="\n".join(inputs(program)),
        dense="\n".join(with_positions(program, combine(program, groups))),
        streaming="\n".join(with_positions(program, streaming)),
        functions="\n\n\n".join(functions),
        fixed=[a.name for a in fixed(program)],
        forward_signature=", ".join(["self", *forward_signature(program)]),
        forward_call=forward_call(program),
        representation=representation(program),
        helpers="",
    )
    text = f"{text.rstrip()}\n\n\n" + "\n\n\n".join(helpers(text))
    return wrapped(imported(text))


BY_BLOCKS = (
    "The pairs are visited block by block, forward and backward: memory grows with the number of "
    "points, not with its square."
)
OPTIONAL = {
    "math.": "import math\n",
    "Iterator[": "from collections.abc import Iterator\n",
    ": Any": "from typing import Any\n",
    "@once_differentiable": "from torch.autograd.function import once_differentiable\n",
    "TILE)": "TILE = 512  # rows and columns of a block: two blocks fit the cache of a core\n",
    "< SAFE_BITS": (
        "SAFE_BITS = 60.0  # scores within +-60 bits are summed in float32 without a maximum\n"
    ),
    "* _ROOT": "_ROOT = math.log2(math.e) ** 0.5\n",
}


def imported(text: str) -> str:
    """`text` without the imports and constants that it does not use."""
    for mark, line in reversed(OPTIONAL.items()):
        if mark not in text.replace(line, ""):
            text = text.replace(line, "")
    return text


def numbered(program: Program) -> list[Pieces]:
    """The pieces of every reduction, numbered where there are several."""
    several = len(program.reductions) > 1 and not program.twin
    return [
        Pieces(program, r, str(k + 1) if several else "") for k, r in enumerate(program.reductions)
    ]


@dataclass(frozen=True)
class Group:
    """The lines that leave the losses of one group of anchors, and the loops around them."""

    loops: list[str]
    losses: list[str]


# --------------------------------------------------------------------------- arguments


def inputs(program: Program) -> list[str]:
    """Lines that check the arguments."""
    arrays = [a for a in program.arguments if a.kind == "number" and a.shape]
    named = {s.name: len(s.elements) for s in program.method.sets.values() if s.elements}
    used = {axis for a in program.arguments for axis in a.shape}
    start = ", ".join(f'"{n}": {size}' for n, size in named.items() if n in used)
    lines = [
        "_choices(reduction, term)",
        f"sizes: dict[str, int] = {{{start}}}",
        f"dtype = _precision({', '.join(a.name for a in program.arguments if a.positional)})",
    ]
    for a in arrays:
        lines.append(f'{a.name} = _real("{a.name}", {a.name}, "{" ".join(a.shape)}", sizes, dtype)')
        if a.positive:
            lines.append(f'{a.name} = _positive("{a.name}", {a.name})')
    sized = {axis for a in program.arguments for axis in a.shape}
    for a in program.arguments:
        axes = " ".join(a.shape)
        if a.kind == "mask":
            lines.append(f'{a.name} = _mask("{a.name}", {a.name}, "{axes}", sizes)')
        elif a.kind == "index":
            known = a.target in sized
            size = "" if not known else f', sizes["{a.target}"]'
            lines.append(f'{a.name} = _positions("{a.name}", {a.name}, "{axes}", sizes{size})')
        elif not a.shape:
            like = next(b.name for b in program.arguments if b.positional)
            strict = ", positive=True" if a.positive else ""
            lines.append(f'{a.name} = _number("{a.name}", {a.name}, {like}{strict})')
    return lines


def with_positions(program: Program, body: list[str]) -> list[str]:
    """`body` preceded by the sizes and position arrays that it mentions."""
    text = "\n".join(body)
    like = next(a.name for a in program.arguments if a.positional)
    ranges = [
        f"index_{axis} = torch.arange({size}, device={like}.device)"
        for axis, size in program.sizes.items()
        if re.search(rf"\bindex_{axis}\b", text)
    ]
    sizes = [
        f'{size} = sizes["{axis}"]'
        for axis, size in program.sizes.items()
        if not size.isdigit() and re.search(rf"(?<!\.)\b{size}\b(?!=)", "\n".join([text, *ranges]))
    ]
    return [*sizes, *ranges, *body]


# --------------------------------------------------------------------------- bodies


def combine(program: Program, groups: list[Group]) -> list[str]:
    """The lines of all groups, their loops, and the reduction over the anchors."""
    weighted = not program.uniform
    names = ["losses", "valid", *(["weight"] if weighted else [])]
    if len(groups) == 1 and not groups[0].loops:
        return [*groups[0].losses, returned(weighted)]
    out = [f"every_{n}: list[Tensor] = []" for n in names]
    for g in groups:
        for depth, loop in enumerate(g.loops):
            out.append("    " * depth + loop)
        out += indented([*g.losses, *(f"every_{n}.append({n})" for n in names)], len(g.loops))
    out += [f"{n} = torch.cat(every_{n})" for n in names]
    return [*out, returned(weighted)]


def returned(weighted: bool) -> str:
    """The last line."""
    if weighted:
        return "return _reduce_weighted(losses, valid, weight, reduction, valid_only)"
    return "return _reduce(losses, valid, reduction, valid_only)"


def streaming_body(program: Program, streams: list[Streaming]) -> tuple[list[str], list[str]]:
    """The lines of the streaming form and the functions they call."""
    if program.twin:
        return [*twin_lines(streams), returned(False)], [streams[0].function()]
    groups = [Group(list(s.pieces.loops()), stream_lines(s)) for s in streams]
    body = combine(program, groups)
    if program.reductions[0].normalise == "pair":
        body = pair_body(program, streams[0])
    return body, [s.function() for s in streams]


def applied(stream: Streaming) -> str:
    """The call of the autograd function, out of reach of the compiler: it loops in Python."""
    batch = stream.integers()
    name = "_PairLoss" if stream.r.normalise == "pair" else "_LogPartition"
    return f"_eager({name}{stream.k}, {', '.join([*stream.tensors(), *batch])})"


def stream_lines(stream: Streaming) -> list[str]:
    """The lines of one reduction that leave `losses` and `valid`."""
    pieces, r, t = stream.pieces, stream.r, stream.r.target
    out = [*pieces.preparation(scale=stream.bits)]
    entropy: list[str] = []
    valid = ""
    if stream.target:
        out += stream.target.setup
        out.append(f"log_partition, expected = {applied(stream)}")
        entropy = [stream.target.entropy]
        valid = stream.target.valid or "torch.ones_like(losses, dtype=torch.bool)"
        if r.normalise == "joint":
            out.append("log_partition = torch.logsumexp(log_partition, dim=0, keepdim=True)")
            out.append("expected = expected.sum(0, keepdim=True)")
            entropy = [f"{e}.sum()" for e in entropy]
            valid = "log_partition > -math.inf"
    elif r.plan.expected == "classes":
        out.append(f"log_partition = {applied(stream)}")
        out += classes(stream)
        entropy, valid = ["count.clamp(min=1).to(left.dtype).log()"], "count > 0"
    else:
        out.append(f"log_partition = {applied(stream)}")
        out += pieces.gathered()
        valid = pieces.gathered_valid() or "torch.ones_like(losses, dtype=torch.bool)"
    out.append("losses = log_partition - expected")
    if entropy:
        out += ['if term == "kl":', f"    losses = losses - {' - '.join(entropy)}"]
    out.append(f"valid = {valid}")
    if (weight := pieces.weight()) is not None:
        out.append(f"weight = {weight}")
    assert t is not None
    return out


def classes(stream: Streaming) -> list[str]:
    """The expected score under "uniform over my class", from one sum of features per class."""
    r, pieces = stream.r, stream.pieces
    assert r.target.labels is not None
    label = pieces.printer(r.row).position(r.target.labels[0]).code
    right = "left" if r.plan.symmetric else "right"
    self_out = r.allowed.kind == "others"
    return [
        f"member = torch.unique({label}, return_inverse=True)[1]",
        f"count = torch.bincount(member)[member]{' - 1' if self_out else ''}",
        f"sums = torch.zeros_like({right}).index_add(0, member, {right})",
        f"others = sums[member]{f' - {right}' if self_out else ''}",
        "expected = (left * others).sum(1) / count.clamp(min=1)",
    ]


def twin_lines(streams: list[Streaming]) -> list[str]:
    """Rows and columns of one score matrix, from one sweep."""
    first, second = streams
    rows, columns = first.pieces.gathered(), second.pieces.gathered()
    swap = {"left": "right", "right": "left"}
    columns = [re.sub(r"\b(left|right)\b", lambda m: swap[m[0]], line) for line in columns]
    ok = [s.pieces.gathered_valid() for s in streams]
    ends = zip(ok, ("rows", "columns"), strict=True)
    parts = [v or f"torch.ones_like(log_{n}, dtype=torch.bool)" for v, n in ends]
    return [
        *first.pieces.preparation(scale=True),
        f"log_rows, log_columns = {applied(first)}",
        *rows,
        *[line.replace("expected =", "expected_back =") for line in columns],
        "losses = torch.cat([log_rows - expected, log_columns - expected_back])",
        f"valid = torch.cat([{', '.join(parts)}])",
    ]


def pair_body(program: Program, stream: Streaming) -> list[str]:
    """The body of a loss per pair: its sum over blocks; a list of all pairs is the dense form's."""
    pieces = stream.pieces
    assert stream.target is not None
    sides = [program.sizes[v.set.name] for v in (stream.r.row, stream.r.column)]
    return [
        'if reduction == "none":',
        f"    return {program.name}_dense({same_call(program)})",
        *pieces.preparation(),
        *stream.target.setup,
        f"total = {applied(stream)}.sum()",
        *(
            []
            if stream.r.target.binary
            else ['if term == "kl":', f"    total = total - {stream.target.entropy}.sum()"]
        ),
        f'return total if reduction == "sum" else total / ({sides[0]} * {sides[1]})',
    ]


# --------------------------------------------------------------------------- helpers


def helpers(text: str) -> list[str]:
    """The helper functions that `text` mentions, and those that they mention."""
    source = environment().get_template("torch_helpers.jinja").render().strip()
    parts = source.split("\n\n\n")
    known = {re.findall(r"^def (\w+)", part, re.MULTILINE)[0]: part for part in parts}
    wanted: set[str] = set()
    todo: Iterable[str] = [text]
    while todo:
        found = {n for part in todo for n in known if re.search(rf"\b{n}\b", part)} - wanted
        wanted |= found
        todo = [known[n] for n in found]
    return [part for name, part in known.items() if name in wanted]
