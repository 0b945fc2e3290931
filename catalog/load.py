"""A method file -> a Method, or one InputError that points at the line and column that is wrong.

>>> load_text("id = 3")
Traceback (most recent call last):
    ...
catalog.errors.InputError: <text>:1:6: id must be a string
  id = 3
       ^
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from catalog.declare import declare, define_all, read_sets
from catalog.divergences import DIVERGENCES
from catalog.errors import Place, did_you_mean
from catalog.files import FloatText, read_text, read_toml
from catalog.formula import Scope, parse_expr, parse_fact
from catalog.icon import IconTexts, build_icon, check_fixed
from catalog.locate import Spot, locate, offsets_fit, spot_place, string_place
from catalog.pair import divergence
from catalog.params import Text
from catalog.raw import RawMethod, RawSet, validate
from catalog.spec import Claim, Erratum, Icon, Method, PSpec, QSpec, Source
from catalog.symbols import Expr, Fact, Num, Sym, symbols


def load_file(path: str | os.PathLike[str]) -> Method:
    """The method that a TOML file states. Raises InputError."""
    return load_text(read_text(path), os.fspath(path))


def load_claim(path: str | os.PathLike[str]) -> Method:
    """The method of a file without the lines of its proof, for one who has a certificate."""
    text, name = read_text(path), os.fspath(path)
    doc = {k: v for k, v in read_toml(text, name).items() if k != "proof"}
    return load_dict(doc, name, text.replace("\r\n", "\n"))


def load_text(text: str, path: str = "<text>") -> Method:
    """The method that a TOML text states; `path` is named in errors. Raises InputError."""
    return load_dict(read_toml(text, path), path, text.replace("\r\n", "\n"))


def load_dict(doc: Mapping[str, Any], path: str = "<dict>", text: str = "") -> Method:
    """The method that a document of the format states, such as one put together from options.

    With the `text` that `doc` was read from, errors point into it. Raises InputError.
    """
    return Reader(doc, path, text).method()


def load_bare(doc: Mapping[str, Any], path: str = "<dict>", text: str = "") -> Method:
    """The method of a document that states a formula and no pair; what it says of one is left out.

    Its `icon` has no blocks and its claim says nothing: it is what a pair is sought for.

    Raises InputError.
    """
    kept = {k: v for k, v in doc.items() if k not in ("p", "q", "icon", "claim", "proof")}
    return Reader({**kept, "claim": {"relation": "exact"}}, path, text, True).method()


@dataclass(frozen=True)
class Reader:
    """One document on its way to a Method; `bare` says that it need not have a pair."""

    doc: Mapping[str, Any]
    path: str
    source: str
    bare: bool = False

    @cached_property
    def spots(self) -> Mapping[tuple[str, ...], Spot]:
        """Where each key stands (nowhere for a document without text)."""
        return locate(self.source)

    @cached_property
    def raw(self) -> RawMethod:
        """The document in its checked shape."""
        found = validate(self.doc)
        if isinstance(found, RawMethod):
            return found
        keys, message, hint = found
        raise self.at(*keys, key=message.startswith("unknown key")).error(message, hint)

    def at(self, *keys: str, key: bool = False) -> Text:
        """The nearest place to `keys` that the text has; with `key`, that of the key itself."""
        for size in range(len(keys), 0, -1):
            if (spot := self.spots.get(keys[:size])) is not None:
                value = size == len(keys) and not key
                return Text(
                    "", spot_place(self.source, spot.value if value else spot.key, self.path)
                )
        return Text("", Place(self.path, "", [0]))

    def label(self, *keys: str) -> str:
        """The path, and the table and the key where there is no line to point at."""
        if self.source:
            return self.path
        return " ".join([self.path, *(f"[{key}]" for key in keys[:-1]), keys[-1]])

    def text(self, value: object, *keys: str) -> Text:
        """The text of the value at `keys`, each character at its place."""
        text = (
            str(value).replace("_", "").lstrip("+") if isinstance(value, FloatText) else str(value)
        )
        spot = self.spots.get(keys)
        if spot is None:
            return Text(text, Place.of(text, self.label(*keys)))
        if self.source[spot.value : spot.value + 1] in ("'", '"'):
            place = string_place(self.source, spot.value, self.path)
            if offsets_fit(place, text):
                return Text(text, place)
        return Text(text, spot_place(self.source, spot.value, self.path, len(text)))

    def key(self, *keys: str) -> Text:
        """The text of a key itself."""
        spot = self.spots.get(keys)
        if spot is None:
            return Text(keys[-1], Place.of(keys[-1], self.label(*keys)))
        if self.source[spot.key] in "\"'":
            place = string_place(self.source, spot.key, self.path)
            if offsets_fit(place, keys[-1]):
                return Text(keys[-1], place)
        return Text(keys[-1], spot_place(self.source, spot.key, self.path, len(keys[-1])))

    def scope(self) -> Scope:
        """The names that the file's formulas may use."""
        sets = {}
        for name, value in self.raw.sets.items():
            letters = value.letters if isinstance(value, RawSet) else value
            elements = tuple(value.elements) if isinstance(value, RawSet) else ()
            sets[name] = (Text(letters, self.at("sets", name).place), elements)
        scope = read_sets(sets)
        for table, types in (("learned", self.raw.learned), ("given", self.raw.given)):
            for name, written in types.items():
                key, given = self.key(table, name), self.text(written, table, name)
                scope = declare(scope, name, key, given, learned=table == "learned")
        defines = {
            head: (self.key("define", head), self.text(body, "define", head))
            for head, body in self.raw.define.items()
        }
        return define_all(scope, defines)

    def icon(self, scope: Scope) -> Icon:
        """The pair."""
        raw = self.raw.icon
        defaults = {
            "row": ("i", "j != i"), "row-and-column": ("i", "j"), "joint": ("", "i, j : i != j"),
            "pair": ("i, j", outcome_letter(scope)),
        }  # fmt: skip
        anchors, neighbours = defaults[raw.normalise]
        return build_icon(
            IconTexts(
                table=self.at("icon"),
                anchors=self.part("anchors", raw.anchors, anchors),
                neighbours=self.part("neighbours", raw.neighbours, neighbours),
                normalise=raw.normalise,
                weights=None if raw.weights is None else self.text(raw.weights, "icon", "weights"),
                p_table=self.at("p"),
                p_kernel=self.kernel("p"),
                p_params=self.params("p"),
                q_table=self.at("q"),
                q_kernel=self.kernel("q"),
                q_params=self.params("q"),
                keys={t: {k: self.key(t, k) for k in self.doc[t]} for t in ("p", "q")},
            ),
            scope,
        )

    def part(self, key: str, given: str | None, default: str) -> Text:
        """A text of [icon], or its default at the table's place."""
        if given is not None:
            return self.text(given, "icon", key)
        if not self.source:
            return Text(default, Place.of(default, self.label("icon", key)))
        spot = self.spots.get(("icon",), Spot(0, 0))
        return Text(default, spot_place(self.source, spot.key, self.path, len(default)))

    def kernel(self, table: str) -> Text:
        """The kernel's name; a table with a formula and no name means the formula."""
        given = self.doc[table]
        if "kernel" in given:
            return self.text(given["kernel"], table, "kernel")
        if "formula" in given:
            return Text("formula", self.text(given["formula"], table, "formula").place)
        raise self.at(table).error(f"[{table}] needs kernel", "see docs/format.md")

    def params(self, table: str) -> dict[str, Text]:
        """The kernel's parameters."""
        given = self.doc[table]
        return {k: self.text(v, table, k) for k, v in given.items() if k != "kernel"}

    def method(self) -> Method:
        """The whole file, read and checked."""
        raw, scope = self.raw, self.scope()
        self.check_tables()
        assumes = self.facts("assumes", scope)
        self.check_parameter(assumes)
        paired = bool(raw.p or raw.q)
        icon = self.compared(self.icon(scope) if paired else WITHOUT, scope)
        wide = replace(scope, pair=icon.blocks)
        claim = self.claim(wide, icon)
        published: Expr = ZERO
        source = Source("")
        if raw.published is not None:
            formula = self.text(raw.published.formula, "published", "formula")
            published = parse_expr(formula.text, scope, where=formula.place)
            source = Source(raw.published.source, raw.published.verified, raw.published.note)
            if raw.claim.relation == "limit":
                self.check_limit(formula, published)
        elif not raw.theorem:
            published = divergence(icon)
        return Method(
            id=raw.id, name=raw.name, field=raw.field, year=raw.year, cite=raw.cite,
            aliases=tuple(raw.aliases), summary=raw.summary, sets=scope.sets,
            declarations=scope.declarations, assumes=assumes, icon=icon, published=published,
            published_text=raw.published.formula if raw.published else "", source=source,
            claim=claim, conventions=raw.conventions, statements=self.facts("theorem", wide),
            steps=self.facts("proof", wide),
            erratum=Erratum(raw.erratum.claimed, raw.erratum.where, tuple(raw.erratum.holds))
            if raw.erratum
            else None,
            path=self.path, text=self.source,
        )  # fmt: skip

    def check_limit(self, formula: Text, published: Expr) -> None:
        """Raise InputError where the published formula mentions the parameter of its limit."""
        name = self.raw.claim.parameter
        if any(s.name == name for s in symbols(published)):
            raise formula.error(
                f"the published formula mentions {name}, the parameter of the limit",
                'a polynomial in the parameter is claimed with relation = "expansion"',
            )

    def check_parameter(self, assumes: tuple[Fact, ...]) -> None:
        """Raise InputError where a hypothesis holds at some values of a claim's parameter only."""
        name = self.raw.claim.parameter
        for said, fact in zip(self.raw.assumes, assumes, strict=True):
            if name and any(s.name == name for s in (*symbols(fact.left), *symbols(fact.right))):
                raise self.text(self.raw.assumes[said], "assumes", said).error(
                    f"a hypothesis mentions {name}, the parameter of the claim",
                    "the bounds hold at every positive value of it",
                )

    def facts(self, table: str, scope: Scope) -> tuple[Fact, ...]:
        """The lines of a table of facts, in the file's order."""
        lines: Mapping[str, str] = getattr(self.raw, table)
        return tuple(
            parse_fact(fact, scope, said=said, where=self.text(fact, table, said).place)
            for said, fact in lines.items()
        )

    def check_tables(self) -> None:
        """The tables that the relation asks for. Raises InputError."""
        raw, relation = self.raw, self.raw.claim.relation
        wanted = ["theorem"] if relation == "theorem" else []
        if self.bare:
            wanted += ["learned", "published"]
        elif not raw.theorem:
            wanted += ["learned", "p", "q"]
        if raw.p or raw.q:
            wanted += ["p", "q"]
        for table in wanted:
            if not getattr(raw, table):
                where = self.at(table) if table in self.doc else self.at("claim")
                raise where.error(f"the table [{table}] is missing", "see docs/format.md")
        if raw.theorem and relation not in ("theorem", "false-as-stated"):
            raise self.at("theorem").error(
                f"[theorem] does not go with the relation {relation!r}",
                'a theorem has relation = "theorem", or "false-as-stated"',
            )
        if raw.published is None and not raw.theorem and relation != "definition":
            hint = 'state the published formula, or relation = "definition"'
            raise self.at("claim").error("the table [published] is missing", hint)
        if raw.published is not None and raw.theorem:
            raise self.at("published").error("a theorem has no published formula", "leave it out")

    def compared(self, icon: Icon, scope: Scope) -> Icon:
        """The pair with the divergence that compares it. Raises InputError."""
        raw, relation = self.raw.icon, self.raw.claim.relation
        name = raw.divergence or ("reverse-kl" if relation == "reverse" else "kl")
        here = self.at("icon", "divergence")
        if name not in DIVERGENCES:
            hint = did_you_mean(name, DIVERGENCES) or f"known: {', '.join(DIVERGENCES)}"
            raise here.error(f"unknown divergence {name[:40]!r}", hint)
        found = DIVERGENCES[name]
        other = {"exact": "kl", "coarse": "kl", "reverse": "reverse-kl"}.get(relation, name)
        if name != other or (relation == "generalised" and name in ("kl", "reverse-kl")):
            hint = {"kl": "exact", "reverse-kl": "reverse"}.get(name, "generalised")
            message = f"the relation {relation!r} is not about the divergence {name!r}"
            raise here.error(message, f"write relation = {hint!r}, or another divergence")
        if (raw.order is not None) != found.ordered:
            where = self.at("icon", "order") if raw.order is not None else here
            message = "needs an order" if found.ordered else "has no order"
            raise where.error(f"the divergence {name!r} {message}", 'such as order = "1/2"')
        if raw.order is None:
            return replace(icon, divergence=name)
        text = self.text(raw.order, "icon", "order")
        order = parse_expr(text.text, scope, where=text.place)
        check_fixed(text, "the order", order)
        return replace(icon, divergence=name, degree=order)

    def claim(self, scope: Scope, icon: Icon) -> Claim:
        """The claim; scale and constant may use p(i,j) and H(p), and nothing that is trained."""
        raw = self.raw.claim
        found = []
        for what, value in (("scale", raw.scale), ("constant", raw.constant)):
            text = self.text(value, "claim", what)
            expr = parse_expr(text.text, scope, where=text.place)
            check_fixed(text, f"the {what}", expr, "scale and constant must be fixed")
            found.append(expr)
        self.check_bounds(scope)
        limit = raw.relation in ("limit", "expansion")
        default = "0" if limit else None
        bounds: list[Expr | None] = []
        texts = [default if b is None else b for b in (raw.below, raw.above)]
        for what, bound in zip(("below", "above"), texts, strict=True):
            text = self.text("0" if bound is None else bound, "claim", what)
            expr = parse_expr(text.text, scope, where=text.place)
            bounds.append(None if bound is None else expr)
        shown = ["" if b is None else str(b) for b in texts]
        return Claim(
            raw.relation, found[0], found[1], str(raw.scale), str(raw.constant), raw.correction,
            bounds[0], bounds[1], shown[0], shown[1], raw.parameter, raw.to,
            raw.order or int(limit),
        )  # fmt: skip

    def check_bounds(self, scope: Scope) -> None:
        """Whether bounds, parameter and order go with the relation. Raises InputError."""
        raw = self.raw.claim
        limit, bound = raw.relation in ("limit", "expansion"), raw.relation == "bound"
        for key in ("below", "above", "parameter", "to", "order"):
            given = getattr(raw, key) not in (None, "", 0)
            if given and not (limit or (bound and key in ("below", "above"))):
                raise self.at("claim", key, key=True).error(
                    f"{key} does not go with the relation {raw.relation!r}",
                    "bounds are for bound, limit and expansion; a parameter for the last two",
                )
        if bound and raw.below is None and raw.above is None:
            hint = 'below = "0" says published >= scale * I-Con + constant, above = "0" the reverse'
            raise self.at("claim").error("a bound needs below or above", hint)
        if limit and not (raw.parameter and raw.to):
            hint = 'such as parameter = "sigma", to = "infinity", above = "C/sigma^2"'
            raise self.at("claim").error("a limit needs its parameter and where it goes", hint)
        if limit:
            form = getattr(scope.declarations.get(raw.parameter), "form", None)
            good = isinstance(form, Sym) and not form.args and form.kind == "positive"
            if not good or scope.declarations[raw.parameter].learned:
                raise self.at("claim", "parameter").error(
                    f"{raw.parameter[:40]!r} is not a single positive number of [given]",
                    f'declare it: {raw.parameter[:40]} = "positive"',
                )


ZERO = Num(Fraction(0))
NO_PARAMS: Mapping[str, Expr] = {}
WITHOUT = Icon(
    "row", (), PSpec("", NO_PARAMS), QSpec("", "custom", NO_PARAMS, ZERO, ZERO)
)  # a theorem without a pair


def outcome_letter(scope: Scope) -> str:
    """The letter of the set with the outcomes match and null."""
    letters = [k for k, over in scope.letters.items() if {"match", "null"} <= set(over.elements)]
    return letters[0] if letters else "t"
