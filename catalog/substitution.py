"""The table `put` of a claimed edge, read: what stands for every symbol of a method.

Where nothing is said, a symbol or a set is the one of that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog.alignment import Alignment, Template
from catalog.edges import Claimed
from catalog.errors import InputError, did_you_mean
from catalog.formula import Scope, parse_cond, parse_index, parse_value
from catalog.params import Text
from catalog.spec import Declaration, Method
from catalog.symbols import IApp, IndexSet, IVar, Mask, Sym, fresh, symbols

HEAD = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?\s*\Z")


def alignment(edge: Claimed, source: Method, words: Method, scope: Scope) -> Alignment:
    """The source of an edge in the words of its target. Raises InputError where they do not fit."""
    found = Alignment(words, _sets(edge, source, scope), {})
    found = replace(found, symbols=_symbols(edge, source, scope, found))
    if edge.kind == "equal-up-to":
        _renaming(edge, found, source)
    return found


def _sets(edge: Claimed, source: Method, scope: Scope) -> dict[str, IndexSet]:
    found: dict[str, IndexSet] = {}
    for name, text in edge.sets.items():
        if name not in source.sets:
            hint = did_you_mean(name, source.sets) or f"its sets: {', '.join(source.sets)}"
            raise text.error(f"{source.id} has no set {name!r}", hint)
        if text.text not in scope.sets:
            hint = did_you_mean(text.text, scope.sets) or f"sets: {', '.join(scope.sets)}"
            raise text.error(f"there is no set {text.text!r} to stand for {name!r}", hint)
    for name, over in source.sets.items():
        given = edge.sets.get(name)
        target = scope.sets.get(given.text if given else name)
        if target is None:
            continue
        if over.elements and len(over.elements) != len(target.elements):
            where = given or edge.at
            raise where.error(f"{target.name!r} does not have the {len(over.elements)} of {name!r}")
        found[name] = target
    return found


def _symbols(
    edge: Claimed, source: Method, scope: Scope, partial: Alignment
) -> dict[str, Template]:
    given: dict[str, tuple[Text, str | None, Text]] = {}
    for head, (key, text) in edge.put.items():
        match = HEAD.match(head)
        if match is None or match.group(1) not in source.declarations:
            hint = did_you_mean(head.split("[")[0].strip(), source.declarations)
            raise key.error(f"{source.id} has no symbol {head!r}", hint)
        given[match.group(1)] = (key, match.group(2), text)
    everywhere = {}
    for letter in edge.at_letters:
        if (over := scope.letter(letter)) is None:
            raise edge.at.error(f"{letter!r} is no letter of {edge.target}")
        everywhere[letter] = IVar(letter, over)
    found: dict[str, Template] = {}
    for name, declared in source.declarations.items():
        key, letters, text = given.get(name, (edge.at, None, Text(name, edge.at.place)))
        try:
            params = tuple(
                replace(fresh(v), set=partial.over(v.set)) for v in arguments(declared.form)
            )
        except InputError as error:
            raise key.error(f"{name} of {source.id}: {error.message}", error.hint) from None
        found[name] = _template(
            declared, params, key, letters, text, scope, name in given, partial, everywhere
        )
    _dimensions(edge, source, found)
    return found


def arguments(form: Sym | Any | Mask) -> tuple[IVar, ...]:
    """The variables that a declared array is indexed by."""
    return tuple(v for v in getattr(form, "args", ()) if isinstance(v, IVar))


def _template(
    declared: Declaration,
    params: tuple[IVar, ...],
    key: Text,
    letters: str | None,
    text: Text,
    scope: Scope,
    stated: bool,
    partial: Alignment,
    everywhere: Mapping[str, IVar],
) -> Template:
    name, form = declared.name, declared.form
    bare = scope.declarations.get(text.text.strip())
    if letters is None and bare is not None and params:
        return _renamed(declared, bare, params, key)
    if not stated and bare is None:
        raise key.error(f"nothing stands for {name!r}", "say what it is in `put`")
    names = [w.strip() for w in letters.split(",")] if letters else []
    if letters is not None and (len(names) != len(params) or len(set(names)) < len(names)):
        raise key.error(f"{name!r} takes {len(params)} letters")
    free = {**everywhere, **dict(zip(names, params, strict=True))}
    if isinstance(form, Mask):
        return Template(params, parse_cond(text.text, scope, free=free, where=text.place))
    if isinstance(form, IApp):
        index = parse_index(text.text, scope, free=free, where=text.place)
        if index.set != partial.over(form.set):
            raise text.error(f"{name!r} is an index of {partial.over(form.set).name!r}")
        return Template(params, index)
    assert isinstance(form, Sym)
    value = parse_value(text.text, scope, free=free, where=text.place)
    if (value.dim is None) != (form.dim is None):
        raise text.error(f"{name!r} is {'a number' if form.dim is None else 'a vector'}")
    return Template(params, value.node)


def _renamed(
    declared: Declaration, other: Declaration, params: tuple[IVar, ...], key: Text
) -> Template:
    """A symbol under another name: the shapes must be the same."""
    mine, theirs = declared.form, other.form
    same = type(mine) is type(theirs) and [v.set for v in arguments(theirs)] == [
        v.set for v in params
    ]
    if same and isinstance(mine, Sym) and isinstance(theirs, Sym):
        same = (mine.dim is None) == (theirs.dim is None)
    if not same or isinstance(theirs, IVar):
        raise key.error(
            f"{declared.name!r} is {declared.text} and {other.name!r} is {other.text}",
            "say what stands for it in `put`, with its letters",
        )
    return Template(params, replace(theirs, args=params))


def _dimensions(edge: Claimed, source: Method, found: Mapping[str, Template]) -> None:
    """Check that vectors of one dimension stay vectors of one dimension. Raises InputError."""
    seen: dict[str, str] = {}
    for name, declared in source.declarations.items():
        dim = getattr(declared.form, "dim", None)
        if dim is None:
            continue
        for s in symbols(found[name].node):
            if s.dim is not None and seen.setdefault(dim.name, s.dim.name) != s.dim.name:
                raise edge.at.error(f"vectors of dimension {dim.name} become those of two")


def _renaming(edge: Claimed, found: Alignment, source: Method) -> None:
    """Check that every symbol has a name of its own, which it keeps. Raises InputError."""
    taken: dict[str, str] = {}
    for name in source.declarations:
        template = found.symbols[name]
        target = getattr(template.node, "name", "")
        plain = target in found.words.declarations and getattr(template.node, "args", ()) == (
            template.params
        )
        if not plain or taken.setdefault(target, name) != name:
            raise edge.at.error(
                f"what stands for {name!r} is no name of its own",
                'the kind "equal-up-to" renames symbols, "special-case" sets them',
            )
