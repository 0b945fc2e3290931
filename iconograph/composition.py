"""A loss put together from the vocabulary: two kernels and a divergence become a method file.

    --p same-label --q student-t --divergence jsd

What comes out is a text of docs/format.md, read, judged and generated like any other. Whatever the
vocabulary does not give a meaning to is refused here, with the reason: `admissible` is the rule.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from catalog.divergences import DIVERGENCES, Divergence
from catalog.errors import InputError, did_you_mean
from catalog.formula import parse_expr
from catalog.kernels import P_KERNELS, Q_KERNELS, PKernel, QKernel
from catalog.load import load_text
from catalog.pair import divergence as loss_of
from catalog.scope import Scope
from catalog.spec import Claim, Icon, Method, Source
from catalog.symbols import Num
from iconograph.inline import document, head, kernel, pair
from iconograph.vocabulary import LAYOUTS, Default, Layout, misfits, p_defaults, q_defaults

SPARSE = ("one-hot", "same-label", "uniform", "symmetrised-uniform", "match")
"""Supervisory kernels that are 0 at some allowed neighbours."""

FINITE = tuple(d.name for d in DIVERGENCES.values() if not d.full)


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
) -> Method:
    """The loss sum over anchors of weight * D(p, q) for two kernels of the vocabulary.

    `p` and `q` read `kernel parameter=value ...`; symbols in a value that is given are declared by
    `learned` and `given` and bounded by `assume`, as in `iconograph verify -f`. `normalise` is row
    (the default, but for a kernel of pairs), joint, row-and-column or pair; `neighbours` is others
    (the default) or classes.

    Raises:
        InputError: there is no such kernel, divergence or normalisation, a value is wrong, the
            kernels do not go together, or the divergence is not defined for this p.
    """
    p_table, q_table = kernel(p, "--p"), kernel(q, "--q")
    p_name, q_name = p_table["kernel"], q_table["kernel"]
    known(p_name, P_KERNELS, "--p")
    known(q_name, Q_KERNELS, "--q")
    checked_numbers(p_table, "--p")
    checked_numbers(q_table, "--q")
    layout = laid_out(normalise, neighbours, P_KERNELS[p_name])
    for why, hint in misfits(p_name, q_name, layout):
        raise InputError(why, hint=hint)
    found = checked(divergence, order, p_name)
    defaults = {
        **missing(p_table, P_KERNELS[p_name], p_defaults(p_name, layout, found.full), "--p"),
        **missing(q_table, Q_KERNELS[q_name], q_defaults(q_name, layout), "--q"),
    }
    tables: dict[str, dict[str, object]] = {
        "sets": dict(layout.sets), "learned": {}, "given": {}, "assumes": {},
    }  # fmt: skip
    for default in defaults.values():
        tables["sets"] |= default.sets
        tables["learned"] |= default.learned
        tables["given"] |= default.given
        tables["assumes"] |= default.assumes
    tables["learned"] |= dict(pair(text, "--learned", "z=vector[i]") for text in learned)
    tables["given"] |= dict(pair(text, "--given", "y=label[i]") for text in given)
    tables["assumes"] |= {text: text for text in assume}
    icon = {**layout.icon, "divergence": divergence, **({"order": order} if order else {})}
    kernels = f"{p_name} against {q_name}"
    over = "" if layout.name == "row" or P_KERNELS[p_name].base else f"-{layout.name}"
    text = document({
        **head(name or f"{p_name}-{q_name}-{divergence}{over}",
               f"{kernels}, compared by the {found.title} divergence"),
        "summary": "A loss put together from the vocabulary of kernels and divergences.",
        **tables, "icon": icon, "p": p_table, "q": q_table, "claim": {"relation": "definition"},
    })  # fmt: skip
    options = {
        "p": p, "q": q, "divergence": divergence, "order": order, "normalise": normalise,
        "neighbours": neighbours,
    }  # fmt: skip
    return load_text(text, of_options(options, learned=learned, given=given, assume=assume))


def of_options(options: Mapping[str, str | None], **several: Iterable[str]) -> str:
    """How a program says what it was made from, in place of the path of a file."""
    words = [f"--{k} {shlex.quote(v)}" for k, v in options.items() if v is not None]
    words += [f"--{k} {shlex.quote(v)}" for k, values in several.items() for v in values]
    return f"the options {' '.join(words)}"


# --------------------------------------------------------------------------- what is admissible


def known(name: str, kernels: Mapping[str, object], option: str) -> None:
    """Check that a kernel exists. Raises InputError."""
    if name not in kernels:
        hint = did_you_mean(name, kernels) or f"kernels: {', '.join(sorted(kernels))}"
        raise InputError(f"{option}: unknown kernel {name[:40]!r}", hint=hint)


POSITIVE = {
    "temperature": "the temperature",
    "bandwidth": "the bandwidth",
    "dof": "the number of degrees of freedom",
}


def checked_numbers(table: Mapping[str, str], option: str) -> None:
    """Check the parameters of a kernel that are numbers. Raises InputError."""
    for name, what in POSITIVE.items():
        value = table.get(name, "")
        if re.fullmatch(r"[-+]?\d+(\.\d+|/0*[1-9]\d*)?", value) and not Fraction(value) > 0:
            raise InputError(
                f"{option}: {what} of {table['kernel']} should be positive, got {name}={value}",
                hint=f"{name}=1, or a symbol that --given declares positive",
            )


def laid_out(normalise: str | None, neighbours: str | None, p: PKernel) -> Layout:
    """The layout that the options name. Raises InputError."""
    names = [name for name in LAYOUTS if name != "classes"]
    if normalise is not None and normalise not in names:
        hint = did_you_mean(normalise, names) or f"one of {', '.join(names)}"
        raise InputError(f"there is no normalisation {normalise[:40]!r}", hint=hint)
    if neighbours not in (None, "others", "classes"):
        raise InputError(
            f"--neighbours {neighbours[:40]!r}: it is others or classes here",
            hint="a method file can say more, see docs/format.md",
        )
    if neighbours is not None and normalise not in (None, "row"):
        raise InputError(
            f"--neighbours is for rows, and --normalise {normalise} has neighbours of its own",
            hint="leave one of the two out",
        )
    if neighbours == "classes":
        return LAYOUTS["classes"]
    return LAYOUTS[normalise or ("joint" if p.base and neighbours is None else "row")]


def checked(divergence: str, order: str | None, p_kernel: str) -> Divergence:
    """The divergence, where it is defined for this order and this p.

    Raises:
        InputError: there is none of that name, it has no order or needs one, or it is infinite.
    """
    if divergence not in DIVERGENCES:
        hint = did_you_mean(divergence, DIVERGENCES) or f"known: {', '.join(DIVERGENCES)}"
        raise InputError(f"there is no divergence {divergence[:40]!r}", hint=hint)
    found = DIVERGENCES[divergence]
    if found.ordered and order is None:
        raise InputError(f"the divergence {divergence!r} needs an order", hint="--order 1/2")
    if not found.ordered and order is not None:
        ordered = ", ".join(d.name for d in DIVERGENCES.values() if d.ordered)
        raise InputError(f"the divergence {divergence!r} has no order", hint=f"{ordered} have one")
    value = number(order)
    if value is not None and value <= 0:
        raise InputError(f"the order {order} is not positive", hint="such as --order 1/2")
    if value is not None and found.but and value == Fraction(found.but):
        raise InputError(
            f"at order {found.but} the divergence {divergence!r} is a limit and has no value",
            hint="use --divergence kl, which is that limit",
        )
    if found.full and p_kernel in SPARSE:
        raise InputError(
            f"the divergence {divergence!r} is infinite where p is 0, and p = {p_kernel} is 0 at "
            "some allowed neighbours",
            hint=f"use a p without zeros, such as smoothed, or one of {', '.join(FINITE)}",
        )
    return found


def number(text: str | None) -> Fraction | None:
    """The value of a number, None for a formula or nothing."""
    try:
        return None if text is None else Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def missing(
    table: dict[str, str], spec: PKernel | QKernel, defaults: Mapping[str, Default], option: str
) -> dict[str, Default]:
    """The defaults of the parameters that `table` leaves out, entered there.

    Raises:
        InputError: a parameter that is left out has none.
    """
    for param in spec.params:
        if param.default is None and param.name not in {*table, *defaults}:
            raise InputError(
                f"{option} {spec.name} needs {param.name}: {param.doc}",
                hint=f"{option} \"{spec.name} {param.name}='...'\", with --learned and --given for "
                "what it mentions",
            )
    left = {name: default for name, default in defaults.items() if name not in table}
    if "embedding" in table:  # the neighbour is then from the same table, unless the keys are given
        left.pop("keys", None)
    table |= {name: default.text for name, default in left.items()}
    return left


# --------------------------------------------------------------------------- an existing pair


def recompared(method: Method, divergence: str, order: str | None = None) -> Method:
    """The pair of a method compared by another divergence: a new loss, not the published one.

    Raises:
        InputError: the method has no pair, or the divergence is not defined for its p.
    """
    if not method.icon.blocks:
        raise InputError(f"{method.id} states no pair, so there is nothing to compare")
    found = checked(divergence, order, method.icon.p.name)
    old = method.icon
    if order is not None and number(order) is None:
        raise InputError(f"--order {order[:40]!r} is no number", hint="such as --order 1/2")
    degree = parse_expr(order, Scope({}, {})) if order is not None else old.degree
    icon = replace(old, divergence=divergence, degree=degree)
    if same(icon, old):
        return method
    was = DIVERGENCES[old.divergence].title
    return replace(
        method,
        id=f"{method.id}-{divergence}",
        name=f"{method.name}, compared by the {found.title} divergence",
        aliases=(),
        summary=f"The pair (p, q) of {method.id}, compared by the {found.title} divergence. It is "
        f"not the published loss of {method.id}, whose entry compares them by the {was} one.",
        icon=icon,
        published=loss_of(icon),
        published_text="",
        source=Source(""),
        claim=Claim("definition", Num(Fraction(1)), Num(Fraction(0))),
        conventions={},
        statements=(),
        steps=(),
        erratum=None,
        path=of_options({"divergence": divergence, "order": order}) + f" and {method.id}.toml",
    )


def same(icon: Icon, other: Icon) -> bool:
    """Whether two pairs are compared alike."""
    ordered = DIVERGENCES[icon.divergence].ordered
    return icon.divergence == other.divergence and (
        not ordered or repr(icon.degree) == repr(other.degree)
    )
