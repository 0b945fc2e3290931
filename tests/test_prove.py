"""The search: no false claim is proved, and most of what users write is.

That every entry of the catalog is proved is in test_every_entry.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.registry import load
from derive.bridge import Problem, problem
from derive.check import check_text
from derive.claims import icon
from derive.printing import text
from derive.prove import NotProved, Proof, prove
from derive.terms import Term, bind, mk, num, var
from derive.theorem import MINUS, Theorem
from tests.proofs import CLAIMED, make, proofs
from tests.selection import kinds, representatives
from tests.user_formulas import FORMULAS, method

ROOT = Path(__file__).parents[1]


# ------------------------------------------------------------------- the same in every process

SCRIPT = """
import json, sys
from tests.proofs import proved
hashes = {name: proved(name).certificate.hash for name in sys.argv[1:]}
print(json.dumps(hashes))
"""


def hashes(seed: str, names: tuple[str, ...]) -> dict[str, str]:
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *names], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, str] = json.loads(ran.stdout)
    return found


@pytest.mark.slow
def test_certificates_are_the_same_in_every_process() -> None:
    """Whatever the hash seed, and whatever was proved before in the process."""
    # every other one, for time; the last one's proof has abbreviations with letters of their own
    some = list(representatives(map(load, CLAIMED), kinds))[::2]
    names = (*(m.id for m in some if m.id != "t-clip-gaussian"), "t-clip-gaussian")
    first = hashes("1", names)
    assert first == hashes("4242", names[::-1])
    assert sorted(first) == sorted(names)
    assert len(set(first.values())) == len(first)


# ------------------------------------------------------------------- no false claim

J = var("j", "n")


def first_family(claim: Problem) -> Term:
    """A learned family at its own letters, bound by sums: something that is not constant."""

    def find(t: Term) -> Term | None:
        if t.op == "app" and t.data[0] in claim.learned:
            return t
        return next((f for a in t.args if (f := find(a))), None)

    found = find(claim.published)
    assert found is not None
    letters = [var(f"k{n}", d) for n, d in enumerate(found.data[1])]
    t = mk("app", found.data, *letters)
    for v in letters:
        t = bind("sum", v, t)
    return t


def square(t: Term) -> Term:
    return t * t


FALSE: dict[str, Any] = {
    "scale doubled": lambda c: replace(c, scale=num(2) * c.scale),
    "scale negative": lambda c: replace(c, scale=MINUS * c.scale, published=MINUS * c.published),
    "scale zero": lambda c: replace(c, scale=num(0), published=c.constant),
    "constant plus one": lambda c: replace(c, constant=c.constant + num(1)),
    "constant learned": lambda c: replace(
        c, constant=c.constant + first_family(c), published=c.published + first_family(c)
    ),
    "scale learned": lambda c: replace(
        c,
        scale=mk("exp", None, first_family(c)),
        published=mk("exp", None, first_family(c)) * icon(c.blocks) + c.constant,
    ),
    "published plus a learned sum": lambda c: replace(c, published=c.published + first_family(c)),
    "kernel negative": lambda c: replace(c, blocks=tuple((*b[:6], MINUS * b[6]) for b in c.blocks)),
    "kernel squared": lambda c: replace(c, blocks=tuple((*b[:6], square(b[6])) for b in c.blocks)),
    "p doubled": lambda c: replace(
        c, blocks=tuple((*b[:5], num(2) * b[5], b[6]) for b in c.blocks)
    ),
    "weights doubled": lambda c: replace(
        c, blocks=tuple((*b[:4], num(2) * b[4], *b[5:]) for b in c.blocks)
    ),
    "a logarithm of a negative number on both sides": lambda c: replace(
        c,
        published=c.published + mk("log", None, num(-1)),
        constant=c.constant + mk("log", None, num(-1)),
    ),
    "published a constant": lambda c: replace(c, published=num(0)),
}


@pytest.mark.parametrize("what", FALSE)
def test_no_false_variant_is_proved(what: str) -> None:
    for name in ("infonce", "supcon", "label-smoothing", "t-sne", "clip", "siglip"):
        claim = proofs()[name].claim
        changed = FALSE[what](claim)
        assert changed != claim
        assert isinstance(prove(changed), NotProved), name
        assert isinstance(prove(claim), Proof)


def test_a_learned_p_is_not_proved() -> None:
    """p = q makes every I-Con loss 0; p must not mention what is learned."""
    claim = proofs()["infonce"].claim
    ((an, a, nb, m, w, _, k),) = claim.blocks
    p = k * mk("inv", None, bind("sum", nb[0], m * k))
    changed = replace(claim, published=num(0), blocks=((an, a, nb, m, w, p, k),))
    found = prove(changed)
    assert isinstance(found, NotProved)
    assert isinstance(prove(replace(changed, learned=())), Proof), "else the test shows nothing"


# ------------------------------------------------------------------- what users write


def user_claim(name: str) -> Problem:
    return problem(method(name, *FORMULAS[name]))


@pytest.mark.parametrize("name", FORMULAS)
def test_a_user_s_formula_is_proved(name: str) -> None:
    made = make(method(name, *FORMULAS[name]))
    assert check_text(made.certificate.to_json()).theorem_text


@pytest.mark.parametrize("name", FORMULAS)
def test_a_user_s_formula_is_not_proved_with_another_constant(name: str) -> None:
    claim = user_claim(name)
    assert isinstance(prove(replace(claim, constant=claim.constant + num(1))), NotProved)


def test_what_could_not_be_closed_is_said() -> None:
    claim = proofs()["infonce"].claim
    found = prove(replace(claim, constant=num(2)))
    assert isinstance(found, NotProved)
    assert found.left is not None
    assert text(found.left) in ("-2", "2")


def test_the_search_changes_nothing() -> None:
    """The same claim proved twice: the same theorem by the same steps."""
    first, second = (prove(proofs()["simclr"].claim) for _ in "ab")
    assert isinstance(first, Proof)
    assert isinstance(second, Proof)

    def steps(th: Theorem) -> list[str]:
        return [th.rule, *(s for x in th.args if isinstance(x, Theorem) for s in steps(x))]

    assert first.theorem.concl == second.theorem.concl
    assert steps(first.theorem) == steps(second.theorem)
