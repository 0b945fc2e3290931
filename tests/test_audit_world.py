"""A loss under two ranks: equal to one process, by half, at an angle, and where it cannot be."""

from __future__ import annotations

import math
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from catalog.errors import InputError
from iconograph.audit.calls import Convention, draw, find, written
from iconograph.audit.probe import Theirs
from iconograph.audit.process import Settings
from iconograph.audit.world import OTHER, agreement, batch, joined, parallel, refuse, share

SOURCE = Path(__file__).with_name("user_losses.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    made = tmp_path_factory.mktemp("theirs")
    shutil.copy(SOURCE, made / "losses.py")
    return made


def settings(folder: Path, name: str, *options: str, seconds: float = 60) -> Settings:
    return Settings(f"losses:{name}", options, folder=str(folder), seconds=seconds)


@pytest.mark.parametrize(
    ("how", "gradient"),
    [("gather='with gradient'", 1.0), ("gather='without'", 0.5)],  # open_clip's default is this one
)
def test_a_gradient_that_is_lost_on_the_way_is_seen(
    folder: Path, how: str, gradient: float
) -> None:
    found = parallel(settings(folder, "Clip", how), Convention(find("image-text")), 2)
    assert found.equal == (gradient == 1.0)
    assert found.value.equal and len(set(found.values)) == 1
    for name in ("image", "text"):
        assert math.isclose(found.gradient[name].ratio, gradient, rel_tol=1e-9)
        assert math.isclose(found.gradient[name].cosine, 1, rel_tol=1e-9)
    assert found.gradient["logit_scale"].equal
    assert found.facts()[2] == ("gradient by image", "equal" if gradient == 1 else "ratio 0.5")


def test_ranks_that_wait_for_one_another_are_ended(folder: Path) -> None:
    start = time.monotonic()
    two = Convention(find("two-views"))
    # the other rank has answered by then, unless the machine is busy
    late = r"rank 0(, 1)? of 2 was still answering after 3 s.*: ranks wait for one another"
    with pytest.raises(Theirs, match=late):
        parallel(settings(folder, "one_missing", seconds=3), two, 2)
    with pytest.raises(Theirs, match=r"on rank 1 of 2: it raised ValueError: not on this rank"):
        parallel(settings(folder, "one_raises"), two, 2)
    assert time.monotonic() - start < 120  # nobody waited for the limit of the second


def test_code_that_needs_a_group_gets_one_of_one_rank(folder: Path) -> None:
    found = parallel(settings(folder, "wants_a_group"), Convention(find("two-views")), 2)
    assert found.equal


# ------------------------------------------------------------------ sharing


@pytest.mark.parametrize("name", ["stacked-views", "views-labels", "image-text", "with-negatives"])
def test_the_shares_make_the_whole(name: str) -> None:
    call = find(name)
    x = batch(call, {**OTHER, "n": 8}, 2, 0)
    shares = [share(call, x, rank, 2) for rank in range(2)]
    for slot in call.slots:
        parts = [s[slot.name] for s in shares]
        if slot.learned:
            whole = joined(slot, parts)
            split = parts[0].size < x[slot.name].size
            assert np.allclose(whole * 2 if split else whole, x[slot.name])
        if slot.kind == "label":
            assert all(np.bincount(p).min() >= 2 for p in parts)
    z = next(s.name for s in call.slots if s.learned)
    if name == "stacked-views":  # both views of an item are on one rank
        assert np.array_equal(shares[1][z], x[z][[4, 5, 6, 7, 12, 13, 14, 15]])


def test_what_cannot_be_shared_is_refused() -> None:
    for name, words in (("scores", "s has the rows as columns too"), ("map", "p has the rows")):
        with pytest.raises(InputError, match=f"share of {name} has no meaning: {words}"):
            refuse(find(name), {}, 2)
    with pytest.raises(InputError, match="nothing has rows"):
        refuse(written(["real[d]"]).call, {}, 2)
    with pytest.raises(InputError, match="cannot be shared among ranks"):
        refuse(find("two-views"), {"n": 8}, 2)
    with pytest.raises(InputError, match=re.escape("from 2 to 8")):
        refuse(find("two-views"), {}, 1)
    refuse(find("two-views"), {"d": 8}, 2)


def test_an_agreement_is_a_ratio_and_an_angle() -> None:
    one = draw(find("two-views"), {"n": 4, "d": 3})["z1"]
    assert agreement(one, one, 1e-9).words == "equal"
    assert agreement(one / 2, one, 1e-9).words == "ratio 0.5"
    other = one.copy()
    other[0] *= 1.01
    found = agreement(other, one, 1e-9)
    assert not found.equal and found.cosine < 1 and "cosine" in found.words
    assert agreement(one * 0, one * 0, 1e-9).equal and not agreement(one, one * 0, 1e-9).equal
    assert not agreement(one * np.nan, one, 1e-9).equal
