"""The formula language: text -> typed tree (`catalog.symbols`), or one InputError with a caret.

    >>> from catalog.scope import Scope
    >>> from catalog.symbols import IndexSet
    >>> n = IndexSet("n")
    >>> parse_expr("sum[i] 1/2", Scope({"n": n}, {"i": n})).op
    'sum'

Parsing executes nothing. lark is imported, and the grammar built, when the first text is parsed.
Sizes are bounded: MAX_TEXT characters, MAX_DEPTH levels, MAX_NODES nodes after expansion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from catalog.errors import InputError, Place
from catalog.scope import Define, Scope, Value, measure
from catalog.symbols import Cond, Expr, Fact, Index, IVar, Node

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

    from catalog.elaborate import Elaborator

MAX_TEXT = 100_000
T = TypeVar("T")

STARTS = ("expr", "cond", "index", "fact", "definition", "neighbourhood", "head", "type")


@cache
def grammar() -> Lark:
    """The parser of the language, built once per process (about 50 ms)."""
    from lark import Lark

    text = Path(__file__).with_name("formula.lark").read_text(encoding="utf-8")
    return Lark(
        text, parser="lalr", lexer="basic", start=list(STARTS), propagate_positions=True,
        maybe_placeholders=False,
    )  # fmt: skip


def parse_expr(
    text: str, scope: Scope, *, free: Mapping[str, IVar] | None = None, where: Place | None = None
) -> Expr:
    """The scalar that `text` states; its free letters must be in `free`. Raises InputError."""
    return _read(text, "expr", where, scope, lambda e, t: e.scalar(t.children[0], free or {}))


def parse_cond(
    text: str, scope: Scope, *, free: Mapping[str, IVar] | None = None, where: Place | None = None
) -> Cond:
    """The condition on indices that `text` states. Raises InputError."""
    return _read(text, "cond", where, scope, lambda e, t: e.cond(t.children[0], free or {}))


def parse_index(
    text: str, scope: Scope, *, free: Mapping[str, IVar] | None = None, where: Place | None = None
) -> Index:
    """The index that `text` states, such as pos[i]. Raises InputError."""
    return _read(text, "index", where, scope, lambda e, t: e.index(t.children[0], free or {}))


def parse_value(
    text: str,
    scope: Scope,
    *,
    free: Mapping[str, IVar] | None = None,
    where: Place | None = None,
    finish: Callable[[Expr], Expr] | None = None,
) -> Value:
    """A number or a vector with its dimension; `finish` is applied to every node as it is made."""

    def elaborate(e: Elaborator, tree: Tree[Token]) -> tuple[Expr, Any]:
        return e.expr(tree.children[0], free or {})

    expr, dim = _read(text, "expr", where, scope, elaborate, finish)
    return Value(expr, (), dim)


def parse_fact(text: str, scope: Scope, *, said: str = "", where: Place | None = None) -> Fact:
    """A hypothesis, for all values of the letters it mentions; `said` is how the file puts it."""
    from dataclasses import replace

    def elaborate(e: Elaborator, tree: Tree[Token]) -> Fact:
        return e.fact(tree, _all_letters(tree, scope))

    return replace(_read(text, "fact", where, scope, elaborate), text=said)


@dataclass(frozen=True)
class Neighbourhood:
    """What a binder such as `j in P(i) : j != k` says, and the letters in scope below it."""

    variables: tuple[IVar, ...]
    cond: Cond
    letters: Mapping[str, IVar]


def parse_neighbourhood(
    text: str, scope: Scope, *, free: Mapping[str, IVar] | None = None, where: Place | None = None
) -> Neighbourhood:
    """The variables and condition of a binder. Raises InputError."""

    def elaborate(e: Elaborator, tree: Tree[Token]) -> Neighbourhood:
        return Neighbourhood(*e.binder(tree.children[0], free or {}))  # type: ignore[arg-type]

    return _read(text, "neighbourhood", where, scope, elaborate)


def parse_define(
    head: str, text: str, scope: Scope, *, head_at: Place | None = None, where: Place | None = None
) -> Define:
    """The abbreviation `head` := `text`, such as P(i) := { j : j != i }. Raises InputError."""
    name, params = parse_head(head, scope, where=head_at)
    free = {v.name: v for v in params}

    def elaborate(e: Elaborator, tree: Tree[Token]) -> Define:
        part = tree.children[0]
        if tree.data == "scalar_body":
            body, dim = e.expr(part, free)
            return Define(name, params, body, dim, nodes=measure(body)[0])
        variables, cond, _ = e.binder(part, free)  # type: ignore[arg-type]
        if len(variables) != 1:
            e.fail(part, "a set of pairs cannot be named", "name a set of one letter")
        return Define(name, params, None, None, variables[0], cond, measure(cond)[0])

    return _read(text, "definition", where, scope, elaborate)


def parse_head(
    text: str, scope: Scope, *, where: Place | None = None
) -> tuple[str, tuple[IVar, ...]]:
    """The name and the letters of `P(i)`. Raises InputError."""
    place = where or Place.of(text)
    name, *letters = _tree(text, "head", place).children
    params = []
    for letter in letters:
        index_set = scope.letters.get(str(letter))
        if index_set is None:
            known = ", ".join(sorted(scope.letters))
            message = f"{str(letter)!r} is not a letter of an index set"
            raise place.error(letter.start_pos or 0, message, f"letters: {known}")  # type: ignore[union-attr]
        params.append(IVar(str(letter), index_set))
    if len(set(params)) < len(params):
        raise place.error(0, f"a letter stands twice in {text!r}")
    return str(name), tuple(params)


def names_in(text: str, *, where: Place | None = None) -> frozenset[str]:
    """Every name that a definition mentions, for ordering the definitions of a file."""
    from lark import Token

    tree = _tree(text, "definition", where or Place.of(text))
    tokens = tree.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME")
    return frozenset(str(token) for token in tokens)


def parse_type(text: str, *, where: Place | None = None) -> tuple[str, str, tuple[str, ...], str]:
    """The parts of a type: its kind, dimension, letters and target set (empty where absent)."""
    from lark import Tree

    kind, *parts = _tree(text, "type", where or Place.of(text)).children
    found = {p.data: tuple(map(str, p.children)) for p in parts if isinstance(p, Tree)}
    dimension, target = found.get("dimension", ("",)), found.get("target", ("",))
    return str(kind), dimension[0], found.get("domain", ()), target[0]


# ---------------------------------------------------------------------- from text to tree


def _read(
    text: str,
    start: str,
    where: Place | None,
    scope: Scope,
    elaborate: Callable[[Elaborator, Tree[Token]], T],
    finish: Callable[[Expr], Expr] | None = None,
) -> T:
    from catalog.elaborate import Elaborator

    place = where or Place.of(text)
    tree = _tree(text, start, place)
    elaborator = Elaborator(scope, place, finish) if finish else Elaborator(scope, place)
    try:
        result = elaborate(elaborator, tree)
    except RecursionError:
        raise place.error(0, "the formula is nested too deeply", _DEEP) from None
    for node in _nodes_of(result):
        elaborator.check_size(node)
    return result


_DEEP = "name its parts in [define]"


def _nodes_of(result: object) -> list[Node]:
    if isinstance(result, Define):
        found: list[Any] = [result.body, result.cond]
    elif isinstance(result, Fact):
        found = [result.left, result.right]
    elif isinstance(result, Neighbourhood):
        found = [result.cond]
    else:
        found = [result[0] if isinstance(result, tuple) else result]
    return [node for node in found if node is not None]


def _tree(text: str, start: str, place: Place) -> Tree[Token]:
    """The parse tree, or an InputError; lark's LALR parser and this check use no recursion."""
    from lark import Tree, UnexpectedCharacters, UnexpectedInput

    from catalog.indices import MAX_DEPTH, start_of

    if len(text) > MAX_TEXT:
        raise place.error(0, f"the formula has more than {MAX_TEXT} characters", _DEEP)
    try:
        tree = _parsed(text, start)
    except UnexpectedInput as error:
        from catalog.syntax import explain

        offset = error.pos_in_stream
        if not isinstance(error, UnexpectedCharacters) and error.token.type == "$END":  # type: ignore[attr-defined]
            offset = len(text.rstrip())
        raise place.error(offset or 0, *explain(error, text)) from None
    stack: list[tuple[Any, int]] = [(tree, 0)]
    while stack:
        part, level = stack.pop()
        if level > MAX_DEPTH:
            raise place.error(start_of(part), f"nested deeper than {MAX_DEPTH} levels", _DEEP)
        stack.extend((child, level + 1) for child in part.children if isinstance(child, Tree))
    return tree


@lru_cache(2048)
def _parsed(text: str, start: str) -> Tree[Token]:
    """What lark makes of a text. Files repeat each other's lines; nobody changes a tree."""
    return grammar().parse(text, start=start)


def _all_letters(tree: Tree[Token], scope: Scope) -> dict[str, IVar]:
    """A variable for every letter of a hypothesis; bound ones shadow theirs."""
    from lark import Token

    found = {}
    for token in tree.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME"):
        index_set = scope.letter(str(token))
        if index_set is not None:
            found[str(token)] = IVar(str(token), index_set)
    return found


__all__ = [
    "Define", "InputError", "Neighbourhood", "Place", "Scope", "grammar", "names_in", "parse_cond",
    "parse_define", "parse_expr", "parse_fact", "parse_head", "parse_index", "parse_neighbourhood",
    "parse_type", "parse_value",
]  # fmt: skip
