"""Parse tree -> typed tree: names resolved, ranks and dimensions checked, every binder made fresh.

Each method takes the letters in scope as `env`, a mapping from letter to variable, so an inner binder
of the same letter simply wins. Expressions come back with their dimension: None for a scalar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NoReturn, TypeAlias

from lark import Token, Tree

from catalog.errors import Place, did_you_mean
from catalog.pair import entropy
from catalog.scope import Define, Scope, Value, measure
from catalog.symbols import (
    FUNCTIONS, TRUE, Add, And, Big, Call, Cond, Cos, Div, Dot, Equal, Expr, Fact, IApp, Index, IndexSet,
    Iverson, IVar, Macro, Mask, Mul, Norm, Node, Num, Or, Pow, SetRef, Size, SqNorm, Sym, fresh, map_node,
)  # fmt: skip

Env: TypeAlias = Mapping[str, IVar]
Typed: TypeAlias = tuple[Expr, IndexSet | None]
Part: TypeAlias = "Tree[Token] | Token"
Test: TypeAlias = 'Literal["=", "!=", "in", "not in"]'

MAX_DIGITS = 1000
MAX_EXPONENT = 1000
MAX_NODES = 100_000
MAX_DEPTH = 100
CLOSED = "H(p) and p(i,j) can be used in [claim] only"


@dataclass(frozen=True)
class Elaborator:
    """Elaborates the parse trees of one text; `finish` may simplify each node as it is made."""

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
            raise self.place.error(0, f"nested deeper than {MAX_DEPTH} levels", "name its parts")
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
            return map_node(value.node, dict(zip(value.params, given, strict=True)))  # type: ignore[return-value]
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

    def arguments(self, tree: Tree[Token], wanted: tuple[Index, ...], env: Env) -> tuple[Index, ...]:
        """The indices in the brackets of `tree`, checked against the declared ones."""
        name, given = tree.children[0], tree.children[1:]
        if len(given) != len(wanted):
            form = f"{name}[{','.join(i.name for i in wanted)}]" if wanted else f"{name}"
            hint = f"write {form}" if all(isinstance(i, IVar) for i in wanted) else ""
            self.fail(name, f"{str(name)!r} takes {count(len(wanted), 'index')}, not {len(given)}", hint)
        found = []
        for part, want in zip(given, wanted, strict=True):
            index = self.index(part, env)
            self.same_set(part, index, want.set, f"an index of {str(name)!r}")
            found.append(index)
        return tuple(found)

    def same_set(self, part: Part, index: Index, wanted: IndexSet, role: str) -> None:
        """Check that `index` ranges over `wanted`."""
        if index.set != wanted:
            self.fail(part, f"this index ranges over {index.set.name}, but {role} ranges over {wanted.name}")

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
            hint = did_you_mean(name, sets) or "define it: [define] \"P(i)\" = \"{ j : ... }\""
            self.fail(token, f"{name!r} is not a set", hint)
        self.same_set(left, a, define.element.set, f"the set {name!r}")
        args = self.define_args(right, define, env)
        self.spend(right, define.nodes)
        subst: dict[IVar, Index] = dict(zip(define.params, args, strict=True))
        return SetRef(a, name, args, map_node(define.cond, {**subst, define.element: a}), test == "not in")  # type: ignore[arg-type]

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
        """The variables of `j, k in P(i) : k != j`, their condition, and the letters in scope below."""
        items = [part for part in tree.children if isinstance(part, Tree) and part.data == "item"]
        inner: dict[str, IVar] = dict(env)
        variables: list[IVar] = []
        for item in items:
            token, letter = item.children[0], str(item.children[0])
            index_set = self.scope.letter(letter)
            if index_set is None:
                if letter in self.scope.names():
                    self.fail(token, f"{letter!r} is declared, so it cannot be bound", "use a letter")
                letters = ", ".join(sorted(self.scope.letters)) or "none"
                self.fail(token, f"{letter!r} is not a letter of an index set", f"letters: {letters}")
            if letter in [v.name.split("'")[0] for v in variables]:
                self.fail(token, f"the letter {letter!r} is bound twice")
            inner[letter] = fresh(IVar(letter, index_set))
            variables.append(inner[letter])
        conds: list[Cond] = []
        for item in items:
            token = item.children[0]
            left = Tree("name", [token], meta_at(token))
            words = [str(part) for part in item.children[1:] if isinstance(part, Token)]
            rest = [part for part in item.children[1:] if isinstance(part, Tree)]
            if words:
                conds.append(self.test(left, " ".join(words), rest[0], inner))  # type: ignore[arg-type]
                if isinstance(conds[-1], Equal) and conds[-1].a == conds[-1].b:
                    self.fail(rest[0], f"{str(token)!r} is compared with itself")
                conds.extend(self.cond(part, inner) for part in rest[1:])
        conds.extend(self.cond(part, inner) for part in tree.children if part not in items)
        return tuple(variables), conjunction(conds), inner

    # ------------------------------------------------------------------ expressions

    def scalar(self, tree: Part, env: Env) -> Expr:
        """An expression that must be a scalar."""
        expr, dim = self.expr(tree, env)
        if dim is not None:
            self.fail(tree, "a vector stands where a number is expected", "take a product or a norm")
        return expr

    def vector(self, tree: Part, env: Env) -> tuple[Expr, IndexSet]:
        """An expression that must be a vector."""
        expr, dim = self.expr(tree, env)
        if dim is None:
            self.fail(tree, "a number stands where a vector is expected")
        return expr, dim

    def expr(self, tree: Part, env: Env) -> Typed:
        """An expression and its dimension."""
        assert isinstance(tree, Tree)
        expr, dim = getattr(self, f"_{tree.data}")(tree, env)
        return self.finish(expr), dim

    def _number(self, tree: Tree[Token], env: Env) -> Typed:
        text = str(tree.children[0])
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) > MAX_DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > MAX_EXPONENT:
            self.fail(tree, f"this number has more than {MAX_DIGITS} digits")
        return Num(Fraction(text)), None

    def _sum(self, tree: Tree[Token], env: Env) -> Typed:
        first, dim = self.expr(tree.children[0], env)
        terms = [first]
        for op, part in zip(tree.children[1::2], tree.children[2::2], strict=True):
            term, other = self.expr(part, env)
            self.same_dim(part, dim, other, "added")
            terms.append(negative(term) if op == "-" else term)
        return Add(tuple(terms)), dim

    def same_dim(self, part: Part, dim: IndexSet | None, other: IndexSet | None, done: str) -> None:
        """Check that two operands are both scalars, or vectors of one dimension."""
        if (dim is None) != (other is None):
            self.fail(part, f"a number and a vector cannot be {done}")
        if dim is not None and other is not None and dim != other:
            self.fail(part, f"vectors of dimensions {dim.name} and {other.name} cannot be {done}")

    def _term(self, tree: Tree[Token], env: Env) -> Typed:
        first = tree.children[0]
        acc, dim = self.expr(first, env)
        # -a*b is one product with the factor -1; (a*b)*c stays a product of a product
        open_product = isinstance(first, Tree) and first.data == "neg"
        for op, part in zip(tree.children[1::2], tree.children[2::2], strict=True):
            factor, other = self.expr(part, env)
            if op == "/":
                acc, open_product = self.quotient(part, acc, factor, other), False
                acc = self.finish(acc)
                continue
            if dim is not None and other is not None:
                self.fail(part, "two vectors are multiplied", "write u.v for the inner product")
            dim = dim or other
            factors = acc.args if open_product and isinstance(acc, Mul) else (acc,)
            acc = self.finish(Mul((*factors, factor)))
            open_product = True
        return acc, dim

    def quotient(self, part: Part, num: Expr, den: Expr, dim: IndexSet | None) -> Expr:
        """num / den, exact where both are numbers."""
        if dim is not None:
            self.fail(part, "a vector is in the denominator")
        if isinstance(den, Num):
            if den.value == 0:
                self.fail(part, "division by zero")
            if isinstance(num, Num):
                return Num(num.value / den.value)
        return Div(num, den)

    def _neg(self, tree: Tree[Token], env: Env) -> Typed:
        expr, dim = self.expr(tree.children[0], env)
        return negative(expr), dim

    def _pow(self, tree: Tree[Token], env: Env) -> Typed:
        base, dim = self.expr(tree.children[0], env)
        exponent = self.scalar(tree.children[1], env)
        if dim is not None:
            self.fail(tree, "a vector is raised to a power", "write |u|^2 for the squared norm")
        value = constant_value(exponent)
        if value is not None and max(abs(value.numerator), value.denominator) > MAX_EXPONENT:
            self.fail(tree.children[1], f"exponents beyond {MAX_EXPONENT} are refused")
        if isinstance(base, Norm) and value == 2:
            return SqNorm(base.u), None
        return Pow(base, exponent), None

    def _dot(self, tree: Tree[Token], env: Env) -> Typed:
        return Dot(*self.two_vectors(tree.children[0], tree.children[1], env)), None

    def two_vectors(self, left: Part, right: Part, env: Env) -> tuple[Expr, Expr]:
        """Two vectors of one dimension."""
        u, dim = self.vector(left, env)
        v, other = self.vector(right, env)
        self.same_dim(right, dim, other, "multiplied")
        return u, v

    def _norm(self, tree: Tree[Token], env: Env) -> Typed:
        u, dim = self.expr(tree.children[0], env)
        if dim is None:
            self.fail(tree, "|x| of a number is not in the language", "write max(x, -x)")
        return Norm(u), None

    def _iverson(self, tree: Tree[Token], env: Env) -> Typed:
        return Iverson(self.cond(tree.children[0], env)), None

    def _big(self, tree: Tree[Token], env: Env) -> Typed:
        op, binder, part = tree.children
        assert isinstance(binder, Tree)
        variables, cond, inner = self.binder(binder, env)
        body, dim = self.expr(part, inner)
        if dim is not None and op in ("max", "min"):
            self.fail(part, f"{op} is taken over numbers, and this is a vector")
        return Big(str(op), variables, cond, body), dim  # type: ignore[arg-type]

    def _count(self, tree: Tree[Token], env: Env) -> Typed:
        binder = tree.children[0]
        assert isinstance(binder, Tree)
        variables, cond, _ = self.binder(binder, env)
        return Size(variables, cond), None

    def _size(self, tree: Tree[Token], env: Env) -> Typed:
        ref = tree.children[0]
        assert isinstance(ref, Tree)
        name = str(ref.children[0])
        if name in self.scope.sets and ref.data == "name":
            return size_of(self.scope.sets[name], self.scope), None
        define = self.scope.defines.get(name)
        if define is None or define.element is None:
            sets = [*self.scope.sets, *(n for n, d in self.scope.defines.items() if d.element)]
            self.fail(ref, f"{name!r} is not a set", did_you_mean(name, sets))
        element = fresh(define.element)
        token = Token("NAME", element.name, start_pos=start_of(ref), end_pos=start_of(ref))
        left = Tree("name", [token], meta_at(token))
        return Size((element,), self.test(left, "in", ref, {**env, element.name: element})), None

    # ------------------------------------------------------------------ names

    def _name(self, tree: Tree[Token], env: Env) -> Typed:
        token, name = tree.children[0], str(tree.children[0])
        if name in env or self.scope.element(name) is not None:
            self.fail(token, f"{name!r} is an index, not a number")
        if (value := self.scope.values.get(name)) is not None:
            return self.splice(tree, value, env)
        if name in self.scope.declarations:
            return self.symbol(tree, env)
        if (define := self.scope.defines.get(name)) is not None:
            return self.macro(tree, define, env)
        index_set = self.scope.sets.get(name) or self.scope.dimension(name)
        if index_set is not None:
            return size_of(index_set, self.scope), None
        if name in FUNCTIONS or name == "cos":
            self.fail(token, f"the function {name!r} needs its argument in parentheses")
        self.unknown(token, name, env)

    def _indexed(self, tree: Tree[Token], env: Env) -> Typed:
        token, name = tree.children[0], str(tree.children[0])
        if (value := self.scope.values.get(name)) is not None:
            return self.splice(tree, value, env)
        if name in self.scope.declarations:
            return self.symbol(tree, env)
        if name in self.scope.defines:
            self.fail(token, f"{name!r} is an abbreviation", "write its arguments in parentheses")
        if name in env or name in self.scope.names():
            self.fail(token, f"{name!r} takes no indices")
        self.unknown(token, name, env)

    def symbol(self, tree: Tree[Token], env: Env) -> Typed:
        """A declared number or vector, or a 0/1 array read as a number."""
        token, name = tree.children[0], str(tree.children[0])
        declaration = self.scope.declarations[name]
        if isinstance(declaration.form, Mask):
            return Iverson(self.mask(tree, env)), None
        if not isinstance(declaration.form, Sym):
            self.fail(token, f"{name!r} ({declaration.text}) is an index, not a number")
        form = declaration.form
        args = self.arguments(tree, form.args, env)
        return Sym(name, args, form.kind, form.dim, form.learned), form.dim

    def _applied(self, tree: Tree[Token], env: Env) -> Typed:
        token, name = tree.children[0], str(tree.children[0])
        args = tree.children[1:]
        if name == "cos":
            self.arity(tree, 2)
            return Cos(*self.two_vectors(args[0], args[1], env)), None
        if name in FUNCTIONS:
            self.arity(tree, FUNCTIONS[name])
            return Call(name, tuple(self.scalar(part, env) for part in args)), None
        if (value := self.scope.values.get(name)) is not None:
            return self.splice(tree, value, env)
        if (define := self.scope.defines.get(name)) is not None:
            return self.macro(tree, define, env)
        if name in ("H", "p") and (found := self.of_pair(tree, env)) is not None:
            return found
        if name in self.scope.declarations:
            self.fail(token, f"{name!r} is an array", f"write its indices in brackets: {name}[...]")
        if name in env or name in self.scope.names():
            self.fail(token, f"{name!r} is not a function", "write * for a product")
        candidates = {*FUNCTIONS, "cos", *self.scope.defines}
        self.fail(token, f"unknown function {name!r}", did_you_mean(name, candidates))

    def arity(self, tree: Tree[Token], wanted: int) -> None:
        """Check the number of arguments of a function."""
        name, given = tree.children[0], len(tree.children) - 1
        if given != wanted:
            self.fail(tree, f"{str(name)!r} takes {count(wanted, 'argument')}, not {given}")

    def macro(self, tree: Tree[Token], define: Define, env: Env) -> Typed:
        """An abbreviation, instantiated."""
        if define.body is None:
            self.fail(tree, f"{define.name!r} is a set, not a number", f"write size({define.name}(...))")
        args = self.define_args(tree, define, env)
        self.spend(tree, define.nodes)
        body = map_node(define.body, dict(zip(define.params, args, strict=True)))
        return Macro(define.name, args, body), define.dim  # type: ignore[arg-type]

    def define_args(self, tree: Tree[Token], define: Define, env: Env) -> tuple[Index, ...]:
        """The arguments of an abbreviation; `P[i]` is reported, since parentheses tell it from an array."""
        if tree.data == "indexed":
            self.fail(tree, f"{define.name!r} is an abbreviation", "write its arguments in parentheses")
        return self.arguments(tree, define.params, env)

    def splice(self, tree: Tree[Token], value: Value, env: Env) -> Typed:
        """A template's parameter, replaced by what the user gave."""
        if isinstance(value.node, IVar | IApp | Equal | Mask | And | Or | SetRef):
            self.fail(tree, f"{str(tree.children[0])!r} is not a number")
        args = self.arguments(tree, value.params, env)
        node = map_node(value.node, dict(zip(value.params, args, strict=True)))
        return node, value.dim  # type: ignore[return-value]

    def of_pair(self, tree: Tree[Token], env: Env) -> Typed | None:
        """H(p), the weighted entropy of p, or p(i,j), the p of the first group of anchors."""
        token, name = tree.children[0], str(tree.children[0])
        if name == "H" and not is_name(tree.children[1:], "p"):
            return None
        if not self.scope.pair:
            self.fail(token, CLOSED)
        if name == "H":
            return Macro("H(p)", (), entropy(self.scope.pair)), None
        block = self.scope.pair[0]
        params = (*block.anchors, *block.neighbours)
        args = self.arguments(tree, tuple(IVar(v.name.split("'")[0], v.set) for v in params), env)
        body = map_node(block.p, dict(zip(params, args, strict=True)))
        return Macro("p", args, body), None  # type: ignore[arg-type]

    # ------------------------------------------------------------------ hypotheses

    def fact(self, tree: Tree[Token], env: Env) -> Fact:
        """A hypothesis; a bare condition such as pos[i] != i says that its bracket is 1."""
        left, right = tree.children[0], tree.children[-1]
        one = Num(Fraction(1))
        if tree.data in ("member", "outside"):
            return Fact(Iverson(self.cond(tree, env)), "=", one)
        op = str(tree.children[1])
        if op in ("=", "!=") and self.is_index(left, env) and self.is_index(right, env):
            return Fact(Iverson(self.test(left, "=" if op == "=" else "!=", right, env)), "=", one)
        if op == "!=":
            self.fail(tree.children[1], "numbers are compared with =, >, >=, < or <=")
        a, b = self.scalar(left, env), self.scalar(right, env)
        if op in ("<", "<="):
            return Fact(b, ">" if op == "<" else ">=", a)
        return Fact(a, op, b)  # type: ignore[arg-type]

    def is_index(self, tree: Part, env: Env) -> bool:
        """Whether a reference names an index (not whether it is right)."""
        if not isinstance(tree, Tree) or tree.data not in ("name", "indexed", "applied"):
            return False
        name = str(tree.children[0])
        declaration = self.scope.declarations.get(name)
        known = name in env or self.scope.element(name) is not None
        return known or (declaration is not None and isinstance(declaration.form, IApp))


