"""The lines of emitted torch functions around the sums: losses, validity, the mean over anchors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codegen.divergence import order_line
from codegen.gathered import gathered, gathered_valid
from codegen.ir import Program
from codegen.layout import indented
from codegen.signature import same_call
from codegen.streaming import Streaming
from codegen.weights import weights

ALL_VALID = "torch.ones_like(losses, dtype=torch.bool)"


@dataclass(frozen=True)
class Group:
    """The lines that leave the losses of one group of anchors, and the loops around them."""

    loops: list[str]
    losses: list[str]


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


def streaming_body(program: Program, streams: Sequence[Streaming]) -> tuple[list[str], list[str]]:
    """The lines of the streaming form and the functions they call."""
    if program.twin:
        return [*twin_lines(streams), returned(False)], [streams[0].function()]
    groups = [Group(list(s.pieces.loops()), stream_lines(s)) for s in streams]
    body = combine(program, groups)
    if program.reductions[0].normalise == "pair":
        body = pair_body(program, streams[0])
    return body, [s.function() for s in streams]


def stream_lines(stream: Streaming) -> list[str]:
    """The lines of one reduction that leave `losses` and `valid`."""
    pieces, r = stream.pieces, stream.r
    out = [*pieces.preparation(scale=stream.linear)]
    if r.divergence != "kl":
        return [*out, *divergence_lines(stream)]
    entropy, valid = "", ALL_VALID
    if stream.target:
        out += stream.target.setup
        out.append(f"log_partition, expected = {stream.applied()}")
        entropy, valid = stream.target.entropy, stream.target.valid or ALL_VALID
        if r.normalise == "joint":
            out.append("log_partition = torch.logsumexp(log_partition, dim=0)")
            out.append("expected = expected.sum()")
            entropy += ".sum()"
            valid = "log_partition != -math.inf"
            if (some := stream.target.valid) is not None:
                valid = f"({valid}) & ({some}).any()"
    elif r.plan.expected == "classes":
        out.append(f"log_partition = {stream.applied()}")
        out += classes(stream)
        entropy, valid = "count.clamp(min=1).to(left.dtype).log()", "count > 0"
    else:
        out.append(f"log_partition = {stream.applied()}")
        out += gathered(pieces)
        valid = gathered_valid(pieces) or ALL_VALID
    out.append("losses = log_partition - expected")
    if entropy:
        out += ['if term == "kl":', f"    losses = losses - {entropy}"]
    out.append(f"valid = {valid}")
    return [*out, *weights(pieces)]


def divergence_lines(stream: Streaming) -> list[str]:
    """The lines where p and q are compared by another divergence than KL."""
    pieces, target, joint = stream.pieces, stream.target, stream.r.normalise == "joint"
    assert target is not None
    valid = target.valid
    if stream.r.target.form == "one-hot":
        valid = gathered_valid(pieces)
    if joint and valid is not None:
        valid = f"({valid}).any()"
    return [
        *target.setup,
        *order_line(pieces.program, pieces.printer()),
        f"losses = {stream.applied()}{'.sum()' if joint else ''}",
        f"valid = {valid or ALL_VALID}",
        *([] if joint else weights(pieces)),
    ]


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
        *stream.class_scores(right, f" - {right}" if self_out else ""),
        *stream.unscaled(),
    ]


def twin_lines(streams: Sequence[Streaming]) -> list[str]:
    """Rows and columns of one score matrix, from one sweep."""
    first, second = streams
    rows, columns = gathered(first.pieces), gathered(second.pieces)
    swap = {"left": "right", "right": "left"}
    columns = [re.sub(r"\b(left|right)\b", lambda m: swap[m[0]], line) for line in columns]
    ok = [gathered_valid(s.pieces) for s in streams]
    ends = zip(ok, ("rows", "columns"), strict=True)
    parts = [v or f"torch.ones_like(log_{n}, dtype=torch.bool)" for v, n in ends]
    return [
        *first.pieces.preparation(scale=first.linear),
        f"log_rows, log_columns = {first.applied()}",
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
        *order_line(program, pieces.printer()),
        f"total = {stream.applied()}.sum()",
        *(
            []
            if stream.r.target.binary or not program.kl
            else ['if term == "kl":', f"    total = total - {stream.target.entropy}.sum()"]
        ),
        f'return total if reduction == "sum" else total / ({sides[0]} * {sides[1]})',
    ]
