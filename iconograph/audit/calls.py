"""Calling conventions: what losses take, how a person says it, and inputs to try them on.

A convention is chosen by name (`--call two-views`), written down argument by argument (`--input
'z=real[n,d]' --input 'label[n]'`), or guessed from the parameters and by trying
(iconograph/audit/guess.py). An extent is a letter (n rows, m columns, d coordinates, v views), a
number, or a number of either (`2n`). Nothing here needs torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from catalog.errors import InputError, did_you_mean
from iconograph.audit.probe import Array, Call, Kind, Slot

KINDS: tuple[Kind, ...] = get_args(Kind)


def _call(name: str, words: str, *slots: str) -> Call:
    return Call(name, tuple(replace(_slot(s), keyword=False) for s in slots), words)


@dataclass(frozen=True)
class Convention:
    """A call as one callable takes it.

    `passed` names the parameter for every slot that is passed by name. `fixed` holds the sizes that
    the person gave as numbers, by letter; the other sizes are free.
    """

    call: Call
    passed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The arguments as they are written for `--input`."""
        said = []
        for s in self.call.slots:
            extents = [self._shown(e) for e in s.shape]
            shape = f"[{','.join(extents)}]" if extents else ""
            said.append(f"{self.passed.get(s.name, s.name)}={s.kind}{shape}")
        return ", ".join(said)

    def _shown(self, extent: str) -> str:
        """An extent, as a number where its size is fixed."""
        if (size := self.fixed.get(extent[-1])) is None:
            return extent
        return str(int(extent[:-1] or 1) * size)


ITEM = re.compile(r"(?:(\w+)=)?(\w+)(?:\[([^\]]*)\])?")
EXTENT = re.compile(r"(\d*)([a-z]?)")


def _slot(text: str) -> Slot:
    """A slot from its text; one that has a name is passed by it."""
    found = ITEM.fullmatch(re.sub(r"\s", "", text))
    if not found or found[2] not in KINDS:
        hint = f"write [NAME=]KIND[EXTENTS], as in 'z=real[n,d]'; kinds: {', '.join(KINDS)}"
        close = did_you_mean(found[2], KINDS) if found else ""
        raise InputError(f"{text[:60]!r} describes no argument", hint=close or hint)
    shape = tuple(found[3].split(",")) if found[3] else ()
    for extent in shape:
        e = EXTENT.fullmatch(extent)
        if not e or extent == "" or (e[1] and int(e[1]) < 1):
            hint = "an extent is a letter, a positive number, or both: n, 8, 2n"
            raise InputError(f"{extent[:20]!r} in {text[:60]!r} is no extent", hint=hint)
    kind = next(k for k in KINDS if k == found[2])
    return Slot(found[1] or "", kind, shape, found[1] is not None)


CALLS: tuple[Call, ...] = (
    _call("image-text-bias", "features of images and of texts, a scale and a bias of their scores",
          "image=real[n,d]", "text=real[n,d]", "logit_scale=scale", "logit_bias=real"),
    _call("preferences", "log-probabilities of chosen and rejected answers, and the reference's",
          "chosen=real[n]", "rejected=real[n]", "reference_chosen=real[n]",
          "reference_rejected=real[n]"),
    _call("image-text", "features of images and of texts, and the scale of their scores",
          "image=real[n,d]", "text=real[n,d]", "logit_scale=scale"),
    _call("with-negatives", "queries, their positives, and negatives that all share",
          "query=real[n,d]", "positive=real[n,d]", "negatives=real[m,d]"),
    _call("triplet", "anchors, positives and negatives, row by row",
          "anchor=real[n,d]", "positive=real[n,d]", "negative=real[n,d]"),
    _call("two-views-labels", "two views of each item, row by row, and classes of the items",
          "z1=real[n,d]", "z2=real[n,d]", "y=label[n]"),
    _call("embeddings-labels", "embeddings and their classes", "z=real[n,d]", "y=label[n]"),
    _call("views-labels", "all views of each item, and classes of the items",
          "features=real[n,v,d]", "y=label[n]"),
    _call("logits-targets", "logits, and the index of the right column of each row",
          "logits=real[n,m]", "target=target[n]"),
    _call("two-views", "two views of each item, row by row", "z1=real[n,d]", "z2=real[n,d]"),
    _call("map", "points of a map, and weights of their pairs", "y=real[n,d]", "p=weight[n,n]"),
    _call("soft-targets", "logits, and a distribution over the columns for each row",
          "logits=real[n,m]", "p=weight[n,m]"),
    _call("distillation", "logits of a student and of a teacher",
          "student=real[n,m]", "teacher=real[n,m]"),
    _call("stacked-views", "first views of all items, then the second ones", "z=real[2n,d]"),
    _call("embeddings", "embeddings alone", "z=real[n,d]"),
    _call("scores", "scores of n rows against n columns", "s=real[n,n]"),
    _call("views", "all views of each item", "features=real[n,v,d]"),
)  # fmt: skip


