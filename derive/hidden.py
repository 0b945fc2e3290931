"""Search: the file's abbreviations as symbols of their own.

An inequality about D(i,j) is often true of any D >= 0, and short while D is a symbol. It is
searched for so first: `in_symbols` writes a method with a symbol in place of each abbreviation, and
`Meaning` turns theorems about symbols back into theorems about what they stand for. The rules are
stable under that, and each is applied once more, so nothing here need be trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from catalog import symbols as s
from catalog.spec import Method
from derive.poly import PREFIX, offset
from derive.terms import BINDERS, Domain, Term, bind, mk, open_binder, rebuild, subst, var
from derive.theorem import RULES, Judgement, Theorem

OWN = ("p", "q", "H(p)")  # of the pair: these have no definition in the file
Params = tuple[s.IVar, ...]
Bodies = Mapping[str, tuple[Params, s.Expr]]


def hidden(node: Any, bodies: Bodies) -> Any:
    """A tree of formulas with symbols for abbreviations, named or written out."""
    if isinstance(node, s.Macro) and node.name in bodies:
        return s.Sym(node.name, node.args)
    if isinstance(node, tuple):
        new = tuple([hidden(x, bodies) for x in node])
        return new if any(x is not y for x, y in zip(new, node, strict=True)) else node
    if not hasattr(node, "__dataclass_fields__") or isinstance(node, s.IndexSet):
        return node
    for name, (letters, body) in bodies.items():
        if root(body) is not root(node):
            continue
        found = instance(body, node, letters, {})
        if found is not None and found.keys() >= set(letters):
            made = s.Sym(name, tuple(found[v] for v in letters))
            if s.free_indices(made) <= s.free_indices(node):
                return made
    changed = {}
    for k in parts(type(node)):
        x = getattr(node, k)
        y = hidden(x, bodies)
        if y is not x:
            changed[k] = y
    return replace(node, **changed) if changed else node


def root(node: Any) -> type:
    """The kind of a tree's first node, below its name if it has one."""
    return type(node.body) if isinstance(node, s.Macro) else type(node)


def parts(kind: type) -> tuple[str, ...]:
    """The names of the fields of a kind of node, looked up once."""
    if kind not in PARTS:
        PARTS[kind] = tuple(f.name for f in fields(kind))
    return PARTS[kind]


PARTS: dict[type, tuple[str, ...]] = {}


Places = dict[s.IVar, s.Index]


def instance(body: Any, node: Any, letters: Params, found: Places) -> Places | None:
    """The indices at which a body is a tree, by its form; bound variables may be named anew."""
    body = body.body if isinstance(body, s.Macro) else body
    node = node.body if isinstance(node, s.Macro) else node
    if isinstance(body, s.IVar) and body in letters:
        known = found.setdefault(body, node)
        return found if known == node and getattr(node, "set", None) == body.set else None
    if isinstance(body, s.IVar):
        return found if found.get(body, body) == node else None
    if type(body) is not type(node) or isinstance(body, s.IndexSet):
        return found if body == node else None
    if isinstance(body, tuple):
        if len(body) != len(node):
            return None
        pairs = list(zip(body, node, strict=True))
    elif hasattr(body, "__dataclass_fields__"):
        if isinstance(body, s.Big | s.Size) and len(body.vars) == len(node.vars):
            inner = dict(zip(body.vars, node.vars, strict=True))
            if any(v.set != w.set for v, w in inner.items()):
                return None
            found = {**found, **inner}
        names = [k for k in parts(type(body)) if k not in ("vars", "label")]
        pairs = [(getattr(body, k), getattr(node, k)) for k in names]
    else:
        return found if body == node else None
    for x, y in pairs:
        more = instance(x, y, letters, found)
        if more is None:
            return None
        found = more
    return found


def formulas(method: Method) -> list[Any]:
    """Everything of a method that is read as a formula."""
    facts = (*method.assumes, *method.statements, *method.steps)
    return [method.published, method.claim, *method.icon.blocks, *facts]


