"""What the site says of one entry and takes time to find out: verdict, proof and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from catalog.spec import Method
from codegen.numerics import Line
from codegen.site.plots import Plot
from iconograph.proof import Step, proof_steps
from iconograph.report import Row, row

TARGETS = ("torch", "numpy", "triton")
"""The programs that are shown; the others are long and are written by `iconograph generate`."""


@dataclass(frozen=True)
class Link:
    """One line of the readable proof: an expression, and the laws by which it equals the last."""

    text: str
    latex: str
    laws: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One entry, judged. `row.seconds` is 0, so that a site is the same twice.

    `steps` are those of the checker, `chain` is the proof as equations where there is such a chain,
    `programs` is the text for each target that can be written, and `refusal` says why there is none
    at all. `plots` are those of its kernel and of a toy embedding, as far as there are such.
    `numerics` is the report of its NumPy program, the one that runs wherever the site is built.
    """

    row: Row
    steps: tuple[Step, ...] = ()
    chain: tuple[Link, ...] = ()
    programs: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    plots: tuple[Plot, ...] = ()
    numerics: tuple[Line, ...] = ()


def entry(method: Method) -> Entry:
    """An entry, judged. Raises InputError where its claim cannot be judged."""
    from derive.verdict import Proved
    from derive.verify import verify

    verdict = verify(method)
    found = timeless(row(method, verdict))
    steps: tuple[Step, ...] = ()
    if isinstance(verdict, Proved) and verdict.certificate is not None:
        steps = tuple(proof_steps(verdict.certificate))
    programs, refusal = written(method, found)
    plots = drawn(method, programs.get("numpy", "")) if found.ok else ()
    return Entry(
        found, steps, chain(method) if steps else (), programs, refusal, plots,
        measured(method, programs.get("numpy", "")),
    )  # fmt: skip


def measured(method: Method, program: str) -> tuple[Line, ...]:
    """The report of the NumPy program, () where there is none, or no data that suit it."""
    import numpy as np

    from codegen.numerics import report
    from codegen.samples import NoSample

    try:
        with np.errstate(all="ignore"):  # what is not finite is said in its line
            return tuple(report(method, "numpy", program)) if program else ()
    except NoSample:
        return ()


def drawn(method: Method, program: str) -> tuple[Plot, ...]:
    """The plots of an entry."""
    from iconograph.browse.curves import curves
    from iconograph.browse.toy import toy

    last = toy(method, program) if program else None
    return (*curves(method), *((last,) if last else ()))


def timeless(found: Row) -> Row:
    """A verdict without the time that it took."""
    detail = {k: v for k, v in found.detail.items() if k != "seconds"}
    return replace(found, seconds=0.0, detail=detail)


def chain(method: Method) -> tuple[Link, ...]:
    """The proof as a chain of equations, () where there is none."""
    from derive.bridge import problem
    from derive.derivation import derivation
    from derive.printing import latex, text

    claim = method.claim
    if method.statements or claim.below is not None or claim.above is not None:
        return ()  # as `Loss.derivation` says: inequalities, or several statements
    if (found := derivation(problem(method))) is None:
        return ()
    dims = found.problem.dims
    return tuple(Link(text(x.term, dims), latex(x.term, dims), x.by) for x in found.lines)


def written(method: Method, found: Row) -> tuple[dict[str, str], str]:
    """The program for each target, and why there is none where there is none."""
    from codegen.emit import Refused, emit, refusal
    from iconograph.known import known

    if not found.ok or method.claim.relation == "false-as-stated":
        said = "it records a statement that is false" if found.ok else "its claim does not hold"
        return {}, f"{method.id}: {said}"
    facts: tuple[tuple[str, str], ...] = ()
    if found.outcome == "proved" and method.claim.relation == "definition":
        facts = known(method)
    programs = {}
    why = refusal(method) or ""
    for target in () if why else TARGETS:
        try:
            programs[target] = emit(
                method, target, verdict=found.brief, certificate_hash=found.hash or None,
                known=facts,
            )  # fmt: skip
        except Refused as error:
            why = why or str(error)
    return programs, "" if programs else why



