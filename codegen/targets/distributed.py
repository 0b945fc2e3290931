"""IR -> torch.distributed: the torch program with its pairs shared out among several processes.

Every rank computes the loss of the whole batch. What is linear in the number of points it does for
all of them; of what is quadratic, the blocks of pairs, it does its part.
"""

from __future__ import annotations

from codegen import divergence
from codegen.checks import checked, covered
from codegen.dialects import TORCH
from codegen.fill import SPLIT, Slots, completed, filled
from codegen.ir import Program
from codegen.layout import indented
from codegen.render import environment, helpers, paragraph
from codegen.ring import RingStreaming, ring_pieces, untold, wide
from codegen.signature import anchor, none_doc
from codegen.spread import Spread, spread, unsuited
from codegen.stream_body import streaming_body
from codegen.streaming import Streaming
from codegen.targets.torch import numbered, with_positions

SHARED = (
    "Call it on every rank with the rows of that rank; ranks may have different numbers of rows. "
    "The features of all rows are gathered, and every rank visits its part of the pairs block by "
    "block, forward and backward: memory grows with the number of points, not with its square."
)
APART = (
    "Call it on every rank with the rows of that rank; ranks may have different numbers of rows. A "
    "row needs no other row, so that only losses are gathered. The pairs are visited block by "
    "block, forward and backward: memory does not hold all of them."
)
PASSED = (
    "Call it on every rank with the rows of that rank; ranks may have different numbers of rows. "
    "Rows stay with their rank, columns travel from rank to rank, forward and backward, the next "
    "ones while those at hand are worked on, and their gradients follow them. Of a matrix a rank "
    "holds the parts of three ranks at a time; what has one number for each row it holds for all."
)
COLUMNS = ("gather", "ring")
CLASSES = ("torch_once.jinja", "distributed_ranks.jinja")
GROUP = "process_group: dist.ProcessGroup | None = None"
COUNTED = 'positions: str = "local"'
GROUP_DOC = "process_group: the ranks that share the batch; None for all of them."
COUNTED_DOC = (
    '{names} count{s}: "local" through the rows of this rank, "global" through those of all ranks.'
)


def emit(program: Program, columns: str = "gather") -> str:
    """The torch.distributed source of a program.

    `columns` says how a rank comes by the columns of the others, where they are spread as the rows
    are: "gather" all of them before the first block, or "ring", in turn. Gathering is what it does
    unless told otherwise: every loss that can be spread can be computed so, and blocks are dealt
    out evenly though one rank may have more rows than another. Passed round, columns need the
    memory of a few ranks' rows, and every rank does the work of its own.

    Raises Refused where no batch can be spread, or no column can travel, and ValueError for another
    word.
    """
    from codegen.emit import Refused

    if (why := unsuited(program)) is not None:
        raise Refused(
            f"{program.method.id}: no distributed program, because {why}; "
            "the torch target writes one for a single process"
        )
    if columns not in COLUMNS:
        raise ValueError(f"columns should be one of {', '.join(COLUMNS)}, got {columns!r}")
    found = spread(program)
    ring = columns == "ring" and not found.apart
    if ring and (why := untold(program, found)) is not None:
        raise Refused(
            f"{program.method.id}: its columns do not travel, because {why}; generate it with "
            "gathered columns"
        )
    streams: list[Streaming]
    if ring:
        streams = [RingStreaming(p, shared=True) for p in ring_pieces(program, found)]
    else:
        streams = [Streaming(p, shared=not found.apart) for p in numbered(program)]
    body, functions = streaming_body(program, streams)
    if program.reductions[0].normalise == "pair":
        body = body[2:]  # the list of all pairs, which `inputs` refuses
    body = with_positions(program, body)
    if found.apart:
        body = losses_gathered(body, found)
    used = "\n".join(body)
    classes = [
        environment().get_template(t).render(
            name=program.name, instead="the torch target",
            fetches="_Fetch" in used, classes="_ClassSums" in used,
        ).rstrip()
        for t in CLASSES + (("distributed_ring.jinja",) if ring else ())
    ]  # fmt: skip
    counted = [a.name for a in program.arguments if found.counts(a)]
    slots = Slots(
        memory=APART if found.apart else PASSED if ring else SHARED,
        inputs=inputs(program, found, wide(program, found) if ring else ()),
        streaming=body,
        functions=[*classes, *functions],
        more_signature=[*([COUNTED] if counted else []), GROUP],
        more_arguments=more_arguments(counted),
    )
    said = {name: "; rows count as `positions` says" for name in counted}
    text = filled("distributed.jinja", program, slots, said, none_doc=none_of_all(program),
                  counted=bool(counted))  # fmt: skip
    extra = divergence.functions(program, TORCH, text)
    own = helpers("distributed_helpers.jinja", SPLIT.join([text, *extra]))
    # blocks that nobody shares are visited as in torch
    own = [h for h in own if not (found.apart and "team: _Team" in h)]
    return completed(program, text, [*extra, *own])