# ---------------------------------------------------------------------- small pure helpers


def start_of(part: Part) -> int:
    """The offset of the first character of a part of the text."""
    start = part.start_pos if isinstance(part, Token) else getattr(part.meta, "start_pos", 0)
    return int(start or 0)


def meta_at(token: Token):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Position data for a tree made here, at `token`."""
    from lark.tree import Meta

    meta = Meta()
    meta.start_pos, meta.empty = token.start_pos or 0, False
    return meta


def count(number: int, noun: str) -> str:
    """`1 index`, `2 indices`."""
    plural = {"index": "indices"}.get(noun, f"{noun}s")
    return f"{number or 'no'} {noun if number == 1 else plural}"


def is_name(parts: list[Part], name: str) -> bool:
    """Whether `parts` is one bare name, `name`."""
    return len(parts) == 1 and isinstance(parts[0], Tree) and parts[0].children == [name]


def negative(expr: Expr) -> Expr:
    """-expr, with the sign taken into a leading number."""
    if isinstance(expr, Num):
        return Num(-expr.value)
    if isinstance(expr, Mul):
        head, *rest = expr.args
        if isinstance(head, Num) and head.value == -1:
            return rest[0] if len(rest) == 1 else Mul(tuple(rest))
        if isinstance(head, Num):
            return Mul((Num(-head.value), *rest))
        return Mul((Num(Fraction(-1)), *expr.args))
    return Mul((Num(Fraction(-1)), expr))


def negate(cond: Cond) -> Cond | None:
    """The negation of a condition, pushed to its leaves; None where it could never hold."""
    if isinstance(cond, And):
        parts = [negate(arg) for arg in cond.args]
        kept = tuple(part for part in parts if part is not None)
        return None if not kept else kept[0] if len(kept) == 1 else Or(kept)
    if isinstance(cond, Or):
        negated = tuple(negate(arg) for arg in cond.args)
        return None if None in negated else And(negated)  # type: ignore[arg-type]
    fields = {name: getattr(cond, name) for name in type(cond).__slots__}
    return type(cond)(**{**fields, "negated": not cond.negated})


def conjunction(conds: list[Cond]) -> Cond:
    """The conjunction of several conditions, flat, without what always holds."""
    flat = [part for cond in conds for part in (cond.args if isinstance(cond, And) else (cond,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def size_of(index_set: IndexSet, scope: Scope) -> Size:
    """The number of elements of a whole set, shown by the set's name."""
    letters = [letter for letter, over in scope.letters.items() if over == index_set]
    return Size((fresh(IVar(letters[0] if letters else "x", index_set)),), TRUE, index_set.name)


def constant_value(expr: Expr) -> Fraction | None:
    """The value of an expression made of numbers only; a power too large to matter counts as huge."""
    huge = Fraction(MAX_EXPONENT + 1)
    if isinstance(expr, Num):
        return expr.value
    if isinstance(expr, Add | Mul):
        total = Fraction(0 if isinstance(expr, Add) else 1)
        for arg in expr.args:
            value = constant_value(arg)
            if value is None:
                return None
            total = total + value if isinstance(expr, Add) else total * value
            if total.numerator.bit_length() + total.denominator.bit_length() > 10_000:
                return huge
        return total
    if isinstance(expr, Pow):
        base, exponent = constant_value(expr.base), constant_value(expr.exponent)
        if base is None or exponent is None:
            return None
        if exponent.denominator != 1 or abs(exponent) > 64 or base == 0:
            return huge
        return Fraction(base**exponent.numerator)
    return None


