"""From a bare formula to a method file with its pair, proved before anybody sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from catalog.divergences import DIVERGENCES
from catalog.errors import InputError
from catalog.files import read_toml
from catalog.load import load_bare, load_text
from catalog.symbols import Call, walk
from derive.terms import BINDERS
from iconograph.inline import document

if TYPE_CHECKING:
    from catalog.spec import Method
    from derive.certificate import Certificate
    from derive.recognise import Found
    from derive.rows import Row
    from derive.terms import Term
    from derive.universal import Universal
    from derive.verdict import Proved

TABLES = ("icon", "p", "q", "claim", "proof", "conventions")
STOPPED = (
    "it stops gradients (sg): a p that is read from what is learned is fixed for one step of "
    "training only, and no claim calls it fixed"
)
SHOWN = 5.0  # seconds that the search for a reason why there is no pair may take
WRITTEN = 4.0  # seconds after which no further way to write a pair is tried
OUTCOME_LETTERS = "o", "t", "u", "e", "h"


@dataclass(frozen=True)
class Recognised:
    """A bare loss with its pair: the file that says so, and the proof.

    `text` is "" where the loss is a sum of several pairs, which one file cannot say; `found` has
    them all. `method` is that of the file, or the bare one.
    """

    method: Method
    text: str
    found: Found
    certificate: Certificate
    statement: str
    hypotheses: tuple[str, ...]
    seconds: float
    vacuous: str = ""

    @property
    def hash(self) -> str:
        """The hash of the certificate."""
        return self.certificate.hash

    @property
    def kind(self) -> str:
        """What the loss is, in words."""
        rows = self.found.rows
        if len(rows) > 1:
            both = self.method.icon.normalise == "row-and-column" and self.text
            return "an I-Con loss over rows and columns" if both else (
                f"a weighted sum of {len(rows)} I-Con losses")  # fmt: skip
        (row,) = rows
        if not row.anchors:
            return "an I-Con loss with one joint distribution"
        if self.found.relation == "coarse":
            return "a coarse I-Con loss: neighbours are merged into two groups"
        if self.found.relation == "reverse":
            return "the reverse direction, KL(q || p)"
        if self.found.relation == "generalised":
            kind = DIVERGENCES[self.found.problem.divergence].title
            return f"another divergence of p from q: {kind}"
        outcomes = is_outcome(row)
        return "an I-Con loss with a null neighbour, pair by pair" if outcomes else "an I-Con loss"

    @property
    def trivial(self) -> str:
        """Why the answer says little, "" where it does not."""
        if self.vacuous:
            return self.vacuous
        if self.found.relation == "exact" and any(map(self.reads_more, self.found.rows)):
            little = all(map(two_point, self.found.rows))
            more = "; so read, any loss above 0 is a divergence of two points" if little else ""
            return f"the kernel of q reads more than the score of its pair{more}"
        if all(two_point(row) for row in self.found.rows):
            return (
                "q has two points: any loss of one score that is convex with slopes between -1 and "
                "0 is such a divergence for some kernel; what is recognised is the kernel"
            )
        return ""

    def reads_more(self, row: Row) -> bool:
        """Whether a kernel sums what is learned over an index set, or bends it."""
        from derive.claims import families

        learned, dims = set(self.found.problem.learned), self.found.problem.dims

        def found(t: Term) -> bool:
            bends = t.op == "relu" or (t.op in BINDERS and t.data not in dims)
            return (bends and bool(families(t) & learned)) or any(map(found, t.args))

        return found(row.kernel)

    def relatives(self) -> tuple[tuple[str, str], ...]:
        """What the catalog has of it: equals, cases, losses that it contains; else what is near."""
        from iconograph.kinship import kin
        from iconograph.known import lines
        from iconograph.nearest import nearest

        if not self.text:
            return ()
        known = tuple(lines(kin(self.method)))
        if any(word == "Equals" for word, _ in known):
            return known
        told = {sentence.split(":")[0] for _, sentence in known}
        near = (n for n in nearest(self.method) if n.method.id not in told)
        return (*known, *(("Near", n.sentence) for n in near))


@dataclass(frozen=True)
class Unrecognised:
    """A bare loss of which no pair was found, and how far the search came.

    `refuted` says why there can be none of a wide class, None where that is not known; `remark`
    what excludes a narrow one, such as that of a single anchor.
    """

    method: Method
    why: tuple[str, ...]
    seconds: float
    refuted: Universal | None = None
    remark: str = ""


def is_outcome(row: Row) -> bool:
    """Whether the neighbours are the outcomes match and null."""
    from derive import rows
    from derive.terms import domain

    return len(row.over) == 1 and rows.is_outcome(domain(row.over[0]))


def two_point(row: Row) -> bool:
    """Whether q has two points whatever the sizes."""
    from derive.terms import domain

    over = [domain(v) for v in row.over]
    return len(over) == 1 and not isinstance(over[0], str) and len(over[0][1]) == 2


def pairs(answer: Recognised) -> list[dict[str, str]]:
    """The tables of what was found, one for each family of anchors."""
    from derive.printing import text

    pr = answer.found.problem
    if answer.text:
        doc = read_toml(answer.text, "")
        tables = {k: dict(doc[k]) for k in ("icon", "p", "q", "claim")}
        p, q = (" ".join(f"{k}={v}" for k, v in tables[t].items()) for t in ("p", "q"))
        icon = {k: str(v) or "none" for k, v in tables["icon"].items()}
        claim = tables["claim"]
        return [{
            **icon, "p": p, "q": q, "scale": str(claim["scale"]),
            "constant": str(claim["constant"]),
        }]  # fmt: skip
    out = []
    for row, block in zip(answer.found.rows, pr.blocks, strict=True):
        letters = [", ".join(str(v.data[0]) for v in vs) for vs in (row.anchors, row.over)]
        said = [text(t, pr.dims, beside=(*row.anchors, *row.over)) for t in (
            row.mask, block[4], row.allowed, row.p, row.kernel)]  # fmt: skip
        out.append({
            "anchors": letters[0] or "none", "where": said[0], "weight": said[1],
            "neighbours": letters[1], "allowed": said[2], "p": said[3], "kernel of q": said[4],
        })  # fmt: skip
    whole = {"scale": text(pr.scale, pr.dims), "constant": text(pr.constant, pr.dims)}
    return [*out, whole]


def is_bare(doc: Mapping[str, Any]) -> bool:
    """Whether a document states a formula and no pair."""
    said = {"p", "q", "icon", "claim", "proof", "theorem"}  # of a pair that the file has in mind
    return "published" in doc and not said & doc.keys()


def letters_of(doc: Mapping[str, Any], method: Method) -> dict[Any, tuple[str, ...]]:
    """The letters of every index set, the outcomes match and null among them."""
    from derive.rows import OUTCOMES
    from derive.translate import dom

    sets = doc.get("sets", {"n": "i j k l m"})
    out: dict[Any, tuple[str, ...]] = {}
    for name, value in sets.items():
        letters = value.get("letters", "") if isinstance(value, dict) else value
        if name in method.sets:
            out[dom(method.sets[name])] = tuple(str(letters).split())
    if OUTCOMES not in out:
        taken = {*names_of(doc), *(x for xs in out.values() for x in xs)}
        free = next(x for x in (*OUTCOME_LETTERS, *(f"o{k}" for k in range(9))) if x not in taken)
        named = [d for d in out if not isinstance(d, str) and set(d[1]) == {"match", "null"}]
        if not named and not {"match", "null", "outcomes"} & names_of(doc):
            out[OUTCOMES] = (free,)
    return out


def names_of(doc: Mapping[str, Any]) -> set[str]:
    """The names that a document declares."""
    tables = ("learned", "given", "define")
    found = {name.split("(")[0].strip() for t in tables for name in doc.get(t, {})}
    for name, value in doc.get("sets", {}).items():
        found |= {name, *(value.get("elements", ()) if isinstance(value, dict) else ())}
    return found


def recognise(
    text: str, path: str = "<text>", reasons: bool = True
) -> Recognised | Unrecognised:
    """The pair of the loss that a TOML text states; what it says of a pair is not read.

    Without `reasons` nobody asks why there is none, where there is none.

    Raises:
        InputError: the text is no method file, apart from what it says of a pair.
    """
    from derive.bridge import problem
    from derive.check import check_body
    from derive.recognise import Nothing, bare, settled
    from derive.recognise import recognise as search
    from derive.unfit import unfit
    from derive.witness import ANALYTIC, ANY, EVERY, EXPONENTIAL

    wide_classes = (EVERY, ANY, ANALYTIC, EXPONENTIAL)

    start = time.perf_counter()
    doc = read_toml(text, path)
    method = load_bare(doc, path, text)
    letters = letters_of(doc, method)
    found = search(bare(problem(method)), letters)
    if isinstance(found, Nothing):
        check_model(method)
        shown = unfit(bare(problem(method)), seconds=SHOWN) if reasons else None
        if any(isinstance(n, Call) and n.fn == "sg" for n in walk(method.published)):
            found = replace(found, why=(*found.why, STOPPED))
        wide = shown is not None and shown.refutes in wide_classes
        return Unrecognised(
            method, found.why, time.perf_counter() - start, shown if wide else None,
            "" if wide or shown is None else f"{shown.text}; this excludes {shown.refutes}",
        )  # fmt: skip
    until = time.process_time() + WRITTEN
    for written in files(doc, found, letters):
        if time.process_time() > until:
            break  # the pair is proved, only without the most telling names
        if (proved := confirmed(written)) is not None:
            method, verdict = proved
            assert verdict.certificate is not None
            return Recognised(
                method, written, found, verdict.certificate, verdict.theorem_text,
                verdict.hypotheses, time.perf_counter() - start, verdict.vacuous,
            )  # fmt: skip
    certificate = settled(found, method)
    result = check_body(certificate.body)
    return Recognised(
        method, "", found, certificate, result.theorem_text, result.hypotheses,
        time.perf_counter() - start,
    )  # fmt: skip


def check_model(method: Method) -> None:
    """Raise InputError where no model of the hypotheses is found."""
    from derive.bridge import problem
    from derive.instance import LIMITS, model_at
    from derive.recognise import bare

    claim = bare(problem(method))
    if all(model_at(claim, n) is None for n in (*LIMITS, 2, 5, 1)):
        raise InputError(
            "no model of the hypotheses was found, they seem to contradict each other",
            hint="drop or mend one of them", path=method.path,
        )  # fmt: skip


def files(
    doc: Mapping[str, Any], found: Found, letters: Mapping[Any, Sequence[str]]
) -> Iterator[str]:
    """Method files that say what was found, the most telling names first."""
    from derive.formula_text import Unsayable
    from derive.recognise import mirrored
    from derive.rows import OUTCOMES
    from derive.tables import Words
    from derive.terms import domain

    rows, pr = found.rows, found.problem
    if len(rows) > 1 and not mirrored(rows, found.taker):
        return
    words = Words(found.taker, pr.dims, letters)
    kept = {k: v for k, v in doc.items() if k not in TABLES}
    if any(domain(v) == OUTCOMES for r in rows for v in r.over) and OUTCOMES[0] not in doc.get(
        "sets", {}
    ):
        new = {"letters": letters[OUTCOMES][0], "elements": list(OUTCOMES[1])}
        kept["sets"] = {**doc.get("sets", {"n": "i j k l m"}), OUTCOMES[0]: new}
    try:
        for tables in words.tables(found):
            yield document({**kept, **tables})
    except Unsayable:
        return


def confirmed(text: str) -> tuple[Method, Proved] | None:
    """The method of a file whose claim is proved, None where the file is wrong or it is not."""
    from derive.verdict import Proved
    from derive.verify import verify

    try:
        method = load_text(text, "the recognised pair")
        verdict = verify(method)
    except InputError:
        return None
    return (method, verdict) if isinstance(verdict, Proved) and verdict.ok else None
