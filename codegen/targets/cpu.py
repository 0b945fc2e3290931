"""IR -> torch with C++ loops: a standalone file that compiles its tiles on first use."""

from __future__ import annotations

from dataclasses import replace

from codegen import divergence
from codegen.cpu_pairs import summands
from codegen.cpu_stream import CompiledStream
from codegen.dialects import TORCH
from codegen.fill import SPLIT, completed, filled
from codegen.ir import Program
from codegen.render import digest, environment, helpers
from codegen.stream_body import streaming_body
from codegen.targets.torch import numbered, over_pairs


def emit(program: Program) -> str:
    """The source of a program with compiled loops. Raises Refused where it has no tiles."""
    from codegen.emit import Refused

    if not program.reductions:
        raise Refused(
            f"{program.method.id}: no compiled program, because {program.reason}; "
            "the torch target writes one"
        )
    streams = [CompiledStream(p) for p in numbered(program)]
    body, functions = streaming_body(program, list(streams))
    if program.twin:
        streams = streams[:1]
    functions += [s.compiled().rstrip() for s in streams]
    pairs = ", ".join(f"{s.class_name}: _Compiled{s.class_name[1:]}" for s in streams)
    functions.append(f"COMPILED = {{{pairs}}}")
    slots, said = over_pairs(program, BY_TILES, body, functions)
    operators = [f"{o}{s.k}" for s in streams for o in s.operators()]
    parts = {
        "loops": "\n\n".join([*summands(program), *(s.loops() for s in streams)]),
        "operators": operators,
        "distances": any("distances" in f for s in streams for f in s.fills()),
        "exponentials": any(s.form in ("linear", "online", "sweeps") for s in streams),
        "entropy": any("_row_entropy" in f for f in slots.functions),
    }
    cpp, space = environment().get_template("cpu_source.jinja"), f"iconograph_cpu_{program.name}"
    space = f"{space}_{digest(cpp.render(space=space, **parts))[:8]}"
    source = f'SOURCE = r"""\n{cpp.render(space=space, **parts).rstrip()}\n"""'
    slots = replace(slots, functions=[*slots.functions, source])
    text = filled("cpu.jinja", program, slots, said, space=space)
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
