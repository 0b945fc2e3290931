"""The part of elaboration that concerns indices: references, conditions, binders; and its errors.

Each method takes the letters in scope as `env`, a mapping from letter to variable, so that an inner
binder of the same letter simply wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn, TypeAlias, cast

from lark import Token, Tree

from catalog.conditions import conjunction, negate
from catalog.errors import Place, did_you_mean
from catalog.naming import substitute
from catalog.scope import Define, Scope, measure
from catalog.symbols import (
    FUNCTIONS,
    TRUE,
    And,
    Cond,
    Equal,
    Expr,
    IApp,
    Index,
    IndexSet,
    IVar,
    Mask,
    Node,
    Or,
    SetRef,
    fresh,
)  # fmt: skip

Env: TypeAlias = Mapping[str, IVar]
Part: TypeAlias = "Tree[Token] | Token"
Test: TypeAlias = Literal["=", "!=", "in", "not in"]

MAX_NODES = 20_000
MAX_DEPTH = 100
DEEP = "name its parts in [define]"


@dataclass(frozen=True)
class IndexReader:
    """Reads the indices and conditions of one text; `finish` may simplify numbers."""

    scope: Scope
    place: Place
    finish: Callable[[Expr], Expr] = lambda node: node
    spent: list[int] = field(default_factory=lambda: [0])

    # ------------------------------------------------------------------ errors

    def fail(self, part: Part, message: str, hint: str = "") -> NoReturn:
        """Raise an InputError that points at the start of `part`."""
        raise self.place.error(start_of(part), message, hint)

    def unknown(self, part: Part, name: str, env: Env) -> NoReturn:
        """Report an undeclared name, or a letter that nothing binds."""
        if self.scope.letter(name) is not None:
            bound = ", ".join(sorted(env)) or "none"
            self.fail(part, f"unbound index {name!r}", f"indices bound here: {bound}")
        candidates = {*env, *self.scope.names(), *FUNCTIONS, "cos"}
        hint = did_you_mean(name, candidates) or "declare it in [learned], [given] or [define]"
        self.fail(part, f"unknown name {name!r}", hint)

    def spend(self, part: Part, nodes: int) -> None:
        """Refuse abbreviations that expand to too large a tree, before they are expanded."""
        self.spent[0] += nodes
        if self.spent[0] > MAX_NODES:
            self.fail(part, f"the abbreviations expand to more than {MAX_NODES} nodes")

    def check_size(self, node: Node) -> None:
        """Refuse a result that is too large or too deep for what comes after."""
        nodes, depth = measure(node)
        if depth > MAX_DEPTH:
            raise self.place.error(0, f"nested deeper than {MAX_DEPTH} levels", DEEP)
        if nodes > MAX_NODES:
            raise self.place.error(0, f"the formula has more than {MAX_NODES} nodes")

    # ------------------------------------------------------------------ indices

    def index(self, tree: Part, env: Env) -> Index:
        """An index: a bound letter, an element, or an index-valued function such as pos[i]."""
        if not isinstance(tree, Tree) or tree.data not in ("name", "indexed", "applied"):
            self.fail(tree, "an index is expected here", "such as j, pos[i] or an element")
        token, name = tree.children[0], str(tree.children[0])
        args = tree.children[1:]
        value = self.scope.values.get(name)
        if name not in env and value is not None and value.params:
            given = self.arguments(tree, value.params, env)
            node = substitute(value.node, dict(zip(value.params, given, strict=True)))
            assert isinstance(node, IVar | IApp)  # a parameter of kind "labels"
            return node
        if name in env or value is not None or self.scope.element(name) is not None:
            found = env.get(name) or (value.node if value else self.scope.element(name))
            if not isinstance(found, IVar | IApp):
                self.fail(token, f"{name!r} is not an index")
            if args:
                self.fail(token, f"{name!r} is an index and takes no arguments")
            return found
        declaration = self.scope.declarations.get(name)
        if declaration is None:
            if name in self.scope.sets:
                self.fail(token, f"{name!r} is a set, not an index", f"write a letter of {name}")
            self.unknown(token, name, env)
        if not isinstance(declaration.form, IApp):
            what = "a 0/1 array" if isinstance(declaration.form, Mask) else "a number"
            self.fail(token, f"{name!r} ({declaration.text}) is {what}, not an index")
        return IApp(name, self.arguments(tree, declaration.form.args, env), declaration.form.set)

    def arguments(
        self, tree: Tree[Token], wanted: tuple[Index, ...], env: Env
    ) -> tuple[Index, ...]:
        """The indices in the brackets of `tree`, checked against the declared ones."""
        name, given = tree.children[0], tree.children[1:]
        if len(given) != len(wanted):
            opening, closing = (
                "()" if tree.data == "applied" or name in self.scope.defines else "[]"
            )
            letters = ",".join(i.name for i in wanted)
            form = f"{name}{opening}{letters}{closing}" if wanted else f"{name}"
            hint = f"write {form}" if all(isinstance(i, IVar) for i in wanted) else ""
            self.fail(
                name, f"{str(name)!r} takes {count(len(wanted), 'index')}, not {len(given)}", hint
            )
        found = []
        for part, want in zip(given, wanted, strict=True):
            index = self.index(part, env)
            self.same_set(part, index, want.set, f"an index of {str(name)!r}")
            found.append(index)
        return tuple(found)

    def same_set(self, part: Part, index: Index, wanted: IndexSet, role: str) -> None:
        """Check that `index` ranges over `wanted`."""
        if index.set != wanted:
            self.fail(
                part,
                f"this index ranges over {index.set.name}, but {role} ranges over {wanted.name}",
            )

    # ------------------------------------------------------------------ conditions

    def cond(self, tree: Part, env: Env) -> Cond:
        """A condition on indices."""
        match tree:
            case Tree(data="disjunction", children=parts):
                return Or(tuple(self.cond(part, env) for part in parts))
            case Tree(data="conjunction", children=parts):
                return And(tuple(self.cond(part, env) for part in parts))
            case Tree(data="negated", children=[part]):
                inner = self.cond(part, env)
                if (flipped := negate(inner)) is None:
                    self.fail(part, "this condition always holds, so its negation never does")
                return flipped
            case Tree(data="equal", children=[a, op, b]):
                return self.test(a, "=" if op == "=" else "!=", b, env)
            case Tree(data="member", children=[a, b]):
                return self.test(a, "in", b, env)
            case Tree(data="outside", children=[a, b]):
                return self.test(a, "not in", b, env)
            case Tree(data="true"):
                return TRUE
            case Tree(data="mask", children=[Tree(children=[name, *_]) as ref]):
                value = self.scope.values.get(str(name))
                if value is not None and isinstance(value.node, Equal | Mask | And | Or | SetRef):
                    return value.node
                return self.mask(ref, env)
        raise AssertionError(tree)

    def test(self, left: Part, test: Test, right: Part, env: Env) -> Cond:
        """A comparison of two indices, or membership in a set."""
        a = self.index(left, env)
        if test in ("=", "!="):
            b = self.index(right, env)
            if a.set != b.set:
                self.fail(right, f"an index of {b.set.name} is compared with one of {a.set.name}")
            return Equal(a, b, test == "!=")
        assert isinstance(right, Tree)
        token, name = right.children[0], str(right.children[0])
        if name in self.scope.sets and right.data == "name":
            self.same_set(left, a, self.scope.sets[name], f"{name!r}")
            if test == "not in":
                self.fail(token, f"every index of {name} is in {name}, so this never holds")
            return TRUE
        define = self.scope.defines.get(name)
        if define is None or define.element is None or define.cond is None:
            sets = [n for n, d in self.scope.defines.items() if d.element is not None]
            hint = did_you_mean(name, sets) or 'define it: [define] "P(i)" = "{ j : ... }"'
            self.fail(token, f"{name!r} is not a set", hint)
        self.same_set(left, a, define.element.set, f"the set {name!r}")
        args = self.define_args(right, define, env)
        self.spend(right, define.nodes)
        subst: dict[IVar, Index] = dict(zip(define.params, args, strict=True))
        return SetRef(
            a, name, args, substitute(define.cond, {**subst, define.element: a}), test == "not in"
        )

    def mask(self, tree: Tree[Token], env: Env) -> Mask:
        """A declared 0/1 array."""
        token, name = tree.children[0], str(tree.children[0])
        declaration = self.scope.declarations.get(name)
        if declaration is None and name not in env and name not in self.scope.names():
            self.unknown(token, name, env)
        if declaration is None or not isinstance(declaration.form, Mask):
            self.fail(token, f"{name!r} is no condition", "compare two indices with =, != or in")
        return Mask(name, self.arguments(tree, declaration.form.args, env))

    # ------------------------------------------------------------------ binders

    def binder(self, tree: Tree[Token], env: Env) -> tuple[tuple[IVar, ...], Cond, Env]:
        """The variables of `j, k in P(i) : k != j`, their condition, the letters in scope."""
        items = [part for part in tree.children if isinstance(part, Tree) and part.data == "item"]
        inner: dict[str, IVar] = dict(env)
        variables: list[IVar] = []
        for item in items:
            token, letter = item.children[0], str(item.children[0])
            index_set = self.scope.letter(letter)
            if index_set is None:
                if letter in self.scope.names():
                    self.fail(
                        token, f"{letter!r} is declared, so it cannot be bound", "use a letter"
                    )
                letters = ", ".join(sorted(self.scope.letters)) or "none"
                self.fail(
                    token, f"{letter!r} is not a letter of an index set", f"letters: {letters}"
                )
            if letter in [v.name.split("'")[0] for v in variables]:
                self.fail(token, f"the letter {letter!r} is bound twice")
            inner[letter] = fresh(IVar(letter, index_set))
            variables.append(inner[letter])
        conds: list[Cond] = []
        for item in items:
            token = item.children[0]
            left = name_at(str(token), token)
            words = [str(part) for part in item.children[1:] if isinstance(part, Token)]
            rest = [part for part in item.children[1:] if isinstance(part, Tree)]
            if words:
                test = cast(Test, " ".join(words))
                conds.append(self.test(left, test, rest[0], inner))
                if isinstance(conds[-1], Equal) and conds[-1].a == conds[-1].b:
                    self.fail(rest[0], f"{str(token)!r} is compared with itself")
                conds.extend(self.cond(part, inner) for part in rest[1:])
        conds.extend(self.cond(part, inner) for part in tree.children if part not in items)
        return tuple(variables), conjunction(conds), inner

    def define_args(self, tree: Tree[Token], define: Define, env: Env) -> tuple[Index, ...]:
        """The arguments of an abbreviation; parentheses tell it from an array."""
        if tree.data == "indexed":
            self.fail(
                tree, f"{define.name!r} is an abbreviation", "write its arguments in parentheses"
            )
        return self.arguments(tree, define.params, env)


# ---------------------------------------------------------------------- small pure helpers


def start_of(part: Part) -> int:
    """The offset of the first character of a part of the text."""
    while isinstance(part, Tree):
        if (start := getattr(part.meta, "start_pos", None)) is not None:
            return int(start)
        if not part.children:
            return 0
        part = part.children[0]
    return int(part.start_pos or 0)


def name_at(name: str, part: Part) -> Tree[Token]:
    """A reference to `name`, as if it stood where `part` stands."""
    return Tree("name", [Token("NAME", name, start_pos=start_of(part))])


def count(number: int, noun: str) -> str:
    """`1 index`, `2 indices`."""
    plural = {"index": "indices"}.get(noun, f"{noun}s")
    return f"{number or 'no'} {noun if number == 1 else plural}"
