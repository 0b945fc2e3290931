"""A recognised pair as the tables of a method file: [sets], [icon], [p], [q] and [claim].

Kernels are named where the vocabulary has them; any other is written as a logit or a formula. What
is written here is read and proved again, so a wrong name cannot pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

from derive.claims import total
from derive.comparisons import ORDERED
from derive.formula_text import Unsayable, binder, condition, formula
from derive.partitions import Taker
from derive.poly import flat, plus, times
from derive.products import summands
from derive.rows import GROUPS, MATCH, NULL, Row, is_outcome
from derive.steps import ONE
from derive.terms import BOOL, Domain, Term, domain, mk, num, subst
from derive.theorem import inv, log

LONG = 60  # characters of a constant that is better shown as an entropy, where it is one
if TYPE_CHECKING:
    from derive.recognise import Found

Table = Mapping[str, str]
Tables = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Words:
    """How terms are written: coordinate sets, and the letters of every set."""

    taker: Taker
    dims: frozenset[Domain]
    letters: Mapping[Domain, Sequence[str]]

    def text(self, t: Term, *beside: Term) -> str:
        """A term in the formula language. Raises Unsayable."""
        return formula(t, self.dims, self.letters, beside)

    def tables(
        self, found: Found
    ) -> Iterator[dict[str, dict[str, str]]]:
        """The tables of a claim of exactness, the most telling names first. Raises Unsayable."""
        rows, pr, relation = found.rows, found.problem, found.relation
        row, scale, constant = rows[0], pr.scale, pr.constant
        icon = self.icon(rows, found.unit)
        if relation in ("reverse", "generalised"):
            icon["divergence"] = pr.divergence
            if pr.divergence in ORDERED:
                icon["order"] = self.text(pr.degree)
        entropy = plus([r.entropy() for r in rows])
        words = self.text(constant)
        simple = relation in ("exact", "coarse")
        if simple and len(words) > LONG and self.taker.same(constant, entropy):
            words = "H(p)" if scale is ONE else f"{self.text(scale)} * H(p)"
        claim = {"relation": relation, "scale": self.text(scale), "constant": words}
        ps, qs = list(self.p_tables(row)), list(self.q_tables(row))
        for p, q in product(ps, qs):
            made = {"icon": icon, "p": p, "q": q, "claim": claim}
            if row.before is not None:
                lines = (row.before, self.taker.ways[0].normal(row.partition)[0])
                said = " = ".join(self.text(t, *row.anchors) for t in lines)
                made["proof"] = {GROUPS: said}
            yield made

    def icon(self, rows: Sequence[Row], scale: Term) -> dict[str, str]:
        """[icon] of rows that one normalisation describes. Raises Unsayable."""
        row = rows[0]
        over = binder(row.over, row.allowed, self.dims, self.letters)
        anchors = binder(row.anchors, row.mask, self.dims, self.letters)
        if len(rows) == 2:
            return {"normalise": "row-and-column", "anchors": anchors, "neighbours": over}
        if not row.anchors:
            return {"normalise": "joint", "anchors": "", "neighbours": over}
        out = {"anchors": anchors, "neighbours": over}
        if len(row.anchors) == 2 and len(row.over) == 1 and is_outcome(domain(row.over[0])):
            out["normalise"] = "pair"
        weight = self.taker.ways[0].normal(row.weight * inv(scale))[0]
        if not self.taker.same(weight * total(row.anchors, row.mask), ONE, 2):
            out["weights"] = self.text(row.weight * inv(scale), *row.anchors)
        return out

    # ------------------------------------------------------------ p
    def p_tables(self, row: Row) -> Iterator[dict[str, str]]:
        """[p], named where it is one neighbour or uniform over a set."""
        beside = (*row.anchors, *row.over)
        p = self.taker.light.normal(row.p)[0]
        if (target := self.one_hot(row, p)) is not None:
            yield {"kernel": "one-hot", "target": target}
        if (when := self.match(row)) is not None:
            yield {"kernel": "match", "when": when}
        if (over := self.uniform(row, p)) is not None:
            if (labels := same_label(p, row)) is not None:
                yield {"kernel": "same-label", "labels": labels}
            yield {"kernel": "uniform", "over": over}
        parts = summands(p)
        if len(parts) == 2 and not row.anchors and len(row.over) == 2:
            a, u = row.over
            for part in parts:
                table = self.softmax(part, a, u)
                if table and "points" in table and not mentions(table["bandwidth"], str(u.data[0])):
                    yield {**table, "kernel": f"symmetrised-{table['kernel']}"}
        elif len(parts) == 1 and row.anchors and len(row.over) == 1:
            named = self.softmax(p, row.anchors[-1], row.over[0])
            yield from [named] if named else []
        yield {"kernel": "formula", "formula": self.text(row.p, *beside)}

    def one_hot(self, row: Row, p: Term) -> str | None:
        """The index that has all the mass."""
        if len(row.over) != 1 or p.op != "eq" or row.over[0] not in p.args:
            return None
        e = p.args[p.args[0] is row.over[0]]
        return None if row.over[0] in e.free else self.text_of_index(e)

    def match(self, row: Row) -> str | None:
        """The condition under which the outcome is match."""
        if len(row.over) != 1 or not is_outcome(domain(row.over[0])):
            return None
        yes = mk("el", (MATCH, domain(row.over[0])))
        when = self.taker.light.normal(subst(row.p, {row.over[0]: yes}))[0]
        try:
            return condition(when, self.dims, self.letters, row.anchors) or None
        except Unsayable:
            return None

    def softmax(self, p: Term, a: Term, u: Term) -> dict[str, str] | None:
        """A softmax of fixed logits, or a Gaussian, divided by its sum."""
        fs = flat(p)
        above = [f for f in fs if f.op == "exp" and u in f.free]
        if not above or not any(f.op == "inv" and f.args[0].op == "sum" for f in fs):
            return None
        logit = self.taker.ways[0].normal(plus([f.args[0] for f in above]))[0]
        try:
            terms = self.taker.view.poly(logit)
            ((vs, gs), c), *more = terms.items()
            core = [g for g in gs if g.op == "sum" and g.data in self.dims]
            if not more and not vs and len(core) == 1 and c < 0:
                ends = self.difference(core[0], a, u)
                if ends is not None and not ends[1]:
                    width = times([num(-c * 2), *(g for g in gs if g is not core[0])])
                    half = mk("exp", None, num(Fraction(1, 2)) * log(self.reciprocal(width)))
                    squared = flat(self.reciprocal(width))
                    if len(squared) == 2 and squared[0] is squared[1]:
                        half = squared[0]
                    return {"kernel": "gaussian", "points": ends[0],
                            "bandwidth": self.text(half, a, u)}  # fmt: skip
            return {"kernel": "softmax", "logits": self.text(logit, a, u)}
        except Unsayable:
            return None

    def text_of_index(self, e: Term) -> str:
        """An index in the formula language."""
        name = str(e.data[0])
        return name + (f"[{','.join(map(self.text_of_index, e.args))}]" if e.args else "")

    def uniform(self, row: Row, p: Term) -> str | None:
        """The condition over which p is uniform."""
        fs = flat(p)
        conds = [f for f in fs if f.op in BOOL]
        rest = [f for f in fs if f not in conds]
        if not conds or len(rest) != 1 or rest[0].op != "inv" or rest[0].args[0].op != "sum":
            return None
        kept = [f for f in conds if f not in flat(row.allowed)]
        try:
            return condition(times(kept or conds), self.dims, self.letters, row.over)
        except Unsayable:
            return None

    # ------------------------------------------------------------ q
    def q_tables(self, row: Row) -> Iterator[dict[str, str]]:
        """[q], by its name in the vocabulary where it has one, then as a logit, then as written."""
        beside = (*row.anchors, *row.over)
        logs = self.taker.view.normal(log(row.kernel))
        if len(row.over) == 1 and is_outcome(domain(row.over[0])):
            yield {"kernel": "sigmoid", "logit": self.text(self.between(row), *beside)}
        if len(row.anchors) <= 1 or len(row.over) == 1:
            yield from self.named(row, logs)
        if (cases := self.by_outcome(row)) is not None:
            yield {"kernel": "formula", "formula": cases}
        # a log-kernel that is itself one of a sum, such as 1 + d, is better shown as the kernel
        bare = logs.op not in ("log",) and not any(f.op == "log" for f in flat(logs))
        if bare:
            yield {"kernel": "logit", "logit": self.text(logs, *beside)}
        yield {"kernel": "formula", "formula": self.text(row.kernel, *beside)}
        if not bare:
            yield {"kernel": "logit", "logit": self.text(logs, *beside)}

    def by_outcome(self, row: Row) -> str | None:
        """The kernel of each outcome in turn, where one is a sum."""
        (u, *more) = row.over
        if more or not is_outcome(domain(u)):
            return None
        parts = []
        for e in (MATCH, NULL):
            here = mk("el", (e, domain(u)))
            kernel = self.taker.ways[0].normal(subst(row.kernel, {u: here}))[0]
            parts.append(mk("eq", None, u, here) * kernel)
        if not any(f.op == "sum" for x in parts for f in flat(x)):
            return None
        return self.text(plus(parts), *row.anchors, u)

    def between(self, row: Row) -> Term:
        """The log-ratio of the outcomes match and null."""
        (u,) = row.over
        at = ({u: mk("el", (e, domain(u)))} for e in (MATCH, NULL))
        one, other = (subst(log(row.kernel), names) for names in at)
        return self.taker.ways[0].normal(one - other)[0]

    def named(self, row: Row, logs: Term) -> Iterator[dict[str, str]]:
        """The kernels of embeddings: inner product, cosine, Gaussian and Student t."""
        if not row.anchors and len(row.over) != 2:
            return
        a, u = (*row.anchors[-1:], row.over[-1]) if row.anchors else row.over
        parts = self.taker.view.poly(logs)
        if len(parts) != 1:
            return
        ((vs, fs), c) = next(iter(parts.items()))
        if vs:
            return
        if len(fs) == 1 and c == -1 and fs[0].op == "log":
            yield from self.student(fs[0].args[0], a, u)
        cores = [f for f in fs if f.op == "sum" and f.data in self.dims and a in f.free | u.free]
        cores = [f for f in cores if u in f.free and a in f.free]
        if len(cores) != 1:
            return
        core = cores[0]
        rest = [f for f in fs if f is not core]
        if (ends := self.vectors(core, a, u)) is not None:
            norms = [f for f in rest if {a, u} & f.free]
            table = {"embedding": ends[0]} | ({"keys": ends[1]} if ends[1] else {})
            others = times([num(c), *(f for f in rest if f not in norms)])
            tau = self.text(self.reciprocal(others), a, u)
            if norms:
                yield {"kernel": "cosine", **table, "temperature": tau}
            else:
                yield {"kernel": "dot", **table, "temperature": tau}
        elif c < 0 and (ends := self.difference(core, a, u)) is not None:
            width = times([num(-c * 2), *rest])
            table = {"embedding": ends[0]} | ({"keys": ends[1]} if ends[1] else {})
            if width is num(2):
                yield {"kernel": "gaussian", **table}
            else:
                half = mk("exp", None, num(Fraction(1, 2)) * log(self.reciprocal(width)))
                yield {"kernel": "gaussian", **table, "bandwidth": self.text(half, a, u)}

    def student(self, inside: Term, a: Term, u: Term) -> Iterator[dict[str, str]]:
        """1/(1 + d)."""
        d = self.taker.view.poly(inside - ONE)
        if len(d) == 1 and next(iter(d.values())) == 1:
            ((vs, fs), _) = next(iter(d.items()))
            if not vs and len(fs) == 1 and (ends := self.difference(fs[0], a, u)) is not None:
                table = {"embedding": ends[0]} | ({"keys": ends[1]} if ends[1] else {})
                yield {"kernel": "student-t", **table}

    def reciprocal(self, t: Term) -> Term:
        """1 over a product."""
        return times([f.args[0] if f.op == "inv" else num(1 / f.data) if f.op == "num" else inv(f)
                      for f in flat(t) if f is not ONE]) if t is not ONE else ONE  # fmt: skip

    def vectors(self, core: Term, a: Term, u: Term) -> tuple[str, str] | None:
        """The vectors of an inner product, anchor first; the second "" where it is the same."""
        text = self.text(core, a, u)
        if "." not in text or text.startswith("|"):
            return None
        left, right = text.split(".", 1)
        at, to = f"{a.data[0]}", f"{u.data[0]}"
        ends = [left, right] if mentions(left, at) and not mentions(left, to) else [right, left]
        return self.table(ends[0], ends[1], at, to)

    def difference(self, core: Term, a: Term, u: Term) -> tuple[str, str] | None:
        """The vectors of a squared distance, anchor first."""
        text = self.text(core, a, u)
        if not (text.startswith("|") and text.endswith("|^2") and " - " in text):
            return None
        left, right = text[1:-3].split(" - ", 1)
        at, to = f"{a.data[0]}", f"{u.data[0]}"
        ends = [left, right] if mentions(left, at) and not mentions(left, to) else [right, left]
        return self.table(ends[0], ends[1], at, to)

    def table(self, first: str, second: str, at: str, to: str) -> tuple[str, str] | None:
        """Both ends, one name where they are one table."""
        if mentions(first, to) or mentions(second, at):
            return None
        if first.replace(f"[{at}]", f"[{to}]") == second and "," not in first:
            return first.replace(f"[{at}]", ""), ""
        return first, second


def same_label(p: Term, row: Row) -> str | None:
    """The labels that anchor and neighbour share, where that is all that p asks."""
    conds = [f for f in flat(p) if f.op in BOOL and f not in flat(row.allowed)]
    if len(conds) != 1 or conds[0].op != "eq" or len(row.over) != 1 or not row.anchors:
        return None
    one, other = conds[0].args
    ends = {row.anchors[-1], row.over[0]}
    alike = one.op == other.op == "fn" and one.data == other.data
    return str(one.data[0]) if alike and {*one.args, *other.args} == ends else None


def mentions(text: str, letter: str) -> bool:
    """Whether a letter stands among the indices of a text."""
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(letter)}(?![A-Za-z0-9_])", text) is not None

