"""The supervisory p in blocks, as torch functions, where a row has more than one target."""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.conditions import conjuncts
from catalog.symbols import Expr, Iverson
from codegen import log_space
from codegen.divergence import takes_log_p
from codegen.missing import signed
from codegen.pieces import Pieces, positions, unique
from codegen.printers import TensorPrinter
from codegen.render import environment
from codegen.text import Text
from codegen.trees import hoist

ABOUT = {
    "one-hot": "all the mass on the target",
    "proportional": "weights over their sum in the row",
    "softmax": "the softmax of fixed logits",
    "given": "as the formula states it",
    "match": "1 where the pair matches",
}


@dataclass(frozen=True)
class BlockTarget:
    """The text of p in blocks.

    `call` is the expression for p of the block (rows, columns), `back` that for p(i|j) in the same
    layout (empty where they agree). `functions` is the source of the functions they call, `setup`
    the lines before the sweep, `entropy` an expression for the entropy of every row, `valid` one
    for the rows that have a p (None: all). `data` are the tensors and `integers` the
    loop variables and sizes that `call` reads.
    """

    call: str
    back: str
    functions: str
    setup: list[str]
    entropy: str
    valid: str | None
    data: list[str]
    integers: list[str]


def block_target(
    pieces: Pieces, shared: bool = False, travelling: tuple[str, ...] | None = None
) -> BlockTarget:
    """The functions that compute p block by block.

    `shared`, its sums over rows are taken by all ranks; `travelling` names the matrices whose rows
    are passed from rank to rank, None where every rank has all rows.
    """
    r, t, k = pieces.reduction, pieces.reduction.target, pieces.k
    expr = t.expr
    taken: list[tuple[str, Expr]] = []
    if t.form == "given":
        expr, taken = hoist(log_space.shifted(t.expr), r.row, r.column, f"row_sum{k}_")
    printer = pieces.printer(r.row, r.column, block=True)
    printer.names = {**pieces.program.names, **{name: name for name, _ in taken}}
    printer.cast = ".to(like.dtype)"
    binary = t.binary and isinstance(expr, Iverson)
    part = printer.cond(expr.cond) if binary else printer.expr(expr)  # type: ignore[union-attr]
    text = replace(printer.lift(part, (r.row, r.column)), axes=part.axes)
    mask = ""
    if r.allowed.kind != "all" and not (binary and repeats_allowed(pieces)):
        mask = printer.lift(printer.cond(r.allowed.cond), (r.row, r.column)).code
    code = spread(pieces, text, printer)

    # what the functions read
    data = unique(
        [
            *pieces.names_in(expr, *([r.allowed.cond] if mask else [])),
            *(name for name, _ in taken),
            *positions(code + mask),
        ]
    )
    integers = pieces.integers_in(f"{code} {mask}")
    checked = stated(pieces)
    least = "-math.inf" if t.form == "softmax" else "0"
    mass = checked or t.form in ("proportional", "softmax")
    like = "like." in code or (t.binary and t.form not in ("proportional", "softmax"))
    names = [*data, *integers]

    ring = travelling is not None
    parts = [n for n in names if n in (travelling or ())]
    functions = environment().get_template("torch_target.jinja").render(
        k=k,
        form=t.form,
        symmetrised=t.symmetrised,
        checked=checked,
        mass=mass,
        count="len(mass)" if always_has_rows(pieces) else f"(mass != {least}).sum().clamp(min=1)",
        args=[f"{n}: {'int' if n in integers else 'Tensor'}" for n in names]
        + (["like: Tensor"] if like else []),
        names=[*names, *(["like"] if like else [])],
        text=code,
        binary=t.binary,
        signed=signed(t.expr) and not t.binary,
        mask=mask,
        outcomes=t.form == "match",
        entropy=pieces.program.kl,
        logs=takes_log_p(r),
        shared=shared,
        ring=ring,
        team="ring: _Ring" if ring else "team: _Team",
        opened="\n".join(f"{n} = ring.travelling({n})" for n in parts),
        travelling=", ".join(parts),
        doc=ABOUT[t.form],
    )  # fmt: skip

    team = ["ring" if ring else "team"] if shared else []
    given = [*names, *([pieces.anchor_in_block()] if like else [])]
    size = pieces.program.sizes[r.row.set.name]
    setup = [f"{name} = {pieces.printer(r.row).expr(node).code}" for name, node in taken]
    if mass:
        outside = [n.removesuffix(".own") for n in given]
        sums = f"_target_mass{k}({', '.join([size, *outside, *team])})"
        sums = f"{sums}.to({pieces.anchor()}.dtype)"
        setup.append(f"mass{k} = {pieces.known(sums, stated=checked)}")
        if r.normalise == "joint" and not t.symmetrised:
            whole = "logsumexp(0)" if t.form == "softmax" else "sum()"
            setup.append(f"mass{k} = mass{k}.{whole}.expand({size})")
        given.append(f"mass{k}")
        data.append(f"mass{k}")
    valid = f"mass{k} != {least}" if mass else None
    inside = ", ".join(given)
    outside = [n.removesuffix(".own") for n in given]
    return BlockTarget(
        call=f"_target{k}(rows, columns, {inside})",
        back="" if t.symmetrised else f"_target{k}(columns, rows, {inside}).T",
        functions=functions,
        setup=setup,
        entropy=f"_target_entropy{k}({', '.join([size, *outside, *team])})",
        valid=valid,
        data=data,
        integers=integers,
    )


def spread(pieces: Pieces, text: Text, printer: TensorPrinter) -> str:
    """The text of p over a whole block, where the formula leaves out the row or the column."""
    if len(text.axes) == 2:
        return text.code
    r = pieces.reduction
    here, there = (printer.position(v).code for v in (r.row, r.column))
    shape = f"(len({here}), len({there}))"
    return f"like.new_full({shape}, {text.code})" if text.plain else f"({text.code}).expand{shape}"


def stated(pieces: Pieces) -> bool:
    """Whether p is a formula of the file's own, which may divide by zero in some rows."""
    named = pieces.program.method.icon.p.name
    return named == "formula" and pieces.reduction.target.form == "given"


def always_has_rows(pieces: Pieces) -> bool:
    """Whether every row has a p whatever the data, if there are two points."""
    r = pieces.reduction
    return r.target.form == "softmax" and r.allowed.kind != "mask"


def repeats_allowed(pieces: Pieces) -> bool:
    """Whether the condition of a binary p says already which pairs are allowed."""
    r = pieces.reduction
    if not isinstance(r.target.expr, Iverson):
        return False
    return set(conjuncts(r.allowed.cond)) <= set(conjuncts(r.target.expr.cond))
