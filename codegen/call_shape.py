"""Method -> the arguments of its programs: their names, order and shapes."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from typing import Literal

from catalog.divergences import DIVERGENCES
from catalog.spec import Declaration, Method
from catalog.symbols import IApp, IVar, Mask, Sym, walk
from codegen.ir import Argument

WORDS = """
torch nn np math Tensor rows columns left right score log_kernel kernel allowed log_q losses valid
weight weights term reduction valid_only entropy total peak share ctx self sizes expected dtype like
log_partition buffer bounded slope size mass member count sums others centre logits_p every anchors
value result scale scores anchor spare bound half upstream order log_p log_rows log_columns
p_ij p_ji q_ij weight_ij l O I
tl triton first start inside exponent rate drawn pull row_count column_count product
bounded wanted middle root near WIDTH SIZE NEAR
ACC ROWS COLUMNS BOUNDED SLICE OPERATORS SAFE NARROW INTERPRETED PRECISION SWEEPS PULLS
MERGES GROUPS groups slot kept place again top before raised more none
dist zlib team ring counts positions process_group contextmanager
training forward apply train to double cpu cuda parameters buffers children modules
"""
# what emitted code calls its own variables, letters that look like digits, and Python's own names
RESERVED = frozenset(WORDS.split()) | frozenset(dir(builtins)) | frozenset(keyword.kwlist)
MADE = re.compile(
    r"(index|grad|slope|every|size|column|expected|by|WANT)_\w+|(data|drawn|WIDTH|SLICE|p_score)\d*_\d+"
    r"|(scalar|row|pair|score|left|right)_\d+s?|row_sum\d*_\d+|(mass|g)\d+"
)
"""Names that emitted code makes for itself, such as row_1, grad_z and g1."""
ROLES = {
    "p": ("labels", "target", "weights", "epsilon", "bandwidth", "points", "distribution"),
    "q": ("temperature", "bandwidth", "dof", "scale", "power", "bias", "logit", "assignments"),
}
SPELLING = {"logit": "logits", "weights": "pair_weights"}


def call_shape(method: Method) -> tuple[Argument, ...]:
    """The arguments: learned arrays in the order of the kernel's parameters, then the rest."""
    used = mentioned(method)
    names = python_names(method, used)
    order = [s.name for s in learned_in_order(method)]
    declared = sorted(
        (d for d in method.declarations.values() if d.name in used),
        key=lambda d: (
            not (d.learned and shape_of(d)),
            order.index(d.name) if d.name in order else len(order),
        ),
    )
    return tuple(argument(d, names[d.name], method) for d in declared)


def mentioned(method: Method) -> set[str]:
    """The declared symbols that the pair (p, q) and its weights mention."""
    nodes = [
        part
        for b in method.icon.blocks
        for part in (b.weight, b.p, b.kernel, b.anchor_cond, b.neighbour_cond)
    ]
    if DIVERGENCES[method.icon.divergence].ordered:
        nodes.append(method.icon.degree)
    found = {n.name for node in nodes for n in walk(node) if isinstance(n, Sym | IApp | Mask)}
    return found & set(method.declarations)


def learned_in_order(method: Method) -> Iterator[Sym]:
    """The learned symbols as they come in the parameters of q."""
    for value in method.icon.q.params.values():
        for node in walk(value):
            if isinstance(node, Sym) and node.learned:
                yield node


def shape_of(declared: Declaration) -> bool:
    """Whether a declaration is an array."""
    return bool(declared.form.args if not isinstance(declared.form, IVar) else ()) or bool(
        getattr(declared.form, "dim", None)
    )


def python_names(method: Method, used: set[str]) -> dict[str, str]:
    """A Python name for each symbol: its role in a kernel where it has one, else its own."""
    taken = set(method.sets) | RESERVED
    names: dict[str, str] = {}
    for params, roles in (
        (method.icon.q.params, ROLES["q"]),
        (method.icon.p.params, ROLES["p"]),
    ):
        for role in roles:
            value = params.get(role)
            if isinstance(value, Sym | IApp) and value.name in used and value.name not in names:
                simple = all(isinstance(a, IVar) for a in value.args)
                spelled = SPELLING.get(role, role)
                if simple and spelled not in taken and spelled not in names.values():
                    names[value.name] = spelled
    ends = {k: v for k, v in method.icon.q.params.items() if k in ("embedding", "keys")}
    ambiguous = any(isinstance(v, Sym) and v.name in "lOI" for v in ends.values())
    for role, value in ends.items():
        if ambiguous and isinstance(value, Sym) and value.name not in names:
            names[value.name] = role
    for name in sorted(used):
        if name not in names:
            free = name
            while free in taken or MADE.fullmatch(free) or free in names.values():
                free += "_"
            names[name] = free
    return names


def argument(declared: Declaration, name: str, method: Method) -> Argument:
    """One declaration as an argument."""
    form = declared.form
    if isinstance(form, IVar):
        raise TypeError(f"{declared.name} is declared as a letter")
    axes = tuple(a.set.name for a in form.args)
    if isinstance(form, Sym):
        dim = form.dim.name if form.dim else None
        strict = form.kind in ("positive", "probability")
        text = declared.text
        kind: Literal["", "probability", "distribution"] = ""
        if form.kind == "probability" or form.kind == "distribution":
            kind = form.kind
        learned = declared.learned
        return Argument(name, form.name, "number", axes, dim, None, learned, strict, text, kind)
    text = declared.text
    if isinstance(form, Mask):
        return Argument(name, form.name, "mask", axes, None, None, False, False, text)
    return Argument(name, form.name, "index", axes, None, form.set.name, False, False, text)


def size_names(method: Method, arguments: tuple[Argument, ...]) -> dict[str, str]:
    """The Python text of the size of each set: a number where its elements are named."""
    sizes = {s.name: str(len(s.elements)) for s in method.sets.values() if s.elements}
    taken = {a.name for a in arguments}
    for argument in arguments:
        for axis in argument.shape:
            if axis not in sizes:
                clash = axis in taken | RESERVED or MADE.fullmatch(axis)
                sizes[axis] = f"size_{axis}" if clash else axis
    return sizes
