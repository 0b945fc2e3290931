"""A derivation for readers: equations from the published formula to scale * I-Con + constant.

Every line equals the one before it by a theorem of the trusted base; `by` names the laws it used.
The chain is made by the search in stages, from both ends, until the two meet.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.bridge import Problem
from derive.certificate import theorems
from derive.normal import GaveUp, Normaliser
from derive.printing import latex, text
from derive.prove import Search
from derive.sentences import judgement_text
from derive.terms import RuleError, Term
from derive.theorem import Judgement, Theorem

STAGES: tuple[frozenset[str], ...] = (
    frozenset(("unfold", "guard", "shannon", "split", "merge", "indicators")),
    frozenset(
        ("unfold", "guard", "shannon", "split", "merge", "indicators", "delta", "count", "cancel")
    ),
)
LAWS = {
    "log_mul": "log(x y) = log x + log y", "log_exp": "log exp x = x",
    "log_inv": "log(1/x) = -log x",
    "exp_log": "exp log x = x", "exp_add": "exp(x + y) = exp x exp y", "exp_zero": "exp 0 = 1",
    "xlogx_mul": "x log(x y) = x log x + x log y, 0 log 0 = 0", "inv_mul": "1/(x y) = 1/x 1/y",
    "inv_inv": "1/(1/x) = x", "mul_inv": "x/x = 1", "leibniz": "[i = j] f(i) = [i = j] f(j)",
    "delta_sum": "sum over j of [j = i] is 1",
    "enumerate_sum": "a sum over named elements, written out",
    "delta": "[i = i] = 1", "ne_def": "[i != j] = 1 - [i = j]", "cases": "by cases of an indicator",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line: the expression, and the laws and hypotheses by which it equals the line before."""

    term: Term
    by: tuple[str, ...]
    theorem: Theorem | None


@dataclass(frozen=True)
class Derivation:
    """The chain; the first line is the published formula, the last the I-Con side."""

    lines: tuple[Line, ...]
    problem: Problem

    def text(self) -> str:
        """The chain as plain text, one line an equation."""
        out = []
        for n, line in enumerate(self.lines):
            out.append(("  = " if n else "    ") + text(line.term, self.problem.dims))
            if line.by:
                out.append(f"        [{'; '.join(line.by)}]")
        return "\n".join(out)

    def latex(self) -> str:
        """The chain as a LaTeX align* environment, laws at the right."""
        rows = []
        for n, line in enumerate(self.lines):
            reason = f" && \\text{{{'; '.join(line.by)}}}".replace("->", "to") if line.by else ""
            rows.append(("&= " if n else "& ") + latex(line.term, self.problem.dims) + reason)
        return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def derivation(problem: Problem) -> Derivation | None:
    """The chain of a claim, or None where the search finds none."""
    search = Search(problem)
    end = problem.target
    words = {j: w for j, w in zip(problem.hyps, problem.texts, strict=True) if w}
    there, back = stages(problem, problem.published, search), stages(problem, end, search)
    a, b = (there[-1][0] if there else problem.published), (back[-1][0] if back else end)
    meet = None
    if a is not b:
        found = search.equal(a, b)
        if not isinstance(found, Theorem):
            return None
        meet = found
    lines = [Line(problem.published, (), None)]
    lines += [Line(t, laws(th, problem, words), th) for t, th in there]
    if meet is not None:
        lines.append(Line(b, laws(meet, problem, words), meet))
    # the way back: line k of the other end follows from line k + 1 by the same theorem
    rest = [end, *(t for t, _ in back)]
    for k in range(len(back) - 1, -1, -1):
        lines.append(Line(rest[k], laws(back[k][1], problem, words), back[k][1]))
    return Derivation(tuple(lines), problem)


def stages(problem: Problem, start: Term, search: Search) -> list[tuple[Term, Theorem]]:
    """What each stage that changes a term makes of it, with the theorem that they are equal."""
    out: list[tuple[Term, Theorem]] = []
    t = start
    for steps in (*STAGES, None):
        way = search.plain if steps is None else Stage(problem, steps, search.plain)
        try:
            to, th = way.normal(t)
        except (GaveUp, RuleError):  # a stage may do too little to end; the full search follows
            continue
        if th is not None and text(to, problem.dims) != text(t, problem.dims):
            out.append((to, th))
            t = to
    return out


class Stage(Normaliser):
    """A normaliser that takes some steps only; signs it asks the full search for."""

    def __init__(self, problem: Problem, steps: frozenset[str], full: Normaliser):
        self.full: Normaliser | None = None
        super().__init__(problem.hyps, problem.dims)
        self.full, self.steps_taken = full, steps
        self.forget(everything=True)

    def sign(self, kind: str, t: Term) -> Theorem | None:
        """The sign, by the full search."""
        return super().sign(kind, t) if self.full is None else self.full.sign(kind, t)


def laws(th: Theorem, problem: Problem, words: dict[Judgement, str]) -> tuple[str, ...]:
    """The laws and hypotheses that a theorem was made by, each once, in the order of LAWS."""
    seen: set[int] = set()
    names: set[str] = set()
    hyps: dict[str, None] = {}
    stack = [th]
    while stack:
        t = stack.pop()
        if id(t) in seen:
            continue
        seen.add(id(t))
        names.add(t.args[0] if t.rule == "axiom" else t.rule)
        if t.rule == "assume" and t.concl[0] == "eq":
            hyps.setdefault(words.get(t.concl) or judgement_text(t.concl, problem.dims))
        stack += theorems(t.args)
    used = [law for name, law in LAWS.items() if name in names]
    return (*(used or ["linearity of sums"]), *hyps)
