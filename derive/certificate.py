"""Certificates: a derivation as data, pruned to what it uses, in canonical JSON with a hash.

    {"format": "iconograph/certificate/2", "method": ..., "terms": [...], "steps": [...],
     "proved": [...], "defined": [...], "claim": {...}, "model": {...}, "hash": sha256 of the rest}

`check_text` replays the steps, compares the theorem with the claim that the file states, and
evaluates the hypotheses in the stored model, for contradictory hypotheses would prove anything.
"""

from __future__ import annotations

import gc
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from catalog.errors import InputError
from derive.claims import DIVERGENCES, families, rate
from derive.defined import of_said, uncovered
from derive.printing import PRODUCT, SUM, text
from derive.replay import freeze, replay
from derive.terms import RuleError, Term, deadline, need
from derive.theorem import Judgement, Theorem, _flat
from derive.wording import judgement, types

if TYPE_CHECKING:
    from derive.bridge import Problem
    from derive.models import Model
    from derive.prove import Proof

FORMAT = "iconograph/certificate/2"
MAX_BYTES = 5_000_000  # the longest of the catalog has 90,000
SECONDS = 60.0  # until a replay is given up; the longest of the catalog takes 0.1


@dataclass(frozen=True)
class Certificate:
    """A derivation of one claim as data."""

    method: str
    body: dict[str, Any]

    @property
    def hash(self) -> str:
        """sha256 of the canonical JSON without the hash."""
        return hashlib.sha256(canonical_json(self.body).encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON, one line, with the hash."""
        return canonical_json({**self.body, "hash": self.hash}) + "\n"


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


def canonical_json(x: Any) -> str:
    """JSON with sorted keys and no spaces, the same bytes for the same data."""
    return json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


# ------------------------------------------------------------------ writing
def encode(roots: Iterable[Theorem]) -> tuple[list[Any], list[Any], list[int]]:
    """The terms and steps that `roots` were derived by, and where among the steps the roots are.

    Terms and steps come once each, in an order that replays.
    """
    terms: dict[Term, int] = {}
    term_rows: list[Any] = []
    steps: dict[int, int] = {}
    step_rows: list[Any] = []

    def term(t: Term) -> int:
        if t not in terms:
            args = [term(a) for a in t.args]
            data = str(t.data) if t.op == "num" else thaw(t.data)
            terms[t] = len(term_rows)
            term_rows.append([t.op, data, *args])
        return terms[t]

    def arg(a: Any) -> Any:
        if isinstance(a, Term):
            return term(a)
        if isinstance(a, Theorem):
            return f"#{steps[id(a)]}"
        if isinstance(a, str):
            return f"${a}"
        return [arg(x) for x in a]

    roots = list(roots)
    stack: list[tuple[Theorem, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        th, ready = stack.pop()
        if id(th) in steps:
            continue
        if ready:
            row = [th.rule, [arg(a) for a in th.args]]
            steps[id(th)] = len(step_rows)
            step_rows.append(row)
        else:
            stack.append((th, True))
            stack += [(p, False) for p in reversed(list(theorems(th.args)))]
    return term_rows, step_rows, [steps[id(root)] for root in roots]


def theorems(args: Iterable[Any]) -> Iterable[Theorem]:
    """The theorems among the arguments of a rule."""
    for a in args:
        if isinstance(a, Theorem):
            yield a
        elif isinstance(a, tuple | list):
            yield from theorems(a)


def thaw(x: Any) -> Any:
    """Tuples as JSON lists."""
    return [thaw(y) for y in x] if isinstance(x, tuple) else x


def certify(method_id: str, proof: Proof, problem: Problem, model: Any) -> Certificate:
    """The certificate of a proof; `model` (see model_json) satisfies the hypotheses."""
    terms, steps, roots = encode([*proof.defined, *proof.theorems])
    first = len(proof.defined)
    dims = sorted(problem.dims, key=str)
    body = {
        "format": FORMAT,
        "method": method_id,
        "terms": terms,
        "steps": steps,
        "defined": roots[:first],
        "proved": roots[first:],
        "claim": statement(proof.theorems, frozenset(dims)),
        "dims": thaw(tuple(dims)),
        "model": model,
    }
    return Certificate(method_id, body)


def model_json(model: Model) -> dict[str, Any]:
    """A finite model as data: sizes and tables, numbers as text."""

    def table(t: Mapping[Any, Any]) -> list[Any]:
        return [[list(at), str(x)] for at, x in sorted(t.items())]

    parts = {"families": model.families, "masks": model.masks, "functions": model.functions}
    return {
        "sizes": dict(model.sizes),
        **{k: {n: table(t) for n, t in p.items()} for k, p in parts.items()},
    }


def statement(theorems: Sequence[Theorem], dims: frozenset[Any]) -> dict[str, Any]:
    """What theorems say, as text: one claim or several statements, and their hypotheses."""
    need(theorems, "nothing is proved")
    hyps = sorted({judgement_text(h, dims) for th in theorems for h in th.hyps})
    if theorems[0].concl[0] != "icon":
        need(all(t.concl[0] != "icon" for t in theorems), "a claim stands alone")
        said = [judgement_text(t.concl, dims) for t in theorems]
        return {"relation": "theorem", "statements": said, "hypotheses": hyps,
                "types": typed(theorems)}  # fmt: skip
    need(len(theorems) == 1, "a claim stands alone")
    _, published, scale, constant, blocks, learned, kind, degree, slack = theorems[0].concl

    def show(t: Any, *beside: Term, level: int = SUM) -> str:
        return text(t, dims, level=level, beside=beside) if isinstance(t, Term) else ""

    pairs = []
    for anchors, a, nbs, *parts in blocks:
        a, m, w, p, k = (show(t, *anchors, *nbs) for t in (a, *parts))
        pairs.append({
            "anchors": [show_var(v) for v in anchors], "where": a,
            "neighbours": [show_var(v) for v in nbs], "allowed": m,
            "weight": w, "p": p, "kernel": k,
        })  # fmt: skip
    out = {
        "relation": relation(theorems[0].concl), "published": show(published),
        "scale": show(scale, level=PRODUCT), "constant": show(constant), "pairs": pairs,
        "learned": list(learned), "divergence": kind, "order": show(degree), "hypotheses": hyps,
        "types": typed(theorems),
    }  # fmt: skip
    if slack:
        below, above, small, _ = slack
        out |= {"below": show(below), "above": show(above), "small": show(small)}
        if small != "":
            out["rate"] = min(rate(below, small), rate(above, small))
    return out


def typed(theorems: Iterable[Theorem]) -> list[str]:
    """The types of all symbols in theorems and their hypotheses."""
    said = [th.concl for th in theorems] + [h for th in theorems for h in th.hyps]
    return types(t for t in _flat(said) if isinstance(t, Term))


def relation(said: Judgement) -> str:
    """The relation that an I-Con claim states."""
    published, kind, slack = said[1], said[6], said[8]
    if not slack:
        return {"kl": "exact", "reverse-kl": "reverse"}.get(kind, "generalised")
    if (small := slack[2]) == "":
        return "bound"
    t = small.args[0] if small.op == "inv" else small
    return "expansion" if t.data[0] in families(published) else "limit"


def sentence(said: Mapping[str, Any]) -> str:
    """A statement on one line."""
    if "statements" in said:
        return "; ".join(said["statements"])
    kind, order = said["divergence"], said["order"]
    named = f"{kind} of order {order}" if "order" in families(DIVERGENCES[kind]) else kind
    loss = "I-Con" if kind == "kl" else f"I-Con[{named}]"
    scaled = loss if said["scale"] == "1" else f"{said['scale']} * {loss}"
    added = "" if said["constant"] == "0" else f" + {said['constant']}"
    side = f"{scaled}{added}".replace(" + -", " - ")
    if "below" not in said:
        return f"{said['published']}  =  {side}"
    side = side if side == loss else f"({side})"
    low = "0 <= " if said["below"] == "0" else f"-({said['below']}) <= " if said["below"] else ""
    high = f" <= {said['above']}" if said["above"] else ""
    rates = f", both bounds O(({said['small']})^{said['rate']})" if "rate" in said else ""
    return f"{low}{said['published']} - {side}{high}{rates}"


def show_var(v: Term) -> str:
    """An index variable with its set."""
    d = v.data[1]
    return f"{v.data[0]} in {d if isinstance(d, str) else d[0] + '{' + ','.join(d[1]) + '}'}"


def judgement_text(j: Judgement, dims: frozenset[Any]) -> str:
    """A judgement as text."""
    return judgement(j, dims)


# ------------------------------------------------------------------ reading
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
    result = check_body(body, path)
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

    return in_terms(registry.load(method_id)) if method_id in registry.ids() else None


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


def check_body(body: dict[str, Any], path: str = "<certificate>") -> CheckResult:
    """Replay the body of a certificate: claim, definedness, the model of its hypotheses."""
    with _limited(SECONDS):
        return _check_body(body, path)


def _check_body(body: dict[str, Any], path: str) -> CheckResult:
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
        method, line, words, Certificate("", body).hash, len(body["steps"]), tuple(proved),
        tuple(hyps), claim=said,
    )  # fmt: skip


def repr_key(j: Judgement) -> str:
    """A fixed order of judgements."""
    return judgement_text(j, frozenset()) + str(j[0])
