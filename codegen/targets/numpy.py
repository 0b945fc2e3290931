"""IR -> NumPy: the dense reference with its gradient, written out by reverse mode."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.spec import Block
from catalog.symbols import Expr, IVar, Sym, walk
from codegen import blocks, dense, divergence
from codegen.adjoint import Adjoint
from codegen.checks import checked, covered, named_sizes
from codegen.dialects import NUMPY
from codegen.ir import Program
from codegen.layout import indented, wrapped
from codegen.pieces import Pieces
from codegen.render import environment, header, helpers
from codegen.signature import arguments_doc, choices, none_doc
from codegen.text import PRODUCT, Text


def emit(program: Program) -> str:
    """The NumPy source of a program."""
    if program.reductions:
        groups = [group(Pieces(program, r, dialect=NUMPY)) for r in program.reductions]
    else:
        groups = [block_group(program, b) for b in program.method.icon.blocks]
    body = "\n".join(with_positions(program, combine(program, groups)))
    lines = [*checked(program), *covered(program)]
    whole = "\n".join([*lines, body])
    extra = divergence.functions(program, NUMPY, whole)
    text = environment().get_template("numpy.jinja").render(
        header=header(program),
        certificate=repr(program.certificate_hash),
        name=program.name,
        title=program.method.name,
        signature=signature(program),
        arguments_doc="\n".join(arguments_doc(program)),
        none_doc=none_doc(program),
        inputs="\n".join(lines),
        body=body,
        helpers="\n\n\n".join([*extra, *helpers("numpy_helpers.jinja", whole)]),
    )
    return wrapped(text)


def signature(program: Program) -> list[str]:
    """The parameters of the function."""
    kind = {"number": "np.ndarray", "index": "np.ndarray", "mask": "np.ndarray"}
    first = [f"{a.name}: np.ndarray" for a in program.arguments if a.positional]
    rest = [
        f"{a.name}: {kind[a.kind] if a.shape or a.kind != 'number' else 'float'}"
        for a in program.arguments
        if not a.positional
    ]
    return [*first, "*", *rest, *choices(program)]


@dataclass(frozen=True)
class Group:
    """The lines of one group of anchors: its loops, its losses, and the reverse sweep."""

    loops: list[str]
    losses: list[str]
    sweep: list[str]


def group(pieces: Pieces) -> Group:
    """A reduction over pairs."""
    return Group(list(pieces.loops()), dense.lines(pieces), gradient(pieces))


def block_group(program: Program, block: Block) -> Group:
    """A block that is no reduction over pairs."""
    return Group(
        [], blocks.lines(program, block, NUMPY), blocks.numpy_gradient(program, block, NUMPY)
    )


def gradient(pieces: Pieces) -> list[str]:
    """The reverse sweep of one reduction, from `share` to `grad_<argument>`."""
    r, k = pieces.reduction, pieces.reduction.log_kernel
    ratio = r.plan.sums == "ratio"
    column = "" if r.normalise in ("joint", "pair") else "[:, None]"
    out = []
    if ratio:
        # d loss / d k = share * (q - p) / k, with q / k = 1 / total finite where k is 0
        total = "np.where(total == 0, 1.0, total)"
        by_p = "p_ij / np.where(p_ij <= 0, 1.0, kernel)"
        out.append(f"by_kernel = share{column} * (1 / {total} - {by_p})")
        if r.allowed.kind != "all":
            out.append("by_kernel = np.where(allowed, by_kernel, 0.0)")
        slope_of, start = k.growth, "by_kernel"
    else:
        out += slopes(pieces, column)
        slope_of, start = k.slope, "weight_ij"
    whole = (r.row, r.column)
    for atom in k.atoms:
        text = pieces.formula(slope_of(atom.symbol), PRODUCT, block=False)
        name = f"slope_{atom.symbol}"
        out.append(f"{name} = {start} * {text}" if text != "1" else f"{name} = {start}")
        if pieces.is_singular():
            out.append(f"{name} = np.where({atom.symbol} > np.finfo(float).tiny, {name}, 0.0)")
        g = Text(name, whole)
        if atom.array is not None:
            out += pulled(pieces, atom.array, g, r.row, r.column)
            continue
        assert atom.left is not None and atom.right is not None
        left, right = next(n[1:] for n in pieces.feature_names() if n[0] == atom)
        if atom.kind == "dot":
            sides = [f"{name} @ {right}", f"{name}.T @ {left}"]
        else:
            sides = [
                f"2 * ({name}.sum(1)[:, None] * {left} - {name} @ {right})",
                f"2 * ({name}.sum(0)[:, None] * {right} - {name}.T @ {left})",
            ]
        ends = (("by_left", atom.left, left), ("by_right", atom.right, right))
        for code, (side, feature, value) in zip(sides, ends, strict=True):
            if not any(isinstance(n, Sym) and n.learned for n in walk(feature.expr)):
                continue
            out.append(f"{side} = {code}")
            if feature.unit:
                # the derivative of u / |u|: what is along u does not count
                raw = pieces.printer(feature.axis).expr(feature.expr)
                out.append(f"{side} = {side} - ({side} * {value}).sum(-1, keepdims=True) * {value}")
                out.append(
                    f"{side} = {side} / np.linalg.norm({raw.code}, axis=-1, keepdims=True)"
                )
            axes = (feature.axis, *((feature.column,) if feature.column else ()))
            adjoint = Text(side, axes, vector=feature.column is None)
            out += pulled(pieces, feature.expr, adjoint, *axes)
    for p in k.parameters:
        if p.axis == "pair" or not p.moves:
            continue
        text = pieces.formula(slope_of(p.symbol), PRODUCT, block=False)
        axis = {"scalar": (), "row": (r.row,), "column": (r.column,)}[p.axis]
        total = {"scalar": ".sum()", "row": ".sum(1)", "column": ".sum(0)"}[p.axis]
        code = f"({start} * {text}){total}" if text != "1" else f"{start}{total}"
        out += pulled(pieces, p.expr, Text(code, axis), *axis)
    return out


def slopes(pieces: Pieces, column: str) -> list[str]:
    """Lines for `weight_ij`, the derivative of the loss in the log-kernel of every pair."""
    r = pieces.reduction
    if r.divergence == "kl":
        return [f"weight_ij = share{column} * (q_ij - p_ij)"]
    order = divergence.passed(pieces.program.method.icon)
    if r.normalise == "pair":
        return [
            f"by_match = _slope(p_ij, log_q{order}) * (1 - q_ij)",
            f"by_null = _slope(1 - p_ij, log_null{order}) * q_ij",
            "weight_ij = share * (by_match - by_null)",
        ]
    total = "slope_ij.sum()" if r.normalise == "joint" else "slope_ij.sum(axis=1, keepdims=True)"
    p = "log_p" if divergence.takes_log_p(r) else "p_ij"
    return [
        f"slope_ij = _slope({p}, log_q{order})",
        f"weight_ij = share{column} * (slope_ij - q_ij * {total})",
    ]


def pulled(pieces: Pieces, node: Expr, g: Text, *layout: IVar) -> list[str]:
    """Statements that take an adjoint down to the arguments."""
    sweep = Adjoint(pieces.printer(*layout))
    sweep.pull(node, g)
    return sweep.lines


def combine(program: Program, groups: list[Group]) -> list[str]:
    """All losses with their reverse sweeps; both are divided by the weight of the anchors."""
    learned = [a for a in program.arguments if a.learned]
    out = [f"grad_{a.name} = np.zeros_like({a.name})" for a in learned]
    out += ["value, anchors = 0.0, 0.0", "every: list[np.ndarray] = []"]
    for g in groups:
        ones = "np.ones_like(losses)"
        weight = ones if program.uniform else f'weight if reduction == "mean" else {ones}'
        body = [
            *g.losses,
            f"weight = {weight}",
            "share = np.where(valid, weight, 0.0)",
            "value += (share * losses).sum()",
            "anchors += (share if valid_only else weight).sum()",
            "every.append(np.where(valid, losses, 0.0))",
            *g.sweep,
        ]
        for depth, loop in enumerate(g.loops):
            out.append("    " * depth + loop)
        out += indented(body, len(g.loops))
    several = len(groups) > 1 or bool(groups[0].loops)
    grads = ", ".join(f'"{a.name}": grad_{a.name} * scale' for a in learned)
    listed = "np.concatenate(every)" if several else "every[0]"
    return [
        *out,
        'scale = 1 / anchors if reduction == "mean" and anchors > 0 else 1.0',
        f'result = {listed} if reduction == "none" else np.asarray(value * scale)',
        f"return result, {{{grads}}}",
    ]


def with_positions(program: Program, body: list[str]) -> list[str]:
    """`body` preceded by the sizes and position arrays that it mentions."""
    text = "\n".join(body)
    ranges = [
        f"index_{axis} = np.arange({size})"
        for axis, size in program.sizes.items()
        if re.search(rf"\bindex_{axis}\b", text)
    ]
    return [*named_sizes(program, "\n".join([text, *ranges])), *ranges, *body]
