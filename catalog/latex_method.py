r"""A method in LaTeX: its symbols, definitions, hypotheses, formulas and claim, each for math mode.

No letter is left without a meaning: what is printed can be read without the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.latex import Latex, letter, symbol, to_latex
from catalog.latex_claim import NOT, divergence_latex, method_latex
from catalog.naming import name_all, primed, sorted_free
from catalog.spec import Declaration, Method
from catalog.symbols import (
    Big,
    Call,
    IApp,
    IndexSet,
    IVar,
    Iverson,
    Macro,
    Node,
    SetRef,
    Sym,
    walk,
)

WORDS = {
    "relu": r"\operatorname{relu}(x) = \max(x, 0)",
    "sigmoid": r"\operatorname{sigmoid}(x) = \frac{1}{1 + \exp(-x)}",
    "softplus": r"\operatorname{softplus}(x) = \log(1 + \exp(x))",
    "sg": r"\operatorname{sg}(x) = x, \text{ whose derivative is taken to be } 0",
    "mean": r"\operatorname*{mean}_{x \in S} f(x) = \frac{1}{\lvert S \rvert} \sum_{x \in S} f(x)",
    "bracket": r"\left[A\right] = 1 \text{ where } A \text{ holds, and } 0 \text{ elsewhere}",
}
"""What the signs mean that are this project's, for a reader without the paper."""

Section = tuple[str, tuple[str, ...]]


def typeset(method: Method) -> tuple[Section, ...]:
    """The whole method: titles in words, and formulas below each; none of them is empty."""
    shown = method_latex(method)
    said = method.claim.relation
    claimed = [("claim", [shown.claim])]
    if method.statements:
        wrong = NOT if said == "false-as-stated" else ""
        claimed = [(f"states: {f.text}", [wrong + to_latex(f)]) for f in method.statements]
        if wrong and len(claimed) > 1:  # one of them is refuted: together they are not true
            claimed = [("states", [shown.claim])]
    sections: list[tuple[str, list[str]]] = [
        ("symbols", [*map(set_latex, used_sets(method)), *dimensions(method),
                     *map(declared, method.declarations.values())]),
        ("signs", signs(method)),
        ("definitions", [line for node in abbreviations(method) for line in defined(node)]),
        *((f"assumes: {f.text}", [to_latex(f)]) for f in method.assumes),
        (f"published ({method.source.where})",
         [rf"\mathcal{{L}} = {shown.published}"] if shown.published else []),
        ("p", list(shown.p)), ("q", list(shown.q)),
        ("D", [divergence_latex(method)] if method.icon.blocks and not method.statements else []),
        *claimed,
        *((f"lemma: {f.text}", [to_latex(f)]) for f in method.steps),
    ]  # fmt: skip
    return tuple((title, tuple(lines)) for title, lines in sections if lines)


# ---------------------------------------------------------------------- symbols and definitions


def trees(method: Method) -> Iterator[Node]:
    """Every formula of a method."""
    claim = method.claim
    if not method.statements:
        yield method.published
        yield from (claim.scale, claim.constant)
    yield from (side for side in (claim.below, claim.above) if side is not None)
    for fact in (*method.assumes, *method.statements, *method.steps):
        yield from (fact.left, fact.right)
    for block in method.icon.blocks:
        yield from (block.anchor_cond, block.neighbour_cond, block.weight, block.p, block.kernel)
        yield from (*block.anchors, *block.neighbours)


def nodes(method: Method) -> Iterator[Node]:
    """Every node of every formula, and the variables that binders bind."""
    for tree in trees(method):
        for node in walk(tree):
            yield node
            yield from getattr(node, "vars", ())


def used_sets(method: Method) -> list[tuple[IndexSet, tuple[str, ...]]]:
    """The index sets with the letters that range over them, as the file orders them."""
    letters: dict[IndexSet, dict[str, None]] = {s: {} for s in method.sets.values()}
    forms = [n for d in method.declarations.values() for n in walk(d.form)]
    for node in (*forms, *nodes(method)):
        if isinstance(node, IVar):
            letters.setdefault(node.set, {}).setdefault(node.name.split("'")[0])
        elif isinstance(node, IApp):
            letters.setdefault(node.set, {})
    return [(s, tuple(sorted(found))) for s, found in letters.items()]


