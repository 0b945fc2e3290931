"""The Python API: load, compose, verify, generate, check. Results render in notebooks.

    >>> import iconograph as ic
    >>> loss = ic.load("infonce")
    >>> ic.verify(loss).outcome
    'proved'
    >>> "import torch" in ic.generate(loss, target="torch")
    True

Every function that takes a method takes its id, an alias, the path of a method file, or what `load`
returned, and raises `catalog.errors.InputError` with a sentence when that is no method.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.errors import InputError, did_you_mean
from iconograph.console import Exit
from iconograph.display import Check, Code, CodeResult, Loss, Result
from iconograph.files import CERTIFICATE_LIMIT, read
from iconograph.find import Named, catalog_methods, resolve
from iconograph.report import Row, row, status


class NotAsClaimed(InputError):
    """No program is written, because the claim of its method is refuted or undecided.

    `row` is the verdict, `status` the exit status that goes with it.
    """

    def __init__(self, row: Row):
        known = "undecided" if row.outcome == "unknown" else row.outcome
        super().__init__(
            f"{row.id}: the claim ({row.claimed}) is {known}, so no program is written",
            hint="`iconograph verify` says more, and --unverified (unverified=True in Python) "
            "writes it nevertheless",
        )
        self.row = row

    @property
    def status(self) -> Exit:
        """1 for a refuted claim, 3 for an undecided one."""
        return status([self.row])

    def __reduce__(self) -> tuple[type[NotAsClaimed], tuple[Row]]:
        return NotAsClaimed, (self.row,)


def load(method: Named) -> Loss:
    """The method of that id, alias or file."""
    return Loss(resolve(method))


def compose(
    p: str,
    q: str,
    *,
    divergence: str = "kl",
    order: str | None = None,
    normalise: str | None = None,
    neighbours: str | None = None,
    learned: Sequence[str] = (),
    given: Sequence[str] = (),
    assume: Sequence[str] = (),
    name: str | None = None,
) -> Loss:
    """A new loss: two kernels of the vocabulary, and what compares them.

        >>> compose("same-label", "student-t", divergence="jsd").id
        'same-label-student-t-jsd'

    `p` and `q` read "kernel parameter=value ..."; what a parameter that is left out stands for is
    said in the program. `normalise` is row, joint, row-and-column or pair, `neighbours` others or
    classes; `order` is that of alpha, cressie-read and tsallis. `learned`, `given` ("y=label[i]")
    and `assume` ("n > 2") are for values of one's own.

    Raises:
        InputError: there is no such kernel or divergence, or they do not go together.
    """
    from iconograph.composition import compose as put_together

    return Loss(put_together(
        p, q, divergence=divergence, order=order, normalise=normalise, neighbours=neighbours,
        learned=learned, given=given, assume=assume, name=name,
    ))  # fmt: skip


def methods() -> tuple[Loss, ...]:
    """Every method of the catalog, by id."""
    return tuple(Loss(m) for m in catalog_methods())


def verify(method: Named) -> Result:
    """The verdict on what the method's file claims.

    `result.outcome` is "proved", "refuted" or "unknown", `result.ok` says whether that is what the
    file claims, `result.level` is the level of assurance of docs/trust.md.
    """
    from derive.verify import verify as derive_verify

    spec = resolve(method)
    verdict = derive_verify(spec)
    return Result(spec, verdict, row(spec, verdict))


def verify_code(
    code: str | Callable[..., Any],
    against: Named | None = None,
    *,
    call: str | None = None,
    inputs: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    result: str | None = None,
    world: int | None = None,
    python: str | None = None,
    time_limit: float = 60.0,
    memory_limit: float = 8.0,
    dtype: str = "float64",
    seed: int = 0,
) -> CodeResult:
    """What a torch callable computes: the method it equals and up to what, or where they differ.

    `code` is "module:name" or "path/to/file.py:name", which runs in a process of its own with
    `time_limit` seconds for each question and `memory_limit` GiB; or a callable, which runs here,
    without limits. `call` names what it takes and `inputs` writes it out ("z=real[n,d]",
    "label[n]"); without either it is guessed. `options` are keyword arguments, `result` picks one
    of several things that are returned, `world` runs it under so many ranks as well, `dtype`
    "float32" is for code that takes no float64. It is numerical evidence, and no proof.

    Raises:
        InputError: there is no such code, or it cannot be called like this.
        Theirs: the code failed; `trace` is its traceback.
    """
    from iconograph.audit.calls import chosen
    from iconograph.audit.examine import Wanted, examine, examine_here
    from iconograph.audit.process import Settings

    if dtype not in ("float64", "float32"):
        raise InputError(f"inputs have no type {dtype[:60]!r}", hint="float64 or float32")
    method = resolve(against) if against is not None else None
    wanted = Wanted(method, chosen(call, inputs), world, seed)
    if not isinstance(code, str):
        return CodeResult(examine_here(code, options or {}, result, wanted, dtype))
    texts = tuple(f"{name}={value!r}" for name, value in (options or {}).items())
    settings = Settings(
        code, texts, result, time_limit, memory_limit, python or sys.executable, dtype=dtype
    )
    return CodeResult(examine(settings, wanted))


def generate(
    method: Named,
    target: str = "torch",
    *,
    columns: str | None = None,
    judge: bool = True,
    unverified: bool = False,
    adapter: str | None = None,
) -> Code:
    """The text of a program that computes the loss and needs the library of the target only.

    `columns`, for the target "distributed" only, says how a process comes by the columns of the
    others: "gather" all of them at once, which is what None means, or "ring", passed from process
    to process so that none holds all.

    With `judge` the claim is verified first, and the program's docstring says the verdict and the
    hash of the certificate; without, it says "not checked". With `unverified` a claim that was
    refuted or is undecided is no obstacle. Of a loss that is its own definition, such as one of
    `compose`, the docstring also says what else is known: which entries it equals or is a case of,
    its gradient, its limits, and by what each is known. `adapter` adds a class with the argument
    list of a library: "pytorch-metric-learning", "two-view" or "clip".

    Raises:
        NotAsClaimed: the claim was judged and does not hold, or nobody knows.
        InputError: no such method, target or columns, or the method's pair is not its loss.
    """
    from codegen.emit import Refused, emit, target_names

    if target not in (names := target_names()):
        hint = did_you_mean(target, names) or f"targets: {', '.join(names)}"
        raise InputError(f"there is no target {target[:60]!r}", hint=hint)
    if columns is not None and target != "distributed":
        raise InputError("columns are passed between processes", hint="target: distributed")
    if columns not in (None, "gather", "ring"):
        raise InputError(f"no way to pass columns is {columns[:60]!r}", hint="gather or ring")
    spec = resolve(method)
    brief, certificate = "not checked", ""
    facts: tuple[tuple[str, str], ...] = ()
    if judge:
        found = verify(spec).row
        if not (found.ok or unverified):
            raise NotAsClaimed(found)
        brief, certificate = found.brief, found.hash
        if found.outcome == "proved" and spec.claim.relation == "definition":
            from iconograph.known import known

            facts = known(spec)
    try:
        text = emit(
            spec, target, verdict=brief, certificate_hash=certificate or None, known=facts,
            adapter=adapter, columns=columns,
        )  # fmt: skip
    except Refused as error:
        why, more = str(error).removesuffix("."), ""
        if (true := spec.claim.correction) and true in str(error):
            why = str(error).partition(true)[0].strip().removesuffix(".")
            more = opening(f"what is true: {true}", f"iconograph show {spec.id} says what is true")
        raise InputError(f"no program is written for {why}", hint=more) from None
    return Code(text, brief, facts)


def opening(text: str, rest: str) -> str:
    """As many whole sentences as an error may quote; `rest` stands for those left out."""
    room, shown = 300 - len(rest) - 2, text
    while len(shown) > room and ". " in shown.rstrip("."):
        shown = shown.rstrip(".").rpartition(". ")[0] + "."
    if len(shown) > room:
        return rest
    return text if shown == text else f"{shown} {rest}"


def check(certificate: str | os.PathLike[str]) -> Check:
    """Replay the certificate in that file; nothing is searched and only the rules are trusted.

    Raises:
        InputError: the file is no certificate, or a step of it does not follow.
    """
    from derive.check import check_text

    path = Path(certificate)
    return Check(str(path), check_text(read(path, CERTIFICATE_LIMIT), str(path)))


__all__ = [
    "InputError", "Named", "NotAsClaimed", "check", "compose", "generate", "load", "methods",
    "verify", "verify_code",
]  # fmt: skip
