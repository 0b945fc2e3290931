"""Parse tree -> typed tree: names resolved, ranks and dimensions checked, every binder made fresh.

Expressions come back with their dimension: None for a scalar.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias, cast

from lark import Token, Tree

from catalog.errors import did_you_mean
from catalog.indices import Env, IndexReader, Part, count, name_at
from catalog.naming import substitute
from catalog.pair import entropy, learned_q
from catalog.scope import Define, Scope, Value
from catalog.symbols import (
    FUNCTIONS,
    TRUE,
    Add,
    And,
    Big,
    Call,
    Cos,
    Div,
    Dot,
    Equal,
    Expr,
    Fact,
    IApp,
    IndexSet,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Norm,
    Num,
    Or,
    Pow,
    SetRef,
    Size,
    SqNorm,
    Sym,
    fresh,
)  # fmt: skip
from catalog.tidy import MAX_EXPONENT, constant_value, negative

Typed: TypeAlias = tuple[Expr, IndexSet | None]
BigOp: TypeAlias = Literal["sum", "mean", "max", "min"]
FactRelation: TypeAlias = Literal["=", ">", ">="]

MAX_DIGITS = 1000
CLOSED = "H(p), p(i,j) and q(i,j) can be used in [claim], [theorem] and [proof] only"


@dataclass(frozen=True)
class Elaborator(IndexReader):
    """Elaborates the parse trees of one text; `finish` may simplify each node as it is made."""

    # ------------------------------------------------------------------ expressions

    def scalar(self, tree: Part, env: Env) -> Expr:
        """An expression that must be a scalar."""
        expr, dim = self.expr(tree, env)
        if dim is not None:
            self.fail(
                tree, "a vector stands where a number is expected", "take a product or a norm"
            )
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
        if (
            len(mantissa) > MAX_DIGITS
            or len(exponent) > 5
            or abs(int(exponent or 0)) > MAX_EXPONENT
        ):
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
        """Num / den, exact where both are numbers."""
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
        return Big(cast(BigOp, str(op)), variables, cond, body), dim

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
        left = name_at(element.name, ref)
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
        if name in ("H", "p", "q") and (found := self.of_pair(tree, env)) is not None:
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
            self.fail(
                tree, f"{define.name!r} is a set, not a number", f"write size({define.name}(...))"
            )
        args = self.define_args(tree, define, env)
        self.spend(tree, define.nodes)
        body = substitute(define.body, dict(zip(define.params, args, strict=True)))
        return Macro(define.name, args, body), define.dim

    def splice(self, tree: Tree[Token], value: Value, env: Env) -> Typed:
        """A template's parameter, replaced by what the user gave."""
        if isinstance(value.node, IVar | IApp | Equal | Mask | And | Or | SetRef):
            self.fail(tree, f"{str(tree.children[0])!r} is not a number")
        args = self.arguments(tree, value.params, env)
        node = substitute(value.node, dict(zip(value.params, args, strict=True)))
        return node, value.dim

    def of_pair(self, tree: Tree[Token], env: Env) -> Typed | None:
        """H(p), the weighted entropy of p, or p(i,j) or q(i,j) of the first group of anchors."""
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
        whole = block.p if name == "p" else learned_q(block)
        return Macro(name, args, substitute(whole, dict(zip(params, args, strict=True)))), None

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
        return Fact(a, cast(FactRelation, op), b)

    def is_index(self, tree: Part, env: Env) -> bool:
        """Whether a reference names an index (not whether it is right)."""
        if not isinstance(tree, Tree) or tree.data not in ("name", "indexed", "applied"):
            return False
        name = str(tree.children[0])
        declaration = self.scope.declarations.get(name)
        known = name in env or self.scope.element(name) is not None
        return known or (declaration is not None and isinstance(declaration.form, IApp))


# ---------------------------------------------------------------------- small pure helpers


def is_name(parts: list[Part], name: str) -> bool:
    """Whether `parts` is one bare name, `name`."""
    return len(parts) == 1 and isinstance(parts[0], Tree) and parts[0].children == [name]


def size_of(index_set: IndexSet, scope: Scope) -> Size:
    """The number of elements of a whole set, shown by the set's name."""
    letters = [letter for letter, over in scope.letters.items() if over == index_set]
    return Size((fresh(IVar(letters[0] if letters else "x", index_set)),), TRUE, index_set.name)