def more_arguments(counted: list[str]) -> list[str]:
    """The docstring of the arguments that only this target has."""
    names, s = " and ".join(counted), "" if len(counted) > 1 else "s"
    said = [f"positions: how {COUNTED_DOC.format(names=names, s=s)}"] if counted else []
    return [paragraph(line, " " * 8) for line in [*said, GROUP_DOC]]


def none_of_all(program: Program) -> str:
    """What `reduction="none"` returns."""
    r = program.reductions[0]
    if r.normalise == "pair":
        return "an error: no rank has room for all pairs"
    return none_doc(program)


def losses_gathered(body: list[str], found: Spread) -> list[str]:
    """The lines of a loss whose rows need no other, with those of all ranks before the last one."""
    names = ["losses", "valid", *(["weight"] if "_reduce_weighted(" in body[-1] else [])]
    gathered = [f'{n} = team.gather({n}, counts["{found.sets[0]}"])' for n in names]
    return [*body[:-1], *gathered, body[-1]]


def inputs(program: Program, found: Spread, travelling: tuple[str, ...] = ()) -> list[str]:
    """Lines that check the arguments of this rank, compare the ranks, and gather all rows.

    Those of `travelling` matrices stay where they are.
    """
    real = [a.name for a in program.arguments if a.positional] or [anchor(program)]
    precision = f"dtype = _precision({', '.join(real)})"
    lines = checked(program, precision, dtype=", dtype", like=f", {anchor(program)}")
    counted = [a for a in program.arguments if found.counts(a)]
    for a in counted:
        size = f'sizes["{a.target}"]'
        inside = f'{size} if positions == "local" else None'
        lines = [line.replace(f", {size})", f", {inside})") if f'"{a.name}"' in line else line
                 for line in lines]  # fmt: skip
    if counted:
        lines.insert(1, "_counting(positions)")
    if program.reductions[0].normalise == "pair":
        lines.insert(1, "_not_all_pairs(reduction)")
    choices = ["reduction", *(["term"] if program.kl else []), "valid_only",
               *(["positions"] if counted else [])]  # fmt: skip
    parts = [a for a in program.arguments if found.axis(a) is not None]
    whole = [a for a in program.arguments if found.axis(a) is None]
    out = [
        "team = _Team(process_group)",
        "with team.together():",
        *indented(lines, 1),
        "counts = team.agree("
        f"sizes, {listed(found.sets)}, {named([a.name for a in parts])}, "
        f"{named([a.name for a in whole])}, ({', '.join(choices)}))",
    ]
    if found.apart:
        return out
    for a in parts:
        if a.name in travelling:
            continue
        axis = found.axis(a)
        size = f'counts["{a.axes[axis or 0]}"]'
        if found.counts(a):
            out += [
                'if positions == "local":',
                f'    {a.name} = {a.name} + team.before(counts["{a.target}"])',
            ]
        out.append(f"{a.name} = team.gather({a.name}, {size}{f', {axis}' if axis else ''})")
    out += [f'sizes["{name}"] = sum(counts["{name}"])' for name in found.sets]
    for a in counted:
        where = f'"{a.name}", {a.name}, "{" ".join(a.shape)}", sizes, sizes["{a.target}"]'
        out.append(f"{a.name} = _positions({where})")
    mine = {a.name: f"team.sum({a.name}.detach().sum(0))" for a in parts if a.name in travelling}
    return [*out, *covered(program, mine)]


def listed(names: tuple[str, ...]) -> str:
    """A list of strings."""
    return "[" + ", ".join(f'"{n}"' for n in names) + "]"


def named(names: list[str]) -> str:
    """A dictionary of variables by their names."""
    return "{" + ", ".join(f'"{n}": {n}' for n in names) + "}"
