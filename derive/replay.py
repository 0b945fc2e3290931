"""TRUSTED. A certificate -> the theorems it proves: terms, then rule after rule, no search."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from derive.terms import Term, mk, need
from derive.theorem import RULES, Theorem

NUMBER = r"-?[0-9]{1,400}(/[0-9]{1,400})?"


def freeze(x: Any) -> Any:
    """JSON lists as tuples, all the way down."""
    return tuple(map(freeze, x)) if isinstance(x, list) else x


def replay(rows: list[Any], steps: list[Any]) -> list[Theorem]:
    """The theorems of all steps.

    Rows are terms [op, data, earlier rows], steps [rule, arguments]: rows, "#step", "$text", lists.
    """
    terms, done = list[Term](), list[Theorem]()
    for op, data, *args in rows:
        if op == "num":
            need(isinstance(data, str) and re.fullmatch(NUMBER, data), "a malformed number")
            data = Fraction(data)
        need(op != "v" or isinstance(data[0], str), "a variable without a name")
        need(all(type(a) is int and 0 <= a < len(terms) for a in args), "no such earlier term")
        terms.append(mk(op, freeze(data), *(terms[a] for a in args)))

    def read(a: Any) -> Any:
        if isinstance(a, list):
            return tuple(map(read, a))
        if isinstance(a, str) and a[:1] == "$":
            return a[1:]
        step = isinstance(a, str) and re.fullmatch("#[0-9]{1,9}", a)
        table, k = (done, int(a[1:])) if step else (terms, a)
        need(type(k) is int and 0 <= k < len(table), f"step {len(done)}: {a!r} is no argument")
        return table[k]

    for name, args in steps:
        need(name in RULES, f"step {len(done)}: there is no rule {name!r}")
        done.append(RULES[name](*map(read, args)))
    return done
