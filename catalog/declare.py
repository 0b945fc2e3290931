"""[sets], [learned], [given], [define] and [assumes] -> the scope that formulas are read in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from catalog.errors import InputError, did_you_mean
from catalog.formula import Define, Scope, names_in, parse_define, parse_head, parse_type
from catalog.params import Text
from catalog.scope import RESERVED
from catalog.spec import Declaration
from catalog.symbols import IApp, Index, IndexSet, IVar, Mask, Sym

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
MAX_NODES = 20_000  # of all abbreviations of a file together
SCALARS = ("real", "positive", "nonnegative", "probability", "distribution")
TYPES = (*SCALARS, "vector", "label", "index", "mask")


def read_sets(sets: Mapping[str, tuple[Text, tuple[str, ...]]]) -> Scope:
    """The index sets, each with the text of its letters and its elements. Raises InputError."""
    found: dict[str, IndexSet] = {}
    letters: dict[str, IndexSet] = {}
    taken: dict[str, str] = {}
    for name, (text, elements) in sets.items():
        found[name] = IndexSet(name, elements)
        claim(name, "a set", taken, text)
        for element in elements:
            claim(element, f"an element of {name}", taken, text)
        for letter in text.text.split():
            claim(letter, f"a letter of {name}", taken, text)
            letters[letter] = found[name]
    return Scope(found, letters)


def claim(name: str, role: str, taken: dict[str, str], text: Text) -> None:
    """Take a name for one role. Raises InputError when it is malformed, reserved or taken."""
    if not NAME.match(name):
        raise text.error(
            f"{name[:40]!r} is no name", "a letter, then letters, digits or underscores"
        )
    if name in RESERVED:
        raise text.error(f"{name!r} is a word of the formula language", "choose another name")
    if name in taken:
        both = f"both {taken[name]} and {role}" if taken[name] != role else f"{role} already"
        raise text.error(f"{name!r} is {both}", "choose another name")
    taken[name] = role


def roles(scope: Scope) -> dict[str, str]:
    """What every name of the scope is."""
    found = {name: "a set" for name in scope.sets}
    found |= {e: f"an element of {s.name}" for s in scope.sets.values() for e in s.elements}
    found |= {letter: f"a letter of {s.name}" for letter, s in scope.letters.items()}
    found |= {name: "a declared symbol" for name in scope.declarations}
    return found | {name: "an abbreviation" for name in scope.defines}


def declare(scope: Scope, name: str, key: Text, given: Text, *, learned: bool) -> Scope:
    """The scope with one line of [learned] or [given] more. Raises InputError."""
    claim(name, "a declared symbol", roles(scope), key)
    kind, dimension, domain, target = parse_type(given.text, where=given.place)
    if kind not in TYPES:
        raise given.error(
            f"unknown type {kind!r}", did_you_mean(kind, TYPES) or f"types: {', '.join(TYPES)}"
        )
    if dimension and kind != "vector":
        raise given.error(f"only a vector has a dimension, not {kind!r}")
    if target and kind not in ("label", "index"):
        raise given.error(f"'in {target}' belongs to label and index, not to {kind!r}")
    if learned and kind in ("label", "index", "mask"):
        raise given.error(f"a {kind} cannot be learned", "move it to [given]")
    args: list[Index] = []
    for letter in domain:
        index_set = scope.letters.get(letter)
        if index_set is None:
            known = ", ".join(sorted(scope.letters))
            raise given.error(f"{letter!r} is not a letter of an index set", f"letters: {known}")
        args.append(IVar(letter, index_set))
    if len(set(args)) < len(args):
        raise given.error("a letter stands twice", "use another letter of the same set")
    form: Sym | Index | Mask
    if kind in ("label", "index"):
        scope, over = target_set(scope, kind, target, given)
        form = IApp(name, tuple(args), over)
    elif kind == "mask":
        form = Mask(name, tuple(args))
    elif kind == "vector":
        dim = dimension or "d"
        form = Sym(name, tuple(args), "vector", scope.sets.get(dim, IndexSet(dim)), learned)
    else:
        if kind == "distribution" and not args:
            raise given.error("a distribution has an index to sum over", "write distribution[i,j]")
        form = Sym(name, tuple(args), kind, None, learned)  # type: ignore[arg-type]
    declaration = Declaration(name, given.text, form, learned)
    return replace(scope, declarations={**scope.declarations, name: declaration})


def target_set(scope: Scope, kind: str, target: str, given: Text) -> tuple[Scope, IndexSet]:
    """The set that labels take values in; `classes` is there without being declared."""
    if not target and kind == "index":
        raise given.error("an index-valued function needs its set", "write index[i] in n")
    name = target or "classes"
    if name in scope.sets:
        return scope, scope.sets[name]
    if target and target != "classes":
        hint = did_you_mean(target, scope.sets) or "declare it in [sets]"
        raise given.error(f"unknown set {target!r}", hint)
    claim(name, "a set", roles(scope), given)
    classes = IndexSet(name)
    return replace(scope, sets={**scope.sets, name: classes}), classes


def define_all(scope: Scope, defines: Mapping[str, tuple[Text, Text]]) -> Scope:
    """The scope with every abbreviation, whatever their order. Raises InputError."""
    heads: dict[str, tuple[Text, Text]] = {}
    taken, nodes = roles(scope), 0
    for head, body in defines.values():
        name, _ = parse_head(head.text, scope, where=head.place)
        claim(name, "an abbreviation", taken, head)
        heads[name] = (head, body)
    uses = {n: names_in(body.text, where=body.place) & set(heads) for n, (_, body) in heads.items()}
    for name in in_order(uses, lambda loop: circular(loop, heads)):
        head, body = heads[name]
        define: Define = parse_define(
            head.text, body.text, scope, head_at=head.place, where=body.place
        )
        nodes += define.nodes
        if nodes > MAX_NODES:
            raise body.error(f"the abbreviations expand to more than {MAX_NODES} nodes")
        scope = replace(scope, defines={**scope.defines, name: define})
    return scope


def circular(loop: list[str], heads: Mapping[str, tuple[Text, Text]]) -> InputError:
    """The error for abbreviations that mention themselves."""
    path = " -> ".join([*loop, loop[0]])
    return heads[loop[0]][1].error(
        f"{loop[0]!r} is defined by itself ({path[:80]})", "break the circle"
    )


def in_order(
    uses: Mapping[str, frozenset[str]], on_loop: Callable[[list[str]], InputError]
) -> list[str]:
    """The names, each after those it uses (no recursion: a file may chain thousands)."""
    done: dict[str, None] = {}
    for start in uses:
        path = [start]
        while path:
            waiting = sorted(uses[path[-1]] - done.keys())
            if not waiting:
                done[path.pop()] = None
            elif waiting[0] in path:
                raise on_loop(path[path.index(waiting[0]) :])
            else:
                path.append(waiting[0])
    return list(done)
