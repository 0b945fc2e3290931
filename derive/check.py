"""Reading certificates: no search, every step by the trusted rules.

`check_text` replays the steps, compares the theorem with the claim that the file states, and
evaluates the hypotheses in the stored model, for contradictory hypotheses would prove anything.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from catalog.errors import InputError
from derive.certificate import FORMAT, Certificate
from derive.defined import of_said, uncovered
from derive.printing import text
from derive.replay import freeze, replay
from derive.sentences import judgement_text, sentence, statement
from derive.terms import RuleError, Term, deadline, need
from derive.theorem import Judgement, Theorem, _flat

if TYPE_CHECKING:
    from derive.bridge import Problem

MAX_BYTES = 5_000_000  # the longest of the catalog has 90,000
SECONDS = 60.0  # until a replay is given up; the longest of the catalog takes 0.1


@dataclass(frozen=True)
class CheckResult:
    """What a certificate that replays says: theorem, assumptions, and the number of steps.

    `hypotheses` are `judgements` as text; `words` say each as the method's file does where that is
    a file of the catalog, and are empty where it is not: nobody vouches for the words of others.
    `claim` is what `statement` makes of the theorems.
    """

    method_id: str
    theorem_text: str
    hypotheses: tuple[str, ...]
    hash: str
    steps: int
    theorems: tuple[Theorem, ...]
    judgements: tuple[Judgement, ...] = ()
    words: tuple[str, ...] = ()
    claim: Mapping[str, Any] = field(default_factory=dict)


def check_text(source: str, path: str = "<certificate>") -> CheckResult:
    """Replay a certificate. Raises InputError where it is malformed or does not hold."""
    try:
        if len(source) > MAX_BYTES:
            raise InputError(
                f"the certificate has over {MAX_BYTES:,} characters; it was not read", path=path
            )
        body = json.loads(
            source,
            object_pairs_hook=_once,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except (json.JSONDecodeError, RecursionError) as e:
        line = getattr(e, "lineno", 1)
        raise InputError(
            f"this is not a whole JSON document ({getattr(e, 'msg', 'nested too deep')}); the "
            "certificate may be cut short, make it anew with `iconograph verify --certificates`",
            path=path, line=line, column=getattr(e, "colno", 1),
        ) from None  # fmt: skip
    except ValueError as e:
        raise InputError(f"the certificate is malformed ({e})", path=path) from None
    if not isinstance(body, dict) or "format" not in body:
        raise InputError('this is not a certificate of iconograph (it has no "format")', path=path)
    if body["format"] != FORMAT:
        raise InputError(
            f"the certificate has format {str(body['format'])[:60]!r}; this version reads "
            f"{FORMAT!r}, make it anew",
            path=path,
        )
    missing = [
        k
        for k in ("method", "terms", "steps", "proved", "defined", "claim", "dims", "model", "hash")
        if k not in body
    ]
    if missing:
        raise InputError(
            f"the certificate lacks {', '.join(missing)}; it may have been edited, make it anew",
            path=path,
        )
    stated = body.pop("hash")
    try:
        actual = Certificate("", body).hash
    except RecursionError:
        raise InputError("the certificate is malformed (nested too deep)", path=path) from None
    if actual != stated:
        raise InputError(
            "the hash does not fit the contents; the certificate was changed after it was made",
            path=path,
        )
    result = check_body(body, path, actual)
    if (claim := catalogued(result.method_id)) is None:
        return result
    if other_claim(result, claim):
        raise InputError(
            f"the certificate is labelled {result.method_id!r}, but its theorem is not what the "
            "catalog claims of that method; a loss of your own needs an id of its own",
            path=path,
        )
    words = dict(zip(claim.hyps, claim.texts, strict=True))
    return replace(result, words=tuple(words[h] for h in result.judgements))


def catalogued(method_id: str) -> Problem | None:
    """The claim of the method of that id in the catalog."""
    from catalog import registry
    from derive.bridge import in_terms

    method = registry.claim(method_id)
    return in_terms(method) if method is not None else None


def other_claim(result: CheckResult, claim: Problem) -> bool:
    """Whether a certificate proves something else than `claim` or assumes more."""
    said = (
        claim.published, claim.scale, claim.constant, claim.blocks, claim.learned,
        claim.divergence, claim.degree, claim.slack,
    )  # fmt: skip
    wanted = claim.facts or (("icon", *said),)
    same = tuple(t.concl for t in result.theorems) == wanted
    return not same or not {*claim.hyps} >= {*result.judgements}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are said once: a reader could see another value than the program."""
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key is written twice")
    return out


