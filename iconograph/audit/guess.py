"""Which convention a callable has: by the names of its parameters, and by trying.

A convention that fits is one that the callable answers at two sizes with a finite loss and a
gradient. Several may fit: names decide, then the order of the conventions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.errors import InputError
from iconograph.audit.calls import CALLS, SIZES, Convention, draw
from iconograph.audit.probe import Answer, Array, Call, Slot, Theirs

POINTS = "z embedding embeddings emb embs feature features feat feats x h rep reps out projection"
LABELS = "y label labels target targets cls classes class_labels"
FIRST = "z1 zi z_1 z_i za z_a x1 x_1 xi x_i h1 h_i out1 out_1 view1 view_1 a p1 q query queries "
FIRST += "anchor anchors out0 z0 x0 embeddings_a image_features images"
SECOND = "z2 zj z_2 z_j zb z_b x2 x_2 xj x_j h2 h_j out2 out_2 view2 view_2 b p2 k key keys "
SECOND += "positive positives positive_key candidates out1 z1 x1 embeddings_b text_features texts"
NAMES: Mapping[tuple[str, str], str] = {
    ("", "image"): "image images image_features image_feature image_embeds img img_features i",
    ("", "text"): "text texts text_features text_feature text_embeds txt captions t",
    ("", "logit_scale"): "logit_scale scale temperature temp t",
    ("", "logit_bias"): "logit_bias bias b",
    ("", "chosen"): "chosen policy_chosen_logps chosen_logps policy_chosen",
    ("", "rejected"): "rejected policy_rejected_logps rejected_logps policy_rejected",
    ("", "reference_chosen"):
        "reference_chosen ref_chosen reference_chosen_logps ref_chosen_logps",
    ("", "reference_rejected"):
        "reference_rejected ref_rejected reference_rejected_logps ref_rejected_logps",
    ("", "query"): "query queries q anchor anchors",
    ("", "positive"): "positive positives positive_key positive_keys pos k key keys",
    ("", "negatives"): "negatives negative_keys negative_key neg negs queue memory bank",
    ("", "anchor"): "anchor anchors a query",
    ("", "negative"): "negative negatives neg n",
    ("triplet", "positive"): "positive positives pos p",
    ("", "z1"): FIRST,
    ("", "z2"): SECOND,
    ("", "y"): LABELS,
    ("", "z"): POINTS,
    ("", "features"): "features feature feats x z embeddings",
    ("", "logits"): "logits logit input inputs scores pred preds prediction output outputs y_pred",
    ("", "target"): "target targets label labels y y_true gt",
    ("map", "y"): "y x z embedding points map x_embedded",
    ("", "p"): "p target targets probs weights affinities w y_true soft_targets",
    ("", "student"): "student student_logits logits_student y_s input",
    ("", "teacher"): "teacher teacher_logits logits_teacher y_t target",
    ("", "s"): "s score scores sim sims similarity similarities sim_matrix similarity_matrix "
        "logits mat matrix m",
}  # fmt: skip
"""What parameters are called, by convention ("" for any) and slot."""

OPTIONS = "temperature temp tau margin eps epsilon alpha beta gamma sigma lam reduction k"
"""What options are called, so that none of them is given an array, whatever comes of it."""


class NoCall(Theirs):
    """No calling convention fits; `trace` is that of the likeliest one."""


ASK: tuple[int, int] = (1, 2)  # seeds of the inputs, one for each of SIZES
Try = Callable[[Convention, Mapping[str, Array]], Answer]


@dataclass(frozen=True)
class Choice:
    """The convention that was taken, and the names of the others that fit too.

    `why` says how it was found: "given", "by its parameters", "by trying".
    """

    convention: Convention
    others: tuple[str, ...] = ()
    why: str = "given"

    @property
    def words(self) -> str:
        """Its name, and why it was taken."""
        return ", ".join(dict.fromkeys((self.convention.call.name, self.why)))


def names(call: Call, slot: Slot) -> set[str]:
    """What a parameter that takes this slot may be called."""
    return set(NAMES.get((call.name, slot.name), NAMES.get(("", slot.name), slot.name)).split())


def paired(
    call: Call, parameters: Sequence[Mapping[str, Any]]
) -> list[tuple[Slot, Mapping[str, Any], bool]] | None:
    """A parameter for each slot, and whether it goes by name; None where they do not correspond.

    In order, but for one that may be left out where a later one has the slot's name. Each parameter
    without a default must get a slot, and a slot no parameter that is an option, by its name or its
    default (a number, a text, a truth value), unless the names agree.
    """
    left = [p for p in parameters if p["way"] in ("position", "keyword")]
    found, skipped = [], False
    for slot in call.slots:
        called = names(call, slot)
        place = 0
        if left and left[0]["default"] == "None" and _name(left[0]) not in called:
            place = next((k for k, p in enumerate(left) if _name(p) in called), 0)
        if place >= len(left):
            return None
        p = left.pop(place)
        option = p["default"] not in (None, "None") or _name(p) in OPTIONS.split()
        if option and _name(p) not in called:
            return None
        skipped = skipped or place > 0
        found.append((slot, p, skipped or p["way"] == "keyword"))
    return None if any(p["default"] is None for p in left) else found


def _name(parameter: Mapping[str, Any]) -> str:
    return str(parameter["name"]).lower().rstrip("_")


def assigned(call: Call, parameters: Sequence[Mapping[str, Any]] | None) -> Convention | None:
    """The convention with the parameters that take its slots, None where they cannot."""
    if parameters is None or any(p["way"] == "many" for p in parameters):
        return Convention(call)
    if (pairs := paired(call, parameters)) is None:
        return None
    passed = {slot.name: p["name"] for slot, p, by_name in pairs if by_name}
    slots = tuple(replace(s, keyword=s.name in passed) for s in call.slots)
    return Convention(replace(call, slots=slots), passed)


def matches(convention: Convention, parameters: Sequence[Mapping[str, Any]] | None) -> int:
    """How many parameters are called as their slots are.

    A number that may be left out, such as the bias of scores, does not count.
    """
    return sum(
        _name(p) in names(convention.call, s) and (s.shape != () or p["default"] is None)
        for s, p, _ in paired(convention.call, parameters or ()) or ()
    )


def candidates(parameters: Sequence[Mapping[str, Any]] | None) -> list[Convention]:
    """The conventions that the parameters allow, the likeliest first."""
    found = [c for call in CALLS if (c := assigned(call, parameters)) is not None]
    # of two that agree in as many names, the one with fewer slots leaves fewer to chance
    return sorted(found, key=lambda c: (-matches(c, parameters), len(c.call.slots)))


def fits(convention: Convention, ask: Try) -> Theirs | None:
    """Nothing where the callable answers inputs of two sizes with a loss, else what it said."""
    import numpy as np

    moves = False
    for sizes, seed in zip(SIZES, ASK, strict=True):
        inputs = draw(convention.call, {**sizes, **convention.fixed}, seed)
        try:
            found = ask(convention, inputs)
        except Theirs as error:
            return error
        if not np.isfinite(found.value):
            return Theirs(f"it returned {found.value} at an ordinary input")
        if not all(np.isfinite(g).all() for g in found.gradient.values()):
            return Theirs("its gradient is not finite at an ordinary input")
        moves = moves or any(np.any(g) for g in found.gradient.values())
    return None if moves else Theirs("its gradient is zero at ordinary inputs")


def choose(
    parameters: Sequence[Mapping[str, Any]] | None,
    ask: Try,
    given: Convention | None = None,
    widths: Sequence[int] = (),
) -> Choice:
    """The convention of a callable; `given` is the one that the person named.

    Where none fits as it is, one whose coordinates number one of `widths` may: code with proxies
    or a queue fixes how many there are.

    Raises:
        InputError: no convention has such parameters.
        NoCall: none of those that the parameters allow fits, and what the code said.
        Theirs: the one that was given does not fit, and what the code said.
    """
    if given is not None:
        if (wrong := fits(given, ask)) is not None:
            raise wrong
        return Choice(given)
    ranked = candidates(parameters)
    if not ranked:
        called = ", ".join(p["name"] for p in parameters or () if p["default"] is None)
        raise InputError(
            f"no calling convention has the parameters {called or '(none)'}",
            hint="--with NAME=VALUE gives options, --input describes the arguments one by one",
        )
    failed: list[tuple[Convention, Theirs]] = []
    for fixed in ({}, *({"d": width} for width in widths)):
        good: list[Convention] = []
        for c in (replace(c, fixed=fixed) for c in ranked):
            # those that fewer names speak for are no rivals of one that fits
            if good and matches(c, parameters) < matches(good[0], parameters):
                break
            if (wrong := fits(c, ask)) is None:
                good.append(c)
            else:
                failed.append((c, wrong))
        if good:
            why = "by its parameters" if matches(good[0], parameters) else "by trying"
            return Choice(good[0], tuple(c.call.name for c in good[1:]), why)
    best, error = failed[0]
    tried = ", ".join(dict.fromkeys(c.call.name for c, _ in failed))
    raise NoCall(
        f"no calling convention fits (tried: {tried}); called with {best.text}, {error}; "
        f"--call or --input says what it takes, with a size that it fixes as a number",
        error.trace,
    )
