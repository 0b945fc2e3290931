"""How the gallery runs an example: in its quick form, which leaves docs/ alone, as a file."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any


class QuickRun:
    """What sphinx-gallery calls for the arguments of a script; named, so that it can be stored."""

    def __repr__(self) -> str:
        return "QuickRun()"

    def __call__(self, conf: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
        """The arguments."""
        return ["--quick"]


class AsFile:
    """What sphinx-gallery calls before it runs a script, to which it does not say where it is."""

    def __repr__(self) -> str:
        return "AsFile()"

    def __call__(self, conf: Mapping[str, Any], path: str) -> None:
        """Let `__file__` be that of the script."""
        vars(builtins)["__file__"] = path
