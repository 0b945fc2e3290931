"""`iconograph verify` of a formula without a pair: which loss is it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from iconograph.console import Exit, complain, show_facts, show_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iconograph.recognise import Recognised, Unrecognised

Facts = list[tuple[str, str]]


def run(
    texts: Sequence[tuple[str, str]],
    *,
    save: Path | None = None,
    certificates: Path | None = None,
    as_json: bool = False,
) -> Exit:
    """Recognise losses, each a text with the name of where it is from, and say what they are.

    Raises:
        InputError: a text is no method file, or a file cannot be written.
    """
    from iconograph.recognise import Unrecognised, recognise

    answers = [recognise(text, path) for text, path in texts]
    for answer in answers:
        if certificates is not None and not isinstance(answer, Unrecognised):
            _keep_certificate(answer, certificates)
    if save is not None:
        _save(answers[0], save)
    if as_json:
        show_json("recognise", {"results": [to_json(a) for a in answers]})
    else:
        for answer in answers:
            facts, colour = described(answer)
            show_facts(facts, colour)
    return max((status(a) for a in answers), key=SEVERITY.index)


SEVERITY = (Exit.AS_CLAIMED, Exit.UNDECIDED, Exit.DIFFERS)


def status(answer: Recognised | Unrecognised) -> Exit:
    """0 a pair was found, 1 there is none, 3 neither is known."""
    from iconograph.recognise import Unrecognised

    if not isinstance(answer, Unrecognised):
        return Exit.AS_CLAIMED
    return Exit.DIFFERS if answer.refuted is not None else Exit.UNDECIDED


def described(answer: Recognised | Unrecognised) -> tuple[Facts, str]:
    """What is said of an answer line by line, and the colour of its head."""
    from iconograph.recognise import Unrecognised

    if not isinstance(answer, Unrecognised):
        return recognised(answer), "green"
    head = f"{answer.method.id}: {answer.method.name}"
    if answer.refuted is not None:
        return [("✗ excluded", head), *refuted(answer)], "red"
    facts = [("? not recognised", head)]
    facts += [("tried", why) for why in answer.why]
    facts += [("remark", answer.remark)] if answer.remark else []
    return [*facts, ("seconds", f"{answer.seconds:.2f}")], "yellow"


def refuted(answer: Unrecognised) -> Facts:
    """Why no pair can exist."""
    found = answer.refuted
    assert found is not None and found.witness is not None
    return [
        ("excluded", found.witness.against), ("because", found.text),
        *(("tried", why) for why in answer.why), ("witness", found.witness.describe()),
        ("seconds", f"{answer.seconds:.2f}"),
    ]  # fmt: skip


def recognised(answer: Recognised) -> Facts:
    """A pair line by line."""
    from iconograph.recognise import pairs

    facts: Facts = [("✓ recognised", f"{answer.method.id}: {answer.method.name}")]
    facts += [("as", answer.kind)]
    for table in pairs(answer):
        facts += list(table.items())
    facts += [("says little", answer.trivial)] if answer.trivial else []
    facts += [("level", "general-N"), ("statement", answer.statement)]
    facts += [("assuming", text) for text in answer.hypotheses]
    facts += [(word.lower(), said) for word, said in answer.relatives()]
    return [*facts, ("certificate", answer.hash), ("seconds", f"{answer.seconds:.2f}")]


def to_json(answer: Recognised | Unrecognised) -> dict[str, Any]:
    """An answer as data."""
    from iconograph.recognise import Unrecognised, pairs

    common: Mapping[str, Any] = {
        "id": answer.method.id, "name": answer.method.name, "seconds": round(answer.seconds, 4),
    }  # fmt: skip
    if isinstance(answer, Unrecognised):
        found = answer.refuted
        detail = found.witness.to_json() if found is not None and found.witness else None
        outcome = "refuted" if found is not None else "unknown"
        return {
            **common, "outcome": outcome, "why": list(answer.why),
            "text": found.text if found else answer.remark, "witness": detail,
        }  # fmt: skip
    return {
        **common, "outcome": "recognised", "as": answer.kind, "pairs": pairs(answer),
        "trivial": answer.trivial, "statement": answer.statement,
        "hypotheses": list(answer.hypotheses), "certificate": answer.hash,
        "relatives": [list(line) for line in answer.relatives()], "file": answer.text,
    }  # fmt: skip


def _keep_certificate(answer: Recognised, folder: Path) -> None:
    from derive.certificate import FORMAT
    from iconograph.files import write

    write(folder / f"{answer.method.id}.json", answer.certificate.to_json(), over=FORMAT)


def _save(answer: Recognised | Unrecognised, path: Path) -> None:
    from iconograph.files import write
    from iconograph.recognise import Unrecognised

    if isinstance(answer, Unrecognised) or not answer.text:
        how_many = "none was" if isinstance(answer, Unrecognised) else "several were"
        complain(f"{path} is not written: one file states one pair, and {how_many} found")
        return
    write(path, answer.text)
