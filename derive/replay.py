"""TRUSTED. A certificate's steps -> the theorems they prove. No search: a table of terms, then one rule after another."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from derive.terms import RuleError, Term, mk
from derive.theorem import RULES, Theorem

NUMBER = re.compile(r"-?[0-9]{1,400}(/[0-9]{1,400})?")


def freeze(x: Any) -> Any:
    """JSON lists as tuples, all the way down (so that data can be compared and hashed)."""
    return tuple(map(freeze, x)) if isinstance(x, list) else x


def read_terms(table: list[Any]) -> list[Term]:
    """The terms of a table of [op, data, argument numbers...], each made of earlier ones."""
    terms: list[Term] = []
    for op, data, *args in table:
        if op == "num":
            if not (isinstance(data, str) and NUMBER.fullmatch(data)):
                raise RuleError("a malformed number")
            data = Fraction(data)
        if op == "v" and not isinstance(data[0], str):
            raise RuleError("a variable without a name")
        if not all(type(a) is int and 0 <= a < len(terms) for a in args):
            raise RuleError("a term refers to a later one")
        terms.append(mk(op, freeze(data), *(terms[a] for a in args)))
    return terms


def replay(terms: list[Any], steps: list[Any]) -> list[Theorem]:
    """The theorems of all steps. A step is [rule, arguments]; an argument is a number (a term of the table),
    "#n" (an earlier step), "$text" (a name) or a list of arguments. Raises RuleError where a step fails."""
    table, done = read_terms(terms), list[Theorem]()

    def arg(a: Any) -> Any:
        if isinstance(a, list):
            return tuple(map(arg, a))
        if type(a) is int and 0 <= a < len(table):
            return table[a]
        if isinstance(a, str) and a[:1] == "$":
            return a[1:]
        if isinstance(a, str) and re.fullmatch("#[0-9]{1,9}", a) and int(a[1:]) < len(done):
            return done[int(a[1:])]
        if a is None:
            return a
        raise RuleError(f"step {len(done)}: {a!r} is no argument")

    for name, args in steps:
        if name not in RULES:
            raise RuleError(f"step {len(done)}: there is no rule {name!r}")
        done.append(RULES[name](*(arg(a) for a in args)))
    if not done:
        raise RuleError("the certificate has no steps")
    return done
