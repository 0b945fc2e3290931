"""Calling conventions: written, named, guessed from parameters; the inputs they are tried on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.errors import InputError
from iconograph.audit.calls import CALLS, SIZES, Convention, columns, draw, find, listed, written
from iconograph.audit.guess import candidates, choose, names
from iconograph.audit.probe import Answer, Array, Slot, Theirs


@pytest.mark.parametrize("call", CALLS, ids=lambda c: c.name)
def test_a_convention_is_what_its_text_says(call: Any) -> None:
    text = Convention(call).text
    assert find(call.name) == call
    found = written([part.partition("=")[2] for part in text.split(", ")])
    alike = [c for c in CALLS if [(s.kind, s.shape) for s in c.slots] == [
        (s.kind, s.shape) for s in call.slots]]  # fmt: skip
    assert found.call.name == alike[0].name and found.call.slots == alike[0].slots
    assert not found.passed and not found.fixed


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("call", CALLS, ids=lambda c: c.name)
def test_inputs_have_their_shapes_and_meanings(call: Any, sizes: Mapping[str, int]) -> None:
    drawn = draw(call, sizes, 3)
    assert all(np.array_equal(drawn[k], v) for k, v in draw(call, sizes, 3).items())
    for slot in call.slots:
        x = drawn[slot.name]
        want = tuple(int(e[:-1] or 1) * sizes[e[-1]] for e in slot.shape)
        assert x.shape == want
        if slot.kind == "label":
            assert np.bincount(x).min() >= 2  # every anchor has a positive
            assert x.max() >= 1
        if slot.kind == "target":
            assert x.min() >= 0 and x.max() < sizes[columns(call)]
        if slot.kind == "weight":
            assert (x >= 0).all()
            assert np.allclose(x.sum() if call.name == "map" else x.sum(-1), 1)
    assert any(not np.array_equal(drawn[k], v) for k, v in draw(call, sizes, 4).items())


def test_rows_of_norm_one_and_sizes_that_are_given() -> None:
    found = written(["q=unit[n,16]", "y=label[n]"])
    x = draw(found.call, {**SIZES[0], **found.fixed})
    assert x["z"].shape == (8, 16) and np.allclose(np.linalg.norm(x["z"], axis=1), 1)
    assert found.passed == {"z": "q", "y": "y"} and found.fixed == {"d": 16}
    other = written(["real[9,4]", "w=weight[9]"])
    assert other.call.name == "given" and other.fixed == {"n": 9, "m": 4}
    assert [s.name for s in other.call.slots] == ["x1", "w"] and other.passed == {"w": "w"}
    keys = written(["real[n,d]", "real[m,d]", "target[n]"])
    assert keys.call.name == "given" and columns(keys.call) == "m"
    assert columns(written(["real[n,c]", "target[n]", "weight[c]"]).call) == "c"
    assert written(["real[8,8]"]).call.name == "scores"
    assert written(["real[7,3]"]).call.name == "embeddings"
    assert written(["real[2n,d]"]).call.name == "stacked-views"


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["z=reel[n]"], 'did you mean "real"?'),
        (["z real[n]"], "describes no argument"),
        (["z=real[n,0]"], "'0' in 'z=real[n,0]' is no extent"),
        (["z=real[n,]"], "is no extent"),
        (["label[n]"], "no argument that is learned"),
        (["z=real[n]", "z=real[n]"], "names z twice"),
        (["z=real[n]", "label[n]"], "--input label follows z="),
    ],
)
def test_what_describes_nothing_is_said(texts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        written(texts)


def test_a_name_that_is_none_gets_the_nearest() -> None:
    with pytest.raises(InputError, match='did you mean "two-views"'):
        find("two-view")


# ------------------------------------------------------------------ guessing


def taking(text: str) -> list[dict[str, Any]]:
    """Parameters from a text such as `z labels=None *, t=1`."""
    found, way = [], "position"
    for word in text.split():
        if word == "*":
            way = "keyword"
            continue
        name, equals, default = word.partition("=")
        found.append({"name": name, "way": way, "default": default if equals else None})
    return found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("S", "scores"), ("similarity_matrix tau=0.1", "scores"),
        ("z_i z_j temperature=0.5", "two-views"), ("out_1 out_2", "two-views"),
        ("embeddings labels", "embeddings-labels"),
        ("embeddings labels=None indices_tuple=None ref_emb=None ref_labels=None",
         "embeddings-labels"),
        ("features labels=None mask=None", "views-labels"),
        ("input target weight=None", "logits-targets"),
        ("image_features text_features logit_scale", "image-text"),
        ("image_features text_features logit_scale logit_bias output_dict=False",
         "image-text-bias"),
        ("image_features text_features logit_scale logit_bias=None output_dict=False",
         "image-text"),
        ("query positive_key negative_keys=None", "with-negatives"),
        ("anchor positive negative", "triplet"),
        ("student_logits teacher_logits", "distillation"),
        ("policy_chosen_logps policy_rejected_logps reference_chosen_logps "
         "reference_rejected_logps", "preferences"),
    ],
)  # fmt: skip
def test_the_names_of_parameters_speak_for_a_convention(text: str, name: str) -> None:
    first = candidates(taking(text))
    # which of two that the names fit equally well is taken is decided by trying
    found = [c.call.name for c in first]
    assert name in found[: 1 if name.startswith("image") else 2], found


def test_a_parameter_further_on_is_passed_by_its_name() -> None:
    first = candidates(taking("embeddings weights=None labels=None mask=None"))[0]
    assert (first.call.name, first.passed) == ("embeddings-labels", {"y": "labels"})
    first = candidates(taking("embeddings labels=None weights=None"))[0]
    assert (first.call.name, first.passed) == ("embeddings-labels", {})
    first = candidates(taking("features * labels"))[0]
    assert first.passed == {"y": "labels"} and first.call.slots[1].keyword


def test_a_parameter_that_is_an_option_gets_no_array() -> None:
    assert {len(c.call.slots) for c in candidates(taking("x temperature=0.1"))} == {1}
    assert candidates(taking("x y temperature tau eps")) == []
    assert candidates(taking("x * y"))[0].passed  # by its name


def answers(good: Callable[[str], bool], **bad: float) -> Callable[..., Answer]:
    def ask(convention: Convention, inputs: Mapping[str, Array]) -> Answer:
        if not good(convention.call.name):
            raise Theirs("ValueError: no")
        x = next(s.name for s in convention.call.slots if s.learned)
        slope = np.full(np.shape(inputs[x]), bad.get("slope", 1.0))
        return Answer(bad.get("value", 1.0), None, {x: slope})

    return ask


def test_what_fits_is_taken_and_its_rivals_are_named() -> None:
    found = choose(taking("a b"), answers(lambda name: name in ("two-views", "distillation")))
    assert found.convention.call.name == "two-views" and found.why == "by its parameters"
    found = choose(taking("u v"), answers(lambda name: name in ("two-views", "distillation")))
    assert (found.convention.call.name, found.others) == ("two-views", ("distillation",))
    assert found.why == "by trying"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"value": np.nan}, "returned nan"),
        ({"slope": np.inf}, "not finite"),
        ({"slope": 0}, "zero"),
    ],
)
def test_what_answers_with_no_loss_does_not_fit(bad: dict[str, float], words: str) -> None:
    with pytest.raises(Theirs, match=words):
        choose(taking("s"), answers(lambda name: True, **bad))
    with pytest.raises(Theirs, match=words):
        choose(taking("s"), answers(lambda name: True, **bad), Convention(find("scores")))


def test_none_that_fits_is_said_with_what_the_code_said() -> None:
    with pytest.raises(Theirs, match=r"no calling convention fits \(tried: .*ValueError: no"):
        choose(taking("s"), answers(lambda name: False))
    with pytest.raises(InputError, match="has the parameters x, y, temperature, tau, eps"):
        choose(taking("x y temperature tau eps"), answers(lambda name: True))


def test_every_slot_has_names() -> None:
    assert [s.name for c in CALLS for s in c.slots if len(names(c, s)) < 2] == []
    assert len(names(CALLS[0], Slot("none", "real", ()))) == 1


def test_the_page_lists_the_conventions_as_they_are() -> None:
    page = (Path(__file__).parent.parent / "docs/howto/code.md").read_text()
    rows = {line for line in page.splitlines() if line.startswith("| `")}
    assert rows - {"| `--call` | takes | that is |"} == {
        f"| `{name}` | `{arguments}` | {words} |" for name, arguments, words in listed()
    }
