"""The proofs and certificates of what the catalog claims for every N, made once per process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from catalog.registry import all_methods, load
from catalog.spec import Method
from derive.bridge import Problem, problem
from derive.certificate import Certificate, certify, model_json
from derive.instance import model_at
from derive.prove import Proof, prove


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


def make(method: Method) -> Proved:
    """The proof of a method that has one, with the model that comes with it."""
    claim = problem(method)
    found = prove(claim)
    assert isinstance(found, Proof), (method.id, found)
    model = next(m for n in (3, 4, 8) if (m := model_at(claim, n)) is not None)
    return Proved(method, claim, found, certify(method.id, found, claim, model_json(model)))


NEGATIVE = ("does-not-reduce", "false-as-stated", "definition")
CLAIMED = tuple(m.id for m in all_methods() if m.claim.relation not in NEGATIVE)
"""The ids of the entries that claim something for every N."""
SEED = (
    "clip", "cmc", "cosface", "cross-entropy", "dcd", "dpo", "harmonic", "infonce",
    "infonce-clustering", "infonce-k", "knowledge-distillation", "label-smoothing", "lgsimclr",
    "mlm", "moco-v3", "pmi-clustering", "siglip", "simclr", "sne", "sne-uniform", "supcon",
    "t-simclr", "t-simcne", "t-sne", "t-sne-graph", "t-sne-uniform", "x-sample",
)  # fmt: skip
"""Entries of many kinds that change seldom, for tests that look at all of `proofs()` at once."""


@cache
def proved(method: str) -> Proved:
    """One entry of the catalog, proved."""
    return make(load(method))


@cache
def proofs() -> dict[str, Proved]:
    """The entries of SEED, proved."""
    return {method: proved(method) for method in SEED}
