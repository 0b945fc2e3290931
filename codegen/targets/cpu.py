"""IR -> torch with C++ loops: a standalone file that compiles its tiles on first use."""

from __future__ import annotations

from codegen import dense, divergence, sparse
from codegen.cpu_pairs import summands
from codegen.cpu_stream import CompiledStream
from codegen.dialects import TORCH
from codegen.fill import SPLIT, Slots, completed, filled
from codegen.ir import Program
from codegen.render import digest, environment, helpers
from codegen.stream_body import Group, combine, streaming_body
from codegen.targets.torch import inputs, numbered, once, with_positions


def emit(program: Program) -> str:
    """The source of a program with compiled loops. Raises Refused where it has no tiles."""
    from codegen.emit import Refused

    if not program.reductions:
        raise Refused(
            f"{program.method.id}: no compiled program, because {program.reason}; "
            "the torch target writes one"
        )
    streams = [CompiledStream(p) for p in numbered(program)]
    streaming, functions = streaming_body(program, list(streams))
    if program.twin:
        streams = streams[:1]
    functions += [s.compiled().rstrip() for s in streams]
    pairs = ", ".join(f"{s.class_name}: _Compiled{s.class_name[1:]}" for s in streams)
    functions.append(f"COMPILED = {{{pairs}}}")
    lines = inputs(program)
    graphs, functions = sparse.cut(program, [*lines, *streaming], [once(program), *functions])
    lines = sparse.read(lines, graphs)
    space = f"iconograph_cpu_{program.name}"
    operators = [f"{o}{s.k}" for s in streams for o in s.operators()]
    parts = {
        "loops": "\n\n".join([*summands(program), *(s.loops() for s in streams)]),
        "operators": operators,
        "distances": any("distances" in f for s in streams for f in s.fills()),
        "exponentials": any(s.form in ("linear", "online", "sweeps") for s in streams),
        "entropy": any("_row_entropy" in f for f in functions),
    }
    cpp = environment().get_template("cpu_source.jinja")
    space = f"{space}_{digest(cpp.render(space=space, **parts))[:8]}"
    functions.append(f'SOURCE = r"""\n{cpp.render(space=space, **parts).rstrip()}\n"""')
    groups = [Group(list(p.loops()), dense.lines(p)) for p in numbered(program)]
    slots = Slots(
        memory=BY_TILES,
        inputs=lines,
        streaming=with_positions(program, streaming),
        functions=functions,
        dense_inputs=sparse.written_out(lines, graphs),
        dense=with_positions(program, combine(program, groups)),
    )
    text = filled("cpu.jinja", program, slots, {n: sparse.SAID for n in graphs}, space=space)
    extra = divergence.functions(program, TORCH, text)
    own = [
        h.replace("FIRST_OPERATOR", operators[0])
        for h in helpers("cpu_helpers.jinja", SPLIT.join([text, *extra]))
    ]
    return completed(program, text, [*extra, *own])


BY_TILES = (
    "Compiled loops visit the pairs tile by tile, forward and backward: memory grows with the "
    "number of points, not with its square. Without a C++ compiler torch visits them in blocks."
)
