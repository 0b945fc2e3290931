"""The equation that a claimed edge states: two published formulas in one vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from catalog.alignment import Alignment, N
from catalog.declare import declare, read_sets
from catalog.edges import Claimed
from catalog.errors import InputError
from catalog.files import read_toml
from catalog.formula import Scope, parse_expr, parse_fact
from catalog.icon import check_fixed
from catalog.load import Reader
from catalog.params import Text
from catalog.spec import Method
from catalog.substitution import alignment
from catalog.symbols import (
    TRUE,
    Add,
    Big,
    Expr,
    Fact,
    IVar,
    Mul,
    Num,
    Sym,
    fresh,
    symbols,
)  # fmt: skip

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


@dataclass(frozen=True)
class Equation:
    """The content of an edge: left = scale * right + constant, in the words of `words`.

    `words` is the target with the symbols and hypotheses that the edge adds; `left` the published
    formula of the source after the substitution, `right` that of the target. `granted` are the
    hypotheses of the source, said in these words: where one does not hold, the edge speaks of the
    source's formula beyond the range its paper gives. `freed` names what is given in the source and
    trained in the target: there the equation is one of values, and the gradients differ.
    """

    words: Method
    left: Expr
    scale: Expr
    right: Expr
    constant: Expr
    granted: tuple[Fact, ...]
    freed: tuple[str, ...]
    found: Alignment

    def say(self, node: N) -> N:
        """A formula of the source after the substitution. Raises InputError."""
        return self.found.say(node)

    @property
    def whole(self) -> Expr:
        """The right side: scale * right + constant."""
        product = self.right if self.scale == ONE else Mul((self.scale, self.right))
        return product if self.constant == ZERO else Add((product, self.constant))


def equation(edge: Claimed, source: Method, target: Method) -> Equation:
    """The equation that an edge states. Raises InputError where the substitution does not fit."""
    scope = extended(edge, target)
    words = replace(
        target,
        sets=scope.sets,
        declarations=scope.declarations,
        assumes=(*target.assumes, *_assumed(edge, scope)),
    )
    found = alignment(edge, source, words, scope)
    paired = replace(scope, pair=target.icon.blocks)
    parts = []
    for what, text in (("scale", edge.scale), ("constant", edge.constant)):
        expr = parse_expr(text.text, paired, where=text.place)
        check_fixed(text, f"the {what}", expr, "scale and constant must be fixed")
        parts.append(expr)
    try:
        left = found.say(source.published)
        granted = tuple(found.say(f) for f in (*typed(source), *source.assumes))
    except InputError as error:
        raise edge.at.error(f"{source.id}: {error.message}", error.hint) from None
    freed = sorted(
        name
        for name, d in source.declarations.items()
        if not d.learned and any(s.learned for s in symbols(found.symbols[name].node))
    )
    return Equation(words, left, parts[0], target.published, parts[1], granted, tuple(freed), found)


def extended(edge: Claimed, target: Method) -> Scope:
    """The words of the target and those that the edge adds. Raises InputError."""
    scope = scope_of(target)
    sets = edge.add.get("sets", {})
    new = read_sets({name: letters_of(text) for name, (_, text) in sets.items()})
    for name, (key, _) in sets.items():
        if {name, *new.letters} & {*scope.names(), *scope.letters}:
            raise key.error(f"{name!r} or one of its letters is taken in {target.id}")
    scope = replace(
        scope, sets={**scope.sets, **new.sets}, letters={**scope.letters, **new.letters}
    )
    for table in ("learned", "given"):
        for name, (key, text) in edge.add.get(table, {}).items():
            scope = declare(scope, name, key, text, learned=table == "learned")
    return scope


def letters_of(text: Text) -> tuple[Text, tuple[str, ...]]:
    """The letters and the elements of `i j` or, for an enumerated set, of `a : image text`."""
    letters, _, elements = text.text.partition(":")
    return replace(text, text=letters), tuple(elements.split())


def scope_of(method: Method) -> Scope:
    """The names that a method's file may use. Raises InputError for a method without a file."""
    if not method.text:
        raise InputError(f"{method.id} was not read from a file")
    return Reader(read_toml(method.text, method.path), method.path, method.text).scope()


def typed(method: Method) -> Iterator[Fact]:
    """What the types of a method's symbols say, as facts."""
    for name, d in method.declarations.items():
        form = d.form
        if not isinstance(form, Sym) or form.dim is not None or form.kind == "real":
            continue
        said = f"{name} is {d.text.split('[')[0].strip()}"
        strict = form.kind in ("positive", "probability")
        yield Fact(form, ">" if strict else ">=", ZERO, said)
        if form.kind == "probability":
            yield Fact(ONE, ">", form, said)
        if form.kind == "distribution":
            last = form.args[-1]
            assert isinstance(last, IVar)
            new = fresh(last)
            row = replace(form, args=(*form.args[:-1], new))
            yield Fact(Big("sum", (new,), TRUE, row), "=", ONE, f"the rows of {name} sum to one")


def _assumed(edge: Claimed, scope: Scope) -> Iterator[Fact]:
    for said, (_, text) in edge.add.get("assumes", {}).items():
        yield parse_fact(text.text, scope, said=said, where=text.place)
