"""The entries that stand for all: they have every trait, and they are few."""

from __future__ import annotations

import pytest

from catalog.registry import all_methods
from catalog.symbols import Big, Call, walk
from derive.claims import DIVERGENCES
from tests.selection import Traits, kinds, representatives, traits

METHODS = list(all_methods())


@pytest.mark.parametrize("of", [kinds, traits])
def test_the_representatives_have_every_trait(of: Traits) -> None:
    chosen = representatives(METHODS, of)
    assert len(chosen) < len(METHODS) / 3
    assert {t for m in chosen for t in of(m)} == {t for m in METHODS for t in of(m)}


@pytest.mark.parametrize("of", [kinds, traits])
def test_their_order_does_not_matter(of: Traits) -> None:
    assert representatives(METHODS[::-1], of) == representatives(METHODS, of)[::-1]


def test_every_relation_kernel_and_normalisation_is_there() -> None:
    chosen = [m for m in representatives(METHODS, kinds) if m.icon.blocks]
    assert {m.claim.relation for m in METHODS if m.icon.blocks} == {
        m.claim.relation for m in chosen
    }
    for part in ("p", "q"):
        names = {getattr(m.icon, part).name for m in METHODS if m.icon.blocks}
        assert names == {getattr(m.icon, part).name for m in chosen}
    assert {m.icon.normalise for m in chosen} == {"row", "joint", "pair", "row-and-column"}
    assert {m.icon.divergence for m in chosen} <= set(DIVERGENCES)


def test_every_function_of_the_language_that_a_loss_uses_is_there() -> None:
    def used(methods: list) -> set[str]:
        nodes = [n for m in methods for n in walk(m.published)]
        return {n.fn for n in nodes if isinstance(n, Call)} | {
            n.op for n in nodes if isinstance(n, Big)
        }

    assert used(representatives(METHODS, traits)) == used(METHODS)


def test_a_new_kind_is_taken_and_one_more_of_a_known_kind_is_not() -> None:
    known = [m for m in METHODS if m.id in ("infonce", "simclr", "npid")]
    assert len(representatives(known, kinds)) < len(known)
    siglip = next(m for m in METHODS if m.id == "siglip")
    assert siglip in representatives([*known, siglip], kinds)