def _no_number(text: str) -> None:
    """Refuse what is not whole."""
    raise ValueError(f"{text[:20]} is no whole number")


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Rules refuse after `seconds` more; terms live on, so that no garbage is looked for."""
    before, collecting = deadline[0], gc.isenabled()
    deadline[0] = min(before, time.monotonic() + seconds)
    gc.disable()  # a third of the time otherwise
    try:
        yield
    finally:
        deadline[0] = before
        if collecting:
            gc.freeze()  # and none is looked for among them later
            gc.enable()


def check_body(
    body: dict[str, Any], path: str = "<certificate>", name: str = ""
) -> CheckResult:
    """Replay the body of a certificate: claim, definedness, the model of its hypotheses.

    `name` is the hash of the body, where the caller has it.
    """
    with _limited(SECONDS):
        return _check_body(body, path, name or Certificate("", body).hash)


def _check_body(body: dict[str, Any], path: str, name: str) -> CheckResult:
    from derive.equations import violated  # these load flint, which writing does without
    from derive.stored import MAX_EFFORT, effort, legible, model_from

    try:
        method = body["method"]
        need(isinstance(method, str) and method.isprintable(), "the method has no name")
        dims = frozenset(freeze(body["dims"]))
        done = replay(body["terms"], body["steps"])
        proved, signs = ([done[k] for k in body[part]] for part in ("proved", "defined"))
        said = statement(proved, dims)
        if said != body["claim"]:
            claim = body["claim"] if isinstance(body["claim"], dict) else {}
            wrong = next((k for k in said if said[k] != claim.get(k)), "claim")
            raise InputError(
                f"the derivation proves something else than the certificate claims (see {wrong!r})",
                path=path,
            )
        hyps = sorted(frozenset[Judgement]().union(*(t.hyps for t in proved + signs)), key=repr_key)
        concl = [t.concl for t in proved]
        printed = [t for j in (*concl, *hyps) for t in _flat(j) if isinstance(t, Term)]
        blocks = [b for j in concl if j[0] == "icon" for b in j[4]]
        printed = [t for t in printed if t.op != "v"]
        legible(printed, [b[0] + b[2] for b in blocks])
        if left := uncovered(of_said(concl), {s.concl for s in signs}):
            what = {"inv": "1/x", "max": "a maximum over x elements"}.get(left[0].what, "log(x)")
            raise InputError(
                f"nothing shows that {what} has a value at x = {text(left[0].arg, dims)}", path=path
            )
        model = model_from(body["model"], hyps)
        need(effort(hyps, model) <= MAX_EFFORT, "the model is too large to look at")
        if bad := violated(hyps, model):
            raise InputError(
                f"the model of the certificate violates {judgement_text(hyps[bad[0]], dims)}",
                path=path,
            )
    except RuleError as e:
        raise InputError(f"the derivation does not replay: {e}", path=path) from None
    except (
        TypeError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as e:
        raise InputError(
            f"the certificate is malformed ({type(e).__name__}: {str(e)[:120]})", path=path
        ) from None
    line = sentence(said)
    words = tuple(judgement_text(h, dims) for h in hyps)
    return CheckResult(
        method, line, words, name, len(body["steps"]), tuple(proved),
        tuple(hyps), claim=said,
    )  # fmt: skip


def repr_key(j: Judgement) -> str:
    """A fixed order of judgements."""
    return judgement_text(j, frozenset()) + str(j[0])
