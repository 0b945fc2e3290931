"""The argument lists of other people's trainers, as thin classes at the end of an emitted file.

    pytorch-metric-learning  forward(embeddings, labels, indices_tuple, ref_emb, ref_labels)
    two-view                 forward(z0, z1), as NTXentLoss of lightly
    clip                     forward(image_features, text_features, logit_scale), as open_clip

An adapter makes the arguments of a method from those of the call, or there is none: which positives
a label stands for, which row is the other view, which number the scale of the logits is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy

from codegen.dialects import TORCH
from codegen.ir import Argument, LogKernel, Program, Reduction
from codegen.layout import wrapped
from codegen.passes import linear
from codegen.render import environment
from codegen.signature import fixed
from codegen.sympy_printer import SympyPrinter

STYLES = {
    "pytorch-metric-learning": ("MetricLoss", "(embeddings, labels)"),
    "two-view": ("TwoViewLoss", "(z0, z1)"),
    "clip": ("TowersLoss", "(image_features, text_features, logit_scale)"),
}


class Unsuited(ValueError):
    """A method has an argument that no call of the style can give; the message names it."""


@dataclass(frozen=True)
class Plan:
    """What an adapter passes on.

    `features` are the texts of the learned arrays, `lines` those before the call, `given` the
    texts of the other arguments by name; `numbers` the ones that the module holds, `trained`
    those among them that are learned.
    """

    features: tuple[str, ...]
    lines: tuple[str, ...]
    given: Mapping[str, str]
    numbers: tuple[str, ...] = ()
    trained: tuple[str, ...] = ()
    bias: bool = False


def adapter(program: Program, style: str) -> str:
    """The source of the class. Raises Unsuited."""
    suffix, call = STYLES[style]
    plans = {"pytorch-metric-learning": labelled, "two-view": paired, "clip": scaled}
    try:
        plan = plans[style](program)
    except Unsuited as error:
        raise Unsuited(f"{program.method.id}: no {style} adapter, because {error}") from None
    held = {a.name for a in fixed(program)}
    text = environment().get_template(f"adapter_{style.replace('-', '_')}.jinja").render(
        name=program.name,
        class_name=f"{program.class_name}{suffix}",
        inner=f"{program.class_name}Loss",
        call=call,
        features=plan.features,
        lines=plan.lines,
        given={n: text for n, text in plan.given.items() if n not in held},
        passed={n: plan.given.get(n, n) for n in sorted(held)},
        numbers=plan.numbers,
        trained=plan.trained,
        bias=plan.bias,
        pair=any(r.normalise == "pair" for r in program.reductions),
        normalise=any(
            (atom.kind == "dot" and atom.left is not None and not atom.left.unit)
            for r in program.reductions
            for atom in r.log_kernel.atoms
        ),
    )  # fmt: skip
    return wrapped(text.rstrip() + "\n").rstrip()


AS_GIVEN = (
    "Features",
    "multiplied as they are given, as open_clip does; of rows of length one it is the loss above",
)


def as_called(program: Program, style: str) -> Program:
    """The program that a style calls: open_clip's losses do not divide features by their length."""
    if style != "clip" or not any(unit for r in program.reductions for unit in units(r)):
        return program
    reductions = tuple(replace(r, log_kernel=raw(r.log_kernel)) for r in program.reductions)
    return replace(program, reductions=reductions, known=(*program.known, AS_GIVEN))


def units(r: Reduction) -> list[bool]:
    """Whether the features of each score are divided by their length."""
    return [a.left is not None and a.left.unit for a in r.log_kernel.atoms]


def raw(k: LogKernel) -> LogKernel:
    """The kernel of features as they are."""
    atoms = []
    for a in k.atoms:
        if a.left is not None and a.right is not None:
            a = replace(a, left=replace(a.left, unit=False), right=replace(a.right, unit=False))
        atoms.append(a)
    return replace(k, atoms=tuple(atoms))


def arrays(program: Program) -> tuple[list[Argument], list[Argument], list[Argument]]:
    """The learned arrays, the other arrays and positions, and the numbers."""
    learned = [a for a in program.arguments if a.positional]
    numbers = [a for a in program.arguments if not a.shape and a.kind == "number"]
    rest = [a for a in program.arguments if a not in learned and a not in numbers]
    return learned, rest, numbers


def one_table(program: Program) -> Argument:
    """The one learned matrix of features. Raises Unsuited."""
    learned, _, _ = arrays(program)
    if len(learned) != 1 or len(learned[0].axes) != 1 or not learned[0].dim:
        names = ", ".join(f"{a.name} ({', '.join(a.shape)})" for a in learned)
        raise Unsuited(f"it learns {names}, and not one vector for each sample")
    return learned[0]