def find(name: str) -> Call:
    """The convention of that name.

    Raises:
        InputError: there is none.
    """
    for call in CALLS:
        if call.name == name:
            return call
    names = [c.name for c in CALLS]
    hint = did_you_mean(name, names) or f"conventions: {', '.join(names)}"
    raise InputError(f"there is no calling convention {name[:60]!r}", hint=hint)


def chosen(name: str | None, texts: Sequence[str]) -> Convention | None:
    """What --call or --input says, None where neither does.

    Raises:
        InputError: both do, there is no such convention, or a text describes no argument.
    """
    if name is not None and texts:
        raise InputError("--call names what --input writes out: give one of the two")
    if name is not None:
        return Convention(find(name))
    return written(texts) if texts else None


# ---------------------------------------------------------------------- argument by argument


def written(texts: Sequence[str]) -> Convention:
    """The convention that `--input` describes, in the order of the options.

    >>> found = written(["real[8,4]", "labels=label[8]"])
    >>> found.call.name, found.passed, found.fixed
    ('embeddings-labels', {'y': 'labels'}, {'n': 8, 'd': 4})

    Where the kinds and shapes are those of a convention with a name, it is that one.

    Raises:
        InputError: a text describes no argument, or a name is there twice.
    """
    slots = [_slot(text) for text in texts]
    names = [s.name for s in slots if s.name]
    if twice := {n for n in names if names.count(n) > 1}:
        raise InputError(f"--input names {', '.join(sorted(twice))} twice")
    seen_keyword = ""
    for s in slots:
        if seen_keyword and not s.keyword:
            hint = "an argument without a name comes before those with one"
            raise InputError(f"--input {s.kind} follows {seen_keyword}=", hint=hint)
        seen_keyword = s.name if s.keyword else seen_keyword
    if not any(s.learned for s in slots):
        hint = "the loss is differentiated by a real, unit or scale argument"
        raise InputError("--input describes no argument that is learned", hint=hint)
    found = [(c, letters) for c in CALLS if (letters := _fits(c, slots)) is not None]
    # of several, the one with the letters that were written
    found.sort(key=lambda f: sum(a != b for a, b in f[1].items()))
    return _known(found[0][0], slots, found[0][1]) if found else _unknown(slots)