def abbreviations(method: Method) -> dict[str, tuple[Params, s.Expr]]:
    """Scalar abbreviations by name: letters and body, from a place that uses different letters."""
    found: dict[str, tuple[Params, s.Expr]] = {}

    def look(node: Any) -> None:
        if isinstance(node, s.Macro) and node.name not in (*OWN, *found):
            letters = tuple(a for a in node.args if isinstance(a, s.IVar))
            if len(set(letters)) == len(node.args):
                found[node.name] = (letters, node.body)
        if isinstance(node, tuple):
            for x in node:
                look(x)
        elif hasattr(node, "__dataclass_fields__"):
            for k in parts(type(node)):
                look(getattr(node, k))

    for formula in formulas(method):
        look(formula)
    return found


def layers(bodies: Bodies) -> list[Bodies]:
    """All abbreviations; then without those made of others, again and again; the simplest last."""

    def depth(node: Any) -> int:
        if isinstance(node, s.Macro):
            return 1 + depth(node.body)
        if isinstance(node, tuple):
            return max(map(depth, node), default=0)
        if not hasattr(node, "__dataclass_fields__") or isinstance(node, s.IndexSet):
            return 0
        return max((depth(getattr(node, k)) for k in parts(type(node))), default=0)

    depths = {name: depth(body) for name, (_, body) in bodies.items()}
    return [{k: v for k, v in bodies.items() if depths[k] <= most}
            for most in sorted(set(depths.values()), reverse=True)]  # fmt: skip


def in_symbols(method: Method, bodies: Bodies) -> Method:
    """The method with symbols in place of abbreviations."""
    new = {f: hidden(getattr(method, f), bodies)
           for f in ("published", "claim", "icon", "assumes", "statements", "steps")}  # fmt: skip
    return replace(method, **new)


@dataclass
class Meaning:
    """What symbols stand for: letters and body of each, and the theorems that hypotheses mean."""

    bodies: dict[str, tuple[tuple[Term, ...], Term]]

    def __post_init__(self) -> None:
        self.terms: dict[Term, Term] = {}
        self.theorems: dict[Theorem, Theorem] = {}
        self.given: dict[Judgement, Theorem] = {}

    def of_term(self, t: Term) -> Term:
        """A term with the bodies put in."""
        if t not in self.terms:
            self.terms[t] = self._of_term(t)
        return self.terms[t]

    def _of_term(self, t: Term) -> Term:
        if t.op in BINDERS:
            v = var(f"{PREFIX}{offset(t) + 1}", t.data)
            bodies = (self.of_term(open_binder(t, v, k)) for k in range(len(t.args)))
            return bind(t.op, v, *bodies)
        if t.op == "app" and t.data[0] in self.bodies:
            letters, body = self.bodies[t.data[0]]
            return subst(body, dict(zip(letters, t.args, strict=True)))
        return rebuild(t, lambda a, _: self.of_term(a), 0)

    def of(self, x: Any) -> Any:
        """An argument of a rule with the bodies put in."""
        if isinstance(x, Term):
            return self.of_term(x)
        if isinstance(x, Theorem):
            return self.of_theorem(x)
        return tuple(map(self.of, x)) if isinstance(x, tuple | list) else x

    def of_theorem(self, th: Theorem) -> Theorem:
        """The theorem about what the symbols stand for. Raises RuleError where a rule refuses."""
        work = [th]
        while work:
            top = work[-1]
            open_ = [t for t in within(top.args) if t not in self.theorems]
            if open_ and top not in self.theorems:
                work += open_
                continue
            work.pop()
            if top not in self.theorems:
                known = self.given.get(top.concl) if top.rule == "assume" else None
                self.theorems[top] = known or RULES[top.rule](*map(self.of, top.args))
        return self.theorems[th]


def within(args: Any) -> list[Theorem]:
    """The theorems among the arguments of a rule."""
    if isinstance(args, Theorem):
        return [args]
    return [t for a in args for t in within(a)] if isinstance(args, tuple | list) else []


def symbol(name: str, letters: tuple[Term, ...]) -> Term:
    """The symbol of an abbreviation at its letters."""
    sets: tuple[Domain, ...] = tuple(v.data[1] for v in letters)
    return mk("app", (name, sets), *letters)
