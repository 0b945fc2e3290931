"""Reading and writing the user's files: one sentence for what goes wrong, nothing half-written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from catalog.errors import InputError

CERTIFICATE_LIMIT = 50_000_000
"""Bytes of a certificate; a proof takes a few thousand to a few hundred thousand."""


def read(path: Path, limit: int) -> str:
    """The text of `path`.

    Raises:
        InputError: it is missing, no ordinary file, unreadable, longer than `limit` bytes or not
            UTF-8.
    """
    try:
        if path.is_dir():
            raise InputError("this is a folder", path=str(path), hint="name a file in it")
        if not path.is_file():
            what = "this is no ordinary file" if path.exists() else "there is no such file"
            raise InputError(what, path=str(path))
        if (size := path.stat().st_size) > limit:
            raise InputError(f"the file has {size:,} bytes; the limit is {limit:,}", path=str(path))
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"this is no UTF-8 text: byte {error.start} is wrong", path=str(path)
        ) from None
    except ValueError:
        raise InputError(f"{str(path)!r} is no possible file name") from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {reason(error)}", path=str(path)) from None


FORCE = "--force replaces it"
OTHER = "name another file, or move that one away"  # for a command without --force


def write(
    path: Path, text: str, *, over: str | None = None, force: bool = False, hint: str = OTHER
) -> None:
    """Write `text` whole or not at all.

    An existing file is replaced only where `force` is set, or where it contains `over`, the mark of
    a file that this program wrote; `hint` says what to do otherwise.

    Raises:
        InputError: the file exists and may not be replaced, or the place cannot be written.
    """
    try:
        if path.is_dir():
            raise InputError("this is a folder", path=str(path), hint="name a file in it")
        if path.exists() and not force:
            # a device such as /dev/stdout exists, and writing to it destroys nothing
            if not path.is_file():
                path.write_text(text, encoding="utf-8")
                return
            if over is None or over not in path.read_text(encoding="utf-8", errors="replace"):
                raise InputError(
                    "the file exists and iconograph did not write it",
                    path=str(path),
                    hint=hint,
                )
        _replace(path, text)
    except ValueError:
        raise InputError(f"{str(path)!r} is no possible file name") from None
    except OSError as error:
        raise InputError(f"the file cannot be written: {reason(error)}", path=str(path)) from None


def reason(error: OSError) -> str:
    """The operating system's words, without number and path."""
    return (error.strerror or str(error)).lower()


def _replace(path: Path, text: str) -> None:
    """Write beside `path` and rename, which on one file system happens at once."""
    target = path.resolve()  # a link keeps pointing where it points
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        os.chmod(name, target.stat().st_mode if target.exists() else 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
