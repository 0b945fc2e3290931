"""Certificates: a derivation as data, pruned to what it uses, in canonical JSON with a hash.

    {"format": "iconograph/certificate/2", "method": ..., "terms": [...], "steps": [...],
     "proved": [...], "defined": [...], "claim": {...}, "model": {...}, "hash": sha256 of the rest}

`derive.check` reads them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from derive.sentences import statement
from derive.terms import Term
from derive.theorem import Theorem

if TYPE_CHECKING:
    from derive.bridge import Problem
    from derive.models import Model
    from derive.prove import Proof

FORMAT = "iconograph/certificate/2"


@dataclass(frozen=True)
class Certificate:
    """A derivation of one claim as data."""

    method: str
    body: dict[str, Any]

    @property
    def hash(self) -> str:
        """sha256 of the canonical JSON without the hash."""
        return hashlib.sha256(canonical_json(self.body).encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON, one line, with the hash."""
        return canonical_json({**self.body, "hash": self.hash}) + "\n"


def canonical_json(x: Any) -> str:
    """JSON with sorted keys and no spaces, the same bytes for the same data."""
    return json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def encode(roots: Iterable[Theorem]) -> tuple[list[Any], list[Any], list[int]]:
    """The terms and steps that `roots` were derived by, and where among the steps the roots are.

    Terms and steps come once each, in an order that replays.
    """
    terms: dict[Term, int] = {}
    term_rows: list[Any] = []
    steps: dict[int, int] = {}
    step_rows: list[Any] = []

    def term(t: Term) -> int:
        if t not in terms:
            args = [term(a) for a in t.args]
            data = str(t.data) if t.op == "num" else thaw(t.data)
            terms[t] = len(term_rows)
            term_rows.append([t.op, data, *args])
        return terms[t]

    def arg(a: Any) -> Any:
        if isinstance(a, Term):
            return term(a)
        if isinstance(a, Theorem):
            return f"#{steps[id(a)]}"
        if isinstance(a, str):
            return f"${a}"
        return [arg(x) for x in a]

    roots = list(roots)
    stack: list[tuple[Theorem, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        th, ready = stack.pop()
        if id(th) in steps:
            continue
        if ready:
            row = [th.rule, [arg(a) for a in th.args]]
            steps[id(th)] = len(step_rows)
            step_rows.append(row)
        else:
            stack.append((th, True))
            stack += [(p, False) for p in reversed(list(theorems(th.args)))]
    return term_rows, step_rows, [steps[id(root)] for root in roots]


def theorems(args: Iterable[Any]) -> Iterable[Theorem]:
    """The theorems among the arguments of a rule."""
    for a in args:
        if isinstance(a, Theorem):
            yield a
        elif isinstance(a, tuple | list):
            yield from theorems(a)


def thaw(x: Any) -> Any:
    """Tuples as JSON lists."""
    return [thaw(y) for y in x] if isinstance(x, tuple) else x


def certify(method_id: str, proof: Proof, problem: Problem, model: Any) -> Certificate:
    """The certificate of a proof; `model` (see model_json) satisfies the hypotheses."""
    terms, steps, roots = encode([*proof.defined, *proof.theorems])
    first = len(proof.defined)
    dims = sorted(problem.dims, key=str)
    body = {
        "format": FORMAT,
        "method": method_id,
        "terms": terms,
        "steps": steps,
        "defined": roots[:first],
        "proved": roots[first:],
        "claim": statement(proof.theorems, frozenset(dims)),
        "dims": thaw(tuple(dims)),
        "model": model,
    }
    return Certificate(method_id, body)


def model_json(model: Model) -> dict[str, Any]:
    """A finite model as data: sizes and tables, numbers as text."""

    def table(t: Mapping[Any, Any]) -> list[Any]:
        return [[list(at), str(x)] for at, x in sorted(t.items())]

    parts = {"families": model.families, "masks": model.masks, "functions": model.functions}
    return {
        "sizes": dict(model.sizes),
        **{k: {n: table(t) for n, t in p.items()} for k, p in parts.items()},
    }
