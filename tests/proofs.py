"""What is known of the entries of the catalog, found out once and shared by all tests.

`judged` asks the judges of finite models, `proved` searches for a proof and certifies it, `verdict`
runs the pipeline with these two in their places, so that nothing is done twice. Verdicts are shared
by the processes of one run too.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from catalog.registry import all_methods, load
from catalog.spec import Method
from derive import verify as pipeline
from derive.bridge import Problem, problem
from derive.certificate import Certificate, certify, model_json
from derive.check import CheckResult, check_text
from derive.finite import MORE, FiniteReport, judge
from derive.instance import LIMITS, model_at
from derive.prove import Proof, prove
from derive.verdict import NEGATIVE, Verdict


@dataclass(frozen=True)
class Proved:
    """A method, its claim in terms, the proof and the certificate."""

    method: Method
    claim: Problem
    proof: Proof
    certificate: Certificate

    def body(self) -> dict[str, Any]:
        """A fresh copy of the certificate's body, as JSON reads it."""
        copy: dict[str, Any] = json.loads(self.certificate.to_json())
        del copy["hash"]
        return copy


def make(method: Method, claim: Problem | None = None) -> Proved:
    """The proof of a method that has one, with the model that comes with it."""
    claim = claim or problem(method)
    found = prove(claim)
    assert isinstance(found, Proof), (method.id, found)
    model = next(m for n in (*LIMITS, *MORE) if (m := model_at(claim, n)) is not None)
    return Proved(method, claim, found, certify(method.id, found, claim, model_json(model)))


CLAIMED = tuple(m.id for m in all_methods() if m.claim.relation not in NEGATIVE)
"""The ids of the entries that claim something for every N."""
DENIED = tuple(m.id for m in all_methods() if m.claim.relation in NEGATIVE)
"""The ids of the entries that say that no claim holds, or that one of the literature does not."""
SEED = (
    "clip", "cmc", "cosface", "cross-entropy", "dcd", "dpo", "harmonic", "infonce",
    "infonce-clustering", "infonce-k", "knowledge-distillation", "label-smoothing", "lgsimclr",
    "mlm", "moco-v3", "pmi-clustering", "siglip", "simclr", "sne", "sne-uniform", "supcon",
    "t-simclr", "t-simcne", "t-sne", "t-sne-graph", "t-sne-uniform", "x-sample",
)  # fmt: skip
"""Entries of many kinds that change seldom, for tests that look at all of `proofs()` at once."""


def entries(names: Iterable[str]) -> list[Any]:
    """The names as parameters; the tests of one entry share a worker, and so what it found out."""
    return [pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in names]


@cache
def claim(name: str) -> Problem:
    """What an entry says, in terms."""
    return problem(load(name))


@cache
def judged(name: str) -> FiniteReport:
    """What the judges of finite models say of an entry."""
    said = claim(name)
    return judge(load(name), said, affine=name in DENIED and said.equation)


@cache
def proved(name: str) -> Proved:
    """One entry of the catalog, proved."""
    return make(load(name), claim(name))


@cache
def replayed(name: str) -> CheckResult:
    """What the certificate of an entry says when it is read from its text."""
    return check_text(proved(name).certificate.to_json())


@cache
def verdict(name: str) -> Verdict:
    """The verdict of the pipeline, its judges and its search being those above."""
    folder = os.environ.get("ICONOGRAPH_TESTS_SHARED")
    path = Path(folder) / f"{name}.pickle" if folder else None
    if path and path.exists():
        found = pickle.loads(path.read_bytes())
        assert isinstance(found, Verdict)
        return found
    found = new_verdict(name)
    if path:
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(found))
        part.replace(path)  # another process reads all of it or nothing
    return found


def new_verdict(name: str) -> Verdict:
    """The same, found out here."""
    with (
        patch.object(pipeline, "problem", lambda method: claim(method.id)),
        patch.object(pipeline.finite, "judge", lambda method, *_, **__: judged(method.id)),
        patch.object(pipeline, "search", lambda _: proved(name).proof),
    ):
        return pipeline.verify(load(name))


@cache
def proofs() -> dict[str, Proved]:
    """The entries of SEED, proved."""
    return {name: proved(name) for name in SEED}
