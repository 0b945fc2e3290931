"""Terms in the formula language of method files, so that a result can be read, kept and verified.

The printer of proofs writes for people; here every letter is one that the file declares for its
set, and what the language cannot say is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.letters import names_below
from derive.poly import flat
from derive.printing import Printer, Shown, Style
from derive.steps import ONE
from derive.terms import BOOL, Domain, Term, open_binder, var
from derive.theorem import MINUS


class Unsayable(Exception):
    """The formula language has no words for a term."""


class FormulaPrinter(Printer):
    """Writes terms with the letters of a file."""

    def __init__(self, dims: frozenset[Domain], letters: Mapping[Domain, Sequence[str]], *ts: Term):
        super().__init__(Style(False, dims), *ts)
        self.letters = letters
        self.taken |= names_below(ts)

    def enter(self, t: Term) -> tuple[list[Term], Term]:
        """The body of a binder at a letter of its set that is new."""
        self.inside.append(letter_for(t.data, self.letters, {*self.taken, *self.inside}))
        v = var(self.inside[-1], t.data)
        return [v], open_binder(t, v, len(t.args) - 1)

    def binder(self, t: Term) -> Shown:
        """A sum or a maximum; a sum over coordinates must be an inner product or a norm."""
        if t.op == "sum" and t.data in self.s.dims and not (self.norm(t) or self.dot(t)):
            raise Unsayable("a sum over coordinates that is no inner product")
        return super().binder(t)

    def over(self, op: str, vs: list[Term], conds: list[Term], rest: Term) -> Shown:
        """A binder over variables; a count is the size of a set."""
        if any(c.op not in BOOL for c in conds):
            raise Unsayable("a condition that is a formula")
        shown = super().over(op, vs, conds, rest)
        text = shown[0]
        if text.startswith("count{"):
            text = f"size[{text[len('count{') : -1]}]"
        names = {v: self.index(v) for v in vs}
        for v in vs:  # the letter says the set here
            name = self.set(v.data[1])
            text = text.replace(f"{names[v]} in {name}", names[v], 1)
        return text, shown[1]


def letter_for(d: Domain, letters: Mapping[Domain, Sequence[str]], taken: set[str]) -> str:
    """A letter of a set that is not taken, numbered where all are. Raises Unsayable."""
    known = letters.get(d, ())
    if not known:
        raise Unsayable(f"the set {d if isinstance(d, str) else d[0]} has no letters")
    for name in (*known, *(f"{known[0]}{k}" for k in range(1, 40))):
        if name not in taken:
            return name
    raise Unsayable("too many letters of one set")


def formula(
    t: Term,
    dims: frozenset[Domain],
    letters: Mapping[Domain, Sequence[str]],
    beside: Sequence[Term] = (),
) -> str:
    """A term in the formula language; free variables keep their names. Raises Unsayable."""
    return FormulaPrinter(dims, letters, t, *beside).show(t)


def binder(
    vs: Sequence[Term], mask: Term, dims: frozenset[Domain], letters: Mapping[Domain, Sequence[str]]
) -> str:
    """`i, j : i != j`, as stands in the brackets of a sum. Raises Unsayable."""
    names = ", ".join(str(v.data[0]) for v in vs)
    where = condition(mask, dims, letters, vs)
    return f"{names} : {where}" if where else names


def condition(
    mask: Term,
    dims: frozenset[Domain],
    letters: Mapping[Domain, Sequence[str]],
    beside: Sequence[Term] = (),
    inside: bool = False,
) -> str:
    """A 0/1 term as a condition: factors with and, 1 - m with not. Raises Unsayable."""
    printer = FormulaPrinter(dims, letters, mask, *beside)
    parts = []
    for f in flat(mask):
        if f is ONE:
            continue
        if f.op in ("eq", "ne"):
            parts.append(printer.comparison(f))
        elif f.op == "mask":
            parts.append(printer.show(f))
        elif f.op == "add" and len(f.args) == 2 and ONE in f.args:
            other = next((a for a in f.args if a is not ONE), ONE)
            rest = flat(other)
            if MINUS not in rest:
                raise Unsayable("a condition that is a formula")
            rest.remove(MINUS)
            negated = [condition(g, dims, letters, beside, True) for g in rest]
            parts.append(f"not ({' and '.join(negated)})" if len(negated) > 1 or " " in negated[0]
                         else f"not {negated[0]}")  # fmt: skip
        else:
            raise Unsayable("a condition that is a formula")
    return " and ".join(parts)

