"""IR -> torch with C++ loops: a standalone file that compiles its tiles on first use."""

from __future__ import annotations

from codegen import dense, divergence, sparse
from codegen.cpu_pairs import summands
from codegen.cpu_stream import CompiledStream
from codegen.dialects import TORCH
from codegen.ir import Program
from codegen.layout import wrapped
from codegen.render import defined, digest, environment, header, helpers, paragraph
from codegen.signature import (
    arguments_doc,
    fixed,
    forward_call,
    forward_signature,
    none_doc,
    representation,
    signature,
)  # fmt: skip
from codegen.stream_body import Group, combine, streaming_body
from codegen.targets.torch import SPLIT, imported, inputs, numbered, with_positions


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
    functions.insert(0, environment().get_template("torch_once.jinja").render(name=program.name)
                     .rstrip())  # fmt: skip
    functions += [s.compiled().rstrip() for s in streams]
    pairs = ", ".join(f"{s.class_name}: _Compiled{s.class_name[1:]}" for s in streams)
    functions.append(f"COMPILED = {{{pairs}}}")
    said = "\n".join([*inputs(program), *streaming])
    graphs, joined = sparse.cut(program, said, SPLIT.join(functions))
    functions = joined.split(SPLIT)
    space = f"iconograph_cpu_{program.name}"
    operators = [f"{o}{s.k}" for s in streams for o in s.operators()]
    slots = {
        "loops": "\n\n".join([*summands(program), *(s.loops() for s in streams)]),
        "operators": operators,
        "distances": any("distances" in f for s in streams for f in s.fills()),
        "exponentials": any(s.form in ("linear", "online", "sweeps") for s in streams),
        "entropy": any("_row_entropy" in f for f in functions),
    }
    cpp = environment().get_template("cpu_source.jinja")
    space = f"{space}_{digest(cpp.render(space=space, **slots))[:8]}"
    functions.append(f'SOURCE = r"""\n{cpp.render(space=space, **slots).rstrip()}\n"""')
    groups = [Group(list(p.loops()), dense.lines(p)) for p in numbered(program)]
    text = environment().get_template("cpu.jinja").render(
        header=header(program),
        certificate=repr(program.certificate_hash),
        name=program.name,
        class_name=program.class_name,
        title=program.method.name,
        memory=paragraph(BY_TILES, " " * 4, ""),
        signature=", ".join(signature(program)),
        arguments_doc="\n".join(arguments_doc(program, {n: sparse.SAID for n in graphs})),
        none_doc=none_doc(program),
        inputs="\n".join(inputs(program)),
        dense_inputs="\n".join(sparse.written_out(inputs(program), graphs)),
        dense="\n".join(with_positions(program, combine(program, groups))),
        streaming="\n".join(with_positions(program, streaming)),
        functions="\n\n\n".join(functions),
        fixed=[a.name for a in fixed(program)],
        forward_signature=", ".join(["self", *forward_signature(program)]),
        forward_call=forward_call(program),
        representation=representation(program),
        kl=program.kl,
        space=space,
    )
    extra = divergence.functions(program, TORCH, text)
    own = [
        h.replace("FIRST_OPERATOR", operators[0]).replace("LOSS_NAME", program.name)
        for h in helpers("cpu_helpers.jinja", text)
    ]
    text = "\n\n\n".join([text.rstrip(), *extra, *own])
    taken = {defined(part) for part in own}  # what has the same name in both is this target's
    shared = [h for h in helpers("torch_helpers.jinja", text) if defined(h) not in taken]
    return wrapped(imported("\n\n\n".join([text, *shared])))


BY_TILES = (
    "Compiled loops visit the pairs tile by tile, forward and backward: memory grows with the "
    "number of points, not with its square. Without a C++ compiler torch visits them in blocks."
)
