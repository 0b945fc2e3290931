"""The arguments of emitted functions as text: signatures, docstrings, what a module holds."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.ir import Argument, Program
from codegen.render import WIDTH, paragraph

INDENT = " " * 12
REDUCTION, TERM, VALID_ONLY = (
    'reduction: str = "mean"',
    'term: str = "cross_entropy"',
    "valid_only: bool = True",
)


def choices(program: Program) -> list[str]:
    """The parameters that every loss has; only KL has an entropy of p to leave out."""
    return [REDUCTION, *([TERM] if program.kl else []), VALID_ONLY]


def anchor(program: Program) -> str:
    """The name of the array whose dtype and device the computation has."""
    arrays = [a for a in program.arguments if a.kind == "number" and a.shape]
    return next((a.name for a in arrays if a.learned), arrays[0].name)


def fixed(program: Program) -> list[Argument]:
    """The numbers that the module holds."""
    return [a for a in program.arguments if a.kind == "number" and not a.shape and not a.learned]


def annotation(a: Argument) -> str:
    """The Python type of an argument."""
    return "Tensor" if a.shape or a.kind != "number" else "float | Tensor"


def signature(program: Program) -> list[str]:
    """The parameters of the functions."""
    first = [f"{a.name}: Tensor" for a in program.arguments if a.positional]
    rest = [f"{a.name}: {annotation(a)}" for a in program.arguments if not a.positional]
    return [*first, "*", *rest, *choices(program)]


def forward_signature(program: Program) -> list[str]:
    """The parameters of the module's forward."""
    held = {a.name for a in fixed(program)}
    first = [f"{a.name}: Tensor" for a in program.arguments if a.positional]
    others = [a for a in program.arguments if not a.positional and a.name not in held]
    rest = [f"{a.name}: {annotation(a)}" for a in others]
    return [*first, *(["*", *rest] if rest else [])]


def forward_call(program: Program) -> list[str]:
    """The arguments with which forward calls the function."""
    held = {a.name for a in fixed(program)}
    return [
        a.name if a.positional else f"{a.name}={'self.' if a.name in held else ''}{a.name}"
        for a in program.arguments
    ]


def representation(program: Program) -> str:
    """What the module prints of itself."""
    icon = program.method.icon
    numbers = [f"{a.name}={{self.{a.name}}}, " for a in fixed(program)]
    divergence = "" if program.kl else f"divergence={icon.divergence}, "
    parts = [f"p={icon.p.name}, q={icon.q.name}, {divergence}"]
    for part in numbers:  # a string is not broken across lines, so it ends before it is too long
        if len(INDENT) + len('f""') + len(parts[-1]) + len(part) <= WIDTH:
            parts[-1] += part
        else:
            parts.append(part)
    parts.append("reduction={self.reduction}, certificate={CERTIFICATE}")
    return "\n".join((INDENT if k else "") + quoted(part) for k, part in enumerate(parts))


def quoted(text: str) -> str:
    """A string literal, with an f only where it holds a value."""
    return f'f"{text}"' if "{" in text else f'"{text}"'


def arguments_doc(program: Program, more: Mapping[str, str] | None = None) -> list[str]:
    """The Args section of the docstring; `more` is what else is said of an argument."""
    lines = ["    Args:"]
    for a in program.arguments:
        shape = f"({', '.join(a.shape)}) " if a.shape else ""
        named = f", {a.symbol} in the formula" if a.symbol != a.name else ""
        trained = ", learned" if a.learned else ""
        also = (more or {}).get(a.name, "")
        said = f"{a.name}: {shape}{described(a)}{trained}{named}{also}."
        lines.append(paragraph(said, " " * 8))
    term = 'term: "cross_entropy" leaves out the entropy of p, "kl" is the I-Con loss itself.'
    lines += [
        '        reduction: "mean" over the anchors, "sum" or "none".',
        *([f"        {term}"] if program.kl else []),
        "        valid_only: leave anchors without a p out of the mean; else they count as 0.",
    ]
    return lines


def described(a: Argument) -> str:
    """What an argument is, in a few words."""
    if a.kind == "index":
        return f"integers, {a.text}"
    return "Boolean array" if a.kind == "mask" else a.text


def none_doc(program: Program) -> str:
    """What `reduction="none"` returns."""
    if not program.reductions:
        return "the loss of every anchor"
    r = program.reductions[0]
    if r.normalise == "joint":
        return "the same, since there is one joint distribution"
    if r.normalise == "pair":
        return "the loss of every pair"
    if program.twin or len(program.reductions) > 1:
        return "the loss of every row and then of every column"
    return "the loss of every anchor"


def same_call(program: Program) -> str:
    """The arguments, passed on."""
    positional = [a.name for a in program.arguments if a.positional]
    names = [a.name for a in program.arguments if not a.positional]
    names += ["reduction", *(["term"] if program.kl else []), "valid_only"]
    return ", ".join([*positional, *(f"{n}={n}" for n in names)])
