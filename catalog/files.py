"""Reading TOML files: from a path to a document, every failure one InputError.

Apart from `load`, so that listing the catalog imports neither pydantic nor lark.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from typing import Any

from catalog.errors import InputError, Place

MAX_BYTES = 1_000_000


class FloatText(str):
    """A TOML float kept as it is written, so that 0.1 stays one tenth."""


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a regular UTF-8 file of at most MAX_BYTES. Raises InputError."""
    shown = os.fspath(path)
    try:
        # type and size are asked before opening: a FIFO would block, a huge file fill memory
        info = os.stat(path)
        if stat.S_ISDIR(info.st_mode):
            raise InputError("this is a directory", path=shown, hint="name a .toml file in it")
        if not stat.S_ISREG(info.st_mode):
            raise InputError("this is not a regular file", path=shown, hint="name a .toml file")
        if info.st_size > MAX_BYTES:
            raise InputError(f"the file is larger than {MAX_BYTES // 1_000_000} MB", path=shown)
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError("there is no such file", path=shown) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the file cannot be read: {why}", path=shown) from None
    if len(data) > MAX_BYTES:
        raise InputError(f"the file is larger than {MAX_BYTES // 1_000_000} MB", path=shown)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8 text"
        raise InputError(message, path=shown, line=line, hint="save the file as UTF-8") from None


def read_toml(text: str, path: str) -> dict[str, Any]:
    """The document that a TOML text states; a syntax error points at its place."""
    if len(text) > MAX_BYTES:
        raise InputError(f"the file is larger than {MAX_BYTES // 1_000_000} MB", path=path)
    text = text.replace("\r\n", "\n")
    try:
        return tomllib.loads(text, parse_float=FloatText)
    except tomllib.TOMLDecodeError as error:
        said = re.fullmatch(
            r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.S
        )
        what = said.group(1) if said else str(error)
        message = f"this is not TOML: {what[:1].lower()}{what[1:]}"
        at = len(text.rstrip())
        if said and said.group(2):
            lines = text.split("\n")
            before = sum(len(line) + 1 for line in lines[: int(said.group(2)) - 1])
            at = before + int(said.group(3)) - 1
        raise Place.of(text, path).error(at, message) from None
    except RecursionError:
        raise InputError(
            "this is not TOML that anybody wrote: nested too deeply", path=path
        ) from None
    except ValueError as error:  # tomllib lets int() refuse a number of thousands of digits
        raise InputError(f"this is not TOML: {error}", path=path) from None
