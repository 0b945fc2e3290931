"""A formula on the command line, with its declarations as options, becomes a method file's text.

    >>> print(method_text("mean[i] -log(exp(s[i,i]) / sum[j] exp(s[i,j]))",
    ...     learned=["s=real[i,j]"], p="one-hot target=i", q="logit logit='s[i,j]'",
    ...     neighbours="j"))
    id = "pasted"
    name = "a pasted formula"
    ...
    [q]
    kernel = "logit"
    logit = "s[i,j]"
    ...

So the command line has no reader of its own: what it accepts, and every error message, is the
method file's, and `verify -f ... --save my-loss.toml` keeps the result as a file.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from catalog.errors import InputError


def method_text(
    formula: str,
    *,
    p: str = "",
    q: str = "",
    learned: Sequence[str],
    given: Sequence[str] = (),
    define: Sequence[str] = (),
    assume: Sequence[str] = (),
    sets: Sequence[str] = (),
    relation: str = "exact",
    scale: str = "1",
    constant: str = "0",
    anchors: str | None = None,
    neighbours: str | None = None,
    normalise: str | None = None,
    weights: str | None = None,
    name: str = "pasted",
) -> str:
    """The TOML text of docs/format.md that says the same as these options.

    Without `p` and `q` it is that of a bare loss, whose pair is sought.

    `p` and `q` read `kernel parameter=value ...`, quoted as in a shell where a value has spaces;
    `learned`, `given` and `define` hold `name=type` or `name=body`; `sets` holds `n=i j k`, or
    `side=t:image,text` for an enumerated one.

    Raises:
        InputError: an option does not have that shape. What stands in it is judged when the text
            is loaded.
    """
    icon = {
        "anchors": anchors,
        "neighbours": neighbours,
        "normalise": normalise,
        "weights": weights,
    }
    tables: dict[str, Mapping[str, str | Mapping[str, object]]] = {
        "sets": dict(_set(text) for text in sets),
        "learned": dict(pair(text, "--learned", "s=real[i,j]") for text in learned),
        "given": dict(pair(text, "--given", "y=label[i]") for text in given),
        "define": dict(pair(text, "--define", "P(i)={ j : j != i }") for text in define),
        "assumes": {text: text for text in assume},
        "icon": {key: value for key, value in icon.items() if value is not None},
        "published": {"formula": formula, "source": "the command line"},
    }
    if p or q:
        tables |= {
            "p": kernel(p, "--p"),
            "q": kernel(q, "--q"),
            "claim": {"relation": relation, "scale": scale, "constant": constant},
        }
    return document({**head(name, "a pasted formula"), **tables})


def head(name: str, title: str) -> dict[str, object]:
    """The keys that open a method file, for a loss that no paper states."""
    return {"id": name, "name": title, "field": "self-supervised", "year": 2026, "cite": ""}


def document(content: Mapping[str, object]) -> str:
    """The TOML text of a document; tables stand after the keys, and an empty one is left out."""
    lines = [f"{k} = {_value(v)}" for k, v in content.items() if not isinstance(v, Mapping)]
    blocks = ["\n".join(lines)]
    for title, entries in content.items():
        if isinstance(entries, Mapping) and entries:
            rows = (f"{_key(key)} = {_value(value)}" for key, value in entries.items())
            blocks.append("\n".join([f"[{title}]", *rows]))
    return "\n\n".join(blocks) + "\n"


def pair(text: str, option: str, example: str) -> tuple[str, str]:
    """Name and value of `name=value`. Raises InputError where it has no such shape."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise InputError(f"{option} {text!r}: write name=type, such as {option} {example!r}")
    return name, value


def _set(text: str) -> tuple[str, str | Mapping[str, object]]:
    name, value = pair(text, "--sets", "n=i j k")
    letters, colon, elements = value.partition(":")
    if not colon:
        return name, value
    names = [element.strip() for element in elements.split(",")]
    return name, {"letters": letters.strip(), "elements": names}


def kernel(text: str, option: str) -> dict[str, str]:
    """The table [p] or [q] of `kernel parameter=value ...`. Raises InputError."""
    example = "'one-hot target=i'" if option == "--p" else "'logit logit=s[i,j]'"
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"{option} {text!r}: {str(error).lower()}") from None
    if not words or "=" in words[0]:
        raise InputError(f"{option} {text!r}: write the kernel first, such as {option} {example}")
    return {"kernel": words[0]} | dict(pair(word, option, example) for word in words[1:])


def _key(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else _value(key)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    # a JSON string or list of strings is a TOML one, but for DEL, which TOML wants escaped
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