def _fits(call: Call, slots: Sequence[Slot]) -> dict[str, str] | None:
    """What the letters of a known call are in these slots, None where it is another call."""
    if len(call.slots) != len(slots):
        return None
    letters: dict[str, str] = {}
    for mine, theirs in zip(call.slots, slots, strict=True):
        # rows of norm 1 are a choice of inputs, no other convention
        kinds = {mine.kind, theirs.kind}
        if (len(kinds) > 1 and kinds != {"real", "unit"}) or len(mine.shape) != len(theirs.shape):
            return None
        for a, b in zip(mine.shape, theirs.shape, strict=True):
            times = int(a[:-1] or 1)
            if b.isdigit():
                base = str(int(b) // times) if int(b) % times == 0 else ""
            else:
                base = b[-1] if int(b[:-1] or 1) == times else ""
            if not base or letters.setdefault(a[-1], base) != base:
                return None
    return letters if len(set(letters.values())) == len(letters) else None


def _known(call: Call, slots: Sequence[Slot], letters: Mapping[str, str]) -> Convention:
    kept = tuple(
        Slot(mine.name, theirs.kind, mine.shape, theirs.keyword)
        for mine, theirs in zip(call.slots, slots, strict=True)
    )
    passed = {m.name: t.name for m, t in zip(call.slots, slots, strict=True) if t.keyword}
    fixed = {a: int(b) for a, b in letters.items() if b.isdigit()}
    return Convention(Call(call.name, kept, call.words), passed, fixed)


def _unknown(slots: Sequence[Slot]) -> Convention:
    """Slots that are no convention with a name; each number becomes a letter of a fixed size."""
    used = {e[-1] for s in slots for e in s.shape if not e.isdigit()}
    spare = iter(x for x in "nmdvcabefghijklopqrstuwxyz" if x not in used)
    letters: dict[str, str] = {}
    fixed: dict[str, int] = {}
    named = []
    for place, s in enumerate(slots, 1):
        shape = []
        for extent in s.shape:
            if extent.isdigit() and extent not in letters:
                letters[extent] = next(spare)
                fixed[letters[extent]] = int(extent)
            shape.append(letters.get(extent, extent))
        named.append(Slot(s.name or f"x{place}", s.kind, tuple(shape), s.keyword))
    passed = {s.name: s.name for s in named if s.keyword}
    return Convention(Call("given", tuple(named), "arguments as given"), passed, fixed)


# ---------------------------------------------------------------------- inputs


SIZES = ({"n": 8, "m": 5, "d": 3, "v": 2}, {"n": 5, "m": 7, "d": 4, "v": 2})
"""Sizes at which a call is tried: more classes than coordinates, more and fewer columns."""


def extent(text: str, sizes: Mapping[str, int]) -> int:
    """An extent as a number; a letter without a size counts as 3."""
    if text.isdigit():
        return int(text)
    return int(text[:-1] or 1) * sizes.get(text[-1], 3)


def columns(call: Call) -> str:
    """The extent that targets are columns of: m, else the last one of the first array with two."""
    if any(e == "m" for s in call.slots if s.learned for e in s.shape):
        return "m"
    return next((s.shape[-1] for s in call.slots if s.learned and len(s.shape) > 1), "m")


def draw(call: Call, sizes: Mapping[str, int], seed: int = 0) -> dict[str, Array]:
    """An ordinary input: an array for each slot, float64 or int64.

    Real entries are normal, rows of "unit" have norm 1, scales lie near 2. Classes have two members
    each, one of them three where the number is odd. Weights [n, n] are symmetric, zero on the
    diagonal and sum to 1, as p of t-SNE; other weights sum to 1 in each row.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for s in call.slots:
        shape = tuple(extent(e, sizes) for e in s.shape)
        if s.kind == "label":
            size = int(np.prod(shape, dtype=int))
            found[s.name] = random.permutation(np.arange(size) % max(1, size // 2)).reshape(shape)
        elif s.kind == "target":
            found[s.name] = random.integers(0, extent(columns(call), sizes), shape)
        elif s.kind == "scale":
            found[s.name] = np.asarray(2 * np.exp(random.normal(size=shape) / 5))
        elif s.kind == "weight":
            found[s.name] = _weights(random.uniform(0.5, 1.5, shape), s.shape)
        else:
            x = np.asarray(random.normal(size=shape))
            found[s.name] = x / np.linalg.norm(x, axis=-1, keepdims=True) if s.kind == "unit" else x
    return found


def _weights(w: Array, shape: tuple[str, ...]) -> Array:
    if len(shape) == 2 and shape[0] == shape[1]:
        w = w + w.T
        w[range(len(w)), range(len(w))] = 0
        return w / w.sum()
    return w / w.sum(-1, keepdims=True) if len(shape) > 1 else w


def listed() -> Iterator[tuple[str, str, str]]:
    """Name, arguments and words of every convention, for people."""
    for call in CALLS:
        yield call.name, Convention(call).text, call.words
