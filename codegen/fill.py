"""One emitted torch file: the slots of its template, and the helpers that its text mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.ir import Program
from codegen.layout import wrapped
from codegen.render import defined, environment, header, helpers, paragraph
from codegen.signature import (
    arguments_doc,
    fixed,
    forward_call,
    forward_signature,
    none_doc,
    representation,
    signature,
)  # fmt: skip

SPLIT = "\n\n\n"
OPTIONAL = {
    "math.": "import math\n",
    "Iterator[": "from collections.abc import Iterator\n",
    ": Any": "from typing import Any\n",
    "TILE)": "TILE = 512  # rows and columns of a block: two blocks fit the cache of a core\n",
    "< SAFE": "SAFE = 30.0  # exponentials of scores within +-30 are summed as they are\n",
}


@dataclass(frozen=True)
class Slots:
    """What the targets fill in differently, as lines; `memory` is a paragraph of the docstring.

    `dense` and `dense_inputs` are empty where a target has no dense form; `more_signature` and
    `more_arguments` are the parameters that only this target has, and their docstrings.
    """

    memory: str
    inputs: Sequence[str]
    streaming: Sequence[str]
    functions: Sequence[str]
    dense_inputs: Sequence[str] = ()
    dense: Sequence[str] = ()
    more_signature: Sequence[str] = ()
    more_arguments: Sequence[str] = ()


def filled(
    template: str,
    program: Program,
    slots: Slots,
    said: dict[str, str] | None = None,
    **more: object,
) -> str:
    """The text of a file without its helpers.

    `said` is what else the docstring says of an argument; `more` are slots of one template alone.
    """
    every: dict[str, object] = {
        "header": header(program),
        "certificate": repr(program.certificate_hash),
        "name": program.name,
        "class_name": program.class_name,
        "title": program.method.name,
        "memory": paragraph(slots.memory, " " * 4, ""),
        "signature": ", ".join([*signature(program), *slots.more_signature]),
        "arguments_doc": "\n".join([*arguments_doc(program, said), *slots.more_arguments]),
        "none_doc": none_doc(program),
        "inputs": "\n".join(slots.inputs),
        "dense_inputs": "\n".join(slots.dense_inputs),
        "dense": "\n".join(slots.dense),
        "streaming": "\n".join(slots.streaming),
        "functions": SPLIT.join(slots.functions),
        "fixed": [a.name for a in fixed(program)],
        "forward_signature": ", ".join(["self", *forward_signature(program)]),
        "forward_call": forward_call(program),
        "representation": representation(program),
        "kl": program.kl,
    }
    return environment().get_template(template).render(**(every | more)).rstrip()


def completed(program: Program, text: str, own: Sequence[str] = ()) -> str:
    """The whole file: `text`, the functions of its target, and what both mention of torch's.

    A function of the target takes the place of the one of torch that has its name.
    """
    taken = {defined(part) for part in own}
    text = SPLIT.join([text, *own])
    shared = [h for h in helpers("torch_helpers.jinja", text) if defined(h) not in taken]
    text = SPLIT.join([text, *shared]).replace("LOSS_NAME", program.name)
    return wrapped(imported(text))


def imported(text: str) -> str:
    """`text` without the imports and constants that it does not use."""
    for mark, line in reversed(OPTIONAL.items()):
        if mark not in text.replace(line, ""):
            text = text.replace(line, "")
    return text.replace("import annotations\n\n\nimport", "import annotations\n\nimport")
