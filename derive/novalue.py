"""Where a claim has no value in a model: which quotient, logarithm or maximum, at which indices.

Terms are total (1/0 = 0, and the largest of none is 0), so two sides can differ because a formula
has no value at all. A witness of that kind is said to be one: derive.defined lists what must hold
for a formula to have a value, and here it is looked at in one model.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from derive.bridge import Problem
from derive.defined import Obligation, of_said
from derive.fields import Balls, Undecided
from derive.letters import fresh, names_below
from derive.models import Evaluator, Model
from derive.poly import PREFIX
from derive.printing import text
from derive.terms import Term, num, subst, var

WHAT = {"inv": "a division by zero", "max": "a maximum over an empty set"}


def no_value(problem: Problem, model: Model) -> str:
    """The first part of the claim that has no value in a model, in words; "" where all has one.

    0 log 0 = 0 is no such part. The innermost comes first, since what is around it lacks a value
    on its account.
    """
    numbers = Evaluator(model, Balls())
    for where, obligation in parts(problem):
        letters = names(obligation)
        free = sorted(letters, key=lambda v: letters[v])
        for at in product(*(range(model.size(v.data[1])) for v in free)):
            env = dict(zip(free, at, strict=True))
            try:
                found = broken(obligation, numbers, env)
            except Undecided:
                continue
            if found:
                row = ", ".join(f"{letters[v]} = {k + 1}" for v, k in env.items())
                shown = renamed(obligation, letters, problem)
                return f"{where}: {found} ({shown})" + (f", at {row}" if row else "")
    return ""


def parts(problem: Problem) -> Iterator[tuple[str, Obligation]]:
    """What must be positive or not empty, with the line of the file that asks for it."""
    zero, one = num(0), num(1)
    if problem.facts:
        lines = [(w, [j]) for w, j in zip(problem.fact_texts, problem.facts, strict=True)]
    else:
        whole = {"scale": problem.scale, "constant": problem.constant,
                 "published formula": problem.published}  # fmt: skip
        lines = [(f"the {name}", [("nn", t)]) for name, t in whole.items()]
        for name, k in (("weights", 4), ("p", 5), ("kernel", 6)):
            blocks = tuple(
                (*b[:4], *(b[i] if i == k else one for i in (4, 5, 6))) for b in problem.blocks
            )
            pair = ("icon", zero, one, zero, blocks, (), "kl", one, ())
            lines.append((f"the {name}", [pair]))
    for words, judgements in lines:
        for o in reversed(list(dict.fromkeys(of_said(judgements)))):
            yield words, o


def broken(o: Obligation, numbers: Evaluator[object], env: dict[Term, int]) -> str:
    """What is wrong with a part at given indices, "" where it has a value or is not asked for.

    Raises:
        Undecided: a ball cannot tell.
    """
    if any(numbers.value(g, env) == 0 for g in o.guards):
        return ""
    x = numbers.value(o.arg, env)
    if o.what != "log":
        return WHAT[o.what] if x == 0 else ""
    beside = any(numbers.value(b, env) == 0 for b in o.beside)
    return "a logarithm of what is not positive" if x <= 0 and not beside else ""  # type: ignore[operator]


def names(o: Obligation) -> dict[Term, str]:
    """The free indices of a part, with letters for those that stood below a binder."""
    terms = (o.arg, *o.guards, *o.beside)
    free = frozenset[Term]().union(*(t.free for t in terms))
    out = {v: str(v.data[0]) for v in free if not str(v.data[0]).startswith(PREFIX)}
    taken = {*names_below(terms), *(n.split("'")[0] for n in out.values())}
    for v in sorted(free - out.keys(), key=str):
        out[v] = fresh(taken)
        taken.add(out[v])
    return {v: n.split("'")[0] for v, n in out.items()}


def renamed(o: Obligation, letters: dict[Term, str], problem: Problem) -> str:
    """What is divided by, is taken the logarithm of, or counts the set, in these letters."""
    shown = subst(o.arg, {v: var(n, v.data[1]) for v, n in letters.items()})
    said = text(shown, problem.dims)
    return f"log({said})" if o.what == "log" else f"{said} = 0"
