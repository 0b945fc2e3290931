"""From "module:name" to a callable with its options, and what is said where that fails.

Like answers.py, this file is read by the child process by its path: it imports the standard
library only.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


class Failed(Exception):
    """The code under test did not give a loss.

    `kind` says who is to blame: "usage" where it cannot be called as was asked, "raised" where it
    raised (`trace` is its traceback), "result" where it returned no loss.
    """

    def __init__(self, message: str, kind: str = "result", trace: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace

    def to_json(self) -> dict[str, str]:
        """As it travels."""
        return {"message": str(self), "kind": self.kind, "trace": self.trace}


@contextmanager
def theirs(what: str) -> Iterator[None]:
    """Turn whatever their code raises into Failed, with its last line and the frames that are its.

    SystemExit and KeyboardInterrupt too: code that ends the process gave no loss either.
    """
    try:
        yield
    except Failed:
        raise
    except BaseException as error:
        here = os.path.dirname(__file__)
        every = traceback.extract_tb(error.__traceback__)
        frames = [f for f in every if os.path.dirname(f.filename) != here]
        # of importlib only what their file's import did
        frames = [f for f in frames if "importlib" not in f.filename] or frames
        last = "".join(traceback.format_exception_only(error)).strip().splitlines()
        words = last[-1] if last else type(error).__name__
        # a line of theirs says more than the line of torch that it led to
        own = [f for f in frames if "site-packages" not in f.filename] or frames
        at = f" ({os.path.basename(own[-1].filename)}:{own[-1].lineno})" if own else ""
        trace = "".join(["Traceback (most recent call last):\n", *traceback.format_list(frames)])
        raise Failed(f"{what} {words}{at}", "raised", f"{trace}{words}\n") from None


# ---------------------------------------------------------------------- from a text to a callable


def load(code: str) -> Any:
    """The object that "module:name" or "path/to/file.py:name" stands for; dots lead to attributes.

    Raises:
        Failed: there is none, or importing it raised.
    """
    place, _, name = code.rpartition(":")
    if not place or not name:
        raise Failed(f"{code!r} is not MODULE:NAME or FILE.py:NAME", "usage")
    found = _file(place) if place.endswith(".py") else _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            public = [n for n, v in vars(found).items() if callable(v) and not n.startswith("_")]
            listed = f"; it has {', '.join(public[:8])}" if public else ""
            raise Failed(f"{place} has no {name!r}{listed}", "usage")
        found = getattr(found, part)
    return found


def _file(place: str) -> Any:
    path = os.path.abspath(place)
    if not os.path.isfile(path):
        raise Failed(f"there is no file {place}", "usage")
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Failed(f"{place} cannot be imported", "usage")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    sys.path.insert(0, os.path.dirname(path))  # as when the file is run: what lies beside it
    with theirs(f"importing {place} raised"):
        spec.loader.exec_module(module)
    return module


def _module(place: str) -> Any:
    try:
        with theirs(f"importing {place} raised"):
            return importlib.import_module(place)
    except Failed as error:
        top = place.split(".")[0]
        if f"No module named '{place}'" in str(error) or f"No module named '{top}'" in str(error):
            raise Failed(f"there is no module {place}", "usage", error.trace) from None
        raise


def options(texts: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE as keyword arguments: Python literals, and any other word as a text.

    >>> options(["temperature=0.1", "reduction=sum", "shape=(2, 3)"])
    {'temperature': 0.1, 'reduction': 'sum', 'shape': (2, 3)}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise Failed(f"--with {text!r} is not NAME=VALUE", "usage")
        try:
            found[name.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            found[name.strip()] = value.strip()
    return found


# ---------------------------------------------------------------------- parameters


def parameters(function: Any) -> list[dict[str, Any]] | None:
    """Name, way of passing, default (as text) of each parameter; None where Python cannot say."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    ways = {"VAR_POSITIONAL": "many", "VAR_KEYWORD": "others", "KEYWORD_ONLY": "keyword"}
    return [
        {
            "name": p.name, "way": ways.get(p.kind.name, "position"),
            "default": None if p.default is p.empty else repr(p.default)[:80],
        }
        for p in found
    ]  # fmt: skip


def without(
    known: list[dict[str, Any]] | None, given: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """The parameters without those given as options; those after such a one go by name only."""
    if known is None:
        return None
    found, way = [], ""
    for p in known:
        if p["name"] in given:
            way = "keyword" if p["way"] == "position" else way
        else:
            found.append({**p, "way": way or p["way"]} if p["way"] == "position" else p)
    return found
