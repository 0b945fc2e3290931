"""emit(method, target) -> source text. Targets are the files of `codegen/targets`."""

from __future__ import annotations

import importlib
import os
import pkgutil
import tempfile
from pathlib import Path

from catalog.spec import Method
from codegen import adapters, lower, passes, targets
from codegen.ir import Program
from codegen.plain import plain, plain_method


class Refused(ValueError):
    """No program is written for a method; the message says why in one sentence."""


WHY_NOT = {
    "does-not-reduce": (
        "its published loss is no I-Con loss, so code of its p and q would compute another one"
    ),
    "theorem": "it is a statement and no loss",
    "limit": "its published loss is a limit of I-Con losses and none itself",
    "expansion": "its published loss is the beginning of an expansion and no I-Con loss",
    "bound": "its published loss is bounded by an I-Con loss and none itself",
}


def refusal(method: Method) -> str | None:
    """Why no program is written for a method, in a sentence; None where one is."""
    why = WHY_NOT.get(method.claim.relation)
    if why is None and not method.icon.blocks:
        why = WHY_NOT["theorem"]
    return None if why is None else f"{method.id}: {why}. {method.claim.correction}".strip()


def target_names() -> list[str]:
    """The names of the targets, found by listing the folder."""
    return sorted(m.name for m in pkgutil.iter_modules(targets.__path__))


def emit(
    method: Method,
    target: str = "torch",
    *,
    certificate_hash: str | None = None,
    verdict: str | None = None,
    known: tuple[tuple[str, str], ...] = (),
    adapter: str | None = None,
    columns: str | None = None,
) -> str:
    """The source of a program that computes a method's loss.

    `certificate_hash`, `verdict` and what else is `known` of the loss (a word of at most eleven
    letters and a sentence each) go into its docstring; `adapter`, a style of `codegen.adapters`,
    adds a class with the argument list of a library. `columns` is for the
    distributed target: how a rank comes by the columns of the others, "gather" (None) or "ring".
    Raises Refused where the pair (p, q) of the file is not its loss or has no such adapter, and
    ValueError for an unknown target or word.
    """
    if target not in target_names():
        raise ValueError(f"there is no target {target!r}; targets: {', '.join(target_names())}")
    if columns is not None and target != "distributed":
        raise ValueError(f"columns travel between processes: the target {target} has one")
    if (why := refusal(method)) is not None:
        raise Refused(why)
    # Method -> Method: its texts may not reach into the program
    method = plain_method(method)
    # Method -> IR
    certificate = plain(certificate_hash) if certificate_hash else certificate_hash
    verdict = plain(verdict) if verdict else verdict
    known = tuple((plain(word), plain(said)) for word, said in known)
    program = lower.lower(method, certificate_hash=certificate, verdict=verdict, known=known)
    if not any(a.kind == "number" and a.shape for a in program.arguments):
        raise Refused(f"{method.id}: it reads no array of numbers, so there is nothing to compute")
    # IR -> IR
    program = passes.run(program)
    if adapter is not None:
        program = adapters.as_called(program, adapter)
    # IR -> text
    choice = {} if columns is None else {"columns": columns}
    text = str(importlib.import_module(f"codegen.targets.{target}").emit(program, **choice))
    if adapter is not None:
        text = f"{text.rstrip()}\n\n\n{wrapper(program, target, adapter)}\n"
    return text


def wrapper(program: Program, target: str, style: str) -> str:
    """The class of an adapter. Raises Refused."""
    if style not in adapters.STYLES:
        names = ", ".join(adapters.STYLES)
        raise Refused(f"{program.method.id}: there is no adapter {style!r}; adapters: {names}")
    if target not in ("torch", "cpu", "triton"):
        raise Refused(
            f"{program.method.id}: a {target} program has no adapter, because it is called with "
            "arguments of its own; torch, cpu and triton programs have one"
        )
    try:
        return adapters.adapter(program, style)
    except adapters.Unsuited as error:
        raise Refused(str(error)) from None


def write_file(path: Path | str, text: str) -> None:
    """Write `text` to `path`; a reader sees the old file or the new one, never half of one."""
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or ".")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
