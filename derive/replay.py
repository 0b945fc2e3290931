"""TRUSTED. A certificate -> the theorems it proves: terms, then rule after rule, no search."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from derive.terms import Term, mk, need
from derive.theorem import RULES, Theorem


def freeze(x: Any) -> Any:
    """JSON lists as tuples, all the way down."""
    return tuple(map(freeze, x)) if isinstance(x, list) else x


def replay(rows: list[Any], steps: list[Any]) -> list[Theorem]:
    """The theorems of steps [rule, [row, "#step", "$text", list ...]] about rows of terms."""
    terms, done = list[Term](), list[Theorem]()
    for op, data, *args in rows:
        if op == "num":
            good = type(data) is str and re.fullmatch(r"-?[0-9]{1,4000}(/[1-9][0-9]{,3999})?", data)
            need(good, "a malformed number")
            data = Fraction(data)
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