def set_latex(entry: tuple[IndexSet, tuple[str, ...]]) -> str:
    """The letters of a set and what they range over; the name of a set is its size."""
    of, letters = entry
    size, letters = symbol(of.name), tuple(map(letter, letters))
    if of.elements:
        shown = rf"\{{ {', '.join(map(symbol, of.elements))} \}}"
        named = [", ".join(letters) + rf" \in {shown}"] if letters else []
        return r", \quad ".join([*named, rf"{size} = \lvert {shown} \rvert"])
    if letters:
        return rf"{', '.join(letters)} \in \{{1, \dots, {size}\}}"
    return rf"{size} \in \{{1, 2, \dots\}}"


def dimensions(method: Method) -> list[str]:
    """The dimensions of vectors."""
    forms = [d.form for d in method.declarations.values()]
    found = {f.dim.name: None for f in forms if isinstance(f, Sym) and f.dim is not None}
    return [rf"{symbol(name)} \in \{{1, 2, \dots\}}" for name in found]


def declared(line: Declaration) -> str:
    """A symbol with its type, and whether training changes it."""
    form = line.form
    if isinstance(form, Sym):
        shown = to_latex(form)
        dim = symbol(form.dim.name) if form.dim else ""
        last = to_latex(form.args[-1]) if form.args else ""
        kind = {
            "vector": rf"\in \mathbb{{R}}^{{{dim}}}", "real": r"\in \mathbb{R}", "positive": "> 0",
            "nonnegative": r"\ge 0", "probability": r"\in (0, 1)",
            "distribution": rf"\ge 0, \quad \sum_{{{last}}} {shown} = 1",
        }[form.kind]  # fmt: skip
        said = f"{shown} {kind}"
    elif isinstance(form, IVar | IApp):
        values = ", ".join(map(symbol, form.set.elements))
        values = values or rf"1, \dots, {symbol(form.set.name)}"
        said = rf"{to_latex(form)} \in \{{ {values} \}}"
    else:
        names = name_all(sorted_free(form), {}, frozenset(), primed)
        said = rf"{Latex(names).indexed(form.name, form.args)} \in \{{0, 1\}}"
    return rf"{said} \quad \text{{({'learned' if line.learned else 'given'})}}"


def signs(method: Method) -> list[str]:
    """What the signs of this project mean, those that occur."""
    found = set[str]()
    for node in nodes(method):
        if isinstance(node, Call):
            found.add(node.fn)
        elif isinstance(node, Big):
            found.add(node.op)
        elif isinstance(node, Iverson):
            found.add("bracket")
    return [said for word, said in WORDS.items() if word in found]


def abbreviations(method: Method) -> list[Macro | SetRef]:
    """An instance of every abbreviation, with letters for its arguments where there is one.

    Of an abbreviation that is never used with letters of its own, every instance is given.
    """
    found: dict[str, dict[str, Macro | SetRef]] = {}
    for node in nodes(method):
        if isinstance(node, Macro | SetRef):
            found.setdefault(node.name, {}).setdefault(head(node), node)
    out: list[Macro | SetRef] = []
    for instances in found.values():
        plain = [n for n in instances.values() if is_plain(n)]
        out += plain[:1] or instances.values()
    return out


def is_plain(node: Macro | SetRef) -> bool:
    """Whether an instance has different letters for arguments, and so says what all others are."""
    args = (*node.args, node.element) if isinstance(node, SetRef) else node.args
    return all(isinstance(a, IVar) for a in args) and len(set(args)) == len(args)


def shown_names(node: Macro | SetRef) -> Latex:
    """A writer with names for the indices of an instance."""
    return Latex(name_all(sorted_free(node), {}, frozenset(), primed))


def head(node: Macro | SetRef) -> str:
    """The left side of a definition."""
    return shown_names(node).applied(node.name, node.args)


def defined(node: Macro | SetRef) -> Iterator[str]:
    """The definition that an instance of an abbreviation shows."""
    write = shown_names(node)
    if isinstance(node, Macro):
        yield f"{head(node)} = {write.expr(node.body)}"
    else:
        yield rf"{head(node)} = \{{ {write.index(node.element)} :\, {write.cond(node.cond)} \}}"
