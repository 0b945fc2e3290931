"""A loss in this process, for callables that no other process can import, as in a notebook.

There is no limit of time or memory here, and what the code does it does to this process; defaults
and seeds of torch are put back after each question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.errors import InputError
from iconograph.audit.answers import Code, seed, surroundings
from iconograph.audit.loading import Failed
from iconograph.audit.probe import Theirs


class Here:
    """What `Child` is for another process."""

    def __init__(
        self,
        target: object,
        options: Mapping[str, Any] | None = None,
        result: str | None = None,
        dtype: str = "float64",
    ):
        try:
            import torch
        except ImportError:
            raise InputError("a callable is judged with torch, which is not installed") from None
        self.torch = str(torch.__version__)
        self.printed = ""
        self.dtype = dtype
        try:
            with surroundings(dtype):
                seed(0)
                fill = {"rank": 0, "world_size": 1}
                self.code = Code(target, options or {}, fill=fill, result=result, dtype=dtype)
        except Failed as error:
            raise said(error) from None
        self.notes = dict(self.code.notes)

    @property
    def what(self) -> str:
        """What the code is."""
        return self.code.what

    @property
    def parameters(self) -> list[dict[str, Any]] | None:
        """The parameters of its call."""
        return self.code.parameters

    @property
    def numbers(self) -> list[int]:
        """The options that are whole numbers, one of which may be a width."""
        return self.code.numbers

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            Theirs: the code failed.
        """
        self.code.notes.clear()
        try:
            with surroundings(self.dtype):
                return self.code.hessian(request) if "by" in request else self.code.ask(request)
        except Failed as error:
            raise said(error) from None
        finally:
            self.notes.update(self.code.notes)

    def close(self) -> None:
        """Nothing is left to end."""


def said(error: Failed) -> InputError | Theirs:
    """The error that goes with what the code did."""
    if error.kind == "usage":
        return InputError(str(error))
    return Theirs(str(error), error.trace)