def is_labels(a: Argument, program: Program, axis: str) -> bool:
    """Whether an argument is one label for each row of features."""
    sized = {name for other in program.arguments for name in other.shape}
    return a.kind == "index" and a.axes == (axis,) and a.target not in sized


def is_partner(a: Argument, axis: str) -> bool:
    """Whether an argument is the position of another row for each row."""
    return a.kind == "index" and a.axes == (axis,) and a.target == axis


def labelled(program: Program) -> Plan:
    """Rows with labels: the labels themselves, or the other row of the same label."""
    features = one_table(program)
    axis = features.axes[0]
    _, rest, numbers = arrays(program)
    lines, given = [], {}
    for a in rest:
        if is_labels(a, program, axis):
            given[a.name] = "labels"
        elif is_partner(a, axis):
            lines = [PARTNERS]
            given[a.name] = "partner"
        else:
            raise Unsuited(f"{described(a)} cannot be made from labels")
    if not rest:
        raise Unsuited("it reads no labels, so a trainer's labels would change nothing")
    trained = tuple(a.name for a in numbers if a.learned)
    return Plan(("embeddings",), tuple(lines), given, tuple(a.name for a in numbers), trained)


PARTNERS = "partner = self.partner(labels)"


def paired(program: Program) -> Plan:
    """Two views of each sample: one table of both, or a table for each."""
    learned, rest, numbers = arrays(program)
    names, trained = tuple(a.name for a in numbers), tuple(a.name for a in numbers if a.learned)
    if two_tables(learned) and not rest:
        return Plan(("z0", "z1"), (), {}, names, trained)
    features = one_table(program)
    axis = features.axes[0]
    lines, given = ["count = len(z0)"], {}
    for a in rest:
        if is_labels(a, program, axis):
            given[a.name] = "torch.arange(count, device=z0.device).repeat(2)"
        elif is_partner(a, axis):
            given[a.name] = "torch.arange(2 * count, device=z0.device).roll(count)"
        else:
            raise Unsuited(f"{described(a)} cannot be made from two views")
    if not rest:
        raise Unsuited("it does not read which row is the other view")
    return Plan(("torch.cat([z0, z1])",), tuple(lines), given, names, trained)


def scaled(program: Program) -> Plan:
    """Two towers and a scale: the number whose kernel is the scale of open_clip."""
    learned, rest, numbers = arrays(program)
    if not two_tables(learned) or rest:
        others = ", ".join(described(a) for a in (*learned, *rest))
        raise Unsuited(f"it reads {others}, and not one image and one text for each row")
    r = program.reductions[0] if program.reductions else None
    parts = None
    if r is not None and len(r.log_kernel.atoms) == 1 and r.log_kernel.atoms[0].kind == "dot":
        score = r.log_kernel.atoms[0].symbol
        factor = r.log_kernel.slope(score)
        parts = linear(r.log_kernel) or (factor, sympy.expand(r.log_kernel.expr - factor * score))
    if parts is None or r is None or r.log_kernel.atoms[0].symbol in parts[1].free_symbols:
        raise Unsuited("its logits are no multiple of an inner product or cosine")
    known = {str(p.symbol): p.symbol for p in r.log_kernel.parameters}
    scale, bias = sympy.Symbol("logit_scale", positive=True), sympy.Symbol("logit_bias", real=True)
    given: dict[str, str] = {}
    for equation, unknown in ((parts[0], scale), (parts[1], bias)):
        left = [s for n, s in known.items() if s in equation.free_symbols and n not in given]
        if not left:
            continue
        found = sympy.solve(equation - unknown, left[0]) if len(left) == 1 else []
        if len(found) != 1:
            raise Unsuited(f"{equation} is no formula of one number that logit_scale could set")
        printer = SympyPrinter(TORCH, {unknown: str(unknown)})
        given[str(left[0])] = printer(sympy.expand_log(found[0]))
    if not parts[0].free_symbols:
        raise Unsuited("it has no temperature that logit_scale could set")
    names = [a.name for a in numbers]
    if missing := [n for n in names if n not in given]:
        raise Unsuited(f"nothing in the call says {', '.join(missing)}")
    with_bias = any("logit_bias" in text for text in given.values())
    return Plan(("image_features", "text_features"), (), given, bias=with_bias)


def two_tables(learned: list[Argument]) -> bool:
    """Whether there are two learned matrices over the same rows."""
    return len(learned) == 2 and learned[0].shape == learned[1].shape and bool(learned[0].dim)


def described(a: Argument) -> str:
    """An argument with its shape."""
    return f"{a.name} ({', '.join(a.shape)})" if a.shape else a.name
