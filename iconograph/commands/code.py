"""`iconograph verify --code`: what a callable of torch computes, whoever wrote it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import typer

from iconograph.console import Exit, complain, progress, show_facts, show_json

OURS = (
    "code", "against", "call", "input", "with_", "result", "python", "time_limit", "memory_limit",
    "world", "single", "seed", "as_json",
)  # fmt: skip
"""The parameters of `verify` that go with --code."""
NEEDS_CODE = tuple(name for name in OURS if name not in ("code", "seed", "as_json"))


NO_DOUBLE = ("same dtype", "expected scalar type", "Double", "double")
"""What torch says where code mixes float32 of its own with the float64 that it is given."""


def refuse_others(context: typer.Context, code: str | None) -> None:
    """Refuse what was typed and does not go with --code, or does not go without it."""
    typed = [
        parameter for parameter in context.command.params
        if parameter.name is not None
        and getattr(context.get_parameter_source(parameter.name), "name", "") == "COMMANDLINE"
    ]  # fmt: skip
    wrong = [
        p.opts[0] if p.opts[0].startswith("-") else p.name
        for p in typed
        if (p.name not in OURS if code is not None else p.name in NEEDS_CODE)
    ]  # fmt: skip
    if wrong and code is not None:
        raise typer.BadParameter(f"--code does not go with {', '.join(wrong)}")
    if wrong:
        raise typer.BadParameter(f"{', '.join(wrong)} describe code given with --code")


def verify_code(
    code: str,
    *,
    against: str | None,
    call: str | None,
    inputs: list[str],
    options: list[str],
    result: str | None,
    python: str | None,
    time_limit: float,
    memory_limit: float,
    world: int | None,
    single: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Judge a callable and print what was found; ends by typer.Exit with the status."""
    from catalog.registry import ids
    from iconograph.audit.calls import chosen
    from iconograph.audit.examine import Wanted, examine, mark
    from iconograph.audit.probe import Theirs
    from iconograph.audit.process import Settings
    from iconograph.find import resolve

    settings = Settings(
        code, tuple(options), result, time_limit, memory_limit, python or sys.executable,
        dtype="float32" if single else "float64",
    )  # fmt: skip
    method = resolve(against) if against is not None else None
    convention, many = chosen(call, inputs), 0 if method else len(ids())
    try:
        with progress(many, "compare") as step:
            report = examine(settings, Wanted(method, convention, world, seed, step))
    except Theirs as error:
        return _failed(code, against, error, as_json)
    if as_json:
        show_json("code", report.to_json())
    else:
        show_facts(report.facts(), mark(report.finding)[1])
    raise typer.Exit(report.status)


def _failed(code: str, against: str | None, error: Exception, as_json: bool) -> None:
    """Say that the code failed, as what it is: an error of theirs."""
    from iconograph.audit.guess import NoCall

    trace = getattr(error, "trace", "")
    if as_json:
        content: Mapping[str, Any] = {
            "code": code, "against": against, "finding": None, "status": int(Exit.BAD_INPUT),
            "error": {"message": str(error), "trace": trace},
        }  # fmt: skip
        show_json("code", content)
    theirs = "" if isinstance(error, NoCall) else "an error of that code, not of iconograph: "
    hint = "; --single gives it float32" if any(w in str(error) for w in NO_DOUBLE) else ""
    complain(f"{code}: {theirs}{error}{hint}")
    raise typer.Exit(Exit.BAD_INPUT)
